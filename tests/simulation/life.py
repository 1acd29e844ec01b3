"""Processes that can die at any await: a loop that counts how often their tasks go on."""

import asyncio
from collections.abc import Callable, Coroutine, Generator, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar, TypeVarTuple, Unpack

from tests.daemon.support import LongLoop

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

ROUNDS_MAX = 100
"""So often is a task cancelled that goes on; the dead do not."""

ASKED_MAX = 2_000_000
"""So often may a simulation ask for the time; each turn of its loop does. Long ones ask 100,000
times, and one in which no time passes any more asks for ever.
"""


class Life:
    """One process: its tasks, whether it lives, and where it dies."""

    def __init__(self, on_death: Callable[[], None]) -> None:
        self.dead = False
        self.died_at = ""
        """Where it died as it was to; empty: it did not, or elsewhere."""

        self._fate: tuple[str, int] | None = None
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self._on_death = on_death

    @contextmanager
    def own(self) -> Iterator[None]:
        """Let all tasks that are made here, and by them, be this process's."""
        token = _LIFE.set(self)
        try:
            yield
        finally:
            _LIFE.reset(token)

    def die_after(self, what: str, count: int) -> None:
        """Let it die when it comes to the nth of something from now on: a `step` is any await."""
        self._fate = (what, count)

    def spare(self) -> None:
        """Let it not die where it was to."""
        self._fate = None

    def come_to(self, what: str) -> None:
        """Take note of where it is; this may be its end. Raises CancelledError."""
        if self._fate is not None and self._fate[0] == what and not self.dead:
            self._fate = (what, self._fate[1] - 1)
            if self._fate[1] <= 0:
                self.died_at = what
                self.die()
        if self.dead:
            raise asyncio.CancelledError

    def die(self) -> None:
        """Do nothing more, from now on."""
        if not self.dead:
            self.dead = True
            self._on_death()

    async def bury(self) -> None:
        """End all that it is at, at this very moment."""
        seen: dict[asyncio.Task[Any], None] = {}
        for _ in range(ROUNDS_MAX):
            if not self._tasks:
                break
            for task in list(self._tasks):
                seen[task] = None
                task.cancel()
            await asyncio.sleep(0)
        else:
            raise AssertionError("something outlives its process")
        await asyncio.gather(*seen, return_exceptions=True)

    def keep(self, task: asyncio.Task[Any]) -> None:
        """Take note of a task of this process."""
        self._tasks[task] = None
        task.add_done_callback(self._drop)

    def _drop(self, task: asyncio.Task[Any]) -> None:
        self._tasks.pop(task, None)


_LIFE: ContextVar[Life | None] = ContextVar("life", default=None)


def own_life() -> Life | None:
    """Return the life of the process that asks; None: it is none of ours."""
    return _LIFE.get()


class _Stepped(Coroutine[Any, Any, T]):
    """A coroutine of a process: each time that it goes on is a step of its life."""

    def __init__(self, life: Life, inner: Coroutine[Any, Any, T] | Generator[Any, None, T]) -> None:
        self._life = life
        self._inner = inner

    def send(self, value: Any) -> Any:
        try:
            self._life.come_to("step")
        except asyncio.CancelledError as end:
            return self._inner.throw(end)
        return self._inner.send(value)

    def throw(self, *thrown: Any) -> Any:
        return self._inner.throw(*thrown)

    def close(self) -> None:
        self._inner.close()

    def __await__(self) -> Generator[Any, Any, T]:
        raise AssertionError("the loop alone runs it")


class EndlessError(Exception):
    """A simulation goes on and on."""


class Loop(LongLoop):
    """Virtual time, on which processes live and die, and that ends even where nobody waits."""

    def __init__(self) -> None:
        super().__init__()
        self.set_task_factory(_made)
        self._asked = 0

    def time(self) -> float:
        self._asked += 1
        if self._asked > ASKED_MAX:
            self._asked = 0  # what is done at the end has its own time
            raise EndlessError(f"it asked for the time {ASKED_MAX} times: somebody never waits")
        return super().time()

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Do at once what is done in a thread: a thread has no part in this time."""
        del executor
        done: asyncio.Future[T] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as problem:  # it is the caller's to handle
            done.set_exception(problem)
        return done


def _made(
    loop: asyncio.AbstractEventLoop,
    work: Coroutine[Any, Any, T] | Generator[Any, None, T],
    **how: Any,
) -> asyncio.Task[T]:
    context = how.get("context")
    life = _LIFE.get() if context is None else context.get(_LIFE)
    if life is None:
        return asyncio.Task(work, loop=loop, **how)
    task: asyncio.Task[T] = asyncio.Task(_Stepped(life, work), loop=loop, **how)
    life.keep(task)
    return task

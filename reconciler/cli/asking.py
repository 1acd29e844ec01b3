"""The scope as a command has it: its lock, or the `run` that holds that and does what it asks.

What a command wants done is a demand (`engine/demands.py`). With the lock it does that itself, else
the `run` does; either way the same value comes of it, and the same code shows it.
"""

import argparse
import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from reconciler.cli.console import Console
from reconciler.cli.scope import LOCK_POLL_S, locked
from reconciler.engine.demands import (
    D,
    Demand,
    Stop,
    answered,
    joined,
    parts_of,
    place_in,
    request_of,
)
from reconciler.errors import LockedError, ReconcilerError, StateError
from reconciler.plan.session import Session
from reconciler.plan.times import rfc3339
from reconciler.state.store import Holder, Store

RUN = "run"
"""The command of a daemon."""

TAKE_S = 5.0
"""So long a `run` has to take a request (design/reconcile.md, "Locking")."""

ANSWER_S = 120.0
"""So long it has to answer what it took, beside the time that stops are given: calls, repeated."""

POLL_S = 0.25
HOLDER_POLL_S = 5.0
"""How often to look whether the `run` is still there; that reads the whole scope."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A scope that this command holds, or that `run` holds; then it is asked."""

    args: argparse.Namespace
    console: Console
    store: Store
    run: Holder | None

    def do(self, demand: Demand, kind: type[D], here: Callable[[], Coroutine[Any, Any, D]]) -> D:
        """Return what comes of a demand: of `here`, where this command holds the lock.

        Raises ReconcilerError for what the `run` refuses, LockedError where it takes no request.
        """
        return asyncio.run(here()) if self.run is None else self.ask(demand, kind)

    def ask(self, demand: Demand, kind: type[D]) -> D:
        """Return what the `run` that holds the scope answers; raises what `do` does."""
        assert self.run is not None  # else nobody is there to ask
        run = self.run
        questions = [_Question(self, run, part) for part in parts_of(demand, self._app_of())]
        try:
            texts = asyncio.run(_answers(questions))
        except KeyboardInterrupt:
            begun = [question.is_begun() for question in questions]
            self.console.note(_BEGUN if any(begun) else _TAKEN_BACK)
            raise
        return joined([answered(text, kind) for text in texts])

    def _app_of(self) -> Callable[[str], str]:
        """Return what tells the App of a Recording; of what is gone, that of its sessions."""
        snapshot = self.store.snapshot(self.args.scope)
        apps = {each.recording: each.app for each in snapshot.sessions}
        apps |= {name: each.app for name, each in snapshot.recorded.items()}
        return lambda name: apps.get(name, "")

    def sessions(self, ids: Collection[str], names: Collection[str]) -> list[Session]:
        """Return the sessions with these ids, of these Recordings, as state has them now."""
        past = (each for name in sorted(names) for each in self.store.past(self.args.scope, name))
        found = {each.session.id: each.session for each in past}
        return [found[each] for each in ids if each in found]


@contextmanager
def held(args: argparse.Namespace, console: Console, store: Store) -> Iterator[Hold]:
    """Hold the scope's lock, unless a `run` has it. Raises LockedError if another command has."""
    with ExitStack() as stack:
        yield Hold(args, console, store, _run_or_lock(args, console, store, stack))


def _run_or_lock(
    args: argparse.Namespace, console: Console, store: Store, stack: ExitStack
) -> Holder | None:
    """Take the lock, waiting as `--lock-timeout` says for what is no `run`, or return that."""
    at_once = argparse.Namespace(**{**vars(args), "lock_timeout": 0.0})
    deadline_s = console.clock.monotonic_s() + args.lock_timeout
    while True:
        try:
            stack.enter_context(locked(at_once, console, store))
        except LockedError:
            if (run := run_of(store, args.scope)) is not None:
                return run
            if console.clock.monotonic_s() >= deadline_s:
                raise
            asyncio.run(console.clock.sleep(LOCK_POLL_S))
        else:
            return None


def run_of(store: Store, scope: str) -> Holder | None:
    """Return the `run` that holds a scope now, if one does."""
    holder = store.snapshot(scope).holder
    return holder if holder is not None and holder.command == RUN else None


@contextmanager
def locked_alone(args: argparse.Namespace, console: Console, store: Store) -> Iterator[None]:
    """Hold the lock for what no `run` does for a command: if one has it, say what it does do."""
    try:
        with locked(args, console, store):
            yield
    except LockedError as problem:
        if run_of(store, args.scope) is None:
            raise
        raise LockedError(str(problem), hint=_BESIDE_A_RUN) from None


_BESIDE_A_RUN = (
    "a `run` acts on its own specs: change those, or use `stop`, `suspend`, `resume`, `import`, "
    "`forget` and `approve`, which it carries out; or end it first"
)


async def _answers(questions: Sequence["_Question"]) -> list[str]:
    """Return all answers; where one is missing, raise why once nobody waits for any other."""
    answers = await asyncio.gather(*(each.text() for each in questions), return_exceptions=True)
    texts = []
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
        texts.append(answer)
    return texts


class _Question:
    """One request that is left for a `run`, until it is answered."""

    def __init__(self, hold: Hold, run: Holder, demand: Demand) -> None:
        self._hold = hold
        self._run = run
        self._demand = demand
        self._clock = hold.console.clock
        self._number = 0

    async def text(self) -> str:
        """Return the answer; leave no request behind that nobody waits for."""
        store, scope = self._hold.store, self._hold.args.scope
        self._number = store.ask(scope, request_of(self._demand, self._clock.now_s()))
        try:
            first = await self._taken()
        except StateError:
            with suppress(StateError):
                store.withdraw(self._number)
            raise
        place = place_in(first)
        return first if place is None else await self._last(place)

    def is_begun(self) -> bool:
        """Take the request back; tell whether it is too late for that."""
        self._hold.store.withdraw(self._number)
        return self._hold.store.answer(self._number) is not None

    async def _last(self, place: int) -> str:
        timeout_s = self._demand.timeout_s if isinstance(self._demand, Stop) else 0.0
        text = await self._read(place, timeout_s + ANSWER_S)
        if text is None:
            message = f"the {self._who()} has begun it, and has not said what came of it in time"
            raise ReconcilerError(message, hint=_LOOK)
        return text

    async def _taken(self) -> str:
        """Return the first answer. Raises LockedError where there is none."""
        text = await self._read(self._number, TAKE_S)
        if text is None and self.is_begun():
            text = self._hold.store.answer(self._number)
        if text is not None:
            return text
        if not self._is_there():
            message = f"the {self._who()} ended before it took the request"
            raise LockedError(message, hint="run the command again")
        scope, since = self._hold.args.scope, rfc3339(self._run.since_s)
        message = (
            f"the {self._who()} holds the scope `{scope}` since {since}, and did not take the "
            f"request within {TAKE_S:g} s; it was taken back"
        )
        raise LockedError(message, hint=_NOT_TAKEN)

    async def _read(self, number: int, seconds: float) -> str | None:
        """Wait for the answer to a request; return None if there is none in time."""
        began_s = looked_s = self._clock.monotonic_s()
        while (text := self._hold.store.answer(number)) is None:
            now_s = self._clock.monotonic_s()
            if now_s - began_s > seconds:
                return None
            if now_s - looked_s > HOLDER_POLL_S:
                looked_s = now_s
                self._check_it_is_there()
            await self._clock.sleep(POLL_S)
        return text

    def _check_it_is_there(self) -> None:
        if not self._is_there():
            message = f"the {self._who()} ended before it said what came of it"
            raise ReconcilerError(message, hint=_LOOK)

    def _is_there(self) -> bool:
        """Tell whether a `run` holds the scope still; one that follows answers for it."""
        return run_of(self._hold.store, self._hold.args.scope) is not None

    def _who(self) -> str:
        return f"`{RUN}` on host `{self._run.host}`, process {self._run.process},"


_LOOK = "`reconciler status` and `reconciler events` show how things are"
_BEGUN = f"The `run` has begun it and goes on; {_LOOK}."
_TAKEN_BACK = "The request was taken back; nothing was done."
_NOT_TAKEN = (
    "its log says what it is at; it may be reading its specs for the first time: then ask again"
)

"""Who takes requests from state, so that each is carried out once, and answers them.

A request is taken first: its answer is the number of a second one, which the holder leaves itself
and answers when all is done. The first answer to a request is the only one, so of several `run`s
one takes it, and none takes what was taken back. What was taken and nobody works on is left from a
`run` that ended.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from traceback import extract_tb
from weakref import WeakValueDictionary

from reconciler.engine.demands import (
    APPROVE,
    digest_in,
    failed_text,
    is_taken,
    names_in,
    taken,
    taken_text,
)
from reconciler.engine.requests import Holder, carry_out
from reconciler.errors import LockedError, ReconcilerError, StateError
from reconciler.state.store import Answer, Request

WAITED_S_MAX = 30.0
"""Older requests are those of commands that were killed: others wait 5 s to be taken."""

ELSEWHERE_S = 3.0
"""So long another `run` has to know the plan that is approved, before one that does not says so."""

END_S = 1.5
"""So long requests have to end when the `run` does, which has 10 s for all."""

log = logging.getLogger(__name__)


class Attendant:
    """The requests of one scope, for the `run` that holds it."""

    def __init__(self, holder: Holder) -> None:
        self._holder = holder
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def look(self) -> None:
        """Take every new request that is the holder's to carry out, and begin with it.

        To be called every second or so. Raises StateError.
        """
        records = self._holder.site.records
        for number, request in records.store.requests(records.scope):
            if number not in self._tasks and self._is_ours(request):
                await self._begin(number, request)

    def _is_ours(self, request: Request) -> bool:
        """Tell whether to take a request; an approval goes to who holds the plan, if anybody."""
        if request.command == APPROVE and not self._holder.holds(digest_in(request)):
            return self._holder.site.now_s() - request.created_s > ELSEWHERE_S
        return self._holder.owns(names_in(request))

    async def end(self) -> None:
        """Answer all that was begun: soon, once the Site's halt is ordered; the rest is given up.

        What is given up is recorded as at a crash, and answered so.
        """
        tasks = [*self._tasks.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=END_S)
            late = [task for task in tasks if not task.done()]
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _begin(self, number: int, request: Request) -> None:
        if is_taken(request):  # whoever owned its Recordings then does so no more
            if names_in(request):
                await self._answer(number, _LEFT)
        elif self._holder.site.now_s() - request.created_s > WAITED_S_MAX:
            await self._answer(number, _WAITED)
        else:
            place = await self._take(number, request)
            if place is not None:
                self._tasks[place] = asyncio.create_task(self._serve(place, request))

    async def _take(self, number: int, request: Request) -> int | None:
        """Return the number of the request that is to be answered; None: it is not ours."""
        records = self._holder.site.records
        store = records.store
        place = store.ask(records.scope, taken(request))
        await self._answer(number, taken_text(place))
        if store.answer(number) == taken_text(place):
            return place
        store.withdraw(place)
        return None

    async def _serve(self, place: int, request: Request) -> None:
        fields = {"request": place, "command": request.command}
        log.info("a request is carried out", extra=fields)
        text = _ENDED
        try:
            text = await self._carried_out(request)
        finally:
            del self._tasks[place]
            try:
                await self._answer(place, text)
            except StateError as problem:
                why = {**fields, "problem": str(problem)}
                log.warning("a request could not be answered", extra=why)

    async def _carried_out(self, request: Request) -> str:
        try:
            async with self._in_turn(request):
                return await carry_out(self._holder, request)
        except Exception as bug:  # a request must not end the `run`
            last = extract_tb(bug.__traceback__)[-1]
            place = f"{last.filename.rpartition('/')[2]}:{last.lineno}"
            fields = {"error": type(bug).__name__, "at": place}
            log.exception(
                "a request failed unexpectedly: this is a bug in reconciler", extra=fields
            )
            return _BUG

    @asynccontextmanager
    async def _in_turn(self, request: Request) -> AsyncIterator[None]:
        """Wait for what is carried out for the same Recordings; an override is one commit."""
        names = () if request.command in {"suspend", "resume"} else names_in(request)
        async with AsyncExitStack() as turns:
            for name in sorted(set(names)):  # in one order, so that no two wait for each other
                turn = self._turns.setdefault(name, asyncio.Lock())
                await turns.enter_async_context(turn)
            yield

    async def _answer(self, number: int, text: str) -> None:
        site = self._holder.site
        await site.records.commit(Answer(request=number, text=text, answered_s=site.now_s()))


_LEFT = failed_text(
    ReconcilerError(
        "the `run` that began it ended, or lost its state, before it could say what came of it",
        hint="`reconciler status` and `reconciler events` show how things are",
    )
)
_ENDED = failed_text(
    ReconcilerError(
        "the `run` was ended before it was done; what was begun is recorded, and the next run or "
        "apply goes on from there",
        hint="`reconciler status` and `reconciler events` show how things are",
    )
)
_WAITED = failed_text(
    LockedError(
        f"the request is more than {WAITED_S_MAX:g} s old, so nobody waits for it",
        hint="if it was made just now, the clock of this machine and that of the `run` differ",
    )
)
_BUG = failed_text(
    ReconcilerError(
        "the `run` could not carry it out. This is a bug in reconciler; please report it with the "
        "lines in the log of the `run`."
    )
)

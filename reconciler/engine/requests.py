"""What a `run` does for the commands that work while it holds the scope (reconcile.md, "Locking").

Nothing here believes the command: what it asks for is looked at anew, and what is wrong with it is
an answer. Who takes requests from state, and when, is `attendant.py`'s.
"""

from collections.abc import AsyncIterator, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol, assert_never

from reconciler.engine.adopt import Adoption, adopt
from reconciler.engine.apply import PARALLELISM, Limits
from reconciler.engine.demands import (
    DIGEST,
    Approve,
    Approved,
    Demand,
    Done,
    Forget,
    Forgotten,
    Imported,
    Resume,
    Stop,
    Stopped,
    StopResult,
    Suspend,
    demand_of,
    done_text,
    failed_text,
)
from reconciler.engine.overrides import check_known, override
from reconciler.engine.quell import Quell, plan_stops
from reconciler.engine.release import known_names, let_go, living, orphans
from reconciler.engine.site import Site
from reconciler.errors import ReconcilerError, UsageError
from reconciler.plan.action import Key
from reconciler.plan.result import Problem, Result
from reconciler.plan.session import Session
from reconciler.state.store import Request

STOP_TIMEOUT_S_MAX = 3600.0
"""No stop keeps the passes of its Recordings waiting for longer."""


class Holder(Protocol):
    """The `run` that holds the scope, as far as requests need it."""

    @property
    def site(self) -> Site:
        """Return its Site as it is now."""
        ...

    def owns(self, names: Collection[str]) -> bool:
        """Tell whether all these Recordings are its own; `run`s may share a scope. Of none: yes."""
        ...

    def alone(self, names: Collection[str]) -> AbstractAsyncContextManager[None]:
        """Keep passes over these Recordings from running, once those that run have ended."""
        ...

    def wake(self, names: Collection[str]) -> None:
        """Let passes over these Recordings run as soon as they may."""
        ...

    def holds(self, digest: str) -> bool:
        """Tell whether its guard holds a plan whose digest begins so."""
        ...

    def approve(self, digest: str) -> str:
        """Lift the guard from the one plan whose digest begins so; return why not, else nothing."""
        ...


async def carry_out(holder: Holder, request: Request) -> str:
    """Do what a request asks for; return the answer, which may be why nothing was done."""
    try:
        return done_text(await _done(holder, demand_of(request)))
    except ReconcilerError as problem:
        return failed_text(problem)


async def _done(holder: Holder, demand: Demand) -> Done:
    match demand:
        case Suspend() | Resume():
            return await _override(holder, demand)
        case Stop():
            return await _stop(holder, demand)
        case Forget():
            return await _forget(holder, demand)
        case Adoption():
            return await _import(holder, demand)
        case Approve():
            return _approve(holder, demand)
        case _:
            assert_never(demand)


@asynccontextmanager
async def _alone(holder: Holder, names: Collection[str]) -> AsyncIterator[Site]:
    """Keep passes away; whatever comes of it, they go on at once afterwards."""
    try:
        async with holder.alone(names):
            yield holder.site
    finally:
        holder.wake(names)


async def _override(holder: Holder, demand: Suspend | Resume) -> Done:
    """Write an override: one commit that no pass can come between, so nobody has to wait."""
    site = holder.site
    done = await override(site.records, demand, site.now_s())
    holder.wake(demand.names)
    return done


async def _stop(holder: Holder, demand: Stop) -> Done:
    records = holder.site.records
    sessions = (each.recording for each in records.all_sessions())
    check_known(demand.names, {*records.recorded, *sessions})
    limits = Limits(
        timeout_s=min(demand.timeout_s, STOP_TIMEOUT_S_MAX),
        parallelism=min(max(demand.parallelism, 1), PARALLELISM),
    )
    async with _alone(holder, demand.names) as site:
        plan = plan_stops(site, demand.names, refuses_observed=True)
        work = Quell(site, plan, _Unheard(), limits)
        await work.run()
    results = sorted(work.results, key=lambda each: (each.key.recording, each.key.replica))
    return Stopped(tuple(map(_told, results)))


class _Unheard:
    """Tells nobody: the command that asks is another process."""

    def begin(self, total: int, pairs: int, rate: float) -> None:
        """Tell nobody."""

    def doing(self, key: Key, what: str) -> None:
        """Tell nobody."""

    def done(self, result: Result) -> None:
        """Tell nobody."""

    def calls(self, made: int) -> None:
        """Tell nobody."""

    def say(self, text: str) -> None:
        """Tell nobody."""

    def end(self) -> None:
        """Tell nobody."""


def _told(result: Result) -> StopResult:
    return StopResult(
        recording=result.key.recording,
        replica=result.key.replica,
        kind=result.kind,
        outcome=result.outcome,
        error=result.error,
        session=result.session.id if result.session else "",
        seconds=result.seconds,
    )


async def _forget(holder: Holder, demand: Forget) -> Done:
    _forgettable(holder.site, demand)  # or nobody need wait for anything
    async with _alone(holder, demand.names) as site:
        sessions = _forgettable(site, demand)
        await let_go(site, () if demand.orphan else demand.names, sessions)
    return Forgotten(tuple(each.id for each in sessions))


def _forgettable(site: Site, demand: Forget) -> list[Session]:
    """Return what is to be let go of. Raises UsageError where something is not there."""
    if not demand.orphan:
        check_known(demand.names, known_names(site.records))
        return living(site.records, demand.names)
    lost = orphans(site.records, demand.orphan, site.now_s())
    if not any(each.recording in demand.names for each in lost):
        hint = "`reconciler status` lists those that there are"
        raise UsageError(f"there is no orphan `{demand.orphan}` any more", hint=hint)
    return [each for each in lost if each.recording in demand.names]


async def _import(holder: Holder, demand: Adoption) -> Done:
    _check_wanted(holder.site, demand)
    async with _alone(holder, [demand.recording]) as site:
        _check_wanted(site, demand)  # the specs may have been read anew meanwhile
        return await take_over(site, demand)


async def take_over(site: Site, demand: Adoption) -> Imported:
    """Adopt a session; where that cannot be, raise ReconcilerError with why."""
    session = await adopt(site, demand)
    if isinstance(session, Problem):
        raise ReconcilerError(f"nothing was imported: {session.message}", hint=session.hint)
    return Imported(session.id)


_OBSERVE = "add its manifest there, with `policy: {manage: observe}` until the import is done"


def _check_wanted(site: Site, demand: Adoption) -> None:
    """Raise UsageError where this `run` does not want what is to be taken over."""
    wanted = site.specs.wanted.get(demand.recording)
    if wanted is None:
        text = f"the `run` reads no Recording `{demand.recording}` from its specs"
        raise UsageError(text, hint=_OBSERVE)
    if wanted.error:
        text = f"the manifest of `{demand.recording}` has errors where the `run` reads it"
        raise UsageError(text, hint="mend it there; `reconciler status` says what the `run` sees")
    if not 0 <= demand.replica < wanted.terms.replicas:
        text = f"the `run` wants no replica {demand.replica} of `{demand.recording}`"
        raise UsageError(text, hint=f"its spec asks for `replicas: {wanted.terms.replicas}`")
    if not (demand.uid and demand.resource_id and demand.sid):
        raise UsageError("a request to import names a uid, a resource ID and a sid")
    if demand.started_s is not None and demand.started_s > site.now_s():
        hint = "compare the clock of this machine with that of the `run`"
        raise UsageError("`--started-at` is in the future", hint=hint)


def _approve(holder: Holder, demand: Approve) -> Done:
    if not DIGEST.fullmatch(demand.digest):
        raise UsageError("what is to be approved is named by a plan's digest", hint=_GUARDED)
    obstacle = holder.approve(demand.digest)
    if obstacle:
        raise ReconcilerError(obstacle, hint=_GUARDED)
    return Approved()


_GUARDED = "`reconciler status` shows what a guard holds, with the digest to approve"

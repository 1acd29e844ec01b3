"""One pass over one Recording: the function to show a visitor.

Level-based: it reads what is, and never asks what happened. `plan`, `apply` and the daemon share
the decision; a pass carries out the next step of it and says when to come back.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, assert_never

from reconciler.agora.failures import Meaning
from reconciler.engine import stop as stopping
from reconciler.engine.change import change
from reconciler.engine.differ import Differ
from reconciler.engine.observe import observe
from reconciler.engine.outcome import Done, Outcome, RequeueAfter, Retry, Stalled
from reconciler.engine.places import free_now, is_full
from reconciler.engine.refuse import refused
from reconciler.engine.settle import settle
from reconciler.engine.site import RESYNC_S, Site
from reconciler.engine.start import Order, start, unready
from reconciler.engine.tell import WARNING, event
from reconciler.plan.action import Action, Key, Kind
from reconciler.plan.applied import freeze, sealed_text
from reconciler.plan.capacity import needs_place
from reconciler.plan.decide import decide_recording
from reconciler.plan.looks import next_look_s, next_stop_s
from reconciler.plan.reasons import Reason
from reconciler.plan.recorded import terms_of
from reconciler.plan.result import Problem
from reconciler.plan.running import is_forced
from reconciler.plan.session import REACHABLE, End, Phase, Session
from reconciler.plan.world import EQUAL, World
from reconciler.spec.mapping import Change as Effect
from reconciler.state.store import SetSession

Problems = Mapping[Key, Problem]


class Pass(NamedTuple):
    """How one pass ended, what it set out to do, and which replicas had problems."""

    outcome: Outcome
    problems: Problems
    actions: tuple[Action, ...]


async def reconcile(site: Site, differ: Differ, name: str, held: Collection[Key] = ()) -> Pass:
    """Observe, decide, act, record; return how it ended.

    Replicas that are `held` are left alone, but for what has to end. Raises StateError where state
    cannot be written: nothing that changes anything follows then.
    """
    await settle(site, name)
    await observe(site, name)
    decided = next_actions(site, differ, name)
    actions = [each for each in decided if each.key not in held or each.kind is Kind.STOP]
    actions = [refused(differ, each, site.now_s()) for each in actions if site.lets(each)]
    problems: dict[Key, Problem] = {}
    for action in actions:
        if _lost_place(site, action):
            continue  # the next pass says so
        problem = await _act(site, differ, action)
        if problem is not None:
            problems[action.key] = problem
    return Pass(_outcome(site, name, actions, problems), problems, tuple(actions))


def _lost_place(site: Site, action: Action) -> bool:
    """Tell whether its place was taken while another replica was worked on."""
    return needs_place(action) and is_full(site, site.specs.desired(action.key.recording))


def next_actions(site: Site, differ: Differ, name: str) -> tuple[Action, ...]:
    """Return the next action of each replica of a Recording, as things are now."""
    world = world_of(site, differ, name)
    wanted = world.wanted.get(name)
    return decide_recording(world, name, free_now(site, wanted.app) if wanted else {})


def world_of(site: Site, differ: Differ, name: str) -> World:
    """Return the world as far as one Recording is concerned."""
    now_s = site.now_s()
    sessions = differ.as_planned(site.records.sessions_of(name), now_s)
    specs, recorded = site.specs.wanted, site.records.recorded
    return World(
        scope=site.records.scope,
        now_s=now_s,
        at_s=now_s if site.at_s is None else site.at_s,
        wanted={name: specs[name]} if name in specs else {},
        recorded={name: recorded[name]} if name in recorded else {},
        sessions=sessions,
        apps=site.apps.facts(),
        comparisons=differ.comparisons(sessions, now_s),
        options=site.options,
    )


async def _act(  # noqa: PLR0911  # one return for each kind
    site: Site, differ: Differ, action: Action
) -> Problem | None:
    """Carry out one action; every kind has its place here."""
    match action.kind:
        case Kind.START:
            return _UNSETTLED if action.session else await start(site, _order(action))
        case Kind.RESTART:
            return await _restart(site, action)
        case Kind.REPLACE | Kind.ROTATE:
            return await _replace(site, action)
        case Kind.UPDATE | Kind.UPDATE_LAYOUT | Kind.UPDATE_AND_LAYOUT:
            return await _change(site, differ, action)
        case Kind.STOP:
            return await _stop(site, action)
        case Kind.NONE:
            await _rest(site, differ, action)
            return None
        case Kind.ERROR:
            problem = await _change(site, differ, action) if action.groups else None
            return problem or Problem(action.reason, action.message)
        case Kind.WAIT:
            return None
        case _:
            assert_never(action.kind)


_UNSETTLED = Problem(
    "start-unsettled",
    "an earlier run may have started it, and it cannot be asked now: nothing is started beside it",
    "mend what keeps its App from being called",
)


def _order(action: Action, replaces: str = "") -> Order:
    return Order(recording=action.key.recording, replica=action.key.replica, replaces=replaces)


def _session(site: Site, action: Action) -> Session | None:
    known = {session.id: session for session in site.records.sessions_of(action.key.recording)}
    return known.get(action.session)


async def _restart(site: Site, action: Action) -> Problem | None:
    """Start anew; what did not come up is told to stop first, and its uid stays taken."""
    session = _session(site, action)
    if session is not None and session.phase in REACHABLE and session.stop_asked_s is None:
        await stopping.stop(site, session, End.UNCONFIRMED)
    return await start(site, _order(action))


async def _replace(site: Site, action: Action) -> Problem | None:
    if not action.stop_first:
        return await start(site, _order(action, action.session))
    session = _session(site, action)
    if session is not None and is_forced(session, site.now_s()):
        return await _stop(site, action)  # whatever becomes of a successor
    return unready(site, _order(action)) or await _stop(site, action)


async def _change(site: Site, differ: Differ, action: Action) -> Problem | None:
    session = _session(site, action)
    if session is None:
        return None
    desired = differ.for_session(session, site.now_s())
    problem = await change(site, session, desired, action.groups)
    if problem is not None and problem.code == Meaning.GONE_OR_MOVING:
        return None  # it is missing now: what it did not take is sent again once it is found
    after = _session(site, action)
    if problem is None and after is not None and _agrees(site, differ, after):
        await _agreed(site, differ, after)
    return problem


def _agrees(site: Site, differ: Differ, session: Session) -> bool:
    """Tell whether all that is left to change concerns no running session."""
    left = differ.comparisons([session], site.now_s()).get(session.id, EQUAL)
    is_local = all(change.effect is Effect.LOCAL for change in left.changes)
    return is_local and not left.ignored


async def _agreed(site: Site, differ: Differ, session: Session) -> None:
    """Take note that a session has all that the specs ask of it, and that its keys are fresh."""
    now_s = site.now_s()
    session = await _hashed_anew(site, differ, session)
    wanted = site.specs.wanted[session.recording]
    is_due = differ.is_due(session, wanted.terms, now_s)
    credentials_s = now_s if is_due else session.credentials_s
    if (session.digest, session.credentials_s) != (wanted.digest, credentials_s):
        after = replace(session, digest=wanted.digest, credentials_s=credentials_s)
        await site.records.commit(SetSession(session=after))


async def _hashed_anew(site: Site, differ: Differ, session: Session) -> Session:
    """Hash anew what another key of state hashed (design/reconcile.md, "Secrets in state")."""
    resealed = differ.resealed(session, site.now_s())
    if resealed is None:
        return session
    after = replace(session, sealed=sealed_text(resealed))
    await site.records.commit(SetSession(session=after, applied=freeze(resealed)))
    return after


async def _stop(site: Site, action: Action) -> Problem | None:
    session = _session(site, action)
    if session is None or action.end is None:
        return None
    is_sync = _is_synchronous(site, session)
    problem = await stopping.stop(site, session, action.end, synchronous=is_sync)
    if problem is None or problem.code not in _PASSING:
        return problem
    told = event(session.recording, WARNING, "stop-failed", problem.message, site.now_s())
    await site.records.commit(told)
    return None


_PASSING = frozenset({Meaning.BUSY, Meaning.UNREACHED, Meaning.THROTTLED, Meaning.UNKNOWN})
"""Failures of a stop that are no problem yet: it is sent again (invariant 3)."""


def _is_synchronous(site: Site, session: Session) -> bool:
    """Tell whether a stop waits for the files; what is gone ends as was last recorded of it."""
    wanted = site.specs.wanted.get(session.recording)
    recorded = site.records.recorded.get(session.recording)
    if wanted is not None and not wanted.error:
        return wanted.terms.policy.stop == "sync"
    return recorded is not None and terms_of(recorded.terms).policy.stop == "sync"


async def _rest(site: Site, differ: Differ, action: Action) -> None:
    """Record that a session agrees with its spec, or let go of what is only forgotten."""
    session = _session(site, action)
    if session is None:
        return
    if action.reason in {Reason.FORGOTTEN, Reason.LEFT_RUNNING}:
        await stopping.forget(site, session)
    elif action.reason in {Reason.RECORDED, Reason.IN_SYNC}:
        await _agreed(site, differ, session)
    elif action.reason in {Reason.IGNORED, Reason.DEFERRED}:
        await _hashed_anew(site, differ, session)


def _outcome(site: Site, name: str, actions: Sequence[Action], problems: Problems) -> Outcome:
    stalled = [action.key for action in actions if action.kind is Kind.ERROR]
    if stalled:
        return Stalled(problems[stalled[0]])
    if problems:
        return Retry(next(iter(problems.values())))
    if (unreachable := _unreachable(site, name)) is not None:
        return Retry(unreachable)
    now_s = site.now_s()
    sessions = site.records.sessions_of(name)
    due_s = [due for session in sessions if (due := due_at_s(site, session))]
    # A wait that should be over goes on for want of an answer, and is over with the next look.
    waits = (action.until_s or 0.0 for action in actions if action.kind is Kind.WAIT)
    due_s += [until_s for until_s in waits if until_s > now_s]
    if any(action.is_change for action in actions):
        due_s = due_s or [now_s]
    if not due_s:
        waiting = next((each for each in actions if each.kind is Kind.WAIT), None)
        if waiting is None:
            return Done()
        return Retry(Problem(waiting.reason, waiting.message))
    reason = next((action.reason for action in actions if action.kind is not Kind.NONE), "")
    return RequeueAfter(max(min(due_s), now_s), reason)


def _unreachable(site: Site, name: str) -> Problem | None:
    """Return why a session that is to be looked at cannot be called."""
    waiting = (each for each in site.records.sessions_of(name) if due_at_s(site, each) is not None)
    clients = (site.apps.client_of(each) for each in waiting)
    return next((client for client in clients if isinstance(client, Problem)), None)


def due_at_s(site: Site, session: Session) -> float | None:
    """Return when something that is under way wants to be looked at; None for what is settled.

    That it was to be stopped is settled where `manage` is `observe` by now.
    """
    if session.phase not in REACHABLE:
        return None
    stops = bool(session.stop_reason) and not _is_observed(site, session.recording)
    if session.phase is Phase.RUNNING and not stops:
        return None
    times = (next_look_s(session, RESYNC_S), next_stop_s(session) if stops else None)
    return min((each for each in times if each is not None), default=None)


def _is_observed(site: Site, name: str) -> bool:
    """Tell whether the policy that holds says so, as `plan/slots.py` has it."""
    wanted = site.specs.wanted.get(name)
    is_sound = wanted is not None and not wanted.error
    terms = wanted.terms if wanted is not None and is_sound else site.records.terms(name)
    return terms is not None and terms.policy.manage == "observe"

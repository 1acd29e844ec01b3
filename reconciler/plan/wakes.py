"""When a Recording is to be looked at again, if nothing is heard of it before. Pure.

The daemon asks after each pass. What decides is a function of values and of the time alone, so the
moments at which the time makes a difference can be told beforehand; between two of them a pass
would decide the same and find nothing to ask.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain

from reconciler.plan.action import Action, Key
from reconciler.plan.backoff import next_start_s
from reconciler.plan.expiry import forced_stop_s, margin_s, rotate_at_s
from reconciler.plan.life import UNCONFIRMED_S, begun_s
from reconciler.plan.looks import STOP_TAKEN_GAP_S, next_look_s, next_stop_s
from reconciler.plan.session import REACHABLE, End, Phase, Session
from reconciler.plan.slots import policy_of
from reconciler.plan.wants import want
from reconciler.plan.world import World

CREDENTIALS_MARGIN_S = 600.0
"""Storage credentials that end are resolved anew so long before (as `engine/differ.py` does)."""


def next_wake_s(
    world: World,
    actions: Iterable[Action],
    resync_s: Callable[[Session], float],
    since_s: float | None = None,
) -> float | None:
    """Return when to look at the Recording of this world again (Unix time); None: at no time.

    `actions` are its next ones, `resync_s` is how often a running session is queried. `since_s` is
    when the pass began that has just ended (None: now). Only later moments count, also those that
    came while it ran: what was due when it began it has acted on, or it failed, and comes back by
    its back-off. So no moment brings about more than one pass that begins after it, and what
    nobody can act on makes no loop.
    """
    after_s = world.now_s if since_s is None else since_s
    then = replace(world, at_s=after_s)
    moments = chain(
        (action.until_s for action in actions),
        (want(then, Key(name)).until_s for name in world.wanted),
        chain.from_iterable(_moments(world, each, resync_s(each)) for each in world.sessions),
    )
    return min((each for each in moments if each is not None and each > after_s), default=None)


def credentials_due_s(session: Session, refresh_s: float) -> float | None:
    """Return when the storage credentials of a session are to be resolved anew; None: at no time.

    Those of programs and files are, after `refresh` or before they end (design/spec-format.md).
    """
    if session.phase not in REACHABLE or session.credentials_s is None:
        return None
    due_s = session.credentials_s + refresh_s
    if session.credentials_end_s is None:
        return due_s
    return min(due_s, session.credentials_end_s - CREDENTIALS_MARGIN_S)


def _moments(world: World, session: Session, resync_s: float) -> Iterator[float | None]:
    """Yield every moment from which on a session is decided upon otherwise, or is to be asked."""
    always = policy_of(world, session.recording).restart == "always"
    yield next_look_s(session, resync_s)
    yield next_stop_s(session)
    yield next_start_s(session)
    yield rotate_at_s(session, restarts_always=always)
    yield forced_stop_s(session)
    if session.phase in REACHABLE:
        yield from _ends(session)
    if session.stop_taken_s is not None:
        yield session.stop_taken_s + STOP_TAKEN_GAP_S
    if session.phase is Phase.STARTING:
        yield begun_s(session) + UNCONFIRMED_S
        yield next_start_s(replace(session, stop_reason=End.UNCONFIRMED))
    wanted = world.wanted.get(session.recording)
    if wanted is not None and not wanted.error:
        yield credentials_due_s(session, wanted.terms.refresh_s)


def _ends(session: Session) -> Iterator[float]:
    """Yield each end of a session, and when the last third of the margin before it begins.

    From then on a rotation no longer waits for a place (`expiry.in_last_third`).
    """
    for end_s in (session.resource_ends_s, session.token_ends_s, session.duration_ends_s):
        if end_s is not None:
            yield end_s
            if session.started_s is not None:
                yield end_s - margin_s(end_s - session.started_s) / 3

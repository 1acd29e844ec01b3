"""One replica of a Recording with all that planning knows of it: what `decide.py` decides on."""

from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.plan.action import Action, Cause, Key, Kind
from reconciler.plan.life import SETTLED, past_reach
from reconciler.plan.reasons import Reason
from reconciler.plan.recorded import terms_of
from reconciler.plan.session import End, Phase, Session
from reconciler.plan.wants import Want, want
from reconciler.plan.world import EQUAL, Comparison, World
from reconciler.spec.desired import Policy


@dataclass(frozen=True, slots=True)
class Slot:
    """One replica.

    `current` are its live sessions that may go on, oldest first; `ending` those that were asked to
    stop, or are to be. `orphan` is the newest that is out of reach, `last` the one that ended last,
    `claimed` one whose uid is taken and for which nothing was sent yet.
    """

    world: World
    key: Key
    want: Want
    policy: Policy
    current: tuple[Session, ...]
    ending: tuple[Session, ...]
    orphan: Session | None
    last: Session | None
    claimed: Session | None

    @property
    def name(self) -> str:
        """Return how messages call it."""
        return f"`{self.key}`"

    @property
    def digest(self) -> str:
        """Return the digest of what is desired, empty for what is gone."""
        wanted = self.world.wanted.get(self.key.recording)
        return wanted.digest if wanted else ""

    def comparison(self, session: Session) -> Comparison:
        """Return what differs between a session and what is desired."""
        return self.world.comparisons.get(session.id, EQUAL)

    def act(self, kind: Kind, reason: Reason, message: str, cause: Cause = Cause.SPEC) -> Action:
        """Make an action about this replica, of a sentence that begins with its verb."""
        return Action(key=self.key, kind=kind, reason=reason, message=message, cause=cause)


def slots_of(world: World, name: str, sessions: Iterable[Session]) -> list[Slot]:
    """Return the replicas of a Recording: those desired, and those that have sessions, in order."""
    by_replica: dict[int, list[Session]] = {}
    for session in sessions:
        by_replica.setdefault(session.replica, []).append(session)
    wanted = world.wanted.get(name)
    replicas = range(wanted.terms.replicas if wanted and not wanted.error else 0)
    return [
        _slot(world, Key(name, replica), by_replica.get(replica, []))
        for replica in sorted({*replicas, *by_replica})
    ]


def is_out_of_reach(session: Session, now_s: float) -> bool:
    """Tell whether it may live where no call reaches it (design/reconcile.md, "expiry")."""
    return session.is_orphan or (session.may_live and past_reach(session, now_s))


def policy_of(world: World, name: str) -> Policy:
    """Return the policy that holds: for what is gone, the one last recorded."""
    wanted, recorded = world.wanted.get(name), world.recorded.get(name)
    if wanted is not None and not wanted.error:
        return wanted.terms.policy
    return terms_of(recorded.terms).policy if recorded else Policy()


def names_of(world: World) -> list[str]:
    """Return the Recordings that a plan is about, in order.

    Those wanted, those recorded, and those of which only a session is left that has to end: it is
    stopped until it is known to have ended (design/reconcile.md, invariant 3).
    """
    ending = (each.recording for each in world.sessions if each.stop_reason and each.may_live)
    return sorted({*world.wanted, *world.recorded, *ending})


def _slot(world: World, key: Key, sessions: list[Session]) -> Slot:
    lost = [session for session in sessions if is_out_of_reach(session, world.now_s)]
    live = [session for session in sessions if session.may_live and session not in lost]
    live.sort(key=_age)
    ended = [session for session in sessions if session.phase in SETTLED]
    return Slot(
        world,
        key,
        want(world, key),
        policy_of(world, key.recording),
        tuple(session for session in live if not session.stop_reason),
        tuple(session for session in live if session.stop_reason),
        max(lost, key=_age, default=None),
        _last(ended),
        next((session for session in sessions if session.phase is Phase.NONE), None),
    )


def _last(ended: list[Session]) -> Session | None:
    """Return the one that ended last, or what was begun after it and has failed.

    An orphan that was found, forgotten or is over, a start that was given up, and a predecessor
    that was stopped in the end were on their way out: the failures of what was tried since count on
    (reconcile.md, "expiry" and "Orphans").
    """
    last = max(ended, key=_end, default=None)
    if last is None or last.end_reason not in _ON_THE_WAY_OUT:
        return last
    return max((each for each in ended if _age(each) > _age(last)), key=_age, default=last)


_ON_THE_WAY_OUT = frozenset(
    {End.REPLACED, End.ROTATED, End.UNWANTED, End.UNCONFIRMED, End.UNSEEN, End.FORGOTTEN}
)


def _age(session: Session) -> tuple[float, str]:
    return (session.created_s, session.id)


def _end(session: Session) -> tuple[float, float, str]:
    return (session.ended_s or session.created_s, *_age(session))

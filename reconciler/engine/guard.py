"""What a `run` may end without being told that it is meant (design/reconcile.md, "Guards").

A whole plan is judged, with what was ended in the last ten minutes. What was not judged is not
done; what is held stays held until the specs change or somebody approves exactly that plan.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from reconciler.engine.records import Records
from reconciler.plan.action import Action, Key, Kind, Plan
from reconciler.plan.guards import Objection, counted, ends_at_will, objection
from reconciler.plan.session import End, Session
from reconciler.plan.world import World

GUARDED = "Guarded"
"""The condition of a replica for which a guard holds what would end its session."""

WINDOW_S = 600.0
"""What was ended so long ago counts with what is to be ended now."""

SKEW_S = 3600.0
"""Ends may be told by the service's clock, which this host's may be ahead of by so much."""

DIGESTS_MAX = 64
"""A plan that is held changes its digest while all else goes on; so many of them are known."""

_ENDS = frozenset({End.REMOVED, End.SUSPENDED, End.SURPLUS, End.REPLACED})
"""Ends that tell by themselves that they counted; that of a window need not have."""

_Sign: TypeAlias = tuple[Key, Kind, str]


@dataclass(frozen=True, slots=True)
class Held:
    """What is held: why, by whose plan, and what it would do to which replicas."""

    objection: Objection
    digest: str
    actions: Mapping[Key, Action]

    @property
    def names(self) -> set[str]:
        """Return the Recordings that are held."""
        return {key.recording for key in self.actions}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What may be done, what is held, and what of it was held under which digests."""

    let: frozenset[_Sign] = frozenset()
    held: Held | None = None
    digests: Mapping[str, frozenset[_Sign]] = field(default_factory=dict)


@dataclass(slots=True)
class _Memory:
    ended: dict[str, float] = field(default_factory=dict)
    """When what counted was ended, by session."""

    unjudged: set[str] = field(default_factory=set)


class Guard:
    """Judges, holds, and lets go."""

    def __init__(self, records: Records, now_s: float) -> None:
        """Remember what an earlier run has ended in the last ten minutes. Raises StateError."""
        self._records = records
        self._stands = Judgement()
        self._memory = _Memory()
        self.learn(now_s)

    def learn(self, now_s: float) -> None:
        """Take note of what others have ended lately. Raises StateError."""
        records = self._records
        since_s = now_s - WINDOW_S - SKEW_S
        ended = {
            each.session.id: each.session.stop_asked_s
            for each in records.store.past(records.scope, since_s=since_s)
            if each.session.stop_reason in _ENDS and each.session.stop_asked_s is not None
        }
        self._memory.ended = ended | self._memory.ended

    @property
    def held(self) -> Held | None:
        """Return what is held now."""
        return self._stands.held

    def judge(self, world: World, plan: Plan, *, anew: bool = False) -> Judgement:
        """Judge what was not judged before, or `anew` everything: for specs that have changed.

        Nothing follows from it before it is `adopted`.
        """
        before = Judgement() if anew else self._stands
        held = dict(before.held.actions) if before.held else {}
        found = {action.key: action for action in counted(world, plan.actions)}
        known = before.let | {_sign(each) for each in held.values()}
        new = {key: each for key, each in found.items() if _sign(each) not in known}
        let, stands = before.let, before.held.objection if before.held else None
        if new:
            against = objection(world, plan.actions, self._ended_lately(world.now_s))
            if against is None:
                let |= {_sign(each) for each in new.values()}
            else:
                held, stands = {**held, **new}, against
        left = {key: each for key, each in held.items() if _is_same(each, found.get(key))}
        if not left or stands is None:
            return Judgement(let)
        signs = frozenset(_sign(each) for each in left.values())
        digest = before.held.digest if before.held and not new else plan.digest
        digests = {**before.digests, plan.digest: signs}
        digests[digest] = digests.pop(digest)  # the one that is told is forgotten last
        newest = dict([*digests.items()][-DIGESTS_MAX:])
        return Judgement(let, Held(stands, digest, left), newest)

    def adopt(self, judgement: Judgement) -> None:
        """Act upon a judgement from now on."""
        self._memory.ended = self._going() | self._memory.ended  # by what was let through so far
        self._stands = judgement
        self._memory.unjudged.clear()

    def lets(self, action: Action) -> bool:
        """Tell whether an action may be carried out; what counts must have been judged."""
        if not self._counts(action) or _sign(action) in self._stands.let:
            return True
        if self.held is None or not _is_same(action, self.held.actions.get(action.key)):
            self._memory.unjudged.add(action.key.recording)
        return False

    def unjudged(self) -> set[str]:
        """Return, once, the Recordings that would be acted upon and of which nothing is judged."""
        found = set(self._memory.unjudged)
        self._memory.unjudged.clear()
        return found

    def acted(self, actions: Iterable[Action], now_s: float) -> None:
        """Take note of what was carried out."""
        for action in actions:
            if ends_at_will(action) or _sign(action) in self._stands.let:
                self._memory.ended[action.session] = now_s

    def move(self, by_s: float) -> None:
        """Keep the ten minutes though the clock was set by so much (decision 016)."""
        ended = self._memory.ended
        self._memory.ended = {session: ended_s + by_s for session, ended_s in ended.items()}

    def knows(self, digest: str) -> bool:
        """Tell whether a plan is held whose digest begins so."""
        return any(each.startswith(digest) for each in self._stands.digests)

    def approve(self, digest: str) -> str:
        """Let exactly the held plan whose digest begins so through, once; say why not, if not.

        What is held since that plan was made is no part of it, and stays held.
        """
        stands, held = self._stands, self.held
        if held is None:
            return "no guard holds anything now"
        plans = [signs for known, signs in stands.digests.items() if known.startswith(digest)]
        approved = frozenset().union(*plans) & {_sign(each) for each in held.actions.values()}
        if not approved:
            return f"no guard holds a plan `{digest}`: the one that is held is `{held.digest}`"
        left = {key: each for key, each in held.actions.items() if _sign(each) not in approved}
        let = stands.let | approved
        still = replace(stands, let=let, held=replace(held, actions=left))
        self._stands = still if left else Judgement(let)
        return ""

    def _counts(self, action: Action) -> bool:
        """Tell whether an action ends what might go on, as far as it tells by itself."""
        if ends_at_will(action):
            sessions = self._records.sessions_of(action.key.recording)
            return any(each.id == action.session and not each.stop_reason for each in sessions)
        return self.held is not None and _is_same(action, self.held.actions.get(action.key))

    def _ended_lately(self, now_s: float) -> Collection[str]:
        # What ended later than now did so before the clock was set back.
        self._memory.ended = {
            session: min(ended_s, now_s)
            for session, ended_s in (self._going() | self._memory.ended).items()
            if now_s - WINDOW_S < ended_s
        }
        return self._memory.ended.keys()

    def _going(self) -> dict[str, float]:
        """Return when it was decided that what counts has to end, where that is not done yet."""
        return _replaced(self._records.all_sessions()) | self._asked()

    def _asked(self) -> dict[str, float]:
        """Return when what counts was told to stop, also where no pass could carry that out yet."""
        return {
            each.id: each.stop_asked_s
            for each in self._records.all_sessions()
            if each.stop_asked_s is not None and self._counted(each)
        }

    def _counted(self, session: Session) -> bool:
        """Tell whether the end that was asked for is one that counts, or was let through as one."""
        key = Key(session.recording, session.replica)
        is_let = (key, Kind.STOP, session.id) in self._stands.let
        return session.stop_reason in _ENDS or (bool(session.stop_reason) and is_let)


def _replaced(sessions: Iterable[Session]) -> dict[str, float]:
    """Return the sessions that are being replaced, and since when."""
    known = {session.id: session for session in sessions}
    return {
        each.replaces: each.created_s
        for each in known.values()
        if each.may_live and each.replaces in known
        if known[each.replaces].digest != each.digest  # else it is rotated
    }


def _sign(action: Action) -> _Sign:
    return action.key, action.kind, action.session


def _is_same(action: Action, other: Action | None) -> bool:
    return other is not None and _sign(action) == _sign(other)

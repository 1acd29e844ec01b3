"""What a `run` may end without being told that it is meant (design/reconcile.md, "Guards").

`judge` looks at a whole plan after each load of the specs, with what was ended in the last ten
minutes; what it holds stays held until the specs change or somebody approves exactly that plan.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconciler.engine.records import Records
from reconciler.plan.action import Action, Key, Plan
from reconciler.plan.guards import Objection, counted, objection
from reconciler.plan.session import End
from reconciler.plan.world import World

WINDOW_S = 600.0
"""What was ended so long ago counts with what is to be ended now."""

DIGESTS_MAX = 64
"""A plan that is held changes its digest while all else goes on; so many of them are known."""

_ENDS = frozenset({End.REMOVED, End.SUSPENDED, End.SURPLUS, End.REPLACED})
"""Ends that tell by themselves that they counted; that of a window need not have."""


@dataclass(frozen=True, slots=True)
class Held:
    """What is held: why, by whose plan, and what it would do to which replicas."""

    objection: Objection
    digest: str
    actions: Mapping[Key, Action]


class Guard:
    """Judges, holds, and lets go."""

    def __init__(self, records: Records, now_s: float) -> None:
        """Remember what an earlier run has ended in the last ten minutes. Raises StateError."""
        self.held: Held | None = None
        self._digests: list[str] = []
        self._let: set[tuple[Key, str]] = set()
        past = records.store.past(records.scope, since_s=now_s - WINDOW_S)
        self._ended = {
            each.session.id: each.session.stop_asked_s
            for each in past
            if each.session.stop_reason in _ENDS and each.session.stop_asked_s is not None
        }

    def begin_anew(self) -> None:
        """Forget what was held and what was let through: the specs have changed."""
        self.held = None
        self._digests.clear()
        self._let.clear()

    def judge(self, world: World, plan: Plan) -> Held | None:
        """Judge what was not judged before; return what is held now."""
        found = {action.key: action for action in counted(world, plan.actions)}
        known = self.held.actions if self.held else {}
        new = {key: each for key, each in found.items() if not self._is_known(each, known)}
        if new:
            objection_now = objection(world, plan.actions, self._ended_lately(world.now_s))
            if objection_now is None:
                self._let |= {(key, each.session) for key, each in new.items()}
            else:
                self.held = Held(objection_now, plan.digest, {**known, **new})
        if self.held is not None:
            left = {key: each for key, each in self.held.actions.items() if key in found}
            self.held = Held(self.held.objection, self.held.digest, left) if left else None
            self._remember(plan.digest)
        return self.held

    def lets(self, action: Action) -> bool:
        """Tell whether an action may be carried out."""
        held = self.held.actions.get(action.key) if self.held else None
        return held is None or (held.kind, held.session) != (action.kind, action.session)

    def acted(self, actions: Iterable[Action], now_s: float) -> None:
        """Take note of what was carried out."""
        for action in actions:
            if (action.key, action.session) in self._let:
                self._ended[action.session] = now_s

    def approve(self, digest: str) -> str:
        """Let exactly the held plan whose digest begins so through, once; say why not, if not."""
        if self.held is None:
            return "no guard holds anything now"
        if not any(each.startswith(digest) for each in self._digests):
            return f"no guard holds a plan `{digest}`: the one that is held is `{self.held.digest}`"
        self._let |= {(key, each.session) for key, each in self.held.actions.items()}
        self.held = None
        self._digests.clear()
        return ""

    def _is_known(self, action: Action, held: Mapping[Key, Action]) -> bool:
        return action.key in held or (action.key, action.session) in self._let

    def _ended_lately(self, now_s: float) -> int:
        self._ended = {
            session: ended_s
            for session, ended_s in self._ended.items()
            if now_s - WINDOW_S < ended_s <= now_s
        }
        return len(self._ended)

    def _remember(self, digest: str) -> None:
        if digest not in self._digests:
            self._digests = [*self._digests, digest][-DIGESTS_MAX:]

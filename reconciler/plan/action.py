"""What comes out of planning: changes, actions, and a Plan (design/cli.md, "plan").

Frozen values; `cli` renders them, `engine` carries them out, nobody decides anything anew.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from reconciler.diagnostics import Diagnostic
from reconciler.plan.session import End
from reconciler.spec.groups import Group
from reconciler.spec.mapping import Change as Effect


class Kind(StrEnum):
    """The actions of the contract, in the order of its summary."""

    START = "start"
    UPDATE = "update"
    UPDATE_LAYOUT = "update_layout"
    UPDATE_AND_LAYOUT = "update_and_layout"
    REPLACE = "replace"
    RESTART = "restart"
    ROTATE = "rotate"
    STOP = "stop"
    WAIT = "wait"
    NONE = "none"
    ERROR = "error"


class Cause(StrEnum):
    """What kind of thing brought an action about."""

    SPEC = "spec"
    DRIFT = "drift"
    EXPIRY = "expiry"
    SCHEDULE = "schedule"
    CREDENTIALS = "credentials"
    FAILURE = "failure"
    REQUEST = "request"


class Known(StrEnum):
    """Where the value before a change is from."""

    OBSERVED = "observed"
    APPLIED = "applied"


SECRET_SHOWN = "(secret)"  # noqa: S105  # what is shown instead of one
UNKNOWN_SHOWN = "(unknown)"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One printed line: a field of the spec, its values before and after, and what it takes.

    Values are as a spec writes them; those of secrets are `SECRET_SHOWN`, a field that is not there
    is None.
    """

    path: str
    before: Any
    after: Any
    effect: Effect
    known: Known = Known.APPLIED


@dataclass(frozen=True, slots=True)
class Key:
    """One replica of a Recording: what an action, a session and a result are about."""

    recording: str
    replica: int = 0

    def __str__(self) -> str:
        return f"{self.recording}[{self.replica}]" if self.replica else self.recording


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One step for one session.

    `reason` is a fixed code (`plan/reasons.py`), `message` a sentence. `session` is the id of the
    session that it is about, empty for one that begins with nothing; that of an unsettled start is
    the session whose start is sent again. `groups` are those to send, in order. `until_s` is when a
    `wait` is over or a `none` changes by itself. `after` are the keys whose stops free what this
    one takes. `end` is what the session's end is to be called: of a stop, of what a replacement or
    rotation stops, and `forgotten` where a `none` lets go of a session. `stop_first`: the session
    is stopped, and known to have ended, before the next one is started.
    """

    key: Key
    kind: Kind
    reason: str
    message: str
    cause: Cause
    changes: tuple[FieldChange, ...] = ()
    session: str = ""
    groups: tuple[Group, ...] = ()
    until_s: float | None = None
    after: tuple[Key, ...] = ()
    end: End | None = None
    stop_first: bool = False

    @property
    def is_change(self) -> bool:
        """Tell whether carrying it out makes a call that changes something."""
        return self.kind not in {Kind.WAIT, Kind.NONE, Kind.ERROR}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Every action of one scope at one moment, in order of name and replica.

    `based_on` makes `basis`, a digest of what decided: desired, applied, sessions and phases,
    unresolved references; few ask for it, and it takes a while. `refused` is the sentence of the
    safety rule that stands against it, and `refused_hint` names the flag that lifts it. `renames`
    are (old, new) names of Recordings whose sessions go on under the new name; the actions take
    that as done.
    """

    scope: str
    now_s: float
    actions: tuple[Action, ...]
    diagnostics: tuple[Diagnostic, ...]
    based_on: Callable[[], str] = field(repr=False, compare=False)
    refused: str = ""
    refused_hint: str = ""
    renames: tuple[tuple[str, str], ...] = ()
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", _digest(self))

    @property
    def basis(self) -> str:
        """Return the digest of what decided; a saved plan is stale when it has moved."""
        return self.based_on()

    @property
    def summary(self) -> dict[str, int]:
        """Return how many actions there are of each kind, all kinds named."""
        counts = Counter(action.kind for action in self.actions)
        return {str(kind): counts[kind] for kind in Kind}

    @property
    def has_changes(self) -> bool:
        """Tell whether there is anything to do."""
        return any(action.is_change for action in self.actions)

    @property
    def has_errors(self) -> bool:
        """Tell whether anything that is asked for cannot be done."""
        return any(action.kind is Kind.ERROR for action in self.actions)


def _digest(plan: Plan) -> str:
    """Return a hash of what would be done: not of sentences and times, which pass."""
    lines = [
        [
            action.key.recording,
            action.key.replica,
            action.kind,
            action.reason,
            action.session,
            [
                [change.path, change.before, change.after, change.effect]
                for change in action.changes
            ],
        ]
        for action in plan.actions
        if action.kind is not Kind.NONE
    ]
    text = json.dumps(
        [plan.scope, plan.renames, lines], separators=(",", ":"), sort_keys=True, default=str
    )
    return hashlib.sha256(text.encode()).hexdigest()

"""Everything that planning reads, as values, complete before it begins (style.md, trap 11)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.plan.action import FieldChange
from reconciler.plan.reasons import Reason
from reconciler.plan.recorded import Recorded, Terms
from reconciler.plan.session import Session
from reconciler.spec.groups import Group


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One Recording of the specs. `error` says why nothing can be done for it; empty if sound.

    `digest`, `terms`, `mode` and `uids` mean nothing for one with errors.
    """

    name: str
    app: str
    channel: str
    mode: str
    uids: tuple[str, ...]
    digest: str
    terms: Terms
    source: str
    set_name: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppFacts:
    """One App as far as planning needs it.

    `app_key` is empty where the App ID does not resolve. `error` says why no call can be made for
    its Recordings at all, and `error_reason` of which kind that is: it has errors, or an endpoint
    that nobody allowed.
    """

    name: str
    app_key: str
    max_recordings: int = 50
    max_web_recordings: int = 200
    error: str = ""
    error_hint: str = ""
    error_reason: Reason = Reason.APP_INVALID


@dataclass(frozen=True, slots=True)
class Place:
    """A session or orphan of another scope that may live: it holds a uid and a place."""

    app_key: str
    channel: str
    uid: str
    mode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What differs between what a session has and what is desired of it.

    `changes` are those to act on or to record, `ignored` those that `policy.ignore` leaves alone.
    `groups` are what to send, in order; `replaces` says that some change takes a replacement.
    `warnings` are (code, message) about secrets that could not be compared.
    """

    changes: tuple[FieldChange, ...] = ()
    ignored: tuple[FieldChange, ...] = ()
    groups: tuple[Group, ...] = ()
    replaces: bool = False
    warnings: tuple[tuple[str, str], ...] = ()


EQUAL = Comparison()


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the user said beside the specs.

    `paths` are the PATHs given, relative as `Recorded.source` is; empty: not a run over specs.
    `sound`: all manifests could be read; otherwise nothing is pruned. `manifests`: how many
    manifests there were of any kind.
    """

    paths: tuple[str, ...] = ()
    sound: bool = True
    manifests: int = 1
    prune: bool = True
    prune_all: bool = False
    targets: frozenset[str] = frozenset()
    allow_stops: int = 0
    allow_empty: bool = False
    empty_sets: tuple[str, ...] = ()
    """RecordingSets of the specs that yield nothing."""

    prune_delay_s: float | None = None
    """How long `run` leaves a Recording that is gone from the specs; None: it is no `run`."""

    loaded_s: float = 0.0
    """When the specs of a `run` were last read."""

    def selects(self, name: str, set_name: str) -> bool:
        """Tell whether a Recording was asked for, by its own name or by its RecordingSet's."""
        targets = self.targets
        return not targets or name in targets or (bool(set_name) and set_name in targets)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One scope at one moment.

    `sessions` are all that are not settled and the last of each replica. `at_s` is the moment for
    which schedules and suspends are read, `now_s` that of all other clocks. `comparisons` are by
    session id; a session that is not in it agrees with what is desired. `held`: another run has the
    scope's lock now. `unresolved` are the secret references (never values) that do not resolve
    here, by recording.
    """

    scope: str
    now_s: float
    at_s: float
    wanted: Mapping[str, Wanted]
    recorded: Mapping[str, Recorded]
    sessions: tuple[Session, ...]
    apps: Mapping[str, AppFacts]
    elsewhere: tuple[Place, ...] = ()
    comparisons: Mapping[str, Comparison] = field(default_factory=dict)
    options: Options = field(default_factory=Options)
    held: bool = False
    unresolved: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

"""What the three recording modes share.

Identity, storage, schedule, policy (design/spec-format.md, "Recording").

A tag that begins with `=` names the form of a value that has several; it is no part of the value's
path.
"""

import math
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, PlainValidator, Tag, WithJsonSchema

from reconciler.errors import SpecError
from reconciler.spec.kinds.base import Name, SpecModel
from reconciler.spec.kinds.storage import StorageSpec
from reconciler.spec.marked import is_secret_form
from reconciler.spec.scalars import Timestamp
from reconciler.spec.values import (
    Duration,
    Flag,
    Hours,
    Int,
    Prefix,
    Text,
    Time,
    Uid,
    kind_of,
    read_secret,
    refuse,
)


class CronWindowSpec(SpecModel):
    """A window that opens again and again."""

    cron: Text
    """Five fields: minute, hour, day of month, month, day of week (0 = 7 = Sunday)."""

    duration: Duration
    """How long the window stays open, in elapsed time."""

    timezone: Text
    """The IANA time zone that the cron times are in, such as `Europe/Berlin`."""


class FixedWindowSpec(SpecModel):
    """A window that opens once."""

    from_: Time = Field(alias="from")
    """When it opens: RFC 3339 with offset."""

    until: Time
    """When it closes: RFC 3339 with offset."""


def _window_form(value: Any) -> str:
    return "=fixed" if isinstance(value, dict) and {"from", "until"} & value.keys() else "=cron"


WindowSpec = Annotated[
    Annotated[CronWindowSpec, Tag("=cron")] | Annotated[FixedWindowSpec, Tag("=fixed")],
    Discriminator(_window_form),
]


class SuspendSpec(SpecModel):
    """Desired state is "not recording", with a reason and perhaps an end."""

    reason: Text | None = None
    """Why, for those who wonder."""

    until: Time | None = None
    """When recording goes on: RFC 3339 with offset; never by itself if unsaid."""


class PolicySpec(SpecModel):
    """How the reconciler treats this recording."""

    restart: Literal["always", "on-failure", "never"] = "always"
    """Whether an ended session is followed by another.

    `on-failure`: an idle exit, `maxDuration` or a normal exit is final, until the next window
    opens, a suspend ends, or the wire configuration changes.
    """

    replace: Literal["start-first", "stop-first", "defer", "forbid"] = "start-first"
    """How a change that a running session cannot take is made: successor first (no gap), stop
    first, at the next start, or not at all.
    """

    stop: Literal["async", "sync"] = "async"
    """Whether a stop waits until the files are uploaded (`sync`)."""

    protect: Flag = False
    """True: whatever would stop or replace it, or take replicas away, is an error instead."""

    on_removal: Literal["stop", "leave"] = "stop"
    """What happens to the session when the manifest is gone."""

    manage: Literal["full", "observe"] = "full"
    """`observe`: queried and reported, never acted on."""

    ignore: tuple[Text, ...] = ()
    """Paths of this spec whose changes are not acted on while it records, e.g.

    `layout.background`.
    """


class Raw:
    """Wire keys that this format does not know; held and shown as one secret."""

    __slots__ = ("tree",)

    def __init__(self, tree: dict[str, Any]) -> None:
        self.tree = tree

    def wire(self) -> dict[str, Any]:
        """Return the tree with its Secret forms as references.

        Raises SpecError for what JSON cannot hold.
        """
        return {key: _wire_value(value) for key, value in self.tree.items()}

    def __repr__(self) -> str:
        return "Raw(***)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Raw) and self.tree == other.tree

    def __hash__(self) -> int:
        return hash(repr(sorted(self.tree)))


def _wire_value(value: object) -> Any:
    if is_secret_form(value):
        return read_secret(value)
    if isinstance(value, dict):
        return {key: _wire_value(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_wire_value(item) for item in value]
    if isinstance(value, Timestamp) or (isinstance(value, float) and not math.isfinite(value)):
        raise SpecError(
            "raw", f"JSON cannot hold {kind_of(value)} as written", hint="put it in quotes"
        )
    return str(value) if isinstance(value, str) else value


def _raw(value: object) -> Raw:
    if not isinstance(value, dict):
        refuse("mapping", f"must be a mapping of wire keys, this is {kind_of(value)}")
    return Raw(value)


RawTree = Annotated[
    Raw, PlainValidator(_raw), WithJsonSchema({"type": "object", "x-type": "mapping of wire keys"})
]


def _template_names(value: object) -> tuple[str, ...]:
    names = value if isinstance(value, list) else [value]
    if not names or not all(isinstance(name, str) for name in names):
        refuse("template", "must be a template's name or a list of names")
    return tuple(str(name) for name in names)


TemplateNames = Annotated[
    tuple[str, ...],
    PlainValidator(_template_names),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {"type": "array", "items": {"type": "string"}, "minItems": 1},
            ],
            "x-type": "Name or list of Names",
        }
    ),
]


def _storage_form(value: Any) -> str:
    return "=inline" if isinstance(value, dict | StorageSpec) else "=name"


StorageChoice = Annotated[
    Annotated[Name, Tag("=name")] | Annotated[StorageSpec, Tag("=inline")],
    Discriminator(_storage_form),
]


def _suspend_form(value: Any) -> str:
    return "=why" if isinstance(value, dict | SuspendSpec) else "=flag"


SuspendChoice = Annotated[
    Annotated[Flag, Tag("=flag")] | Annotated[SuspendSpec, Tag("=why")],
    Discriminator(_suspend_form),
]


class CommonSpec(SpecModel):
    """The fields of every recording, whatever its mode."""

    template: TemplateNames = ()
    """Templates that this spec is merged over; later ones win, then the spec itself."""

    app: Name | None = None
    """The App; if unsaid, the one named `default`, or the only one there is."""

    channel: Text
    """The channel to record; for a web page any label."""

    uid: Uid | None = None
    """The recorder's uid; if unsaid, one is derived that nobody else gets."""

    backup_uids: tuple[Uid, ...] = ()
    """More recorder uids, for restarts, replacements and replicas."""

    storage: StorageChoice | None = None
    """Where the files go: the name of a Storage, or one inline. Required, but with `vod`."""

    prefix: Prefix = ()
    """Folders below the Storage's prefix, same form."""

    region: Literal["CN", "AP", "EU", "NA"] | None = None
    """The area that the service stays in."""

    resource_expiry: Hours | None = None
    """How long a session can be reached, in whole hours; it is rotated before."""

    files: tuple[Text, ...] = ("hls",)
    """What is written: `hls`, or `hls` and `mp4`; none with `snapshots` means snapshots only."""

    raw: RawTree | None = None
    """Merged last into the start's `clientRequest`, for what this format does not know.

    Objects merge deeply, lists replace, null removes. Any change of it is a replacement.
    """

    replicas: Int = 1
    """How many sessions record the channel, each with its own uid and on other servers."""

    suspend: SuspendChoice = False
    """Desired state is "not recording", until then."""

    schedule: tuple[WindowSpec, ...] | None = None
    """Windows; it records while any is open. Always, if unsaid."""

    policy: PolicySpec = PolicySpec()
    """How the reconciler treats this recording."""

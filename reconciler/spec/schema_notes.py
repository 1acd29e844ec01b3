"""What the tables say of a field, for people: its place on the wire, its modes, how it changes.

The JSON Schema puts it into descriptions, the reference into columns. Pure; knows no models.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import TypeAlias

from reconciler.spec import mapping
from reconciler.spec.checks import REPLICAS
from reconciler.spec.duration import format_duration
from reconciler.spec.limits import Limits
from reconciler.spec.mapping import EACH, Change, Field
from reconciler.spec.wire import Mode, Path


@dataclass(frozen=True, slots=True)
class Note:
    """Facts about one field or block, each empty where there is nothing to say.

    `wire` are its places in the service's calls; none: it is not sent. `changes` are the ways in
    which a running session takes a new value. `limits` and `default` are the service's, written as
    in a spec; `bounds` are the limits of what a spec writes as a whole number.
    """

    wire: tuple[str, ...] = ()
    modes: tuple[Mode, ...] = ()
    changes: tuple[Change, ...] = ()
    limits: str = ""
    default: str = ""
    bounds: Limits | None = None


Notes: TypeAlias = Callable[[str], Note]
"""From a field's path below the manifest's `spec` to what there is to say of it."""


def recording_note(path: str) -> Note:
    """Note a field of a Recording; a list's items have `[]` in their path."""
    rows = _rows_at(_RECORDING_ROWS, path)
    modes = tuple(mode for mode in Mode if any(mode in row.modes for row in rows))
    return replace(_note(rows, path), modes=modes)


def storage_note(path: str) -> Note:
    """Note a field of a Storage."""
    return _note(_rows_at(_STORAGE_ROWS, path), path)


def app_note(path: str) -> Note:
    """Note a field of an App."""
    return _note(_rows_at(_APP_ROWS, path), path)


def no_note(path: str) -> Note:
    """Note a field that only this program reads."""
    del path
    return Note()


_CONFIG = "storageConfig"
_KEYS = ("accessKey", "secretKey", "stsToken", "stsExpiration")
_APP_ID: Path = ("URL", "appid")

_STORAGE_ROWS: tuple[Field, ...] = (
    *mapping.STORAGE_FIELDS,
    Field("vendor", (_CONFIG, "vendor"), mapping.ALL, mapping.NUMBER),
    Field("region", (_CONFIG, "region"), mapping.ALL, mapping.NUMBER),
    *(
        Field("credentials", (_CONFIG, key), mapping.ALL, mapping.SECRET, Change.UPDATE)
        for key in _KEYS
    ),
    Field("refresh", (), mapping.ALL, mapping.SECONDS, Change.LOCAL),
)

# design/reconcile.md, "What changes how": App ID and channel replace, subscriptions update.
_RECORDING_ROWS: tuple[Field, ...] = (
    *mapping.FIELDS,
    Field("mode", ("URL", "mode"), mapping.ALL, mapping.TEXT),
    Field("app", _APP_ID, mapping.ALL, mapping.TEXT),
    Field("channel", ("cname",), mapping.ALL, mapping.TEXT),
    Field("uid", ("uid",), mapping.ALL, mapping.UID, Change.LOCAL),
    Field("backupUids", ("uid",), mapping.ALL, mapping.UID, Change.LOCAL),
    Field("prefix", (_CONFIG, "fileNamePrefix"), mapping.ALL, mapping.LIST),
    Field("raw", ("clientRequest",), mapping.ALL, mapping.TEXT),
    Field("template", (), mapping.ALL, mapping.LIST, Change.LOCAL),
    Field("replicas", (), mapping.ALL, mapping.NUMBER, Change.LOCAL, limits=REPLICAS),
    *(replace(row, path=f"storage.{row.path}") for row in _STORAGE_ROWS),
    *(
        Field(path, wire, mapping.CHANNEL, mapping.LIST, Change.UPDATE)
        for path, wires in mapping.SUBSCRIPTION_WIRE.items()
        for wire in wires
    ),
    *(
        Field(path, (), mapping.ALL, mapping.TEXT, Change.LOCAL)
        for path in sorted(mapping.LOCAL_PATHS - {"uid", "backupUids", "replicas"})
    ),
)

_APP_ROWS: tuple[Field, ...] = (
    Field("appId", _APP_ID, mapping.ALL, mapping.TEXT),
    Field("credentials", ("header", "Authorization"), mapping.ALL, mapping.SECRET, Change.LOCAL),
)


def _rows_at(rows: Iterable[Field], path: str) -> tuple[Field, ...]:
    """Return the rows at and below a path, else those of the block that it is a part of."""
    rows = tuple(rows)
    below = tuple(row for row in rows if _within(row.path, path))
    return below or tuple(row for row in rows if _within(path, row.path))


def _within(path: str, block: str) -> bool:
    return path == block or path.startswith((f"{block}.", f"{block}{EACH}"))


def _note(rows: tuple[Field, ...], path: str) -> Note:
    wire = _places(rows, path)
    changes = tuple(change for change in Change if any(row.change is change for row in rows))
    if len(changes) > 1:
        changes = tuple(change for change in changes if change is not Change.LOCAL)
    row = rows[0] if len(rows) == 1 and rows[0].path == path else None
    if row is None:
        return Note(wire, (), changes)
    bounds = row.limits if row.codec is mapping.NUMBER else None
    return Note(wire, (), changes, _range(row), _as_written(row, row.default), bounds)


def _places(rows: tuple[Field, ...], path: str) -> tuple[str, ...]:
    """Name each wire path of a field; of a block only where in the body it is."""
    wires = [row.wire for row in rows if row.wire]
    if any(_within(path, row.path) for row in rows):
        return tuple(map(_place, wires))
    starts: dict[str | int, Path] = {}
    for wire in wires:
        starts[wire[0]] = _common(starts.get(wire[0], wire[:-1]), wire)
    return tuple(_place(wire).removesuffix(EACH) for wire in starts.values())


def _common(one: Path, other: Path) -> Path:
    pairs = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return tuple(step for step, _ in pairs)


def _place(wire: Path) -> str:
    head, *rest = wire
    if head in {"URL", "header"}:
        return f"{head}: {rest[0]}"
    if head in {"cname", "uid", "clientRequest"}:
        return str(head)
    if head == "acquire":
        return f"acquire: clientRequest{_steps(rest)}"
    return f"clientRequest{_steps(wire)}"


def _steps(steps: Iterable[str | int]) -> str:
    return "".join(map(_step, steps))


def _step(step: str | int) -> str:
    if step == EACH:
        return EACH
    return f"[{step}]" if isinstance(step, int) or step in _SERVICES else f".{step}"


_SERVICES = frozenset({mapping.WEB_SERVICE, mapping.RTMP_SERVICE, mapping.VOD_SERVICE})


def _range(row: Field) -> str:
    if row.limits is None:
        return ""
    return f"{_as_written(row, row.limits.low)} to {_as_written(row, row.limits.high)}"


def _as_written(row: Field, value: str | float | None) -> str:
    """Return a wire value as a spec writes it, nothing for what this format cannot say."""
    if value is None:
        return ""
    if row.codec is mapping.SECONDS:
        return format_duration(int(value))
    try:
        written = row.codec.decode(value)
    except (KeyError, TypeError, ValueError):
        return ""
    return str(written).lower() if isinstance(written, bool) else str(written)

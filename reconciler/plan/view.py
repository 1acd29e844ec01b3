"""A configuration as a spec would say it: what two of them are compared and shown by. Pure.

Backwards through the mapping table, with every documented default filled in, so that writing one
down is no change. Secrets stay sealed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from reconciler.plan.applied import RAW, Applied, Sealed, sealed_raw
from reconciler.plan.parts import RECORDING, explicit_lists, item_keys, named
from reconciler.spec import mapping
from reconciler.spec.mapping import EACH, Field
from reconciler.spec.vendors import region_name, vendor
from reconciler.spec.wire import Mode, Path, get, put

HD_PIXELS = 1280 * 720
HD_BITRATE_KBPS = 2000
SD_BITRATE_KBPS = 1500
"""What a page is recorded with if nobody says (agora-api.md 3.9)."""


def view(applied: Applied) -> dict[str, Any]:
    """Return the spec's fields, nested as there, but for the token.

    Lists of uids and of files are sorted, items of other lists stand under the names that
    `item_keys` gives them. What this format cannot say stands under `raw`, and the spec's own `raw`
    there as one secret without a name.
    """
    mode = Mode(applied.mode)
    tree = named(applied)
    tree.pop("token", None)
    tree["acquire"].pop("scene", None)  # follows from `mode` and `postProcessing`
    spec: dict[str, Any] = {"mode": applied.mode, "channel": applied.channel}
    for block in mapping.BLOCKS:
        if mode in block.modes and all(get(tree, wire) == value for wire, value in block.constants):
            put(spec, _steps(block.path), {})
    for leaf in _leaves(tree):
        _put_field(mode, leaf, spec)
    _put_storage(spec)
    _put_defaults(mode, spec)
    if mode is not Mode.WEB:
        _put_subscriptions(applied, spec)
    if applied.raw:
        put(spec, (RAW, ""), sealed_raw(applied.raw))
    return spec


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A wire value: its path with `[]` for each place in a list, and the names of those items."""

    pattern: Path
    items: Path
    value: Any


def _leaves(tree: object, pattern: Path = (), items: Path = ()) -> Iterator[_Leaf]:
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from _leaves(value, (*pattern, key), items)
    elif isinstance(tree, list) and tree and all(isinstance(item, dict) for item in tree):
        for name, item in zip(item_keys(tree), tree, strict=True):
            yield from _leaves(item, (*pattern, EACH), (*items, name))
    else:
        yield _Leaf(pattern, items, tree)


def _rows(mode: Mode) -> dict[Path, list[Field]]:
    """Return the rows of a mode by wire path; two blocks share a field's."""
    found: dict[Path, list[Field]] = {}
    for row in mapping.of_mode(mode):
        pattern = tuple(EACH if isinstance(step, int) else step for step in row.wire)
        found.setdefault(pattern, []).append(row)
    for row in mapping.STORAGE_FIELDS:
        found[row.wire] = [replace(row, path=f"storage.{row.path}")]
    return found


_ROWS = {mode: _rows(mode) for mode in Mode}
_CONSTANTS = [constant for block in mapping.BLOCKS for constant in block.constants]
_LISTS = frozenset(path for paths in mapping.SUBSCRIPTION_WIRE.values() for path in paths)
_NUMBERED = {("storageConfig", key): f"storage.{key}" for key in ("vendor", "region")}


def _put_field(mode: Mode, leaf: _Leaf, spec: dict[str, Any]) -> None:
    """Put a value where the spec has it; a medium's lists mean something only together."""
    if leaf.pattern in _LISTS or (leaf.pattern, leaf.value) in _CONSTANTS:
        return
    if leaf.pattern in _NUMBERED:
        put(spec, _steps(_NUMBERED[leaf.pattern]), leaf.value)
        return
    rows = _ROWS[mode].get(leaf.pattern, [])
    row = next((row for row in rows if len(rows) == 1 or _block_stands(row, spec)), None)
    if row is None:
        put(spec, (RAW, *_steps(".".join(map(str, leaf.pattern)), leaf.items)), leaf.value)
    else:
        put(spec, _steps(row.path, leaf.items), _decoded(row, leaf.value))


def _steps(path: str, items: Path = ()) -> Path:
    """Return a path of the table as steps, the items named."""
    names = iter(items)
    steps: list[str | int] = []
    for step in path.split("."):
        steps.append(step.removesuffix(EACH))
        if step.endswith(EACH):
            steps.append(next(names))
    return tuple(step for step in steps if step)


def _decoded(row: Field, value: object) -> object:
    if isinstance(value, Sealed):
        return value
    try:
        decoded = row.codec.decode(value)
    except (TypeError, ValueError, KeyError):  # a number that has no word yet
        return value
    if row.path == "files":
        return sorted(set(decoded))
    is_whole = isinstance(decoded, float) and decoded.is_integer()
    return int(decoded) if is_whole else decoded


def _block_stands(row: Field, spec: dict[str, Any]) -> bool:
    """Tell whether the block of the spec is there that alone gives a field its meaning."""
    blocks = [block.path for block in mapping.BLOCKS if row.path.startswith(f"{block.path}.")]
    return all(get(spec, _steps(block)) is not None for block in blocks)


def _put_defaults(mode: Mode, spec: dict[str, Any]) -> None:
    for row in mapping.of_mode(mode):
        if row.default is None or row.wire == _NO_CIPHER or not _block_stands(row, spec):
            continue
        place, _, key = row.path.rpartition(f"{EACH}.")
        for item in (get(spec, _steps(place)) or {}).values() if place else ():
            item.setdefault(key, _decoded(row, row.default))
        if not place and get(spec, _steps(row.path)) is None:
            put(spec, _steps(row.path), _decoded(row, row.default))
    spec.setdefault("files", [] if "snapshots" in spec else ["hls"])
    if mode is Mode.WEB:
        page = spec["web"]
        is_large = page.get("width", 0) * page.get("height", 0) >= HD_PIXELS
        page.setdefault("bitrate", HD_BITRATE_KBPS if is_large else SD_BITRATE_KBPS)


_NO_CIPHER: Path = (RECORDING, "decryptionMode")
"""Its default is no encryption, for which a spec has no word."""


def _put_subscriptions(applied: Applied, spec: dict[str, Any]) -> None:
    """Put who is recorded; what is not subscribed at all is as a spec would leave it unsaid."""
    streams = get(applied.request, (RECORDING, "streamTypes"))
    only = {0: "audio", 1: "video"}
    lists = explicit_lists(applied.mode, applied.request)
    for path, (allow, deny) in mapping.SUBSCRIPTION_WIRE.items():
        medium = path.rpartition(".")[2]
        allowed, denied = lists[medium].get(allow[-1]), lists[medium].get(deny[-1])
        value: object = "none" if only.get(streams, medium) == medium else "all"
        if allowed:
            value = "all" if allowed == [mapping.ALL_STREAMS] else _in_order(allowed)
        elif denied:
            value = {"except": _in_order(denied)}
        put(spec, _steps(path), value)


def _in_order(uids: list[str]) -> list[str]:
    return sorted(set(uids), key=lambda uid: (len(uid), uid))


def _put_storage(spec: dict[str, Any]) -> None:
    """Give vendor and region their names; a vendor without regions has none."""
    storage = spec.get("storage", {})
    found = vendor(storage.get("vendor", ""))
    if found is None:
        return
    storage["vendor"] = found.name
    region = storage.pop("region", None)
    if found.regions and region is not None:
        storage["region"] = region_name(found, region) or region

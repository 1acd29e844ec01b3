"""From a wire path back to the spec path that put the value there, for findings.

Pure; reads the mapping table.
"""

from collections.abc import Iterable, Mapping
from itertools import takewhile

from reconciler.spec.mapping import (
    BLOCKS,
    EACH,
    FIELDS,
    LOWER_CASE_DENY,
    SERVICES,
    STORAGE_FIELDS,
    SUBSCRIPTION_WIRE,
)
from reconciler.spec.wire import Json, Path, get

_STORAGE_REST = {"vendor": "vendor", "region": "region"}


def spec_path(wire: Path, request: Mapping[str, Json], raw: Mapping[str, Json] | None) -> Path:
    """Return where a spec says what stands at `wire` in the body `request`.

    `raw` is the spec's own, if it has one.

    The path starts inside the Recording's `spec`; a Storage's fields start with `storage`. Where
    nothing closer is known it is empty.
    """
    if raw and wire[0] != "acquire" and _touches(raw, wire):
        return ("raw", *wire)
    pattern, indexes = _pattern(wire, request)
    for length in range(len(pattern), 0, -1):
        found = _SPEC_PATHS.get(pattern[:length])
        if found is not None:
            rest = wire[length:] if pattern[:length] in _UID_LISTS else ()
            return (*_filled(found, indexes), *rest)
    return ()


def wire_paths(spec: Path) -> tuple[Path, ...]:
    """Return the wire paths of the fields at and below a spec path."""
    pattern = tuple(EACH if isinstance(step, int) else step for step in spec)
    size = len(pattern)
    return tuple(
        wire[: wire.index(EACH)] if EACH in wire else wire
        for wire, path in _SPEC_PATHS.items()
        if path[:size] == pattern or (path and pattern[: len(path)] == path)
    )


def _touches(raw: Mapping[str, Json], wire: Path) -> bool:
    """Tell whether `raw` wrote the value, or the list or text that stands in its way."""
    for length in range(len(wire), 0, -1):
        value = get(raw, wire[:length])
        if value is not None:
            return length == len(wire) or not isinstance(value, Mapping)
    return False


def _pattern(wire: Path, request: Mapping[str, Json]) -> tuple[Path, list[int]]:
    """Name services instead of counting them, and write `[]` for every other index."""
    steps: list[str | int] = []
    indexes: list[int] = []
    for depth, step in enumerate(wire):
        if isinstance(step, str):
            steps.append(LOWER_CASE_DENY.get(step, step))
        elif tuple(steps) == SERVICES:
            name = get(request, (*wire[: depth + 1], "serviceName"))
            steps.append(name if isinstance(name, str) else step)
        else:
            steps.append(EACH)
            indexes.append(step)
    return tuple(steps), indexes


def _filled(path: Path, indexes: list[int]) -> Path:
    rest = iter(indexes)
    return tuple(next(rest, 0) if step == EACH else step for step in path)


def _split(path: str) -> Path:
    return tuple(part for step in path.split(".") for part in _list_steps(step))


def _list_steps(step: str) -> Iterable[str]:
    return (step.removesuffix(EACH), EACH) if step.endswith(EACH) else (step,)


def _paths() -> dict[Path, Path]:
    """Return the spec path of each wire path, and of each block what its fields share."""
    exact: dict[Path, Path] = {}
    for row in FIELDS:
        wire: Path = tuple(EACH if isinstance(step, int) else step for step in row.wire)
        exact.setdefault(wire, _split(row.path))
    for row in STORAGE_FIELDS:
        exact[row.wire] = ("storage", *_split(row.path))
    for key, name in _STORAGE_REST.items():
        exact["storageConfig", key] = ("storage", name)
    for path, lists in SUBSCRIPTION_WIRE.items():
        exact |= dict.fromkeys(lists, _split(path))
    for block in BLOCKS:
        for constant, _ in block.constants:
            path_of_block = _split(block.path)
            exact[constant] = _common(exact.get(constant, path_of_block), path_of_block)
    exact[("cname",)] = ("channel",)
    exact[("uid",)] = ("uid",)
    return _with_blocks(exact)


def _with_blocks(exact: dict[Path, Path]) -> dict[Path, Path]:
    """Add every wire block: where its fields have a spec path in common, it has that."""
    blocks: dict[Path, Path] = {}
    for wire, path in exact.items():
        for length in range(1, len(wire)):
            block = wire[:length]
            blocks[block] = _common(blocks[block], path) if block in blocks else path[:-1]
    trimmed = {
        block: path[:-1] if path[-1:] == (EACH,) and block[-1] != EACH else path
        for block, path in blocks.items()
    }
    return trimmed | exact


def _common(one: Path, other: Path) -> Path:
    pairs = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return tuple(step for step, _ in pairs)


_SPEC_PATHS = _paths()
_UID_LISTS = frozenset(path for lists in SUBSCRIPTION_WIRE.values() for path in lists)

"""The models as Markdown: a table for each mapping of a spec, a section for each one inside it.

`reference.py` puts them on pages. Types come from the models' JSON Schema, wire paths and changes
from the notes. Pure.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconciler.spec.mapping import EACH, Change
from reconciler.spec.schema_models import (
    CHANGES,
    VALUES,
    Schema,
    alternatives,
    one_line,
    referred,
    written_default,
)
from reconciler.spec.schema_notes import Note, Notes

NONE = "-"
SHARED_MIN = 0.75
"""From this part on, what wire paths have in common is said once, above the table."""

_SAID: Mapping[str, str] = {
    "StorageSpec": "[inline](storage.md)",
    "ExceptSpec": "`{except: [uids]}`",
    "RecordingBody": "[Recording](recording.md) without `kind`",
}
"""Mappings without a section of their own."""


@dataclass(frozen=True, slots=True)
class _Row:
    key: str
    type: str
    default: str
    meaning: str
    note: Note


class FieldTables:
    """Writes models; `home` is the page that explains the values, empty on that page itself."""

    def __init__(self, models: Mapping[str, Schema], notes: Notes, home: str = "README.md") -> None:
        self._models = models
        self._notes = notes
        self._home = home

    def write(self, name: str, path: str = "", without: Collection[str] = ()) -> str:
        """Write the table of a model that stands at `path`, then those of the mappings in it."""
        return "\n\n".join(self._parts(name, path, without))

    def _parts(self, name: str, path: str, without: Collection[str]) -> Iterator[str]:
        fields = self._models[name]["properties"]
        required = self._models[name].get("required", ())
        at = f"{path}." if path else ""
        own = {key: field for key, field in fields.items() if key not in without}
        rows = [
            self._row(key, field, f"{at}{key}", is_required=key in required)
            for key, field in own.items()
        ]
        yield from _table_of(rows)
        for below, names in _blocks(own, at).items():
            yield f"### `{below}`"
            for inner in names:
                yield one_line(self._models[inner])
                yield from self._parts(inner, below, ())

    def _row(self, key: str, field: Schema, path: str, *, is_required: bool) -> _Row:
        note = self._notes(path)
        limits = f" Range: {note.limits}." if note.limits else ""
        default = "**required**" if is_required else _default(field, note)
        return _Row(key, self._type(field, path), default, one_line(field) + limits, note)

    def _type(self, value: Schema, path: str) -> str:
        name, kind = referred(value), value.get("x-type", "")
        if name:
            return _SAID.get(name) or f"[mapping](#{anchor(path)})"
        if kind:
            linked = f"[{kind}]({self._home}#{anchor(kind)})"
            return linked if kind in VALUES else _SAID.get(kind, kind)
        members = alternatives(value)
        if members != [value]:
            types = [self._type(member, path) for member in members]
            return " or ".join(dict.fromkeys(word for word in types if word))
        if words := value.get("enum") or ([value["const"]] if "const" in value else []):
            return _codes(words)
        if value["type"] == "array":
            return f"list of {self._type(value.get('items', {}), f'{path}{EACH}')}"
        return _WORDS[value["type"]]


_WORDS = {"string": "text", "object": "mapping", "null": ""}


def anchor(heading: str) -> str:
    """Return the anchor that Git hosts give a heading."""
    return re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table; a `|` in a cell does not end it."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(_cell(text) for text in line)} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def _codes(words: Iterable[object]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _default(field: Schema, note: Note) -> str:
    default = written_default(field)
    if default is None:
        return f"`{note.default}` *(service)*" if note.default else NONE
    if isinstance(default, list):
        return _codes(default)
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _blocks(fields: Mapping[str, Schema], at: str) -> dict[str, list[str]]:
    """Return the path of each mapping inside some fields, and the models that may read it."""
    found: dict[str, list[str]] = {}
    for key, field in fields.items():
        for path, name in _models_in(field, f"{at}{key}"):
            found.setdefault(path, []).append(name)
    return found


def _models_in(value: Schema, path: str) -> Iterator[tuple[str, str]]:
    members = alternatives(value)
    if name := referred(value):
        if name not in _SAID:
            yield path, name
    elif members != [value]:
        for member in members:
            yield from _models_in(member, path)
    elif "items" in value:
        yield from _models_in(value["items"], f"{path}{EACH}")


def _table_of(rows: Sequence[_Row]) -> Iterator[str]:
    """Write rows; what they have in common stands before the table, not in its columns."""
    header = ["Field", "Type", "Default", "Meaning"]
    cells = [[f"`{row.key}`", row.type, row.default, row.meaning] for row in rows]
    if any(row.note.wire for row in rows):
        start = _start(row.note.wire for row in rows)
        changes = {row.note.changes for row in rows}
        said = [f"Wire paths start at `{start}`."] if start else []
        header.append("Wire")
        for cell, row in zip(cells, rows, strict=True):
            cell.append(_places(row.note.wire, start))
        if len(changes) == 1:
            said.append(f"Change: {_change(changes.pop())}.")
        else:
            header.append("Change")
            for cell, row in zip(cells, rows, strict=True):
                cell.append(_change(row.note.changes))
        if said:
            yield " ".join(said)
    yield table(header, cells)


def _change(changes: tuple[Change, ...]) -> str:
    words = [CHANGES[change] for change in changes if change is not Change.LOCAL]
    return " or ".join(words) or "local"


def _start(wires: Iterable[tuple[str, ...]]) -> str:
    """Return what is best said once, as it shortens the places most; empty for too few of them."""
    places = [place for wire in wires for place in wire]
    parts = [place.split(".") for place in places]
    starts = {".".join(part[:size]) for part in parts for size in range(2, len(part))}
    shares = {start: sum(_below(place, start) for place in places) for start in starts}
    shared = [start for start in starts if shares[start] >= SHARED_MIN * len(places)]
    return max(shared, key=lambda start: (shares[start] * len(start), start), default="")


def _below(place: str, start: str) -> bool:
    return place == start or place.startswith(f"{start}.")


def _places(wire: tuple[str, ...], start: str) -> str:
    if wire == (start,):
        return "see there"
    return _codes(place.removeprefix(f"{start}.") for place in wire) or NONE

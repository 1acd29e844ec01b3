"""A RecordingSet's generators to rows (design/spec-format.md, "Template and RecordingSet").

Reading a generator's file is the caller's: it comes in as a function, so that this stays pure.
"""

import csv
import io
import itertools
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.errors import SpecError
from reconciler.spec.kinds.manifests import FileGenerator, Generator, MatrixGenerator
from reconciler.spec.marked import Cell
from reconciler.spec.source import Source
from reconciler.spec.substitute import ABSENT
from reconciler.spec.syntax import parse_data
from reconciler.spec.values import kind_of

ROWS_MAX = 100_000
"""More recordings than any account may run at once, fifty times over."""

ReadFile = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Row:
    """One item of a generator: its variables, and what a diagnostic calls it.

    `fault` says why it cannot be used.
    """

    values: Mapping[str, Any]
    origin: str
    fault: str = ""


def rows(generator: Generator, label: str, read_file: ReadFile) -> Iterator[Row]:
    """Return a generator's rows. Raises SpecError when it cannot be read as a whole."""
    if isinstance(generator, FileGenerator):
        yield from _file_rows(generator.file, read_file(generator.file))
    elif isinstance(generator, MatrixGenerator):
        yield from _matrix_rows(generator, label)
    else:
        for index, row in enumerate(generator.rows):
            yield Row(row, f"{label}.list[{index}]")


def _matrix_rows(generator: MatrixGenerator, label: str) -> Iterator[Row]:
    names = list(generator.matrix)
    if math.prod(len(items) for items in generator.matrix.values()) > ROWS_MAX:
        raise SpecError("matrix", f"the matrix has more than {ROWS_MAX} combinations")
    for index, combination in enumerate(itertools.product(*generator.matrix.values())):
        # The values stay unsaid: one of them may be a secret.
        yield Row(dict(zip(names, combination, strict=True)), f"{label}.matrix[{index}]")


def _file_rows(name: str, data: bytes) -> Iterator[Row]:
    readers = {"csv": _csv_rows, "json": _json_rows, "yaml": _yaml_rows, "yml": _yaml_rows}
    reader = readers.get(name.rpartition(".")[2].lower())
    if reader is None:
        raise SpecError(
            "generator-file",
            f"`{name}` is of no kind that is known",
            hint="use .csv, .json or .yaml",
        )
    return reader(name, data)


def _csv_rows(name: str, data: bytes) -> Iterator[Row]:
    lines = csv.reader(io.StringIO(_text(name, data), newline=""), strict=True)
    try:
        header = [column.strip() for column in next(lines, [])]
        _check_header(name, header)
        start = lines.line_num + 1
        for cells in lines:
            if cells:
                yield _csv_row(header, cells, f"{name}:{start}")
            start = lines.line_num + 1
    except csv.Error as problem:
        raise SpecError("generator-file", f"{name}:{lines.line_num}: not CSV: {problem}") from None


def _check_header(name: str, header: list[str]) -> None:
    doubled = [column for column in header if column and header.count(column) > 1]
    if not header or "" in header or doubled:
        why = f"two columns are called `{doubled[0]}`" if doubled else "each column needs a name"
        raise SpecError(
            "generator-file", f"{name}:1: {why}", hint="the first line names the columns"
        )


def _csv_row(header: list[str], cells: list[str], origin: str) -> Row:
    if len(cells) != len(header):
        return Row({}, origin, f"the row has {len(cells)} cells, the header {len(header)}")
    filled = (Cell(cell) if cell else ABSENT for cell in (text.strip() for text in cells))
    return Row(dict(zip(header, filled, strict=True)), origin)


def _json_rows(name: str, data: bytes) -> Iterator[Row]:
    try:
        items = json.loads(
            _text(name, data), parse_constant=_no_constant, object_pairs_hook=_no_doubles
        )
    except (ValueError, RecursionError) as problem:
        raise SpecError("generator-file", f"`{name}` is not JSON: {problem}") from None
    return _list_rows(name, items)


def _no_constant(word: str) -> None:
    message = f"{word} is no number"
    raise ValueError(message)


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        message = "a key stands twice in one object"
        raise ValueError(message)
    return mapping


def _yaml_rows(name: str, data: bytes) -> Iterator[Row]:
    return _list_rows(name, parse_data(Source.of(name, data)))


def _list_rows(name: str, items: Any) -> Iterator[Row]:
    if not isinstance(items, list):
        raise SpecError(
            "generator-file", f"`{name}` must hold a list of rows, this is {kind_of(items)}"
        )
    for index, item in enumerate(items):
        origin = f"{name}[{index}]"
        if isinstance(item, dict):
            yield Row(item, origin)
        else:
            yield Row({}, origin, f"a row must be a mapping, this is {kind_of(item)}")


def _text(name: str, data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SpecError(
            "generator-file", f"`{name}` is not UTF-8", hint="save it as UTF-8"
        ) from None
    if "\0" in text:
        raise SpecError("generator-file", f"`{name}` has a NUL byte")
    return text

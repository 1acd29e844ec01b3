"""Tables of text that fit: columns are cut in the middle, or left out, down to a width.

Cells are measured in terminal columns, and their control characters are spelt out.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from reconciler.cli.report import one_line
from reconciler.draw.text import ELLIPSIS, cells

COLUMNS_MIN = 40
"""Nothing is laid out narrower than this; a terminal that is folds the lines."""

GAP = "  "


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    `least`: it may be cut down to so many cells; 0: it is never cut. `rank`: where there is no
    room, the column with the highest is left out first; 0: never.
    """

    title: str
    right: bool = False
    least: int = 0
    rank: int = 0


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    """Lay out a header and rows, no line wider than `width` unless too little may be cut."""
    texts = [
        [column.title for column in columns],
        *([fit_text(cell) for cell in row] for row in rows),
    ]
    widths = _fitted(columns, texts, max(width, COLUMNS_MIN))
    for row in texts:
        padded = (
            _padded(cut(row[index], room), room, right=columns[index].right)
            for index, room in widths.items()
        )
        yield GAP.join(padded).rstrip()


def fit_text(text: str) -> str:
    """Spell out what would move the cursor."""
    return text if text.isprintable() else one_line(text)


def measure(text: str) -> int:
    """Return how many terminal columns a text takes."""
    return len(text) if text.isascii() else cells(text)


def cut(text: str, room: int) -> str:
    """Cut a text in the middle, where names and addresses say least, down to `room` cells."""
    if measure(text) <= room:
        return text
    tail = (room - 1) // 2
    head = _beginning(text, room - 1 - tail)
    return head + ELLIPSIS + _beginning(text[::-1], tail)[::-1]


def _beginning(text: str, room: int) -> str:
    """Return as much of a text's beginning as fits; no character is narrower than one cell."""
    kept = text[:room]
    while measure(kept) > room:
        kept = kept[:-1]
    return kept


def _fitted(
    columns: Sequence[Column], texts: Sequence[Sequence[str]], width: int
) -> dict[int, int]:
    """Return how wide each column is that is shown, by its index."""
    natural = [max(measure(row[index]) for row in texts) for index in range(len(columns))]
    shown = _shown(columns, natural, width)
    widths = {index: natural[index] for index in shown}
    while _total(widths.values()) > width:
        widest = max(
            shown, key=lambda index: widths[index] - _floor(columns[index], natural[index])
        )
        if widths[widest] <= _floor(columns[widest], natural[widest]):
            break
        widths[widest] -= 1
    return widths


def _shown(columns: Sequence[Column], natural: Sequence[int], width: int) -> list[int]:
    """Leave out columns, highest rank first, until what the others need at least has room."""
    shown = list(range(len(columns)))
    while _total(_floor(columns[index], natural[index]) for index in shown) > width:
        last = max(shown, key=lambda index: columns[index].rank)
        if not columns[last].rank:
            break
        shown.remove(last)
    return shown


def _floor(column: Column, natural: int) -> int:
    return min(column.least, natural) if column.least else natural


def _total(widths: Iterable[int]) -> int:
    listed = list(widths)
    return sum(listed) + len(GAP) * (len(listed) - 1)


def _padded(text: str, room: int, *, right: bool) -> str:
    padding = " " * (room - measure(text))
    return padding + text if right else text + padding

"""What a region says about itself, as large as its room allows.

Used by `page`. The first form that fits wins: number and all labels, number and occupant, both on
one line, the number alone. Sizes come in units of the page's em, so the smallest text stays
readable.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.draw.scene import Box, Shape
from reconciler.draw.text import ems, shorten

SMALLEST, LARGEST = 0.68, 1.0
"""Sizes of label text, in ems of the page."""

NUMBER_SIZE = 1.8
"""Size of the region's number, in sizes of the text below it."""

LINE_HEIGHT = 1.25
PADDING = 0.4
"""What a plate reaches beyond its text, both sides together."""
FILLED = 0.88
"""How much of its box a label may take."""

Form = tuple[tuple[str, float], ...]
"""Lines, each with its size in sizes of the label text."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a block; `baseline` is counted from the block's top."""

    content: str
    size: float
    baseline: float


@dataclass(frozen=True, slots=True)
class Block:
    """Lines to be centred in a box, with the size of the plate below them."""

    width: float
    height: float
    lines: tuple[Line, ...]


def label(shape: Shape, em: float) -> Block | None:
    """Set the label of one region, or return None where not even its number has room."""
    box = shape.label_box
    if box is None:
        return None
    for form in _forms(shape, box, em):
        size = min(LARGEST * em, _size(form, box))
        if size >= SMALLEST * em:
            return _block(form, size)
    return None


def _forms(shape: Shape, box: Box, em: float) -> Iterator[Form]:
    number = str(shape.number)
    limit = FILLED * box.width / (SMALLEST * em) - PADDING
    labels = tuple(shorten(part, max(limit, 5), ems) for part in shape.labels)
    yield ((number, NUMBER_SIZE), *((part, 1.0) for part in labels))
    yield ((number, NUMBER_SIZE), (labels[0], 1.0))
    yield ((f"{number}  {', '.join(shape.labels)}", 1.0),)
    yield ((f"{number}  {shape.labels[0]}", 1.0),)
    yield ((number, 1.0),)


def _size(form: Form, box: Box) -> float:
    """Return the largest size at which all lines fit."""
    width = max(relative * ems(content) for content, relative in form) + PADDING
    height = sum(relative for _, relative in form) * LINE_HEIGHT + PADDING
    return FILLED * min(box.width / width, box.height / height)


def _block(form: Form, size: float) -> Block:
    lines: list[Line] = []
    bottom = PADDING / 2 * size
    for content, relative in form:
        bottom += relative * LINE_HEIGHT * size
        lines.append(Line(content, relative * size, bottom - 0.33 * relative * size))
    width = max(line.size * ems(line.content) for line in lines) + PADDING * size
    return Block(width, bottom + PADDING / 2 * size, tuple(lines))

"""A scene as characters: box drawing for regions, `▒` for overlaps, `·` where no region is.

A character cell is taken to be twice as high as wide. Regions that touch share a line. What does
not fit into a region stands in the list below the picture.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from reconciler.draw.scene import Box, Occupant, Scene, Shape
from reconciler.draw.text import cells, shorten, wrap

COLUMNS_MIN = 40
ROWS_MAX = 36
"""Highest picture, in lines, so that it and its legend stay on a screen."""

LABEL_COLUMNS_MIN = 16
"""The list has one line a region where the longest uid has room."""

CUT_COLUMNS_MIN = 8
"""In a region narrower than this a cut text says nothing, and only what fits whole is written."""

PLAIN, BOLD, FAINT, OVERLAP = "", "1", "2", "33"
"""Parameters of the escape sequence `ESC [ … m` (ECMA-48, SGR)."""

STYLES = {Occupant.USER: "1;36", Occupant.BOUND: "1;35", Occupant.EMPTY: FAINT}

UP, DOWN, LEFT, RIGHT = 1, 2, 4, 8
JOINTS = " │││─┘┐┤─└┌├─┴┬┼"
"""The box character for each sum of directions in which a line leaves a cell."""

WIDE_SPACE = ""
"""What stands in the cell that a wide character before it covers."""


@dataclass(frozen=True, slots=True)
class _Frame:
    """A box in cells: the cells of its lines, corners included."""

    left: int
    top: int
    right: int
    bottom: int


class _Grid:
    """The picture while it is being drawn: a character and a style for each cell."""

    def __init__(self, scene: Scene, columns: int) -> None:
        self._scene = scene
        self.columns, self.rows = _size(scene, columns)
        self._cells = [[(" ", PLAIN)] * self.columns for _ in range(self.rows)]
        self._joints = [[0] * self.columns for _ in range(self.rows)]

    def frame(self, box: Box) -> _Frame:
        across = (self.columns - 1) / self._scene.width
        down = (self.rows - 1) / self._scene.height
        return _Frame(
            round(box.x * across),
            round(box.y * down),
            round(box.right * across),
            round(box.bottom * down),
        )

    def fill(self, box: Box, char: str, style: str) -> None:
        frame = self.frame(box)
        for row in self._cells[frame.top : frame.bottom + 1]:
            row[frame.left : frame.right + 1] = [(char, style)] * (frame.right + 1 - frame.left)

    def outline(self, box: Box) -> None:
        frame = self.frame(box)
        for column in range(frame.left, frame.right):
            for row in (frame.top, frame.bottom):
                self._join(row, column, RIGHT)
                self._join(row, column + 1, LEFT)
        for row in range(frame.top, frame.bottom):
            for column in (frame.left, frame.right):
                self._join(row, column, DOWN)
                self._join(row + 1, column, UP)

    def _join(self, row: int, column: int, direction: int) -> None:
        self._joints[row][column] |= direction
        self._cells[row][column] = (JOINTS[self._joints[row][column]], PLAIN)

    def write(self, row: int, column: int, text: str, style: str) -> None:
        for char in text:
            self._cells[row][column] = (char, style)
            column += 1
            if cells(char) > 1:
                self._cells[row][column] = (WIDE_SPACE, style)
                column += 1

    def lines(self, *, colour: bool) -> Iterator[str]:
        for row in self._cells:
            runs = groupby(row, key=lambda cell: cell[1])
            yield "".join(
                _styled("".join(char for char, _ in run), style, colour=colour)
                for style, run in runs
            )


def terminal(scene: Scene, *, columns: int, colour: bool) -> str:
    """Draw a scene in lines of at most `columns` columns (at least 40), with a newline after each.

    Escape sequences are used only with `colour`; nothing is told by colour alone.
    """
    width = max(columns, COLUMNS_MIN)
    lines = (
        _styled(shorten(scene.title, width, cells), BOLD, colour=colour),
        *wrap(scene.subtitle, width, cells),
        *_picture(scene, width).lines(colour=colour),
        *_legend(scene, width, colour=colour),
    )
    return "\n".join(lines) + "\n"


def _size(scene: Scene, columns: int) -> tuple[int, int]:
    """Return the picture's columns and rows: as wide as allowed, no higher than wide."""
    rows_max = min(columns // 2, ROWS_MAX)
    rows = round((columns - 1) * scene.height / scene.width / 2) + 1
    if rows <= rows_max:
        return columns, max(rows, 3)
    wide = round((rows_max - 1) * 2 * scene.width / scene.height) + 1
    return max(wide, 3), rows_max


def _picture(scene: Scene, columns: int) -> _Grid:
    grid = _Grid(scene, columns)
    for box in scene.uncovered:
        grid.fill(box, "·", FAINT)
    for box in scene.overlaps:
        grid.fill(box, "▒", OVERLAP)
    grid.outline(Box(0, 0, scene.width, scene.height))
    for shape in scene.shapes:
        grid.outline(shape.box)
    for shape in scene.shapes:
        _write_label(grid, shape)
    return grid


def _write_label(grid: _Grid, shape: Shape) -> None:
    if shape.label_box is None:
        return
    frame = grid.frame(shape.label_box)
    width, height = frame.right - frame.left - 1, frame.bottom - frame.top - 1
    if width < cells(str(shape.number)) or height < 1:
        return
    texts = _label_lines(shape, width)[:height]
    top = frame.top + 1 + (height - len(texts)) // 2
    for row, text in enumerate(texts, start=top):
        left = frame.left + 1 + (width - cells(text)) // 2
        grid.write(row, left, text, STYLES[shape.occupant])


def _label_lines(shape: Shape, width: int) -> Sequence[str]:
    """Put number and occupant on one line if that fits; drop what says nothing when cut."""
    number, occupant, *others = (str(shape.number), *shape.labels)
    first = f"{number} {occupant}"
    stacked = (first, *others) if cells(first) <= width else (number, occupant, *others)
    if width >= CUT_COLUMNS_MIN:
        return [shorten(text, width, cells) for text in stacked]
    return [text for text in stacked if cells(text) <= width]


def _legend(scene: Scene, width: int, *, colour: bool) -> Iterator[str]:
    keys = ["▒ overlap"] * bool(scene.overlaps) + ["· no region"] * bool(scene.uncovered)
    if keys:
        yield "   ".join(keys)
    yield ""
    header, *body = _list(scene, width)
    yield _styled(header, BOLD, colour=colour)
    yield from body
    yield ""
    for remark in (*scene.backgrounds, *scene.notes):
        yield from wrap(remark, width, cells)


def _list(scene: Scene, width: int) -> Iterator[str]:
    digits = max(4, len(str(max(scene.width, scene.height)))) + 2
    room = width - 4 - 4 * 7 - 4 * digits
    return (
        _wide_rows(scene, room, digits) if room >= LABEL_COLUMNS_MIN else _narrow_rows(scene, width)
    )


def _wide_rows(scene: Scene, room: int, digits: int) -> Iterator[str]:
    """One line a region; labels that are longer than `room` go on below."""
    told = [wrap(", ".join(shape.labels), room, cells) for shape in scene.shapes]
    used = max(cells(line) for lines in (("shows",), *told) for line in lines)
    percents = "".join(f"{name + ' %':>7}" for name in "xywh")
    pixels = "".join(f"{name + ' px':>{digits}}" for name in "xywh")
    yield f" #  {'shows':<{used}}{percents}{pixels}"
    for shape, (first, *others) in zip(scene.shapes, told, strict=True):
        padding = " " * (used - cells(first))
        yield f"{shape.number:>2}  {first}{padding}{_percents(shape, 7)}{_pixels(shape, digits)}"
        yield from (f"    {line}" for line in others)


def _narrow_rows(scene: Scene, width: int) -> Iterator[str]:
    yield " #  " + "".join(f"{name:>8}" for name in ("x", "y", "width", "height"))
    for shape in scene.shapes:
        yield f"{shape.number:>2}  {shorten(', '.join(shape.labels), width - 4, cells)}"
        yield f"   %{_percents(shape, 8)}"
        yield f"  px{_pixels(shape, 8)}"


def _percents(shape: Shape, width: int) -> str:
    rect = shape.rect
    return "".join(
        f"{float(part) * 100:{width}.2f}" for part in (rect.x, rect.y, rect.width, rect.height)
    )


def _pixels(shape: Shape, width: int) -> str:
    box = shape.box
    return "".join(f"{part:{width}}" for part in (box.x, box.y, box.width, box.height))


def _styled(text: str, style: str, *, colour: bool) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if colour and style else text

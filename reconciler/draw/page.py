"""A scene laid out on a page: which shapes and texts stand where, in which colours.

Made once here and drawn by `svg` and `png` alike, so both show one picture. Lengths are pixels of
the canvas, whose top left corner is (0, 0); the page reaches beyond it for title, legend and
margin. Sizes follow the canvas's longer side, so that texts are equally readable on every canvas.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from reconciler.draw.label import label
from reconciler.draw.scene import Box, Occupant, Scene, Shape
from reconciler.draw.text import ems, shorten, wrap

LONGER_SIDE_PX = 1280
"""The longer side of a page when it is shown or stored."""

EMS_PER_CANVAS = 64
"""How many units of text size the canvas's longer side is."""

INNER_WIDTH_MIN = 36
"""Narrowest text column, in the same units: a legend needs it beside a very narrow canvas."""

PAPER, FRAME, INK, MUTED = "#f5f7fa", "#9aa7b5", "#17212c", "#4d5b6b"
LINE, LABEL_INK, HATCH = "#e8eff6", "#ffffff", "#ffb224"
FILLS = {Occupant.USER: "#2c5f93", Occupant.BOUND: "#6b4a9f", Occupant.EMPTY: "#56616e"}
BACKDROP_FILL = "#1f4468"
EMPTY_ALPHA = 0.35
LUMA_MIDDLE = 128
STRIPE_STEP, DOT_STEP, DOT_RADIUS = 0.8, 0.6, 0.075
"""Periods of the patterns and the radius of a dot, in ems; a stripe takes a quarter of its period.
"""


class Pattern(StrEnum):
    """A fill that leaves what is below visible."""

    OVERLAP = "overlap"
    UNCOVERED = "uncovered"


@dataclass(frozen=True, slots=True)
class Area:
    """One rectangle. `outline` is drawn inside the edges, outermost colour first.

    `fill` is a colour or a pattern, `alpha` its opacity. `shape` is set where this is a region
    itself.
    """

    role: str
    x: float
    y: float
    width: float
    height: float
    fill: str | Pattern
    alpha: float = 1.0
    outline: tuple[str, ...] = ()
    shape: Shape | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text; `x` is its start or its middle, `y` its baseline, `size` its em."""

    x: float
    y: float
    size: float
    colour: str
    content: str
    centred: bool = False


Item = Area | Text


@dataclass(frozen=True, slots=True)
class Page:
    """Everything to be drawn, in this order.

    `em` is the unit of text size, `dots` the colour of the dotted pattern.
    """

    x: float
    y: float
    width: float
    height: float
    em: float
    dots: str
    items: tuple[Item, ...]

    @property
    def scale(self) -> float:
        """Return the factor from pixels of the canvas to pixels of the drawn page."""
        return LONGER_SIDE_PX / max(self.width, self.height)


def page(scene: Scene) -> Page:
    """Lay out a scene: title, canvas with its regions, legend."""
    em = max(scene.width, scene.height) / EMS_PER_CANVAS
    inner = max(scene.width, INNER_WIDTH_MIN * em)
    left = (scene.width - inner) / 2
    top = -4.6 * em
    legend = tuple(_legend(scene, left, scene.height + 2.2 * em, inner, em))
    bottom = max(_foot(item) for item in legend) + 1.6 * em
    margin = 2 * em
    x, y, width, height = left - margin, top, inner + 2 * margin, bottom - top
    items = (
        Area("page", x, y, width, height, PAPER),
        *_header(scene, left, inner, em),
        *_canvas(scene, em),
        *legend,
    )
    return Page(x, y, width, height, em, _contrast(scene.background), items)


def _foot(item: Item) -> float:
    return item.y if isinstance(item, Text) else item.y + item.height


def _header(scene: Scene, left: float, inner: float, em: float) -> Iterator[Item]:
    yield Text(left, -2.4 * em, 1.6 * em, INK, shorten(scene.title, inner / (1.6 * em), ems))
    yield Text(left, -0.9 * em, 0.9 * em, MUTED, shorten(scene.subtitle, inner / (0.9 * em), ems))


def _canvas(scene: Scene, em: float) -> Iterator[Item]:
    yield Area("canvas", 0, 0, scene.width, scene.height, scene.background)
    yield from (_area("uncovered", box, Pattern.UNCOVERED) for box in scene.uncovered)
    for shape in scene.shapes:
        yield _region(shape)
    yield from (_area("overlap", box, Pattern.OVERLAP) for box in scene.overlaps)
    for shape in scene.shapes:
        yield from _label(shape, em)
    # A canvas of the page's own colour would otherwise have no visible edge.
    edge = em / 12
    for x, y, width, height in (
        (-edge, -edge, scene.width + 2 * edge, edge),
        (-edge, scene.height, scene.width + 2 * edge, edge),
        (-edge, 0, edge, scene.height),
        (scene.width, 0, edge, scene.height),
    ):
        yield Area("frame", x, y, width, height, FRAME)


def _area(role: str, box: Box, fill: str | Pattern) -> Area:
    return Area(role, box.x, box.y, box.width, box.height, fill)


def _region(shape: Shape) -> Area:
    box, fill = shape.box, _fill(shape)
    alpha = EMPTY_ALPHA if shape.occupant is Occupant.EMPTY else shape.alpha
    return Area("region", box.x, box.y, box.width, box.height, fill, alpha, (LINE, fill), shape)


def _fill(shape: Shape) -> str:
    return BACKDROP_FILL if shape.backdrop else FILLS[shape.occupant]


def _label(shape: Shape, em: float) -> Iterator[Item]:
    """Set the label on a plate of the region's colour, readable on stripes and on glass."""
    block = label(shape, em)
    box = shape.label_box
    if block is None or box is None:
        return
    middle, y = box.x + box.width / 2, box.y + (box.height - block.height) / 2
    yield Area("plate", middle - block.width / 2, y, block.width, block.height, _fill(shape))
    for line in block.lines:
        yield Text(middle, y + line.baseline, line.size, LABEL_INK, line.content, centred=True)


def _legend(scene: Scene, left: float, top: float, inner: float, em: float) -> Iterator[Item]:
    """Explain colours and patterns by swatches, then list backgrounds and notes."""
    x, y = left, top
    for key, content in _keys(scene):
        width = (2.4 + 0.85 * ems(content)) * em
        if x > left and x + width > left + inner:
            x, y = left, y + 1.5 * em
        # Patterns are seen on the ground they have in the picture.
        ground = Area("swatch", x, y - 0.8 * em, 1.6 * em, em, _ground(scene, key))
        yield ground
        yield replace(ground, fill=key.fill, alpha=key.alpha, outline=(FRAME,))
        yield Text(x + 2.1 * em, y, 0.85 * em, INK, content)
        x += width + 0.9 * em
    y += 0.5 * em
    for colour, contents in ((MUTED, scene.backgrounds[1:]), (INK, tuple(_remarks(scene, em)))):
        for content in contents:
            for line in wrap(content, inner / (0.85 * em), ems):
                y += 1.25 * em
                yield Text(left, y, 0.85 * em, colour, line)
            y += 0.15 * em
        y += 0.25 * em


@dataclass(frozen=True, slots=True)
class _Key:
    """One swatch of the legend: what it is filled with."""

    fill: str | Pattern
    alpha: float = 1.0


def _ground(scene: Scene, key: _Key) -> str:
    return FILLS[Occupant.USER] if key.fill is Pattern.OVERLAP else scene.background


_KEYS = {
    Occupant.USER: "user, in order of joining",
    Occupant.BOUND: "user bound by uid",
    Occupant.EMPTY: "empty region",
}


def _keys(scene: Scene) -> Iterator[tuple[_Key, str]]:
    shown = {shape.occupant for shape in scene.shapes}
    for occupant in (occupant for occupant in Occupant if occupant in shown):
        alpha = EMPTY_ALPHA if occupant is Occupant.EMPTY else 1.0
        yield _Key(FILLS[occupant], alpha), _KEYS[occupant]
    if scene.overlaps:
        yield _Key(Pattern.OVERLAP), "overlap"
    if scene.uncovered:
        yield _Key(Pattern.UNCOVERED), f"no region: {scene.backgrounds[0]}"
    else:
        yield _Key(scene.background), scene.backgrounds[0]


def _remarks(scene: Scene, em: float) -> Iterator[str]:
    yield from scene.notes
    unlabelled = [shape for shape in scene.shapes if label(shape, em) is None]
    if unlabelled:
        yield f"no room for the label of {_named(unlabelled)}"


def _named(shapes: Sequence[Shape]) -> str:
    return "; ".join(f"region {shape.number} ({', '.join(shape.labels)})" for shape in shapes)


def _contrast(colour: str) -> str:
    """Return white or black, whichever is better seen on `colour` (ITU-R BT.601 luma)."""
    red, green, blue = (int(colour[index : index + 2], 16) for index in (1, 3, 5))
    return "#ffffff" if 0.299 * red + 0.587 * green + 0.114 * blue < LUMA_MIDDLE else "#000000"

"""What a picture of a layout shows, in pixels of the canvas, before anything is drawn.

`scene` is the one place where regions become pixels and facts become texts, so that the terminal,
the SVG and the PNG cannot disagree. Pure; every text in a `Scene` is clean (`text.clean`).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from reconciler.draw.text import clean, image_name
from reconciler.spec.geometry import (
    Fit,
    LayoutSpec,
    LayoutType,
    Overlap,
    Rect,
    Region,
    overlaps,
    regions,
    remainder,
    uncovered,
)

PAIRS_NAMED = 4
"""How many pairs of overlapping regions a note names before it only counts them."""

IMAGES_NAMED = 8
"""How many users' images a legend names before it only counts them, not to outgrow the picture."""


class Occupant(StrEnum):
    """Who a region shows: the next user to join, the user its uid names, or nobody."""

    USER = "user"
    BOUND = "bound"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in whole pixels of the canvas, inside it; origin top left."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """Return the x at which it ends."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """Return the y at which it ends."""
        return self.y + self.height


@dataclass(frozen=True, slots=True)
class Shape:
    """One region, `rect` in exact fractions and `box` in pixels.

    `number` counts from 1 in the order of drawing. `label_box` is the part of `box` with most room
    for a label, None where other regions leave none.
    """

    number: int
    box: Box
    rect: Rect
    occupant: Occupant
    backdrop: bool
    labels: tuple[str, ...]
    alpha: float
    label_box: Box | None


@dataclass(frozen=True, slots=True)
class Scene:
    """A whole picture. `shapes` are in the order of drawing, `background` is `#rrggbb`."""

    title: str
    subtitle: str
    width: int
    height: int
    background: str
    shapes: tuple[Shape, ...]
    overlaps: tuple[Box, ...]
    uncovered: tuple[Box, ...]
    backgrounds: tuple[str, ...]
    notes: tuple[str, ...]


def scene(layout: LayoutSpec, *, users: int, width: int, height: int, title: str) -> Scene:
    """Compose the picture of `layout` for 1..17 users; width and height are pixels.

    Raises ValueError, a sentence, for users or a canvas outside their bounds and for a colour that
    is none.
    """
    _check(layout, width, height)
    placed = regions(layout, users)
    clashes, gaps = overlaps(placed), uncovered(placed)
    return Scene(
        title=clean(title),
        subtitle=f"{layout.type}, {_count(users, 'user')}, {width} x {height} px",
        width=width,
        height=height,
        background=layout.background_colour.lower(),
        shapes=tuple(_shape(index, placed, width, height) for index in range(len(placed))),
        overlaps=_boxes([clash.rect for clash in clashes], width, height),
        uncovered=_boxes(gaps, width, height),
        backgrounds=tuple(_backgrounds(layout)),
        notes=tuple(_notes(layout, users, placed, clashes, gaps)),
    )


def _check(layout: LayoutSpec, width: int, height: int) -> None:
    if min(width, height) < 1:
        message = f"A canvas is at least one pixel wide and high; `{width} x {height}` is not."
        raise ValueError(message)
    if not re.fullmatch("#[0-9a-fA-F]{6}", layout.background_colour):
        message = f"A colour is `#` and six hex digits; `{clean(layout.background_colour)}` is not."
        raise ValueError(message)


def _shape(index: int, placed: Sequence[Region], width: int, height: int) -> Shape:
    region = placed[index]
    return Shape(
        number=index + 1,
        box=_box(region.rect, width, height),
        rect=region.rect,
        occupant=_occupant(region),
        backdrop=region.backdrop,
        labels=tuple(clean(label) for label in region.labels),
        alpha=region.alpha,
        label_box=_label_box(index, placed, width, height),
    )


def _occupant(region: Region) -> Occupant:
    if region.empty:
        return Occupant.EMPTY
    return Occupant.BOUND if region.uid is not None else Occupant.USER


def _box(rect: Rect, width: int, height: int) -> Box:
    """Round the edges, not the sizes: regions that touch then share an edge."""
    left, right = (min(max(round(edge * width), 0), width) for edge in (rect.x, rect.right))
    top, bottom = (min(max(round(edge * height), 0), height) for edge in (rect.y, rect.bottom))
    return Box(left, top, right - left, bottom - top)


def _boxes(rects: Sequence[Rect], width: int, height: int) -> tuple[Box, ...]:
    boxes = dict.fromkeys(_box(rect, width, height) for rect in rects)
    return tuple(box for box in boxes if box.width and box.height)


def _label_box(index: int, placed: Sequence[Region], width: int, height: int) -> Box | None:
    """Choose what is this region's alone, unless all it shows has far more room."""
    own = placed[index].rect
    above = [region.rect for region in placed[index + 1 :]]
    below = [region.rect for region in placed[:index] if not region.backdrop]
    alone = _roomiest(_boxes(remainder(own, above + below), width, height))
    visible = _roomiest(_boxes(remainder(own, above), width, height))
    return alone if alone and visible and 2 * _room(alone) >= _room(visible) else visible


def _roomiest(boxes: Sequence[Box]) -> Box | None:
    return max(boxes, key=_room, default=None)


def _room(box: Box) -> int:
    """Judge a box by the lines of text it holds; a label is about twice as wide as it is high."""
    return min(box.width, 2 * box.height)


def _backgrounds(layout: LayoutSpec) -> Iterator[str]:
    """Say what shows where no video does, the strongest last (agora-api.md 9.3)."""
    yield f"background {layout.background_colour.lower()}"
    if layout.background_image is not None:
        yield f"background image {image_name(layout.background_image)}"
    if layout.user_image is not None:
        yield f"image of users without video {image_name(layout.user_image)}"
    for entry in layout.user_backgrounds[:IMAGES_NAMED]:
        fit = f" ({entry.fit})" if entry.fit is not Fit.CROP else ""
        yield f"image of uid {clean(entry.uid)} {image_name(entry.image)}{fit}"
    if len(layout.user_backgrounds) > IMAGES_NAMED:
        yield f"images of {_count(len(layout.user_backgrounds) - IMAGES_NAMED, 'more user')}"


def _notes(
    layout: LayoutSpec,
    users: int,
    placed: Sequence[Region],
    clashes: Sequence[Overlap],
    gaps: Sequence[Rect],
) -> Iterator[str]:
    hidden = users - len({(region.user, region.uid) for region in placed if not region.empty})
    if hidden:
        yield f"{_count(hidden, 'user')} {'is' if hidden == 1 else 'are'} heard but not shown"
    if layout.type is LayoutType.VERTICAL and layout.focus_uid is None:
        yield "no focus user is set, so the large region shows the background"
    if any(_occupant(region) is Occupant.BOUND for region in placed):
        yield "users bound by uid are taken to be present; the order of joining counts the others"
    if clashes:
        yield f"{_pairs(clashes)}; which one is on top is not documented, here it is the later one"
    if gaps:
        yield f"{_percent(sum(gap.area for gap in gaps))} of the canvas shows the background"


def _pairs(clashes: Sequence[Overlap]) -> str:
    named = [f"{clash.first + 1} and {clash.second + 1}" for clash in clashes[:PAIRS_NAMED]]
    if len(clashes) == 1:
        return f"regions {named[0]} overlap"
    if len(clashes) > PAIRS_NAMED:
        named.append(f"{len(clashes) - PAIRS_NAMED} more")
    return f"{len(clashes)} pairs of regions overlap: {'; '.join(named)}"


def _percent(share: Fraction | int) -> str:
    tenths = round(share * 1000)
    return f"{tenths / 10:.1f} %" if tenths else "less than 0.1 %"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"

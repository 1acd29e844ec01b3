from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from xml.etree.ElementTree import XML, Element

import pytest
from hypothesis import given, settings
from PIL import Image, ImageColor

from reconciler.draw.page import HATCH
from reconciler.draw.png import png
from reconciler.draw.scene import Scene, scene
from reconciler.draw.svg import NAMESPACE, svg
from reconciler.spec.geometry import CustomRegion, LayoutSpec, LayoutType, Rect
from tests.draw.layouts import HOSTILE, LANDSCAPE, PORTRAIT, SCENES, example, scenes

Colour = tuple[int, ...]
ROUNDING = ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))
"""A PNG has whole pixels, so an edge may lie one aside."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Picture:
    """Both drawings of one scene, addressed by points of the canvas."""

    image: Image.Image
    root: Element
    left: float
    top: float
    scale: float

    @classmethod
    def of(cls, drawn: Scene) -> "Picture":
        image = Image.open(BytesIO(png(drawn)))
        root = XML(svg(drawn))
        left, top, width, _ = map(float, root.attrib["viewBox"].split())
        return cls(image, root, left, top, image.width / width)

    def rects(self) -> Iterator[Element]:
        # Those inside <defs> are patterns, not shapes.
        yield from self.root.findall(f"{{{NAMESPACE}}}rect")

    def pixel(self, x: float, y: float, aside: tuple[int, int] = (0, 0)) -> Colour:
        across, down = int((x - self.left) * self.scale), int((y - self.top) * self.scale)
        colour = self.image.getpixel((across + aside[0], down + aside[1]))
        assert isinstance(colour, tuple)
        return colour

    def painted(self, x: float, y: float) -> Colour | None:
        """Return the SVG's colour at a point; None in patterns and below texts."""
        colour: Colour | None = None
        for rect in self.rects():
            if not contains(rect, x, y):
                continue
            if "stroke" in rect.attrib:
                colour = stroked(rect, x, y) or colour
            elif rect.get("class") == "plate" or rect.attrib["fill"].startswith("url"):
                return None
            else:
                colour = blended(rect, colour)
        return colour


def numbers(rect: Element) -> tuple[float, float, float, float]:
    x, y, width, height = (float(rect.attrib[name]) for name in ("x", "y", "width", "height"))
    return x, y, width, height


def contains(rect: Element, x: float, y: float) -> bool:
    left, top, width, height = numbers(rect)
    reach = float(rect.get("stroke-width", 0)) / 2
    across = left - reach <= x < left + width + reach
    return across and top - reach <= y < top + height + reach


def stroked(rect: Element, x: float, y: float) -> Colour | None:
    left, top, width, height = numbers(rect)
    edges = (abs(x - left), abs(x - left - width), abs(y - top), abs(y - top - height))
    near = min(edges) <= float(rect.attrib["stroke-width"]) / 2
    return ImageColor.getrgb(rect.attrib["stroke"]) if near else None


def blended(rect: Element, below: Colour | None) -> Colour:
    fill, alpha = ImageColor.getrgb(rect.attrib["fill"]), float(rect.get("fill-opacity", 1))
    pairs = zip(fill, below or fill, strict=True)
    return tuple(round(new * alpha + old * (1 - alpha)) for new, old in pairs)


def insides_and_borders(picture: Picture) -> Iterator[Point]:
    """Give points well inside each region, and points on the line along each of its edges."""
    line = next(
        float(rect.attrib["stroke-width"]) / 2
        for rect in picture.rects()
        if "stroke" in rect.attrib
    )
    for rect in picture.rects():
        if "region" not in rect.get("class", ""):
            continue
        left, top, width, height = numbers(rect)
        for part in (0.13, 0.37, 0.81):
            yield left + width * part, top + height * 0.1
            yield left + width * 0.12, top + height * part
            yield left + width * part, top + line
            yield left + width * part, top + height - line
            yield left + line, top + height * part
            yield left + width - line, top + height * part


def close(one: Colour, other: Colour) -> bool:
    return all(abs(a - b) <= 2 for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("size", [LANDSCAPE, PORTRAIT])
@pytest.mark.parametrize("name", SCENES)
def test_the_png_shows_the_rectangles_of_the_svg(name: str, size: tuple[int, int]) -> None:
    picture = Picture.of(example(name, size))
    checked = 0
    for x, y in insides_and_borders(picture):
        expected = picture.painted(x, y)
        if expected is not None:
            checked += 1
            seen = [picture.pixel(x, y, aside) for aside in ROUNDING]
            assert any(close(colour, expected) for colour in seen), f"at {x}, {y}"
    assert checked >= 10


def shares(picture: Picture, role: str, colour: str) -> list[float]:
    """Return for each rectangle of a role how much of it has a colour."""
    found = []
    for rect in picture.rects():
        if rect.get("class") == role:
            left, top, width, height = numbers(rect)
            points = [
                (left + width * (x + 0.5) / 40, top + height * (y + 0.5) / 40)
                for x in range(40)
                for y in range(40)
            ]
            rgb = ImageColor.getrgb(colour)
            found.append(sum(picture.pixel(*point) == rgb for point in points) / len(points))
    return found


@pytest.mark.parametrize("size", [LANDSCAPE, PORTRAIT])
def test_overlaps_are_striped_and_nothing_else_is(size: tuple[int, int]) -> None:
    picture = Picture.of(example("custom", size))
    striped = shares(picture, "overlap", HATCH)
    assert len(striped) == 3
    assert all(0.05 < share < 0.35 for share in striped)
    assert shares(picture, "uncovered", HATCH) == [0] * len(shares(picture, "uncovered", HATCH))
    assert max(shares(Picture.of(example("vertical 7", size)), "canvas", HATCH)) == 0


@pytest.mark.parametrize("size", [LANDSCAPE, PORTRAIT])
def test_gaps_are_dotted(size: tuple[int, int]) -> None:
    picture = Picture.of(example("best-fit 3", size))
    (dotted,) = shares(picture, "uncovered", "#ffffff")
    (plain,) = shares(picture, "uncovered", "#000000")
    assert 0.005 < dotted < 0.1
    assert plain > 0.8


@pytest.mark.parametrize(
    ("width", "height"), [LANDSCAPE, PORTRAIT, (160, 120), (1920, 1080), (1, 1), (1920, 1)]
)
def test_the_longer_side_is_1280_pixels(width: int, height: int) -> None:
    drawn = scene(LayoutSpec(), users=17, width=width, height=height, title="room")
    image = Image.open(BytesIO(png(drawn)))
    assert (image.format, max(image.size)) == ("PNG", 1280)


@pytest.mark.parametrize("name", SCENES)
def test_the_same_scene_gives_the_same_bytes(name: str) -> None:
    assert png(example(name)) == png(example(name))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_drawn_without_harm(text: str) -> None:
    region = CustomRegion(Rect.of(0, 0, 1, 1), uid=text)
    layout = LayoutSpec(LayoutType.CUSTOM, regions=(region,), background_image=text)
    drawn = scene(layout, users=1, width=640, height=360, title=text)
    Image.open(BytesIO(png(drawn))).verify()


@settings(max_examples=25)
@given(scenes)
def test_any_scene_is_drawn(drawn: Scene) -> None:
    image = Image.open(BytesIO(png(drawn)))
    assert max(image.size) == 1280

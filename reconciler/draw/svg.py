"""A scene as one standalone SVG 1.1 document: no script, no font, nothing loaded from anywhere.

The coordinate system is the canvas's own: a region's x, y, width and height are its pixels.
Elements have stable classes, regions stable ids (`region-1`), so that other tools can style or read
the picture.
"""

from collections.abc import Iterator
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from reconciler.draw.page import (
    DOT_RADIUS,
    DOT_STEP,
    HATCH,
    STRIPE_STEP,
    Area,
    Page,
    Pattern,
    Text,
    page,
)
from reconciler.draw.scene import Scene, Shape

NAMESPACE = "http://www.w3.org/2000/svg"
FONTS = "Helvetica, Arial, 'DejaVu Sans', 'Liberation Sans', sans-serif"


def svg(scene: Scene) -> str:
    """Draw a scene as the text of an SVG document, the same text for the same scene."""
    sheet = page(scene)
    root = _root(sheet)
    SubElement(root, "title").text = scene.title
    remarks = (scene.subtitle, *scene.backgrounds, *scene.notes)
    SubElement(root, "desc").text = "; ".join(remarks)
    root.append(_patterns(sheet))
    for item in sheet.items:
        root.extend([_text(item)] if isinstance(item, Text) else _area(item, sheet.em))
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def _root(sheet: Page) -> Element:
    return _element(
        "svg",
        xmlns=NAMESPACE,
        version="1.1",
        width=round(sheet.width * sheet.scale),
        height=round(sheet.height * sheet.scale),
        viewBox=" ".join(map(_number, (sheet.x, sheet.y, sheet.width, sheet.height))),
        font_family=FONTS,
    )


def _patterns(sheet: Page) -> Element:
    em = sheet.em
    stripe = _element("rect", width=em * STRIPE_STEP / 4, height=em * STRIPE_STEP, fill=HATCH)
    middle = em * DOT_STEP / 2
    dot = _element("circle", cx=middle, cy=middle, r=em * DOT_RADIUS, fill=sheet.dots)
    definitions = Element("defs")
    definitions.append(_pattern(Pattern.OVERLAP, em * STRIPE_STEP, stripe, turned=45))
    definitions.append(_pattern(Pattern.UNCOVERED, em * DOT_STEP, dot, turned=0))
    return definitions


def _pattern(pattern: Pattern, step: float, content: Element, *, turned: int) -> Element:
    element = _element(
        "pattern",
        id=pattern.value,
        width=step,
        height=step,
        patternUnits="userSpaceOnUse",
        patternTransform=f"rotate({turned})",
    )
    element.append(content)
    return element


def _area(area: Area, em: float) -> Iterator[Element]:
    rect = _element(
        "rect",
        class_=area.role,
        x=area.x,
        y=area.y,
        width=area.width,
        height=area.height,
        fill=f"url(#{area.fill})" if isinstance(area.fill, Pattern) else area.fill,
        fill_opacity=area.alpha,
    )
    if area.shape is not None:
        _describe(rect, area.shape)
    yield rect
    yield from _outline(area, em)


def _describe(rect: Element, shape: Shape) -> None:
    """Make a region's rectangle known to tools (id, class, data) and to people (a tooltip)."""
    box = shape.box
    rect.set("id", f"region-{shape.number}")
    rect.set("class", f"region {shape.occupant}")
    for name in ("x", "y", "width", "height"):
        rect.set(f"data-{name}", str(getattr(box, name)))
    where = f"{box.width} x {box.height} px at {box.x}, {box.y}"
    title = SubElement(rect, "title")
    title.text = f"region {shape.number}: {', '.join(shape.labels)}; {where}"


def _outline(area: Area, em: float) -> Iterator[Element]:
    """Draw lines inside the edges; SVG would centre them there, half in the neighbour."""
    width = em / 10
    for index, colour in enumerate(area.outline):
        inset = (index + 0.5) * width
        if min(area.width, area.height) <= 2 * inset + width:
            return
        yield _element(
            "rect",
            class_="outline",
            x=area.x + inset,
            y=area.y + inset,
            width=area.width - 2 * inset,
            height=area.height - 2 * inset,
            fill="none",
            stroke=colour,
            stroke_width=width,
        )


def _text(text: Text) -> Element:
    element = _element(
        "text",
        x=text.x,
        y=text.y,
        font_size=text.size,
        fill=text.colour,
        text_anchor="middle" if text.centred else "start",
    )
    element.text = text.content
    return element


def _element(name: str, /, **attributes: str | float) -> Element:
    """Make an element; in attribute names `_` stands for `-`, and a last one is dropped."""
    written = {
        key.rstrip("_").replace("_", "-"): value if isinstance(value, str) else _number(value)
        for key, value in attributes.items()
    }
    return Element(name, written)


def _number(value: float) -> str:
    """Write a length: exact for pixels, seven decimals for the rest, never an exponent."""
    return f"{value:.7f}".rstrip("0").rstrip(".")

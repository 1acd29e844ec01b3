"""A scene as a PNG: the page that `svg` writes, drawn with Pillow and its own typeface.

The one home of Pillow. The same scene gives the same bytes with one version of Pillow.
"""

import math
from collections.abc import Iterable
from functools import cache
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

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
from reconciler.draw.scene import Scene

SMOOTHING = 4
"""How much larger a pattern is drawn, then reduced: Pillow does not smooth edges."""

Pixels = tuple[int, int, int, int]
"""Left, top, right, bottom; the last two are outside."""


def png(scene: Scene) -> bytes:
    """Draw a scene as a PNG whose longer side is `page.LONGER_SIDE_PX`."""
    sheet = page(scene)
    size = (max(1, round(sheet.width * sheet.scale)), max(1, round(sheet.height * sheet.scale)))
    image = Image.new("RGB", size)
    masks = _masks(sheet, size)
    for item in sheet.items:
        if isinstance(item, Text):
            _text(image, sheet, item)
        else:
            _area(image, sheet, item, masks)
    target = BytesIO()
    image.save(target, "PNG")
    return target.getvalue()


def _area(image: Image.Image, sheet: Page, area: Area, masks: dict[Pattern, Image.Image]) -> None:
    box = _pixels(sheet, area)
    size = (box[2] - box[0], box[3] - box[1])
    if min(size) < 1:
        return
    if isinstance(area.fill, Pattern):
        colour = HATCH if area.fill is Pattern.OVERLAP else sheet.dots
        image.paste(colour, box, masks[area.fill].crop(box))
    else:
        image.paste(area.fill, box, Image.new("L", size, round(area.alpha * 255)))
    _outline(image, box, area.outline, max(1, round(sheet.em / 10 * sheet.scale)))


def _pixels(sheet: Page, area: Area) -> Pixels:
    """Round the edges, so that areas that touch share an edge here too."""
    xs = (area.x - sheet.x, area.x + area.width - sheet.x)
    ys = (area.y - sheet.y, area.y + area.height - sheet.y)
    left, right = (round(x * sheet.scale) for x in xs)
    top, bottom = (round(y * sheet.scale) for y in ys)
    return left, top, right, bottom


def _outline(image: Image.Image, box: Pixels, colours: Iterable[str], width: int) -> None:
    left, top, right, bottom = box
    draw = ImageDraw.Draw(image)
    for colour in colours:
        if min(right - left, bottom - top) <= 2 * width:
            return
        draw.rectangle((left, top, right - 1, bottom - 1), outline=colour, width=width)
        left, top, right, bottom = left + width, top + width, right - width, bottom - width


def _text(image: Image.Image, sheet: Page, text: Text) -> None:
    x, y = (text.x - sheet.x) * sheet.scale, (text.y - sheet.y) * sheet.scale
    font = _font(max(1, round(text.size * sheet.scale)))
    anchor = "ms" if text.centred else "ls"
    ImageDraw.Draw(image).text((round(x), round(y)), text.content, text.colour, font, anchor)


@cache
def _font(size_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size_px)


def _masks(sheet: Page, size: tuple[int, int]) -> dict[Pattern, Image.Image]:
    """Return a mask of the whole image for each pattern used; it runs on between areas."""
    used = {
        item.fill
        for item in sheet.items
        if isinstance(item, Area) and isinstance(item.fill, Pattern)
    }
    em = sheet.em * sheet.scale
    tiles = {Pattern.OVERLAP: _stripes, Pattern.UNCOVERED: _dots}
    origin = (round(-sheet.x * sheet.scale), round(-sheet.y * sheet.scale))
    return {pattern: _tiled(tiles[pattern](em), size, origin) for pattern in used}


def _stripes(em: float) -> Image.Image:
    """Draw one period of the diagonal: a quarter stripe, three quarters nothing."""
    side = max(2, round(STRIPE_STEP * em * math.sqrt(2)))
    large = Image.new("L", (side * SMOOTHING, side * SMOOTHING))
    draw = ImageDraw.Draw(large)
    period = side * SMOOTHING
    for start in (-period, 0):
        x = start + period / 4
        draw.polygon(
            [(x, period), (x + period / 4, period), (x + period * 1.25, 0), (x + period, 0)],
            fill=255,
        )
    return large.reduce(SMOOTHING)


def _dots(em: float) -> Image.Image:
    side = max(2, round(DOT_STEP * em))
    large = Image.new("L", (side * SMOOTHING, side * SMOOTHING))
    middle, radius = side * SMOOTHING / 2, DOT_RADIUS * em * SMOOTHING
    corners = (middle - radius, middle - radius, middle + radius, middle + radius)
    ImageDraw.Draw(large).ellipse(corners, fill=255)
    return large.reduce(SMOOTHING)


def _tiled(tile: Image.Image, size: tuple[int, int], origin: tuple[int, int]) -> Image.Image:
    """Fill a mask with tiles, one of them at the canvas's corner."""
    mask = Image.new("L", size)
    for y in range(origin[1] % tile.height - tile.height, size[1], tile.height):
        for x in range(origin[0] % tile.width - tile.width, size[0], tile.width):
            mask.paste(tile, (x, y))
    return mask

"""Who stands where in a mix, and what is behind them."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import TypeAlias, TypeGuard

from reconciler.spec import limits
from reconciler.spec.limits import Limits
from reconciler.spec.rules.read import (
    TRANSCODING,
    entries,
    given,
    literal,
    objects,
    out_of_range,
    unlike,
    unlike_number,
)
from reconciler.spec.rules.rule import ANY, MIX, Body, Finding, error, rule, warning
from reconciler.spec.secrets import Secret
from reconciler.spec.wire import Json, Path

LAYOUT: Path = (*TRANSCODING, "mixedVideoLayout")
REGIONS: Path = (*TRANSCODING, "layoutConfig")
FOCUS: Path = (*TRANSCODING, "maxResolutionUid")
COLOR: Path = (*TRANSCODING, "backgroundColor")
BACKGROUNDS: Path = (*TRANSCODING, "backgroundConfig")
BACKGROUND_UID: Path = (*BACKGROUNDS, ANY, "uid")
BACKGROUND_IMAGE: Path = (*BACKGROUNDS, ANY, "image_url")

LAYOUTS = Limits(0, 3)
SIDES = ("x_axis", "y_axis", "width", "height")
FRACTIONS = (*SIDES, "alpha")
EDGES = (("x_axis", "width", "right"), ("y_axis", "height", "lower"))
VERTICAL, CUSTOM = 2, 3
IMAGE_KEYS = ("backgroundImage", "defaultUserBackgroundImage")
IMAGE_PATHS: tuple[Path, ...] = tuple((*TRANSCODING, key) for key in IMAGE_KEYS)
IMAGE_ENDINGS = (".jpg", ".jpeg", ".bmp")

_COLOR = re.compile(r"#[0-9A-Fa-f]{6}")

Region: TypeAlias = Mapping[str, Json]
Regions: TypeAlias = Sequence[tuple[int, Region]]
Fractions: TypeAlias = Mapping[str, float]
Box: TypeAlias = tuple[float, float, float, float]
"""The left, upper, right and lower edge of a region."""


@rule("C36", "layout", MIX, (LAYOUT, REGIONS), "3.13 C36")
def layout(body: Body) -> Iterable[Finding]:
    """Refuse an unknown layout, and a custom one without regions; warn of regions in another."""
    config = body.transcoding
    found, regions = config.get("mixedVideoLayout"), config.get("layoutConfig")
    if found is not None and (message := out_of_range(found, LAYOUTS)):
        return (error(LAYOUT, message, "0 floating, 1 best fit, 2 vertical, 3 custom"),)
    if found == CUSTOM and not regions:
        return (error(REGIONS, "is missing, a custom layout needs its regions"),)
    if found != CUSTOM and regions:
        message = "is not sent, the layout is not custom"
        return (warning(REGIONS, message, "choose the custom layout"),)
    return ()


@rule("C37", "layout-region", MIX, (LAYOUT, REGIONS), "3.13 C37")
def layout_region(body: Body) -> Iterable[Finding]:
    """Refuse regions off the canvas or above 17; warn of overlaps, repeated uids, rounding."""
    config = body.transcoding
    if config.get("mixedVideoLayout") != CUSTOM:
        return ()
    regions = objects(config, "layoutConfig")
    most = limits.LAYOUT_REGIONS.high
    findings = []
    if len(entries(config, "layoutConfig")) > most:
        findings.append(error(REGIONS, f"must have at most {most} regions"))
    placed = [(index, region, _fractions(region)) for index, region in regions]
    for index, region, fractions in placed:
        findings.extend(_lacking(index, region, fractions))
        findings.extend(_rounded(index, fractions))
        findings.extend(_beyond(index, fractions))
    findings.extend(_repeats(regions))
    findings.extend(_overlaps([(index, _box(found)) for index, _, found in placed]))
    return findings


@rule("C38", "layout-focus", MIX, (LAYOUT, FOCUS), "3.13 C38")
def layout_focus(body: Body) -> Iterable[Finding]:
    """Warn of a user to show large in another layout than vertical, and of none there."""
    config = body.transcoding
    vertical = config.get("mixedVideoLayout") == VERTICAL
    if vertical is given(config.get("maxResolutionUid")):
        return ()
    if vertical:
        hint = "name the user to show large"
        return (warning(FOCUS, "is missing, the large region stays empty", hint),)
    message = "is not used, the layout is not vertical"
    return (warning(FOCUS, message, "leave it out, or choose the vertical layout"),)


@rule("C39", "color", MIX, (COLOR,), "3.13 C39")
def color(body: Body) -> Iterable[Finding]:
    """Refuse a colour that is not written as `#` and six hexadecimal digits."""
    value = body.transcoding.get("backgroundColor")
    if value is None or (isinstance(value, Secret) and literal(value) is None):
        return ()
    if _COLOR.fullmatch(literal(value) or ""):
        return ()
    return (error(COLOR, unlike(value, "`#` and six hexadecimal digits"), "write it as `#1a2b3c`"),)


@rule("C40", "image", MIX, (*IMAGE_PATHS, BACKGROUND_IMAGE), "3.13 C40; K12")
def image(body: Body) -> Iterable[Finding]:
    """Refuse an image that is no web address; warn of plain http and of other than jpg, bmp."""
    config = body.transcoding
    addresses = [((*TRANSCODING, key), literal(config.get(key))) for key in IMAGE_KEYS]
    for index, entry in objects(config, "backgroundConfig"):
        addresses.append(((*BACKGROUNDS, index, "image_url"), literal(entry.get("image_url"))))
    return [finding for path, address in addresses if address for finding in _image(path, address)]


@rule("C41", "background", MIX, (BACKGROUND_UID, BACKGROUND_IMAGE), "3.13 C41")
def background(body: Body) -> Iterable[Finding]:
    """Refuse a user's background without the user's uid or without an image."""
    return [
        error((*BACKGROUNDS, index, key), "is missing, a background needs it")
        for index, entry in objects(body.transcoding, "backgroundConfig")
        for key in ("uid", "image_url")
        if not given(entry.get(key))
    ]


def _fractions(region: Region) -> Fractions:
    return {key: value for key, value in region.items() if key in FRACTIONS and _is_fraction(value)}


def _lacking(index: int, region: Region, fractions: Fractions) -> Iterable[Finding]:
    wanted = "a number from 0 to 1, a fraction of the whole"
    return [
        error((*REGIONS, index, key), unlike_number(region.get(key), wanted))
        for key in FRACTIONS
        if key not in fractions and (key in SIDES or region.get(key) is not None)
    ]


def _rounded(index: int, fractions: Fractions) -> Iterable[Finding]:
    decimals = limits.LAYOUT_DECIMALS
    return [
        warning((*REGIONS, index, key), f"is rounded to {decimals} decimals by the service")
        for key, value in fractions.items()
        if round(value, decimals) != value
    ]


def _beyond(index: int, fractions: Fractions) -> Iterator[Finding]:
    for start, length, edge in EDGES:
        if start in fractions and length in fractions:
            rest = 1 - fractions[start]
            if _is_over(fractions[length] - rest):
                message = f"reaches over the {edge} edge of the canvas"
                yield error((*REGIONS, index, length), message, f"at most {rest:.6g} fits")


def _repeats(regions: Regions) -> Iterator[Finding]:
    seen: set[str] = set()
    for index, region in regions:
        uid = literal(region.get("uid"))
        if uid and uid in seen:
            yield warning((*REGIONS, index, "uid"), "has a region already")
        seen.add(uid or "")


def _overlaps(boxes: Sequence[tuple[int, Box | None]]) -> Iterator[Finding]:
    covered = set()
    for (first, box), (second, other) in combinations(boxes, 2):
        if box and other and second not in covered and _overlap(box, other):
            covered.add(second)
            yield warning((*REGIONS, second), f"overlaps region [{first}], which may be hidden")


def _overlap(box: Box, other: Box) -> bool:
    return box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]


def _box(fractions: Fractions) -> Box | None:
    if not fractions.keys() >= set(SIDES):
        return None
    x, y, width, height = (fractions[key] for key in SIDES)
    # Touching is not overlapping, also where fractions are rounded.
    inner = limits.LAYOUT_TOLERANCE
    return (x, y, x + width - inner, y + height - inner)


def _is_over(rest: float) -> bool:
    # Two fractions rounded up to six decimals are one step over: 0.333334 and 0.666667.
    return rest > 0 and round(rest, limits.LAYOUT_DECIMALS + 3) > limits.LAYOUT_TOLERANCE


def _is_fraction(value: Json) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1


def _image(path: Path, address: str) -> Iterator[Finding]:
    scheme, separator, rest = address.lower().partition("://")
    if not separator or scheme not in ("http", "https"):
        yield error(path, "must be a web address", "write it as https://example.com/image.jpg")
        return
    if scheme == "http":
        message = "is plain http, which newer documents of the service no longer allow"
        yield warning(path, message, "use https")
    name = rest.partition("#")[0].partition("?")[0]
    if not name.endswith(IMAGE_ENDINGS):
        yield warning(path, "does not end in jpg, jpeg or bmp, other images are not shown")

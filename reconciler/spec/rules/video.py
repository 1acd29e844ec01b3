"""The picture of a mix: its size, frame rate and bit rate."""

from collections.abc import Iterable

from reconciler.spec import limits
from reconciler.spec.limits import Limits
from reconciler.spec.rules.read import (
    TRANSCODING,
    is_number,
    out_of_range,
    shown,
)
from reconciler.spec.rules.rule import MIX, Body, Finding, error, rule, warning
from reconciler.spec.wire import Json, Path

WIDTH: Path = (*TRANSCODING, "width")
HEIGHT: Path = (*TRANSCODING, "height")
FPS: Path = (*TRANSCODING, "fps")
BITRATE: Path = (*TRANSCODING, "bitrate")

SIDE = Limits(1, limits.CANVAS_PIXELS)


@rule("C32", "video-incomplete", MIX, (WIDTH, HEIGHT, FPS, BITRATE), "3.13 C32; K10")
def video_incomplete(body: Body) -> Iterable[Finding]:
    """Warn of a picture without all four of width, height, frame rate and bit rate."""
    config = body.recording.get("transcodingConfig")
    if not isinstance(config, dict):
        return ()
    message = "is not given, the service's default is assumed"
    hint = "give width, height, fps and bitrate together"
    keys = ("width", "height", "fps", "bitrate")
    return [warning((*TRANSCODING, key), message, hint) for key in keys if config.get(key) is None]


@rule("C33", "canvas", MIX, (WIDTH, HEIGHT), "3.13 C33; K11")
def canvas(body: Body) -> Iterable[Finding]:
    """Refuse a picture of more than 2073600 pixels or none; warn of a side above 1920."""
    config = body.transcoding
    width, height = config.get("width"), config.get("height")
    if width is None and height is None:
        return ()
    return picture(
        (WIDTH, limits.CANVAS_WIDTH_DEFAULT if width is None else width),
        (HEIGHT, limits.CANVAS_HEIGHT_DEFAULT if height is None else height),
        Limits(1, limits.CANVAS_SIDE_COMMON),
    )


@rule("C34", "frame-rate", MIX, (FPS,), "3.13 C34")
def frame_rate(body: Body) -> Iterable[Finding]:
    """Warn of a frame rate that the service replaces by 15."""
    value = body.transcoding.get("fps")
    if value in limits.VIDEO_FPS or not is_number(value):
        return ()
    known = ", ".join(str(rate) for rate in limits.VIDEO_FPS)
    return (warning(FPS, f"the service will use 15, not {shown(value)}", f"known are {known}"),)


@rule("C35", "bit-rate", MIX, (BITRATE,), "3.13 C35")
def bit_rate(body: Body) -> Iterable[Finding]:
    """Refuse a bit rate that is not a whole number of Kbps from 1 to 6500."""
    value = body.transcoding.get("bitrate")
    if value is None:
        return ()
    message = out_of_range(value, limits.VIDEO_BITRATE_KBPS, "Kbps")
    return (error(BITRATE, message),) if message else ()


def picture(width: tuple[Path, Json], height: tuple[Path, Json], common: Limits) -> list[Finding]:
    """Judge the sides of a picture and their product, for mixes and web pages alike (C33, C54)."""
    sides = (width, height)
    wrong = [
        error(path, message)
        for path, value in sides
        if (message := out_of_range(value, SIDE, "pixels"))
    ]
    if wrong:
        return wrong
    usual = f"{common.low} to {common.high}"
    findings = [
        warning(path, f"is {shown(value)} pixels, some of the service's documents ask for {usual}")
        for path, value in sides
        if value not in common
    ]
    across, down, most = width[1], height[1], limits.CANVAS_PIXELS
    if isinstance(across, int) and isinstance(down, int) and across * down > most:
        message = f"makes a picture of {across * down} pixels, at most {most} are possible"
        findings.append(error(width[0], message, "1920 by 1080 is the largest usual size"))
    return findings

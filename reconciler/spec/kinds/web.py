"""`mode: web`: a web page, rendered and recorded (agora-api.md 3.9)."""

from typing import Literal

from reconciler.spec.kinds.base import SpecModel
from reconciler.spec.kinds.recording import CommonSpec
from reconciler.spec.values import Duration, Flag, Hours, Int, Minutes, PageUrl, RtmpUrl


class WebPageSpec(SpecModel):
    """The page, and how it is recorded."""

    url: PageUrl
    """The page's address; with a query, or as a Secret, it is treated as a secret."""

    width: Int = 1280
    """Pixels; width times height at most 2,073,600."""

    height: Int = 720
    """Pixels."""

    fps: Int | None = None
    """Frames per second."""

    bitrate: Int | None = None
    """Kbps; the service takes 2000 from 1280 x 720 on, else 1500."""

    audio_profile: Int = 0
    """0: 48 kHz mono 48 Kbps; 1: mono 128 Kbps; 2: stereo 192 Kbps."""

    mobile: Flag | None = None
    """Render as on a phone."""

    max_duration: Hours
    """When the session ends by itself, in whole hours. Billing runs until then."""

    file_duration: Minutes | None = None
    """Length of one MP4, in whole minutes."""

    ready_timeout: Duration | None = None
    """How long the page may take to load; 0s means no detection."""

    paused: Flag | None = None
    """True: the page stays open and nothing is written. Changes while recording."""

    rtmp: RtmpUrl | None = None
    """Also push the picture to this RTMP address. To add or remove it is a replacement."""


class WebSpec(CommonSpec):
    """Record a web page."""

    mode: Literal["web"]
    """`web`: a web page."""

    web: WebPageSpec
    """The page, and how it is recorded."""

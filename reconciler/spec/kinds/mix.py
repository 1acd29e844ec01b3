"""`mode: mix` (composite): one picture and one sound of all users (agora-api.md 3.5)."""

from typing import Literal

from reconciler.spec.kinds.base import SpecModel
from reconciler.spec.kinds.channel import ChannelSpec
from reconciler.spec.values import Fraction, Int, SecretText, Text, Uid


class VideoSpec(SpecModel):
    """Size and quality of the mixed picture."""

    width: Int | None = None
    """Pixels."""

    height: Int | None = None
    """Pixels."""

    fps: Int | None = None
    """Frames per second: 1, 7, 10, 15, 24, 30 or 60."""

    bitrate: Int | None = None
    """Kbps."""


class UserBackgroundSpec(SpecModel):
    """The picture for one user while their video is off."""

    uid: Uid
    """The user."""

    image: Text
    """Address of a JPG or BMP, at most 6 MB."""

    fit: Literal["crop", "contain"] | None = None
    """How it fills the region."""


class BackgroundSpec(SpecModel):
    """What shows where no video does."""

    color: Text | None = None
    """`#` and six hex digits."""

    image: Text | None = None
    """Address of the canvas picture: JPG or BMP, at most 6 MB."""

    user_image: Text | None = None
    """Address of the picture for every user whose video is off."""

    users: tuple[UserBackgroundSpec, ...] | None = None
    """Pictures for single users."""


class RegionSpec(SpecModel):
    """One region of a custom layout, in fractions of the canvas from its top left corner."""

    uid: Uid | None = None
    """Who is shown; if unsaid, the next user in order of joining."""

    x: Fraction
    """Left edge, 0..1."""

    y: Fraction
    """Top edge, 0..1."""

    width: Fraction
    """Width, 0..1."""

    height: Fraction
    """Height, 0..1."""

    alpha: Fraction | None = None
    """Opacity, 0..1."""

    fit: Literal["crop", "contain"] | None = None
    """How the video fills the region."""


class LayoutSpec(SpecModel):
    """Where each user stands in the picture."""

    type: Literal["floating", "best-fit", "vertical", "custom"] | None = None
    """How users are arranged."""

    focus_uid: Uid | None = None
    """Who gets the large region of `vertical`."""

    background: BackgroundSpec | None = None
    """What shows where no video does."""

    regions: tuple[RegionSpec, ...] | None = None
    """The regions of `custom`, 1 to 17."""


class VodSpec(SpecModel):
    """Upload to ApsaraVideo for VoD, which the service no longer documents."""

    access_key: SecretText
    """Alibaba Cloud AccessKey ID."""

    secret_key: SecretText
    """Alibaba Cloud AccessKey secret."""

    region: Text
    """Region, such as `cn-shanghai`."""

    title: Text
    """Title of the video."""

    description: Text | None = None
    """Description of the video."""

    cover_url: Text | None = None
    """Address of the cover picture."""

    category_id: Text | None = None
    """Category, a number."""

    tags: Text | None = None
    """Tags, separated by commas."""

    template_group_id: Text | None = None
    """Transcoding template group."""

    user_data: Text | None = None
    """Custom settings, JSON text."""

    storage_location: Text | None = None
    """Storage address."""

    workflow_id: Text | None = None
    """Workflow."""


class MixSpec(ChannelSpec):
    """Record all users into one picture and one sound."""

    mode: Literal["mix"]
    """`mix`: one picture and one sound of all users; `composite` is read as `mix`."""

    audio_profile: Int | None = None
    """0: 48 kHz mono 48 Kbps; 1: mono 128 Kbps; 2: stereo 192 Kbps."""

    video: VideoSpec | None = None
    """Size and quality of the picture."""

    layout: LayoutSpec | None = None
    """Where each user stands in the picture; changes while recording."""

    vod: VodSpec | None = None
    """Upload to ApsaraVideo for VoD."""

"""`mode: individual`: one set of files per user (agora-api.md 3.4, 3.7, 3.8)."""

from typing import Literal

from reconciler.spec.kinds.base import SpecModel
from reconciler.spec.kinds.channel import ChannelSpec
from reconciler.spec.values import Duration, Text


class SnapshotsSpec(SpecModel):
    """Pictures of every user, taken at an interval."""

    interval: Duration | None = None
    """Time between two pictures."""


class TranscodeSpec(SpecModel):
    """One MP4 with sound and picture, made after the recording."""

    format: Literal["mp4"] | None = None
    """The container."""


class MixAudioSpec(SpecModel):
    """One audio file of all users, made after the recording."""

    format: Literal["mp3", "m4a", "aac"] | None = None
    """The container."""

    sample_rate: Text | None = None
    """In Hz: 48000, 32000 or 16000."""

    bitrate: Text | None = None
    """In bit/s."""

    channels: Text | None = None
    """1 or 2."""


class PostProcessingSpec(SpecModel):
    """What is made of the files after the recording: one of the two."""

    transcode: TranscodeSpec | None = None
    """One MP4 per user, with sound and picture."""

    mix_audio: MixAudioSpec | None = None
    """One audio file of all users; needs `streams: audio` and `streamMode: original`."""


class IndividualSpec(ChannelSpec):
    """Record each user into files of their own."""

    mode: Literal["individual"]
    """`individual`: files of their own for each user."""

    stream_mode: Literal["default", "standard", "original"] | None = None
    """`standard` is recommended; `original` keeps audio as sent, for audio only."""

    snapshots: SnapshotsSpec | None = None
    """Pictures of every user; with `files: []` nothing else."""

    post_processing: PostProcessingSpec | None = None
    """What is made of the files afterwards.

    Withdrawn by the service in 2025: reported with a warning.
    """

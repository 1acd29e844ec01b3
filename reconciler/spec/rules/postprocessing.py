"""Transcoding or mixing an individual recording's files after its end; withdrawn (K55)."""

from collections.abc import Iterable

from reconciler.spec.rules.read import (
    AUDIO_ONLY,
    STREAM_MODE,
    STREAMS,
    block,
    unlike,
)
from reconciler.spec.rules.rule import ALL, INDIVIDUAL, Body, Finding, error, rule, warning
from reconciler.spec.wire import Json, Mode, Path

POLICY: Path = ("appsCollection", "combinationPolicy")
OPTIONS: Path = ("transcodeOptions",)
TRANS_MODE: Path = (*OPTIONS, "transConfig", "transMode")
FORMAT: Path = (*OPTIONS, "container", "format")
AUDIO: Path = (*OPTIONS, "audio")

POSTPONE = "postpone_transcoding"
TRANSCODE, MIX_AUDIO = "postponeTranscoding", "audioMix"
AUDIO_FORMATS = ("mp3", "m4a", "aac")
# C52, K6: other bit rates are allowed by one document.
AUDIO_VALUES = {
    "sampleRate": ("48000", "32000", "16000"),
    "bitrate": ("48000",),
    "channels": ("1", "2"),
}


def is_postponed(body: Body) -> bool:
    """Tell whether a start asks for processing after its end."""
    return _policy(body) or body.request.get("transcodeOptions") is not None


@rule("C7", "post-processing", ALL, (POLICY, OPTIONS, ("acquire", "region")), "3.13 C7; K20, K55")
def post_processing(body: Body) -> Iterable[Finding]:
    """Refuse postponed processing outside mode individual; warn of it, also beside a region."""
    if not is_postponed(body):
        return ()
    path = POLICY if _policy(body) else OPTIONS
    if body.mode is not Mode.INDIVIDUAL:
        hint = "leave it out, or record in mode individual"
        return (error(path, "is for individual recordings", hint),)
    message = "is no longer offered by the service and may do nothing"
    findings = [warning(path, message, "process the recorded files yourself")]
    if body.acquire.get("region") is not None:
        message = "should not be given where files are processed after the end"
        findings.append(warning(("acquire", "region"), message, "leave it out"))
    return findings


@rule("C47", "post-processing-kind", INDIVIDUAL, (TRANS_MODE,), "3.13 C47; K17")
def post_processing_kind(body: Body) -> Iterable[Finding]:
    """Refuse options for postponed processing that do not say which of the two kinds is meant."""
    if not isinstance(body.request.get("transcodeOptions"), dict):
        return ()
    found = _kind(body)
    if found in (TRANSCODE, MIX_AUDIO):
        return ()
    return (error(TRANS_MODE, unlike(found, f"`{TRANSCODE}` or `{MIX_AUDIO}`")),)


@rule("C48", "mixing", INDIVIDUAL, (TRANS_MODE, FORMAT, STREAMS, STREAM_MODE), "3.13 C48")
def mixing(body: Body) -> Iterable[Finding]:
    """Refuse postponed mixing of other than original audio, or to other than mp3, m4a, aac."""
    if _kind(body) != MIX_AUDIO:
        return ()
    findings = []
    if body.streams != AUDIO_ONLY:
        message = "must be audio alone where audio is mixed after the end"
        findings.append(error(STREAMS, message, "record audio only"))
    if body.recording.get("streamMode") != "original":
        message = "must be `original` where audio is mixed after the end"
        findings.append(error(STREAM_MODE, message))
    made = _format(body)
    if made is not None and made not in AUDIO_FORMATS:
        findings.append(error(FORMAT, unlike(made, "`mp3`, `m4a` or `aac`")))
    return findings


@rule("C49", "transcoding", INDIVIDUAL, (TRANS_MODE, FORMAT, AUDIO), "3.13 C49")
def transcoding(body: Body) -> Iterable[Finding]:
    """Refuse postponed transcoding to other than mp4; warn of audio settings, not used there."""
    if _kind(body) != TRANSCODE:
        return ()
    findings = []
    made = _format(body)
    if made not in (None, "mp4"):
        findings.append(error(FORMAT, unlike(made, "`mp4`")))
    if block(body.request, "transcodeOptions").get("audio") is not None:
        message = "is for mixing audio, transcoding does not use it"
        findings.append(warning(AUDIO, message, "leave it out"))
    return findings


@rule("C50", "post-processing-options", INDIVIDUAL, (POLICY, OPTIONS), "3.13 C50; K17")
def post_processing_options(body: Body) -> Iterable[Finding]:
    """Warn of postponed processing that does not say what to make."""
    if not _policy(body) or body.request.get("transcodeOptions") is not None:
        return ()
    return (warning(OPTIONS, "is missing, so that it is unclear what is made after the end"),)


@rule("C51", "post-processing-policy", INDIVIDUAL, (POLICY, OPTIONS), "3.13 C51")
def post_processing_policy(body: Body) -> Iterable[Finding]:
    """Refuse options for postponed processing without the policy that orders it."""
    if body.request.get("transcodeOptions") is None or _policy(body):
        return ()
    found = block(body.request, "appsCollection").get("combinationPolicy")
    return (error(POLICY, unlike(found, f"`{POSTPONE}` where files are processed after the end")),)


@rule("C52", "mixed-audio", INDIVIDUAL, (AUDIO,), "3.13 C52; K6")
def mixed_audio(body: Body) -> Iterable[Finding]:
    """Warn of a sample rate, bit rate or number of channels that the documents do not list."""
    audio = block(block(body.request, "transcodeOptions"), "audio")
    if not audio:
        return ()
    return [
        warning((*AUDIO, key), f"is not among the documented values: {', '.join(known)}")
        for key, known in AUDIO_VALUES.items()
        if isinstance(audio.get(key), str | int | float) and str(audio[key]) not in known
    ]


def _policy(body: Body) -> bool:
    return block(body.request, "appsCollection").get("combinationPolicy") == POSTPONE


def _kind(body: Body) -> Json:
    return block(block(body.request, "transcodeOptions"), "transConfig").get("transMode")


def _format(body: Body) -> Json:
    return block(block(body.request, "transcodeOptions"), "container").get("format")

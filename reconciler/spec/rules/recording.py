"""How a channel is joined and heard: profile, stream mode, encryption, idle time."""

from base64 import b64decode
from collections.abc import Iterable

from reconciler.spec import limits
from reconciler.spec.limits import Limits
from reconciler.spec.rules.read import (
    AUDIO_ONLY,
    RECORDING,
    STREAM_MODE,
    STREAMS,
    given,
    literal,
    out_of_range,
)
from reconciler.spec.rules.rule import CHANNEL, INDIVIDUAL, Body, Finding, error, rule, warning
from reconciler.spec.wire import Json, Path

PROFILE: Path = (*RECORDING, "channelType")
ENCRYPTION: Path = (*RECORDING, "decryptionMode")
KEY: Path = (*RECORDING, "secret")
SALT: Path = (*RECORDING, "salt")
IDLE: Path = (*RECORDING, "maxIdleTime")

ENCRYPTION_MODES = Limits(0, 8)
SALTED = (7, 8)


@rule("C20", "channel-profile-assumed", CHANNEL, (PROFILE,), "3.13 C20; K52")
def channel_profile(body: Body) -> Iterable[Finding]:
    """Warn of a missing channel profile, which decides what idle means."""
    config = body.request.get("recordingConfig")
    if not isinstance(config, dict) or config.get("channelType") is not None:
        return ()
    hint = "say whether the channel's clients use the communication or the live profile"
    return (warning(PROFILE, "is not given, communication is assumed", hint),)


@rule("C29", "original-audio", INDIVIDUAL, (STREAM_MODE, STREAMS), "3.13 C29")
def original_audio(body: Body) -> Iterable[Finding]:
    """Warn of the stream mode `original` where not audio alone is recorded."""
    if body.recording.get("streamMode") != "original" or body.streams == AUDIO_ONLY:
        return ()
    message = "`original` has no effect where not audio alone is recorded"
    return (warning(STREAM_MODE, message, "use `standard`, or record audio only"),)


@rule("C30", "encryption", CHANNEL, (ENCRYPTION, KEY, SALT), "3.13 C30")
def encryption(body: Body) -> Iterable[Finding]:
    """Refuse an unknown encryption, a missing key, a missing or wrong salt; warn of unused ones."""
    config = body.recording
    mode = config.get("decryptionMode")
    if mode is not None and (message := out_of_range(mode, ENCRYPTION_MODES)):
        return (error(ENCRYPTION, message),)
    key, salt = given(config.get("secret")), given(config.get("salt"))
    if not mode:
        message, hint = "is not used where nothing is encrypted", "give the encryption's mode, too"
        unused = ((KEY, key), (SALT, salt))
        return [warning(path, message, hint) for path, present in unused if present]
    findings = [] if key else [error(KEY, "is missing, an encrypted channel needs it")]
    if mode in SALTED:
        findings.extend(_salt(config.get("salt")))
    return findings


@rule("C31", "max-idle", CHANNEL, (IDLE,), "3.13 C31; K21")
def max_idle(body: Body) -> Iterable[Finding]:
    """Refuse an idle time other than 5 to 2592000 whole seconds; warn above 259200."""
    value = body.recording.get("maxIdleTime")
    if value is None:
        return ()
    if message := out_of_range(value, limits.MAX_IDLE_S, "seconds"):
        return (error(IDLE, message),)
    if isinstance(value, int) and value > limits.MAX_IDLE_COMMON_S:
        most = limits.MAX_IDLE_COMMON_S
        message = f"is above {most} seconds, where some of the service's documents end"
        return (warning(IDLE, message),)
    return ()


def _salt(value: Json) -> Iterable[Finding]:
    if not given(value):
        return (error(SALT, "is missing, this encryption needs it"),)
    text = literal(value)
    if text is None or _bytes_in(text) == limits.SALT_BYTES:
        return ()
    hint = f"make one with `openssl rand -base64 {limits.SALT_BYTES}`; all clients use the same"
    return (error(SALT, f"must be {limits.SALT_BYTES} bytes in base64", hint),)


def _bytes_in(text: str) -> int | None:
    try:
        return len(b64decode(text, validate=True))
    except ValueError:
        return None

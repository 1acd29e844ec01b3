"""Which parts of a body belong to which mode (agora-api.md 3.12)."""

from collections.abc import Iterable

from reconciler.spec.rules.read import (
    RECORDING,
    SERVICES,
    STORAGE,
    given,
)
from reconciler.spec.rules.rule import (
    ALL,
    CHANNEL,
    WEB,
    Body,
    Finding,
    error,
    rule,
    warning,
)
from reconciler.spec.rules.web import EXTENSION, PAGE, PUSH, SERVICE_NAME, VOD
from reconciler.spec.wire import Mode, Path

TOKEN: Path = ("token",)

# C15: keys of the other mode that records a channel.
STRANGE_KEYS = {
    Mode.INDIVIDUAL: ("transcodingConfig", "audioProfile"),
    Mode.MIX: ("streamMode", "subscribeUidGroup"),
}
STRANGE_PATHS = tuple((*RECORDING, key) for keys in STRANGE_KEYS.values() for key in keys)


@rule("C10", "recording-settings", ALL, (RECORDING,), "3.13 C10")
def recording_settings(body: Body) -> Iterable[Finding]:
    """Refuse a recording of a channel without its settings; warn of them in web recordings."""
    present = body.request.get("recordingConfig") is not None
    if body.mode is Mode.WEB:
        message = "is for recording channels, web recordings do not use it"
        return (warning(RECORDING, message, "leave it out"),) if present else ()
    message = "is missing, a channel cannot be recorded without"
    return () if present else (error(RECORDING, message),)


@rule("C11", "extension-services", ALL, (EXTENSION, SERVICE_NAME), "3.13 C11; K24")
def extension_services(body: Body) -> Iterable[Finding]:
    """Refuse a web recording without its services and those services elsewhere; warn of VoD."""
    if body.request.get("extensionServiceConfig") is None:
        if body.mode is not Mode.WEB:
            return ()
        return (error(EXTENSION, "is missing, a web recording cannot be without"),)
    findings = []
    for index, service in body.services:
        name, path = service.get("serviceName"), (*SERVICES, index, "serviceName")
        if name == VOD:
            message = "is no longer offered by the service and may do nothing"
            findings.append(warning(path, message, "store the files in a bucket"))
        elif name in (PAGE, PUSH) and body.mode is not Mode.WEB:
            hint = "leave it out, or record in mode web"
            findings.append(error(path, "is for web recordings", hint))
    return findings


@rule("C13", "token-in-web", WEB, (TOKEN,), "3.13 C13; K45")
def token_in_web(body: Body) -> Iterable[Finding]:
    """Warn of a token in web mode, which joins no channel."""
    if not given(body.request.get("token")):
        return ()
    message = "is for recording channels, web recordings do not use it"
    return (warning(TOKEN, message, "leave it out"),)


@rule("C14", "storage", ALL, (STORAGE, SERVICE_NAME), "3.13 C14")
def storage_settings(body: Body) -> Iterable[Finding]:
    """Refuse a recording without storage; warn of it where the files go to VoD."""
    if body.request.get("storageConfig") is not None:
        return ()
    message, hint = "is missing, the files have nowhere to go", "say which bucket takes the files"
    if any(service.get("serviceName") == VOD for _, service in body.services):
        return (warning(STORAGE, "is missing, the files go to VoD alone", hint),)
    return (error(STORAGE, message, hint),)


@rule("C15", "other-mode", CHANNEL, STRANGE_PATHS, "3.13 C15")
def other_mode(body: Body) -> Iterable[Finding]:
    """Warn of settings that only the other of the modes individual and mix knows."""
    config = body.recording
    return [
        warning((*RECORDING, key), f"is not used in mode {body.mode}", "leave it out")
        for key in STRANGE_KEYS[body.mode]
        if config.get(key) is not None
    ]

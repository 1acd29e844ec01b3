"""Who records which channel: its name, the recorder's uid, and what acquire is told."""

from collections.abc import Iterable
from string import ascii_letters, digits

from reconciler.spec import limits
from reconciler.spec.rules.postprocessing import is_postponed
from reconciler.spec.rules.read import (
    RECORDING,
    TRANSCODING,
    is_uid,
    objects,
    out_of_range,
    shown,
    unlike,
)
from reconciler.spec.rules.rule import (
    ALL,
    ANY,
    CHANNEL,
    Body,
    Finding,
    error,
    rule,
    warning,
)
from reconciler.spec.rules.subscriptions import LIST_PATHS, subscription_lists
from reconciler.spec.wire import Mode, Path

CNAME: Path = ("cname",)
UID: Path = ("uid",)
SCENE: Path = ("acquire", "scene")
EXPIRY: Path = ("acquire", "resourceExpiredHour")

SCENE_LIVE, SCENE_WEB, SCENE_POSTPONED = 0, 1, 2
SCENES = {
    Mode.INDIVIDUAL: (SCENE_LIVE, SCENE_POSTPONED),
    Mode.MIX: (SCENE_LIVE,),
    Mode.WEB: (SCENE_WEB,),
}

# C2: what a channel's name may consist of.
PUNCTUATION = "!#$%&()+-:;<=.>?@[]^_{}~,|"
CHANNEL_CHARACTERS = frozenset(ascii_letters + digits + " " + PUNCTUATION)

_LAYOUT_UIDS: tuple[Path, ...] = (
    (*TRANSCODING, "maxResolutionUid"),
    (*TRANSCODING, "layoutConfig", ANY, "uid"),
    (*TRANSCODING, "backgroundConfig", ANY, "uid"),
)


@rule("C1", "recorder-uid", ALL, (UID,), "3.13 C1")
def recorder_uid(body: Body) -> Iterable[Finding]:
    """Refuse a recorder's uid that is not a whole number from 1 to 4294967295."""
    hint = "a uid is written without leading zeros"
    return [
        error(UID, unlike(uid, f"a uid, 1 to {limits.UID.high}"), hint if uid[:1] == "0" else None)
        for uid in body.uids
        if not is_uid(uid)
    ]


@rule("C2", "channel-name", ALL, (CNAME,), "3.13 C2; K26")
def channel_name(body: Body) -> Iterable[Finding]:
    """Refuse an empty, too long or impossible channel name; warn of a very long one."""
    if not body.cname:
        return (error(CNAME, "must not be empty"),)
    length = len(body.cname.encode("utf-8", "surrogatepass"))
    if body.mode is Mode.WEB:
        return _length(length, limits.WEB_CHANNEL_BYTES, limits.WEB_CHANNEL_COMMON_BYTES)
    findings = _length(length, limits.CHANNEL_BYTES, limits.CHANNEL_BYTES - 1)
    if CHANNEL_CHARACTERS.issuperset(body.cname):
        return findings
    foreign = "".join(sorted(set(body.cname) - CHANNEL_CHARACTERS))
    message = f"has characters that a channel cannot have: {shown(foreign)}"
    hint = f"use letters, digits, space and {PUNCTUATION}"
    return (*findings, error(CNAME, message, hint))


@rule("C5", "own-uid", CHANNEL, (UID, *LIST_PATHS, *_LAYOUT_UIDS), "3.13 C5")
def own_uid(body: Body) -> Iterable[Finding]:
    """Refuse the recorder's own uid in its subscription lists; warn of it in a layout."""
    own = body.uids
    if not own:
        return ()
    # design/spec-format.md, "Rules across manifests": in the lists it is an error.
    message, hint = "is this recorder's own uid", "name users; the recorder sends nothing"
    findings = [
        error((*RECORDING, key, index), message, hint)
        for key, uids in subscription_lists(body).items()
        for index, uid in enumerate(uids)
        if uid in own
    ]
    config = body.transcoding
    if config.get("maxResolutionUid") in own:
        findings.append(warning((*TRANSCODING, "maxResolutionUid"), message, hint))
    findings.extend(
        warning((*TRANSCODING, key, index, "uid"), message, hint)
        for key in ("layoutConfig", "backgroundConfig")
        for index, entry in objects(config, key)
        if entry.get("uid") in own
    )
    return findings


@rule("C6", "scene", ALL, (SCENE, ("appsCollection",), ("transcodeOptions",)), "3.13 C6; K20")
def scene(body: Body) -> Iterable[Finding]:
    """Refuse a scene of another mode; warn of one that does not fit postponed processing."""
    said = body.acquire.get("scene", SCENE_LIVE)
    if not body.acquire or said not in (SCENE_LIVE, SCENE_WEB, SCENE_POSTPONED):
        return ()
    fitting = SCENES[body.mode]
    if said not in fitting:
        wanted = " or ".join(f"`{each}`" for each in fitting)
        return (error(SCENE, f"must be {wanted} in this mode, this is {shown(said)}"),)
    if said == SCENE_LIVE and body.mode is Mode.INDIVIDUAL and is_postponed(body):
        hint = f"send `{SCENE_POSTPONED}`"
        return (warning(SCENE, "does not fit postponed processing", hint),)
    return ()


@rule("C70", "resource-expiry", ALL, (EXPIRY,), "3.13 C70")
def resource_expiry(body: Body) -> Iterable[Finding]:
    """Refuse a resource expiry that is not a whole number of hours from 1 to 720."""
    value = body.acquire.get("resourceExpiredHour")
    if value is None:
        return ()
    message = out_of_range(value, limits.RESOURCE_EXPIRY_H, "hours")
    return (error(EXPIRY, message),) if message else ()


def _length(length: int, most: int, common: int) -> tuple[Finding, ...]:
    if length > most:
        return (error(CNAME, f"must be at most {most} bytes long, this is {length}"),)
    if length > common:
        message = f"is {length} bytes long; some of the service's documents end at {common}"
        return (warning(CNAME, message),)
    return ()

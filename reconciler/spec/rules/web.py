"""Recording a web page, and pushing it to a CDN meanwhile."""

from collections.abc import Iterable, Iterator, Mapping

from reconciler.spec import limits
from reconciler.spec.rules.read import (
    SERVICES,
    block,
    given,
    is_number,
    literal,
    objects,
    out_of_range,
    shown,
    unlike,
)
from reconciler.spec.rules.rule import ALL, ANY, WEB, Body, Finding, error, rule, warning
from reconciler.spec.rules.video import picture
from reconciler.spec.wire import Json, Path

EXTENSION: Path = ("extensionServiceConfig",)
POLICY: Path = (*EXTENSION, "errorHandlePolicy")
SERVICE_NAME: Path = (*SERVICES, ANY, "serviceName")
SERVICE_POLICY: Path = (*SERVICES, ANY, "errorHandlePolicy")
PARAM: Path = (*SERVICES, ANY, "serviceParam")
OUTPUTS: Path = (*PARAM, "outputs")
EXPIRY: Path = ("acquire", "resourceExpiredHour")

PAGE, PUSH, VOD = "web_recorder_service", "rtmp_publish_service", "aliyun_vod_service"
# C59: the one thing that each service may do when it fails.
POLICIES = {PAGE: "error_abort", VOD: "error_abort", PUSH: "error_ignore"}

PAGE_KEYS = ("url", "audioProfile", "videoWidth", "videoHeight", "maxRecordingHour")
PAGE_PATHS: tuple[Path, ...] = tuple((*PARAM, key) for key in PAGE_KEYS)
PAGE_RANGES = {
    "videoFps": (limits.WEB_FPS, ""),
    "maxVideoDuration": (limits.WEB_FILE_DURATION_MIN, "minutes"),
    "readyTimeout": (limits.WEB_READY_TIMEOUT_S, "seconds"),
}
BITRATES = ("videoBitrate", "VideoBitrate")
RANGED_PATHS: tuple[Path, ...] = tuple((*PARAM, key) for key in (*PAGE_RANGES, *BITRATES))


@rule("C53", "web-services", WEB, (SERVICE_NAME,), "3.13 C53; K25")
def web_services(body: Body) -> Iterable[Finding]:
    """Refuse other than one page to record, and more than one push to a CDN."""
    if body.request.get("extensionServiceConfig") is None:
        return ()
    names = [service.get("serviceName") for _, service in body.services]
    findings = []
    if (pages := names.count(PAGE)) != 1:
        findings.append(error(SERVICES, f"must have one page to record, this has {pages}"))
    if (pushes := names.count(PUSH)) > 1:
        findings.append(error(SERVICES, f"must have one push to a CDN at most, this has {pushes}"))
    return findings


@rule("C54", "web-page", WEB, (SERVICE_NAME, *PAGE_PATHS), "3.13 C54; K3")
def web_page(body: Body) -> Iterable[Finding]:
    """Refuse a page without address, sound, size or end, or too large; warn of odd sides."""
    return [finding for path, page in body.params(PAGE) for finding in _page(path, page)]


@rule("C55", "web-max-duration", WEB, (SERVICE_NAME, PAGE_PATHS[-1], EXPIRY), "3.13 C55; K44")
def web_max_duration(body: Body) -> Iterable[Finding]:
    """Refuse a longest duration other than 1 to 720 hours; warn beyond the resource's expiry."""
    return [
        finding
        for path, page in body.params(PAGE)
        if (finding := _max_duration((*path, "maxRecordingHour"), page, _expiry_h(body)))
    ]


@rule("C56", "web-range", WEB, (SERVICE_NAME, *RANGED_PATHS), "3.13 C56; K33")
def web_range(body: Body) -> Iterable[Finding]:
    """Refuse a frame rate, file duration or ready timeout out of range; warn of an odd bit rate."""
    return [finding for path, page in body.params(PAGE) for finding in _ranges(path, page)]


@rule("C58", "rtmp-address", WEB, (SERVICE_NAME, OUTPUTS), "3.13 C58")
def rtmp_address(body: Body) -> Iterable[Finding]:
    """Refuse a push to a CDN without exactly one `rtmp://` or `rtmps://` address."""
    return [
        finding
        for path, push in body.params(PUSH)
        for finding in _outputs((*path, "outputs"), push)
    ]


@rule("C59", "error-policy", ALL, (POLICY, SERVICE_NAME, SERVICE_POLICY), "3.13 C59")
def error_policy(body: Body) -> Iterable[Finding]:
    """Refuse another behaviour on failure than the one that a service has."""
    extension = block(body.request, "extensionServiceConfig")
    said = [(POLICY, extension.get("errorHandlePolicy"), "error_abort")] if extension else []
    for index, service in body.services:
        wanted = POLICIES.get(literal(service.get("serviceName")) or "")
        if wanted:
            path = (*SERVICES, index, "errorHandlePolicy")
            said.append((path, service.get("errorHandlePolicy"), wanted))
    return [
        error(path, unlike(value, f"`{wanted}`"))
        for path, value, wanted in said
        if value not in (None, wanted)
    ]


def _page(path: Path, page: Mapping[str, Json]) -> Iterable[Finding]:
    missing = [
        error((*path, key), "is missing, a web recording needs it")
        for key in PAGE_KEYS
        if not given(page.get(key))
    ]
    width, height = page.get("videoWidth"), page.get("videoHeight")
    if width is None or height is None:
        return missing
    across, down = ((*path, "videoWidth"), width), ((*path, "videoHeight"), height)
    return (*missing, *picture(across, down, limits.WEB_SIDE_COMMON))


def _expiry_h(body: Body) -> int:
    value = body.acquire.get("resourceExpiredHour")
    return value if isinstance(value, int) else limits.RESOURCE_EXPIRY_DEFAULT_H


def _max_duration(path: Path, page: Mapping[str, Json], expiry_h: int) -> Finding | None:
    hours = page.get("maxRecordingHour")
    if hours is None:
        return None
    if message := out_of_range(hours, limits.WEB_MAX_DURATION_H, "hours"):
        return error(path, message)
    if isinstance(hours, int) and hours > expiry_h:
        message = f"is {hours} hours, but after {expiry_h} hours the recording cannot be controlled"
        return warning(path, message, "shorten it, or let the resource expire later")
    return None


def _ranges(path: Path, page: Mapping[str, Json]) -> Iterator[Finding]:
    for key, (bounds, unit) in PAGE_RANGES.items():
        value = page.get(key)
        if value is not None and (message := out_of_range(value, bounds, unit)):
            yield error((*path, key), message)
    common = limits.WEB_BITRATE_COMMON_KBPS
    for key in BITRATES:
        value = page.get(key)
        if is_number(value) and not common.low <= value <= common.high:
            message = f"is {shown(value)} Kbps, documents know {common.low} to {common.high}"
            yield warning((*path, key), message)


def _outputs(path: Path, push: Mapping[str, Json]) -> Iterator[Finding]:
    found = push.get("outputs")
    if found is None:
        yield error(path, "is missing, a push to a CDN needs one address")
    elif isinstance(found, list) and len(found) != 1:
        yield error(path, f"must hold one address, this has {len(found)}")
    for index, output in objects(push, "outputs"):
        address = output.get("rtmpUrl")
        text = literal(address)
        if not given(address):
            yield error((*path, index, "rtmpUrl"), "is missing, a push to a CDN needs an address")
        elif text is not None and not text.lower().startswith(("rtmp://", "rtmps://")):
            message = "must be an `rtmp://` or `rtmps://` address"
            yield error((*path, index, "rtmpUrl"), message)

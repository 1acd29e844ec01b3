"""Where the files go: vendor, region, bucket, keys, prefix."""

import re
from collections.abc import Iterable, Mapping

from reconciler.spec import limits, vendors
from reconciler.spec.rules.read import (
    STORAGE,
    block,
    entries,
    given,
    literal,
    shown,
    unlike,
    unlike_number,
)
from reconciler.spec.rules.rule import ALL, Body, Finding, error, rule, warning
from reconciler.spec.vendors import Vendor
from reconciler.spec.wire import Json, Path

VENDOR: Path = (*STORAGE, "vendor")
REGION: Path = (*STORAGE, "region")
STS_TOKEN: Path = (*STORAGE, "stsToken")
STS_EXPIRATION: Path = (*STORAGE, "stsExpiration")
PREFIX: Path = (*STORAGE, "fileNamePrefix")
EXTENSION: Path = (*STORAGE, "extensionParams")
SSE: Path = (*EXTENSION, "sse")
TAG: Path = (*EXTENSION, "tag")
ENDPOINT: Path = (*EXTENSION, "endpoint")
AREA: Path = ("acquire", "region")

NEEDED = ("bucket", "accessKey", "secretKey")
NEEDED_PATHS: tuple[Path, ...] = tuple((*STORAGE, key) for key in NEEDED)
ENCRYPTIONS = ("kms", "aes256")

S3_COMPATIBLE = "s3-compatible"
# Which vendors know temporary keys (C66), and each of the extension's keys (C65).
EXTENSION_USERS = {"sse": ("aws",), "tag": ("aws", "alibaba"), "endpoint": (S3_COMPATIBLE,)}

_FOREIGN = re.compile(r"[^A-Za-z0-9]+")


@rule("C60", "storage-vendor", ALL, (VENDOR,), "3.13 C60; K14")
def storage_vendor(body: Body) -> Iterable[Finding]:
    """Refuse an unknown storage vendor; warn of the two that the service's reference dropped."""
    config = body.request.get("storageConfig")
    if not isinstance(config, dict):
        return ()
    vendor = _vendor(config)
    if vendor is None:
        known = ", ".join(f"{each.number} {each.name}" for each in vendors.VENDORS)
        message = unlike_number(config.get("vendor"), "the number of a vendor")
        return (error(VENDOR, message, f"known are {known}"),)
    return (warning(VENDOR, f"`{vendor.name}`: {vendor.warning}"),) if vendor.warning else ()


@rule("C61", "storage-region", ALL, (VENDOR, REGION), "3.13 C61; K13, K58")
def storage_region(body: Body) -> Iterable[Finding]:
    """Refuse a region that is no number from 0; warn of one that no document lists."""
    config = body.request.get("storageConfig")
    if not isinstance(config, dict):
        return ()
    vendor, number = _vendor(config), config.get("region")
    needless = vendor is not None and not vendor.regions
    if number is None and needless:
        return ()
    if type(number) is not int or number < 0:
        return (error(REGION, unlike_number(number, "the number of a region")),)
    if vendor is None or needless:
        return ()
    region = vendors.region(vendor, number)
    if region is None:
        message = (
            f"is {shown(number)}, a region of `{vendor.name}` that no document of the service lists"
        )
        return (warning(REGION, message),)
    return (warning(REGION, f"`{region.name}`: {region.warning}"),) if region.warning else ()


@rule("C63", "storage-keys", ALL, NEEDED_PATHS, "3.13 C63")
def storage_keys(body: Body) -> Iterable[Finding]:
    """Refuse a storage without bucket, access key or secret key."""
    config = body.request.get("storageConfig")
    if not isinstance(config, dict):
        return ()
    return [
        error((*STORAGE, key), "is missing, no file can be stored without")
        for key in NEEDED
        if not given(config.get(key))
    ]


@rule("C64", "storage-prefix", ALL, (PREFIX,), "3.13 C64")
def storage_prefix(body: Body) -> Iterable[Finding]:
    """Refuse a prefix of other than letters and digits, or above 128 characters."""
    folders = entries(body.storage, "fileNamePrefix")
    texts = [literal(folder) or "" for folder in folders]
    findings = [
        _folder((*PREFIX, index), folder)
        for index, folder in enumerate(folders)
        if literal(folder) is not None and not (texts[index].isascii() and texts[index].isalnum())
    ]
    length = len("/".join(texts)) + 1
    if length > limits.PREFIX_LENGTH:
        most = limits.PREFIX_LENGTH
        message = f"must be at most {most} characters long with slashes, this is {length}"
        findings.append(error(PREFIX, message))
    return findings


@rule("C65", "storage-extension", ALL, (VENDOR, SSE, TAG, ENDPOINT), "3.13 C65; K50")
def storage_extension(body: Body) -> Iterable[Finding]:
    """Refuse an unknown encryption and a missing endpoint; warn of keys the vendor lacks."""
    config = body.storage
    vendor, extension = _vendor(config), block(config, "extensionParams")
    findings = []
    sse = literal(extension.get("sse"))
    if sse and sse not in ENCRYPTIONS:
        findings.append(error(SSE, unlike(extension["sse"], "`kms` or `aes256`")))
    if vendor is None:
        return findings
    if vendor.name == S3_COMPATIBLE and not given(extension.get("endpoint")):
        hint = "write the host name of the storage"
        findings.append(error(ENDPOINT, f"is missing, `{vendor.name}` needs it", hint))
    findings.extend(
        warning((*EXTENSION, key), f"is not used by `{vendor.name}`", "leave it out")
        for key, users in EXTENSION_USERS.items()
        if given(extension.get(key)) and vendor.name not in users
    )
    return findings


@rule("C66", "temporary-keys", ALL, (VENDOR, STS_TOKEN, STS_EXPIRATION), "3.13 C66")
def temporary_keys(body: Body) -> Iterable[Finding]:
    """Warn of temporary keys unknown to the vendor, without their end, or ending in 4 hours."""
    config = body.storage
    token, end = given(config.get("stsToken")), config.get("stsExpiration")
    if not token:
        message = "is missing, though an end of temporary keys is given"
        return (warning(STS_TOKEN, message),) if given(end) else ()
    findings = []
    vendor = _vendor(config)
    if vendor is not None and vendor.name not in vendors.TEMPORARY_KEYS:
        findings.append(warning(STS_TOKEN, f"is not used by `{vendor.name}`", "use lasting keys"))
    if not given(end):
        findings.append(warning(STS_EXPIRATION, "is missing, temporary keys need it"))
    elif type(end) is int and end < body.now_s + limits.STS_MIN_AHEAD_S:
        hours = limits.STS_MIN_AHEAD_S // 3600
        message = f"is less than {hours} hours ahead"
        findings.append(warning(STS_EXPIRATION, message, "get keys that live longer"))
    return findings


@rule("C67", "storage-area", ALL, (VENDOR, REGION, AREA), "3.13 C67; K51")
def storage_area(body: Body) -> Iterable[Finding]:
    """Warn of a storage region outside the area that acquire asks for."""
    area = literal(body.acquire.get("region"))
    if area not in vendors.AREAS:
        return ()
    config = body.storage
    vendor, number = _vendor(config), config.get("region")
    region = vendors.region(vendor, number) if vendor and type(number) is int else None
    if region is None or region.area in (None, area):
        return ()
    message = f"`{region.name}` lies in {region.area}, the recording is bound to {area}"
    return (warning(REGION, message, "store the files where they are recorded"),)


def _vendor(config: Mapping[str, Json]) -> Vendor | None:
    number = config.get("vendor")
    return vendors.vendor(number) if type(number) is int else None


def _folder(path: Path, folder: Json) -> Finding:
    plain = _FOREIGN.sub("", folder) if isinstance(folder, str) else ""
    hint = f"write `{plain}`" if plain else None
    return error(path, unlike(folder, "letters and digits"), hint)

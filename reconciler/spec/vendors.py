"""Who stores the files: the vendors, their regions, and the numbers that the service knows them by.

The rules, the reader of specs and `convert` look here; nothing else lists vendors. Pure.
Source: agora-api.md 3.3. An area is where a region lies, in the words of acquire's `region`; None
where that is open, or in none of the four.
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Area = Literal["CN", "AP", "EU", "NA"]
AREAS: tuple[Area, ...] = get_args(Area)


@dataclass(frozen=True, slots=True)
class Region:
    """A region of a vendor. `name` is what users write; `warning` says why to doubt it."""

    number: int
    name: str
    area: Area | None
    warning: str | None = None


@dataclass(frozen=True, slots=True)
class Vendor:
    """One storage vendor. No `regions` means that it has none and 0 is sent."""

    name: str
    number: int
    regions: tuple[Region, ...] = ()
    warning: str | None = None


TEMPORARY_KEYS = frozenset({"aws", "alibaba", "tencent"})
"""Vendors for which the service knows temporary keys (agora-api.md 3.2; C66)."""


def vendor(name_or_number: str | int) -> Vendor | None:
    """Find a vendor by our name (in any case, `-` and `_` are alike) or by its wire number."""
    if isinstance(name_or_number, str):
        return _VENDORS_BY_NAME.get(_key(name_or_number))
    return _VENDORS_BY_NUMBER.get(name_or_number)


def region(of: Vendor, name_or_number: str | int) -> Region | None:
    """Find a vendor's region by name or wire number.

    None for a number does not mean that it is wrong: new regions come before documents do (C61).
    """
    if isinstance(name_or_number, str):
        return _REGIONS_BY_NAME[of.number].get(_key(name_or_number))
    return _REGIONS_BY_NUMBER[of.number].get(name_or_number)


def region_name(of: Vendor, number: int) -> str | None:
    """Return what users write for a wire number, None for one that is not listed."""
    found = region(of, number)
    return found.name if found else None


def vendor_hint(name: str) -> str:
    """Say which vendor was probably meant, or which there are."""
    return _hint(name, [known.name for known in VENDORS])


def region_hint(of: Vendor, name: str) -> str:
    """Say which region of this vendor was probably meant, or which there are."""
    if not of.regions:
        return f"`{of.name}` has no regions: leave it out"
    return _hint(name, [known.name for known in of.regions])


def _hint(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(_key(name), known, n=1)
    if near:
        return f"did you mean `{near[0]}`?"
    return "known are " + ", ".join(f"`{each}`" for each in known)


def _key(name: str) -> str:
    return name.lower().replace("_", "-")


def _in(area: Area | None, names: Mapping[int, str]) -> Iterable[Region]:
    return (Region(number, name, area) for number, name in names.items())


# K13: regions that only some of the sources list.
_OLD = "only older documents list this region"
_NEW = "only the newest reference lists this region"
_MARKER = "looks like the end mark of a list, not like a region: do not use it"
# K14
_WITHDRAWN = "the present reference no longer lists this vendor"

_QINIU = (
    *_in("CN", {0: "east-china", 1: "north-china", 2: "south-china"}),
    *_in("NA", {3: "north-america"}),
    *_in("AP", {4: "southeast-asia"}),
)

_AWS = (
    *_in("NA", {0: "us-east-1", 1: "us-east-2", 2: "us-west-1", 3: "us-west-2"}),
    *_in("EU", {4: "eu-west-1", 5: "eu-west-2", 6: "eu-west-3", 7: "eu-central-1"}),
    *_in("AP", {8: "ap-southeast-1", 9: "ap-southeast-2"}),
    *_in("AP", {10: "ap-northeast-1", 11: "ap-northeast-2"}),
    *_in(None, {12: "sa-east-1"}),
    *_in("NA", {13: "ca-central-1"}),
    *_in("AP", {14: "ap-south-1"}),
    *_in("CN", {15: "cn-north-1", 16: "cn-northwest-1"}),
    Region(17, "us-gov-west-1", "NA", _OLD),
    Region(18, "af-south-1", None, _NEW),
    Region(19, "ap-east-1", "AP", _NEW),
    *_in("AP", {20: "ap-northeast-3"}),
    *_in("EU", {21: "eu-north-1"}),
    *_in(None, {22: "me-south-1"}),
    Region(23, "us-gov-east-1", "NA", _OLD),
    *_in("AP", {24: "ap-southeast-3"}),
    *_in("EU", {25: "eu-south-1"}),
    Region(26, "aws-region-num", None, _MARKER),
    Region(28, "il-central-1", None, _OLD),
)

_ALIBABA = (
    *_in("CN", {0: "cn-hangzhou", 1: "cn-shanghai", 2: "cn-qingdao", 3: "cn-beijing"}),
    *_in("CN", {4: "cn-zhangjiakou", 5: "cn-huhehaote", 6: "cn-shenzhen"}),
    *_in("AP", {7: "cn-hongkong"}),
    *_in("NA", {8: "us-west-1", 9: "us-east-1"}),
    *_in("AP", {10: "ap-southeast-1", 11: "ap-southeast-2", 12: "ap-southeast-3"}),
    *_in("AP", {13: "ap-southeast-5", 14: "ap-northeast-1", 15: "ap-south-1"}),
    *_in("EU", {16: "eu-central-1", 17: "eu-west-1"}),
    *_in(None, {18: "eu-east-1"}),
    *_in("AP", {19: "ap-southeast-6"}),
    *_in("CN", {20: "cn-heyuan", 21: "cn-guangzhou", 22: "cn-chengdu"}),
    *_in("CN", {23: "cn-nanjing", 24: "cn-fuzhou", 25: "cn-wulanchabu"}),
    # Named as if in China, but the names suggest the north-east and south-east of Asia.
    *_in(None, {26: "cn-northeast-2", 27: "cn-southeast-7"}),
)

_TENCENT = (
    *_in("CN", {0: "ap-beijing-1", 1: "ap-beijing", 2: "ap-shanghai", 3: "ap-guangzhou"}),
    *_in("CN", {4: "ap-chengdu", 5: "ap-chongqing"}),
    *_in("CN", {6: "ap-shenzhen-fsi", 7: "ap-shanghai-fsi", 8: "ap-beijing-fsi"}),
    *_in("AP", {9: "ap-hongkong", 10: "ap-singapore", 11: "ap-mumbai"}),
    *_in("AP", {12: "ap-seoul", 13: "ap-bangkok", 14: "ap-tokyo"}),
    *_in("NA", {15: "na-siliconvalley", 16: "na-ashburn", 17: "na-toronto"}),
    *_in("EU", {18: "eu-frankfurt", 19: "eu-moscow"}),
)

_KINGSOFT = (
    *_in("CN", {0: "cn-hangzhou", 1: "cn-shanghai", 2: "cn-qingdao", 3: "cn-beijing"}),
    *_in("CN", {4: "cn-guangzhou"}),
    *_in("AP", {5: "cn-hongkong"}),
    *_in("CN", {6: "jr-beijing", 7: "jr-shanghai"}),
    *_in(None, {8: "na-russia-1"}),
    *_in("AP", {9: "na-singapore-1"}),
)

_HUAWEI = (
    *_in("CN", {0: "cn-north-1", 1: "cn-north-4", 2: "cn-east-2", 3: "cn-east-3"}),
    *_in("CN", {4: "cn-south-1", 5: "cn-southwest-2"}),
    *_in("AP", {6: "ap-southeast-1", 7: "ap-southeast-2", 8: "ap-southeast-3"}),
    *_in(None, {9: "af-south-1", 10: "sa-argentina-1", 11: "sa-peru-1", 12: "na-mexico-1"}),
    *_in(None, {13: "sa-brazil-1", 14: "la-south-2", 15: "sa-chile-1"}),
)

_BAIDU = (
    Region(0, "beijing", "CN", _OLD),
    *_in("CN", {1: "baoding", 2: "suzhou", 3: "guangzhou"}),
    *_in("AP", {4: "hongkong", 5: "singapore"}),
    *_in("CN", {6: "wuhan", 7: "shanghai"}),
)

VENDORS = (
    Vendor("qiniu", 0, _QINIU, _WITHDRAWN),
    Vendor("aws", 1, _AWS),
    Vendor("alibaba", 2, _ALIBABA),
    Vendor("tencent", 3, _TENCENT),
    Vendor("kingsoft", 4, _KINGSOFT, _WITHDRAWN),
    Vendor("azure", 5),
    Vendor("google", 6),
    Vendor("huawei", 7, _HUAWEI),
    Vendor("baidu", 8, _BAIDU),
    Vendor("s3-compatible", 11),
)

_VENDORS_BY_NAME = {known.name: known for known in VENDORS}
_VENDORS_BY_NUMBER = {known.number: known for known in VENDORS}
_REGIONS_BY_NAME = {of.number: {known.name: known for known in of.regions} for of in VENDORS}
_REGIONS_BY_NUMBER = {of.number: {known.number: known for known in of.regions} for of in VENDORS}

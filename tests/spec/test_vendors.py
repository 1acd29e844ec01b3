"""Vendors and regions are found by every name and number that users may write."""

import pytest

from reconciler.spec.vendors import (
    VENDORS,
    Region,
    Vendor,
    region,
    region_hint,
    region_name,
    vendor,
    vendor_hint,
)

NUMBERS = {
    "qiniu": 0,
    "aws": 1,
    "alibaba": 2,
    "tencent": 3,
    "kingsoft": 4,
    "azure": 5,
    "google": 6,
    "huawei": 7,
    "baidu": 8,
    "s3-compatible": 11,
}

# How many regions agora-api.md 3.3 lists, and the highest number.
REGIONS = {
    "qiniu": (5, 4),
    "aws": (28, 28),
    "alibaba": (28, 27),
    "tencent": (20, 19),
    "kingsoft": (10, 9),
    "huawei": (16, 15),
    "baidu": (8, 7),
}

EVERY_REGION = [(of, each) for of in VENDORS for each in of.regions]


def known(name: str) -> Vendor:
    found = vendor(name)
    assert found
    return found


def test_the_vendors_have_their_wire_numbers() -> None:
    assert {of.name: of.number for of in VENDORS} == NUMBERS


def test_every_vendor_is_found_by_name_and_number() -> None:
    for of in VENDORS:
        assert vendor(of.name) is of
        assert vendor(of.name.upper().replace("-", "_")) is of
        assert vendor(of.number) is of


@pytest.mark.parametrize("name_or_number", ["amazon", "", 9, 10, -1, "1"])
def test_an_unknown_vendor_is_none(name_or_number: str | int) -> None:
    assert vendor(name_or_number) is None


def test_only_the_two_vendors_that_the_reference_dropped_have_a_warning() -> None:
    assert {of.name for of in VENDORS if of.warning} == {"qiniu", "kingsoft"}


def test_every_listed_region_is_here() -> None:
    listed = {
        of.name: (len(of.regions), max(each.number for each in of.regions))
        for of in VENDORS
        if of.regions
    }
    assert listed == REGIONS


@pytest.mark.parametrize(("of", "each"), EVERY_REGION)
def test_every_region_is_found_by_name_and_number(of: Vendor, each: Region) -> None:
    assert region(of, each.name) is each
    assert region(of, each.name.upper().replace("-", "_")) is each
    assert region(of, each.number) is each
    assert region_name(of, each.number) == each.name


@pytest.mark.parametrize(
    ("of", "number", "name", "area"),
    [
        ("qiniu", 3, "north-america", "NA"),
        ("aws", 0, "us-east-1", "NA"),
        ("aws", 12, "sa-east-1", None),
        ("aws", 14, "ap-south-1", "AP"),
        ("aws", 16, "cn-northwest-1", "CN"),
        ("aws", 25, "eu-south-1", "EU"),
        ("aws", 28, "il-central-1", None),
        ("alibaba", 3, "cn-beijing", "CN"),
        ("alibaba", 7, "cn-hongkong", "AP"),
        ("alibaba", 26, "cn-northeast-2", None),
        ("tencent", 8, "ap-beijing-fsi", "CN"),
        ("tencent", 10, "ap-singapore", "AP"),
        ("kingsoft", 9, "na-singapore-1", "AP"),
        ("huawei", 12, "na-mexico-1", None),
        ("baidu", 6, "wuhan", "CN"),
    ],
)
def test_a_region_has_its_number_and_area(
    of: str, number: int, name: str, area: str | None
) -> None:
    found = region(known(of), name)
    assert found
    assert (found.number, found.area) == (number, area)


def test_a_region_that_only_some_documents_list_has_a_warning() -> None:
    doubtful = {(of.name, each.number) for of, each in EVERY_REGION if each.warning}
    assert doubtful == {("aws", number) for number in (17, 18, 19, 23, 26, 28)} | {("baidu", 0)}


def test_a_region_that_is_not_listed_is_none() -> None:
    assert region(known("aws"), 27) is None
    assert region(known("aws"), "eu-west-9") is None
    assert region(known("azure"), 0) is None
    assert region_name(known("aws"), 27) is None


def test_a_name_belongs_to_its_own_vendor() -> None:
    assert region_name(known("aws"), 0) == "us-east-1"
    found = region(known("alibaba"), "us-east-1")
    assert found
    assert found.number == 9


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("alibabba", "did you mean `alibaba`?"),
        ("S3_compatable", "did you mean `s3-compatible`?"),
    ],
)
def test_a_hint_names_the_nearest_vendor(name: str, hint: str) -> None:
    assert vendor_hint(name) == hint


def test_a_hint_lists_the_vendors_where_none_is_near() -> None:
    hint = vendor_hint("xyz")
    assert all(f"`{name}`" in hint for name in NUMBERS)


def test_a_hint_names_the_nearest_region_of_the_vendor() -> None:
    assert region_hint(known("aws"), "us_eas_1") == "did you mean `us-east-1`?"
    assert "`wuhan`" in region_hint(known("baidu"), "zzz")
    assert region_hint(known("azure"), "west-europe") == "`azure` has no regions: leave it out"

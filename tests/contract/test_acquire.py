"""What acquire takes, gives and refuses (agora-api.md 2, 6.2, rules C1, C2, C6, C70 of 3.13)."""

import string

import pytest

from tests.contract.bodies import INDIVIDUAL, Body
from tests.contract.customer import Customer, Recorder, granted, refusal

BAD_PARAMETER = (400, 2)
# "401 invalid_channel_name" of the reference, 1013 of the older error page.
BAD_CHANNEL = {(400, 401), (400, 1013)}
CHANNEL_CHARACTERS = string.ascii_letters + string.digits + " !#$%&()+-:;<=.>?@[]^_{}~,|"


def test_acquire_gives_a_resource_id_for_this_channel_and_uid(customer: Customer) -> None:
    recorder = customer.recorder()
    body = granted(customer.acquire(recorder))
    assert (body["cname"], body["uid"]) == (recorder.cname, recorder.uid)
    assert set(body["resourceId"]) <= set(string.ascii_letters + string.digits + "_-")


def test_acquire_can_be_repeated_and_gives_another_resource_each_time(customer: Customer) -> None:
    recorder = customer.recorder()
    assert customer.resource(recorder) != customer.resource(recorder)


@pytest.mark.parametrize(
    "client_request",
    [
        {},
        {"scene": 0, "resourceExpiredHour": 24},  # E2, E15
        {"scene": 1, "resourceExpiredHour": 24},  # E29
        {"scene": 2},
        {"resourceExpiredHour": 1},
        {"resourceExpiredHour": 720},
        {"region": "CN", "resourceExpiredHour": 24},  # E28
        {"region": "AP"},
        {"region": "EU"},
        {"region": "NA"},
        {"regionAffinity": 0},
        {"regionAffinity": 4},
        {"startParameter": INDIVIDUAL},
    ],
)
def test_what_acquire_documents_it_takes(customer: Customer, client_request: Body) -> None:
    assert granted(customer.acquire(customer.recorder(), **client_request))


def test_resources_of_other_tasks_can_be_excluded(customer: Customer) -> None:
    other = customer.resource(customer.recorder())
    assert granted(customer.acquire(customer.recorder(), excludeResourceIds=[other]))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("resourceExpiredHour", 0),
        ("resourceExpiredHour", -1),
        ("resourceExpiredHour", 721),
        ("resourceExpiredHour", 1.5),
        ("resourceExpiredHour", "24"),
        ("resourceExpiredHour", True),
        ("resourceExpiredHour", [24]),
        ("scene", 3),
        ("scene", -1),
        ("scene", "0"),
        ("region", "XX"),
        ("region", "eu"),
        ("region", 3),
        ("regionAffinity", 5),
        ("regionAffinity", "1"),
        ("excludeResourceIds", "a-resource"),
        ("excludeResourceIds", [1]),
        ("startParameter", "start"),
        ("startParameter", []),
    ],
)
def test_a_bad_value_is_refused(customer: Customer, key: str, value: object) -> None:
    assert refusal(customer.acquire(customer.recorder(), **{key: value})) == BAD_PARAMETER


@pytest.mark.parametrize(
    "uid",
    ["", "0", "-1", "+1", "1.0", "1e3", "user", " 1", "4294967296", "8810546176", "٣", 527841],
)
def test_a_uid_that_is_no_integer_from_1_to_4294967295_is_refused(
    customer: Customer, uid: object
) -> None:
    body = {"cname": customer.target.channel, "uid": uid, "clientRequest": {}}
    assert refusal(customer.post("acquire", body)) == BAD_PARAMETER


@pytest.mark.parametrize("uid", ["1", "4294967295"])
def test_the_smallest_and_the_greatest_uid_are_taken(customer: Customer, uid: str) -> None:
    assert granted(customer.acquire(Recorder(customer.target.channel, uid)))


@pytest.mark.parametrize("missing", ["cname", "uid"])
def test_channel_and_uid_must_be_there(customer: Customer, missing: str) -> None:
    body = customer.recorder().in_body({})
    del body[missing]
    assert refusal(customer.post("acquire", body)) == BAD_PARAMETER


@pytest.mark.parametrize("cname", [1, None, ["contract"]])
def test_a_channel_that_is_no_text_is_refused(customer: Customer, cname: object) -> None:
    body = {"cname": cname, "uid": customer.recorder().uid, "clientRequest": {}}
    assert refusal(customer.post("acquire", body)) == BAD_PARAMETER


@pytest.mark.parametrize("client_request", [[], "none", 1])
def test_a_client_request_that_is_no_object_is_refused(
    customer: Customer, client_request: object
) -> None:
    body = customer.recorder().in_body(client_request)
    assert refusal(customer.post("acquire", body)) == BAD_PARAMETER


def test_an_empty_channel_name_is_refused(customer: Customer) -> None:
    answer = customer.acquire(customer.recorder(""))
    assert refusal(answer) in {BAD_PARAMETER, *BAD_CHANNEL}


def test_there_are_89_characters_for_channel_names() -> None:
    assert len(set(CHANNEL_CHARACTERS)) == 89


@pytest.mark.parametrize("cname", [CHANNEL_CHARACTERS[:50], CHANNEL_CHARACTERS[50:], "a" * 63, "a"])
def test_a_channel_name_of_these_characters_is_taken(customer: Customer, cname: str) -> None:
    assert granted(customer.acquire(customer.recorder(cname)))["cname"] == cname


@pytest.mark.parametrize("cname", ["a/b", "a\\b", 'a"b', "a'b", "a*b", "a`b", "ä", "房间", "a\tb"])
def test_a_channel_name_of_other_characters_is_refused(customer: Customer, cname: str) -> None:
    assert refusal(customer.acquire(customer.recorder(cname))) in BAD_CHANNEL


def test_a_channel_name_of_more_than_64_bytes_is_refused(customer: Customer) -> None:
    answer = customer.acquire(customer.recorder("a" * 65))
    assert refusal(answer) in {BAD_PARAMETER, *BAD_CHANNEL}


@pytest.mark.parametrize("cname", ["stage/main 2", "Bühne", "a" * 128])
def test_a_web_recording_can_have_any_label(customer: Customer, cname: str) -> None:
    assert granted(customer.acquire(customer.recorder(cname), scene=1))["cname"] == cname


def test_a_label_of_more_than_1024_bytes_is_refused(customer: Customer) -> None:
    answer = customer.acquire(customer.recorder("ä" * 513), scene=1)
    assert refusal(answer) in {BAD_PARAMETER, *BAD_CHANNEL}

"""RTC tokens, read: the official vectors, and what a start with a certificate does with them."""

import base64
import hmac
import struct
import zlib
from typing import Any

import pytest

from reconciler.simulator.settings import Settings, Tuning
from reconciler.simulator.tokens import EXPIRED, WRONG, Token, TokenError, admit, read_token
from tests.simulator.support import APP, CNAME, NOW_S, UID, Caller, codes, mix, web

VECTOR_APP = "970CA35de60c44645bbae8a215061b33"
CERTIFICATE = "5CFd2fd1755d40ecb72977518be15d3b"
CHANNEL = "7d72365eb983485397e3e3f9d460bdda"
T1 = (
    "007eJxTYBBbsMMnKq7p9Hf/HcIX5kce9b518kCiQgSr5Zrp4X1Tu6UUGCzNDZwdjU1TUs0Mkk1MzExMk5ISUy0SjQxNDcw"
    "Mk4yN3b8IMEQwMTAwMoAwBIL4CgzmKeZGxmamqUmWFsYmFqbGluapxqnGaZYpJmYGSSkpiVwMRhYWRsYmhkbmxgDCaiTj"
)
T1_GO = (
    "007eJxSYBBbsMMnKq7p9Hf/HcIX5kce9b518kCiQgSr5Zrp4X1Tu6UUGCzNDZwdjU1TUs0Mkk1MzExMk5ISUy0SjQxNDcw"
    "Mk4yN3b8IMEQwMTAwMoAwBIL4CgzmKeZGxmamqUmWFsYmFqbGluapxqnGaZYpJmYGSSkpiVwMRhYWRsYmhkbmxoAAAAD//8"
    "JqJOM="
)
T2 = (
    "007eJxTYLhzZP08Lxa1Pg57+TcXb/3cZ3wi4V6kbpbOog0G2dOYk20UGCzNDZwdjU1TUs0Mkk1MzExMk5ISUy0SjQxNDcw"
    "Mk4yN3b8IMEQwMTAwMoAwBIL4CgzmKeZGxmamqUmWFsYmFqbGluapxqnGaZYpJmYGSSkpiQwMADacImo="
)
T3 = (
    "007eJxTYFi+tjwi6PxGN6HaqQr3E+MlyrMtgi6aPxFavOh5yZbZ4jUKDJbmBs6OxqYpqWYGySYmZiamSUmJqRaJRoamBma"
    "GScbG7l8EGCKYGBgYGUCYkYEFiEF8JjDJDCZZwKQCg3mKuZGxmWlqkqWFsYmFqbGleapxqnGaZYqJmUFSSkoiG4OpkbmFi"
    "SEA/+Ykyg=="
)


@pytest.mark.parametrize(
    ("text", "uid", "privileges"),
    [
        (T1, "2882341273", {1: 600}),
        (T1_GO, "2882341273", {1: 600}),
        (T2, "", {1: 600}),
        (T3, "527841", {1: 600, 2: 600, 3: 600, 4: 600}),
    ],
)
def test_the_vectors_are_read(text: str, uid: str, privileges: dict[int, int]) -> None:
    token = read_token(text, CERTIFICATE)
    assert token == Token(VECTOR_APP, 1111111, 600, CHANNEL, uid, privileges)
    assert token.ends_s == 1111711


def build(certificate: str = CERTIFICATE, app: str = APP, **changes: Any) -> str:
    """Build a token after section 10.1; `changes` name its parts."""
    part = {"issued": int(NOW_S), "life": 3600, "channel": CNAME, "uid": UID, **changes}
    privileges = part.get("privileges", {1: 0})
    info = word(app) + struct.pack("<IIIH", part["issued"], part["life"], 1, part.get("count", 1))
    info += struct.pack("<HH", part.get("service", 1), len(privileges))
    info += b"".join(struct.pack("<HI", *pair) for pair in sorted(privileges.items()))
    info += word(str(part["channel"])) + word(str(part["uid"]))
    key = hmac.digest(struct.pack("<I", part["issued"]), certificate.encode(), "sha256")
    key = hmac.digest(struct.pack("<I", 1), key, "sha256")
    signature = hmac.digest(key, info, "sha256")
    content = struct.pack("<H", len(signature)) + signature + info
    return "007" + base64.b64encode(zlib.compress(content)).decode()


def word(text: str) -> bytes:
    return struct.pack("<H", len(text.encode())) + text.encode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "006" + T1[3:],
        "007",
        "007" + "x",
        T1[:-8],
        T1[:60],
        "007" + base64.b64encode(zlib.compress(b"\x20\x00short")).decode(),
        "007" + base64.b64encode(zlib.compress(bytes(1_000_000))).decode(),
        "007\u2603",
        build(service=2),
        build(count=0),
    ],
)
def test_what_is_no_rtc_token_is_refused(text: str) -> None:
    with pytest.raises(TokenError) as caught:
        read_token(text, CERTIFICATE)
    assert caught.value.code == WRONG


def test_another_certificate_is_refused() -> None:
    with pytest.raises(TokenError):
        read_token(T1, "a" * 32)


WANTED = (APP, CNAME, UID)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"channel": "another"}, WRONG),
        ({"uid": "1"}, WRONG),
        ({"app": "f" * 32}, WRONG),
        ({"privileges": {2: 600}}, WRONG),
        ({"issued": int(NOW_S) - 3600}, EXPIRED),
        ({"privileges": {1: 10}, "issued": int(NOW_S) - 10}, EXPIRED),
    ],
)
def test_a_token_lets_in_whom_it_names_while_it_lives(changes: dict[str, Any], code: int) -> None:
    with pytest.raises(TokenError) as caught:
        admit(build(**changes), CERTIFICATE, WANTED, NOW_S)
    assert caught.value.code == code


def test_an_empty_uid_is_everybodys() -> None:
    assert admit(build(uid=""), CERTIFICATE, WANTED, NOW_S).ends_s == NOW_S + 3600


def caller_with_certificate() -> Caller:
    return Caller(Settings(certificate=CERTIFICATE, tuning=Tuning(qps=1_000)))


def test_a_good_token_records_until_it_expires() -> None:
    caller = caller_with_certificate()
    running = caller.running(request=mix() | {"token": build()})
    caller.wait(3599)
    assert running.response["status"] == 5
    caller.wait(4)
    assert codes(running.query()) == (404, 404)
    assert [error["errorCode"] for error in caller.details(1)] == [109]


@pytest.mark.parametrize(
    ("token", "code"),
    [(None, 110), ("", 110), ("<token>", 110), (build(uid="1"), 110), (build(life=0), 109)],
)
def test_a_bad_token_is_accepted_and_found_out_later(token: str | None, code: int) -> None:
    caller = caller_with_certificate()
    running = caller.running(request=mix() if token is None else mix() | {"token": token})
    caller.wait(1)
    assert running.response["status"] < 4
    caller.wait(4)
    assert codes(running.query()) == (404, 404)
    assert [error["errorCode"] for error in caller.details(1)] == [code]
    assert caller.details(11) == [{"msgName": "session_exit", "exitStatus": 1}]


def test_a_web_page_needs_no_token() -> None:
    caller = caller_with_certificate()
    running = caller.running("web", web() | {"token": "<token>"})
    caller.wait(5)
    assert running.response["status"] == 5


def test_without_a_certificate_no_token_is_looked_at() -> None:
    caller = Caller()
    running = caller.running(request=mix() | {"token": "<token if any>"})
    caller.wait(5)
    assert running.response["status"] == 5

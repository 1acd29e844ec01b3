"""RTC tokens against the vectors of agora-api.md 10.2."""

import base64
import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.agora.rtc_token import LIFE_S_MAX, Token, decode, encode, recorder_token
from reconciler.errors import SecretError
from reconciler.spec.rtc_token import token_end_s
from reconciler.spec.secrets import SecretValue

APP_ID = "970CA35de60c44645bbae8a215061b33"
CERTIFICATE = SecretValue("5CFd2fd1755d40ecb72977518be15d3b")
CHANNEL = "7d72365eb983485397e3e3f9d460bdda"
T1 = Token(
    app_id=APP_ID,
    channel=CHANNEL,
    uid="2882341273",
    issued_s=1111111,
    life_s=600,
    salt=1,
    privileges=((1, 600),),
)
T2 = replace(T1, uid="")
T3 = replace(T1, uid="527841", privileges=tuple((key, 600) for key in (1, 2, 3, 4)))
VECTORS = {
    "T1": (
        T1,
        (
            "007eJxTYBBbsMMnKq7p9Hf/HcIX5kce9b518kCiQgSr5Zrp4X1Tu6UUGCzNDZwdjU1TUs0Mkk1MzExMk5ISUy0SjQxND"
            "cwMk4yN3b8IMEQwMTAwMoAwBIL4CgzmKeZGxmamqUmWFsYmFqbGluapxqnGaZYpJmYGSSkpiVwMRhYWRsYmhkbmxgDCai"
            "Tj"
        ),
        "16a0b84c5a5e82cbf74fb813d09f59c54bdac9c06120580539ac97578e958b1a",
    ),
    "T2": (
        T2,
        (
            "007eJxTYLhzZP08Lxa1Pg57+TcXb/3cZ3wi4V6kbpbOog0G2dOYk20UGCzNDZwdjU1TUs0Mkk1MzExMk5ISUy0SjQxND"
            "cwMk4yN3b8IMEQwMTAwMoAwBIL4CgzmKeZGxmamqUmWFsYmFqbGluapxqnGaZYpJmYGSSkpiQwMADacImo="
        ),
        "dcc4af9e4a04268e083f1fecd1daf9be33c860de592d6a2ca2b0306b9603633c",
    ),
    "T3": (
        T3,
        (
            "007eJxTYFi+tjwi6PxGN6HaqQr3E+MlyrMtgi6aPxFavOh5yZbZ4jUKDJbmBs6OxqYpqWYGySYmZiamSUmJqRaJRoamBm"
            "aGScbG7l8EGCKYGBgYGUCYkYEFiEF8JjDJDCZZwKQCg3mKuZGxmWlqkqWFsYmFqbGleapxqnGaZYqJmUFSSkoiG4OpkbmF"
            "iSEA/+Ykyg=="
        ),
        "a7ad775852cfb146127d9520df615f18776b3852d137e412a3a2e774b49b177c",
    ),
}
T1_GO = (
    "007eJxSYBBbsMMnKq7p9Hf/HcIX5kce9b518kCiQgSr5Zrp4X1Tu6UUGCzNDZwdjU1TUs0Mkk1MzExMk5ISUy0SjQxNDcwM"
    "k4yN3b8IMEQwMTAwMoAwBIL4CgzmKeZGxmamqUmWFsYmFqbGluapxqnGaZYpJmYGSSkpiVwMRhYWRsYmhkbmxoAAAAD//8Jq"
    "JOM="
)


def content(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text.removeprefix("007")))


@pytest.mark.parametrize("name", VECTORS)
def test_the_content_of_each_vector_is_built_byte_for_byte(name: str) -> None:
    token, text, signature = VECTORS[name]
    built = content(encode(token, CERTIFICATE).reveal())
    assert built == content(text)
    assert built[2:34].hex() == signature


@pytest.mark.skipif("ng" in zlib.ZLIB_RUNTIME_VERSION, reason="this zlib packs otherwise")
@pytest.mark.parametrize("name", VECTORS)
def test_where_zlib_agrees_the_text_is_the_same_too(name: str) -> None:
    token, text, _ = VECTORS[name]
    assert encode(token, CERTIFICATE).reveal() == text


def test_the_first_vector_is_what_the_document_spells_out() -> None:
    parts = (
        "2000" + VECTORS["T1"][2] + "2000",
        APP_ID.encode().hex() + "47f410005802000001000000010001000100010058020000",
        "2000" + CHANNEL.encode().hex() + "0a00" + b"2882341273".hex(),
    )
    assert content(encode(T1, CERTIFICATE).reveal()).hex() == "".join(parts)


@pytest.mark.parametrize("name", VECTORS)
def test_each_vector_is_read_back(name: str) -> None:
    token, text, _ = VECTORS[name]
    assert decode(text, CERTIFICATE) == token


def test_a_token_packed_by_another_zlib_is_read_too() -> None:
    assert decode(T1_GO, CERTIFICATE) == T1


@pytest.mark.parametrize("certificate", ["a" * 32, CERTIFICATE.reveal().upper()])
def test_a_wrong_certificate_is_rejected(certificate: str) -> None:
    assert decode(VECTORS["T1"][1], SecretValue(certificate)) is None


@pytest.mark.parametrize("version", ["006", "008", "", "07"])
def test_another_version_is_rejected(version: str) -> None:
    assert decode(VECTORS["T1"][1].replace("007", version, 1), CERTIFICATE) is None


def test_a_token_cut_off_anywhere_is_rejected() -> None:
    text = VECTORS["T1"][1]
    assert [end for end in range(len(text)) if decode(text[:end], CERTIFICATE)] == []


def test_a_content_cut_off_anywhere_is_rejected() -> None:
    whole = content(VECTORS["T1"][1])
    packed = (zlib.compress(whole[:end]) for end in range(len(whole)))
    tokens = ["007" + base64.b64encode(part).decode() for part in packed]
    assert [token for token in tokens if decode(token, CERTIFICATE)] == []


def test_a_token_of_another_service_is_rejected() -> None:
    whole = content(VECTORS["T1"][1])
    at = whole.index(APP_ID.encode()) + 32 + 14
    other = whole[:at] + b"\x02\x00" + whole[at + 2 :]
    token = "007" + base64.b64encode(zlib.compress(other)).decode()
    assert decode(token, CERTIFICATE) is None


def test_a_token_that_unpacks_to_far_more_than_a_token_is_rejected() -> None:
    bomb = "007" + base64.b64encode(zlib.compress(b"\0" * 10_000_000)).decode()
    assert decode(bomb, CERTIFICATE) is None


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(noise: bytes) -> None:
    assert decode("007" + base64.b64encode(zlib.compress(noise)).decode(), CERTIFICATE) is None
    assert decode("007" + noise.decode("latin-1"), CERTIFICATE) is None


TOKENS = st.builds(
    Token,
    app_id=st.text("0123456789abcdefABCDEF", min_size=32, max_size=32),
    channel=st.text(max_size=64),
    uid=st.text("0123456789", max_size=10),
    issued_s=st.integers(0, 2**32 - 1),
    life_s=st.integers(0, 2**32 - 1),
    salt=st.integers(1, 99_999_999),
    privileges=st.dictionaries(st.integers(1, 9), st.integers(0, 2**32 - 1), max_size=5).map(
        lambda privileges: tuple(sorted(privileges.items()))
    ),
)


@given(TOKENS)
def test_what_is_written_is_read_back(token: Token) -> None:
    text = encode(token, CERTIFICATE).reveal()
    assert decode(text, CERTIFICATE) == token
    assert token_end_s(text) == token.end_s


def test_a_recorder_may_join_under_any_uid_for_a_day_and_nothing_else() -> None:
    text = recorder_token(APP_ID, CERTIFICATE, CHANNEL, 1_780_000_000, 77)
    token = decode(text.reveal(), CERTIFICATE)
    assert token is not None
    assert (token.uid, token.privileges) == ("", ((1, LIFE_S_MAX),))
    assert token.end_s == 1_780_000_000 + 86_400


def test_the_same_time_and_salt_make_the_same_token() -> None:
    tokens = {recorder_token(APP_ID, CERTIFICATE, CHANNEL, 5, 7).reveal() for _ in range(3)}
    assert len(tokens) == 1


@pytest.mark.parametrize(
    ("app_id", "certificate"),
    [("", "a" * 32), ("g" * 32, "a" * 32), (APP_ID, "a" * 31), (APP_ID, "not-a-certificate")],
)
def test_what_is_no_app_id_or_certificate_is_refused_unquoted(
    app_id: str, certificate: str
) -> None:
    with pytest.raises(SecretError, match="has 32 hexadecimal digits") as caught:
        recorder_token(app_id, SecretValue(certificate), CHANNEL, 1, 1)
    assert certificate not in str(caught.value)


def test_neither_app_id_nor_token_show_themselves() -> None:
    assert APP_ID not in repr(T1)
    assert "007" not in repr(encode(T1, CERTIFICATE))


@pytest.mark.parametrize(
    ("channel", "issued_s"), [("c" * 70_000, 0), ("c", -1), ("c", 2**32), ("\ud800", 0)]
)
def test_what_has_no_place_in_a_token_is_refused_without_being_shown(
    channel: str, issued_s: int
) -> None:
    with pytest.raises(SecretError, match="no token can be made"):
        recorder_token("0" * 32, SecretValue("1" * 32), channel, issued_s, 1)

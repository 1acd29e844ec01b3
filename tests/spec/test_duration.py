import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import SpecError
from reconciler.spec.duration import DURATION_MAX_S, format_duration, parse_duration

DURATIONS: list[tuple[int | str, int]] = [
    (0, 0),
    (90, 90),
    ("0s", 0),
    ("90s", 90),
    ("5m", 300),
    ("90m", 5_400),
    ("1h30m", 5_400),
    ("007s", 7),
    ("3d", 259_200),
    ("1d12h", 129_600),
    ("1d1s", 86_401),
    ("1d2h3m4s", 93_784),
    ("3650d", DURATION_MAX_S),
    (DURATION_MAX_S, DURATION_MAX_S),
]

NOT_DURATIONS = [
    *("", " ", "s", "h30m", "1h30", "1x", "1w", "5M", "5 m", " 5m", "5m ", "5m\n", "five minutes"),
    *(
        "1m1h",
        "1h1h",
        "30s1d",
        "-5m",
        "+5m",
        "1.5h",
        "1,5h",
        "1e3s",
        "1_000s",
        "PT5M",
        "٣s",
        "1h-5m",
    ),
    "9999999999999s",
]

FORMATS = [
    (0, "0s"),
    (59, "59s"),
    (60, "1m"),
    (90, "1m30s"),
    (5_400, "1h30m"),
    (86_400, "1d"),
    (129_600, "1d12h"),
    (86_401, "1d1s"),
]


@pytest.mark.parametrize(("value", "seconds"), DURATIONS)
def test_a_duration_is_read_as_seconds(value: int | str, seconds: int) -> None:
    assert parse_duration(value) == seconds


@pytest.mark.parametrize("text", NOT_DURATIONS)
def test_other_text_is_refused_with_examples(text: str) -> None:
    with pytest.raises(SpecError, match="is not a duration") as refused:
        parse_duration(text)
    assert refused.value.code == "duration"
    assert "`1h30m`" in str(refused.value.hint)


def test_digits_in_quotes_are_refused_with_both_ways_out() -> None:
    with pytest.raises(SpecError, match="`90` has no unit") as refused:
        parse_duration("90")
    assert refused.value.hint == "drop the quotes, or add a unit: `90s`"


def test_a_boolean_is_no_number_of_seconds() -> None:
    for value in (True, False):
        with pytest.raises(SpecError, match=f"`{str(value).lower()}` is not a duration"):
            parse_duration(value)


@pytest.mark.parametrize("value", [-1, pytest.param(-(10**5_000), id="huge")])
def test_a_negative_number_is_refused(value: int) -> None:
    with pytest.raises(SpecError, match="cannot be negative"):
        parse_duration(value)


@pytest.mark.parametrize(
    "value",
    [DURATION_MAX_S + 1, pytest.param(10**5_000, id="huge"), "3651d", "3650d1s", "999999999999d"],
)
def test_more_than_ten_years_are_refused(value: int | str) -> None:
    with pytest.raises(SpecError, match="too long") as refused:
        parse_duration(value)
    assert refused.value.hint == "the longest is `3650d`"


@pytest.mark.parametrize(("seconds", "text"), FORMATS)
def test_seconds_are_written_in_their_largest_units(seconds: int, text: str) -> None:
    assert format_duration(seconds) == text


@given(st.integers(0, DURATION_MAX_S))
def test_what_was_written_is_read_back(seconds: int) -> None:
    assert parse_duration(format_duration(seconds)) == seconds


@given(st.text() | st.from_regex(r"([0-9]*[dhms ]){0,5}", fullmatch=True))
def test_any_text_is_a_duration_or_a_spec_error(text: str) -> None:
    read = read_or_code(text)
    assert read == "duration" or read == read_or_code(format_duration(int(read)))


def read_or_code(text: str) -> int | str:
    try:
        return parse_duration(text)
    except SpecError as refused:
        return refused.code

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.draw.text import LENGTH_MAX, cells, clean, ems, image_name, shorten, wrap
from tests.draw.layouts import texts

measures = st.sampled_from([len, cells, ems])
STANDING = {
    *("Lu", "Ll", "Lt", "Lm", "Lo", "Mc", "Nd", "Nl", "No"),
    *("Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Zs"),
}
"""Categories of characters that take their own place and do nothing else."""

limits = st.integers(0, 80)


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "abc…fg"),
        ("abcdefg", 1, "…"),
        ("abcdefg", 0, ""),
        ("", 0, ""),
        ("会議室会議室", 8, "会議…室"),
    ],
)
def test_a_long_text_loses_its_middle(text: str, limit: int, expected: str) -> None:
    assert shorten(text, limit, cells) == expected


@given(texts, limits, measures)
def test_a_shortened_text_fits(text: str, limit: int, measure: Callable[[str], float]) -> None:
    assert measure(shorten(text, limit, measure)) <= limit


@given(texts, limits, measures)
def test_wrapped_lines_fit(text: str, limit: int, measure: Callable[[str], float]) -> None:
    assert all(measure(line) <= limit for line in wrap(text, limit, measure))


def test_lines_break_between_words() -> None:
    assert wrap("one two  three averylongword", 8, len) == ("one two", "three", "aver…ord")


@given(texts)
def test_clean_text_has_a_bound_and_no_character_that_does_more_than_stand_there(text: str) -> None:
    drawn = clean(text)
    assert len(drawn) <= LENGTH_MAX
    assert {unicodedata.category(char) for char in drawn} <= STANDING
    drawn.encode()


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://cdn.example.com/a/room.jpg", "https://cdn.example.com/a/room.jpg"),
        ("https://user:pass@cdn.example.com/room.jpg", "https://cdn.example.com/room.jpg"),
        ("https://cdn.example.com/room.jpg?sig=abc#x", "https://cdn.example.com/room.jpg"),
        ("https://cdn.example.com/@home/room.jpg", "https://cdn.example.com/@home/room.jpg"),
        ("no url", "no url"),
        ("", ""),
    ],
)
def test_an_image_is_named_without_what_may_be_secret(url: str, name: str) -> None:
    assert image_name(url) == name

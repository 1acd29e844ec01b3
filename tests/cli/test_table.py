import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.cli.table import Column, cut, fit_text, measure, table
from reconciler.draw.text import cells

COLUMNS = (Column("NAME", least=4), Column("KIND", rank=1), Column("N", right=True, rank=2))


@given(st.text(), st.integers(3, 60))
def test_what_is_cut_fits_and_keeps_its_ends(text: str, room: int) -> None:
    shown = cut(text, room)
    assert cells(shown) <= room
    if shown != text:
        head, _, tail = shown.rpartition("…")
        assert text.startswith(head.rstrip("…"))
        assert text.endswith(tail)


@pytest.mark.parametrize(
    ("text", "room", "expected"),
    [
        ("abcdefgh", 8, "abcdefgh"),
        ("abcdefgh", 7, "abc…fgh"),
        ("abcdefgh", 4, "ab…h"),
        ("全角文字列", 7, "全…列"),
        ("a全角文字列", 8, "a全…列"),
    ],
)
def test_a_text_is_cut_in_the_middle(text: str, room: int, expected: str) -> None:
    assert cut(text, room) == expected


def test_columns_are_aligned_and_numbers_to_the_right() -> None:
    rows = [("a", "start", "7"), ("bcd", "stop", "12")]
    assert list(table(COLUMNS, rows, 80)) == [
        "NAME  KIND    N",
        "a     start   7",
        "bcd   stop   12",
    ]


def titles(row: tuple[str, ...], width: int) -> list[str]:
    header, _ = table(COLUMNS, [row], width)
    return header.split()


def test_the_column_of_the_highest_rank_is_left_out_first() -> None:
    assert titles(("a" * 30, "k" * 30, "1" * 10), 50) == ["NAME", "KIND", "N"]
    assert titles(("a" * 30, "k" * 30, "1" * 10), 45) == ["NAME", "KIND"]
    assert titles(("a" * 30, "k" * 40, "1" * 10), 40) == ["NAME"]


def test_control_characters_are_spelt_out_before_they_are_measured() -> None:
    assert fit_text("a\tb") == "a\\tb"
    assert list(table((Column("N"), Column("M")), [("a\tb", "c")], 80))[1] == "a\\tb  c"


@given(st.text())
def test_the_measure_is_that_of_terminals(text: str) -> None:
    assert measure(text) == cells(text)


def test_what_may_not_be_cut_is_whole_whatever_the_width() -> None:
    assert list(table((Column("N"), Column("M")), [("x" * 50, "y")], 40))[1] == "x" * 50 + "  y"

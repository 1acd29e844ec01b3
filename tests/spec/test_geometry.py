from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.spec.geometry import (
    CANVAS,
    CustomRegion,
    Fit,
    LayoutSpec,
    LayoutType,
    Rect,
    Region,
    overlaps,
    regions,
    remainder,
    uncovered,
)

FLOATING = LayoutSpec(LayoutType.FLOATING)
BEST_FIT = LayoutSpec(LayoutType.BEST_FIT)
VERTICAL = LayoutSpec(LayoutType.VERTICAL, focus_uid="7")
UNFOCUSED = LayoutSpec(LayoutType.VERTICAL)
PREDEFINED = (FLOATING, BEST_FIT, VERTICAL, UNFOCUSED)
ALL_USERS = range(1, 18)


def rect(x: str, y: str, width: str, height: str) -> Rect:
    return Rect(*map(Fraction, (x, y, width, height)))


def custom(*entries: tuple[Rect, str | None]) -> LayoutSpec:
    listed = tuple(CustomRegion(place, uid) for place, uid in entries)
    return LayoutSpec(LayoutType.CUSTOM, regions=listed)


@pytest.mark.parametrize(
    ("layout", "wire"),
    [("floating", 0), ("best-fit", 1), ("vertical", 2), ("custom", 3)],
)
def test_layouts_have_the_numbers_of_the_service(layout: str, wire: int) -> None:
    assert LayoutType(layout).wire == wire


@pytest.mark.parametrize(
    ("layout", "users", "number", "expected"),
    [
        (FLOATING, 1, 1, rect("0", "0", "1", "1")),
        (FLOATING, 17, 1, rect("0", "0", "1", "1")),
        (FLOATING, 2, 2, rect("0.012", "0.753", "0.235", "0.235")),
        (FLOATING, 17, 3, rect("0.259", "0.753", "0.235", "0.235")),
        (FLOATING, 17, 4, rect("0.506", "0.753", "0.235", "0.235")),
        (FLOATING, 17, 5, rect("0.753", "0.753", "0.235", "0.235")),
        (FLOATING, 17, 6, rect("0.012", "0.506", "0.235", "0.235")),
        (FLOATING, 17, 13, rect("0.753", "0.259", "0.235", "0.235")),
        (FLOATING, 17, 14, rect("0.012", "0.012", "0.235", "0.235")),
        (FLOATING, 17, 17, rect("0.753", "0.012", "0.235", "0.235")),
        (BEST_FIT, 1, 1, rect("0", "0", "1", "1")),
        (BEST_FIT, 2, 2, rect("0.5", "0", "0.5", "1")),
        (BEST_FIT, 3, 3, rect("0", "0.5", "0.5", "0.5")),
        (BEST_FIT, 4, 4, rect("0.5", "0.5", "0.5", "0.5")),
        (BEST_FIT, 5, 5, rect("1/3", "1/3", "1/3", "1/3")),
        (BEST_FIT, 9, 9, rect("2/3", "2/3", "1/3", "1/3")),
        (BEST_FIT, 10, 10, rect("0.25", "0.5", "0.25", "0.25")),
        (BEST_FIT, 16, 16, rect("0.75", "0.75", "0.25", "0.25")),
        (BEST_FIT, 17, 1, rect("0.1", "0", "0.2", "0.2")),
        (BEST_FIT, 17, 16, rect("0.7", "0.6", "0.2", "0.2")),
        (BEST_FIT, 17, 17, rect("0.4", "0.8", "0.2", "0.2")),
        (VERTICAL, 1, 1, rect("0", "0", "4/5", "1")),
        (VERTICAL, 5, 1, rect("0", "0", "4/5", "1")),
        (VERTICAL, 5, 5, rect("4/5", "3/4", "1/5", "1/4")),
        (VERTICAL, 6, 1, rect("0", "0", "6/7", "1")),
        (VERTICAL, 7, 7, rect("6/7", "5/6", "1/7", "1/6")),
        (VERTICAL, 8, 1, rect("0", "0", "8/9", "1")),
        (VERTICAL, 9, 9, rect("8/9", "7/8", "1/9", "1/8")),
        (VERTICAL, 10, 1, rect("0", "0", "8/10", "1")),
        (VERTICAL, 10, 2, rect("9/10", "0", "1/10", "1/8")),
        (VERTICAL, 17, 9, rect("9/10", "7/8", "1/10", "1/8")),
        (VERTICAL, 17, 10, rect("8/10", "0", "1/10", "1/8")),
        (VERTICAL, 17, 17, rect("8/10", "7/8", "1/10", "1/8")),
        (UNFOCUSED, 4, 5, rect("4/5", "3/4", "1/5", "1/4")),
        (UNFOCUSED, 5, 6, rect("6/7", "4/6", "1/7", "1/6")),
    ],
)
def test_regions_stand_where_the_service_puts_them(
    layout: LayoutSpec, users: int, number: int, expected: Rect
) -> None:
    assert regions(layout, users)[number - 1].rect == expected


@pytest.mark.parametrize("users", ALL_USERS)
@pytest.mark.parametrize("layout", PREDEFINED)
def test_predefined_regions_lie_inside_the_canvas(layout: LayoutSpec, users: int) -> None:
    for region in regions(layout, users):
        assert CANVAS.intersection(region.rect) == region.rect


@pytest.mark.parametrize("users", ALL_USERS)
@pytest.mark.parametrize("layout", PREDEFINED)
def test_predefined_regions_do_not_overlap(layout: LayoutSpec, users: int) -> None:
    placed = regions(layout, users)
    assert overlaps(placed) == ()
    beside = placed[1:] if layout is FLOATING else placed
    assert all(one.rect.intersection(other.rect) is None for one, other in combinations(beside, 2))


@pytest.mark.parametrize("users", ALL_USERS)
@pytest.mark.parametrize("layout", [FLOATING, BEST_FIT])
def test_every_user_has_a_region_in_order_of_joining(layout: LayoutSpec, users: int) -> None:
    assert [region.user for region in regions(layout, users)] == list(range(1, users + 1))


@pytest.mark.parametrize("users", ALL_USERS)
def test_a_focus_user_takes_the_large_region_and_counts(users: int) -> None:
    large, *small = regions(VERTICAL, users)
    assert (large.uid, large.user, large.empty, large.fit) == ("7", None, False, Fit.CONTAIN)
    assert [region.user for region in small] == list(range(1, users))


@pytest.mark.parametrize("users", ALL_USERS)
def test_without_a_focus_user_the_large_region_is_empty_and_all_are_small(users: int) -> None:
    large, *small = regions(UNFOCUSED, users)
    assert (large.uid, large.user, large.empty) == (None, None, True)
    assert [region.user for region in small] == list(range(1, min(users, 16) + 1))


SPOTS = [rect(x, "0", "0.2", "1") for x in ("0", "0.2", "0.4", "0.6")]


@pytest.mark.parametrize(
    ("uids", "users", "labels"),
    [
        ([None, None], 2, ["user 1", "user 2"]),
        ([None, None], 1, ["user 1", "empty"]),
        ([None], 3, ["user 1"]),
        ([None, "5", None], 3, ["user 1", "uid 5", "user 2"]),
        ([None, "5", None], 2, ["user 1", "uid 5", "empty"]),
        (["5", "6", None], 2, ["uid 5", "uid 6", "empty"]),
        (["5", "6", None], 1, ["uid 5", "uid 6, empty", "empty"]),
        (["5", "5", None], 2, ["uid 5", "uid 5", "user 1"]),
        ([], 1, []),
    ],
)
def test_custom_regions_take_their_user_or_the_next_to_join(
    uids: list[str | None], users: int, labels: list[str]
) -> None:
    layout = custom(*zip(SPOTS, uids, strict=False))
    assert [", ".join(region.labels) for region in regions(layout, users)] == labels


def test_custom_regions_keep_place_order_fit_and_alpha() -> None:
    entries = (
        CustomRegion(SPOTS[2], "9", 0.5, Fit.CONTAIN),
        CustomRegion(SPOTS[0]),
    )
    placed = regions(LayoutSpec(LayoutType.CUSTOM, regions=entries), 2)
    assert [region.rect for region in placed] == [SPOTS[2], SPOTS[0]]
    assert placed[0].labels == ("uid 9", "contain", "alpha 0.5")
    assert placed[1].labels == ("user 1",)


@pytest.mark.parametrize("users", [-1, 0, 18])
@pytest.mark.parametrize("layout", PREDEFINED)
def test_a_number_of_users_that_no_layout_knows_is_refused(layout: LayoutSpec, users: int) -> None:
    with pytest.raises(ValueError, match=f"for 1 to 17 users; `{users}` is outside"):
        regions(layout, users)


def test_a_manifests_numbers_become_six_exact_decimals() -> None:
    assert Rect.of(0.1, 1 / 3, 1, 0.0000004) == rect("0.1", "0.333333", "1", "0")


def placed_at(*rects: Rect) -> tuple[Region, ...]:
    return regions(custom(*((place, None) for place in rects)), 17)


def thirds() -> list[Rect]:
    starts = (0, 0.333333, 0.666666)
    return [Rect.of(start, 0, 0.333333, 1) for start in starts]


def test_thirds_written_with_six_decimals_meet_and_fill_the_canvas() -> None:
    placed = placed_at(*thirds())
    assert overlaps(placed) == ()
    assert uncovered(placed) == ()


def test_an_edge_short_of_the_canvas_by_the_last_decimal_is_the_canvas_edge() -> None:
    lower = Rect.of(0, 0.5, 0.999999, 0.5)
    assert uncovered(placed_at(lower)) == (rect("0", "0", "1", "0.5"),)


def test_an_overlap_of_the_last_decimal_is_none() -> None:
    left, right = Rect.of(0, 0, 0.500001, 1), Rect.of(0.5, 0, 0.5, 1)
    assert overlaps(placed_at(left, right)) == ()


def test_a_gap_and_an_overlap_above_the_tolerance_are_seen() -> None:
    left, middle, right = (
        Rect.of(0, 0, 0.5, 1),
        Rect.of(0.49999, 0, 0.3, 1),
        Rect.of(0.8, 0, 0.2, 1),
    )
    placed = placed_at(left, middle, right)
    (overlap,) = overlaps(placed)
    assert (overlap.first, overlap.second) == (0, 1)
    assert overlap.rect == rect("0.49999", "0", "0.00001", "1")
    assert uncovered(placed) == (rect("0.79999", "0", "0.00001", "1"),)


@pytest.mark.parametrize(
    ("layout", "users", "expected"),
    [
        (FLOATING, 1, []),
        (BEST_FIT, 2, []),
        (BEST_FIT, 3, [rect("0.5", "0.5", "0.5", "0.5")]),
        (BEST_FIT, 5, [rect("2/3", "1/3", "1/3", "1/3"), rect("0", "2/3", "1", "1/3")]),
        (VERTICAL, 2, [rect("0.8", "0.25", "0.2", "0.75")]),
        (VERTICAL, 5, []),
        (custom(), 1, [CANVAS]),
        (custom((CANVAS, None), (SPOTS[0], None)), 1, []),
    ],
)
def test_uncovered_parts_are_few_rectangles(
    layout: LayoutSpec, users: int, expected: list[Rect]
) -> None:
    assert list(uncovered(regions(layout, users))) == expected


def test_a_hole_is_walled_by_four_rectangles() -> None:
    hole = rect("0.25", "0.25", "0.5", "0.5")
    assert remainder(CANVAS, [hole]) == (
        rect("0", "0", "1", "0.25"),
        rect("0", "0.25", "0.25", "0.5"),
        rect("0.75", "0.25", "0.25", "0.5"),
        rect("0", "0.75", "1", "0.25"),
    )


# On a grid of twenty by twenty cells every answer can be counted cell by cell.
CELLS = 20


@st.composite
def grid_rects(draw: st.DrawFn) -> Rect:
    x, y = draw(st.integers(0, CELLS)), draw(st.integers(0, CELLS))
    width, height = draw(st.integers(0, CELLS - x)), draw(st.integers(0, CELLS - y))
    return Rect.of(x / CELLS, y / CELLS, width / CELLS, height / CELLS)


placements = st.lists(grid_rects(), max_size=17)


def cells_of(place: Rect) -> set[tuple[int, int]]:
    left, top = int(place.x * CELLS), int(place.y * CELLS)
    right, bottom = int(place.right * CELLS), int(place.bottom * CELLS)
    return {(x, y) for x in range(left, right) for y in range(top, bottom)}


@given(placements)
def test_regions_overlap_where_they_share_cells(rects: list[Rect]) -> None:
    found = {(overlap.first, overlap.second) for overlap in overlaps(placed_at(*rects))}
    shared = {
        (first, second)
        for (first, one), (second, other) in combinations(enumerate(rects), 2)
        if cells_of(one) & cells_of(other)
    }
    assert found == shared


@given(placements)
def test_overlaps_are_symmetric(rects: list[Rect]) -> None:
    last = len(rects) - 1
    forwards = {(o.first, o.second, o.rect) for o in overlaps(placed_at(*rects))}
    backwards = overlaps(placed_at(*reversed(rects)))
    assert {(last - o.second, last - o.first, o.rect) for o in backwards} == forwards


def covered_cells(rects: Sequence[Rect]) -> set[tuple[int, int]]:
    return set[tuple[int, int]]().union(*map(cells_of, rects))


@given(placements)
def test_covered_and_uncovered_parts_make_up_the_canvas(rects: list[Rect]) -> None:
    gaps = uncovered(placed_at(*rects))
    covered = Fraction(len(covered_cells(rects)), CELLS * CELLS)
    assert sum((gap.area for gap in gaps), covered) == 1
    assert covered_cells(gaps).isdisjoint(covered_cells(rects))


@given(placements)
def test_uncovered_rectangles_do_not_overlap_each_other(rects: list[Rect]) -> None:
    gaps = uncovered(placed_at(*rects))
    assert all(one.intersection(other) is None for one, other in combinations(gaps, 2))

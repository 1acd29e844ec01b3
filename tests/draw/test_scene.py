import pytest
from hypothesis import given

from reconciler.draw.scene import Box, Occupant, Scene, scene
from reconciler.spec.geometry import (
    CustomRegion,
    Fit,
    LayoutSpec,
    LayoutType,
    Rect,
    UserBackground,
)
from tests.draw.layouts import CROWDED, LANDSCAPE, PORTRAIT, SCENES, example, scenes

ON_TOP = "which one is on top is not documented, here it is the later one"
WHOLE = Rect.of(0, 0, 1, 1)


def custom(*rects: Rect) -> LayoutSpec:
    return LayoutSpec(LayoutType.CUSTOM, regions=tuple(CustomRegion(rect) for rect in rects))


def draw(layout: LayoutSpec, users: int) -> Scene:
    return scene(layout, users=users, width=1280, height=720, title="room")


def test_a_scene_says_what_it_shows() -> None:
    drawn = draw(LayoutSpec(LayoutType.BEST_FIT), 1)
    assert (drawn.title, drawn.subtitle) == ("room", "best-fit, 1 user, 1280 x 720 px")
    assert drawn.shapes[0].labels == ("user 1",)
    assert drawn.backgrounds == ("background #000000",)
    assert drawn.notes == ()


@pytest.mark.parametrize("size", [LANDSCAPE, PORTRAIT, (101, 37)])
@pytest.mark.parametrize("name", ["best-fit 9", "best-fit 17", "vertical 7", "vertical 17"])
def test_regions_that_touch_share_an_edge_in_pixels(name: str, size: tuple[int, int]) -> None:
    drawn = example(name, size)
    boxes = [*(shape.box for shape in drawn.shapes), *drawn.uncovered]
    assert sum(box.width * box.height for box in boxes) == size[0] * size[1]


@given(scenes)
def test_everything_lies_inside_the_canvas(drawn: Scene) -> None:
    labels = [shape.label_box for shape in drawn.shapes if shape.label_box is not None]
    shapes = [shape.box for shape in drawn.shapes]
    for box in (*shapes, *labels, *drawn.overlaps, *drawn.uncovered):
        assert 0 <= box.x <= box.right <= drawn.width
        assert 0 <= box.y <= box.bottom <= drawn.height


@given(scenes)
def test_a_label_box_lies_in_what_is_seen_of_its_region(drawn: Scene) -> None:
    for index, shape in enumerate(drawn.shapes):
        box = shape.label_box
        if box is None:
            continue
        assert intersection(box, shape.box) == box
        # Rounding may let neighbours share one row of pixels.
        for above in drawn.shapes[index + 1 :]:
            common = intersection(box, above.box)
            assert min(common.width, common.height) <= 1


def intersection(one: Box, other: Box) -> Box:
    x, y = max(one.x, other.x), max(one.y, other.y)
    return Box(x, y, min(one.right, other.right) - x, min(one.bottom, other.bottom) - y)


def test_the_first_floating_region_is_labelled_above_the_small_ones() -> None:
    assert draw(LayoutSpec(), 5).shapes[0].label_box == Box(0, 0, 1280, 542)


def test_a_region_that_others_hide_has_no_room_for_a_label() -> None:
    below, above = draw(custom(Rect.of(0.2, 0.2, 0.2, 0.2), WHOLE), 2).shapes
    assert below.label_box is None
    assert above.label_box is not None


def test_a_label_avoids_an_overlap() -> None:
    halves = custom(Rect.of(0, 0, 0.6, 1), Rect.of(0.4, 0, 0.6, 1))
    left, right = draw(halves, 2).shapes
    assert left.label_box == Box(0, 0, 512, 720)
    assert right.label_box == Box(768, 0, 512, 720)


@pytest.mark.parametrize("left", ["0.25", "0.48"])
def test_a_label_stands_in_an_overlap_where_there_is_little_room_beside_it(left: str) -> None:
    above = Rect.of(float(left), 0.25, 0.25, 0.5)
    shape = draw(custom(Rect.of(0, 0, 0.7, 1), above), 2).shapes[1]
    assert shape.label_box == shape.box


def test_what_lies_outside_the_canvas_is_not_drawn() -> None:
    (shape,) = draw(custom(Rect.of(0.5, 0.5, 0.8, 0.8)), 1).shapes
    assert shape.box == Box(640, 360, 640, 360)


@pytest.mark.parametrize(
    ("layout", "users", "notes"),
    [
        (LayoutSpec(), 17, ()),
        (LayoutSpec(LayoutType.BEST_FIT), 3, ("25.0 % of the canvas shows the background",)),
        (custom(WHOLE), 2, ("1 user is heard but not shown",)),
        (custom(WHOLE), 3, ("2 users are heard but not shown",)),
        (
            LayoutSpec(LayoutType.VERTICAL),
            17,
            (
                "1 user is heard but not shown",
                "no focus user is set, so the large region shows the background",
            ),
        ),
        (
            LayoutSpec(LayoutType.VERTICAL, "7"),
            5,
            ("users bound by uid are taken to be present; the order of joining counts the others",),
        ),
        (
            custom(WHOLE, WHOLE),
            2,
            (f"regions 1 and 2 overlap; {ON_TOP}",),
        ),
        (
            custom(*[WHOLE] * 4),
            4,
            (f"6 pairs of regions overlap: 1 and 2; 1 and 3; 1 and 4; 2 and 3; 2 more; {ON_TOP}",),
        ),
        (
            custom(Rect.of(0, 0, 1, 0.9999)),
            1,
            ("less than 0.1 % of the canvas shows the background",),
        ),
    ],
)
def test_notes_tell_what_a_picture_cannot(
    layout: LayoutSpec, users: int, notes: tuple[str, ...]
) -> None:
    assert draw(layout, users).notes == notes


def test_occupants_are_told_apart() -> None:
    occupants = [shape.occupant for shape in draw(CROWDED, 3).shapes]
    user, bound, empty = Occupant.USER, Occupant.BOUND, Occupant.EMPTY
    assert occupants == [user, bound, bound, empty, empty]


def test_backgrounds_are_listed_without_what_may_be_secret() -> None:
    layout = LayoutSpec(
        background_colour="#A0B0C0",
        background_image="https://cdn.example.com/room.jpg?sig=secret",
        user_image="https://me:secret@cdn.example.com/user.jpg",
        user_backgrounds=(UserBackground("42", "https://cdn.example.com/42.jpg", Fit.CONTAIN),),
    )
    assert draw(layout, 1).backgrounds == (
        "background #a0b0c0",
        "background image https://cdn.example.com/room.jpg",
        "image of users without video https://cdn.example.com/user.jpg",
        "image of uid 42 https://cdn.example.com/42.jpg (contain)",
    )


def test_a_long_list_of_images_is_folded() -> None:
    images = tuple(UserBackground(str(uid), "https://example.com/a.jpg") for uid in range(1, 11))
    backgrounds = draw(LayoutSpec(user_backgrounds=images), 1).backgrounds
    assert len(backgrounds) == 10
    assert backgrounds[-1] == "images of 2 more users"


@pytest.mark.parametrize(("width", "height"), [(0, 10), (10, 0), (-1, 10)])
def test_a_canvas_without_pixels_is_refused(width: int, height: int) -> None:
    with pytest.raises(ValueError, match=f"one pixel wide and high; `{width} x {height}` is not"):
        scene(LayoutSpec(), users=1, width=width, height=height, title="room")


@pytest.mark.parametrize("colour", ["red", "#12345", "#1234567", "#12345g", "", "#000000\n"])
def test_a_colour_that_is_none_is_refused(colour: str) -> None:
    with pytest.raises(ValueError, match="A colour is `#` and six hex digits"):
        draw(LayoutSpec(background_colour=colour), 1)


@pytest.mark.parametrize("name", SCENES)
def test_the_same_layout_gives_the_same_scene(name: str) -> None:
    assert example(name) == example(name)

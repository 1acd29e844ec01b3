from dataclasses import replace

import pytest
from hypothesis import given

from reconciler.draw.page import Area, Page, Text, page
from reconciler.draw.scene import Scene
from reconciler.draw.text import ems
from tests.draw.layouts import LANDSCAPE, PORTRAIT, SCENES, example, scenes

SMALLEST_TEXT_PX = 9
SLACK = 1e-6


def ends(text: Text) -> tuple[float, float]:
    width = text.size * ems(text.content)
    start = text.x - width / 2 if text.centred else text.x
    return start, start + width


def areas(sheet: Page, role: str) -> list[Area]:
    return [item for item in sheet.items if isinstance(item, Area) and item.role == role]


@given(scenes)
def test_nothing_leaves_the_page(drawn: Scene) -> None:
    sheet = page(drawn)
    slack = sheet.width * SLACK
    for item in sheet.items:
        left, right = ends(item) if isinstance(item, Text) else (item.x, item.x + item.width)
        assert sheet.x - slack <= left
        assert right <= sheet.x + sheet.width + slack
        assert sheet.y <= item.y <= sheet.y + sheet.height


@given(scenes)
def test_a_label_stays_in_its_regions_visible_part(drawn: Scene) -> None:
    boxes = [shape.label_box for shape in drawn.shapes if shape.label_box is not None]
    for plate in areas(page(drawn), "plate"):
        assert any(
            box.x <= plate.x
            and plate.x + plate.width <= box.right
            and box.y <= plate.y
            and plate.y + plate.height <= box.bottom
            for box in boxes
        )


@given(scenes)
def test_every_region_is_labelled_or_named_in_the_legend(drawn: Scene) -> None:
    sheet = page(drawn)
    labelled = len(areas(sheet, "plate"))
    written = " ".join(item.content for item in sheet.items if isinstance(item, Text))
    named = written.partition("no room for the label of ")[2].count("region ")
    assert labelled + named >= len(drawn.shapes)


@pytest.mark.parametrize("size", [LANDSCAPE, PORTRAIT])
@pytest.mark.parametrize("name", SCENES)
def test_no_text_is_too_small_to_read(name: str, size: tuple[int, int]) -> None:
    sheet = page(example(name, size))
    sizes = [item.size for item in sheet.items if isinstance(item, Text)]
    assert min(sizes) * sheet.scale >= SMALLEST_TEXT_PX


@pytest.mark.parametrize("size", [LANDSCAPE, PORTRAIT])
@pytest.mark.parametrize("name", [name for name in SCENES if name != "floating 17"])
def test_ordinary_layouts_have_room_for_every_label(name: str, size: tuple[int, int]) -> None:
    drawn = example(name, size)
    assert len(areas(page(drawn), "plate")) == len(drawn.shapes)


@pytest.mark.parametrize(("background", "dots"), [("#000000", "#ffffff"), ("#f0f0f0", "#000000")])
def test_dots_are_seen_on_their_ground(background: str, dots: str) -> None:
    sheet = page(replace(example("best-fit 3"), background=background))
    assert sheet.dots == dots

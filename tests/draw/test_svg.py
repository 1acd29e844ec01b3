from xml.etree.ElementTree import XML, Element

import pytest
from hypothesis import given

from reconciler.draw.scene import Box, Scene, scene
from reconciler.draw.svg import NAMESPACE, svg
from reconciler.spec.geometry import CustomRegion, LayoutSpec, LayoutType, Rect
from tests.draw.layouts import HOSTILE, LANDSCAPE, PORTRAIT, SCENES, example, scenes

DRAWN_ELEMENTS = {"svg", "title", "desc", "defs", "pattern", "rect", "circle", "text"}
INERT_ATTRIBUTES = {
    *("id", "class", "version", "viewBox", "x", "y", "width", "height", "cx", "cy", "r"),
    *("fill", "fill-opacity", "stroke", "stroke-width", "font-family", "font-size", "text-anchor"),
    *("patternUnits", "patternTransform", "data-x", "data-y", "data-width", "data-height"),
}


def rects(root: Element, role: str) -> list[Element]:
    found = root.iter(f"{{{NAMESPACE}}}rect")
    return [rect for rect in found if role in rect.get("class", "").split()]


def box(rect: Element, prefix: str = "") -> Box:
    names = ("x", "y", "width", "height")
    return Box(*(int(rect.attrib[prefix + name]) for name in names))


@pytest.mark.parametrize("size", [LANDSCAPE, PORTRAIT])
@pytest.mark.parametrize("name", SCENES)
def test_rectangles_are_the_scenes_in_pixels_of_the_canvas(
    name: str, size: tuple[int, int]
) -> None:
    drawn = example(name, size)
    root = XML(svg(drawn))
    regions = rects(root, "region")
    assert [box(rect) for rect in regions] == [shape.box for shape in drawn.shapes]
    assert [box(rect, "data-") for rect in regions] == [shape.box for shape in drawn.shapes]
    assert [box(rect) for rect in rects(root, "overlap")] == list(drawn.overlaps)
    assert [box(rect) for rect in rects(root, "uncovered")] == list(drawn.uncovered)
    assert [box(rect) for rect in rects(root, "canvas")] == [Box(0, 0, *size)]


def test_regions_have_stable_ids_and_say_who_they_show() -> None:
    regions = rects(XML(svg(example("custom, few users"))), "region")
    assert [rect.get("id") for rect in regions] == [f"region-{number}" for number in range(1, 6)]
    assert [rect.get("class") for rect in regions][:2] == ["region empty", "region bound"]
    told = regions[1].findtext(f"{{{NAMESPACE}}}title")
    assert told == "region 2: uid 4294967295, contain, alpha 0.6; 640 x 324 px at 512, 360"


def test_alpha_is_the_opacity_of_the_region() -> None:
    regions = rects(XML(svg(example("custom"))), "region")
    assert [rect.get("fill-opacity") for rect in regions] == ["1", "0.6", "1", "1", "0"]


def test_the_background_is_seen_in_empty_regions() -> None:
    regions = rects(XML(svg(example("custom, few users"))), "region")
    assert [rect.get("fill-opacity") for rect in regions] == ["0.35", "0.6", "0.35", "0.35", "0.35"]


def test_overlaps_and_gaps_have_patterns_that_the_document_defines() -> None:
    root = XML(svg(example("custom")))
    defined = {pattern.get("id") for pattern in root.iter(f"{{{NAMESPACE}}}pattern")}
    assert defined == {"overlap", "uncovered"}
    assert {rect.get("fill") for rect in rects(root, "overlap")} == {"url(#overlap)"}
    assert {rect.get("fill") for rect in rects(root, "uncovered")} == {"url(#uncovered)"}


def test_the_legend_explains_patterns_and_repeats_the_notes() -> None:
    drawn = example("custom")
    texts = [text.text for text in XML(svg(drawn)).iter(f"{{{NAMESPACE}}}text")]
    assert "overlap" in texts
    assert "no region: background #103020" in texts
    assert "1 user is heard but not shown" in texts
    assert {"daily-standup", drawn.subtitle} <= set(texts)


@given(scenes)
def test_any_text_gives_a_well_formed_document_that_can_do_nothing(drawn: Scene) -> None:
    document = svg(drawn)
    document.encode()
    for element in XML(document).iter():
        assert element.tag.removeprefix(f"{{{NAMESPACE}}}") in DRAWN_ELEMENTS
        assert set(element.attrib) <= INERT_ATTRIBUTES
        assert "url(" not in element.get("fill", "").replace("url(#", "")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_stay_texts(text: str) -> None:
    region = CustomRegion(Rect.of(0, 0, 1, 1), uid=text)
    layout = LayoutSpec(LayoutType.CUSTOM, regions=(region,), background_image=text)
    drawn = scene(layout, users=1, width=640, height=360, title=text)
    root = XML(svg(drawn))
    assert (root.findtext(f"{{{NAMESPACE}}}title") or "") == drawn.title
    assert len(rects(root, "region")) == 1


@pytest.mark.parametrize("name", SCENES)
def test_the_same_scene_gives_the_same_text(name: str) -> None:
    assert svg(example(name)) == svg(example(name))

"""Layouts that the drawing tests share: one of each kind, and generated ones."""

from hypothesis import strategies as st

from reconciler.draw.scene import Scene, scene
from reconciler.spec.geometry import (
    CustomRegion,
    Fit,
    LayoutSpec,
    LayoutType,
    Rect,
    UserBackground,
)

LANDSCAPE, PORTRAIT = (1280, 720), (360, 640)

CROWDED = LayoutSpec(
    LayoutType.CUSTOM,
    regions=(
        CustomRegion(Rect.of(0.02, 0.02, 0.6, 0.7)),
        CustomRegion(Rect.of(0.4, 0.5, 0.5, 0.45), "4294967295", 0.6, Fit.CONTAIN),
        CustomRegion(Rect.of(0.7, 0.05, 0.25, 0.3), "42"),
        CustomRegion(Rect.of(0.05, 0.78, 0.2, 0.2)),
        CustomRegion(Rect.of(0.8, 0.3, 0.15, 0.3), alpha=0),
    ),
    background_colour="#103020",
)
"""Custom, with overlaps, gaps, a transparent region and bound users."""

SCENES = {
    "floating 1": (LayoutSpec(), 1),
    "floating 5": (LayoutSpec(), 5),
    "floating 17": (LayoutSpec(), 17),
    "best-fit 3": (LayoutSpec(LayoutType.BEST_FIT), 3),
    "best-fit 9": (LayoutSpec(LayoutType.BEST_FIT), 9),
    "best-fit 17": (LayoutSpec(LayoutType.BEST_FIT), 17),
    "vertical 2": (LayoutSpec(LayoutType.VERTICAL, "7"), 2),
    "vertical 7": (LayoutSpec(LayoutType.VERTICAL, "7"), 7),
    "vertical 17": (LayoutSpec(LayoutType.VERTICAL), 17),
    "custom": (CROWDED, 6),
    "custom, few users": (CROWDED, 1),
}


def example(name: str, size: tuple[int, int] = LANDSCAPE) -> Scene:
    layout, users = SCENES[name]
    return scene(layout, users=users, width=size[0], height=size[1], title="daily-standup")


HOSTILE = (
    "",
    '<script>alert("&")</script>',
    "']]>&amp;<!--",
    "4" * 5000,
    "W" * 90,
    "\x1b[31mred\x1b[0m\x07\r\n\t\x00",
    "\u202eright to left\u200b\ufeff",
    "会議室" * 40,
    "e\u0301\u0301\u0301",
    "\ud800",
    "\ufffe\U0010ffff",
    "👩‍👩‍👧",
    "`%s{}'\"\\",
)

texts = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=40))
fractions = st.floats(0, 1)


@st.composite
def custom_regions(draw: st.DrawFn) -> CustomRegion:
    x, y = draw(fractions), draw(fractions)
    place = Rect.of(x, y, draw(st.floats(0, 1 - x)), draw(st.floats(0, 1 - y)))
    uid = draw(st.none() | texts)
    return CustomRegion(place, uid, draw(fractions), draw(st.sampled_from(Fit)))


@st.composite
def custom_layouts(draw: st.DrawFn) -> LayoutSpec:
    return LayoutSpec(
        LayoutType.CUSTOM,
        regions=tuple(draw(st.lists(custom_regions(), max_size=17))),
        background_colour=draw(st.from_regex("#[0-9a-fA-F]{6}", fullmatch=True)),
        background_image=draw(st.none() | texts),
        user_image=draw(st.none() | texts),
        user_backgrounds=tuple(
            draw(st.lists(st.builds(UserBackground, texts, texts), max_size=12))
        ),
    )


scenes = st.builds(
    scene,
    custom_layouts(),
    users=st.integers(1, 17),
    width=st.integers(1, 1920),
    height=st.integers(1, 1080),
    title=texts,
)

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.draw.scene import Scene, scene
from reconciler.draw.terminal import ROWS_MAX, terminal
from reconciler.draw.text import cells
from reconciler.spec.geometry import CustomRegion, LayoutSpec, LayoutType, Rect
from tests.draw.layouts import HOSTILE, LANDSCAPE, PORTRAIT, SCENES, example, scenes

STYLE = re.compile(r"\x1b\[[0-9;]+m")

FLOATING_5 = """\
daily-standup
floating, 5 users, 1280 x 720 px
┌──────────────────────────────────────┐
│                                      │
│                                      │
│                                      │
│               1 user 1               │
│                                      │
│                                      │
│                                      │
├─────────┬────────┐┌────────┬─────────┤
│2 user 2 │3 user 3││4 user 4│5 user 5 │
│         │        ││        │         │
└─────────┴────────┴┴────────┴─────────┘

 #         x       y   width  height
 1  user 1
   %    0.00    0.00  100.00  100.00
  px       0       0    1280     720
 2  user 2
   %    1.20   75.30   23.50   23.50
  px      15     542     301     169
 3  user 3
   %   25.90   75.30   23.50   23.50
  px     332     542     300     169
 4  user 4
   %   50.60   75.30   23.50   23.50
  px     648     542     300     169
 5  user 5
   %   75.30   75.30   23.50   23.50
  px     964     542     301     169

background #000000
"""

CUSTOM = """\
daily-standup
custom, 6 users, 1280 x 720 px
┌─┬──────────────────────────────────────────────┬─────────────────────────────┐
│·│                                              │·····┌───────────────────┐···│
│·│                                              │·····│                   │···│
│·│                                              │·····│                   │···│
│·│                                              │·····│     3 uid 42      │···│
│·│                   1 user 1                   │·····│                   │···│
│·│                                              │·····│                   │···│
│·│                                              │·····│       ┌───────────┤···│
│·│                                              │·····└───────┼───────────┤···│
│·│                                              │·············│ 5 user 3  │···│
│·│                                              │·············│  alpha 0  │···│
│·│                             ┌────────────────┼─────────────┼───────┐   │···│
│·│                             │▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒│             │▒▒▒▒▒▒▒│   │···│
│·│                             │▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒│             └───────┼───┘···│
│·│                             │▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒│                     │·······│
│·│                             │▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒│                     │·······│
│·└─────────────────────────────┼────────────────┘                     │·······│
│···┌───────────────┐···········│           2 uid 4294967295           │·······│
│···│               │···········│               contain                │·······│
│···│   4 user 2    │···········│              alpha 0.6               │·······│
│···│               │···········│                                      │·······│
│···│               │···········└──────────────────────────────────────┘·······│
└───┴───────────────┴──────────────────────────────────────────────────────────┘
▒ overlap   · no region

 #  shows                       x %    y %    w %    h %  x px  y px  w px  h px
 1  user 1                     2.00   2.00  60.00  70.00    26    14   768   504
 2  uid 4294967295, contain,  40.00  50.00  50.00  45.00   512   360   640   324
    alpha 0.6
 3  uid 42                    70.00   5.00  25.00  30.00   896    36   320   216
 4  user 2                     5.00  78.00  20.00  20.00    64   562   256   144
 5  user 3, alpha 0           80.00  30.00  15.00  30.00  1024   216   192   216

background #103020
1 user is heard but not shown
users bound by uid are taken to be present; the order of joining counts the
others
3 pairs of regions overlap: 1 and 2; 2 and 5; 3 and 5; which one is on top is
not documented, here it is the later one
26.1 % of the canvas shows the background
"""


def picture(text: str) -> list[str]:
    return [line for line in text.splitlines() if line[0:1] in set("┌│├└")]


@pytest.mark.parametrize(
    ("name", "columns", "expected"), [("floating 5", 40, FLOATING_5), ("custom", 80, CUSTOM)]
)
def test_a_layout_is_drawn_in_characters(name: str, columns: int, expected: str) -> None:
    assert terminal(example(name), columns=columns, colour=False) == expected


@pytest.mark.parametrize("columns", [40, 80, 100, 200])
@pytest.mark.parametrize("size", [LANDSCAPE, PORTRAIT])
@pytest.mark.parametrize("name", SCENES)
def test_the_aspect_ratio_is_kept(name: str, size: tuple[int, int], columns: int) -> None:
    lines = picture(terminal(example(name, size), columns=columns, colour=False))
    across, down = len(lines[0]) - 1, len(lines) - 1
    assert down < ROWS_MAX
    assert across / 2 / down == pytest.approx(size[0] / size[1], rel=0.06)


def test_a_region_too_narrow_for_words_shows_its_number() -> None:
    lines = picture(terminal(example("vertical 17", PORTRAIT), columns=100, colour=False))
    assert any(line.endswith("│10 │ 2 │") for line in lines)
    assert not any("…" in line for line in lines)


@pytest.mark.parametrize("columns", [-5, 0, 39])
def test_a_narrower_terminal_counts_as_forty_columns(columns: int) -> None:
    drawn = example("vertical 7")
    assert terminal(drawn, columns=columns, colour=False) == terminal(
        drawn, columns=40, colour=False
    )


@given(drawn=scenes, columns=st.integers(40, 220), colour=st.booleans())
def test_no_line_is_longer_than_the_terminal(drawn: Scene, columns: int, *, colour: bool) -> None:
    for line in terminal(drawn, columns=columns, colour=colour).splitlines():
        assert cells(STYLE.sub("", line)) <= columns


@given(scenes)
def test_the_picture_is_a_rectangle_of_cells(drawn: Scene) -> None:
    widths = {cells(line) for line in picture(terminal(drawn, columns=80, colour=False))}
    assert len(widths) == 1


@given(scenes, st.integers(40, 120))
def test_colour_adds_nothing_but_colour(drawn: Scene, columns: int) -> None:
    plain = terminal(drawn, columns=columns, colour=False)
    assert "\x1b" not in plain
    assert STYLE.sub("", terminal(drawn, columns=columns, colour=True)) == plain


def test_colours_tell_occupants_overlaps_and_gaps_apart() -> None:
    coloured = terminal(example("custom"), columns=80, colour=True)
    for part in ("\x1b[1;36m4 user 2", "\x1b[1;35m3 uid 42", "\x1b[33m▒", "\x1b[2m·"):
        assert part in coloured


@pytest.mark.parametrize("columns", [40, 80])
@pytest.mark.parametrize("name", SCENES)
def test_every_region_is_listed_with_its_pixels(name: str, columns: int) -> None:
    drawn = example(name)
    words = terminal(drawn, columns=columns, colour=False).split()
    for shape in drawn.shapes:
        numbers = [str(part) for part in (shape.box.x, shape.box.y, shape.box.width)]
        assert any(words[at : at + 3] == numbers for at in range(len(words)))


@pytest.mark.parametrize("columns", [40, 80])
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_move_no_cursor_and_break_no_line(text: str, columns: int) -> None:
    region = CustomRegion(Rect.of(0, 0, 1, 1), uid=text)
    layout = LayoutSpec(LayoutType.CUSTOM, regions=(region,), user_image=text)
    drawn = terminal(
        scene(layout, users=1, width=640, height=360, title=text), columns=columns, colour=False
    )
    assert all(char.isprintable() for line in drawn.split("\n") for char in line)
    assert all(cells(line) <= columns for line in drawn.split("\n"))
    drawn.encode()

"""What is drawn is what would be sent, with the service's defaults filled in."""

from pathlib import Path
from typing import Any

import pytest

from reconciler.draw.layout import DEFAULT_USERS, layout_of, users_of
from reconciler.spec.geometry import CustomRegion, Fit, LayoutSpec, LayoutType, Rect
from tests.spec.support import SHARED, one, read, recording, write

REGIONS = """\
video: {width: 1280, height: 720, fps: 15, bitrate: 2260}
layout:
  type: custom
  regions:
    - {x: 0, y: 0, width: 0.5, height: 1}
    - {uid: 7, x: 0.5, y: 0, width: 0.5, height: 1, alpha: 0.5, fit: contain}
"""
BACKGROUND = """\
layout:
  type: vertical
  focusUid: 9
  background:
    color: "#102030"
    image: https://example.com/a.jpg
    userImage: https://example.com/b.jpg
    users: [{uid: 7, image: https://example.com/c.jpg, fit: contain}]
"""
RAW = "raw: {recordingConfig: {transcodingConfig: {mixedVideoLayout: 1, width: 640}}}\n"


def drawn(folder: Path, spec: str) -> tuple[LayoutSpec, tuple[int, int]]:
    write(folder, {"shared.yaml": SHARED, "a.yaml": recording("a", spec)})
    return layout_of(one(read(folder)))


def test_a_recording_that_says_nothing_is_drawn_as_the_service_would(tmp_path: Path) -> None:
    layout, size = drawn(tmp_path, "")
    assert layout == LayoutSpec()
    assert size == (360, 640)
    assert users_of(layout) == DEFAULT_USERS


def test_regions_are_drawn_as_they_are_written_with_a_user_for_each(tmp_path: Path) -> None:
    layout, size = drawn(tmp_path, REGIONS)
    assert layout.type is LayoutType.CUSTOM
    assert layout.regions == (
        CustomRegion(Rect.of(0, 0, 0.5, 1)),
        CustomRegion(Rect.of(0.5, 0, 0.5, 1), "7", 0.5, Fit.CONTAIN),
    )
    assert size == (1280, 720)
    assert users_of(layout) == 2


def test_backgrounds_and_the_large_user_are_drawn(tmp_path: Path) -> None:
    layout, _ = drawn(tmp_path, BACKGROUND)
    assert (layout.type, layout.focus_uid) == (LayoutType.VERTICAL, "9")
    images: list[Any] = [layout.background_image, layout.user_image]
    assert images == ["https://example.com/a.jpg", "https://example.com/b.jpg"]
    (user,) = layout.user_backgrounds
    assert (user.uid, user.image, user.fit) == ("7", "https://example.com/c.jpg", Fit.CONTAIN)
    assert layout.background_colour == "#102030"


@pytest.mark.parametrize("spec", [RAW])
def test_raw_is_drawn_too(tmp_path: Path, spec: str) -> None:
    layout, size = drawn(tmp_path, f"video: {{width: 1280}}\n{spec}")
    assert layout.type is LayoutType.BEST_FIT
    assert size == (640, 640)

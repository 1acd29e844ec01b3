"""From a desired composite recording to the layout that is drawn.

What the service would be sent, defaults filled in.
"""

from typing import Any

from reconciler.spec.desired import Desired, client_request
from reconciler.spec.geometry import CustomRegion, Fit, LayoutSpec, LayoutType, Rect, UserBackground
from reconciler.spec.wire import get

DEFAULT_SIZE = (360, 640)
"""What the service takes for width and height (agora-api.md 3.5)."""

DEFAULT_USERS = 4
FITS = tuple(Fit)


def layout_of(desired: Desired) -> tuple[LayoutSpec, tuple[int, int]]:
    """Return the layout of a composite recording and its canvas in pixels."""
    canvas: Any = get(client_request(desired), ("recordingConfig", "transcodingConfig")) or {}
    layout = LayoutSpec(
        type=tuple(LayoutType)[canvas.get("mixedVideoLayout", 0)],
        focus_uid=canvas.get("maxResolutionUid"),
        regions=tuple(map(_region, canvas.get("layoutConfig", ()))),
        background_colour=canvas.get("backgroundColor", "#000000"),
        background_image=canvas.get("backgroundImage"),
        user_image=canvas.get("defaultUserBackgroundImage"),
        user_backgrounds=tuple(map(_user, canvas.get("backgroundConfig", ()))),
    )
    width, height = DEFAULT_SIZE
    return layout, (canvas.get("width", width), canvas.get("height", height))


def users_of(layout: LayoutSpec) -> int:
    """Return how many users show a layout best when nobody says.

    A custom one's regions, else four.
    """
    return len(layout.regions) if layout.type is LayoutType.CUSTOM else DEFAULT_USERS


def _region(entry: dict[str, Any]) -> CustomRegion:
    rect = Rect.of(entry["x_axis"], entry["y_axis"], entry["width"], entry["height"])
    return CustomRegion(
        rect, entry.get("uid"), entry.get("alpha", 1), FITS[entry.get("render_mode", 0)]
    )


def _user(entry: dict[str, Any]) -> UserBackground:
    return UserBackground(entry["uid"], entry["image_url"], FITS[entry.get("render_mode", 0)])

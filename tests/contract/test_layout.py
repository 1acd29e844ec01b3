"""What updateLayout takes, refuses and resets (agora-api.md 3.5, 4.2 and 6.6)."""

from typing import Any

import pytest

from tests.contract.bodies import INDIVIDUAL, MIX, WEB, Body, changed
from tests.contract.control import Control
from tests.contract.customer import Customer, Task, granted, ids, named, refusal

BAD_PARAMETER = {(400, 2), (400, 1028)}  # the second one is of the older error page
DOES_NOT_FIT = {*BAD_PARAMETER, (400, 432), (400, 1003)}
CANVAS = "recordingConfig.transcodingConfig"
REGION = {"x_axis": 0, "y_axis": 0, "width": 1, "height": 1}
IMAGE = "https://example.org/a.jpg"
DEFAULTS = {
    "mixedVideoLayout": 0,
    "backgroundColor": "#000000",
    "maxResolutionUid": None,
    "backgroundImage": None,
    "defaultUserBackgroundImage": None,
    "layoutConfig": None,
    "backgroundConfig": None,
}
EVERYTHING: Body = {
    "mixedVideoLayout": 3,
    "backgroundColor": "#FF0000",
    "backgroundImage": IMAGE,
    "defaultUserBackgroundImage": IMAGE,
    "layoutConfig": [{"uid": "1", **REGION, "alpha": 0.5, "render_mode": 1}],
    "backgroundConfig": [{"uid": "1", "image_url": IMAGE, "render_mode": 1}],
}


def canvas(control: Control, task: Task) -> dict[str, Any]:
    """Return what of the canvas can be laid out anew; None or empty is nothing."""
    effective = control.config(task)["recordingConfig"]["transcodingConfig"]
    return {key: effective.get(key) or default for key, default in DEFAULTS.items()}


@pytest.mark.parametrize(
    "layout",
    [
        {"mixedVideoLayout": 0},
        {"mixedVideoLayout": 1, "backgroundColor": "#00ff00"},
        {"mixedVideoLayout": 2, "maxResolutionUid": "123"},
        EVERYTHING,
        {
            "mixedVideoLayout": 3,
            "backgroundColor": "#FF0000",
            "layoutConfig": [
                {"uid": "1", "x_axis": 0.1, "y_axis": 0.1, "width": 0.1, "height": 0.1},
                {"x_axis": 0.2, "y_axis": 0.2, "width": 0.1, "height": 0.1, "alpha": 1},
            ],
        },
        {},
    ],
)
def test_update_layout_takes_what_the_documents_show(customer: Customer, layout: Body) -> None:
    task = customer.running("mix", MIX)
    assert named(granted(customer.update_layout(task, layout))) == ids(task)


@pytest.mark.parametrize(
    "layout",
    [
        {"mixedVideoLayout": 4},
        {"mixedVideoLayout": "1"},
        {"mixedVideoLayout": 3},
        {"mixedVideoLayout": 3, "layoutConfig": [REGION] * 18},
        {"mixedVideoLayout": 3, "layoutConfig": [REGION | {"width": 1.1}]},
        {"mixedVideoLayout": 3, "layoutConfig": [REGION | {"y_axis": 0.2}]},
        {"mixedVideoLayout": 3, "layoutConfig": [{"x_axis": 0, "y_axis": 0}]},
        {"mixedVideoLayout": 3, "layoutConfig": REGION},
        {"backgroundColor": "black"},
        {"backgroundColor": 0},
        {"backgroundImage": "file:///a.jpg"},
        {"backgroundConfig": [{"uid": "1"}]},
        {"maxResolutionUid": 1, "mixedVideoLayout": 2},
    ],
)
def test_a_bad_layout_is_refused_and_the_task_goes_on(customer: Customer, layout: Body) -> None:
    task = customer.running("mix", MIX)
    assert refusal(customer.update_layout(task, layout)) in BAD_PARAMETER
    assert customer.query(task).status_code == 200


@pytest.mark.parametrize(("mode", "body"), [("individual", INDIVIDUAL), ("web", WEB)])
def test_other_modes_have_no_layout(customer: Customer, mode: str, body: Body) -> None:
    task = customer.running(mode, body)
    assert customer.update_layout(task, {"mixedVideoLayout": 1}).status_code != 200
    assert customer.query(task).status_code == 200


@pytest.mark.parametrize("other", ["cname", "uid"])
def test_a_layout_for_another_recorder_is_refused(customer: Customer, other: str) -> None:
    task = customer.running("mix", MIX)
    body = {**task.recorder.in_body({"mixedVideoLayout": 1}), other: "7"}
    assert refusal(customer.post(task.path("updateLayout"), body)) in DOES_NOT_FIT


def test_a_layout_takes_effect(customer: Customer, control: Control) -> None:
    task = customer.running("mix", MIX)
    granted(customer.update_layout(task, EVERYTHING))
    assert canvas(control, task) == DEFAULTS | EVERYTHING


@pytest.mark.parametrize("key", ["mixedVideoLayout", "backgroundColor", "backgroundImage"])
def test_what_a_layout_leaves_out_returns_to_its_default_and_not_to_the_start(
    customer: Customer, control: Control, key: str
) -> None:
    started = MIX["recordingConfig"]["transcodingConfig"] | EVERYTHING | {"mixedVideoLayout": 1}
    del started["layoutConfig"]
    task = customer.running("mix", changed(MIX, CANVAS, started))
    assert canvas(control, task)[key] == started[key]
    layout = {
        "mixedVideoLayout": 2,
        "maxResolutionUid": "1",
        "backgroundColor": "#0000FF",
        "backgroundImage": IMAGE,
    }
    del layout[key]
    granted(customer.update_layout(task, layout))
    assert canvas(control, task) == DEFAULTS | layout


def test_each_layout_replaces_the_one_before(customer: Customer, control: Control) -> None:
    task = customer.running("mix", MIX)
    granted(customer.update_layout(task, EVERYTHING))
    granted(customer.update_layout(task, {}))
    assert canvas(control, task) == DEFAULTS


def test_a_refused_layout_changes_nothing(customer: Customer, control: Control) -> None:
    task = customer.running("mix", MIX)
    before = control.config(task)
    customer.update_layout(task, {"mixedVideoLayout": 1, "backgroundColor": "black"})
    assert control.config(task) == before


@pytest.mark.parametrize("key", ["width", "height", "fps", "bitrate"])
def test_a_layout_does_not_change_the_canvas(
    customer: Customer, control: Control, key: str
) -> None:
    task = customer.running("mix", MIX)
    before = control.config(task)["recordingConfig"]["transcodingConfig"][key]
    customer.update_layout(task, {"mixedVideoLayout": 1, key: 240})
    assert control.config(task)["recordingConfig"]["transcodingConfig"][key] == before

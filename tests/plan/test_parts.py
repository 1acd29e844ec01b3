from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.plan.applied import Applied, group_request
from reconciler.plan.compare import compare
from reconciler.plan.parts import ignoring, with_group
from reconciler.spec.groups import Group
from tests.laws.worlds import Spec, recordings
from tests.plan.sealing import compiled, sealed
from tests.plan.sealing import given as applied_of

FEW = settings(max_examples=25, deadline=None)


def left(applied: Applied, desired: Applied, *paths: str) -> tuple[list[str], list[str]]:
    """Return the paths that are acted on, and those that are ignored."""
    found = compare(applied, desired, group_derived=False, ignore=paths)
    return [each.path for each in found.changes], [each.path for each in found.ignored]


CUSTOM: Spec = {
    "type": "custom",
    "background": {"color": "#000001"},
    "regions": [{"uid": uid, "x": 0, "y": 0, "width": 0.25, "height": 0.25} for uid in (1, 2)],
}
MOVED: Spec = {
    "type": "custom",
    "background": {"color": "#000002"},
    "regions": [{"uid": uid, "x": 0.5, "y": 0.5, "width": 0.25, "height": 0.25} for uid in (2, 3)],
}
REGIONS = ["layout.regions[uid=1]", "layout.regions[uid=3]"]
PLACES = ["layout.regions[uid=2].x", "layout.regions[uid=2].y"]


@pytest.mark.parametrize(
    ("paths", "acted", "ignored"),
    [
        (["layout"], [], ["layout.background.color", *REGIONS[:1], *PLACES, *REGIONS[1:]]),
        (["layout.background"], [*REGIONS[:1], *PLACES, *REGIONS[1:]], ["layout.background.color"]),
        (["layout.regions"], ["layout.background.color"], [*REGIONS[:1], *PLACES, *REGIONS[1:]]),
        (["layout.regions[].x", "layout.background.color"],
         [REGIONS[0], PLACES[1], REGIONS[1]], ["layout.background.color", PLACES[0]]),
        (["policy", "uid"], ["layout.background.color", REGIONS[0], *PLACES, REGIONS[1]], []),
    ],
)  # fmt: skip
def test_a_field_or_a_block_is_left_as_it_was_applied(
    paths: list[str], acted: list[str], ignored: list[str]
) -> None:
    applied, desired = (applied_of("mix", {"layout": layout}) for layout in (CUSTOM, MOVED))
    assert left(applied, desired, *paths) == (acted, ignored)


def test_updates_carry_what_is_ignored_as_it_was_applied() -> None:
    applied, desired = (applied_of("mix", {"layout": layout}) for layout in (CUSTOM, MOVED))
    sent = group_request(ignoring(desired, applied, ["layout.background"]), Group.LAYOUT)
    assert sent["backgroundColor"] == "#000001"
    assert [region["uid"] for region in sent["layoutConfig"]] == ["2", "3"]


def test_a_type_that_is_ignored_keeps_no_room_for_its_fields() -> None:
    applied = applied_of("mix", {})
    desired = applied_of("mix", {"layout": {"type": "vertical", "focusUid": 5}})
    assert left(applied, desired, "layout.type") == (["layout.focusUid"], ["layout.type"])


def test_one_medium_can_be_ignored_without_switching_it_off() -> None:
    applied = applied_of("mix", {})
    desired = applied_of("mix", {"subscriptions": {"audio": [1], "video": [2]}})
    assert left(applied, desired, "subscriptions.audio") == (
        ["subscriptions.video"],
        ["subscriptions.audio"],
    )
    kept = ignoring(desired, applied, ["subscriptions.audio"])
    assert group_request(kept, Group.SUBSCRIPTIONS) == {
        "streamSubscribe": {
            "audioUidList": {"subscribeAudioUids": ["#allstream#"]},
            "videoUidList": {"subscribeVideoUids": ["2"]},
        }
    }


@pytest.mark.parametrize(
    ("path", "one", "other"),
    [
        ("storage", {}, {"bucket": "c", "sse": "kms"}),
        ("storage.bucket", {}, {"bucket": "c"}),
        ("storage.accessKey", {}, {"accessKey": {"env": "OTHER"}}),
        ("storage.prefix", {"prefix": "a"}, {}),
        ("prefix", {"prefix": "a"}, {}),
    ],
)
def test_storage_can_be_ignored(path: str, one: Spec, other: Spec) -> None:
    applied, desired = (applied_of("mix", {"storage": each}) for each in (one, other))
    acted, ignored = left(applied, desired, path)
    assert (acted, bool(ignored)) == ([], True)


def test_credentials_of_one_source_can_be_ignored() -> None:
    whole = {"accessKey": None, "secretKey": None, "credentials": {"exec": ["keys"]}}
    applied = applied_of("mix", {"storage": whole})
    desired = applied_of("mix", {"storage": whole}, {"keys": "new"})
    assert left(applied, desired, "storage.credentials") == ([], ["storage.credentials"])


def test_a_push_that_is_ignored_is_neither_begun_nor_ended() -> None:
    without, with_push = applied_of("web", {}), applied_of("web", {"web": {"rtmp": {"env": "R"}}})
    for applied, desired in ((without, with_push), (with_push, without)):
        assert left(applied, desired, "web.rtmp") == ([], ["web.rtmp"])
        kept = ignoring(desired, applied, ["web.rtmp"])
        assert kept.request == applied.request


@pytest.mark.parametrize("path", ["channel", "raw", "app", "mode"])
def test_what_is_no_field_can_be_ignored(path: str) -> None:
    changes: dict[str, Any] = {"channel": {"channel": "d"}, "raw": {"raw": {"a": "b"}}}
    applied = applied_of("mix", {})
    other = applied_of("web", {}) if path == "mode" else applied_of("mix", changes.get(path, {}))
    desired = Applied(**{**_members(other), **({"app_key": "other"} if path == "app" else {})})
    acted, ignored = left(applied, desired, path)
    assert (acted, path in ignored) == ([], True)


def _members(applied: Applied) -> dict[str, Any]:
    return {name: getattr(applied, name) for name in Applied.__slots__}


@FEW
@given(one=recordings(), other=recordings(), data=st.data())
def test_with_all_its_changes_ignored_nothing_differs(
    one: Spec, other: Spec, data: st.DataObject
) -> None:
    first, second = one["spec"], other["spec"]
    if first["mode"] != second["mode"]:
        second = {**first, "storage": second["storage"], "channel": second["channel"]}
    applied, desired = (sealed(compiled(each)) for each in (first, second))
    found = compare(applied, desired, group_derived=False)
    paths = [each.path for each in found.changes]
    some = data.draw(st.lists(st.sampled_from(paths), unique=True)) if paths else []
    acted, ignored = left(applied, desired, *paths)
    assert (acted, ignored) == ([], paths)
    rest, _ = left(applied, desired, *some)
    assert not {*some} & {*rest}
    assert ignoring(desired, applied, ()) == desired


def test_a_group_changes_nothing_but_itself() -> None:
    applied = applied_of("mix", {"layout": CUSTOM, "storage": {"bucket": "b"}})
    more: Spec = {"layout": MOVED, "storage": {"bucket": "c"}, "subscriptions": {"audio": [1]}}
    desired = applied_of("mix", more, {"A": "new"})
    now = with_group(applied, desired, Group.CREDENTIALS)
    assert now.request["storageConfig"]["bucket"] == "b"
    assert "storage.accessKey" not in left(now, desired)[0]
    assert left(now, desired)[0] == [
        each for each in left(applied, desired)[0] if each != "storage.accessKey"
    ]


def test_no_update_begins_a_push() -> None:
    applied, desired = applied_of("web", {}), applied_of("web", {"web": {"rtmp": {"env": "R"}}})
    assert with_group(applied, desired, Group.RTMP) == applied

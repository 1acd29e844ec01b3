"""A checked Recording spec to the wire: forwards through the mapping table.

What a spec does not say is not sent, but for what the service requires (design/spec-format.md).
Pure.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic.alias_generators import to_snake

from reconciler.spec import mapping
from reconciler.spec.kinds.channel import GENERATE, ExceptSpec, SubscriptionsSpec
from reconciler.spec.mapping import EACH, Field
from reconciler.spec.wire import Json, Mode, get, put

GROUP_SIZES = ((2, 0), (7, 1), (12, 2), (17, 3), (32, 4), (49, 5))
"""The most distinct uids that each `subscribeUidGroup` holds (agora-api.md 3.4, K4)."""

GROUP_ASSUMED = 5

_SCENES = {Mode.WEB: 1}
_SCENE_POSTPONED = 2
_CANVAS = ("recordingConfig", "transcodingConfig")
_KINDS = {
    None: ("audio", "video"),
    "audio-video": ("audio", "video"),
    "audio": ("audio",),
    "video": ("video",),
}


class _Items:
    """A list of the spec: where it stands on the wire, and the rows of its items."""

    def __init__(self, wire: tuple[str | int, ...], rows: dict[str, Any]) -> None:
        self.wire = wire
        self.rows = rows


def encode(spec: Any, mode: Mode) -> dict[str, Json]:
    """Return the wire tree that a spec model states.

    `clientRequest` of start, and `acquire` beside its keys.

    Defaults that the service requires are filled in, but for those that the user shall be told of
    (channel profile, subscription group): the rules look first. Services stand under their names,
    see `listed`.
    """
    tree: dict[str, Any] = {}
    encode_rows(_ROWS[mode], spec, tree)
    for block in mapping.BLOCKS:
        if mode in block.modes and _has(spec, block.path):
            for path, value in block.constants:
                put(tree, path, value)
    if not spec.files:
        tree.pop("recordingFileConfig", None)
    if tree.get("token") == GENERATE:
        del tree["token"]
    if mode is not Mode.WEB:
        subscriptions = subscription_lists(spec.subscriptions, spec.streams)
        tree["recordingConfig"].update(subscriptions)
        _fill_canvas(tree)
    scene = _SCENE_POSTPONED if "appsCollection" in tree else _SCENES.get(mode)
    if scene is not None:
        put(tree, ("acquire", "scene"), scene)
    return tree


def encode_rows(rows: Mapping[str, Any], model: Any, tree: dict[str, Any]) -> None:
    """Put what a model states where the table says, into `tree`."""
    for attribute, row in rows.items():
        value = getattr(model, attribute)
        if value is None:
            continue
        if isinstance(row, Field):
            put(tree, row.wire, row.codec.encode(value))
        elif isinstance(row, _Items):
            put(tree, row.wire, [_item(row.rows, item) for item in value])
        else:
            encode_rows(row, value, tree)


def _item(rows: Mapping[str, Any], model: Any) -> dict[str, Json]:
    item: dict[str, Any] = {}
    encode_rows(rows, model, item)
    return item


def _rows(fields: Iterable[Field]) -> dict[str, Any]:
    """Arrange table rows as the attributes of the models.

    One level of dictionaries for each level of a path.
    """
    tree: dict[str, Any] = {}
    for row in fields:
        node = tree
        steps = row.path.split(".")
        for step in steps[:-1]:
            name = to_snake(step.removesuffix(EACH))
            if step.endswith(EACH):
                wire = row.wire[: row.wire.index(EACH)]
                node = node.setdefault(name, _Items(wire, {})).rows
            else:
                node = node.setdefault(name, {})
        wire = row.wire[row.wire.index(EACH) + 1 :] if EACH in row.wire else row.wire
        node[to_snake(steps[-1])] = Field(row.path, wire, row.modes, row.codec)
    return tree


_ROWS = {mode: _rows(mapping.of_mode(mode)) for mode in Mode}
STORAGE_ROWS = _rows(mapping.STORAGE_FIELDS)


def _has(model: Any, path: str) -> bool:
    for step in path.split("."):
        model = getattr(model, to_snake(step), None)
    return model is not None


def _fill_canvas(tree: dict[str, Any]) -> None:
    """Send all four of size, rate and bitrate once anything is said of the picture (K10, C32)."""
    canvas = get(tree, _CANVAS)
    if isinstance(canvas, dict):
        for row in mapping.FIELDS:
            if row.path.startswith("video."):
                canvas.setdefault(str(row.wire[-1]), row.default)


def subscription_lists(subscriptions: SubscriptionsSpec, streams: str | None) -> dict[str, Json]:
    """Return the subscription lists as `recordingConfig` wants them.

    Once either medium is not `all`, every subscribed one is sent: a medium without a list beside
    one that has it would be off (agora-api.md 3.4, "Subscription semantics").
    """
    chosen = {medium: getattr(subscriptions, medium) for medium in _KINDS[streams]}
    unsaid = [medium for medium in ("audio", "video") if medium not in chosen]
    chosen |= {
        medium: value for medium in unsaid if (value := getattr(subscriptions, medium)) != "all"
    }
    if all(value == "all" for value in chosen.values()):
        return {}
    lists: dict[str, Json] = {}
    for medium, value in chosen.items():
        allow, deny = mapping.SUBSCRIPTION_WIRE[f"subscriptions.{medium}"]
        if isinstance(value, ExceptSpec):
            lists[str(deny[-1])] = list(value.except_)
        elif value != "none":
            lists[str(allow[-1])] = [mapping.ALL_STREAMS] if value == "all" else list(value)
    return lists


def derived_group(lists: Mapping[str, Json], media: int) -> int | None:
    """Return the smallest group for all listed uids; None unless every medium is a list."""
    listed = [lists.get(f"subscribe{medium}Uids") for medium in ("Audio", "Video")]
    uids = {uid for entry in listed if isinstance(entry, list) for uid in entry}
    if sum(isinstance(entry, list) for entry in listed) < media or mapping.ALL_STREAMS in uids:
        return None
    return next((group for most, group in GROUP_SIZES if len(uids) <= most), GROUP_ASSUMED)


def media_of(subscriptions: SubscriptionsSpec, streams: str | None) -> int:
    """Return how many media a recording subscribes to."""
    return sum(getattr(subscriptions, medium) != "none" for medium in _KINDS[streams])


def listed(tree: Mapping[str, Json]) -> dict[str, Json]:
    """Return the tree with services as the wire's list, the page before the push (3.12)."""
    services = get(tree, mapping.SERVICES)
    if not isinstance(services, dict):
        return dict(tree)
    ordered = sorted(services, key=_SERVICE_ORDER.index)
    wire: Json = [{"serviceName": name, **services[name]} for name in ordered]
    return {**tree, mapping.SERVICES[0]: {mapping.SERVICES[1]: wire}}


_SERVICE_ORDER = (mapping.WEB_SERVICE, mapping.RTMP_SERVICE, mapping.VOD_SERVICE)

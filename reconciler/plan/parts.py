"""Parts of a configuration: which wire values make a field or a group, and taking them over.

A configuration after an update is the one before with a group of another; one whose changes are
ignored in part is the desired one with fields of the applied one. Pure.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

from reconciler.plan.applied import Applied
from reconciler.spec import mapping
from reconciler.spec.groups import Group, requests_by_group
from reconciler.spec.mapping import EACH, Change
from reconciler.spec.wire import Mode, Path, get, put

CREDENTIALS = "storage.credentials"
"""The spec path that stands for all four keys where one source yields them."""

RECORDING = "recordingConfig"


def ignoring(desired: Applied, applied: Applied, paths: Sequence[str]) -> Applied:
    """Return what is desired with the fields and blocks at these spec paths as they were applied.

    Paths are those of `policy.ignore` or of a FieldChange. A path into a list's item stands for the
    whole list; one such as `layout.regions[].x` for that field of each item that both have.
    """
    if "mode" in paths:
        return applied
    wires = _wires(paths) if applied.mode == desired.mode else []  # one's fields mean nothing there
    tree, of = (_explicit(each, wires) for each in (desired, applied))
    for wire in wires:
        _take_over(tree, of, wire)
    return replace(
        _configured(desired, tree),
        channel=applied.channel if "channel" in paths else desired.channel,
        app_key=applied.app_key if "app" in paths else desired.app_key,
        raw=applied.raw if "raw" in paths else desired.raw,
    )


def with_group(applied: Applied, desired: Applied, group: Group) -> Applied:
    """Return what a session has once the update of this group was accepted."""
    tree, of = named(applied), named(desired)
    for wire in _GROUP_WIRES[group]:
        if group is Group.RTMP and (get(tree, wire) is None or get(of, wire) is None):
            continue  # a push is neither begun nor ended by an update
        _take_over(tree, of, wire)
    return _configured(applied, tree)


def named(applied: Applied) -> dict[str, Any]:
    """Return a copy of the whole configuration, services under their names, one spelling of keys.

    `acquire` is a key of it, as in the mapping table.
    """
    tree: dict[str, Any] = {**deepcopy(applied.request), "acquire": deepcopy(applied.acquire)}
    services = get(tree, mapping.SERVICES)
    if isinstance(services, list):
        by_name = {each.pop("serviceName"): each for each in services}
        tree[mapping.SERVICES[0]][mapping.SERVICES[1]] = by_name
    recording = tree.get(RECORDING, {})
    for other, right in mapping.LOWER_CASE_DENY.items():  # K1
        if other in recording:
            recording[right] = recording.pop(other)
    return tree


def explicit_lists(mode: str, request: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return each medium's subscription lists by name, `#allstream#` where everybody is unsaid."""
    sent = requests_by_group(Mode(mode), request)[Group.SUBSCRIPTIONS]["streamSubscribe"]
    return {
        medium: get(sent, (f"{medium}UidList",)) or {}
        for medium in (path.rpartition(".")[2] for path in mapping.SUBSCRIPTION_WIRE)
    }


def item_keys(items: Iterable[Mapping[str, Any]]) -> list[str]:
    """Name the items of a list: by their uids, those without one by their order among themselves.

    So the order of regions means something only where it decides who is shown.
    """
    seen: Counter[str] = Counter()
    keys = []
    for item in items:
        uid = str(item.get("uid", ""))
        again = f":{seen[uid] + 1}" if seen[uid] else ""
        keys.append(f"[uid={uid}{again}]" if uid else f"[{seen[uid]}]")
        seen[uid] += 1
    return keys


def _all_wires() -> Iterator[tuple[str, Path]]:
    for row in mapping.FIELDS:
        yield row.path, row.wire
    for row in mapping.STORAGE_FIELDS:
        yield f"storage.{row.path}", row.wire
        if row.change is Change.UPDATE:
            yield CREDENTIALS, row.wire
        if row.path == "prefix":
            yield "prefix", row.wire
    for key in ("vendor", "region"):
        yield f"storage.{key}", ("storageConfig", key)
    for path, wires in mapping.SUBSCRIPTION_WIRE.items():
        yield from ((path, wire) for wire in wires)
    for block in mapping.BLOCKS:
        yield from ((block.path, wire) for wire, _ in block.constants)


_WIRES = tuple(_all_wires())


def _wires(paths: Iterable[str]) -> list[Path]:
    """Return the wire paths of the fields at and below these spec paths, a list as a whole."""
    found: dict[Path, None] = {}
    for path in paths:
        exact = [wire for field, wire in _WIRES if field == path]
        if not (exact and EACH in path):
            whole = path.partition("[")[0]
            below = (f"{whole}.", f"{whole}[")
            exact += [_list_of(wire) for field, wire in _WIRES if field.startswith(below)]
        found |= dict.fromkeys(exact)
    return list(found)


def _list_of(wire: Path) -> Path:
    return wire[: wire.index(EACH)] if EACH in wire else wire


_GROUP_WIRES: dict[Group, list[Path]] = {
    Group.CREDENTIALS: _wires([CREDENTIALS]),
    Group.SUBSCRIPTIONS: _wires(mapping.SUBSCRIPTION_WIRE),
    Group.RTMP: _wires(["web.rtmp"]),
    Group.PAUSED: _wires(["web.paused"]),
    Group.LAYOUT: _wires(["layout"]),
}


def _explicit(applied: Applied, wires: Iterable[Path]) -> dict[str, Any]:
    """Return the configuration, and where lists are to be taken over, with that of each medium.

    One medium without a list beside another's would be off (agora-api.md 3.4).
    """
    tree = named(applied)
    if RECORDING in tree and not set(_GROUP_WIRES[Group.SUBSCRIPTIONS]).isdisjoint(wires):
        for lists in explicit_lists(applied.mode, applied.request).values():
            tree[RECORDING].update(lists)
    return tree


def _configured(applied: Applied, tree: dict[str, Any]) -> Applied:
    """Return `applied` with the configuration of a tree that `named` made."""
    acquire = tree.pop("acquire", {})
    services = get(tree, mapping.SERVICES)
    if isinstance(services, dict):
        ordered = sorted(services, key=_SERVICE_ORDER.index)
        listed = [{"serviceName": name, **services[name]} for name in ordered]
        tree[mapping.SERVICES[0]][mapping.SERVICES[1]] = listed
    return replace(applied, acquire=acquire, request=tree)


_SERVICE_ORDER = (mapping.WEB_SERVICE, mapping.RTMP_SERVICE, mapping.VOD_SERVICE)
"""The page before the push (agora-api.md 3.12)."""


def _take_over(tree: dict[str, Any], of: Mapping[str, Any], wire: Path) -> None:
    """Set what stands at a path as the other tree has it; what it does not say is taken out."""
    if EACH in wire:
        at = wire.index(EACH)
        _take_over_items(get(tree, wire[:at]) or [], get(of, wire[:at]) or [], str(wire[at + 1]))
        return
    value = get(of, wire)
    if value is None:
        _drop(tree, wire)
    else:
        put(tree, wire, deepcopy(value))


def _take_over_items(
    items: Sequence[dict[str, Any]], of: Sequence[Mapping[str, Any]], key: str
) -> None:
    others = dict(zip(item_keys(of), of, strict=True))
    for name, item in zip(item_keys(items), items, strict=True):
        other = others.get(name, item)
        item.pop(key, None) if key not in other else item.update({key: other[key]})


def _drop(tree: dict[str, Any], wire: Path) -> None:
    """Take a value out, and what that leaves empty."""
    parent = get(tree, wire[:-1])
    if get(tree, wire) is None:
        return
    del parent[wire[-1]]
    if not parent and len(wire) > 1:
        _drop(tree, wire[:-1])

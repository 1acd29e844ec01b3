"""What differs between what a session has and what is desired of it, and what that takes.

Imported only where something differs: deepdiff, whose one home this is, is slow to import. Pure.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from deepdiff import DeepDiff

from reconciler.plan.action import SECRET_SHOWN, FieldChange
from reconciler.plan.applied import Applied, Seal, Sealed, reference
from reconciler.plan.parts import CREDENTIALS, ignoring, with_group
from reconciler.plan.view import view
from reconciler.plan.world import Comparison
from reconciler.spec import mapping
from reconciler.spec.groups import Group
from reconciler.spec.mapping import EACH, Change
from reconciler.spec.secrets import Secret
from reconciler.spec.wire import Path, get, put

APP_SHOWN = "(App ID)"
OTHER_APP_SHOWN = "(another App ID)"


def compare(
    applied: Applied,
    desired: Applied,
    *,
    group_derived: bool,
    settled: frozenset[Group] = frozenset(),
    ignore: Sequence[str] = (),
) -> Comparison:
    """Compare what was applied with what is desired, both sealed.

    `group_derived`: the desired subscription group was not stated, so that its change alone
    concerns no running session. `settled` are groups that the session is known to have as desired.
    `ignore` are the paths of `policy.ignore`.
    """
    for group in settled:
        applied = with_group(applied, desired, group)
    if not ignore:
        return _compared(applied, desired, group_derived=group_derived)
    found = _compared(applied, ignoring(desired, applied, ignore), group_derived=group_derived)
    everything = _compared(applied, desired, group_derived=group_derived).changes
    ignored = tuple(change for change in everything if change not in found.changes)
    return replace(found, ignored=ignored)


def _compared(applied: Applied, desired: Applied, *, group_derived: bool) -> Comparison:
    before, after = view(applied), view(desired)
    if group_derived:
        for tree in (before, after):
            tree.get("subscriptions", {}).pop("group", None)
    # An App ID that does not resolve here is taken as unchanged, as any secret.
    is_same = applied.app_key == desired.app_key or not (applied.app_key and desired.app_key)
    before["app"], after["app"] = APP_SHOWN, APP_SHOWN if is_same else OTHER_APP_SHOWN
    warnings = _doubts(before, after)
    changes = _changes(before, after)
    if applied.mode != desired.mode:  # nothing can be sent from one to the other
        changes = tuple(replace(change, effect=Change.REPLACE) for change in changes)
    replaces = any(change.effect is Change.REPLACE for change in changes)
    needed = set() if replaces else {_group(change) for change in changes}
    return Comparison(
        changes=changes,
        groups=tuple(group for group in Group if group in needed),
        replaces=replaces,
        warnings=warnings,
    )


# Secrets


def _doubts(before: dict[str, Any], after: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return a warning for each pair of seals that could not be compared."""
    known = dict(_secrets(before))
    found: dict[tuple[str, str], None] = {}
    for path, secret in _secrets(after):
        code = _doubt(known[path].seal, secret) if path in known else ""
        if code:
            names = _named(secret.secret), _place(path, secret)
            found[code, _DOUBTS[code].format(*names)] = None
    return tuple(found)


_DOUBTS = {
    "secret-unresolved": "{} does not resolve here: `{}` is taken as unchanged",
    "hash-key-changed": "{} was hashed with another key: `{}` is taken as unchanged this once",
}


def _doubt(applied: Seal, desired: Sealed) -> str:
    if not desired.seal.mark:
        # A literal always resolves: there is no key to hash with, as the run says by itself.
        return "" if desired.secret.form == "literal" else "secret-unresolved"
    return "" if desired.seal.is_comparable_with(applied) else "hash-key-changed"


def _named(secret: Secret) -> str:
    return f"`{reference(secret)}`" if secret.source else "a secret of the spec"


def _show_secrets(before: dict[str, Any], after: dict[str, Any]) -> dict[Path, str]:
    """Put texts for the secrets, equal ones where they agree; return how to name their places."""
    places: dict[Path, str] = {}
    known = dict(_secrets(before))
    for path, secret in list(_secrets(after)):
        agrees = path in known and known[path].seal.agrees_with(secret.seal)
        put(after, path, SECRET_SHOWN if agrees else _ANOTHER)
        places[path] = _place(path, secret)
    for path, secret in known.items():
        put(before, path, SECRET_SHOWN)
        places.setdefault(path, _place(path, secret))
    return places


_ANOTHER = "(another secret)"
"""Stands for a secret that is not the one before, until it is shown."""


def _secrets(tree: dict[str, Any], path: Path = ()) -> Iterator[tuple[Path, Sealed]]:
    for key, value in tree.items():
        if isinstance(value, Sealed):
            yield (*path, key), value
        elif isinstance(value, dict):
            yield from _secrets(value, (*path, key))


def _place(path: Path, secret: Sealed) -> str:
    return CREDENTIALS if secret.secret.part else _text(path)


# Fields

_EFFECTS = (
    {row.path: row.change for row in mapping.FIELDS}
    | {f"storage.{row.path}": row.change for row in mapping.STORAGE_FIELDS}
    | dict.fromkeys((CREDENTIALS, *mapping.SUBSCRIPTION_WIRE), Change.UPDATE)
)
_ITEM_EFFECTS = {
    row.path.partition(f"{EACH}.")[0] + EACH: row.change
    for row in mapping.FIELDS
    if EACH in row.path
}
_BLOCKS = frozenset(block.path for block in mapping.BLOCKS)
_GROUPS = {
    "storage": Group.CREDENTIALS,
    "subscriptions": Group.SUBSCRIPTIONS,
    "web.rtmp": Group.RTMP,
    "web.paused": Group.PAUSED,
    "layout": Group.LAYOUT,
}


def _changes(before: dict[str, Any], after: dict[str, Any]) -> tuple[FieldChange, ...]:
    """Return a change for each field that differs, in order of path."""
    places = _show_secrets(before, after)
    found: dict[str, FieldChange] = {}
    differences = DeepDiff(before, after, view="tree", threshold_to_diff_deeper=0)
    for level in (level for levels in differences.values() for level in levels):
        place = _field_at(tuple(level.path(output_format="list")))
        for path in _split(place, get(before, place), get(after, place)):
            change = _change(path, before, after, places)
            found[change.path] = change
    return tuple(found[path] for path in sorted(found))


def _change(
    path: Path, before: dict[str, Any], after: dict[str, Any], places: dict[Path, str]
) -> FieldChange:
    place = places.get(path, _text(path))
    values = get(before, path), get(after, path)
    effect = _effect(place, is_both=None not in values)
    if place == CREDENTIALS:  # one source, whichever of its keys differ
        return FieldChange(place, SECRET_SHOWN, SECRET_SHOWN, effect)
    one, other = (SECRET_SHOWN if value == _ANOTHER else value for value in values)
    return FieldChange(place, one, other, effect)


def _effect(place: str, *, is_both: bool) -> Change:
    """Return what a change takes: a place that the table does not know, a replacement."""
    if place == "web.rtmp" and not is_both:
        return Change.REPLACE  # no update begins or ends a push (agora-api.md 4.1)
    pattern = _pattern(place)
    return _EFFECTS.get(pattern) or _ITEM_EFFECTS.get(pattern, Change.REPLACE)


def _group(change: FieldChange) -> Group:
    return next(
        group for place, group in _GROUPS.items() if f"{change.path}.".startswith(f"{place}.")
    )


def _field_at(path: Path) -> Path:
    """Return the place of the field that holds what stands at `path`."""
    for length in range(1, len(path) + 1):
        if isinstance(path[length - 1], int):
            return path[: length - 1]
        if _is_field(path[:length]):
            return path[:length]
    return path


def _split(place: Path, one: object, other: object) -> Iterator[Path]:
    """Yield the fields of what only one side has.

    An item of a list stays whole, and so does a block that says something by being there.
    """
    trees = [tree for tree in (one, other) if isinstance(tree, dict)]
    is_whole = str(place[-1]).startswith("[") or _text(place) in _BLOCKS
    if not trees or is_whole or _is_field(place):
        yield place
        return
    for key in sorted({key for tree in trees for key in tree}):
        values = [tree.get(key) if isinstance(tree, dict) else None for tree in (one, other)]
        if values[0] != values[1]:
            yield from _split((*place, key), *values)


def _is_field(place: Path) -> bool:
    return _pattern(_text(place)) in _EFFECTS


def _pattern(place: str) -> str:
    return re.sub(r"\[[^]]*\]", EACH, place)


def _text(path: Path) -> str:
    """Write a path as a spec's: `layout.regions[uid=7].x`."""
    return "".join(
        str(step) if str(step).startswith("[") or not number else f".{step}"
        for number, step in enumerate(step for step in path if step != "")
    )

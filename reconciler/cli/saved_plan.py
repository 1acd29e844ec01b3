"""The file of a saved plan (design/cli.md, "apply")."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from reconciler.errors import UsageError
from reconciler.web.values import FORMAT_VERSION

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPlan:
    """What `apply --plan FILE` needs to make the plan again and compare.

    Variables are not among it: their values may be secret, so they are given again, and a plan that
    other values lead to is refused as one that no longer fits. Nor is what lifts a guard.
    """

    scope: str
    digest: str
    basis: str
    paths: tuple[str, ...]
    targets: frozenset[str]
    prune: bool
    prune_all: bool


def saved_plan(document: Mapping[str, Any], saved: SavedPlan) -> str:
    """Return the text of `plan --out FILE`: the plan's document and what makes it again."""
    more = {
        "paths": list(saved.paths),
        "options": {
            "targets": sorted(saved.targets),
            "prune": saved.prune,
            "prune_all": saved.prune_all,
        },
        "basis": saved.basis,
    }
    whole = {**document, **more}
    return json.dumps({**whole, "seal": _seal(whole)}, indent=2) + "\n"


def read_saved(text: str, name: str) -> SavedPlan:
    """Read what `saved_plan` wrote; `name` is the file's. Raises UsageError for anything else."""
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError):
        raise _refused(name, "it is no JSON") from None
    if not isinstance(tree, dict) or "format_version" not in tree:
        raise _refused(name, "it is no document of `reconciler plan`")
    if tree["format_version"] != FORMAT_VERSION:
        raise _refused(name, f"its format is not version {FORMAT_VERSION}, the one known here")
    if "basis" not in tree:
        raise _refused(name, "it was not written with `--out`")
    options = _member(tree, "options", dict, name)
    saved = SavedPlan(
        scope=_member(tree, "scope", str, name),
        digest=_member(tree, "digest", str, name),
        basis=_member(tree, "basis", str, name),
        paths=_texts(tree, "paths", name),
        targets=frozenset(_texts(options, "targets", name)),
        prune=_member(options, "prune", bool, name),
        prune_all=_member(options, "prune_all", bool, name),
    )
    if tree.pop("seal", None) != _seal(tree):
        raise _refused(name, "it is not as it was saved: what was reviewed is not what it says")
    return saved


def _seal(tree: Mapping[str, Any]) -> str:
    """Return a hash that tells a plan that was edited from the one that was made."""
    text = json.dumps(tree, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _member(tree: dict[str, Any], key: str, kind: type[T], name: str) -> T:
    value = tree.get(key)
    if not isinstance(value, kind):
        raise _refused(name, f"its `{key}` is missing or damaged")
    return value


def _texts(tree: dict[str, Any], key: str, name: str) -> tuple[str, ...]:
    values = _member(tree, key, list, name)
    if not all(isinstance(value, str) for value in values):
        raise _refused(name, f"its `{key}` is missing or damaged")
    return tuple(values)


def _refused(name: str, why: str) -> UsageError:
    hint = "plan again: reconciler plan PATH... --out FILE"
    return UsageError(f"`{name}` is not a saved plan: {why}", hint=hint)

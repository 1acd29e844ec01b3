"""Merging a Recording's spec over its templates. Pure.

Source: design/spec-format.md, "Template and RecordingSet".
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from reconciler.errors import SpecError
from reconciler.spec.marked import is_secret_form
from reconciler.spec.syntax import Document

WHOLE = frozenset(
    {
        "storage",
        "token",
        "suspend",
        "subscriptions.audio",
        "subscriptions.video",
        "subscriptions.group",
    }
)
"""Fields of several forms: a later value replaces the earlier one whole."""


@dataclass(frozen=True, slots=True)
class Inherited:
    """The templates that a spec is merged over, in order."""

    documents: tuple[Document, ...]
    spec: dict[str, Any]


LookUp = Callable[[str], Document]


def inherit(names: Iterable[str], look_up: LookUp, trail: tuple[str, ...] = ()) -> Inherited:
    """Merge the named templates, each over those that it names itself.

    Raises SpecError for a name that is not there, and for a circle.
    """
    documents: list[Document] = []
    merged: dict[str, Any] = {}
    for name in names:
        if name in trail:
            circle = " -> ".join((*trail, name))
            raise SpecError("template", f"templates use each other in a circle: {circle}")
        document = look_up(name)
        spec = document.data.get("spec")
        if not isinstance(spec, dict):
            continue
        below = inherit(template_names(spec), look_up, (*trail, name))
        documents.extend((*below.documents, document))
        merged = merge(
            merge(merged, below.spec),
            {key: value for key, value in spec.items() if key != "template"},
        )
    return Inherited(tuple(documents), merged)


def template_names(spec: Any) -> tuple[str, ...]:
    """Return the names in `template`; nothing if it is unreadable, which the model says."""
    value = spec.get("template") if isinstance(spec, dict) else None
    names = value if isinstance(value, list) else [value]
    return tuple(name for name in names if isinstance(name, str))


def merge(base: dict[str, Any], over: dict[str, Any], path: str = "") -> dict[str, Any]:
    """Return `base` with `over` merged in.

    Mappings merge deeply, lists and fields of several forms replace, null removes. Inside `raw`
    null stays: there it removes from the wire.
    """
    merged = dict(base)
    for key, value in over.items():
        inherited = merged.get(key)
        where = f"{path}.{key}" if path else key
        if value is None and not path.startswith("raw"):
            merged.pop(key, None)
        elif _is_open(value, where) and _is_open(inherited, where):
            merged[key] = merge(inherited or {}, value, where)
        elif _is_open(value, where):
            merged[key] = merge({}, value, where)
        else:
            merged[key] = value
    return merged


def _is_open(value: Any, path: str) -> bool:
    return isinstance(value, dict) and path not in WHOLE and not is_secret_form(value)

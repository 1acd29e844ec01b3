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


TEMPLATES_MAX = 64
"""Far more than a person can follow; their number can grow as a power of two."""


def inherit(names: Iterable[str], look_up: LookUp, depth: int = 1) -> Inherited:
    """Merge the named templates, each over those that it names itself; there are no circles.

    Raises what `look_up` raises, and SpecError for too many.
    """
    documents: list[Document] = []
    merged: dict[str, Any] = {}
    for name in names:
        document = look_up(name)
        spec = document.data.get("spec")
        if not isinstance(spec, dict):
            continue
        if depth + len(documents) > TEMPLATES_MAX:
            raise SpecError("template", f"more than {TEMPLATES_MAX} templates are merged here")
        below = inherit(template_names(spec), look_up, depth + 1)
        documents.extend((*below.documents, document))
        merged = merge(
            merge(merged, below.spec),
            {key: value for key, value in spec.items() if key != "template"},
        )
    return Inherited(tuple(documents), merged)


def circle(start: str, names_in: Callable[[str], Iterable[str]]) -> tuple[str, ...]:
    """Return the way from a template back to itself.

    Empty if there is none, or one so long that `inherit` refuses it.
    """
    trails: list[tuple[str, ...]] = [(start,)]
    seen: set[str] = set()
    while trails:
        trail = trails.pop(0)
        for name in names_in(trail[-1]):
            if name == start:
                return (*trail, name)
            if name not in seen and len(trail) < TEMPLATES_MAX:
                seen.add(name)
                trails.append((*trail, name))
    return ()


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
        elif is_open(value, where) and is_open(inherited, where):
            merged[key] = merge(inherited or {}, value, where)
        elif is_open(value, where):
            merged[key] = merge({}, value, where)
        else:
            merged[key] = value
    return merged


def is_open(value: Any, path: str) -> bool:
    """Tell whether what stands at a path of a spec is merged with what it is laid over."""
    return isinstance(value, dict) and path not in WHOLE and not is_secret_form(value)

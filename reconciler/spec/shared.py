"""The manifests that others refer to: Apps, Storages, Templates.

Each is read once, whoever uses it.
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import inf

from reconciler.spec.kinds.app import AppSpec
from reconciler.spec.kinds.storage import StorageSpec
from reconciler.spec.syntax import Document

SHARED_KINDS = frozenset({"App", "Storage", "Template"})


@dataclass(frozen=True, slots=True)
class SharedStorage:
    """A Storage and the text it was read from; `spec` is None where it has errors."""

    document: Document
    spec: StorageSpec | None


@dataclass(frozen=True, slots=True)
class Shared:
    """All shared manifests of one load, by name. `apps` holds None for an App with errors."""

    apps: Mapping[str, AppSpec | None]
    storages: Mapping[str, SharedStorage]
    templates: Mapping[str, Document]
    app_is_environments: bool
    """Whether the only App is the one that the environment describes where a spec is applied."""

    digests: Mapping[tuple[str, str], str]
    """Of each (kind, name), and of all Apps as `*`: what a result that used it depends on."""

    spoiled_templates: frozenset[str]
    """Those that nobody may use, as is said elsewhere.

    Two have one name, or something in them leads nowhere or in a circle.
    """


@dataclass(slots=True)
class Uses:
    """What one file's results depend on beside its own text, collected while they are made."""

    shared: set[tuple[str, str]] = field(default_factory=set)
    variables: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)
    until_s: float = inf
    """Unix time at which the verdict may change by itself: a window or a token ends."""


def near(names: Iterable[str], wanted: str) -> str | None:
    """Return a hint that names the nearest of `names`, or all of them if they are few."""
    known = sorted(names)
    close = difflib.get_close_matches(wanted, known, n=1)
    if close:
        return f"did you mean `{close[0]}`?"
    return f"there are {', '.join(f'`{name}`' for name in known[:5])}" if known else None

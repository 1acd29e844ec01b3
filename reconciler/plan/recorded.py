"""One Recording as state remembers it: what was last accepted from the specs, beside sessions.

`Terms` are the parts of a Desired that concern no session's configuration. They are kept as text,
which thousands of recordings share, and are read once for all that have the same.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from reconciler.spec.desired import Desired, Policy, Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """When and how a Recording is to record."""

    policy: Policy
    replicas: int = 1
    suspend: bool = False
    suspend_reason: str = ""
    suspend_until: str = ""
    schedule: tuple[Window, ...] | None = None
    refresh_s: int = 45 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """`reconciler suspend`: not recording until `until_s` (Unix; None: until resumed).

    One that is over stays: what ended before `until_s` begins afresh (`wants.reopened`), so that
    `reconciler resume` sets both to its own moment.
    """

    since_s: float
    reason: str = ""
    until_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One Recording of a scope.

    `source` is the spec file it was last read from, relative to the Git root or else the folder of
    the run; `set_name` the RecordingSet that made it. `generation` counts the changes of
    `digest`. `removed_s` is when a load first missed it.
    """

    name: str
    app: str
    channel: str
    mode: str
    digest: str
    terms: str
    source: str
    set_name: str = ""
    generation: int = 1
    override: Override | None = None
    removed_s: float | None = None


def terms_in(desired: Desired) -> Terms:
    """Return the terms of a Desired."""
    return Terms(**{name: getattr(desired, name) for name in Terms.__slots__})


@lru_cache(maxsize=4096)
def terms_text(terms: Terms) -> str:
    """Return terms as text, equal for equal terms."""
    tree = {name: getattr(terms, name) for name in Terms.__slots__}
    tree["policy"] = _members(terms.policy)
    tree["schedule"] = terms.schedule and [_members(window) for window in terms.schedule]
    return json.dumps(tree, sort_keys=True, separators=(",", ":"))


@lru_cache(maxsize=4096)
def terms_of(text: str) -> Terms:
    """Read what `terms_text` wrote. Raises ValueError, TypeError or KeyError for anything else."""
    tree = json.loads(text)
    policy = tree.pop("policy")
    tree["policy"] = Policy(**{**policy, "ignore": tuple(policy["ignore"])})
    if tree["schedule"] is not None:
        tree["schedule"] = tuple(Window(**window) for window in tree["schedule"])
    return Terms(**tree)


def _members(value: Policy | Window) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}

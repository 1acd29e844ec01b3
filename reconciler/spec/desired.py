"""Desired recordings.

What a spec asks for, as frozen values, and the exact bodies that bring it about.

`spec/compile.py` makes them, the planner compares them. A Desired holds references to secrets,
never their values, and survives a trip through JSON (the cache; later the state).
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from reconciler.spec.secrets import Secret
from reconciler.spec.wire import Json, Mode, merge

GENERATE = "generate"

FORMAT = 1
"""Of the JSON form; a cache written in another one is not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One schedule window as written and checked; `schedule.py` knows when it is open.

    Times are RFC 3339.
    """

    cron: str = ""
    duration_s: int = 0
    timezone: str = ""
    start: str = ""
    until: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How the reconciler treats a recording (design/spec-format.md, "policy")."""

    restart: str = "always"
    replace: str = "start-first"
    stop: str = "async"
    protect: bool = False
    on_removal: str = "stop"
    manage: str = "full"
    ignore: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """One desired recording.

    `uids` are the recorder uids the user gave, first `uid`, then `backupUids`; empty means derived
    ones. `acquire` and `request` are the two `clientRequest`s without what a session adds (uid,
    generated token, excluded resources). `raw` is merged over `request` last and is one secret.
    `group_derived`: the group was not stated, so its change alone concerns no running session.
    `schedule` None: always.
    """

    name: str
    app: str
    mode: Mode
    channel: str
    uids: tuple[str, ...]
    replicas: int
    acquire: dict[str, Json]
    request: dict[str, Json]
    raw: dict[str, Json] | None
    generate_token: bool
    group_derived: bool
    refresh_s: int
    suspend: bool
    suspend_reason: str
    suspend_until: str
    schedule: tuple[Window, ...] | None
    policy: Policy
    labels: dict[str, str]
    annotations: dict[str, str]

    def freeze(self) -> "Frozen":
        """Return the text from which `thaw` makes the same value, and its digest."""
        hidden: list[Any] = []
        tree = {name: getattr(self, name) for name in self.__slots__}
        tree["policy"] = _members(self.policy)
        tree["schedule"] = self.schedule and [_members(window) for window in self.schedule]
        tree["acquire"] = _tagged(self.acquire, hidden)
        tree["request"] = _tagged(self.request, hidden)
        literal = self.raw is not None or any(secret[0] is not None for secret in hidden)
        raw = _tagged(self.raw, hidden)
        tree["raw"] = raw is not None  # one secret as a whole: no digest may know it
        shown = json.dumps(tree, sort_keys=True, separators=(",", ":"))
        digest = hashlib.sha256(shown.encode()).hexdigest()
        return Frozen(f"[{shown},{json.dumps([raw, *hidden])}]", digest, literal)

    def digest(self) -> str:
        """Return a hash of all that is desired.

        Literal secrets count as present only: a hash without a key would betray them, so their
        change is seen by the keyed hashes in state.
        """
        return self.freeze().digest


@dataclass(frozen=True, slots=True)
class Frozen:
    """A Desired as text.

    `body` holds everything, also literal secrets (`secretive` says if there are any); `digest`
    knows neither those nor where this checkout lies.
    """

    body: str
    digest: str
    secretive: bool


def thaw(body: str) -> Desired:
    """Make a Desired of `Frozen.body`.

    Raises ValueError, TypeError, KeyError or IndexError for anything else.
    """
    values, (raw, *hidden) = json.loads(body)
    values["mode"] = Mode(values["mode"])
    values["uids"] = tuple(values["uids"])
    policy = values["policy"]
    values["policy"] = Policy(**{**policy, "ignore": tuple(policy["ignore"])})
    if values["schedule"] is not None:
        values["schedule"] = tuple(Window(**window) for window in values["schedule"])
    values |= {name: _untagged(values[name], hidden) for name in ("acquire", "request")}
    values["raw"] = _untagged(raw, hidden)
    return Desired(**values)


def client_request(desired: Desired) -> dict[str, Json]:
    """Return the start's `clientRequest` with `raw` merged in; secrets are references."""
    return merge(desired.request, desired.raw) if desired.raw else desired.request


def start_body(desired: Desired, uid: str, token: Json = None) -> dict[str, Json]:
    """Return the body of `start` for one session.

    `token` is the generated one, where one is (agora-api.md 3.1).
    """
    request = client_request(desired)
    if token is not None:
        request = {"token": token, **request}
    return {"cname": desired.channel, "uid": uid, "clientRequest": request}


def acquire_body(
    desired: Desired, uid: str, token: Json = None, exclude: Iterable[str] = ()
) -> dict[str, Json]:
    """Return the body of `acquire`; its `startParameter` is the start's request (C71).

    `exclude` names resource IDs whose servers this session shall not share (agora-api.md 2.1).
    """
    request: dict[str, Json] = dict(desired.acquire)
    request["startParameter"] = start_body(desired, uid, token)["clientRequest"]
    excluded = sorted(exclude)
    if excluded:
        request["excludeResourceIds"] = list(excluded)
    return {"cname": desired.channel, "uid": uid, "clientRequest": request}


_TAG = "$secret"


def _members(value: Policy | Window) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}


def _tagged(tree: Any, hidden: list[Any]) -> Any:
    """Spell Secret leaves as lists that JSON can hold.

    Plain lists are marked, so that no text can pass for one. What no digest may know, literals and
    folders, goes to `hidden`.
    """
    if isinstance(tree, dict):
        return {key: _tagged(value, hidden) for key, value in tree.items()}
    if isinstance(tree, list):
        return ["", *(_tagged(item, hidden) for item in tree)]
    if not isinstance(tree, Secret):
        return tree
    is_literal = tree.form == "literal"
    hidden.append([tree.source if is_literal else None, tree.folder])
    return [
        _TAG,
        len(hidden) - 1,
        tree.form,
        None if is_literal else tree.source,
        tree.part,
        tree.reads,
    ]


def _untagged(tree: Any, hidden: list[Any]) -> Any:
    if isinstance(tree, dict):
        return {key: _untagged(value, hidden) for key, value in tree.items()}
    if not isinstance(tree, list):
        return tree
    if tree[0] != _TAG:
        return [_untagged(item, hidden) for item in tree[1:]]
    number, form, source, part, reads = tree[1:]
    literal, folder = hidden[number]
    words = tuple(source) if isinstance(source, list) else source
    return Secret(form, literal if form == "literal" else words, folder, part, reads)

"""Desired recordings.

What a spec asks for, as frozen values, and the exact bodies that bring it about.

`spec/compile.py` makes them, the planner compares them. A Desired holds references to secrets,
never their values, and survives a trip through JSON (the cache; later the state).
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
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

        def spelt(secret: Secret) -> dict[str, Any]:
            """Spell a Secret as JSON; what no digest may know, literals and folders, is hidden."""
            is_literal = secret.form == "literal"
            hidden.append([secret.source if is_literal else None, secret.folder])
            source = None if is_literal else secret.source
            return {_TAG: [len(hidden) - 1, secret.form, source, secret.part, secret.reads]}

        tree = {name: getattr(self, name) for name in self.__slots__}
        tree["policy"] = _members(self.policy)
        tree["schedule"] = self.schedule and [_members(window) for window in self.schedule]
        tree["raw"] = self.raw is not None  # one secret as a whole: no digest may know it
        shown = _ENCODER(tree, default=spelt)
        digest = hashlib.sha256(shown.encode()).hexdigest()
        literal = self.raw is not None or any(secret[0] is not None for secret in hidden)
        return Frozen(f"[{shown},{_ENCODER([_marked(self.raw), *hidden])}]", digest, literal)

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
    values |= {name: _with_secrets(values[name], hidden) for name in ("acquire", "request")}
    values["raw"] = _unmarked(raw)
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
"""A key that no wire object has."""

_ENCODER = partial(json.dumps, sort_keys=True, separators=(",", ":"))


def _members(value: Policy | Window) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}


def _with_secrets(tree: Any, hidden: list[Any]) -> Any:
    if isinstance(tree, list):
        return [_with_secrets(item, hidden) for item in tree]
    if not isinstance(tree, dict):
        return tree
    if _TAG not in tree:
        return {key: _with_secrets(value, hidden) for key, value in tree.items()}
    number, form, source, part, reads = tree[_TAG]
    literal, folder = hidden[number]
    return Secret(form, literal if form == "literal" else _words(source), folder, part, reads)


def _words(source: Any) -> Any:
    return tuple(source) if isinstance(source, list) else source


def _marked(raw: Any) -> Any:
    """Spell the Secrets of `raw`, whose keys can be any, as lists; plain lists get a mark too."""
    if isinstance(raw, Secret):
        return [_TAG, raw.form, raw.source, raw.folder]
    if isinstance(raw, dict):
        return {key: _marked(value) for key, value in raw.items()}
    return ["", *map(_marked, raw)] if isinstance(raw, list) else raw


def _unmarked(raw: Any) -> Any:
    if isinstance(raw, dict):
        return {key: _unmarked(value) for key, value in raw.items()}
    if not isinstance(raw, list):
        return raw
    if raw[0] != _TAG:
        return [_unmarked(item) for item in raw[1:]]
    form, source, folder = raw[1:]
    return Secret(form, _words(source), folder)

"""A start request as people have it (JSON) to manifests, and a Desired back to its manifest. Pure.

`reconciler convert` is the way in for those who call the service by hand today (design/cli.md).
"""

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.diagnostics import Severity
from reconciler.identity import name_from
from reconciler.spec import syntax
from reconciler.spec.decode import Decoded, decode, storage_spec
from reconciler.spec.desired import Desired, Window
from reconciler.spec.duration import format_duration
from reconciler.spec.kinds.base import API_VERSION
from reconciler.spec.kinds.channel import GENERATE
from reconciler.spec.mapping import SECRET
from reconciler.spec.marked import is_deeper, is_secret_form, is_text
from reconciler.spec.problems import Problem, error, warning
from reconciler.spec.rules.rule import Body
from reconciler.spec.rules.table import findings
from reconciler.spec.secrets import Secret
from reconciler.spec.values import kind_of, shown
from reconciler.spec.wire import Json, Mode, Path, get, merge

SERVICE_MAX_IDLE = "30s"
"""What the service takes when a body is silent (3.4): this format's own default differs."""

NESTING_MAX = syntax.NESTING_MAX - 4
"""Levels of a request: in a spec it stands below `spec`, `raw` and `recordingConfig`."""

_ACQUIRE_KEYS = frozenset(
    {"scene", "resourceExpiredHour", "region", "startParameter", "excludeResourceIds"}
)
_SECRET_KEYS = frozenset(
    {"token", "accessKey", "secretKey", "stsToken", "secret", "salt", "rtmpUrl"}
)


@dataclass(frozen=True, slots=True)
class Request:
    """A start request, taken apart.

    `acquire` holds what an acquire's body says beside its start parameter.
    """

    cname: str
    uid: str
    request: dict[str, Json]
    acquire: dict[str, Json]


@dataclass(frozen=True, slots=True)
class Converted:
    """The manifests (none with errors), the secrets, and the problems.

    `secrets` pairs each environment variable with the wire path of the secret that it is to hold.
    Paths of problems are those of the JSON.
    """

    manifests: tuple[dict[str, Any], ...]
    secrets: tuple[tuple[str, str], ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Wish:
    """How to convert. `name` empty: from the channel."""

    mode: Mode
    name: str
    inline_secrets: bool
    now_s: float


def take_apart(
    document: Any, channel: str | None, uid: str | None
) -> tuple[Request | None, tuple[Problem, ...]]:
    """Read a start (or acquire) body, or a bare `clientRequest` with channel and uid beside it."""
    if not isinstance(document, dict):
        return None, (error((), "mapping", "a start request is a JSON object"),)
    if is_deeper(document, NESTING_MAX):
        return None, (error((), "nesting", f"nested more than {NESTING_MAX} levels deep"),)
    unsayable = tuple(_unsayable(document))
    if unsayable:
        return None, unsayable
    whole = "clientRequest" in document
    inner = document["clientRequest"] if whole else document
    cname = document.get("cname") if whole else None
    said = channel or cname, uid or (document.get("uid") if whole else None)
    problems = [
        _not_said(key, option, value)
        for key, option, value in (("cname", "--channel", said[0]), ("uid", "--uid", said[1]))
        if not isinstance(value, str) or not value
    ]
    if not isinstance(inner, dict):
        problems.append(error(("clientRequest",), "mapping", "`clientRequest` is a JSON object"))
    if problems or not isinstance(inner, dict):
        return None, tuple(problems)
    acquire = {key: value for key, value in inner.items() if key in _ACQUIRE_KEYS}
    start = acquire.pop("startParameter", None)
    request = (
        start
        if isinstance(start, dict)
        else {key: value for key, value in inner.items() if key not in acquire}
    )
    return Request(str(said[0]), str(said[1]), request, acquire), ()


def _not_said(key: str, option: str, value: object) -> Problem:
    if value is None or value == "":
        return error((key,), "missing", f"`{key}` is missing", f"give it with {option}")
    return error((key,), "text", f"`{key}` must be text, this is {kind_of(value)}", "quote it")


def _unsayable(tree: Any, path: Path = ()) -> Iterator[Problem]:
    """Return what no spec can say, or would mean something else there."""
    if is_secret_form(tree):
        message = f"an object with only `{next(iter(tree))}` would be read as a secret's reference"
        yield error(path, "secret", message)
    elif isinstance(tree, dict):
        for key, value in tree.items():
            if "${" in key or not is_text(key):
                yield error(path, "key", f"this format cannot say the key {shown(key)}")
            yield from _unsayable(value, (*path, key))
    elif isinstance(tree, list):
        for index, item in enumerate(tree):
            yield from _unsayable(item, (*path, index))
    elif isinstance(tree, str) and not is_text(tree):
        yield error(path, "text", "the text has characters that no file can hold")
    elif isinstance(tree, float) and not math.isfinite(tree):
        yield error(path, "number", "the number is too large")


def convert(asked: Request, wish: Wish) -> Converted:
    """Return the manifests that make the same session as the request."""
    body = Body(wish.mode, asked.cname, (asked.uid,), asked.acquire, asked.request, wish.now_s)
    problems = [
        Problem(_json_path(found.path), found.severity, rule.code, found.message, found.hint)
        for rule, found in findings(body)
    ]
    if any(problem.severity is Severity.ERROR for problem in problems):
        return Converted((), (), tuple(problems))
    name = wish.name or name_from(asked.cname)
    secrets: dict[str, str] = {}
    request = asked.request if wish.inline_secrets else _referenced(asked.request, name, secrets)
    request = {key: value for key, value in request.items() if not (key == "token" and value == "")}
    decoded = decode(wish.mode, request, asked.acquire)
    config = get(request, ("storageConfig",))
    storage, storage_rest = storage_spec(config) if isinstance(config, dict) else ({}, {})
    raw = _json(merge(decoded.rest, storage_rest))
    beyond = raw.pop("acquire", {})
    problems += [_kept(_json_path(path), get(raw, path)) for path in _leaves(raw)]
    problems += [
        error(("clientRequest", key), "acquire-key", "this format cannot say that")
        for key in beyond
    ]
    if any(problem.severity is Severity.ERROR for problem in problems):
        return Converted((), (), tuple(problems))
    spec: dict[str, Any] = {"mode": str(wish.mode), "channel": asked.cname, "uid": asked.uid}
    if storage:
        spec["storage"] = name
    spec |= decoded.spec
    if wish.mode is not Mode.WEB:
        spec.setdefault("maxIdle", SERVICE_MAX_IDLE)
    if raw:
        spec["raw"] = raw
    _files(spec, request)
    manifests = [_manifest("Storage", name, storage)] if storage else []
    manifests.append(_manifest("Recording", name, spec))
    return Converted(
        tuple(_escaped(manifest) for manifest in manifests), tuple(secrets.items()), tuple(problems)
    )


_RAW_MESSAGE = "this format does not know it, or not in this mode: kept in `raw`"


def _kept(path: Path, value: object) -> Problem:
    if value is None:
        return error(path, "raw", "null in `raw` would remove the key", "leave it out")
    return warning(path, "raw", _RAW_MESSAGE)


def _files(spec: dict[str, Any], request: Mapping[str, Json]) -> None:
    """Say that only snapshots are wanted where the body leaves the files out (3.12)."""
    if "snapshots" in spec and "recordingFileConfig" not in request:
        spec["files"] = []


def _manifest(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}


def _json_path(path: Path) -> Path:
    """Return a finding's path as the JSON has it."""
    if path[:1] in {("cname",), ("uid",)}:
        return path
    return ("clientRequest", *(path[1:] if path[:1] == ("acquire",) else path))


def _referenced(tree: Mapping[str, Json], name: str, secrets: dict[str, str]) -> dict[str, Json]:
    """Return the tree with a reference in place of each secret.

    `secrets` collects variable and path.
    """

    def walk(node: Any, path: Path) -> Any:
        if isinstance(node, dict):
            return {key: walk(value, (*path, key)) for key, value in node.items()}
        if isinstance(node, list):
            return [walk(item, (*path, index)) for index, item in enumerate(node)]
        if isinstance(node, str) and node and _is_secret(path[-1], node):
            variable = _variable(name, str(path[-1]), set(secrets))
            secrets[variable] = ".".join(map(str, _json_path(path)))
            return Secret("env", variable)
        return node

    return {key: walk(value, (key,)) for key, value in tree.items()}


def _is_secret(key: str | int, value: str) -> bool:
    return key in _SECRET_KEYS or (key == "url" and ("?" in value or "@" in value))


def _variable(name: str, key: str, taken: set[str]) -> str:
    """Return a name for an environment variable: `LOBBY_SECRET_KEY`."""
    words = "".join(f"_{letter}" if letter.isupper() else letter for letter in key)
    stem = f"{name}_{words}".upper().replace("-", "_").replace(".", "_")
    stem = f"R_{stem}" if stem[0].isdigit() else stem
    numbered = (f"{stem}_{number}" for number in itertools.count(2))
    return next(word for word in itertools.chain([stem], numbered) if word not in taken)


def _json(tree: Any) -> Any:
    """Return the tree with references spelt as a spec spells them."""
    if isinstance(tree, Secret):
        return SECRET.decode(tree)
    if isinstance(tree, dict):
        return {key: _json(value) for key, value in tree.items()}
    return [_json(item) for item in tree] if isinstance(tree, list) else tree


def _leaves(tree: Mapping[str, Any], path: Path = ()) -> Iterator[Path]:
    for key, value in tree.items():
        if isinstance(value, dict) and value and not is_secret_form(value):
            yield from _leaves(value, (*path, key))
        else:
            yield (*path, key)


def _escaped(tree: Any) -> Any:
    """Return the tree with every literal `${` written so that it is read back as one."""
    if isinstance(tree, str):
        return tree.replace("${", "$${")
    if isinstance(tree, dict):
        return {key: _escaped(value) for key, value in tree.items()}
    return [_escaped(item) for item in tree] if isinstance(tree, list) else tree


def manifest_of(desired: Desired) -> dict[str, Any]:
    """Return the Recording manifest that compiles to this Desired.

    Everything written out, the storage inline.
    """
    request = dict(desired.request)
    config = request.pop("storageConfig", None)
    decoded: Decoded = decode(desired.mode, request, desired.acquire)
    spec: dict[str, Any] = {
        "mode": str(desired.mode),
        "app": desired.app,
        "channel": desired.channel,
    }
    if desired.uids:
        spec["uid"] = desired.uids[0]
        spec["backupUids"] = list(desired.uids[1:])
    if isinstance(config, dict):
        spec["storage"] = {**storage_spec(config)[0], "refresh": desired.refresh_s}
    spec |= _json(decoded.spec)
    if desired.group_derived:
        spec.get("subscriptions", {}).pop("group", None)
    if "recordingFileConfig" not in request:
        spec["files"] = []
    if desired.generate_token:
        spec["token"] = GENERATE
    if desired.raw is not None:
        spec["raw"] = _json(desired.raw)
    spec |= _when(desired)
    manifest = _manifest("Recording", desired.name, spec)
    manifest["metadata"] |= {"labels": desired.labels, "annotations": desired.annotations}
    escaped: dict[str, Any] = _escaped(manifest)
    return escaped


def _when(desired: Desired) -> dict[str, Any]:
    """Return the fields that decide when, how often and how a session runs."""
    policy = desired.policy
    spec: dict[str, Any] = {
        "replicas": desired.replicas,
        "policy": {
            "restart": policy.restart,
            "replace": policy.replace,
            "stop": policy.stop,
            "protect": policy.protect,
            "onRemoval": policy.on_removal,
            "manage": policy.manage,
            "ignore": list(policy.ignore),
        },
    }
    why = {"reason": desired.suspend_reason, "until": desired.suspend_until}
    spec["suspend"] = {key: value for key, value in why.items() if value} or desired.suspend
    if desired.schedule is not None:
        spec["schedule"] = [_window(window) for window in desired.schedule]
    return spec


def _window(window: Window) -> dict[str, Any]:
    if window.cron:
        duration = format_duration(window.duration_s)
        return {"cron": window.cron, "duration": duration, "timezone": window.timezone}
    return {"from": window.start, "until": window.until}

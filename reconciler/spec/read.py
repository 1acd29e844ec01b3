"""Plain data to a pydantic model, and pydantic's complaints to problems for people.

A value that cannot be read is taken out and the rest is read without it, so that one run finds the
mistakes behind the first one too. pydantic's types and words do not leave this module.
"""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from reconciler.diagnostics import Severity
from reconciler.spec.kinds.modes import MODELS
from reconciler.spec.mapping import FIELDS, STORAGE_FIELDS
from reconciler.spec.problems import Problem, error, without_echoes
from reconciler.spec.values import kind_of, shown
from reconciler.spec.wire import Path

READ_TRIES_MAX = 5
"""Taking a value out can make its neighbours complain (a list that is now too short).

Try again this often.
"""

_Blank = dict[str | int, Any]

_PAGE: _Blank = {"url": "https://stand.in", "maxDuration": "1h"}
_WINDOW: _Blank = {"cron": "0 0 1 1 *", "duration": "1m", "timezone": "UTC"}
_REGION: _Blank = {"x": 0, "y": 0, "width": 0, "height": 0}
_KEYS: _Blank = {"customerId": {"env": "X"}, "customerSecret": {"env": "X"}}
_UID = "4294967295"
_USER: _Blank = {"uid": _UID, "image": "https://stand.in/a.jpg"}

STAND_INS: _Blank = (
    {
        "channel": "stand-in",
        "bucket": "stand-in",
        "appId": "stand-in",
        "web": _PAGE,
        "credentials": _KEYS,
    }
    | _PAGE
    | _WINDOW
    | _REGION
    | _KEYS
    | _USER
)
"""What takes the place of a required value that is not there, so that the rest can be judged.

Nothing is made of it: the manifest has an error already.
"""

STAND_INS_IN: _Blank = {
    "audio": _UID,
    "video": _UID,
    "except": _UID,
    "backupUids": _UID,
    "regions": _REGION,
    "users": _USER,
    "schedule": _WINDOW,
    "ignore": "files",
    "files": "hls",
}
"""What takes the place of an unreadable item of a list, so that the others keep their indexes."""

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Reading(Generic[Model]):
    """What could be read: a model (None: too little), the problems, and the paths left out."""

    model: Model | None
    problems: tuple[Problem, ...]
    unreadable: tuple[Path, ...]


def read(model: type[Model], data: Any, base: Path = ()) -> Reading[Model]:
    """Read `data` as `model`; paths of problems start with `base`."""
    problems: list[Problem] = []
    unreadable: list[Path] = []
    for _ in range(READ_TRIES_MAX):
        try:
            return Reading(model.model_validate(data), tuple(problems), tuple(unreadable))
        except ValidationError as failure:
            details = failure.errors(include_url=False)
        paths = [_path(detail) for detail in details]
        if not unreadable:
            problems = without_echoes(
                _problem(model, detail, path, base)
                for detail, path in zip(details, paths, strict=True)
            )
        for detail, path in reversed(list(zip(details, paths, strict=True))):  # indexes stay true
            unreadable.append((*base, *path))
            if detail["type"] == "too_short" and _holds_another(path, paths):
                continue  # its items are what is wrong
            if detail["type"] == "missing" and path[-1] in STAND_INS:
                data = _with(data, path, STAND_INS[path[-1]])
            elif len(path) > 1 and isinstance(path[-1], int) and path[-2] in STAND_INS_IN:
                data = _with(data, path, STAND_INS_IN[path[-2]])
            elif lost := path[:-1] if detail["type"] == "missing" else path:
                data = _without(data, lost)
            else:
                return Reading(None, tuple(problems), tuple(unreadable))
    return Reading(None, tuple(problems), tuple(unreadable))


def _holds_another(path: Path, paths: list[Path]) -> bool:
    return any(len(other) > len(path) and other[: len(path)] == path for other in paths)


def _path(detail: ErrorDetails) -> Path:
    """Return pydantic's location as the user's path, without the names of forms."""
    return tuple(
        step for step in detail["loc"] if not (isinstance(step, str) and step.startswith("="))
    )


def _with(tree: Any, path: Path, value: Any) -> Any:
    """Return a copy with a value at `path`, whose way there exists."""
    step, *rest = path
    inner = _with(tree[step], tuple(rest), value) if rest else value
    if isinstance(tree, list):
        return [inner if index == step else item for index, item in enumerate(tree)]
    return {**tree, step: inner}


def _without(tree: Any, path: Path) -> Any:
    """Return a copy without the value at `path`; in a list it leaves the item out."""
    step, *rest = path
    if isinstance(tree, dict):
        kept = {key: value for key, value in tree.items() if key != step or rest}
        if rest and step in kept:
            kept[step] = _without(kept[step], tuple(rest))
        return kept
    if isinstance(tree, list) and isinstance(step, int) and step < len(tree):
        changed = [_without(tree[step], tuple(rest))] if rest else []
        return [*tree[:step], *changed, *tree[step + 1 :]]
    return tree


def _problem(model: type[BaseModel], detail: ErrorDetails, path: Path, base: Path) -> Problem:
    kind, value = detail["type"], detail["input"]
    context = detail.get("ctx") or {}
    where = (*base, *path)
    if kind == "extra_forbidden":
        key, known = str(path[-1]), known_keys(model, path[:-1])
        hint = unknown_key_hint(key, path, known)
        message = f"`{key}` is not known here"
        meant = meant_key(key, known)
        return Problem(
            where, Severity.ERROR, "unknown-key", message, hint, of_key=True, meant=meant
        )
    if kind == "missing":
        return error(where, "missing", f"`{path[-1]}` is required")
    if "message" in context:
        return error(where, kind, context["message"], context.get("hint"))
    if kind == "literal_error":
        allowed = [word.strip("'") for word in _words(context["expected"])]
        spelt = {word.lower(): word for word in allowed}
        near = difflib.get_close_matches(str(value).lower(), spelt, n=1)
        hint = f"did you mean `{spelt[near[0]]}`?" if near else None
        return error(where, "choice", f"must be {_either(allowed)}, this is {shown(value)}", hint)
    return error(where, *_SHAPES.get(kind, ("value", f"cannot be read, this is {kind_of(value)}")))


_SHAPES = {
    "model_type": ("mapping", "must be a mapping"),
    "dict_type": ("mapping", "must be a mapping"),
    "model_attributes_type": ("mapping", "must be a mapping"),
    "tuple_type": ("list", "must be a list"),
    "list_type": ("list", "must be a list"),
    "too_short": ("empty", "must have at least one item"),
    "string_type": ("text", "must be text"),
}


def _words(expected: str) -> list[str]:
    return expected.replace(" or ", ", ").split(", ")


def _either(words: list[str]) -> str:
    quoted = [f"`{word}`" for word in words]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"


def unknown_key_hint(key: str, path: Path, known: tuple[str, ...]) -> str | None:
    """Say which key was probably meant.

    The service's own name for a field, a misspelling, or another mode's field.
    """
    if key in known:
        return "it does not go with the other keys here"
    modes = [str(mode) for mode, model in MODELS.items() if key in known_keys(model, ())]
    if path[:-1] in {(), ("spec",)} and 0 < len(modes) < len(MODELS):
        return f"it is a field of mode {_either(modes)}"
    named = _BY_WIRE_NAME.get(key.lower())
    if named:
        return f"did you mean `{named}`? The service calls it `{key}`"
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.7)
    if near:
        return f"did you mean `{near[0]}`?"
    return f"known here: {', '.join(f'`{name}`' for name in sorted(known))}" if known else None


def meant_key(key: str, known: tuple[str, ...]) -> str:
    """Return the key of the same mapping that was probably meant; empty for none."""
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.7)
    sole = known[0] if len(known) == 1 else ""
    return _BY_WIRE_NAME.get(key.lower()) or (near[0] if near else sole)


_BY_WIRE_NAME = {
    str(row.wire[-1]).lower(): row.path.replace("[]", "") for row in (*STORAGE_FIELDS, *FIELDS)
} | {
    "cname": "channel",
    "filenameprefix": "prefix",
    "storageconfig": "storage",
    "transcodingconfig": "video",
    "snapshotconfig": "snapshots",
    "layoutconfig": "layout.regions",
    "subscribeaudiouids": "subscriptions.audio",
    "subscribevideouids": "subscriptions.video",
    "unsubscribeaudiouids": "subscriptions.audio: {except: [...]}",
    "unsubscribevideouids": "subscriptions.video: {except: [...]}",
}
for _shared in (
    "region",
    "uid",
    "url",
    "width",
    "height",
    "fps",
    "bitrate",
    "format",
    "title",
    "tags",
    "token",
):
    _BY_WIRE_NAME.pop(_shared, None)


@cache
def known_keys(model: type[BaseModel], path: Path) -> tuple[str, ...]:
    """Return the keys that the mapping at `path` may have, of all its forms."""
    models = [model]
    for step in path:
        if isinstance(step, str):
            models = [inner for outer in models for inner in _models_of_key(outer, step)]
    return tuple(
        field.alias or name for inner in models for name, field in inner.model_fields.items()
    )


def _models_of_key(model: type[BaseModel], key: str) -> Iterator[type[BaseModel]]:
    for name, field in model.model_fields.items():
        if (field.alias or name) == key:
            yield from _models_in(field.annotation)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)

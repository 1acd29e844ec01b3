"""What a session was given, as state keeps it: the wire configuration with its secrets sealed.

A seal is a keyed hash; beside it stands the reference that the value came from, so that the same
body can be made again (design/reconcile.md, "Secrets in state").
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import zip_longest
from typing import Any

from reconciler.spec.desired import Desired
from reconciler.spec.groups import Group, requests_by_group
from reconciler.spec.secrets import Secret
from reconciler.spec.wire import Json, Mode, merge


@dataclass(frozen=True, slots=True)
class Seal:
    """A keyed hash of a value, and which key made it. An empty `mark`: the value is not known."""

    key_id: str
    mark: str

    def agrees_with(self, other: "Seal") -> bool:
        """Tell whether nothing speaks against both being of one value.

        A value that is not known here, or was sealed with another key, is taken as unchanged.
        """
        return self.mark == other.mark or not self.is_comparable_with(other)

    def is_comparable_with(self, other: "Seal") -> bool:
        """Tell whether both values are known, and sealed with one key."""
        return bool(self.mark and other.mark) and self.key_id == other.key_id


UNKNOWN_SEAL = Seal("", "")


@dataclass(frozen=True, slots=True)
class Sealed:
    """Stands in a body where a secret was. The reference of a literal has an empty source."""

    secret: Secret
    seal: Seal


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What was last sent for a session and accepted.

    `acquire` and `request` are those of a Desired with `Sealed` in place of each Secret; `raw` is
    sealed as a whole, None if there was none.
    """

    mode: str
    channel: str
    app_key: str
    acquire: dict[str, Any]
    request: dict[str, Any]
    raw: Seal | None


RAW = "raw"
"""Stands for a form where the secret is `raw` as a whole."""


def secrets_of(desired: Desired) -> tuple[Secret, ...]:
    """Return the Secrets that count in a comparison, in the order of their keys.

    `raw` is sealed as a whole; a token serves one session and is no part of what it is to be.
    """
    found = _leaves([desired.acquire, _without_token(desired.request)])
    return tuple(leaf for leaf in found if isinstance(leaf, Secret))


def seal(desired: Desired, app_key: str, seals: Mapping[Secret, Seal], raw: Seal | None) -> Applied:
    """Return what a session is given if this is sent; a Secret without a seal gets the unknown."""

    def sealed(leaf: object) -> object:
        if not isinstance(leaf, Secret):
            return leaf
        return Sealed(_reference(leaf), seals.get(leaf, UNKNOWN_SEAL))

    return Applied(
        mode=str(desired.mode),
        channel=desired.channel,
        app_key=app_key,
        acquire=_mapped(desired.acquire, sealed),
        request=_mapped(desired.request, sealed),
        raw=raw,
    )


def resealed(applied: Applied, desired: Applied) -> Applied:
    """Return what was applied, its secrets as desired where their seals cannot be compared.

    Those are taken as unchanged; one whose value is not known here stays as it was sealed.
    """
    raw = applied.raw
    if raw and desired.raw and _is_newer(desired.raw, raw):
        raw = desired.raw
    acquire = _resealed(applied.acquire, desired.acquire)
    request = _resealed(applied.request, desired.request)
    return replace(applied, acquire=acquire, request=request, raw=raw)


def unsealed(applied: Applied) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return `acquire` and `request` with Secrets again, those of literals without their text.

    Whether the body is the same once its values are in, only its hash can tell.
    """

    def opened(leaf: object) -> object:
        return leaf.secret if isinstance(leaf, Sealed) else leaf

    return _mapped(applied.acquire, opened), _mapped(applied.request, opened)


def freeze(applied: Applied) -> str:
    """Return the text from which `thaw` makes the same value."""
    tree = {name: getattr(applied, name) for name in Applied.__slots__}
    tree["raw"] = applied.raw and [applied.raw.key_id, applied.raw.mark]
    return _text(tree)


def thaw(text: str) -> Applied:
    """Read what `freeze` wrote. Raises ValueError, TypeError or KeyError for anything else."""
    tree = json.loads(text, object_hook=_restored)
    raw = tree["raw"]
    return Applied(
        mode=str(tree["mode"]),
        channel=str(tree["channel"]),
        app_key=str(tree["app_key"]),
        acquire=dict(tree["acquire"]),
        request=dict(tree["request"]),
        raw=None if raw is None else _seal_of(*raw),
    )


def sealed_text(applied: Applied) -> str:
    """Return the secrets a session was given, as `Session.sealed` keeps them.

    Equal for equal secrets, in the order of `secrets_of`, `raw` at the end.
    """
    leaves = _leaves([applied.acquire, _without_token(applied.request)])
    secrets = [leaf for leaf in leaves if isinstance(leaf, Sealed)]
    if applied.raw:
        secrets.append(sealed_raw(applied.raw))
    return _text([_row(secret) for secret in secrets])


@lru_cache(maxsize=4096)
def sealed_of(text: str) -> tuple[Sealed, ...]:
    """Read what `sealed_text` wrote; `raw` is a Secret of the form `raw` without a source.

    Raises ValueError or TypeError for anything else.
    """
    return tuple(_sealed(row) for row in json.loads(text))


def sealed_raw(seal: Seal) -> Sealed:
    """Return the seal of `raw` as that of a secret of the form `raw`."""
    return _sealed([RAW, None, "", None, "text", seal.key_id, seal.mark])


def group_request(
    desired: Applied, group: Group, raw: Mapping[str, Json] | None = None
) -> dict[str, Any]:
    """Return the `clientRequest` of one group's update, with Sealed and `raw`'s Secrets inside.

    `raw` is the recording's own: what it says of the group is sent again, as nothing else would
    keep it. Raises KeyError for a group that such a recording does not have.
    """
    request = merge(desired.request, raw) if raw else desired.request
    return requests_by_group(Mode(desired.mode), request)[group]


def reference(secret: Secret) -> str:
    """Return how a message names a secret: never its value."""
    if secret.form == "literal":
        return "a value in the spec"
    words = secret.source if isinstance(secret.source, str) else secret.source[0]
    return f"{secret.form} {words}"


def _resealed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _newer(value, after.get(key)) for key, value in before.items()}


def _newer(before: object, after: object) -> object:
    if isinstance(before, dict) and isinstance(after, dict):
        return _resealed(before, after)
    if isinstance(before, list) and isinstance(after, list):
        others = zip_longest(before, after[: len(before)])
        return [_newer(value, other) for value, other in others]
    if isinstance(before, Sealed) and isinstance(after, Sealed):
        return after if _is_newer(after.seal, before.seal) else before
    return before


def _is_newer(seal: Seal, before: Seal) -> bool:
    return bool(seal.mark) and not seal.is_comparable_with(before)


def _reference(secret: Secret) -> Secret:
    """Return a Secret as state may know it: no literal, and no folder where it means nothing."""
    if secret.form == "literal":
        return replace(secret, source="")
    return replace(secret, folder="") if secret.form == "env" else secret


_TAG = "$sealed"
"""A key that no wire object has."""


def _without_token(request: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in request.items() if key != "token"}


def _leaves(tree: object) -> Iterator[object]:
    """Yield what stands in a tree, in an order that its making does not change."""
    if isinstance(tree, dict):
        for key in sorted(tree):
            yield from _leaves(tree[key])
    elif isinstance(tree, list):
        for item in tree:
            yield from _leaves(item)
    else:
        yield tree


def _mapped(tree: Mapping[str, Any], change: Callable[[object], object]) -> dict[str, Any]:
    def walk(node: object) -> object:
        if isinstance(node, dict):
            return {key: walk(value) for key, value in node.items()}
        return [walk(item) for item in node] if isinstance(node, list) else change(node)

    return {key: walk(value) for key, value in tree.items()}


def _text(tree: object) -> str:
    return json.dumps(
        tree, sort_keys=True, separators=(",", ":"), default=lambda leaf: {_TAG: _row(leaf)}
    )


def _row(sealed: Sealed) -> list[Any]:
    secret = sealed.secret
    source = secret.source or None  # a literal's is not kept
    reference = [secret.form, source, secret.folder, secret.part, secret.reads]
    return [*reference, sealed.seal.key_id, sealed.seal.mark]


def _restored(tree: dict[str, Any]) -> object:
    return _sealed(tree[_TAG]) if _TAG in tree else tree


def _sealed(row: list[Any]) -> Sealed:
    form, source, folder, part, reads, key_id, mark = row
    source = tuple(source) if isinstance(source, list) else source or ""
    return Sealed(Secret(form, source, folder, part, reads), _seal_of(key_id, mark))


def _seal_of(key_id: str, mark: str) -> Seal:
    return Seal(str(key_id), str(mark))

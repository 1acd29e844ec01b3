"""Apps as all but the reader of specs need them: plain values, light to import.

The catalog hands them out, the cache and state keep them as text; no text holds a secret.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from reconciler.spec.roots import absolute
from reconciler.spec.secrets import Secret

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_TRUSTED = (".agora.io", ".sd-rtn.com")


@dataclass(frozen=True, slots=True, kw_only=True)
class AppDefinition:
    """One App; its fields are those of the manifest (design/spec-format.md, "App").

    `error` says why nobody can use it, empty if it is sound; the secrets of such a one mean
    nothing.
    """

    name: str
    app_id: Secret
    customer_id: Secret
    customer_secret: Secret
    certificate: Secret | None = None
    endpoints: tuple[str, ...] = ()
    requests_per_second: float = 10
    max_recordings: int = 50
    max_web_recordings: int = 200
    notification_secret: Secret | None = None
    error: str = ""
    of_environment: bool = False
    """Whether the environment describes it, for want of any manifest."""

    @property
    def inline(self) -> bool:
        """Tell whether a secret stands in the manifest itself; an App ID is none."""
        return any(_is_literal(getattr(self, name)) for name in _SECRETS if name != "app_id")


_SECRETS = ("app_id", "customer_id", "customer_secret", "certificate", "notification_secret")
_NOWHERE = Secret("env", "")
_INLINE = "inline"
_INLINE_ERROR = (
    "its secrets stand in its manifest, and state keeps none: name the manifest with --specs PATH"
)


def broken(name: str, error: str) -> AppDefinition:
    """Return an App that is there and of no use."""
    return AppDefinition(
        name=name,
        app_id=_NOWHERE,
        customer_id=_NOWHERE,
        customer_secret=_NOWHERE,
        error=error,
    )


def freeze(app: AppDefinition) -> str:
    """Return an App as text for state: references that hold in any folder, and no secret."""
    secrets: dict[str, Any] = {name: _anchored(getattr(app, name)) for name in _SECRETS}
    return json.dumps(to_row(replace(app, **secrets)), sort_keys=True, separators=(",", ":"))


def thaw(text: str) -> AppDefinition:
    """Make an App of what `freeze` wrote; one that had inline secrets says so as its `error`.

    Raises ValueError, TypeError, KeyError or AttributeError for anything else.
    """
    return from_row(json.loads(text))


def to_row(app: AppDefinition) -> dict[str, Any]:
    """Return an App as JSON data without its inline secrets."""
    row: dict[str, Any] = {name: getattr(app, name) for name in AppDefinition.__slots__}
    for name in _SECRETS:
        hides = name != "app_id" and _is_literal(row[name])
        row[name] = _INLINE if hides else _secret_row(row[name])
    return row


def from_row(row: Mapping[str, Any]) -> AppDefinition:
    """Make an App of what `to_row` gave."""
    values = {**row, **{name: _secret_of(row[name]) for name in _SECRETS}}
    values["endpoints"] = tuple(values["endpoints"])
    if any(row[name] == _INLINE for name in _SECRETS):
        values["error"] = values["error"] or _INLINE_ERROR
    return AppDefinition(**values)


def host_of(endpoint: str) -> str:
    """Return the host of a base URL, empty if it names none."""
    return urlsplit(endpoint).hostname or ""


def foreign_hosts(
    endpoints: tuple[str, ...], allowed: frozenset[str]
) -> tuple[tuple[int, str], ...]:
    """Return index and host of each endpoint that credentials would not be sent to."""
    hosts = ((index, host_of(endpoint)) for index, endpoint in enumerate(endpoints))
    return tuple((index, host) for index, host in hosts if not _may_receive(host, allowed))


def _may_receive(host: str, allowed: frozenset[str]) -> bool:
    return host in LOOPBACK or host in allowed or f".{host}".endswith(_TRUSTED)


def _is_literal(secret: Secret | None) -> bool:
    return secret is not None and secret.form == "literal"


def _anchored(secret: Secret | None) -> Secret | None:
    """Give a reference a folder that holds everywhere, or none where it needs none."""
    if secret is None or secret.form == "literal":
        return secret
    return replace(secret, folder="" if secret.form == "env" else absolute(secret.folder))


def _secret_row(secret: Secret | None) -> list[Any] | None:
    return None if secret is None else [secret.form, secret.source, secret.folder]


def _secret_of(row: Any) -> Secret | None:
    if row is None:
        return None
    if row == _INLINE:
        return _NOWHERE
    form, source, folder = row
    return Secret(form, tuple(source) if isinstance(source, list) else source, folder)

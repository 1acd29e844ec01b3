"""`App`: which Agora project, and how to talk to it (design/spec-format.md, "App")."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, PlainValidator, WithJsonSchema

from reconciler.spec.apps import LOOPBACK, AppDefinition
from reconciler.spec.kinds.base import Manifest, SpecModel
from reconciler.spec.values import WEB_ADDRESS, Positive, SecretText, kind_of, refuse

DEFAULT_NAME = "default"
DEFAULT_ENDPOINTS = ("https://api.sd-rtn.com", "https://api.agora.io")


def _endpoint(value: object) -> str:
    if not isinstance(value, str):
        refuse("endpoint", f"an endpoint is a base URL, this is {kind_of(value)}")
    try:
        parts = urlsplit(value)
        sound = _is_base_url(parts)
    except ValueError:
        sound = False
    if not sound:
        hint = "write it as https://api.agora.io, without user, query or fragment"
        refuse("endpoint", "an endpoint is a base URL", hint)
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        refuse("endpoint", "plain http is for loopback addresses only", "use https")
    return value.rstrip("/")


def _is_base_url(parts: SplitResult) -> bool:
    extra = parts.query or parts.fragment or parts.username or parts.password
    return (
        parts.scheme in {"http", "https"} and bool(parts.hostname) and not extra and parts.port != 0
    )


Endpoint = Annotated[
    str,
    PlainValidator(_endpoint),
    WithJsonSchema({"type": "string", "pattern": WEB_ADDRESS, "x-type": "URL"}),
]


class Credentials(SpecModel):
    """Basic authentication of the account that owns the project."""

    customer_id: SecretText
    """Customer ID of the account."""

    customer_secret: SecretText
    """Customer secret of the account."""


class Notifications(SpecModel):
    """How to know that a notification is genuine."""

    secret: SecretText
    """The secret that the console shows for the notifications of Cloud Recording."""


class AppSpec(SpecModel):
    """One Agora project: identity, credentials, endpoints and limits."""

    app_id: SecretText
    """The App ID. A session is only ever called under the App ID it was started with."""

    credentials: Credentials
    """Customer ID and secret of the REST API."""

    certificate: SecretText | None = None
    """App certificate; lets `token: generate` work."""

    endpoints: Annotated[tuple[Endpoint, ...], Field(min_length=1)] = DEFAULT_ENDPOINTS
    """Base URLs, tried in order on connection failure or 5xx.

    Credentials go only to `*.agora.io`, `*.sd-rtn.com`, loopback and hosts that `--allow-endpoint`
    names.
    """

    requests_per_second: Positive = 10
    """Request budget of this App ID, over all calls; two Apps with one App ID share the lower."""

    max_recordings: Positive = 50
    """How many individual and mix sessions may run at once."""

    max_web_recordings: Positive = 200
    """How many web sessions may run at once."""

    notifications: Notifications | None = None
    """Verifies the service's notifications."""


class App(Manifest):
    """Which Agora project, and how to talk to it."""

    kind: Literal["App"]
    """`App`."""

    spec: AppSpec
    """The project."""


def definition(name: str, spec: AppSpec) -> AppDefinition:
    """Return an App as a plain value."""
    return AppDefinition(
        name=name,
        app_id=spec.app_id,
        customer_id=spec.credentials.customer_id,
        customer_secret=spec.credentials.customer_secret,
        certificate=spec.certificate,
        endpoints=spec.endpoints,
        requests_per_second=spec.requests_per_second,
        max_recordings=spec.max_recordings,
        max_web_recordings=spec.max_web_recordings,
        notification_secret=spec.notifications.secret if spec.notifications else None,
    )


def from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the App named `default` that the environment describes: references only."""
    spec: dict[str, Any] = {
        "appId": {"env": "AGORA_APP_ID"},
        "credentials": {
            "customerId": {"env": "AGORA_CUSTOMER_ID"},
            "customerSecret": {"env": "AGORA_CUSTOMER_SECRET"},
        },
    }
    if "AGORA_APP_CERTIFICATE" in environ:
        spec["certificate"] = {"env": "AGORA_APP_CERTIFICATE"}
    if environ.get("AGORA_ENDPOINTS"):
        spec["endpoints"] = [part.strip() for part in environ["AGORA_ENDPOINTS"].split(",")]
    if "AGORA_NCS_SECRET" in environ:
        spec["notifications"] = {"secret": {"env": "AGORA_NCS_SECRET"}}
    metadata = {"name": DEFAULT_NAME}
    return {"apiVersion": "reconciler/v1", "kind": "App", "metadata": metadata, "spec": spec}

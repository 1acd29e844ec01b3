"""One Agora project as its calls need it: App ID, credentials, and where they may be sent.

Holds secrets and shows none.
"""

import base64
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from reconciler.agora.budget import Limit
from reconciler.errors import UsageError
from reconciler.spec.secrets import SecretValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """One App of the specs, with its secrets resolved.

    `name` stands for the App ID in the request budget and in logs; two Apps with one App ID have
    one name. `endpoints` are base URLs in the order in which they are tried; credentials go only to
    `allowed_hosts`, host names without port. Raises UsageError for an endpoint beyond those.
    """

    name: str
    app_id: SecretValue
    customer_id: SecretValue
    customer_secret: SecretValue
    endpoints: tuple[str, ...]
    allowed_hosts: frozenset[str]
    limit: Limit = field(default=Limit(calls_per_s=10))

    def __post_init__(self) -> None:
        for endpoint in self.endpoints:
            self.check_host(endpoint)

    def check_host(self, base_url: str) -> None:
        """Refuse a base URL that credentials must not be sent to. Raises UsageError."""
        if not self.may_send_to(base_url):
            host = _host(base_url)
            hint = f"if you trust it, allow it with --allow-endpoint {host}, and use https"
            raise UsageError(f"credentials are not sent to the host `{host}`", hint=hint)

    def may_send_to(self, base_url: str | None) -> bool:
        """Tell whether credentials may go there: an allowed host, by TLS unless on this machine."""
        host = _host(base_url or "")
        is_private = host in _LOOPBACK or (base_url or "").startswith("https://")
        return host in self.allowed_hosts and is_private

    def authorization(self) -> str:
        """Return the header that authenticates a request (agora-api.md 1.3)."""
        pair = f"{self.customer_id.reveal()}:{self.customer_secret.reveal()}"
        # What no UTF-8 can carry is no credential; it is refused by the service, not quoted here.
        return f"Basic {base64.b64encode(pair.encode(errors='replace')).decode()}"

    def app_path(self, *steps: str) -> str:
        """Return the path of a call of this App (1.5); IDs are opaque, so each step is quoted."""
        inner = "/".join(quote(step, safe="", errors="replace") for step in steps)
        app_id = quote(self.app_id.reveal(), safe="", errors="replace")
        return f"/v1/apps/{app_id}/cloud_recording/{inner}"

    def secrets(self) -> tuple[str, ...]:
        """Return what nobody may read of this project, for `scrub`."""
        token = self.authorization().removeprefix("Basic ")
        values = (self.app_id, self.customer_id, self.customer_secret)
        return (token, *(value.reveal() for value in values))


_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def _host(base_url: str) -> str:
    try:
        return urlsplit(base_url).hostname or ""
    except ValueError:
        return ""

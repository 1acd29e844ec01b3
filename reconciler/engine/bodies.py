"""The bodies of a session's acquire and start, with values, and the clocks that they set."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.agora.rtc_token import recorder_token
from reconciler.engine.site import Site
from reconciler.errors import SecretError
from reconciler.plan.life import Clocks
from reconciler.plan.reasons import Reason
from reconciler.plan.session import Session
from reconciler.spec import mapping
from reconciler.spec.desired import Desired, acquire_body, start_body
from reconciler.spec.rtc_token import EXPIRED_HINT, token_end_s
from reconciler.spec.wire import Mode, get

HOUR_S = 3600
RESOURCE_HOURS = 72
"""What the service takes if nobody says (agora-api.md 2.1)."""


@dataclass(frozen=True, slots=True, repr=False)
class Bodies:
    """What is sent; shows nothing of itself."""

    acquire: dict[str, Any]
    start: dict[str, Any]
    clocks: Clocks


def bodies(site: Site, desired: Desired, session: Session, exclude: Iterable[str] = ()) -> Bodies:
    """Return the bodies of a session; those made again for one session are identical.

    A generated token is made of the session's issue time and salt. Raises SecretError for what does
    not resolve, and for a token that has ended.
    """
    token = _token(site, desired, session)
    start = site.vault.body(start_body(desired, session.uid, token))
    acquire = site.vault.body(acquire_body(desired, session.uid, token, exclude))
    return Bodies(acquire, start, _clocks(site, desired, start))


def duration_s(desired: Desired) -> float | None:
    """Return after how long the service ends a web recording by itself; None for other modes."""
    if desired.mode is not Mode.WEB:
        return None
    for service in get(desired.request, mapping.SERVICES) or []:
        if service["serviceName"] == mapping.WEB_SERVICE:
            hours = service["serviceParam"].get("maxRecordingHour")
            return hours * HOUR_S if isinstance(hours, int) else None
    return None


def credentials_end_s(request: Mapping[str, Any]) -> float | None:
    """Return when the temporary credentials end that a request carries."""
    ends_s = get(request, ("storageConfig", "stsExpiration"))
    return ends_s if isinstance(ends_s, int) else None


def _token(site: Site, desired: Desired, session: Session) -> str | None:
    if not session.token_salt:
        return None
    certificate = site.apps.definitions[desired.app].certificate
    if certificate is None:
        message = (
            f"`token: generate` needs the App certificate, and the App `{desired.app}` has none"
        )
        raise SecretError(message, hint="set `certificate` in the App's manifest")
    app_id = site.apps.app_id(desired.app).reveal()
    value = site.vault.value(certificate)
    made = recorder_token(
        app_id, value, desired.channel, session.token_issued_s, session.token_salt
    )
    return made.reveal()


def _clocks(site: Site, desired: Desired, start: dict[str, Any]) -> Clocks:
    request = start["clientRequest"]
    token = request.get("token")
    token_ends_s = token_end_s(token) if isinstance(token, str) else None
    if token_ends_s is not None and token_ends_s <= site.now_s():
        raise SecretError("the RTC token has expired", hint=EXPIRED_HINT, code=Reason.TOKEN_EXPIRED)
    hours = desired.acquire.get("resourceExpiredHour", RESOURCE_HOURS)
    return Clocks(
        resource_s=(hours if isinstance(hours, int) else RESOURCE_HOURS) * HOUR_S,
        duration_s=duration_s(desired),
        token_ends_s=token_ends_s,
        credentials_end_s=credentials_end_s(request),
    )

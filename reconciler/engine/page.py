"""What was applied to a web recording that a query tells too: pause and pushed address. Pure."""

from typing import Any

from reconciler.plan.applied import UNKNOWN_SEAL, Applied, Seal, Sealed
from reconciler.spec import mapping
from reconciler.spec.wire import get


def is_paused(applied: Applied) -> bool:
    """Tell whether the page is to be on hold."""
    return bool(_params(applied, mapping.WEB_SERVICE).get("onhold", False))


def address_seal(applied: Applied) -> Seal:
    """Return the seal of the pushed address; the unknown one if there is none."""
    address = get(_params(applied, mapping.RTMP_SERVICE), ("outputs", 0, "rtmpUrl"))
    return address.seal if isinstance(address, Sealed) else UNKNOWN_SEAL


def _params(applied: Applied, name: str) -> dict[str, Any]:
    for service in get(applied.request, mapping.SERVICES) or []:
        if service["serviceName"] == name:
            params: dict[str, Any] = service["serviceParam"]
            return params
    return {}

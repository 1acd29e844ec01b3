"""The service's notifications: checked, stored, answered, and acted on at once.

What they say is `engine/notices.py`'s; the statuses are the contract of design/cli.md, "run".
"""

from collections.abc import Mapping

from reconciler.agora.notifications import (
    CLOUD_RECORDING,
    Notification,
    is_genuine,
    read_notification,
)
from reconciler.daemon.claims import Claims
from reconciler.daemon.crew import Crew
from reconciler.daemon.metrics import Metrics
from reconciler.daemon.post import Post
from reconciler.engine.notices import Notices
from reconciler.errors import SecretError
from reconciler.spec.secrets import SecretValue

OK, BAD_REQUEST, UNAUTHORIZED, NOT_FOUND = 200, 400, 401, 404
ELSEWHERE = 503
"""Another `run` works on this App; what it is not told it finds out by itself."""

SIGNATURE = "agora-signature-v2"


class Mailbox:
    """Takes notifications."""

    def __init__(
        self, post: Post, claims: Claims, notices: Notices, crew: Crew, metrics: Metrics
    ) -> None:
        self._post = post
        self._claims = claims
        self._notices = notices
        self._crew = crew
        self._metrics = metrics

    async def take(self, app: str, headers: Mapping[str, str], body: bytes) -> int:
        """Take one for an App; return the HTTP status. Raises StateError if it cannot be stored."""
        secret = self._secret(app)
        if secret is None:
            return NOT_FOUND
        if not is_genuine(body, secret, signature_v2=headers.get(SIGNATURE)):
            return self._refused(UNAUTHORIZED)
        notification = read_notification(body)
        if notification is None:
            return self._refused(BAD_REQUEST)
        if notification.product_id != CLOUD_RECORDING:
            return OK
        if not self._claims.owns_app(app):
            return ELSEWHERE
        await self._act(app, notification)
        return OK

    async def _act(self, app: str, notification: Notification) -> None:
        site = self._post.shop.site
        known = self._notices.duplicates
        names = await self._notices.take(site, app, notification)
        if self._notices.duplicates > known:
            self._metrics.notified(notification.kind, "duplicate")
            return
        self._metrics.notified(notification.kind, "taken", self._notices.lag_s)
        self._crew.renew(names)

    def _secret(self, app: str) -> SecretValue | None:
        site = self._post.shop.site
        known = site.apps.definitions.get(app)
        if known is None or known.error or known.notification_secret is None:
            return None
        try:
            return site.vault.value(known.notification_secret)
        except SecretError:
            return None

    def _refused(self, status: int) -> int:
        self._metrics.notified(None, "refused")
        return status

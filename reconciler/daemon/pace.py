"""How often each running session is queried, as things are now."""

from collections.abc import Mapping
from typing import Any

from reconciler.engine.notices import Notices
from reconciler.engine.shop import Shop
from reconciler.plan.applied import thaw
from reconciler.plan.cadence import resync_s
from reconciler.plan.session import Session

GIVEN_MAX = 20_000
"""Of so many sessions is remembered what they were given."""


class Pace:
    """Knows what `plan/cadence.py` is to be told."""

    def __init__(self, base_s: float, notices: Notices) -> None:
        """Query no more often than every `base_s`, unless a session could end unseen."""
        self._base_s = base_s
        self._notices = notices
        self._desired_s: dict[str, tuple[str, float | None]] = {}
        """The `maxIdle` that each Recording asks for, with the digest of its spec."""

        self._given_s: dict[str, float | None] = {}
        """That of sessions which were given another, by id."""

    def __call__(self, shop: Shop, session: Session) -> float:
        """Return the seconds between two queries of a session."""
        places = shop.site.records.places()
        sessions = sum(places.get((session.app_key, is_web), 0) for is_web in (False, True))
        return resync_s(
            session,
            base_s=self._base_s,
            sessions=sessions,
            calls_per_s=shop.site.apps.rate(session.app),
            reliable=self._notices.is_reliable(session),
            max_idle_s=self._idle_s(shop, session),
        )

    def _idle_s(self, shop: Shop, session: Session) -> float | None:
        """Return a session's own `maxIdle`, whatever its spec says by now; None: it has none."""
        wanted = shop.site.specs.wanted.get(session.recording)
        if wanted is None or wanted.error or wanted.terms.policy.ignore:
            return self._given(shop, session)
        if wanted.digest != session.digest:
            return self._given(shop, session)
        digest, max_idle_s = self._desired_s.get(wanted.name, ("", None))
        if digest != wanted.digest:
            max_idle_s = _max_idle_s(shop.site.specs.desired(wanted.name).request)
            self._desired_s[wanted.name] = wanted.digest, max_idle_s
        return max_idle_s

    def _given(self, shop: Shop, session: Session) -> float | None:
        if session.id not in self._given_s:
            if len(self._given_s) >= GIVEN_MAX:
                self._given_s.clear()
            text = shop.site.records.store.applied([session.id]).get(session.id)
            self._given_s[session.id] = _max_idle_s(thaw(text).request) if text else None
        return self._given_s[session.id]


def _max_idle_s(request: Mapping[str, Any]) -> float | None:
    joins = request.get("recordingConfig")
    told = joins.get("maxIdleTime") if isinstance(joins, dict) else None
    return float(told) if isinstance(told, int) else None

"""How often each running session is queried, as things are now."""

from reconciler.engine.notices import Notices
from reconciler.engine.shop import Shop
from reconciler.plan.cadence import resync_s
from reconciler.plan.session import Session


class Pace:
    """Knows what `plan/cadence.py` is to be told."""

    def __init__(self, base_s: float, notices: Notices) -> None:
        """Query no more often than every `base_s`, unless a session could end unseen."""
        self._base_s = base_s
        self._notices = notices
        self._max_idle_s: dict[str, tuple[str, float | None]] = {}

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
            max_idle_s=self._idle_s(shop, session.recording),
        )

    def _idle_s(self, shop: Shop, name: str) -> float | None:
        wanted = shop.site.specs.wanted.get(name)
        if wanted is None or wanted.error:
            return None
        digest, max_idle_s = self._max_idle_s.get(name, ("", None))
        if digest != wanted.digest:
            joins = shop.site.specs.desired(name).request.get("recordingConfig")
            told = joins.get("maxIdleTime") if isinstance(joins, dict) else None
            max_idle_s = float(told) if isinstance(told, int) else None
            self._max_idle_s[name] = wanted.digest, max_idle_s
        return max_idle_s

"""Which Apps this process works on, where several `run`s share a state.

design/architecture.md, "How it grows past one machine": each App ID is owned by one process at a
time; what another one owned is read anew before it is worked on. A Recording that moves from one
App to another is worked on by who owns both (docs/decisions/017-who-works-on-what-moves.md).
"""

import asyncio
import math
from dataclasses import replace

from reconciler.clock import Clock
from reconciler.daemon.post import Post
from reconciler.engine.site import Site
from reconciler.plan.world import Options
from reconciler.spec.catalog import Catalog

HAND_OVER_S = 10.0
"""Who hands over stays away so long: until then the others have asked, each every 5 s."""

HAND_OVER_GAP_S, HAND_OVER_GAP_S_MAX = 60.0, 3600.0
"""Where that did not help, nobody hands over again so soon, and each time twice as late."""

NOBODY = frozenset({""})
"""As targets: no Recording at all; an empty set would be all of them."""


class Claims:
    """The App IDs that are ours."""

    def __init__(self, post: Post) -> None:
        self.torn = asyncio.Event()
        """A Recording is to move from an App of ours to one that another `run` owns.

        Nobody can work on it as long as both are there: who has its session hands over.
        """

        self.hands_over_after_s = 0.0
        """Until then, on the monotonic clock, what is torn stays so, and all else goes on."""

        self._post = post
        self._known: frozenset[str] = frozenset()
        self._owned: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self._owned)

    @property
    def are_elsewhere(self) -> bool:
        """Tell whether there are App IDs, and others own all of them."""
        return bool(self._known) and not self._owned

    def claim(self, site: Site | None = None) -> bool:
        """Own what no other `run` does; tell whether that is more or less than before.

        `site` knows the Apps of specs that are not in force yet. Raises StateError.
        """
        post, records = self._post, self._post.records
        keys = {each.app_key for each in (site or post.shop.site).apps.facts().values()}
        keys |= {each.app_key for each in records.all_sessions()}
        self._known = frozenset(keys - {""})
        store, scope = records.store, records.scope
        owned = frozenset(key for key in sorted(self._known) if store.claim(scope, key))
        if owned == self._owned:
            return False
        if not owned <= self._owned:
            records.reload(store.snapshot(scope))
            post.guard.learn(post.shop.site.now_s())
        self._owned = owned
        return True

    def settle(self, catalog: Catalog, options: Options) -> Options:
        """Return the options with those as targets that are ours by specs not in force yet.

        State is read anew, since what moved to us may have been started by others. Raises
        StateError.
        """
        records = self._post.records
        if not records.store.is_shared:
            return options
        records.reload(records.store.snapshot(records.scope))
        site = self._post.foreseen(catalog, options)
        self.claim(site)
        names = {*site.specs.wanted, *self._post.names()}
        owned = frozenset(name for name in names if self._app_keys(site, name) <= self._owned)
        return options if owned == names else replace(options, targets=owned or NOBODY)

    def owns(self, name: str) -> bool:
        """Tell whether all App IDs that a Recording has to do with are ours."""
        return self._app_keys(self._post.shop.site, name) <= self._owned

    def owns_app(self, app: str) -> bool:
        """Tell whether an App is ours."""
        facts = self._post.shop.site.apps.facts().get(app)
        return facts is not None and facts.app_key in self._owned

    def look(self) -> None:
        """See whether a Recording is `torn`."""
        is_late = self._post.shop.site.clock.monotonic_s() >= self.hands_over_after_s
        if is_late and any(map(self._is_leaving, self._post.names())):
            self.torn.set()

    def _is_leaving(self, name: str) -> bool:
        desired = self._desired_key(self._post.shop.site, name)
        is_elsewhere = bool(desired) and desired not in self._owned
        return is_elsewhere and not self._living_keys(name).isdisjoint(self._owned)

    def _app_keys(self, site: Site, name: str) -> set[str]:
        return {*self._living_keys(name), self._desired_key(site, name)} - {""}

    def _desired_key(self, site: Site, name: str) -> str:
        """Return the App ID that is desired, or was last; empty if it is not known."""
        facts, app = site.apps.facts(), self._post.app_of(name, site)
        return facts[app].app_key if app in facts else ""

    def _living_keys(self, name: str) -> set[str]:
        """Return the App IDs of its sessions that may live, or be found alive."""
        sessions = self._post.records.sessions_of(name)
        return {each.app_key for each in sessions if each.may_live or each.recheck_s is not None}


class Turns:
    """How often one process has handed over, from one of its daemons to the next.

    Another `run` that owns an App and does nothing, or knows not what moves, must not keep this one
    from its work.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._times = 0
        self._over_s = -math.inf

    def begin(self, claims: Claims) -> None:
        """Say from when on what begins now may hand over."""
        if self._clock.monotonic_s() > self._over_s + HAND_OVER_GAP_S_MAX:
            self._times = 0
        gap_s = HAND_OVER_GAP_S * 2.0 ** (self._times - 1) if self._times else 0.0
        claims.hands_over_after_s = self._over_s + min(gap_s, HAND_OVER_GAP_S_MAX)

    def over(self) -> None:
        """Take note that it hands over."""
        self._times = min(self._times + 1, 10)
        self._over_s = self._clock.monotonic_s()

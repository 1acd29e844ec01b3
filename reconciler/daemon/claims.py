"""Which Apps this process works on, where several `run`s share a state.

design/architecture.md, "How it grows past one machine": each App ID is owned by one process at a
time; what another one owned is read anew before it is worked on. A Recording that moves from one
App to another is worked on by who owns both (docs/decisions/017-who-works-on-what-moves.md).
"""

import asyncio
from dataclasses import replace

from reconciler.daemon.post import Post
from reconciler.plan.world import Options

HAND_OVER_S = 10.0
"""Who hands over stays away so long: until then the others have asked, each every 5 s."""

NOBODY = frozenset({""})
"""As targets: no Recording at all; an empty set would be all of them."""


class Claims:
    """The App IDs that are ours."""

    def __init__(self, post: Post) -> None:
        self.torn = asyncio.Event()
        """A Recording is to move from an App of ours to one that another `run` owns.

        Nobody can work on it as long as both are there: who has its session hands over.
        """

        self._post = post
        self._known: frozenset[str] = frozenset()
        self._owned: frozenset[str] = frozenset()
        self._worked: frozenset[str] = frozenset()
        """The Recordings that were ours after the last load."""

    def __len__(self) -> int:
        return len(self._owned)

    @property
    def are_elsewhere(self) -> bool:
        """Tell whether there are App IDs, and others own all of them."""
        return bool(self._known) and not self._owned

    def claim(self) -> bool:
        """Own what no other `run` does; tell whether that is more or less than before.

        Raises StateError.
        """
        post, records = self._post, self._post.records
        keys = {each.app_key for each in post.shop.site.apps.facts().values()}
        keys |= {each.app_key for each in records.all_sessions()}
        self._known = frozenset(keys - {""})
        store, scope = records.store, records.scope
        owned = frozenset(key for key in sorted(self._known) if store.claim(scope, key))
        if owned == self._owned:
            return False
        if not owned <= self._owned:
            records.reload(store.snapshot(scope))
        self._owned = owned
        return True

    def came(self) -> bool:
        """Read anew what others may have written of Recordings that are ours only now.

        Tell whether there are any. Raises StateError.
        """
        records, before = self._post.records, self._worked
        self._worked = self._ours()
        if self._worked <= before or self._known <= self._owned:
            return False
        records.reload(records.store.snapshot(records.scope))
        self._worked = self._ours()
        return True

    def owns(self, name: str) -> bool:
        """Tell whether all App IDs that a Recording has to do with are ours."""
        return self._app_keys(name) <= self._owned

    def look(self) -> None:
        """See whether a Recording is `torn`."""
        if any(map(self._is_leaving, self._post.names())):
            self.torn.set()

    def owns_app(self, app: str) -> bool:
        """Tell whether an App is ours."""
        facts = self._post.shop.site.apps.facts().get(app)
        return facts is not None and facts.app_key in self._owned

    def targeted(self, options: Options) -> Options:
        """Return the options with those Recordings as targets that are ours to work on."""
        owned = self._ours()
        is_all = owned == self._post.names()
        return options if is_all else replace(options, targets=owned or NOBODY)

    def _ours(self) -> frozenset[str]:
        return frozenset(filter(self.owns, self._post.names()))

    def _is_leaving(self, name: str) -> bool:
        desired = self._desired_key(name)
        is_elsewhere = bool(desired) and desired not in self._owned
        return is_elsewhere and not self._living_keys(name).isdisjoint(self._owned)

    def _app_keys(self, name: str) -> set[str]:
        return (self._living_keys(name) | {self._desired_key(name)}) - {""}

    def _desired_key(self, name: str) -> str:
        """Return the App ID that is desired, or was last; empty if it is not known."""
        facts, app = self._post.shop.site.apps.facts(), self._post.app_of(name)
        return facts[app].app_key if app in facts else ""

    def _living_keys(self, name: str) -> set[str]:
        """Return the App IDs of its sessions that may live, or be found alive."""
        sessions = self._post.records.sessions_of(name)
        return {each.app_key for each in sessions if each.may_live or each.recheck_s is not None}

"""Which Apps this process works on, where several `run`s share a state.

design/architecture.md, "How it grows past one machine": each App ID is owned by one process at a
time; what another one owned is read anew before it is worked on.
"""

from dataclasses import replace

from reconciler.daemon.post import Post
from reconciler.plan.world import Options

NOBODY = frozenset({""})
"""As targets: no Recording at all; an empty set would be all of them."""


class Claims:
    """The App IDs that are ours."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._known: frozenset[str] = frozenset()
        self._owned: frozenset[str] = frozenset()

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

    def owns(self, name: str) -> bool:
        """Tell whether all App IDs that a Recording has to do with are ours."""
        return self._app_keys(name) <= self._owned

    def owns_app(self, app: str) -> bool:
        """Tell whether an App is ours."""
        facts = self._post.shop.site.apps.facts().get(app)
        return facts is not None and facts.app_key in self._owned

    def targeted(self, options: Options) -> Options:
        """Return the options with those Recordings as targets that are ours to work on."""
        names = frozenset(self._post.names())
        owned = frozenset(filter(self.owns, names))
        return options if owned == names else replace(options, targets=owned or NOBODY)

    def _app_keys(self, name: str) -> set[str]:
        facts, app = self._post.shop.site.apps.facts(), self._post.app_of(name)
        keys = {each.app_key for each in self._post.records.sessions_of(name)}
        return (keys | ({facts[app].app_key} if app in facts else set())) - {""}

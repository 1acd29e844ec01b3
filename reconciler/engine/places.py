"""The places that are free now: how many sessions of an App may still begin (plan/capacity.py)."""

from collections.abc import Mapping

from reconciler.engine.site import Site
from reconciler.plan.capacity import Seat, free_places
from reconciler.spec.desired import Desired
from reconciler.spec.wire import Mode


def free_now(site: Site, app: str) -> Mapping[Seat, int]:
    """Return the places that are free to the sessions of an App, by seat; none: no limit is known.

    `app` is its name. Apps of one App ID share them.
    """
    apps = site.apps.facts()
    if app not in apps:
        return {}
    sharing = {each.name: each for each in apps.values() if each.app_key == apps[app].app_key}
    return free_places(sharing, site.records.places())


def is_full(site: Site, desired: Desired) -> bool:
    """Tell whether no session more of a Recording may begin beside all that may live."""
    free = free_now(site, desired.app)
    seat = (site.apps.facts()[desired.app].app_key, desired.mode == Mode.WEB)
    return free.get(seat, 1) <= 0

"""Secrets that files and programs yield, asked anew in a process that lives for months.

A program may take seconds, so it is asked aside: nothing else waits for it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from math import inf
from typing import TypeAlias

from reconciler.engine.differ import Differ
from reconciler.engine.site import Site
from reconciler.errors import SecretError
from reconciler.plan.expiry import rotate_at_s
from reconciler.plan.session import REACHABLE, Session
from reconciler.plan.world import Wanted
from reconciler.spec.secrets import Secret

Aside: TypeAlias = Callable[[Callable[[], bool]], Awaitable[bool]]
"""Does work beside the loop: a thread, or in a simulation the loop itself."""

FRESH_S = 300.0
"""What was asked so lately is not asked again: the least `refresh` (design/spec-format.md)."""

FRESH_APP_S = 30.0
"""The same of credentials that the service has just refused."""

log = logging.getLogger(__name__)


async def renew(site: Site, differ: Differ, name: str, aside: Aside) -> None:
    """Ask anew for the secrets of a Recording whose time has come, or that is to be started."""
    wanted = site.specs.wanted.get(name)
    if wanted is None or wanted.error or not _is_time(site, differ, wanted):
        return
    stale = site.vault.stale(differ.passing(name), FRESH_S)
    if await _asked(site, stale, aside):
        differ.forget_values()


async def renew_all(site: Site, differ: Differ, names: Iterable[str], aside: Aside) -> None:
    """Ask for the secrets of these Recordings that were never asked for."""
    sound = [name for name in names if not site.specs.wanted[name].error]
    new = site.vault.stale((each for name in sound for each in differ.passing(name)), inf)
    if await _asked(site, new, aside):
        differ.forget_values()


async def renew_apps(site: Site, aside: Aside) -> bool:
    """Ask anew for what Apps are called with: the service does not take what some of them have.

    Tell whether anything new was heard.
    """
    apps = site.apps.definitions.values()
    secrets = (each for app in apps for each in (app.app_id, app.customer_id, app.customer_secret))
    return await _asked(site, site.vault.stale(secrets, FRESH_APP_S), aside)


async def _asked(site: Site, secrets: Iterable[Secret], aside: Aside) -> bool:
    """Ask, side by side; tell whether anything new was heard, which is believed from then on."""
    heard = await asyncio.gather(*(aside(partial(_renewed, site, each)) for each in secrets))
    if any(heard):
        site.vault.forget_seals()
    return any(heard)


def _is_time(site: Site, differ: Differ, wanted: Wanted) -> bool:
    now_s = site.now_s()
    living = [each for each in site.records.sessions_of(wanted.name) if each.phase in REACHABLE]
    if len(living) < wanted.terms.replicas:
        return True
    return any(
        each.digest != wanted.digest
        or differ.is_due(each, wanted.terms, now_s)
        or _is_to_rotate(each, wanted, now_s)
        for each in living
    )


def _is_to_rotate(session: Session, wanted: Wanted, now_s: float) -> bool:
    """Tell whether another session is to take over, which begins with fresh credentials."""
    at_s = rotate_at_s(session, restarts_always=wanted.terms.policy.restart == "always")
    return at_s is not None and at_s <= now_s


def _renewed(site: Site, secret: Secret) -> bool:
    try:
        return site.vault.renew(secret)
    except SecretError as problem:
        log.warning("a secret could not be asked anew", extra={"problem": str(problem)})
        return False

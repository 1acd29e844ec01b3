"""What happens to running sessions while nobody watches them."""

from collections.abc import Iterator
from dataclasses import replace

from reconciler.engine.site import Site
from reconciler.plan.recorded import terms_of
from reconciler.plan.session import Phase, Session
from reconciler.plan.times import rfc3339


def unattended_expiry(site: Site) -> Iterator[str]:
    """Yield the warning `unattended-expiry`: without a `run`, nobody rotates what runs.

    design/reconcile.md, "expiry".
    """
    ends = expiries(site)
    if ends:
        expires_s, name = min(ends)
        yield (
            f"warning[unattended-expiry]: nobody watches this scope: `{name}` is the first to "
            f"expire, at {rfc3339(expires_s)}; an apply in the half hour before replaces it"
        )


def expiries(site: Site) -> list[tuple[float, str]]:
    """Return when each running session expires that should go on, and its Recording."""
    return [
        (expires_s, session.recording)
        for session in site.records.all_sessions()
        if session.phase is Phase.RUNNING and (expires_s := _expires_s(site, session)) is not None
    ]


def _expires_s(site: Site, session: Session) -> float | None:
    """Return when it expires; unless it restarts always, `web.maxDuration` is the end asked for."""
    recorded = site.records.recorded.get(session.recording)
    if recorded is not None and terms_of(recorded.terms).policy.restart != "always":
        session = replace(session, duration_ends_s=None)
    return session.expires_s

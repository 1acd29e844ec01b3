"""What happens to running sessions while nobody watches them."""

from collections.abc import Iterator

from reconciler.engine.site import Site
from reconciler.plan.session import Phase
from reconciler.plan.times import rfc3339


def unattended_expiry(site: Site) -> Iterator[str]:
    """Yield the warning `unattended-expiry`: without a `run`, nobody rotates what runs.

    design/reconcile.md, "expiry".
    """
    ends = [
        (expires_s, session.recording)
        for session in site.records.all_sessions()
        if session.phase is Phase.RUNNING and (expires_s := session.expires_s) is not None
    ]
    if ends:
        expires_s, name = min(ends)
        yield (
            f"warning[unattended-expiry]: nobody watches this scope: `{name}` is the first to "
            f"expire, at {rfc3339(expires_s)}; an apply in the half hour before replaces it"
        )

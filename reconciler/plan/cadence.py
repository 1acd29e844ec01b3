"""How often a session that records is queried (design/reconcile.md, "running"). Pure.

How soon after its start, after a 404 and after a stop it is looked at is `looks.py`'s to say.
"""

import hashlib

from reconciler.plan.session import Session

SLOWER_MAX = 5.0
"""So much more seldom is a session queried whose notifications arrive: they tell of its end."""

QUERY_SHARE = 0.7
"""Of an App's calls a second, so many may be queries; the rest is left for what changes things.
1,000 sessions at 10 calls a second fit into it with one query in 143 s or more."""

IDLE_SHARE = 0.9
"""A session whose end is only seen by asking is asked before so much of its `maxIdle` is over."""

SPREAD = 0.1
"""Sessions differ by this share, so that what was started together is not queried together."""


def resync_s(
    session: Session,
    *,
    base_s: float,
    sessions: int,
    calls_per_s: float,
    reliable: bool,
    max_idle_s: float | None,
) -> float:
    """Return the seconds from one query of a running session to its next.

    That is `base_s` (`--resync`), or five times that where its notifications are `reliable`; less
    than `max_idle_s` (None: none) where they are not; and in any case so seldom that the `sessions`
    of its App, queried at this rate, take no more than their share of `calls_per_s`.

    No session stays unobserved for longer than B(N), the wait for a slot aside: with N sessions and
    r calls a second, B(N) = 1.1 x max(5 x base_s, N / (0.63 x r)), and without reliable
    notifications B(N) = 1.1 x max(base_s, N / (0.63 x r)). So it is 132 s for the default and up to
    756 sessions at 10 a second, 175 s for 1,000; less than `maxIdle` as long as the share allows.
    """
    seconds = base_s * SLOWER_MAX if reliable else base_s
    if max_idle_s is not None and not reliable:
        seconds = min(seconds, IDLE_SHARE * max_idle_s / (1 + SPREAD))
    seconds = max(seconds, sessions / (QUERY_SHARE * calls_per_s * (1 - SPREAD)))
    return seconds * (1 - SPREAD + 2 * SPREAD * _drawn(session.id))


def _drawn(session_id: str) -> float:
    """Return a number from 0 to below 1 that only the id decides."""
    return int.from_bytes(hashlib.sha256(session_id.encode()).digest()[:6], "big") / 2**48

"""When a call is made again, and on which host. Pure: random source and times come in.

The waits stand in the error table; here is how they are used: at most three repeats, jitter, the
same host once more before the next (agora-api.md 1.2, 6.10).
"""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

from reconciler.agora.failures import Again, Failure, Meaning, Running
from reconciler.agora.messages import Endpoint, Silence

REPEATS_MAX = 3
"""Then it is for the next pass of the reconciler (agora-api.md 6.10)."""

JITTER = 0.25
"""A wait grows by up to this share, so that what failed together does not come back together."""

_SERVER_ERROR = 500


def next_delay_s(
    waits_s: Sequence[float], repeats: int, rng: Random, at_least_s: float = 0
) -> float:
    """Return how long to wait after `repeats` earlier repeats; the last wait holds for all later.

    `at_least_s` is what the service asked for.
    """
    return max(waits_s[min(repeats, len(waits_s) - 1)], at_least_s) * rng.uniform(1, 1 + JITTER)


class Tries:
    """What was tried of one call so far, and what to try next.

    `hosts` are the base URLs in order; an acquire's start has one. `perhaps`: an earlier try, which
    this object does not know of, may have started a session.
    """

    def __init__(self, hosts: Sequence[str], *, perhaps: bool) -> None:
        self._hosts = hosts
        self._perhaps = perhaps
        self._moves = 0
        self._repeats = 0

    @property
    def host(self) -> str:
        """Return the base URL to try."""
        return self._hosts[self._moves % len(self._hosts)]

    def weigh(self, failure: Failure) -> Failure:
        """Return what this try's failure means after those before it.

        Once a start may have taken effect, only its success and `started` lift that: any other
        answer to a repeat leaves it perhaps started (design/reconcile.md).
        """
        is_start = failure.endpoint is Endpoint.START
        if failure.meaning is Meaning.STARTED or not is_start:
            return failure
        if self._perhaps:
            return replace(failure, meaning=Meaning.PERHAPS_STARTED, running=Running.MAYBE)
        self._perhaps = failure.running is Running.MAYBE
        return failure

    def next_delay_s(self, failure: Failure, rng: Random) -> float | None:
        """Return how long to wait before the next try, which may be at another host; None: no more.

        A request that was not sent goes to the next host at once, as long as there is one.
        """
        not_sent = failure.status is Silence.NOT_SENT
        if not_sent and self._moves + 1 < len(self._hosts):
            self._moves += 1
            return 0.0
        repeat = failure.row.repeat
        if repeat.again is not Again.SAME or self._repeats >= min(REPEATS_MAX, len(repeat.waits_s)):
            return None
        if not_sent or (self._repeats and _is_host_in_trouble(failure)):
            self._moves += 1
        self._repeats += 1
        return next_delay_s(repeat.waits_s, self._repeats - 1, rng, failure.retry_after_s)


def _is_host_in_trouble(failure: Failure) -> bool:
    return isinstance(failure.status, Silence) or failure.status >= _SERVER_ERROR

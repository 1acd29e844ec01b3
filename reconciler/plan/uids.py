"""Which recorder uid a new session gets: one of those given, or a derived one.

The service runs one session of an App ID, channel and uid (agora-api.md 7.5), and an ended one may
hold its uid for a while: so restarts alternate.
"""

import hashlib
from collections.abc import Callable, Collection, Sequence
from itertools import count

DERIVED_MIN, DERIVED_MAX = 2_147_483_648, 4_294_967_295
"""Derived uids are in the upper half of the range, where few others are."""

_DERIVED = DERIVED_MAX - DERIVED_MIN + 1


def derived_uid(scope: str, name: str, replica: int, counter: int) -> str:
    """Return the uid number `counter` of a replica.

    They count up, and around, from a place that is hashed from the rest: so no two of a replica's
    first 2147483648 are the same. This never changes, for state relies on it.
    """
    text = f"{scope}\0{name}\0{replica}"
    begin = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    return str(DERIVED_MIN + (begin + counter) % _DERIVED)


def next_uid(
    pool: Sequence[str],
    *,
    last: str,
    taken: Collection[str],
    derive: Callable[[int], str],
    counter: int,
) -> tuple[str, int]:
    """Return the uid of a new session, and the counter after it.

    The first of `pool` that is not taken, from the one after `last` on; `last` itself comes last.
    Where there is none, what `derive` makes of `counter`, or of the first after it that is free.
    """
    for uid in _after(pool, last):
        if uid not in taken:
            return uid, counter
    number = next(number for number in count(counter) if derive(number) not in taken)
    return derive(number), number + 1


def _after(pool: Sequence[str], last: str) -> Sequence[str]:
    if last not in pool:
        return pool
    begin = pool.index(last) + 1
    return [*pool[begin:], *pool[:begin]]

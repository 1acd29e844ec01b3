"""Which recorder uid a new session gets: one of those given, or a derived one.

The service runs one session of an App ID, channel and uid (agora-api.md 7.5), and an ended one may
hold its uid for a while: so restarts alternate. Where a session that is not ours holds it, its uid
is tried again: another one would record beside it. Whoever starts a session asks
`next_uid(..., last=last.uid, again=uid_again(last))`, `last` being the replica's newest session.
"""

import hashlib
from collections.abc import Callable, Collection, Sequence
from itertools import count

from reconciler.plan.session import End, Session

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


def uid_again(last: Session | None) -> str:
    """Return the uid to try again after a replica's newest session; empty: none.

    After a conflict with a session that is not ours nothing is guessed (design/reconcile.md,
    "Errors of the service"): it stays an error while that one runs, and heals when it ends.
    """
    return last.uid if last is not None and last.end_reason == End.CONFLICT else ""


def next_uid(
    pool: Sequence[str],
    *,
    last: str,
    taken: Collection[str],
    derive: Callable[[int], str],
    counter: int,
    again: str = "",
) -> tuple[str, int]:
    """Return the uid of a new session, and the counter after it.

    That is `again`, if it is still one of `pool` or the last derived, and is not taken. Else the
    first of `pool` that is not taken, from the one after `last` on; `last` itself comes last. Where
    there is none, what `derive` makes of `counter`, or of the first after it that is free.
    """
    is_derived = counter > 0 and again == derive(counter - 1)
    if again and again not in taken and (again in pool or is_derived):
        return again, counter
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

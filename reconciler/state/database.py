"""What the SQL of the store is run on: the interface of `sqlite.py` and `postgres.py`.

Their drivers' types and exceptions stay behind it: what fails is a StateError.
"""

import json
import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import Any, Protocol, TypeAlias

from reconciler.errors import LockedError, StateError
from reconciler.state.store import Holder

Row: TypeAlias = tuple[Any, ...]
Value: TypeAlias = str | int | float | None

INTEGERS = 1 << 63
"""Whole numbers below it, and from its negative on, are those that either database takes."""

NOBODY_KNOWN = Holder(host="", process=0, command="", since_s=0.0)
"""A holder that has not yet said who it is."""


class Run(Protocol):
    """Run one statement, with `?` where values go, in the transaction at hand; return its rows."""

    def __call__(self, sql: str, values: Sequence[Value] = (), /) -> Iterable[Row]:
        """Run it."""
        ...


class Database(Protocol):
    """Tables at one place. Safe to use from several threads, one transaction at a time."""

    @property
    def place(self) -> str:
        """Return where it is, without passwords."""
        ...

    @property
    def key(self) -> bytes | None:
        """Return the key of the seals."""
        ...

    @property
    def writable(self) -> bool:
        """Tell whether it can be written."""
        ...

    @property
    def is_shared(self) -> bool:
        """Tell whether several `run`s may hold one scope beside each other."""
        ...

    def reading(self) -> AbstractContextManager[Run]:
        """Read in one transaction, which sees one moment."""
        ...

    def writing(self, *, durable: bool = True) -> AbstractContextManager[Run]:
        """Write all or nothing, one writer at a time for each row.

        On the disk at the end, unless it need not be `durable`.
        """
        ...

    def now_s(self) -> float:
        """Return the time that all who share this place agree on; within a transaction.

        It need not be the Unix time, and may begin anew with the machine.
        """
        ...

    def lock(self, scope: str, holder: Holder) -> AbstractContextManager[None]:
        """Hold a scope's lock, or raise LockedError at once."""
        ...

    def share(self, scope: str, holder: Holder) -> AbstractContextManager[None]:
        """Hold a scope's lock beside other `run`s where that can be; else alone."""
        ...

    def claim(self, scope: str, app_key: str, /) -> bool:
        """Own an App ID of a scope that is held here, for as long as it is."""
        ...

    def holder(self, scope: str) -> Holder | None:
        """Return who else holds a scope's lock right now; within a transaction."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


def plain(value: Value) -> Value:
    """Return a value as both databases take it.

    Text from outside may hold what they refuse, NUL and halves of surrogate pairs; it must not stop
    a recording.
    """
    if isinstance(value, str):
        if value.isascii() and "\0" not in value:
            return str(value)
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    if isinstance(value, int):
        if not -INTEGERS <= value < INTEGERS:
            raise StateError("a number is too large to be kept in state")
        return int(value)
    return value


def holder_text(holder: Holder) -> str:
    """Return what `holder_of` reads."""
    return json.dumps(asdict(holder))


def holder_of(text: str) -> Holder:
    """Read who holds a lock; `NOBODY_KNOWN` for what cannot be read."""
    try:
        tree = json.loads(text)
        return Holder(
            host=str(tree["host"]),
            process=int(tree["process"]),
            command=str(tree["command"]),
            since_s=float(tree["since_s"]),
        )
    except (ValueError, TypeError, KeyError):
        return NOBODY_KNOWN


def locked(scope: str, place: str, holder: Holder) -> LockedError:
    """Return the error that names who holds a scope."""
    who = "another run"
    if holder != NOBODY_KNOWN:
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(holder.since_s))
        who = f"`{holder.command}` on host `{holder.host}`, process {holder.process}, since {since}"
    return LockedError(
        f"scope `{scope}` of the state at `{place}` is locked by {who}",
        hint="wait until it ends; `--lock-timeout` waits here",
    )


def not_writable(place: str) -> StateError:
    """Return the error for a write where only reading is possible."""
    return StateError(
        f"the state at `{place}` cannot be written",
        hint="allow this user to write it, or name another place with `--state`",
    )


def gone(place: str, key: str) -> StateError:
    """Return the refusal to begin anew where a state has been: what it knew may still run."""
    return StateError(
        f"the state at `{place}` is gone or empty, and its key `{key}` is still there",
        hint=f"restore a backup; if it never held anything, remove `{key}` to begin anew",
    )


def damaged(place: str, detail: str) -> StateError:
    """Return the error for contents that this program never wrote."""
    return StateError(
        f"the state at `{place}` is damaged: {detail}",
        hint="put a copy of it in its place; without one, its sessions may go on unseen",
    )

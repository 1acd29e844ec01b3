"""The advisory locks of a server's connections: scopes held alone or together, and App IDs in them.

They end with their connection, however that ends. Plain SQL, run by `postgres.py` alone.
"""

import hashlib
from dataclasses import dataclass

from reconciler.state.database import NOBODY_KNOWN, Run, holder_of, holder_text
from reconciler.state.store import Holder

_SCOPE = "reconciler scope"
_APP = "reconciler app"


@dataclass(frozen=True, slots=True)
class Hold:
    """A way to hold a scope: what takes it, at once or not at all, and what leaves it."""

    taking: str
    leaving: str


ALONE = Hold("SELECT pg_try_advisory_lock(?)", "SELECT pg_advisory_unlock(?)")

TOGETHER = Hold("SELECT pg_try_advisory_lock_shared(?)", "SELECT pg_advisory_unlock_shared(?)")


def number(*parts: str) -> int:
    """Return the number of an advisory lock."""
    digest = hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def take(run: Run, hold: Hold, scope: str) -> bool:
    """Take a scope; False if somebody stands against it. A connection that has it gets it again."""
    ((is_taken,),) = run(hold.taking, (number(_SCOPE, scope),))
    return bool(is_taken)


def leave(run: Run, hold: Hold, scope: str) -> None:
    """Let go of a scope."""
    run(hold.leaving, (number(_SCOPE, scope),))


def take_app(run: Run, scope: str, app_key: str) -> bool:
    """Take an App ID of a scope, as `take` takes that."""
    ((is_taken,),) = run(ALONE.taking, (number(_APP, scope, app_key),))
    return bool(is_taken)


def leave_app(run: Run, scope: str, app_key: str) -> None:
    """Let go of an App ID of a scope."""
    run(ALONE.leaving, (number(_APP, scope, app_key),))


def tell(run: Run, scope: str, holder: Holder) -> None:
    """Say who this connection, which has the scope, is; forget those that have it no longer."""
    run(_FORGET, (scope, *_halves(scope)))
    run(_TELL, (scope, holder_text(holder)))


def told(run: Run, scope: str) -> Holder:
    """Return one of those that have a scope, `NOBODY_KNOWN` if none is known."""
    rows = list(run(_TOLD, (scope, *_halves(scope))))
    return holder_of(rows[0][0] or "") if rows else NOBODY_KNOWN


def told_of_others(run: Run, scope: str) -> Holder | None:
    """Return one of the other connections that have a scope, None if there is none."""
    rows = list(run(_TOLD_OF_OTHERS, (scope, *_halves(scope))))
    return holder_of(rows[0][0] or "") if rows else None


def _halves(scope: str) -> tuple[int, int]:
    """Return the number of a scope's lock as the server lists it."""
    return divmod(number(_SCOPE, scope) % (1 << 64), 1 << 32)


_HELD = """
    pg_locks.locktype = 'advisory' AND pg_locks.granted AND pg_locks.objsubid = 1
    AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND pg_locks.classid = ? AND pg_locks.objid = ?
"""

_TOLD = """
    SELECT holder FROM pg_locks
    LEFT JOIN holders ON holders.backend = pg_locks.pid AND holders.scope = ?
    WHERE $ ORDER BY holder LIMIT 1
""".replace("$", _HELD)

_TOLD_OF_OTHERS = _TOLD.replace("ORDER BY", "AND pg_locks.pid <> pg_backend_pid() ORDER BY")

_FORGET = """
    DELETE FROM holders WHERE scope = ? AND NOT EXISTS (
        SELECT 1 FROM pg_locks WHERE $ AND pg_locks.pid = holders.backend
    )
""".replace("$", _HELD)

_TELL = """
    INSERT INTO holders (scope, backend, holder) VALUES (?, pg_backend_pid(), ?)
    ON CONFLICT (scope, backend) DO UPDATE SET holder = excluded.holder
"""

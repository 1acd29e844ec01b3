"""What a plan was based on, as one digest: a saved plan is stale when it has moved. Pure.

Desired, applied, sessions and phases, unresolved references (design/cli.md, "apply"), and where
there is a key the secrets that would be sent; no times, which pass by themselves.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.plan.session import Phase, Session
from reconciler.plan.world import EQUAL, Comparison, World


def basis_of(world: World, sessions: dict[str, list[Session]]) -> str:
    """Return a digest of all that decides; `sessions` are those of the world by recording."""
    # Row by row, so that thousands of them never stand in memory at once.
    digest = hashlib.sha256(_ENCODER.encode(world.scope).encode())
    for name in sorted({*world.wanted, *world.recorded}):
        digest.update(_ENCODER.encode(_row(world, name, sessions.get(name, ()))).encode())
    return digest.hexdigest()


def with_marks(basis: str, marks: Mapping[str, Sequence[str]]) -> str:
    """Return a basis with a digest of the secrets that would be sent: keyed hashes, by recording.

    Where one of them is not known, it says nothing of secrets.
    """
    if not all(mark for of_one in marks.values() for mark in of_one):
        return basis
    text = json.dumps(marks, sort_keys=True)
    return f"{basis}:{hashlib.sha256(text.encode()).hexdigest()}"


def still_holds(saved: str, basis: str) -> bool:
    """Tell whether what decided is as it was; of secrets nothing is said that was made without."""
    return saved == basis or saved == basis.partition(":")[0]


_ENCODER = json.JSONEncoder(separators=(",", ":"), default=str)


def _row(world: World, name: str, sessions: Sequence[Session]) -> list[Any]:
    wanted, recorded = world.wanted.get(name), world.recorded.get(name)
    override = recorded.override if recorded else None
    return [
        name,
        [wanted.error or wanted.digest] if wanted else None,
        [override.reason, override.until_s] if override else None,
        _ordered([_of_session(world, session) for session in sessions if _decides(session)]),
        sorted(world.unresolved[name]) if name in world.unresolved else [],
    ]


def _of_session(world: World, session: Session) -> list[Any]:
    comparison = world.comparisons.get(session.id, EQUAL)
    return [
        session.id,
        session.phase,
        session.digest,
        session.sealed,
        session.pending and sorted(session.pending),
        session.stop_reason,
        _of_comparison(comparison),
    ]


def _of_comparison(comparison: Comparison) -> list[Any]:
    if comparison is EQUAL:
        return _AGREES
    return [
        [[change.path, str(change.before), str(change.after)] for change in comparison.changes],
        list(comparison.groups),
        comparison.replaces,
    ]


_AGREES: list[Any] = [[], [], False]


def _ordered(rows: list[Any]) -> list[Any]:
    return sorted(rows) if len(rows) > 1 else rows


def _decides(session: Session) -> bool:
    return session.phase is not Phase.NONE

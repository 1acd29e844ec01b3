"""What an act is: something that happens in a simulation, and how a script draws it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from reconciler.simulator.session import Session
from tests.daemon.cast import Role

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

T = TypeVar("T")

Given: TypeAlias = Mapping[str, Any]


def _nothing(rng: Random) -> Given:
    del rng
    return {}


@dataclass(frozen=True, slots=True)
class Act:
    """Lets something happen; `draw` chooses what it is given, plain values that JSON can hold."""

    does: Callable[..., Awaitable[None] | None]
    draw: Callable[[Random], Given] = _nothing
    weight: float = 1.0


def pick(things: list[T], number: int) -> T | None:
    """Return the thing that a drawn number means; None: there is none at all."""
    return things[number % len(things)] if things else None


def some_role(sim: Simulation, number: int, *modes: str) -> Role | None:
    """Return a Recording that is wanted, of one of these modes (none: of any)."""
    roles = [each for each in sim.roles.values() if not modes or each.mode in modes]
    return pick(roles, number)


def some_session(sim: Simulation, number: int, *modes: str) -> Session | None:
    """Return a session of ours that lives, of one of these modes (none: of any)."""
    alive = [each for each in sim.stage.alive() if each.sid not in sim.foreign]
    return pick([each for each in alive if not modes or each.mode in modes], number)


def number(rng: Random) -> int:
    """Draw what `pick` takes."""
    return rng.randrange(1000)

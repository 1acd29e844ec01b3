"""How people edit many Recordings in one commit, which a guard may hold."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from tests.daemon.cast import fixed
from tests.simulation.acts import edits, people
from tests.simulation.acts.act import Act, number
from tests.simulation.reached import FAULT

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

HELD_S = 400.0
LATER_S = 7200.0
"""After all that is drawn."""


def edit_many(sim: "Simulation", what: str, first: int, count: int) -> None:
    """Do the same to so many in a row, all at once."""
    roles = [each for each in sim.roles.values() if each.name not in sim.in_set]
    names = [roles[(first + index) % len(roles)].name for index in range(min(count, len(roles)))]
    for name in names:
        sim.trouble(edits.GUARD_S, "a guard may hold it", name)
        KINDS_OF[what](sim, list(sim.roles).index(name))
    if names:
        sim.reach(FAULT, f"many {what}")


def _suspend(sim: "Simulation", role: int) -> None:
    edits.hold(sim, role, HELD_S, dated=False)


def _close(sim: "Simulation", role: int) -> None:
    """Record it later, and no longer now."""
    found = list(sim.roles.values())[role]
    begins_s = float(int(sim.now_s + LATER_S))
    edits.reschedule(sim, found.name, fixed((begins_s, begins_s + 600.0)))


KINDS_OF: Mapping[str, Callable[["Simulation", int], None]] = {
    "pruned": people.remove,
    "changed": lambda sim, role: edits.edit_field(sim, role, "resourceExpiry"),
    "suspended": _suspend,
    "closed": _close,
}

KINDS = tuple(f"many {what}" for what in KINDS_OF)
"""The kinds of faults that can be reached here."""

ACTS: Mapping[str, Act] = {
    "edit_many": Act(
        edit_many,
        lambda rng: {
            "what": rng.choice(list(KINDS_OF)),
            "first": number(rng),
            "count": rng.randint(2, 6),
        },
        0.1,
    ),
}

"""Recordings that record the same, so that their names alone tell them apart."""

from collections.abc import Mapping
from copy import deepcopy
from random import Random
from typing import TYPE_CHECKING

from tests.daemon.cast import Role
from tests.simulation.acts.act import Act, Given, number, some_role
from tests.simulation.acts.edits import is_held
from tests.simulation.acts.people import add, call
from tests.simulation.reached import FAULT

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

UNKNOWN_S = 300.0
"""So long may two that took the place of two others wait for their uids."""

RENAMES = ("two to two", "two to one", "one to two")
KINDS = tuple(f"renamed {each}" for each in RENAMES)
"""The kinds of faults that can be reached here."""


def copy(sim: "Simulation", role: int, name: str) -> None:
    """Want one more that records what another does."""
    found = some_role(sim, role, "mix", "individual")
    if found is not None:
        add(sim, {"name": name, "mode": found.mode, "spec": _spec(found), **_ALWAYS})


_ALWAYS: Given = {"windows": (), "crons": ()}


def _spec(role: Role) -> Given:
    spec = {**deepcopy(role.spec), "channel": role.channel}
    return {key: value for key, value in spec.items() if key not in _ITS_OWN}


_ITS_OWN = frozenset({"uid", "backupUids", "suspend"})


def rename_twins(sim: "Simulation", role: int, how: str) -> None:
    """Call two that record the same otherwise, so that nobody can tell who is who.

    Or call one otherwise, while the other is wanted no more, or while another is wanted.
    """
    found = some_role(sim, role, "mix", "individual")
    twins = [each for each in sim.roles.values() if found and _is_twin(sim, each, found)][-2:]
    if len(twins) < 2:
        return
    first, second = twins
    # The names change their order: who only counts takes the one for the other.
    names = [f"{second.name}-a", f"{first.name}-b"]
    if set(names) & {*sim.roles, *(each.name for each in sim.past)}:
        return
    for each in twins:
        sim.trouble(UNKNOWN_S, "nobody can tell who is who", each.name)
    if how == "two to one":
        sim.leave(second)
    elif how == "two to two":
        call(sim, second, names[1])
    else:
        add(sim, {"name": names[1], "mode": first.mode, "spec": _spec(first), **_ALWAYS})
    call(sim, first, names[0])
    sim.reach(FAULT, f"renamed {how}")


def _is_twin(sim: "Simulation", role: Role, found: Role) -> bool:
    same = (role.spec["app"], role.channel, role.mode)
    is_same = same == (found.spec["app"], found.channel, found.mode)
    return is_same and role.name not in sim.in_set and not (role.broken or is_held(sim, role))


def _copy(rng: Random) -> Given:
    return {"role": number(rng), "name": f"twin-{rng.randrange(10_000)}"}


def _rename(rng: Random) -> Given:
    return {"role": number(rng), "how": rng.choice(RENAMES)}


ACTS: Mapping[str, Act] = {
    "copy": Act(copy, _copy, 0.2),
    "rename_twins": Act(rename_twins, _rename, 0.3),
}

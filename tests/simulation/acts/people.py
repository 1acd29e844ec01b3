"""What people do to the specs as a whole: add, remove, rename, break, lose them."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from tests.daemon.cast import Role, renamed
from tests.simulation import casting
from tests.simulation.acts.act import Act, Given, number, some_role
from tests.simulation.acts.edits import GUARD_S, is_held
from tests.simulation.reached import FAULT
from tests.simulation.script import read_part

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

ROLES_MAX = 16


def add(sim: "Simulation", part: Given) -> None:
    """Want one more."""
    names = {*sim.roles, *(each.name for each in sim.past)}
    if part["name"] not in names and len(sim.roles) < ROLES_MAX:
        sim.enter(read_part(part))


def remove(sim: "Simulation", role: int) -> None:
    """Want one no more."""
    if (found := some_role(sim, role)) is not None:
        sim.leave(found)


def put_back(sim: "Simulation", role: int, seconds: float) -> None:
    """Remove one by mistake, and put it back before it is pruned."""
    found = some_role(sim, role)
    if found is not None and found.name not in sim.in_set:
        sim.unwrite(found.name)
        sim.trouble(seconds, "its manifest is away", found.name)
        sim.after(seconds, partial(_write, sim, found))


def _write(sim: "Simulation", role: Role) -> None:
    if sim.roles.get(role.name) is role:
        sim.write(role)


def remove_many(sim: "Simulation", share: float) -> None:
    """Want many no more, which a guard may hold."""
    leaving = list(sim.roles.values())[: int(len(sim.roles) * share)]
    for role in leaving:
        sim.trouble(GUARD_S, "a guard may hold it", role.name)
        sim.leave(role)
    if leaving:
        sim.reach(FAULT, "many removed")


def clear(sim: "Simulation", seconds: float) -> None:
    """Lose all manifests by mistake, and find them again."""
    away = {path: path.read_text(encoding="utf-8") for path in sorted(sim.stage.specs.iterdir())}
    for path in away:
        path.unlink()
    sim.reach(FAULT, "no manifests")
    sim.trouble(seconds + GUARD_S, "there are no manifests")
    sim.commit()
    sim.after(seconds, partial(_restore, sim, seconds))


def _restore(sim: "Simulation", seconds: float) -> None:
    del seconds
    sim.furnish()
    for role in list(sim.roles.values()):
        sim.write(role)


def empty_set(sim: "Simulation", seconds: float) -> None:
    """Let a set yield nothing, by mistake."""
    names = [name for name in sim.in_set if name in sim.roles]
    if names:
        sim.write_set([])
        for name in names:
            sim.trouble(seconds + GUARD_S, "its set is empty", name)
        sim.reach(FAULT, "empty set")
        sim.after(seconds, partial(_write_set, sim))


def _write_set(sim: "Simulation") -> None:
    for name in sim.in_set[:1]:
        sim.write(sim.roles[name])


def rename(sim: "Simulation", role: int) -> None:
    """Call one otherwise, in one commit."""
    found = some_role(sim, role)
    if found is not None and found.name not in sim.in_set and not is_held(sim, found):
        call(sim, found, f"{found.name}-x")


def call(sim: "Simulation", role: Role, name: str) -> None:
    """Give a Recording another name: one that no other has."""
    after = renamed(role, name)
    del sim.roles[role.name]
    sim.roles[after.name] = after
    sim.excuses.rename(role.name, after.name)
    (sim.stage.specs / f"{role.name}.yaml").unlink(missing_ok=True)
    sim.write(after)


def break_manifest(sim: "Simulation", role: int, seconds: float, *, torn: bool = False) -> None:
    """Make a mistake, and mend it later; `torn`: not even whose manifest it is can be read."""
    found = some_role(sim, role)
    if found is not None and found.name not in sim.in_set and not found.broken:
        found.broken = True
        (sim.torn.add if torn else sim.torn.discard)(found.name)
        sim.trouble(seconds, "its manifest is broken", found.name)
        sim.write(found)
        sim.after(seconds, partial(_mend, sim, found))


def _mend(sim: "Simulation", role: Role) -> None:
    if role.broken and sim.roles.get(role.name) is role:
        role.broken = False
        sim.write(role)


def turn_keys(sim: "Simulation") -> None:
    """Give out other credentials."""
    sim.turn_keys()


def lose_source(sim: "Simulation", seconds: float, *, wholly: bool) -> None:
    """Let the specs be out of reach: nothing changes meanwhile."""
    sim.shelf.problem = "the repository cannot be reached"
    if wholly:
        sim.shelf.paths = ()
    sim.reach(FAULT, "source lost wholly" if wholly else "source lost")
    sim.trouble(seconds, "the source is lost")
    sim.shelf.touch()
    sim.after(seconds, partial(find_source, sim))


def find_source(sim: "Simulation") -> None:
    """Let the specs be read again."""
    sim.shelf.paths, sim.shelf.problem = (str(sim.stage.specs),), ""
    sim.shelf.touch()


def _add(rng: Random) -> Given:
    part = casting.part(rng, f"new-{rng.randrange(10_000)}", 900.0)
    drawn: Given = json.loads(json.dumps(asdict(part)))
    return {"part": drawn}


def _seconds(rng: Random) -> float:
    return round(rng.uniform(5, 400), 1)


def _role_for_a_while(rng: Random) -> Given:
    return {"role": number(rng), "seconds": _seconds(rng)}


def _role(rng: Random) -> Given:
    return {"role": number(rng)}


KINDS = ("many removed", "no manifests", "empty set", "source lost", "source lost wholly")
"""The kinds of faults that can be reached here."""

ACTS: Mapping[str, Act] = {
    "add": Act(add, _add),
    "remove": Act(remove, _role, 0.5),
    "put_back": Act(
        put_back, lambda rng: {"role": number(rng), "seconds": round(rng.uniform(5, 280), 1)}, 0.5
    ),
    "remove_many": Act(remove_many, lambda rng: {"share": rng.choice([0.4, 0.6, 1.0])}, 0.15),
    "clear": Act(clear, lambda rng: {"seconds": _seconds(rng)}, 0.2),
    "empty_set": Act(empty_set, lambda rng: {"seconds": _seconds(rng)}, 0.4),
    "rename": Act(rename, _role, 0.5),
    "break_manifest": Act(
        break_manifest, lambda rng: {**_role_for_a_while(rng), "torn": rng.random() < 0.3}
    ),
    "turn_keys": Act(turn_keys),
    "lose_source": Act(
        lose_source,
        lambda rng: {"seconds": round(rng.uniform(5, 400), 1), "wholly": rng.random() < 0.5},
    ),
}

"""Who joins and leaves the channels that are recorded."""

from collections.abc import Callable, Mapping
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from reconciler.simulator.channels import Channel, User
from reconciler.simulator.media import refresh_channel
from reconciler.simulator.orders import evict
from tests.simulation.acts.act import Act, Given, number, some_role, some_session
from tests.simulation.reached import FAULT

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

HOST = User("100")
AUDIENCE = User("101", host=False)
EVICTED_S = 600.0


def empty_channel(sim: "Simulation", role: int, seconds: float, *, watched: bool) -> None:
    """Let everybody leave for a while, or all but the audience; it may end idle."""
    if (found := some_role(sim, role, "mix", "individual")) is not None:
        for each in sim.roles.values():
            if each.channel == found.channel:
                sim.trouble(seconds, "nobody is there", each.name)
        left = [AUDIENCE] if watched else []
        _move(sim, found.channel, partial(_only, left))
        sim.reach(FAULT, "audience alone" if watched else "empty channel")
        sim.after(seconds, partial(_move, sim, found.channel, partial(_only, [HOST])))


def _only(users: list[User], channel: Channel) -> None:
    channel.users.clear()
    for user in users:
        channel.join(user)


def join(sim: "Simulation", role: int, user: int, *, host: bool) -> None:
    """Let somebody join, who may send nothing."""
    if (found := some_role(sim, role, "mix", "individual")) is not None:
        guest = User(str(user), host=host)
        _move(sim, found.channel, lambda channel: channel.join(guest))


def leave(sim: "Simulation", role: int, user: int) -> None:
    """Let somebody leave who need not be there."""
    if (found := some_role(sim, role, "mix", "individual")) is not None:
        _move(sim, found.channel, lambda channel: channel.leave(str(user)))


def take_recorder(sim: "Simulation", session: int, seconds: float) -> None:
    """Let a user join with the uid of a recorder, which loses (agora-api.md 7.4)."""
    found = some_session(sim, session, "mix", "individual")
    if found is not None:
        uid, channel = found.recorder_uid, found.identity.cname
        sim.trouble(EVICTED_S, "a user took the recorder's uid")
        evict(sim.stage.simulator.lived(), channel, uid)
        sim.reach(FAULT, "evicted")
        _move(sim, channel, lambda there: there.join(User(uid)))
        sim.after(seconds, partial(_move, sim, channel, lambda there: there.leave(uid)))


def _move(sim: "Simulation", name: str, change: Callable[[Channel], None]) -> None:
    world = sim.stage.simulator.lived()
    channel = world.ordered_channel(name)
    assert channel is not None
    change(channel)
    refresh_channel(world, name)
    sim.stage.simulator.clock.nudge()


def _guest(rng: Random) -> Given:
    return {"role": number(rng), "user": rng.randint(1, 20)}


KINDS = ("empty channel", "audience alone", "evicted")
"""The kinds of faults that can be reached here."""

ACTS: Mapping[str, Act] = {
    "empty_channel": Act(
        empty_channel,
        lambda rng: {
            "role": number(rng),
            "seconds": round(rng.uniform(30, 500), 1),
            "watched": rng.random() < 0.3,
        },
    ),
    "join": Act(join, lambda rng: {**_guest(rng), "host": rng.random() < 0.6}),
    "leave": Act(leave, _guest, 0.5),
    "take_recorder": Act(
        take_recorder,
        lambda rng: {"session": number(rng), "seconds": round(rng.uniform(1, 300), 1)},
        0.5,
    ),
}

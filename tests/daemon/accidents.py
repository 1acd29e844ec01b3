"""What happens to a daemon's service and to its process; each excuses what it may cost."""

import asyncio
from functools import partial
from typing import Any

from reconciler.agora.messages import Silence
from reconciler.simulator.channels import User
from reconciler.simulator.media import refresh_channel
from reconciler.simulator.outbox import Chaos
from tests.daemon.cast import Role
from tests.daemon.people import edit_files, subscribe
from tests.daemon.week import CALM_S, GRACE_S, RECOVERY_S, START_S, Act, Week

HOST = User("100")
PATIENCE_S = 300.0

# What happens at the service


async def break_session(week: Week) -> None:
    """Let a session end in one of the ways that nobody asked for."""
    if (found := week.some_session()) is not None:
        role, session = found
        order, body = week.rng.choice(_PAGE if session.is_web else _CHANNEL)
        is_told = order != "kill" and _is_heard(week)
        excused_s = 2 * START_S if is_told else week.unseen_s
        week.excuses.say(role.name, week.now_s, week.now_s + excused_s, order)
        if not is_told:  # it is only known to have lived when it was last asked
            week.doubts.say(role.name, week.now_s - week.unseen_s, week.now_s, order)
        role.calm_s = week.now_s + excused_s + CALM_S
        week.stage.order(session, order, **body)
        week.stage.simulator.clock.nudge()


_CHANNEL: tuple[tuple[str, dict[str, Any]], ...] = (
    ("kill", {}),
    ("fail", {"cause": "upload"}),
    ("fail", {"cause": "parameters"}),
)
_PAGE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("kill", {}),
    ("page", {"end": 6}),
    ("page", {"limit": "WebGL"}),
    ("fail", {"cause": "storage"}),
)


def _is_heard(week: Week) -> bool:
    """Tell whether notifications arrive."""
    return week.stage.simulator.world.outbox.chaos == Chaos()


async def fail_over(week: Week) -> None:
    """Let a session move to another server, or fail at the fourth time."""
    if (found := week.some_session()) is not None and not found[1].away:
        role, session = found
        seconds = week.rng.uniform(1.0, 75.0)
        is_last = session.failovers >= 3
        excused_s = week.unseen_s if is_last else seconds + 5.0
        role.calm_s = week.now_s + excused_s + CALM_S * is_last
        week.excuses.say(role.name, week.now_s, week.now_s + excused_s, "failover")
        # What is told of it afterwards does not say when it began: 90 s before, at the earliest.
        # Where nothing is told it is found again with the next look, up to 30 s later.
        before_s = week.unseen_s if is_last else GRACE_S
        doubted_s = week.now_s + excused_s + 30.0
        week.doubts.say(role.name, week.now_s - before_s, doubted_s, "failover")
        week.stage.order(session, "failover", seconds=seconds)
        week.stage.simulator.clock.nudge()
        if role.mode != "web" and week.rng.random() < 0.5:  # a call finds out that it is away
            subscribe(week, role)


async def empty_channel(week: Week) -> None:
    """Let everybody leave for a while; if it takes long, the recording ends idle."""
    role = week.some(lambda each: each.mode != "web" and not _is_particular(each))
    if role is not None:
        seconds = week.rng.uniform(30, 1500)
        excused_s = seconds + week.unseen_s
        week.excuses.say(role.name, week.now_s, week.now_s + excused_s, "nobody there")
        if not _is_heard(week):
            week.doubts.say(role.name, week.now_s - week.unseen_s, week.now_s, "nobody there")
        _move(week, role.channel, [])
        week.after(seconds, partial(_move, week, role.channel, [HOST]))


def _is_particular(role: Role) -> bool:
    """Tell whether somebody else records its channel too, or an idle end is its last."""
    return role.name == "lobby" or role.spec.get("policy", {}).get("restart") == "on-failure"


def _move(week: Week, channel: str, users: list[User]) -> None:
    world = week.stage.simulator.lived()
    there = world.ordered_channel(channel)
    assert there is not None
    there.users.clear()
    for user in users:
        there.join(user)
    refresh_channel(world, channel)
    week.stage.simulator.clock.nudge()


async def trouble(week: Week) -> None:
    """Let calls fail or take long, for minutes."""
    endpoint = week.rng.choice(["*", "query", "start", "acquire", "update", "stop"])
    effect = week.rng.choice(_TROUBLES)
    seconds = week.rng.uniform(30, 900)
    _trouble(week, seconds)
    week.stage.fault(endpoint, effect=effect, probability=week.rng.choice([0.3, 1.0]))
    await week.wait(seconds)
    week.stage.heal()
    week.calm_s = week.now_s + RECOVERY_S + CALM_S


def _trouble(week: Week, seconds: float) -> None:
    """Excuse a time of trouble; what ends in it was last seen before it."""
    week.excuses.say("", week.now_s, week.now_s + seconds + RECOVERY_S, "trouble")
    week.doubts.say("", week.now_s - week.unseen_s, week.now_s, "trouble")


_TROUBLES: tuple[dict[str, Any], ...] = (
    {"status": 500, "code": 500, "reason": "internal"},
    {"status": 503, "code": 503, "reason": "unavailable"},
    {"drop": "before"},
    {"delay_s": 20.0},
    {"hold_s": 4.0},
)


async def lose_answer(week: Week) -> None:
    """Lose the answers to the next few calls that change something."""
    endpoint = week.rng.choice(["acquire", "start", "update", "updateLayout", "stop"])
    week.stage.fault(endpoint, effect={"drop": "after"}, times=week.rng.randint(1, 2))
    week.after(600.0, week.stage.heal)


async def outage(week: Week) -> None:
    """Let nobody be reached."""
    seconds = week.rng.uniform(30, 1800)
    _trouble(week, seconds)
    week.run.wire.down = week.rng.choice([Silence.NOT_SENT, Silence.NO_ANSWER])
    await week.wait(seconds)
    week.run.wire.down = None
    week.calm_s = week.now_s + RECOVERY_S + CALM_S


async def garble_notices(week: Week) -> None:
    """Lose, double and delay notifications for hours."""
    chance = week.rng.uniform
    week.stage.simulator.world.outbox.chaos = Chaos(
        loss=chance(0, 0.5), duplicate=chance(0, 0.5), disorder=chance(0, 0.5), disorder_s=30.0
    )
    week.after(chance(600, 14_400), partial(_clear_notices, week))


def _clear_notices(week: Week) -> None:
    week.stage.simulator.world.outbox.chaos = Chaos()


# What happens to the daemon


async def restart(week: Week) -> None:
    """End it in order, and begin anew."""
    began_s = week.now_s
    await week.run.end()
    await _begin_again(week, began_s)


async def kill(week: Week) -> None:
    """End it at once, at whatever it waits for."""
    began_s = week.now_s
    await week.run.kill()
    await _begin_again(week, began_s)


async def kill_at_call(week: Week) -> None:
    """End it at once, just before a call that changes something leaves, or after its answer."""
    left = week.rng.randint(1, 6)
    dead_s = 0.0

    def pass_(endpoint: str) -> None:
        nonlocal left, dead_s
        left -= endpoint != "query"
        if left <= 0:
            dead_s = dead_s or week.now_s
            week.run.store.dead = True
            raise asyncio.CancelledError

    week.run.wire.passing = pass_
    await edit_files(week)
    until_s = week.now_s + PATIENCE_S
    while not dead_s and week.now_s < until_s:
        await week.wait(5)
    dead_s = dead_s or week.now_s
    await week.run.kill()
    week.run.wire.passing = lambda _: None
    await _begin_again(week, dead_s)


async def _begin_again(week: Week, began_s: float) -> None:
    seconds = week.rng.choice([0.0, 1.0, week.rng.uniform(0, 120)])
    await week.wait(seconds)
    week.excuses.say("", began_s, week.now_s + GRACE_S + START_S, "down")
    # What ends meanwhile is told to nobody, and was last seen before.
    week.doubts.say("", began_s - week.unseen_s, began_s, "down")
    week.run.begin()


SERVICE: tuple[Act, ...] = (
    break_session,
    break_session,
    break_session,
    fail_over,
    fail_over,
    empty_channel,
    trouble,
    lose_answer,
    outage,
    garble_notices,
)
PROCESS: tuple[Act, ...] = (restart, kill, kill_at_call, kill_at_call)

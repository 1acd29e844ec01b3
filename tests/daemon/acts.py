"""What happens to a daemon in a week: each excuses what it may cost."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from reconciler.agora.messages import Silence
from reconciler.engine.demands import Demand, Resume, Stop, Suspend, request_of
from reconciler.simulator.channels import User
from reconciler.simulator.media import refresh_channel
from reconciler.simulator.outbox import Chaos
from reconciler.simulator.session import Session
from tests.daemon.cast import Role, Times, renamed
from tests.daemon.week import CALM_S, GRACE_S, RECOVERY_S, START_S, Act, Week

LIVE: dict[str, Any] = {"channelProfile": "live", "token": "generate", "resourceExpiry": "8h"}
HOST = User("100")
STOPPED_FIRST_S = GRACE_S + START_S

# What people write


async def edit_layout(week: Week) -> None:
    """Give a recording another layout, which changes while it records."""
    role = _some(week, lambda each: each.mode == "mix")
    if role is not None:
        role.spec["layout"] = {
            "type": week.rng.choice(["floating", "best-fit"]),
            "background": {"color": f"#{week.rng.randrange(0x1000000):06x}"},
        }
        week.write(role)


async def edit_subscriptions(week: Week) -> None:
    """Record other users, while it records."""
    role = _some(week, lambda each: each.mode != "web")
    if role is not None:
        audio = ["100", *(str(week.rng.randint(1, 20)) for _ in range(2))]
        role.spec["subscriptions"] = {"audio": week.rng.choice(["all", sorted(set(audio))])}
        week.write(role)


async def edit_files(week: Week) -> None:
    """Record other files, which takes another session."""
    role = _some(week, lambda each: each.mode != "individual")
    if role is not None:
        files = role.spec.get("files", ["hls"])
        role.spec["files"] = ["hls"] if files == ["hls", "mp4"] else ["hls", "mp4"]
        if role.spec.get("policy", {}).get("replace") == "stop-first":
            week.excuses.say(role.name, week.now_s, week.now_s + STOPPED_FIRST_S, "stopped first")
        week.write(role)


async def edit_windows(week: Week) -> None:
    """Let a scheduled recording begin now for a while, beside its windows."""
    role = _some(week, lambda each: len(each.times.schedule) == 1)
    if role is not None:
        before, now_s = role.times, week.now_s
        more = (float(int(now_s)), float(int(now_s + week.rng.uniform(600, 7200))))
        both = _with(before, more)
        role.ask(now_s, both)
        week.expect(role, "another schedule")
        week.write(role)
        week.after(more[1] - now_s + 60, partial(_as_before, week, role, before))


def _with(times: Times, more: tuple[float, float]) -> Times:
    from_s, until_s = (_text(moment_s) for moment_s in more)
    return Times(
        (*times.schedule, {"from": from_s, "until": until_s}),
        lambda begins_s, ends_s: [*times.opens(begins_s, ends_s), more],
    )


def _as_before(week: Week, role: Role, times: Times) -> None:
    if week.roles.get(role.name) is role:
        role.ask(week.now_s, times)
        week.expect(role, "its old schedule")
        week.write(role)


async def add(week: Week) -> None:
    """Want one more."""
    rooms = [name for name in week.roles if name.startswith("room")]
    if len(rooms) < 3:
        name = f"room-{week.count['add']}"
        storage = week.rng.choice(["archive", "filed"])
        week.enter(Role(name, "mix", {"app": "south", "storage": storage, **LIVE}))


async def remove(week: Week) -> None:
    """Want one no more; it comes back within the delay, or never."""
    role = _some(week, lambda each: each.name.startswith("room"))
    if role is not None:
        (week.stage.specs / f"{role.name}.yaml").unlink()
        week.run.change()
        if week.rng.random() < 0.5:
            role.busy = True
            week.after(week.rng.uniform(10, 250), partial(_put_back, week, role))
            return
        role.ask(week.now_s, None)
        week.past.append(week.roles.pop(role.name))


async def rename(week: Week) -> None:
    """Call one otherwise, in one commit."""
    role = _some(week, lambda each: each.name.startswith("room"))
    if role is not None:
        after = renamed(role, f"room-{week.count['rename']}-renamed")
        del week.roles[role.name]
        week.roles[after.name] = after
        week.excuses.rename(role.name, after.name)
        week.doubts.rename(role.name, after.name)
        (week.stage.specs / f"{role.name}.yaml").unlink()
        week.write(after)


async def break_manifest(week: Week) -> None:
    """Make a mistake, and mend it later: what it recorded goes on, unless it ends meanwhile."""
    role = _some(week, _is_long)
    if role is not None:
        role.broken = role.busy = True
        week.write(role)
        week.after(week.rng.uniform(60, 900), partial(_put_back, week, role))


def _is_long(role: Role) -> bool:
    """Tell whether nothing has to begin before a mistake is mended: no window, no rotation."""
    return not role.times.schedule and role.spec.get("resourceExpiry") in {"8h", "72h"}


def _put_back(week: Week, role: Role) -> None:
    role.broken = role.busy = False
    week.write(role)


async def turn_keys(week: Week) -> None:
    """Give out other credentials."""
    week.turn_keys()


async def lose_source(week: Week) -> None:
    """Let the specs be out of reach: nothing changes meanwhile."""
    source = week.run.source
    paths, source.problem = source.paths, "the repository cannot be reached"
    source.paths = () if week.rng.random() < 0.5 else paths
    week.run.change()
    await week.wait(week.rng.uniform(30, 600))
    source.paths, source.problem = paths, ""
    week.run.change()


# What people ask for


async def suspend(week: Week) -> None:
    """Hold one for a while, or until it is resumed."""
    role = _some(week, lambda each: not each.times.schedule)
    if role is None:
        return
    role.busy = True
    began_s, seconds = week.now_s, week.rng.uniform(120, 1800)
    is_timed = week.rng.random() < 0.5
    _ask(week, Suspend(names=(role.name,), reason="", for_s=seconds if is_timed else None))
    await week.wait(week.taken_s)
    week.after(seconds - week.taken_s, partial(_resume, week, role, began_s, is_timed=is_timed))


def _resume(week: Week, role: Role, began_s: float, *, is_timed: bool) -> None:
    if not (is_timed or week.run.alive):
        week.after(60.0, partial(_resume, week, role, began_s, is_timed=is_timed))
        return
    if not is_timed:
        _ask(week, Resume(names=(role.name,)))
    role.busy = False
    role.suspended.append((began_s, week.now_s))
    week.excuses.say(role.name, week.now_s, week.now_s + week.taken_s + START_S, "suspended")


async def stop(week: Week) -> None:
    """Stop one that the specs still want: it is started again."""
    role = _some(week, lambda each: not each.times.schedule)
    if role is not None:
        _ask(week, Stop(names=(role.name,), timeout_s=60.0, parallelism=4))
        excused_s = week.taken_s + GRACE_S + START_S
        week.excuses.say(role.name, week.now_s, week.now_s + excused_s, "stopped on request")
        await week.wait(week.taken_s)


def _ask(week: Week, demand: Demand) -> None:
    with week.stage.store() as store:
        store.ask(week.stage.scope, request_of(demand, week.now_s))


# What happens at the service


async def break_session(week: Week) -> None:
    """Let a session end in one of the ways that nobody asked for."""
    if (found := _session(week)) is not None:
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
    if (found := _session(week)) is not None and not found[1].away:
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


async def empty_channel(week: Week) -> None:
    """Let everybody leave for a while; if it takes long, the recording ends idle."""
    role = _some(week, lambda each: each.mode != "web" and not _is_particular(each))
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
    """End it at once, just before a call leaves or after its answer came."""
    left = week.rng.randint(1, 6)
    dead_s = 0.0

    def pass_() -> None:
        nonlocal left, dead_s
        left -= 1
        if left <= 0:
            dead_s = dead_s or week.now_s
            week.run.store.dead = True
            raise asyncio.CancelledError

    week.run.wire.passing = pass_
    await edit_files(week)
    while not dead_s:
        await week.wait(5)
    await week.run.kill()
    week.run.wire.passing = lambda: None
    await _begin_again(week, dead_s)


async def _begin_again(week: Week, began_s: float) -> None:
    seconds = week.rng.choice([0.0, 1.0, week.rng.uniform(0, 120)])
    await week.wait(seconds)
    week.excuses.say("", began_s, week.now_s + GRACE_S + START_S, "down")
    week.run.begin()


PEOPLE: tuple[Act, ...] = (
    edit_layout,
    edit_subscriptions,
    edit_files,
    edit_windows,
    add,
    remove,
    rename,
    break_manifest,
    turn_keys,
    lose_source,
    suspend,
    stop,
)
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
PROCESS: tuple[Act, ...] = (restart, kill, kill_at_call)


def _some(week: Week, fits: Callable[[Role], bool]) -> Role | None:
    """Return one of the Recordings with which nothing is wrong now."""
    found = [role for role in week.roles.values() if week.is_well(role) and fits(role)]
    return week.rng.choice(found) if found else None


def _session(week: Week) -> tuple[Role, Session] | None:
    """Return a session of such a Recording."""
    found = [pair for pair in week.sessions() if week.is_well(pair[0])]
    return week.rng.choice(found) if found else None


def _text(moment_s: float) -> str:
    return datetime.fromtimestamp(moment_s, UTC).isoformat()

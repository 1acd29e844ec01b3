"""What people do to a daemon's specs and recordings; each excuses what it may cost."""

from datetime import UTC, datetime
from functools import partial

from reconciler.engine.demands import Demand, Resume, Stop, Suspend, request_of
from tests.daemon.cast import LIVE, Role, Times, renamed
from tests.daemon.week import GRACE_S, START_S, Act, Week

STOPPED_FIRST_S = GRACE_S + START_S

# What people write


async def edit_layout(week: Week) -> None:
    """Give a recording another layout, which changes while it records."""
    role = week.some(lambda each: each.mode == "mix")
    if role is not None:
        role.spec["layout"] = {
            "type": week.rng.choice(["floating", "best-fit"]),
            "background": {"color": f"#{week.rng.randrange(0x1000000):06x}"},
        }
        week.write(role)


async def edit_subscriptions(week: Week) -> None:
    """Record other users, while it records."""
    role = week.some(lambda each: each.mode != "web")
    if role is not None:
        subscribe(week, role)


def subscribe(week: Week, role: Role) -> None:
    """Let a recording record other users."""
    audio = {"100", *(str(week.rng.randint(1, 20)) for _ in range(2))}
    role.spec["subscriptions"] = {"audio": week.rng.choice(["all", sorted(audio)])}
    week.write(role)


async def edit_files(week: Week) -> None:
    """Record other files, which takes another session."""
    role = week.some(lambda each: each.mode != "individual")
    if role is not None:
        files = role.spec.get("files", ["hls"])
        role.spec["files"] = ["hls"] if files == ["hls", "mp4"] else ["hls", "mp4"]
        if role.spec.get("policy", {}).get("replace") == "stop-first":
            week.excuses.say(role.name, week.now_s, week.now_s + STOPPED_FIRST_S, "stopped first")
        week.write(role)


async def edit_windows(week: Week) -> None:
    """Let a scheduled recording begin now for a while, beside its windows."""
    role = week.some(lambda each: len(each.times.schedule) == 1)
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
    if len(rooms) < week.rooms_max:
        name = f"room-{week.count['add']}"
        storage = week.rng.choice(["archive", "filed"])
        week.enter(Role(name, "mix", {"app": "south", "storage": storage, **LIVE}))


async def remove(week: Week) -> None:
    """Want one no more; it comes back within the delay, or never."""
    role = week.some(lambda each: each.name.startswith("room"))
    if role is not None:
        (week.stage.specs / f"{role.name}.yaml").unlink()
        week.commit()
        if week.rng.random() < 0.5:
            role.busy = True
            week.after(week.rng.uniform(10, 250), partial(_put_back, week, role))
            return
        role.ask(week.now_s, None)
        week.past.append(week.roles.pop(role.name))


async def rename(week: Week) -> None:
    """Call one otherwise, in one commit."""
    role = week.some(lambda each: each.name.startswith("room"))
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
    role = week.some(_is_long)
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
    role = week.some(lambda each: not each.times.schedule)
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
    role = week.some(lambda each: not each.times.schedule)
    if role is not None:
        _ask(week, Stop(names=(role.name,), timeout_s=60.0, parallelism=4))
        excused_s = week.taken_s + GRACE_S + START_S
        week.excuses.say(role.name, week.now_s, week.now_s + excused_s, "stopped on request")
        await week.wait(week.taken_s)


def _ask(week: Week, demand: Demand) -> None:
    with week.stage.store() as store:
        store.ask(week.stage.scope, request_of(demand, week.now_s))


def _text(moment_s: float) -> str:
    return datetime.fromtimestamp(moment_s, UTC).isoformat()


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

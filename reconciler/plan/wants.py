"""Whether a replica is to record at a moment, and why not. Pure.

Desired state alone decides here: the specs, and what a person asked of state. Sessions do not.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from reconciler.plan.action import Cause, Key
from reconciler.plan.reasons import Reason
from reconciler.plan.recorded import Override, Terms, terms_of
from reconciler.plan.session import End
from reconciler.plan.times import instant, rfc3339
from reconciler.plan.world import Wanted, World
from reconciler.spec.cron import parse_cron
from reconciler.spec.desired import Window
from reconciler.spec.schedule import (
    CronWindow,
    FixedWindow,
    Schedule,
    parse_time,
    parse_timezone,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """Whether a replica is to record.

    `reason` is why nothing needs to be done where it is not to record and does not; `end` is what
    the end of a session is called that still does. `why` completes the sentence "it does not
    record: ...". `until_s` is when the answer changes by itself.
    """

    wanted: bool
    reason: Reason = Reason.IN_SYNC
    cause: Cause = Cause.SPEC
    why: str = ""
    until_s: float | None = None
    end: End | None = None


def want(world: World, key: Key) -> Want:
    """Tell whether `key` is to record at `world.at_s`."""
    wanted = world.wanted.get(key.recording)
    if wanted is None:
        return _REMOVED
    if wanted.error:
        return _INVALID
    if key.replica >= wanted.terms.replicas:
        return _surplus(wanted.terms.replicas)
    return _suspended(wanted.terms, world.at_s) or _as_scheduled(world, wanted)


def reopened(world: World, wanted: Wanted, since_s: float) -> Reason | None:
    """Tell what has happened after `since_s` that lets a recording begin afresh.

    That is a window that opened, or a suspend that ended (design/spec-format.md, `restart`).
    """
    if wanted.terms.schedule is not None:
        opened = schedule_of(wanted.terms.schedule).opened_at(instant(world.at_s))
        if opened is not None and opened.timestamp() > since_s:
            return Reason.WINDOW_OPEN
    # Of what is to record, no suspend is still to end.
    ends = _suspend_ends(world, wanted)
    return Reason.RESUMED if any(end_s > since_s for end_s in ends) else None


@lru_cache(maxsize=4096)
def schedule_of(windows: tuple[Window, ...]) -> Schedule:
    """Make the calendar of checked windows; thousands of recordings share one."""
    return Schedule(tuple(map(_window, windows)))


_REMOVED = Want(
    wanted=False, reason=Reason.REMOVED, why="it is gone from the specs", end=End.REMOVED
)
_INVALID = Want(wanted=False, reason=Reason.SPEC_INVALID, why="its manifest has errors")


def _surplus(replicas: int) -> Want:
    return Want(
        wanted=False,
        reason=Reason.REPLICA_REMOVED,
        why=f"its spec asks for `replicas: {replicas}`",
        end=End.SURPLUS,
    )


def _suspended(terms: Terms, at_s: float) -> Want | None:
    until_s = _time_s(terms.suspend_until)
    if not terms.suspend or (until_s is not None and until_s <= at_s):
        return None
    return _pause(Cause.SPEC, "its spec suspends it", terms.suspend_reason, until_s)


def _overridden(override: Override | None, at_s: float) -> Want | None:
    if override is None or (override.until_s is not None and override.until_s <= at_s):
        return None
    return _pause(Cause.REQUEST, "`reconciler suspend` holds it", override.reason, override.until_s)


def _pause(cause: Cause, why: str, reason: str, until_s: float | None) -> Want:
    said = f" ({reason})" if reason else ""
    until = f" until {rfc3339(until_s)}" if until_s is not None else ""
    return Want(
        wanted=False,
        reason=Reason.SUSPENDED,
        cause=cause,
        why=why + until + said,
        until_s=until_s,
        end=End.SUSPENDED,
    )


def _as_scheduled(world: World, wanted: Wanted) -> Want:
    recorded = world.recorded.get(wanted.name)
    held = _overridden(recorded.override, world.at_s) if recorded else None
    if held is not None:
        return held
    if wanted.terms.schedule is None:
        return _ALWAYS
    return _scheduled(wanted.terms.schedule, world.at_s)


_ALWAYS = Want(wanted=True)


@lru_cache(maxsize=4096)
def _scheduled(windows: tuple[Window, ...], at_s: float) -> Want:
    """Ask the calendar once for all that share it."""
    schedule, now = schedule_of(windows), instant(at_s)
    change_s = _stamp(schedule.next_change(now))
    if schedule.open_at(now):
        return Want(wanted=True, cause=Cause.SCHEDULE, until_s=change_s)
    opens = f"the next window opens at {rfc3339(change_s)}" if change_s else "no window is to come"
    return Want(
        wanted=False,
        reason=Reason.OUTSIDE_SCHEDULE,
        cause=Cause.SCHEDULE,
        why=f"no window of its schedule is open; {opens}",
        until_s=change_s,
        end=End.WINDOW_CLOSED,
    )


def _suspend_ends(world: World, wanted: Wanted) -> list[float]:
    recorded = world.recorded.get(wanted.name)
    ends = [_time_s(wanted.terms.suspend_until) if wanted.terms.suspend else None]
    if recorded is not None:
        ends.append(recorded.override.until_s if recorded.override else None)
        before = terms_of(recorded.terms)
        if before.suspend and not wanted.terms.suspend:  # lifted now, if it was not over before
            until_s = _time_s(before.suspend_until)
            ends.append(world.at_s if until_s is None else min(until_s, world.at_s))
    return [end_s for end_s in ends if end_s is not None]


def _window(window: Window) -> CronWindow | FixedWindow:
    if window.cron:
        zone = parse_timezone(window.timezone)
        return CronWindow(parse_cron(window.cron), window.duration_s, zone)
    return FixedWindow(parse_time(window.start), parse_time(window.until))


def _time_s(text: str) -> float | None:
    return parse_time(text).timestamp() if text else None


def _stamp(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()

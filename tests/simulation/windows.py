"""Schedules of a simulation: windows that stand in a calendar, and cron times per minute or hour.

When they are open is worked out from the time zones of the standard library alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from tests.daemon.cast import Times, fixed

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe")
MINUTE_S = 60

Windows = Sequence[tuple[float, float]]


def times_of(windows: Windows, crons: Sequence[Mapping[str, Any]], zero_s: float) -> Times:
    """Return when a Recording records; `windows` are seconds since `zero_s`."""
    spans = tuple((zero_s + begins, zero_s + ends) for begins, ends in windows)
    schedule = (*fixed(*spans).schedule, *(_window(each) for each in crons))
    if not schedule:
        return Times()
    return Times(
        schedule,
        lambda from_s, until_s: [
            *spans,
            *(each for cron in crons for each in _opens(cron, from_s, until_s)),
        ],
    )


def draw_cron(rng: Random) -> dict[str, Any]:
    """Draw cron times: some minutes of every hour, or of some hours."""
    minutes = sorted(rng.sample(range(60), rng.randint(1, 6)))
    hours = sorted(rng.sample(range(24), rng.randint(8, 20))) if rng.random() < 0.3 else []
    return {
        "minutes": minutes,
        "hours": hours,
        "zone": rng.choice(ZONES),
        "duration_s": rng.choice([60, 90, 180, 600]),
    }


def draw_turn(rng: Random, zone: str) -> dict[str, Any]:
    """Draw cron times of which one is open from the end of each hour into the next."""
    return {
        "minutes": [rng.randint(35, 59)],
        "hours": [],
        "zone": zone,
        "duration_s": rng.choice([1800, 3000]),
    }


def _window(cron: Mapping[str, Any]) -> dict[str, Any]:
    hours = ",".join(str(each) for each in cron["hours"]) or "*"
    minutes = ",".join(str(each) for each in cron["minutes"])
    return {
        "cron": f"{minutes} {hours} * * *",
        "duration": cron["duration_s"],
        "timezone": cron["zone"],
    }


def _opens(cron: Mapping[str, Any], from_s: float, until_s: float) -> Iterator[tuple[float, float]]:
    zone = ZoneInfo(cron["zone"])
    begin = datetime.fromtimestamp(from_s - cron["duration_s"], zone).replace(tzinfo=None)
    hour = begin.replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
    end = datetime.fromtimestamp(until_s, zone).replace(tzinfo=None) + timedelta(hours=3)
    while hour <= end:
        if not cron["hours"] or hour.hour in cron["hours"]:
            for minute in cron["minutes"]:
                opens_s = _instant(hour.replace(minute=minute), zone)
                if opens_s < until_s and opens_s + cron["duration_s"] > from_s:
                    yield opens_s, opens_s + cron["duration_s"]
        hour += timedelta(hours=1)


def _instant(local: datetime, zone: ZoneInfo) -> float:
    """Return when a clock on the wall shows a time: the first of two, or the next there is."""
    while True:
        moment_s = local.replace(tzinfo=zone).timestamp()
        shown = datetime.fromtimestamp(moment_s, UTC).astimezone(zone).replace(tzinfo=None)
        if shown == local:
            return moment_s
        local += timedelta(seconds=MINUTE_S)

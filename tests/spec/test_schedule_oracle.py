"""The schedule against an oracle that walks through a week minute by minute and looks at the
clock: it knows nothing of how the schedule finds its way."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from reconciler.spec.cron import parse_cron
from reconciler.spec.schedule import CronWindow, FixedWindow, Schedule, Window, parse_timezone

MINUTE = timedelta(minutes=1)
BEFORE, AFTER = timedelta(days=4), timedelta(days=3)
DURATION_MAX = timedelta(days=2)

# Days on which clocks are changed, by half an hour to a whole day, at night and at midnight.
SHIFTS = [
    ("Europe/Berlin", "2025-03-30"),
    ("Europe/Berlin", "2025-10-26"),
    ("America/New_York", "2025-03-09"),
    ("America/New_York", "2025-11-02"),
    ("Australia/Lord_Howe", "2025-04-06"),
    ("Australia/Lord_Howe", "2025-10-05"),
    ("America/Sao_Paulo", "2018-02-18"),
    ("America/Sao_Paulo", "2018-11-04"),
    ("America/Havana", "2024-11-03"),
    ("Antarctica/Troll", "2025-03-30"),
    ("Antarctica/Troll", "2025-10-26"),
    ("Pacific/Apia", "2011-12-30"),
    ("Pacific/Kwajalein", "1969-10-01"),
    ("Pacific/Kwajalein", "1993-08-21"),
    ("UTC", "2024-02-29"),
]
DURATIONS_S = [1, 60, 90, 300, 1_800, 3_599, 3_600, 5_400, 7_200, 86_400, 90_000, 172_800]


@dataclass(frozen=True)
class Field:
    """A field of a cron expression, and the values that it was made from."""

    text: str
    values: frozenset[int]


@dataclass(frozen=True)
class Pattern:
    """A cron expression for every month."""

    minute: Field
    hour: Field
    day: Field
    weekday: Field

    @property
    def text(self) -> str:
        return f"{self.minute.text} {self.hour.text} {self.day.text} * {self.weekday.text}"

    def comes_at(self, wall: datetime) -> bool:
        if wall.minute not in self.minute.values or wall.hour not in self.hour.values:
            return False
        by_day = wall.day in self.day.values
        by_weekday = wall.isoweekday() % 7 in self.weekday.values
        if self.day.text[0] != "*" != self.weekday.text[0]:
            return by_day or by_weekday
        return by_day and by_weekday


@cache
def due(zone: str, shift: str) -> list[tuple[datetime, list[datetime]]]:
    """Pair instants with the wall clock minutes that come due then: those shown anew or skipped."""
    start = datetime.fromisoformat(shift).replace(tzinfo=UTC) - BEFORE
    walls: set[datetime] = set()
    pairs = []
    last = None
    for count in range((BEFORE + AFTER) // MINUTE):
        instant = start + count * MINUTE
        wall = instant.astimezone(parse_timezone(zone)).replace(tzinfo=None, fold=0)
        ahead = (wall - last) // MINUTE if last else 1
        shown = [wall - n * MINUTE for n in range(ahead)] or [wall]
        new = [minute for minute in shown if minute not in walls]
        if new:
            pairs.append((instant, new))
        walls.update(new)
        last = wall
    return pairs


Stretch = tuple[datetime, datetime]


def stretches_of(pattern: Pattern, duration_s: int, zone: str, shift: str) -> Iterable[Stretch]:
    for instant, walls in due(zone, shift):
        if any(map(pattern.comes_at, walls)):
            yield instant, instant + timedelta(seconds=duration_s)


def merged(stretches: Iterable[Stretch]) -> list[Stretch]:
    joined: list[Stretch] = []
    for start, end in sorted(stretches):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def fields(low: int, high: int) -> st.SearchStrategy[Field]:
    value = st.integers(low, high)
    return st.one_of(
        st.just(Field("*", frozenset(range(low, high + 1)))),
        st.integers(2, high - low + 1).map(lambda step: stepped(low, high, step)),
        st.lists(value, min_size=1, max_size=4).map(listed),
        st.tuples(value, value).map(lambda ends: ranged(min(ends), max(ends))),
    )


def stepped(low: int, high: int, step: int) -> Field:
    return Field(f"*/{step}", frozenset(range(low, high + 1, step)))


def listed(values: list[int]) -> Field:
    return Field(",".join(map(str, values)), frozenset(values))


def ranged(low: int, high: int) -> Field:
    return Field(f"{low}-{high}", frozenset(range(low, high + 1)))


ANY_DAY, ANY_WEEKDAY = st.just(stepped(1, 31, 1)), st.just(stepped(0, 6, 1))
PATTERNS = st.builds(Pattern, fields(0, 59), fields(0, 23), ANY_DAY, ANY_WEEKDAY) | st.builds(
    Pattern, fields(0, 59), fields(0, 23), fields(1, 31), fields(0, 6)
)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Schedule, list[Stretch], datetime]:
    """Draw a schedule, the oracle's stretches, and the day whose clocks may be changed."""
    zone, shift = draw(st.sampled_from(SHIFTS))
    day = datetime.fromisoformat(shift).replace(tzinfo=UTC)
    windows: list[Window] = []
    stretches: list[Stretch] = []
    for _ in range(draw(st.integers(1, 3))):
        pattern = draw(PATTERNS)
        duration_s = draw(st.sampled_from(DURATIONS_S) | st.integers(1, DURATIONS_S[-1]))
        its_zone = draw(st.sampled_from([zone, zone, "UTC"]))
        cron = parse_cron(pattern.text)
        windows.append(CronWindow(cron, duration_s, parse_timezone(its_zone)))
        stretches += stretches_of(pattern, duration_s, its_zone, shift)
    if draw(st.booleans()):
        start = day + timedelta(seconds=draw(st.integers(-200_000, 200_000)))
        end = start + timedelta(seconds=draw(st.sampled_from(DURATIONS_S)))
        windows.append(FixedWindow(start, end))
        stretches.append((start, end))
    return Schedule(tuple(windows)), merged(stretches), day


@st.composite
def moments(draw: st.DrawFn, stretches: list[Stretch], day: datetime) -> datetime:
    """Draw an instant, most often at an edge or a second beside it."""
    edges = [edge for stretch in stretches for edge in stretch if abs(edge - day) < AFTER / 2]
    anywhere = st.integers(-120_000, 120_000).map(lambda second: day + timedelta(seconds=second))
    if not edges:
        return draw(anywhere)
    beside = st.sampled_from([-1, 0, 0, 1]).map(lambda second: timedelta(seconds=second))
    return draw(st.builds(datetime.__add__, st.sampled_from(edges), beside) | anywhere)


@given(st.data())
def test_a_schedule_says_what_a_walk_through_the_minutes_says(data: st.DataObject) -> None:
    schedule, stretches, day = data.draw(worlds())
    now = data.draw(moments(stretches, day))
    # What lies beyond these, the walk cannot know.
    first, last = day - BEFORE + DURATION_MAX, day + AFTER

    around = [start for start, end in stretches if start <= now < end]
    changes = [edge for stretch in stretches for edge in stretch if edge > now]
    starts = [start for start, _ in stretches if start > now]
    assert schedule.open_at(now) == bool(around)
    opened_at = schedule.opened_at(now)
    assert (opened_at and max(opened_at, first)) == (max(*around, first) if around else None)
    assert min(schedule.next_change(now) or last, last) == min([*changes, last])
    assert min(schedule.next_open(now) or last, last) == min([*starts, last])

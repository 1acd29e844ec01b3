"""Cron expressions of five fields, as sets of times and days on a wall clock.

The meaning is that of Vixie cron, crontab(5), without its extensions. `schedule.py` turns wall
clock times into instants; nothing here knows of time zones. Pure.
"""

import re
from bisect import bisect_right
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from reconciler.errors import SpecError

_DAY = timedelta(days=1)
_DAY_MIN = 24 * 60


@dataclass(frozen=True, slots=True)
class Cron:
    """An expression that fires, at least once in 40 years. Two texts of one meaning are equal.

    `times` are minutes of the day, rising; `weekdays` count from Sunday, 0 to 6. With `either_day`
    a day fires that is in `days` or in `weekdays`, else one that is in both.
    """

    text: str = field(compare=False)
    times: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool
    longest_pause: timedelta = field(compare=False)
    """Between two neighbours in `times`; zero if there is only one."""

    @property
    def night(self) -> timedelta:
        """The pause from the last of `times` to the first of the next day."""
        return timedelta(minutes=_DAY_MIN - self.times[-1] + self.times[0])

    def fires_on(self, day: date) -> bool:
        """Tell whether it fires on this day at all; if so, then at all of `times`."""
        if day.month not in self.months:
            return False
        by_day, by_weekday = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return by_day or by_weekday if self.either_day else by_day and by_weekday

    def fires_at(self, wall: datetime) -> bool:
        """Tell whether it fires at exactly this wall clock time (naive)."""
        whole_minute = not wall.second and not wall.microsecond
        return whole_minute and wall.hour * 60 + wall.minute in self.times and self.fires_on(wall)

    def after(self, wall: datetime) -> Iterator[datetime]:
        """Yield the wall clock times (naive) later than `wall`, rising, without end."""
        return self._firings(wall, 1)

    def up_to(self, wall: datetime) -> Iterator[datetime]:
        """Yield the wall clock times (naive) not later than `wall`, falling, without end."""
        return self._firings(wall, -1)

    def _firings(self, wall: datetime, step: Literal[1, -1]) -> Iterator[datetime]:
        split = bisect_right(self.times, wall.hour * 60 + wall.minute)
        on_first_day = self.times[split:] if step > 0 else self.times[:split]
        for day in self._days(wall.date(), step):
            midnight = datetime.combine(day, time())
            for minute in (on_first_day if day == wall.date() else self.times)[::step]:
                yield midnight + timedelta(minutes=minute)

    def _days(self, day: date, step: Literal[1, -1]) -> Iterator[date]:
        while True:
            if day.month not in self.months:
                first = day.replace(day=1)
                day = first - _DAY if step < 0 else (first + 31 * _DAY).replace(day=1)
                continue
            if self.fires_on(day):
                yield day
            day += step * _DAY


@lru_cache(maxsize=1024)
def parse_cron(text: str) -> Cron:
    """Read `minute hour day-of-month month day-of-week`; else raise SpecError `cron`.

    A day field counts as restricted unless it begins with `*`, as crontab(5) has it. When both
    are, a day fires that either names; else one that both name: `0 0 */2 * mon` are the Mondays
    of odd date.
    """
    fields = _split(text)
    parsed = [_Field.values(*pair) for pair in zip(_FIELDS, fields, strict=True)]
    minutes, hours, days, months, weekdays = parsed
    either_day = not fields[2].startswith("*") and not fields[4].startswith("*")
    # Any date meets any weekday sooner or later, 29 February too: only the months' lengths count.
    if not either_day and min(days) > max(_LONGEST_DAYS[month] for month in months):
        hint = "none of its months has such a day"
        raise SpecError("cron", f"`{' '.join(fields)}` never comes", hint=hint)
    times = tuple(hour * 60 + minute for hour in sorted(hours) for minute in sorted(minutes))
    pause_min = max((later - sooner for sooner, later in pairwise(times)), default=0)
    pause = timedelta(minutes=pause_min)
    return Cron(" ".join(fields), times, days, months, weekdays, either_day, pause)


_TEXT_LENGTH_MAX = 1_000  # a list of all minutes is 170 characters long
_LONGEST_DAYS = {month: monthrange(2000, month)[1] for month in range(1, 13)}  # 2000: a leap year
_MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_SHAPE_HINT = "write minute, hour, day of month, month, day of week, such as `0 9 * * mon-fri`"
_EXTENSIONS = (
    (re.compile(r".*\?.*"), "write `*` for any"),
    (re.compile(r".*#.*"), "`#` is not known here; name the dates, such as `8-14`"),
    (re.compile(r"(?i)[0-9]*lw?|[a-z]{3}l"), "`L` is not known here; name the dates"),
    (re.compile(r"(?i)[0-9]+w"), "`W` is not known here; name the dates"),
)
_ITEM = re.compile(
    r"(?:\*|(?P<first>[0-9a-z]+)(?:-(?P<last>[0-9a-z]+))?)(?:/(?P<step>[0-9]+))?",
    re.IGNORECASE,
)


def _split(text: str) -> list[str]:
    if len(text) > _TEXT_LENGTH_MAX:
        message = f"{len(text)} characters are too long for a cron expression"
        raise SpecError("cron", message, hint=_SHAPE_HINT)
    fields = text.split()
    plain = " ".join(fields)
    if plain.startswith("@"):
        macro = _MACROS.get(plain.lower())
        hint = f"write `{macro}`" if macro else _SHAPE_HINT
        raise SpecError("cron", f"`{plain}` is not known here", hint=hint)
    if "=" in plain:
        hint = "the time zone has a key of its own, `timezone`"
        raise SpecError("cron", f"`{plain}` sets a variable", hint=hint)
    if len(fields) == len(_FIELDS) + 1:
        hint = "leave out the seconds (the first) or the year (the last)"
        raise SpecError("cron", f"`{plain}` has 6 fields instead of 5", hint=hint)
    if len(fields) != len(_FIELDS):
        count = "1 field" if len(fields) == 1 else f"{len(fields)} fields"
        raise SpecError("cron", f"`{plain}` has {count} instead of 5", hint=_SHAPE_HINT)
    return fields


@dataclass(frozen=True, slots=True)
class _Field:
    """One of the five. `names` are those of `low` and up; `alias` is another number for `low`."""

    name: str
    low: int
    high: int
    hint: str
    names: tuple[str, ...] = ()
    alias: int | None = None

    def values(self, text: str) -> frozenset[int]:
        values = {value for item in text.split(",") for value in self._item(item, text)}
        return frozenset(self._plain(value) for value in values)

    def _item(self, item: str, text: str) -> range:
        match = _ITEM.fullmatch(item)
        if match is None:
            raise self._unreadable(item or text)
        first, last, step = match["first"], match["last"], match["step"]
        if first is None:
            return range(self.low, self.high + 1, self._step(step))
        if last is not None:
            return self._range(first, last, self._step(step))
        value = self._plain(self._value(first))
        if step is not None:
            hint = f"write `{value}-{self.high}/{step}`"
            raise SpecError("cron", f"`{item}` has a step without a range", hint=hint)
        return range(value, value + 1)

    def _range(self, first: str, last: str, step: int) -> range:
        low, high = self._value(first), self._value(last)
        if self.alias is not None:  # Sunday begins a range as 0 and ends one as 7
            high = self.alias if high == self.low < low else high
            low = self.low if low == self.alias > high else low
        if low > high:
            hint = f"write `{first}-{self.high},{self.low}-{last}`"
            raise SpecError("cron", f"the range `{first}-{last}` runs backwards", hint=hint)
        return range(low, high + 1, step)

    def _step(self, text: str | None) -> int:
        step = int(text or 1)
        longest = self.high - self.low + 1
        if not 1 <= step <= longest:
            raise SpecError("cron", f"`/{step}` is not a step", hint=f"here it is 1 to {longest}")
        return step

    def _value(self, text: str) -> int:
        if text.lower() in self.names:
            return self.low + self.names.index(text.lower())
        if text.isdigit() and (self.low <= int(text) <= self.high or int(text) == self.alias):
            return int(text)
        raise self._unreadable(text)

    def _plain(self, value: int) -> int:
        return self.low if value == self.alias else value

    def _unreadable(self, item: str) -> SpecError:
        extensions = (hint for pattern, hint in _EXTENSIONS if pattern.fullmatch(item))
        message = f"`{item}` is not {self.name}"
        return SpecError("cron", message, hint=next(extensions, self.hint))


_MONTHS = (
    *("jan", "feb", "mar", "apr", "may", "jun"),
    *("jul", "aug", "sep", "oct", "nov", "dec"),
)
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_WEEKDAY_HINT = "days of the week are 0 to 7, where 0 and 7 are Sunday, or `sun` to `sat`"
_FIELDS = (
    _Field("a minute", 0, 59, "minutes are 0 to 59"),
    _Field("an hour", 0, 23, "hours are 0 to 23"),
    _Field("a day of the month", 1, 31, "days of the month are 1 to 31"),
    _Field("a month", 1, 12, "months are 1 to 12, or `jan` to `dec`", _MONTHS),
    _Field("a day of the week", 0, 6, _WEEKDAY_HINT, _WEEKDAYS, alias=7),
)

"""When a Recording is to record: windows on the calendar, and what they say of an instant.

The contract is spec-format.md, `schedule`. One rule carries the arithmetic: a wall clock time fires
at the first instant at which the clock shows it or a later time. That is the first of two in
autumn and the end of the gap in spring, and firings keep the order of their wall clock times.
Pure, but that finding a zone reads the time zone database. Instants that come out are in UTC.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from difflib import get_close_matches
from functools import cache
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

from reconciler.errors import SpecError
from reconciler.spec.cron import Cron

HORIZON = timedelta(days=6 * 366)  # how far ahead and back an unbroken stretch is followed
_STEPS_MAX = 10_000  # windows that take turns every minute are followed for a week only

_DAY = timedelta(days=1)
_JUST = timedelta(microseconds=1)  # the smallest step: "just before"


@dataclass(frozen=True, slots=True)
class CronWindow:
    """Opens whenever `cron` fires on the clocks of `timezone`, for `duration_s` (1 or more).

    Each distinct wall clock time fires once, and the duration is elapsed time.
    """

    cron: Cron
    duration_s: int
    timezone: ZoneInfo

    def __post_init__(self) -> None:
        if self.duration_s < 1:
            hint = "write how long the window stays open, such as `90m`"
            raise SpecError("duration", "the window would never be open", hint=hint)

    def covers(self, instant: datetime) -> bool:
        """Tell whether the window is open."""
        return instant < self._latest(instant) + self._duration

    def open_until(self, instant: datetime) -> datetime | None:
        """Return an instant up to which it stays open, perhaps not the last; None if closed."""
        firing = self._latest(instant)
        if instant >= firing + self._duration:
            return None
        return self._furthest(firing, 1) + self._duration

    def open_since(self, instant: datetime) -> datetime | None:
        """Return an instant since which it was open, perhaps not the first; None if it was not."""
        firing = self._latest(instant - _JUST)
        if instant > firing + self._duration:
            return None
        return self._furthest(firing, -1)

    def next_start(self, instant: datetime) -> datetime:
        """Return the first firing after `instant`."""
        firings = map(self._instant, self.cron.after(self._wall(instant)))
        return next(firing for firing in firings if firing > instant)

    @property
    def _duration(self) -> timedelta:
        return timedelta(seconds=self.duration_s)

    def _latest(self, instant: datetime) -> datetime:
        """Return the last firing that is not after `instant`."""
        local = instant.astimezone(self.timezone)
        wall = local.replace(tzinfo=None, fold=0)
        if local.fold:  # the clock was set back: it has shown up to this much more
            wall += instant - self._instant(wall)
        firings = map(self._instant, self.cron.up_to(wall))
        return next(firing for firing in firings if firing <= instant)

    def _furthest(self, firing: datetime, step: Literal[1, -1]) -> datetime:
        """Follow firings that leave no gap, in whole days, until the clock is changed."""
        wall = self._wall(firing)
        day = wall.date()
        gapless = self.cron.longest_pause <= self._duration
        if not (gapless and self.cron.fires_at(wall) and self._is_even(day)):
            return firing
        if self.cron.night <= self._duration:
            for _ in range(HORIZON.days):
                neighbour = day + step * _DAY
                if not (self.cron.fires_on(neighbour) and self._is_even(neighbour)):
                    break
                day = neighbour
        minute = self.cron.times[-1 if step > 0 else 0]
        return self._instant(datetime.combine(day, time()) + timedelta(minutes=minute))

    def _is_even(self, day: date) -> bool:
        """Tell whether the clock is not changed all day; no zone ever did so twice in 3 days."""
        midnights = (datetime.combine(day + days * _DAY, time()) for days in (0, 1))
        first, second = (self.timezone.utcoffset(midnight) for midnight in midnights)
        return first == second

    def _wall(self, instant: datetime) -> datetime:
        return instant.astimezone(self.timezone).replace(tzinfo=None, fold=0)

    def _instant(self, wall: datetime) -> datetime:
        """Return the first instant at which the clock shows `wall` or later."""
        instant = wall.replace(tzinfo=self.timezone).astimezone(UTC)
        if self._wall(instant) == wall:
            return instant
        # PEP 495: in a gap, fold 0 counts by the offset before it, which leads past it, and fold 1
        # by the offset after it, which leads before it.
        before = wall.replace(tzinfo=self.timezone, fold=1).astimezone(UTC)
        seconds = range(int((instant - before).total_seconds()))
        past_s = bisect_left(seconds, wall, key=lambda s: self._wall(before + timedelta(seconds=s)))
        return before + timedelta(seconds=past_s)


@dataclass(frozen=True, slots=True)
class FixedWindow:
    """Is open once, from `start` up to but not at `end`; both are aware, and kept in UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", self.start.astimezone(UTC))
        object.__setattr__(self, "end", self.end.astimezone(UTC))
        if self.start >= self.end:
            hint = "`until` is later than `from`"
            raise SpecError("time", "the window ends before it begins", hint=hint)

    def covers(self, instant: datetime) -> bool:
        """Tell whether the window is open."""
        return self.start <= instant < self.end

    def open_until(self, instant: datetime) -> datetime | None:
        """Return the window's end; None if it is closed at `instant`."""
        return self.end if self.start <= instant < self.end else None

    def open_since(self, instant: datetime) -> datetime | None:
        """Return the window's start; None if it was not open just before `instant`."""
        return self.start if self.start < instant <= self.end else None

    def next_start(self, instant: datetime) -> datetime | None:
        """Return the window's start; None if that is not after `instant`."""
        return self.start if instant < self.start else None


Window = CronWindow | FixedWindow


@dataclass(frozen=True, slots=True)
class Schedule:
    """One or more windows taken together: open while any of them is.

    A *stretch* is the time from an opening to the next closing, through all windows that overlap
    or touch. Instants that go in are aware; those that come out are in UTC.
    """

    windows: tuple[Window, ...]

    def __post_init__(self) -> None:
        if not self.windows:
            raise ValueError("A schedule has no windows. This is a bug in reconciler.")

    def open_at(self, now: datetime) -> bool:
        """Tell whether any window is open."""
        instant = now.astimezone(UTC)
        return any(window.covers(instant) for window in self.windows)

    def next_change(self, now: datetime) -> datetime | None:
        """Return the first instant after `now` at which `open_at` changes.

        None if there is none, or if the stretch that is open now goes on past `HORIZON`.
        """
        instant = now.astimezone(UTC)
        return self._closing(instant) if self.open_at(instant) else self._next_start(instant)

    def next_open(self, now: datetime) -> datetime | None:
        """Return the first instant after `now` at which a stretch begins; None as above."""
        instant = now.astimezone(UTC)
        closed_at = self._closing(instant) if self.open_at(instant) else instant
        return None if closed_at is None else self._next_start(closed_at)

    def opened_at(self, now: datetime) -> datetime | None:
        """Return when the stretch that is open now began; None if closed.

        If it began longer ago than it is followed (`HORIZON`), some long past instant of it.
        """
        instant = now.astimezone(UTC)
        if not self.open_at(instant):
            return None
        opened = instant
        for _ in range(_STEPS_MAX):
            since = min(_known(window.open_since(opened) for window in self.windows), default=None)
            if since is None or instant - opened > HORIZON:
                break
            opened = since
        return opened

    def _closing(self, instant: datetime) -> datetime | None:
        closing = instant
        for _ in range(_STEPS_MAX):
            until = max(_known(window.open_until(closing) for window in self.windows), default=None)
            if until is None:
                return closing
            if closing - instant > HORIZON:
                break
            closing = until
        return None

    def _next_start(self, instant: datetime) -> datetime | None:
        return min(_known(window.next_start(instant) for window in self.windows), default=None)


def _known(instants: Iterable[datetime | None]) -> Iterable[datetime]:
    return (instant for instant in instants if instant is not None)


_TIME = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)(?P<mark>[Tt ])(?P<minute>([01]\d|2[0-3]):[0-5]\d)"
    r"(?P<second>:[0-5]\d(\.\d+)?)?(?P<offset>[Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)?",
    re.ASCII,
)
_TIME_HINT = "write it as `2026-12-01T09:00:00+01:00`, or as `2026-12-01T08:00:00Z`"
_YEARS = range(1970, 9000)  # so that no calculation with a time can leave the calendar


def parse_time(text: str) -> datetime:
    """Read an RFC 3339 time with its offset, as UTC, to the microsecond; else SpecError `time`."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise SpecError("time", f"`{text}` is not a time", hint=_TIME_HINT)
    local = f"{match['date']}T{match['minute']}{match['second'] or ':00'}"
    if match["offset"] is None:
        hint = f"add the offset: `{local}Z` is UTC, `{local}+01:00` an hour ahead of it"
        raise SpecError("time", f"`{text}` has no offset from UTC", hint=hint)
    plain = (local + match["offset"]).upper()
    if match["mark"] == " " or match["second"] is None:
        raise SpecError("time", f"`{text}` is not written as in RFC 3339", hint=f"write `{plain}`")
    try:
        instant = datetime.fromisoformat(plain).astimezone(UTC)
    except (ValueError, OverflowError):
        raise SpecError("time", f"`{text}` is on no calendar", hint=_TIME_HINT) from None
    if instant.year not in _YEARS:
        hint = f"the years {_YEARS[0]} to {_YEARS[-1]} are known"
        raise SpecError("time", f"`{text}` is out of range", hint=hint)
    return instant


def parse_timezone(name: str) -> ZoneInfo:
    """Find a zone of the IANA database by its exact name; else raise SpecError `timezone`."""
    if name in _zone_names():
        return ZoneInfo(name)
    nearest = ", ".join(f"`{zone}`" for zone in _nearest_zones(name))
    hint = (
        f"did you mean {nearest}?" if nearest else "write a name such as `Europe/Berlin` or `UTC`"
    )
    raise SpecError("timezone", f"`{name}` is not a time zone", hint=hint)


_NEAREST_MAX = 3


@cache
def _zone_names() -> frozenset[str]:
    # Two names mean no one zone: this machine's own, which is another elsewhere, and "not set up".
    return frozenset(available_timezones() - {"localtime", "Factory"})


def _nearest_zones(name: str) -> list[str]:
    zones = {zone.lower(): zone for zone in sorted(_zone_names())}
    wanted = name.strip().lower().replace(" ", "_")
    if wanted in zones:
        return [zones[wanted]]
    cities = [zone for key, zone in zones.items() if key.rpartition("/")[2] == wanted]
    close = [zones[key] for key in get_close_matches(wanted, zones, n=_NEAREST_MAX)]
    return (cities or close)[:_NEAREST_MAX]

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import SpecError
from reconciler.spec.cron import parse_cron
from reconciler.spec.duration import parse_duration
from reconciler.spec.schedule import (
    HORIZON,
    CronWindow,
    FixedWindow,
    Schedule,
    parse_time,
    parse_timezone,
)

BERLIN = "Europe/Berlin"
NEW_YORK = "America/New_York"
LORD_HOWE = "Australia/Lord_Howe"
SAO_PAULO = "America/Sao_Paulo"
HAVANA = "America/Havana"
APIA = "Pacific/Apia"

# A zone, a cron expression, and its openings from a day on: there, on the clock of the zone.
OPENINGS = [
    # 2025-03-30 02:00 becomes 03:00, 2025-10-26 03:00 becomes 02:00.
    (BERLIN, "30 2 * * *", "2025-03-29", "29 02:30+0100, 30 03:00+0200, 31 02:30+0200"),
    (BERLIN, "0 3 * * *", "2025-03-29", "29 03:00+0100, 30 03:00+0200, 31 03:00+0200"),
    (BERLIN, "0,30 2-3 30 * *", "2025-03-29", "30 03:00+0200, 30 03:30+0200"),
    (BERLIN, "30 2 * * *", "2025-10-26", "26 02:30+0200, 27 02:30+0100"),
    (BERLIN, "30 1-3 26 * *", "2025-10-25", "26 01:30+0200, 26 02:30+0200, 26 03:30+0100"),
    (BERLIN, "0 2-3 26 * *", "2025-10-25", "26 02:00+0200, 26 03:00+0100"),
    # 2025-03-09 02:00 becomes 03:00, 2025-11-02 02:00 becomes 01:00.
    (NEW_YORK, "15 2 * * *", "2025-03-09", "09 03:00-0400, 10 02:15-0400"),
    (NEW_YORK, "15 1 * * *", "2025-11-02", "02 01:15-0400, 03 01:15-0500"),
    # 2025-10-05 02:00 becomes 02:30, 2025-04-06 02:00 becomes 01:30.
    (LORD_HOWE, "15 2 * * *", "2025-10-04", "05 02:30+1100, 06 02:15+1100"),
    (LORD_HOWE, "*/15 2 5 * *", "2025-10-04", "05 02:30+1100, 05 02:45+1100"),
    (LORD_HOWE, "45 1 * * *", "2025-04-05", "06 01:45+1100, 07 01:45+1030"),
    # 2018-11-04 midnight becomes 01:00, 2018-02-18 midnight becomes 23:00.
    (SAO_PAULO, "0 0 * * *", "2018-11-04", "04 01:00-0200, 05 00:00-0200"),
    (SAO_PAULO, "30 23 * * *", "2018-02-18", "17 23:30-0200, 18 23:30-0300"),
    (SAO_PAULO, "0 0 * * *", "2018-02-18", "18 00:00-0300, 19 00:00-0300"),
    # 2024-11-03 01:00 becomes midnight.
    (HAVANA, "0 0 * * *", "2024-11-03", "03 00:00-0400, 04 00:00-0500"),
    # 2011-12-30 never was.
    (APIA, "0 9 * * *", "2011-12-29", "29 09:00-1000, 31 00:00+1400, 31 09:00+1400"),
    (APIA, "0 9,12 30 * *", "2011-12-01", "31 00:00+1400, 30 09:00+1400, 30 12:00+1400"),
    (APIA, "0 0 31 * *", "2011-12-01", "31 00:00+1400, 31 00:00+1400"),
    ("UTC", "30 2 * * *", "2025-03-30", "30 02:30+0000, 31 02:30+0000"),
]

LONG = "long"  # not within the horizon

# Windows, an instant, and from when to when the stretch lasts that is open then.
STRETCHES = [
    # Elapsed time, whatever the clocks do.
    ("30 1 * * * 1h Europe/Berlin", "2025-03-30T00:40", "2025-03-30T00:30", "2025-03-30T01:30"),
    ("0 12 * * * 24h Europe/Berlin", "2025-10-26T00:00", "2024-10-27T11:00", "2025-10-26T10:00"),
    ("0 0 * * * 25h Europe/Berlin", "2025-10-26T12:00", LONG, LONG),
    # The window that the first 02:50 opened, seen while the clock shows 02:10 again.
    ("50 2 * * * 1h Europe/Berlin", "2025-10-26T01:10", "2025-10-26T00:50", "2025-10-26T01:50"),
    # The hour that comes twice opens nothing the second time.
    ("0 * * * * 1h Europe/Berlin", "2025-08-01T00:00", "2024-10-27T02:00", "2025-10-26T01:00"),
    ("0 * * * * 2h Europe/Berlin", "2026-08-01T00:00", LONG, LONG),
    ("0 * * * * 1h UTC", "2026-08-01T00:00", LONG, LONG),
    ("* * * * * 1m UTC", "2026-08-01T00:00", LONG, LONG),
    ("0 0 * * * 1d UTC", "2026-08-01T00:00", LONG, LONG),
    ("0 0 * * * 23h59m59s UTC", "2026-08-01T05:00", "2026-08-01T00:00", "2026-08-01T23:59:59"),
    ("*/5 9-17 * * mon-fri 5m UTC", "2026-08-03T12:00", "2026-08-03T09:00", "2026-08-03T18:00"),
    ("*/5 9-17 * * mon-fri 7m UTC", "2026-08-03T12:00", "2026-08-03T09:00", "2026-08-03T18:02"),
    ("*/5 * * * mon-fri 5m UTC", "2026-08-05T00:00", "2026-08-03T00:00", "2026-08-08T00:00"),
    ("0 0 1 * * 30d UTC", "2026-08-05T00:00", "2026-08-01T00:00", "2026-08-31T00:00"),
    ("0 0 1 1 * 366d UTC", "2026-08-05T00:00", LONG, LONG),
    # The day that never was opens at its end, and that alone: half an hour, then closed.
    (
        "0,30 9,10 * * * 30m Pacific/Apia",
        "2011-12-30T10:10",
        "2011-12-30T10:00",
        "2011-12-30T10:30",
    ),
    # Touching and overlapping windows are one stretch, whatever their zones.
    (
        "0 9 * * * 1h UTC; 0 10 * * * 1h UTC",
        "2026-08-01T09:59",
        "2026-08-01T09:00",
        "2026-08-01T11:00",
    ),
    (
        "0 9 * * * 1h UTC; 1 10 * * * 1h UTC",
        "2026-08-01T09:30",
        "2026-08-01T09:00",
        "2026-08-01T10:00",
    ),
    (
        "0 9 * * * 9h UTC; 0 9 * * * 9h Asia/Tokyo",
        "2026-08-01T09:30",
        "2026-08-01T00:00",
        "2026-08-01T18:00",
    ),
    ("0 0 * * * 12h UTC; 0 12 * * * 12h UTC", "2026-08-01T12:00", LONG, LONG),
]


def cron_window(cron: str, duration: str, zone: str) -> CronWindow:
    return CronWindow(parse_cron(cron), parse_duration(duration), parse_timezone(zone))


def fixed_window(start: str, end: str) -> FixedWindow:
    return FixedWindow(parse_time(start), parse_time(end))


def schedule(text: str) -> Schedule:
    return Schedule(tuple(cron_window(*window.rsplit(" ", 2)) for window in text.split("; ")))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(("zone", "cron", "day", "expected"), OPENINGS)
def test_a_cron_time_opens_once_and_at_an_instant_that_exists(
    zone: str, cron: str, day: str, expected: str
) -> None:
    daily = Schedule((cron_window(cron, "1s", zone),))
    opening: datetime | None = utc(day)
    openings: list[str] = []
    while opening and len(openings) <= expected.count(","):
        opening = daily.next_open(opening)
        assert opening
        openings.append(f"{opening.astimezone(parse_timezone(zone)):%d %H:%M%z}")
    assert ", ".join(openings) == expected


@pytest.mark.parametrize(("windows", "now", "began", "ends"), STRETCHES)
def test_a_stretch_runs_through_all_that_overlaps_or_touches(
    windows: str, now: str, began: str, ends: str
) -> None:
    open_now = schedule(windows)
    opened_at, change = open_now.opened_at(utc(now)), open_now.next_change(utc(now))
    assert open_now.open_at(utc(now))
    assert opened_at
    assert change != utc(now)
    if began == LONG:
        assert opened_at < utc(now) - HORIZON
    else:
        assert opened_at == utc(began)
        assert not open_now.open_at(opened_at - timedelta(microseconds=1))
    assert change == (None if ends == LONG else utc(ends))


def test_a_fixed_window_is_open_from_its_start_up_to_its_end() -> None:
    once = Schedule((fixed_window("2026-12-01T09:00:00+01:00", "2026-12-01T10:00:00+01:00"),))
    start, end = utc("2026-12-01T08:00"), utc("2026-12-01T09:00")
    just = timedelta(microseconds=1)
    assert [once.open_at(at) for at in (start - just, start, end - just, end)] == [0, 1, 1, 0]
    assert [once.next_change(at) for at in (start - just, start, end)] == [start, end, None]
    assert [once.next_open(at) for at in (start - just, start, end)] == [start, None, None]
    assert [once.opened_at(at) for at in (start - just, start, end - just, end)] == [
        *(None, start),
        *(start, None),
    ]


def test_fixed_windows_that_touch_are_one_stretch() -> None:
    nine, ten, eleven = (utc(f"2026-12-01T{hour}") for hour in ("09", "10", "11"))
    both = Schedule((FixedWindow(ten, eleven), FixedWindow(nine, ten)))
    assert [both.next_change(at) for at in (nine, ten)] == [eleven, eleven]
    assert [both.opened_at(at) for at in (nine, ten)] == [nine, nine]


def test_the_end_of_a_fixed_window_is_known_however_far_it_is() -> None:
    once = Schedule((fixed_window("2026-12-01T09:00:00Z", "2999-12-01T09:00:00Z"),))
    assert once.next_change(utc("2026-12-02")) == utc("2999-12-01T09:00")
    assert once.opened_at(utc("2999-12-01")) == utc("2026-12-01T09:00")


def test_the_next_opening_is_that_of_the_next_stretch() -> None:
    hours = schedule("0 9 * * * 1h UTC; 30 9 * * * 1h UTC; 30 10 * * * 1h UTC")
    assert hours.next_open(utc("2026-08-01T09:10")) == utc("2026-08-02T09:00")
    assert hours.next_open(utc("2026-08-01T09:00")) == utc("2026-08-02T09:00")
    assert hours.next_open(utc("2026-08-01T08:59:59")) == utc("2026-08-01T09:00")


def test_a_schedule_that_never_closes_has_no_next_opening() -> None:
    assert schedule("0 * * * * 1h UTC").next_open(utc("2026-08-01")) is None


def test_an_opening_years_ahead_is_found() -> None:
    leap = schedule("0 0 29 2 */7 1h UTC")
    assert leap.next_change(utc("2088-03-01")) == utc("2128-02-29")


def test_windows_that_take_turns_every_minute_do_not_hold_up_the_search() -> None:
    turns = schedule("*/2 * * * * 1m UTC; 1-59/2 * * * * 1m UTC")
    now = utc("2026-08-01")
    opened_at = turns.opened_at(now)
    assert opened_at
    assert opened_at < now - timedelta(days=6)
    assert turns.next_change(now) is None


def test_now_may_be_in_any_zone_and_answers_are_in_utc() -> None:
    hours = schedule("30 2 * * * 1h Europe/Berlin")
    second = datetime(2025, 10, 26, 2, 45, fold=1, tzinfo=parse_timezone(BERLIN))
    first = second.replace(fold=0)
    assert [hours.open_at(first), hours.open_at(second)] == [True, False]
    for answer in (hours.opened_at(first), hours.next_change(first), hours.next_open(first)):
        assert answer
        assert answer.tzinfo is UTC
    assert hours.next_change(second) == utc("2025-10-27T01:30")
    end = Schedule((FixedWindow(first, second),)).next_change(first)
    assert end == utc("2025-10-26T01:45")
    assert end.tzinfo is UTC


def test_schedules_of_one_meaning_are_equal() -> None:
    one = Schedule((cron_window("0 9 * * 1", "60m", "UTC"), fixed_window(*ONE_HOUR)))
    other = Schedule((cron_window("0 9 * * mon", "1h", "UTC"), fixed_window(*SAME_HOUR)))
    assert one == other
    assert hash(one) == hash(other)
    assert one != schedule("0 9 * * 1 60m UTC")


ONE_HOUR = ("2026-12-01T09:00:00Z", "2026-12-01T10:00:00Z")
SAME_HOUR = ("2026-12-01T10:00:00+01:00", "2026-12-01T11:00:00+01:00")


def test_a_schedule_has_windows() -> None:
    with pytest.raises(ValueError, match="no windows"):
        Schedule(())


@pytest.mark.parametrize("duration_s", [0, -1])
def test_a_window_that_never_opens_is_refused(duration_s: int) -> None:
    with pytest.raises(SpecError, match="never be open") as refused:
        CronWindow(parse_cron("0 9 * * *"), duration_s, parse_timezone("UTC"))
    assert refused.value.code == "duration"


@pytest.mark.parametrize("end", ["2026-12-01T09:00:00Z", "2026-12-01T09:30:00+01:00"])
def test_a_window_that_ends_before_it_begins_is_refused(end: str) -> None:
    with pytest.raises(SpecError, match="ends before it begins") as refused:
        fixed_window("2026-12-01T09:00:00Z", end)
    assert refused.value.code == "time"


TIMES = [
    ("2026-12-01T09:00:00Z", "2026-12-01T09:00"),
    ("2026-12-01t09:00:00z", "2026-12-01T09:00"),
    ("2026-12-01T09:00:00+01:00", "2026-12-01T08:00"),
    ("2026-12-01T09:00:00-00:00", "2026-12-01T09:00"),
    ("2026-01-01T00:30:00+05:45", "2025-12-31T18:45"),
    ("2026-12-01T09:00:00.5Z", "2026-12-01T09:00:00.500000"),
    ("2026-12-01T09:00:00.123456789Z", "2026-12-01T09:00:00.123456"),
    ("2028-02-29T23:59:59Z", "2028-02-29T23:59:59"),
]

FORM = "write it as `2026-12-01T09:00:00+01:00`"
NOT_TIMES = [
    ("2026-12-01T09:00:00", "has no offset", "`2026-12-01T09:00:00Z` is UTC"),
    ("2026-12-01 09:00", "has no offset", "`2026-12-01T09:00:00+01:00` an hour ahead of it"),
    ("2026-12-01 09:00:00Z", "as in RFC 3339", "write `2026-12-01T09:00:00Z`"),
    ("2026-12-01T09:00+01:00", "as in RFC 3339", "write `2026-12-01T09:00:00+01:00`"),
    ("2026-02-29T09:00:00Z", "is on no calendar", FORM),
    ("2026-13-01T09:00:00Z", "is on no calendar", FORM),
    ("0000-01-01T09:00:00Z", "is on no calendar", FORM),
    ("0001-01-01T00:00:00+01:00", "is on no calendar", FORM),
    ("1969-12-31T23:59:59Z", "is out of range", "the years 1970 to 8999"),
    ("9000-01-01T00:00:00Z", "is out of range", "the years 1970 to 8999"),
    *(
        (text, "is not a time", FORM)
        for text in [
            *("", "tomorrow", "1764579600", "2026-12-01", "2026-12-01T09", "20261201T090000Z"),
            *("2026-12-01T24:00:00Z", "2026-12-01T09:60:00Z", "2026-12-01T09:00:60Z"),
            *("2026-12-01T09:00:00+24:00", "2026-12-01T09:00:00+0100", "2026-12-01T09:00:00 Z"),
            *("2026-12-01T09:00:00,5Z", "2026-12-01T09:00:00Z\n", "2026-W49-2T09:00:00Z"),
            "٢٠٢٦-12-01T09:00:00Z",
        ]
    ),
]


@pytest.mark.parametrize(("text", "expected"), TIMES)
def test_an_rfc_3339_time_is_read(text: str, expected: str) -> None:
    assert parse_time(text) == utc(expected)
    assert parse_time(text).tzinfo is UTC


@pytest.mark.parametrize(("text", "message", "hint"), NOT_TIMES)
def test_other_times_are_refused_with_the_text_to_write(text: str, message: str, hint: str) -> None:
    with pytest.raises(SpecError) as refused:
        parse_time(text)
    assert refused.value.code == "time"
    assert message in str(refused.value)
    assert hint in str(refused.value.hint)


ZONES_MEANT = [
    ("europe/berlin", "did you mean `Europe/Berlin`?"),
    ("Berlin", "did you mean `Europe/Berlin`?"),
    ("Rome", "did you mean `Europe/Rome`?"),
    ("Los Angeles", "did you mean `America/Los_Angeles`?"),
    ("Europe/Berlim", "did you mean `Europe/Berlin`"),
    ("posix/UTC", "`UTC`"),
    ("../../etc/passwd", "write a name such as"),
    ("/etc/localtime", "write a name such as"),
    ("+02:00", "write a name such as"),
    ("", "write a name such as"),
    ("x" * 100_000, "write a name such as"),
    ("Europe", "did you mean"),
    ("localtime", ""),
    ("Factory", ""),
    ("Europe/Berlin\0", "did you mean `Europe/Berlin`"),
]


@pytest.mark.parametrize(("name", "hint"), ZONES_MEANT)
def test_an_unknown_zone_is_refused_with_those_near_it(name: str, hint: str) -> None:
    with pytest.raises(SpecError, match="is not a time zone") as refused:
        parse_timezone(name)
    assert refused.value.code == "timezone"
    assert hint in str(refused.value.hint)


@pytest.mark.parametrize("name", [BERLIN, "UTC", "Etc/GMT+2", "America/Argentina/Buenos_Aires"])
def test_a_zone_is_found_by_its_name(name: str) -> None:
    assert parse_timezone(name).key == name


@given(st.text() | st.from_regex(r"[0-9-]{10}[Tt ][0-9:.]{5,10}[Zz+-]?", fullmatch=True))
def test_any_text_is_read_or_is_a_spec_error(text: str) -> None:
    assert outcome(parse_time, text) in ("time", datetime)
    assert outcome(parse_timezone, text[:20]) in ("timezone", ZoneInfo)


def outcome(read: Callable[[str], object], text: str) -> object:
    try:
        return type(read(text))
    except SpecError as refused:
        return refused.code

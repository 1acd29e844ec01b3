from collections.abc import Iterable
from datetime import date, datetime, timedelta
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import SpecError
from reconciler.spec.cron import Cron, parse_cron

START = "2026-01-01 00:00"  # a Thursday

RISING = [
    ("* * * * *", "01-01 00:01, 01-01 00:02, 01-01 00:03"),
    ("30 9 * * *", "01-01 09:30, 01-02 09:30, 01-03 09:30"),
    ("09 08 * * *", "01-01 08:09, 01-02 08:09"),
    ("*/20 12 * * *", "01-01 12:00, 01-01 12:20, 01-01 12:40, 01-02 12:00"),
    ("*/60 */24 * * *", "01-02 00:00, 01-03 00:00"),
    ("1-10/4 0 * * *", "01-01 00:01, 01-01 00:05, 01-01 00:09, 01-02 00:01"),
    ("5,3,3-4 0 * * *", "01-01 00:03, 01-01 00:04, 01-01 00:05, 01-02 00:03"),
    ("  0\t9  *  * * ", "01-01 09:00, 01-02 09:00"),
    ("0 9 * * mon-fri", "01-01 09:00, 01-02 09:00, 01-05 09:00"),
    ("0 9 * * MON", "01-05 09:00, 01-12 09:00"),
    ("0 9 * * 0", "01-04 09:00, 01-11 09:00"),
    ("0 9 * * 7", "01-04 09:00, 01-11 09:00"),
    ("0 9 * * 7-7", "01-04 09:00, 01-11 09:00"),
    ("0 9 * * fri-sun", "01-02 09:00, 01-03 09:00, 01-04 09:00, 01-09 09:00"),
    ("0 9 * * 5-7", "01-02 09:00, 01-03 09:00, 01-04 09:00, 01-09 09:00"),
    ("0 9 * * 5-0", "01-02 09:00, 01-03 09:00, 01-04 09:00, 01-09 09:00"),
    ("0 9 * * 7-1", "01-04 09:00, 01-05 09:00, 01-11 09:00"),
    ("0 9 * * sun-mon", "01-04 09:00, 01-05 09:00, 01-11 09:00"),
    ("0 9 * * */3", "01-03 09:00, 01-04 09:00, 01-07 09:00, 01-10 09:00"),
    ("0 9 * * 0-7", "01-01 09:00, 01-02 09:00, 01-03 09:00, 01-04 09:00"),
    ("0 9 * FEB,apr *", "02-01 09:00, 02-02 09:00"),
    ("0 9 1 mar-dec/4 *", "03-01 09:00, 07-01 09:00, 11-01 09:00"),
    ("0 0 31 * *", "01-31 00:00, 03-31 00:00, 05-31 00:00"),
    ("0 0 13 * fri", "01-02 00:00, 01-09 00:00, 01-13 00:00, 01-16 00:00"),
    ("0 0 30 2 mon", "02-02 00:00, 02-09 00:00"),
    ("0 0 */10 * sun", "01-11 00:00, 02-01 00:00"),
    ("0 0 1 * *", "02-01 00:00, 03-01 00:00"),
]

ONE_MEANING = [
    ("0 9 * * mon-fri", "0 9 * * 1-5"),
    ("0 9 * * 0", "0  9 * * SUN"),
    ("*/30 * * * *", "0,30 */1 * * *"),
    ("0 0 * 1-3 *", "0 0 * jan,feb,mar *"),
]

REFUSED = [
    ("", "`` has 0 fields instead of 5", "write minute, hour,"),
    ("9", "`9` has 1 field instead of 5", "write minute, hour,"),
    ("0 9 * *", "`0 9 * *` has 4 fields", "write minute, hour,"),
    ("0 0 9 * * *", "has 6 fields", "leave out the seconds (the first) or the year (the last)"),
    ("0 0 0 9 * * *", "has 7 fields", "write minute, hour,"),
    ("@daily", "`@daily` is not known here", "write `0 0 * * *`"),
    ("@Hourly ", "`@Hourly` is not known here", "write `0 * * * *`"),
    ("@reboot", "`@reboot` is not known here", "write minute, hour,"),
    ("@every 5m", "`@every 5m` is not known here", "write minute, hour,"),
    ("TZ=UTC 0 9 * * *", "sets a variable", "the time zone has a key of its own, `timezone`"),
    ("60 9 * * *", "`60` is not a minute", "minutes are 0 to 59"),
    ("0 24 * * *", "`24` is not an hour", "hours are 0 to 23"),
    ("0 0 0 * *", "`0` is not a day of the month", "days of the month are 1 to 31"),
    ("0 0 1 13 *", "`13` is not a month", "months are 1 to 12, or `jan` to `dec`"),
    ("0 0 * * 8", "`8` is not a day of the week", "days of the week are 0 to 7,"),
    ("0 0 * * monday", "`monday` is not a day of the week", "or `sun` to `sat`"),
    ("0 0 * * jan", "`jan` is not a day of the week", "or `sun` to `sat`"),
    ("mon 0 * * *", "`mon` is not a minute", "minutes are 0 to 59"),
    ("-5 9 * * *", "`-5` is not a minute", "minutes are 0 to 59"),
    ("1.5 9 * * *", "`1.5` is not a minute", "minutes are 0 to 59"),
    ("٣ 9 * * *", "`٣` is not a minute", "minutes are 0 to 59"),
    ("0 9 * * ſun", "`ſun` is not a day of the week", "or `sun` to `sat`"),
    ("1,,2 9 * * *", "`1,,2` is not a minute", "minutes are 0 to 59"),
    ("*/ 9 * * *", "`*/` is not a minute", "minutes are 0 to 59"),
    ("5/10 9 * * *", "`5/10` has a step without a range", "write `5-59/10`"),
    ("0 9 * * mon/2", "`mon/2` has a step without a range", "write `1-6/2`"),
    ("0 9 * * 7/2", "`7/2` has a step without a range", "write `0-6/2`"),
    ("*/0 * * * *", "`/0` is not a step", "here it is 1 to 60"),
    ("*/61 * * * *", "`/61` is not a step", "here it is 1 to 60"),
    ("0 0 * * */8", "`/8` is not a step", "here it is 1 to 7"),
    ("0 22-2 * * *", "the range `22-2` runs backwards", "write `22-23,0-2`"),
    ("0 0 * nov-feb *", "the range `nov-feb` runs backwards", "write `nov-12,1-feb`"),
    ("0 0 * * fri-mon", "the range `fri-mon` runs backwards", "write `fri-6,0-mon`"),
    ("0 0 L * *", "`L` is not a day of the month", "`L` is not known here; name the dates"),
    ("0 0 L-3 * *", "`L` is not a day of the month", "`L` is not known here; name the dates"),
    ("0 0 LW * *", "`LW` is not a day of the month", "`L` is not known here; name the dates"),
    ("0 0 * * 5L", "`5L` is not a day of the week", "`L` is not known here; name the dates"),
    ("0 0 15W * *", "`15W` is not a day of the month", "`W` is not known here; name the dates"),
    ("0 0 * * 5#2", "`5#2` is not a day of the week", "`#` is not known here; name the dates"),
    ("0 0 ? * mon", "`?` is not a day of the month", "write `*` for any"),
    ("H H * * *", "`H` is not a minute", "minutes are 0 to 59"),
    ("0 0 30 2 *", "`0 0 30 2 *` never comes", "none of its months has such a day"),
    ("0 0 31 apr,jun *", "never comes", "none of its months has such a day"),
    ("0 0 30 2 */2", "never comes", "none of its months has such a day"),
    ("0 " * 600, "1200 characters are too long", "write minute, hour,"),
]


def wall(text: str) -> datetime:
    return datetime.fromisoformat(text)


def shown(times: Iterable[datetime]) -> str:
    return ", ".join(f"{time:%m-%d %H:%M}" for time in times)


@pytest.mark.parametrize(("text", "times"), RISING)
def test_an_expression_fires_as_in_crontab(text: str, times: str) -> None:
    count = times.count(",") + 1
    assert shown(islice(parse_cron(text).after(wall(START)), count)) == times


@pytest.mark.parametrize(("one", "other"), ONE_MEANING)
def test_two_texts_of_one_meaning_are_equal(one: str, other: str) -> None:
    assert parse_cron(one) == parse_cron(other)
    assert hash(parse_cron(one)) == hash(parse_cron(other))


def test_an_expression_keeps_its_text_but_for_the_spaces() -> None:
    assert parse_cron(" 0  9 * * MON-fri ").text == "0 9 * * MON-fri"


@pytest.mark.parametrize(("text", "message", "hint"), REFUSED)
def test_what_is_no_cron_is_refused_with_a_hint(text: str, message: str, hint: str) -> None:
    with pytest.raises(SpecError) as refused:
        parse_cron(text)
    assert refused.value.code == "cron"
    assert message in str(refused.value)
    assert hint in str(refused.value.hint)


@pytest.mark.parametrize(
    ("text", "after", "next_time"),
    [
        ("0 0 29 2 *", "2096-02-29 00:00", "2104-02-29 00:00"),
        ("0 0 29 2 */7", "2088-02-29 00:00", "2128-02-29 00:00"),  # 29 February and a Sunday
        ("0 0 31 12 *", "2026-12-31 00:00", "2027-12-31 00:00"),
    ],
)
def test_the_rarest_times_are_found_both_ways(text: str, after: str, next_time: str) -> None:
    cron = parse_cron(text)
    assert next(cron.after(wall(after))) == wall(next_time)
    assert next(cron.up_to(wall(next_time) - timedelta(minutes=1))) == wall(after)


def test_a_time_comes_up_to_itself_and_not_after_itself() -> None:
    cron = parse_cron("0 9 * * *")
    assert next(cron.up_to(wall("2026-01-01 09:00"))) == wall("2026-01-01 09:00")
    assert next(cron.up_to(wall("2026-01-01 08:59:59"))) == wall("2025-12-31 09:00")
    assert next(cron.after(wall("2026-01-01 09:00"))) == wall("2026-01-02 09:00")
    assert next(cron.after(wall("2026-01-01 08:59:59"))) == wall("2026-01-01 09:00")


@pytest.mark.parametrize(
    ("text", "pause_min", "night_min"),
    [("0 9 * * *", 0, 1_440), ("*/5 * * * *", 5, 5), ("0 9,10,17 * * *", 420, 960)],
)
def test_pauses_by_day_and_by_night_are_known(text: str, pause_min: int, night_min: int) -> None:
    cron = parse_cron(text)
    assert cron.longest_pause == timedelta(minutes=pause_min)
    assert cron.night == timedelta(minutes=night_min)


@st.composite
def crons(draw: st.DrawFn) -> Cron:
    bounds = [(0, 59), (0, 23), (1, 28), (1, 12), (0, 7)]
    fields = [
        draw(st.just("*") | st.lists(st.integers(*bound), min_size=1, max_size=4).map(listed))
        for bound in bounds
    ]
    return parse_cron(" ".join(fields))


def listed(values: list[int]) -> str:
    return ",".join(map(str, values))


@given(crons(), st.datetimes(wall("1990-01-01"), wall("2090-01-01")))
def test_the_way_back_is_the_way_there(cron: Cron, start: datetime) -> None:
    there = list(islice(cron.after(start), 50))
    back = list(islice(cron.up_to(there[-1]), 50))
    assert there == back[::-1]
    assert all(a < b for a, b in pairwise([start, *there]))
    assert all(map(cron.fires_at, there))
    assert not any(cron.fires_at(time + timedelta(seconds=1)) for time in there)


@given(crons(), st.dates(date(1990, 1, 1), date(2090, 1, 1)))
def test_a_day_fires_at_all_of_its_times_or_at_none(cron: Cron, day: date) -> None:
    midnight = datetime.combine(day, datetime.min.time())
    minutes = [n for n in range(1_440) if cron.fires_at(midnight + timedelta(minutes=n))]
    assert minutes == (list(cron.times) if cron.fires_on(day) else [])


FIELD_CHARACTERS = "0123456789*/-,@#?LWmonjasu \t="


@given(
    st.text()
    | st.text(FIELD_CHARACTERS)
    | st.lists(st.text(FIELD_CHARACTERS, max_size=5), min_size=5, max_size=5).map(" ".join)
)
def test_any_text_is_a_cron_or_a_spec_error(text: str) -> None:
    read = read_or_code(text)
    assert read == "cron" or (isinstance(read, Cron) and read == read_or_code(read.text))


def read_or_code(text: str) -> Cron | str:
    try:
        return parse_cron(text)
    except SpecError as refused:
        return refused.code

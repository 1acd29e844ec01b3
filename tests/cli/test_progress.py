import io
import threading

import pytest

from reconciler.cli.console import Console
from reconciler.cli.progress import SHOWN_MAX, Lines, Picture, Silent, Tally, progress
from reconciler.cli.result_view import results_text
from reconciler.plan.action import Key, Kind
from reconciler.plan.result import Problem, Progress, Result
from tests.golden.plans import RESULTS

DONE = Result(Key("a"), Kind.START, "done", None, None, 6.2)
FAILED = Result(
    Key("b"), Kind.UPDATE, "failed", Problem("refused", "the service\nsaid no", "look"), None, 1.0
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Full(io.StringIO):
    def write(self, text: str) -> int:
        del text
        raise OSError(28, "No space left on device")


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.time_s = 100.0

    def now_s(self) -> float:
        return self.time_s

    def monotonic_s(self) -> float:
        return self.time_s

    async def sleep(self, seconds: float) -> None:
        self.time_s += seconds


def console(
    err: io.StringIO, environ: dict[str, str] | None = None, *, quiet: bool = False
) -> Console:
    return Console(io.StringIO(), err, environ or {}, quiet)


def run(shown: Progress, *, count: int = 2) -> None:
    shown.begin(count, 1, 10.0)
    shown.doing(Key("a"), "acquiring")
    shown.calls(2)
    shown.done(DONE)
    shown.done(FAILED)
    shown.end()


@pytest.mark.parametrize(
    ("err", "environ", "kind"),
    [
        (Terminal(), {}, Picture),
        (Terminal(), {"NO_COLOR": "1"}, Lines),
        (Terminal(), {"TERM": "dumb"}, Lines),
        (io.StringIO(), {}, Lines),
    ],
)
def test_a_picture_is_for_terminals_that_want_colour(
    err: io.StringIO, environ: dict[str, str], kind: type
) -> None:
    assert type(progress(console(err, environ), Hand())) is kind
    assert type(progress(console(err, environ, quiet=True), Hand())) is Silent


def test_without_a_terminal_every_result_is_a_line() -> None:
    err = io.StringIO()
    run(progress(console(err), Hand()))
    assert err.getvalue() == (
        "+   a  start  done in 6s\n"
        "~   b  update  failed in 1s\n"
        "    refused: the service\\nsaid no\n"
        "    hint: look\n"
    )


def test_without_a_terminal_the_count_is_told_every_ten_seconds_and_not_more_often() -> None:
    err, clock = io.StringIO(), Hand()
    shown = progress(console(err), clock)
    shown.calls(7)
    clock.time_s += 60
    shown.calls(40)
    shown.begin(30, 10, 10.0)
    for second in range(25):
        clock.time_s += 1
        shown.doing(Key("a"), "confirming")
        shown.calls(41 + second)
    assert err.getvalue().splitlines() == [
        "0 of 30 done, 0.9 calls/s, about 4s left",
        "0 of 30 done, 0.9 calls/s, about 3s left",
    ]


def test_quiet_says_nothing_but_what_must_not_be_lost() -> None:
    err = io.StringIO()
    shown = progress(console(err, quiet=True), Hand())
    run(shown)
    assert err.getvalue() == ""
    shown.say("a session could not be stored: sid\x1b[2J")
    assert err.getvalue() == "a session could not be stored: sid\\x1b[2J\n"


def test_a_picture_shows_count_rate_time_left_and_what_is_at_work() -> None:
    err, clock = Terminal(), Hand()
    shown = Picture(console(err), clock)
    shown.begin(20, 10, 10.0)
    clock.time_s += 4
    shown.calls(20)
    shown.doing(Key("a"), "acquiring")
    shown.doing(Key("busy", 1), "confirming 12 s")
    shown.done(DONE)
    shown.end()
    drawn = err.getvalue()
    assert "1 of 20 done, 5.0 calls/s, about 2s left" in drawn
    assert "busy[1]  confirming 12 s" in drawn


def test_a_picture_leaves_nothing_but_failures_and_gives_the_cursor_back() -> None:
    err = Terminal()
    shown = Picture(console(err), Hand())
    run(shown)
    shown.end()
    drawn = err.getvalue()
    assert "~   b  update  failed in 1s\n" in drawn
    assert "done in 6s" not in drawn
    assert drawn.rindex("\x1b[?25h") > drawn.rindex("\x1b[?25l")
    assert drawn.endswith("\x1b[2K")
    for thread in set(threading.enumerate()) - {threading.current_thread()}:
        thread.join(1)
    assert err.getvalue() == drawn


def test_a_picture_counts_those_at_work_that_it_has_no_room_for() -> None:
    err = Terminal()
    shown = Picture(console(err), Hand())
    shown.begin(100, 100, 10.0)
    for number in range(SHOWN_MAX + 3):
        shown.doing(Key(f"n{number:02}"), "starting")
    shown.end()
    drawn = err.getvalue()
    assert "n07  starting" in drawn
    assert "n08" not in drawn
    assert "... and 3 more at work" in drawn


def test_what_is_said_stands_above_a_picture_as_it_is() -> None:
    err = Terminal()
    shown = Picture(console(err), Hand())
    shown.say("before")
    shown.begin(1, 0, 10.0)
    shown.say("[red]sid[/red] " + "x" * 300)
    shown.end()
    assert err.getvalue().startswith("before\n")
    assert "[red]sid[/red] " + "x" * 300 + "\n" in err.getvalue()


@pytest.mark.parametrize("kind", [Lines, Picture, Silent])
def test_a_stderr_that_is_full_stops_nothing(kind: type[Lines | Picture | Silent]) -> None:
    shown: Progress = Lines(console(Full()), Hand())
    if kind is not Lines:
        shown = Silent(console(Full())) if kind is Silent else Picture(console(Full()), Hand())
    run(shown)
    shown.say("lost")


def test_the_time_left_never_says_none_while_work_is_left() -> None:
    tally = Tally(begun_s=0, total=10, pairs=0, rate=2.0, calls=500)
    assert tally.left_s == 5.0
    assert Tally(begun_s=0, total=10, pairs=10, rate=0).left_s is None


def test_a_start_counts_as_three_calls() -> None:
    assert Tally(begun_s=0, total=10, pairs=4, rate=2.0).left_s == (4 * 3 + 6) / 2


def test_results_end_with_a_count() -> None:
    lines = list(results_text(RESULTS, console(io.StringIO())))
    assert lines[-1] == "Apply: 1 done, 1 failed, 1 skipped."
    assert list(results_text([], console(io.StringIO()))) == ["Apply: 0 done, 0 failed, 0 skipped."]

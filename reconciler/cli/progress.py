"""What an apply shows on stderr while it works: a live picture, lines, or nothing.

The picture is drawn by rich, from a thread of its own; what it draws is replaced as a whole, so it
never sees half of a change. rich is imported only where a picture is wanted.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reconciler.cli.console import Console
from reconciler.cli.report import one_line
from reconciler.cli.result_view import result_lines
from reconciler.clock import Clock
from reconciler.plan.action import Key
from reconciler.plan.result import Progress, Result
from reconciler.web.times import span

if TYPE_CHECKING:
    from rich.console import Group
    from rich.live import Live
    from rich.text import Text

CALLS_OF_START = 3
"""Acquire, start, and the query that confirms it; every other action is counted as one call."""

LINE_EVERY_S = 10.0
SHOWN_MAX = 8
"""So many recordings are shown at work; the others are counted."""

BAR_CELLS = 20
REFRESHES_PER_SECOND = 8


def progress(console: Console, clock: Clock) -> Progress:
    """Return what fits the console: a picture on a terminal with colour, lines, or nothing."""
    if console.quiet:
        return Silent(console)
    return Picture(console, clock) if console.colour(console.err) else Lines(console, clock)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How far an apply is.

    `calls` are all that were made, `calls_before` those before it began. `work` is what recordings
    are at, longest first.
    """

    begun_s: float = 0.0
    total: int = 0
    pairs: int = 0
    rate: float = 0.0
    calls: int = 0
    calls_before: int = 0
    ended: int = 0
    failed: int = 0
    work: Mapping[Key, str] = field(default_factory=dict)

    def begun(self, now_s: float, total: int, pairs: int, rate: float) -> "Tally":
        """Return the tally of an apply that begins now."""
        return Tally(
            begun_s=now_s,
            total=total,
            pairs=pairs,
            rate=rate,
            calls=self.calls,
            calls_before=self.calls,
        )

    def doing(self, key: Key, what: str) -> "Tally":
        """Return the tally with a recording at work."""
        return replace(self, work={**self.work, key: what})

    def done(self, result: Result) -> "Tally":
        """Return the tally with one more result."""
        work = {key: what for key, what in self.work.items() if key != result.key}
        failed = self.failed + (result.outcome == "failed")
        return replace(self, work=work, ended=self.ended + 1, failed=failed)

    @property
    def made(self) -> int:
        """Return how many calls it made."""
        return self.calls - self.calls_before

    @property
    def left_s(self) -> float | None:
        """Return how long the calls that are left take under the budget; None: not known."""
        if self.rate <= 0:
            return None
        expected = CALLS_OF_START * self.pairs + self.total - self.pairs
        return max(expected - self.made, self.total - self.ended) / self.rate

    def line(self, now_s: float) -> str:
        """Write count, rate and the time left."""
        parts = [f"{self.ended} of {self.total} done"]
        if self.failed:
            parts.append(f"{self.failed} failed")
        if now_s > self.begun_s:
            parts.append(f"{self.made / (now_s - self.begun_s):.1f} calls/s")
        if self.left_s:
            parts.append(f"about {span(self.left_s)} left")
        return ", ".join(parts)


class Silent:
    """Shows nothing, but for what must not be lost."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def begin(self, total: int, pairs: int, rate: float) -> None:
        """Show nothing."""

    def doing(self, key: Key, what: str) -> None:
        """Show nothing."""

    def done(self, result: Result) -> None:
        """Show nothing."""

    def calls(self, made: int) -> None:
        """Show nothing."""

    def say(self, text: str) -> None:
        """Write the line."""
        _write(self._console, text)

    def end(self) -> None:
        """Show nothing."""


class Lines:
    """One line for each result, and now and then one that counts: for logs."""

    def __init__(self, console: Console, clock: Clock) -> None:
        self._console = console
        self._clock = clock
        self._counted_s = clock.monotonic_s()
        self._tally = Tally()

    def begin(self, total: int, pairs: int, rate: float) -> None:
        """Count from here on."""
        self._counted_s = self._clock.monotonic_s()
        self._tally = self._tally.begun(self._counted_s, total, pairs, rate)

    def doing(self, key: Key, what: str) -> None:
        """Count, if it is time to."""
        self._tally = self._tally.doing(key, what)
        self._count()

    def done(self, result: Result) -> None:
        """Write the result."""
        self._tally = self._tally.done(result)
        for line in result_lines(result):
            self.say(line)
        self._count()

    def calls(self, made: int) -> None:
        """Count, if it is time to."""
        self._tally = replace(self._tally, calls=made)
        self._count()

    def say(self, text: str) -> None:
        """Write the line."""
        _write(self._console, text)

    def end(self) -> None:
        """Leave it at what was written."""

    def _count(self) -> None:
        now_s = self._clock.monotonic_s()
        if self._tally.total and now_s - self._counted_s >= LINE_EVERY_S:
            self._counted_s = now_s
            self.say(self._tally.line(now_s))


class Picture:
    """A bar and the recordings at work, drawn in place, gone when it ends; failures stay."""

    def __init__(self, console: Console, clock: Clock) -> None:
        self._console = console
        self._clock = clock
        self._tally = Tally()
        self._live: Live | None = None

    def begin(self, total: int, pairs: int, rate: float) -> None:
        """Draw from here on."""
        from rich.console import Console as Terminal
        from rich.live import Live

        self.end()
        self._tally = self._tally.begun(self._clock.monotonic_s(), total, pairs, rate)
        self._live = Live(
            console=Terminal(file=self._console.err, force_terminal=True),
            get_renderable=self._drawn,
            refresh_per_second=REFRESHES_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        with suppress(OSError):
            self._live.start()

    def doing(self, key: Key, what: str) -> None:
        """Draw it with the next refresh."""
        self._tally = self._tally.doing(key, what)

    def done(self, result: Result) -> None:
        """Draw it with the next refresh; what failed is written above the picture."""
        self._tally = self._tally.done(result)
        if result.outcome == "failed":
            for line in result_lines(result):
                self.say(line)

    def calls(self, made: int) -> None:
        """Draw it with the next refresh."""
        self._tally = replace(self._tally, calls=made)

    def say(self, text: str) -> None:
        """Write the line above the picture."""
        from rich.text import Text

        if self._live is None:
            _write(self._console, text)
            return
        with suppress(OSError):
            self._live.console.print(Text(one_line(text)), soft_wrap=True)

    def end(self) -> None:
        """Take the picture away and give the cursor back."""
        live, self._live = self._live, None
        if live is not None:
            with suppress(OSError):
                live.stop()

    def _drawn(self) -> "Group":
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        tally = self._tally
        bar = Table.grid(padding=(0, 1))
        bar.add_row(
            ProgressBar(total=max(tally.total, 1), completed=tally.ended, width=BAR_CELLS),
            _one_row(tally.line(self._clock.monotonic_s())),
        )
        return Group(bar, *map(_one_row, _at_work(tally)))


def _one_row(text: str) -> "Text":
    from rich.text import Text

    return Text(text, no_wrap=True, overflow="ellipsis")


def _write(console: Console, text: str) -> None:
    with suppress(OSError):
        console.err.write(f"{one_line(text)}\n")


def _at_work(tally: Tally) -> Iterator[str]:
    """Write what the recordings are at that are at it longest."""
    for key, what in list(tally.work.items())[:SHOWN_MAX]:
        yield f"  {one_line(str(key))}  {one_line(what)}"
    if len(tally.work) > SHOWN_MAX:
        yield f"  ... and {len(tally.work) - SHOWN_MAX} more at work"

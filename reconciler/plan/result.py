"""What became of each action of a plan, and who wants to hear of it while it happens.

The engine makes Results and tells a Progress; `cli` renders both.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from reconciler.plan.action import Key, Kind
from reconciler.plan.session import Session

Outcome: TypeAlias = Literal["done", "failed", "skipped"]
"""How an action ended.

`skipped`: not tried; what it builds on failed, a person interrupted, or its time has not come.
"""

OUTCOMES: tuple[Outcome, ...] = ("done", "failed", "skipped")
"""In the order of the contract (design/cli.md, "apply")."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an action failed or was skipped: a fixed code, a sentence, and what to do about it."""

    code: str
    message: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one action.

    `session` is the one it leaves behind, None if there is none; `seconds` is how long it took.
    """

    key: Key
    kind: Kind
    outcome: Outcome
    error: Problem | None = None
    session: Session | None = None
    seconds: float = 0.0


def result_summary(results: Iterable[Result]) -> dict[str, int]:
    """Return how many results there are of each outcome, all outcomes named."""
    outcomes = [result.outcome for result in results]
    return {outcome: outcomes.count(outcome) for outcome in OUTCOMES}


class Progress(Protocol):
    """Hears what an apply is doing. Its methods return at once and never raise."""

    def begin(self, total: int, pairs: int, rate: float) -> None:
        """Say that `total` actions begin, `pairs` of them with a start, at `rate` calls a second.

        `rate` is that of the request budget; 0 if it is not known.
        """
        ...

    def doing(self, key: Key, what: str) -> None:
        """Say what is being done for a recording: `acquiring`, `confirming 12 s`, `stopping`."""
        ...

    def done(self, result: Result) -> None:
        """Say that an action ended."""
        ...

    def calls(self, made: int) -> None:
        """Say how many calls were made so far, those before `begin` among them."""
        ...

    def say(self, text: str) -> None:
        """Write a line that must not be lost, above whatever is being drawn."""
        ...

    def end(self) -> None:
        """Say that nothing more follows, also after an interruption."""
        ...

"""What every checker is: it hears of all that happens, and says what must not be.

One file each in `checks/`, for one invariant of design/reconcile.md or one promise of the contract.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.agora.messages import Reply, Unanswered
from reconciler.plan.action import Plan
from reconciler.state.store import Change, Snapshot
from tests.daemon.wires import Call

if TYPE_CHECKING:
    from tests.simulation.process import Process
    from tests.simulation.simulation import Simulation


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that must never be."""

    check: str
    at_s: float
    text: str

    def __str__(self) -> str:
        return f"{self.check}: {self.text}"


class Check:
    """Hears of calls, writes and notifications as they happen, and looks at what is."""

    def __init__(self, sim: Simulation) -> None:
        self.sim = sim

    def fail(self, text: str) -> None:
        """Say what is wrong; the first of all is the one that counts."""
        self.sim.violated(type(self).__name__, text)

    def called(self, process: Process, call: Call) -> None:
        """Hear of a call as it leaves."""

    def unsent(self, process: Process, call: Call) -> None:
        """Hear of a call that could not leave."""

    def answered(self, process: Process, call: Call, answer: Reply | Unanswered) -> None:
        """Hear of an answer as it arrives at a process that lives."""

    def wrote(self, process: Process, changes: Sequence[Change]) -> None:
        """Hear of a commit; `sim.book` has it already."""

    def notified(self, app: str, told: dict[str, object], status: int | None) -> None:
        """Hear of a notification that was delivered, and what was answered; None: nobody did."""

    def held(self, process: Process) -> None:
        """Hear that a process has the lock of the scope."""

    def loaded(self, process: Process) -> None:
        """Hear that a process has just read the specs."""

    def planned(self, process: Process, plan: Plan) -> None:
        """Hear of the plan that a command has made."""

    def recalled(self, process: Process, snapshot: Snapshot) -> None:
        """Hear what a process has read of state."""

    def died(self, process: Process) -> None:
        """Hear that a process is dead, or has ended in order."""

    def look(self) -> None:
        """Look at what is true at every moment: after each step and every few seconds."""

    async def settled(self) -> None:
        """Do what shows how it settled, once it has; no daemon holds the scope any more."""

    def end(self) -> None:
        """Look at what is true when all has settled, and nobody is at work any more."""


HOOKS = (
    "called",
    "unsent",
    "answered",
    "wrote",
    "notified",
    "held",
    "loaded",
    "planned",
    "recalled",
    "died",
    "look",
    "end",
)


def hearers(checks: Sequence[Check], hook: str) -> list[tuple[Check, Callable[..., None]]]:
    """Return the checkers that care for something, and how they hear of it."""
    nobody = getattr(Check, hook)
    caring = (each for each in checks if getattr(type(each), hook) is not nobody)
    return [(each, getattr(each, hook)) for each in caring]

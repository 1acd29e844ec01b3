"""How a pass over one Recording ended: exactly one of four (style.md, convention 9)."""

from dataclasses import dataclass
from typing import TypeAlias

from reconciler.plan.result import Problem


@dataclass(frozen=True, slots=True)
class Done:
    """It is as desired; nothing is under way."""


@dataclass(frozen=True, slots=True)
class RequeueAfter:
    """Nothing is wrong; come back at `at_s` (Unix time)."""

    at_s: float
    reason: str


@dataclass(frozen=True, slots=True)
class Retry:
    """Something failed that may work later."""

    problem: Problem


@dataclass(frozen=True, slots=True)
class Stalled:
    """It takes a person; trying again cannot help."""

    problem: Problem


Outcome: TypeAlias = Done | RequeueAfter | Retry | Stalled

"""What the simulation found about calls, each by the smallest script that shows it."""

from reconciler.agora.budget import Ledger, Limit, book, slow_down
from tests.simulation.run import perform
from tests.simulation.script import Part, Script, Step

RECORDINGS = 30
"""So many are started at once that calls wait in line for seconds."""

SPEC = {
    "app": "north",
    "storage": "archive",
    "token": "generate",
    "channelProfile": "live",
    "policy": {"restart": "always"},
}
FORWARD_S = 45.0


def test_many_recordings_are_started_as_fast_as_the_budget_allows() -> None:
    assert perform(rush()).violation is None


def test_a_clock_set_forward_lets_no_more_calls_leave_than_the_rate() -> None:
    moved = Step(6.4, "set_clock", {"by_s": FORWARD_S, "seconds": 20.0})
    assert perform(rush(moved)).violation is None


def test_a_refusal_from_before_a_boot_slows_nothing_down() -> None:
    limit = Limit(calls_per_s=10)
    ledger = slow_down(slow_down(Ledger(), 5000.0), 5002.0)
    _, slots = book(ledger, 10.0, limit, 2)
    assert slots == (10.0, 10.0 + limit.gap_s)


def rush(*steps: Step) -> Script:
    """Return the start of many Recordings at once."""
    return Script(
        seed=1,
        parts=tuple(Part(f"rec-{index}", "mix", SPEC) for index in range(RECORDINGS)),
        steps=steps,
        safety_s=60.0,
        begins_s=1_793_000_000.0,
        settings={"tick_s": 5.0, "interval_s": 60.0},
        tuning={},
    )

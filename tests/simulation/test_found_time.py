"""What simulations found about time: back-offs, rotations, schedules, coverage."""

from dataclasses import replace

from reconciler.plan.backoff import attempt_after, next_start_s
from reconciler.plan.session import End, Phase, Session

NOW_S = 1_793_000_000.0


def session(reason: End, attempt: int) -> Session:
    """Return one that ended so, after so many failures."""
    return Session(
        id="a",
        recording="rec",
        replica=0,
        app="default",
        app_key="k",
        app_id="",
        channel="rec",
        mode="mix",
        uid="1",
        phase=Phase.FAILED,
        created_s=NOW_S,
        ended_s=NOW_S,
        end_reason=reason,
        attempt=attempt,
    )


def test_a_start_that_was_interrupted_keeps_the_count_of_failures() -> None:
    """A `run` that died again and again before its starts left did not back off at all."""
    failed = session(End.NOT_STARTED, 2)
    interrupted = replace(session(End.INTERRUPTED, attempt_after(failed)), phase=Phase.ENDED)
    assert next_start_s(interrupted) <= NOW_S
    again = session(End.NOT_STARTED, attempt_after(interrupted))
    assert next_start_s(again) == NOW_S + 40.0

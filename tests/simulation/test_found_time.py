"""What simulations found about time: back-offs, rotations, schedules, coverage."""

from dataclasses import dataclass, replace

from reconciler.plan.backoff import attempt_after, next_start_s
from reconciler.plan.covered import stretch
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


@dataclass(frozen=True)
class Kept:
    """A session as state keeps it, of whose files nothing is known."""

    session: Session
    files: str = ""
    upload: str = ""


def found_gone(stop_taken_s: float | None = None) -> Session:
    """Return one of which the first 404 came 200 s after it was last seen alive."""
    return replace(
        session(End.IDLE, 0),
        phase=Phase.ENDED,
        started_s=NOW_S - 302,
        confirmed_s=NOW_S - 300,
        observed_s=NOW_S - 200,
        missing_s=NOW_S,
        stop_taken_s=stop_taken_s,
    )


def test_what_was_told_to_leave_and_is_first_looked_for_later_counts_until_it_was_seen() -> None:
    """Nobody was at work when it ended, and the whole time until the first 404 was covered."""
    assert stretch(Kept(found_gone())).seen_s == NOW_S - 200


def test_what_was_stopped_and_is_gone_counts_until_the_stop_was_taken() -> None:
    taken_s = NOW_S - 5
    assert stretch(Kept(found_gone(stop_taken_s=taken_s))).seen_s == taken_s


def test_a_start_that_was_interrupted_keeps_the_count_of_failures() -> None:
    """A `run` that died again and again before its starts left did not back off at all."""
    failed = session(End.NOT_STARTED, 2)
    interrupted = replace(session(End.INTERRUPTED, attempt_after(failed)), phase=Phase.ENDED)
    assert next_start_s(interrupted) <= NOW_S
    again = session(End.NOT_STARTED, attempt_after(interrupted))
    assert next_start_s(again) == NOW_S + 40.0

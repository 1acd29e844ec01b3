"""What the checkers of which sessions exist found; each test says what went wrong."""

from dataclasses import replace

from reconciler.plan import heard
from reconciler.plan.session import End, Phase
from tests.plan.lives import NOW_S, in_phase


def test_a_session_that_was_let_go_of_is_left_alone_whatever_is_heard_of_it() -> None:
    """With `onRemoval: leave` it lived on; a failover a minute later had it asked for, and stopped.

    It was taken for one whose end was told wrongly (`found_alive`), and so for unwanted.
    """
    running = in_phase("running")
    forgotten = replace(running, phase=Phase.ENDED, end_reason=End.FORGOTTEN, ended_s=NOW_S - 60.0)
    assert heard.doubted(forgotten, NOW_S - 1.0, NOW_S, is_alive=True).recheck_s is None


def test_a_session_that_seemed_to_have_exited_is_asked_for_when_it_is_heard_to_live() -> None:
    exited = replace(
        in_phase("running"), phase=Phase.ENDED, end_reason=End.EXITED, ended_s=NOW_S - 60.0
    )
    assert heard.doubted(exited, NOW_S - 1.0, NOW_S, is_alive=True).recheck_s == NOW_S

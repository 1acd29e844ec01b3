"""Where an explanation is shown: in `status`, and in the events, which the logs repeat."""

from dataclasses import replace

from reconciler.engine.tell import NORMAL, WARNING, events
from reconciler.plan.recorded import Recorded, Terms, terms_text
from reconciler.plan.session import End, Phase, Session
from reconciler.plan.status import Row, status_rows
from reconciler.spec.desired import Policy
from tests.plan.histories import NOW_S, session

ALWAYS = Terms(policy=Policy())
NEVER = Terms(policy=Policy(restart="never"))
RUNNING = session(digest="d")
GONE = replace(
    RUNNING,
    phase=Phase.ENDED,
    end_reason=End.GONE,
    ended_s=NOW_S,
    missing_s=NOW_S - 90,
    signs=("leave:4",),
)


def row(terms: Terms, *sessions: Session) -> Row:
    recorded = Recorded(
        name="talk",
        app="main",
        channel="talk",
        mode="mix",
        digest="d",
        terms=terms_text(terms),
        source="talk.yaml",
    )
    (found,) = status_rows({"talk": recorded}, sessions, NOW_S)
    return found


def test_status_says_why_it_ended_what_follows_and_what_to_change() -> None:
    message = row(ALWAYS, GONE).message
    assert message.startswith("Its channel was empty for longer than `maxIdle`. It is to be")
    assert "Raise `maxIdle`" in message


def test_status_says_of_what_is_final_that_it_stands() -> None:
    found = row(NEVER, GONE)
    assert found.reason == "final"
    assert "`policy.restart: never` lets that stand." in found.message


def test_an_event_explains_an_end_that_nobody_asked_for() -> None:
    (told,) = events(RUNNING, GONE, NOW_S, ALWAYS)
    assert (told.type, told.reason) == (WARNING, "gone")
    assert "(uid 1001) ended: Its channel was empty" in told.message
    assert "to be started again" in told.message
    assert "`maxIdle`" in told.message
    (told,) = events(RUNNING, GONE, NOW_S)
    assert "`policy.restart` says what follows." in told.message


def test_an_event_of_an_end_that_was_asked_for_says_which() -> None:
    stopped = replace(GONE, end_reason=End.REQUESTED)
    (told,) = events(RUNNING, stopped, NOW_S, ALWAYS)
    assert (told.type, told.message.rpartition(" ")[2]) == (NORMAL, "requested")


def test_what_is_learned_of_an_end_later_is_told_and_nothing_twice() -> None:
    unknown = replace(GONE, signs=())
    assert events(unknown, replace(unknown, recheck_s=NOW_S), NOW_S, ALWAYS) == []
    assert events(unknown, replace(unknown, signs=("upload:backuped",)), NOW_S, ALWAYS) == []
    (told,) = events(unknown, replace(GONE, end_reason=End.IDLE), NOW_S, ALWAYS)
    assert told.reason == "idle"
    assert "Its channel was empty" in told.message

import itertools
from contextlib import closing
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.errors import StateError
from reconciler.state.bounds import Bounds
from reconciler.state.store import Answer, Notice, Request, Store
from tests.state.support import ME, NOW_S, TEXTS, Backend, any_of

FEW = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
SCOPES = itertools.count()
STOP = Request(created_s=NOW_S, command="stop", arguments='{"names": ["standup"]}')
NOTICE = Notice(
    received_s=NOW_S,
    app="main",
    notice_id="n",
    kind=31,
    channel="room",
    uid="527841",
    sid="s",
    sequence=0,
    sent_s=NOW_S,
    service_type=0,
)


def done(number: int, text: str = "done") -> Answer:
    return Answer(request=number, text=text, answered_s=NOW_S)


def test_a_command_asks_the_run_that_holds_the_scope_and_reads_its_answer(
    backend: Backend, store: Store
) -> None:
    with closing(backend.open()) as command, store.lock("default", ME):
        number = command.ask("default", STOP)
        assert store.requests("default") == [(number, STOP)]
        assert command.answer(number) is None
        store.commit("default", [done(number, '{"exit": 0}')])
        assert command.answer(number) == '{"exit": 0}'
        assert store.requests("default") == []


def test_requests_are_told_in_their_order_each_to_its_scope(store: Store) -> None:
    later = replace(STOP, command="import", created_s=NOW_S - 5)
    numbers = [store.ask("default", STOP), store.ask("other", STOP), store.ask("default", later)]
    assert store.requests("default") == [(numbers[0], STOP), (numbers[2], later)]
    assert store.requests("other") == [(numbers[1], STOP)]
    assert store.requests("unknown") == []


@FEW
@given(any_of(Request), TEXTS)
def test_a_request_is_read_as_it_was_written(store: Store, request_: Request, text: str) -> None:
    number = store.ask("default", request_)
    assert store.requests("default") == [(number, request_)]
    store.commit("default", [done(number, text)])
    assert store.answer(number) == text


def test_a_request_without_an_answer_can_be_taken_back(store: Store) -> None:
    number = store.ask("default", STOP)
    store.withdraw(number)
    assert store.requests("default") == []
    store.commit("default", [done(number)])
    assert store.answer(number) is None
    store.withdraw(number)


def test_what_is_answered_can_no_longer_be_taken_back(store: Store) -> None:
    number = store.ask("default", STOP)
    store.commit("default", [done(number)])
    store.withdraw(number)
    assert store.answer(number) == "done"


def test_the_first_answer_of_its_own_scope_stays(store: Store) -> None:
    number = store.ask("default", STOP)
    store.commit("other", [done(number, "theirs")])
    assert store.answer(number) is None
    store.commit("default", [done(number, "first"), done(number, "second")])
    assert store.answer(number) == "first"


def test_the_number_of_a_request_is_never_given_again(store: Store) -> None:
    seen = [store.ask("default", STOP)]
    store.withdraw(seen[0])
    seen.append(store.ask("default", STOP))
    store.trim(NOW_S * 2, Bounds())
    seen.append(store.ask("default", STOP))
    assert sorted(set(seen)) == seen
    assert [number for number, _ in store.requests("default")] == seen[2:]


def test_what_cannot_be_written_cannot_be_asked(backend: Backend) -> None:
    with closing(backend.open(write=False)) as store:
        assert store.requests("default") == []
        assert store.answer(1) is None
        with pytest.raises(StateError, match="cannot be written"):
            store.ask("default", STOP)
        with pytest.raises(StateError, match="cannot be written"):
            store.withdraw(1)


@FEW
@given(st.lists(any_of(Notice), max_size=4))
def test_notifications_are_read_as_they_were_written(store: Store, notices: list[Notice]) -> None:
    scope = str(next(SCOPES))
    store.commit(scope, notices)
    expected = sorted(notices, key=lambda notice: notice.received_s)
    assert store.notices(scope, float("-inf")) == expected


def test_every_notification_is_kept_and_those_since_a_moment_are_told(store: Store) -> None:
    notices = [replace(NOTICE, received_s=received_s) for received_s in (3.0, 1.0, 2.0, 2.0)]
    store.commit("default", notices)
    assert [one.received_s for one in store.notices("default", 0.0)] == [1.0, 2.0, 2.0, 3.0]
    assert [one.received_s for one in store.notices("default", 2.0)] == [2.0, 2.0, 3.0]
    assert store.notices("default", 3.5) == []

"""What goes first where calls wait for their slots: starts, then actions, and queries in turn."""

import asyncio

import pytest
from hypothesis import given

from reconciler.agora.line import QUERY_TURN, START_WITHIN_S, Queue
from tests.agora.support import HANDLE, World, virtual_time
from tests.agora.test_line import FEW, WISHES, Asked, Traffic

QUERY = Asked(0, is_query=True)


def order(queue: Queue[str], number: int) -> str:
    return " ".join(queue.take(0.0) or "-" for _ in range(number))


def queue_of(words: str) -> Queue[str]:
    """Return a line of queries `q...`, acquires `p...` and other calls, in order of asking."""
    queue = Queue[str](pairs_max=2)
    for word in words.split():
        if word.startswith("q"):
            queue.add_query(word)
        else:
            queue.add(word, is_acquire=word.startswith("p"))
    return queue


def test_queries_wait_for_actions_and_get_every_fourth_slot() -> None:
    queue = queue_of("q1 q2 q3 a1 a2 a3 a4 a5 a6 a7")
    assert len(queue) == 10
    assert order(queue, 11) == "a1 a2 a3 q1 a4 a5 a6 q2 a7 q3 -"


def test_slots_that_went_by_while_no_query_waited_count_for_none() -> None:
    queue = queue_of("a1 a2 a3 a4 a5 a6 a7 a8")
    assert order(queue, 4) == "a1 a2 a3 a4"
    queue.add_query("q1")
    assert order(queue, 5) == "a5 a6 a7 q1 a8"


def test_a_start_goes_before_a_query_whose_turn_it_is() -> None:
    queue = queue_of("q1 a1 a2 a3 a4")
    assert order(queue, 3) == "a1 a2 a3"
    queue.add_start("s1", "r1")
    queue.add_start("s2", "r2")
    assert order(queue, 4) == "s1 s2 q1 a4"


def test_queries_use_what_acquires_may_not_take() -> None:
    queue = queue_of("p1 p2 p3 q1 q2")
    assert queue.slots_wanted(0.0) == 2
    assert order(queue, 5) == "p1 p2 q1 q2 -"
    queue.forget("p1")
    assert order(queue, 1) == "p3"


def test_only_a_query_in_line_wants_one_slot_and_can_leave() -> None:
    queue = queue_of("q1 q2")
    assert queue.slots_wanted(0.0) == 1
    queue.leave("q1")
    assert queue.clear() == ("q2",)
    assert queue.slots_wanted(0.0) == 0
    assert len(queue) == 0


@FEW
@given(WISHES)
@virtual_time
async def test_no_query_is_passed_by_more_than_three_actions(wishes: list[Asked]) -> None:
    traffic = Traffic(10)
    await traffic.carry(wishes)
    is_first_s = 0.0
    for left_s, kind, number in traffic.left:
        if kind == "query":
            since_s = max(is_first_s, wishes[number].at_s)
            passed = [
                at_s
                for at_s, other, _ in traffic.left
                if since_s < at_s < left_s and other in {"single", "acquire"}
            ]
            assert len(passed) < QUERY_TURN
            is_first_s = left_s


@virtual_time
async def test_an_action_waits_for_two_slots_at_most_however_many_queries_wait() -> None:
    traffic = Traffic(10)
    await traffic.carry([*[QUERY] * 200, *[Asked(3 + 0.5 * turn) for turn in range(10)]])
    for at_s, kind, number in traffic.left:
        if kind == "single":
            assert at_s - (3 + 0.5 * (number - 200)) <= 0.22


@virtual_time
async def test_pairs_with_queries_beside_them_keep_their_two_seconds() -> None:
    traffic = Traffic(10)
    await traffic.carry([*[QUERY] * 100, *[Asked(0, is_pair=True, latency_s=0.8)] * 100])
    assert max(traffic.start_gaps_s) <= START_WITHIN_S
    queries = [at_s for at_s, kind, _ in traffic.left if kind == "query"]
    pairs_end_s = max(at_s for at_s, kind, _ in traffic.left if kind == "start")
    before = sum(at_s < pairs_end_s for at_s in queries)
    assert before >= 0.24 * sum(at_s < pairs_end_s for at_s in traffic.times_s)
    assert before < len(queries)


@virtual_time
async def test_the_client_stops_and_updates_before_it_asks() -> None:
    world = World(calls_per_s=10)
    client = world.client
    asking = [asyncio.create_task(client.query(HANDLE)) for _ in range(40)]
    await asyncio.sleep(1)
    acting = [client.stop(HANDLE), client.update(HANDLE, {}), client.update_layout(HANDLE, {})]
    await asyncio.gather(*acting, *asking)
    heard = world.service.heard
    moments = {each: world.service.calls(each)[0].at_s for each in ("stop", "update")}
    assert moments["stop"] == pytest.approx(1.05, abs=0.06)
    assert moments["update"] == pytest.approx(1.155, abs=0.06)
    assert heard[-1].endpoint == "query"
    assert len(heard) == 43

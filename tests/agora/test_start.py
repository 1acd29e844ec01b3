"""A start whose outcome is not known: what is repeated, where, for how long, and what it means."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.agora.answers import Acquired, Started
from reconciler.agora.failures import Failure, Meaning, Running
from reconciler.errors import UsageError
from reconciler.spec.wire import Mode
from tests.agora.support import (
    ACQUIRED,
    BODY,
    LOST_AFTER,
    LOST_BEFORE,
    NOW_S,
    A,
    Answer,
    B,
    World,
    refusal,
    times_s,
    virtual_time,
)
from tests.agora.test_error_table import DOCUMENT

TIMEOUT = refusal(500, 62, "request timeout")
UNFINISHED = refusal(206, 65, "request not completed")


async def start(world: World, **options: Any) -> Started | Failure:
    return await world.client.start(ACQUIRED, Mode.MIX, BODY, **options)


@pytest.mark.parametrize("uncertain", [TIMEOUT, UNFINISHED, LOST_BEFORE, Answer(status=502)])
@virtual_time
async def test_an_uncertain_start_is_repeated_identically_and_its_sid_taken(
    uncertain: Answer,
) -> None:
    world = World()
    world.service.will_answer("start", uncertain)
    assert await start(world) == Started(host=A, request_id="request-2", sid="sid-of-resource-1")
    first, second = world.service.calls("start")
    assert (first.path, first.headers, first.body) == (second.path, second.headers, second.body)
    assert 3 <= second.at_s - first.at_s <= 3.75


@virtual_time
async def test_a_start_that_took_effect_unheard_is_found_started() -> None:
    world = World()
    world.service.will_answer("start", LOST_AFTER)
    failure = await start(world)
    assert isinstance(failure, Failure)
    assert (failure.meaning, failure.running) == (Meaning.STARTED, Running.YES)
    assert failure.sid == "sid-of-resource-1"
    assert len(world.service.sessions) == 1


@virtual_time
async def test_a_start_found_started_may_come_without_sid() -> None:
    world = World()
    world.service.will_answer("start", LOST_AFTER, refusal(201, 7, "already started"))
    failure = await start(world)
    assert isinstance(failure, Failure)
    assert (failure.meaning, failure.sid) == (Meaning.STARTED, None)


@virtual_time
async def test_an_uncertain_start_is_repeated_three_times_and_stays_uncertain() -> None:
    world = World()
    world.service.will_answer("start", *[TIMEOUT] * 9)
    failure = await start(world)
    assert isinstance(failure, Failure)
    assert (failure.meaning, failure.running) == (Meaning.PERHAPS_STARTED, Running.MAYBE)
    heard = times_s(world.service.calls("start"))
    assert len(heard) == 4
    assert 18 <= heard[-1] - heard[0] <= 22.5


@pytest.mark.parametrize(
    ("second", "own_meaning"),
    [
        (refusal(400, 2), Meaning.REJECTED),
        (refusal(400, 53, "task conflict"), Meaning.CONFLICT),
        (refusal(500, 502), Meaning.NOT_STARTED),
        (refusal(400, 433), Meaning.NOT_STARTED),
        (Answer(status=401, body={"message": "Unauthorized"}), Meaning.CREDENTIALS),
        (Answer(status=404, body={"message": "no Route matched"}), Meaning.CLIENT_BUG),
    ],
)
@virtual_time
async def test_only_success_and_started_lift_an_uncertainty(
    second: Answer, own_meaning: Meaning
) -> None:
    world = World()
    world.service.will_answer("start", TIMEOUT, second)
    failure = await start(world)
    assert isinstance(failure, Failure)
    assert (failure.meaning, failure.running) == (Meaning.PERHAPS_STARTED, Running.MAYBE)
    assert failure.row.meaning is own_meaning
    assert len(world.service.heard) == 2


@virtual_time
async def test_a_host_that_goes_down_leaves_the_start_uncertain() -> None:
    world = World()
    world.service.will_answer("start", Answer(status=502))
    world.network.down_from_s[A] = 1
    failure = await start(world)
    assert isinstance(failure, Failure)
    assert failure.meaning is Meaning.PERHAPS_STARTED
    assert failure.row.meaning is Meaning.NOT_STARTED


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        (refusal(400, 2), Meaning.REJECTED),
        (refusal(400, 53), Meaning.CONFLICT),
        (refusal(500, 502), Meaning.NOT_STARTED),
    ],
)
@virtual_time
async def test_a_certain_answer_is_not_repeated(answer: Answer, meaning: Meaning) -> None:
    world = World()
    world.service.will_answer("start", answer)
    failure = await start(world)
    assert isinstance(failure, Failure)
    assert failure.meaning is meaning
    assert len(world.service.heard) == 1


@virtual_time
async def test_what_an_earlier_run_may_have_sent_is_uncertain_from_the_beginning() -> None:
    world = World()
    world.service.will_answer("start", refusal(400, 53))
    failure = await start(world, perhaps=True)
    assert isinstance(failure, Failure)
    assert failure.meaning is Meaning.PERHAPS_STARTED


@virtual_time
async def test_a_start_is_not_repeated_when_its_resource_id_is_dead() -> None:
    world = World()
    world.service.will_answer("start", *[TIMEOUT] * 9)
    old = Acquired(host=A, request_id=None, resource_id="resource-1", acquired_s=NOW_S - 293)
    failure = await world.client.start(old, Mode.MIX, BODY)
    assert isinstance(failure, Failure)
    assert failure.meaning is Meaning.PERHAPS_STARTED
    assert len(world.service.heard) == 2  # at 0 and 3 s, not 6 s later


@virtual_time
async def test_a_throttled_start_was_not_processed_and_goes_again() -> None:
    world = World()
    world.service.will_answer("start", Answer(status=429, body={"message": "API rate limit"}))
    assert isinstance(await start(world), Started)


@pytest.mark.parametrize("trouble", [TIMEOUT, LOST_BEFORE, LOST_AFTER])
@virtual_time
async def test_a_start_never_goes_to_another_host_than_its_acquire(trouble: Answer) -> None:
    world = World(endpoints=(A, B))
    world.network.down.add(A)
    acquired = await world.client.acquire(BODY)
    assert isinstance(acquired, Acquired)
    assert acquired.host == B
    world.network.down.clear()
    world.service.will_answer("start", *[trouble] * 3)
    await world.client.start(acquired, Mode.MIX, BODY)
    assert {heard.host for heard in world.service.calls("start")} == {B}
    assert len(world.service.calls("acquire")) == 1


@virtual_time
async def test_a_start_that_cannot_be_sent_certainly_started_nothing() -> None:
    world = World(endpoints=(A, B))
    world.network.down.add(A)
    failure = await start(world)
    assert isinstance(failure, Failure)
    assert (failure.meaning, failure.running) == (Meaning.NOT_STARTED, Running.NO)
    assert world.service.heard == []
    assert [host for _, host in world.network.tried] == [A] * 4


@virtual_time
async def test_a_start_goes_to_no_host_that_is_not_allowed() -> None:
    world = World()
    foreign = Acquired(
        host="https://evil.example", request_id=None, resource_id="r", acquired_s=NOW_S
    )
    with pytest.raises(UsageError, match=r"not sent to the host `evil\.example`"):
        await world.client.start(foreign, Mode.MIX, BODY)
    assert world.network.tried == []


@virtual_time
async def test_a_lost_acquire_is_repeated_and_leaves_nothing_behind() -> None:
    world = World()
    world.service.will_answer("acquire", LOST_AFTER, LOST_BEFORE)
    acquired = await world.client.acquire(BODY)
    assert isinstance(acquired, Acquired)
    assert acquired.resource_id == "resource-3"
    assert world.service.sessions == {}


@virtual_time
async def test_a_resource_id_is_as_old_as_its_request() -> None:
    world = World()
    world.service.will_answer("acquire", Answer(takes_effect=True, delay_s=7))
    acquired = await world.client.acquire(BODY)
    assert isinstance(acquired, Acquired)
    assert acquired.acquired_s == NOW_S


ANSWERS = [
    *(
        Answer(status=line["status"], body={"code": line["code"], "message": line["message"]})
        for line in DOCUMENT
        if "start" in line["endpoints"] and isinstance(line["status"], int)
    ),
    Answer(status=503, body={}),
    Answer(takes_effect=True),
    LOST_BEFORE,
    LOST_AFTER,
]
MAY_BE_ALIVE = {Meaning.STARTED, Meaning.PERHAPS_STARTED}


@given(answers=st.lists(st.sampled_from(ANSWERS), max_size=8), goes_down=st.booleans())
@virtual_time
async def test_a_session_that_started_is_never_taken_for_one_that_did_not(
    answers: list[Answer], *, goes_down: bool
) -> None:
    world = World(endpoints=(A, B))
    world.service.will_answer("start", *answers)
    if goes_down:
        world.network.down_from_s[A] = 4
    answer = await start(world)
    if isinstance(answer, Failure):
        assert not world.service.sessions or answer.meaning in MAY_BE_ALIVE
    else:
        assert answer.sid == world.service.sessions["resource-1"]
    heard = world.service.calls("start")
    assert len(heard) <= 4
    assert all(call.host == A and call.body == BODY for call in heard)

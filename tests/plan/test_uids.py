from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.plan.uids import DERIVED_MAX, DERIVED_MIN, derived_uid, next_uid, uid_again
from tests.plan.lives import in_phase

POOLS = st.lists(st.sampled_from("12345"), unique=True)
DERIVED = partial(derived_uid, "default", "lobby", 0)


@pytest.mark.parametrize(
    ("name", "replica", "counter", "uid"),
    [
        ("lobby", 0, 0, "4226867205"),
        ("lobby", 0, 1, "4226867206"),
        ("lobby", 1, 0, "4267305257"),
    ],
)
def test_derived_uids_never_change(name: str, replica: int, counter: int, uid: str) -> None:
    assert derived_uid("default", name, replica, counter) == uid


@given(st.text(), st.text(), st.integers(0, 3), st.integers(0, 2**40))
def test_a_derived_uid_is_in_the_upper_half(
    scope: str, name: str, replica: int, counter: int
) -> None:
    assert DERIVED_MIN <= int(derived_uid(scope, name, replica, counter)) <= DERIVED_MAX


def test_the_derived_uids_of_a_replica_all_differ_and_so_do_those_of_others() -> None:
    uids = [
        derived_uid(scope, name, replica, counter)
        for scope in ("default", "other")
        for name in ("lobby", "stage")
        for replica in (0, 1)
        for counter in range(500)
    ]
    assert len(set(uids)) == len(uids)


def test_the_last_derived_uid_is_followed_by_the_first() -> None:
    begin = int(DERIVED(0))
    assert DERIVED(DERIVED_MAX - begin) == str(DERIVED_MAX)
    assert DERIVED(DERIVED_MAX - begin + 1) == str(DERIVED_MIN)


@pytest.mark.parametrize(
    ("pool", "last", "taken", "uid"),
    [
        (["1"], "", "", "1"),
        (["1"], "1", "", "1"),
        (["1", "2"], "", "", "1"),
        (["1", "2"], "1", "", "2"),
        (["1", "2"], "2", "", "1"),
        (["1", "2"], "1", "2", "1"),
        (["1", "2", "3"], "2", "", "3"),
        (["1", "2", "3"], "2", "3", "1"),
        (["1", "2", "3"], "9", "1", "2"),
    ],
)
def test_the_given_uids_take_turns(pool: list[str], last: str, taken: str, uid: str) -> None:
    assert next_uid(pool, last=last, taken=taken, derive=DERIVED, counter=4) == (uid, 4)


@pytest.mark.parametrize("pool", [[], ["1"], ["1", "2"]])
def test_where_none_given_is_free_one_is_derived(pool: list[str]) -> None:
    found = next_uid(pool, last="1", taken={"1", "2"}, derive=DERIVED, counter=4)
    assert found == (DERIVED(4), 5)


def test_a_derived_uid_that_is_taken_is_passed_over() -> None:
    taken = {DERIVED(4), DERIVED(5)}
    assert next_uid([], last="", taken=taken, derive=DERIVED, counter=4) == (DERIVED(6), 7)


@given(POOLS, st.sampled_from(["", *"12345"]), st.sets(st.sampled_from("12345")))
def test_a_uid_is_free_and_is_derived_only_if_none_given_is(
    pool: list[str], last: str, taken: set[str]
) -> None:
    uid, counter = next_uid(pool, last=last, taken=taken, derive=DERIVED, counter=0)
    assert uid not in taken
    assert (uid in pool) is (counter == 0) is bool(set(pool) - taken)
    assert uid != last or not (set(pool) - taken - {last})


@given(POOLS)
def test_no_derived_uid_comes_twice(pool: list[str]) -> None:
    found, counter, last = [], 0, ""
    for _ in range(20):
        last, counter = next_uid(pool, last=last, taken=pool, derive=DERIVED, counter=counter)
        found.append(last)
    assert len(set(found)) == 20


@pytest.mark.parametrize(
    ("pool", "again", "counter", "found"),
    [
        (["1", "2"], "1", 0, ("1", 0)),
        (["1"], "1", 0, ("1", 0)),
        ([], DERIVED(3), 4, (DERIVED(3), 4)),
        # It is no longer one that the spec gives.
        (["2", "3"], "1", 0, ("2", 0)),
        ([], "1", 0, (DERIVED(0), 1)),
        (["2"], DERIVED(2), 4, ("2", 4)),
    ],
)
def test_after_a_conflict_the_same_uid_is_tried_again_and_no_other_beside_it(
    pool: list[str], again: str, counter: int, found: tuple[str, int]
) -> None:
    last = uid_again(in_phase("failed", end_reason="conflict", uid=again))
    uid = next_uid(pool, last=again, taken=(), derive=DERIVED, counter=counter, again=last)
    assert uid == found


def test_a_uid_that_a_session_of_ours_holds_since_the_conflict_is_not_tried_again() -> None:
    found = next_uid(["1", "2"], last="1", taken={"1"}, derive=DERIVED, counter=0, again="1")
    assert found == ("2", 0)


@pytest.mark.parametrize("end", ["interrupted", "not-started", "quota", "exited", ""])
def test_only_a_conflict_asks_for_the_same_uid(end: str) -> None:
    assert uid_again(in_phase("failed", end_reason=end)) == ""
    assert uid_again(None) == ""

"""How long to wait before a call is made again."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.agora.retry import JITTER, next_delay_s

WAITS = (3, 6, 9)


@given(st.integers(0, 50), st.randoms(use_true_random=False))
def test_a_wait_is_never_shorter_and_little_longer_than_written(repeats: int, rng: Random) -> None:
    wait_s = WAITS[min(repeats, 2)]
    assert wait_s <= next_delay_s(WAITS, repeats, rng) <= wait_s * (1 + JITTER)


@given(st.floats(0, 60), st.randoms(use_true_random=False))
def test_a_longer_wait_that_the_service_asks_for_is_kept(asked_s: float, rng: Random) -> None:
    assert next_delay_s(WAITS, 0, rng, asked_s) >= max(asked_s, 3)


def test_waits_differ_so_that_calls_do_not_come_back_together() -> None:
    rng = Random(7)
    assert len({next_delay_s(WAITS, 0, rng) for _ in range(20)}) == 20


@pytest.mark.parametrize("seed", [1, 2])
def test_one_seed_gives_the_same_waits(seed: int) -> None:
    assert next_delay_s(WAITS, 1, Random(seed)) == next_delay_s(WAITS, 1, Random(seed))

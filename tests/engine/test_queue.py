"""The work queue: against a model of plain dictionaries, and what it is for, one by one."""

from collections import Counter
from collections.abc import Iterator
from math import inf
from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from reconciler.engine.queue import BACKOFF_S, BACKOFF_S_MAX, JITTER, Queue, QueueKey

APPS = ("a", "b", "c")
KEYS = [QueueKey(*words) for words in ("a1", "a2", "a3", "b1", "c1")]
KEY, OTHER, *_ = KEYS
RUNNING_MAX = 2

keys = st.sampled_from(KEYS)
delays = st.sampled_from([-100.0, -1.0, 0.0, 0.0, 0.5, 3.0, 20.0, 400.0])


class QueueMachine(RuleBasedStateMachine):
    """Every way to use a queue, and what it says at each step."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = Queue(Random(1), RUNNING_MAX)
        self.now_s = 1000.0
        self.taken_s = -inf
        self.due: dict[QueueKey, float] = {}
        self.running: set[QueueKey] = set()
        self.held: Counter[QueueKey] = Counter()
        self.failures: Counter[QueueKey] = Counter()
        self.waits_out: set[QueueKey] = set()
        self.news: set[QueueKey] = set()
        self.skipped: Counter[tuple[str, bool]] = Counter()

    @rule(seconds=st.sampled_from([0.5, 2.0, 30.0, 500.0, 500.0]))
    def time_passes(self, seconds: float) -> None:
        self.now_s += seconds

    @rule(key=keys, delay_s=delays)
    def add(self, key: QueueKey, delay_s: float) -> None:
        self.queue.add(key, self.now_s + delay_s)
        self._woken(key, self.now_s + delay_s)

    @rule(key=keys)
    def renew(self, key: QueueKey) -> None:
        self.queue.renew(key, self.now_s)
        self._forgive(key)
        self._woken(key, self.now_s)
        self.news.add(key)

    @rule()
    def take(self) -> None:
        able = [key for key in self._able() if self.due[key] <= self.now_s]
        self.taken_s = self.now_s
        key = self.queue.take(self.now_s)
        assert (key is None) is (not able)
        if key is None:
            return
        assert key in able
        line = self._line(key)
        assert self.due[key] == min(self.due[each] for each in able if self._line(each) == line)
        self._take_turns(line, set(map(self._line, able)))
        del self.due[key]
        self.waits_out.discard(key)
        self.news.discard(key)
        self.running.add(key)

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def done(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.running)))
        self.queue.done(key)
        self._forgive(key)
        self.running.remove(key)

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.running)))
        at_s = self.queue.fail(key, self.now_s)
        gap_s = min(BACKOFF_S * 2 ** self.failures[key], BACKOFF_S_MAX)
        self.failures[key] += 1
        self.running.remove(key)
        if key in self.due and at_s == self.due[key]:
            return
        assert (1 - JITTER) * gap_s <= at_s - self.now_s <= (1 + JITTER) * gap_s
        assert at_s < self.due.get(key, inf)
        self.due[key] = at_s
        self.waits_out.add(key)

    @rule(some=st.lists(keys, unique=True))
    def hold(self, some: list[QueueKey]) -> None:
        self.queue.hold(some)
        self.held.update(some)

    @precondition(lambda self: +self.held)
    @rule(data=st.data())
    def free(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(+self.held)))
        self.queue.free([key])
        self.held[key] -= 1

    @rule(key=keys)
    def drop(self, key: QueueKey) -> None:
        self.queue.drop(key)
        self.due.pop(key, None)
        self.news.discard(key)
        self._forgive(key)

    @invariant()
    def it_says_how_things_are(self) -> None:
        moments = [self.due[key] for key in self._able()]
        assert self.queue.next_s() == min(moments, default=None)
        assert self.queue.depth(self.now_s) == sum(at_s <= self.now_s for at_s in self.due.values())
        assert len(self.queue) == len({*self.due, *self.running})
        assert self.queue.running(KEYS[:4]) == self.running.intersection(KEYS[:4])
        assert {key for key in KEYS if self.queue.backs_off(key)} == self.waits_out

    def _woken(self, key: QueueKey, at_s: float) -> None:
        at_s = max(at_s, self.taken_s)
        if at_s < self.due.get(key, inf):
            self.due[key] = at_s
            self.waits_out.discard(key)

    def _forgive(self, key: QueueKey) -> None:
        del self.failures[key]
        self.waits_out.discard(key)

    def _able(self) -> Iterator[QueueKey]:
        """Yield the keys that could be taken, were they due."""
        in_work = Counter(key.app for key in self.running)
        for key in self.due:
            is_free = key not in self.running and not self.held[key]
            if is_free and in_work[key.app] < RUNNING_MAX:
                yield key

    def _line(self, key: QueueKey) -> tuple[str, bool]:
        return key.app, key in self.news

    def _take_turns(self, taken: tuple[str, bool], could: set[tuple[str, bool]]) -> None:
        for line in could:
            self.skipped[line] = 0 if line == taken else self.skipped[line] + 1
            assert self.skipped[line] < 2 * len(APPS)


QueueMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=40)
test_a_queue_does_as_its_model = QueueMachine.TestCase


def new_queue(running_max: int = 8) -> Queue:
    return Queue(Random(7), running_max)


def drained(queue: Queue, now_s: float) -> list[QueueKey]:
    """Take all that is due."""
    found = []
    while (key := queue.take(now_s)) is not None:
        found.append(key)
    return found


def test_many_wake_ups_make_one_run() -> None:
    queue = new_queue()
    for at_s in (5.0, 3.0, 4.0, 3.0):
        queue.add(KEY, at_s)
    assert queue.take(2.9) is None
    assert drained(queue, 10.0) == [KEY]
    queue.done(KEY)
    assert queue.take(10.0) is None


def test_wake_ups_during_a_run_make_one_more_after_it() -> None:
    queue = new_queue()
    queue.add(KEY, 0.0)
    assert queue.take(0.0) == KEY
    for _ in range(3):
        queue.add(KEY, 0.0)
    assert queue.take(0.0) is None
    assert queue.next_s() is None
    queue.done(KEY)
    assert drained(queue, 0.0) == [KEY]


def test_another_apps_key_is_taken_within_one_round_where_one_app_has_5000_due() -> None:
    queue = new_queue(running_max=6000)
    many = [QueueKey("big", str(number)) for number in range(5000)]
    for key in many:
        queue.add(key, 0.0)
    begun = [queue.take(1.0) for _ in range(100)]
    small = [QueueKey(app, "late") for app in ("small", "tiny")]
    for key in small:
        queue.add(key, 1.0)
    assert set(small) <= {queue.take(1.0) for _ in range(3)}
    rest = drained(queue, 1.0)
    assert [*begun, *(key for key in rest if key.app == "big")][:100] == many[:100]
    assert len(rest) == 5000 - 100 - 1


def test_within_an_app_who_is_due_first_goes_first_and_a_moment_long_past_is_no_privilege() -> None:
    queue = new_queue()
    queue.add(OTHER, 1.0)
    queue.add(KEY, 2.0)
    assert queue.take(5.0) == OTHER
    queue.add(OTHER, -1000.0)
    queue.done(OTHER)
    assert drained(queue, 5.0) == [KEY, OTHER]


@pytest.mark.parametrize("are_news", [True, False])
def test_news_and_what_comes_back_take_turns_however_many_of_the_other_wait(
    *, are_news: bool
) -> None:
    queue = new_queue(running_max=6000)
    for number in range(1000):
        key = QueueKey("a", str(number))
        if are_news:
            queue.renew(key, 0.0)
        else:
            queue.add(key, 0.0)
    late = QueueKey("a", "late")
    if are_news:
        queue.add(late, 5.0)
    else:
        queue.renew(late, 5.0)
    assert late in {queue.take(5.0) for _ in range(2)}


def test_what_is_renewed_while_it_waits_waits_with_the_news() -> None:
    queue = new_queue()
    queue.add(OTHER, 0.0)
    queue.add(KEY, 0.0)
    queue.renew(KEY, 1.0)
    assert len(queue) == 2
    assert set(drained(queue, 1.0)) == {KEY, OTHER}
    queue.add(KEY, 1.0)
    queue.renew(KEY, 1.0)
    queue.done(KEY)
    assert drained(queue, 1.0) == [KEY]


def test_an_app_runs_no_more_than_it_may_and_says_when_it_has_room() -> None:
    queue = new_queue(running_max=1)
    queue.add(KEY, 0.0)
    queue.add(OTHER, 0.0)
    assert drained(queue, 0.0) == [KEY]
    assert queue.next_s() is None
    assert queue.depth(0.0) == 1
    queue.done(KEY)
    assert queue.next_s() == 0.0


def backoffs(queue: Queue, number: int) -> list[float]:
    """Return the gaps before the repetitions of a pass that always fails."""
    gaps, now_s = [], 0.0
    queue.add(KEY, now_s)
    for _ in range(number):
        assert queue.take(now_s) == KEY
        assert not queue.backs_off(KEY)
        at_s = queue.fail(KEY, now_s)
        assert queue.next_s() == at_s
        gaps.append(at_s - now_s)
        now_s = at_s
    return gaps


def test_back_offs_double_up_to_five_minutes_and_differ() -> None:
    gaps = backoffs(new_queue(), 60)
    for gap_s, usual_s in zip(gaps, [10, 20, 40, 80, 160, *[300] * 55], strict=True):
        assert 0.8 * usual_s <= gap_s <= 1.2 * usual_s
    assert len(set(gaps)) == 60
    assert max(gaps) > 1.1 * BACKOFF_S_MAX
    assert min(gaps[5:]) < 0.9 * BACKOFF_S_MAX


@pytest.mark.parametrize("how", ["done", "renew", "drop"])
def test_what_ended_well_or_is_new_begins_with_the_shortest_back_off(how: str) -> None:
    queue = new_queue()
    now_s = sum(backoffs(queue, 4)) + 1000
    if how == "done":
        assert queue.take(now_s) == KEY
        queue.done(KEY)
    elif how == "renew":
        queue.renew(KEY, now_s)
    else:
        queue.drop(KEY)
    queue.add(KEY, now_s)
    assert queue.take(now_s) == KEY
    assert queue.fail(KEY, now_s) - now_s <= 1.2 * BACKOFF_S


def test_a_newer_generation_does_not_wait_for_the_back_off_of_the_older_one() -> None:
    queue = new_queue()
    backoffs(queue, 5)
    queue.renew(KEY, 400.0)
    assert not queue.backs_off(KEY)
    assert queue.take(400.0) == KEY


def test_a_promised_moment_comes_before_the_end_of_a_back_off_and_leaves_its_count() -> None:
    queue = new_queue()
    again_s = sum(backoffs(queue, 3))
    queue.add(KEY, again_s + 900)
    assert queue.backs_off(KEY)
    queue.add(KEY, again_s - 5)
    assert not queue.backs_off(KEY)
    assert queue.take(again_s - 5) == KEY
    assert queue.fail(KEY, again_s) - again_s > 60


def test_a_pass_that_fails_and_was_woken_up_meanwhile_is_repeated_at_once() -> None:
    queue = new_queue()
    queue.add(KEY, 0.0)
    queue.take(0.0)
    queue.add(KEY, 1.0)
    assert queue.fail(KEY, 2.0) == 1.0
    assert not queue.backs_off(KEY)
    assert queue.take(2.0) == KEY


def test_what_is_held_by_two_is_taken_when_both_have_freed_it() -> None:
    queue = new_queue()
    queue.add(KEY, 0.0)
    queue.hold([KEY, OTHER])
    queue.hold([KEY])
    queue.add(OTHER, 0.0)
    assert queue.next_s() is None
    assert queue.depth(0.0) == 2
    queue.free([KEY, OTHER])
    assert drained(queue, 0.0) == [OTHER]
    queue.free([KEY])
    assert drained(queue, 0.0) == [KEY]


def test_what_is_held_while_it_runs_ends_its_run_and_begins_no_other() -> None:
    queue = new_queue()
    queue.add(KEY, 0.0)
    queue.take(0.0)
    queue.hold([KEY])
    assert queue.running([KEY, OTHER]) == {KEY}
    queue.add(KEY, 0.0)
    queue.done(KEY)
    assert queue.running([KEY]) == frozenset()
    assert queue.take(0.0) is None
    queue.free([KEY])
    assert queue.take(0.0) == KEY


def test_a_key_that_is_dropped_while_it_runs_is_not_taken_beside_itself() -> None:
    queue = new_queue()
    queue.add(KEY, 0.0)
    queue.take(0.0)
    queue.drop(KEY)
    queue.add(KEY, 0.0)
    assert queue.take(0.0) is None
    queue.done(KEY)
    assert queue.take(0.0) == KEY
    queue.drop(KEY)
    queue.done(KEY)
    assert len(queue) == 0
    assert queue.next_s() is None


def test_wake_ups_that_are_moved_many_times_come_in_order_and_once() -> None:
    queue, random = new_queue(running_max=500), Random(3)
    many = [QueueKey("a", str(number)) for number in range(500)]
    moments = dict.fromkeys(many, inf)
    for number in range(20_000):
        key, at_s = random.choice(many), random.uniform(0, 1e6 / (number + 1))
        moments[key] = min(moments[key], at_s)
        queue.hold([key])
        queue.add(key, at_s)
        queue.free([key])
    assert queue.next_s() == min(moments.values())
    assert drained(queue, 1e6) == sorted(many, key=lambda key: moments[key])

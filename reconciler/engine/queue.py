"""The work queue: which Recording gets the next pass (design/reconcile.md, "The daemon").

A key runs at most once at a time, many wake-ups make one run, and a moment that was promised is
kept. The queue runs nothing itself: whoever does takes a key, and says how its pass ended. It reads
no clock either; every moment is monotonic seconds.
"""

from collections import Counter
from collections.abc import Iterable
from heapq import heapify, heappop, heappush
from itertools import count
from math import inf
from random import Random
from typing import NamedTuple, TypeAlias

BACKOFF_S, BACKOFF_S_MAX = 10.0, 300.0
"""Before a failed pass is repeated; doubles with each further failure."""

JITTER = 0.2
"""Back-offs differ by this share, so that what failed together is not repeated together."""

_DOUBLINGS_MAX = 5  # 10 s doubled so often is more than 5 min
_STALE_MIN = 64  # so few entries that are no longer meant need not be swept


class QueueKey(NamedTuple):
    """Names one Recording: an App's name and its own."""

    app: str
    name: str


class _Entry(NamedTuple):
    """A wake-up; those of one moment go in the order in which they came about.

    `is_news`: something about the key is new, and is not yet looked at.
    """

    at_s: float
    number: int
    key: QueueKey
    is_news: bool


_Line: TypeAlias = tuple[str, bool]
"""Where keys of an App wait: those with news, or the others."""


class Queue:
    """Keys and the moments at which they are to run.

    Apps take turns, so that one with thousands of keys due holds up no other; and so do, within an
    App, keys with news and those that only come back. So neither does a change wait until hundreds
    of sessions were looked at, nor a look until hundreds were started. In each line it is first in,
    first out. Of one App `running_max` keys run at once.
    """

    # `_entries` has the one wake-up of each key. Those that can be taken, neither running nor held,
    # are in the heap of their line too, where older entries of the same key stay until they come
    # up.

    def __init__(self, rng: Random, running_max: int) -> None:
        """Begin empty; `rng` spreads the back-offs."""
        self._rng = rng
        self._running_max = running_max
        self._entries: dict[QueueKey, _Entry] = {}
        self._heaps: dict[_Line, list[_Entry]] = {}  # in the order of their turns
        self._running: set[QueueKey] = set()
        self._running_of: Counter[str] = Counter()
        self._held: Counter[QueueKey] = Counter()
        self._failures: Counter[QueueKey] = Counter()
        self._backing_off: set[QueueKey] = set()
        self._numbers = count()
        self._taken_s = -inf

    def __len__(self) -> int:
        """Return how many keys run or are to run."""
        return len(self._entries.keys() | self._running)

    def add(self, key: QueueKey, at_s: float) -> None:
        """Wake a key up at a moment: the earliest of several counts, also before a back-off's end.

        One that runs runs once more after. A moment that has passed means now, behind those that
        are due already.
        """
        at_s = max(at_s, self._taken_s)
        known = self._entries.get(key)
        if known is None or at_s < known.at_s:
            self._backing_off.discard(key)
            self._put(key, at_s, is_news=known is not None and known.is_news)

    def renew(self, key: QueueKey, now_s: float) -> None:
        """Wake a key up now, of which something is new: what failed before no longer counts."""
        self._forget_failures(key)
        at_s, known = max(now_s, self._taken_s), self._entries.get(key)
        if known is None or at_s < known.at_s or not known.is_news:
            self._put(key, at_s if known is None else min(at_s, known.at_s), is_news=True)

    def take(self, now_s: float) -> QueueKey | None:
        """Return the next key that is due, which runs from now on; None: none can run now."""
        self._taken_s = max(self._taken_s, now_s)
        line = next((line for line in self._heaps if self._next_s(line) <= now_s), None)
        if line is None:
            return None
        heap = self._heaps[line] = self._heaps.pop(line)  # its next turn comes after all others'
        key = heappop(heap).key
        del self._entries[key]
        self._backing_off.discard(key)
        self._running.add(key)
        self._running_of[key.app] += 1
        return key

    def done(self, key: QueueKey) -> None:
        """Take note that a pass ended well."""
        self._forget_failures(key)
        self._end(key)

    def fail(self, key: QueueKey, now_s: float) -> float:
        """Take note that a pass failed; return when it is repeated.

        That is after its back-off, or earlier if it was woken up meanwhile.
        """
        doublings = min(self._failures[key], _DOUBLINGS_MAX)
        gap_s = min(BACKOFF_S * 2**doublings, BACKOFF_S_MAX)
        at_s = now_s + gap_s * self._rng.uniform(1 - JITTER, 1 + JITTER)
        self._failures[key] += 1
        self._end(key)
        if key not in self._entries or at_s < self._entries[key].at_s:
            self._put(key, at_s, is_news=False)
            self._backing_off.add(key)
        return self._entries[key].at_s

    def backs_off(self, key: QueueKey) -> bool:
        """Tell whether a key waits out a failure, and for nothing else that is earlier.

        Who wakes up all, without having heard anything new of them, leaves such a key alone.
        """
        return key in self._backing_off

    def hold(self, keys: Iterable[QueueKey]) -> None:
        """Let these not be taken until they are freed, as often as they were held.

        Those that run go on to their end.
        """
        for key in keys:
            self._held[key] += 1
            self._put_again(key)

    def free(self, keys: Iterable[QueueKey]) -> None:
        """Let these be taken again; what they were woken up for meanwhile is not lost."""
        for key in keys:
            self._held[key] -= 1
            if self._held[key] <= 0:
                del self._held[key]
            self._put_again(key)

    def running(self, keys: Iterable[QueueKey]) -> frozenset[QueueKey]:
        """Return which of these run."""
        return frozenset(self._running.intersection(keys))

    def drop(self, key: QueueKey) -> None:
        """Forget a key. A pass that is under way is still told of its end, and may fail."""
        self._forget_failures(key)
        self._entries.pop(key, None)

    def next_s(self) -> float | None:
        """Return when the next of those is due that have room to run; None: there are none.

        A key whose App has no room, that is held or that runs comes back with the end of that.
        """
        earliest_s = min(map(self._next_s, self._heaps), default=inf)
        return None if earliest_s == inf else earliest_s

    def depth(self, now_s: float) -> int:
        """Return how many keys are due and wait, for whatever reason."""
        return sum(entry.at_s <= now_s for entry in self._entries.values())

    def _next_s(self, line: _Line) -> float:
        """Return when the next key of a line can run; endless if there is none, or no room."""
        heap = self._heaps[line]
        while heap and self._entries.get(heap[0].key) is not heap[0]:
            heappop(heap)
        return heap[0].at_s if heap and self._running_of[line[0]] < self._running_max else inf

    def _put(self, key: QueueKey, at_s: float, *, is_news: bool) -> None:
        entry = self._entries[key] = _Entry(at_s, next(self._numbers), key, is_news)
        if key in self._running or key in self._held:
            return
        heap = self._heaps.setdefault((key.app, is_news), [])
        heappush(heap, entry)
        if len(heap) > 2 * len(self._entries) + _STALE_MIN:
            heap[:] = [each for each in heap if self._entries.get(each.key) is each]
            heapify(heap)

    def _put_again(self, key: QueueKey) -> None:
        """Bring a wake-up into its heap, or out of it, now that the key can be taken or not."""
        if (entry := self._entries.get(key)) is not None:
            self._put(key, entry.at_s, is_news=entry.is_news)

    def _end(self, key: QueueKey) -> None:
        self._running.remove(key)
        self._running_of[key.app] -= 1
        self._put_again(key)

    def _forget_failures(self, key: QueueKey) -> None:
        self._failures.pop(key, None)
        self._backing_off.discard(key)

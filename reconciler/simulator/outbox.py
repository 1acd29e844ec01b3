"""Notifications on their way: tries, repeats, and disorder by order (agora-api.md 8.1). Pure.

`take` hands out what is due, `settle` hears how it went. Nothing is sent from here.
"""

import heapq
from collections import deque
from dataclasses import dataclass, field
from itertools import count
from random import Random

from reconciler.simulator.notices import Notice
from reconciler.simulator.tree import Object

RESEND_WAITS_S = (0.0, 5.0, 15.0)  # at once, then with growing gaps; three at most
WAITING_MAX = 10_000
REMEMBERED_MAX = 2_000
OK = 200


@dataclass(frozen=True, slots=True)
class Chaos:
    """What goes wrong with notifications; shares are from 0 to 1."""

    loss: float = 0.0
    duplicate: float = 0.0
    disorder: float = 0.0
    disorder_s: float = 10.0
    """How late at most a message is that was put out of order."""
    redundant: bool = False
    """Send everything twice, as the service's option of that name."""


@dataclass(slots=True)
class Letter:
    """A notice and what became of it."""

    notice: Notice
    number: int
    tries: int = 0
    delivered: int = 0
    lost: bool = False

    def shown(self) -> Object:
        """Return it for people."""
        notice = self.notice
        return {
            "number": self.number,
            "noticeId": notice.notice_id,
            "eventType": notice.event_type,
            "sid": notice.sid,
            "uid": notice.uid,
            "sequence": notice.sequence,
            "at": notice.at_s,
            "details": notice.details,
            "tries": self.tries,
            "delivered": self.delivered,
            "lost": self.lost,
        }


@dataclass(frozen=True, slots=True, order=True)
class Try:
    """One sending of a letter, due at a time."""

    due_s: float
    order: int
    letter: Letter = field(compare=False)
    repeats: int = field(default=0, compare=False)


class Outbox:
    """What is to be sent, and what was."""

    def __init__(self, source: Random, *, sends: bool) -> None:
        self.chaos = Chaos()
        self.letters: deque[Letter] = deque(maxlen=REMEMBERED_MAX)
        self._sends = sends
        self._source = source
        self._waiting: list[Try] = []
        self._order = count()
        self._numbers = count(1)

    @property
    def sends(self) -> bool:
        """Tell whether anybody listens."""
        return self._sends

    @property
    def next_due_s(self) -> float | None:
        """Return when there is something to take, or None if nothing waits."""
        return self._waiting[0].due_s if self._waiting else None

    def put(self, notice: Notice, due_s: float) -> None:
        """Remember a notice, and send it unless it gets lost."""
        letter = Letter(notice, next(self._numbers))
        self.letters.append(letter)
        chaos, chance = self.chaos, self._source.random
        letter.lost = chance() < chaos.loss
        if letter.lost:
            return
        late_s = chance() * chaos.disorder_s if chance() < chaos.disorder else 0.0
        copies = 2 if chaos.redundant or chance() < chaos.duplicate else 1
        for _ in range(copies):
            self._wait(letter, due_s + late_s)

    def resend(self, notice_id: str, now_s: float) -> bool:
        """Send a remembered notice once more; False if nobody remembers it."""
        for letter in self.letters:
            if letter.notice.notice_id == notice_id:
                self._wait(letter, now_s)
                return True
        return False

    def take(self, now_s: float) -> list[Try]:
        """Return what is due, in order."""
        due = []
        while self._waiting and self._waiting[0].due_s <= now_s:
            due.append(heapq.heappop(self._waiting))
        return due

    def settle(self, sent: Try, status: int | None, now_s: float) -> None:
        """Hear the answer to a try, None for no answer; anything but 200 is repeated."""
        sent.letter.tries += 1
        if status == OK:
            sent.letter.delivered += 1
        elif sent.repeats < len(RESEND_WAITS_S):
            self._wait(sent.letter, now_s + RESEND_WAITS_S[sent.repeats], sent.repeats + 1)

    def _wait(self, letter: Letter, due_s: float, repeats: int = 0) -> None:
        if self._sends and len(self._waiting) < WAITING_MAX:
            heapq.heappush(self._waiting, Try(due_s, next(self._order), letter, repeats))

"""How well the notifications of sessions arrive: gaps in their numbers, and silence. Pure.

A session's notifications are numbered from 0, and no document says who counts: the session, or each
part of it. So only what goes beyond the highest number so far is a gap, which holds for both.
"""

from collections import OrderedDict
from dataclasses import dataclass

STREAMS_MAX = 20_000
"""Of so many sessions is known how theirs arrive; those not heard of for longest go first."""

IN_A_ROW_MIN = 5
"""So many without a gap between them are taken to arrive reliably."""

SILENCE_S_MAX = 180.0
"""A session tells its progress every minute (agora-api.md 8.4): twice it may come late."""


@dataclass(slots=True)
class _Stream:
    uid: str | None
    top: int
    in_a_row: int
    heard_s: float
    alive_ms: int | None = None


class Streams:
    """Knows of each `sid` what was heard last."""

    def __init__(self) -> None:
        self._streams: OrderedDict[str, _Stream] = OrderedDict()

    def has_gap(self, sid: str, uid: str | None, sequence: int | None) -> bool:
        """Tell whether something was sent before this one that did not arrive, or not yet.

        Another uid than before is that of a failover: nothing tells how it counts.
        """
        known = self._streams.get(sid)
        if known is None:
            return False
        return uid != known.uid or (sequence is not None and sequence > known.top + 1)

    def is_overtaken(self, sid: str, sent_ms: int | None) -> bool:
        """Tell whether the session was heard to live later than that."""
        known = self._streams.get(sid)
        if known is None or known.alive_ms is None or sent_ms is None:
            return False
        return sent_ms < known.alive_ms

    def hear(self, sid: str, uid: str | None, sequence: int | None, now_s: float) -> None:
        """Take note of one that was not here before, and is not late."""
        number = -1 if sequence is None else sequence
        stream = self._streams.pop(sid, None) or _Stream(uid, number, 0, now_s)
        gap = stream.uid != uid or number > stream.top + 1
        stream.in_a_row = 1 if gap else stream.in_a_row + 1
        stream.top = number if stream.uid != uid else max(stream.top, number)
        stream.uid, stream.heard_s = uid, now_s
        self._streams[sid] = stream
        while len(self._streams) > STREAMS_MAX:
            self._streams.popitem(last=False)

    def lived(self, sid: str, sent_ms: int) -> None:
        """Take note of when a session that is known here was alive."""
        stream = self._streams.get(sid)
        if stream is not None:
            stream.alive_ms = max(stream.alive_ms or sent_ms, sent_ms)

    def is_reliable(self, sid: str, now_s: float) -> bool:
        """Tell whether a session's notifications come without gaps, and lately."""
        stream = self._streams.get(sid)
        if stream is None or stream.in_a_row < IN_A_ROW_MIN:
            return False
        return 0 <= now_s - stream.heard_s <= SILENCE_S_MAX

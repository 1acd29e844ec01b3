"""Since when a process is at what it does for a Recording: to its end it has the specs of then."""

from collections.abc import Sequence

from reconciler.plan.session import Phase
from reconciler.state.store import Change, SetSession
from tests.daemon.wires import Call
from tests.simulation.process import Process

PAUSE_S = 45.0
"""Calls in one channel with no more than this between them are one work, of one pass or request."""


class Works:
    """When each process began with what it does in each channel, on the clock that only goes on."""

    def __init__(self) -> None:
        self._spans: dict[tuple[int, str], tuple[float, float]] = {}

    def called(self, process: Process, call: Call) -> None:
        """Hear a call as it leaves, or that it could not."""
        self._hear(process, _channel(process, call))

    def wrote(self, process: Process, changes: Sequence[Change]) -> None:
        """Hear of a uid that is claimed: its acquire waits in line from then on."""
        for change in changes:
            if isinstance(change, SetSession) and change.session.phase is Phase.NONE:
                self._hear(process, change.session.channel)

    def _hear(self, process: Process, channel: str) -> None:
        now_s, work = process.sim.clock.monotonic_s(), (process.number, channel)
        began_s, last_s = self._spans.get(work, (now_s, now_s))
        self._spans[work] = (began_s if now_s - last_s <= PAUSE_S else now_s, now_s)

    def began_s(self, process: Process, call: Call) -> float:
        """Return when the work began that a call belongs to; it was heard."""
        return self._spans[process.number, _channel(process, call)][0]

    def there_s(self, process: Process, channel: str) -> float:
        """Return for how long a process has been at work in a channel; 0: it is not."""
        now_s = process.sim.clock.monotonic_s()
        began_s, last_s = self._spans.get((process.number, channel), (now_s, now_s))
        return now_s - began_s if now_s - last_s <= PAUSE_S else 0.0


def _channel(process: Process, call: Call) -> str:
    if isinstance(call.body, dict) and "cname" in call.body:
        return str(call.body["cname"])
    known = process.sim.book.by_resource(call.resource_id)
    return known.channel if known is not None else ""

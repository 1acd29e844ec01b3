"""Orphans: how long they are listed, and what brings them back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.plan.session import End, Phase, Session
from reconciler.state.store import Change, SetSession
from tests.simulation.check import Check
from tests.simulation.truth import HostClock, called_so, ends_s, lives, living
from tests.simulation.wishes import PASS_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.simulation.process import Process
    from tests.simulation.simulation import Simulation

FIVE_MINUTES_S = 300.0
STALE_S = 30.0
"""How much older than a start the notifications of before are (acts/hooks.py)."""

_OK = 200


class Orphans(Check):
    """An orphan is listed with its true latest end, until it has ended (design/reconcile.md).

    "Orphans": `ends_by` is for web its start and `maxDuration`, with a token its end, else null. It
    is dropped then, on an end notification, or on request. A notification with its channel and uid,
    and sent after its start, brings its `sid` back, and it is stopped: no other session's.
    """

    def __init__(self, sim: Simulation) -> None:
        super().__init__(sim)
        self._clock = HostClock(sim)
        self._orphans: set[str] = set()
        self._heard: set[str] = set()

    def wrote(self, process: Process, changes: Sequence[Change]) -> None:
        """Look at what becomes of an orphan."""
        del process
        self._clock.look()
        for change in changes:
            if isinstance(change, SetSession):
                if change.session.id in self._orphans:
                    self._check_after(change.session)
                self._note(change.session)

    def notified(self, app: str, told: dict[str, object], status: int | None) -> None:
        """Look whether an orphan was brought back that is heard of for the first time."""
        if status != _OK or str(told["noticeId"]) in self._heard:
            return
        self._heard.add(str(told["noticeId"]))
        payload: Any = told["payload"]
        session = self.sim.stage.simulator.world.sessions.get(payload["sid"])
        known = None if session is None else self.sim.book.by_resource(session.resource_id)
        if session is None or known is None or not known.is_orphan or known.sid:
            return
        if app != known.app:
            return  # the other App's secret says nothing of this one's sessions
        if session.identity.app_id != self.sim.apps.ids[known.app]:
            return  # its App has another App ID by now, and is not told of this one any more
        sent_s, begun_s = payload["sendts"] / 1000, known.acquired_s or known.created_s
        # By a host's clock that was wrong its start may seem to come later than what tells of it.
        if payload["uid"] == known.uid and sent_s >= begun_s + self._clock.jump_s(
            session.started_s - PASS_S
        ):
            self.fail(f"{called_so(known)} was heard of, and is out of reach all the same")

    def look(self) -> None:
        """Compare the ends that are listed with those that will be."""
        self._clock.look()
        for session, known in living(self.sim):
            if known is None or not known.is_orphan:
                continue
            true_s, listed_s = ends_s(session), known.ends_by_s
            if listed_s is None:
                if true_s is not None:
                    self.fail(f"{called_so(known)} ends, and is listed as if it did not")
            elif true_s is None or true_s > listed_s + self._slow_s(session.started_s):
                late = "never" if true_s is None else f"{true_s - listed_s:.1f} s later"
                self.fail(f"{called_so(known)} ends {late} than listed")

    def _slow_s(self, since_s: float) -> float:
        """Return how much earlier than it is the host's clock may have listed a moment.

        A command keeps the time that it began by (decision 016).
        """
        since_s -= FIVE_MINUTES_S
        shown_s, _ = self._clock.shown(since_s, since_s)
        return max(since_s - shown_s, 0.0) + self._clock.jump_s(since_s)

    def _check_after(self, after: Session) -> None:
        if after.is_orphan:
            return
        if after.may_live:
            started = self.sim.stage.simulator.world.by_resource.get(after.resource_id)
            # One of others with its channel and uid that began since cannot be told from it.
            # By a slow clock of the host, what was told before its start seems to come after it.
            is_own = started is not None and after.sid == started.sid
            is_slow = self._slow_s(self.sim.now_s - FIVE_MINUTES_S) > STALE_S
            if not (is_own or is_slow or self._is_nobodys(after)):
                self.fail(f"{called_so(after)} is given a `sid` that is not its own")
            if not after.stop_reason:
                self.fail(f"{called_so(after)} is back, and is not to be stopped")
            return
        session = lives(self.sim, after)
        if session is None or after.end_reason == End.FORGOTTEN:
            return
        true_s = ends_s(session)
        left_s = None if true_s is None else true_s - self.sim.now_s
        # Its end may have come by the host's clock.
        if (
            after.end_reason != End.UNSEEN
            or left_s is None
            or left_s > self._clock.jump_s(session.started_s)
        ):
            self.fail(f"{called_so(after)} lives, and was dropped ({after.end_reason})")

    def _is_nobodys(self, after: Session) -> bool:
        """Tell whether its `sid` is of others, or of an orphan that was to be forgotten."""
        place = (after.app_key, after.channel, after.uid)
        is_forgotten = any(
            each.end_reason == End.FORGOTTEN and (each.app_key, each.channel, each.uid) == place
            for each in self.sim.book.sessions.values()
        )
        return is_forgotten or after.sid in self.sim.foreign

    def _note(self, session: Session) -> None:
        if session.phase is Phase.ORPHAN:
            self._orphans.add(session.id)
        else:
            self._orphans.discard(session.id)

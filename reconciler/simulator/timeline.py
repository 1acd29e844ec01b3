"""Time: how sessions come up, and what happens to them when it is due. Changes a World.

`advance` is the only mover of a World's clock. Things that are due at the same moment happen in
the order in which they were set.
"""

from collections.abc import Callable

from reconciler.simulator import media, orders, tree
from reconciler.simulator.bodies import WEB
from reconciler.simulator.effective import service
from reconciler.simulator.ends import HOURS_OVER, IDLE, TOKEN_EXPIRED, End
from reconciler.simulator.epilogue import report_exit
from reconciler.simulator.files import Take, stamp, user_stem
from reconciler.simulator.lifecycle import connect_output, end, rise, set_output
from reconciler.simulator.notices import Event, milliseconds
from reconciler.simulator.session import (
    BROKEN,
    EXITED,
    READY,
    RECORDING,
    STOPPED,
    Phase,
    Session,
    Tick,
)
from reconciler.simulator.subscription import VIDEO
from reconciler.simulator.world import World

STEPS = 5  # statuses from the start to a recording
HOUR_S = 3_600
PROGRESS_S = 60.0
REPORTED_S = 3_600.0  # of regular reports, when time is moved further than that at once
PROGRESS_RUNNING = 9_900  # of 10,000; how it grows is not documented


def advance(world: World, to_s: float) -> None:
    """Let everything happen that is due until then; never turns time back."""
    world.heading_s = to_s
    while (due := world.next_due(to_s)) is not None:
        session, tick, at_s = due
        world.now_s = max(world.now_s, at_s)
        _HAPPENS[tick](world, session)
    world.now_s = max(world.now_s, to_s)


def begin(world: World, session: Session, reachable_hours: int, token_ends_s: float | None) -> None:
    """Set a just accepted session going."""
    world.add(session)
    world.note(session, "started")
    world.set_due(session, Tick.UNREACHABLE, world.now_s + reachable_hours * HOUR_S)
    if session.is_web:
        hours = tree.whole(service(session.config, WEB) or {}, "maxRecordingHour")
        world.set_due(session, Tick.HOURS, world.now_s + hours * HOUR_S)
    else:
        media.refresh_channel(world, session.identity.cname)
    if token_ends_s is not None:
        world.set_due(session, Tick.TOKEN, token_ends_s)
    _await_status(world, session)


def _await_status(world: World, session: Session) -> None:
    share = (session.status + 1) / STEPS
    world.set_due(session, Tick.STATUS, session.started_s + session.start_delay_s * share)


def _come_up(world: World, session: Session) -> None:
    """Reach the next status, up to the one in which it can record."""
    if session.status + 1 == READY and session.doom is not None:
        end(world, session, session.doom)
        return
    rise(world, session, session.status + 1)
    if session.status < READY:
        _await_status(world, session)
        return
    world.emit(session, Event.UPLOADER_STARTED, {"status": 0})
    if session.is_web:
        started_ms = milliseconds(world.now_s)
        world.emit(session, Event.WEB_STARTED, {"recorderStartTime": started_ms})
        if session.has_rtmp:
            connect_output(world, session)
    else:
        world.emit(session, Event.RECORDER_STARTED, {"status": 0})
    if session.has_vod:
        world.emit(session, Event.VOD_STARTED, {"aliVodInfo": {"videoId": session.sid}})
    media.refresh(world, session)
    _begin_reports(world, session)


def _begin_reports(world: World, session: Session) -> None:
    """Start what is reported again and again, if anybody listens."""
    if world.outbox.sends:
        _await_report(world, session, Tick.PROGRESS, PROGRESS_S)
        if session.has_screenshots:
            _await_snapshot(world, session)


def _first_slice(world: World, session: Session) -> None:
    rise(world, session, RECORDING)
    if not session.is_web:
        media.report_files(world, session)


def _come_back(world: World, session: Session) -> None:
    """Go on with another recorder, which has a new uid and begins new files."""
    session.away = False
    session.takes.append(Take(prefix=f"bak{session.failovers}_"))
    session.failovers += 1
    session.recorder_uid = world.new_uid()
    world.note(session, "failed over", uid=session.recorder_uid)
    world.emit(session, Event.FAILOVER, {"newUid": int(session.recorder_uid)})
    media.refresh(world, session)


def _unreachable(world: World, session: Session) -> None:
    session.reachable = False
    world.note(session, "unreachable")


def _publish(world: World, session: Session) -> None:
    set_output(world, session, "onhold" if session.page.onhold else "publishing")


def _progress(world: World, session: Session) -> None:
    world.emit(session, Event.PROGRESS, {"progress": PROGRESS_RUNNING})
    _await_report(world, session, Tick.PROGRESS, PROGRESS_S)


def _await_report(world: World, session: Session, tick: Tick, wait_s: float) -> None:
    """Report again after a while; reports are left out where time is moved far."""
    at_s = max(world.now_s + wait_s, world.heading_s - REPORTED_S)
    world.set_due(session, tick, at_s)


def _await_snapshot(world: World, session: Session) -> None:
    interval_s = tree.whole(tree.child(session.config, "snapshotConfig"), "captureInterval")
    _await_report(world, session, Tick.SNAPSHOT, interval_s)


def _snapshot(world: World, session: Session) -> None:
    prefix = session.takes[-1].prefix
    folders = tree.texts(tree.child(session.config, "storageConfig"), "fileNamePrefix")
    for uid, kind in sorted(session.flowing):
        if kind == VIDEO:
            name = f"{prefix}{user_stem(session.stem, uid, VIDEO)}_{stamp(world.now_s)}.jpg"
            world.emit(session, Event.SNAPSHOT, {"fileName": "/".join([*folders, name])})
    _await_snapshot(world, session)


def _half_done(world: World, session: Session) -> None:
    rise(world, session, STOPPED)


def _exit(world: World, session: Session) -> None:
    abnormal = session.end is not None and session.end.abnormal
    session.phase = Phase.EXITED
    rise(world, session, BROKEN if abnormal else EXITED)
    report_exit(world, session, abnormal=abnormal)
    world.release(session)
    world.set_due(session, Tick.GONE, world.now_s + world.tuning.linger_s)


def _forget(world: World, session: Session) -> None:
    session.phase = Phase.GONE
    world.note(session, "gone")
    world.bury(session)


def _ends(reason: End) -> Callable[[World, Session], None]:
    return lambda world, session: end(world, session, reason)


def _carry_out(world: World, session: Session) -> None:
    """Do what a fault rule has ordered for later, if that is still possible."""
    if session.order is not None:
        name, body = session.order
        try:
            orders.carry_out(world, session, name, body)
        except orders.OrderError as problem:
            world.note(session, "order refused", order=name, problem=str(problem))


_HAPPENS: dict[Tick, Callable[[World, Session], None]] = {
    Tick.STATUS: _come_up,
    Tick.FIRST_SLICE: _first_slice,
    Tick.IDLE: _ends(IDLE),
    Tick.HOURS: _ends(HOURS_OVER),
    Tick.TOKEN: _ends(TOKEN_EXPIRED),
    Tick.UNREACHABLE: _unreachable,
    Tick.BACK: _come_back,
    Tick.RTMP: _publish,
    Tick.PROGRESS: _progress,
    Tick.SNAPSHOT: _snapshot,
    Tick.HALF: _half_done,
    Tick.EXIT: _exit,
    Tick.GONE: _forget,
    Tick.ORDER: _carry_out,
}

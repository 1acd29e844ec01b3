"""What of a channel or a page is being recorded right now. Changes a World."""

from reconciler.simulator import tree
from reconciler.simulator.files import BOTH_TRACKS, EVERYBODY
from reconciler.simulator.notices import Event, milliseconds
from reconciler.simulator.rules import AUDIO_ONLY, BOTH, MIX, VIDEO_ONLY
from reconciler.simulator.session import READY, RECORDING, Phase, Session, Tick
from reconciler.simulator.subscription import AUDIO, VIDEO
from reconciler.simulator.world import World

FIRST_SLICE_SHARE = 0.2  # of the start delay passes from media that come late to status 5

_MIXED_TRACK = {AUDIO_ONLY: AUDIO, VIDEO_ONLY: VIDEO, BOTH: BOTH_TRACKS}
_STATE_EVENTS = {AUDIO: Event.AUDIO_STATE, VIDEO: Event.VIDEO_STATE}


def refresh(world: World, session: Session) -> None:
    """Begin and end tracks until what is recorded is what there is to record."""
    take, streams = session.takes[-1], session.flowing
    session.flowing = _flowing(world, session)
    before, after = _written(session, streams), _written(session, session.flowing)
    take.recorded.turn(world.now_s, on=bool(after))
    if session.phase is Phase.LIVE and not session.away:  # a lost recorder tells nothing
        for stream in sorted(streams ^ session.flowing):
            _report_stream(world, session, stream)
    for track in sorted(after - before):
        _begin_slice(world, session, track)
    for track in sorted(before - after):
        take.last_s[track] = world.now_s
    if after and session.status == READY and Tick.FIRST_SLICE not in session.due:
        world.set_due(session, Tick.FIRST_SLICE, _first_uploaded_s(world, session))


def refresh_idle(world: World, session: Session) -> None:
    """Start or stop the clock that ends a recording of an empty channel."""
    channel = world.channel(session.identity.cname)
    if not channel.is_idle(live=session.is_live_channel):
        session.due.pop(Tick.IDLE, None)
    elif Tick.IDLE not in session.due:
        wait_s = tree.whole(session.recording, "maxIdleTime")
        world.set_due(session, Tick.IDLE, world.now_s + wait_s)


def refresh_channel(world: World, cname: str) -> None:
    """Let all recordings of a channel see who is in it."""
    for session in world.in_channel(cname):
        refresh_idle(world, session)
        refresh(world, session)


def _first_uploaded_s(world: World, session: Session) -> float:
    up_s = session.started_s + session.start_delay_s
    late_s = world.now_s + session.start_delay_s * FIRST_SLICE_SHARE
    return up_s if world.now_s < up_s else late_s


def _flowing(world: World, session: Session) -> frozenset[tuple[str, str]]:
    if session.phase is not Phase.LIVE or session.away or session.status < READY:
        return frozenset()
    if session.is_web:
        return frozenset() if session.page.onhold else frozenset({(EVERYBODY, BOTH_TRACKS)})
    users = world.channel(session.identity.cname).recorded
    return frozenset(
        (user.uid, kind)
        for user in users
        for kind in user.sends
        if session.subscription.takes(user.uid, kind) and _is_kept(session, kind)
    )


def _is_kept(session: Session, kind: str) -> bool:
    """Tell whether a track ends up in a file: pictures alone, if there are only screenshots."""
    return kind == VIDEO or not session.screenshots_only


def _written(session: Session, streams: frozenset[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    """Return the tracks of the files that these streams go into."""
    if session.mode != MIX or not streams:
        return streams
    track = _MIXED_TRACK[tree.whole(session.recording, "streamTypes", BOTH)]
    return frozenset({(EVERYBODY, track)})


def _report_stream(world: World, session: Session, stream: tuple[str, str]) -> None:
    uid, kind = stream
    if kind in _STATE_EVENTS:
        state = 0 if stream in session.flowing else 1
        details: tree.Object = {"streamUid": uid, "state": state}
        world.emit(session, _STATE_EVENTS[kind], {**details, "UtcMs": milliseconds(world.now_s)})


def _begin_slice(world: World, session: Session, track: tuple[str, str]) -> None:
    take = session.takes[-1]
    is_first = not take.first_s
    take.first_s.setdefault(track, world.now_s)
    if session.is_web:
        return
    uid, kind = track
    details: tree.Object = {
        "startUtcMs": milliseconds(world.now_s),
        "discontinueUtcMs": milliseconds(take.last_s.get(track, world.now_s)),
        "mixedAllUser": uid == EVERYBODY,
        "streamUid": uid,
        "trackType": kind,
    }
    world.emit(session, Event.SLICE_START, details)
    if is_first and session.status >= RECORDING:
        report_files(world, session)


def report_files(world: World, session: Session) -> None:
    """Notify of the first index file that a recorder has written."""
    world.emit(session, Event.FILE_INFOS, {"fileList": session.index_name(world.now_s)})

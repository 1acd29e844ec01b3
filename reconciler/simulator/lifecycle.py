"""What can happen to a session: it ends, vanishes, fails over, pauses. Changes a World.

Called when something comes due (`timeline`), when a call asks for it (`service`) and when control
orders it (`orders`).
"""

from reconciler.simulator import media, tree
from reconciler.simulator.ends import FOURTH_FAILURE, KILLED, End
from reconciler.simulator.epilogue import report_end
from reconciler.simulator.notices import Event
from reconciler.simulator.session import BROKEN, READY, STOPPING, Phase, Session, Tick
from reconciler.simulator.views import outputs
from reconciler.simulator.world import World

FAILOVERS_MAX = 3  # agora-api.md 7.3
RTMP_CONNECT_S = 1.0


def end(world: World, session: Session, reason: End) -> None:
    """Stop recording, and upload what there is."""
    session.away = False
    session.phase, session.end = Phase.LEAVING, reason
    media.refresh(world, session)
    media.refresh_channel(world, session.identity.cname)
    unreachable_s = session.due.get(Tick.UNREACHABLE)
    session.due.clear()
    if unreachable_s is not None:
        world.set_due(session, Tick.UNREACHABLE, unreachable_s)
    rise(world, session, STOPPING)
    world.note(session, "ended", reason=reason.name)
    report_end(world, session, reason)
    upload_s = session.upload_s if session.has_data else 0.0
    world.set_due(session, Tick.HALF, world.now_s + upload_s / 2)
    world.set_due(session, Tick.EXIT, world.now_s + upload_s)


def vanish(world: World, session: Session) -> None:
    """End a session without a trace: no upload, no notification, 404 at once."""
    session.away, session.flowing = False, frozenset()
    session.end = KILLED
    session.phase = Phase.GONE
    rise(world, session, BROKEN)
    world.note(session, "vanished")
    world.bury(session)


def fail_over(world: World, session: Session, seconds: float) -> None:
    """Lose the server: another takes over after so many seconds, or none if it is the fourth."""
    if session.failovers >= FAILOVERS_MAX:
        end(world, session, FOURTH_FAILURE)
        return
    session.away = True
    session.due.pop(Tick.FIRST_SLICE, None)  # that slice is lost; the next recorder begins anew
    media.refresh(world, session)
    world.note(session, "failing over", seconds=seconds)
    world.set_due(session, Tick.BACK, world.now_s + seconds)


def connect_output(world: World, session: Session) -> None:
    """Connect to the CDN (again)."""
    set_output(world, session, "connecting")
    world.set_due(session, Tick.RTMP, world.now_s + RTMP_CONNECT_S)


def set_output(world: World, session: Session, status: str) -> None:
    """Change how the push to the CDN goes, and notify of it."""
    session.due.pop(Tick.RTMP, None)
    session.page.rtmp = status
    for output in outputs(session):
        world.emit(session, Event.RTMP_STATUS, tree.child(output))


def set_onhold(world: World, session: Session, *, onhold: bool) -> None:
    """Pause or resume a web page recording."""
    session.page.onhold = onhold
    media.refresh(world, session)
    if session.has_rtmp and session.status >= READY:
        set_output(world, session, "onhold" if onhold else "publishing")


def rise(world: World, session: Session, status: int) -> None:
    """Reach a status; it never falls."""
    if status > session.status:
        session.status = status
        world.note(session, "status", status=status)

"""Keeping the `sid` of a session that was just started: whatever it takes, it is not lost."""

from reconciler.agora.answers import Handle
from reconciler.agora.client import Client
from reconciler.agora.failures import Failure
from reconciler.engine.site import Site
from reconciler.engine.tell import events
from reconciler.errors import StateError
from reconciler.plan import life
from reconciler.plan.life import Clocks
from reconciler.plan.session import Session
from reconciler.spec.wire import Mode
from reconciler.state.store import JournalEntry, SetSession

KEEP_WITHIN_S = 30.0
"""A `sid` that cannot be stored by then is stopped (design/reconcile.md, "Errors")."""

AGAIN_S = 1.0


async def keep_sid(
    site: Site, client: Client, session: Session, sid: str, clocks: Clocks
) -> Session:
    """Write the `sid`; return the session.

    Raises StateError where that stayed impossible: the session was stopped, its `sid` told.
    """
    now_s = site.now_s()
    started = life.started(session, sid=sid, now_s=now_s, clocks=clocks)
    entry = JournalEntry(time_s=now_s, session=session.id, step="start", what="started", detail=sid)
    deadline_s = site.clock.monotonic_s() + KEEP_WITHIN_S
    while True:
        try:
            await site.records.commit(
                SetSession(session=started), entry, *events(session, started, now_s)
            )
        except StateError as problem:
            if site.clock.monotonic_s() >= deadline_s:
                await _let_go(site, client, started, problem)
                raise
            await site.clock.sleep(AGAIN_S)
        else:
            return started


async def _let_go(site: Site, client: Client, session: Session, problem: StateError) -> None:
    site.alarm(
        f"the session `{session.sid}` of `{session.recording}` could not be written down "
        f"({problem}); it is being stopped. Its resource ID is `{session.resource_id}`."
    )
    answer = await client.stop(
        Handle(
            channel=session.channel,
            uid=session.uid,
            resource_id=session.resource_id,
            sid=session.sid,
            mode=Mode(session.mode),
            host=session.host,
        ),
        must_go=True,
    )
    if isinstance(answer, Failure):
        site.apps.why(session.app_key, answer)  # it may concern all work of the App

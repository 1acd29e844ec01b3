"""Keeping the `sid` of a session that was just started: whatever it takes, it is not lost."""

from reconciler.agora.client import Client
from reconciler.agora.failures import Failure
from reconciler.engine.observe import handle_of
from reconciler.engine.site import Site
from reconciler.engine.stop import heard, noted
from reconciler.engine.tell import events
from reconciler.errors import StateError
from reconciler.plan import life
from reconciler.plan.life import Clocks
from reconciler.plan.session import End, Session
from reconciler.state.store import Change, JournalEntry, SetSession

KEEP_WITHIN_S = 30.0
"""A `sid` that cannot be stored by then is stopped (design/reconcile.md, "Errors")."""

AGAIN_S = 1.0


async def keep_sid(
    site: Site, client: Client, session: Session, sid: str, clocks: Clocks
) -> Session:
    """Write the `sid`; return the session.

    Raises StateError where that stayed impossible: the session is being stopped, its `sid` told.
    """
    now_s = site.now_s()
    started = life.started(session, sid=sid, now_s=now_s, clocks=clocks)
    entry = JournalEntry(time_s=now_s, session=session.id, step="start", what="started", detail=sid)
    deadline_s = site.clock.monotonic_s() + KEEP_WITHIN_S
    changes: list[Change] = [
        SetSession(session=started),
        entry,
        *events(session, started, now_s),
    ]
    while True:
        try:
            await site.records.commit(*changes)
        except StateError as problem:
            if site.clock.monotonic_s() >= deadline_s:
                site.records.owe(*changes)
                await _let_go(site, client, started, problem)
                raise
            await site.clock.sleep(AGAIN_S)
        else:
            return started


async def _let_go(site: Site, client: Client, session: Session, problem: StateError) -> None:
    """Stop it. In memory it lives on as any that is stopped, until state can take that."""
    site.alarm(
        f"the session `{session.sid}` of `{session.recording}` could not be written down "
        f"({problem}); it is being stopped. Its resource ID is `{session.resource_id}`."
    )
    asked = life.stop_asked(session, End.UNWANTED, site.now_s())
    site.records.owe(*noted(site, session, asked, "intent"))
    answer = await client.stop(handle_of(asked), must_go=True)
    site.records.owe(*heard(site, session, asked, answer))
    if isinstance(answer, Failure):
        site.apps.why(session.app_key, answer)  # it may concern all work of the App

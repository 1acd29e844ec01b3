"""Letting go of sessions that go on: what `forget` does to state."""

from collections.abc import Collection, Sequence

from reconciler.engine.asked import gone_change
from reconciler.engine.records import Records
from reconciler.engine.site import Site
from reconciler.engine.stop import forget
from reconciler.plan.session import Session
from reconciler.plan.slots import is_out_of_reach
from reconciler.state.store import Change, DropRecorded


def known_names(records: Records) -> set[str]:
    """Return the Recordings that can be forgotten: recorded, or with a session that may live."""
    live = (each for each in records.all_sessions() if each.may_live and not each.is_orphan)
    return {*records.recorded, *(each.recording for each in live)}


def living(records: Records, names: Collection[str]) -> list[Session]:
    """Return what runs for these Recordings; their orphans stay listed."""
    return [
        each
        for each in records.all_sessions()
        if each.recording in names and each.may_live and not each.is_orphan
    ]


def orphans(records: Records, resource_id: str, now_s: float) -> list[Session]:
    """Return the sessions out of reach with this resource ID."""
    return [
        each
        for each in records.all_sessions()
        if each.resource_id == resource_id and is_out_of_reach(each, now_s)
    ]


async def let_go(site: Site, names: Sequence[str], sessions: Sequence[Session]) -> None:
    """Drop these Recordings and sessions from state. Raises StateError."""
    # One that 404 alone declared ended would be looked at again, and stopped if it lives.
    doubted = [
        session
        for session in site.records.all_sessions()
        if session.recording in names and session.recheck_s is not None
    ]
    for session in (*sessions, *doubted):
        await forget(site, session)
    await drop(site, names)


async def drop(site: Site, names: Sequence[str]) -> None:
    """Remove Recordings from state: nobody asks for them any more. Raises StateError."""
    now_s = site.now_s()
    changes: list[Change] = [DropRecorded(name=name) for name in names]
    changes += [gone_change(name, now_s) for name in names if name in site.records.recorded]
    if changes:
        await site.records.commit(*changes)

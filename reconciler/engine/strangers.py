"""Notifications whose `sid` no session has: of an orphan, a start under way, or somebody else.

design/reconcile.md, "Orphans". Nothing is guessed of somebody else's session; where it has a uid of
ours, a person is told once.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import replace

from reconciler.agora import events
from reconciler.engine.filing import WHOLE
from reconciler.engine.hear import SIGNS_OF_LIFE, Heard, News, hear
from reconciler.engine.recover import begun_s, recovered
from reconciler.engine.site import Site
from reconciler.engine.tell import WARNING, event
from reconciler.plan.session import Phase, Session
from reconciler.state.store import Event, SetSession

WARNED_MAX = 1_000
"""Of so many strangers is known that somebody was told."""


class Strangers:
    """Knows which sessions somebody was told of."""

    def __init__(self) -> None:
        self._warned: OrderedDict[str, None] = OrderedDict()

    def meet(self, site: Site, app: str, news: News, near: Iterable[Session]) -> Heard:
        """Return what follows from a notification of a session that nobody knows.

        `near` are the sessions of its channel.
        """
        facts, sid = site.apps.facts().get(app), news.notification.sid
        if facts is None or not facts.app_key or not sid:
            return Heard(is_known=False)
        if site.records.store.of_sid(sid) is not None:  # of another scope, or sent to another App
            return Heard(is_known=False)
        mine = [each for each in near if _fits(each, facts.app_key, news)]
        orphan = next((each for each in mine if _may_be(each, news)), None)
        if orphan is not None:
            return _recovered(site, orphan, news)
        starting = [each for each in mine if each.phase is Phase.ACQUIRED]
        if starting:  # its answer is awaited, or the pass that repeats its start will have it
            return Heard(wakes=frozenset(each.recording for each in starting), is_known=False)
        return self._warning(site, facts.app_key, app, news)

    def told(self, sid: str) -> None:
        """Take note of a session that somebody was told of."""
        self._warned[sid] = None
        while len(self._warned) > WARNED_MAX:
            self._warned.popitem(last=False)

    def _warning(self, site: Site, app_key: str, app: str, news: News) -> Heard:
        sid = news.notification.sid or ""
        if sid in self._warned or not _is_running(news):
            return Heard(is_known=False)
        name = _owner(site, app_key, app, news)
        if name is None:
            return Heard(is_known=False)
        return Heard(changes=(_unknown(name, news),), is_known=False, warned=sid)


def _fits(session: Session, app_key: str, news: News) -> bool:
    return (session.app_key, session.uid) == (app_key, news.notification.uid)


def _may_be(session: Session, news: News) -> bool:
    """Tell whether it is an orphan that lacks its `sid`, and was started before this was sent."""
    return session.is_orphan and not session.sid and begun_s(session) <= news.at_s


def _recovered(site: Site, orphan: Session, news: News) -> Heard:
    sid = news.notification.sid or ""
    session, changes = recovered(site, orphan, sid, news.now_s)
    heard = hear(site.records, session, news)
    return replace(
        heard,
        changes=(SetSession(session=session), *changes, *heard.changes),
        wakes=heard.wakes | {session.recording},
    )


def _is_running(news: News) -> bool:
    """Tell whether it is of a session that goes on: what is over concerns nobody here."""
    match news.event:
        case events.UploadProgress(progress=progress):
            return progress is not None and progress < WHOLE
        case told:
            return isinstance(told, SIGNS_OF_LIFE)


def _owner(site: Site, app_key: str, app: str, news: News) -> str | None:
    """Return the Recording whose uid the stranger has; empty for one of the past, None for none."""
    told = news.notification
    if told.channel is None or told.uid is None:
        return None
    for name, wanted in site.specs.wanted.items():
        if told.uid in wanted.uids and (wanted.channel, wanted.app) == (told.channel, app):
            return name
    held = site.records.store.holding(app_key, told.channel, told.uid)
    if not held:
        return None
    name = held[-1].recording
    return name if name in site.records.recorded else ""


def _unknown(name: str, news: News) -> Event:
    told = news.notification
    message = (
        f"a session that this state does not know (sid `{told.sid}`) records channel"
        f" `{told.channel}` with uid `{told.uid}`; take it over with `reconciler import`, or have"
        " it stopped where it was started"
    )
    return event(name, WARNING, "unknown-session", message, news.now_s)

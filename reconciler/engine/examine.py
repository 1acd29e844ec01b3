"""What `doctor` looks at with the engine's parts: Apps, sessions. Nothing is changed or started."""

from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from reconciler.agora.answers import Handle
from reconciler.agora.client import Client
from reconciler.agora.failures import APP_WIDE, Failure, Meaning
from reconciler.engine.site import Site
from reconciler.engine.unattended import expiries
from reconciler.errors import SecretError
from reconciler.plan.result import Problem
from reconciler.plan.slots import is_out_of_reach
from reconciler.plan.times import rfc3339
from reconciler.spec.secrets import Secret
from reconciler.spec.wire import Mode

Verdict: TypeAlias = Literal["ok", "warning", "problem"]

SOON_S = 86_400.0
"""Whoever looks once a day learns of it in time."""

SKEW_S = 60.0
"""A token that is made here counts from this clock; so does every expiry."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `hint` says what to do where it is not well."""

    what: str
    verdict: Verdict
    message: str
    hint: str | None = None


async def examine_app(site: Site, name: str) -> AsyncIterator[Finding]:
    """Yield what there is to say of an App: its credentials, its App ID, its other secrets."""
    what = f"app {name}"
    facts = site.apps.facts()[name]
    client = site.apps.client(name)
    if facts.error:
        yield Finding(what, "problem", facts.error, facts.error_hint or None)
    elif isinstance(client, Problem):
        yield Finding(what, "problem", client.message, client.hint)
    else:
        yield await _credentials(what, client)
        yield await _app_id(what, client)
    for secret in _other_secrets(site, name):
        yield secret


async def _credentials(what: str, client: Client) -> Finding:
    answer = await client.notification_ips()
    if isinstance(answer, Failure):
        return Finding(what, "problem", str(answer))
    return Finding(what, "ok", f"`{answer.host}` accepts its customer ID and secret")


async def _app_id(what: str, client: Client) -> Finding:
    """Ask for a session that nobody has: a wrong App ID is refused before (agora-api.md 6.1)."""
    answer = await client.query(_NOBODY)
    if isinstance(answer, Failure) and answer.meaning in APP_WIDE:
        return Finding(what, "problem", str(answer))
    if isinstance(answer, Failure) and answer.meaning in _SILENT:
        return Finding(what, "warning", "its App ID could not be tried: no answer came")
    return Finding(what, "ok", "the service does not refuse its App ID")


_SILENT = frozenset({Meaning.UNREACHED, Meaning.BUSY, Meaning.THROTTLED, Meaning.UNKNOWN})


_NOBODY = Handle(
    channel="doctor", uid="1", resource_id="doctor", sid="0" * 32, mode=Mode.MIX, host=""
)


def _other_secrets(site: Site, name: str) -> Iterator[Finding]:
    app = site.apps.definitions[name]
    if app.error:
        return
    if app.certificate is not None:
        yield _resolved(site, name, "certificate", app.certificate)
    if app.notification_secret is None:
        yield Finding(
            f"app {name}",
            "warning",
            "it has no `notifications.secret`, so its notifications are not taken",
            "set it as in the Agora console, and ends are heard of at once",
        )
    else:
        yield _resolved(site, name, "notifications.secret", app.notification_secret)


def _resolved(site: Site, name: str, field: str, secret: Secret) -> Finding:
    try:
        site.vault.value(secret)
    except SecretError as problem:
        return Finding(f"app {name}", "problem", f"`{field}`: {problem}", problem.hint)
    return Finding(f"app {name}", "ok", f"its `{field}` resolves")


def examine_clock(skews_s: Iterable[float]) -> Finding:
    """Judge by how much this clock is behind the service's, as its answers told."""
    skew_s = max(skews_s, key=abs, default=None)
    if skew_s is None:
        hint = "see that this machine keeps its clock right"
        return Finding("clock", "warning", "no answer of the service told its time", hint)
    if abs(skew_s) > SKEW_S:
        way = "behind" if skew_s > 0 else "ahead of"
        text = f"this clock is {abs(skew_s):.0f} s {way} the service's"
        return Finding("clock", "problem", text, "set it: expiries and tokens are counted by it")
    return Finding("clock", "ok", "it agrees with the service's")


def examine_sessions(site: Site) -> Iterator[Finding]:
    """Yield what there is to say of sessions that nobody reaches, and that soon expire."""
    now_s = site.now_s()
    sessions = list(site.records.all_sessions())
    lost = [session for session in sessions if is_out_of_reach(session, now_s)]
    for session in lost:
        ends = "" if session.ends_by_s is None else f", until {rfc3339(session.ends_by_s)} at most"
        text = (
            f"a session of `{session.recording}` may go on in channel `{session.channel}` with uid "
            f"`{session.uid}` out of reach{ends}"
        )
        hint = f"`reconciler forget --orphan {session.resource_id}`, once you know that it ended"
        yield Finding("orphans", "warning", text, hint)
    if not lost:
        yield Finding("orphans", "ok", "there are none")
    yield _expiring(site, now_s)


def _expiring(site: Site, now_s: float) -> Finding:
    soon = [each for each in expiries(site) if each[0] < now_s + SOON_S]
    if not soon:
        return Finding("expiry", "ok", "no session expires within a day")
    expires_s, name = min(soon)
    text = f"{len(soon)} sessions expire within a day, `{name}` first, at {rfc3339(expires_s)}"
    hint = "an apply in the half hour before replaces them in time"
    return Finding("expiry", "warning", text, hint)

"""Twelve mistakes that a careless engineer could make, each at the place where it would be made.

The simulation has to find every one of them: else it would not find it in the product either.
`breaks` names what design/reconcile.md promises. `found_by` is the first of the fixed 200 seeds
that found it, when that was last looked at.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reconciler.agora import client
from reconciler.agora.budget import Limit
from reconciler.agora.exchange import Exchange
from reconciler.agora.failures import Failure
from reconciler.agora.notifications import Arrival, Inbox, Notification
from reconciler.engine import assess, bodies, change, notices, record, shop, start
from reconciler.engine.budget import StateBudget
from reconciler.engine.start import _Attempt
from reconciler.plan import backoff, expiry, life, removal
from reconciler.plan.applied import Applied, group_request
from reconciler.plan.reasons import Reason
from reconciler.plan.recorded import Recorded
from reconciler.plan.session import REACHABLE, End, Session
from reconciler.plan.uids import next_uid, uid_again
from reconciler.plan.world import Options
from reconciler.spec.catalog import Catalog
from reconciler.spec.desired import Desired, acquire_body
from reconciler.spec.groups import Group
from reconciler.state import files
from reconciler.state.store import Change
from tests.simulation.instead import instead

Patch = AbstractContextManager[object]


@dataclass(frozen=True, slots=True)
class Mutation:
    """One mistake: what is wrong while `made` lasts, and which promise that breaks."""

    name: str
    wrong: str
    breaks: str
    made: Callable[[], Patch]
    found_by: int

    def __str__(self) -> str:
        return self.name


def _state_after_start() -> Patch:
    class Late(_Attempt):
        async def _commit(self, session: Session, step: str, what: str, *more: Change) -> None:
            if (step, what) != ("start", "intent"):
                await super()._commit(session, step, what, *more)

    return instead(start, "_Attempt", Late)


def _ended_at_404() -> Patch:
    def not_found(session: Session, now_s: float) -> Session:
        if session.phase not in REACHABLE:
            return session
        return life.ended(session, life.why_ended(session, now_s, End.EXITED), now_s)

    return instead(life, "not_found", not_found)


def _missing_pairing() -> Patch:
    def unpaired(desired: Desired, uid: str, *more: Any) -> dict[str, Any]:
        body: dict[str, Any] = acquire_body(desired, uid, *more)
        del body["clientRequest"]["startParameter"]
        return body

    return instead(bodies, "acquire_body", unpaired)


@contextmanager
def _no_backup_uid() -> Iterator[None]:
    def again(last: Session | None) -> str:
        return last.uid if last is not None and last.is_orphan else uid_again(last)

    def chosen(pool: Sequence[str], *, again: str, counter: int, **more: Any) -> tuple[str, int]:
        if again:
            return again, counter
        return next_uid(pool, counter=counter, **more)

    with instead(start, "uid_again", again), instead(start, "next_uid", chosen):
        yield


def _partial_layout() -> Patch:
    def partial(
        desired: Applied, group: Group, raw: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        whole = group_request(desired, group, raw)
        if group is not Group.LAYOUT:
            return whole
        return {"mixedVideoLayout": whole["mixedVideoLayout"]}

    return instead(change, "group_request", partial)


@contextmanager
def _prune_on_error() -> Iterator[None]:
    specs_of, why_kept = assess.specs_of, removal.why_kept

    def of_sound(catalog: Catalog, recorded: Mapping[str, Recorded]) -> Any:
        sound = tuple(each for each in catalog.entries if each.digest)
        return specs_of(replace(catalog, entries=sound), recorded)

    def anyhow(options: Options, recorded: Recorded) -> Reason | None:
        return why_kept(replace(options, sound=True), recorded)

    with (
        instead(shop, "specs_of", of_sound),
        instead(removal, "why_kept", anyhow),
        instead(record, "why_kept", anyhow),
    ):
        yield


def _unchecked_lock() -> Patch:
    take_lock = files.take_lock

    def take(path: Path, text: str) -> int | None:
        file = take_lock(path, text)
        return os.open(path, os.O_RDWR) if file is None else file

    return instead(files, "take_lock", take)


def _secret_in_error() -> Patch:
    class Talkative(Exchange):
        def _failure(self, call: Any, *more: Any) -> Failure:
            found = super()._failure(call, *more)
            return replace(found, reason=f"{found.reason}, in answer to {json.dumps(call.body)}")

    return instead(client, "Exchange", Talkative)


def _early_reset() -> Patch:
    return instead(backoff, "GOOD_RUN_S", 1.0)


def _late_rotation() -> Patch:
    return instead(expiry, "MARGIN_S_MAX", 0.0)


def _doubled_notice() -> Patch:
    class Forgetful(Inbox):
        def take(self, notification: Notification, now_s: float) -> Arrival:
            arrival = super().take(notification, now_s)
            return Arrival.NEW if arrival is Arrival.DUPLICATE else arrival

    return instead(notices, "Inbox", Forgetful)


def _unshared_budget() -> Patch:
    async def book(
        self: StateBudget, app: str, limit: Limit, calls: int, ahead_s: float
    ) -> tuple[float, ...]:
        return await self._unbooked.book(app, limit, calls, ahead_s)

    return instead(StateBudget, "book", book)


MUTATIONS = (
    Mutation(
        name="state-after-start",
        wrong="A session is written down after its start has left, not before.",
        breaks="invariant 3: no session is ever lost",
        made=_state_after_start,
        found_by=0,
    ),
    Mutation(
        name="ended-at-404",
        wrong="The first 404 ends a session.",
        breaks="invariant 8: for up to 90 s the service may be moving it",
        made=_ended_at_404,
        found_by=1,
    ),
    Mutation(
        name="missing-pairing",
        wrong="An acquire does not say what its start will ask for.",
        breaks="invariant 4: `acquire` carries the start's `clientRequest` as `startParameter`",
        made=_missing_pairing,
        found_by=0,
    ),
    Mutation(
        name="no-backup-uid",
        wrong="A start that stays perhaps started is tried again on the same uid.",
        breaks="errors of the service: the Recording goes on at once on another uid",
        made=_no_backup_uid,
        found_by=2,
    ),
    Mutation(
        name="partial-layout",
        wrong="A layout is sent without its background and its regions.",
        breaks="invariant 7: `updateLayout` always carries the whole layout",
        made=_partial_layout,
        found_by=0,
    ),
    Mutation(
        name="prune-on-error",
        wrong="A manifest with an error is taken as one that is not there.",
        breaks="invariant 10: a spec error never stops a recording",
        made=_prune_on_error,
        found_by=0,
    ),
    Mutation(
        name="unchecked-lock",
        wrong="Whoever does not get the lock goes on as if it had it.",
        breaks="locking: `apply` and `run` hold the scope's lock",
        made=_unchecked_lock,
        found_by=0,
    ),
    Mutation(
        name="secret-in-error",
        wrong="The text of a failure repeats the body that was sent.",
        breaks="invariant 9: no secret leaves the process but to the service",
        made=_secret_in_error,
        found_by=0,
    ),
    Mutation(
        name="early-reset",
        wrong="A session that recorded for a second begins the count of failures anew.",
        breaks="life of a session: started again at once the first time, then after the back-off",
        made=_early_reset,
        found_by=4,
    ),
    Mutation(
        name="late-rotation",
        wrong="A session is rotated when it expires, not before.",
        breaks="expiry: it is replaced start-first between three margins and one margin before",
        made=_late_rotation,
        found_by=31,
    ),
    Mutation(
        name="doubled-notice",
        wrong="A notification that comes twice is acted on twice.",
        breaks="the daemon: many wake-ups make one run",
        made=_doubled_notice,
        found_by=6,
    ),
    Mutation(
        name="unshared-budget",
        wrong="Each process books slots of its own.",
        breaks="invariant 5: the rate holds over all processes that share the state",
        made=_unshared_budget,
        found_by=7,
    ),
)

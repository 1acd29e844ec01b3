"""Places: how many sessions of an App may run at once, and who gets the free ones. Pure.

The service's limits count every session that may live, of all scopes (design/reconcile.md,
"replacement"). Running sessions keep their places; then starts, in order of name.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from reconciler.plan.action import Action, Key, Kind
from reconciler.plan.expiry import in_last_third
from reconciler.plan.looks import next_stop_s
from reconciler.plan.reasons import Reason
from reconciler.plan.session import Session
from reconciler.plan.world import AppFacts, World
from reconciler.spec.wire import Mode

Seat = tuple[str, bool]
"""The key of an App, and whether for web recordings: what one limit counts."""


def fit(
    world: World,
    actions: Iterable[Action],
    free: Mapping[Seat, int],
    freed: Mapping[Seat, tuple[Key, ...]] | None = None,
) -> tuple[Action, ...]:
    """Return the actions with those that find no place turned into errors and waits.

    `freed` are the keys whose stops come first, where one has to be waited for. A successor needs a
    place only until its predecessor has stopped, so one that stays free serves them all in turn.
    """
    places = _Places(world, dict(free), {seat: list(keys) for seat, keys in (freed or {}).items()})
    kept = [places.inherit(action) if _inherits_place(action) else action for action in actions]
    seated = [places.start(action) if _takes_place(action) else action for action in kept]
    return tuple(places.succeed(action) if _borrows_place(action) else action for action in seated)


def free_places(apps: Mapping[str, AppFacts], taken: Mapping[Seat, int]) -> dict[Seat, int]:
    """Return how many places are free by seat; not more than the lowest limit of Apps of one ID.

    `apps` are by name; `taken` says how many sessions of any scope may live, by seat.
    """
    limits: dict[Seat, int] = {}
    for app in apps.values():
        if app.app_key:
            for is_web, limit in ((False, app.max_recordings), (True, app.max_web_recordings)):
                seat = (app.app_key, is_web)
                limits[seat] = min(limits.get(seat, limit), limit)
    return {seat: limit - taken.get(seat, 0) for seat, limit in limits.items()}


def taken_places(world: World) -> Counter[Seat]:
    """Return how many sessions may live, of all scopes, by seat."""
    taken = Counter(_seat(session) for session in world.sessions if session.may_live)
    taken.update((place.app_key, place.mode == Mode.WEB) for place in world.elsewhere)
    return taken


def freed_places(world: World, actions: Iterable[Action]) -> dict[Seat, tuple[Key, ...]]:
    """Return the keys of the actions that stop a session, by the seat that it has."""
    sessions = {session.id: session for session in world.sessions}
    freed: dict[Seat, tuple[Key, ...]] = {}
    for action in actions:
        if action.kind is Kind.STOP:
            seat = _seat(sessions[action.session])
            freed[seat] = (*freed.get(seat, ()), action.key)
    return freed


def needs_place(action: Action) -> bool:
    """Tell whether an action begins a session more than there are."""
    return _takes_place(action) or _borrows_place(action)


class _Places:
    """The places that are left while actions are gone through."""

    def __init__(self, world: World, free: dict[Seat, int], freed: dict[Seat, list[Key]]) -> None:
        self._world = world
        self._free = free
        self._freed = freed

    def inherit(self, action: Action) -> Action:
        """Let a start have the place of what did not come up, unless more live than may run."""
        app, seat = self._asked(action)
        if self._free.get(seat, 0) >= 0:
            return action
        session = self._session(action)
        due_s = 0.0 if session.stop_asked_s is None else next_stop_s(session)
        if due_s is None or due_s > self._world.now_s:
            # On its way out it leaves nothing to inherit: what follows is a start like any other.
            return replace(action, session="", end=None)
        self._free[seat] += session.stop_asked_s is None
        limit = _limit(app, is_web=seat[1])
        text = f"stops `{action.key}`: it did not come up within 90 s, and {limit}"
        return replace(action, kind=Kind.STOP, message=text)

    def start(self, action: Action) -> Action:
        """Give a start a place, one that a stop frees if it must be, or refuse it."""
        app, seat = self._asked(action)
        if self._free.get(seat, 1) > 0:
            if seat in self._free:
                self._free[seat] -= 1
            return action
        if self._freed.get(seat):
            return replace(action, after=(self._freed[seat].pop(0),))
        return _refused(action, app, is_web=seat[1])

    def succeed(self, action: Action) -> Action:
        """Let a successor start if there is a place for it, else wait or do without."""
        app, seat = self._asked(action)
        if self._free.get(seat, 1) > 0:
            return action
        if self._freed.get(seat):
            return replace(action, after=(self._freed[seat][0],))
        if action.kind is Kind.ROTATE and self._is_urgent(action):
            text = f"{action.message}; no place is free, so it is stopped first"
            return replace(action, message=text, stop_first=True)
        return _waiting(action, app, is_web=seat[1])

    def _is_urgent(self, action: Action) -> bool:
        session = self._session(action)
        policy = self._world.wanted[action.key.recording].terms.policy
        always = policy.restart == "always"
        return in_last_third(session, self._world.now_s, restarts_always=always)

    def _session(self, action: Action) -> Session:
        return next(found for found in self._world.sessions if found.id == action.session)

    def _asked(self, action: Action) -> tuple[AppFacts, Seat]:
        wanted = self._world.wanted[action.key.recording]
        app = self._world.apps[wanted.app]
        return app, (app.app_key, wanted.mode == Mode.WEB)


def _takes_place(action: Action) -> bool:
    """Tell whether a session more will run; one that takes up an earlier one has its place."""
    return action.kind in {Kind.START, Kind.RESTART} and not action.session


def _inherits_place(action: Action) -> bool:
    return action.kind is Kind.RESTART and bool(action.session)


def _borrows_place(action: Action) -> bool:
    return action.kind in {Kind.REPLACE, Kind.ROTATE} and not action.stop_first


def _refused(action: Action, app: AppFacts, *, is_web: bool) -> Action:
    text = (
        f"`{action.key}` cannot start: {_limit(app, is_web=is_web)}; raise it if the service"
        " allows more, or let another recording end"
    )
    return replace(action, kind=Kind.ERROR, reason=Reason.NO_PLACE, message=text)


def _waiting(action: Action, app: AppFacts, *, is_web: bool) -> Action:
    text = f"waits: the successor of `{action.key}` needs a place: {_limit(app, is_web=is_web)}"
    return Action(
        key=action.key,
        kind=Kind.WAIT,
        reason=Reason.NO_PLACE,
        message=text,
        cause=action.cause,
        changes=action.changes,
        session=action.session,
    )


def _limit(app: AppFacts, *, is_web: bool) -> str:
    limit = app.max_web_recordings if is_web else app.max_recordings
    field = "maxWebRecordings" if is_web else "maxRecordings"
    return f"as many sessions run as App `{app.name}` allows (`{field}: {limit}`)"


def _seat(session: Session) -> Seat:
    return (session.app_key, session.mode == Mode.WEB)

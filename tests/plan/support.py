"""Worlds from compact data: the case files beside this say only what matters to a case.

Times of sessions, overrides and expectations are seconds from `NOW_S`, which is
2027-01-15T08:00:00Z, a Friday. What a case does not say is a recording of mode `mix` that is
wanted as state has recorded it, with an App that has room for it.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from ruamel.yaml import YAML

from reconciler.plan.action import Action, FieldChange, Known
from reconciler.plan.reasons import Reason
from reconciler.plan.recorded import Override, Recorded, Terms, terms_text
from reconciler.plan.session import Phase, Session
from reconciler.plan.times import rfc3339
from reconciler.plan.world import AppFacts, Comparison, Options, Place, Wanted, World
from reconciler.spec.desired import Policy, Window
from reconciler.spec.groups import Group
from reconciler.spec.mapping import Change

Case: TypeAlias = dict[str, Any]

NOW_S = 1_800_000_000.0
NAME = "talk"
"""The recording of a case that is about one."""

_CASES = Path(__file__).parent / "cases"
_HOUR = 3600

_STARTED = {"created": -40, "acquired": -35, "started": -30, "resource_ends": 71 * _HOUR}
_RECORDS = {
    "created": -_HOUR,
    "acquired": -_HOUR,
    "started": -_HOUR,
    "confirmed": -_HOUR + 10,
    "resource_ends": 71 * _HOUR,
}
_OVER = {**_RECORDS, "ended": -60}
_PHASES: Mapping[str, Case] = {
    "none": {"created": -1},
    "acquired": {"created": -2, "acquired": -1},
    "starting": _STARTED,
    "running": _RECORDS,
    "missing": {**_RECORDS, "missing": -20},
    "ended": {**_OVER, "end_reason": "exited"},
    "failed": {**_OVER, "confirmed": None, "end_reason": "not-started"},
    "orphan": {"created": -400, "acquired": -399},
}
_TIMES = frozenset(name[:-2] for name in Session.__slots__ if name.endswith("_s"))


def cases_of(pattern: str) -> list[Case]:
    """Read the cases of the files that match, each with its file's name for messages."""
    reader = YAML(typ="safe")
    return [
        {"file": path.stem, **case}
        for path in sorted(_CASES.glob(pattern))
        for case in reader.load(path.read_text("utf-8"))
    ]


def titled(case: Case) -> str:
    """Return how a test of this case is called."""
    return f"{case['file']}: {case['name']}"


def world_of(case: Case) -> World:
    """Make the world of a case, about one recording or about several."""
    recordings: dict[str, Case] = case.get("recordings") or {NAME: case}
    known = {name: _Recording(name, said) for name, said in recordings.items()}
    return World(
        scope="default",
        now_s=NOW_S,
        at_s=NOW_S + case.get("at", 0),
        wanted={name: each.wanted for name, each in known.items() if each.wanted},
        recorded={name: each.recorded for name, each in known.items() if each.recorded},
        sessions=tuple(session for each in known.values() for session in each.sessions),
        apps=_apps(case),
        elsewhere=tuple(Place(**place) for place in case.get("elsewhere", ())),
        comparisons={key: found for each in known.values() for key, found in each.comparisons},
        options=_options(case.get("options", {})),
        held=case.get("held", False),
        unresolved={name: tuple(refs) for name, refs in case.get("unresolved", {}).items()},
    )


def shown(action: Action) -> Case:
    """Return what cases say of an action; what is at its default is left out."""
    until_s = action.until_s
    said = {
        "kind": str(action.kind),
        "reason": str(action.reason),
        "cause": str(action.cause),
        "session": action.session,
        "until": None if until_s is None else round(until_s - NOW_S, 3),
        "groups": [str(group) for group in action.groups],
        "end": action.end and str(action.end),
        "stop_first": action.stop_first,
        "after": [str(key) for key in action.after],
    }
    replica = {"replica": action.key.replica} if action.key.replica else {}
    return replica | {
        key: value for key, value in said.items() if value not in (None, "", [], False)
    }


def session_of(said: Case, name: str = NAME) -> Session:
    """Make a session of what a case says, and of what its phase is like."""
    phase = said.get("phase", "running")
    merged = {**_PHASES[phase], **said}
    moments = {f"{key}_s": _moment(merged.pop(key)) for key in _TIMES & set(merged)}
    merged.pop("comparison", None)
    base = {
        "id": "s1",
        "recording": name,
        "replica": 0,
        "app": "main",
        "app_key": "key",
        "app_id": "",
        "channel": name,
        "mode": "mix",
        "uid": "7",
        "digest": "now",
        "sid": "" if phase in {"none", "acquired", "orphan"} else "sid",
    }
    whole = {**base, **merged, **moments}
    whole["pending"] = tuple(whole.get("pending", ()))
    return Session(**{**whole, "phase": Phase(phase)})


class _Recording:
    """One recording of a case: what the specs and state have of it."""

    def __init__(self, name: str, said: Case) -> None:
        wanted, recorded = said.get("wanted", {}), said.get("recorded", {})
        self.wanted = None if wanted is None else _wanted(name, wanted)
        row = {**(wanted or {}), **(recorded or {})}
        self.recorded = None if recorded is None else _recorded(name, row)
        sessions = said.get("sessions", ())
        self.sessions = [session_of(session, name) for session in sessions]
        self.comparisons = list(_comparisons(sessions, self.sessions))


def _comparisons(said: list[Case], sessions: list[Session]) -> Iterator[tuple[str, Comparison]]:
    for data, session in zip(said, sessions, strict=True):
        if "comparison" in data:
            yield session.id, _comparison(data["comparison"])


def _comparison(said: Case) -> Comparison:
    return Comparison(
        changes=tuple(_change(*change) for change in said.get("changes", ())),
        ignored=tuple(_change(*change) for change in said.get("ignored", ())),
        groups=tuple(map(Group, said.get("groups", ()))),
        replaces=said.get("replaces", False),
        warnings=tuple((code, text) for code, text in said.get("warnings", ())),
    )


def _change(path: str, effect: str, known: str = "applied") -> FieldChange:
    return FieldChange(path, 1, 2, Change(effect), Known(known))


def _wanted(name: str, said: Case) -> Wanted:
    return Wanted(
        name=name,
        app=said.get("app", "main"),
        channel=said.get("channel", name),
        mode=said.get("mode", "mix"),
        uids=tuple(said.get("uids", ())),
        digest=said.get("digest", "now"),
        terms=_terms(said),
        source=said.get("source", "specs/talks.yaml"),
        set_name=said.get("set", ""),
        error=said.get("error", ""),
    )


def _recorded(name: str, said: Case) -> Recorded:
    override = said.get("override")
    return Recorded(
        name=name,
        app=said.get("app", "main"),
        channel=said.get("channel", name),
        mode=said.get("mode", "mix"),
        digest=said.get("digest", "now"),
        terms=terms_text(_terms(said)),
        source=said.get("source", "specs/talks.yaml"),
        set_name=said.get("set", ""),
        override=None if override is None else _override(override),
        removed_s=_moment(said.get("removed")),
    )


def _override(said: Case) -> Override:
    return Override(
        since_s=NOW_S - 5 * _HOUR, reason=said.get("reason", ""), until_s=_moment(said.get("until"))
    )


def _terms(said: Case) -> Terms:
    windows = said.get("schedule")
    until = said.get("suspend_until")
    policy = said.get("policy", {})
    return Terms(
        policy=Policy(**{**policy, "ignore": tuple(policy.get("ignore", ()))}),
        replicas=said.get("replicas", 1),
        suspend=said.get("suspend", False),
        suspend_reason=said.get("suspend_reason", ""),
        suspend_until="" if until is None else rfc3339(NOW_S + until),
        schedule=None if windows is None else tuple(Window(**window) for window in windows),
    )


def _apps(case: Case) -> dict[str, AppFacts]:
    said: dict[str, Case] = case.get("apps", {"main": {}})
    return {name: _app(name, app) for name, app in said.items()}


def _app(name: str, said: Case) -> AppFacts:
    reason = Reason(said.get("error_reason", Reason.APP_INVALID))
    return AppFacts(**{"name": name, "app_key": "key", **said, "error_reason": reason})


def _options(said: Case) -> Options:
    plain = {"paths": ["specs"], **said}
    return Options(
        **{
            **plain,
            "paths": tuple(plain["paths"]),
            "targets": frozenset(plain.get("targets", ())),
            "loaded_s": NOW_S + plain.get("loaded_s", 0),
            "empty_sets": tuple(plain.get("empty_sets", ())),
        }
    )


def _moment(offset: float | None) -> float | None:
    return None if offset is None else NOW_S + offset

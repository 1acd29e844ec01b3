"""How people edit one Recording: what changes while it records, what takes another session."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from tests.daemon.cast import Role, Times
from tests.simulation import casting, setting
from tests.simulation.acts.act import Act, Given, number, some_role
from tests.simulation.reached import FAULT

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

REPLACED = "replaced"
GUARD_S = 900.0
"""So long may it take until what a guard held is approved, or no more asked for."""


def edit_layout(sim: "Simulation", role: int, layout: Given) -> None:
    """Give a recording another layout, which changes while it records."""
    if (found := some_role(sim, role, "mix")) is not None:
        found.spec["layout"] = dict(layout)
        sim.write(found)


def edit_subscriptions(sim: "Simulation", role: int, audio: Any) -> None:
    """Record other users, while it records."""
    found = some_role(sim, role, "mix", "individual")
    if found is not None and "snapshots" not in found.spec:
        found.spec["subscriptions"] = {"audio": audio}
        sim.write(found)


def edit_both(sim: "Simulation", role: int, layout: Given, audio: Any) -> None:
    """Change layout and users in one commit."""
    if (found := some_role(sim, role, "mix")) is not None:
        found.spec |= {"layout": dict(layout), "subscriptions": {"audio": audio}}
        sim.write(found)


def edit_field(sim: "Simulation", role: int, field: str) -> None:
    """Change what takes another session, or change it back."""
    value, modes = FIELDS[field]
    found = some_role(sim, role, *modes)
    # Two that record one channel would have one uid: it may be another's, by its name.
    if found is not None and (field != "uid" or found.channel == found.name):
        _toggle(found.spec, field, value)
        sim.trouble(0.0, REPLACED, found.name)
        sim.write(found)


def _toggle(spec: dict[str, Any], field: str, value: Any) -> None:
    if spec.get(field) == value:
        del spec[field]
    else:
        spec[field] = value


FIELDS: Mapping[str, tuple[Any, tuple[str, ...]]] = {
    "files": (["hls", "mp4"], ("mix", "web")),
    "videoStream": ("low", ("mix", "individual")),
    "maxIdle": ("1m", ("mix", "individual")),
    "audioProfile": (1, ("mix",)),
    "streamMode": ("standard", ("individual",)),
    "resourceExpiry": ("2h", ()),
    "uid": ("699", ()),
}
"""What changes by a new session alone: another value, and the modes that know it (none: all)."""


def edit_app(sim: "Simulation", role: int) -> None:
    """Record with another App."""
    if (found := some_role(sim, role)) is not None:
        found.spec["app"] = "south" if found.spec["app"] == "north" else "north"
        sim.trouble(0.0, REPLACED, found.name)
        sim.write(found)


def edit_channel(sim: "Simulation", role: int) -> None:
    """Record another channel, or the one from before."""
    found = some_role(sim, role)
    if found is not None and found.name not in sim.in_set:
        found.spec["channel"] = found.name if found.channel != found.name else f"{found.name}-2"
        sim.trouble(0.0, REPLACED, found.name)
        sim.write(found)


def edit_storage(sim: "Simulation", role: int) -> None:
    """Write to another storage."""
    if (found := some_role(sim, role)) is not None:
        found.spec["storage"] = "filed" if found.spec["storage"] == "archive" else "archive"
        sim.trouble(0.0, REPLACED, found.name)
        sim.write(found)


def edit_labels(sim: "Simulation", role: int, team: str) -> None:
    """Label one otherwise, which is nobody's business but ours."""
    found = some_role(sim, role)
    if found is not None and found.name not in sim.in_set:
        sim.labels[found.name] = {"team": team}
        sim.write(found)


def edit_policy(sim: "Simulation", role: int, policy: Given) -> None:
    """Want something else to happen when it ends or changes."""
    if (found := some_role(sim, role)) is not None:
        found.spec["policy"] = dict(policy)
        sim.trouble(0.0, "another policy", found.name)
        sim.write(found)


def edit_replicas(sim: "Simulation", role: int, replicas: int) -> None:
    """Want more sessions of it, or fewer."""
    if (found := some_role(sim, role)) is not None:
        found.spec["replicas"] = replicas
        sim.trouble(0.0, "other replicas", found.name)
        sim.write(found)


def edit_rtmp(sim: "Simulation", role: int) -> None:
    """Push a page elsewhere: to another address while it records, else to none or from none."""
    if (found := some_role(sim, role, "web")) is not None:
        page = found.spec["web"]
        is_first = page.get("rtmp") == {"env": "RTMP"}
        page["rtmp"] = {"env": "OTHER_RTMP" if is_first else "RTMP"}
        sim.trouble(0.0, REPLACED, found.name)
        sim.write(found)


def pause(sim: "Simulation", role: int, seconds: float) -> None:
    """Pause a page for a while: its session goes on, and records nothing."""
    found = some_role(sim, role, "web")
    if found is not None and "paused" not in found.spec["web"]:
        found.spec["web"]["paused"] = True
        sim.trouble(seconds, "paused", found.name)
        sim.write(found)
        sim.after(seconds, partial(_resume, sim, found.spec))


def _resume(sim: "Simulation", spec: dict[str, Any]) -> None:
    spec["web"].pop("paused", None)
    for role in [each for each in sim.roles.values() if each.spec is spec]:
        sim.write(role)


def edit_windows(sim: "Simulation", role: int, seconds: float) -> None:
    """Let a scheduled recording begin now for a while, beside its windows."""
    found = some_role(sim, role)
    if found is None or not found.times.schedule or found.name in sim.in_set:
        return
    before, now_s = found.times, sim.now_s
    more = (float(int(now_s)), float(int(now_s + seconds)))
    texts = [datetime.fromtimestamp(each, UTC).isoformat() for each in more]
    window = {"from": texts[0], "until": texts[1]}
    wider = Times(
        (*before.schedule, window),
        lambda from_s, until_s: [*before.opens(from_s, until_s), more],
    )
    reschedule(sim, found.name, wider)
    sim.after(seconds + 30.0, partial(reschedule, sim, found.name, before))


def drop_windows(sim: "Simulation", role: int) -> None:
    """Record always what was scheduled."""
    found = some_role(sim, role)
    if found is not None and found.times.schedule:
        reschedule(sim, found.name, Times())


def reschedule(sim: "Simulation", name: str, times: Times) -> None:
    role = sim.roles.get(name)
    if role is not None:
        role.ask(sim.now_s, times)
        sim.trouble(0.0, "another schedule", name)
        sim.write(role)


def hold(sim: "Simulation", role: int, seconds: float, *, dated: bool) -> None:
    """Suspend one in its spec, until a moment or until the spec says otherwise."""
    found = some_role(sim, role)
    if found is None or found.name in sim.in_set or is_held(sim, found):
        return
    until_s = sim.now_s + seconds
    text = datetime.fromtimestamp(int(until_s), UTC).isoformat()
    found.spec["suspend"] = {"reason": "a holiday", "until": text} if dated else True
    found.suspended.append((sim.now_s, until_s))
    sim.trouble(seconds, "suspended", found.name)
    sim.write(found)
    sim.after(seconds + (60.0 if dated else 0.0), partial(_let_go, sim, found.spec))


def _let_go(sim: "Simulation", spec: dict[str, Any]) -> None:
    spec.pop("suspend", None)
    for role in [each for each in sim.roles.values() if each.spec is spec]:
        sim.write(role)


def is_held(sim: "Simulation", role: Role) -> bool:
    """Tell whether somebody holds a Recording already."""
    return any(ends_s >= sim.now_s - 60.0 for _, ends_s in role.suspended)


def edit_template(sim: "Simulation", edition: int) -> None:
    """Change what some have in common."""
    for role in sim.roles.values():
        if "template" in role.spec:
            sim.trouble(0.0, REPLACED, role.name)
    setting.write_template(sim.stage, edition)
    sim.commit()


def limit_apps(sim: "Simulation", most: int, seconds: float) -> None:
    """Let both Apps have few recordings for a while: the others wait."""
    sim.apps.limits = {"maxRecordings": most, "maxWebRecordings": most}
    sim.trouble(seconds, "few places")
    _write_apps(sim)
    sim.after(seconds, partial(_lift_limits, sim))


def _lift_limits(sim: "Simulation") -> None:
    sim.apps.limits = {}
    _write_apps(sim)


def edit_app_id(sim: "Simulation") -> None:
    """Give `north` another App ID, or its first: all that it records takes other sessions."""
    is_first = sim.apps.ids["north"] == setting.APP_IDS["north"]
    sim.apps.ids["north"] = setting.OTHER_NORTH if is_first else setting.APP_IDS["north"]
    sim.reach(FAULT, "app id edited" if is_first else "app id edited back")
    sim.trouble(GUARD_S, REPLACED)
    _write_apps(sim)


def edit_endpoints(sim: "Simulation", seconds: float, *, wholly: bool) -> None:
    """Let `north` be called at an endpoint that nobody allowed, for a while."""
    mine = () if wholly else setting.ADDRESSES[:1]
    sim.apps.endpoints = (*mine, setting.UNTRUSTED)
    sim.reach(FAULT, "endpoints not allowed" if wholly else "endpoint not allowed")
    sim.trouble(seconds, "an endpoint is not allowed")
    _write_apps(sim)
    sim.after(seconds, partial(_right_endpoints, sim))


def _right_endpoints(sim: "Simulation") -> None:
    sim.apps.endpoints = setting.ADDRESSES
    _write_apps(sim)


def _write_apps(sim: "Simulation") -> None:
    sim.apps.write(sim.stage)
    sim.commit()


def hurry(sim: "Simulation", edits: list[Any], gap_s: float) -> None:
    """Edit one thing after the other, in quick succession."""
    for place, (name, given) in enumerate(edits):
        sim.after(place * gap_s, partial(_edit, sim, name, given))


def _edit(sim: "Simulation", name: str, given: Given) -> None:
    sim.say("people", f"in a hurry: {name} {given}")
    _QUICK[name].does(sim, **given)


def _hurry(rng: Random) -> Given:
    role = number(rng)
    edits = []
    for _ in range(rng.randint(2, 6)):
        name = rng.choice(list(_QUICK))
        edits.append([name, {**_QUICK[name].draw(rng), "role": role}])
    return {"edits": edits, "gap_s": rng.choice([0.0, 0.1, 0.5, 1.0, 3.0])}


def _role(rng: Random) -> Given:
    return {"role": number(rng)}


def _lasting(rng: Random) -> Given:
    return {"role": number(rng), "seconds": round(rng.uniform(30, 400), 1)}


def _layout(rng: Random) -> Given:
    return {"role": number(rng), "layout": casting.layout(rng)}


def _subscriptions(rng: Random) -> Given:
    return {"role": number(rng), "audio": casting.selection(rng)}


_QUICK: Mapping[str, Act] = {
    "edit_layout": Act(edit_layout, _layout, 2.0),
    "edit_subscriptions": Act(edit_subscriptions, _subscriptions, 2.0),
    "edit_both": Act(edit_both, lambda rng: {**_layout(rng), **_subscriptions(rng)}),
    "edit_field": Act(
        edit_field, lambda rng: {"role": number(rng), "field": rng.choice(list(FIELDS))}, 2.0
    ),
    "edit_app": Act(edit_app, _role, 0.3),
    "edit_channel": Act(edit_channel, _role, 0.3),
    "edit_storage": Act(edit_storage, _role, 0.5),
    "edit_labels": Act(
        edit_labels, lambda rng: {"role": number(rng), "team": rng.choice(["a", "b"])}, 0.5
    ),
    "edit_policy": Act(
        edit_policy, lambda rng: {"role": number(rng), "policy": casting.policy(rng)}, 0.5
    ),
    "edit_replicas": Act(
        edit_replicas, lambda rng: {"role": number(rng), "replicas": rng.randint(1, 3)}, 0.5
    ),
    "edit_rtmp": Act(edit_rtmp, _role, 0.7),
}

KINDS = (
    "app id edited",
    "app id edited back",
    "endpoint not allowed",
    "endpoints not allowed",
)
"""The kinds of faults that can be reached here."""

ACTS: Mapping[str, Act] = {
    **_QUICK,
    "pause": Act(pause, _lasting, 0.5),
    "edit_windows": Act(edit_windows, _lasting, 0.5),
    "drop_windows": Act(drop_windows, _role, 0.2),
    "hold": Act(hold, lambda rng: {**_lasting(rng), "dated": rng.random() < 0.5}, 0.5),
    "edit_template": Act(edit_template, lambda rng: {"edition": rng.randrange(10)}, 0.3),
    "limit_apps": Act(
        limit_apps,
        lambda rng: {"most": rng.randint(1, 2), "seconds": round(rng.uniform(30, 400), 1)},
        0.3,
    ),
    "edit_app_id": Act(edit_app_id, weight=0.3),
    "edit_endpoints": Act(
        edit_endpoints,
        lambda rng: {
            "seconds": round(rng.uniform(30, 200), 1),
            "wholly": rng.random() < 0.5,
        },
        0.3,
    ),
    "hurry": Act(hurry, _hurry, 0.7),
}

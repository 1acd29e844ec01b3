"""From a seed to a Script: who is recorded, what people do, and what goes wrong when.

Each seed leaves out some kinds of acts altogether, so that what is seldom alone happens often
enough somewhere.
"""

import json
from random import Random
from typing import Any

from tests.simulation.acts.act import Given
from tests.simulation.acts.table import ACTS
from tests.simulation.casting import clocked, crew, part, plain
from tests.simulation.scenes import CROWDS, LONG, Scene, scenes
from tests.simulation.script import Part, Script, Step

BEGINS_S = (
    *[1_793_000_000.0] * 7,
    1_792_889_700.0,  # 2026-10-25T00:55Z: in Berlin an hour comes twice
    1_774_745_700.0,  # 2026-03-29T00:55Z: in Berlin an hour is left out
    1_775_314_500.0,  # 2026-04-04T14:55Z: on Lord Howe half an hour comes twice
)
TURNS = {
    1_792_889_700.0: "Europe/Berlin",
    1_774_745_700.0: "Europe/Berlin",
    1_775_314_500.0: "Australia/Lord_Howe",
}
"""Where the clocks are set, five minutes after a beginning."""

SIZES = (0, 0, 0, 1, 1, 2, 3)
"""So many Recordings beside the plain one, of which the scenes are."""

MANY = (12, 15)
"""So many Recordings are a case for the guard; few seeds have them, for each costs."""

CROWD_EVERY, CROWD_S = 13, 900.0
"""Every so manieth seed is about many, of which a guard lets some end; longer than its window."""

SAFETY_S = (180.0, 900.0)
LONG_S = 3900.0
"""Longer than the shortest `resourceExpiry`: sessions are rotated."""

BUSY_S = 1200.0
"""Of most long ones that is the time in which anything happens: later nothing excuses anybody."""

AWAY_S = (1500.0, 2200.0)
"""When nobody is at work for long enough that sessions get out of reach, and for how long."""

LONG_SHARE, MANY_SHARE, SET_SHARE = 0.1, 0.03, 0.1
BUSY_SHARE, AWAY_SHARE = 0.3, 0.3
"""Of the long ones."""

STEPS_MAX = 20

SCENES = scenes()
SCENES_EACH = 4
"""So many scenes a seed plays; in turn, so that a hundred seeds play all of them twice."""

SCENE_S = (40.0, 90.0)
"""How far a scene is from the beginning and the end of its seed."""


def draw(seed: int) -> Script:
    """Return the simulation of a seed."""
    rng = Random(seed)
    if seed % CROWD_EVERY == CROWD_EVERY - 1:
        return _crowd(seed, rng)
    is_long, has_many = rng.random() < LONG_SHARE, rng.random() < MANY_SHARE
    safety_s = LONG_S if is_long else round(rng.uniform(*SAFETY_S), 1)
    modes, beats = _beats(rng, seed, safety_s, is_long=is_long)
    # A long scene is about a session that nothing else has ended before.
    others = ([] if beats else _long_steps(rng)) if is_long else _steps(rng, safety_s)
    parts = _parts(rng, safety_s, modes, has_many=has_many)
    return _script(seed, rng, parts, [*others, *beats], safety_s)


def _crowd(seed: int, rng: Random) -> Script:
    """Return one of many plain Recordings, with little else than what is about all of them."""
    scene = CROWDS[seed // CROWD_EVERY % len(CROWDS)]
    beats = _played(rng, scene, rng.uniform(0.0, SCENE_S[0]))
    others = _steps(rng, CROWD_S) if rng.random() < BUSY_SHARE else []
    parts = (plain(f"crowd-{index:02}", scene.mode) for index in range(rng.randint(*MANY)))
    return _script(seed, rng, [*parts], [*others, *beats], CROWD_S)


def _script(
    seed: int, rng: Random, parts: list[Part], steps: list[Step], safety_s: float
) -> Script:
    begins_s = rng.choice(BEGINS_S)
    zone = TURNS.get(begins_s)
    near = () if zone is None else (clocked(rng, "clocked", zone),)
    return Script(
        seed=seed,
        parts=(*parts, *near),
        steps=tuple(sorted(steps, key=lambda step: step.at_s)),
        safety_s=safety_s,
        begins_s=begins_s,
        settings={"tick_s": 5.0, "interval_s": rng.choice([60.0, 300.0])},
        tuning=_tuning(rng),
    )


def _beats(
    rng: Random, seed: int, safety_s: float, *, is_long: bool
) -> tuple[set[str], list[Step]]:
    """Return the steps of a seed's scenes, and the modes that they are about."""
    if is_long:
        scene = rng.choice(LONG)
        return {scene.mode}, _played(rng, scene, 0.0)
    first = seed * SCENES_EACH
    turns = [SCENES[place % len(SCENES)] for place in range(first, first + SCENES_EACH)]
    steps = [
        step
        for scene in turns
        for step in _played(rng, scene, rng.uniform(SCENE_S[0], safety_s - SCENE_S[1]))
    ]
    return {scene.mode for scene in turns}, steps


def _played(rng: Random, scene: Scene, begins_s: float) -> list[Step]:
    return [
        _step(begins_s + at_s, act, {**ACTS[act].draw(rng), **given})
        for at_s, act, given in scene.beats
    ]


def _parts(rng: Random, safety_s: float, modes: set[str], *, has_many: bool) -> list[Part]:
    size = rng.randint(*MANY) if has_many else rng.choice(SIZES)
    members = crew(rng, "room", rng.randint(1, 3)) if rng.random() < SET_SHARE else []
    alone = [part(rng, f"rec-{index}", safety_s) for index in range(size)]
    return [*(plain(f"plain-{mode}", mode) for mode in sorted(modes)), *alone, *members]


def _tuning(rng: Random) -> dict[str, Any]:
    """Draw how the service is where its documents differ, and how fast it is."""
    return {
        "start_delay_s": rng.choice([1.0, 2.0, 8.0]),
        "upload_s": rng.choice([0.0, 1.0, 1.0, 12.0]),
        "linger_s": rng.choice([0.0, 1.0, 10.0]),
        "slice_time_unit": rng.choice(["s", "ms"]),
        "web_file_key": rng.choice(["filename", "fileName"]),
        "playload": rng.random() < 0.3,
        "sub_services": rng.random() < 0.3,
        "long_not_found": rng.random() < 0.3,
    }


def _long_steps(rng: Random) -> list[Step]:
    if rng.random() < BUSY_SHARE:
        return _steps(rng, LONG_S)
    steps = _steps(rng, BUSY_S)
    if rng.random() < AWAY_SHARE:
        at_s, down_s = AWAY_S
        steps.append(Step(at_s, "kill", {"down_s": down_s}))
    return steps


def _steps(rng: Random, safety_s: float) -> list[Step]:
    names = [name for name in ACTS if rng.random() < 0.6] or list(ACTS)
    weights = [ACTS[name].weight for name in names]
    most_s = max(rng.choice([10.0, 60.0, 300.0]), 2 * safety_s / STEPS_MAX)
    steps, at_s = [], 0.0
    while (at_s := round(at_s + rng.uniform(0.0, most_s), 3)) < safety_s:
        (name,) = rng.choices(names, weights)
        steps.append(_step(at_s, name, ACTS[name].draw(rng)))
    return steps


def _step(at_s: float, act: str, given: Given) -> Step:
    """Return a step as it is after it was kept: what JSON makes of it."""
    return Step(round(at_s, 3), act, json.loads(json.dumps(given)))

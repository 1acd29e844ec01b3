"""Recordings as a seed draws them: of every mode, with any of the fields and policies."""

from dataclasses import replace
from random import Random
from typing import Any

from tests.simulation.script import Part
from tests.simulation.windows import draw_cron, draw_turn

SHARED = "shared"
"""The channel of some that record the same."""

IGNORABLE = ("storage", "files", "prefix")

Spec = dict[str, Any]


def part(rng: Random, name: str, safety_s: float) -> Part:
    """Draw a Recording."""
    mode = rng.choice(["mix", "mix", "individual", "web"])
    spec = {**_common(rng), **_MODES[mode](rng)}
    if rng.random() < 0.1:
        spec["channel"] = SHARED
        spec.pop("uid", None)
    if rng.random() < 0.1:
        spec["template"] = "common"
        spec.pop("prefix", None)
    chance = rng.random()
    windows: tuple[tuple[float, float], ...] = ()
    if chance < 0.15:
        begins = float(round(rng.uniform(10, safety_s)))
        windows = ((begins, begins + rng.randint(60, 900)), (begins + 1500, begins + 2400))
    crons = (draw_cron(rng),) if 0.15 <= chance < 0.25 else ()
    return Part(name, mode, spec, windows, crons)


def plain(name: str, mode: str) -> Part:
    """Return a Recording without anything particular."""
    usual = {"restart": "always", "replace": "start-first", "stop": "async"}
    spec: Spec = {"app": "north", "storage": "archive", "resourceExpiry": "1h", "policy": usual}
    if mode == "web":
        page = {"url": "https://example.com/page", "maxDuration": "4h", "rtmp": {"env": "RTMP"}}
        return Part(name, mode, {**spec, "web": page})
    return Part(name, mode, {**spec, "token": "generate", "channelProfile": "live"})


def clocked(rng: Random, name: str, zone: str) -> Part:
    """Draw one that records by the clocks of a zone, also when they are set."""
    return replace(plain(name, "mix"), crons=(draw_turn(rng, zone),))


def crew(rng: Random, name: str, size: int) -> list[Part]:
    """Draw Recordings that one set makes."""
    mode = rng.choice(["mix", "individual", "web"])
    spec = {**_common(rng), **_MODES[mode](rng)}
    spec.pop("uid", None)
    return [Part(f"{name}-{index}", mode, spec, in_set=True) for index in range(size)]


def _common(rng: Random) -> Spec:
    spec: Spec = {
        "app": rng.choice(["north", "north", "south"]),
        "storage": rng.choice(["archive", "filed"]),
        "resourceExpiry": rng.choice(["1h", "8h", "72h"]),
        "policy": policy(rng),
    }
    return spec | some(
        rng,
        replicas=2,
        uid=str(rng.randint(700, 799)),
        backupUids=[str(rng.randint(800, 899))],
        prefix=rng.choice([["three"], ["three", "four"]]),
    )


def policy(rng: Random) -> Spec:
    """Draw what is to happen when something ends or changes."""
    drawn = {
        "restart": rng.choice(["always", "always", "always", "on-failure", "never"]),
        "replace": rng.choice(["start-first"] * 4 + ["stop-first"] * 2 + ["defer", "forbid"]),
        "stop": rng.choice(["async", "async", "sync"]),
    }
    chance = rng.random
    return drawn | {
        key: value
        for key, value, share in (
            ("protect", True, 0.06),
            ("onRemoval", "leave", 0.1),
            ("manage", "observe", 0.04),
            ("ignore", [rng.choice(IGNORABLE)], 0.1),
        )
        if chance() < share
    }


def some(rng: Random, **fields: Any) -> Spec:
    """Return a few of these fields."""
    return {key: value for key, value in fields.items() if rng.random() < 0.2}


def _channel(rng: Random) -> Spec:
    return {
        "token": "generate",
        "channelProfile": rng.choice(["live", "live", "communication"]),
    } | some(
        rng,
        videoStream=rng.choice(["high", "low"]),
        maxIdle=rng.choice(["60s", "5m", "10m"]),
        subscriptions={"audio": selection(rng)},
        encryption={"mode": "aes-128-xts", "key": {"env": "SECRET_KEY"}},
    )


def selection(rng: Random) -> Any:
    """Draw whom to record; one of those who are always there is among them."""
    listed = sorted({"100", *(str(rng.randint(1, 20)) for _ in range(2))})
    return rng.choice(["all", listed])


def layout(rng: Random) -> Spec:
    """Draw how a picture is made of several."""
    color = {"color": f"#{rng.randrange(0x1000000):06x}"}
    region = {"x": 0.0, "y": 0.0, "width": 0.5, "height": 0.5}
    return rng.choice(
        [
            {"type": "floating", "background": color},
            {"type": "best-fit", "background": color},
            {"type": "vertical", "focusUid": "100"},
            {"type": "custom", "regions": [region, {**region, "x": 0.5}], "background": color},
        ]
    )


def _mix(rng: Random) -> Spec:
    return _channel(rng) | some(
        rng,
        audioProfile=rng.randint(0, 2),
        layout=layout(rng),
        files=["hls", "mp4"],
        video={"width": 640, "height": 360, "fps": 15, "bitrate": 600},
    )


def _individual(rng: Random) -> Spec:
    spec = _channel(rng) | some(
        rng,
        streamMode=rng.choice(["default", "standard"]),
        snapshots={"interval": "60s"},
        postProcessing={"transcode": {"format": "mp4"}},
    )
    if "snapshots" in spec:  # they want a list of whose video, where there is one for audio (C46)
        spec.pop("subscriptions", None)
    return spec


def _web(rng: Random) -> Spec:
    page = {"url": "https://example.com/page", "maxDuration": rng.choice(["1h", "4h"])}
    return {
        "web": page
        | some(
            rng,
            width=640,
            rtmp={"env": rng.choice(["RTMP", "OTHER_RTMP"])},
            readyTimeout="20s",
            fileDuration="30m",
        )
    } | some(rng, files=["hls", "mp4"])


_MODES = {"mix": _mix, "individual": _individual, "web": _web}

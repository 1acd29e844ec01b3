"""What stands in the specs beside the Recordings, and in the environment, whatever the seed."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from reconciler.simulator.settings import Settings, Tuning
from tests.daemon.cast import NORTH, SOUTH, LongStage, Role, app, manifest, told_settings
from tests.simulation.script import Script

ADDRESSES = ("http://127.0.0.1:8787", "http://127.0.0.1:8788")
"""The endpoints of both Apps; the service answers at each."""

UNTRUSTED = "https://recordings.example.net"
"""Where nobody allowed credentials to go."""

OTHER_NORTH = "00112233445566778899aabbccddeeff"
"""Another App ID of the same account, which people may give to `north`."""

SET = "rooms"
"""The name of the one RecordingSet, and of its file."""

COMMON = ("app.yaml", "storage.yaml", "template.yaml")
"""The spec files that every Recording may refer to."""

RATES = {NORTH: 10, SOUTH: 5, OTHER_NORTH: 10}
APP_IDS = {"north": NORTH, "south": SOUTH}
PREFIXES = (["one"], ["one", "two"])
OTHER_RTMP = "rtmp://push.example.com/live/stream-key-7732"

CERTIFICATE, CUSTOMER_SECRET = "c0ffee" * 5 + "77", "customer-secret-7731"
"""Nothing else of a simulation looks like these."""


@dataclass
class Apps:
    """Both Apps, as people have them in the specs."""

    ids: dict[str, str] = field(default_factory=lambda: dict(APP_IDS))
    endpoints: tuple[str, ...] = ADDRESSES
    """Those of `north`; `south` is always at those that are allowed."""

    limits: dict[str, int] = field(default_factory=dict)

    def write(self, stage: LongStage) -> None:
        """Write them into the specs."""
        stage.write("app.yaml", *(self._text(name) for name in self.ids))

    def _text(self, name: str) -> str:
        endpoints = list(self.endpoints if name == "north" else ADDRESSES)
        rate = RATES[self.ids[name]]
        return app(name, self.ids[name], requestsPerSecond=rate, endpoints=endpoints, **self.limits)


def service_settings(script: Script) -> Settings:
    """Return those of the service that a script is played on."""
    settings = told_settings(
        certificate=CERTIFICATE,
        customer_secret=CUSTOMER_SECRET,
        seed=script.seed,
        tuning=Tuning(**script.tuning),
    )
    return replace(settings, app_ids=tuple(RATES))


def furnish(stage: LongStage, apps: Apps | None = None) -> None:
    """Write the Apps, the Storages and the Template, and set what they read."""
    stage.environ["NOTICES"] = stage.settings.notify_secret
    stage.environ["CERTIFICATE"] = stage.settings.certificate or ""
    stage.environ["CUSTOMER_SECRET"] = stage.settings.customer_secret
    stage.environ["OTHER_RTMP"] = OTHER_RTMP
    stage.allow_exec = True
    (apps or Apps()).write(stage)
    bucket = {"vendor": "aws", "region": "us-east-1", "bucket": "recordings"}
    keys = {"accessKey": {"env": "ACCESS_KEY"}, "secretKey": {"env": "SECRET_KEY"}}
    filed = {**bucket, "credentials": {"file": "../keys.json"}, "refresh": "5m"}
    stage.write(
        "storage.yaml",
        manifest("Storage", "archive", {**bucket, **keys}),
        manifest("Storage", "filed", filed),
    )
    write_template(stage, 0)


def write_set(stage: LongStage, role: Role, names: Sequence[str]) -> None:
    """Write a set that makes Recordings of these names, each as `role` is."""
    spec = {"mode": role.mode, **role.spec, "channel": "${name}"}
    body = {"metadata": {"name": "${name}"}, "spec": spec}
    rows = {"generators": [{"list": [{"name": name} for name in names]}], "recording": body}
    stage.write(f"{SET}.yaml", manifest("RecordingSet", SET, rows))


def write_template(stage: LongStage, edition: int) -> None:
    """Write what some Recordings have in common."""
    common = {"prefix": PREFIXES[edition % len(PREFIXES)]}
    stage.write("template.yaml", manifest("Template", "common", common))


async def started_by_others(stage: LongStage, folder: Path) -> set[str]:
    """Let others record under the same App ID, with a state of their own; return the `sid`s."""
    others = LongStage(folder, stage.settings)
    others.scope, others.wall.begins_s = "others", stage.wall.begins_s
    others.application, others.environ = stage.application, stage.environ
    page = {"url": "https://example.com/others", "maxDuration": "720h"}
    others.want("lobby", "web", web=page, resourceExpiry="720h")
    await others.apply()
    return {each.sid for each in stage.alive()}

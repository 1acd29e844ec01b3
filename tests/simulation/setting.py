"""What stands in the specs beside the Recordings, and in the environment, whatever the seed."""

from pathlib import Path

from reconciler.simulator.settings import Settings, Tuning
from tests.daemon.cast import NORTH, SOUTH, LongStage, app, manifest, told_settings
from tests.simulation.script import Script

ADDRESSES = ("http://127.0.0.1:8787", "http://127.0.0.1:8788")
"""The endpoints of both Apps; the service answers at each."""

RATES = {NORTH: 10, SOUTH: 5}
APP_IDS = {"north": NORTH, "south": SOUTH}
PREFIXES = (["one"], ["one", "two"])
OTHER_RTMP = "rtmp://push.example.com/live/stream-key-7732"

CERTIFICATE, CUSTOMER_SECRET = "c0ffee" * 5 + "77", "customer-secret-7731"
"""Nothing else of a simulation looks like these."""


def service_settings(script: Script) -> Settings:
    """Return those of the service that a script is played on."""
    return told_settings(
        certificate=CERTIFICATE,
        customer_secret=CUSTOMER_SECRET,
        seed=script.seed,
        tuning=Tuning(**script.tuning),
    )


def furnish(stage: LongStage) -> None:
    """Write the Apps, the Storages and the Template, and set what they read."""
    stage.environ["NOTICES"] = stage.settings.notify_secret
    stage.environ["CERTIFICATE"] = stage.settings.certificate or ""
    stage.environ["CUSTOMER_SECRET"] = stage.settings.customer_secret
    stage.environ["OTHER_RTMP"] = OTHER_RTMP
    stage.allow_exec = True
    write_apps(stage)
    bucket = {"vendor": "aws", "region": "us-east-1", "bucket": "recordings"}
    keys = {"accessKey": {"env": "ACCESS_KEY"}, "secretKey": {"env": "SECRET_KEY"}}
    filed = {**bucket, "credentials": {"file": "../keys.json"}, "refresh": "5m"}
    stage.write(
        "storage.yaml",
        manifest("Storage", "archive", {**bucket, **keys}),
        manifest("Storage", "filed", filed),
    )
    write_template(stage, 0)


def write_template(stage: LongStage, edition: int) -> None:
    """Write what some Recordings have in common."""
    common = {"prefix": PREFIXES[edition % len(PREFIXES)]}
    stage.write("template.yaml", manifest("Template", "common", common))


def write_apps(stage: LongStage, **limits: int) -> None:
    """Write both Apps, which may have limits of their own."""
    common = {"endpoints": list(ADDRESSES), **limits}
    stage.write(
        "app.yaml",
        *(
            app(name, app_id, requestsPerSecond=RATES[app_id], **common)
            for name, app_id in APP_IDS.items()
        ),
    )


async def started_by_others(stage: LongStage, folder: Path) -> set[str]:
    """Let others record under the same App ID, with a state of their own; return the `sid`s."""
    others = LongStage(folder, stage.settings)
    others.scope, others.wall.begins_s = "others", stage.wall.begins_s
    others.application, others.environ = stage.application, stage.environ
    page = {"url": "https://example.com/others", "maxDuration": "720h"}
    others.want("lobby", "web", web=page, resourceExpiry="720h")
    await others.apply()
    return {each.sid for each in stage.alive()}

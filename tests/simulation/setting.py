"""What stands in the specs beside the Recordings, and in the environment, whatever the seed."""

from typing import TYPE_CHECKING

from tests.daemon.cast import NORTH, SOUTH, app, manifest

if TYPE_CHECKING:
    from tests.daemon.cast import LongStage

ADDRESSES = ("http://127.0.0.1:8787", "http://127.0.0.1:8788")
"""The endpoints of both Apps; the service answers at each."""

RATES = {NORTH: 10, SOUTH: 5}
APP_IDS = {"north": NORTH, "south": SOUTH}
PREFIXES = (["one"], ["one", "two"])
OTHER_RTMP = "rtmp://push.example.com/live/stream-key-7732"


def furnish(stage: "LongStage") -> None:
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


def write_template(stage: "LongStage", edition: int) -> None:
    """Write what some Recordings have in common."""
    common = {"prefix": PREFIXES[edition % len(PREFIXES)]}
    stage.write("template.yaml", manifest("Template", "common", common))


def write_apps(stage: "LongStage", **limits: int) -> None:
    """Write both Apps, which may have limits of their own."""
    common = {"endpoints": list(ADDRESSES), **limits}
    stage.write(
        "app.yaml",
        *(
            app(name, app_id, requestsPerSecond=RATES[app_id], **common)
            for name, app_id in APP_IDS.items()
        ),
    )

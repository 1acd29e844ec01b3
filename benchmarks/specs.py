"""Specs of the size that real ones have, as many as wanted."""

from collections.abc import Sequence
from pathlib import Path

PER_FILE = 10

SHARED = """\
apiVersion: reconciler/v1
kind: App
metadata: {name: default}
spec:
  appId: {env: AGORA_APP_ID}
  credentials: {customerId: {env: AGORA_CUSTOMER_ID}, customerSecret: {env: AGORA_CUSTOMER_SECRET}}
---
apiVersion: reconciler/v1
kind: Storage
metadata: {name: archive}
spec: {vendor: aws, region: us-east-1, bucket: b, accessKey: {env: K}, secretKey: {env: S}}
"""

RECORDING = """\
---
apiVersion: reconciler/v1
kind: Recording
metadata:
  name: room-NUMBER
  labels: {team: platform}
spec:
  mode: mix
  channel: cNUMBER
  channelProfile: live
  storage: archive
  maxIdle: 5m
  subscriptions:
    audio: all
    video: ["1", "2"]
  video:
    width: 1280
    height: 720
    fps: 15
    bitrate: 2260
  layout:
    type: custom
    background: {color: "#102030"}
    regions:
      - {uid: 1, x: 0, y: 0, width: 0.5, height: 1}
      - {uid: 2, x: 0.5, y: 0, width: 0.5, height: 1}
  schedule:
    - cron: "CRON"
      duration: DURATION
      timezone: Europe/Berlin
  policy:
    restart: on-failure
"""


APP = """\
---
apiVersion: reconciler/v1
kind: App
metadata: {name: NAME}
spec:
  appId: APP_ID
  credentials: {customerId: {env: AGORA_CUSTOMER_ID}, customerSecret: {env: AGORA_CUSTOMER_SECRET}}
  endpoints: [ENDPOINT]
  requestsPerSecond: RATE
  maxRecordings: 10000
  notifications: {secret: {env: AGORA_NCS_SECRET}}
"""


def write_specs(
    folder: Path,
    count: int,
    *,
    schedule: str = "0 9 * * mon-fri",
    duration: str = "1h",
    apps: Sequence[str] = (),
) -> None:
    """Write `count` recordings, ten to a file, and what they share.

    They take turns with `apps`, which are then to be written too; without any they have one.
    """
    pattern = RECORDING.replace("CRON", schedule).replace("DURATION", duration)
    folder.mkdir(parents=True)
    (folder / "shared.yaml").write_text(SHARED)
    for file in range(count // PER_FILE):
        numbers = range(file * PER_FILE, (file + 1) * PER_FILE)
        texts = (
            _of_app(pattern, number, apps).replace("NUMBER", str(number)) for number in numbers
        )
        (folder / f"r{file:04}.yaml").write_text("".join(texts))


def write_apps(folder: Path, apps: Sequence[str], *, endpoint: str, rate: int) -> None:
    """Write Apps in place of the one that recordings share, each with an App ID of its own."""
    texts = [
        APP.replace("NAME", name)
        .replace("APP_ID", f"'{number:032x}'")
        .replace("ENDPOINT", endpoint)
        .replace("RATE", str(rate))
        for number, name in enumerate(apps)
    ]
    storage = SHARED.partition("---\n")[2]
    (folder / "shared.yaml").write_text("".join((storage, *texts)))


def _of_app(pattern: str, number: int, apps: Sequence[str]) -> str:
    if not apps:
        return pattern
    return pattern.replace("  mode: mix\n", f"  mode: mix\n  app: {apps[number % len(apps)]}\n")

"""Which service is held to the contract: a simulator of our own, or the one that is named here.

To check the real service, set all of these; the recordings that the suite then starts cost money.

- `RECONCILER_CONTRACT_URL`: the base URL
- `RECONCILER_CONTRACT_APP_ID`
- `RECONCILER_CONTRACT_CUSTOMER_ID`, `RECONCILER_CONTRACT_CUSTOMER_SECRET`
- `RECONCILER_CONTRACT_CHANNEL`: a communication channel in which somebody sends sound and picture
- `RECONCILER_CONTRACT_STORAGE`: a `storageConfig` as JSON
- `RECONCILER_CONTRACT_TOKEN`: a token for that channel and any uid; `none` without App Certificate
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PREFIX = "RECONCILER_CONTRACT_"
NAMES = ("APP_ID", "CUSTOMER_ID", "CUSTOMER_SECRET", "CHANNEL", "STORAGE", "TOKEN")

# What `reconciler simulator` accepts unless told otherwise.
SIMULATED_APP_ID = "0123456789abcdef0123456789abcdef"
SIMULATED_CUSTOMER = "simulator"
SIMULATED_STORAGE = {
    "vendor": 2,
    "region": 3,
    "bucket": "recordings",
    "accessKey": "an-access-key",
    "secretKey": "a-secret-key",
    "fileNamePrefix": ["directory1", "directory2"],
}


@dataclass(frozen=True, slots=True)
class Target:
    """Where the service is, and as whom it is called; without `url` a simulator is started."""

    url: str | None = None
    app_id: str = SIMULATED_APP_ID
    customer_id: str = SIMULATED_CUSTOMER
    customer_secret: str = field(default=SIMULATED_CUSTOMER, repr=False)
    channel: str = "contract"
    storage: Mapping[str, Any] = field(default_factory=lambda: SIMULATED_STORAGE, repr=False)
    token: str | None = field(default=None, repr=False)


def named_by(environment: Mapping[str, str]) -> Target:
    """Return what the environment names. Raises ValueError if it names a part of it only."""
    url = environment.get(PREFIX + "URL")
    if not url:
        return Target()
    missing = [PREFIX + name for name in NAMES if not environment.get(PREFIX + name)]
    if missing:
        raise ValueError(f"`{PREFIX}URL` is set; set these too: {', '.join(missing)}")
    app_id, customer_id, secret, channel, storage, token = (
        environment[PREFIX + name] for name in NAMES
    )
    return Target(
        url=url.rstrip("/"),
        app_id=app_id,
        customer_id=customer_id,
        customer_secret=secret,
        channel=channel,
        storage=json.loads(storage),
        token=None if token == "none" else token,
    )


TARGET = named_by(os.environ)

"""A state in which everything that some specs want runs as they say."""

import json
from dataclasses import replace
from pathlib import Path
from random import Random

from reconciler.clock import SystemClock
from reconciler.engine.asked import asked_change
from reconciler.engine.assess import specs_of
from reconciler.engine.record import recorded_now
from reconciler.engine.vault import Vault, app_key_of
from reconciler.plan.applied import freeze, seal, sealed_text, secrets_of
from reconciler.plan.session import Phase, Session
from reconciler.plan.world import Wanted
from reconciler.spec.apps import freeze as freeze_app
from reconciler.spec.catalog import read_catalog
from reconciler.spec.load import Files
from reconciler.spec.resolve import Resolver
from reconciler.spec.setting import Setting
from reconciler.state.open import open_state
from reconciler.state.store import Change, SetApp, SetFiles, SetRecorded, SetSession

ENVIRON = {
    "AGORA_APP_ID": "0123456789abcdef0123456789abcdef",
    "AGORA_CUSTOMER_ID": "simulator",
    "AGORA_CUSTOMER_SECRET": "simulator",
    "AGORA_NCS_SECRET": "secret-of-notifications",
    "K": "access-key",
    "S": "secret-key",
}
DAY_S = 86_400.0
RESYNC_S = 120.0
BATCH = 1000


def fill_state(folder: Path, url: str, *, host: str = "https://api.agora.io") -> list[Session]:
    """Write a state in which every recording of a folder has run for a day; return its sessions.

    They were asked how they are within the last two minutes, as a `run` leaves them.
    """
    clock, rng = SystemClock(), Random(1)
    now_s = clock.now_s()
    catalog = read_catalog(Files([str(folder)]), Setting({}, frozenset(), ENVIRON, now_s))
    specs = specs_of(catalog, {})
    store = open_state(url, ENVIRON, clock, write=True)
    vault = Vault(Resolver(ENVIRON), store.key)
    keys = {
        name: app_key_of(vault.value(app.app_id).reveal(), store.salt)
        for name, app in catalog.apps.items()
    }
    changes: list[Change] = [
        SetApp(name=name, manifest=freeze_app(app)) for name, app in catalog.apps.items()
    ]
    sessions = []
    for name, wanted in specs.wanted.items():
        desired = specs.desired(name)
        app_key = keys[wanted.app]
        applied = seal(desired, app_key, vault.seals(secrets_of(desired)), None)
        session = _session(wanted, app_key, rng, now_s)
        session = replace(session, sealed=sealed_text(applied), host=host)
        recorded = recorded_now(wanted, None)
        changes += [
            SetRecorded(recorded=recorded),
            asked_change(recorded, now_s - DAY_S),
            SetSession(session=session, applied=freeze(applied)),
            SetFiles(session=session.id, files=_files(session)),
        ]
        sessions.append(session)
    for start in range(0, len(changes), BATCH):
        store.commit("default", changes[start : start + BATCH])
    store.close()
    return sessions


def _session(wanted: Wanted, app_key: str, rng: Random, now_s: float) -> Session:
    begun_s, asked_s = now_s - DAY_S, now_s - rng.uniform(0.0, RESYNC_S)
    return Session(
        id=f"{rng.getrandbits(64):016x}",
        recording=wanted.name,
        replica=0,
        app=wanted.app,
        app_key=app_key,
        app_id="",
        channel=wanted.channel,
        mode=wanted.mode,
        uid=str(rng.randint(1, 2**32 - 1)),
        phase=Phase.RUNNING,
        created_s=begun_s,
        digest=wanted.digest,
        resource_id=f"{rng.getrandbits(256):064x}",
        sid=f"{rng.getrandbits(128):032x}",
        acquired_s=begun_s,
        started_s=begun_s,
        confirmed_s=begun_s,
        resource_ends_s=now_s + 2 * DAY_S,
        status=5,
        observed_s=asked_s,
        asked_s=asked_s,
    )


def _files(session: Session) -> str:
    name = f"{session.sid}_{session.channel}.m3u8"
    file = {"name": name, "uri": f"s3://b/{name}", "track": None, "uid": None}
    return json.dumps([{**file, "started_at": session.started_s}])

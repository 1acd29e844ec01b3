"""A state in which everything that some specs want runs as they say."""

from dataclasses import replace
from pathlib import Path
from random import Random

from reconciler.clock import SystemClock
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
from reconciler.state.store import Change, SetApp, SetRecorded, SetSession

ENVIRON = {
    "AGORA_APP_ID": "0123456789abcdef0123456789abcdef",
    "AGORA_CUSTOMER_ID": "simulator",
    "AGORA_CUSTOMER_SECRET": "simulator",
    "K": "access-key",
    "S": "secret-key",
}
DAY_S = 86_400.0
BATCH = 1000


def fill_state(folder: Path, url: str) -> None:
    """Write a state in which every recording of a folder is recorded and runs."""
    clock, rng = SystemClock(), Random(1)
    now_s = clock.now_s()
    catalog = read_catalog(Files([str(folder)]), Setting({}, frozenset(), ENVIRON, now_s))
    specs = specs_of(catalog, {})
    store = open_state(url, ENVIRON, clock, write=True)
    vault = Vault(Resolver(ENVIRON), store.key)
    app_key = app_key_of(ENVIRON["AGORA_APP_ID"], store.salt)
    changes: list[Change] = [
        SetApp(name=name, manifest=freeze_app(app)) for name, app in catalog.apps.items()
    ]
    for name, wanted in specs.wanted.items():
        desired = specs.desired(name)
        applied = seal(desired, app_key, vault.seals(secrets_of(desired)), None)
        session = _session(wanted, app_key, rng, now_s)
        session = replace(session, sealed=sealed_text(applied))
        changes += [
            SetRecorded(recorded=recorded_now(wanted, None)),
            SetSession(session=session, applied=freeze(applied)),
        ]
    for start in range(0, len(changes), BATCH):
        store.commit("default", changes[start : start + BATCH])
    store.close()


def _session(wanted: Wanted, app_key: str, rng: Random, now_s: float) -> Session:
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
        created_s=now_s,
        digest=wanted.digest,
        resource_id=f"{rng.getrandbits(256):064x}",
        sid=f"{rng.getrandbits(128):032x}",
        host="https://api.agora.io",
        acquired_s=now_s,
        started_s=now_s,
        confirmed_s=now_s,
        resource_ends_s=now_s + 3 * DAY_S,
        status=5,
        observed_s=now_s,
        asked_s=now_s,
    )

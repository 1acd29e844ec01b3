"""Secrets in state and on their way: keys of hashes that change, certificates, tokens that end."""

import asyncio
import os
from pathlib import Path
from typing import Any

from reconciler.agora.rtc_token import Privilege, Token, encode
from reconciler.plan.action import Plan
from reconciler.spec.secrets import SecretValue
from tests.engine.support import (
    CERTIFICATE,
    Stage,
    action_of,
    kinds,
    outcomes,
    problem_of,
    settings,
    virtual_time,
)

APP_ID = "0123456789abcdef0123456789abcdef"
HOUR_S = 3600
PAGE = {"url": "https://example.com/page", "maxDuration": "24h", "rtmp": {"env": "RTMP"}}


def codes(plan: Plan) -> set[str]:
    return {each.code for each in plan.diagnostics}


def token(stage: Stage, ends_in_s: float, channel: str = "lobby") -> str:
    """Return a token for a channel, issued a day ago."""
    life_s = 24 * HOUR_S
    made = Token(
        app_id=APP_ID,
        channel=channel,
        uid="",
        issued_s=int(stage.clock.now_s() + ends_in_s) - life_s,
        life_s=life_s,
        salt=7,
        privileges=((Privilege.JOIN, life_s),),
    )
    return encode(made, SecretValue(CERTIFICATE)).reveal()


def tokened(folder: Path, ends_in_s: float, **spec: Any) -> Stage:
    """Return a stage with a Recording whose token ends then."""
    stage = Stage(folder, settings(certificate=CERTIFICATE))
    stage.environ["TOKEN"] = token(stage, ends_in_s)
    stage.want("lobby", token={"env": "TOKEN"}, **spec)
    return stage


# Keys of hashes


def change_key(stage: Stage) -> None:
    (stage.folder / "state" / "state.key").write_bytes(os.urandom(32))


@virtual_time
async def test_another_hash_key_was_warned_of_for_ever(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    stage.want("hall", raw={"recordingConfig": {"maxIdleTime": 31}})
    await stage.apply()
    change_key(stage)
    assert "hash-key-changed" in codes(await stage.plan())
    before = await stage.calls()
    await stage.apply()
    assert await stage.calls() == before
    assert "hash-key-changed" not in codes(await stage.plan())
    assert kinds(await stage.plan()) == {}


@virtual_time
async def test_a_secret_that_changed_after_the_hash_key_was_not_seen(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    await stage.apply()
    change_key(stage)
    await stage.apply()
    stage.environ["SECRET_KEY"] = "another-key"
    assert action_of(await stage.plan(), "lobby").reason == "credentials"


@virtual_time
async def test_secrets_are_hashed_anew_with_another_change(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    await stage.apply()
    change_key(stage)
    stage.want("lobby", layout={"background": {"color": "#202020"}})
    assert outcomes(await stage.apply()) == {"lobby": "done"}
    assert codes(await stage.plan()) == set()


@virtual_time
async def test_secrets_are_hashed_anew_beside_a_change_that_waits(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    policies = {"lobby": {"replace": "defer"}, "hall": {"ignore": ["maxIdle"]}}
    for max_idle in ("30s", "31s"):
        for name, policy in policies.items():
            stage.want(name, policy=policy, maxIdle=max_idle)
        await stage.apply()
    change_key(stage)
    await stage.apply()
    plan = await stage.plan()
    assert codes(plan) == set()
    assert [action_of(plan, name).reason for name in policies] == ["deferred", "ignored"]


@virtual_time
async def test_another_hash_key_led_to_an_update_of_the_push(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("wall", "web", web=PAGE)
    await stage.apply()
    await asyncio.sleep(10)
    change_key(stage)
    assert kinds(await stage.plan()) == {}
    before = await stage.calls()
    await stage.apply()
    await stage.apply()
    assert await stage.calls() == before


class Keyless:
    """A store without a key, as PostgreSQL is where nobody gave one."""

    key = None

    def __init__(self, store: Any) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


@virtual_time
async def test_a_first_apply_without_a_key_said_nothing(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    assert "state-key-missing" not in codes(await stage.plan())  # the state is still to be made
    with stage.store():
        pass
    stage.opened = Keyless
    assert "state-key-missing" in codes(await stage.plan())


# Saved plans


@virtual_time
async def test_a_plan_stood_on_the_same_basis_whatever_secret_it_would_send(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    await stage.apply()
    stage.want("wall", "web", web={"url": {"env": "URL"}, "maxDuration": "24h"})
    found = set()
    for url in ("https://a.example/", "https://b.example/", "https://b.example/"):
        stage.environ["URL"] = url
        found.add((await stage.plan()).basis)
    assert len(found) == 2


@virtual_time
async def test_keys_of_a_file_that_are_others_each_time_keep_the_basis(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    await stage.apply()
    text = (stage.specs / "storage.yaml").read_text(encoding="utf-8")
    stage.write("storage.yaml", text.replace("{env: SECRET_KEY}", "{file: key.txt}"))
    stage.want("hall")
    found = set()
    for key in ("first", "second"):
        (stage.specs / "key.txt").write_text(key, encoding="utf-8")
        found.add((await stage.plan(target=["hall"])).basis)
    assert len(found) == 1


# Certificates and tokens


@virtual_time
async def test_a_certificate_that_does_not_resolve_was_not_warned_of(tmp_path: Path) -> None:
    stage = Stage(tmp_path, settings(certificate=CERTIFICATE))
    stage.want("lobby", token="generate")
    certificate = stage.environ.pop("CERTIFICATE")
    assert "secret-unresolved" in codes(await stage.plan())
    before = await stage.calls()
    problem = problem_of(await stage.apply(), "lobby")
    assert (problem.code, "`env CERTIFICATE`" in problem.message) == ("secret-unresolved", True)
    assert await stage.calls() == before
    stage.environ["CERTIFICATE"] = certificate
    assert outcomes(await stage.apply()) == {"lobby": "done"}


@virtual_time
async def test_new_storage_keys_need_no_certificate(tmp_path: Path) -> None:
    stage = Stage(tmp_path, settings(certificate=CERTIFICATE))
    stage.want("lobby", token="generate")
    await stage.apply()
    del stage.environ["CERTIFICATE"]
    stage.environ["SECRET_KEY"] = "another-key"
    assert codes(await stage.plan()) == set()
    assert outcomes(await stage.apply()) == {"lobby": "done"}


@virtual_time
async def test_a_token_that_has_expired_was_planned_as_a_start(tmp_path: Path) -> None:
    stage = tokened(tmp_path, -60)
    action = action_of(await stage.plan(), "lobby")
    assert (action.kind, action.reason) == ("error", "token-expired")
    assert "`token: generate`" in action.message
    assert problem_of(await stage.apply(), "lobby").code == "token-expired"
    assert stage.started() == 0


@virtual_time
async def test_an_expired_token_leaves_what_runs_with_another(tmp_path: Path) -> None:
    stage = tokened(tmp_path, 20 * HOUR_S)
    await stage.apply()
    stage.environ["TOKEN"] = token(stage, -60)
    assert kinds(await stage.plan()) == {}
    stage.want("lobby", "individual", token={"env": "TOKEN"})
    assert action_of(await stage.plan(), "lobby").reason == "token-expired"
    await stage.apply()
    assert len(stage.alive("lobby")) == 1


@virtual_time
async def test_a_session_was_rotated_again_and_again_for_the_end_of_one_token(
    tmp_path: Path,
) -> None:
    stage = tokened(tmp_path, HOUR_S)
    await stage.apply()
    await asyncio.sleep(HOUR_S - 100)
    assert kinds(await stage.plan()) == {}
    await stage.apply()
    assert stage.started() == 1
    stage.environ["TOKEN"] = token(stage, 20 * HOUR_S)
    action = action_of(await stage.plan(), "lobby")
    assert (action.kind, action.reason) == ("rotate", "token-expiry")
    await stage.apply()
    assert stage.started() == 2
    assert kinds(await stage.plan()) == {}

"""No secret leaves the process but to the service: not to the disk, and not in what it says."""

import base64
import shutil
from typing import Any

import pytest

from tests.crash.secrets import OPTIONS, SECRETS, forms_of, leaks, program, write_specs
from tests.crash.support import Nursery, Scene, Simulated, simulator

LOUD = ("--log-level", "debug", "-v")
ENDPOINTS = ("acquire", "start", "query", "update", "updateLayout", "stop")


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A simulator that knows its customers by their secrets and checks tokens."""
    known = (
        *("--customer-id", SECRETS["CUSTOMER_ID"]),
        *("--customer-secret", SECRETS["CUSTOMER_SECRET"]),
        *("--certificate", SECRETS["CERTIFICATE"]),
    )
    with simulator(tmp_path_factory.mktemp("strict"), *known) as service:
        yield service


@pytest.fixture
def scene(tmp_path: Any, nursery: Nursery, strict: Simulated) -> Scene:
    strict.reset()
    scene = Scene(tmp_path / "scene", nursery, strict)
    write_specs(scene)
    return scene


@pytest.fixture(autouse=True)
def nothing_leaked(scene: Scene) -> Any:
    """After every test everything that was written is searched, but the specs themselves."""
    yield
    shutil.rmtree(scene.specs)
    shutil.rmtree(scene.folder / "cache", ignore_errors=True)
    assert leaks(scene.folder) == []


def apply(scene: Scene, *options: str) -> Any:
    return scene.apply(*LOUD, *OPTIONS, *options)


def plan(scene: Scene, *options: str) -> Any:
    return scene.plan(*LOUD, *OPTIONS, *options)


def changed(scene: Scene) -> None:
    """Let every secret have another value from now on."""
    for name in ("FROM_ENV", "VOD_ACCESS", "VOD_SECRET", "ENCRYPTION"):
        scene.environ[name] = f"{SECRETS[name][:-1]}X"
    scene.environ["RTMP"] += "X"
    scene.environ["PAGE"] += "X"


def test_the_search_finds_what_is_there(scene: Scene) -> None:
    value = SECRETS["CUSTOMER_SECRET"]
    for prefix in ("", "a", "ab", "abc"):
        text = base64.b64encode(f"{prefix}{value}:more".encode())
        assert any(form in text for form in forms_of(value))
    file = scene.folder / "planted"
    file.write_bytes(base64.b64encode(f"Basic x{value}y".encode()))
    assert leaks(scene.folder / "specs") != []
    assert "CUSTOMER_SECRET in planted" in leaks(scene.folder)
    file.unlink()


def test_the_service_is_given_them(scene: Scene) -> None:
    """Without this the other tests would prove nothing."""
    ran = apply(scene)
    assert ran.code == 0, ran.out + ran.err
    assert len(scene.service.live()) == 7
    assert "./give-key" in (scene.folder / "called").read_text()


@pytest.mark.parametrize("kind", ["text", "json", "markdown"])
def test_plans_hold_none(scene: Scene, kind: str) -> None:
    for step in (lambda: None, lambda: apply(scene), lambda: changed(scene)):
        step()
        for more in ((), ("--show-requests",), ("--no-refresh",), ("--out", "saved.plan")):
            ran = plan(scene, "--format", kind, *more)
            assert ran.code == 0, ran.err
            assert "a bug in reconciler" not in ran.err


@pytest.mark.parametrize("kind", ["text", "json"])
def test_applies_hold_none(scene: Scene, kind: str) -> None:
    assert apply(scene, "--format", kind).code == 0
    changed(scene)
    ran = apply(scene, "--format", kind)
    assert ran.code == 0, ran.err
    assert scene.service.endpoints().count("update") > 1
    scene.want()
    assert apply(scene, "--format", kind, "--allow-empty").code == 0


def test_a_saved_plan_is_carried_out_without_any(scene: Scene) -> None:
    saved = str(scene.folder / "saved.plan")
    assert plan(scene, "--out", saved).code == 0
    ran = scene.run("apply", "--plan", saved, "--yes", *LOUD, *OPTIONS)
    assert ran.code == 0, ran.err


@pytest.mark.parametrize("status", [400, 401, 404, 500, 206])
def test_what_the_service_quotes_is_taken_out(scene: Scene, status: int) -> None:
    """It may quote what this call was sent, and what an earlier one was."""
    assert apply(scene, "--target", "page", "--target", "variable").code == 0
    quoted = " ".join(f"bad {value} in request" for value in SECRETS.values())
    for endpoint in ENDPOINTS:
        rule = {"status": status, "code": 2, "reason": quoted, "message": quoted}
        scene.service.fail({"endpoint": endpoint, "effect": rule, "nth": list(range(1, 30))})
    changed(scene)
    for kind in ("text", "json"):
        ran = apply(scene, "--format", kind, "--timeout", "2m")
        assert ran.code == 1
        assert status == 404 or "bad *** in request" in ran.out
        plan(scene, "--format", kind)


def test_programs_that_fail_are_not_quoted(scene: Scene) -> None:
    program(scene, "give-key", f"echo {SECRETS['FROM_EXEC']!r} >&2; exit 3")
    program(scene, "give-all", f"echo not JSON: {SECRETS['STS_SECRET']!r}")
    for kind in ("text", "json"):
        plan(scene, "--format", kind)
        ran = apply(scene, "--format", kind)
        assert ran.code == 1
        assert "./give-key" in ran.out + ran.err


def test_a_run_that_is_killed_leaves_none(scene: Scene) -> None:
    scene.apply(*OPTIONS, kill_at=60)
    assert (scene.state / "state.db-wal").exists()


def test_other_commands_tell_none(scene: Scene) -> None:
    assert apply(scene).code == 0
    for words in (["status"], ["sessions"], ["events"]):
        for kind in ("text", "json"):
            ran = scene.run(*words, *LOUD, "--format", kind)
            assert ran.code == 0, ran.err
            assert "encrypted" in ran.out

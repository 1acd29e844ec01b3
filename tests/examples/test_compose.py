"""The compose file: every part of it exists, is healthy or says why not, and takes its command."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families as families

from tests.architecture.repository import ROOT
from tests.cli.world import World, world_at
from tests.examples.setups import EXAMPLES, document, parsed, variables
from tests.examples.test_monitoring import EXPORTED

COMPOSE = EXAMPLES / "compose"
VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


def composed() -> dict[str, Any]:
    read: dict[str, Any] = document(COMPOSE / "compose.yaml")
    return read


def services() -> dict[str, Any]:
    found: dict[str, Any] = composed()["services"]
    return found


def filled(word: str) -> str:
    """Put in the variables of `.env.example`, as compose does."""
    given = variables(COMPOSE / ".env.example")
    return VARIABLE.sub(lambda match: given.get(match[1]) or match[3], word)


def test_the_daemon_waits_for_its_state_and_the_simulator_is_asked_for() -> None:
    found = services()
    assert set(found) == {"reconciler", "postgres", "simulator"}
    assert found["reconciler"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    profiles = {name: each.get("profiles") for name, each in found.items()}
    assert profiles == {"reconciler": None, "postgres": None, "simulator": ["simulator"]}


def test_every_service_is_asked_how_it_is() -> None:
    checks = {name: each["healthcheck"]["test"] for name, each in services().items()}
    assert {name: check[1] for name, check in checks.items()} == {
        "reconciler": "probe",
        "postgres": "pg_isready",
        "simulator": "probe",
    }
    assert checks["reconciler"][2] == "http://127.0.0.1:8710/readyz"


def test_images_have_a_version_or_are_built_of_this_tree() -> None:
    for service in services().values():
        if "build" not in service:
            assert re.fullmatch(r"docker\.io/library/\w+:\d+-\w+", service["image"])
            continue
        context = (COMPOSE / service["build"]["context"]).resolve()
        assert context == ROOT
        assert (context / service["build"]["dockerfile"]).is_file()


@pytest.mark.parametrize("name", ["reconciler", "simulator"])
def test_our_containers_may_write_nowhere_but_in_their_volume(name: str) -> None:
    service = services()[name]
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_our_commands_are_those_of_the_program() -> None:
    daemon, simulator = (services()[name]["command"] for name in ("reconciler", "simulator"))
    args = parsed([filled(word) for word in daemon])
    assert args.paths == ["/specs"]
    assert ip_address(args.listen.host).is_unspecified
    assert args.listen.port == 8710
    told = parsed([filled(word) for word in simulator])
    assert told.notify == f"http://127.0.0.1:{args.listen.port}/notifications/default"
    assert told.notify_secret == variables(COMPOSE / ".env.example")["AGORA_NCS_SECRET"]


def test_ports_are_open_on_loopback_only() -> None:
    ports = [port for service in services().values() for port in service.get("ports", [])]
    assert ports == ["127.0.0.1:8710:8710"]


def test_volumes_and_variables_are_declared() -> None:
    read = composed()
    used = {each for service in services().values() for each in service.get("volumes", [])}
    named = {each.partition(":")[0] for each in used} - {"./specs"}
    assert named == set(read["volumes"])
    text = (COMPOSE / "compose.yaml").read_text(encoding="utf-8")
    asked = {match[1] for match in VARIABLE.finditer(text)}
    given = variables(COMPOSE / ".env.example")
    assert asked - set(given) == set()
    assert {"RECONCILER_TOKEN", "RECONCILER_STATE_KEY"} <= set(given)


def test_what_has_no_default_is_asked_for_in_words() -> None:
    text = (COMPOSE / "compose.yaml").read_text(encoding="utf-8")
    assert [match[0] for match in VARIABLE.finditer(text) if not match[2]] == []


def test_with_the_variables_as_they_are_the_specs_are_applied_to_a_simulator(
    tmp_path: Path,
) -> None:
    with world_at(tmp_path) as world:
        own = {
            "AGORA_ENDPOINTS": world.url,
            "AGORA_CUSTOMER_SECRET": world.environ["AGORA_CUSTOMER_SECRET"],
        }
        assert set(own) < set(variables(COMPOSE / ".env.example"))
        world.environ |= {**variables(COMPOSE / ".env.example"), **own}
        ran = world.run("apply", COMPOSE / "specs", "--yes")
        assert ran.code == 0, ran
        assert world.live() == {"lobby"}


def test_the_daemon_gets_ready_is_probed_tells_what_alerts_ask_for_and_ends(tmp_path: Path) -> None:
    given = variables(COMPOSE / ".env.example")
    with world_at(tmp_path) as world:
        secret = {"AGORA_CUSTOMER_SECRET": world.environ["AGORA_CUSTOMER_SECRET"]}
        world.environ |= given | secret | {"AGORA_ENDPOINTS": world.url}
        with daemon(world, services()["reconciler"]["command"]) as (process, url):
            while not probed(f"{url}/readyz", given):
                assert process.poll() is None
            token = {"Authorization": f"Bearer {given['RECONCILER_TOKEN']}"}
            answer = httpx.get(f"{url}/metrics", headers=token, trust_env=False)
        assert process.returncode == 0
        assert world.live() == {"lobby"}
    samples = {sample.name for each in families(answer.text) for sample in each.samples}
    assert set(EXPORTED) - samples <= ONCE_HAPPENED


ONCE_HAPPENED = {"reconciler_budget_slowed_total", "reconciler_events_total"}
"""What has a label and no value before something happened."""


@contextmanager
def daemon(world: World, command: list[str]) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the daemon as compose does, on another port; yield it with its address, then end it."""
    words = [str(COMPOSE / "specs") if word == "/specs" else word for word in command]
    program = Path(sys.executable).with_name("reconciler")
    process = subprocess.Popen(
        [program, *(word.replace("0.0.0.0:8710", "127.0.0.1:0") for word in words)],
        env={**os.environ, **world.environ},
        cwd=world.folder,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        lines = map(json.loads, iter(process.stderr.readline, ""))
        url = next(line["url"] for line in lines if "url" in line)
        yield process, url.removesuffix("/")
    finally:
        process.terminate()
        process.communicate(timeout=20)


def probed(url: str, environ: dict[str, str]) -> bool:
    """Ask as the container's health check does."""
    command = [sys.executable, str(EXAMPLES / "container/probe.py"), url]
    done = subprocess.run(command, env=environ, capture_output=True, check=False)
    return done.returncode == 0

"""`notification-ips`: the service's list, for firewalls."""

from typing import Any

import pytest

from tests.cli.world import World, manifest


def app(world: World) -> dict[str, Any]:
    credentials = {
        "customerId": {"env": "AGORA_CUSTOMER_ID"},
        "customerSecret": {"env": "AGORA_CUSTOMER_SECRET"},
    }
    endpoints = [world.url]
    app_id = world.environ["AGORA_APP_ID"]
    return {"appId": app_id, "credentials": credentials, "endpoints": endpoints}


@pytest.mark.parametrize(
    ("form", "said"), [("text", "127.0.0.1\n"), ("nginx", "allow 127.0.0.1;\n")]
)
def test_they_are_listed_with_the_app_of_the_environment(
    world: World, form: str, said: str
) -> None:
    ran = world.run("notification-ips", "--format", form)
    assert (ran.code, ran.out, ran.err) == (0, said, "")


def test_json_names_the_app(world: World) -> None:
    world.write("app.yaml", manifest("App", "main", app(world)))
    ran = world.run("notification-ips", world.specs, "--format", "json")
    assert ran.json == {"format_version": "1", "app": "main", "addresses": ["127.0.0.1"]}


def test_the_app_of_state_is_taken_without_a_path(world: World) -> None:
    world.write("app.yaml", manifest("App", "main", app(world)))
    world.want("lobby")
    world.apply()
    assert world.run("notification-ips", "--format", "json").json["app"] == "main"


def test_which_app_must_be_clear(world: World) -> None:
    world.write("app.yaml", *(manifest("App", name, app(world)) for name in ("east", "west")))
    ran = world.run("notification-ips", world.specs)
    assert (ran.code, ran.out) == (1, "")
    assert "`east`, `west`" in ran.err
    assert world.run("notification-ips", world.specs, "--app", "west").code == 0
    ran = world.run("notification-ips", world.specs, "--app", "north")
    assert (ran.code, "no App `north`" in ran.err) == (1, True)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("AGORA_CUSTOMER_SECRET", "wrong", "customer ID or secret is wrong"),
        ("AGORA_CUSTOMER_SECRET", "", "`AGORA_CUSTOMER_SECRET` is empty"),
        ("AGORA_ENDPOINTS", "http://127.0.0.1:9", "cannot be reached"),
    ],
)
def test_what_keeps_it_from_asking_is_said(world: World, name: str, value: str, said: str) -> None:
    world.environ[name] = value
    ran = world.run("notification-ips")
    assert (ran.code, ran.out) == (1, "")
    assert said in ran.err

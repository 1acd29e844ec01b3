"""`import`: a session that something else started becomes a Recording's, or nothing is kept."""

from typing import Any

import httpx
import pytest

from reconciler.plan.recorded import Override
from reconciler.plan.session import Phase
from reconciler.plan.times import rfc3339
from reconciler.simulator.settings import DEFAULT_APP_ID
from tests.cli.world import SECRETS, World, recording
from tests.simulator.support import PAGE, STORAGE, WEB_SERVICE

UID = "527841"
HOUR_S = 3600.0


def foreign(world: World, channel: str, mode: str = "mix", uid: str = UID) -> dict[str, str]:
    """Start a session as another program would."""
    base = f"{world.url}/v1/apps/{DEFAULT_APP_ID}/cloud_recording"
    files = {"avFileType": ["hls"]}
    request: dict[str, Any] = {"recordingFileConfig": files, "storageConfig": STORAGE}
    if mode == "web":
        page = {**WEB_SERVICE, "serviceParam": PAGE}
        request["extensionServiceConfig"] = {"extensionServices": [page]}
    else:
        request["recordingConfig"] = {"channelType": 1}
    with httpx.Client(auth=("simulator", SECRETS[0]), trust_env=False) as client:
        scene = {"scene": 1} if mode == "web" else {}
        body = {"cname": channel, "uid": uid, "clientRequest": scene}
        resource = client.post(f"{base}/acquire", json=body).json()["resourceId"]
        body = {"cname": channel, "uid": uid, "clientRequest": request}
        answer = client.post(f"{base}/resourceid/{resource}/mode/{mode}/start", json=body)
    return {"--resource-id": resource, "--sid": answer.json()["sid"], "--uid": uid}


def words(options: dict[str, str]) -> list[str]:
    return [word for pair in options.items() for word in pair]


def test_it_is_taken_over_and_goes_on(world: World) -> None:
    world.want("lobby")
    options = foreign(world, "lobby")
    ran = world.run("import", "lobby", world.specs, *words(options))
    assert ran.code == 0, ran
    session = world.session("lobby")
    assert (session.phase, session.sid, session.uid) == (Phase.RUNNING, options["--sid"], UID)
    assert session.started_s is not None
    assert session.resource_ends_s == session.started_s + 72 * HOUR_S
    assert session.pending == ()
    assert world.events("lobby") == ["imported"]
    before = world.calls()
    world.apply()
    assert set(world.calls()[len(before) :]) <= {"query"}
    assert world.live() == {"lobby"}


def test_what_the_spec_states_of_layout_and_subscriptions_is_sent_once(world: World) -> None:
    spec = {"layout": {"type": "best-fit"}, "subscriptions": {"audio": ["100"]}}
    world.want("lobby", **spec)
    options = foreign(world, "lobby")
    ran = world.run("import", "lobby", world.specs, *words(options))
    assert "subscriptions and layout" in ran.err
    before = len(world.calls())
    world.apply()
    sent = [call for call in world.calls()[before:] if call != "query"]
    assert sent == ["update", "updateLayout"]
    world.apply()
    assert [call for call in world.calls()[before:] if call != "query"] == sent


def test_they_are_not_sent_where_the_user_vouches_for_them(world: World) -> None:
    world.want("lobby", layout={"type": "best-fit"}, subscriptions={"audio": ["100"]})
    options = foreign(world, "lobby")
    ran = world.run("import", "lobby", world.specs, *words(options), "--assume-applied")
    assert ran.code == 0, ran
    world.apply()
    assert {"update", "updateLayout"} & set(world.calls()) == set()


def test_the_uid_of_the_spec_is_taken(world: World) -> None:
    world.want("lobby", uid=int(UID))
    options = foreign(world, "lobby")
    del options["--uid"]
    ran = world.run("import", "lobby", world.specs, *words(options), "--format", "json")
    assert ran.code == 0, ran
    assert ran.json["session"]["uid"] == UID


def test_a_start_that_is_told_counts_for_the_expiry(world: World) -> None:
    world.want("lobby")
    began_s = float(int(world.clock.now_s()) - 10 * 3600)
    options = {**foreign(world, "lobby"), "--started-at": rfc3339(began_s)}
    assert world.run("import", "lobby", world.specs, *words(options)).code == 0
    assert world.session("lobby").resource_ends_s == began_s + 72 * HOUR_S


def test_an_unknown_start_is_told_and_rotated_by_the_next_apply(world: World) -> None:
    world.order("/channels/lobby", {"empty": True})
    world.want("lobby")
    options = foreign(world, "lobby")
    ran = world.run("import", "lobby", world.specs, *words(options))
    assert ran.code == 0, ran
    assert "warning[expiry-unknown]" in ran.err
    assert world.session("lobby").resource_ends_s is None
    plan = world.run("plan", world.specs, "--format", "json").json
    assert [(each["action"], each["reason"]) for each in plan["actions"]] == [
        ("rotate", "expiry-unknown")
    ]


def test_a_session_that_answers_past_the_expiry_of_its_spec_is_not_taken_for_an_orphan(
    world: World,
) -> None:
    world.want("lobby")
    began_s = world.clock.now_s() - 75 * HOUR_S
    options = {**foreign(world, "lobby"), "--started-at": rfc3339(began_s)}
    ran = world.run("import", "lobby", world.specs, *words(options))
    assert ran.code == 1
    assert "raise `resourceExpiry`" in ran.err
    assert world.past() == []


def test_a_web_recording_keeps_its_hard_end(world: World) -> None:
    page = {"url": "https://example.com/page", "maxDuration": "2h"}
    manifest = recording("wall", mode="web", web=page)
    del manifest["spec"]["channelProfile"]
    world.write("wall.yaml", manifest)
    began_s = float(int(world.clock.now_s()) - 600)
    options = {**foreign(world, "wall", "web"), "--started-at": rfc3339(began_s)}
    ran = world.run("import", "wall", world.specs, *words(options))
    assert ran.code == 0, ran
    assert world.session("wall").duration_ends_s == began_s + 2 * HOUR_S


CHANGES: list[tuple[dict[str, str], str]] = [
    ({"--sid": "0" * 32}, "knows no such session"),
    ({"--resource-id": "nonsense"}, "knows no such session"),
    ({"--uid": "4711"}, f"its uid is `{UID}`"),
    ({"--replica": "1"}, "has no replica 1"),
    ({"--started-at": "2099-01-01T00:00:00Z"}, "in the future"),
    ({"--started-at": "noon"}, "--started-at"),
]


@pytest.mark.parametrize(("change", "said"), CHANGES)
def test_what_does_not_fit_keeps_nothing(world: World, change: dict[str, str], said: str) -> None:
    world.want("lobby")
    options = {**foreign(world, "lobby"), **change}
    ran = world.run("import", "lobby", world.specs, *words(options))
    assert (ran.code, ran.out) == (1, "")
    assert said in ran.err
    assert "hint:" in ran.err
    assert (world.past(), world.recorded()) == ([], set())


def test_another_channel_in_the_answer_keeps_nothing(world: World) -> None:
    world.want("lobby", channel="hall")
    ran = world.run("import", "lobby", world.specs, *words(foreign(world, "lobby")))
    assert (ran.code, ran.out) == (1, "")
    assert "channel" in ran.err
    assert world.past() == []


def test_a_session_that_has_ended_keeps_nothing(world: World) -> None:
    world.want("lobby")
    options = foreign(world, "lobby")
    world.order(f"/sessions/{options['--sid']}/idle")
    ran = world.run("import", "lobby", world.specs, *words(options))
    assert (ran.code, ran.out) == (1, "")
    assert world.past() == []


def test_a_replica_that_has_a_session_keeps_it(world: World) -> None:
    world.want("lobby")
    world.apply()
    ran = world.run("import", "lobby", world.specs, *words(foreign(world, "lobby")))
    assert ran.code == 1
    assert "has a session already" in ran.err
    assert len(world.past()) == 1


@pytest.mark.parametrize("scope", ["default", "other"])
def test_a_session_of_another_recording_is_not_taken_from_it(world: World, scope: str) -> None:
    world.want("lobby")
    world.apply()
    owned = world.session("lobby")
    world.write("lobby.yaml", recording("lobby"), recording("twin", channel="lobby"))
    options = {"--resource-id": owned.resource_id, "--sid": owned.sid, "--uid": owned.uid}
    ran = world.run("import", "twin", world.specs, *words(options), "--scope", scope)
    assert (ran.code, ran.out) == (1, "")
    assert "that of the Recording `lobby`" in ran.err
    assert len(world.past()) == 1


def test_a_forgotten_session_can_be_taken_over_by_another_name(world: World) -> None:
    world.want("lobby")
    world.apply()
    session = world.session("lobby")
    assert world.run("forget", "lobby", "--yes").code == 0
    (world.specs / "lobby.yaml").unlink()
    world.want("foyer", channel="lobby")
    options = {"--resource-id": session.resource_id, "--sid": session.sid, "--uid": session.uid}
    assert world.run("import", "foyer", world.specs, *words(options)).code == 0
    world.apply()
    assert len(world.look("/sessions")["sessions"]) == 1


def test_an_orphan_whose_sid_turned_up_is_one_no_more(world: World) -> None:
    world.want("lobby")
    world.order("/faults", [{"endpoint": "start", "times": 4, "effect": {"drop": "after"}}])
    world.run("apply", world.specs, "--yes")
    assert world.run("forget", "lobby", "--yes").code == 0
    (orphan,) = (past.session for past in world.past() if past.session.is_orphan)
    (sid,) = (
        each["sid"] for each in world.look("/sessions")["sessions"] if each["uid"] == orphan.uid
    )
    options = {"--resource-id": orphan.resource_id, "--sid": sid, "--uid": orphan.uid}
    assert world.run("import", "lobby", world.specs, *words(options)).code == 0
    status = world.run("status", "--format", "json").json
    assert status["orphans"] == []
    assert [row["phase"] for row in status["recordings"]] == ["running"]


def test_a_recording_that_is_not_there_or_not_sound_is_refused(world: World) -> None:
    world.want("lobby", layout={"type": "heap"})
    options = words(foreign(world, "lobby"))
    ran = world.run("import", "lobby", world.specs, *options)
    assert (ran.code, "has errors" in ran.err) == (1, True)
    ran = world.run("import", "nobody", world.specs, *options)
    assert (ran.code, "no Recording `nobody`" in ran.err) == (1, True)


def test_what_was_said_of_it_before_stays(world: World) -> None:
    world.want("lobby")
    world.apply()
    world.run("suspend", "lobby", "--reason", "r")
    world.apply()
    ran = world.run("import", "lobby", world.specs, *words(foreign(world, "lobby", uid="99")))
    assert ran.code == 0, ran
    with world.store() as store:
        override = store.snapshot("default").recorded["lobby"].override
    assert isinstance(override, Override)

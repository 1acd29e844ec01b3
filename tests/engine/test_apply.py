"""An apply brings about what the specs say, and a second one does nothing."""

from pathlib import Path

from tests.engine.support import Stage, action_of, kinds, outcomes, virtual_time


@virtual_time
async def test_a_recording_is_started_and_confirmed(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    results = await stage.apply()
    assert outcomes(results) == {"lobby": "done"}, results
    (session,) = stage.sessions()
    assert session.phase == "running"
    (alive,) = stage.alive("lobby")
    assert alive.sid == session.sid


@virtual_time
async def test_a_second_apply_makes_no_mutating_call(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    for name, mode in (("lobby", "mix"), ("exam", "individual"), ("wall", "web")):
        stage.want(name, mode)
    await stage.apply()
    before = await stage.calls()
    assert await stage.apply() == []
    assert await stage.calls() == before
    assert kinds(await stage.plan()) == {}


@virtual_time
async def test_a_changed_layout_is_one_update_layout(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.want("lobby")
    await stage.apply()
    stage.want("lobby", layout={"background": {"color": "#202020"}})
    (change,) = action_of(await stage.plan(), "lobby").changes
    assert (change.path, change.after) == ("layout.background.color", "#202020")
    await stage.apply()
    assert (await stage.calls())[-1] == "updateLayout"
    assert kinds(await stage.plan()) == {}
    assert stage.started() == 1

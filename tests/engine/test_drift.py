"""What something else changed, beside changes of the specs that wait."""

from pathlib import Path

from tests.engine.support import Stage, action_of, outcomes, virtual_time


@virtual_time
async def test_a_deferred_change_kept_a_page_paused_that_someone_else_paused(
    tmp_path: Path,
) -> None:
    stage = Stage(tmp_path)
    page = {"url": "https://example.com/page", "maxDuration": "24h"}
    defer = {"replace": "defer"}
    stage.want("wall", "web", web=page, policy=defer)
    await stage.apply()
    stage.want("wall", "web", web={**page, "width": 1920, "height": 1080}, policy=defer)
    stage.order(stage.alive("wall")[0], "page", onhold=True)
    action = action_of(await stage.plan(), "wall")
    assert (action.kind, action.groups) == ("update", ("paused",))
    assert outcomes(await stage.apply()) == {"wall": "done"}
    assert stage.alive("wall")[0].page.onhold is False
    assert stage.started() == 1
    action = action_of(await stage.plan(), "wall")
    assert (action.kind, action.reason) == ("none", "deferred")

"""What holds of every world that is applied, edited and applied again (design/reconcile.md)."""

import asyncio
import io
import json
from collections import Counter
from collections.abc import Callable, Coroutine
from itertools import count
from pathlib import Path
from typing import Any

import looptime
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.cli.console import Console
from reconciler.cli.plan_text import plan_text
from reconciler.plan.action import Action, Kind, Plan
from reconciler.web.plan import plan_document
from tests.engine.faults.truth import check, configs
from tests.engine.support import Stage
from tests.laws.engine_worlds import (
    NAMES,
    SHARED,
    World,
    WorldStage,
    edits,
    new_stage,
    start_foreign,
    worlds,
)

FEW = settings(max_examples=20, suppress_health_check=list(HealthCheck))
CHANGING = ("acquire", "start", "update", "updateLayout", "stop")
NUMBERS = count()
FOREIGN_UID = "4242"
SECRET_SHOWN = "(secret)"


def played(folder: Path, play: Callable[[WorldStage], Coroutine[Any, Any, None]]) -> None:
    """Play something on a new stage, on virtual time."""
    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:

        async def run() -> None:
            await play(new_stage(folder, next(NUMBERS)))

        runner.run(run())


def is_settled(plan: Plan) -> bool:
    """Tell whether there is nothing to do: errors are what policies forbid."""
    return all(action.kind in {Kind.NONE, Kind.ERROR} for action in plan.actions)


def check_one_each(stage: Stage) -> None:
    """Check that at most one session lives for each recording and replica, and all are known."""
    check(stage)
    known = {session.sid: session for session in stage.sessions()}
    owners = [known[each.sid] for each in stage.alive() if each.identity.uid != FOREIGN_UID]
    owners = [each for each in owners if each.end_reason != "forgotten"]
    assert max(Counter((each.recording, each.replica) for each in owners).values(), default=1) == 1


@FEW
@given(world=worlds(), data=st.data())
def test_what_was_applied_needs_nothing_more_and_a_second_apply_makes_no_call_that_changes(
    tmp_path: Path, world: World, data: st.DataObject
) -> None:
    edited = data.draw(edits(world))

    async def play(stage: WorldStage) -> None:
        for wanted in (world, edited):
            stage.want_all(wanted)
            await stage.apply()
            check_one_each(stage)
            assert is_settled(await stage.plan())
            before = stage.log(*CHANGING)
            await stage.apply()
            assert stage.log(*CHANGING) == before

    played(tmp_path, play)


@FEW
@given(world=worlds(), data=st.data())
def test_an_edited_world_ends_like_one_that_was_never_different(
    tmp_path: Path, world: World, data: st.DataObject
) -> None:
    edited = data.draw(edits(world))
    free = {name for name in edited if is_free(world.get(name, {})) and is_free(edited[name])}
    found: list[dict[str, Any]] = []

    async def by_edit(stage: WorldStage) -> None:
        stage.want_all(world)
        await stage.apply()
        stage.want_all(edited)
        await stage.apply()
        found.append(configs(stage))

    async def at_once(stage: WorldStage) -> None:
        stage.want_all(edited)
        await stage.apply()
        found.append(configs(stage))

    played(tmp_path, by_edit)
    played(tmp_path, at_once)
    first, second = ({name: plain(each.get(name)) for name in free} for each in found)
    assert first == second


EVERYBODY = ["#allstream#"]
TAKEN_BY_THE_NEXT = "subscribeUidGroup"
"""The size of what is subscribed to, which a running session keeps (design/reconcile.md)."""


def plain(tree: Any) -> Any:
    """Return a configuration as it means: lists of uids are sets, and one of all is none."""
    if not isinstance(tree, dict):
        return sorted(tree) if _is_texts(tree) else tree
    kept = {key: value for key, value in tree.items() if key != TAKEN_BY_THE_NEXT}
    return {key: plain(value) for key, value in kept.items() if value != EVERYBODY}


def _is_texts(tree: Any) -> bool:
    return isinstance(tree, list) and all(isinstance(item, str) for item in tree)


def is_free(spec: dict[str, Any]) -> bool:
    """Tell whether no policy keeps a running session as it is."""
    policy = spec.get("policy", {})
    kept = policy.get("replace") in {"defer", "forbid"} or policy.get("ignore")
    return not (kept or policy.get("protect") or policy.get("manage") == "observe")


@FEW
@given(world=worlds(), data=st.data())
def test_the_order_and_the_number_of_files_mean_nothing(
    tmp_path: Path, world: World, data: st.DataObject
) -> None:
    edited = data.draw(edits(world))
    order = data.draw(st.permutations(list(edited)))
    files = {name: data.draw(st.sampled_from(["", "-1", "-2"])) for name in edited}

    async def play(stage: WorldStage) -> None:
        for before in ({}, world):
            if before:
                stage.want_all(before)
                await stage.apply()
            stage.want_all(edited)
            first = await stage.plan()
            stage.want_all({name: edited[name] for name in order}, files)
            second = await stage.plan()
            assert second.digest == first.digest
            assert [lasting(each) for each in second.actions] == [
                lasting(each) for each in first.actions
            ]

    played(tmp_path, play)


def lasting(action: Action) -> tuple[object, ...]:
    """Return what of an action does not tell the time."""
    return action.key, action.kind, action.reason, action.changes, action.groups, action.after


@FEW
@given(world=worlds(), data=st.data())
def test_every_change_has_a_field_and_every_field_is_printed(
    tmp_path: Path, world: World, data: st.DataObject
) -> None:
    edited = data.draw(edits(world))

    async def play(stage: WorldStage) -> None:
        stage.want_all(world)
        await stage.apply()
        stage.want_all(edited)
        plan = await stage.plan()
        console = Console(io.StringIO(), io.StringIO(), {"COLUMNS": "400"})
        text = "\n".join(plan_text(plan, console))
        known = {session.id: session for session in stage.sessions()}
        whole = json.dumps(plan_document(plan, known, {}))
        for action in plan.actions:
            changes = action.changes
            assert changes or action.kind not in CHANGED_BY_FIELDS, action
            printed = whole if action.kind is Kind.NONE else text  # deferred, or only observed
            assert [each for each in changes if each.path not in printed] == []
            same = [each for each in changes if each.before == each.after != SECRET_SHOWN]
            assert same == []

    played(tmp_path, play)


CHANGED_BY_FIELDS = {
    Kind.UPDATE,
    Kind.UPDATE_LAYOUT,
    Kind.UPDATE_AND_LAYOUT,
    Kind.REPLACE,
}


@FEW
@given(world=worlds(), data=st.data())
def test_what_somebody_else_started_is_never_touched(
    tmp_path: Path, world: World, data: st.DataObject
) -> None:
    edited = data.draw(edits(world))

    async def play(stage: WorldStage) -> None:
        sids = [await start_foreign(stage, each, FOREIGN_UID) for each in (SHARED, *NAMES)]
        foreign = {each.sid: each.config for each in stage.alive()}
        assert list(foreign) == sids
        resources = {each.resource_id for each in stage.alive()}
        before = len(stage.log(*CHANGING, "query"))
        for wanted in (world, edited, {"last": {"uid": FOREIGN_UID, "channel": SHARED}}):
            stage.want_all(wanted)
            await stage.apply()
        await stage.destroy()
        stage.want_all({})
        await stage.apply(allow_empty=True)
        alive = {each.sid: each.config for each in stage.alive() if each.sid in foreign}
        assert alive == foreign
        calls = stage.log(*CHANGING, "query")[before:]
        assert [each for each in calls if each["resourceId"] in resources] == []

    played(tmp_path, play)

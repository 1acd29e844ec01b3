"""A scope with recordings in every state of health, an orphan, files and events."""

import json
from dataclasses import replace

from reconciler.plan.recorded import Override, Recorded, Terms, terms_text
from reconciler.plan.session import End, Phase
from reconciler.spec.desired import Policy, Window
from reconciler.state.store import Condition, Event, Past
from tests.golden.plans import NOW_S, session

TERMS = Terms(policy=Policy())
NIGHTLY = Window(cron="0 22 * * *", duration_s=3600, timezone="Europe/Berlin")


def recorded(
    name: str,
    terms: Terms = TERMS,
    *,
    digest: str = "d",
    override: Override | None = None,
    removed_s: float | None = None,
) -> Recorded:
    return Recorded(
        name=name,
        app="main",
        channel=name,
        mode="mix",
        digest=digest,
        terms=terms_text(terms),
        source=f"specs/{name}.yaml",
        generation=3,
        override=override,
        removed_s=removed_s,
    )


BY_HAND = Override(since_s=NOW_S - 60, reason="rehearsal", until_s=NOW_S + 1800)
IN_SPEC = replace(TERMS, suspend=True, suspend_reason="holidays")
ONCE = replace(TERMS, policy=Policy(restart="never"))

RECORDED = {
    each.name: each
    for each in (
        recorded("a-recording-with-a-name-that-is-longer-than-any-table-has-room-for"),
        recorded("broken"),
        recorded("changed", digest="e"),
        recorded("coming-up"),
        recorded("finished", ONCE),
        recorded("gone", removed_s=NOW_S - 30),
        recorded("held-by-hand", override=BY_HAND),
        recorded("held-in-spec", IN_SPEC),
        recorded("in-pairs", replace(TERMS, replicas=2)),
        recorded("lost"),
        recorded("moving"),
        recorded("new"),
        recorded("nightly", replace(TERMS, schedule=(NIGHTLY,))),
        recorded("pushed"),
        recorded("steady"),
        recorded("stopped"),
        recorded("unsure"),
    )
}


LIVES = (
    session("a-recording-with-a-name-that-is-longer-than-any-table-has-room-for"),
    session(
        "broken",
        phase=Phase.FAILED,
        end_reason=End.BROKEN,
        confirmed_s=None,
        ended_s=NOW_S - 20,
        attempt=3,
    ),
    session("changed"),
    session("coming-up", phase=Phase.STARTING, confirmed_s=None, started_s=NOW_S - 4),
    session("finished", phase=Phase.ENDED, end_reason=End.EXITED, ended_s=NOW_S - 600),
    session("gone"),
    session("held-in-spec", stop_reason=End.SUSPENDED, stop_asked_s=NOW_S - 3),
    session("in-pairs"),
    session("lost", phase=Phase.ORPHAN, sid="", started_s=None, ends_by_s=NOW_S + 7200),
    session("lost-too", phase=Phase.ORPHAN),
    session("moving", phase=Phase.MISSING, missing_s=NOW_S - 25),
    session("pushed", mode="web", rtmp_status="disconnected"),
    session("steady"),
    session("stopped", phase=Phase.ENDED, end_reason=End.REQUESTED, ended_s=NOW_S - 600),
    session("unsure", pending=("layout",)),
)
FILES = {
    "steady-1": json.dumps(
        [
            {
                "name": "steady_0.m3u8",
                "uri": "s3://bucket/steady_0.m3u8",
                "track": "audio_and_video",
                "uid": "0",
                "started_at": "2025-12-01T09:00:05Z",
            },
            {"name": "steady_1.m3u8", "track": None, "uid": None, "started_at": NOW_S - 60.5},
        ]
    )
}
CONDITIONS = (
    Condition(
        recording="steady",
        replica=0,
        type="Guarded",
        status=False,
        reason="in-sync",
        message="",
        since_s=NOW_S - 3600,
    ),
)
PAST = [Past(session=each, files=FILES.get(each.id, ""), upload="") for each in LIVES[:5]]
PAST += [Past(session=LIVES[12], files=FILES["steady-1"], upload="uploaded")]
EVENTS = (
    Event(
        time_s=NOW_S - 60.25,
        recording="steady",
        type="normal",
        reason="recording",
        message="session 0123 (uid 1001) is recording",
    ),
    Event(
        time_s=NOW_S,
        recording="broken",
        type="warning",
        reason="broken",
        message="session 4567 (uid 1001) ended:\nbroken",
    ),
    Event(
        time_s=NOW_S,
        recording="",
        type="warning",
        reason="guarded",
        message="the plan is held",
    ),
)

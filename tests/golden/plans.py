"""A plan with every kind of action, the sessions it is about, and what came of it."""

from dataclasses import replace

from reconciler.diagnostics import Diagnostic, Position, Severity
from reconciler.plan.action import (
    SECRET_SHOWN,
    UNKNOWN_SHOWN,
    Action,
    Cause,
    FieldChange,
    Key,
    Kind,
    Known,
    Plan,
)
from reconciler.plan.reasons import Reason
from reconciler.plan.result import Problem, Result
from reconciler.plan.session import Phase, Session
from reconciler.spec.mapping import Change as Effect

NOW_S = 1_764_583_200.0  # 2025-12-01T10:00:00Z


def session(name: str, **more: object) -> Session:
    """Make a session that records since an hour."""
    base = Session(
        id=f"{name}-1",
        recording=name,
        replica=0,
        app="main",
        app_key="k",
        app_id="",
        channel=name,
        mode="mix",
        uid="1001",
        phase=Phase.RUNNING,
        created_s=NOW_S - 3605,
        generation=1,
        digest="d",
        resource_id=f"resource-of-{name}",
        sid="0123456789abcdef0123456789abcdef",
        acquired_s=NOW_S - 3602,
        started_s=NOW_S - 3600,
        confirmed_s=NOW_S - 3590,
        resource_ends_s=NOW_S + 71 * 3600,
        observed_s=NOW_S - 60,
    )
    return replace(base, **more)  # type: ignore[arg-type]  # fields as the examples name them


LONG = "https://example.com/a/very/long/address/of/a/page/that/is/recorded?room="

ACTIONS = (
    Action(
        key=Key("all-hands"),
        kind=Kind.START,
        reason=Reason.NEW,
        message="start it: nothing has recorded it yet",
        cause=Cause.SPEC,
    ),
    Action(
        key=Key("archive"),
        kind=Kind.STOP,
        reason=Reason.REMOVED,
        message="stop it: it is gone from the specs",
        cause=Cause.SPEC,
        session="archive-1",
    ),
    Action(
        key=Key("closed"),
        kind=Kind.NONE,
        reason=Reason.OUTSIDE_SCHEDULE,
        message="no window of its schedule is open",
        cause=Cause.SCHEDULE,
        until_s=NOW_S + 3 * 3600,
    ),
    Action(
        key=Key("daily-standup"),
        kind=Kind.UPDATE_AND_LAYOUT,
        reason=Reason.SPEC_CHANGED,
        message="send the new subscriptions and the new layout",
        cause=Cause.SPEC,
        session="daily-standup-1",
        changes=(
            FieldChange(
                "subscriptions.audio", ["101", "102"], ["101", "102", "103"], Effect.UPDATE
            ),
            FieldChange(
                "subscriptions.video",
                [str(uid) for uid in range(1, 40)],
                [str(uid) for uid in range(2, 42)],
                Effect.UPDATE,
            ),
            FieldChange("layout.background.color", "#000000", "#ff0000", Effect.LAYOUT),
            FieldChange("layout.focusUid", None, "101", Effect.LAYOUT),
            FieldChange("labels.team", "a\nb", "c", Effect.LOCAL),
        ),
    ),
    Action(
        key=Key("daily-standup", 1),
        kind=Kind.UPDATE_LAYOUT,
        reason=Reason.SPEC_CHANGED,
        message="send the new layout",
        cause=Cause.SPEC,
        session="daily-standup-1",
        changes=(FieldChange("layout.background.color", "#000000", "#ff0000", Effect.LAYOUT),),
    ),
    Action(
        key=Key("dashboard"),
        kind=Kind.UPDATE,
        reason=Reason.DRIFT,
        message="put its page on hold again, which something else resumed",
        cause=Cause.DRIFT,
        session="dashboard-1",
        changes=(
            FieldChange(
                "web.paused", before=False, after=True, effect=Effect.UPDATE, known=Known.OBSERVED
            ),
            FieldChange("storage.credentials", SECRET_SHOWN, SECRET_SHOWN, Effect.UPDATE),
        ),
    ),
    Action(
        key=Key("fails"),
        kind=Kind.WAIT,
        reason=Reason.BACKING_OFF,
        message="it exited abnormally for the third time and is tried again",
        cause=Cause.FAILURE,
        until_s=NOW_S + 40,
    ),
    Action(
        key=Key("flaky"),
        kind=Kind.RESTART,
        reason=Reason.GONE,
        message="start it again: the service has not known it for 90 s",
        cause=Cause.FAILURE,
        session="flaky-1",
    ),
    Action(
        key=Key("kiosk"),
        kind=Kind.REPLACE,
        reason=Reason.SPEC_CHANGED,
        message="start a successor, confirm it, then stop this one",
        cause=Cause.SPEC,
        session="kiosk-1",
        changes=(
            FieldChange("web.url", f"{LONG}blue", f"{LONG}green", Effect.REPLACE),
            FieldChange("video.bitrate", 500, 1200.5, Effect.REPLACE),
            FieldChange("token", UNKNOWN_SHOWN, SECRET_SHOWN, Effect.LOCAL),
        ),
    ),
    Action(
        key=Key("long-runner"),
        kind=Kind.ROTATE,
        reason=Reason.RESOURCE_EXPIRY,
        message="start a successor: its resource expires at 2025-12-01T10:20:00Z",
        cause=Cause.EXPIRY,
        session="long-runner-1",
    ),
    Action(
        key=Key("protected-one"),
        kind=Kind.ERROR,
        reason=Reason.PROTECTED,
        message="its changed `web.url` would replace it, which `policy.protect` forbids",
        cause=Cause.SPEC,
        session="protected-one-1",
    ),
    *(
        Action(
            key=Key(f"steady-{number}"),
            kind=Kind.NONE,
            reason=Reason.IN_SYNC,
            message="it is as desired",
            cause=Cause.SPEC,
        )
        for number in range(7)
    ),
)

PLAN = Plan(
    scope="default",
    now_s=NOW_S,
    actions=ACTIONS,
    diagnostics=(
        Diagnostic(
            Position("specs/standup.yaml", 12, 3),
            "spec.subscriptions.group",
            Severity.WARNING,
            "group-assumed",
            "group 5 is assumed",
            hint="state `subscriptions.group`",
        ),
    ),
    based_on=lambda: "b" * 64,
)
EMPTY = replace(PLAN, actions=ACTIONS[-7:], diagnostics=())
GUARD = "4 sessions of 10 that run would be stopped or replaced, more than 30%"
GUARD_HINT = "if that is meant, say `--allow-stops 4`"
REFUSED = replace(
    PLAN,
    actions=ACTIONS[1:2],
    diagnostics=(
        *PLAN.diagnostics,
        Diagnostic(Position("state"), "", Severity.WARNING, "guard-stops", GUARD, GUARD_HINT),
    ),
    refused=GUARD,
    refused_hint=GUARD_HINT,
)
SESSIONS = {
    f"{name}-1": session(name)
    for name in ("archive", "daily-standup", "dashboard", "flaky", "kiosk", "long-runner")
}
REQUESTS = {
    Key("archive"): [
        {
            "method": "POST",
            "path": "/v1/apps/{appId}/cloud_recording/resourceid/resource-of-archive/stop",
            "body": {"cname": "archive", "uid": "1001", "clientRequest": {"async_stop": True}},
        }
    ]
}
RESULTS = (
    Result(Key("all-hands"), Kind.START, "done", None, session("all-hands"), 6.25),
    Result(
        Key("dashboard"),
        Kind.UPDATE,
        "failed",
        Problem("secret-unresolved", "`env: KEY` has no value here", "set it"),
        None,
        0.1,
    ),
    Result(Key("kiosk"), Kind.REPLACE, "skipped", Problem("interrupted", "it was not begun"), None),
)

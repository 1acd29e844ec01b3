"""One plan with every kind of action, and what goes with it, in every form that is shown."""

import io
import json
from collections.abc import Iterable
from dataclasses import replace

from reconciler.cli.console import Console
from reconciler.cli.events_view import event_json, event_text
from reconciler.cli.plan_markdown import plan_markdown
from reconciler.cli.plan_text import plan_text
from reconciler.cli.result_view import results_text
from reconciler.cli.saved_plan import SavedPlan, saved_plan
from reconciler.cli.sessions_view import sessions_text
from reconciler.cli.status_view import status_text
from reconciler.plan.status import orphans, status_rows
from reconciler.web.page import page
from reconciler.web.plan import apply_document, plan_document
from reconciler.web.sessions import sessions_document
from reconciler.web.status import status_document
from reconciler.web.view import View
from tests.golden.plans import EMPTY, NOW_S, PLAN, REFUSED, REQUESTS, RESULTS, SESSIONS
from tests.golden.statuses import CONDITIONS, EVENTS, FILES, LIVES, PAST, RECORDED


def console(columns: int = 100) -> Console:
    return Console(io.StringIO(), io.StringIO(), {"COLUMNS": str(columns)})


def rendered() -> dict[str, str]:
    """Return every golden file: name to text."""
    return _plans() | _applies() | _statuses()


def _plans() -> dict[str, str]:
    document = plan_document(PLAN, SESSIONS, REQUESTS)
    saved = SavedPlan(
        scope=PLAN.scope,
        digest=PLAN.digest,
        basis=PLAN.basis,
        paths=("specs",),
        targets=frozenset({"daily-standup"}),
        prune=True,
        prune_all=False,
    )
    return {
        "plan.txt": _text(plan_text(PLAN, console())),
        "plan-narrow.txt": _text(plan_text(PLAN, console(60))),
        "plan-requests.txt": _text(plan_text(PLAN, console(), requests=REQUESTS)),
        "plan-refused.txt": _text(plan_text(REFUSED, console())),
        "plan-empty.txt": _text(plan_text(EMPTY, console())),
        "plan.json": _json(document),
        "plan-saved.json": saved_plan(document, saved),
        "plan.md": plan_markdown(PLAN),
        "plan-refused.md": plan_markdown(REFUSED),
        "plan-empty.md": plan_markdown(EMPTY),
    }


def _applies() -> dict[str, str]:
    keys = {result.key for result in RESULTS}
    plan = replace(PLAN, actions=tuple(each for each in PLAN.actions if each.key in keys))
    document = apply_document(plan_document(plan, SESSIONS, {}), RESULTS)
    return {"apply.txt": _text(results_text(RESULTS, console())), "apply.json": _json(document)}


def _statuses() -> dict[str, str]:
    view = View(
        scope="default",
        now_s=NOW_S,
        rows=status_rows(RECORDED, LIVES, NOW_S),
        orphans=orphans(LIVES, NOW_S),
        conditions=CONDITIONS,
        files=FILES,
        commit="0123456789abcdef0123456789abcdef01234567",
    )
    return {
        "status.txt": _text(status_text(view, console())),
        "status-narrow.txt": _text(status_text(view, console(60))),
        "status.json": _json(status_document(view)),
        "sessions.txt": _text(sessions_text(PAST, NOW_S, console())),
        "sessions.json": _json(sessions_document(PAST)),
        "events.txt": _text(event_text(event, console()) for event in EVENTS),
        "events.jsonl": _text(map(event_json, EVENTS)),
        "status.html": page(view),
    }


def _text(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _json(document: object) -> str:
    return json.dumps(document, indent=2) + "\n"

"""`reconciler plan`: what would be done, and why. Reads, asks, and changes nothing."""

import argparse
import gc
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from reconciler.cli.console import Console
from reconciler.cli.plan_options import add_plan_options
from reconciler.cli.plan_text import plan_text
from reconciler.cli.saved_plan import SavedPlan, saved_plan
from reconciler.cli.scope import (
    Errand,
    add_scope_options,
    catalog_of,
    check_targets,
    options_of,
    shop_of,
    state_of,
)
from reconciler.cli.service import Service
from reconciler.cli.times import moment
from reconciler.engine.assess import assess
from reconciler.engine.shop import Shop
from reconciler.errors import UsageError
from reconciler.plan.action import Action, Key, Plan
from reconciler.plan.recorded import terms_of
from reconciler.plan.requests import requests_of
from reconciler.plan.result import Problem
from reconciler.plan.session import Session
from reconciler.spec.catalog import Catalog
from reconciler.web.plan import plan_document

EXAMPLE = "reconciler plan specs --out change.plan"
EXIT_CHANGES = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("paths", nargs="+", metavar="PATH", help="spec files and folders")
    parser.add_argument("--format", choices=("text", "json", "markdown"), default="text")
    parser.add_argument("--out", metavar="FILE", help="save the plan for `apply --plan FILE`")
    parser.add_argument(
        "--no-refresh", action="store_true", help="plan from state alone, ask the service nothing"
    )
    parser.add_argument(
        "--at", type=moment, metavar="TIME", help="plan as of that moment (RFC 3339), for schedules"
    )
    parser.add_argument(
        "--show-requests", action="store_true", help="show the exact calls, secrets as ***"
    )
    parser.add_argument(
        "--detailed-exitcode", action="store_true", help="exit 2 when changes are pending"
    )
    add_plan_options(parser)
    add_scope_options(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Show the plan; 0, 1 for errors, 2 with `--detailed-exitcode` for changes."""
    gc.disable()  # thousands of values are made and none is let go: looking for some takes a third
    catalog = catalog_of(args, console)
    service = Service()
    with state_of(args, console, write=False) as store:
        options = options_of(args, catalog)
        shop = shop_of(Errand(args, console, service), store, catalog, options, acts=False)
        check_targets(shop.site)
        plan = _made(args, shop, catalog, service)
        _save(args, shop, plan)
        _show(args, console, shop, plan)
    if plan.has_errors or catalog.errors:
        return 1
    return EXIT_CHANGES if args.detailed_exitcode and plan.has_changes else 0


def _made(args: argparse.Namespace, shop: Shop, catalog: Catalog, service: Service) -> Plan:
    problems = [] if args.no_refresh else _refreshed(shop, service)
    return assess(shop.site, shop.differ, catalog, problems, held=shop.held)


def _refreshed(shop: Shop, service: Service) -> list[Problem]:
    """Ask the service how the sessions are; return what kept it from telling."""
    import asyncio

    from reconciler.engine.observe import refresh

    async def ask() -> list[Problem]:
        try:
            return await refresh(shop.site, write=False)
        finally:
            await service.close()

    return asyncio.run(ask())


def requests_in(plan: Plan, shop: Shop) -> Mapping[Key, Sequence[Mapping[str, Any]]]:
    """Return the calls of each action that makes some, with their secrets masked."""
    sessions = {session.id: session for session in shop.site.records.all_sessions()}
    return {
        action.key: _requests(action, shop, sessions.get(action.session))
        for action in plan.actions
        if action.is_change
    }


def _requests(action: Action, shop: Shop, session: Session | None) -> Sequence[Mapping[str, Any]]:
    site, name = shop.site, action.key.recording
    wanted = site.specs.wanted.get(name)
    if wanted is None or wanted.error:
        recorded = site.records.recorded.get(name)
        stop = terms_of(recorded.terms).policy.stop if recorded else "async"
        return requests_of(action, None, session, "{uid}", stop=stop)
    carried = None
    if session is not None and action.groups and wanted.terms.policy.ignore:
        of_name = replace(session, recording=name)  # it may be renamed with this plan
        carried = shop.differ.for_session(of_name, site.now_s())
    return requests_of(action, site.specs.desired(name), session, "{uid}", carried=carried)


def document_of(plan: Plan, shop: Shop) -> dict[str, Any]:
    """Return the JSON document of a plan."""
    sessions = {session.id: session for session in shop.site.records.all_sessions()}
    return plan_document(plan, sessions, requests_in(plan, shop))


def _show(args: argparse.Namespace, console: Console, shop: Shop, plan: Plan) -> None:
    if args.format == "json":
        console.line(json.dumps(document_of(plan, shop), indent=2))
    elif args.format == "markdown":
        from reconciler.cli.plan_markdown import plan_markdown

        console.write(plan_markdown(plan))
    else:
        requests = requests_in(plan, shop) if args.show_requests else None
        for line in plan_text(plan, console, requests=requests):
            console.line(line)


def _save(args: argparse.Namespace, shop: Shop, plan: Plan) -> None:
    if not args.out:
        return
    saved = SavedPlan(
        scope=args.scope,
        digest=plan.digest,
        basis=plan.basis,
        paths=tuple(args.paths),
        targets=frozenset(args.target),
        prune=not args.no_prune,
        prune_all=args.prune_all,
    )
    try:
        Path(args.out).write_text(saved_plan(document_of(plan, shop), saved), encoding="utf-8")
    except OSError as problem:
        raise UsageError(f"`{args.out}` cannot be written: {problem.strerror}") from None

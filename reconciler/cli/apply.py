"""`reconciler apply`: plan, show, ask, act."""

import argparse
import asyncio
import json
import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from reconciler.cli.ask import confirmed
from reconciler.cli.asking import locked_alone
from reconciler.cli.console import Console
from reconciler.cli.plan import document_of
from reconciler.cli.plan_options import add_plan_options
from reconciler.cli.plan_text import plan_text
from reconciler.cli.progress import progress as progress_on
from reconciler.cli.result_view import results_text
from reconciler.cli.saved_plan import SavedPlan, read_saved
from reconciler.cli.scope import (
    Errand,
    add_lock_option,
    add_scope_options,
    at_least_one,
    catalog_of,
    check_targets,
    options_of,
    seconds,
    shop_of,
    state_of,
)
from reconciler.cli.service import Service
from reconciler.engine.apply import Apply, Limits, site_progress
from reconciler.engine.assess import assess
from reconciler.engine.observe import refresh
from reconciler.engine.record import record
from reconciler.engine.refuse import refuse_unresolved
from reconciler.engine.shop import Shop
from reconciler.engine.unattended import unattended_expiry
from reconciler.errors import RefusedError, StateError, UsageError
from reconciler.plan.action import Plan
from reconciler.plan.basis import still_holds
from reconciler.plan.result import Progress, Result
from reconciler.spec.catalog import Catalog
from reconciler.state.bounds import Bounds
from reconciler.state.store import Store
from reconciler.web.plan import apply_document

EXAMPLE = "reconciler apply specs --yes"
EXIT_INTERRUPTED = 130
STALE = "the saved plan no longer fits: what it was based on has moved since"
PLAN_AGAIN = "plan again, look at it, and apply that"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("paths", nargs="*", metavar="PATH", help="spec files and folders")
    parser.add_argument("--plan", metavar="FILE", help="carry out this saved plan, or nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    add_act_options(parser)
    add_retain_options(parser)
    add_plan_options(parser)
    add_scope_options(parser)


def add_retain_options(parser: argparse.ArgumentParser) -> None:
    """Declare how much history is kept."""
    parser.add_argument(
        "--retain",
        type=seconds,
        default=Bounds().sessions_age_s,
        metavar="DURATION",
        help="keep ended sessions, events and the journal this long (default 90d)",
    )
    parser.add_argument(
        "--retain-rows",
        type=int,
        default=Bounds().history_rows_max,
        metavar="N",
        help="keep no more events and journal entries than this (default %(default)s)",
    )


def add_act_options(parser: argparse.ArgumentParser) -> None:
    """Declare how long and how wide a command acts."""
    parser.add_argument(
        "--parallelism",
        type=at_least_one,
        default=Limits().parallelism,
        metavar="N",
        help="so many recordings at once",
    )
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=Limits().timeout_s,
        metavar="DURATION",
        help="wait no longer than this for sessions to be confirmed (default 5m)",
    )
    parser.add_argument(
        "--no-wait", action="store_true", help="return after the calls, confirm nothing"
    )
    add_lock_option(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Apply; 0, 1 for errors and failures, 3 refused, 4 locked, 130 interrupted."""
    saved = _saved(args)
    catalog = catalog_of(args, console)
    with (
        state_of(args, console, write=True) as store,
        locked_alone(args, console, store),
    ):
        if args.lock_timeout:  # who had the lock meanwhile may have acted on newer specs
            catalog = catalog_of(args, console)
        return asyncio.run(_apply(args, console, store, catalog, saved))


def _saved(args: argparse.Namespace) -> SavedPlan | None:
    """Read the saved plan, whose paths and options are then those of the command line."""
    if not args.plan:
        if not args.paths:
            raise UsageError("`apply` needs PATHs", hint="or a saved plan: apply --plan FILE")
        return None
    if args.paths or args.target:
        raise UsageError("a saved plan carries its paths and targets", hint="leave them out")
    try:
        text = Path(args.plan).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise UsageError(f"`{args.plan}` cannot be read") from None
    saved = read_saved(text, args.plan)
    if saved.scope != args.scope:
        message = f"the saved plan is for the scope `{saved.scope}`, not `{args.scope}`"
        raise RefusedError(message, hint=f"name it: --scope {saved.scope}")
    args.paths, args.target = list(saved.paths), sorted(saved.targets)
    args.no_prune, args.prune_all = not saved.prune, saved.prune_all
    return saved


async def _apply(
    args: argparse.Namespace,
    console: Console,
    store: Store,
    catalog: Catalog,
    saved: SavedPlan | None,
) -> int:
    progress = progress_on(console, console.clock)
    service = Service(progress.calls)
    options = options_of(args, catalog)
    shop = shop_of(Errand(args, console, service), store, catalog, options, acts=True)
    check_targets(shop.site)
    try:
        with interruptible(shop):
            plan = await _plan(shop, catalog)
        if shop.site.halt.ordered:
            return EXIT_INTERRUPTED
        refusal = _refusal(plan, saved)
        plan = refuse_unresolved(shop.differ, plan)
        return await _carry_out(Errand(args, console, service), shop, plan, refusal, progress)
    finally:
        await service.close()


async def _plan(shop: Shop, catalog: Catalog) -> Plan:
    problems = await refresh(shop.site, write=True)
    return assess(shop.site, shop.differ, catalog, problems, held=False)


def _refusal(plan: Plan, saved: SavedPlan | None) -> RefusedError | None:
    """Return which safety rule stands against it (design/cli.md, "Safety rules")."""
    if saved and not (saved.digest == plan.digest and still_holds(saved.basis, plan.basis)):
        return RefusedError(STALE, hint=PLAN_AGAIN)
    return RefusedError(plan.refused, hint=plan.refused_hint or None) if plan.refused else None


async def _carry_out(
    errand: Errand, shop: Shop, plan: Plan, refusal: RefusedError | None, progress: Progress
) -> int:
    args, console = errand.args, errand.console
    is_text = args.format == "text"
    if refusal is None or plan.refused:  # what no longer fits is not the plan that was looked at
        _lines(console, plan_text(plan, console) if is_text else ())
    document = document_of(plan, shop) if not is_text else {}
    if refusal is not None:
        _lines(console, _json(document, ()) if not is_text else ())
        raise refusal
    if plan.has_changes and not confirmed(args, console, "Do this?"):
        console.note("Nothing was done.")
        return 1
    results = await act(args, shop, plan, progress)
    _trim(args, shop)
    _lines(console, results_text(results, console) if is_text else _json(document, results))
    for note in unattended_expiry(shop.site):
        console.note(note)
    return exit_code(shop, plan, results)


def _json(document: Mapping[str, Any], results: Sequence[Result]) -> Iterator[str]:
    yield json.dumps(apply_document(document, results), indent=2)


def _lines(console: Console, lines: Iterable[str]) -> None:
    for line in lines:
        console.line(line)


async def act(args: argparse.Namespace, shop: Shop, plan: Plan, progress: Progress) -> list[Result]:
    """Write down what the specs say, then carry the plan out, with progress."""
    limits = Limits(timeout_s=args.timeout, parallelism=args.parallelism, wait=not args.no_wait)
    site = replace(shop.site, doing=site_progress(progress), alarm=progress.say)
    work = Apply(site, shop.differ, plan, progress, limits)
    names = {action.key.recording for action in plan.actions}
    rates = [shop.site.apps.rate(name) for name in shop.site.apps.definitions]
    if names:
        progress.begin(work.total, work.pairs, sum(rates))
    try:
        with interruptible(shop):
            await record(shop.site, plan)
            await work.run()
    finally:
        progress.end()
    return sorted(work.results, key=lambda result: (result.key.recording, result.key.replica))


def _trim(args: argparse.Namespace, shop: Shop) -> None:
    """Let go of old history; an apply that did its work does not fail over that."""
    bounds = Bounds(
        history_age_s=args.retain, history_rows_max=args.retain_rows, sessions_age_s=args.retain
    )
    with suppress(StateError):
        shop.site.records.store.trim(shop.site.now_s(), bounds)


@contextmanager
def interruptible(shop: Shop) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the run in order: begin nothing new, record what was begun."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)
    for each in signals:
        loop.add_signal_handler(each, shop.site.halt.order)
    try:
        yield
    finally:
        for each in signals:
            loop.remove_signal_handler(each)


def exit_code(shop: Shop, plan: Plan, results: list[Result]) -> int:
    """Return what an apply ends with; what could not be asked may be dead, and is no success."""
    if shop.site.halt.ordered:
        return EXIT_INTERRUPTED
    failed = any(result.outcome == "failed" for result in results)
    unseen = bool(shop.site.records.unseen)
    return int(failed or unseen or plan.has_errors or not shop.site.options.sound)

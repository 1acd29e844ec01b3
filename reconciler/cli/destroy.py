"""`reconciler destroy`: stop the recordings that some specs made, or all of the scope."""

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path

from reconciler.cli.apply import exit_code
from reconciler.cli.asking import locked_alone
from reconciler.cli.console import Console
from reconciler.cli.scope import state_of
from reconciler.cli.stopping import Stopping, add_stop_options
from reconciler.engine import release
from reconciler.engine.quell import plan_stops
from reconciler.engine.records import Records
from reconciler.engine.site import Site
from reconciler.errors import UsageError
from reconciler.plan.recorded import terms_of
from reconciler.plan.removal import is_under
from reconciler.plan.world import Options
from reconciler.spec.roots import from_root

EXAMPLE = "reconciler destroy specs/trial --yes"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "paths", nargs="*", metavar="PATH", help="only what was read from here (default: all)"
    )
    add_stop_options(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Stop them and drop them from state; 0, 1 for failures, 4 locked, 130 interrupted."""
    stopping = Stopping(args, console)
    with state_of(args, console, write=True) as store, locked_alone(args, console, store):
        shop = stopping.shop(store, [path for path in args.paths if Path(path).exists()])
        names = _names(args.paths, shop.site.records)
        plan = plan_stops(shop.site, names, refuses_observed=False)
        results = stopping.carry_out(shop, plan)
        if results is None:
            return 1
        if not shop.site.halt.ordered:
            asyncio.run(drop(shop.site, names))
        if any(result.outcome == "done" for result in results):
            console.note("As long as specs want them, an apply of those starts them again.")
        return exit_code(shop, plan, results)


def _names(paths: Sequence[str], records: Records) -> Sequence[str]:
    """Return the Recordings that the PATHs mean. Raises UsageError for one that means nothing."""
    if not paths:
        return sorted({*records.recorded, *(each.recording for each in records.all_sessions())})
    found: set[str] = set()
    for path in paths:
        options = Options(paths=(from_root(path),))
        under = {name for name, each in records.recorded.items() if is_under(each.source, options)}
        if not under and not Path(path).exists():
            hint = "PATHs are those that were given to apply; without any, all is destroyed"
            raise UsageError(f"there is no `{path}`, and nothing was read from there", hint=hint)
        found |= under
    return sorted(found)


async def drop(site: Site, names: Sequence[str]) -> None:
    """Remove the Recordings that are over, but for orphans, which stay listed.

    One that 404 alone declared ended is not: it is looked at again. Raises StateError.
    """
    records = site.records
    gone = [name for name in names if name in records.recorded and _is_over(records, name)]
    await release.drop(site, gone)


def _is_over(records: Records, name: str) -> bool:
    if terms_of(records.recorded[name].terms).policy.manage == "observe":
        return False
    return records.is_over(name)

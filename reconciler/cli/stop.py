"""`reconciler stop`: stop recordings by name, whatever their specs say."""

import argparse

from reconciler.cli.apply import exit_code
from reconciler.cli.console import Console
from reconciler.cli.names import chosen
from reconciler.cli.scope import locked, state_of
from reconciler.cli.stopping import Stopping, add_stop_options
from reconciler.engine.quell import plan_stops
from reconciler.engine.site import Site
from reconciler.plan.action import Kind
from reconciler.plan.result import Result
from reconciler.plan.status import status_rows

EXAMPLE = "reconciler stop daily-standup --yes"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("names", nargs="+", metavar="NAME", help="Recordings or RecordingSets")
    add_stop_options(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Stop them; 0, 1 for errors and failures, 4 locked, 130 interrupted."""
    stopping = Stopping(args, console)
    with state_of(args, console, write=True) as store, locked(args, console, store):
        shop = stopping.shop(store)
        records = shop.site.records
        known = {*records.recorded, *(each.recording for each in records.all_sessions())}
        names = chosen(args.names, known, records.recorded)
        plan = plan_stops(shop.site, names, refuses_observed=True)
        results = stopping.carry_out(shop, plan)
        if results is None:
            return 1
        _tell_what_comes_back(console, shop.site, results)
        return exit_code(shop, plan, results)


def _tell_what_comes_back(console: Console, site: Site, results: list[Result]) -> None:
    """Say which of the stopped the next apply starts again (design/cli.md, "stop")."""
    ended = {each.key for each in results if each.kind is Kind.STOP and each.outcome == "done"}
    recorded = site.records.recorded
    rows = status_rows(recorded, site.records.all_sessions(), site.now_s())
    again = [row.key for row in rows if row.key in ended and row.desired == "recording"]
    if again:
        names = ", ".join(f"`{key}`" for key in again)
        console.note(f"Specs still want {names}: the next apply starts what they want again.")
        console.note("  hint: `reconciler suspend NAME` holds it until it is resumed")

"""`reconciler stop`: stop recordings by name, whatever their specs say."""

import argparse

from reconciler.cli.apply import exit_code
from reconciler.cli.asking import Hold, held
from reconciler.cli.console import Console
from reconciler.cli.names import chosen
from reconciler.cli.scope import state_of
from reconciler.cli.stopping import Stopping, add_stop_options
from reconciler.engine.demands import Stop, Stopped, StopResult
from reconciler.engine.quell import plan_stops
from reconciler.engine.records import Records
from reconciler.plan.action import Key, Kind
from reconciler.plan.result import Result
from reconciler.plan.session import Session
from reconciler.plan.status import status_rows

EXAMPLE = "reconciler stop daily-standup --yes"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("names", nargs="+", metavar="NAME", help="Recordings or RecordingSets")
    add_stop_options(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Stop them; 0, 1 for errors and failures, 4 locked, 130 interrupted."""
    stopping = Stopping(args, console)
    with state_of(args, console, write=True) as store, held(args, console, store) as hold:
        shop = stopping.shop(store)
        records = shop.site.records
        known = {*records.recorded, *(each.recording for each in records.all_sessions())}
        names = chosen(args.names, known, records.recorded)
        plan = plan_stops(shop.site, names, refuses_observed=True)
        act = (lambda: _by_run(hold, names)) if hold.run else None
        results = stopping.carry_out(shop, plan, act)
        if results is None:
            return 1
        _tell_what_comes_back(hold, results)
        return exit_code(shop, plan, results)


def _by_run(hold: Hold, names: tuple[str, ...]) -> list[Result]:
    """Have them stopped by the `run` that holds the scope."""
    args = hold.args
    demand = Stop(names=names, timeout_s=args.timeout, parallelism=args.parallelism)
    done = hold.ask(demand, Stopped)
    ids = [each.session for each in done.results]
    found = hold.sessions(ids, {each.recording for each in done.results})
    sessions = {session.id: session for session in found}
    results = sorted(done.results, key=lambda each: (each.recording, each.replica))
    return [_result(each, sessions.get(each.session)) for each in results]


def _result(told: StopResult, session: Session | None) -> Result:
    key = Key(told.recording, told.replica)
    return Result(key, told.kind, told.outcome, told.error, session, told.seconds)


def _tell_what_comes_back(hold: Hold, results: list[Result]) -> None:
    """Say which of the stopped are started again (design/cli.md, "stop")."""
    ended = {each.key for each in results if each.kind is Kind.STOP and each.outcome == "done"}
    store, scope, console = hold.store, hold.args.scope, hold.console
    records = Records(store, scope, store.snapshot(scope))
    rows = status_rows(records.recorded, records.all_sessions(), console.clock.now_s())
    again = [row.key for row in rows if row.key in ended and row.desired == "recording"]
    if again:
        names = ", ".join(f"`{key}`" for key in again)
        who = "the `run`" if hold.run else "the next apply"
        console.note(f"Specs still want {names}: {who} starts what they want again.")
        console.note("  hint: `reconciler suspend NAME` holds it until it is resumed")

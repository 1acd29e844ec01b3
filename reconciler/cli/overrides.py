"""What `suspend` and `resume` share: an override in state, above the specs."""

import argparse
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from reconciler.cli.asking import held
from reconciler.cli.beside import add_format_option
from reconciler.cli.console import Console
from reconciler.cli.names import chosen
from reconciler.cli.report import one_line
from reconciler.cli.scope import add_lock_option, state_of
from reconciler.engine.demands import Overridden, Resume, Standing, Suspend
from reconciler.engine.overrides import override as write
from reconciler.engine.overrides import said
from reconciler.engine.records import Records
from reconciler.plan.recorded import Terms, terms_of
from reconciler.web.times import rfc3339_or_none
from reconciler.web.values import FORMAT_VERSION


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: `terms` by name, of all that were named; `by_run`: a `run` did it."""

    terms: dict[str, Terms]
    is_changed: bool
    by_run: bool


def add_override_options(parser: argparse.ArgumentParser) -> None:
    """Declare what both take."""
    parser.add_argument("names", nargs="+", metavar="NAME", help="Recordings or RecordingSets")
    add_format_option(parser)
    add_lock_option(parser)


def override(
    args: argparse.Namespace,
    console: Console,
    demand_for: Callable[[tuple[str, ...]], Suspend | Resume],
) -> Written:
    """Write the override for each Recording named, all or none, and show it."""
    with state_of(args, console, write=True) as store, held(args, console, store) as hold:
        snapshot = store.snapshot(args.scope)
        recorded = snapshot.recorded
        demand = demand_for(chosen(args.names, recorded, recorded))
        records = Records(store, args.scope, snapshot)
        done = hold.do(demand, Overridden, lambda: write(records, demand, console.clock.now_s()))
    places = {name: place for place, name in enumerate(demand.names)}
    standings = sorted(done.recordings, key=lambda each: places[each.name])
    if args.format == "json":
        console.line(json.dumps(_document(args.scope, standings), indent=2))
    else:
        for standing in standings:
            console.line(f"{standing.name}: {one_line(said(standing))}")
    terms = {name: terms_of(recorded[name].terms) for name in demand.names}
    is_changed = any(standing.changed for standing in standings)
    return Written(terms, is_changed, by_run=hold.run is not None)


def _document(scope: str, standings: Iterable[Standing]) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "scope": scope,
        "recordings": [_row(standing) for standing in standings],
    }


def _row(standing: Standing) -> dict[str, Any]:
    return {
        "name": standing.name,
        "suspended": standing.since_s is not None,
        "since": rfc3339_or_none(standing.since_s),
        "until": rfc3339_or_none(standing.until_s),
        "reason": standing.reason,
        "changed": standing.changed,
    }

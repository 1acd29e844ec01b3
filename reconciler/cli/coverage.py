"""`reconciler coverage`: did it record? Seconds wanted and covered, and why the others were not."""

import argparse
import json
from collections.abc import Iterable
from math import ceil

from reconciler.cli.beside import add_format_option
from reconciler.cli.console import Console
from reconciler.cli.coverage_view import (
    coverage_csv,
    coverage_document,
    coverage_text,
    is_under,
    percent_of,
)
from reconciler.cli.names import chosen
from reconciler.cli.scope import state_of
from reconciler.cli.times import moment_or_age
from reconciler.engine.history import histories
from reconciler.errors import UsageError
from reconciler.plan.coverage import Coverage, History, coverage
from reconciler.state.store import Store

EXAMPLE = "reconciler coverage daily-standup --since 7d"
PERCENT_MAX = 100.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="Recordings or RecordingSets (default: all)"
    )
    parser.add_argument(
        "--since",
        default="24h",
        metavar="TIME",
        help="a moment (RFC 3339), or a duration back from now (default: 24h)",
    )
    parser.add_argument(
        "--until", metavar="TIME", help="the same; what is to come is left out (default: now)"
    )
    parser.add_argument(
        "--fail-under",
        type=_percent,
        metavar="PERCENT",
        help="exit 1 if a Recording was covered for less of what was wanted",
    )
    add_format_option(parser, "csv")


def run(args: argparse.Namespace, console: Console) -> int:
    """Show it; 0, 1 for a name that is not known or one covered for less than `--fail-under`."""
    now_s = console.clock.now_s()
    since_s = ceil(moment_or_age("--since", args.since, now_s))
    until_s = moment_or_age("--until", args.until, now_s) if args.until else now_s
    until_s = ceil(min(until_s, now_s))
    if since_s >= until_s:
        hint = "`--since` is before `--until`, and both are before now"
        raise UsageError("there is no time to look at", hint=hint)
    with state_of(args, console, write=False) as store:
        histories = _histories(store, args, since_s)
    found = [coverage(each, since_s, until_s, now_s) for each in histories]
    shown = [each for each in found if each.whole.wanted_s or args.names]
    match args.format:
        case "json":
            console.line(json.dumps(coverage_document(shown, since_s, until_s), indent=2))
        case "csv":
            console.write(coverage_csv(shown, since_s, until_s))
        case _:
            for line in coverage_text(shown, since_s, until_s, console):
                console.line(line)
    return 1 if _is_under(shown, args.fail_under, console) else 0


def _histories(store: Store, args: argparse.Namespace, since_s: float) -> list[History]:
    found = histories(store, args.scope, since_s)
    recorded = store.snapshot(args.scope).recorded
    meant = chosen(args.names, {each.name for each in found}, recorded)
    return [each for each in found if not meant or each.name in meant]


def _is_under(found: Iterable[Coverage], percent: float | None, console: Console) -> bool:
    """Tell whether any was covered for less than that, and name each."""
    if percent is None:
        return False
    under = [each for each in found if is_under(each.whole, percent)]
    for each in under:
        said = f"was covered for {percent_of(each.whole)} of what was wanted"
        console.note(f"`{each.name}` {said}, less than {percent:g}%")
    return bool(under)


def _percent(text: str) -> float:
    try:
        percent = float(text)
    except ValueError:
        percent = -1.0
    if not 0 <= percent <= PERCENT_MAX:
        raise argparse.ArgumentTypeError(f"`{text}` is no number from 0 to 100")
    return percent

"""What `suspend` and `resume` share: an override in state, above the specs."""

import argparse
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from reconciler.cli.beside import add_format_option
from reconciler.cli.console import Console
from reconciler.cli.names import chosen
from reconciler.cli.report import FORMAT_VERSION, one_line
from reconciler.cli.scope import add_lock_option, locked, state_of
from reconciler.cli.times import rfc3339_or_none
from reconciler.engine.tell import NORMAL, event
from reconciler.plan.recorded import Override, Recorded
from reconciler.plan.times import rfc3339
from reconciler.state.store import Change, SetRecorded

Pair = tuple[Recorded, Recorded]
"""A Recording before and after."""


def add_override_options(parser: argparse.ArgumentParser) -> None:
    """Declare what both take."""
    parser.add_argument("names", nargs="+", metavar="NAME", help="Recordings or RecordingSets")
    add_format_option(parser)
    add_lock_option(parser)


def override(
    args: argparse.Namespace, console: Console, decide: Callable[[Recorded], Override | None]
) -> list[Pair]:
    """Write what `decide` makes of each Recording named, all or none, and show it."""
    now_s = console.clock.now_s()
    with state_of(args, console, write=True) as store, locked(args, console, store):
        recorded = store.snapshot(args.scope).recorded
        names = chosen(args.names, recorded, recorded)
        known = [recorded[name] for name in names]
        pairs = [(each, replace(each, override=decide(each))) for each in known]
        changes = list(_changes(pairs, now_s))
        if changes:
            store.commit(args.scope, changes)
    if args.format == "json":
        console.line(json.dumps(_document(args.scope, pairs, now_s), indent=2))
    else:
        for before, after in pairs:
            console.line(f"{after.name}: {_said(before, after, now_s)}")
    return pairs


def in_force(override: Override | None, now_s: float) -> bool:
    """Tell whether an override holds at that moment."""
    return override is not None and (override.until_s is None or override.until_s > now_s)


def _changes(pairs: Iterable[Pair], now_s: float) -> Iterable[Change]:
    for before, after in pairs:
        if before != after:
            reason = "suspended" if in_force(after.override, now_s) else "resumed"
            yield SetRecorded(recorded=after)
            message = f"`reconciler {_COMMANDS[reason]}`: {_said(before, after, now_s)}"
            yield event(after.name, NORMAL, reason, message, now_s)


_COMMANDS = {"suspended": "suspend", "resumed": "resume"}


def _said(before: Recorded, after: Recorded, now_s: float) -> str:
    held = after.override
    if held is None or not in_force(held, now_s):
        return "it was not suspended" if before == after else "resumed"
    until = "" if held.until_s is None else f" until {rfc3339(held.until_s)}"
    reason = f" ({one_line(held.reason)})" if held.reason else ""
    already = " already" if before == after else ""
    return f"suspended{already}{until}{reason}"


def _document(scope: str, pairs: Iterable[Pair], now_s: float) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "scope": scope,
        "recordings": [_row(before, after, now_s) for before, after in pairs],
    }


def _row(before: Recorded, after: Recorded, now_s: float) -> dict[str, Any]:
    held = after.override if in_force(after.override, now_s) else None
    return {
        "name": after.name,
        "suspended": held is not None,
        "since": rfc3339_or_none(held.since_s) if held else None,
        "until": rfc3339_or_none(held.until_s) if held else None,
        "reason": held.reason if held else "",
        "changed": before != after,
    }

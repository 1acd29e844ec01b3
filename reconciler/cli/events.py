"""`reconciler events`: what happened, newest last; `--follow` waits for more."""

import argparse
import asyncio
from collections.abc import Collection

from reconciler.cli.beside import add_format_option
from reconciler.cli.console import Console
from reconciler.cli.events_view import event_json, event_text
from reconciler.cli.names import chosen
from reconciler.cli.scope import state_of
from reconciler.state.store import Store

EXAMPLE = "reconciler events daily-standup --follow"

POLL_S = 1.0
"""How often `--follow` looks for more."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "name", nargs="?", metavar="NAME", help="of this Recording or RecordingSet (default: all)"
    )
    parser.add_argument(
        "--follow", action="store_true", help="go on with what happens, until interrupted"
    )
    add_format_option(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Show them; 0, 1 for a name that is not known, 130 when following is interrupted."""
    with state_of(args, console, write=False) as store:
        names = _names(args, store)
        last = _show(args, console, store, names, 0)
    while args.follow:
        last = asyncio.run(_follow(args, console, names, last))
    return 0


async def _follow(
    args: argparse.Namespace, console: Console, names: Collection[str] | None, last: int
) -> int:
    """Show what comes. Returns where state is a copy that never moves: then it is opened anew."""
    with state_of(args, console, write=False) as store:
        while True:
            last = _show(args, console, store, names, last)
            console.flush()
            await console.clock.sleep(POLL_S)
            if not store.writable:
                return last


def _names(args: argparse.Namespace, store: Store) -> Collection[str] | None:
    """Return whose events to show; None: everybody's, and those of the scope."""
    if args.name is None:
        return None
    recorded = store.snapshot(args.scope).recorded
    known = {*recorded, *(event.recording for _, event in store.events(args.scope))} - {""}
    return frozenset(chosen([args.name], known, recorded))


def _show(
    args: argparse.Namespace,
    console: Console,
    store: Store,
    names: Collection[str] | None,
    after: int,
) -> int:
    """Write the events after a number; return the last one's."""
    for number, event in store.events(args.scope, after=after):
        after = number
        if names is None or event.recording in names:
            as_json = args.format == "json"
            console.line(event_json(event) if as_json else event_text(event, console))
    return after

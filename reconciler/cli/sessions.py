"""`reconciler sessions`: every session that state keeps, ended ones too, with its files."""

import argparse
import json

from reconciler.cli.beside import add_format_option
from reconciler.cli.console import Console
from reconciler.cli.names import chosen
from reconciler.cli.scope import state_of
from reconciler.cli.sessions_view import sessions_text
from reconciler.cli.times import moment_or_age
from reconciler.plan.session import Session
from reconciler.web.sessions import sessions_document

EXAMPLE = "reconciler sessions daily-standup --since 24h"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "name", nargs="?", metavar="NAME", help="of this Recording or RecordingSet (default: all)"
    )
    parser.add_argument(
        "--since",
        metavar="TIME",
        help="leave out what ended before: a moment (RFC 3339), or a duration back from now",
    )
    add_format_option(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Show them; 0, 1 for a name that is not known."""
    now_s = console.clock.now_s()
    since_s = moment_or_age("--since", args.since, now_s) if args.since else None
    with state_of(args, console, write=False) as store:
        past = store.past(args.scope)
        if args.name is not None:
            recorded = store.snapshot(args.scope).recorded
            known = {*recorded, *(each.session.recording for each in past)}
            names = chosen([args.name], known, recorded)
            past = [each for each in past if each.session.recording in names]
    if since_s is not None:
        past = [each for each in past if not _ended_before(each.session, since_s)]
    if args.format == "json":
        console.line(json.dumps(sessions_document(past), indent=2))
    else:
        for line in sessions_text(past, now_s, console):
            console.line(line)
    return 0


def _ended_before(session: Session, moment_s: float) -> bool:
    return session.ended_s is not None and session.ended_s < moment_s

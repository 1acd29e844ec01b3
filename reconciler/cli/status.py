"""`reconciler status`: how every recording is, from state; `--refresh` asks the service first."""

import argparse
import asyncio
import json
from collections.abc import Collection

from reconciler.cli.beside import add_beside_options, add_format_option, catalog_beside, warn
from reconciler.cli.console import Console
from reconciler.cli.names import chosen
from reconciler.cli.scope import Errand, shop_of, state_of
from reconciler.cli.service import Service
from reconciler.cli.status_view import status_text
from reconciler.engine.observe import observe_all
from reconciler.engine.records import Records
from reconciler.plan.session import REACHABLE
from reconciler.plan.world import Options
from reconciler.state.store import Store
from reconciler.web.status import status_document
from reconciler.web.view import view_of

EXAMPLE = "reconciler status daily-standup --refresh"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="Recordings or RecordingSets (default: all)"
    )
    parser.add_argument(
        "--refresh", action="store_true", help="query the sessions first; state stays as it is"
    )
    add_format_option(parser)
    add_beside_options(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Show it; 0, 1 for a name that is not known."""
    with state_of(args, console, write=False) as store:
        records = Records(store, args.scope, store.snapshot(args.scope))
        names = _names(args, records)
        if args.refresh:
            records = asyncio.run(_refreshed(args, console, store, names))
        _show(args, console, records, names)
    return 0


def _names(args: argparse.Namespace, records: Records) -> Collection[str]:
    known = {*records.recorded, *(each.recording for each in records.all_sessions())}
    return frozenset(chosen(args.names, known, records.recorded)) if args.names else known


async def _refreshed(
    args: argparse.Namespace, console: Console, store: Store, names: Collection[str]
) -> Records:
    """Return the records as the service tells them now; nothing is written."""
    catalog = catalog_beside(args, console)
    service = Service()
    shop = shop_of(Errand(args, console, service), store, catalog, Options(), acts=False)
    records = shop.site.records
    asked = [
        session
        for session in records.all_sessions()
        if session.recording in names and (session.phase in REACHABLE or session.is_orphan)
    ]
    try:
        problems = await observe_all(shop.site, asked, write=False)
    finally:
        await service.close()
    for problem in problems:
        warn(console, problem.code, problem.message, problem.hint)
    return records


def _show(
    args: argparse.Namespace, console: Console, records: Records, names: Collection[str]
) -> None:
    view = view_of(records, console.clock.now_s(), names)
    if args.format == "json":
        console.line(json.dumps(status_document(view), indent=2))
        return
    for line in status_text(view, console):
        console.line(line)

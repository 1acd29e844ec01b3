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
from reconciler.cli.status_view import status_document, status_text
from reconciler.engine.observe import observe_all
from reconciler.engine.records import Records
from reconciler.engine.verdict import APPLIED
from reconciler.plan.action import Key
from reconciler.plan.session import REACHABLE
from reconciler.plan.status import Notes, orphans, status_rows
from reconciler.plan.world import Options
from reconciler.state.store import Store

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
    store, now_s = records.store, console.clock.now_s()
    recorded = {name: each for name, each in records.recorded.items() if name in names}
    sessions = [each for each in records.all_sessions() if each.recording in names]
    conditions = store.conditions(args.scope)
    failed = {
        Key(each.recording, each.replica): (each.reason, each.message)
        for each in conditions
        if each.type == APPLIED and not each.status
    }
    notes = Notes(unseen=records.unseen, failed=failed)
    rows, lost = status_rows(recorded, sessions, now_s, notes), orphans(sessions, now_s)
    files = {past.session.id: past.files for past in store.latest(args.scope)} | records.seen_files
    if args.format == "json":
        document = status_document(args.scope, rows, lost, conditions, files)
        console.line(json.dumps(document, indent=2))
        return
    for line in status_text(rows, lost, files, now_s, console):
        console.line(line)

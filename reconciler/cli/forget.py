"""`reconciler forget`: stop owning a session, and leave it running."""

import argparse
import json
from collections.abc import Sequence

from reconciler.cli.ask import confirmed
from reconciler.cli.asking import Hold, held
from reconciler.cli.beside import add_format_option
from reconciler.cli.console import Console
from reconciler.cli.names import chosen
from reconciler.cli.scope import Errand, add_lock_option, shop_of, state_of
from reconciler.cli.service import Service
from reconciler.engine.demands import Forget, Forgotten
from reconciler.engine.records import Records
from reconciler.engine.release import known_names, let_go, living, orphans
from reconciler.engine.site import Site
from reconciler.errors import UsageError
from reconciler.plan.session import Session
from reconciler.plan.world import Options
from reconciler.web.values import FORMAT_VERSION

EXAMPLE = "reconciler forget daily-standup"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="a Recording or RecordingSet")
    parser.add_argument(
        "--orphan", metavar="RESOURCE_ID", help="an orphan instead, as `status` lists it"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    add_format_option(parser)
    add_lock_option(parser)
    parser.set_defaults(allow_exec=False, allow_endpoint=[])  # nothing is called


def run(args: argparse.Namespace, console: Console) -> int:
    """Forget; 0, 1 for what is not known, and where the user does not agree."""
    if (args.name is None) == (args.orphan is None):
        hint = "`reconciler forget NAME` or `reconciler forget --orphan RESOURCE_ID`"
        raise UsageError("`forget` takes a NAME or an orphan's resource ID", hint=hint)
    with state_of(args, console, write=True) as store, held(args, console, store) as hold:
        shop = shop_of(Errand(args, console, Service()), store, None, Options(), acts=True)
        site = shop.site
        names, sessions = _named(args, site.records) if args.name else _orphan(args, site)
        _say_what_it_means(hold, names, sessions)
        if not confirmed(args, console, "Forget this?"):
            console.note("Nothing was done.")
            return 1
        sessions = _let_go(hold, site, names, sessions)
    _show(args, console, names, sessions)
    return 0


def _named(args: argparse.Namespace, records: Records) -> tuple[Sequence[str], Sequence[Session]]:
    """Return the Recordings and what runs for them."""
    names = chosen([args.name], known_names(records), records.recorded)
    return names, living(records, names)


def _orphan(args: argparse.Namespace, site: Site) -> tuple[Sequence[str], Sequence[Session]]:
    found = orphans(site.records, args.orphan, site.now_s())
    if not found:
        hint = "`reconciler status` lists the orphans with their resource IDs"
        raise UsageError(f"there is no orphan with the resource ID `{args.orphan}`", hint=hint)
    return (), found


def _let_go(
    hold: Hold, site: Site, names: Sequence[str], sessions: Sequence[Session]
) -> Sequence[Session]:
    """Forget them; return the sessions that were let go of, which a `run` may know better."""

    async def here() -> Forgotten:
        await let_go(site, names, sessions)
        return Forgotten(tuple(each.id for each in sessions))

    concerned = tuple(dict.fromkeys([*names, *(each.recording for each in sessions)]))
    demand = Forget(names=concerned, orphan=hold.args.orphan or "")
    done = hold.do(demand, Forgotten, here)
    return hold.sessions(done.sessions, concerned)


def _say_what_it_means(hold: Hold, names: Sequence[str], sessions: Sequence[Session]) -> None:
    console = hold.console
    for session in sessions:
        console.note(
            f"The session `{session.sid or 'of no known sid'}` of `{session.recording}` in channel "
            f"`{session.channel}` with uid `{session.uid}` may go on, and cost, unseen; its "
            f"resource ID is `{session.resource_id}`."
        )
    if names and sessions:
        who = "the `run` at once" if hold.run else "an apply"
        console.note(f"As long as specs want it, {who} starts a second session beside it.")


def _show(
    args: argparse.Namespace, console: Console, names: Sequence[str], sessions: Sequence[Session]
) -> None:
    if args.format == "json":
        forgotten = [_session_json(session) for session in sessions]
        document = {
            "format_version": FORMAT_VERSION,
            "scope": args.scope,
            "recordings": list(names),
            "sessions": forgotten,
        }
        console.line(json.dumps(document, indent=2))
        return
    for name in names or [session.resource_id for session in sessions]:
        console.line(f"{name}: forgotten")


def _session_json(session: Session) -> dict[str, str | int | None]:
    return {
        "recording": session.recording,
        "replica": session.replica,
        "app": session.app,
        "channel": session.channel,
        "uid": session.uid,
        "sid": session.sid or None,
        "resource_id": session.resource_id or None,
        "mode": session.mode,
    }

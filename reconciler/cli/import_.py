"""`reconciler import`: take over a session that something else started."""

import argparse
import json

from reconciler.cli.asking import Hold, held
from reconciler.cli.beside import add_format_option, warn
from reconciler.cli.console import Console
from reconciler.cli.scope import (
    Errand,
    add_lock_option,
    add_scope_options,
    catalog_of,
    shop_of,
    state_of,
)
from reconciler.cli.service import Service
from reconciler.cli.times import moment
from reconciler.engine.adopt import Adoption
from reconciler.engine.demands import Imported
from reconciler.engine.requests import take_over
from reconciler.engine.shop import Shop
from reconciler.errors import UsageError
from reconciler.plan.reasons import Reason
from reconciler.plan.session import Session
from reconciler.plan.times import rfc3339
from reconciler.plan.world import Options
from reconciler.web.status import session_json
from reconciler.web.values import FORMAT_VERSION

EXAMPLE = "reconciler import daily-standup specs --resource-id R --sid S --uid 527841"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("name", metavar="NAME", help="the Recording whose session it becomes")
    parser.add_argument("paths", nargs="+", metavar="PATH", help="specs that hold the Recording")
    parser.add_argument("--resource-id", required=True, metavar="R", help="that of the session")
    parser.add_argument("--sid", required=True, metavar="S", help="that of the session")
    parser.add_argument("--uid", metavar="U", help="the recorder's (default: the spec's `uid`)")
    parser.add_argument(
        "--replica", type=int, default=0, metavar="N", help="which of its replicas (default: 0)"
    )
    parser.add_argument(
        "--started-at",
        type=moment,
        metavar="TIME",
        help="when it was started, RFC 3339 (default: with its earliest slice)",
    )
    parser.add_argument(
        "--assume-applied",
        action="store_true",
        help="take subscriptions and layout to be as the spec says, send them not again",
    )
    add_format_option(parser)
    add_lock_option(parser)
    add_scope_options(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Take it over; 0, 1 where it does not fit: then nothing is kept."""
    catalog = catalog_of(args, console)
    with state_of(args, console, write=True) as store, held(args, console, store) as hold:
        service = Service()
        shop = shop_of(Errand(args, console, service), store, catalog, Options(), acts=True)
        asked = _asked(args, console, shop)
        done = hold.do(asked, Imported, lambda: _adopt(shop, asked, service))
        (session,) = hold.sessions([done.session], [args.name])
    if session.started_s is None:
        text = f"it is not known when the session of `{args.name}` started"
        hint = f"{_who(hold)} rotates it; import it with --started-at to avoid that"
        warn(console, Reason.EXPIRY_UNKNOWN, text, hint)
    _show(hold, session)
    return 0


def _who(hold: Hold) -> str:
    return "the `run`" if hold.run else "the next apply"


async def _adopt(shop: Shop, asked: Adoption, service: Service) -> Imported:
    try:
        return await take_over(shop.site, asked)
    finally:
        await service.close()


def _asked(args: argparse.Namespace, console: Console, shop: Shop) -> Adoption:
    """Return what is to be taken over. Raises UsageError for what the specs do not want."""
    wanted = shop.site.specs.wanted.get(args.name)
    listed = " ".join(args.paths)
    if wanted is None:
        hint = f"`reconciler plan {listed}` lists those that there are"
        raise UsageError(f"there is no Recording `{args.name}` under `{listed}`", hint=hint)
    if wanted.error:
        hint = f"`reconciler validate {listed}` says which"
        raise UsageError(f"the manifest of `{args.name}` has errors", hint=hint)
    if not 0 <= args.replica < wanted.terms.replicas:
        hint = f"its spec asks for `replicas: {wanted.terms.replicas}`; they count from 0"
        raise UsageError(f"`{args.name}` has no replica {args.replica}", hint=hint)
    uid = args.uid or next(iter(shop.site.specs.desired(args.name).uids), "")
    if not uid:
        raise UsageError(f"the spec of `{args.name}` has no `uid`", hint="name it with --uid")
    if args.started_at is not None and args.started_at > console.clock.now_s():
        hint = "it is the moment at which the session was started"
        raise UsageError("`--started-at` is in the future", hint=hint)
    return Adoption(
        recording=args.name,
        replica=args.replica,
        uid=uid,
        resource_id=args.resource_id,
        sid=args.sid,
        started_s=args.started_at,
        assume_applied=args.assume_applied,
    )


def _show(hold: Hold, session: Session) -> None:
    args, console = hold.args, hold.console
    if args.format == "json":
        document = {
            "format_version": FORMAT_VERSION,
            "scope": args.scope,
            "recording": session.recording,
            "replica": session.replica,
            "session": session_json(session),
        }
        console.line(json.dumps(document, indent=2))
        return
    since = "" if session.started_s is None else f", started at {rfc3339(session.started_s)}"
    console.line(f"{args.name}: took over the session `{session.sid}`{since}")
    if session.pending:
        sent = " and ".join(session.pending)
        who = _who(hold).capitalize()
        console.note(f"{who} sends its {sent} once, since it is not known what it has.")

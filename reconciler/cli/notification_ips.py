"""`reconciler notification-ips`: the addresses that notifications come from (agora-api.md 4.5)."""

import argparse
import asyncio
import json
from collections.abc import Collection

from reconciler.agora.answers import NotificationIps
from reconciler.agora.failures import Failure
from reconciler.cli.beside import add_format_option
from reconciler.cli.console import Console
from reconciler.cli.scope import Errand, add_scope_options, catalog_of, shop_of, state_of
from reconciler.cli.service import Service
from reconciler.engine.shop import Shop
from reconciler.errors import ReconcilerError, UsageError
from reconciler.plan.result import Problem
from reconciler.plan.world import Options
from reconciler.web.values import FORMAT_VERSION

EXAMPLE = "reconciler notification-ips --format nginx"

DEFAULT_APP = "default"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "paths", nargs="*", metavar="PATH", help="specs with the App (default: those of state)"
    )
    parser.add_argument("--app", metavar="NAME", help="ask with this App (default: the only one)")
    add_format_option(parser, "nginx")
    add_scope_options(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """List them; 0, 1 where the service does not tell them."""
    with state_of(args, console, write=False) as store:
        has_apps = bool(store.snapshot(args.scope).apps)
        catalog = catalog_of(args, console) if args.paths or not has_apps else None
        service = Service()
        shop = shop_of(Errand(args, console, service), store, catalog, Options(), acts=True)
        name = _app(args, shop.site.apps.definitions)
        addresses = asyncio.run(_asked(shop, name, service)).addresses
    if args.format == "json":
        document = {"format_version": FORMAT_VERSION, "app": name, "addresses": list(addresses)}
        console.line(json.dumps(document, indent=2))
    else:
        for address in addresses:
            console.line(f"allow {address};" if args.format == "nginx" else address)
    return 0


def _app(args: argparse.Namespace, names: Collection[str]) -> str:
    """Return the App to ask with. Raises UsageError."""
    listed = ", ".join(f"`{name}`" for name in sorted(names))
    if args.app is not None:
        if args.app not in names:
            raise UsageError(f"there is no App `{args.app}`", hint=f"there is {listed or 'none'}")
        return str(args.app)
    if DEFAULT_APP in names:
        return DEFAULT_APP
    if len(names) != 1:
        raise UsageError("it is open which App to ask with", hint=f"--app takes one of {listed}")
    return next(iter(names))


async def _asked(shop: Shop, name: str, service: Service) -> NotificationIps:
    """Ask. Raises ReconcilerError for what the service or the network did."""
    try:
        client = shop.site.apps.client(name)
        if isinstance(client, Problem):
            raise ReconcilerError(client.message, hint=client.hint)
        answer = await client.notification_ips()
    finally:
        await service.close()
    if isinstance(answer, Failure):
        raise ReconcilerError(str(answer))
    return answer

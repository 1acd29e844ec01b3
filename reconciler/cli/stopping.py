"""What `stop` and `destroy` share: show the stops, ask, carry them out, show what came of them."""

import argparse
import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from reconciler.cli.apply import interruptible
from reconciler.cli.ask import confirmed
from reconciler.cli.beside import add_beside_options, add_format_option, catalog_beside
from reconciler.cli.console import Console
from reconciler.cli.plan import document_of
from reconciler.cli.plan_text import plan_text
from reconciler.cli.progress import progress as progress_on
from reconciler.cli.result_view import results_text
from reconciler.cli.scope import Errand, add_lock_option, at_least_one, seconds, shop_of
from reconciler.cli.service import Service
from reconciler.engine.apply import Limits, site_progress
from reconciler.engine.quell import Quell
from reconciler.engine.shop import Shop
from reconciler.plan.action import Plan
from reconciler.plan.result import Result
from reconciler.plan.world import Options
from reconciler.state.store import Store
from reconciler.web.plan import apply_document


def add_stop_options(parser: argparse.ArgumentParser) -> None:
    """Declare what both take."""
    parser.add_argument("--yes", action="store_true", help="do not ask")
    add_format_option(parser)
    parser.add_argument(
        "--parallelism",
        type=at_least_one,
        default=Limits().parallelism,
        metavar="N",
        help="at once",
    )
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=Limits().timeout_s,
        metavar="DURATION",
        help="wait no longer than this for sessions to end (default 5m)",
    )
    add_lock_option(parser)
    add_beside_options(parser)


class Stopping:
    """The stops of one command."""

    def __init__(self, args: argparse.Namespace, console: Console) -> None:
        self._args = args
        self._console = console
        self._progress = progress_on(console, console.clock)
        self._service = Service(self._progress.calls)

    def shop(self, store: Store, paths: Sequence[str] = ()) -> Shop:
        """Make the engine's parts; Apps are those of state and of the specs that are named."""
        args, console = self._args, self._console
        catalog = catalog_beside(args, console, paths)
        if catalog is not None:  # what state keeps of an App knows better where its sessions are
            apps = {name: app for name, app in catalog.apps.items() if not app.of_environment}
            catalog = replace(catalog, apps=apps)
        return shop_of(Errand(args, console, self._service), store, catalog, Options(), acts=True)

    def carry_out(
        self, shop: Shop, plan: Plan, act: Callable[[], list[Result]] | None = None
    ) -> list[Result] | None:
        """Show, ask and act; return what came of each action, None if the user does not agree.

        `act` is how what is to change is carried out, None: here.
        """
        args, console = self._args, self._console
        is_text = args.format == "text"
        if is_text:
            self._write(plan_text(plan, console))
        document = {} if is_text else document_of(plan, shop)
        if plan.has_changes and not confirmed(args, console, "Stop this?"):
            console.note("Nothing was done.")
            return None
        results = act() if act and plan.has_changes else asyncio.run(self._act(shop, plan))
        if is_text:
            self._write(results_text(results, console, args.command.capitalize()))
        else:
            console.line(json.dumps(apply_document(document, results), indent=2))
        return results

    async def _act(self, shop: Shop, plan: Plan) -> list[Result]:
        site = replace(shop.site, doing=site_progress(self._progress))
        limits = Limits(timeout_s=self._args.timeout, parallelism=self._args.parallelism)
        work = Quell(site, plan, self._progress, limits)
        try:
            with interruptible(shop):
                if work.total:
                    rates = [site.apps.rate(name) for name in site.apps.definitions]
                    self._progress.begin(work.total, 0, sum(rates))
                await work.run()
        finally:
            self._progress.end()
            await self._service.close()
        return sorted(work.results, key=lambda result: (result.key.recording, result.key.replica))

    def _write(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._console.line(line)

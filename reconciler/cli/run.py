"""`reconciler run`: the daemon."""

import argparse
import asyncio
import logging
import signal
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from reconciler.cli.apply import add_retain_options
from reconciler.cli.console import Console
from reconciler.cli.desk import Desk
from reconciler.cli.loading import load_catalog
from reconciler.cli.logs import set_up
from reconciler.cli.run_options import (
    Listen,
    add_run_options,
    check_options,
    checkout_folder,
    token_of,
)
from reconciler.cli.scope import (
    Errand,
    add_lock_option,
    add_scope_options,
    materials_of,
    options_of,
)
from reconciler.cli.service import Service
from reconciler.cli.watch import Terms, Watch
from reconciler.daemon.aside import aside
from reconciler.daemon.daemon import Settings, Setup
from reconciler.daemon.http import application
from reconciler.daemon.meter import MeteredBudget, MeteredWire
from reconciler.daemon.server import serve
from reconciler.daemon.source import Fetched, Source
from reconciler.daemon.systemd import Systemd
from reconciler.engine.shop import Materials
from reconciler.plan.world import Options
from reconciler.spec.catalog import Catalog
from reconciler.spec.resolve import Resolver
from reconciler.state.bounds import Bounds
from reconciler.state.open import open_state
from reconciler.state.store import Store
from reconciler.web.page import POLICY

EXAMPLE = "reconciler run specs"
EXIT_INTERRUPTED = 130

log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_run_options(parser)
    add_lock_option(parser)
    add_retain_options(parser)
    add_scope_options(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Run until a signal ends it; 0, 1 for errors at the start, 4 locked, 130 interrupted."""
    check_options(args, console.environ)
    set_up(args, console)
    return asyncio.run(_Run(args, console).run())


class _Run:
    """The parts of one process."""

    def __init__(self, args: argparse.Namespace, console: Console) -> None:
        self._args = args
        self._console = console
        self._desk = Desk(args.scope, console.clock)
        self._service = Service()
        self._source = _source(args, console)
        self._systemd = Systemd(console.environ)
        self._interrupted = False
        self._beside: list[asyncio.Task[None]] = []
        self._failed = asyncio.Event()
        terms = Terms(
            scope=args.scope,
            patience_s=None if args.standby else args.lock_timeout,
            began=self._begin,
            opened=self._opened,
            setup=self._setup,
        )
        self._watch = Watch(terms, self._desk, console.clock)

    async def run(self) -> int:
        """Run, with HTTP beside it; whichever of the two fails ends both."""
        with _signals(self._stop, self._watch.reload):
            work = asyncio.create_task(self._watch.run())
            failed = asyncio.create_task(_until(self._failed))
            try:
                await asyncio.wait([work, failed], return_when=asyncio.FIRST_COMPLETED)
                for task in self._beside:
                    if task.done():
                        task.result()
                await work
            finally:
                tasks = (work, failed, *self._beside)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                await self._service.close()
        return EXIT_INTERRUPTED if self._interrupted else 0

    def _stop(self, number: signal.Signals) -> None:
        self._interrupted = number is signal.SIGINT
        self._systemd.ending()
        self._watch.stop()

    async def _begin(self) -> None:
        """Answer HTTP, and say so. Raises UsageError where that cannot be."""
        listen: Listen | None = self._args.listen
        if listen is not None:
            app = application(self._desk, token_of(self._console.environ), POLICY)
            port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            serving = self._go_on(serve(app, listen.host, listen.port, port.set_result))
            both: set[asyncio.Future[Any]] = {serving, port}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if serving.done():
                serving.result()
            log.info("HTTP is answered", extra={"url": _url(listen.host, await port)})
        self._systemd.ready()
        self._go_on(self._systemd.attend(self._desk, self._console.clock))

    def _go_on(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Let something run until the end; if it fails, so does all."""

        def ended(task: asyncio.Task[None]) -> None:
            if not task.cancelled() and task.exception() is not None:
                self._failed.set()

        task = asyncio.create_task(work)
        task.add_done_callback(ended)
        self._beside.append(task)
        return task

    def _opened(self) -> Store:
        args, console = self._args, self._console
        return open_state(args.state, console.environ, console.clock, write=True)

    def _setup(self, store: Store) -> Setup:
        args = self._args
        return Setup(
            source=self._source,
            read=self._read,
            materials=self._materials(store),
            metrics=self._desk.metrics_told,
            aside=aside,
            settings=Settings(
                interval_s=args.interval,
                resync_s=args.resync,
                prune_delay_s=args.prune_delay,
                bounds=Bounds(
                    history_age_s=args.retain,
                    sessions_age_s=args.retain,
                    history_rows_max=args.retain_rows,
                ),
            ),
        )

    def _materials(self, store: Store) -> Materials:
        console, metrics = self._console, self._desk.metrics_told
        errand = Errand(self._args, console, lambda: MeteredWire(self._service(), metrics))
        made = materials_of(errand, store, share=1.0, acts=True)
        budget = MeteredBudget(made.outside.budget, metrics, self._desk.app_named)
        resolver = Resolver(
            console.environ,
            allow_exec=self._args.allow_exec,
            moment_s=console.clock.monotonic_s,
        )
        return replace(made, outside=replace(made.outside, budget=budget), resolver=resolver)

    def _read(self, fetched: Fetched) -> tuple[Catalog, Options]:
        args, console = self._args, self._console
        given = argparse.Namespace(**{**vars(args), **_NO_PLAN_OPTIONS, "paths": fetched.paths})
        # This process has threads: no child may be forked to share the reading.
        catalog = load_catalog(given, console.environ, console.clock, workers=1)
        return catalog, options_of(given, catalog)


_NO_PLAN_OPTIONS = {
    "target": [],
    "no_prune": False,
    "prune_all": False,
    "allow_stops": 0,
    "allow_empty": False,
}


def _source(args: argparse.Namespace, console: Console) -> Source:
    if not args.git:
        from reconciler.daemon.folder import Folder

        return Folder(args.paths, console.clock)
    from reconciler.daemon.git import Git

    return Git(
        args.git,
        branch=args.branch,
        paths=args.path,
        poll_s=args.poll,
        folder=checkout_folder(args),
        clock=console.clock,
    )


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


async def _until(sign: asyncio.Event) -> None:
    await sign.wait()


@contextmanager
def _signals(stop: Callable[[signal.Signals], None], reload: Callable[[], None]) -> Iterator[None]:
    """End in order at SIGTERM and SIGINT, read the specs again at SIGHUP."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number)
    loop.add_signal_handler(signal.SIGHUP, reload)
    try:
        yield
    finally:
        with suppress(ValueError):
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                loop.remove_signal_handler(number)

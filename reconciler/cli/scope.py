"""What the commands over a scope share: its state, its lock, and the Site that the engine works on.

The wiring of the program: every part of the engine is made here and nowhere else.
"""

import argparse
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace

from reconciler.agora.budget import Budget, MemoryBudget
from reconciler.agora.messages import Wire
from reconciler.cli.console import Console
from reconciler.cli.loading import add_spec_options, allowed_hosts, load_catalog
from reconciler.cli.logs import set_up
from reconciler.clock import SteadyClock
from reconciler.engine.apps import Outside
from reconciler.engine.budget import UNBOOKED, StateBudget
from reconciler.engine.records import Records
from reconciler.engine.shop import Materials, Shop, assemble
from reconciler.engine.site import Site
from reconciler.errors import LockedError, SpecError, UsageError
from reconciler.plan.world import Options
from reconciler.spec.catalog import Catalog
from reconciler.spec.duration import parse_duration
from reconciler.spec.resolve import Resolver
from reconciler.spec.roots import from_root
from reconciler.state.open import open_state
from reconciler.state.store import Holder, Store

BESIDE_DAEMON = 0.5
"""The share of an App's rate that a plan takes while a daemon works (reconcile.md, "Budget")."""

LOCK_POLL_S = 0.5


def add_scope_options(parser: argparse.ArgumentParser) -> None:
    """Declare what a command takes that reads specs and resolves secrets."""
    add_spec_options(parser)
    add_exec_option(parser)


def add_exec_option(parser: argparse.ArgumentParser) -> None:
    """Declare `--allow-exec`."""
    parser.add_argument(
        "--allow-exec",
        action="store_true",
        help="run the programs that specs name for secrets",
    )


@contextmanager
def state_of(args: argparse.Namespace, console: Console, *, write: bool) -> Iterator[Store]:
    """Open the state that the command line names, and its logs. Raises StateError or UsageError."""
    set_up(args, console)
    store = open_state(args.state, console.environ, console.clock, write=write)
    try:
        yield store
    finally:
        store.close()


def add_lock_option(parser: argparse.ArgumentParser) -> None:
    """Declare `--lock-timeout`."""
    parser.add_argument(
        "--lock-timeout",
        type=seconds,
        default=0.0,
        metavar="DURATION",
        help="wait so long for another run to end (default: not at all)",
    )


def seconds(text: str) -> float:
    """Read a duration of the command line."""
    try:
        return float(parse_duration(text))
    except SpecError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None


def at_least_one(text: str) -> int:
    """Read a number of the command line that none and less make no sense for."""
    if not text.isascii() or not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"`{text}` is no whole number above 0")
    return int(text)


@contextmanager
def locked(args: argparse.Namespace, console: Console, store: Store) -> Iterator[None]:
    """Hold the scope's lock, after waiting as long as `--lock-timeout` says, else LockedError."""
    holder = Holder(
        host=os.uname().nodename,
        process=os.getpid(),
        command=args.command,
        since_s=console.clock.now_s(),
    )
    with ExitStack() as stack:
        import asyncio

        asyncio.run(_lock(args, console, stack, lambda: store.lock(args.scope, holder)))
        yield


async def _lock(
    args: argparse.Namespace,
    console: Console,
    stack: ExitStack,
    lock: Callable[[], AbstractContextManager[None]],
) -> None:
    deadline_s = console.clock.monotonic_s() + args.lock_timeout
    while True:
        try:
            stack.enter_context(lock())
        except LockedError:
            if console.clock.monotonic_s() >= deadline_s:
                raise
            await console.clock.sleep(LOCK_POLL_S)
        else:
            return


@dataclass(frozen=True, slots=True)
class Errand:
    """What a command was told, and the way it calls the service."""

    args: argparse.Namespace
    console: Console
    wire: Callable[[], Wire]


def shop_of(
    errand: Errand, store: Store, catalog: Catalog | None, options: Options, *, acts: bool
) -> Shop:
    """Make the engine's parts for one run; `acts`: it holds the lock and may change things."""
    snapshot = store.snapshot(errand.args.scope)
    daemon = snapshot.holder is not None and snapshot.holder.command == "run"
    records = Records(store, errand.args.scope, snapshot)
    materials = materials_of(errand, store, share=BESIDE_DAEMON if daemon else 1.0, acts=acts)
    # A command is too short to follow a clock that is set: what it waits for takes as long anyhow.
    even = replace(materials.outside, clock=SteadyClock(materials.outside.clock))
    materials = replace(materials, outside=even)
    shop = assemble(records, catalog, options, materials)
    return replace(shop, held=snapshot.holder is not None and not acts)


def materials_of(errand: Errand, store: Store, *, share: float, acts: bool) -> Materials:
    """Return what the engine's parts are made of; `share` is the part of each App's rate."""
    args, console = errand.args, errand.console
    outside = Outside(
        wire=errand.wire,
        budget=_budget(console, store),
        clock=console.clock,
        rng=console.rng,
        allowed_hosts=allowed_hosts(args, console.environ),
        share=share if store.writable else UNBOOKED,
    )
    return Materials(
        outside=outside,
        resolver=Resolver(console.environ, allow_exec=args.allow_exec),
        acts=acts,
        at_s=getattr(args, "at", None),
        alarm=console.alarm,
    )


def options_of(args: argparse.Namespace, catalog: Catalog) -> Options:
    """Return what the command line says beside the specs."""
    return Options(
        paths=tuple(from_root(path) for path in args.paths),
        sound=catalog.complete and not catalog.errors,
        manifests=catalog.manifests,
        prune=not args.no_prune,
        prune_all=args.prune_all,
        targets=frozenset(args.target),
        allow_stops=args.allow_stops,
        allow_empty=args.allow_empty,
        empty_sets=catalog.empty_sets,
    )


def catalog_of(args: argparse.Namespace, console: Console) -> Catalog:
    """Read the specs that the command line names."""
    return load_catalog(args, console.environ, console.clock)


def check_targets(site: Site) -> None:
    """Refuse a target that is no Recording and no RecordingSet. Raises UsageError."""
    wanted, recorded = site.specs.wanted, site.records.recorded
    sets = {each.set_name for each in wanted.values()}
    sets |= {each.set_name for each in recorded.values()}
    unknown = sorted(site.options.targets - {*wanted, *recorded, *sets})
    if unknown:
        raise UsageError(f"there is no Recording `{unknown[0]}` to target")


def _budget(console: Console, store: Store) -> Budget:
    return StateBudget(store, console.clock) if store.writable else MemoryBudget(console.clock)

"""`reconciler doctor`: look at all that reconciling needs, and say what to mend."""

import argparse
import asyncio
import json
import platform
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from reconciler import __version__
from reconciler.agora.messages import Reply, Request, Unanswered
from reconciler.cli.beside import add_format_option
from reconciler.cli.console import Console
from reconciler.cli.report import one_line
from reconciler.cli.scope import Errand, add_scope_options, catalog_of, shop_of
from reconciler.cli.service import Service
from reconciler.clock import Clock
from reconciler.engine.examine import Finding, Verdict, examine_app, examine_clock, examine_sessions
from reconciler.engine.site import Site
from reconciler.errors import StateError
from reconciler.plan.times import rfc3339
from reconciler.plan.world import Options
from reconciler.spec.catalog import Catalog
from reconciler.state.open import open_state
from reconciler.state.store import Holder, Store
from reconciler.web.values import FORMAT_VERSION

EXAMPLE = "reconciler doctor specs"

HELD_LONG_S = 3600.0
"""No command but `run` works that long."""

STYLES = {"ok": "32", "warning": "33", "problem": "1;31"}
NO_STATE = "sqlite:////nonexistent/state.db"
"""Stands for a state that cannot be read, so that the rest can be looked at: nothing is made."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "paths", nargs="*", metavar="PATH", help="specs to read (default: the Apps of state)"
    )
    add_format_option(parser)
    add_scope_options(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Say what was found; 1 if anything is a problem."""
    catalog = catalog_of(args, console)
    store, of_state = _state(args, console)
    try:
        outside = asyncio.run(_outside(args, console, store, catalog))
    finally:
        store.close()
    findings = [_program(), *of_state, *_specs(args, catalog), *outside]
    _show(args, console, findings)
    return int(any(finding.verdict == "problem" for finding in findings))


def _program() -> Finding:
    return Finding("program", "ok", f"reconciler {__version__}, Python {platform.python_version()}")


def _specs(args: argparse.Namespace, catalog: Catalog) -> Iterator[Finding]:
    if not args.paths:
        return
    hint = f"`reconciler validate {' '.join(args.paths)}` lists them"
    counts = ((len(catalog.entries), "recording"), (catalog.errors, "error"))
    told = ", ".join(_count(*each) for each in (*counts, (catalog.warnings, "warning")))
    if catalog.errors:
        yield Finding("specs", "problem", told, hint)
    elif catalog.warnings:
        yield Finding("specs", "warning", told, hint)
    else:
        yield Finding("specs", "ok", told)


def _state(args: argparse.Namespace, console: Console) -> tuple[Store, list[Finding]]:
    """Open state as it is; return it with what is to be said of it."""
    try:
        store = open_state(args.state, console.environ, console.clock, write=False)
        return store, list(_of_state(args, console, store))
    except StateError as problem:
        finding = Finding("state", "problem", str(problem), problem.hint)
        return open_state(NO_STATE, console.environ, console.clock, write=False), [finding]


def _of_state(args: argparse.Namespace, console: Console, store: Store) -> Iterator[Finding]:
    snapshot = store.snapshot(args.scope)
    if not snapshot.serial and not store.writable:
        yield Finding("state", "ok", f"there is none yet at `{store.place}`; an apply makes it")
        return
    if store.writable:
        held = _count(len(snapshot.recorded), "recording")
        yield Finding("state", "ok", f"`{store.place}` can be written; it holds {held}")
    else:
        hint = "allow this user to write it, or name another place with --state"
        yield Finding("state", "problem", f"`{store.place}` cannot be written", hint)
    if store.key is None:
        text = "the key of its hashes is not there, so changed secrets are not seen"
        yield Finding("state key", "warning", text, _KEY_HINT)
    yield _lock(snapshot.holder, console.clock.now_s())


_KEY_HINT = "PostgreSQL: set RECONCILER_STATE_KEY; SQLite: put its key file back beside it"


def _lock(holder: Holder | None, now_s: float) -> Finding:
    if holder is None:
        return Finding("lock", "ok", "nobody holds the scope")
    who = f"`{holder.command}` on host `{holder.host}`, process {holder.process}"
    text = f"{who} holds the scope since {rfc3339(holder.since_s)}"
    if holder.command == "run" or now_s - holder.since_s < HELD_LONG_S:
        return Finding("lock", "ok", text)
    return Finding("lock", "warning", text, "see whether it hangs; ending it frees the scope")


async def _outside(
    args: argparse.Namespace, console: Console, store: Store, catalog: Catalog
) -> list[Finding]:
    """Look at Apps and sessions. Apps of state count before one that the environment describes."""
    service = _Listening(console.clock)
    known = catalog if args.paths or not store.snapshot(args.scope).apps else None
    shop = shop_of(Errand(args, console, service), store, known, Options(), acts=True)
    try:
        findings = [each async for each in _apps(shop.site)]
    finally:
        await service.close()
    if service.answered:
        findings.append(examine_clock(service.skews_s))
    if not NO_STATE.endswith(store.place):  # of a state that cannot be read nothing is well
        findings += examine_sessions(shop.site)
    return findings


async def _apps(site: Site) -> AsyncIterator[Finding]:
    for name in sorted(site.apps.definitions):
        async for finding in examine_app(site, name):
            yield finding


class _Listening(Service):
    """A way to the service that notes by how much its clock differs from ours."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self.answered = False
        self.skews_s: list[float] = []

    async def send(self, request: Request) -> Reply | Unanswered:
        """Send one request, once; see `Wire`."""
        answer = await super().send(request)
        if isinstance(answer, Reply):
            self.answered = True
            if answer.date_s is not None:
                self.skews_s.append(answer.date_s - self._clock.now_s())
        return answer


def _show(args: argparse.Namespace, console: Console, findings: Sequence[Finding]) -> None:
    counts = Counter[Verdict](finding.verdict for finding in findings)
    if args.format == "json":
        console.line(json.dumps(_document(findings, counts), indent=2))
        return
    for finding in findings:
        verdict = console.styled(f"{finding.verdict:<7}", STYLES[finding.verdict])
        console.line(f"{verdict}  {one_line(finding.what)}: {one_line(finding.message)}")
        if finding.hint:
            console.line(f"         hint: {one_line(finding.hint)}")
    told = f"{counts['ok']} ok, {_count(counts['warning'], 'warning')}, "
    told += _count(counts["problem"], "problem")
    console.line(console.styled(f"Doctor: {told}.", "1"))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


_COUNTED: tuple[tuple[Verdict, str], ...] = (
    ("ok", "ok"),
    ("warning", "warnings"),
    ("problem", "problems"),
)


def _document(findings: Sequence[Finding], counts: Counter[Verdict]) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "findings": [
            {
                "what": finding.what,
                "verdict": finding.verdict,
                "message": finding.message,
                "hint": finding.hint,
            }
            for finding in findings
        ],
        "summary": {name: counts[verdict] for verdict, name in _COUNTED},
    }

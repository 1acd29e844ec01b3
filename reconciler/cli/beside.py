"""What the commands share that act on state and need specs only beside it, for their Apps.

State keeps each App with references to its secrets; one whose secrets stand in its manifest is read
from there (design/cli.md, "Commands without PATH").
"""

import argparse
from collections.abc import Sequence

from reconciler.cli.console import Console
from reconciler.cli.scope import add_scope_options, catalog_of
from reconciler.spec.catalog import Catalog


def add_beside_options(parser: argparse.ArgumentParser) -> None:
    """Declare `--specs`, and what reading them and resolving secrets takes."""
    parser.add_argument(
        "--specs",
        action="append",
        default=[],
        metavar="PATH",
        help="specs whose Apps to use, where their secrets stand in them; repeatable",
    )
    add_scope_options(parser)


def add_format_option(parser: argparse.ArgumentParser, *more: str) -> None:
    """Declare `--format`."""
    parser.add_argument("--format", choices=("text", "json", *more), default="text")


def catalog_beside(
    args: argparse.Namespace, console: Console, paths: Sequence[str] = ()
) -> Catalog | None:
    """Read the specs under `paths` and `--specs`; None where there are none of either."""
    named = [*paths, *args.specs]
    if not named:
        return None
    return catalog_of(argparse.Namespace(**{**vars(args), "paths": named}), console)


def warn(console: Console, code: str, message: str, hint: str | None = None) -> None:
    """Write a warning that stands in no file."""
    console.note(f"warning[{code}]: {message}")
    if hint:
        console.note(f"  hint: {hint}")

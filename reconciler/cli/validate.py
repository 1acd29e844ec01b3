"""`reconciler validate`: read specs, say everything that is wrong.

No network, no state, no secrets resolved.
"""

import argparse

from reconciler.cli.console import Console
from reconciler.cli.loading import add_spec_options, load_catalog
from reconciler.cli.report import FORMATS
from reconciler.clock import SystemClock

EXAMPLE = "reconciler validate specs --strict --format github"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a spec file, or a folder of them")
    parser.add_argument(
        "--format", choices=FORMATS, default="text", help="text (default), json, github or sarif"
    )
    parser.add_argument(
        "--strict", action="store_true", help="warnings are errors: exit 1 for them too"
    )
    add_spec_options(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Return 0 if the specs are sound, 1 if not."""
    catalog = load_catalog(args, console.environ, SystemClock())
    FORMATS[args.format](catalog, console)
    return 1 if catalog.errors or (args.strict and catalog.warnings) else 0

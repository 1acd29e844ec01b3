"""`reconciler approve`: let a `run` do what a guard holds, once, for exactly that plan."""

import argparse
import json

from reconciler.cli.asking import Hold, run_of
from reconciler.cli.beside import add_format_option
from reconciler.cli.console import Console
from reconciler.cli.scope import state_of
from reconciler.engine.demands import DIGEST, Approve, Approved
from reconciler.errors import ReconcilerError
from reconciler.web.values import FORMAT_VERSION

EXAMPLE = "reconciler approve 5d41402a"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "digest",
        type=_digest,
        metavar="PLAN_DIGEST",
        help="that of the plan, as the `Guarded` condition has it, or its first 8 characters",
    )
    add_format_option(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Have it let through; 0, 1 where there is no such plan or no `run`."""
    with state_of(args, console, write=True) as store:
        holder = run_of(store, args.scope)
        if holder is None:
            text = f"no `run` holds the scope `{args.scope}`, so no plan waits to be approved"
            raise ReconcilerError(text, hint="`reconciler apply` takes `--allow-stops N` instead")
        Hold(args, console, store, holder).ask(Approve(digest=args.digest), Approved)
    if args.format == "json":
        document = {
            "format_version": FORMAT_VERSION,
            "scope": args.scope,
            "digest": args.digest,
            "approved": True,
        }
        console.line(json.dumps(document, indent=2))
        return 0
    console.line(f"{args.digest}: approved")
    console.note("The `run` does what its guard held, once; another plan is judged anew.")
    return 0


def _digest(text: str) -> str:
    """Read a plan's digest, or its beginning."""
    if not DIGEST.fullmatch(text):
        raise argparse.ArgumentTypeError("a digest is 64 hexadecimal digits, or at least 8 of them")
    return text

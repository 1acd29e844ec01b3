"""Asking before anything is done."""

import argparse
import sys

from reconciler.cli.console import Console
from reconciler.errors import UsageError


def confirmed(args: argparse.Namespace, console: Console, question: str) -> bool:
    """Tell whether the user agrees: by `--yes`, or by saying so.

    Raises UsageError where there is nobody to ask.
    """
    if args.yes:
        return True
    if not (sys.stdin and sys.stdin.isatty()) or getattr(args, "format", "") == "json":
        raise UsageError("there is nobody to ask here", hint="say --yes to do it without asking")
    console.err.write(f"{question} Only `yes` is taken as a yes: ")
    console.err.flush()
    return sys.stdin.readline().strip() == "yes"

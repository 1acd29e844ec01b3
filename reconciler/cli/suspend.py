"""`reconciler suspend`: hold recordings until they are resumed, or for a while."""

import argparse

from reconciler.cli.console import Console
from reconciler.cli.overrides import add_override_options, override
from reconciler.cli.scope import seconds
from reconciler.engine.demands import Suspend
from reconciler.errors import UsageError

EXAMPLE = 'reconciler suspend daily-standup --for 2h --reason "maintenance of the bucket"'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--reason", default="", metavar="TEXT", help="why, for `plan` and `status`")
    parser.add_argument(
        "--for",
        dest="for_s",
        type=seconds,
        metavar="DURATION",
        help="resume by itself after this (default: only when it is resumed)",
    )
    add_override_options(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Suspend them; 0, 1 for a name that is not known: then none of them."""
    if args.for_s == 0:
        raise UsageError("`--for 0s` would be over at once", hint="`reconciler resume` resumes")
    written = override(
        args,
        console,
        lambda names: Suspend(names=names, reason=args.reason, for_s=args.for_s),
    )
    for name, terms in written.terms.items():
        if terms.policy.protect:
            console.note(f"warning[protected]: `{name}` is protected; a suspension acts still")
    if written.is_changed:
        who = "by the `run`" if written.by_run else "by the next apply, or by a `run` right away"
        console.note(f"What still records is stopped {who}.")
    return 0

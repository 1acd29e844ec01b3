"""`reconciler suspend`: hold recordings until they are resumed, or for a while."""

import argparse

from reconciler.cli.console import Console
from reconciler.cli.overrides import add_override_options, in_force, override
from reconciler.cli.scope import seconds
from reconciler.errors import UsageError
from reconciler.plan.recorded import Override, Recorded, terms_of

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
    now_s = console.clock.now_s()
    until_s = None if args.for_s is None else now_s + args.for_s
    if args.for_s == 0:
        raise UsageError("`--for 0s` would be over at once", hint="`reconciler resume` resumes")

    def held(recorded: Recorded) -> Override:
        known = recorded.override
        since_s = known.since_s if known is not None and in_force(known, now_s) else now_s
        return Override(since_s=since_s, reason=args.reason, until_s=until_s)

    pairs = override(args, console, held)
    for _, after in pairs:
        if terms_of(after.terms).policy.protect:
            console.note(
                f"warning[protected]: `{after.name}` is protected; a suspension acts still"
            )
    if any(before != after for before, after in pairs):
        console.note("What still records is stopped by the next apply, or by a `run` right away.")
    return 0

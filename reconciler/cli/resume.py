"""`reconciler resume`: let suspended recordings record again."""

import argparse

from reconciler.cli.beside import warn
from reconciler.cli.console import Console
from reconciler.cli.overrides import add_override_options, override
from reconciler.engine.demands import Resume

EXAMPLE = "reconciler resume daily-standup"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_override_options(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Resume them; 0, 1 for a name that is not known: then none of them."""
    written = override(args, console, lambda names: Resume(names=names))
    if written.is_changed:
        who = "by the `run`" if written.by_run else "by the next apply, or by a `run` right away"
        console.note(f"What is to record is started {who}.")
    for name, terms in written.terms.items():
        if terms.suspend:
            text = f"`{name}` stays suspended as far as its spec says so"
            warn(console, "suspended", text, "take `suspend` out of its spec")
    return 0

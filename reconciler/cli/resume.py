"""`reconciler resume`: let suspended recordings record again."""

import argparse
from dataclasses import replace

from reconciler.cli.beside import warn
from reconciler.cli.console import Console
from reconciler.cli.overrides import add_override_options, in_force, override
from reconciler.plan.recorded import Override, Recorded, terms_of

EXAMPLE = "reconciler resume daily-standup"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_override_options(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Resume them; 0, 1 for a name that is not known: then none of them."""
    now_s = console.clock.now_s()

    def lifted(recorded: Recorded) -> Override | None:
        """Keep when it ended: what was final begins afresh (design/spec-format.md, `restart`)."""
        held = recorded.override
        if held is None or not in_force(held, now_s):
            return held
        return replace(held, until_s=now_s)

    pairs = override(args, console, lifted)
    if any(before != after for before, after in pairs):
        console.note("What is to record is started by the next apply, or by a `run` right away.")
    for _, after in pairs:
        if terms_of(after.terms).suspend:
            text = f"`{after.name}` stays suspended as far as its spec says so"
            warn(console, "suspended", text, "take `suspend` out of its spec")
    return 0

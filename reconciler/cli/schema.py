"""`reconciler schema`: the JSON Schema of the spec format, for editors."""

import argparse
import json

from reconciler.cli.console import Console

EXAMPLE = "reconciler schema > reconciler.schema.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options: none."""
    del parser


def run(args: argparse.Namespace, console: Console) -> int:
    """Print the schema."""
    from reconciler.spec.schema import json_schema

    del args
    console.line(json.dumps(json_schema(), indent=2, ensure_ascii=False))
    return 0

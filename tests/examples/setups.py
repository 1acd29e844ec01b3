"""The setups in `examples/` as their tests see them: files, and command lines that they hold."""

import argparse
import io
import re
from importlib import import_module
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from reconciler.cli.console import Console
from reconciler.cli.parser import Parser
from tests.architecture.repository import ROOT

EXAMPLES = ROOT / "examples"


def documents(path: Path) -> list[Any]:
    """Read the documents of a YAML file, merge keys resolved."""
    return list(YAML(typ="safe").load_all(path.read_text(encoding="utf-8")))


def document(path: Path) -> Any:
    """Read the one document of a YAML file."""
    (read,) = documents(path)
    return read


def variables(path: Path) -> dict[str, str]:
    """Read the variables of a file such as `.env.example`."""
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


def named_by_specs(folder: Path) -> set[str]:
    """Return the environment variables that the specs below a folder refer to."""
    texts = [path.read_text(encoding="utf-8") for path in folder.rglob("*.yaml")]
    return {name for text in texts for name in re.findall(r"\{env: (\w+)\}", text)}


def parsed(words: list[str]) -> argparse.Namespace:
    """Read a command line, without the program's name, as the program does."""
    name, *rest = words
    command = import_module(f"reconciler.cli.{name.replace('-', '_')}")
    console = Console(io.StringIO(), io.StringIO(), {})
    parser = Parser(name, name, command.EXAMPLE, console)
    command.add_arguments(parser)
    return parser.parse_args(rest)

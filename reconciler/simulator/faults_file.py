"""Fault rules from a YAML file (`--faults FILE`); the only home of ruamel.yaml in the simulator."""

import io
import json
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from reconciler.errors import UsageError
from reconciler.simulator import tree
from reconciler.simulator.faults import Faults
from reconciler.simulator.shape import ShapeError
from reconciler.simulator.tree import Json


def read_faults(path: Path) -> list[Json]:
    """Return the rules of a file: a list, or a mapping with the key `faults`.

    Raises UsageError if the file cannot be read or one of them is no rule.
    """
    try:
        text = path.read_text(encoding="utf-8")
        # Through JSON, so that a rule holds what a control request could hold too.
        document = tree.decode(json.dumps(YAML(typ="safe").load(io.StringIO(text))).encode())
    except OSError as problem:
        raise UsageError(f"`{path}` cannot be read: {problem.strerror}") from None
    except YAMLError as problem:
        raise UsageError(f"`{path}` is no YAML: {_where(problem)}") from None
    except (ValueError, TypeError):
        raise UsageError(f"`{path}` holds something else than texts, numbers, lists") from None
    rules = document.get("faults") if isinstance(document, dict) else document
    if not isinstance(rules, list):
        raise UsageError(f"`{path}` holds no list of fault rules")
    try:
        Faults(seed=0).add_all(rules)
    except ShapeError as problem:
        raise UsageError(f"`{path}`: {problem}") from None
    return rules


def _where(problem: YAMLError) -> str:
    """Return the first lines of a parser's message, on one line."""
    return " ".join(str(problem).split())

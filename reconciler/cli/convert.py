"""`reconciler convert`: from a start request that somebody calls by hand to manifests."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from reconciler.cli.console import Console
from reconciler.cli.report import diagnostic_lines
from reconciler.clock import SystemClock
from reconciler.diagnostics import Diagnostic, Position, Severity, ordered, path_text
from reconciler.errors import SpecError, UsageError
from reconciler.identity import check_name
from reconciler.spec.convert import Wish, convert, take_apart
from reconciler.spec.emit import to_yaml
from reconciler.spec.problems import Problem
from reconciler.spec.wire import Mode

EXAMPLE = "reconciler convert start.json --mode mix > specs/lobby.yaml"
INPUT_BYTES_MAX = 1024 * 1024
MODES = (*map(str, Mode), "composite")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "file", metavar="FILE.json", help="a start request, or a bare clientRequest; - reads stdin"
    )
    parser.add_argument(
        "--mode", required=True, choices=MODES, help="the mode in the request's URL"
    )
    parser.add_argument("--name", help="name of the manifests (default: from the channel)")
    parser.add_argument("--channel", help="the channel, for a bare clientRequest")
    parser.add_argument("--uid", help="the recorder's uid, for a bare clientRequest")
    parser.add_argument(
        "--inline-secrets", action="store_true", help="keep secrets in the manifests"
    )


def run(args: argparse.Namespace, console: Console) -> int:
    """Return 0 with the manifests on stdout, 1 with what is wrong on stderr."""
    document = _read(args.file)
    asked, problems = take_apart(document, args.channel, args.uid)
    manifests: tuple[dict[str, Any], ...] = ()
    if asked is not None:
        mode = Mode.MIX if args.mode == "composite" else Mode(args.mode)
        wish = Wish(mode, _name(args.name), args.inline_secrets, SystemClock().now_s())
        converted = convert(asked, wish)
        manifests, problems = converted.manifests, converted.problems
        if converted.secrets and not any(
            problem.severity is Severity.ERROR for problem in problems
        ):
            console.note("secrets are read from the environment; set:")
            for variable, path in converted.secrets:
                console.note(f"  {variable}  ({path})")
    for diagnostic in ordered(_placed(args.file, problem) for problem in problems):
        for line in diagnostic_lines(diagnostic, console):
            console.note(line)
    if any(problem.severity is Severity.ERROR for problem in problems):
        return 1
    console.write(to_yaml(manifests))
    return 0


def _placed(file: str, problem: Problem) -> Diagnostic:
    position = Position("<stdin>" if file == "-" else file)
    path = path_text(problem.path)
    return Diagnostic(position, path, problem.severity, problem.code, problem.message, problem.hint)


def _name(name: str | None) -> str:
    try:
        return check_name(name) if name is not None else ""
    except SpecError as problem:
        raise UsageError(f"--name: {problem}", hint=problem.hint) from None


def _read(file: str) -> object:
    try:
        if file == "-":
            data = sys.stdin.buffer.read(INPUT_BYTES_MAX + 1)
        else:
            with Path(file).open("rb") as stream:
                data = stream.read(INPUT_BYTES_MAX + 1)
    except OSError as problem:
        raise UsageError(f"`{file}` cannot be read: {problem.strerror}") from None
    if len(data) > INPUT_BYTES_MAX:
        raise UsageError(f"`{file}` is larger than 1 MiB")
    try:
        return json.loads(
            data.decode("utf-8-sig"), object_pairs_hook=_unique, parse_constant=_no_constant
        )
    except RecursionError:
        raise UsageError(f"`{file}` is nested too deeply") from None
    except ValueError as problem:
        raise UsageError(f"`{file}` is not JSON: {problem}") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    doubled = next((key for key in keys if keys.count(key) > 1), None)
    if doubled is not None:
        message = f"the key `{doubled}` stands twice in one object"
        raise ValueError(message)
    return dict(pairs)


def _no_constant(word: str) -> None:
    message = f"{word} is no number in JSON"
    raise ValueError(message)

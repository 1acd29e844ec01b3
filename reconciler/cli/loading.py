"""The options of every command that reads specs, and the one way from them to a catalog."""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reconciler.clock import Clock
from reconciler.errors import SpecError, UsageError
from reconciler.spec.cache import open_cache
from reconciler.spec.catalog import Catalog, read_catalog
from reconciler.spec.load import Files
from reconciler.spec.setting import Setting

VARIABLE_PREFIX = "RECONCILER_VAR_"


def add_spec_options(parser: argparse.ArgumentParser) -> None:
    """Declare the variables and hosts that specs are read with."""
    parser.add_argument(
        "--var",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="set ${var.NAME}; repeatable",
    )
    parser.add_argument(
        "--var-file",
        action="append",
        default=[],
        metavar="FILE",
        help="variables from a YAML or JSON file; later files win; repeatable",
    )
    parser.add_argument(
        "--allow-endpoint",
        action="append",
        default=[],
        metavar="HOST",
        help="credentials may be sent to this host too; repeatable",
    )


def load_catalog(
    args: argparse.Namespace,
    environ: Mapping[str, str],
    clock: Clock,
    *,
    workers: int | None = None,
) -> Catalog:
    """Read the specs under `args.paths`. Raises UsageError for variables that cannot be read.

    `workers` is how many processes may share the reading; None: as many as there are cores.
    """
    setting = Setting(
        variables=_variables(args, environ),
        allowed_hosts=allowed_hosts(args, environ),
        environ=environ,
        now_s=clock.now_s(),
    )
    cache = open_cache(environ)
    try:
        return read_catalog(Files(args.paths), setting, cache, workers=workers or _cores())
    finally:
        if cache:
            cache.flush()


def _variables(args: argparse.Namespace, environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the variables: `--var` wins over `--var-file`, that over RECONCILER_VAR_NAME."""
    from reconciler.spec.marked import Cell

    variables: dict[str, Any] = {
        name.removeprefix(VARIABLE_PREFIX): Cell(value)
        for name, value in environ.items()
        if name.startswith(VARIABLE_PREFIX)
    }
    for file in args.var_file:
        variables |= _file_variables(file)
    return variables | {name: Cell(value) for name, value in said_variables(args.var).items()}


def said_variables(words: Sequence[str]) -> dict[str, str]:
    """Return what `--var` sets. Raises UsageError for one that sets nothing."""
    values: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise UsageError(f"`--var {word}` sets nothing", hint="write --var NAME=VALUE")
        values[name] = value
    return values


def _file_variables(file: str) -> dict[str, Any]:
    from reconciler.spec.marked import is_deeper
    from reconciler.spec.source import Source
    from reconciler.spec.syntax import NESTING_MAX, parse_data

    try:
        data = Path(file).read_bytes()
        values = json.loads(data) if file.endswith(".json") else parse_data(Source.of(file, data))
    except OSError as problem:
        raise UsageError(f"`--var-file {file}` cannot be read: {problem.strerror}") from None
    except (ValueError, RecursionError, SpecError) as problem:
        raise UsageError(f"`--var-file {file}` cannot be read: {problem}") from None
    if is_deeper(values, NESTING_MAX):
        raise UsageError(f"`--var-file {file}` is nested more than {NESTING_MAX} levels deep")
    if not isinstance(values, dict):
        raise UsageError(f"`--var-file {file}` must hold a mapping of names to values")
    return values


def allowed_hosts(args: argparse.Namespace, environ: Mapping[str, str]) -> frozenset[str]:
    """Return the hosts that the operator allowed. Raises UsageError for what is no address."""
    from urllib.parse import urlsplit

    said = environ.get("RECONCILER_ALLOW_ENDPOINTS", "").replace(",", " ").split()
    endpoints = environ.get("AGORA_ENDPOINTS", "")
    try:
        own = [urlsplit(url.strip()).hostname or "" for url in endpoints.split(",")]
    except ValueError:
        hint = "write base URLs, separated by commas"
        raise UsageError("AGORA_ENDPOINTS cannot be read", hint=hint) from None
    return frozenset({*args.allow_endpoint, *said, *own} - {""})


def _cores() -> int:
    """Return how many processes may read specs: this one has no threads, and Linux forks well."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1

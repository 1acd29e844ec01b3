"""Logs on stderr: a constant sentence and fields, for people or for machines.

Fields are what the caller gave as `extra`; nobody gives a secret (style.md, convention 21).
"""

import argparse
import json
import logging
from contextlib import suppress
from typing import Any

from reconciler.cli.console import Console
from reconciler.cli.report import one_line
from reconciler.engine import tracing
from reconciler.plan.times import rfc3339

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


def set_up(args: argparse.Namespace, console: Console) -> None:
    """Write this program's logs as the command line says."""
    log = logging.getLogger("reconciler")
    level = logging.getLevelNamesMapping()[args.log_level.upper()]
    log.setLevel(max(level, logging.WARNING) if console.quiet else level)
    log.propagate = False
    log.handlers = [_Handler(console, as_json=args.log_format == "json")]


class _Handler(logging.Handler):
    def __init__(self, console: Console, *, as_json: bool) -> None:
        super().__init__()
        self._console = console
        self._as_json = as_json

    def emit(self, record: logging.LogRecord) -> None:
        given = {key: value for key, value in vars(record).items() if key not in _OWN}
        fields = {**tracing.fields(), **given}
        line = _json(record, fields) if self._as_json else _text(record, fields)
        with suppress(OSError):  # a log that nobody takes any more stops no recording
            self._console.alarm(line)


def _json(record: logging.LogRecord, fields: dict[str, Any]) -> str:
    head = {
        "time": rfc3339(record.created),
        "level": record.levelname.lower(),
        "message": record.getMessage(),
    }
    return json.dumps({**head, **fields}, default=str)


def _text(record: logging.LogRecord, fields: dict[str, Any]) -> str:
    said = [f"{key}={value}" for key, value in fields.items() if value is not None]
    level = record.levelname.lower()
    return one_line(" ".join([rfc3339(record.created), level, record.getMessage(), *said]))

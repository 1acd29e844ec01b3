"""Logs: one line each, with their fields, at the level that was asked for."""

import argparse
import io
import json
import logging

import pytest

from reconciler.cli import logs
from reconciler.cli.console import Console


def logged(level: str, form: str) -> list[str]:
    err = io.StringIO()
    args = argparse.Namespace(log_level=level, log_format=form)
    logs.set_up(args, Console(io.StringIO(), err, {}))
    log = logging.getLogger("reconciler.agora.exchange")
    log.debug("a call to the service ended", extra={"endpoint": "query", "code": None})
    log.warning("a line\nbreak", extra={"app": "default"})
    return err.getvalue().splitlines()


def test_a_text_line_has_the_fields_that_are_known() -> None:
    first, _ = logged("debug", "text")
    assert first.endswith(" debug a call to the service ended endpoint=query")


def test_a_json_line_is_one_object() -> None:
    first, second = map(json.loads, logged("debug", "json"))
    assert first["level"] == "debug"
    assert (first["endpoint"], first["code"]) == ("query", None)
    assert second["message"] == "a line\nbreak"


@pytest.mark.parametrize(("level", "count"), [("debug", 2), ("info", 1), ("error", 0)])
def test_the_level_says_what_is_written(level: str, count: int) -> None:
    assert len(logged(level, "text")) == count

"""Diagnostics in the four forms of `--format`.

For people, for scripts, for pull requests, for code scanning.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

from reconciler import __version__
from reconciler.cli.console import Console
from reconciler.diagnostics import Diagnostic, Severity
from reconciler.spec.catalog import Catalog
from reconciler.web.values import FORMAT_VERSION, diagnostic_json

STATE = "state"
"""The place of what is wrong with no file."""

SAME_SHOWN_MAX = 5
"""In text, the same problem more often than this is folded; the other forms list every one."""


def text(catalog: Catalog, console: Console) -> None:
    """Write one line for each problem, its hint below, and a summary."""
    for line in _folded(catalog.diagnostics, console):
        console.line(line)
    console.line(_summary_line(catalog))


def _folded(diagnostics: tuple[Diagnostic, ...], console: Console) -> Iterator[str]:
    seen: Counter[tuple[str, str]] = Counter()
    for diagnostic in diagnostics:
        same = (diagnostic.code, diagnostic.message.partition(" (made from ")[0])
        seen[same] += 1
        if seen[same] <= SAME_SHOWN_MAX:
            yield from diagnostic_lines(diagnostic, console)
    for (code, message), count in seen.items():
        if count > SAME_SHOWN_MAX:
            more = count - SAME_SHOWN_MAX
            yield f"... and {more} more like `{code}`: {message} (--format json lists them all)"


def diagnostic_lines(diagnostic: Diagnostic, console: Console) -> Iterator[str]:
    """Return a diagnostic as design/cli.md writes it, "Bad input"."""
    style = "1;31" if diagnostic.severity is Severity.ERROR else "1;33"
    label = console.styled(f"{diagnostic.severity}[{diagnostic.code}]", style)
    path = one_line(f" {diagnostic.path}" if diagnostic.path else "")
    place = "" if diagnostic.position.file == STATE else f"{one_line(str(diagnostic.position))}: "
    yield f"{place}{label}{path}: {one_line(diagnostic.message)}"
    if diagnostic.hint:
        yield f"  hint: {one_line(diagnostic.hint)}"


def one_line(text: str) -> str:
    """Return the text with control characters spelt out.

    A value from a spec shall not move a terminal's cursor.
    """
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def _summary_line(catalog: Catalog) -> str:
    sound = sum(1 for entry in catalog.entries if entry.digest)
    total = len(catalog.entries)
    recordings = (
        _count(total, "recording")
        if sound == total
        else f"{sound} of {_count(total, 'recording')} sound"
    )
    return f"{recordings}, {_count(catalog.errors, 'error')}, {_count(catalog.warnings, 'warning')}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def as_json(catalog: Catalog, console: Console) -> None:
    """Write the document that scripts rely on."""
    document = {
        "format_version": FORMAT_VERSION,
        "diagnostics": [diagnostic_json(diagnostic) for diagnostic in catalog.diagnostics],
        "summary": {
            "errors": catalog.errors,
            "warnings": catalog.warnings,
            "recordings": len(catalog.entries),
        },
    }
    console.line(json.dumps(document, indent=2))


def github(catalog: Catalog, console: Console) -> None:
    """Write workflow commands, which GitHub shows beside the lines of a pull request."""
    for diagnostic in catalog.diagnostics:
        place = diagnostic.position
        hint = f"\nhint: {diagnostic.hint}" if diagnostic.hint else ""
        path = f"{diagnostic.path}: " if diagnostic.path else ""
        properties = {
            "file": place.file,
            "line": place.line,
            "col": place.column,
            "title": diagnostic.code,
        }
        listed = ",".join(
            f"{name}={_escaped(str(value), ':,')}" for name, value in properties.items()
        )
        console.line(
            f"::{diagnostic.severity} {listed}::{_escaped(path + diagnostic.message + hint)}"
        )
    console.line(_summary_line(catalog))


def _escaped(value: str, more: str = "") -> str:
    for character in "%\r\n" + more:
        value = value.replace(character, f"%{ord(character):02X}")
    return value


def sarif(catalog: Catalog, console: Console) -> None:
    """Write SARIF 2.1.0, for code scanning."""
    codes = sorted({diagnostic.code for diagnostic in catalog.diagnostics})
    driver = {
        "name": "reconciler",
        "version": __version__,
        "rules": [{"id": code} for code in codes],
    }
    results = [_sarif_result(diagnostic) for diagnostic in catalog.diagnostics]
    document = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
        ],
    }
    console.line(json.dumps(document, indent=2))


def _sarif_result(diagnostic: Diagnostic) -> dict[str, Any]:
    place = diagnostic.position
    hint = f" (hint: {diagnostic.hint})" if diagnostic.hint else ""
    path = f"{diagnostic.path}: " if diagnostic.path else ""
    return {
        "ruleId": diagnostic.code,
        "level": str(diagnostic.severity),
        "message": {"text": f"{path}{diagnostic.message}{hint}"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(place.file)},
                    "region": {"startLine": place.line, "startColumn": place.column},
                }
            }
        ],
    }


FORMATS: dict[str, Callable[[Catalog, Console], None]] = {
    "text": text,
    "json": as_json,
    "github": github,
    "sarif": sarif,
}

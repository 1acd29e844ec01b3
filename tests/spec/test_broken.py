"""Every file in `broken/` holds one mistake; its first lines say what the only diagnostic is.

`# expect: LINE:COLUMN CODE PATH`, and `# hint: ...` where the hint is worth to be kept.
"""

import re
from pathlib import Path

import pytest

from reconciler.diagnostics import Diagnostic, Severity
from reconciler.spec.catalog import Catalog
from tests.spec.support import read, said

BROKEN = Path(__file__).parent / "broken"
NAMES = sorted(path.name for path in BROKEN.glob("*.yaml"))

# What a program says to its programmers, or to nobody.
FOREIGN = re.compile(
    r"\b(?:None|dict|str|int|float|bool|tuple|pydantic|Error|Exception|invalid|input)\b"
    r"|<class|object at|\[type=|\n"
)


def catalog(name: str) -> Catalog:
    return read(BROKEN, None, None, name)


def expected(name: str, label: str) -> str | None:
    lines = (BROKEN / name).read_text(encoding="utf-8").splitlines()[:2]
    starts = f"# {label}: "
    return next((line.removeprefix(starts) for line in lines if line.startswith(starts)), None)


def only(name: str) -> Diagnostic:
    (found,) = catalog(name).diagnostics
    return found


def test_there_are_many_and_each_says_what_to_expect() -> None:
    assert len(NAMES) > 70
    assert [name for name in NAMES if expected(name, "expect") is None] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_mistake_makes_one_diagnostic_at_its_place(name: str) -> None:
    found = catalog(name)
    assert said(found.diagnostics) == [f"{name}:{expected(name, 'expect')}"]
    if hint := expected(name, "hint"):
        assert found.diagnostics[0].hint == hint


@pytest.mark.parametrize("name", NAMES)
def test_what_has_a_mistake_is_not_desired(name: str) -> None:
    found = catalog(name)
    is_warning = found.diagnostics[0].severity is Severity.WARNING
    unsound = [entry.name for entry in found.entries if not entry.digest]
    assert unsound or not found.complete or is_warning or not found.entries


@pytest.mark.parametrize("name", NAMES)
def test_a_message_is_for_people(name: str) -> None:
    found = only(name)
    text = f"{found.message} | {found.hint or ''}"
    assert not FOREIGN.search(text)
    assert not found.message.endswith((".", "!"))
    assert found.message.startswith("JSON") or not found.message[0].isupper()

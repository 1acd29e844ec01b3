"""The tables of cases: bodies that break a rule, and bodies that nearly do."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from reconciler.diagnostics import path_text
from reconciler.spec.rules.rule import Body
from reconciler.spec.rules.table import findings
from reconciler.spec.wire import Json, Mode
from tests.spec.rules import bodies


@dataclass(frozen=True)
class Case:
    """One row. `finds` are all findings of the body, each as `ID severity path`."""

    rule_id: str
    breaks: bool
    number: int
    body: Body
    finds: frozenset[str]

    def __str__(self) -> str:
        return f"{self.rule_id}-{'breaks' if self.breaks else 'holds'}-{self.number}"


@cache
def cases() -> tuple[Case, ...]:
    """Read all tables."""
    return tuple(
        case for file in sorted(Path(__file__).parent.glob("*.yaml")) for case in _read(file)
    )


def found(body: Body) -> frozenset[str]:
    """Run the rules and write the findings as the tables do."""
    return frozenset(
        f"{rule.id} {finding.severity} {path_text(finding.path)}"
        for rule, finding in findings(body)
    )


def _read(file: Path) -> Iterator[Case]:
    for rule_id, table in YAML(typ="safe").load(file.read_text(encoding="utf-8")).items():
        for key in ("breaks", "holds"):
            for number, row in enumerate(table[key]):
                finds = frozenset(_full(rule_id, each) for each in row.get("finds", []))
                yield Case(rule_id, key == "breaks", number, _body(row), finds)


def _full(rule_id: str, finding: str) -> str:
    own = finding.startswith(("error ", "warning "))
    return f"{rule_id} {finding}" if own else finding


def _body(row: dict[str, Any]) -> Body:
    """Make a row's body; `cname_of`, `prefix_of`, `regions` stand for what is too long to write."""
    start: Json = row.get("start")
    cname = "a" * row["cname_of"] if "cname_of" in row else row.get("cname", "daily-standup")
    if "prefix_of" in row:
        start = {"storageConfig": {"fileNamePrefix": ["a" * row["prefix_of"]]}}
    if "regions" in row:
        layout = {"layoutConfig": _columns(row["regions"])}
        start = {"recordingConfig": {"transcodingConfig": layout}}
    uids = row.get("uids", (bodies.UID,))
    mode = Mode(row["mode"])
    return bodies.body(mode, start=start, acquire=row.get("acquire"), cname=cname, uids=uids)


def _columns(count: int) -> Json:
    return [
        {"x_axis": round(i * 0.05, 2), "y_axis": 0, "width": 0.05, "height": 1}
        for i in range(count)
    ]

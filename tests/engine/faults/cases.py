"""Every row of agora-api.md 6 at every step at which its call is made, as faults to order.

The rows are those of `tests/agora/error_rows.json`; what a run makes of each is in `outcomes.yaml`.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.engine.faults.steps import STEPS

ROWS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "agora/error_rows.json").read_text(encoding="utf-8")
)
OUTCOMES: dict[str, Any] = YAML(typ="safe").load(Path(__file__).with_name("outcomes.yaml"))

STATUS_OF = {"any": 400, "5xx": 503}
"""One status for rows that hold for many."""

TOOK_EFFECT = frozenset({"started", "going", "ended"})
"""Meanings whose call has taken effect, now or before."""

MAY_HAVE = frozenset({"perhaps-started", "busy", "unknown"})
"""Meanings that leave that open: both are tried."""

MAIN = frozenset(
    {
        ("starting", "acquire"),
        ("starting", "start"),
        ("starting", "query"),
        ("running", "query"),
        ("stopping", "query"),
        ("stopping", "stop"),
        ("changing", "update"),
        ("changing", "updateLayout"),
    }
)
"""Where each call is made for the first time."""

MUTATING = frozenset({"start", "update", "updateLayout", "stop"})


@dataclass(frozen=True)
class Case:
    """One row at one step."""

    step: str
    endpoint: str
    row: dict[str, Any]
    always: bool
    took_effect: bool

    @property
    def is_refused(self) -> bool:
        """Whether the request does not even leave."""
        return bool(self.row["status"] == "not sent")

    @property
    def effect(self) -> dict[str, Any]:
        """The effect of the fault rule."""
        if self.is_refused:
            return {}
        if self.row["status"] == "no answer":
            return {"drop": "after" if self.took_effect else "before"}
        status = STATUS_OF.get(self.row["status"], self.row["status"])
        told = {"code": self.row["code"], "message": self.row["message"]}
        said = {key: value for key, value in told.items() if value}
        return {"status": status, "processed": self.took_effect, **said}

    @property
    def expected(self) -> str:
        """`done`, `none`, or the code of the problem that the run ends with."""
        table = OUTCOMES.get(f"{self.step} {self.endpoint}") or OUTCOMES[self.endpoint]
        meaning = self.row["meaning"]
        keys = [f"{meaning} effect"] if self.took_effect else []
        keys += [f"{meaning} {self.row['again']}", meaning]
        once, always = next(table[key] for key in keys if key in table)
        return str(always if self.always else once)

    def __str__(self) -> str:
        words = [self.step, self.endpoint, self.row["status"], self.row["code"]]
        words += [self.row["message"], "always" if self.always else "once"]
        words += ["took-effect"] if self.took_effect else []
        return re.sub(r"\W+", "-", " ".join(str(word) for word in words if word))


def cases() -> list[Case]:
    """Return every row at its main step, and every meaning of rows at the others."""
    found: dict[Any, Case] = {}
    for row, (step, endpoint) in product(ROWS, places()):
        if endpoint in row["endpoints"]:
            for effect, always in product(effects(row, endpoint), (False, True)):
                case = Case(step, endpoint, row, always, effect)
                is_main = (step, endpoint) in MAIN
                alike = (step, endpoint, row["meaning"], row["again"], effect, always)
                found.setdefault(str(case) if is_main else alike, case)
    return list(found.values())


def places() -> Iterator[tuple[str, str]]:
    """Yield every step with every call that it makes."""
    for name, step in STEPS.items():
        for endpoint in step.endpoints:
            yield name, endpoint


def effects(row: dict[str, Any], endpoint: str) -> tuple[bool, ...]:
    """Return whether the call takes effect although it is answered so: no, yes, or either."""
    if endpoint not in MUTATING or row["status"] == "not sent":
        return (False,)
    if row["meaning"] in TOOK_EFFECT:
        return (True,)
    return (False, True) if row["meaning"] in MAY_HAVE else (False,)

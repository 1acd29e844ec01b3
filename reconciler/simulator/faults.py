"""Faults to order: rules that say which call goes wrong, and how. Pure.

All rules that fit a call count it; the first of them that fires decides what happens.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from random import Random

from reconciler.simulator import tree
from reconciler.simulator.answers import Answer
from reconciler.simulator.chance import chance
from reconciler.simulator.orders import ORDERS
from reconciler.simulator.routes import Endpoint
from reconciler.simulator.shape import (
    Check,
    ShapeError,
    UnknownKeys,
    anything,
    array,
    block,
    choice,
    flag,
    number,
    refuse,
    text,
    whole,
)
from reconciler.simulator.tree import Json, Object

RULES_MAX = 1_000
WAIT_S_MAX = 3_600.0
LATER_S_MAX = 2_592_000.0
ANY = "*"
BEFORE, AFTER = "before", "after"
ID_LENGTH_MAX = 100


@dataclass(frozen=True, slots=True)
class Effect:
    """What happens to a call instead of, or beside, what should."""

    answer: Answer | None = None
    """What is answered; the call itself is not processed unless `processed`."""
    processed: bool = False
    hold_s: float = 0.0
    """How long the call is held back before it is processed."""
    delay_s: float = 0.0
    """How long its answer is held back."""
    drop: str = ""
    """The connection breaks `before` or `after` the call is processed."""
    then: tuple[str, Object, float] | None = None
    """An order for the session, its body, and after how many seconds."""


NO_EFFECT = Effect()


@dataclass(slots=True)
class Rule:
    """One rule: when it fires, and what then."""

    id: str
    source: Object
    effect: Effect
    random: Random
    seen: int = 0
    fired: int = 0

    def fits(self, call: Object) -> bool:
        """Tell whether a call is of the kind that this rule is about."""
        if self.source["endpoint"] not in {ANY, call["endpoint"]}:
            return False
        return all(self.source.get(key, call[key]) == call[key] for key in MATCHED)

    def fires(self) -> bool:
        """Count a call that fits, and tell whether it is to go wrong."""
        self.seen += 1
        source = self.source
        nth = source.get("nth")
        chosen = nth if isinstance(nth, list) else [nth]
        lucky = self.random.random() < tree.number(source, "probability", 1.0)
        wanted = (
            lucky
            and (nth is None or self.seen in chosen)
            and self.seen % tree.whole(source, "every", 1) == 0
            and self.fired < tree.whole(source, "times", self.seen)
        )
        self.fired += wanted
        return wanted

    def shown(self) -> Object:
        """Return it for people."""
        return {**self.source, "id": self.id, "seen": self.seen, "fired": self.fired}


MATCHED = ("cname", "uid", "mode")


@dataclass(slots=True)
class Faults:
    """The rules, in the order in which they were given."""

    seed: int
    rules: dict[str, Rule] = field(default_factory=dict)
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def add(self, source: Json) -> Rule:
        """Add a rule, or replace the one with its id. Raises ShapeError if it is no rule."""
        RULE(source, "", UnknownKeys.REFUSE)
        given = tree.child(source)
        name = tree.text(given, "id") or f"fault-{next(self._numbers)}"
        if name not in self.rules and len(self.rules) >= RULES_MAX:
            raise ShapeError("", f"there are {RULES_MAX} rules already")
        seed = tree.whole(given, "seed", self.seed)
        rule = Rule(name, given, _effect(tree.child(given, "effect")), chance(seed, name))
        self.rules[name] = rule
        return rule

    def add_all(self, sources: Sequence[Json]) -> list[Rule]:
        """Add all these rules, or none. Raises ShapeError at the first that is no rule."""
        for index, source in enumerate(sources):
            try:
                RULE(source, "", UnknownKeys.REFUSE)
            except ShapeError as problem:
                raise ShapeError("", f"rule {index + 1}: {problem}") from None
        return [self.add(source) for source in sources]

    def strike(self, call: Object) -> Rule | None:
        """Return the rule that makes this call go wrong, or None."""
        fired = [rule for rule in self.rules.values() if rule.fits(call) and rule.fires()]
        return fired[0] if fired else None


def _effect(given: Object) -> Effect:
    return Effect(
        answer=_answer(given) if "status" in given else None,
        processed=tree.flag(given, "processed"),
        hold_s=tree.number(given, "hold_s"),
        delay_s=tree.number(given, "delay_s"),
        drop=tree.text(given, "drop"),
        then=_then(tree.child(given, "then")) if "then" in given else None,
    )


def _answer(given: Object) -> Answer:
    status = tree.whole(given, "status")
    if "body" in given:
        return Answer(status, given["body"])
    keys = [key for key in ("code", "reason", "message") if key in given]
    return Answer(status, {key: given[key] for key in keys})


def _then(given: Object) -> tuple[str, Object, float]:
    body = {key: value for key, value in given.items() if key not in {"order", "after_s"}}
    return tree.text(given, "order"), body, tree.number(given, "after_s")


def _status(value: Json, path: str, unknown: UnknownKeys) -> None:
    whole(200, 599)(value, path, unknown)
    if value in BODILESS:
        refuse(path, "must be a status that has a body")


BODILESS = (204, 205, 304)


def _order(value: Json, path: str, unknown: UnknownKeys) -> None:
    block(
        {"order": choice(*ORDERS), "after_s": number(0, LATER_S_MAX)},
        needs=("order",),
        passes_unknown=True,
    )(value, path, unknown)
    name, body, _ = _then(tree.child(value))
    ORDERS[name].shape(body, path, unknown)


def _nth(value: Json, path: str, unknown: UnknownKeys) -> None:
    check = array(whole(1), least=1) if isinstance(value, list) else whole(1)
    check(value, path, unknown)


def _some_effect(value: Json, path: str, unknown: UnknownKeys) -> None:
    _EFFECT(value, path, unknown)
    given = tree.child(value)
    if not set(given) & {"status", "hold_s", "delay_s", "drop", "then"}:
        refuse(path, "must have `status`, `hold_s`, `delay_s`, `drop` or `then`")
    if set(given) & {"code", "reason", "message", "body", "processed"} and "status" not in given:
        refuse(f"{path}.status", "is missing")


_EFFECT = block(
    {
        "status": _status,
        "code": whole(0),
        "reason": text(),
        "message": text(),
        "body": anything,
        "processed": flag,
        "hold_s": number(0, WAIT_S_MAX),
        "delay_s": number(0, WAIT_S_MAX),
        "drop": choice(BEFORE, AFTER),
        "then": _order,
    }
)
RULE: Check = block(
    {
        "id": text(f"[^/]{{1,{ID_LENGTH_MAX}}}", "must be a text without slashes"),
        "endpoint": choice(ANY, *Endpoint),
        **dict.fromkeys(MATCHED, text()),
        "nth": _nth,
        "every": whole(1),
        "times": whole(1),
        "probability": number(0, 1),
        "seed": whole(0),
        "effect": _some_effect,
    },
    needs=("endpoint", "effect"),
)

"""What each Recording's spec was, and since when."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise, zip_longest
from math import inf
from typing import TYPE_CHECKING, Any

from reconciler.plan.spans import Spans, span
from tests.daemon.cast import Role
from tests.simulation.seconds import EVER

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation


@dataclass(frozen=True, slots=True)
class Stance:
    """A spec, from a moment on."""

    since_s: float
    spec: Mapping[str, Any]

    @property
    def policy(self) -> Mapping[str, Any]:
        """Return its policy, as far as it is said."""
        policy: Mapping[str, Any] = self.spec.get("policy", {})
        return policy

    @property
    def replicas(self) -> int:
        """Return how many sessions it wants."""
        return int(self.spec.get("replicas", 1))

    def says(self, field: str, *values: object) -> bool:
        """Tell whether the policy has one of these values there."""
        return self.policy.get(field) in values


class Stances:
    """Those of all Recordings so far, whatever they are called now."""

    def __init__(self, sim: "Simulation") -> None:
        self._sim = sim
        self._edition = -1
        self._rows: list[tuple[list[Any], list[Stance], list[str]]] = []
        """By what was asked of a Role, which it keeps when it is renamed; with its names."""

    def look(self) -> None:
        """Look at the specs; called whenever somebody may have changed them."""
        if self._edition == self._sim.edition:
            return
        self._edition = self._sim.edition
        for role in self._sim.roles.values():
            names = self.names(role)
            if role.name not in names:
                names.append(role.name)
            rows = self._of(role)
            if not rows or rows[-1].spec != role.spec:
                rows.append(Stance(self._sim.now_s if rows else 0.0, deepcopy(role.spec)))

    def of(self, role: Role) -> Iterator[tuple[Stance, Spans]]:
        """Yield what it was at first and then, and when."""
        rows = self._of(role)
        for each, then in zip_longest(rows, rows[1:]):
            yield each, span(each.since_s, then.since_s if then else inf, EVER)

    def ever(self, role: Role, field: str, *values: object) -> bool:
        """Tell whether its policy ever had one of these values there."""
        return any(each.says(field, *values) for each in self._of(role))

    def lately(self, role: Role, since_s: float) -> Mapping[str, Any] | None:
        """Return its policy; None: it was another one after that moment."""
        rows = self._of(role)
        changed = self.is_edited(role, since_s, "policy")
        return None if changed or not rows else rows[-1].policy

    def is_edited(self, role: Role, since_s: float, *fields: str) -> bool:
        """Tell whether these fields of its spec (none: any) changed after a moment."""
        rows = self._of(role)
        lately = [each for each in rows if each.since_s > since_s]
        before = rows[-len(lately) - 1 :][:1]
        found = [
            [each.spec.get(name) for name in fields or sorted(each.spec)]
            for each in (*before, *lately)
        ]
        return any(first != then for first, then in pairwise(found))

    def names(self, role: Role) -> list[str]:
        """Return what it was ever called."""
        return self._row(role)[2]

    def _of(self, role: Role) -> list[Stance]:
        return self._row(role)[1]

    def _row(self, role: Role) -> tuple[list[Any], list[Stance], list[str]]:
        for row in self._rows:
            if row[0] is role.asked:
                return row
        self._rows.append((role.asked, [], []))
        return self._rows[-1]

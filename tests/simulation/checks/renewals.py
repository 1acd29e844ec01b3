"""Who writes with which credentials."""

from math import inf

from reconciler.plan.spans import both
from reconciler.simulator import tree
from tests.simulation.check import Check
from tests.simulation.seconds import living

REFRESH_S = 300.0
"""Of the storage that reads its credentials from a file (`Simulation`)."""

FRESH_S = 300.0
"""What was read so lately is not read again: the least `refresh` (design/spec-format.md)."""

TAKEN_S = 60.0
"""How long a look and an `update` may take."""


class Renewals(Check):
    """Nobody writes with credentials that were replaced longer ago than `refresh` allows.

    design/spec-format.md, Storage, `refresh`.
    """

    def look(self) -> None:
        keys = self.sim.keys
        oldest_s = self.sim.now_s - REFRESH_S - FRESH_S - TAKEN_S
        ends_s = [since_s for since_s, _ in keys[1:]] + [inf]
        old = {key for (_, key), end_s in zip(keys, ends_s, strict=True) if end_s < oldest_s}
        if not old:
            return
        for session, (name, _) in living(self.sim):
            if tree.text(tree.child(session.config, "storageConfig"), "accessKey") in old:
                self._check(name, oldest_s)

    def _check(self, name: str, oldest_s: float) -> None:
        role = self.sim.roles.get(name)
        if role is not None and "storage" in role.spec.get("policy", {}).get("ignore", ()):
            return  # changes of it are not acted on while it records (spec-format.md, `ignore`)
        lately = ((int(oldest_s), int(self.sim.now_s) + 1),)
        if not both(self.sim.excuses.of(name), lately):
            self.fail(f"`{name}` writes with credentials that were replaced long ago")

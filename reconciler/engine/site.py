"""What every step of the engine is handed: one value instead of many arguments."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from reconciler.clock import Clock
from reconciler.engine.apps import Apps
from reconciler.engine.halt import Halt
from reconciler.engine.records import Records
from reconciler.engine.vault import Vault
from reconciler.plan.action import Action
from reconciler.plan.session import Session
from reconciler.plan.world import Options, Wanted
from reconciler.spec.desired import Desired

RESYNC_S = 120.0
"""How often a running session is queried (design/cli.md, "run")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Specs:
    """The specs of a run: what is wanted, by name, and the way to the whole of each."""

    wanted: Mapping[str, Wanted] = field(default_factory=dict)
    desired: Callable[[str], Desired]


def _nothing(name: str) -> Desired:
    raise KeyError(name)


NO_SPECS = Specs(desired=_nothing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The parts of one run over one scope.

    `at_s` is the moment for which schedules are read, None: now. `doing` tells what a recording is
    at, for people. `alarm` writes a line that must not be lost to stderr. `resync_s` is how often a
    session is queried while it records, `lets` whether an action may be carried out now (a guard
    may hold it).
    """

    records: Records
    apps: Apps
    vault: Vault
    specs: Specs
    clock: Clock
    rng: Random
    options: Options = field(default_factory=Options)
    at_s: float | None = None
    doing: Callable[[str, int, str], None] = lambda *_: None
    alarm: Callable[[str], None] = lambda _: None
    resync_s: Callable[[Session], float] = lambda _: RESYNC_S
    lets: Callable[[Action], bool] = lambda _: True

    @property
    def halt(self) -> Halt:
        """Return whether to begin nothing new; the calls that wait in line know it too."""
        return self.apps.halt

    def now_s(self) -> float:
        """Return the Unix time."""
        return self.clock.now_s()

    def is_selected(self, name: str) -> bool:
        """Tell whether a Recording was asked for, by its own name or its RecordingSet's."""
        known = self.specs.wanted.get(name) or self.records.recorded.get(name)
        return self.options.selects(name, known.set_name if known else "")

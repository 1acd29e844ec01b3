"""A small Script, and checks that no sound program could pass: for tests of the simulation."""

from tests.daemon.wires import Call
from tests.simulation.check import Check
from tests.simulation.draw import BEGINS_S
from tests.simulation.process import Process
from tests.simulation.script import Part, Script, Step

PAGE = Part(
    "page",
    "web",
    {
        "app": "north",
        "storage": "archive",
        "web": {"url": "https://example.com/page", "maxDuration": "1h"},
        "policy": {"restart": "always", "replace": "start-first", "stop": "async"},
    },
)


def small_script(*steps: Step, parts: tuple[Part, ...] = (PAGE,)) -> Script:
    """Return a Script of a minute and a half."""
    return Script(
        seed=7,
        parts=parts,
        steps=steps,
        safety_s=90.0,
        begins_s=BEGINS_S[0],
        settings={"tick_s": 5.0, "interval_s": 60.0},
        tuning={"start_delay_s": 1.0},
    )


class NobodyDies(Check):
    """No process is killed: whoever kills one breaks it."""

    def died(self, process: Process) -> None:
        if process.life.dead:
            self.fail(f"{process.name} is dead")


class NobodyCalls(Check):
    """Nothing is asked of the service: every simulation breaks it soon."""

    def called(self, process: Process, call: Call) -> None:
        self.fail(f"{process.name} calls {call.endpoint}")

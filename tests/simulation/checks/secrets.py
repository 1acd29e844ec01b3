"""Whether any secret of the world stands where somebody may read it."""

import base64
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from reconciler.engine.history import histories
from reconciler.engine.records import Records
from reconciler.plan.action import Plan
from reconciler.plan.coverage import coverage
from reconciler.state.store import Store
from reconciler.web.events import event_document
from reconciler.web.page import page
from reconciler.web.sessions import sessions_document
from reconciler.web.status import status_document
from reconciler.web.view import view_of
from tests.daemon.wires import Call
from tests.simulation.check import Check
from tests.simulation.commands import ApplyProcess
from tests.simulation.process import DaemonProcess, Process

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

OPEN = frozenset({"CUSTOMER_ID"})
"""Variables of the environment that are no secret by themselves."""


class Secrets(Check):
    """No secret leaves the process but to the service (design/reconcile.md, invariant 9).

    All that anybody can read is searched once, at the end.
    """

    def __init__(self, sim: "Simulation") -> None:
        super().__init__(sim)
        self._tokens: dict[str, None] = {}
        self._plans: list[Plan] = []
        self._texts: list[str] = []

    def called(self, process: Process, call: Call) -> None:
        """Learn the tokens that are generated: only the service is told of them."""
        del process
        if call.endpoint == "start" and "token" in call.body["clientRequest"]:
            self._tokens[call.body["clientRequest"]["token"]] = None

    def planned(self, process: Process, plan: Plan) -> None:
        del process
        self._plans.append(plan)

    def died(self, process: Process) -> None:
        if isinstance(process, DaemonProcess):
            self._texts.append(process.metrics())
        elif isinstance(process, ApplyProcess):
            self._texts.append(f"{process.failed} {process.results}")

    def end(self) -> None:
        with self.sim.stage.store(write=False) as store:
            documents = json.dumps(list(self._documents(store)))
        places = {
            "the story": "\n".join(
                each.text for each in self.sim.timeline.entries if each.who != "people"
            ),
            "the log": self.sim.logs.text(),
            "a plan": "\n".join(map(repr, self._plans)),
            "a document": documents,
            "metrics or results": "\n".join(self._texts),
            "the state's files": self._state().decode("latin-1"),
        }
        for secret in self._secrets():
            for place, text in places.items():
                if secret in text:
                    self.fail(f"{place} has the secret `{secret[:24]}`")

    def _secrets(self) -> Iterator[str]:
        environ = self.sim.stage.environ
        yield from (value for name, value in sorted(environ.items()) if name not in OPEN)
        customer = f"{environ['CUSTOMER_ID']}:{environ['CUSTOMER_SECRET']}"
        yield base64.b64encode(customer.encode()).decode()
        for _, key in self.sim.keys:
            yield from (key, f"secret-of-{key}")
        yield from self._tokens

    def _documents(self, store: Store) -> Iterator[object]:
        sim, scope = self.sim, self.sim.stage.scope
        view = view_of(Records(store, scope, store.snapshot(scope)), sim.now_s)
        yield status_document(view)
        yield page(view)
        yield sessions_document(store.past(scope))
        yield [event_document(event) for _, event in store.events(scope)]
        begins_s, now_s = sim.script.begins_s, sim.now_s
        for each in histories(store, scope, begins_s):
            yield repr(coverage(each, begins_s, now_s, now_s))

    def _state(self) -> bytes:
        """Return all that is on the disk of the state, but for its key."""
        files = sorted((self.sim.folder / "state").glob("state.db*"))
        return b"\n".join(each.read_bytes() for each in files if each.suffix != ".key")

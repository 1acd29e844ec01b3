"""Our processes: those that a supervisor keeps going, and commands beside them; and their power.

A `run` that is dead, or was refused, is begun anew after a while, as systemd does it.
"""

import asyncio
from collections import deque
from collections.abc import Coroutine
from contextvars import Context
from random import Random
from typing import TYPE_CHECKING

from tests.simulation.process import DaemonProcess, Process
from tests.simulation.reached import FAULT

if TYPE_CHECKING:
    from tests.simulation.simulation import Simulation

AGAIN_S = 1.0
BOOT_S = 2.0
"""No process begins so soon after the power is back."""


class Supervisor:
    """Keeps one `run` going; there are never two of it."""

    def __init__(self, sim: "Simulation", name: str, *, stands_by: bool) -> None:
        self.process: DaemonProcess | None = None
        self.down_s = AGAIN_S
        """How long it takes to begin it anew."""

        self._sim = sim
        self._name = name
        self._stands_by = stands_by
        self._order = 0

    def begin(self) -> None:
        """Begin it, if it does not go."""
        self._order += 1
        if self.process is not None and self.process.alive:
            return
        sim = self._sim
        name = f"{self._name}-{sim.next_number()}"
        self.process = DaemonProcess(sim, name, stands_by=self._stands_by)
        if sim.host.fates:
            sim.reach(FAULT, "dies-again")
            self.process.life.die_after(*sim.host.fates.popleft())
        sim.say(name, "begins")
        self.process.begin()

    def begin_in(self, after_s: float) -> None:
        """Begin it after a while, unless there is another order until then."""
        self._order += 1
        order = self._order
        self._sim.after(after_s, lambda: self.begin() if order == self._order else None)

    async def end(self) -> None:
        """End it in order, and do not begin it anew."""
        self._order += 1
        process, self.process = self.process, None
        if process is not None and process.alive:
            await process.end()

    def lost(self, process: Process) -> None:
        """Take note that a process is dead or was refused, and begin anew if it was this one's."""
        if process is self.process:
            self.process = None
            self.begin_in(self.down_s if process.life.dead else AGAIN_S)


class Host:
    """All processes of ours, and the disk under their state."""

    def __init__(self, sim: "Simulation") -> None:
        self.main = Supervisor(sim, "run", stands_by=False)
        self.standby = Supervisor(sim, "standby", stands_by=True)
        self.commands: list[Process] = []
        self.fates: deque[tuple[str, int]] = deque()
        """Where each `run` dies that is begun from now on."""

        self._sim = sim
        self._is_cut = False
        self._under_way: set[asyncio.Task[None]] = set()

    @property
    def daemon(self) -> DaemonProcess | None:
        """Return the `run` that holds the scope."""
        return next((each for each in self._runs() if each.leads), None)

    def processes(self) -> list[Process]:
        """Return those that live."""
        return [*self._runs(), *(each for each in self.commands if each.alive)]

    def begin(self, command: Process) -> None:
        """Begin a command beside whatever runs; nobody does while the power is cut."""
        if self._is_cut:
            return
        self.commands.append(command)
        command.begin()

    async def carry_out(self, command: Process) -> None:
        """Run a command to its end."""
        self.begin(command)
        await asyncio.wait([command.work])
        command.work.result()

    async def end(self) -> None:
        """End every `run` in order; nobody begins them anew."""
        for supervisor in (self.standby, self.main):
            await supervisor.end()

    async def abandon(self) -> None:
        """Let everything be dead."""
        for process in self.processes():
            process.life.die()
            await process.bury()

    def spare(self) -> None:
        """Let nobody die where he was to."""
        self.fates.clear()
        for process in self.processes():
            process.life.spare()
            process.takes_power = None
        for supervisor in (self.standby, self.main):
            supervisor.down_s = AGAIN_S

    def held(self, process: Process) -> None:
        """Hear that a process has the lock of the scope."""
        if process is self.standby.process:
            self._sim.reach(FAULT, "takes-over")

    def fell(self, process: Process) -> None:
        """Hear that a process has died, from within; its remains go in a moment."""
        self._reach(process)
        if process.takes_power is not None:
            self.cut_power(process.takes_power, process)
        for supervisor in (self.standby, self.main):
            if process is supervisor.process:
                self._sim.trouble(supervisor.down_s, "down")
        self.ended(process)
        self._go_on(process.bury())

    def ended(self, process: Process) -> None:
        """Hear that a process has ended by itself, or in order."""
        for supervisor in (self.standby, self.main):
            supervisor.lost(process)
        self.commands = [each for each in self.commands if each is not process]

    def cut_power(self, luck: int, *fallen: Process) -> None:
        """Let all processes die at this moment; then the disk has what a real one would have.

        `fallen` are those that are dead already, and still hold on to files.
        """
        if self._is_cut:
            return
        self._is_cut = True
        self._sim.say("people", "the power is cut")
        self._sim.disk.cut()
        for supervisor in (self.standby, self.main):
            supervisor.down_s = max(supervisor.down_s, BOOT_S)
        dying = self.processes()
        for process in dying:
            process.life.die()
        self._go_on(self._power_is_back([*fallen, *dying], luck))

    async def _power_is_back(self, dead: list[Process], luck: int) -> None:
        for process in dead:
            await process.bury()
        what = self._sim.disk.come_back(Random(luck))
        self._sim.reach(FAULT, f"power-{what}")
        self._sim.say("people", f"the power is back; what was not synced is {what}")
        self._is_cut = False

    def _go_on(self, work: Coroutine[None, None, None]) -> None:
        """Do something beside what goes on, in a context of its own: it belongs to no process."""
        task = asyncio.get_running_loop().create_task(work, context=Context())
        self._under_way.add(task)
        task.add_done_callback(self._is_over)

    def _is_over(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._sim.violated("Simulation", f"{type(error).__name__}: {error}")

    def look(self) -> None:
        """See that no `run` ended that nobody ended."""
        for process in (self.main.process, self.standby.process):
            if process is not None and process.work.done() and not process.life.dead:
                self._sim.violated("Simulation", f"a run ended: {process.failure()}")

    def _reach(self, process: Process) -> None:
        """Count where a process died."""
        what = process.life.died_at.partition(" ")[0]
        if what and process.command == "run":
            self._sim.reach(FAULT, f"dies-{what}")
        elif what:
            self._sim.reach(FAULT, f"{process.command}-dies")

    def _runs(self) -> list[DaemonProcess]:
        runs = (self.main.process, self.standby.process)
        return [each for each in runs if each is not None and each.alive]

"""Who takes over whose sessions when names change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.state.store import Change, DropRecorded, Rename, SetRecorded
from tests.simulation.check import Check
from tests.simulation.wishes import Wishes

if TYPE_CHECKING:
    from tests.simulation.process import Process
    from tests.simulation.simulation import Simulation

Place = tuple[str, str, str]
"""App, channel and mode."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What the specs said that a process read last."""

    names: frozenset[str]
    new: Mapping[str, Place]
    files: tuple[str, ...]
    is_sound: bool


class Renames(Check):
    """One that only changed its name goes on under the new one; who cannot be told is not guessed.

    design/reconcile.md, "Renames": a Recording that is gone and a new one with the same App ID,
    channel and mode, where this pair is the only one, are one. Where not all specs could be read,
    nothing is known to be gone.
    """

    def __init__(self, sim: "Simulation") -> None:
        super().__init__(sim)
        self._wishes = Wishes(sim)
        self._known: dict[str, Place] = {}
        """What state holds of Recordings, by name."""

        self._read: dict[int, Sight] = {}

    def look(self) -> None:
        self._wishes.look()

    def loaded(self, process: "Process") -> None:
        view = self._wishes.now()
        places = {name: wish.place for name, wish in view.wishes.items()}
        if process.files:
            places = {
                name: place
                for name, place in places.items()
                if self.sim.file_of(name) in process.files
            }
        self._read[process.number] = Sight(view.names, places, process.files, view.is_sound)

    def wrote(self, process: "Process", changes: Sequence[Change]) -> None:
        sight = self._read.get(process.number)
        pairs = self._pairs(sight) if sight else {}
        for change in changes:
            match change:
                case Rename(before=before, after=after):
                    if pairs.get(after) != before:
                        self.fail(f"`{before}` is taken for `{after}`, and it may be another one")
                    self._known[after] = self._known.pop(before)
                case SetRecorded(recorded=each):
                    if each.name not in self._known and each.name in pairs:
                        self.fail(f"`{each.name}` is begun anew, and was `{pairs[each.name]}`")
                    self._known[each.name] = (each.app, each.channel, each.mode)
                case DropRecorded(name=name):
                    self._known.pop(name, None)
                case _:
                    pass

    def _pairs(self, sight: Sight) -> Mapping[str, str]:
        """Return the old name of each that only changed it, by its new one."""
        if not sight.is_sound:
            return {}
        new = {name: place for name, place in sight.new.items() if name not in self._known}
        gone = {
            name: place
            for name, place in self._known.items()
            if name not in sight.names and self._is_read(name, sight) and not self._has_moved(name)
        }
        found = {}
        for name, place in new.items():
            olds = [each for each, was in gone.items() if was == place]
            if len(olds) == 1 and list(new.values()).count(place) == 1:
                found[name] = olds[0]
        return found

    def _has_moved(self, name: str) -> bool:
        """Tell whether its sessions are those of another App ID than its App has now."""
        app_id = self.sim.apps.ids[self._known[name][0]]
        return any(
            each.recording == name and each.app_id != app_id
            for each in self.sim.book.sessions.values()
            if each.may_live
        )

    def _is_read(self, name: str, sight: Sight) -> bool:
        return not sight.files or self.sim.file_of(name) in sight.files

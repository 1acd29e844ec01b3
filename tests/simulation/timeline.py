"""What happened when, on the virtual timeline: the story of a simulation, and its fingerprint."""

import hashlib
import re
from dataclasses import dataclass

SHOWN_MAX = 400

_OF_RECORDING = re.compile(r"(?P<name>[a-z0-9][a-z0-9-]*)(?:\[\d+\])?[: ]")


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened; `who` is `people`, `service`, `state`, or a process."""

    at_s: float
    who: str
    text: str

    def __str__(self) -> str:
        return f"{moment(self.at_s)}  {self.who:<10} {self.text[:SHOWN_MAX]}"

    @property
    def recording(self) -> str:
        """Return the Recording that state says something of; empty: it is of none."""
        found = _OF_RECORDING.match(self.text) if self.who == "state" else None
        return found["name"] if found else ""


class Timeline:
    """All entries of a simulation, in order."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def add(self, at_s: float, who: str, text: str) -> None:
        """Take note of something."""
        self.entries.append(Entry(at_s, who, text))

    def fingerprint(self) -> str:
        """Return what two simulations share only if the same happened in them."""
        digest = hashlib.sha256()
        for entry in self.entries:
            digest.update(f"{entry}\n".encode())
        return digest.hexdigest()


def moment(at_s: float) -> str:
    """Write a moment of the timeline as minutes and seconds."""
    minutes, seconds = divmod(round(at_s, 3), 60)
    return f"{int(minutes):4d}:{seconds:06.3f}"

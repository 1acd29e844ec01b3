"""Where the values of a document stand, as a tree beside its data. Pure."""

from dataclasses import dataclass

from reconciler.spec.source import Place
from reconciler.spec.wire import Path


@dataclass(frozen=True, slots=True)
class Mark:
    """Where one value and its key start, and the same of what it holds."""

    place: Place
    key_place: Place
    children: dict[str | int, "Mark"]

    def find(self, path: Path, *, of_key: bool) -> Place:
        """Return where the value at `path` starts, or its key.

        If the path goes on further than the values, it is the place of the deepest there is.
        """
        mark = self
        place = mark.place
        for step in path:
            child = mark.children.get(step)
            if child is None:
                return mark.place
            place = child.key_place if of_key else child.place
            mark = child
        return place

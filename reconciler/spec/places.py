"""Where a value of a manifest was written, also through templates and sets.

Pure; asked only for diagnostics.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.diagnostics import Diagnostic, Position, path_text
from reconciler.spec.problems import Problem
from reconciler.spec.substitute import filled_key
from reconciler.spec.syntax import Document
from reconciler.spec.templates import is_open
from reconciler.spec.wire import Path


@dataclass(frozen=True, slots=True)
class Layer:
    """One text that a manifest came from.

    `base` is where the manifest's root stands in the document; `row` holds the variables of a set,
    whose keys may have stood as `${name}`.
    """

    document: Document
    base: Path = ()
    row: Mapping[str, Any] | None = None

    def written(self, path: Path) -> Path:
        """Return the path as the document has it, as deep as the document goes."""
        node: Any = self.document.data
        steps: list[str | int] = []
        for step in (*self.base, *path):
            found = self._step(node, step)
            if found is None:
                break
            steps.append(found)
            node = node[found]
        return tuple(steps)

    def replaces(self, path: Path) -> bool:
        """Tell whether what it writes on the way to `path` is merged with nothing below it."""
        node: Any = self.document.data
        for depth, step in enumerate(self.written(path)):
            node = node[step]
            within = path[1 : depth + 1 - len(self.base)]
            if within and not is_open(node, ".".join(map(str, within))):
                return True
        return False

    def _step(self, node: Any, step: str | int) -> str | int | None:
        if isinstance(node, list) and isinstance(step, int):
            return step if step < len(node) else None
        if not isinstance(node, dict) or step in node:
            return step if isinstance(node, dict) else None
        names = (key for key in node if self.row is not None and "${" in key)
        return next((key for key in names if filled_key(key, self.row or {}) == step), None)


@dataclass(frozen=True, slots=True)
class Place:
    """All texts that made one manifest, in order of merging.

    Templates first, the manifest's own text last.

    `origin` names the generator's item, such as `rooms.csv:57`; empty outside a set.
    """

    layers: tuple[Layer, ...]
    origin: str = ""

    def diagnostic(self, problem: Problem) -> Diagnostic:
        """Give a problem its file, line and column.

        In the last text that wrote the value, or came closest.
        """
        layer, written = self._closest(problem.path)
        depth = len(written) - len(layer.base)
        missing = problem.path[max(depth, 0) :]
        position = layer.document.position(written, of_key=problem.of_key and not missing)
        path = path_text((*written, *missing))
        message = problem.message
        if self.origin and layer is self.layers[-1]:
            message += f" (made from {self.origin})"
        return Diagnostic(position, path, problem.severity, problem.code, message, problem.hint)

    def position(self, path: Path) -> Position:
        """Return where the value at `path` was written."""
        layer, written = self._closest(path)
        return layer.document.position(written)

    def _closest(self, path: Path) -> tuple[Layer, Path]:
        own = self.layers[-1]
        best = own, own.written(path)
        for upper, layer in zip(self.layers[:0:-1], self.layers[-2::-1], strict=True):
            if upper.replaces(path):
                break
            written = layer.written(path)
            if len(written) - len(layer.base) > len(best[1]) - len(best[0].base):
                best = layer, written
        return best

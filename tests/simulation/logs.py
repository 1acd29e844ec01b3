"""What our processes log, kept as it is: nobody writes it anywhere."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from reconciler.engine import tracing

_ROOT, _OURS = logging.getLogger(), logging.getLogger("reconciler")


class Logs(logging.Handler):
    """Every record, of the program whatever its level, with the fields that it was given."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: list[tuple[logging.LogRecord, object]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        self._kept.append((record, tracing.fields()))

    def text(self) -> str:
        """Return all of them."""
        return "\n".join(f"{each.getMessage()} {vars(each)} {more}" for each, more in self._kept)

    @contextmanager
    def attached(self) -> Iterator[None]:
        """Hear what is logged, alone."""
        before = _ROOT.handlers, _OURS.level, _OURS.propagate, _ROOT.manager.disable
        _ROOT.handlers, _OURS.propagate = [self], True
        _OURS.setLevel(logging.DEBUG)
        logging.disable(logging.NOTSET)
        try:
            yield
        finally:
            _ROOT.handlers, level, _OURS.propagate, disabled = before
            _OURS.setLevel(level)
            logging.disable(disabled)

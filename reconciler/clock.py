"""The one place that reads the system's clock; everything else is handed a Clock."""

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time. Tests bring their own, so that a day takes no time."""

    def now_s(self) -> float:
        """Return the Unix time."""
        ...


class SystemClock:
    """The clock on the wall."""

    def now_s(self) -> float:
        """Return the Unix time."""
        return time.time()

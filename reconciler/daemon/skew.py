"""Notices a clock that was set: by more than what has passed since the last look."""

from reconciler.clock import Clock

JUMP_S = 2.0
"""A clock that is only corrected moves by less between two looks."""


class Skew:
    """How far the time of day is from the time that passes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._skew_s = self._now_s()

    def jumped_s(self) -> float:
        """Return by how much the clock was set since the last look; 0: it was not."""
        by_s = self._now_s() - self._skew_s
        if abs(by_s) <= JUMP_S:
            return 0.0
        self._skew_s += by_s
        return by_s

    def _now_s(self) -> float:
        return self._clock.now_s() - self._clock.monotonic_s()

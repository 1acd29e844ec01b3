"""The gateway's rate limit: so many calls in any second. Pure."""

from collections import deque

WINDOW_S = 1.0


class SlidingSecond:
    """Admits at most `most` calls in any second; a refused call does not count."""

    def __init__(self) -> None:
        self._admitted: deque[float] = deque()

    def admit(self, now_s: float, most: int) -> bool:
        """Count a call that arrives now, or refuse it."""
        while self._admitted and self._admitted[0] <= now_s - WINDOW_S:
            self._admitted.popleft()
        if len(self._admitted) >= most:
            return False
        self._admitted.append(now_s)
        return True

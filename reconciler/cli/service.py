"""The way to the service, opened when the first call is made and closed at the command's end."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from reconciler.agora.messages import Reply, Request, Unanswered, Wire

if TYPE_CHECKING:
    from reconciler.agora.http import Http


class Service:
    """Opens one connection pool for a whole command, and counts what goes through it."""

    def __init__(self, told: Callable[[int], None] = lambda _: None) -> None:
        """Make ready; `told` hears the number of calls after each."""
        self._told = told
        self._http: Http | None = None
        self._calls = 0

    def __call__(self) -> Wire:
        """Return the wire, for clients to be made with.

        It is opened before anybody waits for a slot of the budget: a call that then takes 80 ms to
        load what sends it leaves too close to the next.
        """
        if self._http is None:
            from reconciler.agora.http import Http

            self._http = Http()
        return self

    async def send(self, request: Request) -> Reply | Unanswered:
        """Send one request, once; see `Wire`."""
        assert self._http is not None  # who sends was made with what `__call__` gave
        answer = await self._http.send(request)
        self._calls += 1
        self._told(self._calls)
        return answer

    async def close(self) -> None:
        """Let go of the connections."""
        if self._http is not None:
            await self._http.close()

"""The way to the service, opened when the first call is made and closed at the command's end."""

from collections.abc import Callable

from reconciler.agora.messages import Reply, Request, Unanswered, Wire


class Service:
    """Opens one connection pool for a whole command, and counts what goes through it."""

    def __init__(self, told: Callable[[int], None] = lambda _: None) -> None:
        """Make ready; `told` hears the number of calls after each."""
        self._told = told
        self._wire: Wire | None = None
        self._calls = 0

    def __call__(self) -> Wire:
        """Return the wire, for clients to be made with."""
        return self

    async def send(self, request: Request) -> Reply | Unanswered:
        """Send one request, once; see `Wire`."""
        if self._wire is None:
            from reconciler.agora.http import Http

            self._wire = Http()
        answer = await self._wire.send(request)
        self._calls += 1
        self._told(self._calls)
        return answer

    async def close(self) -> None:
        """Let go of the connections."""
        close = getattr(self._wire, "close", None)
        if close is not None:
            await close()

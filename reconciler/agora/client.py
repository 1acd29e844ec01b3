"""The seven calls of the Agora Cloud Recording service (agora-api.md 1.5), for one App.

Each returns its answer or a `Failure`; none raises for what the service or the network does.
Bodies are those of the documentation with their secrets resolved; they are sent, and neither kept
nor shown.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random
from typing import Any

from reconciler.agora import parse
from reconciler.agora.answers import (
    Acquired,
    Handle,
    NotificationIps,
    Observation,
    Started,
    Stopped,
    Updated,
)
from reconciler.agora.budget import Budget
from reconciler.agora.exchange import NEVER, Call, Exchange, Halt, T
from reconciler.agora.failures import Failure
from reconciler.agora.messages import Endpoint, Wire
from reconciler.agora.parse import Arrival
from reconciler.agora.project import Project
from reconciler.agora.trees import Tree
from reconciler.clock import Clock
from reconciler.spec.wire import Mode

TIMEOUT_S = 15.0
"""The service's own timeouts (206/65, 504/62) come within it, and tell more than silence."""

STOP_TIMEOUT_S = 30.0
"""A synchronous stop answers when the files are uploaded, within 20 s if all is well (4.4)."""
_NOT_FOUND = 404


class Client:
    """Talks to the service under one App ID, within its request budget."""

    def __init__(
        self,
        project: Project,
        wire: Wire,
        budget: Budget,
        clock: Clock,
        rng: Random,
        halt: Halt = NEVER,
    ) -> None:
        """Make ready; `rng` spreads the waits before repeats. Nothing is sent yet.

        After `halt` a call that waits for its turn, or to be repeated, is not sent any more; a
        start is, for it follows its acquire.
        """
        self._path = project.app_path
        self._exchange = Exchange(project, wire, budget, clock, rng, halt)

    async def acquire(self, body: Mapping[str, Any]) -> Acquired | Failure:
        """Get a resource ID. Starts and bills nothing, so it is repeated freely (2.3)."""
        call = Call(
            endpoint=Endpoint.ACQUIRE,
            path=self._path("acquire"),
            body=body,
            read=parse.acquired,
            timeout_s=TIMEOUT_S,
        )
        return await self._exchange.carry_out(call)

    async def start(
        self, acquired: Acquired, mode: Mode, body: Mapping[str, Any], *, perhaps: bool = False
    ) -> Started | Failure:
        """Start a session, on the host that gave its resource ID.

        What leaves it open whether it started is followed by the identical call, while the resource
        ID lives (6.9). `perhaps`: an earlier run may have sent this start. Raises UsageError where
        credentials may not go to that host any more.
        """
        call = Call(
            endpoint=Endpoint.START,
            path=self._path("resourceid", acquired.resource_id, "mode", mode, "start"),
            body=body,
            read=parse.started,
            timeout_s=TIMEOUT_S,
            acquired=acquired,
            perhaps=perhaps,
            must_go=True,
        )
        return await self._exchange.carry_out(call)

    async def query(self, handle: Handle) -> Observation | Failure:
        """Ask how a session is; its configuration cannot be read back (5)."""
        call = self._session_call(Endpoint.QUERY, handle, None, parse.observation)
        return await self._exchange.carry_out(call)

    async def update(self, handle: Handle, request: Mapping[str, Any]) -> Updated | Failure:
        """Change a session; `request` is one concern whole, since it overrides what was (4.1)."""
        call = self._session_call(Endpoint.UPDATE, handle, request, parse.updated)
        return await self._exchange.carry_out(call)

    async def update_layout(self, handle: Handle, request: Mapping[str, Any]) -> Updated | Failure:
        """Change a session's layout; what `request` leaves out returns to its default (4.2)."""
        call = self._session_call(Endpoint.UPDATE_LAYOUT, handle, request, parse.updated)
        return await self._exchange.carry_out(call)

    async def stop(
        self, handle: Handle, *, synchronous: bool = False, must_go: bool = False
    ) -> Stopped | Failure:
        """Stop a session; `synchronous` waits for its files. `going` and `ended` are fine too.

        `must_go`: send it even after the halt.
        """
        request = {"async_stop": not synchronous}
        call = self._session_call(Endpoint.STOP, handle, request, parse.stopped)
        if synchronous:
            call = replace(call, timeout_s=STOP_TIMEOUT_S)
        if must_go:
            call = replace(call, must_go=True)
        return await self._exchange.carry_out(call)

    async def notification_ips(self) -> NotificationIps | Failure:
        """Get the addresses that notifications come from; two paths are documented (K40)."""
        answer = await self._exchange.carry_out(_addresses_call("/v1/ncs/ip"))
        if isinstance(answer, Failure) and answer.status == _NOT_FOUND:
            return await self._exchange.carry_out(_addresses_call("/v2/ncs/ip"))
        return answer

    def _session_call(
        self,
        endpoint: Endpoint,
        handle: Handle,
        request: Mapping[str, Any] | None,
        read: Callable[[Tree, Arrival], T | None],
    ) -> Call[T]:
        place = ("resourceid", handle.resource_id, "sid", handle.sid, "mode", handle.mode, endpoint)
        body = {"cname": handle.channel, "uid": handle.uid, "clientRequest": request}
        return Call(
            endpoint=endpoint,
            path=self._path(*place),
            body=None if request is None else body,
            read=read,
            timeout_s=TIMEOUT_S,
            first_host=handle.host,
        )


def _addresses_call(path: str) -> Call[NotificationIps]:
    return Call(
        endpoint=Endpoint.NOTIFICATION_IPS,
        path=path,
        body=None,
        read=parse.notification_ips,
        timeout_s=TIMEOUT_S,
    )

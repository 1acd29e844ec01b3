"""The way of one process to the service: it may be down, slow, and end with the process."""

import asyncio
import json
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from random import Random
from typing import TYPE_CHECKING

from reconciler.agora.messages import Reply, Request, Silence, Unanswered
from tests.daemon.wires import Call, answer_of, read_call

if TYPE_CHECKING:
    from tests.simulation.process import Process
    from tests.simulation.simulation import Simulation


@dataclass
class Network:
    """What lies between a host and the service."""

    rng: Random
    latency_s: float = 0.3
    down: Silence | None = None
    """How calls stay unanswered while nobody is reached."""

    lost: set[str] = field(default_factory=set)
    """Addresses (`http://host:port`) that nobody reaches; the others are tried in order."""

    on_the_way: list[Callable[[Call, Reply], Reply]] = field(default_factory=list)
    """What becomes of an answer before it arrives."""


class Line:
    """Carries requests of one process to the simulator."""

    def __init__(self, sim: "Simulation", process: "Process") -> None:
        self._sim = sim
        self._process = process

    async def send(self, request: Request) -> Reply | Unanswered:
        """Send one request, once; what has left goes on whatever becomes of who sent it."""
        process, sim = self._process, self._sim
        network = sim.network
        call = read_call(request, sim.clock.monotonic_s())
        process.come_to("call", call.endpoint)
        silence = network.down
        if silence is None and any(request.url.startswith(each) for each in network.lost):
            silence = Silence.NOT_SENT
        if silence is not Silence.NOT_SENT:
            sim.called(process, call)
        answer = await self._answered(request, silence)
        if isinstance(answer, Reply):
            answer = _quoting(call, _raw(answer))
            for change in list(network.on_the_way):
                answer = change(call, answer)
        process.come_to("answer", call.endpoint)
        sim.answered(process, call, answer, sent=silence is not Silence.NOT_SENT)
        return answer

    async def _answered(self, request: Request, silence: Silence | None) -> Reply | Unanswered:
        if silence is not None:
            if silence is Silence.NO_ANSWER:
                await asyncio.sleep(request.timeout_s)
            return Unanswered(silence, "the network is down")
        # A context of its own: the service is not part of the program that calls it.
        work = answer_of(self._sim.stage.application, request)
        task = asyncio.get_running_loop().create_task(work, context=Context())
        network = self._sim.network
        try:
            async with asyncio.timeout(request.timeout_s):
                answer = await asyncio.shield(task)
                await asyncio.sleep(network.rng.uniform(0.0, network.latency_s))
        except TimeoutError:
            return Unanswered(Silence.NO_ANSWER, "it did not answer in time")
        return answer


def _quoting(call: Call, answer: Reply) -> Reply:
    """Return an answer that finds fault with a request with the secrets that were in it."""
    request = (call.body or {}).get("clientRequest", {})
    request = request.get("startParameter", request)
    said = [request.get("token", ""), *request.get("storageConfig", {}).values()]
    if answer.status < HTTPStatus.BAD_REQUEST or not any(said):
        return answer
    quote = " ".join(["", *(str(each) for each in said)]).encode()
    return replace(answer, body=answer.body.replace(b'"}', quote + b'"}'))


def _raw(answer: Reply) -> Reply:
    """Return an answer that is a mere text as that text: no JSON."""
    if not answer.body.startswith(b'"'):
        return answer
    return replace(answer, body=json.loads(answer.body).encode())


__all__ = ["Call", "Line", "Network"]

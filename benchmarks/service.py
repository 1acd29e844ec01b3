"""A service in a few lines: everything records that is asked about, and what starts is noted.

Nothing is checked and nothing remembered, so that little of what is measured beside it is its own.
`python -m benchmarks.service` serves it, and writes its port.
"""

import asyncio
import json
import sys
import time
from contextlib import suppress
from uuid import uuid4

from reconciler.plan.session import Session
from reconciler.simulator.notices import Event, Notice
from reconciler.simulator.tree import Object

_UPLOADER, _RECORDER = 2, 1
"""Who tells of something (agora-api.md 8.4)."""

_SAID = {
    "status": 5,
    "fileListMode": "string",
    "fileList": "room.m3u8",
    "sliceStartTime": 1_780_000_000_000,
}


def answer(path: str, body: bytes = b"") -> bytes:
    """Return what is answered to a call, by its path or whole address."""
    if path.endswith("/acquire"):
        return json.dumps({**json.loads(body), "resourceId": uuid4().hex}).encode()
    resource_id = _after(path, "/resourceid/")
    if path.endswith("/start"):
        return json.dumps({"resourceId": resource_id, "sid": uuid4().hex}).encode()
    sid = _after(path, "/sid/")
    return json.dumps({"resourceId": resource_id, "sid": sid, "serverResponse": _SAID}).encode()


def progress(session: Session, sequence: int, now_s: float) -> bytes:
    """Return the notification that a session uploads its files."""
    details: Object = {"msgName": "uploading_progress", "progress": 5000}
    return _notice(session, sequence, now_s, Event.PROGRESS, _UPLOADER, details)


def ended(session: Session, sequence: int, now_s: float) -> bytes:
    """Return the notification that a session has ended, not as it should."""
    details: Object = {"msgName": "session_exit", "exitStatus": 1}
    return _notice(session, sequence, now_s, Event.SESSION_EXIT, _RECORDER, details)


def _notice(
    session: Session, sequence: int, now_s: float, event: Event, service: int, details: Object
) -> bytes:
    notice = Notice(
        notice_id=f"{session.id}:{sequence}",
        event_type=event,
        service_type=service,
        cname=session.channel,
        uid=session.uid,
        sid=session.sid,
        sequence=sequence,
        at_s=now_s,
        details=details,
    )
    return notice.body(now_s)


def _after(path: str, step: str) -> str:
    return path.partition(step)[2].partition("/")[0]


class Service:
    """Serves it over HTTP; `acquired_s` is when each channel's last acquire came in."""

    def __init__(self) -> None:
        self.acquired_s: dict[str, float] = {}
        self.calls = 0

    async def open(self) -> int:
        """Begin to serve; return the port."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                path = head.split(" ", 2)[1]
                length = head.lower().partition("content-length: ")[2].partition("\r\n")[0]
                body = await reader.readexactly(int(length or 0))
                self.calls += 1
                if path.endswith("/acquire"):
                    self.acquired_s.setdefault(json.loads(body)["cname"], time.monotonic())
                said = answer(path, body)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(said), said))
        writer.close()


async def _serve_for_ever() -> None:
    sys.stdout.write(f"{await Service().open()}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve_for_ever())

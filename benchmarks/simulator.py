"""Measure how many calls a second the simulator can serve, over a real socket.

Eight connections ask for a session that is not there, one request after the other, which goes
through all of the gateway. `python -m benchmarks.simulator`. No test: nothing here fails.
"""

import asyncio
import base64
import subprocess
import sys
import time

CONNECTIONS = 8
CALLS = 500
APP_ID = "0123456789abcdef0123456789abcdef"
PATH = f"/v1/apps/{APP_ID}/cloud_recording/resourceid/r/sid/s/mode/mix/query"
AUTHORIZATION = base64.b64encode(b"simulator:simulator").decode()
OPTIONS = ("--port", "0", "--qps", "1000000")


def main() -> None:
    """Start a simulator, call it, and write what it served."""
    command = (sys.executable, "-m", "reconciler.cli.main", "simulator", *OPTIONS)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().decode().rpartition(":")[2])
        seconds = asyncio.run(_call_all(port))
        process.terminate()
    rate = CONNECTIONS * CALLS / seconds
    sys.stdout.write(f"simulator, calls served a second {rate:8.0f}   target 500\n")


async def _call_all(port: int) -> float:
    start = time.perf_counter()
    await asyncio.gather(*(_call(port) for _ in range(CONNECTIONS)))
    return time.perf_counter() - start


async def _call(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = f"GET {PATH} HTTP/1.1\r\nHost: a\r\nAuthorization: Basic {AUTHORIZATION}\r\n\r\n"
    for _ in range(CALLS):
        writer.write(request.encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        await reader.readexactly(int(head.partition("content-length: ")[2].split("\r\n")[0]))
    writer.close()


if __name__ == "__main__":
    main()

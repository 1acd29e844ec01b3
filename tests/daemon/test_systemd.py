"""What systemd hears of a `run`: in words of its own, over a socket of datagrams."""

import asyncio
import secrets
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from reconciler.daemon.systemd import STATUS_S, Systemd
from tests.agora.support import LoopClock, virtual_time
from tests.daemon.processes import Ground, eventually

ASKED_S = 2.0


class Manager:
    """The other side: what was told, in order."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.settimeout(0)
        self._socket.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        self._told: list[str] = []

    @property
    def told(self) -> list[str]:
        while True:
            try:
                self._told.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                return self._told

    @property
    def status(self) -> str:
        """Return the last sentence."""
        found = [each for each in self.told if each.startswith("STATUS=")]
        return found[-1].removeprefix("STATUS=") if found else ""

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    manager = Manager(str(tmp_path / "notify"))
    yield manager
    manager.close()


@pytest.fixture
def nameless() -> Iterator[Manager]:
    """A socket without a file."""
    manager = Manager(f"@reconciler-{secrets.token_hex(8)}")
    yield manager
    manager.close()


@dataclass
class Well:
    """Something that is well, or not."""

    problem: str = ""
    sentences: list[str] = field(default_factory=lambda: ["all is well"])

    def health(self) -> str:
        return self.problem

    def sentence(self) -> str:
        return self.sentences.pop(0) if len(self.sentences) > 1 else self.sentences[0]


def systemd(manager: Manager, watchdog: str = "") -> Systemd:
    return Systemd({"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": watchdog})


def test_a_run_says_that_it_is_ready_that_it_lives_how_it_is_and_that_it_ends(
    ground: Ground, manager: Manager
) -> None:
    ground.want("lobby")
    environ = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": f"{ASKED_S * 1e6:.0f}"}
    with ground.running(**environ) as run:
        eventually(lambda: "READY=1" in manager.told)
        assert "HTTP is answered" in run.said()
        beats = manager.told.count("WATCHDOG=1")
        eventually(lambda: manager.told.count("WATCHDOG=1") >= beats + 2, 2 * ASKED_S)
        eventually(lambda: manager.status.endswith("1 desired"))
        assert "STOPPING=1" not in manager.told
        assert run.end() == 0
    assert manager.told.count("STOPPING=1") == 1
    assert manager.told.count("READY=1") == 1


def test_a_standby_is_ready_and_says_that_it_stands_by(
    ground: Ground, manager: Manager, nameless: Manager
) -> None:
    with ground.running() as first:
        eventually(first.is_ready)
        with ground.running(NOTIFY_SOCKET=manager.address) as second:
            assert second.ended() != 0
        with ground.running("--standby", "--listen", "off", NOTIFY_SOCKET=nameless.address) as run:
            eventually(lambda: "stands by" in nameless.status)
            assert nameless.told[0] == "READY=1"
            assert run.end() == 0
        assert first.end() == 0
    assert nameless.told[-1] == "STOPPING=1"
    assert manager.told == [], "what is refused was never up"


@virtual_time
async def test_it_lives_twice_as_often_as_is_asked_while_it_is_well(manager: Manager) -> None:
    attended = Well()
    telling = asyncio.create_task(systemd(manager, "30000000").attend(attended, LoopClock()))
    await asyncio.sleep(59)
    assert manager.told.count("WATCHDOG=1") == 4
    attended.problem = "the loop hangs"
    await asyncio.sleep(60)
    assert manager.told.count("WATCHDOG=1") == 4
    attended.problem = ""
    await asyncio.sleep(30)
    assert manager.told.count("WATCHDOG=1") == 6
    telling.cancel()


@virtual_time
async def test_a_sentence_is_told_once_until_it_is_another(manager: Manager) -> None:
    attended = Well(sentences=["it starts", "1 recording, 1 desired"])
    telling = asyncio.create_task(systemd(manager).attend(attended, LoopClock()))
    await asyncio.sleep(10 * STATUS_S)
    assert manager.told == ["STATUS=it starts", "STATUS=1 recording, 1 desired"]
    telling.cancel()


@pytest.mark.parametrize(
    ("watchdog", "beat_s"),
    [("60000000", 30.0), ("1", 5e-7), ("0", None), ("", None), ("soon", None), ("-1", None)],
)
def test_what_is_asked_is_understood(tmp_path: Path, watchdog: str, beat_s: float | None) -> None:
    environ = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": watchdog}
    assert Systemd(environ).beat_s == beat_s
    assert Systemd({"WATCHDOG_USEC": watchdog}).beat_s is None


@virtual_time
async def test_without_systemd_or_with_one_that_is_gone_nothing_happens(tmp_path: Path) -> None:
    gone = Systemd({"NOTIFY_SOCKET": str(tmp_path / "gone"), "WATCHDOG_USEC": "1000000"})
    nobody = Systemd({})
    for each in (gone, nobody):
        each.ready()
        each.ending()
    await nobody.attend(Well(), LoopClock())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(100):
            await gone.attend(Well(), LoopClock())

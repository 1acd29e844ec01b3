"""The disk of the simulation: what a power cut leaves is what SQLite says that it has synced."""

import os
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random

import pytest

from reconciler.clock import SystemClock
from reconciler.state.open import open_state
from reconciler.state.store import SetCounter, Spent
from tests.daemon.support import scratch
from tests.simulation.disk import Disk

LUCKS = range(40)


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Iterator[Path]:
    """Give a folder on a disk that waits for nothing."""
    with scratch(tmp_path) as folder:
        yield folder


class Table:
    """A database with rows that come in blocks: a block is one commit of several pages."""

    def __init__(self, folder: Path) -> None:
        self.disk = Disk(folder / "state.db")
        self.disk.path.touch()

    @contextmanager
    def open(self, level: str = "FULL") -> Iterator[sqlite3.Connection]:
        """Connect, so that all commits are synced, or none."""
        place = f"file:{self.disk.path}?mode=rw"
        with closing(sqlite3.connect(place, uri=True, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {level}")
            connection.execute("CREATE TABLE IF NOT EXISTS block (number, text)")
            yield connection

    def write(self, connection: sqlite3.Connection, number: int, rows: int = 8) -> None:
        """Write one block."""
        connection.execute("BEGIN IMMEDIATE")
        for _ in range(rows):
            connection.execute("INSERT INTO block VALUES (?, ?)", (number, "x" * 3000))
        connection.execute("COMMIT")

    def blocks(self) -> dict[int, int]:
        """Return how many rows there are of each block."""
        with self.open() as connection:
            sql = "SELECT number, count(*) FROM block GROUP BY number"
            found: list[tuple[int, int]] = connection.execute(sql).fetchall()
            return dict(found)


def test_a_commit_that_was_synced_survives_every_power_cut(folder: Path) -> None:
    table = Table(folder)
    with table.disk.heard():
        for luck in LUCKS:
            with table.open() as connection:
                table.write(connection, luck)
                table.disk.cut()
            table.disk.come_back(Random(luck))
            assert table.blocks() == dict.fromkeys(range(luck + 1), 8)


def test_the_power_may_be_cut_before_anything_was_written(folder: Path) -> None:
    disk = Disk(folder / "later" / "state.db")
    with disk.heard():
        disk.cut()
        assert disk.come_back(Random(0)) == "kept"


def test_what_was_not_synced_is_kept_lost_or_torn_and_never_half_there(folder: Path) -> None:
    table, seen, left = Table(folder), Counter[str](), Counter[int]()
    with table.disk.heard():
        for luck in LUCKS:
            with table.open() as connection:
                connection.execute("DELETE FROM block")
                table.write(connection, 0)
                connection.execute("PRAGMA synchronous = NORMAL")
                for number in (1, 2, 3):
                    table.write(connection, number)
                table.disk.cut()
            seen[table.disk.come_back(Random(luck))] += 1
            blocks = table.blocks()
            assert blocks == dict.fromkeys(range(len(blocks)), 8), "all of a commit or none of it"
            left[len(blocks)] += 1
    assert set(seen) == {"kept", "lost", "torn"}
    assert set(left) == {1, 2, 3, 4}, "the first is sure, of the others as many as luck has it"


def left_after_cuts(folder: Path, between: str, *, rows: int = 8) -> Iterator[dict[int, int]]:
    """Yield what every luck leaves of two commits, with a statement between them."""
    table = Table(folder)
    with table.disk.heard():
        for luck in LUCKS:
            with table.open("NORMAL") as connection:
                connection.execute("DELETE FROM block")
                table.write(connection, 0)
                connection.execute(between)
                table.write(connection, 1, rows=rows)
                table.disk.cut()
            table.disk.come_back(Random(luck))
            yield table.blocks()


def test_what_a_commit_syncs_is_all_that_was_written_before_it(folder: Path) -> None:
    left = [*left_after_cuts(folder, "PRAGMA synchronous = FULL")]
    assert left == [{0: 8, 1: 8}] * len(LUCKS)


def test_a_commit_that_writes_nothing_syncs_nothing(folder: Path) -> None:
    left = left_after_cuts(folder, "PRAGMA synchronous = FULL", rows=0)
    assert {len(blocks) for blocks in left} == {0, 1}


def test_what_a_checkpoint_took_over_is_synced(folder: Path) -> None:
    left = left_after_cuts(folder, "PRAGMA wal_checkpoint")
    assert {tuple(blocks) for blocks in left} == {(0,), (0, 1)}


def test_the_state_is_whole_after_every_power_cut_whatever_was_lost(folder: Path) -> None:
    disk, clock, slots = Disk(folder / "state.db"), SystemClock(), set()
    url = f"sqlite:///{disk.path}"

    def spend(before: Spent | None, _: float) -> Spent:
        slots.add(before.last_s if before else 0.0)
        return Spent(last_s=float(luck), slowness=0.0, slowed_s=0.0)

    with disk.heard():
        for luck in LUCKS:
            with closing(open_state(url, {}, clock, write=True)) as store:
                key = store.key
                assert store.snapshot("default").counters == ({("a", 0): luck} if luck else {})
                change = SetCounter(recording="a", replica=0, counter=luck + 1)
                store.commit("default", [change])
                store.spend("app", spend)
                disk.cut()
            disk.come_back(Random(luck))
            with closing(open_state(url, {}, clock, write=True)) as store:
                assert store.key == key
    assert 1 < len(slots) < len(LUCKS), "what is booked is not synced: lost now and then"


def test_files_and_names_that_nobody_synced_are_lost_now_and_then(folder: Path) -> None:
    disk = Disk(folder / "state.db")
    disk.path.write_bytes(b"")
    sure, unsure = folder / "sure", folder / "unsure"
    seen = set()
    with disk.heard():
        sure.write_bytes(b"sure")
        for path in (sure, folder):
            file = os.open(path, os.O_RDONLY)
            os.fsync(file)
            os.close(file)
        for luck in LUCKS:
            unsure.write_bytes(b"unsure")
            disk.cut()
            disk.come_back(Random(luck))
            assert sure.read_bytes() == b"sure"
            seen.add(unsure.exists() and unsure.read_bytes() == b"unsure")
            unsure.unlink(missing_ok=True)
    assert seen == {True, False}


def test_a_connection_elsewhere_is_none_of_the_disks(folder: Path) -> None:
    disk = Disk(folder / "state.db")
    with disk.heard(), closing(sqlite3.connect(folder / "other.db")) as connection:
        assert type(connection) is sqlite3.Connection


@pytest.mark.parametrize("luck", range(5))
def test_what_comes_back_depends_on_the_luck_alone(folder: Path, luck: int) -> None:
    found = []
    for name in ("one", "two"):
        (folder / name).mkdir()
        table = Table(folder / name)
        with table.disk.heard():
            with table.open("NORMAL") as connection:
                for number in range(4):
                    table.write(connection, number)
                table.disk.cut()
            found.append((table.disk.come_back(Random(luck)), table.blocks()))
    assert found[0] == found[1]

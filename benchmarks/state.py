"""Measure the state: what a step of a recording costs, and reading all of them.

Each is set beside the least that SQLite could take for it: a commit of one small row, and fetching
the same rows without making anything of them. `python -m benchmarks.state [RECORDINGS]`. No test:
nothing here fails.
"""

import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from benchmarks.measure import line
from reconciler.clock import SystemClock
from reconciler.plan.recorded import Recorded
from reconciler.plan.session import Phase, Session
from reconciler.state.open import open_state
from reconciler.state.store import Change, JournalEntry, SetRecorded, SetSession, Spent, Store

RUNS = 9
COMMITS = 300
NOW_S = 1_780_000_000.0
SCOPE = "default"


def main(count: int = 10_000) -> None:
    """Fill a state, measure it, and write a table."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "state.db")
        with closing(open_state(f"sqlite:///{path}", {}, SystemClock(), write=True)) as store:
            store.commit(SCOPE, [change for number in range(count) for change in _running(number)])
            line(f"state of {count} recordings, {path.stat().st_size / 2**20:.1f} MiB")
            _writing(store, Path(folder, "bare.db"))
            _reading(store, path)


def _writing(store: Store, bare_path: Path) -> None:
    session = _session(0)

    def step() -> None:
        entry = JournalEntry(time_s=NOW_S, session=session.id, step="start", what="intent")
        store.commit(SCOPE, [SetSession(session=replace(session, attempt=1)), entry])

    with closing(sqlite3.connect(bare_path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE t (a TEXT)")
        bare_s = _median_s(lambda: connection.execute("INSERT INTO t VALUES ('a')"), COMMITS)
    step_s = _median_s(step, COMMITS)
    book_s = _median_s(lambda: store.spend("app", _book), COMMITS)
    line(f"least commit, synced        {bare_s * 1e6:8.0f} us")
    line(f"commit of a step            {step_s * 1e6:8.0f} us   {step_s / bare_s:.1f} x the least")
    line(f"booking of a call           {book_s * 1e6:8.0f} us   {book_s / bare_s:.1f} x the least")


def _reading(store: Store, path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        bare_s = _median_s(lambda: _fetch(connection))
    read_s = _median_s(lambda: store.snapshot(SCOPE))
    line(f"fetching the rows           {bare_s * 1e3:8.0f} ms")
    line(f"snapshot                    {read_s * 1e3:8.0f} ms   {read_s / bare_s:.1f} x fetching")


def _fetch(connection: sqlite3.Connection) -> None:
    for sql in ("SELECT * FROM sessions", "SELECT * FROM recordings"):
        connection.execute(sql).fetchall()


def _book(spent: Spent | None, now_s: float) -> Spent:
    return Spent(now_s, 1.0, spent.slowed_s if spent else 0.0)


def _median_s(work: Callable[[], object], runs: int = RUNS) -> float:
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def _running(number: int) -> tuple[Change, ...]:
    """Return a Recording and its session, with texts as long as real ones."""
    session = _session(number)
    recorded = Recorded(
        name=session.recording,
        app=session.app,
        channel=session.channel,
        mode=session.mode,
        digest=session.digest,
        terms="t" * 600,
        source=f"specs/r{number // 10:04}.yaml",
    )
    return SetRecorded(recorded=recorded), SetSession(session=session, applied="a" * 2000)


def _session(number: int) -> Session:
    return Session(
        id=f"{number:016x}",
        recording=f"recording-{number:05}",
        replica=0,
        app="main",
        app_key="k" * 32,
        app_id="",
        channel=f"channel-{number:05}",
        mode="mix",
        uid=str(number + 1),
        phase=Phase.RUNNING,
        created_s=NOW_S + number,
        digest="d" * 64,
        sealed="s" * 40,
        resource_id="r" * 64,
        sid="s" * 32,
        host="https://api.agora.io",
        acquired_s=NOW_S,
        started_s=NOW_S,
        confirmed_s=NOW_S,
        resource_ends_s=NOW_S,
        credentials_s=NOW_S,
        body_hash="b" * 64,
        status=5,
        observed_s=NOW_S,
        asked_s=NOW_S,
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))

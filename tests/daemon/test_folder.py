"""Specs from a folder: what is told of changes, with the system's own watch."""

import asyncio
import logging
import os
import resource
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import pytest

from reconciler.clock import SystemClock
from reconciler.daemon import folder as watched
from reconciler.daemon.folder import Folder

PATIENCE_S = 20.0
QUIET_S = 0.2


class Wakes:
    """What a Folder tells, counted while nobody looks."""

    def __init__(self, source: Folder) -> None:
        self._source = source
        self._count = asyncio.Semaphore(0)

    async def listen(self) -> None:
        async for _ in self._source.changes():
            self._count.release()

    async def one(self) -> None:
        await asyncio.wait_for(self._count.acquire(), PATIENCE_S)

    async def rest(self) -> int:
        """Count those that still come, until there are none for a while."""
        count = 0
        with suppress(TimeoutError):
            while True:
                await asyncio.wait_for(self._count.acquire(), QUIET_S)
                count += 1
        return count


class Hasty(SystemClock):
    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 1000)


@asynccontextmanager
async def wakes_of(*paths: Path) -> AsyncIterator[Wakes]:
    """Watch the paths; the first wake, that all is watched, is over."""
    wakes = Wakes(Folder(map(str, paths), Hasty()))
    listening = asyncio.create_task(wakes.listen())
    await wakes.one()
    yield wakes
    listening.cancel()
    with suppress(asyncio.CancelledError):
        await listening


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched, "QUIET_MS", 30)


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    folder = tmp_path / "specs"
    folder.mkdir()
    (folder / "rooms.yaml").write_text("a: 1\n")
    return folder


def problem_of(*paths: Path) -> str:
    fetched = asyncio.run(Folder(map(str, paths), SystemClock()).fetch())
    some_can_be_read = len(fetched.problem.split("; ")) < len(paths) or not fetched.problem
    assert fetched.paths == (tuple(map(str, paths)) if some_can_be_read else ())
    return fetched.problem


def test_a_folder_that_is_there_is_no_problem(specs: Path) -> None:
    assert problem_of(specs, specs / "rooms.yaml") == ""


def test_a_path_that_cannot_be_read_is_named_and_all_are_kept(specs: Path) -> None:
    os.mkfifo(specs / "pipe")
    problem = problem_of(specs, specs / "gone", specs / "rooms.yaml/x", specs / "pipe")
    assert problem.split("; ") == [
        f"`{specs}/gone` is not there",
        f"`{specs}/rooms.yaml/x` cannot be read: not a directory",
        f"`{specs}/pipe` is neither a file nor a folder",
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to this user")
def test_a_path_that_is_forbidden_is_a_problem(specs: Path) -> None:
    specs.chmod(0)
    assert problem_of(specs) == f"`{specs}` cannot be read: permission denied"


def test_the_place_names_the_paths() -> None:
    assert Folder(["a", "b/c.yaml"], SystemClock()).place == "a, b/c.yaml"


def test_what_is_written_in_a_folder_is_told(specs: Path) -> None:
    async def story() -> None:
        async with wakes_of(specs) as wakes:
            (specs / "rooms.yaml").write_text("a: 2\n")
            await wakes.one()
            (specs / "storage-key").write_text("secret")
            await wakes.one()
            (specs / "rooms.yaml").unlink()
            await wakes.one()
            assert await wakes.rest() == 0

    asyncio.run(story())


def make_noise(specs: Path) -> None:
    for file in specs.iterdir():
        file.read_text()
    for name in (".rooms.yaml.swp", "rooms.yaml~", "state.db-wal", "run.log"):
        (specs / name).write_text("x")
    (specs / ".git").mkdir()
    (specs / ".git" / "index").write_text("x")
    (specs.parent / "beside.yaml").write_text("x")


def test_what_is_read_and_what_is_noise_is_not_told(specs: Path) -> None:
    async def story() -> None:
        async with wakes_of(specs) as wakes:
            make_noise(specs)
            assert await wakes.rest() == 0

    asyncio.run(story())


def test_a_file_that_is_replaced_by_renaming_is_told_each_time(specs: Path) -> None:
    file = specs / "rooms.yaml"

    async def story() -> None:
        async with wakes_of(file) as wakes:
            for number in range(2):
                (specs / ".new").write_text(f"a: {number}\n")
                (specs / ".new").replace(file)
                await wakes.one()
            (specs / "rows.csv").write_text("a,b\n")
            await wakes.one()

    asyncio.run(story())


def test_many_changes_are_few_wakes(specs: Path) -> None:
    async def story() -> int:
        async with wakes_of(specs) as wakes:
            for number in range(100):
                (specs / f"{number}.yaml").write_text("x")
            return await wakes.rest()

    assert 1 <= asyncio.run(story()) < 20


def test_a_new_folder_is_watched_too(specs: Path) -> None:
    async def story() -> None:
        async with wakes_of(specs) as wakes:
            (specs / "new/deep").mkdir(parents=True)
            await wakes.one()
            await wakes.rest()
            (specs / "new/deep/b.yaml").write_text("x")
            await wakes.one()

    asyncio.run(story())


def mount(folder: Path, version: str, text: str) -> None:
    """Write what Kubernetes does for a new version of a ConfigMap: files, then one renaming."""
    (folder / f"..{version}").mkdir()
    (folder / f"..{version}" / "rooms.yaml").write_text(text)
    (folder / "..data_tmp").symlink_to(f"..{version}")
    (folder / "..data_tmp").replace(folder / "..data")


@pytest.mark.parametrize("path", [".", "rooms.yaml"])
def test_a_new_version_of_a_config_map_is_told(tmp_path: Path, path: str) -> None:
    mount(tmp_path, "1", "a: 1\n")
    (tmp_path / "rooms.yaml").symlink_to("..data/rooms.yaml")

    async def story() -> None:
        async with wakes_of(tmp_path / path) as wakes:
            for version in ("2", "3"):
                mount(tmp_path, version, f"a: {version}\n")
                await wakes.one()
                await wakes.rest()
                assert (tmp_path / path).exists()

    asyncio.run(story())


def test_a_link_that_leads_elsewhere_is_told_and_what_it_leads_to_is_watched(
    tmp_path: Path,
) -> None:
    for release in ("1", "2"):
        (tmp_path / release / "specs").mkdir(parents=True)
    (tmp_path / "now").symlink_to("1")

    async def story() -> None:
        async with wakes_of(tmp_path / "now/specs") as wakes:
            (tmp_path / "next").symlink_to("2")
            (tmp_path / "next").replace(tmp_path / "now")
            await wakes.one()
            await wakes.rest()
            (tmp_path / "2/specs/rooms.yaml").write_text("x")
            await wakes.one()

    asyncio.run(story())


def test_links_in_circles_and_to_everywhere_do_no_harm(specs: Path) -> None:
    (specs / "up").symlink_to("..")
    (specs / "self").symlink_to("self")
    (specs / "round").symlink_to(".")
    (specs / "root").symlink_to("/")

    async def story() -> None:
        async with wakes_of(specs, specs / "self") as wakes:
            (specs / "rooms.yaml").write_text("x")
            await wakes.one()

    asyncio.run(story())


def test_a_path_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "a/b/rooms.yaml"

    async def story() -> None:
        async with wakes_of(path) as wakes:
            path.parent.mkdir(parents=True)
            await wakes.one()
            await wakes.rest()
            path.write_text("x")
            await wakes.one()

    assert problem_of(path) == f"`{path}` is not there"
    asyncio.run(story())
    assert problem_of(path) == ""


def test_a_folder_that_goes_and_comes_back_is_watched_again(specs: Path) -> None:
    async def story() -> None:
        async with wakes_of(specs) as wakes:
            shutil.rmtree(specs)
            await wakes.one()
            await wakes.rest()
            (specs / "rooms").mkdir(parents=True)
            await wakes.one()
            await wakes.rest()
            (specs / "rooms.yaml").write_text("x")
            await wakes.one()

    asyncio.run(story())


def test_a_folder_that_was_moved_away_is_found_to_be_gone(
    specs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is moved is not watched, and tells nothing to what is below."""
    monkeypatch.setattr(watched, "LOOK_AGAIN_MS", 200)
    inner = specs / "a/b/c"
    inner.mkdir(parents=True)

    async def story() -> None:
        async with wakes_of(inner) as wakes:
            (specs / "a").rename(specs / "elsewhere")
            await wakes.one()
            inner.mkdir(parents=True)
            await wakes.one()
            await wakes.rest()
            (inner / "rooms.yaml").write_text("x")
            await wakes.one()

    asyncio.run(story())


@contextmanager
def no_more_open_files() -> Iterator[None]:
    """Let this process open nothing more: the system's watch is a file, too."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_without_the_systems_watch_it_goes_on_and_says_so_once(
    specs: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        wakes = Wakes(Folder([str(specs)], Hasty()))
        with no_more_open_files():
            listening = asyncio.create_task(wakes.listen())
            for _ in range(3):
                await wakes.one()
        await wakes.rest()  # now it can watch
        (specs / "rooms.yaml").write_text("x")
        await wakes.one()
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening

    with caplog.at_level(logging.WARNING, "reconciler"):
        asyncio.run(story())
    told = [record.getMessage() for record in caplog.records]
    assert told == ["files cannot be watched; they are read at intervals"]


def test_nothing_is_left_when_nobody_listens_any_more(specs: Path) -> None:
    async def story() -> None:
        async with wakes_of(specs):
            pass
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(story())

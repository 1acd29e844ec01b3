"""Specs from a Git repository: what is fetched and read, and when it is news."""

import asyncio
from pathlib import Path

import pytest

from reconciler.clock import SystemClock
from reconciler.daemon.git import Git
from reconciler.errors import UsageError
from reconciler.spec.roots import from_root
from tests.daemon.repositories import Upstream, environment, fetch, git, read, upstream_in


@pytest.fixture
def upstream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Upstream:
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    return upstream_in(tmp_path)


def test_each_commit_is_read_whole_at_the_same_path(upstream: Upstream) -> None:
    source = upstream.source()
    first = fetch(source)
    assert (read(first), first.problem) == ({"rooms.yaml": "a: 1\n"}, "")
    assert first.commit == git(upstream.folder, "rev-parse", "HEAD")
    commit = upstream.write(exam="a: 2\n")
    second = fetch(source)
    assert read(second) == {"exam.yaml": "a: 2\n", "rooms.yaml": "a: 1\n"}
    assert (second.commit, second.paths) == (commit, first.paths)
    (upstream.folder / "specs/rooms.yaml").unlink()
    upstream.commit()
    assert read(fetch(source)) == {"exam.yaml": "a: 2\n"}


def test_state_knows_a_file_by_its_place_in_the_repository(upstream: Upstream) -> None:
    [path] = fetch(upstream.source()).paths
    assert from_root(path) == "specs"
    assert from_root(f"{path}/rooms.yaml") == "specs/rooms.yaml"


def test_a_commit_that_is_there_is_not_made_again(upstream: Upstream) -> None:
    source = upstream.source()
    [path] = fetch(source).paths
    before = Path(path, "rooms.yaml").stat()
    fetch(source)
    assert Path(path, "rooms.yaml").stat() == before


def test_only_the_newest_commit_is_fetched_and_kept(upstream: Upstream) -> None:
    source = upstream.source()
    fetch(source)
    for number in range(3):
        upstream.write(rooms=f"a: {number}\n")
    fetch(source)
    assert git(upstream.place("store"), "rev-list", "--count", "--all") == "1"
    assert len(list(upstream.home.glob("*/trees/*"))) == 1


def test_several_paths_of_any_name_are_read(upstream: Upstream) -> None:
    for name in ("mit leer", "föö/ 部屋", "-x", ":(glob)*"):
        upstream.put(f"{name}/{name.strip('/')[-1]}.yaml", "a: 1\n")
    upstream.commit()
    paths = ["mit leer/", "föö/ 部屋/屋.yaml", "-x", ":(glob)*"]
    fetched = fetch(upstream.source(paths=paths))
    assert sorted(read(fetched)) == ["*.yaml", "r.yaml", "x.yaml", "屋.yaml"]


def test_without_a_path_all_is_read(upstream: Upstream) -> None:
    upstream.put("more.yaml", "b: 1\n")
    upstream.commit()
    source = upstream.source(paths=[])
    assert sorted(read(fetch(source))) == ["more.yaml", "rooms.yaml"]
    assert source.place == str(upstream.folder)


@pytest.mark.parametrize("path", ["..", "a/../../b", "/etc", ""])
def test_a_path_out_of_the_repository_is_refused(upstream: Upstream, path: str) -> None:
    with pytest.raises(UsageError, match="leads out of the repository"):
        upstream.source(paths=[path])


def test_a_branch_is_read_where_one_is_named(upstream: Upstream) -> None:
    git(upstream.folder, "switch", "--quiet", "--create", "team/löschen")
    upstream.write(rooms="of: branch\n")
    git(upstream.folder, "switch", "--quiet", "main")
    source = upstream.source(branch="team/löschen")
    assert read(fetch(source)) == {"rooms.yaml": "of: branch\n"}
    assert source.place == f"{upstream.folder}, branch team/löschen, path specs"
    assert read(fetch(upstream.source())) == {"rooms.yaml": "a: 1\n"}


def test_a_branch_is_not_taken_for_another_that_ends_alike(upstream: Upstream) -> None:
    git(upstream.folder, "branch", "other/refs/heads/new")
    fetched = fetch(upstream.source(branch="new"))
    assert (fetched.paths, fetched.commit) == ((), "")
    assert fetched.problem == f"the branch `new` is not in `{upstream.folder}`"


def test_a_repository_without_a_commit_is_a_problem(upstream: Upstream, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--bare", "empty.git")
    fetched = fetch(upstream.source(str(tmp_path / "empty.git")))
    assert fetched.paths == ()
    assert "has no commit at its HEAD" in fetched.problem


@pytest.mark.parametrize("form", ["file://{}", "{}/", "upstream", "./upstream"])
def test_a_repository_of_this_machine_is_named_by_path_or_url(
    upstream: Upstream, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(upstream.folder.parent)
    source = upstream.source(form.format(upstream.folder))
    monkeypatch.chdir("/")
    assert read(fetch(source)) == {"rooms.yaml": "a: 1\n"}


def test_a_shallow_repository_can_be_read(upstream: Upstream, tmp_path: Path) -> None:
    upstream.write(rooms="a: 2\n")
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{upstream.folder}", "shallow")
    assert read(fetch(upstream.source(str(tmp_path / "shallow")))) == {"rooms.yaml": "a: 2\n"}


def test_no_link_of_a_commit_is_followed(upstream: Upstream, tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/key.yaml").write_text("password: 1\n")
    (upstream.folder / "specs/out.yaml").symlink_to(tmp_path / "secrets/key.yaml")
    (upstream.folder / "specs/all").symlink_to(tmp_path / "secrets")
    (upstream.folder / "linked").symlink_to(tmp_path / "secrets")
    upstream.commit()
    texts = read(fetch(upstream.source()))
    assert sorted(texts) == ["out.yaml", "rooms.yaml"]
    assert texts["out.yaml"] == f"{tmp_path}/secrets/key.yaml"
    assert fetch(upstream.source(paths=["linked/key.yaml"])).paths == ()
    assert "password" not in str(read(fetch(upstream.source(paths=["linked"]))))


def test_what_a_repository_or_a_url_would_run_is_not_run(
    upstream: Upstream, tmp_path: Path
) -> None:
    hook = tmp_path / "hooks/reference-transaction"
    hook.parent.mkdir()
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/hook-ran\n")
    hook.chmod(0o755)
    settings = f"[core]\nhooksPath = {hook.parent}\n[protocol]\nallow = always\n"
    (tmp_path / "gitconfig").write_text(settings)
    assert fetch(upstream.source()).problem == ""
    fetched = fetch(upstream.source(f"ext::sh -c touch% {tmp_path}/url-ran"))
    assert fetched.problem.endswith("transport 'ext' not allowed")
    assert not list(tmp_path.glob("*-ran"))


def test_a_repository_that_git_was_started_for_is_another(
    upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hook's environment names its own repository, index and work tree."""
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other.git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "other-index"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path))
    assert read(fetch(upstream.source())) == {"rooms.yaml": "a: 1\n"}
    assert not list(tmp_path.glob("other*"))


def test_a_repository_without_a_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        Git("", poll_s=1, folder=tmp_path, clock=SystemClock())


class Ticks(SystemClock):
    """A clock whose sleeps end when the test says so."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self._sleeping = asyncio.Semaphore(0)
        self._ended = asyncio.Semaphore(0)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._sleeping.release()
        await self._ended.acquire()

    async def tick(self) -> None:
        """End a sleep, and wait until the next."""
        await self._sleeping.acquire()
        self._ended.release()
        await self._sleeping.acquire()
        self._sleeping.release()


class Listener:
    """Counts what a source tells, and fetches at once, as a daemon does."""

    def __init__(self, upstream: Upstream, **options: str) -> None:
        self.clock = Ticks()
        self.source = upstream.source(clock=self.clock, **options)
        self.news = 0

    async def listen(self) -> None:
        async for _ in self.source.changes():
            self.news += 1
            await self.source.fetch()

    async def polled(self) -> int:
        """Return how often it told something by the next poll."""
        before = self.news
        await self.clock.tick()
        return self.news - before


def test_a_poll_tells_of_a_commit_once_and_of_nothing_else(upstream: Upstream) -> None:
    listener = Listener(upstream)

    async def story() -> list[int]:
        await listener.source.fetch()
        listening = asyncio.create_task(listener.listen())
        counts = [await listener.polled()]
        upstream.write(rooms="a: 2\n")
        counts += [await listener.polled(), await listener.polled()]
        upstream.commit("--amend", "--message=b")
        counts += [await listener.polled(), await listener.polled()]
        listening.cancel()
        return counts

    assert asyncio.run(story()) == [0, 1, 0, 1, 0]
    assert set(listener.clock.slept) == {30}


def test_a_poll_tells_when_a_lost_repository_or_branch_is_back(upstream: Upstream) -> None:
    listener = Listener(upstream, branch="main")
    gone = upstream.folder.with_name("gone")

    async def story() -> list[int]:
        await listener.source.fetch()
        listening = asyncio.create_task(listener.listen())
        upstream.folder.rename(gone)
        await listener.source.fetch()
        counts = [await listener.polled()]
        gone.rename(upstream.folder)
        counts += [await listener.polled(), await listener.polled()]
        git(upstream.folder, "branch", "--move", "main", "other")
        counts += [await listener.polled(), await listener.polled()]
        git(upstream.folder, "branch", "--move", "other", "main")
        counts += [await listener.polled(), await listener.polled()]
        listening.cancel()
        return counts

    assert asyncio.run(story()) == [0, 1, 0, 1, 0, 1, 0]


def test_fetches_at_the_same_time_wait_for_each_other(upstream: Upstream) -> None:
    source = upstream.source()

    async def story() -> list[str]:
        return [fetched.problem for fetched in await asyncio.gather(source.fetch(), source.fetch())]

    assert asyncio.run(story()) == ["", ""]

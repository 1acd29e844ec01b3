"""Specs from a Git repository when things go wrong: the last good commit stays in force."""

import asyncio
import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from reconciler.daemon import program
from reconciler.daemon.checkout import Checkout
from reconciler.daemon.source import Fetched
from tests.daemon.repositories import (
    Upstream,
    environment,
    fetch,
    git,
    read,
    stand_in,
    upstream_in,
)


@pytest.fixture
def upstream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Upstream:
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    return upstream_in(tmp_path)


def lose(upstream: Upstream) -> Callable[[], object]:
    """Take the repository away; return what brings it back."""
    gone = upstream.folder.rename(upstream.folder.with_name("gone"))
    return lambda: gone.rename(upstream.folder)


def is_last_good(fetched: Fetched, commit: str, text: str = "a: 1\n") -> bool:
    return bool(fetched.problem) and (fetched.commit, read(fetched)) == (
        commit,
        {"rooms.yaml": text},
    )


def test_a_force_push_is_a_commit_like_any_other(upstream: Upstream) -> None:
    upstream.write(rooms="a: 2\n")
    source = upstream.source()
    fetch(source)
    git(upstream.folder, "reset", "--quiet", "--hard", "HEAD~")
    commit = upstream.write(rooms="a: 3\n")
    fetched = fetch(source)
    assert (fetched.commit, fetched.problem) == (commit, "")
    assert read(fetched) == {"rooms.yaml": "a: 3\n"}


def test_without_a_network_the_last_commit_stays_and_what_comes_is_read_after(
    upstream: Upstream,
) -> None:
    source = upstream.source()
    commit = fetch(source).commit
    bring_back = lose(upstream)
    fetched = fetch(source)
    assert is_last_good(fetched, commit)
    assert fetched.problem == (
        f"`{upstream.folder}` cannot be fetched: "
        f"'{upstream.folder}' does not appear to be a git repository"
    )
    bring_back()
    upstream.write(rooms="a: 2\n")
    assert read(fetch(source)) == {"rooms.yaml": "a: 2\n"}


def test_a_process_that_starts_without_a_network_reads_the_last_commit(upstream: Upstream) -> None:
    before = upstream.source()
    commit = fetch(before).commit
    before.close()
    lose(upstream)
    assert is_last_good(fetch(upstream.source()), commit)


def test_what_was_never_fetched_is_no_world(upstream: Upstream) -> None:
    bring_back = lose(upstream)
    source = upstream.source()
    fetched = fetch(source)
    assert (fetched.paths, fetched.commit) == ((), "")
    assert fetched.problem
    bring_back()
    assert fetch(source).problem == ""


def test_a_branch_that_is_deleted_leaves_its_last_commit(upstream: Upstream) -> None:
    git(upstream.folder, "branch", "live")
    source = upstream.source(branch="live")
    commit = fetch(source).commit
    git(upstream.folder, "branch", "--delete", "live")
    fetched = fetch(source)
    assert is_last_good(fetched, commit)
    assert fetched.problem == f"the branch `live` is not in `{upstream.folder}`"


def test_a_commit_without_the_path_is_not_read(upstream: Upstream) -> None:
    source = upstream.source()
    commit = fetch(source).commit
    git(upstream.folder, "mv", "specs", "other")
    without = upstream.commit()
    for _ in range(2):
        fetched = fetch(source)
        assert is_last_good(fetched, commit)
        said = f"`specs` is not in commit {without[:12]} of `{upstream.folder}`"
        assert fetched.problem == said
    assert len(list(upstream.home.glob("*/trees/*"))) <= 2
    git(upstream.folder, "mv", "other", "specs")
    back = upstream.commit()
    assert fetch(source).commit == back


def test_other_paths_without_a_network_are_read_if_they_were_fetched(upstream: Upstream) -> None:
    upstream.put("more/b.yaml", "b: 1\n")
    upstream.commit()
    before = upstream.source()
    fetch(before)
    before.close()
    lose(upstream)
    for paths, names in ((["more"], ["b.yaml"]), (["gone", "more"], [])):
        source = upstream.source(paths=paths)
        assert sorted(read(fetch(source))) == names
        source.close()


def leave_lock(store: Path) -> None:
    for name in ("index.lock", "shallow.lock", "config.lock", "refs/reconciler/fetched.lock"):
        (store / name).touch()


def lose_objects(store: Path) -> None:
    shutil.rmtree(store / "objects")
    (store / "objects").mkdir()


DAMAGES: dict[str, Callable[[Path], object]] = {
    "locks of a killed git": leave_lock,
    "no head": lambda store: (store / "HEAD").unlink(),
    "a head that says nothing": lambda store: (store / "HEAD").write_text("x"),
    "a broken configuration": lambda store: (store / "config").write_text("[x"),
    "no objects": lose_objects,
    "a broken index": lambda store: (store / "index").write_text("x"),
    "a broken list of ends": lambda store: (store / "shallow").write_text("x"),
    "none": shutil.rmtree,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_store_is_made_anew(upstream: Upstream, damage: str) -> None:
    source = upstream.source()
    commit = fetch(source).commit
    DAMAGES[damage](upstream.place("store"))
    bring_back = lose(upstream)
    assert is_last_good(fetch(source), commit)
    bring_back()
    upstream.write(rooms="a: 2\n")
    fetched = fetch(source)
    assert (read(fetched), fetched.problem) == ({"rooms.yaml": "a: 2\n"}, "")


@pytest.mark.parametrize("damage", ["changed", "removed", "added", "all gone"])
@pytest.mark.parametrize("has_network", [True, False])
def test_a_tree_that_somebody_touched_is_made_anew(
    upstream: Upstream, damage: str, *, has_network: bool
) -> None:
    source = upstream.source()
    commit = fetch(source).commit
    folder = upstream.place("current/specs")
    if damage == "removed":
        (folder / "rooms.yaml").unlink()
    elif damage == "all gone":
        shutil.rmtree(upstream.place("trees"))
        upstream.place("store").with_name("trees").mkdir()
    else:
        (folder / ("rooms.yaml" if damage == "changed" else "b.yaml")).write_text("b: 22\n")
    if not has_network:
        lose(upstream)
    fetched = fetch(source)
    assert (fetched.commit, read(fetched)) == (commit, {"rooms.yaml": "a: 1\n"})
    assert (fetched.problem == "") is has_network


@pytest.mark.parametrize("step", ["_prepare", "_finish", "_stand"])
def test_a_process_that_dies_half_way_leaves_a_whole_commit(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """It is let die in its own steps; what git leaves that dies in its steps is damage, above."""

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    before = upstream.source()
    commit = fetch(before).commit
    upstream.write(rooms="a: 2\n")
    with monkeypatch.context() as patch:
        patch.setattr(Checkout, step, die)
        with pytest.raises(KeyboardInterrupt):
            fetch(before)
    before.close()
    bring_back = lose(upstream)
    after = upstream.source()
    assert is_last_good(fetch(after), commit)
    bring_back()
    assert read(fetch(after)) == {"rooms.yaml": "a: 2\n"}


def test_a_full_disk_leaves_the_last_commit(upstream: Upstream) -> None:
    source = upstream.source()
    commit = fetch(source).commit
    text = Random(1).randbytes(200_000).hex()
    upstream.put("huge", text)
    upstream.write(rooms="a: 2\n")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        fetched = fetch(source)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert is_last_good(fetched, commit)
    assert read(fetch(source)) == {"rooms.yaml": "a: 2\n"}


def test_a_folder_that_cannot_be_written_is_a_problem(upstream: Upstream) -> None:
    upstream.home.write_text("a file, where a folder is to be")
    fetched = fetch(upstream.source())
    assert fetched.paths == ()
    assert fetched.problem.startswith(f"what was fetched of `{upstream.folder}` cannot be kept")


def test_two_that_follow_the_same_branch_do_not_meet(upstream: Upstream) -> None:
    one, other = upstream.source(), upstream.source()
    first, second = fetch(one), fetch(other)
    assert first.paths != second.paths
    assert read(first) == read(second)


def test_a_machine_without_git_is_a_problem(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    assert fetch(upstream.source()).problem.endswith("the program `git` is not installed here")


def is_alive(process: int) -> bool:
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


async def until(is_so: Callable[[], bool]) -> None:
    for _ in range(2000):
        if is_so():
            return
        await asyncio.sleep(0.01)
    assert is_so()


def hang(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let ssh hang for ever; return the file that names its child."""
    child = upstream.folder.with_name("child")
    tell = f"sleep 600 & echo $! >{child}.new; mv {child}.new {child}; wait"
    script = stand_in(child.with_name("hang"), tell)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(script))
    monkeypatch.setenv("GIT_SSH_VARIANT", "simple")
    return child


def test_a_git_that_hangs_is_ended_with_its_children(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = upstream.source()
    commit = fetch(source).commit
    source.close()
    child = hang(upstream, monkeypatch)
    monkeypatch.setattr(program, "TIMEOUT_S", 1)
    fetched = fetch(upstream.source("git@host:specs"))
    assert fetched.problem == "`git@host:specs` cannot be fetched: git took longer than 1 s"
    asyncio.run(until(lambda: not is_alive(int(child.read_text()))))
    assert fetch(upstream.source()).commit == commit


def test_a_fetch_that_is_cancelled_leaves_nothing_running(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = hang(upstream, monkeypatch)

    async def story() -> None:
        fetching = asyncio.create_task(upstream.source("git@host:specs").fetch())
        await until(child.exists)
        fetching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fetching
        await until(lambda: not is_alive(int(child.read_text())))

    asyncio.run(story())

import os
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.spec.cache import ROWS_MAX, VARIABLE, Cache, open_cache
from tests.spec.caches import GIVEN, WORLD, facts, opened, rows_kept, through
from tests.spec.support import read, recording, write


def cut(file: Path, size: int) -> None:
    file.write_bytes(file.read_bytes()[:size])


def flip(file: Path, seed: int) -> None:
    data = bytearray(file.read_bytes())
    chance = random.Random(seed)
    for _ in range(chance.choice([1, 5, 100])):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    file.write_bytes(data)


def run_sql(*statements: str) -> Callable[[Path], None]:
    def run(home: Path) -> None:
        with closing(sqlite3.connect(home / "specs.db")) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    return run


def replaced_by(content: bytes | None, name: str) -> Callable[[Path], None]:
    """Put another content in a file's place, or for None a folder."""

    def replace_it(home: Path) -> None:
        (home / name).unlink()
        if content is None:
            (home / name).mkdir()
        else:
            (home / name).write_bytes(content)

    return replace_it


DAMAGES: dict[str, Callable[[Path], None]] = {
    "an empty database": replaced_by(b"", "specs.db"),
    "no database": lambda home: (home / "specs.db").unlink(),
    "another file": replaced_by(b"hello" * 1000, "specs.db"),
    "a folder": replaced_by(None, "specs.db"),
    "half of it": lambda home: cut(home / "specs.db", 6000),
    "an empty key": replaced_by(b"", "key"),
    "a short key": replaced_by(b"x" * 31, "key"),
    "another key": replaced_by(b"x" * 32, "key"),
    "no key": lambda home: (home / "key").unlink(),
    "a folder for the key": replaced_by(None, "key"),
    "other tables": run_sql("DROP TABLE indexes", "CREATE TABLE indexes (a, b)"),
    "no rows": run_sql("DELETE FROM indexes", "DELETE FROM bodies"),
    "no bodies": run_sql("DELETE FROM bodies"),
    "other contents": run_sql("UPDATE indexes SET content = x'7b7d'"),
    "other bodies": run_sql("UPDATE bodies SET content = x'5b5d'"),
    "text": run_sql("UPDATE indexes SET content = 'a', mark = 'b'", "UPDATE bodies SET mark = 'c'"),
    "numbers": run_sql("UPDATE indexes SET content = 1, mark = 2", "UPDATE bodies SET content = 3"),
    "nulls": run_sql("UPDATE indexes SET content = NULL", "UPDATE bodies SET mark = NULL"),
    "text that is none": run_sql("UPDATE indexes SET content = CAST(x'ff' AS TEXT)"),
    "keys of others": run_sql("UPDATE indexes SET key = randomblob(16)"),
    "marks of others": run_sql(
        "UPDATE indexes SET mark = (SELECT max(mark) FROM indexes)",
        "UPDATE bodies SET mark = (SELECT max(mark) FROM bodies)",
    ),
    "contents of others": run_sql(
        "UPDATE indexes SET content = (SELECT max(content) FROM indexes)",
        "UPDATE bodies SET content = (SELECT max(content) FROM bodies)",
    ),
    "a folder for all": lambda home: home.chmod(0o777),
    "a folder for the group": lambda home: home.chmod(0o770),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGES)
def test_a_cache_that_others_touched_is_ignored(specs: Path, home: Path, name: str) -> None:
    expected = through(home, specs)
    DAMAGES[name](home)
    assert [through(home, specs) for _ in range(3)] == [expected] * 3


def test_a_database_with_bits_flipped_is_ignored(specs: Path, home: Path) -> None:
    expected = through(home, specs)
    sound = (home / "specs.db").read_bytes()
    for seed in range(60):
        (home / "specs.db").write_bytes(sound)
        flip(home / "specs.db", seed)
        assert through(home, specs) == expected


def test_a_database_cut_anywhere_is_ignored(specs: Path, home: Path) -> None:
    expected = through(home, specs)
    sound = (home / "specs.db").read_bytes()
    for size in range(0, len(sound), len(sound) // 40):
        (home / "specs.db").write_bytes(sound[:size])
        assert through(home, specs) == expected


def test_a_cache_of_another_user_is_not_believed(specs: Path, home: Path, tmp_path: Path) -> None:
    """A database that came with a checkout has the right shape and somebody else's key."""
    expected = through(home, specs)
    theirs = tmp_path / "theirs"
    lies = write(tmp_path / "lies", {**WORLD, "a.yaml": recording("lie")})
    (tmp_path / "specs").rename(tmp_path / "aside")
    lies.rename(tmp_path / "specs")
    through(theirs, specs)
    (tmp_path / "specs").rename(lies)
    (tmp_path / "aside").rename(tmp_path / "specs")
    (home / "specs.db").write_bytes((theirs / "specs.db").read_bytes())
    assert through(home, specs) == expected


def test_a_damaged_key_is_replaced_and_all_is_read_anew(specs: Path, home: Path) -> None:
    expected = through(home, specs)
    (home / "key").write_bytes(b"short")
    assert opened(home) is None
    assert through(home, specs) == expected
    assert len((home / "key").read_bytes()) == 32


def test_a_folder_that_others_may_write_to_is_not_used(home: Path) -> None:
    assert opened(home)
    for mode in (0o770, 0o707, 0o777):
        home.chmod(mode)
        assert opened(home) is None
    home.chmod(0o755)
    assert opened(home)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_not_used(home: Path) -> None:
    home.mkdir(mode=0o700)
    os.chown(home, 12345, 12345)
    assert opened(home) is None


def test_a_folder_that_cannot_be_made_is_no_error(specs: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert opened(tmp_path / "file") is None
    assert opened(tmp_path / "file/below") is None
    assert through(tmp_path / "file", specs) == facts(read(specs, GIVEN))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_read_only_is_no_error(specs: Path, home: Path) -> None:
    expected = through(home, specs)
    home.chmod(0o500)
    (home / "specs.db").chmod(0o400)
    assert through(home, specs) == expected


def test_a_database_that_is_read_only_is_no_error(specs: Path, home: Path) -> None:
    expected = through(home, specs)
    write(specs, {"a.yaml": recording("a", "uid: 7")})
    with closing(sqlite3.connect(f"file:{home}/specs.db?mode=ro", uri=True)) as connection:
        cache = Cache(connection, (home / "key").read_bytes())
        found = facts(read(specs, GIVEN, cache))
        cache.flush()
    assert found == facts(read(specs, GIVEN)) != expected


def test_a_locked_database_is_no_error(specs: Path, home: Path) -> None:
    expected = through(home, specs)
    with closing(sqlite3.connect(home / "specs.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert through(home, specs) == expected
    assert opened(home)


def test_a_database_locked_while_it_is_written_is_no_error(specs: Path, home: Path) -> None:
    cache = opened(home)
    assert cache
    found = facts(read(specs, GIVEN, cache))
    with closing(sqlite3.connect(home / "specs.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        cache.flush()
    assert rows_kept(home) == 0
    assert through(home, specs) == found


def test_bodies_that_vanish_meanwhile_are_made_again(specs: Path, home: Path) -> None:
    expected = through(home, specs)
    found = read(specs, GIVEN, opened(home))
    run_sql("DELETE FROM bodies")(home)
    assert facts(found) == expected


def test_the_folder_and_the_key_are_for_this_user_alone(home: Path) -> None:
    assert opened(home)
    assert home.stat().st_mode & 0o777 == 0o700
    assert (home / "key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "environ",
    [{}, {VARIABLE: "off"}, {"HOME": ""}, {"XDG_CACHE_HOME": "relative"}, {"HOME": "relative"}],
)
def test_without_a_place_there_is_no_cache(environ: dict[str, str]) -> None:
    assert open_cache(environ) is None


def test_the_cache_lies_where_the_user_keeps_caches(tmp_path: Path) -> None:
    assert open_cache({"HOME": str(tmp_path)})
    assert open_cache({"HOME": "/nowhere", "XDG_CACHE_HOME": str(tmp_path / "xdg")})
    found = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("key"))
    assert found == [".cache/reconciler/key", "xdg/reconciler/key"]


def test_the_cache_does_not_grow_without_end(home: Path) -> None:
    cache = opened(home)
    assert cache
    for number in range(ROWS_MAX + 100):
        cache.put(number.to_bytes(4, "big"), b"index", b"bodies")
    cache.flush()
    assert rows_kept(home) == ROWS_MAX
    again = opened(home)
    assert again
    kept = [again.index(number.to_bytes(4, "big")) for number in (0, 99, 100, ROWS_MAX + 99)]
    assert kept == [None, None, b"index", b"index"]

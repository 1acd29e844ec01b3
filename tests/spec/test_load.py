import os
from pathlib import Path

import pytest

from reconciler.errors import SpecError
from reconciler.spec.load import GENERATOR_BYTES_MAX, Files, Loaded
from reconciler.spec.source import FILE_BYTES_MAX, Source
from tests.spec.support import said, write


def load(*paths: Path | str) -> Loaded:
    return Files([str(path) for path in paths]).load()


def names(loaded: Loaded, folder: Path) -> list[str]:
    assert loaded.diagnostics == ()
    return [os.path.relpath(source.file, folder) for source in loaded.sources]


def test_a_folder_is_walked_and_its_files_stand_in_order_of_path(tmp_path: Path) -> None:
    found = ["a.yaml", "a/b.yml", "a/c/d.yaml", "a/z.yaml", "b.yml", "a-b/c.yaml"]
    write(tmp_path, dict.fromkeys([*found, "README.md", "rows.csv", "a/c/e.json", "yaml"], ""))
    assert names(load(tmp_path), tmp_path) == sorted(found, key=lambda name: name.split("/"))


def test_nothing_hidden_is_read(tmp_path: Path) -> None:
    hidden = [".a.yaml", ".git/b.yaml", "x/.c/d.yaml", "x/.e.yml"]
    write(tmp_path, dict.fromkeys([*hidden, "x/f.yaml"], ""))
    assert names(load(tmp_path), tmp_path) == ["x/f.yaml"]


def test_a_hidden_folder_that_is_named_is_read(tmp_path: Path) -> None:
    write(tmp_path, {".specs/a.yaml": ""})
    assert names(load(tmp_path / ".specs"), tmp_path) == [".specs/a.yaml"]


def test_a_file_that_is_named_is_read_whatever_it_is_called(tmp_path: Path) -> None:
    write(tmp_path, {"spec.txt": "a: 1\n", ".hidden.yaml": "", "other.yaml": ""})
    files = [tmp_path / "spec.txt", tmp_path / ".hidden.yaml"]
    assert names(load(*files), tmp_path) == [".hidden.yaml", "spec.txt"]


def test_a_file_that_is_reached_twice_is_read_once(tmp_path: Path) -> None:
    write(tmp_path, {"a/b.yaml": "", "a/c.yaml": ""})
    (tmp_path / "a/link.yaml").symlink_to("b.yaml")
    again = load(tmp_path, tmp_path / "a", tmp_path / "a/b.yaml", f"{tmp_path}/./a//b.yaml")
    assert names(again, tmp_path) == ["a/b.yaml", "a/c.yaml"]


def test_a_source_is_named_as_the_path_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, {"specs/a/b.yaml": ""})
    monkeypatch.chdir(tmp_path)
    assert [load(path).sources[0].file for path in ("specs", "./specs", ".", "specs/a/b.yaml")] == [
        "specs/a/b.yaml"
    ] * 4


def test_the_content_is_read_as_it_is(tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": b"\xff\0\r\n"})
    (source,) = load(tmp_path).sources
    assert source == Source.of(str(tmp_path / "a.yaml"), b"\xff\0\r\n")


def test_a_huge_file_is_read_no_further_than_it_takes_to_refuse_it(tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": b"#" * (2 * FILE_BYTES_MAX)})
    (source,) = load(tmp_path).sources
    assert len(source.data) == FILE_BYTES_MAX + 1


def test_an_empty_folder_holds_no_specs(tmp_path: Path) -> None:
    assert load(tmp_path) == Loaded((), ())


def refusal(loaded: Loaded) -> str:
    (found,) = loaded.diagnostics
    hint = f" ({found.hint})" if found.hint else ""
    return f"{said([found])[0]}: {found.message}{hint}"


def test_a_path_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    missing = tmp_path / "no.yaml"
    assert refusal(load(missing)) == (
        "no.yaml:1:1 path: the path cannot be read: no such file or directory"
    )


def test_the_others_are_read_where_one_path_is_not_there(tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": ""})
    loaded = load(tmp_path / "no", tmp_path)
    assert len(loaded.sources) == len(loaded.diagnostics) == 1


def test_a_broken_link_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").symlink_to("nowhere.yaml")
    assert refusal(load(tmp_path)).startswith("a.yaml:1:1 path: the path cannot be read: no such")


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    write(tmp_path, {"a/b.yaml": ""})
    (tmp_path / "a/again").symlink_to("..")
    (tmp_path / "a/self.yaml").symlink_to("self.yaml")
    loaded = load(tmp_path)
    assert [source.file for source in loaded.sources] == [str(tmp_path / "a/b.yaml")]
    assert refusal(loaded) == (
        "self.yaml:1:1 path: the path cannot be read: too many levels of symbolic links"
    )


def test_a_link_inside_is_followed(tmp_path: Path) -> None:
    write(tmp_path, {"specs/parts/a.yaml": "", "specs/b.yaml": ""})
    (tmp_path / "specs/zfolder").symlink_to("parts")
    (tmp_path / "specs/c.yaml").symlink_to("b.yaml")
    loaded = load(tmp_path / "specs")
    assert names(loaded, tmp_path) == ["specs/b.yaml", "specs/parts/a.yaml"]


def test_a_link_to_a_file_that_no_spec_is_called_like_is_followed(tmp_path: Path) -> None:
    write(tmp_path, {"text": "a: 1\n"})
    (tmp_path / "a.yaml").symlink_to("text")
    assert names(load(tmp_path), tmp_path) == ["a.yaml"]


@pytest.mark.parametrize("target", ["outside.yaml", "other", "specs-too/a.yaml"])
def test_a_link_to_the_outside_is_refused(tmp_path: Path, target: str) -> None:
    names = ["outside.yaml", "other/a.yaml", "specs-too/a.yaml", "specs/a.yaml"]
    write(tmp_path, dict.fromkeys(names, ""))
    (tmp_path / "specs/link.yaml").symlink_to(tmp_path / target)
    loaded = load(tmp_path / "specs")
    assert [source.file for source in loaded.sources] == [str(tmp_path / "specs/a.yaml")]
    assert refusal(loaded) == (
        "link.yaml:1:1 symlink: the link points outside the given path"
        " (copy the file into the folder, or name its target as a path of its own)"
    )


def test_a_link_to_another_path_that_was_given_is_followed(tmp_path: Path) -> None:
    write(tmp_path, {"one/a.yaml": "", "two/b.yaml": ""})
    (tmp_path / "one/link").symlink_to(tmp_path / "two")
    assert load(tmp_path / "one", tmp_path / "two").diagnostics == ()


def test_a_path_that_is_a_link_itself_is_followed(tmp_path: Path) -> None:
    write(tmp_path, {"real/a.yaml": ""})
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "file.yaml").symlink_to("real/a.yaml")
    assert names(load(tmp_path / "link"), tmp_path) == ["link/a.yaml"]
    assert names(load(tmp_path / "file.yaml"), tmp_path) == ["file.yaml"]


def test_a_pipe_is_refused_and_nobody_waits_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.yaml")
    expected = "a.yaml:1:1 path: the path cannot be read: not a regular file"
    assert refusal(load(tmp_path)) == refusal(load(tmp_path / "a.yaml")) == expected


def test_a_device_is_refused() -> None:
    assert "not a regular file" in refusal(load("/dev/zero"))


def test_a_folder_named_like_a_spec_is_a_folder(tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml/b.yaml": ""})
    assert names(load(tmp_path), tmp_path) == ["a.yaml/b.yaml"]


@pytest.mark.parametrize("path", ["", "\0", "a\nb.yaml", "x" * 5000, "a.yaml/b"])
def test_a_path_that_no_file_can_have_is_an_error(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(write(tmp_path, {"a.yaml": ""}))
    loaded = load(path)
    assert loaded.sources == ()
    assert [found.code for found in loaded.diagnostics] == ["path"]


def test_a_name_that_is_no_text_can_be_printed(tmp_path: Path) -> None:
    for name in (b"/\xfe.yaml", b"/\xff.yaml"):
        Path(os.fsdecode(bytes(tmp_path) + name)).touch()
    names = [source.file for source in load(tmp_path).sources]
    assert names == [f"{tmp_path}/\\xfe.yaml", f"{tmp_path}/\\xff.yaml"]


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unreadable for root")
def test_what_may_not_be_read_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": "", "b/c.yaml": ""})
    (tmp_path / "a.yaml").chmod(0)
    (tmp_path / "b").chmod(0)
    loaded = load(tmp_path)
    (tmp_path / "b").chmod(0o700)
    assert said(loaded.diagnostics) == ["b:1:1 path", "a.yaml:1:1 path"]


def test_a_folder_too_deep_to_be_opened_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(25):  # 25 times 200 characters are more than the 4096 of a path
        Path("d" * 200).mkdir()
        monkeypatch.chdir("d" * 200)
    assert "the folder cannot be read: file name too long" in refusal(load(tmp_path))


# Files that a spec names


def beside(tmp_path: Path, name: str, spec: str = "specs/a/s.yaml") -> bytes:
    files = Files([str(tmp_path / "specs")])
    return files.beside(Source.of(str(tmp_path / spec), b""), name)


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    names = ["specs/a/r.csv", "specs/a/deep/r.csv", "specs/r.csv", "r.csv", "specs-too/r.csv"]
    write(tmp_path, {name: name for name in names})
    (tmp_path / "specs/a/in.csv").symlink_to("../r.csv")
    (tmp_path / "specs/a/out.csv").symlink_to("../../r.csv")
    (tmp_path / "specs/a/outside").symlink_to("../..")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("r.csv", "specs/a/r.csv"),
        ("./r.csv", "specs/a/r.csv"),
        ("deep/r.csv", "specs/a/deep/r.csv"),
        ("../r.csv", "specs/r.csv"),
        ("in.csv", "specs/r.csv"),
        ("../../specs/r.csv", "specs/r.csv"),
    ],
)
def test_a_file_inside_the_path_is_read(rows: Path, name: str, file: str) -> None:
    assert beside(rows, name).decode() == file


@pytest.mark.parametrize(
    "name",
    [
        *("../../r.csv", "../../specs-too/r.csv", "out.csv", "outside/r.csv", "/etc/passwd"),
        *("../../specs/../r.csv", "../../nothing.csv", "/", ".." + "/.." * 40 + "/etc/passwd"),
    ],
)
def test_a_file_outside_the_path_is_refused(rows: Path, name: str) -> None:
    with pytest.raises(SpecError, match="is outside the given paths") as refused:
        beside(rows, name)
    assert refused.value.code == "generator-file"
    assert refused.value.hint == (
        "name a file below the folder that was given, relative to this spec"
    )


def test_an_absolute_path_is_refused_even_inside(rows: Path) -> None:
    with pytest.raises(SpecError, match="outside"):
        beside(rows, str(rows / "specs/r.csv"))


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("no.csv", "no such file or directory"),
        ("deep", "not a regular file"),
        ("pipe.csv", "not a regular file"),
        ("r.csv/x", "not a directory"),
        ("", "not a regular file"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(rows: Path, name: str, why: str) -> None:
    os.mkfifo(rows / "specs/a/pipe.csv")
    with pytest.raises(SpecError, match=f"`{name}` cannot be read: {why}"):
        beside(rows, name)


def test_a_name_with_a_nul_character_is_refused(rows: Path) -> None:
    with pytest.raises(SpecError):
        beside(rows, "a\0b.csv")


def test_a_file_that_was_given_alone_reads_beside_itself(rows: Path) -> None:
    files = Files([str(rows / "specs/a/s.yaml")])
    source = Source.of(str(rows / "specs/a/s.yaml"), b"")
    assert files.beside(source, "r.csv") == b"specs/a/r.csv"
    with pytest.raises(SpecError, match="outside"):
        files.beside(source, "../r.csv")


def test_rows_that_are_too_many_bytes_are_refused(rows: Path) -> None:
    write(rows, {"specs/a/big.csv": b"x" * (GENERATOR_BYTES_MAX + 1)})
    with pytest.raises(SpecError, match=r"`big\.csv` is larger than 8 MiB"):
        beside(rows, "big.csv")

import io
from pathlib import Path

import pytest

from tests.golden.examples import rendered
from tools.golden import FOLDER, main, outdated


@pytest.mark.parametrize("name", sorted(rendered()))
def test_a_golden_file_is_what_is_rendered(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == rendered()[name]


def test_there_is_no_golden_file_that_nothing_renders() -> None:
    assert outdated(FOLDER) == []


def test_files_are_written_once_and_others_removed(tmp_path: Path) -> None:
    (tmp_path / "old.txt").write_text("old")
    assert main([], tmp_path, io.StringIO()) == 0
    assert {path.name for path in tmp_path.iterdir()} == rendered().keys()
    assert main(["--check"], tmp_path, io.StringIO()) == 0


def test_a_check_names_what_is_out_of_date_and_writes_nothing(tmp_path: Path) -> None:
    main([], tmp_path, io.StringIO())
    (tmp_path / "plan.txt").write_text("edited")
    out = io.StringIO()
    assert main(["--check"], tmp_path, out) == 1
    assert out.getvalue() == "plan.txt is out of date; run `make golden`\n"
    assert (tmp_path / "plan.txt").read_text() == "edited"


def test_another_argument_is_refused(tmp_path: Path) -> None:
    assert main(["--force"], tmp_path, io.StringIO()) == 1
    assert list(tmp_path.iterdir()) == []

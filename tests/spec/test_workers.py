"""A first read on all cores comes to the same as one on a single core.

The program runs as a process of its own, since only one without threads may fork.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.spec.catalog import SHARED_FILES_MIN
from tests.spec.support import SHARED, manifest, recording, write

READ = """
import pathlib, sys
from reconciler.spec.catalog import read_catalog
from reconciler.spec.load import Files
from reconciler.spec.setting import Setting

setting = Setting({}, frozenset(), {}, 1_790_000_000.0)
catalog = read_catalog(Files(["specs"]), setting, workers=int(sys.argv[1]))
for entry in catalog.entries:
    sys.stdout.write(f"{entry}\\n")
for diagnostic in catalog.diagnostics:
    sys.stdout.write(f"{diagnostic}\\n")
sys.stdout.write(f"{catalog.complete}\\n")
"""


def read_with(folder: Path, workers: int) -> str:
    done = subprocess.run(
        [sys.executable, "-c", READ, str(workers)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def files(count: int) -> dict[str, str]:
    sound = {
        f"r{number:03}.yaml": recording(f"r{number}").replace("channel: c", f"channel: c{number}")
        for number in range(count)
    }
    return {"shared.yaml": SHARED} | sound


def test_many_files_come_to_the_same_on_one_core_and_on_two(tmp_path: Path) -> None:
    broken = {
        "bad.yaml": recording("bad", "maxIdle: 1\n"),
        "text.yaml": "a: [",
        "twice.yaml": recording("r1"),
    }
    write(tmp_path / "specs", files(SHARED_FILES_MIN) | broken)
    single = read_with(tmp_path, 1)
    assert single.count("name='r") == SHARED_FILES_MIN
    assert "code='max-idle'" in single
    assert read_with(tmp_path, 2) == single


def test_a_definition_that_does_not_look_like_one_is_found_by_a_child_too(tmp_path: Path) -> None:
    template = manifest("Template", "house", "mode: mix\n").replace("Template", r'"\x54emplate"')
    last = recording("last", "channel: z\nstorage: archive\n", template="house")
    write(tmp_path / "specs", files(SHARED_FILES_MIN) | {"x.yaml": template, "y.yaml": last})
    single = read_with(tmp_path, 1)
    assert "there is no Template" not in single
    assert "name='last'" in single
    assert read_with(tmp_path, 2) == single


@pytest.mark.parametrize("count", [1, SHARED_FILES_MIN + 50])
def test_the_program_reads_any_number_of_files(tmp_path: Path, count: int) -> None:
    write(tmp_path / "specs", files(count))
    program = Path(sys.executable).with_name("reconciler")
    environ = {"RECONCILER_CACHE": str(tmp_path / "cache"), "PATH": "/usr/bin:/bin"}
    for _ in range(2):
        done = subprocess.run(
            [program, "validate", "specs"],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        noun = "recording" if count == 1 else "recordings"
        assert done.stdout == f"{count} {noun}, 0 errors, 0 warnings\n"

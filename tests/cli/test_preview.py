"""`preview`: which recording is drawn, where to, and what is said when there is nothing to draw."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.cli.support import Run
from tests.spec.support import SHARED, manifest, recording, write

CUSTOM = """\
video: {width: 1280, height: 720, fps: 15, bitrate: 2260}
layout:
  type: custom
  background: {color: "#102030"}
  regions:
    - {uid: 7, x: 0, y: 0, width: 0.5, height: 1}
    - {x: 0.5, y: 0, width: 0.5, height: 0.5, alpha: 0.5, fit: contain}
"""
WEB = "mode: web\nchannel: w\nstorage: archive\nweb: {url: https://example.com, maxDuration: 1h}\n"


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    files = {"shared.yaml": SHARED, "hall.yaml": recording("hall", CUSTOM)}
    return write(tmp_path / "specs", files)


@pytest.mark.usefixtures("specs")
def test_the_only_composite_recording_is_drawn_in_the_terminal(run: Run) -> None:
    ran = run("preview", "specs")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("hall\ncustom, 2 users, 1280 x 720 px\n")
    assert "1 uid 7" in ran.out
    assert "#102030" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 100


@pytest.mark.usefixtures("specs")
@pytest.mark.parametrize("users", [1, 17])
def test_any_number_of_users_up_to_17_can_be_shown(run: Run, users: int) -> None:
    assert run("preview", "specs", "--users", users).code == 0


@pytest.mark.usefixtures("specs")
@pytest.mark.parametrize("users", [0, 18, -1])
def test_other_numbers_of_users_are_exit_1(run: Run, users: int) -> None:
    ran = run("preview", "specs", f"--users={users}")
    assert (ran.code, ran.out) == (1, "")
    assert "17" in ran.err


@pytest.mark.usefixtures("specs")
def test_pictures_are_written(run: Run, tmp_path: Path) -> None:
    assert run("preview", "specs", "--out", "hall.svg").code == 0
    assert run("preview", "specs", "--out", "hall.png").err == "wrote hall.png\n"
    assert ET.parse(tmp_path / "hall.svg").getroot().tag.endswith("svg")  # noqa: S314  # our own
    assert (tmp_path / "hall.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("specs")
@pytest.mark.parametrize("out", ["hall.gif", "hall", "nowhere/hall.svg"])
def test_a_picture_that_cannot_be_written_is_exit_1(run: Run, out: str) -> None:
    ran = run("preview", "specs", "--out", out)
    assert ran.code == 1
    assert out in ran.err


def test_several_composite_recordings_want_a_name(run: Run, specs: Path) -> None:
    write(specs, {"b.yaml": recording("lobby").replace("channel: c", "channel: d")})
    ran = run("preview", "specs")
    assert ran.code == 1
    assert "choose with --name: `hall`, `lobby`" in ran.err
    drawn = run("preview", "specs", "--name", "lobby")
    assert drawn.out.startswith("lobby\nfloating, 4 users, 360 x 640 px\n")


@pytest.mark.usefixtures("specs")
def test_an_unknown_name_is_exit_1_with_those_there_are(run: Run) -> None:
    ran = run("preview", "specs", "--name", "hal")
    assert ran.code == 1
    assert "there is no recording `hal`" in ran.err
    assert "`hall`" in ran.err


def test_a_recording_without_a_canvas_is_exit_1(run: Run, specs: Path) -> None:
    write(specs, {"w.yaml": manifest("Recording", "page", WEB)})
    ran = run("preview", "specs", "--name", "page")
    assert ran.code == 1
    assert "mode web" in ran.err


def test_a_recording_with_errors_shows_them_instead(run: Run, specs: Path) -> None:
    write(specs, {"hall.yaml": recording("hall", "maxIdle: 1\n")})
    for name in ((), ("--name", "hall")):
        ran = run("preview", "specs", *name)
        assert (ran.code, ran.out) == (1, "")
        assert "error[max-idle]" in ran.err


def test_the_cache_changes_no_picture(run: Run, specs: Path) -> None:
    first = run("preview", "specs")
    assert run("preview", "specs").out == first.out
    write(specs, {"hall.yaml": recording("hall")})
    assert run("preview", "specs").out.startswith("hall\nfloating")

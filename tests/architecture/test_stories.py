"""What the guide tells as a story against a simulator happens as it is told."""

from pathlib import Path

import pytest

from tests.architecture.repository import ROOT
from tests.architecture.stories import STORY_S_MAX, played, steps, told

PAGES = [
    str(path.relative_to(ROOT))
    for path in sorted((ROOT / "docs").rglob("*.md"))
    if steps(path.read_text(encoding="utf-8"))
]


def test_first_steps_are_a_story() -> None:
    assert "docs/guide/first-steps.md" in PAGES


@pytest.mark.timeout(STORY_S_MAX)
@pytest.mark.parametrize("page", PAGES)
def test_a_story_happens_as_it_is_told(page: str, tmp_path: Path) -> None:
    story = steps((ROOT / page).read_text(encoding="utf-8"))
    outputs = played([command for command, _ in story], tmp_path)
    happened = [
        (command, told(output)) for (command, _), output in zip(story, outputs, strict=True)
    ]
    assert happened == [(command, told(output)) for command, output in story]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("done in 5s\n", "done in 12s\n"),
        ("at 2026-11-20T14:19:55Z", "at 2027-01-01T00:00:00Z"),
        ("AGE  EXPIRES\n 5s    2d23h \n", "AGE EXPIRES\n14s   23h59m\n"),
    ],
)
def test_what_differs_from_run_to_run_is_passed_over(one: str, other: str) -> None:
    assert told(one) == told(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1 done, 0 failed", "1 done, 1 failed"),
        ("uid `4226867205`", "uid `4226867206`"),
        ("start  done in 5s", "stop  done in 5s"),
    ],
)
def test_what_says_another_thing_is_noticed(one: str, other: str) -> None:
    assert told(one) != told(other)

import re

import pytest

from tests.architecture.repository import ROOT, names, pyproject

LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")


def unlocked(lock: str) -> list[str]:
    """Name the requirements without an exact version and a hash: one each, lines joined by `\\`."""
    joined = re.sub(r"\\\n\s*", "", lock)
    lines = [line for line in joined.splitlines() if line and not line.lstrip().startswith("#")]
    exact = re.compile(r"[\w.-]+==\S+ (?:; .+ )?(?:--hash=sha256:[0-9a-f]{64} ?)+")
    return [line for line in lines if not exact.fullmatch(line)]


def addresses(lock: str) -> list[str]:
    return re.findall(r"(?:https?:|file:|git\+|@ |--(?:extra-)?index|--find-links).*", lock)


def test_the_lock_names_no_registry_and_no_path() -> None:
    assert addresses(LOCK) == []


def test_every_locked_requirement_has_a_version_and_a_hash() -> None:
    assert unlocked(LOCK) == []


def test_the_lock_holds_every_dependency_of_the_project() -> None:
    project = pyproject()
    declared = [
        *project["build-system"]["requires"],
        *project["project"]["dependencies"],
        *project["dependency-groups"]["dev"],
    ]
    locked = names(re.findall(r"^[\w.-]+", LOCK, flags=re.MULTILINE))
    assert names(declared) - locked == set()


@pytest.mark.parametrize(
    "line", ["a>=1", "a==1", "a==1 \\\n    --hash=md5:0", "a @ b", "--index-url b"]
)
def test_a_line_that_pins_nothing_is_found(line: str) -> None:
    assert len(unlocked(f"{line}\n")) == 1


@pytest.mark.parametrize("line", ["--index-url https://a", "a @ file:b", "--find-links b"])
def test_an_address_is_found(line: str) -> None:
    assert addresses(line)

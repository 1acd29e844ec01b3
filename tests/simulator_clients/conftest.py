"""A Python of its own for the official client, whose dependencies must not enter our lock."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.control import CALLS_PER_SECOND, TIME_SCALE, simulator

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
FORGED = "DO NOT MATCH THE HASHES"
# What pip says when it cannot get at a registry; everything else is a failure.
UNREACHABLE = ("No matching distribution found", "Max retries exceeded", "Connection")


@pytest.fixture(scope="session")
def clients_python(pytestconfig: pytest.Config) -> Path:
    """The interpreter of an environment that holds the client, made once and kept."""
    cache = pytestconfig.cache
    assert cache is not None
    made_for = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()
    home = cache.mkdir("simulator_clients") / made_for[:16]
    if not home.exists():
        fresh = home.with_name(f"{home.name}-{os.getpid()}")
        _install(fresh)
        try:
            fresh.rename(home)
        except OSError:  # another worker was faster
            shutil.rmtree(fresh)
    return home / "bin" / "python"


@pytest.fixture(scope="session")
def url() -> Iterator[str]:
    """The base URL of a simulator in which recordings begin at once."""
    options = ("--time-scale", TIME_SCALE, "--start-delay", 0, "--qps", CALLS_PER_SECOND)
    with simulator(*options) as base_url:
        yield base_url


def _install(home: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", home], check=True)
    pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--retries=1"]
    words = [*pip, "--timeout=15", "--require-hashes", "--requirement", str(REQUIREMENTS)]
    result = subprocess.run(words, capture_output=True, text=True, check=False)
    if result.returncode == 0:
        return
    shutil.rmtree(home)
    if FORGED not in result.stderr and any(sign in result.stderr for sign in UNREACHABLE):
        pytest.skip("pip reaches no package registry, so the official client cannot be installed")
    pytest.fail(result.stderr)

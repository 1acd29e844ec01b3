"""The repository's files as the tests of this folder see them: what is, or would be, committed."""

import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


@cache
def committed_files() -> tuple[str, ...]:
    """List the files that Git tracks or would add, as paths from the root, sorted."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return tuple(sorted(name for name in set(listed.split("\0")) if (ROOT / name).is_file()))


def texts(*suffixes: str) -> dict[str, str]:
    """Read the committed text files with these suffixes (all without one): path to text."""
    found = {}
    for name in committed_files():
        content = (ROOT / name).read_bytes()
        if name.endswith(suffixes or "") and b"\0" not in content:
            found[name] = content.decode(errors="replace")
    return found


def pyproject() -> dict[str, Any]:
    """Read pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def names(requirements: list[str]) -> set[str]:
    """Take the packages' normalised names (PEP 503) from requirements such as `a.b>=1`."""
    found = (re.match(r"[\w.-]+", requirement) for requirement in requirements)
    return {re.sub(r"[-_.]+", "-", match[0]).lower() for match in found if match}

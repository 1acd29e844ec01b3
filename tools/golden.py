"""Write tests/golden from what the program renders now: `python -m tools.golden [--check]`.

With `--check` it writes nothing, names the files that are out of date, and exits 1 if any are.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from tests.golden.examples import rendered

FOLDER = Path(__file__).resolve().parents[1] / "tests" / "golden"
SOURCES = ".py"


def main(arguments: Sequence[str], folder: Path, out: TextIO) -> int:
    """Write the files into the folder and remove others, or only compare; return the exit code."""
    stale = outdated(folder)
    if list(arguments) == ["--check"]:
        out.writelines(f"{name} is out of date; run `make golden`\n" for name in stale)
        return 1 if stale else 0
    if arguments:
        out.write("usage: python -m tools.golden [--check]\n")
        return 1
    made = rendered()
    for name in stale:
        if name in made:
            (folder / name).write_text(made[name], encoding="utf-8", newline="\n")
        else:
            (folder / name).unlink()
    return 0


def outdated(folder: Path) -> list[str]:
    """Name the files that are missing, differ, or are no longer made."""
    made = rendered()
    files = (path for path in folder.iterdir() if path.is_file() and path.suffix != SOURCES)
    found = {path.name: path.read_text(encoding="utf-8") for path in files}
    return sorted(name for name in made.keys() | found.keys() if made.get(name) != found.get(name))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], FOLDER, sys.stdout))

"""Write docs/reference from the models and tables: `python tools/reference.py [--check]`.

With `--check` it writes nothing, names the pages that are out of date, and exits 1 if any are.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from reconciler.spec.reference import pages

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "reference"


def main(arguments: Sequence[str], folder: Path, out: TextIO) -> int:
    """Write the pages into the folder and remove others, or only compare; return the exit code."""
    stale = outdated(folder)
    if list(arguments) == ["--check"]:
        out.writelines(f"{name} is out of date; run `make docs`\n" for name in stale)
        return 1 if stale else 0
    if arguments:
        out.write("usage: python tools/reference.py [--check]\n")
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    made = pages()
    for name in stale:
        if name in made:
            (folder / name).write_text(made[name], encoding="utf-8", newline="\n")
        else:
            (folder / name).unlink()
    return 0


def outdated(folder: Path) -> list[str]:
    """Name the pages that are missing, differ, or are no longer made."""
    made = pages()
    found = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.md")}
    return sorted(name for name in made.keys() | found.keys() if made.get(name) != found.get(name))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], FOLDER, sys.stdout))

"""`reconciler init`: a new specs repository that is valid as it stands."""

import argparse
import json
import shlex
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path

from reconciler.cli.console import Console
from reconciler.errors import UsageError

EXAMPLE = "reconciler init my-recordings"
SCHEMA = "reconciler.schema.json"

SCAFFOLD = {
    ".github/workflows/reconciler.yaml": "workflow.yaml",
    ".gitignore": "gitignore",
    ".vscode/settings.json": "vscode.json",
    "README.md": "readme.md",
    "specs/app.yaml": "specs/app.yaml",
    "specs/composite.yaml": "specs/composite.yaml",
    "specs/individual.yaml": "specs/individual.yaml",
    "specs/storage.yaml": "specs/storage.yaml",
    "specs/web.yaml": "specs/web.yaml",
}
"""The files of a new repository, and where their text lies in `scaffold/`. There no name begins
with a dot: Git, editors and packaging would take such files for their own."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "folder", nargs="?", default=".", metavar="DIR", help="where to make it (default: here)"
    )
    parser.add_argument("--force", action="store_true", help="overwrite files that exist")


def run(args: argparse.Namespace, console: Console) -> int:
    """Write every file, or none and say why."""
    folder = Path(args.folder)
    texts = {folder / name: text for name, text in _texts().items()}
    try:
        _refuse_obstacles(folder, texts)
        if not args.force:
            _refuse_existing(texts)
        _write(texts)
    except OSError as problem:
        place = problem.filename or folder
        raise UsageError(f"`{place}` cannot be written: {problem.strerror}") from None
    for path in texts:
        console.note(f"wrote {path}")
    for line in _next_steps(folder):
        console.note(line)
    return 0


def _texts() -> dict[str, str]:
    from reconciler.spec.schema import json_schema

    scaffold = files("reconciler.cli") / "scaffold"
    texts = {name: (scaffold / stored).read_text("utf-8") for name, stored in SCAFFOLD.items()}
    texts[SCHEMA] = json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
    return dict(sorted(texts.items()))


def _refuse_obstacles(folder: Path, paths: Iterable[Path]) -> None:
    """Refuse a file in a folder's place and a folder in a file's: `--force` removes neither."""
    parents = {parent for path in paths for parent in path.parents}
    for place in sorted(parent for parent in parents if parent.is_relative_to(folder)):
        if _is_there(place) and not place.is_dir():
            raise UsageError(f"`{place}` is no folder", hint="name another folder")
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            raise UsageError(f"`{path}` is a folder", hint="a file is to be there; move it away")


def _refuse_existing(paths: Iterable[Path]) -> None:
    existing = [f"`{path}`" for path in paths if _is_there(path)]
    if existing:
        verb = "exists" if len(existing) == 1 else "exist"
        message = f"{', '.join(existing)} {verb} already; nothing was written"
        raise UsageError(message, hint="name another folder, or overwrite with --force")


def _is_there(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _write(texts: Mapping[Path, str]) -> None:
    """Write all files under other names, then move them: a full disk leaves no half file."""
    drafts: dict[Path, Path] = {}
    try:
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.with_name(f".{path.name}.new")
            with draft.open("x", encoding="utf-8", newline="\n") as file:
                drafts[draft] = path
                file.write(text)
        for draft, path in drafts.items():
            draft.replace(path)
    finally:
        for draft in drafts:
            draft.unlink(missing_ok=True)


def _next_steps(folder: Path) -> tuple[str, ...]:
    enter = () if folder == Path() else (f"  cd {shlex.quote(str(folder))}",)
    return (
        "",
        "next, after a look at specs/storage.yaml and specs/composite.yaml:",
        *enter,
        "  reconciler validate specs",
        "  reconciler preview specs",
    )

"""`reconciler preview`: what a composite recording's picture looks like with so many users."""

import argparse
from pathlib import Path

from reconciler.cli.console import Console
from reconciler.cli.loading import add_spec_options, load_catalog
from reconciler.cli.report import diagnostic_lines
from reconciler.clock import SystemClock
from reconciler.diagnostics import Severity
from reconciler.draw.layout import layout_of, users_of
from reconciler.draw.scene import Scene, scene
from reconciler.errors import UsageError
from reconciler.spec.catalog import Catalog
from reconciler.spec.desired import Desired
from reconciler.spec.wire import Mode

EXAMPLE = "reconciler preview specs --name town-hall --users 5 --out town-hall.png"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a spec file, or a folder of them")
    parser.add_argument(
        "--name", help="which recording; may be left out if there is one composite one"
    )
    parser.add_argument(
        "--users", type=int, metavar="K", help="how many users are in the channel, 1 to 17"
    )
    parser.add_argument(
        "--out", metavar="FILE", help="write a picture, .svg or .png, instead of drawing here"
    )
    add_spec_options(parser)


def run(args: argparse.Namespace, console: Console) -> int:
    """Draw, and return 0; 1 if there is nothing sound to draw."""
    if args.out and Path(args.out).suffix not in {".svg", ".png"}:
        raise UsageError(f"--out {args.out}: a picture is a .svg or .png file")
    catalog = load_catalog(args, console.environ, SystemClock())
    desired = _chosen(catalog, args.name, console)
    if desired is None:
        return 1
    layout, (width, height) = layout_of(desired)
    users = args.users if args.users is not None else users_of(layout)
    try:
        picture = scene(layout, users=users, width=width, height=height, title=desired.name)
    except ValueError as problem:
        raise UsageError(str(problem)) from None
    _show(picture, args.out, console)
    return 0


def _show(picture: Scene, out: str | None, console: Console) -> None:
    if out is None:
        from reconciler.draw.terminal import terminal

        console.write(
            terminal(picture, columns=console.columns(), colour=console.colour(console.out))
        )
        return
    try:
        _write(picture, Path(out))
    except OSError as problem:
        raise UsageError(f"`{out}` cannot be written: {problem.strerror}") from None
    console.note(f"wrote {out}")


def _write(picture: Scene, path: Path) -> None:
    if path.suffix == ".svg":
        from reconciler.draw.svg import svg

        path.write_text(svg(picture), encoding="utf-8")
    else:
        from reconciler.draw.png import png

        path.write_bytes(png(picture))


def _chosen(catalog: Catalog, name: str | None, console: Console) -> Desired | None:
    """Return the recording to draw, or None after saying why there is none."""
    if name is None:
        return _only_composite(catalog, console)
    entry = next((entry for entry in catalog.entries if entry.name == name), None)
    if entry is None:
        known = ", ".join(f"`{entry.name}`" for entry in catalog.entries[:8]) or "none"
        raise UsageError(f"there is no recording `{name}`", hint=f"there are {known}")
    if not entry.digest:
        _say_errors(catalog, console)
        return None
    desired = entry.desired()
    if desired.mode is not Mode.MIX:
        raise UsageError(
            f"`{name}` has mode {desired.mode}: only composite (mix) recordings have a layout"
        )
    return desired


def _only_composite(catalog: Catalog, console: Console) -> Desired | None:
    sound = [entry.desired() for entry in catalog.entries if entry.digest]
    composite = [desired for desired in sound if desired.mode is Mode.MIX]
    if len(composite) == 1:
        return composite[0]
    if composite:
        names = ", ".join(f"`{desired.name}`" for desired in composite[:8])
        raise UsageError(
            "there are several composite recordings", hint=f"choose with --name: {names}"
        )
    if not catalog.errors:
        raise UsageError("there is no composite recording (mode: mix) to draw")
    _say_errors(catalog, console)
    return None


def _say_errors(catalog: Catalog, console: Console) -> None:
    for diagnostic in catalog.diagnostics:
        if diagnostic.severity is Severity.ERROR:
            for line in diagnostic_lines(diagnostic, console):
                console.note(line)

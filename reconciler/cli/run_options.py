"""The options of `run` (design/cli.md, "run")."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from reconciler.cli.loading import said_variables
from reconciler.cli.scope import seconds
from reconciler.daemon.gate import is_loopback
from reconciler.errors import UsageError

LISTEN = "127.0.0.1:8710"
OFF = "off"
EVERYWHERE = str(IPv4Address(0))
"""Where `:8710` listens."""

BEARER = "RECONCILER_TOKEN"
CHECKOUTS = "git"
STATE_FOLDER = ".reconciler"
_SQLITE = "sqlite:///"


@dataclass(frozen=True, slots=True)
class Listen:
    """Where HTTP is answered; port 0: any free one."""

    host: str
    port: int


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Declare what `run` alone takes."""
    parser.add_argument("paths", nargs="*", metavar="PATH", help="spec files and folders")
    _add_git_options(parser)
    parser.add_argument(
        "--listen",
        type=_listen,
        default=_listen(LISTEN),
        metavar="HOST:PORT",
        help=f"answer HTTP there; `off` for none (default {LISTEN})",
    )
    _add_duration(parser, "--interval", "60s", "read the specs and reconcile all so often")
    _add_duration(parser, "--resync", "120s", "query a running session so often")
    parser.add_argument(
        "--prune-delay",
        type=seconds,
        default=seconds("5m"),
        metavar="DURATION",
        help="leave a recording that is gone from the specs so long (default 5m)",
    )
    parser.add_argument(
        "--standby",
        action="store_true",
        help="where another `run` holds the scope, wait to take it over",
    )


def _add_git_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--git", metavar="URL", help="read the specs from this repository")
    parser.add_argument("--branch", default="", metavar="B", help="of it (default: its HEAD)")
    parser.add_argument(
        "--path",
        action="append",
        default=[],
        metavar="P",
        help="where the specs are in it (default: everywhere); repeatable",
    )
    _add_duration(parser, "--poll", "30s", "ask the repository for new commits so often")
    parser.add_argument(
        "--checkout",
        metavar="DIR",
        help="keep what was fetched here (default: beside the state)",
    )


def _add_duration(parser: argparse.ArgumentParser, name: str, default: str, what: str) -> None:
    parser.add_argument(
        name,
        type=_a_second,
        default=_a_second(default),
        metavar="DURATION",
        help=f"{what} (default {default})",
    )


def token_of(environ: Mapping[str, str]) -> str | None:
    """Return the bearer token that callers must show; None: none is set."""
    return environ.get(BEARER, "").strip() or None


def check_options(args: argparse.Namespace, environ: Mapping[str, str]) -> None:
    """Refuse what cannot be meant, before anything is begun. Raises UsageError."""
    if bool(args.paths) == bool(args.git):
        hint = "reconciler run specs, or: reconciler run --git URL"
        raise UsageError("`run` takes PATHs, or a repository with `--git`", hint=hint)
    given = [name for name in _OF_GIT if getattr(args, name) and not args.git]
    if given:
        raise UsageError(f"`--{given[0]}` says something of the repository that `--git` names")
    said_variables(args.var)
    _check_token(args.listen, token_of(environ))


_OF_GIT = ("branch", "path", "checkout")


def _check_token(listen: Listen | None, token: str | None) -> None:
    """Refuse to be open to others without a token."""
    if listen is None or is_loopback(listen.host) or token is not None:
        return
    raise UsageError(
        f"`run` would answer everybody who reaches `{listen.host}`",
        hint=f"set {BEARER} to a long random text, or listen on 127.0.0.1",
    )


def checkout_folder(args: argparse.Namespace) -> Path:
    """Return where the checkout of `--git` is kept."""
    if args.checkout:
        return Path(args.checkout)
    state = args.state.removeprefix(_SQLITE) if args.state.startswith(_SQLITE) else ""
    return (Path(state).parent if state else Path(STATE_FOLDER)) / CHECKOUTS


def _a_second(text: str) -> float:
    """Read a duration that is repeated for ever, which has a least length."""
    if (duration_s := seconds(text)) < 1:
        raise argparse.ArgumentTypeError(f"`{text}` is less than a second")
    return duration_s


def _listen(text: str) -> Listen | None:
    if text == OFF:
        return None
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdecimal() or int(port) >= 1 << 16:
        raise argparse.ArgumentTypeError(f"`{text}` is no HOST:PORT")
    return Listen(host.removeprefix("[").removesuffix("]") or EVERYWHERE, int(port))

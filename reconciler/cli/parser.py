"""argparse, told to speak as this program does.

Usage errors exit 1, help shows an example, nothing abbreviates.
"""

import argparse
import re
from collections.abc import Mapping, Sequence
from typing import NoReturn

from reconciler.cli.console import Console

OPAQUE = frozenset({"--resource-id", "--sid", "--orphan"})
"""Options whose value is the service's, of any form (agora-api.md 1.5)."""


class UsageExit(Exception):  # noqa: N818  # it also ends `--help`, which is no error
    """Stop with this exit code; everything has been said."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Parser(argparse.ArgumentParser):
    """The options of one command."""

    def __init__(self, program: str, summary: str, example: str, console: Console) -> None:
        super().__init__(
            prog=program,
            description=summary[0].upper() + summary[1:] + ".",
            epilog=f"example:\n  {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        self._console = console
        self._add_common_options(console.environ)

    def _add_common_options(self, environ: Mapping[str, str]) -> None:
        """Declare what every command takes, so that scripts can say it to all of them."""
        common = self.add_argument_group("common options")
        state = environ.get("RECONCILER_STATE", "sqlite:///.reconciler/state.db")
        scope = environ.get("RECONCILER_SCOPE") or "default"
        common.add_argument("--state", metavar="URL", default=state, help="where state is kept")
        common.add_argument(
            "--scope", type=_scope, metavar="NAME", default=scope, help="what one run owns"
        )
        common.add_argument(
            "--log-format", choices=("text", "json"), default="text", help="of logs"
        )
        levels = ("debug", "info", "warning", "error")
        common.add_argument("--log-level", choices=levels, default="info", help="of logs")
        common.add_argument("-q", "--quiet", action="store_true", help="no notes on stderr")
        common.add_argument("-v", "--verbose", action="store_true", help="tracebacks of bugs")

    def parse_args(  # type: ignore[override]  # no command brings a namespace of its own
        self, args: Sequence[str]
    ) -> argparse.Namespace:
        """Read the words; an ID of the service may begin with `-` and is no option."""
        joined: list[str] = []
        for word in args:
            if joined and joined[-1] in OPAQUE:
                joined[-1] += f"={word}"
            else:
                joined.append(word)
        return super().parse_args(joined)

    def print_help(self, file: object = None) -> None:
        """Write the help where results go."""
        del file
        self._console.write(self.format_help())

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """Stop without ending the process."""
        if message:
            self._console.note(message.rstrip())
        raise UsageExit(status)

    def error(self, message: str) -> NoReturn:
        """Refuse the command line: exit code 1, as design/cli.md says."""
        self._console.error(message, f"`{self.prog} --help` shows what it takes")
        raise UsageExit(1)


def _scope(text: str) -> str:
    """Read a scope's name; an empty one, as of a variable that is not set, would be a new scope."""
    if not _SCOPE.fullmatch(text):
        raise argparse.ArgumentTypeError(
            "a scope has 1 to 63 letters, digits, `-`, `_` and `.`, the first a letter or digit"
        )
    return text


_SCOPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")

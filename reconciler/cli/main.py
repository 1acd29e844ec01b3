"""The program.

Find the command, import it and nothing else, run it, and turn every end into an exit code.

Each command is a module with `add_arguments(parser)` and `run(args, console) -> int`; `COMMANDS`
lists them (docs/decisions/002-argparse-and-lazy-commands.md). Exit codes are those of
design/cli.md.
"""

import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from keyword import iskeyword

from reconciler import __version__
from reconciler.cli.console import Console, OutputError
from reconciler.cli.parser import Parser, UsageExit
from reconciler.errors import ReconcilerError

EXIT_ERROR = 1
EXIT_INTERRUPTED = 130

COMMANDS = {
    "init": "make a new specs repository",
    "validate": "read specs and say everything that is wrong with them",
    "schema": "print the JSON Schema of the spec format, for editors",
    "convert": "turn a start request (JSON) into a Storage and a Recording",
    "preview": "draw the layout of a recording",
    "plan": "say what would be done, and why",
    "apply": "do it, with progress",
    "run": "keep reconciling: the daemon",
    "status": "show every recording: desired, observed, health, age, files",
    "sessions": "show every session, ended ones too, with its files",
    "coverage": "show whether recordings recorded: seconds wanted and covered, gaps and why",
    "events": "show what happened",
    "stop": "stop recordings by name",
    "destroy": "stop the recordings of the specs, or all of the scope",
    "suspend": "hold recordings until they are resumed",
    "resume": "let suspended recordings record again",
    "approve": "let a `run` do what a guard holds, once, for exactly that plan",
    "import": "take over a session that something else started",
    "forget": "drop a recording or an orphan from state, leaving its session running",
    "doctor": "check credentials, endpoints, clock, state and project",
    "notification-ips": "list the addresses that notifications come from",
    "simulator": "run a local Agora Cloud Recording service for trying and testing",
}


def main(arguments: Sequence[str] | None = None, console: Console | None = None) -> int:
    """Run one command line and return its exit code; `console` None: that of this process."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    console = console or Console.of_process()
    try:
        return _finished(words, console)
    except ReconcilerError as problem:
        with suppress(OutputError, BrokenPipeError):  # what was found out comes first
            console.flush()
        console.error(str(problem), problem.hint)
        if isinstance(problem, OutputError):
            console.abandon()
        return problem.exit_code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        console.abandon()
        return EXIT_ERROR
    except Exception as bug:  # the last line of defence: no traceback reaches a user
        if {"-v", "--verbose"} & set(words):
            raise
        return _report_bug(bug, console)


def _finished(words: list[str], console: Console) -> int:
    """Run the command and hand over all that it wrote, so that a full disk is noticed here."""
    try:
        code = _run(words, console)
    except UsageExit as stop:
        code = stop.code
    console.flush()
    return code


def _report_bug(bug: Exception, console: Console) -> int:
    """Say where a thing that cannot happen happened, without the values it happened with."""
    frames = []
    trace = bug.__traceback__
    while trace:
        file = trace.tb_frame.f_code.co_filename.rpartition("/")[2]
        frames.append(f"{file}:{trace.tb_lineno}")
        trace = trace.tb_next
    console.error(f"{type(bug).__name__} at {' > '.join(frames[-4:])}")
    console.err.write("This is a bug in reconciler; please report it with the lines above.\n")
    return EXIT_ERROR


def _run(words: list[str], console: Console) -> int:
    name, *rest = words or ["--help"]
    if name in {"-V", "--version"}:
        console.line(f"reconciler {__version__}")
        return 0
    if name in {"-h", "--help", "help"}:
        console.write(_overview())
        return 0
    if name not in COMMANDS:
        return _unknown(name, console)
    command = import_module(f"reconciler.cli.{_module(name)}")
    parser = Parser(f"reconciler {name}", COMMANDS[name], command.EXAMPLE, console)
    command.add_arguments(parser)
    args = parser.parse_args(rest)
    args.command = name
    return int(command.run(args, replace(console, quiet=args.quiet)))


def _module(name: str) -> str:
    """Return a command's module; a word that Python keeps for itself gets an underscore."""
    module = name.replace("-", "_")
    return f"{module}_" if iskeyword(module) else module


def _unknown(name: str, console: Console) -> int:
    from difflib import get_close_matches

    near = get_close_matches(name, COMMANDS, n=1)
    hint = f"did you mean `{near[0]}`?" if near else "`reconciler --help` lists the commands"
    console.error(f"there is no command `{name}`", hint)
    return EXIT_ERROR


def _overview() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {summary}" for name, summary in COMMANDS.items()]
    return "\n".join(
        [
            "GitOps for Agora Cloud Recording: recordings as YAML in Git, kept running as written.",
            "",
            "usage: reconciler COMMAND [ARGUMENTS]",
            "",
            *lines,
            "",
            "reconciler COMMAND --help shows its options and an example; --version the version.",
            "",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())

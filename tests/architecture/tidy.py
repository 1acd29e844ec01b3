"""The rules of tidiness that the other checkers do not know, as functions over one file's text.

Each yields findings, a line number and a sentence that names the limit. `test_tidy.py` applies
them to the project and shows that each can fail.
"""

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from typing import TypeAlias

FUNCTION_LINES_MAX = 50  # without the docstring
MODULE_LINES_MAX = 400
PARAMETERS_MAX = 6  # without `self` and `cls`

Finding: TypeAlias = tuple[int, str]
Check: TypeAlias = Callable[[str], Iterator[Finding]]
Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

_CLOCK_CALL = re.compile(r"\b(?:datetime\.(?:now|utcnow|today)|date\.today|time\.time(?:_ns)?)$")
# Written so that this line is no finding itself.
_OPEN_NOTE = re.compile(r"\b(?:T[O]DO|FIX[M]E|X[X]X)\b")
_HATCHES = {
    "type: ignore": re.compile(r"# type: ignore(?P<code>\[[\w, -]+\])?(?P<reason> +# \w.*)?"),
    "noqa": re.compile(
        r"# (?:ruff: )?noqa(?P<code>: [A-Z]+\d+(?:, [A-Z]+\d+)*)?(?P<reason> +# \w.*)?"
    ),
    "pragma: no cover": re.compile(r"# (?P<code>pragma: no cover)(?P<reason> +# \w.*)?"),
}


def long_modules(text: str) -> Iterator[Finding]:
    """Find a module that is longer than a few screens."""
    lines = len(text.splitlines())
    if lines > MODULE_LINES_MAX:
        yield lines, f"the module has {lines} lines, the limit is {MODULE_LINES_MAX}"


def long_functions(text: str) -> Iterator[Finding]:
    """Find functions that do not fit on one screen, their docstring aside."""
    for function in _functions(text):
        lines = _lines(function)
        if ast.get_docstring(function) is not None:
            lines -= _lines(function.body[0])
        if lines > FUNCTION_LINES_MAX:
            yield (
                function.lineno,
                f"`{function.name}` has {lines} lines, the limit is {FUNCTION_LINES_MAX}",
            )


def many_parameters(text: str) -> Iterator[Finding]:
    """Find functions that take more than a reader can hold."""
    for function in _functions(text):
        spec = function.args
        named = [*spec.posonlyargs, *spec.args, *spec.kwonlyargs]
        count = sum(argument.arg not in {"self", "cls"} for argument in named)
        count += sum(argument is not None for argument in (spec.vararg, spec.kwarg))
        if count > PARAMETERS_MAX:
            yield (
                function.lineno,
                f"`{function.name}` has {count} parameters, the limit is {PARAMETERS_MAX}",
            )


def prints(text: str) -> Iterator[Finding]:
    """Find calls of `print`: commands write to the stream they are given."""
    for line, called in _calls(text):
        if called == "print":
            yield line, "`print` is called; write to a stream that is passed in"


def clock_reads(text: str) -> Iterator[Finding]:
    """Find reads of the system's clock: time comes in as an argument."""
    for line, called in _calls(text):
        if _CLOCK_CALL.search(called):
            yield line, f"`{called}` is called; only reconciler/clock.py reads the clock"


def open_notes(text: str) -> Iterator[Finding]:
    """Find notes on work that is left to do; they belong into issues."""
    for number, line in enumerate(text.splitlines(), start=1):
        if note := _OPEN_NOTE.search(line):
            yield number, f"`{note[0]}` is left"


def imports(text: str) -> Iterator[Finding]:
    """Find imports: for `__init__` modules, where none may stand."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node.lineno, "an `__init__` module imports nothing"


def escape_hatches(text: str) -> Iterator[Finding]:
    """Find what switches a checker off, each named by its kind, and replaced working code."""
    for line, kind, _ in _hatches(text):
        yield line, kind
    for node in ast.walk(ast.parse(text)) if "unittest" in text else ():
        if isinstance(node, ast.Import | ast.ImportFrom) and "unittest" in ast.unparse(node):
            yield node.lineno, "unittest.mock"


def unexplained_hatches(text: str) -> Iterator[Finding]:
    """Find escape hatches without a code or a reason: `# noqa: S603  # the user's own program`."""
    for line, kind, match in _hatches(text):
        if not match["code"] or not match["reason"]:
            yield line, f"`# {kind}` needs its code and, after another `#`, its reason"


def _hatches(text: str) -> Iterator[tuple[int, str, re.Match[str]]]:
    if not any(pattern.search(text) for pattern in _HATCHES.values()):
        return  # to tell comments from other text takes long
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            for kind, pattern in _HATCHES.items():
                for match in pattern.finditer(token.string):
                    yield token.start[0], kind, match


def _functions(text: str) -> Iterator[Function]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, Function):
            yield node


def _calls(text: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func)


def _lines(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1

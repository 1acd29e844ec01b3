import pytest

from tests.architecture import tidy
from tests.architecture.repository import texts

# How often a checker may be switched off in the whole project. Lower a number when you can.
HATCHES_MAX = {"type: ignore": 10, "noqa": 15, "pragma: no cover": 2, "unittest.mock": 0}


def found(check: tidy.Check, files: dict[str, str]) -> str:
    return "\n".join(
        f"{name}:{line}: {message}" for name, text in files.items() for line, message in check(text)
    )


@pytest.mark.parametrize(
    "check",
    [
        tidy.long_modules,
        tidy.long_functions,
        tidy.many_parameters,
        tidy.prints,
        tidy.unexplained_hatches,
    ],
)
def test_python_files_are_tidy(check: tidy.Check) -> None:
    assert found(check, texts(".py")) == ""


def test_only_the_clock_module_reads_the_clock() -> None:
    files = texts(".py")
    for exempt in ("reconciler/clock.py", "tests/agora/test_clock.py"):
        files.pop(exempt, None)
    assert found(tidy.clock_reads, files) == ""


def test_nothing_is_left_to_do_in_any_file() -> None:
    assert found(tidy.open_notes, texts()) == ""


def test_init_modules_import_nothing() -> None:
    assert found(tidy.imports, texts("__init__.py")) == ""


def test_checkers_are_seldom_switched_off() -> None:
    places: dict[str, list[str]] = {kind: [] for kind in HATCHES_MAX}
    for name, text in texts(".py").items():
        for line, kind in tidy.escape_hatches(text):
            places[kind].append(f"{name}:{line}")
    over = {kind: found for kind, found in places.items() if len(found) > HATCHES_MAX[kind]}
    assert not over, f"the limits are {HATCHES_MAX}"


def function_of(lines: int, docstring: str = "") -> str:
    return "def f():\n" + docstring + "    pass\n" * (lines - 1)


SEVEN = "a, b, c, *d, e, f, **g"


@pytest.mark.parametrize(
    ("check", "text", "message"),
    [
        (tidy.long_modules, "a = 1\n" * 401, "401: the module has 401 lines, the limit is 400"),
        (tidy.long_functions, function_of(51), "1: `f` has 51 lines, the limit is 50"),
        (
            tidy.long_functions,
            "async " + function_of(51, '    """Say."""\n'),
            "1: `f` has 51 lines, the limit is 50",
        ),
        (
            tidy.many_parameters,
            f"class A:\n    def f(self, {SEVEN}): ...",
            "2: `f` has 7 parameters, the limit is 6",
        ),
        (tidy.many_parameters, f"def f({SEVEN}): ...", "1: `f` has 7 parameters, the limit is 6"),
        (tidy.prints, "\nprint(1)", "2: `print` is called; write to a stream that is passed in"),
        (
            tidy.clock_reads,
            "datetime.datetime.now(UTC)",
            "1: `datetime.datetime.now` is called; only reconciler/clock.py reads the clock",
        ),
        (
            tidy.clock_reads,
            "x = time.time()",
            "1: `time.time` is called; only reconciler/clock.py reads the clock",
        ),
        (
            tidy.clock_reads,
            "datetime.utcnow()",
            "1: `datetime.utcnow` is called; only reconciler/clock.py reads the clock",
        ),
        (tidy.open_notes, "a\n# TO" + "DO: b", "2: `TO" + "DO` is left"),
        (tidy.imports, "if a:\n    import b", "2: an `__init__` module imports nothing"),
        (tidy.escape_hatches, "a = b  # type: ignore[misc]  # why", "1: type: ignore"),
        (tidy.escape_hatches, "a = b  # noqa: S1  # why", "1: noqa"),
        (tidy.escape_hatches, "# ruff: noqa", "1: noqa"),
        (tidy.escape_hatches, "a = b  # pragma: no cover", "1: pragma: no cover"),
        (tidy.escape_hatches, "from unittest import mock", "1: unittest.mock"),
        (
            tidy.unexplained_hatches,
            "a = b  # type: ignore  # why",
            "1: `# type: ignore` needs its code and, after another `#`, its reason",
        ),
        (
            tidy.unexplained_hatches,
            "a = b  # noqa: S603",
            "1: `# noqa` needs its code and, after another `#`, its reason",
        ),
        (
            tidy.unexplained_hatches,
            "a = b  # pragma: no cover",
            "1: `# pragma: no cover` needs its code and, after another `#`, its reason",
        ),
    ],
)
def test_what_is_untidy_is_found(check: tidy.Check, text: str, message: str) -> None:
    assert found(check, {"a.py": text}) == f"a.py:{message}"


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (tidy.long_modules, "a = 1\n" * 400),
        (tidy.long_functions, function_of(50, '    """Say.\n\n    More.\n    """\n')),
        (tidy.many_parameters, "class A:\n    def f(self, a, b, c, *, d, e, f): ..."),
        (tidy.prints, "'print(1)'; printer(); pprint.print_it()"),
        (tidy.clock_reads, "clock.now(); 'time.time()'; time.timer()"),
        (tidy.open_notes, "today METHODS"),
        (tidy.imports, '"""Import nothing."""'),
        (tidy.escape_hatches, "'# noqa'; 1  # not a hatch"),
        (tidy.unexplained_hatches, "a  # type: ignore[misc, arg-type]  # why"),
        (tidy.unexplained_hatches, "a  # noqa: S603, S607  # why"),
    ],
)
def test_what_is_tidy_is_let_be(check: tidy.Check, text: str) -> None:
    assert found(check, {"a.py": text}) == ""

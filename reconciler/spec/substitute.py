"""`${…}` in specs: variables in any manifest, a row's values in a RecordingSet. Pure.

Source: design/spec-format.md.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from reconciler.errors import SpecError
from reconciler.spec.marked import SecretForm, is_secret_form
from reconciler.spec.problems import Problem, error
from reconciler.spec.scalars import Timestamp
from reconciler.spec.syntax import NESTING_MAX
from reconciler.spec.values import kind_of
from reconciler.spec.wire import Path

UNFILLED = "variable"
"""The code of every problem here."""

_REFERENCE = re.compile(r"\$\$\{|\$\{([^{}]*)\}?")
_VARIABLE = "var."
_LITERAL = "write `$${` for a literal `${`"


class Absent:
    """The value of an empty CSV cell: a key whose value is exactly this is left out."""


ABSENT = Absent()


@dataclass
class Substitution:
    """Fill in one tree.

    `row` is None outside a RecordingSet's pattern, where only `${var.NAME}` is known. `folder` is
    the spec file's: secrets in what is filled in are relative to it, wherever that came from.

    `used` collects the names of the variables that were asked for, so that a cache knows what a
    result depends on.
    """

    variables: Mapping[str, Any]
    row: Mapping[str, Any] | None = None
    folder: str = ""
    used: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    def fill(self, tree: Any, path: Path = ()) -> Any:
        """Return the tree with every reference replaced; what cannot be is in `problems`."""
        if isinstance(tree, str):
            return self._value(tree, path) if "${" in tree else tree
        if isinstance(tree, dict):
            filled: dict[str, Any] = {}
            for key, value in self._items(tree, path):
                if key in filled:
                    self._refuse((*path, key), f"the key `{key}` stands here twice", None)
                filled[key] = value
            return SecretForm(filled, self.folder) if is_secret_form(filled) else filled
        if isinstance(tree, list):
            items = (self.fill(item, (*path, index)) for index, item in enumerate(tree))
            return [item for item in items if item is not ABSENT]
        return tree

    def _items(self, mapping: Mapping[str, Any], path: Path) -> Iterator[tuple[str, Any]]:
        for key, value in mapping.items():
            name = self._key(key, path) if "${" in key else key
            filled = self.fill(value, (*path, key))
            if filled is not ABSENT:
                yield name, filled

    def _key(self, key: str, path: Path) -> str:
        if self.row is None:
            message = "`${` in a key is for RecordingSets only"
            problem = error((*path, key), UNFILLED, message, _LITERAL)
            self.problems.append(replace(problem, of_key=True))
            return key
        return self._text(key, (*path, key))

    def _value(self, text: str, path: Path) -> Any:
        whole = _REFERENCE.fullmatch(text)
        if whole and whole[1] is not None and text.endswith("}"):
            try:
                return _placed(self._look_up(whole[1]), self.folder)
            except SpecError as problem:
                self._refuse(path, str(problem), problem.hint)
                return text
        return self._text(text, path)

    def _text(self, text: str, path: Path) -> str:
        def replaced(match: re.Match[str]) -> str:
            if match[1] is None:
                return "${"
            if not match[0].endswith("}"):
                self._refuse(path, f"`{match[0]}` is not closed", _LITERAL)
                return match[0]
            try:
                return _as_text(match[1], self._look_up(match[1]))
            except SpecError as problem:
                self._refuse(path, str(problem), problem.hint)
                return match[0]

        return _REFERENCE.sub(replaced, text)

    def _look_up(self, name: str) -> Any:
        if name.startswith(_VARIABLE):
            variable = name.removeprefix(_VARIABLE)
            self.used.add(variable)
            if variable in self.variables:
                return self.variables[variable]
            hint = f"give it with --var {variable}=VALUE, --var-file, or RECONCILER_VAR_{variable}"
            raise SpecError("variable", f"the variable `{variable}` is not set", hint=hint)
        if self.row is None:
            hint = "variables are written `${var.NAME}`; write `$${` for a literal `${`"
            raise SpecError("variable", f"`${{{name}}}` means nothing here", hint=hint)
        if name not in self.row:
            known = ", ".join(f"`{key}`" for key in self.row) or "none"
            raise SpecError("variable", f"the row has no `{name}`", hint=f"it has {known}")
        return self.row[name]

    def _refuse(self, path: Path, message: str, hint: str | None) -> None:
        self.problems.append(error(path, UNFILLED, message, hint))


def filled_key(key: str, row: Mapping[str, Any]) -> str:
    """Return what a key with references becomes for one row; unknown ones stay."""
    return str(next(iter(Substitution({}, row).fill({key: None}))))


def _placed(value: Any, folder: str, depth: int = 1) -> Any:
    """Return a value from elsewhere as if it stood in a file of this folder."""
    if depth > NESTING_MAX:
        raise SpecError("variable", f"nested more than {NESTING_MAX} levels deep")
    if isinstance(value, dict):
        copied = {key: _placed(item, folder, depth + 1) for key, item in value.items()}
        return SecretForm(copied, folder) if is_secret_form(copied) else copied
    if isinstance(value, list):
        return [_placed(item, folder, depth + 1) for item in value]
    return value


def _as_text(name: str, value: Any) -> str:
    if value is ABSENT:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float | Timestamp):
        return getattr(value, "text", str(value))
    hint = "let it be the whole value, without text around it"
    raise SpecError(
        "variable", f"`{name}` is {kind_of(value)} and has no place inside text", hint=hint
    )

"""YAML 1.2 text to plain data with positions on demand; the only home of ruamel.yaml's parser.

The C parser's events are read once into dicts and lists. Positions are not kept: a diagnostic is
rare, so `Document.position` reads the events a second time, and only then. What is unsafe or
ambiguous is refused before anything is expanded (design/spec-format.md;
docs/decisions/003-events-not-nodes.md).
"""

import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NoReturn, TypeVar

from _ruamel_yaml import CParser
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from reconciler.diagnostics import Diagnostic, Position
from reconciler.errors import SpecError
from reconciler.spec import scalars, stumbles
from reconciler.spec.flow import masked, unmasking
from reconciler.spec.marked import SecretForm, is_secret_form
from reconciler.spec.marks import Mark
from reconciler.spec.source import Place, Source, place_after, unreadable
from reconciler.spec.wire import Path

NESTING_MAX = 64
ALIAS_NODES_MAX = 10_000

_TABBED_LINE = re.compile(r"^ *\t[ \t]*[^\s#]", re.MULTILINE)

Value = TypeVar("Value")


@dataclass(frozen=True)
class Document:
    """One document: its mapping as plain data, and the way back to the text.

    `data` has text keys only; its values are dicts, lists, text, numbers, booleans, None and
    `scalars.Timestamp`. Parts that were written once and aliased are shared, so nobody may change
    it.
    """

    source: Source
    index: int
    data: dict[str, Any] = field(repr=False)

    def position(self, path: Path = (), *, of_key: bool = False) -> Position:
        """Return where the value at `path` starts, or its key (`Mark.find`)."""
        line, column = self._marks.find(path, of_key=of_key)
        return Position(self.source.file, line + 1, column + 1)

    @cached_property
    def _marks(self) -> Mark:
        for events in _readings(self.source.text):
            with contextlib.suppress(YAMLError):
                return _Marker(events).document(self.index)
        message = "a document's text was found sound when it was parsed"
        raise AssertionError(message)


@dataclass(frozen=True, slots=True)
class Parsed:
    """A file's documents; with any diagnostic the file is refused whole and there are none."""

    documents: tuple[Document, ...]
    diagnostics: tuple[Diagnostic, ...]


def parse(source: Source) -> Parsed:
    """Read all documents of a file, or say everything that is wrong with its text. Never raises."""
    documents, problems = _read(source, _Reader.documents)
    return Parsed(() if problems or documents is None else documents, problems)


def parse_data(source: Source) -> Any:
    """Read one document of any shape, such as a list of rows.

    Raises SpecError with all that is wrong.
    """
    value, problems = _read(source, _Reader.one_value)
    if problems:
        said = "; ".join(f"{problem.position}: {problem.message}" for problem in problems)
        raise SpecError("generator-file", said)
    return value


def _read(
    source: Source, take: Callable[["_Reader"], Value]
) -> tuple[Value | None, tuple[Diagnostic, ...]]:
    """Take a value from a source's events; None with problems that ended the reading."""
    refused = unreadable(source)
    if refused:
        return None, (refused,)
    problems: list[Diagnostic] = []
    for events in _readings(source.text):
        reader = _Reader(source, events)
        problems = reader.problems
        try:
            return take(reader), tuple(problems)
        except _RefusedError:
            break
        except (YAMLError, RecursionError) as problem:
            problems.append(_syntax_error(source, problem))
    return None, tuple(problems)


_Events = Callable[[], Any]


def _readings(text: str) -> Iterator[_Events]:
    """Return the parser's events, and for a text that it cannot read those that it should give."""
    yield CParser(text).get_event
    again = masked(text)
    if again is not None:
        yield unmasking(CParser(again).get_event)


class _RefusedError(Exception):
    """Reading on would be unsafe or pointless; the problem is already noted."""


class _Reader:
    """Build one file's documents from the parser's events."""

    def __init__(self, source: Source, events: _Events) -> None:
        self.problems: list[Diagnostic] = []
        self._source = source
        self._event = events
        self._anchors: dict[str, Any] = {}
        self._aliased = 0
        text = source.text
        self._tabbed = {text.count("\n", 0, at.start()) for at in _TABBED_LINE.finditer(text)}

    def documents(self) -> tuple[Document, ...]:
        documents: list[Document] = []
        self._event()  # the start of the stream
        index = 0
        while not isinstance(event := self._event(), StreamEndEvent):
            self._check_version(event)
            root = self._event()
            self._anchors.clear()
            data = self._value(root, 1)
            self._event()  # the end of the document
            if isinstance(data, dict):
                documents.append(Document(self._source, index, data))
            elif data is not None or root.end_mark.index != root.start_mark.index:
                self._refuse(
                    root,
                    "document",
                    "the document is not a mapping",
                    "a manifest starts with `apiVersion:`, `kind:`, `metadata:`, `spec:`",
                )
            index += 1
        self._check_tabs()
        return tuple(documents)

    def one_value(self) -> Any:
        """Return the first document's value, whatever it is; None for an empty text."""
        self._event()
        event = self._event()
        if isinstance(event, StreamEndEvent):
            return None
        self._check_version(event)
        value = self._value(self._event(), 1)
        self._event()
        following = self._event()
        if not isinstance(following, StreamEndEvent):
            self._refuse(following, "document", "a second document", "let the file hold one")
        self._check_tabs()
        return value

    def _check_version(self, event: DocumentStartEvent) -> None:
        if event.version not in {None, (1, 2)}:
            self._refuse(event, "yaml-version", stumbles.VERSION, stumbles.VERSION_HINT)

    def _check_tabs(self) -> None:
        for line in sorted(self._tabbed):
            found = self._source.problem((line, 0), "tab", stumbles.TAB, stumbles.TAB_HINT)
            self.problems.append(found)

    def _value(self, event: Any, depth: int) -> Any:
        kind = type(event)
        if kind is ScalarEvent:
            return self._scalar(event)
        if kind is AliasEvent:
            return self._alias(event, depth)
        if depth > NESTING_MAX:
            self._stop(event, "nesting", _TOO_DEEP, None)
        if event.tag not in _COLLECTION_TAGS[kind]:
            self._refuse_tag(event)
        build = self._mapping if kind is MappingStartEvent else self._sequence
        value = build(depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = value
        return value

    def _scalar(self, event: Any) -> Any:
        if self._tabbed:
            self._tabbed -= set(range(event.start_mark.line + 1, event.end_mark.line + 1))
        if event.tag is None and not event.style:
            value = self._resolved(event)
        else:
            value = event.value if event.tag in _TEXT_TAGS else self._tagged(event)
            if "\0" in event.value:
                self._refuse(event, "nul-byte", "the text has a NUL character", "remove the `\\0`")
        if event.anchor is not None:
            self._anchors[event.anchor] = value
        return value

    def _resolved(self, event: Any) -> Any:
        try:
            return scalars.resolve(event.value)
        except ValueError as problem:
            self._refuse(event, "number", str(problem), "quote it if it is text")

    def _tagged(self, event: Any) -> Any:
        if event.tag not in scalars.TAGS:
            return self._refuse_tag(event)
        try:
            return scalars.tagged(event.tag, event.value)
        except ValueError as problem:
            self._refuse(event, "tag", str(problem), "remove the tag")

    def _alias(self, event: Any, depth: int) -> Any:
        if event.anchor not in self._anchors:
            hint = "define it before its use, and never inside itself"
            self._refuse(event, "alias", f"no anchor `&{event.anchor}` ends before here", hint)
            return {}
        value = self._anchors[event.anchor]
        self._aliased += _size(value)
        if self._aliased > ALIAS_NODES_MAX:
            message = f"aliases would expand to more than {ALIAS_NODES_MAX} nodes"
            self._stop(event, "alias-expansion", message, "use a Template instead")
        if depth + _height(value) > NESTING_MAX + 1:
            self._stop(event, "nesting", _TOO_DEEP, None)
        return value

    def _sequence(self, depth: int) -> list[Any]:
        items: list[Any] = []
        while type(event := self._event()) is not SequenceEndEvent:
            items.append(self._value(event, depth + 1))
        return items

    def _mapping(self, depth: int) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        merged: list[Any] = []
        next_event = self._event
        while type(event := next_event()) is not MappingEndEvent:
            key = self._key(event, depth)
            value_event = next_event()
            value = self._value(value_event, depth + 1)
            if key == "<<" and not event.style:
                self._check_merge(value_event, value)
                merged.extend(value if isinstance(value, list) else [value])
            elif key in mapping:
                hint = "keep one of the two"
                self._refuse(event, "duplicate-key", f"the key `{key}` stands here twice", hint)
            else:
                mapping[key] = value
        for other in merged:
            mapping = {**other, **mapping} if isinstance(other, dict) else mapping
        return SecretForm(mapping, self._source.folder) if is_secret_form(mapping) else mapping

    def _check_merge(self, event: Any, value: Any) -> None:
        parts = value if isinstance(value, list) else [value]
        if not all(isinstance(part, dict) for part in parts):
            self._refuse(event, "merge-key", "`<<` takes a mapping or a list of mappings", None)

    def _key(self, event: Any, depth: int) -> str:
        value = self._value(event, depth + 1) if type(event) is not AliasEvent else None
        if type(value) is str:
            return value
        if type(value) is int:
            return str(event.value)
        self._refuse(event, "key", "a key must be text", "put it in quotes")
        return f"<{event.start_mark.index}>"

    def _refuse_tag(self, event: Any) -> None:
        tag = event.tag.replace("tag:yaml.org,2002:", "!!")
        self._refuse(event, "tag", f"the tag `{tag}` is not known here", stumbles.TAG_HINT)

    def _refuse(self, event: Any, code: str, message: str, hint: str | None) -> None:
        place = event.start_mark.line, event.start_mark.column
        self.problems.append(self._source.problem(place, code, message, hint))

    def _stop(self, event: Any, code: str, message: str, hint: str | None) -> NoReturn:
        self._refuse(event, code, message, hint)
        raise _RefusedError


def _size(value: Any) -> int:
    """Count the nodes that an alias for this value adds, those of aliases within it too."""
    if isinstance(value, dict):
        return 1 + len(value) + sum(map(_size, value.values()))
    return 1 + sum(map(_size, value)) if isinstance(value, list) else 1


def _height(value: Any) -> int:
    """Count the levels of a value, 0 for one that holds no others."""
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max(map(_height, inner), default=0) if isinstance(value, dict | list) else 0


_TOO_DEEP = f"nested more than {NESTING_MAX} levels deep"
_TEXT_TAGS = frozenset({None, "!", scalars.TEXT})
_COLLECTION_TAGS = {
    MappingStartEvent: frozenset({None, "!", "tag:yaml.org,2002:map"}),
    SequenceStartEvent: frozenset({None, "!", "tag:yaml.org,2002:seq"}),
}


class _Marker:
    """Read the events of a text that was found sound once more, for places instead of values."""

    def __init__(self, events: _Events) -> None:
        self._event = events
        self._anchors: dict[str, Mark] = {}

    def document(self, index: int) -> Mark:
        """Return the marks of the document with this number."""
        self._event()
        for _ in range(index):
            self._event()
            self._mark(self._event(), None)
            self._event()
        self._event()
        return self._mark(self._event(), None)

    def _mark(self, event: Any, key_place: Place | None) -> Mark:
        place = event.start_mark.line, event.start_mark.column
        if type(event) is AliasEvent:
            meant = self._anchors[event.anchor]
            return replace(meant, key_place=key_place or meant.key_place)
        children: dict[str | int, Mark] = {}
        if type(event) is MappingStartEvent:
            children = self._members()
        elif type(event) is SequenceStartEvent:
            children = dict(enumerate(self._items()))
        mark = Mark(place, key_place or place, children)
        if event.anchor is not None:
            self._anchors[event.anchor] = mark
        return mark

    def _items(self) -> Iterator[Mark]:
        while type(event := self._event()) is not SequenceEndEvent:
            yield self._mark(event, None)

    def _members(self) -> dict[str | int, Mark]:
        members: dict[str | int, Mark] = {}
        merged: list[Mark] = []
        while type(event := self._event()) is not MappingEndEvent:
            key_mark = self._mark(event, None)
            mark = self._mark(self._event(), key_mark.place)
            if event.value == "<<" and not event.style:
                of_list = 0 in mark.children
                merged.extend(mark.children.values() if of_list else [mark])
            else:
                members[event.value] = mark
        for mark in merged:
            members = {**mark.children, **members}
        return members


def _syntax_error(source: Source, problem: Exception) -> Diagnostic:
    """Say in plain words what the parser stumbled on."""
    if isinstance(problem, MarkedYAMLError) and problem.problem_mark:
        at, opened = problem.problem_mark, problem.context_mark or problem.problem_mark
        places = (at.line, at.column), (opened.line, opened.column)
        found = stumbles.explain(stumbles.Stumble(problem.problem or "", *places), source.text)
        return source.problem(found.place, found.code, found.message, found.hint)
    before = source.text.encode()[: getattr(problem, "position", 0) or 0]
    place = place_after(before.decode(errors="replace"))
    return source.problem(
        place, "yaml", "a control character that YAML does not allow", "remove it"
    )

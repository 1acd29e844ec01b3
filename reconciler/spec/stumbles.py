"""What a YAML parser stumbled on, in words for people: where to look, what is wrong, what to do.

`syntax.py` asks when its parser gives up. Pure; knows no parser but the words it uses.
"""

from dataclasses import dataclass

from reconciler.spec.source import Place

TAB = "a tab indents this line, which YAML does not allow"
TAB_HINT = "indent with spaces"
TAG_HINT = "remove the tag; quote the value if it is text"
VERSION = "specs are YAML 1.2"
VERSION_HINT = "remove the %YAML line"


@dataclass(frozen=True, slots=True)
class Stumble:
    """Where the parser gave up and what it said; `opened` is where the part around it began."""

    said: str
    at: Place
    opened: Place


@dataclass(frozen=True, slots=True)
class Explained:
    """A stumble as a diagnostic tells it."""

    place: Place
    code: str
    message: str
    hint: str | None


def explain(stumble: Stumble, text: str) -> Explained:
    """Say what is wrong in a text that the parser gave up."""
    line, column = stumble.at
    here, *below = text.splitlines()[line:] or [""]
    if here[column : column + 1] == "\t" or "tab character" in stumble.said:
        return Explained(stumble.at, "tab", TAB, TAB_HINT)
    circumstances = {_ANYWHERE}
    if here[:column].strip():
        circumstances.add(_WITHIN)
    if not "".join([here[column:], *below]).strip():
        circumstances.add(_END)
    for row in _ROWS:
        if row.said in stumble.said and row.when in circumstances:
            place = stumble.opened if row.at_opening else stumble.at
            return Explained(place, row.code, row.message, row.hint)
    hint = _HINTS.get(here[column : column + 1])
    return Explained(stumble.at, "yaml", f"not YAML: {stumble.said}", hint)


_ANYWHERE, _WITHIN, _END = "anywhere", "within a line", "at the end"
_HINTS = {char: f"quote a value that starts with `{char}`" for char in "@`%|>&*!{}[],#?"}


@dataclass(frozen=True, slots=True)
class _Row:
    """What is meant by what the parser says, `when` it says so in this place."""

    said: str
    message: str
    hint: str | None
    when: str = _ANYWHERE
    at_opening: bool = False
    code: str = "yaml"


_ROWS = (
    _Row(
        "mapping values are not allowed",
        "a `:` where no key can be",
        "quote the value, or mend the indentation",
    ),
    _Row(
        "could not find expected ':'",
        "a key without its `:`",
        "write `key: value`",
        at_opening=True,
    ),
    _Row(
        "did not find expected key",
        "more text after the end of the value",
        "put all of it in quotes",
        when=_WITHIN,
    ),
    _Row(
        "did not find expected key",
        "the indentation does not fit the lines above",
        "align it with its siblings",
    ),
    _Row(
        "did not find expected '-' indicator",
        "the list item does not line up with the others",
        "align the `-`",
    ),
    _Row(
        "did not find expected ',' or",
        "the bracket that opens here is not closed",
        "close it",
        when=_END,
        at_opening=True,
    ),
    _Row("did not find expected ',' or", "a `,` or a closing bracket is missing", None),
    _Row(
        "found unexpected end of stream",
        "the quotes that open here are not closed",
        "close them",
        at_opening=True,
    ),
    _Row("undefined tag handle", "the tag is not known here", TAG_HINT),
    _Row(
        "found unknown escape character",
        "an escape that YAML does not know",
        "use single quotes, or double the backslash",
    ),
    _Row("incompatible YAML document", VERSION, VERSION_HINT, code="yaml-version"),
)

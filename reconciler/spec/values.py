"""The kinds of values that fields have, as pydantic types with messages for people.

Each type is a function from what YAML gave to the value, with the JSON Schema of what a user may
write. Ranges that the service sets are judged by `rules/`, on the wire body; here is only what
makes a value readable at all (design/spec-format.md, "Values used everywhere").
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, NoReturn
from urllib.parse import urlsplit

from pydantic import PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from reconciler.errors import SpecError
from reconciler.spec import limits
from reconciler.spec.duration import DURATION_MAX_S, format_duration, parse_duration
from reconciler.spec.marked import Cell, SecretForm, is_secret_form
from reconciler.spec.scalars import Timestamp, WrittenInt
from reconciler.spec.schedule import parse_time
from reconciler.spec.secrets import Secret


def refuse(code: str, message: str, hint: str | None = None) -> NoReturn:
    """Refuse a value; pydantic adds where it stood."""
    raise PydanticCustomError(code, "{message}", {"message": message, "hint": hint})


def _text(value: object) -> str:
    if isinstance(value, str):
        if not value:
            refuse("empty", "must not be empty")
        return str(value)
    if isinstance(value, WrittenInt):
        return value.text
    if type(value) is int:
        return str(value)
    refuse("text", f"must be text, this is {kind_of(value)}", quote_hint(value))


def quote_hint(value: object) -> str | None:
    """Return how a value is written that was meant as text."""
    if isinstance(value, bool):
        return f'put it in quotes: "{str(value).lower()}"'
    if isinstance(value, Timestamp):
        return f'put it in quotes: "{value.text}"'
    if isinstance(value, int | float):
        return f'put it in quotes: "{value}"'
    return "give it a value, or leave the key out" if value is None else None


def kind_of(value: object) -> str:
    """Name a value's kind in YAML's words."""
    for types, name in _KINDS:
        if isinstance(value, types):
            return name
    return "something else"


_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "a boolean"),
    (int, "a number"),
    (float, "a number"),
    (str, "text"),
    (Timestamp, "a date or time"),
    (type(None), "null"),
    (dict, "a mapping"),
    (list, "a list"),
)


SHOWN_MAX = 40
"""Characters of a value that a message repeats."""

NUMBER_MAX = 1e9
"""No fraction, size or rate comes near; beyond it floats lose digits."""


def shown(value: object) -> str:
    """Show a value in a message: as written and short, or its kind where it has no short form."""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str | int | float):
        text = str(value)
        return f"`{text[:SHOWN_MAX]}...`" if len(text) > SHOWN_MAX else f"`{text}`"
    return kind_of(value)


def _int(value: object) -> int:
    if isinstance(value, Cell) and value.removeprefix("-").isdecimal() and len(value) <= SHOWN_MAX:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    hint = "remove the quotes" if isinstance(value, str) and value.isdecimal() else None
    refuse("number", f"must be a whole number, this is {shown(value)}", hint)


def _positive(value: object) -> int:
    number = _int(value)
    return (
        number if number >= 1 else refuse("number", f"must be 1 or more, this is {shown(number)}")
    )


def _fraction(value: object) -> float:
    if isinstance(value, Cell):
        try:
            value = float(value)
        except ValueError:
            refuse("number", f"must be a number, this is {shown(value)}")
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < NUMBER_MAX:
        refuse("number", f"must be a number, this is {shown(value)}")
    return int(value) if value == int(value) else float(value)


def _flag(value: object) -> bool:
    if isinstance(value, Cell) and value.lower() in {"true", "false"}:
        return value.lower() == "true"
    if isinstance(value, bool):
        return value
    hint = "write true or false" if isinstance(value, str) else None
    refuse("boolean", f"must be true or false, this is {shown(value)}", hint)


def _uid(value: object) -> str:
    text = str(value) if isinstance(value, str) else ""
    if isinstance(value, int) and not isinstance(value, bool | WrittenInt):
        text = str(value)
    if text.isascii() and text.isdecimal() and text[0] != "0" and int(text[:11]) in limits.UID:
        return text
    has_zeros = len(text) > 1 and text.startswith("0")
    hint = "a uid is written without leading zeros" if has_zeros else None
    refuse("uid", f"must be a uid, 1 to {limits.UID.high}, this is {shown(value)}", hint)


def _duration(value: object) -> int:
    if isinstance(value, Cell) and value.isdecimal() and len(value) <= SHOWN_MAX:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | str):
        hint = "write seconds, or a text such as `90s`, `5m`, `1h30m`"
        refuse("duration", f"must be a duration, this is {kind_of(value)}", hint)
    seconds: int = _spec_errors(parse_duration, value)
    return seconds


def _spec_errors(read: Callable[[Any], Any], value: object) -> Any:
    try:
        return read(value)
    except SpecError as problem:
        refuse(problem.code, str(problem), problem.hint)


def _whole(unit_s: int, unit: str) -> Callable[[object], int]:
    def read(value: object) -> int:
        seconds = _duration(value)
        if seconds % unit_s:
            refuse("duration", f"must be in whole {unit}, this is {format_duration(seconds)}")
        return seconds

    return read


def _refresh(value: object) -> int:
    seconds = _duration(value)
    if seconds < REFRESH_MIN_S:
        refuse("refresh", f"must be at least 5m, this is {format_duration(seconds)}")
    return seconds


REFRESH_MIN_S = 300


def _time(value: object) -> datetime:
    text = value.text if isinstance(value, Timestamp) else value
    if not isinstance(text, str):
        refuse("time", f"must be a time with offset, this is {kind_of(value)}", TIME_HINT)
    time: datetime = _spec_errors(parse_time, text)
    return time


TIME_HINT = "write it as 2026-12-01T09:00:00+01:00"


def read_secret(value: object) -> Secret:
    """Read a Secret: a literal, or a reference to where the value is."""
    if is_secret_form(value):
        return _reference(value)
    if isinstance(value, dict):
        hint = "write one of {env: NAME}, {file: PATH}, {exec: [CMD, ARG]}"
        refuse("secret", "must be text or one reference to where the value is", hint)
    if isinstance(value, bool | float | Timestamp) or value is None:
        refuse("text", f"must be text, this is {kind_of(value)}", quote_hint(value))
    return Secret("literal", _text(value))


def _reference(value: Any) -> Secret:
    (form, source) = next(iter(value.items()))
    folder = value.folder if isinstance(value, SecretForm) else ""
    if form == "exec":
        if not (isinstance(source, list) and source and all(type(word) is str for word in source)):
            refuse("secret", "`exec` takes a list of words", "write {exec: [CMD, ARG]}")
        return Secret("exec", tuple(source), folder)
    if not isinstance(source, str) or not source or "\0" in source:
        what = "the name of an environment variable" if form == "env" else "a path"
        refuse("secret", f"`{form}` takes {what}, this is {shown(source)}")
    return Secret(form, str(source), folder)


def credentials_reference(value: object) -> Secret:
    """Read `credentials`: one program or file that yields all keys at once."""
    if is_secret_form(value) and "env" not in value:
        return _reference(value)
    hint = "write {exec: [CMD, ARG]} or {file: PATH}"
    refuse("secret", "must be one `exec` or `file` that yields the keys as JSON", hint)


def _secret_time(value: object) -> Secret:
    """Read an expiration: Unix seconds or RFC 3339, itself or as a reference."""
    if is_secret_form(value):
        secret = _reference(value)
        return Secret(secret.form, secret.source, secret.folder, reads="time")
    if isinstance(value, Cell) and value.isdecimal():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return Secret("literal", str(int(value)), reads="time")
    time = _time(value).astimezone(UTC)
    return Secret("literal", str(int(time.timestamp())), reads="time")


def _rtmp(value: object) -> Secret:
    secret = read_secret(value)
    if secret.form == "literal" and not str(secret.source).startswith(("rtmp://", "rtmps://")):
        refuse("rtmp-url", "must be an `rtmp://` or `rtmps://` address")
    return secret


def _page(value: object) -> Secret | str:
    """Read a page's address: plain text, or a secret as soon as it may carry one."""
    if isinstance(value, dict):
        return read_secret(value)
    text = _text(value)
    try:
        parts = urlsplit(text)
    except ValueError:
        refuse("url", "must be an http or https address")
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        refuse("url", "must be an http or https address", "write it as https://example.com/page")
    return Secret("literal", text) if parts.query or "@" in parts.netloc else text


def _prefix(value: object) -> tuple[str, ...]:
    items = value.split("/") if isinstance(value, str) else value
    if not isinstance(items, list):
        hint = "write `a/b` or [a, b]"
        refuse("prefix", f"must be folders, this is {kind_of(value)}", hint)
    return tuple(_text(item) for item in items if item != "")


WEB_ADDRESS = "^[Hh][Tt][Tt][Pp][Ss]?://."
_TEXT_SCHEMA: dict[str, Any] = {"type": ["string", "integer"], "minLength": 1, "x-type": "Text"}
_DURATION_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "integer", "minimum": 0, "maximum": DURATION_MAX_S},
        {
            "type": "string",
            "minLength": 1,
            "pattern": "^([0-9]{1,12}d)?([0-9]{1,12}h)?([0-9]{1,12}m)?([0-9]{1,12}s)?$",
        },
    ],
    "x-type": "Duration",
}


def _reference_schema(form: str, meaning: str, source: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {form: {"description": meaning, **source}},
        "required": [form],
        "additionalProperties": False,
    }


_ENV = _reference_schema(
    "env", "The environment variable that holds it.", {"type": "string", "minLength": 1}
)
_FILE = _reference_schema(
    "file", "The file that holds it, relative to this one.", {"type": "string", "minLength": 1}
)
_EXEC = _reference_schema(
    "exec",
    "The program that prints it, and its arguments; runs only with `--allow-exec`.",
    {"type": "array", "items": {"type": "string"}, "minItems": 1},
)
_REFERENCE_SCHEMA: dict[str, Any] = {"anyOf": [_ENV, _FILE, _EXEC], "x-type": "Reference"}
SECRET_SCHEMA: dict[str, Any] = {
    "anyOf": [{"type": ["string", "integer"], "minLength": 1}, _REFERENCE_SCHEMA],
    "x-type": "Secret",
}
PROGRAM_OR_FILE_SCHEMA: dict[str, Any] = {"anyOf": [_EXEC, _FILE], "x-type": "`{exec}` or `{file}`"}
"""One program or file. An `x-type` is what the reference calls a kind of value."""

Text = Annotated[str, PlainValidator(_text), WithJsonSchema(_TEXT_SCHEMA)]
Int = Annotated[int, PlainValidator(_int), WithJsonSchema({"type": "integer", "x-type": "integer"})]
Fraction = Annotated[
    float, PlainValidator(_fraction), WithJsonSchema({"type": "number", "x-type": "number"})
]
Flag = Annotated[
    bool, PlainValidator(_flag), WithJsonSchema({"type": "boolean", "x-type": "boolean"})
]
Uid = Annotated[
    str,
    PlainValidator(_uid),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": limits.UID.low, "maximum": limits.UID.high},
                {"type": "string", "pattern": "^[1-9][0-9]{0,9}$"},
            ],
            "x-type": "Uid",
        }
    ),
]
Duration = Annotated[int, PlainValidator(_duration), WithJsonSchema(_DURATION_SCHEMA)]
Refresh = Annotated[int, PlainValidator(_refresh), WithJsonSchema(_DURATION_SCHEMA)]
Hours = Annotated[int, PlainValidator(_whole(3600, "hours")), WithJsonSchema(_DURATION_SCHEMA)]
Minutes = Annotated[int, PlainValidator(_whole(60, "minutes")), WithJsonSchema(_DURATION_SCHEMA)]
Time = Annotated[
    datetime,
    PlainValidator(_time),
    WithJsonSchema({"type": "string", "format": "date-time", "x-type": "Time"}),
]
Positive = Annotated[
    int,
    PlainValidator(_positive),
    WithJsonSchema({"type": "integer", "minimum": 1, "x-type": "integer"}),
]
SecretText = Annotated[Secret, PlainValidator(read_secret), WithJsonSchema(SECRET_SCHEMA)]
SecretTime = Annotated[Secret, PlainValidator(_secret_time), WithJsonSchema(SECRET_SCHEMA)]
RtmpUrl = Annotated[
    Secret,
    PlainValidator(_rtmp),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string", "pattern": "^rtmps?://"}, _REFERENCE_SCHEMA],
            "x-type": "RTMP address or Secret",
        }
    ),
]
PageUrl = Annotated[
    Secret | str,
    PlainValidator(_page),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string", "pattern": WEB_ADDRESS}, _REFERENCE_SCHEMA],
            "x-type": "web address or Secret",
        }
    ),
]
Prefix = Annotated[
    tuple[str, ...],
    PlainValidator(_prefix),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {"type": "array", "items": {"type": ["string", "integer"]}},
            ],
            "x-type": "Folders",
        }
    ),
]

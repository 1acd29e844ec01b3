"""What a plain YAML 1.2 scalar means, as ruamel.yaml's own resolver decides it.

A test holds the two equal.

One dispatch on the first character keeps the common case, plain text, at one dictionary look-up.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

INT = "tag:yaml.org,2002:int"
FLOAT = "tag:yaml.org,2002:float"
BOOL = "tag:yaml.org,2002:bool"
NULL = "tag:yaml.org,2002:null"
TEXT = "tag:yaml.org,2002:str"
TIMESTAMP = "tag:yaml.org,2002:timestamp"
TAGS = frozenset({INT, FLOAT, BOOL, NULL, TEXT, TIMESTAMP})

# A number longer than this names nothing in a spec, and CPython refuses to read one past 4300
# digits.
NUMBER_LENGTH_MAX = 400

_INT = re.compile(r"[-+]?(?:0b[01_]+|0o?[0-7_]+|[0-9_]+|0x[0-9a-fA-F_]+)\Z")
_FLOAT = re.compile(
    r"(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+"
    r"|[-+]?\.[0-9_]+(?:[eE][-+][0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)"
    r"|\.(?:nan|NaN|NAN))\Z"
)
_TIMESTAMP = re.compile(
    r"\d{4}-\d\d-\d\d\Z"
    r"|\d{4}-\d\d?-\d\d?(?:[Tt]|[ \t]+)\d\d?:\d\d:\d\d(?:\.\d*)?"
    r"(?:[ \t]*(?:Z|[-+]\d\d?(?::\d\d)?))?\Z",
    re.ASCII,
)
_WORDS = {
    "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False,
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
}  # fmt: skip
_NUMERIC = frozenset("+-.0123456789")
_RADIX = {"0b": 2, "0o": 8, "0x": 16}


@dataclass(frozen=True, slots=True)
class Timestamp:
    """An unquoted date or time, kept as written.

    Fields that want a time read the text, all others refuse it.
    """

    text: str


class WrittenInt(int):
    """An integer that was not written in plain decimal (`007`, `0x1F`).

    Text fields want what was written.
    """

    text: str


Scalar = str | int | float | bool | Timestamp | None


@lru_cache(maxsize=4096)  # the same few words and numbers make up most of a fleet's specs
def resolve(text: str) -> Scalar:
    """Return what the unquoted `text` means.

    Raises ValueError for a number that no program can hold.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in _NUMERIC:
        return _number(text)
    return text


def tagged(tag: str, text: str) -> Scalar:
    """Return what `text` means under one of `TAGS`. Raises ValueError where it does not fit."""
    if tag == TEXT:
        return text
    value = resolve(text)
    kind = int if isinstance(value, WrittenInt) else type(value)
    if kind is not _KINDS[tag]:
        message = f"the value does not fit its tag `!!{tag.rpartition(':')[2]}`"
        raise ValueError(message)
    return value


_KINDS = {INT: int, FLOAT: float, BOOL: bool, NULL: type(None), TIMESTAMP: Timestamp}


def _number(text: str) -> Scalar:
    if _INT.match(text):
        return _int(text)
    if _FLOAT.match(text):
        return _float(text)
    return Timestamp(text) if _TIMESTAMP.match(text) else text


def _int(text: str) -> int | str:
    if len(text) > NUMBER_LENGTH_MAX:
        message = "the number is too long to be meant"
        raise ValueError(message)
    digits = text.replace("_", "")
    sign = -1 if digits.startswith("-") else 1
    digits = digits.lstrip("+-")
    radix = _RADIX.get(digits[:2])
    try:
        value = sign * (int(digits[2:], radix) if radix else int(digits))
    except (
        ValueError
    ):  # nothing but underscores: the resolver calls it a number, nobody can read one
        return text
    return value if str(value) == text else _written(value, text)


def _written(value: int, text: str) -> WrittenInt:
    written = WrittenInt(value)
    written.text = text
    return written


def _float(text: str) -> float | str:
    number = text.replace("_", "").lower()
    if number.endswith((".inf", ".nan")):
        return float(number.replace(".", ""))
    try:
        return float(number)
    except ValueError:  # "._": as above
        return text

"""Reading a body that may hold anything anywhere: what does not have its shape reads as absent.

`shape.py` reports the wrong shapes, so that the other rules need not, and none of them can fail.
"""

from collections.abc import Mapping, Sequence
from typing import TypeGuard

from reconciler.spec import limits
from reconciler.spec.secrets import Secret
from reconciler.spec.wire import Json, Path

AUDIO_ONLY, VIDEO_ONLY, AUDIO_AND_VIDEO = 0, 1, 2

RECORDING: Path = ("recordingConfig",)
TRANSCODING: Path = (*RECORDING, "transcodingConfig")
STREAMS: Path = (*RECORDING, "streamTypes")
STREAM_MODE: Path = (*RECORDING, "streamMode")
STORAGE: Path = ("storageConfig",)
SERVICES: Path = ("extensionServiceConfig", "extensionServices")

_EMPTY: Mapping[str, Json] = {}
_SHOWN_LENGTH_MAX = 40
_UID_DIGITS_MAX = len(str(limits.UID.high))


def block(parent: Mapping[str, Json], key: str) -> Mapping[str, Json]:
    """Return the object at `key`, an empty one where there is none."""
    value = parent.get(key)
    return value if isinstance(value, dict) else _EMPTY


def entries(parent: Mapping[str, Json], key: str) -> Sequence[Json]:
    """Return the list at `key`, an empty one where there is none."""
    value = parent.get(key)
    return value if isinstance(value, list) else ()


def objects(parent: Mapping[str, Json], key: str) -> Sequence[tuple[int, Mapping[str, Json]]]:
    """Return the objects in the list at `key`, each with its index."""
    return [(i, entry) for i, entry in enumerate(entries(parent, key)) if isinstance(entry, dict)]


def given(value: Json) -> bool:
    """Tell whether a value is there; some clients send empty text for unset (agora-api.md 1.2)."""
    return (
        value is not None and value != "" and not (isinstance(value, Secret) and not value.source)
    )


def literal(value: Json) -> str | None:
    """Return a text that can be judged: not one that is only known when it is resolved."""
    if isinstance(value, Secret):
        value = value.source if value.form == "literal" and isinstance(value.source, str) else None
    return value if isinstance(value, str) else None


def is_uid(text: str) -> bool:
    """Tell whether a text is a uid: 1 to 4294967295 without leading zeros."""
    digits = text.isascii() and text.isdecimal() and len(text) <= _UID_DIGITS_MAX
    return digits and text[0] != "0" and int(text) <= limits.UID.high


def out_of_range(value: Json, bounds: limits.Limits, unit: str = "") -> str | None:
    """Return the message for a value that is no whole number within bounds, None if it is."""
    if value in bounds:
        return None
    of_unit = f" of {unit}" if unit else ""
    return unlike_number(value, f"a whole number{of_unit} from {bounds.low} to {bounds.high}")


def unlike(value: Json, wanted: str) -> str:
    """Return the message for a value that is missing or other than wanted."""
    if value is None:
        return f"is missing, must be {wanted}"
    return f"must be {wanted}, this is {shown(value)}"


def unlike_number(value: Json, wanted: str) -> str:
    """Return the same where a number is wanted, which `5` as text is not."""
    if value is None:
        return unlike(value, wanted)
    seen = shown(value) if is_number(value) else kind(value)
    return f"must be {wanted}, this is {seen}"


def is_number(value: Json) -> TypeGuard[int | float]:
    """Tell whether a value is a number; Python's booleans are, JSON's are not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def kind(value: object) -> str:
    """Name the kind of a value."""
    for types, name in _KINDS:
        if isinstance(value, types):
            return name
    return "something else"


def shown(value: object) -> str:
    """Show a value in a message: numbers and words as written and short, the rest by its kind."""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if value == "":
        return "empty"
    if isinstance(value, str | int | float):
        text = printable(str(value))
        cut = len(text) > _SHOWN_LENGTH_MAX
        return f"`{text[: _SHOWN_LENGTH_MAX - 3]}...`" if cut else f"`{text}`"
    return kind(value)


def printable(text: str) -> str:
    """Replace what would break a line or cannot be written, such as half of a surrogate pair."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "a boolean"),
    ((int, float), "a number"),
    (str, "text"),
    (Secret, "a secret"),
    (dict, "an object"),
    (list, "a list"),
    (type(None), "null"),
)

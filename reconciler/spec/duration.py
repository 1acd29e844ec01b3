"""Durations: whole seconds, written as an integer or as text such as `90s` and `1h30m`.

Read wherever a spec or an option takes a duration; which range makes sense is the caller's to
judge. Pure.
"""

import re

from reconciler.errors import SpecError

DURATION_MAX_S = 10 * 365 * 86_400  # beyond any use here, and far from where dates overflow

_UNITS_S = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}  # in the order in which they are written
_SHAPE = re.compile("".join(f"(?:([0-9]{{1,12}}){unit})?" for unit in _UNITS_S))
_HINT = "write whole seconds without quotes, or units in falling order: `90s`, `5m`, `1h30m`, `3d`"


def parse_duration(value: int | str) -> int:
    """Read a duration as seconds, 0 to `DURATION_MAX_S`; else raise SpecError `duration`."""
    if isinstance(value, bool):
        raise SpecError("duration", f"`{str(value).lower()}` is not a duration", hint=_HINT)
    seconds = value if isinstance(value, int) else _seconds(value)
    if seconds < 0:
        raise SpecError("duration", "a duration cannot be negative", hint=_HINT)
    if seconds > DURATION_MAX_S:
        longest = format_duration(DURATION_MAX_S)
        raise SpecError("duration", "the duration is too long", hint=f"the longest is `{longest}`")
    return seconds


def format_duration(seconds: int) -> str:
    """Write seconds (0 or more) in their largest units, exactly: `1h30m` for 5400.

    `parse_duration` reads it back.
    """
    text = ""
    for unit, unit_s in _UNITS_S.items():
        amount, seconds = divmod(seconds, unit_s)
        if amount:
            text += f"{amount}{unit}"
    return text or "0s"


def _seconds(text: str) -> int:
    if re.fullmatch("[0-9]+", text):
        hint = f"drop the quotes, or add a unit: `{text}s`"
        raise SpecError("duration", f"`{text}` has no unit", hint=hint)
    match = _SHAPE.fullmatch(text)
    if not text or match is None:
        raise SpecError("duration", f"`{text}` is not a duration", hint=_HINT)
    amounts = zip(match.groups(), _UNITS_S.values(), strict=True)
    return sum(int(amount or 0) * unit_s for amount, unit_s in amounts)

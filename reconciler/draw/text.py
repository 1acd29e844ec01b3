"""Texts made fit to be drawn: harmless, and no wider than their place.

Used by all renderers. A measure tells how wide a text is: `cells` in a terminal, `ems` on a page,
where the typeface that a viewer has is unknown and widths are therefore rounded up.
"""

import unicodedata
from collections.abc import Callable

Measure = Callable[[str], float]

LENGTH_MAX = 240
"""Longest text that is drawn, in characters; no place has room for more."""

ELLIPSIS = "…"
REPLACEMENT = "?"

_ODD_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Mn", "Me"})
"""Controls, formats, surrogates, the unassigned, separators, marks: they break XML or widths."""


def clean(text: str) -> str:
    """Replace what must not reach a terminal or an XML document; shorten the endless."""
    drawn = shorten(text, LENGTH_MAX, len)
    return "".join(
        REPLACEMENT if unicodedata.category(char) in _ODD_CATEGORIES else char for char in drawn
    )


def image_name(url: str) -> str:
    """Return an image's URL without what may be secret in it: user, password, query, fragment."""
    address = url.partition("?")[0].partition("#")[0]
    scheme, separator, rest = address.partition("://")
    authority, slash, path = rest.partition("/")
    return clean(scheme + separator + authority.rpartition("@")[2] + slash + path)


def shorten(text: str, limit: float, measure: Measure) -> str:
    """Cut from the middle, where a URL says least, down to `limit`; may leave nothing."""
    if measure(text) <= limit:
        return text
    # No measure gives a character less than a third of a unit, so nothing longer can fit.
    for kept in range(min(len(text), int(limit * 3)), -1, -1):
        tail = kept // 2
        cut = text[: kept - tail] + ELLIPSIS + text[len(text) - tail :]
        if measure(cut) <= limit:
            return cut
    return ""


def wrap(text: str, limit: float, measure: Measure) -> tuple[str, ...]:
    """Break between words into lines no wider than `limit`; a word wider than that is shortened."""
    lines: list[str] = []
    for word in text.split():
        fitting = shorten(word, limit, measure)
        if lines and measure(f"{lines[-1]} {fitting}") <= limit:
            lines[-1] += f" {fitting}"
        else:
            lines.append(fitting)
    return tuple(lines)


def cells(text: str) -> int:
    """Return how many terminal columns a text takes."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def ems(text: str) -> float:
    """Return how wide a text is in common sans-serif typefaces at most, in its size."""
    return sum(_em(char) for char in text)


def _em(char: str) -> float:
    if unicodedata.east_asian_width(char) in "WF" or char in "MW@%mw—…":
        return 1.0
    if char in "fijlrtI .,;:'|!()[]/-":
        return 0.46
    return 0.8 if char.isupper() else 0.64

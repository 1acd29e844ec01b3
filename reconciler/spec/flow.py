"""Colons and question marks inside plain text of flow style, as in `[https://example.com/a?b]`.

YAML 1.2 allows them, but the C parser stumbles there as YAML 1.1 did. A text on which it does is
read once more with each such character masked by one that nobody writes, so that all places stay
where they were. Pure.
"""

import re
from collections.abc import Callable
from typing import Any

_MASKS = {":": "\ue03a", "?": "\ue03f"}  # of Unicode's private use area
_MASK = str.maketrans(_MASKS)
_UNMASK = str.maketrans({mask: character for character, mask in _MASKS.items()})

# Neither at the start of a value, nor where a `:` ends a key: after quotes, before a space. In
# block style and in quotes it may mask too much, which does no harm: the values are unmasked.
_INSIDE = re.compile(r"""(?<=[^\s"'\[\]{},:?])(?:[:?]*\?|[:?]+(?=[^\s\[\]{},:?]))""")


def masked(text: str) -> str | None:
    """Return the text as the parser can read it, None where nothing is there to mask."""
    if any(mask in text for mask in _MASKS.values()):
        return None
    changed = _INSIDE.sub(lambda match: match[0].translate(_MASK), text)
    return None if changed == text else changed


def unmasking(next_event: Callable[[], Any]) -> Callable[[], Any]:
    """Return the source of a masked text's events with their values as they were written."""

    def unmasked() -> Any:
        event = next_event()
        if isinstance(getattr(event, "value", None), str):
            event.value = event.value.translate(_UNMASK)
        return event

    return unmasked

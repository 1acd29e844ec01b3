"""Names: what a manifest may be called, and how a foreign name becomes one. Pure."""

import re

from reconciler.errors import SpecError

NAME_PATTERN = r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?"
NAME_LENGTH_MAX = 253

_NAME = re.compile(NAME_PATTERN)
_FOREIGN = re.compile(r"[^a-z0-9.]+")


def check_name(name: str) -> str:
    """Return the name if a manifest may carry it. Raises SpecError with a name that would do."""
    if len(name) <= NAME_LENGTH_MAX and _NAME.fullmatch(name):
        return name
    if len(name) > NAME_LENGTH_MAX:
        message = f"a name has at most {NAME_LENGTH_MAX} characters, this has {len(name)}"
        raise SpecError("name", message)
    message = "a name has lower-case letters, digits, `-`, `.`, a letter or digit at both ends"
    raise SpecError("name", message, hint=f"did you mean `{name_from(name)}`?")


def name_from(text: str) -> str:
    """Return a valid name that resembles `text`: lower case, other characters as `-`."""
    name = _FOREIGN.sub("-", text.lower())[:NAME_LENGTH_MAX].strip("-.")
    return name or "recording"

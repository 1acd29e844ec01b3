"""Secrets: references in specs, values only when somebody asks, both printing as `***`.

`Secret` is what a spec says (a literal, or where to find the value) and is safe to keep in bodies
and compare. `SecretValue` is what it resolves to. Only `Resolver` reads the environment, files and
programs (design/spec-format.md, "Values used everywhere").
"""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Literal

MASK = "***"

Form = Literal["literal", "env", "file", "exec"]


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """Where a secret value comes from.

    `source` is the literal itself, the variable's name, the path, or the command's words. `folder`
    is the folder of the spec file that said it: relative paths start there and programs run there.
    `part` names the key to take when the source yields the JSON of AWS's `credential_process`.
    `reads` says what the service wants: text, or a time as Unix seconds.
    """

    form: Form
    source: str | tuple[str, ...]
    folder: str = ""
    part: str | None = None
    reads: Literal["text", "time"] = "text"

    def __repr__(self) -> str:
        return (
            f"Secret({MASK})" if self.form == "literal" else f"Secret({self.form}: {self.source})"
        )

    def __str__(self) -> str:
        return MASK


class SecretValue:
    """A resolved secret.

    Prints as `***`; `reveal` is the one way to the text, for the moment of sending.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text, to be handed to the service and nowhere else."""
        return self._text

    def fingerprint(self, key: bytes) -> str:
        """Return the keyed hash (HMAC-SHA256, hex) to compare by, while no value is kept."""
        return hmac.new(key, self._text.encode(), hashlib.sha256).hexdigest()

    def __repr__(self) -> str:
        return f"SecretValue({MASK})"

    def __str__(self) -> str:
        return MASK

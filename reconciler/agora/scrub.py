"""Take secrets out of what the service says, before anybody can log it. Pure.

Its reasons are worth showing ("invalid resourceExpiredHour value!"), but nothing keeps it from
quoting what it was sent. So whatever text the call sent is taken out, as it is and in the usual
encodings: to know which of it is secret would mean to trust the caller. What looks like a key is
taken out too, since it may come from an earlier call.
"""

import base64
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

from reconciler.spec.secrets import MASK

TEXT_LENGTH_MAX = 300
"""Of a reason: a sentence, not a page."""

SECRET_LENGTH_MIN = 4
"""Shorter texts are no secrets, and taking them out would leave no sentence."""

_LIKE_A_KEY = re.compile(r"(?=\S*[0-9/+=%&])\S{12,}")


def scrubbed(text: str, sent: Iterable[str]) -> str:
    """Return what the service says without what was sent, on one line, printable and short."""
    text = _LIKE_A_KEY.sub(MASK, without(text, sent))
    text = "".join(character if character.isprintable() else " " for character in text).strip()
    return text if len(text) <= TEXT_LENGTH_MAX else f"{text[:TEXT_LENGTH_MAX]}..."


def without(text: str, sent: Iterable[str]) -> str:
    """Return the text with `***` for each of these secrets, in whatever form."""
    for secret in sorted(dict.fromkeys(sent), key=len, reverse=True):
        if len(secret) >= SECRET_LENGTH_MIN:
            for form in sorted(_forms(secret), key=len, reverse=True):
                text = text.replace(form, MASK)
    return text


def texts_in(tree: object) -> Iterator[str]:
    """Yield every text in a body; its keys are the documentation's."""
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, dict):
        for value in tree.values():
            yield from texts_in(value)
    elif isinstance(tree, list):
        for item in tree:
            yield from texts_in(item)


def _forms(secret: str) -> tuple[str, ...]:
    raw = secret.encode(errors="replace")
    encoded = (base64.b64encode(raw), base64.urlsafe_b64encode(raw))
    return (
        secret,
        quote(raw),
        quote(raw, safe=""),
        quote_plus(raw),
        json.dumps(secret)[1:-1],
        *(form.decode().rstrip("=") for form in encoded),
    )

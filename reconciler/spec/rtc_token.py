"""When a literal RTC token ends (agora-api.md 10.1).

Reads no more of a token than that, and trusts none of it.
"""

import base64
import binascii
import struct
import zlib

EXPIRED_HINT = "give a token that is valid for longer, or `token: generate`"

_VERSION = "007"
_CONTENT_BYTES_MAX = 4096


def token_end_s(token: str) -> int | None:
    """Return the Unix time at which a 007 token ends; None for what is no such token."""
    if not token.startswith(_VERSION):
        return None
    try:
        packed = base64.b64decode(token[len(_VERSION) :], validate=True)
        content = zlib.decompressobj().decompress(packed, _CONTENT_BYTES_MAX)
        after_signature = _after_text(content, 0)
        issued_s, expire_s = struct.unpack_from(
            "<II", content, _after_text(content, after_signature)
        )
    except (binascii.Error, zlib.error, struct.error, ValueError):
        return None
    return int(issued_s + expire_s)


def _after_text(content: bytes, start: int) -> int:
    (length,) = struct.unpack_from("<H", content, start)
    return start + 2 + int(length)

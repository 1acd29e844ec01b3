"""RTC tokens of version 007, read (agora-api.md 10). Pure."""

import base64
import hmac
import struct
import zlib
from dataclasses import dataclass

VERSION = "007"
RTC_SERVICE = 1
JOIN = 1
CONTENT_BYTES_MAX = 65_536
EXPIRED, WRONG = 109, 110  # agora-api.md 6.8


class TokenError(Exception):
    """A token cannot be used; `code` is the number the service reports."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Token:
    """What a token says."""

    app_id: str
    issued_s: int
    life_s: int
    channel: str
    uid: str
    privileges: dict[int, int]

    @property
    def ends_s(self) -> float:
        """Return when it no longer lets anybody join; a privilege's 0 is no limit of its own."""
        return self.issued_s + min(self.life_s, self.privileges.get(JOIN) or self.life_s)


def admit(text: str, certificate: str, wanted: tuple[str, str, str], now_s: float) -> Token:
    """Return the token if it lets this App ID, channel and uid join now. Raises TokenError."""
    token = read_token(text, certificate)
    app_id, channel, uid = wanted
    if (token.app_id, token.channel) != (app_id, channel) or token.uid not in {"", uid}:
        raise TokenError(WRONG, "the token is for another App ID, channel or uid")
    if JOIN not in token.privileges:
        raise TokenError(WRONG, "the token does not allow to join")
    if token.ends_s <= now_s:
        raise TokenError(EXPIRED, "the token is expired")
    return token


def read_token(text: str, certificate: str) -> Token:
    """Return what a token says if this certificate signed it. Raises TokenError."""
    reader = _Reader(_content(text))
    signature = reader.text()
    signed = reader.rest
    app_id = reader.text()
    issued_s, life_s, salt = reader.number("<I"), reader.number("<I"), reader.number("<I")
    key = hmac.digest(struct.pack("<I", issued_s), certificate.encode(), "sha256")
    key = hmac.digest(struct.pack("<I", salt), key, "sha256")
    if not hmac.compare_digest(signature, hmac.digest(key, signed, "sha256")):
        raise TokenError(WRONG, "the token was signed with another certificate")
    if reader.number("<H") == 0 or reader.number("<H") != RTC_SERVICE:
        raise TokenError(WRONG, "the token is for another service")
    count = reader.number("<H")
    privileges = {reader.number("<H"): reader.number("<I") for _ in range(count)}
    channel, uid = reader.text(), reader.text()
    return Token(_word(app_id), issued_s, life_s, _word(channel), _word(uid), privileges)


def _content(text: str) -> bytes:
    if not text.startswith(VERSION):
        raise TokenError(WRONG, f"the token is not of version {VERSION}")
    unpacker = zlib.decompressobj()
    try:
        packed = base64.b64decode(text[len(VERSION) :], validate=True)
        content = unpacker.decompress(packed, CONTENT_BYTES_MAX)
    except (ValueError, zlib.error):
        raise TokenError(WRONG, "the token cannot be read") from None
    if not unpacker.eof:
        raise TokenError(WRONG, "the token is cut off, or far too long")
    return content


def _word(raw: bytes) -> str:
    return raw.decode(errors="replace")


class _Reader:
    """Takes numbers and texts from the front of some bytes."""

    def __init__(self, rest: bytes) -> None:
        self.rest = rest

    def number(self, form: str) -> int:
        """Take a number."""
        (value,) = struct.unpack(form, self._take(struct.calcsize(form)))
        return int(value)

    def text(self) -> bytes:
        """Take a length and so many bytes."""
        return self._take(self.number("<H"))

    def _take(self, count: int) -> bytes:
        if len(self.rest) < count:
            raise TokenError(WRONG, "the token is cut off")
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

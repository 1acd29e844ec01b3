"""RTC tokens, version 007 (agora-api.md 10): what a recorder shows to be let into its channel.

Pure: time and salt come in. All integers are little-endian; a text is its length and its bytes.
"""

import base64
import binascii
import hashlib
import hmac
import re
import struct
import zlib
from dataclasses import dataclass, field
from enum import IntEnum

from reconciler.errors import SecretError
from reconciler.spec.secrets import SecretValue

VERSION = "007"
LIFE_S_MAX = 24 * 60 * 60
SALT_MAX = 99_999_999
"""A salt is random, from 1 to this."""

_RTC = 1
"""The one type of service that is read and written here; types carry no length, so the first
unknown one ends what can be read."""

_ID = re.compile(r"[0-9A-Fa-f]{32}")
_CONTENT_BYTES_MAX = 4096


class Privilege(IntEnum):
    """What a token allows in its channel."""

    JOIN = 1
    PUBLISH_AUDIO = 2
    PUBLISH_VIDEO = 3
    PUBLISH_DATA = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What a token says.

    `life_s` and the seconds of each privilege count from `issued_s` (Unix); a privilege's 0 is no
    limit of its own. `uid` empty: good for every uid of the channel.
    """

    app_id: str = field(repr=False)
    channel: str
    uid: str
    issued_s: int
    life_s: int
    salt: int = field(repr=False)
    privileges: tuple[tuple[int, int], ...]

    @property
    def end_s(self) -> int:
        """Return the Unix time at which it ends."""
        return self.issued_s + self.life_s


def recorder_token(
    app_id: str, certificate: SecretValue, channel: str, issued_s: int, salt: int
) -> SecretValue:
    """Make the token of a recorder: it may join, for the longest time there is, under any uid.

    A failover joins with a random uid (7.3), and a recorder never publishes.
    Raises SecretError where App ID or certificate is none.
    """
    token = Token(
        app_id=app_id,
        channel=channel,
        uid="",
        issued_s=issued_s,
        life_s=LIFE_S_MAX,
        salt=salt,
        privileges=((Privilege.JOIN, LIFE_S_MAX),),
    )
    return encode(token, certificate)


def encode(token: Token, certificate: SecretValue) -> SecretValue:
    """Sign and write a token.

    Raises SecretError where App ID or certificate is none, or a value has no place in a token.
    """
    for name, value in (("App ID", token.app_id), ("App certificate", certificate.reveal())):
        if not _ID.fullmatch(value):
            raise SecretError(f"an {name} has 32 hexadecimal digits, this one has not")
    try:
        info = _info(token)
    except (struct.error, UnicodeEncodeError):
        raise SecretError("no token can be made for this channel, uid or time") from None
    content = _text(_signature(token, certificate, info)) + info
    return SecretValue(VERSION + base64.b64encode(zlib.compress(content)).decode())


def decode(text: str, certificate: SecretValue) -> Token | None:
    """Read a token; None if its version is another, it is broken, or the certificate is wrong."""
    content = _content(text)
    try:
        signature, info = _take_text(content)
        token = _token(info)
    except (struct.error, ValueError):
        return None
    genuine = hmac.compare_digest(signature, _signature(token, certificate, info))
    return token if genuine else None


def _info(token: Token) -> bytes:
    numbers = struct.pack("<IIIH", token.issued_s, token.life_s, token.salt, 1)
    service = struct.pack("<HH", _RTC, len(token.privileges))
    service += b"".join(struct.pack("<HI", *privilege) for privilege in sorted(token.privileges))
    service += _text(token.channel.encode()) + _text(token.uid.encode())
    return _text(token.app_id.encode()) + numbers + service


def _signature(token: Token, certificate: SecretValue, info: bytes) -> bytes:
    """Return the signature; the small integers are the keys (10.1)."""
    key = certificate.reveal().encode()
    for number in (token.issued_s, token.salt):
        key = _hmac(struct.pack("<I", number), key)
    return _hmac(key, info)


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, hashlib.sha256)


def _content(text: str) -> bytes:
    """Return what is packed into a token; nothing where it is no whole stream of this version."""
    if not text.startswith(VERSION):
        return b""
    stream = zlib.decompressobj()
    try:
        packed = base64.b64decode(text[len(VERSION) :], validate=True)
        content = stream.decompress(packed, _CONTENT_BYTES_MAX)
    except (binascii.Error, zlib.error, ValueError):
        return b""
    return content if stream.eof else b""


def _token(info: bytes) -> Token:
    """Read the signed part. Raises struct.error or ValueError where it is broken."""
    app_id, rest = _take_text(info)
    issued_s, life_s, salt, _, kind, count = struct.unpack_from("<IIIHHH", rest)
    if kind != _RTC:
        raise ValueError
    rest = rest[struct.calcsize("<IIIHHH") :]
    size = struct.calcsize("<HI")
    each = (struct.unpack_from("<HI", rest, size * number) for number in range(count))
    privileges = tuple((int(key), int(value)) for key, value in each)
    channel, rest = _take_text(rest[size * count :])
    uid, _ = _take_text(rest)
    return Token(
        app_id=app_id.decode(),
        channel=channel.decode(),
        uid=uid.decode(),
        issued_s=issued_s,
        life_s=life_s,
        salt=salt,
        privileges=privileges,
    )


def _text(data: bytes) -> bytes:
    return struct.pack("<H", len(data)) + data


def _take_text(data: bytes) -> tuple[bytes, bytes]:
    """Return a text and what follows it. Raises struct.error or ValueError where it is cut off."""
    (length,) = struct.unpack_from("<H", data)
    end = 2 + length
    if end > len(data):
        raise ValueError
    return data[2:end], data[end:]

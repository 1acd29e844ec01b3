"""RTC tokens, version 007, as agora-api.md 10.1 describes them step by step."""

import base64
import hashlib
import hmac
import struct
import zlib
from dataclasses import dataclass

JOIN = 1  # the privilege to join a channel
RTC = 1  # the kind of service
TWO_BYTES, FOUR_BYTES = "<H", "<I"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token allows, to whom, and how long."""

    app_id: str
    certificate: str
    channel: str
    uid: str
    issued_s: int
    seconds: int
    salt: int = 1

    def token(self) -> str:
        info = _text(self.app_id) + _numbers(FOUR_BYTES, self.issued_s, self.seconds, self.salt)
        info += _numbers(TWO_BYTES, 1) + self._service()
        return "007" + base64.b64encode(zlib.compress(_bytes(self._sign(info)) + info)).decode()

    def _service(self) -> bytes:
        privileges = _numbers(TWO_BYTES, 1, JOIN) + _numbers(FOUR_BYTES, self.seconds)
        return _numbers(TWO_BYTES, RTC) + privileges + _text(self.channel) + _text(self.uid)

    def _sign(self, info: bytes) -> bytes:
        key = _hmac(_numbers(FOUR_BYTES, self.issued_s), self.certificate.encode())
        return _hmac(_hmac(_numbers(FOUR_BYTES, self.salt), key), info)


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


def _numbers(size: str, *values: int) -> bytes:
    return b"".join(struct.pack(size, value) for value in values)


def _bytes(value: bytes) -> bytes:
    return _numbers(TWO_BYTES, len(value)) + value


def _text(value: str) -> bytes:
    return _bytes(value.encode())

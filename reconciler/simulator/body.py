"""The body of a request, read with a bound."""

from starlette.types import Receive

BODY_BYTES_MAX = 1_048_576


async def read_body(receive: Receive) -> bytes | None:
    """Return the body, or None if it is too large; then it is still read to its end.

    A caller that is not done writing would not see the answer.
    """
    body, length, more = bytearray(), 0, True
    while more:
        message = await receive()
        chunk = message.get("body", b"")
        length += len(chunk)
        if length <= BODY_BYTES_MAX:
            body += chunk
        more = message.get("more_body", False)
    return bytes(body) if length <= BODY_BYTES_MAX else None

"""HTTP over real sockets on loopback: what is an answer, what was not sent, what may have been."""

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from reconciler.agora.http import ANSWER_BYTES_MAX, Http, tls_context
from reconciler.agora.messages import Reply, Request, Silence, Unanswered
from reconciler.errors import UsageError

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"


def request(url: str, timeout_s: float = 5, header: str = "x") -> Request:
    return Request(
        method="POST", url=url, headers=(("X-Test", header),), body=b"{}", timeout_s=timeout_s
    )


@asynccontextmanager
async def server(talk: Talk, request_ends: bytes = b"\r\n\r\n{}") -> AsyncIterator[str]:
    """Serve on loopback; each connection is talked to after its request was read."""

    async def on_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(request_ends)
            await talk(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(on_connection, "127.0.0.1", 0)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


def saying(*parts: bytes, pause_s: float = 0) -> Talk:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause_s)

    return talk


def answer_of(talk: Talk, *, timeout_s: float = 5, header: str = "x") -> Reply | Unanswered:
    async def ask() -> Reply | Unanswered:
        async with server(talk) as url, Http() as http:
            return await http.send(request(url, timeout_s, header))

    return asyncio.run(ask())


def test_an_answer_has_status_body_request_id_and_the_wait_it_asks_for() -> None:
    headers = b"X-Request-Id: 3f-a.1\r\nRetry-After: 7\r\n\r\n"
    assert answer_of(saying(HEAD + headers + b"{}")) == Reply(
        status=200, body=b"{}", request_id="3f-a.1", retry_after_s=7
    )


@pytest.mark.parametrize(
    ("header", "wait_s"), [("99999", 60), ("soon", 0), ("-1", 0), ("1.5", 0), ("", 0)]
)
def test_a_wait_is_asked_for_in_seconds_and_bounded(header: str, wait_s: float) -> None:
    reply = answer_of(saying(HEAD + f"Retry-After: {header}\r\n\r\n{{}}".encode()))
    assert isinstance(reply, Reply)
    assert reply.retry_after_s == wait_s


@pytest.mark.parametrize("number", ["a b", "x" * 129, "<script>", ""])
def test_a_strange_request_id_is_not_kept(number: str) -> None:
    reply = answer_of(saying(HEAD + f"X-Request-Id: {number}\r\n\r\n{{}}".encode()))
    assert isinstance(reply, Reply)
    assert reply.request_id is None


@pytest.mark.parametrize(
    "talk",
    [
        saying(),
        saying(HEAD),
        saying(HEAD + b"\r\n{"),
        saying(b"SSH-2.0-OpenSSH_9\r\n\r\n"),
        saying(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}"),
    ],
)
def test_a_connection_that_breaks_after_sending_leaves_the_outcome_open(talk: Talk) -> None:
    assert answer_of(talk) == Unanswered(
        Silence.NO_ANSWER, "the connection broke before its answer came"
    )


@pytest.mark.parametrize(
    "talk", [saying(b"", pause_s=2), saying(HEAD, *[b"a: b\r\n"] * 20, pause_s=0.1)]
)
def test_neither_silence_nor_a_trickle_lasts_longer_than_the_timeout(talk: Talk) -> None:
    assert answer_of(talk, timeout_s=0.3) == Unanswered(
        Silence.NO_ANSWER, "it did not answer within 0.3 s"
    )


def test_an_endless_answer_is_cut_off() -> None:
    megabyte = b" " * 1024 * 1024
    talk = saying(b"HTTP/1.1 200 OK\r\n\r\n", *[megabyte] * 6)
    assert answer_of(talk) == Unanswered(
        Silence.NO_ANSWER, f"its answer is longer than {ANSWER_BYTES_MAX} bytes"
    )


def test_what_the_library_refuses_to_send_is_not_quoted() -> None:
    unanswered = answer_of(saying(), header="secret\nvalue")
    assert isinstance(unanswered, Unanswered)
    assert "secret" not in unanswered.why


def test_a_refused_connection_was_not_sent() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]

    async def ask() -> Reply | Unanswered:
        async with Http() as http:
            return await http.send(request(f"http://127.0.0.1:{port}"))

    assert asyncio.run(ask()) == Unanswered(Silence.NOT_SENT, "it refused the connection")


def test_a_host_without_tls_was_not_sent_anything() -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 welcome\r\n")
        await writer.drain()
        writer.close()

    async def ask() -> Reply | Unanswered:
        listening = await asyncio.start_server(greet, "127.0.0.1", 0)
        async with listening, Http() as http:
            port = listening.sockets[0].getsockname()[1]
            return await http.send(request(f"https://127.0.0.1:{port}"))

    assert asyncio.run(ask()) == Unanswered(
        Silence.NOT_SENT, "it speaks no TLS that this machine accepts"
    )


class FailingTransport(httpx.AsyncBaseTransport):
    """Raises what it is given, as httpx does: with the cause behind it."""

    def __init__(self, problem: Exception, cause: BaseException | None) -> None:
        self.problem = problem
        self.cause = cause

    async def handle_async_request(self, _: httpx.Request) -> httpx.Response:
        raise self.problem from self.cause


UNTRUSTED = ssl.SSLCertVerificationError("with a secret")
UNTRUSTED.verify_message = "self-signed certificate"
REFUSED = OSError("all attempts failed")
REFUSED.__cause__ = ExceptionGroup("two addresses", [ConnectionRefusedError(), OSError()])


@pytest.mark.parametrize(
    ("problem", "cause", "silence", "why"),
    [
        (httpx.ConnectError("s3cret"), socket.gaierror(), "not sent", "its name does not resolve"),
        (httpx.ConnectError("s3cret"), REFUSED, "not sent", "it refused the connection"),
        (
            httpx.ConnectError("s3cret"),
            UNTRUSTED,
            "not sent",
            "its certificate is not trusted: self-signed certificate",
        ),
        (
            httpx.ConnectError("s3cret"),
            ssl.SSLError(),
            "not sent",
            "it speaks no TLS that this machine accepts",
        ),
        (httpx.ConnectError("s3cret"), None, "not sent", "it cannot be reached"),
        (
            httpx.ConnectTimeout("s3cret"),
            None,
            "not sent",
            "it did not accept a connection within 5 s",
        ),
        (
            httpx.PoolTimeout("s3cret"),
            None,
            "not sent",
            "it did not accept a connection within 5 s",
        ),
        (httpx.ProxyError("s3cret"), None, "not sent", "the proxy refused"),
        (httpx.WriteTimeout("s3cret"), None, "no answer", "it did not answer within 5 s"),
        (httpx.ReadTimeout("s3cret"), None, "no answer", "it did not answer within 5 s"),
        (
            httpx.WriteError("s3cret"),
            None,
            "no answer",
            "the connection broke before its answer came",
        ),
    ],
)
def test_each_failure_says_whether_anything_was_sent_and_why(
    problem: Exception, cause: BaseException | None, silence: str, why: str
) -> None:
    http = Http(FailingTransport(problem, cause))
    unanswered = asyncio.run(http.send(request("https://a.example")))
    assert unanswered == Unanswered(Silence(silence), why)


def test_plain_http_goes_round_every_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert isinstance(answer_of(saying(HEAD + b"\r\n{}")), Reply)


def test_a_proxy_that_cannot_be_used_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "gopher://user:pa55word@proxy")
    with pytest.raises(UsageError) as caught:
        Http()
    assert str(caught.value) == "the proxy that the environment names cannot be used"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_tls_is_checked_and_1_2_is_enough() -> None:
    context = tls_context()
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname


def test_nothing_of_a_request_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    answer_of(saying(HEAD + b"\r\n{}"))
    names = {record.name.split(".")[0] for record in caplog.records}
    assert names <= {"asyncio"}

"""Answers: one for each request, whole or visibly broken, never faster than the client reads."""

import asyncio
import contextlib
import datetime as dt
import os
import random
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import cast

import pytest

from cumulo.gateway import http_answer, http_connection
from cumulo.gateway.http1 import HttpListener, Request, Response
from cumulo.gateway.http_answer import SENDFILE_BYTES_MIN
from cumulo.server.tls import dev_certificate

LIMIT_S = 20
PIECE = 1024 * 1024
CONTENT = random.Random(3).randbytes(6 * PIECE + 999)

Handler = Callable[[Request], Awaitable[Response]]


class Stream(AsyncIterator[memoryview]):
    """Gives the pieces of a content out of one buffer, which is overwritten as soon as the next one is asked for."""

    def __init__(self, content: bytes, piece_bytes: int = PIECE, *, fails_at: int | None = None) -> None:
        self.closed = 0
        self.asked = 0
        self._content = content
        self._buffer = bytearray(piece_bytes)
        self._fails_at = fails_at

    async def __anext__(self) -> memoryview:
        at = self.asked * len(self._buffer)
        if self.asked == self._fails_at:
            raise RuntimeError("a bug")
        self._buffer[:] = bytes(len(self._buffer))
        piece = self._content[at : at + len(self._buffer)]
        if not piece:
            raise StopAsyncIteration
        self._buffer[: len(piece)] = piece
        self.asked += 1
        return memoryview(self._buffer)[: len(piece)]

    async def aclose(self) -> None:
        self.closed += 1


class FileStream(Stream):
    """Gives a file's pieces as zeros, to show that what arrives was sent from the file."""

    def __init__(self, descriptor: int, size: int) -> None:
        super().__init__(bytes(size))
        self.file_range: tuple[int, int] | None = None
        self._descriptor = descriptor

    async def __anext__(self) -> memoryview:
        at = self.asked * PIECE
        piece = await super().__anext__()
        self.file_range = (self._descriptor, at)
        return piece


@pytest.fixture(params=["tcp", "tls"])
def tls(request, tmp_path):
    """Give the server's and the client's TLS contexts, or None twice."""
    if request.param == "tcp":
        return None, None
    made = dev_certificate(tmp_path, dt.datetime.now(dt.UTC))
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(made.chain, made.key)
    return server, ssl.create_default_context(cafile=str(made.chain))


@contextlib.asynccontextmanager
async def connected(
    handler: Handler, tls=(None, None), *, receive_bytes: int = 0
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Give a connection to a listener; nothing in it may take longer than `LIMIT_S`."""
    listener = HttpListener(handler)
    port = await listener.start("127.0.0.1", 0, tls[0])
    client = socket.socket()
    if receive_bytes:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    client.connect(("127.0.0.1", port))
    reader, writer = await asyncio.open_connection(
        sock=client, ssl=tls[1], server_hostname="127.0.0.1" if tls[1] else None
    )
    try:
        async with asyncio.timeout(LIMIT_S):
            yield reader, writer
    finally:
        writer.close()
        await listener.stop()


def ask(line: str = "GET / HTTP/1.1", *, close: bool = True) -> bytes:
    return f"{line}\r\nHost: h\r\n{'Connection: close' if close else 'X: y'}\r\n\r\n".encode()


def answered(response: Response, sent: bytes | None = None, tls=(None, None)) -> tuple[str, bytes]:
    """Return the head and the rest of what a client gets that asks for a response."""

    async def give(_: Request) -> Response:
        return response

    async def run() -> bytes:
        async with connected(give, tls) as (reader, writer):
            writer.write(ask() if sent is None else sent)
            with contextlib.suppress(ConnectionError):
                return await reader.read()
            return b""

    head, _, rest = asyncio.run(run()).partition(b"\r\n\r\n")
    return head.decode("latin-1") + "\r\n", rest


def unchunked(coded: bytes) -> bytes:
    content = bytearray()
    while coded:
        size, _, coded = coded.partition(b"\r\n")
        length = int(size, 16)
        content += coded[:length]
        assert coded[length : length + 2] == b"\r\n"
        coded = coded[length + 2 :]
        if not length:
            assert not coded
            return bytes(content)
    raise AssertionError("the last chunk is missing")


@pytest.mark.parametrize("size", [0, 1, PIECE, len(CONTENT)])
def test_stream_of_known_length_is_announced_and_sent(tls, size):
    stream = Stream(CONTENT[:size])

    head, rest = answered(Response(200, stream=stream, content_length=size), tls=tls)

    assert f"Content-Length: {size}\r\n" in head
    assert rest == CONTENT[:size]
    assert stream.closed == 1


@pytest.mark.parametrize("size", [0, 1, PIECE, len(CONTENT)])
def test_stream_of_unknown_length_is_sent_in_chunks(tls, size):
    stream = Stream(CONTENT[:size], 300_000)

    head, rest = answered(Response(200, stream=stream), tls=tls)

    assert "Transfer-Encoding: chunked\r\n" in head
    assert unchunked(rest) == CONTENT[:size]
    assert stream.closed == 1


def test_stream_of_unknown_length_ends_with_the_connection_in_http_1_0():
    head, rest = answered(Response(200, stream=Stream(CONTENT)), b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")

    assert "chunked" not in head
    assert "Connection: close" in head
    assert rest == CONTENT


def test_head_request_gets_the_headers_of_a_stream_and_nothing_is_read_from_it():
    stream = Stream(CONTENT)

    head, rest = answered(Response(200, stream=stream, content_length=len(CONTENT)), ask("HEAD / HTTP/1.1"))

    assert f"Content-Length: {len(CONTENT)}\r\n" in head
    assert rest == b""
    assert (stream.asked, stream.closed) == (0, 1)


def test_head_request_may_be_told_a_length_without_a_body():
    head, _ = answered(Response(200, content_length=5), ask("HEAD / HTTP/1.1"))

    assert "Content-Length: 5\r\n" in head


@pytest.mark.parametrize("status", [204, 304])
def test_status_without_a_body_has_neither_body_nor_length(status):
    head, rest = answered(Response(status, b"abc"), ask(close=False) + ask())

    assert "content-length" not in head
    assert rest.startswith(f"HTTP/1.1 {status} ".encode())


def test_headers_are_sent_as_they_are_and_in_order():
    head, _ = answered(Response(299, headers=(("x-b", "1"), ("X-A", "\xe9"), ("x-b", "2")), content_type="a/b"))

    assert head.startswith("HTTP/1.1 299 \r\n")
    assert "Content-Type: a/b\r\nx-b: 1\r\nX-A: \xe9\r\nx-b: 2\r\n" in head


@pytest.mark.parametrize(
    "headers",
    [(("x", "a\r\nset-cookie: b"),), (("x", "a\nb"),), (("x\r\n\r\nbody", "a"),), (("x", "\0"),), (("x", "€"),)],
)
def test_header_that_would_end_itself_is_a_bug_and_not_sent(headers):
    stream = Stream(CONTENT)

    head, rest = answered(Response(200, stream=stream, content_length=1, headers=headers))

    assert head.startswith("HTTP/1.1 500 ")
    assert rest == b"internal error\n"
    assert stream.closed == 1


def test_stream_that_fails_before_its_first_byte_is_a_500():
    stream = Stream(CONTENT, fails_at=0)

    head, _ = answered(Response(200, stream=stream, content_length=len(CONTENT)))

    assert head.startswith("HTTP/1.1 500 ")
    assert stream.closed == 1


@pytest.mark.parametrize("announced", [len(CONTENT), None])
def test_stream_that_fails_in_the_middle_ends_the_connection_visibly(tls, announced):
    stream = Stream(CONTENT, fails_at=3)

    _, rest = answered(Response(200, stream=stream, content_length=announced), tls=tls)

    assert len(rest) < 4 * PIECE
    assert not rest.endswith(b"0\r\n\r\n")
    assert stream.closed == 1


@pytest.mark.parametrize("announced", [len(CONTENT) - 1, len(CONTENT) + 1])
def test_stream_of_another_length_than_announced_ends_the_connection(announced):
    stream = Stream(CONTENT)

    head, rest = answered(Response(200, stream=stream, content_length=announced), ask(close=False) + ask())

    assert len(rest) < announced or not head  # an abort may overtake what was written
    assert stream.closed == 1


def descriptors() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir()}


def test_pieces_of_a_file_are_sent_from_the_file_to_slow_readers_too(tmp_path):
    path = tmp_path / "content"
    path.write_bytes(CONTENT)

    async def run() -> bytes:
        descriptor = os.open(path, os.O_RDONLY)

        async def give(_: Request) -> Response:
            return Response(200, stream=FileStream(descriptor, len(CONTENT)), content_length=len(CONTENT))

        async with connected(give, receive_bytes=16 * 1024) as (reader, writer):
            before = descriptors()
            writer.write(ask(close=False) + ask(close=False))
            first = await reader.readuntil(b"\r\n\r\n")
            content = await reader.readexactly(len(CONTENT))
            await reader.readuntil(b"\r\n\r\n")
            assert await reader.readexactly(len(CONTENT)) == content
            assert len(descriptors()) <= len(before)
        os.close(descriptor)
        return first + content

    content = asyncio.run(run()).partition(b"\r\n\r\n")[2]

    whole = len(CONTENT) - len(CONTENT) % PIECE
    assert content[:whole] == CONTENT[:whole]
    assert content[whole:] == bytes(len(CONTENT) - whole)  # the last piece is too short to be worth it
    assert len(CONTENT) - whole < SENDFILE_BYTES_MIN


def test_tls_sends_pieces_of_a_file_by_what_was_read(tmp_path):
    made = dev_certificate(tmp_path, dt.datetime.now(dt.UTC))
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(made.chain, made.key)
    descriptor = os.open(made.chain, os.O_RDONLY)

    stream = FileStream(descriptor, 2 * PIECE)
    _, rest = answered(
        Response(200, stream=stream, content_length=2 * PIECE),
        tls=(server, ssl.create_default_context(cafile=str(made.chain))),
    )

    os.close(descriptor)
    assert rest == bytes(2 * PIECE)


@pytest.mark.parametrize("kind", ["stream", "file"])
def test_stream_is_not_asked_for_more_than_the_client_reads_and_a_stalled_client_is_ended(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(http_connection, "ANSWER_STALL_S", 0.2)
    monkeypatch.setattr(http_answer, "ANSWER_STALL_S", 0.2)
    size = 64 * PIECE
    path = tmp_path / "content"
    with path.open("wb") as file:
        file.truncate(size)

    async def run() -> Stream:
        descriptor = os.open(path, os.O_RDONLY)
        before = descriptors()
        stream = FileStream(descriptor, size) if kind == "file" else Stream(bytes(size))
        closed = asyncio.Event()

        async def give(_: Request) -> Response:
            return Response(200, stream=stream, content_length=size)

        async def close() -> None:
            stream.closed += 1
            closed.set()

        monkeypatch.setattr(stream, "aclose", close)
        async with connected(give, receive_bytes=16 * 1024) as (reader, writer):
            writer.write(ask())
            await reader.readuntil(b"\r\n\r\n")
            cast(asyncio.Transport, writer.transport).pause_reading()
            await closed.wait()
        await asyncio.sleep(0)  # transports close their sockets in the loop's next turn
        assert len(descriptors()) <= len(before)
        os.close(descriptor)
        return stream

    stream = asyncio.run(run())

    assert stream.asked < 32
    assert stream.closed == 1


def test_client_that_pipelines_and_does_not_read_is_not_answered_without_end():
    calls = 0

    async def give(_: Request) -> Response:
        nonlocal calls
        calls += 1
        return Response(200, bytes(PIECE))

    async def run() -> None:
        async with connected(give, receive_bytes=16 * 1024) as (reader, writer):
            cast(asyncio.Transport, writer.transport).pause_reading()
            writer.write(ask(close=False) * 200)
            for _ in range(2000):
                await asyncio.sleep(0)
            del reader

    asyncio.run(run())

    assert 0 < calls < 50


def test_half_closed_client_gets_the_whole_of_a_long_answer():
    async def give(_: Request) -> Response:
        return Response(200, stream=Stream(CONTENT), content_length=len(CONTENT))

    async def run() -> bytes:
        async with connected(give, receive_bytes=16 * 1024) as (reader, writer):
            writer.write(ask(close=False))
            writer.write_eof()
            return await reader.read()

    assert asyncio.run(run()).endswith(CONTENT)

"""Request bodies: taken when they are asked for, whole or not at all, over TCP and TLS."""

import asyncio
import contextlib
import ctypes
import datetime as dt
import hashlib
import mmap
import random
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from cumulo.core.errors import REQUEST_TIMEOUT, ServiceError
from cumulo.gateway import http_body, http_connection
from cumulo.gateway.http1 import HttpListener, Request, Response
from cumulo.gateway.http_body import (
    BODY_TOO_LARGE,
    BROKEN_CHUNKS,
    BUFFERS_MAX,
    INCOMPLETE_BODY,
    PIECE_BYTES,
    SMALL_BODY_BYTES,
    BufferPool,
    ChunkDecoder,
)
from cumulo.server.tls import dev_certificate

LIMIT_S = 20
LONG = random.Random(7).randbytes(5 * PIECE_BYTES + 12345)
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

Handler = Callable[[Request], Awaitable[Response]]


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
    handler: Handler, tls=(None, None)
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Give a connection to a listener; nothing in it may take longer than `LIMIT_S`."""
    listener = HttpListener(handler)
    port = await listener.start("127.0.0.1", 0, tls[0])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls[1])
    try:
        async with asyncio.timeout(LIMIT_S):
            yield reader, writer
    finally:
        writer.close()
        await listener.stop()


def put(length: int, *lines: str, path: str = "/") -> bytes:
    return "\r\n".join((f"PUT {path} HTTP/1.1", "Host: h", f"Content-Length: {length}", *lines, "", "")).encode()


CHUNKED = b"PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
LAST = b"GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"


def chunks(content: bytes, *sizes: int) -> bytes:
    coded, at = [], 0
    for size in sizes:
        piece = content[at : at + size]
        at += size
        coded += [b"%X;x=y\r\n" % len(piece), piece, b"\r\n"] if piece else []
    return b"".join(coded) + b"0\r\nTrailer: x\r\n\r\n"


async def digest(request: Request) -> Response:
    """Answer with the digest of the body, or with the code of what it raised."""
    found = hashlib.sha256()
    try:
        async for piece in request.body:
            assert 0 < len(piece) <= PIECE_BYTES
            found.update(piece)
    except ServiceError as error:
        return Response(error.row.http_status, error.row.code.encode())
    return Response(200, found.hexdigest().encode())


def digest_of(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()


@pytest.mark.parametrize("size", [0, 1, 1024, SMALL_BODY_BYTES, SMALL_BODY_BYTES + 1, PIECE_BYTES, len(LONG)])
@pytest.mark.parametrize("coding", ["length", "chunked"])
def test_body_arrives_as_it_was_sent_and_the_next_request_behind_it(tls, size, coding):
    content = LONG[:size]
    sent = put(size) + content if coding == "length" else CHUNKED + chunks(content, 1, 70_000, size)

    async def run() -> bytes:
        async with connected(digest, tls) as (reader, writer):
            writer.write(sent + LAST)
            return await reader.read()

    answers = asyncio.run(run())

    assert answers.count(b"HTTP/1.1 200 OK") == 2
    assert answers.index(digest_of(content)) < answers.rindex(digest_of(b""))


def address(piece: memoryview) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(piece))


def test_long_body_comes_in_aligned_pieces_of_the_full_size():
    seen: list[tuple[int, int]] = []

    async def look(request: Request) -> Response:
        seen.extend([(len(piece), address(piece) % mmap.PAGESIZE) async for piece in request.body])
        return Response(200)

    async def run() -> None:
        async with connected(look) as (reader, writer):
            writer.write(put(len(LONG), "Connection: close") + LONG)
            await reader.read()

    asyncio.run(run())

    assert seen == [(PIECE_BYTES, 0)] * 5 + [(12345, 0)]


@pytest.mark.parametrize(
    "sent", [put(3) + b"abc", put(3, "Expect: 100-continue") + b"abc", CHUNKED + chunks(b"abc", 3)]
)
def test_body_is_read_whole_up_to_a_limit(sent):
    async def read(request: Request) -> Response:
        if request.path == "/last":
            return Response(200)
        return Response(200, await request.body.read(3))

    async def run() -> bytes:
        async with connected(read) as (reader, writer):
            writer.write(sent + LAST)
            return await reader.read()

    assert b"\r\n\r\nabcHTTP/1.1 200" in asyncio.run(run())


@pytest.mark.parametrize("sent", [put(4) + b"abcd", put(10**12), CHUNKED + chunks(b"abcd", 2, 2)])
def test_body_longer_than_the_limit_of_its_reader_is_refused(sent):
    async def read(request: Request) -> Response:
        with pytest.raises(ServiceError) as refused:
            await request.body.read(3)
        assert refused.value.row is BODY_TOO_LARGE
        return Response(413)

    async def run() -> bytes:
        async with connected(read) as (reader, writer):
            writer.write(sent)
            return await reader.readuntil(b"\r\n\r\n")

    assert asyncio.run(run()).startswith(b"HTTP/1.1 413 ")


def test_continue_is_sent_when_the_body_is_first_asked_for(tls):
    asked = asyncio.Event()

    async def wait(request: Request) -> Response:
        await asked.wait()
        return await digest(request)

    async def run() -> tuple[bytes, bytes]:
        async with connected(wait, tls) as (reader, writer):
            writer.write(put(len(LONG), "Expect: 100-continue", "Connection: close"))
            early = asyncio.ensure_future(reader.readexactly(len(CONTINUE)))
            for _ in range(20):
                await asyncio.sleep(0)
            assert not early.done()
            asked.set()
            assert await early == CONTINUE
            writer.write(LONG)
            return await early, await reader.read()

    _, answer = asyncio.run(run())

    assert answer.endswith(digest_of(LONG))


def test_refusal_before_the_body_is_asked_for_comes_instead_of_continue(tls):
    async def refuse(_: Request) -> Response:
        return Response(403)

    async def run() -> bytes:
        async with connected(refuse, tls) as (reader, writer):
            writer.write(put(3, "Expect: 100-continue"))
            answer = await reader.readuntil(b"\r\n\r\n")
            writer.write(b"abc" + LAST)  # too late: nobody can tell whether this is the body
            writer.close()
            return answer + await reader.read()

    answer = asyncio.run(run())

    assert answer.startswith(b"HTTP/1.1 403 ")
    assert b"Connection: close" in answer
    assert answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("handler", ["refuses", "fails"])
def test_small_rest_of_a_body_is_dropped_and_the_connection_kept(tls, handler):
    async def refuse(request: Request) -> Response:
        if handler == "fails" and request.path != "/last":
            raise RuntimeError("a bug")
        return Response(403 if request.path != "/last" else 200)

    async def run() -> bytes:
        async with connected(refuse, tls) as (reader, writer):
            writer.write(put(SMALL_BODY_BYTES) + b"x" * 10)
            first = await reader.readuntil(b"\r\n\r\n")
            writer.write(b"x" * (SMALL_BODY_BYTES - 10) + LAST)
            return first + await reader.read()

    answers = asyncio.run(run())

    assert b"HTTP/1.1 200 OK" in answers


def test_client_that_sends_much_before_it_reads_gets_to_see_the_refusal(tls):
    async def refuse(_: Request) -> Response:
        return Response(403, b"no")

    async def run() -> bytes:
        async with connected(refuse, tls) as (reader, writer):
            writer.write(put(len(LONG) + 1) + LONG)
            await writer.drain()
            return await reader.readuntil(b"no")

    answer = asyncio.run(run())

    assert answer.startswith(b"HTTP/1.1 403 ")
    assert b"Connection: close" in answer


def test_client_is_not_read_from_beyond_what_the_handler_asks_for():
    async def run() -> int:
        go_on = asyncio.Event()

        async def wait(request: Request) -> Response:
            await anext(request.body)
            await go_on.wait()
            return Response(200)

        listener = HttpListener(wait)
        port = await listener.start("127.0.0.1", 0)
        client = socket.create_connection(("127.0.0.1", port))
        client.setblocking(False)
        client.send(put(1 << 40))
        sent, full = 0, 0
        while full < 200 and sent < 1 << 28:
            try:
                sent += client.send(LONG)
                full = 0
            except BlockingIOError:
                full += 1
            await asyncio.sleep(0.001)
        client.close()
        await listener.stop()
        return sent

    assert asyncio.run(run()) < 1 << 25  # what the kernel keeps of one connection, and the first piece


@pytest.mark.parametrize("sent", [put(100) + b"x" * 99, put(len(LONG)) + LONG[:-1], CHUNKED + b"5\r\nabc", CHUNKED])
def test_body_that_ends_too_soon_is_incomplete_and_the_client_is_told(sent):
    async def run() -> bytes:
        async with connected(digest) as (reader, writer):
            writer.write(sent)
            writer.write_eof()
            return await reader.read()

    answer = asyncio.run(run())

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.endswith(INCOMPLETE_BODY.code.encode())


def test_handler_that_waits_for_a_body_hears_that_the_client_is_gone(tls):
    async def run() -> str:
        heard: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        async def wait(request: Request) -> Response:
            try:
                await request.body.read(1 << 30)
            except ServiceError as error:
                heard.set_result(error.row.code)
            return Response(400)

        async with connected(wait, tls) as (_, writer):
            writer.write(put(len(LONG)) + LONG[:-1])
            await writer.drain()
            writer.transport.abort()
            return await heard

    assert asyncio.run(run()) == INCOMPLETE_BODY.code


@pytest.mark.parametrize("begun", [put(100) + b"x", put(len(LONG)) + LONG[:-1], CHUNKED + b"5\r\nabc"])
def test_client_that_stalls_is_told_so_and_ended(monkeypatch, begun):
    monkeypatch.setattr(http_connection, "BODY_STALL_S", 0.1)
    monkeypatch.setattr(http_connection, "LINGER_S", 0.1)

    async def run() -> bytes:
        async with connected(digest) as (reader, writer):
            writer.write(begun)
            return await reader.read()

    answer = asyncio.run(run())

    assert b"Connection: close" in answer
    assert answer.endswith(REQUEST_TIMEOUT.code.encode())


@pytest.mark.parametrize("begun", [put(len(LONG)), CHUNKED + b"ffffff\r\n"])
def test_client_that_drips_is_ended_like_one_that_stalls(monkeypatch, begun):
    monkeypatch.setattr(http_connection, "BODY_STALL_S", 0.2)
    monkeypatch.setattr(http_connection, "LINGER_S", 0.1)

    async def run() -> bytes:
        async with connected(digest) as (reader, writer):
            writer.write(begun)

            async def drip() -> None:
                while True:
                    writer.write(b"x")
                    await asyncio.sleep(0.01)

            dripping = asyncio.create_task(drip())
            answer = await reader.readuntil(REQUEST_TIMEOUT.code.encode())
            dripping.cancel()
            return answer

    assert asyncio.run(run()).startswith(b"HTTP/1.1 400 ")


def decode(decoder: ChunkDecoder, coded: bytes, step: int) -> None:
    for at in range(0, len(coded), step):
        decoder.decode(coded[at : at + step])


@pytest.mark.parametrize(
    "coded",
    [
        *(b"3\nabc\n0\n\n", b"3\r\nabcd\r\n", b"3\r\nabc0\r\n\r\n", b"3\r\nab\r\n0\r\n\r\n", b"3\r\nabc\n\r0\r\n\r\n"),
        *(b"-1\r\n", b"+3\r\nabc\r\n", b"0x3\r\nabc\r\n", b" 3\r\nabc\r\n", b"3 \r\nabc\r\n", b"g\r\n", b"\r\n\r\n"),
        *(b"ffffffffffffffffffff\r\n", b"3_0\r\n", b"3;x=\x00\r\nabc\r\n", b"3;x=\ny\r\nabc\r\n", b"3;" + b"x" * 5000),
        *(b"0\r\nx\r\n\r\n", b"0\r\nx: y\n\r\n\r\n", b"0\r\n" + b"x: y\r\n" * 21 + b"\r\n", b"0\r\nx: " + b"y" * 5000),
        *(b"0\r\n x: y\r\n\r\n", b"0\r\nx : y\r\n\r\n"),
    ],
)
def test_chunks_gone_wrong_are_refused_at_once_however_they_arrive(coded):
    for size in (len(coded), 1):
        decoder = ChunkDecoder()
        with pytest.raises(ServiceError) as refused:
            decode(decoder, coded, size)

        assert refused.value.row is BROKEN_CHUNKS
        with pytest.raises(ServiceError):
            decoder.decode(b"0\r\n\r\n")


def test_chunks_gone_wrong_end_the_connection_behind_the_answer():
    async def run() -> bytes:
        async with connected(digest) as (reader, writer):
            writer.write(CHUNKED + b"3\r\nabcd\r\n0\r\n\r\n" + LAST)
            return await reader.read()

    answer = asyncio.run(run())

    assert answer.count(b"HTTP/1.1") == 1
    assert answer.endswith(BROKEN_CHUNKS.code.encode())


def test_handler_that_gives_up_in_the_middle_of_a_piece_ends_the_connection(monkeypatch):
    monkeypatch.setattr(http_connection, "LINGER_S", 0.1)

    async def give_up(request: Request) -> Response:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.01):
                await anext(request.body)
        with pytest.raises(ServiceError):
            await anext(request.body)
        return Response(503)

    async def run() -> bytes:
        async with connected(give_up) as (reader, writer):
            writer.write(put(100) + b"x" * 50)
            return await reader.read()

    assert b"Connection: close" in asyncio.run(run())


def test_reset_while_a_refused_body_is_dropped_is_no_bug():
    async def run() -> list[object]:
        bugs: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: bugs.append(context))

        async def refuse(_: Request) -> Response:
            return Response(403)

        async with connected(refuse) as (reader, writer):
            writer.write(put(len(LONG)) + LONG[:-1])
            await reader.readuntil(b"\r\n\r\n")
            connected_socket = writer.transport.get_extra_info("socket")
            connected_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        return bugs

    assert asyncio.run(run()) == []


def test_buffers_are_lent_again_unless_somebody_may_still_look_into_them():
    pool = BufferPool()
    first, second = pool.take(), pool.take()

    pool.give_back(first, reusable=True)
    pool.give_back(second, reusable=False)

    assert pool.take() is first
    assert pool.take() is not second


def test_body_gets_along_with_a_small_buffer_where_all_long_ones_are_lent(monkeypatch):
    pool = BufferPool()
    lent = [pool.take() for _ in range(BUFFERS_MAX)]

    spare = pool.take()
    pool.give_back(spare, reusable=True)

    assert len(spare) == SMALL_BODY_BYTES
    assert len({id(buffer) for buffer in lent}) == BUFFERS_MAX
    assert len(pool.take()) == SMALL_BODY_BYTES
    pool.give_back(lent[0], reusable=True)
    assert pool.take() is lent[0]
    monkeypatch.setattr(http_body, "BUFFERS_MAX", 0)

    async def run() -> bytes:
        async with connected(digest) as (reader, writer):
            writer.write(put(len(LONG), "Connection: close") + LONG)
            return await reader.read()

    assert asyncio.run(run()).endswith(digest_of(LONG))

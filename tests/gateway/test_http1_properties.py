"""The HTTP listener before any bytes: requests are answered, a refusal comes last, and nothing is ever a bug."""

import asyncio
import hashlib
import itertools
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cumulo.core.errors import ServiceError
from cumulo.gateway.http1 import HttpListener, Request, Response
from cumulo.gateway.http_body import ChunkDecoder

LIMIT_S = 5
REFUSALS = {400, 413, 431, 501, 505}

words = st.sampled_from(
    [
        *(b"GET ", b"HEAD ", b"POST ", b"/a", b"*", b"http://h/", b" HTTP/1.1", b" HTTP/1.0", b" HTTP/9.9"),
        *(b"\r\n", b"\r\n\r\n", b"\n", b"\r", b": ", b"\x00", b"\xff", b"0\r\n\r\n", b"3\r\nabc\r\n", b"3;x=y\r\n"),
        *(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", b"POST / HTTP/1.1\r\nHost: h\r\n"),
        *(b"Host: h", b"Content-Length: 0\r\n", b"Content-Length: 9\r\n", b"Content-Length: 99999\r\n"),
        *(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip\r\n", b"Connection: close\r\n"),
        *(b"Connection: upgrade\r\n", b"Upgrade: h2c\r\n", b"Expect: 100-continue\r\n", b"Expect: x\r\n"),
    ]
)
sent_bytes = st.lists(words | st.binary(max_size=12), max_size=25).map(b"".join) | st.binary(max_size=300)
cuts = st.lists(st.integers(0, 1000), max_size=6)


async def read(request: Request) -> Response:
    """Answer with what was understood: method, target, and the body's length and digest."""
    try:
        content = await request.body.read(1 << 20) if request.target != "/unread" else b""
    except ServiceError as error:
        return Response(error.row.http_status)
    found = f"{request.method} {request.target} {len(content)} {hashlib.sha256(content).hexdigest()}"
    return Response(200, found.encode("utf-8", "replace"))


async def talk(pieces: list[bytes], bugs: list[Any]) -> bytes:
    """Send pieces to a listener, end the sending, and return what comes back until it closes."""
    asyncio.get_running_loop().set_exception_handler(lambda _, context: bugs.append(context))
    listener = HttpListener(read)
    port = await listener.start("127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        writer.write_eof()
        async with asyncio.timeout(LIMIT_S):
            return await reader.read()
    except ConnectionError:
        return b""  # refused, and closed before everything was said
    finally:
        writer.close()
        await listener.stop()


def cut_up(sent: bytes, at: list[int]) -> list[bytes]:
    ends = [0, *sorted(cut % (len(sent) + 1) for cut in at), len(sent)]
    return [sent[start:end] for start, end in itertools.pairwise(ends) if start < end]


@given(sent_bytes, cuts)
def test_any_bytes_are_answered_or_refused_and_a_refusal_is_the_last_answer(sent, at):
    bugs: list[Any] = []

    said = asyncio.run(talk(cut_up(sent, at), bugs))

    statuses = [int(part[:3]) for part in said.split(b"HTTP/1.1 ")[1:]]
    finals = [status for status in statuses if status != 100]
    assert set(finals[:-1]) <= {200}
    assert set(finals[-1:]) <= {200} | REFUSALS
    assert bugs == []


@st.composite
def requests(draw: st.DrawFn) -> tuple[bytes, tuple[bytes, bytes, bytes]]:
    """Give a request's bytes, and what is to be understood of them: method, target, body."""
    method = draw(st.sampled_from([b"GET", b"PUT", b"POST", b"DELETE"]))
    target = b"/" + draw(st.sampled_from([b"", b"a/b", b"%00?x=y", b"unread"]))
    seed = draw(st.binary(max_size=40))
    body = seed * draw(st.sampled_from([1, 1, 1, 3000]))
    head = b"%b %b HTTP/1.1\r\nHost: h\r\n" % (method, target)
    if draw(st.booleans()):
        steps = draw(st.lists(st.integers(1, 50_000), min_size=1, max_size=4))
        coded, at = b"", 0
        for step in itertools.cycle(steps):
            if at >= len(body):
                break
            piece = body[at : at + step] if len(body) < 1000 else body[at : at + step + 5000]
            coded += b"%x\r\n%b\r\n" % (len(piece), piece)
            at += len(piece)
        return head + b"Transfer-Encoding: chunked\r\n\r\n" + coded + b"0\r\n\r\n", (method, target, body)
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body, (method, target, body)


@given(st.lists(requests(), min_size=1, max_size=5), st.lists(st.integers(0, 1 << 20), max_size=12))
def test_pipelined_requests_are_understood_the_same_however_they_arrive(sent, at):
    bugs: list[Any] = []
    expected = []
    for wire, (method, target, body) in sent:
        content = body if target != b"/unread" else b""
        expected.append(b"%b %b %d %b" % (method, target, len(content), hashlib.sha256(content).hexdigest().encode()))
        if target == b"/unread" and (len(body) > 1 << 16 or b"chunked" in wire[:200]):
            break  # refused with the connection, or not: it depends on how much was there

    said = asyncio.run(talk(cut_up(b"".join(wire for wire, _ in sent), at), bugs))

    answers = [part.partition(b"\r\n\r\n")[2] for part in said.split(b"HTTP/1.1 ")[1:]]
    assert answers[: len(expected)] == expected
    assert bugs == []


@given(st.binary(max_size=200) | st.lists(words, max_size=12).map(b"".join), st.integers(1, 20))
def test_chunks_mean_the_same_however_they_arrive(coded, step):
    def decode(size: int) -> tuple[bytes, bytes] | None:
        decoder, content = ChunkDecoder(), b""
        try:
            for at in range(0, len(coded), size):
                piece, rest = decoder.decode(coded[at : at + size])
                content += piece
                if decoder.ended:
                    return content, rest + coded[at + size :]
        except ServiceError:
            return None
        return content, b"unfinished"

    assert decode(step) == decode(len(coded) or 1)

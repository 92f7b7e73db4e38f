"""The HTTP listener before any bytes: requests are answered, a refusal comes last, and nothing is ever a bug."""

import asyncio
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cumulo.gateway.http1 import HttpListener, Request, Response

LIMIT_S = 5
REFUSALS = {400, 413, 431}

words = st.sampled_from(
    [
        *(b"GET ", b"HEAD ", b"POST ", b"/a", b"*", b"http://h/", b" HTTP/1.1", b" HTTP/1.0", b" HTTP/9.9"),
        *(
            b"\r\n",
            b"\r\n\r\n",
            b"\n",
            b"\r",
            b": ",
            b"\x00",
            b"\xff",
            b"0\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: h\r\n\r\n",
        ),
        *(b"Host: h", b"Content-Length: 0", b"Content-Length: 9", b"Transfer-Encoding: chunked"),
        *(b"Connection: close", b"Connection: upgrade", b"Upgrade: h2c", b"Expect: 100-continue"),
    ]
)
sent_bytes = st.lists(words | st.binary(max_size=12), max_size=25).map(b"".join) | st.binary(max_size=300)


async def answer(request: Request) -> Response:
    return Response(200, request.target.encode("utf-8", "replace"))


async def talk(pieces: list[bytes], bugs: list[Any]) -> bytes:
    """Send pieces to a listener, end the sending, and return what comes back until it closes."""
    asyncio.get_running_loop().set_exception_handler(lambda _, context: bugs.append(context))
    listener = HttpListener(answer)
    port = await listener.start("127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(0)
        writer.write_eof()
        async with asyncio.timeout(LIMIT_S):
            return await reader.read()
    except ConnectionError:
        return b""  # refused, and closed before everything was said
    finally:
        writer.close()
        await listener.stop()


@given(sent_bytes, st.integers(0, 300))
def test_any_bytes_are_answered_or_refused_and_a_refusal_is_the_last_answer(sent, cut):
    bugs: list[Any] = []

    said = asyncio.run(talk([sent[:cut], sent[cut:]], bugs))

    statuses = [int(part[:3]) for part in said.split(b"HTTP/1.1 ")[1:]]
    assert set(statuses[:-1]) <= {200}
    assert set(statuses[-1:]) <= {200} | REFUSALS
    assert bugs == []

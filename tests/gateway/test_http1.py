"""The HTTP listener: strict heads, one answer per request, in order, and an end for whoever is slow."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest

from cumulo.gateway import http1
from cumulo.gateway.http1 import HEAD_BYTES_MAX, HEADER_LINES_MAX, HttpListener, Request, Response

LIMIT_S = 5


async def echo(request: Request) -> Response:
    if request.path == "/bug":
        raise RuntimeError("a bug")
    await asyncio.sleep(0)
    return Response(200, f"{request.method} {request.target}".encode())


def talk(sent: bytes, *, handler: Callable[[Request], Awaitable[Response]] = echo, end: bool = True) -> bytes:
    """Send bytes to a listener and return all that it answers until it closes the connection."""

    async def run() -> bytes:
        listener = HttpListener(handler)
        port = await listener.start("127.0.0.1", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(sent)
            if end:
                writer.write_eof()
            async with asyncio.timeout(LIMIT_S):
                return await reader.read()
        finally:
            writer.close()
            await listener.stop()

    return asyncio.run(run())


def statuses(answers: bytes) -> list[int]:
    return [int(part[:3]) for part in answers.split(b"HTTP/1.1 ")[1:]]


def get(path: str, *lines: str) -> bytes:
    return "\r\n".join((f"GET {path} HTTP/1.1", "Host: h", *lines, "", "")).encode()


LAST = get("/last", "Connection: close")


def test_request_is_answered_with_its_target():
    answers = talk(get("/a?b=c", "Connection: close"))

    assert answers.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answers.endswith(b"\r\n\r\nGET /a?b=c")


def test_head_request_gets_a_head_only():
    answers = talk(b"HEAD /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")

    assert b"content-length: 7\r\n" in answers
    assert answers.endswith(b"\r\n\r\n")


def test_pipelined_requests_are_answered_in_order_and_the_last_one_ends_the_connection():
    answers = talk(get("/1") + get("/2") + LAST + get("/never"), end=False)

    assert [line for line in (b"GET /1", b"GET /2", b"GET /last", b"GET /never") if line in answers] == [
        b"GET /1",
        b"GET /2",
        b"GET /last",
    ]
    assert answers.index(b"GET /1") < answers.index(b"GET /2") < answers.index(b"GET /last")


def test_refusal_comes_behind_the_answers_of_the_requests_before_it():
    answers = talk(get("/1") + b"GARBAGE\r\n\r\n" + get("/3"), end=False)

    assert statuses(answers) == [200, 400]


def test_bug_of_a_handler_is_answered_and_the_connection_goes_on():
    assert statuses(talk(get("/bug") + LAST, end=False)) == [500, 200]


@pytest.mark.parametrize(
    ("sent", "status", "says"),
    [
        (get("/", "Content-Length: 0", "Transfer-Encoding: chunked"), 400, b""),
        (get("/", "Transfer-Encoding: chunked", "Content-Length: 3"), 400, b""),
        (get("/", "Host: other"), 400, b"given twice"),
        (b"GET / HTTP/1.1\r\n\r\n", 400, b"host is missing"),
        (b"GET / HTTP/1.1\r\nHost : h\r\n\r\n", 400, b""),
        (b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03", 400, b""),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, b""),
        (get("/", *(f"x-{number}: y" for number in range(HEADER_LINES_MAX))), 431, b"header lines"),
        (get("/", "x: " + "y" * HEAD_BYTES_MAX), 431, b"longer than"),
        (b"GET /" + b"y" * HEAD_BYTES_MAX, 431, b"longer than"),
    ],
)
def test_what_is_refused_is_said_once_and_ends_the_connection(sent, status, says):
    answers = talk(sent, end=False)

    assert statuses(answers) == [status]
    assert says in answers


def test_upgrade_that_is_not_offered_is_ignored_and_ends_the_connection():
    answers = talk(get("/1", "Upgrade: websocket", "Connection: Upgrade") + get("/2"), end=False)

    assert statuses(answers) == [200]
    assert b"connection: close" in answers


def test_too_many_pipelined_requests_are_refused():
    answered = statuses(talk(get("/") * 3 * HEADER_LINES_MAX, end=False))

    assert answered[-1] == 400
    assert set(answered[:-1]) == {200}


def test_connection_without_a_head_is_ended(monkeypatch):
    monkeypatch.setattr(http1, "HEAD_TIMEOUT_S", 0.05)

    assert talk(b"GET / HT", end=False) == b""


def test_head_of_a_later_request_has_no_more_time_than_the_first(monkeypatch):
    monkeypatch.setattr(http1, "HEAD_TIMEOUT_S", 0.05)

    answers = talk(get("/1") + b"GET /2 HT", end=False)

    assert statuses(answers) == [200]


def test_idle_connection_is_ended(monkeypatch):
    monkeypatch.setattr(http1, "IDLE_TIMEOUT_S", 0.05)

    assert statuses(talk(get("/1"), end=False)) == [200]


def test_connection_of_a_handler_that_hangs_is_ended(monkeypatch):
    monkeypatch.setattr(http1, "ANSWER_TIMEOUT_S", 0.05)

    async def hang(_: Request) -> Response:
        await asyncio.Event().wait()
        raise AssertionError

    assert talk(get("/1"), handler=hang, end=False) == b""


def test_connections_beyond_the_limit_are_ended_at_once(monkeypatch):
    monkeypatch.setattr(http1, "CONNECTIONS_MAX", 0)

    with contextlib.suppress(ConnectionError):
        assert talk(LAST, end=False) == b""

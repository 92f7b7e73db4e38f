"""The HTTP listener: strict heads, one answer per request, in order, and an end for whoever is slow."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable

import pytest

from cumulo.gateway import http_connection
from cumulo.gateway.http1 import HttpListener, Request, Response
from cumulo.gateway.http_head import HEAD_BYTES_MAX, HEADER_LINES_MAX

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

    assert b"Content-Length: 7\r\n" in answers
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
        (get("/", "Host: other"), 400, b"given twice"),
        (b"GET / HTTP/1.1\r\n\r\n", 400, b"host is missing"),
        (b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03", 400, b""),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, b""),
        (b"GET / HTTP/1.1\nHost: h\n\n", 400, b"CR LF"),
        (get("/", *(f"x-{number}: y" for number in range(HEADER_LINES_MAX))), 431, b"header lines"),
        (get("/", "x: " + "y" * HEAD_BYTES_MAX), 431, b"longer than"),
        (b"GET /" + b"y" * HEAD_BYTES_MAX, 431, b"longer than"),
    ],
)
def test_what_is_refused_is_said_once_and_ends_the_connection(sent, status, says):
    answers = talk(sent, end=False)

    assert statuses(answers) == [status]
    assert says in answers


def test_upgrade_that_is_not_offered_is_ignored():
    upgrade = get("/1", "Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "Content-Length: 3") + b"abc"

    assert statuses(talk(upgrade + LAST, end=False)) == [200, 200]


def test_many_pipelined_requests_are_all_answered():
    assert statuses(talk(get("/") * 3000 + LAST, end=False)) == [200] * 3001


def test_empty_line_before_a_head_is_passed_over():
    assert statuses(talk(b"\r\n" + get("/1") + b"\r\n" + LAST, end=False)) == [200, 200]


def test_http_1_0_is_answered_and_closed_or_kept_as_it_asks():
    kept = talk(b"GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /2 HTTP/1.0\r\n\r\n", end=False)

    assert statuses(kept) == [200, 200]
    assert kept.count(b"Connection: keep-alive\r\n") == 1
    assert kept.count(b"Connection: close\r\n") == 1


def test_half_closing_client_is_answered():
    assert statuses(talk(get("/1") + get("/2"))) == [200, 200]


def test_answer_has_a_date_and_no_server():
    answers = talk(LAST)

    assert b"\r\nDate: " in answers
    assert b"\r\nserver:" not in answers


def test_handler_sees_every_header_line_and_each_name_once():
    seen = []

    async def look(request: Request) -> Response:
        seen.append(request)
        return Response(200)

    talk(get("/p%2Fq?a=b?c", "X-A: 1", "x-a:  2 \t ", "Connection: close"), handler=look)

    (request,) = seen
    assert request.header_lines == (("host", "h"), ("x-a", "1"), ("x-a", "2"), ("connection", "close"))
    assert request.headers == {"host": "h", "x-a": "1,2", "connection": "close"}
    assert (request.path, request.query) == ("/p%2Fq", "a=b?c")
    assert (request.peer, request.secure) == ("127.0.0.1", False)


def test_connection_without_a_head_is_ended(monkeypatch):
    monkeypatch.setattr(http_connection, "HEAD_TIMEOUT_S", 0.05)

    assert talk(b"GET / HT", end=False) == b""


def test_head_of_a_later_request_has_no_more_time_than_the_first(monkeypatch):
    monkeypatch.setattr(http_connection, "HEAD_TIMEOUT_S", 0.05)

    answers = talk(get("/1") + b"GET /2 HT", end=False)

    assert statuses(answers) == [200]


def test_idle_connection_is_ended(monkeypatch):
    monkeypatch.setattr(http_connection, "IDLE_TIMEOUT_S", 0.05)

    assert statuses(talk(get("/1"), end=False)) == [200]


def test_handler_may_think_for_longer_than_any_timer(monkeypatch):
    for name in ("HEAD_TIMEOUT_S", "IDLE_TIMEOUT_S", "BODY_STALL_S", "ANSWER_STALL_S", "LINGER_S"):
        monkeypatch.setattr(http_connection, name, 0.02)

    async def think(_: Request) -> Response:
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        loop.call_later(0.2, done.set_result, None)
        await done
        return Response(200)

    assert statuses(talk(get("/1"), handler=think, end=False)) == [200]


def test_handler_is_cancelled_when_its_client_is_gone():
    async def run() -> bool:
        begun, cancelled = asyncio.Event(), asyncio.Event()

        async def hang(_: Request) -> Response:
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.set()
            raise AssertionError

        listener = HttpListener(hang)
        port = await listener.start("127.0.0.1", 0)
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(get("/1"))
        async with asyncio.timeout(LIMIT_S):
            await begun.wait()
            writer.transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0" + b"\0" * 4
            )
            writer.transport.abort()
            await cancelled.wait()
        await listener.stop()
        return cancelled.is_set()

    assert asyncio.run(run())


@pytest.mark.parametrize("ended", ["before", "after"])
def test_handler_that_waits_for_others_is_cancelled_when_its_client_ends_its_side(ended):
    async def run() -> bytes:
        begun, parks, cancelled = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def wait(request: Request) -> Response:
            begun.set()
            await parks.wait()
            request.park()
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.set()
            raise AssertionError

        listener = HttpListener(wait)
        port = await listener.start("127.0.0.1", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(get("/1"))
        async with asyncio.timeout(LIMIT_S):
            await begun.wait()
            if ended == "before":
                writer.write_eof()
                await asyncio.sleep(0)
            parks.set()
            if ended == "after":
                await asyncio.sleep(0)
                writer.write_eof()
            await cancelled.wait()
            answer = await reader.read()
        writer.close()
        await listener.stop()
        return answer

    assert asyncio.run(run()) == b""


def test_handler_that_waited_answers_the_whole_of_it_to_a_client_that_then_ends_its_side():
    async def wait(request: Request) -> Response:
        request.park()
        await asyncio.sleep(0)
        return Response(200, b"x" * 1_000_000)

    async def run() -> bytes:
        listener = HttpListener(wait)
        port = await listener.start("127.0.0.1", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(get("/1"))
        async with asyncio.timeout(LIMIT_S):
            head = await reader.readuntil(b"\r\n\r\n")
            writer.write_eof()
            body = await reader.read()
        writer.close()
        await listener.stop()
        return head + body

    assert asyncio.run(run()).endswith(b"\r\n\r\n" + b"x" * 1_000_000)


def test_handler_that_is_cancelled_from_within_is_a_bug_that_is_answered():
    async def cancel(_: Request) -> Response:
        raise asyncio.CancelledError

    assert statuses(talk(get("/1") + LAST, handler=cancel, end=False)) == [500, 500]


def test_stop_lets_the_request_under_way_end_and_closes_its_connection():
    async def run() -> bytes:
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def wait(_: Request) -> Response:
            begun.set()
            await go_on.wait()
            return Response(200, b"done")

        listener = HttpListener(wait)
        port = await listener.start("127.0.0.1", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        idle, idle_writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(get("/1"))
        async with asyncio.timeout(LIMIT_S):
            await begun.wait()
            stopping = asyncio.create_task(listener.stop(LIMIT_S))
            assert await idle.read() == b""
            go_on.set()
            answer = await reader.read()
            await stopping
        writer.close()
        idle_writer.close()
        return answer

    answer = asyncio.run(run())

    assert b"Connection: close" in answer
    assert answer.endswith(b"done")


def test_connections_beyond_the_limit_are_ended_at_once(monkeypatch):
    monkeypatch.setattr(http_connection, "CONNECTIONS_MAX", 0)

    with contextlib.suppress(ConnectionError):
        assert talk(LAST, end=False) == b""

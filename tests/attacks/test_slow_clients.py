"""Clients that take their time with a head, a body or an answer end within the stated times; nobody waits for them."""

import time

import pytest

from tests.attacks.attacker import UNSIGNED, answers_in, received, request

pytestmark = [pytest.mark.long, pytest.mark.timeout(180), pytest.mark.usefixtures("unchanged")]
SLACK_S = 8


def ended_after(connection, drip=b"", every_s=0.5):
    """Return what came until the server ended the connection, and how long that took."""
    started = time.monotonic()
    connection.settimeout(every_s)
    content = b""
    while True:
        try:
            piece = connection.recv(1 << 16)
            if not piece:
                return content, time.monotonic() - started
            content += piece
        except TimeoutError:
            if drip:
                try:
                    connection.sendall(drip)
                except ConnectionError:
                    return content, time.monotonic() - started
        except ConnectionError:
            return content, time.monotonic() - started


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nhost: x\r\nx-a: "])
def test_head_that_drips_is_given_up_after_ten_seconds(root, begun):
    with root.connect() as connection:
        connection.sendall(begun)

        _, took_s = ended_after(connection, b"a" if begun.endswith(b" ") else b"")

    assert 8 < took_s < 10 + SLACK_S


@pytest.mark.parametrize("drip", [b"", b"a"], ids=["silent", "drips"])
@pytest.mark.parametrize("who", ["S3", "SQS", "nobody"])
def test_body_that_drips_is_given_up_after_half_a_minute(root, who, drip):
    if who == "S3":
        lines = root.sign("PUT", "/kept/forged", payload=UNSIGNED)
        head = request("PUT", "/kept/forged", [*lines, ("content-length", "100000")])
    elif who == "SQS":
        lines = root.sign("POST", "/", {"x-amz-target": "AmazonSQS.SendMessage"}, service="sqs")
        head = request("POST", "/", [*lines, ("content-length", "100000")])
    else:
        lines = [("host", root.place), ("x-amz-target", "AmazonSQS.SendMessage"), ("content-length", "100000")]
        head = request("POST", "/", lines)
    with root.connect() as connection:
        connection.sendall(head)

        content, took_s = ended_after(connection, drip)

    assert 25 < took_s < 30 + 10 + SLACK_S
    assert [answer.code for answer in answers_in(content)] in (["RequestTimeout"], ["RequestTimeoutException"])


def test_many_slow_clients_keep_nobody_waiting(root):
    slow = [root.connect() for _ in range(300)]
    try:
        for number, connection in enumerate(slow):
            connection.sendall(b"GET / HTTP/1.1\r\nhost:" if number % 2 else b"")
        for _ in range(20):
            started = time.monotonic()
            assert root.ask("GET", "/kept/object").status == 200
            assert time.monotonic() - started < 2
    finally:
        for connection in slow:
            connection.close()


def test_client_that_reads_nothing_is_given_up(root):
    body = b"a" * (8 * 1024 * 1024)
    assert root.ask("PUT", "/kept/long", body=body).status == 200
    try:
        with root.connect() as connection:
            connection.sendall(request("GET", "/kept/long", root.sign("GET", "/kept/long")))
            time.sleep(70)
            connection.settimeout(5)
            assert len(received(connection)) < len(body)
    finally:
        assert root.ask("DELETE", "/kept/long").status == 204

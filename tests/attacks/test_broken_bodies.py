"""Bodies that break off, never come or are longer than they say: nothing becomes visible, and nothing is left behind.

The server of these tests is stopped and started again at the end: the sweep removes what uploads left, and the check of
the data finds nothing wrong.
"""

import contextlib
import socket
import time
from pathlib import Path

import pytest

from cumulo.testing import Server
from tests.attacks.attacker import UNSIGNED, Attacker, answers_in, received, request
from tests.attacks.test_altered_bodies import Chunks

SIZE = 3 * 1024 * 1024
LIMIT_S = 20
BIG = b"a" * SIZE


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return tmp_path_factory.mktemp("broken") / "data"


@pytest.fixture(scope="module")
def server(data):
    with Server(data) as server:
        yield server
        server.stop()
        server.start()
        deadline = time.monotonic() + LIMIT_S
        while blobs := list((data / "blobs").glob("*/*/*")):
            assert time.monotonic() < deadline, f"{blobs} were left behind"
            time.sleep(0.02)
        with server.client() as client:
            token = client.iam.issue_token().token
        answer = Attacker(server).send("POST", "/_cumulo/check", [("authorization", f"Bearer {token}")])
        assert answer.body == b'{"problems": []}'


@pytest.fixture(scope="module")
def root(server):
    owner = Attacker(server)
    assert owner.ask("PUT", "/broken").status == 200
    return owner


@pytest.fixture(scope="module")
def upload(root):
    begun = root.ask("POST", "/broken/object?uploads").body.decode()
    upload_id = begun.partition("<UploadId>")[2].partition("<")[0]
    yield upload_id
    assert b"<Part>" not in root.ask("GET", f"/broken/object?uploadId={upload_id}").body
    assert root.ask("DELETE", f"/broken/object?uploadId={upload_id}").status == 204


@pytest.fixture(params=["object", "part"])
def target(request, root, upload):
    yield "/broken/object" + (f"?partNumber=1&uploadId={upload}" if request.param == "part" else "")
    assert root.ask("GET", "/broken/object").refusal == (404, "NoSuchKey")
    assert b"<Key>" not in root.ask("GET", "/broken?list-type=2").body


def broken_off(who, head, sent, end):
    """Send the beginning of a body, end, and return the answers, if the server could still say anything."""
    with who.connect() as connection:
        connection.sendall(head + sent)
        if end == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            return []
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_WR)
        return answers_in(received(connection)) if end == "half closed" else []


@pytest.mark.parametrize("end", ["half closed", "closed", "reset"])
@pytest.mark.parametrize("sent", [0, 1, 70_000, SIZE // 2, SIZE - 1])
@pytest.mark.parametrize("payload", ["", UNSIGNED], ids=["signed", "unsigned"])
def test_body_that_breaks_off_is_not_stored(root, target, payload, sent, end):
    lines = root.sign("PUT", target, body=BIG, payload=payload)
    head = request("PUT", target, [*lines, ("content-length", str(SIZE))])

    answers = broken_off(root, head, BIG[:sent], end)

    if end == "half closed":
        assert [answer.refusal for answer in answers] == [(400, "IncompleteBody")]


@pytest.mark.parametrize("end", ["half closed", "closed", "reset"])
@pytest.mark.parametrize("cut", [1, 3, 10, 70_000])
@pytest.mark.parametrize("trailer", [False, True], ids=["no trailer", "trailer"])
def test_signed_chunks_that_break_off_are_not_stored(root, target, trailer, cut, end):
    chunks = Chunks(root, target, trailer=trailer)
    body = b"".join(chunks.chunks) + chunks.trailer
    head = request("PUT", target, [*chunks.lines, ("content-length", str(len(body)))])

    answers = broken_off(root, head, body[:-cut], end)

    if end == "half closed":
        assert [answer.refusal for answer in answers] == [(400, "IncompleteBody")]


@pytest.mark.parametrize("end", ["half closed", "closed", "reset"])
@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"5",
        b"5\r\n",
        b"5\r\nab",
        b"5\r\nabcde",
        b"5\r\nabcde\r\n",
        b"5\r\nabcde\r\n0\r\n",
        b"11170\r\n" + BIG[:70_000],
    ],
)
def test_transfer_in_chunks_that_breaks_off_is_not_stored(root, target, sent, end):
    lines = root.sign("PUT", target, payload=UNSIGNED, headers={"x-amz-decoded-content-length": "5"})
    head = request("PUT", target, [*lines, ("transfer-encoding", "chunked")])

    answers = broken_off(root, head, sent, end)

    assert all(answer.status in (400, 411) for answer in answers)


@pytest.mark.parametrize("end", ["half closed", "closed", "reset"])
def test_form_that_breaks_off_is_not_stored(root, end):
    body = b'--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nform\r\n--b\r\n'
    body += b'Content-Disposition: form-data; name="file"; filename="f"\r\n\r\n' + BIG
    lines = [("host", root.place), ("content-type", "multipart/form-data; boundary=b")]

    broken_off(root, request("POST", "/broken", [*lines, ("content-length", str(SIZE * 2))]), body, end)

    assert root.ask("GET", "/broken/form").refusal == (404, "NoSuchKey")


def test_what_comes_behind_a_body_is_the_next_request(root):
    lines = root.sign("PUT", "/broken/longer", body=b"abc")
    answers = root.exchange(request("PUT", "/broken/longer", [*lines, ("content-length", "3")], b"abcdef"))

    assert [answer.status for answer in answers] == [200, 400]
    assert root.ask("GET", "/broken/longer").body == b"abc"
    assert root.ask("DELETE", "/broken/longer").status == 204


@pytest.mark.parametrize("length", ["", "abc", "-1", "+5", "1e3", "9" * 30, "5,5", "0x5", "5 "])
def test_length_that_is_none_is_refused(root, target, length):
    lines = [*root.sign("PUT", target, body=b"hello"), ("content-length", length)]

    answers = root.exchange(request("PUT", target, lines, b"hello" if length != "5 " else b""))

    assert answers[0].status == 400


def test_upload_needs_a_length(root, target):
    lines = [*root.sign("PUT", target, payload=UNSIGNED), ("transfer-encoding", "chunked")]

    assert root.send("PUT", target, lines, b"5\r\nhello\r\n0\r\n\r\n").refusal == (501, "NotImplemented")


def test_more_than_an_upload_may_have_is_refused_before_it_is_sent(root, target):
    lines = root.sign("PUT", target, payload=UNSIGNED)
    head = request("PUT", target, [*lines, ("content-length", str(6 * 1024**4)), ("expect", "100-continue")])

    answers = root.exchange(head)

    assert [answer.refusal for answer in answers] == [(400, "EntityTooLarge")]


@pytest.mark.parametrize("secret", ["guessed", ""])
def test_refused_upload_is_not_asked_for(root, secret):
    """`100 Continue` is said to those alone who may go on: the others' bodies are not even read."""
    target = "/broken/object" if secret else "/nowhere/object"
    lines = root.sign("PUT", target, payload=UNSIGNED, secret=secret)
    head = request("PUT", target, [*lines, ("content-length", str(SIZE)), ("expect", "100-continue")])
    with root.connect() as connection:
        connection.sendall(head)
        connection.settimeout(LIMIT_S)
        said = received(connection)

    assert b"100 Continue" not in said
    assert answers_in(said)[0].status == (403 if secret else 404)


@pytest.mark.parametrize("service", ["sqs", "iam"])
def test_call_whose_body_breaks_off_is_not_made(root, service):
    body = b"Action=CreateQueue&Version=2012-11-05&QueueName=broken&Other=" + b"a" * 200_000
    if service == "iam":
        body = b"Action=CreateUser&Version=2010-05-08&UserName=broken&Other=" + b"a" * 200_000
    kind = {"content-type": "application/x-www-form-urlencoded"}
    lines = root.sign("POST", "/", kind, body, service=service)

    answers = broken_off(
        root, request("POST", "/", [*lines, ("content-length", str(len(body)))]), body[:-1], "half closed"
    )

    assert [answer.status for answer in answers] == [400]
    assert b"broken" not in root.call("sqs", "ListQueues").body
    assert b"broken" not in root.call("iam", "ListUsers").body


def test_short_calls_are_served_while_long_bodies_fill_the_memory(root, server):
    """Whoever signs nothing that holds may send much; it is bounded, and leaves room for everybody's short calls."""
    head = request(
        "POST",
        "/",
        root.sign("POST", "/", {"x-amz-target": "AmazonSQS.SendMessage", "content-length": "16777216"}, service="sqs"),
    )
    before = memory_mib(server.pid)
    connections = [root.connect() for _ in range(24)]
    try:
        for connection in connections:
            connection.setblocking(False)
            sent = head + b"a" * (8 * 1024 * 1024)
            _send_some(connection, sent)
        assert root.call("sqs", "ListQueues").status == 200
        assert memory_mib(server.pid) - before < 400
    finally:
        for connection in connections:
            connection.close()
    assert root.ask("PUT", "/broken?tagging", {}, b"<a>" + b"b" * 100_000).status == 400


def _send_some(connection, sent):
    deadline = time.monotonic() + 0.3
    at = 0
    while at < len(sent) and time.monotonic() < deadline:
        try:
            at += connection.send(sent[at : at + 1_048_576])
        except BlockingIOError:
            time.sleep(0.005)
        except ConnectionError:
            return


def memory_mib(pid):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmRSS"))

"""One answer per request, in order, whatever is sent: pipelines of good and bad requests, and smuggling.

A connection either serves the next request or is closed; it never takes a part of one request for another.
"""

import random
import re
import urllib.parse

import pytest

from tests.attacks.attacker import UNSIGNED, request
from tests.attacks.calls import CALLS, QUEUE_PATH

pytestmark = pytest.mark.usefixtures("unchanged")
HIDDEN = "DELETE /kept/object HTTP/1.1\r\nhost: {place}\r\n\r\n"
"""What a smuggler hides; unsigned, so that it would be refused and counted as an answer too many."""


def requests(root):
    """Return requests that end differently, each with method, bytes and the status of its answer."""
    page = lambda path, method="GET": request(method, path, [("host", root.place)])  # noqa: E731
    signed = root.sign("GET", "/kept/object")
    call = CALLS["SQS in JSON"]
    big = b"x" * 100_000
    return [
        ("GET", request("GET", "/kept/object", signed), 200),
        ("GET", page("/_cumulo/health/live"), 200),
        ("HEAD", request("HEAD", "/kept/object", root.sign("HEAD", "/kept/object")), 200),
        ("HEAD", page("/kept/object", "HEAD"), 403),
        ("GET", page("/kept/object"), 403),
        ("GET", request("GET", "/kept/nothing", root.sign("GET", "/kept/nothing")), 404),
        ("GET", request("GET", "/kept/object", root.sign("GET", "/kept/object", secret="guessed")), 403),
        ("GET", page("/kept/%"), 400),
        ("POST", request("POST", "/", root.sign("POST", "/", service="sqs"), b""), 404),
        ("POST", request("POST", "/", call.signed(root, secret="guessed"), call.body), 403),
        ("POST", request("POST", "/", call.signed(root), call.body.replace(b"forged", b"falsed")), 403),
        ("PUT", request("PUT", "/kept/new", root.sign("PUT", "/kept/new", body=b"a"), b"b"), 400),
        ("PUT", request("PUT", "/kept/new", root.sign("PUT", "/kept/new", body=big), big[:-1] + b"y"), 400),
        ("PUT", request("PUT", "/kept/new", root.sign("PUT", "/kept/new", secret="guessed", body=b"abc"), b"abc"), 403),
        ("PUT", request("PUT", "/nowhere/x", root.sign("PUT", "/nowhere/x", body=b"GET /"), b"GET /"), 404),
        ("GET", request("GET", "/kept/object", root.sign("GET", "/kept/object", body=b"junk"), b"junk"), 200),
        ("GET", request("GET", "/kept/object", root.sign("GET", "/kept/object", body=b"junk"), b"more"), 400),
        ("DELETE", request("DELETE", "/kept/none", root.sign("DELETE", "/kept/none")), 204),
        ("GET", request("GET", "/kept/object", root.sign("GET", "/kept/object", {"range": "bytes=99-"})), 416),
        (
            "GET",
            request("GET", "/kept/object", root.sign("GET", "/kept/object", {"if-none-match": "*"})),
            304,
        ),
        ("POST", request("POST", "/kept?delete", root.sign("POST", "/kept?delete", body=b"<a"), b"<a"), 400),
        ("OPTIONS", page("/kept", "OPTIONS"), None),
        ("PATCH", page("/kept/object", "PATCH"), None),
        ("BREW", page("/kept/object", "PROPFIND"), None),
        (
            "PUT",
            request(
                "PUT",
                "/kept/new",
                [*root.sign("PUT", "/kept/new", payload=UNSIGNED, secret="guessed"), ("transfer-encoding", "chunked")],
                b"5\r\nhello\r\n0\r\n\r\n",
            ),
            403,
        ),
        ("GET", page(f"{QUEUE_PATH}?Action=SendMessage&Version=2012-11-05&MessageBody=forged"), 403),
    ]


@pytest.mark.parametrize("seed", range(12))
def test_pipeline_of_good_and_bad_requests_is_answered_in_order(root, seed):
    chosen = random.Random(seed).choices(requests(root), k=60)

    answers = root.exchange(b"".join(sent for _, sent, _ in chosen), *[method for method, _, _ in chosen])

    assert len(answers) == len(chosen)
    for (method, sent, status), answer in zip(chosen, answers, strict=True):
        assert status is None or answer.status == status, (method, sent[:300], answer)
        assert answer.status < 500 or answer.status == 501


def test_every_request_of_the_mix_leaves_the_connection_usable(root):
    last = request("GET", "/_cumulo/health/live", [("host", root.place)])
    for method, sent, _ in requests(root):
        answers = root.exchange(sent + last, method, "GET")
        assert len(answers) == 2, sent[:200]
        assert answers[1].body == b"ok\n"


SMUGGLED = {
    "both lengths": "content-length: {size}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{hidden}",
    "both lengths, the other way": "transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n{hidden}",
    "two lengths": "content-length: 0\r\ncontent-length: {size}\r\n\r\n{hidden}",
    "two equal lengths": "content-length: 0\r\ncontent-length: 0\r\n\r\n{hidden}",
    "list of lengths": "content-length: 0, {size}\r\n\r\n{hidden}",
    "signed length": "content-length: +0\r\n\r\n{hidden}",
    "negative length": "content-length: -1\r\n\r\n{hidden}",
    "hexadecimal length": "content-length: 0x0\r\n\r\n{hidden}",
    "length with a blank": "content-length: 0 0\r\n\r\n{hidden}",
    "length with an underscore": "content-length: 0_0\r\n\r\n{hidden}",
    "length in other digits": "content-length: \u0660\r\n\r\n{hidden}",
    "blank before the colon": "content-length : 0\r\n\r\n{hidden}",
    "blank before the colon of a coding": "transfer-encoding : chunked\r\n\r\n0\r\n\r\n{hidden}",
    "folded line": "x: y\r\n content-length: 0\r\n\r\n{hidden}",
    "folded coding": "transfer-encoding:\r\n chunked\r\n\r\n0\r\n\r\n{hidden}",
    "tab before the coding": "transfer-encoding:\tchunked\r\ncontent-length: 0\r\n\r\n0\r\n\r\n{hidden}",
    "coding in another case": "transfer-encoding: Chunked\r\n\r\n0\r\n\r\n{hidden}",
    "identity": "transfer-encoding: identity\r\ncontent-length: 0\r\n\r\n{hidden}",
    "two codings": "transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n{hidden}",
    "chunked twice": "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{hidden}",
    "chunked and identity": "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n{hidden}",
    "coding with a vertical tab": "transfer-encoding: \x0bchunked\r\n\r\n0\r\n\r\n{hidden}",
    "coding in quotes": 'transfer-encoding: "chunked"\r\n\r\n0\r\n\r\n{hidden}',
    "header without a name": ": x\r\ncontent-length: 0\r\n\r\n{hidden}",
    "header without a colon": "content-length\r\n\r\n{hidden}",
    "NUL in a name": "content\x00-length: 0\r\n\r\n{hidden}",
    "NUL in a value": "x: a\x00b\r\n\r\n{hidden}",
    "bare line feed": "x: y\ncontent-length: 0\r\n\r\n{hidden}",
    "bare carriage return": "x: y\rcontent-length: 0\r\n\r\n{hidden}",
    "line feeds at the end": "content-length: 0\n\n{hidden}",
    "second host": "host: evil\r\ncontent-length: 0\r\n\r\n{hidden}",
    "obsolete version": "content-length: 0\r\n\r\nGET / HTTP/0.9\r\n\r\n{hidden}",
    "chunk size with a sign": "transfer-encoding: chunked\r\n\r\n+0\r\n\r\n{hidden}",
    "chunk size with a prefix": "transfer-encoding: chunked\r\n\r\n0x0\r\n\r\n{hidden}",
    "chunk size too large": "transfer-encoding: chunked\r\n\r\nffffffffffffffff0\r\n\r\n{hidden}",
    "chunk size overflows": "transfer-encoding: chunked\r\n\r\n10000000000000000\r\n\r\n{hidden}",
    "chunk size in blanks": "transfer-encoding: chunked\r\n\r\n 0\r\n\r\n{hidden}",
    "chunk ends with a line feed": "transfer-encoding: chunked\r\n\r\n0\n\n{hidden}",
    "chunk data longer": "transfer-encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n{hidden}",
    "chunk data shorter": "transfer-encoding: chunked\r\n\r\n5\r\nabc\r\n0\r\n\r\n{hidden}",
    "line feed in an extension": "transfer-encoding: chunked\r\n\r\n0;a\nb\r\n\r\n{hidden}",
    "NUL in an extension": "transfer-encoding: chunked\r\n\r\n0;\x00\r\n\r\n{hidden}",
    "long extension": "transfer-encoding: chunked\r\n\r\n0;{long}\r\n\r\n{hidden}",
    "length in the trailer": "transfer-encoding: chunked\r\n\r\n0\r\ncontent-length: {size}\r\n\r\n{hidden}",
    "trailer without a name": "transfer-encoding: chunked\r\n\r\n0\r\n: x\r\n\r\n{hidden}",
    "trailer without a colon": "transfer-encoding: chunked\r\n\r\n0\r\n{hidden}",
    "trailers without end": "transfer-encoding: chunked\r\n\r\n0\r\n{trailers}\r\n\r\n{hidden}",
    "expectation": "content-length: 5\r\nexpect: 100-continue\r\n\r\n{hidden}",
    "unknown expectation": "content-length: 0\r\nexpect: 200-ok\r\n\r\n{hidden}",
    "upgrade": "connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAA\r\n\r\n{hidden}",
}
LEGAL = {"two equal lengths", "length in the trailer", "upgrade", "obsolete version", "unknown expectation"}


@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
@pytest.mark.parametrize("kind", SMUGGLED)
def test_request_in_a_body_is_never_served(root, kind, signed):
    """Behind whatever two readers could read differently the connection ends, or the next request is the next one."""
    hidden = HIDDEN.format(place=root.place)
    said = SMUGGLED[kind].format(
        hidden=hidden, size=len(hidden), long="a" * 5000, trailers="\r\n".join(["a: b"] * 50), place=root.place
    )
    lines = root.sign("PUT", "/kept/smuggled", payload=UNSIGNED) if signed else [("host", root.place)]
    head = "PUT /kept/smuggled HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines)
    if signed and (
        kind in LEGAL or "chunked" in said or "expect" in said
    ):  # what is served stores an empty object: not here
        head = head.replace("/kept/smuggled", "/nowhere/smuggled")

    answers = root.exchange((head + said).encode())

    assert 1 <= len(answers) <= 3
    assert all(answer.status >= 400 for answer in answers)
    if len(answers) > 1:  # the hidden one was a request of its own for every reader
        assert kind in LEGAL | {"coding in another case", "tab before the coding", "expectation"}, answers


@pytest.mark.parametrize(
    ("first", "status"),
    [
        ("GET /kept/object HTTP/1.1", 200),
        ("GET  /kept/object HTTP/1.1", 400),
        ("GET /kept/object  HTTP/1.1", 400),
        ("GET /kept/ob ject HTTP/1.1", 400),
        ("get /kept/object HTTP/1.1", 400),
        ("GET /kept/object HTTP/1.1 ", 400),
        ("GET /kept/object HTTP/2.0", 505),
        ("GET /kept/object HTTP/1.2", 505),
        ("GET /kept/object http/1.1", 400),
        ("GET /kept/object", 400),
        ("GET /kept/object\tHTTP/1.1", 400),
        ("GET /kept/object#x HTTP/1.1", 400),
        ("GET /kept/\x00 HTTP/1.1", 400),
        ("GET /kept/\x7f HTTP/1.1", 400),
        ("GET /kept/\xff HTTP/1.1", 400),
        ("PRI * HTTP/2.0", None),
        ("CONNECT evil:443 HTTP/1.1", 400),
        ("\x16\x03\x01\x02", 400),
    ],
)
def test_first_line_has_one_form(root, first, status):
    lines = "".join(f"{name}: {value}\r\n" for name, value in root.sign("GET", "/kept/object"))

    answers = root.exchange(f"{first}\r\n{lines}\r\n".encode("latin-1"))

    assert len(answers) == 1
    assert answers[0].status == status or (status is None and answers[0].status >= 400)


@pytest.mark.parametrize(
    "lines",
    [
        [("x-large", "a" * 17_000)],
        [(f"x-{n}", "a") for n in range(200)],
        [("x-meta-a", "a" * 200)] * 99,
        [("a" * 17_000, "x")],
    ],
    ids=["long value", "many lines", "long in sum", "long name"],
)
def test_head_beyond_its_limits_is_refused(root, lines):
    answers = root.exchange(request("GET", "/kept/object", (("host", root.place), *lines)))

    assert [answer.status for answer in answers] == [431]
    assert answers[0].headers["connection"] == "close"


def test_target_beyond_the_limit_is_refused(root):
    answers = root.exchange(request("GET", "/kept/" + "a" * 17_000, [("host", root.place)]))

    assert [answer.status for answer in answers] == [431]


def test_length_of_metadata_is_limited(root):
    answer = root.ask("PUT", "/kept/forged", {"x-amz-meta-a": "a" * 2049}, b"x")

    assert answer.refusal == (400, "MetadataTooLarge")


def test_answers_have_their_requests_ids(root):
    answers = root.exchange(b"".join(sent for _, sent, _ in requests(root)), *[m for m, _, _ in requests(root)])

    ids = [it.headers.get("x-amz-request-id") or it.headers.get("x-amzn-requestid") for it in answers]
    told = [one for one in ids if one]
    assert len(told) == len(set(told)) == len(answers) - 1  # the health page has none
    for answer, request_id in zip(answers, ids, strict=True):
        shown = re.search(b"<RequestId>(.*?)</RequestId>", answer.body)
        assert shown is None or shown[1].decode() == request_id


def test_client_that_goes_away_leaves_the_others_alone(root):
    for _, sent, _ in requests(root):
        with root.connect() as connection:
            connection.sendall(sent[: len(sent) // 2])
        with root.connect() as connection:
            connection.sendall(sent)
    assert root.send("GET", "/_cumulo/health/live").status == 200
    assert urllib.parse.urlsplit(f"http://{root.place}").port

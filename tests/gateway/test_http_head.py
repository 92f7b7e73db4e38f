"""The head of a request: what two readers could understand differently is refused."""

import pytest

from cumulo.gateway.http_head import CONTENT_LENGTH_MAX, HEAD_BYTES_MAX, HEADER_LINES_MAX, Refused, find_head, read_head


def head(*lines: bytes, first: bytes = b"GET / HTTP/1.1", host: bytes = b"Host: h\r\n") -> bytes:
    return first + b"\r\n" + host + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        # Two lengths, or one that two readers could read differently
        (head(b"Content-Length: 0", b"Transfer-Encoding: chunked"), 400),
        (head(b"Transfer-Encoding: chunked", b"Content-Length: 3"), 400),
        (head(b"Content-Length: 3", b"Content-Length: 3"), 400),
        (head(b"Content-Length: 3", b"content-length: 4"), 400),
        (head(b"Content-Length: 3, 3"), 400),
        (head(b"Content-Length: +3"), 400),
        (head(b"Content-Length: -3"), 400),
        (head(b"Content-Length: 0x3"), 400),
        (head(b"Content-Length: 3 3"), 400),
        (head(b"Content-Length: 1_0"), 400),
        (head(b"Content-Length: \xb2"), 400),
        (head(b"Content-Length: 3.0"), 400),
        (head(b"Content-Length:"), 400),
        (head(b"Content-Length: %d" % (CONTENT_LENGTH_MAX + 1)), 400),
        (head(b"Content-Length: 99999999999999999999999999"), 400),
        # Transfer codings
        (head(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"), 400),
        (head(b"Transfer-Encoding: gzip, chunked"), 501),
        (head(b"Transfer-Encoding: chunked, gzip"), 400),
        (head(b"Transfer-Encoding: xchunked"), 501),
        (head(b"Transfer-Encoding: CHUNKED"), 501),
        (head(b"Transfer-Encoding: identity"), 501),
        (head(b"Transfer-Encoding: chunked;q=1"), 501),
        (head(b"Transfer-Encoding: \x0bchunked"), 400),
        (head(b"Transfer-Encoding : chunked"), 400),
        (head(b"Transfer-Encoding: chunked", first=b"POST / HTTP/1.0"), 400),
        # Lines
        (head(b"X: a\r\n b"), 400),
        (head(b"X: a\r\n\tb"), 400),
        (head(b" X: a"), 400),
        (head(b"X : a"), 400),
        (head(b"X\t: a"), 400),
        (head(b"X"), 400),
        (head(b": a"), 400),
        (head(b"X(: a"), 400),
        (head(b"X: a\nY: b"), 400),
        (head(b"X: a\n\nGET /smuggled HTTP/1.1\nHost: h"), 400),
        (head(b"X: a\rY: b"), 400),
        (head(b"X: a\x00b"), 400),
        (head(b"X: a\x01b"), 400),
        (head(b"X: a\x7fb"), 400),
        (b"GET / HTTP/1.1\r\n Host: h\r\n\r\n", 400),
        # The first line
        (head(first=b"GET  / HTTP/1.1"), 400),
        (head(first=b"GET /  HTTP/1.1"), 400),
        (head(first=b" GET / HTTP/1.1"), 400),
        (head(first=b"GET / HTTP/1.1 "), 400),
        (head(first=b"GET\t/ HTTP/1.1"), 400),
        (head(first=b"GET / HTTP/1.2"), 505),
        (head(first=b"GET / HTTP/2.0"), 505),
        (head(first=b"GET / HTTP/0.9"), 505),
        (head(first=b"GET / http/1.1"), 400),
        (head(first=b"GET / RTSP/1.0"), 400),
        (head(first=b"GET /"), 400),
        (head(first=b"get / HTTP/1.1"), 400),
        (head(first=b"GET /a b HTTP/1.1"), 400),
        (head(first=b"GET /\x00 HTTP/1.1"), 400),
        (head(first=b"GET /\x0b HTTP/1.1"), 400),
        (head(first=b"GET /\x7f HTTP/1.1"), 400),
        (head(first=b"GET /a#b HTTP/1.1"), 400),
        (head(first=b"GET /\xff HTTP/1.1"), 400),
        (head(first=b"GET a HTTP/1.1"), 400),
        (head(first=b"GET * HTTP/1.1"), 400),
        (head(first=b"OPTIONS * HTTP/1.1"), 400),
        (head(first=b"CONNECT h:80 HTTP/1.1"), 400),
        # Hosts
        (head(host=b""), 400),
        (head(b"Host: h"), 400),
        (head(host=b"Host: a, b\r\n"), 400),
        (head(host=b"Host: a b\r\n"), 400),
        (head(host=b"Host: user@h\r\n"), 400),
        (head(host=b"Host: h/path\r\n"), 400),
        (head(host=b"Host: h:port\r\n"), 400),
        (head(host=b"Host: h\r\n", first=b"GET http://other/ HTTP/1.1"), 400),
        (head(host=b"Host: h\r\n", first=b"GET ftp://h/ HTTP/1.1"), 400),
        (head(host=b"Host: \r\n", first=b"GET http:///a HTTP/1.1"), 400),
        # Others
        (head(*[b"X: y"] * HEADER_LINES_MAX), 431),
    ],
)
def test_what_two_readers_could_read_differently_is_refused(sent, status):
    with pytest.raises(Refused) as refused:
        read_head(sent)

    assert refused.value.status == status


@pytest.mark.parametrize(
    ("first", "host", "target"),
    [
        (b"GET /a?b HTTP/1.1", b"h", "/a?b"),
        (b"GET /%00%2F../~ HTTP/1.1", b"h", "/%00%2F../~"),
        (b"GET //a//b HTTP/1.1", b"h", "//a//b"),
        (b"GET http://H:80/a?b HTTP/1.1", b"h:80", "/a?b"),
        (b"GET https://[::1]:80?b HTTP/1.1", b"[::1]:80", "/?b"),
        (b"GET http://h HTTP/1.1", b"h", "/"),
    ],
)
def test_target_is_the_raw_path_and_query(first, host, target):
    assert read_head(head(first=first, host=b"Host: " + host + b"\r\n")).target == target


@pytest.mark.parametrize(
    ("lines", "length"),
    [
        ((), 0),
        ((b"Content-Length: 0",), 0),
        ((b"Content-Length: 007",), 7),
        ((b"Content-Length: %d" % CONTENT_LENGTH_MAX,), CONTENT_LENGTH_MAX),
        ((b"Transfer-Encoding: chunked",), None),
    ],
)
def test_length_is_what_the_lines_say(lines, length):
    assert read_head(head(*lines, first=b"POST / HTTP/1.1")).content_length == length


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (head(), True),
        (head(b"Connection: close"), False),
        (head(b"Connection: x", b"Connection: Close"), False),
        (head(b"Connection: keep-alive, close"), False),
        (head(first=b"GET / HTTP/1.0"), False),
        (head(b"Connection: Keep-Alive", first=b"GET / HTTP/1.0"), True),
    ],
)
def test_connection_is_kept_as_the_version_and_the_client_say(sent, kept):
    assert read_head(sent).keep_alive is kept


def test_head_of_the_longest_length_is_found_and_a_longer_one_is_refused():
    longest = head(b"X: " + b"y" * (HEAD_BYTES_MAX - len(head(b"X: "))))

    assert find_head(longest + b"more") == len(longest) == HEAD_BYTES_MAX
    with pytest.raises(Refused):
        find_head(head(b"X: " + b"y" * (HEAD_BYTES_MAX - len(head(b"X: ")) + 1)))
    with pytest.raises(Refused):
        find_head(b"G" * HEAD_BYTES_MAX)


def test_every_beginning_of_a_head_waits_for_more():
    whole = head(b"X: y")

    assert [find_head(whole[:size]) for size in range(len(whole))] == [0] * len(whole)

"""Reads a request's head, strictly.

Owns the rules of RFC 9112 that keep two readers of the same bytes from seeing different requests: where both this
server and something before it must agree, whatever is unclear is refused, never repaired. Promises: a head that is
returned has one length, one host, lines that end in CRLF, and no control characters. httptools takes the lines apart;
it is given exactly one head at a time, so that it never sees a body or a later request. Knows no connection.
"""

import re

import httptools
import msgspec

HEAD_BYTES_MAX = 16 * 1024
HEADER_LINES_MAX = 100
CONTENT_LENGTH_MAX = 2**63 - 1
"""Limits of architecture.md section 5; the last is what a file offset can hold."""

HEAD_END = b"\r\n\r\n"
_TOO_LONG = f"the request head is longer than {HEAD_BYTES_MAX} bytes"
_ONCE = ("content-length", "transfer-encoding", "host")
_LENGTH = re.compile(r"[0-9]{1,19}", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9._~-]*(:[0-9]{0,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{0,5})?")
_PATH = re.compile(r"/[\x21\x22\x24-\x7e]*")
_ABSOLUTE = re.compile(r"https?://([^/?#]*)([/?].*)?", re.IGNORECASE)
_BARE_NEWLINE = re.compile(rb"(?<!\r)\n|\r[^\n]")


class Refused(Exception):
    """The head breaks a rule; answered with `status`, then the connection is closed."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Head(msgspec.Struct, frozen=True):
    """A head that kept the rules.

    `target` is in origin form. `content_length` is None where the body is chunked, 0 where there is none.
    """

    method: str
    target: str
    headers: dict[str, str]
    header_lines: tuple[tuple[str, str], ...]
    content_length: int | None
    http_1_0: bool
    keep_alive: bool
    expects_continue: bool


def find_head(received: bytes) -> int:
    """Return where the head at the beginning of `received` ends, 0 where more has to come.

    `Refused` where no further byte could make it a head.
    """
    end = received.find(HEAD_END, 0, HEAD_BYTES_MAX)
    if end >= 0:
        return end + len(HEAD_END)
    if len(received) >= HEAD_BYTES_MAX:
        raise Refused(431, _TOO_LONG)
    if received == b"\r":  # the beginning of an empty line before the head
        return 0
    if received and not 0x41 <= received[0] <= 0x5A:  # every method is in capitals; a TLS greeting is not
        raise Refused(400, "malformed request line")
    if _BARE_NEWLINE.search(received):
        raise Refused(400, "lines end with CR LF")
    return 0


class _Lines:
    """One head's lines, as httptools reports them."""

    def __init__(self) -> None:
        self.url = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.heads = 0
        self.ended = False

    def on_message_begin(self) -> None:
        """Count the heads: one, or this module and the parser do not agree where it ends."""
        self.heads += 1

    def on_url(self, url: bytes) -> None:
        """Collect the request target."""
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect one header line."""
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Note that the head was whole."""
        self.ended = True


def read_head(head: bytes) -> Head:
    """Return what `head` says, the bytes up to and with the empty line, or raise `Refused`."""
    newlines = head.count(b"\r\n")
    if head.count(b"\n") != newlines or head.count(b"\r") != newlines:
        raise Refused(400, "lines end with CR LF")
    if newlines - 2 > HEADER_LINES_MAX:
        raise Refused(431, f"more than {HEADER_LINES_MAX} header lines")
    found = _Lines()
    parser = httptools.HttpRequestParser(found)  # a new one: the last one may wait for a body, or for nothing more
    fault = None
    try:
        parser.feed_data(head)
    except httptools.HttpParserUpgrade:
        pass  # nothing else is offered: the request is answered in HTTP/1.1
    except httptools.HttpParserError as error:
        fault = error
    method, version = parser.get_method(), parser.get_http_version()
    # The parser lets more than one blank pass between the parts of the first line.
    if not found.ended or found.heads != 1 or not head.startswith(b"%b %b HTTP/" % (method, found.url)):
        raise Refused(400, "malformed request")
    checked = _check(
        method.decode("latin-1"),
        found.url.decode("latin-1"),
        version,
        tuple(
            [(name.decode("latin-1").lower(), value.decode("latin-1").rstrip(" \t")) for name, value in found.headers]
        ),
    )
    if fault is not None:
        raise Refused(400, "malformed request") from fault
    return checked


def _check(method: str, target: str, version: str, lines: tuple[tuple[str, str], ...]) -> Head:
    """Return the head if what its lines say together is allowed."""
    if version not in ("1.0", "1.1"):
        raise Refused(505, "HTTP/1.1 is spoken here")
    headers = dict(lines)
    if len(headers) != len(lines):
        headers = _join(lines)
    host = headers.get("host")
    if host is None and version == "1.1":
        raise Refused(400, "header host is missing")
    if not _HOST.fullmatch(host or ""):
        raise Refused(400, "header host is not a host")
    expect = headers.get("expect")
    if expect is not None and expect.lower() != "100-continue":
        raise Refused(417, "only the expectation 100-continue is met")
    content_length = _content_length(headers, version)
    return Head(
        method=method,
        target=target if _PATH.fullmatch(target) else _origin_form(target, host or ""),
        headers=headers,
        header_lines=lines,
        content_length=content_length,
        http_1_0=version == "1.0",
        keep_alive=_keeps_alive(headers.get("connection"), version),
        expects_continue=expect is not None and version == "1.1" and content_length != 0,
    )


def _join(lines: tuple[tuple[str, str], ...]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in lines:
        if name not in headers:
            headers[name] = value
        elif name in _ONCE:
            raise Refused(400, f"header {name} is given twice")
        else:
            headers[name] += "," + value
    return headers


def _keeps_alive(connection: str | None, version: str) -> bool:
    if connection is None:
        return version == "1.1"
    options = {option.strip(" \t") for option in connection.lower().split(",")}
    return "close" not in options and (version == "1.1" or "keep-alive" in options)


def _content_length(headers: dict[str, str], version: str) -> int | None:
    """Return the body's length; RFC 9112 section 6 would repair some of what is refused here."""
    coding, length = headers.get("transfer-encoding"), headers.get("content-length")
    if coding is None:
        if length is None:
            return 0
        if not _LENGTH.fullmatch(length) or int(length) > CONTENT_LENGTH_MAX:
            raise Refused(400, "content-length is not a length")
        return int(length)
    if length is not None:
        raise Refused(400, "both content-length and transfer-encoding are given")
    if version == "1.0":
        raise Refused(400, "transfer-encoding is not for HTTP/1.0")
    if coding != "chunked":
        raise Refused(501, "the only transfer coding is chunked")
    return None


def _origin_form(target: str, host: str) -> str:
    """Return an absolute-form target's path and query; its authority must be the host (RFC 9112 section 3.2.2).

    The RFC lets the authority replace a host header that differs. The host is signed, so the two must be one.
    """
    match = _ABSOLUTE.fullmatch(target)
    if match is None or match[1].lower() != host.lower() or not host:
        raise Refused(400, "the request target is neither a path nor this host's URL")
    path = match[2] or "/"
    path = "/" + path if path.startswith("?") else path
    if not _PATH.fullmatch(path):
        raise Refused(400, "the request target has a character that is not allowed")
    return path

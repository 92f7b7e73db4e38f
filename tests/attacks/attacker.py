"""Whoever attacks a running server: signs what no SDK would, sends any bytes, and looks whether anything changed.

The signer is written from AWS's rules and shares no code with the server, so that the two cannot err alike.
"""

import base64
import contextlib
import copy
import hashlib
import hmac
import json
import re
import socket
import time
import urllib.parse
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import cbor2
from lxml import etree

LIMIT_S = 10
REGION = "us-east-1"
ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"
QUERY_TYPE = "application/x-www-form-urlencoded"
JSON_TYPE = "application/x-amz-json-1.0"
TARGETS = {"sqs": "AmazonSQS", "logs": "Logs_20140328"}
VERSIONS = {"sqs": "2012-11-05", "iam": "2010-05-08", "sts": "2011-06-15", "sns": "2010-03-31"}
Lines = Sequence[tuple[str, str]]
_LENIENT = etree.XMLParser(recover=True)


class Answer(NamedTuple):
    """One answer; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """The error's code in whatever protocol it is said; empty where there is none."""
        if not self.body or self.status < 400:
            return ""
        kind = self.headers.get("content-type", "")
        if "json" in kind or "cbor" in kind:
            said = json.loads(self.body) if "json" in kind else cbor2.loads(self.body)
            return str(said.get("__type", self.headers.get("x-amzn-errortype", ""))).rpartition("#")[2]
        if "xml" in kind:
            found = etree.fromstring(self.body, _LENIENT)  # S3 repeats a NUL in a key as `&#x0;`, which is no XML
            return str(found.findtext(".//{*}Code") or "")
        return ""

    @property
    def refusal(self) -> tuple[int, str]:
        return self.status, self.code


class Attacker:
    """Somebody with a key, or with what he takes for one, before a server."""

    def __init__(self, server: Any, key_id: str = "", secret: str = "", token: str = "") -> None:
        mine = server.credentials
        self.place = urllib.parse.urlsplit(server.url).netloc
        self.key_id = key_id or mine["access_key_id"]
        self.secret = secret or mine["secret_access_key"]
        self.token = token

    def whose(self, key_id: str, secret: str, token: str = "") -> "Attacker":
        """Return somebody else before the same server."""
        other = copy.copy(self)
        other.key_id, other.secret, other.token = key_id, secret, token
        return other

    # -- Signing

    def sign(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        *,
        service: str = "s3",
        payload: str | None = "",
        moved_s: float = 0,
        secret: str = "",
        **changes: str,
    ) -> Lines:
        """Return a request's header lines, signed in the header.

        `payload` is what `x-amz-content-sha256` says; empty: the body's hash; None: nothing. `changes` replace parts of
        the signature before it is made: `day`, `region`, `scope_service`, `terminator`, `unsigned` (names left out).
        """
        stamp = stamp_of(time.time() + moved_s)
        lines = {"host": self.place} | {name.lower(): value for name, value in (headers or {}).items()}
        lines["x-amz-date"] = stamp
        if self.token:
            lines["x-amz-security-token"] = self.token
        declared = sha256(body) if payload == "" else payload
        if service == "s3" and declared is not None:
            lines["x-amz-content-sha256"] = declared
        names = sorted(set(lines) - set(changes.get("unsigned", "").split()))
        scope = self.scope(stamp, service, changes)
        asked = canonical(method, target, lines, names, declared or UNSIGNED, service)
        made = signature(secret or self.secret, scope, stamp, asked)
        value = f"{ALGORITHM} Credential={self.key_id}/{scope}, SignedHeaders={';'.join(names)}, Signature={made}"
        return (*lines.items(), ("authorization", value))

    def scope(self, stamp: str, service: str, changes: Mapping[str, str]) -> str:
        words = (
            changes.get("day", stamp[:8]),
            changes.get("region", REGION),
            changes.get("scope_service", service),
            changes.get("terminator", "aws4_request"),
        )
        return "/".join(words)

    def presign(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str] | None = None,
        *,
        service: str = "s3",
        body: bytes = b"",
        payload: str = "",
        expires: str | None = "900",
        moved_s: float = 0,
        secret: str = "",
        **changes: str,
    ) -> str:
        """Return a target with its signature in the query; `host` and `headers` are signed.

        `payload`, where it is given, goes into the query, as some clients do.
        """
        stamp = stamp_of(time.time() + moved_s)
        scope = self.scope(stamp, service, changes)
        lines = {"host": self.place} | {name.lower(): value for name, value in (headers or {}).items()}
        names = sorted(lines)
        parameters = {
            "X-Amz-Algorithm": ALGORITHM,
            "X-Amz-Credential": f"{self.key_id}/{scope}",
            "X-Amz-Date": stamp,
            "X-Amz-SignedHeaders": ";".join(names),
        }
        if expires is not None:
            parameters["X-Amz-Expires"] = expires
        if payload:
            parameters["X-Amz-Content-Sha256"] = payload
        if self.token:
            parameters["X-Amz-Security-Token"] = self.token
        target += ("&" if "?" in target else "?") + urllib.parse.urlencode(parameters, quote_via=urllib.parse.quote)
        declared = payload or lines.get("x-amz-content-sha256", UNSIGNED if service == "s3" else sha256(body))
        asked = canonical(method, target, lines, names, declared, service)
        return f"{target}&X-Amz-Signature={signature(secret or self.secret, scope, stamp, asked)}"

    # -- Calls

    def ask(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        **signing: Any,
    ) -> Answer:
        """Send one request signed in its header, on a connection of its own."""
        return self.send(method, target, self.sign(method, target, headers, body, **signing), body)

    def call(self, service: str, operation: str, **parameters: Any) -> Answer:
        """Call an operation: in JSON where a parameter is no text, else by the query protocol."""
        if service == "sqs":
            return self.json(service, operation, parameters)
        form = {"Action": operation, "Version": VERSIONS[service]} | parameters
        return self.query(service, urllib.parse.urlencode(form).encode())

    def query(self, service: str, body: bytes, target: str = "/", **signing: Any) -> Answer:
        return self.ask("POST", target, {"content-type": QUERY_TYPE}, body, service=service, **signing)

    def json(self, service: str, operation: str, asked: Any, **signing: Any) -> Answer:
        body = asked if isinstance(asked, bytes) else json.dumps(asked).encode()
        headers = {"content-type": JSON_TYPE, "x-amz-target": f"{TARGETS[service]}.{operation}"}
        return self.ask("POST", "/", headers, body, service=service, **signing)

    def cbor(self, service: str, operation: str, body: bytes, **signing: Any) -> Answer:
        headers = {"content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
        target = f"/service/{service}/operation/{operation}"
        return self.ask("POST", target, headers, body, service=service, **signing)

    # -- Bytes

    def send(self, method: str, target: str, lines: Iterable[tuple[str, str]] = (), body: bytes = b"") -> Answer:
        """Send one request as it is, with a length where its lines name none, and return the one answer."""
        answers = self.exchange(request(method, target, self.with_host(lines), body), method)
        assert len(answers) == 1, answers
        return answers[0]

    def with_host(self, lines: Iterable[tuple[str, str]]) -> Lines:
        lines = tuple(lines)
        return lines if any(name.lower() == "host" for name, _ in lines) else (("host", self.place), *lines)

    def exchange(self, sent: bytes, *methods: str) -> list[Answer]:
        """Send bytes, say that no more come, and return every answer until the server closes the connection."""
        with self.connect() as connection:
            with contextlib.suppress(ConnectionError):  # refused before all of it was sent
                connection.sendall(sent)
                connection.shutdown(socket.SHUT_WR)
            return answers_in(received(connection), methods)

    def connect(self) -> socket.socket:
        host, _, port = self.place.rpartition(":")
        return socket.create_connection((host, int(port)), LIMIT_S)

    # -- What there is

    def state(self) -> dict[str, Any]:
        """Return all that these tests could change: buckets, objects, uploads, users, keys, policies, queues."""
        buckets = names_in(self.ask("GET", "/"), "Bucket/{*}Name")
        found: dict[str, Any] = {"buckets": buckets}
        for bucket in buckets:
            listed = etree.fromstring(self.ask("GET", f"/{bucket}?list-type=2").body)
            found[bucket] = [
                (one.findtext("{*}Key"), one.findtext("{*}ETag")) for one in listed.iterfind("{*}Contents")
            ]
            found[f"{bucket} uploads"] = names_in(self.ask("GET", f"/{bucket}?uploads"), "Upload/{*}UploadId")
            found[f"{bucket} policy"] = self.ask("GET", f"/{bucket}?policy").status
        users = names_in(self.call("iam", "ListUsers"), "Users/{*}member/{*}UserName")
        found["users"] = users
        for user in users:
            found[f"{user} keys"] = re.findall(
                rb"<(?:AccessKeyId|Status)>[^<]*", self.call("iam", "ListAccessKeys", UserName=user).body
            )
            found[f"{user} policies"] = names_in(self.call("iam", "ListUserPolicies", UserName=user), "PolicyNames/*")
        for url in json.loads(self.call("sqs", "ListQueues").body).get("QueueUrls", ()):
            attributes = self.call("sqs", "GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])
            told = json.loads(attributes.body)["Attributes"]
            del told["LastModifiedTimestamp"]
            found[url.rpartition("/")[2]] = told
        return found


# -- Signature Version 4


def stamp_of(time_s: float) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time_s))


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def md5(content: bytes) -> str:
    """Return what `Content-MD5` says of a body."""
    return base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()


def quoted(text: bytes, safe: str = "-._~") -> str:
    return urllib.parse.quote(text, safe=safe)


def canonical(
    method: str, target: str, lines: Mapping[str, str], names: Sequence[str], payload: str, service: str
) -> str:
    path, _, query = target.partition("?")
    if service == "s3":
        pieces = re.split("(%2[Ff])", path)
        path = "".join(
            "%2F" if piece.upper() == "%2F" else quoted(urllib.parse.unquote_to_bytes(piece), "/-._~")
            for piece in pieces
        )
    else:
        path = quoted(path.encode("latin-1"), "/-._~")
    pairs = [piece.partition("=") for piece in query.split("&") if piece]
    asked = sorted(
        (quoted(urllib.parse.unquote_to_bytes(name)), quoted(urllib.parse.unquote_to_bytes(value)))
        for name, _, value in pairs
    )
    headers = "".join(f"{name}:{' '.join(lines.get(name, '').split())}\n" for name in names)
    return f"{method}\n{path}\n{'&'.join(f'{n}={v}' for n, v in asked)}\n{headers}\n{';'.join(names)}\n{payload}"


def signing_key(secret: str, scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for word in scope.split("/"):
        key = hmac.new(key, word.encode(), hashlib.sha256).digest()
    return key


def signature(secret: str, scope: str, stamp: str, asked: str) -> str:
    text = f"{ALGORITHM}\n{stamp}\n{scope}\n{sha256(asked.encode('latin-1'))}"
    return hmac.new(signing_key(secret, scope), text.encode(), hashlib.sha256).hexdigest()


# -- HTTP


def request(
    method: str, target: str, lines: Iterable[tuple[str, str]], body: bytes = b"", *, close: bool = False
) -> bytes:
    """Return a request's bytes; a body gets its length unless the lines frame it."""
    head = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in lines)]
    named = {name.lower() for name, _ in lines}
    if not named & {"content-length", "transfer-encoding"} and (body or method in ("PUT", "POST")):
        head.append(f"content-length: {len(body)}")
    if close:
        head.append("connection: close")
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body


def received(connection: socket.socket) -> bytes:
    """Return all that comes until the other end closes."""
    content = bytearray()
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(1 << 16):
            content += piece
    return bytes(content)


def answers_in(content: bytes, methods: Sequence[str] = ()) -> list[Answer]:
    """Return the answers that stand one behind the other; every byte belongs to one of them."""
    found: list[Answer] = []
    while content:
        head, end, content = content.partition(b"\r\n\r\n")
        assert end, f"no end of the head: {head[:300]!r}"
        first, *rest = head.decode("latin-1").split("\r\n")
        version, status = first.split(" ", 2)[:2]
        assert version == "HTTP/1.1", first
        if status == "100":
            continue
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
        method = methods[len(found)] if len(found) < len(methods) else ""
        if method == "HEAD" or status in ("204", "304"):
            body = b""
        elif headers.get("transfer-encoding") == "chunked":
            body, content = _unchunked(content)
        else:
            length = int(headers["content-length"])
            assert len(content) >= length, "the answer was cut off"
            body, content = content[:length], content[length:]
        found.append(Answer(int(status), headers, body))
    return found


def _unchunked(content: bytes) -> tuple[bytes, bytes]:
    body = b""
    while True:
        size, _, content = content.partition(b"\r\n")
        length = int(size, 16)
        body, content = body + content[:length], content[length + 2 :]
        if not length:
            return body, content


def names_in(answer: Answer, path: str) -> list[str]:
    assert answer.status == 200, answer
    return [str(one.text) for one in etree.fromstring(answer.body).iterfind(f".//{{*}}{path}")]

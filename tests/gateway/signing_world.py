"""What the tests of signatures share: keys, a manual clock, and requests as a listener would hand them on."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from cumulo.core.clocks import ManualClock
from cumulo.core.errors import EXPIRED_TOKEN, ServiceError
from cumulo.core.ports import Credential
from cumulo.gateway.http1 import Request
from cumulo.gateway.http_body import Body
from cumulo.gateway.payload import PayloadBody, declared_payload, open_payload
from cumulo.gateway.presented import read_signature
from cumulo.gateway.signature_errors import AuthForm, Refusal, SignatureError
from cumulo.gateway.sigv4 import Verified, Verifier

KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


class Keys:
    """A source of credentials: secrets by key id, and by (key id, session token)."""

    def __init__(self, secrets: dict[tuple[str, str], str]) -> None:
        self.secrets = secrets
        self.asked: list[tuple[str, str]] = []

    def credential(self, access_key_id: str, session_token: str = "") -> Credential | None:
        self.asked.append((access_key_id, session_token))
        if session_token == "expired":
            raise EXPIRED_TOKEN.error()
        secret = self.secrets.get((access_key_id, session_token))
        return None if secret is None else Credential(access_key_id, secret, f"owner of {access_key_id}")


class Pieces(Body):
    """A body in given pieces; each is overwritten when the next one is asked for, as a reused buffer would be."""

    def __init__(self, pieces: Iterable[bytes], content_length: int | None = None) -> None:
        self._pieces = [bytearray(piece) for piece in pieces]
        self.content_length = sum(map(len, self._pieces)) if content_length is None else content_length
        self._last: bytearray | None = None

    async def __anext__(self) -> memoryview:
        if self._last is not None:
            self._last[:] = b"\xee" * len(self._last)
        if not self._pieces:
            raise StopAsyncIteration
        self._last = self._pieces.pop(0)
        return memoryview(self._last)


def at(stamp: str) -> ManualClock:
    """Return a clock that stands at a time like 20130524T000000Z."""
    instant = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return ManualClock(int(instant.timestamp()) * 1000)


def request(method: str, target: str, lines: Iterable[tuple[str, str]], body: bytes | Iterable[bytes] = b"") -> Request:
    """Return a request as the listener makes it of a head and a body (whole, or in pieces)."""
    named = tuple((name.lower(), value) for name, value in lines)
    headers: dict[str, str] = {}
    for name, value in named:
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    pieces = [body] if isinstance(body, bytes) and body else list(body) if not isinstance(body, bytes) else []
    return Request(method, target, headers, named, "127.0.0.1", False, Pieces(pieces))


def verifier(clock: ManualClock, secrets: dict[tuple[str, str], str] | None = None) -> Verifier:
    return Verifier(Keys(secrets or {(KEY_ID, ""): SECRET}), clock)


def verify_s3(asked: Request, clock: ManualClock, *, streams: bool = False) -> Verified:
    """Take a signed request for S3 through the edge's steps up to its verification."""
    presented = read_signature(asked)
    assert presented is not None
    declared = declared_payload(asked, presented.form, streams=streams)
    return verifier(clock).verify(asked, presented, "s3", declared.text)


def open_s3(asked: Request, clock: ManualClock) -> PayloadBody:
    """Take an upload through the edge's steps up to its body."""
    presented = read_signature(asked)
    form = presented.form if presented is not None else AuthForm.ANONYMOUS
    declared = declared_payload(asked, form, streams=True)
    verified = verifier(clock).verify(asked, presented, "s3", declared.text) if presented is not None else None
    return open_payload(asked, verified, declared)


def refusal_of(call: Callable[[], Any]) -> Refusal:
    """Return why a call was refused."""
    try:
        call()
    except SignatureError as error:
        error.service_error("s3"), error.service_error("query"), error.service_error("json")  # each can be said
        return error.refusal
    raise AssertionError("it was not refused")


def read(body: PayloadBody) -> bytes:
    """Return all that a body yields."""

    async def run() -> bytes:
        return b"".join([bytes(piece) async for piece in body])

    return asyncio.run(run())


def code_of(call: Callable[[], Any]) -> str:
    """Return the AWS code of a refusal that reads a body."""
    try:
        call()
    except ServiceError as error:
        return error.row.code
    raise AssertionError("it was not refused")

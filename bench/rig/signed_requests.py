"""Requests to AWS's protocols as a client writes them: signed, and ready to be sent byte for byte.

Owns a signer of its own, because a load client must not spend its time in an SDK. A signature is good for 15 minutes.
"""

import hashlib
import hmac
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import quote

ALGORITHM = "AWS4-HMAC-SHA256"
REGION = "us-east-1"
UNSIGNED = "UNSIGNED-PAYLOAD"


class Address(NamedTuple):
    """Where a server listens, and the key that it knows."""

    host: str
    port: int
    key_id: str
    secret: str

    @property
    def name(self) -> str:
        """What stands in `Host`."""
        return f"{self.host}:{self.port}"


class Asked(NamedTuple):
    """A request in the parts that `wrk` wants; `head` has it as bytes on the wire, up to the empty line."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def head(self) -> bytes:
        """The request's head; `content-length` is among the headers where there is a body."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        return f"{self.method} {self.target} HTTP/1.1\r\n{lines}\r\n".encode("latin-1")


def s3(
    address: Address,
    method: str,
    path: str,
    *,
    query: tuple[tuple[str, str], ...] = (),
    body: bytes = b"",
    size_bytes: int | None = None,
    payload_hash: str = "",
    more: Mapping[str, str] = MappingProxyType({}),
) -> Asked:
    """Return a request to S3. `size_bytes` announces a body that is sent apart, whose hash `payload_hash` is; `more`
    are headers besides, in small letters.
    """
    said = payload_hash or hashlib.sha256(body).hexdigest()
    headers = {"x-amz-content-sha256": said, **more}
    length = len(body) if size_bytes is None else size_bytes
    if length:
        headers["content-length"] = str(length)
    return _signed(address, "s3", method, path, query, headers, said, body)


def sqs(address: Address, operation: str, document: bytes) -> Asked:
    """Return a call of SQS in AWS JSON 1.0."""
    headers = {
        "x-amz-target": f"AmazonSQS.{operation}",
        "content-type": "application/x-amz-json-1.0",
        "content-length": str(len(document)),
    }
    return _signed(address, "sqs", "POST", "/", (), headers, hashlib.sha256(document).hexdigest(), document)


def sns(address: Address, form: bytes) -> Asked:
    """Return a call of SNS in AWS's query protocol; `form` names the operation."""
    headers = {"content-type": "application/x-www-form-urlencoded", "content-length": str(len(form))}
    return _signed(address, "sns", "POST", "/", (), headers, hashlib.sha256(form).hexdigest(), form)


def _signed(
    address: Address,
    service: str,
    method: str,
    path: str,
    query: tuple[tuple[str, str], ...],
    headers: dict[str, str],
    payload_hash: str,
    body: bytes,
) -> Asked:
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    scope = f"{stamp[:8]}/{REGION}/{service}/aws4_request"
    headers = {"host": address.name, "x-amz-date": stamp} | headers
    signed = {name: value for name, value in sorted(headers.items()) if name != "content-length"}
    names = ";".join(signed)
    text = "&".join(f"{quote(name, safe='-._~')}={quote(value, safe='-._~')}" for name, value in sorted(query))
    lines = "".join(f"{name}:{value}\n" for name, value in signed.items())
    asked = f"{method}\n{path}\n{text}\n{lines}\n{names}\n{payload_hash}"
    to_sign = f"{ALGORITHM}\n{stamp}\n{scope}\n{hashlib.sha256(asked.encode()).hexdigest()}"
    key = f"AWS4{address.secret}".encode()
    for word in scope.split("/"):
        key = hmac.digest(key, word.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    headers["authorization"] = (
        f"{ALGORITHM} Credential={address.key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return Asked(method, path + ("?" + text if text else ""), headers, body)

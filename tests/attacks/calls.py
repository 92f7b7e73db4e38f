"""One call of each transport that changes something or gives something away, for attacks that all must refuse."""

import json
from typing import Any, NamedTuple

from tests.attacks.attacker import JSON_TYPE, QUERY_TYPE, Answer, Attacker, md5

QUEUE_PATH = "/000000000000/kept-queue"
QUEUE_URL = f"http://localhost:4566{QUEUE_PATH}"
_DELETE = b"<Delete><Object><Key>object</Key></Object></Delete>"
_SEND = {"QueueUrl": QUEUE_URL, "MessageBody": "forged"}


class Call(NamedTuple):
    """A call as it stands before it is signed."""

    service: str
    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def dialect(self) -> str:
        if self.service == "s3":
            return "s3"
        return "json" if "x-amz-target" in self.headers else "query"

    def signed(self, who: Attacker, **signing: Any) -> tuple[tuple[str, str], ...]:
        return tuple(who.sign(self.method, self.target, self.headers, self.body, service=self.service, **signing))

    def send(self, who: Attacker, lines: Any, target: str = "") -> Answer:
        return who.send(self.method, target or self.target, lines, self.body)

    def presigned(self, who: Attacker, **signing: Any) -> str:
        return who.presign(self.method, self.target, self._amz(), body=self.body, service=self.service, **signing)

    def send_presigned(self, who: Attacker, target: str, *more: tuple[str, str]) -> Answer:
        return who.send(self.method, target, (*self.headers.items(), *more), self.body)

    def _amz(self) -> dict[str, str]:
        return {name: value for name, value in self.headers.items() if name.startswith("x-amz-")}


def _query(service: str, body: str, target: str = "/") -> Call:
    return Call(service, "POST", target, {"content-type": QUERY_TYPE}, body.encode())


CALLS = {
    "S3 put": Call("s3", "PUT", "/kept/new", {}, b"forged"),
    "S3 copy": Call("s3", "PUT", "/kept/new", {"x-amz-copy-source": "/kept/object"}, b""),
    "S3 delete": Call("s3", "DELETE", "/kept/object", {}, b""),
    "S3 get": Call("s3", "GET", "/kept/object", {}, b""),
    "S3 begin upload": Call("s3", "POST", "/kept/new?uploads", {}, b""),
    "S3 delete many": Call("s3", "POST", "/kept?delete", {"content-md5": md5(_DELETE)}, _DELETE),
    "S3 make bucket": Call("s3", "PUT", "/forged", {}, b""),
    "S3 set policy": Call(
        "s3", "PUT", "/kept?policy", {}, b'{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}'
    ),
    "SQS in JSON": Call(
        "sqs",
        "POST",
        "/",
        {"content-type": JSON_TYPE, "x-amz-target": "AmazonSQS.SendMessage"},
        json.dumps(_SEND).encode(),
    ),
    "SQS by query": _query("sqs", "Action=SendMessage&Version=2012-11-05&MessageBody=forged", QUEUE_PATH),
    "SQS in a URL": Call(
        "sqs", "GET", f"{QUEUE_PATH}?Action=SendMessage&Version=2012-11-05&MessageBody=forged", {}, b""
    ),
    "IAM": _query("iam", "Action=CreateUser&Version=2010-05-08&UserName=forged"),
    "STS": _query("sts", "Action=GetSessionToken&Version=2011-06-15"),
}
"""By name of the transport."""

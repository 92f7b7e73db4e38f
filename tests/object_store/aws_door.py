"""S3's REST API on a real socket before a real object store, for the tests of the room's AWS edge.

A loop in a thread of its own serves; the test's thread is a client, as boto3 or byte by byte.
"""

import asyncio
import contextlib
import http.client
import io
import threading
from collections.abc import Coroutine, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.response import StreamingBody
from lxml import etree

from cumulo.core.clocks import SystemClock
from cumulo.core.ports import Credential
from cumulo.gateway.aws_edge import AwsEdge
from cumulo.gateway.http1 import HttpListener
from cumulo.identity.principal_model import root_of
from cumulo.object_store.edge_aws import edge

ACCOUNT = "000000000000"
OTHER_ACCOUNT = "111111111111"
REGION = "us-east-1"
SECRET = "a secret for tests"
SESSION = boto3.session.Session()
"""One for all, for each reads the descriptions of S3 anew, in 0.1 s."""
KEYS = {"AKIAOWNER": ACCOUNT, "AKIAOTHER": OTHER_ACCOUNT}


class Keys:
    """A `CredentialSource` of two accounts' roots."""

    def credential(self, access_key_id: str, session_token: str = "") -> Credential | None:
        account = KEYS.get(access_key_id)
        if account is None or session_token:
            return None
        return Credential(access_key_id, SECRET, root_of(account))


class Unobserved:
    def finished(self, service: str, operation: str, status: str, seconds: float, request_id: str) -> None:
        pass


class Answer(NamedTuple):
    """What came back: header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def xml(self) -> dict[str, Any]:
        """The document as nested dictionaries, an element that repeats as a list."""
        root = etree.fromstring(self.body)
        return {_local(root): _plain(root)}

    @property
    def error(self) -> tuple[int, str, str]:
        """Status, code and message of a refusal."""
        found = self.xml["Error"]
        return self.status, found["Code"], found["Message"]


class Door:
    """A running server and its clients."""

    def __init__(self, stand: Any, *, dialect: str = "aws", takes_version_2: bool = False) -> None:
        self.stand = stand
        self._dialect, self._takes_version_2 = dialect, takes_version_2
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Do something on the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def open(self) -> None:
        self._thread.start()
        self.run(self._open())

    async def _open(self) -> None:
        await self.stand.open()
        clock, randomness = self.stand.clock, self.stand.randomness
        door = AwsEdge(
            [edge(self.stand.service, self._dialect)],
            Keys(),
            clock,
            randomness,
            Unobserved(),
            ("s3.localhost",),
            takes_version_2=self._takes_version_2,
        )
        self._listener = HttpListener(door.answer)
        self.port = await self._listener.start("127.0.0.1", 0)

    def close(self) -> None:
        async def end() -> None:
            await self._listener.stop()
            await self.stand.close()

        self.run(end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def client(self, access_key_id: str = "AKIAOWNER", *, region: str = REGION, **config: Any) -> Any:
        """Return a boto3 client."""
        client = SESSION.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{self.port}",
            region_name=region,
            aws_access_key_id=access_key_id,
            aws_secret_access_key=SECRET,
            config=Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}, **config),
        )
        client.meta.events.register("after-call.s3.GetObject", _held)
        return client

    def ask(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        *,
        key: str | None = "AKIAOWNER",
        payload: str = "UNSIGNED-PAYLOAD",
    ) -> Answer:
        """Send one request, signed by a key or, with None, by nobody; `payload` is what is signed of the body."""
        said = dict(headers or {})
        said.setdefault("Host", f"127.0.0.1:{self.port}")
        if key is not None:
            signed = AWSRequest(method, f"http://{said['Host']}{target}", headers=said)
            _Signer(Credentials(key, SECRET), payload).add_auth(signed)
            said = dict(signed.headers.items())
        return self.send(method, target, said, body)

    def send(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send one request as it is."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            if "transfer-encoding" not in {name.lower() for name in headers} and (body or method in ("PUT", "POST")):
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body or None)
            answer = connection.getresponse()
            content = answer.read()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, content)


def _held(parsed: dict[str, Any], **_: Any) -> None:
    """Read a body at once: one that a test does not ask for would leave its connection open."""
    if "Body" in parsed:
        content = parsed["Body"].read()
        parsed["Body"] = StreamingBody(io.BytesIO(content), len(content))


class _Signer(S3SigV4Auth):  # type: ignore[misc]  # botocore is untyped
    """Signs what is said of the payload in its place."""

    def __init__(self, credentials: Credentials, payload: str) -> None:
        super().__init__(credentials, "s3", REGION)
        self._payload = payload

    def payload(self, request: Any) -> str:
        return self._payload


def _local(element: Any) -> str:
    return str(etree.QName(element).localname)


def _plain(element: Any) -> Any:
    if not len(element):
        return element.text or ""
    found: dict[str, Any] = {}
    for child in element:
        name, value = _local(child), _plain(child)
        if name in found:
            found[name] = [*found[name], value] if isinstance(found[name], list) else [found[name], value]
        else:
            found[name] = value
    return found


@contextlib.contextmanager
def opened(stand_in: Any, folder: Path, **said: Any) -> Iterator[Door]:
    """Serve a fresh store with a bucket `inbox`; `said` goes to the door."""
    stand = stand_in(folder, durable=False)
    stand.clock = SystemClock()
    door = Door(stand, **said)
    door.open()
    try:
        door.run(stand.make())
        yield door
        assert door.run(stand.problems()) == []
    finally:
        door.close()


@pytest.fixture
def door(stand_in: Any, tmp_path: Path) -> Iterator[Door]:
    with opened(stand_in, tmp_path) as it:
        yield it

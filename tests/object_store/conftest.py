"""An object store on a real engine and a real blob store with a manual clock, for every test of the room.

Real queues stand beside it, for messages in an object's commit; notifications go to an inbox.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cumulo.core.clocks import ManualClock
from cumulo.core.context import CallContext
from cumulo.core.errors import ServiceError
from cumulo.core.ids import SeededRandomness
from cumulo.core.ports import Delivery
from cumulo.core.tokens import TokenSealer
from cumulo.identity import directory, owners
from cumulo.identity.authorizer import Authorizer
from cumulo.identity.keys import AccountRecord
from cumulo.identity.principal_model import root_of
from cumulo.object_store import (
    body_model,
    bucket_model,
    configuration_model,
    invariants,
    listing_model,
    notification_model,
    object_model,
    upload_model,
)
from cumulo.object_store.body_model import UploadBody
from cumulo.object_store.service import Service
from cumulo.queue_service.edge_grpc_enclosures import QueueSender
from cumulo.queue_service.service import Service as Queues
from cumulo.storage import idempotency
from cumulo.storage.blobs import BlobStore
from cumulo.storage.due_pump import DuePump
from cumulo.storage.engine import ROOT
from cumulo.storage.lmdb_engine import LmdbEngine
from cumulo.storage.memory import MemoryEngine
from cumulo.storage.storage_keys import StorageKeys

ACCOUNT = "000000000000"
FOREVER_MS = 1 << 62
MIB = 1024 * 1024


class Inbox:
    """A place for notifications: a `DeliveryTarget` whose messages stand in the root partition, so that they survive a
    restart and appear with the caller's commit.
    """

    def __init__(self) -> None:
        self.gone: set[str] = set()
        self.failing: ServiceError | None = None

    def check(self, delivery_target_arn: str, source_arn: str, account: str) -> str:
        return "it is gone" if delivery_target_arn in self.gone else ""

    def partitions(self, target_arn: str) -> tuple[bytes, ...]:
        if self.failing is not None:
            raise self.failing
        return () if target_arn in self.gone else (ROOT,)

    async def prepared(self, delivery: Delivery, now_ms: int) -> Delivery:
        return delivery

    def deliver(self, txn: Any, delivery: Delivery, now_ms: int) -> bool:
        txn.put(ROOT + b"inbox/" + delivery.delivery_id.encode(), delivery.body)
        return True


class Pieces(UploadBody):
    """A body in given pieces, with what its sender says at the end."""

    def __init__(
        self, pieces: Iterable[bytes], trailer: body_model.ExpectedContent = body_model.NOTHING_EXPECTED
    ) -> None:
        self._pieces = iter(pieces)
        self.trailer = trailer

    async def __anext__(self) -> memoryview:
        try:
            return memoryview(next(self._pieces))
        except StopIteration:
            raise StopAsyncIteration from None


def body_of(data: bytes, piece_bytes: int = MIB) -> Pieces:
    return Pieces(data[at : at + piece_bytes] for at in range(0, len(data), piece_bytes))


def _make_account(txn: Any, made: tuple[str, AccountRecord]) -> None:
    number, record = made
    if directory.account(txn, number) is None:
        directory.put_account(txn, number, record)
        owners.add(txn, number, record.email)


class Stand:
    """A service that runs, and short forms of its calls."""

    def __init__(self, folder: Path, *, durable: bool) -> None:
        self.folder = folder
        self.durable = durable
        self.clock = ManualClock()
        self.engine: Any = None
        self.inbox = Inbox()
        self.remotes: dict[str, Any] = {}
        self.randomness = SeededRandomness(7)
        self.access_log_interval_s = 300
        self.storage_keys = StorageKeys({1: b"k" * 32})
        self.defaults = configuration_model.BucketDefaults()
        self.key_service: Any = None
        self.ctx = CallContext(principal=root_of(ACCOUNT), request_id="test", source_ip="127.0.0.1")

    async def open(self) -> None:
        self.engine = self.engine or (LmdbEngine(self.folder / "engine") if self.durable else MemoryEngine())
        await self.account(ACCOUNT)
        self.blobs = BlobStore(self.folder / "blobs", self.engine, reserve_bytes=0)
        await self.blobs.start()
        sealer = TokenSealer({1: b"k" * 32}, 1)
        authorizer = Authorizer(self.engine, self.clock)
        self.queues = Queues(self.engine, authorizer, self.clock, self.randomness, sealer, self.storage_keys)
        self.service = Service(
            self.engine,
            authorizer,
            self.clock,
            self.randomness,
            sealer=sealer,
            blobs=self.blobs,
            targets={"sqs": self.inbox},
            storage_keys=self.storage_keys,
            defaults=self.defaults,
            key_service=self.key_service,
            remotes=self.remotes,
            sender=QueueSender(self.queues.desk),
            access_log_interval_s=self.access_log_interval_s,
        )
        await self.service.start()
        self.pump = DuePump(self.engine, self.clock)
        for kind, handler in self.service.due_handlers().items():
            self.pump.register(kind, handler)
        self.pump.register(idempotency.DUE_KIND, lambda entries: idempotency.expire(self.engine, entries))

    async def account(self, number: str, display_name: str = "", email: str = "") -> CallContext:
        """Make an account, unless it is there; return the context of its root's calls."""
        await self.engine.transact(
            (ROOT,), _make_account, (number, AccountRecord(display_name=display_name, email=email))
        )
        return CallContext(principal=root_of(number), request_id="test", source_ip="127.0.0.1")

    async def swept(self) -> None:
        """Wait for the sweep that `start` began."""
        assert self.service._sweep is not None
        await self.service._sweep

    async def restart(self) -> None:
        """End the service and start it anew on what is stored; the memory engine is its own disk."""
        await self.service.drain()
        await self.blobs.close()
        if self.durable:
            await self.engine.close()
            self.engine = None
        await self.open()

    async def close(self) -> None:
        await self.service.drain()
        await self.blobs.close()
        await self.engine.close()

    def files(self) -> set[int]:
        # By `walk`, which passes over folders that are taken away meanwhile.
        below = (names for folder, _, names in os.walk(self.blobs.folder) if folder != str(self.blobs.folder))
        return {int(name, 16) for names in below for name in names}

    async def problems(self, *, blobs: bool = True, files: set[int] | None = None) -> list[str]:
        partitions = (ROOT, *await self.engine.read((ROOT,), lambda txn, _: invariants.partitions(txn), None))
        entries = await self.engine.take_due(FOREVER_MS, 10_000)
        there = self.files() if files is None else files

        def look(txn: Any, _: None) -> list[str]:
            found = invariants.check(txn, entries)
            return found + invariants.check_blobs(txn, there, 1 << 62, entries) if blobs else found

        found: list[str] = await self.engine.read(partitions, look, None)
        return found

    async def due(self, kind: str) -> int:
        return sum(entry.kind == kind for entry in await self.engine.take_due(FOREVER_MS, 10_000))

    async def advance(self, seconds: float = 0) -> None:
        """Let time pass, and the due work be done."""
        self.clock.advance(int(seconds * 1000))
        while await self.pump.run_due():
            pass  # one deed may write another that is due at once

    async def messages(self) -> list[bytes]:
        rows = await self.engine.read((ROOT,), lambda txn, _: txn.range(ROOT + b"inbox/", ROOT + b"inbox0", 1000), None)
        return [value for _, value in rows]

    async def call(
        self, operation: str, request: Any, body: AsyncIterator[memoryview] | None = None, *, ctx: Any = None
    ) -> Any:
        return (await self.service.call(ctx or self.ctx, operation, request, body)).value

    async def make(self, bucket: str = "inbox") -> Any:
        return await self.call("CreateBucket", bucket_model.CreateBucket(bucket))

    async def put(self, key: str, data: bytes, bucket: str = "inbox", **more: Any) -> object_model.Object:
        request = object_model.PutObject(bucket=bucket, key=key, **more)
        stored: object_model.Object = await self.call("PutObject", request, body_of(data))
        return stored

    async def get(
        self, key: str, range_: object_model.ByteRange | None = None, bucket: str = "inbox", version_id: str = ""
    ) -> bytes:
        request = object_model.GetObject(bucket=bucket, key=key, range=range_, version_id=version_id)
        result = await self.service.call(self.ctx, "GetObject", request)
        assert result.body is not None
        data = b"".join([bytes(piece) async for piece in result.body])
        assert len(data) == result.value.content_length
        return data

    async def head(self, key: str, bucket: str = "inbox", **conditions: Any) -> object_model.Object:
        request = object_model.HeadObject(bucket=bucket, key=key, conditions=object_model.Conditions(**conditions))
        found: object_model.Object = (await self.call("HeadObject", request)).object
        return found

    async def delete(self, key: str, bucket: str = "inbox", **more: Any) -> object_model.Deleted:
        deleted: object_model.Deleted = await self.call(
            "DeleteObject", object_model.DeleteObject(bucket=bucket, key=key, **more)
        )
        return deleted

    async def list_(self, bucket: str = "inbox", **more: Any) -> listing_model.ObjectPage:
        page: listing_model.ObjectPage = await self.call(
            "ListObjects", listing_model.ListObjects(bucket=bucket, **more)
        )
        return page

    async def begin(self, key: str, bucket: str = "inbox", **more: Any) -> str:
        opened: upload_model.CreatedUpload = await self.call(
            "CreateMultipartUpload", upload_model.CreateMultipartUpload(bucket=bucket, key=key, **more)
        )
        return opened.upload_id

    async def part(
        self, key: str, upload_id: str, number: int, data: bytes, bucket: str = "inbox", **more: Any
    ) -> object_model.Part:
        request = upload_model.UploadPart(bucket=bucket, key=key, upload_id=upload_id, part_number=number, **more)
        stored: object_model.Part = await self.call("UploadPart", request, body_of(data))
        return stored

    async def complete(
        self, key: str, upload_id: str, parts: Iterable[object_model.Part], bucket: str = "inbox", **more: Any
    ) -> object_model.Object:
        wanted = tuple(upload_model.CompletedPart(part.part_number, part.etag) for part in parts)
        request = upload_model.CompleteMultipartUpload(
            bucket=bucket, key=key, upload_id=upload_id, parts=wanted, **more
        )
        stored: object_model.Object = await self.call("CompleteMultipartUpload", request)
        return stored

    async def abort(self, key: str, upload_id: str, bucket: str = "inbox") -> None:
        await self.call(
            "AbortMultipartUpload", upload_model.AbortMultipartUpload(bucket=bucket, key=key, upload_id=upload_id)
        )

    async def store_plain(self, bucket: str = "inbox") -> None:
        """Let the bucket keep bodies as they come."""
        self.defaults = configuration_model.BucketDefaults(encryption=None)
        await self.restart()
        await self.call(
            "DeleteBucketConfiguration", configuration_model.DeleteBucketConfiguration(bucket, "encryption")
        )

    async def open_to_public(self, bucket: str = "inbox") -> None:
        """Let the bucket's policy be public."""
        await self.call(
            "DeleteBucketConfiguration", configuration_model.DeleteBucketConfiguration(bucket, "public_access_block")
        )

    async def set_policy(self, *statements: dict[str, Any], bucket: str = "inbox") -> None:
        text = msgspec.json.encode({"Version": "2012-10-17", "Statement": list(statements)}).decode()
        await self.call("SetBucketPolicy", bucket_model.SetBucketPolicy(bucket, text))

    async def notify_me(self, *rules: notification_model.NotificationRule, bucket: str = "inbox") -> Any:
        return await self.call("SetBucketNotification", notification_model.SetBucketNotification(bucket, rules))


Scenario = Callable[[Stand], Awaitable[None]]


@pytest.fixture(params=["memory", "lmdb"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Scenario], None]:
    """Run a scenario on a fresh stand with a bucket `inbox`; afterwards every invariant must hold."""

    def play(scenario: Scenario) -> None:
        async def whole() -> None:
            stand = Stand(tmp_path, durable=request.param == "lmdb")
            await stand.open()
            try:
                await stand.make()
                await scenario(stand)
                await stand.swept()
                assert await stand.problems() == []
            finally:
                await stand.close()

        asyncio.run(whole())

    return play


@pytest.fixture
def stand_in() -> type[Stand]:
    """The class of stands, for tests that make their own."""
    return Stand


@pytest.fixture
def refused() -> Callable[[Awaitable[Any]], Awaitable[ServiceError]]:
    """Await something that must be refused, and return the error."""

    async def of(call: Awaitable[Any]) -> ServiceError:
        with pytest.raises(ServiceError) as caught:
            await call
        return caught.value

    return of


@pytest.fixture
def pieces() -> type[Pieces]:
    """Bodies in given pieces."""
    return Pieces

"""A queue service on a real engine with a manual clock, for every test of the room."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from cumulo.core.clocks import ManualClock
from cumulo.core.context import CallContext
from cumulo.core.ids import SeededRandomness
from cumulo.core.ports import KeyService
from cumulo.core.tokens import TokenSealer
from cumulo.identity.authorizer import Authorizer
from cumulo.identity.policy import Principal, PrincipalKind
from cumulo.queue_service import invariants, log_invariants, message_model, model
from cumulo.queue_service.log_operations import LOG_TABLE
from cumulo.queue_service.log_service import LogService
from cumulo.queue_service.notice_seals import NoticeSeals
from cumulo.queue_service.service import Service
from cumulo.storage import idempotency
from cumulo.storage.due_pump import DuePump
from cumulo.storage.lmdb_engine import LmdbEngine
from cumulo.storage.memory import MemoryEngine
from cumulo.storage.storage_keys import StorageKeys

ACCOUNT = "000000000000"
FOREVER_MS = 1 << 62
OF_LOGS = frozenset(row.name for row in LOG_TABLE)


def root_of(account: str) -> Principal:
    """The principal that may do everything in its account."""
    return Principal(kind=PrincipalKind.ROOT, account=account, arn=f"arn:aws:iam::{account}:root", id=account)


class Stand:
    """A service that runs, and short forms of its calls."""

    def __init__(self, folder: Path | None, clock: ManualClock | None = None, seed: int = 7) -> None:
        self.folder = folder
        self.clock = clock or ManualClock()
        self.engine: Any = None
        self.randomness = SeededRandomness(seed)
        self.sealer = TokenSealer({1: b"k" * 32}, 1)
        self.storage_keys = StorageKeys({1: b"r" * 32})
        self.ctx = CallContext(principal=root_of(ACCOUNT), request_id="test")

    async def open(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.engine = self.engine or (MemoryEngine() if self.folder is None else LmdbEngine(self.folder))
        authorizer = Authorizer(self.engine, self.clock)
        key_service = self.make_key_service(authorizer)
        self.notice_seals = self.make_notice_seals()
        self.service = Service(
            self.engine,
            authorizer,
            self.clock,
            self.randomness,
            self.sealer,
            self.storage_keys,
            key_service=key_service,
            of_topics=self.notice_seals,
        )
        self.logs = LogService(self.engine, authorizer, self.clock, self.randomness, self.sealer)
        await self.service.start()
        self.logs.begin()
        self.pump = DuePump(self.engine, self.clock)
        for kind, handler in (*self.service.due_handlers().items(), *self.logs.due_handlers().items()):
            self.pump.register(kind, handler)
        self.pump.register(idempotency.DUE_KIND, lambda entries: idempotency.expire(self.engine, entries))

    def make_key_service(self, authorizer: Authorizer) -> KeyService | None:
        """None: queues under keys of KMS are encrypted under the storage keys alone."""
        del authorizer
        return None

    def make_notice_seals(self) -> NoticeSeals | None:
        """None: topics under keys of KMS seal nothing."""
        return None

    async def restart(self) -> None:
        """End the service and start it anew on what is stored; the memory engine is its own disk."""
        await self.logs.drain()
        await self.service.drain()
        if self.folder is not None:
            await self.engine.close()
            self.engine = None
        await self.open()

    async def close(self) -> None:
        await self.logs.drain()
        await self.service.drain()
        await self.engine.close()

    async def problems(self) -> list[str]:
        entries = await self.engine.take_due(FOREVER_MS, 10_000)

        def look(txn: Any, _: None) -> list[str]:
            queues = invariants.check(txn) + invariants.check_due(txn, entries)
            return queues + log_invariants.check(txn) + log_invariants.check_due(txn, entries)

        # As `cumulo check` looks: it may read more than one function may.
        found: list[str] = await self.engine.inspect(look, None)
        return found

    async def call(self, operation: str, request: Any) -> Any:
        service = self.logs if operation in OF_LOGS else self.service
        return (await service.call(self.ctx, operation, request)).value

    async def advance(self, seconds: float) -> None:
        """Let time pass, and the due work be done."""
        self.clock.advance(int(seconds * 1000))
        while await self.pump.run_due():
            pass  # one timer's deed may arm another that is due at once

    def advance_from_outside(self, seconds: float) -> None:
        """As `advance`, for a client in a thread of its own."""
        asyncio.run_coroutine_threadsafe(self.advance(seconds), self._loop).result(30)

    async def create(self, name: str = "jobs", **attributes: Any) -> Any:
        return await self.call(
            "CreateQueue", model.CreateQueue(queue=name, attributes=model.QueueAttributes(**attributes))
        )

    async def queue(self, name: str = "jobs") -> Any:
        return await self.call("GetQueue", model.GetQueue(queue=name))

    async def counts(self, name: str = "jobs") -> tuple[int, int, int]:
        """Ready, in flight, delayed."""
        queue = await self.queue(name)
        return queue.message_count, queue.in_flight_count, queue.delayed_count

    async def send(self, *bodies: bytes, queue: str = "jobs", **more: Any) -> list[Any]:
        entries = tuple(message_model.SendEntry(body, **more) for body in bodies)
        return list(await self.call("BatchSendMessages", message_model.SendMessages(queue=queue, entries=entries)))

    async def receive(self, count: int = 10, queue: str = "jobs", **more: Any) -> list[message_model.Message]:
        return list(
            await self.call("ReceiveMessages", message_model.ReceiveMessages(queue=queue, max_messages=count, **more))
        )

    async def delete(self, handle: str, queue: str = "jobs") -> None:
        await self.call("DeleteMessage", message_model.DeleteMessages(queue=queue, receipt_handles=(handle,)))

    async def hold(self, handle: str, seconds: int, queue: str = "jobs") -> None:
        change = message_model.VisibilityChange(handle, seconds)
        await self.call("ChangeMessageVisibility", message_model.ChangeVisibilities(queue=queue, entries=(change,)))

    async def purge(self, queue: str = "jobs") -> None:
        await self.call("PurgeQueue", model.PurgeQueue(queue=queue))

    async def remove(self, queue: str = "jobs") -> None:
        await self.call("DeleteQueue", model.DeleteQueue(queue=queue))

    async def update(self, queue: str = "jobs", **attributes: Any) -> Any:
        request = model.UpdateQueue(queue=queue, attributes=model.QueueAttributes(**attributes))
        return await self.call("UpdateQueue", request)


Scenario = Callable[[Stand], Awaitable[None]]


@pytest.fixture
def make_stand():
    """The class itself, for tests that need several stands or one over a longer time."""
    return Stand


@pytest.fixture(params=["memory", "lmdb"])
def run(request, tmp_path) -> Callable[[Scenario], None]:
    """Run a scenario on each engine; afterwards every invariant must hold."""

    async def go(scenario: Scenario) -> None:
        stand = Stand(None if request.param == "memory" else tmp_path / "engine")
        await stand.open()
        try:
            await scenario(stand)
            assert await stand.problems() == []
        finally:
            await stand.close()

    return lambda scenario: asyncio.run(go(scenario))


async def settle() -> None:
    """Let everything that can run do so: a few turns of the loop, commits of the writer's thread included."""
    for _ in range(3):
        await asyncio.sleep(0.002)


@pytest.fixture(name="settle")
def settle_fixture() -> Callable[[], Awaitable[None]]:
    return settle

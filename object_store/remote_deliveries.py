"""Deliveries of events to places outside the engine's transactions: topics, which may have thousands of subscribers,
and HTTP endpoints, which may be slow or dead.

Promises: an event stays in the outbox until its target took it, so it arrives at least once, across crashes, too; who
waits for a slow target is nobody but that target's own events; after `ATTEMPTS_MAX` attempts, or where the target says
that it will never take it, an event is dropped with a log line. While an attempt is under way its entry lies `HELD_MS`
in the future: a crash only delays it.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping
from typing import Protocol

import msgspec

from cumulo.core.clocks import Clock
from cumulo.core.errors import ServiceError
from cumulo.core.ports import Delivery, RemoteTarget
from cumulo.object_store.background import Background
from cumulo.object_store.keys import EventRecord
from cumulo.storage import records
from cumulo.storage.engine import PARTITION_BYTES, Due, Engine, Txn

HELD_MS = 120_000
"""Longer than any attempt takes."""
ATTEMPTS_MAX = 300
"""With at most five minutes between two: about a day."""
RETRY_MS_MIN = 1_000
RETRY_MS_MAX = 300_000
UNDER_WAY_MAX = 64
UNDER_WAY_OF_TARGET_MAX = 8
"""A dead endpoint keeps its attempts open for their whole time: it must not have all of them."""

_log = logging.getLogger("cumulo.object_store")


class Store(Protocol):
    """What the deliveries need of the service."""

    engine: Engine
    clock: Clock
    remotes: Mapping[str, RemoteTarget]


class Move(msgspec.Struct, frozen=True):
    """An entry of the outbox that is to wait until another time, with another payload."""

    entry: Due
    until_ms: int
    payload: bytes


def retry_ms(attempts: int) -> int:
    """Return how long an event waits after so many attempts before the one that failed."""
    return min(RETRY_MS_MIN << min(attempts, 16), RETRY_MS_MAX)


class RemoteDeliveries(Background):
    """The attempts under way."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store
        self._of_target: Counter[str] = Counter()

    async def begin(self, entry: Due, event: EventRecord, target: RemoteTarget) -> None:
        """Begin an attempt, or let the event wait where too many are under way."""
        name = event.target
        full = self._of_target.total() >= UNDER_WAY_MAX or self._of_target[name] >= UNDER_WAY_OF_TARGET_MAX
        if full or self._is_closed:
            await self._move(entry, RETRY_MS_MIN, event)
            return
        self._of_target[name] += 1  # before the others of this batch come here
        held = None
        try:
            held = await self._move(entry, HELD_MS, event)
        finally:
            if held is None or self._is_closed:
                self._leave(name)
        if held is None or self._is_closed:
            return
        task = asyncio.create_task(self._attempt(held, event, target), name="delivery of an event")
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._ended(done, name))

    def _leave(self, name: str) -> None:
        self._of_target[name] -= 1
        if not self._of_target[name]:
            del self._of_target[name]

    def _ended(self, task: "asyncio.Task[None]", name: str) -> None:
        self._tasks.discard(task)
        self._leave(name)
        if not task.cancelled() and task.exception() is not None:
            _log.error("the delivery of an event failed; it is tried again", exc_info=task.exception())

    async def _attempt(self, held: Due, event: EventRecord, target: RemoteTarget) -> None:
        delivery = Delivery(
            target_arn=event.target,
            body=event.body,
            delivery_id=event.delivery_id,
            source_arn=event.source_arn,
            account=event.account,
            trace_header=event.trace_header,
        )
        told = {"target": event.target, "delivery_id": event.delivery_id, "attempts": event.attempts + 1}
        try:
            taken = await target.send(delivery)
        except ServiceError as error:
            if event.attempts + 1 < ATTEMPTS_MAX:
                _log.warning("an event could not be delivered and will be tried again: %s", error, extra=told)
                later = msgspec.structs.replace(event, attempts=event.attempts + 1)
                await self._move(held, retry_ms(event.attempts), later)
                return
            taken = False
        await self._store.engine.transact((held.key[:PARTITION_BYTES],), drop, held, grows=False)
        if not taken:
            _log.warning("an event was dropped: its target is gone or refuses it", extra=told)

    async def _move(self, entry: Due, wait_ms: int, event: EventRecord) -> Due | None:
        """Let an entry wait; return it as it lies now, None where it is not there any more."""
        request = Move(entry, self._store.clock.deadline_ms() + wait_ms, records.encode(event))
        moved = await self._store.engine.transact((entry.key[:PARTITION_BYTES],), move, request, grows=False)
        return msgspec.structs.replace(entry, at_ms=request.until_ms, payload=request.payload) if moved else None


def move(txn: Txn, request: Move) -> bool:
    """Let an entry wait; False where it is not there any more."""
    entry = request.entry
    if not txn.undue(entry.at_ms, entry.kind, entry.key):
        return False
    txn.due(request.until_ms, entry.kind, entry.key, request.payload)
    return True


def drop(txn: Txn, entry: Due) -> None:
    """Remove an entry."""
    txn.undue(entry.at_ms, entry.kind, entry.key)

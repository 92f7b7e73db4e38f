"""Carries events from the outbox to their queues: the deed of `object.notify`.

Promises: an event reaches its queue at least once, and a repetition is recognised there by its delivery id; where one
transaction can span both, the event leaves the outbox in the commit that puts it into the queue, so it arrives exactly
once. A target that is gone, or that refuses, loses the event with a log line; one that fails for a while is tried
again, later each time, while others are served.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Protocol

import msgspec

from cumulo.core.clocks import Clock
from cumulo.core.errors import NOT_IMPLEMENTED, ServiceError
from cumulo.core.ports import Delivery, DeliveryTarget
from cumulo.object_store import keys
from cumulo.object_store.keys import EventRecord
from cumulo.storage import records
from cumulo.storage.engine import PARTITION_BYTES, Due, Engine, Txn

RETRY_MS_MIN = 1_000
RETRY_MS_MAX = 300_000

_log = logging.getLogger("cumulo.object_store")


class Store(Protocol):
    """What the outbox needs of the service."""

    engine: Engine
    clock: Clock
    targets: Mapping[str, DeliveryTarget]


class _HandOver(msgspec.Struct, frozen=True):
    entry: Due
    target: DeliveryTarget
    delivery: Delivery
    now_ms: int


class _Retry(msgspec.Struct, frozen=True):
    entry: Due
    until_ms: int
    payload: bytes


async def notify(store: Store, entries: list[Due]) -> None:
    """Deliver events, side by side."""
    if not store.engine.atomic_across:
        raise NOT_IMPLEMENTED.error(what="delivering notifications on an engine without transactions over partitions")
    await asyncio.gather(*(_deliver(store, entry) for entry in entries))


async def _deliver(store: Store, entry: Due) -> None:
    event = keys.decode_event(entry.payload)
    own = entry.key[:PARTITION_BYTES]
    target = store.targets.get(arn_service(event.target_arn))
    try:
        partitions = () if target is None else target.partitions(event.target_arn)
        if target is None or not partitions:
            await store.engine.transact((own,), _drop, entry, grows=False)
            delivered = False
        else:
            delivery = Delivery(
                target_arn=event.target_arn,
                body=event.body,
                delivery_id=event.delivery_id,
                source_arn=event.source_arn,
                account=event.account,
            )
            now_ms = store.clock.deadline_ms()
            request = _HandOver(entry, target, target.prepared(delivery, now_ms), now_ms)
            delivered = await store.engine.transact(tuple({own, *partitions}), _hand_over, request)
    except ServiceError as error:
        await _retry(store, entry, event, error)
        return
    if not delivered:
        _log.warning(
            "an event was dropped: its target is gone or refuses it",
            extra={"target": event.target_arn, "source": event.source_arn, "delivery_id": event.delivery_id},
        )


async def _retry(store: Store, entry: Due, event: EventRecord, error: ServiceError) -> None:
    later_ms = min(RETRY_MS_MIN << min(event.attempts, 16), RETRY_MS_MAX)
    _log.warning(
        "an event could not be delivered and will be tried again: %s",
        error,
        extra={"target": event.target_arn, "delivery_id": event.delivery_id, "attempts": event.attempts + 1},
    )
    payload = records.encode(msgspec.structs.replace(event, attempts=event.attempts + 1))
    request = _Retry(entry, store.clock.deadline_ms() + later_ms, payload)
    await store.engine.transact((entry.key[:PARTITION_BYTES],), _postpone, request, grows=False)


def arn_service(arn: str) -> str:
    """Return the service that an ARN belongs to."""
    return arn.split(":", 3)[2] if arn.count(":") >= 5 else ""


def _hand_over(txn: Txn, request: _HandOver) -> bool:
    entry = request.entry
    if not txn.undue(entry.at_ms, entry.kind, entry.key):
        return True  # delivered already
    return request.target.deliver(txn, request.delivery, request.now_ms)


def _drop(txn: Txn, entry: Due) -> None:
    txn.undue(entry.at_ms, entry.kind, entry.key)


def _postpone(txn: Txn, request: _Retry) -> None:
    entry = request.entry
    if txn.undue(entry.at_ms, entry.kind, entry.key):
        txn.due(request.until_ms, entry.kind, entry.key, request.payload)

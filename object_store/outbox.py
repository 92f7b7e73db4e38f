"""Carries events from the outbox to where they go: the deed of `object.notify`.

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
from cumulo.core.ports import Delivery, DeliveryTarget, RemoteTarget
from cumulo.object_store import keys
from cumulo.object_store.keys import EventRecord
from cumulo.object_store.notifications import EVENTS_SERVICE
from cumulo.object_store.remote_deliveries import Move, RemoteDeliveries, drop, move, retry_ms
from cumulo.storage import records
from cumulo.storage.engine import PARTITION_BYTES, Due, Engine, Txn

_log = logging.getLogger("cumulo.object_store")


class Store(Protocol):
    """What the outbox needs of the service."""

    engine: Engine
    clock: Clock
    targets: Mapping[str, DeliveryTarget]
    remotes: Mapping[str, RemoteTarget]
    remote: RemoteDeliveries
    event_bus: str


class _HandOver(msgspec.Struct, frozen=True):
    entry: Due
    target: DeliveryTarget
    delivery: Delivery
    now_ms: int


async def notify(store: Store, entries: list[Due]) -> None:
    """Deliver events, side by side."""
    if not store.engine.atomic_across:
        raise NOT_IMPLEMENTED.error(what="delivering notifications on an engine without transactions over partitions")
    await asyncio.gather(*(_deliver(store, entry) for entry in entries))


async def _deliver(store: Store, entry: Due) -> None:
    event = keys.decode_event(entry.payload)
    own = entry.key[:PARTITION_BYTES]
    if service_of(event.target) == EVENTS_SERVICE:
        if not store.event_bus:  # a bus without a rule
            await store.engine.transact((own,), drop, entry, grows=False)
            return
        event = msgspec.structs.replace(event, target=store.event_bus)
    service = service_of(event.target)
    if service in store.remotes:
        await store.remote.begin(entry, event, store.remotes[service])
        return
    target = store.targets.get(service)
    try:
        partitions = () if target is None else target.partitions(event.target)
        if target is None or not partitions:
            await store.engine.transact((own,), drop, entry, grows=False)
            delivered = False
        else:
            delivery = Delivery(
                target_arn=event.target,
                body=event.body,
                delivery_id=event.delivery_id,
                source_arn=event.source_arn,
                account=event.account,
                trace_header=event.trace_header,
            )
            now_ms = store.clock.deadline_ms()
            request = _HandOver(entry, target, await target.prepared(delivery, now_ms), now_ms)
            delivered = await store.engine.transact(tuple({own, *partitions}), _hand_over, request)
    except ServiceError as error:
        await _retry(store, entry, event, error)
        return
    if not delivered:
        _log.warning(
            "an event was dropped: its target is gone or refuses it",
            extra={"target": event.target, "source": event.source_arn, "delivery_id": event.delivery_id},
        )


async def _retry(store: Store, entry: Due, event: EventRecord, error: ServiceError) -> None:
    _log.warning(
        "an event could not be delivered and will be tried again: %s",
        error,
        extra={"target": event.target, "delivery_id": event.delivery_id, "attempts": event.attempts + 1},
    )
    payload = records.encode(msgspec.structs.replace(event, attempts=event.attempts + 1))
    request = Move(entry, store.clock.deadline_ms() + retry_ms(event.attempts), payload)
    await store.engine.transact((entry.key[:PARTITION_BYTES],), move, request, grows=False)


def service_of(target: str) -> str:
    """Return the service that an ARN belongs to, or the scheme of a URL."""
    if target.startswith("arn:"):
        return target.split(":", 3)[2] if target.count(":") >= 5 else ""
    return target.partition("://")[0].lower() if "://" in target else ""


def _hand_over(txn: Txn, request: _HandOver) -> bool:
    entry = request.entry
    if not txn.undue(entry.at_ms, entry.kind, entry.key):
        return True  # delivered already
    return request.target.deliver(txn, request.delivery, request.now_ms)

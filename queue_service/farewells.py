"""Farewells: endpoints are told that their subscription has ended, and may restore it for two days.

SNS's UnsubscribeConfirmation: a protection against whoever found a link. The queue of the subscription is gone by then,
so what is to be said lies in the due entry itself. It is put off while somebody is at it, as those of deliveries are,
and stays until the time for second thoughts is over; then the subscription's row goes with it.

At most `AT_ONCE` endpoints are told at once; what is beyond that waits for its entry's next time. Does not know how an
endpoint is reached.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from cumulo.core.clocks import Clock
from cumulo.queue_service.endpoint_delivery import HOLD_MS, Target, finished
from cumulo.queue_service.entrances import FAREWELL
from cumulo.queue_service.topic_envelopes import FAREWELL as FAREWELL_MESSAGE
from cumulo.queue_service.topic_envelopes import StoredNotice
from cumulo.queue_service.topic_keys import Farewell, decode_farewell, decode_subscription, ended_key, owner_in
from cumulo.queue_service.topic_model import PublishEntry
from cumulo.queue_service.topics import meta_of
from cumulo.storage import records
from cumulo.storage.engine import Due, Engine, Txn

AT_ONCE: Final = 32
_log = logging.getLogger("cumulo.topics")
Tell = Callable[[Target, StoredNotice, int], Awaitable[int | None]]
"""Tries once to tell an endpoint something: subscription, what, and the number of the attempt. Returns in how many
seconds to try again, None where there is nothing more to try.
"""


class StampedFarewells(msgspec.Struct, frozen=True):
    """Due entries to put off, or to remove where the time for second thoughts is over."""

    entries: tuple[Due, ...]
    now_ms: int


class StampedTold(msgspec.Struct, frozen=True):
    """What became of an attempt: the due entry, which stands at `held_ms`, goes to `next_ms`."""

    key: bytes
    held_ms: int
    next_ms: int
    farewell: Farewell


def hold(txn: Txn, request: StampedFarewells) -> tuple[Target | None, ...]:
    """Put due entries off; return for each whom to tell, None where there is nobody to be told."""
    return tuple(_held(txn, entry, request.now_ms) for entry in request.entries)


def _held(txn: Txn, entry: Due, now_ms: int) -> Target | None:
    partition, number = owner_in(entry.key)
    if not txn.undue(entry.at_ms, entry.kind, entry.key):
        return None
    key, meta, farewell = ended_key(partition, number), meta_of(txn, partition), decode_farewell(entry.payload)
    raw = txn.get(key)
    if raw is None:
        return None  # it was restored
    if meta is None or farewell.end_ms <= now_ms:
        txn.delete(key)
        return None
    if farewell.told:
        txn.due(farewell.end_ms, FAREWELL, entry.key, entry.payload)
        return None
    txn.due(now_ms + HOLD_MS, FAREWELL, entry.key, entry.payload)
    return Target(meta, partition, number, decode_subscription(raw))


def put_off(txn: Txn, request: StampedTold) -> None:
    """Note what became of an attempt."""
    if txn.undue(request.held_ms, FAREWELL, request.key):
        txn.due(request.next_ms, FAREWELL, request.key, records.encode(request.farewell))


class Farewells:
    """Tells endpoints of the end of their subscriptions, by `tell`."""

    def __init__(self, engine: Engine, clock: Clock, tell: Tell) -> None:
        self._engine = engine
        self._clock = clock
        self._tell = tell
        self._telling: dict[bytes, asyncio.Task[None]] = {}
        self._is_closed = False

    async def on_due(self, entries: list[Due]) -> None:
        """Begin to tell the endpoints of some due entries: the deed of `topic.farewell`."""
        now_ms = self._clock.deadline_ms()
        partitions = dict.fromkeys(owner_in(entry.key)[0] for entry in entries)
        stamped = StampedFarewells(tuple(entries), now_ms)
        found: tuple[Target | None, ...] = await self._engine.transact(tuple(partitions), hold, stamped, grows=False)
        for entry, target in zip(entries, found, strict=True):
            is_full = self._is_closed or len(self._telling) >= AT_ONCE
            if target is not None and not is_full and entry.key not in self._telling:
                task = asyncio.create_task(self._tell_one(entry, target, now_ms + HOLD_MS), name="farewell")
                self._telling[entry.key] = task

    async def settle(self) -> None:
        """Wait until nobody is being told anything."""
        while self._telling:
            await asyncio.wait(tuple(self._telling.values()))

    def close(self) -> None:
        """Begin to tell nobody else."""
        self._is_closed = True

    async def drain(self) -> None:
        """Close, and finish what is under way, or break it off."""
        self.close()
        await finished(self._telling.values())

    async def _tell_one(self, entry: Due, target: Target, held_ms: int) -> None:
        farewell = decode_farewell(entry.payload)
        attempt = farewell.attempts + 1
        notice = StoredNotice(PublishEntry(body=""), farewell.message_id, farewell.published_ms, kind=FAREWELL_MESSAGE)
        try:
            delay_s = await self._tell(target, notice, attempt)
            next_ms = farewell.end_ms if delay_s is None else self._clock.deadline_ms() + delay_s * 1000
            changed = msgspec.structs.replace(farewell, attempts=attempt, told=delay_s is None)
            stamped = StampedTold(entry.key, held_ms, next_ms, changed)
            await self._engine.transact((target.partition,), put_off, stamped, grows=False)
        except Exception as error:  # noqa: BLE001 - its due entry is there still: it will be tried again
            _log.warning("a farewell failed, will be tried again", extra={"reason": str(error)}, exc_info=error)
        finally:
            del self._telling[entry.key]

"""Drives schedules: looks what is due on a snapshot, decides what is sent and when to come again, and runs the step.

The transaction (`schedules.fire`) takes the decision only where nothing has changed since. A schedule sends in the name
of who made or last changed it, with what he may do at the time: a permission that he loses ends it with `FAILED`, until
somebody who may send changes it.

The wall clock says when an instant has come; the due index counts the time until then by the deadline clock, at most
`LOOK_AGAIN_MS` at once, so that a step of the system clock is seen. An instant that has passed by more than
`MISSED_AFTER_MS` when its turn comes, since no server ran, was missed: it is made up for by one message, or skipped, as
the schedule says, and so are those between it and now, together.
"""

import asyncio
from datetime import UTC, datetime

import msgspec

from cumulo.core.clocks import Clock
from cumulo.core.errors import ServiceError
from cumulo.core.ids import Randomness
from cumulo.core.operations import Check
from cumulo.identity.authorizer import Authorizer, Guard
from cumulo.queue_service import stamping
from cumulo.queue_service.instants import next_instant_ms
from cumulo.queue_service.keys import META, QueueName, decode_meta
from cumulo.queue_service.kms_data_keys import is_refusal_of_key
from cumulo.queue_service.message_model import MessageAttribute, SendEntry
from cumulo.queue_service.messages import StampedSend
from cumulo.queue_service.model import is_fifo
from cumulo.queue_service.mover import SEND, context_of
from cumulo.queue_service.queue_attributes import Place
from cumulo.queue_service.queues import DirectoryChanged, Lookup, follow
from cumulo.queue_service.schedule_model import INSTANT_ATTRIBUTE, SCHEDULE_ATTRIBUTE, ScheduleState
from cumulo.queue_service.schedules import (
    ScheduleRow,
    StampedFire,
    decode_schedule,
    fire,
    opened,
    schedule_id_of,
    unwrapped,
)
from cumulo.queue_service.sealing import MessageSeals, Sealing
from cumulo.storage.engine import ROOT, Due, Engine, ReadTxn

LOOK_AGAIN_MS = 3_600_000
"""A schedule looks at the wall clock at least so often."""
PLANS_MAX = 3
MISSED_AFTER_MS = 60_000
"""So late an instant was missed."""


class Plan(msgspec.Struct, frozen=True):
    """A schedule whose entry is due, as a snapshot showed it, and its queue."""

    stored: bytes
    place: Place
    queue: QueueName


class Scheduler:
    """The due handler of schedules."""

    def __init__(
        self, engine: Engine, authorizer: Authorizer, clock: Clock, randomness: Randomness, seals: MessageSeals
    ) -> None:
        self._engine = engine
        self._seals = seals
        self._authorizer = authorizer
        self._clock = clock
        self._randomness = randomness

    async def run(self, entries: list[Due]) -> None:
        """Take each schedule one step on."""
        await asyncio.gather(*(self._run(entry) for entry in entries))

    async def _run(self, entry: Due) -> None:
        for _ in range(PLANS_MAX - 1):
            try:
                return await self._take(entry)
            except DirectoryChanged:
                continue  # the queue was given another key
        return await self._take(entry)

    async def _take(self, entry: Due) -> None:
        partition = entry.key[:8]
        plan: Plan | None = await self._engine.read((ROOT, partition), plan_step, entry.key)
        step = StampedFire(entry, b"", ScheduleRow(), None) if plan is None else await self._step(entry, plan)
        await self._engine.transact((ROOT, partition), fire, step)

    async def _step(self, entry: Due, plan: Plan) -> StampedFire:
        row, wall_ms, now_ms = decode_schedule(plan.stored), self._clock.wall_ms(), self._clock.deadline_ms()
        if wall_ms < row.next_ms:
            return StampedFire(entry, plan.stored, planned(row, row.next_ms, wall_ms, now_ms), None)
        instant_ms = row.next_ms
        ctx = context_of(row.on_behalf_of)
        guard = Guard(plan.place.account, plan.queue.policy)
        try:
            self._authorizer.authorize(ctx, (Check(SEND, plan.place.arn),), guard)
        except ServiceError as error:
            return StampedFire(entry, plan.stored, _failed(row, error), None)
        following = planned(row, following_ms(row, wall_ms), wall_ms, now_ms)
        if row.skip_missed and wall_ms - instant_ms > MISSED_AFTER_MS:
            return StampedFire(entry, plan.stored, following, None)
        partition = entry.key[:8]
        try:
            clear = await unwrapped(self._seals, ctx, partition, schedule_id_of(entry.key), row, now_ms)
            sealing = await self._seals.sealing_for(ctx, plan.place.arn, plan.queue, now_ms)
        except ServiceError as error:
            if not is_refusal_of_key(error):
                raise
            return StampedFire(entry, plan.stored, _failed(row, error), None)
        send, message_id = self._stamped(entry, plan, clear, ctx.principal.id, sealing)
        sent = msgspec.structs.replace(
            following,
            reason="",
            last_ms=instant_ms,
            last_message_id=message_id,
            sent_count=row.sent_count + 1,
        )
        return StampedFire(entry, plan.stored, sent, send)

    def _stamped(
        self, entry: Due, plan: Plan, row: ScheduleRow, sender_id: str, sealing: Sealing | None
    ) -> tuple[StampedSend, str]:
        """Return the message of a schedule's instant, and its id."""
        partition, schedule_id, fifo = entry.key[:8], schedule_id_of(entry.key), is_fifo(plan.place.name)
        written = opened(self._seals, partition, schedule_id, row)
        instant = datetime.fromtimestamp(row.next_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        attributes = (
            *written.attributes,
            MessageAttribute(SCHEDULE_ATTRIBUTE, "String", schedule_id.encode()),
            MessageAttribute(INSTANT_ATTRIBUTE, "String", instant.encode()),
        )
        message = SendEntry(
            written.body,
            tuple(sorted(attributes, key=lambda it: it.name)),
            group_id=row.group_id or None,
            deduplication_id=f"{schedule_id}/{row.next_ms}" if fifo else None,
            priority=None if fifo else row.priority,
        )
        seed = self._randomness.token_bytes(stamping.SEED_BYTES)
        wall_ms, now_ms = self._clock.wall_ms(), self._clock.deadline_ms()
        messages, sent, invalid = stamping.stamp_entries(
            (message,), seed, sender_id, wall_ms, now_ms, fifo=fifo, sealing=sealing
        )
        assert not invalid, invalid  # checked when the schedule was written
        key_id = sealing.key_id if sealing else b""
        send = StampedSend(plan.place.name, partition, tuple(messages), seed, now_ms, key_id)
        return send, sent[0].message_id


def _failed(row: ScheduleRow, error: ServiceError) -> ScheduleRow:
    return msgspec.structs.replace(row, state=ScheduleState.FAILED.value, reason=error.message, next_ms=0, due_ms=0)


def following_ms(row: ScheduleRow, wall_ms: int) -> int | None:
    """Return the next instant of a schedule: none that it has sent for already, wherever the wall clock stands."""
    return next_instant_ms(row.timing, row.anchor_ms, max(wall_ms, row.next_ms, row.last_ms))


def planned(row: ScheduleRow, next_ms: int | None, wall_ms: int, now_ms: int) -> ScheduleRow:
    """Return a schedule that is armed for its next instant; one without a next instant is over."""
    if next_ms is None:
        return msgspec.structs.replace(row, state=ScheduleState.COMPLETED.value, next_ms=0, due_ms=0)
    due_ms = now_ms + min(max(next_ms - wall_ms, 0), LOOK_AGAIN_MS)
    return msgspec.structs.replace(row, next_ms=next_ms, due_ms=due_ms)


def plan_step(txn: ReadTxn, key: bytes) -> Plan | None:
    """Return the schedule of a due entry, None where it is gone; a read function."""
    stored, raw = txn.get(key), txn.get(key[:8] + META)
    if stored is None or raw is None:
        return None
    meta = decode_meta(raw)
    place = Place(meta.account, meta.region, meta.name)
    found = follow(txn, Lookup(place))
    assert found is not None, place
    return Plan(stored, place, found.row)

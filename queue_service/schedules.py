"""Schedules: messages that a queue is sent again and again, by cron expression or rate, or once.

A schedule is a row in its queue's partition and, while it is active, one due entry that drives it:

    q     ("schedules", name)                      ScheduleRow

Sending and moving the schedule on to its next instant are one transaction, so no restart and no crash sends twice for
an instant, and none loses one. When the next instant is, who may do what, and which bytes are stored, is decided
outside on a snapshot (`scheduler`), since it takes clocks, time zones and policies; the transaction takes that only
where the row is still what the snapshot showed. The rows go with their queue, and outlive a purge.
"""

import msgspec

from cumulo.core.context import CallContext
from cumulo.queue_service.errors import SCHEDULE_DOES_NOT_EXIST, SCHEDULE_EXISTS, TOO_MANY_SCHEDULES
from cumulo.queue_service.keys import SCHEDULES, Envelope, StoredMessage
from cumulo.queue_service.kinds import send_messages
from cumulo.queue_service.message_model import PRIORITY_DEFAULT, MessageAttributes
from cumulo.queue_service.messages import StampedSend
from cumulo.queue_service.model import is_fifo
from cumulo.queue_service.queue_attributes import Place
from cumulo.queue_service.queues import DirectoryChanged, confirm
from cumulo.queue_service.schedule_model import (
    SCHEDULES_MAX,
    Schedule,
    ScheduledMessage,
    ScheduleState,
    Timing,
)
from cumulo.queue_service.sealing import MessageSeals, Readable
from cumulo.storage import records, tuples
from cumulo.storage.engine import Due, ReadTxn, Txn
from cumulo.storage.tuples import u64

FIRE = "queue.schedule"
"""Due kind: a schedule's next instant has come, or the wall clock is to be looked at again. Key: its row's."""


class ScheduleRow(records.Record, frozen=True):
    """A schedule. `anchor_ms` is when its timing was set. All times are the wall clock's, but for `due_ms`, where its
    due entry stands by the deadline clock (0: none). `on_behalf_of` is the encoded caller in whose name it sends. In an
    encrypted queue `body` is what `sealing` made of body and attributes, under the key of `key_id` and `key_period_ms`,
    and of `envelope`.
    """

    cron: str = ""
    time_zone: str = ""
    every_s: int = 0
    at_ms: int = 0
    anchor_ms: int = 0
    body: bytes = b""
    attributes: MessageAttributes = ()
    group_id: str = ""
    priority: int = PRIORITY_DEFAULT
    skip_missed: bool = False
    state: str = ScheduleState.ACTIVE.value
    reason: str = ""
    next_ms: int = 0
    due_ms: int = 0
    last_ms: int = 0
    last_message_id: str = ""
    sent_count: int = 0
    create_ms: int = 0
    update_ms: int = 0
    on_behalf_of: bytes = b""
    key_id: bytes = b""
    key_period_ms: int = 0
    envelope: Envelope | None = None

    @property
    def timing(self) -> Timing:
        """When it sends."""
        return Timing(self.cron, self.time_zone, self.every_s, self.at_ms)


decode_schedule = records.decoder(ScheduleRow).decode


class StampedSchedule(msgspec.Struct, frozen=True):
    """A schedule to write: a new one where `before` is empty, else in the place of the row `before`."""

    place: Place
    partition: bytes
    schedule_id: str
    row: ScheduleRow
    before: bytes = b""


class StampedLook(msgspec.Struct, frozen=True):
    """A schedule to look at, or to delete."""

    place: Place
    partition: bytes
    schedule_id: str


class ScheduleShown(msgspec.Struct, frozen=True):
    """A schedule as it is stored, to be opened and shown."""

    place: Place
    partition: bytes
    schedule_id: str
    row: ScheduleRow


class StampedPage(msgspec.Struct, frozen=True):
    """A page of schedules to list, from behind the name `last`."""

    place: Place
    partition: bytes
    last: str
    limit: int


class StampedFire(msgspec.Struct, frozen=True):
    """A step of a schedule whose row is `before`: send, where there is something to send, and become `after`."""

    entry: Due
    before: bytes
    after: ScheduleRow
    send: StampedSend | None


def schedule_key(partition: bytes, schedule_id: str) -> bytes:
    """Return the key of a schedule's row."""
    return partition + SCHEDULES + tuples.encode((schedule_id,))


def schedule_id_of(key: bytes) -> str:
    """Return the name in a schedule's key."""
    name = tuples.decode(key[8:])[-1]
    assert isinstance(name, str)
    return name


def due_payload(row: ScheduleRow) -> bytes:
    """Return what marks a schedule's entry: its time does not, since one that failed is put off."""
    return u64(row.due_ms)


def write_schedule(txn: Txn, request: StampedSchedule) -> str:
    """Make or change a schedule; return its name. Raises where it is there already, or there are too many."""
    confirm(txn, request.place, request.partition)
    key = schedule_key(request.partition, request.schedule_id)
    stored = txn.get(key)
    if not request.before:
        if stored is not None:
            raise SCHEDULE_EXISTS.error(schedule=request.schedule_id)
        prefix = request.partition + SCHEDULES
        if len(txn.range(prefix, tuples.after(prefix), SCHEDULES_MAX)) >= SCHEDULES_MAX:
            raise TOO_MANY_SCHEDULES.error(limit=SCHEDULES_MAX)
    elif stored is None:
        raise SCHEDULE_DOES_NOT_EXIST.error(schedule=request.schedule_id)
    elif stored != request.before:
        raise DirectoryChanged
    _put(txn, key, stored, request.row)
    return request.schedule_id


def delete_schedule(txn: Txn, request: StampedLook) -> None:
    """Delete a schedule."""
    confirm(txn, request.place, request.partition)
    key = schedule_key(request.partition, request.schedule_id)
    stored = txn.get(key)
    if stored is None:
        raise SCHEDULE_DOES_NOT_EXIST.error(schedule=request.schedule_id)
    _disarm(txn, key, stored)
    txn.delete(key)


def get_schedule(txn: ReadTxn, request: StampedLook) -> ScheduleShown:
    """Return a schedule; a read function."""
    confirm(txn, request.place, request.partition)
    stored = txn.get(schedule_key(request.partition, request.schedule_id))
    if stored is None:
        raise SCHEDULE_DOES_NOT_EXIST.error(schedule=request.schedule_id)
    return ScheduleShown(request.place, request.partition, request.schedule_id, decode_schedule(stored))


def opened(seals: MessageSeals, partition: bytes, schedule_id: str, row: ScheduleRow) -> Readable:
    """Return the body and attributes of a schedule's message; raises `MESSAGE_UNREADABLE`."""
    return seals.open(partition, _sealed_message(schedule_id, row))


async def unwrapped(
    seals: MessageSeals, ctx: CallContext, partition: bytes, schedule_id: str, row: ScheduleRow, now_ms: int
) -> ScheduleRow:
    """Return a schedule with its message in the clear where the key service must be asked for it, in a caller's name;
    raises what forbids that.
    """
    if row.envelope is None:
        return row
    it = await seals.unwrapped(ctx, partition, _sealed_message(schedule_id, row), now_ms)
    return msgspec.structs.replace(row, body=it.body, attributes=it.attributes, key_id=b"", envelope=None)


def _sealed_message(schedule_id: str, row: ScheduleRow) -> StoredMessage:
    return StoredMessage(
        message_id=sealed_as(schedule_id),
        body=row.body,
        attributes=row.attributes,
        key_id=row.key_id,
        key_period_ms=row.key_period_ms,
        envelope=row.envelope,
    )


def sealed_as(schedule_id: str) -> str:
    """Return the id under which a schedule's message is sealed: that of no message."""
    return f"schedule {schedule_id}"


def shown_schedule(seals: MessageSeals, it: ScheduleShown) -> Schedule:
    """Return a schedule with what it sends."""
    written = opened(seals, it.partition, it.schedule_id, it.row)
    priority = None if is_fifo(it.place.name) else it.row.priority
    message = ScheduledMessage(written.body, written.attributes, it.row.group_id or None, priority)
    return _shown(it.place, it.schedule_id, it.row, message)


def list_schedules(txn: ReadTxn, request: StampedPage) -> list[Schedule]:
    """Return at most `limit` schedules by name, without their messages; a read function."""
    confirm(txn, request.place, request.partition)
    prefix = request.partition + SCHEDULES
    start = schedule_key(request.partition, request.last) + b"\x00" if request.last else prefix
    return [
        _shown(request.place, schedule_id_of(key), decode_schedule(value), None)
        for key, value in txn.range(start, tuples.after(prefix), request.limit)
    ]


def fire(txn: Txn, request: StampedFire) -> None:
    """Take a schedule one step on: the deed of `queue.schedule`."""
    entry = request.entry
    txn.undue(entry.at_ms, entry.kind, entry.key)
    stored = txn.get(entry.key)
    if stored is None or due_payload(decode_schedule(stored)) != entry.payload:
        return  # deleted, or armed anew since
    if stored != request.before:
        txn.due(entry.at_ms, entry.kind, entry.key, entry.payload)
        return
    after = request.after
    if request.send is not None:
        outcome = send_messages(txn, request.send)
        if outcome.refused:
            after = msgspec.structs.replace(
                after,
                reason=outcome.refused[0].error().message,
                last_message_id="",
                sent_count=after.sent_count - 1,
            )
    _put(txn, entry.key, None, after)


def _put(txn: Txn, key: bytes, stored: bytes | None, row: ScheduleRow) -> None:
    if stored is not None:
        _disarm(txn, key, stored)
    txn.put(key, records.encode(row))
    if row.due_ms:
        txn.due(row.due_ms, FIRE, key, due_payload(row))


def _disarm(txn: Txn, key: bytes, stored: bytes) -> None:
    due_ms = decode_schedule(stored).due_ms
    if due_ms:
        txn.undue(due_ms, FIRE, key)


def _shown(place: Place, schedule_id: str, row: ScheduleRow, message: ScheduledMessage | None) -> Schedule:
    return Schedule(
        place=place,
        schedule_id=schedule_id,
        timing=row.timing,
        message=message,
        skip_missed=row.skip_missed,
        state=ScheduleState(row.state),
        reason=row.reason,
        next_ms=row.next_ms,
        last_ms=row.last_ms,
        last_message_id=row.last_message_id,
        sent_count=row.sent_count,
        create_ms=row.create_ms,
        update_ms=row.update_ms,
    )

"""How calls about schedules are resolved: names, checks, and the next instant by the wall clock."""

import re
from collections.abc import Mapping

import msgspec

from cumulo.core.context import CallContext
from cumulo.core.errors import INVALID_PARAMETER_VALUE, MISSING_PARAMETER
from cumulo.core.operations import Operation
from cumulo.identity.authorizer import Guard
from cumulo.identity.room import Resolved
from cumulo.queue_service import message_attributes, page_tokens, stamping
from cumulo.queue_service import schedule_model as model
from cumulo.queue_service.errors import SCHEDULE_DOES_NOT_EXIST
from cumulo.queue_service.instants import check_timing
from cumulo.queue_service.message_model import PRIORITY_DEFAULT, MessageAttributes, SendEntry
from cumulo.queue_service.model import is_fifo
from cumulo.queue_service.mover import on_behalf_of
from cumulo.queue_service.queue_attributes import Place
from cumulo.queue_service.queues import Found
from cumulo.queue_service.resolving import Desk, Resolver, checks_of, page_size
from cumulo.queue_service.scheduler import following_ms, planned
from cumulo.queue_service.schedules import (
    ScheduleRow,
    ScheduleShown,
    StampedLook,
    StampedPage,
    StampedSchedule,
    decode_schedule,
    schedule_key,
    sealed_as,
    unwrapped,
)
from cumulo.queue_service.sealing import Written
from cumulo.storage.engine import ROOT, VALUE_BYTES_MAX, ReadTxn
from cumulo.storage.records import encode

_NAME = re.compile(rf"[A-Za-z0-9_-]{{1,{model.SCHEDULE_NAME_CHARACTERS_MAX}}}")


class ResolvedWrite(Resolved, frozen=True):
    """A schedule to be made or changed; `look` shows what became of it. `body` and `attributes` are its message, in the
    clear where only the key service could tell it.
    """

    look: StampedLook | None = None
    body: bytes = b""
    attributes: MessageAttributes = ()

    def shown(self, it: ScheduleShown) -> ScheduleShown:
        """Return what was written, with its message in the clear where only the key service could tell it."""
        if it.row.envelope is None:
            return it
        row = msgspec.structs.replace(it.row, body=self.body, attributes=self.attributes, key_id=b"", envelope=None)
        return msgspec.structs.replace(it, row=row)


async def _create(desk: Desk, ctx: CallContext, operation: Operation, request: model.CreateSchedule) -> Resolved:
    place = desk.place(ctx, request.queue)
    _check_name(request.schedule_id)
    wall_ms = desk.clock.wall_ms()
    check_timing(request.timing, wall_ms)
    _check_message(request.message, place)
    found = await desk.find(place)
    if found is None:
        return desk.missing(operation, place)
    row = ScheduleRow(create_ms=wall_ms, skip_missed=request.skip_missed)
    _check_keys(desk, ctx, operation, place, found)
    row = await _with_message(
        desk, ctx, place, found, _with_timing(row, request.timing, wall_ms), request.schedule_id, request.message
    )
    row = _armed(desk, ctx, row, paused=request.paused)
    plain = msgspec.structs.replace(row, body=request.message.body, attributes=request.message.attributes)
    return _write(operation, place, found.row.partition, found.row.policy, request.schedule_id, row, b"", plain)


async def _update(desk: Desk, ctx: CallContext, operation: Operation, request: model.UpdateSchedule) -> Resolved:
    place = desk.place(ctx, request.queue)
    _check_name(request.schedule_id)
    wall_ms = desk.clock.wall_ms()
    if request.timing is not None:
        check_timing(request.timing, wall_ms)
    if request.message is not None:
        _check_message(request.message, place)
    found = await desk.find(place)
    if found is None:
        return desk.missing(operation, place)
    partition = found.row.partition
    key = schedule_key(partition, request.schedule_id)
    stored: bytes | None = await desk.engine.read((partition,), _stored, key)
    if stored is None:
        missing = desk.missing(operation, place)
        error = SCHEDULE_DOES_NOT_EXIST.error(schedule=request.schedule_id)
        return msgspec.structs.replace(missing, missing=error, guard=Guard(place.account, found.row.policy))
    row = decode_schedule(stored)
    _check_keys(desk, ctx, operation, place, found)
    if request.timing is not None:
        row = _with_timing(row, request.timing, wall_ms)
    if request.message is not None:
        row = await _with_message(desk, ctx, place, found, row, request.schedule_id, request.message)
        plain = msgspec.structs.replace(row, body=request.message.body, attributes=request.message.attributes)
    else:
        now_ms = desk.clock.deadline_ms()
        plain = await unwrapped(desk.seals, ctx, partition, request.schedule_id, row, now_ms)
    if request.skip_missed is not None:
        row = msgspec.structs.replace(row, skip_missed=request.skip_missed)
    paused = row.state == model.ScheduleState.PAUSED if request.paused is None else request.paused
    row = _armed(desk, ctx, row, paused=paused)
    return _write(operation, place, partition, found.row.policy, request.schedule_id, row, stored, plain)


def _stored(txn: ReadTxn, key: bytes) -> bytes | None:
    return txn.get(key)


def _write(
    operation: Operation,
    place: Place,
    partition: bytes,
    policy: str,
    schedule_id: str,
    row: ScheduleRow,
    before: bytes,
    plain: ScheduleRow,
) -> Resolved:
    if len(encode(row)) > VALUE_BYTES_MAX:
        raise INVALID_PARAMETER_VALUE.error(
            parameter="schedule", value="too large", allowed="message, and the caller's session, take less than 64 KiB"
        )
    return ResolvedWrite(
        StampedSchedule(place, partition, schedule_id, row, before),
        (ROOT, partition),
        checks_of(operation, place),
        Guard(place.account, policy),
        look=StampedLook(place, partition, schedule_id),
        body=plain.body,
        attributes=plain.attributes,
    )


def _with_timing(row: ScheduleRow, timing: model.Timing, wall_ms: int) -> ScheduleRow:
    return msgspec.structs.replace(
        row,
        cron=timing.cron,
        time_zone=timing.time_zone,
        every_s=timing.every_s,
        at_ms=timing.at_ms,
        anchor_ms=wall_ms,
        next_ms=0,
    )


def _check_message(message: model.ScheduledMessage, place: Place) -> None:
    """Raise what a send of a schedule's message would be refused with."""
    fifo = is_fifo(place.name)
    entry = SendEntry(
        message.body,
        message.attributes,
        group_id=message.group_id,
        deduplication_id="checked" if fifo else None,
        priority=message.priority,
    )
    if not message.body:
        raise MISSING_PARAMETER.error(parameter="body")
    _, _, invalid = stamping.stamp_entries((entry,), b"\x00" * stamping.SEED_BYTES, "", 0, 0, fifo=fifo)
    for error in invalid.values():
        raise error
    size_bytes = len(message.body) + message_attributes.size_bytes(message.attributes)
    if size_bytes > model.SCHEDULE_BYTES_MAX:
        raise INVALID_PARAMETER_VALUE.error(
            parameter="body",
            value=f"of {size_bytes} bytes with its attributes",
            allowed=f"a schedule's message has at most {model.SCHEDULE_BYTES_MAX} bytes",
        )
    if len(message.attributes) > model.SCHEDULE_ATTRIBUTES_MAX:
        raise INVALID_PARAMETER_VALUE.error(
            parameter="attributes",
            value=f"{len(message.attributes)} of them",
            allowed=f"a schedule's message has at most {model.SCHEDULE_ATTRIBUTES_MAX}",
        )
    for attribute in message.attributes:
        if attribute.name in (model.SCHEDULE_ATTRIBUTE, model.INSTANT_ATTRIBUTE):
            raise INVALID_PARAMETER_VALUE.error(
                parameter="attributes", value=attribute.name, allowed="the schedule sets this attribute"
            )


def _check_keys(desk: Desk, ctx: CallContext, operation: Operation, place: Place, found: Found) -> None:
    """See to it that the key service hears of nobody who may not write the schedule."""
    if desk.seals.has_key_service:
        desk.authorizer.authorize(ctx, checks_of(operation, place), Guard(place.account, found.row.policy))


async def _with_message(
    desk: Desk,
    ctx: CallContext,
    place: Place,
    found: Found,
    row: ScheduleRow,
    schedule_id: str,
    message: model.ScheduledMessage,
) -> ScheduleRow:
    """Return a schedule that sends this, sealed where its queue is encrypted."""
    sealing = await desk.seals.sealing_for(ctx, place.arn, found.row, desk.clock.deadline_ms())
    body, attributes = message.body, message.attributes
    if sealing is not None:
        body, attributes = sealing.seal(sealed_as(schedule_id), Written(body, attributes, "", "")), ()
    return msgspec.structs.replace(
        row,
        body=body,
        attributes=attributes,
        key_id=sealing.key_id if sealing else b"",
        key_period_ms=sealing.period_ms if sealing else 0,
        envelope=sealing.envelope if sealing else None,
        group_id=message.group_id or "",
        priority=PRIORITY_DEFAULT if message.priority is None else message.priority,
    )


def _armed(desk: Desk, ctx: CallContext, row: ScheduleRow, *, paused: bool) -> ScheduleRow:
    """Return a schedule that sends in the caller's name from now on, or is paused."""
    wall_ms, now_ms = desk.clock.wall_ms(), desk.clock.deadline_ms()
    row = msgspec.structs.replace(row, update_ms=wall_ms, on_behalf_of=on_behalf_of(ctx), reason="")
    if paused:
        return msgspec.structs.replace(row, state=model.ScheduleState.PAUSED.value, next_ms=0, due_ms=0)
    active = msgspec.structs.replace(row, state=model.ScheduleState.ACTIVE.value)
    if row.at_ms > row.last_ms:
        return planned(active, row.at_ms, wall_ms, now_ms)  # a time that has passed is sent for at once
    if row.next_ms:
        return planned(active, row.next_ms, wall_ms, now_ms)  # it may be due this very moment
    return planned(active, following_ms(row, wall_ms), wall_ms, now_ms)


async def _get(
    desk: Desk, ctx: CallContext, operation: Operation, request: model.GetSchedule | model.DeleteSchedule
) -> Resolved:
    place = desk.place(ctx, request.queue)
    _check_name(request.schedule_id)
    found = await desk.find(place)
    if found is None:
        return desk.missing(operation, place)
    partition = found.row.partition
    return Resolved(
        StampedLook(place, partition, request.schedule_id),
        (ROOT, partition),
        checks_of(operation, place),
        Guard(place.account, found.row.policy),
        grows=False,
    )


async def _list(desk: Desk, ctx: CallContext, operation: Operation, request: model.ListSchedules) -> Resolved:
    place = desk.place(ctx, request.queue)
    limit = page_size(request.page_size) if request.page_size else model.LIST_PAGE_DEFAULT
    last = page_tokens.opened(desk.sealer, page_tokens.listing(place.arn, "schedules"), request.page_token)
    found = await desk.find(place)
    if found is None:
        return desk.missing(operation, place)
    partition = found.row.partition
    return Resolved(
        StampedPage(place, partition, last, min(limit, model.SCHEDULES_MAX)),
        (ROOT, partition),
        checks_of(operation, place),
        Guard(place.account, found.row.policy),
    )


def _check_name(schedule_id: str) -> None:
    if not _NAME.fullmatch(schedule_id):
        raise INVALID_PARAMETER_VALUE.error(
            parameter="schedule",
            value=repr(schedule_id[: model.SCHEDULE_NAME_CHARACTERS_MAX]),
            allowed=f"1 to {model.SCHEDULE_NAME_CHARACTERS_MAX} of letters, digits, - and _",
        )


def shown_page(desk: Desk, page: StampedPage, schedules: list[model.Schedule]) -> model.SchedulePage:
    """Return a page of a list, with the token of the next one where it is full."""
    token = ""
    if len(schedules) == page.limit:
        listed = page_tokens.listing(page.place.arn, "schedules")
        token = page_tokens.sealed(desk.sealer, listed, schedules[-1].schedule_id)
    return model.SchedulePage(tuple(schedules), token)


RESOLVERS: Mapping[str, Resolver] = {
    "CreateSchedule": _create,
    "GetSchedule": _get,
    "ListSchedules": _list,
    "UpdateSchedule": _update,
    "DeleteSchedule": _get,
}

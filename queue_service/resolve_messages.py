"""How calls about messages are resolved."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from cumulo.core.context import CallContext
from cumulo.core.errors import ServiceError
from cumulo.core.operations import Operation
from cumulo.identity.authorizer import Guard
from cumulo.identity.room import Resolved
from cumulo.queue_service import message_model, model, receipts, stamping
from cumulo.queue_service.errors import NOT_OF_THIS_QUEUE_TYPE, TOO_MANY_ENTRIES_IN_BATCH_REQUEST
from cumulo.queue_service.keys import QueueName
from cumulo.queue_service.leases import StampedChange, StampedDelete
from cumulo.queue_service.messages import Demand, StampedReceive, StampedSend
from cumulo.queue_service.peeking import POSITION_MAX, StampedLook
from cumulo.queue_service.queue_attributes import Place
from cumulo.queue_service.resolving import Desk, Resolver, checks_of, guard_of

_NEVER = b"\x00" * receipts.TOKEN_BYTES
"""The token of a demand until a receive transaction gives it one."""


class ResolvedItems(Resolved, frozen=True):
    """A batch: `good` is the answer to each item should it succeed, `invalid` what was refused beforehand.

    A single form is a batch of one that `is_batch` denies: its answer or error stands alone.
    """

    is_batch: bool = True
    good: Sequence[Any] = ()
    invalid: stamping.Invalid = msgspec.field(default_factory=dict)


class ResolvedReceive(Resolved, frozen=True):
    """A receive, where from, with its directory row, and how long it may wait."""

    wait_s: int = 0
    place: Place | None = None
    row: QueueName | None = None


async def _send(desk: Desk, ctx: CallContext, operation: Operation, request: message_model.SendMessages) -> Resolved:
    place = desk.place(ctx, request.queue)
    stamping.check_count(request.entries, request.entries_max)
    found = await desk.use(place)
    if found is None:
        return desk.missing(operation, place)
    now_ms, seed = desk.clock.deadline_ms(), desk.randomness.token_bytes(stamping.SEED_BYTES)
    fifo = model.is_fifo(place.name)
    if fifo and request.request_id and len(request.entries) > message_model.FIFO_REMEMBERED_ENTRIES_MAX:
        limit = message_model.FIFO_REMEMBERED_ENTRIES_MAX
        raise TOO_MANY_ENTRIES_IN_BATCH_REQUEST.error(limit=limit, entries=len(request.entries))
    checks, guard = checks_of(operation, place), Guard(place.account, found.row.policy)
    if desk.seals.asks(found.row):  # the key service hears of nobody who may not send
        desk.authorizer.authorize(ctx, checks, guard)
    sealing = await desk.seals.sealing_for(ctx, place.arn, found.row, now_ms)
    messages, sent, invalid = stamping.stamp_entries(
        request.entries, seed, ctx.principal.id, desk.clock.wall_ms(), now_ms, fifo=fifo, sealing=sealing
    )
    partition = found.row.partition
    return ResolvedItems(
        StampedSend(place.name, partition, tuple(messages), seed, now_ms, sealing.key_id if sealing else b""),
        (partition,),
        checks,
        guard,
        is_batch=_is_batch(operation),
        good=sent,
        invalid=invalid,
    )


async def _delete(
    desk: Desk, ctx: CallContext, operation: Operation, request: message_model.DeleteMessages
) -> Resolved:
    place = desk.source(ctx, request.queue)
    stamping.check_count(request.receipt_handles, request.entries_max)
    found = await desk.use(place)
    if found is None:
        return desk.missing(operation, place)
    partition = found.row.partition
    parsed, invalid = stamping.parse_receipts(desk.sealer, partition, request.receipt_handles)
    return ResolvedItems(
        StampedDelete(
            place.name,
            partition,
            tuple(parsed),
            desk.clock.deadline_ms(),
            desk.in_flight_max,
            exactly_once=request.exactly_once,
        ),
        (partition,),
        checks_of(operation, place),
        guard_of(place, found),
        grows=False,
        is_batch=_is_batch(operation),
        good=(None,) * len(request.receipt_handles),
        invalid=invalid,
    )


async def _change(
    desk: Desk, ctx: CallContext, operation: Operation, request: message_model.ChangeVisibilities
) -> Resolved:
    place = desk.source(ctx, request.queue)
    stamping.check_count(request.entries, request.entries_max)
    found = await desk.use(place)
    if found is None:
        return desk.missing(operation, place)
    partition = found.row.partition
    parsed, invalid = stamping.parse_receipts(
        desk.sealer, partition, [entry.receipt_handle for entry in request.entries]
    )
    for index, entry in enumerate(request.entries):
        try:
            stamping.check_timeout(entry.visibility_timeout_s)
        except ServiceError as error:
            invalid[index] = error
    valid = tuple(receipt for receipt in parsed if receipt.index not in invalid)
    timeouts_s = tuple(request.entries[receipt.index].visibility_timeout_s for receipt in valid)
    return ResolvedItems(
        StampedChange(place.name, partition, valid, timeouts_s, desk.clock.deadline_ms()),
        (partition,),
        checks_of(operation, place),
        guard_of(place, found),
        grows=False,
        is_batch=_is_batch(operation),
        good=(None,) * len(request.entries),
        invalid=invalid,
    )


async def _renew(desk: Desk, ctx: CallContext, operation: Operation, request: message_model.RenewLeases) -> Resolved:
    entries = tuple(message_model.VisibilityChange(handle, request.timeout_s) for handle in request.receipt_handles)
    return await _change(desk, ctx, operation, message_model.ChangeVisibilities(queue=request.queue, entries=entries))


async def resolve_receive(
    desk: Desk, ctx: CallContext, operation: Operation, request: message_model.ReceiveMessages
) -> Resolved:
    """Look up and check a receive: a `ResolvedReceive`, or what refuses it."""
    place = desk.source(ctx, request.queue)
    if not 1 <= request.max_messages <= message_model.RECEIVE_MESSAGES_MAX:
        raise stamping.out_of_range("max_messages", request.max_messages, 1, message_model.RECEIVE_MESSAGES_MAX)
    if request.wait_s is not None and not 0 <= request.wait_s <= model.RECEIVE_WAIT_S_MAX:
        raise stamping.out_of_range("wait_s", request.wait_s, 0, model.RECEIVE_WAIT_S_MAX)
    if request.visibility_timeout_s is not None:
        stamping.check_timeout(request.visibility_timeout_s)
    if request.attempt_id:
        stamping.check_id("attempt_id", request.attempt_id)
        if not model.is_fifo(place.name):
            raise NOT_OF_THIS_QUEUE_TYPE.error(parameter="attempt_id", value=request.attempt_id)
    found = await desk.use(place, dead_letter=desk.engine.atomic_across)
    if found is None:
        return desk.missing(operation, place)
    row = found.row
    demand = Demand(request.max_messages, request.visibility_timeout_s, _NEVER, request.attempt_id)
    return ResolvedReceive(
        StampedReceive(place.name, row.partition, (demand,), found.dead_letter, 0),
        (row.partition,),
        checks_of(operation, place),
        guard_of(place, found),
        wait_s=row.receive_wait_s if request.wait_s is None else request.wait_s,
        place=place,
        row=row,
    )


async def _peek(desk: Desk, ctx: CallContext, operation: Operation, request: message_model.PeekMessages) -> Resolved:
    place = desk.source(ctx, request.queue)
    if not 1 <= request.max_messages <= message_model.RECEIVE_MESSAGES_MAX:
        raise stamping.out_of_range("max_messages", request.max_messages, 1, message_model.RECEIVE_MESSAGES_MAX)
    if not 0 <= request.after <= POSITION_MAX:
        raise stamping.out_of_range("after_position", request.after, 0, POSITION_MAX)
    if len(request.message_ids) > message_model.RECEIVE_MESSAGES_MAX:
        raise stamping.out_of_range("message_ids", len(request.message_ids), 0, message_model.RECEIVE_MESSAGES_MAX)
    found = await desk.find(place)
    if found is None:
        return desk.missing(operation, place)
    partition = found.row.partition
    return Resolved(
        StampedLook(
            place.name,
            partition,
            request.after,
            request.max_messages,
            desk.clock.deadline_ms(),
            desk.clock.wall_ms(),
            frozenset(request.message_ids),
        ),
        (partition,),
        checks_of(operation, place),
        guard_of(place, found),
    )


def _is_batch(operation: Operation) -> bool:
    return operation.name.startswith("Batch") or operation.name == "RenewLeases"


RESOLVERS: Mapping[str, Resolver] = {
    "SendMessage": _send,
    "BatchSendMessages": _send,
    "ReceiveMessages": resolve_receive,
    "PeekMessages": _peek,
    "DeleteMessage": _delete,
    "BatchDeleteMessages": _delete,
    "ChangeMessageVisibility": _change,
    "BatchChangeMessageVisibility": _change,
    "RenewLeases": _renew,
}

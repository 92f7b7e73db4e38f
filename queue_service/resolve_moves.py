"""How calls that move messages from queue to queue are resolved: tasks, and selected messages."""

from collections.abc import Mapping, Sequence

import msgspec

from cumulo.core.context import CallContext
from cumulo.core.errors import NOT_IMPLEMENTED, ServiceError
from cumulo.core.ids import uuid4_text
from cumulo.core.operations import Check, Operation
from cumulo.identity.authorizer import Guard
from cumulo.identity.room import Resolved
from cumulo.queue_service import model, move_model, receipts, stamping
from cumulo.queue_service.errors import (
    MESSAGE_UNREADABLE,
    MOVE_DESTINATION_IS_SOURCE,
    MOVE_NUMBER_OUT_OF_RANGE,
    MOVE_QUEUE_DOES_NOT_EXIST,
    MOVE_QUEUE_TYPES_DIFFER,
    MOVE_SOURCE_IS_NO_DEAD_LETTER_QUEUE,
    QUEUE_DOES_NOT_EXIST,
)
from cumulo.queue_service.keys import QueueName
from cumulo.queue_service.move_tasks import StampedCancel, StampedStart, StampedTaskList, Target
from cumulo.queue_service.mover import SEND, on_behalf_of
from cumulo.queue_service.moving import Selected, StampedMove
from cumulo.queue_service.peeking import POSITION_MAX, Looked, StampedLook, peek_messages
from cumulo.queue_service.queue_attributes import Place
from cumulo.queue_service.queues import StampedSources, list_dead_letter_sources
from cumulo.queue_service.resolve_messages import ResolvedItems
from cumulo.queue_service.resolving import Desk, Resolver, checks_of, in_force
from cumulo.storage.engine import ROOT


async def _start(
    desk: Desk, ctx: CallContext, operation: Operation, request: move_model.StartMessageMoveTask
) -> Resolved:
    place = desk.place(ctx, request.source)
    if request.rate is not None and not 1 <= request.rate <= move_model.MOVE_RATE_MAX:
        raise MOVE_NUMBER_OUT_OF_RANGE.error(parameter="MaxNumberOfMessagesPerSecond", limit=move_model.MOVE_RATE_MAX)
    destination = desk.place(ctx, request.destination) if request.destination else None
    if destination == place:
        raise MOVE_DESTINATION_IS_SOURCE.error()
    found = await desk.find(place)
    if found is None:
        return _missing_source(desk, operation, place)
    checks = checks_of(operation, place)
    guard = in_force(ctx, operation, Guard(place.account, found.row.policy))
    # Before a word about other queues: whether they exist, and which of them send their dead letters here.
    desk.authorizer.authorize(ctx, checks, guard)
    missing, targets = await _check_move_targets(desk, ctx, place, destination)
    if missing is None:
        await _check_keys(desk, ctx, place, found.row, targets)
    return Resolved(
        StampedStart(
            place,
            found.row.partition,
            destination.arn if destination else "",
            request.rate or 0,
            uuid4_text(desk.randomness.token_bytes(16).hex()),
            on_behalf_of(ctx),
            desk.clock.wall_ms(),
            desk.clock.deadline_ms(),
        ),
        (ROOT, found.row.partition),
        checks,
        guard,
        missing=missing,
    )


async def _check_keys(desk: Desk, ctx: CallContext, place: Place, row: QueueName, targets: Sequence[Target]) -> None:
    """Raise what forbids a caller the key of the first message of a queue, or the keys of those that messages go to."""
    now_ms, seals = desk.clock.deadline_ms(), desk.seals
    if not seals.has_key_service:
        return
    for target in targets:
        await seals.sealing_for(ctx, target.place.arn, target.row, now_ms)
    look = StampedLook(place.name, row.partition, 0, 1, now_ms, desk.clock.wall_ms())
    looked: Looked = await desk.engine.read((row.partition,), peek_messages, look)
    for _, stored, _ in looked.messages:
        try:
            await seals.unwrapped(ctx, row.partition, stored, now_ms)
        except ServiceError as error:
            if error.row is not MESSAGE_UNREADABLE:
                raise


async def _check_move_targets(
    desk: Desk, ctx: CallContext, place: Place, destination: Place | None
) -> tuple[ServiceError | None, list[Target]]:
    """Raise where the caller may not send to a queue that messages go to, return what else forbids the task, and those
    queues that are there.
    """
    sources: list[model.Queue] = await desk.engine.read(
        (ROOT,), list_dead_letter_sources, StampedSources(place, "", model.LIST_PAGE_MAX)
    )
    if not sources:
        return MOVE_SOURCE_IS_NO_DEAD_LETTER_QUEUE.error(), []
    there: list[Target] = []
    targets = [destination] if destination else [Place(it.account, it.region, it.name) for it in sources]
    for target in targets:
        found = await desk.find(target)
        guard = Guard(target.account, found.row.policy if found else "")
        desk.authorizer.authorize(ctx, (Check(SEND, target.arn),), guard)
        if found is None and destination:
            return MOVE_QUEUE_DOES_NOT_EXIST.error(parameter="DestinationArn"), []
        if model.is_fifo(target.name) is not model.is_fifo(place.name):
            return MOVE_QUEUE_TYPES_DIFFER.error(), []
        if found is not None:
            there.append(Target(target, found.row))
    return None, there


async def _list(
    desk: Desk, ctx: CallContext, operation: Operation, request: move_model.ListMessageMoveTasks
) -> Resolved:
    place = desk.place(ctx, request.source)
    if not 1 <= request.max_results <= move_model.MOVE_TASKS_MAX:
        raise MOVE_NUMBER_OUT_OF_RANGE.error(parameter="MaxResults", limit=move_model.MOVE_TASKS_MAX)
    found = await desk.find(place)
    if found is None:
        return _missing_source(desk, operation, place)
    partition = found.row.partition
    return Resolved(
        StampedTaskList(place, partition, request.max_results),
        (ROOT, partition),
        checks_of(operation, place),
        Guard(place.account, found.row.policy),
    )


async def _cancel(
    desk: Desk, ctx: CallContext, operation: Operation, request: move_model.CancelMessageMoveTask
) -> Resolved:
    place = desk.place(ctx, request.source)
    found = await desk.find(place)
    if found is None:
        return _missing_source(desk, operation, place)
    partition = found.row.partition
    return Resolved(
        StampedCancel(place, partition, request.task_id),
        (ROOT, partition),
        checks_of(operation, place),
        Guard(place.account, found.row.policy),
        grows=False,
    )


async def _move(desk: Desk, ctx: CallContext, operation: Operation, request: move_model.MoveMessages) -> Resolved:
    place, destination = desk.place(ctx, request.source), desk.place(ctx, request.destination)
    stamping.check_count(request.messages, move_model.MOVE_MESSAGES_MAX)
    if destination == place:
        raise MOVE_DESTINATION_IS_SOURCE.error()
    found = await desk.find(place)
    if found is None:
        return desk.missing(operation, place)
    checks, guard = checks_of(operation, place), Guard(place.account, found.row.policy)
    # Before a word about the other queue.
    desk.authorizer.authorize(ctx, checks, guard)
    target = await desk.find(destination)
    guard_there = Guard(destination.account, target.row.policy if target else "")
    desk.authorizer.authorize(ctx, (Check(SEND, destination.arn),), guard_there)
    missing = None
    if target is None:
        missing = QUEUE_DOES_NOT_EXIST.error(queue=destination.name)
    elif model.is_fifo(destination.name) is not model.is_fifo(place.name):
        missing = MOVE_QUEUE_TYPES_DIFFER.error()
    elif not desk.engine.atomic_across:
        missing = NOT_IMPLEMENTED.error(what="Moving messages on an engine without transactions over several queues")
    partition = found.row.partition
    there = target.row.partition if target else b""
    selected, invalid = _selected(desk, partition, request)
    return ResolvedItems(
        StampedMove(
            place.name,
            partition,
            destination.name,
            there,
            selected,
            desk.clock.deadline_ms(),
            desk.in_flight_max,
        ),
        (partition, there) if there else (partition,),
        checks,
        guard,
        missing=missing,
        grows=False,
        good=(None,) * len(request.messages),
        invalid=invalid,
    )


def _selected(
    desk: Desk, partition: bytes, request: move_model.MoveMessages
) -> tuple[tuple[Selected, ...], dict[int, ServiceError]]:
    """Return the messages that are selected as they should be, and by their places what is wrong with the others."""
    selected, invalid = [], {}
    for index, it in enumerate(request.messages):
        try:
            if it.receipt_handle:
                receipt = receipts.parse(desk.sealer, partition, index, it.receipt_handle)
                selected.append(Selected(index, receipt=receipt))
            elif not 1 <= it.position <= POSITION_MAX:
                raise stamping.out_of_range("position", it.position, 1, POSITION_MAX)
            else:
                selected.append(Selected(index, it.position, it.message_id))
        except ServiceError as error:
            invalid[index] = error
    return tuple(selected), invalid


def _missing_source(desk: Desk, operation: Operation, place: Place) -> Resolved:
    missing = MOVE_QUEUE_DOES_NOT_EXIST.error(parameter="SourceArn")
    return msgspec.structs.replace(desk.missing(operation, place), missing=missing)


RESOLVERS: Mapping[str, Resolver] = {
    "StartMessageMoveTask": _start,
    "MoveMessages": _move,
    "ListMessageMoveTasks": _list,
    "CancelMessageMoveTask": _cancel,
}

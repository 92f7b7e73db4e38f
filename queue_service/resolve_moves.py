"""How calls about move tasks are resolved."""

from collections.abc import Mapping

import msgspec

from cumulo.core.context import CallContext
from cumulo.core.errors import ServiceError
from cumulo.core.ids import uuid4_text
from cumulo.core.operations import Check, Operation
from cumulo.identity.authorizer import Guard
from cumulo.identity.room import Resolved
from cumulo.queue_service import model
from cumulo.queue_service.errors import (
    MOVE_DESTINATION_IS_SOURCE,
    MOVE_NUMBER_OUT_OF_RANGE,
    MOVE_QUEUE_DOES_NOT_EXIST,
    MOVE_QUEUE_TYPES_DIFFER,
    MOVE_SOURCE_IS_NO_DEAD_LETTER_QUEUE,
)
from cumulo.queue_service.move_tasks import StampedCancel, StampedStart, StampedTaskList
from cumulo.queue_service.mover import SEND, on_behalf_of
from cumulo.queue_service.queue_attributes import Place
from cumulo.queue_service.queues import StampedSources, list_dead_letter_sources
from cumulo.queue_service.resolving import Desk, Resolver, checks_of, in_force
from cumulo.storage.engine import ROOT


async def _start(desk: Desk, ctx: CallContext, operation: Operation, request: model.StartMessageMoveTask) -> Resolved:
    place = desk.place(ctx, request.source)
    if request.rate is not None and not 1 <= request.rate <= model.MOVE_RATE_MAX:
        raise MOVE_NUMBER_OUT_OF_RANGE.error(parameter="MaxNumberOfMessagesPerSecond", limit=model.MOVE_RATE_MAX)
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
    missing = await _check_move_targets(desk, ctx, place, destination)
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


async def _check_move_targets(
    desk: Desk, ctx: CallContext, place: Place, destination: Place | None
) -> ServiceError | None:
    """Raise where the caller may not send to a queue that messages go to, return what else forbids the task."""
    sources: list[model.Queue] = await desk.engine.read(
        (ROOT,), list_dead_letter_sources, StampedSources(place, "", model.LIST_PAGE_MAX)
    )
    if not sources:
        return MOVE_SOURCE_IS_NO_DEAD_LETTER_QUEUE.error()
    targets = [destination] if destination else [Place(it.account, it.region, it.name) for it in sources]
    for target in targets:
        found = await desk.find(target)
        guard = Guard(target.account, found.row.policy if found else "")
        desk.authorizer.authorize(ctx, (Check(SEND, target.arn),), guard)
        if found is None and destination:
            return MOVE_QUEUE_DOES_NOT_EXIST.error(parameter="DestinationArn")
        if model.is_fifo(target.name) is not model.is_fifo(place.name):
            return MOVE_QUEUE_TYPES_DIFFER.error()
    return None


async def _list(desk: Desk, ctx: CallContext, operation: Operation, request: model.ListMessageMoveTasks) -> Resolved:
    place = desk.place(ctx, request.source)
    if not 1 <= request.max_results <= model.MOVE_TASKS_MAX:
        raise MOVE_NUMBER_OUT_OF_RANGE.error(parameter="MaxResults", limit=model.MOVE_TASKS_MAX)
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


async def _cancel(desk: Desk, ctx: CallContext, operation: Operation, request: model.CancelMessageMoveTask) -> Resolved:
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


def _missing_source(desk: Desk, operation: Operation, place: Place) -> Resolved:
    missing = MOVE_QUEUE_DOES_NOT_EXIST.error(parameter="SourceArn")
    return msgspec.structs.replace(desk.missing(operation, place), missing=missing)


RESOLVERS: Mapping[str, Resolver] = {
    "StartMessageMoveTask": _start,
    "ListMessageMoveTasks": _list,
    "CancelMessageMoveTask": _cancel,
}

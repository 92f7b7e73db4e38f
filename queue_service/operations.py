"""The operation table: the room on one page.

Each row names an operation, what it checks, and the function that does it. `checks` takes the place that the request
means (`queue_attributes.Place`), since that is what every permission of the room is about. The batch forms need the
permission of their single form, as in SQS; the streams of the gRPC edge are made of these operations.
"""

import functools
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Protocol

from cumulo.core.context import CallContext
from cumulo.core.operations import Check, Checks, Kind, Operation, OperationTable, Result
from cumulo.queue_service import message_model, model, move_model, schedule_model
from cumulo.queue_service.commits import Committed, Touched, commit_messages
from cumulo.queue_service.kinds import change_visibilities, delete_messages, send_messages
from cumulo.queue_service.leases import Outcome
from cumulo.queue_service.move_tasks import cancel_task, list_tasks, start_task
from cumulo.queue_service.mover import SEND, SOURCE_ACTIONS, source_checks
from cumulo.queue_service.moving import move_messages
from cumulo.queue_service.peeking import peek_messages
from cumulo.queue_service.queue_attributes import Place
from cumulo.queue_service.queues import (
    Named,
    change_tags,
    create_queue,
    delete_queue,
    get_queue,
    list_dead_letter_sources,
    list_queues,
    list_tags,
    purge_queue,
    replace_policy,
    update_queue,
)
from cumulo.queue_service.schedules import delete_schedule, get_schedule, list_schedules, write_schedule

OWNERS_ALONE = frozenset(
    (
        "CreateQueue",
        "UpdateQueue",
        "DeleteQueue",
        "ListQueues",
        "ListQueueTags",
        "TagQueue",
        "UntagQueue",
        "AddPermission",
        "RemovePermission",
        "StartMessageMoveTask",
        "ListMessageMoveTasks",
        "CancelMessageMoveTask",
        "CreateSchedule",
        "GetSchedule",
        "ListSchedules",
        "UpdateSchedule",
        "DeleteSchedule",
    )
)
"""What a queue's policy cannot allow to another account (SQS developer guide, "Limitations of custom policies")."""
DATA_WINDOW_MS = 600_000
"""How long a request id is remembered for messages: 10 minutes."""
CONTROL_WINDOW_MS = 86_400_000
"""How long it is remembered for queues: 24 hours."""


class Receiver(Protocol):
    """The part of the service that waits."""

    async def receive(self, ctx: CallContext, resolved: Any) -> tuple[message_model.Message, ...]:
        """Take messages, parked until there are some."""
        ...


async def _receive(
    service: Receiver, ctx: CallContext, resolved: Any, body: AsyncIterator[memoryview] | None
) -> Result:
    del body
    return Result(await service.receive(ctx, resolved))


def _on_queue(action: str) -> Callable[[Place], Checks]:
    @functools.lru_cache(maxsize=1024)
    def checks(place: Place) -> Checks:
        return (Check(action, place.arn),)

    return checks


def _on_move_source(place: Place) -> Checks:
    """Of the queue that a task empties; what it needs on those that it fills is asked when they are known."""
    return (Check("sqs:StartMessageMoveTask", place.arn), *source_checks(place))


def _on_all(action: str) -> Callable[[Place], Checks]:
    return lambda _place: (Check(action, "*"),)


def _on_touched(touched: Touched) -> Checks:
    """Of one of the queues that a commit is about; each is asked for on its own."""
    arn = touched.place.arn
    deletes = (Check("sqs:DeleteMessage", arn),) if touched.deletes else ()
    return (Check(SEND, arn), *deletes) if touched.sends else deletes


def _on_messages_to_move(place: Place) -> Checks:
    """Of the queue that messages leave; what it needs on the other one is asked when that is known."""
    return (Check("sqs:ReceiveMessage", place.arn), Check("sqs:DeleteMessage", place.arn))


def _on_schedule(action: str) -> Callable[[Place], Checks]:
    """Who has a queue send itself messages must be allowed to send them."""
    return lambda place: (Check(action, place.arn), Check(SEND, place.arn))


_CHECKS: Mapping[type, Callable[[Any], Checks]] = {
    move_model.MoveMessages: _on_messages_to_move,
    schedule_model.CreateSchedule: _on_schedule("sqs:CreateSchedule"),
    schedule_model.UpdateSchedule: _on_schedule("sqs:UpdateSchedule"),
    message_model.CommitMessages: _on_touched,
    model.ListQueues: _on_all("sqs:ListQueues"),
    move_model.StartMessageMoveTask: _on_move_source,
}
"""Of requests that need something else than their action on their queue."""


def _row(
    name: str,
    kind: Kind,
    request: type,
    action: str,
    handler: Callable[..., Any],
    summary: str,
    result: Any = None,
    window_ms: int = 0,
    more_actions: tuple[str, ...] = (),
) -> Operation:
    return Operation(
        name=name,
        kind=kind,
        request=request,
        permissions=(action, *more_actions),
        checks=_CHECKS.get(request) or _on_queue(action),
        handler=handler,
        result=result,
        idempotency_window_ms=window_ms,
        summary=summary,
    )


TABLE = OperationTable(
    "queue_service",
    (
        _row(
            "CreateQueue",
            Kind.WRITE,
            model.CreateQueue,
            "sqs:CreateQueue",
            create_queue,
            "Makes a queue, or finds the one with the same attributes.",
            Named,
            CONTROL_WINDOW_MS,
            ("sqs:TagQueue",),
        ),
        _row(
            "GetQueueUrl",
            Kind.READ,
            model.GetQueueUrl,
            "sqs:GetQueueUrl",
            get_queue,
            "Answers whether there is a queue of this name.",
        ),
        _row(
            "GetQueue",
            Kind.READ,
            model.GetQueue,
            "sqs:GetQueueAttributes",
            get_queue,
            "Answers a queue with its attributes and exact counts.",
        ),
        _row(
            "ListQueues",
            Kind.READ,
            model.ListQueues,
            "sqs:ListQueues",
            list_queues,
            "Lists the queues of an account and region by name.",
        ),
        _row(
            "ListDeadLetterSources",
            Kind.READ,
            model.ListDeadLetterSources,
            "sqs:ListDeadLetterSourceQueues",
            list_dead_letter_sources,
            "Lists the queues whose dead-letter queue is this one.",
        ),
        _row(
            "ListQueueTags",
            Kind.READ,
            model.ListQueueTags,
            "sqs:ListQueueTags",
            list_tags,
            "Answers the tags of a queue.",
        ),
        _row(
            "TagQueue",
            Kind.WRITE,
            model.TagQueue,
            "sqs:TagQueue",
            change_tags,
            "Adds tags to a queue.",
            None,
            CONTROL_WINDOW_MS,
        ),
        _row(
            "UntagQueue",
            Kind.WRITE,
            model.UntagQueue,
            "sqs:UntagQueue",
            change_tags,
            "Removes tags of a queue.",
            None,
            CONTROL_WINDOW_MS,
        ),
        _row(
            "AddPermission",
            Kind.WRITE,
            model.AddPermission,
            "sqs:AddPermission",
            replace_policy,
            "Adds a labelled statement to a queue's policy.",
            None,
            CONTROL_WINDOW_MS,
        ),
        _row(
            "RemovePermission",
            Kind.WRITE,
            model.RemovePermission,
            "sqs:RemovePermission",
            replace_policy,
            "Removes a labelled statement of a queue's policy.",
            None,
            CONTROL_WINDOW_MS,
        ),
        _row(
            "UpdateQueue",
            Kind.WRITE,
            model.UpdateQueue,
            "sqs:SetQueueAttributes",
            update_queue,
            "Changes attributes of a queue.",
            Named,
            CONTROL_WINDOW_MS,
        ),
        _row(
            "DeleteQueue",
            Kind.WRITE,
            model.DeleteQueue,
            "sqs:DeleteQueue",
            delete_queue,
            "Deletes a queue and every message in it.",
            None,
            CONTROL_WINDOW_MS,
        ),
        _row(
            "PurgeQueue",
            Kind.WRITE,
            model.PurgeQueue,
            "sqs:PurgeQueue",
            purge_queue,
            "Deletes every message of a queue.",
            None,
            CONTROL_WINDOW_MS,
        ),
        _row(
            "SendMessage",
            Kind.WRITE,
            message_model.SendMessages,
            "sqs:SendMessage",
            send_messages,
            "Stores one message.",
            Outcome,
            DATA_WINDOW_MS,
        ),
        _row(
            "BatchSendMessages",
            Kind.WRITE,
            message_model.SendMessages,
            "sqs:SendMessage",
            send_messages,
            "Stores up to 100 messages in one transaction.",
            Outcome,
            DATA_WINDOW_MS,
        ),
        _row(
            "CommitMessages",
            Kind.WRITE,
            message_model.CommitMessages,
            SEND,
            commit_messages,
            "Stores messages in up to 20 queues and deletes received ones, all or nothing.",
            Committed,
            DATA_WINDOW_MS,
            ("sqs:DeleteMessage",),
        ),
        _row(
            "ReceiveMessages",
            Kind.WAIT,
            message_model.ReceiveMessages,
            "sqs:ReceiveMessage",
            _receive,
            "Takes up to 100 messages, parked until there are some.",
            more_actions=("sns:ReceiveMessage",),
        ),
        _row(
            "PeekMessages",
            Kind.READ,
            message_model.PeekMessages,
            "sqs:ReceiveMessage",
            peek_messages,
            "Shows up to 100 messages by position or id, with their state, and takes none.",
            more_actions=("sns:ReceiveMessage",),
        ),
        _row(
            "DeleteMessage",
            Kind.WRITE,
            message_model.DeleteMessages,
            "sqs:DeleteMessage",
            delete_messages,
            "Deletes one received message.",
            Outcome,
            DATA_WINDOW_MS,
            more_actions=("sns:DeleteMessage",),
        ),
        _row(
            "BatchDeleteMessages",
            Kind.WRITE,
            message_model.DeleteMessages,
            "sqs:DeleteMessage",
            delete_messages,
            "Deletes up to 100 received messages in one transaction.",
            Outcome,
            DATA_WINDOW_MS,
            more_actions=("sns:DeleteMessage",),
        ),
        _row(
            "ChangeMessageVisibility",
            Kind.WRITE,
            message_model.ChangeVisibilities,
            "sqs:ChangeMessageVisibility",
            change_visibilities,
            "Sets when a received message becomes visible again.",
            Outcome,
            DATA_WINDOW_MS,
            more_actions=("sns:ChangeMessageVisibility",),
        ),
        _row(
            "BatchChangeMessageVisibility",
            Kind.WRITE,
            message_model.ChangeVisibilities,
            "sqs:ChangeMessageVisibility",
            change_visibilities,
            "Sets when up to 100 received messages become visible again, in one transaction.",
            Outcome,
            DATA_WINDOW_MS,
            more_actions=("sns:ChangeMessageVisibility",),
        ),
        _row(
            "RenewLeases",
            Kind.WRITE,
            message_model.RenewLeases,
            # Who may receive may hold a message for as long as he asks, up to 12 hours: it is nothing more.
            "sqs:ReceiveMessage",
            change_visibilities,
            "Extends leases for a receiving stream that asked for it; streams alone use it.",
            Outcome,
            more_actions=("sns:ReceiveMessage",),
        ),
        _row(
            "StartMessageMoveTask",
            Kind.WRITE,
            move_model.StartMessageMoveTask,
            "sqs:StartMessageMoveTask",
            start_task,
            "Starts to move the messages of a dead-letter queue back to where they came from, or to another queue.",
            str,
            CONTROL_WINDOW_MS,
            more_actions=(*SOURCE_ACTIONS, SEND),
        ),
        _row(
            "MoveMessages",
            Kind.WRITE,
            move_model.MoveMessages,
            "sqs:ReceiveMessage",
            move_messages,
            "Moves up to 50 selected messages to another queue, in one transaction.",
            Outcome,
            DATA_WINDOW_MS,
            more_actions=("sqs:DeleteMessage", SEND),
        ),
        _row(
            "ListMessageMoveTasks",
            Kind.READ,
            move_model.ListMessageMoveTasks,
            "sqs:ListMessageMoveTasks",
            list_tasks,
            "Lists the latest move tasks out of a queue.",
        ),
        _row(
            "CreateSchedule",
            Kind.WRITE,
            schedule_model.CreateSchedule,
            "sqs:CreateSchedule",
            write_schedule,
            "Makes a schedule that sends a message to its queue, by a cron expression, at a rate, or once.",
            str,
            CONTROL_WINDOW_MS,
            (SEND,),
        ),
        _row(
            "GetSchedule",
            Kind.READ,
            schedule_model.GetSchedule,
            "sqs:GetSchedule",
            get_schedule,
            "Answers a schedule with its message and its next and last instants.",
        ),
        _row(
            "ListSchedules",
            Kind.READ,
            schedule_model.ListSchedules,
            "sqs:ListSchedules",
            list_schedules,
            "Lists the schedules of a queue by name.",
        ),
        _row(
            "UpdateSchedule",
            Kind.WRITE,
            schedule_model.UpdateSchedule,
            "sqs:UpdateSchedule",
            write_schedule,
            "Changes, pauses or resumes a schedule.",
            str,
            CONTROL_WINDOW_MS,
            (SEND,),
        ),
        _row(
            "DeleteSchedule",
            Kind.WRITE,
            schedule_model.DeleteSchedule,
            "sqs:DeleteSchedule",
            delete_schedule,
            "Deletes a schedule.",
            None,
            CONTROL_WINDOW_MS,
        ),
        _row(
            "CancelMessageMoveTask",
            Kind.WRITE,
            move_model.CancelMessageMoveTask,
            "sqs:CancelMessageMoveTask",
            cancel_task,
            "Ends a running move task.",
            move_model.MessageMoveTask,
            CONTROL_WINDOW_MS,
        ),
    ),
)
"""Every operation of the room."""

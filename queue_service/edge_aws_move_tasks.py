"""The AWS edge of move tasks: SQS's three operations that empty a dead-letter queue.

Owns AWS's spelling of a task: ARNs for queues, and a handle that names the queue and the task, in the form in which SQS
makes it. A handle proves nothing: whoever presents it needs the permission.
"""

import base64
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from cumulo.core.names import is_account_id, is_region, parse_arn
from cumulo.gateway.aws_service import AwsCall
from cumulo.queue_service import aws_sqs, move_model
from cumulo.queue_service.edge_aws_errors import INPUT_ERRORS, invalid_parameters, is_query
from cumulo.queue_service.errors import MOVE_QUEUE_DOES_NOT_EXIST
from cumulo.queue_service.move_tasks import RUNNING
from cumulo.queue_service.queue_attributes import NAME_PATTERN

if TYPE_CHECKING:
    from cumulo.queue_service.edge_aws import QueueDoor

HANDLE_CHARACTERS_MAX = 1_024
"""Ours; a handle with the longest names has less than 300."""


class _Handle(msgspec.Struct, frozen=True, rename="camel"):
    task_id: str
    source_arn: str


async def _start(service: "QueueDoor", call: AwsCall) -> Any:
    _check_endpoint(call)
    it = call.request
    request = move_model.StartMessageMoveTask(
        source=_queue_of(call, "SourceArn", it.SourceArn),
        destination="" if it.DestinationArn is None else _queue_of(call, "DestinationArn", it.DestinationArn),
        rate=it.MaxNumberOfMessagesPerSecond,
    )
    task_id = (await service.call(call.ctx, "StartMessageMoveTask", request)).value
    return aws_sqs.StartMessageMoveTaskResult(TaskHandle=_handle(task_id, it.SourceArn))


async def _list(service: "QueueDoor", call: AwsCall) -> Any:
    _check_endpoint(call)
    it = call.request
    request = move_model.ListMessageMoveTasks(
        source=_queue_of(call, "SourceArn", it.SourceArn),
        max_results=1 if it.MaxResults is None else it.MaxResults,
    )
    tasks = (await service.call(call.ctx, "ListMessageMoveTasks", request)).value
    return aws_sqs.ListMessageMoveTasksResult(Results=[_entry(task) for task in tasks])


async def _cancel(service: "QueueDoor", call: AwsCall) -> Any:
    _check_endpoint(call)
    handle = _opened(call.request.TaskHandle)
    request = move_model.CancelMessageMoveTask(
        source=_queue_of(call, "SourceArn", handle.source_arn), task_id=handle.task_id
    )
    task = (await service.call(call.ctx, "CancelMessageMoveTask", request)).value
    return aws_sqs.CancelMessageMoveTaskResult(ApproximateNumberOfMessagesMoved=task.moved)


def _entry(task: move_model.MessageMoveTask) -> Any:
    return aws_sqs.ListMessageMoveTasksResultEntry(
        TaskHandle=_handle(task.task_id, task.source_arn) if task.status == RUNNING else None,
        Status=task.status,
        SourceArn=task.source_arn,
        DestinationArn=task.destination_arn or None,
        MaxNumberOfMessagesPerSecond=task.rate or None,
        ApproximateNumberOfMessagesMoved=task.moved,
        ApproximateNumberOfMessagesToMove=task.to_move,
        FailureReason=task.failure_reason or None,
        StartedTimestamp=task.started_ms,
    )


def _queue_of(call: AwsCall, parameter: str, text: str) -> str:
    """Return the ARN of a queue that can be in the caller's region; raises AWS's refusal of any other text."""
    arn = parse_arn(text)
    if arn is None or not is_account_id(arn.account) or not is_region(arn.region):
        raise invalid_parameters(
            f"You must use this format to specify the {parameter}:"
            " arn:<partition>:<service>:<region>:<account-id>:<resource-id>"
        )
    if arn.service != "sqs" or arn.region != call.ctx.region or not NAME_PATTERN.fullmatch(arn.resource):
        raise MOVE_QUEUE_DOES_NOT_EXIST.error(parameter=parameter)
    return text


def _handle(task_id: str, source_arn: str) -> str:
    return base64.b64encode(msgspec.json.encode(_Handle(task_id, source_arn))).decode()


def _opened(handle: str) -> _Handle:
    try:
        # A longer one is cut, and so is none.
        text = base64.b64decode(handle[:HANDLE_CHARACTERS_MAX], validate=True)
        return msgspec.json.decode(text, type=_Handle)
    except (ValueError, msgspec.DecodeError) as error:
        raise invalid_parameters("Value for parameter TaskHandle is invalid.") from error


def _check_endpoint(call: AwsCall) -> None:
    """Refuse what the query protocol sent to a queue's URL: these operations are not a queue's there."""
    if is_query(call) and call.http.path != "/":
        raise INPUT_ERRORS.unknown_operation.error(operation=call.operation)


MOVE_TASK_HANDLERS: Mapping[str, Callable[["QueueDoor", AwsCall], Awaitable[Any]]] = {
    "StartMessageMoveTask": _start,
    "ListMessageMoveTasks": _list,
    "CancelMessageMoveTask": _cancel,
}

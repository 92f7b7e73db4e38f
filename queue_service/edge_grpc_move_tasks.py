"""Move tasks over gRPC: their protos to and from the model."""

from collections.abc import Mapping

from cumulo.api.queue.v1 import queue_pb2 as pb
from cumulo.core.context import CallContext
from cumulo.gateway.rpc import UnaryRow
from cumulo.queue_service import move_model, move_tasks

_STATUSES = {
    move_tasks.RUNNING: pb.MESSAGE_MOVE_TASK_STATUS_RUNNING,
    move_tasks.COMPLETED: pb.MESSAGE_MOVE_TASK_STATUS_COMPLETED,
    move_tasks.CANCELLED: pb.MESSAGE_MOVE_TASK_STATUS_CANCELLED,
    move_tasks.FAILED: pb.MESSAGE_MOVE_TASK_STATUS_FAILED,
}


def _task(it: move_model.MessageMoveTask) -> pb.MessageMoveTask:
    return pb.MessageMoveTask(
        task_id=it.task_id,
        status=_STATUSES[it.status],
        source_arn=it.source_arn,
        destination_arn=it.destination_arn,
        max_messages_per_s=it.rate,
        to_move_count=it.to_move,
        moved_count=it.moved,
        start_ms=it.started_ms,
        failure_reason=it.failure_reason,
    )


def _decode_start(request: pb.StartMessageMoveTaskRequest, _: CallContext) -> move_model.StartMessageMoveTask:
    return move_model.StartMessageMoveTask(
        source=request.source,
        destination=request.destination,
        rate=request.max_messages_per_s if request.HasField("max_messages_per_s") else None,
        request_id=request.request_id,
    )


def _decode_list(request: pb.ListMessageMoveTasksRequest, _: CallContext) -> move_model.ListMessageMoveTasks:
    return move_model.ListMessageMoveTasks(
        source=request.source, max_results=request.max_tasks or move_model.MOVE_TASKS_MAX
    )


def _decode_cancel(request: pb.CancelMessageMoveTaskRequest, _: CallContext) -> move_model.CancelMessageMoveTask:
    return move_model.CancelMessageMoveTask(
        source=request.source, task_id=request.task_id, request_id=request.request_id
    )


ROWS: Mapping[str, UnaryRow] = {
    "StartMessageMoveTask": (
        pb.StartMessageMoveTaskRequest,
        _decode_start,
        lambda it: pb.StartMessageMoveTaskResponse(task_id=it),
    ),
    "ListMessageMoveTasks": (
        pb.ListMessageMoveTasksRequest,
        _decode_list,
        lambda it: pb.ListMessageMoveTasksResponse(tasks=map(_task, it)),
    ),
    "CancelMessageMoveTask": (
        pb.CancelMessageMoveTaskRequest,
        _decode_cancel,
        lambda it: pb.CancelMessageMoveTaskResponse(task=_task(it)),
    ),
}

"""Queues over gRPC: their protos to and from the model."""

from collections.abc import Iterable, Mapping
from typing import Any

from cumulo.api.queue.v1 import queue_pb2 as pb
from cumulo.core.context import CallContext
from cumulo.core.names import resource_name
from cumulo.gateway.rpc import UnaryRow
from cumulo.queue_service import model
from cumulo.queue_service.edge_grpc_masks import written_and_reset
from cumulo.queue_service.queue_attributes import NAMES


def _queue(it: model.Queue) -> pb.Queue:
    queue = pb.Queue(
        name=it.full_name,
        arn=it.arn,
        visibility_timeout_s=it.visibility_timeout_s,
        delay_s=it.delay_s,
        message_retention_s=it.message_retention_s,
        maximum_message_size_bytes=it.maximum_message_size_bytes,
        receive_wait_s=it.receive_wait_s,
        create_ms=it.create_ms,
        update_ms=it.update_ms,
        managed_sse_enabled=it.managed_sse_enabled,
        kms_data_key_reuse_s=it.kms_data_key_reuse_s,
    )
    if it.kms_master_key_id:
        queue.kms_master_key_id = it.kms_master_key_id
    if it.dead_letter_name:
        queue.dead_letter_policy.queue = resource_name(it.account, it.region, "queues", it.dead_letter_name)
        queue.dead_letter_policy.max_receive_count = it.max_receive_count
    if it.policy:
        queue.policy = it.policy
    if it.expire_after_idle_s:
        queue.expire_after_idle_s = it.expire_after_idle_s
    if it.redrive_allow_policy:
        queue.redrive_allow_policy = it.redrive_allow_policy
    if it.fifo:
        queue.content_based_deduplication = it.content_based_deduplication
        queue.deduplication_scope = it.deduplication_scope
        queue.fifo_throughput_limit = it.fifo_throughput_limit
    return queue


def _queue_with_counts(it: model.Queue) -> pb.GetQueueResponse:
    queue = _queue(it)
    queue.message_count = it.message_count
    queue.in_flight_count = it.in_flight_count
    queue.delayed_count = it.delayed_count
    queue.oldest_age_s = it.oldest_age_s
    queue.lag_s = it.lag_s
    if it.fairness is not None:
        queue.fairness.noisy_groups = it.fairness.noisy_groups
        queue.fairness.message_count = it.fairness.message_count
        queue.fairness.in_flight_count = it.fairness.in_flight_count
        queue.fairness.delayed_count = it.fairness.delayed_count
        queue.fairness.oldest_age_s = it.fairness.oldest_age_s
    return pb.GetQueueResponse(queue=queue)


def _attributes(queue: pb.Queue, names: Iterable[str]) -> model.QueueAttributes:
    """Return those of the named attributes that are present in `queue`."""
    given: dict[str, Any] = {name: getattr(queue, name) for name in names if queue.HasField(name)}  # type: ignore[arg-type]
    redrive = given.get("dead_letter_policy")
    if redrive is not None:
        given["dead_letter_policy"] = model.DeadLetterPolicy(redrive.queue, redrive.max_receive_count)
    return model.QueueAttributes(**given)


def _decode_create(request: pb.CreateQueueRequest, _: CallContext) -> model.CreateQueue:
    return model.CreateQueue(
        queue=request.queue.name,
        attributes=_attributes(request.queue, NAMES),
        tags=dict(request.tags),
        request_id=request.request_id,
    )


def _decode_update(request: pb.UpdateQueueRequest, _: CallContext) -> model.UpdateQueue:
    mask = request.update_mask if request.HasField("update_mask") else None
    written, reset = written_and_reset(request.queue, mask, NAMES)
    return model.UpdateQueue(
        queue=request.queue.name,
        attributes=_attributes(request.queue, written),
        defaults=reset,
        request_id=request.request_id,
    )


def _decode_list(request: pb.ListQueuesRequest, _: CallContext) -> model.ListQueues:
    return model.ListQueues(
        parent=request.parent, prefix=request.prefix, page_size=request.page_size, page_token=request.page_token
    )


def _named(page: model.QueuePage) -> list[pb.Queue]:
    return [pb.Queue(name=it.full_name, arn=it.arn, create_ms=it.create_ms) for it in page.queues]


def _encode_page(page: model.QueuePage) -> pb.ListQueuesResponse:
    return pb.ListQueuesResponse(queues=_named(page), next_page_token=page.next_page_token)


def _encode_sources(page: model.QueuePage) -> pb.ListDeadLetterSourcesResponse:
    return pb.ListDeadLetterSourcesResponse(queues=_named(page), next_page_token=page.next_page_token)


def _decode_sources(request: pb.ListDeadLetterSourcesRequest, _: CallContext) -> model.ListDeadLetterSources:
    return model.ListDeadLetterSources(queue=request.queue, page_size=request.page_size, page_token=request.page_token)


def _decode_permission(request: pb.AddPermissionRequest, _: CallContext) -> model.AddPermission:
    return model.AddPermission(
        queue=request.queue,
        label=request.label,
        accounts=tuple(request.accounts),
        actions=tuple(request.actions),
        request_id=request.request_id,
    )


ROWS: Mapping[str, UnaryRow] = {
    "CreateQueue": (pb.CreateQueueRequest, _decode_create, lambda it: pb.CreateQueueResponse(queue=_queue(it))),
    "GetQueue": (pb.GetQueueRequest, lambda it, _: model.GetQueue(queue=it.name), _queue_with_counts),
    "ListQueues": (pb.ListQueuesRequest, _decode_list, _encode_page),
    "UpdateQueue": (pb.UpdateQueueRequest, _decode_update, lambda it: pb.UpdateQueueResponse(queue=_queue(it))),
    "DeleteQueue": (
        pb.DeleteQueueRequest,
        lambda it, _: model.DeleteQueue(queue=it.name, request_id=it.request_id),
        lambda _: pb.DeleteQueueResponse(),
    ),
    "PurgeQueue": (
        pb.PurgeQueueRequest,
        lambda it, _: model.PurgeQueue(queue=it.name, request_id=it.request_id),
        lambda _: pb.PurgeQueueResponse(),
    ),
    "ListDeadLetterSources": (pb.ListDeadLetterSourcesRequest, _decode_sources, _encode_sources),
    "ListQueueTags": (
        pb.ListQueueTagsRequest,
        lambda it, _: model.ListQueueTags(queue=it.queue),
        lambda it: pb.ListQueueTagsResponse(tags=it),
    ),
    "TagQueue": (
        pb.TagQueueRequest,
        lambda it, _: model.TagQueue(queue=it.queue, tags=dict(it.tags), request_id=it.request_id),
        lambda _: pb.TagQueueResponse(),
    ),
    "UntagQueue": (
        pb.UntagQueueRequest,
        lambda it, _: model.UntagQueue(queue=it.queue, keys=tuple(it.keys), request_id=it.request_id),
        lambda _: pb.UntagQueueResponse(),
    ),
    "AddPermission": (pb.AddPermissionRequest, _decode_permission, lambda _: pb.AddPermissionResponse()),
    "RemovePermission": (
        pb.RemovePermissionRequest,
        lambda it, _: model.RemovePermission(queue=it.queue, label=it.label, request_id=it.request_id),
        lambda _: pb.RemovePermissionResponse(),
    ),
}

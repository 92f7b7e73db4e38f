"""The gRPC edge of topics: every method of TopicService.

Knows `cumulo.api.topics.v1` and two doors: that of topics, and that of queues, by which native subscriptions are
received from. The receiving stream is that of queues in other words. Decides nothing.
"""

import functools
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message as ProtoMessage

from cumulo.api.topics.v1 import topics_pb2 as pb
from cumulo.core.context import CallContext
from cumulo.core.errors import MISSING_PARAMETER
from cumulo.core.names import parse_arn
from cumulo.gateway.rpc import Decode, Encode, RpcAdaptor, parser
from cumulo.queue_service import message_model
from cumulo.queue_service import model as queues
from cumulo.queue_service import native_model as native
from cumulo.queue_service import topic_model as model
from cumulo.queue_service.edge_grpc_messages import add_messages, decode_attributes, item_error, item_results
from cumulo.queue_service.edge_grpc_streams import (
    FRAME_BYTES_MAX,
    CallDoor,
    QueueDoor,
    ReceiveStream,
    SendingStream,
)
from cumulo.queue_service.entrances import TOPIC_SERVICE
from cumulo.queue_service.subscription_sources import native_place
from cumulo.queue_service.topic_attributes import wrong
from cumulo.queue_service.topic_errors import BATCH_REQUEST_TOO_LONG
from cumulo.queue_service.topic_keys import JOB, JOB_TEMPLATE, NAMED, NATIVE

_SCOPES = {
    pb.FILTER_SCOPE_MESSAGE_ATTRIBUTES: native.IN_ATTRIBUTES,
    pb.FILTER_SCOPE_MESSAGE_BODY: native.IN_BODY,
}
_SCOPES_BACK = {text: scope for scope, text in _SCOPES.items()}


TopicRow = tuple[str, type[ProtoMessage], Decode, Encode]
"""The operation of an RPC, its request, and both conversions."""


def handlers(topics: CallDoor, messages: QueueDoor, rpc: RpcAdaptor) -> grpc.GenericRpcHandler:
    """Return the handlers of TopicService; `messages` is the service of queues."""
    rows: dict[str, Any] = {
        name: grpc.unary_unary_rpc_method_handler(
            rpc.unary(door, TOPIC_SERVICE, operation, decode, encode), parser(request.FromString), _serialize
        )
        for door, of_door in ((topics, ROWS), (messages, MESSAGE_ROWS))
        for name, (operation, request, decode, encode) in of_door.items()
    }

    def publish(frames: AsyncIterator[Any], ctx: CallContext) -> AsyncGenerator[ProtoMessage, None]:
        return PublishStream(topics, ctx).run(frames)

    def subscribe(frames: AsyncIterator[Any], ctx: CallContext) -> AsyncGenerator[ProtoMessage, None]:
        return SubscribeStream(messages, ctx).run(frames)

    rows["StreamPublish"] = grpc.stream_stream_rpc_method_handler(
        rpc.stream(TOPIC_SERVICE, "StreamPublish", publish), pb.StreamPublishRequest.FromString, _serialize
    )
    rows["StreamSubscribe"] = grpc.stream_stream_rpc_method_handler(
        rpc.stream(TOPIC_SERVICE, "StreamSubscribe", subscribe), pb.StreamSubscribeRequest.FromString, _serialize
    )
    return grpc.method_handlers_generic_handler(TOPIC_SERVICE, rows)


def _serialize(message: ProtoMessage) -> bytes:
    return message.SerializeToString()


class PublishStream(SendingStream):
    """Messages for a topic."""

    operation = "PublishMessages"

    def __init__(self, service: CallDoor, ctx: CallContext) -> None:
        super().__init__(service, ctx)
        self._topic = ""

    def _decode(self, frame: pb.StreamPublishRequest) -> native.PublishMessages:
        self._topic = frame.topic or self._topic
        if not self._topic:
            raise MISSING_PARAMETER.error(parameter="topic")
        if len(frame.entries) > 1 and sum(len(entry.body) for entry in frame.entries) > FRAME_BYTES_MAX:
            raise BATCH_REQUEST_TOO_LONG.error()
        entries = tuple(map(_entry, frame.entries))
        return native.PublishMessages(topic=self._topic, entries=entries, request_id=frame.request_id)

    def _answer(self, sequence: int, value: Any) -> ProtoMessage:
        return _add_results(pb.StreamPublishResponse(sequence=sequence), value)

    def _is_in_turn(self) -> bool:
        return queues.is_fifo(self._topic)


class SubscribeStream(ReceiveStream):
    """Messages of a native subscription."""

    response = pb.StreamSubscribeResponse

    def _source(self) -> str:
        return _source(self._start.subscription)

    def _timeout_s(self) -> int | None:
        return self._start.ack_deadline_s if self._start.HasField("ack_deadline_s") else None

    def _changes(self, frame: pb.StreamSubscribeRequest) -> tuple[message_model.VisibilityChange, ...]:
        return _changes(frame.deadline_changes)


def _source(text: str) -> str:
    """Return the name of a subscription; raises where it could be a queue's."""
    if not text:
        raise MISSING_PARAMETER.error(parameter="subscription")
    native_place(text, "", "")
    return text


def _changes(entries: Iterable[pb.DeadlineChange]) -> tuple[message_model.VisibilityChange, ...]:
    return tuple(message_model.VisibilityChange(it.receipt_handle, it.ack_deadline_s) for it in entries)


def _entry(it: pb.PublishEntry) -> model.PublishEntry:
    try:
        body = it.body.decode()
    except UnicodeDecodeError as error:
        raise wrong("body Reason: it must be text in UTF-8; other data can be an attribute of type Binary") from error
    attributes = it.attributes
    return model.PublishEntry(
        body=body,
        subject=it.subject,
        attributes=decode_attributes(attributes) if attributes else (),
        group_id=it.group_id if it.HasField("group_id") else None,
        deduplication_id=it.deduplication_id if it.HasField("deduplication_id") else None,
    )


_PublishAnswer = TypeVar("_PublishAnswer", pb.PublishResponse, pb.StreamPublishResponse)


def _add_results(answer: _PublishAnswer, results: Iterable[model.PublishAnswer]) -> _PublishAnswer:
    add = answer.results.add
    for it in results:
        if isinstance(it, message_model.SentMessage):
            published = add().published
            published.message_id = it.message_id
            if it.sequence_number:
                published.sequence_number = it.sequence_number
        else:
            add(error=item_error(it))
    return answer


# Topics


def _topic(it: model.Topic) -> pb.Topic:
    topic = _listed_topic(it.place)
    topic.attributes.update(it.attributes)
    topic.keep_s = it.keep_s
    topic.create_ms = it.create_ms
    topic.subscription_count = it.confirmed
    topic.pending_subscription_count = it.pending
    topic.kept_message_count = it.kept
    if it.policy:
        topic.policy = it.policy
    return topic


def _listed_topic(place: model.TopicPlace) -> pb.Topic:
    return pb.Topic(name=place.full_name, arn=place.arn)


def _decode_create(request: pb.CreateTopicRequest, _: CallContext) -> model.CreateTopic:
    topic = request.topic
    attributes = dict(topic.attributes)
    if topic.HasField("policy"):
        attributes["Policy"] = topic.policy
    if queues.is_fifo(topic.name):
        attributes["FifoTopic"] = "true"
    return model.CreateTopic(
        topic=topic.name,
        attributes=attributes,
        tags=dict(request.tags),
        keep_s=topic.keep_s if topic.HasField("keep_s") else None,
        request_id=request.request_id,
    )


def _decode_update(request: pb.UpdateTopicRequest, _: CallContext) -> native.UpdateTopic:
    topic = request.topic
    masked = set(request.update_mask.paths) if request.HasField("update_mask") else None
    _check_mask(masked, ("attributes", "policy", "keep_s"))

    def given(name: str) -> bool:
        return topic.HasField(name) if masked is None else name in masked  # type: ignore[arg-type]

    return native.UpdateTopic(
        topic=topic.name,
        attributes=dict(topic.attributes) if masked is None or "attributes" in masked else {},
        policy=topic.policy if given("policy") else None,
        keep_s=topic.keep_s if given("keep_s") else None,
        request_id=request.request_id,
    )


def _check_mask(masked: set[str] | None, known: tuple[str, ...]) -> None:
    unknown = sorted((masked or set()) - set(known))
    if unknown:
        raise wrong(f"update_mask Reason: {unknown[0][:80]} is none of {', '.join(known)}")


def _page_size(asked: int) -> int:
    if not 0 <= asked <= model.LIST_PAGE:
        raise wrong(f"page_size Reason: it must be between 1 and {model.LIST_PAGE}")
    return asked or model.LIST_PAGE


# Subscriptions


def _subscription(it: native.NativeSubscription) -> pb.Subscription:
    shown = pb.Subscription(
        name=it.place.full_name,
        arn=it.place.arn,
        filter_policy=it.filter_policy,
        filter_scope=_SCOPES_BACK[it.filter_scope],
        dead_letter_queue=it.dead_letter_queue,
        create_ms=it.create_ms,
        message_count=it.message_count,
        in_flight_count=it.in_flight_count,
    )
    if it.job_template:
        own = pb.Subscription(protocol=JOB, job_template=it.job_template)
    else:
        own = pb.Subscription(
            protocol=NATIVE,
            ack_deadline_s=it.ack_deadline_s,
            retention_s=it.retention_s,
            max_deliveries=it.max_deliveries or None,
            is_replaying=it.is_replaying,
        )
    shown.MergeFrom(own)
    return shown


def _listed_subscription(it: model.Subscription) -> pb.Subscription:
    return pb.Subscription(
        name=native.NativePlace(it.place.topic, it.place.id).full_name,
        arn=it.place.arn,
        protocol=it.protocol,
        endpoint="" if it.protocol in NAMED else it.endpoint,
        job_template=it.attributes.get(JOB_TEMPLATE),
        filter_policy=it.attributes.get("FilterPolicy", ""),
        filter_scope=_SCOPES_BACK[it.attributes.get("FilterPolicyScope", native.IN_ATTRIBUTES)],
    )


_SETTINGS = ("filter_policy", "ack_deadline_s", "retention_s", "dead_letter_queue", "max_deliveries", "job_template")
_DEFAULTS = {
    "filter_policy": "",
    "filter_scope": native.IN_ATTRIBUTES,
    "ack_deadline_s": native.ACK_DEADLINE_S_DEFAULT,
    "retention_s": native.RETENTION_S_DEFAULT,
    "dead_letter_queue": "",
    "max_deliveries": native.MAX_DELIVERIES_DEFAULT,
    "job_template": "",
}


def _settings(it: pb.Subscription) -> dict[str, Any]:
    given = {name: getattr(it, name) for name in _SETTINGS if it.HasField(name)}  # type: ignore[arg-type]
    if it.filter_scope:
        if it.filter_scope not in _SCOPES:
            raise wrong(f"filter_scope Reason: {it.filter_scope} is no FilterScope")
        given["filter_scope"] = _SCOPES[it.filter_scope]
    return given


def _decode_update_subscription(request: pb.UpdateSubscriptionRequest, _: CallContext) -> native.UpdateSubscription:
    given = _settings(request.subscription)
    if request.HasField("update_mask"):
        masked = set(request.update_mask.paths)
        _check_mask(masked, tuple(_DEFAULTS))
        given = {name: given.get(name, _DEFAULTS[name]) for name in masked}
    return native.UpdateSubscription(
        subscription=request.subscription.name,
        attributes=native.NativeAttributes(**given),
        request_id=request.request_id,
    )


def _decode_delete(request: pb.DeleteSubscriptionRequest, ctx: CallContext) -> model.Unsubscribe:
    """Return the request of SNS's that does it, by the subscription's ARN."""
    arn = request.name
    if parse_arn(arn) is None:
        arn = native_place(arn, ctx.principal.account, ctx.region).arn
    return model.Unsubscribe(subscription=arn, request_id=request.request_id)


# Receiving


def _decode_pull(request: pb.PullRequest, _: CallContext) -> message_model.ReceiveMessages:
    return message_model.ReceiveMessages(
        queue=_source(request.subscription),
        max_messages=request.max_messages or 1,
        wait_s=request.wait_s,
        visibility_timeout_s=request.ack_deadline_s if request.HasField("ack_deadline_s") else None,
    )


# Seeks and snapshots

_TARGETS = {"time_ms": native.Target.TIME, "snapshot": native.Target.SNAPSHOT, "end": native.Target.END}


def _decode_seek(request: pb.SeekSubscriptionRequest, _: CallContext) -> native.SeekSubscription:
    by = request.WhichOneof("target")
    if by is None or (by == "end" and not request.end):
        raise MISSING_PARAMETER.error(parameter="target")
    return native.SeekSubscription(
        subscription=request.subscription,
        by=_TARGETS[by],
        time_ms=request.time_ms,
        snapshot=request.snapshot,
        request_id=request.request_id,
    )


def _snapshot(it: native.NativeSnapshot) -> pb.Snapshot:
    return pb.Snapshot(
        name=it.place.full_name,
        subscription=it.subscription,
        create_ms=it.create_ms,
        message_count=it.message_count,
    )


def _no_answer(answer: Callable[[], ProtoMessage]) -> Encode:
    return lambda _: answer()


ROWS: Mapping[str, TopicRow] = {
    "CreateTopic": (
        "CreateTopic",
        pb.CreateTopicRequest,
        _decode_create,
        lambda it: pb.CreateTopicResponse(topic=_listed_topic(it)),
    ),
    "GetTopic": (
        "GetTopic",
        pb.GetTopicRequest,
        lambda it, _: model.GetTopic(topic=it.name),
        lambda it: pb.GetTopicResponse(topic=_topic(it)),
    ),
    "ListTopics": (
        "ListTopics",
        pb.ListTopicsRequest,
        lambda it, _: model.ListTopics(page_token=it.page_token, page_size=_page_size(it.page_size)),
        lambda it: pb.ListTopicsResponse(topics=map(_listed_topic, it.topics), next_page_token=it.next_page_token),
    ),
    "UpdateTopic": (
        "UpdateTopic",
        pb.UpdateTopicRequest,
        _decode_update,
        lambda it: pb.UpdateTopicResponse(topic=_topic(it)),
    ),
    "DeleteTopic": (
        "DeleteTopic",
        pb.DeleteTopicRequest,
        lambda it, _: model.DeleteTopic(topic=it.name, request_id=it.request_id),
        _no_answer(pb.DeleteTopicResponse),
    ),
    "Publish": (
        "PublishMessages",
        pb.PublishRequest,
        lambda it, _: native.PublishMessages(
            topic=it.topic, entries=tuple(map(_entry, it.entries)), request_id=it.request_id
        ),
        lambda it: _add_results(pb.PublishResponse(), it),
    ),
    "CreateSubscription": (
        "CreateSubscription",
        pb.CreateSubscriptionRequest,
        lambda it, _: native.CreateSubscription(
            subscription=it.subscription.name,
            attributes=native.NativeAttributes(**_settings(it.subscription)),
            request_id=it.request_id,
        ),
        lambda it: pb.CreateSubscriptionResponse(subscription=_subscription(it)),
    ),
    "GetSubscription": (
        "DescribeSubscription",
        pb.GetSubscriptionRequest,
        lambda it, _: native.DescribeSubscription(subscription=it.name),
        lambda it: pb.GetSubscriptionResponse(subscription=_subscription(it)),
    ),
    "ListSubscriptions": (
        "ListSubscriptionsByTopic",
        pb.ListSubscriptionsRequest,
        lambda it, _: model.ListSubscriptionsByTopic(
            topic=it.topic, page_token=it.page_token, page_size=_page_size(it.page_size)
        ),
        lambda it: pb.ListSubscriptionsResponse(
            subscriptions=map(_listed_subscription, it.subscriptions), next_page_token=it.next_page_token
        ),
    ),
    "UpdateSubscription": (
        "UpdateSubscription",
        pb.UpdateSubscriptionRequest,
        _decode_update_subscription,
        lambda it: pb.UpdateSubscriptionResponse(subscription=_subscription(it)),
    ),
    "DeleteSubscription": (
        "Unsubscribe",
        pb.DeleteSubscriptionRequest,
        _decode_delete,
        _no_answer(pb.DeleteSubscriptionResponse),
    ),
    "SeekSubscription": (
        "SeekSubscription",
        pb.SeekSubscriptionRequest,
        _decode_seek,
        _no_answer(pb.SeekSubscriptionResponse),
    ),
    "CreateSnapshot": (
        "CreateSnapshot",
        pb.CreateSnapshotRequest,
        lambda it, _: native.CreateSnapshot(
            snapshot=it.snapshot.name, subscription=it.snapshot.subscription, request_id=it.request_id
        ),
        lambda it: pb.CreateSnapshotResponse(snapshot=_snapshot(it)),
    ),
    "ListSnapshots": (
        "ListSnapshots",
        pb.ListSnapshotsRequest,
        lambda it, _: native.ListSnapshots(topic=it.topic),
        lambda it: pb.ListSnapshotsResponse(snapshots=map(_snapshot, it)),
    ),
    "DeleteSnapshot": (
        "DeleteSnapshot",
        pb.DeleteSnapshotRequest,
        lambda it, _: native.DeleteSnapshot(snapshot=it.name, request_id=it.request_id),
        _no_answer(pb.DeleteSnapshotResponse),
    ),
}
"""Methods that the service of topics does."""

MESSAGE_ROWS: Mapping[str, TopicRow] = {
    "Pull": (
        "ReceiveMessages",
        pb.PullRequest,
        _decode_pull,
        lambda it: add_messages(pb.PullResponse(), it),
    ),
    "Acknowledge": (
        "BatchDeleteMessages",
        pb.AcknowledgeRequest,
        lambda it, _: message_model.DeleteMessages(
            queue=_source(it.subscription), receipt_handles=tuple(it.receipt_handles), request_id=it.request_id
        ),
        functools.partial(item_results, pb.AcknowledgeResponse),
    ),
    "ModifyAckDeadline": (
        "BatchChangeMessageVisibility",
        pb.ModifyAckDeadlineRequest,
        lambda it, _: message_model.ChangeVisibilities(
            queue=_source(it.subscription), entries=_changes(it.entries), request_id=it.request_id
        ),
        functools.partial(item_results, pb.ModifyAckDeadlineResponse),
    ),
}
"""Methods that the service of queues does: those about received messages."""

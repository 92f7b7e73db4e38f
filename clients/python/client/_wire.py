"""Between the contract's messages and the SDK's values: pure functions, shared by both flavours."""

import json
import math
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, get_args

import msgspec

from cumulo.api.identity.v1 import identity_pb2 as identity
from cumulo.api.objects.v1 import objects_pb2 as objects
from cumulo.api.queue.v1 import log_pb2 as log
from cumulo.api.queue.v1 import queue_pb2 as queue
from cumulo.api.queue.v1 import schedule_pb2 as schedules
from cumulo.api.runner.v1 import runner_pb2 as runner
from cumulo.api.topics.v1 import topics_pb2 as topics
from cumulo.client import model
from cumulo.client._replies import CORRELATION_ID, VIRTUAL_QUEUE
from cumulo.client.errors import CumuloError, PartialFailure, from_item


def new_request_id() -> str:
    """Return a fresh idempotency id."""
    return str(uuid.uuid4())


def time_of(milliseconds: int) -> datetime:
    """Return the moment that the contract writes as milliseconds since the Unix epoch."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def time_or_none(milliseconds: int) -> datetime | None:
    """Return the moment, or None for the contract's 0."""
    return time_of(milliseconds) if milliseconds else None


def milliseconds(moment: datetime) -> int:
    """Return what the contract writes for `moment`."""
    return round(moment.timestamp() * 1000)


def whole_seconds(seconds: float) -> int:
    """Return a wait as the contract writes it: not shorter than `seconds`."""
    return math.ceil(seconds)


def short(name: str) -> str:
    """Return the last segment of a resource name."""
    return name.rpartition("/")[2]


def document_text(document: str | Mapping[str, Any]) -> str:
    """Return a policy document as JSON text; text is passed on as it is."""
    return document if isinstance(document, str) else json.dumps(document)


# Queues


def is_fifo(name: str) -> bool:
    """Say whether a queue's name, short name or ARN is that of a FIFO queue."""
    return name.endswith(".fifo")


def body_bytes(body: object) -> bytes:
    """Return a message's body: bytes as they are, text as UTF-8, anything else as JSON."""
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, (bytearray, memoryview)):
        return bytes(body)
    return json.dumps(body, separators=(",", ":")).encode()


def attribute_messages(attributes: Mapping[str, model.Attribute]) -> dict[str, queue.MessageAttribute]:
    """Return message attributes as the contract writes them."""
    return {name: _attribute_message(value) for name, value in attributes.items()}


def _attribute_message(value: model.Attribute) -> queue.MessageAttribute:
    if isinstance(value, bytes):
        return queue.MessageAttribute(data_type="Binary", binary_value=value)
    if isinstance(value, str):
        return queue.MessageAttribute(data_type="String", string_value=value)
    return queue.MessageAttribute(data_type="Number", string_value=repr(value))


def attribute_values(attributes: Mapping[str, queue.MessageAttribute]) -> dict[str, model.Attribute]:
    """Return message attributes as Python values; a number that is none stays text."""
    return {name: _attribute_value(value) for name, value in attributes.items()}


def _attribute_value(attribute: queue.MessageAttribute) -> model.Attribute:
    if attribute.WhichOneof("value") == "binary_value":
        return attribute.binary_value
    text = attribute.string_value
    if not attribute.data_type.startswith("Number"):
        return text
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def send_entry(
    body: object,
    attributes: Mapping[str, model.Attribute] | None,
    delay: int | None,
    group: str | None,
    deduplication_id: str | None,
    priority: int | None,
    deliver_at: datetime | None,
    trace_header: str,
) -> queue.SendMessageEntry:
    """Return one entry of a batch or frame."""
    entry = queue.SendMessageEntry(
        body=body_bytes(body),
        delay_s=delay,
        group_id=group,
        deduplication_id=deduplication_id,
        priority=priority,
        deliver_at_ms=deliver_at_ms(deliver_at),
        trace_header=trace_header,
    )
    if attributes:
        for name, value in attributes.items():
            entry.attributes[name].CopyFrom(_attribute_message(value))
    return entry


def deliver_at_ms(deliver_at: datetime | None) -> int | None:
    """Return a time of delivery on the wire; raises `ValueError` for one without a time zone."""
    if deliver_at is None:
        return None
    if deliver_at.tzinfo is None:
        raise ValueError(f"deliver_at needs a time zone: {deliver_at}")
    return round(deliver_at.timestamp() * 1000)


def outgoing_entry(item: object) -> queue.SendMessageEntry:
    """Return the entry of one item of a batch: an `Outgoing`, or a plain body."""
    if isinstance(item, model.Outgoing):
        return send_entry(
            item.body,
            item.attributes,
            item.delay,
            item.group,
            item.deduplication_id,
            item.priority,
            item.deliver_at,
            item.trace_header,
        )
    return queue.SendMessageEntry(body=body_bytes(item))


def reply(it: queue.Message) -> model.Reply:
    """Return a received message as the reply to a request; what says which request it answers is left out."""
    given = attribute_values(it.attributes)
    return model.Reply(
        message_id=it.message_id,
        body=it.body,
        sent=time_of(it.sent_ms),
        sender_id=it.sender_id,
        attributes={name: value for name, value in given.items() if name not in (CORRELATION_ID, VIRTUAL_QUEUE)},
    )


def item_error(error: queue.ItemError | objects.ItemError) -> CumuloError:
    """Return the exception of one failed item."""
    return from_item(error.code, error.message)


def peeked_message(it: queue.PeekedMessage) -> model.PeekedMessage:
    """Return a message that was looked at."""
    message = it.message
    return model.PeekedMessage(
        position=it.position,
        message_id=message.message_id,
        body=message.body,
        md5_of_body=message.md5_of_body,
        sent=time_of(message.sent_ms),
        sender_id=message.sender_id,
        attributes=attribute_values(message.attributes),
        dead_letter_source_arn=it.dead_letter_source_arn,
        trace_header=message.trace_header,
        group=message.group_id,
        deduplication_id=message.deduplication_id,
        sequence_number=message.sequence_number,
        priority=priority_of(message),
        state=_message_state(it.state),
        due=time_of(it.due_ms) if it.due_ms else None,
        receive_count=message.receive_count,
        first_received=time_of(message.first_received_ms) if message.first_received_ms else None,
        last_received=time_of(it.last_received_ms) if it.last_received_ms else None,
        history=tuple(map(_hop, it.history)),
    )


def _hop(it: queue.MessageHop) -> model.Hop:
    word = queue.MoveReason.Name(it.reason).removeprefix("MOVE_REASON_")
    return model.Hop(
        reason=_one_of(word, get_args(model.MoveReason)),
        queue_arn=it.queue_arn,
        moved=time_of(it.moved_ms),
        receive_count=it.receive_count,
        first_received=time_of(it.first_received_ms) if it.first_received_ms else None,
        last_received=time_of(it.last_received_ms) if it.last_received_ms else None,
        max_receive_count=it.max_receive_count,
    )


def move_task(it: queue.MessageMoveTask) -> model.MoveTask:
    """Return a move task."""
    status = queue.MessageMoveTaskStatus.Name(it.status).removeprefix("MESSAGE_MOVE_TASK_STATUS_")
    return model.MoveTask(
        task_id=it.task_id,
        status=_one_of(status, get_args(model.MoveTaskStatus)),
        source_arn=it.source_arn,
        destination_arn=it.destination_arn or None,
        max_messages_per_s=it.max_messages_per_s or None,
        to_move_count=it.to_move_count,
        moved_count=it.moved_count,
        started=time_of(it.start_ms),
        failure_reason=it.failure_reason,
    )


def _message_state(state: Any) -> model.MessageState:
    word = queue.MessageState.Name(state).removeprefix("MESSAGE_STATE_")
    known: model.MessageState = _one_of(word, get_args(model.MessageState))
    return known


def priority_of(message: queue.Message) -> int:
    """Return a message's priority."""
    return message.priority if message.HasField("priority") else model.PRIORITY_DEFAULT


def sent_messages(results: Sequence[queue.SendMessageResult]) -> list[model.SentMessage]:
    """Return what was stored; raise `PartialFailure` where an entry was refused."""
    failures: list[tuple[int | str, CumuloError]] = [
        (index, item_error(result.error))
        for index, result in enumerate(results)
        if result.WhichOneof("outcome") == "error"
    ]
    if failures:
        raise PartialFailure(failures, len(results))
    return [sent_message(result.sent) for result in results]


def sent_message(it: queue.SentMessage | queue.SendMessageResponse) -> model.SentMessage:
    """Return a message that was stored."""
    return model.SentMessage(message_id=it.message_id, md5_of_body=it.md5_of_body, sequence_number=it.sequence_number)


def raise_failed(keys: Sequence[int | str], results: Iterable[queue.ItemResult | objects.DeleteObjectResult]) -> None:
    """Raise `PartialFailure` where an item of a batch failed; `keys` names the items."""
    failures = [
        (key, item_error(result.error)) for key, result in zip(keys, results, strict=True) if result.HasField("error")
    ]
    if failures:
        raise PartialFailure(failures, len(keys))


def queue_message(
    name: str,
    *,
    visibility_timeout: int | None = None,
    delay: int | None = None,
    retention: int | None = None,
    maximum_message_size: int | None = None,
    receive_wait: int | None = None,
    dead_letter_policy: model.DeadLetterPolicy | None = None,
    policy: str | Mapping[str, Any] | None = None,
    redrive_allow_policy: str | Mapping[str, Any] | None = None,
    content_based_deduplication: bool | None = None,
    deduplication_scope: str | None = None,
    throughput_limit: str | None = None,
    managed_sse: bool | None = None,
    kms_master_key_id: str | None = None,
    kms_data_key_reuse: int | None = None,
    expire_after_idle: int | None = None,
) -> queue.Queue:
    """Return a queue with the attributes that are given."""
    return queue.Queue(
        name=name,
        visibility_timeout_s=visibility_timeout,
        delay_s=delay,
        message_retention_s=retention,
        maximum_message_size_bytes=maximum_message_size,
        receive_wait_s=receive_wait,
        dead_letter_policy=None
        if dead_letter_policy is None
        else queue.DeadLetterPolicy(
            queue=dead_letter_policy.queue, max_receive_count=dead_letter_policy.max_receive_count
        ),
        policy=None if policy is None else document_text(policy),
        redrive_allow_policy=None if redrive_allow_policy is None else document_text(redrive_allow_policy),
        content_based_deduplication=content_based_deduplication,
        managed_sse_enabled=managed_sse,
        kms_master_key_id=kms_master_key_id,
        kms_data_key_reuse_s=kms_data_key_reuse,
        deduplication_scope=deduplication_scope,
        fifo_throughput_limit=throughput_limit,
        expire_after_idle_s=expire_after_idle,
    )


def queue_info(it: queue.Queue, *, listed: bool = False, counted: bool = False) -> model.QueueInfo:
    """Return a queue; a `listed` one has no attributes, only a `counted` one has counts."""
    name, created = short(it.name), time_or_none(it.create_ms)
    if listed:
        return model.QueueInfo(name=name, full_name=it.name, arn=it.arn, created=created)
    dead_letter = it.dead_letter_policy
    return model.QueueInfo(
        name=name,
        full_name=it.name,
        arn=it.arn,
        created=created,
        updated=time_or_none(it.update_ms),
        visibility_timeout_s=it.visibility_timeout_s,
        delay_s=it.delay_s,
        message_retention_s=it.message_retention_s,
        maximum_message_size_bytes=it.maximum_message_size_bytes,
        receive_wait_s=it.receive_wait_s,
        dead_letter_policy=model.DeadLetterPolicy(
            queue=dead_letter.queue, max_receive_count=dead_letter.max_receive_count
        )
        if it.HasField("dead_letter_policy")
        else None,
        policy=it.policy or None,
        redrive_allow_policy=it.redrive_allow_policy or None,
        content_based_deduplication=it.content_based_deduplication if is_fifo(name) else None,
        deduplication_scope=it.deduplication_scope or None,
        fifo_throughput_limit=it.fifo_throughput_limit or None,
        managed_sse_enabled=it.managed_sse_enabled,
        kms_master_key_id=it.kms_master_key_id or None,
        kms_data_key_reuse_s=it.kms_data_key_reuse_s,
        expire_after_idle_s=it.expire_after_idle_s or None,
        message_count=it.message_count if counted else None,
        in_flight_count=it.in_flight_count if counted else None,
        delayed_count=it.delayed_count if counted else None,
        oldest_age_s=it.oldest_age_s if counted else None,
        lag_s=it.lag_s if counted else None,
        fairness=_fairness(it.fairness) if it.HasField("fairness") else None,
    )


def _fairness(it: queue.Fairness) -> model.Fairness:
    return model.Fairness(
        noisy_groups=it.noisy_groups,
        message_count=it.message_count,
        in_flight_count=it.in_flight_count,
        delayed_count=it.delayed_count,
        oldest_age_s=it.oldest_age_s,
    )


# Logs


def publish_entry(
    body: object,
    subject: str = "",
    attributes: Mapping[str, model.Attribute] | None = None,
    group: str | None = None,
    deduplication_id: str | None = None,
) -> topics.PublishEntry:
    """Return one message to publish."""
    entry = topics.PublishEntry(
        body=body_bytes(body), subject=subject, group_id=group, deduplication_id=deduplication_id
    )
    if attributes:
        for name, value in attribute_messages(attributes).items():
            entry.attributes[name].CopyFrom(value)
    return entry


def notice_entry(item: object) -> topics.PublishEntry:
    """Return the entry of one item of a batch to publish: a `Notice`, or a plain body."""
    if isinstance(item, model.Notice):
        return publish_entry(item.body, item.subject, item.attributes, item.group, item.deduplication_id)
    return topics.PublishEntry(body=body_bytes(item))


def published_messages(results: Sequence[topics.PublishResult]) -> list[model.PublishedMessage]:
    """Return what was published; raise `PartialFailure` where an entry was refused."""
    failures: list[tuple[int | str, CumuloError]] = [
        (index, item_error(result.error)) for index, result in enumerate(results) if result.HasField("error")
    ]
    if failures:
        raise PartialFailure(failures, len(results))
    return [
        model.PublishedMessage(message_id=it.published.message_id, sequence_number=it.published.sequence_number)
        for it in results
    ]


def topic_message(
    name: str,
    *,
    keep: int | None = None,
    policy: str | Mapping[str, Any] | None = None,
    attributes: Mapping[str, str] | None = None,
) -> topics.Topic:
    """Return a topic with the attributes that are given."""
    return topics.Topic(
        name=name, keep_s=keep, policy=None if policy is None else document_text(policy), attributes=attributes
    )


def topic_info(it: topics.Topic, *, listed: bool = False) -> model.TopicInfo:
    """Return a topic; of a listed one only what listings hold."""
    if listed:
        return model.TopicInfo(name=short(it.name), full_name=it.name, arn=it.arn)
    return model.TopicInfo(
        name=short(it.name),
        full_name=it.name,
        arn=it.arn,
        created=time_of(it.create_ms),
        attributes=dict(sorted(it.attributes.items())),
        policy=it.policy or None,
        keep_s=it.keep_s,
        kept_message_count=it.kept_message_count,
        subscription_count=it.subscription_count,
        pending_subscription_count=it.pending_subscription_count,
    )


FILTER_SCOPES = {
    "attributes": topics.FILTER_SCOPE_MESSAGE_ATTRIBUTES,
    "body": topics.FILTER_SCOPE_MESSAGE_BODY,
}


def subscription_message(
    name: str,
    *,
    filter: str | Mapping[str, Any] | None = None,  # noqa: A002 - the word that people use; no call of the builtin here
    filter_scope: str | None = None,
    ack_deadline: int | None = None,
    retention: int | None = None,
    dead_letter_queue: str | None = None,
    max_deliveries: int | None = None,
    job: str | Mapping[str, Any] | None = None,
) -> topics.Subscription:
    """Return a subscription with the settings that are given; raises `ValueError` for an unknown scope."""
    if filter_scope is not None and filter_scope not in FILTER_SCOPES:
        raise ValueError(f"filter_scope is {filter_scope!r}, and none of {', '.join(FILTER_SCOPES)}")
    return topics.Subscription(
        name=name,
        filter_policy=None if filter is None else document_text(filter),
        filter_scope=topics.FILTER_SCOPE_UNSPECIFIED if filter_scope is None else FILTER_SCOPES[filter_scope],
        ack_deadline_s=ack_deadline,
        retention_s=retention,
        dead_letter_queue=dead_letter_queue,
        max_deliveries=max_deliveries,
        job_template=None if job is None else document_text(job),
    )


def subscription_info(it: topics.Subscription) -> model.SubscriptionInfo:
    """Return a subscription; settings and counts where it says them."""
    scope = "body" if it.filter_scope == topics.FILTER_SCOPE_MESSAGE_BODY else "attributes"
    info = model.SubscriptionInfo(
        name=short(it.name),
        full_name=it.name,
        arn=it.arn,
        protocol=it.protocol,
        endpoint=it.endpoint,
        filter_policy=it.filter_policy,
        filter_scope=scope,
        job=it.job_template,
    )
    if it.create_ms:
        info = msgspec.structs.replace(
            info,
            created=time_of(it.create_ms),
            dead_letter_queue=it.dead_letter_queue or None,
            message_count=it.message_count,
            in_flight_count=it.in_flight_count,
        )
    if not it.HasField("ack_deadline_s"):
        return info
    return msgspec.structs.replace(
        info,
        ack_deadline_s=it.ack_deadline_s,
        retention_s=it.retention_s,
        max_deliveries=it.max_deliveries or None,
        is_replaying=it.is_replaying,
    )


def snapshot_info(it: topics.Snapshot) -> model.SnapshotInfo:
    """Return a snapshot."""
    return model.SnapshotInfo(
        name=short(it.name),
        full_name=it.name,
        subscription=it.subscription,
        created=time_of(it.create_ms),
        message_count=it.message_count,
    )


def log_message(
    name: str,
    *,
    lane_count: int | None = None,
    retention: int | None = None,
    retention_bytes: int | None = None,
    retention_records: int | None = None,
    policy: str | Mapping[str, Any] | None = None,
) -> log.Log:
    """Return a log with the attributes that are given."""
    return log.Log(
        name=name,
        lane_count=lane_count,
        retention_s=retention,
        retention_bytes=retention_bytes,
        retention_records=retention_records,
        policy=None if policy is None else document_text(policy),
    )


def log_info(it: log.Log, *, listed: bool = False) -> model.LogInfo:
    """Return a log; of a listed one only what listings hold."""
    named = model.LogInfo(name=short(it.name), full_name=it.name, arn=it.arn, created=time_of(it.create_ms))
    if listed:
        return named
    return msgspec.structs.replace(
        named,
        updated=time_of(it.update_ms),
        lane_count=it.lane_count,
        retention_s=it.retention_s,
        retention_bytes=it.retention_bytes,
        retention_records=it.retention_records,
        policy=it.policy if it.HasField("policy") else None,
        first_position=it.first_position,
        next_position=it.next_position,
        size_bytes=it.size_bytes,
        last_append=time_or_none(it.last_append_ms),
    )


def append_entry(body: object, key: str, attributes: Mapping[str, model.Attribute] | None) -> log.AppendEntry:
    """Return one record to append."""
    entry = log.AppendEntry(body=body_bytes(body), key=key)
    if attributes:
        for name, value in attributes.items():
            entry.attributes[name].CopyFrom(_attribute_message(value))
    return entry


def outgoing_record(item: object) -> log.AppendEntry:
    """Return the entry of one item of a batch: an `OutgoingRecord`, or a plain body."""
    if isinstance(item, model.OutgoingRecord):
        return append_entry(item.body, item.key, item.attributes)
    return log.AppendEntry(body=body_bytes(item))


def appended(it: log.AppendRecordsResponse) -> model.Appended:
    """Return what became of records that were appended."""
    return model.Appended(first_position=it.first_position, count=it.count, time=time_of(it.time_ms))


def log_record(it: log.LogRecord) -> model.LogRecord:
    """Return a record that was read."""
    return model.LogRecord(
        position=it.position,
        time=time_of(it.time_ms),
        key=it.key,
        body=it.body,
        attributes=attribute_values(it.attributes) if it.attributes else {},
        lane=it.lane,
    )


def log_start(position: int | None, time: datetime | None, *, end: bool) -> log.LogStart:
    """Return where to begin to read: what is given, else the oldest record; raises `ValueError` for more than one."""
    if (position is not None) + (time is not None) + end > 1:
        raise ValueError("give a position, a time or the end, not several of them")
    if time is not None:
        return log.LogStart(time_ms=milliseconds(time))
    return log.LogStart(end=True) if end else log.LogStart(position=position or 0)


def consumer_group(it: log.ConsumerGroup) -> model.ConsumerGroup:
    """Return a consumer group."""
    return model.ConsumerGroup(
        name=it.name,
        created=time_of(it.create_ms),
        member_count=it.member_count,
        lag=it.lag,
        lanes=tuple(
            model.GroupLane(lane=lane.lane, position=lane.position, member=lane.member, lag=lane.lag)
            for lane in it.lanes
        ),
    )


def put_scheduled_message(
    schedule: schedules.Schedule,
    body: object,
    attributes: Mapping[str, model.Attribute] | None,
    group: str | None,
    priority: int | None,
) -> None:
    """Write what a schedule is to send into it."""
    schedule.body = body_bytes(body)
    for name, value in (attributes or {}).items():
        schedule.attributes[name].CopyFrom(_attribute_message(value))
    if group is not None:
        schedule.group_id = group
    if priority is not None:
        schedule.priority = priority


def schedule_info(it: schedules.Schedule) -> model.ScheduleInfo:
    """Return a schedule; a listed one has no body."""
    state: Any = schedules.ScheduleState.Name(it.state).removeprefix("SCHEDULE_STATE_")
    return model.ScheduleInfo(
        name=short(it.name),
        full_name=it.name,
        state=state,
        cron=it.cron or None,
        time_zone=it.time_zone or None,
        every_s=it.every_s or None,
        at=time_or_none(it.at_ms),
        next=time_or_none(it.next_ms),
        last=time_or_none(it.last_ms),
        last_message_id=it.last_message_id,
        sent_count=it.sent_count,
        reason=it.reason,
        skip_missed=it.missed_instants == schedules.MISSED_INSTANTS_SKIP,
        created=time_of(it.create_ms),
        updated=time_of(it.update_ms),
        body=it.body or None,
        attributes=attribute_values(it.attributes),
        group=it.group_id or None,
        priority=it.priority if it.HasField("priority") else None,
    )


# Objects


def bucket_info(it: objects.Bucket) -> model.BucketInfo:
    """Return a bucket."""
    return model.BucketInfo(
        name=short(it.name), arn=it.arn, region=it.region, account=it.account, created=time_of(it.create_ms)
    )


def enclosed_message(it: model.Enclosed) -> objects.EnclosedMessage:
    """Return a message that goes with an object as the contract writes it."""
    return objects.EnclosedMessage(queue=it.queue, entry=outgoing_entry(it))


def stored_object(it: objects.PutObjectResponse | objects.CompleteMultipartUploadResponse) -> model.ObjectInfo:
    """Return an object that was stored, with the messages that were stored with it."""
    return object_info(it.object, tuple(map(sent_message, it.messages)))


def object_info(it: objects.Object, messages: tuple[model.SentMessage, ...] = ()) -> model.ObjectInfo:
    """Return an object's description."""
    return model.ObjectInfo(
        key=it.key,
        size=it.size_bytes,
        etag=it.etag,
        modified=time_of(it.last_modified_ms),
        bucket=short(it.bucket),
        content_type=it.content_type,
        metadata=dict(it.metadata),
        crc64nvme=it.crc64nvme if it.HasField("crc64nvme") else None,
        crc32c=it.crc32c if it.HasField("crc32c") else None,
        part_count=it.part_count,
        messages=messages,
        encryption=it.encryption,
        kms_key_arn=it.kms_key_arn,
        version_id=it.version_id,
        lock=_lock(it.lock) if it.HasField("lock") else None,
        replication_status=it.replication_status,
        headers=dict(it.headers),
        storage_class=it.storage_class,
        tag_count=it.tag_count,
        restore=model.Restore(expires=time_or_none(it.restore.expires_ms)) if it.HasField("restore") else None,
    )


def object_attributes(it: objects.GetObjectAttributesResponse, parts: Iterable[objects.Part]) -> model.ObjectAttributes:
    """Return an object's attributes, with the parts of all pages."""
    checksums = {"crc64nvme": f"{it.object.crc64nvme:016x}"}
    if it.object.HasField("crc32c"):
        checksums["crc32c"] = f"{it.object.crc32c:08x}"
    return model.ObjectAttributes(
        info=object_info(it.object),
        checksums=checksums | {name: value.hex() for name, value in it.checksums.items()},
        checksum_type=it.checksum_type,
        parts=tuple(map(_part_info, parts)),
    )


def _part_info(it: objects.Part) -> model.PartInfo:
    checksums = {"crc64nvme": f"{it.crc64nvme:016x}"} | {name: value.hex() for name, value in it.checksums.items()}
    return model.PartInfo(number=it.part_number, size=it.size_bytes, etag=it.etag, checksums=checksums)


def _lock(it: objects.ObjectLock) -> model.ObjectLock:
    retention = object_retention(it) if it.mode else None
    return model.ObjectLock(retention=retention, legal_hold=it.legal_hold == "ON" if it.legal_hold else None)


def object_lock(it: model.ObjectLock | None) -> objects.ObjectLock | None:
    """Return what is to protect a new object."""
    if it is None:
        return None
    hold = "" if it.legal_hold is None else legal_hold(held=it.legal_hold)
    if it.retention is None:
        return objects.ObjectLock(legal_hold=hold)
    return objects.ObjectLock(
        mode=it.retention.mode,
        retain_until_ms=retain_until_ms(it.retention),
        legal_hold=hold,
        event_hold=event_hold(it.retention),
    )


def object_retention(it: objects.ObjectLock | objects.GetObjectRetentionResponse) -> model.Retention:
    """Return a retention."""
    event = it.event_hold
    hold = model.EventHold(on=event.on, days=event.days, years=event.years) if it.HasField("event_hold") else None
    return model.Retention(mode=it.mode, until=time_of(it.retain_until_ms), event_hold=hold)


def event_hold(it: model.Retention) -> objects.EventHold | None:
    """Return the event hold of a retention on the wire."""
    hold = it.event_hold
    return None if hold is None else objects.EventHold(on=hold.on, days=hold.days, years=hold.years)


def legal_hold(*, held: bool) -> str:
    """Return the contract's word for whether an object is held."""
    return "ON" if held else "OFF"


def retain_until_ms(it: model.Retention) -> int:
    """Return the end of a retention on the wire; raises `ValueError` for one without a time zone."""
    if it.until is None:
        return 0
    if it.until.tzinfo is None:
        raise ValueError(f"until needs a time zone: {it.until}")
    return milliseconds(it.until)


def object_version(it: objects.ObjectVersion) -> model.ObjectVersion:
    """Return a version, or a delete marker, of a listing."""
    return model.ObjectVersion(
        key=it.key,
        version_id=it.version_id,
        latest=it.latest,
        delete_marker=it.delete_marker,
        size=it.size_bytes,
        etag=it.etag,
        modified=time_of(it.last_modified_ms),
        storage_class=it.storage_class,
        owner=it.owner,
    )


def deleted(it: objects.DeleteObjectResponse | objects.DeleteObjectResult) -> model.Deleted:
    """Return what a delete did."""
    return model.Deleted(version_id=it.version_id, delete_marker=it.delete_marker)


def delete_entry(what: str | model.ObjectVersion, *, bypass_governance: bool) -> objects.DeleteObjectEntry:
    """Return what is to be deleted: an object by its key, or a version."""
    if isinstance(what, str):
        return objects.DeleteObjectEntry(key=what)
    return objects.DeleteObjectEntry(key=what.key, version_id=what.version_id, bypass_governance=bypass_governance)


def encryption(it: model.Encryption | None) -> objects.ObjectEncryption | None:
    """Return how an object is to be encrypted."""
    if it is None:
        return None
    return objects.ObjectEncryption(
        algorithm=it.algorithm,
        kms_key_id=it.kms_key_id,
        kms_context=it.kms_context,
        bucket_key=it.bucket_key,
        customer_key=it.customer_key,
    )


def listed_object(it: objects.ObjectSummary) -> model.ObjectInfo:
    """Return an object of a listing."""
    return model.ObjectInfo(
        key=it.key,
        size=it.size_bytes,
        etag=it.etag,
        modified=time_of(it.last_modified_ms),
        storage_class=it.storage_class,
        owner=it.owner,
    )


def configuration(document: str) -> dict[str, Any]:
    """Return what a configuration's document says."""
    return msgspec.json.decode(document, type=dict[str, Any])


def bucket_quota(said: dict[str, Any] | None) -> model.BucketQuota:
    """Return a bucket's quota; one that nobody wrote limits nothing."""
    return msgspec.convert(said or {}, model.BucketQuota)


def bucket_encryption(said: Mapping[str, Any] | None) -> model.BucketEncryption:
    """Return a bucket's encryption out of S3's shape of it."""
    assert said is not None
    rule = said["Rules"][0]
    default = rule.get("ApplyServerSideEncryptionByDefault") or {}
    blocked = (rule.get("BlockedEncryptionTypes") or {}).get("EncryptionType") or ()
    return model.BucketEncryption(
        algorithm=default.get("SSEAlgorithm") or "AES256",
        kms_key_id=default.get("KMSMasterKeyID") or "",
        bucket_key=bool(rule.get("BucketKeyEnabled")),
        blocks_customer_keys="SSE-C" in blocked,
    )


def encryption_document(it: model.BucketEncryption) -> dict[str, Any]:
    """Return a bucket's encryption in S3's shape."""
    default = {"SSEAlgorithm": it.algorithm} | ({"KMSMasterKeyID": it.kms_key_id} if it.kms_key_id else {})
    blocked = ["SSE-C" if it.blocks_customer_keys else "NONE"]
    rule = {
        "ApplyServerSideEncryptionByDefault": default,
        "BucketKeyEnabled": it.bucket_key,
        "BlockedEncryptionTypes": {"EncryptionType": blocked},
    }
    return {"Rules": [rule]}


def notification_rule(it: objects.NotificationRule) -> model.NotificationRule:
    """Return a notification rule."""
    return model.NotificationRule(
        queue=it.queue,
        events=tuple(it.events),
        prefix=it.prefix,
        suffix=it.suffix,
        id=it.id,
        topic=it.topic,
        endpoint=it.endpoint,
    )


def notification_message(rule: model.NotificationRule) -> objects.NotificationRule:
    """Return a notification rule as the contract writes it."""
    return objects.NotificationRule(
        id=rule.id,
        queue=rule.queue,
        events=rule.events,
        prefix=rule.prefix,
        suffix=rule.suffix,
        topic=rule.topic,
        endpoint=rule.endpoint,
    )


def conditions(
    if_match: str | None,
    if_none_match: str | None,
    if_modified_since: datetime | None,
    if_unmodified_since: datetime | None,
) -> dict[str, Any]:
    """Return the fields of a conditional read that are given."""
    fields: dict[str, Any] = {"if_match": if_match or "", "if_none_match": if_none_match or ""}
    if if_modified_since is not None:
        fields["if_modified_since_ms"] = milliseconds(if_modified_since)
    if if_unmodified_since is not None:
        fields["if_unmodified_since_ms"] = milliseconds(if_unmodified_since)
    return fields


# Identity


def access_control_list(it: objects.AccessControlList) -> model.AccessControlList:
    """Return an access control list."""
    grants = tuple(model.Grant(grantee=grant.grantee, permission=grant.permission) for grant in it.grants)
    return model.AccessControlList(owner=it.owner, grants=grants)


def account_info(it: identity.Account) -> model.AccountInfo:
    """Return an account."""
    return model.AccountInfo(
        account=short(it.name),
        display_name=it.display_name,
        email=it.email,
        canonical_id=it.canonical_id,
        created=time_of(it.create_ms),
    )


def new_account(it: identity.CreateAccountResponse) -> model.NewAccount:
    """Return an account that was made, with its root's access key."""
    return model.NewAccount(
        account=short(it.account.name),
        display_name=it.account.display_name,
        email=it.account.email,
        canonical_id=it.account.canonical_id,
        access_key_id=it.root_access_key.access_key_id,
        secret_access_key=it.root_secret_access_key,
        created=time_of(it.account.create_ms),
    )


def user_info(it: identity.User) -> model.UserInfo:
    """Return a user."""
    return model.UserInfo(
        name=short(it.name),
        full_name=it.name,
        arn=it.arn,
        user_id=it.user_id,
        path=it.path,
        created=time_of(it.create_ms),
        groups=tuple(map(short, it.groups)),
    )


def key_owner(it: identity.AccessKey) -> str:
    """Return the short name of a key's user; empty for an account's root."""
    return short(it.user) if "/users/" in it.user else ""


def access_key_info(it: identity.AccessKey) -> model.AccessKeyInfo:
    """Return an access key without its secret."""
    return model.AccessKeyInfo(
        access_key_id=it.access_key_id,
        user=key_owner(it),
        active=it.status == identity.ACCESS_KEY_STATUS_ACTIVE,
        created=time_of(it.create_ms),
    )


def new_access_key(it: identity.AccessKey, secret: str) -> model.NewAccessKey:
    """Return a new access key with its secret."""
    return model.NewAccessKey(
        access_key_id=it.access_key_id, secret_access_key=secret, user=key_owner(it), created=time_of(it.create_ms)
    )


def group_info(it: identity.Group) -> model.GroupInfo:
    """Return a group."""
    return model.GroupInfo(
        name=short(it.name),
        full_name=it.name,
        arn=it.arn,
        group_id=it.group_id,
        path=it.path,
        created=time_of(it.create_ms),
    )


def policy_info(it: identity.Policy) -> model.PolicyInfo:
    """Return a managed policy."""
    return model.PolicyInfo(
        name=short(it.name),
        full_name=it.name,
        arn=it.arn,
        policy_id=it.policy_id,
        path=it.path,
        description=it.description,
        document=it.document,
        created=time_or_none(it.create_ms),
        updated=time_or_none(it.update_ms),
        attachment_count=it.attachment_count,
    )


def explanation(it: identity.ExplainAccessResponse) -> model.Explanation:
    """Return a decision and its grounds."""
    decision = identity.Decision.Name(it.decision).removeprefix("DECISION_").replace("_", " ").lower()
    return model.Explanation(
        decision=_one_of(decision, ("allow", "explicit deny", "implicit deny")),
        reason=it.reason,
        matched_statements=tuple(
            model.MatchedStatement(
                policy=statement.policy,
                sid=statement.sid,
                statement_index=statement.statement_index,
                effect="Allow" if statement.effect == identity.EFFECT_ALLOW else "Deny",
            )
            for statement in it.matched_statements
        ),
    )


# Jobs


def job_spec_message(spec: model.JobSpec) -> runner.JobSpec:
    """Return a job's specification as the contract writes it."""
    return runner.JobSpec(
        name=spec.name,
        command=spec.command,
        environment=dict(spec.environment),
        inputs=[runner.JobInput(source=it.source, path=it.path) for it in spec.inputs],
        outputs=[runner.JobOutput(path=it.path, destination=it.destination) for it in spec.outputs],
        timeout_s=spec.timeout_s or 0,
        memory_bytes=spec.memory_bytes or 0,
        cpu_millis=spec.cpu_millis or 0,
        pids_max=spec.pids_max or 0,
        isolation=runner.ISOLATION_NONE if spec.isolation == "none" else runner.ISOLATION_SANDBOX,
        max_attempts=spec.max_attempts or 0,
    )


def job_spec(it: runner.JobSpec) -> model.JobSpec:
    """Return a job's specification."""
    return model.JobSpec(
        name=it.name,
        command=tuple(it.command),
        environment=dict(it.environment),
        inputs=tuple(model.JobInput(source=one.source, path=one.path) for one in it.inputs),
        outputs=tuple(model.JobOutput(path=one.path, destination=one.destination) for one in it.outputs),
        timeout_s=it.timeout_s or None,
        memory_bytes=it.memory_bytes or None,
        cpu_millis=it.cpu_millis or None,
        pids_max=it.pids_max or None,
        isolation="none" if it.isolation == runner.ISOLATION_NONE else "sandbox",
        max_attempts=it.max_attempts or None,
    )


def job_info(it: runner.Job) -> model.JobInfo:
    """Return a job's record."""
    return model.JobInfo(
        id=short(it.name),
        full_name=it.name,
        arn=it.arn,
        queue=short(it.queue),
        spec=job_spec(it.spec),
        state=job_state(it.state),
        status_reason=it.status_reason,
        created=time_of(it.create_ms),
        started=time_or_none(it.start_ms),
        stopped=time_or_none(it.stop_ms),
        cancel_requested=it.cancel_requested,
        deduplication_key=it.deduplication_key,
        attempts=tuple(map(_job_attempt, it.attempts)),
        outputs=tuple(
            model.JobOutputObject(object=one.object, size=one.size_bytes, etag=one.etag) for one in it.outputs
        ),
    )


def _job_attempt(it: runner.JobAttempt) -> model.JobAttempt:
    return model.JobAttempt(
        number=it.number,
        worker=it.worker,
        claimed=time_of(it.claim_ms),
        started=time_or_none(it.start_ms),
        stopped=time_or_none(it.stop_ms),
        exit_code=it.exit_code if it.HasField("exit_code") else None,
        reason=it.reason,
        usage=model.JobUsage(
            cpu_ms=it.usage.cpu_ms, wall_ms=it.usage.wall_ms, memory_peak_bytes=it.usage.memory_peak_bytes
        )
        if it.HasField("usage")
        else None,
        log_chunks=it.log_chunks,
    )


def job_state(state: Any) -> model.JobState:
    """Return a job's state in AWS Batch's word."""
    word: model.JobState = _one_of(runner.JobState.Name(state).removeprefix("JOB_STATE_"), get_args(model.JobState))
    return word


def job_state_number(state: str) -> Any:
    """Return the contract's value of a state; raises ValueError for a word that is none."""
    return runner.JobState.Value(f"JOB_STATE_{state.upper()}")


_LOG_STREAMS: Mapping[int, model.LogStreamName] = {
    runner.LOG_STREAM_STDOUT: "stdout",
    runner.LOG_STREAM_STDERR: "stderr",
    runner.LOG_STREAM_WORKER: "worker",
}
LOG_STREAM_NUMBERS: Mapping[str, Any] = {
    "stdout": runner.LOG_STREAM_STDOUT,
    "stderr": runner.LOG_STREAM_STDERR,
    "worker": runner.LOG_STREAM_WORKER,
}


def log_chunk(attempt: int, it: runner.LogChunk) -> model.LogChunk:
    """Return a piece of a log."""
    return model.LogChunk(
        attempt=attempt,
        number=it.number,
        stream=_LOG_STREAMS.get(it.stream, "worker"),
        data=it.data,
        written=time_of(it.write_ms),
    )


def claim(it: runner.ClaimJobResponse) -> model.Claim:
    """Return how a claim came out."""
    outcome = runner.ClaimOutcome.Name(it.outcome).removeprefix("CLAIM_OUTCOME_").replace("_", " ").lower()
    return model.Claim(
        outcome=_one_of(outcome, ("claimed", "already done", "held")),
        job=job_info(it.job),
        attempt=it.attempt,
        lease_token=it.lease_token,
        lease_expires=time_or_none(it.lease_expires_ms),
    )


def _one_of(word: str, words: Sequence[Any]) -> Any:
    """Return `word`, which must be one of the contract's: a newer server's is an error, not a guess."""
    if word not in words:
        raise CumuloError(f"the server answered {word!r}, this client knows {', '.join(words)}: update it")
    return word

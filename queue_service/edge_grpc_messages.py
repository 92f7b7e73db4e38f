"""Messages over gRPC: their protos to and from the model.

Conversions on the path of messages use as few Python operations as they can: a frame of 100 messages passes through
here in one go.
"""

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from cumulo.api.queue.v1 import queue_pb2 as pb
from cumulo.core.context import CallContext
from cumulo.gateway.rpc import UnaryRow
from cumulo.queue_service import message_model, move_model

if TYPE_CHECKING:
    from cumulo.api.queue.v1.log_pb2 import LogRecord
    from cumulo.api.queue.v1.schedule_pb2 import Schedule


def decode_attributes(attributes: Any) -> message_model.MessageAttributes:
    """Return the attributes of a non-empty proto map, in the order of their names."""
    decoded = []
    for name in sorted(attributes):
        it = attributes[name]
        binary = it.WhichOneof("value") == "binary_value"
        value = it.binary_value if binary else it.string_value.encode()
        decoded.append(message_model.MessageAttribute(name, it.data_type, value, binary))
    return tuple(decoded)


def decode_entry(it: Any) -> message_model.SendEntry:
    """Return a message to store, of a single call, a batch or a frame."""
    attributes = it.attributes
    return message_model.SendEntry(
        it.body,
        decode_attributes(attributes) if attributes else (),
        it.delay_s if it.HasField("delay_s") else None,
        it.trace_header,
        it.group_id if it.HasField("group_id") else None,
        it.deduplication_id if it.HasField("deduplication_id") else None,
        it.priority if it.HasField("priority") else None,
        it.deliver_at_ms if it.HasField("deliver_at_ms") else None,
    )


def decode_entries(request: Any, others: Any) -> tuple[message_model.SendEntry, ...]:
    """Return the messages of a batch or a frame; `others` is a message of its type with all its other fields.

    Most entries have a body and nothing else. All of them have where the request takes no more bytes than their bodies
    ask for, which is sooner known than that every other field is absent from every entry.
    """
    bodies = [it.body for it in request.entries]
    if all(bodies) and request.ByteSize() == others.ByteSize() + sum(map(_entry_bytes, map(len, bodies))):
        return tuple(map(message_model.SendEntry, bodies))
    return tuple(map(decode_entry, request.entries))


@functools.lru_cache(maxsize=4096)
def _entry_bytes(body_bytes: int) -> int:
    """Return what an entry takes that is a body of so many bytes."""
    return _field_bytes(_field_bytes(body_bytes))


def _field_bytes(value_bytes: int) -> int:
    """Return what a field of bytes takes: tag, length, value."""
    return 1 + -(-value_bytes.bit_length() // 7) + value_bytes


def _decode_send(request: pb.SendMessageRequest, _: CallContext) -> message_model.SendMessages:
    return message_model.SendMessages(
        queue=request.queue, entries=(decode_entry(request),), request_id=request.request_id
    )


def _encode_sent(it: message_model.SentMessage) -> pb.SendMessageResponse:
    answer = pb.SendMessageResponse()
    answer.message_id = it.message_id
    answer.md5_of_body = it.md5_of_body
    if it.sequence_number:
        answer.sequence_number = it.sequence_number
    return answer


def _decode_batch(request: pb.BatchSendMessagesRequest, _: CallContext) -> message_model.SendMessages:
    queue, request_id = request.queue, request.request_id
    entries = decode_entries(request, pb.BatchSendMessagesRequest(queue=queue, request_id=request_id))
    return message_model.SendMessages(queue=queue, entries=entries, request_id=request_id)


_SendAnswer = TypeVar("_SendAnswer", pb.BatchSendMessagesResponse, pb.StreamSendMessagesResponse)
_ItemsAnswer = TypeVar("_ItemsAnswer", bound=Any)
_ReceiveAnswer = TypeVar("_ReceiveAnswer", bound=Any)
"""One whose `messages` are of this package; topics have such answers, too."""


def add_results(
    answer: _SendAnswer, results: Iterable[message_model.SentMessage | message_model.ItemError]
) -> _SendAnswer:
    """Fill an answer in place: a fifth of the cost of making the messages first, which are copied then."""
    add = answer.results.add
    for it in results:
        if isinstance(it, message_model.SentMessage):
            sent = add().sent
            sent.message_id = it.message_id
            sent.md5_of_body = it.md5_of_body
            if it.sequence_number:
                sent.sequence_number = it.sequence_number
        else:
            add(error=item_error(it))
    return answer


def item_error(it: message_model.ItemError) -> pb.ItemError:
    """Return why one item of a batch or a frame was refused."""
    return pb.ItemError(code=it.code, message=it.message, sender_fault=it.sender_fault)


_DONE = b"\x0a\x00"
"""An empty result, of an item that is done, in field 1 of an answer."""


def item_results(
    answer: type[_ItemsAnswer], results: Sequence[message_model.ItemError | message_model.AlreadyAcknowledged | None]
) -> _ItemsAnswer:
    """Return what became of the items of a batch that answers nothing on success, in field 1 of an answer."""
    if not any(results):  # nearly always; parsed in one go instead of made one by one
        done: _ItemsAnswer = answer.FromString(_DONE * len(results))
        return done
    answered: _ItemsAnswer = answer(
        results=[
            pb.ItemResult(error=item_error(it))
            if isinstance(it, message_model.ItemError)
            else pb.ItemResult(already_acknowledged=it is not None)
            for it in results
        ]
    )
    return answered


def _decode_commit(request: pb.CommitMessagesRequest, _: CallContext) -> message_model.CommitMessages:
    return message_model.CommitMessages(
        sends=tuple(message_model.CommitSend(it.queue, decode_entry(it.entry)) for it in request.sends),
        deletes=tuple(message_model.CommitDelete(it.queue, it.receipt_handle) for it in request.deletes),
        request_id=request.request_id,
    )


def _encode_committed(sent: Iterable[message_model.SentMessage]) -> pb.CommitMessagesResponse:
    answer = pb.CommitMessagesResponse()
    for it in sent:
        answer.sent.add(message_id=it.message_id, md5_of_body=it.md5_of_body, sequence_number=it.sequence_number)
    return answer


def _decode_receive(request: pb.ReceiveMessagesRequest, _: CallContext) -> message_model.ReceiveMessages:
    return message_model.ReceiveMessages(
        queue=request.queue,
        max_messages=request.max_messages or 1,
        wait_s=request.wait_s if request.HasField("wait_s") else None,
        visibility_timeout_s=request.visibility_timeout_s if request.HasField("visibility_timeout_s") else None,
        attempt_id=request.attempt_id,
    )


def add_messages(answer: _ReceiveAnswer, messages: Iterable[message_model.Message]) -> _ReceiveAnswer:
    """Fill an answer in place, as `add_results` does."""
    add = answer.messages.add
    for it in messages:
        message = add()  # to set the fields one by one costs less than to name them in this call
        message.message_id = it.message_id
        message.receipt_handle = it.receipt_handle
        message.body = it.body
        message.md5_of_body = it.md5_of_body
        message.sent_ms = it.sent_ms
        message.receive_count = it.receive_count
        message.first_received_ms = it.first_received_ms
        message.sender_id = it.sender_id
        if it.group_id:
            message.group_id = it.group_id
        if it.sequence_number:
            message.deduplication_id = it.deduplication_id
            message.sequence_number = it.sequence_number
        if it.priority != message_model.PRIORITY_DEFAULT:
            message.priority = it.priority
        if it.trace_header:
            message.trace_header = it.trace_header
        if it.dead_letter_source_arn:
            message.dead_letter_source_arn = it.dead_letter_source_arn
        if it.attributes:
            add_attributes(message, it.attributes)
    return answer


def add_attributes(message: "pb.Message | LogRecord | Schedule", attributes: message_model.MessageAttributes) -> None:
    """Fill in the attributes of a message, a record or a schedule."""
    for attribute in attributes:
        place = message.attributes[attribute.name]
        place.data_type = attribute.data_type
        if attribute.binary:
            place.binary_value = attribute.value
        else:
            place.string_value = attribute.value.decode()


def _decode_delete(request: pb.DeleteMessageRequest, _: CallContext) -> message_model.DeleteMessages:
    return message_model.DeleteMessages(
        queue=request.queue,
        receipt_handles=(request.receipt_handle,),
        request_id=request.request_id,
        exactly_once=request.exactly_once,
    )


def _decode_deletes(request: pb.BatchDeleteMessagesRequest, _: CallContext) -> message_model.DeleteMessages:
    return message_model.DeleteMessages(
        queue=request.queue,
        receipt_handles=tuple(request.receipt_handles),
        request_id=request.request_id,
        exactly_once=request.exactly_once,
    )


def _decode_change(request: pb.ChangeMessageVisibilityRequest, _: CallContext) -> message_model.ChangeVisibilities:
    return message_model.ChangeVisibilities(
        queue=request.queue,
        entries=(message_model.VisibilityChange(request.receipt_handle, request.visibility_timeout_s),),
        request_id=request.request_id,
    )


def decode_visibility_changes(entries: Iterable[pb.VisibilityChange]) -> tuple[message_model.VisibilityChange, ...]:
    """Return the visibility changes of a batch or a frame."""
    return tuple(message_model.VisibilityChange(it.receipt_handle, it.visibility_timeout_s) for it in entries)


def _decode_changes(
    request: pb.BatchChangeMessageVisibilityRequest, _: CallContext
) -> message_model.ChangeVisibilities:
    return message_model.ChangeVisibilities(
        queue=request.queue, entries=decode_visibility_changes(request.entries), request_id=request.request_id
    )


def _decode_move(request: pb.MoveMessagesRequest, _: CallContext) -> move_model.MoveMessages:
    return move_model.MoveMessages(
        source=request.queue,
        destination=request.destination,
        messages=tuple(
            move_model.SelectedMessage(it.position, it.message_id, it.receipt_handle) for it in request.messages
        ),
        request_id=request.request_id,
    )


_STATES = {
    message_model.MessageState.UNKNOWN: pb.MESSAGE_STATE_UNSPECIFIED,
    message_model.MessageState.READY: pb.MESSAGE_STATE_READY,
    message_model.MessageState.DELAYED: pb.MESSAGE_STATE_DELAYED,
    message_model.MessageState.IN_FLIGHT: pb.MESSAGE_STATE_IN_FLIGHT,
}


_REASONS = {
    int(move_model.MoveReason.RECEIVED_TOO_OFTEN): pb.MOVE_REASON_RECEIVED_TOO_OFTEN,
    int(move_model.MoveReason.MOVE_TASK): pb.MOVE_REASON_MOVE_TASK,
    int(move_model.MoveReason.SELECTED): pb.MOVE_REASON_SELECTED,
}


def _decode_peek(request: pb.PeekMessagesRequest, _: CallContext) -> message_model.PeekMessages:
    return message_model.PeekMessages(
        queue=request.queue,
        max_messages=request.max_messages or 10,
        after=request.after_position,
        message_ids=tuple(request.message_ids),
    )


def _encode_peeked(page: message_model.PeekedPage) -> pb.PeekMessagesResponse:
    answer = pb.PeekMessagesResponse(next_position=page.next_position)
    for it in page.messages:
        message = pb.Message(
            message_id=it.message_id,
            body=it.body,
            md5_of_body=it.md5_of_body,
            sent_ms=it.sent_ms,
            sender_id=it.sender_id,
            group_id=it.group_id,
            deduplication_id=it.deduplication_id,
            sequence_number=it.sequence_number,
            receive_count=it.receive_count,
            first_received_ms=it.first_received_ms,
            trace_header=it.trace_header,
            dead_letter_source_arn=it.dead_letter_source_arn,
        )
        if it.priority != message_model.PRIORITY_DEFAULT:
            message.priority = it.priority
        add_attributes(message, it.attributes)
        peeked = answer.messages.add(
            position=it.position,
            message=message,
            dead_letter_source_arn=it.dead_letter_source_arn,
            state=_STATES[it.state],
            due_ms=it.due_ms,
            last_received_ms=it.last_received_ms,
        )
        for hop in it.history:
            peeked.history.add(
                reason=_REASONS[hop.reason],
                queue_arn=hop.queue_arn,
                moved_ms=hop.moved_ms,
                receive_count=hop.receive_count,
                first_received_ms=hop.first_received_ms,
                last_received_ms=hop.last_received_ms,
                max_receive_count=hop.max_receive_count,
            )
    return answer


ROWS: Mapping[str, UnaryRow] = {
    "SendMessage": (pb.SendMessageRequest, _decode_send, _encode_sent),
    "BatchSendMessages": (
        pb.BatchSendMessagesRequest,
        _decode_batch,
        lambda it: add_results(pb.BatchSendMessagesResponse(), it),
    ),
    "CommitMessages": (pb.CommitMessagesRequest, _decode_commit, _encode_committed),
    "ReceiveMessages": (
        pb.ReceiveMessagesRequest,
        _decode_receive,
        lambda it: add_messages(pb.ReceiveMessagesResponse(), it),
    ),
    "PeekMessages": (
        pb.PeekMessagesRequest,
        _decode_peek,
        _encode_peeked,
    ),
    "MoveMessages": (
        pb.MoveMessagesRequest,
        _decode_move,
        functools.partial(item_results, pb.MoveMessagesResponse),
    ),
    "DeleteMessage": (
        pb.DeleteMessageRequest,
        _decode_delete,
        lambda it: pb.DeleteMessageResponse(already_acknowledged=it is not None),
    ),
    "BatchDeleteMessages": (
        pb.BatchDeleteMessagesRequest,
        _decode_deletes,
        functools.partial(item_results, pb.BatchDeleteMessagesResponse),
    ),
    "ChangeMessageVisibility": (
        pb.ChangeMessageVisibilityRequest,
        _decode_change,
        lambda _: pb.ChangeMessageVisibilityResponse(),
    ),
    "BatchChangeMessageVisibility": (
        pb.BatchChangeMessageVisibilityRequest,
        _decode_changes,
        functools.partial(item_results, pb.BatchChangeMessageVisibilityResponse),
    ),
}

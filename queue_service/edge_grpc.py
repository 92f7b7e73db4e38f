"""The gRPC edge of the room: proto <-> model, and the two streams.

Knows `cumulo.api.queue.v1` and the service's one door, `call`; decides nothing. Conversions on the path of messages use
as few Python operations as they can: a frame of 100 messages passes through here in one go.

The streams are pumps around that door. A sending stream has several frames under way at once and answers them in order.
A receiving stream takes messages while the client has credits, and does acknowledgements beside it. Both keep a bounded
number of frames in memory, so a slow client or a slow disk slows the other side down.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from typing import Any, Protocol, TypeVar

import grpc
from google.protobuf.message import Message as ProtoMessage

from cumulo.api.queue.v1 import queue_pb2 as pb
from cumulo.core.context import CallContext
from cumulo.core.errors import INVALID_PARAMETER_VALUE, MISSING_PARAMETER, SHUTTING_DOWN
from cumulo.core.names import resource_name
from cumulo.core.operations import Result
from cumulo.gateway.rpc import RpcAdaptor, parser
from cumulo.queue_service import model
from cumulo.queue_service.errors import BATCH_REQUEST_TOO_LONG, TOO_MANY_ENTRIES_IN_BATCH_REQUEST
from cumulo.queue_service.queue_attributes import NAMES

SERVICE_NAME = "cumulo.api.queue.v1.QueueService"
FRAME_BYTES_MAX = 262_144
"""Bodies and attributes of a stream's frame that holds more than one message."""
FRAMES_UNDER_WAY_MAX = 8
"""Frames of one stream that are being worked on at once."""
CREDITS_MAX = 10_000
ACKS_MAX = 1_000
"""Acknowledgements and visibility changes of one frame."""


class QueueDoor(Protocol):
    """The service, as the edge sees it."""

    @property
    def draining(self) -> bool:
        """Whether waits end at once, because the server stops."""
        ...

    async def call(
        self, ctx: CallContext, operation: str, request: Any, body: AsyncIterator[memoryview] | None = None
    ) -> Result:
        """Run one operation."""
        ...

    async def admit(self, ctx: CallContext, request: model.ReceiveMessages) -> None:
        """Raise what a receive would be refused with now; takes nothing."""
        ...


def handlers(service: QueueDoor, rpc: RpcAdaptor) -> grpc.GenericRpcHandler:
    """Return the handlers of QueueService."""
    rows: dict[str, Any] = {
        name: grpc.unary_unary_rpc_method_handler(
            rpc.unary(service, SERVICE_NAME, name, decode, encode), parser(request.FromString), _serialize
        )
        for name, (request, decode, encode) in _UNARY.items()
    }
    for name, request, stream in (
        ("StreamSendMessages", pb.StreamSendMessagesRequest, _SendStream),
        ("StreamReceiveMessages", pb.StreamReceiveMessagesRequest, _ReceiveStream),
    ):
        rows[name] = grpc.stream_stream_rpc_method_handler(
            rpc.stream(SERVICE_NAME, name, _opener(stream, service)), request.FromString, _serialize
        )
    return grpc.method_handlers_generic_handler(SERVICE_NAME, rows)


def _serialize(message: ProtoMessage) -> bytes:
    return message.SerializeToString()


def _opener(
    stream: "type[_SendStream | _ReceiveStream]", service: QueueDoor
) -> Callable[[AsyncIterator[Any], CallContext], AsyncIterator[ProtoMessage]]:
    return lambda requests, ctx: stream(service, ctx).run(requests)


# Queues


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
    )
    if it.dead_letter_name:
        queue.dead_letter_policy.queue = resource_name(it.account, it.region, "queues", it.dead_letter_name)
        queue.dead_letter_policy.max_receive_count = it.max_receive_count
    if it.policy:
        queue.policy = it.policy
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
        queue=request.queue.name, attributes=_attributes(request.queue, NAMES), request_id=request.request_id
    )


def _decode_update(request: pb.UpdateQueueRequest, _: CallContext) -> model.UpdateQueue:
    masked = list(dict.fromkeys(request.update_mask.paths)) if request.HasField("update_mask") else None
    named = NAMES if masked is None else [name for name in masked if name in NAMES]
    absent = [name for name in masked or () if name not in NAMES or not request.queue.HasField(name)]  # type: ignore[arg-type]
    return model.UpdateQueue(
        queue=request.queue.name,
        attributes=_attributes(request.queue, named),
        defaults=tuple(absent),
        request_id=request.request_id,
    )


def _decode_list(request: pb.ListQueuesRequest, _: CallContext) -> model.ListQueues:
    return model.ListQueues(
        parent=request.parent, prefix=request.prefix, page_size=request.page_size, page_token=request.page_token
    )


def _encode_page(page: model.QueuePage) -> pb.ListQueuesResponse:
    return pb.ListQueuesResponse(
        queues=[pb.Queue(name=it.full_name, arn=it.arn, create_ms=it.create_ms) for it in page.queues],
        next_page_token=page.next_page_token,
    )


# Messages


def _decode_attributes(attributes: Any) -> model.MessageAttributes:
    """Return the attributes of a non-empty proto map, in the order of their names."""
    decoded = []
    for name in sorted(attributes):
        it = attributes[name]
        binary = it.WhichOneof("value") == "binary_value"
        value = it.binary_value if binary else it.string_value.encode()
        decoded.append(model.MessageAttribute(name, it.data_type, value, binary))
    return tuple(decoded)


def _decode_entry(it: Any) -> model.SendEntry:
    attributes = it.attributes
    return model.SendEntry(
        it.body,
        _decode_attributes(attributes) if attributes else (),
        it.delay_s if it.HasField("delay_s") else None,
        "",
        it.group_id if it.HasField("group_id") else None,
        it.deduplication_id if it.HasField("deduplication_id") else None,
    )


def _decode_send(request: pb.SendMessageRequest, _: CallContext) -> model.SendMessages:
    return model.SendMessages(queue=request.queue, entries=(_decode_entry(request),), request_id=request.request_id)


def _encode_sent(it: model.SentMessage) -> pb.SendMessageResponse:
    return pb.SendMessageResponse(
        message_id=it.message_id, md5_of_body=it.md5_of_body, sequence_number=it.sequence_number
    )


def _decode_batch(request: pb.BatchSendMessagesRequest, _: CallContext) -> model.SendMessages:
    return model.SendMessages(
        queue=request.queue, entries=tuple(map(_decode_entry, request.entries)), request_id=request.request_id
    )


_SendAnswer = TypeVar("_SendAnswer", pb.BatchSendMessagesResponse, pb.StreamSendMessagesResponse)
_ReceiveAnswer = TypeVar("_ReceiveAnswer", pb.ReceiveMessagesResponse, pb.StreamReceiveMessagesResponse)


def _add_results(answer: _SendAnswer, results: Iterable[model.SentMessage | model.ItemError]) -> _SendAnswer:
    """Fill an answer in place: a fifth of the cost of making the messages first, which are copied then."""
    add = answer.results.add
    for it in results:
        if isinstance(it, model.SentMessage):
            sent = add().sent
            sent.message_id = it.message_id
            sent.md5_of_body = it.md5_of_body
            if it.sequence_number:
                sent.sequence_number = it.sequence_number
        else:
            add(error=_item_error(it))
    return answer


def _item_error(it: model.ItemError) -> pb.ItemError:
    return pb.ItemError(code=it.code, message=it.message, sender_fault=it.sender_fault)


def _item_results(results: Iterable[model.ItemError | None]) -> list[pb.ItemResult]:
    return [pb.ItemResult() if it is None else pb.ItemResult(error=_item_error(it)) for it in results]


def _decode_receive(request: pb.ReceiveMessagesRequest, _: CallContext) -> model.ReceiveMessages:
    return model.ReceiveMessages(
        queue=request.queue,
        max_messages=request.max_messages or 1,
        wait_s=request.wait_s if request.HasField("wait_s") else None,
        visibility_timeout_s=request.visibility_timeout_s if request.HasField("visibility_timeout_s") else None,
        attempt_id=request.attempt_id,
    )


def _add_messages(answer: _ReceiveAnswer, messages: Iterable[model.Message]) -> _ReceiveAnswer:
    """Fill an answer in place, as `_add_results` does."""
    add = answer.messages.add
    for it in messages:
        message = add(
            message_id=it.message_id,
            receipt_handle=it.receipt_handle,
            body=it.body,
            md5_of_body=it.md5_of_body,
            sent_ms=it.sent_ms,
            receive_count=it.receive_count,
            first_received_ms=it.first_received_ms,
            sender_id=it.sender_id,
        )
        if it.sequence_number:
            message.group_id = it.group_id
            message.deduplication_id = it.deduplication_id
            message.sequence_number = it.sequence_number
        if it.attributes:
            _add_attributes(message, it.attributes)
    return answer


def _add_attributes(message: pb.Message, attributes: model.MessageAttributes) -> None:
    for attribute in attributes:
        place = message.attributes[attribute.name]
        place.data_type = attribute.data_type
        if attribute.binary:
            place.binary_value = attribute.value
        else:
            place.string_value = attribute.value.decode()


def _decode_delete(request: pb.DeleteMessageRequest, _: CallContext) -> model.DeleteMessages:
    return model.DeleteMessages(
        queue=request.queue, receipt_handles=(request.receipt_handle,), request_id=request.request_id
    )


def _decode_deletes(request: pb.BatchDeleteMessagesRequest, _: CallContext) -> model.DeleteMessages:
    return model.DeleteMessages(
        queue=request.queue, receipt_handles=tuple(request.receipt_handles), request_id=request.request_id
    )


def _decode_change(request: pb.ChangeMessageVisibilityRequest, _: CallContext) -> model.ChangeVisibilities:
    return model.ChangeVisibilities(
        queue=request.queue,
        entries=(model.VisibilityChange(request.receipt_handle, request.visibility_timeout_s),),
        request_id=request.request_id,
    )


def _changes(entries: Iterable[pb.VisibilityChange]) -> tuple[model.VisibilityChange, ...]:
    return tuple(model.VisibilityChange(it.receipt_handle, it.visibility_timeout_s) for it in entries)


def _decode_changes(request: pb.BatchChangeMessageVisibilityRequest, _: CallContext) -> model.ChangeVisibilities:
    return model.ChangeVisibilities(
        queue=request.queue, entries=_changes(request.entries), request_id=request.request_id
    )


def _encode_peeked(page: model.PeekedPage) -> pb.PeekMessagesResponse:
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
        )
        _add_attributes(message, it.attributes)
        answer.messages.add(position=it.position, message=message, dead_letter_source_arn=it.dead_letter_source_arn)
    return answer


_UNARY: dict[str, tuple[Any, Callable[[Any, CallContext], Any], Callable[[Any], ProtoMessage]]] = {
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
    "SendMessage": (pb.SendMessageRequest, _decode_send, _encode_sent),
    "BatchSendMessages": (
        pb.BatchSendMessagesRequest,
        _decode_batch,
        lambda it: _add_results(pb.BatchSendMessagesResponse(), it),
    ),
    "ReceiveMessages": (
        pb.ReceiveMessagesRequest,
        _decode_receive,
        lambda it: _add_messages(pb.ReceiveMessagesResponse(), it),
    ),
    "PeekMessages": (
        pb.PeekMessagesRequest,
        lambda it, _: model.PeekMessages(queue=it.queue, max_messages=it.max_messages or 10, after=it.after_position),
        _encode_peeked,
    ),
    "DeleteMessage": (pb.DeleteMessageRequest, _decode_delete, lambda _: pb.DeleteMessageResponse()),
    "BatchDeleteMessages": (
        pb.BatchDeleteMessagesRequest,
        _decode_deletes,
        lambda it: pb.BatchDeleteMessagesResponse(results=_item_results(it)),
    ),
    "ChangeMessageVisibility": (
        pb.ChangeMessageVisibilityRequest,
        _decode_change,
        lambda _: pb.ChangeMessageVisibilityResponse(),
    ),
    "BatchChangeMessageVisibility": (
        pb.BatchChangeMessageVisibilityRequest,
        _decode_changes,
        lambda it: pb.BatchChangeMessageVisibilityResponse(results=_item_results(it)),
    ),
}


# Streams

_END = None


class _Stream:
    """What both streams share: readers and workers beside the answering generator, ended together with it."""

    def __init__(self, service: QueueDoor, ctx: CallContext) -> None:
        self._service = service
        self._ctx = ctx
        self._tasks: set[asyncio.Task[Any]] = set()
        self._failure: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def _call(self, operation: str, request: Any) -> Any:
        return (await self._service.call(self._ctx, operation, request)).value

    def _beside(self, work: Awaitable[Any]) -> asyncio.Task[Any]:
        """Run work beside the answers; its first failure ends the stream."""
        task = asyncio.ensure_future(work)
        assert isinstance(task, asyncio.Task)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not self._failure.done():
            self._failure.set_exception(error)

    async def _or_failure(self, answers: "asyncio.Queue[Any]") -> Any:
        """Return the next of `answers`, or raise what ended the work beside it."""
        if not answers.empty():
            return answers.get_nowait()
        waiting = asyncio.ensure_future(answers.get())
        try:
            await asyncio.wait((waiting, self._failure), return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                return waiting.result()
            return self._failure.result()
        finally:
            waiting.cancel()

    async def _end(self) -> None:
        """Stop what still runs, and wait for it, so that nothing outlives the stream."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._failure.done() and not self._failure.cancelled():
            self._failure.exception()  # it was raised, or the stream has ended for another reason
        self._failure.cancel()


class _SendStream(_Stream):
    """Frames in, one answer each, in order."""

    def __init__(self, service: QueueDoor, ctx: CallContext) -> None:
        super().__init__(service, ctx)
        self._under_way: asyncio.Queue[tuple[int, asyncio.Task[Any]] | None] = asyncio.Queue(FRAMES_UNDER_WAY_MAX)
        self._queue = ""

    async def run(self, requests: AsyncIterator[pb.StreamSendMessagesRequest]) -> AsyncIterator[ProtoMessage]:
        self._beside(self._read(requests))
        try:
            while (frame := await self._or_failure(self._under_way)) is not _END:
                sequence, sending = frame
                yield _add_results(pb.StreamSendMessagesResponse(sequence=sequence), await sending)
        finally:
            await self._end()

    async def _read(self, requests: AsyncIterator[pb.StreamSendMessagesRequest]) -> None:
        async for frame in requests:
            request = self._decode(frame)
            await self._under_way.put((frame.sequence, self._beside(self._call("BatchSendMessages", request))))
        await self._under_way.put(_END)

    def _decode(self, frame: pb.StreamSendMessagesRequest) -> model.SendMessages:
        self._queue = frame.queue or self._queue
        if not self._queue:
            raise MISSING_PARAMETER.error(parameter="queue")
        entries = tuple(map(_decode_entry, frame.entries))
        if len(entries) > 1:
            size = sum(len(entry.body) for entry in entries)
            if size > FRAME_BYTES_MAX:
                raise BATCH_REQUEST_TOO_LONG.error(limit=FRAME_BYTES_MAX, size=size)
        return model.SendMessages(queue=self._queue, entries=entries, request_id=frame.request_id)


class _ReceiveStream(_Stream):
    """Credits, acknowledgements and visibility changes in; messages and results out."""

    def __init__(self, service: QueueDoor, ctx: CallContext) -> None:
        super().__init__(service, ctx)
        self._answers: asyncio.Queue[pb.StreamReceiveMessagesResponse | None] = asyncio.Queue(FRAMES_UNDER_WAY_MAX)
        self._acks: asyncio.Queue[tuple[int, asyncio.Task[Any]] | None] = asyncio.Queue(FRAMES_UNDER_WAY_MAX)
        self._credits = 0
        self._granted = asyncio.Event()
        self._start = pb.StreamReceiveMessagesStart()

    async def run(self, requests: AsyncIterator[pb.StreamReceiveMessagesRequest]) -> AsyncIterator[ProtoMessage]:
        self._beside(self._read(requests))
        try:
            while (answer := await self._or_failure(self._answers)) is not _END:
                yield answer
        finally:
            await self._end()

    async def _read(self, requests: AsyncIterator[pb.StreamReceiveMessagesRequest]) -> None:
        receiving = None
        reporting = self._beside(self._report())
        async for frame in requests:
            if receiving is None:
                if not frame.HasField("start"):
                    raise MISSING_PARAMETER.error(parameter="start")
                self._start = frame.start
                receiving = self._beside(self._receive())
            elif frame.HasField("start"):
                raise _invalid("start", "again", "it stands in the first frame only")
            self._grant(frame.credits)
            if frame.acks or frame.visibility_changes:
                await self._acks.put((frame.sequence, self._beside(self._acknowledge(frame))))
            elif frame.sequence:
                raise _invalid("sequence", frame.sequence, "a number is for a frame with acks or visibility changes")
        # The client takes no more; what it has acknowledged is done before the stream ends.
        if receiving is not None:
            receiving.cancel()
            await asyncio.wait((receiving,))
        await self._acks.put(_END)
        await reporting
        await self._answers.put(_END)

    def _grant(self, count: int) -> None:
        if count < 0 or self._credits + count > CREDITS_MAX:
            raise _invalid("credits", count, f"it must be >= 0, and with what is left <= {CREDITS_MAX}")
        self._credits += count
        if self._credits:
            self._granted.set()

    async def _receive(self) -> None:
        start = self._start
        timeout_s = start.visibility_timeout_s if start.HasField("visibility_timeout_s") else None
        # At once, and not when the first credit comes.
        asked = model.ReceiveMessages(queue=start.queue, max_messages=1, visibility_timeout_s=timeout_s)
        await self._service.admit(self._ctx, asked)
        while True:
            await self._granted.wait()
            request = model.ReceiveMessages(
                queue=start.queue,
                max_messages=min(self._credits, model.RECEIVE_MESSAGES_MAX),
                # As long as a receive may wait; then it is authorised anew.
                wait_s=model.RECEIVE_WAIT_S_MAX,
                visibility_timeout_s=timeout_s,
            )
            messages: tuple[model.Message, ...] = await self._call("ReceiveMessages", request)
            if not messages and self._service.draining:
                raise SHUTTING_DOWN.error()
            self._credits -= len(messages)
            if not self._credits:
                self._granted.clear()
            for frame in _frames(messages):
                await self._answers.put(_add_messages(pb.StreamReceiveMessagesResponse(), frame))

    async def _acknowledge(self, frame: pb.StreamReceiveMessagesRequest) -> pb.AckResult:
        """Do the acks and changes of a frame; what fails is answered per item."""
        handles, changes = tuple(frame.acks), _changes(frame.visibility_changes)
        if len(handles) + len(changes) > ACKS_MAX:
            raise TOO_MANY_ENTRIES_IN_BATCH_REQUEST.error(limit=ACKS_MAX, entries=len(handles) + len(changes))
        queue, step = self._start.queue, model.BATCH_ENTRIES_MAX
        works = [
            self._call(
                "BatchDeleteMessages", model.DeleteMessages(queue=queue, receipt_handles=handles[at : at + step])
            )
            for at in range(0, len(handles), step)
        ]
        works += [
            self._call(
                "BatchChangeMessageVisibility",
                model.ChangeVisibilities(queue=queue, entries=changes[at : at + step]),
            )
            for at in range(0, len(changes), step)
        ]
        results = [result for answers in await asyncio.gather(*works) for result in answers]
        named = (*handles, *(change.receipt_handle for change in changes))
        return pb.AckResult(
            sequence=frame.sequence,
            failures=[
                pb.AckFailure(receipt_handle=handle, error=_item_error(error))
                for handle, error in zip(named, results, strict=True)
                if error is not None
            ],
        )

    async def _report(self) -> None:
        """Answer acknowledgements in the order of their frames."""
        while (frame := await self._acks.get()) is not _END:
            sequence, acknowledging = frame
            result = await acknowledging
            if sequence or result.failures:
                await self._answers.put(pb.StreamReceiveMessagesResponse(ack_results=[result]))


def _frames(messages: tuple[model.Message, ...]) -> Iterator[list[model.Message]]:
    """Cut messages into frames of at most `FRAME_BYTES_MAX`, or one larger message."""
    frame: list[model.Message] = []
    size = 0
    for message in messages:
        if frame and size + len(message.body) > FRAME_BYTES_MAX:
            yield frame
            frame, size = [], 0
        frame.append(message)
        size += len(message.body)
    if frame:
        yield frame


def _invalid(parameter: str, value: object, allowed: str) -> Exception:
    return INVALID_PARAMETER_VALUE.error(parameter=parameter, value=value, allowed=allowed)

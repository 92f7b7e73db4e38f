"""The two streams of messages over gRPC.

They are pumps around the service's door. A sending stream has several frames under way at once and answers them in
order. A receiving stream takes messages while the client has credits, and does acknowledgements beside it; where the
client asked for it, what it delivered is held (`renewals`) until it is acknowledged. Both keep a bounded number of
frames in memory, so a slow client or a slow disk slows the other side down.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Iterator
from typing import Any, Generic, Protocol, TypeVar

from google.protobuf.message import Message as ProtoMessage

from cumulo.api.queue.v1 import queue_pb2 as pb
from cumulo.core.context import CallContext
from cumulo.core.errors import INVALID_PARAMETER_VALUE, MISSING_PARAMETER, SHUTTING_DOWN
from cumulo.core.operations import Result
from cumulo.queue_service import message_model, model
from cumulo.queue_service.edge_grpc_messages import (
    add_messages,
    add_results,
    decode_entries,
    decode_visibility_changes,
    item_error,
)
from cumulo.queue_service.errors import BATCH_REQUEST_TOO_LONG, TOO_MANY_ENTRIES_IN_BATCH_REQUEST
from cumulo.queue_service.renewals import Hold

FRAME_BYTES_MAX = 262_144
"""Bodies and attributes of a stream's frame that holds more than one message."""
FRAMES_UNDER_WAY_MAX = 8
"""Frames of one stream that are being worked on at once."""
CREDITS_MAX = 10_000
ACKS_MAX = 1_000
"""Acknowledgements, visibility changes and resumed messages of one frame."""


class CallDoor(Protocol):
    """A service, as the edge sees it."""

    async def call(
        self, ctx: CallContext, operation: str, request: Any, body: AsyncIterator[memoryview] | None = None
    ) -> Result:
        """Run one operation."""
        ...


class QueueDoor(CallDoor, Protocol):
    """The service of queues, as the edge sees it."""

    @property
    def draining(self) -> bool:
        """Whether waits end at once, because the server stops."""
        ...

    async def admit(self, ctx: CallContext, request: message_model.ReceiveMessages) -> int:
        """Raise what a receive would be refused with now, or return the visibility timeout it gives; takes nothing."""
        ...

    def hold(self, ctx: CallContext, queue: str, timeout_s: int, hold_max_s: int) -> Hold:
        """Return what renews the leases of one stream, until it is closed."""
        ...


_END = None
T = TypeVar("T")


class _Line(Generic[T]):
    """What waits to be answered, in order, for one reader: bounded, and ended by a failure.

    An `asyncio.Queue` beside a future costs its reader a task and a wait for each item, a tenth of what a stream of
    single messages takes of the event loop.
    """

    def __init__(self) -> None:
        self._items: deque[T] = deque()
        self._failure: BaseException | None = None
        self._reader: asyncio.Future[None] | None = None
        self._room = asyncio.Event()
        self._room.set()

    async def put(self, item: T) -> None:
        """Add an item as soon as there is room."""
        while len(self._items) >= FRAMES_UNDER_WAY_MAX:
            self._room.clear()
            await self._room.wait()
        self._items.append(item)
        self._wake()

    async def get(self) -> T:
        """Return the next item; where there is none, wait for one, or raise the failure."""
        while not self._items:
            if self._failure is not None:
                raise self._failure
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        self._room.set()
        return self._items.popleft()

    def fail(self, error: BaseException) -> None:
        """Let the reader see the first failure behind what waits already."""
        if self._failure is None:
            self._failure = error
            self._wake()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)


class _Stream:
    """What both streams share: readers and workers beside the answering generator, ended together with it."""

    def __init__(self, service: CallDoor, ctx: CallContext) -> None:
        self._door = service
        self._ctx = ctx
        self._tasks: set[asyncio.Task[Any]] = set()
        self._line: _Line[Any] = _Line()

    async def _call(self, operation: str, request: Any) -> Any:
        return (await self._door.call(self._ctx, operation, request)).value

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
        if error is not None:
            self._line.fail(error)

    async def _end(self) -> None:
        """Stop what still runs, and wait for it, so that nothing outlives the stream."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class SendingStream(_Stream):
    """Frames in, one answer each, in order; what frames and answers are is a subclass's."""

    operation: str

    async def run(self, requests: AsyncIterator[Any]) -> AsyncGenerator[ProtoMessage, None]:
        """Answer each frame once, in order, when its messages are durable."""
        self._beside(self._read(requests))
        try:
            while (frame := await self._line.get()) is not _END:
                sequence, sending = frame
                yield self._answer(sequence, await sending)
        finally:
            await self._end()

    async def _read(self, requests: AsyncIterator[Any]) -> None:
        async for frame in requests:
            request = self._decode(frame)
            sending = self._beside(self._call(self.operation, request))
            await self._line.put((frame.sequence, sending))
            if self._is_in_turn():
                await asyncio.wait((sending,))
        await self._line.put(_END)

    def _decode(self, frame: Any) -> Any:
        """Return the request that a frame is."""
        raise NotImplementedError

    def _answer(self, sequence: int, value: Any) -> ProtoMessage:
        """Return the answer to a frame."""
        raise NotImplementedError

    def _is_in_turn(self) -> bool:
        """Say whether the next frame is to wait until this one is done."""
        return False


class SendStream(SendingStream):
    """Messages for a queue."""

    operation = "BatchSendMessages"

    def __init__(self, service: QueueDoor, ctx: CallContext) -> None:
        super().__init__(service, ctx)
        self._queue = ""

    def _answer(self, sequence: int, value: Any) -> ProtoMessage:
        return add_results(pb.StreamSendMessagesResponse(sequence=sequence), value)

    def _decode(self, frame: pb.StreamSendMessagesRequest) -> message_model.SendMessages:
        self._queue = frame.queue or self._queue
        if not self._queue:
            raise MISSING_PARAMETER.error(parameter="queue")
        others = pb.StreamSendMessagesRequest(queue=frame.queue, sequence=frame.sequence, request_id=frame.request_id)
        entries = decode_entries(frame, others)
        if len(entries) > 1:
            size = sum(len(entry.body) for entry in entries)
            if size > FRAME_BYTES_MAX:
                raise BATCH_REQUEST_TOO_LONG.error(limit=FRAME_BYTES_MAX, size=size)
        return message_model.SendMessages(queue=self._queue, entries=entries, request_id=frame.request_id)


class ReceiveStream(_Stream):
    """Credits, acknowledgements and visibility changes in; messages and results out.

    `_granted` is set while the next receive may take something: there are credits, and room to hold what it takes. A
    native subscription's stream (`edge_grpc_topics`) says the same in frames of its own.
    """

    response: Any = pb.StreamReceiveMessagesResponse

    def __init__(self, service: QueueDoor, ctx: CallContext) -> None:
        super().__init__(service, ctx)
        self._service = service
        self._acks: asyncio.Queue[tuple[int, asyncio.Task[Any]] | None] = asyncio.Queue(FRAMES_UNDER_WAY_MAX)
        self._credits = 0
        self._granted = asyncio.Event()
        self._start: Any = pb.StreamReceiveMessagesStart()
        self._hold: Hold | None = None
        self._admitted = asyncio.Event()
        self._news = asyncio.Event()

    def _source(self) -> str:
        """Return what the stream receives from, as its start names it."""
        queue: str = self._start.queue
        return queue

    def _timeout_s(self) -> int | None:
        """Return the visibility timeout that the start asks for."""
        return self._start.visibility_timeout_s if self._start.HasField("visibility_timeout_s") else None

    def _changes(self, frame: Any) -> tuple[message_model.VisibilityChange, ...]:
        """Return the visibility changes of a frame."""
        return decode_visibility_changes(frame.visibility_changes)

    async def run(self, requests: AsyncIterator[Any]) -> AsyncGenerator[ProtoMessage, None]:
        """Answer with messages and with the results of acknowledgements, as they come."""
        self._beside(self._read(requests))
        try:
            while (answer := await self._line.get()) is not _END:
                yield answer
        finally:
            await self._end()
            if self._hold is not None:
                self._hold.close()

    async def _read(self, requests: AsyncIterator[Any]) -> None:
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
            changes = self._changes(frame)
            entries = len(frame.acks) + len(changes) + len(frame.resumed)
            if entries > ACKS_MAX:
                raise TOO_MANY_ENTRIES_IN_BATCH_REQUEST.error(limit=ACKS_MAX, entries=entries)
            if frame.resumed:
                await self._resume(frame)
            if frame.acks or changes:
                await self._acks.put((frame.sequence, self._beside(self._acknowledge(frame, changes))))
            elif frame.sequence:
                raise _invalid("sequence", frame.sequence, "a number is for a frame with acks or visibility changes")
        # The client takes no more; what it has acknowledged is done before the stream ends.
        if receiving is not None:
            receiving.cancel()
            await asyncio.wait((receiving,))
        await self._acks.put(_END)
        await reporting
        await self._line.put(_END)

    def _grant(self, count: int) -> None:
        if count < 0 or self._credits + count > CREDITS_MAX:
            raise _invalid("credits", count, f"it must be >= 0, and with what is left <= {CREDITS_MAX}")
        self._credits += count
        self._look_for_room()

    def _look_for_room(self) -> None:
        if self._credits and (self._hold is None or self._hold.room):
            self._granted.set()
        else:
            self._granted.clear()

    async def _resume(self, frame: Any) -> None:
        """Hold messages that an earlier stream of the client received."""
        await self._admitted.wait()
        if self._hold is None:
            raise _invalid("resumed", "present", "it is for a stream with renew_leases")
        if len(self._hold) + len(frame.resumed) > message_model.HELD_MESSAGES_MAX:
            raise _invalid(
                "resumed", len(frame.resumed), f"a stream holds at most {message_model.HELD_MESSAGES_MAX} messages"
            )
        by_time: dict[int, list[str]] = {}
        for it in frame.resumed:
            if not 0 <= it.held_s <= model.VISIBILITY_TIMEOUT_S_MAX:
                raise _invalid("held_s", it.held_s, f"it must be >= 0 and <= {model.VISIBILITY_TIMEOUT_S_MAX}")
            by_time.setdefault(it.held_s, []).append(it.receipt_handle)
        for held_s, handles in by_time.items():
            self._hold.resume(handles, held_s)

    def _begin_to_hold(self, timeout_s: int) -> None:
        """Hold from now on what is delivered; a visibility timeout of 0 gives nothing to hold."""
        start = self._start
        hold_max_s = start.renew_leases.hold_max_s or message_model.HOLD_S_DEFAULT
        if not 1 <= hold_max_s <= model.VISIBILITY_TIMEOUT_S_MAX:
            raise _invalid("hold_max_s", hold_max_s, f"it must be >= 1 and <= {model.VISIBILITY_TIMEOUT_S_MAX}")
        if not timeout_s and self._timeout_s() is not None:
            raise _invalid("visibility_timeout_s", 0, "it must be >= 1 with renew_leases")
        self._hold = self._service.hold(self._ctx, self._source(), max(timeout_s, 1), hold_max_s)
        self._hold.on_change = self._held_changed
        self._beside(self._tell_what_ended(self._hold))

    def _held_changed(self) -> None:
        self._look_for_room()
        hold = self._hold
        if hold is not None and (hold.ended or hold.failure is not None):
            self._news.set()

    async def _tell_what_ended(self, hold: Hold) -> None:
        """Answer with the messages that are renewed no longer, in frames; fail where renewing was refused."""
        while True:
            await self._news.wait()
            self._news.clear()
            if hold.failure is not None:
                raise hold.failure
            while hold.ended:
                handles = [hold.ended.popleft() for _ in range(min(len(hold.ended), message_model.BATCH_ENTRIES_MAX))]
                await self._line.put(self.response(ended_renewals=handles))

    async def _receive(self) -> None:
        source, timeout_s = self._source(), self._timeout_s()
        # At once, and not when the first credit comes.
        asked = message_model.ReceiveMessages(queue=source, max_messages=1, visibility_timeout_s=timeout_s)
        in_force_s = await self._service.admit(self._ctx, asked)
        if self._start.HasField("renew_leases"):
            # What is renewed has the timeout with which it is renewed, whatever becomes of the queue's own.
            timeout_s = in_force_s
            self._begin_to_hold(timeout_s)
        self._admitted.set()
        while True:
            await self._granted.wait()
            room = self._credits if self._hold is None else min(self._credits, self._hold.room)
            request = message_model.ReceiveMessages(
                queue=source,
                max_messages=min(room, message_model.RECEIVE_MESSAGES_MAX),
                # As long as a receive may wait; then it is authorised anew.
                wait_s=model.RECEIVE_WAIT_S_MAX,
                visibility_timeout_s=timeout_s,
            )
            messages: tuple[message_model.Message, ...] = await self._call("ReceiveMessages", request)
            if not messages and self._service.draining:
                raise SHUTTING_DOWN.error()
            self._credits -= len(messages)
            if self._hold is not None and timeout_s and messages:
                self._hold.add([it.receipt_handle for it in messages])
            self._look_for_room()
            for frame in _frames(messages):
                await self._line.put(add_messages(self.response(), frame))

    async def _acknowledge(self, frame: Any, changes: tuple[message_model.VisibilityChange, ...]) -> pb.AckResult:
        """Do the acks and changes of a frame; what fails is answered per item."""
        handles = tuple(frame.acks)
        named = (*handles, *(change.receipt_handle for change in changes))
        if self._hold is not None:
            for handle in named:
                self._hold.let_go(handle)
        queue, step, certain = self._source(), message_model.BATCH_ENTRIES_MAX, self._start.exactly_once
        works = [
            self._call(
                "BatchDeleteMessages",
                message_model.DeleteMessages(
                    queue=queue, receipt_handles=handles[at : at + step], exactly_once=certain
                ),
            )
            for at in range(0, len(handles), step)
        ]
        works += [
            self._call(
                "BatchChangeMessageVisibility",
                message_model.ChangeVisibilities(queue=queue, entries=changes[at : at + step]),
            )
            for at in range(0, len(changes), step)
        ]
        answers = [await works[0]] if len(works) == 1 else await asyncio.gather(*works)
        results = [result for part in answers for result in part]
        if not any(results):  # nearly always: every one is done
            return pb.AckResult(sequence=frame.sequence)
        answered = list(zip(named, results, strict=True))
        return pb.AckResult(
            sequence=frame.sequence,
            failures=[
                pb.AckFailure(receipt_handle=handle, error=item_error(result))
                for handle, result in answered
                if isinstance(result, message_model.ItemError)
            ],
            already_acknowledged=[
                handle for handle, result in answered if isinstance(result, message_model.AlreadyAcknowledged)
            ],
        )

    async def _report(self) -> None:
        """Answer acknowledgements in the order of their frames."""
        while (frame := await self._acks.get()) is not _END:
            sequence, acknowledging = frame
            result = await acknowledging
            if sequence or result.failures:
                await self._line.put(self.response(ack_results=[result]))


def _frames(messages: tuple[message_model.Message, ...]) -> Iterator[list[message_model.Message]]:
    """Cut messages into frames of at most `FRAME_BYTES_MAX`, or one larger message."""
    frame: list[message_model.Message] = []
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

"""Requests over queues, and their replies.

A client has one queue for all its replies, made at its first request; what comes there is matched by correlation ids.
One background function receives while requests are under way, and no longer. Promises: a reply reaches the request that
it answers, or nobody; the reply queue is deleted when the client is closed, and by the server once nobody has used it
for five minutes, should the client die.
"""

import contextlib
import threading
import time
import uuid
from collections.abc import Sequence

from cumulo.api.queue.v1 import queue_pb2 as pb
from cumulo.client import _wire, model
from cumulo.client._async.connection import AsyncConnection
from cumulo.client._replies import (
    CORRELATION_ID,
    REPLY_QUEUE_PREFIX,
    RESPONSE_QUEUE,
    VIRTUAL_QUEUE,
    response_address,
)
from cumulo.client._tasks import Background, Lock, Signal, sleep
from cumulo.client.errors import (
    CumuloError,
    DeadlineExceeded,
    NoReply,
    NotFound,
    OutcomeUnknown,
    Throttled,
    Unavailable,
)

REPLY_QUEUE_IDLE_S = 300
"""How long the server keeps a reply queue that nobody uses; also AWS's client's."""
CHECK_AFTER_S = REPLY_QUEUE_IDLE_S / 2
"""After so long without a request the reply queue may be gone, and is made again if so."""
WAIT_S = 20
GRACE_S = 5
REPLIES_AT_ONCE = 100
CLOSE_S = 2.0
"""How long the end of a client waits for the deletion of its reply queue, which would end by itself, too."""
PAUSE_S = 0.5
"""Between two receives of which the first failed for a passing reason."""
_PASSING = (DeadlineExceeded, OutcomeUnknown, Throttled, Unavailable)


class _Pending:
    """One request under way."""

    def __init__(self) -> None:
        self.answered = Signal()
        self.reply: model.Reply | None = None
        self.error: CumuloError | None = None


class AsyncRequests:
    """The requests of one client."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._name = REPLY_QUEUE_PREFIX + str(uuid.uuid4())
        self._address = ""
        self._seen = 0.0
        self._making = Lock()
        self._lock = threading.Lock()
        self._pending: dict[str, _Pending] = {}
        self._background: Background | None = None
        self._closed = False

    async def request(self, message: pb.SendMessageRequest, timeout: float) -> model.Reply:
        """Send a message that asks for a reply, and return the reply; raises `NoReply` after `timeout` s."""
        end = time.monotonic() + timeout
        await self._see_to_queue()
        correlation_id = str(uuid.uuid4())
        message.attributes[RESPONSE_QUEUE].CopyFrom(pb.MessageAttribute(data_type="String", string_value=self._address))
        message.attributes[CORRELATION_ID].CopyFrom(
            pb.MessageAttribute(data_type="String", string_value=correlation_id)
        )
        pending = _Pending()
        with self._lock:
            if self._closed:
                raise RuntimeError("the client is closed")
            self._pending[correlation_id] = pending
            if self._background is None:
                self._background = Background(self._run, "cumulo replies")
        try:
            left_s = max(0.0, end - time.monotonic())
            send = self._connection.lane.queue.SendMessage
            await self._connection.call(send, message, min(self._connection.timeout, left_s))
            await pending.answered.wait(max(0.0, end - time.monotonic()))
        finally:
            with self._lock:
                self._pending.pop(correlation_id, None)
        if pending.error is not None:
            raise pending.error
        if pending.reply is None:
            raise NoReply(f"no reply came within {timeout:g} s")
        return pending.reply

    async def _see_to_queue(self) -> None:
        """Make the reply queue, unless it was there a while ago."""
        async with self._making:
            if self._closed or (self._address and time.monotonic() - self._seen < CHECK_AFTER_S):
                return
            connection = self._connection
            queue = _wire.queue_message(self._name, expire_after_idle=REPLY_QUEUE_IDLE_S)
            response = await connection.call(connection.lane.queue.CreateQueue, pb.CreateQueueRequest(queue=queue))
            self._address = response_address(connection.configuration.url, response.queue.name, response.queue.arn)
            self._seen = time.monotonic()

    async def _run(self) -> None:
        """Receive replies while requests are under way."""
        while True:
            with self._lock:
                if self._closed or not self._pending:
                    self._background = None
                    return
            try:
                await self._receive()
            except NotFound:
                self._seen = 0.0  # it ended by itself while nobody asked anything
                with contextlib.suppress(CumuloError):
                    await self._see_to_queue()
            except _PASSING:
                await sleep(PAUSE_S)
            except CumuloError as error:
                self._fail(error)

    async def _receive(self) -> None:
        connection = self._connection
        request = pb.ReceiveMessagesRequest(queue=self._name, max_messages=REPLIES_AT_ONCE, wait_s=WAIT_S)
        lane = connection.take_parked_lane()
        try:
            response = await connection.call(lane.queue.ReceiveMessages, request, WAIT_S + GRACE_S)
        finally:
            connection.give_back(lane)
        self._seen = time.monotonic()
        if not response.messages:
            return
        self._hand_out(response.messages)
        # A reply that could not be deleted comes once more, and then nobody waits for it.
        with contextlib.suppress(CumuloError):
            await connection.call(
                connection.lane.queue.BatchDeleteMessages,
                pb.BatchDeleteMessagesRequest(
                    queue=self._name, receipt_handles=[it.receipt_handle for it in response.messages]
                ),
            )

    def _hand_out(self, messages: Sequence[pb.Message]) -> None:
        with self._lock:
            for message in messages:
                pending = self._asker(message)
                if pending is not None and pending.reply is None:
                    pending.reply = _wire.reply(message)
                    pending.answered.set()

    def _asker(self, message: pb.Message) -> _Pending | None:
        """Return whose reply a message is. A responder that knows no correlation ids answers whoever asks alone."""
        for name in (CORRELATION_ID, VIRTUAL_QUEUE):
            if name in message.attributes:
                return self._pending.get(message.attributes[name].string_value)
        return next(iter(self._pending.values())) if len(self._pending) == 1 else None

    def _fail(self, error: CumuloError) -> None:
        """Tell everybody who waits that no reply can be received."""
        with self._lock:
            pending, self._pending = self._pending, {}
        for it in pending.values():
            it.error = error
            it.answered.set()

    async def close(self) -> None:
        """Delete the reply queue, as far as the server can be reached; whoever receives there hears of it at once."""
        with self._lock:
            self._closed = True
        async with self._making:  # nobody makes the queue anew from now on
            if self._address:
                delete = self._connection.lane.queue.DeleteQueue
                with contextlib.suppress(CumuloError):
                    await self._connection.call(delete, pb.DeleteQueueRequest(name=self._name), CLOSE_S)

    async def join(self) -> None:
        """Wait until nothing is received any more; the connection is closed."""
        with self._lock:
            background = self._background
        if background is not None and not background.is_current():
            await background.join()

"""A received message: what it holds, and how it is acknowledged."""

import json
import math
import time
from collections.abc import Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Protocol, Self

from cumulo.api.queue.v1 import queue_pb2 as pb
from cumulo.client import _wire
from cumulo.client._async.leases import AsyncLeaseKeeper, Care
from cumulo.client._replies import CORRELATION_ID, RESPONSE_QUEUE, VIRTUAL_QUEUE, response_queue
from cumulo.client.errors import CumuloError, LeaseLost, NotFound
from cumulo.client.model import Attribute

HELD = math.inf
"""`leased_until` of a message whose lease its stream renews."""


class AsyncAcknowledger(Protocol):
    """Where a message came from: its queue, or a stream."""

    @property
    def name(self) -> str:
        """The queue's name."""
        ...

    @property
    def exactly_once(self) -> bool:
        """Whether acknowledgements are answered for certain without being asked to."""
        ...

    async def acknowledge(self, message: "AsyncMessage") -> None:
        """Delete it."""
        ...

    async def acknowledge_once(self, message: "AsyncMessage") -> None:
        """Delete it, and know for certain: raises `LeaseLost`."""
        ...

    async def change_visibility(self, message: "AsyncMessage", timeout_s: int) -> None:
        """Make it visible again after `timeout_s` seconds."""
        ...


class AsyncMessage:
    """A message that nobody else sees until its visibility timeout ends.

    As a context manager it is kept invisible while the block runs, deleted when the block ends well, and given back to
    the queue at once when the block raises.
    """

    __slots__ = ("_from", "_keeper", "_message", "batch", "care", "leased_until", "timeout_s")

    def __init__(
        self,
        message: pb.Message,
        origin: AsyncAcknowledger,
        keeper: AsyncLeaseKeeper,
        timeout_s: int,
        leased_until: float,
    ) -> None:
        self._message = message
        self._from = origin
        self._keeper = keeper
        self.timeout_s = timeout_s
        self.leased_until = leased_until
        self.care = Care.WAITING
        self.batch: object = None

    def __repr__(self) -> str:
        return f"AsyncMessage({self.id!r}, {len(self._message.body)} bytes, receive_count={self.receive_count})"

    @property
    def id(self) -> str:
        """The message's id, the same at every receive."""
        return self._message.message_id

    @property
    def receipt_handle(self) -> str:
        """Proof of this receive."""
        return self._message.receipt_handle

    @property
    def body(self) -> bytes:
        """The body."""
        return self._message.body

    @property
    def text(self) -> str:
        """The body as UTF-8 text."""
        return self._message.body.decode()

    def json(self) -> Any:
        """Return what the body's JSON text means."""
        return json.loads(self._message.body)

    @property
    def md5_of_body(self) -> str:
        """MD5 of the body in hexadecimal."""
        return self._message.md5_of_body

    @property
    def attributes(self) -> dict[str, Attribute]:
        """The message attributes."""
        return _wire.attribute_values(self._message.attributes)

    @property
    def receive_count(self) -> int:
        """How often the message was received, this time included."""
        return self._message.receive_count

    @property
    def sent(self) -> datetime:
        """When it was stored."""
        return _wire.time_of(self._message.sent_ms)

    @property
    def first_received(self) -> datetime:
        """When it was received for the first time."""
        return _wire.time_of(self._message.first_received_ms)

    @property
    def sender_id(self) -> str:
        """The unique id of who sent it."""
        return self._message.sender_id

    @property
    def trace_header(self) -> str:
        """The X-Ray trace header that it was sent with; empty where there is none."""
        return self._message.trace_header

    @property
    def dead_letter_source_arn(self) -> str:
        """The ARN of the queue from which it came into this dead-letter queue; empty elsewhere."""
        return self._message.dead_letter_source_arn

    @property
    def group(self) -> str:
        """The group, in which a FIFO queue keeps it in order, and with which others deal fairly; empty for none."""
        return self._message.group_id

    @property
    def deduplication_id(self) -> str:
        """What a FIFO queue knows a repeated send by; empty elsewhere."""
        return self._message.deduplication_id

    @property
    def sequence_number(self) -> str:
        """Its number in a FIFO queue, 20 digits that rise with every message; empty elsewhere."""
        return self._message.sequence_number

    @property
    def queue_name(self) -> str:
        """Name of the queue that it was received from, as the client named it."""
        return self._from.name

    @property
    def priority(self) -> int:
        """Its priority, 0 to 9; 4 where it was sent without one, and in FIFO queues."""
        return _wire.priority_of(self._message)

    @property
    def lost(self) -> bool:
        """Say whether the lease is known to be lost: another receiver has the message or may have it, so that work on
        it is done twice.
        """
        return self.care is Care.LOST

    async def delete(self) -> None:
        """Acknowledge: the message is handled and goes away."""
        self.care = Care.DONE
        await self._from.acknowledge(self)

    async def ack(self) -> None:
        """Acknowledge for certain: when this returns, this receive has deleted the message and nobody gets it again.

        Raises `LeaseLost` where the lease was lost before: somebody else has the message, had it, or will. An
        acknowledgement whose answer gets lost is sent again and gets the same answer, for 10 minutes at least.
        """
        self.care = Care.DONE
        try:
            await self._from.acknowledge_once(self)
        except LeaseLost:
            self.care = Care.LOST
            raise

    async def release(self, after_s: int = 0) -> None:
        """Give the message back: others see it after `after_s` seconds."""
        self.care = Care.DONE
        await self._from.change_visibility(self, after_s)

    async def extend(self, timeout_s: int) -> None:
        """Keep the message invisible for `timeout_s` seconds from now."""
        now = time.monotonic()
        was_held = self.leased_until == HELD
        await self._from.change_visibility(self, timeout_s)
        self.leased_until = now + timeout_s
        if was_held:  # a stream leaves alone what its holder has set a timeout for
            self.timeout_s = timeout_s
            if self.care is Care.IN_BLOCK:
                self._keeper.keep(self._from.name, timeout_s, (self,))

    @property
    def reply_to(self) -> str:
        """URL or ARN of the queue that its sender awaits a reply in; empty where he awaits none."""
        asked = self._message.attributes.get(RESPONSE_QUEUE)
        return "" if asked is None else asked.string_value

    async def reply(
        self, body: object, *, attributes: Mapping[str, Attribute] | None = None, timeout: float | None = None
    ) -> bool:
        """Answer a request: send `body` to where its sender awaits it. Deletes nothing.

        Returns whether there is anybody to read it: false where the reply queue is gone, because its client is. Raises
        `ValueError` where no reply was asked for, and as `AsyncQueue.send`.
        """
        if not self.reply_to:
            raise ValueError(f"the message {self.id} asks for no reply")
        connection = self._keeper.connection
        queue, virtual = response_queue(self.reply_to, connection.configuration.region)
        request = pb.SendMessageRequest(queue=queue, body=_wire.body_bytes(body), request_id=connection.request_id())
        for name, value in _wire.attribute_messages(attributes or {}).items():
            request.attributes[name].CopyFrom(value)
        if CORRELATION_ID in self._message.attributes:
            request.attributes[CORRELATION_ID].CopyFrom(self._message.attributes[CORRELATION_ID])
        if virtual:
            request.attributes[VIRTUAL_QUEUE].CopyFrom(pb.MessageAttribute(data_type="String", string_value=virtual))
        try:
            await connection.call(connection.lane.queue.SendMessage, request, timeout)
        except NotFound:
            return False
        return True

    def enter_transaction(self) -> None:
        """Leave the message to a transaction, which is to delete it, or to give it back; kept invisible until then."""
        self._keep_as(Care.IN_TRANSACTION)

    def _keep_as(self, care: Care) -> None:
        self.care = care
        if self.leased_until - time.monotonic() < self.timeout_s * 2 / 3:
            self._keeper.keep(self._from.name, self.timeout_s, (self,))

    async def __aenter__(self) -> Self:
        self._keep_as(Care.IN_BLOCK)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Delete the message unless the block did so itself, or left it to a transaction.

        When the block raised, give it back and let it raise. In a stream with `exactly_once` this waits for the answer
        to the deletion, and raises `LeaseLost`.
        """
        if self.care in (Care.DONE, Care.IN_TRANSACTION):
            return
        if kind is None:
            await (self.ack() if self._from.exactly_once else self.delete())
            return
        if self.care is Care.LOST:
            return
        try:
            await self.release()
        except CumuloError as failure:
            assert error is not None
            error.add_note(f"the message {self.id} comes back only when its visibility timeout ends: {failure}")

# Generated from _async/transactions.py by `make gen` (.ci/sync_twin.py). Do not edit.
"""A transaction over queues: messages sent and messages deleted in one commit, all or nothing.

Promises: nothing reaches the server before the block ends; a block that raises sends nothing and gives the messages
back that it wanted to delete; a commit whose answer was lost is made again under its idempotency id, so that it happens
once. Up to 100 sends and deletes, about at most 20 queues of one account.
"""

from collections.abc import Mapping
from datetime import datetime
from types import TracebackType
from typing import Self

from cumulo.api.queue.v1 import queue_pb2 as pb
from cumulo.client import _wire, model
from cumulo.client._sync.connection import Connection
from cumulo.client._sync.leases import Care
from cumulo.client._sync.message_stream import PendingSend
from cumulo.client._sync.messages import Message
from cumulo.client._sync.queues import Queue
from cumulo.client.errors import CumuloError


class Transaction:
    """Sends and deletes that are collected and committed together; a context manager."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._request = pb.CommitMessagesRequest()
        self._pending: list[PendingSend] = []
        self._messages: list[Message] = []

    def send(
        self,
        queue: Queue | str,
        body: object,
        *,
        delay: int | None = None,
        attributes: Mapping[str, model.Attribute] | None = None,
        group: str | None = None,
        deduplication_id: str | None = None,
        priority: int | None = None,
        deliver_at: datetime | None = None,
        trace_header: str = "",
    ) -> PendingSend:
        """Have the commit store one message, as `Queue.send` does; `queue` is a name, short name, ARN or queue.

        What is returned has the message's id once the transaction is committed.
        """
        pending = PendingSend()
        name = queue if isinstance(queue, str) else queue.name
        entry = _wire.send_entry(body, attributes, delay, group, deduplication_id, priority, deliver_at, trace_header)
        self._request.sends.add(queue=name, entry=entry)
        self._pending.append(pending)
        return pending

    def delete(self, message: Message) -> None:
        """Have the commit delete a received message; the client keeps it invisible until then.

        Should somebody else have received or deleted it meanwhile, the commit does nothing.
        """
        message.enter_transaction()
        self._request.deletes.add(queue=message.queue_name, receipt_handle=message.receipt_handle)
        self._messages.append(message)

    def commit(self) -> None:
        """Do all of it, now; the end of the block does this by itself.

        Raises `PreconditionFailed` where a message to delete is somebody else's or gone (`details["item"]` says which),
        `NotFound`, `InvalidArgument`, `PermissionDenied`: then nothing happened.
        """
        request, pending, messages = self._request, self._pending, self._messages
        self._request, self._pending, self._messages = pb.CommitMessagesRequest(), [], []
        if not request.sends and not request.deletes:
            return
        if request.deletes or not all(_wire.is_fifo(it.queue) for it in request.sends):
            # Sends to FIFO queues alone are safe to repeat by their deduplication ids.
            request.request_id = self._connection.request_id()
        try:
            response = self._connection.call(self._connection.lane.queue.CommitMessages, request)
        except CumuloError as error:
            for it in pending:
                it.error = error
            self._give_back(messages, error)
            raise
        for message in messages:
            message.care = Care.DONE
        for it, sent in zip(pending, response.sent, strict=True):
            it.message_id, it.sequence_number = sent.message_id, sent.sequence_number

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Commit, unless the block raised; then nothing is sent, and the messages are given back."""
        if kind is None:
            self.commit()
            return
        assert error is not None
        self._give_back(self._messages, error)

    def _give_back(self, messages: list[Message], error: BaseException) -> None:
        """Make messages visible again that were to be deleted, as far as they are still this client's."""
        for message in messages:
            if message.care is not Care.IN_TRANSACTION:
                continue
            try:
                message.release()
            except CumuloError as failure:
                error.add_note(f"the message {message.id} could not be given back at once: {failure}")

# Generated from _async/queues.py by `make gen` (.ci/sync_twin.py). Do not edit.
"""A queue: sending, receiving, and its attributes."""

import contextlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Self

from cumulo.api.queue.v1 import queue_pb2 as pb
from cumulo.client import _wire, model
from cumulo.client._sync.connection import Connection
from cumulo.client._sync.leases import Care, LeaseKeeper
from cumulo.client._sync.messages import HELD, Acknowledger, Message
from cumulo.client._sync.pages import Pager
from cumulo.client._sync.receive_stream import ReceiveStream, StreamOptions
from cumulo.client._sync.requests import Requests
from cumulo.client._sync.schedules import Schedules
from cumulo.client._sync.send_stream import SendStream, send_request_id
from cumulo.client._threads import Handle
from cumulo.client.errors import CumuloError, NotFound, PartialFailure, PermissionDenied

LONG_POLL_MAX_S = 20
"""The longest that a queue can make a receive wait."""
LONG_POLL_GRACE_S = 5
BATCH_MAX = 100
MOVE_MAX = 50
REPLY_S = 30.0
"""How long a request waits for its reply where nobody says it."""
HOLD_MAX_S = 3_600
"""How long a stream holds a message by default: enough for slow work, and a program that hangs is found out."""
VISIBILITY_TIMEOUT_DEFAULT_S = 30
"""SQS's default; taken where the queue's own may not be read."""


class Queue(Handle):
    """A queue by name, short name or ARN; nothing is asked of the server until a call needs it."""

    def __init__(self, connection: Connection, keeper: LeaseKeeper, requests: Requests, name: str) -> None:
        self._connection = connection
        self._keeper = keeper
        self._requests = requests
        self._name = name
        self._visibility_timeout_s: int | None = None
        self._asked_timeout = False

    def __repr__(self) -> str:
        return f"Queue({self._name!r})"

    @property
    def name(self) -> str:
        """The name as it was given."""
        return self._name

    @property
    def schedules(self) -> Schedules:
        """What the queue is sent again and again, by cron expressions or at rates."""
        return Schedules(self._connection, self._name)

    # Sending

    def send(
        self,
        body: object,
        *,
        delay: int | None = None,
        attributes: Mapping[str, model.Attribute] | None = None,
        group: str | None = None,
        deduplication_id: str | None = None,
        priority: int | None = None,
        deliver_at: datetime | None = None,
        trace_header: str = "",
        timeout: float | None = None,
    ) -> model.SentMessage:
        """Store one message; when this returns, it is durable.

        `body` is bytes, text, or anything that JSON can say. `delay` holds it back for so many seconds, up to 366 days;
        by default the queue's. `deliver_at` stands in its place: a time (with its zone) before which nobody receives
        it. A FIFO queue needs the `group` in which the message keeps its order, and a `deduplication_id`: one that
        was sent within 5 minutes is answered as the first was, and not stored again. It may be left out where the queue
        makes it from the body. Other queues take a `priority` of 0 to 9: messages of 9 are received first, and what has
        none counts as 4. A `trace_header` is X-Ray's. Raises `NotFound`, `InvalidArgument`, `PermissionDenied`.
        """
        request = pb.SendMessageRequest(
            queue=self._name,
            body=_wire.body_bytes(body),
            delay_s=delay,
            group_id=group,
            deduplication_id=deduplication_id,
            priority=priority,
            deliver_at_ms=_wire.deliver_at_ms(deliver_at),
            trace_header=trace_header,
            request_id=send_request_id(self._connection, self._name),
        )
        if attributes:
            for name, value in _wire.attribute_messages(attributes).items():
                request.attributes[name].CopyFrom(value)
        response = self._connection.call(self._connection.lane.queue.SendMessage, request, timeout)
        return _wire.sent_message(response)

    def send_batch(self, items: Iterable[object], *, timeout: float | None = None) -> list[model.SentMessage]:
        """Store up to 100 messages in one transaction. An item is a body, or an `Outgoing`.

        Raises `PartialFailure` where some were refused; the others are durable then.
        """
        request = pb.BatchSendMessagesRequest(
            queue=self._name,
            entries=[_wire.outgoing_entry(item) for item in items],
            request_id=send_request_id(self._connection, self._name),
        )
        response = self._connection.call(self._connection.lane.queue.BatchSendMessages, request, timeout)
        return _wire.sent_messages(response.results)

    def request(
        self,
        body: object,
        *,
        timeout: float = REPLY_S,
        attributes: Mapping[str, model.Attribute] | None = None,
        group: str | None = None,
        deduplication_id: str | None = None,
        priority: int | None = None,
    ) -> model.Reply:
        """Send a message and wait up to `timeout` seconds for the reply that its receiver gives (`Message.reply`).

        The client has one reply queue for all its requests, which it makes at the first one. At most 8 `attributes`,
        for two say where the reply goes and what it answers. Raises `NoReply` where none came in time; the message
        stays in its queue then.
        """
        message = pb.SendMessageRequest(
            queue=self._name,
            body=_wire.body_bytes(body),
            group_id=group,
            deduplication_id=deduplication_id,
            request_id=send_request_id(self._connection, self._name),
            priority=priority,
        )
        for name, value in _wire.attribute_messages(attributes or {}).items():
            message.attributes[name].CopyFrom(value)
        return self._requests.request(message, timeout)

    def send_stream(self, *, window: int = 5_000) -> SendStream:
        """Open a stream for many messages: `window` of them may be on their way unanswered. A context manager."""
        return SendStream(self._connection, self._name, window)

    # Receiving

    def receive(
        self,
        wait: int | None = None,
        max: int = 1,  # noqa: A002 - the word that people use; no call of the builtin in here
        *,
        visibility_timeout: int | None = None,
    ) -> Iterator[Message]:
        """Take up to `max` (100 at most) messages, waiting up to `wait` (0 to 20) seconds for the first.

        None takes the queue's own wait and visibility timeout. Messages that were not yet handed out are kept invisible
        by the client; when the iteration is left early they go back to the queue at once. Of a FIFO queue, a receive
        whose answer was lost is repeated as the same attempt, which gets the same messages.
        """
        messages = self.receive_batch(wait, max, visibility_timeout=visibility_timeout)
        handed = 0
        try:
            for message in messages:
                handed += 1
                message.care = Care.HANDED_OUT
                yield message
        finally:
            self.give_back(messages[handed:])

    def receive_batch(
        self,
        wait: int | None = None,
        max: int = 1,  # noqa: A002 - as above
        *,
        visibility_timeout: int | None = None,
    ) -> Sequence[Message]:
        """Take messages as `receive` does, all at once: the client keeps each of them until it is handled."""
        request = pb.ReceiveMessagesRequest(
            queue=self._name,
            max_messages=max,
            wait_s=wait,
            visibility_timeout_s=visibility_timeout,
            attempt_id=self._connection.request_id() if _wire.is_fifo(self._name) else "",
        )
        wait_s = LONG_POLL_MAX_S if wait is None else wait
        connection = self._connection
        if wait_s <= 0:
            response = connection.call(connection.lane.queue.ReceiveMessages, request)
        else:
            lane = connection.take_parked_lane()
            try:
                response = connection.call(lane.queue.ReceiveMessages, request, wait_s + LONG_POLL_GRACE_S)
            finally:
                connection.give_back(lane)
        if not response.messages:
            return ()
        return self.received(response.messages, visibility_timeout, self)

    def peek(
        self,
        max: int = 10,  # noqa: A002 - as in `receive`
        *,
        after: int = 0,
        ids: Sequence[str] = (),
        timeout: float | None = None,
    ) -> list[model.PeekedMessage]:
        """Look at up to `max` messages in the order of their positions, whatever their state, and take none.

        `after` is the position behind which to begin: that of the last message that was seen. Fewer than `max` are all
        that there are. With `ids` (up to 100) it looks for those messages alone; the queue is read until they are
        found.
        """
        found: list[model.PeekedMessage] = []
        while len(found) < max:
            request = pb.PeekMessagesRequest(
                queue=self._name,
                max_messages=min(max - len(found), BATCH_MAX),
                after_position=after,
                message_ids=ids,
            )
            response = self._connection.call(self._connection.lane.queue.PeekMessages, request, timeout)
            found += map(_wire.peeked_message, response.messages)
            after = response.next_position
            if not after:
                break
        return found

    def held(self, messages: Sequence[pb.Message], origin: Acknowledger) -> list[Message]:
        """Return what a stream received that renews the leases itself."""
        return [Message(it, origin, self._keeper, 0, HELD) for it in messages]

    def received(
        self, messages: Sequence[pb.Message], visibility_timeout: int | None, origin: Acknowledger
    ) -> list[Message]:
        """Return what was just received, looked after from now on; `origin` is where acknowledgements go."""
        now = time.monotonic()
        timeout_s, leased_until = visibility_timeout, now
        if timeout_s is None:
            timeout_s = self._own_visibility_timeout_s()
        if timeout_s is None:
            timeout_s = VISIBILITY_TIMEOUT_DEFAULT_S  # of an unknown timeout nothing counts as left: extended at once
        else:
            leased_until += timeout_s
        made = [Message(it, origin, self._keeper, timeout_s, leased_until) for it in messages]
        self._keeper.keep(self._name, timeout_s, made)
        return made

    def receive_stream(
        self,
        *,
        credits: int = 100,  # noqa: A002 - the word of the contract
        visibility_timeout: int | None = None,
        idle_timeout: float | None = None,
        hold_max: int = HOLD_MAX_S,
        exactly_once: bool = False,
    ) -> ReceiveStream:
        """Open a stream of messages as they become ready. A context manager, and an iterator.

        At most `credits` messages wait at the client; iterating ends after `idle_timeout` seconds without a message.
        While the stream is open the server keeps its messages invisible until they are deleted or released, each for at
        most `hold_max` seconds (43200 at most), so that a program that hangs loses them in the end. With a `hold_max`
        of 0 the client does so itself, for messages that wait and for those in blocks.

        `exactly_once`: acknowledgements are answered for certain. A `with` block of a message then raises `LeaseLost`
        where the message was lost meanwhile, and so does `flush` (as a `PartialFailure`) for those that were deleted.
        """
        options = StreamOptions(credits, visibility_timeout, idle_timeout, hold_max, exactly_once)
        return ReceiveStream(self._connection, self, options)

    def _own_visibility_timeout_s(self) -> int | None:
        """Return the queue's visibility timeout, asked for once; None where it may not be read."""
        if not self._asked_timeout:
            with contextlib.suppress(PermissionDenied):
                self._visibility_timeout_s = (self.info()).visibility_timeout_s
            self._asked_timeout = True
        return self._visibility_timeout_s

    def give_back(self, messages: Sequence[Message]) -> None:
        """Put messages that nobody was handed back into the queue at once, as far as the server can be reached."""
        left = [it for it in messages if it.care is Care.WAITING]
        if not left:
            return
        for message in left:
            message.care = Care.DONE
        with contextlib.suppress(CumuloError):  # else they come back as their visibility timeouts end
            for start in range(0, len(left), BATCH_MAX):
                changes = [
                    pb.VisibilityChange(receipt_handle=it.receipt_handle) for it in left[start : start + BATCH_MAX]
                ]
                request = pb.BatchChangeMessageVisibilityRequest(queue=self._name, entries=changes)
                self._connection.call(self._connection.lane.queue.BatchChangeMessageVisibility, request)

    @property
    def exactly_once(self) -> bool:
        """Whether a message's block acknowledges it for certain: only in streams that were opened so."""
        return False

    def acknowledge(self, message: Message) -> None:
        """Delete a received message."""
        self.delete_message(message.receipt_handle)

    def acknowledge_once(self, message: Message) -> None:
        """Delete a received message, and know for certain; raises `LeaseLost`."""
        self.delete_message(message.receipt_handle, exactly_once=True)

    def change_visibility(self, message: Message, timeout_s: int) -> None:
        """Make a received message visible again after `timeout_s` (0 to 43200) seconds."""
        self._connection.call(
            self._connection.lane.queue.ChangeMessageVisibility,
            pb.ChangeMessageVisibilityRequest(
                queue=self._name, receipt_handle=message.receipt_handle, visibility_timeout_s=timeout_s
            ),
        )

    def delete_message(self, receipt_handle: str, *, exactly_once: bool = False) -> None:
        """Delete a received message by its receipt handle; with `exactly_once` as `Message.ack` does."""
        self._connection.call(
            self._connection.lane.queue.DeleteMessage,
            pb.DeleteMessageRequest(queue=self._name, receipt_handle=receipt_handle, exactly_once=exactly_once),
        )

    def delete_batch(self, messages: Sequence[Message]) -> None:
        """Delete up to 100 received messages in one transaction; raises `PartialFailure`."""
        for message in messages:
            message.care = Care.DONE
        handles = [it.receipt_handle for it in messages]
        response = self._connection.call(
            self._connection.lane.queue.BatchDeleteMessages,
            pb.BatchDeleteMessagesRequest(queue=self._name, receipt_handles=handles),
        )
        _wire.raise_failed(handles, response.results)

    def move(self, messages: Sequence[Message | model.PeekedMessage | str], to: Self | str) -> None:
        """Move messages to another queue of the same kind, up to 50 in one transaction.

        A message is one that was received, or that was looked at and is ready, or the id of one that is ready, for
        which the queue is read. It keeps its id, time of sending and priority, and its history says where it was;
        retention and receives count anew. Raises `PartialFailure` where some could not be moved; the others are.
        """
        ids = [it for it in messages if isinstance(it, str)]
        at: dict[str, model.PeekedMessage] = {}
        for start in range(0, len(ids), BATCH_MAX):
            some = ids[start : start + BATCH_MAX]
            at.update((it.message_id, it) for it in self.peek(len(some), ids=some))
        failures: list[tuple[int | str, CumuloError]] = []
        selected: list[tuple[str, pb.SelectedMessage]] = []
        for it in messages:
            found = at.get(it) if isinstance(it, str) else it
            if found is None:
                failures.append((str(it), NotFound("the queue has no message of this id", code="MessageNotThere")))
            elif isinstance(found, model.PeekedMessage):
                selection = pb.SelectedMessage(position=found.position, message_id=found.message_id)
                selected.append((found.message_id, selection))
            else:
                assert isinstance(found, Message), found
                found.care = Care.DONE
                selected.append((found.id, pb.SelectedMessage(receipt_handle=found.receipt_handle)))
        while selected:
            some_selected, selected = selected[:MOVE_MAX], selected[MOVE_MAX:]
            request = pb.MoveMessagesRequest(
                queue=self._name,
                destination=to if isinstance(to, str) else to.name,
                messages=[it for _, it in some_selected],
                request_id=self._connection.request_id(),
            )
            response = self._connection.call(self._connection.lane.queue.MoveMessages, request)
            again = []
            for item, result in zip(some_selected, response.results, strict=True):
                if result.error.code == "TransactionIsFull":
                    again.append(item)
                elif result.HasField("error"):
                    failures.append((item[0], _wire.item_error(result.error)))
            selected = again + selected
        if failures:
            raise PartialFailure(failures, len(messages))

    # The queue itself

    def info(self) -> model.QueueInfo:
        """Return the queue's attributes and exact counts."""
        response = self._connection.call(self._connection.lane.queue.GetQueue, pb.GetQueueRequest(name=self._name))
        return _wire.queue_info(response.queue, counted=True)

    def create(self, *, tags: Mapping[str, str] | None = None, **attributes: Any) -> model.QueueInfo:
        """Make the queue with the attributes that `set` knows; one that exists with the same attributes is no error.

        A new queue gets the `tags`; those of one that exists are neither compared nor changed.
        """
        response = self._connection.call(
            self._connection.lane.queue.CreateQueue,
            pb.CreateQueueRequest(
                queue=_wire.queue_message(self._name, **attributes),
                tags=tags,
                request_id=self._connection.request_id(),
            ),
        )
        return _wire.queue_info(response.queue)

    def set(
        self,
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
        reset: Sequence[str] = (),
    ) -> model.QueueInfo:
        """Change attributes: what is given, and what `reset` names (as `QueueInfo` spells it) back to its default.

        With `expire_after_idle` the queue is deleted once nobody used it for so many seconds (10 to 1209600; 0: it
        stays). FIFO queues only: `content_based_deduplication`, `deduplication_scope` (`queue` or `messageGroup`) and
        `throughput_limit` (`perQueue`, or with the scope `messageGroup` also `perMessageGroupId`).

        What senders write is encrypted at rest by `managed_sse`, or under a key for `kms_master_key_id` (an id, alias
        or ARN; one ends the other), and a new key is derived every `kms_data_key_reuse` (60 to 86400) seconds.
        """
        queue = _wire.queue_message(
            self._name,
            visibility_timeout=visibility_timeout,
            delay=delay,
            retention=retention,
            maximum_message_size=maximum_message_size,
            receive_wait=receive_wait,
            dead_letter_policy=dead_letter_policy,
            policy=policy,
            redrive_allow_policy=redrive_allow_policy,
            content_based_deduplication=content_based_deduplication,
            deduplication_scope=deduplication_scope,
            throughput_limit=throughput_limit,
            managed_sse=managed_sse,
            kms_master_key_id=kms_master_key_id,
            kms_data_key_reuse=kms_data_key_reuse,
            expire_after_idle=expire_after_idle,
        )
        request = pb.UpdateQueueRequest(queue=queue, request_id=self._connection.request_id())
        given = [field.name for field, _ in queue.ListFields() if field.name != "name"]
        request.update_mask.paths.extend([*given, *reset])
        response = self._connection.call(self._connection.lane.queue.UpdateQueue, request)
        self._asked_timeout = False
        return _wire.queue_info(response.queue)

    def purge(self) -> None:
        """Delete every message, received and delayed ones too."""
        self._connection.call(
            self._connection.lane.queue.PurgeQueue,
            pb.PurgeQueueRequest(name=self._name, request_id=self._connection.request_id()),
        )

    def tags(self) -> dict[str, str]:
        """Return the queue's tags."""
        response = self._connection.call(
            self._connection.lane.queue.ListQueueTags, pb.ListQueueTagsRequest(queue=self._name)
        )
        return dict(sorted(response.tags.items()))

    def tag(self, tags: Mapping[str, str]) -> None:
        """Add tags, 50 at most together; of a key that is there the value is replaced."""
        self._connection.call(
            self._connection.lane.queue.TagQueue,
            pb.TagQueueRequest(queue=self._name, tags=tags, request_id=self._connection.request_id()),
        )

    def untag(self, *keys: str) -> None:
        """Remove tags; a key that is not there does no harm."""
        self._connection.call(
            self._connection.lane.queue.UntagQueue,
            pb.UntagQueueRequest(queue=self._name, keys=keys, request_id=self._connection.request_id()),
        )

    def add_permission(self, label: str, accounts: Sequence[str], actions: Sequence[str]) -> None:
        """Allow other accounts, by their numbers, actions on the queue (`SendMessage`, `*`): a statement of its policy
        that bears the `label`.
        """
        request = pb.AddPermissionRequest(
            queue=self._name,
            label=label,
            accounts=accounts,
            actions=actions,
            request_id=self._connection.request_id(),
        )
        self._connection.call(self._connection.lane.queue.AddPermission, request)

    def remove_permission(self, label: str) -> None:
        """Remove the statement of that label from the queue's policy."""
        self._connection.call(
            self._connection.lane.queue.RemovePermission,
            pb.RemovePermissionRequest(queue=self._name, label=label, request_id=self._connection.request_id()),
        )

    # As a dead-letter queue

    def dead_letter_sources(self, *, page_size: int | None = None) -> Pager[model.QueueInfo]:
        """List the queues whose dead-letter queue this is, in order of their names, without attributes."""

        def fetch(page_token: str) -> model.Page[model.QueueInfo]:
            response = self._connection.call(
                self._connection.lane.queue.ListDeadLetterSources,
                pb.ListDeadLetterSourcesRequest(queue=self._name, page_size=page_size or 0, page_token=page_token),
            )
            return model.Page([_wire.queue_info(it, listed=True) for it in response.queues], response.next_page_token)

        return Pager(fetch)

    def start_move(self, destination: str = "", *, max_messages_per_s: int | None = None) -> str:
        """Begin to move the queue's messages in the background; return the task's id.

        They go to `destination`, by name, short name or ARN, or without one to the queue that each came from, at most
        so many a second (1 to 500). Only one task of a queue can run.
        """
        request = pb.StartMessageMoveTaskRequest(
            source=self._name,
            destination=destination,
            max_messages_per_s=max_messages_per_s,
            request_id=self._connection.request_id(),
        )
        response = self._connection.call(self._connection.lane.queue.StartMessageMoveTask, request)
        return response.task_id

    def move_tasks(self) -> list[model.MoveTask]:
        """Return the latest move tasks out of the queue, the newest first; 10 at most are remembered."""
        response = self._connection.call(
            self._connection.lane.queue.ListMessageMoveTasks, pb.ListMessageMoveTasksRequest(source=self._name)
        )
        return [_wire.move_task(it) for it in response.tasks]

    def cancel_move(self, task_id: str) -> model.MoveTask:
        """End a running move task; what it has moved stays moved."""
        request = pb.CancelMessageMoveTaskRequest(
            source=self._name, task_id=task_id, request_id=self._connection.request_id()
        )
        response = self._connection.call(self._connection.lane.queue.CancelMessageMoveTask, request)
        return _wire.move_task(response.task)

    def delete(self) -> None:
        """Delete the queue and every message in it."""
        self._connection.call(
            self._connection.lane.queue.DeleteQueue,
            pb.DeleteQueueRequest(name=self._name, request_id=self._connection.request_id()),
        )

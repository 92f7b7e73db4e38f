"""A topic and its native subscriptions: publishing, subscribing, seeking.

A native subscription is received from as a queue is, by the same streams and messages.
"""

import secrets
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from cumulo.api.topics.v1 import topics_pb2 as pb
from cumulo.client import _wire, model
from cumulo.client._async.connection import AsyncConnection
from cumulo.client._async.leases import AsyncLeaseKeeper
from cumulo.client._async.messages import AsyncMessage
from cumulo.client._async.pages import AsyncPager
from cumulo.client._async.publish_stream import AsyncPublishStream
from cumulo.client._async.queues import BATCH_MAX, HOLD_MAX_S, AsyncQueue
from cumulo.client._async.receive_stream import AsyncReceiveStream
from cumulo.client._async.requests import AsyncRequests
from cumulo.client._async.send_stream import send_request_id
from cumulo.client._tasks import Handle
from cumulo.client.errors import AlreadyExists
from cumulo.client.model import Page

TAIL_RETENTION_S = 3_600
"""How long a tail's subscription keeps what its reader is too slow for."""


class AsyncTopic(Handle):
    """A topic by name, short name or ARN; nothing is asked of the server until a call needs it."""

    def __init__(
        self, connection: AsyncConnection, keeper: AsyncLeaseKeeper, requests: AsyncRequests, name: str
    ) -> None:
        self._connection = connection
        self._keeper = keeper
        self._requests = requests
        self._name = name

    def __repr__(self) -> str:
        return f"AsyncTopic({self._name!r})"

    @property
    def name(self) -> str:
        """The name as it was given."""
        return self._name

    # Publishing

    async def publish(
        self,
        body: object,
        *,
        subject: str = "",
        attributes: Mapping[str, model.Attribute] | None = None,
        group: str | None = None,
        deduplication_id: str | None = None,
        timeout: float | None = None,
    ) -> model.PublishedMessage:
        """Publish one message; when this returns, it is durable and on its way to everybody who wants it.

        `body` is text, bytes of text in UTF-8, or anything that JSON can say. Filter policies look at the `attributes`.
        Body and attributes together have at most 256 KiB, or the topic's `MaximumMessageSize`.
        A FIFO topic needs the `group`, its ordering key, and a `deduplication_id` unless it makes it from the body.
        """
        entry = _wire.publish_entry(body, subject, attributes, group, deduplication_id)
        return (await self._publish([entry], timeout))[0]

    async def publish_many(
        self, items: Iterable[object], *, timeout: float | None = None
    ) -> list[model.PublishedMessage]:
        """Publish messages in batches of 100, each batch in one transaction. An item is a body, or a `Notice`.

        Raises `PartialFailure` where some were refused; the others of their batch are published, and those before.
        """
        published: list[model.PublishedMessage] = []
        entries = map(_wire.notice_entry, items)
        while batch := list(islice(entries, BATCH_MAX)):
            published += await self._publish(batch, timeout)
        return published

    async def _publish(self, entries: list[pb.PublishEntry], timeout: float | None) -> list[model.PublishedMessage]:
        request = pb.PublishRequest(
            topic=self._name, entries=entries, request_id=send_request_id(self._connection, self._name)
        )
        response = await self._connection.call(self._connection.lane.topics.Publish, request, timeout)
        return _wire.published_messages(response.results)

    def publish_stream(self, *, window: int = 5_000) -> AsyncPublishStream:
        """Open a stream for many messages: `window` of them may be on their way unanswered. A context manager."""
        return AsyncPublishStream(self._connection, self._name, window)

    # Subscriptions

    def subscription(self, name: str) -> "AsyncSubscription":
        """Return a native subscription of the topic by its name there."""
        return AsyncSubscription(self._connection, self._keeper, self._requests, self._name, name)

    async def subscribe(self, name: str, **settings: Any) -> "AsyncSubscription":
        """Make a native subscription, with the settings that `AsyncSubscription.create` knows, and return it."""
        subscription = self.subscription(name)
        await subscription.create(**settings)
        return subscription

    def subscriptions(self, *, page_size: int | None = None) -> AsyncPager[model.SubscriptionInfo]:
        """List the topic's subscriptions, native and others, oldest first, without a native one's numbers."""

        async def fetch(page_token: str) -> Page[model.SubscriptionInfo]:
            request = pb.ListSubscriptionsRequest(topic=self._name, page_size=page_size or 0, page_token=page_token)
            response = await self._connection.call(self._connection.lane.topics.ListSubscriptions, request)
            return Page(list(map(_wire.subscription_info, response.subscriptions)), response.next_page_token)

        return AsyncPager(fetch)

    async def tail(
        self,
        *,
        filter: str | Mapping[str, Any] | None = None,  # noqa: A002 - the word that people use
        filter_scope: str | None = None,
        idle_timeout: float | None = None,
    ) -> AsyncIterator[AsyncMessage]:
        """Iterate over what is published from now on, and acknowledge each message as it is handed out.

        Goes on for ever, or until none came for `idle_timeout` seconds. The subscription that it makes is ended with
        the iteration; a program that is killed leaves it behind, under a name that begins with `tail-`.
        """
        subscription = await self.subscribe(
            f"tail-{secrets.token_hex(8)}", filter=filter, filter_scope=filter_scope, retention=TAIL_RETENTION_S
        )
        try:
            async with subscription.stream(idle_timeout=idle_timeout) as stream:
                async for message in stream:
                    await message.delete()
                    yield message
        finally:
            await subscription.delete()

    async def snapshots(self) -> list[model.SnapshotInfo]:
        """Return the topic's snapshots in order of their names; there are 100 at most."""
        response = await self._connection.call(
            self._connection.lane.topics.ListSnapshots, pb.ListSnapshotsRequest(topic=self._name)
        )
        return list(map(_wire.snapshot_info, response.snapshots))

    async def delete_snapshot(self, name: str) -> None:
        """Forget a snapshot; one that is not there does no harm."""
        await self._connection.call(
            self._connection.lane.topics.DeleteSnapshot,
            pb.DeleteSnapshotRequest(
                name=below(self._name, "snapshots", name), request_id=self._connection.request_id()
            ),
        )

    # The topic itself

    async def info(self) -> model.TopicInfo:
        """Return the topic's attributes and counts."""
        response = await self._connection.call(
            self._connection.lane.topics.GetTopic, pb.GetTopicRequest(name=self._name)
        )
        return _wire.topic_info(response.topic)

    async def create(
        self,
        *,
        keep: int | None = None,
        policy: str | Mapping[str, Any] | None = None,
        attributes: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> model.TopicInfo:
        """Make the topic; one that exists with the same attributes is no error.

        With `keep` it keeps what is published for so many seconds (60 to 31536000), so that subscriptions can seek.
        `attributes` are SNS's by SNS's names. A new topic gets the `tags`.
        """
        request = pb.CreateTopicRequest(
            topic=_wire.topic_message(self._name, keep=keep, policy=policy, attributes=attributes),
            tags=tags,
            request_id=self._connection.request_id(),
        )
        response = await self._connection.call(self._connection.lane.topics.CreateTopic, request)
        return _wire.topic_info(response.topic, listed=True)

    async def set(
        self,
        *,
        keep: int | None = None,
        policy: str | Mapping[str, Any] | None = None,
        attributes: Mapping[str, str] | None = None,
    ) -> model.TopicInfo:
        """Change what is given. A `keep` of 0 lets go of what is kept, an empty attribute is taken away."""
        request = pb.UpdateTopicRequest(
            topic=_wire.topic_message(self._name, keep=keep, policy=policy, attributes=attributes),
            request_id=self._connection.request_id(),
        )
        response = await self._connection.call(self._connection.lane.topics.UpdateTopic, request)
        return _wire.topic_info(response.topic)

    async def delete(self) -> None:
        """Delete the topic with its subscriptions, its snapshots and what it keeps."""
        await self._connection.call(
            self._connection.lane.topics.DeleteTopic,
            pb.DeleteTopicRequest(name=self._name, request_id=self._connection.request_id()),
        )


class _SubscriptionQueue(AsyncQueue):
    """A subscription as the queue that it is to whom receives from it."""

    async def _own_visibility_timeout_s(self) -> int | None:
        if not self._asked_timeout:
            response = await self._connection.call(
                self._connection.lane.topics.GetSubscription, pb.GetSubscriptionRequest(name=self.name)
            )
            self._visibility_timeout_s = response.subscription.ack_deadline_s
            self._asked_timeout = True
        return self._visibility_timeout_s


class AsyncSubscription(Handle):
    """A native subscription of a topic; nothing is asked of the server until a call needs it."""

    def __init__(
        self, connection: AsyncConnection, keeper: AsyncLeaseKeeper, requests: AsyncRequests, topic: str, name: str
    ) -> None:
        self._connection = connection
        self._topic = topic
        self._name = name
        self._full = below(topic, "subscriptions", name)
        self._queue = _SubscriptionQueue(connection, keeper, requests, self._full)

    def __repr__(self) -> str:
        return f"AsyncSubscription({self._full!r})"

    @property
    def name(self) -> str:
        """The name as it was given."""
        return self._name

    # Receiving

    async def messages(
        self,
        *,
        filter: str | Mapping[str, Any] | None = None,  # noqa: A002 - the word that people use
        filter_scope: str | None = None,
        credits: int = 100,  # noqa: A002 - the word of the contract
        idle_timeout: float | None = None,
    ) -> AsyncIterator[AsyncMessage]:
        """Iterate over messages as they come, for ever, or until none came for `idle_timeout` seconds.

        A message is a context manager: it is acknowledged when its block ends well, and given back when that raises.
        With a `filter` the subscription is made where there is none, and has this filter from then on. What is handed
        out and not acknowledged is held while the iteration lasts. `stream` can do more.
        """
        if filter is not None:
            await self._ensure(filter, filter_scope)
        async with self.stream(credits=credits, idle_timeout=idle_timeout) as stream:
            async for message in stream:
                yield message

    async def _ensure(self, filter: str | Mapping[str, Any], filter_scope: str | None) -> None:  # noqa: A002 - as above
        try:
            await self.create(filter=filter, filter_scope=filter_scope)
        except AlreadyExists:
            await self.set(filter=filter, filter_scope=filter_scope)

    def stream(
        self,
        *,
        credits: int = 100,  # noqa: A002 - the word of the contract
        ack_deadline: int | None = None,
        idle_timeout: float | None = None,
        hold_max: int = HOLD_MAX_S,
        exactly_once: bool = False,
    ) -> AsyncReceiveStream:
        """Open a stream of messages, as `AsyncQueue.receive_stream`. A context manager, and an iterator."""
        return self._queue.receive_stream(
            credits=credits,
            visibility_timeout=ack_deadline,
            idle_timeout=idle_timeout,
            hold_max=hold_max,
            exactly_once=exactly_once,
        )

    async def pull(
        self,
        max: int = 1,  # noqa: A002 - the word that people use; no call of the builtin in here
        *,
        wait: int = 0,
        ack_deadline: int | None = None,
    ) -> Sequence[AsyncMessage]:
        """Receive up to `max` (100 at most) messages, waiting up to `wait` (0 to 20) seconds for the first."""
        return await self._queue.receive_batch(wait, max, visibility_timeout=ack_deadline)

    async def peek(
        self,
        max: int = 10,  # noqa: A002 - as above
    ) -> list[model.PeekedMessage]:
        """Look at up to `max` messages, whatever their state, and take none."""
        return await self._queue.peek(max)

    # Seeking

    async def seek(self, *, time: datetime | None = None, snapshot: str | None = None, end: bool = False) -> None:
        """Begin anew from a `time`, a `snapshot` of the topic, or the `end`: name one of the three.

        What waits goes, and what the topic keeps from there on comes (again), in its order, before what is published
        later. Raises `PreconditionFailed` where the topic keeps nothing.
        """
        if (time is not None) + (snapshot is not None) + end != 1:
            raise ValueError("name one of time, snapshot and end")
        request = pb.SeekSubscriptionRequest(subscription=self._full, request_id=self._connection.request_id())
        if time is not None:
            request.time_ms = _wire.milliseconds(time)
        elif snapshot is not None:
            request.snapshot = below(self._topic, "snapshots", snapshot)
        else:
            request.end = True
        await self._connection.call(self._connection.lane.topics.SeekSubscription, request)

    async def snapshot(self, name: str) -> model.SnapshotInfo:
        """Remember what is not acknowledged now, and that everything later was not: a seek brings it back."""
        snapshot = pb.Snapshot(name=below(self._topic, "snapshots", name), subscription=self._full)
        request = pb.CreateSnapshotRequest(snapshot=snapshot, request_id=self._connection.request_id())
        response = await self._connection.call(self._connection.lane.topics.CreateSnapshot, request)
        return _wire.snapshot_info(response.snapshot)

    # The subscription itself

    async def info(self) -> model.SubscriptionInfo:
        """Return the subscription's settings and exact counts."""
        response = await self._connection.call(
            self._connection.lane.topics.GetSubscription, pb.GetSubscriptionRequest(name=self._full)
        )
        return _wire.subscription_info(response.subscription)

    async def create(self, **settings: Any) -> model.SubscriptionInfo:
        """Make the subscription with the settings that `set` knows; one with the same is no error."""
        request = pb.CreateSubscriptionRequest(
            subscription=_wire.subscription_message(self._full, **settings), request_id=self._connection.request_id()
        )
        response = await self._connection.call(self._connection.lane.topics.CreateSubscription, request)
        return _wire.subscription_info(response.subscription)

    async def set(
        self,
        *,
        filter: str | Mapping[str, Any] | None = None,  # noqa: A002 - the word that people use
        filter_scope: str | None = None,
        ack_deadline: int | None = None,
        retention: int | None = None,
        dead_letter_queue: str | None = None,
        max_deliveries: int | None = None,
        job: str | Mapping[str, Any] | None = None,
    ) -> model.SubscriptionInfo:
        """Change what is given.

        `filter` is SNS's filter policy, empty for none; `filter_scope` says whether it looks at the `attributes` or the
        `body`. A message comes again `ack_deadline` (1 to 43200) seconds after a receive that was not acknowledged, and
        is kept for `retention` (60 to 1209600) seconds. After `max_deliveries` in vain it goes to `dead_letter_queue`.
        With a `job` template, a mapping or JSON text, each message becomes a job; it can be changed, and not added.
        """
        subscription = _wire.subscription_message(
            self._full,
            filter=filter,
            filter_scope=filter_scope,
            ack_deadline=ack_deadline,
            retention=retention,
            dead_letter_queue=dead_letter_queue,
            max_deliveries=max_deliveries,
            job=job,
        )
        request = pb.UpdateSubscriptionRequest(subscription=subscription, request_id=self._connection.request_id())
        response = await self._connection.call(self._connection.lane.topics.UpdateSubscription, request)
        return _wire.subscription_info(response.subscription)

    async def delete(self) -> None:
        """End the subscription with what waits in it; one that is not there does no harm."""
        await self._connection.call(
            self._connection.lane.topics.DeleteSubscription,
            pb.DeleteSubscriptionRequest(name=self._full, request_id=self._connection.request_id()),
        )


def below(topic: str, collection: str, name: str) -> str:
    """Return the name of a topic's subscription or snapshot; `name` alone, or in full already."""
    if f"/{collection}/" in name:
        return name
    if topic.startswith("arn:"):
        _, _, _, region, account, short = topic.split(":")
        topic = f"accounts/{account}/regions/{region}/topics/{short}"
    return f"{topic}/{collection}/{name}" if "/" in topic else f"topics/{topic}/{collection}/{name}"

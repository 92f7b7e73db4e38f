"""Loads: what one transaction delivers of published messages, at most as much as fits into it.

Knows neither what messages say nor where they come from.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence

from cumulo.core.ids import Randomness
from cumulo.queue_service import publishing, stamping
from cumulo.queue_service.messages import Outgoing
from cumulo.queue_service.publishing import QueueDelivery
from cumulo.queue_service.topic_copies import Copies
from cumulo.queue_service.topic_model import TopicPlace
from cumulo.queue_service.topic_plans import Subscriber
from cumulo.queue_service.topic_routes import Route, Routes

_IDS_AT_ONCE = 64


def copies_ids(randomness: Randomness) -> Iterator[str]:
    """Return ids for copies without end."""
    while True:
        yield from stamping.message_ids(randomness.token_bytes(stamping.SEED_BYTES), _IDS_AT_ONCE)


class _ToOne:
    """Messages for one subscriber."""

    __slots__ = ("key_id", "messages", "route", "sealing")

    def __init__(self, routes: Routes, route: Route) -> None:
        self.route = route
        self.sealing = routes.sealing(route)
        self.key_id = b"" if self.sealing is None else self.sealing.key_id
        self.messages: list[Outgoing] = []


class Load:
    """The deliveries of one transaction, of a topic and its partition. `ids` are those of the copies."""

    def __init__(
        self,
        topic: TopicPlace,
        partition: bytes,
        routes: Routes,
        ids: Iterator[str],
        now_ms: int,
        operations_max: int = publishing.OPERATIONS_MAX,
    ) -> None:
        self._topic = topic
        self._partition = partition
        self._routes = routes
        self._ids = ids
        self._now_ms = now_ms
        self._operations_max = operations_max
        self._by_number: dict[int, _ToOne] = {}
        self._operations = 0
        self._bytes = 0

    def fill(
        self, copies: Copies, subscribers: Sequence[Subscriber], routes: Mapping[int, Route | None], at: int = 0
    ) -> int:
        """Take copies of a message for the subscribers from `at` on; return before which one room ended."""
        for position in range(at, len(subscribers)):
            number = subscribers[position].number
            route = routes[number]
            if route is not None and not self._add(number, route, copies):
                return position
        return len(subscribers)

    def _add(self, number: int, route: Route, copies: Copies) -> bool:
        """Take one copy; say whether there was room."""
        known = self._by_number.get(number)
        to_one = known or _ToOne(self._routes, route)
        outgoing = copies.own() if route.row is None else copies.outgoing(route, next(self._ids), to_one.sealing)
        if outgoing is None:
            return True  # SQS would refuse it, as raw messages with too many attributes: nobody gets it
        operations = self._operations + publishing.operations_of(outgoing)
        if known is None:
            operations += publishing.OPERATIONS_OF_QUEUE
        size_bytes = self._bytes + len(outgoing.record)
        if self._by_number and (operations > self._operations_max or size_bytes > publishing.BYTES_MAX):
            return False
        self._operations, self._bytes = operations, size_bytes
        if known is None:
            self._by_number[number] = to_one
        to_one.messages.append(outgoing)
        return True

    def deliveries(self) -> tuple[QueueDelivery, ...]:
        """Return the deliveries, one to each subscriber."""
        return tuple(
            it.route.delivery(self._topic, self._partition, _numbered(it.messages), it.key_id, self._now_ms)
            for it in self._by_number.values()
        )


def _numbered(messages: list[Outgoing]) -> tuple[Outgoing, ...]:
    """Return messages with their places in the batch."""
    if len(messages) == 1:
        return (messages[0],)
    return tuple(
        Outgoing(index, it.record, it.size_bytes, it.delay_s, it.fifo, it.lane, it.due_ms, it.group)
        for index, it in zip(itertools.count(), messages, strict=False)
    )

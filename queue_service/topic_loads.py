"""Loads: what one transaction delivers of published messages, at most as much as fits into it.

Knows neither what messages say nor where they come from.
"""

from collections.abc import Iterator, Mapping, Sequence

from cumulo.core.ids import Randomness
from cumulo.queue_service import publishing, stamping, topic_archives
from cumulo.queue_service.messages import Outgoing
from cumulo.queue_service.publishing import QueueDelivery
from cumulo.queue_service.topic_archives import Kept, KeptNotice
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

    __slots__ = ("key_id", "messages", "route", "sealing", "with_first")

    def __init__(self, routes: Routes, route: Route, *, with_first: bool) -> None:
        self.route = route
        self.with_first = with_first
        self.sealing = routes.sealing(route)
        self.key_id = b"" if self.sealing is None else self.sealing.key_id
        self.messages: list[Outgoing] = []


class Load:
    """The deliveries of one transaction, of a topic and its partition, and what it keeps in the topic's `archive`, none
    where that is empty. `ids` are those of the copies.
    """

    def __init__(
        self,
        topic: TopicPlace,
        partition: bytes,
        archive: bytes,
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
        self._archive = archive
        self._notices: list[KeptNotice] = []
        self._first: Copies | None = None

    def keep(self, notice: bytes, published_ms: int, seq: int = 0) -> bool:
        """Take a message for the archive, should there be one, before its copies; say whether there was room."""
        if not self._archive:
            return True
        operations = self._operations + topic_archives.operations_of(notice)
        size_bytes = self._bytes + len(notice)
        if self._notices and (operations > self._operations_max or size_bytes > publishing.BYTES_MAX):
            return False
        self._operations, self._bytes = operations, size_bytes
        self._notices.append(KeptNotice(seq, notice, published_ms))
        return True

    def kept(self) -> Kept | None:
        """Return what is to be kept, None where there is no archive."""
        return Kept(self._archive, tuple(self._notices), self._now_ms) if self._notices else None

    def fill(
        self, copies: Copies, subscribers: Sequence[Subscriber], routes: Mapping[int, Route | None], at: int = 0
    ) -> int:
        """Take copies of a message for the subscribers from `at` on; return before which one room ended."""
        first = self._first = self._first or copies
        by_number, ids = self._by_number, self._ids
        for position in range(at, len(subscribers)):
            number = subscribers[position].number
            route = routes[number]
            if route is None:
                continue
            known = by_number.get(number)
            to_one = known or _ToOne(self._routes, route, with_first=copies is first)
            index = len(to_one.messages)
            outgoing: Outgoing | None
            if route.row is not None:
                outgoing = copies.outgoing(route, next(ids), to_one.sealing, index)
            else:
                outgoing = copies.pulled(index) if route.pulled else copies.own(index)
            if outgoing is None:
                continue  # SQS would refuse it, as raw messages with too many attributes: nobody gets it
            operations = self._operations + publishing.operations_of(outgoing)
            size_bytes = self._bytes + len(outgoing.record)
            if known is None:
                operations += publishing.OPERATIONS_OF_QUEUE
            if by_number and (operations > self._operations_max or size_bytes > publishing.BYTES_MAX):
                return position
            self._operations, self._bytes = operations, size_bytes
            by_number[number] = to_one
            to_one.messages.append(outgoing)
        return len(subscribers)

    def deliveries(self) -> tuple[QueueDelivery, ...]:
        """Return the deliveries, one to each subscriber."""
        return tuple(
            it.route.delivery(
                self._topic,
                self._partition,
                tuple(it.messages),
                it.key_id,
                self._now_ms,
                with_first=it.with_first,
            )
            for it in self._by_number.values()
        )

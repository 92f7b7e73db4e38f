"""Plans: who of a topic's subscribers wants a message, found without asking each.

A plan is made of a topic's confirmed subscriptions once, and kept until one of them changes: the topic's revision
tells. Owns the compiled filter policies; does not know how a message reaches anybody.
"""

import json
import operator
from collections import OrderedDict
from collections.abc import Callable, Iterable

import msgspec

from cumulo.queue_service import topic_sizes
from cumulo.queue_service.filter_policies import IN_ATTRIBUTES, IN_BODY, FilterIndex, attribute_fields, body_fields
from cumulo.queue_service.filter_policies import compiled as compiled_policy
from cumulo.queue_service.keys import name_key as queue_name_key
from cumulo.queue_service.queue_attributes import Place, place_of
from cumulo.queue_service.subscriptions import FILTER_POLICY, numbered
from cumulo.queue_service.topic_keys import SubscriptionRow, TopicMeta
from cumulo.queue_service.topic_model import PublishEntry, TopicPlace
from cumulo.queue_service.topics import meta_of, state_of
from cumulo.storage.engine import Engine, ReadTxn

PLANS_MAX = 1_024
"""Topics whose plans are kept."""
_ROWS = 1_000
"""Subscriptions that one read takes."""


class Subscriber(msgspec.Struct, frozen=True):
    """A confirmed subscription. `queue` is a queue of SQS, None where it has one of its own; `dead_letter` where its
    messages go that cannot be delivered.
    """

    number: int
    row: SubscriptionRow
    queue: Place | None
    raw: bool
    dead_letter: Place | None
    directory_keys: tuple[bytes, ...]
    """Of those two."""


class Plan:
    """The subscribers of a topic at one revision, and the topic itself."""

    def __init__(
        self, partition: bytes, meta: TopicMeta, revision: int, rows: list[tuple[int, SubscriptionRow]]
    ) -> None:
        self.partition = partition
        self.meta = meta
        self.place = TopicPlace(meta.account, meta.region, meta.name)
        self.message_bytes_max = topic_sizes.limit_of(meta.attributes)
        self.revision = revision
        self.subscribers = {number: subscriber_of(number, row) for number, row in rows if row.confirmed}
        filtered = {
            number: (it.row.attributes.get("FilterPolicyScope", IN_ATTRIBUTES), it.row.attributes[FILTER_POLICY])
            for number, it in self.subscribers.items()
            if FILTER_POLICY in it.row.attributes
        }
        self._unfiltered = [it for number, it in self.subscribers.items() if number not in filtered]
        self._indexes = {
            scope: FilterIndex({n: compiled_policy(text, of) for n, (of, text) in filtered.items() if of == scope})
            for scope in (IN_ATTRIBUTES, IN_BODY)
        }

    def wanting(self, entry: PublishEntry) -> list[Subscriber]:
        """Return who wants a message, in the order of their subscriptions."""
        accepted: set[int] = set()
        by_attributes, by_body = self._indexes[IN_ATTRIBUTES], self._indexes[IN_BODY]
        if by_attributes.paths:
            accepted |= by_attributes.accepting(attribute_fields(entry.attributes))
        if by_body.paths:
            fields = body_fields(entry.body.encode(), by_body.paths)
            if fields is not None:
                accepted |= by_body.accepting(fields)
        if not accepted:
            return self._unfiltered
        wanting = self._unfiltered + [self.subscribers[number] for number in accepted]
        return sorted(wanting, key=_number_of)

    def filter_of(self, number: int) -> Callable[[PublishEntry], bool]:
        """Return what says of a message whether one subscriber wants it; nothing, where he is gone."""
        subscriber = self.subscribers.get(number)
        if subscriber is None:
            return lambda _: False
        policy = subscriber.row.attributes.get(FILTER_POLICY)
        if policy is None:
            return lambda _: True
        scope = subscriber.row.attributes.get("FilterPolicyScope", IN_ATTRIBUTES)
        index = FilterIndex({number: compiled_policy(policy, scope)})

        def wants(entry: PublishEntry) -> bool:
            if scope == IN_ATTRIBUTES:
                return bool(index.accepting(attribute_fields(entry.attributes)))
            fields = body_fields(entry.body.encode(), index.paths)
            return fields is not None and bool(index.accepting(fields))

        return wants


def has_documents(subscribers: Iterable[Subscriber]) -> bool:
    """Say whether a queue of one of them gets a document, which bears a signature."""
    return any(not it.raw and it.queue is not None for it in subscribers)


_number_of = operator.attrgetter("number")


def subscriber_of(number: int, row: SubscriptionRow) -> Subscriber:
    """Return a subscription as whoever delivers sees it."""
    redrive = row.attributes.get("RedrivePolicy")
    queue = place_of(row.endpoint) if row.protocol == "sqs" else None
    dead_letter = place_of(json.loads(redrive)["deadLetterTargetArn"]) if redrive else None
    ways = [it for it in (queue, dead_letter) if it is not None]
    return Subscriber(
        number,
        row,
        queue,
        row.attributes.get("RawMessageDelivery", "false") == "true",
        dead_letter,
        tuple(queue_name_key(it.account, it.region, it.name) for it in ways),
    )


class Plans:
    """The plans of the topics that were published to lately."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._plans: OrderedDict[bytes, Plan] = OrderedDict()

    async def of(self, partition: bytes) -> Plan | None:
        """Return the plan of a topic as it is now; None where the topic is gone."""
        revision = await self._engine.read((partition,), _revision, partition)
        plan = self._plans.get(partition)
        if plan is None or plan.revision != revision:
            plan = await self._made(partition)
            self._plans.pop(partition, None)
            if plan is None:
                return None
            self._plans[partition] = plan
            if len(self._plans) > PLANS_MAX:
                self._plans.popitem(last=False)
        return plan

    async def _made(self, partition: bytes) -> Plan | None:
        while True:
            rows: list[tuple[int, SubscriptionRow]] = []
            revision = None
            while True:
                last = rows[-1][0] if rows else 0
                found = await self._engine.read((partition,), _read, (partition, last))
                if found is None:
                    return None
                meta, read_at, more = found
                if revision is not None and read_at != revision:
                    break  # a subscription changed meanwhile
                revision = read_at
                rows += more
                if len(more) < _ROWS:
                    return Plan(partition, meta, revision, rows)


def _revision(txn: ReadTxn, partition: bytes) -> int:
    return state_of(txn, partition).revision if meta_of(txn, partition) is not None else 0


def _read(txn: ReadTxn, request: tuple[bytes, int]) -> tuple[TopicMeta, int, list[tuple[int, SubscriptionRow]]] | None:
    partition, last = request
    meta = meta_of(txn, partition)
    if meta is None:
        return None
    return meta, state_of(txn, partition).revision, numbered(txn, partition, last, _ROWS)

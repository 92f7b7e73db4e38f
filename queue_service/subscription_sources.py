"""Native subscriptions as places to receive from: every call about received messages takes their names beside queues'.

Owns the names of subscriptions and snapshots, and the way from a name to the queue that a subscription has. Knows
nothing of what is received.
"""

import functools
import re

import msgspec

from cumulo.core.errors import ServiceError
from cumulo.queue_service.keys import QueueName
from cumulo.queue_service.keys import decode_name as decode_queue_name
from cumulo.queue_service.keys import name_key as queue_name_key
from cumulo.queue_service.native_model import NAME_CHARACTERS_MAX, NativePlace
from cumulo.queue_service.native_subscriptions import StampedNative, find_native
from cumulo.queue_service.queues import Found
from cumulo.queue_service.source_places import ARN, SUBSCRIPTIONS, SourcePlace
from cumulo.queue_service.topic_attributes import topic_place, wrong
from cumulo.queue_service.topic_errors import SUBSCRIPTION_NOT_FOUND
from cumulo.queue_service.topic_keys import TopicName
from cumulo.queue_service.topic_model import TopicPlace
from cumulo.queue_service.topics import follow
from cumulo.storage.engine import ROOT, Engine, ReadTxn
from cumulo.storage.remembered import Remembered

NAME_PATTERN = re.compile(rf"[A-Za-z0-9_-]{{1,{NAME_CHARACTERS_MAX}}}")


class SourceLookup(msgspec.Struct, frozen=True):
    """A subscription to follow to its queue; `dead_letter` as in `queues.Lookup`."""

    place: NativePlace
    partition: bytes
    policy: str
    dead_letter: bool


def source_place(text: str, account: str, region: str) -> SourcePlace:
    """Return the place that a subscription's name means; raises `InvalidParameter`."""
    place = native_place(text, account, region)
    topic = place.topic
    return SourcePlace(topic.account, topic.region, topic.name, place.name)


@functools.lru_cache(maxsize=4096)
def native_place(text: str, account: str, region: str, collection: str = SUBSCRIPTIONS) -> NativePlace:
    """Return which subscription or snapshot `text` means: a full name, one that begins with the topic's in the caller's
    own account and region, or the ARN of a subscription.
    """
    if text.startswith(ARN) and collection == SUBSCRIPTIONS:
        topic, _, name = text.rpartition(":")
        found = topic_place(topic, account, region) if topic.count(":") == 5 else None
    else:
        topic, _, name = text.rpartition(f"/{collection}/")
        found = topic_place(topic.removeprefix("topics/"), account, region) if topic else None
    if found is None or not NAME_PATTERN.fullmatch(name):
        raise wrong(f"{collection.removesuffix('s')} Reason: it is named topics/{{topic}}/{collection}/{{name}}")
    return NativePlace(found, name, collection)


def follow_source(txn: ReadTxn, lookup: SourceLookup) -> Found | None:
    """Return a subscription's queue as a queue's name would be followed; None where there is none. A read function."""
    topic = lookup.place.topic
    name = follow(txn, topic)
    if name is None or name.partition != lookup.partition:
        return None
    found = find_native(txn, StampedNative(lookup.place, lookup.partition))
    if found is None:
        return None
    row = QueueName(partition=found.row.queue, policy=lookup.policy, dead_letter_name=found.row.dead_letter_name)
    dead_letter = b""
    if lookup.dead_letter and row.dead_letter_name:
        raw = txn.get(queue_name_key(topic.account, topic.region, row.dead_letter_name))
        dead_letter = b"" if raw is None else decode_queue_name(raw).partition
    return Found(row, dead_letter, found.row.owner)


def not_there() -> ServiceError:
    """Return the refusal of a subscription that is not there."""
    return SUBSCRIPTION_NOT_FOUND.error()


class Sources:
    """Follows names of subscriptions."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._topics = Remembered(engine, (ROOT,), follow)

    async def find(self, place: SourcePlace, *, dead_letter: bool) -> Found | None:
        """Return a subscription's queue, `dead_letter` with its dead-letter queue; None where there is none."""
        at = NativePlace(TopicPlace(place.account, place.region, place.name), place.subscription)
        topic: TopicName | None = await self._topics.read(at.topic)
        if topic is None:
            return None
        lookup = SourceLookup(at, topic.partition, topic.policy, dead_letter)
        found: Found | None = await self._engine.read((ROOT, topic.partition), follow_source, lookup)
        return found

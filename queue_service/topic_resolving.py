"""What every resolver of topics works with: the desk on which a topic or a subscription is looked up.

Resolvers lie beside each other by concept (`resolve_topics.py`, `resolve_subscriptions.py` and others); the service
of topics runs them. Owns the following of topics' names and what tokens of pages are bound to; knows no operation.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from cumulo.core.clocks import Clock
from cumulo.core.context import CallContext
from cumulo.core.errors import ServiceError
from cumulo.core.ids import Randomness, uuid4_text
from cumulo.core.operations import Checks, Operation
from cumulo.core.ports import JobSubmitter
from cumulo.core.tokens import TokenSealer
from cumulo.identity.authorizer import Authorizer, Guard
from cumulo.identity.room import Resolved
from cumulo.queue_service import page_tokens
from cumulo.queue_service import topic_attributes as attributes
from cumulo.queue_service.queues import allocate_partition
from cumulo.queue_service.subscriptions import FoundSubscription, SubscriptionLookup, find_subscription
from cumulo.queue_service.topic_attributes import wrong
from cumulo.queue_service.topic_keys import TopicName
from cumulo.queue_service.topic_model import SubscriptionPlace, TopicPlace
from cumulo.queue_service.topic_operations import OWNERS_ALONE
from cumulo.queue_service.topics import follow, meta_of
from cumulo.storage.engine import ROOT, Engine
from cumulo.storage.remembered import Remembered

SOURCE_OWNER = "aws:SourceOwner"
"""The condition key of SNS's default policy: the caller's account."""
_FROM_URL = str.maketrans("-_", "+/")
_TO_URL = str.maketrans("+/", "-_")

EndpointRefusal = Callable[[str, str], Awaitable[str]]
"""Returns why nothing is delivered to an endpoint of a protocol, an empty text where it is."""


class TopicDesk:
    """What resolvers of topics share."""

    def __init__(
        self,
        engine: Engine,
        authorizer: Authorizer,
        clock: Clock,
        randomness: Randomness,
        sealer: TokenSealer,
        endpoint_refusal: EndpointRefusal,
        jobs: JobSubmitter | None = None,
    ) -> None:
        self.engine = engine
        self.authorizer = authorizer
        self.clock = clock
        self.randomness = randomness
        self.sealer = sealer
        self.endpoint_refusal = endpoint_refusal
        self.jobs = jobs
        self._followed = Remembered(engine, (ROOT,), follow)

    async def find(self, place: TopicPlace) -> TopicName | None:
        """Return where a topic's name leads now; None where there is none."""
        found: TopicName | None = await self._followed.read(place)
        return found

    async def find_subscription(self, place: SubscriptionPlace) -> FoundSubscription | None:
        """Return where a subscription lies now; None where there is none."""
        topic = await self.find(place.topic)
        if topic is None:
            return None
        found: FoundSubscription | None = await self.engine.read(
            (ROOT, topic.partition), find_subscription, SubscriptionLookup(place)
        )
        return found

    async def new_partition(self) -> bytes:
        """Return a partition that nobody has used."""
        partition: bytes = await self.engine.transact((ROOT,), allocate_partition, None)
        return partition

    def new_id(self) -> str:
        """Return a new UUIDv4."""
        return uuid4_text(self.randomness.token_bytes(16).hex())

    def last_listed(self, listing: bytes, page_token: str) -> str:
        """Return behind what a page begins, empty for the first page."""
        try:
            return page_tokens.opened(self.sealer, listing, page_token.rstrip("=").translate(_TO_URL))
        except ServiceError as error:
            raise wrong("NextToken") from error

    def page_token(self, listing: bytes, last: str) -> str:
        """Return the token of the page that begins behind `last`, none where that is empty; in base64 as SNS's are."""
        if not last:
            return ""
        token = page_tokens.sealed(self.sealer, listing, last).translate(_FROM_URL)
        return token + "=" * (-len(token) % 4)


TopicResolver = Callable[[TopicDesk, CallContext, Operation, Any], Awaitable[Resolved]]


def checks_of(operation: Operation, place: TopicPlace) -> Checks:
    """Return what an operation checks on a topic."""
    assert operation.checks is not None
    return operation.checks(place)


def with_keys(checks: Checks, keys: Mapping[str, str]) -> Checks:
    """Return the checks with condition keys that this request adds."""
    return tuple(msgspec.structs.replace(check, keys={**check.keys, **keys}) for check in checks)


def in_force(ctx: CallContext, operation: Operation, guard: Guard) -> Guard:
    """Return what protects a topic in this call: to other accounts its policy can allow some operations only."""
    if guard.account == ctx.principal.account or operation.name not in OWNERS_ALONE:
        return guard
    return Guard(guard.account)


def missing(operation: Operation, place: TopicPlace, error: ServiceError) -> Resolved:
    """Return what a request for something that is not there resolves to: refused as such once it is authorised."""
    return Resolved(
        request=None,
        partitions=(ROOT,),
        checks=checks_of(operation, place),
        guard=Guard(place.account),
        missing=error,
    )


def listing_of(request: Any, of: str) -> bytes:
    """Return what a page token is bound to; `of` is whose topics or subscriptions are listed."""
    return page_tokens.listing(type(request).__name__, of, str(request.page_size))


def place_in(ctx: CallContext, text: str) -> TopicPlace:
    """Return which topic a caller means."""
    return attributes.topic_place(text, ctx.principal.account, ctx.region)


async def archive_of(desk: TopicDesk, partition: bytes) -> bytes:
    """Return the partition of what a topic keeps, empty where it keeps nothing."""
    meta = await desk.engine.read((partition,), meta_of, partition)
    return b"" if meta is None else meta.archive


async def belongings(desk: TopicDesk, partition: bytes) -> tuple[bytes, ...]:
    """Return the partitions of a topic's outbox and of what it keeps, as far as there are any."""
    meta = await desk.engine.read((partition,), meta_of, partition)
    return () if meta is None else tuple(it for it in (meta.outbox, meta.archive) if it)

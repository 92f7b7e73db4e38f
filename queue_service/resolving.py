"""What every resolver of the room works with: the desk on which a request is looked up, checked and stamped.

A resolver follows the names of a request on a snapshot, checks it, and stamps it with times, ids and tokens, before it
is authorised (`identity.room`). Resolvers lie beside each other by concept (`resolve_*`); the service runs them. Owns
the following of names; knows no operation.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec

from cumulo.core.clocks import Clock
from cumulo.core.context import CallContext
from cumulo.core.ids import Randomness
from cumulo.core.lazy import LazyModule, LazyPart
from cumulo.core.operations import Checks, Operation
from cumulo.core.tokens import TokenSealer
from cumulo.identity.authorizer import Authorizer, Guard
from cumulo.identity.room import Resolved
from cumulo.queue_service import model, page_tokens, queue_attributes, stamping
from cumulo.queue_service.errors import QUEUE_DOES_NOT_EXIST
from cumulo.queue_service.idleness import Uses
from cumulo.queue_service.operations import OWNERS_ALONE
from cumulo.queue_service.queue_attributes import Place
from cumulo.queue_service.queues import Found, Lookup, follow
from cumulo.queue_service.sealing import MessageSeals
from cumulo.queue_service.source_places import SourcePlace, is_source
from cumulo.storage.engine import ROOT, Engine
from cumulo.storage.remembered import Remembered

if TYPE_CHECKING:
    from cumulo.queue_service import subscription_sources
else:
    subscription_sources = LazyModule("cumulo.queue_service.subscription_sources")


class Desk:
    """What resolvers share. `in_flight_max` is the quota of messages of one queue that are received and not deleted."""

    def __init__(
        self,
        engine: Engine,
        authorizer: Authorizer,
        clock: Clock,
        randomness: Randomness,
        sealer: TokenSealer,
        seals: MessageSeals,
        in_flight_max: int,
    ) -> None:
        self.engine = engine
        self.authorizer = authorizer
        self.clock = clock
        self.randomness = randomness
        self.sealer = sealer
        self.seals = seals
        self.in_flight_max = in_flight_max
        self.uses = Uses(clock.deadline_ms())
        self._followed = Remembered(engine, (ROOT,), follow)
        self._sources = LazyPart(lambda: subscription_sources.Sources(engine))

    async def find(self, place: Place, *, dead_letter: bool = False) -> Found | None:
        """Return where a queue's name leads now, `dead_letter` with its dead-letter queue; None where there is none."""
        if isinstance(place, SourcePlace):
            return await self._sources().find(place, dead_letter=dead_letter)
        found: Found | None = await self._followed.read(Lookup(place, dead_letter))
        return found

    async def use(self, place: Place, *, dead_letter: bool = False) -> Found | None:
        """As `find`, for a call about a queue's messages: such a call keeps a queue that ends by itself."""
        found: Found | None = self._followed.known(Lookup(place, dead_letter))
        if found is None:
            found = await self.find(place, dead_letter=dead_letter)
        if found is not None and found.row.ends_by_itself:
            self.uses.note(found.row.partition, self.clock.deadline_ms())
        return found

    def place(self, ctx: CallContext, text: str) -> Place:
        """Return the place that a caller means by a name, a short name or an ARN."""
        return queue_attributes.place(text, ctx.principal.account, ctx.region)

    def source(self, ctx: CallContext, text: str) -> Place:
        """As `place`, for a call about received messages: also of a native subscription."""
        if is_source(text):
            return subscription_sources.source_place(text, ctx.principal.account, ctx.region)
        return self.place(ctx, text)

    def missing(self, operation: Operation, place: Place) -> Resolved:
        """Return what a request for a queue that is not there resolves to: refused as such once it is authorised."""
        return Resolved(
            request=None,
            partitions=(ROOT,),
            checks=checks_of(operation, place),
            guard=Guard(place.account),
            missing=subscription_sources.not_there()
            if isinstance(place, SourcePlace)
            else QUEUE_DOES_NOT_EXIST.error(queue=place.name),
        )

    def last_listed(self, listing: bytes, page_token: str) -> str:
        """Return the name behind which a page begins, empty for the first page."""
        return page_tokens.opened(self.sealer, listing, page_token)

    def page(self, listing: bytes, limit: int, queues: list[model.Queue]) -> model.QueuePage:
        """Return a page of a listing, with the token of the next one where it is full."""
        if len(queues) < limit:
            return model.QueuePage(tuple(queues), "")
        return model.QueuePage(tuple(queues), page_tokens.sealed(self.sealer, listing, queues[-1].name))


def in_force(ctx: CallContext, operation: Operation, guard: Guard) -> Guard:
    """Return what protects a queue in this call: to other accounts its policy can allow some operations only."""
    if guard.account == ctx.principal.account or operation.name not in OWNERS_ALONE:
        return guard
    return Guard(guard.account)


def checks_of(operation: Operation, place: Place) -> Checks:
    """Return what an operation checks on a place."""
    assert operation.checks is not None
    checks = operation.checks(place)
    if isinstance(place, SourcePlace):
        return tuple(msgspec.structs.replace(it, action=it.action.replace("sqs:", "sns:", 1)) for it in checks)
    return checks


def guard_of(place: Place, found: Found) -> Guard:
    """Return what protects a queue, or a native subscription, which is its subscriber's."""
    return Guard(found.owner or place.account, found.row.policy)


def page_size(asked: int) -> int:
    """Return the page size that is meant; raises `InvalidParameterValue`."""
    if not 0 <= asked <= model.LIST_PAGE_MAX:
        raise stamping.out_of_range("page_size", asked, 0, model.LIST_PAGE_MAX)
    return asked or model.LIST_PAGE_MAX


def listing_of(request: model.ListQueues | model.ListDeadLetterSources, of: str) -> bytes:
    """Return what a page token is bound to; `of` is whose queues are listed."""
    prefix = request.prefix if isinstance(request, model.ListQueues) else ""
    return page_tokens.listing(of, prefix)


Resolver = Callable[[Desk, CallContext, Operation, Any], Awaitable[Resolved]]
"""Looks up, checks and stamps the request of one operation."""

"""The room's only stateful object: resolve, authorise, run, wait, wake.

Owns what a transaction function must not do: it follows names on a snapshot, stamps requests with times, ids and
tokens, seals and opens receipts, parks receivers, and does the room's due work. Knows no wire protocol.
"""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec

from cumulo.core.clocks import Clock
from cumulo.core.context import CallContext
from cumulo.core.errors import INVALID_PAGE_TOKEN, INVALID_PARAMETER_VALUE, TOO_BUSY, ServiceError
from cumulo.core.ids import Randomness, uuid4_text
from cumulo.core.names import is_account_id, is_region
from cumulo.core.operations import Check, Checks, Operation, Result
from cumulo.core.ports import TrackedDeliveryTarget
from cumulo.core.tokens import InvalidToken, TokenKind, TokenSealer
from cumulo.identity import resource_policy
from cumulo.identity.authorizer import Authorizer, Guard
from cumulo.identity.room import Resolved, Room
from cumulo.identity.snapshots import read_now
from cumulo.queue_service import model, permissions, queue_attributes, receipts, stamping
from cumulo.queue_service.delivery import QueueTarget
from cumulo.queue_service.errors import (
    MOVE_DESTINATION_IS_SOURCE,
    MOVE_NUMBER_OUT_OF_RANGE,
    MOVE_QUEUE_DOES_NOT_EXIST,
    MOVE_QUEUE_TYPES_DIFFER,
    MOVE_SOURCE_IS_NO_DEAD_LETTER_QUEUE,
    NOT_OF_THIS_QUEUE_TYPE,
    OVER_LIMIT,
    QUEUE_DOES_NOT_EXIST,
    TOO_MANY_ENTRIES_IN_BATCH_REQUEST,
)
from cumulo.queue_service.fifo_keys import FORGET
from cumulo.queue_service.keys import CLEAR, MOVE, RETAIN, WAKE
from cumulo.queue_service.kinds import change_visibilities, peek, receive_messages
from cumulo.queue_service.leases import StampedChange, StampedDelete
from cumulo.queue_service.messages import (
    Demand,
    Received,
    StampedPeek,
    StampedReceive,
    StampedSend,
)
from cumulo.queue_service.move_tasks import StampedCancel, StampedStart, StampedTaskList
from cumulo.queue_service.mover import SEND, Mover, on_behalf_of
from cumulo.queue_service.operations import OWNERS_ALONE, TABLE
from cumulo.queue_service.peeking import POSITION_MAX, StampedLook
from cumulo.queue_service.queue_attributes import Place, place_of
from cumulo.queue_service.queues import (
    DirectoryChanged,
    Found,
    Lookup,
    Named,
    StampedCreate,
    StampedGet,
    StampedList,
    StampedPolicy,
    StampedRemoval,
    StampedSources,
    StampedTags,
    StampedUpdate,
    allocate_partition,
    find_queue_of_name,
    follow,
    list_dead_letter_sources,
)
from cumulo.queue_service.receipts import Receipt
from cumulo.queue_service.retention import Timer, clear, forget, retain, wake
from cumulo.queue_service.waiting import ParkedReceivers, Served, Taken, Waiter
from cumulo.storage.due_pump import DueHandler
from cumulo.storage.engine import ROOT, Due, Engine
from cumulo.storage.remembered import Remembered

ROUNDS_MAX = 20
"""How often one receive goes on that found only messages to set aside; each round sets aside 16 to 44."""
RESOLVES_MAX = 3
"""How often a request is resolved anew whose queue was deleted or made at the same time."""
DECISION_LIFE_MS = 500
"""How long a receiver may have been parked before he is authorised again: changes are in force within a second."""
_log = logging.getLogger("cumulo.queue_service")
_NEVER = b"\x00" * receipts.TOKEN_BYTES


class ResolvedItems(Resolved, frozen=True):
    """A batch: `good` is the answer to each item should it succeed, `invalid` what was refused beforehand.

    A single form is a batch of one that `is_batch` denies: its answer or error stands alone.
    """

    is_batch: bool = True
    good: Sequence[Any] = ()
    invalid: stamping.Invalid = msgspec.field(default_factory=dict)


class ResolvedReceive(Resolved, frozen=True):
    """A receive, and how long it may wait."""

    wait_s: int = 0


class Service(Room):
    """The queues of a server.

    Arguments: `engine`, `authorizer`, `clock`, `randomness` as for every room; `sealer` seals receipts and page tokens.
    `in_flight_max` is the quota of messages of one queue that are received and not deleted.
    Call `start` on the event loop before the first call, `drain` before the engine closes.
    """

    table = TABLE

    def __init__(
        self,
        engine: Engine,
        authorizer: Authorizer,
        clock: Clock,
        randomness: Randomness,
        sealer: TokenSealer,
        in_flight_max: int = model.IN_FLIGHT_MAX,
    ) -> None:
        super().__init__(engine, authorizer, clock, randomness)
        # On an engine that may lose notifications a line would have to look again by itself; no engine does yet.
        assert not engine.notify_lossy
        self._sealer = sealer
        self.in_flight_max = in_flight_max
        self._followed = Remembered(engine, (ROOT,), follow)
        self.delivery_target: TrackedDeliveryTarget = QueueTarget(engine)
        """The port by which other rooms deliver to queues."""
        self._parked = ParkedReceivers(self._serve, self._put_back)
        self._mover = Mover(engine, authorizer, clock, randomness)
        self._background: set[asyncio.Task[Any]] = set()
        self._resolvers: dict[str, Callable[[CallContext, Operation, Any], Awaitable[Resolved]]] = {
            "CreateQueue": self._resolve_create,
            "GetQueue": self._resolve_get,
            "GetQueueUrl": self._resolve_get,
            "ListQueueTags": self._resolve_get,
            "ListQueues": self._resolve_list,
            "ListDeadLetterSources": self._resolve_sources,
            "UpdateQueue": self._resolve_update,
            "DeleteQueue": self._resolve_removal,
            "PurgeQueue": self._resolve_removal,
            "TagQueue": self._resolve_tags,
            "UntagQueue": self._resolve_tags,
            "AddPermission": self._resolve_permission,
            "RemovePermission": self._resolve_permission,
            "SendMessage": self._resolve_send,
            "BatchSendMessages": self._resolve_send,
            "ReceiveMessages": self._resolve_receive,
            "PeekMessages": self._resolve_peek,
            "DeleteMessage": self._resolve_delete,
            "BatchDeleteMessages": self._resolve_delete,
            "ChangeMessageVisibility": self._resolve_change,
            "BatchChangeMessageVisibility": self._resolve_change,
            "StartMessageMoveTask": self._resolve_start_move,
            "ListMessageMoveTasks": self._resolve_list_moves,
            "CancelMessageMoveTask": self._resolve_cancel_move,
        }

    async def guard(self, arn: str) -> Guard | None:
        """Return what protects the queue of an ARN, None where there is no such queue."""
        place = place_of(arn)
        if place is None:
            return None
        found: Found | None = await self.engine.read((ROOT,), follow, Lookup(place))
        return None if found is None else Guard(place.account, found.row.policy)

    @property
    def parked(self) -> int:
        """How many receivers are parked now."""
        return len(self._parked)

    @property
    def draining(self) -> bool:
        """Whether waits end at once, because the server stops."""
        return self._parked.is_closed

    async def start(self) -> None:
        """Listen to the engine's commits."""
        self.engine.watch(self._parked)

    async def drain(self) -> None:
        """Answer parked receivers with nothing, and finish what is under way."""
        self._parked.close()
        await self._parked.settle()
        while self._background:
            await asyncio.wait(self._background)
        self.engine.unwatch(self._parked)

    def due_handlers(self) -> Mapping[str, DueHandler]:
        """Return the room's due kinds."""
        return {
            WAKE: self._on_wake,
            RETAIN: self._on_retain,
            FORGET: self._on_forget,
            CLEAR: self._on_clear,
            MOVE: self._mover.run,
        }

    async def resolve(self, ctx: CallContext, operation: Operation, request: Any) -> Resolved:
        """Follow the queue's name, check the request and stamp it."""
        resolved = await self._resolvers[operation.name](ctx, operation, request)
        guard = _in_force(ctx, operation, resolved.guard)
        return resolved if guard is resolved.guard else msgspec.structs.replace(resolved, guard=guard)

    async def call(
        self, ctx: CallContext, operation: str, request: Any, body: AsyncIterator[memoryview] | None = None
    ) -> Result:
        """Run one operation; anew, from the name on, where the queue was made or deleted at the same time."""
        for _ in range(RESOLVES_MAX):
            try:
                return await super().call(ctx, operation, request, body)
            except DirectoryChanged:
                continue
        raise TOO_BUSY.error(what="The number of changes to the queue's name at once", limit=RESOLVES_MAX)

    def present(self, request: Any, resolved: Resolved, value: Any) -> Any:
        """Return the answer for what a function answered."""
        if isinstance(resolved, ResolvedItems):
            return _answer(resolved, value)
        if isinstance(value, Named):
            then = value.then
            looked_at = StampedGet(Place(then.account, then.region, then.name), value.partition)
            value = read_now(self.engine, (ROOT, value.partition), find_queue_of_name, looked_at)
            if value is None:
                # A repeated request (AIP-155): what was answered then, with the policy that it asked for.
                asked = request.attributes
                return msgspec.structs.replace(
                    then, policy=asked.policy or "", redrive_allow_policy=asked.redrive_allow_policy or ""
                )
        if isinstance(value, model.Queue) and value.policy:
            return msgspec.structs.replace(value, policy=resource_policy.shown(value.policy, self.engine))
        stamped = resolved.request
        if isinstance(stamped, StampedList):
            return self._page(_listing(request, f"{stamped.account}/{stamped.region}"), stamped.limit, value)
        if isinstance(stamped, StampedSources):
            return self._page(_listing(request, stamped.place.arn), stamped.limit, value)
        return value

    # Move tasks

    async def _resolve_start_move(
        self, ctx: CallContext, operation: Operation, request: model.StartMessageMoveTask
    ) -> Resolved:
        place = self._place(ctx, request.source)
        if request.rate is not None and not 1 <= request.rate <= model.MOVE_RATE_MAX:
            raise MOVE_NUMBER_OUT_OF_RANGE.error(parameter="MaxNumberOfMessagesPerSecond", limit=model.MOVE_RATE_MAX)
        destination = self._place(ctx, request.destination) if request.destination else None
        if destination == place:
            raise MOVE_DESTINATION_IS_SOURCE.error()
        found = await self._find(place)
        if found is None:
            return self._missing_source(operation, place)
        checks = _checks(operation, place)
        guard = _in_force(ctx, operation, Guard(place.account, found.row.policy))
        # Before a word about other queues: whether they exist, and which of them send their dead letters here.
        self.authorizer.authorize(ctx, checks, guard)
        missing = await self._check_move_targets(ctx, place, destination)
        return Resolved(
            StampedStart(
                place,
                found.row.partition,
                destination.arn if destination else "",
                request.rate or 0,
                uuid4_text(self.randomness.token_bytes(16).hex()),
                on_behalf_of(ctx),
                self.clock.wall_ms(),
                self.clock.deadline_ms(),
            ),
            (ROOT, found.row.partition),
            checks,
            guard,
            missing=missing,
        )

    async def _check_move_targets(
        self, ctx: CallContext, place: Place, destination: Place | None
    ) -> ServiceError | None:
        """Raise where the caller may not send to a queue that messages go to, return what else forbids the task."""
        sources: list[model.Queue] = await self.engine.read(
            (ROOT,), list_dead_letter_sources, StampedSources(place, "", model.LIST_PAGE_MAX)
        )
        if not sources:
            return MOVE_SOURCE_IS_NO_DEAD_LETTER_QUEUE.error()
        targets = [destination] if destination else [Place(it.account, it.region, it.name) for it in sources]
        for target in targets:
            found = await self._find(target)
            guard = Guard(target.account, found.row.policy if found else "")
            self.authorizer.authorize(ctx, (Check(SEND, target.arn),), guard)
            if found is None and destination:
                return MOVE_QUEUE_DOES_NOT_EXIST.error(parameter="DestinationArn")
            if model.is_fifo(target.name) is not model.is_fifo(place.name):
                return MOVE_QUEUE_TYPES_DIFFER.error()
        return None

    async def _resolve_list_moves(
        self, ctx: CallContext, operation: Operation, request: model.ListMessageMoveTasks
    ) -> Resolved:
        place = self._place(ctx, request.source)
        if not 1 <= request.max_results <= model.MOVE_TASKS_MAX:
            raise MOVE_NUMBER_OUT_OF_RANGE.error(parameter="MaxResults", limit=model.MOVE_TASKS_MAX)
        found = await self._find(place)
        if found is None:
            return self._missing_source(operation, place)
        partition = found.row.partition
        return Resolved(
            StampedTaskList(place, partition, request.max_results),
            (ROOT, partition),
            _checks(operation, place),
            Guard(place.account, found.row.policy),
        )

    async def _resolve_cancel_move(
        self, ctx: CallContext, operation: Operation, request: model.CancelMessageMoveTask
    ) -> Resolved:
        place = self._place(ctx, request.source)
        found = await self._find(place)
        if found is None:
            return self._missing_source(operation, place)
        partition = found.row.partition
        return Resolved(
            StampedCancel(place, partition, request.task_id),
            (ROOT, partition),
            _checks(operation, place),
            Guard(place.account, found.row.policy),
            grows=False,
        )

    def _missing_source(self, operation: Operation, place: Place) -> Resolved:
        missing = MOVE_QUEUE_DOES_NOT_EXIST.error(parameter="SourceArn")
        return msgspec.structs.replace(self._missing(operation, place), missing=missing)

    # Following names

    async def _find(self, place: Place, *, dead_letter: bool = False) -> Found | None:
        found: Found | None = await self._followed.read(Lookup(place, dead_letter))
        return found

    def _place(self, ctx: CallContext, text: str) -> Place:
        return queue_attributes.place(text, ctx.principal.account, ctx.region)

    def _missing(self, operation: Operation, place: Place) -> Resolved:
        return Resolved(
            request=None,
            partitions=(ROOT,),
            checks=_checks(operation, place),
            guard=Guard(place.account),
            missing=QUEUE_DOES_NOT_EXIST.error(queue=place.name),
        )

    # Queues

    async def _resolve_create(self, ctx: CallContext, operation: Operation, request: model.CreateQueue) -> Resolved:
        place = self._place(ctx, request.queue)
        fields = queue_attributes.written(request.attributes, place)
        policy = queue_attributes.stored_policy(request.attributes.policy, self.engine)
        allow = queue_attributes.checked_redrive_allow(request.attributes.redrive_allow_policy)
        queue_attributes.check_tags(request.tags)
        found = await self._find(place)
        partition = found.row.partition if found else await self.engine.transact((ROOT,), allocate_partition, None)
        return Resolved(
            request=StampedCreate(
                place, partition, found is None, fields, policy, self.clock.wall_ms(), request.tags, allow
            ),
            partitions=(ROOT, partition),
            checks=_checks(operation, place) + (_checks(self.table["TagQueue"], place) if request.tags else ()),
            guard=Guard(place.account, found.row.policy if found else ""),
        )

    async def _resolve_get(
        self, ctx: CallContext, operation: Operation, request: model.GetQueue | model.GetQueueUrl | model.ListQueueTags
    ) -> Resolved:
        place = self._place(ctx, request.queue)
        found = await self._find(place)
        if found is None:
            return self._missing(operation, place)
        partition = found.row.partition
        return Resolved(
            StampedGet(place, partition),
            (ROOT, partition),
            _checks(operation, place),
            Guard(place.account, found.row.policy),
        )

    async def _resolve_update(self, ctx: CallContext, operation: Operation, request: model.UpdateQueue) -> Resolved:
        place = self._place(ctx, request.queue)
        fields = queue_attributes.written(request.attributes, place)
        for name in request.defaults:
            fields |= queue_attributes.default(name)
        written_policy = "" if queue_attributes.POLICY in request.defaults else request.attributes.policy
        policy = queue_attributes.stored_policy(written_policy, self.engine)
        allow = queue_attributes.checked_redrive_allow(request.attributes.redrive_allow_policy)
        found = await self._find(place)
        if found is None:
            return self._missing(operation, place)
        partition = found.row.partition
        return Resolved(
            StampedUpdate(place, partition, fields, policy, self.clock.wall_ms(), self.clock.deadline_ms(), allow),
            (ROOT, partition),
            _checks(operation, place),
            Guard(place.account, found.row.policy),
        )

    async def _resolve_removal(
        self, ctx: CallContext, operation: Operation, request: model.DeleteQueue | model.PurgeQueue
    ) -> Resolved:
        place = self._place(ctx, request.queue)
        found = await self._find(place)
        if found is None:
            return self._missing(operation, place)
        partition = found.row.partition
        return Resolved(
            request=StampedRemoval(place, partition, self.clock.deadline_ms(), getattr(request, "interval_s", 0)),
            partitions=(ROOT, partition),
            checks=_checks(operation, place),
            guard=Guard(place.account, found.row.policy),
            grows=False,
        )

    async def _resolve_tags(
        self, ctx: CallContext, operation: Operation, request: model.TagQueue | model.UntagQueue
    ) -> Resolved:
        place = self._place(ctx, request.queue)
        written, removed = (request.tags, ()) if isinstance(request, model.TagQueue) else ({}, request.keys)
        queue_attributes.check_tags(written)
        found = await self._find(place)
        if found is None:
            return self._missing(operation, place)
        partition = found.row.partition
        return Resolved(
            StampedTags(place, partition, written, removed),
            (ROOT, partition),
            _checks(operation, place),
            Guard(place.account, found.row.policy),
        )

    async def _resolve_permission(
        self, ctx: CallContext, operation: Operation, request: model.AddPermission | model.RemovePermission
    ) -> Resolved:
        place = self._place(ctx, request.queue)
        found = await self._find(place)
        if found is None:
            return self._missing(operation, place)
        checks = _checks(operation, place)
        guard = _in_force(ctx, operation, Guard(place.account, found.row.policy))
        # Before a word about what the policy says: the edit below answers which labels there are.
        self.authorizer.authorize(ctx, checks, guard)
        text = resource_policy.shown(found.row.policy, self.engine)
        if isinstance(request, model.AddPermission):
            text = permissions.with_permission(text, place.arn, request)
        else:
            text = permissions.without_permission(text, request.label)
        stored = queue_attributes.stored_policy(text, self.engine) or ""
        return Resolved(
            StampedPolicy(place, found.row.partition, found.row.policy, stored, self.clock.wall_ms()),
            (ROOT, found.row.partition),
            checks,
            guard,
        )

    async def _resolve_sources(
        self, ctx: CallContext, operation: Operation, request: model.ListDeadLetterSources
    ) -> Resolved:
        place = self._place(ctx, request.queue)
        limit = _page_size(request.page_size)
        last = self._last_listed(_listing(request, place.arn), request.page_token)
        found = await self._find(place)
        if found is None:
            return self._missing(operation, place)
        return Resolved(
            StampedSources(place, last, limit),
            (ROOT,),
            _checks(operation, place),
            Guard(place.account, found.row.policy),
        )

    async def _resolve_list(self, ctx: CallContext, operation: Operation, request: model.ListQueues) -> Resolved:
        account, region = _parent(request.parent, ctx)
        if len(request.prefix) > model.QUEUE_NAME_CHARACTERS_MAX:
            raise INVALID_PARAMETER_VALUE.error(
                parameter="prefix",
                value=f"of {len(request.prefix)} characters",
                allowed=f"at most {model.QUEUE_NAME_CHARACTERS_MAX} characters",
            )
        limit = _page_size(request.page_size)
        last = self._last_listed(_listing(request, f"{account}/{region}"), request.page_token)
        return Resolved(
            request=StampedList(account, region, request.prefix, last, limit),
            partitions=(ROOT,),
            checks=_checks(operation, Place(account, region, "")),
            guard=Guard(account),
        )

    def _page(self, listing: bytes, limit: int, queues: list[model.Queue]) -> model.QueuePage:
        if len(queues) < limit:
            return model.QueuePage(tuple(queues), "")
        return model.QueuePage(tuple(queues), self._sealer.seal(TokenKind.PAGE, listing + queues[-1].name.encode()))

    def _last_listed(self, listing: bytes, page_token: str) -> str:
        """Return the name behind which a page begins, empty for the first page."""
        if not page_token:
            return ""
        try:
            payload = self._sealer.open(TokenKind.PAGE, page_token)
        except InvalidToken as error:
            raise INVALID_PAGE_TOKEN.error(allowed="it was not made by this server") from error
        if not payload.startswith(listing):
            raise INVALID_PAGE_TOKEN.error(allowed="parent, prefix and page size must be those of the first page")
        return payload[len(listing) :].decode()

    # Messages

    async def _resolve_send(self, ctx: CallContext, operation: Operation, request: model.SendMessages) -> Resolved:
        place = self._place(ctx, request.queue)
        stamping.check_count(request.entries, request.entries_max)
        found = await self._find(place)
        if found is None:
            return self._missing(operation, place)
        now_ms, seed = self.clock.deadline_ms(), self.randomness.token_bytes(stamping.SEED_BYTES)
        fifo = model.is_fifo(place.name)
        if fifo and request.request_id and len(request.entries) > model.FIFO_REMEMBERED_ENTRIES_MAX:
            limit = model.FIFO_REMEMBERED_ENTRIES_MAX
            raise TOO_MANY_ENTRIES_IN_BATCH_REQUEST.error(limit=limit, entries=len(request.entries))
        messages, sent, invalid = stamping.stamp_entries(
            request.entries, seed, ctx.principal.id, self.clock.wall_ms(), now_ms, fifo=fifo
        )
        partition = found.row.partition
        return ResolvedItems(
            StampedSend(place.name, partition, tuple(messages), seed, now_ms),
            (partition,),
            _checks(operation, place),
            Guard(place.account, found.row.policy),
            is_batch=_is_batch(operation),
            good=sent,
            invalid=invalid,
        )

    async def _resolve_delete(self, ctx: CallContext, operation: Operation, request: model.DeleteMessages) -> Resolved:
        place = self._place(ctx, request.queue)
        stamping.check_count(request.receipt_handles, request.entries_max)
        found = await self._find(place)
        if found is None:
            return self._missing(operation, place)
        partition = found.row.partition
        parsed, invalid = stamping.parse_receipts(self._sealer, partition, request.receipt_handles)
        return ResolvedItems(
            StampedDelete(place.name, partition, tuple(parsed), self.clock.deadline_ms(), self.in_flight_max),
            (partition,),
            _checks(operation, place),
            Guard(place.account, found.row.policy),
            grows=False,
            is_batch=_is_batch(operation),
            good=(None,) * len(request.receipt_handles),
            invalid=invalid,
        )

    async def _resolve_change(
        self, ctx: CallContext, operation: Operation, request: model.ChangeVisibilities
    ) -> Resolved:
        place = self._place(ctx, request.queue)
        stamping.check_count(request.entries, request.entries_max)
        found = await self._find(place)
        if found is None:
            return self._missing(operation, place)
        partition = found.row.partition
        parsed, invalid = stamping.parse_receipts(
            self._sealer, partition, [entry.receipt_handle for entry in request.entries]
        )
        for index, entry in enumerate(request.entries):
            try:
                stamping.check_timeout(entry.visibility_timeout_s)
            except ServiceError as error:
                invalid[index] = error
        valid = tuple(receipt for receipt in parsed if receipt.index not in invalid)
        timeouts_s = tuple(request.entries[receipt.index].visibility_timeout_s for receipt in valid)
        return ResolvedItems(
            StampedChange(place.name, partition, valid, timeouts_s, self.clock.deadline_ms()),
            (partition,),
            _checks(operation, place),
            Guard(place.account, found.row.policy),
            grows=False,
            is_batch=_is_batch(operation),
            good=(None,) * len(request.entries),
            invalid=invalid,
        )

    async def _resolve_receive(
        self, ctx: CallContext, operation: Operation, request: model.ReceiveMessages
    ) -> Resolved:
        place = self._place(ctx, request.queue)
        if not 1 <= request.max_messages <= model.RECEIVE_MESSAGES_MAX:
            raise stamping.out_of_range("max_messages", request.max_messages, 1, model.RECEIVE_MESSAGES_MAX)
        if request.wait_s is not None and not 0 <= request.wait_s <= model.RECEIVE_WAIT_S_MAX:
            raise stamping.out_of_range("wait_s", request.wait_s, 0, model.RECEIVE_WAIT_S_MAX)
        if request.visibility_timeout_s is not None:
            stamping.check_timeout(request.visibility_timeout_s)
        if request.attempt_id:
            stamping.check_id("attempt_id", request.attempt_id)
            if not model.is_fifo(place.name):
                raise NOT_OF_THIS_QUEUE_TYPE.error(parameter="attempt_id", value=request.attempt_id)
        found = await self._find(place, dead_letter=self.engine.atomic_across)
        if found is None:
            return self._missing(operation, place)
        row = found.row
        demand = Demand(request.max_messages, request.visibility_timeout_s, _NEVER, request.attempt_id)
        return ResolvedReceive(
            StampedReceive(place.name, row.partition, (demand,), found.dead_letter, 0),
            (row.partition,),
            _checks(operation, place),
            Guard(place.account, row.policy),
            wait_s=row.receive_wait_s if request.wait_s is None else request.wait_s,
        )

    async def _resolve_peek(self, ctx: CallContext, operation: Operation, request: model.PeekMessages) -> Resolved:
        place = self._place(ctx, request.queue)
        if not 1 <= request.max_messages <= model.RECEIVE_MESSAGES_MAX:
            raise stamping.out_of_range("max_messages", request.max_messages, 1, model.RECEIVE_MESSAGES_MAX)
        if not 0 <= request.after <= POSITION_MAX:
            raise stamping.out_of_range("after_position", request.after, 0, POSITION_MAX)
        found = await self._find(place)
        if found is None:
            return self._missing(operation, place)
        partition = found.row.partition
        return Resolved(
            StampedLook(place.name, partition, request.after, request.max_messages, self.clock.deadline_ms()),
            (partition,),
            _checks(operation, place),
            Guard(place.account, found.row.policy),
        )

    async def admit(self, ctx: CallContext, request: model.ReceiveMessages) -> None:
        """Raise what a receive would be refused with now; takes nothing."""
        resolved = await self._resolve_receive(ctx, self.table["ReceiveMessages"], request)
        self.authorizer.authorize(ctx, resolved.checks, resolved.guard)
        if resolved.missing is not None:
            raise resolved.missing

    async def receive(self, ctx: CallContext, resolved: ResolvedReceive) -> tuple[model.Message, ...]:
        """Take messages for one receiver, parked up to its wait until there are some."""
        request: StampedReceive = resolved.request
        waiter = Waiter(request.partition, request.queue, request.dead_letter, request.demands[0])
        if resolved.wait_s:
            if self._parked.is_full:
                raise TOO_BUSY.error(what="The number of waiting receivers", limit=len(self._parked))
            looked_for = StampedPeek(
                request.queue,
                request.partition,
                self.clock.deadline_ms(),
                is_repeatable=bool(waiter.demand.attempt_id),
            )
            look = self.engine.read((request.partition,), peek, looked_for)
            parked_ms = self.clock.deadline_ms()
            taken = await self._parked.wait(waiter, look, resolved.wait_s)
            if taken is not None and self.clock.deadline_ms() - parked_ms >= DECISION_LIFE_MS:
                await self._ask_again(ctx, resolved, waiter, taken)
        else:
            taken = await self._receive_now(waiter)
        return () if taken is None else self._sealed(request.partition, taken)

    async def _ask_again(self, ctx: CallContext, resolved: ResolvedReceive, waiter: Waiter, taken: Taken) -> None:
        """Put back what was taken for a receiver who lost his permission while he was parked, and refuse him."""
        try:
            guard = await self.guard(resolved.checks[0].resource)
            self.authorizer.authorize(ctx, resolved.checks, guard or resolved.guard)
        except (ServiceError, asyncio.CancelledError):
            self._put_back(waiter.partition, waiter.queue, taken)
            raise

    async def _receive_now(self, waiter: Waiter) -> Taken | None:
        for _ in range(ROUNDS_MAX):
            # Shielded: a caller that leaves in the middle must not take messages with it.
            serving = self._in_background(self._receive([waiter]))
            try:
                received, demands = await asyncio.shield(serving)
            except asyncio.CancelledError:
                self._in_background(self._put_back_late(waiter, serving))
                raise
            if received.taken[0]:
                return Taken(received.generation, demands[0], received.taken[0])
            if received.is_full:
                raise OVER_LIMIT.error(limit=self.in_flight_max)
            if not received.left:
                break
        return None

    async def _receive(self, waiters: list[Waiter]) -> tuple[Received, tuple[Demand, ...]]:
        """Run one receive transaction for several receivers of a queue."""
        first = waiters[0]
        demands = tuple(
            Demand(
                waiter.demand.max_messages,
                waiter.demand.visibility_timeout_s,
                self.randomness.token_bytes(receipts.TOKEN_BYTES),
                waiter.demand.attempt_id,
            )
            for waiter in waiters
        )
        request = StampedReceive(
            first.queue, first.partition, demands, first.dead_letter, self.clock.deadline_ms(), self.in_flight_max
        )
        partitions = (first.partition, first.dead_letter) if first.dead_letter else (first.partition,)
        received: Received = await self.engine.transact(partitions, receive_messages, request, grows=False)
        return received, demands

    async def _serve(self, waiters: list[Waiter]) -> Served:
        received, demands = await self._receive(waiters)
        taken = [
            Taken(received.generation, demand, messages)
            for demand, messages in zip(demands, received.taken, strict=True)
        ]
        return Served(taken, 0 if received.is_full else received.left)

    def _sealed(self, partition: bytes, taken: Taken) -> tuple[model.Message, ...]:
        sealer, generation, token = self._sealer, taken.generation, taken.demand.token
        messages = []
        for it in taken.messages:
            stored = it.stored
            group_id = stored.group_id
            messages.append(
                model.Message(
                    stored.message_id,
                    receipts.seal(sealer, partition, generation, it.seq, it.lease_at, it.token or token),
                    stored.body,
                    stored.md5_of_body,
                    stored.sent_ms,
                    it.receive_count,
                    it.first_received_ms,
                    stored.sender_id,
                    stored.attributes,
                    stored.dead_letter_source,
                    stored.trace_header,
                    group_id,
                    stored.deduplication_id,
                    stamping.sequence_number(it.seq) if group_id else "",
                )
            )
        return tuple(messages)

    # Messages that were taken for somebody who left

    def _put_back(self, partition: bytes, queue: str, taken: Taken) -> None:
        """Make messages visible again at once; their receive stays counted, as it did happen."""
        held = tuple(
            Receipt(index, taken.generation, it.seq, it.lease_at, it.token or taken.demand.token)
            for index, it in enumerate(taken.messages)
        )
        request = StampedChange(queue, partition, held, (0,) * len(held), self.clock.deadline_ms())
        self._in_background(self.engine.transact((partition,), change_visibilities, request, grows=False))

    async def _put_back_late(self, waiter: Waiter, serving: asyncio.Task[tuple[Received, tuple[Demand, ...]]]) -> None:
        await asyncio.wait((serving,))
        if serving.cancelled() or serving.exception() is not None:
            return
        received, demands = serving.result()
        if received.taken[0]:
            taken = Taken(received.generation, demands[0], received.taken[0])
            self._put_back(waiter.partition, waiter.queue, taken)

    def _in_background(self, work: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._background.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, ServiceError):
            # Who asked for it is told as well, if he is there still; a message that could not be put back comes back
            # by itself when its visibility timeout ends.
            _log.error("background work failed", exc_info=error)

    # Due work

    async def _on_wake(self, entries: list[Due]) -> None:
        await self._each(entries, wake)

    async def _on_retain(self, entries: list[Due]) -> None:
        await self._each(entries, retain)

    async def _on_forget(self, entries: list[Due]) -> None:
        await self._each(entries, forget)

    async def _on_clear(self, entries: list[Due]) -> None:
        await asyncio.gather(*(self.engine.transact((entry.key[:8],), clear, entry, grows=False) for entry in entries))

    async def _each(self, entries: list[Due], deed: Callable[[Any, Timer], None]) -> None:
        now_ms = self.clock.deadline_ms()
        await asyncio.gather(
            *(self.engine.transact((entry.key,), deed, Timer(entry, now_ms), grows=False) for entry in entries)
        )


def _in_force(ctx: CallContext, operation: Operation, guard: Guard) -> Guard:
    """Return what protects a queue in this call: to other accounts its policy can allow some operations only."""
    if guard.account == ctx.principal.account or operation.name not in OWNERS_ALONE:
        return guard
    return Guard(guard.account)


def _is_batch(operation: Operation) -> bool:
    return operation.name.startswith("Batch")


def _checks(operation: Operation, place: Place) -> Checks:
    assert operation.checks is not None
    return operation.checks(place)


def _answer(resolved: ResolvedItems, outcome: Any) -> Any:
    """Return the answers to the items of a batch, or the one answer (or error) of a single form."""
    good = resolved.good
    if outcome.seed and outcome.seed != resolved.request.seed:
        # A repeated request: the ids are those of the first.
        ids = stamping.message_ids(outcome.seed, len(good))
        good = [
            model.SentMessage(message_id, sent.md5_of_body, sent.md5_of_attributes)
            for message_id, sent in zip(ids, good, strict=True)
        ]
    if outcome.first_seq:
        refused_places = {refused.index for refused in outcome.refused} | resolved.invalid.keys()
        good = stamping.sent_to_fifo(good, refused_places, outcome)
    if resolved.is_batch:
        return stamping.answers(good, resolved.invalid, outcome)
    for error in resolved.invalid.values():
        raise error
    for refused in outcome.refused:
        raise refused.error()
    return good[0]


def _parent(parent: str, ctx: CallContext) -> tuple[str, str]:
    """Return account and region of `accounts/{account}/regions/{region}`; of the caller where it is empty."""
    if not parent:
        return ctx.principal.account, ctx.region
    parts = parent.split("/")
    if (
        len(parts) != 4
        or parts[0] != "accounts"
        or parts[2] != "regions"
        or not is_account_id(parts[1])
        or not is_region(parts[3])
    ):
        raise INVALID_PARAMETER_VALUE.error(
            parameter="parent", value=repr(parent[:80]), allowed="it is accounts/{account}/regions/{region}"
        )
    return parts[1], parts[3]


def _page_size(asked: int) -> int:
    if not 0 <= asked <= model.LIST_PAGE_MAX:
        raise stamping.out_of_range("page_size", asked, 0, model.LIST_PAGE_MAX)
    return asked or model.LIST_PAGE_MAX


def _listing(request: model.ListQueues | model.ListDeadLetterSources, of: str) -> bytes:
    """Return what a page token is bound to; `of` is whose queues are listed."""
    prefix = request.prefix if isinstance(request, model.ListQueues) else ""
    text = f"{of}/{prefix}/{request.page_size}"
    return hashlib.sha256(text.encode()).digest()[:16]

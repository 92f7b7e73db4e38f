"""The stateful object of logs: resolve, authorise, run, wait.

Owns what a transaction function must not do: it parks readers and does the due work. How a request is looked up and
stamped stands in `resolve_logs`. Stands beside the service of queues on the same engine, and shares nothing with it.
Knows no wire protocol.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from cumulo.core.clocks import Clock
from cumulo.core.context import CallContext
from cumulo.core.errors import TOO_BUSY
from cumulo.core.ids import Randomness
from cumulo.core.operations import Operation
from cumulo.core.tokens import TokenSealer
from cumulo.identity import resource_policy
from cumulo.identity.authorizer import Authorizer, Guard
from cumulo.identity.room import Resolved
from cumulo.identity.snapshots import read_now
from cumulo.queue_service import log_attributes, log_model, page_tokens
from cumulo.queue_service.entrances import TRIM
from cumulo.queue_service.log_attributes import LogPlace
from cumulo.queue_service.log_groups import Shared, StampedConsume, StampedGroups, look_for_records, page_groups, share
from cumulo.queue_service.log_keys import group_key
from cumulo.queue_service.log_model import From, Start
from cumulo.queue_service.log_operations import LOG_TABLE
from cumulo.queue_service.log_records import StampedRead, read_records, trim
from cumulo.queue_service.logs import LogNamed, StampedGetLog, StampedListLogs, find_log_of_name
from cumulo.queue_service.named_room import NamedRoom
from cumulo.queue_service.resolve_logs import LogDesk, ResolvedLook, listing_of_groups, listing_of_logs, resolve
from cumulo.queue_service.retention import Timer
from cumulo.queue_service.waiting_readers import Listener, ParkedReaders
from cumulo.storage.due_pump import DueHandler
from cumulo.storage.engine import ROOT, Due, Engine

DECISION_LIFE_MS = 500
"""How long a reader may have been parked before he is authorised again: changes are in force within a second."""


class LogService(NamedRoom):
    """The logs of a server; arguments as for every room, `sealer` seals page tokens.

    Call `begin` on the event loop before the first call, `drain` before the engine closes.
    """

    table = LOG_TABLE

    def __init__(
        self, engine: Engine, authorizer: Authorizer, clock: Clock, randomness: Randomness, sealer: TokenSealer
    ) -> None:
        super().__init__(engine, authorizer, clock, randomness)
        # On an engine that may lose notifications a reader would have to look again by himself; no engine does yet.
        assert not engine.notify_lossy
        self._desk = LogDesk(engine, clock, sealer)
        self._parked = ParkedReaders()

    async def guard(self, arn: str) -> Guard | None:
        """Return what protects the log of an ARN, None where there is no such log."""
        place = log_attributes.place_of(arn)
        if place is None:
            return None
        found = await self._desk.find(place)
        return None if found is None else Guard(place.account, found.policy)

    @property
    def parked(self) -> int:
        """How many readers are parked now."""
        return len(self._parked)

    @property
    def draining(self) -> bool:
        """Whether waits end at once, because the server stops."""
        return self._parked.is_closed

    def begin(self) -> None:
        """Listen to the engine's commits."""
        self.engine.watch(self._parked)

    def close(self) -> None:
        """Park nobody from now on, and answer who is parked with nothing."""
        self._parked.close()

    async def drain(self) -> None:
        """Close, and wait until everybody has his answer."""
        self.close()
        await self._parked.settle()
        self.engine.unwatch(self._parked)

    def due_handlers(self) -> Mapping[str, DueHandler]:
        """Return the due kinds of logs; what a deleted log leaves behind is cleared as a queue's (`CLEAR`)."""
        return {TRIM: self._on_trim}

    async def resolve(self, ctx: CallContext, operation: Operation, request: Any) -> Resolved:
        """Follow the log's name, check the request and stamp it."""
        return await resolve(self._desk, ctx, operation, request)

    def present(self, request: Any, resolved: Resolved, value: Any) -> Any:
        """Return the answer for what a function answered."""
        if isinstance(value, LogNamed):
            then = value.then
            looked_at = StampedGetLog(LogPlace(then.account, then.region, then.name), value.partition)
            # Of a repeated request whose log is gone (AIP-155) the answer is what was answered then.
            value = read_now(self.engine, (ROOT, value.partition), find_log_of_name, looked_at) or then
        if isinstance(value, log_model.Log) and value.policy:
            return msgspec.structs.replace(value, policy=resource_policy.shown(value.policy, self.engine))
        stamped = resolved.request
        if isinstance(stamped, StampedListLogs):
            listed = listing_of_logs(stamped.account, stamped.region, request)
            token = page_tokens.sealed(self._desk.sealer, listed, value[-1].name) if len(value) == stamped.limit else ""
            return log_model.LogPage(tuple(value), token)
        if isinstance(stamped, StampedGroups):
            full = bool(value) and len(value) == page_groups(len(value[0].lanes), stamped.limit)
            listed = listing_of_groups(stamped.partition)
            token = page_tokens.sealed(self._desk.sealer, listed, value[-1].name) if full else ""
            return log_model.GroupPage(tuple(value), token)
        return value

    # Reading

    async def read(self, ctx: CallContext, resolved: ResolvedLook) -> log_model.RecordPage:
        """Read records, parked up to the wait until there are some."""
        request: StampedRead = resolved.request
        with self._parked.listening(request.partition) as listener:
            parked_ms = self.clock.deadline_ms()
            left_s: float = resolved.wait_s
            while True:
                page: log_model.RecordPage = await self.engine.read((request.partition,), read_records, request)
                if page.records or left_s <= 0 or self._parked.is_closed:
                    break
                # What "the end" or a time meant at the first look is meant for the whole wait.
                request = msgspec.structs.replace(request, start=Start(From.POSITION, page.next_position))
                left_s = await self._wait(listener, left_s)
            await self._ask_again(ctx, resolved, parked_ms)
            return page

    async def consume(self, ctx: CallContext, resolved: ResolvedLook) -> log_model.Consumed:
        """Read as a member of a group, parked up to the wait until there are records, or the lanes change."""
        request: StampedConsume = resolved.request
        partition = request.partition
        known = {(it.lane, it.token, it.releasing) for it in request.cursors}
        with self._parked.listening(partition, group_key(partition, request.group)) as listener:
            parked_ms = self.clock.deadline_ms()
            left_s: float = resolved.wait_s
            while True:
                now_ms = self.clock.deadline_ms()
                request = msgspec.structs.replace(request, deadline_ms=now_ms)
                found: Shared = await self.engine.read((partition,), look_for_records, request)
                if found.is_due:
                    await self._ask_again(ctx, resolved, parked_ms)
                    found = await self.engine.transact((partition,), share, request)
                changed = {(it.lane, it.token, it.release) for it in found.lanes} != known
                if found.records or changed or left_s <= 0 or self._parked.is_closed:
                    break
                # No longer than until the lease is to be made longer, or another member's ends.
                until_s = request.lease_ms / 3000
                if found.next_change_ms:
                    until_s = min(until_s, max(found.next_change_ms - now_ms, 1) / 1000)
                left_s = await self._wait(listener, left_s, until_s)
            await self._ask_again(ctx, resolved, parked_ms)
            return log_model.Consumed(found.lanes, found.records)

    async def _wait(self, listener: Listener, left_s: float, at_most_s: float | None = None) -> float:
        """Wait for news, `left_s` at most, and return what is left of it then."""
        if self._parked.is_full:
            raise TOO_BUSY.error(what="The number of waiting readers", limit=len(self._parked))
        loop = asyncio.get_running_loop()
        began = loop.time()
        await listener.wait(left_s if at_most_s is None else min(left_s, at_most_s))
        return left_s - (loop.time() - began)

    async def _ask_again(self, ctx: CallContext, resolved: ResolvedLook, parked_ms: int) -> None:
        """Refuse a reader who lost his permission while he was parked."""
        if self.clock.deadline_ms() - parked_ms >= DECISION_LIFE_MS:
            guard = await self.guard(resolved.checks[0].resource)
            self.authorizer.authorize(ctx, resolved.checks, guard or resolved.guard)

    # Due work

    async def _on_trim(self, entries: list[Due]) -> None:
        now_ms = self.clock.deadline_ms()
        await asyncio.gather(
            *(self.engine.transact((entry.key,), trim, Timer(entry, now_ms), grows=False) for entry in entries)
        )

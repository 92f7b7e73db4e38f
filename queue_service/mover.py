"""Drives move tasks: plans each slice on a snapshot, asks what its caller may do now, and runs it.

The transaction (`move_tasks.move_slice`) decides everything else. A task runs in the name of who started it, with what
he may do at the time of each slice: a permission that he loses ends the task with `AccessDenied`, as a queue that is
deleted ends it, and a key that is forbidden or off with the name of that error.
"""

from typing import Final

import msgspec

from cumulo.core.clocks import Clock
from cumulo.core.context import CallContext
from cumulo.core.errors import ServiceError
from cumulo.core.ids import Randomness
from cumulo.core.operations import Check, Checks
from cumulo.identity.authorizer import Authorizer, Guard
from cumulo.identity.policy import ANONYMOUS, Principal
from cumulo.queue_service.move_seals import MoveSeals
from cumulo.queue_service.move_tasks import ACCESS_DENIED, OnBehalfOf, Plan, StampedSlice, move_slice, plan_slice
from cumulo.queue_service.queue_attributes import Place
from cumulo.queue_service.sealing import MessageSeals
from cumulo.queue_service.stamping import SEED_BYTES
from cumulo.storage.engine import ROOT, Due, Engine

SOURCE_ACTIONS: Final = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
"""What a caller needs on the queue that is emptied, beside the operation itself."""
SEND: Final = "sqs:SendMessage"
"""What he needs on each queue that a message goes to."""


class Mover:
    """The due handler of move tasks."""

    def __init__(
        self, engine: Engine, authorizer: Authorizer, clock: Clock, randomness: Randomness, seals: MessageSeals
    ) -> None:
        self._engine = engine
        self._authorizer = authorizer
        self._clock = clock
        self._randomness = randomness
        self._seals = MoveSeals(engine, seals)

    async def run(self, entries: list[Due]) -> None:
        """Move one slice of each task."""
        for entry in entries:
            await self._run(entry)

    async def _run(self, entry: Due) -> None:
        plan: Plan | None = await self._engine.read((ROOT, entry.key), plan_slice, entry.key)
        partitions: dict[str, bytes] = {}
        refused: set[str] = set()
        refusal, resealed = "", None
        if plan is not None:
            ctx = context_of(plan.on_behalf_of)
            if not self._may(ctx, source_checks(plan.place), Guard(plan.place.account, plan.policy)):
                refusal = ACCESS_DENIED
            for arn, target in plan.targets.items():
                if self._may(ctx, (Check(SEND, arn),), Guard(target.place.account, target.row.policy)):
                    partitions[arn] = target.row.partition
                else:
                    refused.add(arn)
            if not refusal:
                now_ms = self._clock.deadline_ms()
                resealed = await self._seals.resealed(ctx, entry.key, plan, refused, now_ms)
        request = StampedSlice(
            entry=entry,
            partitions=partitions,
            refused=frozenset(refused),
            refusal=refusal,
            seed=self._randomness.token_bytes(SEED_BYTES),
            wall_ms=self._clock.wall_ms(),
            now_ms=self._clock.deadline_ms(),
            resealed=resealed,
        )
        touched = tuple(dict.fromkeys((ROOT, entry.key, *partitions.values())))
        await self._engine.transact(touched, move_slice, request, grows=False)

    def _may(self, ctx: CallContext, checks: Checks, guard: Guard) -> bool:
        try:
            self._authorizer.authorize(ctx, checks, guard)
        except ServiceError:
            return False
        return True


def source_checks(place: Place) -> Checks:
    """Return what the caller of a move task must be allowed on the queue that it empties."""
    return tuple(Check(action, place.arn) for action in SOURCE_ACTIONS)


def on_behalf_of(ctx: CallContext) -> bytes:
    """Return who calls, to be kept with a task: the principal without the credential, which may end before the task."""
    caller = ctx.principal
    principal = ANONYMOUS
    if isinstance(caller, Principal):
        principal = Principal(**{name: getattr(caller, name) for name in Principal.__struct_fields__})
    kept = OnBehalfOf(principal, ctx.region, ctx.source_ip, ctx.secure_transport, ctx.user_agent)
    return msgspec.msgpack.encode(kept)


def context_of(kept: bytes) -> CallContext:
    """Return in whose name a task goes on, from what `on_behalf_of` kept."""
    it = msgspec.msgpack.decode(kept, type=OnBehalfOf)
    return CallContext(
        principal=it.principal,
        request_id="",
        region=it.region,
        source_ip=it.source_ip,
        secure_transport=it.secure_transport,
        user_agent=it.user_agent,
    )

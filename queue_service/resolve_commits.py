"""How commits over queues are resolved: every queue followed, decided for itself, and its items stamped."""

from collections.abc import Mapping

import msgspec

from cumulo.core.context import CallContext
from cumulo.core.errors import INVALID_PARAMETER_VALUE, NOT_IMPLEMENTED, ServiceError
from cumulo.core.operations import Checks, Operation
from cumulo.identity.authorizer import Guard
from cumulo.identity.room import Resolved
from cumulo.queue_service import message_model, model, receipts, stamping
from cumulo.queue_service.commits import Committed, Sends, StampedCommit, Touched, of_item, seed_of
from cumulo.queue_service.errors import (
    BATCH_REQUEST_TOO_LONG,
    QUEUE_DOES_NOT_EXIST,
    TOO_MANY_ENTRIES_IN_BATCH_REQUEST,
)
from cumulo.queue_service.leases import Outcome, StampedDelete
from cumulo.queue_service.messages import StampedSend
from cumulo.queue_service.queue_attributes import Place
from cumulo.queue_service.receipts import Receipt
from cumulo.queue_service.resolving import Desk, Resolver
from cumulo.queue_service.stamping import SEED_BYTES
from cumulo.storage.engine import ROOT


class ResolvedCommit(Resolved, frozen=True):
    """A commit, and the answer to each send, by queue, should it succeed."""

    sent: tuple[tuple[message_model.SentMessage, ...], ...] = ()


class _AtQueue(msgspec.Struct):
    """What a commit does at one queue: places among all sends, and among all deletes."""

    sends: list[int] = []
    deletes: list[int] = []


async def resolve_commit(
    desk: Desk, ctx: CallContext, operation: Operation, request: message_model.CommitMessages
) -> ResolvedCommit:
    """Follow, decide and stamp everything that a commit names; what forbids the whole of it is `missing`.

    Each queue has a guard of its own, so each is decided here, in the order in which they are named; what is wrong
    with an item, or that a queue does not exist, is for after that.
    """
    queues = _by_queue(desk, ctx, request)
    now_ms, seed = desk.clock.deadline_ms(), desk.randomness.token_bytes(SEED_BYTES)
    checks: Checks = ()
    guard = Guard("")
    partitions: list[bytes] = []
    missing: ServiceError | None = None
    deletes: list[StampedDelete] = []
    sends: list[Sends] = []
    sent: list[tuple[message_model.SentMessage, ...]] = []
    for place, at_queue in queues.items():
        found = await desk.use(place)
        assert operation.checks is not None
        checks = operation.checks(Touched(place, bool(at_queue.sends), bool(at_queue.deletes)))
        guard = Guard(place.account, found.row.policy if found else "")
        desk.authorizer.authorize(ctx, checks, guard)
        partition = b""
        if found is None:
            missing = missing or QUEUE_DOES_NOT_EXIST.error(queue=place.name)
        else:
            partition = found.row.partition
            partitions.append(partition)
        if at_queue.deletes and found is not None:
            parsed, error = _receipts(desk, partition, request, at_queue.deletes)
            missing = missing or error
            deletes.append(StampedDelete(place.name, partition, parsed, now_ms, desk.in_flight_max, must_be_there=True))
        if at_queue.sends:
            own_seed = seed_of(seed, len(sends))
            sealing = await desk.seals.sealing_for(ctx, place.arn, found.row, now_ms) if found else None
            messages, answers, invalid = stamping.stamp_entries(
                [request.sends[item].entry for item in at_queue.sends],
                own_seed,
                ctx.principal.id,
                desk.clock.wall_ms(),
                now_ms,
                fifo=model.is_fifo(place.name),
                sealing=sealing,
            )
            for index, error in invalid.items():
                missing = missing or of_item(error, at_queue.sends[index])
            key_id = sealing.key_id if sealing else b""
            stamped = StampedSend(place.name, partition, tuple(messages), own_seed, now_ms, key_id)
            sends.append(Sends(stamped, tuple(at_queue.sends)))
            sent.append(tuple(answers))
    if len(partitions) > 1 and not desk.engine.atomic_across:
        missing = NOT_IMPLEMENTED.error(what="A commit over several queues on an engine without such transactions")
    return ResolvedCommit(
        StampedCommit(tuple(deletes), tuple(sends), seed),
        tuple(partitions) or (ROOT,),
        checks,
        guard,
        missing=missing,
        grows=bool(sends),
        sent=tuple(sent),
    )


def answer(resolved: ResolvedCommit, committed: Committed) -> tuple[message_model.SentMessage, ...]:
    """Return the answer to each send, in the order of the request."""
    answers: dict[int, message_model.SentMessage] = {}
    commit: StampedCommit = resolved.request
    for number, (sends, sent) in enumerate(zip(commit.sends, resolved.sent, strict=True)):
        first_seq, duplicates = committed.sends[number]
        good = list(sent)
        if committed.seed != commit.seed:
            # A repeated request: the ids are those of the first.
            ids = stamping.message_ids(seed_of(committed.seed, number), len(sent))
            good = [
                msgspec.structs.replace(it, message_id=message_id) for it, message_id in zip(sent, ids, strict=True)
            ]
        if first_seq:
            good = stamping.sent_to_fifo(good, (), Outcome((), b"", first_seq, duplicates))
        answers.update(zip(sends.items, good, strict=True))
    return tuple(answers[item] for item in sorted(answers))


def _by_queue(desk: Desk, ctx: CallContext, request: message_model.CommitMessages) -> dict[Place, _AtQueue]:
    """Return the queues in the order in which they are named, sends first; raises for a commit beyond its limits."""
    stamping.check_count((*request.sends, *request.deletes), message_model.COMMIT_ITEMS_MAX)
    queues: dict[Place, _AtQueue] = {}
    for item, send in enumerate(request.sends):
        queues.setdefault(desk.place(ctx, send.queue), _AtQueue()).sends.append(item)
    for item, delete in enumerate(request.deletes):
        queues.setdefault(desk.place(ctx, delete.queue), _AtQueue()).deletes.append(item)
    if len(queues) > message_model.COMMIT_QUEUES_MAX:
        raise _refused(
            "sends", f"to {len(queues)} queues", f"a commit is about {message_model.COMMIT_QUEUES_MAX} at most"
        )
    if len({place.account for place in queues}) > 1:
        raise _refused("sends", "to queues of several accounts", "the queues of a commit belong to one account")
    size_bytes = sum(stamping.entry_bytes(send.entry) for send in request.sends)
    if size_bytes > message_model.BATCH_BYTES_MAX and len(request.sends) > 1:
        raise BATCH_REQUEST_TOO_LONG.error(limit=message_model.BATCH_BYTES_MAX, size=size_bytes)
    fifo = sum(len(at_queue.sends) for place, at_queue in queues.items() if model.is_fifo(place.name))
    if request.request_id and fifo > message_model.COMMIT_FIFO_REMEMBERED_MAX:
        raise TOO_MANY_ENTRIES_IN_BATCH_REQUEST.error(limit=message_model.COMMIT_FIFO_REMEMBERED_MAX, entries=fifo)
    return queues


def _refused(parameter: str, value: str, allowed: str) -> ServiceError:
    return INVALID_PARAMETER_VALUE.error(parameter=parameter, value=value, allowed=allowed)


def _receipts(
    desk: Desk, partition: bytes, request: message_model.CommitMessages, items: list[int]
) -> tuple[tuple[Receipt, ...], ServiceError | None]:
    """Return the receipts of one queue, or the error of the first that is none of it."""
    parsed = []
    for item in items:
        try:
            parsed.append(receipts.parse(desk.sealer, partition, item, request.deletes[item].receipt_handle))
        except ServiceError as error:
            return (), ServiceError(error.row, {**error.values, "item": f"deletes[{item}]"})
    return tuple(parsed), None


RESOLVERS: Mapping[str, Resolver] = {"CommitMessages": resolve_commit}

"""Seals of what a move task moves: under a key of KMS it is opened, and sealed anew as the queue says that it goes to.

Both are done in the name of who started the task, before the slice's transaction: so he needs `kms:Decrypt` on every
key that sealed a message, and on the key of the queue that it goes to `kms:GenerateDataKey`, too (SQS developer guide,
"Configuring queue permissions for dead-letter queue redrive"). What goes to a queue without encryption stays sealed as
it was, as in SQS; so does what cannot be read, since it shall not block others. Where neither side is under a key of
KMS nothing is opened: a message takes its data key along.
"""

from collections.abc import Container

import msgspec

from cumulo.core.context import CallContext
from cumulo.core.errors import ServiceError
from cumulo.queue_service.errors import MESSAGE_UNREADABLE
from cumulo.queue_service.fifo_queue import find_any
from cumulo.queue_service.keys import KEYS, StoredMessage, decode_data_key, decode_message
from cumulo.queue_service.kms_data_keys import is_refusal_of_key
from cumulo.queue_service.move_tasks import RUNNING, Plan, Target, find_visible, slice_messages, tasks_of
from cumulo.queue_service.redrive import MOVED_BYTES_MAX
from cumulo.queue_service.sealing import MessageSeals, Written
from cumulo.storage.engine import Engine, Txn
from cumulo.storage.tuples import after

KEYS_LOOKED_AT_MAX = 1_000
"""Data keys of a queue among which one of KMS is sought; where there are more, one is taken to be there."""

Resealed = dict[int, StoredMessage | str]
"""By their numbers, messages as they are to be stored where they go, or why the task ends there."""


class StampedMessages(msgspec.Struct, frozen=True):
    """The messages of a task's next slice to read, if any key of KMS has to do with them; `to_kms` says that one is the
    key of a queue that they may go to.
    """

    partition: bytes
    to_kms: bool
    now_ms: int


def messages_to_seal(txn: Txn, request: StampedMessages) -> list[tuple[int, StoredMessage]] | None:
    """Return the messages of the next slice by their numbers, but for those too old to move; None where no key of KMS
    has to do with any. A read function.
    """
    queue, tasks = find_any(txn, request.partition), tasks_of(txn, request.partition)
    if queue is None or not tasks or tasks[0].status != RUNNING:
        return None
    prefix = request.partition + KEYS
    keys = [] if request.to_kms else txn.range(prefix, after(prefix), KEYS_LOOKED_AT_MAX)
    is_any = len(keys) == KEYS_LOOKED_AT_MAX or any(decode_data_key(raw).kms_master_key_id for _, raw in keys)
    if not (request.to_kms or is_any):
        return None
    messages, size_bytes = [], 0
    for it in find_visible(queue, tasks[0], slice_messages(tasks[0])).messages:
        if size_bytes > MOVED_BYTES_MAX:
            break
        record = queue.message_bytes(it.seq, it.state.pieces)
        size_bytes += len(record)
        stored = decode_message(record)
        if not queue.is_too_old(stored.kept_from_ms, request.now_ms):
            messages.append((it.seq, stored))
    return messages


class MoveSeals:
    """Opens and seals for the move tasks of a server."""

    def __init__(self, engine: Engine, seals: MessageSeals) -> None:
        self._engine = engine
        self._seals = seals

    async def resealed(
        self, ctx: CallContext, partition: bytes, plan: Plan, refused: Container[str], now_ms: int
    ) -> Resealed | None:
        """Return the messages of a task's next slice as they are to be stored, up to the first at which it ends; None
        where they stay as they are.
        """
        if not self._seals.has_key_service:
            return None
        to_kms = any(self._seals.asks(it.row) for it in plan.targets.values())
        request = StampedMessages(partition, to_kms, now_ms)
        found: list[tuple[int, StoredMessage]] | None = await self._engine.read((partition,), messages_to_seal, request)
        if found is None:
            return None
        resealed: Resealed = {}
        for seq, stored in found:
            arn = plan.destination or stored.dead_letter_source
            target = plan.targets.get(arn)
            resealed[seq] = stored
            if target is None or arn in refused:
                continue  # the transaction says what becomes of the task
            try:
                resealed[seq] = await self._sealed_anew(ctx, partition, stored, target, now_ms)
            except ServiceError as error:
                if is_refusal_of_key(error):
                    resealed[seq] = error.row.query_code or error.row.code
                    break
                if error.row is not MESSAGE_UNREADABLE:
                    raise
        return resealed

    async def _sealed_anew(
        self, ctx: CallContext, partition: bytes, stored: StoredMessage, target: Target, now_ms: int
    ) -> StoredMessage:
        if stored.envelope is None and not self._seals.asks(target.row):
            return stored
        clear = self._seals.open(partition, await self._seals.unwrapped(ctx, partition, stored, now_ms))
        sealing = await self._seals.sealing_for(ctx, target.place.arn, target.row, now_ms)
        if sealing is None:
            return stored
        written = Written(clear.body, clear.attributes, clear.trace_header, clear.md5_of_body)
        return msgspec.structs.replace(
            stored,
            body=sealing.seal(stored.message_id, written),
            attributes=(),
            trace_header="",
            md5_of_body="",
            key_id=sealing.key_id,
            key_period_ms=sealing.period_ms,
            envelope=sealing.envelope,
            sealed_as=stored.message_id,
        )

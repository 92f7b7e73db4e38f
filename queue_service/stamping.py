"""Stamping: from a caller's batch to what a transaction function takes, item by item.

Owns the checks of each item, the ids and digests of messages, and the answers per item afterwards. An item that breaks
a rule is refused on its own; a batch that breaks one is refused whole. Time and randomness come in as arguments.

Message ids of one request are made from its 16-byte seed, so that the remembered answer to a repeated request is the
seed, not up to 100 ids.
"""

import hashlib
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar
from uuid import UUID

from msgspec.structs import replace

from cumulo.core.errors import INVALID_PARAMETER_VALUE, MISSING_PARAMETER, ServiceError
from cumulo.core.ids import uuid4_text, uuid4_texts
from cumulo.core.tokens import TokenSealer
from cumulo.queue_service import message_attributes, receipts
from cumulo.queue_service.errors import (
    BATCH_REQUEST_TOO_LONG,
    EMPTY_BATCH_REQUEST,
    MESSAGE_TOO_LONG,
    NOT_OF_THIS_QUEUE_TYPE,
    TOO_MANY_ENTRIES_IN_BATCH_REQUEST,
)
from cumulo.queue_service.keys import SCHEDULED, StoredMessage, lane_of
from cumulo.queue_service.leases import Outcome
from cumulo.queue_service.message_model import (
    BATCH_BYTES_MAX,
    FIFO_ID_CHARACTERS_MAX,
    PRIORITY_DEFAULT,
    PRIORITY_MAX,
    SCHEDULE_S_MAX,
    TRACE_HEADER_CHARACTERS_MAX,
    AlreadyAcknowledged,
    ItemError,
    SendEntry,
    SentMessage,
)
from cumulo.queue_service.messages import Outgoing, OutgoingInGroup
from cumulo.queue_service.model import DELAY_S_MAX, MESSAGE_SIZE_BYTES_MAX, VISIBILITY_TIMEOUT_S_MAX
from cumulo.queue_service.receipts import Receipt
from cumulo.queue_service.sealing import Sealing, Written
from cumulo.storage.records import encode
from cumulo.storage.storage_keys import NONCE_BYTES

SEED_BYTES = 16
_FIFO_ID = re.compile(rf"[!-~]{{1,{FIFO_ID_CHARACTERS_MAX}}}")
_SEQUENCE_START = 10**19
_SEQUENCE_STEP = 256
_TOPIC_SEQUENCE_STEP = 1000
Invalid = Mapping[int, ServiceError]
"""Items that were refused before any transaction, by their place in the batch."""
_SOME_ID = "00000000-0000-4000-8000-000000000000"
_SOME_BODY = b"\xff" * 16
"""Of a record that shows what stands around id and body; no text of a record contains these bytes."""
_MD5 = hashlib.md5(usedforsecurity=False)
"""Copied for each body: a new one costs OpenSSL 1.3 µs of looking up what it is."""
T = TypeVar("T")


def message_ids(seed: bytes, count: int) -> list[str]:
    """Return `count` message ids in the form of UUIDv4: the first is the seed itself, the others are its hash."""
    first = uuid4_text(seed.hex())
    if count == 1:
        return [first]
    others = count - 1
    return [first, *uuid4_texts(hashlib.shake_128(seed).hexdigest(16 * others), others)]


def sequence_number(seq: int) -> str:
    """Return the sequence number of a FIFO queue's message: 20 digits, of 128 bits, rising and not consecutive."""
    return str(_SEQUENCE_START + seq * _SEQUENCE_STEP)


def topic_sequence_number(seq: int) -> str:
    """Return the sequence number of a FIFO topic's message: of the same form, rising in steps of its own as SNS's does,
    so that it is not taken for the one that a queue gives the same message.
    """
    return str(_SEQUENCE_START + seq * _TOPIC_SEQUENCE_STEP)


def sent_to_fifo(
    sent: Sequence[SentMessage],
    refused: Collection[int],
    outcome: Outcome,
    numbered: Callable[[int], str] = sequence_number,
) -> list[SentMessage]:
    """Return the answers to entries for a FIFO queue: with sequence numbers, and of duplicates the first's message.

    `refused` are the places of entries that were not stored for another reason.
    """
    duplicates = {index: (message_id, seq) for index, message_id, seq in outcome.duplicates}
    answered = []
    seq = outcome.first_seq
    for index, it in enumerate(sent):
        if index in duplicates:
            message_id, number = duplicates[index]
            answered.append(replace(it, message_id=str(UUID(bytes=message_id)), sequence_number=numbered(number)))
        elif index in refused:
            answered.append(it)
        else:
            answered.append(replace(it, sequence_number=numbered(seq)))
            seq += 1
    return answered


def check_count(entries: Sequence[object], entries_max: int) -> None:
    """Raise `EmptyBatchRequest` or `TooManyEntriesInBatchRequest`."""
    if not entries:
        raise EMPTY_BATCH_REQUEST.error()
    if len(entries) > entries_max:
        raise TOO_MANY_ENTRIES_IN_BATCH_REQUEST.error(limit=entries_max, entries=len(entries))


def stamp_entries(
    entries: Sequence[SendEntry],
    seed: bytes,
    sender_id: str,
    wall_ms: int,
    deadline_ms: int,
    *,
    fifo: bool = False,
    sealing: Sealing | None = None,
) -> tuple[list[Outgoing], list[SentMessage], dict[int, ServiceError]]:
    """Return the messages to store, the answer to each entry should it be stored, and the entries that are refused.

    `fifo`: for a FIFO queue; `sealing`: for one that is encrypted. Raises `BatchRequestTooLong` where several entries
    are too large together, and `MissingParameter` where one for a FIFO queue has no group.
    """
    if fifo and any(entry.group_id is None for entry in entries):
        raise MISSING_PARAMETER.error(parameter="group_id")
    messages: list[Outgoing] = []
    sent, invalid = [], {}
    total_bytes = 0
    stamp = (sender_id, wall_ms, deadline_ms)
    batch = _SealedBatch(len(entries), stamp, sealing) if sealing is not None and len(entries) > 1 else None
    for index, (entry, message_id) in enumerate(zip(entries, message_ids(seed, len(entries)), strict=True)):
        body, attributes = entry.body, entry.attributes
        size_bytes = len(body)
        md5 = _MD5.copy()
        md5.update(body)
        md5_of_body, md5_of_attributes = md5.hexdigest(), ""
        if 0 < size_bytes <= MESSAGE_SIZE_BYTES_MAX and not fifo and _is_plain(entry):
            written = Written(body, (), "", md5_of_body)
            if batch is not None:
                record = batch.record_of(message_id, written)
            else:
                record = encode(stored_message(message_id, written, *stamp, sealing))
            messages.append(Outgoing(index, record, size_bytes))
        else:
            try:
                if attributes:
                    message_attributes.check(attributes)
                    size_bytes += message_attributes.size_bytes(attributes)
                    md5_of_attributes = message_attributes.md5(attributes)
                in_group = _checked(entry, size_bytes, message_id, wall_ms, fifo=fifo)
            except ServiceError as error:
                invalid[index] = error
            else:
                written = Written(body, attributes, entry.trace_header, md5_of_body)
                message = stored_message(message_id, written, *stamp, sealing)
                messages.append(_outgoing(index, entry, message, size_bytes, in_group, stamp))
        total_bytes += size_bytes
        sent.append(SentMessage(message_id, md5_of_body, md5_of_attributes))
    if total_bytes > BATCH_BYTES_MAX and len(entries) > 1:
        raise BATCH_REQUEST_TOO_LONG.error(limit=BATCH_BYTES_MAX, size=total_bytes)
    return messages, sent, invalid


def _is_plain(entry: SendEntry) -> bool:
    """Say whether an entry is its body and nothing else."""
    return not (
        entry.attributes
        or entry.trace_header
        or entry.delay_s is not None
        or entry.group_id is not None
        or entry.deduplication_id is not None
        or entry.priority is not None
        or entry.deliver_at_ms is not None
    )


class _SealedBatch:
    """Encodes the messages of one batch for an encrypted queue that are their bodies and nothing else.

    Their records differ in message id and body alone; so what stands around these is encoded once, which spares a third
    of sealing them.
    """

    __slots__ = ("_between", "_encrypted", "_head", "_nonces", "_tail")

    def __init__(self, count: int, stamp: tuple[str, int, int], sealing: Sealing) -> None:
        self._nonces = sealing.nonces(count)
        self._encrypted = sealing.encrypted
        some = encode(sealed_message(_SOME_ID, _SOME_BODY, *stamp, sealing))
        self._head, _, rest = some.partition(_SOME_ID.encode())
        self._between, _, self._tail = rest.partition(encode(_SOME_BODY))

    def record_of(self, message_id: str, written: Written) -> bytes:
        """Return the record of one message, the same as `encode` makes."""
        id_bytes, nonce = message_id.encode(), self._nonces.pop()
        sealed = self._encrypted(nonce, encode(written), id_bytes)
        length = NONCE_BYTES + len(sealed)
        if length < 1 << 8:
            begins = b"\xc4%c" % length
        elif length < 1 << 16:
            begins = b"\xc5%c%c" % (length >> 8, length & 0xFF)
        else:
            begins = b"\xc6" + length.to_bytes(4, "big")
        return b"".join((self._head, id_bytes, self._between, begins, nonce, sealed, self._tail))


def _outgoing(
    index: int,
    entry: SendEntry,
    record: StoredMessage,
    size_bytes: int,
    in_group: OutgoingInGroup | None,
    stamp: tuple[str, int, int],
) -> Outgoing:
    """Return a checked message with all that its entry says."""
    _, wall_ms, deadline_ms = stamp
    group, priority, lane, delay_s, due_ms = "", entry.priority, 0, entry.delay_s, 0
    if in_group is not None:
        record = replace(record, group_id=in_group.group_id, deduplication_id=in_group.deduplication_id)
    elif entry.group_id:
        group = entry.group_id
        record = replace(record, group_id=group)
    if priority is not None and priority != PRIORITY_DEFAULT:
        record, lane = replace(record, priority=priority), lane_of(priority)
    if entry.deliver_at_ms is not None:
        held_back_ms = max(0, entry.deliver_at_ms - wall_ms)
    elif delay_s is not None and delay_s > DELAY_S_MAX:
        held_back_ms = delay_s * 1000
    else:
        held_back_ms = -1
    if held_back_ms == 0:
        delay_s = 0
    elif held_back_ms > 0:
        due_ms, lane = deadline_ms + held_back_ms, lane + SCHEDULED
        record = replace(record, kept_from_ms=due_ms)
    return Outgoing(index, encode(record), size_bytes, delay_s, in_group, lane, due_ms, group)


def stored_message(
    message_id: str, written: Written, sender_id: str, wall_ms: int, deadline_ms: int, sealing: Sealing | None
) -> StoredMessage:
    """Return a message as it is stored, without what only some queues need of it."""
    if sealing is None:
        body, attributes, trace, md5 = written.body, written.attributes, written.trace_header, written.md5_of_body
        return StoredMessage(1, message_id, md5, wall_ms, deadline_ms, sender_id, attributes, "", body, trace)
    return sealed_message(message_id, sealing.seal(message_id, written), sender_id, wall_ms, deadline_ms, sealing)


def sealed_message(
    message_id: str, sealed: bytes, sender_id: str, wall_ms: int, deadline_ms: int, sealing: Sealing
) -> StoredMessage:
    """Return a message as it is stored whose content `sealing` has sealed already."""
    return StoredMessage(
        message_id=message_id,
        sent_ms=wall_ms,
        kept_from_ms=deadline_ms,
        sender_id=sender_id,
        body=sealed,
        key_id=sealing.key_id,
        key_period_ms=sealing.period_ms,
        envelope=sealing.envelope,
    )


def parse_receipts(
    sealer: TokenSealer, partition: bytes, handles: Sequence[str]
) -> tuple[list[Receipt], dict[int, ServiceError]]:
    """Return the receipts of a batch, and the places of those that are none of this queue."""
    parsed, invalid = [], {}
    for index, handle in enumerate(handles):
        try:
            parsed.append(receipts.parse(sealer, partition, index, handle))
        except ServiceError as error:
            invalid[index] = error
    return parsed, invalid


def check_timeout(timeout_s: int) -> None:
    """Raise `InvalidParameterValue` for a visibility timeout out of range."""
    if not 0 <= timeout_s <= VISIBILITY_TIMEOUT_S_MAX:
        raise out_of_range("visibility_timeout_s", timeout_s, 0, VISIBILITY_TIMEOUT_S_MAX)


def out_of_range(parameter: str, value: int, lowest: int, highest: int) -> ServiceError:
    """Return the refusal of a number."""
    return INVALID_PARAMETER_VALUE.error(
        parameter=parameter, value=value, allowed=f"it must be >= {lowest} and <= {highest}"
    )


def answers(good: Sequence[T], invalid: Invalid, outcome: Outcome) -> tuple[T | ItemError | AlreadyAcknowledged, ...]:
    """Return the answer to each item: `good[i]`, why it was refused, or that it was done before."""
    already = AlreadyAcknowledged()
    merged: list[T | ItemError | AlreadyAcknowledged] = list(good)
    for index, error in invalid.items():
        merged[index] = item_error(error)
    for index in outcome.already:
        merged[index] = already
    for refused in outcome.refused:
        merged[refused.index] = item_error(refused.error())
    return tuple(merged)


def item_error(error: ServiceError) -> ItemError:
    """Return an error in the form of a batch's item."""
    return ItemError(error.row.code, error.message, not error.row.retryable, error.row, error.values)


def entry_bytes(entry: SendEntry) -> int:
    """Return what SQS counts as the size of a message: its body and attributes."""
    return len(entry.body) + message_attributes.size_bytes(entry.attributes)


def _checked(entry: SendEntry, size_bytes: int, message_id: str, wall_ms: int, *, fifo: bool) -> OutgoingInGroup | None:
    """Return what a FIFO queue needs of an entry, None elsewhere; raises where the entry breaks a rule."""
    if not entry.body or size_bytes > MESSAGE_SIZE_BYTES_MAX or entry.delay_s is not None or entry.trace_header:
        _check_entry(entry, size_bytes)
    if entry.deliver_at_ms is not None:
        _check_delivery(entry.deliver_at_ms, entry.delay_s, wall_ms, fifo=fifo)
    if entry.priority is not None:
        _check_priority(entry.priority, fifo=fifo)
    if fifo:
        return _in_fifo_group(entry, message_id)
    if entry.group_id is not None or entry.deduplication_id is not None:
        _check_group(entry)
    return None


def _check_entry(entry: SendEntry, size_bytes: int) -> None:
    if not entry.body:
        raise MISSING_PARAMETER.error(parameter="body")
    if size_bytes > MESSAGE_SIZE_BYTES_MAX:
        raise MESSAGE_TOO_LONG.error(limit=MESSAGE_SIZE_BYTES_MAX)
    if entry.delay_s is not None and not 0 <= entry.delay_s <= SCHEDULE_S_MAX:
        raise out_of_range("delay_s", entry.delay_s, 0, SCHEDULE_S_MAX)
    if len(entry.trace_header) > TRACE_HEADER_CHARACTERS_MAX:
        raise INVALID_PARAMETER_VALUE.error(
            parameter="trace_header",
            value=f"of {len(entry.trace_header)} characters",
            allowed=f"at most {TRACE_HEADER_CHARACTERS_MAX} characters",
        )


def _check_delivery(deliver_at_ms: int, delay_s: int | None, wall_ms: int, *, fifo: bool) -> None:
    if fifo:
        raise NOT_OF_THIS_QUEUE_TYPE.error(parameter="deliver_at_ms", value=deliver_at_ms)
    if delay_s is not None:
        raise INVALID_PARAMETER_VALUE.error(
            parameter="deliver_at_ms", value=deliver_at_ms, allowed="it stands in place of delay_s, not beside it"
        )
    latest_ms = wall_ms + SCHEDULE_S_MAX * 1000
    if not 0 <= deliver_at_ms <= latest_ms:
        raise out_of_range("deliver_at_ms", deliver_at_ms, 0, latest_ms)


def _check_priority(priority: int, *, fifo: bool) -> None:
    if fifo:
        raise NOT_OF_THIS_QUEUE_TYPE.error(parameter="priority", value=priority)
    if not 0 <= priority <= PRIORITY_MAX:
        raise out_of_range("priority", priority, 0, PRIORITY_MAX)


def _in_fifo_group(entry: SendEntry, message_id: str) -> OutgoingInGroup:
    """Return what a FIFO queue needs of a message; raises `InvalidParameterValue`."""
    check_id("group_id", entry.group_id or "")
    if entry.deduplication_id is not None:
        check_id("deduplication_id", entry.deduplication_id)
    if entry.delay_s:
        raise NOT_OF_THIS_QUEUE_TYPE.error(parameter="delay_s", value=entry.delay_s)
    by_content = entry.deduplication_id is None
    deduplication_id = entry.deduplication_id or hashlib.sha256(entry.body).hexdigest()
    return OutgoingInGroup(message_id, entry.group_id or "", deduplication_id, by_content)


def _check_group(entry: SendEntry) -> None:
    """Raise `InvalidParameterValue` where a message's group breaks the rule, or it has what only FIFO queues take."""
    if entry.group_id is not None:
        check_id("group_id", entry.group_id)
    if entry.deduplication_id is not None:
        value = entry.deduplication_id[:FIFO_ID_CHARACTERS_MAX]
        raise NOT_OF_THIS_QUEUE_TYPE.error(parameter="deduplication_id", value=value)


def check_id(parameter: str, value: str) -> None:
    """Raise `InvalidParameterValue` for a group id, a deduplication id or an attempt id that breaks SQS's rule."""
    if not _FIFO_ID.fullmatch(value):
        raise INVALID_PARAMETER_VALUE.error(
            parameter=parameter,
            value=repr(value[:FIFO_ID_CHARACTERS_MAX]),
            allowed=f"it can only include alphanumeric and punctuation characters, 1 to {FIFO_ID_CHARACTERS_MAX}",
        )

"""Published messages as they lie inside a topic under a key of KMS: in its outbox, in the queues of its subscriptions,
and in what it keeps.

All that the publisher wrote is sealed together, bound to the message id; id, time and kind stand beside it, as do group
and deduplication id where a queue needs them. Owns the bytes that stand in the place of a `StoredNotice`, and tells the
two apart: those that are not sealed, of before and of topics without a key, are read as ever.
"""

import logging

import msgspec
from cryptography.exceptions import InvalidTag

from cumulo.core.errors import ServiceError
from cumulo.queue_service.keys import Envelope
from cumulo.queue_service.notice_seals import NoticeSeals
from cumulo.queue_service.publishing import StampedWait, put_off
from cumulo.queue_service.sealing import Sealing
from cumulo.queue_service.topic_envelopes import NOTIFICATION, StoredNotice
from cumulo.queue_service.topic_model import PublishEntry
from cumulo.storage import records
from cumulo.storage.engine import PARTITION_BYTES, Due, Engine

WAIT_MS = 20_000
"""How long a delivery waits until it asks again for a key that opened nothing: as long as SNS's usual delay."""
_PLACE = " notice"
"""What tells the seal of a notice from that of a message of the same id in a native subscription's queue."""
_VERSION = b"\x01"
"""How the first field of a record begins; that of a `StoredNotice` is a map."""
_log = logging.getLogger("cumulo.topics")


class NotOpened(Exception):
    """A message cannot be opened now; it may be later."""


class SealedNotice(records.Record, frozen=True):
    """A `StoredNotice` whose entry is sealed under the key of the envelope."""

    message_id: str = ""
    published_ms: int = 0
    kind: str = NOTIFICATION
    envelope: Envelope = Envelope()
    sealed: bytes = b""


_decode_notice = msgspec.msgpack.Decoder(StoredNotice).decode
_decode_sealed = records.decoder(SealedNotice).decode
_decode_entry = msgspec.msgpack.Decoder(PublishEntry).decode


class Opened(msgspec.Struct, frozen=True):
    """A message in the clear, and how copies of it that stay inside of the topic are sealed, None for not at all."""

    notice: StoredNotice
    sealing: Sealing | None


def notice_bytes(notice: StoredNotice, sealing: Sealing | None) -> bytes:
    """Return a message as it lies inside a topic."""
    if sealing is None:
        return msgspec.msgpack.encode(notice)
    assert sealing.envelope is not None, notice.message_id
    sealed = sealing.seal_encoded(notice.message_id + _PLACE, msgspec.msgpack.encode(notice.entry))
    return records.encode(
        SealedNotice(
            message_id=notice.message_id,
            published_ms=notice.published_ms,
            kind=notice.kind,
            envelope=sealing.envelope,
            sealed=sealed,
        )
    )


def envelope_in(body: bytes) -> Envelope | None:
    """Return the key with which what `notice_bytes` made was sealed, None where it was not."""
    return _decode_sealed(body).envelope if body[1:2] == _VERSION else None


async def opened(seals: NoticeSeals | None, body: bytes, now_ms: int) -> Opened:
    """Return what `notice_bytes` made; raises `NotOpened`."""
    if body[1:2] != _VERSION:
        return Opened(_decode_notice(body), None)
    it = _decode_sealed(body)
    if seals is None:
        raise NotOpened(f"{it.message_id}: there is no key service")
    try:
        sealing = await seals.opener(it.envelope, now_ms)
        entry = _decode_entry(sealing.open_encoded(it.message_id + _PLACE, it.sealed))
    except ServiceError as error:
        raise NotOpened(f"{it.message_id}: {error}") from error
    except (InvalidTag, ValueError) as error:
        raise NotOpened(f"{it.message_id}: its bytes were altered, or its key was") from error
    return Opened(StoredNotice(entry, it.message_id, it.published_ms, it.kind), sealing)


async def wait(engine: Engine, entry: Due, now_ms: int, error: NotOpened | None = None) -> int:
    """Put off the work of a due entry that came to a message which cannot be opened, or would again; return until when.

    All that waits is tried again at the same times: so entries of one deed become one.
    """
    if error is not None:
        _log.warning("a topic's message waits for its key: %s", error, extra={"kind": entry.kind})
    until_ms = now_ms - now_ms % WAIT_MS + WAIT_MS
    await engine.transact((entry.key[:PARTITION_BYTES],), put_off, StampedWait(entry, until_ms), grows=False)
    return until_ms

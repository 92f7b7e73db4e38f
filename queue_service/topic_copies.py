"""Copies: one published message in the words in which queues get it.

Copies of one kind differ in their ids and, where they are documents, in the link that ends the subscription. All else
is made once: the document around that link, digests, the check by SQS's rules. Knows neither topics' rows nor who
wants what.
"""

import asyncio
import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec

from cumulo.core.errors import ServiceError
from cumulo.queue_service import stamping
from cumulo.queue_service.message_model import SendEntry
from cumulo.queue_service.messages import Outgoing, OutgoingInGroup
from cumulo.queue_service.model import MESSAGE_SIZE_BYTES_MAX
from cumulo.queue_service.pulled_messages import pulled_message
from cumulo.queue_service.sealed_notices import notice_bytes
from cumulo.queue_service.sealing import Sealing, Written
from cumulo.queue_service.topic_envelopes import Notice, StoredNotice
from cumulo.queue_service.topic_model import PublishEntry, TopicPlace
from cumulo.queue_service.topic_routes import Route, Words
from cumulo.storage import records


class _Kind(msgspec.Struct, frozen=True, gc=False):
    """What copies have in common that are all raw, or none, and for FIFO queues, or none: the whole text, or a document
    up to the subscription's id in the link and from there on, with the digest's state in between.
    """

    written: Written
    encoded: bytes
    size_bytes: int
    group_id: str
    deduplication_id: str
    group: str
    tail: bytes
    digest: Any


class Copies:
    """The copies of one message. `published_ms` is the wall clock's time, `now_ms` the deadline clock's. One that is
    `replayed` is no duplicate of what a FIFO queue was sent before. `sealing` is the topic's, of copies that stay
    inside.
    """

    def __init__(
        self,
        topic: TopicPlace,
        notice: Notice,
        published: StoredNotice,
        now_ms: int,
        sealing: Sealing | None = None,
        *,
        replayed: bool = False,
    ) -> None:
        self._replayed = replayed
        self._topic = topic
        self.notice = notice
        self._published = published
        self._now_ms = now_ms
        self._sealing = sealing
        self._kinds: dict[Words, _Kind | None] = {}
        self._own: Outgoing | None = None
        self._pulled: Outgoing | None = None

    def own(self, index: int) -> Outgoing:
        """Return the message as it lies in a subscription's own queue; `index` is its place in a batch."""
        if self._own is None:
            self._own = kept(self._topic, self._published, 0, self._now_ms, self._sealing)
        return _at(index, self._own)

    def pulled(self, index: int) -> Outgoing:
        """Return the message as it lies in a native subscription's queue."""
        if self._pulled is None:
            self._pulled = pulled_message(self._topic, self._published, self._now_ms, self._sealing)
        return _at(index, self._pulled)

    def outgoing(self, route: Route, message_id: str, sealing: Sealing | None, index: int) -> Outgoing | None:
        """Return the message as a queue of SQS gets it under an id, at a place in a batch; None where SQS's rules
        forbid it.
        """
        try:
            kind = self._kinds[route.words]
        except KeyError:
            kind = self._kinds[route.words] = self._kind(route.words)
        if kind is None:
            return None
        written, size_bytes = kind.written, kind.size_bytes
        if kind.digest is not None:
            written = self._document(route, kind)
            size_bytes = len(written.body)
            if size_bytes > MESSAGE_SIZE_BYTES_MAX:
                return None
        account, sent_ms, now_ms = self._topic.account, self._published.published_ms, self._now_ms
        if sealing is None:
            record = stamping.stored_message(message_id, written, account, sent_ms, now_ms, None)
        else:
            encoded = kind.encoded if kind.digest is None else records.encode(written)
            sealed = sealing.seal_encoded(message_id, encoded)
            record = stamping.sealed_message(message_id, sealed, account, sent_ms, now_ms, sealing)
        if not kind.group_id:
            return Outgoing(index, records.encode(record), size_bytes)
        record = msgspec.structs.replace(record, group_id=kind.group_id, deduplication_id=kind.deduplication_id)
        in_group = None
        if route.words.fifo:
            deduplication_id = message_id if self._replayed else kind.deduplication_id
            in_group = OutgoingInGroup(message_id, kind.group_id, deduplication_id, by_content=False)
        return Outgoing(index, records.encode(record), size_bytes, None, in_group, group=kind.group)

    def _document(self, route: Route, kind: "_Kind") -> Written:
        """Return a subscriber's own document."""
        rest = route.subscriber.row.id.encode() + kind.tail
        digest = kind.digest.copy()
        digest.update(rest)
        return Written(kind.written.body + rest, (), kind.written.trace_header, digest.hexdigest())

    def _kind(self, words: Words) -> _Kind | None:
        """Make what copies of a kind have in common, and see whether SQS would take one."""
        entry = self._published.entry
        protocol, raw, fifo = words
        if raw:
            head, tail = self.notice.text(protocol), ""
        else:
            head, tail = self.notice.document_parts(protocol)
            head += self.notice.unsubscribe_url(f"{self._topic.arn}:")  # a subscription's id is all that is missing
        # A FIFO topic orders its messages itself; only a standard one hands on whose fair share they are.
        group_id = entry.group_id if fifo or not self._topic.fifo else None
        deduplication_id = deduplication_id_of(entry) if fifo else None
        attributes = entry.attributes if raw else ()
        sent = SendEntry(
            head.encode(),
            attributes,
            trace_header=entry.trace_header,
            group_id=group_id,
            deduplication_id=deduplication_id,
        )
        try:
            messages, (answer,), refused = stamping.stamp_entries(
                (sent,), bytes(stamping.SEED_BYTES), "", 0, 0, fifo=fifo
            )
        except ServiceError:
            return None
        if refused:
            return None
        written = Written(sent.body, attributes, sent.trace_header, answer.md5_of_body)
        return _Kind(
            written,
            records.encode(written),
            messages[0].size_bytes,
            group_id or "",
            deduplication_id or "",
            messages[0].group,
            tail.encode(),
            None if raw else hashlib.md5(sent.body, usedforsecurity=False),
        )


def _at(index: int, outgoing: Outgoing) -> Outgoing:
    """Return a message at its place in a batch."""
    return msgspec.structs.replace(outgoing, index=index) if index else outgoing


async def sign(several: Iterable[Copies]) -> None:
    """Make the signatures of documents, in a thread: each takes 0.3 ms, and leaves others alone for most of it."""
    notices = [copies.notice for copies in several]
    if notices:
        await asyncio.to_thread(_sign, notices)


def _sign(notices: list[Notice]) -> None:
    for notice in notices:
        notice.sign("sqs")


def kept(
    topic: TopicPlace, published: StoredNotice, index: int, now_ms: int, sealing: Sealing | None = None
) -> Outgoing:
    """Return a published message as it lies in a topic's own queues; `index` is its place in a batch."""
    in_group = None
    if topic.fifo:
        entry = published.entry
        deduplication_id, by_content = deduplication_id_of(entry), entry.deduplication_id is None
        in_group = OutgoingInGroup(published.message_id, entry.group_id or "", deduplication_id, by_content)
    return published.outgoing(index, now_ms, in_group, notice_bytes(published, sealing))


def deduplication_id_of(entry: PublishEntry) -> str:
    """Return a message's deduplication id, made of its body where it was given none."""
    return entry.deduplication_id or hashlib.sha256(entry.body.encode()).hexdigest()

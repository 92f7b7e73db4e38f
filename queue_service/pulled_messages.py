"""A published message as it lies in a native subscription's queue: an ordinary message, with the publisher's body and
attributes, which can be received, looked at and moved to a dead-letter queue as any other.
"""

import msgspec

from cumulo.queue_service.keys import StoredMessage
from cumulo.queue_service.message_model import MessageAttribute
from cumulo.queue_service.messages import Outgoing, OutgoingInGroup
from cumulo.queue_service.sealing import Sealing, Written
from cumulo.queue_service.topic_envelopes import StoredNotice
from cumulo.queue_service.topic_model import TopicPlace
from cumulo.storage import records

SUBJECT = "AWS.SNS.Subject"
"""The attribute that a message's subject becomes. No publisher can set it: names that begin with AWS are reserved."""


def pulled_message(place: TopicPlace, published: StoredNotice, now_ms: int, sealing: Sealing | None = None) -> Outgoing:
    """Return the message to send, sealed as the topic says.

    A FIFO topic has told duplicates already, in its outbox; the message's own id keeps its queue from doing so again,
    where a message that was kept comes a second time.
    """
    entry, message_id = published.entry, published.message_id
    attributes, group = entry.attributes, entry.group_id or ""
    if entry.subject:
        attributes = (*attributes, MessageAttribute(SUBJECT, "String", entry.subject.encode()))
    record = StoredMessage(
        message_id=message_id,
        sent_ms=published.published_ms,
        kept_from_ms=now_ms,
        attributes=attributes,
        body=entry.body.encode(),
        trace_header=entry.trace_header,
        group_id=group,
        deduplication_id=(entry.deduplication_id or message_id) if place.fifo else "",
    )
    if sealing is not None:
        written = Written(record.body, attributes, record.trace_header, "")
        record = msgspec.structs.replace(
            record,
            body=sealing.seal(message_id, written),
            attributes=(),
            trace_header="",
            envelope=sealing.envelope,
        )
    if place.fifo:
        in_group = OutgoingInGroup(message_id, group, message_id, by_content=False)
        return Outgoing(0, records.encode(record), 0, fifo=in_group)
    return Outgoing(0, records.encode(record), 0, group=group)

"""What a subscriber reads: SNS's JSON document around a message, or the message as it is.

The document, its order and its white space are AWS's. A signature is the same for all subscribers of a message, so it
is made once, and only where somebody gets it.
"""

import base64
import datetime as dt
import functools
import json
from collections.abc import Mapping
from typing import Protocol
from urllib.parse import quote

import msgspec

from cumulo.queue_service.keys import StoredMessage
from cumulo.queue_service.message_model import MessageAttributes
from cumulo.queue_service.messages import Outgoing, OutgoingInGroup
from cumulo.queue_service.topic_model import PublishEntry, TopicPlace
from cumulo.storage import records

NOTIFICATION = "Notification"
CONFIRMATION = "SubscriptionConfirmation"
FAREWELL = "UnsubscribeConfirmation"
_WORDS = {
    CONFIRMATION: "You have chosen to subscribe to the topic {topic}.\n"
    "To confirm the subscription, visit the SubscribeURL included in this message.",
    FAREWELL: "You have chosen to deactivate subscription {subscription}.\n"
    "To cancel this operation and restore the subscription, visit the SubscribeURL included in this message.",
}


class Signer(Protocol):
    """Signs messages in the server's name."""

    def sign(self, text: str, version: str) -> str:
        """Return the signature of a text in base64: of SHA-1 for version "1", of SHA-256 for "2"."""
        ...

    def certificate_path(self) -> str:
        """Return the path under which the certificate of the signatures is served."""
        ...


class Notice:
    """One published message, and the documents made of it.

    `base_url` is where this server is reached: certificate and unsubscribe links lead there. `sequence_number` is a
    FIFO topic's, which signs nothing. A message that is `replayed` says so.
    """

    def __init__(
        self,
        topic: TopicPlace,
        entry: PublishEntry,
        message_id: str,
        published_ms: int,
        sequence_number: str,
        signature_version: str,
        base_url: str,
        signer: Signer,
        *,
        replayed: bool = False,
    ) -> None:
        self._topic = topic
        self._entry = entry
        self._message_id = message_id
        self._published_ms = published_ms
        self._sequence_number = sequence_number
        self._version = signature_version
        self._base_url = base_url
        self._signer = signer
        self._replayed = replayed
        self._signatures: dict[str, str] = {}
        self._parts: dict[str, tuple[str, str]] = {}

    @functools.cached_property
    def _timestamp(self) -> str:
        return timestamp(self._published_ms)

    def text(self, protocol: str) -> str:
        """Return the message itself, as it is for a protocol."""
        return self._entry.by_protocol.get(protocol, self._entry.body)

    def document(self, protocol: str, subscription_arn: str) -> str:
        """Return the document for one subscriber."""
        head, tail = self.document_parts(protocol)
        return head + self.unsubscribe_url(subscription_arn) + tail

    def document_parts(self, protocol: str) -> tuple[str, str]:
        """Return what stands in every subscriber's document before the link that ends the subscription, and behind."""
        parts = self._parts.get(protocol)
        if parts is None:
            parts = self._parts[protocol] = self._made_parts(protocol)
        return parts

    def _made_parts(self, protocol: str) -> tuple[str, str]:
        entry, text = self._entry, self.text(protocol)
        fields: dict[str, object] = {"Type": NOTIFICATION, "MessageId": self._message_id}
        if self._sequence_number:
            fields["SequenceNumber"] = self._sequence_number
        fields["TopicArn"] = self._topic.arn
        if entry.subject:
            fields["Subject"] = entry.subject
        fields["Message"] = text
        fields["Timestamp"] = self._timestamp
        if self._replayed:
            fields["Replayed"] = True
        if not self._sequence_number:
            fields["SignatureVersion"] = self._version
            fields["Signature"] = self._signature(text)
            fields["SigningCertURL"] = self._certificate_url()
        head = written(fields).removesuffix("\n}") + ',\n  "UnsubscribeURL" : "'
        if not entry.attributes:
            return head, '"\n}'
        return head, '",\n' + written({"MessageAttributes": shown_attributes(entry.attributes)}).removeprefix("{\n")

    def sign(self, protocol: str) -> None:
        """Make the signature beforehand that documents for a protocol bear; may run in any thread."""
        if not self._sequence_number:
            self._signature(self.text(protocol))

    def asking(self, kind: str, subscription_arn: str, token: str) -> tuple[str, str, str]:
        """Return text, link and document of a message that asks an endpoint to confirm its subscription, or says that
        it has ended (`kind`).
        """
        text = _WORDS[kind].format(topic=self._topic.arn, subscription=subscription_arn)
        link = confirm_url(self._base_url, self._topic.arn, token)
        fields = {
            "Type": kind,
            "MessageId": self._message_id,
            "Token": token,
            "TopicArn": self._topic.arn,
            "Message": text,
            "SubscribeURL": link,
            "Timestamp": self._timestamp,
        }
        names = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
        signature = self._signer.sign(canonical({name: fields[name] for name in names}), self._version)
        signed = {"SignatureVersion": self._version, "Signature": signature}
        return text, link, written(fields | signed | {"SigningCertURL": self._certificate_url()})

    def unsubscribe_url(self, subscription_arn: str) -> str:
        """Return the link by which a subscription ends itself."""
        return unsubscribe_url(self._base_url, subscription_arn)

    def _certificate_url(self) -> str:
        return self._base_url + self._signer.certificate_path()

    def _signature(self, text: str) -> str:
        signature = self._signatures.get(text)
        if signature is None:
            signed = {"Message": text, "MessageId": self._message_id}
            if self._entry.subject:
                signed["Subject"] = self._entry.subject
            signed |= {"Timestamp": self._timestamp, "TopicArn": self._topic.arn, "Type": NOTIFICATION}
            signature = self._signatures[text] = self._signer.sign(canonical(signed), self._version)
        return signature


def canonical(fields: dict[str, str]) -> str:
    """Return what is signed of a document: names and values, each on a line of its own."""
    return "".join(f"{name}\n{value}\n" for name, value in fields.items())


def written(fields: Mapping[str, object]) -> str:
    """Return a document as SNS writes it."""
    return json.dumps(fields, indent=2, separators=(",", " : "), ensure_ascii=False)


def shown_attributes(attributes: MessageAttributes) -> dict[str, dict[str, str]]:
    """Return message attributes as a document shows them."""
    return {
        it.name: {
            "Type": it.data_type,
            "Value": base64.b64encode(it.value).decode() if it.binary else it.value.decode(),
        }
        for it in attributes
    }


def timestamp(wall_ms: int) -> str:
    """Return a time as SNS writes it: `2012-04-26T20:45:04.751Z`."""
    moment = dt.datetime.fromtimestamp(wall_ms / 1000, dt.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{wall_ms % 1000:03d}Z"


def confirm_url(base_url: str, topic_arn: str, token: str) -> str:
    """Return the link by which an endpoint confirms its subscription."""
    return f"{base_url}/?Action=ConfirmSubscription&TopicArn={quote(topic_arn, safe=':')}&Token={token}"


def unsubscribe_url(base_url: str, subscription_arn: str) -> str:
    """Return the link by which a subscription ends itself."""
    return f"{base_url}/?Action=Unsubscribe&SubscriptionArn={quote(subscription_arn, safe=':')}"


class StoredNotice(msgspec.Struct, frozen=True, array_like=True):
    """A message as it lies in an outbox: all that its documents need but what the queue itself knows."""

    entry: PublishEntry
    message_id: str
    published_ms: int
    kind: str = NOTIFICATION

    def outgoing(
        self, index: int, now_ms: int, in_group: OutgoingInGroup | None = None, sealed: bytes = b""
    ) -> Outgoing:
        """Return the message of a queue that holds this, or what was made of it (`sealed_notices`)."""
        body = sealed or msgspec.msgpack.encode(self)
        record = StoredMessage(message_id=self.message_id, sent_ms=self.published_ms, kept_from_ms=now_ms, body=body)
        if in_group is not None:
            record = msgspec.structs.replace(
                record, group_id=in_group.group_id, deduplication_id=in_group.deduplication_id
            )
        return Outgoing(index, records.encode(record), len(self.entry.body), 0, in_group)

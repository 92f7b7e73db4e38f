"""What a subscriber reads: SNS's JSON document around a message, or the message as it is.

The document, its order and its white space are AWS's. A signature is the same for all subscribers of a message, so it
is made once, and only where somebody gets it.
"""

import base64
import datetime as dt
import json
from typing import Protocol
from urllib.parse import quote

import msgspec

from cumulo.queue_service.model import MessageAttributes
from cumulo.queue_service.topic_model import PublishEntry, TopicPlace


class Signer(Protocol):
    """Signs messages in the server's name."""

    def sign(self, text: str, version: str) -> str:
        """Return the signature of a text in base64: of SHA-1 for version "1", of SHA-256 for "2"."""
        ...


class Notice:
    """One published message, and the documents made of it.

    `base_url` is where this server is reached: certificate and unsubscribe links lead there. `sequence_number` is a
    FIFO topic's, which signs nothing.
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
    ) -> None:
        self._topic = topic
        self._entry = entry
        self._message_id = message_id
        self._timestamp = timestamp(published_ms)
        self._sequence_number = sequence_number
        self._version = signature_version
        self._base_url = base_url
        self._signer = signer
        self._signatures: dict[str, str] = {}

    def text(self, protocol: str) -> str:
        """Return the message itself, as it is for a protocol."""
        return self._entry.by_protocol.get(protocol, self._entry.body)

    def document(self, protocol: str, subscription_arn: str) -> str:
        """Return the document for one subscriber."""
        entry, text = self._entry, self.text(protocol)
        fields: dict[str, object] = {"Type": "Notification", "MessageId": self._message_id}
        if self._sequence_number:
            fields["SequenceNumber"] = self._sequence_number
        fields["TopicArn"] = self._topic.arn
        if entry.subject:
            fields["Subject"] = entry.subject
        fields["Message"] = text
        fields["Timestamp"] = self._timestamp
        if not self._sequence_number:
            fields["SignatureVersion"] = self._version
            fields["Signature"] = self._signature(text)
            fields["SigningCertURL"] = certificate_url(self._base_url)
        fields["UnsubscribeURL"] = unsubscribe_url(self._base_url, subscription_arn)
        if entry.attributes:
            fields["MessageAttributes"] = shown_attributes(entry.attributes)
        return written(fields)

    def _signature(self, text: str) -> str:
        signature = self._signatures.get(text)
        if signature is None:
            signed = {"Message": text, "MessageId": self._message_id}
            if self._entry.subject:
                signed["Subject"] = self._entry.subject
            signed |= {"Timestamp": self._timestamp, "TopicArn": self._topic.arn, "Type": "Notification"}
            signature = self._signatures[text] = self._signer.sign(canonical(signed), self._version)
        return signature


def canonical(fields: dict[str, str]) -> str:
    """Return what is signed of a document: names and values, each on a line of its own."""
    return "".join(f"{name}\n{value}\n" for name, value in fields.items())


def written(fields: dict[str, object]) -> str:
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


CERTIFICATE_PATH = "/_cumulo/sns/SimpleNotificationService.pem"


def certificate_url(base_url: str) -> str:
    """Return where the certificate of the signatures is to be had."""
    return base_url + CERTIFICATE_PATH


def unsubscribe_url(base_url: str, subscription_arn: str) -> str:
    """Return the link by which a subscription ends itself."""
    return f"{base_url}/?Action=Unsubscribe&SubscriptionArn={quote(subscription_arn, safe=':')}"


class StoredNotice(msgspec.Struct, frozen=True, array_like=True):
    """A message as it lies in an outbox: all that its documents need but what the queue itself knows."""

    entry: PublishEntry
    message_id: str
    published_ms: int
    request_account: str = ""

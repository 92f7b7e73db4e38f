"""How large the messages of a topic may be, and who may subscribe to one of large messages.

Owns the attribute `MaximumMessageSize`. Sources: Amazon SNS API reference, SetTopicAttributes; SNS developer guide,
"Large message payloads": above 256 KiB a topic has at most 100 subscriptions, all of them of queues (or of Lambda and
Firehose, which are not offered). A native subscription is a queue, too, and so is that of a job.
"""

import re
from collections.abc import Iterable, Mapping

from cumulo.core.errors import ServiceError
from cumulo.queue_service import message_attributes
from cumulo.queue_service.topic_errors import INVALID_PARAMETER, MESSAGE_TOO_LONG
from cumulo.queue_service.topic_keys import NAMED, SQS, decode_subscription, subscriptions_prefix
from cumulo.queue_service.topic_model import MESSAGE_BYTES_DEFAULT, MESSAGE_BYTES_MAX, MESSAGE_BYTES_MIN, Publish
from cumulo.storage.engine import ReadTxn

MAXIMUM_MESSAGE_SIZE = "MaximumMessageSize"
LARGE_SUBSCRIPTIONS_MAX = 100
"""Of a topic whose messages may be larger than the default."""
_OF_LARGE = (SQS, *NAMED)
_ABOVE = f"{MAXIMUM_MESSAGE_SIZE} Reason: above {MESSAGE_BYTES_DEFAULT} bytes a topic"
_NUMBER = re.compile(r"[0-9]{1,7}")


def limit_of(attributes: Mapping[str, str]) -> int:
    """Return how many bytes a message of a topic with these attributes may have, with its own attributes."""
    return int(attributes.get(MAXIMUM_MESSAGE_SIZE) or MESSAGE_BYTES_DEFAULT)


def check_messages(request: Publish, bytes_max: int) -> None:
    """Raise where the messages of a publish are larger than their topic allows."""
    if request.bytes_together:
        if request.bytes_together > bytes_max:
            raise MESSAGE_TOO_LONG.error()
        return
    for index, entry in enumerate(request.entries):
        body = entry.body
        size_bytes = len(body) if body.isascii() else len(body.encode())
        if entry.attributes:
            size_bytes += message_attributes.size_bytes(entry.attributes)
        if size_bytes > bytes_max:
            alone = len(request.entries) == 1
            raise MESSAGE_TOO_LONG.error() if alone else _wrong(f"entries[{index}] Reason: Message too long")


def check_value(value: str) -> None:
    """Raise where the attribute may not have this value."""
    if not _NUMBER.fullmatch(value) or not MESSAGE_BYTES_MIN <= int(value) <= MESSAGE_BYTES_MAX:
        allowed = f"Must be an integer from {MESSAGE_BYTES_MIN} to {MESSAGE_BYTES_MAX}."
        raise _wrong(f"{MAXIMUM_MESSAGE_SIZE} Reason: Invalid value [{value[:80]}]. {allowed}")


def refusal(attributes: Mapping[str, str], protocols: Iterable[str], count: int) -> str:
    """Return why a topic with these attributes may not have `count` subscriptions, those of `protocols` among them; an
    empty text where it may.
    """
    if limit_of(attributes) <= MESSAGE_BYTES_DEFAULT:
        return ""
    for protocol in protocols:
        if protocol not in _OF_LARGE:
            return f"{_ABOVE} has no subscription of protocol {protocol}"
    return f"{_ABOVE} has at most {LARGE_SUBSCRIPTIONS_MAX} subscriptions" if count > LARGE_SUBSCRIPTIONS_MAX else ""


def check_subscriber(attributes: Mapping[str, str], protocol: str, count: int) -> None:
    """Raise where a topic with these attributes and `count` subscriptions may not have one more, of this protocol."""
    if reason := refusal(attributes, (protocol,), count + 1):
        raise _wrong(reason)


def check_subscribers(txn: ReadTxn, partition: bytes, attributes: Mapping[str, str]) -> None:
    """Raise where a topic that is to have these attributes has subscriptions that it could not have then."""
    if limit_of(attributes) <= MESSAGE_BYTES_DEFAULT:
        return
    prefix = subscriptions_prefix(partition)
    rows = txn.range(prefix, prefix + b"\xff" * 9, LARGE_SUBSCRIPTIONS_MAX + 1)
    if reason := refusal(attributes, (decode_subscription(value).protocol for _, value in rows), len(rows)):
        raise _wrong(reason)


def _wrong(text: str) -> ServiceError:
    return INVALID_PARAMETER.error(text=text)

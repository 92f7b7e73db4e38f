"""Messages on AWS's wire: bodies, attributes and what a receiver wants to see of them.

Owns AWS's validation of what is sent and the selection of what is received. The conversions run for every message:
they take as few Python operations as they can.
"""

import functools
import hashlib
import re
from collections.abc import Mapping
from typing import Any

from cumulo.core.errors import ServiceError
from cumulo.core.lazy import LazyModule
from cumulo.queue_service import message_attributes, message_model, model
from cumulo.queue_service.edge_aws_errors import (
    INVALID_ATTRIBUTE_NAME,
    INVALID_MESSAGE_CONTENTS,
    MISSING_REQUIRED_PARAMETER,
    UNSUPPORTED_OPERATION,
    invalid_parameters,
    invalid_value,
)

aws_sqs: Any = LazyModule("cumulo.queue_service.aws_sqs")

SELECTION_CHARACTERS_REMEMBERED_MAX = 4_096
"""Names of message attributes that a receiver chooses; what he asks for beyond that is made anew each time."""
TRACE_HEADER = "AWSTraceHeader"
_CONTROLS = bytes(set(range(0x20)) - set(b"\t\n\r"))
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NOT_CHARACTERS = (b"\xef\xbf\xbe", b"\xef\xbf\xbf")
_FIFO_ID = re.compile(rf"[!-~]{{1,{message_model.FIFO_ID_CHARACTERS_MAX}}}")
_ATTRIBUTE_NAME = re.compile(r"[\w.-]+")
_BODY = "message body"
_TYPES = ("String", "Number", "Binary")
_SYSTEM_ATTRIBUTES = (
    "SenderId",
    "SentTimestamp",
    "ApproximateReceiveCount",
    "ApproximateFirstReceiveTimestamp",
    "DeadLetterQueueSourceArn",
    TRACE_HEADER,
)
_SYSTEM_ATTRIBUTES_OF_FIFO = ("SequenceNumber", "MessageDeduplicationId", "MessageGroupId")
_SELECTABLE = frozenset(
    (
        "All",
        *_SYSTEM_ATTRIBUTES,
        *_SYSTEM_ATTRIBUTES_OF_FIFO,
        # The names of queue attributes are taken where message attributes are meant, and bring nothing.
        "Policy",
        "VisibilityTimeout",
        "MaximumMessageSize",
        "MessageRetentionPeriod",
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "CreatedTimestamp",
        "LastModifiedTimestamp",
        "QueueArn",
        "ApproximateNumberOfMessagesDelayed",
        "DelaySeconds",
        "ReceiveMessageWaitTimeSeconds",
        "RedrivePolicy",
        "FifoQueue",
        "ContentBasedDeduplication",
        "KmsMasterKeyId",
        "KmsDataKeyReusePeriodSeconds",
        "DeduplicationScope",
        "FifoThroughputLimit",
        "RedriveAllowPolicy",
        "SqsManagedSseEnabled",
    )
)


def entry_of(sent: Any, trace_header: str, *, fifo: bool) -> message_model.SendEntry:
    """Return one message to send, of a `SendMessageRequest` or a batch's entry; raises AWS's refusals."""
    text = sent.MessageBody
    if not text:
        raise MISSING_REQUIRED_PARAMETER.error(parameter="MessageBody")
    body = _encoded(text, _BODY)
    delay_s = sent.DelaySeconds
    if delay_s is not None and not 0 <= delay_s <= model.DELAY_S_MAX:
        raise invalid_value("DelaySeconds", delay_s, f"DelaySeconds must be >= 0 and <= {model.DELAY_S_MAX}.")
    group_id, deduplication_id = sent.MessageGroupId, sent.MessageDeduplicationId
    if group_id is not None or deduplication_id is not None:
        check_id("MessageGroupId", group_id)
        check_id("MessageDeduplicationId", deduplication_id)
        if deduplication_id is not None and not fifo:
            reason = "The request includes a parameter that is not valid for this queue type."
            raise invalid_value("MessageDeduplicationId", deduplication_id, reason)
    attributes, system = sent.MessageAttributes, sent.MessageSystemAttributes
    return message_model.SendEntry(
        body,
        _attributes(attributes) if attributes else (),
        delay_s,
        _trace_header(system) if system else trace_header,
        group_id,
        deduplication_id,
    )


def check_id(parameter: str, value: str | None) -> None:
    """Raise AWS's refusal of a group id, a deduplication id or an attempt id that is given and breaks the rule."""
    if value is not None and not _FIFO_ID.fullmatch(value):
        reason = f"{parameter} can only include alphanumeric and punctuation characters. 1 to 128 in length."
        raise invalid_value(parameter, value, reason)


def size_bytes(entry: message_model.SendEntry) -> int:
    """Return what SQS counts of a message."""
    return len(entry.body) + message_attributes.size_bytes(entry.attributes)


def md5_of_system_attributes(sent: Any) -> str | None:
    """Return the MD5 of the system attributes that came with a message, None where there were none."""
    system = sent.MessageSystemAttributes
    if not system:
        return None
    value = system[TRACE_HEADER]
    return message_attributes.md5(
        (message_model.MessageAttribute(TRACE_HEADER, value.DataType, value.StringValue.encode()),)
    )


class Selection:
    """What a receiver wants to see beside the bodies; made once per set of names."""

    __slots__ = ("_names", "_prefixes", "_system", "all")

    def __init__(self, system: frozenset[str], names: frozenset[str]) -> None:
        self._system = frozenset((*_SYSTEM_ATTRIBUTES, *_SYSTEM_ATTRIBUTES_OF_FIFO)) if "All" in system else system
        self.all = not names.isdisjoint(("All", ".*", "*"))
        self._names = names
        self._prefixes = tuple(name[:-2] for name in names if name.endswith(".*"))

    def to_wire(self, it: message_model.Message) -> Any:
        """Return a message as this receiver gets it."""
        body, md5_of_body = it.body, it.md5_of_body
        if _is_text(body):
            text = body.decode()
        else:
            # Sent over an edge that takes bytes. XML and JSON cannot carry them as they are.
            text = _FORBIDDEN.sub("\ufffd", body.decode(errors="replace"))
            md5_of_body = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
        attributes = self._selected(it.attributes) if it.attributes and (self.all or self._names) else ()
        return aws_sqs.Message(
            MessageId=it.message_id,
            ReceiptHandle=it.receipt_handle,
            MD5OfBody=md5_of_body,
            Body=text,
            Attributes=self._system_attributes(it) or None if self._system else None,
            MD5OfMessageAttributes=message_attributes.md5(attributes) if attributes else None,
            MessageAttributes={one.name: _attribute_to_wire(one) for one in attributes} if attributes else None,
        )

    def _selected(self, attributes: message_model.MessageAttributes) -> message_model.MessageAttributes:
        if self.all:
            return attributes
        return tuple(it for it in attributes if it.name in self._names or it.name.startswith(self._prefixes))

    def _system_attributes(self, it: message_model.Message) -> dict[str, str]:
        shown = {
            "SenderId": it.sender_id,
            "SentTimestamp": str(it.sent_ms),
            "ApproximateReceiveCount": str(it.receive_count),
            "ApproximateFirstReceiveTimestamp": str(it.first_received_ms),
            "DeadLetterQueueSourceArn": it.dead_letter_source_arn,
            TRACE_HEADER: it.trace_header,
            "MessageGroupId": it.group_id,
        }
        if it.sequence_number:
            shown["SequenceNumber"] = it.sequence_number
            shown["MessageDeduplicationId"] = it.deduplication_id
        return {name: text for name, text in shown.items() if text and name in self._system}


def selection_of(request: Any) -> Selection:
    """Return what a `ReceiveMessageRequest` wants to see; raises AWS's `InvalidAttributeName`."""
    system = frozenset((*(request.AttributeNames or ()), *(request.MessageSystemAttributeNames or ())))
    names = frozenset(request.MessageAttributeNames or ())
    if sum(map(len, names)) > SELECTION_CHARACTERS_REMEMBERED_MAX:
        return _selection.__wrapped__(system, names)
    return _selection(system, names)


@functools.lru_cache(maxsize=256)
def _selection(system: frozenset[str], names: frozenset[str]) -> Selection:
    for name in system - _SELECTABLE:
        raise INVALID_ATTRIBUTE_NAME.error(reason=f"Unknown Attribute {name}.")
    return Selection(system, names)


def _is_text(encoded: bytes) -> bool:
    """Say whether bytes are a text that SQS takes: an ASCII body of 1 KiB takes a microsecond."""
    if len(encoded.translate(None, _CONTROLS)) != len(encoded):
        return False
    if encoded.isascii():
        return True
    try:
        encoded.decode()
    except UnicodeDecodeError:
        return False
    return not any(it in encoded for it in _NOT_CHARACTERS)


def _encoded(text: str, where: str) -> bytes:
    """Return a text in UTF-8; raises AWS's `InvalidMessageContents`, and for an attribute `InvalidParameterValue`."""
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        encoded = _CONTROLS
    if not _is_text(encoded):
        found = _FORBIDDEN.search(text)
        assert found is not None
        refused = INVALID_MESSAGE_CONTENTS.error(code=ord(found.group()), where=where)
        raise refused if where == _BODY else invalid_parameters(refused.message)
    return encoded


def _attributes(written: Mapping[str, Any]) -> message_model.MessageAttributes:
    """Return message attributes in the order of their names."""
    if len(written) > message_model.MESSAGE_ATTRIBUTES_MAX:
        raise invalid_parameters(
            f"Number of message attributes [{len(written)}] exceeds the allowed maximum"
            f" [{message_model.MESSAGE_ATTRIBUTES_MAX}]."
        )
    return tuple(_attribute(name, written[name]) for name in sorted(written))


def _attribute(name: str, value: Any) -> message_model.MessageAttribute:
    _check_name(name)
    data_type = value.DataType
    kind = data_type.partition(".")[0]
    if len(data_type) > message_model.ATTRIBUTE_TYPE_CHARACTERS_MAX:
        raise invalid_parameters("Message (user) attribute types must be shorter than 256 Bytes")
    if kind not in _TYPES:
        raise invalid_parameters(
            f"The type of message (user) attribute '{name}' is invalid. You must use only the following supported type"
            " prefixes: Binary, Number, String."
        )
    if value.StringListValues or value.BinaryListValues:
        raise UNSUPPORTED_OPERATION.error(what="A list of values in a message attribute")
    binary = kind == "Binary"
    content, other = value.BinaryValue, value.StringValue
    if not binary:
        content, other = other, content
    if other:
        reason = f"with type '{data_type}' must use field '{'Binary' if binary else 'String'}'"
        raise invalid_parameters(
            f"Message (user) attribute '{name}' {'must have a single value' if content else reason}."
        )
    if not content:
        raise invalid_parameters(
            f"Message (user) attribute '{name}' must contain a non-empty value of type"
            f" '{'Binary' if binary else 'String'}'."
        )
    attribute = message_model.MessageAttribute(
        name, data_type, content if binary else _encoded(content, f"message (user) attribute '{name}'"), binary
    )
    if kind == "Number":
        try:
            message_attributes.check((attribute,))
        except ServiceError as error:
            raise invalid_parameters(
                f"Can't cast the value of message (user) attribute '{name}' to a number."
            ) from error
    return attribute


def _check_name(name: str) -> None:
    if len(name) > message_model.ATTRIBUTE_NAME_CHARACTERS_MAX:
        raise invalid_parameters("Message (user) attribute names must be shorter than 256 Bytes")
    if not _ATTRIBUTE_NAME.fullmatch(name):
        raise invalid_parameters(
            f"The message (user) attribute name '{name}' is invalid. Attribute name can contain A-Z, a-z, 0-9,"
            " underscore (_), hyphen (-), and period (.) characters."
        )
    if name.lower().startswith(("aws.", "amazon.", ".")) or name.endswith(".") or ".." in name:
        raise invalid_parameters(
            "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings are reserved for"
            " internal use. Additionally, they cannot start or end with '.'."
        )


def _trace_header(system: Mapping[str, Any]) -> str:
    for name in system:
        if name != TRACE_HEADER:
            raise invalid_parameters(
                f"Message system attribute name '{name}' is invalid. You can use only {TRACE_HEADER}."
            )
    value = system[TRACE_HEADER]
    if value.DataType != "String" or not value.StringValue:
        raise invalid_parameters(
            f"Message system attribute '{TRACE_HEADER}' must contain a non-empty value of type 'String'."
        )
    _encoded(value.StringValue, f"message system attribute '{TRACE_HEADER}'")
    text: str = value.StringValue
    return text


def _attribute_to_wire(it: message_model.MessageAttribute) -> Any:
    if it.binary:
        return aws_sqs.MessageAttributeValue(DataType=it.data_type, BinaryValue=it.value)
    return aws_sqs.MessageAttributeValue(DataType=it.data_type, StringValue=it.value.decode())

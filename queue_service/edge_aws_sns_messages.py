"""Messages of SNS's wire shapes: checked in SNS's words, and made entries of the model.

Source: Amazon SNS API reference, Publish; SNS developer guide, "Amazon SNS message attributes".
"""

import json
import re
from typing import Any, Final

from cumulo.queue_service.message_attributes import is_number, size_bytes
from cumulo.queue_service.message_model import MessageAttribute, MessageAttributes
from cumulo.queue_service.model import FIFO_SUFFIX
from cumulo.queue_service.topic_attributes import wrong
from cumulo.queue_service.topic_errors import PARAMETER_VALUE_INVALID, VALIDATION_ERROR
from cumulo.queue_service.topic_model import SUBJECT_CHARACTERS_MAX, PublishEntry

_NAME_CHARACTERS_MAX: Final = 256
_NAME = re.compile(r"[A-Za-z0-9_.-]+")
_TYPE = re.compile(r"(String|Number|Binary)(\..+)?")
_ID = re.compile(r"[!-~]{1,128}")
_JSON: Final = "json"


def entry_of(it: Any, topic: str, position: int = 0, trace_header: str = "") -> PublishEntry:
    """Return the message of a Publish, or of the entry at `position` of a batch; raises SNS's refusals.

    `trace_header` is what the caller's X-Ray says.
    """
    if it.Subject is not None and not 0 < len(it.Subject) <= SUBJECT_CHARACTERS_MAX:
        raise wrong("Subject")
    if it.Subject is not None and (not it.Subject.isprintable() or it.Subject[0].isspace()):
        raise wrong("Subject")
    if not it.Message:
        raise wrong("Empty message")
    attributes = _attributes(it.MessageAttributes or {}, position)
    body, by_protocol = it.Message, {}
    if it.MessageStructure == _JSON:
        by_protocol = _by_protocol(it.Message)
        body = by_protocol["default"]
    elif it.MessageStructure:
        raise wrong("MessageStructure")
    fifo = topic.endswith(FIFO_SUFFIX)
    if fifo and not it.MessageGroupId:
        raise wrong("The MessageGroupId parameter is required for FIFO topics")
    if not fifo and it.MessageDeduplicationId:
        raise wrong(
            "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for"
            " this topic type"
        )
    for name, value in (("MessageGroupId", it.MessageGroupId), ("MessageDeduplicationId", it.MessageDeduplicationId)):
        if value and not _ID.fullmatch(value):
            raise wrong(
                f"{name} Reason: it can only include alphanumeric and punctuation characters, 1 to 128 in length"
            )
    return PublishEntry(
        body=body,
        subject=it.Subject or "",
        by_protocol=by_protocol,
        attributes=attributes,
        group_id=it.MessageGroupId or None,
        deduplication_id=it.MessageDeduplicationId or None,
        trace_header=trace_header,
    )


def bytes_of(it: Any, entry: PublishEntry) -> int:
    """Return what a message counts against its topic's limit: all that was given as its text, and its attributes."""
    return len(it.Message.encode()) + size_bytes(entry.attributes)


def _by_protocol(message: str) -> dict[str, str]:
    try:
        texts = json.loads(message)
    except (ValueError, RecursionError) as error:
        raise wrong("Message Structure - JSON message body failed to parse") from error
    found = {name: text for name, text in texts.items() if isinstance(text, str)} if isinstance(texts, dict) else {}
    if "default" not in found:
        raise wrong("Message Structure - No default entry in JSON message body")
    return found


def _attributes(given: dict[str, Any], position: int) -> MessageAttributes:
    return tuple(_attribute(name, given[name], position) for name in sorted(given))


def _attribute(name: str, it: Any, position: int) -> MessageAttribute:
    _check_name(name)
    data_type = it.DataType
    if data_type is None:
        entry = f"publishBatchRequestEntries.{position}.member." if position else ""
        where = f"{entry}messageAttributes.{name}.member.dataType"
        raise VALIDATION_ERROR.error(parameter=where)
    match = _TYPE.fullmatch(data_type)
    if match is None:
        raise _invalid(
            f"The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes"
            " is Binary, Number, and String."
        )
    if it.StringValue is None and it.BinaryValue is None:
        raise _invalid(
            f"The message attribute '{name}' must contain non-empty message attribute value for message attribute type"
            f" '{data_type}'."
        )
    binary = match[1] == "Binary"
    if (it.BinaryValue if binary else it.StringValue) is None:
        field = "Binary" if binary else "String"
        raise _invalid(f"The message attribute '{name}' with type '{data_type}' must use field '{field}'.")
    value = it.BinaryValue if binary else it.StringValue.encode()
    if not value:
        raise _invalid(
            f"The message attribute '{name}' must contain non-empty message attribute value for message attribute type"
            f" '{data_type}'."
        )
    if match[1] == "Number" and not is_number(it.StringValue):
        raise _invalid(f"Could not cast message attribute '{name}' value to number.")
    return MessageAttribute(name, data_type, value, binary)


def _check_name(name: str) -> None:
    if len(name) > _NAME_CHARACTERS_MAX:
        raise _invalid("Length of message attribute name must be less than 256 bytes.")
    if name.startswith("."):
        raise _invalid("Invalid message attribute name starting with character '.' was found.")
    if name.endswith("."):
        raise _invalid("Invalid message attribute name ending with character '.' was found.")
    if ".." in name:
        raise _invalid("Message attribute name can not have successive '.' character.")
    if not _NAME.fullmatch(name):
        foreign = next((character for character in name if not _NAME.fullmatch(character)), " ")
        raise _invalid(
            f"Invalid non-alphanumeric character '#x{ord(foreign):X}' was found in the message attribute name. Can only"
            " include alphanumeric characters, hyphens, underscores, or dots."
        )


def _invalid(text: str) -> Exception:
    return PARAMETER_VALUE_INVALID.error(text=text)

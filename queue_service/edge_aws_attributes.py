"""Queue attributes on AWS's wire: texts by name <-> the room's attributes.

Owns AWS's names, their validation, and what `All` answers. Values are decimal numbers or JSON texts; policies are shown
in the words in which they were written. Source: SQS API reference, SetQueueAttributes and GetQueueAttributes.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from cumulo.core.errors import ServiceError
from cumulo.core.names import parse_arn
from cumulo.identity.policy import MalformedPolicy
from cumulo.identity.policy.strict_json import parse_json, unique_members
from cumulo.queue_service import model
from cumulo.queue_service.edge_aws_errors import (
    ATTRIBUTE_NAMES,
    INVALID_ATTRIBUTE_NAME,
    MISSING_REQUIRED_PARAMETER,
    invalid_attribute,
    invalid_parameters,
    invalid_value,
    shown,
)
from cumulo.queue_service.queue_attributes import ONE_ENCRYPTION

_NUMBERS = {
    "VisibilityTimeout": ("visibility_timeout_s", 0, model.VISIBILITY_TIMEOUT_S_MAX),
    "DelaySeconds": ("delay_s", 0, model.DELAY_S_MAX),
    "MessageRetentionPeriod": (
        "message_retention_s",
        model.MESSAGE_RETENTION_S_MIN,
        model.MESSAGE_RETENTION_S_MAX,
    ),
    "MaximumMessageSize": (
        "maximum_message_size_bytes",
        model.MESSAGE_SIZE_BYTES_MIN,
        model.MESSAGE_SIZE_BYTES_MAX,
    ),
    "ReceiveMessageWaitTimeSeconds": ("receive_wait_s", 0, model.RECEIVE_WAIT_S_MAX),
    "KmsDataKeyReusePeriodSeconds": (
        "kms_data_key_reuse_s",
        model.KMS_DATA_KEY_REUSE_S_MIN,
        model.KMS_DATA_KEY_REUSE_S_MAX,
    ),
}
"""AWS's name -> the room's, lowest, highest."""
_TEXTS = {"Policy": "policy", "RedriveAllowPolicy": "redrive_allow_policy", "KmsMasterKeyId": "kms_master_key_id"}
"""AWS's name -> the room's."""
_FIFO = {
    "ContentBasedDeduplication": ("content_based_deduplication", ()),
    "DeduplicationScope": ("deduplication_scope", model.DEDUPLICATION_SCOPES),
    "FifoThroughputLimit": ("fifo_throughput_limit", model.FIFO_THROUGHPUT_LIMITS),
}
"""AWS's name -> the room's, and the words that are taken; true or false where there are none."""
_DEAD_LETTER_MEMBERS = ("maxReceiveCount", "deadLetterTargetArn")
"""In the order in which SQS misses them."""
TAG_KEYS_LENGTH = "Tag keys must be between 1 and 128 characters in length."
_BOOLEANS = {"true": True, "false": False}


def _reuse_period(queue: model.Queue) -> str:
    """Return the period where it means something, or was set: Terraform expects it back in both cases."""
    seconds = queue.kms_data_key_reuse_s
    return str(seconds) if queue.kms_master_key_id or seconds != model.KMS_DATA_KEY_REUSE_S else ""


_NAMES_SHOWN: dict[str, Callable[[model.Queue], str]] = {
    "VisibilityTimeout": lambda it: str(it.visibility_timeout_s),
    "MaximumMessageSize": lambda it: str(it.maximum_message_size_bytes),
    "MessageRetentionPeriod": lambda it: str(it.message_retention_s),
    "DelaySeconds": lambda it: str(it.delay_s),
    "ReceiveMessageWaitTimeSeconds": lambda it: str(it.receive_wait_s),
    "ApproximateNumberOfMessages": lambda it: str(it.message_count),
    "ApproximateNumberOfMessagesNotVisible": lambda it: str(it.in_flight_count),
    "ApproximateNumberOfMessagesDelayed": lambda it: str(it.delayed_count),
    "CreatedTimestamp": lambda it: str(it.create_ms // 1000),
    "LastModifiedTimestamp": lambda it: str(it.update_ms // 1000),
    "QueueArn": lambda it: it.arn,
    "SqsManagedSseEnabled": lambda it: str(it.managed_sse_enabled).lower(),
    "KmsMasterKeyId": lambda it: it.kms_master_key_id,
    "KmsDataKeyReusePeriodSeconds": _reuse_period,
    "Policy": lambda it: it.policy,
    "RedrivePolicy": lambda it: it.dead_letter_text or _redrive_policy(it),
    "RedriveAllowPolicy": lambda it: it.redrive_allow_policy,
    "FifoQueue": lambda it: "true" if it.fifo else "",
    "ContentBasedDeduplication": lambda it: str(it.content_based_deduplication).lower() if it.fifo else "",
    "DeduplicationScope": lambda it: it.deduplication_scope,
    "FifoThroughputLimit": lambda it: it.fifo_throughput_limit,
}
_NAMES = frozenset((*_NAMES_SHOWN, "All"))


def from_wire(written: Mapping[str, str], *, fifo: bool, creating: bool = False) -> model.QueueAttributes:
    """Return what a caller wrote; raises AWS's `InvalidAttributeName` and `InvalidAttributeValue`.

    `fifo` is the kind of the queue, which is made where `creating`.
    """
    given: dict[str, Any] = {}
    for name, value in written.items():
        if name in _NUMBERS:
            field, lowest, highest = _NUMBERS[name]
            given[field] = _number(name, value, lowest, highest)
        elif name in _TEXTS:
            given[_TEXTS[name]] = value
        elif name == "RedrivePolicy":
            given["dead_letter_policy"] = _dead_letter_policy(value)
        elif name == "SqsManagedSseEnabled":
            given["managed_sse_enabled"] = _boolean(name, value)
        elif fifo and name in _FIFO:
            field, words = _FIFO[name]
            given[field] = _word(name, value, words) if words else _boolean(name, value)
        elif fifo and name == "FifoQueue":
            if not _boolean(name, value):
                raise invalid_attribute(name, "Modifying queue type is not supported.")
        else:
            raise _unknown(name, value, creating=creating)
    if given.get("managed_sse_enabled") and given.get("kms_master_key_id"):
        raise INVALID_ATTRIBUTE_NAME.error(reason=f"{ONE_ENCRYPTION}.")
    return model.QueueAttributes(**given)


def to_wire(queue: model.Queue, names: list[str]) -> dict[str, str]:
    """Return the attributes that a caller asked for; those that a queue does not have are left out, as in AWS."""
    for name in names:
        if name not in _NAMES:
            raise INVALID_ATTRIBUTE_NAME.error(reason=f"Unknown Attribute {name}.")
    wanted = _NAMES_SHOWN if "All" in names else dict.fromkeys(names)
    texts = {name: _NAMES_SHOWN[name](queue) for name in wanted if name in _NAMES_SHOWN}
    return {name: text for name, text in texts.items() if text}


def check_tags(tags: Mapping[str, str]) -> None:
    """Raise AWS's refusal of tags that the room would refuse in other words."""
    if not tags:
        raise MISSING_REQUIRED_PARAMETER.error(parameter="Tags")
    for key, value in tags.items():
        if not 0 < len(key) <= model.TAG_KEY_CHARACTERS_MAX:
            raise invalid_parameters(TAG_KEYS_LENGTH)
        if len(value) > model.TAG_VALUE_CHARACTERS_MAX:
            raise invalid_parameters("Tag values must be between 0 and 256 characters in length.")


def _number(name: str, text: str, lowest: int, highest: int) -> int:
    if not _is_number(text, lowest, highest):
        raise invalid_attribute(name)
    return int(text)


def _is_number(text: str, lowest: int, highest: int) -> bool:
    # Ten digits: more than any limit, less than int() would take long for, or refuse.
    return text.isascii() and text.isdigit() and len(text) <= 10 and lowest <= int(text) <= highest


def _boolean(name: str, text: str) -> bool:
    if text.lower() not in _BOOLEANS:
        raise invalid_attribute(name)
    return _BOOLEANS[text.lower()]


def _word(name: str, text: str, words: tuple[str, ...]) -> str:
    if text not in words:
        raise invalid_attribute(name)
    return text


def _dead_letter_policy(text: str) -> model.DeadLetterPolicy:
    if not text:
        return model.DeadLetterPolicy("", 0)
    try:
        unique_members(parse_json(text), "", "")  # a member that stands twice would be read in two ways
        policy = msgspec.json.decode(text, type=dict[str, Any])
    except (MalformedPolicy, msgspec.DecodeError, RecursionError) as error:
        raise invalid_attribute("RedrivePolicy", "Redrive policy is not a valid JSON map.") from error
    for name in _DEAD_LETTER_MEMBERS:
        if name not in policy:
            raise invalid_value("RedrivePolicy", text, f"Redrive policy does not contain mandatory attribute: {name}.")
    if len(policy) > len(_DEAD_LETTER_MEMBERS):
        supported = ", ".join(_DEAD_LETTER_MEMBERS)
        raise invalid_value("RedrivePolicy", text, f"Only following attributes are supported: [{supported}].")
    target, count = policy["deadLetterTargetArn"], str(policy["maxReceiveCount"])
    if not _is_number(count, 1, model.MAX_RECEIVE_COUNT_MAX):
        raise invalid_value(
            "RedrivePolicy",
            text,
            f"Invalid value for maxReceiveCount: {shown(count)}, valid values are from 1 to 1000 both inclusive.",
        )
    if not isinstance(target, str):
        raise invalid_value("RedrivePolicy", text, "Invalid value for deadLetterTargetArn.")
    arn = parse_arn(target)
    if arn is None or arn.service != "sqs":
        raise invalid_value("RedrivePolicy", text, "Dead-letter target ARN should be fully qualified ARN.")
    return model.DeadLetterPolicy(target, int(count), text)


def _redrive_policy(queue: model.Queue) -> str:
    """Return the redrive policy of a queue to which another edge gave it."""
    if not queue.dead_letter_name:
        return ""
    target = model.queue_arn(queue.account, queue.region, queue.dead_letter_name)
    return msgspec.json.encode({"deadLetterTargetArn": target, "maxReceiveCount": queue.max_receive_count}).decode()


def _unknown(name: str, value: str, *, creating: bool) -> ServiceError:
    if name in ("DeduplicationScope", "FifoThroughputLimit"):
        reason = f"You can specify the {name} only when FifoQueue is set to true."
    elif creating and name == "FifoQueue" and value.lower() == "true":
        return invalid_parameters(
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with"
            " .fifo suffix and be 1 to 80 in length."
        )
    else:
        reason = f"Unknown Attribute {name}."
    return INVALID_ATTRIBUTE_NAME.error(reason=reason)


assert {ATTRIBUTE_NAMES[field] for field, _, _ in _NUMBERS.values()} == set(_NUMBERS)

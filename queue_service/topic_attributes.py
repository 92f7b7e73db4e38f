"""What may be written about topics and subscriptions: names, attributes, endpoints, in SNS's words.

Sources: Amazon SNS API reference, CreateTopic, SetTopicAttributes, Subscribe and SetSubscriptionAttributes. Attributes
are kept as texts, as they came; here they are checked.
"""

import functools
import json
import re
from collections.abc import Mapping
from typing import Any

from cumulo.core.errors import ServiceError
from cumulo.core.names import is_account_id, is_region, masked_url, parse_arn, parse_resource_name
from cumulo.queue_service import delivery_policies, topic_sizes
from cumulo.queue_service.archive_policies import ARCHIVE_POLICY, REPLAY_POLICY, archive_s, replay_points
from cumulo.queue_service.delivery_policies import DELIVERY_POLICY
from cumulo.queue_service.filter_policies import IN_ATTRIBUTES, SCOPES, InvalidFilterPolicy
from cumulo.queue_service.filter_policies import compiled as compiled_policy
from cumulo.queue_service.json_tokens import Malformed, compact
from cumulo.queue_service.model import FIFO_SUFFIX, TAG_KEY_CHARACTERS_MAX, TAG_VALUE_CHARACTERS_MAX, TAGS_MAX, is_fifo
from cumulo.queue_service.queue_attributes import place_of
from cumulo.queue_service.topic_errors import INVALID_IN_FULL, INVALID_PARAMETER, TAG_LIMIT_EXCEEDED
from cumulo.queue_service.topic_keys import NAMED, SQS
from cumulo.queue_service.topic_model import (
    ENDPOINT_CHARACTERS_MAX,
    KEEP_S_MAX,
    KEEP_S_MIN,
    PROTOCOLS,
    TOPIC_NAME_CHARACTERS_MAX,
    SubscriptionPlace,
    TopicPlace,
)

NAME_PATTERN = re.compile(rf"[A-Za-z0-9_-]{{1,{TOPIC_NAME_CHARACTERS_MAX}}}")
FIFO_NAME_PATTERN = re.compile(
    rf"[A-Za-z0-9_-]{{1,{TOPIC_NAME_CHARACTERS_MAX - len(FIFO_SUFFIX)}}}{re.escape(FIFO_SUFFIX)}"
)
POLICY = "Policy"
_DISPLAY_NAME_CHARACTERS_MAX = 100
_TRUE_OR_FALSE = ("true", "false")
_FEEDBACK = re.compile(
    r"(HTTP|Firehose|Lambda|Application|SQS)(SuccessFeedbackRoleArn|FailureFeedbackRoleArn|SuccessFeedbackSampleRate)"
)
_PERCENTAGE = re.compile(r"100|[1-9]?[0-9]")
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/.{1,576}")
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "ContentBasedDeduplication": _TRUE_OR_FALSE,
    "FifoThroughputScope": ("Topic", "MessageGroup"),
    "SignatureVersion": ("1", "2"),
    "TracingConfig": ("PassThrough", "Active"),
}
_OF_FIFO = ("ContentBasedDeduplication", "FifoThroughputScope", ARCHIVE_POLICY)
KMS_KEY = "KmsMasterKeyId"
_TEXTS = ("DisplayName", KMS_KEY)
SUBSCRIPTION_ATTRIBUTES = (
    DELIVERY_POLICY,
    "FilterPolicy",
    "FilterPolicyScope",
    "RawMessageDelivery",
    "RedrivePolicy",
    REPLAY_POLICY,
    "SubscriptionRoleArn",
)
_NOT_OF_NATIVE = (DELIVERY_POLICY, "RedrivePolicy", "SubscriptionRoleArn")
OFFERED_PROTOCOLS = ("http", "https", "email", "email-json", "sms", "sqs")
"""Of SNS's, those that somebody delivers here."""
_RAW = ("http", "https", "sqs")
_PHONE = re.compile(r"\+?[0-9]+(?:[-./ ][0-9]+)*")
_PHONE_DIGITS_MAX = 15
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")


def wrong(text: str) -> ServiceError:
    """Return SNS's refusal of a parameter."""
    return INVALID_PARAMETER.error(text=text)


@functools.lru_cache(maxsize=4096)
def topic_place(text: str, account: str, region: str) -> TopicPlace:
    """Return which topic `text` means: an ARN, a full name, or a short name in the caller's own account and region."""
    if text.startswith("arn:") or ":" in text:
        arn = parse_arn(text)
        elements = len(text.split(":"))
        if arn is None or elements < 6:
            raise wrong(f"TopicArn Reason: An ARN must have at least 6 elements, not {elements}")
        if arn.service != "sns" or not is_account_id(arn.account) or not is_region(arn.region):
            raise wrong("TopicArn")
        parts: tuple[str, str, str] | None = (arn.account, arn.region, arn.resource)
    else:
        parts = parse_resource_name(text, "topics", account, region)
    if parts is None or not (NAME_PATTERN.fullmatch(parts[2]) or FIFO_NAME_PATTERN.fullmatch(parts[2])):
        raise wrong("Topic Name")
    return TopicPlace(*parts)


def subscription_place(text: str) -> SubscriptionPlace:
    """Return which subscription an ARN means."""
    elements = text.split(":")
    if len(elements) < 6:
        raise wrong(f"SubscriptionArn Reason: An ARN must have at least 6 elements, not {len(elements)}")
    topic, _, subscription_id = text.rpartition(":")
    arn = parse_arn(topic)
    if arn is None or arn.service != "sns" or not is_account_id(arn.account) or not is_region(arn.region):
        raise wrong("SubscriptionId")
    return SubscriptionPlace(TopicPlace(arn.account, arn.region, arn.resource), subscription_id)


def check_topic_attribute(place: TopicPlace, name: str, value: str) -> None:
    """Raise where an attribute of a topic has no such name, or may not have such a value."""
    if name in _OF_FIFO and not place.fifo:
        raise wrong(f"Attributes Reason: {name} is only valid for FIFO topics")
    if name in _CHOICES:
        if value not in _CHOICES[name]:
            raise wrong(f"{name} Reason: Invalid value [{value[:80]}]. Must be {' or '.join(_CHOICES[name])}.")
    elif name == "DisplayName" and len(value) > _DISPLAY_NAME_CHARACTERS_MAX:
        raise wrong("DisplayName Reason: Display name must be at most 100 characters long")
    elif name == DELIVERY_POLICY:
        delivery_policies.check_of_topic(_json_object(name, value))
    elif name == ARCHIVE_POLICY:
        archive_s(value)
    elif name == topic_sizes.MAXIMUM_MESSAGE_SIZE:
        topic_sizes.check_value(value)
    elif feedback := _FEEDBACK.fullmatch(name):
        _check_feedback(name, feedback[2], value)
    elif name not in _TEXTS:
        raise wrong("AttributeName")


def _check_feedback(name: str, kind: str, value: str) -> None:
    if kind == "SuccessFeedbackSampleRate":
        if not _PERCENTAGE.fullmatch(value):
            raise wrong(f"{name} Reason: Invalid value [{value[:80]}]. Must be a whole number from 0 to 100.")
    elif not _ROLE.fullmatch(value):
        raise wrong(f"{name} Reason: Invalid value [{value[:80]}]. Must be the ARN of a role.")


def keep_s_of(given: Mapping[str, str], keep_s: int | None) -> int | None:
    """Return for how long a topic is to keep what is published: as `keep_s` or its archive policy says, whichever was
    given; None where neither was.
    """
    if keep_s is not None and ARCHIVE_POLICY in given:
        raise wrong(f"keep_s Reason: {ARCHIVE_POLICY} says it, too")
    if ARCHIVE_POLICY in given:
        return archive_s(given[ARCHIVE_POLICY])
    if keep_s and not KEEP_S_MIN <= keep_s <= KEEP_S_MAX:
        raise wrong(f"keep_s Reason: it must be 0, or between {KEEP_S_MIN} and {KEEP_S_MAX}")
    if keep_s is not None and keep_s < 0:
        raise wrong("keep_s Reason: it must not be negative")
    return keep_s


def check_tags(tags: Mapping[str, str]) -> None:
    """Raise where tags may not be written."""
    if len(tags) > TAGS_MAX:
        raise TAG_LIMIT_EXCEEDED.error()
    for key, value in tags.items():
        if not 1 <= len(key) <= TAG_KEY_CHARACTERS_MAX or len(value) > TAG_VALUE_CHARACTERS_MAX:
            raise wrong(f"Tags Reason: a key has 1 to {TAG_KEY_CHARACTERS_MAX} characters and a value at most 256")
        if key.lower().startswith("aws:"):
            raise wrong("Tags Reason: aws: prefixed tag key names are not allowed for external use.")


def check_endpoint(place: TopicPlace, protocol: str, endpoint: str) -> None:
    """Raise where nothing of this protocol can be at an endpoint."""
    if protocol not in PROTOCOLS:
        raise wrong(f"Amazon SNS does not support this protocol string: {protocol[:80]}")
    if place.fifo and protocol != "sqs":
        raise wrong(f"Invalid protocol type: {protocol}")
    if protocol not in OFFERED_PROTOCOLS:
        raise wrong(f"Protocol Reason: {protocol} is not offered; see docs/compatibility.md")
    if not endpoint:
        raise wrong("Endpoint")
    if len(endpoint) > ENDPOINT_CHARACTERS_MAX:
        raise wrong(f"Endpoint Reason: it has 1 to {ENDPOINT_CHARACTERS_MAX} characters")
    if protocol in ("http", "https") and not endpoint.startswith(f"{protocol}://"):
        raise wrong("Endpoint must match the specified protocol")
    if protocol == "sms" and (not _PHONE.fullmatch(endpoint) or sum(map(str.isdecimal, endpoint)) > _PHONE_DIGITS_MAX):
        raise INVALID_IN_FULL.error(text=f"Invalid SMS endpoint: {masked_url(endpoint)[:80]}")
    if protocol.startswith("email") and not _EMAIL.fullmatch(endpoint):
        raise wrong("Email address")
    if protocol == "sqs":
        queue = place_of(endpoint)
        if queue is None:
            raise wrong("SQS endpoint ARN")
        if is_fifo(queue.name) and not place.fifo:
            raise wrong(
                "Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics"
            )


def subscription_attribute(
    place: TopicPlace, protocol: str, endpoint: str, name: str, value: str, *, scope: str, prefix: str = ""
) -> str:
    """Return the text to keep of a subscription's attribute; raises where it may not be written.

    `scope` is the subscription's filter policy scope; `prefix` goes before each complaint, as Subscribe has it.
    """
    if name not in SUBSCRIPTION_ATTRIBUTES:
        raise wrong(f"{prefix}AttributeName")
    if protocol in NAMED and name in _NOT_OF_NATIVE:
        what = "UpdateSubscription sets its dead_letter_queue" if name == "RedrivePolicy" else "nothing is sent"
        raise wrong(f"{prefix}{name}: this subscription was made over gRPC, and no endpoint of SNS's; {what}")
    if name == "RawMessageDelivery":
        if value.lower() not in _TRUE_OR_FALSE:
            raise wrong(f"{prefix}RawMessageDelivery: Invalid value [{value[:80]}]. Must be true or false.")
        if value.lower() == "true" and protocol not in _RAW:
            raise wrong(f"{prefix}Delivery protocol [{protocol}] does not support raw message delivery.")
        return value.lower()
    if name == "FilterPolicyScope":
        if value not in SCOPES:
            raise wrong(
                f"{prefix}FilterPolicyScope: Invalid value [{value[:80]}]. "
                "Please use either MessageBody or MessageAttributes"
            )
    elif name == "FilterPolicy" and value not in ("", "{}"):
        try:
            compiled_policy(value, scope)
        except InvalidFilterPolicy as error:
            raise wrong(f"{prefix}{'FilterPolicy: ' if error.names_policy else ''}{error.text}") from error
    elif name == "FilterPolicy":
        return ""
    elif name == "RedrivePolicy" and value:
        _check_redrive(place, endpoint, value, prefix)
    elif name == REPLAY_POLICY:
        if protocol != SQS:
            raise wrong(f"{prefix}{REPLAY_POLICY} is only valid for protocol sqs")
        if not place.fifo:
            raise wrong(f"{prefix}{REPLAY_POLICY} is only valid for FIFO topics")
        return value if value and replay_points(value, prefix) is not None else ""
    elif name == DELIVERY_POLICY and value:
        delivery_policies.check_of_subscription(_json_object(f"{prefix}{DELIVERY_POLICY}", value), prefix)
    return value


def scope_of(attributes: Mapping[str, str]) -> str:
    """Return the filter policy scope of a subscription with these attributes."""
    return attributes.get("FilterPolicyScope", IN_ATTRIBUTES)


def _check_redrive(place: TopicPlace, endpoint: str, value: str, prefix: str) -> None:
    policy = _json_object(f"{prefix}RedrivePolicy", value)
    target = policy.get("deadLetterTargetArn", "")
    queue = place_of(target) if isinstance(target, str) else None
    if queue is None:
        raise wrong(f"{prefix}RedrivePolicy: deadLetterTargetArn is an invalid arn")
    if place.fifo and endpoint.endswith(FIFO_SUFFIX) and not is_fifo(queue.name):
        raise wrong(f"{prefix}RedrivePolicy: must use a FIFO queue as DLQ for a FIFO Subscription to a FIFO Topic.")


def _json_object(name: str, value: str) -> dict[str, Any]:
    try:
        decoded = json.loads(compact(value))
    except Malformed as error:
        raise wrong(f"{name}: failed to parse JSON. {error.text}".rstrip()) from error
    except RecursionError as error:
        raise wrong(f"{name}: failed to parse JSON.") from error
    if not isinstance(decoded, dict):
        raise wrong(f"{name}: failed to parse JSON.")
    return decoded

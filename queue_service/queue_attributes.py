"""Queue attributes and queue names: what may be written, and the defaults of what was not given.

Sources: SQS API reference, CreateQueue and SetQueueAttributes.
"""

import functools
import re
from collections.abc import Mapping

import msgspec

from cumulo.core.errors import INVALID_PARAMETER_VALUE, MISSING_PARAMETER, ServiceError
from cumulo.core.names import is_account_id, is_region, parse_arn, parse_resource_name
from cumulo.identity import resource_policy
from cumulo.identity.policy import DocumentKind, MalformedPolicy
from cumulo.queue_service import redrive_allow
from cumulo.queue_service.errors import INVALID_ATTRIBUTE_VALUE, TOO_MANY_STATEMENTS, TOO_MANY_TAGS
from cumulo.queue_service.keys import Meta
from cumulo.queue_service.model import (
    DEDUPLICATION_SCOPES,
    DELAY_S_MAX,
    EXPIRE_AFTER_IDLE_S_MAX,
    EXPIRE_AFTER_IDLE_S_MIN,
    FIFO_SUFFIX,
    FIFO_THROUGHPUT_LIMITS,
    KMS_DATA_KEY_REUSE_S_MAX,
    KMS_DATA_KEY_REUSE_S_MIN,
    KMS_MASTER_KEY_ID_CHARACTERS_MAX,
    MANAGED_SSE,
    MAX_RECEIVE_COUNT_MAX,
    MESSAGE_RETENTION_S_MAX,
    MESSAGE_RETENTION_S_MIN,
    MESSAGE_SIZE_BYTES_MAX,
    MESSAGE_SIZE_BYTES_MIN,
    QUEUE_NAME_CHARACTERS_MAX,
    RECEIVE_WAIT_S_MAX,
    TAG_KEY_CHARACTERS_MAX,
    TAG_VALUE_CHARACTERS_MAX,
    TAGS_MAX,
    VISIBILITY_TIMEOUT_S_MAX,
    QueueAttributes,
    is_fifo,
    queue_arn,
)
from cumulo.queue_service.permissions import STATEMENTS_MAX
from cumulo.queue_service.policy_statements import statements
from cumulo.storage.engine import Engine

NAME_PATTERN = re.compile(
    rf"[A-Za-z0-9_-]{{1,{QUEUE_NAME_CHARACTERS_MAX}}}"
    rf"|[A-Za-z0-9_-]{{1,{QUEUE_NAME_CHARACTERS_MAX - len(FIFO_SUFFIX)}}}{re.escape(FIFO_SUFFIX)}"
)
_SHOWN_CHARACTERS_MAX = 120
_RANGES = {
    "visibility_timeout_s": (0, VISIBILITY_TIMEOUT_S_MAX),
    "delay_s": (0, DELAY_S_MAX),
    "message_retention_s": (MESSAGE_RETENTION_S_MIN, MESSAGE_RETENTION_S_MAX),
    "maximum_message_size_bytes": (MESSAGE_SIZE_BYTES_MIN, MESSAGE_SIZE_BYTES_MAX),
    "receive_wait_s": (0, RECEIVE_WAIT_S_MAX),
    "kms_data_key_reuse_s": (KMS_DATA_KEY_REUSE_S_MIN, KMS_DATA_KEY_REUSE_S_MAX),
}
_DEFAULTS = Meta()
POLICY, REDRIVE_ALLOW = "policy", redrive_allow.PARAMETER
_DEAD_LETTER_TYPE = "Dead-letter queue must be same type of queue as the source"
_DEAD_LETTER_REGION = "Dead-letter target must be in same region as the source"
_DEAD_LETTER_OWNER = "Dead-letter target owner should be same as the source"
_CHOICES = {"deduplication_scope": DEDUPLICATION_SCOPES, "fifo_throughput_limit": FIFO_THROUGHPUT_LIMITS}
_OF_FIFO = ("content_based_deduplication", *_CHOICES)
_MANAGED, _KMS_KEY = "managed_sse_enabled", "kms_master_key_id"
_KMS_KEY_PATTERN = re.compile(rf"[A-Za-z0-9:/_-]{{1,{KMS_MASTER_KEY_ID_CHARACTERS_MAX}}}")
"""KMS's key ids, aliases, and the ARNs of both (KMS API reference, AliasName and KeyId)."""
ONE_ENCRYPTION = (
    "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE"
)
_EXPIRE = "expire_after_idle_s"
NAMES = (*_RANGES, "dead_letter_policy", POLICY, REDRIVE_ALLOW, *_OF_FIFO, _MANAGED, _KMS_KEY, _EXPIRE)
"""The attributes that a caller may set, by the names of `QueueAttributes`."""


class Place(msgspec.Struct, frozen=True):
    """Which queue a request means, whether it exists or not."""

    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        """The queue's ARN."""
        return queue_arn(self.account, self.region, self.name)


# Remembered here, as in `keys.name_key` and in the table's checks: every request about messages asks anew, and three
# times the same words cost a tenth of what a send takes in Python.
@functools.lru_cache(maxsize=4096)
def place(text: str, account: str, region: str, parameter: str = "queue") -> Place:
    """Return which queue `text` means: an ARN, a full name, or a short name in the caller's own account and region.

    Raises `MissingParameter` and `InvalidParameterValue`.
    """
    if not text:
        raise MISSING_PARAMETER.error(parameter=parameter)
    arn = parse_arn(text) if text.startswith("arn:") else None
    parts = (
        parse_resource_name(text, "queues", account, region) if arn is None else (arn.account, arn.region, arn.resource)
    )
    if arn is not None and not (arn.service == "sqs" and is_account_id(arn.account) and is_region(arn.region)):
        parts = None
    name = parts[2] if parts is not None else ""
    if parts is None or not NAME_PATTERN.fullmatch(name):
        raise INVALID_PARAMETER_VALUE.error(
            parameter=parameter,
            value=repr(text[:_SHOWN_CHARACTERS_MAX]),
            allowed=f"a queue name has 1 to {QUEUE_NAME_CHARACTERS_MAX} letters, digits, hyphens and underscores,"
            f" and may end in {FIFO_SUFFIX};"
            " in full it is accounts/{account}/regions/{region}/queues/{queue} or the queue's ARN",
        )
    return Place(*parts)


def place_of(arn_text: str) -> Place | None:
    """Return whose queue of which name an ARN means; None where it is no queue's ARN."""
    arn = parse_arn(arn_text)
    if arn is None or arn.service != "sqs" or not NAME_PATTERN.fullmatch(arn.resource):
        return None
    return Place(arn.account, arn.region, arn.resource)


def written(attributes: QueueAttributes, owner: Place) -> dict[str, object]:
    """Return the fields of `Meta` that the given attributes set, checked; the policy is `stored_policy`'s.

    Raises `InvalidAttributeValue`. Whether a dead-letter queue exists is the transaction's to say.
    """
    fields: dict[str, object] = {}
    for name, (lowest, highest) in _RANGES.items():
        value = getattr(attributes, name)
        if value is not None:
            if not lowest <= value <= highest:
                raise INVALID_ATTRIBUTE_VALUE.error(
                    parameter=name, value=value, allowed=f"it must be between {lowest} and {highest}"
                )
            fields[name] = value
    idle_s = attributes.expire_after_idle_s
    if idle_s is not None:
        if idle_s and not EXPIRE_AFTER_IDLE_S_MIN <= idle_s <= EXPIRE_AFTER_IDLE_S_MAX:
            raise INVALID_ATTRIBUTE_VALUE.error(
                parameter=_EXPIRE,
                value=idle_s,
                allowed=f"it must be 0 or between {EXPIRE_AFTER_IDLE_S_MIN} and {EXPIRE_AFTER_IDLE_S_MAX}",
            )
        fields[_EXPIRE] = idle_s
    for name in _OF_FIFO:
        value = getattr(attributes, name)
        if value is None:
            continue
        if not is_fifo(owner.name):
            raise INVALID_ATTRIBUTE_VALUE.error(parameter=name, value=value, allowed="it is for FIFO queues")
        if name in _CHOICES and value not in _CHOICES[name]:
            raise INVALID_ATTRIBUTE_VALUE.error(
                parameter=name, value=repr(value[:_SHOWN_CHARACTERS_MAX]), allowed=f"one of {', '.join(_CHOICES[name])}"
            )
        fields[name] = value
    fields |= _encryption(attributes)
    redrive = attributes.dead_letter_policy
    if redrive is not None:
        if redrive.queue:
            fields["dead_letter_name"] = _dead_letter_name(redrive.queue, owner)
            if not 1 <= redrive.max_receive_count <= MAX_RECEIVE_COUNT_MAX:
                raise INVALID_ATTRIBUTE_VALUE.error(
                    parameter="dead_letter_policy.max_receive_count",
                    value=redrive.max_receive_count,
                    allowed=f"it must be between 1 and {MAX_RECEIVE_COUNT_MAX}",
                )
            fields["max_receive_count"] = redrive.max_receive_count
            fields["dead_letter_text"] = redrive.text
        else:
            fields |= default("dead_letter_policy")
    return fields


def _encryption(attributes: QueueAttributes) -> dict[str, object]:
    managed, key = attributes.managed_sse_enabled, attributes.kms_master_key_id
    if key and not _KMS_KEY_PATTERN.fullmatch(key):
        raise INVALID_ATTRIBUTE_VALUE.error(
            parameter=_KMS_KEY,
            value=repr(key[:_SHOWN_CHARACTERS_MAX]),
            allowed="it must be the id, the alias or the ARN of a KMS key",
        )
    if managed and key:
        raise INVALID_ATTRIBUTE_VALUE.error(parameter=_MANAGED, value="true", allowed=ONE_ENCRYPTION)
    fields: dict[str, object] = {}
    if key is not None or managed:
        fields[_KMS_KEY] = key or ""
    if managed is not None or key:
        fields[_MANAGED] = bool(managed)
    return fields


def encrypted_with(fields: Mapping[str, object], *, managed: bool, key: str) -> tuple[bool, str]:
    """Return how a queue is encrypted once `fields` are written: whether SQS manages the key, and the KMS key's id.

    `managed` and `key` are how it is now. Without its KMS key a queue is encrypted as a new one is.
    """
    new_key = str(fields.get(_KMS_KEY, key))
    if _MANAGED in fields:
        return bool(fields[_MANAGED]), new_key
    return (MANAGED_SSE if key and not new_key else managed), new_key


def default(name: str) -> dict[str, object]:
    """Return the fields of `Meta` that bring an attribute back to its default: none for the policies, which are no part
    of it. Raises `InvalidAttributeValue`.
    """
    if name == "dead_letter_policy":
        return {"dead_letter_name": "", "max_receive_count": 0, "dead_letter_text": ""}
    if name in (POLICY, REDRIVE_ALLOW):
        return {}
    if name == _MANAGED:
        return {_MANAGED: MANAGED_SSE} | ({_KMS_KEY: ""} if MANAGED_SSE else {})
    if name not in NAMES:
        raise INVALID_ATTRIBUTE_VALUE.error(
            parameter="update_mask", value=repr(name[:_SHOWN_CHARACTERS_MAX]), allowed=f"one of {', '.join(NAMES)}"
        )
    return {name: getattr(_DEFAULTS, name)}


def check_throughput_limit(meta: Meta) -> None:
    """Raise `InvalidAttributeValue` where a queue's throughput limit does not go with its deduplication scope."""
    if meta.fifo_throughput_limit == FIFO_THROUGHPUT_LIMITS[1] and meta.deduplication_scope != DEDUPLICATION_SCOPES[1]:
        raise INVALID_ATTRIBUTE_VALUE.error(
            parameter="fifo_throughput_limit",
            value=meta.fifo_throughput_limit,
            allowed="The perMessageGroupId value is allowed only when the value for DeduplicationScope is messageGroup",
        )


def check_tags(tags: Mapping[str, str], queue: str) -> None:
    """Raise `InvalidParameterValue` for tags that are too long, too many for a queue, or of AWS's own names."""
    if len(tags) > TAGS_MAX:
        raise TOO_MANY_TAGS.error(queue=queue)
    for key, value in tags.items():
        if not 0 < len(key) <= TAG_KEY_CHARACTERS_MAX:
            raise _invalid_tags(f"a key of {len(key)} characters", f"1 to {TAG_KEY_CHARACTERS_MAX}")
        if len(value) > TAG_VALUE_CHARACTERS_MAX:
            raise _invalid_tags(f"a value of {len(value)} characters", f"at most {TAG_VALUE_CHARACTERS_MAX}")
        if key.lower().startswith("aws:"):
            raise _invalid_tags(repr(key), "keys that start with aws: are reserved")


def _invalid_tags(value: str, allowed: str) -> ServiceError:
    return INVALID_PARAMETER_VALUE.error(parameter="tags", value=value, allowed=allowed)


def stored_policy(text: str | None, engine: Engine) -> str | None:
    """Return a policy in its stored form, None where it is not given; raises `InvalidAttributeValue` and `OverLimit`.

    `engine` knows the users whom a policy names.
    """
    if not text:
        return text
    try:
        stored = resource_policy.validate(text, DocumentKind.QUEUE, engine)
    except MalformedPolicy as error:
        raise INVALID_ATTRIBUTE_VALUE.error(
            parameter="policy", value=f"at {error.path}", allowed=error.detail.rstrip(".")
        ) from error
    count = len(statements(msgspec.json.decode(text)))
    if count > STATEMENTS_MAX:
        raise TOO_MANY_STATEMENTS.error(statements=count, limit=STATEMENTS_MAX)
    return stored


def checked_redrive_allow(text: str | None) -> str | None:
    """Return a redrive-allow policy as it was written; raises `InvalidAttributeValue`."""
    if text:
        redrive_allow.parse(text)
    return text


def _dead_letter_name(text: str, owner: Place) -> str:
    target = place(text, owner.account, owner.region, "dead_letter_policy.queue")
    for differs, allowed in (
        (target.region != owner.region, _DEAD_LETTER_REGION),
        (target.account != owner.account, _DEAD_LETTER_OWNER),
        (is_fifo(target.name) != is_fifo(owner.name), _DEAD_LETTER_TYPE),
    ):
        if differs:
            raise INVALID_ATTRIBUTE_VALUE.error(parameter="dead_letter_policy.queue", value=target.arn, allowed=allowed)
    return target.name

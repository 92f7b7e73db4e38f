"""Redrive-allow policies: which queues may use a queue as their dead-letter queue.

The text is kept as its writer wrote it. It is asked when a queue is given a dead-letter queue, not at each redrive: a
policy that is written later leaves those alone that have it already. Source: SQS API reference, SetQueueAttributes.
"""

from typing import Any

import msgspec

from cumulo.core.errors import ServiceError
from cumulo.queue_service.errors import INVALID_ATTRIBUTE_VALUE

SOURCES_MAX = 10
TEXT_CHARACTERS_MAX = 8_192
"""Ours: ten of the longest ARNs take less than a third of it."""
PARAMETER = "redrive_allow_policy"
_CANNOT = "Amazon SQS can't create the redrive allow policy"
UNSUPPORTED_FORMAT = f"{_CANNOT}, as it\N{RIGHT SINGLE QUOTATION MARK}s in an unsupported format"
_ALLOW_ALL, _DENY_ALL, _BY_QUEUE = "allowAll", "denyAll", "byQueue"
_MEMBERS = frozenset(("redrivePermission", "sourceQueueArns"))


class RedriveAllow(msgspec.Struct, frozen=True):
    """A policy that was understood; `sources` are the ARNs of `byQueue`."""

    permission: str
    sources: frozenset[str] = frozenset()

    def allows(self, source_arn: str) -> bool:
        """Say whether a queue may use the policy's queue as its dead-letter queue."""
        return self.permission == _ALLOW_ALL or source_arn in self.sources


def parse(text: str) -> RedriveAllow:
    """Return what a policy says, an empty one that all is allowed; raises `InvalidAttributeValue` in SQS's words."""
    if not text:
        return RedriveAllow(_ALLOW_ALL)
    try:
        policy = msgspec.json.decode(text[: TEXT_CHARACTERS_MAX + 1], type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError) as error:
        raise _invalid(text, UNSUPPORTED_FORMAT) from error
    permission, sources = policy.get("redrivePermission"), policy.get("sourceQueueArns", [])
    if (
        len(text) > TEXT_CHARACTERS_MAX
        or permission not in (_ALLOW_ALL, _DENY_ALL, _BY_QUEUE)
        or not policy.keys() <= _MEMBERS
        or not isinstance(sources, list)
        or not all(isinstance(source, str) for source in sources)
    ):
        raise _invalid(text, UNSUPPORTED_FORMAT)
    if permission != _BY_QUEUE and sources:
        raise _invalid(
            text, f"{_CANNOT}. To specify one or more source queue ARNs, you must set redrivePermission to byQueue"
        )
    if permission == _BY_QUEUE and not sources:
        raise _invalid(
            text,
            f"{_CANNOT}. When you specify the byQueue permission type, you must also specify one or more"
            " sourceQueueArns values",
        )
    if len(sources) > SOURCES_MAX:
        raise _invalid(text, f"{_CANNOT}. The maximum number of source queue ARNs you can specify is {SOURCES_MAX}")
    return RedriveAllow(permission, frozenset(sources))


def _invalid(text: str, allowed: str) -> ServiceError:
    return INVALID_ATTRIBUTE_VALUE.error(parameter=PARAMETER, value=text[:TEXT_CHARACTERS_MAX], allowed=allowed)

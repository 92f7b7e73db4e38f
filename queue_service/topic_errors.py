"""The catalogue of topics and subscriptions: SNS's codes and words.

Source: Amazon SNS API reference, the errors of each action. Does not know any wire protocol.
"""

import re

from cumulo.core.errors import ErrorRow, ServiceError, Status

INVALID_PARAMETER = ErrorRow("InvalidParameter", 400, Status.INVALID_ARGUMENT, "Invalid parameter: {text}")
INVALID_IN_FULL = ErrorRow("InvalidParameter", 400, Status.INVALID_ARGUMENT, "{text}")
"""Of the few parameters that SNS complains of without its usual beginning."""
PARAMETER_VALUE_INVALID = ErrorRow("ParameterValueInvalid", 400, Status.INVALID_ARGUMENT, "{text}")
MESSAGE_TOO_LONG = ErrorRow("InvalidParameter", 400, Status.INVALID_ARGUMENT, "Invalid parameter: Message too long")
TOPIC_NOT_FOUND = ErrorRow("NotFound", 404, Status.NOT_FOUND, "Topic does not exist")
SUBSCRIPTION_NOT_FOUND = ErrorRow("NotFound", 404, Status.NOT_FOUND, "Subscription does not exist")
SUBSCRIPTION_EXISTS = ErrorRow(
    "SubscriptionExists",
    400,
    Status.ALREADY_EXISTS,
    "A subscription of this name exists, and its {attribute} is another",
)
SNAPSHOT_NOT_FOUND = ErrorRow("NotFound", 404, Status.NOT_FOUND, "Snapshot {snapshot} does not exist")
SNAPSHOT_EXISTS = ErrorRow("SnapshotExists", 400, Status.ALREADY_EXISTS, "A snapshot {snapshot} exists")
SNAPSHOT_LIMIT_EXCEEDED = ErrorRow(
    "SnapshotLimitExceeded",
    403,
    Status.RESOURCE_EXHAUSTED,
    "The topic has {limit} snapshots, which is the limit",
)
TOPIC_KEEPS_NOTHING = ErrorRow(
    "TopicKeepsNothing",
    400,
    Status.FAILED_PRECONDITION,
    "The topic {topic} keeps no messages; give it a time to keep them for",
)
TOPIC_HAS_ARCHIVE = ErrorRow(
    "InvalidState", 400, Status.FAILED_PRECONDITION, "Invalid state: Cannot delete a topic with an ArchivePolicy"
)
NOT_TAKEN = ErrorRow(
    "InternalError", 500, Status.UNAVAILABLE, "The message could not be handed on: {reason}", retryable=True
)
TAGGED_NOT_FOUND = ErrorRow("ResourceNotFound", 404, Status.NOT_FOUND, "Resource does not exist")
AUTHORIZATION_ERROR = ErrorRow("AuthorizationError", 403, Status.PERMISSION_DENIED, "{reason}")
TAG_LIMIT_EXCEEDED = ErrorRow(
    "TagLimitExceeded",
    400,
    Status.RESOURCE_EXHAUSTED,
    "Could not complete request: tag quota of per resource exceeded",
)
FILTER_POLICY_LIMIT_EXCEEDED = ErrorRow(
    "FilterPolicyLimitExceeded",
    403,
    Status.RESOURCE_EXHAUSTED,
    "The topic has {limit} subscriptions with a filter policy, which is the limit",
)
SUBSCRIPTION_LIMIT_EXCEEDED = ErrorRow(
    "SubscriptionLimitExceeded",
    403,
    Status.RESOURCE_EXHAUSTED,
    "The topic has {limit} subscriptions, which is the limit",
)
EMPTY_BATCH_REQUEST = ErrorRow(
    "EmptyBatchRequest", 400, Status.INVALID_ARGUMENT, "The batch request doesn't contain any entries."
)
TOO_MANY_ENTRIES_IN_BATCH_REQUEST = ErrorRow(
    "TooManyEntriesInBatchRequest",
    400,
    Status.INVALID_ARGUMENT,
    "The batch request contains more entries than permissible.",
)
BATCH_REQUEST_TOO_LONG = ErrorRow(
    "BatchRequestTooLong",
    400,
    Status.INVALID_ARGUMENT,
    "The length of all the messages put together is more than the limit.",
)
BATCH_ENTRY_IDS_NOT_DISTINCT = ErrorRow(
    "BatchEntryIdsNotDistinct",
    400,
    Status.INVALID_ARGUMENT,
    "Two or more batch entries in the request have the same Id.",
)
INVALID_BATCH_ENTRY_ID = ErrorRow("InvalidBatchEntryId", 400, Status.INVALID_ARGUMENT, "{text}")


class _Missing(ErrorRow, frozen=True):
    """The row that calls a parameter as SNS's validation does: `topicArn`, `messageAttributes.key.member.dataType`."""

    def error(self, **values: object) -> ServiceError:
        """Return the exception to raise."""
        if values.get("operation") == "Unsubscribe":
            return INVALID_PARAMETER.error(text="SubscriptionArn Reason: no value for required parameter")
        parameter = _NAME.sub(_as_validated, str(values.get("parameter", "")))
        return super().error(**values | {"parameter": parameter})


_NAME = re.compile(r"\[([^\]]*)\]|(?<=\.)(\d+)(?=\.)|(?<![^.])([A-Z])(?=[A-Za-z])")
"""A key of a map, the number of an item, or the first letter of a member."""


def _as_validated(name: re.Match[str]) -> str:
    key, item, letter = name.groups()
    if key is not None:
        return f".{key}.member"
    return f"{item}.member" if item else letter.lower()


VALIDATION_ERROR = _Missing(
    "ValidationError",
    400,
    Status.INVALID_ARGUMENT,
    "1 validation error detected: Value null at '{parameter}' failed to satisfy constraint: Member must not be null",
)
MALFORMED_INPUT = ErrorRow("MalformedInput", 400, Status.INVALID_ARGUMENT, "{parameter}: {value} is invalid: {allowed}")
INVALID_ACTION = ErrorRow(
    "InvalidAction",
    400,
    Status.UNIMPLEMENTED,
    "The operation {operation} for the service sns is not implemented; see docs/compatibility.md.",
)

"""The room's error catalogue: SQS's errors, to the letter where SQS has them.

Owns the rows, and the small numbers by which a transaction function says why it refused an item of a batch. Codes and
HTTP statuses are those of the SQS service description (2012-11-05); what the query protocol says instead is
`query_code`.
"""

import enum

import msgspec

from cumulo.core.errors import ErrorRow, ServiceError, Status

_QUERY = "AWS.SimpleQueueService."

QUEUE_DOES_NOT_EXIST = ErrorRow(
    "QueueDoesNotExist",
    400,
    Status.NOT_FOUND,
    "The specified queue does not exist.",
    query_code=_QUERY + "NonExistentQueue",
)
QUEUE_NAME_EXISTS = ErrorRow(
    "QueueNameExists",
    400,
    Status.ALREADY_EXISTS,
    "A queue already exists with the same name and a different value for attribute {attribute}",
    query_code="QueueAlreadyExists",
)
INVALID_ATTRIBUTE_VALUE = ErrorRow(
    "InvalidAttributeValue",
    400,
    Status.INVALID_ARGUMENT,
    "Invalid value for the parameter {parameter}: {value}. Reason: {allowed}.",
)
PURGE_QUEUE_IN_PROGRESS = ErrorRow(
    "PurgeQueueInProgress",
    403,
    Status.FAILED_PRECONDITION,
    "Only one PurgeQueue operation on {queue} is allowed every {interval_s} seconds.",
    retryable=True,
    query_code=_QUERY + "PurgeQueueInProgress",
)
RECEIPT_HANDLE_IS_INVALID = ErrorRow(
    "ReceiptHandleIsInvalid",
    404,
    Status.INVALID_ARGUMENT,
    "The receipt handle is invalid: {reason}.",
)
RECEIPT_HANDLE_OF_ANOTHER_QUEUE = ErrorRow(
    "ReceiptHandleIsInvalid",
    404,
    Status.INVALID_ARGUMENT,
    "The receipt handle belongs to another queue.",
)
MESSAGE_TOO_LONG = ErrorRow(
    "InvalidParameterValue",
    400,
    Status.INVALID_ARGUMENT,
    "One or more parameters are invalid. Reason: Message must be shorter than {limit} bytes.",
)
MESSAGE_NOT_AVAILABLE = ErrorRow(
    "InvalidParameterValue",
    400,
    Status.INVALID_ARGUMENT,
    "The message does not exist or is not available for visibility timeout change.",
)
TOTAL_VISIBILITY_BEYOND_LIMIT = ErrorRow(
    "InvalidParameterValue",
    400,
    Status.INVALID_ARGUMENT,
    "The total visibility timeout of a receive is beyond the limit of {limit} seconds.",
)
MESSAGE_NOT_INFLIGHT = ErrorRow(
    "MessageNotInflight",
    400,
    Status.FAILED_PRECONDITION,
    "The message is not in flight: its visibility timeout has ended.",
    query_code=_QUERY + "MessageNotInflight",
)
OVER_LIMIT = ErrorRow(
    "OverLimit",
    403,
    Status.RESOURCE_EXHAUSTED,
    "Too many messages of the queue are in flight; at most {limit} are allowed. Delete some.",
    retryable=True,
)
EMPTY_BATCH_REQUEST = ErrorRow(
    "EmptyBatchRequest",
    400,
    Status.INVALID_ARGUMENT,
    "There should be at least one entry in the request.",
    query_code=_QUERY + "EmptyBatchRequest",
)
TOO_MANY_ENTRIES_IN_BATCH_REQUEST = ErrorRow(
    "TooManyEntriesInBatchRequest",
    400,
    Status.INVALID_ARGUMENT,
    "Maximum number of entries per request are {limit}. You have sent {entries}.",
    query_code=_QUERY + "TooManyEntriesInBatchRequest",
)
BATCH_REQUEST_TOO_LONG = ErrorRow(
    "BatchRequestTooLong",
    400,
    Status.INVALID_ARGUMENT,
    "Batch requests cannot be longer than {limit} bytes. You have sent {size} bytes.",
    query_code=_QUERY + "BatchRequestTooLong",
)


class Refusal(enum.IntEnum):
    """Why a transaction function refused one item; the number is what a remembered answer keeps."""

    TOO_LONG = 1
    SUPERSEDED = 2
    GONE = 3
    NOT_IN_FLIGHT = 4
    BEYOND_LIMIT = 5


class Refused(msgspec.Struct, frozen=True, array_like=True):
    """One refused item: its place in the batch, a `Refusal`, and the limit that it broke, if any."""

    index: int
    reason: int
    limit: int = 0

    def error(self) -> ServiceError:
        """Return the error to show."""
        match Refusal(self.reason):
            case Refusal.TOO_LONG:
                return MESSAGE_TOO_LONG.error(limit=self.limit)
            case Refusal.SUPERSEDED:
                return RECEIPT_HANDLE_IS_INVALID.error(reason="the message was received again since")
            case Refusal.GONE:
                return MESSAGE_NOT_AVAILABLE.error()
            case Refusal.NOT_IN_FLIGHT:
                return MESSAGE_NOT_INFLIGHT.error()
            case Refusal.BEYOND_LIMIT:
                return TOTAL_VISIBILITY_BEYOND_LIMIT.error(limit=self.limit)

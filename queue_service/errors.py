"""The room's error catalogue: SQS's errors, to the letter where SQS has them.

Owns the rows, and the small numbers by which a transaction function says why it refused an item of a batch. Codes and
HTTP statuses are those of the SQS service description (2012-11-05); what the query protocol says instead is
`query_code`. Errors of logs are ours.
"""

import enum
from collections.abc import Mapping

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
RECEIPT_HANDLE_SUPERSEDED = ErrorRow(
    "ReceiptHandleIsInvalid",
    404,
    Status.INVALID_ARGUMENT,
    "The receipt handle is invalid: the message was received again since.",
)
RECEIPT_NO_LONGER_HOLDS = ErrorRow(
    "ReceiptHandleIsInvalid",
    404,
    Status.FAILED_PRECONDITION,
    "Nothing was committed: the message of {item} {reason}.",
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
RECEIPT_HANDLE_EXPIRED = ErrorRow(
    "InvalidParameterValue",
    400,
    Status.FAILED_PRECONDITION,
    "The receipt handle has expired.",
)
NOT_OF_THIS_QUEUE_TYPE = ErrorRow(
    "InvalidParameterValue",
    400,
    Status.INVALID_ARGUMENT,
    "Value {value} for parameter {parameter} is invalid. Reason: The request include parameter that is not valid for"
    " this queue type.",
)
DEDUPLICATION_ID_REQUIRED = ErrorRow(
    "InvalidParameterValue",
    400,
    Status.INVALID_ARGUMENT,
    "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly",
)
TOO_MANY_ACTIONS = ErrorRow(
    "OverLimit",
    403,
    Status.RESOURCE_EXHAUSTED,
    "{actions} Actions were found, maximum allowed is {limit}.",
)
TOO_MANY_STATEMENTS = ErrorRow(
    "OverLimit",
    403,
    Status.RESOURCE_EXHAUSTED,
    "{statements} statements were found in the submitted policy, max allowed is {limit}",
)
TOO_MANY_PERMISSIONS = ErrorRow(
    "OverLimit",
    403,
    Status.RESOURCE_EXHAUSTED,
    "{statements} Statements were found, maximum allowed is {limit}.",
)
OVER_LIMIT = ErrorRow(
    "OverLimit",
    403,
    Status.RESOURCE_EXHAUSTED,
    "Too many messages of the queue are in flight; at most {limit} are allowed. Delete some.",
    retryable=True,
)
TOO_MANY_TAGS = ErrorRow(
    "InvalidParameterValue",
    400,
    Status.INVALID_ARGUMENT,
    "Too many tags added for queue {queue}.",
)
REQUEST_THROTTLED = ErrorRow(
    "RequestThrottled",
    403,
    Status.RESOURCE_EXHAUSTED,
    "Request is throttled.",
    retryable=True,
)
LEASE_LOST = ErrorRow(
    "LeaseLost",
    409,
    Status.FAILED_PRECONDITION,
    "The receipt handle no longer holds its message: {why}.",
)
SCHEDULE_DOES_NOT_EXIST = ErrorRow(
    "ResourceNotFoundException", 404, Status.NOT_FOUND, "Schedule {schedule} does not exist."
)
SCHEDULE_EXISTS = ErrorRow("ConflictException", 409, Status.ALREADY_EXISTS, "Schedule {schedule} exists already.")
TOO_MANY_SCHEDULES = ErrorRow(
    "ServiceQuotaExceededException",
    402,
    Status.RESOURCE_EXHAUSTED,
    "A queue has at most {limit} schedules.",
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
MESSAGE_UNREADABLE = ErrorRow(
    "InternalError",
    500,
    Status.DATA_LOSS,
    "{what} cannot be encrypted or decrypted: {reason}. Nothing was removed.",
)
KEY_SERVICE_ERRORS: Mapping[str, ErrorRow] = {
    code: ErrorRow(ours, 400, status, "{reason}", retryable=ours == "KmsThrottled", query_code=f"KMS.{theirs}")
    for code, ours, theirs, status in (
        ("AccessDenied", "KmsAccessDenied", "AccessDeniedException", Status.PERMISSION_DENIED),
        ("NotFoundException", "KmsNotFound", "NotFoundException", Status.FAILED_PRECONDITION),
        ("InvalidArnException", "KmsNotFound", "NotFoundException", Status.FAILED_PRECONDITION),
        ("DisabledException", "KmsDisabled", "DisabledException", Status.FAILED_PRECONDITION),
        ("KMSInvalidStateException", "KmsInvalidState", "InvalidStateException", Status.FAILED_PRECONDITION),
        ("InvalidKeyUsageException", "KmsInvalidKeyUsage", "InvalidKeyUsageException", Status.FAILED_PRECONDITION),
        ("ServiceUnavailable", "KmsThrottled", "ThrottlingException", Status.UNAVAILABLE),
    )
}
"""What SQS says where the key service refuses, by that one's codes; what is not here keeps its own."""
KEY_SERVICE_ERRORS_OF_TOPICS: Mapping[str, ErrorRow] = {
    code: ErrorRow(ours, 400, KEY_SERVICE_ERRORS[code].grpc_status, "{reason}", retryable=ours == "KMSThrottling")
    for code, ours in (
        ("AccessDenied", "KMSAccessDenied"),
        ("NotFoundException", "KMSNotFound"),
        ("InvalidArnException", "KMSNotFound"),
        ("DisabledException", "KMSDisabled"),
        ("KMSInvalidStateException", "KMSInvalidState"),
        ("InvalidKeyUsageException", "KMSInvalidState"),
        ("ServiceUnavailable", "KMSThrottling"),
    )
}
"""What SNS says, in the same way."""
ENCRYPTION_CHANGED = ErrorRow(
    "ServiceUnavailable",
    503,
    Status.UNAVAILABLE,
    "The encryption of the queue was changed at the same time; try again.",
    retryable=True,
)
MOVE_QUEUE_DOES_NOT_EXIST = ErrorRow(
    "ResourceNotFoundException",
    404,
    Status.NOT_FOUND,
    "The resource that you specified for the {parameter} parameter doesn't exist.",
)
MOVE_TASK_DOES_NOT_EXIST = ErrorRow("ResourceNotFoundException", 404, Status.NOT_FOUND, "Task does not exist.")
MOVE_SOURCE_IS_NO_DEAD_LETTER_QUEUE = ErrorRow(
    "InvalidParameterValue",
    400,
    Status.FAILED_PRECONDITION,
    "Source queue must be configured as a Dead Letter Queue.",
)
MOVE_DESTINATION_IS_SOURCE = ErrorRow(
    "InvalidParameterValue",
    400,
    Status.INVALID_ARGUMENT,
    "Source queue arn and destination queue arn cannot be the same.",
)
MOVE_QUEUE_TYPES_DIFFER = ErrorRow(
    "InvalidParameterValue",
    400,
    Status.INVALID_ARGUMENT,
    "The source queue and destination queue must be of the same queue type.",
)
MOVE_NUMBER_OUT_OF_RANGE = ErrorRow(
    "InvalidParameterValue",
    400,
    Status.INVALID_ARGUMENT,
    "Value for parameter {parameter} is invalid. Reason: You must enter a number that's between 1 and {limit}.",
)
MOVE_TASK_IS_RUNNING = ErrorRow(
    "InvalidParameterValue",
    400,
    Status.FAILED_PRECONDITION,
    "There is already a task running. Only one active task is allowed for a source queue arn at a given time.",
)
MOVE_TASK_IS_OVER = ErrorRow(
    "InvalidParameterValue", 400, Status.FAILED_PRECONDITION, "Only active tasks can be cancelled."
)

MESSAGE_NOT_THERE = ErrorRow(
    "MessageNotThere",
    404,
    Status.NOT_FOUND,
    "The queue has no such message: it was deleted or moved, is too old, or was selected twice.",
)
MESSAGE_NOT_READY = ErrorRow(
    "MessageNotReady",
    400,
    Status.FAILED_PRECONDITION,
    "The message is not ready: one that is in flight is moved by its receipt handle, one that is delayed later.",
)
TRANSACTION_IS_FULL = ErrorRow(
    "TransactionIsFull",
    400,
    Status.RESOURCE_EXHAUSTED,
    "The messages before it filled the transaction; move it by another call.",
    retryable=True,
)
LOG_DOES_NOT_EXIST = ErrorRow("LogDoesNotExist", 404, Status.NOT_FOUND, "The log {log} does not exist.")
LOG_NAME_EXISTS = ErrorRow(
    "LogNameExists",
    409,
    Status.ALREADY_EXISTS,
    "A log with the same name and a different value for {attribute} exists already.",
)
LOG_POSITION_MISMATCH = ErrorRow(
    "LogPositionMismatch",
    409,
    Status.FAILED_PRECONDITION,
    "The first record was to get position {expected}; the log's next position is {next_position}.",
)
LOG_POSITION_OUT_OF_RANGE = ErrorRow(
    "LogPositionOutOfRange",
    400,
    Status.OUT_OF_RANGE,
    "Value {value} for {parameter} is behind the end of the log, whose next position is {next_position}.",
)
LOG_POSITION_BEHIND_COMMIT = ErrorRow(
    "LogPositionBehindCommit",
    400,
    Status.FAILED_PRECONDITION,
    "Position {value} is before the committed position {committed}; SeekConsumerGroup goes back.",
)
RECORD_TOO_LONG = ErrorRow(
    "RecordTooLong",
    400,
    Status.INVALID_ARGUMENT,
    "Record {index} has {size} bytes of {part}; at most {limit} are allowed.",
)
CONSUMER_GROUP_DOES_NOT_EXIST = ErrorRow(
    "ConsumerGroupDoesNotExist", 404, Status.NOT_FOUND, "The consumer group {group} does not exist."
)
TOO_MANY_CONSUMER_GROUPS = ErrorRow(
    "TooManyConsumerGroups", 400, Status.RESOURCE_EXHAUSTED, "A log has at most {limit} consumer groups."
)
TOO_MANY_GROUP_MEMBERS = ErrorRow(
    "TooManyGroupMembers", 400, Status.RESOURCE_EXHAUSTED, "A consumer group has at most {limit} members."
)
LANE_NOT_HELD = ErrorRow(
    "LaneNotHeld",
    409,
    Status.FAILED_PRECONDITION,
    "Lane {lane} is not held by the member {member} under this token: another member may have it, or the group was"
    " moved to another position.",
)


class Refusal(enum.IntEnum):
    """Why a transaction function refused one item; the number is what a remembered answer keeps."""

    TOO_LONG = 1
    SUPERSEDED = 2
    GONE = 3
    BEYOND_LIMIT = 5
    EXPIRED = 6
    LOST_TO_ANOTHER = 7
    LOST_BY_TIME = 8
    LOST_AND_GONE = 9
    NOT_THERE = 10
    NOT_READY = 11
    NO_ROOM = 12


AS_LOST: Mapping[Refusal, Refusal] = {
    Refusal.SUPERSEDED: Refusal.LOST_TO_ANOTHER,
    Refusal.EXPIRED: Refusal.LOST_BY_TIME,
    Refusal.GONE: Refusal.LOST_AND_GONE,
}
"""What an exactly-once acknowledgement says where a receipt proves nothing any more."""


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
                return RECEIPT_HANDLE_SUPERSEDED.error()
            case Refusal.GONE:
                return MESSAGE_NOT_AVAILABLE.error()
            case Refusal.EXPIRED:
                return RECEIPT_HANDLE_EXPIRED.error()
            case Refusal.BEYOND_LIMIT:
                return TOTAL_VISIBILITY_BEYOND_LIMIT.error(limit=self.limit)
            case Refusal.NOT_THERE:
                return MESSAGE_NOT_THERE.error()
            case Refusal.NOT_READY:
                return MESSAGE_NOT_READY.error()
            case Refusal.NO_ROOM:
                return TRANSACTION_IS_FULL.error()
            case Refusal.LOST_TO_ANOTHER:
                return LEASE_LOST.error(why="the message was received again since")
            case Refusal.LOST_BY_TIME:
                return LEASE_LOST.error(why="its lease has ended")
            case Refusal.LOST_AND_GONE:
                return LEASE_LOST.error(why="the message is gone, and another receipt or none deleted it")

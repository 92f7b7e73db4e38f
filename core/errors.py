"""The shape of every error that a caller can see.

Owns: the row of an error catalogue and the one exception that carries it. Promises: an error is raised where it is
known and rendered only at an edge; its message names the value that was wrong and what was allowed, and never a secret.
Does not know any wire protocol: a row merely states what each protocol calls it.
"""

import enum
from collections.abc import Mapping

import msgspec


class Status(enum.IntEnum):
    """The canonical gRPC status codes (grpc/doc/statuscodes.md), named here so that rooms need no grpc."""

    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class ErrorRow(msgspec.Struct, frozen=True):
    """One row of a room's error catalogue.

    `code` is AWS's code to the letter where AWS has one; `query_code` is what AWS's query protocol says instead, if it
    differs. `message` is a `str.format` template over the values given to `error`. `retryable` says whether the same
    request may succeed later unchanged.
    """

    code: str
    http_status: int
    grpc_status: Status
    message: str
    retryable: bool = False
    query_code: str = ""

    def error(self, **values: object) -> "ServiceError":
        """Return the exception to raise; `values` fill the message and travel as `google.rpc.ErrorInfo` metadata."""
        return ServiceError(self, values)


class ServiceError(Exception):
    """An expected refusal: a catalogue row with the values of this case. Only edges turn it into wire bytes."""

    def __init__(self, row: ErrorRow, values: Mapping[str, object]) -> None:
        self.row = row
        self.values = dict(values)
        self.message = row.message.format_map(self.values)
        super().__init__(f"{row.code}: {self.message}")


ACCESS_DENIED = ErrorRow("AccessDenied", 403, Status.PERMISSION_DENIED, "{reason}")
MISSING_AUTHENTICATION_TOKEN = ErrorRow(
    "MissingAuthenticationToken",
    403,
    Status.UNAUTHENTICATED,
    "The request carries no credentials; {allowed} was expected.",
)
INVALID_CLIENT_TOKEN_ID = ErrorRow(
    "InvalidClientTokenId",
    403,
    Status.UNAUTHENTICATED,
    "The security token or access key included in the request is invalid.",
)
EXPIRED_TOKEN = ErrorRow(
    "ExpiredToken", 403, Status.UNAUTHENTICATED, "The security token included in the request is expired."
)
INVALID_PARAMETER_VALUE = ErrorRow(
    "InvalidParameterValue",
    400,
    Status.INVALID_ARGUMENT,
    "Value {value} for parameter {parameter} is invalid. Reason: {allowed}.",
)
MISSING_PARAMETER = ErrorRow(
    "MissingParameter",
    400,
    Status.INVALID_ARGUMENT,
    "The request must contain the parameter {parameter}.",
    query_code="MissingParameter",
)
INVALID_PAGE_TOKEN = ErrorRow(
    "InvalidNextToken", 400, Status.INVALID_ARGUMENT, "The page token does not belong to this listing: {allowed}."
)
IDEMPOTENT_PARAMETER_MISMATCH = ErrorRow(
    "IdempotentParameterMismatch",
    400,
    Status.INVALID_ARGUMENT,
    "The request id {request_id} was used before with other parameters for {operation}.",
)
REQUEST_TIMEOUT = ErrorRow(
    "RequestTimeout",
    400,
    Status.DEADLINE_EXCEEDED,
    "Your socket connection to the server was not read from or written to within the timeout period.",
    retryable=True,
)
STORAGE_FULL = ErrorRow(
    "InsufficientStorage",
    507,
    Status.RESOURCE_EXHAUSTED,
    "Free disk space is below the reserve of {reserve_bytes} bytes; writes that grow are refused,"
    " reads, deletes and acknowledgements work.",
    retryable=True,
)
OUTCOME_UNKNOWN = ErrorRow(
    "OutcomeUnknown",
    503,
    Status.UNKNOWN,
    "The commit was interrupted; it may or may not have taken effect. Repeat it with the same request_id.",
)
TOO_BUSY = ErrorRow(
    "ServiceUnavailable", 503, Status.UNAVAILABLE, "{what} is at its limit of {limit}; try again later.", retryable=True
)
SHUTTING_DOWN = ErrorRow("ServiceUnavailable", 503, Status.UNAVAILABLE, "The server is shutting down.", retryable=True)
INTERNAL_FAILURE = ErrorRow(
    "InternalFailure",
    500,
    Status.INTERNAL,
    "The request failed because of an error in the server; request id {request_id}.",
)
NOT_IMPLEMENTED = ErrorRow(
    "NotImplemented", 501, Status.UNIMPLEMENTED, "{what} is not implemented; see docs/compatibility.md."
)
DATA_LOSS = ErrorRow(
    "InternalError", 500, Status.DATA_LOSS, "Stored bytes of {what} do not match their checksum; they were not served."
)

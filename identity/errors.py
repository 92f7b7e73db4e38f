"""The error catalogue of identity, in the words of IAM and STS.

One row an error; the edge turns it into a status. What any room can answer stands in `cumulo.core.errors`.
"""

from cumulo.core.errors import ErrorRow, Status

NO_SUCH_ENTITY = ErrorRow("NoSuchEntity", 404, Status.NOT_FOUND, "The {what} with name {name} cannot be found.")
ENTITY_ALREADY_EXISTS = ErrorRow(
    "EntityAlreadyExists", 409, Status.ALREADY_EXISTS, "{what} with name {name} already exists."
)
DELETE_CONFLICT = ErrorRow(
    "DeleteConflict", 409, Status.FAILED_PRECONDITION, "Cannot delete entity, must {first} first."
)
LIMIT_EXCEEDED = ErrorRow("LimitExceeded", 409, Status.RESOURCE_EXHAUSTED, "Cannot exceed quota for {quota}: {limit}.")
MALFORMED_POLICY_DOCUMENT = ErrorRow(
    "MalformedPolicyDocument", 400, Status.INVALID_ARGUMENT, "{detail} (at {path} of {parameter})"
)
VALIDATION_ERROR = ErrorRow(
    "ValidationError",
    400,
    Status.INVALID_ARGUMENT,
    "Value {value} at {parameter} failed to satisfy constraint: {allowed}.",
)
CONSTRAINT = ErrorRow(
    "ValidationError",
    400,
    Status.INVALID_ARGUMENT,
    "1 validation error detected: Value '{value}' at '{parameter}' failed to satisfy constraint: Member must {allowed}",
)
REQUEST_EXPIRED = ErrorRow(
    "RequestExpired",
    400,
    Status.UNAUTHENTICATED,
    "The proof of the access key cannot be taken: {reason}. The server's clock says {server_ms}.",
)

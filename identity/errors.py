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
LIMIT_EXCEEDED = ErrorRow("LimitExceeded", 409, Status.RESOURCE_EXHAUSTED, "Cannot exceed quota for {quota}: {limit}")
NO_SUCH_ACCESS_KEY = ErrorRow("NoSuchEntity", 404, Status.NOT_FOUND, "The Access Key with id {id} cannot be found.")
NO_SUCH_LOGIN_PROFILE = ErrorRow(
    "NoSuchEntity", 404, Status.NOT_FOUND, "Login Profile for User {user} cannot be found."
)
NO_SUCH_POLICY = ErrorRow("NoSuchEntity", 404, Status.NOT_FOUND, "Policy {arn} was not found.")
NOT_ATTACHABLE = ErrorRow("NoSuchEntity", 404, Status.NOT_FOUND, "Policy {arn} does not exist or is not attachable.")
NO_SUCH_VERSION = ErrorRow(
    "NoSuchEntity", 404, Status.NOT_FOUND, "Policy {arn} version {version} does not exist or is not attachable."
)
NOT_A_MEMBER = ErrorRow("NoSuchEntity", 404, Status.NOT_FOUND, "User {user} not in group {group}")
POLICY_EXISTS = ErrorRow(
    "EntityAlreadyExists",
    409,
    Status.ALREADY_EXISTS,
    "A policy called {name} already exists. Duplicate names are not allowed.",
)
POLICY_ATTACHED = ErrorRow(
    "DeleteConflict", 409, Status.FAILED_PRECONDITION, "Cannot delete a policy attached to entities."
)
POLICY_HAS_VERSIONS = ErrorRow(
    "DeleteConflict",
    409,
    Status.FAILED_PRECONDITION,
    "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. "
    "The default version is deleted with the policy.",
)
DEFAULT_VERSION = ErrorRow(
    "DeleteConflict", 409, Status.FAILED_PRECONDITION, "Cannot delete the default version of a policy."
)
TOO_MANY_VERSIONS = ErrorRow(
    "LimitExceeded",
    409,
    Status.RESOURCE_EXHAUSTED,
    "A managed policy can have up to {limit} versions. Before you create a new version, you must delete an existing "
    "version.",
)
POLICIES_TOO_LARGE = ErrorRow(
    "LimitExceeded",
    409,
    Status.RESOURCE_EXHAUSTED,
    "Maximum policy size of {limit} bytes exceeded for {bearer} {name}",
)
DUPLICATE_TAGS = ErrorRow(
    "InvalidInput",
    400,
    Status.INVALID_ARGUMENT,
    "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
)
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

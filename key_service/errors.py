"""The error catalogue of the key service, in the words of KMS.

KMS answers 400 to everything that its caller got wrong; what any room can answer stands in `cumulo.core.errors`.
"""

from cumulo.core.errors import ErrorRow, Status

NOT_FOUND = ErrorRow("NotFoundException", 400, Status.NOT_FOUND, "Key '{arn}' does not exist")
ALIAS_NOT_FOUND = ErrorRow("NotFoundException", 400, Status.NOT_FOUND, "Alias {arn} is not found.")
INVALID_KEY_ID = ErrorRow("NotFoundException", 400, Status.NOT_FOUND, "Invalid keyId '{key_id}'")
NOT_IN_REGION = ErrorRow("NotFoundException", 400, Status.NOT_FOUND, "Invalid arn {region}")
"""An ARN of another region than the one asked, which is what KMS names as invalid."""
INVALID_ARN = ErrorRow("InvalidArnException", 400, Status.INVALID_ARGUMENT, "Invalid arn {arn}")
DISABLED = ErrorRow("DisabledException", 400, Status.FAILED_PRECONDITION, "{arn} is disabled.")
INVALID_STATE = ErrorRow("KMSInvalidStateException", 400, Status.FAILED_PRECONDITION, "{arn} is {state}.")
ALREADY_EXISTS = ErrorRow(
    "AlreadyExistsException", 400, Status.ALREADY_EXISTS, "An alias with the name {arn} already exists"
)
INVALID_ALIAS = ErrorRow("InvalidAliasNameException", 400, Status.INVALID_ARGUMENT, "{reason}")
RESERVED_ALIAS = ErrorRow(
    "NotAuthorizedException", 400, Status.PERMISSION_DENIED, "Aliases that begin with alias/aws/ are AWS's own: {name}"
)
INVALID_CIPHERTEXT = ErrorRow(
    "InvalidCiphertextException",
    400,
    Status.INVALID_ARGUMENT,
    "The ciphertext is not one of this service, was altered, or was made with another encryption context.",
)
INCORRECT_KEY = ErrorRow(
    "IncorrectKeyException",
    400,
    Status.INVALID_ARGUMENT,
    "The key ID in the request does not identify a CMK that can perform this operation.",
)
ROTATIONS_EXCEEDED = ErrorRow(
    "LimitExceededException",
    400,
    Status.RESOURCE_EXHAUSTED,
    "The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be performed"
    " for this key: {arn}",
)
LIMIT_EXCEEDED = ErrorRow("LimitExceededException", 400, Status.RESOURCE_EXHAUSTED, "{what} is limited to {limit}.")
MALFORMED_POLICY = ErrorRow("MalformedPolicyDocumentException", 400, Status.INVALID_ARGUMENT, "{reason}")
LOCKED_OUT = ErrorRow(
    "MalformedPolicyDocumentException",
    400,
    Status.INVALID_ARGUMENT,
    "The new key policy will not allow you to update the key policy in the future.",
)
TAG = ErrorRow("TagException", 400, Status.INVALID_ARGUMENT, "{reason}")
INVALID_MARKER = ErrorRow(
    "InvalidMarkerException", 400, Status.INVALID_ARGUMENT, "The marker is not one that this listing has answered."
)
UNSUPPORTED = ErrorRow("UnsupportedOperationException", 400, Status.UNIMPLEMENTED, "{reason}")
VALIDATION = ErrorRow(
    "ValidationException",
    400,
    Status.INVALID_ARGUMENT,
    "1 validation error detected: Value '{value}' at '{parameter}' failed to satisfy constraint: Member must {allowed}",
)
BLOB_VALIDATION = ErrorRow(
    "ValidationException",
    400,
    Status.INVALID_ARGUMENT,
    "1 validation error detected: Value at '{parameter}' failed to satisfy constraint: Member must {allowed}",
)
"""As `VALIDATION`, of bytes, which no message repeats."""
WRONG = ErrorRow("ValidationException", 400, Status.INVALID_ARGUMENT, "{reason}")
"""Input that breaks a rule of KMS's which its model does not state."""
AWS_MANAGED = ErrorRow(
    "AccessDeniedException", 400, Status.PERMISSION_DENIED, "{arn} is a key that the service manages by itself."
)
DRY_RUN = ErrorRow(
    "DryRunOperationException",
    400,
    Status.FAILED_PRECONDITION,
    "The request would have succeeded, but the DryRun option is set.",
)
KEY_UNREADABLE = ErrorRow(
    "KMSInternalException", 500, Status.DATA_LOSS, "The material of {arn} does not open under the storage keys."
)

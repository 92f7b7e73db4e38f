"""The room's error catalogue: Amazon S3's errors, to the letter where S3 has them.

Sources: Amazon S3 API reference, "Error responses"; `NotModified` has no S3 code, it is HTTP status 304.
"""

from cumulo.core.errors import ErrorRow, Status

NO_SUCH_BUCKET = ErrorRow("NoSuchBucket", 404, Status.NOT_FOUND, "The specified bucket does not exist: {bucket}.")
NO_SUCH_KEY = ErrorRow("NoSuchKey", 404, Status.NOT_FOUND, "The specified key does not exist: {key}.")
NO_SUCH_UPLOAD = ErrorRow(
    "NoSuchUpload",
    404,
    Status.NOT_FOUND,
    "The specified multipart upload does not exist: the upload id is invalid, or the upload was completed or aborted.",
)
NO_SUCH_BUCKET_POLICY = ErrorRow(
    "NoSuchBucketPolicy", 404, Status.NOT_FOUND, "The bucket policy does not exist: {bucket}."
)
INVALID_BUCKET_NAME = ErrorRow(
    "InvalidBucketName", 400, Status.INVALID_ARGUMENT, "The specified bucket is not valid: {bucket}: {allowed}."
)
INVALID_LOCATION_CONSTRAINT = ErrorRow(
    "InvalidLocationConstraint",
    400,
    Status.INVALID_ARGUMENT,
    "The specified location constraint is not valid: {region}.",
)
BUCKET_ALREADY_OWNED_BY_YOU = ErrorRow(
    "BucketAlreadyOwnedByYou",
    409,
    Status.ALREADY_EXISTS,
    "The bucket {bucket} already exists, and you own it.",
)
BUCKET_ALREADY_EXISTS = ErrorRow(
    "BucketAlreadyExists",
    409,
    Status.ALREADY_EXISTS,
    "The bucket name {bucket} is not available: names are shared by all accounts of the server.",
)
BUCKET_NOT_EMPTY = ErrorRow(
    "BucketNotEmpty",
    409,
    Status.FAILED_PRECONDITION,
    "The bucket {bucket} is not empty: it holds {objects} objects and {uploads} multipart uploads.",
)
KEY_TOO_LONG = ErrorRow(
    "KeyTooLongError", 400, Status.INVALID_ARGUMENT, "Your key is too long: {size} bytes; at most {allowed}."
)
KEY_MUST_BE_SPECIFIED = ErrorRow(
    "UserKeyMustBeSpecified", 400, Status.INVALID_ARGUMENT, "A key of 1 to 1024 bytes must be specified."
)
METADATA_TOO_LARGE = ErrorRow(
    "MetadataTooLarge",
    400,
    Status.INVALID_ARGUMENT,
    "Your metadata headers exceed the maximum allowed metadata size: {size} bytes; at most {allowed}.",
)
INVALID_ARGUMENT = ErrorRow(
    "InvalidArgument", 400, Status.INVALID_ARGUMENT, "Invalid value {value} for {parameter}: {allowed}."
)
INVALID_REQUEST = ErrorRow("InvalidRequest", 400, Status.INVALID_ARGUMENT, "{reason}")
INVALID_DIGEST = ErrorRow(
    "InvalidDigest", 400, Status.INVALID_ARGUMENT, "The {digest} that you specified is not valid: {allowed}."
)
BAD_DIGEST = ErrorRow(
    "BadDigest",
    400,
    Status.INVALID_ARGUMENT,
    "The {digest} that you specified did not match what the server received: {calculated}.",
)
INCOMPLETE_BODY = ErrorRow(
    "IncompleteBody",
    400,
    Status.INVALID_ARGUMENT,
    "The number of bytes received, {received}, is not what was promised: {promised}. Nothing was stored.",
)
ENTITY_TOO_LARGE = ErrorRow(
    "EntityTooLarge", 400, Status.INVALID_ARGUMENT, "Your upload exceeds the maximum allowed size of {allowed} bytes."
)
ENTITY_TOO_SMALL = ErrorRow(
    "EntityTooSmall",
    400,
    Status.INVALID_ARGUMENT,
    "Part {part_number} has {size} bytes; every part but the last has at least {allowed}.",
)
INVALID_PART = ErrorRow(
    "InvalidPart",
    400,
    Status.INVALID_ARGUMENT,
    "Part {part_number} was not uploaded, or its ETag is not the one that you gave.",
)
INVALID_PART_ORDER = ErrorRow(
    "InvalidPartOrder",
    400,
    Status.INVALID_ARGUMENT,
    "The list of parts was not in ascending order: part {part_number} stands behind part {before}.",
)
INVALID_RANGE = ErrorRow(
    "InvalidRange",
    416,
    Status.OUT_OF_RANGE,
    "The requested range {range} is not satisfiable; the object has {size} bytes.",
)
PRECONDITION_FAILED = ErrorRow(
    "PreconditionFailed",
    412,
    Status.FAILED_PRECONDITION,
    "At least one of the preconditions that you specified did not hold: {condition}.",
)
NOT_MODIFIED = ErrorRow("NotModified", 304, Status.FAILED_PRECONDITION, "The object is not modified.")
MALFORMED_POLICY = ErrorRow("MalformedPolicy", 400, Status.INVALID_ARGUMENT, "{reason}")

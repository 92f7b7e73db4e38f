"""The room's error catalogue: Amazon S3's errors, to the letter where S3 has them.

What the words do not say, the values do, which every edge carries beside them. Sources: Amazon S3 API reference, "Error
responses"; `NotModified` has no S3 code, it is HTTP status 304.
"""

import msgspec

from cumulo.core.errors import ErrorRow, Status

NO_SUCH_BUCKET = ErrorRow("NoSuchBucket", 404, Status.NOT_FOUND, "The specified bucket does not exist")
NO_SUCH_KEY = ErrorRow("NoSuchKey", 404, Status.NOT_FOUND, "The specified key does not exist.")
NO_SUCH_VERSION = ErrorRow("NoSuchVersion", 404, Status.NOT_FOUND, "The specified version does not exist.")
METHOD_NOT_ALLOWED = ErrorRow(
    "MethodNotAllowed",
    405,
    Status.FAILED_PRECONDITION,
    "The specified method is not allowed against this resource.",
)
"""Of a delete marker that is asked for by its id."""
INVALID_VERSION = ErrorRow("InvalidArgument", 400, Status.INVALID_ARGUMENT, "Invalid version id specified")
VERSION_MARKER_ALONE = ErrorRow(
    "InvalidArgument",
    400,
    Status.INVALID_ARGUMENT,
    "A version-id marker cannot be specified without a key marker.",
)
COPY_OF_MARKER = ErrorRow(
    "InvalidRequest",
    400,
    Status.INVALID_ARGUMENT,
    "The source of a copy request may not specifically refer to a delete marker by version id.",
)
ILLEGAL_VERSIONING = ErrorRow(
    "IllegalVersioningConfigurationException",
    400,
    Status.INVALID_ARGUMENT,
    "The Versioning element must be specified",
)
NO_SUCH_UPLOAD = ErrorRow(
    "NoSuchUpload",
    404,
    Status.NOT_FOUND,
    "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or "
    "completed.",
)
NO_SUCH_BUCKET_POLICY = ErrorRow("NoSuchBucketPolicy", 404, Status.NOT_FOUND, "The bucket policy does not exist")
NO_SUCH_TAG_SET = ErrorRow("NoSuchTagSet", 404, Status.NOT_FOUND, "The TagSet does not exist")
NO_SUCH_PUBLIC_ACCESS_BLOCK = ErrorRow(
    "NoSuchPublicAccessBlockConfiguration",
    404,
    Status.NOT_FOUND,
    "The public access block configuration was not found",
)
NO_SUCH_OWNERSHIP_CONTROLS = ErrorRow(
    "OwnershipControlsNotFoundError", 404, Status.NOT_FOUND, "The bucket ownership controls were not found"
)
NO_SUCH_CORS = ErrorRow("NoSuchCORSConfiguration", 404, Status.NOT_FOUND, "The CORS configuration does not exist")
NO_SUCH_LIFECYCLE = ErrorRow(
    "NoSuchLifecycleConfiguration", 404, Status.NOT_FOUND, "The lifecycle configuration does not exist"
)
NO_SUCH_WEBSITE = ErrorRow(
    "NoSuchWebsiteConfiguration", 404, Status.NOT_FOUND, "The specified bucket does not have a website configuration"
)
NO_SUCH_ENCRYPTION = ErrorRow(
    "ServerSideEncryptionConfigurationNotFoundError",
    404,
    Status.NOT_FOUND,
    "The server side encryption configuration was not found",
)
NO_SUCH_REPLICATION = ErrorRow(
    "ReplicationConfigurationNotFoundError", 404, Status.NOT_FOUND, "The replication configuration was not found"
)
UNREPLICABLE_BUCKET = ErrorRow(
    "InvalidRequest",
    400,
    Status.FAILED_PRECONDITION,
    "Versioning must be 'Enabled' on the bucket to apply a replication configuration",
)
NO_SUCH_CONFIGURATION = ErrorRow(
    "NoSuchConfiguration", 404, Status.NOT_FOUND, "The specified configuration does not exist."
)
TOO_MANY_CONFIGURATIONS = ErrorRow(
    "TooManyConfigurations",
    400,
    Status.RESOURCE_EXHAUSTED,
    "You are attempting to create a new configuration but have already reached the 1,000-configuration limit.",
)
CONFIGURATION_ID_MISMATCH = ErrorRow(
    "IdMismatch", 400, Status.INVALID_ARGUMENT, "Document ID does not match the specified configuration ID."
)
INVALID_DESTINATION_BUCKET = ErrorRow("InvalidS3DestinationBucket", 400, Status.INVALID_ARGUMENT, "Invalid bucket ARN.")
INVALID_TARGET_BUCKET = ErrorRow("InvalidTargetBucketForLogging", 400, Status.INVALID_ARGUMENT, "{reason}")
CROSS_LOCATION_LOGGING = ErrorRow(
    "CrossLocationLoggingProhibitted", 403, Status.FAILED_PRECONDITION, "Cross S3 location logging not allowed. "
)
"""S3's spelling."""
MALFORMED_CONFIGURATION = ErrorRow(
    "MalformedXML",
    400,
    Status.INVALID_ARGUMENT,
    "The XML you provided was not well-formed or did not validate against our published schema",
)
NO_SUCH_OBJECT_LOCK = ErrorRow(
    "ObjectLockConfigurationNotFoundError",
    404,
    Status.NOT_FOUND,
    "Object Lock configuration does not exist for this bucket",
)
NO_SUCH_OBJECT_LOCK_OF_OBJECT = ErrorRow(
    "NoSuchObjectLockConfiguration",
    404,
    Status.NOT_FOUND,
    "The specified object does not have a ObjectLock configuration",
)
RETENTION_PERIOD_TOO_SHORT = ErrorRow(
    "InvalidArgument", 400, Status.INVALID_ARGUMENT, "Default retention period must be a positive integer value."
)
RETENTION_PERIOD_TOO_LONG = ErrorRow(
    "InvalidArgument", 400, Status.INVALID_ARGUMENT, "Default retention period too large."
)
INVALID_BUCKET_STATE = ErrorRow("InvalidBucketState", 409, Status.FAILED_PRECONDITION, "{reason}")
INVALID_BUCKET_NAME = ErrorRow("InvalidBucketName", 400, Status.INVALID_ARGUMENT, "The specified bucket is not valid.")
INVALID_LOCATION_CONSTRAINT = ErrorRow(
    "InvalidLocationConstraint", 400, Status.INVALID_ARGUMENT, "The specified location-constraint is not valid"
)
ILLEGAL_LOCATION_CONSTRAINT = ErrorRow(
    "IllegalLocationConstraintException",
    400,
    Status.INVALID_ARGUMENT,
    "The {region} location constraint is incompatible for the region specific endpoint this request was sent to.",
)
BUCKET_ALREADY_OWNED_BY_YOU = ErrorRow(
    "BucketAlreadyOwnedByYou",
    409,
    Status.ALREADY_EXISTS,
    "Your previous request to create the named bucket succeeded and you already own it.",
)
BUCKET_ALREADY_EXISTS = ErrorRow(
    "BucketAlreadyExists",
    409,
    Status.ALREADY_EXISTS,
    "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please "
    "select a different name and try again.",
)
QUOTA_EXCEEDED = ErrorRow(
    "QuotaExceeded",
    403,
    Status.RESOURCE_EXHAUSTED,
    "The bucket would hold {size} {what}, and its quota is {allowed}.",
)
BUCKET_NOT_EMPTY = ErrorRow(
    "BucketNotEmpty", 409, Status.FAILED_PRECONDITION, "The bucket you tried to delete is not empty"
)
VERSIONS_NOT_EMPTY = msgspec.structs.replace(
    BUCKET_NOT_EMPTY,
    message="The bucket you tried to delete is not empty. You must delete all versions in the bucket.",
)
KEY_TOO_LONG = ErrorRow("KeyTooLongError", 400, Status.INVALID_ARGUMENT, "Your key is too long")
KEY_MUST_BE_SPECIFIED = ErrorRow(
    "UserKeyMustBeSpecified", 400, Status.INVALID_ARGUMENT, "A key of 1 to 1024 bytes must be specified."
)
METADATA_TOO_LARGE = ErrorRow(
    "MetadataTooLarge",
    400,
    Status.INVALID_ARGUMENT,
    "Your metadata headers exceed the maximum allowed metadata size",
)
INVALID_STORAGE_CLASS = ErrorRow(
    "InvalidStorageClass", 400, Status.INVALID_ARGUMENT, "The storage class you specified is not valid"
)
INVALID_OBJECT_STATE = ErrorRow(
    "InvalidObjectState",
    403,
    Status.FAILED_PRECONDITION,
    "The operation is not valid for the object's storage class",
)
RESTORE_NOT_ALLOWED = ErrorRow(
    "InvalidObjectState",
    403,
    Status.FAILED_PRECONDITION,
    "Restore is not allowed for the object's current storage class",
)
RESTORE_IN_PROGRESS = ErrorRow(
    "RestoreAlreadyInProgress", 409, Status.FAILED_PRECONDITION, "Object restore is already in progress"
)
INVALID_TAG = ErrorRow("InvalidTag", 400, Status.INVALID_ARGUMENT, "{reason}")
TOO_MANY_TAGS = ErrorRow("BadRequest", 400, Status.INVALID_ARGUMENT, "{what} tags cannot be greater than {allowed}")
ACL_NOT_SUPPORTED = ErrorRow(
    "AccessControlListNotSupported", 400, Status.FAILED_PRECONDITION, "The bucket does not allow ACLs"
)
INVALID_BUCKET_ACL = ErrorRow(
    "InvalidBucketAclWithObjectOwnership",
    400,
    Status.INVALID_ARGUMENT,
    "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
)
CANNED_AND_GRANTS = ErrorRow(
    "InvalidRequest", 400, Status.INVALID_ARGUMENT, "Specifying both Canned ACLs and Header Grants is not allowed"
)
UNRESOLVABLE_EMAIL = ErrorRow(
    "UnresolvableGrantByEmailAddress",
    400,
    Status.INVALID_ARGUMENT,
    "The e-mail address you provided does not match any account on record.",
)
INVALID_GROUP = ErrorRow("InvalidArgument", 400, Status.INVALID_ARGUMENT, "Invalid group uri")
INVALID_GRANTEE_ID = ErrorRow("InvalidArgument", 400, Status.INVALID_ARGUMENT, "Invalid id")
MALFORMED_ACL = ErrorRow(
    "MalformedACLError",
    400,
    Status.INVALID_ARGUMENT,
    "The XML you provided was not well-formed or did not validate against our published schema",
)
INVALID_ARGUMENT = ErrorRow(
    "InvalidArgument", 400, Status.INVALID_ARGUMENT, "Invalid value {value} for {parameter}: {allowed}."
)
REFUSED_ARGUMENT = ErrorRow("InvalidArgument", 400, Status.INVALID_ARGUMENT, "{reason}")
"""Where S3 has words of its own."""
INVALID_REDIRECT_LOCATION = ErrorRow(
    "InvalidRedirectLocation",
    400,
    Status.INVALID_ARGUMENT,
    "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.",
)
INVALID_WRITE_OFFSET = ErrorRow(
    "InvalidWriteOffset",
    400,
    Status.FAILED_PRECONDITION,
    "The write offset value that you specified does not match the current object size.",
)
TOO_MANY_PARTS = ErrorRow(
    "TooManyParts",
    400,
    Status.FAILED_PRECONDITION,
    "You have attempted to add more parts than the maximum of 10000 that are allowed for this object. You can use the "
    "CopyObject operation to copy this object to another and then add more data to the newly copied object.",
)
ENCRYPTION_TYPE_MISMATCH = ErrorRow(
    "EncryptionTypeMismatch",
    400,
    Status.FAILED_PRECONDITION,
    "The existing object was created with a different encryption type. Subsequent write requests must include the "
    "appropriate encryption parameters in the request.",
)
EVENT_NOT_SUPPORTED = ErrorRow(
    "InvalidArgument", 400, Status.INVALID_ARGUMENT, "A specified event is not supported for notifications."
)
RULES_OVERLAP = ErrorRow(
    "InvalidArgument",
    400,
    Status.INVALID_ARGUMENT,
    "Configurations overlap. Configurations on the same bucket cannot share a common event type.",
)
RULES_AMBIGUOUS = ErrorRow(
    "InvalidArgument",
    400,
    Status.INVALID_ARGUMENT,
    "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are "
    "overlapping for the same event type.",
)
INVALID_DESTINATION = ErrorRow(
    "InvalidArgument",
    400,
    Status.INVALID_ARGUMENT,
    "Unable to validate the following destination configurations",
)
EVENT_NOT_TAKEN = ErrorRow(
    "ServiceUnavailable", 503, Status.UNAVAILABLE, "{target} did not take an event: {reason}.", retryable=True
)
INVALID_CONTINUATION_TOKEN = ErrorRow(
    "InvalidArgument", 400, Status.INVALID_ARGUMENT, "The continuation token provided is incorrect"
)
INVALID_UPLOAD_ID_MARKER = ErrorRow("InvalidArgument", 400, Status.INVALID_ARGUMENT, "Invalid uploadId marker")
INVALID_PART_NUMBER_ARGUMENT = ErrorRow(
    "InvalidArgument",
    400,
    Status.INVALID_ARGUMENT,
    "Part number must be an integer between 1 and 10000, inclusive",
)
CONDITIONAL_REQUEST_CONFLICT = ErrorRow(
    "ConditionalRequestConflict",
    409,
    Status.ABORTED,
    "The conditional request cannot succeed due to a conflicting operation against this resource.",
)
COPY_RANGE_BEHIND_END = ErrorRow(
    "InvalidRequest", 400, Status.OUT_OF_RANGE, "The specified copy range is invalid for the source object size"
)
INVALID_COPY_RANGE = ErrorRow(
    "InvalidArgument",
    400,
    Status.INVALID_ARGUMENT,
    "Range specified is not valid for source object of size: {size}",
)
INVALID_REQUEST = ErrorRow("InvalidRequest", 400, Status.INVALID_ARGUMENT, "{reason}")
INVALID_CHECKSUM_VALUE = ErrorRow(
    "InvalidRequest", 400, Status.INVALID_ARGUMENT, "Value for {header} {place} is invalid."
)
WRONG_CUSTOMER_KEY = ErrorRow(
    "AccessDenied",
    403,
    Status.PERMISSION_DENIED,
    "Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret key.",
)
ENCRYPTION_ARGUMENT = ErrorRow("InvalidArgument", 400, Status.INVALID_ARGUMENT, "{message}")
INVALID_ENCRYPTION_ALGORITHM = ErrorRow(
    "InvalidEncryptionAlgorithmError",
    400,
    Status.INVALID_ARGUMENT,
    "The Encryption request you specified is not valid. Supported value: AES256.",
)
KEY_SERVICE_ERRORS = {
    code: ErrorRow("KMS." + code, 400, status, "{reason}")
    for code, status in (
        ("NotFoundException", Status.NOT_FOUND),
        ("DisabledException", Status.FAILED_PRECONDITION),
        ("KMSInvalidStateException", Status.FAILED_PRECONDITION),
        ("InvalidKeyUsageException", Status.FAILED_PRECONDITION),
    )
}
"""What S3 says where the key service refuses, by that one's codes; what is not here keeps its own."""
OBJECT_UNREADABLE = ErrorRow("InternalError", 500, Status.DATA_LOSS, "{what} cannot be decrypted: {reason}")
INVALID_DIGEST = ErrorRow("InvalidDigest", 400, Status.INVALID_ARGUMENT, "The Content-MD5 you specified was invalid.")
BAD_CONTENT_MD5 = ErrorRow(
    "BadDigest",
    400,
    Status.INVALID_ARGUMENT,
    "The Content-MD5 you specified did not match what we received.",
)
BAD_CHECKSUM = ErrorRow(
    "BadDigest",
    400,
    Status.INVALID_ARGUMENT,
    "The {digest} you specified did not match the calculated checksum.",
)
BAD_PART_CHECKSUM = ErrorRow(
    "BadDigest",
    400,
    Status.INVALID_ARGUMENT,
    "The {digest} you specified for part {number} did not match what we received.",
)
INVALID_PART_CHECKSUM = ErrorRow(
    "InvalidArgument",
    400,
    Status.INVALID_ARGUMENT,
    "Invalid Base64 or multiple checksums present in request",
)
INCOMPLETE_BODY = ErrorRow(
    "IncompleteBody",
    400,
    Status.INVALID_ARGUMENT,
    "You did not provide the number of bytes specified by the Content-Length HTTP header.",
)
ENTITY_TOO_LARGE = ErrorRow(
    "EntityTooLarge", 400, Status.INVALID_ARGUMENT, "Your proposed upload exceeds the maximum allowed size"
)
ENTITY_TOO_SMALL = ErrorRow(
    "EntityTooSmall",
    400,
    Status.INVALID_ARGUMENT,
    "Your proposed upload is smaller than the minimum allowed size",
)
INVALID_PART = ErrorRow(
    "InvalidPart",
    400,
    Status.INVALID_ARGUMENT,
    "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified "
    "entity tag may not match the part's entity tag.",
)
NO_PARTS = ErrorRow("InvalidRequest", 400, Status.INVALID_ARGUMENT, "You must specify at least one part")
INVALID_PART_ORDER = ErrorRow(
    "InvalidPartOrder",
    400,
    Status.INVALID_ARGUMENT,
    "The list of parts was not in ascending order. Parts must be ordered by part number.",
)
INVALID_RANGE = ErrorRow("InvalidRange", 416, Status.OUT_OF_RANGE, "The requested range is not satisfiable")
INVALID_PART_NUMBER = ErrorRow(
    "InvalidPartNumber", 416, Status.OUT_OF_RANGE, "The requested partnumber is not satisfiable"
)
PRECONDITION_FAILED = ErrorRow(
    "PreconditionFailed",
    412,
    Status.FAILED_PRECONDITION,
    "At least one of the pre-conditions you specified did not hold",
)
NOT_MODIFIED = ErrorRow("NotModified", 304, Status.FAILED_PRECONDITION, "The object is not modified.")
INVALID_CONFIGURATION = ErrorRow("InvalidArgument", 400, Status.INVALID_ARGUMENT, "{reason}")
MALFORMED_POLICY = ErrorRow("MalformedPolicy", 400, Status.INVALID_ARGUMENT, "{reason}")

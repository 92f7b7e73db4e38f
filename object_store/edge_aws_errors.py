"""What stands beside a message in S3's error documents, and the errors that only S3's wire knows.

Owns the names of S3's elements (`BucketName`, `ArgumentName`, ...) for the values of the room's errors, and the rows of
what is wrong with a request before the room sees it. Promises that code, status and message stay the catalogue's. Knows
no XML.

Source: what Amazon S3 answers; API reference, "Error responses".
"""

import base64
from collections.abc import Mapping
from typing import Final

from cumulo.core.errors import ErrorRow, ServiceError, Status
from cumulo.gateway.aws_errors import ADDITIONAL_MESSAGE
from cumulo.gateway.aws_service import AwsCall, InputErrors
from cumulo.gateway.aws_timestamps import rfc822
from cumulo.object_store import errors


def _refusal(code: str, message: str, http_status: int = 400) -> ErrorRow:
    return ErrorRow(code, http_status, Status.INVALID_ARGUMENT, message)


MALFORMED_XML: Final = _refusal(
    "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema"
)
MISSING_REQUEST_BODY: Final = _refusal("MissingRequestBodyError", "Request Body is empty")
MISSING_CONTENT_LENGTH: Final = _refusal(
    "MissingContentLength", "You must provide the Content-Length HTTP header.", http_status=411
)
NOT_IMPLEMENTED: Final = ErrorRow(
    "NotImplemented", 501, Status.UNIMPLEMENTED, "A header you provided implies functionality that is not implemented"
)
CONFIGURATION_NOT_IMPLEMENTED: Final = ErrorRow("NotImplemented", 501, Status.UNIMPLEMENTED, "{what} not implemented.")
INVALID_EXPECTED_OWNER: Final = _refusal(
    "InvalidBucketOwnerAWSAccountID",
    "The value of the expected bucket owner parameter must be an AWS Account ID... [{value}]",
)
MISSING_SECURITY_HEADER: Final = _refusal("MissingSecurityHeader", "Your request was missing a required header")
UNEXPECTED_CONTENT: Final = _refusal("UnexpectedContent", "This request does not support content")
NO_ATTRIBUTES: Final = _refusal(
    "InvalidRequest",
    "The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty",
)
SECOND_TO_BUCKETS: Final = (MALFORMED_XML, MISSING_REQUEST_BODY, MISSING_SECURITY_HEADER, NO_ATTRIBUTES)
"""What S3 says of requests to buckets that are there."""
MFA_REQUIRED: Final = ErrorRow(
    "AccessDenied", 403, Status.PERMISSION_DENIED, "Mfa Authentication must be used for this request"
)
_INVALID_ARGUMENT: Final = _refusal("InvalidArgument", "{message}")
_INVALID_REQUEST: Final = _refusal("InvalidRequest", "{message}")

INPUT_ERRORS: Final = InputErrors(
    missing=_refusal("InvalidRequest", "Missing required parameter for this request: '{parameter}'"),
    malformed=MALFORMED_XML,
    unknown_operation=ErrorRow(
        "NotImplemented",
        501,
        Status.UNIMPLEMENTED,
        "A header or query you provided implies functionality that is not implemented: {operation}; see"
        " docs/compatibility.md.",
    ),
    too_large=_refusal("MaxMessageLengthExceeded", "Your request was too big."),
    malformed_parameter=_refusal("InvalidArgument", "Provided {parameter} not {allowed}"),
    incomplete=MALFORMED_XML,
    no_document=MISSING_REQUEST_BODY,
)

_ELEMENTS: Final[Mapping[str, Mapping[str, str]]] = {
    "BucketAlreadyExists": {"BucketName": "Bucket"},
    "BucketAlreadyOwnedByYou": {"BucketName": "Bucket"},
    "BucketNotEmpty": {"BucketName": "Bucket"},
    "ConditionalRequestConflict": {"Condition": "condition", "Key": "Key"},
    "EntityTooLarge": {"ProposedSize": "size", "MaxSizeAllowed": "allowed"},
    "EntityTooSmall": {
        "ProposedSize": "size",
        "MinSizeAllowed": "allowed",
        "PartNumber": "part_number",
        "ETag": "etag",
    },
    "InvalidArgument": {"ArgumentName": "parameter", "ArgumentValue": "value"},
    "InvalidEncryptionAlgorithmError": {"ArgumentName": "parameter", "ArgumentValue": "value"},
    "InvalidBucketName": {"BucketName": "Bucket"},
    "InvalidLocationConstraint": {"LocationConstraint": "region"},
    "InvalidObjectState": {"StorageClass": "storage_class"},
    "InvalidPart": {"UploadId": "UploadId", "PartNumber": "part_number", "ETag": "etag"},
    "InvalidPartNumber": {"PartNumberRequested": "part_number", "ActualPartCount": "count"},
    "InvalidPartOrder": {"UploadId": "UploadId"},
    "InvalidRange": {"ActualObjectSize": "size"},
    "InvalidStorageClass": {"StorageClassRequested": "storage_class"},
    "InvalidTag": {"TagKey": "key", "TagValue": "value"},
    "KeyTooLongError": {"Size": "size", "MaxSizeAllowed": "allowed"},
    "MetadataTooLarge": {"Size": "size", "MaxSizeAllowed": "allowed"},
    "NoSuchBucket": {"BucketName": "bucket"},
    "NoSuchBucketPolicy": {"BucketName": "Bucket"},
    "NoSuchCORSConfiguration": {"BucketName": "Bucket"},
    "NoSuchKey": {"Key": "key"},
    "NoSuchLifecycleConfiguration": {"BucketName": "Bucket"},
    "NoSuchPublicAccessBlockConfiguration": {"BucketName": "Bucket"},
    "NoSuchTagSet": {"BucketName": "Bucket"},
    "NoSuchUpload": {"UploadId": "UploadId"},
    "NoSuchWebsiteConfiguration": {"BucketName": "Bucket"},
    "ObjectLockConfigurationNotFoundError": {"BucketName": "Bucket"},
    "OwnershipControlsNotFoundError": {"BucketName": "Bucket"},
    "PreconditionFailed": {"Condition": "condition"},
    "ReplicationConfigurationNotFoundError": {"BucketName": "Bucket"},
    "ServerSideEncryptionConfigurationNotFoundError": {"BucketName": "Bucket"},
}
"""By code: each element, and the value of the error that fills it, or, with a capital, the member of the request."""

_DELETE_MARKER: Final = "x-amz-delete-marker"
_ARGUMENTS: Final = {
    "version_id": "versionId",
    "content_type": "Content-Type",
    "page_token": "continuation-token",
    "if_none_match": "If-None-Match",
    "range": "Range",
}
"""What S3's requests call a parameter of the room, where it differs by more than hyphens."""


def argument_error(name: str, value: str | None, message: str) -> ServiceError:
    """Return S3's `InvalidArgument` with the argument's name and, where S3 tells it, its value."""
    return _INVALID_ARGUMENT.error(message=message, parameter=name, value=value)


def request_error(message: str) -> ServiceError:
    """Return S3's `InvalidRequest`."""
    return _INVALID_REQUEST.error(message=message)


def header_error(header: str, more: str = "") -> ServiceError:
    """Return the refusal of a header that asks for what is not built, here or, in S3's own words `more`, by S3."""
    return ServiceError(NOT_IMPLEMENTED, {"Header": header} | ({ADDITIONAL_MESSAGE: more} if more else {}))


def refusal_headers(error: ServiceError, *, denies_markers: bool = False) -> tuple[tuple[str, str], ...]:
    """Return the headers with which S3 tells of a delete marker: one that is current, or one that was asked for.

    With `denies_markers` it is also told that there is none, which S3 leaves out.
    """
    if "delete_marker" not in error.values:
        return ((_DELETE_MARKER, "false"),) if denies_markers and error.row is errors.NO_SUCH_KEY else ()
    headers = ((_DELETE_MARKER, "true"), ("x-amz-version-id", str(error.values["version_id"])))
    if error.row is not errors.METHOD_NOT_ALLOWED:
        return headers
    modified_s = int(str(error.values["modified_ms"])) // 1000
    return (*headers, ("allow", "DELETE"), ("last-modified", rfc822(modified_s * 1000)))


def add_elements(error: ServiceError, call: AwsCall) -> None:
    """Add to an error's values those elements that S3 sends with it."""
    values = error.values
    for element, source in _ELEMENTS.get(error.row.code, {}).items():
        value = getattr(call.request, source, None) if source[0].isupper() else values.get(source)
        if value is not None:
            values[element] = value
    headers = call.http.headers
    match error.row:
        case errors.NO_SUCH_KEY if "x-amz-copy-source" not in headers:
            values["Key"] = getattr(
                call.request, "Key", values["key"]
            )  # whole, where the room shows the beginning of a long one
        case errors.NO_SUCH_VERSION if "x-amz-copy-source" not in headers:
            values |= {"Key": getattr(call.request, "Key", values["key"]), "VersionId": values["version_id"]}
        case errors.METHOD_NOT_ALLOWED:
            values |= {"Method": call.http.method, "ResourceType": "DeleteMarker"}
        case errors.INVALID_GROUP if _has_list(call):
            values["ArgumentName"] = "Group/URI"
        case errors.INVALID_GRANTEE_ID if _has_list(call):
            values["ArgumentName"] = "CanonicalUser/ID"
        case errors.INVALID_RANGE:
            values["RangeRequested"] = headers.get("range", "")
        case errors.INVALID_DIGEST:
            values["Content-MD5"] = headers.get("content-md5", "")
        case errors.BAD_CONTENT_MD5:
            said, found = headers.get("content-md5", ""), bytes.fromhex(str(values["calculated"]))
            values |= {
                # S3 writes what a part or a document should have been as it came, and of a whole object in hex.
                "ExpectedDigest": base64.b64decode(said).hex() if call.operation == "PutObject" else said,
                "CalculatedDigest": base64.b64encode(found).decode(),
            }
    if "ArgumentName" in values:
        name = str(values["ArgumentName"])
        values["ArgumentName"] = _ARGUMENTS.get(name, name.replace("_", "-"))


def _has_list(call: AwsCall) -> bool:
    """Say whether a request's grants stand in a document."""
    return getattr(call.request, "AccessControlPolicy", None) is not None

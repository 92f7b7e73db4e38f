"""Refusals in the words of AWS: what SQS calls an error, in JSON and in the query protocol.

Owns the rows that only the AWS edge raises, and the way from the room's rows to AWS's wording where that differs: AWS
names its own parameters, quotes what was sent, and knows some errors by another name in each protocol. A row's `code`
is what JSON sends as `__type`, its `query_code` what the query protocol sends and `x-amzn-query-error` carries.
"""

import re

from cumulo.core.context import AnonymousPrincipal
from cumulo.core.errors import (
    ACCESS_DENIED,
    INVALID_PAGE_TOKEN,
    INVALID_PARAMETER_VALUE,
    MISSING_PARAMETER,
    ErrorRow,
    ServiceError,
    Status,
)
from cumulo.gateway.aws_service import AwsCall, InputErrors
from cumulo.queue_service import errors, redrive_allow

VALUE_CHARACTERS_MAX = 1_024
"""Ours: an answer does not grow with what was wrong in the question."""
_QUERY = "AWS.SimpleQueueService."


def _invalid_row(message: str) -> ErrorRow:
    return ErrorRow(
        "InvalidParameterValueException",
        400,
        Status.INVALID_ARGUMENT,
        message,
        query_code=INVALID_PARAMETER_VALUE.code,
    )


INVALID_VALUE = _invalid_row("Value {value} for parameter {parameter} is invalid. Reason: {reason}")
INVALID_PARAMETERS = _invalid_row("{reason}")
MISSING_REQUIRED_PARAMETER = ErrorRow(
    "MissingRequiredParameterException",
    400,
    Status.INVALID_ARGUMENT,
    "The request must contain the parameter {parameter}.",
    query_code="MissingParameter",
)
INVALID_ATTRIBUTE_NAME = ErrorRow("InvalidAttributeName", 400, Status.INVALID_ARGUMENT, "{reason}")
INVALID_ATTRIBUTE_VALUE = ErrorRow(
    "InvalidAttributeValue", 400, Status.INVALID_ARGUMENT, "Invalid value for the parameter {parameter}.{reason}"
)
INVALID_ADDRESS = ErrorRow(
    "InvalidAddress", 404, Status.INVALID_ARGUMENT, "The address {address} is not valid for this endpoint."
)
INVALID_MESSAGE_CONTENTS = ErrorRow(
    "InvalidMessageContents",
    400,
    Status.INVALID_ARGUMENT,
    "Invalid binary character '#x{code:x}' was found in the {where}, the set of allowed characters is"
    " #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF",
)
INVALID_BATCH_ENTRY_ID = ErrorRow(
    "InvalidBatchEntryId",
    400,
    Status.INVALID_ARGUMENT,
    "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters"
    " long.",
    query_code=_QUERY + "InvalidBatchEntryId",
)
BATCH_ENTRY_IDS_NOT_DISTINCT = ErrorRow(
    "BatchEntryIdsNotDistinct",
    400,
    Status.INVALID_ARGUMENT,
    "Id {id} repeated.",
    query_code=_QUERY + "BatchEntryIdsNotDistinct",
)
EMPTY_BATCH_REQUEST = ErrorRow(
    "EmptyBatchRequest",
    400,
    Status.INVALID_ARGUMENT,
    "There should be at least one {entry} in the request.",
    query_code=_QUERY + "EmptyBatchRequest",
)
UNSUPPORTED_OPERATION = ErrorRow(
    "UnsupportedOperation",
    400,
    Status.UNIMPLEMENTED,
    "{what} is not implemented; see docs/compatibility.md.",
    query_code=_QUERY + "UnsupportedOperation",
)
_QUEUE_DOES_NOT_EXIST_IN_QUERY = ErrorRow(
    "QueueDoesNotExist",
    400,
    Status.NOT_FOUND,
    "The specified queue does not exist for this wsdl version.",
    query_code=errors.QUEUE_DOES_NOT_EXIST.query_code,
)
_QUEUE_NAME_EXISTS = ErrorRow(
    "QueueNameExists",
    400,
    Status.ALREADY_EXISTS,
    errors.QUEUE_NAME_EXISTS.message,
    query_code=errors.QUEUE_NAME_EXISTS.query_code,
)
_ACCESS_DENIED = ErrorRow(
    "AccessDeniedException", 403, Status.PERMISSION_DENIED, "{reason}", query_code=ACCESS_DENIED.code
)
_RECEIPT_HANDLE_IS_INVALID = ErrorRow("ReceiptHandleIsInvalid", 404, Status.INVALID_ARGUMENT, "{reason}")
_IN_THE_ROOMS_WORDS = frozenset(
    (
        errors.MESSAGE_TOO_LONG,
        errors.DEDUPLICATION_ID_REQUIRED,
        errors.MOVE_SOURCE_IS_NO_DEAD_LETTER_QUEUE,
        errors.MOVE_DESTINATION_IS_SOURCE,
        errors.MOVE_QUEUE_TYPES_DIFFER,
        errors.MOVE_NUMBER_OUT_OF_RANGE,
        errors.MOVE_TASK_IS_RUNNING,
        errors.MOVE_TASK_IS_OVER,
        errors.TOO_MANY_TAGS,
    )
)
"""Invalid parameters that need only AWS's codes."""


class _Missing(ErrorRow, frozen=True):
    """The row that says in both protocols what the query protocol calls a parameter.

    A batch without entries is empty, and a map of attributes lacks names: older clients cannot spell either. A queue
    without a name is an invalid one.
    """

    def error(self, **values: object) -> ServiceError:
        """Return the exception to raise."""
        parameter, entry = str(values["parameter"]), f"{values.get('operation', '')}RequestEntry"
        if parameter == "Entries":
            return EMPTY_BATCH_REQUEST.error(entry=entry)
        if parameter == "QueueName":
            return invalid_parameters("Value for parameter QueueName is invalid. Reason: Must specify a queue name.")
        if parameter.startswith("Entries."):
            parameter = parameter.replace("Entries", entry, 1)
        elif parameter == "Attributes":
            parameter = "Attribute.Name"
        return super().error(**values | {"parameter": parameter})


_MISTAKEN = re.compile(r"expected `(\w+)[^`]*`, got `(\w+)`")
_GOT = {"str": "STRING_VALUE", "int": "NUMBER_VALUE", "float": "NUMBER_VALUE", "bool": "BOOLEAN_VALUE"}
_DUE = {"str": "a String", "int": "an Integer", "array": "a list", "object": "a map", "bool": "a Boolean"}


class _Serialization(ErrorRow, frozen=True):
    """The row that calls a wrong type as AWS's framework does: `STRING_VALUE can not be converted to an Integer`."""

    def error(self, **values: object) -> ServiceError:
        """Return the exception to raise."""
        reason = str(values["allowed"])
        if (mistaken := _MISTAKEN.search(reason)) is None:
            reason = f"{values['parameter'] or 'The request'} cannot be read: {reason}."
        elif mistaken[2] in ("object", "array"):
            found = "structure or map" if mistaken[2] == "object" else "list"
            reason = f"Start of {found} found where not expected."
        else:
            due = _DUE.get(mistaken[1], f"a {mistaken[1]}")
            reason = f"{_GOT.get(mistaken[2], mistaken[2])} can not be converted to {due}"
        return super().error(**values | {"reason": reason})


INPUT_ERRORS = InputErrors(
    missing=_Missing(
        MISSING_REQUIRED_PARAMETER.code,
        400,
        Status.INVALID_ARGUMENT,
        MISSING_REQUIRED_PARAMETER.message,
        query_code=MISSING_REQUIRED_PARAMETER.query_code,
    ),
    malformed=_Serialization(
        "SerializationException", 400, Status.INVALID_ARGUMENT, "{reason}", query_code="MalformedInput"
    ),
    unknown_operation=ErrorRow(
        "UnknownOperationException",
        400,
        Status.UNIMPLEMENTED,
        "The action {operation} is not valid for this endpoint.",
        query_code="InvalidAction",
    ),
    too_large=ErrorRow(
        "RequestEntityTooLargeException",
        413,
        Status.INVALID_ARGUMENT,
        "The request is larger than {allowed} bytes.",
        query_code="RequestEntityTooLarge",
    ),
)

ATTRIBUTE_NAMES = {
    "visibility_timeout_s": "VisibilityTimeout",
    "delay_s": "DelaySeconds",
    "message_retention_s": "MessageRetentionPeriod",
    "maximum_message_size_bytes": "MaximumMessageSize",
    "receive_wait_s": "ReceiveMessageWaitTimeSeconds",
    "policy": "Policy",
    "dead_letter_name": "RedrivePolicy",
    "max_receive_count": "RedrivePolicy",
    redrive_allow.PARAMETER: "RedriveAllowPolicy",
    "content_based_deduplication": "ContentBasedDeduplication",
    "deduplication_scope": "DeduplicationScope",
    "fifo_throughput_limit": "FifoThroughputLimit",
    "managed_sse_enabled": "SqsManagedSseEnabled",
    "kms_master_key_id": "KmsMasterKeyId",
    "kms_data_key_reuse_s": "KmsDataKeyReusePeriodSeconds",
}
"""The room's names of attributes and AWS's."""
_PARAMETER_NAMES = {
    "body": "MessageBody",
    "page_size": "MaxResults",
    "prefix": "QueueNamePrefix",
    "tags": "Tags",
    "delay_s": "DelaySeconds",
    "group_id": "MessageGroupId",
    "deduplication_id": "MessageDeduplicationId",
    "attempt_id": "ReceiveRequestAttemptId",
}


def is_query(call: AwsCall) -> bool:
    """Say whether a call came in the query protocol."""
    return "x-amz-target" not in call.http.headers


def shown(value: object) -> str:
    """Return what an error quotes of a value: all of it where it is not absurdly long."""
    return str(value)[:VALUE_CHARACTERS_MAX]


def invalid_value(parameter: str, value: object, reason: str) -> ServiceError:
    """Return the refusal of a parameter; `reason` is a whole sentence."""
    return INVALID_VALUE.error(parameter=parameter, value=shown(value), reason=reason)


def invalid_parameters(reason: str) -> ServiceError:
    """Return the refusal that AWS words without naming a parameter."""
    return INVALID_PARAMETERS.error(reason=reason)


def invalid_attribute(name: str, reason: str = "") -> ServiceError:
    """Return the refusal of a queue attribute's value; `reason` is a whole sentence, or nothing."""
    return INVALID_ATTRIBUTE_VALUE.error(parameter=name, reason=f" Reason: {reason}" if reason else "")


def in_aws_words(error: ServiceError, call: AwsCall) -> ServiceError:
    """Return an error of the room as AWS words it for this call; other rows stay as they are."""
    row, values = error.row, error.values
    if row is errors.QUEUE_DOES_NOT_EXIST:
        return _QUEUE_DOES_NOT_EXIST_IN_QUERY.error() if is_query(call) else error
    if row is errors.QUEUE_NAME_EXISTS:
        return _QUEUE_NAME_EXISTS.error(attribute=ATTRIBUTE_NAMES[str(values["attribute"])])
    if row is ACCESS_DENIED:
        if isinstance(call.ctx.principal, AnonymousPrincipal):
            values = values | {"reason": f"Access to the resource {_address(call)} is denied."}
        return _ACCESS_DENIED.error(**values)
    if row is INVALID_ADDRESS:
        return INVALID_ADDRESS.error(address=shown(_address(call)))
    if row in _IN_THE_ROOMS_WORDS:
        return invalid_parameters(error.message)
    if row is MISSING_PARAMETER:
        parameter = str(values["parameter"])
        if parameter == "group_id" and call.operation == "SendMessageBatch":
            return invalid_parameters("The request must contain the parameter MessageGroupId.")
        return MISSING_REQUIRED_PARAMETER.error(parameter=_PARAMETER_NAMES.get(parameter, parameter))
    if row is INVALID_PARAMETER_VALUE:
        parameter = str(values["parameter"])
        return invalid_value(_PARAMETER_NAMES.get(parameter, parameter), values["value"], f"{values['allowed']}.")
    if row is INVALID_PAGE_TOKEN:
        return invalid_value("NextToken", call.request.NextToken, "Invalid or expired next token.")
    if row is errors.INVALID_ATTRIBUTE_VALUE:
        return _invalid_attribute(error, call)
    return about_message(
        error, getattr(call.request, "ReceiptHandle", ""), getattr(call.request, "VisibilityTimeout", 0)
    )


def _address(call: AwsCall) -> str:
    """Return the URL to which a call was addressed, as AWS repeats it: the queue's, or the endpoint's."""
    url: str = getattr(call.request, "QueueUrl", None) or "/"
    return f"{call.base_url}{url}" if url.startswith("/") else url


def about_message(error: ServiceError, receipt_handle: str, timeout_s: int | None) -> ServiceError:
    """Return an error about one message as AWS words it; the latter two are what the caller sent for it."""
    row = error.row
    if row is errors.MESSAGE_TOO_LONG:  # of one in a batch: of one that is sent alone AWS says "are invalid"
        limit = error.values["limit"]
        return invalid_parameters(
            f"One or more parameters cannot be validated. Reason: Message must be shorter than {limit} bytes."
        )
    if row is errors.NOT_OF_THIS_QUEUE_TYPE:
        return invalid_value(
            _PARAMETER_NAMES[str(error.values["parameter"])],
            error.values["value"],
            "The request include parameter that is not valid for this queue type.",
        )
    if row is errors.RECEIPT_HANDLE_EXPIRED:
        return invalid_value("ReceiptHandle", receipt_handle, "The receipt handle has expired.")
    if row is errors.RECEIPT_HANDLE_IS_INVALID or row is errors.RECEIPT_HANDLE_SUPERSEDED:
        return _RECEIPT_HANDLE_IS_INVALID.error(
            reason=f'The input receipt handle "{shown(receipt_handle)}" is not a valid receipt handle.'
        )
    if row is errors.RECEIPT_HANDLE_OF_ANOTHER_QUEUE:
        return _RECEIPT_HANDLE_IS_INVALID.error(
            reason=f'The receipt handle "{receipt_handle}" is not valid for this queue.'
        )
    if row is errors.MESSAGE_NOT_AVAILABLE:
        return invalid_value(
            "ReceiptHandle",
            receipt_handle,
            "Message does not exist or is not available for visibility timeout change.",
        )
    if row is errors.TOTAL_VISIBILITY_BEYOND_LIMIT:
        limit = error.values["limit"]
        return invalid_value(
            "VisibilityTimeout",
            timeout_s,
            f"Total VisibilityTimeout for the message is beyond the limit [{limit} seconds].",
        )
    return error


def _invalid_attribute(error: ServiceError, call: AwsCall) -> ServiceError:
    """Return the refusal of an attribute that only the room could check: of a policy, or of a redrive policy."""
    parameter, allowed = str(error.values["parameter"]), str(error.values["allowed"])
    if parameter == redrive_allow.PARAMETER and allowed != redrive_allow.UNSUPPORTED_FORMAT:
        return invalid_value("RedriveAllowPolicy", error.values["value"], f"{allowed}.")
    if not parameter.startswith("dead_letter_policy"):
        return invalid_attribute(ATTRIBUTE_NAMES.get(parameter, parameter), f"{allowed}.")
    written = (call.request.Attributes or {}).get("RedrivePolicy", "")
    reason = (
        "Dead letter target does not exist."
        if allowed.endswith("must exist")
        else f"{allowed[0].upper()}{allowed[1:]}."
    )
    return invalid_value("RedrivePolicy", written, reason)

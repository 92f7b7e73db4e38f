"""Refusals that only the AWS edge of identity makes, in the words of IAM and STS.

Owns what is said of input that was found bad before a request reached the room: the two services share the words of
their model's constraints ("1 validation error detected: ...").
"""

from typing import Any

from cumulo.core.errors import INVALID_CLIENT_TOKEN_ID, INVALID_PAGE_TOKEN, ErrorRow, ServiceError, Status
from cumulo.gateway.aws_service import InputErrors
from cumulo.identity.errors import CONSTRAINT


class _AboutParameter(ErrorRow, frozen=True):
    """A row that calls a parameter as the model calls the member: `userName` for the parameter `UserName`."""

    def error(self, **values: object) -> ServiceError:
        """Return the exception to raise."""
        return super().error(**values | {"parameter": member_name(str(values["parameter"]))})


INVALID_NAME = ErrorRow(
    "ValidationError",
    400,
    Status.INVALID_ARGUMENT,
    "The specified value for {parameter} is invalid. It must contain only alphanumeric characters and/or the "
    "following: +=,.@_-",
)
INVALID_PATH = ErrorRow(
    "ValidationError",
    400,
    Status.INVALID_ARGUMENT,
    "The specified value for {parameter} is invalid. It must {bounds} with / and contain only alphanumeric characters "
    "and/or / characters.",
)
INVALID_ARN = ErrorRow("InvalidInput", 400, Status.INVALID_ARGUMENT, "ARN {arn} is not valid.")
NO_ARN = ErrorRow("ValidationError", 400, Status.INVALID_ARGUMENT, "Invalid ARN:  Could not be parsed!")
CREDENTIAL_ENDED = ErrorRow(
    "InvalidClientTokenId",
    403,
    Status.UNAUTHENTICATED,
    "The security token included in the request is invalid.",
)
INVALID_MARKER = ErrorRow("ValidationError", 400, Status.INVALID_ARGUMENT, "Invalid Marker.")
MFA_FAILED = ErrorRow(
    "AccessDenied",
    403,
    Status.PERMISSION_DENIED,
    "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and "
    "associated with this user.",
)


def input_errors() -> InputErrors:
    """Return what a service calls bad input that was found before its handler ran."""
    return InputErrors(
        missing=_AboutParameter(
            CONSTRAINT.code,
            400,
            Status.INVALID_ARGUMENT,
            "1 validation error detected: Value null at '{parameter}' failed to satisfy constraint: Member must not be "
            "null",
        ),
        malformed=_AboutParameter(
            "MalformedInput", 400, Status.INVALID_ARGUMENT, "The parameter {parameter} cannot be read: {allowed}."
        ),
        unknown_operation=ErrorRow(
            "InvalidAction",
            400,
            Status.INVALID_ARGUMENT,
            "Could not find operation {operation} for version {version}",
        ),
        too_large=ErrorRow(
            "RequestEntityTooLarge", 413, Status.INVALID_ARGUMENT, "The request is longer than {allowed} bytes."
        ),
    )


def constraint(parameter: str, value: Any, allowed: str) -> ServiceError:
    """Return the refusal of a value that breaks a constraint of the model; long values are cut."""
    text = str(value)
    shown = text if len(text) <= 256 else f"{text[:256]}..."
    return CONSTRAINT.error(value=shown, parameter=member_name(parameter), allowed=allowed)


def in_aws_words(error: ServiceError) -> ServiceError:
    """Return what AWS calls a refusal of the room, where that differs."""
    if error.row is INVALID_CLIENT_TOKEN_ID:
        return CREDENTIAL_ENDED.error()
    return INVALID_MARKER.error() if error.row is INVALID_PAGE_TOKEN else error


def member_name(parameter: str) -> str:
    """Return the name by which AWS refuses a parameter: `userName` for UserName, `tags.1.member.key` for Tags.1.Key."""
    parts = parameter.split(".")
    return ".".join(f"{part}.member" if part.isdigit() else part[:1].lower() + part[1:] for part in parts)

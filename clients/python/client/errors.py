"""What a call can raise: one class for each kind of refusal, made from the status's `google.rpc` details.

Promises that nothing is read out of a message's text: the kind comes from the gRPC status and from `ErrorInfo`, the
wait from `RetryInfo`, the parameter from `BadRequest`. Knows no service.
"""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

import grpc

_DETAILS_KEY = "grpc-status-details-bin"
_ANSWER_LOST = ("INTERNAL", "Internal error from Core")
"""What grpc.aio puts in the place of an answer that came before all was sent (grpc/grpc issue 36066)."""


class CumuloError(Exception):
    """A call that the server, or the way to it, did not answer with success.

    `code` is the service's error code, AWS's to the letter where AWS has one (`QueueDoesNotExist`); empty where no
    server answered. `status` is the gRPC status's name. `request_id` names the call in the server's logs. `details` are
    the values of the case.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        status: str = "",
        request_id: str = "",
        details: Mapping[str, str] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.status = status
        self.request_id = request_id
        self.details = dict(details or {})
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" if self.code else self.message


class NotFound(CumuloError):
    """There is no such queue, bucket, object, user, job…"""


class AlreadyExists(CumuloError):
    """The name is taken."""


class PermissionDenied(CumuloError):
    """No statement allows the call, or one denies it."""

    @property
    def action(self) -> str:
        """The action that was refused, e.g. `s3:GetObject`."""
        return self.details.get("action", "")

    @property
    def resource(self) -> str:
        """The ARN that it was refused on."""
        return self.details.get("resource", "")

    @property
    def reason(self) -> str:
        """The sentence that says by which statement, or by the lack of one."""
        return self.details.get("reason", self.message)


class Unauthenticated(CumuloError):
    """The server does not take the credentials, or there are none."""


class InvalidArgument(CumuloError):
    """A value is not allowed."""

    @property
    def parameter(self) -> str:
        """The field that was wrong, as the contract spells it."""
        return self.details.get("parameter", "")


class PreconditionFailed(CumuloError):
    """The state of the thing forbids it: an ETag differs, a bucket is not empty, a lease was lost."""


class LeaseLost(PreconditionFailed):
    """What was received or started is somebody else's by now, or gone: the work on it was in vain, or is done twice."""


class NotModified(PreconditionFailed):
    """The object is still the one that the caller has."""


class Throttled(CumuloError):
    """A limit is reached now; the same call may succeed after `retry_after` seconds."""


class LimitExceeded(CumuloError):
    """A limit is reached, and waiting does not help."""


class Conflict(CumuloError):
    """Another call interfered."""


class Unavailable(CumuloError):
    """No server answers. A call that changes something and has no `request_id` may or may not have taken effect."""


class DeadlineExceeded(CumuloError):
    """The answer did not come in time; the call may or may not have taken effect."""


class NoReply(CumuloError):
    """Nobody replied to a request in time; the request may be answered yet, and its reply reaches nobody then."""


class OutcomeUnknown(CumuloError):
    """The server was interrupted while it committed, or its answer was lost; the call may have taken effect or not."""


class DataLoss(CumuloError):
    """Bytes do not match their checksum; they were not handed out."""


class NotSupported(CumuloError):
    """The server knows the operation and does not offer it."""


class ServerFailure(CumuloError):
    """A bug in the server; its log says more under `request_id`."""


class Cancelled(CumuloError):
    """The call was ended from this side."""


class PartialFailure(CumuloError):
    """Some items of a batch or stream failed. `failures` says which: index or receipt handle, and error."""

    def __init__(self, failures: Sequence[tuple[int | str, CumuloError]], count: int) -> None:
        first = failures[0][1]
        super().__init__(
            f"{len(failures)} of {count} items failed, the first with {first}", code=first.code, status=first.status
        )
        self.failures = list(failures)


_BY_STATUS: Mapping[str, type[CumuloError]] = {
    "ABORTED": Conflict,
    "ALREADY_EXISTS": AlreadyExists,
    "CANCELLED": Cancelled,
    "DATA_LOSS": DataLoss,
    "DEADLINE_EXCEEDED": DeadlineExceeded,
    "FAILED_PRECONDITION": PreconditionFailed,
    "INVALID_ARGUMENT": InvalidArgument,
    "NOT_FOUND": NotFound,
    "OUT_OF_RANGE": InvalidArgument,
    "PERMISSION_DENIED": PermissionDenied,
    "RESOURCE_EXHAUSTED": LimitExceeded,
    "UNAUTHENTICATED": Unauthenticated,
    "UNAVAILABLE": Unavailable,
    "UNIMPLEMENTED": NotSupported,
}
_BY_CODE: Mapping[str, type[CumuloError]] = {
    "LeaseLost": LeaseLost,
    "NotModified": NotModified,
    "OutcomeUnknown": OutcomeUnknown,
}


def from_rpc(error: grpc.RpcError) -> CumuloError:
    """Return the typed form of what gRPC raised."""
    call: Any = error  # both flavours of gRPC raise an error that is the call, too
    status: str = call.code().name
    message = call.details() or status
    fields: dict[str, Any] = {"status": status}
    if (status, message) == _ANSWER_LOST:
        return OutcomeUnknown("The server ended the call before all of it was sent; its answer was lost.", **fields)
    for key, value in call.trailing_metadata() or ():
        if key == _DETAILS_KEY:
            fields.update(_read_details(value))
    return _made(message, **fields)


def from_item(code: str, message: str, parameter: str = "") -> CumuloError:
    """Return the typed form of one item's error in a batch's answer."""
    kind = _BY_ITEM_CODE.get(code, CumuloError)
    return kind(message, code=code, details={"parameter": parameter} if parameter else None)


_BY_ITEM_CODE: Mapping[str, type[CumuloError]] = {
    "AccessDenied": PermissionDenied,
    "BatchRequestTooLong": InvalidArgument,
    "InternalFailure": ServerFailure,
    "InvalidParameterValue": InvalidArgument,
    "LeaseLost": LeaseLost,
    "LogDoesNotExist": NotFound,
    "MessageNotReady": PreconditionFailed,
    "MessageNotThere": NotFound,
    "MissingParameter": InvalidArgument,
    "NoSuchKey": NotFound,
    "PreconditionFailed": PreconditionFailed,
    "ReceiptHandleIsInvalid": InvalidArgument,
    "RecordTooLong": InvalidArgument,
}


def _made(message: str, *, status: str, code: str = "", **fields: Any) -> CumuloError:
    kind = _BY_CODE.get(code) or _BY_STATUS.get(status, ServerFailure)
    if kind is LimitExceeded and fields.get("retry_after") is not None:
        kind = Throttled
    return kind(message, code=code, status=status, **fields)


def _read_details(encoded: bytes) -> dict[str, Any]:
    """Return what the `google.rpc.Status` in a trailer says; what cannot be read is left out."""
    from google.protobuf.message import DecodeError  # noqa: PLC0415 - 10 ms that only a refused call pays
    from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RequestInfo, RetryInfo  # noqa: PLC0415
    from google.rpc.status_pb2 import Status  # noqa: PLC0415

    fields: dict[str, Any] = {}
    with contextlib.suppress(DecodeError):
        for detail in Status.FromString(encoded).details:
            if detail.Is(ErrorInfo.DESCRIPTOR):
                info = ErrorInfo.FromString(detail.value)
                fields["code"] = info.reason
                fields["details"] = {**dict(info.metadata), **fields.get("details", {})}
            elif detail.Is(BadRequest.DESCRIPTOR):
                violations = BadRequest.FromString(detail.value).field_violations
                if violations:
                    fields["details"] = {**fields.get("details", {}), "parameter": violations[0].field}
            elif detail.Is(RetryInfo.DESCRIPTOR):
                delay = RetryInfo.FromString(detail.value).retry_delay
                fields["retry_after"] = delay.seconds + delay.nanos / 1e9
            elif detail.Is(RequestInfo.DESCRIPTOR):
                fields["request_id"] = RequestInfo.FromString(detail.value).request_id
    return fields

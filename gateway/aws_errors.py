"""Render a refusal in the caller's protocol, as AWS renders it.

Owns the forms: JSON's `__type`, the query protocol's `ErrorResponse`, S3's `Error`, REST-JSON's `x-amzn-ErrorType`, and
`x-amzn-query-error` for services whose older clients speak query and look for the older codes. Knows no service; what a
refusal means stands in its row (`core/errors.py`).

A value of the error whose name begins with a capital (`BucketName=...`) is a member of the answer; `members` gives such
names to values that a room calls otherwise (`{"bucket": "BucketName"}`).
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from cumulo.core.errors import ErrorRow, ServiceError, Status
from cumulo.gateway import aws_cbor, aws_json, aws_query_json
from cumulo.gateway.aws_codec import request_id_headers
from cumulo.gateway.aws_model import Encoded, Protocol, ServiceModel
from cumulo.gateway.aws_query import CONTENT_TYPE as QUERY_TYPE
from cumulo.gateway.aws_query import DECLARATION
from cumulo.gateway.aws_rest import JSON_TYPE, XML_DECLARATION, XML_TYPE
from cumulo.gateway.aws_xml import text_of

Members = Mapping[str, str]

_CORAL = "com.amazon.coral.service"
"""Where AWS's framework keeps the errors that are no service's own."""
NO_OPERATION = ErrorRow("UnknownOperationException", 404, Status.UNIMPLEMENTED, "The request names no operation.")
"""What the services that speak query beside JSON say of a request that names no action: an element, and no more."""
MISSING_ACTION = ErrorRow(
    "MissingAction", 400, Status.INVALID_ARGUMENT, "The request is missing an action or a required parameter."
)
_WITHOUT_BODY = frozenset({204, 304})
ADDITIONAL_MESSAGE = "additionalMessage"
"""The one element of an error, of S3's, that does not begin with a capital."""


def render(
    error: ServiceError,
    service: ServiceModel,
    protocol: Protocol,
    request_id: str,
    *,
    host_id: str = "",
    resource: str = "",
    head: bool = False,
    in_json: bool = False,
    members: Members = {},  # noqa: B006 - never written
) -> Encoded:
    """Return the answer to a request that was refused.

    `resource` is the path that S3 repeats, `host_id` its second id; `head`: the request was a HEAD, so the answer has
    the headers only. `in_json`: a caller of the query protocol wants no XML.
    """
    values = _members(error, members)
    headers = request_id_headers(protocol, request_id, host_id)
    body = b""
    content_type = ""
    match protocol:
        case "json":
            content_type, body = aws_json.content_type(service), msgspec.json.encode(_typed(error, service, values))
        case "smithy-rpc-v2-cbor":
            content_type, body = aws_cbor.CONTENT_TYPE, aws_cbor.dumps(_typed(error, service, values))
            headers += (aws_cbor.PROTOCOL_HEADER,)
        case "rest-json":
            content_type, body = JSON_TYPE, msgspec.json.encode({"message": error.message, **values})
            headers += (("x-amzn-ErrorType", _shape(error.row, service)),)
        case "query" if error.row is NO_OPERATION:
            body = b"<UnknownOperationException/>\n"
        case "query" if in_json:
            content_type = JSON_TYPE
            body = aws_query_json.refusal(error, _code(error.row, service), _fault(error.row), request_id, values)
        case "query":
            content_type, body = QUERY_TYPE, _error_response(error, service, request_id, values)
        case "rest-xml":
            content_type, body = XML_TYPE, _s3_error(error, request_id, host_id, resource, values)
    if service.query_compatible and protocol in {"json", "smithy-rpc-v2-cbor"}:
        headers += (("x-amzn-query-error", f"{_code(error.row, service)};{_fault(error.row)}"),)
    if error.row.http_status in _WITHOUT_BODY:
        return Encoded(error.row.http_status, headers)
    return Encoded(error.row.http_status, headers, content_type, b"" if head else body)


def _members(error: ServiceError, members: Members) -> dict[str, Any]:
    named = {members.get(name, name): value for name, value in error.values.items()}
    return {name: value for name, value in named.items() if name[0].isupper() or name == ADDITIONAL_MESSAGE}


def _typed(error: ServiceError, service: ServiceModel, values: dict[str, Any]) -> dict[str, Any]:
    shape = _shape(error.row, service)
    namespace = f"com.amazonaws.{service.name}" if shape in service.errors else _CORAL
    message = {"message": error.message} if error.message else {}
    return {"__type": f"{namespace}#{shape}", **message, **values}


def _error_response(error: ServiceError, service: ServiceModel, request_id: str, values: dict[str, Any]) -> bytes:
    # The services that declare their XML have an empty Detail, too.
    declaration, detail = (DECLARATION, "<Detail/>") if service.query_compatible else ("", "")
    return (
        f'{declaration}<ErrorResponse xmlns="{service.xml_namespace}"><Error><Type>{_fault(error.row)}</Type>'
        f"<Code>{text_of(_code(error.row, service))}</Code><Message>{text_of(error.message)}</Message>"
        f"{_elements(values)}{detail}</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    ).encode()


def _s3_error(error: ServiceError, request_id: str, host_id: str, resource: str, values: dict[str, Any]) -> bytes:
    if resource:
        values = {**values, "Resource": resource}
    return (
        f"{XML_DECLARATION}<Error><Code>{text_of(error.row.code)}</Code><Message>{text_of(error.message)}</Message>"
        f"{_elements(values)}<RequestId>{request_id}</RequestId><HostId>{text_of(host_id)}</HostId></Error>"
    ).encode()


def _elements(values: dict[str, Any]) -> str:
    return "".join(f"<{name}>{text_of(str(value))}</{name}>" for name, value in values.items())


def _shape(row: ErrorRow, service: ServiceModel) -> str:
    model = service.errors_by_code.get(row.code)
    return model.name if model else row.code


def _code(row: ErrorRow, service: ServiceModel) -> str:
    model = service.errors_by_code.get(row.code)
    return row.query_code or (model.code if model else row.code)


def _fault(row: ErrorRow) -> str:
    return "Sender" if row.http_status < 500 else "Receiver"

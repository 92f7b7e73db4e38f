"""Decode a request and encode an answer in any of AWS's protocols.

Owns the choice of a protocol's codec, and nothing of what they do: `aws_json`, `aws_query`, `aws_rest` (with `aws_xml`)
and `aws_cbor`. Each compiles what it needs of an operation at the operation's first call. Knows no service.
"""

from cumulo.gateway import aws_cbor, aws_json, aws_query, aws_rest
from cumulo.gateway.aws_model import (
    Empty,
    Encoded,
    OperationModel,
    Protocol,
    RequestHead,
    ServiceModel,
    Structure,
)


def decode(
    operation: OperationModel, protocol: Protocol, head: RequestHead, body: bytes | memoryview = b""
) -> Structure:
    """Return an operation's input structure.

    `body` is the whole body, empty for an operation whose input streams. In the query protocol parameters may stand in
    `head.query` (a URL's query, or a form that was parsed already), in `body`, or in both. Raises `MissingMember` or
    `MalformedInput`.
    """
    match protocol:
        case "json":
            return aws_json.decode(operation, body)
        case "query":
            return aws_query.decode(operation, head, body)
        case "rest-xml":
            return aws_rest.decode_xml(operation, head, body)
        case "rest-json":
            return aws_rest.decode_json(operation, head, body)
        case "smithy-rpc-v2-cbor":
            return aws_cbor.decode(operation, body)


def encode(
    service: ServiceModel, operation: OperationModel, protocol: Protocol, output: Structure | None, request_id: str
) -> Encoded:
    """Return an operation's answer. `output` None stands for one without members; a body that streams is not in it."""
    if output is None or operation.output is Empty:
        output = operation.output()
    assert isinstance(output, operation.output), f"{operation.name} answers {operation.output.__name__}"
    match protocol:
        case "json":
            return aws_json.encode(service, operation, output)
        case "query":
            return aws_query.encode(service, operation, output, request_id)
        case "rest-xml":
            return aws_rest.encode_xml(service, operation, output)
        case "rest-json":
            return aws_rest.encode_json(operation, output)
        case "smithy-rpc-v2-cbor":
            return aws_cbor.encode(operation, output)


def request_id_headers(protocol: Protocol, request_id: str, host_id: str = "") -> tuple[tuple[str, str], ...]:
    """Return the headers in which AWS names a request; every answer has them, good or bad."""
    if protocol == "rest-xml":
        return (("x-amz-request-id", request_id), ("x-amz-id-2", host_id))
    return (("x-amzn-RequestId", request_id),)

"""The query protocol's other answers: JSON, for a caller who says that he accepts it.

Owns the form that AWS's framework gives them, which is neither that of AWS JSON nor documented: the XML's levels, with
members in the order of their names, `null` for what is not there, and a map that XML flattens as a list of pairs.
Clients of it are API Gateway's users, and who have a signed link of STS followed. Knows no service: a member whose name
here is older than the model's has it from the service (`AwsService.json_names`).
"""

import base64
from collections.abc import Mapping
from typing import Any

import msgspec

from cumulo.core.errors import ServiceError
from cumulo.gateway import aws_timestamps
from cumulo.gateway.aws_model import Encoded, OperationModel, Structure
from cumulo.gateway.aws_rest import JSON_TYPE
from cumulo.gateway.aws_shapes import Shape, body_members

CONTENT_TYPE_PARAMETER = "ContentType"
"""How clients asked for JSON before they could by header: `ContentType=JSON`."""
_encoder = msgspec.json.Encoder(order="sorted")


def is_accepted(headers: Mapping[str, str]) -> bool:
    """Say whether a request accepts JSON by name."""
    accepted = headers.get("accept", "").lower().split(",")
    return any(it.partition(";")[0].strip() == JSON_TYPE for it in accepted)


def encode(operation: OperationModel, output: Structure | None, request_id: str, names: Mapping[str, str]) -> Encoded:
    """Return an operation's answer; `output` None stands for one without members."""
    answer: dict[str, Any] = {"ResponseMetadata": {"RequestId": request_id}}
    if operation.output_wrapper:
        answer[operation.output_wrapper] = _structure(operation.output() if output is None else output, names)
    return Encoded(200, content_type=JSON_TYPE, body=_encoder.encode({f"{operation.name}Response": answer}))


def refusal(error: ServiceError, code: str, fault: str, request_id: str, values: Mapping[str, Any]) -> bytes:
    """Return the document of an error; `values` are its members beside those of every error."""
    body = {"Code": code, "Message": error.message, "Type": fault, **values}
    return _encoder.encode({"Error": body, "RequestId": request_id})


def _structure(value: Structure, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        names.get(member.wire, member.wire): _plain(getattr(value, member.attribute), member.shape, names)
        for member in body_members(type(value))
    }


def _plain(value: Any, shape: Shape, names: Mapping[str, str]) -> Any:
    if value is None or value is msgspec.UNSET:
        return None
    match shape.kind:
        case "structure":
            return _structure(value, names)
        case "list":
            assert shape.item is not None
            return [_plain(it, shape.item, names) for it in value]
        case "map":
            assert shape.item is not None
            entries = {key: _plain(it, shape.item, names) for key, it in value.items()}
            if not shape.xml.flat:
                return entries
            return [{shape.xml.key or "key": key, shape.xml.value or "value": it} for key, it in entries.items()]
        case "blob":
            return base64.b64encode(value).decode()
        case "timestamp":
            return aws_timestamps.unix_seconds(value)
        case _:
            return value

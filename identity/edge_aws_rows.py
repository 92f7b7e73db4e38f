"""The form of IAM's table on the AWS edge: one row an operation, from AWS's shape to the model and back.

Knows the generated structures by name only; they are imported at the first call.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import msgspec

from cumulo.core.lazy import LazyModule
from cumulo.gateway.aws_service import AwsCall
from cumulo.identity import model

aws_iam: Any = LazyModule("cumulo.identity.aws_iam")

Parse = Callable[[AwsCall], model.Request]
Render = Callable[[AwsCall, Any], Any]


class Row(msgspec.Struct, frozen=True):
    """How an operation is asked of the room, and how its answer is shown."""

    parse: Parse
    render: Render


def nothing(_call: AwsCall, _value: Any) -> None:
    """Show nothing but success."""


def page_of(request: Any) -> dict[str, Any]:
    """Return the fields of the model's listings that a listing of IAM has."""
    return {"page_size": request.MaxItems or 0, "page_token": request.Marker or ""}


def paged(listed: model.Listed[Any]) -> dict[str, Any]:
    """Return the members of an answer that tell whether a listing goes on."""
    return {"IsTruncated": bool(listed.next_page), "Marker": listed.next_page or None}


def tags_of(request: Any) -> model.Tags:
    """Return the tags of a request."""
    return tuple((tag.Key, tag.Value) for tag in request.Tags or ())


def tags(tagged: model.Tags) -> list[Any]:
    """Return tags as they are shown."""
    return [aws_iam.Tag(Key=key, Value=value) for key, value in tagged]


def seconds(time_ms: int) -> int:
    """Return a time as IAM shows it: in whole seconds."""
    return time_ms // 1_000 * 1_000


def encoded(document: str) -> str:
    """Return a document as IAM shows it: percent-encoded (RFC 3986)."""
    return quote(document, safe="")

"""Smithy's RPC-v2-CBOR, which AWS's newer clients speak to CloudWatch: a CBOR map in, a CBOR map out.

Promises: depth is bounded, keys are texts and stand once, and no tag but that of a point in time is taken: others
compile patterns, share values and build numbers of any size. Source: smithy.io, "Smithy RPC v2 CBOR protocol". cbor2 is
imported at the first call.
"""

import functools
from collections.abc import Callable
from io import BytesIO
from typing import Any

import msgspec

from cumulo.gateway import aws_timestamps
from cumulo.gateway.aws_model import (
    Encoded,
    MalformedInput,
    OperationModel,
    Structure,
)
from cumulo.gateway.aws_shapes import Change, from_plain, timestamps_changed

CBOR_DEPTH_MAX = 64
CONTENT_TYPE = "application/cbor"
PROTOCOL_HEADER = ("smithy-protocol", "rpc-v2-cbor")

_TIMESTAMP_TAG = 1
_REFUSED_TAGS = (0, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 52, 54, 100, 256, 258, 260, 261, 1004, 43000, 55799)
"""What cbor2 would read by itself, beside points in time; tags that it does not know reach its `tag_hook`."""


def operation_name(path: str) -> str:
    """Return the operation of `/service/{service}/operation/{operation}`, empty for another path."""
    parts = path.split("/")
    return parts[4] if len(parts) == 5 and parts[1] == "service" and parts[3] == "operation" else ""


def decode(operation: OperationModel, body: bytes | memoryview) -> Structure:
    """Return an operation's input. An empty body is an empty map. Raises `MalformedInput` or `MissingMember`."""
    values = _loads(body) if body else {}
    return from_plain("cbor", values, operation.input, strict=True)


def encode(operation: OperationModel, output: Structure) -> Encoded:
    """Return an operation's answer."""
    return Encoded(200, (PROTOCOL_HEADER,), CONTENT_TYPE, _writer(operation.output)(output))


def dumps(values: Any) -> bytes:
    """Return plain values without points in time as a document."""
    import cbor2  # noqa: PLC0415 - as below

    return cbor2.dumps(values)


def _loads(body: bytes | memoryview) -> Any:
    """Return a document's plain values, points in time as milliseconds."""
    import cbor2  # noqa: PLC0415 - no client of the services here speaks CBOR so far

    file = BytesIO(body)
    decoder = cbor2.CBORDecoder(
        file,
        tag_hook=_refuse,
        semantic_decoders={_TIMESTAMP_TAG: _milliseconds, **dict.fromkeys(_REFUSED_TAGS, _refuse)},
        max_depth=CBOR_DEPTH_MAX,
        allow_duplicate_keys=False,
        strict_hashable_types=True,
    )
    try:
        values = decoder.decode()
    except (cbor2.CBORError, ValueError, TypeError, RecursionError) as error:
        raise MalformedInput("cbor", f"a well-formed document: {error}") from None
    if file.tell() != len(body):
        raise MalformedInput("cbor", "one document")
    return values


def _refuse(_value: Any, _immutable: bool) -> Any:  # noqa: FBT001 - cbor2's form
    raise ValueError("a tag other than that of a point in time")


def _milliseconds(value: Any, _immutable: bool) -> int:  # noqa: FBT001 - as above
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("a point in time that is no number")
    return aws_timestamps.in_range(round(value * aws_timestamps.MS_PER_S))


@functools.cache
def _writer(structure: type[Structure]) -> Callable[[Structure], bytes]:
    import cbor2  # noqa: PLC0415 - as above

    def tagged(moment_ms: int) -> cbor2.CBORTag:
        return cbor2.CBORTag(_TIMESTAMP_TAG, aws_timestamps.unix_seconds(moment_ms))

    def of_timestamp(_time_format: str) -> Change:
        return tagged

    def write(value: Structure) -> bytes:
        values = msgspec.to_builtins(value, builtin_types=(bytes,))
        return cbor2.dumps(timestamps_changed(structure, of_timestamp, values))

    return write

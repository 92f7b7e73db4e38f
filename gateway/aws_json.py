"""AWS JSON 1.0 and 1.1, and the JSON bodies of REST-JSON.

Owns the strictness that msgspec's decoder lacks: members that stand twice are refused, as parsers differ on which of
them counts, and nesting is bounded. Both checks cost next to nothing for usual input: they count bytes first, and read
the text a second time only where the count leaves the question open. Not-a-number is no JSON and refused by msgspec.
Timestamps are seconds on this wire.
"""

import functools
import json
import re
from collections.abc import Callable, Collection
from typing import Any

import msgspec

from cumulo.gateway import aws_timestamps
from cumulo.gateway.aws_model import (
    Encoded,
    MalformedInput,
    OperationModel,
    ServiceModel,
    Structure,
)
from cumulo.gateway.aws_shapes import (
    VALUE_SHOWN_CHARS_MAX,
    Change,
    Shape,
    from_plain,
    has_timestamps,
    members_of,
    refused,
    timestamps_changed,
)

JSON_DEPTH_MAX = 64
"""Of our own: the deepest input of a modelled service has 9 levels."""
JSON_TOKENS_MAX = 100_000
"""Of our own: texts, objects and lists, counted where brackets are many. A batch of messages has about 1,000."""

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"?|[\[{]|[\]}]', re.DOTALL)
_encoder = msgspec.json.Encoder()


def decode(operation: OperationModel, body: bytes | memoryview) -> Structure:
    """Return an operation's input. An empty body is an empty object. Raises `MalformedInput` or `MissingMember`."""
    return _reader(operation.input)(bytes(body) or b"{}")


def encode(service: ServiceModel, operation: OperationModel, output: Structure) -> Encoded:
    """Return an operation's answer."""
    return Encoded(200, content_type=content_type(service), body=_writer(operation.output)(output))


def content_type(service: ServiceModel) -> str:
    """Return the media type of a service's JSON; one that has none is refused in that of most."""
    return f"application/x-amz-json-{service.json_version or '1.0'}"


def plain(body: bytes) -> dict[str, Any]:
    """Return a body as plain values, for a reader that adds members from elsewhere."""
    values = _decoded(msgspec.json.decode, body)
    if not isinstance(values, dict):
        raise MalformedInput("json", "an object")
    _check_members(body, _colons(values))
    return values


@functools.cache
def _reader(structure: type[Structure]) -> Callable[[bytes], Structure]:
    if has_timestamps(structure):
        return lambda body: from_plain("json", in_milliseconds(structure, plain(body)), structure, strict=True)
    decoder = msgspec.json.Decoder(structure).decode
    colons = _colon_counter(structure)

    def read(body: bytes) -> Structure:
        value: Structure = _decoded(decoder, body)
        _check_members(body, colons(value))
        return value

    return read


def _decoded(decoder: Callable[[bytes], Any], body: bytes) -> Any:
    try:
        _check_depth(body)
        return decoder(body)
    except msgspec.ValidationError as error:
        raise refused("json", error) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedInput("json", f"a well-formed document: {error}") from None
    except RecursionError:
        raise MalformedInput("json", f"at most {JSON_DEPTH_MAX} levels") from None


def _check_depth(body: bytes) -> None:
    if body.count(b"{") + body.count(b"[") <= JSON_DEPTH_MAX:
        return
    depth = 0
    for number, token in enumerate(_TOKEN.finditer(body)):
        if number > JSON_TOKENS_MAX:
            raise MalformedInput("json", f"at most {JSON_TOKENS_MAX} values")
        first = body[token.start()]
        if first in b"{[":
            depth += 1
            if depth > JSON_DEPTH_MAX:
                raise MalformedInput("json", f"at most {JSON_DEPTH_MAX} levels")
        elif first in b"}]":
            depth -= 1


def _check_members(body: bytes, colons: int) -> None:
    """Refuse a body in which a member stands twice; `colons` is what the decoded value accounts for.

    Each member has its colon. If the decoded value accounts for every colon of the body, by a member or within a text,
    no member was dropped. Only a text that spells a colon as an escape could hide one, so escapes are looked at anew.
    """
    if body.count(b":") == colons and b"\\u" not in body:
        return
    try:
        json.loads(body, object_pairs_hook=_once)
    except RecursionError:
        raise MalformedInput("json", f"at most {JSON_DEPTH_MAX} levels") from None
    except ValueError as error:  # an integer of more digits than Python takes
        raise MalformedInput("json", f"a well-formed document: {error}") from None


def _colons(value: Any) -> int:
    """Return how many colons the JSON text of a plain value has."""
    if isinstance(value, str):
        return value.count(":")
    if isinstance(value, dict):
        return len(value) + sum(map(_colons, value)) + sum(map(_colons, value.values()))
    return sum(map(_colons, value)) if isinstance(value, list) else 0


@functools.cache
def _colon_counter(structure: type[Structure]) -> Callable[[Structure], int]:
    """Return the function that counts the colons in a structure's JSON text, compiled: it runs for every request."""
    names: dict[str, Any] = {}
    source = ["def count(o):", "    n = 0"]
    for member in members_of(structure):
        source.append(f"    if (v := o.{member.attribute}) is not None:")
        source.append(f"        n += 1 + {_colons_source('v', member.shape, names)}")
    source.append("    return n")
    exec("\n".join(source), names)  # noqa: S102 - made of the model's own names, never of a caller's text
    counter: Callable[[Structure], int] = names["count"]
    return counter


def _colons_source(value: str, shape: Shape, names: dict[str, Any]) -> str:
    """Return the expression for the colons within `value`."""
    match shape.kind:
        case "string":
            return f"{value}.count(':')"
        case "structure":
            count = f"count_{shape.structure.__name__}"
            names[count] = _inner_counter(shape.structure)
            return f"{count}({value})"
        case "list":
            assert shape.item is not None
            return f"sum([{_colons_source('i', shape.item, names)} for i in {value}])"
        case "map":
            assert shape.item is not None
            item = _colons_source("w", shape.item, names)
            return f"sum([1 + k.count(':') + {item} for k, w in {value}.items()])"
        case _:
            return "0"


def _inner_counter(structure: type[Structure]) -> Callable[[Structure], int]:
    def count(value: Structure) -> int:
        # Compiled when it is first met: structures may hold themselves.
        return _colon_counter(structure)(value)

    return count


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedInput("json", "each member once")
    return members


@functools.cache
def _writer(structure: type[Structure]) -> Callable[[Structure], bytes]:
    return body_writer(structure, ()) if has_timestamps(structure) else _encoder.encode


def body_writer(structure: type[Structure], elsewhere: Collection[str]) -> Callable[[Structure], bytes]:
    """Return the function that writes a structure without the members `elsewhere`, which travel outside the body."""

    def write(value: Structure) -> bytes:
        values = msgspec.to_builtins(value)
        for wire in elsewhere:
            values.pop(wire, None)
        return _encoder.encode(timestamps_changed(structure, _to_wire, values))

    return write


# -- Timestamps: in plain values, before they become a structure and after they were one


def in_milliseconds(structure: type[Structure], values: Any) -> Any:
    """Return a body's plain values with their timestamps in milliseconds. Raises `MalformedInput`."""
    return timestamps_changed(structure, _from_wire, values)


def _from_wire(_time_format: str) -> Change:
    return _milliseconds


def _milliseconds(value: Any) -> int:
    try:
        if isinstance(value, str):
            return aws_timestamps.parsed(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return aws_timestamps.in_range(round(value * aws_timestamps.MS_PER_S))
    except ValueError:
        pass
    raise MalformedInput("json", "a timestamp in seconds", value=str(value)[:VALUE_SHOWN_CHARS_MAX])


def _to_wire(time_format: str) -> Change:
    return {"iso8601": aws_timestamps.iso8601, "rfc822": aws_timestamps.rfc822}.get(
        time_format, aws_timestamps.unix_seconds
    )

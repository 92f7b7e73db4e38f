"""The REST protocols: members in the path, the query string and headers; bodies of XML (S3) or JSON (Batch).

Owns the binding of members to their places and the three kinds of body: a payload member alone (a structure, or text as
it is), the members without a place, or none. A payload that streams is no member and not read here. Header values that
HTTP cannot carry (metadata beyond ASCII) are written as RFC 2047 says, as S3 does; so no value can break a line.
"""

import base64
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, TypeAlias

import msgspec

from cumulo.gateway import aws_json, aws_timestamps, aws_xml
from cumulo.gateway.aws_model import (
    Encoded,
    Header,
    Label,
    MalformedInput,
    OperationModel,
    Payload,
    PrefixedHeaders,
    Query,
    RequestHead,
    ServiceModel,
    StatusCode,
    Structure,
)
from cumulo.gateway.aws_shapes import (
    VALUE_SHOWN_CHARS_MAX,
    Member,
    Shape,
    body_members,
    from_plain,
    members_of,
    payload_member,
)
from cumulo.gateway.encoded_words import header_text

XML_TYPE = "application/xml"
JSON_TYPE = "application/json"
XML_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

Bind: TypeAlias = Callable[[RequestHead, dict[str, Any]], None]
Values: TypeAlias = dict[str, Any]

_PYTHON_TYPES: Mapping[str, Any] = {"integer": int, "float": float, "boolean": bool, "blob": bytes}


# -- Requests


def decode_xml(operation: OperationModel, head: RequestHead, body: bytes | memoryview) -> Structure:
    """Return an operation's input from REST-XML. Raises `MalformedInput` or `MissingMember`."""
    values = _bound(operation.input, head)
    if body and not operation.input_stream:
        if (payload := payload_member(operation.input)) is not None:
            values[payload.wire] = _xml_payload(payload, body)
        elif operation.input_root:
            values |= aws_xml.read_values(aws_xml.parse(body), operation.input_root, operation.input)
    return from_plain("xml", values, operation.input, strict=False)


def decode_json(operation: OperationModel, head: RequestHead, body: bytes | memoryview) -> Structure:
    """Return an operation's input from REST-JSON. Raises `MalformedInput` or `MissingMember`."""
    values = _bound(operation.input, head)
    if body and not operation.input_stream:
        payload = payload_member(operation.input)
        if payload is None:
            values |= aws_json.in_milliseconds(
                operation.input, _body_only(operation.input, aws_json.plain(bytes(body)))
            )
        elif payload.shape.kind == "structure":
            values[payload.wire] = aws_json.in_milliseconds(payload.shape.structure, aws_json.plain(bytes(body)))
        else:
            values[payload.wire] = _raw_payload(payload, body)
    return from_plain("json", values, operation.input, strict=True)


def _body_only(structure: type[Structure], values: Values) -> Values:
    """Return the values without those that may only come in another place: a body overrides no path."""
    body = {member.wire for member in body_members(structure)}
    return {wire: value for wire, value in values.items() if wire in body}


def _xml_payload(payload: Member, body: bytes | memoryview) -> Any:
    if payload.shape.kind != "structure":
        return _raw_payload(payload, body)
    return aws_xml.read_values(aws_xml.parse(body), payload.element, payload.shape.structure)


def _raw_payload(payload: Member, body: bytes | memoryview) -> bytes | str:
    if payload.shape.kind == "blob":
        return bytes(body)
    try:
        return str(body, "utf-8")
    except UnicodeDecodeError:
        raise MalformedInput("body", "text in UTF-8", payload.wire) from None


def _bound(structure: type[Structure], head: RequestHead) -> Values:
    """Return the members that the head carries, each of its own type already."""
    values: Values = {}
    for bind in _binds(structure):
        bind(head, values)
    return values


@functools.cache
def _binds(structure: type[Structure]) -> tuple[Bind, ...]:
    binds = []
    members = members_of(structure)
    for place, bind in ((Label, _bind_labels), (Header, _bind_headers), (Query, _bind_query)):
        if found := tuple(member for member in members if isinstance(member.place, place)):
            binds.append(bind(found))
    binds += [
        _bind_prefixed(member, member.place.prefix.lower())
        for member in members
        if isinstance(member.place, PrefixedHeaders)
    ]
    return tuple(binds)


_MAY_BE_NO_DATE = ("if-modified-since", "if-unmodified-since", "expires")
"""How headers end whose date may be none: such a condition is ignored (RFC 9110, sections 13.1.3 and 13.1.4), and
`Expires: 0` is usual.
"""


def _bind_labels(members: Sequence[Member]) -> Bind:
    table = tuple((_name(member), member.wire, _parser(member, "uri")) for member in members)

    def bind(head: RequestHead, values: Values) -> None:
        for name, wire, parse in table:
            if text := head.labels.get(name):
                values[wire] = parse(text)

    return bind


def _bind_headers(members: Sequence[Member]) -> Bind:
    table = {_name(member).lower(): (member.wire, _parser(member, "header")) for member in members}

    def bind(head: RequestHead, values: Values) -> None:
        for name, text in head.headers.items():
            if (entry := table.get(name)) is not None:
                try:
                    values[entry[0]] = entry[1](text)
                except MalformedInput:
                    if not name.endswith(_MAY_BE_NO_DATE):
                        raise

    return bind


def _bind_query(members: Sequence[Member]) -> Bind:
    table = {_name(member): (member.wire, _parser(member, "uri"), member.shape.kind == "list") for member in members}
    numbers = {member.wire for member in members if member.shape.kind == "integer"}

    def bind(head: RequestHead, values: Values) -> None:
        for name, text in head.query:
            if (entry := table.get(name)) is None:
                continue
            wire, parse, repeats = entry
            if not text and wire in numbers:
                continue  # to S3 an empty number is none
            if repeats:
                values.setdefault(wire, []).extend(parse(text))
            elif wire in values:
                raise MalformedInput("uri", "the parameter once", name)
            else:
                values[wire] = parse(text)

    return bind


def _bind_prefixed(member: Member, prefix: str) -> Bind:
    def bind(head: RequestHead, values: Values) -> None:
        entries = {name[len(prefix) :]: text for name, text in head.headers.items() if name.startswith(prefix)}
        if entries:
            values[member.wire] = entries

    return bind


def _name(member: Member) -> str:
    assert isinstance(member.place, Header | Query | Label)
    return member.place.name


def _parser(member: Member, where: str) -> Callable[[str], Any]:
    """Return what makes a member's value from its text."""
    if member.shape.kind == "list":
        assert member.shape.item is not None
        item = _scalar_parser(member.shape.item, where, _name(member))
        if where == "uri":
            return lambda text: [item(text)]
        return lambda text: [item(part.strip(" ")) for part in text.split(",")]
    return _scalar_parser(member.shape, where, _name(member))


def _scalar_parser(shape: Shape, where: str, name: str) -> Callable[[str], Any]:
    if shape.kind == "string":
        return str
    python_type = _PYTHON_TYPES.get(shape.kind)
    if shape.bounds is not None:
        python_type = Annotated[python_type, shape.bounds]

    def parse(text: str) -> Any:
        try:
            if python_type is None:
                return aws_timestamps.parsed(text)
            return msgspec.convert(text, python_type, strict=False)
        except (msgspec.ValidationError, ValueError):
            shown = text[:VALUE_SHOWN_CHARS_MAX]
            raise MalformedInput(where, f"a value of type {shape.kind}", name, shown) from None

    return parse


# -- Answers


def encode_xml(service: ServiceModel, operation: OperationModel, output: Structure) -> Encoded:
    """Return an operation's answer in REST-XML, without a body that streams."""
    status, headers = _head(operation, output)
    if operation.output_stream:
        return Encoded(status, headers)
    payload = payload_member(operation.output)
    if payload is None:
        if not operation.output_root:
            return Encoded(status, headers)
        inner = aws_xml.writer(operation.output, aws_timestamps.iso8601_of_s3)(output)
        if operation.unwrapped:
            inner = _unwrapped(operation, output)
        return Encoded(status, headers, XML_TYPE, _document(service, operation.output_root, inner))
    value = getattr(output, payload.attribute)
    if value is None:
        return Encoded(status, headers)
    if payload.shape.kind != "structure":
        return Encoded(status, headers, JSON_TYPE, value if isinstance(value, bytes) else value.encode())
    inner = aws_xml.writer(payload.shape.structure, aws_timestamps.iso8601_of_s3)(value)
    return Encoded(status, headers, XML_TYPE, _document(service, payload.element, inner))


def encode_json(operation: OperationModel, output: Structure) -> Encoded:
    """Return an operation's answer in REST-JSON, without a body that streams."""
    status, headers = _head(operation, output)
    if operation.output_stream:
        return Encoded(status, headers)
    payload = payload_member(operation.output)
    if payload is None:
        return Encoded(status, headers, JSON_TYPE, _json_writer(operation.output)(output))
    value = getattr(output, payload.attribute)
    if payload.shape.kind != "structure":
        raw = value if isinstance(value, bytes) else (value or "").encode()
        return Encoded(status, headers, "application/octet-stream" if raw else "", raw)
    body = b"{}" if value is None else aws_json.body_writer(payload.shape.structure, ())(value)
    return Encoded(status, headers, JSON_TYPE, body)


@functools.cache
def _json_writer(structure: type[Structure]) -> Callable[[Structure], bytes]:
    elsewhere = [member.wire for member in members_of(structure) if member.place is not None]
    return aws_json.body_writer(structure, elsewhere)


def _document(service: ServiceModel, root: str, inner: str) -> bytes:
    return f'{XML_DECLARATION}<{root} xmlns="{service.xml_namespace}">{inner}</{root}>'.encode()


def _unwrapped(operation: OperationModel, output: Structure) -> str:
    """Return the text of the only member: GetBucketLocation answers `<LocationConstraint>eu-west-1<...>`."""
    (member,) = body_members(operation.output)
    return aws_xml.text_of(getattr(output, member.attribute) or "")


def _head(operation: OperationModel, output: Structure) -> tuple[int, tuple[tuple[str, str], ...]]:
    """Return the status and the headers that an output says."""
    status = operation.status
    headers: list[tuple[str, str]] = []
    for attribute, name, text_of in _header_writers(operation.output):
        value = getattr(output, attribute)
        if value is None:
            continue
        if text_of is None:
            status = value
        elif isinstance(value, dict):
            headers += [(name + key, header_text(text)) for key, text in value.items()]
        else:
            headers.append((name, header_text(text_of(value))))
    return status, tuple(headers)


@functools.cache
def _header_writers(structure: type[Structure]) -> tuple[tuple[str, str, Callable[[Any], str] | None], ...]:
    """Return attribute, header (or prefix) and writer of each member of the head; the status has no writer."""
    writers: list[tuple[str, str, Callable[[Any], str] | None]] = []
    for member in members_of(structure):
        match member.place:
            case Header(name):
                writers.append((member.attribute, name, _text_writer(member.shape)))
            case PrefixedHeaders(prefix):
                writers.append((member.attribute, prefix, str))
            case StatusCode():
                writers.append((member.attribute, "", None))
            case _:
                assert member.place is None or isinstance(member.place, Payload)
    return tuple(writers)


def _text_writer(shape: Shape) -> Callable[[Any], str]:
    match shape.kind:
        case "timestamp":
            return {
                "iso8601": aws_timestamps.iso8601,
                "unixTimestamp": lambda ms: str(aws_timestamps.unix_seconds(ms)),
            }.get(shape.time_format, aws_timestamps.rfc822)
        case "boolean":
            return lambda value: "true" if value else "false"
        case "list":
            assert shape.item is not None
            item = _text_writer(shape.item)
            return lambda values: ",".join(map(item, values))
        case "blob":
            return lambda blob: base64.b64encode(blob).decode()
        case _:
            return str

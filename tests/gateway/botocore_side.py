"""Drive botocore's own serialisers and parsers against ours: values from a model, their wire form, and back.

Values are plain: what botocore takes as parameters and gives as a result. `structure_of` turns them into a generated
structure; so both directions compare the same thing.
"""

import runpy
import sys
import types
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlencode

import botocore.loaders
import botocore.model
import botocore.parsers
import botocore.serialize
from botocore.awsrequest import HeadersDict
from hypothesis import strategies as st

from cumulo.gateway.aws_model import RequestHead
from cumulo.gateway.aws_shapes import members_of

GENERATOR = Path(__file__).parents[2] / ".ci" / "aws_models.py"
DEPTH_MAX = 6

# Any text that XML holds as it is. Headers and paths are narrower.
TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff", include_characters="\t\n"),
    max_size=12,
)
HEADER_TEXT = st.text("abcXYZ019 -_.;=/\"'&<%+", min_size=1, max_size=12).map(str.strip).filter(bool)
HEADER_ITEM = st.text("abcXYZ019-_.", min_size=1, max_size=12)
LABEL_TEXT = st.text("abcXYZ019 -_.;=&<%+~é\u4e2d", min_size=1, max_size=12)
METADATA_KEY = st.text("abcxyz019-", min_size=1, max_size=8)
MOMENT = st.integers(315_532_800, 4_070_908_800).map(lambda second: datetime.fromtimestamp(second, UTC))


def generated(service: str) -> types.ModuleType:
    """Return a service's module, made on the spot for services that have no room yet."""
    name = f"generated_{service}"
    if name not in sys.modules:
        module = types.ModuleType(name)
        sys.modules[name] = module
        exec(runpy.run_path(str(GENERATOR))["module"](service), module.__dict__)
    return sys.modules[name]


def service_model(service: str) -> botocore.model.ServiceModel:
    description = botocore.loaders.Loader().load_service_model(service, "service-2")
    return botocore.model.ServiceModel(description, service)


def values(shape, *, depth=0, location=None):
    """Return a strategy of plain values for a shape."""
    kind = shape.type_name
    if kind == "structure":
        return structures(shape, depth=depth)
    if kind == "list":
        item = HEADER_ITEM if location == "header" else values(shape.member, depth=depth + 1, location=location)
        return st.lists(item, min_size=1, max_size=3)
    if kind == "map":
        if location == "headers":
            return st.dictionaries(METADATA_KEY, HEADER_TEXT, min_size=1, max_size=3)
        item = values(shape.value, depth=depth + 1)
        return st.dictionaries(TEXT, item, min_size=1, max_size=3)
    if kind in {"string", "character"}:
        return {None: TEXT, "uri": LABEL_TEXT}.get(location, HEADER_TEXT)
    return {
        "integer": st.integers(-(2**31), 2**31 - 1),
        "long": st.integers(-(2**63), 2**63 - 1),
        "float": st.floats(allow_nan=False, allow_infinity=False),
        "double": st.floats(allow_nan=False, allow_infinity=False),
        "boolean": st.booleans(),
        "blob": st.binary(max_size=8),
        "timestamp": MOMENT,
    }[kind]


def streams(shape, name) -> bool:
    member = shape.members[name]
    return bool(member.serialization.get("streaming") or member.serialization.get("eventstream"))


@st.composite
def structures(draw, shape, *, depth=0):
    drawn = {}
    optional = [name for name in shape.members if name not in shape.required_members and not streams(shape, name)]
    chosen = (
        draw(st.lists(st.sampled_from(optional), unique=True, max_size=4)) if optional and depth < DEPTH_MAX else []
    )
    if shape.is_tagged_union:
        chosen = chosen[:1] or optional[:1]
    for name in (*shape.required_members, *chosen):
        if streams(shape, name):
            continue
        member = shape.members[name]
        location = member.serialization.get("location")
        drawn[name] = draw(values(member, depth=depth + 1, location=location))
    return drawn


def empty_parts(value) -> bool:
    """Say whether a value has a structure without members within it, which the query protocol cannot say."""
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return any(item == {} or empty_parts(item) for item in inner)


def structure_of(structure, plain):
    """Return plain values as a generated structure."""
    members = {member.attribute: member for member in members_of(structure)}
    attributes = {name: name if name in members else f"{name}_" for name in plain}
    return structure(**{it: _value(members[it].shape, plain[name]) for name, it in attributes.items()})


def _value(shape, value):
    if shape.kind == "structure":
        return structure_of(shape.structure, value)
    if shape.kind == "list":
        return [_value(shape.item, item) for item in value]
    if shape.kind == "map":
        return {key: _value(shape.item, item) for key, item in value.items()}
    if shape.kind == "timestamp":
        return round(value.timestamp()) * 1000
    return value


def request_of(protocol, plain, operation) -> tuple[str, str, RequestHead, bytes]:
    """Return what botocore sends for parameters: method and path, the head as the edge would give it, and the body."""
    serializer = botocore.serialize.create_serializer(protocol, include_validation=False)
    request = serializer.serialize_to_request(plain, operation)
    path, _, fixed = request["url_path"].partition("?")
    query = parse_qsl(fixed, keep_blank_values=True)
    if isinstance(request["query_string"], dict):
        query += [
            (name, str(item))
            for name, value in request["query_string"].items()
            for item in (value if isinstance(value, list) else [value])
        ]
    headers = {name.lower(): str(value) for name, value in request["headers"].items()}
    body = request["body"]
    if isinstance(body, dict):
        body = urlencode(body)
    body = body.encode() if isinstance(body, str) else bytes(body or b"")
    labels = {}
    if protocol == "rest-xml":
        names = ("Bucket", "Key")
        labels = {name: unquote(part) for name, part in zip(names, path[1:].split("/", 1), strict=False) if part}
    return request["method"], path, RequestHead(labels=labels, query=query, headers=headers), body


def parsed(protocol, encoded, operation):
    """Return what botocore makes of our answer, without what it adds."""
    headers = dict(encoded.headers)
    if encoded.content_type:
        headers["Content-Type"] = encoded.content_type
    response = {
        "headers": HeadersDict(headers),
        "body": encoded.body,
        "status_code": encoded.status,
    }
    parser = botocore.parsers.create_parser(protocol)
    result = parser.parse(response, operation.output_shape)
    result.pop("ResponseMetadata", None)
    return without_empty(result)


def without_empty(value):
    """Return values without empty lists and maps, which the wire often cannot tell from absent ones."""
    if isinstance(value, dict):
        inner = {key: without_empty(item) for key, item in value.items()}
        return {key: item for key, item in inner.items() if item not in ({}, [], None)}
    return [without_empty(item) for item in value] if isinstance(value, list) else value

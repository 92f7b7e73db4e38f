"""AWS's query protocol: parameters such as `Entries.member.2.Id=...` in, XML out.

Owns the form parser and the walk from parameter names to a structure. Promises: names, indexes, depth and number of
parameters are bounded; a name that stands twice, or that is both a value and a structure, is refused; parameters that
the operation does not know are ignored, as AWS ignores them. The structure's own traits say how lists and maps are
spelled: `Name.member.1`, `Name.1` where flat, `Name.entry.1.key`.
"""

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias
from urllib.parse import unquote_plus

from cumulo.gateway import aws_timestamps, aws_xml
from cumulo.gateway.aws_model import (
    Encoded,
    MalformedInput,
    OperationModel,
    RequestHead,
    ServiceModel,
    Structure,
)
from cumulo.gateway.aws_shapes import (
    VALUE_SHOWN_CHARS_MAX,
    Shape,
    body_members,
    from_plain,
)

QUERY_PARAMETERS_MAX = 10_000
QUERY_DEPTH_MAX = 32
QUERY_INDEX_MAX = 10_000
"""Of our own: no operation of the modelled services takes a list of more than 1,000 items, nor 10 levels."""

CONTENT_TYPE = "text/xml"
DECLARATION = '<?xml version="1.0"?>'
"""What SQS and CloudWatch, which also speak JSON, put before their XML; IAM, STS and SNS do not."""
FORM_TYPE = "application/x-www-form-urlencoded"

Tree: TypeAlias = dict[str, Any]
Walk: TypeAlias = Callable[[Any, str], Any]


def parse_form(form: bytes | memoryview | str) -> list[tuple[str, str]]:
    """Return the pairs of a form body or of a URL's query, decoded. Raises `MalformedInput`."""
    try:
        text = form if isinstance(form, str) else str(form, "utf-8")
        if text.count("&") >= QUERY_PARAMETERS_MAX:
            raise MalformedInput("query", f"at most {QUERY_PARAMETERS_MAX} parameters")
        return list(_pairs(text))
    except UnicodeDecodeError:
        raise MalformedInput("query", "parameters in UTF-8") from None


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for pair in text.split("&"):
        if not pair:
            continue
        name, _, value = pair.partition("=")
        if "%" in pair or "+" in pair:
            name, value = unquote_plus(name, errors="strict"), unquote_plus(value, errors="strict")
        yield name, value


def decode(operation: OperationModel, head: RequestHead, body: bytes | memoryview) -> Structure:
    """Return an operation's input. Raises `MalformedInput` or `MissingMember`."""
    pairs: Sequence[tuple[str, str]] = (*head.query, *parse_form(body)) if body else head.query
    return from_plain("query", _structure_walk(operation.input)(_tree(pairs), ""), operation.input, strict=False)


def encode(service: ServiceModel, operation: OperationModel, output: Structure, request_id: str) -> Encoded:
    """Return an operation's answer."""
    result = aws_xml.writer(operation.output)(output)
    if wrapper := operation.output_wrapper:
        result = f"<{wrapper}>{result}</{wrapper}>" if result else f"<{wrapper}/>"
    name = operation.name
    declaration = DECLARATION if service.query_compatible else ""
    document = (
        f'{declaration}<{name}Response xmlns="{service.xml_namespace}">{result}'
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{name}Response>"
    )
    return Encoded(200, content_type=CONTENT_TYPE, body=document.encode())


def _tree(pairs: Iterable[tuple[str, str]]) -> Tree:
    """Return the parameters as a tree by the parts of their names."""
    root: Tree = {}
    for name, value in pairs:
        if "." not in name:
            if name in root:
                raise MalformedInput("query", "the parameter once", name[:VALUE_SHOWN_CHARS_MAX])
            root[name] = value
            continue
        *path, last = name.split(".", QUERY_DEPTH_MAX)
        if len(path) >= QUERY_DEPTH_MAX:
            raise MalformedInput("query", f"at most {QUERY_DEPTH_MAX} levels", name[:VALUE_SHOWN_CHARS_MAX])
        node = root
        for part in path:
            inner = node.setdefault(part, {})
            if not isinstance(inner, dict):
                raise MalformedInput("query", "a value or a structure, not both", name[:VALUE_SHOWN_CHARS_MAX])
            node = inner
        if last in node:
            raise MalformedInput("query", "the parameter once", name[:VALUE_SHOWN_CHARS_MAX])
        node[last] = value
    return root


@functools.cache
def _structure_walk(structure: type[Structure]) -> Walk:
    fields = tuple((member.element, member.wire, _walk(member.shape)) for member in body_members(structure))

    def walk(node: Any, path: str) -> dict[str, Any]:
        tree = _branch(node, path)
        return {wire: inner(tree[name], f"{path}{name}.") for name, wire, inner in fields if name in tree}

    return walk


def _walk(shape: Shape) -> Walk:
    match shape.kind:
        case "structure":
            return _inner_walk(shape.structure)
        case "list":
            assert shape.item is not None
            return _list_walk(_walk(shape.item), "" if shape.xml.flat else shape.xml.item or "member")
        case "map":
            assert shape.item is not None
            names = (shape.xml.key or "key", shape.xml.value or "value")
            return _map_walk(_walk(shape.item), "" if shape.xml.flat else "entry", names)
        case "timestamp":
            return _timestamp
        case _:
            return _leaf


def _inner_walk(structure: type[Structure]) -> Walk:
    def walk(node: Any, path: str) -> Any:
        # Compiled when it is first met: structures may hold themselves.
        return _structure_walk(structure)(node, path)

    return walk


def _list_walk(walk_item: Walk, item: str) -> Walk:
    def walk(node: Any, path: str) -> list[Any]:
        return [walk_item(inner, inner_path) for inner, inner_path in _indexed(node, path, item)]

    return walk


def _map_walk(walk_item: Walk, entry: str, names: tuple[str, str]) -> Walk:
    key_name, value_name = names

    def walk(node: Any, path: str) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for inner, inner_path in _indexed(node, path, entry):
            tree = _branch(inner, inner_path)
            if key_name not in tree or value_name not in tree:
                raise MalformedInput("query", f"{key_name} and {value_name}", inner_path[:-1])
            key = _leaf(tree[key_name], f"{inner_path}{key_name}.")
            if key in values:
                raise MalformedInput("query", "the key once", f"{inner_path}{key_name}", key[:VALUE_SHOWN_CHARS_MAX])
            values[key] = walk_item(tree[value_name], f"{inner_path}{value_name}.")
        return values

    return walk


def _indexed(node: Any, path: str, item: str) -> list[tuple[Any, str]]:
    """Return the items of a list in the order of their numbers, which may have gaps, each with its path."""
    if node == "":  # how AWS's clients spell a list without items
        return []
    tree = _branch(node, path)
    if item:
        if item not in tree:
            raise MalformedInput("query", f"{path}{item}.N", path[:-1])
        path = f"{path}{item}."
        if tree[item] == "":
            return []
        tree = _branch(tree[item], path)
    for index in tree:
        if not (index.isascii() and index.isdecimal() and len(index) <= 5 and 0 < int(index) <= QUERY_INDEX_MAX):
            raise MalformedInput(
                "query", f"a number from 1 to {QUERY_INDEX_MAX}", (path + index)[:VALUE_SHOWN_CHARS_MAX]
            )
        if index[0] == "0":
            raise MalformedInput("query", "a number without leading zeros", path + index)
    return [(tree[index], f"{path}{index}.") for index in sorted(tree, key=int)]


def _branch(node: Any, path: str) -> Tree:
    if isinstance(node, dict):
        return node
    raise MalformedInput("query", "a structure or list", path[:-1], str(node)[:VALUE_SHOWN_CHARS_MAX])


def _leaf(node: Any, path: str) -> str:
    if isinstance(node, str):
        return node
    raise MalformedInput("query", "a value", path[:-1])


def _timestamp(node: Any, path: str) -> int:
    text = _leaf(node, path)
    try:
        return aws_timestamps.parsed(text)
    except ValueError:
        raise MalformedInput("query", "a timestamp", path[:-1], text[:VALUE_SHOWN_CHARS_MAX]) from None

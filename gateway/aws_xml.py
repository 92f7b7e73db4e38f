"""XML of AWS: answers by compiled writers, request documents by a reader that refuses all that is not data.

Promises: a writer is made once per structure, as straight-line source that only joins text, and escapes whatever it
writes; characters that XML 1.0 forbids leave as references (`&#x1;`), as S3 sends them. The reader resolves no entity,
loads nothing, refuses any DOCTYPE, bounds depth, and takes only the elements that the model knows; namespaces do not
matter, as for S3. Knows no operation. lxml is imported at the first document.
"""

import base64
import functools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from cumulo.gateway import aws_timestamps
from cumulo.gateway.aws_model import MalformedInput, Structure, Xml
from cumulo.gateway.aws_shapes import (
    VALUE_SHOWN_CHARS_MAX,
    Member,
    Shape,
    body_members,
)

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

XML_DEPTH_MAX = 32
"""The deepest document of S3's model has 8 levels. libxml2 itself stops at 256."""
XML_BYTES_MAX = 8 * 1024 * 1024
"""CompleteMultipartUpload with 10,000 parts and every checksum takes about 3 MB."""

COLUMNS_FROM = 16
"""From so many structures on a list is written by columns; with fewer the preparation would cost more than it saves."""

Writer: TypeAlias = Callable[[Any], str]
Reader: TypeAlias = Callable[["Element"], Any]

_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_TIME_WRITERS = {"rfc822": "rfc822", "unixTimestamp": "unix_seconds"}
_SPECIAL = re.compile("[&<>\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_SPECIAL_OCTETS = bytes(octet for octet in range(128) if _SPECIAL.match(chr(octet)))
_NAMED = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def escaped(text: str) -> str:
    """Return `text` as it may stand between tags, with references for what XML 1.0 cannot hold."""
    return _SPECIAL.sub(lambda found: _NAMED.get(found[0]) or f"&#x{ord(found[0]):X};", text)


def text_of(value: str) -> str:
    """Return `value` as element or attribute text; quotes are written as S3 writes them."""
    return escaped(value).replace('"', "&quot;")


# -- Writers


def writer(structure: type[Structure], iso8601: Callable[[int], str] = aws_timestamps.iso8601) -> Writer:
    """Return the function that gives the content of a structure's element, without the element itself.

    Members that travel outside the body are left out. `iso8601` writes timestamps that have no format of their own.
    """
    return _writer(structure, iso8601)


@functools.cache
def _writer(structure: type[Structure], iso8601: Callable[[int], str]) -> Writer:
    names = _names(iso8601)
    source = ["def write(o):", "    s = ''"]
    for member in body_members(structure):
        if not member.shape.xml.attribute:
            source.append(f"    if (v := o.{member.attribute}) is not None:")
            source.append(f"        s += {_member_source(member, names)}")
    source.append("    return s")
    written: Writer = _compiled("write", source, names)
    return written


def _names(iso8601: Callable[[int], str]) -> dict[str, Any]:
    """Return what a compiled writer calls by name."""
    return {
        "escaped": escaped,
        "text_column": _text_column,
        "base64": lambda blob: base64.b64encode(blob).decode(),
        "iso8601": iso8601,
        "iso8601_column": aws_timestamps.iso8601_column_of_s3,
        "rfc822": aws_timestamps.rfc822,
        "unix_seconds": aws_timestamps.unix_seconds,
        "writer": lambda inner: _writer(inner, iso8601),
        "rows": lambda inner: _rows(inner, iso8601),
    }


def _compiled(name: str, source: list[str], names: dict[str, Any]) -> Any:
    exec("\n".join(source), names)  # noqa: S102 - made of the model's own names, never of a caller's text
    return names[name]


def _member_source(member: Member, names: dict[str, Any]) -> str:
    """Return the expression for a member whose value is `v`, elements included."""
    shape, element = member.shape, member.element
    if shape.kind == "list":
        assert shape.item is not None
        items = _items("v", element if shape.xml.flat else shape.xml.item or "member", shape.item, names)
        return items if shape.xml.flat else _around(element, items)
    if shape.kind == "map":
        items = _entries("v", element if shape.xml.flat else "entry", shape, names)
        return items if shape.xml.flat else _around(element, items)
    return _element("v", element, shape, names)


def _items(value: str, name: str, shape: Shape, names: dict[str, Any]) -> str:
    """Return the expression for the elements of a list's items."""
    attributes = shape.kind == "structure" and any(it.shape.xml.attribute for it in body_members(shape.structure))
    if shape.kind != "structure" or attributes or shape.xml.namespace:
        return f"''.join([{_element('i', name, shape, names)} for i in {value}])"
    rows = f"rows_{shape.structure.__name__}"
    names.setdefault(rows, _late("rows", shape.structure, rows, names))
    return f"{rows}({value}, {f'<{name}>'!r}, {f'</{name}>'!r})"


def _element(value: str, name: str, shape: Shape, names: dict[str, Any]) -> str:
    """Return the expression for one element around `value`."""
    inner = _content(value, shape, names)
    if shape.kind == "structure":
        return f"{_start(value, name, shape)} + {inner} + {f'</{name}>'!r}"
    return f"{f'<{name}>'!r} + {inner} + {f'</{name}>'!r}"


def _start(value: str, name: str, shape: Shape) -> str:
    """Return the expression for a structure's start tag, with its namespace and attributes."""
    start = repr(f"<{name}{_declaration(shape.xml)}")
    for member in body_members(shape.structure):
        if member.shape.xml.attribute:
            attribute = f"{value}.{member.attribute}"
            text = f"{f' {member.element}='!r} + '\"' + {_text(attribute)} + '\"'"
            start += f" + ({text} if {attribute} is not None else '')"
    return f"{start} + '>'"


def _declaration(xml: Xml) -> str:
    if not xml.namespace:
        return ""
    return f' xmlns:{xml.prefix}="{xml.namespace}"' if xml.prefix else f' xmlns="{xml.namespace}"'


def _content(value: str, shape: Shape, names: dict[str, Any]) -> str:
    """Return the expression for what stands between the tags."""
    match shape.kind:
        case "structure":
            written = f"write_{shape.structure.__name__}"
            names.setdefault(written, _late("writer", shape.structure, written, names))
            return f"{written}({value})"
        case "list":
            assert shape.item is not None
            return _items(value, shape.xml.item or "member", shape.item, names)
        case "map":
            return _entries(value, "entry", shape, names)
        case "string":
            return _text(value)
        case "blob":
            return f"base64({value})"
        case "boolean":
            return f"('true' if {value} else 'false')"
        case "timestamp":
            return f"str({_TIME_WRITERS.get(shape.time_format, 'iso8601')}({value}))"
        case _:
            return f"str({value})"


def _late(maker: str, structure: type[Structure], name: str, names: dict[str, Any]) -> Callable[..., str]:
    """Return what compiles at its first call and puts that in its own place: structures may hold themselves."""

    def write(*arguments: Any) -> str:
        names[name] = compiled = names[maker](structure)
        text: str = compiled(*arguments)
        return text

    return write


def _text(value: str) -> str:
    """Return the expression for a text. Most need no escape, and to find that out inline is twice as fast."""
    plain = f'{value}.isprintable() and "&" not in {value} and "<" not in {value} and ">" not in {value}'
    return f"""({value} if {plain} else escaped({value})).replace('"', '&quot;')"""


def _around(element: str, inner: str) -> str:
    return f"{f'<{element}>'!r} + {inner} + {f'</{element}>'!r}"


def _entries(value: str, entry: str, shape: Shape, names: dict[str, Any]) -> str:
    assert shape.key is not None
    assert shape.item is not None
    key = _element("k", shape.xml.key or "key", shape.key, names)
    item = _element("w", shape.xml.value or "value", shape.item, names)
    return f"''.join([{_around(entry, f'{key} + {item}')} for k, w in {value}.items()])"


# -- Lists of structures


@functools.cache
def _rows(structure: type[Structure], iso8601: Callable[[int], str]) -> Callable[[list[Structure], str, str], str]:
    """Return the function that writes a list's items, each between `start` and `end`.

    A long list goes by columns where each of its members stands in all of the items or in none: one check for
    characters to escape then serves a whole column, and the rest is done by C. It halves the time of a listing.
    """
    write = _writer(structure, iso8601)
    columns_of = _columns(structure, iso8601)

    def rows(items: list[Structure], start: str, end: str) -> str:
        if len(items) >= COLUMNS_FROM and (found := columns_of(items)) is not None:
            elements, columns = found
            return _joiner(start, elements, end)(columns)
        return "".join([start + write(item) + end for item in items])

    return rows


Columns: TypeAlias = list[list[Any]]


@functools.cache
def _columns(
    structure: type[Structure], iso8601: Callable[[int], str]
) -> Callable[[list[Structure]], tuple[tuple[str, ...], Columns] | None]:
    """Return the function that gives the elements of a row and their columns; None where the rows differ in form."""
    names = _names(iso8601)
    source = ["def columns(items):", "    elements, columns, length = [], [], len(items)"]
    for member in body_members(structure):
        source.append(f"    c = [i.{member.attribute} for i in items]")
        source.append("    if (absent := c.count(None)) != length:")
        if member.shape.kind in {"structure", "list", "map"}:
            source.append("        return None")
            continue
        source.append("        if absent: return None")
        source.append(f"        columns.append({_column(member.shape, names)})")
        source.append(f"        elements.append({member.element!r})")
    source.append("    return tuple(elements), columns")
    compiled: Callable[[list[Structure]], tuple[tuple[str, ...], Columns] | None]
    compiled = _compiled("columns", source, names)
    return compiled


def _column(shape: Shape, names: dict[str, Any]) -> str:
    """Return the expression for the texts of a column `c`."""
    if shape.kind == "string":
        return "text_column(c)"
    if shape.kind in {"integer", "float"}:
        return "c"
    if shape.kind == "timestamp" and names["iso8601"] is aws_timestamps.iso8601_of_s3 and not shape.time_format:
        return "iso8601_column(c)"
    return f"[{_content('v', shape, names)} for v in c]"


@functools.lru_cache(maxsize=256)
def _joiner(start: str, elements: tuple[str, ...], end: str) -> Callable[[Columns], str]:
    """Return the function that joins the columns of `elements` to rows."""
    values = [f"v{number}" for number in range(len(elements))]
    row = "".join(f"<{name}>{{{value}}}</{name}>" for name, value in zip(elements, values, strict=True))
    source = f"def join(columns): return ''.join([f'{start}{row}{end}' for {', '.join(values)}, in zip(*columns)])"
    joiner: Callable[[Columns], str] = _compiled("join", [source], {})
    return joiner


def _text_column(texts: list[str]) -> list[str]:
    """Return texts as element text."""
    joined = "".join(texts)
    if joined.isascii():  # four times as fast as the search below, and most columns are
        octets = joined.encode()
        plain = len(octets.translate(None, _SPECIAL_OCTETS)) == len(octets)
    else:
        plain = _SPECIAL.search(joined) is None
    if not plain:
        return [text_of(text) for text in texts]
    return [text.replace('"', "&quot;") for text in texts] if '"' in joined else texts


# -- Readers


def parse(document: bytes | memoryview) -> "Element":
    """Return the root element of a document. Raises `MalformedInput`."""
    from lxml import etree  # noqa: PLC0415 - 7 MB that a server without S3 configuration documents never needs

    if len(document) > XML_BYTES_MAX:
        raise MalformedInput("xml", f"at most {XML_BYTES_MAX} bytes")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(bytes(document), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise MalformedInput("xml", f"a well-formed document: {error}") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise MalformedInput("xml", "no DOCTYPE")
    return root


def read_values(root: "Element", name: str, structure: type[Structure]) -> dict[str, Any]:
    """Return what a document with the root element `name` says, in plain values. Raises `MalformedInput`."""
    if (found := local_name(root)) != name:
        raise MalformedInput("xml", f"the root element {name}", value=found[:VALUE_SHOWN_CHARS_MAX])
    values: dict[str, Any] = _structure_reader(structure)(root, 1)
    return values


DeepReader: TypeAlias = Callable[["Element", int], Any]


@functools.cache
def _structure_reader(structure: type[Structure]) -> DeepReader:
    members = body_members(structure)
    attributes = {
        f"{{{_XSI}}}{member.element.rpartition(':')[2]}": member.wire
        for member in members
        if member.shape.xml.attribute
    }
    fields: Mapping[str, tuple[str, DeepReader, bool]] = {
        member.element: (member.wire, *_member_reader(member.shape))
        for member in members
        if not member.shape.xml.attribute
    }

    def read_structure(element: "Element", depth: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for attribute, wire in attributes.items():
            if (text := element.get(attribute)) is not None:
                values[wire] = text
        for name, child in _children(element, depth):
            field = fields.get(name)
            if field is None:
                raise MalformedInput("xml", f"no such element in {local_name(element)}", name[:VALUE_SHOWN_CHARS_MAX])
            wire, read_value, repeated = field
            if repeated:
                values.setdefault(wire, []).append(read_value(child, depth + 1))
            elif wire in values:
                raise MalformedInput("xml", "the element once", name)
            else:
                values[wire] = read_value(child, depth + 1)
        return values

    return read_structure


def _member_reader(shape: Shape) -> tuple[DeepReader, bool]:
    """Return how one element of a member is read, and whether each is an item of a list."""
    if shape.kind == "list" and shape.xml.flat:
        assert shape.item is not None
        return _reader(shape.item), True
    return _reader(shape), False


def _reader(shape: Shape) -> DeepReader:
    if shape.kind == "structure":
        return _inner_reader(shape.structure)
    if shape.kind == "list":
        assert shape.item is not None
        return _list_reader(_reader(shape.item), shape.xml.item or "member")
    assert shape.kind != "map", "no request document of a modelled service has a map"
    if shape.kind == "timestamp":
        return _timestamp
    return _text_of_element if shape.kind == "string" else _bare_text


def _inner_reader(structure: type[Structure]) -> DeepReader:
    def read_inner(element: "Element", depth: int) -> dict[str, Any]:
        # Compiled when it is first met: structures may hold themselves.
        values: dict[str, Any] = _structure_reader(structure)(element, depth)
        return values

    return read_inner


def _list_reader(read_item: DeepReader, item: str) -> DeepReader:
    def read_list(element: "Element", depth: int) -> list[Any]:
        items = []
        for name, child in _children(element, depth):
            if name != item:
                raise MalformedInput("xml", f"only {item} in {local_name(element)}", name[:VALUE_SHOWN_CHARS_MAX])
            items.append(read_item(child, depth + 1))
        return items

    return read_list


def _children(element: "Element", depth: int) -> Iterator[tuple[str, "Element"]]:
    if depth > XML_DEPTH_MAX:
        raise MalformedInput("xml", f"at most {XML_DEPTH_MAX} levels")
    if element.text and not element.text.isspace():
        raise MalformedInput("xml", f"no text in {local_name(element)}")
    for child in element:
        if child.tail and not child.tail.isspace():
            raise MalformedInput("xml", f"no text in {local_name(element)}")
        yield local_name(child), child


def local_name(element: "Element") -> str:
    """Return an element's name without its namespace."""
    if not isinstance(element.tag, str):  # an entity that was not resolved
        raise MalformedInput("xml", "no entities")
    return element.tag.rpartition("}")[2]


def _text_of_element(element: "Element", _depth: int) -> str:
    if len(element):
        raise MalformedInput("xml", "text only", local_name(element))
    return element.text or ""


def _bare_text(element: "Element", depth: int) -> str:
    return _text_of_element(element, depth).strip()


def _timestamp(element: "Element", depth: int) -> int:
    text = _bare_text(element, depth)
    try:
        return aws_timestamps.parsed(text)
    except ValueError:
        raise MalformedInput("xml", "a timestamp", local_name(element), text[:VALUE_SHOWN_CHARS_MAX]) from None

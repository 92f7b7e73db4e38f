"""What a codec must know of a generated structure, read from its annotations once, at the first call that needs it.

Owns the compiled view (`Member`, `Shape`) and the last step of every decoder: plain values into a structure, with an
error that names the member. Knows no protocol. Annotations stay text until here, so that importing a service with
hundreds of structures is cheap.
"""

import functools
import re
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

import msgspec

from cumulo.gateway.aws_model import (
    Header,
    Label,
    MalformedInput,
    MissingMember,
    Payload,
    PrefixedHeaders,
    Query,
    StatusCode,
    Structure,
    TimeFormat,
    Xml,
)

VALUE_SHOWN_CHARS_MAX = 100
"""An error repeats a wrong value up to here."""

Kind: TypeAlias = Literal["structure", "list", "map", "string", "integer", "float", "boolean", "blob", "timestamp"]
Place: TypeAlias = Header | PrefixedHeaders | Query | Label | StatusCode | Payload

_SCALARS: Mapping[Any, Kind] = {str: "string", int: "integer", float: "float", bool: "boolean", bytes: "blob"}
_PLACES = (Header, PrefixedHeaders, Query, Label, StatusCode, Payload)
_BODY = Xml()
_FIELD = re.compile(r"`([^`]+)`")
_PATH = re.compile(r" - at `(key in )?\$\.?(.*)`$")
_ITEM = re.compile(r"\[(\d+)\]")
_ENTRY = "[...]"
_STEP = re.compile(r"[^.\[\]]+|\[\.\.\.\]")


class Shape(msgspec.Struct, frozen=True):
    """A type: its kind, the structure that it is, or the shapes of its items. `xml` is how a nested one is spelled,
    `bounds` are an integer's.
    """

    kind: Kind
    structure: type[Structure] = Structure
    item: "Shape | None" = None
    key: "Shape | None" = None
    xml: Xml = _BODY
    time_format: str = ""
    bounds: msgspec.Meta | None = None


class Member(msgspec.Struct, frozen=True):
    """One member: its attribute, its name in JSON and CBOR, its name in XML, and where it travels (None: the body)."""

    attribute: str
    wire: str
    shape: Shape
    place: Place | None

    @property
    def element(self) -> str:
        """Its name in XML and in the query protocol."""
        return self.shape.xml.name or self.attribute


@functools.cache
def members_of(structure: type[Structure]) -> tuple[Member, ...]:
    """Return a structure's members in the model's order."""
    hints = typing.get_type_hints(structure, include_extras=True)
    wires = zip(structure.__struct_fields__, structure.__struct_encode_fields__, strict=True)
    return tuple(_member(attribute, wire, hints[attribute]) for attribute, wire in wires)


def body_members(structure: type[Structure]) -> tuple[Member, ...]:
    """Return the members that have no place of their own."""
    return tuple(member for member in members_of(structure) if member.place is None)


def payload_member(structure: type[Structure]) -> Member | None:
    """Return the member that alone is the body, if there is one."""
    return next((member for member in members_of(structure) if isinstance(member.place, Payload)), None)


def _member(attribute: str, wire: str, hint: Any) -> Member:
    if typing.get_origin(hint) in {types.UnionType, typing.Union}:
        hint = next(part for part in typing.get_args(hint) if part is not type(None))
    traits = typing.get_args(hint)[1:] if typing.get_origin(hint) is typing.Annotated else ()
    place = next((trait for trait in traits if isinstance(trait, _PLACES)), None)
    return Member(attribute, wire, _shape(hint), place)


def _shape(hint: Any) -> Shape:
    traits: tuple[Any, ...] = ()
    if typing.get_origin(hint) is typing.Annotated:
        hint, *rest = typing.get_args(hint)
        traits = tuple(rest)
    xml = next((trait for trait in traits if isinstance(trait, Xml)), _BODY)
    if time_format := next((trait for trait in traits if isinstance(trait, TimeFormat)), None):
        return Shape("timestamp", xml=xml, time_format=time_format.name)
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) is list:
        return Shape("list", item=_shape(arguments[0]), xml=xml)
    if typing.get_origin(hint) is dict:
        return Shape("map", key=_shape(arguments[0]), item=_shape(arguments[1]), xml=xml)
    if hint in _SCALARS:
        bounds = next((trait for trait in traits if isinstance(trait, msgspec.Meta)), None)
        return Shape(_SCALARS[hint], xml=xml, bounds=bounds)
    return Shape("structure", structure=hint, xml=xml)


# -- Timestamps in plain values, before these become a structure and after they were one

Change: TypeAlias = Callable[[Any], Any]


def timestamps_changed(structure: type[Structure], of_timestamp: Callable[[str], Change], values: Any) -> Any:
    """Return the plain values of a structure's body with each timestamp changed (in place).

    `of_timestamp` gives the change for a format, empty where the model names none.
    """
    return _structure_change(structure, of_timestamp)(values)


@functools.cache
def has_timestamps(structure: type[Structure]) -> bool:
    """Say whether the body of a structure has a timestamp anywhere."""
    seen: set[type[Structure]] = set()
    waiting = [Shape("structure", structure=structure)]
    while waiting:
        shape = waiting.pop()
        if shape.kind == "timestamp":
            return True
        if shape.item is not None:
            waiting.append(shape.item)
        if shape.kind == "structure" and shape.structure not in seen:
            seen.add(shape.structure)
            waiting += [member.shape for member in body_members(shape.structure)]
    return False


@functools.cache
def _structure_change(structure: type[Structure], of_timestamp: Callable[[str], Change]) -> Change:
    changes = {
        member.wire: change
        for member in body_members(structure)
        if (change := _change(member.shape, of_timestamp)) is not None
    }

    def apply(values: Any) -> Any:
        if isinstance(values, dict):
            for wire, change in changes.items():
                if values.get(wire) is not None:
                    values[wire] = change(values[wire])
        return values

    return apply


def _change(shape: Shape, of_timestamp: Callable[[str], Change]) -> Change | None:
    """Return what changes the timestamps in a value, None where it has none; what is of a wrong type stays."""
    if shape.kind == "timestamp":
        return of_timestamp(shape.time_format)
    if shape.kind == "structure":
        if not has_timestamps(shape.structure):
            return None
        return lambda value: timestamps_changed(shape.structure, of_timestamp, value)
    if shape.item is None or (change := _change(shape.item, of_timestamp)) is None:
        return None
    if shape.kind == "list":
        return lambda value: [change(item) for item in value] if isinstance(value, list) else value
    return lambda value: {key: change(item) for key, item in value.items()} if isinstance(value, dict) else value


# -- From plain values

T = typing.TypeVar("T")


def from_plain(where: str, values: Any, kind: type[T], *, strict: bool) -> T:
    """Return plain values as `kind`. Not `strict`: texts may stand for numbers, booleans and (base64) bytes.

    Raises `MissingMember` or `MalformedInput`.
    """
    try:
        return msgspec.convert(values, kind, strict=strict)
    except msgspec.ValidationError as error:
        raise refused(where, error, values) from None
    except RecursionError:
        raise MalformedInput(where, "less nesting") from None


def refused(where: str, error: msgspec.ValidationError, values: Any = None) -> MissingMember | MalformedInput:
    """Return what a validation error means, in the model's words: `Entries.2.Id` for msgspec's `$.Entries[1].id`.

    msgspec does not say in which entry of a map a member is missing: that is looked up in `values`, where they are at
    hand.
    """
    text = str(error)
    place = _PATH.search(text)
    reason = text[: place.start()] if place else text
    path = _ITEM.sub(lambda index: f".{int(index[1]) + 1}", place[2]) if place else ""
    if reason.startswith("Object missing required field") and (field := _FIELD.search(reason)):
        for key in _entries_lacking(values, place[2], field[1]) if place and values is not None else ():
            path = path.replace(_ENTRY, f"[{key}]", 1)
        return MissingMember(field[1], f"{path}.{field[1]}" if path else field[1])
    if reason.endswith("got `null`") and path:
        return MissingMember(path.rpartition(".")[2], path)
    return MalformedInput(where, reason[:1].lower() + reason[1:], path)


def _entries_lacking(values: Any, path: str, member: str) -> tuple[str, ...]:
    """Return the keys by which `path` leads through maps to a structure without `member`."""
    ways: list[tuple[tuple[str, ...], Any]] = [((), values)]
    for step in _STEP.findall(path):
        if step == _ENTRY:
            ways = [((*keys, key), inner) for keys, entries in ways for key, inner in entries.items()]
        else:
            ways = [(keys, inner[int(step) if isinstance(inner, list) else step]) for keys, inner in ways]
    return next((keys for keys, inner in ways if isinstance(inner, dict) and member not in inner), ())

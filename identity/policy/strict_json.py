"""JSON text as policies need it: read one way only, and written back without loss.

Owns the reading of untrusted text into nodes: bounded in size and depth, numbers kept as they were written (conditions
compare text), members kept in order with their duplicates, so that the walker can refuse a duplicate by its path. Two
parsers that disagree on a duplicate member, a NaN or a lone surrogate would disagree on who may do what; all three are
refused. Does not know what a policy is.
"""

import json
import re
from typing import TypeAlias

import msgspec

from cumulo.identity.policy.malformed import MalformedPolicy, NotJson

TEXT_BYTES_MAX = 60 * 1024
"""A document is one stored value, and the engine's values end at 64 KiB (AWS reads up to 131,072 characters)."""

DEPTH_MAX = 8
"""The deepest legal document is six deep: document, Statement, statement, Condition, operator, values."""

WHITE_SPACE = " \t\r\n"

# Possessive, and content with a missing end quote: an unterminated string is consumed once, not once per quote in it.
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")


class Number(msgspec.Struct, frozen=True):
    """A JSON number in its original spelling."""

    text: str


class Members(msgspec.Struct, frozen=True):
    """A JSON object: its members in order, duplicates included."""

    pairs: tuple[tuple[str, "Node"], ...]


Node: TypeAlias = "str | bool | Number | Members | list[Node] | None"


def parse_json(text: str) -> Node:
    """Return the nodes of `text`; raises `MalformedPolicy` for what is too long, too deep or not JSON."""
    if _SURROGATE.search(text):
        raise MalformedPolicy("The text holds half of a surrogate pair, which no encoding can carry.")
    size = len(text.encode())
    if size > TEXT_BYTES_MAX:
        raise MalformedPolicy(f"The text has {size} bytes; at most {TEXT_BYTES_MAX} are allowed, white space included.")
    _refuse_deep(text)
    try:
        node: Node = json.loads(
            text, object_pairs_hook=_members, parse_int=Number, parse_float=Number, parse_constant=_refuse_constant
        )
    except json.JSONDecodeError as error:
        raise NotJson(f"Not JSON: {error.msg} at line {error.lineno}, column {error.colno}.") from error
    return node


def render_json(node: Node) -> str:
    """Return the shortest text of `node`; `parse_json` gives the same nodes back."""
    match node:
        case Members(pairs):
            return "{" + ",".join(f"{_quote(name)}:{render_json(value)}" for name, value in pairs) + "}"
        case list():
            return "[" + ",".join(map(render_json, node)) + "]"
        case Number(text):
            return text
        case str():
            return _quote(node)
        case None:
            return "null"
        case _:
            return "true" if node else "false"


def unique_members(node: Node, path: str, allowed: str) -> dict[str, Node]:
    """Return the members of an object; refuses another type and a member that stands twice."""
    if not isinstance(node, Members):
        raise MalformedPolicy(f"{describe(node)} is no JSON object; allowed is {allowed}.", path)
    found: dict[str, Node] = {}
    for name, value in node.pairs:
        if name in found:
            raise MalformedPolicy(f"Member {describe(name)} stands twice; each member may stand once.", path)
        found[require_text(name, path)] = value
    return found


def require_text(node: Node, path: str) -> str:
    """Return a JSON string; refuses another type and half a surrogate pair written as an escape."""
    if not isinstance(node, str):
        raise MalformedPolicy(f"{describe(node)} is no JSON string.", path)
    if not node.isascii() and _SURROGATE.search(node):
        raise MalformedPolicy(f"{describe(node)} holds half of a surrogate pair, which no encoding can carry.", path)
    return node


def describe(node: Node) -> str:
    """Return `node` as a message shows it: ASCII only, and cut where it is long."""
    text = render_json(node).encode("ascii", "backslashreplace").decode()
    return text if len(text) <= 100 else f"{text[:97]}..."


def _members(pairs: list[tuple[str, Node]]) -> Members:
    return Members(tuple(pairs))


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _refuse_constant(name: str) -> Node:
    raise MalformedPolicy(f"{name} is no JSON number.")


def _refuse_deep(text: str) -> None:
    depth = 0
    for found in _BRACKETS.finditer(text):
        mark = found[0]
        if mark in "[{":
            depth += 1
            if depth > DEPTH_MAX:
                raise MalformedPolicy(
                    f"The text is nested deeper than {DEPTH_MAX} levels, at character {found.start()}."
                )
        elif mark in "]}":
            depth -= 1

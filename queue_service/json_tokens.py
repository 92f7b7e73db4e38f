"""JSON read token by token, with the place that AWS's own reader reports for an error.

SNS tells where a filter policy is wrong by line and column, and those are its reader's: a string counts as read up to
its opening quote until its text was asked for, and the value behind a member's name is looked at together with the
name. Owns tokens and places; knows nothing of policies.
"""

import enum
import json
import re
from typing import NamedTuple

SNIPPET_CHARACTERS_MAX = 500
"""Of the source, in an error: what is longer is cut, and the rest counted."""
_BLANKS = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
_WORDS = {"t": "true", "f": "false", "n": "null"}


class Kind(enum.Enum):
    """What a token is."""

    START_OBJECT = "{"
    END_OBJECT = "}"
    START_ARRAY = "["
    END_ARRAY = "]"
    NAME = "name"
    STRING = "string"
    NUMBER = "number"
    TRUE = "true"
    FALSE = "false"
    NULL = "null"


class Malformed(Exception):
    """The text is not JSON."""


class _Read(NamedTuple):
    """A token: what it is, its first and its next position; of a string the latter is behind its quote."""

    kind: Kind
    start: int
    end: int


class TokenReader:
    """Reads the tokens of a JSON text; `next` raises `Malformed` where it is none."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0
        self._depth: list[Kind] = []
        self._now = _Read(Kind.NULL, 0, 0)
        self._behind_name: _Read | None = None
        self._first = True
        self.name = ""

    def next(self) -> Kind:
        """Go on to the next token, and say what it is."""
        if self._behind_name is not None:
            self._now, self._behind_name = self._behind_name, None
        else:
            self._finish()
            self._now = self._read()
        kind = self._now.kind
        if kind in (Kind.START_OBJECT, Kind.START_ARRAY):
            self._depth.append(kind)
            self._first = True
        elif kind in (Kind.END_OBJECT, Kind.END_ARRAY):
            self._depth.pop()
            self._first = False
        elif kind is not Kind.NAME:
            self._first = False
        return kind

    def text(self) -> str:
        """Return the text of the token; of a string, what is between its quotes."""
        kind, start, end = self._now
        if kind is Kind.NAME:
            return self.name
        return self._finish() if kind is Kind.STRING else self._source[start:end]

    def end(self) -> None:
        """Raise `Malformed` unless nothing but blanks is left."""
        self._finish()
        if _after_blanks(self._source, self._at) != len(self._source):
            raise Malformed

    def place(self) -> str:
        """Return where the reader stands, in AWS's words."""
        source, at = self._source, self._at
        line = source.count("\n", 0, at) + 1
        column = at - (source.rfind("\n", 0, at) + 1) + 1
        left_out = len(source) - SNIPPET_CHARACTERS_MAX
        rest = f"[truncated {left_out} chars]" if left_out > 0 else ""
        snippet = source[:SNIPPET_CHARACTERS_MAX]
        return f'\n at [Source: (String)"{snippet}"{rest}; line: {line}, column: {column}]'

    def _finish(self) -> str:
        """Read a string to its end."""
        if self._now.kind is not Kind.STRING:
            return ""
        text, end = _string(self._source, self._now.start)
        self._at = max(self._at, end)
        return text

    def _read(self) -> _Read:
        source = self._source
        at = _after_blanks(source, self._at)
        inside = self._depth[-1] if self._depth else None
        mark = source[at : at + 1]
        if inside is None and self._now.end:
            raise Malformed
        if mark and mark in "}]":
            if inside is not (Kind.START_OBJECT if mark == "}" else Kind.START_ARRAY):
                raise Malformed
            self._at = at + 1
            return _Read(Kind(mark), at, self._at)
        if inside is not None and not self._first:
            if mark != ",":
                raise Malformed
            at = _after_blanks(source, at + 1)
        if inside is not Kind.START_OBJECT:
            return self._value(at)
        self.name, end = _string(source, at)
        colon = _after_blanks(source, end)
        if source[colon : colon + 1] != ":":
            raise Malformed
        self._behind_name = self._value(_after_blanks(source, colon + 1))
        return _Read(Kind.NAME, at, end)

    def _value(self, at: int) -> _Read:
        source = self._source
        mark = source[at : at + 1]
        if mark and mark in "{[":
            read = _Read(Kind(mark), at, at + 1)
        elif mark == '"':
            read = _Read(Kind.STRING, at, at + 1)
        elif mark in _WORDS and source.startswith(_WORDS[mark], at):
            read = _Read(Kind(_WORDS[mark]), at, at + len(_WORDS[mark]))
        else:
            number = _NUMBER.match(source, at)
            if number is None:
                raise Malformed
            read = _Read(Kind.NUMBER, at, number.end())
        self._at = read.end
        return read


def _after_blanks(source: str, at: int) -> int:
    match = _BLANKS.match(source, at)
    assert match is not None
    return match.end()


def _string(source: str, at: int) -> tuple[str, int]:
    """Return the string that begins at a place, and the place behind it."""
    match = _STRING.match(source, at)
    if match is None:
        raise Malformed
    text: str = json.loads(match.group())
    try:
        text.encode()
    except UnicodeEncodeError as error:  # half of a surrogate pair
        raise Malformed from error
    return text, match.end()

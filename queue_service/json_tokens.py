"""JSON read token by token, with the place that AWS's own reader reports for an error.

SNS tells where a filter policy is wrong by line and column, and those are its reader's: a string counts as read up to
its opening quote until its text was asked for, and the value behind a member's name is looked at together with the
name. What is no JSON is complained of in that reader's words, which SNS hands on. Owns tokens, places and those words;
knows nothing of policies.
"""

import enum
import json
import re
import string
from typing import NamedTuple

SNIPPET_CHARACTERS_MAX = 500
"""Of the source, in an error: what is longer is cut, and the rest counted."""
_BLANKS = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
_WORDS = {"t": "true", "f": "false", "n": "null"}
_HIDDEN = "REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled)"
_VALUES = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
_WORD_CHARACTERS_MAX = 256
"""Of a word that is no JSON, in a complaint."""
_ESCAPED = '"\\/bfnrtu'


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
    """The text is not JSON; `text` is what AWS's reader says of it, empty where it says nothing."""

    def __init__(self, text: str = "") -> None:
        super().__init__(text)
        self.text = text


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
        self._depth: list[tuple[Kind, int]] = []
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
            self._depth.append((kind, self._now.start))
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
        source = self._source
        left_out = len(source) - SNIPPET_CHARACTERS_MAX
        rest = f"[truncated {left_out} chars]" if left_out > 0 else ""
        snippet = source[:SNIPPET_CHARACTERS_MAX]
        return f'\n at [Source: (String)"{snippet}"{rest}; {self._numbers(self._at)}]'

    def _numbers(self, at: int) -> str:
        line = self._source.count("\n", 0, at) + 1
        return f"line: {line}, column: {at - self._source.rfind(chr(10), 0, at)}"

    def _hidden_place(self, at: int) -> str:
        return f"[Source: {_HIDDEN}; {self._numbers(at)}]"

    def _malformed(self, text: str, at: int) -> Malformed:
        """Return the complaint of a text that is no JSON at a place."""
        return Malformed(f"{text}\n at {self._hidden_place(at)}")

    def _unexpected(self, at: int, expected: str) -> Malformed:
        """Return the complaint of a character where another is expected."""
        return self._malformed(f"Unexpected character ({_named(self._source[at])}): {expected}", at)

    def _ended(self, text: str) -> Malformed:
        """Return the complaint of a text that ends too early."""
        return self._malformed(f"Unexpected end-of-input{text}", len(self._source))

    def _finish(self) -> str:
        """Read a string to its end."""
        if self._now.kind is not Kind.STRING:
            return ""
        text, end = self._string(self._now.start, "string value")
        self._at = max(self._at, end)
        return text

    def _read(self) -> _Read:
        source = self._source
        at = _after_blanks(source, self._at)
        inside, start = self._depth[-1] if self._depth else (None, 0)
        mark = source[at : at + 1]
        if inside is None and (self._now.end or not mark):
            raise Malformed
        what = "Object" if inside is Kind.START_OBJECT else "Array"
        if not mark:
            raise self._ended(f": expected close marker for {what} (start marker at {self._hidden_place(start)})")
        if mark in "}]":
            if inside is not (Kind.START_OBJECT if mark == "}" else Kind.START_ARRAY):
                wanted = "}" if mark == "]" else "]"
                of = "root" if inside is None else what
                begun = f"(for {of} starting at {self._hidden_place(start)})"
                raise self._malformed(f"Unexpected close marker '{mark}': expected '{wanted}' {begun}", at)
            self._at = at + 1
            return _Read(Kind(mark), at, self._at)
        if inside is not None and not self._first:
            if mark != ",":
                raise self._unexpected(at, f"was expecting comma to separate {what} entries")
            at = _after_blanks(source, at + 1)
            if at == len(source):
                raise self._ended(f" within/between {what} entries")
        if inside is not Kind.START_OBJECT:
            return self._value(at)
        if source[at] != '"':
            raise self._unexpected(at, "was expecting double-quote to start field name")
        self.name, end = self._string(at, "name")
        colon = _after_blanks(source, end)
        if colon == len(source):
            raise self._ended(" within/between Object entries")
        if source[colon] != ":":
            raise self._unexpected(colon, "was expecting a colon to separate field name and value")
        behind = _after_blanks(source, colon + 1)
        if behind == len(source):
            raise self._ended(" within/between Object entries")
        self._behind_name = self._value(behind)
        return _Read(Kind.NAME, at, end)

    def _value(self, at: int) -> _Read:
        source = self._source
        mark = source[at]
        if mark in "{[":
            read = _Read(Kind(mark), at, at + 1)
        elif mark == '"':
            read = _Read(Kind.STRING, at, at + 1)
        elif mark.isalpha() or mark in "_$":
            word = _word(source, at)
            if word not in _WORDS.values():
                shown = word if len(word) <= _WORD_CHARACTERS_MAX else word[:_WORD_CHARACTERS_MAX] + "..."
                raise self._malformed(f"Unrecognized token '{shown}': was expecting {_VALUES}", at + len(word))
            read = _Read(Kind(word), at, at + len(word))
        else:
            read = self._numeric(at)
        self._at = read.end
        return read

    def _numeric(self, at: int) -> _Read:
        source = self._source
        number = _NUMBER.match(source, at)
        if number is not None:
            end = number.end()
            if number.group().lstrip("-") == "0" and source[end : end + 1].isdecimal():
                raise self._malformed("Invalid numeric value: Leading zeroes not allowed", end)
            return _Read(Kind.NUMBER, at, end)
        if source[at] == "-":
            if at + 1 == len(source):
                raise self._ended(" in VALUE_NUMBER_INT")
            expected = "expected digit (0-9) to follow minus sign, for valid numeric value"
            name = _named(source[at + 1])
            raise self._malformed(f"Unexpected character ({name}) in numeric value: {expected}", at + 1)
        raise self._unexpected(at, "expected a value" if source[at] == "}" else f"expected a valid value {_VALUES}")

    def _string(self, at: int, what: str) -> tuple[str, int]:
        """Return the string that begins at a place, and the place behind it; `what` it is, in a complaint."""
        match = _STRING.match(self._source, at)
        if match is None:
            raise self._no_string(at, what)
        text: str = json.loads(match.group())
        try:
            text.encode()
        except UnicodeEncodeError as error:  # half of a surrogate pair
            raise Malformed from error
        return text, match.end()

    def _no_string(self, at: int, what: str) -> Malformed:
        source = self._source
        at += 1
        while at < len(source):
            if source[at] < " ":
                escape = f"has to be escaped using backslash to be included in {what}"
                return self._malformed(f"Illegal unquoted character ({_named(source[at])}): {escape}", at)
            if source[at] == "\\":
                at += 1
                escaped = source[at : at + 1]
                if escaped and escaped not in _ESCAPED:
                    return self._malformed(f"Unrecognized character escape {_named(escaped)}", at)
                for digit in range(at + 1, min(at + 5, len(source)) if escaped == "u" else 0):
                    if source[digit] not in string.hexdigits:
                        return self._unexpected(digit, "expected a hex-digit for character escape sequence")
            at += 1
        return self._ended(" in field name" if what == "name" else ": was expecting closing quote for a string value")


def compact(source: str) -> str:
    """Return a JSON text as AWS's reader would write it again: without blanks; raises `Malformed`."""
    tokens = TokenReader(source)
    depth = 0
    while True:
        kind = tokens.next()
        depth += kind in (Kind.START_OBJECT, Kind.START_ARRAY)
        depth -= kind in (Kind.END_OBJECT, Kind.END_ARRAY)
        if depth == 0:
            break
    tokens.end()
    return json.dumps(json.loads(source), ensure_ascii=False, separators=(",", ":"))


def _named(character: str) -> str:
    code = ord(character)
    if code < ord(" ") or 0x7F <= code < 0xA0:
        return f"(CTRL-CHAR, code {code})"
    return f"'{character}' (code {code}{f' / 0x{code:x}' if code > 0xFF else ''})"


def _word(source: str, at: int) -> str:
    end = at
    while end < len(source) and (source[end].isalnum() or source[end] in "_$"):
        end += 1
    return source[at:end]


def _after_blanks(source: str, at: int) -> int:
    match = _BLANKS.match(source, at)
    assert match is not None
    return match.end()

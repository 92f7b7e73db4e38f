"""Filter policies of subscriptions: checked and compiled once, then asked of each message.

A policy becomes alternatives (`$or`), each a set of conditions on fields; a condition holds when one of its patterns
matches one of the field's values. A message's attributes, or the JSON of its body, become fields once per publish. An
index over all policies of a topic asks only those whose rarest condition can hold.

Rules and words are AWS's: the operators of the SNS developer guide ("Subscription filter policies"), its limits
("Filter policy constraints"), and the errors and places of the open-source matcher that SNS uses. In the body, values
of different elements of one array never satisfy a policy together. Knows no topic and no storage.
"""

import ipaddress
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from cumulo.queue_service.json_tokens import Kind, Malformed, TokenReader, compact
from cumulo.queue_service.message_model import MessageAttributes

KEYS_MAX = 5
"""Top-level keys of a policy."""
COMBINATIONS_MAX = 150
"""Values of all conditions multiplied, each times the depth of its key, over the alternatives together."""
POLICY_BYTES_MAX = 262_144
NUMBER_MAX = 1e9
"""Numbers in patterns lie between this and its negative, and count to five decimals."""
NESTING_MAX = 100
"""Ours: how deep a body is looked into; a policy of 150 combinations can reach this deep, and not deeper."""
IN_ATTRIBUTES, IN_BODY = "MessageAttributes", "MessageBody"
SCOPES = (IN_ATTRIBUTES, IN_BODY)
_DECIMALS = 100_000
_OR = "$or"
_OPERATORS = (
    "exactly", "equals-ignore-case", "prefix", "suffix", "anything-but", "exists", "wildcard", "numeric", "cidr"
)  # fmt: skip
_COMPARISONS = ("=", "<", "<=", ">=", ">")
_KEPT_WORDS = (
    "regex", "not-wildcard", "not-equals-ignore-case", "date-after", "date-on-or-after", "date-before",
    "date-on-or-before", "in-date-range", "ip-address-in-range", "ip-address-not-in-range",
)  # fmt: skip
_RESERVED = frozenset((*_OPERATORS, *_COMPARISONS, *_KEPT_WORDS))
"""What no field may be called inside `$or`."""
_IPV4 = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+")
_IPV6 = re.compile(r"[0-9a-fA-F:]*:[0-9a-fA-F:]*")
_MASK = re.compile(r"[+-]?[0-9]+")

Value = str | float | tuple[str]
"""Text, a number, or one of `("true",)`, `("false",)`, `("null",)`, which equal neither."""
Element = tuple[int, int]
"""An array of the body, and the place in it."""
Field = tuple[Value, tuple[Element, ...]]
"""A value, and in which elements it lies."""
Fields = Mapping[str, Sequence[Field]]
_WORDS: dict[Any, Value] = {True: ("true",), False: ("false",), None: ("null",)}


class InvalidFilterPolicy(Exception):
    """Why SNS would refuse a policy, in its words; `names_policy` is whether those begin with the attribute's name."""

    def __init__(self, text: str, *, names_policy: bool = True) -> None:
        super().__init__(text)
        self.text = text
        self.names_policy = names_policy


class Condition:
    """What a field must be: one of `exact`, or begins with one of `prefixes`, or passes one of `tests`; `absent` and
    `present` are `exists`. `values` counts the patterns.
    """

    __slots__ = ("absent", "exact", "prefixes", "present", "tests", "values")

    def __init__(self) -> None:
        self.exact: set[Value] = set()
        self.prefixes: tuple[str, ...] = ()
        self.tests: list[Callable[[Value], bool]] = []
        self.present = False
        self.absent = False
        self.values = 0

    @property
    def names_values(self) -> bool:
        """Whether each value that matches is named, or its beginning is."""
        return not (self.tests or self.present or self.absent)

    def matches(self, value: Value) -> bool:
        """Say whether a value of the field is one that is asked for."""
        if value in self.exact or self.present:
            return True
        if self.prefixes and isinstance(value, str) and value.startswith(self.prefixes):
            return True
        for test in self.tests:  # noqa: SIM110 - a generator would cost more than the tests
            if test(value):
                return True
        return False

    def holds(self, fields: Sequence[Field]) -> bool:
        """Say whether one of a field's values, in whichever element it lies, is one that is asked for."""
        for value, _ in fields:
            if self.matches(value):
                return True
        return self.absent and not fields


Alternative = dict[str, Condition]
"""Conditions by the name of their field, all of which must hold."""


class FilterPolicy:
    """A compiled policy; `paths` are the fields that it looks at."""

    __slots__ = ("alternatives", "paths")

    def __init__(self, alternatives: list[Alternative]) -> None:
        self.alternatives = alternatives
        self.paths = frozenset(path for alternative in alternatives for path in alternative)

    def accepts(self, fields: Fields) -> bool:
        """Say whether a message of these fields is wanted."""
        return any(_accepts(alternative, fields) for alternative in self.alternatives)


def _accepts(alternative: Alternative, fields: Fields) -> bool:
    in_arrays = False
    for path, condition in alternative.items():
        found = fields.get(path, ())
        if not condition.holds(found):
            return False
        for _, place in found:
            if place:
                in_arrays = True
                break
    return not in_arrays or _consistent(alternative, fields)


def _consistent(alternative: Alternative, fields: Fields) -> bool:
    """Say whether the conditions hold for values that lie in no two elements of one array.

    Remembers only those places that a later field shares, so that arrays which have nothing to do with each other do
    not multiply.
    """
    choices = [
        {place for value, place in fields[path] if condition.matches(value)}
        for path, condition in alternative.items()
        if path in fields
    ]
    needed: list[set[int]] = [set() for _ in choices]
    for at in range(len(choices) - 2, -1, -1):
        needed[at] = needed[at + 1] | {array for place in choices[at + 1] for array, _ in place}
    reached: set[frozenset[Element]] = {frozenset()}
    for choice, later in zip(choices, needed, strict=True):
        following: set[frozenset[Element]] = set()
        for before in reached:
            taken = dict(before)
            for place in choice:
                if all(taken.get(array, index) == index for array, index in place):
                    following.add(frozenset((array, index) for array, index in {*before, *place} if array in later))
        reached = following
    return bool(reached)


# Compiling


def compiled(text: str, scope: str) -> FilterPolicy:
    """Check and compile a policy; raises `InvalidFilterPolicy`."""
    if len(text.encode()) > POLICY_BYTES_MAX:
        raise InvalidFilterPolicy("Filter policy can not be larger than 256 KB")
    try:
        # SNS writes a policy anew before it looks at what it says, and counts places in that.
        keys, alternatives = _Compiler(compact(text)).whole()
    except Malformed as error:
        raise InvalidFilterPolicy(f"failed to parse JSON. {error.text}".rstrip()) from error
    except RecursionError as error:
        raise InvalidFilterPolicy("failed to parse JSON.") from error
    if scope == IN_ATTRIBUTES and any(depth > 1 for each in alternatives for _, depth in each.values()):
        text = "Filter policy scope MessageAttributes does not support nested filter policy"
        raise InvalidFilterPolicy(text, names_policy=False)
    if keys > KEYS_MAX:
        raise InvalidFilterPolicy("Filter policy can not have more than 5 keys")
    if _combinations(alternatives) > COMBINATIONS_MAX:
        raise InvalidFilterPolicy("Filter policy is too complex")
    return FilterPolicy([{path: condition for path, (condition, _) in each.items()} for each in alternatives])


_Draft = dict[str, tuple[Condition, int]]
"""An alternative, with the depth of each key."""


def _combinations(alternatives: list[_Draft]) -> int:
    return sum(math.prod(condition.values * depth for condition, depth in each.values()) for each in alternatives)


class _Compiler:
    """Goes through the tokens of a policy in the order in which AWS's matcher does."""

    def __init__(self, text: str) -> None:
        self._tokens = TokenReader(text)
        self._top_keys: set[str] = set()

    def whole(self) -> tuple[int, list[_Draft]]:
        """Return how many keys the policy has at its top, and its alternatives."""
        if self._tokens.next() is not Kind.START_OBJECT:
            raise self._wrong("Filter is not an object")
        drafts = self._object([], (), in_or=False)
        self._tokens.end()
        return len(self._top_keys), drafts

    def _object(self, drafts: list[_Draft], path: tuple[str, ...], *, in_or: bool) -> list[_Draft]:
        tokens = self._tokens
        empty = True
        while tokens.next() is not Kind.END_OBJECT:
            empty = False
            name = tokens.name
            if name == _OR:
                drafts = self._or(drafts, path)
                continue
            if in_or and name in _RESERVED:
                raise self._wrong(f"{name} is Ruler reserved fieldName which cannot be used inside {_OR}.")
            if not path:
                self._top_keys.add(name)
            kind = tokens.next()
            if kind is Kind.START_OBJECT:
                drafts = self._object(drafts, (*path, name), in_or=in_or)
            elif kind is Kind.START_ARRAY:
                condition = self._condition()
                drafts = drafts or [{}]
                for draft in drafts:
                    draft[".".join((*path, name))] = (condition, len(path) + 1)
            else:
                raise self._wrong(f'"{name}" must be an object or an array')
        if empty:
            raise self._wrong("Empty objects are not allowed")
        return drafts

    def _or(self, drafts: list[_Draft], path: tuple[str, ...]) -> list[_Draft]:
        tokens = self._tokens
        if tokens.next() is not Kind.START_ARRAY:
            raise self._wrong(f"It must be an Array followed with {_OR}.")
        branches: list[_Draft] = []
        count = 0
        while (kind := tokens.next()) is not Kind.END_ARRAY:
            count += 1
            if kind is not Kind.START_OBJECT:
                raise self._wrong(f"Only JSON object is allowed in array of {_OR} relationship.")
            branches += self._object([dict(draft) for draft in drafts] or [{}], path, in_or=True)
            if len(branches) > COMBINATIONS_MAX:
                raise InvalidFilterPolicy("Filter policy is too complex")
        if count < 2:
            raise self._wrong(f"There must have at least 2 Objects in {_OR} relationship.")
        return branches

    def _condition(self) -> Condition:
        tokens = self._tokens
        condition = Condition()
        while (kind := tokens.next()) is not Kind.END_ARRAY:
            condition.values += 1
            if kind is Kind.START_OBJECT:
                self._expression(condition)
            elif kind is Kind.STRING:
                text = tokens.text()
                condition.exact.add(text)
                if _is_address(text):
                    condition.tests.append(_in_network(ipaddress.ip_network(text)))
            elif kind is Kind.NUMBER:
                condition.exact.add(_rounded(float(tokens.text())))
            elif kind in (Kind.TRUE, Kind.FALSE, Kind.NULL):
                condition.exact.add((kind.value,))
            else:
                raise self._wrong("Match value must be String, number, true, false, or null")
        if not condition.values:
            raise self._wrong("Empty arrays are not allowed")
        return condition

    def _expression(self, condition: Condition) -> None:
        if self._tokens.next() is not Kind.NAME:
            raise self._wrong("Match expression name not found")
        name = self._tokens.name
        if name == "exactly":
            condition.exact.add(self._string("exact", self._tokens.next()))
        elif name in ("prefix", "suffix"):
            self._end_of_text(name, condition)
        elif name == "equals-ignore-case":
            condition.tests.append(_ignoring_case(self._string(name, self._tokens.next())))
        elif name == "wildcard":
            condition.tests.append(_like(self._wildcard(self._string(name, self._tokens.next()))))
        elif name == "cidr":
            # AWS's words name another operator here.
            condition.tests.append(_in_network(self._network(self._string("prefix", self._tokens.next()))))
        elif name == "exists":
            kind = self._tokens.next()
            if kind not in (Kind.TRUE, Kind.FALSE):
                raise self._wrong("exists match pattern must be either true or false.")
            condition.present |= kind is Kind.TRUE
            condition.absent |= kind is Kind.FALSE
        elif name in ("numeric", "anything-but"):
            if name == "numeric":
                self._numeric(condition)
            else:
                self._anything_but(condition)
            self._close("Too many elements in numeric expression")
            return
        else:
            raise self._wrong(f"Unrecognized match type {name}")
        self._close("Only one key allowed in match expression")

    def _end_of_text(self, name: str, condition: Condition) -> None:
        """Read what stands behind `prefix` or `suffix`."""
        tokens = self._tokens
        kind = tokens.next()
        if kind is not Kind.START_OBJECT:
            text = self._string(name, kind)
            if name == "prefix":
                condition.prefixes += (text,)
            else:
                condition.tests.append(lambda value: isinstance(value, str) and value.endswith(text))
            return
        if tokens.next() is not Kind.NAME:
            raise self._wrong(f"{name.capitalize()} expression name not found")
        if tokens.name != "equals-ignore-case":
            raise self._wrong(f"Unsupported {name} pattern: {tokens.name}")
        text = self._string(tokens.name, tokens.next()).lower()
        condition.tests.append(_begins_or_ends(text, ends=name == "suffix"))
        self._close("Only one key allowed in match expression")

    def _numeric(self, condition: Condition) -> None:
        tokens = self._tokens
        if tokens.next() is not Kind.START_ARRAY:
            raise self._wrong("Value of numeric must be an array.")
        if tokens.next() is not Kind.STRING:
            raise self._wrong(f"Invalid member in numeric match: {tokens.text()}")
        operator = tokens.text()
        kind = tokens.next()
        if operator not in ("=", "<", "<=", ">", ">="):
            raise self._wrong(f"Unrecognized numeric range operator: {operator}")
        if kind is not Kind.NUMBER:
            raise self._wrong(f"Value of {'equals' if operator == '=' else operator} must be numeric")
        value = self._number()
        following = tokens.next()
        if operator in ("=", "<", "<="):
            if following is not Kind.END_ARRAY:
                raise self._wrong("Too many elements in numeric expression")
            if operator == "=":
                condition.exact.add(value)
            else:
                condition.tests.append(_between(-math.inf, value, open_top=operator == "<"))
            return
        if following is Kind.END_ARRAY:
            condition.tests.append(_between(value, math.inf, open_bottom=operator == ">"))
            return
        if following is not Kind.STRING:
            raise self._wrong(f"Bad value in numeric range: {tokens.text()}")
        upper = tokens.text()
        if upper not in ("<", "<="):
            raise self._wrong(f"Bad numeric range operator: {upper}")
        if tokens.next() is not Kind.NUMBER:
            raise self._wrong(f"Value of {upper} must be numeric")
        top = self._number()
        if tokens.next() is not Kind.END_ARRAY:
            raise self._wrong("Too many terms in numeric range expression")
        if value >= top:
            raise self._wrong("Bottom must be less than top")
        condition.tests.append(_between(value, top, open_bottom=operator == ">", open_top=upper == "<"))

    def _anything_but(self, condition: Condition) -> None:
        tokens = self._tokens
        kind = tokens.next()
        form = ""
        if kind is Kind.START_OBJECT:
            if tokens.next() is not Kind.NAME:
                raise self._wrong("Anything-But expression name not found")
            form = tokens.name
            if form not in ("equals-ignore-case", "prefix", "suffix", "wildcard"):
                raise self._wrong(f"Unsupported anything-but pattern: {form}")
            kind = tokens.next()
            if form in ("prefix", "suffix") and kind not in (Kind.START_ARRAY, Kind.STRING):
                raise self._wrong(f"{form} match pattern must be a string")
        if kind not in (Kind.START_ARRAY, Kind.STRING, Kind.NUMBER):
            raise self._wrong("Value of anything-but must be an array or single string/number value.")
        refused: list[Value] = []
        if kind is Kind.START_ARRAY:
            while (kind := tokens.next()) is not Kind.END_ARRAY:
                refused.append(self._refused(form, kind))
        else:
            refused.append(self._refused(form, kind))
        if len({type(value) for value in refused}) != 1:
            raise self._wrong(
                "Inside anything but list, either all values are number or string, mixed type is not supported"
            )
        condition.tests.append(_none_of(form, [str(value) for value in refused]) if form else _other_than(refused))
        if form:
            self._close("Too many elements in numeric expression")

    def _refused(self, form: str, kind: Kind) -> Value:
        if kind is Kind.NUMBER and not form:
            return self._number()
        if kind is not Kind.STRING:
            raise self._wrong(
                {
                    "": "Inside anything but list, start|null|boolean is not supported.",
                    "equals-ignore-case": "Inside anything-but/equals-ignore-case list, "
                    "number|start|null|boolean is not supported.",
                    "wildcard": "wildcard match pattern must be a string",
                }.get(form, "prefix/suffix match pattern must be a string")
            )
        text = self._tokens.text()
        if form in ("prefix", "suffix") and not text:
            raise self._wrong("Null prefix/suffix not allowed")
        if form == "wildcard":
            self._wildcard(text)
        return text

    def _string(self, name: str, kind: Kind) -> str:
        if kind is not Kind.STRING:
            raise self._wrong(f"{name} match pattern must be a string")
        return self._tokens.text()

    def _number(self) -> float:
        value = float(self._tokens.text())
        if not -NUMBER_MAX <= value <= NUMBER_MAX:
            raise self._wrong("Value must be between -1.0E9 and 1.0E9, inclusive")
        return _rounded(value)

    def _wildcard(self, text: str) -> str:
        """Return a wildcard pattern; positions in its errors count the bytes with the quote before them."""
        quoted = b'"' + text.encode() + b'"'
        at = 0
        while at < len(quoted):
            if quoted[at : at + 2] == b"**":
                raise self._wrong(f"Consecutive wildcard characters at pos {at}")
            if quoted[at : at + 1] == b"\\":
                if quoted[at + 1 : at + 2] not in (b"*", b"\\"):
                    raise self._wrong(f"Invalid escape character at pos {at}")
                at += 1
            at += 1
        return text

    def _network(self, text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
        parts = text.rstrip("/").split("/")
        if len(parts) != 2:
            raise InvalidFilterPolicy("Malformed CIDR, one '/' required")
        address, mask = parts
        if not _MASK.fullmatch(mask):
            raise InvalidFilterPolicy("Malformed CIDR, mask bits must be an integer")
        bits = int(mask)
        if bits < 0:
            raise InvalidFilterPolicy("Malformed CIDR, mask bits must not be negative")
        if not _IPV4.fullmatch(address) and not _IPV6.fullmatch(address):
            raise InvalidFilterPolicy(f"Nonstandard IP address: {address}")
        if not _is_address(address):
            raise InvalidFilterPolicy(f"Invalid IP address: {address}")
        width = 128 if ":" in address else 32
        if bits >= width:
            raise InvalidFilterPolicy(f"IPv{6 if ':' in address else 4} mask bits must be < {width}")
        return ipaddress.ip_network(f"{address}/{bits}", strict=False)

    def _close(self, otherwise: str) -> None:
        if self._tokens.next() is not Kind.END_OBJECT:
            raise self._wrong(otherwise)

    def _wrong(self, text: str) -> InvalidFilterPolicy:
        return InvalidFilterPolicy(text + self._tokens.place())


def _rounded(value: float) -> float:
    return round(value * _DECIMALS) / _DECIMALS if abs(value) <= NUMBER_MAX else value


def _is_address(text: str) -> bool:
    if not _IPV4.fullmatch(text) and not _IPV6.fullmatch(text):
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _in_network(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> Callable[[Value], bool]:
    return lambda value: isinstance(value, str) and _is_address(value) and ipaddress.ip_address(value) in network


def _ignoring_case(text: str) -> Callable[[Value], bool]:
    wanted = text.lower()
    return lambda value: isinstance(value, str) and value.lower() == wanted


def _begins_or_ends(wanted: str, *, ends: bool) -> Callable[[Value], bool]:
    if ends:
        return lambda value: isinstance(value, str) and value.lower().endswith(wanted)
    return lambda value: isinstance(value, str) and value.lower().startswith(wanted)


def _between(
    bottom: float, top: float, *, open_bottom: bool = False, open_top: bool = False
) -> Callable[[Value], bool]:
    def test(value: Value) -> bool:
        return (
            isinstance(value, float)
            and (bottom < value if open_bottom else bottom <= value)
            and (value < top if open_top else value <= top)
        )

    return test


def _other_than(refused: Iterable[Value]) -> Callable[[Value], bool]:
    values = frozenset(refused)
    return lambda value: value not in values


def _none_of(form: str, texts: list[str]) -> Callable[[Value], bool]:
    if form == "equals-ignore-case":
        lowered = frozenset(text.lower() for text in texts)
        return lambda value: not isinstance(value, str) or value.lower() not in lowered
    if form == "prefix":
        return lambda value: not isinstance(value, str) or not value.startswith(tuple(texts))
    if form == "suffix":
        return lambda value: not isinstance(value, str) or not value.endswith(tuple(texts))
    patterns = [_like(text) for text in texts]
    return lambda value: not any(matches(value) for matches in patterns)


def _like(pattern: str) -> Callable[[Value], bool]:
    """Return the test of a pattern with `*`: its pieces one after another, so that no text takes longer than its
    length times their number.
    """
    first, *rest = _pieces(pattern)

    def test(value: Value) -> bool:
        if not isinstance(value, str):
            return False
        if not rest:
            return value == first
        if not value.startswith(first):
            return False
        at = len(first)
        for piece in rest[:-1]:
            found = value.find(piece, at)
            if found < 0:
                return False
            at = found + len(piece)
        return len(value) - at >= len(rest[-1]) and value.endswith(rest[-1])

    return test


def _pieces(pattern: str) -> list[str]:
    """Return what stands between the stars of a pattern; a backslash takes the next character as it is."""
    pieces = [""]
    characters = iter(pattern)
    for character in characters:
        if character == "*":
            pieces.append("")
        else:
            pieces[-1] += next(characters) if character == "\\" else character
    return pieces


# What messages show


def attribute_fields(attributes: MessageAttributes) -> Fields:
    """Return a message's attributes as fields; those of binary types are not looked at."""
    fields: dict[str, Sequence[Field]] = {}
    for attribute in attributes:
        if attribute.binary:
            continue
        text = attribute.value.decode()
        if attribute.data_type == "String.Array":
            fields[attribute.name] = _array_fields(text)
        elif attribute.data_type.partition(".")[0] == "Number":
            fields[attribute.name] = ((_rounded(float(text)), ()),)
        else:
            fields[attribute.name] = ((text, ()),)
    return fields


def _array_fields(text: str) -> Sequence[Field]:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    return tuple((_value(value), ()) for value in values) if isinstance(values, list) else ()


def body_fields(body: bytes, paths: Iterable[str]) -> Fields | None:
    """Return the fields of a body that policies with these `paths` look at; None where it is no JSON object: then no
    policy on bodies accepts it.
    """
    try:
        decoded = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(decoded, dict):
        return None
    wanted = {".".join(parts[: at + 1]) for parts in map(_split, paths) for at in range(len(parts))}
    fields: dict[str, list[Field]] = {}
    arrays = 0
    rest: list[tuple[Any, str, tuple[Element, ...], int]] = [(decoded, "", (), 0)]
    while rest:
        value, path, place, depth = rest.pop()
        if isinstance(value, dict):
            for name, below in value.items():
                longer = f"{path}.{name}" if path else name
                if longer in wanted and depth < NESTING_MAX:
                    rest.append((below, longer, place, depth + 1))
        elif isinstance(value, list):
            arrays += 1
            rest += [(below, path, (*place, (arrays, at)), depth) for at, below in enumerate(value)]
        else:
            fields.setdefault(path, []).append((_value(value), place))
    return fields


def _split(path: str) -> list[str]:
    return path.split(".")


def _value(value: Any) -> Value:
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    if isinstance(value, (int, float)):
        try:
            return _rounded(float(value))
        except OverflowError:
            return math.inf
    return ("null",)


_Entry = tuple[Any, Alternative]


class FilterIndex:
    """Which of many policies, each with its owner, accept a message; asks few of them.

    Each alternative lies under its rarest condition: the values or beginnings of one that names them, else the presence
    of its field. So a message asks those alone that one of its own fields leads to.
    """

    def __init__(self, policies: Mapping[Any, FilterPolicy]) -> None:
        self.paths = frozenset(path for policy in policies.values() for path in policy.paths)
        self._by_value: dict[tuple[str, Value], list[_Entry]] = {}
        self._by_beginning: dict[tuple[str, str], list[_Entry]] = {}
        self._lengths: dict[str, set[int]] = {}
        """Of the beginnings that are asked for, by field."""
        self._by_path: dict[str, list[_Entry]] = {}
        self._others: list[_Entry] = []
        entries = [(owner, each) for owner, policy in policies.items() for each in policy.alternatives]
        often = Counter(
            (path, value)
            for _, alternative in entries
            for path, condition in alternative.items()
            for value in (*condition.exact, *condition.prefixes)
        )
        for entry in entries:
            self._put(entry, often)

    def _put(self, entry: _Entry, often: Mapping[tuple[str, Value], int]) -> None:
        alternative = entry[1]
        named = [
            (sum(often[path, value] for value in (*condition.exact, *condition.prefixes)), path)
            for path, condition in alternative.items()
            if condition.names_values
        ]
        present = [path for path, condition in alternative.items() if not condition.absent]
        if named:
            _, path = min(named)
            for value in alternative[path].exact:
                self._by_value.setdefault((path, value), []).append(entry)
            for beginning in alternative[path].prefixes:
                self._by_beginning.setdefault((path, beginning), []).append(entry)
                self._lengths.setdefault(path, set()).add(len(beginning))
        elif present:
            self._by_path.setdefault(present[0], []).append(entry)
        else:
            self._others.append(entry)

    def accepting(self, fields: Fields) -> set[Any]:
        """Return the owners whose policies accept a message of these fields."""
        accepted = set()
        for owner, alternative in self._candidates(fields):
            if owner not in accepted and _accepts(alternative, fields):
                accepted.add(owner)
        return accepted

    def _candidates(self, fields: Fields) -> Iterator[_Entry]:
        for path, found in fields.items():
            lengths = self._lengths.get(path, ())
            for value in {value for value, _ in found}:
                yield from self._by_value.get((path, value), ())
                if isinstance(value, str):
                    for length in lengths:
                        if length <= len(value):
                            yield from self._by_beginning.get((path, value[:length]), ())
            yield from self._by_path.get(path, ())
        yield from self._others

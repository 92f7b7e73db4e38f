"""The Condition element: operators, set operators, IfExists and Null, compiled to closures over the condition keys.

Owns the table of operators. A condition block is true iff every operator is true for every key; one key is true iff
some listed value matches, or, for a negated operator, iff none does. What cannot be read as the operator's type (in the
policy or in the request) matches nothing, so it makes a negated operator true.

A missing key makes a positive operator false and a negated one true; with IfExists it makes either true. An empty set
counts as missing. A plain operator on a multi-valued key is false, whatever its values (decision D2). ForAllValues is
true without values, ForAnyValue false (true with IfExists, decision D3).
"""

import base64
import binascii
import functools
import ipaddress
import operator
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias, TypeVar

import msgspec

from cumulo.identity.policy.context_keys import fold
from cumulo.identity.policy.patterns import (
    Keys,
    Matcher,
    Token,
    bind_text,
    compile_arn_condition,
    compile_glob,
    has_variables,
    parse_pattern,
    variable_keys,
)

T = TypeVar("T")

Holds: TypeAlias = Callable[[Keys], bool]

NULL = "null"
ADDRESSES_PARSED_MAX = 4096
"""Parsed peer addresses kept: parsing one costs ten times a comparison, and a connection shows the same one each
time."""


class Condition(msgspec.Struct, frozen=True):
    """One key under one operator, as the policy has it."""

    operator: str
    key: str
    values: tuple[str, ...]


class Operator(msgspec.Struct, frozen=True):
    """A base operator: `any_matches` compiles a list of values to the test "some listed value matches this one".

    `patterns` says how a value is read: None as plain text, else whether `*` and `?` are wildcards in it; variables are
    replaced in such values only.
    """

    name: str
    any_matches: Callable[[list[tuple[Token, ...]]], Matcher]
    negated: bool = False
    wildcards: bool = False
    variables: bool = False


class OperatorUse(msgspec.Struct, frozen=True):
    """An operator as a policy writes it, with its set prefix (`forallvalues`, `foranyvalue` or empty) and IfExists."""

    base: Operator | None
    """None for Null."""
    quantifier: str = ""
    if_exists: bool = False


class CompiledCondition(msgspec.Struct, frozen=True):
    """A condition with its test; `key` is folded, `reads` are all folded keys that the test looks at."""

    source: Condition
    key: str
    reads: frozenset[str]
    holds: Holds


def _literals(values: Iterable[tuple[Token, ...]]) -> list[str]:
    return [str(bind_text(value, {})) for value in values]


def _same_text(text: str) -> str:
    return text


def _any_text(transform: Callable[[str], str]) -> Callable[[list[tuple[Token, ...]]], Matcher]:
    """Compare as text after `transform`; values with variables are bound first."""

    def compile_values(values: list[tuple[Token, ...]]) -> Matcher:
        fixed = frozenset(transform(text) for text in _literals(value for value in values if not has_variables(value)))
        bound = [value for value in values if has_variables(value)]
        if not bound:
            if transform is _same_text:
                return lambda text, _: text in fixed
            return lambda text, _: transform(text) in fixed

        def matches(text: str, keys: Keys) -> bool:
            wanted = transform(text)
            if wanted in fixed:
                return True
            texts = (bind_text(value, keys) for value in bound)
            return any(text is not None and transform(text) == wanted for text in texts)

        return matches

    return compile_values


def _any_of(matchers: list[Matcher]) -> Matcher:
    if len(matchers) == 1:
        return matchers[0]
    return lambda text, keys: any(matches(text, keys) for matches in matchers)


def _any_glob(values: list[tuple[Token, ...]]) -> Matcher:
    return _any_of([compile_glob(value) for value in values])


def _any_arn(values: list[tuple[Token, ...]]) -> Matcher:
    return _any_of([compile_arn_condition(value) for value in values])


def _any_parsed(
    parse: Callable[[str], T | None], compare: Callable[[T, T], bool]
) -> Callable[[list[tuple[Token, ...]]], Matcher]:
    """Compare as a type: `compare(request value, policy value)`; what `parse` refuses matches nothing."""

    def compile_values(values: list[tuple[Token, ...]]) -> Matcher:
        listed = [value for text in _literals(values) if (value := parse(text)) is not None]

        def matches(text: str, _keys: Keys) -> bool:
            value = parse(text)
            return value is not None and any(compare(value, limit) for limit in listed)

        return matches

    return compile_values


def _any_bool(values: list[tuple[Token, ...]]) -> Matcher:
    matches_text = _any_text(fold)(values)
    if any(map(has_variables, values)):
        return lambda text, keys: fold(text) in _BOOLS and matches_text(text, keys)
    accepted = _BOOLS.intersection(map(fold, _literals(values)))
    return lambda text, _: text.lower() in accepted  # nothing but ASCII lowers to these two words


_BOOLS = frozenset({"true", "false"})


def _any_network(values: list[tuple[Token, ...]]) -> Matcher:
    networks = [network for text in _literals(values) if (network := parse_network(text)) is not None]

    def matches(text: str, _keys: Keys) -> bool:
        address = parse_address(text)
        return address is not None and any(
            address[0] == version and address[1] & mask == first for version, first, mask in networks
        )

    return matches


_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_DATE = re.compile(
    r"""[0-9]{4}-[0-9]{2} (?: (?P<day>-[0-9]{2})
        (?: T[0-9]{2}:[0-9]{2} (?: :[0-9]{2} (?:\.[0-9]{1,9})? )? (?: Z | [+-][0-9]{2}:?[0-9]{2} )? )? )?""",
    re.VERBOSE,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def parse_number(text: str) -> Decimal | None:
    """Return an integer or a decimal; exponents, NaN and blanks are no number here."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def parse_date(text: str) -> Decimal | None:
    """Return seconds since the epoch of epoch seconds or of an ISO 8601 date (W3C profile; UTC where no zone
    stands).
    """
    if _NUMBER.fullmatch(text):
        return Decimal(text)
    form = _DATE.fullmatch(text)
    if form is None:
        return None
    try:
        date = datetime.fromisoformat(text if form["day"] else f"{text}-01")
        microseconds = ((date if date.tzinfo else date.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND
    except (ValueError, OverflowError):
        return None
    return Decimal(microseconds) / 1_000_000


def parse_bytes(text: str) -> bytes | None:
    """Return the bytes of base64 text."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


@functools.lru_cache(maxsize=ADDRESSES_PARSED_MAX)
def parse_address(text: str) -> tuple[int, int] | None:
    """Return (version, number); an IPv4 address in its IPv6 form is an IPv4 address."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (4, int(mapped)) if mapped is not None else (address.version, int(address))


def parse_network(text: str) -> tuple[int, int, int] | None:
    """Return (version, first address, mask) of a CIDR block; an address alone is a block of one."""
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
    first, mask = network.network_address, int(network.netmask)
    mapped = first.ipv4_mapped if isinstance(first, ipaddress.IPv6Address) and network.prefixlen >= 96 else None
    return (4, int(mapped), mask & 0xFFFFFFFF) if mapped is not None else (network.version, int(first), mask)


def _typed(name: str, parse: Callable[[str], Any]) -> tuple[Operator, ...]:
    """Return the six comparisons of a type that has an order."""
    return (
        Operator(f"{name}Equals", _any_parsed(parse, operator.eq)),
        Operator(f"{name}NotEquals", _any_parsed(parse, operator.eq), negated=True),
        Operator(f"{name}LessThan", _any_parsed(parse, operator.lt)),
        Operator(f"{name}LessThanEquals", _any_parsed(parse, operator.le)),
        Operator(f"{name}GreaterThan", _any_parsed(parse, operator.gt)),
        Operator(f"{name}GreaterThanEquals", _any_parsed(parse, operator.ge)),
    )


OPERATORS = (
    Operator("StringEquals", _any_text(_same_text), variables=True),
    Operator("StringNotEquals", _any_text(_same_text), negated=True, variables=True),
    Operator("StringEqualsIgnoreCase", _any_text(str.casefold), variables=True),
    Operator("StringNotEqualsIgnoreCase", _any_text(str.casefold), negated=True, variables=True),
    Operator("StringLike", _any_glob, wildcards=True, variables=True),
    Operator("StringNotLike", _any_glob, negated=True, wildcards=True, variables=True),
    Operator("ArnEquals", _any_arn, wildcards=True, variables=True),
    Operator("ArnLike", _any_arn, wildcards=True, variables=True),
    Operator("ArnNotEquals", _any_arn, negated=True, wildcards=True, variables=True),
    Operator("ArnNotLike", _any_arn, negated=True, wildcards=True, variables=True),
    *_typed("Numeric", parse_number),
    *_typed("Date", parse_date),
    Operator("Bool", _any_bool, variables=True),
    Operator("BinaryEquals", _any_parsed(parse_bytes, operator.eq)),
    Operator("IpAddress", _any_network),
    Operator("NotIpAddress", _any_network, negated=True),
)
OPERATOR_NAMES = (*(row.name for row in OPERATORS), "Null")

_BY_NAME = {fold(row.name): row for row in OPERATORS}
_QUANTIFIERS = ("forallvalues", "foranyvalue")
_IF_EXISTS = "ifexists"


def parse_operator(text: str) -> OperatorUse | None:
    """Return what an operator's name means, letter case aside, or None for an unknown one.

    Null takes neither IfExists nor a set operator.
    """
    name = fold(text)
    if name == NULL:
        return OperatorUse(None)
    quantifier, colon, base = name.rpartition(":")
    if colon and quantifier not in _QUANTIFIERS:
        return None
    row = _BY_NAME.get(base.removesuffix(_IF_EXISTS))
    return None if row is None else OperatorUse(row, quantifier, if_exists=base.endswith(_IF_EXISTS))


def compile_condition(condition: Condition, *, variables: bool, unknown: bool, path: str = "$") -> CompiledCondition:
    """Return the test of one condition.

    `variables` is false in policies of version 2008-10-17. `unknown` is the answer for an operator that this server
    does not know (only stored policies of another version can hold one): false in an Allow, true in a Deny, so that
    both refuse. Raises `MalformedPolicy` for a value with a broken variable.
    """
    key = fold(condition.key)
    use = parse_operator(condition.operator)
    if use is None:
        return CompiledCondition(condition, key, frozenset(), lambda _: unknown)
    if use.base is None:
        wanted = frozenset(map(fold, condition.values))
        return CompiledCondition(
            condition, key, frozenset({key}), lambda keys: ("true" if keys.get(key, ()) == () else "false") in wanted
        )
    values = [
        parse_pattern(
            value, variables=variables and use.base.variables, wildcards=use.base.wildcards, path=f"{path}[{index}]"
        )
        for index, value in enumerate(condition.values)
    ]
    reads = frozenset({key}).union(*map(variable_keys, values))
    return CompiledCondition(condition, key, reads, _compile_use(key, use.base, use, use.base.any_matches(values)))


def _compile_use(key: str, base: Operator, use: OperatorUse, any_matches: Matcher) -> Holds:
    """Return the test of one key: which of its values are tested, and what its absence means."""
    negated = base.negated
    missing = use.if_exists or (negated if not use.quantifier else use.quantifier == "forallvalues")
    if not use.quantifier:

        def holds(keys: Keys) -> bool:
            value = keys.get(key)
            if isinstance(value, str):
                return any_matches(value, keys) is not negated
            return False if value else missing

        return holds
    quantify = all if use.quantifier == "forallvalues" else any

    def holds_for_set(keys: Keys) -> bool:
        value = keys.get(key, ())
        values = (value,) if isinstance(value, str) else value
        return quantify(any_matches(text, keys) is not negated for text in values) if values else missing

    return holds_for_set


def all_hold(conditions: tuple[CompiledCondition, ...]) -> Holds | None:
    """Return the test of a whole block, or None for an empty one."""
    tests = tuple(condition.holds for condition in conditions)
    match tests:
        case ():
            return None
        case (test,):
            return test
        case (first, second):
            return lambda keys: first(keys) and second(keys)
    return lambda keys: all(test(keys) for test in tests)

r"""Globs, policy variables and ARN patterns, compiled to matchers.

A pattern is text of a policy: `*` is any run of characters, `?` exactly one, `${key}` the value of a condition key. The
text that it is matched against is never read as a pattern, and neither is the value that a variable brings in: a user
named `*` is a user named `*`.

No matcher can blow up. `*` is matched left to right, each literal piece at its first place after the one before, and
never tried again: that is complete for globs (a later place can only leave less text for what follows) and costs at
most length of pattern times length of text. Patterns without variables become one regular expression in which atomic
groups `(?>.*?piece)` say exactly that; plain `.*piece.*piece` needs 87 s for 40 characters and 12 stars. Patterns with
variables are walked by `match_glob`, because nothing may be compiled per request.

ARN patterns are cut at their first five colons into six segments, each matched alone: nothing in the first five crosses
a colon, everything may be crossed in the sixth.
"""

import enum
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

import msgspec

from cumulo.identity.policy.context_keys import KeyValue, fold
from cumulo.identity.policy.malformed import MalformedPolicy

Keys: TypeAlias = Mapping[str, KeyValue]
"""Condition keys under folded names."""

Matcher: TypeAlias = Callable[[str, Keys], bool]
"""Says whether a text matches; the keys are read only by patterns with variables."""


class Wild(enum.Enum):
    """A wildcard of a pattern."""

    RUN = "*"
    ONE = "?"


class Variable(msgspec.Struct, frozen=True):
    """`${key}` or `${key, 'default'}`, with the key's name folded."""

    key: str
    default: str | None


Token: TypeAlias = str | Wild | Variable
BoundToken: TypeAlias = str | Wild

ANY = "*"
ARN_SEGMENTS = 6

_WILD = {wild.value: wild for wild in Wild}
_SPECIAL = re.compile(r"\$\{|[*?]")
_VARIABLE = re.compile(
    r"""\$\{ (?: (?P<literal>[*?$])
             | \s*+ (?P<key>[^{}'*?$,\s][^{}'*?$,]*+) (?: ,\s*+ ' (?P<default>[^']*+) ' \s*+ )? ) \}""",
    re.VERBOSE,
)


def parse_pattern(text: str, *, variables: bool, wildcards: bool, path: str = "$") -> tuple[Token, ...]:
    """Return the tokens of `text`; neighbouring literals are one token, neighbouring `*` too.

    `variables` is false in policies of version 2008-10-17, where `${` is plain text. Raises `MalformedPolicy` for a
    `${` that begins no variable.
    """
    tokens: list[Token] = []
    position = 0
    while (found := _SPECIAL.search(text, position)) is not None:
        _append(tokens, text[position : found.start()])
        position = found.end()
        if found[0] in _WILD:
            _append(tokens, _WILD[found[0]] if wildcards else found[0])
        elif not variables:
            _append(tokens, found[0])
        else:
            variable = _VARIABLE.match(text, found.start())
            if variable is None:
                raise MalformedPolicy(
                    f"{text[found.start() :][:100]!a} begins no policy variable; allowed are ${{key}}, "
                    "${key, 'default'}, ${*}, ${?} and ${$}.",
                    path,
                )
            position = variable.end()
            if variable["literal"] is not None:
                _append(tokens, variable["literal"])
            else:
                tokens.append(Variable(fold(variable["key"].rstrip()), variable["default"]))
    _append(tokens, text[position:])
    return tuple(tokens)


def _append(tokens: list[Token], token: BoundToken) -> None:
    """Add a token; a literal is joined with the one before it, so that a pattern's shape is easy to read."""
    last = tokens[-1] if tokens else None
    if isinstance(token, str) and isinstance(last, str):
        tokens[-1] = last + token
    elif token != "" and not (token is Wild.RUN and last is Wild.RUN):
        tokens.append(token)


def has_variables(tokens: Iterable[Token]) -> bool:
    """Say whether matching needs condition keys."""
    return any(isinstance(token, Variable) for token in tokens)


def has_wildcards(tokens: Iterable[Token]) -> bool:
    """Say whether the pattern holds `*` or `?`."""
    return any(isinstance(token, Wild) for token in tokens)


def variable_keys(tokens: Iterable[Token]) -> frozenset[str]:
    """Return the folded names of the keys that the pattern reads."""
    return frozenset(token.key for token in tokens if isinstance(token, Variable))


def bind(tokens: Iterable[Token], keys: Keys) -> tuple[BoundToken, ...] | None:
    """Return the tokens with each variable replaced by its value, as literal text.

    None where a variable has neither a single value nor a default: then the pattern matches nothing.
    """
    bound: list[Token] = []
    for token in tokens:
        if isinstance(token, Variable):
            value = keys.get(token.key, token.default)
            if not isinstance(value, str):
                return None
            _append(bound, value)
        else:
            _append(bound, token)
    return tuple(bound)  # type: ignore[arg-type]  # no Variable is left


def bind_text(tokens: Iterable[Token], keys: Keys) -> str | None:
    """Return the text of a pattern without wildcards, or None as `bind` does."""
    bound = bind(tokens, keys)
    return None if bound is None else "".join(token for token in bound if isinstance(token, str))


def compile_glob(tokens: tuple[Token, ...]) -> Matcher:
    """Return the matcher of a pattern whose `*` crosses everything."""
    if has_variables(tokens):
        first = tokens[0] if isinstance(tokens[0], str) else ""

        def matches_bound(text: str, keys: Keys) -> bool:
            if not text.startswith(first):
                return False
            bound = bind(tokens, keys)
            return bound is not None and match_glob(bound, text)

        return matches_bound
    match tokens:
        case ():
            return lambda text, _: not text
        case (str() as literal,):
            return lambda text, _: text == literal
        case (Wild.RUN,):
            return lambda _text, _: True
        case (str() as literal, Wild.RUN):
            return lambda text, _: text.startswith(literal)
        case (Wild.RUN, str() as literal):
            return lambda text, _: text.endswith(literal)
    fullmatch = re.compile(_expression(tokens, "."), re.DOTALL).fullmatch
    return lambda text, _: fullmatch(text) is not None


def _expression(tokens: tuple[Token, ...], any_character: str) -> str:
    """Return the regular expression of a pattern without variables; wildcards match `any_character` only."""
    pieces = [
        "".join(any_character if token is Wild.ONE else re.escape(str(token)) for token in piece)
        for piece in _split_at_runs(tokens)
    ]
    if len(pieces) == 1:
        return pieces[0]
    first, *middle, last = pieces
    return first + "".join(f"(?>{any_character}*?{piece})" for piece in middle) + f"{any_character}*{last}"


def _split_at_runs(tokens: Iterable[Token]) -> list[list[Token]]:
    pieces: list[list[Token]] = [[]]
    for token in tokens:
        if token is Wild.RUN:
            pieces.append([])
        else:
            pieces[-1].append(token)
    return pieces


def match_glob(tokens: tuple[BoundToken, ...], text: str) -> bool:
    """Match without compiling anything, for patterns whose variables were just bound."""
    match tokens:
        case (str() as literal, Wild.RUN):
            return text.startswith(literal)
    pieces = _split_at_runs(tokens)
    widths = [sum(len(token) if isinstance(token, str) else 1 for token in piece) for piece in pieces]
    if len(pieces) == 1:
        return widths[0] == len(text) and _stands_at(pieces[0], text, 0)
    start, end = widths[0], len(text) - widths[-1]
    if start > end or not _stands_at(pieces[0], text, 0) or not _stands_at(pieces[-1], text, end):
        return False
    for piece, width in zip(pieces[1:-1], widths[1:-1], strict=True):
        start = _find(piece, text, start, end - width)
        if start < 0:
            return False
        start += width
    return True


def _stands_at(piece: list[Token], text: str, position: int) -> bool:
    for token in piece:
        if isinstance(token, str):
            if not text.startswith(token, position):
                return False
            position += len(token)
        else:
            position += 1
    return True


def _find(piece: list[Token], text: str, start: int, last: int) -> int:
    """Return the first place from `start` to `last` at which the piece stands, or -1."""
    match piece:
        case [str() as literal]:
            return text.find(literal, start, last + len(literal)) if start <= last else -1
    for position in range(start, last + 1):
        if _stands_at(piece, text, position):
            return position
    return -1


class ShortArn(enum.Enum):
    """What a pattern with fewer than six segments means; it depends on the kind of policy. One that is no ARN at all
    matches nothing under REST_IS_ANY_IF_WILD, and is refused elsewhere.
    """

    REST_IS_ANY = enum.auto()
    REST_IS_ANY_IF_WILD = enum.auto()
    REST_IS_ANY_IF_WILD_END = enum.auto()
    INVALID = enum.auto()


class ResourcePattern(msgspec.Struct, frozen=True):
    """A compiled member of Resource or NotResource.

    `head` is the text up to the first `/`, if a resource can match only with exactly this head: plans look it up in a
    dictionary. `matches` is for real ARNs; the request resource `*` (actions without a resource) is matched only by
    `is_any`.
    """

    text: str
    matches: Matcher
    head: str | None
    is_any: bool
    variables: frozenset[str]


def _matches_everything(_text: str, _keys: Keys) -> bool:
    return True


def _matches_nothing(_text: str, _keys: Keys) -> bool:
    return False


def compile_resource(text: str, short: ShortArn, *, variables: bool, path: str = "$") -> ResourcePattern:
    """Return the matcher of one Resource member; raises `MalformedPolicy` naming what is wrong with it."""
    if text == ANY:
        return ResourcePattern(text, _matches_everything, None, is_any=True, variables=frozenset())
    segments = text.split(":", ARN_SEGMENTS - 1)
    if segments[0] != "arn" or len(segments) == 1:
        if short is ShortArn.REST_IS_ANY_IF_WILD:
            return ResourcePattern(text, _matches_nothing, None, is_any=False, variables=frozenset())
        raise MalformedPolicy(f'Resource {text[:100]!a} must be in ARN format or "*".', path)
    if not segments[1]:
        raise MalformedPolicy(f'Partition "" is not valid for resource {text[:100]!a}.', path)
    if len(segments) > 2 and _SPECIAL.search(segments[2]):
        raise MalformedPolicy(
            f"Resource {text[:100]!a} holds a wildcard in its service; a service's name is due.", path
        )
    if variables and any("${" in segment for segment in segments[: ARN_SEGMENTS - 1]):
        raise MalformedPolicy(
            f"Resource {text[:100]!a} holds a variable before its fifth colon; allowed is one after it.", path
        )
    if len(segments) < ARN_SEGMENTS:
        if not _may_be_short(text, short, path):
            return ResourcePattern(text, _matches_nothing, None, is_any=False, variables=frozenset())
        segments += [ANY] * (ARN_SEGMENTS - len(segments))
    early = [parse_pattern(segment, variables=False, wildcards=True) for segment in segments[:-1]]
    rest = parse_pattern(segments[-1], variables=variables, wildcards=True, path=path)
    matches, head = _compile_segments(early, rest)
    return ResourcePattern(text, matches, head, is_any=False, variables=variable_keys(rest))


def _may_be_short(text: str, short: ShortArn, path: str) -> bool:
    """Say whether the missing segments are `*`; otherwise the pattern matches nothing."""
    match short:
        case ShortArn.REST_IS_ANY:
            return True
        case ShortArn.REST_IS_ANY_IF_WILD:
            return ANY in text
        case ShortArn.REST_IS_ANY_IF_WILD_END if text.endswith(ANY):
            return True
    allowed = "six segments" if short is ShortArn.INVALID else 'six segments, or fewer with "*" at the end'
    raise MalformedPolicy(f"Resource {text[:100]!a} has fewer than six segments; allowed are {allowed}.", path)


def _compile_segments(early: list[tuple[Token, ...]], rest: tuple[Token, ...]) -> tuple[Matcher, str | None]:
    """Return the matcher of five segments and the sixth, and the literal head if there is one."""
    if not any(map(has_wildcards, early)):
        prefix = "".join(f"{token}:" for segment in early for token in segment or ("",))
        tokens: list[Token] = [prefix]
        for token in rest:
            if isinstance(token, Variable):
                tokens.append(token)
            else:
                _append(tokens, token)
        return compile_glob(tuple(tokens)), _literal_head(prefix, tokens)
    prefix_expression = "".join(_expression(segment, "[^:]") + ":" for segment in early)
    if not has_variables(rest):
        fullmatch = re.compile(prefix_expression + _expression(rest, "."), re.DOTALL).fullmatch
        return lambda text, _: fullmatch(text) is not None, None
    match_prefix, matches_rest = re.compile(prefix_expression, re.DOTALL).match, compile_glob(rest)

    def matches(text: str, keys: Keys) -> bool:
        prefix = match_prefix(text)
        return prefix is not None and matches_rest(text[prefix.end() :], keys)

    return matches, None


def _literal_head(prefix: str, tokens: list[Token]) -> str | None:
    """Return the text before the first `/`, where it is literal and reaches into the sixth segment."""
    literal = tokens[0]
    assert isinstance(literal, str)
    head, slash, _ = literal.partition("/")
    if "/" in prefix or not (slash or len(tokens) == 1):
        return None
    return head


def is_arn(text: str) -> bool:
    """Say whether `text` has the six segments of an ARN."""
    return text.startswith("arn:") and text.count(":") >= ARN_SEGMENTS - 1


def compile_arn_condition(tokens: tuple[Token, ...]) -> Matcher:
    """Return the matcher of one value of ArnEquals or ArnLike; a text that is no ARN matches nothing.

    Variables may stand anywhere. Without wildcards the whole text is compared, so a variable may bring in an entire
    ARN. With wildcards the segments are those of the policy's own text: a value with a colon cannot push a wildcard
    into the sixth segment, where it would match more.
    """
    if tokens == (Wild.RUN,):
        return lambda text, _: is_arn(text)
    if not has_wildcards(tokens):
        return lambda text, keys: is_arn(text) and text == bind_text(tokens, keys)
    segments = _cut_into_segments(tokens)
    if len(segments) < ARN_SEGMENTS:
        return _matches_nothing
    early, rest = segments[:-1], segments[-1]
    if not any(map(has_variables, early)):
        matches, _head = _compile_segments(early, rest)
        return lambda text, keys: is_arn(text) and matches(text, keys)
    matchers = [compile_glob(segment) for segment in segments]

    def matches_bound(text: str, keys: Keys) -> bool:
        parts = text.split(":", ARN_SEGMENTS - 1)
        return is_arn(text) and all(matcher(part, keys) for matcher, part in zip(matchers, parts, strict=True))

    return matches_bound


def _cut_into_segments(tokens: tuple[Token, ...]) -> list[tuple[Token, ...]]:
    """Cut at the first five colons of the policy's own text; a variable is never cut."""
    segments: list[list[Token]] = [[]]
    for token in tokens:
        if isinstance(token, str):
            first, *others = token.split(":", ARN_SEGMENTS - len(segments))
            _append(segments[-1], first)
            for part in others:
                segments.append([])
                _append(segments[-1], part)
        else:
            segments[-1].append(token)
    return [tuple(segment) for segment in segments]


def fold_pattern(text: str) -> Matcher:
    """Return the matcher of an Action member against a folded action name; blanks are part of the name."""
    return compile_glob(parse_pattern(fold(text), variables=False, wildcards=True))

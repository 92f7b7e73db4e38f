"""A second reading of the policy language: JSON walked statement by statement, nothing compiled, nothing remembered.

It exists to disagree with the engine, and as the floor that `bench/policy.py` compares it to, so it shares no code with
it and prefers the plainest expression. It reads policies that were accepted at write; it refuses nothing.
"""

import base64
import binascii
import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

Keys = Mapping[str, str | tuple[str, ...]]


@dataclass(frozen=True)
class Asked:
    """One request, in plain words."""

    principal: Any
    action: str
    resource: str
    resource_account: str
    keys: dict[str, str | tuple[str, ...]]


@dataclass(frozen=True)
class Texts:
    """All policies that speak of a request: lists of JSON texts; None is `there is none`."""

    identity: list[str] = field(default_factory=list)
    boundary: list[str] | None = None
    session: list[str] | None = None
    scps: list[list[str]] = field(default_factory=list)
    resource: list[str] | None = None
    rcps: list[list[str]] = field(default_factory=list)
    endpoint: list[str] | None = None


def interpret(asked: Asked, texts: Texts) -> str:
    """Return `allowed`, `explicitDeny` or `implicitDeny`."""
    principal = asked.principal
    alone = principal.kind in ("anonymous", "service", "web_identity")
    keys = {lower(name): value for name, value in asked.keys.items()}
    boundary = None if alone else texts.boundary
    session = None if alone else texts.session
    identity = [] if alone else texts.identity
    scps = [] if alone else texts.scps
    has_boundary = boundary is not None

    def levels(policies: list[str], kind: str, effect: str) -> set[str]:
        return {
            level
            for text in policies
            for document in (json.loads(text, parse_int=str, parse_float=str),)
            for statement in as_list(document["Statement"])
            if statement["Effect"] == effect
            for level in (applies(statement, document, kind, asked, keys, has_boundary),)
            if level != "none"
        }

    everything = [("scp", level) for level in scps] + [("rcp", level) for level in texts.rcps]
    everything += [("identity", identity), ("boundary", boundary or []), ("session", session or [])]
    everything += [("endpoint", texts.endpoint or []), ("resource", texts.resource or [])]
    if any(levels(policies, kind, "Deny") for kind, policies in everything):
        return "explicitDeny"
    if any(not levels(level, "scp", "Allow") for level in scps):
        return "implicitDeny"
    if texts.endpoint is not None and not levels(texts.endpoint, "endpoint", "Allow"):
        return "implicitDeny"

    grants = levels(texts.resource or [], "resource", "Allow")
    same_account = principal.account != "" and principal.account == asked.resource_account
    if alone:
        return "allowed" if grants else "implicitDeny"
    if principal.kind == "root" and same_account:
        return "allowed"
    has_identity = bool(levels(identity, "identity", "Allow"))
    if principal.kind == "root":
        has_identity = True
    if principal.kind == "federated" and session is None:
        has_identity = False
    within_boundary = boundary is None or bool(levels(boundary, "boundary", "Allow"))
    within_session = session is None or bool(levels(session, "session", "Allow"))
    within = within_boundary and within_session
    if same_account:
        allowed = "direct" in grants or ("role" in grants and within) or (has_identity and within)
    else:
        allowed = has_identity and within and bool(grants)
    return "allowed" if allowed else "implicitDeny"


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def lower(text: str) -> str:
    return "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in text)


def applies(
    statement: dict[str, Any], document: dict[str, Any], kind: str, asked: Asked, keys: Keys, has_boundary: bool
) -> str:
    """Return how closely the statement names the caller (`direct` where it has no principal), or `none`."""
    variables = document.get("Version") == "2012-10-17"
    wanted = lower(asked.action)
    if "Action" in statement:
        if not any(matches(lower(a), wanted) for a in as_list(statement["Action"])):
            return "none"
    elif any(matches(lower(a), wanted) for a in as_list(statement["NotAction"])):
        return "none"
    if "Resource" in statement:
        if not any(resource_matches(r, asked.resource, keys, kind, variables) for r in as_list(statement["Resource"])):
            return "none"
    elif "NotResource" in statement and any(
        resource_matches(r, asked.resource, keys, kind, variables) for r in as_list(statement["NotResource"])
    ):
        return "none"
    for operator, block in statement.get("Condition", {}).items():
        for key, values in block.items():
            texts = [str(v).lower() if isinstance(v, bool) else v for v in as_list(values)]
            if not condition_holds(operator, lower(key), texts, keys, variables):
                return "none"
    if "Principal" in statement:
        return named(statement["Principal"], asked.principal)
    if "NotPrincipal" in statement:
        return "none" if spared(statement["NotPrincipal"], asked.principal, has_boundary) else "direct"
    return "direct"


def named(element: Any, principal: Any) -> str:
    element = element if isinstance(element, dict) else {"AWS": element}
    aws = as_list(element.get("AWS", []))
    if "*" in aws:
        return "direct"
    match principal.kind:
        case "anonymous":
            return "none"
        case "service":
            return "direct" if principal.name in as_list(element.get("Service", [])) else "none"
        case "web_identity":
            provider = f"arn:aws:iam::{principal.account}:oidc-provider/{principal.name}"
            listed = as_list(element.get("Federated", []))
            return "direct" if principal.name in listed or provider in listed else "none"
    account = (
        principal.account in aws
        or f"arn:aws:iam::{principal.account}:root" in aws
        or principal.canonical_id in as_list(element.get("CanonicalUser", []))
    )
    if principal.kind == "root":
        return "direct" if account else "none"
    if principal.arn in aws or (principal.kind == "user" and principal.id in aws):
        return "direct"
    if names_origin(aws, principal):
        return "role"
    return "account" if account else "none"


def names_origin(aws: list[str], principal: Any) -> bool:
    if principal.kind == "federated":
        return principal.user_id in aws or principal.user_arn in aws
    if principal.kind != "role_session":
        return False
    role_name = principal.role_arn.split("/")[-1]
    start = f"arn:aws:iam::{principal.account}:role/"
    return principal.role_id in aws or any(
        listed.startswith(start) and listed.split("/")[-1] == role_name for listed in aws
    )


def spared(element: Any, principal: Any, has_boundary: bool) -> bool:
    if has_boundary or named(element, principal) != "direct":
        return False
    element = element if isinstance(element, dict) else {"AWS": element}
    aws = as_list(element.get("AWS", []))
    if "*" in aws or principal.kind not in ("role_session", "federated"):
        return True
    account = principal.account in aws or f"arn:aws:iam::{principal.account}:root" in aws
    return names_origin(aws, principal) and account


VARIABLE = re.compile(r"\$\{([*?$])\}|\$\{\s*([^{}'*?$,\s][^{}'*?$,]*?)\s*(?:,\s*'([^']*)'\s*)?\}")


def expression(text: str, keys: Keys, variables: bool, wildcards: bool, any_character: str = ".") -> str | None:
    """Return a regular expression, or None where a variable has no value."""
    result = ""
    position = 0
    while position < len(text):
        variable = VARIABLE.match(text, position) if variables else None
        if variable:
            literal, key, default = variable.groups()
            value = literal or keys.get(lower(key), default)
            if not isinstance(value, str):
                return None
            result += re.escape(value)
            position = variable.end()
            continue
        character = text[position]
        if character == "*" and wildcards:
            result += any_character + "*"
        elif character == "?" and wildcards:
            result += any_character
        else:
            result += re.escape(character)
        position += 1
    return result


def matches(pattern: str, text: str, keys: Keys | None = None, variables: bool = False, wildcards: bool = True) -> bool:
    wanted = expression(pattern, keys or {}, variables, wildcards)
    return wanted is not None and re.fullmatch(wanted, text, re.DOTALL) is not None


def resource_matches(pattern: str, resource: str, keys: Keys, kind: str, variables: bool) -> bool:
    if pattern == "*":
        return True
    if resource == "*":
        return False
    segments = pattern.split(":", 5)
    if len(segments) < 6:
        if kind in ("resource", "endpoint") and "*" not in pattern:
            return False
        segments += ["*"] * (6 - len(segments))
    parts = resource.split(":", 5)
    early = all(matches(segment, part) for segment, part in zip(segments[:5], parts[:5], strict=True))
    return early and matches(segments[5], parts[5], keys, variables)


def arn_matches(pattern: str, text: str, keys: Keys, variables: bool) -> bool:
    """Cut the pattern at its own colons, those inside `${…}` excepted."""
    parts = text.split(":", 5)
    if parts[0] != "arn" or len(parts) < 6:
        return False
    if pattern == "*":
        return True
    hidden = VARIABLE.sub(lambda found: found[0].replace(":", "\0"), pattern) if variables else pattern
    bare = VARIABLE.sub("", pattern) if variables else pattern
    if "*" not in bare and "?" not in bare:
        return matches(pattern, text, keys, variables)
    segments = [segment.replace("\0", ":") for segment in hidden.split(":", 5)]
    if len(segments) < 6:
        return False
    return all(matches(segment, part, keys, variables) for segment, part in zip(segments, parts, strict=True))


def condition_holds(operator: str, key: str, listed: list[str], keys: Keys, variables: bool) -> bool:
    quantifier, _, base = lower(operator).rpartition(":")
    if_exists = base.endswith("ifexists")
    base = base.removesuffix("ifexists")
    value = keys.get(key)
    if value == ():
        value = None
    if base == "null":
        return any((value is None) == (wanted.lower() == "true") for wanted in listed)
    negated = "not" in base

    def test(text: str) -> bool:
        found = any(value_matches(base, wanted, text, keys, variables) for wanted in listed)
        return found != negated

    if quantifier:
        values = () if value is None else (value,) if isinstance(value, str) else value
        if quantifier == "forallvalues":
            return all(test(text) for text in values)
        return any(test(text) for text in values) if values else if_exists
    if value is None:
        return negated or if_exists
    return isinstance(value, str) and test(value)


def value_matches(base: str, wanted: str, text: str, keys: Keys, variables: bool) -> bool:
    base = base.replace("not", "")
    match base:
        case "stringequals":
            return matches(wanted, text, keys, variables, wildcards=False)
        case "stringequalsignorecase":
            bound = bound_text(wanted, keys, variables)
            return bound is not None and bound.casefold() == text.casefold()
        case "stringlike":
            return matches(wanted, text, keys, variables)
        case "arnequals" | "arnlike":
            return arn_matches(wanted, text, keys, variables)
        case "bool":
            bound = bound_text(wanted, keys, variables)
            return bound is not None and lower(bound) == lower(text) and lower(text) in ("true", "false")
        case "binaryequals":
            return both(as_bytes, wanted, text, lambda limit, value: value == limit)
        case "ipaddress":
            return address_matches(wanted, text)
    compare: Callable[[Any, Any], bool] = {
        "equals": lambda limit, value: value == limit,
        "lessthan": lambda limit, value: value < limit,
        "lessthanequals": lambda limit, value: value <= limit,
        "greaterthan": lambda limit, value: value > limit,
        "greaterthanequals": lambda limit, value: value >= limit,
    }[base.removeprefix("numeric").removeprefix("date")]
    return both(as_number if base.startswith("numeric") else as_time, wanted, text, compare)


def bound_text(text: str, keys: Keys, variables: bool) -> str | None:
    if not variables:
        return text
    missing = [key for _, key, default in VARIABLE.findall(text) if key and not isinstance(keys.get(lower(key)), str)]
    with_default = [m[2] for m in VARIABLE.finditer(text) if m[2] and m[3] is not None]
    if any(key not in with_default for key in missing):
        return None
    return VARIABLE.sub(lambda found: found[1] or str(keys.get(lower(found[2]), found[3])), text)


def both(parse: Callable[[str], Any], wanted: str, text: str, compare: Callable[[Any, Any], bool]) -> bool:
    limit, value = parse(wanted), parse(text)
    return limit is not None and value is not None and compare(limit, value)


def as_number(text: str) -> Decimal | None:
    return Decimal(text) if re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", text) else None


def as_time(text: str) -> Decimal | None:
    number = as_number(text)
    if number is not None:
        return number
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}", text):
        text += "-01"
    if not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}|$)", text):
        return None
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return Decimal(round((date - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1_000_000)) / 1_000_000


def as_bytes(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def address_matches(wanted: str, text: str) -> bool:
    """An IPv4 address in its IPv6 form is the IPv4 address, in the policy and in the request."""
    try:
        address: Any = ipaddress.ip_address(text)
        network: Any = ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped and network.prefixlen >= 96:
        network = ipaddress.ip_network(f"{mapped}/{network.prefixlen - 96}")
    return address in network

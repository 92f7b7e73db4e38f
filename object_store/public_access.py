"""Whether a bucket policy opens the bucket to the public, as S3 sees it.

Public is an Allow for everybody (`*`, or all but some) whose conditions pin down nobody: S3 takes those conditions that
name networks, accounts, organisations or resources by fixed values. Source: S3 user guide, "Blocking public access to
your Amazon S3 storage", section "The meaning of public".
"""

import ipaddress
import json
from collections.abc import Iterable
from typing import Any

_PINNING_KEYS = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceorgid",
        "aws:sourceorgpaths",
        "aws:sourceowner",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:userid",
        "s3:dataaccesspointaccount",
        "s3:dataaccesspointarn",
    }
)
_PINNING_OPERATORS = frozenset({"stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike"})
_NARROW_IPV4_BITS = 8
_NARROW_IPV6_BITS = 32
"""Of a network's prefix: shorter ones are as good as everybody."""


def is_public(policy: str) -> bool:
    """Say whether a policy that the grammar accepted is public; an empty text is none."""
    if not policy:
        return False
    statements = json.loads(policy).get("Statement", [])
    return any(_is_public_statement(statement) for statement in _listed(statements))


def _is_public_statement(statement: Any) -> bool:
    if statement.get("Effect") != "Allow" or not _is_everybody(statement):
        return False
    return not any(
        _pins(operator, key, _listed(values))
        for operator, tests in statement.get("Condition", {}).items()
        for key, values in tests.items()
    )


def _is_everybody(statement: Any) -> bool:
    if "NotPrincipal" in statement:
        return True
    principal = statement.get("Principal")
    named = _listed(principal.get("AWS", []) if isinstance(principal, dict) else principal)
    return any("*" in str(one) for one in named)


def _pins(operator: str, key: str, values: Iterable[Any]) -> bool:
    """Say whether one condition lets only some callers through: each of its values must be a fixed one."""
    name = operator.lower().removeprefix("foranyvalue:")
    if name.endswith("ifexists"):
        return False
    if key.lower() == "aws:sourceip":
        return name == "ipaddress" and all(_is_narrow(str(value)) for value in values)
    return name in _PINNING_OPERATORS and key.lower() in _PINNING_KEYS and all(map(_is_fixed, values))


def _is_fixed(value: Any) -> bool:
    """Say whether a value has no variable, and no wildcard before the end of an ARN's account."""
    text = str(value)
    if "${" in text:
        return False
    if text.startswith("arn:"):
        return not any(mark in part for part in text.split(":")[:5] for mark in "*?")
    return not any(mark in text for mark in "*?")


def _is_narrow(value: str) -> bool:
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        return False
    return network.prefixlen >= (_NARROW_IPV4_BITS if network.version == 4 else _NARROW_IPV6_BITS)


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]

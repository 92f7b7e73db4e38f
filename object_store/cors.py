"""Cross-origin resource sharing: which rules a bucket may have, and which of them lets a page in.

Decides; knows no HTTP beyond the words of the rules. Source: S3 user guide, "Elements of a CORS configuration", and
what S3 answers; the Fetch standard, section "CORS protocol".
"""

import functools
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from cumulo.object_store import configuration_model
from cumulo.object_store.errors import INVALID_REQUEST, MALFORMED_CONFIGURATION
from cumulo.object_store.naming import shown

if TYPE_CHECKING:
    from cumulo.object_store import aws_s3

METHODS: Final = ("GET", "PUT", "HEAD", "POST", "DELETE")
ANY: Final = "*"
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]*").fullmatch
"""A token (RFC 9110, section 5.6.2), which may be a pattern."""


def check_rules(_bucket: str, value: "aws_s3.CORSConfiguration") -> None:
    """Raise `MalformedXML` or `InvalidRequest` for rules that S3 refuses."""
    if not 1 <= len(value.CORSRules) <= configuration_model.CORS_RULES_MAX:
        raise MALFORMED_CONFIGURATION.error(
            parameter="CORSRule", allowed=f"1 to {configuration_model.CORS_RULES_MAX} rules"
        )
    for rule in value.CORSRules:
        if not rule.AllowedMethods or not rule.AllowedOrigins:
            raise MALFORMED_CONFIGURATION.error(parameter="CORSRule", allowed="methods and origins")
        if len(rule.ID or "") > configuration_model.RULE_ID_CHARACTERS_MAX:
            raise MALFORMED_CONFIGURATION.error(
                parameter="ID", allowed=f"at most {configuration_model.RULE_ID_CHARACTERS_MAX} characters"
            )
        for method in rule.AllowedMethods:
            if method not in METHODS:
                raise INVALID_REQUEST.error(
                    reason=f"Found unsupported HTTP method in CORS config. Unsupported method is {shown(method)}"
                )
        for element, patterns in (("AllowedOrigin", rule.AllowedOrigins), ("AllowedHeader", rule.AllowedHeaders or ())):
            _check_wildcards(element, patterns)
        for element, names in (("AllowedHeader", rule.AllowedHeaders), ("ExposeHeader", rule.ExposeHeaders)):
            for name in names or ():
                if not _HEADER_NAME(name):
                    raise INVALID_REQUEST.error(reason=f'{element} "{shown(name)}" contains invalid character.')
        for header in rule.ExposeHeaders or ():
            if ANY in header:
                raise INVALID_REQUEST.error(
                    reason=f'ExposeHeader "{shown(header)}" contains wildcard. We currently do not support wildcard for'
                    " ExposeHeader."
                )


def _check_wildcards(element: str, patterns: Iterable[str]) -> None:
    for pattern in patterns:
        if pattern.count(ANY) > 1:
            raise INVALID_REQUEST.error(reason=f'{element} "{shown(pattern)}" can not have more than one wildcard.')


def find_rule(
    rules: Iterable["aws_s3.CORSRule"], origin: str, method: str, headers: Iterable[str]
) -> "aws_s3.CORSRule | None":
    """Return the first rule that lets a page of `origin` send `method` with all of `headers` (lower case)."""
    return next((rule for rule in rules if _allows(rule, origin, method, headers)), None)


def _allows(rule: "aws_s3.CORSRule", origin: str, method: str, headers: Iterable[str]) -> bool:
    return (
        method in rule.AllowedMethods
        and any(_fits(pattern, origin) for pattern in rule.AllowedOrigins)
        and all(any(_fits(pattern.lower(), header) for pattern in rule.AllowedHeaders or ()) for header in headers)
    )


@functools.lru_cache(maxsize=1024)
def _fits(pattern: str, text: str) -> bool:
    """Say whether a text is what a pattern with at most one `*` means; that stands for any text, also an empty one."""
    if ANY not in pattern:
        return pattern == text
    return re.fullmatch(".*".join(map(re.escape, pattern.split(ANY, 1))), text, re.DOTALL) is not None

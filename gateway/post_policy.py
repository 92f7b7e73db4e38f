"""The policy of a POST form: what the one who signed it allows its bearer to upload.

Owns the policy document and its comparison with a form. Promises: the signature is verified over the text as sent, then
the text is read one way only; every field is covered by a condition or is one of the few that need none; the file's
size is held to the policy while it streams. Does not know S3's fields beyond that: they are the object store's.

Rules: S3 API reference, "POST policy"; messages are those that S3 was seen to answer.
"""

import base64
import binascii
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, NoReturn

import msgspec

from cumulo.core.clocks import Clock
from cumulo.core.errors import ErrorRow, Status
from cumulo.gateway.http1 import Request
from cumulo.gateway.payload import declared_payload
from cumulo.gateway.post_form import PostForm
from cumulo.gateway.presented import read_policy_signature, read_signature
from cumulo.gateway.signature_errors import AuthForm, Refusal, SignatureError
from cumulo.gateway.sigv2 import read_old_form_signature
from cumulo.gateway.sigv4 import Verified, Verifier

INVALID_POLICY_DOCUMENT = ErrorRow("InvalidPolicyDocument", 400, Status.INVALID_ARGUMENT, "Invalid Policy: {reason}")
AGAINST_POLICY = ErrorRow("AccessDenied", 403, Status.PERMISSION_DENIED, "Invalid according to Policy: {reason}")
ENTITY_TOO_LARGE = ErrorRow(
    "EntityTooLarge", 400, Status.INVALID_ARGUMENT, "Your proposed upload exceeds the maximum allowed size"
)
ENTITY_TOO_SMALL = ErrorRow(
    "EntityTooSmall", 400, Status.INVALID_ARGUMENT, "Your proposed upload is smaller than the minimum allowed size"
)

_EXPIRATION = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{1,9})?Z").fullmatch
_SIZE = re.compile(r"[0-9]{1,15}").fullmatch
_UNCOVERED = {"policy", "x-amz-signature", "file", "awsaccesskeyid", "signature"}
_IGNORED = "x-ignore-"
_CHECKSUM = "x-amz-checksum-"


class Condition(msgspec.Struct, frozen=True):
    """One condition: `eq` or `starts-with` on a field (lower case). `shown` is how it stands in the policy."""

    operator: str
    field: str
    value: str
    shown: str


class PostPolicy(msgspec.Struct, frozen=True):
    """A policy that was read. Sizes are inclusive; `size_bytes_max` is None where it names none."""

    expiration_ms: int
    conditions: tuple[Condition, ...]
    size_bytes_min: int = 0
    size_bytes_max: int | None = None


class OpenedForm(msgspec.Struct, frozen=True):
    """A form that may be taken: who signed it, None for an anonymous one, and its file, held to the policy's sizes.

    `signed_s` is the time of the signature since the epoch, 0 where the form does not say. `version_2`: it is signed
    with that version.
    """

    verified: Verified | None
    file: AsyncIterator[memoryview]
    signed_s: int = 0
    version_2: bool = False


def check_post_head(request: Request) -> None:
    """Refuse a form that bears a signature in its head as well, or says something of its payload's hash."""
    if read_signature(request) is not None:
        raise SignatureError(Refusal.TWO_MECHANISMS, AuthForm.POST)
    declared_payload(request, AuthForm.POST, streams=True)


def open_form(
    form: PostForm, bucket: str, verifier: Verifier, clock: Clock, *, takes_version_2: bool = False
) -> OpenedForm:
    """Verify a form's signature and hold it to its policy; `bucket` is the one of the request's address.

    `takes_version_2` admits signatures of version 2, which AWS still takes for buckets from before June 2020. A form
    without signature fields is anonymous. Raises `SignatureError`, `InvalidPolicyDocument`, `AccessDenied`; the file
    raises `EntityTooLarge` and `EntityTooSmall`.
    """
    old = read_old_form_signature(form.fields) if takes_version_2 else None
    presented = read_policy_signature(form.fields) if old is None else None
    if old is None and presented is None:
        return OpenedForm(None, form.file)
    text = form.fields.get("policy")
    if text is None:
        raise SignatureError(
            Refusal.INCOMPLETE, AuthForm.POST, lacking="Policy", ArgumentName="Policy", ArgumentValue=""
        )
    if old is not None:
        verified = verifier.verify_old_text(old, text)
    else:
        assert presented is not None
        verified = verifier.verify_policy(presented, text)
    policy = read_policy(text)
    check_policy(policy, form, bucket, clock.wall_ms())
    signed_s = 0 if presented is None else presented.time_s
    return OpenedForm(verified, _held(form.file, policy), signed_s, version_2=old is not None)


def read_policy(text: str) -> PostPolicy:
    """Return the policy of a base64 text; raises `InvalidPolicyDocument`."""
    try:
        decoded = base64.b64decode(text, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        _malformed("invalid Base64 encoding.")
    try:
        document = json.loads(
            decoded, object_pairs_hook=_members, parse_float=_no_number, parse_constant=_no_number, parse_int=_integer
        )
    except (ValueError, RecursionError):
        _malformed("Invalid JSON.")
    if not isinstance(document, dict):
        _malformed("Invalid JSON.")
    for name in document:
        if name not in {"expiration", "conditions"}:
            _malformed(f"Unexpected: '{name.lower()}'")
    if "expiration" not in document:
        _malformed("Policy missing expiration.")
    if "conditions" not in document:
        _malformed("Policy missing conditions.")
    if not isinstance(document["conditions"], list):
        _malformed("Invalid 'conditions' value: must be a List.")
    conditions: list[Condition] = []
    size_min, size_max = 0, None
    for item in document["conditions"]:
        if isinstance(item, dict):
            conditions.append(_simple(item))
        elif not isinstance(item, list):
            _malformed(f"Invalid condition {item}: must be a List or Object.")
        elif _operator(item) == "content-length-range":
            low, high = _range(item)
            size_min, size_max = max(size_min, low), high if size_max is None else min(size_max, high)
        else:
            conditions.append(_general(item))
    return PostPolicy(_expiration(document["expiration"]), tuple(conditions), size_min, size_max)


def check_policy(policy: PostPolicy, form: PostForm, bucket: str, now_ms: int) -> None:
    """Raise `AccessDenied` unless the policy is in force, each condition holds and each field is covered."""
    if now_ms >= policy.expiration_ms:
        raise AGAINST_POLICY.error(reason="Policy expired.")
    values = {**form.fields, "bucket": bucket}
    for condition in policy.conditions:
        value = values.get(condition.field)
        holds = value is not None and (
            value == condition.value if condition.operator == "eq" else value.startswith(condition.value)
        )
        if not holds:
            raise AGAINST_POLICY.error(reason=f"Policy Condition failed: {condition.shown}")
    covered = {condition.field for condition in policy.conditions} | _UNCOVERED
    for name in form.fields:
        # A checksum can only narrow what is taken: who signed the policy need not have known the file.
        if name not in covered and not name.startswith((_IGNORED, _CHECKSUM)):
            raise AGAINST_POLICY.error(reason=f"Extra input fields: {form.names[name]}")


async def _held(file: AsyncIterator[memoryview], policy: PostPolicy) -> AsyncIterator[memoryview]:
    size = 0
    async for piece in file:
        size += len(piece)
        if policy.size_bytes_max is not None and size > policy.size_bytes_max:
            raise ENTITY_TOO_LARGE.error(ProposedSize=size, MaxSizeAllowed=policy.size_bytes_max)
        yield piece
    if size < policy.size_bytes_min:
        raise ENTITY_TOO_SMALL.error(ProposedSize=size, MinSizeAllowed=policy.size_bytes_min)


def _malformed(reason: str) -> NoReturn:
    raise INVALID_POLICY_DOCUMENT.error(reason=reason)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member comes twice")
    return members


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no whole number")


def _integer(text: str) -> int:
    if len(text) > 15:
        _no_number(text)
    return int(text)


def _expiration(value: object) -> int:
    parts = _EXPIRATION(value) if isinstance(value, str) else None
    if parts is None:
        _malformed(f"Invalid 'expiration' value: '{value}'")
    try:
        instant = datetime.fromisoformat(parts[1]).replace(tzinfo=UTC)
    except ValueError:
        _malformed(f"Invalid 'expiration' value: '{value}'")
    return int(instant.timestamp()) * 1000 + int(float(parts[2] or "0") * 1000)


def _simple(item: dict[str, Any]) -> Condition:
    if len(item) != 1:
        _malformed("Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.")
    name, value = next(iter(item.items()))
    if value is None:
        _malformed("Invalid JSON.")
    if not isinstance(value, str):
        _malformed("Invalid Simple-Condition: value must be a string.")
    return Condition("eq", name.lower(), value, _shown(["eq", f"${name}", value]))


def _operator(item: list[Any]) -> str:
    if not item:
        _malformed("Invalid Condition: missing operation identifier.")
    if not isinstance(item[0], str):
        _malformed("Invalid JSON.")
    return item[0].lower()


def _general(item: list[Any]) -> Condition:
    operator = _operator(item)
    if operator not in {"eq", "starts-with"}:
        _malformed(f"Invalid Condition: unknown operation '{item[0]}'.")
    if len(item) != 3:
        _malformed(f"Invalid {operator}: wrong number of arguments.")
    if not all(isinstance(part, str) for part in item):
        _malformed("Invalid JSON.")
    field, value = item[1], item[2]
    # Without its dollar sign it names no field: the condition can only fail.
    return Condition(operator, field[1:].lower() if field.startswith("$") else "", value, _shown(item))


def _range(item: list[Any]) -> tuple[int, int]:
    if len(item) != 3:
        _malformed("Invalid content-length-range: wrong number of arguments.")
    if not all(_SIZE(str(part)) for part in item[1:]):
        if any(isinstance(part, int) for part in item[1:]):
            _malformed("Invalid content-length-range: sizes must be whole numbers from 0.")
        raise AGAINST_POLICY.error(reason=f"Policy Condition failed: {_shown(item)}")
    return int(item[1]), int(item[2])


def _shown(item: list[Any]) -> str:
    return json.dumps(item, ensure_ascii=False)

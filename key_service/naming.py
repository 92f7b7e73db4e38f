"""What names a key, and the limits of everything else that a request brings; each refusal in KMS's words. Pure."""

import re
import uuid
from collections.abc import Mapping
from typing import Any

import msgspec

from cumulo.core.errors import ServiceError
from cumulo.core.names import parse_arn
from cumulo.key_service import model
from cumulo.key_service.errors import (
    BLOB_VALIDATION,
    INVALID_ALIAS,
    INVALID_ARN,
    INVALID_KEY_ID,
    MALFORMED_POLICY,
    NOT_FOUND,
    NOT_IN_REGION,
    RESERVED_ALIAS,
    TAG,
    VALIDATION,
    WRONG,
)
from cumulo.key_service.materials import too_many_tags

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").fullmatch
_MULTI_REGION_ID = re.compile(r"mrk-[0-9a-f]{32}").fullmatch
"""The id of a key in several regions; none exists here."""
_ALIAS = re.compile(r"alias/[a-zA-Z0-9/_-]+").fullmatch
_SHOWN_CHARACTERS_MAX = 1_024


class Named(msgspec.Struct, frozen=True):
    """What a key id leads to: a key by its sixteen bytes, or an alias."""

    account: str
    region: str
    key: bytes = b""
    alias: str = ""


def read_key_id(text: str, account: str, region: str) -> Named:
    """Return what a key id names, in the caller's account and region unless it is an ARN.

    Raises `ValidationException`, `InvalidArnException`, and `NotFoundException` for what can be no key's id.
    """
    check_length("keyId", text, 1, model.KEY_ID_CHARACTERS_MAX)
    if text.startswith("arn:"):
        arn = parse_arn(text)
        if arn is None or arn.service != "kms":
            raise INVALID_ARN.error(arn=shown(text))
        if arn.region != region:
            raise NOT_IN_REGION.error(region=shown(arn.region))
        account, text = arn.account, arn.resource.removeprefix("key/")
    if _ALIAS(text):
        return Named(account, region, alias=text)
    if _MULTI_REGION_ID(text):
        raise NOT_FOUND.error(arn=model.key_arn(account, region, text))
    if not _UUID(text):
        raise INVALID_KEY_ID.error(key_id=shown(text))
    return Named(account, region, key=uuid.UUID(text).bytes)


def check_alias(name: str) -> None:
    """Refuse what can be no alias of a caller's."""
    if not 1 <= len(name) <= model.ALIAS_CHARACTERS_MAX:
        raise constraint("aliasName", shown(name), f"have length between 1 and {model.ALIAS_CHARACTERS_MAX}")
    if not name.startswith("alias/"):
        raise WRONG.error(
            reason='Alias must start with the prefix "alias/". Please see'
            " https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html"
        )
    if not _ALIAS(name):
        raise INVALID_ALIAS.error(reason=f"Alias {shown(name)} must hold only a-z, A-Z, 0-9, /, _ and - after alias/.")
    if name.startswith(model.SERVICE_ALIASES):
        raise RESERVED_ALIAS.error(name=shown(name))


def check_context(context: Mapping[str, str], parameter: str = "encryptionContext") -> None:
    """Refuse an encryption context that is too large."""
    size = sum(len(name.encode()) + len(value.encode()) for name, value in context.items())
    if size > model.CONTEXT_BYTES_MAX:
        raise WRONG.error(reason=f"{parameter} has {size} bytes; at most {model.CONTEXT_BYTES_MAX} are allowed.")


def check_tags(tags: Mapping[str, str]) -> None:
    """Refuse tags that a key cannot have."""
    if len(tags) > model.TAGS_MAX:
        raise too_many_tags()
    for number, (name, value) in enumerate(tags.items(), 1):
        check_length(f"tags.{number}.member.tagKey", name, 1, model.TAG_KEY_CHARACTERS_MAX)
        check_length(f"tags.{number}.member.tagValue", value, 0, model.TAG_VALUE_CHARACTERS_MAX)
    if any(name.lower().startswith("aws:") for name in tags):
        raise TAG.error(reason="Tags beginning with aws: are reserved")


def check_policy_size(policy: str) -> None:
    """Refuse a policy that is too long."""
    size = len(policy.encode())
    if size > model.POLICY_BYTES_MAX:
        reason = f"The policy has {size} bytes; at most {model.POLICY_BYTES_MAX} are allowed."
        raise MALFORMED_POLICY.error(reason=reason)


def check_length(parameter: str, value: str | bytes, low: int, high: int) -> None:
    """Refuse a text or bytes of the wrong length."""
    if low <= len(value) <= high:
        return
    allowed = f"have length greater than or equal to {low}"
    if len(value) > high:
        allowed = f"have length less than or equal to {high}"
    if isinstance(value, str):
        raise constraint(parameter, shown(value), allowed)
    raise BLOB_VALIDATION.error(parameter=parameter, allowed=allowed)


def check_between(parameter: str, value: int, low: int, high: int) -> None:
    """Refuse a number out of range."""
    if value < low:
        raise constraint(parameter, value, f"have value greater than or equal to {low}")
    if value > high:
        raise constraint(parameter, value, f"have value less than or equal to {high}")


def constraint(parameter: str, value: Any, allowed: str) -> ServiceError:
    """Return the refusal of a value that breaks a constraint of KMS's model."""
    return VALIDATION.error(value=value, parameter=parameter, allowed=allowed)


def shown(text: str) -> str:
    """Return a text as a message may repeat it."""
    return text if len(text) <= _SHOWN_CHARACTERS_MAX else f"{text[:_SHOWN_CHARACTERS_MAX]}..."

"""Message attributes: SQS's rules for names, types and values, what they count, and their MD5.

Sources: SQS developer guide, "Amazon SQS message metadata" and "Calculating the MD5 message digest for message
attributes". The MD5 is the client's check of the way, as SQS defines it; nothing here relies on it.
"""

import hashlib
import re

from cumulo.core.errors import INVALID_PARAMETER_VALUE, ServiceError
from cumulo.queue_service.message_model import (
    ATTRIBUTE_NAME_CHARACTERS_MAX,
    ATTRIBUTE_TYPE_CHARACTERS_MAX,
    MESSAGE_ATTRIBUTES_MAX,
    MessageAttribute,
    MessageAttributes,
)

_NAME = re.compile(r"[\w-]+(\.[\w-]+)*")
"""Letters and digits of every script: SQS documents ASCII, and takes these."""
_RESERVED = ("aws.", "amazon.")
_TYPE = re.compile(r"(String|Number|Binary)(\.[\x20-\x7e]+)?")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_NUMBER_CHARACTERS_MAX = 64
_TEXT = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")
_STRING_CODE, _BINARY_CODE = b"\x01", b"\x02"


def size_bytes(attributes: MessageAttributes) -> int:
    """Return what checked attributes count against a message's size: names, types (ASCII) and values."""
    return sum(len(it.name.encode()) + len(it.data_type) + len(it.value) for it in attributes)


def check(attributes: MessageAttributes) -> None:
    """Raise `InvalidParameterValue` for the first attribute that breaks a rule."""
    if len(attributes) > MESSAGE_ATTRIBUTES_MAX:
        raise _invalid("attributes", f"{len(attributes)} attributes", f"at most {MESSAGE_ATTRIBUTES_MAX} are allowed")
    if len({it.name for it in attributes}) < len(attributes):
        raise _invalid("attributes", "a name that stands twice", "each name is used once")
    for it in attributes:
        _check_name(it)
        _check_type(it)
        _check_value(it)


def md5(attributes: MessageAttributes) -> str:
    """Return SQS's MD5 of the attributes, an empty text where there are none."""
    if not attributes:
        return ""
    digest = hashlib.md5(usedforsecurity=False)
    for it in sorted(attributes, key=lambda it: it.name):
        for part in (it.name.encode(), it.data_type.encode()):
            digest.update(len(part).to_bytes(4, "big") + part)
        digest.update(_BINARY_CODE if it.binary else _STRING_CODE)
        digest.update(len(it.value).to_bytes(4, "big") + it.value)
    return digest.hexdigest()


def is_number(text: str) -> bool:
    """Say whether a text can be the value of an attribute of type Number."""
    return len(text) <= _NUMBER_CHARACTERS_MAX and _NUMBER.fullmatch(text) is not None


def _check_name(it: MessageAttribute) -> None:
    if len(it.name) > ATTRIBUTE_NAME_CHARACTERS_MAX or not _NAME.fullmatch(it.name):
        raise _invalid(
            "attributes",
            repr(it.name[:ATTRIBUTE_NAME_CHARACTERS_MAX]),
            f"a name has 1 to {ATTRIBUTE_NAME_CHARACTERS_MAX} letters, digits, _, - and single inner periods",
        )
    if it.name.lower().startswith(_RESERVED):
        raise _invalid("attributes", repr(it.name), "names that start with AWS. or Amazon. are reserved")


def _check_type(it: MessageAttribute) -> None:
    if len(it.data_type) > ATTRIBUTE_TYPE_CHARACTERS_MAX or not _TYPE.fullmatch(it.data_type):
        raise _invalid(
            f"attributes[{it.name}].data_type",
            repr(it.data_type[:ATTRIBUTE_TYPE_CHARACTERS_MAX]),
            "String, Number or Binary, with a period and a label if you like, at most"
            f" {ATTRIBUTE_TYPE_CHARACTERS_MAX} characters",
        )


def _check_value(it: MessageAttribute) -> None:
    where = f"attributes[{it.name}]"
    if it.data_type.startswith("Binary") is not it.binary:
        raise _invalid(where, "of the other kind", "Binary takes bytes, String and Number take text")
    if not it.value:
        raise _invalid(where, "an empty value", "a value is not empty")
    if it.binary:
        return
    text = _text(it.value)
    if text is None or not _TEXT.fullmatch(text):
        raise _invalid(where, "that is no such text", "#x9, #xA, #xD, #x20-#xD7FF, #xE000-#xFFFD, #x10000-#x10FFFF")
    if it.data_type.startswith("Number") and not is_number(text):
        raise _invalid(where, repr(text[:_NUMBER_CHARACTERS_MAX]), "a number in decimal or scientific notation")


def _text(value: bytes) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def _invalid(parameter: str, value: str, allowed: str) -> ServiceError:
    return INVALID_PARAMETER_VALUE.error(parameter=parameter, value=value, allowed=allowed)

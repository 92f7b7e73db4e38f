"""Short messages to a telephone number itself, without a topic: what may be asked, and an account's settings of them.

Nobody here has a telephone: a short message is recorded in the outgoing folder, as those of subscriptions are, and so
nobody can have opted out of them. Settings are kept for each account and region, and shown; they change nothing.
Sources: Amazon SNS API reference, Publish, SetSMSAttributes, CheckIfPhoneNumberIsOptedOut and OptInPhoneNumber; the
words are those that SNS answers.
"""

import re
from collections.abc import Mapping

import msgspec

from cumulo.core.errors import ServiceError
from cumulo.queue_service.topic_errors import INVALID_IN_FULL, INVALID_PARAMETER, MESSAGE_TOO_LONG
from cumulo.queue_service.topic_keys import SmsSettings, decode_sms_settings, sms_settings_key
from cumulo.storage import records
from cumulo.storage.engine import ReadTxn, Txn

SMS = "sms"
TEXT_CHARACTERS_MAX = 1_600
"""Of one Publish to a telephone number."""
SPEND_LIMIT = "MonthlySpendLimit"
_DEFAULTS: Mapping[str, str] = {SPEND_LIMIT: "1"}
"""What SNS shows where nobody gave anything."""
_SHAPES: Mapping[str, re.Pattern[str]] = {
    SPEND_LIMIT: re.compile(r"[0-9]{1,9}"),
    "DeliveryStatusIAMRole": re.compile(r"|arn:aws[a-z-]*:iam::[0-9]{12}:role/.{1,576}"),
    "DeliveryStatusSuccessSamplingRate": re.compile(r"|100|[1-9]?[0-9]"),
    "DefaultSenderID": re.compile(r"|(?=.*[A-Za-z])[A-Za-z0-9]{1,11}"),
    "DefaultSMSType": re.compile(r"Promotional|Transactional"),
    "UsageReportS3Bucket": re.compile(r"|[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"),
}
_NUMBER = re.compile(r"\+?[1-9][0-9]{1,14}")
"""E.164, with or without its plus sign."""


class SendShortMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A text for a telephone number."""

    phone_number: str
    text: str


class SetSmsAttributes(msgspec.Struct, frozen=True, kw_only=True):
    """Change settings of the caller's account and region; others stay."""

    attributes: dict[str, str]


class GetSmsAttributes(msgspec.Struct, frozen=True, kw_only=True):
    """Look at settings of the caller's account and region: at these, at all where none is named."""

    names: tuple[str, ...] = ()


class CheckPhoneNumber(msgspec.Struct, frozen=True, kw_only=True):
    """Ask whether a telephone number gets no short messages any more."""

    phone_number: str


class ListOptedOutPhoneNumbers(msgspec.Struct, frozen=True, kw_only=True):
    """List the telephone numbers that get no short messages any more."""


class OptInPhoneNumber(msgspec.Struct, frozen=True, kw_only=True):
    """Let a telephone number get short messages again."""

    phone_number: str


class StampedSettings(msgspec.Struct, frozen=True):
    """Settings of an account and region to write, or to look at by their names."""

    account: str
    region: str
    written: dict[str, str] = {}
    names: tuple[str, ...] = ()


def check_message(request: SendShortMessage) -> None:
    """Raise where nobody can be reached by such a number, or the text is too long."""
    if not _NUMBER.fullmatch(request.phone_number):
        raise _wrong(f"PhoneNumber Reason: {request.phone_number[:80]} is not valid to publish to")
    if len(request.text) > TEXT_CHARACTERS_MAX:
        raise MESSAGE_TOO_LONG.error()


def check_number(phone_number: str) -> None:
    """Raise where that is no telephone number."""
    if not _NUMBER.fullmatch(phone_number):
        raise _wrong("PhoneNumber Reason: input incorrectly formatted")


def check_settings(attributes: Mapping[str, str]) -> None:
    """Raise for the first setting that does not exist, or may not have this value."""
    for name, value in attributes.items():
        if name not in _SHAPES:
            raise INVALID_IN_FULL.error(text=f"{name[:80]} is not a valid attribute")
        if not _SHAPES[name].fullmatch(value):
            raise INVALID_IN_FULL.error(text=f"{name} is invalid")


def set_settings(txn: Txn, request: StampedSettings) -> None:
    """Write settings."""
    key = sms_settings_key(request.account, request.region)
    attributes = _stored(txn, key) | request.written
    txn.put(key, records.encode(SmsSettings(attributes=attributes)))


def get_settings(txn: ReadTxn, request: StampedSettings) -> dict[str, str]:
    """Return settings with SNS's defaults; a read function."""
    shown = {**_DEFAULTS, **_stored(txn, sms_settings_key(request.account, request.region))}
    return {name: value for name, value in shown.items() if not request.names or name in request.names}


def is_opted_out(_txn: ReadTxn, _request: CheckPhoneNumber) -> bool:
    """Return that no number is; a read function."""
    return False


def list_opted_out(_txn: ReadTxn, _request: ListOptedOutPhoneNumbers) -> tuple[str, ...]:
    """Return that there are none; a read function."""
    return ()


def opt_in(_txn: ReadTxn, _request: OptInPhoneNumber) -> None:
    """Leave everything as it is: the number is not opted out; a read function."""


def problems_of(settings: SmsSettings) -> list[str]:
    """Return what is wrong with stored settings."""
    try:
        check_settings(settings.attributes)
    except ServiceError as error:
        return [error.message]
    return []


def _stored(txn: ReadTxn, key: bytes) -> dict[str, str]:
    raw = txn.get(key)
    return {} if raw is None else decode_sms_settings(raw).attributes


def _wrong(text: str) -> ServiceError:
    return INVALID_PARAMETER.error(text=text)

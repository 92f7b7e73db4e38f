"""What IAM's parameters may be, by their names: checked before a request of the AWS edge reaches the room.

Owns the constraints of IAM's service description and AWS's words for a breach. Knows no operation: a name means the
same in each, but for the shorter limit of a user who is being made or renamed.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from cumulo.core.names import parse_arn
from cumulo.identity import model, policy_model, user_model
from cumulo.identity.edge_aws_errors import INVALID_ARN, INVALID_NAME, INVALID_PATH, NO_ARN, constraint, member_name
from cumulo.identity.errors import NO_SUCH_ACCESS_KEY

DOCUMENT_CHARACTERS_MAX: Final = 131_072
MARKER_CHARACTERS_MAX: Final = 320
EXISTING_NAME_CHARACTERS_MAX: Final = 128
ARN_CHARACTERS_MIN: Final = 20
ARN_CHARACTERS_MAX: Final = 2_048
_NAME = re.compile(r"[A-Za-z0-9_+=,.@-]+")
_PATH = re.compile(r"/|/[\x21-\x7e]+/")
_PATH_PREFIX = re.compile(r"/[\x21-\x7e]*")
_POLICY_ARN = re.compile(r"arn:aws:iam::(?:[0-9]{12}|aws):policy/(?:[\x21-\x7e]+/)?[A-Za-z0-9_+=,.@-]{1,128}")
_KEY_ID = re.compile(r"[A-Za-z0-9_]+")
_ROOM_KEY_ID = re.compile(r"[A-Z0-9]+")
_VERSION_ID = re.compile(r"v[1-9][0-9]*(\.[A-Za-z0-9-]*)?")

Check = Callable[[str, Any], None]


def check(request: Any) -> None:
    """Refuse an input structure that breaks a constraint; raises a `ServiceError`."""
    for parameter in request.__struct_fields__:
        value = getattr(request, parameter)
        rule = _RULES.get(parameter)
        if value is not None and rule is not None:
            rule(parameter, value)


def check_new_user_name(parameter: str, name: str | None) -> None:
    """Refuse a name that is too long for a user; raises a `ServiceError`."""
    if name is not None:
        _length(1, user_model.USER_NAME_CHARACTERS_MAX)(parameter, name)


def _length(least: int, most: int) -> Check:
    def check_length(parameter: str, text: str) -> None:
        if len(text) < least:
            raise constraint(parameter, text, f"have length greater than or equal to {least}")
        if len(text) > most:
            raise constraint(parameter, text, f"have length less than or equal to {most}")

    return check_length


def _between(least: int, most: int) -> Check:
    def check_number(parameter: str, number: int) -> None:
        if number < least:
            raise constraint(parameter, number, f"have value greater than or equal to {least}")
        if number > most:
            raise constraint(parameter, number, f"have value less than or equal to {most}")

    return check_number


def _one_of(*words: str) -> Check:
    def check_word(parameter: str, text: str) -> None:
        if text not in words:
            raise constraint(parameter, text, f"satisfy enum value set: [{', '.join(words)}]")

    return check_word


def _matching(pattern: re.Pattern[str], least: int = 0, most: int = ARN_CHARACTERS_MAX) -> Check:
    check_length = _length(least, most)

    def check_pattern(parameter: str, text: str) -> None:
        check_length(parameter, text)
        if not pattern.fullmatch(text):
            raise constraint(parameter, text, f"satisfy regular expression pattern: {pattern.pattern}")

    return check_pattern


def _name(parameter: str, name: str) -> None:
    _length(1, EXISTING_NAME_CHARACTERS_MAX)(parameter, name)
    if not _NAME.fullmatch(name):
        raise INVALID_NAME.error(parameter=member_name(parameter))


def _path(parameter: str, path: str) -> None:
    _length(1, model.PATH_CHARACTERS_MAX)(parameter, path)
    if not _PATH.fullmatch(path) or "//" in path or "*" in path or "?" in path:
        raise INVALID_PATH.error(parameter=member_name(parameter), bounds="begin and end")


def _path_prefix(parameter: str, prefix: str) -> None:
    _length(1, model.PATH_CHARACTERS_MAX - 1)(parameter, prefix)
    if not _PATH_PREFIX.fullmatch(prefix) or "//" in prefix or "*" in prefix or "?" in prefix:
        raise INVALID_PATH.error(parameter=member_name(parameter), bounds="begin")


def _policy_arn(parameter: str, arn: str) -> None:
    _length(ARN_CHARACTERS_MIN, ARN_CHARACTERS_MAX)(parameter, arn)
    if parse_arn(arn) is None:
        raise NO_ARN.error()
    if not _POLICY_ARN.fullmatch(arn):
        raise INVALID_ARN.error(arn=arn if arn.isprintable() else ascii(arn))


def _access_key_id(parameter: str, key_id: str) -> None:
    _matching(_KEY_ID, 16, 128)(parameter, key_id)
    if not _ROOM_KEY_ID.fullmatch(key_id):  # no key was ever given such an id
        raise NO_SUCH_ACCESS_KEY.error(id=key_id)


def _document(parameter: str, text: str) -> None:
    _length(1, DOCUMENT_CHARACTERS_MAX)(parameter, text)


_RULES: Final[Mapping[str, Check]] = {
    "UserName": _name,
    "NewUserName": _name,
    "GroupName": _name,
    "NewGroupName": _name,
    "PolicyName": _name,
    "Path": _path,
    "NewPath": _path,
    "PathPrefix": _path_prefix,
    "PolicyArn": _policy_arn,
    "PolicyDocument": _document,
    "Description": _length(0, policy_model.DESCRIPTION_CHARACTERS_MAX),
    "AccessKeyId": _access_key_id,
    "Status": _one_of("Active", "Inactive"),
    "Scope": _one_of("All", "AWS", "Local"),
    "EntityFilter": _one_of("User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy"),
    "PolicyUsageFilter": _one_of("PermissionsPolicy", "PermissionsBoundary"),
    "VersionId": _matching(_VERSION_ID),
    "Marker": _length(1, MARKER_CHARACTERS_MAX),
    "MaxItems": _between(1, model.PAGE_SIZE_MAX),
}

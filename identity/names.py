"""Names of identity's things: what a client may write, what an ARN says, and what is shown.

Owns the rules of IAM for names and paths ("IAM identifiers", IAM User Guide) and the three spellings that a request may
use: the short name, the full name of the gRPC API, the ARN. Does not know what exists.
"""

import re
from typing import Final

import msgspec

from cumulo.core.names import is_account_id, parse_arn
from cumulo.identity.errors import CONSTRAINT, VALIDATION_ERROR
from cumulo.identity.model import NAME_CHARACTERS_MAX, PATH_CHARACTERS_MAX
from cumulo.identity.user_model import USER_NAME_CHARACTERS_MAX

_NAME = re.compile(r"[A-Za-z0-9+=,.@_-]+")
_PATH = re.compile(r"/(?:[\x21-\x7e]*/)?")
_KEY_ID = re.compile(r"[A-Z0-9]{16,128}")
ROOT_NAME: Final = "root"
AWS: Final = "aws"
"""Stands for an account in the names of the policies that AWS provides."""


class Kind(msgspec.Struct, frozen=True):
    """A kind of named thing: its word, its collection in full names, and the longest name."""

    word: str
    collection: str
    characters_max: int


USER = Kind("user", "users", USER_NAME_CHARACTERS_MAX)
GROUP = Kind("group", "groups", NAME_CHARACTERS_MAX)
POLICY = Kind("policy", "policies", NAME_CHARACTERS_MAX)


class Named(msgspec.Struct, frozen=True):
    """What a request names. `path` is set where it was named by ARN, which says the path, too."""

    account: str
    name: str
    path: str | None = None
    is_root: bool = False


def invalid(parameter: str, value: object, allowed: str) -> Exception:
    """Return the error of a value that breaks a rule; long values are cut."""
    shown = ascii(value)
    return VALIDATION_ERROR.error(
        parameter=parameter, value=shown if len(shown) <= 100 else f"{shown[:97]}...", allowed=allowed
    )


def parse(kind: Kind, text: str, own_account: str, *, root: bool = False) -> Named:
    """Return what `text` names: a short name (in the caller's own account), a full name, or an ARN.

    With `root`, the ARN of an account's root is allowed, too. Raises `ValidationError`.
    """
    if text.startswith("arn:"):
        return _parse_arn(kind, text, root=root)
    if "/" not in text:
        return Named(own_account, require_name(kind, text))
    parts = text.split("/")
    if len(parts) != 4 or parts[0] != "accounts" or parts[2] != kind.collection or not _may_own(kind, parts[1]):
        raise invalid(
            kind.word, text, f"a name, accounts/{{account}}/{kind.collection}/{{{kind.word}}}, or the {kind.word}'s ARN"
        )
    return Named(parts[1], require_name(kind, parts[3]))


def _may_own(kind: Kind, account: str) -> bool:
    """Say whether a text is an account; some policies are AWS's own."""
    return is_account_id(account) or (kind is POLICY and account == AWS)


def _parse_arn(kind: Kind, text: str, *, root: bool) -> Named:
    arn = parse_arn(text)
    if arn is not None and arn.service == "iam" and not arn.region and _may_own(kind, arn.account):
        if root and arn.resource == ROOT_NAME:
            return Named(arn.account, "", is_root=True)
        word, _, rest = arn.resource.partition("/")
        if word == kind.word:
            above, _, name = rest.rpartition("/")
            return Named(arn.account, require_name(kind, name), f"/{above}/" if above else "/")
    raise invalid(kind.word, text, f"an ARN arn:aws:iam::{{account}}:{kind.word}/{{{kind.word}}}")


def require_name(kind: Kind, name: str, parameter: str = "name") -> str:
    """Return a name that keeps IAM's rules; raises `ValidationError`."""
    if not _NAME.fullmatch(name) or len(name) > kind.characters_max:
        raise invalid(parameter, name, f"1 to {kind.characters_max} characters of [A-Za-z0-9+=,.@_-]")
    return name


def require_between(number: int, least: int, most: int, parameter: str) -> int:
    """Return a number that keeps its range; raises `ValidationError` in the words of AWS's model validation."""
    if number < least:
        raise CONSTRAINT.error(
            value=number, parameter=parameter, allowed=f"have value greater than or equal to {least}"
        )
    if number > most:
        raise CONSTRAINT.error(value=number, parameter=parameter, allowed=f"have value less than or equal to {most}")
    return number


def require_path(path: str, parameter: str = "path") -> str:
    """Return a path that keeps IAM's rules; raises `ValidationError`."""
    if not _PATH.fullmatch(path) or len(path) > PATH_CHARACTERS_MAX or "//" in path or "*" in path or "?" in path:
        raise invalid(
            parameter,
            path,
            f"begins and ends with /, at most {PATH_CHARACTERS_MAX} printable ASCII characters, no //, * or ?",
        )
    return path


def require_path_prefix(prefix: str) -> str:
    """Return the start of a path, which need not end with a slash; raises `ValidationError`."""
    require_path(prefix if prefix.endswith("/") else f"{prefix}/", "path_prefix")
    return prefix


def require_key_id(text: str, parameter: str) -> str:
    """Return an access key id; raises `ValidationError`."""
    if not _KEY_ID.fullmatch(text):
        raise invalid(parameter, text, "16 to 128 capital letters and digits")
    return text


def key_id_of(text: str) -> str:
    """Return the id of the access key that `text`, its id or its full name, means; raises `ValidationError`.

    Whose key it is says its record alone; a full name that says otherwise is a name of nothing and found out there.
    """
    return require_key_id(text.rpartition("/accessKeys/")[2], "access_key")


def arn(kind: Kind, account: str, path: str, name: str) -> str:
    """Return the ARN of a user, group or managed policy."""
    return f"arn:aws:iam::{account}:{kind.word}{path}{name}"


def full_name(kind: Kind, account: str, name: str) -> str:
    """Return the name of the gRPC API."""
    return f"accounts/{account}/{kind.collection}/{name}"


def full_key_name(account: str, user: str, access_key_id: str) -> str:
    """Return an access key's name of the gRPC API; `user` is empty for root."""
    owner = full_name(USER, account, user) if user else f"accounts/{account}"
    return f"{owner}/accessKeys/{access_key_id}"

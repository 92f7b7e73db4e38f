"""Names of resources: ARNs, and the AIP-122 resource names of the gRPC API.

Owns the two spellings and nothing else; whether a thing of that name exists is its room's business.
"""

import functools
import re

import msgspec

DEFAULT_REGION = "us-east-1"
FIRST_ACCOUNT = "000000000000"
_ACCOUNT = re.compile(r"[0-9]{12}")
_REGION_CHARACTERS_MAX = 63
_REGION = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class Arn(msgspec.Struct, frozen=True):
    """An Amazon Resource Name: `arn:partition:service:region:account:resource`; the resource may hold colons and
    slashes.
    """

    service: str
    region: str
    account: str
    resource: str

    def __str__(self) -> str:
        return f"arn:aws:{self.service}:{self.region}:{self.account}:{self.resource}"


def parse_arn(text: str) -> Arn | None:
    """Return the parts of `text`, or None where it is not an ARN of the partition `aws`."""
    parts = text.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn" or parts[1] != "aws" or not parts[2] or not parts[5]:
        return None
    return Arn(parts[2], parts[3], parts[4], parts[5])


_AUTHORITY = re.compile(r"[^/?#]*")


def masked_url(url: str) -> str:
    """Return a URL as others may see it: `http://user:****@host/` for one with a password.

    One that is none, since its password has characters that had to be escaped, is masked up to the last @.
    """
    scheme, separator, rest = url.partition("://")
    authority = _AUTHORITY.match(rest)
    assert authority is not None
    user, colon, password = rest.partition(":")
    known, at, _ = authority[0].rpartition("@")
    if not colon or (at and ":" not in known):
        return url
    if at:
        host = rest[len(known) + 1 :]
    elif ":" in authority[0] and not authority[0].partition(":")[2].isdecimal() and "@" in password:
        host = password.rpartition("@")[2]
    else:
        return url
    return f"{scheme}{separator}{user}:****@{host}"


def is_account_id(text: str) -> bool:
    """Say whether `text` is a twelve-digit account id."""
    return _ACCOUNT.fullmatch(text) is not None


def is_region(text: str) -> bool:
    """Say whether `text` can be a region's name: 1-63 lower-case letters, digits and hyphens."""
    return len(text) <= _REGION_CHARACTERS_MAX and _is_region(text)


@functools.lru_cache(maxsize=1024)
def _is_region(text: str) -> bool:
    return _REGION.fullmatch(text) is not None


def parse_resource_name(text: str, collection: str, account: str, region: str) -> tuple[str, str, str] | None:
    """Return (account, region, name) of `accounts/{account}/regions/{region}/{collection}/{name}`.

    A text without a slash is the short form: a name in the caller's own `account` and `region`. None where the text is
    neither.
    """
    if "/" not in text:
        return account, region, text
    parts = text.split("/")
    if len(parts) != 6 or parts[0] != "accounts" or parts[2] != "regions" or parts[4] != collection:
        return None
    if not is_account_id(parts[1]) or not is_region(parts[3]):
        return None
    return parts[1], parts[3], parts[5]


def resource_name(account: str, region: str, collection: str, name: str) -> str:
    """Return the full AIP-122 name of a regional resource."""
    return f"accounts/{account}/regions/{region}/{collection}/{name}"

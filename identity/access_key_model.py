"""Access keys: what is asked of them, how they are shown, and how many a user may have (IAM's limit).

Promises that a secret is told once and never appears in `repr`. Knows no sealing.
"""

import enum

import msgspec

from cumulo.identity.model import Listing, Mutation, Request

ACCESS_KEYS_PER_USER_MAX = 2


class KeyStatus(enum.StrEnum):
    """Whether an access key may be used, in IAM's words."""

    ACTIVE = "Active"
    INACTIVE = "Inactive"


class CreateAccessKey(Mutation, frozen=True, kw_only=True):
    """A new access key of `user`; an empty text means the caller."""

    user: str = ""


class ListAccessKeys(Listing, frozen=True, kw_only=True):
    """The keys of `user`; an empty text means the caller."""

    user: str = ""


class UpdateAccessKey(Mutation, frozen=True, kw_only=True):
    """A key to turn on or off; `access_key` is its full name or its id."""

    access_key: str
    status: KeyStatus


class DeleteAccessKey(Mutation, frozen=True, kw_only=True):
    """The end of a key."""

    access_key: str


class GetAccessKeyLastUsed(Request, frozen=True, kw_only=True):
    """Whose key is it, and when was it used? The second is not kept."""

    access_key: str


class AccessKey(msgspec.Struct, frozen=True):
    """An access key as it is shown; `user` is a name, empty for the account's root."""

    account: str
    user: str
    access_key_id: str
    status: KeyStatus
    create_ms: int


class CreatedKey(msgspec.Struct, frozen=True):
    """A key and, this once, its secret."""

    access_key: AccessKey
    secret: str

    def __repr__(self) -> str:
        return f"CreatedKey({self.access_key.access_key_id})"

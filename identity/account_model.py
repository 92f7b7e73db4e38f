"""Accounts: what is asked of them, how they are shown, and the limits of their descriptions.

An account and its root's first key are made at once, so a new one brings an access key. Knows no record.
"""

import msgspec

from cumulo.identity.access_key_model import AccessKey
from cumulo.identity.model import Listing, Mutation, Request
from cumulo.identity.principal_model import canonical_id

DISPLAY_NAME_CHARACTERS_MAX = 128
EMAIL_CHARACTERS_MAX = 254
"""RFC 5321, section 4.5.3.1: a path of 256 octets holds one in angle brackets."""


class CreateAccount(Mutation, frozen=True, kw_only=True):
    """A new account; `account` is empty where the server is to choose the number. `email` is that of no other one."""

    account: str = ""
    display_name: str = ""
    email: str = ""


class ListAccounts(Listing, frozen=True, kw_only=True):
    """Accounts in order of their numbers."""


class GetAccountSummary(Request, frozen=True, kw_only=True):
    """How much the caller's account has of each thing."""


class Account(msgspec.Struct, frozen=True):
    """An account as it is shown."""

    account: str
    display_name: str
    create_ms: int
    email: str = ""

    @property
    def canonical_id(self) -> str:
        """What S3 calls the account where it names an owner or a grantee."""
        return canonical_id(self.account)


class CreatedAccount(msgspec.Struct, frozen=True):
    """An account and its root's first key. The transaction answers it without the secret, which is in no record."""

    account: Account
    access_key: AccessKey
    secret: str = ""

    def __repr__(self) -> str:
        return f"CreatedAccount({self.account.account})"


class AccountSummary(msgspec.Struct, frozen=True):
    """How much an account has."""

    users: int
    groups: int
    policies: int
    root_keys: int

"""Users: what is asked of them, how they are shown, and their limits (IAM's, as in `model.py`).

Passwords, certificates and MFA devices nobody has; that is told to who asks. Knows neither keys nor groups nor
policies, but by their names.
"""

import msgspec

from cumulo.identity.model import Listing, Mutation, Request, Tags
from cumulo.identity.principal_model import root_arn

GROUPS_PER_USER_MAX = 10
USERS_PER_ACCOUNT_MAX = 5_000
USER_NAME_CHARACTERS_MAX = 64


class CreateUser(Mutation, frozen=True, kw_only=True):
    """A new user."""

    name: str
    path: str = "/"
    tags: Tags = ()


class GetUser(Request, frozen=True, kw_only=True):
    """One user; an empty text means the caller."""

    user: str = ""


class ListUsers(Listing, frozen=True, kw_only=True):
    """Users whose path starts with `path_prefix`."""

    path_prefix: str = "/"


class UpdateUser(Mutation, frozen=True, kw_only=True):
    """Another name or path for a user; an empty text leaves it as it is."""

    user: str
    new_name: str = ""
    new_path: str = ""


class TagUser(Mutation, frozen=True, kw_only=True):
    """Tags for a user, new or instead of those of the same keys."""

    user: str
    tags: Tags


class UntagUser(Mutation, frozen=True, kw_only=True):
    """Tags less for a user; keys that he does not have do not matter."""

    user: str
    tag_keys: tuple[str, ...]


class ListUserTags(Listing, frozen=True, kw_only=True):
    """The tags of a user."""

    user: str


class ListGroupsForUser(Listing, frozen=True, kw_only=True):
    """The groups of a user."""

    user: str


class DeleteUser(Mutation, frozen=True, kw_only=True):
    """The end of a user."""

    user: str


class ListMFADevices(Listing, frozen=True, kw_only=True):
    """The MFA devices of `user` (none); an empty text means the caller, here and in the five below."""

    user: str = ""


class ListSigningCertificates(Listing, frozen=True, kw_only=True):
    """The signing certificates of `user` (none)."""

    user: str = ""


class ListSSHPublicKeys(Listing, frozen=True, kw_only=True):
    """The SSH public keys of `user` (none)."""

    user: str = ""


class ListServiceSpecificCredentials(Listing, frozen=True, kw_only=True):
    """The service-specific credentials of `user` (none)."""

    user: str = ""


class GetLoginProfile(Request, frozen=True, kw_only=True):
    """The password of `user` (none)."""

    user: str = ""


class DeleteLoginProfile(Mutation, frozen=True, kw_only=True):
    """The end of the password of `user` (none)."""

    user: str = ""


class ListVirtualMFADevices(Listing, frozen=True, kw_only=True):
    """The virtual MFA devices of the account (none)."""


class User(msgspec.Struct, frozen=True):
    """A user as he is shown; the root of an account is one without a name.

    What a write answers is remembered for repeats within 1 KiB, hence the ARN, which repeats a long path, is computed.
    """

    account: str
    name: str
    user_id: str
    path: str
    create_ms: int
    groups: tuple[str, ...] = ()
    tags: Tags = ()

    @property
    def arn(self) -> str:
        """The ARN by which policies name the user."""
        return f"arn:aws:iam::{self.account}:user{self.path}{self.name}" if self.name else root_arn(self.account)

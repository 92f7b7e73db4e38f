"""Groups: what is asked of them and of their members, how they are shown, and their limit (IAM's).

Knows users as they are shown; not their policies.
"""

import msgspec

from cumulo.identity.model import Listed, Listing, Mutation
from cumulo.identity.user_model import User

GROUPS_PER_ACCOUNT_MAX = 500


class CreateGroup(Mutation, frozen=True, kw_only=True):
    """A new group."""

    name: str
    path: str = "/"


class GetGroup(Listing, frozen=True, kw_only=True):
    """A group and a page of its users."""

    group: str


class ListGroups(Listing, frozen=True, kw_only=True):
    """Groups whose path starts with `path_prefix`."""

    path_prefix: str = "/"


class UpdateGroup(Mutation, frozen=True, kw_only=True):
    """Another name or path for a group; an empty text leaves it as it is."""

    group: str
    new_name: str = ""
    new_path: str = ""


class DeleteGroup(Mutation, frozen=True, kw_only=True):
    """The end of a group."""

    group: str


class AddUserToGroup(Mutation, frozen=True, kw_only=True):
    """A user joins a group."""

    group: str
    user: str


class RemoveUserFromGroup(Mutation, frozen=True, kw_only=True):
    """A user leaves a group."""

    group: str
    user: str


class Group(msgspec.Struct, frozen=True):
    """A group as it is shown."""

    account: str
    name: str
    group_id: str
    path: str
    create_ms: int

    @property
    def arn(self) -> str:
        """The ARN by which policies name the group."""
        return f"arn:aws:iam::{self.account}:group{self.path}{self.name}"


class GroupMembers(msgspec.Struct, frozen=True):
    """A group and a page of its users."""

    group: Group
    users: Listed[User]

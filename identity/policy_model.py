"""Policies: managed ones with their versions, inline ones, what they are attached to, and what they come to.

Owns what is asked of them, how they are shown, and their limits (IAM's, as in `model.py`). Knows a document as text:
`identity.policy` reads it.
"""

import enum
from collections.abc import Mapping

import msgspec

from cumulo.identity.group_model import Group
from cumulo.identity.model import Listing, Mutation, Request, Tags
from cumulo.identity.policy import Outcome, StatementRef
from cumulo.identity.user_model import User

ATTACHED_POLICIES_MAX = 10
"""Managed policies attached to one user or one group."""
POLICIES_PER_ACCOUNT_MAX = 5_000
POLICY_VERSIONS_MAX = 5
USER_INLINE_BYTES_MAX = 2_048
"""All inline policies of a user together, without white space; a group's below."""
GROUP_INLINE_BYTES_MAX = 5_120
DESCRIPTION_CHARACTERS_MAX = 1_000
CONTEXT_KEYS_MAX = 64
CONTEXT_VALUE_CHARACTERS_MAX = 2_048


class CreatePolicy(Mutation, frozen=True, kw_only=True):
    """A new managed policy."""

    name: str
    document: str
    path: str = "/"
    description: str = ""
    tags: Tags = ()


class GetPolicy(Request, frozen=True, kw_only=True):
    """One managed policy with its document."""

    policy: str


class PolicyScope(enum.StrEnum):
    """Whose policies are listed, in IAM's words."""

    ALL = "All"
    AWS = "AWS"
    LOCAL = "Local"


class ListPolicies(Listing, frozen=True, kw_only=True):
    """Managed policies whose path starts with `path_prefix`, or only those of them that are attached anywhere."""

    path_prefix: str = "/"
    scope: PolicyScope = PolicyScope.LOCAL
    only_attached: bool = False


class CreatePolicyVersion(Mutation, frozen=True, kw_only=True):
    """A new version of a managed policy."""

    policy: str
    document: str
    is_default: bool = False


class GetPolicyVersion(Request, frozen=True, kw_only=True):
    """One version of a managed policy with its document."""

    policy: str
    version_id: str


class ListPolicyVersions(Listing, frozen=True, kw_only=True):
    """The versions of a managed policy, newest first."""

    policy: str


class SetDefaultPolicyVersion(Mutation, frozen=True, kw_only=True):
    """The version that counts from now on."""

    policy: str
    version_id: str


class DeletePolicyVersion(Mutation, frozen=True, kw_only=True):
    """The end of a version that is not the default one."""

    policy: str
    version_id: str


class TagPolicy(Mutation, frozen=True, kw_only=True):
    """Tags for a managed policy, new or instead of those of the same keys."""

    policy: str
    tags: Tags


class UntagPolicy(Mutation, frozen=True, kw_only=True):
    """Tags less for a managed policy; keys that it does not have do not matter."""

    policy: str
    tag_keys: tuple[str, ...]


class ListPolicyTags(Listing, frozen=True, kw_only=True):
    """The tags of a managed policy."""

    policy: str


class ListEntitiesForPolicy(Listing, frozen=True, kw_only=True):
    """The users and groups whose path starts with `path_prefix` and who have a managed policy."""

    policy: str
    path_prefix: str = "/"
    users: bool = True
    groups: bool = True


class UpdatePolicy(Mutation, frozen=True, kw_only=True):
    """New values for a managed policy; None leaves one as it is."""

    policy: str
    document: str | None = None
    description: str | None = None


class DeletePolicy(Mutation, frozen=True, kw_only=True):
    """The end of a managed policy."""

    policy: str


class AttachUserPolicy(Mutation, frozen=True, kw_only=True):
    """A managed policy for a user."""

    user: str
    policy: str


class DetachUserPolicy(Mutation, frozen=True, kw_only=True):
    """A managed policy less for a user."""

    user: str
    policy: str


class AttachGroupPolicy(Mutation, frozen=True, kw_only=True):
    """A managed policy for a group."""

    group: str
    policy: str


class DetachGroupPolicy(Mutation, frozen=True, kw_only=True):
    """A managed policy less for a group."""

    group: str
    policy: str


class ListAttachedPolicies(Listing, frozen=True, kw_only=True):
    """The managed policies, of a path that starts with `path_prefix`, of a user or of a group: exactly one is named."""

    user: str | None = None
    group: str | None = None
    path_prefix: str = "/"


class PutUserPolicy(Mutation, frozen=True, kw_only=True):
    """An inline policy of a user, new or instead of the one of that name."""

    user: str
    policy_name: str
    document: str


class GetUserPolicy(Request, frozen=True, kw_only=True):
    """An inline policy of a user."""

    user: str
    policy_name: str


class DeleteUserPolicy(Mutation, frozen=True, kw_only=True):
    """The end of an inline policy of a user."""

    user: str
    policy_name: str


class ListUserPolicies(Listing, frozen=True, kw_only=True):
    """Names of a user's inline policies."""

    user: str


class PutGroupPolicy(Mutation, frozen=True, kw_only=True):
    """An inline policy of a group, new or instead of the one of that name."""

    group: str
    policy_name: str
    document: str


class GetGroupPolicy(Request, frozen=True, kw_only=True):
    """An inline policy of a group."""

    group: str
    policy_name: str


class DeleteGroupPolicy(Mutation, frozen=True, kw_only=True):
    """The end of an inline policy of a group."""

    group: str
    policy_name: str


class ListGroupPolicies(Listing, frozen=True, kw_only=True):
    """Names of a group's inline policies."""

    group: str


class ExplainAccess(Request, frozen=True, kw_only=True):
    """May `principal` (an empty text: the caller) do `action` to `resource`?"""

    principal: str = ""
    action: str
    resource: str
    context: Mapping[str, tuple[str, ...]] = {}


class ManagedPolicy(msgspec.Struct, frozen=True):
    """A managed policy as it is shown; without its document in lists.

    A transaction that writes answers it without the description, which would not fit into a remembered answer.
    """

    account: str
    name: str
    policy_id: str
    path: str = "/"
    description: str = ""
    create_ms: int = 0
    update_ms: int = 0
    attachment_count: int = 0
    document: str = ""
    default_version_id: str = "v1"
    tags: Tags = ()

    @property
    def arn(self) -> str:
        """The ARN by which policies name the policy."""
        return f"arn:aws:iam::{self.account}:policy{self.path}{self.name}"


class PolicyVersion(msgspec.Struct, frozen=True):
    """A version of a managed policy; without its document in lists."""

    version_id: str
    is_default: bool
    create_ms: int
    document: str = ""


class Entities(msgspec.Struct, frozen=True):
    """Bearers of a managed policy."""

    users: tuple[User, ...]
    groups: tuple[Group, ...]


class InlinePolicy(msgspec.Struct, frozen=True):
    """An inline policy; `owner` is a user's or a group's name."""

    account: str
    owner: str
    policy_name: str
    document: str


class Explained(msgspec.Struct, frozen=True):
    """A decision, the statements that matched (those that decided first), and the grounds in one sentence."""

    outcome: Outcome
    matched: tuple[StatementRef, ...]
    reason: str

"""What identity speaks of: callers, requests, results and their limits.

Owns the types between the edge and the concepts, frozen and already parsed. Knows neither the wire nor the keys under
which anything is stored. Limits are IAM's ("IAM and AWS STS quotas", IAM User Guide) unless said otherwise.
"""

import enum
import functools
import hashlib
from collections.abc import Mapping
from typing import Generic, TypeVar

import msgspec

from cumulo.core.names import FIRST_ACCOUNT, parse_arn
from cumulo.identity.policy import Outcome, Principal, PrincipalKind, StatementRef

ACCESS_KEYS_PER_USER_MAX = 2
GROUPS_PER_USER_MAX = 10
ATTACHED_POLICIES_MAX = 10
"""Managed policies attached to one user or one group."""
USERS_PER_ACCOUNT_MAX = 5_000
GROUPS_PER_ACCOUNT_MAX = 500
POLICIES_PER_ACCOUNT_MAX = 5_000
POLICY_VERSIONS_MAX = 5
TAGS_MAX = 50
"""On one user or one policy."""
TAG_KEY_CHARACTERS_MAX = 128
TAG_VALUE_CHARACTERS_MAX = 256
USER_INLINE_BYTES_MAX = 2_048
"""All inline policies of a user together, without white space; a group's below."""
GROUP_INLINE_BYTES_MAX = 5_120
USER_NAME_CHARACTERS_MAX = 64
NAME_CHARACTERS_MAX = 128
"""Names of groups, managed and inline policies."""
PATH_CHARACTERS_MAX = 512
DESCRIPTION_CHARACTERS_MAX = 1_000
DISPLAY_NAME_CHARACTERS_MAX = 128
EMAIL_CHARACTERS_MAX = 254
"""RFC 5321, section 4.5.3.1: a path of 256 octets holds one in angle brackets."""
PAGE_SIZE_DEFAULT = 100
PAGE_SIZE_MAX = 1_000

TOKEN_LIFE_S_DEFAULT = 900
TOKEN_LIFE_S_MIN = 60
TOKEN_LIFE_S_MAX = 43_200
"""Twelve hours, the longest session of AWS STS."""
SESSION_LIFE_S_DEFAULT = 43_200
SESSION_LIFE_S_MIN = 900
SESSION_LIFE_S_MAX = 129_600
"""Of GetSessionToken's credentials (STS API reference)."""
ROOT_SESSION_LIFE_S_MAX = 3_600
"""A root's session is never longer; a wish for more gets this."""
PROOF_SKEW_MS_MAX = 300_000
"""How far a proof's timestamp may be from our clock, either way."""
NONCE_BYTES_MIN = 16
NONCE_BYTES_MAX = 64
CONTEXT_KEYS_MAX = 64
CONTEXT_VALUE_CHARACTERS_MAX = 2_048

DAY_MS = 86_400_000
CONTROL_WINDOW_MS = DAY_MS
"""How long a control call's request id is remembered."""


class Caller(Principal, frozen=True, kw_only=True):
    """An authenticated principal and the credential that it came with.

    `credential` is one text that stands for that credential wherever something is remembered about it: the token id, or
    the access key id of a signed request. `token_id` is empty where a long-term key signed, and the session's access
    key id where `is_session` (`GetSessionToken`); `access_key_id` is that of the long-term key behind it.
    """

    credential: str
    access_key_id: str
    token_id: str = ""
    token_issued_ms: int = 0
    is_session: bool = False


def root_arn(account: str) -> str:
    """Return the ARN of an account's root."""
    return f"arn:aws:iam::{account}:root"


@functools.lru_cache(4_096)
def canonical_id(account: str) -> str:
    """Return an account's canonical user id: 64 hexadecimal digits, always the same."""
    return hashlib.sha256(b"canonical user of account " + account.encode()).hexdigest()


def root_of(account: str = FIRST_ACCOUNT) -> Principal:
    """Return an account's root as a principal without a credential: what the server itself, and tests, act as."""
    return Principal(kind=PrincipalKind.ROOT, account=account, arn=root_arn(account), id=account)


def role_session(role_arn: str, session: str) -> Principal:
    """Return a session of a role as a principal: what the server acts as in the role's name.

    Roles are not kept here (docs/compatibility.md): a role may what its account may, and is known by its ARN.
    """
    arn = parse_arn(role_arn)
    assert arn is not None, role_arn
    name = arn.resource.rpartition("/")[2]
    return Principal(
        kind=PrincipalKind.ROLE_SESSION,
        account=arn.account,
        arn=f"arn:aws:sts::{arn.account}:assumed-role/{name}/{session}",
        id=f"{name}:{session}",
        role_arn=role_arn,
    )


def service_principal(host: str) -> Principal:
    """Return a service such as `s3.amazonaws.com` as a principal: only resource policies can allow it anything."""
    return Principal(kind=PrincipalKind.SERVICE, name=host)


class KeyStatus(enum.StrEnum):
    """Whether an access key may be used, in IAM's words."""

    ACTIVE = "Active"
    INACTIVE = "Inactive"


Tags = tuple[tuple[str, str], ...]
"""Keys and values; keys are unique without regard to case."""


class Target(msgspec.Struct, frozen=True):
    """A user, group, managed policy or root that a request names, as a snapshot showed it.

    `id` is empty where nothing of that name exists; `arn` is then the one that it would have at the path `/`. Functions
    look again in their own transaction and take another id for absence: what was authorised is what is changed.
    """

    account: str
    name: str
    id: str
    arn: str
    tags: Tags = ()

    @property
    def path(self) -> str:
        """The path in its ARN."""
        return f"/{self.arn.partition('/')[2]}".removesuffix(self.name)

    @property
    def is_root(self) -> bool:
        """Say whether it is the account's root, which bears the account's number as its id."""
        return self.id == self.account


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the requests. A field called `user`, `group` or `policy` names something that must be looked up."""


class Mutation(Request, frozen=True, kw_only=True):
    """Base of the requests that change something; a `request_id` makes a repeat harmless."""

    request_id: str = ""


class Listing(Request, frozen=True, kw_only=True):
    """Base of the listings: `page_size` 0 means the default."""

    page_size: int = 0
    page_token: str = ""


class IssueToken(Request, frozen=True, kw_only=True):
    """A proof of an access key, to be traded for a token; `ttl_s` 0 means the default."""

    access_key_id: str
    timestamp_ms: int
    nonce: bytes
    ttl_s: int
    proof: bytes

    def __repr__(self) -> str:
        return f"IssueToken({self.access_key_id!a})"


class GetCallerIdentity(Request, frozen=True, kw_only=True):
    """Who am I?"""


class GetSessionToken(Request, frozen=True, kw_only=True):
    """Session credentials for the caller; `duration_s` 0 means the default."""

    duration_s: int = 0


class CreateAccount(Mutation, frozen=True, kw_only=True):
    """A new account; `account` is empty where the server is to choose the number. `email` is that of no other one."""

    account: str = ""
    display_name: str = ""
    email: str = ""


class ListAccounts(Listing, frozen=True, kw_only=True):
    """Accounts in order of their numbers."""


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


class GetAccessKeyLastUsed(Request, frozen=True, kw_only=True):
    """Whose key is it, and when was it used? The second is not kept."""

    access_key: str


class GetAccountSummary(Request, frozen=True, kw_only=True):
    """How much the caller's account has of each thing."""


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


class RevokeToken(Mutation, frozen=True, kw_only=True):
    """The end of one token, named by its id or by itself; exactly one is set."""

    token_id: str = ""
    token: str = ""

    def __repr__(self) -> str:
        return f"RevokeToken({self.token_id!a})"


class RevokePrincipalTokens(Mutation, frozen=True, kw_only=True):
    """The end of all tokens of `principal` that were issued before a time; 0 means now."""

    principal: str
    issued_before_ms: int = 0


class ExplainAccess(Request, frozen=True, kw_only=True):
    """May `principal` (an empty text: the caller) do `action` to `resource`?"""

    principal: str = ""
    action: str
    resource: str
    context: Mapping[str, tuple[str, ...]] = {}


R = TypeVar("R", bound=Request)


class Page(msgspec.Struct, frozen=True):
    """Where a listing goes on: at most `size` rows behind `after` (an empty text: from the start)."""

    size: int
    after: str = ""


class NewKey(msgspec.Struct, frozen=True):
    """An access key to be stored; its secret is sealed already."""

    access_key_id: str
    sealed: bytes


class Stamped(msgspec.Struct, Generic[R], frozen=True, kw_only=True):
    """A request with all that was found out and drawn for it: what checks and transaction functions get.

    `account` is whose affair it is. `now_ms` is wall time, for dates that people see; `deadline_ms` is for the due
    index. Each other field is set for the requests that need it: `user`, `group` and `policy` are what the request
    names, `new_id` and `new_key` are for what it makes, `page` is where a listing goes on.
    """

    request: R
    account: str
    now_ms: int
    deadline_ms: int
    user: Target | None = None
    group: Target | None = None
    policy: Target | None = None
    access_key_id: str = ""
    principal_id: str = ""
    token_id: str = ""
    new_id: str = ""
    new_key: NewKey | None = None
    page: Page | None = None

    @property
    def the_user(self) -> Target:
        """The user of a request that names one."""
        assert self.user is not None
        return self.user

    @property
    def the_group(self) -> Target:
        """The group of a request that names one."""
        assert self.group is not None
        return self.group

    @property
    def the_policy(self) -> Target:
        """The managed policy of a request that names one."""
        assert self.policy is not None
        return self.policy

    @property
    def the_page(self) -> Page:
        """The page of a listing."""
        assert self.page is not None
        return self.page


class SessionCredentials(msgspec.Struct, frozen=True):
    """Short-lived credentials. Neither secret nor token appears in `repr`."""

    access_key_id: str
    secret: str
    session_token: str
    expires_ms: int

    def __repr__(self) -> str:
        return f"SessionCredentials({self.access_key_id})"


class Token(msgspec.Struct, frozen=True):
    """A token that was issued. It never appears in `repr`."""

    text: str
    token_id: str
    expires_ms: int

    def __repr__(self) -> str:
        return f"Token({self.token_id})"


class CallerIdentity(msgspec.Struct, frozen=True):
    """Who calls."""

    account: str
    arn: str
    user_id: str
    access_key_id: str
    token_expires_ms: int


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


class CreatedAccount(msgspec.Struct, frozen=True):
    """An account and its root's first key. The transaction answers it without the secret, which is in no record."""

    account: Account
    access_key: AccessKey
    secret: str = ""

    def __repr__(self) -> str:
        return f"CreatedAccount({self.account.account})"


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


class AccountSummary(msgspec.Struct, frozen=True):
    """How much an account has."""

    users: int
    groups: int
    policies: int
    root_keys: int


class InlinePolicy(msgspec.Struct, frozen=True):
    """An inline policy; `owner` is a user's or a group's name."""

    account: str
    owner: str
    policy_name: str
    document: str


T = TypeVar("T")


class Listed(msgspec.Struct, Generic[T], frozen=True):
    """A page of a listing. A transaction puts the last key into `next_page`; the service seals it into a token."""

    items: tuple[T, ...]
    next_page: str = ""


class GroupMembers(msgspec.Struct, frozen=True):
    """A group and a page of its users."""

    group: Group
    users: Listed[User]


class Revoked(msgspec.Struct, frozen=True):
    """Tokens issued before this time are refused."""

    issued_before_ms: int


class Explained(msgspec.Struct, frozen=True):
    """A decision, the statements that matched (those that decided first), and the grounds in one sentence."""

    outcome: Outcome
    matched: tuple[StatementRef, ...]
    reason: str

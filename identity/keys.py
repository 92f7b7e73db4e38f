"""The schema of identity: every subspace, key tuple and record.

All of identity lives in the engine's root partition under one subspace, so that a change and the policy epoch are one
commit. Things are stored under ids that are never used again; names lead to ids through an index under the folded name,
which makes names unique without regard to case. Records hold ids of other things, never their names.
"""

from cumulo.storage import records, tuples
from cumulo.storage.engine import ROOT, Partitions

PARTITIONS: Partitions = (ROOT,)
_SPACE = ROOT + tuples.encode(("identity",))


def _subspace(name: str) -> bytes:
    return _SPACE + tuples.encode((name,))


EPOCH = _subspace("epoch")
"""Eight bytes, one higher with every change to who exists and what they may do."""

ACCOUNTS = _subspace("account")
"""(account) -> AccountRecord"""
ACCOUNT_EMAILS = _subspace("account_email")
"""(folded e-mail address) -> account"""
CANONICAL_IDS = _subspace("canonical_id")
"""(canonical user id) -> account"""
USERS = _subspace("user")
"""(user id) -> UserRecord"""
USER_NAMES = _subspace("user_name")
"""(account, folded name) -> user id"""
USER_POLICIES = _subspace("user_policy")
"""(user id, policy name) -> the JSON text of an inline policy"""
GROUPS = _subspace("group")
"""(group id) -> GroupRecord"""
GROUP_NAMES = _subspace("group_name")
"""(account, folded name) -> group id"""
GROUP_POLICIES = _subspace("group_policy")
"""(group id, policy name) -> the JSON text of an inline policy"""
MEMBERS = _subspace("member")
"""(group id, folded user name) -> user id"""
POLICIES = _subspace("policy")
"""(policy id) -> PolicyRecord"""
POLICY_NAMES = _subspace("policy_name")
"""(account, folded name) -> policy id"""
POLICY_DOCUMENTS = _subspace("policy_document")
"""(policy id) -> the JSON text of a managed policy's default version, apart from its record, which listings read"""
POLICY_VERSIONS = _subspace("policy_version")
"""(policy id, version id) -> the JSON text of a version that is not the default one"""
ACCESS_KEYS = _subspace("access_key")
"""(access key id) -> KeyRecord"""
SIGNING_KEYS = _subspace("signing_key")
"""(key id) -> SigningKeyRecord"""
REVOKED_TOKENS = _subspace("revoked_token")
"""(token id) -> RevocationRecord"""
REVOKED_PRINCIPALS = _subspace("revoked_principal")
"""(principal id) -> RevocationRecord"""


class AccountRecord(records.Record, frozen=True):
    """An account, its root's keys, and how many of each thing it has (quotas).

    `built_in` are ids of AWS's own policies and how often each is attached in this account.
    """

    display_name: str = ""
    create_ms: int = 0
    access_keys: tuple[str, ...] = ()
    users: int = 0
    groups: int = 0
    policies: int = 0
    built_in: tuple[tuple[str, int], ...] = ()
    email: str = ""


class UserRecord(records.Record, frozen=True):
    """A user. `inline` are names and counted sizes of inline policies; the other tuples hold ids."""

    account: str = ""
    name: str = ""
    path: str = "/"
    create_ms: int = 0
    access_keys: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    attached: tuple[str, ...] = ()
    inline: tuple[tuple[str, int], ...] = ()
    tags: tuple[tuple[str, str], ...] = ()


class GroupRecord(records.Record, frozen=True):
    """A group; its users stand in their own subspace."""

    account: str = ""
    name: str = ""
    path: str = "/"
    create_ms: int = 0
    attached: tuple[str, ...] = ()
    inline: tuple[tuple[str, int], ...] = ()


class PolicyRecord(records.Record, frozen=True):
    """A managed policy without its documents.

    `versions` are the number and the time of making of each version, in order; empty where there is only the first.
    `newest` is the highest number that was ever given.
    """

    account: str = ""
    name: str = ""
    path: str = "/"
    description: str = ""
    create_ms: int = 0
    update_ms: int = 0
    attachments: int = 0
    versions: tuple[tuple[int, int], ...] = ()
    default: int = 1
    newest: int = 1
    tags: tuple[tuple[str, str], ...] = ()


class KeyRecord(records.Record, frozen=True):
    """An access key; `owner` is a user id, or the account for its root. The secret is sealed for this record."""

    account: str = ""
    owner: str = ""
    active: bool = True
    create_ms: int = 0
    sealed: bytes = b""

    def __repr__(self) -> str:
        return f"KeyRecord(owner={self.owner}, active={self.active})"


class SigningKeyRecord(records.Record, frozen=True):
    """A key that signs tokens; a retired one only verifies, until the due index removes it.

    `due_ms` is when its due entry asks for its rotation or, once it is retired, for its end.
    """

    create_ms: int = 0
    retired: bool = False
    sealed: bytes = b""
    due_ms: int = 0

    def __repr__(self) -> str:
        return f"SigningKeyRecord(create_ms={self.create_ms}, retired={self.retired})"


class RevocationRecord(records.Record, frozen=True):
    """Refused until `until_ms` (wall time), when the last token that it could mean has ended by itself.

    `issued_before_ms` is for the revocation of a principal.
    """

    until_ms: int = 0
    due_ms: int = 0
    issued_before_ms: int = 0


accounts = records.decoder(AccountRecord)
users = records.decoder(UserRecord)
groups = records.decoder(GroupRecord)
policies = records.decoder(PolicyRecord)
access_keys = records.decoder(KeyRecord)
signing_keys = records.decoder(SigningKeyRecord)
revocations = records.decoder(RevocationRecord)


def row(subspace: bytes, *elements: str) -> bytes:
    """Return the key of a row of a subspace."""
    return subspace + tuples.encode(elements)


def fold(name: str) -> str:
    """Return a name as indexes have it: names are ASCII, so lower case is all there is to it."""
    assert name.isascii(), name
    return name.lower()


def sealed_for(kind: str, *names: str) -> tuple[str, ...]:
    """Return what a secret is bound to: the kind of its record and everything that names it."""
    return (kind, *names)

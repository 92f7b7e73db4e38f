"""What a principal is worth right now: does he still exist, does his credential still stand, which policies are his.

Pure functions of a snapshot, asked once for each credential and policy epoch. Promises that a deleted user, a key that
is turned off or deleted, and a revoked token are worth nothing, whatever was issued before.
"""

import msgspec

from cumulo.identity import directory, keys, names
from cumulo.identity.model import Tags
from cumulo.identity.policies import document
from cumulo.identity.policy import NamedPolicy, PrincipalKind
from cumulo.identity.principal_model import Caller, canonical_id, root_arn
from cumulo.storage.engine import ReadTxn


class Claim(msgspec.Struct, frozen=True):
    """Who a credential says that it is.

    `principal_id` is a user id or an account's number. `token_id` is empty for a request signed with a long-term key,
    the session's own access key id for a session; `access_key_id` is that of the long-term key behind it, empty where
    the server itself acts for somebody.
    """

    account: str
    principal_id: str
    access_key_id: str = ""
    token_id: str = ""
    issued_ms: int = 0
    is_session: bool = False

    @property
    def is_root(self) -> bool:
        """Say whether it is the root of its account."""
        return self.principal_id == self.account


def caller(txn: ReadTxn, claim: Claim) -> Caller | None:
    """Return the principal of a credential that stands, else None."""
    if not stands(txn, claim):
        return None
    account, principal_id = claim.account, claim.principal_id
    if claim.is_root:
        kind, name, arn = PrincipalKind.ROOT, "", root_arn(account)
    else:
        user = directory.user(txn, principal_id)
        assert user is not None
        kind, name, arn = PrincipalKind.USER, user.name, names.arn(names.USER, account, user.path, user.name)
    return Caller(
        kind=kind,
        account=account,
        arn=arn,
        id=principal_id,
        name=name,
        canonical_id=canonical_id(account),
        credential=claim.token_id or claim.access_key_id or principal_id,
        access_key_id=claim.access_key_id,
        token_id=claim.token_id,
        token_issued_ms=claim.issued_ms,
        is_session=claim.is_session,
    )


def stands(txn: ReadTxn, claim: Claim) -> bool:
    """Say whether the principal exists and the credential, where there is one, is still good."""
    if claim.access_key_id:
        key = directory.access_key(txn, claim.access_key_id)
        if key is None or not key.active or key.owner != claim.principal_id or key.account != claim.account:
            return False
    if claim.token_id:
        if txn.get(keys.row(keys.REVOKED_TOKENS, claim.token_id)) is not None:
            return False
        revoked = txn.get(keys.row(keys.REVOKED_PRINCIPALS, claim.principal_id))
        if revoked is not None and claim.issued_ms < keys.revocations.decode(revoked).issued_before_ms:
            return False
    if claim.is_root:
        return directory.account(txn, claim.account) is not None
    user = directory.user(txn, claim.principal_id)
    return user is not None and user.account == claim.account


def identity_policies(txn: ReadTxn, claim: Claim) -> tuple[NamedPolicy, ...] | None:
    """Return all policies of a user (inline, attached, and his groups'), named as answers name them.

    None where the credential no longer stands. The root has none: it may do all in its account.
    """
    if not stands(txn, claim):
        return None
    if claim.is_root:
        return ()
    user_id = claim.principal_id
    user = directory.user(txn, user_id)
    assert user is not None
    place = names.full_name(names.USER, user.account, user.name)
    found = [
        (f"{place}/inlinePolicies/{name}", _text(txn, keys.row(keys.USER_POLICIES, user_id, name)))
        for name, _ in user.inline
    ]
    attached = list(user.attached)
    for group_id in user.groups:
        group = directory.group(txn, group_id)
        assert group is not None, group_id
        place = names.full_name(names.GROUP, group.account, group.name)
        found += [
            (f"{place}/inlinePolicies/{name}", _text(txn, keys.row(keys.GROUP_POLICIES, group_id, name)))
            for name, _ in group.inline
        ]
        attached += group.attached
    for policy_id in dict.fromkeys(attached):
        record = directory.policy(txn, policy_id)
        assert record is not None, policy_id
        found.append((names.full_name(names.POLICY, record.account, record.name), document(txn, policy_id)))
    return tuple(found)


def tags_of(txn: ReadTxn, claim: Claim) -> Tags:
    """Return the tags of a user who exists; the root has none."""
    user = None if claim.is_root else directory.user(txn, claim.principal_id)
    return user.tags if user is not None else ()


def _text(txn: ReadTxn, key: bytes) -> str:
    text = txn.get(key)
    assert text is not None, key
    return text.decode()

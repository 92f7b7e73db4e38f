"""Managed policies, and to which users and groups they are attached.

Pure functions of a transaction; documents were parsed and accepted before. Promises that a policy that is attached
anywhere is not deleted, by a count that changes with every attachment in the same commit.
"""

import msgspec

from cumulo.identity import directory, keys
from cumulo.identity.errors import (
    DELETE_CONFLICT,
    ENTITY_ALREADY_EXISTS,
    LIMIT_EXCEEDED,
    MALFORMED_POLICY_DOCUMENT,
    NO_SUCH_ENTITY,
)
from cumulo.identity.keys import GroupRecord, PolicyRecord, UserRecord
from cumulo.identity.model import (
    ATTACHED_POLICIES_MAX,
    POLICIES_PER_ACCOUNT_MAX,
    AttachGroupPolicy,
    AttachUserPolicy,
    CreatePolicy,
    DeletePolicy,
    DetachGroupPolicy,
    DetachUserPolicy,
    GetPolicy,
    ListAttachedPolicies,
    Listed,
    ListPolicies,
    ManagedPolicy,
    Stamped,
    Target,
    UpdatePolicy,
)
from cumulo.identity.policy import DocumentKind, MalformedPolicy, parse_policy
from cumulo.storage import tuples
from cumulo.storage.engine import ReadTxn, Txn


def require_document(text: str, kind: DocumentKind, parameter: str) -> None:
    """Refuse what IAM would not store; raises `MalformedPolicyDocument`. Needs no transaction."""
    try:
        parse_policy(text, kind)
    except MalformedPolicy as refused:
        raise MALFORMED_POLICY_DOCUMENT.error(detail=refused.detail, path=refused.path, parameter=parameter) from None


def create(txn: Txn, stamped: Stamped[CreatePolicy]) -> ManagedPolicy:
    """Make a policy; raises `EntityAlreadyExists`, `LimitExceeded`."""
    request, account, policy_id = stamped.request, stamped.account, stamped.new_id
    owner = directory.require_account(txn, account)
    name_key = keys.row(keys.POLICY_NAMES, account, keys.fold(request.name))
    if txn.get(name_key) is not None:
        raise ENTITY_ALREADY_EXISTS.error(what="Policy", name=request.name)
    if owner.policies >= POLICIES_PER_ACCOUNT_MAX:
        raise LIMIT_EXCEEDED.error(quota="PoliciesPerAccount", limit=POLICIES_PER_ACCOUNT_MAX)
    record = PolicyRecord(
        account=account,
        name=request.name,
        path=request.path,
        description=request.description,
        create_ms=stamped.now_ms,
        update_ms=stamped.now_ms,
    )
    txn.put(name_key, policy_id.encode())
    txn.put(keys.row(keys.POLICY_DOCUMENTS, policy_id), request.document.encode())
    directory.put_policy(txn, policy_id, record)
    directory.put_account(txn, account, msgspec.structs.replace(owner, policies=owner.policies + 1))
    directory.changed(txn)
    return _shown(policy_id, record)


def get(txn: ReadTxn, stamped: Stamped[GetPolicy]) -> ManagedPolicy:
    """Return a policy with its document; raises `NoSuchEntity`."""
    policy_id = stamped.the_policy.id
    record = directory.require_policy(txn, stamped.the_policy)
    return msgspec.structs.replace(
        _shown(policy_id, record), description=record.description, document=document(txn, policy_id)
    )


def document(txn: ReadTxn, policy_id: str) -> str:
    """Return the text of a policy that exists."""
    text = txn.get(keys.row(keys.POLICY_DOCUMENTS, policy_id))
    assert text is not None, policy_id
    return text.decode()


def list_policies(txn: ReadTxn, stamped: Stamped[ListPolicies]) -> Listed[ManagedPolicy]:
    """Return a page of policies in order of their names. A page that filters by path may hold fewer, even none."""
    page = stamped.the_page
    prefix = keys.row(keys.POLICY_NAMES, stamped.account)
    after = keys.row(keys.POLICY_NAMES, stamped.account, page.after) if page.after else b""
    rows = directory.rows_after(txn, prefix, after, page.size + 1)
    found = []
    for _, policy_id in rows[: page.size]:
        record = directory.policy(txn, policy_id.decode())
        assert record is not None
        if record.path.startswith(stamped.request.path_prefix):
            found.append(msgspec.structs.replace(_shown(policy_id.decode(), record), description=record.description))
    last = str(tuples.decode(rows[page.size - 1][0][len(keys.POLICY_NAMES) :])[1]) if len(rows) > page.size else ""
    return Listed(tuple(found), last)


def update(txn: Txn, stamped: Stamped[UpdatePolicy]) -> ManagedPolicy:
    """Replace a policy's document or description; raises `NoSuchEntity`."""
    request, policy_id = stamped.request, stamped.the_policy.id
    record = directory.require_policy(txn, stamped.the_policy)
    if request.description is not None:
        record = msgspec.structs.replace(record, description=request.description)
    if request.document is not None:
        record = msgspec.structs.replace(record, update_ms=stamped.now_ms)
        txn.put(keys.row(keys.POLICY_DOCUMENTS, policy_id), request.document.encode())
        directory.changed(txn)
    directory.put_policy(txn, policy_id, record)
    return _shown(policy_id, record)


def delete(txn: Txn, stamped: Stamped[DeletePolicy]) -> None:
    """Remove a policy that nobody has; raises `NoSuchEntity`, `DeleteConflict`."""
    target = stamped.the_policy
    record = directory.require_policy(txn, target)
    if record.attachments:
        raise DELETE_CONFLICT.error(first="detach the policy from all entities")
    txn.delete(keys.row(keys.POLICIES, target.id))
    txn.delete(keys.row(keys.POLICY_DOCUMENTS, target.id))
    txn.delete(keys.row(keys.POLICY_NAMES, record.account, keys.fold(record.name)))
    owner = directory.require_account(txn, record.account)
    directory.put_account(txn, record.account, msgspec.structs.replace(owner, policies=owner.policies - 1))
    directory.changed(txn)


def attach_to_user(txn: Txn, stamped: Stamped[AttachUserPolicy]) -> None:
    """Give a user a policy; nothing happens where he has it. Raises `NoSuchEntity`, `LimitExceeded`."""
    user = directory.require_user(txn, stamped.the_user)
    attached = _attached(txn, user, stamped.the_policy, "User")
    if attached is not None:
        directory.put_user(txn, stamped.the_user.id, msgspec.structs.replace(user, attached=attached))


def detach_from_user(txn: Txn, stamped: Stamped[DetachUserPolicy]) -> None:
    """Take a policy from a user; raises `NoSuchEntity`, also where he does not have it."""
    user = directory.require_user(txn, stamped.the_user)
    attached = _detached(txn, user, stamped.the_policy)
    directory.put_user(txn, stamped.the_user.id, msgspec.structs.replace(user, attached=attached))


def attach_to_group(txn: Txn, stamped: Stamped[AttachGroupPolicy]) -> None:
    """Give a group a policy; nothing happens where it has it. Raises `NoSuchEntity`, `LimitExceeded`."""
    group = directory.require_group(txn, stamped.the_group)
    attached = _attached(txn, group, stamped.the_policy, "Group")
    if attached is not None:
        directory.put_group(txn, stamped.the_group.id, msgspec.structs.replace(group, attached=attached))


def detach_from_group(txn: Txn, stamped: Stamped[DetachGroupPolicy]) -> None:
    """Take a policy from a group; raises `NoSuchEntity`, also where it does not have it."""
    group = directory.require_group(txn, stamped.the_group)
    attached = _detached(txn, group, stamped.the_policy)
    directory.put_group(txn, stamped.the_group.id, msgspec.structs.replace(group, attached=attached))


def list_attached(txn: ReadTxn, stamped: Stamped[ListAttachedPolicies]) -> Listed[ManagedPolicy]:
    """Return a page of the policies of a user or group in order of their names; raises `NoSuchEntity`."""
    bearer: UserRecord | GroupRecord
    if stamped.user is not None:
        bearer = directory.require_user(txn, stamped.user)
    else:
        bearer = directory.require_group(txn, stamped.the_group)
    shown = {}
    for policy_id in bearer.attached:
        record = directory.policy(txn, policy_id)
        assert record is not None, policy_id
        shown[keys.fold(record.name)] = ManagedPolicy(record.account, record.name, policy_id, record.path)
    rest = sorted(name for name in shown if name > stamped.the_page.after)
    taken = rest[: stamped.the_page.size]
    return Listed(tuple(shown[name] for name in taken), taken[-1] if len(rest) > len(taken) else "")


def _attached(txn: Txn, bearer: UserRecord | GroupRecord, target: Target, bearer_word: str) -> tuple[str, ...] | None:
    """Count one attachment more; return the ids that the bearer has then, or None where nothing changes."""
    record = directory.require_policy(txn, target)
    if target.id in bearer.attached:
        return None
    if len(bearer.attached) >= ATTACHED_POLICIES_MAX:
        raise LIMIT_EXCEEDED.error(quota=f"PoliciesPer{bearer_word}", limit=ATTACHED_POLICIES_MAX)
    directory.put_policy(txn, target.id, msgspec.structs.replace(record, attachments=record.attachments + 1))
    directory.changed(txn)
    return (*bearer.attached, target.id)


def _detached(txn: Txn, bearer: UserRecord | GroupRecord, target: Target) -> tuple[str, ...]:
    record = directory.require_policy(txn, target)
    if target.id not in bearer.attached:
        raise NO_SUCH_ENTITY.error(what=f"policy attached to {bearer.name}", name=target.name)
    directory.put_policy(txn, target.id, msgspec.structs.replace(record, attachments=record.attachments - 1))
    directory.changed(txn)
    return tuple(other for other in bearer.attached if other != target.id)


def _shown(policy_id: str, record: PolicyRecord) -> ManagedPolicy:
    return ManagedPolicy(
        account=record.account,
        name=record.name,
        policy_id=policy_id,
        path=record.path,
        create_ms=record.create_ms,
        update_ms=record.update_ms,
        attachment_count=record.attachments,
    )

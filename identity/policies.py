"""Managed policies, and to which users and groups they are attached.

Pure functions of a transaction; documents were parsed and accepted before. Promises that a policy that is attached
anywhere is not deleted, by a count that changes with every attachment in the same commit.
"""

import msgspec

from cumulo.identity import built_in_policies, directory, keys
from cumulo.identity.errors import (
    LIMIT_EXCEEDED,
    MALFORMED_POLICY_DOCUMENT,
    NO_SUCH_POLICY,
    NOT_ATTACHABLE,
    POLICY_ATTACHED,
    POLICY_EXISTS,
    POLICY_HAS_VERSIONS,
)
from cumulo.identity.keys import GroupRecord, PolicyRecord, UserRecord
from cumulo.identity.model import Listed, Stamped, Target
from cumulo.identity.policy import DocumentKind, MalformedPolicy, parse_policy
from cumulo.identity.policy_model import (
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
    ListPolicies,
    ManagedPolicy,
    PolicyScope,
    UpdatePolicy,
)
from cumulo.storage import tuples
from cumulo.storage.engine import ReadTxn, Txn

_BUILT_IN = "aws "
"""What the place in a listing begins with among AWS's own policies: no name holds a blank."""


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
        raise POLICY_EXISTS.error(name=request.name)
    if owner.policies >= POLICIES_PER_ACCOUNT_MAX:
        raise LIMIT_EXCEEDED.error(quota="PoliciesPerAccount", limit=POLICIES_PER_ACCOUNT_MAX)
    record = PolicyRecord(
        account=account,
        name=request.name,
        path=request.path,
        description=request.description,
        create_ms=stamped.now_ms,
        update_ms=stamped.now_ms,
        tags=request.tags,
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
        _shown(policy_id, record),
        description=record.description,
        document=document(txn, policy_id),
        tags=record.tags,
        attachment_count=_attachments(txn, policy_id, record, stamped.account),
    )


def document(txn: ReadTxn, policy_id: str) -> str:
    """Return the text of a policy that exists."""
    built_in = built_in_policies.DOCUMENTS.get(policy_id)
    if built_in is not None:
        return built_in
    text = txn.get(keys.row(keys.POLICY_DOCUMENTS, policy_id))
    assert text is not None, policy_id
    return text.decode()


def list_policies(txn: ReadTxn, stamped: Stamped[ListPolicies]) -> Listed[ManagedPolicy]:
    """Return a page of policies in order of their names. A page that filters may hold fewer, even none.

    AWS's own stand before the account's.
    """
    request, page = stamped.request, stamped.the_page
    after, found = page.after, Listed[ManagedPolicy](())
    if request.scope is not PolicyScope.LOCAL and (not after or after.startswith(_BUILT_IN)):
        found, after = _built_in(txn, stamped, after.removeprefix(_BUILT_IN)), ""
    if request.scope is PolicyScope.AWS or found.next_page:
        return found
    own = _own_policies(txn, stamped, after, page.size - len(found.items))
    return Listed((*found.items, *own.items), own.next_page)


def _built_in(txn: ReadTxn, stamped: Stamped[ListPolicies], after: str) -> Listed[ManagedPolicy]:
    request, found, last = stamped.request, list[ManagedPolicy](), ""
    for name, policy_id in sorted(built_in_policies.IDS.items()):
        if name <= after:
            continue
        if len(found) == stamped.the_page.size:
            return Listed(tuple(found), f"{_BUILT_IN}{last}")
        record, last = built_in_policies.RECORDS[policy_id], name
        count = _attachments(txn, policy_id, record, stamped.account)
        if record.path.startswith(request.path_prefix) and (count or not request.only_attached):
            found.append(_in_list(policy_id, record, count))
    full = len(found) == stamped.the_page.size and request.scope is PolicyScope.ALL
    return Listed(tuple(found), f"{_BUILT_IN}{last}" if full else "")


def _own_policies(txn: ReadTxn, stamped: Stamped[ListPolicies], after: str, size: int) -> Listed[ManagedPolicy]:
    request = stamped.request
    prefix = keys.row(keys.POLICY_NAMES, stamped.account)
    behind = keys.row(keys.POLICY_NAMES, stamped.account, after) if after else b""
    rows = directory.rows_after(txn, prefix, behind, size + 1)
    found = []
    for _, policy_id in rows[:size]:
        record = directory.policy(txn, policy_id.decode())
        assert record is not None
        if record.path.startswith(request.path_prefix) and (record.attachments or not request.only_attached):
            found.append(_in_list(policy_id.decode(), record, record.attachments))
    last = str(tuples.decode(rows[size - 1][0][len(keys.POLICY_NAMES) :])[1]) if len(rows) > size else ""
    return Listed(tuple(found), last)


def _in_list(policy_id: str, record: PolicyRecord, count: int) -> ManagedPolicy:
    return msgspec.structs.replace(
        _shown(policy_id, record), description=record.description, tags=record.tags, attachment_count=count
    )


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
        raise POLICY_ATTACHED.error()
    if len(record.versions) > 1:
        raise POLICY_HAS_VERSIONS.error()
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
        if record.path.startswith(stamped.request.path_prefix):
            # The id tells apart an account's policy and one of AWS's of the same name.
            place = f"{keys.fold(record.name)} {policy_id}"
            shown[place] = ManagedPolicy(record.account, record.name, policy_id, record.path)
    rest = sorted(name for name in shown if name > stamped.the_page.after)
    taken = rest[: stamped.the_page.size]
    return Listed(tuple(shown[name] for name in taken), taken[-1] if len(rest) > len(taken) else "")


def _attached(txn: Txn, bearer: UserRecord | GroupRecord, target: Target, bearer_word: str) -> tuple[str, ...] | None:
    """Count one attachment more; return the ids that the bearer has then, or None where nothing changes."""
    if not target.id or directory.policy(txn, target.id) is None:
        raise NOT_ATTACHABLE.error(arn=target.arn)
    if target.id in bearer.attached:
        return None
    if len(bearer.attached) >= ATTACHED_POLICIES_MAX:
        raise LIMIT_EXCEEDED.error(quota=f"PoliciesPer{bearer_word}", limit=ATTACHED_POLICIES_MAX)
    _count(txn, target.id, bearer.account, 1)
    directory.changed(txn)
    return (*bearer.attached, target.id)


def _detached(txn: Txn, bearer: UserRecord | GroupRecord, target: Target) -> tuple[str, ...]:
    if target.id not in bearer.attached:
        raise NO_SUCH_POLICY.error(arn=target.arn)
    _count(txn, target.id, bearer.account, -1)
    directory.changed(txn)
    return tuple(other for other in bearer.attached if other != target.id)


def _count(txn: Txn, policy_id: str, account: str, change: int) -> None:
    """Count attachments: of an account's policy in its record, of one of AWS's in the account's."""
    if policy_id in built_in_policies.RECORDS:
        owner = directory.require_account(txn, account)
        counts = dict(owner.built_in)
        counts[policy_id] = counts.get(policy_id, 0) + change
        built_in = tuple((other, count) for other, count in counts.items() if count)
        directory.put_account(txn, account, msgspec.structs.replace(owner, built_in=built_in))
    else:
        record = directory.policy(txn, policy_id)
        assert record is not None, policy_id
        record = msgspec.structs.replace(record, attachments=record.attachments + change)
        directory.put_policy(txn, policy_id, record)


def _attachments(txn: ReadTxn, policy_id: str, record: PolicyRecord, account: str) -> int:
    """Return how often a policy is attached in an account."""
    if record.account != built_in_policies.ACCOUNT:
        return record.attachments
    owner = directory.account(txn, account)
    return dict(owner.built_in).get(policy_id, 0) if owner is not None else 0


def _shown(policy_id: str, record: PolicyRecord) -> ManagedPolicy:
    return ManagedPolicy(
        account=record.account,
        name=record.name,
        policy_id=policy_id,
        path=record.path,
        create_ms=record.create_ms,
        update_ms=record.update_ms,
        attachment_count=record.attachments,
        default_version_id=f"v{record.default}",
    )

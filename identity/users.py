"""Users: who acts in an account. Unique by name without regard to case, and by an id that is never used again.

Pure functions of a transaction. Promises IAM's order of deletion (`DeleteConflict`): a user goes only after his access
keys, groups and policies, so that nothing that grants is left without a bearer.
"""

import msgspec

from cumulo.identity import directory, keys, names
from cumulo.identity.errors import DELETE_CONFLICT, ENTITY_ALREADY_EXISTS, LIMIT_EXCEEDED
from cumulo.identity.keys import UserRecord
from cumulo.identity.model import Listed, Stamped, Target
from cumulo.identity.principal_model import root_arn
from cumulo.identity.user_model import (
    USERS_PER_ACCOUNT_MAX,
    CreateUser,
    DeleteUser,
    GetUser,
    ListUsers,
    UpdateUser,
    User,
)
from cumulo.storage import tuples
from cumulo.storage.engine import ReadTxn, Txn


def create(txn: Txn, stamped: Stamped[CreateUser]) -> User:
    """Make a user without any permission; raises `EntityAlreadyExists`, `LimitExceeded`."""
    request, account, user_id = stamped.request, stamped.account, stamped.new_id
    owner = directory.require_account(txn, account)
    name_key = keys.row(keys.USER_NAMES, account, keys.fold(request.name))
    if txn.get(name_key) is not None:
        raise ENTITY_ALREADY_EXISTS.error(what="User", name=request.name)
    if owner.users >= USERS_PER_ACCOUNT_MAX:
        raise LIMIT_EXCEEDED.error(quota="UsersPerAccount", limit=USERS_PER_ACCOUNT_MAX)
    record = UserRecord(
        account=account, name=request.name, path=request.path, create_ms=stamped.now_ms, tags=request.tags
    )
    assert directory.user(txn, user_id) is None, "80 random bits came twice"
    txn.put(name_key, user_id.encode())
    directory.put_user(txn, user_id, record)
    directory.put_account(txn, account, msgspec.structs.replace(owner, users=owner.users + 1))
    directory.changed(txn)
    return shown(user_id, record)


def get(txn: ReadTxn, stamped: Stamped[GetUser]) -> User:
    """Return a user and the names of his groups, or the root as IAM shows it; raises `NoSuchEntity`."""
    target = stamped.the_user
    if target.is_root:
        account = directory.require_account(txn, target.account)
        return User(target.account, "", target.id, "/", account.create_ms)
    record = directory.require_user(txn, target)
    groups = [group.name for group_id in record.groups if (group := directory.group(txn, group_id)) is not None]
    named = tuple(sorted(groups, key=keys.fold))
    return msgspec.structs.replace(shown(target.id, record), groups=named, tags=record.tags)


def list_users(txn: ReadTxn, stamped: Stamped[ListUsers]) -> Listed[User]:
    """Return a page of users in order of their names. A page that filters by path may hold fewer, even none."""
    page = stamped.the_page
    prefix = keys.row(keys.USER_NAMES, stamped.account)
    after = keys.row(keys.USER_NAMES, stamped.account, page.after) if page.after else b""
    rows = directory.rows_after(txn, prefix, after, page.size + 1)
    found = []
    for _, user_id in rows[: page.size]:
        record = directory.user(txn, user_id.decode())
        assert record is not None
        if record.path.startswith(stamped.request.path_prefix):
            found.append(shown(user_id.decode(), record))
    last = str(tuples.decode(rows[page.size - 1][0][len(keys.USER_NAMES) :])[1]) if len(rows) > page.size else ""
    return Listed(tuple(found), last)


def update(txn: Txn, stamped: Stamped[UpdateUser]) -> None:
    """Give a user another name or path; raises `NoSuchEntity`, `EntityAlreadyExists`. He stays who he is by his id."""
    request, target = stamped.request, stamped.the_user
    record = directory.require_user(txn, target)
    changed = msgspec.structs.replace(
        record, name=request.new_name or record.name, path=request.new_path or record.path
    )
    directory.rename(txn, names.USER, target, changed.name)
    for group_id in record.groups:  # members stand in order of their names
        txn.delete(keys.row(keys.MEMBERS, group_id, keys.fold(record.name)))
        txn.put(keys.row(keys.MEMBERS, group_id, keys.fold(changed.name)), target.id.encode())
    directory.put_user(txn, target.id, changed)
    directory.changed(txn)


def delete(txn: Txn, stamped: Stamped[DeleteUser]) -> None:
    """Remove a user who has nothing any more; raises `NoSuchEntity`, `DeleteConflict`."""
    target = stamped.the_user
    record = directory.require_user(txn, target)
    for things, first in (
        (record.access_keys, "delete access keys"),
        (record.groups, "remove user from groups"),
        (record.attached, "detach all policies"),
        (record.inline, "delete policies"),
    ):
        if things:
            raise DELETE_CONFLICT.error(first=first)
    txn.delete(keys.row(keys.USERS, target.id))
    txn.delete(keys.row(keys.USER_NAMES, record.account, keys.fold(record.name)))
    owner = directory.require_account(txn, record.account)
    directory.put_account(txn, record.account, msgspec.structs.replace(owner, users=owner.users - 1))
    directory.changed(txn)


def shown(user_id: str, record: UserRecord) -> User:
    """Return a user as he is shown, without groups."""
    return User(record.account, record.name, user_id, record.path, record.create_ms)


def caller(txn: ReadTxn, principal_id: str, account: str) -> Target:
    """Return who calls as the target of a request that names nobody."""
    if principal_id == account:
        return Target(account, "", account, root_arn(account))
    record = directory.user(txn, principal_id)
    if record is None:
        return Target(account, principal_id, "", names.arn(names.USER, account, "/", principal_id))
    arn = names.arn(names.USER, account, record.path, record.name)
    return Target(account, record.name, principal_id, arn, record.tags)

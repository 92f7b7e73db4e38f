"""Groups: sets of users who all have the group's policies. A group is never a principal.

Pure functions of a transaction. Promises that membership stands on both sides, in the user's record and in the group's
subspace, and changes there in one commit.
"""

import msgspec

from cumulo.identity import directory, keys, names, users
from cumulo.identity.errors import DELETE_CONFLICT, ENTITY_ALREADY_EXISTS, LIMIT_EXCEEDED, NOT_A_MEMBER
from cumulo.identity.group_model import (
    GROUPS_PER_ACCOUNT_MAX,
    AddUserToGroup,
    CreateGroup,
    DeleteGroup,
    GetGroup,
    Group,
    GroupMembers,
    ListGroups,
    RemoveUserFromGroup,
    UpdateGroup,
)
from cumulo.identity.keys import GroupRecord
from cumulo.identity.model import Listed, Stamped
from cumulo.identity.user_model import GROUPS_PER_USER_MAX, ListGroupsForUser
from cumulo.storage import tuples
from cumulo.storage.engine import ReadTxn, Txn


def create(txn: Txn, stamped: Stamped[CreateGroup]) -> Group:
    """Make a group; raises `EntityAlreadyExists`, `LimitExceeded`."""
    request, account, group_id = stamped.request, stamped.account, stamped.new_id
    owner = directory.require_account(txn, account)
    name_key = keys.row(keys.GROUP_NAMES, account, keys.fold(request.name))
    if txn.get(name_key) is not None:
        raise ENTITY_ALREADY_EXISTS.error(what="Group", name=request.name)
    if owner.groups >= GROUPS_PER_ACCOUNT_MAX:
        raise LIMIT_EXCEEDED.error(quota="GroupsPerAccount", limit=GROUPS_PER_ACCOUNT_MAX)
    record = GroupRecord(account=account, name=request.name, path=request.path, create_ms=stamped.now_ms)
    txn.put(name_key, group_id.encode())
    directory.put_group(txn, group_id, record)
    directory.put_account(txn, account, msgspec.structs.replace(owner, groups=owner.groups + 1))
    directory.changed(txn)
    return shown(group_id, record)


def get(txn: ReadTxn, stamped: Stamped[GetGroup]) -> GroupMembers:
    """Return a group and a page of its users in order of their names; raises `NoSuchEntity`."""
    target, page = stamped.the_group, stamped.the_page
    record = directory.require_group(txn, target)
    prefix = keys.row(keys.MEMBERS, target.id)
    after = keys.row(keys.MEMBERS, target.id, page.after) if page.after else b""
    rows = directory.rows_after(txn, prefix, after, page.size + 1)
    found = []
    for _, user_id in rows[: page.size]:
        user = directory.user(txn, user_id.decode())
        assert user is not None
        found.append(users.shown(user_id.decode(), user))
    last = keys.fold(found[-1].name) if len(rows) > page.size else ""
    return GroupMembers(shown(target.id, record), Listed(tuple(found), last))


def list_groups(txn: ReadTxn, stamped: Stamped[ListGroups]) -> Listed[Group]:
    """Return a page of groups in order of their names. A page that filters by path may hold fewer, even none."""
    page = stamped.the_page
    prefix = keys.row(keys.GROUP_NAMES, stamped.account)
    after = keys.row(keys.GROUP_NAMES, stamped.account, page.after) if page.after else b""
    rows = directory.rows_after(txn, prefix, after, page.size + 1)
    found = []
    for _, group_id in rows[: page.size]:
        record = directory.group(txn, group_id.decode())
        assert record is not None
        if record.path.startswith(stamped.request.path_prefix):
            found.append(shown(group_id.decode(), record))
    last = str(tuples.decode(rows[page.size - 1][0][len(keys.GROUP_NAMES) :])[1]) if len(rows) > page.size else ""
    return Listed(tuple(found), last)


def list_for_user(txn: ReadTxn, stamped: Stamped[ListGroupsForUser]) -> Listed[Group]:
    """Return a page of a user's groups in order of their names; raises `NoSuchEntity`."""
    user, page = directory.require_user(txn, stamped.the_user), stamped.the_page
    found = {}
    for group_id in user.groups:
        record = directory.group(txn, group_id)
        assert record is not None, group_id
        found[keys.fold(record.name)] = shown(group_id, record)
    rest = sorted(name for name in found if name > page.after)
    taken = rest[: page.size]
    return Listed(tuple(found[name] for name in taken), taken[-1] if len(rest) > len(taken) else "")


def update(txn: Txn, stamped: Stamped[UpdateGroup]) -> None:
    """Give a group another name or path; raises `NoSuchEntity`, `EntityAlreadyExists`."""
    request, target = stamped.request, stamped.the_group
    record = directory.require_group(txn, target)
    changed = msgspec.structs.replace(
        record, name=request.new_name or record.name, path=request.new_path or record.path
    )
    directory.rename(txn, names.GROUP, target, changed.name)
    directory.put_group(txn, target.id, changed)
    directory.changed(txn)


def delete(txn: Txn, stamped: Stamped[DeleteGroup]) -> None:
    """Remove a group that has nothing any more; raises `NoSuchEntity`, `DeleteConflict`."""
    target = stamped.the_group
    record = directory.require_group(txn, target)
    if directory.rows_after(txn, keys.row(keys.MEMBERS, target.id), b"", 1):
        raise DELETE_CONFLICT.error(first="remove users from group")
    if record.attached:
        raise DELETE_CONFLICT.error(first="detach all policies")
    if record.inline:
        raise DELETE_CONFLICT.error(first="delete policies")
    txn.delete(keys.row(keys.GROUPS, target.id))
    txn.delete(keys.row(keys.GROUP_NAMES, record.account, keys.fold(record.name)))
    owner = directory.require_account(txn, record.account)
    directory.put_account(txn, record.account, msgspec.structs.replace(owner, groups=owner.groups - 1))
    directory.changed(txn)


def add_user(txn: Txn, stamped: Stamped[AddUserToGroup]) -> None:
    """Put a user into a group; nothing happens where he is in it. Raises `NoSuchEntity`, `LimitExceeded`."""
    directory.require_group(txn, stamped.the_group)
    group_id, user_id = stamped.the_group.id, stamped.the_user.id
    user = directory.require_user(txn, stamped.the_user)
    if group_id in user.groups:
        return
    if len(user.groups) >= GROUPS_PER_USER_MAX:
        raise LIMIT_EXCEEDED.error(quota="GroupsPerUser", limit=GROUPS_PER_USER_MAX)
    txn.put(keys.row(keys.MEMBERS, group_id, keys.fold(user.name)), user_id.encode())
    directory.put_user(txn, user_id, msgspec.structs.replace(user, groups=(*user.groups, group_id)))
    directory.changed(txn)


def remove_user(txn: Txn, stamped: Stamped[RemoveUserFromGroup]) -> None:
    """Take a user out of a group; raises `NoSuchEntity`, also where he is not in it."""
    directory.require_group(txn, stamped.the_group)
    group_id, user_id = stamped.the_group.id, stamped.the_user.id
    user = directory.require_user(txn, stamped.the_user)
    if group_id not in user.groups:
        raise NOT_A_MEMBER.error(user=user.name, group=stamped.the_group.name)
    txn.delete(keys.row(keys.MEMBERS, group_id, keys.fold(user.name)))
    rest = tuple(other for other in user.groups if other != group_id)
    directory.put_user(txn, user_id, msgspec.structs.replace(user, groups=rest))
    directory.changed(txn)


def shown(group_id: str, record: GroupRecord) -> Group:
    """Return a group as it is shown."""
    return Group(record.account, record.name, group_id, record.path, record.create_ms)

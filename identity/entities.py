"""Who has a managed policy: users and groups of an account, found by a look at each of them.

A pure function of a snapshot. Attachments stand with their bearers only, since evaluation reads them from there at each
request and this listing is asked for rarely: a page looks at as many bearers as it may hold and often holds fewer.
"""

from typing import Final

from cumulo.identity import directory, groups, keys, users
from cumulo.identity.group_model import Group
from cumulo.identity.model import Listed, Stamped
from cumulo.identity.policy_model import Entities, ListEntitiesForPolicy
from cumulo.identity.user_model import User
from cumulo.storage import tuples
from cumulo.storage.engine import ReadTxn

_USERS: Final = "user "
_GROUPS: Final = "group "


def list_entities(txn: ReadTxn, stamped: Stamped[ListEntitiesForPolicy]) -> Listed[Entities]:
    """Return a page of the bearers of a policy, one item; raises `NoSuchEntity`."""
    request, page = stamped.request, stamped.the_page
    directory.require_policy(txn, stamped.the_policy)
    found_users: list[User] = []
    found_groups: list[Group] = []
    left, place = page.size, page.after or _USERS
    if request.users and place.startswith(_USERS):
        ids, last = _ids(txn, keys.USER_NAMES, stamped.account, place.removeprefix(_USERS), left)
        for user_id in ids:
            user = directory.user(txn, user_id)
            assert user is not None, user_id
            if stamped.the_policy.id in user.attached and user.path.startswith(request.path_prefix):
                found_users.append(users.shown(user_id, user))
        if last:
            return Listed((Entities(tuple(found_users), ()),), f"{_USERS}{last}")
        left -= len(ids)
    after = place.removeprefix(_GROUPS) if place.startswith(_GROUPS) else ""
    if request.groups and not left:
        return Listed((Entities(tuple(found_users), ()),), _GROUPS)
    if request.groups:
        ids, last = _ids(txn, keys.GROUP_NAMES, stamped.account, after, left)
        for group_id in ids:
            group = directory.group(txn, group_id)
            assert group is not None, group_id
            if stamped.the_policy.id in group.attached and group.path.startswith(request.path_prefix):
                found_groups.append(groups.shown(group_id, group))
        if last:
            return Listed((Entities(tuple(found_users), tuple(found_groups)),), f"{_GROUPS}{last}")
    return Listed((Entities(tuple(found_users), tuple(found_groups)),))


def _ids(txn: ReadTxn, names: bytes, account: str, after: str, limit: int) -> tuple[list[str], str]:
    """Return the next ids in order of their names, and the last name where there are more."""
    start = keys.row(names, account, after) if after else b""
    rows = directory.rows_after(txn, keys.row(names, account), start, limit + 1)
    last = str(tuples.decode(rows[limit - 1][0][len(names) :])[1]) if len(rows) > limit else ""
    return [value.decode() for _, value in rows[:limit]], last

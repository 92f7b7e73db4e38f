"""Inline policies: documents that belong to one user or one group and go with it.

Pure functions of a transaction; documents were parsed and accepted before. The owner's record keeps names and sizes, so
that IAM's limit on their sum costs no read of a document.
"""

from typing import TypeVar

import msgspec

from cumulo.identity import directory, keys
from cumulo.identity.errors import NO_SUCH_ENTITY, POLICIES_TOO_LARGE
from cumulo.identity.keys import GroupRecord, UserRecord
from cumulo.identity.model import Listed, Page, Stamped
from cumulo.identity.policy import counted_size
from cumulo.identity.policy_model import (
    GROUP_INLINE_BYTES_MAX,
    USER_INLINE_BYTES_MAX,
    DeleteGroupPolicy,
    DeleteUserPolicy,
    GetGroupPolicy,
    GetUserPolicy,
    InlinePolicy,
    ListGroupPolicies,
    ListUserPolicies,
    PutGroupPolicy,
    PutUserPolicy,
)
from cumulo.storage.engine import ReadTxn, Txn

Owner = TypeVar("Owner", UserRecord, GroupRecord)


def put_of_user(txn: Txn, stamped: Stamped[PutUserPolicy]) -> None:
    """Write an inline policy of a user; raises `NoSuchEntity`, `LimitExceeded`."""
    target, request = stamped.the_user, stamped.request
    record = _with(directory.require_user(txn, target), request.policy_name, request.document, USER_INLINE_BYTES_MAX)
    directory.put_user(txn, target.id, record)
    txn.put(keys.row(keys.USER_POLICIES, target.id, request.policy_name), request.document.encode())
    directory.changed(txn)


def get_of_user(txn: ReadTxn, stamped: Stamped[GetUserPolicy]) -> InlinePolicy:
    """Return an inline policy of a user; raises `NoSuchEntity`."""
    target, name = stamped.the_user, stamped.request.policy_name
    record = directory.require_user(txn, target)
    return _inline(txn, record, keys.row(keys.USER_POLICIES, target.id, name), name)


def delete_of_user(txn: Txn, stamped: Stamped[DeleteUserPolicy]) -> None:
    """Remove an inline policy of a user; raises `NoSuchEntity`."""
    target, name = stamped.the_user, stamped.request.policy_name
    directory.put_user(txn, target.id, _without(directory.require_user(txn, target), name))
    txn.delete(keys.row(keys.USER_POLICIES, target.id, name))
    directory.changed(txn)


def list_of_user(txn: ReadTxn, stamped: Stamped[ListUserPolicies]) -> Listed[str]:
    """Return a page of the names of a user's inline policies; raises `NoSuchEntity`."""
    return _names(directory.require_user(txn, stamped.the_user), stamped.the_page)


def put_of_group(txn: Txn, stamped: Stamped[PutGroupPolicy]) -> None:
    """Write an inline policy of a group; raises `NoSuchEntity`, `LimitExceeded`."""
    target, request = stamped.the_group, stamped.request
    record = _with(directory.require_group(txn, target), request.policy_name, request.document, GROUP_INLINE_BYTES_MAX)
    directory.put_group(txn, target.id, record)
    txn.put(keys.row(keys.GROUP_POLICIES, target.id, request.policy_name), request.document.encode())
    directory.changed(txn)


def get_of_group(txn: ReadTxn, stamped: Stamped[GetGroupPolicy]) -> InlinePolicy:
    """Return an inline policy of a group; raises `NoSuchEntity`."""
    target, name = stamped.the_group, stamped.request.policy_name
    record = directory.require_group(txn, target)
    return _inline(txn, record, keys.row(keys.GROUP_POLICIES, target.id, name), name)


def delete_of_group(txn: Txn, stamped: Stamped[DeleteGroupPolicy]) -> None:
    """Remove an inline policy of a group; raises `NoSuchEntity`."""
    target, name = stamped.the_group, stamped.request.policy_name
    directory.put_group(txn, target.id, _without(directory.require_group(txn, target), name))
    txn.delete(keys.row(keys.GROUP_POLICIES, target.id, name))
    directory.changed(txn)


def list_of_group(txn: ReadTxn, stamped: Stamped[ListGroupPolicies]) -> Listed[str]:
    """Return a page of the names of a group's inline policies; raises `NoSuchEntity`."""
    return _names(directory.require_group(txn, stamped.the_group), stamped.the_page)


def _with(record: Owner, name: str, document: str, bytes_max: int) -> Owner:
    others: tuple[tuple[str, int], ...] = tuple(pair for pair in record.inline if pair[0] != name)
    size = counted_size(document)
    if size + sum(other for _, other in others) > bytes_max:
        raise POLICIES_TOO_LARGE.error(limit=bytes_max, bearer=_word(record), name=record.name)
    return msgspec.structs.replace(record, inline=(*others, (name, size)))


def _without(record: Owner, name: str) -> Owner:
    others: tuple[tuple[str, int], ...] = tuple(pair for pair in record.inline if pair[0] != name)
    if len(others) == len(record.inline):
        raise _missing(record, name)
    return msgspec.structs.replace(record, inline=others)


def _inline(txn: ReadTxn, record: UserRecord | GroupRecord, key: bytes, name: str) -> InlinePolicy:
    text = txn.get(key)
    if text is None:
        raise _missing(record, name)
    return InlinePolicy(record.account, record.name, name, text.decode())


def _names(record: UserRecord | GroupRecord, page: Page) -> Listed[str]:
    rest = sorted(name for name, _ in record.inline if name > page.after)
    taken = rest[: page.size]
    return Listed(tuple(taken), taken[-1] if len(rest) > len(taken) else "")


def _missing(record: UserRecord | GroupRecord, name: str) -> Exception:
    return NO_SUCH_ENTITY.error(what=f"{_word(record)} policy", name=name)


def _word(record: UserRecord | GroupRecord) -> str:
    return "user" if isinstance(record, UserRecord) else "group"

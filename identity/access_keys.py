"""Access keys: up to two for each user and each root, whose secrets are stored sealed and shown once.

Pure functions of a transaction; secrets come in sealed. Promises that a key that is deleted or turned off ends what was
issued to it, because every look at a credential re-reads its key once the policy epoch has moved.
"""

import msgspec

from cumulo.identity import directory, keys, names
from cumulo.identity.access_key_model import (
    ACCESS_KEYS_PER_USER_MAX,
    AccessKey,
    CreateAccessKey,
    DeleteAccessKey,
    GetAccessKeyLastUsed,
    KeyStatus,
    ListAccessKeys,
    UpdateAccessKey,
)
from cumulo.identity.errors import LIMIT_EXCEEDED, NO_SUCH_ACCESS_KEY
from cumulo.identity.keys import KeyRecord
from cumulo.identity.model import Listed, NewKey, Stamped, Target
from cumulo.identity.principal_model import root_arn
from cumulo.storage.engine import ReadTxn, Txn


def create(txn: Txn, stamped: Stamped[CreateAccessKey]) -> AccessKey:
    """Store a new key of a user or a root; raises `NoSuchEntity`, `LimitExceeded`."""
    assert stamped.new_key is not None
    target = stamped.the_user
    if target.is_root:
        made = add_root_key(txn, target.account, stamped.new_key, stamped.now_ms)
    else:
        record = directory.require_user(txn, target)
        ids = _one_more(record.access_keys, stamped.new_key.access_key_id)
        directory.put_user(txn, target.id, msgspec.structs.replace(record, access_keys=ids))
        made = _store(txn, target, record.name, stamped.new_key, stamped.now_ms)
    directory.changed(txn)
    return made


def add_root_key(txn: Txn, account: str, new_key: NewKey, now_ms: int) -> AccessKey:
    """Store a new key of an account's root; raises `NoSuchEntity`, `LimitExceeded`."""
    record = directory.require_account(txn, account)
    ids = _one_more(record.access_keys, new_key.access_key_id)
    directory.put_account(txn, account, msgspec.structs.replace(record, access_keys=ids))
    return _store(txn, Target(account, "", account, ""), "", new_key, now_ms)


def list_keys(txn: ReadTxn, stamped: Stamped[ListAccessKeys]) -> Listed[AccessKey]:
    """Return a page of a user's or a root's keys in order of their ids; raises `NoSuchEntity`."""
    target, page = stamped.the_user, stamped.the_page
    ids = sorted(_ids(txn, target))
    rest = [key_id for key_id in ids if key_id > page.after]
    found = tuple(_shown(txn, key_id) for key_id in rest[: page.size])
    return Listed(found, found[-1].access_key_id if len(rest) > page.size else "")


def owner(txn: ReadTxn, stamped: Stamped[GetAccessKeyLastUsed]) -> AccessKey:
    """Return a key with its owner's name; raises `NoSuchEntity`."""
    _require(txn, stamped.the_user, stamped.access_key_id)
    return _shown(txn, stamped.access_key_id)


def update(txn: Txn, stamped: Stamped[UpdateAccessKey]) -> AccessKey:
    """Turn a key on or off; raises `NoSuchEntity`."""
    key_id = stamped.access_key_id
    record = _require(txn, stamped.the_user, key_id)
    active = stamped.request.status is KeyStatus.ACTIVE
    if record.active != active:
        directory.put_access_key(txn, key_id, msgspec.structs.replace(record, active=active))
        directory.changed(txn)
    return _shown(txn, key_id)


def delete(txn: Txn, stamped: Stamped[DeleteAccessKey]) -> None:
    """Remove a key and its secret; raises `NoSuchEntity`."""
    key_id, target = stamped.access_key_id, stamped.the_user
    _require(txn, target, key_id)
    ids = tuple(other for other in _ids(txn, target) if other != key_id)
    if target.is_root:
        account = directory.require_account(txn, target.account)
        directory.put_account(txn, target.account, msgspec.structs.replace(account, access_keys=ids))
    else:
        user = directory.require_user(txn, target)
        directory.put_user(txn, target.id, msgspec.structs.replace(user, access_keys=ids))
    txn.delete(keys.row(keys.ACCESS_KEYS, key_id))
    directory.changed(txn)


def _ids(txn: ReadTxn, target: Target) -> tuple[str, ...]:
    if target.is_root:
        return directory.require_account(txn, target.account).access_keys
    return directory.require_user(txn, target).access_keys


def _one_more(ids: tuple[str, ...], new_id: str) -> tuple[str, ...]:
    if len(ids) >= ACCESS_KEYS_PER_USER_MAX:
        raise LIMIT_EXCEEDED.error(quota="AccessKeysPerUser", limit=ACCESS_KEYS_PER_USER_MAX)
    return (*ids, new_id)


def _store(txn: Txn, owner: Target, name: str, new_key: NewKey, now_ms: int) -> AccessKey:
    assert directory.access_key(txn, new_key.access_key_id) is None, "80 random bits came twice"
    record = KeyRecord(account=owner.account, owner=owner.id, create_ms=now_ms, sealed=new_key.sealed)
    directory.put_access_key(txn, new_key.access_key_id, record)
    return AccessKey(owner.account, name, new_key.access_key_id, KeyStatus.ACTIVE, now_ms)


def _require(txn: ReadTxn, owner: Target, key_id: str) -> KeyRecord:
    record = directory.access_key(txn, key_id)
    if record is None or record.owner != owner.id:
        raise NO_SUCH_ACCESS_KEY.error(id=key_id)
    return record


def _shown(txn: ReadTxn, key_id: str) -> AccessKey:
    record = directory.access_key(txn, key_id)
    assert record is not None, key_id
    owner = directory.user(txn, record.owner) if record.owner != record.account else None
    status = KeyStatus.ACTIVE if record.active else KeyStatus.INACTIVE
    return AccessKey(record.account, owner.name if owner is not None else "", key_id, status, record.create_ms)


def owner_of(txn: ReadTxn, key_id: str, own_account: str) -> Target:
    """Return whose key it is; for a key that nobody in the caller's account has, a user who does not exist.

    A key of another account counts as missing: the difference of two errors must not tell that it exists.
    """
    record = directory.access_key(txn, key_id)
    if record is None or record.account != own_account:
        return nobody(key_id, own_account)
    if record.owner == record.account:
        return Target(record.account, "", record.account, root_arn(record.account))
    user = directory.user(txn, record.owner)
    assert user is not None, key_id
    return Target(user.account, user.name, record.owner, names.arn(names.USER, user.account, user.path, user.name))


def nobody(key_id: str, own_account: str) -> Target:
    """Return whose key an unknown id is: a user of the caller's account who does not exist."""
    return Target(own_account, key_id, "", names.arn(names.USER, own_account, "/", "*"))

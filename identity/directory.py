"""Who exists: look-ups that every concept shares, and the policy epoch.

Promises that a change to who exists or what they may do is not made without `changed`, which bumps the epoch in the
same commit: whoever remembers a decision compares it and is never out of date by more than the request at hand. Pure
functions of a transaction; knows no credentials and takes no decisions.
"""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from cumulo.core.errors import ServiceError
from cumulo.identity import built_in_policies, keys, names
from cumulo.identity.errors import ENTITY_ALREADY_EXISTS, NO_SUCH_ENTITY, NO_SUCH_POLICY
from cumulo.identity.keys import AccountRecord, GroupRecord, KeyRecord, PolicyRecord, UserRecord
from cumulo.identity.model import Target
from cumulo.identity.names import Kind, Named
from cumulo.identity.principal_model import root_arn
from cumulo.storage import records, tuples
from cumulo.storage.engine import ReadTxn, Row, Txn

S = TypeVar("S", bound=records.Record)


def epoch(txn: ReadTxn, _: None) -> bytes | None:
    """Return the policy epoch as stored; only ever compared."""
    return txn.get(keys.EPOCH)


def changed(txn: Txn) -> None:
    """Bump the policy epoch in this commit."""
    now = txn.get(keys.EPOCH)
    txn.put(keys.EPOCH, tuples.u64(1 if now is None else int.from_bytes(now, "big") + 1))


def _record(txn: ReadTxn, key: bytes, decoder: "msgspec.msgpack.Decoder[S]") -> S | None:
    stored = txn.get(key)
    return None if stored is None else decoder.decode(stored)


def account(txn: ReadTxn, number: str) -> AccountRecord | None:
    """Return an account."""
    return _record(txn, keys.row(keys.ACCOUNTS, number), keys.accounts)


def user(txn: ReadTxn, user_id: str) -> UserRecord | None:
    """Return a user by id."""
    return _record(txn, keys.row(keys.USERS, user_id), keys.users)


def group(txn: ReadTxn, group_id: str) -> GroupRecord | None:
    """Return a group by id."""
    return _record(txn, keys.row(keys.GROUPS, group_id), keys.groups)


def policy(txn: ReadTxn, policy_id: str) -> PolicyRecord | None:
    """Return a managed policy by id, one of the account's or one of AWS's."""
    built_in = built_in_policies.RECORDS.get(policy_id)
    if built_in is not None:
        return built_in
    return _record(txn, keys.row(keys.POLICIES, policy_id), keys.policies)


def access_key(txn: ReadTxn, access_key_id: str) -> KeyRecord | None:
    """Return an access key."""
    return _record(txn, keys.row(keys.ACCESS_KEYS, access_key_id), keys.access_keys)


def put_account(txn: Txn, number: str, record: AccountRecord) -> None:
    """Write an account."""
    txn.put(keys.row(keys.ACCOUNTS, number), records.encode(record))


def put_user(txn: Txn, user_id: str, record: UserRecord) -> None:
    """Write a user."""
    txn.put(keys.row(keys.USERS, user_id), records.encode(record))


def put_group(txn: Txn, group_id: str, record: GroupRecord) -> None:
    """Write a group."""
    txn.put(keys.row(keys.GROUPS, group_id), records.encode(record))


def put_policy(txn: Txn, policy_id: str, record: PolicyRecord) -> None:
    """Write a managed policy."""
    txn.put(keys.row(keys.POLICIES, policy_id), records.encode(record))


def put_access_key(txn: Txn, access_key_id: str, record: KeyRecord) -> None:
    """Write an access key."""
    txn.put(keys.row(keys.ACCESS_KEYS, access_key_id), records.encode(record))


_NAMES = {names.USER: keys.USER_NAMES, names.GROUP: keys.GROUP_NAMES, names.POLICY: keys.POLICY_NAMES}
_BY_ID: dict[Kind, Callable[[ReadTxn, str], UserRecord | GroupRecord | PolicyRecord | None]] = {
    names.USER: user,
    names.GROUP: group,
    names.POLICY: policy,
}


def id_of(txn: ReadTxn, kind: Kind, number: str, name: str) -> str:
    """Return the id behind a name of account `number`, or an empty text."""
    if number == built_in_policies.ACCOUNT:
        return built_in_policies.IDS.get(name, "")
    found = txn.get(keys.row(_NAMES[kind], number, keys.fold(name)))
    return "" if found is None else found.decode()


def find(txn: ReadTxn, kind: Kind, named: Named) -> Target:
    """Return what a request names; where it is missing, the ARN that it would have."""
    if named.is_root:
        known = account(txn, named.account) is not None
        return Target(named.account, "", named.account if known else "", root_arn(named.account))
    found_id = id_of(txn, kind, named.account, named.name)
    record = _BY_ID[kind](txn, found_id) if found_id else None
    if record is None or named.path not in (None, record.path):
        path = named.path or "/"
        return Target(named.account, named.name, "", names.arn(kind, named.account, path, named.name))
    arn = names.arn(kind, named.account, record.path, record.name)
    return Target(named.account, record.name, found_id, arn, () if isinstance(record, GroupRecord) else record.tags)


def rename(txn: Txn, kind: Kind, target: Target, new_name: str) -> None:
    """Let another name lead to a user or group; raises `EntityAlreadyExists`."""
    old, new = (keys.row(_NAMES[kind], target.account, keys.fold(name)) for name in (target.name, new_name))
    if old == new:
        return
    if txn.get(new) is not None:
        raise ENTITY_ALREADY_EXISTS.error(what=kind.word.capitalize(), name=new_name)
    txn.delete(old)
    txn.put(new, target.id.encode())


def missing(kind: Kind, target: Target) -> ServiceError:
    """Return the error of a thing that does not exist."""
    if kind is names.POLICY:
        return NO_SUCH_POLICY.error(arn=target.arn)
    return NO_SUCH_ENTITY.error(what=kind.word, name=target.name or target.arn)


def require_user(txn: ReadTxn, target: Target) -> UserRecord:
    """Return the very user that was authorised; raises `NoSuchEntity`."""
    record = user(txn, target.id) if target.id else None
    if record is None:
        raise missing(names.USER, target)
    return record


def require_group(txn: ReadTxn, target: Target) -> GroupRecord:
    """Return the very group that was authorised; raises `NoSuchEntity`."""
    record = group(txn, target.id) if target.id else None
    if record is None:
        raise missing(names.GROUP, target)
    return record


def require_policy(txn: ReadTxn, target: Target) -> PolicyRecord:
    """Return the very policy that was authorised; raises `NoSuchEntity`."""
    record = policy(txn, target.id) if target.id else None
    if record is None:
        raise missing(names.POLICY, target)
    return record


def require_account(txn: ReadTxn, number: str) -> AccountRecord:
    """Return an account; raises `NoSuchEntity`."""
    record = account(txn, number)
    if record is None:
        raise NO_SUCH_ENTITY.error(what="account", name=number)
    return record


def rows_after(txn: ReadTxn, prefix: bytes, after: bytes, limit: int) -> list[Row]:
    """Return at most `limit` rows under `prefix`, those behind the key `after` (empty: from the start)."""
    return txn.range(after + b"\x00" if after else prefix, tuples.after(prefix), limit)

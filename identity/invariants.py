"""Every fact that must hold on disk for identity; run after tests and by `cumulo check`.

Reads each subspace once, in pages, and compares in memory, so that it stays within one function's operations for any
directory that IAM's quotas allow. Opens no secret: it needs no server key.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from cumulo.core.names import FIRST_ACCOUNT
from cumulo.identity import access_key_model, built_in_policies, keys, policy_model, principal_model
from cumulo.identity.policy import MalformedPolicy, PolicyKind, counted_size, read_policy
from cumulo.storage import tuples
from cumulo.storage.engine import ReadTxn, rows_under


def check(txn: ReadTxn) -> list[str]:
    """Return what is wrong, in words; an empty list where all is well. An engine that was never started has nothing."""
    accounts = {key[0]: keys.accounts.decode(value) for key, value in _rows(txn, keys.ACCOUNTS)}
    users = {key[0]: keys.users.decode(value) for key, value in _rows(txn, keys.USERS)}
    groups = {key[0]: keys.groups.decode(value) for key, value in _rows(txn, keys.GROUPS)}
    policies = {key[0]: keys.policies.decode(value) for key, value in _rows(txn, keys.POLICIES)}
    access_keys = {key[0]: keys.access_keys.decode(value) for key, value in _rows(txn, keys.ACCESS_KEYS)}
    if not any((accounts, users, groups, policies, access_keys)):
        return []
    problems = [] if FIRST_ACCOUNT in accounts else [f"the first account {FIRST_ACCOUNT} is missing"]
    problems += _owners(txn, accounts)
    problems += _names(txn, keys.USER_NAMES, "user", users)
    problems += _names(txn, keys.GROUP_NAMES, "group", groups)
    problems += _names(txn, keys.POLICY_NAMES, "policy", policies)
    problems += _counts(accounts, users, groups, policies)
    problems += _keys(accounts, users, access_keys)
    problems += _members(txn, users, groups)
    problems += _attachments(users, groups, policies)
    problems += _built_in(accounts, users, groups)
    problems += _documents(txn, policies)
    problems += _versions(txn, policies)
    problems += _inline(txn, keys.USER_POLICIES, "user", users, policy_model.USER_INLINE_BYTES_MAX)
    problems += _inline(txn, keys.GROUP_POLICIES, "group", groups, policy_model.GROUP_INLINE_BYTES_MAX)
    problems += _signing_keys(txn)
    return problems


def _rows(txn: ReadTxn, subspace: bytes) -> Iterator[tuple[tuple[str, ...], bytes]]:
    for key, value in rows_under(txn, subspace):
        yield tuple(str(element) for element in tuples.decode(key[len(subspace) :])), value


def _owners(txn: ReadTxn, accounts: dict[str, Any]) -> Iterator[str]:
    wanted = {principal_model.canonical_id(number): number for number in accounts}
    if {key[0]: value.decode() for key, value in _rows(txn, keys.CANONICAL_IDS)} != wanted:
        yield "accounts: the index of canonical ids leads elsewhere than to each of them"
    emails = {keys.fold(account.email): number for number, account in accounts.items() if account.email}
    if {key[0]: value.decode() for key, value in _rows(txn, keys.ACCOUNT_EMAILS)} != emails:
        yield "accounts: the index of e-mail addresses leads elsewhere than to those who have one"


def _names(txn: ReadTxn, subspace: bytes, word: str, things: dict[str, Any]) -> Iterator[str]:
    indexed = {value.decode(): key for key, value in _rows(txn, subspace)}
    for thing_id, record in things.items():
        if indexed.pop(thing_id, None) != (record.account, keys.fold(record.name)):
            yield f"{word} {thing_id}: the index does not lead from its name to it"
    for thing_id, key in indexed.items():
        yield f"{word} name {key}: leads to {thing_id}, which does not exist"


def _counts(accounts: dict[str, Any], *kinds: dict[str, Any]) -> Iterator[str]:
    counted = [Counter(record.account for record in things.values()) for things in kinds]
    for number, account in accounts.items():
        found, noted = tuple(count[number] for count in counted), (account.users, account.groups, account.policies)
        if found != noted:
            yield f"account {number}: has {found} users, groups and policies and notes {noted}"
    for number in set().union(*counted) - set(accounts):
        yield f"account {number}: has users, groups or policies and does not exist"


def _keys(accounts: dict[str, Any], users: dict[str, Any], access_keys: dict[str, Any]) -> Iterator[str]:
    owners = {
        key_id: owner for things in (accounts, users) for owner, it in things.items() for key_id in it.access_keys
    }
    for key_id, record in access_keys.items():
        owner = users.get(record.owner)
        account = owner.account if owner is not None else record.owner
        if owners.pop(key_id, None) != record.owner or account != record.account or not record.sealed:
            yield f"access key {key_id}: its owner {record.owner} does not know it"
    for key_id, owner in owners.items():
        yield f"access key {key_id}: {owner} has it and it does not exist"
    for owner, it in (accounts | users).items():
        if len(it.access_keys) > access_key_model.ACCESS_KEYS_PER_USER_MAX:
            yield f"{owner}: {len(it.access_keys)} access keys"


def _members(txn: ReadTxn, users: dict[str, Any], groups: dict[str, Any]) -> Iterator[str]:
    listed = {(key[0], value.decode()): key[1] for key, value in _rows(txn, keys.MEMBERS)}
    for user_id, user in users.items():
        for group_id in user.groups:
            if listed.pop((group_id, user_id), None) != keys.fold(user.name) or group_id not in groups:
                yield f"user {user_id}: is in group {group_id}, which does not know him"
    for group_id, user_id in listed:
        yield f"group {group_id}: has user {user_id}, who does not know it"


def _attachments(users: dict[str, Any], groups: dict[str, Any], policies: dict[str, Any]) -> Iterator[str]:
    attached = Counter(policy_id for things in (users, groups) for it in things.values() for policy_id in it.attached)
    for policy_id in {*attached, *policies} - set(built_in_policies.RECORDS):
        noted = policies[policy_id].attachments if policy_id in policies else None
        if noted != attached[policy_id]:
            yield f"policy {policy_id}: attached {attached[policy_id]} times and notes {noted}"


def _built_in(accounts: dict[str, Any], users: dict[str, Any], groups: dict[str, Any]) -> Iterator[str]:
    attached = Counter(
        (it.account, policy_id)
        for things in (users, groups)
        for it in things.values()
        for policy_id in it.attached
        if policy_id in built_in_policies.RECORDS
    )
    noted = {(number, policy_id): count for number, it in accounts.items() for policy_id, count in it.built_in}
    for number, policy_id in {*attached, *noted}:
        if attached[number, policy_id] != noted.get((number, policy_id)):
            yield f"account {number}: notes another number of attachments of {policy_id} than it has"


def _versions(txn: ReadTxn, policies: dict[str, Any]) -> Iterator[str]:
    documents = {key: value.decode() for key, value in _rows(txn, keys.POLICY_VERSIONS)}
    for policy_id, policy in policies.items():
        numbers = [number for number, _ in policy.versions] or [1]
        if (
            policy.default not in numbers
            or max(numbers) > policy.newest
            or len(numbers) > policy_model.POLICY_VERSIONS_MAX
        ):
            yield f"policy {policy_id}: its versions {numbers} do not fit its default {policy.default}"
        for number in numbers:
            if number == policy.default:
                continue
            text = documents.pop((policy_id, f"v{number}"), None)
            if text is None:
                yield f"policy {policy_id}: the document of version v{number} is missing"
            else:
                yield from _unreadable(f"policy {policy_id}, version v{number}", text)
    for policy_id, version_id in documents:
        yield f"policy {policy_id}: version {version_id} belongs to nothing"


def _documents(txn: ReadTxn, policies: dict[str, Any]) -> Iterator[str]:
    documents = {key[0]: value.decode() for key, value in _rows(txn, keys.POLICY_DOCUMENTS)}
    for policy_id in {*documents, *policies}:
        if policy_id not in documents or policy_id not in policies:
            yield f"policy {policy_id}: record and document do not stand together"
        else:
            yield from _unreadable(f"policy {policy_id}", documents[policy_id])


def _inline(txn: ReadTxn, subspace: bytes, word: str, owners: dict[str, Any], bytes_max: int) -> Iterator[str]:
    documents = {key: value.decode() for key, value in _rows(txn, subspace)}
    for owner_id, owner in owners.items():
        for name, size in owner.inline:
            text = documents.pop((owner_id, name), None)
            if text is None or counted_size(text) != size:
                yield f"{word} {owner_id}: inline policy {name} is missing or not of {size} bytes"
            else:
                yield from _unreadable(f"{word} {owner_id}, inline policy {name}", text)
        if sum(size for _, size in owner.inline) > bytes_max:
            yield f"{word} {owner_id}: inline policies of more than {bytes_max} bytes"
    for owner_id, name in documents:
        yield f"{word} {owner_id}: inline policy {name} belongs to nobody"


def _unreadable(where: str, text: str) -> Iterator[str]:
    try:
        read_policy(text, PolicyKind.IDENTITY)
    except MalformedPolicy as malformed:
        yield f"{where}: its document cannot be read: {malformed}"


def _signing_keys(txn: ReadTxn) -> Iterator[str]:
    current = [key for key, value in _rows(txn, keys.SIGNING_KEYS) if not keys.signing_keys.decode(value).retired]
    if len(current) != 1:
        yield f"{len(current)} signing keys sign; one must"

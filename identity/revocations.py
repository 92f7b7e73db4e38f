"""Revocations: tokens that end before their time, by their id or all of a principal that were issued before a time.

Pure functions of a transaction. Promises that a revocation is kept until the last token that it can mean has ended by
itself, by wall time, and not much longer: the due index removes it.
"""

import msgspec

from cumulo.identity import directory, keys, names
from cumulo.identity.keys import RevocationRecord
from cumulo.identity.model import Stamped
from cumulo.identity.token_model import SESSION_LIFE_S_MAX, Revoked, RevokePrincipalTokens, RevokeToken
from cumulo.storage import records
from cumulo.storage.engine import Due, Txn

DUE_KIND = "identity.revocation"
_LIFE_MS = SESSION_LIFE_S_MAX * 1_000
"""A revocation can mean sessions, which live longest."""


def revoke_token(txn: Txn, stamped: Stamped[RevokeToken]) -> None:
    """Refuse a token from now on."""
    _put(txn, keys.row(keys.REVOKED_TOKENS, stamped.token_id), stamped.now_ms, stamped.deadline_ms, 0)


def revoke_principal(txn: Txn, stamped: Stamped[RevokePrincipalTokens]) -> Revoked:
    """Refuse a principal's tokens that were issued before a time; raises `NoSuchEntity`."""
    target = stamped.the_user
    if target.is_root:
        directory.require_account(txn, target.account)
    elif not target.id or directory.user(txn, target.id) is None:
        raise directory.missing(names.USER, target)
    key = keys.row(keys.REVOKED_PRINCIPALS, target.id)
    stored = txn.get(key)
    # "Now" includes this very millisecond: who signs in again within it has to do so once more.
    before_ms = stamped.request.issued_before_ms or stamped.now_ms + 1
    if stored is not None:  # an earlier revocation is never weakened by a later one
        before_ms = max(before_ms, keys.revocations.decode(stored).issued_before_ms)
    _put(txn, key, stamped.now_ms, stamped.deadline_ms, before_ms)
    return Revoked(before_ms)


def _put(txn: Txn, key: bytes, now_ms: int, deadline_ms: int, before_ms: int) -> None:
    stored = txn.get(key)
    if stored is not None:
        txn.undue(keys.revocations.decode(stored).due_ms, DUE_KIND, key)
    due_ms = deadline_ms + _LIFE_MS
    txn.put(
        key,
        records.encode(RevocationRecord(until_ms=now_ms + _LIFE_MS, due_ms=due_ms, issued_before_ms=before_ms)),
    )
    txn.due(due_ms, DUE_KIND, key)
    directory.changed(txn)


class Expiry(msgspec.Struct, frozen=True):
    """Revocations whose time has come by the deadline clock."""

    entries: tuple[Due, ...]
    now_ms: int
    deadline_ms: int


def expire(txn: Txn, expiry: Expiry) -> None:
    """Remove revocations that mean no living token any more.

    Tokens end by the wall clock. Where that was set back since, the revocation stays for as long as it was set back.
    """
    for entry in expiry.entries:
        txn.undue(entry.at_ms, entry.kind, entry.key)
        stored = txn.get(entry.key)
        if stored is None:
            continue
        record = keys.revocations.decode(stored)
        if record.due_ms != entry.at_ms:
            continue
        if record.until_ms > expiry.now_ms:
            due_ms = expiry.deadline_ms + record.until_ms - expiry.now_ms
            txn.put(entry.key, records.encode(msgspec.structs.replace(record, due_ms=due_ms)))
            txn.due(due_ms, DUE_KIND, entry.key)
        else:
            txn.delete(entry.key)

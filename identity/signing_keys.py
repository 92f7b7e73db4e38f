"""The keys that sign tokens: made at the first start, stored sealed, rotated every 90 days without breaking a token.

A rotation makes a new key the current one; the old one only verifies and is removed when the longest token that it can
have signed has ended. Both steps are driven by the due index. Pure functions of a transaction.
"""

import msgspec

from cumulo.identity import directory, keys
from cumulo.identity.keys import SigningKeyRecord
from cumulo.identity.model import DAY_MS
from cumulo.identity.sealing import SecretBox
from cumulo.identity.token_model import TOKEN_LIFE_S_MAX
from cumulo.identity.tokens import Signer
from cumulo.storage import records, tuples
from cumulo.storage.engine import ReadTxn, Txn

DUE_KIND = "identity.signing_key"
ROTATION_MS = 90 * DAY_MS
RETIREMENT_MS = TOKEN_LIFE_S_MAX * 1_000
SEED_BYTES = 32
KEY_ID_BYTES = 8
KEYS_MAX = 100
"""Keys that are read at once; rotations within one retirement never come near it."""


class NewSigningKey(msgspec.Struct, frozen=True):
    """A signing key to be stored as the current one; its seed is sealed already."""

    key_id: str
    sealed: bytes
    now_ms: int
    deadline_ms: int


class DueKey(msgspec.Struct, frozen=True):
    """A due entry of a signing key."""

    key: bytes
    due_ms: int


def add(txn: Txn, new: NewSigningKey) -> None:
    """Make a key the current one and retire the one before it."""
    for key, record in _rows(txn):
        if not record.retired:
            txn.undue(record.due_ms, DUE_KIND, key)
            _put(txn, key, msgspec.structs.replace(record, retired=True, due_ms=new.deadline_ms + RETIREMENT_MS))
    key = keys.row(keys.SIGNING_KEYS, new.key_id)
    due_ms = new.deadline_ms + ROTATION_MS
    _put(txn, key, SigningKeyRecord(create_ms=new.now_ms, sealed=new.sealed, due_ms=due_ms))
    directory.changed(txn)


def _put(txn: Txn, key: bytes, record: SigningKeyRecord) -> None:
    txn.put(key, records.encode(record))
    txn.due(record.due_ms, DUE_KIND, key)


def asks_for_rotation(txn: ReadTxn, due: DueKey) -> bool:
    """Say whether a due entry is the planned rotation of the key that signs."""
    stored = txn.get(due.key)
    record = None if stored is None else keys.signing_keys.decode(stored)
    return record is not None and not record.retired and record.due_ms == due.due_ms


def remove(txn: Txn, due: DueKey) -> None:
    """Remove a retired key at its time."""
    txn.undue(due.due_ms, DUE_KIND, due.key)
    stored = txn.get(due.key)
    record = None if stored is None else keys.signing_keys.decode(stored)
    if record is not None and record.retired and record.due_ms <= due.due_ms:
        txn.delete(due.key)
        directory.changed(txn)


def load(txn: ReadTxn, box: SecretBox) -> Signer:
    """Return the signer of all stored keys."""
    seeds: dict[str, bytes] = {}
    current = ""
    for key, record in _rows(txn):
        key_id = str(tuples.decode(key[len(keys.SIGNING_KEYS) :])[0])
        seeds[key_id] = box.open(record.sealed, keys.sealed_for("signing_key", key_id))
        current = current if record.retired else key_id
    assert current, "bootstrap makes the first signing key"
    return Signer(seeds, current)


def _rows(txn: ReadTxn) -> list[tuple[bytes, SigningKeyRecord]]:
    rows = txn.range(keys.SIGNING_KEYS, tuples.after(keys.SIGNING_KEYS), KEYS_MAX)
    return [(key, keys.signing_keys.decode(value)) for key, value in rows]

"""What must hold of the room's rows, whatever happened: asked by `cumulo check` and by the tests."""

from collections.abc import Iterator

from cumulo.key_service import keys, materials
from cumulo.key_service.keys import KeyRecord
from cumulo.key_service.resolving import material_scope
from cumulo.storage.engine import Due, ReadTxn
from cumulo.storage.rewraps import check_walk, is_done
from cumulo.storage.storage_keys import KeyUnreadable, StorageKeys, WrappedKey
from cumulo.storage.tuples import after

PAGE_ROWS = 1_000


def check(txn: ReadTxn, due: list[Due]) -> list[str]:
    """Return every broken fact as a sentence."""
    entries = {(entry.kind, entry.key, entry.at_ms) for entry in due if entry.kind in keys.DUE_KINDS}
    found = check_walk(txn, keys.REWRAPS, due)
    for row, raw in _rows(txn, keys.KEYS):
        key = row[len(keys.KEYS) :]
        record = keys.decode_key(raw)
        name = materials.arn_of(key, record)
        if txn.get(keys.account_prefix(record.account, record.region) + key) is None:
            found.append(f"{name} is not listed")
        if txn.get(keys.material_key(key, record.material)) is None:
            found.append(f"{name} has no material {record.material}")
        for kind, at_ms in ((keys.DELETE, record.delete_due_ms), (keys.ROTATE, record.rotate_due_ms)):
            if at_ms and (kind, row, at_ms) not in entries:
                found.append(f"{name} has no due entry {kind} at {at_ms}")
        if bool(record.delete_due_ms) != bool(record.deletion_ms):
            found.append(f"{name} is to be deleted and is not")
    for row, _ in _rows(txn, keys.MATERIALS):
        key = row[len(keys.MATERIALS) : -keys.NUMBER_BYTES]
        if materials.find_key(txn, key) is None:
            found.append(f"material of key {keys.shown_id(key)}, which does not exist")
    for row, _ in _rows(txn, keys.NAMED):
        key, alias = row[len(keys.NAMED) :][: keys.ID_BYTES], row[len(keys.NAMED) + keys.ID_BYTES :].decode()
        owner = materials.find_key(txn, key)
        if owner is None or _target(txn, owner, alias) != key:
            found.append(f"{alias} does not lead to key {keys.shown_id(key)}, which bears it")
    return found


def check_materials(txn: ReadTxn, storage_keys: StorageKeys) -> list[str]:
    """Return which materials do not open under the storage keys, and which an older one wraps although none should."""
    found, is_walked = [], is_done(txn, keys.REWRAPS.row, storage_keys.current)
    for row, raw in _rows(txn, keys.MATERIALS):
        key, material = row[len(keys.MATERIALS) : -keys.NUMBER_BYTES], keys.decode_material(raw)
        record = materials.find_key(txn, key)
        wrapped = WrappedKey(material.storage_key, material.sealed)
        if record is None:
            continue
        try:
            storage_keys.unwrap(wrapped, material_scope(record.account, key), keys.MATERIALS + key)
        except KeyUnreadable as error:
            found.append(f"a material of {materials.arn_of(key, record)}: {error}")
        else:
            if is_walked and material.storage_key < storage_keys.current:
                old = f"storage key {material.storage_key} wraps it still"
                found.append(f"a material of {materials.arn_of(key, record)}: {old}")
    return found


def _target(txn: ReadTxn, owner: KeyRecord, alias: str) -> bytes:
    raw = txn.get(keys.alias_key(owner.account, owner.region, alias))
    return b"" if raw is None else keys.decode_alias(raw).key


def _rows(txn: ReadTxn, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
    start, end = prefix, after(prefix)
    while rows := list(txn.range(start, end, PAGE_ROWS)):
        yield from rows
        start = rows[-1][0] + b"\x00"

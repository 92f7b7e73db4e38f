"""The lives of keys: made, described, disabled, rotated, deleted, each in one transaction with its due entries.

Owns a key's record and its materials. Promises: a key that is to be deleted is not used meanwhile, and once deleted
leaves nothing that could open what it encrypted; a rotation keeps older materials, so that what they encrypted opens.
"""

from typing import Final

import msgspec

from cumulo.core.errors import ServiceError
from cumulo.key_service import keys, model
from cumulo.key_service.errors import (
    AWS_MANAGED,
    DISABLED,
    INVALID_CIPHERTEXT,
    INVALID_STATE,
    NOT_FOUND,
    ROTATIONS_EXCEEDED,
    TAG,
)
from cumulo.key_service.keys import KeyRecord, MaterialRecord
from cumulo.key_service.stamping import Stamped
from cumulo.storage import records
from cumulo.storage.engine import Due, ReadTxn, Txn
from cumulo.storage.tuples import after

PENDING = "pending deletion"
MATERIALS_AT_ONCE_MAX = 500
"""Of a deleted key; the rest goes with the next delivery of the same entry."""


class Opened(msgspec.Struct, frozen=True):
    """A key with the material that encrypts, or that a ciphertext names."""

    key: bytes
    record: KeyRecord
    number: int
    material: MaterialRecord


def arn_of(key: bytes, record: KeyRecord) -> str:
    """Return a key's ARN."""
    return model.key_arn(record.account, record.region, keys.shown_id(key))


def find_key(txn: ReadTxn, key: bytes) -> KeyRecord | None:
    """Return a key's record, or None."""
    raw = txn.get(keys.KEYS + key)
    return None if raw is None else keys.decode_key(raw)


def existing(txn: ReadTxn, stamped: Stamped) -> KeyRecord:
    """Return the record of the key that a request is about; raises `NotFoundException`."""
    record = find_key(txn, stamped.key)
    if record is None:
        arn = model.key_arn(stamped.account, stamped.region, keys.shown_id(stamped.key))
        raise NOT_FOUND.error(arn=arn)
    return record


def described(key: bytes, record: KeyRecord) -> model.Key:
    """Return a key as callers see it."""
    return model.Key(
        key_id=keys.shown_id(key),
        arn=arn_of(key, record),
        account=record.account,
        create_ms=record.create_ms,
        description=record.description,
        is_enabled=record.is_enabled and not record.deletion_ms,
        is_managed=bool(record.service),
        deletion_ms=record.deletion_ms,
        pending_days=record.pending_days,
        material_id=keys.material_id(key, record.material),
    )


def create_key(txn: Txn, stamped: Stamped) -> model.Key:
    """Make a key; returned without its description, which is too long to be remembered with a request id."""
    request: model.CreateKey = stamped.request
    record = KeyRecord(
        account=stamped.account,
        region=stamped.region,
        create_ms=stamped.wall_ms,
        description=request.description,
        policy=stamped.policy,
        tags=dict(request.tags),
    )
    _write(txn, stamped, record)
    return described(stamped.key, msgspec.structs.replace(record, description=""))


_PROTECTED: Final = {"s3": "objects"}
"""What the key of a service protects, in AWS's words."""


def provide_service_key(txn: Txn, stamped: Stamped) -> bytes:
    """Return the id of the key of a service (`stamped.request`), which is made unless it is there."""
    service: str = stamped.request
    name = model.SERVICE_ALIASES + service
    place = keys.alias_key(stamped.account, stamped.region, name)
    known = txn.get(place)
    if known is not None:
        return keys.decode_alias(known).key
    protected = _PROTECTED.get(service, "data")
    record = KeyRecord(
        account=stamped.account,
        region=stamped.region,
        create_ms=stamped.wall_ms,
        description=f"Default key that protects my {service.upper()} {protected} when no other key is defined",
        policy=stamped.policy,
        service=service,
        rotation_days=model.ROTATION_DAYS_DEFAULT,
        rotate_due_ms=stamped.now_ms + model.ROTATION_DAYS_DEFAULT * model.DAY_MS,
    )
    _write(txn, stamped, record)
    alias = keys.AliasRecord(key=stamped.key, create_ms=stamped.wall_ms, update_ms=stamped.wall_ms)
    txn.put(place, records.encode(alias))
    txn.put(keys.NAMED + stamped.key + name.encode(), b"")
    txn.due(record.rotate_due_ms, keys.ROTATE, keys.KEYS + stamped.key)
    return stamped.key


def _write(txn: Txn, stamped: Stamped, record: KeyRecord) -> None:
    prefix = keys.account_prefix(stamped.account, stamped.region)
    txn.put(keys.KEYS + stamped.key, records.encode(record))
    txn.put(prefix + stamped.key, b"")
    _add_material(txn, stamped, stamped.key, 1, on_demand=False)


def _add_material(txn: Txn, stamped: Stamped, key: bytes, number: int, *, on_demand: bool) -> None:
    fresh = stamped.fresh
    material = MaterialRecord(
        storage_key=fresh.storage_key, sealed=fresh.sealed, create_ms=stamped.wall_ms, on_demand=on_demand
    )
    txn.put(keys.material_key(key, number), records.encode(material))


def describe_key(txn: ReadTxn, stamped: Stamped) -> model.Key:
    """Return a key; raises `NotFoundException`."""
    return described(stamped.key, existing(txn, stamped))


def list_keys(txn: ReadTxn, stamped: Stamped) -> list[model.KeyEntry]:
    """Return a page of keys by id, one more than the page has."""
    prefix = keys.account_prefix(stamped.account, stamped.region)
    rows = txn.range(prefix + stamped.after, after(prefix), stamped.limit + 2)
    found = [key[len(prefix) :] for key, _ in rows]
    page = [key for key in found if key > stamped.after][: stamped.limit + 1]
    return [
        model.KeyEntry(keys.shown_id(key), model.key_arn(stamped.account, stamped.region, keys.shown_id(key)))
        for key in page
    ]


def open_key(txn: ReadTxn, stamped: Stamped) -> Opened:
    """Return a key with what encrypts, or with the material that a ciphertext names (`stamped.material`).

    Raises `NotFoundException`, `DisabledException`, `KMSInvalidStateException`, `InvalidCiphertextException`.
    """
    record = existing(txn, stamped)
    _require_usable(stamped.key, record)
    number = stamped.material or record.material
    raw = txn.get(keys.material_key(stamped.key, number))
    if raw is None:
        raise INVALID_CIPHERTEXT.error()
    return Opened(stamped.key, record, number, keys.decode_material(raw))


def open_both(txn: ReadTxn, stamped: Stamped) -> tuple[Opened, Opened]:
    """Return the key that encrypted and the key that is to encrypt; `stamped.request` begins with what is stamped about
    the former. Raises as `open_key`.
    """
    return open_key(txn, stamped.request[0]), open_key(txn, stamped)


def _require_usable(key: bytes, record: KeyRecord) -> None:
    if record.deletion_ms:
        raise INVALID_STATE.error(arn=arn_of(key, record), state=PENDING)
    if not record.is_enabled:
        raise DISABLED.error(arn=arn_of(key, record))


def _changeable(txn: ReadTxn, stamped: Stamped) -> KeyRecord:
    """Return the record of a key that its owner may change now."""
    record = existing(txn, stamped)
    if record.service:
        raise AWS_MANAGED.error(arn=arn_of(stamped.key, record))
    if record.deletion_ms:
        raise INVALID_STATE.error(arn=arn_of(stamped.key, record), state=PENDING)
    return record


def _put(txn: Txn, stamped: Stamped, record: KeyRecord) -> None:
    txn.put(keys.KEYS + stamped.key, records.encode(record))


def enable_key(txn: Txn, stamped: Stamped) -> None:
    """Enable or disable a key, whichever the request says."""
    is_enabled = isinstance(stamped.request, model.EnableKey)
    _put(txn, stamped, msgspec.structs.replace(_changeable(txn, stamped), is_enabled=is_enabled))


def update_description(txn: Txn, stamped: Stamped) -> None:
    """Describe a key anew."""
    record = _changeable(txn, stamped)
    _put(txn, stamped, msgspec.structs.replace(record, description=stamped.request.description))


def get_policy(txn: ReadTxn, stamped: Stamped) -> str:
    """Return a key's policy as it is stored."""
    return existing(txn, stamped).policy


def put_policy(txn: Txn, stamped: Stamped) -> None:
    """Write a key's policy."""
    _put(txn, stamped, msgspec.structs.replace(_changeable(txn, stamped), policy=stamped.policy))


# Deletion


def schedule_deletion(txn: Txn, stamped: Stamped) -> model.ScheduledDeletion:
    """Have a key deleted later."""
    record = _changeable(txn, stamped)
    pending_ms = stamped.request.pending_days * model.DAY_MS
    _undue_rotation(txn, stamped.key, record)
    record = msgspec.structs.replace(
        record,
        is_enabled=False,
        deletion_ms=stamped.wall_ms + pending_ms,
        delete_due_ms=stamped.now_ms + pending_ms,
        pending_days=stamped.request.pending_days,
        rotate_due_ms=0,
    )
    txn.due(record.delete_due_ms, keys.DELETE, keys.KEYS + stamped.key)
    _put(txn, stamped, record)
    return model.ScheduledDeletion(arn_of(stamped.key, record), record.deletion_ms, record.pending_days)


def cancel_deletion(txn: Txn, stamped: Stamped) -> str:
    """Keep a key after all, disabled; returns its ARN."""
    record = existing(txn, stamped)
    if not record.deletion_ms:
        raise INVALID_STATE.error(arn=arn_of(stamped.key, record), state="not pending deletion")
    txn.undue(record.delete_due_ms, keys.DELETE, keys.KEYS + stamped.key)
    rotate_ms = stamped.now_ms + record.rotation_days * model.DAY_MS if record.rotation_days else 0
    if rotate_ms:
        txn.due(rotate_ms, keys.ROTATE, keys.KEYS + stamped.key)
    _put(
        txn,
        stamped,
        msgspec.structs.replace(record, deletion_ms=0, delete_due_ms=0, pending_days=0, rotate_due_ms=rotate_ms),
    )
    return arn_of(stamped.key, record)


def delete_keys(txn: Txn, entries: tuple[Due, ...]) -> None:
    """Delete the keys whose time has come, their aliases with them."""
    for entry in entries:
        key = entry.key[len(keys.KEYS) :]
        record = find_key(txn, key)
        if record is not None and record.delete_due_ms == entry.at_ms:
            prefix = keys.MATERIALS + key
            if txn.delete_range(prefix, after(prefix), MATERIALS_AT_ONCE_MAX) == MATERIALS_AT_ONCE_MAX:
                continue  # its entry stays
            named = keys.NAMED + key
            for row, _ in txn.range(named, after(named), model.ALIASES_MAX):
                txn.delete(keys.alias_key(record.account, record.region, row[len(named) :].decode()))
                txn.delete(row)
            txn.delete(keys.KEYS + key)
            txn.delete(keys.account_prefix(record.account, record.region) + key)
        drop_due(txn, entry)


# Rotation


def enable_rotation(txn: Txn, stamped: Stamped) -> None:
    """Have a key rotated by itself, the first time after a whole period."""
    record = _changeable(txn, stamped)
    _require_usable(stamped.key, record)
    days = stamped.request.period_days
    _undue_rotation(txn, stamped.key, record)
    rotate_ms = stamped.now_ms + days * model.DAY_MS
    txn.due(rotate_ms, keys.ROTATE, keys.KEYS + stamped.key)
    _put(txn, stamped, msgspec.structs.replace(record, rotation_days=days, rotate_due_ms=rotate_ms))


def disable_rotation(txn: Txn, stamped: Stamped) -> None:
    """Rotate a key no more by itself."""
    record = _changeable(txn, stamped)
    _require_usable(stamped.key, record)
    _undue_rotation(txn, stamped.key, record)
    _put(txn, stamped, msgspec.structs.replace(record, rotation_days=0, rotate_due_ms=0))


def rotation_status(txn: ReadTxn, stamped: Stamped) -> model.RotationStatus:
    """Return whether and when a key is rotated; the time is one of the wall clock, in whole seconds."""
    record = existing(txn, stamped)
    arn = arn_of(stamped.key, record)
    if not record.rotation_days or record.deletion_ms:
        return model.RotationStatus(arn, is_enabled=False)
    # The two clocks are read one after the other, so their distance is not always told alike.
    next_ms = (stamped.wall_ms + record.rotate_due_ms - stamped.now_ms + 500) // 1_000 * 1_000
    return model.RotationStatus(arn, is_enabled=True, period_days=record.rotation_days, next_ms=next_ms)


def rotate_on_demand(txn: Txn, stamped: Stamped) -> str:
    """Give a key new material; returns its ARN. Raises `LimitExceededException`."""
    record = _changeable(txn, stamped)
    _require_usable(stamped.key, record)
    if record.on_demand >= model.ROTATIONS_ON_DEMAND_MAX:
        raise ROTATIONS_EXCEEDED.error(arn=arn_of(stamped.key, record))
    _add_material(txn, stamped, stamped.key, record.material + 1, on_demand=True)
    changed = msgspec.structs.replace(record, material=record.material + 1, on_demand=record.on_demand + 1)
    _put(txn, stamped, changed)
    return arn_of(stamped.key, record)


class DueRotation(msgspec.Struct, frozen=True):
    """The due entry of a rotation, with fresh material and the time."""

    entry: Due
    stamped: Stamped


def rotate_key(txn: Txn, due: DueRotation) -> None:
    """Rotate a key whose time has come, and plan its next rotation."""
    entry, stamped = due.entry, due.stamped
    record = find_key(txn, stamped.key)
    drop_due(txn, entry)
    if record is None or record.rotate_due_ms != entry.at_ms:
        return
    next_ms = max(entry.at_ms, stamped.now_ms) + record.rotation_days * model.DAY_MS
    _add_material(txn, stamped, stamped.key, record.material + 1, on_demand=False)
    _put(txn, stamped, msgspec.structs.replace(record, material=record.material + 1, rotate_due_ms=next_ms))
    txn.due(next_ms, keys.ROTATE, keys.KEYS + stamped.key)


def drop_due(txn: Txn, entry: Due) -> None:
    """Forget a due entry."""
    txn.undue(entry.at_ms, entry.kind, entry.key)


def list_rotations(txn: ReadTxn, stamped: Stamped) -> list[model.Rotation]:
    """Return a page of a key's materials, one more than the page has, the first left out unless it is asked for."""
    record = existing(txn, stamped)
    prefix = keys.MATERIALS + stamped.key
    first = 1 if stamped.request.with_first else 2
    begin = max(first, int.from_bytes(stamped.after, "big") + 1)
    rows = txn.range(keys.material_key(stamped.key, begin), after(prefix), stamped.limit + 1)
    found = []
    for row, raw in rows:
        number, material = int.from_bytes(row[len(prefix) :], "big"), keys.decode_material(raw)
        rotate_ms = 0 if number == 1 else material.create_ms
        is_current = number == record.material
        found.append(model.Rotation(keys.material_id(stamped.key, number), rotate_ms, material.on_demand, is_current))
    return found


def _undue_rotation(txn: Txn, key: bytes, record: KeyRecord) -> None:
    if record.rotate_due_ms:
        txn.undue(record.rotate_due_ms, keys.ROTATE, keys.KEYS + key)


# Tags


def tag_key(txn: Txn, stamped: Stamped) -> None:
    """Set tags of a key; raises `TagException`."""
    record = _changeable(txn, stamped)
    tags = {**record.tags, **stamped.request.tags}
    if len(tags) > model.TAGS_MAX:
        raise too_many_tags()
    _put(txn, stamped, msgspec.structs.replace(record, tags=tags))


def untag_key(txn: Txn, stamped: Stamped) -> None:
    """Remove tags of a key."""
    record = _changeable(txn, stamped)
    kept = {name: value for name, value in record.tags.items() if name not in stamped.request.tag_keys}
    _put(txn, stamped, msgspec.structs.replace(record, tags=kept))


def list_tags(txn: ReadTxn, stamped: Stamped) -> list[tuple[str, str]]:
    """Return a page of a key's tags by name, one more than the page has."""
    tags = sorted(existing(txn, stamped).tags.items())
    return [tag for tag in tags if tag[0] > stamped.after.decode()][: stamped.limit + 1]


def too_many_tags() -> ServiceError:
    """Return the refusal of more tags than a key can have."""
    return TAG.error(reason="Too many tags")

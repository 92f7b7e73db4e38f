"""The schema: what the room keeps in the root partition.

    ("kms", "key") id                       KeyRecord
    ("kms", "material") id number           MaterialRecord, from 1 on
    ("kms", "account", account, region) id  nothing: a listing's order
    ("kms", "alias", account, region, name) AliasRecord
    ("kms", "named") id name                nothing: the aliases of a key
    ("kms", "rewraps")                      storage.rewraps.Walk

`id` is sixteen bytes, a UUID; `number` four. Two due kinds bear `("kms", "key") id`: deletion and rotation of a key; a
third bears `("kms", "rewraps")`.
"""

import uuid
from typing import Final

import msgspec

from cumulo.storage import records, tuples
from cumulo.storage.engine import ROOT
from cumulo.storage.rewraps import Route

KEYS: Final = ROOT + tuples.encode(("kms", "key"))
MATERIALS: Final = ROOT + tuples.encode(("kms", "material"))
NAMED: Final = ROOT + tuples.encode(("kms", "named"))
_ACCOUNTS: Final = ("kms", "account")
_ALIASES: Final = ("kms", "alias")
PARTITIONS: Final = (ROOT,)
ID_BYTES: Final = 16
NUMBER_BYTES: Final = 4

DELETE: Final = "key.delete"
ROTATE: Final = "key.rotate"
REWRAP: Final = "key.rewrap"
DUE_KINDS: Final = (DELETE, ROTATE, REWRAP)
REWRAPS: Final = Route(REWRAP, ROOT + tuples.encode(("kms", "rewraps")))
"""The walk that wraps materials anew."""


class KeyRecord(records.Record, frozen=True):
    """A key. `policy` is as `identity.resource_policy` stores it; `service` is whose key it is (`s3`), empty for a
    caller's. `rotation_days` is 0 where it is not rotated by itself. `deletion_ms` is the wall time at which it is
    deleted, 0: it is not; `delete_due_ms` and `rotate_due_ms` are when the due entries of the two stand, 0 for none.
    `material` is the number that encrypts, `on_demand` how many rotations were asked for.
    """

    account: str = ""
    region: str = ""
    create_ms: int = 0
    description: str = ""
    policy: str = ""
    is_enabled: bool = True
    service: str = ""
    deletion_ms: int = 0
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    rotation_days: int = 0
    material: int = 1
    on_demand: int = 0
    rotate_due_ms: int = 0
    delete_due_ms: int = 0
    pending_days: int = 0


class MaterialRecord(records.Record, frozen=True):
    """What a key encrypts with: 32 random bytes, wrapped under the storage key `storage_key`."""

    storage_key: int = 0
    sealed: bytes = b""
    create_ms: int = 0
    on_demand: bool = False


class AliasRecord(records.Record, frozen=True):
    """Where an alias leads."""

    key: bytes = b""
    create_ms: int = 0
    update_ms: int = 0


_decode_key = records.decoder(KeyRecord).decode
_decode_material = records.decoder(MaterialRecord).decode
_decode_alias = records.decoder(AliasRecord).decode


def decode_key(raw: bytes) -> KeyRecord:
    """Return a key's record."""
    return _decode_key(raw)


def decode_material(raw: bytes) -> MaterialRecord:
    """Return a material's record."""
    return _decode_material(raw)


def decode_alias(raw: bytes) -> AliasRecord:
    """Return an alias's record."""
    return _decode_alias(raw)


def material_key(key: bytes, number: int) -> bytes:
    """Return where a material of a key stands."""
    return MATERIALS + key + number.to_bytes(NUMBER_BYTES, "big")


def account_prefix(account: str, region: str) -> bytes:
    """Return where the keys of an account in a region are listed."""
    return ROOT + tuples.encode((*_ACCOUNTS, account, region))


def aliases_prefix(account: str, region: str) -> bytes:
    """Return where the aliases of an account in a region stand."""
    return ROOT + tuples.encode((*_ALIASES, account, region))


def alias_key(account: str, region: str, name: str) -> bytes:
    """Return where an alias stands."""
    return aliases_prefix(account, region) + name.encode()


def shown_id(key: bytes) -> str:
    """Return a key's id as callers see it."""
    return str(uuid.UUID(bytes=key))


def material_id(key: bytes, number: int) -> str:
    """Return the id of a material: 64 hexadecimal digits, as KMS writes it."""
    return uuid.UUID(bytes=key).hex + number.to_bytes(16, "big").hex()

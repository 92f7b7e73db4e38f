"""The outbox of replication: which versions still have to go to which buckets, in the order of their key's changes.

Promises: a row is written in the commit of the version that it tells of, or of the change of its tags or its access
control list, and it goes in the commit that makes the last replica: nothing is lost, across crashes, too. A version's
record says how far it is: `PENDING` while there is a row, then `COMPLETED` or `FAILED`; a replica is a `REPLICA`, and
goes nowhere. A bucket without rules pays nothing. `replication.py` carries what stands here.
"""

import hashlib
from typing import Final

import msgspec

from cumulo.object_store import keys
from cumulo.object_store.configuration_rows import read_value
from cumulo.object_store.keys import Meta, ObjectRecord, ReplicaRecord
from cumulo.object_store.object_model import REPLICA, REPLICATION_COMPLETED, REPLICATION_FAILED, REPLICATION_PENDING
from cumulo.object_store.replication_rules import KIND, Rules
from cumulo.object_store.stamping import Stamped
from cumulo.storage import records
from cumulo.storage.engine import ReadTxn, Txn

_COMPILED_MAX: Final = 64
_compiled: dict[bytes, Rules] = {}
"""Rules by the digest of their configuration, which tells them wholly: what is remembered is never wrong."""


def digest_of(value: bytes) -> bytes:
    """Return what tells an encoded configuration from others, empty for none."""
    return hashlib.sha256(value).digest()[:16] if value else b""


def rules_of(txn: ReadTxn, partition: bytes, digest: bytes) -> Rules:
    """Return a bucket's rules; `digest` is that of its Meta, and not empty."""
    found = _compiled.get(digest)
    if found is not None:
        return found
    from cumulo.object_store import aws_s3  # noqa: PLC0415 - S3's shapes take their time, and few buckets replicate

    value = read_value(txn, partition, KIND)
    rules = Rules(msgspec.msgpack.decode(value, type=aws_s3.ReplicationConfiguration))
    if len(_compiled) >= _COMPILED_MAX:
        _compiled.clear()
    _compiled[digest] = rules
    return rules


def sent(txn: Txn, stamped: Stamped, meta: Meta, key: str, record: ObjectRecord) -> ObjectRecord:
    """Return the record of a new version, or of a delete marker, as it is to be written, and write where it goes."""
    if not meta.replication or record.replication:
        return record
    rules = rules_of(txn, stamped.partition, meta.replication)
    row = ReplicaRecord(version_id=record.version_id, role=rules.role, ways=rules.ways(key, record))
    return _send(txn, stamped, key, record, row)


def sent_again(txn: Txn, stamped: Stamped, meta: Meta, key: str, record: ObjectRecord) -> ObjectRecord:
    """Likewise of a version whose tags or access control list changed: such a change follows a version that went, and,
    where a rule says so, one that came.
    """
    if not meta.replication or not record.replication:
        return record
    rules = rules_of(txn, stamped.partition, meta.replication)
    stored = txn.get(keys.replica_key(stamped.partition, key, record.body))
    before = None if stored is None else keys.decode_replica(stored)
    row = ReplicaRecord(
        version_id=record.version_id,
        role=rules.role,
        ways=rules.ways(key, record, is_replica=record.replication == REPLICA),
        is_change=record.replication in (REPLICA, REPLICATION_COMPLETED) if before is None else before.is_change,
        revision=0 if before is None else before.revision + 1,
    )
    return _send(txn, stamped, key, record, row)


def _send(txn: Txn, stamped: Stamped, key: str, record: ObjectRecord, row: ReplicaRecord) -> ObjectRecord:
    if not row.ways:
        return record
    row = msgspec.structs.replace(row, wall_ms=stamped.wall_ms)
    txn.put(keys.replica_key(stamped.partition, key, record.body), records.encode(row))
    txn.due(stamped.now_ms, keys.OBJECT_REPLICATE, keys.replica_prefix(stamped.partition, key))
    return with_status(record, REPLICATION_PENDING)


def with_status(record: ObjectRecord, status: str) -> ObjectRecord:
    """Return a record that says how far its replication is; a replica stays one."""
    return record if record.replication == REPLICA else msgspec.structs.replace(record, replication=status)


def arrived(row: ReplicaRecord, bucket: str, *, failed: bool) -> ReplicaRecord:
    """Return a row without the way to a bucket where a version arrived, or never will."""
    ways = [way for way in row.ways if way.bucket != bucket]
    return msgspec.structs.replace(row, ways=ways, attempts=0, has_failed=row.has_failed or failed)


def ended(row: ReplicaRecord) -> str:
    """Return the status of a version that has nowhere left to go."""
    return REPLICATION_FAILED if row.has_failed else REPLICATION_COMPLETED

"""Where the bytes of an object or a part are, inside a transaction: inline, in the blob store, or as parts.

Owns the rows of bodies, their block checksums and their owners. Promises: *bytes first, name last* - a blob is sealed
before its owner row is written in the commit that names it; a body that nobody names any more leaves, in the commit
that dropped it, either nothing or a `blob.delete` entry by which it is collected.
"""

import msgspec

from cumulo.object_store import keys
from cumulo.object_store.encryption_model import Encryption
from cumulo.object_store.keys import ObjectRecord, OwnerRecord, PartRecord
from cumulo.storage import records, tuples
from cumulo.storage.blob_format import split_checksums
from cumulo.storage.blobs import Seal
from cumulo.storage.engine import ReadTxn, Txn
from cumulo.storage.tuples import u64

SEAL_SLICES_MAX = 256
"""More than the slices of any body: 256 of 4,000 blocks are 1 TB."""
FRAME_SLICE_BYTES = 32_000
"""Of what is kept of encrypted frames: 2,000 frames, so a body of 5 GiB has 41 slices."""
FRAME_SLICES_MAX = 256


class NewBody(msgspec.Struct, frozen=True, kw_only=True):
    """A body that was received and verified: its bytes, or the seal of the blob that holds them.

    `checksums` are those that its sender gave, by name. `etag` is the MD5, except where encryption forbids to tell it.
    Of an encrypted body `inline` is what is stored, and `kept` what stands beside it.
    """

    size_bytes: int
    md5: bytes
    crc64nvme: int
    checksums: dict[str, bytes] = {}
    inline: bytes = b""
    seal: Seal | None = None
    etag: bytes
    encryption: Encryption | None = None
    kept: bytes = b""

    @property
    def blob(self) -> int:
        """The blob's id, 0 for an inline body."""
        return 0 if self.seal is None else self.seal.blob_id


def write_body(txn: Txn, partition: bytes, body: int, new: NewBody, *, is_part: bool = False) -> None:
    """Write a body's rows under its number; the call names the root partition where it is a blob.

    What is kept of an encrypted body stands in the record of the object that it alone is inline, else in rows.
    """
    if new.kept and (is_part or new.seal is not None):
        prefix = keys.frames_prefix(partition, body)
        for index, at in enumerate(range(0, len(new.kept), FRAME_SLICE_BYTES)):
            txn.put(prefix + bytes((index,)), new.kept[at : at + FRAME_SLICE_BYTES])
    if new.seal is None:
        if new.inline:
            txn.put(keys.body_key(partition, body), new.inline)
        return
    prefix = keys.seal_prefix(partition, body)
    for index, piece in enumerate(split_checksums(new.seal.checksums)):
        txn.put(prefix + bytes((index,)), piece)
    txn.put(keys.owner_key(new.seal.blob_id), records.encode(OwnerRecord(partition=partition, body=body)))


def read_inline(txn: ReadTxn, partition: bytes, body: int, size_bytes: int) -> bytes:
    """Return the bytes of an inline body that a record names."""
    if not size_bytes:
        return b""
    stored = txn.get(keys.body_key(partition, body))
    assert stored is not None, (partition, body)
    assert len(stored) == size_bytes, (partition, body, len(stored))
    return stored


def read_kept(txn: ReadTxn, partition: bytes, body: int) -> bytes:
    """Return what is kept of an encrypted body in the blob store, or of a part."""
    prefix = keys.frames_prefix(partition, body)
    return b"".join(piece for _, piece in txn.range(prefix, tuples.after(prefix), FRAME_SLICES_MAX))


def read_seal(txn: ReadTxn, partition: bytes, record: ObjectRecord | PartRecord) -> Seal:
    """Return the seal of a body in the blob store."""
    prefix = keys.seal_prefix(partition, record.body)
    slices = txn.range(prefix, tuples.after(prefix), SEAL_SLICES_MAX)
    checksums = b"".join(piece for _, piece in slices)
    return Seal(blob_id=record.blob, size_bytes=record.size_bytes, checksums=checksums)


def discard_body(txn: Txn, partition: bytes, record: ObjectRecord | PartRecord, now_ms: int) -> None:
    """Drop a body in the commit that takes its last name away.

    A blob, and the parts of an object, are left to a `blob.delete` entry: somebody may be reading them.
    """
    if record.blob:
        txn.due(now_ms, keys.BLOB_DELETE, keys.garbage_key(partition, record.body), u64(record.blob))
    elif isinstance(record, ObjectRecord) and record.part_count:
        txn.due(now_ms, keys.BLOB_DELETE, keys.garbage_key(partition, record.body))
    elif isinstance(record, PartRecord):
        discard_inline_part(txn, partition, record)
    elif record.size_bytes:
        removed = txn.delete(keys.body_key(partition, record.body))
        assert removed, (partition, record.body)


def discard_inline_part(txn: Txn, partition: bytes, part: PartRecord) -> None:
    """Remove the rows of a part that is not in the blob store."""
    if part.size_bytes:
        txn.delete(keys.body_key(partition, part.body))
    txn.delete(keys.frames_prefix(partition, part.body) + b"\x00")


def forget_blob(txn: Txn, partition: bytes, body: int, blob: int) -> None:
    """Remove the rows of a blob whose file is gone; the call names the root partition."""
    prefix = keys.seal_prefix(partition, body)
    txn.delete_range(prefix, tuples.after(prefix), SEAL_SLICES_MAX)
    prefix = keys.frames_prefix(partition, body)
    txn.delete_range(prefix, tuples.after(prefix), FRAME_SLICES_MAX)
    txn.delete(keys.owner_key(blob))

"""The rows of a bucket's configuration: a record, and further slices of a long value.

Knows no kind, so that those who act on a configuration may read it without the table of all of them.
"""

from cumulo.object_store import keys
from cumulo.storage.engine import ReadTxn


def read_value(txn: ReadTxn, partition: bytes, kind: str) -> bytes:
    """Return the encoded value of a configuration, empty where there is none."""
    stored = txn.get(keys.configuration_key(partition, kind))
    return b"" if stored is None else whole_value(txn, partition, kind, "", stored)


def whole_value(txn: ReadTxn, partition: bytes, kind: str, id_: str, stored: bytes) -> bytes:
    """Return the encoded value of a configuration whose record is here."""
    record = keys.decode_configuration(stored)
    value = record.value
    for index in range(record.slices):
        more = txn.get(keys.slice_key(partition, kind, id_, index))
        assert more is not None, (kind, id_, index)
        value += more
    return value

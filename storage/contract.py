"""The port's limits as code, and the rows of the due index: what both engines share so that they refuse the same
things.

Owns the checks and the due entry's key; knows no engine.
"""

from cumulo.storage import tuples
from cumulo.storage.engine import (
    FUNCTION_BYTES_MAX,
    FUNCTION_OPERATIONS_MAX,
    KEY_BYTES_MAX,
    PARTITION_BYTES,
    VALUE_BYTES_MAX,
    ContractBroken,
    Due,
    Partitions,
)

DUE_PREFIX = b"\xff" * PARTITION_BYTES
"""A prefix that no partition counter reaches; the due index lies under it, in time order."""

_ROWS_PER_OPERATION = 100


class Meter:
    """Counts what one function does and stops it at the contract's limits."""

    __slots__ = ("bytes", "operations", "partitions", "writes")

    def __init__(self, partitions: Partitions) -> None:
        self.partitions = partitions
        self.operations = 0
        self.writes = 0
        self.bytes = 0

    def key(self, key: bytes) -> None:
        """Count an operation on `key`; it must be short enough and lie in a partition of the call."""
        self.operations += 1
        if key[:PARTITION_BYTES] not in self.partitions:
            raise ContractBroken(f"key {key[:40]!r} lies in no partition of the call")
        if len(key) > KEY_BYTES_MAX:
            raise ContractBroken(f"key of {len(key)} bytes; at most {KEY_BYTES_MAX}")
        if self.operations > FUNCTION_OPERATIONS_MAX:
            raise ContractBroken(f"more than {FUNCTION_OPERATIONS_MAX} operations in one function")

    def write(self, key: bytes, value: bytes) -> None:
        """Count a write."""
        self.key(key)
        self.writes += 1
        if len(value) > VALUE_BYTES_MAX:
            raise ContractBroken(f"value of {len(value)} bytes; at most {VALUE_BYTES_MAX}")
        self.bytes += len(key) + len(value)
        if self.bytes > FUNCTION_BYTES_MAX:
            raise ContractBroken(f"more than {FUNCTION_BYTES_MAX} bytes written by one function")

    def rows(self, count: int) -> None:
        """Count the rows that a range returned beyond its first hundred."""
        self.operations += count // _ROWS_PER_OPERATION


def due_key(at_ms: int, kind: str, key: bytes) -> bytes:
    """Return the key of a due entry: time first, then kind and key, so that a scan from the start finds what is due."""
    return DUE_PREFIX + tuples.u64(at_ms) + kind.encode() + b"\x00" + key


def parse_due(row_key: bytes, payload: bytes) -> Due:
    """Return the entry stored under `row_key`."""
    kind, _, key = row_key[16:].partition(b"\x00")
    return Due(int.from_bytes(row_key[8:16], "big"), kind.decode(), key, payload)


def due_range(until_ms: int) -> tuple[bytes, bytes]:
    """Return the range of all entries due at or before `until_ms`."""
    return DUE_PREFIX, DUE_PREFIX + tuples.u64(until_ms + 1)

"""What must hold in every engine, whatever the rooms store: counters, the clock's record, the due index.

Owns the storage room's invariants; each service room has its own `invariants.py`. Reads in pages of one snapshot each;
exact while nothing writes, and free of false alarms of its own making otherwise.
"""

import msgspec

from cumulo.storage import clock_record, tuples
from cumulo.storage.contract import DUE_PREFIX, parse_due
from cumulo.storage.engine import PARTITION_BYTES, ROOT, Engine, ReadTxn, Row

PAGE_ROWS = 1_000

_COUNTERS = ROOT + b"counter/"


class _Page(msgspec.Struct, frozen=True):
    start: bytes
    end: bytes


def _read(txn: ReadTxn, page: _Page) -> list[Row]:
    return txn.range(page.start, page.end, PAGE_ROWS)


async def check(engine: Engine) -> list[str]:
    """Return every problem found, each a sentence that names what it is about; empty where all is well."""
    problems: list[str] = []
    start = DUE_PREFIX
    while due := await engine.read((DUE_PREFIX,), _read, _Page(start, DUE_PREFIX + b"\xff")):
        # The counters after the page: a partition made meanwhile has then been counted.
        partitions_end = await _counters(engine, problems if start == DUE_PREFIX else [])
        for row_key, payload in due:
            problems += _check_due(row_key, payload, partitions_end)
        start = due[-1][0] + b"\x00"
    if start == DUE_PREFIX:
        await _counters(engine, problems)
    recorded_ms = await clock_record.load(engine)
    if recorded_ms >= 1 << 62:
        problems.append(f"the recorded deadline clock stands at {recorded_ms} ms")
    return problems


async def _counters(engine: Engine, problems: list[str]) -> int:
    """Check the counters and return the first partition number that was never given."""
    partitions_end = 1
    for key, value in await engine.read((ROOT,), _read, _Page(_COUNTERS, tuples.after(_COUNTERS))):
        name = key[len(_COUNTERS) :].decode("utf-8", "backslashreplace")
        count = int.from_bytes(value, "big")
        if len(value) != 8 or not 1 <= count < 1 << 63:
            problems.append(f"counter {name} holds {value.hex()}")
        elif name == "partition":
            partitions_end = count
    return partitions_end


def _check_due(row_key: bytes, payload: bytes, partitions_end: int) -> list[str]:
    try:
        entry = parse_due(row_key, payload)
    except ValueError:
        return [f"due entry {row_key.hex()} cannot be read"]
    where = f"due entry {entry.kind} at {entry.at_ms} ms"
    if not entry.kind or entry.at_ms >= 1 << 62:
        return [f"{where} has an impossible kind or time"]
    partition = int.from_bytes(entry.key[:PARTITION_BYTES], "big")
    if len(entry.key) < PARTITION_BYTES or not 0 <= partition < partitions_end:
        return [f"{where} is about {entry.key[:40].hex()}, in a partition that was never made"]
    return []

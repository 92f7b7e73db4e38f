"""Compares a data folder with the ack logs of those who worked on it: what was acknowledged is there, nothing is torn.

Knows the items of `engine_work`.
"""

import hashlib
from pathlib import Path
from typing import Any

from cumulo.core.clocks import SystemClock
from cumulo.storage import clock_record, tuples
from cumulo.storage.blob_format import parse_blob_name
from cumulo.storage.blobs import BlobMissing, BlobStore
from cumulo.storage.check import check
from cumulo.storage.data_folder import DataFolder
from cumulo.storage.due_pump import DuePump
from cumulo.storage.engine import ROOT, Due
from cumulo.storage.lmdb_engine import LmdbEngine
from tests.crash.ack_log import Call, Outcome
from tests.crash.engine_work import CONFIRM, COUNT, ITEMS, MIRRORS, Item, blob_body, confirm, decode_item


def _rows(txn: Any, request: tuple[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    rows: list[tuple[bytes, bytes]] = txn.range(*request, 1_000)
    return rows


async def _all_rows(engine: LmdbEngine, prefix: bytes) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    start = prefix
    while rows := await engine.read((ROOT,), _rows, (start, tuples.after(prefix))):
        found |= {str(tuples.decode(key[len(prefix) :])[0]): value for key, value in rows}
        start = rows[-1][0] + b"\x00"
    return found


def _compare(calls: list[Call], items: dict[str, Item], mirrors: dict[str, bytes]) -> list[str]:
    """Hold the log against the rows."""
    problems: list[str] = []
    added = {call.what["name"]: call for call in calls if call.op == "add"}
    removed = {call.what["name"]: call for call in calls if call.op == "remove"}
    for name, call in added.items():
        gone = removed.get(name)
        if gone is not None and gone.outcome is Outcome.ACKED:
            if name in items:
                problems.append(f"{name}: its removal was acknowledged, it is there")
        elif name not in items:
            if call.outcome is Outcome.ACKED and gone is None:
                problems.append(f"{name}: acknowledged and lost")
        elif call.outcome is Outcome.REFUSED:
            problems.append(f"{name}: refused and there")
        if name in mirrors and mirrors[name].hex() != call.what["payload"]:
            problems.append(f"{name}: its payload is another")
    problems += [f"{name}: nobody added it" for name in items if name not in added]
    if items.keys() != mirrors.keys():
        problems.append(f"half-written: {sorted(items.keys() ^ mirrors.keys())[:5]}")
    return problems


async def _check_blobs(blobs: BlobStore, items: dict[str, Item]) -> list[str]:
    problems: list[str] = []
    named = {item.seal.blob_id: name for name, item in items.items() if item.seal is not None}

    async def known(ids: list[int]) -> set[int]:
        return named.keys() & set(ids)

    await blobs.sweep(known)
    for name, item in items.items():
        if item.seal is None:
            continue
        if look := blobs.look(item.seal):
            problems.append(f"{name}: {look}")
        digest = hashlib.sha256()
        try:
            with blobs.open(item.seal) as reader:
                async for piece in reader.read():
                    digest.update(piece)
        except BlobMissing:
            continue
        if digest.digest() != hashlib.sha256(blob_body(name)).digest():
            problems.append(f"{name}: its blob is another")
    files = {parse_blob_name(path.name) for path in blobs.folder.rglob("*") if path.is_file()}
    if orphans := files - named.keys():
        problems.append(f"the sweep left files that no record names: {sorted(map(str, orphans))[:5]}")
    return problems


async def check_folder(path: Path, calls: list[Call]) -> list[str]:
    """Open the folder, do what is due, and return every contradiction between it and the calls."""
    folder = DataFolder(path)
    engine = LmdbEngine(folder.engine)
    blobs = BlobStore(folder.blobs, engine)
    await blobs.start()
    try:
        problems = await check(engine)
        recorded_ms = await clock_record.load(engine)
        clock = SystemClock(recorded_ms)
        if clock.deadline_ms() < recorded_ms:
            problems.append("the deadline clock went back")
        await _confirm_all(engine)
        items = {name: decode_item.decode(row) for name, row in (await _all_rows(engine, ITEMS)).items()}
        problems += _compare(calls, items, await _all_rows(engine, MIRRORS))
        problems += [f"{name}: confirmed {item.confirmed} times" for name, item in items.items() if item.confirmed != 1]
        count = int.from_bytes(await engine.read((ROOT,), lambda txn, key: txn.get(key) or b"", COUNT), "big")
        if count != len(items):
            problems.append(f"the counter says {count}, there are {len(items)} items")
        problems += await _check_blobs(blobs, items)
        return problems + await check(engine)
    finally:
        await blobs.close()
        await engine.close()
        folder.close()


class _EndOfTime(SystemClock):
    """A clock for which everything is due."""

    def deadline_ms(self) -> int:
        return 1 << 61


async def _confirm_all(engine: LmdbEngine) -> None:
    pump = DuePump(engine, _EndOfTime())

    async def confirm_entries(entries: list[Due]) -> None:
        await engine.transact((ROOT,), confirm, tuple(entries), grows=False)

    pump.register(CONFIRM, confirm_entries)
    await pump.run_due()

"""The deadline clock's last value, kept in the engine so that it does not go back over a restart.

Owns one key of the root partition. Promises that the record only grows, and is at most `EVERY_S` old after a crash.
"""

import asyncio

import msgspec

from cumulo.core.clocks import Clock
from cumulo.storage import tuples
from cumulo.storage.engine import ROOT, Engine, ReadTxn, Txn

EVERY_S = 10.0

_KEY = ROOT + b"clock"


class _Record(msgspec.Struct, frozen=True):
    deadline_ms: int


def _load(txn: ReadTxn, request: None) -> int:
    del request
    value = txn.get(_KEY)
    return 0 if value is None else int.from_bytes(value, "big")


def _store(txn: Txn, request: _Record) -> None:
    if request.deadline_ms > _load(txn, None):
        txn.put(_KEY, tuples.u64(request.deadline_ms))


async def load(engine: Engine) -> int:
    """Return the last recorded deadline time, 0 in a new folder: what `SystemClock` is made with."""
    recorded_ms: int = await engine.read((ROOT,), _load, None)
    return recorded_ms


async def store(engine: Engine, clock: Clock) -> None:
    """Record the deadline time now; admitted on a full disk, too, for it replaces a value of its own size."""
    await engine.transact((ROOT,), _store, _Record(clock.deadline_ms()), grows=False)


async def keep(engine: Engine, clock: Clock) -> None:
    """Record the time every `EVERY_S` until cancelled, and once more then."""
    try:
        while True:
            await store(engine, clock)
            await asyncio.sleep(EVERY_S)
    finally:
        await store(engine, clock)

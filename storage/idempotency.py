"""Remembers the answer to a request that must not happen twice, in the same commit as its effect.

A row is written only when the caller set a `request_id`: (account, operation, request id) -> fingerprint of the request
and its encoded result. The due index removes it after the operation's window. Does not know what a request or a result
means.
"""

import hashlib
from collections.abc import Callable
from typing import Any

import msgspec

from cumulo.core.errors import IDEMPOTENT_PARAMETER_MISMATCH, INVALID_PARAMETER_VALUE
from cumulo.storage import records, tuples
from cumulo.storage.engine import Due, Engine, Txn

DUE_KIND = "idempotency.expire"
RESULT_BYTES_MAX = 1024
REQUEST_ID_CHARACTERS_MAX = 64
_SUBSPACE = tuples.encode(("idempotency",))


class _Row(records.Record, frozen=True):
    fingerprint: bytes = b""
    result: bytes | None = None
    expires_ms: int = 0


_decode = records.decoder(_Row)


class Once(msgspec.Struct, frozen=True):
    """A transaction function wrapped so that a repeated `request_id` gets the first answer.

    `partition` is where the row lives, one of the call's. `request` goes to `function` unchanged; `identity` are the
    bytes of the request as the client sent it, without stamped times and ids, from which sameness is judged.
    `result_type` decodes a remembered answer.
    """

    partition: bytes
    account: str
    operation: str
    request_id: str
    identity: bytes
    now_ms: int
    window_ms: int
    function: Callable[[Any, Any], Any]
    request: Any
    result_type: Any


def check_request_id(request_id: str) -> None:
    """Raise `InvalidParameterValue` for an id that is too long to be remembered."""
    if len(request_id) > REQUEST_ID_CHARACTERS_MAX:
        raise INVALID_PARAMETER_VALUE.error(
            parameter="request_id",
            value=f"of {len(request_id)} characters",
            allowed=f"at most {REQUEST_ID_CHARACTERS_MAX} characters",
        )


def run_once(txn: Txn, once: Once) -> Any:
    """Run the wrapped function, or return its remembered result; a transaction function."""
    key = once.partition + _SUBSPACE + tuples.encode((once.account, once.operation, once.request_id))
    fingerprint = hashlib.sha256(once.identity).digest()[:16]
    stored = txn.get(key)
    if stored is not None:
        row = _decode.decode(stored)
        if row.expires_ms > once.now_ms:
            if row.fingerprint != fingerprint:
                raise IDEMPOTENT_PARAMETER_MISMATCH.error(request_id=once.request_id, operation=once.operation)
            return None if row.result is None else msgspec.msgpack.decode(row.result, type=once.result_type)
        txn.undue(row.expires_ms, DUE_KIND, key)
    result = once.function(txn, once.request)
    encoded = None if result is None else msgspec.msgpack.encode(result)
    assert encoded is None or len(encoded) <= RESULT_BYTES_MAX, (once.operation, len(encoded or b""))
    expires_ms = once.now_ms + once.window_ms
    txn.put(key, records.encode(_Row(fingerprint=fingerprint, result=encoded, expires_ms=expires_ms)))
    txn.due(expires_ms, DUE_KIND, key)
    return result


class _Expired(msgspec.Struct, frozen=True):
    entries: tuple[Due, ...]


def _forget(txn: Txn, request: _Expired) -> None:
    for entry in request.entries:
        stored = txn.get(entry.key)
        if stored is not None and _decode.decode(stored).expires_ms <= entry.at_ms:
            txn.delete(entry.key)
        txn.undue(entry.at_ms, entry.kind, entry.key)


async def expire(engine: Engine, entries: list[Due]) -> None:
    """Remove rows whose window has passed: the due handler of `DUE_KIND`."""
    partitions = tuple({entry.key[:8] for entry in entries})
    await engine.transact(partitions, _forget, _Expired(tuple(entries)), grows=False)

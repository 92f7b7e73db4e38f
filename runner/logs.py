"""An attempt's log: numbered chunks, appended by the worker that holds the job, read by whoever follows.

Promises: chunk numbers have no gaps; a repeated chunk changes nothing; the stored log of an attempt is bounded.
"""

import msgspec

from cumulo.runner import keys
from cumulo.runner.errors import CLIENT_EXCEPTION, LOG_FULL, LOG_GAP
from cumulo.runner.jobs import Place, Times, get_record, held_record, log_count
from cumulo.runner.model import LOG_BYTES_MAX, LogChunk, LogFrame, LogStream, State
from cumulo.storage import records, tuples
from cumulo.storage.engine import ReadTxn, Txn

FRAME_CHUNKS_MAX = 16
FRAME_BYTES_MAX = 256 * 1024


class Piece(msgspec.Struct, frozen=True):
    """A chunk to store."""

    place: Place
    job: str
    attempt: int
    lease_token: bytes
    chunk_number: int
    stream: LogStream
    data: bytes
    times: Times


def append(txn: Txn, request: Piece) -> int:
    """Store a chunk; return the number that comes next."""
    place, job, attempt = request.place, request.job, request.attempt
    held_record(txn, place, job, attempt, request.lease_token, request.times)
    count = log_count(txn, place, job, attempt)
    if request.chunk_number < count.chunks:
        return count.chunks
    if request.chunk_number > count.chunks:
        raise LOG_GAP.error(value=request.chunk_number, attempt=attempt, allowed=count.chunks)
    size_bytes = count.size_bytes + len(request.data)
    if size_bytes > LOG_BYTES_MAX:
        raise LOG_FULL.error(attempt=attempt, job=job, limit=LOG_BYTES_MAX)
    chunk = keys.ChunkRecord(stream=request.stream, write_ms=request.times.wall_ms, data=request.data)
    key = keys.chunk_prefix(place.partition, job, attempt) + tuples.u64(request.chunk_number)
    txn.put(key, records.encode(chunk))
    txn.put(
        keys.logs_key(place.partition, job, attempt),
        records.encode(keys.LogRecord(chunks=count.chunks + 1, size_bytes=size_bytes)),
    )
    txn.notify(keys.job_key(place.partition, job))
    return count.chunks + 1


class LogAt(msgspec.Struct, frozen=True):
    """Where to go on reading; attempt 0 is the latest."""

    place: Place
    job: str
    attempt: int
    from_chunk: int


def read(txn: ReadTxn, request: LogAt) -> LogFrame:
    """Return the next chunks of an attempt's log, at most 256 KiB of them."""
    record = get_record(txn, request.place, request.job)
    attempt = request.attempt or len(record.attempts)
    if attempt > record.max_attempts:
        raise CLIENT_EXCEPTION.error(parameter="attempt", value=attempt, allowed=f"0 to {record.max_attempts}")
    if attempt == 0 or attempt > len(record.attempts):
        return LogFrame(0, (), record.state, attempt_ended=record.state in (State.SUCCEEDED, State.FAILED))
    prefix = keys.chunk_prefix(request.place.partition, request.job, attempt)
    rows = txn.range(prefix + tuples.u64(request.from_chunk), tuples.after(prefix), FRAME_CHUNKS_MAX)
    chunks: list[LogChunk] = []
    size_bytes = 0
    for key, value in rows:
        stored = keys.decode_chunk.decode(value)
        size_bytes += len(stored.data)
        if chunks and size_bytes > FRAME_BYTES_MAX:
            break
        number = int.from_bytes(key[-8:], "big")
        chunks.append(LogChunk(number, LogStream(stored.stream), stored.write_ms, stored.data))
    return LogFrame(attempt, tuple(chunks), record.state, attempt_ended=record.attempts[attempt - 1].stop_ms > 0)

"""The runner's schema: one partition per account and region, found by a row of the root directory.

`job` the mutable record, `spec` what to run and `out` what was stored (written once, in pieces), `list` the order of
submission, `once` deduplication keys, `log` chunks and `logs` their count. A golden-bytes test holds these keys.
"""

from cumulo.runner.model import Attempt, JobSpec, OutputObject, State
from cumulo.storage import records, tuples
from cumulo.storage.engine import ROOT, VALUE_BYTES_MAX, ReadTxn, Txn

LEASE_DUE = "job.lease"
FORGET_DUE = "job.forget"
OFFER_DUE = "job.offer"
_PIECE_BYTES = VALUE_BYTES_MAX


class JobRecord(records.Record, frozen=True):
    """The record that decides. `lease_token` is empty unless the job is held; `number` is its place in the list.

    `message` is where the job's own message was placed, empty while it has none but the one that it was made of.
    `look_ms` is when that message is looked after, 0 unless the job is RUNNABLE; `looks` and `offers` count how often
    that was done since it became so, and how many messages were sent in the place of lost ones.
    """

    id: str = ""
    queue: str = ""
    state: State = State.RUNNABLE
    status_reason: str = ""
    create_ms: int = 0
    start_ms: int = 0
    stop_ms: int = 0
    attempts: tuple[Attempt, ...] = ()
    cancel_requested: bool = False
    deduplication_key: str = ""
    lease_token: bytes = b""
    lease_ends_ms: int = 0
    lease_s: int = 0
    number: int = 0
    forget_ms: int = 0
    max_attempts: int = 1
    queue_arn: str = ""
    message: bytes = b""
    look_ms: int = 0
    looks: int = 0
    offers: int = 0


class LogRecord(records.Record, frozen=True):
    """How much of an attempt's log is stored."""

    chunks: int = 0
    size_bytes: int = 0


class ChunkRecord(records.Record, frozen=True):
    """One stored piece of log."""

    stream: int = 0
    write_ms: int = 0
    data: bytes = b""


class SpecRecord(records.Record, frozen=True):
    """What a job runs; written once, in pieces."""

    spec: JobSpec | None = None


class OutputsRecord(records.Record, frozen=True):
    """What a job's successful attempt stored; written once, in pieces."""

    outputs: tuple[OutputObject, ...] = ()


decode_job = records.decoder(JobRecord)
decode_spec = records.decoder(SpecRecord)
decode_outputs = records.decoder(OutputsRecord)
decode_logs = records.decoder(LogRecord)
decode_chunk = records.decoder(ChunkRecord)


def directory_key(account: str, region: str) -> bytes:
    """Return the root row that holds the partition of an account's jobs in a region."""
    return ROOT + tuples.encode(("jobs", account, region))


def job_key(partition: bytes, job: str) -> bytes:
    """Return the key of a job's record."""
    return partition + tuples.encode(("job", job))


def list_prefix(partition: bytes) -> bytes:
    """Return the prefix of the submission order."""
    return partition + tuples.encode(("list",))


def list_key(partition: bytes, number: int) -> bytes:
    """Return the row of the `number`-th job."""
    return list_prefix(partition) + tuples.u64(number)


def once_key(partition: bytes, queue: str, deduplication_key: str) -> bytes:
    """Return the row that holds the job made for a message."""
    return partition + tuples.encode(("once", queue, deduplication_key))


def logs_key(partition: bytes, job: str, attempt: int) -> bytes:
    """Return the key of an attempt's log count."""
    return partition + tuples.encode(("logs", job, attempt))


def chunk_prefix(partition: bytes, job: str, attempt: int) -> bytes:
    """Return the prefix of an attempt's log chunks."""
    return partition + tuples.encode(("log", job, attempt))


def next_number(txn: Txn, partition: bytes) -> int:
    """Take the next place of the submission order."""
    key = partition + tuples.encode(("next",))
    stored = txn.get(key)
    number = 1 if stored is None else int.from_bytes(stored, "big")
    txn.put(key, (number + 1).to_bytes(8, "big"))
    return number


def put_pieces(txn: Txn, partition: bytes, subspace: str, job: str, record: records.Record) -> None:
    """Write a record that may exceed one row."""
    encoded = records.encode(record)
    prefix = partition + tuples.encode((subspace, job))
    for number, start in enumerate(range(0, len(encoded), _PIECE_BYTES)):
        txn.put(prefix + tuples.u64(number), encoded[start : start + _PIECE_BYTES])


def get_pieces(txn: ReadTxn, partition: bytes, subspace: str, job: str) -> bytes:
    """Return what `put_pieces` wrote; empty where nothing was written."""
    prefix = partition + tuples.encode((subspace, job))
    return b"".join(value for _, value in txn.range(prefix, tuples.after(prefix), _PIECES_MAX))


def delete_pieces(txn: Txn, partition: bytes, subspace: str, job: str) -> None:
    """Remove what `put_pieces` wrote."""
    prefix = partition + tuples.encode((subspace, job))
    txn.delete_range(prefix, tuples.after(prefix), _PIECES_MAX)


_PIECES_MAX = 64
"""4 MiB, the most that one function writes."""

"""Every fact that must hold on disk for the runner's partitions."""

from cumulo.runner import keys
from cumulo.runner.jobs import Place, log_count
from cumulo.runner.model import FINAL, HELD, State
from cumulo.storage import tuples
from cumulo.storage.contract import due_key
from cumulo.storage.engine import PARTITION_BYTES, ROOT, ReadTxn, rows_under

PAGE = 100


def check(txn: ReadTxn) -> list[str]:
    """Return what is wrong with any job; `txn` can read everything."""
    return [problem for place in partitions(txn) for problem in check_place(txn, place)]


def check_place(txn: ReadTxn, place: Place) -> list[str]:
    """Return what is wrong with the jobs of one account and region."""
    problems: list[str] = []
    for key, value in rows_under(txn, place.partition + tuples.encode(("job",)), PAGE):
        record = keys.decode_job.decode(value)
        problems += [f"job {record.id}: {what}" for what in _problems(txn, place, key, record)]
    for subspace in ("list", "once"):
        for _, job in rows_under(txn, place.partition + tuples.encode((subspace,))):
            if txn.get(keys.job_key(place.partition, job.decode())) is None:
                problems.append(f"job {job.decode()}: a row of {subspace} names it, and it is gone")
    return problems


def partitions(txn: ReadTxn) -> list[Place]:
    """Return every account's and region's jobs partition."""
    places = []
    for key, partition in rows_under(txn, ROOT + tuples.encode(("jobs",))):
        _, account, region = tuples.decode(key[PARTITION_BYTES:])
        places.append(Place(partition, str(account), str(region)))
    return places


def _problems(txn: ReadTxn, place: Place, key: bytes, record: keys.JobRecord) -> list[str]:
    found = []
    held = record.state in HELD
    if held != bool(record.lease_token):
        found.append(f"state {record.state.name} does not agree with its lease")
    if held and record.lease_ends_ms and not has_due(txn, record.lease_ends_ms, keys.LEASE_DUE, key):
        found.append("its lease has no due entry")
    if (record.state in FINAL) != bool(record.forget_ms):
        found.append(f"state {record.state.name} does not agree with its time of removal")
    if record.forget_ms and not has_due(txn, record.forget_ms, keys.FORGET_DUE, key):
        found.append("its removal has no due entry")
    if record.queue_arn and (record.state is State.RUNNABLE) != bool(record.look_ms):
        found.append(f"state {record.state.name} does not agree with its message's being looked after")
    if record.look_ms and not has_due(txn, record.look_ms, keys.OFFER_DUE, key):
        found.append("its message is looked after without a due entry")
    if len(record.attempts) > record.max_attempts:
        found.append(f"{len(record.attempts)} attempts of at most {record.max_attempts}")
    if not keys.get_pieces(txn, place.partition, "spec", record.id):
        found.append("its specification is missing")
    listed = txn.get(keys.list_key(place.partition, record.number))
    if listed != record.id.encode():
        found.append(f"number {record.number} of the list is {listed!r}")
    if any(attempt.stop_ms == 0 for attempt in record.attempts[: -1 if held else None]):
        found.append("an attempt that is over has no end")
    for attempt in record.attempts:
        prefix = keys.chunk_prefix(place.partition, record.id, attempt.number)
        last = txn.range(prefix, tuples.after(prefix), 1, reverse=True)
        stored = int.from_bytes(last[0][0][-8:], "big") + 1 if last else 0
        if stored != log_count(txn, place, record.id, attempt.number).chunks:
            found.append(f"the log of attempt {attempt.number} has {stored} chunks, its count says otherwise")
    return found


def has_due(txn: ReadTxn, at_ms: int, kind: str, key: bytes) -> bool:
    """Say whether a due entry exists; the call names the due index's partition."""
    return txn.get(due_key(at_ms, kind, key)) is not None

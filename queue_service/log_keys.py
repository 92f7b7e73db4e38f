"""The schema of logs: each subspace, key and record.

Owns the bytes on disk; a golden-bytes test holds them. All rows of a log lie in its own partition, which is never used
again, so that deleting a log leaves one prefix to clear:

    ROOT  ("logs", account, region, name)   LogName
    l     ("log",)                          LogMeta
    l     ("ends",)                         LogEnds
    l     ("records",) position             StoredRecord
    l     ("records",) position piece       the body of a large record, in pieces
    l     ("lanes",) lane position          the record's number in its lane; only in logs of several lanes
    l     ("groups",) name                  Group

Positions are dense: a record stands at each from `LogEnds.first` to before `LogEnds.next`. Does not know what any move
means.
"""

import functools

import msgspec

from cumulo.queue_service.log_model import RETENTION_S_DEFAULT
from cumulo.queue_service.message_model import MessageAttributes
from cumulo.storage import records, tuples
from cumulo.storage.engine import ROOT

PIECE_BYTES = 64_000
"""A record longer than this keeps its body in pieces of this size; the engine takes values of 64 KiB."""

META = tuples.encode(("log",))
ENDS = tuples.encode(("ends",))
RECORDS = tuples.encode(("records",))
LANES = tuples.encode(("lanes",))
GROUPS = tuples.encode(("groups",))


class LogName(records.Record, frozen=True):
    """Where a name leads, with what is needed before a transaction on the log."""

    partition: bytes = b""
    policy: str = ""
    create_ms: int = 0


class LogMeta(records.Record, frozen=True):
    """A log and its attributes; absent once the log is deleted. A retention of 0 has no limit."""

    account: str = ""
    region: str = ""
    name: str = ""
    lane_count: int = 1
    retention_s: int = RETENTION_S_DEFAULT
    retention_bytes: int = 0
    retention_records: int = 0
    create_ms: int = 0
    update_ms: int = 0


class LogEnds(records.Record, frozen=True):
    """What moves with every append: the position of the oldest record and of the next one, the bytes of all, the time
    of the latest, and when retention is armed (0: it is not). `lanes` are the next numbers of each lane, none where the
    log has one. `groups_made` counts the consumer groups that ever were.
    """

    first: int = 0
    next: int = 0
    size_bytes: int = 0
    last_ms: int = 0
    trim_ms: int = 0
    lanes: tuple[int, ...] = ()
    groups_made: int = 0


class StoredRecord(records.Record, frozen=True):
    """A record. `time_ms` is the wall clock's, never less than that of the record before; `kept_from_ms` is the
    deadline clock's, from which retention counts. The body of a large one stands in rows of its own, `pieces_bytes` of
    it; `body` is empty then.
    """

    time_ms: int = 0
    kept_from_ms: int = 0
    key: str = ""
    attributes: MessageAttributes = ()
    body: bytes = b""
    pieces_bytes: int = 0


class Lane(msgspec.Struct, frozen=True, array_like=True):
    """A lane of a group: the position of the next record to handle, and who holds it under which token (empty: nobody).
    `release_by_ms` is when it is taken from a member who was asked to release it; 0 where he was not.
    """

    position: int = 0
    member: str = ""
    token: int = 0
    release_by_ms: int = 0


class Member(msgspec.Struct, frozen=True, array_like=True):
    """A member of a group, until its lease ends."""

    id: str = ""
    expires_ms: int = 0
    lease_ms: int = 0


class Group(records.Record, frozen=True):
    """A consumer group: where it goes on in each lane, and its members in the order in which they joined."""

    create_ms: int = 0
    next_token: int = 1
    lanes: tuple[Lane, ...] = ()
    members: tuple[Member, ...] = ()


decode_name = records.decoder(LogName).decode
decode_meta = records.decoder(LogMeta).decode
decode_ends = records.decoder(LogEnds).decode
decode_record = records.decoder(StoredRecord).decode
decode_group = records.decoder(Group).decode

NAMES = ROOT + tuples.encode(("logs",))


@functools.lru_cache(maxsize=4096)
def name_key(account: str, region: str, name: str) -> bytes:
    """Return the key of a directory row."""
    return NAMES + tuples.encode((account, region, name))


def names_prefix(account: str, region: str) -> bytes:
    """Return what the directory keys of one account and region start with."""
    return NAMES + tuples.encode((account, region))


def name_of(key: bytes) -> str:
    """Return the log name in a directory key."""
    name = tuples.decode(key[len(ROOT) :])[-1]
    assert isinstance(name, str)
    return name


def record_key(partition: bytes, position: int) -> bytes:
    """Return the key of a record."""
    return partition + RECORDS + tuples.u64(position)


def piece_key(record: bytes, piece: int) -> bytes:
    """Return the key of a piece, 1 or more, of the body of the record under `record`."""
    return record + bytes((piece,))


def lane_key(partition: bytes, lane: int, position: int) -> bytes:
    """Return the key of a record's row in its lane."""
    return partition + LANES + bytes((lane,)) + tuples.u64(position)


def group_key(partition: bytes, name: str) -> bytes:
    """Return the key of a consumer group; its commits notify it, too."""
    return partition + GROUPS + tuples.encode((name,))


def group_name(key: bytes, partition: bytes) -> str:
    """Return the name in a group's key."""
    (name,) = tuples.decode(key[len(partition) + len(GROUPS) :])
    assert isinstance(name, str)
    return name

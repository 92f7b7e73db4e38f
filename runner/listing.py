"""Jobs in order of submission, newest first, in pages of bounded work."""

import msgspec

from cumulo.runner import keys
from cumulo.runner.jobs import Place, get_record, view
from cumulo.runner.model import Job, State
from cumulo.storage import tuples
from cumulo.storage.engine import ReadTxn

EXAMINED_MAX = 300
"""Jobs looked at in one snapshot; a page that finds fewer goes on in the next one."""
SLICES_MAX = 20
"""Snapshots of one page; a page that finds little among so many jobs is short, and its token goes on."""
SPEC_BYTES_MAX = 2 * 1024 * 1024
"""Specifications in one page: an answer must fit into a gRPC message of 4 MiB."""


class JobsBefore(msgspec.Struct, frozen=True):
    """Which jobs to list, numbered below `before`."""

    place: Place
    queue: str
    states: tuple[State, ...]
    before: int
    limit: int
    spec_bytes: int


class JobSlice(msgspec.Struct, frozen=True):
    """Jobs found, how many bytes their specifications have, and the number before which the search goes on (0: nothing
    is left).
    """

    jobs: tuple[Job, ...]
    before: int
    spec_bytes: int = 0


def list_jobs(txn: ReadTxn, request: JobsBefore) -> JobSlice:
    """Return the next jobs that match, until one of the limits is reached; at least one where there is one."""
    if not request.place.partition:
        return JobSlice((), 0)
    prefix = keys.list_prefix(request.place.partition)
    rows = txn.range(prefix, prefix + tuples.u64(request.before), EXAMINED_MAX, reverse=True)
    found: list[Job] = []
    spec_bytes = 0
    before = request.before
    for key, job in rows:
        if len(found) == request.limit or spec_bytes >= request.spec_bytes:
            return JobSlice(tuple(found), before, spec_bytes)
        before = int.from_bytes(key[-8:], "big")
        record = get_record(txn, request.place, job.decode())
        if (not request.queue or record.queue == request.queue) and (
            not request.states or record.state in request.states
        ):
            found.append(view(txn, request.place, record, whole=False))
            spec_bytes += len(keys.get_pieces(txn, request.place.partition, "spec", record.id))
    return JobSlice(tuple(found), before if len(rows) == EXAMINED_MAX else 0, spec_bytes)

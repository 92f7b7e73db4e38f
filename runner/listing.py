"""Jobs in order of submission, newest first, in pages of bounded work."""

import msgspec

from cumulo.runner import keys
from cumulo.runner.jobs import Place, get_record, view
from cumulo.runner.model import Job, State
from cumulo.storage import tuples
from cumulo.storage.engine import ReadTxn

EXAMINED_MAX = 300
"""Jobs looked at in one snapshot; a page that finds fewer goes on in the next one."""


class JobsBefore(msgspec.Struct, frozen=True):
    """Which jobs to list, numbered below `before`."""

    place: Place
    queue: str
    states: tuple[State, ...]
    before: int
    limit: int


class JobSlice(msgspec.Struct, frozen=True):
    """Jobs found, and the number before which the search goes on (0: nothing is left)."""

    jobs: tuple[Job, ...]
    before: int


def list_jobs(txn: ReadTxn, request: JobsBefore) -> JobSlice:
    """Return the next jobs that match."""
    if not request.place.partition:
        return JobSlice((), 0)
    prefix = keys.list_prefix(request.place.partition)
    limit = min(request.limit, EXAMINED_MAX)
    rows = txn.range(prefix, prefix + tuples.u64(request.before), limit, reverse=True)
    found = []
    for _, job in rows:
        record = get_record(txn, request.place, job.decode())
        if (not request.queue or record.queue == request.queue) and (
            not request.states or record.state in request.states
        ):
            found.append(view(txn, request.place, record, whole=False))
    before = int.from_bytes(rows[-1][0][-8:], "big") if len(rows) == limit else 0
    return JobSlice(tuple(found), before)

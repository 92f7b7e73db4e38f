# Generated from _async/log_consumer.py by `make gen` (.ci/sync_twin.py). Do not edit.
"""A member of a log's consumer group: it reads the lanes that it holds, and commits how far it has come.

Promises: records of a lane come in their order; what was committed does not come again to anybody, unless the group is
sought; a lane that another member got is committed by this one no more. It needs no thread: joining, keeping the
membership alive, and giving lanes up all happen in the calls that look for records and commit.
"""

import contextlib
import time
import uuid
from collections import deque
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from cumulo.api.queue.v1 import log_pb2 as pb
from cumulo.client import _wire, model
from cumulo.client._sync.connection import Connection
from cumulo.client.errors import CumuloError, PreconditionFailed

LEASE_S = 30
LOOK_RECORDS = 500
LONG_POLL_MAX_S = 20
LONG_POLL_GRACE_S = 5


class _Lane:
    """A lane that this member holds: the next record to ask for, to hand out, and to commit."""

    __slots__ = ("committed", "handled", "position", "releasing", "token")

    def __init__(self, held: pb.HeldLane) -> None:
        self.token = held.token
        self.position = self.handled = self.committed = held.position
        self.releasing = False


class LogConsumer:
    """A membership of a consumer group, from the start of its block to its end; an iterator of records."""

    def __init__(
        self,
        connection: Connection,
        log: str,
        group: str,
        start: pb.LogStart,
        lease_s: int,
        idle_timeout: float | None,
    ) -> None:
        self._connection = connection
        self._log = log
        self._group = group
        self._start = start
        self._lease_s = lease_s
        self._idle_timeout = idle_timeout
        self._member = str(uuid.uuid4())
        self._lanes: dict[int, _Lane] = {}
        self._inbox: deque[pb.LogRecord] = deque()
        self._look_at = 0.0
        """When to look again although there are records: the membership is to be kept alive."""

    def __repr__(self) -> str:
        return f"LogConsumer({self._log!r}, {self._group!r})"

    @property
    def member(self) -> str:
        """The id of this member in its group."""
        return self._member

    @property
    def lanes(self) -> tuple[int, ...]:
        """The lanes that this member holds, as far as it knows."""
        return tuple(sorted(self._lanes))

    def __enter__(self) -> Self:
        self._look(0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the group; what was not committed comes to another member, or at the next time."""
        request = pb.LeaveConsumerGroupRequest(log=self._log, group=self._group, member=self._member)
        self._inbox.clear()
        self._lanes.clear()
        with contextlib.suppress(CumuloError):  # else the lease ends by itself
            self._connection.call(self._connection.lane.log.LeaveConsumerGroup, request)

    def __iter__(self) -> Iterator[model.LogRecord]:
        heard, is_dry = time.monotonic(), False
        while True:
            now = time.monotonic()
            if self._inbox and now < self._look_at:
                record = self._inbox.popleft()
                self._lanes[record.lane].handled = record.position + 1
                yield _wire.log_record(record)
                heard, is_dry = time.monotonic(), False
                continue
            wait: float = 0 if self._inbox else LONG_POLL_MAX_S
            if self._idle_timeout is not None:
                left = self._idle_timeout - (now - heard)
                if is_dry and left <= 0 and now < self._look_at:
                    return
                wait = min(wait, max(left, 0))
            self._look(wait)
            is_dry = not self._inbox

    def commit(self) -> None:
        """Note durably that every record which was handed out so far is handled.

        Raises `PreconditionFailed` (`LaneNotHeld`) where another member has got a lane meanwhile: its records come to
        that one again. Nothing is committed then; iterating goes on with the lanes that are left.
        """
        lanes = {number: lane for number, lane in self._lanes.items() if lane.handled > lane.committed}
        cursors = [
            pb.LaneCursor(lane=number, token=lane.token, position=lane.handled) for number, lane in lanes.items()
        ]
        if not cursors:
            return
        request = pb.CommitConsumerGroupRequest(log=self._log, group=self._group, member=self._member, cursors=cursors)
        try:
            self._connection.call(self._connection.lane.log.CommitConsumerGroup, request)
        except PreconditionFailed:
            self._look_at = 0.0
            raise
        for lane in lanes.values():
            lane.committed = lane.handled
        self._release_soon()

    def _look(self, wait: float) -> None:
        """Look for records, and learn which lanes this member holds."""
        lanes = self._lanes
        done = [it for it, lane in lanes.items() if lane.releasing and lane.handled <= lane.committed]
        request = pb.ConsumeRecordsRequest(
            log=self._log,
            group=self._group,
            member=self._member,
            cursors=[
                pb.LaneCursor(lane=it, token=lane.token, position=lane.position, releasing=lane.releasing)
                for it, lane in lanes.items()
                if it not in done
            ],
            released=[pb.LaneCursor(lane=it, token=lanes[it].token) for it in done],
            start=self._start,
            max_records=LOOK_RECORDS if len(self._inbox) < LOOK_RECORDS else 1,
            wait_s=_wire.whole_seconds(wait),
            lease_s=self._lease_s,
        )
        connection = self._connection
        parked = connection.take_parked_lane() if request.wait_s else connection.lane
        try:
            answer = connection.call(parked.log.ConsumeRecords, request, request.wait_s + LONG_POLL_GRACE_S)
        finally:
            if request.wait_s:
                connection.give_back(parked)
        self._look_at = time.monotonic() + self._lease_s / 3
        self._take(answer)

    def _take(self, answer: pb.ConsumeRecordsResponse) -> None:
        """Hold the lanes of an answer and its records; drop what waits of lanes that are not held any more, or that
        others wait for.
        """
        held: dict[int, _Lane] = {}
        for it in answer.lanes:
            lane = self._lanes.get(it.lane)
            if lane is None or lane.token != it.token:
                lane = _Lane(it)
            elif it.release and not lane.releasing:
                lane.position = lane.handled
            lane.releasing = it.release
            held[it.lane] = lane
        kept = {number for number, lane in held.items() if lane is self._lanes.get(number) and not lane.releasing}
        self._lanes = held
        self._inbox = deque(it for it in self._inbox if it.lane in kept)
        for record in answer.records:
            held[record.lane].position = record.position + 1
            self._inbox.append(record)
        self._release_soon()

    def _release_soon(self) -> None:
        """Look again at once where there is a lane to release: somebody waits for it."""
        if any(lane.releasing and lane.handled <= lane.committed for lane in self._lanes.values()):
            self._look_at = 0.0

"""A log: appending, reading from any place, and its consumer groups."""

import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from cumulo.api.queue.v1 import log_pb2 as pb
from cumulo.client import _wire, model
from cumulo.client._async.append_stream import AsyncAppendStream
from cumulo.client._async.connection import AsyncConnection
from cumulo.client._async.log_consumer import LEASE_S, AsyncLogConsumer
from cumulo.client._async.pages import AsyncPager
from cumulo.client._tasks import Handle
from cumulo.client.model import Page

LONG_POLL_MAX_S = 20
LONG_POLL_GRACE_S = 5
PAGE_RECORDS = 1_000


class AsyncLog(Handle):
    """A log by name, short name or ARN; nothing is asked of the server until a call needs it."""

    def __init__(self, connection: AsyncConnection, name: str) -> None:
        self._connection = connection
        self._name = name

    def __repr__(self) -> str:
        return f"AsyncLog({self._name!r})"

    @property
    def name(self) -> str:
        """The name as it was given."""
        return self._name

    # Appending

    async def append(
        self,
        body: object,
        *,
        key: str = "",
        attributes: Mapping[str, model.Attribute] | None = None,
        expected_position: int | None = None,
        timeout: float | None = None,
    ) -> model.Appended:
        """Append one record; when this returns, it is durable.

        `body` is bytes, text, or anything that JSON can say. Records with the same `key` stay in order for a consumer
        group. With `expected_position` the record is appended at that position or not at all: `PreconditionFailed`.
        """
        entry = _wire.append_entry(body, key, attributes)
        return await self._append([entry], expected_position, timeout)

    async def append_batch(
        self, items: Iterable[object], *, expected_position: int | None = None, timeout: float | None = None
    ) -> model.Appended:
        """Append up to 100 records in one transaction, all or none. An item is a body, or an `OutgoingRecord`."""
        return await self._append([_wire.outgoing_record(item) for item in items], expected_position, timeout)

    async def _append(
        self, entries: list[pb.AppendEntry], expected_position: int | None, timeout: float | None
    ) -> model.Appended:
        request = pb.AppendRecordsRequest(
            log=self._name,
            entries=entries,
            expected_position=expected_position,
            request_id=self._connection.request_id(),
        )
        return _wire.appended(await self._connection.call(self._connection.lane.log.AppendRecords, request, timeout))

    def append_stream(self, *, window: int = 5_000) -> AsyncAppendStream:
        """Open a stream for many records: `window` of them may be on their way unanswered. A context manager."""
        return AsyncAppendStream(self._connection, self._name, window)

    # Reading

    async def read(
        self,
        max: int = 100,  # noqa: A002 - the word that people use; no call of the builtin in here
        *,
        from_position: int | None = None,
        from_time: datetime | None = None,
        from_end: bool = False,
        wait: float = 0,
        lane: int | None = None,
    ) -> list[model.LogRecord]:
        """Read up to `max` records (1000 at most) from the oldest, a position, a time, or the end.

        Waits up to `wait` (0 to 20) seconds for the first. Fewer than `max` come also where they are large. A position
        that was trimmed away means the oldest record that there is; the records' positions show it.
        """
        start = _wire.log_start(from_position, from_time, end=from_end)
        return list(map(_wire.log_record, (await self._read(start, max, wait, lane)).records))

    async def tail(
        self,
        *,
        from_position: int | None = None,
        from_time: datetime | None = None,
        lane: int | None = None,
        idle_timeout: float | None = None,
    ) -> AsyncIterator[model.LogRecord]:
        """Iterate over records as they are appended, from a position or a time, else from the end.

        Goes on for ever, or until no record came for `idle_timeout` seconds. It outlives restarts of the server.
        """
        from_end = from_position is None and from_time is None
        start = _wire.log_start(from_position, from_time, end=from_end)
        heard = time.monotonic()
        while True:
            wait: float = LONG_POLL_MAX_S
            if idle_timeout is not None:
                wait = min(wait, idle_timeout - (time.monotonic() - heard))
            page = await self._read(start, PAGE_RECORDS, max(0, wait), lane)
            for record in page.records:
                yield _wire.log_record(record)
            if page.records:
                heard = time.monotonic()
            elif idle_timeout is not None and time.monotonic() - heard >= idle_timeout:
                return
            start = pb.LogStart(position=page.next_position)

    async def _read(self, start: pb.LogStart, count: int, wait: float, lane: int | None) -> pb.ReadRecordsResponse:
        request = pb.ReadRecordsRequest(
            log=self._name, start=start, max_records=count, wait_s=_wire.whole_seconds(wait), lane=lane
        )
        if request.wait_s <= 0:
            return await self._connection.call(self._connection.lane.log.ReadRecords, request)
        parked = self._connection.take_parked_lane()
        try:
            return await self._connection.call(parked.log.ReadRecords, request, request.wait_s + LONG_POLL_GRACE_S)
        finally:
            self._connection.give_back(parked)

    # Consumer groups

    def consumer(
        self,
        group: str,
        *,
        from_position: int | None = None,
        from_time: datetime | None = None,
        from_end: bool = False,
        lease: int = LEASE_S,
        idle_timeout: float | None = None,
    ) -> AsyncLogConsumer:
        """Become a member of a consumer group while a block runs: a context manager, and an iterator of records.

        A group that is not there yet begins at the oldest record, or where `from_position`, `from_time` or `from_end`
        say. `lease` is how long, 5 to 43200 seconds, the handling of one record may take before others get its lane.
        Iterating ends after `idle_timeout` seconds without a record.
        """
        start = _wire.log_start(from_position, from_time, end=from_end)
        return AsyncLogConsumer(self._connection, self._name, group, start, lease, idle_timeout)

    def groups(self, *, page_size: int | None = None) -> AsyncPager[model.ConsumerGroup]:
        """List the log's consumer groups by name, with their positions and lag."""

        async def fetch(page_token: str) -> Page[model.ConsumerGroup]:
            request = pb.ListConsumerGroupsRequest(log=self._name, page_size=page_size or 0, page_token=page_token)
            response = await self._connection.call(self._connection.lane.log.ListConsumerGroups, request)
            return Page([_wire.consumer_group(it) for it in response.groups], response.next_page_token)

        return AsyncPager(fetch)

    async def seek(
        self,
        group: str,
        *,
        from_position: int | None = None,
        from_time: datetime | None = None,
        from_end: bool = False,
    ) -> None:
        """Let a consumer group go on from the oldest record, a position, a time, or the end: forwards, or to replay.

        Makes the group where there is none. Members that are there go on from the new place.
        """
        request = pb.SeekConsumerGroupRequest(
            log=self._name,
            group=group,
            start=_wire.log_start(from_position, from_time, end=from_end),
            request_id=self._connection.request_id(),
        )
        await self._connection.call(self._connection.lane.log.SeekConsumerGroup, request)

    async def delete_group(self, group: str) -> None:
        """Forget a consumer group and its positions."""
        request = pb.DeleteConsumerGroupRequest(log=self._name, group=group, request_id=self._connection.request_id())
        await self._connection.call(self._connection.lane.log.DeleteConsumerGroup, request)

    # The log itself

    async def info(self) -> model.LogInfo:
        """Return the log's attributes and ends."""
        response = await self._connection.call(self._connection.lane.log.GetLog, pb.GetLogRequest(name=self._name))
        return _wire.log_info(response.log)

    async def create(self, **attributes: Any) -> model.LogInfo:
        """Make the log with `lane_count` and the attributes that `set` knows; one with the same is no error."""
        response = await self._connection.call(
            self._connection.lane.log.CreateLog,
            pb.CreateLogRequest(
                log=_wire.log_message(self._name, **attributes), request_id=self._connection.request_id()
            ),
        )
        return _wire.log_info(response.log)

    async def set(
        self,
        *,
        retention: int | None = None,
        retention_bytes: int | None = None,
        retention_records: int | None = None,
        policy: str | Mapping[str, Any] | None = None,
        reset: Sequence[str] = (),
    ) -> model.LogInfo:
        """Change attributes: what is given, and what `reset` names (as `LogInfo` spells it) back to its default.

        A retention (in seconds, bytes, records) of 0 has no limit.
        """
        log = _wire.log_message(
            self._name,
            retention=retention,
            retention_bytes=retention_bytes,
            retention_records=retention_records,
            policy=policy,
        )
        request = pb.UpdateLogRequest(log=log, request_id=self._connection.request_id())
        given = [field.name for field, _ in log.ListFields() if field.name != "name"]
        request.update_mask.paths.extend([*given, *reset])
        response = await self._connection.call(self._connection.lane.log.UpdateLog, request)
        return _wire.log_info(response.log)

    async def delete(self) -> None:
        """Delete the log with its records and its consumer groups."""
        await self._connection.call(
            self._connection.lane.log.DeleteLog,
            pb.DeleteLogRequest(name=self._name, request_id=self._connection.request_id()),
        )

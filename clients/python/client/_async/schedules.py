"""The schedules of a queue: messages that it is sent again and again, by a cron expression or at a rate, or once."""

from collections.abc import Mapping
from datetime import datetime

from cumulo.api.queue.v1 import schedule_pb2 as pb
from cumulo.client import _wire, model
from cumulo.client._async.connection import AsyncConnection
from cumulo.client._async.pages import AsyncPager
from cumulo.client.model import Page


class AsyncSchedules:
    """Makes, shows and changes the schedules of one queue."""

    def __init__(self, connection: AsyncConnection, queue: str) -> None:
        self._connection = connection
        self._queue = queue

    async def create(
        self,
        name: str,
        body: object,
        *,
        cron: str | None = None,
        time_zone: str | None = None,
        every: int | None = None,
        at: datetime | None = None,
        attributes: Mapping[str, model.Attribute] | None = None,
        group: str | None = None,
        priority: int | None = None,
        skip_missed: bool = False,
        paused: bool = False,
    ) -> model.ScheduleInfo:
        """Make a schedule that sends `body` when exactly one of these says: `cron`, `every` or `at`.

        `cron` has five fields (minute, hour, day of month, month, day of week) in the `time_zone`, UTC by default;
        `every` is in seconds; `at` is one time, with its zone. Instants that are missed because no server ran are made
        up for by one message, or not at all with `skip_missed`. A FIFO queue needs a `group`.

        Each message has the attributes `cumulo.schedule` and `cumulo.scheduled-time`. It is sent in the caller's name,
        who needs `sqs:SendMessage` at each instant. Raises `AlreadyExists`.
        """
        schedule = self._schedule(name, cron=cron, time_zone=time_zone, every=every, at=at)
        _wire.put_scheduled_message(schedule, body, attributes, group, priority)
        schedule.missed_instants = _missed(skip=skip_missed)
        schedule.state = _state(paused=paused)
        response = await self._connection.call(
            self._connection.lane.schedules.CreateSchedule,
            pb.CreateScheduleRequest(schedule=schedule, request_id=self._connection.request_id()),
        )
        return _wire.schedule_info(response.schedule)

    async def get(self, name: str) -> model.ScheduleInfo:
        """Return a schedule; raises `NotFound`."""
        response = await self._connection.call(
            self._connection.lane.schedules.GetSchedule, pb.GetScheduleRequest(name=self._full(name))
        )
        return _wire.schedule_info(response.schedule)

    def list(self, *, page_size: int | None = None) -> AsyncPager[model.ScheduleInfo]:
        """List schedules in order of their names, without what they send."""

        async def fetch(page_token: str) -> Page[model.ScheduleInfo]:
            response = await self._connection.call(
                self._connection.lane.schedules.ListSchedules,
                pb.ListSchedulesRequest(parent=self._queue, page_size=page_size or 0, page_token=page_token),
            )
            return Page([_wire.schedule_info(it) for it in response.schedules], response.next_page_token)

        return AsyncPager(fetch)

    async def retime(
        self,
        name: str,
        *,
        cron: str | None = None,
        time_zone: str | None = None,
        every: int | None = None,
        at: datetime | None = None,
    ) -> model.ScheduleInfo:
        """Change when a schedule sends, as `create` says."""
        return await self._update(self._schedule(name, cron=cron, time_zone=time_zone, every=every, at=at), "timing")

    async def rewrite(
        self,
        name: str,
        body: object,
        *,
        attributes: Mapping[str, model.Attribute] | None = None,
        group: str | None = None,
        priority: int | None = None,
    ) -> model.ScheduleInfo:
        """Change what a schedule sends, all of it."""
        schedule = self._schedule(name)
        _wire.put_scheduled_message(schedule, body, attributes, group, priority)
        return await self._update(schedule, "message")

    async def pause(self, name: str) -> model.ScheduleInfo:
        """Have a schedule send nothing until it is resumed; what it would have sent is not made up for."""
        schedule = self._schedule(name)
        schedule.state = _state(paused=True)
        return await self._update(schedule, "state")

    async def resume(self, name: str) -> model.ScheduleInfo:
        """Have a schedule send again, in the caller's name."""
        schedule = self._schedule(name)
        schedule.state = _state(paused=False)
        return await self._update(schedule, "state")

    async def delete(self, name: str) -> None:
        """Delete a schedule; what it has sent stays. Raises `NotFound`."""
        await self._connection.call(
            self._connection.lane.schedules.DeleteSchedule,
            pb.DeleteScheduleRequest(name=self._full(name), request_id=self._connection.request_id()),
        )

    async def _update(self, schedule: pb.Schedule, what: str) -> model.ScheduleInfo:
        request = pb.UpdateScheduleRequest(schedule=schedule, request_id=self._connection.request_id())
        request.update_mask.paths.append(what)
        response = await self._connection.call(self._connection.lane.schedules.UpdateSchedule, request)
        return _wire.schedule_info(response.schedule)

    def _full(self, name: str) -> str:
        return f"{self._queue}/schedules/{name}"

    def _schedule(
        self,
        name: str,
        *,
        cron: str | None = None,
        time_zone: str | None = None,
        every: int | None = None,
        at: datetime | None = None,
    ) -> pb.Schedule:
        if sum(it is not None for it in (cron, every, at)) > 1:
            raise ValueError("cron, every or at: one of them")
        if at is not None and at.tzinfo is None:
            raise ValueError(f"at needs a time zone: {at}")
        schedule = pb.Schedule(name=self._full(name), time_zone=time_zone or "")
        if cron is not None:
            schedule.cron = cron
        if every is not None:
            schedule.every_s = every
        if at is not None:
            schedule.at_ms = _wire.milliseconds(at)
        return schedule


def _missed(*, skip: bool) -> pb.MissedInstants.ValueType:
    return pb.MISSED_INSTANTS_SKIP if skip else pb.MISSED_INSTANTS_SEND_ONE


def _state(*, paused: bool) -> pb.ScheduleState.ValueType:
    return pb.SCHEDULE_STATE_PAUSED if paused else pb.SCHEDULE_STATE_ACTIVE

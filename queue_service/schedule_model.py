"""Types of schedules: what callers ask, what they are answered, and the limits, which are ours: SQS has no schedules.

A schedule belongs to a queue and sends it a message again and again, by a cron expression or at a rate, or once.
"""

import enum

import msgspec

from cumulo.core.names import resource_name
from cumulo.queue_service.message_model import MessageAttributes
from cumulo.queue_service.queue_attributes import Place

SCHEDULES_MAX = 100
"""Of one queue."""
SCHEDULE_NAME_CHARACTERS_MAX = 64
SCHEDULE_BYTES_MAX = 32_768
"""Body and attributes of a schedule's message: they stand in one value of the engine."""
SCHEDULE_ATTRIBUTES_MAX = 8
"""Of SQS's ten, two of which say which schedule sent the message, and for which instant."""
CRON_CHARACTERS_MAX = 128
TIME_ZONE_CHARACTERS_MAX = 64
EVERY_S_MAX = 31_622_400
"""366 days."""
LIST_PAGE_DEFAULT = 50
SCHEDULE_ATTRIBUTE = "cumulo.schedule"
INSTANT_ATTRIBUTE = "cumulo.scheduled-time"


class ScheduleState(enum.StrEnum):
    """What a schedule does; the word is on disk."""

    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    COMPLETED = "COMPLETED"
    """It was for one instant, or its expression has no further one."""
    FAILED = "FAILED"
    """Who made it may not send to the queue any more."""


class Timing(msgspec.Struct, frozen=True):
    """When a schedule sends: exactly one of `cron`, `every_s` and `at_ms` is given. `time_zone` is for `cron`."""

    cron: str = ""
    time_zone: str = ""
    every_s: int = 0
    at_ms: int = 0


class ScheduledMessage(msgspec.Struct, frozen=True):
    """What a schedule sends."""

    body: bytes
    attributes: MessageAttributes = ()
    group_id: str | None = None
    priority: int | None = None


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule as it is; lists leave `message` out. Times are the wall clock's, 0 for none."""

    place: Place
    schedule_id: str
    timing: Timing
    message: ScheduledMessage | None
    skip_missed: bool
    state: ScheduleState
    reason: str
    next_ms: int
    last_ms: int
    last_message_id: str
    sent_count: int
    create_ms: int
    update_ms: int

    @property
    def full_name(self) -> str:
        """The schedule's AIP-122 name."""
        place = self.place
        return f"{resource_name(place.account, place.region, 'queues', place.name)}/schedules/{self.schedule_id}"


class CreateSchedule(msgspec.Struct, frozen=True, kw_only=True):
    """Make a schedule."""

    queue: str
    schedule_id: str
    timing: Timing
    message: ScheduledMessage
    skip_missed: bool = False
    paused: bool = False
    request_id: str = ""


class GetSchedule(msgspec.Struct, frozen=True, kw_only=True):
    """Look at a schedule."""

    queue: str
    schedule_id: str


class ListSchedules(msgspec.Struct, frozen=True, kw_only=True):
    """List the schedules of a queue by name."""

    queue: str
    page_size: int = 0
    page_token: str = ""


class SchedulePage(msgspec.Struct, frozen=True):
    """Schedules in the order of their names, without their messages; an empty token on the last page."""

    schedules: tuple[Schedule, ...]
    next_page_token: str


class UpdateSchedule(msgspec.Struct, frozen=True, kw_only=True):
    """Change a schedule: what is None stays. It sends in the name of who changed it last."""

    queue: str
    schedule_id: str
    timing: Timing | None = None
    message: ScheduledMessage | None = None
    skip_missed: bool | None = None
    paused: bool | None = None
    request_id: str = ""


class DeleteSchedule(msgspec.Struct, frozen=True, kw_only=True):
    """Delete a schedule; what it has sent stays."""

    queue: str
    schedule_id: str
    request_id: str = ""

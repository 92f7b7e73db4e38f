"""Logs beside a plain model: whatever is done to a log and its groups, both agree.

The model keeps a list of records and knows nothing of rows, lanes on disk or halving. Of the sharing of lanes it knows
what must hold, not how it is done: one holder a lane, tokens that are used once, commits by the holder alone.
"""

from typing import Any

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from cumulo.core.errors import ServiceError
from cumulo.queue_service import log_model
from cumulo.queue_service.log_model import AppendEntry, From, LaneCursor, Start
from cumulo.queue_service.open_log import lane_of
from tests.queue_service.machines import StandMachine, check

MEMBERS = ("one", "two", "three")
GROUPS = ("g", "h")
LEASE_S = 10
SIZES = (0, 10, 10, 63_980, 70_000, 300_000)
STARTS = st.one_of(
    st.builds(Start, st.just(From.POSITION), st.integers(0, 40)),
    st.builds(Start, st.just(From.TIME), st.integers(-5, 200)),  # seconds since the first moment
    st.just(Start(From.END)),
)


class ModelRecord(msgspec.Struct):
    body: bytes
    key: str
    time_ms: int
    kept_from_ms: int


class Knowledge(msgspec.Struct):
    """What a member knows: lane -> (token, position of the next record)."""

    lanes: dict[int, tuple[int, int]] = {}
    release: tuple[int, ...] = ()


class LogMachine(StandMachine):
    """One log, two groups, three members of each."""

    def __init__(self, stand_type: Any) -> None:
        super().__init__(stand_type)
        self.began_ms = self.stand.clock.wall_ms()
        self.records: list[ModelRecord] = []
        self.last_ms = 0
        self.trimmed = 0
        self.retention_s, self.retention_records, self.lanes = 604_800, 0, 1
        self.committed: dict[str, list[int]] = {}
        self.tokens: dict[str, dict[int, tuple[str, int]]] = {}
        self.used: dict[str, set[tuple[int, int]]] = {group: set() for group in GROUPS}
        self.members: dict[tuple[str, str], Knowledge] = {}

    def call(self, operation: str, request: Any) -> Any:
        return self.run(self.stand.call(operation, request))

    def refused(self, operation: str, request: Any) -> str:
        """Return the code of a refusal, empty for none."""
        try:
            self.call(operation, request)
        except ServiceError as error:
            return error.row.code
        return ""

    @property
    def log(self) -> Any:
        return self.call("GetLog", log_model.GetLog(log="events"))

    def meant(self, start: Start) -> Start:
        return Start(From.TIME, max(0, self.began_ms + start.value * 1_000)) if start.by is From.TIME else start

    def position_of(self, start: Start, first: int) -> int | None:
        """Return what a start means, None where it is behind the end."""
        end = len(self.records)
        if start.by is From.END:
            return end
        if start.by is From.TIME:
            return next((n for n in range(first, end) if self.records[n].time_ms >= start.value), end)
        return max(start.value, first) if start.value <= end else None

    @initialize(lanes=st.sampled_from((1, 1, 3)), retention_s=st.sampled_from((0, 60, 604_800)))
    def make(self, lanes: int, retention_s: int) -> None:
        attributes = log_model.LogAttributes(lane_count=lanes, retention_s=retention_s)
        self.call("CreateLog", log_model.CreateLog(log="events", attributes=attributes))
        self.lanes, self.retention_s = lanes, retention_s

    @rule(
        entries=st.lists(
            st.tuples(st.sampled_from(("", "", "a", "b", "c")), st.sampled_from(SIZES)), min_size=1, max_size=6
        ),
        expected=st.sampled_from((None, None, 0, -1, 1)),
    )
    def append(self, entries: list[tuple[str, int]], expected: int | None) -> None:
        end = len(self.records)
        made = [AppendEntry(f"{end + n}".encode().ljust(size, b"."), key) for n, (key, size) in enumerate(entries)]
        if sum(len(it.body) for it in made) > log_model.APPEND_BYTES_MAX:
            return
        position = None if expected is None else max(0, end + expected)
        request = log_model.AppendRecords(log="events", entries=tuple(made), expected_position=position)
        if position not in (None, end):
            assert self.refused("AppendRecords", request) == "LogPositionMismatch"
            return

        appended = self.call("AppendRecords", request)

        clock = self.stand.clock
        self.last_ms = max(self.last_ms, clock.wall_ms())
        assert (appended.first_position, appended.count, appended.time_ms) == (end, len(made), self.last_ms)
        self.records += [ModelRecord(it.body, it.key, self.last_ms, clock.deadline_ms()) for it in made]

    @rule(start=STARTS, count=st.sampled_from((1, 3, 1_000)), lane=st.sampled_from((None, None, 0, 2)))
    def read(self, start: Start, count: int, lane: int | None) -> None:
        start, first = self.meant(start), self.log.first_position
        request = log_model.ReadRecords(log="events", start=start, max_records=count, lane=lane)
        position = self.position_of(start, first)
        if position is None:
            assert self.refused("ReadRecords", request) == "LogPositionOutOfRange"
            return
        if lane is not None and lane >= self.lanes:
            assert self.refused("ReadRecords", request) == "InvalidParameterValue"
            return

        page = self.call("ReadRecords", request)

        self.check_records(page.records, position, lane, count)
        assert (page.first_position, page.end_position) == (first, len(self.records))

    def check_records(self, found: Any, position: int, lane: int | None, count: int) -> None:
        """The records are those of the model from a position on, some or all, and some where there are any."""
        expected = [
            n
            for n in range(position, len(self.records))
            if lane is None or lane_of(self.records[n].key, n, self.lanes) == lane
        ]
        assert [it.position for it in found] == expected[: len(found)]
        assert len(found) <= count
        assert bool(found) == bool(expected)
        for it in found:
            record = self.records[it.position]
            assert (it.body, it.key, it.time_ms) == (record.body, record.key, record.time_ms)
            assert it.lane == lane_of(record.key, it.position, self.lanes)

    # Time

    @rule(seconds=st.sampled_from((0, 1, 4, 9, 30, 61)))
    def wait(self, seconds: int) -> None:
        self.run(self.stand.advance(seconds))
        if seconds:  # longer than the pause of the trimmer
            assert self.log.first_position == self.must_keep()

    @rule(milliseconds=st.sampled_from((-3_600_000, -1, 3_600_000)))
    def step_the_wall_clock(self, milliseconds: int) -> None:
        self.stand.clock.wall += milliseconds

    @rule(retention_s=st.sampled_from((0, 60, 120)), records=st.sampled_from((0, 5)))
    def change_retention(self, retention_s: int, records: int) -> None:
        attributes = log_model.LogAttributes(retention_s=retention_s, retention_records=records)
        self.retention_s, self.retention_records = retention_s, records
        self.call("UpdateLog", log_model.UpdateLog(log="events", attributes=attributes))
        assert self.log.first_position == self.must_keep()

    def must_keep(self) -> int:
        """Return the first position that no limit takes, nor took before."""
        end, now_ms = len(self.records), self.stand.clock.deadline_ms()
        first = self.trimmed
        if self.retention_records:
            first = max(first, end - self.retention_records)
        if self.retention_s:
            while first < end and self.records[first].kept_from_ms + self.retention_s * 1_000 <= now_ms:
                first += 1
        return first

    # Groups

    @rule(
        group=st.sampled_from(GROUPS),
        member=st.sampled_from(MEMBERS),
        start=STARTS,
        count=st.sampled_from((1, 4, 1_000)),
        listens=st.booleans(),
    )
    def consume(self, group: str, member: str, start: Start, count: int, listens: bool) -> None:
        start, first = self.meant(start), self.log.first_position
        known = self.members.setdefault((group, member), Knowledge())
        kept = {lane: it for lane, it in known.lanes.items() if not (listens and lane in known.release)}
        request = log_model.ConsumeRecords(
            log="events",
            group=group,
            member=member,
            cursors=tuple(LaneCursor(lane, token, position) for lane, (token, position) in kept.items()),
            released=tuple(LaneCursor(lane, known.lanes[lane][0]) for lane in known.lanes.keys() - kept.keys()),
            start=start,
            max_records=count,
            lease_s=LEASE_S,
        )
        if group not in self.committed:
            position = self.position_of(start, first)
            if kept:
                assert self.refused("ConsumeRecords", request) == "ConsumerGroupDoesNotExist"
                known.lanes = {}
                return
            if position is None:
                assert self.refused("ConsumeRecords", request) == "LogPositionOutOfRange"
                return
            self.committed[group] = [position] * self.lanes
            self.tokens[group] = {}

        consumed = self.call("ConsumeRecords", request)

        lanes: dict[int, tuple[int, int]] = {}
        for held in consumed.lanes:
            assert held.position == self.committed[group][held.lane]
            if (held.lane, held.token) not in self.used[group]:
                self.used[group].add((held.lane, held.token))
                self.tokens[group][held.lane] = (member, held.token)
            assert self.tokens[group][held.lane] == (member, held.token)
            token, position = known.lanes.get(held.lane, (0, 0))
            lanes[held.lane] = (held.token, position if token == held.token else held.position)
        release = tuple(it.lane for it in consumed.lanes if it.release)
        for lane, (token, position) in lanes.items():
            found = [it for it in consumed.records if it.lane == lane]
            if found:
                assert lane not in release
                self.check_records(found, max(position, first), lane, count)
                lanes[lane] = (token, found[-1].position + 1)
        assert {it.lane for it in consumed.records} <= lanes.keys()
        assert len(consumed.records) <= count
        self.members[group, member] = Knowledge(lanes, release)

    @rule(group=st.sampled_from(GROUPS), member=st.sampled_from(MEMBERS), back=st.sampled_from((0, 0, 0, 1, 3)))
    def commit(self, group: str, member: str, back: int) -> None:
        known = self.members.get((group, member), Knowledge())
        cursors = tuple(
            LaneCursor(lane, token, max(0, position - back)) for lane, (token, position) in known.lanes.items()
        )
        request = log_model.CommitConsumerGroup(log="events", group=group, member=member, cursors=cursors)
        if group not in self.committed:
            assert self.refused("CommitConsumerGroup", request) == "ConsumerGroupDoesNotExist"
            return
        holders = {it.lane: it.member for it in self.listed(group).lanes}
        expected = ""
        for it in cursors:
            if holders[it.lane] != member or self.tokens[group].get(it.lane) != (member, it.token):
                expected = "LaneNotHeld"
            elif it.position < self.committed[group][it.lane]:
                expected = "LogPositionBehindCommit"
            if expected:
                break

        assert self.refused("CommitConsumerGroup", request) == expected

        if not expected:
            for it in cursors:
                self.committed[group][it.lane] = it.position

    @rule(group=st.sampled_from(GROUPS), member=st.sampled_from(MEMBERS))
    def leave(self, group: str, member: str) -> None:
        request = log_model.LeaveConsumerGroup(log="events", group=group, member=member)
        assert self.refused("LeaveConsumerGroup", request) == (
            "" if group in self.committed else "ConsumerGroupDoesNotExist"
        )
        if group in self.committed:
            assert all(it.member != member for it in self.listed(group).lanes)

    @rule(group=st.sampled_from(GROUPS), start=STARTS)
    def seek(self, group: str, start: Start) -> None:
        start = self.meant(start)
        position = self.position_of(start, self.log.first_position)
        request = log_model.SeekConsumerGroup(log="events", group=group, start=start)

        assert self.refused("SeekConsumerGroup", request) == ("LogPositionOutOfRange" if position is None else "")

        if position is not None:
            self.committed[group] = [position] * self.lanes
            self.tokens[group] = {}  # whoever holds a lane has a new token, which he learns later

    @rule(group=st.sampled_from(GROUPS))
    def forget(self, group: str) -> None:
        request = log_model.DeleteConsumerGroup(log="events", group=group)
        known = group in self.committed
        assert self.refused("DeleteConsumerGroup", request) == ("" if known else "ConsumerGroupDoesNotExist")
        self.committed.pop(group, None)
        for member in MEMBERS:
            self.members.pop((group, member), None)

    def listed(self, group: str) -> Any:
        page = self.call("ListConsumerGroups", log_model.ListConsumerGroups(log="events"))
        return next(it for it in page.groups if it.name == group)

    @invariant()
    def ends_and_groups_agree(self) -> None:
        if not self.records and not self.committed:
            return
        log = self.log
        assert log.next_position == len(self.records)
        assert self.trimmed <= log.first_position <= self.must_keep()
        self.trimmed = log.first_position
        page = self.call("ListConsumerGroups", log_model.ListConsumerGroups(log="events"))
        assert [it.name for it in page.groups] == sorted(self.committed)
        for group in page.groups:
            for lane in group.lanes:
                position = max(self.committed[group.name][lane.lane], log.first_position)
                waiting = sum(
                    lane_of(self.records[n].key, n, self.lanes) == lane.lane for n in range(position, len(self.records))
                )
                assert (lane.position, lane.lag) == (position, waiting)

    @invariant()
    def nothing_is_wrong_on_disk(self) -> None:
        assert self.run(self.stand.problems()) == []


def test_logs_agree_with_a_plain_model_in_memory(make_stand):
    check(LogMachine, make_stand, 25, on_disk=False)


def test_logs_agree_with_a_plain_model_on_disk_through_crashes(make_stand):
    check(LogMachine, make_stand, 8, on_disk=True)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("on_disk", "examples"), [(False, 1_000), (True, 200)])
def test_logs_agree_with_a_plain_model_for_long(make_stand, on_disk, examples):
    check(LogMachine, make_stand, examples, on_disk=on_disk)

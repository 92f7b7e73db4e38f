"""Schedules: a queue is sent messages by cron expressions, at rates and once, over restarts and steps of the clock."""

import asyncio
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from cumulo.core.errors import ServiceError
from cumulo.queue_service import message_model
from cumulo.queue_service import schedule_model as schedules
from cumulo.queue_service.instants import check_timing, next_instant_ms
from cumulo.queue_service.scheduler import LOOK_AGAIN_MS
from cumulo.queue_service.schedules import schedule_key
from cumulo.storage import failpoints

HOURLY = schedules.Timing(cron="0 * * * *")
MINUTE_MS = 60_000


@pytest.fixture(autouse=True)
def _unarmed():
    yield
    failpoints.disarm()


def wall(text):
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def set_clock(it, text):
    it.clock.wall = it.clock.deadline = wall(text)


async def add(it, name="tick", timing=HOURLY, body=b"tick", queue="jobs", group_id=None, **more):
    message = schedules.ScheduledMessage(body, more.pop("attributes", ()), group_id)
    request = schedules.CreateSchedule(queue=queue, schedule_id=name, timing=timing, message=message, **more)
    return await it.call("CreateSchedule", request)


async def change(it, name="tick", queue="jobs", **more):
    return await it.call("UpdateSchedule", schedules.UpdateSchedule(queue=queue, schedule_id=name, **more))


async def look(it, name="tick", queue="jobs"):
    return await it.call("GetSchedule", schedules.GetSchedule(queue=queue, schedule_id=name))


async def instants(it, queue="jobs"):
    """The instants that the messages of a queue are for, in their order; the messages are deleted."""
    found = []
    while messages := await it.receive(100, queue=queue):
        for message in messages:
            by_name = {attribute.name: attribute.value.decode() for attribute in message.attributes}
            found.append(by_name["cumulo.scheduled-time"])
            await it.delete(message.receipt_handle, queue=queue)
    return found


async def pass_hours(it, count):
    for _ in range(count * 4):
        await it.advance(900)


@pytest.mark.parametrize(
    ("timing", "after", "expected"),
    [
        (("*/15 9-17 * * MON-FRI", ""), "2026-11-20T17:50+00:00", "2026-11-23T09:00+00:00"),
        (("0 9 * * *", "Europe/Berlin"), "2026-03-28T12:00+00:00", "2026-03-29T07:00+00:00"),
        (("30 2 * * *", "Europe/Berlin"), "2026-03-28T12:00+00:00", "2026-03-29T01:00+00:00"),
        (("30 2 * * *", "Europe/Berlin"), "2026-10-25T00:00+00:00", "2026-10-25T00:30+00:00"),
        (("30 2 * * *", "Europe/Berlin"), "2026-10-25T00:30+00:00", "2026-10-26T01:30+00:00"),
        (("30 2 * * *", "Europe/Berlin"), "2026-10-25T01:10+00:00", "2026-10-26T01:30+00:00"),
        (("0 0 29 2 *", "UTC"), "2026-01-01T00:00+00:00", "2028-02-29T00:00+00:00"),
        (("0 12 L * *", ""), "2026-02-01T00:00+00:00", "2026-02-28T12:00+00:00"),
    ],
)
def test_cron_expression_means_wall_time_in_its_zone(timing, after, expected):
    cron, zone = timing
    found = next_instant_ms(schedules.Timing(cron=cron, time_zone=zone), 0, wall(after))

    assert found is not None
    assert datetime.fromtimestamp(found / 1000, UTC) == datetime.fromisoformat(expected)


@pytest.mark.parametrize("after_ms", [0, 999, 1_000, 59_999, 60_000, 60_001])
def test_rate_counts_from_when_it_was_set(after_ms):
    found = next_instant_ms(schedules.Timing(every_s=60), 1_000, after_ms)

    assert found is not None
    assert found > after_ms
    assert (found - 1_000) % MINUTE_MS == 0
    assert found - after_ms <= MINUTE_MS + 1_000


@pytest.mark.parametrize(
    ("timing", "parameter"),
    [
        (schedules.Timing(), "timing"),
        (schedules.Timing(cron="* * * * *", every_s=5), "timing"),
        (schedules.Timing(cron="* * * *"), "cron"),
        (schedules.Timing(cron="* * * * * *"), "cron"),
        (schedules.Timing(cron="61 * * * *"), "cron"),
        (schedules.Timing(cron="0 0 31 2 *"), "cron"),
        (schedules.Timing(cron="0 0 30 2 1#6"), "cron"),
        (schedules.Timing(cron="0 0 L L L"), "cron"),
        (schedules.Timing(cron="* * * * " + "1," * 100), "cron"),
        (schedules.Timing(cron="* * * * *", time_zone="Europe/Atlantis"), "time_zone"),
        (schedules.Timing(cron="* * * * *", time_zone="../etc/passwd"), "time_zone"),
        (schedules.Timing(cron="* * * * *", time_zone="x" * 65), "time_zone"),
        (schedules.Timing(cron="* * * * *", time_zone="Europe"), "time_zone"),
        (schedules.Timing(every_s=5, time_zone="UTC"), "time_zone"),
        (schedules.Timing(every_s=-1), "every_s"),
        (schedules.Timing(every_s=31_622_401), "every_s"),
        (schedules.Timing(at_ms=-1), "at_ms"),
        (schedules.Timing(at_ms=1 << 60), "at_ms"),
    ],
)
def test_timing_that_is_none_is_refused(timing, parameter):
    with pytest.raises(ServiceError, match=parameter) as refused:
        check_timing(timing, wall("2026-01-01T00:00+00:00"))

    assert refused.value.row.code == "InvalidParameterValue"


@pytest.mark.parametrize("queue", ["jobs", "jobs.fifo"])
def test_message_is_sent_at_each_instant_and_says_which(run, queue):
    fifo = queue.endswith(".fifo")

    async def scenario(it):
        set_clock(it, "2026-05-01T10:30+00:00")
        await it.create(queue)
        attribute = message_model.MessageAttribute("colour", "String", b"blue")
        made = await add(it, queue=queue, group_id="g" if fifo else None, attributes=(attribute,))
        await it.advance(1_799)
        before = await it.counts(queue)
        await it.advance(1)
        (message,) = await it.receive(queue=queue)
        await it.delete(message.receipt_handle, queue=queue)
        await it.advance(3_600)

        shown = await look(it, queue=queue)
        assert before == (0, 0, 0)
        assert message.body == b"tick"
        assert [(each.name, each.value) for each in message.attributes] == [
            ("colour", b"blue"),
            ("cumulo.schedule", b"tick"),
            ("cumulo.scheduled-time", b"2026-05-01T11:00:00Z"),
        ]
        assert message.sender_id == it.ctx.principal.id
        assert (made.next_ms, shown.next_ms) == (wall("2026-05-01T11:00+00:00"), wall("2026-05-01T13:00+00:00"))
        assert (shown.last_ms, shown.sent_count) == (wall("2026-05-01T12:00+00:00"), 2)
        assert shown.message.attributes == (attribute,)
        assert await instants(it, queue) == ["2026-05-01T12:00:00Z"]

    run(scenario)


def test_rate_and_single_time(run):
    async def scenario(it):
        set_clock(it, "2026-05-01T10:00+00:00")
        await it.create()
        await add(it, "rate", schedules.Timing(every_s=7))
        await add(it, "once", schedules.Timing(at_ms=wall("2026-05-01T10:00:10+00:00")))
        await add(it, "late", schedules.Timing(at_ms=wall("2020-01-01T00:00+00:00")))
        for _ in range(21):
            await it.advance(1)

        once, late = await look(it, "once"), await look(it, "late")
        assert sorted(await instants(it)) == [
            "2020-01-01T00:00:00Z",
            "2026-05-01T10:00:07Z",
            "2026-05-01T10:00:10Z",
            "2026-05-01T10:00:14Z",
            "2026-05-01T10:00:21Z",
        ]
        assert (once.state, once.next_ms, late.state) == ("COMPLETED", 0, "COMPLETED")
        assert (await change(it, "once")).state == "COMPLETED"

    run(scenario)


@pytest.mark.parametrize(("skip", "made_up"), [(False, ["2026-05-01T11:00:00Z"]), (True, [])])
def test_missed_instants_are_made_up_for_by_one_message_or_skipped(run, skip, made_up):
    async def scenario(it):
        set_clock(it, "2026-05-01T10:30+00:00")
        await it.create()
        await add(it, skip_missed=skip)
        it.clock.advance(5 * 3_600_000)  # no server runs
        await it.restart()
        await it.advance(0)
        missed = await instants(it)
        await pass_hours(it, 1)

        assert missed == made_up
        assert await instants(it) == ["2026-05-01T16:00:00Z"]

    run(scenario)


@pytest.mark.parametrize("skip", [False, True])
def test_instant_that_comes_a_little_late_is_not_missed(run, skip):
    async def scenario(it):
        set_clock(it, "2026-05-01T10:30+00:00")
        await it.create()
        await add(it, skip_missed=skip)
        await it.advance(1_800 + 59)

        assert await instants(it) == ["2026-05-01T11:00:00Z"]

    run(scenario)


def test_paused_schedule_sends_nothing_and_goes_on_from_then(run):
    async def scenario(it):
        set_clock(it, "2026-05-01T10:30+00:00")
        await it.create()
        await add(it)
        paused = await change(it, paused=True)
        await pass_hours(it, 3)
        nothing = await instants(it)
        resumed = await change(it, paused=False)
        await pass_hours(it, 1)

        assert (paused.state, paused.next_ms, nothing) == ("PAUSED", 0, [])
        assert (resumed.state, resumed.next_ms) == ("ACTIVE", wall("2026-05-01T14:00+00:00"))
        assert await instants(it) == ["2026-05-01T14:00:00Z"]

    run(scenario)


def test_change_replaces_what_is_named_and_loses_no_instant_that_is_due(run):
    async def scenario(it):
        set_clock(it, "2026-05-01T10:30+00:00")
        await it.create()
        await add(it)
        it.clock.advance(1_800_000)  # due, and not yet sent for
        changed = await change(it, message=schedules.ScheduledMessage(b"tock"))
        await it.advance(0)
        (message,) = await it.receive()
        await it.delete(message.receipt_handle)
        changed = await change(it, timing=schedules.Timing(every_s=60))
        await it.advance(60)

        assert message.body == b"tock"
        assert changed.timing == schedules.Timing(every_s=60)
        assert await instants(it) == ["2026-05-01T11:01:00Z"]

    run(scenario)


def test_step_of_the_system_clock_is_seen_within_an_hour_and_sends_no_instant_twice(run):
    async def scenario(it):
        set_clock(it, "2026-05-01T10:30+00:00")
        await it.create()
        await add(it, timing=schedules.Timing(cron="0 */6 * * *"))
        it.clock.wall += 5 * 3_600_000  # 15:30 by the wall
        await it.advance(LOOK_AGAIN_MS / 1000)
        seen = await instants(it)
        it.clock.wall -= 8 * 3_600_000  # 08:30
        await pass_hours(it, 12)  # 20:30
        back = await instants(it)
        await change(it, timing=schedules.Timing(cron="0 */6 * * *"))
        await pass_hours(it, 4)

        assert seen == ["2026-05-01T12:00:00Z"]
        assert back == ["2026-05-01T18:00:00Z"]
        assert await instants(it) == ["2026-05-02T00:00:00Z"]

    run(scenario)


def test_schedules_go_with_their_queue_and_outlive_a_purge(run):
    async def scenario(it):
        set_clock(it, "2026-05-01T10:30+00:00")
        await it.create()
        await add(it)
        await it.purge()
        await pass_hours(it, 1)
        purged = await instants(it)
        await it.remove()
        await it.create()
        await pass_hours(it, 3)

        assert purged == ["2026-05-01T11:00:00Z"]
        assert await it.counts() == (0, 0, 0)
        page = await it.call("ListSchedules", schedules.ListSchedules(queue="jobs"))
        assert page.schedules == ()

    run(scenario)


def test_schedule_keeps_a_queue_that_ends_by_itself_while_it_sends_often_enough(run):
    async def scenario(it):
        set_clock(it, "2026-05-01T10:30+00:00")
        for queue, timing in (("often", schedules.Timing(every_s=30)), ("rarely", HOURLY)):
            await it.create(queue, expire_after_idle_s=60)
            await add(it, timing=timing, queue=queue)
        for _ in range(20):
            await it.advance(30)

        assert await it.counts("often") == (20, 0, 0)
        with pytest.raises(ServiceError) as gone:
            await look(it, queue="rarely")
        assert gone.value.row.code == "QueueDoesNotExist"

    run(scenario)


def test_deleted_schedule_sends_nothing_and_its_name_is_free(run):
    async def scenario(it):
        set_clock(it, "2026-05-01T10:30+00:00")
        await it.create()
        await add(it)
        await it.call("DeleteSchedule", schedules.DeleteSchedule(queue="jobs", schedule_id="tick"))
        await pass_hours(it, 1)
        with pytest.raises(ServiceError) as gone:
            await look(it)
        await add(it, timing=schedules.Timing(every_s=60))
        with pytest.raises(ServiceError) as there:
            await add(it)

        assert await it.counts() == (0, 0, 0)
        assert (gone.value.row.code, there.value.row.code) == ("ResourceNotFoundException", "ConflictException")

    run(scenario)


def test_list_is_paged_and_leaves_messages_out(run):
    async def scenario(it):
        await it.create()
        for number in range(5):
            await add(it, f"s{number}")

        first = await it.call("ListSchedules", schedules.ListSchedules(queue="jobs", page_size=3))
        rest = await it.call(
            "ListSchedules", schedules.ListSchedules(queue="jobs", page_size=3, page_token=first.next_page_token)
        )

        assert [each.schedule_id for page in (first, rest) for each in page.schedules] == ["s0", "s1", "s2", "s3", "s4"]
        assert {each.message for each in first.schedules} == {None}
        assert (bool(first.next_page_token), rest.next_page_token) == (True, "")

    run(scenario)


def test_queue_has_a_limit_of_schedules(run):
    async def scenario(it):
        await it.create()
        for number in range(schedules.SCHEDULES_MAX):
            await add(it, f"s{number}")

        with pytest.raises(ServiceError, match="100 schedules") as refused:
            await add(it, "one-more")

        assert refused.value.row.code == "ServiceQuotaExceededException"

    run(scenario)


@pytest.mark.parametrize(
    ("queue", "more", "code"),
    [
        ("jobs", {"name": "a/b"}, "InvalidParameterValue"),
        ("jobs", {"name": ""}, "InvalidParameterValue"),
        ("jobs", {"name": "x" * 65}, "InvalidParameterValue"),
        ("jobs", {"body": b""}, "MissingParameter"),
        ("jobs", {"body": b"x" * 32_769}, "InvalidParameterValue"),
        ("jobs.fifo", {}, "MissingParameter"),
        ("jobs.fifo", {"group_id": "a b"}, "InvalidParameterValue"),
        (
            "jobs",
            {"attributes": (message_model.MessageAttribute("cumulo.schedule", "String", b"x"),)},
            "InvalidParameterValue",
        ),
        (
            "jobs",
            {"attributes": tuple(message_model.MessageAttribute(f"a{n}", "String", b"x") for n in range(9))},
            "InvalidParameterValue",
        ),
        ("jobs", {"attributes": (message_model.MessageAttribute("a", "Strange", b"x"),)}, "InvalidParameterValue"),
        ("nowhere", {}, "QueueDoesNotExist"),
    ],
)
def test_bad_schedule_is_refused_and_nothing_is_stored(run, queue, more, code):
    async def scenario(it):
        await it.create()
        await it.create("jobs.fifo")
        with pytest.raises(ServiceError) as refused:
            await add(it, queue=queue, **more)

        assert refused.value.row.code == code
        assert (await it.call("ListSchedules", schedules.ListSchedules(queue="jobs"))).schedules == ()

    run(scenario)


def test_repeated_request_gets_the_first_answer(run):
    async def scenario(it):
        await it.create()
        first = await add(it, request_id="one")
        second = await add(it, request_id="one")
        paused = await change(it, paused=True, request_id="two")
        again = await change(it, paused=True, request_id="two")

        assert first == second
        assert paused == again

    run(scenario)


def test_message_that_the_queue_takes_no_more_is_told_and_the_next_is_tried(run):
    async def scenario(it):
        set_clock(it, "2026-05-01T10:30+00:00")
        await it.create()
        await add(it, body=b"x" * 2_000)
        await it.update(maximum_message_size_bytes=1_024)
        await pass_hours(it, 1)
        told = await look(it)
        await it.update(maximum_message_size_bytes=4_096)
        await pass_hours(it, 1)

        assert (told.state, told.sent_count, told.last_message_id) == ("ACTIVE", 0, "")
        assert "shorter than 1024" in told.reason
        assert (await look(it)).reason == ""
        assert await instants(it) == ["2026-05-01T12:00:00Z"]

    run(scenario)


@pytest.mark.parametrize("point", ["engine.before_commit", "engine.after_commit"])
def test_each_instant_is_sent_for_once_through_a_crash_at_its_commit(make_stand, tmp_path, point):
    async def scenario():
        it = make_stand(tmp_path / "engine")
        await it.open()
        set_clock(it, "2026-05-01T10:30+00:00")
        await it.create()
        await add(it)
        failpoints.arm(f"{point}=error@1")
        with pytest.raises(Exception, match=r"engine|failed|commit"):
            await it.advance(1_800)
        failpoints.disarm()
        await it.restart()
        await it.advance(0)
        found = await instants(it)
        assert await it.problems() == []
        await it.close()

        assert found == ["2026-05-01T11:00:00Z"]

    asyncio.run(scenario())


class Clockwork(RuleBasedStateMachine):
    """Schedules beside a plain model: which instants were sent for, over restarts, pauses and standstills."""

    def __init__(self, make_stand):
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.it = make_stand(None)
        self.next_ms = {}
        """Of each schedule its next instant, None while it is paused."""
        self.periods = {}
        self.sent = []

    def do(self, work):
        return self.loop.run_until_complete(work)

    @initialize()
    def begin(self):
        self.do(self.it.open())
        self.do(self.it.create())

    @rule(number=st.integers(0, 2), period=st.sampled_from([30, 60, 3_600]))
    def add(self, number, period):
        name = f"s{number}"
        if name not in self.periods:
            self.do(add(self.it, name, schedules.Timing(every_s=period)))
            self.periods[name] = (self.it.clock.wall, period * 1000)
            self.next_ms[name] = self.it.clock.wall + period * 1000

    @rule(number=st.integers(0, 2))
    def remove(self, number):
        name = f"s{number}"
        if name in self.periods:
            self.do(self.it.call("DeleteSchedule", schedules.DeleteSchedule(queue="jobs", schedule_id=name)))
            del self.periods[name], self.next_ms[name]

    @rule(number=st.integers(0, 2), paused=st.booleans())
    def pause(self, number, paused):
        name = f"s{number}"
        if name in self.periods:
            self.do(change(self.it, name, paused=paused))
            if paused:
                self.next_ms[name] = None
            elif self.next_ms[name] is None:
                self.next_ms[name] = self.following(name)

    def following(self, name):
        anchor, period = self.periods[name]
        return anchor + ((self.it.clock.wall - anchor) // period + 1) * period

    @rule(seconds=st.sampled_from([1, 29, 30, 61, 3_601]), standstill=st.booleans())
    def pass_time(self, seconds, standstill):
        self.it.clock.advance(seconds * 1000)
        if standstill:
            self.do(self.it.restart())
        self.do(self.it.advance(0))
        for name, next_ms in self.next_ms.items():
            if next_ms is not None and next_ms <= self.it.clock.wall:
                self.sent.append((name, next_ms))
                self.next_ms[name] = self.following(name)

    @rule()
    def restart(self):
        self.do(self.it.restart())

    @invariant()
    def agree(self):
        if self.it.engine is None:
            return
        found = []
        while messages := self.do(self.it.receive(100)):
            for message in messages:
                by_name = {attribute.name: attribute.value.decode() for attribute in message.attributes}
                found.append((by_name["cumulo.schedule"], wall(by_name["cumulo.scheduled-time"])))
                self.do(self.it.delete(message.receipt_handle))
        assert sorted(found) == sorted((name, at_ms // 1000 * 1000) for name, at_ms in self.sent)
        self.sent = []
        assert self.do(self.it.problems()) == []

    def teardown(self):
        if self.it.engine is not None:
            self.do(self.it.close())
        self.loop.close()


def test_schedules_agree_with_a_plain_model(make_stand):
    class Machine(Clockwork):
        def __init__(self):
            super().__init__(make_stand)

    run_state_machine_as_test(Machine, settings=settings(max_examples=30, stateful_step_count=25, deadline=None))


@pytest.mark.parametrize("queue", ["jobs", "jobs.fifo"])
def test_message_of_an_encrypted_queue_is_sealed_in_its_schedule_too(run, queue):
    fifo = queue.endswith(".fifo")

    async def scenario(it):
        set_clock(it, "2026-05-01T10:30+00:00")
        await it.create(queue, managed_sse_enabled=True)
        attribute = message_model.MessageAttribute("colour", "String", b"a secret colour")
        made = await add(it, queue=queue, body=b"a secret", attributes=(attribute,), group_id="g" if fifo else None)
        place = it.service.desk.place(it.ctx, queue)
        partition = (await it.service.desk.find(place)).row.partition
        stored = await it.engine.read((partition,), lambda txn, _: txn.get(schedule_key(partition, "tick")), None)
        await it.update(queue, managed_sse_enabled=False, kms_master_key_id="alias/mine")
        await it.restart()
        await it.advance(1_800)
        (message,) = await it.receive(queue=queue)

        assert b"secret" not in stored
        assert (made.message.body, made.message.attributes) == (b"a secret", (attribute,))
        assert await look(it, queue=queue) == msgspec.structs.replace(
            made,
            next_ms=wall("2026-05-01T12:00+00:00"),
            last_ms=wall("2026-05-01T11:00+00:00"),
            last_message_id=message.message_id,
            sent_count=1,
        )
        assert (message.body, message.attributes[0]) == (b"a secret", attribute)

    run(scenario)

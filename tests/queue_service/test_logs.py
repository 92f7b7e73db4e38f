"""Logs: appending in order, reading from any place, waiting, retention, and what is refused."""

import asyncio
import json

import pytest

from cumulo.core.context import CallContext
from cumulo.core.errors import ServiceError
from cumulo.core.names import FIRST_ACCOUNT
from cumulo.identity.policy import Principal, PrincipalKind
from cumulo.queue_service import log_attributes, log_model, log_operations, message_model, open_log
from cumulo.queue_service.log_model import AppendEntry, From, Start

OLDEST = Start()
END = Start(From.END)
OTHER = "111111111111"


def at(position):
    return Start(From.POSITION, position)


def since(time_ms):
    return Start(From.TIME, time_ms)


async def create(it, log="events", **attributes):
    return await it.call("CreateLog", log_model.CreateLog(log=log, attributes=log_model.LogAttributes(**attributes)))


async def append(it, *bodies, log="events", key="", **more):
    entries = tuple(body if isinstance(body, AppendEntry) else AppendEntry(body, key) for body in bodies)
    return await it.call("AppendRecords", log_model.AppendRecords(log=log, entries=entries, **more))


async def read(it, start=OLDEST, log="events", **more):
    return await it.call("ReadRecords", log_model.ReadRecords(log=log, start=start, **more))


async def get(it, log="events"):
    return await it.call("GetLog", log_model.GetLog(log=log))


async def update(it, defaults=(), **attributes):
    request = log_model.UpdateLog(log="events", attributes=log_model.LogAttributes(**attributes), defaults=defaults)
    return await it.call("UpdateLog", request)


async def delete(it, log="events"):
    await it.call("DeleteLog", log_model.DeleteLog(log=log))


async def refusal(coroutine):
    with pytest.raises(ServiceError) as refused:
        await coroutine
    return refused.value.row.code


def bodies(page):
    return [record.body for record in page.records]


def test_records_get_dense_positions_and_are_read_in_order(run):
    async def scenario(it):
        await create(it)
        first = await append(it, b"a", b"b")
        second = await append(it, b"c")

        page = await read(it)

        assert (first.first_position, first.count, second.first_position) == (0, 2, 2)
        assert [(record.position, record.body) for record in page.records] == [(0, b"a"), (1, b"b"), (2, b"c")]
        assert (page.next_position, page.first_position, page.end_position) == (3, 0, 3)
        assert bodies(await read(it)) == [b"a", b"b", b"c"]

    run(scenario)


def test_a_record_comes_back_as_it_was_appended(run):
    async def scenario(it):
        await create(it)
        attributes = (
            message_model.MessageAttribute("n", "Number", b"1"),
            message_model.MessageAttribute("b", "Binary", b"\0", True),
        )
        appended = await append(it, AppendEntry(b"", "key é", attributes))

        (record,) = (await read(it)).records

        assert record == log_model.LogRecord(0, appended.time_ms, "key é", b"", attributes, 0)
        assert appended.time_ms == it.clock.wall_ms()

    run(scenario)


@pytest.mark.parametrize("lane_count", [1, 3])
def test_large_records_are_whole_and_a_read_answers_a_mebibyte_or_one_record(run, lane_count):
    async def scenario(it):
        await create(it, lane_count=lane_count)
        sent = [bytes([65 + n]) * size for n, size in enumerate((1_048_576, 10, 600_000, 600_000, 64_000, 63_990, 0))]
        for body in sent:
            await append(it, body)

        pages = [await read(it)]
        while pages[-1].next_position < len(sent):
            pages.append(await read(it, at(pages[-1].next_position)))

        assert [len(page.records) for page in pages] == [1, 2, 4]
        assert [body for page in pages for body in bodies(page)] == sent
        for size in (1, 2, 5):
            assert bodies(await read(it, at(1), max_records=size)) == sent[1:3][:size]
        for lane in range(lane_count):
            position, found = 0, []
            while position < len(sent):
                page = await read(it, at(position), lane=lane)
                found += bodies(page)
                position = page.next_position
            assert found == sent[lane::lane_count]

    run(scenario)


def test_reading_goes_on_from_a_position_a_time_or_the_end(run):
    async def scenario(it):
        await create(it)
        times = []
        for n in range(50):
            it.clock.advance(10 if n % 5 == 0 else 0)
            times.append((await append(it, str(n).encode())).time_ms)

        for n in (0, 7, 49, 50):
            assert bodies(await read(it, at(n))) == [str(m).encode() for m in range(n, 50)]
        for time_ms in range(times[0] - 5, times[-1] + 6):
            expected = [str(n).encode() for n in range(50) if times[n] >= time_ms]
            assert bodies(await read(it, since(time_ms))) == expected
        end = await read(it, END)
        assert (end.records, end.next_position) == ((), 50)
        assert await refusal(read(it, at(51))) == "LogPositionOutOfRange"

    run(scenario)


def test_times_never_fall_when_the_wall_clock_is_set_back(run):
    async def scenario(it):
        await create(it)
        first = await append(it, b"a")
        it.clock.wall -= 3_600_000
        second = await append(it, b"b")
        it.clock.wall += 3_600_005
        third = await append(it, b"c")

        assert (second.time_ms, third.time_ms) == (first.time_ms, first.time_ms + 5)
        assert bodies(await read(it, since(first.time_ms + 1))) == [b"c"]

    run(scenario)


def test_a_reader_who_waits_is_woken_by_an_append(run, settle):
    async def scenario(it):
        await create(it)
        await append(it, b"old")
        waiting = [asyncio.ensure_future(read(it, start, wait_s=20)) for start in (END, at(1), END)]
        await settle()
        assert not any(task.done() for task in waiting)
        assert it.logs.parked == 3

        await append(it, b"new")

        assert [bodies(page) for page in await asyncio.gather(*waiting)] == [[b"new"]] * 3
        assert it.logs.parked == 0

    run(scenario)


def test_a_reader_of_a_lane_waits_for_records_of_that_lane(run, settle):
    async def scenario(it):
        await create(it, lane_count=2)
        keys = {open_log.lane_of(key, 0, 2): key for key in "abcdef"}
        waiting = asyncio.ensure_future(read(it, END, lane=1, wait_s=20))
        await settle()
        await append(it, b"no", key=keys[0])
        await settle()
        assert not waiting.done()

        await append(it, b"yes", key=keys[1])

        assert [(record.body, record.lane) for record in (await waiting).records] == [(b"yes", 1)]

    run(scenario)


def test_a_reader_who_waits_for_a_log_that_is_deleted_hears_of_it(run, settle):
    async def scenario(it):
        await create(it)
        waiting = asyncio.ensure_future(read(it, wait_s=20))
        await settle()

        await delete(it)

        assert await refusal(waiting) == "LogDoesNotExist"

    run(scenario)


def test_waits_end_with_nothing_at_the_drain(run, settle):
    async def scenario(it):
        await create(it)
        waiting = asyncio.ensure_future(read(it, wait_s=20))
        await settle()

        await it.restart()

        assert (await waiting).records == ()

    run(scenario)


def test_an_append_at_an_expected_position_is_done_there_or_not_at_all(run):
    async def scenario(it):
        await create(it)

        await append(it, b"a", expected_position=0)
        for wrong in (0, 2):
            assert await refusal(append(it, b"x", expected_position=wrong)) == "LogPositionMismatch"
        await append(it, b"b", expected_position=1)

        assert bodies(await read(it)) == [b"a", b"b"]

    run(scenario)


def test_a_repeated_append_is_answered_as_the_first(run):
    async def scenario(it):
        await create(it)
        first = await append(it, b"a", request_id="r")
        await append(it, b"b")
        it.clock.advance(1_000)

        assert await append(it, b"a", request_id="r") == first
        assert await refusal(append(it, b"c", request_id="r")) == "IdempotentParameterMismatch"
        assert bodies(await read(it)) == [b"a", b"b"]
        await it.restart()
        assert await append(it, b"a", request_id="r") == first
        await it.advance(600)
        assert (await append(it, b"a", request_id="r")).first_position == 2

    run(scenario)


def test_records_are_there_after_a_restart(run):
    async def scenario(it):
        await create(it, lane_count=3)
        await append(it, *(b"%d" % n for n in range(10)))

        await it.restart()
        await append(it, b"10")

        assert bodies(await read(it)) == [b"%d" % n for n in range(11)]

    run(scenario)


@pytest.mark.parametrize("lane_count", [1, 4])
def test_records_older_than_the_retention_go(run, lane_count):
    async def scenario(it):
        await create(it, lane_count=lane_count, retention_s=60)
        await append(it, b"a", b"b", b"x" * 200_000)
        await it.advance(30)
        await append(it, b"c")

        await it.advance(29)
        assert len((await read(it)).records) == 4
        await it.advance(2)
        page = await read(it)
        assert (bodies(page), page.first_position, page.records[0].position) == ([b"c"], 3, 3)
        await it.advance(60)
        log = await get(it)
        assert (log.first_position, log.next_position, log.size_bytes) == (4, 4, 0)
        assert (await append(it, b"d")).first_position == 4

    run(scenario)


def test_no_more_records_are_kept_than_the_retention_says(run):
    async def scenario(it):
        await create(it, retention_s=0, retention_records=10)
        for first in range(0, 3_000, 100):
            await append(it, *(b"%d" % n for n in range(first, first + 100)))

        await it.advance(2)

        assert bodies(await read(it)) == [b"%d" % n for n in range(2_990, 3_000)]

    run(scenario)


def test_no_more_bytes_are_kept_than_the_retention_says(run):
    async def scenario(it):
        await create(it, retention_bytes=4 * 1024 * 1024)
        for _ in range(6):
            await append(it, bytes(1_000_000))

        await it.advance(2)

        log = await get(it)
        assert (log.first_position, log.next_position) == (2, 6)
        assert log.size_bytes <= 4 * 1024 * 1024

    run(scenario)


def test_a_reader_behind_the_oldest_record_sees_the_gap_in_the_positions(run):
    async def scenario(it):
        await create(it, retention_records=2)
        await append(it, *(b"%d" % n for n in range(5)))
        await it.advance(2)

        page = await read(it, at(1))

        assert ([record.position for record in page.records], page.first_position) == ([3, 4], 3)

    run(scenario)


def test_a_shorter_retention_is_in_force_at_once_and_a_longer_one_too(run):
    async def scenario(it):
        await create(it, retention_s=60)
        await append(it, b"a")
        await update(it, retention_s=0)
        await it.advance(100)
        assert bodies(await read(it)) == [b"a"]

        await update(it, retention_s=100)
        assert bodies(await read(it)) == []
        await append(it, b"b", b"c")
        await update(it, retention_records=1)
        assert bodies(await read(it)) == [b"c"]

    run(scenario)


def test_jumps_of_the_wall_clock_trim_nothing(run):
    async def scenario(it):
        await create(it, retention_s=60)
        await append(it, b"a")
        it.clock.wall += 365 * 86_400_000
        await it.advance(1)

        assert bodies(await read(it)) == [b"a"]

    run(scenario)


def test_making_a_log_again_finds_the_same_one_unless_an_attribute_differs(run):
    async def scenario(it):
        made = await create(it, lane_count=2, retention_s=600)
        await append(it, b"a")

        again = await create(it, lane_count=2)

        assert (made.next_position, again.next_position, again.retention_s) == (0, 1, 600)
        assert again.full_name == f"accounts/{FIRST_ACCOUNT}/regions/us-east-1/logs/events"
        assert again.arn == f"arn:aws:sqs:us-east-1:{FIRST_ACCOUNT}:log/events"
        assert await refusal(create(it, lane_count=1)) == "LogNameExists"
        assert await refusal(create(it, retention_s=60)) == "LogNameExists"
        statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": made.arn}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        assert await refusal(create(it, policy=policy)) == "LogNameExists"

    run(scenario)


def test_logs_made_at_once_are_one(run):
    async def scenario(it):
        made = await asyncio.gather(*(create(it, retention_s=60) for _ in range(8)))

        assert len({log.create_ms for log in made}) == 1

    run(scenario)


def test_a_log_is_changed_and_returns_to_its_defaults(run):
    async def scenario(it):
        await create(it, retention_s=60, retention_records=5)
        it.clock.advance(10)

        changed = await update(it, ("retention_s",), retention_records=7)

        assert (changed.retention_s, changed.retention_records) == (604_800, 7)
        assert changed.update_ms == changed.create_ms + 10
        assert await refusal(update(it, lane_count=2)) == "InvalidAttributeValue"
        assert await refusal(update(it, ("names",))) == "InvalidAttributeValue"
        assert (await update(it, lane_count=1)).lane_count == 1

    run(scenario)


def test_a_deleted_log_is_gone_at_once_and_cleared_in_slices(run):
    async def scenario(it):
        await create(it)
        for _ in range(25):
            await append(it, *[b"x"] * 100)
        await delete(it)

        for refused in (read(it), append(it, b"x"), get(it), delete(it)):
            assert await refusal(refused) == "LogDoesNotExist"
        await create(it)
        assert (await append(it, b"new")).first_position == 0
        await it.advance(1)
        assert bodies(await read(it)) == [b"new"]
        rows = await it.engine.inspect(lambda txn, _: len(txn.range(b"\0" * 7 + b"\1", b"\xf0", 5_000)), None)
        assert rows < 10

    run(scenario)


def test_deleting_a_log_again_under_the_same_request_id_is_no_error(run):
    async def scenario(it):
        await create(it)
        for _ in range(2):
            await it.call("DeleteLog", log_model.DeleteLog(log="events", request_id="r"))

    run(scenario)


def test_logs_are_listed_by_name_in_pages(run):
    async def scenario(it):
        names = [f"log-{n:02}" for n in range(12)]
        for name in reversed([*names, "other"]):
            await create(it, name)

        async def page(token="", **more):
            request = log_model.ListLogs(prefix="log-", page_size=5, page_token=token, **more)
            return await it.call("ListLogs", request)

        found, token = [], ""
        while True:
            listed = await page(token)
            found += [log.name for log in listed.logs]
            token = listed.next_page_token
            if not token:
                break

        assert found == names
        assert await refusal(page("nonsense")) == "InvalidNextToken"
        token = (await page()).next_page_token
        assert await refusal(page(token, parent=f"accounts/{OTHER}/regions/us-east-1")) == "InvalidNextToken"

    run(scenario)


def test_a_log_is_meant_by_its_short_name_its_full_name_or_its_arn(run):
    async def scenario(it):
        await create(it)
        await append(it, b"a")

        for name in (
            f"accounts/{FIRST_ACCOUNT}/regions/us-east-1/logs/events",
            f"arn:aws:sqs:us-east-1:{FIRST_ACCOUNT}:log/events",
        ):
            assert bodies(await read(it, log=name)) == [b"a"]
        elsewhere = f"accounts/{FIRST_ACCOUNT}/regions/eu-west-1/logs/events"
        assert await refusal(read(it, log=elsewhere)) == "LogDoesNotExist"

    run(scenario)


def test_what_cannot_be_is_refused_by_name(run):
    async def scenario(it):
        await create(it, lane_count=2)
        attributes = message_model.MessageAttribute("n", "String", b"x" * 40_000)
        cases = [
            (create(it, ""), "MissingParameter"),
            (create(it, "a.b"), "InvalidParameterValue"),
            (create(it, "x" * 81), "InvalidParameterValue"),
            (create(it, "a/b"), "InvalidParameterValue"),
            (create(it, f"arn:aws:sqs:us-east-1:{FIRST_ACCOUNT}:events"), "InvalidParameterValue"),
            (create(it, "new", lane_count=0), "InvalidAttributeValue"),
            (create(it, "new", lane_count=65), "InvalidAttributeValue"),
            (create(it, "new", retention_s=59), "InvalidAttributeValue"),
            (create(it, "new", retention_s=-1), "InvalidAttributeValue"),
            (create(it, "new", retention_bytes=1), "InvalidAttributeValue"),
            (create(it, "new", retention_records=-1), "InvalidAttributeValue"),
            (create(it, "new", policy="{"), "InvalidAttributeValue"),
            (append(it), "EmptyBatchRequest"),
            (append(it, *[b"x"] * 101), "TooManyEntriesInBatchRequest"),
            (append(it, b"x" * 1_048_577), "RecordTooLong"),
            (append(it, b"x" * 1_048_576, key="k"), "RecordTooLong"),
            (append(it, b"x", key="é" * 129), "RecordTooLong"),
            (append(it, AppendEntry(b"x", "", (attributes,))), "RecordTooLong"),
            (append(it, b"x" * 600_000, b"x" * 600_000), "BatchRequestTooLong"),
            (
                append(it, AppendEntry(b"x", "", (message_model.MessageAttribute("", "String", b"x"),))),
                "InvalidParameterValue",
            ),
            (append(it, b"x", expected_position=-1), "InvalidParameterValue"),
            (read(it, at(-1)), "InvalidParameterValue"),
            (read(it, since(-1)), "InvalidParameterValue"),
            (read(it, since(1 << 60)), "InvalidParameterValue"),
            (read(it, max_records=0), "InvalidParameterValue"),
            (read(it, max_records=1_001), "InvalidParameterValue"),
            (read(it, wait_s=21), "InvalidParameterValue"),
            (read(it, lane=64), "InvalidParameterValue"),
            (read(it, lane=2), "InvalidParameterValue"),
            (read(it, log="nobody"), "LogDoesNotExist"),
        ]
        for coroutine, code in cases:
            assert await refusal(coroutine) == code

        log = await get(it)
        assert (log.first_position, log.next_position, log.size_bytes) == (0, 0, 0)

    run(scenario)


def test_another_account_may_do_what_the_logs_policy_allows(run):
    async def scenario(it):
        arn = f"arn:aws:sqs:us-east-1:{FIRST_ACCOUNT}:log/events"
        await create(it)
        actions = ["sqs:AppendRecords", "sqs:DeleteLog"]
        statement = {"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": actions, "Resource": arn}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        shown = await update(it, policy=policy)
        root = Principal(kind=PrincipalKind.ROOT, account=OTHER, arn=f"arn:aws:iam::{OTHER}:root", id=OTHER)
        stranger = CallContext(principal=root, request_id="test")

        async def call(operation, request):
            return (await it.logs.call(stranger, operation, request)).value

        await call("AppendRecords", log_model.AppendRecords(log=arn, entries=(AppendEntry(b"a"),)))

        assert shown.policy == policy
        for operation, request in (
            ("ReadRecords", log_model.ReadRecords(log=arn)),
            ("DeleteLog", log_model.DeleteLog(log=arn)),
            ("GetLog", log_model.GetLog(log=arn.replace("events", "nobody"))),
        ):
            assert await refusal(call(operation, request)) == "AccessDenied"
        assert bodies(await read(it)) == [b"a"]
        assert (await it.logs.guard(arn)).policy
        assert await it.logs.guard(arn.replace("log/", "")) is None

    run(scenario)


@pytest.mark.parametrize("consumes", [False, True])
def test_a_reader_who_lost_his_permission_while_he_waited_is_refused(run, settle, consumes):
    async def scenario(it):
        arn = f"arn:aws:sqs:us-east-1:{FIRST_ACCOUNT}:log/events"
        actions = ["sqs:ReadRecords", "sqs:ConsumeRecords"]
        statement = {"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": actions, "Resource": arn}
        await create(it, policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
        root = Principal(kind=PrincipalKind.ROOT, account=OTHER, arn=f"arn:aws:iam::{OTHER}:root", id=OTHER)
        stranger = CallContext(principal=root, request_id="test")
        request: log_model.ReadRecords | log_model.ConsumeRecords = log_model.ReadRecords(log=arn, wait_s=20)
        if consumes:
            joined = log_model.ConsumeRecords(log=arn, group="g", member="m")
            (held,) = (await it.logs.call(stranger, "ConsumeRecords", joined)).value.lanes
            cursors = (log_model.LaneCursor(held.lane, held.token, 0),)
            request = log_model.ConsumeRecords(log=arn, group="g", member="m", cursors=cursors, wait_s=20)
        waiting = asyncio.ensure_future(it.logs.call(stranger, type(request).__name__, request))
        await settle()
        await update(it, policy="")
        it.clock.advance(500)

        await append(it, b"secret")

        assert await refusal(waiting) == "AccessDenied"

    run(scenario)


def test_every_permission_bears_the_name_of_an_operation():
    names = {row.name for row in log_operations.LOG_TABLE}

    for row in log_operations.LOG_TABLE:
        (action,) = row.permissions
        assert action.removeprefix("sqs:") in names
        place = log_attributes.LogPlace(FIRST_ACCOUNT, "us-east-1", "events")
        assert row.checks is not None
        (check,) = row.checks(place)
        assert (check.action, check.resource) == (action, "*" if row.name == "ListLogs" else place.arn)

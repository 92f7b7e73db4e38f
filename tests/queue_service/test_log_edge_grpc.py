"""Logs over gRPC on real sockets: unary calls, both streams, errors."""

import asyncio

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from cumulo.api.queue.v1 import log_pb2 as pb
from cumulo.api.queue.v1.log_pb2_grpc import LogServiceStub
from cumulo.api.queue.v1.queue_pb2 import MessageAttribute
from cumulo.queue_service import edge_grpc_logs
from cumulo.queue_service.log_operations import LOG_TABLE
from tests.queue_service.grpc_door import METADATA, reason, served

FULL = "accounts/000000000000/regions/us-east-1/logs/events"


@pytest.fixture
def over_wire(run):
    """Run a scenario `(stand, call)` on a server and a channel; `call` names a method and gives its request."""

    def go(scenario):
        async def serve(it):
            async with served(it, edge_grpc_logs, it.logs) as channel:
                stub = LogServiceStub(channel)

                def call(method, *request, **fields):
                    message = request or (getattr(pb, f"{method}Request")(**fields),)
                    return getattr(stub, method)(*message, metadata=METADATA)

                await scenario(it, call)

        run(serve)

    return go


def entries(*bodies):
    return [pb.AppendEntry(body=body) for body in bodies]


def bodies(answer):
    return [record.body for record in answer.records]


def test_every_operation_and_both_streams_have_a_method():
    assert {row.name for row in LOG_TABLE} == set(edge_grpc_logs.ROWS)
    methods = pb.DESCRIPTOR.services_by_name["LogService"].methods_by_name

    assert set(methods) == {*edge_grpc_logs.ROWS, "StreamAppendRecords", "StreamReadRecords"}


def test_a_log_is_made_changed_listed_and_deleted(over_wire):
    async def scenario(it, call):
        made = await call("CreateLog", log=pb.Log(name="events", retention_records=3))
        log = pb.Log(name="events", retention_s=60)
        changed = await call("UpdateLog", log=log, update_mask=FieldMask(paths=["retention_s", "retention_records"]))
        listed = await call("ListLogs", prefix="ev")
        got = await call("GetLog", name="events")
        await call("DeleteLog", name="events")

        assert (made.log.name, made.log.arn) == (FULL, "arn:aws:sqs:us-east-1:000000000000:log/events")
        assert (made.log.lane_count, made.log.retention_s, made.log.retention_records) == (1, 604_800, 3)
        assert (changed.log.retention_s, changed.log.retention_records) == (60, 0)
        assert [log.name for log in listed.logs] == [FULL]
        assert got.log == changed.log
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await call("GetLog", name="events")
        assert (error.value.code(), reason(error.value)) == (grpc.StatusCode.NOT_FOUND, "LogDoesNotExist")

    over_wire(scenario)


def test_records_are_appended_and_read(over_wire):
    async def scenario(it, call):
        await call("CreateLog", log=pb.Log(name="events"))
        attributes = {
            "n": MessageAttribute(data_type="Number", string_value="1"),
            "b": MessageAttribute(data_type="Binary", binary_value=b"\0"),
        }
        entry = pb.AppendEntry(body=b"a", key="k", attributes=attributes)
        appended = await call("AppendRecords", log="events", entries=[entry, *entries(b"b")], expected_position=0)
        it.clock.advance(1_000)
        await call("AppendRecords", log="events", entries=entries(b"c"))

        assert (appended.first_position, appended.count) == (0, 2)
        page = await call("ReadRecords", log="events", max_records=1)
        assert page.records[0] == pb.LogRecord(
            position=0, time_ms=appended.time_ms, key="k", body=b"a", attributes=attributes
        )
        assert (page.next_position, page.first_position, page.end_position) == (1, 0, 3)
        for start, expected in (
            (pb.LogStart(position=1), [b"b", b"c"]),
            (pb.LogStart(time_ms=appended.time_ms + 1), [b"c"]),
            (pb.LogStart(end=True), []),
            (pb.LogStart(end=False), [b"a", b"b", b"c"]),
        ):
            assert bodies(await call("ReadRecords", log="events", start=start)) == expected
        assert bodies(await call("ReadRecords", log="events", lane=0)) == [b"a", b"b", b"c"]
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await call("AppendRecords", log="events", entries=entries(b"d"), expected_position=1)
        assert error.value.code() is grpc.StatusCode.FAILED_PRECONDITION
        assert reason(error.value) == "LogPositionMismatch"

    over_wire(scenario)


def test_an_append_stream_answers_each_frame_in_order_and_keeps_to_the_log(over_wire):
    async def scenario(it, call):
        await call("CreateLog", log=pb.Log(name="events"))

        async def frames():
            for n in range(20):
                yield pb.StreamAppendRecordsRequest(
                    log="" if n else "events", sequence=n, entries=entries(b"%d" % n, b""), request_id=f"r{n}"
                )

        answers = [answer async for answer in call("StreamAppendRecords", frames())]

        assert [(it.sequence, it.first_position, it.count) for it in answers] == [(n, 2 * n, 2) for n in range(20)]
        again = [answer async for answer in call("StreamAppendRecords", frames())]
        assert again == answers
        read = await call("ReadRecords", log="events", max_records=1_000)
        assert bodies(read)[::2] == [b"%d" % n for n in range(20)]

    over_wire(scenario)


def test_nothing_is_appended_behind_a_frame_that_was_refused(over_wire):
    async def scenario(it, call):
        await call("CreateLog", log=pb.Log(name="events"))

        async def frames():
            for n in range(10):
                many = entries(b"%d" % n) * (101 if n == 3 else 1)
                yield pb.StreamAppendRecordsRequest(log="events", sequence=n, entries=many)

        answers = [answer async for answer in call("StreamAppendRecords", frames())]

        assert [answer.sequence for answer in answers] == [0, 1, 2, 3]
        assert [answer.error.code for answer in answers] == ["", "", "", "TooManyEntriesInBatchRequest"]
        assert bodies(await call("ReadRecords", log="events")) == [b"0", b"1", b"2"]

    over_wire(scenario)


def test_a_read_stream_goes_on_with_what_is_appended(over_wire):
    async def scenario(it, call):
        await call("CreateLog", log=pb.Log(name="events"))
        await call("AppendRecords", log="events", entries=entries(b"old"))
        stream = call("StreamReadRecords", log="events", start=pb.LogStart(end=True))
        first = await stream.read()
        assert (bodies(first), first.next_position) == ([], 1)

        for n in range(5):
            await call("AppendRecords", log="events", entries=entries(b"%d" % n))
            frame = await asyncio.wait_for(stream.read(), 5)
            assert (bodies(frame), frame.next_position) == ([b"%d" % n], n + 2)
        stream.cancel()

    over_wire(scenario)


def test_frames_of_a_read_stream_are_bounded(over_wire):
    async def scenario(it, call):
        await call("CreateLog", log=pb.Log(name="events"))
        sizes = (100_000, 100_000, 100_000, 1_000_000, 10, *[1_000] * 50)
        for size in sizes:
            await call("AppendRecords", log="events", entries=entries(bytes(size)))

        found: list[list[int]] = []
        stream = call("StreamReadRecords", log="events")
        while sum(map(len, found)) < len(sizes):
            found.append([len(record.body) for record in (await stream.read()).records])
        stream.cancel()

        assert found == [[100_000] * 2, [100_000], [1_000_000], [10, *[1_000] * 50]]

    over_wire(scenario)


def test_a_read_stream_ends_unavailable_at_the_drain(over_wire):
    async def scenario(it, call):
        await call("CreateLog", log=pb.Log(name="events"))
        stream = call("StreamReadRecords", log="events")
        await stream.read()

        await it.restart()

        with pytest.raises(grpc.aio.AioRpcError) as error:
            await stream.read()
        assert error.value.code() is grpc.StatusCode.UNAVAILABLE

    over_wire(scenario)


def test_a_group_consumes_commits_is_listed_sought_and_deleted(over_wire):
    async def scenario(it, call):
        await call("CreateLog", log=pb.Log(name="events", lane_count=2))
        await call("AppendRecords", log="events", entries=entries(b"a", b"b", b"c"))
        who = {"log": "events", "group": "g", "member": "m"}

        consumed = await call("ConsumeRecords", **who)
        assert [(lane.lane, lane.position, lane.release) for lane in consumed.lanes] == [(0, 0, False), (1, 0, False)]
        assert [(record.lane, record.body) for record in consumed.records] == [(0, b"a"), (0, b"c"), (1, b"b")]
        tokens = [lane.token for lane in consumed.lanes]
        cursors = [pb.LaneCursor(lane=0, token=tokens[0], position=1), pb.LaneCursor(lane=1, token=tokens[1])]
        await call("CommitConsumerGroup", cursors=cursors, **who)
        (group,) = (await call("ListConsumerGroups", log="events")).groups
        assert (group.name, group.member_count, group.lag) == ("g", 1, 2)
        assert [(it.lane, it.position, it.member, it.lag) for it in group.lanes] == [(0, 1, "m", 1), (1, 0, "m", 1)]
        released = await call("ConsumeRecords", cursors=cursors[:1], released=cursors[1:], **who)
        assert [lane.token for lane in released.lanes] == [tokens[0], tokens[1] + 1]

        await call("SeekConsumerGroup", log="events", group="g", start=pb.LogStart(end=True))
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await call("CommitConsumerGroup", cursors=cursors, **who)
        assert (error.value.code(), reason(error.value)) == (grpc.StatusCode.FAILED_PRECONDITION, "LaneNotHeld")
        await call("LeaveConsumerGroup", **who)
        for _ in range(2):
            await call("DeleteConsumerGroup", log="events", group="g", request_id="r")
        assert not (await call("ListConsumerGroups", log="events")).groups

    over_wire(scenario)


def test_a_stream_for_nothing_is_refused(over_wire):
    async def scenario(it, call):
        async def frames():
            yield pb.StreamAppendRecordsRequest(entries=entries(b"a"))

        for stream, code in (
            (call("StreamAppendRecords", frames()), "MissingParameter"),
            (call("StreamReadRecords", log="nobody"), "LogDoesNotExist"),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as error:
                await stream.read()
            assert reason(error.value) == code

    over_wire(scenario)

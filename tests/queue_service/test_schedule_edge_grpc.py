"""Schedules over gRPC: every method, and what is refused."""

import json
from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from cumulo.api.queue.v1 import queue_pb2
from cumulo.api.queue.v1 import schedule_pb2 as pb
from cumulo.api.queue.v1.schedule_pb2_grpc import ScheduleServiceStub
from cumulo.queue_service import edge_grpc_schedules
from tests.queue_service.grpc_door import METADATA, reason, served

FULL = "accounts/000000000000/regions/us-east-1/queues/jobs/schedules/tick"


@pytest.fixture
def over_wire(run):
    """Run a scenario `(stand, call)` on a server with the queue `jobs`."""

    def go(scenario):
        async def serve(it):
            await it.create()
            async with served(it, edge_grpc_schedules, it.service) as channel:
                stub = ScheduleServiceStub(channel)

                async def call(method, **fields):
                    request = getattr(pb, f"{method}Request")(**fields)
                    return await getattr(stub, method)(request, metadata=METADATA)

                await scenario(it, call)

        run(serve)

    return go


def schedule(**more):
    fields: dict[str, Any] = {"name": "jobs/schedules/tick", "every_s": 60, "body": b"x"} | more
    return pb.Schedule(**fields)


def test_schedule_is_made_shown_listed_changed_and_deleted(over_wire):
    async def scenario(it, call):
        attributes = {"n": queue_pb2.MessageAttribute(data_type="Number", string_value="1")}
        given = schedule(
            cron="0 9 * * MON-FRI",
            time_zone="Europe/Berlin",
            attributes=attributes,
            priority=7,
            missed_instants=pb.MISSED_INSTANTS_SKIP,
            state=pb.SCHEDULE_STATE_PAUSED,
        )
        made = (await call("CreateSchedule", schedule=given)).schedule
        got = (await call("GetSchedule", name=FULL)).schedule
        listed = (await call("ListSchedules", parent="jobs")).schedules
        mask = FieldMask(paths=["timing", "state", "missed_instants"])
        changed = (await call("UpdateSchedule", schedule=schedule(every_s=60), update_mask=mask)).schedule
        mask = FieldMask(paths=["message"])
        rewritten = (await call("UpdateSchedule", schedule=schedule(body=b"y"), update_mask=mask)).schedule
        await it.advance(60)
        (message,) = await it.receive()
        after = (await call("GetSchedule", name=FULL)).schedule
        await call("DeleteSchedule", name=FULL)

        assert (made.name, made.cron, made.time_zone, made.next_ms) == (FULL, "0 9 * * MON-FRI", "Europe/Berlin", 0)
        assert (made.state, made.missed_instants) == (pb.SCHEDULE_STATE_PAUSED, pb.MISSED_INSTANTS_SKIP)
        assert (got, got.priority, dict(got.attributes)) == (made, 7, attributes)
        assert [(each.name, each.body) for each in listed] == [(FULL, b"")]
        assert (changed.WhichOneof("timing"), changed.every_s, changed.time_zone) == ("every_s", 60, "")
        assert (changed.state, changed.missed_instants) == (pb.SCHEDULE_STATE_ACTIVE, pb.MISSED_INSTANTS_SEND_ONE)
        assert (changed.body, rewritten.body, rewritten.priority, dict(rewritten.attributes)) == (b"x", b"y", 4, {})
        assert message.body == b"y"
        assert (after.last_message_id, after.sent_count) == (message.message_id, 1)
        assert (await call("ListSchedules", parent="jobs")).schedules == []

    over_wire(scenario)


@pytest.mark.parametrize(
    ("method", "fields", "code"),
    [
        ("CreateSchedule", {"schedule": schedule(name="tick")}, "InvalidParameterValue"),
        ("CreateSchedule", {"schedule": schedule(name="nope/schedules/tick")}, "QueueDoesNotExist"),
        ("CreateSchedule", {"schedule": schedule(state=pb.SCHEDULE_STATE_FAILED)}, "InvalidParameterValue"),
        ("CreateSchedule", {"schedule": schedule(missed_instants=9)}, "InvalidParameterValue"),
        ("CreateSchedule", {"schedule": schedule(priority=10)}, "InvalidParameterValue"),
        ("GetSchedule", {"name": "jobs/schedules/none"}, "ResourceNotFoundException"),
        ("DeleteSchedule", {"name": "jobs/schedules/none"}, "ResourceNotFoundException"),
        ("UpdateSchedule", {"schedule": schedule()}, "InvalidParameterValue"),
        ("UpdateSchedule", {"schedule": schedule(), "update_mask": FieldMask(paths=["cron"])}, "InvalidParameterValue"),
        ("UpdateSchedule", {"schedule": schedule(), "update_mask": FieldMask()}, "ResourceNotFoundException"),
        ("ListSchedules", {"parent": "jobs", "page_token": "x"}, "InvalidNextToken"),
        ("ListSchedules", {"parent": "jobs", "page_size": -1}, "InvalidParameterValue"),
    ],
)
def test_refusals_carry_their_codes(over_wire, method, fields, code):
    async def scenario(it, call):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(method, **fields)

        assert reason(refused.value) == code

    over_wire(scenario)


async def deny(it, *actions):
    """Let nobody do these things to the queue, its owner's root neither."""
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": list(actions),
        "Resource": "arn:aws:sqs:us-east-1:000000000000:jobs",
    }
    await it.update(policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}) if actions else "")


@pytest.mark.parametrize("action", ["sqs:CreateSchedule", "sqs:SendMessage"])
def test_making_a_schedule_takes_both_permissions(over_wire, action):
    async def scenario(it, call):
        await deny(it, action)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call("CreateSchedule", schedule=schedule())

        assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED

    over_wire(scenario)


def test_schedule_whose_maker_may_not_send_any_more_fails_until_it_is_changed(over_wire):
    async def scenario(it, call):
        await call("CreateSchedule", schedule=schedule())
        await deny(it, "sqs:SendMessage")
        await it.advance(60)
        failed = (await call("GetSchedule", name=FULL)).schedule
        await it.advance(600)
        nothing = await it.counts()
        await deny(it)
        resumed = await call("UpdateSchedule", schedule=schedule(), update_mask=FieldMask(paths=["state"]))
        await it.advance(60)

        assert (failed.state, failed.next_ms, failed.sent_count) == (pb.SCHEDULE_STATE_FAILED, 0, 0)
        assert "sqs:SendMessage" in failed.reason
        assert nothing == (0, 0, 0)
        assert (resumed.schedule.state, resumed.schedule.reason) == (pb.SCHEDULE_STATE_ACTIVE, "")
        assert await it.counts() == (1, 0, 0)

    over_wire(scenario)

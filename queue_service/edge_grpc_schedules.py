"""The gRPC edge of schedules: every method of ScheduleService.

Knows the protos and the service's one door, `call`; decides nothing.
"""

from collections.abc import Mapping

import grpc
from google.protobuf.message import Message as ProtoMessage

from cumulo.api.queue.v1 import schedule_pb2 as pb
from cumulo.core.context import CallContext
from cumulo.core.errors import INVALID_PARAMETER_VALUE, ServiceError
from cumulo.gateway.rpc import CallableService, RpcAdaptor, UnaryRow, parser
from cumulo.queue_service import schedule_model as model
from cumulo.queue_service.edge_grpc_messages import add_attributes, decode_attributes
from cumulo.queue_service.entrances import SCHEDULE_SERVICE

MASKED = ("timing", "message", "missed_instants", "state")
_STATES: Mapping[model.ScheduleState, pb.ScheduleState.ValueType] = {
    model.ScheduleState.ACTIVE: pb.SCHEDULE_STATE_ACTIVE,
    model.ScheduleState.PAUSED: pb.SCHEDULE_STATE_PAUSED,
    model.ScheduleState.COMPLETED: pb.SCHEDULE_STATE_COMPLETED,
    model.ScheduleState.FAILED: pb.SCHEDULE_STATE_FAILED,
}


def handlers(service: CallableService, rpc: RpcAdaptor) -> grpc.GenericRpcHandler:
    """Return the handlers of ScheduleService."""
    return grpc.method_handlers_generic_handler(
        SCHEDULE_SERVICE,
        {
            name: grpc.unary_unary_rpc_method_handler(
                rpc.unary(service, SCHEDULE_SERVICE, name, decode, encode), parser(request.FromString), _serialize
            )
            for name, (request, decode, encode) in ROWS.items()
        },
    )


def _serialize(message: ProtoMessage) -> bytes:
    return message.SerializeToString()


def _parts(name: str) -> tuple[str, str]:
    """Return the queue and the schedule in a schedule's name, full or short."""
    queue, between, schedule_id = name.rpartition("/schedules/")
    if not between:
        raise _invalid("name", repr(name[:200]), "it is {queue}/schedules/{schedule}")
    return queue, schedule_id


def _invalid(parameter: str, value: object, allowed: str) -> ServiceError:
    return INVALID_PARAMETER_VALUE.error(parameter=parameter, value=value, allowed=allowed)


def _timing(it: pb.Schedule) -> model.Timing:
    return model.Timing(it.cron, it.time_zone, it.every_s, it.at_ms)


def _message(it: pb.Schedule) -> model.ScheduledMessage:
    return model.ScheduledMessage(
        it.body,
        decode_attributes(it.attributes) if it.attributes else (),
        it.group_id if it.HasField("group_id") else None,
        it.priority if it.HasField("priority") else None,
    )


def _skips_missed(it: pb.Schedule) -> bool:
    if it.missed_instants not in pb.MissedInstants.values():
        raise _invalid("missed_instants", it.missed_instants, "it is MISSED_INSTANTS_SEND_ONE or MISSED_INSTANTS_SKIP")
    return it.missed_instants == pb.MISSED_INSTANTS_SKIP


def _is_paused(it: pb.Schedule) -> bool:
    if it.state not in (pb.SCHEDULE_STATE_UNSPECIFIED, pb.SCHEDULE_STATE_ACTIVE, pb.SCHEDULE_STATE_PAUSED):
        raise _invalid("state", it.state, "a client sets SCHEDULE_STATE_ACTIVE or SCHEDULE_STATE_PAUSED")
    return it.state == pb.SCHEDULE_STATE_PAUSED


def _decode_create(request: pb.CreateScheduleRequest, _: CallContext) -> model.CreateSchedule:
    it = request.schedule
    queue, schedule_id = _parts(it.name)
    return model.CreateSchedule(
        queue=queue,
        schedule_id=schedule_id,
        timing=_timing(it),
        message=_message(it),
        skip_missed=_skips_missed(it),
        paused=_is_paused(it),
        request_id=request.request_id,
    )


def _decode_update(request: pb.UpdateScheduleRequest, _: CallContext) -> model.UpdateSchedule:
    it, masked = request.schedule, set(request.update_mask.paths)
    if not request.HasField("update_mask") or masked - set(MASKED):
        raise _invalid("update_mask", sorted(masked - set(MASKED)) or "absent", f"it names of {', '.join(MASKED)}")
    queue, schedule_id = _parts(it.name)
    return model.UpdateSchedule(
        queue=queue,
        schedule_id=schedule_id,
        timing=_timing(it) if "timing" in masked else None,
        message=_message(it) if "message" in masked else None,
        skip_missed=_skips_missed(it) if "missed_instants" in masked else None,
        paused=_is_paused(it) if "state" in masked else None,
        request_id=request.request_id,
    )


def _decode_get(request: pb.GetScheduleRequest, _: CallContext) -> model.GetSchedule:
    queue, schedule_id = _parts(request.name)
    return model.GetSchedule(queue=queue, schedule_id=schedule_id)


def _decode_delete(request: pb.DeleteScheduleRequest, _: CallContext) -> model.DeleteSchedule:
    queue, schedule_id = _parts(request.name)
    return model.DeleteSchedule(queue=queue, schedule_id=schedule_id, request_id=request.request_id)


def _decode_list(request: pb.ListSchedulesRequest, _: CallContext) -> model.ListSchedules:
    return model.ListSchedules(queue=request.parent, page_size=request.page_size, page_token=request.page_token)


def _schedule(it: model.Schedule) -> pb.Schedule:
    schedule = pb.Schedule(
        name=it.full_name,
        time_zone=it.timing.time_zone,
        missed_instants=pb.MISSED_INSTANTS_SKIP if it.skip_missed else pb.MISSED_INSTANTS_SEND_ONE,
        state=_STATES[it.state],
        reason=it.reason,
        next_ms=it.next_ms,
        last_ms=it.last_ms,
        last_message_id=it.last_message_id,
        sent_count=it.sent_count,
        create_ms=it.create_ms,
        update_ms=it.update_ms,
    )
    if it.timing.cron:
        schedule.cron = it.timing.cron
    elif it.timing.every_s:
        schedule.every_s = it.timing.every_s
    else:
        schedule.at_ms = it.timing.at_ms
    if it.message is not None:
        schedule.body = it.message.body
        add_attributes(schedule, it.message.attributes)
        if it.message.group_id is not None:
            schedule.group_id = it.message.group_id
        if it.message.priority is not None:
            schedule.priority = it.message.priority
    return schedule


def _encode_page(page: model.SchedulePage) -> pb.ListSchedulesResponse:
    return pb.ListSchedulesResponse(
        schedules=[_schedule(it) for it in page.schedules], next_page_token=page.next_page_token
    )


ROWS: Mapping[str, UnaryRow] = {
    "CreateSchedule": (
        pb.CreateScheduleRequest,
        _decode_create,
        lambda it: pb.CreateScheduleResponse(schedule=_schedule(it)),
    ),
    "GetSchedule": (pb.GetScheduleRequest, _decode_get, lambda it: pb.GetScheduleResponse(schedule=_schedule(it))),
    "ListSchedules": (pb.ListSchedulesRequest, _decode_list, _encode_page),
    "UpdateSchedule": (
        pb.UpdateScheduleRequest,
        _decode_update,
        lambda it: pb.UpdateScheduleResponse(schedule=_schedule(it)),
    ),
    "DeleteSchedule": (pb.DeleteScheduleRequest, _decode_delete, lambda _: pb.DeleteScheduleResponse()),
}

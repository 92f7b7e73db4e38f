"""The gRPC edge of logs: every method of LogService.

Knows the protos and the service's one door, `call`; decides nothing. The streams are pumps around that door: an append
stream does one frame after the other, so that what was appended never has a hole behind it; a read stream goes on as
its client takes frames.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message as ProtoMessage

from cumulo.api.queue.v1 import log_pb2 as pb
from cumulo.core.context import CallContext
from cumulo.core.errors import OUTCOME_UNKNOWN, SHUTTING_DOWN, ServiceError
from cumulo.gateway.rpc import UNTRUSTED, RpcAdaptor, UnaryRow, parser
from cumulo.queue_service import log_model as model
from cumulo.queue_service import stamping
from cumulo.queue_service.edge_grpc_masks import written_and_reset
from cumulo.queue_service.edge_grpc_messages import add_attributes, decode_attributes, item_error
from cumulo.queue_service.edge_grpc_streams import FRAME_BYTES_MAX
from cumulo.queue_service.entrances import LOG_SERVICE
from cumulo.queue_service.log_attributes import NAMES
from cumulo.queue_service.log_service import LogService

_DEFAULT_RECORDS = 100

_Records = TypeVar("_Records", pb.ReadRecordsResponse, pb.StreamReadRecordsResponse, pb.ConsumeRecordsResponse)


def handlers(service: LogService, rpc: RpcAdaptor) -> grpc.GenericRpcHandler:
    """Return the handlers of LogService."""
    rows: dict[str, Any] = {
        name: grpc.unary_unary_rpc_method_handler(
            rpc.unary(service, LOG_SERVICE, name, decode, encode), parser(request.FromString), _serialize
        )
        for name, (request, decode, encode) in ROWS.items()
    }

    def append(frames: AsyncIterator[Any], ctx: CallContext) -> AsyncGenerator[ProtoMessage, None]:
        return _append(service, frames, ctx)

    def read(request: Any, ctx: CallContext) -> AsyncGenerator[ProtoMessage, None]:
        return _read(service, request, ctx)

    rows["StreamAppendRecords"] = grpc.stream_stream_rpc_method_handler(
        rpc.stream(LOG_SERVICE, "StreamAppendRecords", append), pb.StreamAppendRecordsRequest.FromString, _serialize
    )
    rows["StreamReadRecords"] = grpc.unary_stream_rpc_method_handler(
        rpc.stream(LOG_SERVICE, "StreamReadRecords", read), parser(pb.StreamReadRecordsRequest.FromString), _serialize
    )
    return grpc.method_handlers_generic_handler(LOG_SERVICE, rows)


def _serialize(message: ProtoMessage) -> bytes:
    return message.SerializeToString()


async def _append(
    service: LogService, frames: AsyncIterator[pb.StreamAppendRecordsRequest], ctx: CallContext
) -> AsyncGenerator[ProtoMessage, None]:
    """Append frame by frame: the next one is taken when the one before is durable.

    What is wrong with the first frame is the stream's status; with a later one it is told within the stream, since a
    status that meets frames on their way may be lost.
    """
    log, is_first = "", True
    async for frame in frames:
        log = frame.log or log
        try:
            appended = (await service.call(ctx, "AppendRecords", _append_request(log, frame))).value
        except ServiceError as error:
            if is_first or error.row.retryable or error.row is OUTCOME_UNKNOWN or error.row.grpc_status in UNTRUSTED:
                raise
            yield pb.StreamAppendRecordsResponse(sequence=frame.sequence, error=item_error(stamping.item_error(error)))
            break
        yield pb.StreamAppendRecordsResponse(
            sequence=frame.sequence,
            first_position=appended.first_position,
            count=appended.count,
            time_ms=appended.time_ms,
        )
        is_first = False
    async for _ in frames:
        pass


async def _read(
    service: LogService, request: pb.StreamReadRecordsRequest, ctx: CallContext
) -> AsyncGenerator[ProtoMessage, None]:
    """Read on and on; each look is authorised anew."""
    start, wait_s = _decode_start(request), 0
    while True:
        asked = model.ReadRecords(
            log=request.log,
            start=start,
            max_records=model.READ_RECORDS_MAX,
            wait_s=wait_s,
            lane=request.lane if request.HasField("lane") else None,
            bytes_max=FRAME_BYTES_MAX,
        )
        page: model.RecordPage = (await service.call(ctx, "ReadRecords", asked)).value
        # The first frame may be empty: then it says where the stream stands, for a client that may have to reopen it.
        if page.records or not wait_s:
            yield _add_records(pb.StreamReadRecordsResponse(next_position=page.next_position), page.records)
        if service.draining and not page.records:
            raise SHUTTING_DOWN.error()
        start, wait_s = model.Start(model.From.POSITION, page.next_position), model.READ_WAIT_S_MAX


def _log(it: model.Log) -> pb.Log:
    log = pb.Log(
        name=it.full_name,
        arn=it.arn,
        lane_count=it.lane_count,
        retention_s=it.retention_s,
        retention_bytes=it.retention_bytes,
        retention_records=it.retention_records,
        create_ms=it.create_ms,
        update_ms=it.update_ms,
        first_position=it.first_position,
        next_position=it.next_position,
        size_bytes=it.size_bytes,
        last_append_ms=it.last_append_ms,
    )
    if it.policy:
        log.policy = it.policy
    return log


def _attributes(log: pb.Log, names: Iterable[str]) -> model.LogAttributes:
    """Return those of the named attributes that are present in `log`."""
    return model.LogAttributes(**{name: getattr(log, name) for name in names if log.HasField(name)})  # type: ignore[arg-type]


def _decode_update(request: pb.UpdateLogRequest, _: CallContext) -> model.UpdateLog:
    mask = request.update_mask if request.HasField("update_mask") else None
    written, reset = written_and_reset(request.log, mask, NAMES)
    return model.UpdateLog(
        log=request.log.name,
        attributes=_attributes(request.log, written),
        defaults=reset,
        request_id=request.request_id,
    )


def _decode_list(request: pb.ListLogsRequest, _: CallContext) -> model.ListLogs:
    return model.ListLogs(
        parent=request.parent, prefix=request.prefix, page_size=request.page_size, page_token=request.page_token
    )


def _encode_logs(page: model.LogPage) -> pb.ListLogsResponse:
    return pb.ListLogsResponse(
        logs=[pb.Log(name=it.full_name, arn=it.arn, create_ms=it.create_ms) for it in page.logs],
        next_page_token=page.next_page_token,
    )


def _append_request(log: str, it: pb.AppendRecordsRequest | pb.StreamAppendRecordsRequest) -> model.AppendRecords:
    return model.AppendRecords(
        log=log,
        entries=tuple(
            model.AppendEntry(entry.body, entry.key, decode_attributes(entry.attributes) if entry.attributes else ())
            for entry in it.entries
        ),
        expected_position=it.expected_position if it.HasField("expected_position") else None,
        request_id=it.request_id,
    )


def _encode_appended(it: model.Appended) -> pb.AppendRecordsResponse:
    return pb.AppendRecordsResponse(first_position=it.first_position, count=it.count, time_ms=it.time_ms)


def _decode_start(request: Any) -> model.Start:
    """Return where a request begins; its field is `start`."""
    match request.start.WhichOneof("start"):
        case "position":
            return model.Start(model.From.POSITION, request.start.position)
        case "time_ms":
            return model.Start(model.From.TIME, request.start.time_ms)
        case "end" if request.start.end:
            return model.Start(model.From.END)
        case _:
            return model.Start()


def _decode_read(request: pb.ReadRecordsRequest, _: CallContext) -> model.ReadRecords:
    return model.ReadRecords(
        log=request.log,
        start=_decode_start(request),
        max_records=request.max_records or _DEFAULT_RECORDS,
        wait_s=request.wait_s,
        lane=request.lane if request.HasField("lane") else None,
    )


def _add_records(answer: _Records, records: Iterable[model.LogRecord]) -> _Records:
    """Fill an answer in place, as `edge_grpc_messages.add_messages` does."""
    add = answer.records.add
    for it in records:
        record = add(position=it.position, time_ms=it.time_ms, key=it.key, body=it.body, lane=it.lane)
        if it.attributes:
            add_attributes(record, it.attributes)
    return answer


def _encode_page(page: model.RecordPage) -> pb.ReadRecordsResponse:
    answer = pb.ReadRecordsResponse(
        next_position=page.next_position, first_position=page.first_position, end_position=page.end_position
    )
    return _add_records(answer, page.records)


def _cursors(cursors: Iterable[pb.LaneCursor]) -> tuple[model.LaneCursor, ...]:
    return tuple(model.LaneCursor(it.lane, it.token, it.position, it.releasing) for it in cursors)


def _decode_consume(request: pb.ConsumeRecordsRequest, _: CallContext) -> model.ConsumeRecords:
    return model.ConsumeRecords(
        log=request.log,
        group=request.group,
        member=request.member,
        cursors=_cursors(request.cursors),
        released=_cursors(request.released),
        start=_decode_start(request),
        max_records=request.max_records or _DEFAULT_RECORDS,
        wait_s=request.wait_s,
        lease_s=request.lease_s or model.LEASE_S_DEFAULT,
    )


def _encode_consumed(it: model.Consumed) -> pb.ConsumeRecordsResponse:
    lanes = [
        pb.HeldLane(lane=lane.lane, token=lane.token, position=lane.position, release=lane.release) for lane in it.lanes
    ]
    return _add_records(pb.ConsumeRecordsResponse(lanes=lanes), it.records)


def _decode_commit(request: pb.CommitConsumerGroupRequest, _: CallContext) -> model.CommitConsumerGroup:
    return model.CommitConsumerGroup(
        log=request.log,
        group=request.group,
        member=request.member,
        cursors=_cursors(request.cursors),
        request_id=request.request_id,
    )


def _encode_groups(page: model.GroupPage) -> pb.ListConsumerGroupsResponse:
    answer = pb.ListConsumerGroupsResponse(next_page_token=page.next_page_token)
    for it in page.groups:
        group = answer.groups.add(name=it.name, create_ms=it.create_ms, member_count=it.member_count, lag=it.lag)
        for lane in it.lanes:
            group.lanes.add(lane=lane.lane, position=lane.position, member=lane.member, lag=lane.lag)
    return answer


ROWS: Mapping[str, UnaryRow] = {
    "CreateLog": (
        pb.CreateLogRequest,
        lambda it, _: model.CreateLog(log=it.log.name, attributes=_attributes(it.log, NAMES), request_id=it.request_id),
        lambda it: pb.CreateLogResponse(log=_log(it)),
    ),
    "GetLog": (
        pb.GetLogRequest,
        lambda it, _: model.GetLog(log=it.name),
        lambda it: pb.GetLogResponse(log=_log(it)),
    ),
    "ListLogs": (pb.ListLogsRequest, _decode_list, _encode_logs),
    "UpdateLog": (pb.UpdateLogRequest, _decode_update, lambda it: pb.UpdateLogResponse(log=_log(it))),
    "DeleteLog": (
        pb.DeleteLogRequest,
        lambda it, _: model.DeleteLog(log=it.name, request_id=it.request_id),
        lambda _: pb.DeleteLogResponse(),
    ),
    "AppendRecords": (pb.AppendRecordsRequest, lambda it, _: _append_request(it.log, it), _encode_appended),
    "ReadRecords": (pb.ReadRecordsRequest, _decode_read, _encode_page),
    "ConsumeRecords": (pb.ConsumeRecordsRequest, _decode_consume, _encode_consumed),
    "CommitConsumerGroup": (
        pb.CommitConsumerGroupRequest,
        _decode_commit,
        lambda _: pb.CommitConsumerGroupResponse(),
    ),
    "LeaveConsumerGroup": (
        pb.LeaveConsumerGroupRequest,
        lambda it, _: model.LeaveConsumerGroup(log=it.log, group=it.group, member=it.member, request_id=it.request_id),
        lambda _: pb.LeaveConsumerGroupResponse(),
    ),
    "ListConsumerGroups": (
        pb.ListConsumerGroupsRequest,
        lambda it, _: model.ListConsumerGroups(log=it.log, page_size=it.page_size, page_token=it.page_token),
        _encode_groups,
    ),
    "SeekConsumerGroup": (
        pb.SeekConsumerGroupRequest,
        lambda it, _: model.SeekConsumerGroup(
            log=it.log, group=it.group, start=_decode_start(it), request_id=it.request_id
        ),
        lambda _: pb.SeekConsumerGroupResponse(),
    ),
    "DeleteConsumerGroup": (
        pb.DeleteConsumerGroupRequest,
        lambda it, _: model.DeleteConsumerGroup(log=it.log, group=it.group, request_id=it.request_id),
        lambda _: pb.DeleteConsumerGroupResponse(),
    ),
}

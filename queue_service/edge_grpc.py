"""The gRPC edge of the room: every method of QueueService.

Knows `cumulo.api.queue.v1` and the service's one door, `call`; decides nothing. The conversions stand in the files
beside it, by subject.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any

import grpc
from google.protobuf.message import Message as ProtoMessage

from cumulo.api.queue.v1 import queue_pb2 as pb
from cumulo.core.context import CallContext
from cumulo.gateway.rpc import RpcAdaptor, parser
from cumulo.queue_service import edge_grpc_messages, edge_grpc_move_tasks, edge_grpc_queues
from cumulo.queue_service.edge_grpc_streams import QueueDoor, ReceiveStream, SendStream

SERVICE_NAME = "cumulo.api.queue.v1.QueueService"


def handlers(service: QueueDoor, rpc: RpcAdaptor) -> grpc.GenericRpcHandler:
    """Return the handlers of QueueService."""
    rows: dict[str, Any] = {
        name: grpc.unary_unary_rpc_method_handler(
            rpc.unary(service, SERVICE_NAME, name, decode, encode), parser(request.FromString), _serialize
        )
        for room_rows in (edge_grpc_queues.ROWS, edge_grpc_messages.ROWS, edge_grpc_move_tasks.ROWS)
        for name, (request, decode, encode) in room_rows.items()
    }
    for name, request, stream in (
        ("StreamSendMessages", pb.StreamSendMessagesRequest, SendStream),
        ("StreamReceiveMessages", pb.StreamReceiveMessagesRequest, ReceiveStream),
    ):
        rows[name] = grpc.stream_stream_rpc_method_handler(
            rpc.stream(SERVICE_NAME, name, _opener(stream, service)), request.FromString, _serialize
        )
    return grpc.method_handlers_generic_handler(SERVICE_NAME, rows)


def _serialize(message: ProtoMessage) -> bytes:
    return message.SerializeToString()


def _opener(
    stream: type[SendStream | ReceiveStream], service: QueueDoor
) -> Callable[[AsyncIterator[Any], CallContext], AsyncGenerator[ProtoMessage, None]]:
    return lambda requests, ctx: stream(service, ctx).run(requests)

"""The floors: what the wire and the disk cost when nobody does anything in between.

Each is a server process of its own, on the same library, with the same options and the same protos as the real one.
"""

import asyncio
import contextlib
import hashlib
import os
import socket
import sys
import threading
from collections.abc import AsyncIterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import grpc

MIB = 1024 * 1024
ENCODED = "encoded"
"""The bucket whose zeros an empty servicer has encoded beforehand."""


def serve_empty(port: Connection, frame_bytes: int) -> None:
    """Serve the real protos with handlers that only answer; tell the port. Runs until it is terminated."""
    asyncio.run(_serve_empty(port, frame_bytes))


async def _serve_empty(port: Connection, frame_bytes: int) -> None:
    from cumulo.api.objects.v1 import objects_pb2 as objects  # noqa: PLC0415 - the child's own imports
    from cumulo.api.queue.v1 import queue_pb2 as queue  # noqa: PLC0415 - as above
    from cumulo.server.grpc_listener import OPTIONS  # noqa: PLC0415 - as above
    from cumulo.server.memory import keep_freed_memory  # noqa: PLC0415 - as above
    from cumulo.server.serve import SWITCH_INTERVAL_S  # noqa: PLC0415 - as above

    sys.setswitchinterval(SWITCH_INTERVAL_S)
    keep_freed_memory()
    sent = queue.SendMessageResponse(message_id="0" * 36, md5_of_body="0" * 32)
    zeros = bytes(frame_bytes)
    encoded = objects.GetObjectResponse(data=zeros).SerializeToString()

    async def send(_request: Any, _context: Any) -> Any:
        return sent

    async def put(requests: AsyncIterator[Any], _context: Any) -> Any:
        async for _ in requests:
            pass
        return objects.PutObjectResponse()

    async def get(request: Any, _context: Any) -> AsyncIterator[Any]:
        size = int(request.key)
        yield objects.GetObjectResponse(head=objects.GetObjectHead(content_length=size))
        for _ in range(size // frame_bytes):
            yield encoded if request.bucket == ENCODED else objects.GetObjectResponse(data=zeros)
        if size % frame_bytes:
            yield objects.GetObjectResponse(data=zeros[: size % frame_bytes])

    server = grpc.aio.server(options=OPTIONS)

    def serialize(message: Any) -> bytes:
        return message if isinstance(message, bytes) else message.SerializeToString()

    server.add_generic_rpc_handlers(
        (
            grpc.method_handlers_generic_handler(
                "cumulo.api.queue.v1.QueueService",
                {
                    "SendMessage": grpc.unary_unary_rpc_method_handler(
                        send, queue.SendMessageRequest.FromString, serialize
                    )
                },
            ),
            grpc.method_handlers_generic_handler(
                "cumulo.api.objects.v1.ObjectService",
                {
                    "PutObject": grpc.stream_unary_rpc_method_handler(
                        put, objects.PutObjectRequest.FromString, serialize
                    ),
                    "GetObject": grpc.unary_stream_rpc_method_handler(
                        get, objects.GetObjectRequest.FromString, serialize
                    ),
                },
            ),
        )
    )
    number = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    port.send(number)
    await server.wait_for_termination()


def serve_raw(port: Connection, folder: str, *hashes: str) -> None:
    """Take bodies over plain sockets: receive, MD5, CRC64NVME, write, fsync, answer one byte. A thread a connection.

    A body is announced by its length, 8 bytes. `hashes` are taken besides. Runs until it is terminated.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    port.send(listener.getsockname()[1])
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_take_bodies, args=(connection, Path(folder), hashes), daemon=True).start()


def _take_bodies(connection: socket.socket, folder: Path, hashes: Sequence[str]) -> None:
    from awscrt.checksums import crc64nvme  # noqa: PLC0415 - the child's own import

    buffer = bytearray(MIB)
    view = memoryview(buffer)
    path = folder / f"raw-{threading.get_ident()}"
    with connection, contextlib.suppress(ConnectionError):
        while head := connection.recv(8, socket.MSG_WAITALL):
            left = int.from_bytes(head, "big")
            digests, checksum = [hashlib.new(name, usedforsecurity=False) for name in ("md5", *hashes)], 0
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            while left:
                count = connection.recv_into(view[: min(left, MIB)], 0, socket.MSG_WAITALL)
                piece = view[:count]
                for digest in digests:
                    digest.update(piece)
                checksum = crc64nvme(piece, checksum)
                os.write(descriptor, piece)
                left -= count
            os.fsync(descriptor)
            os.close(descriptor)
            connection.sendall(b"\1")
    path.unlink(missing_ok=True)


def engine_lives(answer: Connection, seconds: float, batch: int, folder: str) -> None:
    """Run whole lives of messages on an engine of its own and send back how many fit into a CPU-second."""
    answer.send(asyncio.run(_engine_lives(seconds, batch, Path(folder))))


async def _engine_lives(seconds: float, batch: int, folder: Path) -> float:
    from queue_lives import lives_per_cpu_second, make_life  # noqa: PLC0415 - the neighbour that asks this question

    from cumulo.server.serve import SWITCH_INTERVAL_S  # noqa: PLC0415 - the child's own import
    from cumulo.storage.lmdb_engine import LmdbEngine  # noqa: PLC0415 - as above

    sys.setswitchinterval(SWITCH_INTERVAL_S)
    engine = LmdbEngine(folder)
    try:
        life = await make_life(engine, "lives", batch)
        await lives_per_cpu_second(life, "run_alone", seconds / 4)
        return await lives_per_cpu_second(life, "run_alone", seconds)
    finally:
        await engine.close()

"""Downloads: an object's bytes as a stream that survives a broken connection.

Promises: no byte is handed out twice or left out; what arrives is of one and the same object, whatever is written over
it meanwhile (a continued read asks for the same ETag); a whole object's CRC-64/NVME is compared at its end.
"""

import os
from collections.abc import AsyncIterator
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import grpc

from cumulo.api.objects.v1 import objects_pb2 as pb
from cumulo.client import _wire, model
from cumulo.client._async.connection import AsyncConnection, AsyncLane, Metadata
from cumulo.client._checksums import crc64nvme
from cumulo.client._retries import REOPEN_PAUSE_S, Patience
from cumulo.client._tasks import RawStream, sleep
from cumulo.client.errors import DataLoss, Unauthenticated, from_rpc


class AsyncObjectReader(RawStream):
    """An object, or a range of it, as a binary file: `read`, `readinto`, `seek`, `chunks`. `info` describes the object.

    Each stream of it has the deadline of a call; a read that takes longer goes on in another stream, as does one behind
    a pause. Positions count from the start of the range. The flavour on threads is an `io.RawIOBase`; wrap it into
    `io.BufferedReader` or `io.TextIOWrapper` as any raw file.
    """

    def __init__(self, connection: AsyncConnection, request: pb.GetObjectRequest) -> None:
        super().__init__()
        self._connection = connection
        self._request = request
        self._call: Any = None
        self._lane: AsyncLane | None = None
        self._metadata: Metadata = ()
        self._info: model.ObjectInfo | None = None
        self._first = 0
        self._size = 0
        self._position = 0
        self._piece = b""
        self._crc: int | None = None
        self._patience = Patience(connection.timeout if connection.retries else 0.0)

    @property
    def info(self) -> model.ObjectInfo:
        """The whole object's description."""
        assert self._info is not None, "`open` sets it"
        return self._info

    @property
    def size(self) -> int:
        """Number of bytes that can be read: the object's, or the range's."""
        return self._size

    async def open(self) -> "AsyncObjectReader":
        """Ask for the object; returns the reader itself. Raises `NotFound`, `NotModified`, `PreconditionFailed`…"""
        self._patience.progress()
        head = await self._open(self._request)
        self._info = _wire.object_info(head.object)
        self._first = head.first_byte
        self._size = head.content_length
        if self._size == self._info.size and self._info.crc64nvme is not None:
            self._crc = 0
        return self

    async def _open(self, request: pb.GetObjectRequest) -> pb.GetObjectHead:
        """Begin a stream; return its head."""
        while True:
            self._patience.opening()
            self._metadata = await self._connection.metadata()
            self._lane = self._connection.take_parked_lane()
            try:
                self._call = self._lane.objects.GetObject(
                    request, timeout=self._connection.timeout, metadata=self._metadata
                )
                head: pb.GetObjectHead = (await anext(aiter(self._call))).head
            except grpc.RpcError as error:
                self._end_stream()
                await self._wait_or_raise(error)
            except BaseException:
                self._end_stream()
                raise
            else:
                return head

    async def _wait_or_raise(self, error: grpc.RpcError) -> None:
        failure = from_rpc(error)
        if not self._patience.allows(failure):
            raise failure from error
        if isinstance(failure, Unauthenticated):
            self._connection.discard_token(self._metadata)
        await sleep(REOPEN_PAUSE_S)

    def _end_stream(self) -> None:
        lane, self._lane = self._lane, None
        call, self._call = self._call, None
        if call is not None:
            call.cancel()
        if lane is not None:
            self._connection.give_back(lane)

    async def _next_piece(self) -> bytes:
        """Return the next bytes from the network; empty at the end."""
        self._patience.progress()
        while self._position < self._size:
            if self._call is None:
                await self._open(self._rest())
            try:
                async for frame in self._call:
                    if frame.data:
                        return self._counted(frame.data)
                raise DataLoss(f"the server ended a download at byte {self._position} of {self._size}")
            except grpc.RpcError as error:
                self._end_stream()
                await self._wait_or_raise(error)
        self._end_stream()
        return b""

    def _rest(self) -> pb.GetObjectRequest:
        """Return the request for what was not read yet, of the same object."""
        request = pb.GetObjectRequest(
            bucket=self._request.bucket,
            key=self._request.key,
            if_match=self.info.etag,
            customer_key=self._request.customer_key,
            version_id=self._request.version_id,
        )
        request.byte_range.first = self._first + self._position
        request.byte_range.last = self._first + self._size - 1
        return request

    def _counted(self, piece: bytes) -> bytes:
        """Note that `piece` was taken from the network at the current position."""
        self._position += len(piece)
        if self._crc is not None:
            self._crc = crc64nvme(piece, self._crc)
            if self._position >= self._size and self._crc != self.info.crc64nvme:
                raise DataLoss(f"the bytes of {self.info.key} that arrived do not match the object's CRC-64/NVME")
        return piece

    async def chunks(self) -> AsyncIterator[bytes]:
        """Iterate over what is left, in the pieces in which it arrives."""
        while piece := self._taken(len(self._piece)) or await self._next_piece():
            yield piece

    def _taken(self, size: int) -> bytes:
        """Return up to `size` bytes of the piece that was not handed out whole."""
        if size >= len(self._piece):
            piece, self._piece = self._piece, b""
            return piece
        piece, self._piece = self._piece[:size], self._piece[size:]
        return piece

    async def read(self, size: int | None = -1, /) -> bytes:
        """Return up to `size` bytes, fewer only at the end; -1: everything that is left."""
        self._check_open()
        if size is None or size < 0:
            return b"".join([piece async for piece in self.chunks()])
        pieces = [self._taken(size)]
        missing = size - len(pieces[0])
        while missing:
            self._piece = await self._next_piece()
            if not self._piece:
                break
            pieces.append(self._taken(missing))
            missing -= len(pieces[-1])
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def readall(self) -> bytes:
        """Return everything that is left."""
        return await self.read(-1)

    async def readinto(self, buffer: Any, /) -> int:
        """Fill `buffer` with what is at hand, at least a byte unless at the end; return how many bytes."""
        self._check_open()
        view = memoryview(buffer).cast("B")
        if not self._piece and len(view):
            self._piece = await self._next_piece()
        piece = self._taken(len(view))
        view[: len(piece)] = piece
        return len(piece)

    def peek(self, size: int = 0, /) -> bytes:
        """Return what has arrived and was not read yet, without reading it; `readline` uses it."""
        del size
        return self._piece

    def tell(self) -> int:
        """Return the position of the next byte that is read."""
        return self._position - len(self._piece)

    async def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move; what is read next is asked for from there."""
        self._check_open()
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self.tell(), os.SEEK_END: self._size}[whence]
        target = base + offset
        if target < 0:
            raise ValueError(f"seek to {target}: it must be 0 or more")
        ahead = target - self.tell()
        if 0 <= ahead <= len(self._piece):
            self._piece = self._piece[ahead:]
        else:
            self._end_stream()
            self._piece = b""
            self._position = target
            self._crc = None  # what is read from now on is not the whole object in order
        return target

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file")

    async def close(self) -> None:
        """End the download."""
        if not self.closed:
            self._end_stream()
        await super().close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def read_request(
    bucket: str,
    key: str,
    *,
    first: int | None = None,
    last: int | None = None,
    suffix: int | None = None,
    if_match: str | None = None,
    if_none_match: str | None = None,
    if_modified_since: datetime | None = None,
    if_unmodified_since: datetime | None = None,
    customer_key: bytes = b"",
    version_id: str = "",
) -> pb.GetObjectRequest:
    """Return a request for an object, the bytes `first` to `last` (included), or the last `suffix` ones."""
    fields = _wire.conditions(if_match, if_none_match, if_modified_since, if_unmodified_since)
    request = pb.GetObjectRequest(bucket=bucket, key=key, customer_key=customer_key, version_id=version_id, **fields)
    if suffix is not None:
        request.suffix_length = suffix
    elif first is not None or last is not None:
        request.byte_range.first = first or 0
        if last is not None:
            request.byte_range.last = last
    return request

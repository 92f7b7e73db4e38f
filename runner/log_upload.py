"""Sends what a command prints to the server, in numbered chunks, while it runs.

Promises bounded memory: beyond the limit what is printed is dropped and the log says so, and many small pieces are put
together. Each stream's bytes keep their order, and streams theirs among each other until the sending falls behind. A
server that is away for a while loses nothing: chunks wait.
"""

import asyncio
import contextlib
import logging
from collections import deque
from itertools import islice

import msgspec

from cumulo.client import AsyncClient, errors, model
from cumulo.runner.model import LOG_BYTES_MAX, LOG_CHUNK_BYTES_MAX

FLUSH_S = 0.5
"""How long a printed byte waits at most for others before it is sent."""
PIECES_MAX = 64
"""So many pieces wait to be sent in the order in which they came; then each stream's are put together."""
WORKER = 3
"""The stream of the worker's own words."""
_NOTICE = f"\nThe log has reached its limit of {LOG_BYTES_MAX} bytes; the rest is not stored.\n".encode()
_RESERVE_BYTES = 4 * 1024
"""Kept free for the worker's own words, so that the end of a long log still says why."""
_RETRY_S = 1.0
_STREAMS: dict[int, model.LogStreamName] = {1: "stdout", 2: "stderr", WORKER: "worker"}
_REFUSED = (
    errors.PreconditionFailed,
    errors.LimitExceeded,
    errors.NotFound,
    errors.PermissionDenied,
    errors.Unauthenticated,
    errors.InvalidArgument,
)
"""What no repetition changes: the lease is lost, or the log is full."""

_log = logging.getLogger("cumulo.worker")


class _Piece(msgspec.Struct):
    stream: int
    data: bytearray


class LogUpload:
    """One attempt's log on its way."""

    def __init__(self, client: AsyncClient, claim: model.Claim) -> None:
        self._client = client
        self._claim = claim
        self._pieces: deque[_Piece] = deque()
        self._room = LOG_BYTES_MAX - _RESERVE_BYTES
        self._full = False
        self._next_chunk = 0
        self._closing = asyncio.Event()
        self._changed = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name="log upload")

    def add(self, stream: int, data: bytes) -> None:
        """Take what the command wrote (the executor's sink)."""
        if self._full:
            return
        self._append(stream, data[: self._room])
        self._room -= len(data)
        if self._room < 0:
            self._full = True
            self._append(WORKER, _NOTICE)

    def say(self, text: str) -> None:
        """Add a line of the worker's own, of which there are few and short ones."""
        self._append(WORKER, f"{text[:1024]}\n".encode())

    def _append(self, stream: int, data: bytes) -> None:
        left = memoryview(data)
        while left and not self._task.done():
            piece = self._open_piece(stream)
            room = LOG_CHUNK_BYTES_MAX - len(piece.data)
            piece.data += left[:room]
            left = left[room:]
        self._changed.set()

    def _open_piece(self, stream: int) -> _Piece:
        """Return the piece that takes the stream's next byte."""
        reach = 1 if len(self._pieces) < PIECES_MAX else len(_STREAMS)
        for piece in islice(reversed(self._pieces), reach):
            if piece.stream == stream:
                if len(piece.data) < LOG_CHUNK_BYTES_MAX:
                    return piece
                break
        piece = _Piece(stream, bytearray())
        self._pieces.append(piece)
        return piece

    async def close(self) -> None:
        """Send what is left; returns early where the server takes no more of it."""
        self._closing.set()
        self._changed.set()
        await asyncio.wait((self._task,))

    async def abandon(self) -> None:
        """Drop what is left."""
        self._task.cancel()
        await asyncio.wait((self._task,))

    async def _run(self) -> None:
        while True:
            await self._changed.wait()
            if not self._closing.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._closing.wait(), FLUSH_S)
            self._changed.clear()
            while self._pieces:
                piece = self._pieces.popleft()
                if not await self._send(piece):
                    self._pieces.clear()
                    return
            if self._closing.is_set():
                return

    async def _send(self, piece: _Piece) -> bool:
        claim = self._claim
        while True:
            try:
                self._next_chunk = await self._client.jobs.append_logs(
                    claim.job.id,
                    claim.attempt,
                    claim.lease_token,
                    self._next_chunk,
                    _STREAMS[piece.stream],
                    bytes(piece.data),
                )
            except _REFUSED as error:
                # The heartbeat and the record decide what becomes of the job.
                _log.warning("log chunk was refused", extra={"job": claim.job.id, "error": str(error)})
                return False
            except errors.CumuloError as error:
                _log.warning("the log waits for the server", extra={"job": claim.job.id, "error": str(error)})
                await asyncio.sleep(_RETRY_S)
            else:
                return True

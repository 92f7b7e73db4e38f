"""Sends what a command prints to the server, in numbered chunks, while it runs.

Promises bounded memory: beyond the limit what is printed is dropped and the log says so. A server that is away for a
while loses nothing: chunks wait.
"""

import asyncio
import contextlib
import logging
from collections import deque

from cumulo.client import AsyncClient, errors, model
from cumulo.runner.model import LOG_BYTES_MAX, LOG_CHUNK_BYTES_MAX

FLUSH_S = 0.5
"""How long a printed byte waits at most for others before it is sent."""
_NOTICE_BYTES = 4 * 1024
_RETRY_S = 1.0
_STREAMS: dict[int, model.LogStreamName] = {1: "stdout", 2: "stderr", 3: "worker"}

_log = logging.getLogger("cumulo.worker")


class LogUpload:
    """One attempt's log on its way."""

    def __init__(self, client: AsyncClient, claim: model.Claim) -> None:
        self._client = client
        self._claim = claim
        self._pieces: deque[tuple[int, bytearray]] = deque()
        self._size_bytes = 0
        self._dropped = False
        self._next_chunk = 0
        self._closing = False
        self._changed = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name="log upload")

    def add(self, stream: int, data: bytes) -> None:
        """Take what the command wrote (the executor's sink)."""
        room = LOG_BYTES_MAX - _NOTICE_BYTES - self._size_bytes
        if len(data) > room:
            if self._dropped:
                return
            self._dropped = True
            data = data[: max(0, room)]
        self._size_bytes += len(data)
        self._append(stream, data)
        if self._dropped:
            self._append(
                3, f"\nThe log has reached its limit of {LOG_BYTES_MAX} bytes; the rest is not stored.\n".encode()
            )

    def say(self, text: str) -> None:
        """Add a line of the worker's own."""
        self.add(3, f"{text}\n".encode())

    def _append(self, stream: int, data: bytes) -> None:
        if not data:
            return
        if (
            self._pieces
            and self._pieces[-1][0] == stream
            and len(self._pieces[-1][1]) + len(data) <= LOG_CHUNK_BYTES_MAX
        ):
            self._pieces[-1][1].extend(data)
        else:
            for start in range(0, len(data), LOG_CHUNK_BYTES_MAX):
                self._pieces.append((stream, bytearray(data[start : start + LOG_CHUNK_BYTES_MAX])))
        self._changed.set()

    async def close(self) -> None:
        """Send what is left."""
        self._closing = True
        self._changed.set()
        await self._task

    async def abandon(self) -> None:
        """Drop what is left: the lease is lost, nobody would take it."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        while True:
            await self._changed.wait()
            if not self._closing:
                await asyncio.sleep(FLUSH_S)
            self._changed.clear()
            while self._pieces:
                stream, data = self._pieces.popleft()
                if not await self._send(stream, bytes(data)):
                    return
            if self._closing:
                return

    async def _send(self, stream: int, data: bytes) -> bool:
        claim = self._claim
        while True:
            try:
                self._next_chunk = await self._client.jobs.append_logs(
                    claim.job.id, claim.attempt, claim.lease_token, self._next_chunk, _STREAMS[stream], data
                )
            except errors.Unavailable:
                await asyncio.sleep(_RETRY_S)
            except errors.CumuloError as error:
                # The lease is lost, or the log is full: the heartbeat and the record decide what becomes of the job.
                _log.warning("log chunk was refused", extra={"job": claim.job.id, "error": str(error)})
                return False
            else:
                return True

"""The HTTP/1.1 listener, and what a handler of it gets and gives.

Owns the listening socket. The rules are in `http_head.py`, `http_body.py` and `http_answer.py`, the life of a
connection in `http_connection.py`. Knows no service: a handler gets a `Request` and gives a `Response`.
"""

import asyncio
import contextlib
import ssl

from cumulo.gateway.http_answer import Response
from cumulo.gateway.http_body import Body, BufferPool, WholeBody
from cumulo.gateway.http_connection import HEAD_TIMEOUT_S, RECEIVE_BYTES, Handler, HttpConnection, Request, Shared

__all__ = ["Body", "Handler", "HttpListener", "Request", "Response", "WholeBody"]

BACKLOG = 1024
TLS_SHUTDOWN_S = 1.0
"""How long a closed connection waits for the client's own farewell, which most clients never send."""


class HttpListener:
    """The listening socket and its connections."""

    def __init__(self, handler: Handler) -> None:
        self._shared = Shared(handler, memoryview(bytearray(RECEIVE_BYTES)), BufferPool(), set(), asyncio.Event())
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Listen; return the port that was bound."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: HttpConnection(self._shared),
            host,
            port,
            ssl=tls,
            ssl_handshake_timeout=HEAD_TIMEOUT_S if tls else None,
            ssl_shutdown_timeout=TLS_SHUTDOWN_S if tls else None,
            backlog=BACKLOG,
        )
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self, grace_s: float = 0) -> None:
        """Stop listening, let requests under way end within `grace_s`, and end every connection."""
        assert self._server is not None
        self._shared.stopping = True
        self._server.close()
        connections = self._shared.connections
        for connection in tuple(connections):
            connection.stop()
        if connections:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._shared.gone.wait(), grace_s)
        for connection in tuple(connections):
            connection.abort()
        await self._server.wait_closed()

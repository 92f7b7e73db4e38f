"""An HTTP endpoint of the tests: real sockets, answers as told, and notes what it was sent."""

import asyncio
import json
from typing import Any, Self

WAIT_S = 10


class Posted:
    """A request that an endpoint was sent."""

    def __init__(self, head: str, body: bytes) -> None:
        self.line, *lines = head.split("\r\n")
        self.headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines if line)}
        self.body = body

    @property
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.body)
        return document


class Endpoint:
    """Answers each request with the next of `statuses`, then with 200; `silent` ones never answer."""

    def __init__(self, *statuses: int, headers: str = "", silent: bool = False) -> None:
        self.statuses = list(statuses)
        self.headers = headers
        self.silent = silent
        self.posted: list[Posted] = []
        self.open = self.open_max = 0
        self._more = asyncio.Condition()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/path?of=it"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    def of_type(self, kind: str) -> list[Posted]:
        return [it for it in self.posted if it.headers["x-amz-sns-message-type"] == kind]

    async def wait_for(self, count: int) -> None:
        """Return once so many notifications have come."""
        async with asyncio.timeout(WAIT_S), self._more:
            await self._more.wait_for(lambda: len(self.bodies) >= count)

    @property
    def bodies(self) -> list[str]:
        return [it.document["Message"] for it in self.of_type("Notification")]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = int(head.lower().partition("content-length: ")[2].partition("\r\n")[0])
                self.open += 1
                self.open_max = max(self.open, self.open_max)
                body = await reader.readexactly(length)
                async with self._more:
                    self.posted.append(Posted(head.removesuffix("\r\n\r\n"), body))
                    self._more.notify_all()
                if self.silent:
                    await reader.read()
                    return
                await asyncio.sleep(0)
                self.open -= 1
                status = self.statuses.pop(0) if self.statuses else 200
                writer.write(f"HTTP/1.1 {status} It\r\n{self.headers}Content-Length: 2\r\n\r\nok".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

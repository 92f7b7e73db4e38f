"""A plain HTTP client on a socket, for bodies of any size and answers that have to be read.

Promises: a status that is no success is raised, every wait is bounded, and no body is held that nobody wants.
"""

import re
import socket

from rig.signed_requests import Address, Asked

ANSWER_S = 60.0
PIECE_BYTES = 1024 * 1024
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CLOSES = re.compile(rb"^HTTP/1\.0|\r\nconnection: *close", re.IGNORECASE)


class HttpClient:
    """One connection, opened again where the server has closed it."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._buffer = memoryview(bytearray(PIECE_BYTES))
        self._socket: socket.socket | None = None

    def call(self, asked: Asked, piece: bytes = b"", times: int = 1) -> bytes:
        """Send a request, with `piece` so many times behind it, and return the answer's body."""
        length, begun = self._exchange(asked, piece, times)
        content = bytearray(begun)
        while len(content) < length:
            content += self._buffer[: self._receive(length - len(content))]
        self._end()
        return bytes(content)

    def download(self, asked: Asked) -> int:
        """Send a request, drop the answer's body and return its length."""
        length, begun = self._exchange(asked, b"", 1)
        left = length - len(begun)
        while left:
            left -= self._receive(left)
        self._end()
        return length

    def close(self) -> None:
        """Leave."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _exchange(self, asked: Asked, piece: bytes, times: int) -> tuple[int, bytes]:
        """Return how long the answer's body is, and what has come of it with the head."""
        if self._socket is None:
            self._socket = socket.create_connection(self.address[:2], timeout=ANSWER_S)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(asked.head + asked.body)
        if piece:
            for _ in range(times):
                self._socket.sendall(piece)
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._buffer[: self._receive(PIECE_BYTES)]
        head, _, begun = received.partition(b"\r\n\r\n")
        if head[9:10] != b"2":
            raise RuntimeError(f"{asked.method} {asked.target}: {received[:1000]!r}")
        self._closes = _CLOSES.search(head) is not None
        length = _LENGTH.search(head)
        if length is None and head[9:12] != b"204":
            raise RuntimeError(f"{asked.method} {asked.target}: an answer without a length: {head!r}")
        return int(length[1]) if length is not None else 0, begun

    def _receive(self, size_bytes_max: int) -> int:
        assert self._socket is not None
        count = self._socket.recv_into(self._buffer[: min(size_bytes_max, PIECE_BYTES)])
        if not count:
            raise ConnectionError(f"{self.address.name} closed the connection instead of answering")
        return count

    def _end(self) -> None:
        if self._closes:
            self.close()

"""The `aws-chunked` content encoding: chunks with or without a signature each, and a trailer behind the last.

Owns the decoder. Promises: strict lines, each with a limit; every chunk's signature, the final empty chunk's and the
trailer's are verified, each over the one before; exactly the announced number of bytes and exactly the announced
trailer fields come, then nothing more; a broken rule raises in place of the end. Data is passed on as views of the
pieces that came in; only lines that lie across two pieces are copied.

Rules: S3 API reference, "Signature calculations for the authorization header: transferring payload in multiple chunks"
and "Including trailing headers (chunked upload)".
"""

import asyncio
import hashlib
import hmac
import re
from collections.abc import AsyncIterator
from typing import Final

from cumulo.core.errors import ErrorRow, Status
from cumulo.gateway.http1 import Request
from cumulo.gateway.signature_errors import AuthForm, Refusal, row
from cumulo.gateway.sigv4 import Verified

CHUNK_LINE_BYTES_MAX = 256
CHUNK_BYTES_MIN = 8_192
"""AWS's: only the last chunk may be smaller."""
TRAILER_BYTES_MAX = 16 * 1024
TRAILER_LINES_MAX = 16
HASH_BESIDE_BYTES = 64 * 1024
"""Above it a piece is hashed in a worker thread: the hand-over costs about 30 µs, 64 KiB of SHA-256 35 to 160."""

OTHER_LENGTH = ErrorRow(
    "IncompleteBody",
    400,
    Status.INVALID_ARGUMENT,
    "You did not provide the number of bytes specified by the Content-Length HTTP header",
)
INCOMPLETE_BODY = ErrorRow("IncompleteBody", 400, Status.INVALID_ARGUMENT, "The request body terminated unexpectedly")
INVALID_CHUNK_SIZE = ErrorRow(
    "InvalidChunkSizeError",
    403,
    Status.INVALID_ARGUMENT,
    "Only the last chunk is allowed to have a size less than 8192 bytes",
)
MALFORMED_TRAILER = ErrorRow(
    "MalformedTrailerError",
    400,
    Status.INVALID_ARGUMENT,
    "The request contained trailing data that was not well-formed or did not conform to our published schema.",
)
MISSING_CONTENT_LENGTH = ErrorRow(
    "MissingContentLength", 411, Status.INVALID_ARGUMENT, "You must provide the Content-Length HTTP header."
)
UNSUPPORTED_TRAILER = ErrorRow(
    "InvalidRequest",
    400,
    Status.INVALID_ARGUMENT,
    "The value specified in the x-amz-trailer header is not supported",
)

_NO_BYTES = hashlib.sha256(b"").hexdigest()
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})").fullmatch
_SIGNED_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,16});chunk-signature=([0-9a-f]{64})").fullmatch
_TRAILER_NAME = re.compile(r"x-amz-checksum-[a-z0-9]{1,32}").fullmatch
# The end of line that is signed stands before the one of the wire in AWS's example, and in what minio-go sends.
_TRAILER_LINE = re.compile(rb"([A-Za-z0-9-]{1,64}):[ \t]*([\x21-\x7e]{1,1024})[ \t]*\n?").fullmatch
_TRAILER_SIGNATURE = "x-amz-trailer-signature"
_LENGTH = re.compile(r"[0-9]{1,15}").fullmatch


def is_encoded(request: Request) -> bool:
    """Tell whether the body bears this encoding by its `content-encoding`."""
    return "aws-chunked" in (word.strip().lower() for word in request.headers.get("content-encoding", "").split(","))


def decoded_length(request: Request) -> int:
    """Return the number of bytes that the chunks hold, as announced."""
    text = request.headers.get("x-amz-decoded-content-length", "")
    if not _LENGTH(text):
        raise MISSING_CONTENT_LENGTH.error()
    return int(text)


def announced_trailer(request: Request) -> frozenset[str]:
    """Return the names, in lower case, that `x-amz-trailer` announces."""
    names = [word.strip().lower() for word in request.headers.get("x-amz-trailer", "").split(",") if word.strip()]
    if len(set(names)) < len(names) or not all(map(_TRAILER_NAME, names)):
        raise UNSUPPORTED_TRAILER.error()
    return frozenset(names)


class PieceHash:
    """A running SHA-256 that takes large pieces in a worker thread.

    A piece may be used by others meanwhile, but must stay as it is until `settle` has returned.
    """

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()
        self._beside: asyncio.Future[None] | None = None

    def add(self, piece: memoryview) -> None:
        """Take a piece; the one before must have settled."""
        assert self._beside is None
        if len(piece) > HASH_BESIDE_BYTES:
            self._beside = asyncio.get_running_loop().run_in_executor(None, self._sha256.update, piece)
        else:
            self._sha256.update(piece)

    async def settle(self) -> None:
        """Wait until the piece is hashed; even when cancelled, for the thread reads it to its end."""
        beside, self._beside = self._beside, None
        if beside is None:
            return
        try:
            await asyncio.shield(beside)
        finally:
            if not beside.done():
                await asyncio.wait((beside,))

    def hexdigest(self) -> str:
        """Return the digest of all pieces so far."""
        assert self._beside is None
        return self._sha256.hexdigest()


class _Source:
    """The encoded body, read as lines and as views."""

    def __init__(self, body: AsyncIterator[memoryview]) -> None:
        self._body = body
        self._piece = memoryview(b"")
        self._at = 0

    async def _fill(self) -> bool:
        """Have at least one byte at hand; False at the end."""
        while self._at == len(self._piece):
            self._piece, self._at = memoryview(b""), 0
            try:
                self._piece = await anext(self._body)
            except StopAsyncIteration:
                return False
        return True

    async def view(self, size_bytes_max: int) -> memoryview:
        """Return the next bytes, as many as lie in one piece."""
        if not await self._fill():
            raise INCOMPLETE_BODY.error()
        view = self._piece[self._at : self._at + size_bytes_max]
        self._at += len(view)
        return view

    async def line(self, size_bytes_max: int, broken: ErrorRow, *, keeps_lf: bool = False) -> bytes:
        """Return the next line without its CRLF; `broken` for one that is longer or bears a single CR or LF, unless
        that is the LF before it and `keeps_lf`.
        """
        line = b""
        while True:
            if not await self._fill():
                raise (broken if b"\n" in line else INCOMPLETE_BODY).error()
            start = line
            line += bytes(self._piece[self._at : self._at + size_bytes_max + 2 - len(line)])
            end = line.find(b"\r\n")
            if end >= 0:
                self._at += end + 2 - len(start)
                line = line[:end]
                if b"\r" in line or b"\n" in (line[:-1] if keeps_lf else line):
                    raise broken.error()
                return line
            self._at += len(line) - len(start)
            if len(line) >= size_bytes_max + 2:
                raise broken.error()

    async def end(self) -> None:
        """Require that nothing follows."""
        if await self._fill():
            raise INCOMPLETE_BODY.error()


class ChunkedDecoder:
    """Decodes one body. `verified` is the request's signature where chunks are signed, None where they are not."""

    def __init__(
        self,
        body: AsyncIterator[memoryview],
        decoded_length: int,
        announced: frozenset[str],
        verified: Verified | None,
    ) -> None:
        self._source: Final = _Source(body)
        self._announced = announced
        self._verified = verified
        self._signature = verified.seed_signature if verified is not None else ""
        self.decoded_length: Final = decoded_length
        self.trailer: Final[dict[str, str]] = {}

    async def pieces(self) -> AsyncIterator[memoryview]:
        """Yield the data; raise in place of the end where a rule is broken."""
        left, number, size_before = self.decoded_length, 0, CHUNK_BYTES_MIN
        while True:
            number += 1
            size, signature = await self._chunk_line()
            if size > left:
                raise OTHER_LENGTH.error(NumberBytesExpected=self.decoded_length)
            if not size:
                break
            if size_before < CHUNK_BYTES_MIN:
                raise INVALID_CHUNK_SIZE.error(Chunk=number, BadChunkSize=size_before)
            left, size_before = left - size, size
            sha256 = PieceHash()
            try:
                while size:
                    view = await self._source.view(size)
                    size -= len(view)
                    if self._verified is not None:
                        sha256.add(view)
                    yield view
                    await sha256.settle()
            finally:
                await sha256.settle()
            if await self._source.line(0, INCOMPLETE_BODY):
                raise INCOMPLETE_BODY.error()
            if self._verified is not None:
                self._check_chunk(signature, sha256.hexdigest())
        if left:
            raise OTHER_LENGTH.error(NumberBytesExpected=self.decoded_length)
        if self._verified is not None:
            self._check_chunk(signature, _NO_BYTES)
        await self._read_trailer()
        await self._source.end()

    async def _chunk_line(self) -> tuple[int, str]:
        line = await self._source.line(CHUNK_LINE_BYTES_MAX, INCOMPLETE_BODY)
        if self._verified is None:
            unsigned = _CHUNK_LINE(line)
            if unsigned is None:
                raise INCOMPLETE_BODY.error()
            return int(unsigned[1], 16), ""
        signed = _SIGNED_CHUNK_LINE(line)
        if signed is None:
            raise INCOMPLETE_BODY.error()
        return int(signed[1], 16), signed[2].decode("ascii")

    def _check_chunk(self, signature: str, data_hash: str) -> None:
        self._check(signature, "PAYLOAD", f"{_NO_BYTES}\n{data_hash}")

    def _check(self, signature: str, what: str, hashed: str) -> None:
        """Compare a signature, which covers the one before it."""
        verified = self._verified
        assert verified is not None
        to_sign = f"AWS4-HMAC-SHA256-{what}\n{verified.amz_date}\n{verified.scope}\n{self._signature}\n{hashed}"
        expected = verified.signing_key.sign(to_sign.encode("ascii"))
        if not hmac.compare_digest(expected, signature):
            raise row(Refusal.MISMATCH, AuthForm.HEADER, "s3").error(
                AWSAccessKeyId=verified.access_key_id, StringToSign=to_sign, SignatureProvided=signature
            )
        self._signature = signature

    async def _read_trailer(self) -> None:
        """Read the fields up to the empty line."""
        signature, signed_text, size_left = "", b"", TRAILER_BYTES_MAX
        for _ in range(TRAILER_LINES_MAX):
            line = await self._source.line(size_left, MALFORMED_TRAILER, keeps_lf=True)
            size_left -= len(line)
            if not line:
                break
            field = _TRAILER_LINE(line)
            if field is None or signature:
                raise MALFORMED_TRAILER.error()
            name, value = field[1].decode("ascii").lower(), field[2].decode("ascii").rstrip()
            if name == _TRAILER_SIGNATURE and self._verified is not None and self._announced:
                signature = value
            elif name in self._announced and name not in self.trailer:
                self.trailer[name] = value
                signed_text += f"{name}:{value}\n".encode("ascii")
            else:
                raise MALFORMED_TRAILER.error()
        else:
            raise MALFORMED_TRAILER.error()
        if self.trailer.keys() != self._announced:
            raise MALFORMED_TRAILER.error()
        if self._verified is not None and self._announced:
            if not re.fullmatch(r"[0-9a-f]{64}", signature):
                raise MALFORMED_TRAILER.error()
            self._check(signature, "TRAILER", hashlib.sha256(signed_text).hexdigest())

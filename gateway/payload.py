"""What an S3 request says about its payload, and the payload that is checked against it while it streams.

Owns `x-amz-content-sha256`: its values (`PayloadMode`), which of them goes with which form of authentication and kind
of operation (`ALLOWED`), and the verification of the bytes. Promises: a body that is not what was signed ends in an
error in place of its end, so nothing of it becomes visible; pieces are passed on as they came, never gathered; memory
is bounded by the piece in hand. Hashes of large pieces run in a worker thread while the receiver has the piece. Does
not know what the bytes mean, nor the checksums that a trailer names: those are the object store's.

Rules: S3 API reference, "Signature calculations for the authorization header", transferring in one or several chunks.
"""

import enum
import hashlib
import hmac
import re
from collections.abc import AsyncIterator, Mapping

import msgspec

from cumulo.core.errors import ErrorRow, Status
from cumulo.gateway import aws_chunked, canonical
from cumulo.gateway.aws_chunked import ChunkedDecoder, PieceHash
from cumulo.gateway.http1 import Body, Request, WholeBody
from cumulo.gateway.signature_errors import AuthForm, Refusal, SignatureError
from cumulo.gateway.sigv4 import CONTENT_SHA256, Verified

CONTENT_SHA256_MISMATCH = ErrorRow(
    "XAmzContentSHA256Mismatch",
    400,
    Status.INVALID_ARGUMENT,
    "The provided 'x-amz-content-sha256' header does not match what was computed.",
)

_SHA256 = re.compile(r"[0-9a-f]{64}").fullmatch


class PayloadMode(enum.StrEnum):
    """What `x-amz-content-sha256` promises; SIGNED stands for a hash."""

    SIGNED = "SIGNED"
    UNSIGNED = "UNSIGNED-PAYLOAD"
    CHUNKS_SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
    CHUNKS_SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
    CHUNKS_UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


_WHOLE = frozenset({PayloadMode.SIGNED, PayloadMode.UNSIGNED})
_SIGNED_CHUNKS = frozenset({PayloadMode.CHUNKS_SIGNED, PayloadMode.CHUNKS_SIGNED_TRAILER})
ALLOWED: Mapping[tuple[AuthForm, bool], frozenset[PayloadMode]] = {
    # Form, does the operation stream its body. AWS defines signed chunks for the header form only.
    (AuthForm.HEADER, True): _WHOLE | _SIGNED_CHUNKS | {PayloadMode.CHUNKS_UNSIGNED_TRAILER},
    (AuthForm.HEADER, False): _WHOLE,
    (AuthForm.QUERY, True): _WHOLE,
    (AuthForm.QUERY, False): _WHOLE,
    (AuthForm.ANONYMOUS, True): _WHOLE | {PayloadMode.CHUNKS_UNSIGNED_TRAILER},
    (AuthForm.ANONYMOUS, False): _WHOLE,
    # A form's policy is what is signed; the file is bound by its conditions, never by a hash.
    (AuthForm.POST, True): frozenset({PayloadMode.UNSIGNED}),
    (AuthForm.POST, False): frozenset(),
}


class DeclaredPayload(msgspec.Struct, frozen=True):
    """`text` is the last line of the canonical request: the hash, or the mode's name."""

    mode: PayloadMode
    text: str


UNSIGNED = DeclaredPayload(PayloadMode.UNSIGNED, PayloadMode.UNSIGNED.value)


def body_hash(body: bytes) -> str:
    """Return the last line of the canonical request for a service other than S3: the hash of the body that was read."""
    return hashlib.sha256(body).hexdigest()


def declared_payload(
    request: Request, form: AuthForm, *, streams: bool, version_2: bool = False, header_signed: bool = True
) -> DeclaredPayload:
    """Return what an S3 request says about its payload; `streams` tells that its operation takes a body of any length,
    `version_2` that its signature is of that version, which covers no payload: so it may say as little as nobody's.
    What a header says of a whole payload counts only where it is signed, as `header_signed` tells.

    Raises `SignatureError` for what is missing, unknown or not allowed there.
    """
    value = request.headers.get(CONTENT_SHA256)
    if not header_signed and value is not None and (_SHA256(value) or value == PayloadMode.UNSIGNED):
        value = None
    if version_2 and form is AuthForm.HEADER:
        form = AuthForm.ANONYMOUS
    if form is AuthForm.QUERY:
        for name, text in canonical.query_pairs(request.query):
            if name == b"X-Amz-Content-Sha256":
                if value is not None and value.encode("latin-1") != text:
                    raise SignatureError(Refusal.REPEATED, form, name="X-Amz-Content-Sha256")
                value = text.decode("latin-1")
    if value is None:
        if form is AuthForm.HEADER:
            raise SignatureError(Refusal.PAYLOAD_MISSING, form)
        chunked = form is AuthForm.ANONYMOUS and aws_chunked.is_encoded(request)
        value = PayloadMode.CHUNKS_UNSIGNED_TRAILER if chunked else PayloadMode.UNSIGNED
    if _SHA256(value):
        mode = PayloadMode.SIGNED
    else:
        try:
            mode = PayloadMode(value)
        except ValueError:
            raise _unknown(value, form) from None
        if mode is PayloadMode.SIGNED:
            raise _unknown(value, form)
    allowed = ALLOWED[form, streams]
    if mode not in allowed:
        names = ", ".join(mode.value for mode in PayloadMode if mode in allowed and mode is not PayloadMode.SIGNED)
        with_hash = " or a valid sha256 value" if PayloadMode.SIGNED in allowed else ""
        raise SignatureError(Refusal.PAYLOAD_NOT_HERE, form, allowed=names + with_hash)
    return DeclaredPayload(mode, value)


class PayloadBody(AsyncIterator[memoryview]):
    """A payload that is verified while it is read; its pieces are borrowed until the next one is asked for.

    `decoded_length` is what the sender announced, None where he did not. `trailer` holds the names (lower case) and
    values that came behind the last byte; it is complete once the iterator has ended.
    """

    def __init__(
        self, pieces: AsyncIterator[memoryview], decoded_length: int | None, trailer: Mapping[str, str]
    ) -> None:
        self._pieces = pieces
        self.decoded_length = decoded_length
        self.trailer = trailer

    def __aiter__(self) -> "PayloadBody":
        return self

    async def __anext__(self) -> memoryview:
        return await anext(self._pieces)

    async def aclose(self) -> None:
        """End the reading before its end."""
        close = getattr(self._pieces, "aclose", None)
        if close is not None:
            await close()


class WholePayload(PayloadBody):
    """A payload that is here already, with its hash where it has one: a piece, or to be taken in one go."""

    def __init__(self, body: WholeBody, expected: str) -> None:
        super().__init__(body, body.content_length, {})
        self._body = body
        self._expected = expected

    def take_whole(self) -> memoryview:
        """Return all of it, verified; nothing is left to be iterated. Raises `XAmzContentSHA256Mismatch`."""
        content, expected = self._body.take_whole(), self._expected
        self._expected = ""
        if expected:
            _compare(hashlib.sha256(content).hexdigest(), expected)
        return content

    async def __anext__(self) -> memoryview:
        content = self.take_whole()
        if not content:
            raise StopAsyncIteration
        return content


def open_payload(request: Request, verified: Verified | None, declared: DeclaredPayload) -> PayloadBody:
    """Return the verified payload of an S3 request; nothing of it is read yet.

    Raises `MissingContentLength` or `InvalidRequest` for an `aws-chunked` body that is announced wrongly. The iterator
    raises `XAmzContentSHA256Mismatch`, `SignatureDoesNotMatch`, `IncompleteBody`, `InvalidChunkSizeError` and
    `MalformedTrailerError` in place of its end.
    """
    mode, body = declared.mode, request.body
    if isinstance(body, WholeBody) and mode in _WHOLE:
        return WholePayload(body, declared.text if mode is PayloadMode.SIGNED else "")
    if mode is PayloadMode.UNSIGNED:
        return PayloadBody(body, body.content_length, {})
    if mode is PayloadMode.SIGNED:
        return PayloadBody(_hashed(body, declared.text), body.content_length, {})
    signed = verified if mode in _SIGNED_CHUNKS else None
    assert (mode in _SIGNED_CHUNKS) == (signed is not None)
    decoder = ChunkedDecoder(
        body,
        aws_chunked.decoded_length(request),
        aws_chunked.announced_trailer(request) if mode is not PayloadMode.CHUNKS_SIGNED else frozenset(),
        signed,
    )
    return PayloadBody(decoder.pieces(), decoder.decoded_length, decoder.trailer)


async def read_payload(whole: Body, declared: DeclaredPayload, size_bytes_max: int) -> bytes:
    """Return the whole payload of an S3 operation that does not stream, verified against its hash where it has one."""
    body = await whole.read(size_bytes_max)
    if declared.mode is PayloadMode.SIGNED:
        _compare(body_hash(body), declared.text)
    return body


async def _hashed(body: AsyncIterator[memoryview], expected: str) -> AsyncIterator[memoryview]:
    """Pass a body on and compare its SHA-256 before its end."""
    sha256 = PieceHash()
    try:
        async for piece in body:
            sha256.add(piece)
            yield piece
            await sha256.settle()
    finally:
        await sha256.settle()
    _compare(sha256.hexdigest(), expected)


def _compare(computed: str, expected: str) -> None:
    if not hmac.compare_digest(computed, expected):
        raise CONTENT_SHA256_MISMATCH.error(ClientComputedContentSHA256=expected, S3ComputedContentSHA256=computed)


def _unknown(value: str, form: AuthForm) -> SignatureError:
    ecdsa = value.startswith("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD")
    refusal = Refusal.PAYLOAD_ECDSA if ecdsa else Refusal.PAYLOAD_UNKNOWN
    shown = {} if ecdsa else {"ArgumentName": CONTENT_SHA256, "ArgumentValue": value[:100]}
    return SignatureError(refusal, form, value=value[:100], **shown)

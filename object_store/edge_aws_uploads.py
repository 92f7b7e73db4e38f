"""The body of an S3 upload: how long it says it is, and the checksum that comes behind it.

Owns the step from a verified payload to the room's `UploadBody`. Knows no operation.
"""

from collections.abc import AsyncIterator

from cumulo.gateway.aws_service import AwsCall
from cumulo.gateway.payload import PayloadBody
from cumulo.object_store.body_model import UNKNOWN, ExpectedContent, UploadBody
from cumulo.object_store.edge_aws_errors import MISSING_CONTENT_LENGTH, header_error
from cumulo.object_store.edge_aws_headers import CHECKSUMS, checksum_value


def body_length(call: AwsCall) -> int:
    """Return the number of an upload's bytes; raises `MissingContentLength` where its sender does not say, and
    `NotImplemented` for chunks of HTTP's own without a word of what they come to: `UNKNOWN` where the dialect has that.
    """
    headers = call.http.headers
    length = call.body.decoded_length if isinstance(call.body, PayloadBody) else call.http.body.content_length
    if length is None and "transfer-encoding" in headers and "x-amz-decoded-content-length" not in headers:
        if call.dialect.unsized_bodies:
            return UNKNOWN
        raise header_error("Transfer-Encoding")
    if length is None or ("content-length" not in headers and "transfer-encoding" not in headers):
        raise MISSING_CONTENT_LENGTH.error()
    return length


def upload_body(call: AwsCall) -> AsyncIterator[memoryview] | None:
    """Return an upload's bytes for the room, which learns of a trailer at their end."""
    body = call.body
    return _TrailedBody(body) if "x-amz-trailer" in call.http.headers and isinstance(body, PayloadBody) else body


class _TrailedBody(UploadBody):
    """A payload with a trailer, whose fields are complete once it has ended."""

    def __init__(self, body: PayloadBody) -> None:
        self._body = body

    async def __anext__(self) -> memoryview:
        try:
            return await anext(self._body)
        except StopAsyncIteration:
            digests = {
                CHECKSUMS[name]: checksum_value(name, value, "trailing header")
                for name, value in self._body.trailer.items()
                if name in CHECKSUMS
            }
            self.trailer = ExpectedContent(digests=digests)
            raise

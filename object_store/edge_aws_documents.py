"""The documents of S3's requests: each is what its sender's checksums say, and some must bear one.

Promises: a document is verified before anything is done with it. The bodies of uploads are the room's to verify, which
has them in passing.

Source: S3 API reference, on each operation ("Content-MD5: required"); Smithy's `httpChecksum` trait.
"""

from collections.abc import Mapping
from typing import Final

from cumulo.gateway.aws_service import AwsCall
from cumulo.object_store.body_model import CONTENT_MD5
from cumulo.object_store.edge_aws_errors import INPUT_ERRORS, request_error
from cumulo.object_store.edge_aws_headers import expected_content, expected_digests
from cumulo.object_store.errors import BAD_CHECKSUM, BAD_CONTENT_MD5
from cumulo.storage.digests import digests_of

MUST_BE_CHECKED: Final = frozenset({"DeleteObjects"})
"""Of the operations whose description asks for a checksum, the one without which S3 itself still refuses: the others
are sent without by tools of old, which S3 serves.
"""

DOCUMENT_BYTES_MAX: Final[Mapping[str, int]] = {"PutBucketWebsite": 128 * 1024}
"""Of the documents that S3's reference limits to less than any document."""


def check_document(call: AwsCall) -> None:
    """Raise `BadDigest`, `InvalidDigest` or `InvalidRequest` for a document that is not what its sender says, and
    `MaxMessageLengthExceeded` for one that is too long.
    """
    if not call.content:
        return
    bytes_max = DOCUMENT_BYTES_MAX.get(call.operation, len(call.content))
    if len(call.content) > bytes_max:
        raise INPUT_ERRORS.too_large.error(MaxMessageLengthBytes=bytes_max)
    expected = _expected(call)
    if not expected:
        if call.operation in MUST_BE_CHECKED:
            raise request_error("Missing required header for this request: Content-MD5")
        return
    found = digests_of(call.content, {"md5" if name == CONTENT_MD5 else name for name in expected})
    for name, said in expected.items():
        value = found["md5" if name == CONTENT_MD5 else name]
        if value != said:
            if name == CONTENT_MD5:
                raise BAD_CONTENT_MD5.error(digest="Content-MD5", calculated=value.hex())
            raise BAD_CHECKSUM.error(digest=name.upper(), calculated=value.hex())


def _expected(call: AwsCall) -> Mapping[str, bytes]:
    if call.operation == "CompleteMultipartUpload":
        # The checksums in its headers are those of the object to be.
        headers = call.http.headers
        return expected_digests({name: headers[name] for name in ("content-md5",) if name in headers})
    return expected_content(call, len(call.content)).digests

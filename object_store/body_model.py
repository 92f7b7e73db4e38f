"""What is said of bytes that come in: their length, their digests, and the checksums that S3 knows.

Owns the body that an edge hands over, and the limits of one. Promises nothing of the bytes: whoever takes them compares
(`bodies.py`). Knows neither objects nor parts. Sources of the limits: Amazon S3 user guide, "Amazon S3 multipart upload
limits", "Checking object integrity".
"""

from collections.abc import AsyncIterator, Mapping
from typing import Final

import msgspec

from cumulo.storage.engine import VALUE_BYTES_MAX

UPLOAD_BYTES_MAX: Final = 5 * 1024**3
"""Of one put and of one part."""
INLINE_BYTES_MAX: Final = VALUE_BYTES_MAX
"""Bodies up to this size live in the engine, larger ones in the blob store."""
UNKNOWN: Final = -1
"""A length that nobody told."""

CHECKSUMS: Final = (
    "crc32",
    "crc32c",
    "crc64nvme",
    "md5",
    "sha1",
    "sha256",
    "sha512",
    "xxhash128",
    "xxhash3",
    "xxhash64",
)
"""The algorithms of S3's checksums, by the names of `cumulo.storage.digests`."""
CONTENT_MD5: Final = "content-md5"
"""The MD5 that is only compared (RFC 1864); `md5` is a checksum like the others, which the object keeps."""
FULL_OBJECT: Final = "FULL_OBJECT"
COMPOSITE: Final = "COMPOSITE"


class ExpectedContent(msgspec.Struct, frozen=True):
    """What the sender says about the bytes: their number (`UNKNOWN` where he does not), and raw digests by the names
    of `CHECKSUMS`, and `CONTENT_MD5`. All that is present is checked before anything becomes visible.

    `announced` are digests whose values the sender may tell in the trailer: they are taken while the bytes pass by.
    """

    content_length: int = UNKNOWN
    digests: Mapping[str, bytes] = {}
    announced: tuple[str, ...] = ()


NOTHING_EXPECTED: Final = ExpectedContent()


class UploadBody(AsyncIterator[memoryview]):
    """A body whose sender may say more about it at its end; other bodies are plain iterators.

    A piece is borrowed: it is valid until the next one is asked for. An edge whose stream was cut off raises
    `IncompleteBody` in place of the end. A body, of this class or not, that has a method `take_whole` is here already,
    and is taken by it where it is small.
    """

    trailer: ExpectedContent = NOTHING_EXPECTED

"""Multipart uploads: what callers ask of them, what they are answered, and their limits.

`upload_id` is opaque here: the service seals and opens it. Knows no bytes. Sources of the limits: Amazon S3 user guide,
"Amazon S3 multipart upload limits"; API reference, ListParts.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from cumulo.core.ports import EnclosedMessage
from cumulo.object_store.acl_model import AskedGrant
from cumulo.object_store.body_model import NOTHING_EXPECTED, UNKNOWN, ExpectedContent
from cumulo.object_store.copy_model import CopySource
from cumulo.object_store.encryption_model import AskedEncryption, Encryption
from cumulo.object_store.lock_model import ObjectLock
from cumulo.object_store.object_model import STANDARD, Part

PART_BYTES_MIN: Final = 5 * 1024**2
PARTS_MAX: Final = 10_000
MARKER_MAX: Final = 2**31 - 1
"""Of a listing of parts: S3 takes more than there can be."""
UPLOAD_KEPT_MS: Final = 7 * 86_400_000
"""A multipart upload that nobody completed ends after a week: the lifecycle rule that AWS advises, as the default."""
COMPLETED_KEPT_MS: Final = 3_600_000
"""How long the same CompleteMultipartUpload gets the first answer again."""


class Upload(msgspec.Struct, frozen=True):
    """An open multipart upload; `checksum` is its algorithm, empty where none was asked for. `initiator` is an ARN.

    `owner` is the account that the object will belong to, empty for the bucket's.
    """

    key: str
    upload_id: str
    create_ms: int
    storage_class: str = STANDARD
    checksum: str = ""
    checksum_type: str = ""
    initiator: str = ""
    owner: str = ""
    encryption: Encryption | None = None


class CreatedUpload(msgspec.Struct, frozen=True):
    """A multipart upload that was opened just now."""

    upload_id: str
    encryption: Encryption | None = None


class PartPage(msgspec.Struct, frozen=True):
    """One page of an upload's parts. `last` is the last number of the page where more follow."""

    parts: list[Part]
    next_page_token: str = ""
    last: int = 0
    upload: Upload = Upload("", "", 0)


class UploadPage(msgspec.Struct, frozen=True):
    """One page of a bucket's open uploads. Where more follow, `last_key` and `last_upload_id` are what it ended with;
    the latter is empty behind a common prefix.
    """

    uploads: list[Upload]
    next_page_token: str = ""
    common_prefixes: list[str] = []
    last_key: str = ""
    last_upload_id: str = ""


class CreateMultipartUpload(msgspec.Struct, frozen=True, kw_only=True):
    """Open an upload in parts. `checksum` is the algorithm of all its parts; `checksum_type` may be empty for the
    algorithm's own. `lock` is that of the object to be.
    """

    bucket: str
    key: str
    content_type: str = ""
    metadata: Mapping[str, str] = {}
    request_id: str = ""
    headers: Mapping[str, str] = {}
    storage_class: str = ""
    tags: Mapping[str, str] = {}
    acl: str = ""
    checksum: str = ""
    checksum_type: str = ""
    grants: tuple[AskedGrant, ...] = ()
    encryption: AskedEncryption | None = None
    lock: ObjectLock | None = None


class UploadPart(msgspec.Struct, frozen=True, kw_only=True):
    """Store a part; the body comes beside it. `encryption` brings the upload's customer key, where it has one;
    `demands_digest` as in `PutObject`.
    """

    bucket: str
    key: str
    upload_id: str
    part_number: int
    expected: ExpectedContent = NOTHING_EXPECTED
    request_id: str = ""
    encryption: AskedEncryption | None = None
    demands_digest: bool = False


class UploadPartCopy(msgspec.Struct, frozen=True, kw_only=True):
    """Store a part that is an object of this server, or a range of one; answers the `Part`."""

    bucket: str
    key: str
    upload_id: str
    part_number: int
    source: CopySource
    request_id: str = ""
    encryption: AskedEncryption | None = None


class CompletedPart(msgspec.Struct, frozen=True, array_like=True):
    """One part of the object to be."""

    part_number: int
    etag: str
    checksums: Mapping[str, bytes] = {}


class CompleteMultipartUpload(msgspec.Struct, frozen=True, kw_only=True):
    """Make the object out of its parts. `checksums` (of the whole object), `checksum_type` and `object_size_bytes` are
    checked where they are told; a composite checksum is given without its `-` and number. `messages`
    are stored in the object's own commit. `needs_key`: an upload under a customer's key is completed with it only;
    `etags_suffice`: its parts may be named without their checksums, although the upload has a composite one.
    """

    bucket: str
    key: str
    upload_id: str
    parts: tuple[CompletedPart, ...]
    if_match: str = ""
    if_none_match: str = ""
    request_id: str = ""
    checksums: Mapping[str, bytes] = {}
    checksum_type: str = ""
    object_size_bytes: int = UNKNOWN
    messages: tuple[EnclosedMessage, ...] = ()
    encryption: AskedEncryption | None = None
    needs_key: bool = False
    etags_suffice: bool = False


class AbortMultipartUpload(msgspec.Struct, frozen=True, kw_only=True):
    """End an upload and drop its parts."""

    bucket: str
    key: str
    upload_id: str
    request_id: str = ""


class ListParts(msgspec.Struct, frozen=True, kw_only=True):
    """List an upload's parts, behind the number `part_number_marker` or where a token goes on."""

    bucket: str
    key: str
    upload_id: str
    page_size: int = 0
    page_token: str = ""
    part_number_marker: int = 0
    without_entries: bool = False


class ListMultipartUploads(msgspec.Struct, frozen=True, kw_only=True):
    """List a bucket's open uploads, where a token goes on, or behind those of the key `key_marker`; with an
    `upload_id_marker`, too, behind this one of that key.
    """

    bucket: str
    prefix: str = ""
    page_size: int = 0
    page_token: str = ""
    delimiter: str = ""
    key_marker: str = ""
    upload_id_marker: str = ""
    without_entries: bool = False

"""Copies and renames of objects inside this server: what callers ask.

Owns what a copy takes, for parts of a multipart upload, too. An `Object` is the answer. Source of the limit: API
reference, CopyObject.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from cumulo.object_store.acl_model import AskedGrant
from cumulo.object_store.encryption_model import AskedEncryption, CustomerKey
from cumulo.object_store.lock_model import ObjectLock
from cumulo.object_store.object_model import UNCONDITIONAL, ByteRange, Conditions

COPY_BYTES_MAX: Final = 5 * 1024**3


class CopySource(msgspec.Struct, frozen=True):
    """What a copy takes: an object, on conditions; of a part also a range."""

    bucket: str
    key: str
    conditions: Conditions = UNCONDITIONAL
    range: ByteRange | None = None
    customer: CustomerKey | None = None
    version_id: str = ""


class CopyObject(msgspec.Struct, frozen=True, kw_only=True):
    """Copy an object of this server; answers the new `Object`.

    What describes it (`content_type`, `metadata`, `headers`) is the source's, unless `replaces_metadata`; so are the
    tags, unless `replaces_tags`. `checksum` is the algorithm to keep, empty for the source's.
    `metadata_directive` is what S3's header says, which policies may ask for. `lock` as in `PutObject`: the source's is
    not copied.
    """

    bucket: str
    key: str
    source: CopySource
    replaces_metadata: bool = False
    content_type: str = ""
    metadata: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    replaces_tags: bool = False
    tags: Mapping[str, str] = {}
    storage_class: str = ""
    checksum: str = ""
    acl: str = ""
    if_match: str = ""
    if_none_match: str = ""
    request_id: str = ""
    grants: tuple[AskedGrant, ...] = ()
    encryption: AskedEncryption | None = None
    metadata_directive: str = ""
    lock: ObjectLock | None = None


class RenameObject(msgspec.Struct, frozen=True, kw_only=True):
    """Give an object another key of its bucket; `conditions` are about what it replaces."""

    bucket: str
    key: str
    source_key: str
    source_conditions: Conditions = UNCONDITIONAL
    conditions: Conditions = UNCONDITIONAL
    request_id: str = ""

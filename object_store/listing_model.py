"""Listings of objects and of their versions: what callers ask, and the pages that they are answered.

Owns the size of a page, of every listing of the room. Knows no place among the keys: a page token is opaque.
Source of the limit: API reference, ListObjectsV2, ListObjectVersions.
"""

from typing import Final

import msgspec

from cumulo.object_store.body_model import FULL_OBJECT
from cumulo.object_store.object_model import STANDARD

PAGE_MAX: Final = 1_000


class ObjectSummary(msgspec.Struct, frozen=True, gc=False):
    """An object in a listing. `checksum` is the name of the algorithm that S3 shows of it, `owner` the account that it
    belongs to, where owners are asked for and it is not the bucket's.
    """

    key: str
    size_bytes: int
    etag: str
    last_modified_ms: int
    storage_class: str = STANDARD
    checksum: str = "crc64nvme"
    checksum_type: str = FULL_OBJECT
    owner: str = ""


class ObjectVersion(msgspec.Struct, frozen=True, gc=False):
    """A version, or a delete marker, in a listing; the latter has no size, no ETag and no checksum. `owner` is the
    account that it belongs to, where that is not the bucket's.
    """

    key: str
    version_id: str
    is_latest: bool
    size_bytes: int
    etag: str
    last_modified_ms: int
    storage_class: str = STANDARD
    checksum: str = "crc64nvme"
    checksum_type: str = FULL_OBJECT
    owner: str = ""

    @property
    def is_delete_marker(self) -> bool:
        """Say whether this marks the object as deleted."""
        return not self.etag


class VersionPage(msgspec.Struct, frozen=True):
    """One page of a listing of versions. Where more follow, `last_key` and `last_version_id` are what it ended with;
    the latter is empty behind a common prefix.
    """

    versions: list[ObjectVersion]
    common_prefixes: list[str]
    next_page_token: str = ""
    last_key: str = ""
    last_version_id: str = ""


class ObjectPage(msgspec.Struct, frozen=True):
    """One page of a listing. `last` is its last key or common prefix where more follow: with it as `start_after` the
    listing goes on as with the token.
    """

    objects: list[ObjectSummary]
    common_prefixes: list[str]
    next_page_token: str = ""
    last: str = ""


class ListObjects(msgspec.Struct, frozen=True, kw_only=True):
    """List objects as S3's ListObjectsV2; `start_after` is also the marker of ListObjects.

    `without_entries` asks for an empty page (S3's `max-keys=0`); a `page_size` of 0 stands for the largest.
    `with_owners` asks whose each object is.
    """

    bucket: str
    prefix: str = ""
    delimiter: str = ""
    start_after: str = ""
    page_size: int = 0
    page_token: str = ""
    without_entries: bool = False
    with_owners: bool = False


class ListObjectVersions(msgspec.Struct, frozen=True, kw_only=True):
    """List versions and delete markers as S3's ListObjectVersions: by key, newest first; answers a `VersionPage`.

    It begins behind the versions of `key_marker`, or with `version_id_marker`, too, behind this one of that key.
    """

    bucket: str
    prefix: str = ""
    delimiter: str = ""
    key_marker: str = ""
    version_id_marker: str = ""
    page_size: int = 0
    page_token: str = ""
    without_entries: bool = False

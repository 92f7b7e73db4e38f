"""Tags of objects and buckets: how they are asked for and told, and their limits.

Knows nothing of what tags are used for. Sources of the limits: Amazon S3 user guide, "Categorizing your objects using
tags", "Using cost allocation S3 bucket tags".
"""

from collections.abc import Mapping
from typing import Final

import msgspec

OBJECT_TAGS_MAX: Final = 10
BUCKET_TAGS_MAX: Final = 50
TAG_KEY_CHARACTERS_MAX: Final = 128
TAG_VALUE_CHARACTERS_MAX: Final = 256


class ObjectTags(msgspec.Struct, frozen=True):
    """The tags of a version; `version_id` as `Object.version_id`."""

    tags: Mapping[str, str]
    version_id: str = ""


class BucketTagging(msgspec.Struct, frozen=True, array_like=True):
    """A bucket's tags."""

    tags: dict[str, str]


class GetObjectTagging(msgspec.Struct, frozen=True):
    """Read an object's tags: answers `ObjectTags`."""

    bucket: str
    key: str
    version_id: str = ""


class SetObjectTagging(msgspec.Struct, frozen=True):
    """Replace an object's tags; answers the id of the version that has them now, as `Object.version_id`."""

    bucket: str
    key: str
    tags: Mapping[str, str]
    version_id: str = ""
    request_id: str = ""


class DeleteObjectTagging(msgspec.Struct, frozen=True):
    """Remove an object's tags; answers as `SetObjectTagging`."""

    bucket: str
    key: str
    version_id: str = ""
    request_id: str = ""

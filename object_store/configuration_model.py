"""What a bucket is configured to be: the union of all configurations, how they are asked for, and their limits.

Owns the kinds that have no subject of their own; access control, encryption, locks and tags own theirs, lifecycle
likewise (`lifecycle_model.py`). Knows S3's own shapes only as `Structure`: the edge of AWS brings them. Sources of the
limits: API reference, PutBucketCors, PutBucketWebsite, PutBucketInventoryConfiguration, PutBucketLifecycle.
"""

from typing import Final

import msgspec

from cumulo.gateway.aws_model import Structure
from cumulo.object_store.acl_model import OWNERS_ENFORCED, OwnershipControls, PublicAccessBlock
from cumulo.object_store.encryption_model import BucketEncryption
from cumulo.object_store.lifecycle_model import Lifecycle
from cumulo.object_store.lock_model import BucketLock
from cumulo.object_store.tagging_model import BucketTagging

RULE_ID_CHARACTERS_MAX: Final = 255
CONFIGURATIONS_OF_KIND_MAX: Final = 1_000
"""Of inventory, analytics, metrics and intelligent-tiering configurations: each, in a bucket."""
CONFIGURATION_PAGE_MAX: Final = 100
CONFIGURATION_ID_CHARACTERS_MAX: Final = 64
CONFIGURATION_BYTES_MAX: Final = 1024 * 1024
"""Of one configuration as it is stored. Lifecycle and replication take 1,000 rules, of about 300 bytes."""
CORS_RULES_MAX: Final = 100
QUOTA_MAX: Final = 2**62
ROUTING_RULES_MAX: Final = 50
VERSIONING_ENABLED: Final = "Enabled"
VERSIONING_SUSPENDED: Final = "Suspended"


class BucketDefaults(msgspec.Struct, frozen=True):
    """What holds for a new bucket that does not say: AWS's defaults since April 2023, or those of before."""

    object_ownership: str = OWNERS_ENFORCED
    blocks_public_access: bool = True
    encryption: BucketEncryption | None = BucketEncryption()


class Versioning(msgspec.Struct, frozen=True, array_like=True):
    """Whether a bucket keeps the versions of its objects: `VERSIONING_ENABLED` or `VERSIONING_SUSPENDED`."""

    status: str


class BucketQuota(msgspec.Struct, frozen=True):
    """What a bucket may hold: our own; 0 is no limit."""

    bytes_max: int = 0
    objects_max: int = 0


Configuration = (
    BucketQuota
    | PublicAccessBlock
    | OwnershipControls
    | BucketEncryption
    | BucketTagging
    | Versioning
    | BucketLock
    | Lifecycle
    | Structure
)
"""What a bucket is configured to be; a `Structure` is S3's own shape (`object_store/aws_s3.py`)."""


class ConfigurationPage(msgspec.Struct, frozen=True):
    """One page of a bucket's configurations of a kind, in order of their ids."""

    values: list[Configuration]
    next_page_token: str = ""


class GetBucketConfiguration(msgspec.Struct, frozen=True):
    """Read one of a bucket's configurations: `kind` is a name of `object_store.configurations.KINDS`, `id` says which
    one where a bucket has many of the kind. `only_written`: the default of what nobody wrote is not asked for.

    Answers a `Configuration`, or None where S3 answers an empty one.
    """

    bucket: str
    kind: str
    id: str = ""
    only_written: bool = False


class SetBucketConfiguration(msgspec.Struct, frozen=True):
    """Write one of a bucket's configurations, of the type of its kind."""

    bucket: str
    kind: str
    value: Configuration | None
    request_id: str = ""
    id: str = ""


class DeleteBucketConfiguration(msgspec.Struct, frozen=True):
    """Remove one of a bucket's configurations; not even its default is left, unless `to_default`."""

    bucket: str
    kind: str
    request_id: str = ""
    id: str = ""
    to_default: bool = False


class ListBucketConfigurations(msgspec.Struct, frozen=True):
    """List a bucket's configurations of a kind of which it has many."""

    bucket: str
    kind: str
    page_size: int = 0
    page_token: str = ""

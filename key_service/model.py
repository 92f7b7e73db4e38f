"""The room's types: what callers ask, what they are answered, and every limit with its source.

Keys are symmetric: AES-256-GCM, `SYMMETRIC_DEFAULT` in KMS's words. A `key_id` in a request is an id, a key's ARN,
`alias/name` or an alias's ARN. Plaintext never appears in `repr`. Sources of the limits: AWS KMS API reference; AWS KMS
developer guide, "Quotas".
"""

from collections.abc import Mapping
from typing import Final

import msgspec

PLAINTEXT_BYTES_MAX: Final = 4_096
CIPHERTEXT_BYTES_MAX: Final = 6_144
DATA_KEY_BYTES_MAX: Final = 1_024
KEY_ID_CHARACTERS_MAX: Final = 2_048
ALIAS_CHARACTERS_MAX: Final = 256
DESCRIPTION_CHARACTERS_MAX: Final = 8_192
POLICY_BYTES_MAX: Final = 32_768
CONTEXT_BYTES_MAX: Final = 8_192
"""Of an encryption context, names and values together."""
TAGS_MAX: Final = 50
TAG_KEY_CHARACTERS_MAX: Final = 128
TAG_VALUE_CHARACTERS_MAX: Final = 256
ALIASES_MAX: Final = 50
"""Of one key."""
PAGE_MAX: Final = 1_000
PAGE_DEFAULT: Final = 100
DELETION_DAYS_MIN: Final = 7
DELETION_DAYS_MAX: Final = 30
ROTATION_DAYS_MIN: Final = 90
ROTATION_DAYS_MAX: Final = 2_560
ROTATION_DAYS_DEFAULT: Final = 365
ROTATIONS_ON_DEMAND_MAX: Final = 25
DAY_MS: Final = 86_400_000
REQUEST_WINDOW_MS: Final = DAY_MS
"""How long a `request_id` is remembered."""
POLICY_NAME: Final = "default"
SERVICE_ALIASES: Final = "alias/aws/"
"""Aliases that begin so name keys which the services make for an account by themselves."""


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A key. `deletion_ms` is 0 unless it is to be deleted, then `pending_days` after it was asked for; `material_id`
    names the material that encrypts now.
    """

    key_id: str
    arn: str
    account: str
    create_ms: int
    description: str
    is_enabled: bool
    is_managed: bool
    deletion_ms: int
    pending_days: int
    material_id: str


class KeyEntry(msgspec.Struct, frozen=True):
    """A key in a listing."""

    key_id: str
    arn: str


class Alias(msgspec.Struct, frozen=True):
    """An alias and the key that it leads to."""

    name: str
    arn: str
    key_id: str
    create_ms: int
    update_ms: int


class ScheduledDeletion(msgspec.Struct, frozen=True):
    """When a key is deleted, so many days after that was asked for."""

    arn: str
    deletion_ms: int
    pending_days: int


class Rotation(msgspec.Struct, frozen=True):
    """A material of a key; `rotate_ms` is 0 for the first one. `is_current` says that it encrypts."""

    material_id: str
    rotate_ms: int
    on_demand: bool
    is_current: bool


class RotationStatus(msgspec.Struct, frozen=True):
    """Whether a key is rotated by itself, every so many days, and when next; zeros where it is not."""

    arn: str
    is_enabled: bool
    period_days: int = 0
    next_ms: int = 0


class Page(msgspec.Struct, frozen=True):
    """One page of a listing: `KeyEntry`s, `Alias`es, `Rotation`s or tags (pairs)."""

    items: tuple[object, ...]
    next_page_token: str = ""


class DataKey(msgspec.Struct, frozen=True):
    """A fresh data key: itself, and as it may be stored. Its bytes never appear in `repr`."""

    key_arn: str
    plaintext: bytes
    ciphertext: bytes
    material_id: str

    def __repr__(self) -> str:
        return f"DataKey({self.key_arn})"


class Encrypted(msgspec.Struct, frozen=True):
    """What Encrypt and ReEncrypt answer; the source's fields are ReEncrypt's."""

    key_arn: str
    ciphertext: bytes
    material_id: str = ""
    source_arn: str = ""
    source_material_id: str = ""


class Decrypted(msgspec.Struct, frozen=True):
    """What Decrypt answers. The bytes never appear in `repr`."""

    key_arn: str
    plaintext: bytes
    material_id: str

    def __repr__(self) -> str:
        return f"Decrypted({self.key_arn})"


# Requests -----------------------------------------------------------------------------------------------------------

Context = Mapping[str, str]
"""An encryption context: what a ciphertext is bound to, in clear; in policies `kms:EncryptionContext:…`."""


class CreateKey(msgspec.Struct, frozen=True, kw_only=True):
    """Make a key; an empty `policy` lets the account's own policies decide."""

    description: str = ""
    policy: str = ""
    tags: Mapping[str, str] = {}
    may_lock_out: bool = False
    """Whether the policy may keep its own author from changing it."""
    request_id: str = ""


class DescribeKey(msgspec.Struct, frozen=True):
    """Look at a key."""

    key_id: str


class ListKeys(msgspec.Struct, frozen=True):
    """List the keys of the caller's account and region."""

    page_size: int = 0
    page_token: str = ""


class EnableKey(msgspec.Struct, frozen=True):
    """Let a key be used again."""

    key_id: str
    request_id: str = ""


class DisableKey(msgspec.Struct, frozen=True):
    """Keep a key from being used."""

    key_id: str
    request_id: str = ""


class UpdateKeyDescription(msgspec.Struct, frozen=True):
    """Describe a key anew."""

    key_id: str
    description: str
    request_id: str = ""


class ScheduleKeyDeletion(msgspec.Struct, frozen=True):
    """Have a key deleted after some days, and keep it from being used until then."""

    key_id: str
    pending_days: int = DELETION_DAYS_MAX
    request_id: str = ""


class CancelKeyDeletion(msgspec.Struct, frozen=True):
    """Keep a key after all; it is disabled then."""

    key_id: str
    request_id: str = ""


class GetKeyPolicy(msgspec.Struct, frozen=True):
    """Read a key's policy."""

    key_id: str


class PutKeyPolicy(msgspec.Struct, frozen=True):
    """Write a key's policy."""

    key_id: str
    policy: str
    may_lock_out: bool = False
    request_id: str = ""


class ListKeyPolicies(msgspec.Struct, frozen=True):
    """Ask for the names of a key's policies: there is one."""

    key_id: str


class CreateAlias(msgspec.Struct, frozen=True):
    """Give a key another name; `alias` begins with `alias/`."""

    alias: str
    key_id: str
    request_id: str = ""


class UpdateAlias(msgspec.Struct, frozen=True):
    """Lead an alias to another key."""

    alias: str
    key_id: str
    request_id: str = ""


class DeleteAlias(msgspec.Struct, frozen=True):
    """Delete an alias; its key stays."""

    alias: str
    request_id: str = ""


class ListAliases(msgspec.Struct, frozen=True):
    """List the aliases of the caller's account and region, or of one key."""

    key_id: str = ""
    page_size: int = 0
    page_token: str = ""


class EnableKeyRotation(msgspec.Struct, frozen=True):
    """Have a key get new material every so many days; what older material encrypted stays readable."""

    key_id: str
    period_days: int = ROTATION_DAYS_DEFAULT
    request_id: str = ""


class DisableKeyRotation(msgspec.Struct, frozen=True):
    """Rotate a key no more by itself."""

    key_id: str
    request_id: str = ""


class GetKeyRotationStatus(msgspec.Struct, frozen=True):
    """Ask whether and when a key is rotated."""

    key_id: str


class RotateKeyOnDemand(msgspec.Struct, frozen=True):
    """Give a key new material now."""

    key_id: str
    request_id: str = ""


class ListKeyRotations(msgspec.Struct, frozen=True):
    """List a key's rotations, the first material included where `with_first`."""

    key_id: str
    with_first: bool = False
    page_size: int = 0
    page_token: str = ""


class TagResource(msgspec.Struct, frozen=True):
    """Set tags of a key."""

    key_id: str
    tags: Mapping[str, str]
    request_id: str = ""


class UntagResource(msgspec.Struct, frozen=True):
    """Remove tags of a key."""

    key_id: str
    tag_keys: tuple[str, ...]
    request_id: str = ""


class ListResourceTags(msgspec.Struct, frozen=True):
    """List a key's tags."""

    key_id: str
    page_size: int = 0
    page_token: str = ""


class Encrypt(msgspec.Struct, frozen=True):
    """Encrypt up to 4,096 bytes."""

    key_id: str
    plaintext: bytes
    context: Context = {}
    is_trial: bool = False
    """Only say whether it would be done."""

    def __repr__(self) -> str:
        return f"Encrypt({self.key_id})"


class Decrypt(msgspec.Struct, frozen=True):
    """Open a ciphertext, which names its key; a `key_id`, where there is one, must be that key."""

    ciphertext: bytes
    key_id: str = ""
    context: Context = {}
    is_trial: bool = False


class ReEncrypt(msgspec.Struct, frozen=True):
    """Encrypt anew, under another key or context, what a ciphertext holds."""

    ciphertext: bytes
    key_id: str
    context: Context = {}
    source_key_id: str = ""
    source_context: Context = {}
    is_trial: bool = False


class GenerateDataKey(msgspec.Struct, frozen=True):
    """Make a data key of `size_bytes` bytes, and encrypt it."""

    key_id: str
    size_bytes: int = 32
    context: Context = {}
    is_trial: bool = False


class GenerateDataKeyWithoutPlaintext(GenerateDataKey, frozen=True):
    """Make a data key that only a later Decrypt shows."""


class GenerateRandom(msgspec.Struct, frozen=True):
    """Ask for random bytes."""

    size_bytes: int


def key_arn(account: str, region: str, key_id: str) -> str:
    """Return a key's ARN."""
    return f"arn:aws:kms:{region}:{account}:key/{key_id}"


def alias_arn(account: str, region: str, alias: str) -> str:
    """Return the ARN of an alias, `alias/…`."""
    return f"arn:aws:kms:{region}:{account}:{alias}"

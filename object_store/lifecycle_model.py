"""What a lifecycle configuration says: the types that callers give and get, and their limits.

A rule keeps the form in which it was written, so that it is given back exactly. Sources: S3 API reference,
PutBucketLifecycleConfiguration; user guide, "Managing the lifecycle of objects".
"""

from typing import Final

import msgspec

RULES_MAX: Final = 1_000
ID_CHARACTERS_MAX: Final = 255
FILTER_TAGS_MAX: Final = 10
FILTER_SIZE_BYTES_MAX: Final = 1_099_511_627_776_000
NEWER_VERSIONS_MAX: Final = 100
DAYS_MAX: Final = 2**31 - 1

ALL_CLASSES_128K: Final = "all_storage_classes_128K"
VARIES_BY_CLASS: Final = "varies_by_storage_class"
MINIMUM_SIZES: Final = (ALL_CLASSES_128K, VARIES_BY_CLASS)

TRANSITION_CLASSES: Final = (
    "STANDARD_IA",
    "INTELLIGENT_TIERING",
    "ONEZONE_IA",
    "GLACIER_IR",
    "GLACIER",
    "DEEP_ARCHIVE",
)
"""From warm to cold: an object goes down this list and never up."""


class RuleFilter(msgspec.Struct, frozen=True, array_like=True):
    """Which objects a rule is about: those that meet all of it.

    `is_rule_prefix`: the prefix stands in the rule itself, the form of old. `is_and`: it was written as `And`.
    """

    prefix: str | None = None
    tags: dict[str, str] = {}
    size_greater_than: int | None = None
    size_less_than: int | None = None
    is_rule_prefix: bool = False
    is_and: bool = False


class Transition(msgspec.Struct, frozen=True, array_like=True):
    """Go to a storage class so many days after the object was made, or from a date (midnight UTC) on."""

    storage_class: str
    days: int | None = None
    date_ms: int | None = None


class NoncurrentTransition(msgspec.Struct, frozen=True, array_like=True):
    """Go to a storage class so many days after the version was replaced; the newest `newer_versions` are left alone."""

    storage_class: str
    noncurrent_days: int
    newer_versions: int | None = None


class LifecycleRule(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """One rule. What is None or empty it does not do; `expires_markers` False says no more than None."""

    id: str = ""
    is_enabled: bool = True
    filter: RuleFilter = RuleFilter()
    expiration_days: int | None = None
    expiration_date_ms: int | None = None
    expires_markers: bool | None = None
    transitions: tuple[Transition, ...] = ()
    noncurrent_transitions: tuple[NoncurrentTransition, ...] = ()
    noncurrent_days: int | None = None
    newer_versions: int | None = None
    abort_days: int | None = None


class Lifecycle(msgspec.Struct, frozen=True, array_like=True):
    """A bucket's rules, and which objects are too small to go to another class unless a rule says of which size."""

    rules: tuple[LifecycleRule, ...]
    minimum_size: str = ALL_CLASSES_128K


class Ending(msgspec.Struct, frozen=True, array_like=True):
    """When a rule ends an object or an upload: a moment of the wall clock, and the rule's id."""

    wall_ms: int
    rule_id: str

"""A bucket's notifications: which events go where, and the limits of saying so.

Owns the rules as they are asked for, kept and told. Knows no target: `notification_rules.py` checks the rules.
Sources of the limits: Amazon S3 user guide, "Amazon S3 Event Notifications".
"""

from typing import Final

import msgspec

NOTIFICATION_RULES_MAX: Final = 100
ENDPOINT_SCHEMES: Final = ("http", "https")
TARGET_BYTES_MAX: Final = 2_048
"""Ours: of an ARN or URL that events go to."""


class NotificationRule(msgspec.Struct, frozen=True, kw_only=True):
    """Which events go where: `target` is the ARN of a queue or topic, or the URL of an endpoint; in a request also a
    queue's or topic's name, and a queue's short name. `empty_filters` are the filters that were written with an empty
    text, which every key meets: `Prefix`, `Suffix`.
    """

    target: str
    events: tuple[str, ...]
    id: str = ""
    prefix: str = ""
    suffix: str = ""
    empty_filters: tuple[str, ...] = ()


class BucketNotification(msgspec.Struct, frozen=True):
    """A bucket's rules, and whether EventBridge gets all events."""

    rules: tuple[NotificationRule, ...] = ()
    event_bridge: bool = False


class GetBucketNotification(msgspec.Struct, frozen=True):
    """Read a bucket's notification rules."""

    bucket: str


class SetBucketNotification(msgspec.Struct, frozen=True):
    """Replace a bucket's notification rules. `skips_validation` takes targets that are not there, or take nothing."""

    bucket: str
    rules: tuple[NotificationRule, ...]
    request_id: str = ""
    event_bridge: bool = False
    skips_validation: bool = False

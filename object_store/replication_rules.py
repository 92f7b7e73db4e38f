"""Which replication configurations are refused, and where a bucket's rules send a version.

Pure. The shape is S3's own (`aws_s3.ReplicationConfiguration`), kept and given back as it came; only rules without an
id get one. Promises that asking costs the rules whose prefix the key has. That buckets exist and keep versions is the
resolver's to look at; what of it is under way stands in `replication_outbox.py`. Source: S3 API reference,
PutBucketReplication; user guide, "Replication configuration file elements" and "What does Amazon S3 replicate?"; the
answers of Amazon S3.
"""

import hashlib
import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import msgspec

from cumulo.core.errors import ServiceError
from cumulo.core.lazy import LazyModule
from cumulo.core.names import is_account_id, parse_arn
from cumulo.object_store.archives import ARCHIVES
from cumulo.object_store.encryption import check_key_id
from cumulo.object_store.encryption_model import UNDER_KMS
from cumulo.object_store.errors import INVALID_CONFIGURATION, INVALID_REQUEST, MALFORMED_CONFIGURATION
from cumulo.object_store.keys import ObjectRecord, WayRecord
from cumulo.object_store.naming import check_tags, text_bytes
from cumulo.object_store.object_model import KEY_BYTES_MAX, STORAGE_CLASSES
from cumulo.object_store.prefix_index import PrefixIndex

if TYPE_CHECKING:
    from cumulo.object_store import aws_s3
else:
    aws_s3 = LazyModule("cumulo.object_store.aws_s3")

KIND: Final = "replication"
"""Of a bucket's configurations."""
RULES_MAX: Final = 1_000
DESTINATIONS_MAX: Final = 16
"""Of one configuration: each takes a copy of every version. S3 names no number."""
ID_CHARACTERS_MAX: Final = 255
GIVEN_ID_CHARACTERS: Final = 48
PRIORITY_MAX: Final = 2**31 - 1
RULE_TAGS_MAX: Final = 10
"""Of a filter: an object has no more."""
SPARED_MAX: Final = 100
"""Prefixes and tags of what a rule is not about. S3 names no number."""
TIME_CONTROL_MINUTES: Final = 15
"""The one threshold that S3 has."""
_ARN: Final = "arn:aws:s3:::"
_STATES: Final = ("Enabled", "Disabled")
_OF_SCHEMA: Final = (
    " for this version of Cross Region Replication configuration schema. Please refer to S3 Developer Guide for more "
    "information."
)


class _Rule(msgspec.Struct, frozen=True):
    way: WayRecord
    priority: int
    tags: Mapping[str, str]
    spared_prefixes: tuple[str, ...]
    spared_tags: tuple[tuple[str, str], ...]
    sends_markers: bool
    sends_kms: bool
    sends_changes_of_replicas: bool


class Rules:
    """The enabled rules of one configuration, by prefix; `role` is in whose name they act."""

    __slots__ = ("_rules", "role")

    def __init__(self, configuration: "aws_s3.ReplicationConfiguration") -> None:
        self.role = configuration.Role
        self._rules = PrefixIndex(
            (_prefix(rule), _compiled(rule)) for rule in configuration.Rules if rule.Status == "Enabled"
        )

    def ways(self, key: str, record: ObjectRecord, *, is_replica: bool = False) -> list[WayRecord]:
        """Return where a version or a delete marker goes: to each bucket by the rule of the highest priority. Of a
        replica only changes go anywhere, where a rule asks for them.

        What S3 does not replicate goes nowhere: what is archived, and, where no rule says otherwise, what is encrypted
        under a key of KMS.
        """
        encryption = None if record.encryption is None else record.encryption.algorithm
        if record.storage_class in ARCHIVES:
            return []
        chosen: dict[str, _Rule] = {}
        for rule in self._rules.of(key):
            if record.is_delete_marker and not rule.sends_markers:
                continue
            if encryption in UNDER_KMS and not rule.sends_kms:
                continue
            if is_replica and not rule.sends_changes_of_replicas:
                continue
            if any(record.tags.get(name) != value for name, value in rule.tags.items()):
                continue
            if key.startswith(rule.spared_prefixes) or any(
                record.tags.get(name) == value for name, value in rule.spared_tags
            ):
                continue
            before = chosen.get(rule.way.bucket)
            if before is None or rule.priority > before.priority:
                chosen[rule.way.bucket] = rule
        return [rule.way for rule in chosen.values()]


def destinations(configuration: "aws_s3.ReplicationConfiguration") -> dict[str, str]:
    """Return the buckets that a configuration names, each with the account that it says owns it, empty for any."""
    found: dict[str, str] = {}
    for rule in configuration.Rules:
        name = rule.Destination.Bucket.removeprefix(_ARN)
        found[name] = rule.Destination.Account or found.get(name, "")
    return found


def named(configuration: "aws_s3.ReplicationConfiguration") -> "aws_s3.ReplicationConfiguration":
    """Return a configuration of which each rule has an id: the same one if it is set again."""
    rules = [
        rule
        if rule.ID
        else msgspec.structs.replace(
            rule, ID=hashlib.sha256(msgspec.msgpack.encode((place, rule))).hexdigest()[:GIVEN_ID_CHARACTERS]
        )
        for place, rule in enumerate(configuration.Rules)
    ]
    return msgspec.structs.replace(configuration, Rules=rules)


def check_replication(bucket: str, configuration: "aws_s3.ReplicationConfiguration") -> None:
    """Raise `InvalidRequest`, `InvalidArgument`, `InvalidTag` or `MalformedXML` for rules that S3 refuses."""
    rules = configuration.Rules
    if not is_role(configuration.Role):
        raise INVALID_CONFIGURATION.error(reason="Invalid Role specified in replication configuration")
    if not rules:
        raise MALFORMED_CONFIGURATION.error()
    if len(rules) > RULES_MAX:
        raise _refused(f"The number of replication rules must not exceed the allowed limit of {RULES_MAX} rules.")
    is_filtered = rules[0].Filter is not None
    ids: set[str] = set()
    priorities: set[int] = set()
    for rule in rules:
        if len(rule.ID or "") > ID_CHARACTERS_MAX:
            raise INVALID_CONFIGURATION.error(reason="The maximum length of a rule's ID is 255 characters.")
        if rule.ID and rule.ID in ids:
            raise INVALID_CONFIGURATION.error(reason="Rule Id must be unique. Found same Id for more than one rule")
        ids.add(rule.ID or "")
        if (rule.Filter is not None) != is_filtered:
            raise _refused("Rules of the two versions of the replication configuration schema cannot be mixed.")
        _check_states(rule)
        _check_prefix(rule)
        if is_filtered:
            _check_filtered(rule, priorities)
        else:
            _check_unfiltered(rule)
        _check_destination(bucket, rule)
    if not is_filtered:
        _check_overlaps([rule.Prefix or "" for rule in rules])
    if len(destinations(configuration)) > DESTINATIONS_MAX:
        raise _refused(f"The number of destination buckets must not exceed the allowed limit of {DESTINATIONS_MAX}.")


def is_role(text: str) -> bool:
    """Say whether a text is the ARN of a role."""
    arn = parse_arn(text)
    return (
        arn is not None
        and arn.service == "iam"
        and is_account_id(arn.account)
        and arn.resource.startswith("role/")
        and not arn.resource.endswith("/")
    )


def _check_states(rule: "aws_s3.ReplicationRule") -> None:
    criteria, to = rule.SourceSelectionCriteria, rule.Destination
    encryption = to.EncryptionConfiguration
    for one in (
        rule,
        rule.DeleteMarkerReplication,
        rule.ExistingObjectReplication,
        None if criteria is None else criteria.SseKmsEncryptedObjects,
        None if criteria is None else criteria.ReplicaModifications,
        to.ReplicationTime,
        to.Metrics,
        None if encryption is None else encryption.UseSourceMultiRegionKey,
    ):
        if one is not None and one.Status is not None and one.Status not in _STATES:
            raise MALFORMED_CONFIGURATION.error()


def _check_prefix(rule: "aws_s3.ReplicationRule") -> None:
    if text_bytes("Prefix", _prefix(rule)) > KEY_BYTES_MAX:
        raise INVALID_CONFIGURATION.error(reason=f"The maximum size of a prefix is {KEY_BYTES_MAX}.")


def _check_filtered(rule: "aws_s3.ReplicationRule", priorities: set[int]) -> None:
    """Check a rule of the schema of today; `priorities` are those of the rules before it."""
    it = rule.Filter
    assert it is not None, rule
    if rule.Prefix is not None or sum(one is not None for one in (it.Prefix, it.Tag, it.And, it.Not)) > 1:
        raise MALFORMED_CONFIGURATION.error()
    if it.And is not None and len(_tags(rule)) < len(it.And.Tags or ()):
        raise _refused("Duplicate Tag Keys are not allowed.")
    check_tags(_tags(rule), "Object", RULE_TAGS_MAX)
    spared = _spared(rule)
    if spared is not None:
        _check_spared(spared)
    if rule.Priority is None:
        raise _refused(f"Priority must be specified{_OF_SCHEMA}")
    if not 0 <= rule.Priority <= PRIORITY_MAX:
        raise INVALID_CONFIGURATION.error(reason="Priority must be a nonnegative integer")
    if rule.Priority in priorities:
        raise _refused(f"Found duplicate priority '{rule.Priority}' in the replication configuration rules.")
    priorities.add(rule.Priority)
    if rule.DeleteMarkerReplication is None:
        raise _refused(f"DeleteMarkerReplication must be specified{_OF_SCHEMA}")
    if (_tags(rule) or _spared_tags(rule)) and _sends_markers(rule):
        raise _refused(
            "Delete marker replication is not supported if any Tag filter is specified. Please refer to S3 Developer "
            "Guide for more information."
        )


def _check_spared(spared: "aws_s3.ReplicationRuleNotOperator") -> None:
    """Check what a rule is not about."""
    if sum(one is not None for one in (spared.Prefix, spared.Tag, spared.Or)) != 1:
        raise MALFORMED_CONFIGURATION.error()
    prefixes = _spared_prefixes_of(spared)
    tags = _spared_tags_of(spared)
    if len(prefixes) + len(tags) > SPARED_MAX:
        raise _refused(f"The number of filters in Or must not exceed the allowed limit of {SPARED_MAX}.")
    for prefix in prefixes:
        if text_bytes("Prefix", prefix) > KEY_BYTES_MAX:
            raise INVALID_CONFIGURATION.error(reason=f"The maximum size of a prefix is {KEY_BYTES_MAX}.")
    for name, value in tags:
        check_tags({name: value}, "Object", RULE_TAGS_MAX)


def _check_unfiltered(rule: "aws_s3.ReplicationRule") -> None:
    """Check a rule of the schema of old, which has a prefix and no filter."""
    if rule.Prefix is None:
        raise MALFORMED_CONFIGURATION.error()
    if rule.Priority is not None:
        raise _refused(f"Priority cannot be used{_OF_SCHEMA}")
    if rule.DeleteMarkerReplication is not None:
        raise _refused(f"DeleteMarkerReplication cannot be used{_OF_SCHEMA}")
    criteria = rule.SourceSelectionCriteria
    if criteria is not None and criteria.ReplicaModifications is not None:
        raise _refused(f"ReplicaModifications cannot be used{_OF_SCHEMA}")


def _check_overlaps(prefixes: list[str]) -> None:
    """Refuse that a key has two rules: without priorities nobody could say which one holds."""
    ordered = sorted(prefixes)
    for before, one in itertools.pairwise(ordered):
        if one.startswith(before):
            raise _refused(f"Found overlapping prefixes '{before}' and '{one}' in the replication configuration rules.")


def _check_destination(bucket: str, rule: "aws_s3.ReplicationRule") -> None:
    to = rule.Destination
    name = to.Bucket.removeprefix(_ARN)
    if not to.Bucket.startswith(_ARN) or not name or "/" in name:
        raise INVALID_CONFIGURATION.error(reason="Invalid bucket ARN.")
    if name == bucket:
        raise _refused("Destination bucket cannot be the same as the source bucket.")
    if to.StorageClass is not None and to.StorageClass not in STORAGE_CLASSES:
        raise MALFORMED_CONFIGURATION.error()
    if to.Account is not None and not is_account_id(to.Account):
        raise INVALID_CONFIGURATION.error(reason="Invalid Account specified in the destination of a replication rule")
    if to.AccessControlTranslation is not None:
        if to.AccessControlTranslation.Owner != "Destination":
            raise MALFORMED_CONFIGURATION.error()
        if to.Account is None:
            raise _refused("Account must be specified in the destination for AccessControlTranslation.")
    encryption, criteria = to.EncryptionConfiguration, rule.SourceSelectionCriteria
    selects = criteria is not None and criteria.SseKmsEncryptedObjects is not None
    if encryption is not None and not selects:
        raise _refused("SseKmsEncryptedObjects must be specified if EncryptionConfiguration is present.")
    if _sends_kms(rule) and (
        encryption is None or not (encryption.ReplicaKmsKeyID or encryption.UseSourceMultiRegionKey)
    ):
        raise _refused("ReplicaKmsKeyID must be specified if SseKmsEncryptedObjects tag is present.")
    if encryption is not None:
        check_key_id(encryption.ReplicaKmsKeyID or "")
    if to.ReplicationTime is not None:
        if to.ReplicationTime.Time.Minutes != TIME_CONTROL_MINUTES:
            raise _refused(f"ReplicationTime must be {TIME_CONTROL_MINUTES} minutes.")
        if to.Metrics is None or to.Metrics.Status != to.ReplicationTime.Status:
            raise _refused("Metrics must be specified, with the same status, if ReplicationTime is present.")
    threshold = None if to.Metrics is None else to.Metrics.EventThreshold
    if threshold is not None and threshold.Minutes != TIME_CONTROL_MINUTES:
        raise _refused(f"EventThreshold must be {TIME_CONTROL_MINUTES} minutes.")


def _compiled(rule: "aws_s3.ReplicationRule") -> _Rule:
    to, criteria = rule.Destination, rule.SourceSelectionCriteria
    encryption = to.EncryptionConfiguration
    way = WayRecord(
        bucket=to.Bucket.removeprefix(_ARN),
        rule_id=rule.ID or "",
        storage_class=to.StorageClass or "",
        account=to.Account or "",
        changes_owner=to.AccessControlTranslation is not None,
        kms_key_id="" if encryption is None else encryption.ReplicaKmsKeyID or "",
    )
    modifications = None if criteria is None else criteria.ReplicaModifications
    return _Rule(
        way,
        rule.Priority or 0,
        _tags(rule),
        _spared_prefixes(rule),
        _spared_tags(rule),
        _sends_markers(rule),
        _sends_kms(rule),
        modifications is not None and modifications.Status == "Enabled",
    )


def _prefix(rule: "aws_s3.ReplicationRule") -> str:
    it = rule.Filter
    if it is None:
        return rule.Prefix or ""
    return (it.Prefix if it.And is None else it.And.Prefix) or ""


def _tags(rule: "aws_s3.ReplicationRule") -> dict[str, str]:
    it = rule.Filter
    if it is None:
        return {}
    tags = [it.Tag] if it.Tag is not None else (it.And.Tags or ()) if it.And is not None else ()
    return {tag.Key: tag.Value for tag in tags}


def _spared(rule: "aws_s3.ReplicationRule") -> "aws_s3.ReplicationRuleNotOperator | None":
    """Return what a rule is not about, None for nothing."""
    it = rule.Filter
    if it is None:
        return None
    return it.Not if it.And is None else it.And.Not


def _spared_prefixes(rule: "aws_s3.ReplicationRule") -> tuple[str, ...]:
    spared = _spared(rule)
    return () if spared is None else _spared_prefixes_of(spared)


def _spared_tags(rule: "aws_s3.ReplicationRule") -> tuple[tuple[str, str], ...]:
    spared = _spared(rule)
    return () if spared is None else _spared_tags_of(spared)


def _spared_prefixes_of(spared: "aws_s3.ReplicationRuleNotOperator") -> tuple[str, ...]:
    if spared.Prefix is not None:
        return (spared.Prefix,)
    return () if spared.Or is None else tuple(spared.Or.Prefixes or ())


def _spared_tags_of(spared: "aws_s3.ReplicationRuleNotOperator") -> tuple[tuple[str, str], ...]:
    if spared.Tag is not None:
        return ((spared.Tag.Key, spared.Tag.Value),)
    return () if spared.Or is None else tuple((tag.Key, tag.Value) for tag in spared.Or.Tags or ())


def _sends_markers(rule: "aws_s3.ReplicationRule") -> bool:
    """Say whether delete markers go along: in the schema of old, which has no filters, they do."""
    if rule.Filter is None:
        return True
    return rule.DeleteMarkerReplication is not None and rule.DeleteMarkerReplication.Status == "Enabled"


def _sends_kms(rule: "aws_s3.ReplicationRule") -> bool:
    criteria = rule.SourceSelectionCriteria
    selected = None if criteria is None else criteria.SseKmsEncryptedObjects
    return selected is not None and selected.Status == "Enabled"


def _refused(reason: str) -> ServiceError:
    return INVALID_REQUEST.error(reason=reason)

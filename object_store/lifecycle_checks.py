"""Which lifecycle configurations are refused, and with what words.

Promises that what passes can be compiled and acted on. Sources: S3 API reference, PutBucketLifecycleConfiguration; user
guide, "Transitioning objects" and "Examples of lifecycle configurations"; the answers of Amazon S3.
"""

import itertools
from collections.abc import Iterable
from typing import Final

from cumulo.core.errors import ServiceError
from cumulo.gateway.aws_timestamps import iso8601_of_s3
from cumulo.object_store.errors import INVALID_CONFIGURATION, INVALID_REQUEST, MALFORMED_CONFIGURATION
from cumulo.object_store.lifecycle_model import (
    DAYS_MAX,
    FILTER_SIZE_BYTES_MAX,
    FILTER_TAGS_MAX,
    ID_CHARACTERS_MAX,
    MINIMUM_SIZES,
    NEWER_VERSIONS_MAX,
    RULES_MAX,
    TRANSITION_CLASSES,
    Lifecycle,
    LifecycleRule,
    RuleFilter,
)
from cumulo.object_store.naming import text_bytes
from cumulo.object_store.object_model import KEY_BYTES_MAX
from cumulo.object_store.tagging_model import TAG_KEY_CHARACTERS_MAX, TAG_VALUE_CHARACTERS_MAX

DAY_MS: Final = 86_400_000
INFREQUENT_ACCESS_DAYS_MIN: Final = 30
_INFREQUENT_ACCESS: Final = ("STANDARD_IA", "ONEZONE_IA")
_COLD: Final = ("GLACIER", "DEEP_ARCHIVE")


def check_lifecycle(lifecycle: Lifecycle) -> None:
    """Raise `InvalidRequest`, `InvalidArgument` or `MalformedXML` for rules that S3 refuses."""
    rules = lifecycle.rules
    if lifecycle.minimum_size not in MINIMUM_SIZES:
        raise _refused(f"Invalid TransitionDefaultMinimumObjectSize found: {lifecycle.minimum_size}")
    if not rules:
        raise _malformed()
    if len(rules) > RULES_MAX:
        raise _refused(f"The number of lifecycle rules must not exceed the allowed limit of {RULES_MAX} rules.")
    _check_ids(rules)
    has_filters = not rules[0].filter.is_rule_prefix
    for rule in rules:
        if rule.filter.is_rule_prefix and has_filters:
            raise _refused(
                "Base level prefix cannot be used in Lifecycle V2, prefixes are only supported in the Filter."
            )
        if not rule.filter.is_rule_prefix and not has_filters:
            raise _refused("Filter element can only be used in Lifecycle V2.")
        if rule.newer_versions is not None and not has_filters:
            raise _refused("NewerNoncurrentVersions element can only be used in Lifecycle V2.")
        _check_filter(rule.filter)
        _check_actions(rule)


def _check_ids(rules: Iterable[LifecycleRule]) -> None:
    seen = set()
    for rule in rules:
        if len(rule.id) > ID_CHARACTERS_MAX:
            raise _argument(f"ID length should not exceed allowed limit of {ID_CHARACTERS_MAX}")
        if rule.id and rule.id in seen:
            raise _argument("Rule ID must be unique. Found same ID for more than one rule")
        seen.add(rule.id)


def _check_filter(it: RuleFilter) -> None:
    if it.prefix is not None and text_bytes("Prefix", it.prefix) > KEY_BYTES_MAX:
        raise _argument(f"The maximum size of a prefix is {KEY_BYTES_MAX}.")
    said = [it.prefix is not None, it.size_greater_than is not None, it.size_less_than is not None]
    parts = sum(said) + len(it.tags)
    if not it.is_and and parts > 1:
        raise _malformed()
    if it.is_and and parts < 1:
        raise _malformed()
    if len(it.tags) > FILTER_TAGS_MAX:
        raise _argument(f"A filter can have at most {FILTER_TAGS_MAX} tags.")
    for key, value in it.tags.items():
        if not 1 <= len(key) <= TAG_KEY_CHARACTERS_MAX:
            raise _argument("The TagKey you have provided is invalid")
        if len(value) > TAG_VALUE_CHARACTERS_MAX:
            raise _argument("The TagValue you have provided is invalid")
    larger, smaller = it.size_greater_than, it.size_less_than
    if larger is not None and not 0 <= larger <= FILTER_SIZE_BYTES_MAX:
        raise _refused(f"'ObjectSizeGreaterThan' should be between 0 and {FILTER_SIZE_BYTES_MAX}.")
    if smaller is not None and not 1 <= smaller <= FILTER_SIZE_BYTES_MAX:
        raise _refused(f"'ObjectSizeLessThan' should be between 1 and {FILTER_SIZE_BYTES_MAX}.")
    if larger is not None and smaller is not None and smaller <= larger:
        raise _refused("'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.")


def _check_actions(rule: LifecycleRule) -> None:
    expirations = (rule.expiration_days, rule.expiration_date_ms, rule.expires_markers)
    actions = (*expirations, rule.noncurrent_days, rule.abort_days)
    if all(action is None for action in actions) and not rule.transitions and not rule.noncurrent_transitions:
        raise _refused("At least one action needs to be specified in a rule")
    if sum(one is not None for one in expirations) > 1:
        raise _malformed()
    _check_positive("'Days' for Expiration action", rule.expiration_days)
    _check_midnight(rule.expiration_date_ms)
    _check_positive("'NoncurrentDays' for NoncurrentVersionExpiration action", rule.noncurrent_days)
    _check_newer("NoncurrentVersionExpiration", rule.newer_versions)
    _check_positive("'DaysAfterInitiation' for AbortIncompleteMultipartUpload action", rule.abort_days)
    sizes = rule.filter.size_greater_than is not None or rule.filter.size_less_than is not None
    for action, is_there in (
        ("ExpiredObjectDeleteMarker", rule.expires_markers is not None),
        ("AbortIncompleteMultipartUpload", rule.abort_days is not None),
    ):
        if is_there and rule.filter.tags:
            raise _refused(f"{action} cannot be specified with Tags.")
        if is_there and sizes:
            raise _refused(f"{action} cannot be specified with Object Size.")
    _check_transitions(rule)
    _check_noncurrent_transitions(rule)


def _check_transitions(rule: LifecycleRule) -> None:
    transitions, where = rule.transitions, _shown_filter(rule.filter)
    for one in transitions:
        if one.storage_class not in TRANSITION_CLASSES or (one.days is None) == (one.date_ms is None):
            raise _malformed()
        if one.days is not None and not 0 <= one.days <= DAYS_MAX:
            raise _argument("'Days' in Transition action must be nonnegative")
        _check_midnight(one.date_ms)
        if one.storage_class in _INFREQUENT_ACCESS and one.days is not None and one.days < INFREQUENT_ACCESS_DAYS_MIN:
            raise _argument(
                f"'Days' in Transition action must be greater than or equal to {INFREQUENT_ACCESS_DAYS_MIN} for"
                f" storageClass '{one.storage_class}'"
            )
    if len({one.days is None for one in transitions}) > 1:
        raise _refused(f"Found mixed 'Date' and 'Days' based Transition actions in lifecycle rule for {where}")
    _check_classes([one.storage_class for one in transitions], "Transition", where)
    if any(one.days is None for one in transitions):
        dates = [(one.storage_class, one.date_ms or 0) for one in transitions]
        _check_order(dates, "Date", "Transition", where, INFREQUENT_ACCESS_DAYS_MIN * DAY_MS)
    else:
        days = [(one.storage_class, one.days or 0) for one in transitions]
        _check_order(days, "Days", "Transition", where, INFREQUENT_ACCESS_DAYS_MIN)
    for one in transitions:
        if (rule.expiration_days is not None and one.days is None) or (
            rule.expiration_date_ms is not None and one.date_ms is None
        ):
            raise _refused(
                f"Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle rule for {where}"
            )
        for name, end, begin in (
            ("Days", rule.expiration_days, one.days),
            ("Date", rule.expiration_date_ms, one.date_ms),
        ):
            if end is not None and begin is not None and end <= begin:
                raise _argument(
                    f"'{name}' in the Expiration action for {where} must be greater than '{name}' in the Transition"
                    " action"
                )


def _check_noncurrent_transitions(rule: LifecycleRule) -> None:
    transitions, where = rule.noncurrent_transitions, _shown_filter(rule.filter)
    for one in transitions:
        if one.storage_class not in TRANSITION_CLASSES:
            raise _malformed()
        if not 0 <= one.noncurrent_days <= DAYS_MAX:
            raise _argument("'NoncurrentDays' in NoncurrentVersionTransition action must be nonnegative")
        if one.storage_class in _INFREQUENT_ACCESS and one.noncurrent_days < INFREQUENT_ACCESS_DAYS_MIN:
            raise _argument(
                "'NoncurrentDays' in NoncurrentVersionTransition action must be greater than or equal to"
                f" {INFREQUENT_ACCESS_DAYS_MIN} for storageClass '{one.storage_class}'"
            )
        _check_newer("NoncurrentVersionTransition", one.newer_versions)
        if rule.noncurrent_days is not None and rule.noncurrent_days <= one.noncurrent_days:
            raise _argument(
                f"'NoncurrentDays' in the NoncurrentVersionExpiration action for {where} must be greater than"
                " 'NoncurrentDays' in the NoncurrentVersionTransition action"
            )
    _check_classes([one.storage_class for one in transitions], "NoncurrentVersionTransition", where)
    days = [(one.storage_class, one.noncurrent_days) for one in transitions]
    _check_order(days, "NoncurrentDays", "NoncurrentVersionTransition", where, INFREQUENT_ACCESS_DAYS_MIN)


def _check_classes(classes: list[str], action: str, where: str) -> None:
    if len(set(classes)) < len(classes):
        raise _refused(f"'StorageClass' must be different for '{action}' actions in same 'Rule' with {where}")


def _check_order(times: list[tuple[str, int]], name: str, action: str, where: str, at_rest: int) -> None:
    """Check that a rule moves objects from warm to cold, and leaves them in an infrequent access class for 30 days."""
    by_time = sorted(times, key=lambda one: one[1])
    for (warm, before), (cold, after) in itertools.pairwise(by_time):
        if before == after or (warm in _COLD and TRANSITION_CLASSES.index(cold) < TRANSITION_CLASSES.index(warm)):
            first, second = sorted((warm, cold), key=TRANSITION_CLASSES.index)
            raise _argument(
                f"'{name}' in the {action} action for StorageClass '{second}' for {where} must be greater than"
                f" '{name}' in the {action} action for StorageClass '{first}'"
            )
        if warm in _INFREQUENT_ACCESS and after - before < at_rest:
            raise _argument(
                f"'{name}' in the {action} action for StorageClass '{cold}' for {where} must be 30 days more than"
                f" '{name}' in the {action} action for StorageClass '{warm}'"
            )


def _check_positive(what: str, value: int | None) -> None:
    if value is not None and not 1 <= value <= DAYS_MAX:
        raise _argument(f"{what} must be a positive integer")


def _check_newer(action: str, value: int | None) -> None:
    if value is not None and value < 1:
        raise _argument(f"'NewerNoncurrentVersions' for {action} action must be a positive integer")
    if value is not None and value > NEWER_VERSIONS_MAX:
        raise _argument(
            f"'NewerNoncurrentVersions' for {action} action must be less than or equal to {NEWER_VERSIONS_MAX}"
        )


def _check_midnight(date_ms: int | None) -> None:
    if date_ms is not None and date_ms % DAY_MS:
        raise INVALID_CONFIGURATION.error(
            reason="'Date' must be at midnight GMT", parameter="Date", value=iso8601_of_s3(date_ms)
        )


def _shown_filter(it: RuleFilter) -> str:
    """Return a filter as S3's messages write it."""
    if it.is_rule_prefix:
        return f"prefix '{it.prefix}'"
    parts = [] if it.prefix is None else [f"prefix={it.prefix}"]
    parts += [f"tag={{key={key}, value={value}}}" for key, value in it.tags.items()]
    if it.size_greater_than is not None:
        parts.append(f"objectsizegreaterthan={it.size_greater_than}")
    if it.size_less_than is not None:
        parts.append(f"objectsizelessthan={it.size_less_than}")
    return f"filter '({' and '.join(parts)})'"


def _argument(reason: str) -> ServiceError:
    return INVALID_CONFIGURATION.error(reason=reason)


def _refused(reason: str) -> ServiceError:
    return INVALID_REQUEST.error(reason=reason)


def _malformed() -> ServiceError:
    return MALFORMED_CONFIGURATION.error()

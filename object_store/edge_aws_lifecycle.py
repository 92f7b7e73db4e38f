"""Lifecycle rules over S3's REST API, and the headers that tell what they will do.

Promises that rules are given back in the form in which they were written. What rules may say is the room's to decide.

Source: S3 API reference, PutBucketLifecycleConfiguration, GetBucketLifecycleConfiguration, and `x-amz-expiration` and
`x-amz-abort-date` of the operations that answer them.
"""

import urllib.parse
from typing import Any, Final

from cumulo.gateway.aws_service import AwsAnswer, AwsCall, Handler
from cumulo.gateway.aws_timestamps import iso8601_of_s3
from cumulo.object_store import configuration_model, object_model
from cumulo.object_store.edge_aws_errors import MALFORMED_XML, request_error
from cumulo.object_store.edge_aws_headers import check_headers, http_date
from cumulo.object_store.edge_aws_xml import document, escape
from cumulo.object_store.lifecycle_index import KIND
from cumulo.object_store.lifecycle_model import (
    ALL_CLASSES_128K,
    Ending,
    Lifecycle,
    LifecycleRule,
    NoncurrentTransition,
    RuleFilter,
    Transition,
)
from cumulo.object_store.service import Service

_MINIMUM_SIZE: Final = "x-amz-transition-default-minimum-object-size"
MINIMUM_SIZE_MEMBER: Final = "TransitionDefaultMinimumObjectSize"
"""What S3's SDKs call that header."""
_STATUSES: Final = ("Enabled", "Disabled")


def handlers(service: Service) -> dict[str, Handler]:
    """Return the handlers of lifecycle configurations."""

    async def put_lifecycle(call: AwsCall) -> AwsAnswer:
        bucket = call.request.Bucket
        await check_headers(service, call, bucket)
        said = call.request.LifecycleConfiguration
        if said is None:
            raise MALFORMED_XML.error()
        minimum_size = call.http.headers.get(_MINIMUM_SIZE, ALL_CLASSES_128K)
        value = lifecycle_of(said, minimum_size)
        await service.call(
            call.ctx, "SetBucketConfiguration", configuration_model.SetBucketConfiguration(bucket, KIND, value)
        )
        return AwsAnswer(headers=((_MINIMUM_SIZE, minimum_size),))

    async def get_lifecycle(call: AwsCall) -> AwsAnswer:
        bucket = call.request.Bucket
        await check_headers(service, call, bucket)
        asked = configuration_model.GetBucketConfiguration(bucket, KIND)
        found: Lifecycle = (await service.call(call.ctx, "GetBucketConfiguration", asked)).value
        return document(
            "LifecycleConfiguration",
            lifecycle_elements(found),
            headers=((_MINIMUM_SIZE, found.minimum_size),),
        )

    return {"PutBucketLifecycleConfiguration": put_lifecycle, "GetBucketLifecycleConfiguration": get_lifecycle}


def lifecycle_of(said: Any, minimum_size: str | None) -> Lifecycle:
    """Return the rules that S3's shape says, with the minimum size that stands beside it."""
    return Lifecycle(tuple(_rule(one) for one in said.Rules), minimum_size or ALL_CLASSES_128K)


def lifecycle_elements(it: Lifecycle) -> str:
    """Return the elements of lifecycle rules."""
    return "".join(map(_rule_element, it.rules))


def expiration_headers(found: object_model.Object) -> tuple[tuple[str, str], ...]:
    """Return the header that says when a rule ends an object."""
    end = found.expiry
    if end is None:
        return ()
    date = http_date(end.wall_ms // 1000)
    return (("x-amz-expiration", f'expiry-date="{date}", rule-id="{_shown_id(end)}"'),)


async def abort_headers(service: Service, bucket: str, key: str, create_ms: int = 0) -> tuple[tuple[str, str], ...]:
    """Return the headers that say when a rule aborts an upload; without a time, one that is begun now."""
    end = await service.ending(bucket, key, create_ms)
    if end is None:
        return ()
    return (("x-amz-abort-date", http_date(end.wall_ms // 1000)), ("x-amz-abort-rule-id", _shown_id(end)))


def _shown_id(end: Ending) -> str:
    return urllib.parse.quote(end.rule_id, safe="")


# From XML


def _rule(it: Any) -> LifecycleRule:
    if it.Status not in _STATUSES:
        raise MALFORMED_XML.error()
    expiration, noncurrent, abort = it.Expiration, it.NoncurrentVersionExpiration, it.AbortIncompleteMultipartUpload
    if noncurrent is not None and noncurrent.NoncurrentDays is None:
        raise MALFORMED_XML.error()
    if abort is not None and abort.DaysAfterInitiation is None:
        raise MALFORMED_XML.error()
    if expiration is not None and (expiration.Days, expiration.Date, expiration.ExpiredObjectDeleteMarker) == (
        None,
        None,
        None,
    ):
        raise MALFORMED_XML.error()
    return LifecycleRule(
        id=it.ID or "",
        is_enabled=it.Status == "Enabled",
        filter=_filter(it),
        expiration_days=None if expiration is None else expiration.Days,
        expiration_date_ms=None if expiration is None else expiration.Date,
        expires_markers=None if expiration is None else expiration.ExpiredObjectDeleteMarker,
        transitions=tuple(Transition(one.StorageClass or "", one.Days, one.Date) for one in it.Transitions or ()),
        noncurrent_transitions=tuple(map(_noncurrent_transition, it.NoncurrentVersionTransitions or ())),
        noncurrent_days=None if noncurrent is None else noncurrent.NoncurrentDays,
        newer_versions=None if noncurrent is None else noncurrent.NewerNoncurrentVersions,
        abort_days=None if abort is None else abort.DaysAfterInitiation,
    )


def _noncurrent_transition(it: Any) -> NoncurrentTransition:
    if it.NoncurrentDays is None:
        raise MALFORMED_XML.error()
    return NoncurrentTransition(it.StorageClass or "", it.NoncurrentDays, it.NewerNoncurrentVersions)


def _filter(rule: Any) -> RuleFilter:
    it = rule.Filter
    if it is None:
        if rule.Prefix is None:
            raise MALFORMED_XML.error()
        return RuleFilter(prefix=rule.Prefix, is_rule_prefix=True)
    if rule.Prefix is not None:
        raise request_error(
            "Base level prefix cannot be used in Lifecycle V2, prefixes are only supported in the Filter."
        )
    if it.And is None:
        tags = {} if it.Tag is None else {it.Tag.Key: it.Tag.Value}
        return RuleFilter(it.Prefix, tags, it.ObjectSizeGreaterThan, it.ObjectSizeLessThan)
    if (it.Prefix, it.Tag, it.ObjectSizeGreaterThan, it.ObjectSizeLessThan) != (None, None, None, None):
        raise MALFORMED_XML.error()
    both = it.And
    tags = {tag.Key: tag.Value for tag in both.Tags or ()}
    if len(tags) < len(both.Tags or ()):
        raise request_error("Duplicate Tag Keys are not allowed.")
    return RuleFilter(both.Prefix, tags, both.ObjectSizeGreaterThan, both.ObjectSizeLessThan, is_and=True)


# To XML


def _rule_element(rule: LifecycleRule) -> str:
    expiration = _numbers(Days=rule.expiration_days)
    if rule.expiration_date_ms is not None:
        expiration = f"<Date>{iso8601_of_s3(rule.expiration_date_ms)}</Date>"
    if rule.expires_markers is not None:
        expiration = f"<ExpiredObjectDeleteMarker>{str(rule.expires_markers).lower()}</ExpiredObjectDeleteMarker>"
    prefix = rule.filter.prefix
    return (
        f"<Rule><ID>{escape(rule.id)}</ID>"
        + (f"<Prefix>{escape(prefix or '')}</Prefix>" if rule.filter.is_rule_prefix else _filter_element(rule.filter))
        + f"<Status>{_STATUSES[not rule.is_enabled]}</Status>"
        + "".join(map(_transition_element, rule.transitions))
        + "".join(map(_noncurrent_transition_element, rule.noncurrent_transitions))
        + _element("Expiration", expiration)
        + _element(
            "NoncurrentVersionExpiration",
            _numbers(NoncurrentDays=rule.noncurrent_days, NewerNoncurrentVersions=rule.newer_versions),
        )
        + _element("AbortIncompleteMultipartUpload", _numbers(DaysAfterInitiation=rule.abort_days))
        + "</Rule>"
    )


def _filter_element(it: RuleFilter) -> str:
    inner = (
        ("" if it.prefix is None else f"<Prefix>{escape(it.prefix)}</Prefix>")
        + "".join(
            f"<Tag><Key>{escape(key)}</Key><Value>{escape(value)}</Value></Tag>" for key, value in it.tags.items()
        )
        + _numbers(ObjectSizeGreaterThan=it.size_greater_than, ObjectSizeLessThan=it.size_less_than)
    )
    return f"<Filter><And>{inner}</And></Filter>" if it.is_and else f"<Filter>{inner}</Filter>"


def _transition_element(it: Transition) -> str:
    when = f"<Date>{iso8601_of_s3(it.date_ms)}</Date>" if it.date_ms is not None else _numbers(Days=it.days)
    return f"<Transition>{when}<StorageClass>{it.storage_class}</StorageClass></Transition>"


def _noncurrent_transition_element(it: NoncurrentTransition) -> str:
    numbers = _numbers(NoncurrentDays=it.noncurrent_days, NewerNoncurrentVersions=it.newer_versions)
    return (
        f"<NoncurrentVersionTransition>{numbers}<StorageClass>{it.storage_class}</StorageClass>"
        "</NoncurrentVersionTransition>"
    )


def _numbers(**numbers: int | None) -> str:
    return "".join(f"<{name}>{number}</{name}>" for name, number in numbers.items() if number is not None)


def _element(name: str, inner: str) -> str:
    return f"<{name}>{inner}</{name}>" if inner else ""

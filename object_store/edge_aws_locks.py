"""Object lock over S3's REST API: of buckets, retention and legal holds of objects, and the headers of both.

What a lock protects is the room's to say.

Source: S3 API reference, PutObjectLockConfiguration, PutObjectRetention, PutObjectLegalHold and the headers
`x-amz-object-lock-*` of PutObject and GetObject.
"""

from collections.abc import Mapping
from typing import Any, Final

from cumulo.gateway.aws_service import AwsAnswer, AwsCall, Handler
from cumulo.gateway.aws_timestamps import iso8601
from cumulo.object_store import configuration_model, lock_model
from cumulo.object_store.configurations import OBJECT_LOCK
from cumulo.object_store.edge_aws_configurations import write_configuration
from cumulo.object_store.edge_aws_errors import MALFORMED_XML, MISSING_REQUEST_BODY, argument_error
from cumulo.object_store.edge_aws_headers import asked_version, check_headers, parse_date
from cumulo.object_store.edge_aws_xml import document
from cumulo.object_store.service import Service

_MODE: Final = "x-amz-object-lock-mode"
_UNTIL: Final = "x-amz-object-lock-retain-until-date"
_HOLD: Final = "x-amz-object-lock-legal-hold"
_EVENT: Final = "x-amz-object-lock-event-hold"
_EVENT_DAYS: Final = "x-amz-object-lock-event-hold-duration-days"
_EVENT_YEARS: Final = "x-amz-object-lock-event-hold-duration-years"
_NAMES: Final = frozenset((_MODE, _UNTIL, _HOLD, _EVENT, _EVENT_DAYS, _EVENT_YEARS))
_STATES: Final = ("ON", "OFF")
_DIGITS_MAX: Final = 9
"""Of a duration: what has more is beyond any."""


def handlers(service: Service) -> dict[str, Handler]:
    """Return the handlers of object lock."""

    async def get_configuration(call: AwsCall) -> AwsAnswer:
        bucket = call.request.Bucket
        await check_headers(service, call, bucket)
        asked = configuration_model.GetBucketConfiguration(bucket, OBJECT_LOCK)
        found: lock_model.BucketLock = (await service.call(call.ctx, "GetBucketConfiguration", asked)).value
        return document("ObjectLockConfiguration", bucket_lock_elements(found))

    async def put_configuration(call: AwsCall) -> AwsAnswer:
        await check_headers(service, call, call.request.Bucket)
        value = bucket_lock_of(call.request.ObjectLockConfiguration)
        return await write_configuration(service, call, OBJECT_LOCK, value)

    async def get_retention(call: AwsCall) -> AwsAnswer:
        request = call.request
        await check_headers(service, call, request.Bucket)
        asked = lock_model.GetObjectRetention(request.Bucket, request.Key, asked_version(request.VersionId))
        found: lock_model.ObjectLock = (await service.call(call.ctx, "GetObjectRetention", asked)).value
        until = iso8601(found.until_ms)
        return document(
            "Retention",
            f"<Mode>{found.mode}</Mode><RetainUntilDate>{until}</RetainUntilDate>{_event_elements(found.event)}",
        )

    async def put_retention(call: AwsCall) -> AwsAnswer:
        request, said = call.request, call.request.Retention
        await check_headers(service, call, request.Bucket)
        if said is None:
            raise MALFORMED_XML.error()
        asked = lock_model.SetObjectRetention(
            request.Bucket,
            request.Key,
            said.Mode or "",
            said.RetainUntilDate or 0,
            asked_version(request.VersionId),
            bypasses_governance=bool(request.BypassGovernanceRetention),
            event=_event_of(said.EventHold, said.EventHoldDuration),
        )
        await service.call(call.ctx, "SetObjectRetention", asked)
        return AwsAnswer()

    async def get_legal_hold(call: AwsCall) -> AwsAnswer:
        request = call.request
        await check_headers(service, call, request.Bucket)
        asked = lock_model.GetObjectLegalHold(request.Bucket, request.Key, asked_version(request.VersionId))
        hold: str = (await service.call(call.ctx, "GetObjectLegalHold", asked)).value
        return document("LegalHold", f"<Status>{hold}</Status>")

    async def put_legal_hold(call: AwsCall) -> AwsAnswer:
        request, said = call.request, call.request.LegalHold
        await check_headers(service, call, request.Bucket)
        hold = "" if said is None else said.Status or ""
        asked = lock_model.SetObjectLegalHold(request.Bucket, request.Key, hold, asked_version(request.VersionId))
        await service.call(call.ctx, "SetObjectLegalHold", asked)
        return AwsAnswer()

    return {
        "GetObjectLockConfiguration": get_configuration,
        "PutObjectLockConfiguration": put_configuration,
        "GetObjectRetention": get_retention,
        "PutObjectRetention": put_retention,
        "GetObjectLegalHold": get_legal_hold,
        "PutObjectLegalHold": put_legal_hold,
    }


def asked_lock(headers: Mapping[str, str]) -> lock_model.ObjectLock | None:
    """Return the lock that a new object's headers, or a form's fields, ask for; raises `InvalidArgument` for a date
    that is none.
    """
    if _NAMES.isdisjoint(headers):
        return None
    until = headers.get(_UNTIL)
    until_ms = parse_date(until)
    if until is not None and (until_ms is None or until[4:5] != "-"):
        raise argument_error(_UNTIL, until, "The retain until date must be provided in ISO 8601 format")
    return lock_model.ObjectLock(headers.get(_MODE, ""), until_ms or 0, headers.get(_HOLD, ""), _event_in(headers))


def _event_in(headers: Mapping[str, str]) -> lock_model.EventHold | None:
    """Return the event hold that headers ask for; raises `InvalidArgument`."""
    status = headers.get(_EVENT)
    durations = []
    for name in (_EVENT_DAYS, _EVENT_YEARS):
        text = headers.get(name, "0")
        if status is None and name in headers:
            raise argument_error(name, text, f"{name} must be supplied with {_EVENT}")
        if not text.isascii() or not text.isdigit() or len(text) > _DIGITS_MAX:
            raise argument_error(name, text, "The event hold duration must be 1 to 36500 days, or 1 to 100 years.")
        durations.append(int(text))
    if status is None:
        return None
    if status not in _STATES:
        raise argument_error(_EVENT, status, "Event Hold must be either of 'ON' or 'OFF'")
    return lock_model.EventHold(status == "ON", *durations)


def check_signed(call: AwsCall) -> None:
    """Raise `InvalidArgument` where nobody says who locks an object."""
    if not call.ctx.principal.account:
        raise argument_error(
            "Authorization", "", "Put Object requests with Object Lock parameters require AWS Signature Version 4"
        )


def lock_headers(lock: lock_model.ObjectLock) -> tuple[tuple[str, str], ...]:
    """Return the headers that tell of an object's lock."""
    found = [(_MODE, lock.mode), (_UNTIL, iso8601(lock.until_ms))] if lock.mode else []
    if lock.hold:
        found.append((_HOLD, lock.hold))
    if lock.event is not None:
        found.append((_EVENT, "ON" if lock.event.is_on else "OFF"))
        if lock.event.days:
            found.append((_EVENT_DAYS, str(lock.event.days)))
        if lock.event.years:
            found.append((_EVENT_YEARS, str(lock.event.years)))
    return tuple(found)


def _event_of(status: str | None, duration: Any) -> lock_model.EventHold | None:
    """Return the event hold of a document; raises `MalformedXML`."""
    if status is None and duration is None:
        return None
    if status not in _STATES:
        raise MALFORMED_XML.error()
    return lock_model.EventHold(status == "ON", *_duration_of(duration))


def _duration_of(said: Any) -> tuple[int, int]:
    """Return a duration's days and years; what is out of any range stays so."""
    if said is None:
        return 0, 0
    if said.Days is None and said.Years is None:
        raise MALFORMED_XML.error()
    return -1 if said.Days == 0 else said.Days or 0, -1 if said.Years == 0 else said.Years or 0


def _event_elements(it: lock_model.EventHold | None) -> str:
    if it is None:
        return ""
    duration = f"<EventHoldDuration>{_duration_elements(it)}</EventHoldDuration>" if it.is_on else ""
    return f"<EventHold>{'ON' if it.is_on else 'OFF'}</EventHold>{duration}"


def _duration_elements(it: lock_model.EventHold) -> str:
    return f"<Days>{it.days}</Days>" if it.days else f"<Years>{it.years}</Years>"


def bucket_lock_of(said: Any) -> lock_model.BucketLock:
    """Return what S3's shape of a bucket's lock says; raises `MissingRequestBodyError` for none, and `MalformedXML`."""
    if said is None:
        raise MISSING_REQUEST_BODY.error()
    if said.ObjectLockEnabled != "Enabled":
        raise MALFORMED_XML.error()
    if said.Rule is None:
        return lock_model.BucketLock()
    default = said.Rule.DefaultRetention
    if default is None:
        raise MALFORMED_XML.error()
    if not default.Mode:
        raise MALFORMED_XML.error()
    event = None
    if default.DefaultEventHold is not None:
        event = lock_model.EventHold(True, *_duration_of(default.DefaultEventHold))  # noqa: FBT003 - of the struct
    return lock_model.BucketLock(default.Mode, default.Days, default.Years, event)


def bucket_lock_elements(it: lock_model.BucketLock) -> str:
    """Return a bucket's lock as S3 writes it."""
    rule = ""
    if it.mode:
        period = f"<Days>{it.days}</Days>" if it.days is not None else ""
        period += f"<Years>{it.years}</Years>" if it.years is not None else ""
        if it.event is not None:
            period += f"<DefaultEventHold>{_duration_elements(it.event)}</DefaultEventHold>"
        rule = f"<Rule><DefaultRetention><Mode>{it.mode}</Mode>{period}</DefaultRetention></Rule>"
    return f"<ObjectLockEnabled>Enabled</ObjectLockEnabled>{rule}"

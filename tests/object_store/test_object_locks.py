"""Object lock: what protects a version, from whom, and until when; and what rules do about it."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from cumulo.core.context import CallContext
from cumulo.core.errors import ServiceError
from cumulo.identity.principal_model import root_of
from cumulo.object_store import (
    bucket_model,
    configuration_model,
    copy_model,
    listing_model,
    lock_model,
    locks,
    notification_model,
    object_model,
)
from cumulo.object_store.lifecycle_model import Lifecycle, LifecycleRule, NoncurrentTransition, RuleFilter

DAY_S = 86_400
DAY_MS = DAY_S * 1000
OTHER = "111111111111"
PROTECTED = ("AccessDenied", "Access Denied because object protected by object lock.")


async def make_locked(stand: Any, bucket: str = "locked") -> None:
    await stand.call("CreateBucket", bucket_model.CreateBucket(bucket, locks_objects=True))


async def configure(stand: Any, kind: str, value: Any, bucket: str = "locked") -> None:
    await stand.call("SetBucketConfiguration", configuration_model.SetBucketConfiguration(bucket, kind, value))


async def retain(stand: Any, key: str, mode: str = "", days: float = 0, **more: Any) -> Any:
    until_ms = stand.clock.wall_ms() + int(days * DAY_MS) if days else 0
    ctx = more.pop("ctx", None)
    return await stand.call(
        "SetObjectRetention", lock_model.SetObjectRetention("locked", key, mode, until_ms, **more), ctx=ctx
    )


async def hold(stand: Any, key: str, status: str, version_id: str = "") -> Any:
    return await stand.call("SetObjectLegalHold", lock_model.SetObjectLegalHold("locked", key, status, version_id))


async def retention(stand: Any, key: str, version_id: str = "") -> lock_model.ObjectLock:
    found: lock_model.ObjectLock = await stand.call(
        "GetObjectRetention", lock_model.GetObjectRetention("locked", key, version_id)
    )
    return found


async def put(stand: Any, key: str, data: bytes = b"1", **more: Any) -> str:
    stored: object_model.Object = await stand.put(key, data, bucket="locked", **more)
    return stored.version_id


async def erase(stand: Any, key: str, version_id: str, *, bypasses: bool = False, ctx: Any = None) -> Any:
    request = object_model.DeleteObject(bucket="locked", key=key, version_id=version_id, bypasses_governance=bypasses)
    return await stand.call("DeleteObject", request, ctx=ctx)


async def shown(stand: Any) -> str:
    """The versions of all keys, newest first: `c` current, `n` not current, `m` a delete marker."""
    page = await stand.call("ListObjectVersions", listing_model.ListObjectVersions(bucket="locked"))
    return "".join("m" if one.is_delete_marker else "c" if one.is_latest else "n" for one in page.versions)


def said(error: ServiceError) -> tuple[str, str]:
    return error.row.code, error.message


def test_version_that_is_retained_is_not_deleted_before_its_time(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await make_locked(stand)
        until_ms = stand.clock.wall_ms() + DAY_MS
        version_id = await put(stand, "k", lock=lock_model.ObjectLock(lock_model.COMPLIANCE, until_ms))
        await stand.restart()

        assert said(await refused(erase(stand, "k", version_id))) == PROTECTED
        assert said(await refused(erase(stand, "k", version_id, bypasses=True))) == PROTECTED
        await stand.advance(DAY_S)
        await erase(stand, "k", version_id)

        assert await shown(stand) == ""

    run(scenario)


def test_delete_marker_and_newer_versions_may_hide_what_is_locked(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await make_locked(stand)
        version_id = await put(stand, "k")
        await retain(stand, "k", lock_model.COMPLIANCE, 1)

        await put(stand, "k", b"2")
        marker = await stand.delete("k", bucket="locked")

        assert await shown(stand) == "mnn"
        assert said(await refused(erase(stand, "k", version_id))) == PROTECTED
        assert (await erase(stand, "k", marker.version_id)).is_delete_marker
        assert await stand.get("k", bucket="locked", version_id=version_id) == b"1"

    run(scenario)


def test_governance_mode_is_bypassed_by_who_says_so(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await make_locked(stand)
        version_id = await put(stand, "k")
        await retain(stand, "k", lock_model.GOVERNANCE, 2)

        assert said(await refused(retain(stand, "k", lock_model.GOVERNANCE, 1))) == PROTECTED
        assert said(await refused(retain(stand, "k", lock_model.COMPLIANCE, 3))) == PROTECTED
        assert said(await refused(retain(stand, "k"))) == PROTECTED
        await retain(stand, "k", lock_model.GOVERNANCE, 3)
        await retain(stand, "k", lock_model.GOVERNANCE, 1, bypasses_governance=True)
        await retain(stand, "k", bypasses_governance=True)
        assert (await refused(retention(stand, "k"))).row.code == "NoSuchObjectLockConfiguration"
        await retain(stand, "k", lock_model.GOVERNANCE, 1)
        assert said(await refused(erase(stand, "k", version_id))) == PROTECTED
        await erase(stand, "k", version_id, bypasses=True)

    run(scenario)


def test_compliance_mode_is_only_prolonged(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await make_locked(stand)
        await put(stand, "k")
        await retain(stand, "k", lock_model.COMPLIANCE, 2)

        for mode, days in ((lock_model.COMPLIANCE, 1), (lock_model.GOVERNANCE, 3), ("", 0)):
            error = await refused(retain(stand, "k", mode, days, bypasses_governance=True))
            assert said(error) == PROTECTED
        await retain(stand, "k", lock_model.COMPLIANCE, 3)
        await stand.advance(4 * DAY_S)
        await retain(stand, "k")

    run(scenario)


def test_repeated_change_of_a_lock_gets_the_first_answer(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await make_locked(stand)
        version_id = await put(stand, "k")
        until_ms = stand.clock.wall_ms() + DAY_MS
        first = lock_model.SetObjectRetention("locked", "k", lock_model.GOVERNANCE, until_ms, request_id="r")
        holds = lock_model.SetObjectLegalHold("locked", "k", "ON", request_id="h")

        answers = [await stand.call("SetObjectRetention", first)]
        answers.append(await stand.call("SetObjectLegalHold", holds))
        await hold(stand, "k", "OFF")
        await retain(stand, "k", lock_model.GOVERNANCE, 2)
        answers.append(await stand.call("SetObjectRetention", first))
        answers.append(await stand.call("SetObjectLegalHold", holds))

        assert answers == [version_id] * 4
        assert (await retention(stand, "k")).until_ms == until_ms + DAY_MS
        assert await stand.call("GetObjectLegalHold", lock_model.GetObjectLegalHold("locked", "k")) == "OFF"

    run(scenario)


def test_legal_hold_ends_only_by_being_taken_off(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await make_locked(stand)
        version_id = await put(stand, "k", lock=lock_model.ObjectLock(hold="ON"))
        await stand.advance(1000 * DAY_S)

        assert said(await refused(erase(stand, "k", version_id, bypasses=True))) == PROTECTED
        await hold(stand, "k", "OFF")
        assert await stand.call("GetObjectLegalHold", lock_model.GetObjectLegalHold("locked", "k")) == "OFF"
        await erase(stand, "k", version_id)

    run(scenario)


def test_new_objects_have_the_default_retention_unless_they_say_another(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await make_locked(stand)
        await configure(stand, "object_lock", lock_model.BucketLock(lock_model.GOVERNANCE, years=1))
        now_ms = stand.clock.wall_ms()
        own = lock_model.ObjectLock(lock_model.COMPLIANCE, now_ms + DAY_MS)

        await put(stand, "put")
        await put(stand, "held", lock=lock_model.ObjectLock(hold="ON"))
        await put(stand, "own", lock=own)
        source = copy_model.CopySource("locked", "own")
        await stand.call("CopyObject", copy_model.CopyObject(bucket="locked", key="copy", source=source))
        upload_id = await stand.begin("parts", bucket="locked")
        part = await stand.part("parts", upload_id, 1, b"1", bucket="locked")
        await stand.complete("parts", upload_id, [part], bucket="locked")

        year = lock_model.ObjectLock(lock_model.GOVERNANCE, now_ms + 365 * DAY_MS)
        for key in ("put", "held", "copy", "parts"):
            assert await retention(stand, key) == year
        assert await retention(stand, "own") == own
        assert (await stand.head("held", bucket="locked")).lock == msgspec.structs.replace(year, hold="ON")
        await configure(stand, "object_lock", lock_model.BucketLock())
        await put(stand, "free")
        assert (await refused(retention(stand, "free"))).row.code == "NoSuchObjectLockConfiguration"

    run(scenario)


def test_upload_in_parts_keeps_the_lock_that_was_asked_for(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await make_locked(stand)
        lock = lock_model.ObjectLock(lock_model.COMPLIANCE, stand.clock.wall_ms() + DAY_MS, "ON")
        upload_id = await stand.begin("k", bucket="locked", lock=lock)
        await stand.restart()
        part = await stand.part("k", upload_id, 1, b"1", bucket="locked")

        stored = await stand.complete("k", upload_id, [part], bucket="locked")

        assert (await stand.head("k", bucket="locked")).lock == lock
        assert said(await refused(erase(stand, "k", stored.version_id))) == PROTECTED

    run(scenario)


@pytest.mark.parametrize(
    ("lock", "message"),
    [
        (
            lock_model.ObjectLock("COMPLIANCE"),
            "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied",
        ),
        (
            lock_model.ObjectLock("", 1 << 42),
            "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied",
        ),
        (lock_model.ObjectLock("compliance", 1 << 42), "Unknown wormMode directive."),
        (lock_model.ObjectLock("COMPLIANCE", 1), "The retain until date must be in the future!"),
        (
            lock_model.ObjectLock("COMPLIANCE", 1 << 60),
            "The retain until date must be between 1970 and the year 10000.",
        ),
        (lock_model.ObjectLock(hold="on"), "Legal Hold must be either of 'ON' or 'OFF'"),
    ],
)
def test_lock_that_no_object_can_have_is_refused(run: Any, refused: Any, lock: Any, message: str) -> None:
    async def scenario(stand: Any) -> None:
        await make_locked(stand)

        assert said(await refused(put(stand, "k", lock=lock))) == ("InvalidArgument", message)
        assert said(await refused(stand.begin("k", bucket="locked", lock=lock))) == ("InvalidArgument", message)

    run(scenario)


@pytest.mark.parametrize(
    ("lock", "code"),
    [
        (lock_model.BucketLock("GOVERNANCE"), "MalformedXML"),
        (lock_model.BucketLock("GOVERNANCE", 1, 1), "MalformedXML"),
        (lock_model.BucketLock("governance", 1), "MalformedXML"),
        (lock_model.BucketLock("", 1), "MalformedXML"),
        (lock_model.BucketLock("GOVERNANCE", 0), "InvalidArgument"),
        (lock_model.BucketLock("GOVERNANCE", 36_501), "InvalidArgument"),
        (lock_model.BucketLock("GOVERNANCE", years=-1), "InvalidArgument"),
        (lock_model.BucketLock("GOVERNANCE", years=101), "InvalidArgument"),
        (lock_model.BucketLock("GOVERNANCE", 36_500), None),
        (lock_model.BucketLock("COMPLIANCE", years=100), None),
    ],
)
def test_default_retention_has_a_mode_and_one_period(run: Any, refused: Any, lock: Any, code: str | None) -> None:
    async def scenario(stand: Any) -> None:
        await make_locked(stand)

        if code is not None:
            assert (await refused(configure(stand, "object_lock", lock))).row.code == code
            return
        await configure(stand, "object_lock", lock)
        asked = configuration_model.GetBucketConfiguration("locked", "object_lock")
        assert await stand.call("GetBucketConfiguration", asked) == lock

    run(scenario)


def test_bucket_that_keeps_versions_can_have_its_objects_locked_and_keeps_them_for_good(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        lock = lock_model.BucketLock("GOVERNANCE", 1)

        error = await refused(configure(stand, "object_lock", lock, "inbox"))
        assert (error.row.code, error.row.http_status) == ("InvalidBucketState", 409)
        await configure(stand, "versioning", configuration_model.Versioning("Suspended"), "inbox")
        assert (await refused(configure(stand, "object_lock", lock, "inbox"))).row.code == "InvalidBucketState"
        await configure(stand, "versioning", configuration_model.Versioning("Enabled"), "inbox")
        await configure(stand, "object_lock", lock, "inbox")
        error = await refused(configure(stand, "versioning", configuration_model.Versioning("Suspended"), "inbox"))
        assert error.row.code == "InvalidBucketState"
        removal = configuration_model.DeleteBucketConfiguration("inbox", "object_lock")
        assert (await refused(stand.call("DeleteBucketConfiguration", removal))).row.code == "InvalidArgument"
        assert (await stand.put("k", b"1")).version_id
        assert (await stand.head("k")).lock is not None

    run(scenario)


def test_null_version_of_before_can_be_locked(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("k", b"1")
        await configure(stand, "versioning", configuration_model.Versioning("Enabled"), "inbox")
        await configure(stand, "object_lock", lock_model.BucketLock(), "inbox")

        await stand.call("SetObjectLegalHold", lock_model.SetObjectLegalHold("inbox", "k", "ON"))
        await stand.put("k", b"2")

        assert said(await refused(stand.delete("k", version_id="null"))) == PROTECTED
        assert await stand.get("k", version_id="null") == b"1"

    run(scenario)


def test_lock_is_nothing_to_speak_of_where_objects_cannot_be_locked(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("k", b"1")
        until_ms = stand.clock.wall_ms() + DAY_MS
        missing = ("InvalidRequest", "Bucket is missing Object Lock Configuration")
        for request in (
            lock_model.SetObjectRetention("inbox", "k", "GOVERNANCE", until_ms),
            lock_model.GetObjectRetention("inbox", "k"),
            lock_model.SetObjectLegalHold("inbox", "k", "ON"),
            lock_model.GetObjectLegalHold("inbox", "k"),
        ):
            assert said(await refused(stand.call(type(request).__name__, request))) == missing

        error = await refused(stand.put("k", b"2", lock=lock_model.ObjectLock(hold="ON")))
        assert said(error) == ("InvalidRequest", "Bucket is missing ObjectLockConfiguration")
        error = await refused(stand.delete("k", bypasses_governance=True))
        assert error.row.code == "InvalidArgument"

    run(scenario)


def test_batch_delete_passes_over_what_is_locked(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await make_locked(stand)
        ids = [await put(stand, f"k{place}") for place in range(4)]
        await retain(stand, "k0", lock_model.GOVERNANCE, 1)
        await retain(stand, "k1", lock_model.GOVERNANCE, 1)
        await hold(stand, "k2", "ON")

        for bypasses, gone in ((False, [3]), (True, [0, 1, 3])):
            entries = tuple(
                object_model.DeleteEntry(f"k{place}", version_id=id_, bypasses_governance=bypasses)
                for place, id_ in enumerate(ids)
            )
            request = object_model.BatchDeleteObjects(bucket="locked", entries=entries, request_id=f"r{bypasses}")
            first, again = [await stand.call("BatchDeleteObjects", request) for _ in range(2)]
            assert [place for place, it in enumerate(first) if isinstance(it, object_model.Deleted)] == gone
            assert {(it.code, it.message) for it in first if isinstance(it, object_model.ItemError)} == {PROTECTED}
            assert again == first

    run(scenario)


def test_lock_is_shown_to_who_may_know_it_and_bypassed_by_who_may(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await make_locked(stand)
        other = CallContext(principal=root_of(OTHER), request_id="test", source_ip="127.0.0.1")
        lock = lock_model.ObjectLock(lock_model.GOVERNANCE, stand.clock.wall_ms() + DAY_MS, "OFF")
        version_id = await put(stand, "k", lock=lock)

        async def allow(*actions: str) -> None:
            await stand.set_policy(
                {
                    "Effect": "Allow",
                    "Principal": {"AWS": OTHER},
                    "Action": [f"s3:{action}" for action in actions],
                    "Resource": "arn:aws:s3:::locked/*",
                },
                bucket="locked",
            )

        async def seen() -> list[Any]:
            found = []
            for operation, request in (
                ("HeadObject", object_model.HeadObject(bucket="locked", key="k")),
                ("GetObject", object_model.GetObject(bucket="locked", key="k")),
            ):
                result = await stand.service.call(other, operation, request)
                if result.body is not None:
                    await result.body.aclose()
                found.append(result.value.object.lock)
            return found

        await allow("GetObject", "DeleteObjectVersion")
        assert await seen() == [None, None]
        assert (await refused(retain(stand, "k", "", ctx=other))).row.code == "AccessDenied"
        assert said(await refused(erase(stand, "k", version_id, bypasses=True, ctx=other))) == PROTECTED
        await allow("GetObject", "GetObjectRetention")
        assert await seen() == [msgspec.structs.replace(lock, hold="")] * 2
        await allow("GetObject", "GetObjectLegalHold")
        assert await seen() == [lock_model.ObjectLock(hold="OFF")] * 2
        await allow("DeleteObjectVersion", "BypassGovernanceRetention")
        await erase(stand, "k", version_id, bypasses=True, ctx=other)

    run(scenario)


def test_policy_narrows_locks_by_what_they_say(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await make_locked(stand)
        await put(stand, "k")

        async def deny(action: str, condition: dict[str, Any]) -> None:
            await stand.set_policy(
                {
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": action,
                    "Resource": "arn:aws:s3:::locked/*",
                    "Condition": condition,
                },
                bucket="locked",
            )

        await deny("s3:PutObjectRetention", {"NumericGreaterThan": {"s3:object-lock-remaining-retention-days": "10"}})
        assert (await refused(retain(stand, "k", lock_model.GOVERNANCE, 10.5))).row.code == "AccessDenied"
        late = lock_model.ObjectLock(lock_model.GOVERNANCE, stand.clock.wall_ms() + 11 * DAY_MS)
        assert (await refused(put(stand, "other", lock=late))).row.code == "AccessDenied"
        await retain(stand, "k", lock_model.GOVERNANCE, 10)
        await deny("s3:PutObjectRetention", {"StringEquals": {"s3:object-lock-mode": "COMPLIANCE"}})
        assert (await refused(retain(stand, "k", lock_model.COMPLIANCE, 20))).row.code == "AccessDenied"
        await retain(stand, "k", lock_model.GOVERNANCE, 20)
        date = {"DateGreaterThan": {"s3:object-lock-retain-until-date": "2100-01-01T00:00:00Z"}}
        await deny("s3:PutObjectRetention", date)
        assert (await refused(retain(stand, "k", lock_model.GOVERNANCE, 36_500))).row.code == "AccessDenied"
        await deny("s3:PutObjectLegalHold", {"StringEquals": {"s3:object-lock-legal-hold": "OFF"}})
        await hold(stand, "k", "ON")
        assert (await refused(hold(stand, "k", "OFF"))).row.code == "AccessDenied"

    run(scenario)


async def hold_event(stand: Any, key: str, mode: str, *, on: bool, days: int = 0, **more: Any) -> Any:
    until_ms = more.pop("until_ms", 0)
    request = lock_model.SetObjectRetention("locked", key, mode, until_ms, event=lock_model.EventHold(on, days), **more)
    return await stand.call("SetObjectRetention", request)


def test_event_hold_leaves_its_duration_when_it_is_released(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await make_locked(stand)
        version_id = await put(stand, "k")
        await hold_event(stand, "k", lock_model.COMPLIANCE, on=True, days=5)
        await stand.advance(90 * DAY_S)
        held = await retention(stand, "k")

        assert held.until_ms == stand.clock.wall_ms() + 5 * DAY_MS
        assert said(await refused(erase(stand, "k", version_id, bypasses=True))) == PROTECTED
        assert said(await refused(retain(stand, "k"))) == PROTECTED
        await hold_event(stand, "k", lock_model.COMPLIANCE, on=False)
        assert await retention(stand, "k") == msgspec.structs.replace(held, event=lock_model.EventHold(False))
        await stand.advance(4 * DAY_S)
        assert said(await refused(erase(stand, "k", version_id))) == PROTECTED
        await stand.advance(DAY_S)
        await erase(stand, "k", version_id)

    run(scenario)


def test_event_hold_that_becomes_shorter_ends_no_earlier(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await make_locked(stand)
        await put(stand, "k")
        await hold_event(stand, "k", lock_model.GOVERNANCE, on=True, days=9)
        end_ms = stand.clock.wall_ms() + 9 * DAY_MS

        await hold_event(stand, "k", lock_model.GOVERNANCE, on=True, days=2)
        paused = await retention(stand, "k")
        await stand.advance(8 * DAY_S)
        moving = await retention(stand, "k")
        await hold_event(stand, "k", lock_model.GOVERNANCE, on=True)
        kept = await retention(stand, "k")
        await retain(stand, "k", bypasses_governance=True)

        assert (paused.until_ms, moving.until_ms) == (end_ms, end_ms + DAY_MS)
        assert kept == moving
        assert (await refused(retention(stand, "k"))).row.code == "NoSuchObjectLockConfiguration"

    run(scenario)


def test_later_of_a_date_and_an_event_hold_counts(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await make_locked(stand)
        late_ms = stand.clock.wall_ms() + 30 * DAY_MS
        lock = lock_model.ObjectLock(lock_model.COMPLIANCE, late_ms, event=lock_model.EventHold(True, 3))
        await put(stand, "k", lock=lock)

        await hold_event(stand, "k", lock_model.COMPLIANCE, on=False)
        first = await retention(stand, "k")
        await hold_event(stand, "k", lock_model.COMPLIANCE, on=False, until_ms=late_ms + DAY_MS)

        assert first.until_ms == late_ms
        assert (await retention(stand, "k")).until_ms == late_ms + DAY_MS

    run(scenario)


def test_rule_passes_over_an_event_hold_and_comes_back_after_its_duration(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await make_locked(stand)
        await configure(
            stand, "object_lock", lock_model.BucketLock(lock_model.COMPLIANCE, event=lock_model.EventHold(True, 3))
        )
        await set_rules(stand, rule_of(noncurrent_days=1))
        version_id = await put(stand, "k")
        await put(stand, "k", b"2")
        await stand.advance(90 * DAY_S)
        kept, waiting = await shown(stand), await stand.due("object.age")

        await hold_event(stand, "k", lock_model.COMPLIANCE, on=False, version_id=version_id)
        await stand.advance(2 * DAY_S)
        passing = await shown(stand)
        await stand.advance(DAY_S)

        assert (kept, waiting, passing) == ("cn", 0, "cn")
        assert await shown(stand) == "c"

    run(scenario)


def test_replica_is_left_the_duration_of_an_event_hold_that_its_source_released() -> None:
    now_ms = 90 * DAY_MS
    held = lock_model.ObjectLock(lock_model.COMPLIANCE, event=lock_model.EventHold(True, 3))
    released = lock_model.ObjectLock(lock_model.COMPLIANCE, now_ms + 2 * DAY_MS, event=lock_model.EventHold(False))

    assert locks.replicated(held, released, now_ms).until_ms == now_ms + 3 * DAY_MS
    with pytest.raises(ServiceError):
        locks.replicated(held, lock_model.ObjectLock(), now_ms)


def test_policy_says_who_releases_an_event_hold_and_how_long_it_lasts(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await make_locked(stand)
        await put(stand, "k")
        short = {"NumericLessThan": {"s3:object-lock-event-hold-duration-days": "30"}}
        for condition in ({"StringEquals": {"s3:object-lock-event-hold": "OFF"}}, short):
            denied = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObjectRetention"}
            await stand.set_policy(
                denied | {"Resource": "arn:aws:s3:::locked/*", "Condition": condition}, bucket="locked"
            )
            on = condition is short
            request = hold_event(stand, "k", lock_model.GOVERNANCE, on=on, days=29 if on else 0)
            assert (await refused(request)).row.code == "AccessDenied"
            await hold_event(stand, "k", lock_model.GOVERNANCE, on=True, days=30)

    run(scenario)


def test_change_of_a_retention_is_told(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await make_locked(stand)
        rule = notification_model.NotificationRule(
            target="arn:aws:sqs:us-east-1:000000000000:q", events=("s3:ObjectRetention:Put",)
        )
        await stand.notify_me(rule, bucket="locked")
        version_id = await put(stand, "k", lock=lock_model.ObjectLock(hold="OFF"))
        await hold(stand, "k", "ON")
        await retain(stand, "k", lock_model.GOVERNANCE, 1)

        await stand.advance()

        told = [msgspec.json.decode(body) for body in await stand.messages()]
        events = [one["Records"][0] for one in told if "Records" in one]
        assert [one["eventName"] for one in events] == ["ObjectRetention:Put"]
        assert events[0]["s3"]["object"]["versionId"] == version_id

    run(scenario)


# Lifecycle


async def set_rules(stand: Any, *rules: LifecycleRule) -> None:
    await configure(stand, "lifecycle", Lifecycle(rules))


def rule_of(**more: Any) -> LifecycleRule:
    return LifecycleRule(filter=RuleFilter(prefix=""), **more)


def test_rule_passes_over_a_retained_version_and_comes_back_when_its_time_has_come(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await make_locked(stand)
        await set_rules(stand, rule_of(noncurrent_days=1))
        lock = lock_model.ObjectLock(lock_model.GOVERNANCE, stand.clock.wall_ms() + 10 * DAY_MS)
        await put(stand, "k", lock=lock)
        await put(stand, "k", b"2")

        await stand.advance(5 * DAY_S)
        kept = await shown(stand)
        await stand.restart()
        await stand.advance(5 * DAY_S)

        assert kept == "cn"
        assert await shown(stand) == "c"
        assert await stand.due("object.age") == 0

    run(scenario)


def test_rule_passes_over_a_held_version_and_comes_back_when_it_is_let_go(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await make_locked(stand)
        await set_rules(stand, rule_of(noncurrent_days=1))
        version_id = await put(stand, "k")
        await put(stand, "k", b"2")
        await hold(stand, "k", "ON", version_id)

        await stand.advance(90 * DAY_S)
        kept, waiting = await shown(stand), await stand.due("object.age")
        await hold(stand, "k", "OFF", version_id)
        await stand.advance()

        assert (kept, waiting) == ("cn", 0)
        assert await shown(stand) == "c"

    run(scenario)


def test_new_rules_reach_retained_versions_and_leave_held_ones(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await make_locked(stand)
        soon = lock_model.ObjectLock(lock_model.COMPLIANCE, stand.clock.wall_ms() + 9 * DAY_MS)
        for lock in (soon, lock_model.ObjectLock(hold="ON"), None):
            await put(stand, "k", lock=lock)
        await stand.advance(5 * DAY_S)
        await put(stand, "k")
        await set_rules(stand, rule_of(noncurrent_days=1))

        shapes = []
        for days in (2, 3, 90):
            await stand.advance(days * DAY_S)
            shapes.append(await shown(stand))

        assert shapes == ["cnn", "cn", "cn"]

    run(scenario)


def test_version_that_is_retained_meanwhile_is_passed_over(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await make_locked(stand)
        await set_rules(stand, rule_of(noncurrent_days=3))
        version_id = await put(stand, "k")
        await put(stand, "k", b"2")
        await stand.advance(DAY_S)
        await retain(stand, "k", lock_model.GOVERNANCE, 9, version_id=version_id)

        await stand.advance(5 * DAY_S)
        kept = await shown(stand)
        await retain(stand, "k", version_id=version_id, bypasses_governance=True)
        await stand.advance()

        assert kept == "cn"
        assert await shown(stand) == "c"

    run(scenario)


def test_locked_version_counts_among_the_newer_ones_and_wakes_others(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await make_locked(stand)
        await set_rules(stand, rule_of(noncurrent_days=1, newer_versions=1))
        await put(stand, "k")
        second = await put(stand, "k", b"2")
        await stand.advance(5 * DAY_S)
        await put(stand, "k", b"3")
        await hold(stand, "k", "ON", second)

        await stand.advance()

        assert await shown(stand) == "cn"
        assert await stand.get("k", bucket="locked", version_id=second) == b"2"

    run(scenario)


def test_locked_version_still_goes_to_a_colder_class(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await make_locked(stand)
        cold = NoncurrentTransition(noncurrent_days=1, storage_class="GLACIER")
        await set_rules(stand, rule_of(noncurrent_transitions=(cold,)))
        version_id = await put(stand, "k", bytes(200_000), lock=lock_model.ObjectLock(hold="ON"))
        await put(stand, "k", b"2")

        await stand.advance(3 * DAY_S)

        asked = object_model.HeadObject(bucket="locked", key="k", version_id=version_id)
        assert (await stand.call("HeadObject", asked)).object.storage_class == "GLACIER"

    run(scenario)


def test_expiry_of_a_locked_current_version_is_a_delete_marker(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await make_locked(stand)
        await set_rules(stand, rule_of(expiration_days=1))
        await put(stand, "k", lock=lock_model.ObjectLock(hold="ON"))

        await stand.advance(3 * DAY_S)

        assert await shown(stand) == "mn"

    run(scenario)


# A model beside it


class Locked(msgspec.Struct):
    """A version as the model knows it; `days` are those of its event hold while that is on."""

    mode: str = ""
    until_ms: int = 0
    hold: str = ""
    days: int = 0
    had_event: bool = False

    def end_ms(self, now_ms: int) -> int:
        return max(self.until_ms, now_ms + self.days * DAY_MS) if self.days else self.until_ms


def machine(stand_in: Any, *, durable: bool) -> type[RuleBasedStateMachine]:
    places, modes = st.integers(0, 3), st.sampled_from(["", lock_model.GOVERNANCE, lock_model.COMPLIANCE])

    class Locks(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.loop = asyncio.new_event_loop()
            self.folder = tempfile.TemporaryDirectory()
            self.stand = stand_in(Path(self.folder.name), durable=durable)
            self.versions: dict[str, Locked] = {}

        def do(self, call: Any) -> Any:
            return self.loop.run_until_complete(call)

        def attempt(self, call: Any) -> str:
            """Return the code of the refusal, empty for none."""
            try:
                self.do(call)
            except ServiceError as error:
                return error.row.code
            return ""

        def now_ms(self) -> int:
            return int(self.stand.clock.wall_ms())

        def pick(self, place: int) -> str:
            ids = list(self.versions)
            return ids[place % len(ids)] if ids else ""

        def retained(self, it: Locked, *, bypasses: bool) -> bool:
            return it.end_ms(self.now_ms()) > self.now_ms() and not (bypasses and it.mode == lock_model.GOVERNANCE)

        @initialize()
        def open(self) -> None:
            self.do(self.stand.open())
            self.do(make_locked(self.stand))

        @rule(mode=modes, days=st.integers(1, 3), hold=st.sampled_from(["", "ON", "OFF"]))
        def put(self, mode: str, days: int, hold: str) -> None:
            it = Locked(mode, self.now_ms() + days * DAY_MS if mode else 0, hold)
            lock = lock_model.ObjectLock(it.mode, it.until_ms, it.hold)
            self.versions[self.do(put(self.stand, "k", lock=None if lock == lock_model.ObjectLock() else lock))] = it

        @rule()
        def delete(self) -> None:
            self.do(self.stand.delete("k", bucket="locked"))

        @rule(place=places, mode=modes, days=st.integers(1, 4), bypasses=st.booleans())
        def retain(self, place: int, mode: str, days: int, bypasses: bool) -> None:
            id_ = self.pick(place)
            if not id_:
                return
            it = self.versions[id_]
            until_ms = self.now_ms() + days * DAY_MS if mode else 0
            after = it.days if mode else 0
            end_ms = max(until_ms, self.now_ms() + after * DAY_MS) if after else until_ms
            weakens = mode != it.mode or end_ms < it.end_ms(self.now_ms())

            answer = self.attempt(
                retain(self.stand, "k", mode, days if mode else 0, version_id=id_, bypasses_governance=bypasses)
            )

            if weakens and self.retained(it, bypasses=bypasses):
                assert answer == "AccessDenied"
            else:
                assert answer == ""
                it.mode, it.until_ms, it.days = mode, until_ms, after
                it.had_event = it.had_event and bool(mode)

        @rule(
            place=places, mode=st.sampled_from([lock_model.GOVERNANCE, lock_model.COMPLIANCE]), days=st.integers(0, 3)
        )
        def hold_event(self, place: int, mode: str, days: int) -> None:
            """Put an event hold on, or, with no days, release it."""
            id_ = self.pick(place)
            if not id_:
                return
            it = self.versions[id_]
            end_ms = it.end_ms(self.now_ms())

            answer = self.attempt(hold_event(self.stand, "k", mode, on=days > 0, days=days, version_id=id_))

            if not days and not end_ms:
                assert answer == "MalformedXML"
            elif mode != it.mode and self.retained(it, bypasses=False):
                assert answer == "AccessDenied"
            else:
                assert answer == ""
                it.mode, it.until_ms, it.days, it.had_event = mode, end_ms, days, True

        @rule(place=places, status=st.sampled_from(["ON", "OFF"]))
        def hold(self, place: int, status: str) -> None:
            id_ = self.pick(place)
            if id_:
                self.do(hold(self.stand, "k", status, id_))
                self.versions[id_].hold = status

        @rule(place=places, bypasses=st.booleans())
        def erase(self, place: int, bypasses: bool) -> None:
            id_ = self.pick(place)
            if not id_:
                return
            it = self.versions[id_]

            answer = self.attempt(erase(self.stand, "k", id_, bypasses=bypasses))

            if it.hold == "ON" or self.retained(it, bypasses=bypasses):
                assert answer == "AccessDenied"
            else:
                assert answer == ""
                del self.versions[id_]

        @rule(days=st.integers(1, 2))
        def advance(self, days: int) -> None:
            self.do(self.stand.advance(days * DAY_S))

        @rule()
        def restart(self) -> None:
            self.do(self.stand.restart())

        @invariant()
        def locks_are_there(self) -> None:
            if self.stand.engine is None:
                return
            for id_, it in self.versions.items():
                asked = object_model.HeadObject(bucket="locked", key="k", version_id=id_)
                found = self.do(self.stand.call("HeadObject", asked)).object.lock or lock_model.ObjectLock()
                event = lock_model.EventHold(it.days > 0, it.days) if it.had_event else None
                assert found == lock_model.ObjectLock(it.mode, it.end_ms(self.now_ms()), it.hold, event)
            assert self.do(self.stand.problems()) == []

        def teardown(self) -> None:
            if self.stand.engine is not None:
                self.do(self.stand.close())
            self.loop.close()
            self.folder.cleanup()

    return Locks


@pytest.mark.parametrize("durable", [False, True], ids=["memory", "lmdb"])
def test_locks_agree_with_the_model(stand_in: Any, durable: bool) -> None:
    steps = settings(max_examples=8 if durable else 20, stateful_step_count=25)
    run_state_machine_as_test(machine(stand_in, durable=durable), settings=steps)

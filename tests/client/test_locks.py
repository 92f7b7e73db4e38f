"""Locks of objects by the SDK against a real server: retention, legal holds, default retention, who may bypass."""

from datetime import UTC, datetime, timedelta

import pytest

from cumulo.client import Bucket, Client, EventHold, ObjectLock, Retention, errors
from cumulo.client.etags import PART_BYTES

FUTURE = datetime(2099, 1, 1, tzinfo=UTC)
GOVERNANCE = Retention(mode="GOVERNANCE", until=FUTURE)
SOONER = Retention(mode="GOVERNANCE", until=FUTURE - timedelta(days=1))


@pytest.fixture
def locked(client: Client, name: str) -> Bucket:
    bucket = client.bucket(f"{name}-locked")
    bucket.create(object_lock=True)
    return bucket


def test_object_is_retained_until_its_time_or_by_who_may_bypass_sooner(locked: Bucket):
    stored = locked.put("k", "text", lock=ObjectLock(retention=GOVERNANCE))

    assert locked.versioning() == "Enabled"
    assert locked.retention("k") == GOVERNANCE
    assert locked.head("k").lock == ObjectLock(retention=GOVERNANCE)
    with pytest.raises(errors.PermissionDenied) as refused:
        locked.delete("k", version_id=stored.version_id)
    assert str(refused.value) == "AccessDenied: Access Denied because object protected by object lock."
    with pytest.raises(errors.PermissionDenied):
        locked.set_retention("k", SOONER)
    locked.set_retention("k", SOONER, bypass_governance=True)
    assert locked.retention("k", version_id=stored.version_id) == SOONER
    assert locked.delete("k").delete_marker
    locked.delete("k", version_id=stored.version_id, bypass_governance=True)


def test_object_is_held_until_it_is_let_go(locked: Bucket):
    stored = locked.put("k", "text")
    before = locked.legal_hold("k"), locked.retention("k"), locked.head("k").lock

    locked.set_legal_hold("k")

    assert before == (False, None, None)
    assert locked.legal_hold("k")
    assert locked.head("k").lock == ObjectLock(legal_hold=True)
    with pytest.raises(errors.PermissionDenied):
        locked.delete("k", version_id=stored.version_id, bypass_governance=True)
    locked.set_legal_hold("k", held=False, version_id=stored.version_id)
    locked.delete("k", version_id=stored.version_id)
    with pytest.raises(errors.NotFound):
        locked.legal_hold("k")
    with pytest.raises(errors.NotFound):
        locked.retention("k")


def test_retention_is_ended_by_none(locked: Bucket):
    locked.put("k", "text", lock=ObjectLock(retention=GOVERNANCE, legal_hold=False))

    with pytest.raises(errors.PermissionDenied):
        locked.set_retention("k", None)
    locked.set_retention("k", None, bypass_governance=True)

    assert locked.head("k").lock == ObjectLock(legal_hold=False)


def test_event_hold_leaves_its_days_when_it_is_released(locked: Bucket):
    hold = EventHold(days=3)
    locked.put("k", "text", lock=ObjectLock(retention=Retention(mode="COMPLIANCE", event_hold=hold)))

    held = locked.retention("k")
    locked.set_retention("k", Retention(mode="COMPLIANCE", event_hold=EventHold(on=False)))
    released = locked.retention("k")

    assert held is not None
    assert released is not None
    assert (held.event_hold, released.event_hold) == (hold, EventHold(on=False))
    for found in (held, released):
        assert found.until is not None
        assert timedelta(days=2, hours=23) < found.until - datetime.now(UTC) <= timedelta(days=3)
    with pytest.raises(errors.PermissionDenied):
        locked.set_retention("k", None, bypass_governance=True)
    with pytest.raises(errors.InvalidArgument):
        locked.put("k", "text", lock=ObjectLock(retention=Retention(mode="COMPLIANCE", event_hold=EventHold())))


def test_copies_files_and_large_objects_are_locked(locked: Bucket, tmp_path):
    lock = ObjectLock(retention=GOVERNANCE, legal_hold=True)
    (tmp_path / "file").write_text("text")
    locked.upload_file(tmp_path / "file", "file", lock=lock)
    locked.copy("file", "copy", lock=lock)
    locked.copy("file", "free")
    with locked.open("written", "wb", lock=lock) as writer:
        writer.write(b"text")
    locked.put("large", bytes(PART_BYTES + 1), lock=lock)

    for key in ("file", "copy", "written", "large"):
        assert locked.head(key).lock == lock
    assert locked.head("large").part_count == 2
    assert locked.head("free").lock is None
    with locked.open("file") as reader:
        assert reader.info.lock == lock


def test_default_retention_is_a_configuration(locked: Bucket, bucket: Bucket):
    assert locked.configuration("object_lock") == {"ObjectLockEnabled": "Enabled"}
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 2}}

    locked.set_configuration("object_lock", {"ObjectLockEnabled": "Enabled", "Rule": rule})

    assert locked.configuration("object_lock") == {"ObjectLockEnabled": "Enabled", "Rule": rule}
    locked.put("k", "text")
    found = locked.retention("k")
    assert found is not None
    assert found.until is not None
    assert timedelta(days=1, hours=23) < found.until - datetime.now(UTC) <= timedelta(days=2)
    with pytest.raises(errors.PreconditionFailed):
        locked.set_versioning("Suspended")
    with pytest.raises(errors.NotFound):
        bucket.configuration("object_lock")
    with pytest.raises(errors.PreconditionFailed):
        bucket.set_configuration("object_lock", {"ObjectLockEnabled": "Enabled"})


def test_batch_passes_over_what_is_locked(locked: Bucket):
    for key in ("a", "b"):
        locked.put(key, key, lock=ObjectLock(retention=GOVERNANCE) if key == "a" else None)
    versions = list(locked.versions())

    with pytest.raises(errors.PartialFailure) as partial:
        locked.delete_batch(versions)

    assert [failure.code for _, failure in partial.value.failures] == ["AccessDenied"]
    assert [it.key for it in locked.versions()] == ["a"]
    locked.delete_batch(list(locked.versions()), bypass_governance=True)
    assert list(locked.versions()) == []


def test_what_no_lock_can_be_is_refused(locked: Bucket, bucket: Bucket):
    with pytest.raises(errors.InvalidArgument):
        locked.put("k", "text", lock=ObjectLock(retention=Retention(mode="governance", until=FUTURE)))
    past = Retention(mode="GOVERNANCE", until=datetime(2001, 1, 1, tzinfo=UTC))
    with pytest.raises(errors.InvalidArgument):
        locked.put("k", "text", lock=ObjectLock(retention=past))
    with pytest.raises(ValueError, match="needs a time zone"):
        locked.put("k", "text", lock=ObjectLock(retention=Retention(mode="GOVERNANCE", until=datetime(2099, 1, 1))))  # noqa: DTZ001
    bucket.put("k", "text")
    for call in (lambda: bucket.retention("k"), lambda: bucket.legal_hold("k"), lambda: bucket.set_legal_hold("k")):
        with pytest.raises(errors.InvalidArgument) as refused:
            call()
        assert refused.value.code == "InvalidRequest"

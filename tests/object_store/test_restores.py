"""Archived objects: not readable until they are restored, and only for as long."""

from typing import Any

import msgspec
import pytest

from cumulo.core.errors import ServiceError
from cumulo.object_store import copy_model, notification_model, object_model
from cumulo.object_store.notification_model import NotificationRule

DAY_S = 86_400


async def restore(stand: Any, key: str = "k", days: int = 2, tier: str = "Standard") -> bool:
    request = object_model.RestoreObject(bucket="inbox", key=key, days=days, tier=tier)
    was_there: bool = await stand.call("RestoreObject", request)
    return was_there


async def refused(work: Any) -> str:
    with pytest.raises(ServiceError) as caught:
        await work
    return caught.value.row.code


@pytest.mark.parametrize("storage_class", ["GLACIER", "DEEP_ARCHIVE"])
def test_archived_object_is_read_only_while_it_is_restored(run: Any, storage_class: str) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("k", b"x", storage_class=storage_class)
        source = copy_model.CopySource("inbox", "k")
        copy = copy_model.CopyObject(bucket="inbox", key="copy", source=source)
        archived = [await refused(stand.get("k")), await refused(stand.call("CopyObject", copy))]

        was_there = await restore(stand)
        waiting = (await stand.head("k")).restore
        await stand.advance()
        there = (await stand.head("k")).restore
        data = await stand.get("k")
        await stand.restart()
        await stand.advance(3 * DAY_S)

        assert archived == ["InvalidObjectState", "InvalidObjectState"]
        assert not was_there
        assert waiting == object_model.RestoreStatus(0)
        assert there.expires_ms > 0
        assert there.expires_ms % (DAY_S * 1000) == 0
        assert data == b"x"
        assert await refused(stand.get("k")) == "InvalidObjectState"
        assert (await stand.head("k")).restore is None
        assert (await stand.head("k")).storage_class == storage_class

    run(scenario)


def test_restored_copy_may_stay_longer(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("k", b"x", storage_class="GLACIER")
        await restore(stand)
        await stand.advance()

        again = await restore(stand, days=9)
        await stand.advance(8 * DAY_S)

        assert again
        assert await stand.get("k") == b"x"

    run(scenario)


def test_only_a_faster_restore_overtakes_one_that_is_waited_for(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("k", b"x", storage_class="GLACIER")
        await restore(stand, tier="Bulk")

        faster = await restore(stand, tier="Standard")

        assert not faster
        assert await refused(restore(stand, tier="Standard")) == "RestoreAlreadyInProgress"

    run(scenario)


def test_restores_that_cannot_be_asked_for(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("warm", b"x")
        await stand.put("deep", b"x", storage_class="DEEP_ARCHIVE")

        assert await refused(restore(stand, "warm")) == "InvalidObjectState"
        assert await refused(restore(stand, "none")) == "NoSuchKey"
        assert await refused(restore(stand, "deep", days=0)) == "InvalidArgument"
        assert await refused(restore(stand, "deep", tier="Fast")) == "MalformedXML"
        assert await refused(restore(stand, "deep", tier="Expedited")) == "InvalidArgument"

    run(scenario)


def test_restore_tells_the_queue(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        queue = "arn:aws:sqs:us-east-1:000000000000:jobs"
        await stand.notify_me(NotificationRule(target=queue, events=("s3:ObjectRestore:*",)))
        await stand.put("k", b"x", storage_class="GLACIER")
        await restore(stand)
        await stand.advance()
        await stand.advance(3 * DAY_S)

        decoded = [msgspec.json.decode(body) for body in await stand.messages()]
        told = {record["eventName"]: record for body in decoded for record in body.get("Records", ())}
        assert sorted(told) == ["ObjectRestore:Completed", "ObjectRestore:Delete", "ObjectRestore:Post"]
        completed = told["ObjectRestore:Completed"]
        owner = completed["s3"]["bucket"]["ownerIdentity"]["principalId"]
        assert completed["userIdentity"] == {"principalId": f"AmazonCustomer:{owner}"}
        assert completed["glacierEventData"] == {
            "restoreEventData": {
                "lifecycleRestorationExpiryTime": "2023-11-17T00:00:00.000Z",
                "lifecycleRestoreStorageClass": "GLACIER",
            }
        }
        assert "glacierEventData" not in told["ObjectRestore:Post"]

    run(scenario)


def test_restore_tells_event_bridge_the_class_and_the_end(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        stand.service.event_bus = "arn:aws:sqs:us-east-1:000000000000:jobs"
        await stand.put("k", b"x", storage_class="GLACIER")
        asked = notification_model.SetBucketNotification("inbox", (), event_bridge=True)
        await stand.call("SetBucketNotification", asked)
        await restore(stand)
        await stand.advance()

        told = {it["detail-type"]: it["detail"] for it in map(msgspec.json.decode, await stand.messages())}
        begun, done = told["Object Restore Initiated"], told["Object Restore Completed"]
        assert (begun["source-storage-class"], begun["source-ip-address"]) == ("GLACIER", "127.0.0.1")
        assert (done["source-storage-class"], done["requester"]) == ("GLACIER", "s3.amazonaws.com")
        assert done["restore-expiry-time"] == "2023-11-17T00:00:00Z"
        assert "source-ip-address" not in done
        assert set(begun["object"]) == set(done["object"]) == {"key", "size", "etag"}

    run(scenario)

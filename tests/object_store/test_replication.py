"""Replication between buckets: what goes where, in whose name, what it looks like there, and what fails."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cumulo.core.context import CallContext
from cumulo.core.errors import STORAGE_FULL
from cumulo.identity.principal_model import root_of
from cumulo.object_store import (
    acl_model,
    aws_s3,
    bucket_model,
    configuration_model,
    encryption_model,
    keys,
    listing_model,
    lock_model,
    notification_model,
    object_model,
    tagging_model,
)
from cumulo.object_store.lifecycle_model import Lifecycle, LifecycleRule, RuleFilter
from cumulo.storage.free_space import FreeSpace
from cumulo.storage.tuples import after
from tests.object_store.test_encryption import KMS, OTHER, OURS, KeyRing, under

ROLE = "arn:aws:iam::000000000000:role/path/replication"
MIB = 1024 * 1024


def rule(**more: Any) -> dict[str, Any]:
    return {
        "ID": "r",
        "Priority": 1,
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "DeleteMarkerReplication": {"Status": "Enabled"},
        "Destination": {"Bucket": "arn:aws:s3:::copies"},
        **more,
    }


def to(bucket: str = "copies", **more: Any) -> dict[str, Any]:
    return {"Bucket": f"arn:aws:s3:::{bucket}", **more}


async def versioned(stand: Any, *buckets: str, ctx: Any = None) -> None:
    """Let buckets keep versions; they are made, except `inbox`."""
    for bucket in buckets:
        if bucket != "inbox":
            await stand.call("CreateBucket", bucket_model.CreateBucket(bucket), ctx=ctx)
        await configure(stand, bucket, "versioning", configuration_model.Versioning("Enabled"), ctx=ctx)


async def configure(stand: Any, bucket: str, kind: str, value: Any, ctx: Any = None) -> None:
    await stand.call("SetBucketConfiguration", configuration_model.SetBucketConfiguration(bucket, kind, value), ctx=ctx)


async def replicate(stand: Any, *rules: dict[str, Any], bucket: str = "inbox", role: str = ROLE) -> None:
    said = msgspec.convert({"Role": role, "Rules": list(rules)}, aws_s3.ReplicationConfiguration)
    await configure(stand, bucket, "replication", said)


async def settle(stand: Any) -> None:
    """Let everything arrive that can arrive now."""
    while True:
        while await stand.pump.run_due():
            pass
        if not stand.service.replicator.waiting:
            return
        await stand.service.replicator.settle()


async def head(stand: Any, key: str, bucket: str = "copies", version_id: str = "") -> Any:
    request = object_model.HeadObject(bucket=bucket, key=key, version_id=version_id)
    return (await stand.call("HeadObject", request)).object


async def tags(stand: Any, key: str, bucket: str = "copies", version_id: str = "") -> Any:
    return (
        await stand.call("GetObjectTagging", tagging_model.GetObjectTagging(bucket, key, version_id=version_id))
    ).tags


async def versions(stand: Any, bucket: str = "copies") -> list[tuple[str, str, bool, bool]]:
    page = await stand.call("ListObjectVersions", listing_model.ListObjectVersions(bucket=bucket))
    return [(one.key, one.version_id, one.is_latest, one.is_delete_marker) for one in page.versions]


async def upload(stand: Any, key: str, *parts: bytes, **more: Any) -> Any:
    upload_id = await stand.begin(key, **more)
    stored = [await stand.part(key, upload_id, place, part) for place, part in enumerate(parts, 1)]
    return await stand.complete(key, upload_id, stored)


@pytest.mark.parametrize("size", [0, 5, 200_000])
def test_version_arrives_with_its_id_its_age_and_all_that_is_said_of_it(run: Any, size: int) -> None:
    async def scenario(stand: Any) -> None:
        await versioned(stand, "inbox", "copies")
        await replicate(stand, rule())
        said: dict[str, Any] = {"metadata": {"m": "v"}, "content_type": "text/x", "tags": {"team": "a"}}
        put = await stand.put("k", b"x" * size, headers={"cache-control": "no-store"}, **said)
        before = await head(stand, "k", "inbox")
        await stand.advance(0)
        stand.clock.advance(5_000)

        await settle(stand)

        source, replica = await head(stand, "k", "inbox"), await head(stand, "k", version_id=put.version_id)
        assert (before.replication_status, source.replication_status) == ("PENDING", "COMPLETED")
        expected = msgspec.structs.replace(source, bucket="copies", replication_status="REPLICA")
        assert replica == expected
        assert replica.version_id == put.version_id
        assert await stand.get("k", bucket="copies") == b"x" * size
        assert await tags(stand, "k") == {"team": "a"}

    run(scenario)


def test_object_in_parts_arrives_in_the_same_parts(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await versioned(stand, "inbox", "copies")
        await replicate(stand, rule())
        data = [b"a" * (5 * MIB), b"b" * (5 * MIB), b"c" * 7]
        await upload(stand, "k", *data, checksum="crc32", checksum_type="FULL_OBJECT", metadata={"m": "v"})

        await settle(stand)

        source, replica = await head(stand, "k", "inbox"), await head(stand, "k")
        assert source.replication_status == "COMPLETED"
        assert replica == msgspec.structs.replace(source, bucket="copies", replication_status="REPLICA")
        assert replica.part_count == 3
        assert await stand.get("k", bucket="copies") == b"".join(data)
        second = object_model.GetObject(bucket="copies", key="k", part_number=2)
        result = await stand.service.call(stand.ctx, "GetObject", second)
        assert b"".join([bytes(piece) async for piece in result.body]) == data[1]

    run(scenario)


def test_versions_of_a_key_arrive_in_their_order_and_delete_markers_among_them(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await versioned(stand, "inbox", "copies")
        await replicate(stand, rule())
        for number in range(3):
            await stand.put("k", b"%d" % number * 100_000)
        await stand.delete("k")
        await stand.put("l", b"")

        await settle(stand)

        assert await versions(stand) == await versions(stand, "inbox")
        assert [row[3] for row in await versions(stand)] == [True, False, False, False, False]

    run(scenario)


def test_delete_markers_stay_where_the_rule_says_so_and_deleted_versions_always(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await versioned(stand, "inbox", "copies")
        await replicate(stand, rule(DeleteMarkerReplication={"Status": "Disabled"}))
        put = await stand.put("k", b"1")
        gone = await stand.put("l", b"2")
        await settle(stand)

        await stand.delete("k")
        await stand.delete("l", version_id=gone.version_id)
        await settle(stand)

        assert [row[:2] for row in await versions(stand)] == [("k", put.version_id), ("l", gone.version_id)]

    run(scenario)


def test_rules_of_the_schema_of_old_send_delete_markers(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await versioned(stand, "inbox", "copies")
        await replicate(stand, {"Prefix": "a/", "Status": "Enabled", "Destination": to()})
        for key in ("a/k", "b/k"):
            await stand.put(key, b"1")
            await stand.delete(key)

        await settle(stand)

        assert [(row[0], row[3]) for row in await versions(stand)] == [("a/k", True), ("a/k", False)]

    run(scenario)


def test_filters_and_priorities_say_what_goes_where(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await versioned(stand, "inbox", "copies", "others")
        no_markers = {"Status": "Disabled"}
        both = {"And": {"Prefix": "a/", "Tags": [{"Key": "k", "Value": "v"}, {"Key": "l", "Value": "w"}]}}
        await replicate(
            stand,
            rule(ID="low", Priority=1, Filter={"Prefix": "a/"}, Destination=to(StorageClass="STANDARD_IA")),
            rule(ID="high", Priority=2, Filter={"Prefix": "a/b/"}, Destination=to(StorageClass="GLACIER_IR")),
            rule(ID="off", Priority=3, Status="Disabled"),
            rule(ID="tags", Priority=4, Filter=both, Destination=to("others"), DeleteMarkerReplication=no_markers),
        )
        await stand.put("a/1", b"1", tags={"k": "v", "l": "w", "m": "x"})
        await stand.put("a/b/2", b"2", tags={"k": "v"})
        await stand.put("c", b"3", tags={"k": "v", "l": "w"})

        await settle(stand)

        assert [row[0] for row in await versions(stand)] == ["a/1", "a/b/2"]
        assert [row[0] for row in await versions(stand, "others")] == ["a/1"]
        assert (await head(stand, "a/1")).storage_class == "STANDARD_IA"
        assert (await head(stand, "a/b/2")).storage_class == "GLACIER_IR"
        assert (await head(stand, "c", "inbox")).replication_status == ""

    run(scenario)


def test_filters_say_what_does_not_go(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await versioned(stand, "inbox", "copies", "others")
        spared = {"Or": {"Prefixes": ["a/x/", "b"], "Tags": [{"Key": "k", "Value": "v"}]}}
        await replicate(
            stand,
            rule(Filter={"Not": spared}, DeleteMarkerReplication={"Status": "Disabled"}),
            rule(
                ID="s",
                Priority=2,
                Filter={"And": {"Prefix": "a/", "Not": {"Prefix": "a/x/"}}},
                Destination=to("others"),
            ),
        )
        await stand.put("a/1", b"1", tags={"k": "w"})
        await stand.put("a/2", b"2", tags={"k": "v"})
        await stand.put("a/x/3", b"3")
        await stand.put("b", b"4")
        await stand.delete("a/x/3")

        await settle(stand)

        assert [row[0] for row in await versions(stand)] == ["a/1"]
        assert [row[0] for row in await versions(stand, "others")] == ["a/1", "a/2"]

    run(scenario)


def test_replicas_go_nowhere_and_what_is_written_there_comes_back(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await versioned(stand, "inbox", "copies", "others")
        await replicate(stand, rule())
        await replicate(
            stand,
            rule(Destination=to("inbox")),
            rule(ID="s", Priority=2, Destination=to("others")),
            bucket="copies",
        )
        there = await stand.put("k", b"1")
        back = await stand.put("l", b"2", bucket="copies")

        await settle(stand)

        expected = [("k", there.version_id), ("l", back.version_id)]
        assert [row[:2] for row in await versions(stand)] == expected
        assert [row[:2] for row in await versions(stand, "inbox")] == expected
        assert [row[:2] for row in await versions(stand, "others")] == expected[1:]

    run(scenario)


def test_changes_of_tags_follow_and_those_of_replicas_where_a_rule_asks_for_them(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await versioned(stand, "inbox", "copies")
        await replicate(stand, rule())
        asks = {"ReplicaModifications": {"Status": "Enabled"}}
        await stand.put("k", b"1", tags={"a": "1"})
        await stand.put("k", b"2")
        await settle(stand)
        old = (await versions(stand))[1][1]

        await stand.call("SetObjectTagging", tagging_model.SetObjectTagging("inbox", "k", {"a": "2"}, version_id=old))
        await settle(stand)
        followed = await tags(stand, "k", version_id=old)
        await stand.call("SetObjectTagging", tagging_model.SetObjectTagging("copies", "k", {"a": "3"}, version_id=old))
        await replicate(stand, rule(Destination=to("inbox")), bucket="copies")
        await stand.call("SetObjectTagging", tagging_model.SetObjectTagging("copies", "k", {"a": "4"}, version_id=old))
        await settle(stand)
        stayed = await tags(stand, "k", "inbox", old)
        await replicate(stand, rule(Destination=to("inbox"), SourceSelectionCriteria=asks), bucket="copies")
        await stand.call("SetObjectTagging", tagging_model.SetObjectTagging("copies", "k", {"a": "5"}, version_id=old))
        await settle(stand)

        assert (followed, stayed) == ({"a": "2"}, {"a": "2"})
        assert await tags(stand, "k", "inbox", old) == {"a": "5"}
        assert (await head(stand, "k", "inbox", old)).replication_status == "COMPLETED"
        assert (await head(stand, "k", version_id=old)).replication_status == "REPLICA"
        assert len(await versions(stand, "inbox")) == len(await versions(stand)) == 2

    run(scenario)


def test_locks_arrive_and_their_changes_follow(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await versioned(stand, "inbox", "copies", "others")
        for bucket in ("inbox", "copies"):
            await configure(stand, bucket, "object_lock", lock_model.BucketLock())
        await replicate(stand, rule(), rule(ID="s", Priority=2, Destination=to("others")))
        until_ms = stand.clock.wall_ms() + 86_400_000
        put = await stand.put("k", b"1", lock=lock_model.ObjectLock("COMPLIANCE", until_ms))
        await settle(stand)
        error = await refused(stand.delete("k", "copies", version_id=put.version_id))

        await stand.call("SetObjectLegalHold", lock_model.SetObjectLegalHold(bucket="inbox", key="k", hold="ON"))
        await settle(stand)

        held = await stand.call("GetObjectLegalHold", lock_model.GetObjectLegalHold(bucket="copies", key="k"))
        assert error.row.code == "AccessDenied"
        assert held == "ON"
        assert await versions(stand, "others") == []
        assert (await head(stand, "k", "inbox")).replication_status == "FAILED"

    run(scenario)


def test_replica_that_was_deleted_for_good_does_not_come_back(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await versioned(stand, "inbox", "copies")
        await replicate(stand, rule())
        put = await stand.put("k", b"1")
        await settle(stand)
        await stand.delete("k", "copies", version_id=put.version_id)

        await stand.call("SetObjectTagging", tagging_model.SetObjectTagging("inbox", "k", {"a": "2"}))
        await settle(stand)

        assert await versions(stand) == []
        assert (await head(stand, "k", "inbox")).replication_status == "FAILED"

    run(scenario)


def test_version_that_changes_while_it_is_copied_arrives_as_it_is(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await versioned(stand, "inbox", "copies")
        await replicate(stand, rule())
        await stand.put("k", b"x" * (2 * MIB), tags={"a": "1"})
        await stand.advance()
        assert stand.service.replicator.waiting == 1
        await asyncio.sleep(0)

        await stand.call("SetObjectTagging", tagging_model.SetObjectTagging("inbox", "k", {"a": "2"}))
        await stand.service.replicator.settle()
        await settle(stand)

        assert await tags(stand, "k") == {"a": "2"}
        assert (await head(stand, "k", "inbox")).replication_status == "COMPLETED"
        assert len(await versions(stand)) == 1

    run(scenario)


def test_version_that_is_deleted_before_it_went_goes_nowhere(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await versioned(stand, "inbox", "copies")
        await replicate(stand, rule())
        put = await stand.put("k", b"1")
        await stand.delete("k", version_id=put.version_id)

        await settle(stand)

        assert await versions(stand) == []
        assert await stand.due(keys.OBJECT_REPLICATE) == 0

    run(scenario)


def test_what_waits_arrives_after_a_restart_once(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await versioned(stand, "inbox", "copies")
        await replicate(stand, rule())
        for number in range(20):
            await stand.put(f"k{number % 7}", b"%d" % number * 60_000)
        await stand.advance()
        await asyncio.sleep(0)

        await stand.restart()
        await stand.advance(61)
        await settle(stand)

        assert await versions(stand) == await versions(stand, "inbox")
        assert {(await head(stand, f"k{one}", "inbox")).replication_status for one in range(7)} == {"COMPLETED"}
        assert await stand.due(keys.OBJECT_REPLICATE) == 0

    run(scenario)


class Filling(FreeSpace):
    """A disk that takes about so many bytes more."""

    def __init__(self, folder: Path, left_bytes: int) -> None:
        super().__init__(folder, 0)
        self.left_bytes = left_bytes

    def admit(self) -> None:
        if self.left_bytes <= 0:
            raise STORAGE_FULL.error(reserve_bytes=0)

    def wrote(self, size_bytes: int) -> None:
        self.left_bytes -= size_bytes


async def staged_parts(stand: Any) -> int:
    """How many rows of parts lie in `copies`."""
    partition = (await stand.service.desk.find("copies")).row.partition
    prefix = partition + keys.CHUNKS
    rows = await stand.engine.read((partition,), lambda txn, _: txn.range(prefix, after(prefix), 100), None)
    return len(rows)


def test_copy_of_parts_that_is_interrupted_begins_anew_and_leaves_nothing(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await versioned(stand, "inbox", "copies")
        await replicate(stand, rule())
        data = [b"a" * (5 * MIB), b"b" * (5 * MIB), b"c" * 7]
        await upload(stand, "k", *data)
        free = stand.blobs.free_space
        stand.blobs.free_space = Filling(stand.folder, 7 * MIB)
        await settle(stand)
        interrupted = (await staged_parts(stand), await stand.problems())

        stand.blobs.free_space = free
        await stand.restart()
        await stand.advance(61)
        await settle(stand)
        arrived = await stand.get("k", bucket="copies")
        await stand.advance(86_400)

        assert interrupted == (1, [])
        assert arrived == b"".join(data)
        assert await staged_parts(stand) == 0
        assert len(await versions(stand)) == 1

    run(scenario)


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ({"Action": "s3:ReplicateObject", "Resource": "arn:aws:s3:::copies/*"}, "DstPutObjectNotPermitted"),
        ({"Action": "s3:ReplicateTags", "Resource": "arn:aws:s3:::copies/*"}, "DstPutTaggingNotPermitted"),
        (
            {"Action": "s3:GetObjectVersionForReplication", "Resource": "arn:aws:s3:::inbox/*"},
            "SrcGetObjectNotPermitted",
        ),
        ({"Action": "s3:GetObjectVersionTagging", "Resource": "arn:aws:s3:::inbox/*"}, "SrcGetTaggingNotPermitted"),
    ],
)
def test_what_the_role_may_not_do_fails_and_says_so_to_who_listens(
    run: Any, statement: dict[str, Any], reason: str
) -> None:
    async def scenario(stand: Any) -> None:
        await versioned(stand, "inbox", "copies")
        bucket = statement["Resource"].split(":::")[1].partition("/")[0]
        only_the_role = {"ArnEquals": {"aws:PrincipalArn": ROLE}}
        deny = {"Effect": "Deny", "Principal": "*", "Condition": only_the_role, **statement}
        await stand.set_policy(deny, bucket=bucket)
        await stand.notify_me(
            notification_model.NotificationRule(
                id="n", target="arn:aws:sqs:us-east-1:000000000000:q", events=("s3:Replication:*",)
            )
        )
        await replicate(stand, rule())
        put = await stand.put("k", b"1", tags={"a": "b"})

        await settle(stand)
        await stand.advance()

        assert (await head(stand, "k", "inbox")).replication_status == "FAILED"
        assert await versions(stand) == []
        told = [msgspec.json.decode(body)["Records"][0] for body in await stand.messages() if b"Records" in body]
        assert [one["eventName"] for one in told] == ["Replication:OperationFailedReplication"]
        assert told[0]["s3"]["object"]["versionId"] == put.version_id
        data = told[0]["replicationEventData"]
        assert (data["replicationRuleId"], data["failureReason"]) == ("r", reason)
        assert (data["destinationBucket"], data["s3Operation"]) == ("arn:aws:s3:::copies", "OBJECT_PUT")

    run(scenario)


def test_what_fails_for_a_while_is_tried_again_and_nothing_overtakes_it(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await versioned(stand, "inbox", "copies")
        await replicate(stand, rule())
        await stand.put("k", b"x" * 200_000)
        await stand.put("k", b"1")
        free = stand.blobs.free_space
        stand.blobs.free_space = FreeSpace(stand.folder, 1 << 62)
        await settle(stand)
        before = await versions(stand)

        stand.blobs.free_space = free
        await stand.advance(2)
        await settle(stand)

        assert before == []
        assert await versions(stand) == await versions(stand, "inbox")
        assert stand.service.replicator.outcomes == {"completed": 2, "failed": 0}
        assert stand.service.replicator.lag_ms == 2_000

    run(scenario)


async def _suspend(stand: Any) -> None:
    await configure(stand, "copies", "versioning", configuration_model.Versioning("Suspended"))


async def _remove(stand: Any) -> None:
    await stand.call("DeleteBucket", bucket_model.DeleteBucket("copies"))


@pytest.mark.parametrize("change", [_suspend, _remove])
def test_destination_that_takes_no_versions_fails(run: Any, change: Any) -> None:
    async def scenario(stand: Any) -> None:
        await versioned(stand, "inbox", "copies", "others")
        await replicate(stand, rule(), rule(ID="s", Priority=2, Destination=to("others")))
        await change(stand)
        put = await stand.put("k", b"1")

        await settle(stand)

        assert (await head(stand, "k", "inbox")).replication_status == "FAILED"
        assert [row[1] for row in await versions(stand, "others")] == [put.version_id]

    run(scenario)


def test_bucket_of_another_account_takes_what_its_policy_lets_the_role_bring(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        other = await stand.account("111111111111")
        await versioned(stand, "inbox")
        await versioned(stand, "copies", ctx=other)
        await replicate(stand, rule(Destination=to(Account="111111111111")))
        await stand.put("refused", b"1")
        await settle(stand)
        allow = {
            "Effect": "Allow",
            "Principal": {"AWS": "000000000000"},
            "Action": ["s3:ReplicateObject", "s3:ReplicateDelete"],
            "Resource": "arn:aws:s3:::copies/*",
        }
        text = msgspec.json.encode({"Version": "2012-10-17", "Statement": [allow]}).decode()
        await stand.call("SetBucketPolicy", bucket_model.SetBucketPolicy("copies", text), ctx=other)

        await stand.put("taken", b"2")
        await settle(stand)

        statuses = [(await head(stand, key, "inbox")).replication_status for key in ("refused", "taken")]
        assert statuses == ["FAILED", "COMPLETED"]
        page = await stand.call("ListObjectVersions", listing_model.ListObjectVersions(bucket="copies"), ctx=other)
        assert [one.key for one in page.versions] == ["taken"]

    run(scenario)


@pytest.mark.parametrize("changes_owner", [False, True])
def test_access_control_list_goes_along_unless_the_owner_changes(run: Any, *, changes_owner: bool) -> None:
    async def scenario(stand: Any) -> None:
        await versioned(stand, "inbox", "copies")
        for bucket in ("inbox", "copies"):
            await stand.open_to_public(bucket)
            await configure(stand, bucket, "ownership_controls", acl_model.OwnershipControls("ObjectWriter"))
        more: dict[str, Any] = {"Account": "000000000000", "AccessControlTranslation": {"Owner": "Destination"}}
        await replicate(stand, rule(Destination=to(**more if changes_owner else {})))
        await stand.put("k", b"1", acl="public-read")
        await settle(stand)
        first = await stand.call("GetObjectAcl", acl_model.GetObjectAcl("copies", "k"))

        await stand.call("SetObjectAcl", acl_model.SetObjectAcl("inbox", "k", acl="authenticated-read"))
        await settle(stand)

        second = await stand.call("GetObjectAcl", acl_model.GetObjectAcl("copies", "k"))
        grantees = [{grant.grantee for grant in it.grants} for it in (first, second)]
        own = {"000000000000"}
        assert grantees == ([own, own] if changes_owner else [own | {"AllUsers"}, own | {"AuthenticatedUsers"}])

    run(scenario)


def test_who_may_not_pass_the_role_may_not_configure_it(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await versioned(stand, "inbox", "copies")
        other = CallContext(principal=root_of("111111111111"), request_id="other")
        allow = {
            "Effect": "Allow",
            "Principal": {"AWS": "111111111111"},
            "Action": "s3:PutReplicationConfiguration",
            "Resource": "arn:aws:s3:::inbox",
        }
        await stand.set_policy(allow)
        said = msgspec.convert({"Role": ROLE, "Rules": [rule()]}, aws_s3.ReplicationConfiguration)

        request = configuration_model.SetBucketConfiguration("inbox", "replication", said)
        error = await refused(stand.call("SetBucketConfiguration", request, ctx=other))

        assert error.row.code == "AccessDenied"

    run(scenario)


def test_archived_objects_go_nowhere(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await versioned(stand, "inbox", "copies")
        await replicate(stand, rule())
        await stand.put("k", b"1", storage_class="GLACIER")

        await settle(stand)

        assert (await head(stand, "k", "inbox")).replication_status == ""
        assert await versions(stand) == []

    run(scenario)


def test_objects_under_a_key_of_their_writer_open_under_it_there(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await versioned(stand, "inbox", "copies")
        await replicate(stand, rule())
        bodies = {"small": b"1", "whole": b"x" * 3 * MIB, "parts": b"a" * (5 * MIB) + b"b"}
        await stand.put("small", bodies["small"], encryption=under(OURS))
        await stand.put("whole", bodies["whole"], encryption=under(OURS))
        upload_id = await stand.begin("parts", encryption=under(OURS))
        parts = [
            await stand.part("parts", upload_id, place, data, encryption=under(OURS))
            for place, data in enumerate((bodies["parts"][:-1], b"b"), 1)
        ]
        await stand.complete("parts", upload_id, parts)

        await settle(stand)

        for key, data in bodies.items():
            found = []
            for bucket in ("inbox", "copies"):
                request = object_model.GetObject(bucket=bucket, key=key, customer=OURS)
                result = await stand.service.call(stand.ctx, "GetObject", request)
                found.append(b"".join([bytes(piece) async for piece in result.body]))
            assert found == [data, data]
            error = await refused(
                stand.call("GetObject", object_model.GetObject(bucket="copies", key=key, customer=OTHER))
            )
            assert error.row.code == "AccessDenied"

    run(scenario)


KMS_RULE = rule(
    SourceSelectionCriteria={"SseKmsEncryptedObjects": {"Status": "Enabled"}},
    Destination=to(EncryptionConfiguration={"ReplicaKmsKeyID": "key-2"}),
)


def test_objects_under_a_key_of_kms_go_where_a_rule_asks_for_them_under_the_key_that_it_names(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        stand.key_service = KeyRing()
        await stand.restart()
        await versioned(stand, "inbox", "copies")
        await replicate(stand, rule())
        await stand.put("before", b"1", encryption=KMS)
        await replicate(stand, KMS_RULE)
        await stand.put("whole", b"x" * 100_000, encryption=KMS)
        await stand.put("small", b"x", encryption=KMS)
        await stand.put(
            "twice", b"z", encryption=encryption_model.AskedEncryption(encryption_model.DUAL_LAYER, "key-1")
        )
        await upload(stand, "parts", b"a" * (5 * MIB), b"b", encryption=KMS)
        await stand.put("s3", b"y")

        await settle(stand)

        assert (await head(stand, "before", "inbox")).replication_status == ""
        assert [row[0] for row in await versions(stand)] == ["parts", "s3", "small", "twice", "whole"]
        bodies = {"whole": b"x" * 100_000, "small": b"x", "twice": b"z", "parts": b"a" * (5 * MIB) + b"b"}
        for key, data in bodies.items():
            replica = await head(stand, key)
            assert replica.encryption.kms_key_arn.endswith("/key-2")
            assert (replica.encryption.algorithm == encryption_model.DUAL_LAYER) == (key == "twice")
            assert replica.etag == (await head(stand, key, "inbox")).etag
            assert await stand.get(key, bucket="copies") == data
        assert (await head(stand, "s3")).encryption.algorithm == encryption_model.AES256

    run(scenario)


@pytest.mark.parametrize(
    ("key", "reason"), [("key-2", "DstKmsKeyInvalidState"), ("key-1", "SrcObjectNotFound"), ("no", "DstKmsKeyNotFound")]
)
def test_key_of_kms_that_cannot_be_used_fails(run: Any, caplog: Any, key: str, reason: str) -> None:
    async def scenario(stand: Any) -> None:
        ring = stand.key_service = KeyRing()
        await stand.restart()
        await versioned(stand, "inbox", "copies")
        named = to(EncryptionConfiguration={"ReplicaKmsKeyID": "no" if key == "no" else "key-2"})
        await replicate(stand, {**KMS_RULE, "Destination": named})
        await stand.put("k", b"x", encryption=KMS)
        ring.disabled.add(key)

        await settle(stand)

        assert (await head(stand, "k", "inbox")).replication_status == "FAILED"
        assert [one.reason for one in caplog.records if hasattr(one, "reason")] == [reason]

    run(scenario)


async def _set_lifecycle(stand: Any) -> None:
    rules = (LifecycleRule(filter=RuleFilter(), expiration_days=1, noncurrent_days=1),)
    await configure(stand, "inbox", "lifecycle", Lifecycle(rules))


def test_lifecycle_rules_wait_for_the_replication(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await versioned(stand, "inbox", "copies")
        await replicate(stand, rule())
        await _set_lifecycle(stand)
        await stand.put("k", b"x" * 200_000)
        await stand.put("k", b"y" * 200_000)
        free = stand.blobs.free_space
        stand.blobs.free_space = FreeSpace(stand.folder, 1 << 62)
        for _ in range(4):
            await stand.advance(86_400)
            await settle(stand)
        before = await versions(stand, "inbox")

        stand.blobs.free_space = free
        await stand.advance(301)
        await settle(stand)
        for _ in range(3):
            await stand.advance(86_400)
            await settle(stand)

        assert [row[3] for row in before] == [False, False]
        assert await versions(stand, "inbox") == []
        assert len(await versions(stand)) == 2

    run(scenario)


def test_lifecycle_rules_end_what_failed_once_nothing_is_replicated_any_more(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await versioned(stand, "inbox", "copies")
        await replicate(stand, rule())
        await _set_lifecycle(stand)
        await _suspend(stand)
        await stand.put("k", b"1")
        await settle(stand)
        await stand.advance(3 * 86_400)
        before = await versions(stand, "inbox")

        await stand.call(
            "DeleteBucketConfiguration", configuration_model.DeleteBucketConfiguration("inbox", "replication")
        )
        await stand.advance(86_400)

        assert [row[3] for row in before] == [False]
        assert [row[3] for row in await versions(stand, "inbox")] == [True, False]

    run(scenario)


def test_replica_is_listed_read_and_deleted_by_its_id(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await versioned(stand, "inbox", "copies")
        await replicate(stand, rule())
        for number in range(5):
            await stand.put("k", b"%d" % number)
        await settle(stand)
        ids = [row[1] for row in await versions(stand)]

        listed, key_marker, id_marker = [], "", ""
        while True:
            request = listing_model.ListObjectVersions(
                bucket="copies", page_size=2, key_marker=key_marker, version_id_marker=id_marker
            )
            page = await stand.call("ListObjectVersions", request)
            listed += [one.version_id for one in page.versions]
            if not page.next_page_token:
                break
            key_marker, id_marker = page.last_key, page.last_version_id
        bodies = [await stand.get("k", bucket="copies", version_id=one) for one in ids]
        await stand.delete("k", "copies", version_id=ids[0])
        await stand.delete("k", "copies", version_id=ids[3])
        again = await stand.delete("k", "copies", version_id=ids[3])

        assert listed == ids
        assert bodies == [b"4", b"3", b"2", b"1", b"0"]
        assert not again.is_delete_marker
        assert [row[1] for row in await versions(stand)] == [ids[1], ids[2], ids[4]]
        assert await stand.get("k", bucket="copies") == b"3"

    run(scenario)


def test_bucket_with_unsent_versions_can_be_emptied_and_deleted(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await versioned(stand, "inbox", "copies", "third")
        await replicate(stand, rule(), bucket="third")
        put = await stand.put("k", b"1", bucket="third")
        await stand.delete("k", "third", version_id=put.version_id)

        await stand.call("DeleteBucket", bucket_model.DeleteBucket("third"))
        await settle(stand)

        assert await stand.due(keys.OBJECT_REPLICATE) == 0

    run(scenario)


def test_put_without_rules_notes_nothing(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await versioned(stand, "inbox", "copies")
        await stand.put("k", b"1")

        assert await stand.due(keys.OBJECT_REPLICATE) == 0
        assert (await head(stand, "k", "inbox")).replication_status == ""

    run(scenario)

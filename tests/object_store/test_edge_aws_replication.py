"""Replication over S3's REST API: what configurations are taken and refused, and what readers are told."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.object_store.aws_door import Door, opened
from tests.object_store.test_replication import settle

ROLE = "arn:aws:iam::000000000000:role/replication"
TO_COPY: dict[str, Any] = {"Bucket": "arn:aws:s3:::copies"}
OLD: dict[str, Any] = {"ID": "all", "Prefix": "", "Status": "Enabled", "Destination": TO_COPY}
RULE: dict[str, Any] = {
    "ID": "photos",
    "Priority": 1,
    "Filter": {"Prefix": "photos/"},
    "Status": "Enabled",
    "DeleteMarkerReplication": {"Status": "Enabled"},
    "Destination": TO_COPY,
}
ALL: dict[str, Any] = {
    "ID": "everything that can be said",
    "Priority": 7,
    "Filter": {"And": {"Prefix": "a/ä & <b>", "Tags": [{"Key": "k", "Value": "v"}, {"Key": "l", "Value": "w"}]}},
    "Status": "Enabled",
    "SourceSelectionCriteria": {
        "SseKmsEncryptedObjects": {"Status": "Enabled"},
        "ReplicaModifications": {"Status": "Enabled"},
    },
    "ExistingObjectReplication": {"Status": "Disabled"},
    "Destination": {
        "Bucket": "arn:aws:s3:::copies",
        "Account": "000000000000",
        "StorageClass": "STANDARD_IA",
        "AccessControlTranslation": {"Owner": "Destination"},
        "EncryptionConfiguration": {"ReplicaKmsKeyID": "arn:aws:kms:us-east-1:000000000000:key/k"},
        "ReplicationTime": {"Status": "Enabled", "Time": {"Minutes": 15}},
        "Metrics": {"Status": "Enabled", "EventThreshold": {"Minutes": 15}},
    },
    "DeleteMarkerReplication": {"Status": "Disabled"},
}


@pytest.fixture
def door(stand_in: Any, tmp_path: Path) -> Iterator[Door]:
    """A store whose buckets `inbox` and `copies` keep versions."""
    with opened(stand_in, tmp_path) as it:
        s3 = it.client()
        s3.create_bucket(Bucket="copies")
        for bucket in ("inbox", "copies"):
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        yield it


def put(door: Door, *rules: dict[str, Any], role: str = ROLE, bucket: str = "inbox") -> Any:
    configuration = {"Role": role, "Rules": list(rules)}
    return door.client().put_bucket_replication(Bucket=bucket, ReplicationConfiguration=configuration)


def refused(door: Door, *rules: dict[str, Any], **more: Any) -> tuple[str, int, str]:
    with pytest.raises(ClientError) as caught:
        put(door, *rules, **more)
    answer = caught.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Message"]


def changed(rule: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {name: value for name, value in {**rule, **changes}.items() if value is not None}


def to(**changes: Any) -> dict[str, Any]:
    return changed(RULE, Destination={**TO_COPY, **changes})


@pytest.mark.parametrize("rule", [OLD, RULE, ALL], ids=["old", "filtered", "all"])
def test_configuration_is_given_back_as_it_was_put_and_goes_when_it_is_deleted(door: Door, rule: Any) -> None:
    s3 = door.client()

    put(door, rule)
    got = s3.get_bucket_replication(Bucket="inbox")["ReplicationConfiguration"]
    deleted = s3.delete_bucket_replication(Bucket="inbox")["ResponseMetadata"]["HTTPStatusCode"]
    with pytest.raises(ClientError) as caught:
        s3.get_bucket_replication(Bucket="inbox")

    assert got == {"Role": ROLE, "Rules": [rule]}
    assert deleted == 204
    answer = caught.value.response
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (
        "ReplicationConfigurationNotFoundError",
        404,
    )


def test_rules_without_an_id_get_one_and_an_empty_filter_is_every_key(door: Door) -> None:
    s3 = door.client()

    put(door, changed(RULE, ID=None, Filter={}))
    first = s3.get_bucket_replication(Bucket="inbox")["ReplicationConfiguration"]["Rules"][0]
    put(door, changed(RULE, ID=None, Filter={}))
    second = s3.get_bucket_replication(Bucket="inbox")["ReplicationConfiguration"]["Rules"][0]

    assert len(first["ID"]) == 48
    assert first == second


@pytest.mark.parametrize(
    ("rules", "code", "message"),
    [
        ([changed(RULE, Priority=None)], "InvalidRequest", "Priority must be specified"),
        ([changed(RULE, DeleteMarkerReplication=None)], "InvalidRequest", "DeleteMarkerReplication must be specified"),
        ([changed(OLD, DeleteMarkerReplication={"Status": "Enabled"})], "InvalidRequest", "cannot be used for this"),
        ([changed(OLD, Priority=1)], "InvalidRequest", "Priority cannot be used"),
        ([changed(OLD, Prefix=None)], "MalformedXML", ""),
        ([changed(RULE, Prefix="photos/")], "MalformedXML", ""),
        ([changed(RULE, Status="On")], "MalformedXML", ""),
        ([RULE, changed(RULE, ID="other")], "InvalidRequest", "duplicate priority '1'"),
        ([RULE, changed(RULE, Priority=2)], "InvalidArgument", "Rule Id must be unique"),
        ([RULE, OLD], "InvalidRequest", "cannot be mixed"),
        ([changed(OLD, Prefix="a"), changed(OLD, ID="b", Prefix="ab")], "InvalidRequest", "overlapping prefixes"),
        ([changed(RULE, ID="i" * 256)], "InvalidArgument", "255"),
        ([changed(RULE, Priority=-1)], "InvalidArgument", "nonnegative"),
        ([changed(RULE, Filter={"Tag": {"Key": "k", "Value": "v"}})], "InvalidRequest", "Tag filter"),
        ([changed(RULE, Filter={"Not": {"Tag": {"Key": "k", "Value": "v"}}})], "InvalidRequest", "Tag filter"),
        ([changed(RULE, Filter={"Not": {}})], "MalformedXML", ""),
        ([changed(RULE, Filter={"Not": {"Or": {"Prefixes": ["p"] * 101}}})], "InvalidRequest", "limit of 100"),
        ([to(Bucket="copies")], "InvalidArgument", "Invalid bucket ARN"),
        ([to(Bucket="arn:aws:s3:::inbox")], "InvalidRequest", "same as the source"),
        ([to(Bucket="arn:aws:s3:::nowhere")], "InvalidRequest", "Destination bucket must exist."),
        ([to(Bucket="arn:aws:s3:::plain")], "InvalidRequest", "must have versioning enabled"),
        ([to(StorageClass="COLD")], "MalformedXML", ""),
        ([to(Account="111111111111")], "InvalidRequest", "owned by the account"),
        ([to(AccessControlTranslation={"Owner": "Destination"})], "InvalidRequest", "Account must be specified"),
        ([to(EncryptionConfiguration={"ReplicaKmsKeyID": "k"})], "InvalidRequest", "SseKmsEncryptedObjects must be"),
        (
            [changed(RULE, SourceSelectionCriteria={"SseKmsEncryptedObjects": {"Status": "Enabled"}})],
            "InvalidRequest",
            "ReplicaKmsKeyID must be specified",
        ),
        (
            [to(ReplicationTime={"Status": "Enabled", "Time": {"Minutes": 15}})],
            "InvalidRequest",
            "Metrics must be specified",
        ),
        ([to(Metrics={"Status": "Enabled", "EventThreshold": {"Minutes": 20}})], "InvalidRequest", "15 minutes"),
    ],
)
def test_rules_that_s3_refuses_are_refused(door: Door, rules: list[Any], code: str, message: str) -> None:
    door.client().create_bucket(Bucket="plain")

    found = refused(door, *rules)

    assert found[:2] == (code, 400)
    assert message in found[2]


def test_at_most_a_thousand_rules_are_taken(door: Door) -> None:
    rules = [
        changed(RULE, ID=f"rule {number}", Priority=number, Filter={"Prefix": f"photos/of/the/year/{number:04}/"})
        for number in range(1_001)
    ]

    found = refused(door, *rules)
    put(door, *rules[:-1])

    assert found[:2] == ("InvalidRequest", 400)
    got = door.client().get_bucket_replication(Bucket="inbox")["ReplicationConfiguration"]["Rules"]
    assert len(got) == 1_000


def test_versions_go_to_at_most_sixteen_buckets(door: Door) -> None:
    rules = [
        changed(RULE, ID=str(number), Priority=number, Destination={"Bucket": f"arn:aws:s3:::copies-{number}"})
        for number in range(17)
    ]

    assert refused(door, *rules)[:2] == ("InvalidRequest", 400)


@pytest.mark.parametrize("role", ["replication", "arn:aws:iam::000000000000:user/u", "arn:aws:iam::000000000000:role/"])
def test_role_must_be_the_arn_of_one(door: Door, role: str) -> None:
    found = refused(door, RULE, role=role)

    assert found == ("InvalidArgument", 400, "Invalid Role specified in replication configuration")


def test_role_of_another_account_is_nobodys_to_pass(door: Door) -> None:
    found = refused(door, RULE, role="arn:aws:iam::111111111111:role/replication")

    assert found[:2] == ("AccessDenied", 403)
    assert "iam:PassRole" in found[2]


def test_source_must_keep_versions_and_goes_on_doing_so(door: Door) -> None:
    s3 = door.client()
    s3.create_bucket(Bucket="plain")

    found = refused(door, RULE, bucket="plain")
    put(door, RULE)
    with pytest.raises(ClientError) as caught:
        s3.put_bucket_versioning(Bucket="inbox", VersioningConfiguration={"Status": "Suspended"})
    s3.delete_bucket_replication(Bucket="inbox")
    s3.put_bucket_versioning(Bucket="inbox", VersioningConfiguration={"Status": "Suspended"})

    assert found[:2] == ("InvalidRequest", 400)
    assert found[2] == "Versioning must be 'Enabled' on the bucket to apply a replication configuration"
    answer = caught.value.response
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == ("InvalidBucketState", 409)


def test_status_and_version_id_tell_of_the_replication(door: Door) -> None:
    s3 = door.client()
    put(door, RULE)
    stored = s3.put_object(Bucket="inbox", Key="photos/a", Body=b"x" * 100_000, Metadata={"m": "v"})
    s3.put_object(Bucket="inbox", Key="other", Body=b"y")
    before = s3.head_object(Bucket="inbox", Key="photos/a")

    door.run(settle(door.stand))

    after, replica = s3.head_object(Bucket="inbox", Key="photos/a"), s3.get_object(Bucket="copies", Key="photos/a")
    assert [it["ReplicationStatus"] for it in (before, after, replica)] == ["PENDING", "COMPLETED", "REPLICA"]
    assert replica["Body"].read() == b"x" * 100_000
    assert (replica["VersionId"], replica["ETag"]) == (stored["VersionId"], stored["ETag"])
    assert (replica["LastModified"], replica["Metadata"]) == (after["LastModified"], {"m": "v"})
    assert "ReplicationStatus" not in s3.head_object(Bucket="inbox", Key="other")
    assert [it["Key"] for it in s3.list_objects_v2(Bucket="copies")["Contents"]] == ["photos/a"]


def test_delete_markers_arrive_with_their_ids(door: Door) -> None:
    s3 = door.client()
    put(door, RULE)
    s3.put_object(Bucket="inbox", Key="photos/a", Body=b"x")
    deleted = s3.delete_object(Bucket="inbox", Key="photos/a")
    many = s3.delete_objects(Bucket="inbox", Delete={"Objects": [{"Key": "photos/b"}, {"Key": "other"}]})["Deleted"]
    door.run(settle(door.stand))

    with pytest.raises(ClientError) as caught:
        s3.get_object(Bucket="copies", Key="photos/a")

    markers = s3.list_object_versions(Bucket="copies")["DeleteMarkers"]
    ids = {it["Key"]: it["DeleteMarkerVersionId"] for it in many}
    assert {it["Key"]: it["VersionId"] for it in markers} == {
        "photos/a": deleted["VersionId"],
        "photos/b": ids["photos/b"],
    }
    assert caught.value.response["ResponseMetadata"]["HTTPHeaders"]["x-amz-delete-marker"] == "true"

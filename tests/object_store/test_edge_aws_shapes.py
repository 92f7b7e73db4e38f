"""Configurations in S3's own shapes over its REST API: kept and given back exactly, listed in pages, bounded."""

from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from cumulo.object_store import aws_s3, configuration_model
from tests.object_store.aws_door import REGION, SECRET, SESSION, Door, door

__all__ = ["door"]

DESTINATION = {"Bucket": "arn:aws:s3:::reports", "Format": "CSV", "Prefix": "p/"}
INVENTORY: dict[str, Any] = {
    "Id": "nightly",
    "IsEnabled": True,
    "Destination": {"S3BucketDestination": {**DESTINATION, "Encryption": {"SSES3": {}}}},
    "Filter": {"Prefix": "photos/ä & <b>"},
    "IncludedObjectVersions": "All",
    "OptionalFields": ["Size", "ETag"],
    "Schedule": {"Frequency": "Daily"},
}
ANALYTICS: dict[str, Any] = {
    "Id": "classes",
    "Filter": {"And": {"Prefix": "a/", "Tags": [{"Key": "k", "Value": "v"}, {"Key": "l", "Value": "w"}]}},
    "StorageClassAnalysis": {
        "DataExport": {"OutputSchemaVersion": "V_1", "Destination": {"S3BucketDestination": DESTINATION}}
    },
}
TIERING: dict[str, Any] = {
    "Id": "cold",
    "Status": "Enabled",
    "Filter": {"Tag": {"Key": "k", "Value": "v"}},
    "Tierings": [{"Days": 90, "AccessTier": "ARCHIVE_ACCESS"}, {"Days": 730, "AccessTier": "DEEP_ARCHIVE_ACCESS"}],
}
METRICS: dict[str, Any] = {"Id": "EntireBucket"}
MANY: list[tuple[str, str, dict[str, Any]]] = [
    ("inventory", "Inventory", INVENTORY),
    ("analytics", "Analytics", ANALYTICS),
    ("intelligent_tiering", "IntelligentTiering", TIERING),
    ("metrics", "Metrics", METRICS),
]


def call(door: Door, verb: str, noun: str, **parameters: Any) -> Any:
    return getattr(door.client(), f"{verb}_bucket_{noun}_configuration{'s' * (verb == 'list')}")(
        Bucket="inbox", **parameters
    )


def code(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    answer = error.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.parametrize(("noun", "shape", "value"), MANY, ids=[row[0] for row in MANY])
def test_configuration_with_an_id_is_put_got_listed_and_deleted(
    door: Door, noun: str, shape: str, value: dict[str, Any]
) -> None:
    member, identity = f"{shape}Configuration", {"Id": value["Id"]}
    with pytest.raises(ClientError) as missing:
        call(door, "get", noun, **identity)

    put = call(door, "put", noun, **identity, **{member: value})

    assert put["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert call(door, "get", noun, **identity)[member] == value
    listed = call(door, "list", noun)
    assert (listed[f"{member}List"], listed["IsTruncated"]) == ([value], False)
    call(door, "delete", noun, **identity)
    assert f"{member}List" not in call(door, "list", noun)
    with pytest.raises(ClientError) as gone:
        call(door, "delete", noun, **identity)
    assert code(missing) == code(gone) == ("NoSuchConfiguration", 404)


@pytest.mark.parametrize(
    ("noun", "value", "expected"),
    [
        ("inventory", {**INVENTORY, "Id": "another"}, "IdMismatch"),
        ("analytics", {**ANALYTICS, "Id": "another"}, "MalformedXML"),
        ("intelligent_tiering", {**TIERING, "Id": "another"}, "MalformedXML"),
        ("inventory", {**INVENTORY, "IncludedObjectVersions": "Some"}, "MalformedXML"),
        ("inventory", {**INVENTORY, "OptionalFields": ["Colour"]}, "MalformedXML"),
        ("inventory", {**INVENTORY, "Schedule": {"Frequency": "Hourly"}}, "MalformedXML"),
        (
            "inventory",
            {**INVENTORY, "Destination": {"S3BucketDestination": {**DESTINATION, "Bucket": "reports"}}},
            "InvalidS3DestinationBucket",
        ),
        ("analytics", {**ANALYTICS, "Filter": {"Prefix": "a", "Tag": {"Key": "k", "Value": "v"}}}, "MalformedXML"),
        ("intelligent_tiering", {**TIERING, "Tierings": TIERING["Tierings"][:1] * 2}, "MalformedXML"),
        (
            "intelligent_tiering",
            {**TIERING, "Tierings": [{"Days": 89, "AccessTier": "ARCHIVE_ACCESS"}]},
            "MalformedXML",
        ),
        ("intelligent_tiering", {**TIERING, "Status": "On"}, "MalformedXML"),
        ("metrics", {**METRICS, "Filter": {}}, "MalformedXML"),
    ],
)
def test_configuration_that_s3_refuses_is_refused(door: Door, noun: str, value: dict[str, Any], expected: str) -> None:
    shape, whole = next((row[1], row[2]) for row in MANY if row[0] == noun)

    with pytest.raises(ClientError) as refused:
        call(door, "put", noun, Id=whole["Id"], **{f"{shape}Configuration": value})

    assert code(refused) == (expected, 400)


def test_a_thousand_of_a_kind_are_listed_a_hundred_a_page_and_no_more_is_taken(door: Door) -> None:
    async def fill() -> None:
        for number in range(1000):
            value = aws_s3.MetricsConfiguration(Id=f"m{number:03}")
            request = configuration_model.SetBucketConfiguration("inbox", "metrics", value, id=value.Id)
            await door.stand.call("SetBucketConfiguration", request)

    door.run(fill())
    ids: list[str] = []
    token: dict[str, str] = {}
    for _ in range(10):
        page = call(door, "list", "metrics", **token)
        ids += [one["Id"] for one in page["MetricsConfigurationList"]]
        token = {"ContinuationToken": page["NextContinuationToken"]} if page["IsTruncated"] else {}

    assert (ids, token) == ([f"m{number:03}" for number in range(1000)], {})
    call(door, "put", "metrics", Id="m000", MetricsConfiguration={"Id": "m000", "Filter": {"Prefix": "p"}})
    with pytest.raises(ClientError) as refused:
        call(door, "put", "metrics", Id="more", MetricsConfiguration={"Id": "more"})
    assert code(refused) == ("TooManyConfigurations", 400)
    with pytest.raises(ClientError, match="The continuation token provided is incorrect"):
        call(door, "list", "metrics", ContinuationToken="nonsense")
    # A bucket with more of them than one transaction clears is gone at once; its rows go behind it.
    door.client().delete_bucket(Bucket="inbox")
    assert door.run(door.stand.due("bucket.clear")) == 1
    door.run(door.stand.pump.run_due())
    assert door.run(door.stand.due("bucket.clear")) == 0


def test_acceleration_and_payer_are_kept_and_an_unconfigured_bucket_has_the_defaults(door: Door) -> None:
    s3 = door.client()
    assert "Status" not in s3.get_bucket_accelerate_configuration(Bucket="inbox")
    assert s3.get_bucket_request_payment(Bucket="inbox")["Payer"] == "BucketOwner"

    s3.put_bucket_accelerate_configuration(Bucket="inbox", AccelerateConfiguration={"Status": "Suspended"})
    s3.put_bucket_request_payment(Bucket="inbox", RequestPaymentConfiguration={"Payer": "Requester"})

    assert s3.get_bucket_accelerate_configuration(Bucket="inbox")["Status"] == "Suspended"
    assert s3.get_bucket_request_payment(Bucket="inbox")["Payer"] == "Requester"
    with pytest.raises(ClientError, match="MalformedXML"):
        s3.put_bucket_accelerate_configuration(Bucket="inbox", AccelerateConfiguration={"Status": "On"})
    with pytest.raises(ClientError, match="MalformedXML"):
        s3.put_bucket_request_payment(Bucket="inbox", RequestPaymentConfiguration={"Payer": "Nobody"})
    s3.create_bucket(Bucket="with.dots")
    with pytest.raises(ClientError, match="Transfer Acceleration is not supported for buckets with periods"):
        s3.put_bucket_accelerate_configuration(Bucket="with.dots", AccelerateConfiguration={"Status": "Enabled"})


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "s3.localhost"])
def test_presigned_urls_and_hosts_of_every_form_lead_to_configurations(door: Door, host: str) -> None:
    mine = door.client()
    mine.put_bucket_tagging(Bucket="inbox", Tagging={"TagSet": [{"Key": "k", "Value": "v"}]})
    mine.put_bucket_cors(
        Bucket="inbox", CORSConfiguration={"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]}
    )
    mine.put_bucket_website(Bucket="inbox", WebsiteConfiguration={"IndexDocument": {"Suffix": "i"}})
    s3 = SESSION.client(
        "s3",
        endpoint_url=f"http://{host}:{door.port}",
        region_name=REGION,
        aws_access_key_id="AKIAOWNER",
        aws_secret_access_key=SECRET,
        config=Config(
            signature_version="s3v4", s3={"addressing_style": "virtual" if host.startswith("s3") else "path"}
        ),
    )

    for verb in (
        *("get_bucket_location", "get_bucket_tagging", "get_bucket_cors", "get_bucket_website", "get_bucket_logging"),
        *("get_bucket_request_payment", "list_bucket_inventory_configurations", "head_bucket", "delete_bucket_cors"),
    ):
        url = s3.generate_presigned_url(verb, Params={"Bucket": "inbox"})
        named, _, target = url.removeprefix("http://").partition("/")
        method = {"head": "HEAD", "delete": "DELETE"}.get(verb.partition("_")[0], "GET")
        signed = door.send(method, "/" + target, {"Host": named}, b"")
        unsigned = door.send(method, "/" + target.partition("X-Amz-Algorithm")[0], {"Host": named}, b"")
        assert (verb, signed.status in (200, 204), unsigned.status) == (verb, True, 403)


def test_requester_of_another_account_must_say_that_he_pays(door: Door) -> None:
    mine, theirs = door.client(), door.client("AKIAOTHER")
    door.run(door.stand.open_to_public())
    everything = ["arn:aws:s3:::inbox", "arn:aws:s3:::inbox/*"]
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": everything}
    door.run(door.stand.set_policy(statement))
    mine.put_object(Bucket="inbox", Key="k", Body=b"data")
    mine.put_bucket_request_payment(Bucket="inbox", RequestPaymentConfiguration={"Payer": "Requester"})
    mine.create_bucket(Bucket="copies")
    pays = {"RequestPayer": "requester"}

    for refused in (
        lambda: theirs.get_object(Bucket="inbox", Key="k"),
        lambda: theirs.list_objects_v2(Bucket="inbox"),
        lambda: theirs.put_object(Bucket="inbox", Key="l", Body=b""),
        lambda: theirs.delete_objects(Bucket="inbox", Delete={"Objects": [{"Key": "k"}]}),
    ):
        with pytest.raises(ClientError) as error:
            refused()
        assert code(error) == ("AccessDenied", 403)
    assert door.ask("GET", "/inbox/k", {"x-amz-request-payer": "requester"}, key=None).status == 403

    assert theirs.get_object(Bucket="inbox", Key="k", **pays)["RequestCharged"] == "requester"
    assert theirs.list_objects_v2(Bucket="inbox", **pays)["KeyCount"] == 1
    signing = door.client("AKIAOTHER", signature_version="s3v4")
    url = signing.generate_presigned_url("get_object", Params={"Bucket": "inbox", "Key": "k", **pays})
    said = {"Host": f"127.0.0.1:{door.port}", "x-amz-request-payer": "requester"}
    assert door.send("GET", url.partition(str(door.port))[2], said, b"").status == 200
    assert "RequestCharged" not in mine.get_object(Bucket="inbox", Key="k")
    mine.copy_object(Bucket="copies", Key="k", CopySource="inbox/k")
    mine.put_bucket_request_payment(Bucket="inbox", RequestPaymentConfiguration={"Payer": "BucketOwner"})
    assert theirs.get_object(Bucket="inbox", Key="k")["Body"].read() == b"data"

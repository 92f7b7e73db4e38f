"""Listings over S3's REST API, as boto3 and as bytes on the wire."""

from typing import Any

import pytest

from cumulo.identity.principal_model import canonical_id
from tests.object_store.aws_door import Door, door

__all__ = ["door"]

KEYS = ["a", "b/1", "b/2", "c/1", "d", "e/x/y", "ä"]


@pytest.fixture
def full(door: Door) -> Door:
    async def fill() -> None:
        for key in KEYS:
            await door.stand.put(key, b"body")

    door.run(fill())
    return door


def keys(page: dict[str, Any]) -> list[str]:
    return [one["Key"] for one in page.get("Contents", [])]


def prefixes(page: dict[str, Any]) -> list[str]:
    return [one["Prefix"] for one in page.get("CommonPrefixes", [])]


def test_listing_of_version_two(full: Door) -> None:
    page = full.client().list_objects_v2(Bucket="inbox", Delimiter="/")

    assert keys(page) == ["a", "d", "ä"]
    assert prefixes(page) == ["b/", "c/", "e/"]
    assert (page["KeyCount"], page["MaxKeys"], page["IsTruncated"]) == (6, 1_000, False)
    assert (page["Name"], page["Prefix"], page["Delimiter"]) == ("inbox", "", "/")
    one = page["Contents"][0]
    assert one["ETag"] == '"841a2d689ad86bd1611447453c22c6fc"'
    assert (one["Size"], one["StorageClass"]) == (4, "STANDARD")
    assert (one["ChecksumAlgorithm"], one["ChecksumType"]) == (["CRC64NVME"], "FULL_OBJECT")
    assert "Owner" not in one


@pytest.mark.parametrize("operation", ["list_objects", "list_objects_v2", "list_object_versions"])
@pytest.mark.parametrize("delimiter", ["", "/"])
@pytest.mark.parametrize("size", [1, 2, 3, 1_000])
def test_pages_join_to_the_whole(full: Door, operation: str, delimiter: str, size: int) -> None:
    paginator = full.client().get_paginator(operation)
    found: list[str] = []

    pages = paginator.paginate(Bucket="inbox", Delimiter=delimiter, PaginationConfig={"PageSize": size})
    for page in pages:
        rows = [one["Key"] for one in page.get("Contents", page.get("Versions", []))] + prefixes(page)
        assert len(rows) <= size
        found += rows

    expected = ["a", "d", "ä", "b/", "c/", "e/"] if delimiter else KEYS
    assert sorted(found) == sorted(expected)


def test_listing_of_version_one_names_the_next_marker_only_with_a_delimiter(full: Door) -> None:
    s3 = full.client()

    rolled = s3.list_objects(Bucket="inbox", Delimiter="/", MaxKeys=2)
    plain = full.ask("GET", "/inbox?max-keys=2").xml["ListBucketResult"]

    assert rolled["NextMarker"] == "b/"
    assert prefixes(s3.list_objects(Bucket="inbox", Delimiter="/", Marker="b/")) == ["c/", "e/"]
    assert "NextMarker" not in plain
    assert plain["IsTruncated"] == "true"
    assert plain["Marker"] == ""
    assert len(plain["Contents"][0]["Owner"]["ID"]) == 64


def test_owner_is_told_when_asked_for(full: Door) -> None:
    s3 = full.client()

    page = s3.list_objects_v2(Bucket="inbox", FetchOwner=True)

    assert page["Contents"][0]["Owner"] == {"ID": canonical_id("000000000000")}


def test_listing_behind_a_key(full: Door) -> None:
    page = full.client().list_objects_v2(Bucket="inbox", StartAfter="b/2")

    assert page["StartAfter"] == "b/2"
    assert keys(page) == ["c/1", "d", "e/x/y", "ä"]


def test_token_goes_before_a_key_to_begin_behind(full: Door) -> None:
    s3 = full.client()
    token = s3.list_objects_v2(Bucket="inbox", MaxKeys=1)["NextContinuationToken"]

    page = s3.list_objects_v2(Bucket="inbox", StartAfter="b/2", ContinuationToken=token)

    assert "StartAfter" not in page
    assert keys(page) == keys(s3.list_objects_v2(Bucket="inbox"))[1:]


def test_page_of_no_keys(full: Door) -> None:
    page = full.client().list_objects_v2(Bucket="inbox", MaxKeys=0)

    assert (page["KeyCount"], page["MaxKeys"], page["IsTruncated"]) == (0, 0, False)
    assert full.ask("GET", "/nowhere?list-type=2&max-keys=0").error[:2] == (404, "NoSuchBucket")
    assert full.ask("GET", "/inbox?list-type=2&max-keys=0", key="AKIAOTHER").error[:2] == (403, "AccessDenied")


def test_more_than_a_page_is_a_page(full: Door) -> None:
    assert full.client().list_objects_v2(Bucket="inbox", MaxKeys=5_000)["MaxKeys"] == 1_000


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("list-type=2&max-keys=-1", "maxKeys"),
        ("list-type=2&max-keys=many", "max-keys"),
        ("list-type=2&max-keys=99999999999999999999", "max-keys"),
        ("list-type=2&encoding-type=html", "encoding-type"),
        ("list-type=2&continuation-token=rubbish", "continuation-token"),
        ("list-type=2&continuation-token=", "continuation-token"),
        ("versions=&version-id-marker=null", "version-id-marker"),
    ],
)
def test_parameter_that_cannot_be_is_named(full: Door, query: str, name: str) -> None:
    answer = full.ask("GET", f"/inbox?{query}")

    assert answer.error[:2] == (400, "InvalidArgument")
    assert answer.xml["Error"]["ArgumentName"] == name


def test_names_are_encoded_as_asked(door: Door) -> None:
    key = "a b+(c)/ü<&>\"'"
    door.run(door.stand.put(key, b"body"))

    plain = door.ask("GET", "/inbox?list-type=2").xml["ListBucketResult"]
    encoded = door.ask("GET", "/inbox?list-type=2&encoding-type=url&prefix=a%20b").xml["ListBucketResult"]

    assert plain["Contents"]["Key"] == key
    assert "EncodingType" not in plain
    assert encoded["Contents"]["Key"] == "a%20b%2B%28c%29/%C3%BC%3C%26%3E%22%27"
    assert (encoded["EncodingType"], encoded["Prefix"]) == ("url", "a%20b")


def test_versions_of_a_bucket_without_versions(full: Door) -> None:
    page = full.client().list_object_versions(Bucket="inbox", Prefix="b/")

    assert [(one["Key"], one["VersionId"], one["IsLatest"]) for one in page["Versions"]] == [
        ("b/1", "null", True),
        ("b/2", "null", True),
    ]


def test_answer_begins_as_s3s_does(full: Door) -> None:
    answer = full.ask("GET", "/inbox?list-type=2")

    assert answer.body.startswith(
        b'<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    )
    assert answer.headers["content-type"] == "application/xml"

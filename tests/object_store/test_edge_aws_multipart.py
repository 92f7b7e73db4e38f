"""Multipart uploads over S3's REST API, as boto3 and as bytes on the wire."""

import base64
import hashlib
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.object_store.aws_door import Door, door

__all__ = ["door"]

MIB = 1024 * 1024
FIRST, LAST = b"1" * 5 * MIB, b"2" * 100


def refused(call: Any, **arguments: Any) -> tuple[int, str]:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    response = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


def upload(s3: Any, key: str = "key", bodies: tuple[bytes, ...] = (FIRST, LAST), **more: Any) -> tuple[str, list[Any]]:
    upload_id = s3.create_multipart_upload(Bucket="inbox", Key=key, **more)["UploadId"]
    algorithm = {"ChecksumAlgorithm": more["ChecksumAlgorithm"]} if "ChecksumAlgorithm" in more else {}
    parts = []
    for number, body in enumerate(bodies, 1):
        stored = s3.upload_part(Bucket="inbox", Key=key, UploadId=upload_id, PartNumber=number, Body=body, **algorithm)
        checksums = {name: value for name, value in stored.items() if name.startswith("Checksum")} if algorithm else {}
        parts.append({"PartNumber": number, "ETag": stored["ETag"], **checksums})
    return upload_id, parts


def complete(s3: Any, upload_id: str, parts: list[Any], **more: Any) -> Any:
    return s3.complete_multipart_upload(
        Bucket="inbox", Key="key", UploadId=upload_id, MultipartUpload={"Parts": parts}, **more
    )


def test_object_is_made_of_its_parts(door: Door) -> None:
    s3 = door.client()
    upload_id, parts = upload(s3, Metadata={"colour": "blue"}, ContentType="text/plain", Tagging="a=1")

    done = complete(s3, upload_id, parts)

    digest = hashlib.md5(hashlib.md5(FIRST).digest() + hashlib.md5(LAST).digest()).hexdigest()
    assert done["ETag"] == f'"{digest}-2"'
    assert (done["Bucket"], done["Key"]) == ("inbox", "key")
    assert done["Location"] == f"http://127.0.0.1:{door.port}/inbox/key"
    got = s3.get_object(Bucket="inbox", Key="key")
    assert got["Body"].read() == FIRST + LAST
    assert (got["Metadata"], got["ContentType"], got["TagCount"]) == ({"colour": "blue"}, "text/plain", 1)
    assert complete(s3, upload_id, parts)["ETag"] == done["ETag"]


def test_part_of_an_object_is_read_by_its_number(door: Door) -> None:
    s3 = door.client()
    complete(s3, *upload(s3))

    got = s3.get_object(Bucket="inbox", Key="key", PartNumber=2)
    head = s3.head_object(Bucket="inbox", Key="key", PartNumber=1)

    assert got["Body"].read() == LAST
    assert got["PartsCount"] == head["PartsCount"] == 2
    assert got["ContentRange"] == f"bytes {5 * MIB}-{5 * MIB + 99}/{5 * MIB + 100}"
    assert head["ContentLength"] == 5 * MIB
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert door.ask("GET", "/inbox/key?partNumber=3").error[:2] == (416, "InvalidPartNumber")
    assert door.ask("GET", "/inbox/key?partNumber=0").error[:2] == (400, "InvalidArgument")
    assert door.ask("GET", "/inbox/key?partNumber=1", {"Range": "bytes=0-1"}).error[:2] == (400, "InvalidRequest")


@pytest.mark.parametrize(
    ("algorithm", "kind"),
    [
        ("CRC32", "COMPOSITE"),
        ("CRC32", "FULL_OBJECT"),
        ("CRC32C", "COMPOSITE"),
        ("CRC32C", "FULL_OBJECT"),
        ("CRC64NVME", "FULL_OBJECT"),
        ("SHA1", "COMPOSITE"),
        ("SHA256", "COMPOSITE"),
    ],
)
def test_checksums_of_parts_make_that_of_the_object(door: Door, algorithm: str, kind: str) -> None:
    s3 = door.client()
    upload_id, parts = upload(s3, ChecksumAlgorithm=algorithm, ChecksumType=kind)
    listed = s3.list_parts(Bucket="inbox", Key="key", UploadId=upload_id)["Parts"]

    done = complete(s3, upload_id, parts, ChecksumType=kind)
    head = s3.head_object(Bucket="inbox", Key="key", ChecksumMode="ENABLED")

    assert done[f"Checksum{algorithm}"] == head[f"Checksum{algorithm}"]
    assert (done["ChecksumType"], head["ChecksumType"]) == (kind, kind)
    assert done[f"Checksum{algorithm}"].endswith("-2") == (kind == "COMPOSITE")
    if algorithm == "SHA256":
        joined = hashlib.sha256(hashlib.sha256(FIRST).digest() + hashlib.sha256(LAST).digest()).digest()
        assert done["ChecksumSHA256"] == base64.b64encode(joined).decode() + "-2"
    assert s3.get_object(Bucket="inbox", Key="key", ChecksumMode="ENABLED")["Body"].read() == FIRST + LAST
    told = [{name for name in part if name.startswith("Checksum")} for part in (*parts, *listed)]
    assert told == [{f"Checksum{algorithm}"}] * 4
    part = s3.get_object(Bucket="inbox", Key="key", PartNumber=2, ChecksumMode="ENABLED")
    of_part = (part.get(f"Checksum{algorithm}"), part.get("ChecksumType"))
    assert of_part == ((parts[1][f"Checksum{algorithm}"], kind) if kind == "COMPOSITE" else (None, None))
    assert part["Body"].read() == LAST


@pytest.mark.parametrize(
    ("algorithm", "kind"), [("CRC32", "FULL_OBJECT"), ("CRC64NVME", "FULL_OBJECT"), ("SHA256", "COMPOSITE")]
)
def test_completion_may_promise_the_checksum_of_the_whole_object(door: Door, algorithm: str, kind: str) -> None:
    s3, member = door.client(), f"Checksum{algorithm}"
    known = complete(s3, *upload(s3, ChecksumAlgorithm=algorithm, ChecksumType=kind))[member]
    upload_id, parts = upload(s3, ChecksumAlgorithm=algorithm, ChecksumType=kind)

    wrong = known.replace(known[0], "A" if known[0] != "A" else "B", 1)
    with pytest.raises(ClientError, match="BadDigest"):
        complete(s3, upload_id, parts, **{member: wrong})
    done = complete(s3, upload_id, parts, **{member: known})

    assert done[member] == known


def test_list_of_parts_in_pages(door: Door) -> None:
    s3 = door.client()
    upload_id, parts = upload(s3, bodies=(b"a", b"b", b"c"))

    first = s3.list_parts(Bucket="inbox", Key="key", UploadId=upload_id, MaxParts=2)
    rest = s3.list_parts(Bucket="inbox", Key="key", UploadId=upload_id, PartNumberMarker=first["NextPartNumberMarker"])

    assert [one["PartNumber"] for one in first["Parts"]] == [1, 2]
    assert (first["IsTruncated"], first["NextPartNumberMarker"], first["MaxParts"]) == (True, 2, 2)
    assert [one["ETag"] for one in rest["Parts"]] == [parts[2]["ETag"]]
    assert rest["IsTruncated"] is False
    assert rest["StorageClass"] == "STANDARD"
    assert rest["Initiator"]["ID"]
    assert len(rest["Owner"]["ID"]) == 64


def test_list_of_uploads_in_pages(door: Door) -> None:
    s3 = door.client()
    ids = {
        (key, s3.create_multipart_upload(Bucket="inbox", Key=key)["UploadId"])
        for key in ("a", "b", "b", "c/1", "c/2", "ü")
    }
    found = set()

    for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket="inbox", PaginationConfig={"PageSize": 2}):
        found |= {(one["Key"], one["UploadId"]) for one in page.get("Uploads", [])}

    assert found == ids
    rolled = s3.list_multipart_uploads(Bucket="inbox", Delimiter="/")
    assert [one["Prefix"] for one in rolled["CommonPrefixes"]] == ["c/"]
    assert [one["Key"] for one in rolled["Uploads"]] == ["a", "b", "b", "ü"]


def test_aborted_upload_is_gone(door: Door) -> None:
    s3 = door.client()
    upload_id, parts = upload(s3, bodies=(b"a",))

    s3.abort_multipart_upload(Bucket="inbox", Key="key", UploadId=upload_id)

    assert refused(s3.list_parts, Bucket="inbox", Key="key", UploadId=upload_id) == (404, "NoSuchUpload")
    with pytest.raises(ClientError, match="NoSuchUpload"):
        complete(s3, upload_id, parts)
    answer = door.ask("DELETE", "/inbox/key?uploadId=rubbish")
    assert answer.error[:2] == (404, "NoSuchUpload")
    assert answer.xml["Error"]["UploadId"] == "rubbish"


def _completion(*parts: tuple[int, str]) -> bytes:
    rows = "".join(f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>" for number, etag in parts)
    return f"<CompleteMultipartUpload>{rows}</CompleteMultipartUpload>".encode()


def test_completion_that_cannot_be_is_refused_as_in_s3(door: Door) -> None:
    s3 = door.client()
    upload_id, parts = upload(s3, bodies=(b"a", b"b"))
    one, two = (part["ETag"] for part in parts)
    target = f"/inbox/key?uploadId={upload_id}"

    def error(*rows: tuple[int, str]) -> tuple[int, str]:
        return door.ask("POST", target, body=_completion(*rows)).error[:2]

    assert error() == (400, "MalformedXML")
    assert error((2, two), (1, one)) == (400, "InvalidPartOrder")
    assert error((1, one), (1, one)) == (400, "InvalidPartOrder")
    assert error((1, two)) == (400, "InvalidPart")
    assert error((3, one)) == (400, "InvalidPart")
    assert error((1, one), (2, two)) == (400, "EntityTooSmall")
    assert error(*[(number, one) for number in range(1, 10_002)]) == (400, "MalformedXML")
    assert door.ask("POST", target, body=b"<Other/>").error[:2] == (400, "MalformedXML")
    small = door.ask("POST", target, body=_completion((1, one), (2, two))).xml["Error"]
    assert (small["ProposedSize"], small["MinSizeAllowed"], small["PartNumber"]) == ("1", str(5 * MIB), "1")
    assert small["ETag"] == one.strip('"')
    wrong = door.ask("POST", target, body=_completion((1, two))).xml["Error"]
    assert (wrong["PartNumber"], wrong["ETag"]) == ("1", two.strip('"'))
    assert refused(s3.head_object, Bucket="inbox", Key="key") == (404, "404")


@pytest.mark.parametrize("number", [0, 10_001, -1])
def test_number_that_no_part_can_have_is_refused(door: Door, number: int) -> None:
    upload_id, _ = upload(door.client(), bodies=())

    answer = door.ask("PUT", f"/inbox/key?partNumber={number}&uploadId={upload_id}", body=b"a")

    assert answer.error == (400, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
    assert answer.xml["Error"]["ArgumentName"] == "partNumber"
    assert answer.xml["Error"]["ArgumentValue"] == str(number)


def test_part_may_be_a_copy_of_a_range(door: Door) -> None:
    s3 = door.client()
    s3.put_object(Bucket="inbox", Key="source", Body=b"0123456789")
    upload_id, _ = upload(s3, bodies=())
    where = {"Bucket": "inbox", "Key": "key", "UploadId": upload_id, "PartNumber": 1, "CopySource": "inbox/source"}

    copied = s3.upload_part_copy(**where, CopySourceRange="bytes=2-4")["CopyPartResult"]

    complete(s3, upload_id, [{"PartNumber": 1, "ETag": copied["ETag"]}])
    assert s3.get_object(Bucket="inbox", Key="key")["Body"].read() == b"234"
    upload_id, _ = upload(s3, bodies=())
    where["UploadId"] = upload_id
    assert refused(s3.upload_part_copy, **where, CopySourceRange="bytes=2-") == (400, "InvalidArgument")
    assert refused(s3.upload_part_copy, **where, CopySourceRange="bytes=2-99") == (400, "InvalidArgument")


def test_completion_on_a_condition(door: Door) -> None:
    s3 = door.client()
    s3.put_object(Bucket="inbox", Key="key", Body=b"there")
    upload_id, parts = upload(s3, bodies=(b"a",))

    with pytest.raises(ClientError, match="PreconditionFailed"):
        complete(s3, upload_id, parts, IfNoneMatch="*")

    assert s3.get_object(Bucket="inbox", Key="key")["Body"].read() == b"there"

"""What S3 takes and says for older clients: signatures of version 2, as boto3 makes them, and the dialect of Ceph."""

import contextlib
import http.client
import time
import urllib.parse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.client import ClientError

from cumulo.gateway.sigv2 import SUBRESOURCES
from cumulo.object_store.aws_s3 import SERVICE
from tests.object_store.aws_door import SECRET, Answer, Door, opened
from tests.object_store.aws_door import door as strict

__all__ = ["strict"]

ASKED = {"Bucket": "inbox", "Key": "a b/ü+"}


@pytest.fixture
def door(stand_in: Any, tmp_path: Path) -> Iterator[Door]:
    with opened(stand_in, tmp_path, takes_version_2=True) as it:
        yield it


def old(door: Door, **config: Any) -> Any:
    return door.client(signature_version="s3", **config)


def follow(door: Door, url: str, method: str = "GET", body: bytes = b"", headers: Mapping[str, str] = {}) -> Answer:
    parts = urllib.parse.urlsplit(url)
    return door.send(method, f"{parts.path}?{parts.query}", {"Host": parts.netloc, **headers}, body)


def refused(call: Any, **members: Any) -> tuple[int, str]:
    with pytest.raises(ClientError) as error:
        call(**members)
    return error.value.response["ResponseMetadata"]["HTTPStatusCode"], error.value.response["Error"]["Code"]


def test_requests_are_taken_with_their_headers_and_subresources(door: Door) -> None:
    s3 = old(door)

    s3.put_object(**ASKED, Body=b"body", Metadata={"colour": "dark  blue"}, ContentType="text/plain")
    got = s3.get_object(**ASKED, ResponseContentType="text/x y")

    assert (got["Body"].read(), got["ContentType"]) == (b"body", "text/x y")
    assert got["Metadata"] == {"colour": "dark  blue"}
    assert s3.list_objects_v2(Bucket="inbox", Prefix="a ")["KeyCount"] == 1
    assert s3.get_bucket_location(Bucket="inbox")["LocationConstraint"] is None
    assert s3.delete_objects(Bucket="inbox", Delete={"Objects": [{"Key": ASKED["Key"]}]})["Deleted"]


def test_presigned_url_carries_what_was_signed_and_no_more(door: Door) -> None:
    s3 = old(door)
    put = s3.generate_presigned_url("put_object", {**ASKED, "Metadata": {"colour": "red"}}, ExpiresIn=60)
    get = s3.generate_presigned_url("get_object", ASKED, ExpiresIn=60)

    assert follow(door, put, "PUT", b"body").status == 200
    assert follow(door, get).body == b"body"
    assert follow(door, get).headers["x-amz-meta-colour"] == "red"
    assert follow(door, get + "&response-content-type=text/html").error[:2] == (403, "SignatureDoesNotMatch")
    assert follow(door, put + "&x-amz-storage-class=GLACIER", "PUT").error[:2] == (403, "SignatureDoesNotMatch")
    assert follow(door, get, headers={"x-amz-request-payer": "requester"}).error[:2] == (403, "SignatureDoesNotMatch")
    assert follow(door, get.replace("inbox", "other")).error[:2] == (403, "SignatureDoesNotMatch")
    assert follow(door, get, "DELETE").error[:2] == (403, "SignatureDoesNotMatch")


def test_presigned_url_ends(door: Door) -> None:
    url = old(door).generate_presigned_url("get_object", ASKED, ExpiresIn=-1)

    assert follow(door, url).error == (403, "AccessDenied", "Request has expired")


@pytest.mark.parametrize("late_s", [-1000, 1000])
def test_time_of_a_signature_is_held_to_the_clock(door: Door, late_s: int) -> None:
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + late_s))
    answer = door.send(
        "GET",
        "/inbox",
        {"Host": f"127.0.0.1:{door.port}", "Date": date, "Authorization": "AWS AKIAOWNER:AAAAAAAAAAAAAAAAAAAAAAAAAAA="},
        b"",
    )

    assert answer.error[:2] == (403, "RequestTimeTooSkewed")


@pytest.mark.parametrize(
    ("query", "authorization", "refusal"),
    [
        ("AWSAccessKeyId=AKIAOWNER&Signature=x", "", (403, "AccessDenied")),
        ("AWSAccessKeyId=AKIAOWNER&Signature=x&Expires=soon", "", (403, "AccessDenied")),
        ("AWSAccessKeyId=AKIAOWNER&Signature=x&Expires=1&Expires=9999999999", "", (400, "InvalidURI")),
        ("AWSAccessKeyId=AKIANOBODY&Signature=x&Expires=9999999999", "", (403, "InvalidAccessKeyId")),
        ("AWSAccessKeyId=A&Signature=x&Expires=9999999999&X-Amz-Date=1", "", (400, "InvalidArgument")),
        ("AWSAccessKeyId=A&Signature=x&Expires=9999999999", "AWS AKIAOWNER:x=", (400, "InvalidArgument")),
        ("", "AWS AKIAOWNER", (400, "InvalidArgument")),
        ("", "AWS AKIAOWNER:x=", (403, "AccessDenied")),
    ],
)
def test_broken_signature_is_refused(door: Door, query: str, authorization: str, refusal: tuple[int, str]) -> None:
    headers = {"Host": f"127.0.0.1:{door.port}"}
    if authorization:
        headers["Authorization"] = authorization

    assert door.send("GET", f"/inbox?{query}", headers, b"").error[:2] == refusal


def test_another_secret_is_refused_and_ours_never_shown(door: Door) -> None:
    url = old(door).generate_presigned_url("get_object", ASKED, ExpiresIn=60)
    answer = follow(door, url.replace("Signature=", "Signature=0"))

    assert answer.error[:2] == (403, "SignatureDoesNotMatch")
    assert SECRET.encode() not in answer.body


def test_headers_of_chunks_leave_a_presigned_request_without_its_signature(door: Door) -> None:
    url = old(door).generate_presigned_url("put_object", ASKED, ExpiresIn=60)
    headers = {
        "Host": f"127.0.0.1:{door.port}",
        "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "x-amz-date": "20211122T191045Z",
    }

    answer = door.send("PUT", url.removeprefix(f"http://127.0.0.1:{door.port}"), headers, b"body")

    assert answer.error[:2] == (403, "SignatureDoesNotMatch")


def test_policies_see_the_version(door: Door) -> None:
    policy = (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:GetObject",'
        '"Resource":"arn:aws:s3:::inbox/*","Condition":{"StringEquals":{"s3:signatureversion":"AWS"}}}]}'
    )
    s3 = door.client()
    s3.put_object(**ASKED, Body=b"body")
    s3.put_bucket_policy(Bucket="inbox", Policy=policy)

    assert s3.get_object(**ASKED)["Body"].read() == b"body"
    assert refused(old(door).get_object, **ASKED) == (403, "AccessDenied")


def test_version_2_is_refused_where_the_server_does_not_say_so(strict: Door) -> None:
    assert refused(old(strict).list_objects_v2, Bucket="inbox") == (400, "InvalidRequest")
    url = old(strict).generate_presigned_url("get_object", ASKED, ExpiresIn=60)
    assert follow(strict, url).status == 400


@pytest.fixture
def ceph(stand_in: Any, tmp_path: Path) -> Iterator[Door]:
    with opened(stand_in, tmp_path, dialect="ceph") as it:
        yield it


def test_dialect_of_ceph_has_its_codes(ceph: Door) -> None:
    s3 = ceph.client()
    s3.put_object(**ASKED, Body=b"body")
    part = {"Bucket": "inbox", "Key": "m", "PartNumber": 1}
    upload = s3.create_multipart_upload(Bucket="inbox", Key="m")["UploadId"]

    assert refused(s3.get_object, **ASKED, PartNumber=2) == (400, "InvalidPart")
    assert refused(s3.put_object, **ASKED, Body=b"", ChecksumCRC32="bad") == (400, "BadDigest")
    assert refused(s3.list_objects_v2, Bucket="inbox", ExpectedBucketOwner="1") == (403, "AccessDenied")
    tags = [{"Key": str(number), "Value": ""} for number in range(11)]
    assert refused(s3.put_object_tagging, **ASKED, Tagging={"TagSet": tags}) == (400, "InvalidTag")
    source = {"CopySource": ASKED, "CopySourceRange": "bytes=0-9"}
    assert refused(s3.upload_part_copy, **part, **source, UploadId=upload) == (416, "InvalidRange")
    source["CopySourceRange"] = "bytes=10-19"
    assert refused(s3.upload_part_copy, **part, **source, UploadId=upload) == (416, "InvalidRange")
    assert refused(s3.complete_multipart_upload, Bucket="inbox", Key="m", UploadId=upload) == (400, "MalformedXML")
    url = ceph.client(signature_version="s3v4").generate_presigned_url("get_object", ASKED, ExpiresIn=604_801)
    assert follow(ceph, url).error[:2] == (403, "AccessDenied")


def test_dialect_of_ceph_takes_a_body_that_does_not_say_its_size(ceph: Door) -> None:
    url = urllib.parse.urlsplit(ceph.client(signature_version="s3v4").generate_presigned_url("put_object", ASKED))
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", ceph.port, timeout=30)) as connection:
        target, chunks = f"{url.path}?{url.query}", iter((b"bo", b"dy"))
        connection.request("PUT", target, chunks, {"Host": url.netloc}, encode_chunked=True)
        answer = connection.getresponse()
        answer.read()

    assert answer.status == 200
    assert ceph.client().get_object(**ASKED)["Body"].read() == b"body"


def test_dialect_of_ceph_completes_an_upload_with_its_key_only(ceph: Door) -> None:
    s3 = ceph.client()
    key: dict[str, Any] = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": b"k" * 32}
    upload = {"UploadId": s3.create_multipart_upload(**ASKED, **key)["UploadId"]}
    etag = s3.upload_part(**ASKED, **upload, **key, PartNumber=1, Body=b"x")["ETag"]
    whole = {"MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": etag}]}}

    assert refused(s3.complete_multipart_upload, **ASKED, **upload, **whole) == (400, "InvalidRequest")
    done = s3.complete_multipart_upload(**ASKED, **upload, **whole, **key)
    assert done["ResponseMetadata"]["HTTPHeaders"]["x-amz-server-side-encryption-customer-algorithm"] == "AES256"
    assert s3.get_object(**ASKED, **key)["Body"].read() == b"x"


def test_dialect_of_ceph_completes_an_upload_by_its_etags(ceph: Door) -> None:
    s3 = ceph.client()
    upload = {"UploadId": s3.create_multipart_upload(**ASKED, ChecksumAlgorithm="SHA256")["UploadId"]}
    part = s3.upload_part(**ASKED, **upload, PartNumber=1, Body=b"x", ChecksumAlgorithm="SHA256")
    s3.complete_multipart_upload(
        **ASKED, **upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    )

    found = s3.get_object_attributes(**ASKED, ObjectAttributes=["Checksum", "ObjectParts"])
    assert [one["ChecksumSHA256"] for one in found["ObjectParts"]["Parts"]] == [part["ChecksumSHA256"]]
    assert found["Checksum"]["ChecksumSHA256"].endswith("-1")


def test_dialect_of_ceph_lists_the_parts_of_an_object_without_checksums_of_them(ceph: Door) -> None:
    s3 = ceph.client(request_checksum_calculation="when_required")
    upload = {"UploadId": s3.create_multipart_upload(**ASKED)["UploadId"]}
    etag = s3.upload_part(**ASKED, **upload, PartNumber=1, Body=b"x")["ETag"]
    s3.complete_multipart_upload(**ASKED, **upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})

    found = s3.get_object_attributes(**ASKED, ObjectAttributes=["ObjectParts"])["ObjectParts"]
    assert (found["TotalPartsCount"], found["Parts"]) == (1, [{"PartNumber": 1, "Size": 1}])


def test_dialect_of_ceph_keeps_the_list_of_a_bucket_that_is_made_again(ceph: Door) -> None:
    s3 = ceph.client()
    s3.create_bucket(Bucket="lists", ObjectOwnership="ObjectWriter", ACL="log-delivery-write")

    s3.create_bucket(Bucket="lists", ObjectOwnership="ObjectWriter", ACL="log-delivery-write")
    assert refused(s3.create_bucket, Bucket="lists", ACL="private") == (409, "BucketAlreadyExists")
    assert len(s3.get_bucket_acl(Bucket="lists")["Grants"]) == 3


def test_dialect_of_ceph_meets_every_condition_of_a_write(ceph: Door) -> None:
    s3 = ceph.client()
    etag = s3.put_object(**ASKED, Body=b"body")["ETag"]

    s3.put_object(**ASKED, Body=b"more", IfMatch="*")
    s3.put_object(**ASKED, Body=b"other", IfNoneMatch=etag)
    assert refused(s3.put_object, Bucket="inbox", Key="gone", IfMatch="*") == (404, "NoSuchKey")


def test_version_2_signs_whatever_tells_one_operation_from_another() -> None:
    told: set[str] = set()
    for operation in SERVICE.operations.values():
        told |= {parameter.partition("=")[0] for parameter in operation.required_query}
        told |= {parameter.partition("=")[0] for parameter in operation.uri.partition("?")[2].split("&")}

    # Which configuration, and which form of a listing: the operation, and what it may, stays the same.
    assert told - {name.decode() for name in SUBRESOURCES} == {"", "id", "list-type"}


def test_dialect_of_ceph_tells_a_listings_beginning_beside_its_token(ceph: Door) -> None:
    s3 = ceph.client()
    for key in "abc":
        s3.put_object(Bucket="inbox", Key=key)
    asked = {"Bucket": "inbox", "MaxKeys": 1, "StartAfter": "a"}

    page = s3.list_objects_v2(**asked, ContinuationToken="")
    following = s3.list_objects_v2(**asked, ContinuationToken=page["NextContinuationToken"])

    assert [one["Key"] for one in (*page["Contents"], *following["Contents"])] == ["b", "c"]
    assert following["StartAfter"] == "a"


def test_dialect_of_ceph_does_not_tell_of_encryption_that_nobody_configured(ceph: Door) -> None:
    s3, rule = ceph.client(), {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    not_found = (404, "ServerSideEncryptionConfigurationNotFoundError")

    assert refused(s3.get_bucket_encryption, Bucket="inbox") == not_found
    assert s3.put_object(**ASKED, Body=b"body")["ServerSideEncryption"] == "AES256"
    s3.put_bucket_encryption(Bucket="inbox", ServerSideEncryptionConfiguration={"Rules": [rule]})
    said = s3.get_bucket_encryption(Bucket="inbox")["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert said["ApplyServerSideEncryptionByDefault"] == rule["ApplyServerSideEncryptionByDefault"]
    s3.delete_bucket_encryption(Bucket="inbox")
    assert refused(s3.get_bucket_encryption, Bucket="inbox") == not_found
    assert s3.put_object(**ASKED, Body=b"body")["ServerSideEncryption"] == "AES256"


def test_dialect_of_ceph_lists_groups_before_accounts(ceph: Door) -> None:
    s3 = ceph.client()
    s3.create_bucket(Bucket="lists", ObjectOwnership="ObjectWriter")
    s3.delete_public_access_block(Bucket="lists")
    s3.put_bucket_acl(Bucket="lists", ACL="public-read")

    assert [it["Grantee"]["Type"] for it in s3.get_bucket_acl(Bucket="lists")["Grants"]] == ["Group", "CanonicalUser"]

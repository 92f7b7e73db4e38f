"""What describes an object, its attributes, restores and copies in parts, by the SDK against a real server."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import grpc
import pytest

from cumulo.api.objects.v1 import objects_pb2 as pb
from cumulo.client import Bucket, Client, errors
from cumulo.client._async.copies import COPY_BYTES_MAX, PARTS_MAX, copy_part_bytes
from cumulo.client.etags import PART_BYTES
from cumulo.client.model import Encryption, Grant
from cumulo.testing import Server

Code = grpc.StatusCode
MIB = 1024 * 1024
HEADERS = {"cache-control": "no-store", "content-disposition": "attachment"}


@pytest.fixture
def large() -> bytes:
    """More than one part of an upload by the SDK holds."""
    return b"".join(bytes([it]) * MIB for it in range(12))


def md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()


@pytest.mark.parametrize("size", [5, PART_BYTES + 1])
def test_object_is_stored_with_its_headers_class_and_tags(bucket: Bucket, size: int):
    stored = bucket.put("k", bytes(size), headers=HEADERS, storage_class="STANDARD_IA", tags={"a": "1", "b": "2"})

    found = bucket.head("k")

    assert (found.headers, found.storage_class, found.tag_count) == (HEADERS, "STANDARD_IA", 2)
    assert found.etag == stored.etag
    assert bucket.tags("k") == {"a": "1", "b": "2"}
    assert bucket.put("plain", "x").storage_class == "STANDARD"


def test_writer_stores_with_headers_and_tags(bucket: Bucket):
    with bucket.open("k", "wb", headers=HEADERS, tags={"a": "1"}) as writer:
        writer.write(b"text")

    assert (bucket.head("k").headers, bucket.tags("k")) == (HEADERS, {"a": "1"})


@pytest.mark.parametrize(
    "wrong",
    [
        {"storage_class": "COLD"},
        {"headers": {"etag": "x"}},
        {"tags": {"": "x"}},
        {"tags": dict.fromkeys("0123456789a", "x")},
    ],
)
def test_what_cannot_describe_an_object_is_refused(bucket: Bucket, wrong: dict[str, Any]):
    with pytest.raises(errors.InvalidArgument):
        bucket.put("k", "x", **wrong)

    assert list(bucket.list()) == []


def test_canned_list_comes_with_the_object_where_lists_act(client: Client, bucket: Bucket):
    with pytest.raises(errors.CumuloError) as refused:
        bucket.put("k", "x", canned_acl="public-read")
    bucket.set_configuration("ownership_controls", {"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    bucket.set_configuration("public_access_block", {"BlockPublicAcls": False})
    bucket.put("k", "x", canned_acl="public-read")

    assert refused.value.code == "AccessControlListNotSupported"
    assert [(it.grantee, it.permission) for it in bucket.acl("k").grants if "AllUsers" in it.grantee] != []


def test_attributes_tell_the_parts_and_their_checksums(bucket: Bucket, large: bytes):
    stored = bucket.put("k", large)

    found = bucket.attributes("k")

    assert found.info == bucket.head("k")
    assert found.checksum_type == "FULL_OBJECT"
    assert found.checksums["crc64nvme"] == f"{stored.crc64nvme:016x}"
    assert [(it.number, it.size) for it in found.parts] == [(1, PART_BYTES), (2, len(large) - PART_BYTES)]
    assert [it.etag for it in found.parts] == [md5(large[:PART_BYTES]).hex(), md5(large[PART_BYTES:]).hex()]
    assert all(set(it.checksums) == {"crc64nvme"} for it in found.parts)


def test_attributes_of_a_version_and_of_what_is_not_there(bucket: Bucket):
    bucket.set_versioning("Enabled")
    old = bucket.put("k", "old")
    bucket.put("k", "newer")

    assert bucket.attributes("k", version_id=old.version_id).info.size == 3
    assert bucket.attributes("k").parts == ()
    with pytest.raises(errors.NotFound):
        bucket.attributes("other")


def test_archived_object_is_restored(bucket: Bucket):
    bucket.put("k", "text", storage_class="GLACIER")
    bucket.put("plain", "text")

    with pytest.raises(errors.CumuloError) as unread:
        bucket.get("k")
    was_there = bucket.restore("k", 2)
    with pytest.raises(errors.PreconditionFailed) as never:
        bucket.restore("plain", 2)

    assert unread.value.code == never.value.code == "InvalidObjectState"
    assert not was_there
    assert bucket.head("k").restore is not None
    assert bucket.head("plain").restore is None
    for days, tier in ((0, "Standard"), (1, "Slow")):
        with pytest.raises(errors.InvalidArgument):
            bucket.restore("k", days, tier=tier)  # type: ignore[arg-type]


def test_large_object_is_copied_in_parts(bucket: Bucket, large: bytes):
    bucket.put("a", large, content_type="text/plain", metadata={"m": "1"}, headers=HEADERS, tags={"t": "1"})
    told: list[int] = []

    copied = bucket.copy("a", "b", parts_above=5 * MIB, progress=told.append)

    assert bucket.get("b") == large
    assert sorted(told) == [2 * MIB, 5 * MIB, 5 * MIB]
    assert copied.part_count == 3
    found = bucket.head("b")
    assert (found.content_type, found.metadata, found.headers) == ("text/plain", {"m": "1"}, HEADERS)
    assert bucket.tags("b") == {"t": "1"}
    assert list(bucket.uploads()) == []


def test_copy_in_parts_is_described_anew_where_that_is_asked_for(bucket: Bucket, large: bytes):
    bucket.put("a", large, content_type="text/plain", headers=HEADERS, tags={"t": "1"})

    bucket.copy("a", "b", parts_above=5 * MIB, metadata={"m": "2"}, tags={"u": "2"}, storage_class="STANDARD_IA")

    found = bucket.head("b")
    assert (found.content_type, found.metadata, found.headers) == ("binary/octet-stream", {"m": "2"}, {})
    assert (found.storage_class, bucket.tags("b")) == ("STANDARD_IA", {"u": "2"})


def test_copy_that_keeps_its_parts_has_the_etag_of_its_source(bucket: Bucket, large: bytes):
    stored = bucket.put("a", large)
    bucket.put("grown", "text")
    bucket.append("grown", "more", offset=4)
    bucket.append("grown", "", offset=8)

    copied = bucket.copy("a", "b", keep_parts=True)
    bucket.copy("grown", "c", keep_parts=True)

    assert (copied.etag, copied.part_count) == (stored.etag, 2)
    assert (bucket.get("b"), bucket.get("c")) == (large, b"textmore")


def test_copy_in_one_call_takes_the_same_descriptions(bucket: Bucket):
    bucket.put("a", "text", headers=HEADERS, tags={"t": "1"})
    told: list[int] = []

    bucket.copy("a", "b", progress=told.append)
    bucket.copy("a", "c", tags={}, headers={"expires": "0"}, storage_class="STANDARD_IA", parts_above=100)

    assert told == [4]
    assert (bucket.head("b").headers, bucket.tags("b")) == (HEADERS, {"t": "1"})
    assert (bucket.head("c").headers, bucket.tags("c")) == ({"expires": "0"}, {})
    assert bucket.head("c").storage_class == "STANDARD_IA"


def test_copy_in_parts_is_of_one_version_and_under_keys_of_the_caller(bucket: Bucket, large: bytes):
    bucket.set_versioning("Enabled")
    old = bucket.put("a", large, encryption=Encryption(customer_key=b"1" * 32))
    bucket.put("a", "newer")

    bucket.copy(
        "a",
        "b",
        source_version_id=old.version_id,
        source_customer_key=b"1" * 32,
        encryption=Encryption(customer_key=b"2" * 32),
        parts_above=5 * MIB,
    )

    assert bucket.get("b", customer_key=b"2" * 32) == large


def test_copy_in_parts_that_fails_leaves_nothing(client: Client, bucket: Bucket, large: bytes):
    bucket.put("a", large)
    bucket.put("b", "there")

    refusals: list[Callable[[], Any]] = [
        lambda: bucket.copy("a", "b", parts_above=5 * MIB, if_none_match="*"),
        lambda: bucket.copy("a", "c", parts_above=5 * MIB, source_if_match="0" * 32),
        lambda: bucket.copy("none", "c", parts_above=5 * MIB),
    ]
    for refused in refusals:
        with pytest.raises((errors.PreconditionFailed, errors.NotFound)):
            refused()

    assert bucket.get("b") == b"there"
    assert [it.key for it in bucket.list()] == ["a", "b"]
    assert list(bucket.uploads()) == []


def test_what_is_too_large_for_one_call_is_copied_in_parts(script: Any, scripted: Client, refuse: Any):
    size = COPY_BYTES_MAX + 1
    source = pb.Object(bucket="buckets/b", key="a", size_bytes=size, etag="e", version_id="v")
    script.answers |= {
        "CopyObject": [refuse(Code.INVALID_ARGUMENT)],
        "HeadObject": [pb.HeadObjectResponse(object=source)],
        "CreateMultipartUpload": [pb.CreateMultipartUploadResponse(upload_id="u")],
        "UploadPartCopy": [lambda asked, _: pb.UploadPartCopyResponse(part=pb.Part(etag=f"e{asked.part_number}"))],
        "CompleteMultipartUpload": [pb.CompleteMultipartUploadResponse(object=source)],
    }
    told: list[int] = []

    scripted.bucket("b").copy("a", "k", progress=told.append)

    parts = sorted((request for request, _ in script.calls("UploadPartCopy")), key=lambda it: it.part_number)
    assert sum(told) == size
    assert [it.range.first for it in parts] == list(range(0, size, 128 * MIB))
    assert [it.range.last for it in parts] == [*range(128 * MIB - 1, size, 128 * MIB), size - 1]
    assert {(it.source_version_id, it.source_if_match, it.upload_id) for it in parts} == {("v", "e", "u")}
    ((completed, _),) = script.calls("CompleteMultipartUpload")
    assert [(it.part_number, it.etag) for it in completed.parts] == [(n, f"e{n}") for n in range(1, len(parts) + 1)]


def test_copy_that_cannot_be_is_refused_for_its_own_reason(script: Any, scripted: Client, refuse: Any):
    small = pb.HeadObjectResponse(object=pb.Object(size_bytes=5))
    script.answers |= {
        "CopyObject": [refuse(Code.INVALID_ARGUMENT, "onto itself")],
        "HeadObject": [small, refuse(Code.NOT_FOUND)],
    }

    for _ in range(2):
        with pytest.raises(errors.InvalidArgument, match="onto itself"):
            scripted.bucket("b").copy("a", "a")


def test_parts_of_a_copy_fit_into_one_upload():
    sizes = [COPY_BYTES_MAX + 1, 1 << 40, 5 << 40]

    assert [-(-size // copy_part_bytes(size)) <= PARTS_MAX for size in sizes] == [True] * 3
    assert copy_part_bytes(5 << 40) <= COPY_BYTES_MAX
    assert copy_part_bytes(COPY_BYTES_MAX + 1) == 128 * MIB


def test_listings_tell_the_owner_of_what_another_account_wrote(
    server: Server, client: Client, bucket: Bucket, name: str
):
    key = client.iam.create_account("", name, email=f"{name}@example.com")
    bucket.set_configuration("ownership_controls", {"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    bucket.set_acl(grants=[Grant(grantee=key.account, permission="WRITE")])
    bucket.put("own", "x", storage_class="STANDARD_IA")
    with server.client(access_key_id=key.access_key_id, secret_access_key=key.secret_access_key) as other:
        other.bucket(bucket.name).put("theirs", "x")

    assert [(it.key, it.owner) for it in bucket.list(fetch_owner=True)] == [("own", ""), ("theirs", key.account)]
    assert [(it.owner, it.storage_class) for it in bucket.list()] == [("", "STANDARD_IA"), ("", "STANDARD")]
    assert [(it.key, it.owner) for it in bucket.versions()] == [("own", ""), ("theirs", key.account)]


def test_object_is_deleted_only_as_it_is_known(bucket: Bucket):
    stored = bucket.put("k", "text")

    refusals: list[dict[str, Any]] = [{"if_size": 5}, {"if_modified": stored.modified - timedelta(seconds=2)}]
    for wrong in refusals:
        with pytest.raises(errors.PreconditionFailed):
            bucket.delete("k", **wrong)
    bucket.delete("k", if_size=4, if_modified=stored.modified, if_match=stored.etag)

    assert list(bucket.list()) == []


def test_bucket_is_made_with_ownership_tags_and_list(client: Client, name: str):
    made = client.bucket(name)
    made.create(object_ownership="ObjectWriter", tags={"a": "1"}, canned_acl="log-delivery-write")

    assert made.configuration("ownership_controls") == {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    assert made.configuration("tagging") == {"TagSet": [{"Key": "a", "Value": "1"}]}
    assert {it.grantee for it in made.acl().grants} == {"000000000000", "LogDelivery"}
    for wrong in ({"object_ownership": "Nobody"}, {"canned_acl": "secret"}, {"tags": {"": "1"}}):
        with pytest.raises(errors.InvalidArgument):
            client.bucket(f"{name}-x").create(**wrong)


def test_policy_says_whether_it_is_public(bucket: Bucket):
    with pytest.raises(errors.NotFound):
        bucket.policy_is_public()
    statement = {"Effect": "Allow", "Principal": {"AWS": "000000000000"}, "Action": "s3:GetObject"}
    bucket.set_policy(
        {"Version": "2012-10-17", "Statement": [statement | {"Resource": f"arn:aws:s3:::{bucket.name}/*"}]}
    )

    assert not bucket.policy_is_public()

"""What S3's protocol says of versions: every header, element and refusal, by boto3 and byte by byte."""

import urllib.parse
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from botocore.exceptions import ClientError

from tests.object_store.aws_door import OTHER_ACCOUNT, Door, door, opened
from tests.object_store.test_edge_aws_forms import post

__all__ = ["door"]

ID, MARKER = "x-amz-version-id", "x-amz-delete-marker"
OF_MARKERS = ("get_object_tagging", "put_object_tagging", "delete_object_tagging", "put_object_acl")
"""What is not allowed of a delete marker also where it is the newest version."""
NEVER = "0" * 16 + "G" * 16
"""An id that could be one and is none."""
Headers = dict[str, str]


class Full(NamedTuple):
    """A bucket with two versions of `k` and a deleted `gone` of one version."""

    s3: Any
    door: Door
    old: str
    new: str
    kept: str
    marker: str


@pytest.fixture
def full(door: Door) -> Full:
    s3 = door.client()
    enable(s3)
    old, new = (s3.put_object(Bucket="inbox", Key="k", Body=body)["VersionId"] for body in (b"old", b"new"))
    kept = s3.put_object(Bucket="inbox", Key="gone", Body=b"kept")["VersionId"]
    marker = s3.delete_object(Bucket="inbox", Key="gone")["VersionId"]
    return Full(s3, door, old, new, kept, marker)


def enable(s3: Any, status: str = "Enabled") -> None:
    s3.put_bucket_versioning(Bucket="inbox", VersioningConfiguration={"Status": status})


def told(answer: Any) -> tuple[str | None, str | None]:
    """The version and the delete marker that an answer's headers tell of."""
    headers: Headers = answer["ResponseMetadata"]["HTTPHeaders"]
    return headers.get(ID), headers.get(MARKER)


def refusal(call: Any, **asked: Any) -> Any:
    with pytest.raises(ClientError) as caught:
        call(Bucket="inbox", **asked)
    return caught.value.response


def test_every_write_tells_its_version(full: Full) -> None:
    s3 = full.s3
    put = s3.put_object(Bucket="inbox", Key="a", Body=b"1")
    copied = s3.copy_object(Bucket="inbox", Key="a", CopySource={"Bucket": "inbox", "Key": "k", "VersionId": full.old})
    upload = s3.create_multipart_upload(Bucket="inbox", Key="a")
    upload_id = upload["UploadId"]
    part = s3.upload_part(Bucket="inbox", Key="a", UploadId=upload_id, PartNumber=1, Body=b"part")
    parts = [{"PartNumber": 1, "ETag": part["ETag"]}]
    completed = s3.complete_multipart_upload(
        Bucket="inbox", Key="a", UploadId=upload_id, MultipartUpload={"Parts": parts}
    )
    form = post(full.door, "a")

    ids = [it["VersionId"] for it in (put, copied, completed)] + [form.headers[ID]]
    listed = s3.list_object_versions(Bucket="inbox", Prefix="a")["Versions"]
    assert [it["VersionId"] for it in listed] == list(reversed(ids))
    assert [it["IsLatest"] for it in listed] == [True, False, False, False]
    assert [told(it) for it in (put, copied, completed)] == [(it, None) for it in ids[:3]]
    assert copied["CopySourceVersionId"] == full.old
    assert [told(it) for it in (upload, part)] == [(None, None)] * 2


def test_copies_tell_the_version_of_their_source(full: Full) -> None:
    s3 = full.s3
    current = s3.copy_object(Bucket="inbox", Key="a", CopySource="inbox/k")
    upload_id = s3.create_multipart_upload(Bucket="inbox", Key="a")["UploadId"]
    part: dict[str, Any] = {"Bucket": "inbox", "Key": "a", "UploadId": upload_id, "PartNumber": 1}

    parts = [
        s3.upload_part_copy(CopySource=source, **part)
        for source in (
            "inbox/k",
            f"inbox/k?versionId={full.old}",
            {"Bucket": "inbox", "Key": "k", "VersionId": full.old},
        )
    ]

    assert current["CopySourceVersionId"] == full.new
    assert [it["CopySourceVersionId"] for it in parts] == [full.new, full.old, full.old]
    restored = s3.copy_object(Bucket="inbox", Key="k", CopySource=f"inbox/k?versionId={full.old}")
    assert restored["VersionId"] not in (full.old, full.new)
    assert s3.get_object(Bucket="inbox", Key="k")["Body"].read() == b"old"


def test_copy_tells_the_null_version_that_it_made_and_not_the_one_that_it_copied(full: Full) -> None:
    s3 = full.s3
    s3.put_bucket_versioning(Bucket="inbox", VersioningConfiguration={"Status": "Suspended"})

    suspended = s3.copy_object(Bucket="inbox", Key="a", CopySource="inbox/k")
    again = s3.copy_object(Bucket="inbox", Key="a", CopySource="inbox/a", MetadataDirective="REPLACE")
    s3.put_bucket_versioning(Bucket="inbox", VersioningConfiguration={"Status": "Enabled"})
    enabled = s3.copy_object(Bucket="inbox", Key="a", CopySource="inbox/a", MetadataDirective="REPLACE")

    assert (suspended["VersionId"], suspended["CopySourceVersionId"]) == ("null", full.new)
    assert (again["VersionId"], "CopySourceVersionId" in again) == ("null", False)
    assert (enabled["VersionId"] == "null", "CopySourceVersionId" in enabled) == (False, False)


READS: dict[str, dict[str, Any]] = {
    "get_object": {},
    "head_object": {},
    "get_object_tagging": {},
    "get_object_acl": {},
    "get_object_attributes": {"ObjectAttributes": ["ETag"]},
}
WRITES: dict[str, dict[str, Any]] = {
    "put_object_tagging": {"Tagging": {"TagSet": [{"Key": "a", "Value": "b"}]}},
    "delete_object_tagging": {},
    "put_object_acl": {"ACL": "bucket-owner-full-control"},
}


@pytest.mark.parametrize("operation", [*READS, *WRITES])
def test_what_is_about_a_version_tells_which(full: Full, operation: str) -> None:
    call = getattr(full.s3, operation)
    asked: dict[str, Any] = {"Bucket": "inbox", "Key": "k", **(READS | WRITES)[operation]}

    answers = [call(**asked), call(VersionId=full.old, **asked)]

    assert [told(it) for it in answers] == [(full.new, None), (full.old, None)]


@pytest.mark.parametrize("operation", [*READS, *WRITES])
def test_a_delete_marker_by_its_id_is_not_allowed(full: Full, operation: str) -> None:
    asked: dict[str, Any] = (READS | WRITES)[operation]

    refused = refusal(getattr(full.s3, operation), Key="gone", VersionId=full.marker, **asked)

    headers = refused["ResponseMetadata"]["HTTPHeaders"]
    assert (refused["ResponseMetadata"]["HTTPStatusCode"], headers["allow"]) == (405, "DELETE")
    assert told(refused) == (full.marker, "true")
    assert "GMT" in headers["last-modified"]
    if operation != "head_object":
        assert refused["Error"] == {
            "Code": "MethodNotAllowed",
            "Message": "The specified method is not allowed against this resource.",
            "Method": {"put": "PUT", "get": "GET", "del": "DELETE"}[operation[:3]],
            "ResourceType": "DeleteMarker",
        }


@pytest.mark.parametrize("operation", [*READS, *WRITES])
def test_what_is_deleted_is_not_found_and_tells_of_its_marker(full: Full, operation: str) -> None:
    refused = refusal(getattr(full.s3, operation), Key="gone", **(READS | WRITES)[operation])

    status, code = (405, "MethodNotAllowed") if operation in OF_MARKERS else (404, "NoSuchKey")
    assert refused["ResponseMetadata"]["HTTPStatusCode"] == status
    assert told(refused) == (full.marker, "true")
    assert refused["Error"]["Code"] == ("404" if operation == "head_object" else code)
    assert full.s3.get_object(Bucket="inbox", Key="gone", VersionId=full.kept)["Body"].read() == b"kept"


@pytest.mark.parametrize("operation", [*READS, *WRITES])
def test_a_version_that_is_not_there_is_not_found(full: Full, operation: str) -> None:
    asked = (READS | WRITES)[operation]

    refused = refusal(getattr(full.s3, operation), Key="k", VersionId=NEVER, **asked)

    assert refused["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert told(refused) == (None, None)
    if operation != "head_object":
        assert refused["Error"] == {
            "Code": "NoSuchVersion",
            "Message": "The specified version does not exist.",
            "Key": "k",
            "VersionId": NEVER,
        }


@pytest.mark.parametrize("operation", [*READS, *WRITES, "delete_object"])
def test_an_id_that_cannot_be_one_is_invalid(full: Full, operation: str) -> None:
    call, asked = getattr(full.s3, operation), (READS | WRITES).get(operation, {})

    for wrong in ("none", "nul", NEVER.lower(), NEVER + "0", "Z" * 32):
        refused = refusal(call, Key="k", VersionId=wrong, **asked)

        assert refused["ResponseMetadata"]["HTTPStatusCode"] == 400
        if operation != "head_object":
            assert refused["Error"] == {
                "Code": "InvalidArgument",
                "Message": "Invalid version id specified",
                "ArgumentName": "versionId",
                "ArgumentValue": wrong,
            }


def test_an_empty_id_is_refused(full: Full) -> None:
    for method, target in (("GET", ""), ("DELETE", ""), ("GET", "tagging&"), ("GET", "acl&")):
        answer = full.door.ask(method, f"/inbox/k?{target}versionId=")

        assert answer.error == (400, "InvalidArgument", "Version id cannot be the empty string")


@pytest.mark.parametrize("source", ["k?versionId=" + NEVER, "none"])
def test_a_source_that_is_not_there_is_not_found(full: Full, source: str) -> None:
    refused = refusal(full.s3.copy_object, Key="a", CopySource=f"inbox/{source}")

    assert refused["Error"]["Code"] == ("NoSuchVersion" if "?" in source else "NoSuchKey")


def test_a_delete_marker_is_not_copied(full: Full) -> None:
    by_id = refusal(full.s3.copy_object, Key="a", CopySource=f"inbox/gone?versionId={full.marker}")
    current = refusal(full.s3.copy_object, Key="a", CopySource="inbox/gone")
    wrong = refusal(full.s3.copy_object, Key="a", CopySource="inbox/k?versionId=none")

    assert (by_id["ResponseMetadata"]["HTTPStatusCode"], by_id["Error"]["Code"]) == (400, "InvalidRequest")
    assert by_id["Error"]["Message"] == (
        "The source of a copy request may not specifically refer to a delete marker by version id."
    )
    assert (current["ResponseMetadata"]["HTTPStatusCode"], current["Error"]["Code"]) == (404, "NoSuchKey")
    assert (wrong["Error"]["Code"], wrong["Error"]["Message"]) == ("InvalidArgument", "Invalid version id specified")


def test_deletes_tell_what_they_made_or_removed(full: Full) -> None:
    s3 = full.s3

    hidden = s3.delete_object(Bucket="inbox", Key="k")
    again = s3.delete_object(Bucket="inbox", Key="k")
    back = [s3.delete_object(Bucket="inbox", Key="k", VersionId=it["VersionId"]) for it in (hidden, again)]
    gone = s3.delete_object(Bucket="inbox", Key="k", VersionId=full.new)
    not_there = s3.delete_object(Bucket="inbox", Key="k", VersionId=full.new)
    never = s3.delete_object(Bucket="inbox", Key="never")

    assert hidden["VersionId"] != again["VersionId"]
    assert [told(it) for it in (hidden, again)] == [(it["VersionId"], "true") for it in (hidden, again)]
    assert [told(it) for it in back] == [(it["VersionId"], "true") for it in (hidden, again)]
    assert [told(it) for it in (gone, not_there)] == [(full.new, None)] * 2
    assert told(never) == (never["VersionId"], "true")
    assert {it["ResponseMetadata"]["HTTPStatusCode"] for it in (hidden, *back, gone, not_there, never)} == {204}
    assert s3.get_object(Bucket="inbox", Key="k")["Body"].read() == b"old"


def test_a_batch_tells_what_it_made_or_removed(full: Full) -> None:
    objects = [
        {"Key": "k"},
        {"Key": "k", "VersionId": full.old},
        {"Key": "gone", "VersionId": full.marker},
        {"Key": "k", "VersionId": "none"},
        {"Key": "never"},
    ]

    answer = full.s3.delete_objects(Bucket="inbox", Delete={"Objects": objects})
    quiet = full.s3.delete_objects(Bucket="inbox", Delete={"Objects": objects[:1], "Quiet": True})

    made, removed, marker, never = answer["Deleted"]
    assert made == {"Key": "k", "DeleteMarker": True, "DeleteMarkerVersionId": made["DeleteMarkerVersionId"]}
    assert removed == {"Key": "k", "VersionId": full.old}
    assert marker == {
        "Key": "gone",
        "VersionId": full.marker,
        "DeleteMarker": True,
        "DeleteMarkerVersionId": full.marker,
    }
    assert (never["Key"], never["DeleteMarker"]) == ("never", True)
    assert [(it["Key"], it["VersionId"], it["Code"]) for it in answer["Errors"]] == [("k", "none", "NoSuchVersion")]
    assert "Deleted" not in quiet
    assert full.s3.get_object(Bucket="inbox", Key="gone")["Body"].read() == b"kept"


def test_nobody_hears_of_versions_who_never_asked_for_them(door: Door) -> None:
    s3 = door.client()
    answers = [
        s3.put_object(Bucket="inbox", Key="k", Body=b"1"),
        s3.copy_object(Bucket="inbox", Key="c", CopySource="inbox/k"),
        *(getattr(s3, name)(Bucket="inbox", Key="k", **asked) for name, asked in (READS | WRITES).items()),
        s3.get_object(Bucket="inbox", Key="k", VersionId="null"),
        s3.delete_object(Bucket="inbox", Key="k"),
    ]

    assert {told(it) for it in answers} == {(None, None)}
    assert all("x-amz-copy-source-version-id" not in it["ResponseMetadata"]["HTTPHeaders"] for it in answers)
    assert "Status" not in s3.get_bucket_versioning(Bucket="inbox")
    assert ID not in post(door, "form").headers


def test_dialect_of_ceph_says_that_no_marker_hides_what_is_not_there(stand_in: Any, tmp_path: Path) -> None:
    with opened(stand_in, tmp_path, dialect="ceph") as ceph:
        s3 = ceph.client()
        missed = [refusal(s3.get_object, Key="k"), refusal(s3.head_object, Key="k")]
        enable(s3)
        s3.delete_object(Bucket="inbox", Key="k")

        assert [told(it) for it in missed] == [(None, "false")] * 2
        assert told(refusal(s3.head_object, Key="k"))[1] == "true"


def test_what_was_there_before_is_the_null_version(door: Door) -> None:
    s3 = door.client()
    s3.put_object(Bucket="inbox", Key="k", Body=b"before")
    enable(s3)

    before = s3.get_object(Bucket="inbox", Key="k")
    put = s3.put_object(Bucket="inbox", Key="k", Body=b"after")

    assert told(before) == ("null", None)
    assert told(s3.head_object(Bucket="inbox", Key="k", VersionId="null")) == ("null", None)
    assert told(s3.head_object(Bucket="inbox", Key="k")) == (put["VersionId"], None)
    assert told(s3.delete_object(Bucket="inbox", Key="k", VersionId="null")) == ("null", None)


def test_where_versioning_is_suspended_writes_and_markers_are_the_null_version(full: Full) -> None:
    s3 = full.s3
    enable(s3, "Suspended")

    put = s3.put_object(Bucket="inbox", Key="k", Body=b"null")
    read = s3.get_object(Bucket="inbox", Key="k")
    hidden = s3.delete_object(Bucket="inbox", Key="k")
    missed = refusal(s3.get_object, Key="k")

    assert s3.get_bucket_versioning(Bucket="inbox")["Status"] == "Suspended"
    assert (told(put), told(read)) == ((None, None), ("null", None))
    assert told(hidden) == told(missed) == ("null", "true")
    assert [it["VersionId"] for it in s3.list_object_versions(Bucket="inbox", Prefix="k")["Versions"]] == [
        full.new,
        full.old,
    ]
    assert told(s3.delete_object(Bucket="inbox", Key="k", VersionId="null")) == ("null", "true")
    assert s3.get_object(Bucket="inbox", Key="k")["Body"].read() == b"new"


def test_a_version_is_restored_from_its_archive(full: Full) -> None:
    s3 = full.s3
    cold = s3.put_object(Bucket="inbox", Key="cold", Body=b"x", StorageClass="GLACIER")["VersionId"]
    s3.delete_object(Bucket="inbox", Key="cold")

    asked = s3.restore_object(Bucket="inbox", Key="cold", VersionId=cold, RestoreRequest={"Days": 1})
    marker = refusal(s3.restore_object, Key="cold", RestoreRequest={"Days": 1})

    assert asked["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert "ongoing-request" in s3.head_object(Bucket="inbox", Key="cold", VersionId=cold)["Restore"]
    assert (marker["Error"]["Code"], told(marker)[1]) == ("NoSuchKey", "true")


def test_a_listing_goes_on_from_its_markers(full: Full) -> None:
    pages = list(
        full.s3.get_paginator("list_object_versions").paginate(Bucket="inbox", PaginationConfig={"PageSize": 1})
    )

    found = [it["VersionId"] for page in pages for name in ("Versions", "DeleteMarkers") for it in page.get(name, [])]
    assert found == [full.marker, full.kept, full.new, full.old]
    assert [page.get("NextVersionIdMarker") for page in pages] == [full.marker, full.kept, full.new, None]
    (marker,) = pages[0]["DeleteMarkers"]
    assert (marker["Key"], marker["IsLatest"], set(marker)) == (
        "gone",
        True,
        {"Key", "VersionId", "IsLatest", "LastModified", "Owner"},
    )


@pytest.mark.parametrize("page_size", [1, 2, 3])
def test_pages_that_are_deleted_as_they_come_leave_nothing_behind(door: Door, page_size: int) -> None:
    s3 = door.client()
    enable(s3)
    versions = [
        (key, s3.put_object(Bucket="inbox", Key=key, Body=b"")["VersionId"]) for key in ("a", "b") for _ in range(5)
    ]

    deleted = []
    paginator = s3.get_paginator("list_object_versions")
    for page in paginator.paginate(Bucket="inbox", PaginationConfig={"PageSize": page_size}):
        entries = [{"Key": it["Key"], "VersionId": it["VersionId"]} for it in page["Versions"]]
        assert {it["Key"] for it in page["Versions"] if it["IsLatest"]} == {it["Key"] for it in page["Versions"]}
        s3.delete_objects(Bucket="inbox", Delete={"Objects": entries})
        deleted += [(it["Key"], it["VersionId"]) for it in entries]

    assert sorted(deleted) == sorted(versions)
    assert "Versions" not in s3.list_object_versions(Bucket="inbox")


def test_a_signed_url_names_its_version(full: Full) -> None:
    asked = {"Bucket": "inbox", "Key": "k", "VersionId": full.old}
    url = full.door.client(signature_version="s3v4").generate_presigned_url("get_object", asked)

    parts = urllib.parse.urlsplit(url)
    answer = full.door.send("GET", f"{parts.path}?{parts.query}", {"Host": parts.netloc}, b"")

    assert (answer.status, answer.body, answer.headers[ID]) == (200, b"old", full.old)


def test_mfa_delete_is_refused_since_nobody_has_a_device(door: Door) -> None:
    asked = {"Status": "Enabled", "MFADelete": "Enabled"}

    refused = refusal(door.client().put_bucket_versioning, VersioningConfiguration=asked, MFA="device 123456")

    assert (refused["ResponseMetadata"]["HTTPStatusCode"], refused["Error"]["Code"]) == (403, "AccessDenied")
    assert "Status" not in door.client().get_bucket_versioning(Bucket="inbox")


def test_appends_and_renames_are_refused_where_versions_are_kept(full: Full) -> None:
    append = refusal(full.s3.put_object, Key="k", Body=b"more", WriteOffsetBytes=3)
    rename = refusal(full.s3.rename_object, Key="b", RenameSource="k")

    assert [it["Error"]["Code"] for it in (append, rename)] == ["InvalidRequest"] * 2


def test_who_may_read_may_not_read_versions(full: Full) -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": OTHER_ACCOUNT},
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::inbox/*",
    }
    policy = f'{{"Version": "2012-10-17", "Statement": [{str(statement).replace(chr(39), chr(34))}]}}'
    full.s3.put_bucket_policy(Bucket="inbox", Policy=policy)
    other = full.door.client("AKIAOTHER")

    assert other.get_object(Bucket="inbox", Key="k")["VersionId"] == full.new
    for version_id in (full.new, NEVER, full.marker):
        refused = refusal(other.get_object, Key="k", VersionId=version_id)
        assert (refused["Error"]["Code"], told(refused)) == ("AccessDenied", (None, None))
    missed = refusal(other.get_object, Key="gone")
    assert (missed["Error"]["Code"], told(missed)) == ("AccessDenied", (None, None))

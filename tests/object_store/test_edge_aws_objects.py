"""Objects over S3's REST API, as boto3 and as bytes on the wire."""

import base64
import hashlib
import socket
import zlib
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.object_store.aws_door import OTHER_ACCOUNT, Door, door

__all__ = ["door"]

MIB = 1024 * 1024
KEYS = [
    "plain",
    "a/b/c",
    "../../etc/passwd",
    "a//b",
    "/leading",
    "./dot/..",
    "blank and+plus",
    "per%2Fcent",
    "ümläut/日本語",
    "quote\"'<&>",
    "#?fragment",
    "x" * 1_024,
]


def refused(call: Any, **arguments: Any) -> tuple[int, str]:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    response = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


@pytest.mark.parametrize("key", KEYS)
def test_key_is_data_whatever_is_in_it(door: Door, key: str) -> None:
    s3 = door.client()

    s3.put_object(Bucket="inbox", Key=key, Body=b"body")

    assert s3.get_object(Bucket="inbox", Key=key)["Body"].read() == b"body"
    assert [one["Key"] for one in s3.list_objects_v2(Bucket="inbox")["Contents"]] == [key]
    s3.delete_object(Bucket="inbox", Key=key)
    assert "Contents" not in s3.list_objects_v2(Bucket="inbox")


def test_key_with_control_characters_is_data_too(door: Door) -> None:
    assert door.ask("PUT", "/inbox/a%00b%01%0A", body=b"body").status == 200

    assert door.ask("GET", "/inbox/a%00b%01%0A").body == b"body"
    listed = door.ask("GET", "/inbox?encoding-type=url&list-type=2").xml["ListBucketResult"]
    assert listed["Contents"]["Key"] == "a%00b%01%0A"
    assert b"<Key>a&#x0;b&#x1;" in door.ask("GET", "/inbox?list-type=2").body


def test_put_answers_etag_and_checksum(door: Door) -> None:
    answer = door.ask("PUT", "/inbox/key", body=b"body")

    assert answer.status == 200
    assert answer.body == b""
    assert answer.headers["etag"] == f'"{hashlib.md5(b"body").hexdigest()}"'
    assert answer.headers["x-amz-checksum-type"] == "FULL_OBJECT"
    assert len(base64.b64decode(answer.headers["x-amz-checksum-crc64nvme"])) == 8
    assert answer.headers["x-amz-request-id"]
    assert answer.headers["x-amz-id-2"]


def test_headers_and_metadata_come_back_as_they_went(door: Door) -> None:
    said = {
        "Content-Type": "text/plain",
        "Cache-Control": "max-age=60",
        "Content-Disposition": 'attachment; filename="a.txt"',
        "Content-Encoding": "gzip",
        "Content-Language": "de",
        "Expires": "Thu, 01 Jan 2032 00:00:00 GMT",
        "x-amz-meta-Colour": "blue, green",
        "x-amz-storage-class": "STANDARD_IA",
        "x-amz-tagging": "a=1&b=2",
    }
    assert door.ask("PUT", "/inbox/key", said, b"body").status == 200

    for method in ("HEAD", "GET"):
        answer = door.ask(method, "/inbox/key")
        assert answer.status == 200
        assert answer.headers["content-length"] == "4"
        assert answer.headers["accept-ranges"] == "bytes"
        assert answer.headers["x-amz-tagging-count"] == "2"
        for name, value in said.items():
            if name != "x-amz-tagging":
                assert answer.headers[name.lower()] == value
        assert "x-amz-version-id" not in answer.headers
        assert answer.headers["x-amz-server-side-encryption"] == "AES256"
        assert answer.headers["last-modified"].endswith(" GMT")


def test_head_of_what_is_not_there_has_no_body(door: Door) -> None:
    answer = door.ask("HEAD", "/inbox/none")

    assert (answer.status, answer.body) == (404, b"")


def test_missing_key_is_named(door: Door) -> None:
    long = "x" * 1_000
    assert door.ask("GET", f"/inbox/{long}").xml["Error"]["Key"] == long

    answer = door.ask("GET", "/inbox/none")

    assert answer.error == (404, "NoSuchKey", "The specified key does not exist.")
    error = answer.xml["Error"]
    assert error["Key"] == "none"
    assert error["RequestId"] == answer.headers["x-amz-request-id"]
    assert error["HostId"] == answer.headers["x-amz-id-2"]
    assert answer.headers["content-type"] == "application/xml"


def test_missing_bucket_is_named(door: Door) -> None:
    answer = door.ask("GET", "/nowhere/key")

    assert answer.error == (404, "NoSuchBucket", "The specified bucket does not exist")
    assert answer.xml["Error"]["BucketName"] == "nowhere"


@pytest.mark.parametrize(
    ("said", "status", "content", "content_range"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=7-99", 206, b"789", "bytes 7-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=-99", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=0-1,4-5", 200, b"0123456789", None),
        ("bytes=5-1", 200, b"0123456789", None),
        ("rubbish", 200, b"0123456789", None),
    ],
)
def test_range(door: Door, said: str, status: int, content: bytes, content_range: str | None) -> None:
    door.ask("PUT", "/inbox/key", body=b"0123456789")

    got = door.ask("GET", "/inbox/key", {"Range": said})
    head = door.ask("HEAD", "/inbox/key", {"Range": said})

    assert (got.status, got.body, got.headers.get("content-range")) == (status, content, content_range)
    assert (head.status, head.headers["content-length"]) == (status, str(len(content)))
    assert head.headers.get("content-range") == content_range


@pytest.mark.parametrize("said", ["bytes=10-", "bytes=-0", "bytes=99-100"])
def test_range_behind_the_end_is_refused_with_the_size(door: Door, said: str) -> None:
    door.ask("PUT", "/inbox/key", body=b"0123456789")

    answer = door.ask("GET", "/inbox/key", {"Range": said})

    assert answer.error == (416, "InvalidRange", "The requested range is not satisfiable")
    assert answer.xml["Error"]["RangeRequested"] == said
    assert answer.xml["Error"]["ActualObjectSize"] == "10"


def test_conditional_reads(door: Door) -> None:
    etag = door.ask("PUT", "/inbox/key", body=b"body").headers["etag"]
    past, future = "Thu, 01 Jan 2015 00:00:00 GMT", "Thu, 01 Jan 2099 00:00:00 GMT"
    now = door.ask("HEAD", "/inbox/key").headers["last-modified"]

    def status(**said: str) -> int:
        return door.ask("GET", "/inbox/key", {name.replace("_", "-"): value for name, value in said.items()}).status

    assert status(If_Match=etag) == 200
    assert status(If_Match=etag.strip('"')) == 200
    assert status(If_Match='"other"') == 412
    assert status(If_None_Match=etag) == 304
    assert status(If_None_Match='"other"') == 200
    assert status(If_None_Match=f'"other", {etag}') == 304
    assert status(If_Modified_Since=past) == 200
    assert status(If_Modified_Since=now) == 304
    assert status(If_Modified_Since=future) == 200
    assert status(If_Unmodified_Since=past) == 412
    assert status(If_Unmodified_Since=future) == 200
    assert status(If_Match=etag, If_Unmodified_Since=past) == 200
    assert status(If_None_Match='"other"', If_Modified_Since=now) == 200


@pytest.mark.parametrize("said", ["rubbish", "", "Thu, 99 Jan 2099 00:00:00 GMT"])
def test_condition_whose_date_is_none_is_ignored(door: Door, said: str) -> None:
    door.ask("PUT", "/inbox/key", body=b"body")

    for name in ("If-Modified-Since", "If-Unmodified-Since"):
        assert door.ask("GET", "/inbox/key", {name: said}).body == b"body"
        copied = {"x-amz-copy-source": "/inbox/key", f"x-amz-copy-source-{name.lower()}": said}
        assert door.ask("PUT", "/inbox/copy", copied).status == 200


@pytest.mark.parametrize("said", ["0", "-1", "soon"])
def test_expiry_is_kept_as_it_was_said(door: Door, said: str) -> None:
    assert door.ask("PUT", "/inbox/key", {"Expires": said}, b"body").status == 200

    assert door.ask("HEAD", "/inbox/key").headers["expires"] == said


def test_not_modified_has_the_tag_and_no_body(door: Door) -> None:
    etag = door.ask("PUT", "/inbox/key", body=b"body").headers["etag"]

    answer = door.ask("GET", "/inbox/key", {"If-None-Match": etag})

    assert (answer.status, answer.body) == (304, b"")
    assert answer.headers["etag"] == etag
    assert "last-modified" in answer.headers
    assert "content-type" not in answer.headers


def test_failed_precondition_names_itself(door: Door) -> None:
    door.ask("PUT", "/inbox/key", body=b"body")

    answer = door.ask("GET", "/inbox/key", {"If-Match": '"other"'})

    assert answer.error == (412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
    assert answer.xml["Error"]["Condition"] == "If-Match"


def test_conditional_writes(door: Door) -> None:
    s3 = door.client()
    etag = s3.put_object(Bucket="inbox", Key="key", Body=b"1", IfNoneMatch="*")["ETag"]

    assert refused(s3.put_object, Bucket="inbox", Key="key", Body=b"2", IfNoneMatch="*") == (412, "PreconditionFailed")
    assert refused(s3.put_object, Bucket="inbox", Key="key", Body=b"2", IfMatch='"x"') == (412, "PreconditionFailed")
    assert refused(s3.put_object, Bucket="inbox", Key="none", Body=b"2", IfMatch='"x"') == (404, "NoSuchKey")
    s3.put_object(Bucket="inbox", Key="key", Body=b"2", IfMatch=etag)
    assert refused(s3.delete_object, Bucket="inbox", Key="key", IfMatch=etag) == (412, "PreconditionFailed")
    assert s3.get_object(Bucket="inbox", Key="key")["Body"].read() == b"2"


@pytest.mark.parametrize("copies", [False, True])
def test_both_conditions_of_a_write_are_refused_as_in_s3(door: Door, copies: bool) -> None:
    headers, named = {"If-Match": '"etag"', "If-None-Match": "*"}, "If-Match,If-None-Match"
    door.ask("PUT", "/inbox/source", body=b"body")
    if copies:
        headers = {**headers, "x-amz-copy-source": "/inbox/source"}

    answer = door.ask("PUT", "/inbox/key", headers, b"" if copies else b"body")

    assert answer.status == 501
    assert (answer.xml["Error"]["Code"], answer.xml["Error"]["Header"]) == ("NotImplemented", named)


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
@pytest.mark.parametrize("size", [0, 11, 300_000])
def test_checksums_of_all_kinds_are_verified_kept_and_given(door: Door, algorithm: str, size: int) -> None:
    s3 = door.client()
    body = b"0123456789a" * (size // 11)

    put = s3.put_object(Bucket="inbox", Key="key", Body=body, ChecksumAlgorithm=algorithm)
    got = s3.get_object(Bucket="inbox", Key="key", ChecksumMode="ENABLED")
    head = s3.head_object(Bucket="inbox", Key="key", ChecksumMode="ENABLED")

    assert got["Body"].read() == body
    assert put[f"Checksum{algorithm}"] == got[f"Checksum{algorithm}"] == head[f"Checksum{algorithm}"]
    assert got["ChecksumType"] == "FULL_OBJECT"
    assert f"Checksum{algorithm}" not in s3.head_object(Bucket="inbox", Key="key")


def test_checksum_in_a_header_that_is_another_is_refused_and_nothing_is_stored(door: Door) -> None:
    wrong = base64.b64encode((zlib.crc32(b"body") ^ 1).to_bytes(4, "big")).decode()

    answer = door.ask("PUT", "/inbox/key", {"x-amz-checksum-crc32": wrong}, b"body")

    assert answer.error == (400, "BadDigest", "The CRC32 you specified did not match the calculated checksum.")
    assert door.ask("HEAD", "/inbox/key").status == 404


def test_md5_that_is_another_is_refused_and_nothing_is_stored(door: Door) -> None:
    given = base64.b64encode(hashlib.md5(b"other").digest()).decode()

    answer = door.ask("PUT", "/inbox/key", {"Content-MD5": given}, b"body")

    assert answer.error == (400, "BadDigest", "The Content-MD5 you specified did not match what we received.")
    assert answer.xml["Error"]["ExpectedDigest"] == hashlib.md5(b"other").hexdigest()
    assert answer.xml["Error"]["CalculatedDigest"] == base64.b64encode(hashlib.md5(b"body").digest()).decode()
    assert door.ask("HEAD", "/inbox/key").status == 404


def test_md5_that_is_none_is_refused(door: Door) -> None:
    answer = door.ask("PUT", "/inbox/key", {"Content-MD5": "rubbish"}, b"body")

    assert answer.error == (400, "InvalidDigest", "The Content-MD5 you specified was invalid.")
    assert answer.xml["Error"]["Content-MD5"] == "rubbish"


def test_upload_in_chunks_of_http_without_its_length_is_refused(door: Door) -> None:
    answer = door.ask("PUT", "/inbox/key", {"Transfer-Encoding": "chunked"}, b"4\r\nbody\r\n0\r\n\r\n")

    assert (answer.status, answer.xml["Error"]["Code"]) == (501, "NotImplemented")
    assert answer.xml["Error"]["Header"] == "Transfer-Encoding"


def test_upload_without_a_length_is_refused(door: Door) -> None:
    with socket.create_connection(("127.0.0.1", door.port), timeout=30) as line:
        line.sendall(b"PUT /inbox/key HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = line.makefile("rb").read()

    assert answer.startswith(b"HTTP/1.1 411 ")
    assert b"<Code>MissingContentLength</Code>" in answer


def test_key_that_is_too_long_is_refused_with_its_size(door: Door) -> None:
    answer = door.ask("PUT", "/inbox/" + "x" * 1_025, body=b"body")

    assert answer.error == (400, "KeyTooLongError", "Your key is too long")
    assert (answer.xml["Error"]["Size"], answer.xml["Error"]["MaxSizeAllowed"]) == ("1025", "1024")


def test_metadata_that_is_too_large_is_refused(door: Door) -> None:
    answer = door.ask("PUT", "/inbox/key", {"x-amz-meta-much": "x" * 2_048}, b"body")

    assert answer.error == (
        400,
        "MetadataTooLarge",
        "Your metadata headers exceed the maximum allowed metadata size",
    )


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("x-amz-mfa", "1 2"),
        ("x-amz-object-annotation-directive", "COPY"),
    ],
)
def test_header_that_asks_for_what_is_not_built_is_refused(door: Door, header: str, value: str) -> None:
    answer = door.ask("PUT", "/inbox/key", {header: value}, b"body")

    assert answer.status == 501
    assert answer.xml["Error"]["Code"] == "NotImplemented"
    assert answer.xml["Error"]["Header"] == header
    assert door.ask("HEAD", "/inbox/key").status == 404


@pytest.mark.parametrize(
    ("header", "value", "code"),
    [
        ("x-amz-acl", "private", None),
        ("x-amz-acl", "bucket-owner-full-control", None),
        ("x-amz-acl", "public-read", "AccessControlListNotSupported"),
        ("x-amz-grant-read", "id=1", "InvalidArgument"),
        ("x-amz-grant-read", "uri=http://acs.amazonaws.com/groups/global/AllUsers", "AccessControlListNotSupported"),
        ("x-amz-acl", "rubbish", "InvalidArgument"),
        ("x-amz-storage-class", "RUBBISH", "InvalidStorageClass"),
        ("x-amz-expected-bucket-owner", "000000000000", None),
        ("x-amz-expected-bucket-owner", OTHER_ACCOUNT, "AccessDenied"),
        ("x-amz-expected-bucket-owner", "me", "InvalidBucketOwnerAWSAccountID"),
        ("x-amz-tagging", "a=1&a=2", "InvalidArgument"),
    ],
)
def test_header_of_a_write(door: Door, header: str, value: str, code: str | None) -> None:
    answer = door.ask("PUT", "/inbox/key", {header: value}, b"body")

    assert (None if answer.status == 200 else answer.xml["Error"]["Code"]) == code


def test_tag_in_a_header_may_be_its_name_alone(door: Door) -> None:
    assert door.ask("PUT", "/inbox/key", {"x-amz-tagging": "a=1&b&c="}, b"body").status == 200

    tags = door.client().get_object_tagging(Bucket="inbox", Key="key")["TagSet"]

    assert {one["Key"]: one["Value"] for one in tags} == {"a": "1", "b": "", "c": ""}


def test_bypass_of_a_lock_is_for_buckets_with_locks(door: Door) -> None:
    header = "x-amz-bypass-governance-retention"

    answer = door.ask("DELETE", "/inbox/key", {header: "true"})

    assert answer.error == (400, "InvalidArgument", f"{header} is only applicable to Object Lock enabled buckets.")
    assert door.ask("DELETE", "/inbox/key", {header: "false"}).status == 204


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_only_version_has_the_id_null(door: Door, method: str) -> None:
    door.ask("PUT", "/inbox/key", body=b"body")

    assert door.ask(method, "/inbox/key?versionId=other").status == 400
    assert door.ask(method, "/inbox/key?versionId=null").status in (200, 204)


def test_query_of_a_signed_request_sets_headers_of_its_answer(door: Door) -> None:
    door.ask("PUT", "/inbox/key", {"Content-Type": "text/plain"}, b"body")
    target = "/inbox/key?response-content-disposition=attachment%3B%20filename%3Da&response-content-type=image%2Fpng"

    answer = door.ask("GET", target)

    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"] == "attachment; filename=a"


def test_header_of_an_answer_cannot_be_broken_out_of(door: Door) -> None:
    door.ask("PUT", "/inbox/key", body=b"body")

    answer = door.ask("GET", "/inbox/key?response-content-type=a%0D%0AX-Evil%3A%201")

    assert answer.status == 400
    assert answer.xml["Error"]["Code"] == "InvalidArgument"


def test_metadata_that_is_not_ascii_comes_back_as_an_encoded_word(door: Door) -> None:
    door.run(door.stand.put("key", b"body", metadata={"name": "Ä"}))

    assert door.ask("HEAD", "/inbox/key").headers["x-amz-meta-name"] == "=?UTF-8?B?w4Q=?="


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ("=?UTF-8?B?YWJj?=", "abc"),
        ("=?UTF-8?Q?really=5Fplain?=", "really_plain"),
        ("=?utf-8?b?w4RNw4Raw5XDkSBTMw==?=", "=?UTF-8?Q?=C3=84M=C3=84Z=C3=95=C3=91_S3?="),
        ("=?UTF-8?B?AAECAw==?=", "=?UTF-8?B?AAECAw==?="),
        ("a _?= b", "a _?= b"),
    ],
)
def test_metadata_is_read_out_of_encoded_words(door: Door, sent: str, told: str) -> None:
    assert door.ask("PUT", "/inbox/key", {"x-amz-meta-name": sent}, b"body").status == 200

    assert door.ask("HEAD", "/inbox/key").headers["x-amz-meta-name"] == told


def test_content_headers_come_back_byte_for_byte(door: Door) -> None:
    sent = 'attachment; filename="\u2014_\u00e9.pdf"'
    door.client().put_object(Bucket="inbox", Key="key", Body=b"body", ContentDisposition=sent, CacheControl="\u00c4")
    door.run(door.stand.put("native", b"body", headers={"content-disposition": "\u2014"}))

    found = door.ask("GET", "/inbox/key").headers

    assert [found[name].encode("latin-1").decode() for name in ("content-disposition", "cache-control")] == [
        sent,
        "\u00c4",
    ]
    native = door.ask("GET", "/inbox/native").headers["content-disposition"]
    assert native.encode("latin-1").decode() == "\u2014"


def test_batch_delete_answers_each_key(door: Door) -> None:
    s3 = door.client()
    for key in ("a", "b<&>"):
        s3.put_object(Bucket="inbox", Key=key, Body=b"")

    answer = s3.delete_objects(
        Bucket="inbox",
        Delete={"Objects": [{"Key": "a"}, {"Key": "b<&>"}, {"Key": "none"}, {"Key": "v", "VersionId": "7"}]},
    )

    assert [one["Key"] for one in answer["Deleted"]] == ["a", "b<&>", "none"]
    assert [(one["Key"], one["Code"]) for one in answer["Errors"]] == [("v", "NoSuchVersion")]
    assert "Contents" not in s3.list_objects_v2(Bucket="inbox")


def test_quiet_batch_delete_tells_only_of_failures(door: Door) -> None:
    s3 = door.client()

    answer = s3.delete_objects(
        Bucket="inbox", Delete={"Quiet": True, "Objects": [{"Key": "a"}, {"Key": "b", "ETag": "x"}]}
    )

    assert "Deleted" not in answer
    assert [one["Key"] for one in answer["Errors"]] == ["b"]


def _delete_document(count: int) -> bytes:
    keys = "".join(f"<Object><Key>{number}</Key></Object>" for number in range(count))
    return f"<Delete>{keys}</Delete>".encode()


def _md5(body: bytes) -> dict[str, str]:
    return {"Content-MD5": base64.b64encode(hashlib.md5(body).digest()).decode()}


def test_batch_delete_takes_a_thousand_keys_and_no_more(door: Door) -> None:
    most, more = _delete_document(1_000), _delete_document(1_001)

    assert door.ask("POST", "/inbox?delete=", _md5(most), most).status == 200
    assert door.ask("POST", "/inbox?delete=", _md5(more), more).error[:2] == (400, "MalformedXML")


def test_batch_delete_needs_a_checksum_that_holds(door: Door) -> None:
    body = _delete_document(1)

    assert door.ask("POST", "/inbox?delete=", body=body).error[:2] == (400, "InvalidRequest")
    assert door.ask("POST", "/inbox?delete=", _md5(b"other"), body).error[:2] == (400, "BadDigest")


@pytest.mark.parametrize("body", [b"<Delete>", b"<Other/>", b"", b'<!DOCTYPE a [<!ENTITY b "c">]><Delete>&b;</Delete>'])
def test_document_that_is_none_is_refused(door: Door, body: bytes) -> None:
    assert door.ask("POST", "/inbox?delete=", _md5(body), body).status == 400


def test_copy_brings_bytes_and_description(door: Door) -> None:
    s3 = door.client()
    s3.put_object(Bucket="inbox", Key="a/b c", Body=b"body", Metadata={"colour": "blue"}, ContentType="text/plain")

    copied = s3.copy_object(Bucket="inbox", Key="copy", CopySource={"Bucket": "inbox", "Key": "a/b c"})

    got = s3.get_object(Bucket="inbox", Key="copy")
    assert got["Body"].read() == b"body"
    assert (got["Metadata"], got["ContentType"]) == ({"colour": "blue"}, "text/plain")
    assert copied["CopyObjectResult"]["ETag"] == got["ETag"]


def test_copy_may_replace_the_description(door: Door) -> None:
    s3 = door.client()
    s3.put_object(Bucket="inbox", Key="key", Body=b"body", Metadata={"colour": "blue"})
    source = {"Bucket": "inbox", "Key": "key"}

    assert refused(s3.copy_object, Bucket="inbox", Key="key", CopySource=source) == (400, "InvalidRequest")
    assert refused(s3.copy_object, Bucket="inbox", Key="key", CopySource=source, ACL="private") == (
        400,
        "InvalidRequest",
    )
    s3.copy_object(
        Bucket="inbox", Key="key", CopySource=source, MetadataDirective="REPLACE", Metadata={"colour": "green"}
    )

    assert s3.head_object(Bucket="inbox", Key="key")["Metadata"] == {"colour": "green"}


def test_copy_onto_itself_may_name_the_storage_class_that_it_has(door: Door) -> None:
    s3 = door.client()
    onto_itself = {"Bucket": "inbox", "Key": "key", "CopySource": "inbox/key"}
    s3.put_object(Bucket="inbox", Key="key", Body=b"body")

    s3.copy_object(**onto_itself, StorageClass="STANDARD")
    s3.copy_object(**onto_itself, StorageClass="STANDARD_IA")

    assert refused(s3.copy_object, **onto_itself) == (400, "InvalidRequest")  # it would not become STANDARD again
    assert s3.head_object(Bucket="inbox", Key="key")["StorageClass"] == "STANDARD_IA"


def test_copy_onto_itself_needs_no_word_where_the_bucket_was_given_an_encryption(door: Door) -> None:
    s3 = door.client()
    onto_itself = {"Bucket": "inbox", "Key": "key", "CopySource": "inbox/key"}
    s3.put_object(Bucket="inbox", Key="key", Body=b"body")
    assert refused(s3.copy_object, **onto_itself) == (400, "InvalidRequest")

    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    s3.put_bucket_encryption(Bucket="inbox", ServerSideEncryptionConfiguration={"Rules": [rule]})

    assert s3.copy_object(**onto_itself)["ServerSideEncryption"] == "AES256"


def test_copy_source_without_a_key_is_none(door: Door) -> None:
    answer = door.ask("PUT", "/inbox/key", {"x-amz-copy-source": "inbox"})

    assert answer.error == (400, "InvalidArgument", "Invalid copy source object key")
    assert answer.xml["Error"]["ArgumentName"] == "x-amz-copy-source"
    assert answer.xml["Error"]["ArgumentValue"] == "x-amz-copy-source"


def test_copy_on_conditions(door: Door) -> None:
    s3 = door.client()
    s3.put_object(Bucket="inbox", Key="key", Body=b"body")
    arguments = {"Bucket": "inbox", "Key": "copy", "CopySource": "inbox/key"}

    assert refused(s3.copy_object, **arguments, CopySourceIfMatch='"x"') == (412, "PreconditionFailed")
    assert refused(s3.copy_object, **(arguments | {"CopySource": "inbox/none"})) == (404, "NoSuchKey")
    assert refused(s3.copy_object, **(arguments | {"CopySource": "nowhere/key"})) == (404, "NoSuchBucket")


def test_object_attributes(door: Door) -> None:
    s3 = door.client()
    s3.put_object(Bucket="inbox", Key="key", Body=b"body", ChecksumAlgorithm="SHA256")

    found = s3.get_object_attributes(
        Bucket="inbox", Key="key", ObjectAttributes=["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]
    )

    assert found["ETag"] == hashlib.md5(b"body").hexdigest()
    assert found["ObjectSize"] == 4
    assert found["StorageClass"] == "STANDARD"
    assert found["Checksum"]["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(b"body").digest()).decode()


def test_attributes_may_be_asked_for_in_a_header_each(door: Door) -> None:
    door.ask("PUT", "/inbox/key", body=b"body")
    url = door.client(signature_version="s3v4").generate_presigned_url(
        "get_object_attributes", {"Bucket": "inbox", "Key": "key", "ObjectAttributes": ["ETag", "ObjectSize"]}
    )
    target = url.removeprefix(f"http://127.0.0.1:{door.port}")

    with socket.create_connection(("127.0.0.1", door.port), 30) as connection:
        lines = "".join(f"x-amz-object-attributes: {name}\r\n" for name in ("ETag", "ObjectSize"))
        said = f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{door.port}\r\n{lines}Connection: close\r\n\r\n"
        connection.sendall(said.encode())
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"<ETag>" in answer
    assert b"<ObjectSize>4</ObjectSize>" in answer
    assert b"StorageClass" not in answer


def in_parts(s3: Any, bodies: list[bytes], **asked: str) -> list[str]:
    """Upload `bodies` as the parts of `inbox/parts`, return their SHA-256."""
    place: dict[str, Any] = {"Bucket": "inbox", "Key": "parts"}
    place["UploadId"] = s3.create_multipart_upload(**place, **asked)["UploadId"]
    parts = []
    for number, body in enumerate(bodies, 1):
        sha = base64.b64encode(hashlib.sha256(body).digest()).decode()
        given = {"ChecksumSHA256": sha} if asked else {}
        stored = s3.upload_part(**place, PartNumber=number, Body=body, **given)
        parts.append({"PartNumber": number, "ETag": stored["ETag"], **given})
    s3.complete_multipart_upload(**place, MultipartUpload={"Parts": parts})
    return [part.get("ChecksumSHA256", "") for part in parts]


def test_attributes_list_the_parts_only_of_whom_the_checksum_is_made(door: Door) -> None:
    s3 = door.client()
    asked = {"Bucket": "inbox", "Key": "parts", "ObjectAttributes": ["Checksum", "ObjectParts"]}

    in_parts(s3, [b"a"])
    whole = s3.get_object_attributes(**asked)
    [sha] = in_parts(s3, [b"a"], ChecksumAlgorithm="SHA256")
    composite = s3.get_object_attributes(**asked)

    assert whole["ObjectParts"] == {"TotalPartsCount": 1}
    assert whole["Checksum"]["ChecksumType"] == "FULL_OBJECT"
    assert composite["ObjectParts"] == {
        "TotalPartsCount": 1,
        "PartNumberMarker": 0,
        "NextPartNumberMarker": 1,
        "MaxParts": 1000,
        "IsTruncated": False,
        "Parts": [{"PartNumber": 1, "Size": 1, "ChecksumSHA256": sha}],
    }
    of_all = base64.b64encode(hashlib.sha256(base64.b64decode(sha)).digest()).decode()
    assert composite["Checksum"] == {"ChecksumSHA256": of_all, "ChecksumType": "COMPOSITE"}


def test_part_tells_its_checksum_only_where_the_whole_is_made_of_them(door: Door) -> None:
    s3 = door.client(request_checksum_calculation="when_required")
    asked = {"Bucket": "inbox", "Key": "parts", "PartNumber": 2, "ChecksumMode": "ENABLED"}
    bodies = [b"a" * (5 * MIB), b"b"]

    in_parts(s3, bodies)
    whole = s3.get_object(**asked)
    _, sha = in_parts(s3, bodies, ChecksumAlgorithm="SHA256")
    composite = s3.get_object(**asked)

    assert [name for name in whole if name.startswith("Checksum")] == []
    assert (composite["ChecksumSHA256"], composite["ChecksumType"]) == (sha, "COMPOSITE")


def test_object_tagging(door: Door) -> None:
    s3 = door.client()
    s3.put_object(Bucket="inbox", Key="key", Body=b"body", Tagging="a=1")

    assert s3.get_object_tagging(Bucket="inbox", Key="key")["TagSet"] == [{"Key": "a", "Value": "1"}]
    s3.put_object_tagging(Bucket="inbox", Key="key", Tagging={"TagSet": [{"Key": "b", "Value": ""}]})
    assert s3.get_object_tagging(Bucket="inbox", Key="key")["TagSet"] == [{"Key": "b", "Value": ""}]
    twice = {"TagSet": [{"Key": "b", "Value": "1"}, {"Key": "b", "Value": "2"}]}
    assert refused(s3.put_object_tagging, Bucket="inbox", Key="key", Tagging=twice) == (400, "InvalidTag")
    s3.delete_object_tagging(Bucket="inbox", Key="key")
    assert s3.get_object_tagging(Bucket="inbox", Key="key")["TagSet"] == []


def test_object_acl_says_that_the_owner_has_full_control(door: Door) -> None:
    s3 = door.client()
    s3.put_object(Bucket="inbox", Key="key", Body=b"body")

    acl = s3.get_object_acl(Bucket="inbox", Key="key")

    assert [grant["Permission"] for grant in acl["Grants"]] == ["FULL_CONTROL"]
    assert acl["Grants"][0]["Grantee"] == {"ID": acl["Owner"]["ID"], "Type": "CanonicalUser"}
    s3.put_object_acl(Bucket="inbox", Key="key", ACL="bucket-owner-full-control")
    s3.put_object_acl(Bucket="inbox", Key="key", AccessControlPolicy={"Owner": acl["Owner"], "Grants": acl["Grants"]})
    assert refused(s3.put_object_acl, Bucket="inbox", Key="key", ACL="public-read") == (
        400,
        "AccessControlListNotSupported",
    )


def test_anonymous_reads_what_a_public_policy_allows(door: Door) -> None:
    door.ask("PUT", "/inbox/key", body=b"body")
    assert door.ask("GET", "/inbox/key", key=None).error[:2] == (403, "AccessDenied")

    door.run(door.stand.open_to_public())
    door.run(
        door.stand.set_policy(
            {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::inbox/*"}
        )
    )

    assert door.ask("GET", "/inbox/key", key=None).body == b"body"
    assert door.ask("GET", "/inbox/key?response-content-type=a", key=None).error[:2] == (400, "InvalidRequest")
    assert door.ask("PUT", "/inbox/key", body=b"other", key=None).error[:2] == (403, "AccessDenied")


def test_other_account_is_refused(door: Door) -> None:
    door.ask("PUT", "/inbox/key", body=b"body")

    assert door.ask("GET", "/inbox/key", key="AKIAOTHER").error[:2] == (403, "AccessDenied")


def test_virtual_host_names_the_bucket(door: Door) -> None:
    host = {"Host": f"inbox.s3.localhost:{door.port}"}

    assert door.ask("PUT", "/a/key", host, b"body").status == 200

    assert door.ask("GET", "/a/key", host).body == b"body"
    assert door.ask("GET", "/inbox/a/key").body == b"body"


def test_appends_as_s3_defines_them(door: Door) -> None:
    s3 = door.client()

    made = s3.put_object(Bucket="inbox", Key="log", Body=b"hello", WriteOffsetBytes=0)
    grown = s3.put_object(Bucket="inbox", Key="log", Body=b" world", WriteOffsetBytes=5)

    assert (made["Size"], grown["Size"]) == (5, 11)
    assert s3.get_object(Bucket="inbox", Key="log")["Body"].read() == b"hello world"
    assert s3.head_object(Bucket="inbox", Key="log")["ETag"] == grown["ETag"]
    assert refused(s3.put_object, Bucket="inbox", Key="log", Body=b"!", WriteOffsetBytes=5) == (
        400,
        "InvalidWriteOffset",
    )
    assert refused(s3.put_object, Bucket="inbox", Key="log", Body=b"!", WriteOffsetBytes=-1) == (400, "InvalidArgument")
    assert "Size" not in s3.put_object(Bucket="inbox", Key="log", Body=b"new")


def test_deletes_on_age_and_size(door: Door) -> None:
    s3 = door.client()
    s3.put_object(Bucket="inbox", Key="k", Body=b"12345")
    modified = s3.head_object(Bucket="inbox", Key="k")["LastModified"]

    assert refused(s3.delete_object, Bucket="inbox", Key="k", IfMatchSize=4) == (412, "PreconditionFailed")
    wrong = {"Key": "k", "Size": 5, "LastModifiedTime": modified - timedelta(seconds=9)}
    (error,) = s3.delete_objects(Bucket="inbox", Delete={"Objects": [wrong]})["Errors"]
    assert error["Code"] == "PreconditionFailed"
    s3.delete_object(Bucket="inbox", Key="k", IfMatchSize=5, IfMatchLastModifiedTime=modified, IfMatch="*")
    assert refused(s3.head_object, Bucket="inbox", Key="k") == (404, "404")


def test_object_has_no_torrent(door: Door) -> None:
    s3 = door.client()
    s3.put_object(Bucket="inbox", Key="k", Body=b"x")

    for key in ("k", "none"):
        assert refused(s3.get_object_torrent, Bucket="inbox", Key=key) == (404, "NoSuchKey")

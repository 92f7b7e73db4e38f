"""S3 as boto3's newest version speaks it: what programs do with it, each byte compared."""

import base64
import hashlib
import io
import json
import random
import urllib.error
import urllib.parse
import urllib.request
import zlib

import pytest
from boto3.s3.transfer import TransferConfig
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

MIB = 1 << 20


def code_of(call, **arguments):
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return refused.value.response["Error"]["Code"]


def send(url, method="GET", body=None, **headers):
    """Send a request as a program without any SDK does."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method)) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@pytest.fixture
def signer(clients):
    """A client that presigns: boto3 signs URLs and forms in version 2, which is refused, unless told otherwise."""
    return clients("s3", config=Config(signature_version="s3v4"))


def test_a_file_of_many_parts_comes_back_the_same(s3, bucket, tmp_path):
    content = random.Random(4).randbytes(20 * MIB + 1)
    (tmp_path / "up").write_bytes(content)

    s3.upload_file(str(tmp_path / "up"), bucket, "folder/large")
    s3.download_file(bucket, "folder/large", str(tmp_path / "down"))

    head = s3.head_object(Bucket=bucket, Key="folder/large", ChecksumMode="ENABLED")
    assert (tmp_path / "down").read_bytes() == content
    assert head["ETag"].endswith('-3"')
    sums = [zlib.crc32(content[at : at + 8 * MIB]).to_bytes(4) for at in range(0, len(content), 8 * MIB)]
    assert head["ChecksumCRC32"] == base64.b64encode(zlib.crc32(b"".join(sums)).to_bytes(4)).decode() + "-3"


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_each_checksum_is_kept_and_checked_by_the_reader(s3, bucket, algorithm):
    put = s3.put_object(Bucket=bucket, Key="sum", Body=io.BytesIO(b"summed" * 1_000), ChecksumAlgorithm=algorithm)
    got = s3.get_object(Bucket=bucket, Key="sum", ChecksumMode="ENABLED")

    assert got["Body"].read() == b"summed" * 1_000  # botocore compares the sum while it reads
    assert got[f"Checksum{algorithm}"] == put[f"Checksum{algorithm}"]


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_each_checksum_goes_through_a_multipart_upload(s3, bucket, algorithm):
    content = random.Random(algorithm).randbytes(6 * MIB)
    config = TransferConfig(multipart_threshold=MIB, multipart_chunksize=5 * MIB)

    s3.upload_fileobj(io.BytesIO(content), bucket, "parts", ExtraArgs={"ChecksumAlgorithm": algorithm}, Config=config)

    attributes = s3.get_object_attributes(
        Bucket=bucket, Key="parts", ObjectAttributes=["Checksum", "ObjectParts", "ObjectSize"]
    )
    assert s3.get_object(Bucket=bucket, Key="parts")["Body"].read() == content
    assert attributes["ObjectSize"] == len(content)
    assert attributes["ObjectParts"]["TotalPartsCount"] == 2
    assert f"Checksum{algorithm}" in attributes["Checksum"]


def test_a_wrong_checksum_stores_nothing(s3, bucket):
    wrong = base64.b64encode(hashlib.sha256(b"another").digest()).decode()

    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"this", ChecksumSHA256=wrong) == "BadDigest"
    assert code_of(s3.head_object, Bucket=bucket, Key="k") == "404"


def test_presigned_urls_move_bytes_without_a_key(s3, signer, bucket):
    put = signer.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "a key/ü+&=%"}, ExpiresIn=60)
    get = signer.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "a key/ü+&=%"}, ExpiresIn=60)

    stored = send(put, "PUT", b"by URL")

    assert stored == (200, b"")
    assert send(get) == (200, b"by URL")
    assert send(get.replace("X-Amz-Expires=60", "X-Amz-Expires=61"))[0] == 403
    assert send(get, "PUT", b"other")[0] == 403


def test_a_presigned_url_overrides_headers_of_the_answer(s3, signer, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    named = {"Bucket": bucket, "Key": "k", "ResponseContentDisposition": 'attachment; filename="a b.txt"'}

    url = signer.generate_presigned_url("get_object", named)

    with urllib.request.urlopen(url) as answer:
        assert answer.headers["Content-Disposition"] == 'attachment; filename="a b.txt"'


def test_a_presigned_form_uploads_a_file(s3, signer, bucket):
    form = signer.generate_presigned_post(
        bucket,
        "up/${filename}",
        Fields={"Content-Type": "text/plain", "success_action_status": "201"},
        Conditions=[
            ["eq", "$Content-Type", "text/plain"],
            {"success_action_status": "201"},
            ["content-length-range", 1, 9],
        ],
    )

    status, answer = send_form(form, b"by form")

    assert status == 201, answer
    got = s3.get_object(Bucket=bucket, Key="up/name.txt")
    assert (got["Body"].read(), got["ContentType"]) == (b"by form", "text/plain")
    assert send_form(form, b"more than nine bytes")[0] == 400


def send_form(form, content):
    fields = [f'--edge\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in form["fields"].items()]
    fields.append('--edge\r\nContent-Disposition: form-data; name="file"; filename="name.txt"\r\n\r\n')
    body = "".join(fields).encode() + content + b"\r\n--edge--\r\n"
    return send(form["url"], "POST", body, Content_Type="multipart/form-data; boundary=edge")


def test_paginators_walk_through_everything_once(s3, bucket):
    keys = [f"{folder}/{number:02}" for folder in ("a", "b b", "ü") for number in range(7)]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")

    for operation in ("list_objects_v2", "list_objects"):
        pages = s3.get_paginator(operation).paginate(Bucket=bucket, PaginationConfig={"PageSize": 4})
        assert [one["Key"] for page in pages for one in page["Contents"]] == keys
        folders = s3.get_paginator(operation).paginate(Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": 1})
        assert [one["Prefix"] for page in folders for one in page["CommonPrefixes"]] == ["a/", "b b/", "ü/"]


def test_paginators_list_buckets_uploads_and_parts(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    for number in (1, 2, 3):
        s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=number, Body=b"x")

    parts = s3.get_paginator("list_parts").paginate(
        Bucket=bucket, Key="k", UploadId=upload, PaginationConfig={"PageSize": 2}
    )
    uploads = s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket)
    buckets = s3.get_paginator("list_buckets").paginate(PaginationConfig={"PageSize": 1})

    assert [one["PartNumber"] for page in parts for one in page["Parts"]] == [1, 2, 3]
    assert [one["UploadId"] for page in uploads for one in page["Uploads"]] == [upload]
    assert bucket in [one["Name"] for page in buckets for one in page["Buckets"]]
    s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)


def test_conditional_writes_have_one_winner(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*")["ETag"]

    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*") == "PreconditionFailed"
    s3.put_object(Bucket=bucket, Key="k", Body=b"3", IfMatch=etag)
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"4", IfMatch=etag) == "PreconditionFailed"
    assert code_of(s3.put_object, Bucket=bucket, Key="none", Body=b"4", IfMatch=etag) == "NoSuchKey"
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"3"


def test_conditional_reads_answer_304_and_412(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["ETag"]
    written = s3.head_object(Bucket=bucket, Key="k")["LastModified"]

    assert code_of(s3.get_object, Bucket=bucket, Key="k", IfNoneMatch=etag) == "304"
    assert code_of(s3.head_object, Bucket=bucket, Key="k", IfModifiedSince=written) == "304"
    assert code_of(s3.get_object, Bucket=bucket, Key="k", IfMatch='"x"') == "PreconditionFailed"
    assert code_of(s3.head_object, Bucket=bucket, Key="k", IfUnmodifiedSince=written.replace(year=2020)) == "412"


def test_ranges_and_parts_are_read_alone(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=bytes(range(200)))

    middle = s3.get_object(Bucket=bucket, Key="k", Range="bytes=10-19")
    end = s3.get_object(Bucket=bucket, Key="k", Range="bytes=-5")
    part = s3.get_object(Bucket=bucket, Key="k", PartNumber=1)

    assert (middle["ContentRange"], middle["Body"].read()) == ("bytes 10-19/200", bytes(range(10, 20)))
    assert end["Body"].read() == bytes(range(195, 200))
    assert part["Body"].read() == bytes(range(200))
    assert code_of(s3.get_object, Bucket=bucket, Key="k", Range="bytes=200-") == "InvalidRange"


def test_a_copy_has_bytes_metadata_and_tags_of_its_source(s3, bucket, new_name):
    s3.put_object(
        Bucket=bucket, Key="a b/ü+", Body=b"copied", Metadata={"color": "red"}, Tagging="k=v&l=m", ContentType="a/b"
    )

    s3.copy_object(Bucket=bucket, Key="same", CopySource={"Bucket": bucket, "Key": "a b/ü+"})
    s3.copy({"Bucket": bucket, "Key": "same"}, bucket, "again")
    s3.copy_object(
        Bucket=bucket, Key="new", CopySource=f"{bucket}/same", MetadataDirective="REPLACE", Metadata={"color": "blue"}
    )

    copy, changed = s3.get_object(Bucket=bucket, Key="again"), s3.get_object(Bucket=bucket, Key="new")
    assert (copy["Body"].read(), copy["Metadata"], copy["ContentType"]) == (b"copied", {"color": "red"}, "a/b")
    assert (changed["Body"].read(), changed["Metadata"]) == (b"copied", {"color": "blue"})
    assert sorted(t["Key"] for t in s3.get_object_tagging(Bucket=bucket, Key="again")["TagSet"]) == ["k", "l"]


def test_a_large_copy_goes_part_by_part(s3, bucket):
    content = random.Random(5).randbytes(11 * MIB)
    s3.put_object(Bucket=bucket, Key="source", Body=content)
    config = TransferConfig(multipart_threshold=MIB, multipart_chunksize=5 * MIB)

    s3.copy({"Bucket": bucket, "Key": "source"}, bucket, "target", Config=config)

    got = s3.get_object(Bucket=bucket, Key="target")
    assert got["Body"].read() == content
    assert got["ETag"].endswith('-3"')


def test_tags_are_put_got_counted_and_removed(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"", Tagging="one=1")

    s3.put_object_tagging(
        Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "a", "Value": "ü"}, {"Key": "b", "Value": ""}]}
    )
    counted = s3.get_object(Bucket=bucket, Key="k")["TagCount"]
    tags = s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"]
    s3.delete_object_tagging(Bucket=bucket, Key="k")

    assert counted == 2
    assert tags == [{"Key": "a", "Value": "ü"}, {"Key": "b", "Value": ""}]
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []
    assert code_of(s3.get_bucket_tagging, Bucket=bucket) == "NoSuchTagSet"
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "a", "Value": "1"}]})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == [{"Key": "a", "Value": "1"}]


def test_a_thousand_objects_are_deleted_at_once(s3, bucket):
    kept = ["a&b<c>", "line\nbreak", "spaces  two", "ü"]
    for key in kept:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")

    done = s3.delete_objects(
        Bucket=bucket, Delete={"Objects": [{"Key": key} for key in kept + [f"none-{n}" for n in range(996)]]}
    )

    assert len(done["Deleted"]) == 1_000
    assert "Errors" not in done
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_metadata_and_headers_come_back_as_they_were_sent(s3, bucket):
    sent = {
        "ContentType": "text/x; charset=utf-8",
        "ContentDisposition": 'attachment; filename="x"',
        "ContentEncoding": "identity",
        "ContentLanguage": "de",
        "CacheControl": "no-store",
        "Metadata": {"one": "1", "two-words": "a  b"},
    }

    s3.put_object(Bucket=bucket, Key="k", Body=b"x", **sent)

    head = s3.head_object(Bucket=bucket, Key="k")
    assert {name: head[name] for name in sent} == sent


def test_buckets_are_made_listed_located_and_deleted(s3, bucket):
    assert s3.head_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] is None
    assert bucket in [one["Name"] for one in s3.list_buckets()["Buckets"]]
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    assert code_of(s3.delete_bucket, Bucket=bucket) == "BucketNotEmpty"
    s3.delete_object(Bucket=bucket, Key="k")
    s3.delete_bucket(Bucket=bucket)
    assert code_of(s3.head_bucket, Bucket=bucket) == "404"
    assert code_of(s3.list_objects_v2, Bucket=bucket) == "NoSuchBucket"


def test_waiters_end_when_bucket_and_object_are_there(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"")

    s3.get_waiter("bucket_exists").wait(Bucket=bucket)
    s3.get_waiter("object_exists").wait(Bucket=bucket, Key="k")
    s3.get_waiter("object_not_exists").wait(Bucket=bucket, Key="other")


def test_a_public_policy_lets_anyone_read_and_nobody_write(s3, clients, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"public")
    anyone = clients("s3", config=Config(signature_version=UNSIGNED))
    assert code_of(anyone.get_object, Bucket=bucket, Key="k") == "AccessDenied"

    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_policy(
        Bucket=bucket,
        Policy='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject",'
        f'"Resource":"arn:aws:s3:::{bucket}/*"}}]}}',
    )

    assert anyone.get_object(Bucket=bucket, Key="k")["Body"].read() == b"public"
    assert code_of(anyone.put_object, Bucket=bucket, Key="k", Body=b"") == "AccessDenied"


def test_a_signed_payload_that_arrives_in_chunks_is_stored(s3, clients, bucket):
    signed = clients("s3", config=Config(s3={"payload_signing_enabled": True}))

    signed.put_object(Bucket=bucket, Key="k", Body=io.BytesIO(b"signed" * 100_000))

    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"signed" * 100_000


def test_what_nobody_configured_answers_as_terraform_reads_it(s3, bucket):
    missing = {
        call: code_of(getattr(s3, f"get_bucket_{call}"), Bucket=bucket)
        for call in ("cors", "lifecycle_configuration", "policy", "replication", "tagging", "website")
    }
    missing["object_lock"] = code_of(s3.get_object_lock_configuration, Bucket=bucket)

    assert missing == {
        "cors": "NoSuchCORSConfiguration",
        "lifecycle_configuration": "NoSuchLifecycleConfiguration",
        "policy": "NoSuchBucketPolicy",
        "replication": "ReplicationConfigurationNotFoundError",
        "tagging": "NoSuchTagSet",
        "website": "NoSuchWebsiteConfiguration",
        "object_lock": "ObjectLockConfigurationNotFoundError",
    }
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    assert "Status" not in s3.get_bucket_accelerate_configuration(Bucket=bucket)
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"
    assert len(s3.get_bucket_acl(Bucket=bucket)["Grants"]) == 1


def test_a_website_is_read_by_pages_of_other_origins(s3, server, bucket):
    s3.put_object(Bucket=bucket, Key="index.html", Body=b"<h1>home</h1>", ContentType="text/html")
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}})
    rules = [{"AllowedMethods": ["GET"], "AllowedOrigins": ["https://app.example"]}]
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})
    s3.delete_public_access_block(Bucket=bucket)
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    host = f"{bucket}.s3-website.localhost"

    request = urllib.request.Request(server.url + "/", headers={"Host": host, "Origin": "https://app.example"})
    with urllib.request.urlopen(request) as answer:
        page, allowed = answer.read(), answer.headers["access-control-allow-origin"]
    status, error = send(server.url + "/gone", Host=host)

    assert (page, allowed) == (b"<h1>home</h1>", "https://app.example")
    assert (status, error.startswith(b"<html>\n<head><title>403 Forbidden</title></head>")) == (403, True)

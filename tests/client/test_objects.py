"""Buckets and objects by the SDK against a real server: bytes, files, conditions, listings."""

import asyncio
import hashlib
import io
import random
from datetime import timedelta
from pathlib import Path

import pytest

from cumulo.client import Bucket, Client, Encryption, NotificationRule, errors
from cumulo.client.etags import PART_BYTES
from cumulo.client.model import AccessControlList, Grant
from cumulo.testing import Server


def some_bytes(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def test_object_is_read_as_it_was_written(bucket: Bucket, name: str):
    info = bucket.put("a/b.txt", "text", content_type="text/plain", metadata={"colour": "blue"})

    head = bucket.head("a/b.txt")

    assert bucket.get("a/b.txt") == b"text"
    assert info == head
    assert (head.size, head.content_type, head.metadata) == (4, "text/plain", {"colour": "blue"})
    assert head.etag == hashlib.md5(b"text").hexdigest()
    assert head.bucket == name


def test_an_upload_that_is_refused_while_it_is_sent_says_why_every_time(server: Server, bucket: Bucket, name: str):
    with server.client() as admin:
        admin.iam.create_user(name)
        key = admin.iam.create_access_key(name)
    keys = {"access_key_id": key.access_key_id, "secret_access_key": key.secret_access_key}

    async def kinds() -> set[type]:
        found: set[type] = set()
        async with server.async_client(**keys) as client:
            there = client.bucket(bucket.name)
            for _ in range(15):
                puts = [there.put("a", bytes(300_000)) for _ in range(10)]
                found |= {type(answer) for answer in await asyncio.gather(*puts, return_exceptions=True)}
        return found

    assert asyncio.run(kinds()) == {errors.PermissionDenied}


@pytest.mark.parametrize("size", [0, 1, 70_000, 1 << 20, (1 << 20) + 1, PART_BYTES])
def test_every_size_arrives_whole(bucket: Bucket, size: int):
    data = some_bytes(size)

    bucket.put("a", data)

    assert bucket.get("a") == data


def test_copy_stays_inside_the_server(bucket: Bucket, client: Client, name: str):
    bucket.put("a", "text", content_type="text/plain", metadata={"colour": "blue"})
    other = client.bucket(f"{name}-other", create=True)

    kept = other.copy("a", "b", source_bucket=bucket.name)
    described = bucket.copy("a", "a", metadata={"colour": "red"})

    assert (kept.content_type, kept.metadata, other.get("b")) == ("text/plain", {"colour": "blue"}, b"text")
    assert described.metadata == {"colour": "red"}
    with pytest.raises(errors.PreconditionFailed):
        bucket.copy("a", "a", metadata={}, source_if_match="other")
    with pytest.raises(errors.PreconditionFailed):
        bucket.copy("a", "a", metadata={}, if_none_match="*")
    with pytest.raises(errors.NotFound):
        bucket.copy("none", "b")


def test_rename_gives_an_object_another_key(bucket: Bucket):
    bucket.put("a", "text", metadata={"colour": "blue"})
    before = bucket.head("a")

    bucket.rename("a", "b", if_none_match="*")

    after = bucket.head("b")
    assert (bucket.get("b"), after.etag, after.metadata, after.modified) == (
        b"text",
        before.etag,
        {"colour": "blue"},
        before.modified,
    )
    for source in ("a", "none"):
        with pytest.raises(errors.NotFound):
            bucket.rename(source, "c")
    with pytest.raises(errors.PreconditionFailed):
        bucket.rename("b", "c", source_if_match="other")


@pytest.mark.parametrize("size", [5, PART_BYTES + 5])
def test_object_under_a_key_of_ones_own_is_read_with_it_alone(bucket: Bucket, size: int, tmp_path: Path):
    key, body = b"k" * 32, some_bytes(size)
    info = bucket.put("secret", body, encryption=Encryption(customer_key=key))

    assert info.encryption == "SSE-C"
    assert bucket.get("secret", customer_key=key) == body
    assert bucket.head("secret", customer_key=key).size == size
    bucket.download_file("secret", tmp_path / "file", customer_key=key)
    assert (tmp_path / "file").read_bytes() == body
    with pytest.raises(errors.InvalidArgument):
        bucket.get("secret")
    with pytest.raises(errors.PermissionDenied):
        bucket.get("secret", customer_key=b"o" * 32)
    copied = bucket.copy("secret", "copy", source_customer_key=key, encryption=Encryption(algorithm="AES256"))
    assert (copied.encryption, bucket.get("copy")) == ("AES256", body)
    assert bucket.put("plain", "x").encryption == "AES256"
    assert "kkk" not in repr(Encryption(customer_key=key))


def test_append_goes_behind_what_is_there(bucket: Bucket):
    assert bucket.append("log", "one,", offset=0).size == 4

    assert bucket.append("log", b"two", offset=4).size == 7

    assert bucket.get("log") == b"one,two"
    with pytest.raises(errors.PreconditionFailed, match="write offset"):
        bucket.append("log", b"x", offset=4)


def test_large_object_travels_in_parts(bucket: Bucket):
    data = some_bytes(2 * PART_BYTES + 5)
    moved: list[int] = []

    info = bucket.put("a", data, progress=moved.append)

    assert info.part_count == 3
    assert sum(moved) == len(data)
    assert bucket.get("a") == data


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"first": 3}, b"3456789"),
        ({"first": 3, "last": 5}, b"345"),
        ({"last": 1}, b"01"),
        ({"suffix": 2}, b"89"),
        ({"first": 8, "last": 99}, b"89"),
    ],
)
def test_range_is_read(bucket: Bucket, options, expected):
    bucket.put("a", b"0123456789")

    assert bucket.get("a", **options) == expected


def test_range_beyond_the_end_is_refused(bucket: Bucket):
    bucket.put("a", b"0123456789")

    with pytest.raises(errors.InvalidArgument, match="InvalidRange"):
        bucket.get("a", first=10)


def test_conditions_hold_for_writing(bucket: Bucket):
    first = bucket.put("a", b"1", if_none_match="*")

    with pytest.raises(errors.PreconditionFailed):
        bucket.put("a", b"2", if_none_match="*")
    with pytest.raises(errors.PreconditionFailed):
        bucket.put("a", b"2", if_match="0" * 32)
    bucket.put("a", b"3", if_match=first.etag)
    with pytest.raises(errors.PreconditionFailed):
        bucket.delete("a", if_match=first.etag)

    assert bucket.get("a") == b"3"


def test_conditions_hold_for_reading(bucket: Bucket):
    info = bucket.put("a", b"1")

    with pytest.raises(errors.NotModified):
        bucket.get("a", if_none_match=info.etag)
    with pytest.raises(errors.NotModified):
        bucket.head("a", if_modified_since=info.modified)
    with pytest.raises(errors.PreconditionFailed):
        bucket.head("a", if_unmodified_since=info.modified - timedelta(seconds=2))

    assert bucket.get("a", if_match=info.etag) == b"1"


def test_missing_things_are_not_found(client: Client, bucket: Bucket, name: str):
    with pytest.raises(errors.NotFound, match="NoSuchKey"):
        bucket.get("a")
    with pytest.raises(errors.NotFound):
        bucket.head("a")
    with pytest.raises(errors.NotFound, match="NoSuchBucket"):
        client.bucket(f"{name}-none").put("a", b"")
    bucket.delete("a")


def test_listing_rolls_keys_up_to_common_prefixes(bucket: Bucket):
    for key in ("a", "b/1", "b/2", "c/d/1", "e"):
        bucket.put(key, b"")

    pages = list(bucket.list(delimiter="/", page_size=2).pages())

    assert [it.key for it in bucket.list()] == ["a", "b/1", "b/2", "c/d/1", "e"]
    assert [it.key for it in bucket.list("b/")] == ["b/1", "b/2"]
    assert [it.key for it in bucket.list(start_after="b/2")] == ["c/d/1", "e"]
    assert [(tuple(it.key for it in page.items), page.common_prefixes) for page in pages] == [
        (("a",), ("b/",)),
        (("e",), ("c/",)),
    ]


def test_batch_of_objects_is_deleted(bucket: Bucket):
    for key in ("a", "b", "c"):
        bucket.put(key, b"")

    bucket.delete_batch(["a", "c", "none"])

    assert [it.key for it in bucket.list()] == ["b"]


def test_writer_is_a_raw_file_that_becomes_visible_when_closed(bucket: Bucket):
    data = some_bytes(PART_BYTES + 100)

    with bucket.open("a", "wb", content_type="x/y") as file:
        assert isinstance(file, io.RawIOBase)
        buffered = io.BufferedWriter(file, 100_000)
        buffered.write(data[:1000])
        buffered.write(data[1000:])
        buffered.flush()
        assert file.tell() == len(data)
        with pytest.raises(errors.NotFound):
            bucket.head("a")

    assert bucket.get("a") == data
    assert file.info is not None
    assert (file.info.content_type, file.info.part_count) == ("x/y", 2)


def test_writer_whose_block_raises_leaves_nothing(bucket: Bucket):
    def fail() -> None:
        with bucket.open("a", "wb") as file:
            file.write(some_bytes(PART_BYTES + 100))
            raise KeyError("the writer failed")

    with pytest.raises(KeyError):
        fail()

    assert list(bucket.list()) == []
    assert list(bucket.uploads()) == []


def test_exclusive_writer_does_not_write_over(bucket: Bucket):
    bucket.put("a", b"1")

    with pytest.raises(errors.PreconditionFailed), bucket.open("a", "xb") as file:
        file.write(b"2")

    assert bucket.get("a") == b"1"


def test_reader_is_a_raw_file_that_seeks(bucket: Bucket):
    data = some_bytes(3_000_000)
    bucket.put("a", data)

    with bucket.open("a") as file:
        assert isinstance(file, io.RawIOBase)
        start = file.read(10)
        file.seek(-5, io.SEEK_END)
        end = file.read()
        file.seek(2_000_000)
        middle = io.BufferedReader(file).read(1000)

    assert (start, end, middle) == (data[:10], data[-5:], data[2_000_000:2_001_000])


def test_reader_of_a_range_counts_from_its_start(bucket: Bucket):
    bucket.put("a", b"0123456789")

    with bucket.open("a", first=3, last=7) as file:
        whole = file.read()
        file.seek(1)
        rest = file.read(2)

    assert (whole, rest, file.size) == (b"34567", b"45", 5)


def test_text_lines_are_read(bucket: Bucket):
    bucket.put("a", "one\ntwo\nthree")

    with bucket.open("a") as file:
        raw = file.readline()
        lines = list(io.TextIOWrapper(io.BufferedReader(file), "utf-8"))

    assert raw == b"one\n"
    assert lines == ["two\n", "three"]


def test_reader_goes_on_with_the_same_object_or_not_at_all(bucket: Bucket):
    bucket.put("a", some_bytes(3_000_000))

    with bucket.open("a") as file:
        file.read(10)
        bucket.put("a", some_bytes(3_000_000, seed=2))
        file.seek(2_500_000)
        with pytest.raises(errors.PreconditionFailed):
            file.read()


def test_file_is_uploaded_and_downloaded(bucket: Bucket, tmp_path: Path):
    source, target = tmp_path / "source.bin", tmp_path / "target.bin"
    source.write_bytes(some_bytes(PART_BYTES + 17))
    target.write_bytes(b"old")
    moved: list[int] = []

    up = bucket.upload_file(source)
    down = bucket.download_file("source.bin", target, progress=moved.append)

    assert target.read_bytes() == source.read_bytes()
    assert (up.etag, down.etag) == (down.etag, up.etag)
    assert sum(moved) == up.size


def test_failed_download_leaves_the_file_as_it_was(bucket: Bucket, tmp_path: Path):
    target = tmp_path / "target.bin"
    target.write_bytes(b"old")
    bucket.put("a", b"new")

    def interrupt(_count: int) -> None:
        raise KeyError("the disk is on fire")

    with pytest.raises(errors.NotFound):
        bucket.download_file("none", target)
    with pytest.raises(KeyError):
        bucket.download_file("a", target, progress=interrupt)

    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_iterables_and_files_are_stored(bucket: Bucket):
    bucket.put("a", (bytes([number]) * 1000 for number in range(3)))
    bucket.put("b", io.BytesIO(b"file"))

    assert bucket.get("a") == b"\0" * 1000 + b"\1" * 1000 + b"\2" * 1000
    assert bucket.get("b") == b"file"


def test_bucket_is_made_once_and_removed_when_empty(client: Client, name: str):
    bucket = client.bucket(name, create=True)
    client.bucket(name, create=True)
    bucket.put("a", b"")

    with pytest.raises(errors.AlreadyExists):
        bucket.create()
    with pytest.raises(errors.PreconditionFailed, match="BucketNotEmpty"):
        bucket.remove()
    bucket.delete("a")
    bucket.remove()

    with pytest.raises(errors.NotFound):
        bucket.info()


def test_buckets_are_listed(client: Client, name: str):
    for number in range(3):
        client.bucket(f"{name}-{number}", create=True)

    assert [it.name for it in client.buckets(name, page_size=2)] == [f"{name}-{number}" for number in range(3)]


def test_configuration_is_written_read_listed_and_removed(bucket: Bucket):
    rules = {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]}
    with pytest.raises(errors.NotFound):
        bucket.configuration("cors")

    bucket.set_configuration("cors", rules)
    bucket.set_configuration("tagging", {"TagSet": [{"Key": "team", "Value": "a b"}]})
    bucket.set_configuration("metrics", '{"Id": "all"}', "all")

    assert bucket.configuration("cors") == rules
    assert bucket.configuration("tagging") == {"TagSet": [{"Key": "team", "Value": "a b"}]}
    rule = {
        "ID": "old",
        "Status": "Enabled",
        "Filter": {"Prefix": "a/"},
        "Expiration": {"Date": "2030-01-02T00:00:00Z"},
    }
    bucket.set_configuration("lifecycle", {"Rules": [rule]})
    lifecycle = bucket.configuration("lifecycle")
    assert lifecycle is not None
    assert lifecycle["Rules"] == [{**rule, "Expiration": {"Date": "2030-01-02T00:00:00.000Z"}}]
    assert lifecycle["TransitionDefaultMinimumObjectSize"] == "all_storage_classes_128K"
    encryption = bucket.configuration("encryption")
    assert encryption is not None
    assert encryption["Rules"][0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert bucket.configuration("logging") is None
    assert bucket.configuration("ownership_controls") == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert list(bucket.configurations("metrics")) == [{"Id": "all"}]
    bucket.delete_configuration("metrics", "all")
    assert list(bucket.configurations("metrics")) == []
    for text in ("nonsense", '{"CORSRule": []}', '{"CORSRules": [{"AllowedMethods": "GET", "AllowedOrigins": []}]}'):
        with pytest.raises(errors.InvalidArgument):
            bucket.set_configuration("cors", text)
    with pytest.raises(errors.InvalidArgument):
        bucket.set_configuration("nonsense", {})


def test_a_bucket_encrypts_under_the_key_that_it_was_told(client: Client, bucket: Bucket, name: str):
    key = client.keys.create("photos")
    client.keys.create_alias(f"alias/{name}", key.id)
    assert (bucket.encryption().algorithm, bucket.encryption().kms_key_id) == ("AES256", "")

    bucket.set_encryption("aws:kms", kms_key_id=f"alias/{name}", bucket_key=True, blocks_customer_keys=True)
    told = bucket.encryption()
    stored = bucket.put("a", b"1234")

    assert (told.algorithm, told.kms_key_id, told.bucket_key) == ("aws:kms", f"alias/{name}", True)
    assert (stored.encryption, stored.kms_key_arn) == ("aws:kms", key.arn)
    with pytest.raises(errors.PermissionDenied):
        bucket.put("b", b"1", encryption=Encryption(customer_key=bytes(32)))
    bucket.set_encryption()
    assert bucket.put("a", b"5").encryption == "AES256"
    bucket.delete_configuration("encryption")
    assert bucket.encryption().algorithm == "AES256"


def test_quota_holds_and_is_lifted(bucket: Bucket):
    bucket.set_quota(bytes_max=4)
    bucket.put("a", b"1234")

    with pytest.raises(errors.LimitExceeded) as refused:
        bucket.put("b", b"5")

    assert (refused.value.code, bucket.quota().bytes_max, bucket.quota().objects_max) == ("QuotaExceeded", 4, 0)
    bucket.delete_configuration("quota")
    bucket.put("b", b"5")


def test_policy_is_written_read_and_removed(bucket: Bucket, name: str):
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{name}/*",
    }

    bucket.set_policy({"Version": "2012-10-17", "Statement": [statement]})
    text = bucket.policy()
    bucket.delete_policy()

    assert "s3:GetObject" in text
    with pytest.raises(errors.NotFound, match="NoSuchBucketPolicy"):
        bucket.policy()


def test_created_object_is_told_to_a_queue(client: Client, bucket: Bucket, name: str):
    queue = client.queue(name, create=True)
    arn = queue.info().arn
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{name}"}},
    }
    queue.set(policy={"Version": "2012-10-17", "Statement": [statement]})

    rules = bucket.set_notifications(
        [NotificationRule(queue=arn, events=("s3:ObjectCreated:*",), prefix="in/", suffix=".txt")]
    )
    bucket.put("out/a.txt", b"")
    bucket.put("in/a.txt", b"abc")

    messages = [it.json() for it in queue.receive(10, 10)]
    keys = [record["s3"]["object"]["key"] for it in messages for record in it.get("Records", [])]
    assert keys == ["in/a.txt"]
    assert rules[0].id
    assert bucket.notifications() == rules


async def async_files(server: Server, name: str) -> tuple[bytes, bytes, bytes]:
    async with server.async_client() as client:
        bucket = await client.bucket(name, create=True)
        data = some_bytes(PART_BYTES + 5)
        async with await bucket.open("a", "wb") as writer:
            await writer.write(data)
        async with await bucket.open("a") as reader:
            start = await reader.read(10)
            await reader.seek(-5, io.SEEK_END)
            end = await reader.read()
        return start, end, await bucket.get("a", first=3, last=5)


def test_asynchronous_files_do_the_same(server: Server, name: str):
    data = some_bytes(PART_BYTES + 5)

    assert asyncio.run(async_files(server, name)) == (data[:10], data[-5:], data[3:6])


def test_access_control_lists_are_read_and_replaced(client: Client, bucket: Bucket, name: str):
    account = client.iam.create_account("", name, email=f"{name}@example.com").account
    bucket.put("k", b"body")
    own = Grant(grantee="000000000000", permission="FULL_CONTROL")
    assert (bucket.acl(), bucket.acl("k")) == (AccessControlList(owner=own.grantee, grants=(own,)),) * 2
    with pytest.raises(errors.PreconditionFailed, match="AccessControlListNotSupported"):
        bucket.set_acl("private")

    bucket.set_configuration("ownership_controls", {"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    bucket.set_acl(grants=[own, Grant(grantee="LogDelivery", permission="WRITE")])
    bucket.set_acl(grants=[Grant(grantee=f"emailAddress={name}@example.com", permission="READ")], key="k")

    assert bucket.acl().grants == (own, Grant(grantee="LogDelivery", permission="WRITE"))
    assert bucket.acl("k").grants == (Grant(grantee=account, permission="READ"),)
    bucket.set_acl("private", key="k")
    assert bucket.acl("k").grants == (own,)
    with pytest.raises(errors.PermissionDenied, match="BlockPublicAcls"):
        bucket.set_acl("public-read")

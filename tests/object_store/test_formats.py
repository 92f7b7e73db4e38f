"""What is written to disk keeps its form: golden bytes of keys and records."""

import hashlib
from typing import Any

import msgspec
import pytest

from cumulo.object_store import keys
from cumulo.object_store.acl_model import Acl, Grant
from cumulo.object_store.buckets import find_bucket
from cumulo.object_store.keys import (
    BucketRow,
    CompletedRecord,
    ConfigurationRecord,
    Counters,
    EventRecord,
    Meta,
    ObjectRecord,
    OwnerRecord,
    PartRecord,
    Parts,
    ReplicaRecord,
    RuleRecord,
    Summary,
    UploadRecord,
    WayRecord,
)
from cumulo.object_store.lock_model import BucketLock, EventHold, ObjectLock
from cumulo.storage import records
from cumulo.storage.engine import ROOT

ACL = Acl("2", (Grant("AllUsers", "READ"),))
FIRST_FIELDS = (
    *("size_bytes", "etag", "modified_ms", "body", "blob", "part_count", "crc64nvme", "checksums", "content_type"),
    *("metadata", "headers", "storage_class", "tags", "is_composite"),
)
LISTED = ("size_bytes", "etag", "modified_ms", "storage_class", "checksums", "is_composite")
P = bytes.fromhex("0000000000000007")

KEYS = {
    "bucket": (keys.bucket_key("abc"), "0000000000000000026275636b65747300026e616d65000261626300"),
    "policy": (keys.policy_key("abc"), "0000000000000000026275636b6574730002706f6c696379000261626300"),
    "account": (keys.account_key("1", "abc"), "0000000000000000026275636b65747300026163636f756e74000231000261626300"),
    "owner": (keys.owner_key(9), "000000000000000002626c6f6273000000000000000009"),
    "object": (keys.object_key(P, "a\x00b"), "0000000000000007026f00026100ff6200"),
    "version": (keys.version_key(P, "a\x00b", 5), "0000000000000007027600026100ff62007ffffffffffffffa"),
    "foreign version": (keys.foreign_version_key(P, "k", b"i"), "0000000000000007027900026b0069"),
    "replica": (keys.replica_key(P, "k", 5), "0000000000000007027200026b000000000000000005"),
    "null version": (keys.null_version_key(P, "k"), "0000000000000007027700026b00"),
    "rewraps": (keys.REWRAPS.row, "0000000000000000026f626a6563745f7265777261707300"),
    "body": (keys.body_key(P, 5), "00000000000000070264000000000000000005"),
    "seal": (keys.seal_prefix(P, 5), "00000000000000070273000000000000000005"),
    "manifest": (keys.manifest_prefix(P, 5), "00000000000000070266000000000000000005"),
    "upload": (keys.upload_key(P, "k", 6), "0000000000000007027500026b000000000000000006"),
    "chunk": (keys.chunk_key(P, 6, 101), "0000000000000007027000000000000000000601"),
    "rule": (keys.rule_key(P, 1), "0000000000000007026e001501"),
    "completed": (keys.completed_key(P, 6), "00000000000000070278000000000000000006"),
    "garbage": (keys.garbage_key(P, 5), "00000000000000070267000000000000000005"),
    "configuration": (keys.configuration_key(P, "tagging"), "0000000000000007026b000274616767696e6700"),
    "configuration with an id": (
        keys.configuration_key(P, "metrics", "a"),
        "0000000000000007026b00026d65747269637300026100",
    ),
    "slice": (keys.slice_key(P, "cors", "", 1), "0000000000000007026a0002636f727300020001"),
    "event": (keys.event_key(P, 8, 2), "0000000000000007026500000000000000000802"),
}

RECORDS = (
    (
        BucketRow(
            partition=P,
            account="1",
            region="r",
            create_ms=2,
            has_policy=True,
            requester_pays=True,
            object_ownership="ObjectWriter",
            acl=ACL,
            is_versioned=True,
            locks_objects=True,
            retains_objects=True,
            location="EU",
        ),
        keys.decode_bucket,
    ),
    (
        Meta(
            name="b",
            account="1",
            region="r",
            rule_count=3,
            event_bridge=True,
            versioning="Enabled",
            lock=BucketLock("GOVERNANCE", 3),
        ),
        keys.decode_meta,
    ),
    (Counters(objects=1, bytes=2, uploads=3, next=4, versions=5), keys.decode_counters),
    (
        ObjectRecord(
            size_bytes=1,
            etag="e",
            modified_ms=2,
            body=3,
            blob=4,
            part_count=5,
            crc64nvme=(1 << 64) - 1,
            checksums={"crc32c": b"1234"},
            content_type="t",
            metadata={"m": "v"},
            headers={"expires": "0"},
            storage_class="GLACIER",
            tags={"a": "1"},
            is_composite=True,
            acl=ACL,
            version_id="v",
            lock=ObjectLock("GOVERNANCE", 7, "ON", EventHold(True, 3)),
        ),
        keys.decode_object,
    ),
    (
        Parts(
            parts=[
                PartRecord(number=1, size_bytes=2, md5=b"m", modified_ms=3, body=4, blob=5, crc64nvme=6, checksum=b"c")
            ]
        ),
        keys.decode_parts,
    ),
    (UploadRecord(create_ms=1, expires_ms=2, content_type="t", metadata={"m": "v"}), keys.decode_upload),
    (CompletedRecord(key="k", fingerprint=b"f", size_bytes=1, etag="e", enclosed=b"m"), keys.decode_completed),
    (ConfigurationRecord(value=b"v"), keys.decode_configuration),
    (
        RuleRecord(id="i", target="q", events=["e"], prefix="p", suffix="s", empty_filters=["Suffix"]),
        keys.decode_rule,
    ),
    (OwnerRecord(partition=P, body=3), keys.decode_owner),
    (
        ReplicaRecord(
            version_id="v", role="r", ways=[WayRecord(bucket="b", rule_id="i", storage_class="GLACIER")], wall_ms=2
        ),
        keys.decode_replica,
    ),
    (
        EventRecord(
            target="t", source_arn="s", account="1", delivery_id="d", body=b"b", attempts=2, trace_header="Root=1"
        ),
        keys.decode_event,
    ),
)

GOLDEN_RECORDS = {
    "BucketRow": (
        "dc001501c4080000000000000007a131a17202c3c2c2c3c400c2ac4f626a656374577269746572c2c292a1329192a8416c6c5573657273a452454144c2"
        "94a6414553323536a0c2c2c3c3c3a24555"
    ),
    "Counters": "96010102030405",
    "OwnerRecord": "9301c408000000000000000703",
    "ObjectRecord": (
        "dc00170201a16502a7474c414349455281a6637263333263c40431323334c3030405cfffffffffffff"
        "ffffa17481a16da17681a765787069726573a13081a161a13100"
        "92a1329192a8416c6c5573657273a452454144c0c0a17600a094aa474f5645524e414e434507a24f4e93c30300"
    ),
    "Parts": "92019199010102c4016d03040506c40163",
    "ReplicaRecord": "9901a176a172919701a162a169a7474c4143494552a0c2a002c20000c2",
}


@pytest.mark.parametrize("name", KEYS)
def test_keys_keep_their_bytes(name: str) -> None:
    key, golden = KEYS[name]
    assert key.hex() == golden


@pytest.mark.parametrize(("record", "decode"), RECORDS, ids=lambda it: type(it).__name__)
def test_records_come_back_and_keep_their_bytes(record: Any, decode: Any) -> None:
    encoded = records.encode(record)

    assert decode(encoded) == record
    golden = GOLDEN_RECORDS.get(type(record).__name__)
    assert golden is None or encoded.hex() == golden


def test_listing_reads_the_first_fields_of_an_object() -> None:
    record = ObjectRecord(size_bytes=1, etag="e", modified_ms=2, checksums={"sha1": b"1"}, storage_class="GLACIER")

    summary = keys.decode_summary(records.encode(record))

    assert (summary.size_bytes, summary.etag, summary.modified_ms) == (1, "e", 2)
    assert (summary.checksums, summary.storage_class, summary.is_composite) == ({"sha1": b"1"}, "GLACIER", False)
    assert Summary.__struct_fields__ == ObjectRecord.__struct_fields__[: len(Summary.__struct_fields__)]


OLDER_RECORDS = {
    "9601c4080000000000000007a131a17202c3": (
        keys.decode_bucket,
        BucketRow(partition=P, account="1", region="r", create_ms=2, has_policy=True),
    ),
    "9b0101a16502030405cfffffffffffffffff81a6637263333263c40431323334a17481a16da176": (
        keys.decode_object,
        ObjectRecord(
            size_bytes=1,
            etag="e",
            modified_ms=2,
            body=3,
            blob=4,
            part_count=5,
            crc64nvme=(1 << 64) - 1,
            checksums={"crc32c": b"1234"},
            content_type="t",
            metadata={"m": "v"},
        ),
    ),
    (
        "9f0101a16502030405cfffffffffffffffff81a6637263333263c40431323334a17481a16da176"
        "81a765787069726573a130a7474c414349455281a161a131c3"
    ): (
        keys.decode_object,
        ObjectRecord(
            size_bytes=1,
            etag="e",
            modified_ms=2,
            body=3,
            blob=4,
            part_count=5,
            crc64nvme=(1 << 64) - 1,
            checksums={"crc32c": b"1234"},
            content_type="t",
            metadata={"m": "v"},
            headers={"expires": "0"},
            storage_class="GLACIER",
            tags={"a": "1"},
            is_composite=True,
        ),
    ),
    "92019198010102c4016d03040506": (
        keys.decode_parts,
        Parts(parts=[PartRecord(number=1, size_bytes=2, md5=b"m", modified_ms=3, body=4, blob=5, crc64nvme=6)]),
    ),
    "95010102a17481a16da176": (
        keys.decode_upload,
        UploadRecord(create_ms=1, expires_ms=2, content_type="t", metadata={"m": "v"}),
    ),
}


@pytest.mark.parametrize("encoded", OLDER_RECORDS)
def test_records_of_an_older_program_are_read(encoded: str) -> None:
    decode, record = OLDER_RECORDS[encoded]

    assert decode(bytes.fromhex(encoded)) == record


def test_listing_reads_objects_of_an_older_program() -> None:
    for encoded, (decode, record) in OLDER_RECORDS.items():
        if decode is keys.decode_object:
            summary = keys.decode_summary(bytes.fromhex(encoded))

            assert [getattr(summary, name) for name in LISTED] == [getattr(record, name) for name in LISTED]


def write_as_version_1(txn: Any, place: tuple[bytes, str]) -> None:
    row_key = keys.object_key(*place)
    record = keys.decode_object(txn.get(row_key))
    txn.put(row_key, msgspec.msgpack.encode([1, *(getattr(record, name) for name in FIRST_FIELDS)]))


@pytest.mark.parametrize("delimiter", ["", "/"])
def test_page_may_hold_records_of_both_versions(run: Any, delimiter: str) -> None:
    async def scenario(stand: Any) -> None:
        await stand.store_plain()
        for key in ("a", "b", "c"):
            await stand.put(key, b"12345")
        found = await stand.engine.read((ROOT,), find_bucket, "inbox")
        await stand.engine.transact((found.row.partition,), write_as_version_1, (found.row.partition, "b"))

        page = await stand.list_(delimiter=delimiter)

        assert [(one.key, one.size_bytes, one.etag) for one in page.objects] == [
            (key, 5, hashlib.md5(b"12345").hexdigest()) for key in ("a", "b", "c")
        ]
        assert await stand.get("b") == b"12345"
        await stand.delete("b")

    run(scenario)


def test_text_of_a_row_is_the_text_it_was_made_of() -> None:
    for text in ("", "a", "a\x00b\x00", "é\uffff"):
        assert keys.text_of(keys.object_key(P, text), len(P) + len(keys.OBJECTS)) == text
        assert keys.parse_upload_key(keys.upload_key(P, text, 77)) == (text, 77)


@pytest.mark.parametrize("texts", [[], [""], ["a", "", "é\uffff"], ["a\x00b\x00", "\x00", "c"]])
def test_texts_of_rows_are_the_texts_they_were_made_of(texts: list[str]) -> None:
    row_keys = [keys.object_key(P, text) for text in texts]

    assert keys.texts_of(row_keys, len(P) + len(keys.OBJECTS)) == texts

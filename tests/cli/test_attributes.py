"""Attributes, storage classes and restores of objects by the command line, against a real server."""

import pytest


@pytest.fixture
def bucket(run, name) -> str:
    run("bucket", "mb", name)
    return f"s3://{name}"


def test_object_is_copied_with_headers_tags_and_class(run, answer, bucket):
    options = ("--header", "cache-control=no-store", "--tag", "a=1", "--storage-class", "STANDARD_IA")

    run("object", "cp", "-", f"{bucket}/k", *options, text="text")
    run("object", "cp", f"{bucket}/k", f"{bucket}/copy")

    found, copy = (answer("object", "head", f"{bucket}/{key}") for key in ("k", "copy"))
    assert (found["headers"], found["storage_class"]) == ({"cache-control": "no-store"}, "STANDARD_IA")
    assert answer("object", "tags", f"{bucket}/k") == [{"key": "a", "value": "1"}]
    assert (copy["headers"], copy["storage_class"]) == (found["headers"], "STANDARD")


def test_objects_are_copied_inside_the_server_so_that_sync_knows_them(run, answer, bucket, tmp_path):
    (tmp_path / "file").write_bytes(bytes(9 * 1024 * 1024))
    run("object", "cp", str(tmp_path / "file"), f"{bucket}/from/k", "--tag", "a=1", "--content-type", "text/x")

    run("object", "cp", "-r", f"{bucket}/from/", f"{bucket}/to/", "-m", "m=1")
    synced = answer("object", "sync", f"{bucket}/from/", f"{bucket}/to/")
    run("object", "mv", f"{bucket}/to/k", f"{bucket}/moved")

    assert (synced["copied"], synced["unchanged"]) == (0, 1)
    found = answer("object", "head", f"{bucket}/moved")
    assert (found["content_type"], found["metadata"], found["part_count"]) == ("text/x", {"m": "1"}, 2)
    assert answer("object", "tags", f"{bucket}/moved") == [{"key": "a", "value": "1"}]
    assert [it["key"] for it in answer("object", "ls", "-r", bucket)] == ["from/k", "moved"]


def test_attributes_are_shown(run, answer, bucket):
    run("object", "cp", "-", f"{bucket}/k", text="text")

    found = answer("object", "attributes", f"{bucket}/k")

    assert found["info"] == answer("object", "head", f"{bucket}/k")
    assert (found["checksum_type"], found["parts"]) == ("FULL_OBJECT", [])
    assert found["checksums"]["crc64nvme"] in run("object", "attributes", f"{bucket}/k").stdout


def test_archived_object_is_restored(run, answer, bucket):
    run("object", "cp", "-", f"{bucket}/k", "--storage-class", "GLACIER", text="text")

    asked = answer("object", "restore", f"{bucket}/k", "--days", "2", "--tier", "Bulk")

    assert asked == {"restored": False}
    assert answer("object", "head", f"{bucket}/k")["restore"] is not None

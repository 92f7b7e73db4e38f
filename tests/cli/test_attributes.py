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

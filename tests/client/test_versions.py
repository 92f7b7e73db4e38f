"""Versions of objects by the SDK against a real server: reading, listing, deleting, restoring, permissions."""

from pathlib import Path
from urllib.request import urlopen

import pytest

from cumulo.client import Bucket, errors
from cumulo.client.etags import PART_BYTES
from cumulo.client.model import Grant
from cumulo.testing import Server


@pytest.fixture
def versioned(bucket: Bucket) -> Bucket:
    bucket.set_versioning("Enabled")
    return bucket


def listed(bucket: Bucket, prefix: str = "") -> list[tuple[str, str, bool, bool]]:
    return [(it.key, it.version_id, it.latest, it.delete_marker) for it in bucket.versions(prefix)]


def test_versioning_is_enabled_and_suspended_and_never_gone(bucket: Bucket):
    states = [bucket.versioning()]

    for status in ("Enabled", "Suspended"):
        bucket.set_versioning(status)
        states.append(bucket.versioning())

    assert states == ["", "Enabled", "Suspended"]
    for wrong in ("", "enabled", "Off"):
        with pytest.raises(errors.InvalidArgument):
            bucket.set_versioning(wrong)  # type: ignore[arg-type]
    with pytest.raises(errors.InvalidArgument):
        bucket.delete_configuration("versioning")


def test_every_version_is_read_by_its_id(versioned: Bucket, tmp_path: Path):
    old, new = versioned.put("a", "old"), versioned.put("a", "new")

    assert old.version_id != new.version_id
    assert versioned.get("a") == b"new"
    assert versioned.head("a").version_id == new.version_id
    assert versioned.get("a", version_id=old.version_id) == b"old"
    assert versioned.get("a", first=1, version_id=old.version_id) == b"ld"
    assert versioned.head("a", version_id=old.version_id) == old
    with versioned.open("a", version_id=old.version_id) as reader:
        assert (reader.read(1), reader.seek(0), reader.read()) == (b"o", 0, b"old")
    versioned.download_file("a", tmp_path / "old", version_id=old.version_id, resume=True)
    assert (tmp_path / "old").read_bytes() == b"old"


def test_delete_hides_an_object_until_its_marker_is_deleted(versioned: Bucket):
    kept = versioned.put("a", "text")

    marker = versioned.delete("a")

    assert marker.delete_marker
    assert listed(versioned) == [("a", marker.version_id, True, True), ("a", kept.version_id, False, False)]
    with pytest.raises(errors.NotFound) as missed:
        versioned.get("a")
    assert (missed.value.code, missed.value.details["version_id"]) == ("NoSuchKey", marker.version_id)
    with pytest.raises(errors.PreconditionFailed) as refused:
        versioned.head("a", version_id=marker.version_id)
    assert refused.value.code == "MethodNotAllowed"
    assert versioned.delete("a", version_id=marker.version_id) == marker
    assert versioned.get("a") == b"text"
    gone = versioned.delete("a", version_id=kept.version_id)
    assert (gone.version_id, gone.delete_marker) == (kept.version_id, False)
    assert listed(versioned) == []


def test_an_old_version_is_restored_by_a_copy_onto_its_key(versioned: Bucket):
    old = versioned.put("a", "old", metadata={"colour": "blue"})
    versioned.put("a", "new")

    restored = versioned.copy("a", "a", source_version_id=old.version_id)

    assert versioned.get("a") == b"old"
    assert (restored.metadata, restored.version_id) == ({"colour": "blue"}, versioned.head("a").version_id)
    assert len(listed(versioned)) == 3
    with pytest.raises(errors.InvalidArgument):
        versioned.copy("a", "a", source_version_id=restored.version_id[:5])


def test_versions_are_listed_in_pages_and_folders(versioned: Bucket):
    for number in range(3):
        for key in ("a/1", "b", "c"):
            versioned.put(key, str(number))

    pages = list(versioned.versions(page_size=2).pages())
    rolled = next(iter(versioned.versions(delimiter="/").pages()))
    of_b = [it for it in versioned.versions() if it.key == "b"]

    assert [len(page.items) for page in pages] == [2, 2, 2, 2, 1]
    assert [it.key for page in pages for it in page.items] == ["a/1"] * 3 + ["b"] * 3 + ["c"] * 3
    assert ([it.key for it in rolled.items], rolled.common_prefixes) == (["b"] * 3 + ["c"] * 3, ("a/",))
    assert [versioned.get("b", version_id=it.version_id) for it in of_b] == [b"2", b"1", b"0"]
    behind = versioned.versions(start_after="b", start_after_version_id=of_b[1].version_id)
    assert [it.version_id for it in behind][:1] == [of_b[2].version_id]
    assert {it.key for it in versioned.versions(start_after="b")} == {"c"}
    with pytest.raises(errors.InvalidArgument):
        list(versioned.versions(start_after_version_id=of_b[0].version_id))


def test_a_batch_deletes_keys_and_versions(versioned: Bucket):
    first = versioned.put("a", "1")
    versioned.put("b", "1")

    deleted = versioned.delete_batch(["b", next(iter(versioned.versions("a")))])

    assert [it.delete_marker for it in deleted] == [True, False]
    assert deleted[1].version_id == first.version_id
    versioned.delete_batch(list(versioned.versions()))
    assert listed(versioned) == []
    versioned.remove()


def test_what_was_there_before_is_the_version_null(bucket: Bucket):
    before = bucket.put("a", "before")
    assert (before.version_id, listed(bucket)) == ("", [("a", "null", True, False)])

    bucket.set_versioning("Enabled")
    bucket.put("a", "after")

    assert bucket.get("a", version_id="null") == b"before"
    with pytest.raises(errors.NotFound) as missed:
        bucket.get("b", version_id="null")
    assert missed.value.code == "NoSuchVersion"
    with pytest.raises(errors.InvalidArgument) as refused:
        bucket.get("a", version_id="no-version")
    assert "Invalid version id specified" in str(refused.value)


def test_what_is_written_while_versioning_is_suspended_is_the_version_null(versioned: Bucket):
    kept = versioned.put("a", "kept")
    versioned.set_versioning("Suspended")

    written = versioned.put("a", "null")
    marker = versioned.delete("a")

    assert (written.version_id, marker.version_id, marker.delete_marker) == ("", "null", True)
    assert listed(versioned) == [("a", "null", True, True), ("a", kept.version_id, False, False)]
    versioned.delete("a", version_id="null")
    assert versioned.get("a") == b"kept"


def test_tags_are_a_versions_own(versioned: Bucket):
    old, new = versioned.put("a", "old"), versioned.put("a", "new")

    versioned.set_tags("a", {"colour": "blue"}, version_id=old.version_id)
    versioned.set_tags("a", {"colour": "red", "size": "1"})

    assert versioned.tags("a", version_id=old.version_id) == {"colour": "blue"}
    assert versioned.tags("a") == {"colour": "red", "size": "1"}
    versioned.delete_tags("a", version_id=new.version_id)
    assert versioned.tags("a") == {}


def test_access_control_lists_are_a_versions_own(versioned: Bucket):
    versioned.set_configuration("ownership_controls", {"Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    old = versioned.put("a", "old")
    versioned.put("a", "new")
    account = versioned.info().account

    versioned.set_acl(grants=[Grant(grantee=account, permission="READ")], key="a", version_id=old.version_id)

    assert [it.permission for it in versioned.acl("a", version_id=old.version_id).grants] == ["READ"]
    assert [it.permission for it in versioned.acl("a").grants] == ["FULL_CONTROL"]


def test_uploads_in_parts_make_versions(versioned: Bucket):
    data = bytes(PART_BYTES + 1)

    first, second = versioned.put("a", data), versioned.put("a", b"small")

    assert first.part_count == 2
    assert [it.version_id for it in versioned.versions()] == [second.version_id, first.version_id]
    assert versioned.get("a", version_id=first.version_id) == data


def test_a_presigned_url_reads_a_version(versioned: Bucket):
    old = versioned.put("a", "old")
    versioned.put("a", "new")

    with urlopen(versioned.presign("a", version_id=old.version_id)) as answer:
        assert (answer.read(), answer.headers["x-amz-version-id"]) == (b"old", old.version_id)
    with pytest.raises(ValueError, match="read, not put"):
        versioned.presign("a", "PUT", version_id=old.version_id)


def test_versions_need_permissions_of_their_own(server: Server, versioned: Bucket, name: str):
    old = versioned.put("a", "old")
    versioned.put("a", "new")
    with server.client() as admin:
        admin.iam.create_user(name)
        document = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": ["s3:GetObject", "s3:DeleteObject", "s3:ListBucket"],
                    "Resource": [f"arn:aws:s3:::{versioned.name}", f"arn:aws:s3:::{versioned.name}/*"],
                }
            ],
        }
        admin.iam.put_user_policy(name, "current", document)
        key = admin.iam.create_access_key(name)

    with server.client(access_key_id=key.access_key_id, secret_access_key=key.secret_access_key) as client:
        bucket = client.bucket(versioned.name)
        assert bucket.get("a") == b"new"
        assert bucket.delete("a").delete_marker
        for refused in (
            lambda: bucket.get("a", version_id=old.version_id),
            lambda: bucket.head("a", version_id=old.version_id),
            lambda: bucket.delete("a", version_id=old.version_id),
            lambda: bucket.tags("a", version_id=old.version_id),
            lambda: bucket.acl("a", version_id=old.version_id),
            lambda: list(bucket.versions()),
            bucket.versioning,
            bucket.set_versioning,
        ):
            with pytest.raises(errors.PermissionDenied):
                refused()

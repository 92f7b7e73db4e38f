"""Renames: another key for an object, in one commit."""

from typing import Any

import msgspec
import pytest

from cumulo.object_store import configuration_model, copy_model, notification_model, object_model
from tests.object_store.aws_door import Door, door

__all__ = ["door"]

LARGE = bytes(range(256)) * 300


async def rename(stand: Any, source: str, key: str, **more: Any) -> None:
    await stand.call("RenameObject", copy_model.RenameObject(bucket="inbox", key=key, source_key=source, **more))


@pytest.mark.parametrize("data", [b"", b"small", LARGE])
@pytest.mark.parametrize("encrypted", [True, False])
def test_object_is_under_its_new_key_as_it_was(run: Any, data: bytes, encrypted: bool) -> None:
    async def scenario(stand: Any) -> None:
        if not encrypted:
            await stand.call(
                "DeleteBucketConfiguration", configuration_model.DeleteBucketConfiguration("inbox", "encryption")
            )
        before = await stand.put("old", data, metadata={"a": "b"}, tags={"t": "1"})
        await stand.advance(5)

        await rename(stand, "old", "new")

        after = await stand.head("new")
        assert (after.etag, after.last_modified_ms, after.metadata, after.tag_count) == (
            before.etag,
            before.last_modified_ms,
            {"a": "b"},
            1,
        )
        assert await stand.get("new") == data
        assert [it.key for it in (await stand.list_()).objects] == ["new"]
        await stand.restart()
        assert await stand.get("new") == data

    run(scenario)


def test_object_in_parts_and_what_it_replaces(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("log", LARGE)
        await stand.put("log", LARGE, write_offset=len(LARGE))
        await stand.put("taken", LARGE)

        await rename(stand, "log", "taken")
        await stand.advance()

        assert await stand.get("taken") == LARGE * 2
        assert len(stand.files()) == 2
        assert await stand.problems() == []

    run(scenario)


@pytest.mark.parametrize(
    ("source", "key", "more", "code"),
    [
        ("none", "new", {}, "NoSuchKey"),
        ("old", "old", {}, "InvalidRequest"),
        ("old", "folder/", {}, "InvalidRequest"),
        ("old", "taken", {"conditions": object_model.Conditions(if_none_match="*")}, "PreconditionFailed"),
        ("old", "taken", {"conditions": object_model.Conditions(if_match="other")}, "PreconditionFailed"),
        ("old", "new", {"conditions": object_model.Conditions(if_match="other")}, "PreconditionFailed"),
        ("old", "new", {"source_conditions": object_model.Conditions(if_match="other")}, "PreconditionFailed"),
        ("old", "new", {"source_conditions": object_model.Conditions(if_none_match="*")}, "PreconditionFailed"),
    ],
)
def test_rename_that_cannot_be_is_refused(
    run: Any, refused: Any, source: str, key: str, more: dict[str, Any], code: str
) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("old", b"1")
        await stand.put("taken", b"2")

        assert (await refused(rename(stand, source, key, **more))).row.code == code

        assert [it.key for it in (await stand.list_()).objects] == ["old", "taken"]

    run(scenario)


def test_rename_is_told_as_a_removal_and_a_creation(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("old", b"1")
        queue = "arn:aws:sqs:us-east-1:000000000000:jobs"
        every = ("s3:ObjectCreated:*", "s3:ObjectRemoved:*")
        await stand.notify_me(notification_model.NotificationRule(target=queue, events=every))
        await rename(stand, "old", "new", request_id="one")
        await rename(stand, "old", "new", request_id="one")
        await stand.advance()

        told = [msgspec.json.decode(body) for body in await stand.messages()]
        records = [record for it in told for record in it.get("Records", ())]
        assert sorted((it["eventName"], it["s3"]["object"]["key"]) for it in records) == [
            ("ObjectCreated:Copy", "new"),
            ("ObjectRemoved:Delete", "old"),
        ]

    run(scenario)


def test_rename_over_s3s_api(door: Door) -> None:
    for key in ("a b", "c"):
        door.ask("PUT", "/inbox/" + key.replace(" ", "%20"), body=b"body")

    assert door.ask("PUT", "/inbox/d?renameObject", {"x-amz-rename-source": "/inbox/a%20b"}).status == 200
    assert door.ask("PUT", "/inbox/e?renameObject", {"x-amz-rename-source": "c", "if-none-match": "*"}).status == 200
    assert door.ask("PUT", "/inbox/d?renameObject", {"x-amz-rename-source": "e", "if-none-match": "*"}).error[:2] == (
        412,
        "PreconditionFailed",
    )
    assert door.ask("PUT", "/inbox/f?renameObject", {"x-amz-rename-source": "gone"}).error[:2] == (404, "NoSuchKey")
    assert door.ask("PUT", "/inbox/f?renameObject", {"x-amz-rename-source": "%ff"}).error[:2] == (
        400,
        "InvalidArgument",
    )
    assert [it["Key"] for it in door.client().list_objects_v2(Bucket="inbox")["Contents"]] == ["d", "e"]

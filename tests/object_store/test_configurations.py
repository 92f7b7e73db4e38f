"""Configurations of buckets: S3's defaults of today, what is kept, what is refused, and what keeps the public out."""

from typing import Any

import msgspec
import pytest

from cumulo.core.context import CallContext
from cumulo.identity.policy import ANONYMOUS
from cumulo.identity.principal_model import root_of
from cumulo.object_store import acl_model, bucket_model, configuration_model, object_model, tagging_model
from cumulo.object_store.configurations import KINDS
from cumulo.object_store.public_access import is_public

OTHER = CallContext(principal=root_of("111111111111"), request_id="other")
NOBODY = CallContext(principal=ANONYMOUS, request_id="anonymous")
READ_ALL = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::inbox/*"}
LIST_ALL = {"Effect": "Allow", "Principal": "*", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::inbox"}


async def read(stand: Any, kind: str) -> Any:
    return await stand.call("GetBucketConfiguration", configuration_model.GetBucketConfiguration("inbox", kind))


async def write(stand: Any, kind: str, value: Any) -> None:
    await stand.call("SetBucketConfiguration", configuration_model.SetBucketConfiguration("inbox", kind, value))


async def remove(stand: Any, kind: str) -> None:
    await stand.call("DeleteBucketConfiguration", configuration_model.DeleteBucketConfiguration("inbox", kind))


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("cors", "NoSuchCORSConfiguration"),
        ("lifecycle", "NoSuchLifecycleConfiguration"),
        ("object_lock", "ObjectLockConfigurationNotFoundError"),
        ("replication", "ReplicationConfigurationNotFoundError"),
        ("tagging", "NoSuchTagSet"),
        ("website", "NoSuchWebsiteConfiguration"),
    ],
)
def test_what_nobody_configured_answers_the_error_of_s3(run: Any, refused: Any, kind: str, code: str) -> None:
    async def scenario(stand: Any) -> None:
        error = await refused(read(stand, kind))

        assert (error.row.code, error.row.http_status) == (code, 404)

    run(scenario)


def test_new_bucket_has_the_defaults_of_today(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        assert await read(stand, "public_access_block") == acl_model.PublicAccessBlock(True, True, True, True)
        assert await read(stand, "ownership_controls") == acl_model.OwnershipControls("BucketOwnerEnforced")
        for kind in ("versioning", "logging", "accelerate", "request_payment"):
            assert await read(stand, kind) is None
        acl = await stand.call("GetBucketAcl", acl_model.GetBucketAcl("inbox"))
        assert acl == acl_model.Acl("000000000000", (acl_model.Grant("000000000000", "FULL_CONTROL"),))

    run(scenario)


@pytest.mark.parametrize(
    ("kind", "value", "code"),
    [
        (
            "public_access_block",
            acl_model.PublicAccessBlock(False, True, False, True),
            "NoSuchPublicAccessBlockConfiguration",
        ),
        ("ownership_controls", acl_model.OwnershipControls("ObjectWriter"), "OwnershipControlsNotFoundError"),
        ("tagging", tagging_model.BucketTagging({"team": "a", "über": "ä b"}), "NoSuchTagSet"),
    ],
)
def test_configuration_is_kept_and_once_removed_has_no_default(
    run: Any, refused: Any, kind: str, value: Any, code: str
) -> None:
    async def scenario(stand: Any) -> None:
        await write(stand, kind, value)
        await stand.restart()
        assert await read(stand, kind) == value

        await remove(stand, kind)
        await remove(stand, kind)

        assert (await refused(read(stand, kind))).row.code == code

    run(scenario)


def test_configurations_go_with_their_bucket(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await write(stand, "tagging", tagging_model.BucketTagging({"a": "1"}))

        await stand.call("DeleteBucket", bucket_model.DeleteBucket("inbox"))
        await stand.make()

        assert (await refused(read(stand, "tagging"))).row.code == "NoSuchTagSet"

    run(scenario)


@pytest.mark.parametrize(
    ("kind", "value", "code"),
    [
        ("nonsense", None, "InvalidArgument"),
        ("cors", None, "InvalidArgument"),
        ("versioning", configuration_model.Versioning(""), "IllegalVersioningConfigurationException"),
        ("versioning", configuration_model.Versioning("Off"), "InvalidArgument"),
        ("tagging", acl_model.PublicAccessBlock(), "InvalidArgument"),
        ("tagging", tagging_model.BucketTagging({str(n): "" for n in range(51)}), "BadRequest"),
        ("tagging", tagging_model.BucketTagging({"aws:x": ""}), "InvalidTag"),
        ("ownership_controls", acl_model.OwnershipControls("Nobody"), "InvalidArgument"),
    ],
)
def test_configuration_that_cannot_be_is_refused(run: Any, refused: Any, kind: str, value: Any, code: str) -> None:
    async def scenario(stand: Any) -> None:
        assert (await refused(write(stand, kind, value))).row.code == code

    run(scenario)


def test_every_kind_asks_for_the_permission_of_its_own(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        for name, kind in KINDS.items():
            id_ = "i" if kind.has_ids else ""
            request = configuration_model.GetBucketConfiguration("inbox", name, id_)
            error = await refused(stand.call("GetBucketConfiguration", request, ctx=OTHER))
            assert (error.row.code, error.values["action"]) == ("AccessDenied", kind.reads)
            removal = configuration_model.DeleteBucketConfiguration("inbox", name, id=id_)
            if name in ("versioning", "object_lock"):  # no bucket loses them
                error = await refused(stand.call("DeleteBucketConfiguration", removal))
                assert error.row.code == "InvalidArgument"
                continue
            error = await refused(stand.call("DeleteBucketConfiguration", removal, ctx=OTHER))
            assert (error.row.code, error.values["action"]) == ("AccessDenied", kind.deletes or kind.writes)

    run(scenario)


def test_bucket_is_made_with_its_tags_and_ownership(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        request = bucket_model.CreateBucket("tagged", tags={"a": "1"}, object_ownership="ObjectWriter", acl="private")
        await stand.call("CreateBucket", request)

        get = configuration_model.GetBucketConfiguration("tagged", "tagging")
        assert await stand.call("GetBucketConfiguration", get) == tagging_model.BucketTagging({"a": "1"})
        get = configuration_model.GetBucketConfiguration("tagged", "ownership_controls")
        assert await stand.call("GetBucketConfiguration", get) == acl_model.OwnershipControls("ObjectWriter")
        error = await refused(stand.call("CreateBucket", bucket_model.CreateBucket("public", acl="public-read")))
        assert error.row.code == "InvalidBucketAclWithObjectOwnership"

    run(scenario)


# Public access


def test_public_policy_is_refused_until_the_block_is_lifted(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        error = await refused(stand.set_policy(READ_ALL))
        assert error.row.code == "AccessDenied"
        assert error.message.endswith(
            "because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access."
        )
        assert (await refused(stand.call("GetBucketPolicy", bucket_model.GetBucketPolicy("inbox")))).row.code == (
            "NoSuchBucketPolicy"
        )

        await write(stand, "public_access_block", acl_model.PublicAccessBlock(block_public_policy=False))
        await stand.set_policy(READ_ALL)

        status = bucket_model.GetBucketPolicyStatus("inbox")
        assert await stand.call("GetBucketPolicyStatus", status) is True
        await stand.set_policy({**READ_ALL, "Principal": {"AWS": "111111111111"}})
        assert await stand.call("GetBucketPolicyStatus", status) is False

    run(scenario)


def test_restricted_bucket_serves_nobody_outside_by_a_public_policy(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("k", b"data")
        head = object_model.HeadObject(bucket="inbox", key="k")
        await write(stand, "public_access_block", acl_model.PublicAccessBlock(block_public_policy=False))
        await stand.set_policy(READ_ALL)
        for ctx in (NOBODY, OTHER):
            assert (await refused(stand.call("HeadObject", head, ctx=ctx))).row.code == "AccessDenied"
        assert await stand.get("k") == b"data"

        await remove(stand, "public_access_block")

        for ctx in (NOBODY,):
            assert (await stand.call("HeadObject", head, ctx=ctx)).content_length == 4

        await write(stand, "public_access_block", acl_model.PublicAccessBlock())
        assert (await refused(stand.call("HeadObject", head, ctx=NOBODY))).row.code == "AccessDenied"

    run(scenario)


def test_policy_for_one_account_is_not_public_and_never_restricted(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("k", b"data")

        await stand.set_policy({**READ_ALL, "Principal": {"AWS": "111111111111"}})

        head = object_model.HeadObject(bucket="inbox", key="k")
        assert (await stand.call("HeadObject", head, ctx=OTHER)).content_length == 4

    run(scenario)


def conditioned(operator: str, key: str, value: Any) -> dict[str, Any]:
    return {**READ_ALL, "Condition": {operator: {key: value}}}


@pytest.mark.parametrize(
    ("statement", "public"),
    [
        (READ_ALL, True),
        ({**READ_ALL, "Principal": {"AWS": "*"}}, True),
        ({**READ_ALL, "Principal": {"AWS": ["111111111111", "*"]}}, True),
        ({**READ_ALL, "Principal": {"AWS": "111111111111"}}, False),
        ({**READ_ALL, "Principal": {"Service": "sns.amazonaws.com"}}, False),
        ({**READ_ALL, "Effect": "Deny"}, False),
        ({"Effect": "Allow", "NotPrincipal": {"AWS": "1"}, "Action": "s3:*", "Resource": "*"}, True),
        (conditioned("IpAddress", "aws:SourceIp", "203.0.113.0/24"), False),
        (conditioned("IpAddress", "aws:SourceIp", ["203.0.113.0/24", "0.0.0.0/1"]), True),
        (conditioned("NotIpAddress", "aws:SourceIp", "203.0.113.0/24"), True),
        (conditioned("StringEquals", "aws:SourceVpc", "vpc-91237329"), False),
        (conditioned("StringLike", "aws:SourceVpc", "vpc-*"), True),
        (conditioned("StringEquals", "aws:PrincipalOrgID", "o-1"), False),
        (conditioned("StringEqualsIfExists", "aws:PrincipalOrgID", "o-1"), True),
        (conditioned("StringEquals", "aws:UserId", "${aws:username}"), True),
        (conditioned("ArnLike", "aws:SourceArn", "arn:aws:s3:::b"), False),
        (conditioned("StringEquals", "s3:prefix", "a"), True),
    ],
)
def test_what_is_public(statement: dict[str, Any], public: bool) -> None:
    text = msgspec.json.encode({"Version": "2012-10-17", "Statement": [statement]}).decode()

    assert is_public(text) is public


# Tags of objects


def test_tags_are_written_read_and_removed(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        before = await stand.put("k", b"data", tags={"a": "1"})
        assert before.tag_count == 1
        get = tagging_model.GetObjectTagging("inbox", "k")
        assert (await stand.call("GetObjectTagging", get)).tags == {"a": "1"}

        await stand.call("SetObjectTagging", tagging_model.SetObjectTagging("inbox", "k", {"b": "2", "c": ""}))
        assert (await stand.call("GetObjectTagging", get)).tags == {"b": "2", "c": ""}
        await stand.call("DeleteObjectTagging", tagging_model.DeleteObjectTagging("inbox", "k"))
        assert (await stand.call("GetObjectTagging", get)).tags == {}

        after = await stand.head("k")
        assert (after.last_modified_ms, after.etag) == (before.last_modified_ms, before.etag)
        gone = tagging_model.GetObjectTagging("inbox", "gone")
        assert (await refused(stand.call("GetObjectTagging", gone))).row.code == "NoSuchKey"

    run(scenario)


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ({str(n): "" for n in range(11)}, "BadRequest"),
        ({"": "v"}, "InvalidTag"),
        ({"k" * 129: "v"}, "InvalidTag"),
        ({"k": "v" * 257}, "InvalidTag"),
        ({"k": "a<b"}, "InvalidTag"),
        ({"aws:k": "v"}, "InvalidTag"),
    ],
)
def test_tags_that_s3_refuses_are_refused(run: Any, refused: Any, tags: dict[str, str], code: str) -> None:
    async def scenario(stand: Any) -> None:
        assert (await refused(stand.put("k", b"", tags=tags))).row.code == code

    run(scenario)

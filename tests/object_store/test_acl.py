"""Access control lists: who owns what, what each list lets whom do, and what keeps them from being public."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from cumulo.core.context import CallContext
from cumulo.core.errors import ServiceError
from cumulo.identity.policy import ANONYMOUS
from cumulo.identity.principal_model import canonical_id
from cumulo.object_store import (
    acl,
    acl_model,
    bucket_model,
    configuration_model,
    listing_model,
    object_model,
    upload_model,
)
from cumulo.object_store.acl_model import Acl, AskedGrant, Grant
from cumulo.object_store.buckets import Creation, create_bucket
from cumulo.object_store.keys import BucketRow
from cumulo.storage.engine import ROOT

OWN, OTHER, THIRD = "000000000000", "111111111111", "222222222222"
PUBLIC = (Grant("AllUsers", "READ"),)
NOBODY = CallContext(principal=ANONYMOUS, request_id="test")
OPEN = acl_model.PublicAccessBlock(
    block_public_acls=False, ignore_public_acls=False, block_public_policy=False, restrict_public_buckets=False
)


async def with_lists(stand: Any, ownership: str = "ObjectWriter", acl_: str = "") -> CallContext:
    """Turn lists on in the stand's bucket, and let them be public; return the root of another account."""
    for kind, value in (
        ("ownership_controls", acl_model.OwnershipControls(ownership)),
        ("public_access_block", OPEN),
    ):
        await stand.call("SetBucketConfiguration", configuration_model.SetBucketConfiguration("inbox", kind, value))
    if acl_:
        await stand.call("SetBucketAcl", acl_model.SetBucketAcl("inbox", acl_))
    ctx: CallContext = await stand.account(OTHER, "other", "other@example.com")
    return ctx


async def may(stand: Any, ctx: CallContext, *actions: str) -> set[str]:
    """Return which of some calls a caller may do, by the permission that each needs."""
    calls: dict[str, tuple[str, Any]] = {
        "list": ("ListObjects", listing_model.ListObjects(bucket="inbox")),
        "get": ("HeadObject", object_model.HeadObject(bucket="inbox", key="k")),
        "get bucket acl": ("GetBucketAcl", acl_model.GetBucketAcl("inbox")),
        "set bucket acl": ("SetBucketAcl", acl_model.SetBucketAcl("inbox", "private")),
        "get object acl": ("GetObjectAcl", acl_model.GetObjectAcl("inbox", "k")),
        "set object acl": ("SetObjectAcl", acl_model.SetObjectAcl("inbox", "k", "private")),
        "delete": ("DeleteObject", object_model.DeleteObject(bucket="inbox", key="k")),
    }
    found = set()
    for action in actions or calls:
        if await is_allowed(stand, ctx, *calls[action]):
            found.add(action)
    return found


async def is_allowed(stand: Any, ctx: CallContext, operation: str, request: Any) -> bool:
    try:
        await stand.call(operation, request, ctx=ctx)
    except ServiceError as error:
        if error.row.code != "AccessDenied":
            raise
        return False
    return True


async def write(stand: Any, ctx: CallContext, key: str = "k", **fields: Any) -> Any:
    return await stand.call("PutObject", object_model.PutObject(bucket="inbox", key=key, **fields), body(), ctx=ctx)


async def body() -> AsyncIterator[memoryview]:
    yield memoryview(b"body")


def grants_of(*pairs: tuple[str, str]) -> tuple[AskedGrant, ...]:
    return tuple(AskedGrant(grantee, permission) for grantee, permission in pairs)


@pytest.mark.parametrize(
    ("permission", "allowed"),
    [
        ("READ", {"list"}),
        ("WRITE", {"delete"}),
        ("READ_ACP", {"get bucket acl"}),
        ("WRITE_ACP", {"set bucket acl"}),
        ("FULL_CONTROL", {"list", "delete", "get bucket acl", "set bucket acl"}),
    ],
)
def test_a_grant_on_a_bucket_gives_what_its_permission_says(run: Any, permission: str, allowed: set[str]) -> None:
    async def scenario(stand: Any) -> None:
        other = await with_lists(stand)
        await stand.put("k", b"body")
        grants = grants_of((f"id={canonical_id(OTHER)}", permission))
        await stand.call("SetBucketAcl", acl_model.SetBucketAcl("inbox", grants=grants))

        reads = await may(stand, other, "list", "get", "get bucket acl", "get object acl", "set object acl")
        writes = await may(stand, other, "delete") | await may(stand, other, "set bucket acl")
        assert reads | writes == allowed
        assert await may(stand, await stand.account(THIRD)) == set()

    run(scenario)


@pytest.mark.parametrize(
    ("permission", "allowed"),
    [
        ("READ", {"get"}),
        ("WRITE", set()),
        ("READ_ACP", {"get object acl"}),
        ("WRITE_ACP", {"set object acl"}),
        ("FULL_CONTROL", {"get", "get object acl", "set object acl"}),
    ],
)
def test_a_grant_on_an_object_gives_what_its_permission_says(run: Any, permission: str, allowed: set[str]) -> None:
    async def scenario(stand: Any) -> None:
        other = await with_lists(stand)
        await stand.put("k", b"body", grants=grants_of(("emailAddress=OTHER@example.com", permission)))

        assert await may(stand, other) == allowed
        assert await may(stand, NOBODY) == set()

    run(scenario)


@pytest.mark.parametrize(
    ("canned", "anonymous", "other"),
    [
        ("private", set(), set()),
        ("public-read", {"get"}, {"get"}),
        ("public-read-write", {"get"}, {"get"}),
        ("authenticated-read", set(), {"get"}),
        ("aws-exec-read", set(), set()),
        ("bucket-owner-read", set(), set()),
        ("bucket-owner-full-control", set(), set()),
        ("log-delivery-write", set(), set()),
    ],
)
def test_a_canned_list_of_an_object_gives_what_it_is_named_for(
    run: Any, canned: str, anonymous: set[str], other: set[str]
) -> None:
    async def scenario(stand: Any) -> None:
        ctx = await with_lists(stand)
        await stand.put("k", b"body", acl=canned)

        assert await may(stand, NOBODY) == anonymous
        assert await may(stand, ctx) == other

    run(scenario)


def test_a_public_bucket_takes_and_lists_but_its_objects_stay_private(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        other = await with_lists(stand, acl_="public-read-write")
        await stand.put("k", b"body")

        assert await may(stand, NOBODY, "list", "get") == {"list"}
        await write(stand, NOBODY, "left", tags={"a": "1"}, acl="public-read")
        await write(stand, other, "theirs")

        left = await stand.call("GetObjectAcl", acl_model.GetObjectAcl("inbox", "left"))
        assert left.owner == OWN
        assert (await refused(stand.call("GetObjectAcl", acl_model.GetObjectAcl("inbox", "theirs")))).row.code == (
            "AccessDenied"
        )
        theirs = await stand.call("GetObjectAcl", acl_model.GetObjectAcl("inbox", "theirs"), ctx=other)
        assert theirs == Acl(OTHER, (Grant(OTHER, "FULL_CONTROL"),))

    run(scenario)


@pytest.mark.parametrize(
    ("ownership", "canned", "owner", "grantees"),
    [
        ("ObjectWriter", "", OTHER, {OTHER}),
        ("ObjectWriter", "bucket-owner-read", OTHER, {OTHER, OWN}),
        ("ObjectWriter", "bucket-owner-full-control", OTHER, {OTHER, OWN}),
        ("BucketOwnerPreferred", "", OTHER, {OTHER}),
        ("BucketOwnerPreferred", "private", OTHER, {OTHER}),
        ("BucketOwnerPreferred", "bucket-owner-full-control", OWN, {OWN}),
    ],
)
def test_object_ownership_says_whose_an_object_of_another_account_is(
    run: Any, ownership: str, canned: str, owner: str, grantees: set[str]
) -> None:
    async def scenario(stand: Any) -> None:
        other = await with_lists(stand, ownership, "public-read-write")
        await write(stand, other, acl=canned)

        reader = other if owner == OTHER else stand.ctx
        found = await stand.call("GetObjectAcl", acl_model.GetObjectAcl("inbox", "k"), ctx=reader)

        assert found.owner == owner
        assert {grant.grantee for grant in found.grants} == grantees
        assert ("get" in await may(stand, stand.ctx, "get")) == (OWN in grantees)
        assert await may(stand, stand.ctx, "delete") == {
            "delete"
        }  # whoever owns it, the bucket is the bucket's owner's

    run(scenario)


def test_a_multipart_upload_keeps_the_list_and_the_owner_that_it_was_opened_with(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        other = await with_lists(stand, acl_="public-read-write")
        create = upload_model.CreateMultipartUpload(bucket="inbox", key="k", acl="public-read")
        upload = (await stand.call("CreateMultipartUpload", create, ctx=other)).upload_id
        part = await stand.call(
            "UploadPart",
            upload_model.UploadPart(bucket="inbox", key="k", upload_id=upload, part_number=1),
            body(),
            ctx=other,
        )
        parts = (upload_model.CompletedPart(1, part.etag),)
        complete = upload_model.CompleteMultipartUpload(bucket="inbox", key="k", upload_id=upload, parts=parts)
        await stand.call("CompleteMultipartUpload", complete, ctx=other)

        assert await may(stand, NOBODY, "get", "get object acl") == {"get"}
        found = await stand.call("GetObjectAcl", acl_model.GetObjectAcl("inbox", "k"), ctx=other)
        assert (found.owner, Grant(acl.ALL_USERS, "READ") in found.grants) == (OTHER, True)

    run(scenario)


def test_a_bucket_policy_denies_what_lists_allow_and_grants_nothing_on_objects_of_others(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        other = await with_lists(stand, acl_="public-read-write")
        third = await stand.account(THIRD)
        await stand.put("k", b"body", acl="public-read")
        await write(stand, other, "theirs")
        statements = [
            {
                "Effect": "Deny",
                "Principal": {"AWS": THIRD},
                "Action": "s3:GetObject",
                "Resource": "arn:aws:s3:::inbox/k",
            },
            {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::inbox/theirs"},
        ]
        text = msgspec.json.encode({"Version": "2012-10-17", "Statement": statements}).decode()
        await stand.call("SetBucketPolicy", bucket_model.SetBucketPolicy("inbox", text))

        assert await may(stand, third, "get") == set()
        assert await may(stand, other, "get") == {"get"}
        head = object_model.HeadObject(bucket="inbox", key="theirs")
        assert [await is_allowed(stand, ctx, "HeadObject", head) for ctx in (other, third, stand.ctx)] == [
            True,
            False,
            False,
        ]

    run(scenario)


def test_the_public_access_block_keeps_lists_from_becoming_public_and_ignores_those_that_are(
    run: Any, refused: Any
) -> None:
    async def scenario(stand: Any) -> None:
        other = await with_lists(stand, acl_="public-read")
        await stand.put("k", b"body", acl="public-read")

        async def block(**fields: bool) -> None:
            value = msgspec.structs.replace(OPEN, **fields)
            asked = configuration_model.SetBucketConfiguration("inbox", "public_access_block", value)
            await stand.call("SetBucketConfiguration", asked)

        await block(ignore_public_acls=True)
        assert await may(stand, other) == set()
        await block(block_public_acls=True)
        assert await may(stand, other) == {"list", "get"}
        for call in (
            stand.put("new", b"", acl="authenticated-read"),
            stand.call("SetBucketAcl", acl_model.SetBucketAcl("inbox", "public-read")),
            stand.call("SetObjectAcl", acl_model.SetObjectAcl("inbox", "k", grants=grants_of(_everybody("READ")))),
        ):
            error = await refused(call)
            assert error.row.code == "AccessDenied"
            assert "BlockPublicAcls" in error.message
        await stand.put("new", b"", acl="private")

    run(scenario)


def _everybody(permission: str) -> tuple[str, str]:
    return f"uri={acl.GROUPS[acl.ALL_USERS]}", permission


def test_lists_are_off_where_the_bucket_owner_is_enforced(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        other = await with_lists(stand, acl_="public-read-write")
        await write(stand, other, acl="public-read")
        enforced = configuration_model.SetBucketConfiguration(
            "inbox", "ownership_controls", acl_model.OwnershipControls("BucketOwnerEnforced")
        )
        assert (await refused(stand.call("SetBucketConfiguration", enforced))).row.code == (
            "InvalidBucketAclWithObjectOwnership"
        )
        await stand.call("SetBucketAcl", acl_model.SetBucketAcl("inbox", "private"))
        await stand.call("SetBucketConfiguration", enforced)

        assert await may(stand, other) == set()
        assert await may(stand, stand.ctx, "get") == {"get"}
        own = Acl(OWN, (Grant(OWN, "FULL_CONTROL"),))
        assert await stand.call("GetObjectAcl", acl_model.GetObjectAcl("inbox", "k")) == own
        await stand.put("new", b"", acl="bucket-owner-full-control")
        await stand.put("new", b"", acl="private")
        for call in (
            stand.put("new", b"", grants=grants_of((OTHER, "READ"))),
            stand.call("SetBucketAcl", acl_model.SetBucketAcl("inbox", "private")),
            stand.call("SetObjectAcl", acl_model.SetObjectAcl("inbox", "k", "public-read")),
        ):
            error = await refused(call)
            assert (error.row.code, error.row.http_status) == ("AccessControlListNotSupported", 400)

    run(scenario)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"acl": "nonsense"}, "InvalidArgument"),
        ({"acl": "private", "grants": grants_of((OTHER, "READ"))}, "InvalidRequest"),
        ({"grants": grants_of((OTHER, "READ_ALL"))}, "InvalidArgument"),
        ({"grants": grants_of(("id=_foo", "READ"))}, "InvalidArgument"),
        ({"grants": grants_of(("uri=http://acs.amazonaws.com/groups/global/Friends", "READ"))}, "InvalidArgument"),
        ({"grants": grants_of(("emailAddress=nobody@example.com", "READ"))}, "UnresolvableGrantByEmailAddress"),
        ({"grants": grants_of(*[(OTHER, "READ")] * 101)}, "InvalidArgument"),
    ],
)
def test_a_list_that_cannot_be_is_refused_and_nothing_is_stored(
    run: Any, refused: Any, fields: dict[str, Any], code: str
) -> None:
    async def scenario(stand: Any) -> None:
        await with_lists(stand)

        assert (await refused(stand.put("k", b"", **fields))).row.code == code
        assert (await refused(stand.call("SetBucketAcl", acl_model.SetBucketAcl("inbox", **fields)))).row.code == code
        assert not (await stand.list_()).objects

    run(scenario)


def test_whoever_may_not_write_does_not_learn_who_exists(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        other = await with_lists(stand)
        grants = grants_of(("emailAddress=nobody@example.com", "READ"))

        assert (await refused(write(stand, other, grants=grants))).row.code == "AccessDenied"

    run(scenario)


def test_a_bucket_that_is_made_again_has_the_list_that_was_asked_for_last(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await with_lists(stand, acl_="public-read")
        assert await may(stand, NOBODY, "list") == {"list"}

        await stand.call("CreateBucket", bucket_model.CreateBucket("inbox", location_constraint=""))

        assert await may(stand, NOBODY, "list") == set()
        block = acl_model.PublicAccessBlock(block_public_acls=True)
        await stand.call(
            "SetBucketConfiguration", configuration_model.SetBucketConfiguration("inbox", "public_access_block", block)
        )
        # On a server whose new buckets block nothing, the bucket's own block counts.
        row = BucketRow(object_ownership="ObjectWriter", takes_public_acls=True, acl=Acl("", PUBLIC))
        again = Creation("inbox", "000000000000", "us-east-1", b"", 0, row=row, may_exist=True)
        assert (await refused(stand.engine.transact((ROOT,), create_bucket, again))).row.code == "AccessDenied"

    run(scenario)


def test_whom_a_list_lets_list_may_know_what_is_missing(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await with_lists(stand, acl_="public-read")
        await stand.put("private", b"data")

        codes = [
            (
                await refused(stand.call("HeadObject", object_model.HeadObject(bucket="inbox", key=key), ctx=NOBODY))
            ).row.code
            for key in ("gone", "private")
        ]

        assert codes == ["NoSuchKey", "AccessDenied"]

    run(scenario)


def test_a_list_of_grants_may_be_empty_and_its_owner_can_always_write_another(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        other = await with_lists(stand)
        await stand.put("k", b"body")
        owner = canonical_id(OWN)

        await stand.call("SetObjectAcl", acl_model.SetObjectAcl("inbox", "k", owner=owner))
        assert (await stand.call("GetObjectAcl", acl_model.GetObjectAcl("inbox", "k"))).grants == ()
        grants = grants_of((OTHER, "READ"), (OWN, "FULL_CONTROL"))
        await stand.call("SetObjectAcl", acl_model.SetObjectAcl("inbox", "k", grants=grants, owner=owner))
        assert await may(stand, other) == {"get"}
        stranger = acl_model.SetObjectAcl("inbox", "k", grants=grants, owner=canonical_id(OTHER))
        assert (await refused(stand.call("SetObjectAcl", stranger))).row.code == "AccessDenied"

    run(scenario)


def test_lists_survive_a_restart(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        other = await with_lists(stand, acl_="public-read")
        await stand.put("k", b"body", acl="authenticated-read")

        await stand.restart()

        assert await may(stand, other) == {"list", "get"}
        assert await may(stand, NOBODY) == {"list"}

    run(scenario)


@pytest.mark.parametrize(
    ("text", "grantees"),
    [
        ('id="abc"', ["id=abc"]),
        ("id=abc", ["id=abc"]),
        ('emailAddress="a@b.c", id="d" ,uri=e', ["emailAddress=a@b.c", "id=d", "uri=e"]),
        ("ID=a", ["id=a"]),
    ],
)
def test_a_grant_header_lists_grantees(text: str, grantees: list[str]) -> None:
    found = acl.from_headers({"x-amz-grant-read-acp": text}.get)

    assert found == tuple(AskedGrant(grantee, "READ_ACP") for grantee in grantees)


@pytest.mark.parametrize("text", ["abc", "name=abc", 'id="abc', 'id="a"b', "=a", 'id=a id=b=c"', ",id=a"])
def test_a_grant_header_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ServiceError, match="InvalidArgument"):
        acl.from_headers({"x-amz-grant-read": text}.get)


def test_a_condition_of_a_delete_asks_whoever_may_read_the_object(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        other = await with_lists(stand, acl_="public-read-write")
        for key, canned in (("open", "public-read"), ("shut", "private")):
            await stand.put(key, b"body", acl=canned)
        etag = (await stand.head("shut")).etag

        shut = object_model.DeleteObject(bucket="inbox", key="shut", if_match=etag)
        assert (await refused(stand.call("DeleteObject", shut, ctx=other))).row.code == "AccessDenied"
        entries = (object_model.DeleteEntry("shut", if_match=etag), object_model.DeleteEntry("open", if_match=etag))
        batch = object_model.BatchDeleteObjects(bucket="inbox", entries=entries)
        errors = await stand.call("BatchDeleteObjects", batch, ctx=other)
        assert [getattr(it, "code", None) for it in errors] == ["AccessDenied", None]

    run(scenario)

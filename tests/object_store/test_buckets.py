"""Buckets: names, ownership, deletion, policies, and who may learn what."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cumulo.core.context import CallContext
from cumulo.core.errors import ServiceError
from cumulo.identity.policy import ANONYMOUS
from cumulo.identity.principal_model import root_of
from cumulo.object_store import bucket_model, copy_model, listing_model, naming, object_model, upload_model
from cumulo.object_store.multipart import ENDED_PER_TRANSACTION
from cumulo.object_store.operations import TABLE

OTHER = CallContext(principal=root_of("111111111111"), request_id="other")
NOBODY = CallContext(principal=ANONYMOUS, request_id="anonymous")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "ab",
        "a" * 64,
        "Upper",
        "under_score",
        "-a-",
        "a-",
        ".ab",
        "a..b",
        "192.168.0.1",
        "xn--a",
        "sthree-a",
        "amzn-s3-demo-a",
        "a-s3alias",
        "a--ol-s3",
        "a.mrap",
        "a--x-s3",
        "a--table-s3",
        "a/b",
        "bücher",
        "a\n",
        "abc\n",
    ],
)
def test_bucket_names_that_s3_refuses_are_refused(name: str) -> None:
    with pytest.raises(ServiceError) as caught:
        naming.check_bucket_name(name)
    assert caught.value.row.code == "InvalidBucketName"


@pytest.mark.parametrize("name", ["abc", "a.b-c", "metrics", "console", "healthz", "1.2.3", "1a2", "a" * 63])
def test_bucket_names_that_s3_takes_are_taken(name: str) -> None:
    naming.check_bucket_name(name)


def code_of(check: Any, text: str) -> str:
    """The code of the error that a check raises, which must be one that can be sent; empty for none."""
    try:
        check(text)
    except ServiceError as error:
        return error.row.code if error.message.encode() else "no message"
    return ""


@given(st.text())
def test_any_text_is_a_bucket_name_or_an_error_of_the_catalogue(text: str) -> None:
    assert code_of(naming.check_bucket_name, text) in ("", "InvalidBucketName")


@given(st.text(alphabet=st.characters(), max_size=1100))
def test_any_text_is_a_key_or_an_error_of_the_catalogue(text: str) -> None:
    known = ("", "KeyTooLongError", "UserKeyMustBeSpecified", "InvalidArgument")
    assert code_of(naming.check_key, text) in known


def test_bucket_is_found_listed_and_deleted(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        made = await stand.call("CreateBucket", bucket_model.CreateBucket("photos", "eu-central-1"))

        assert made.arn == "arn:aws:s3:::photos"
        assert (made.region, made.account) == ("eu-central-1", "000000000000")
        assert await stand.call("GetBucket", bucket_model.GetBucket("photos")) == made
        page = await stand.call("ListBuckets", bucket_model.ListBuckets())
        assert [bucket.name for bucket in page.buckets] == ["inbox", "photos"]
        await stand.restart()
        await stand.call("DeleteBucket", bucket_model.DeleteBucket("photos"))
        assert (await refused(stand.call("GetBucket", bucket_model.GetBucket("photos")))).row.code == "NoSuchBucket"
        assert (await refused(stand.put("k", b"", bucket="photos"))).row.code == "NoSuchBucket"
        assert (await refused(stand.make("x"))).row.code == "InvalidBucketName"
        error = await refused(stand.call("CreateBucket", bucket_model.CreateBucket("photos", "Not a region")))
        assert error.row.code == "InvalidLocationConstraint"

    run(scenario)


def test_bucket_names_are_the_servers(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        assert (await refused(stand.make())).row.code == "BucketAlreadyOwnedByYou"
        error = await refused(stand.call("CreateBucket", bucket_model.CreateBucket("inbox"), ctx=OTHER))
        assert error.row.code == "BucketAlreadyExists"
        page = await stand.call("ListBuckets", bucket_model.ListBuckets(), ctx=OTHER)
        assert page.buckets == []

    run(scenario)


def test_creating_and_deleting_are_idempotent_by_request_id(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        first = await stand.call("CreateBucket", bucket_model.CreateBucket("photos", request_id="a"))
        assert await stand.call("CreateBucket", bucket_model.CreateBucket("photos", request_id="a")) == first

        await stand.call("DeleteBucket", bucket_model.DeleteBucket("photos", "b"))
        await stand.call("DeleteBucket", bucket_model.DeleteBucket("photos", "b"))

        assert (
            await refused(stand.call("DeleteBucket", bucket_model.DeleteBucket("photos", "c")))
        ).row.code == "NoSuchBucket"

    run(scenario)


def test_bucket_with_an_object_or_an_upload_is_not_deleted(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        delete = bucket_model.DeleteBucket("inbox")
        await stand.put("k", b"x" * 100_000)
        assert (await refused(stand.call("DeleteBucket", delete))).row.code == "BucketNotEmpty"
        await stand.delete("k")
        upload_id = await stand.begin("k")
        await stand.part("k", upload_id, 1, b"y" * 100_000)
        assert (await refused(stand.call("DeleteBucket", delete))).row.code == "BucketNotEmpty"
        await stand.abort("k", upload_id)

        await stand.call("DeleteBucket", delete)
        await stand.make()
        assert (await stand.list_()).objects == []
        await stand.restart()
        await stand.advance(upload_model.UPLOAD_KEPT_MS / 1000)
        assert stand.files() == set()

    run(scenario)


def test_bucket_ends_its_uploads_with_itself_where_s3_deletes_it(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        delete = bucket_model.DeleteBucket("inbox", ends_uploads=True)
        await stand.put("k", b"x")
        for n in range(ENDED_PER_TRANSACTION):
            await stand.begin(f"k{n % 3}")
        upload_id = await stand.begin("k2")
        await stand.part("k2", upload_id, 1, b"y" * 100_000)
        assert (await refused(stand.call("DeleteBucket", delete, ctx=OTHER))).row.code == "AccessDenied"
        assert (await refused(stand.call("DeleteBucket", delete))).row.code == "BucketNotEmpty"
        listing = upload_model.ListMultipartUploads(bucket="inbox")
        assert len((await stand.call("ListMultipartUploads", listing)).uploads) == ENDED_PER_TRANSACTION + 1
        await stand.delete("k")

        await stand.call("DeleteBucket", delete)

        assert (await refused(stand.part("k2", upload_id, 2, b""))).row.code == "NoSuchBucket"
        await stand.restart()
        await stand.advance(upload_model.UPLOAD_KEPT_MS / 1000)
        assert stand.files() == set()

    run(scenario)


def test_buckets_are_listed_in_pages(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        for n in range(5):
            await stand.make(f"photos-{n}")
        names, token = [], ""
        while True:
            request = bucket_model.ListBuckets(prefix="photos", page_size=2, page_token=token)
            page = await stand.call("ListBuckets", request)
            names += [bucket.name for bucket in page.buckets]
            if not (token := page.next_page_token):
                break
        assert names == [f"photos-{n}" for n in range(5)]
        error = await refused(stand.call("ListBuckets", bucket_model.ListBuckets(page_token="AAAA")))
        assert error.row.code == "InvalidArgument"

    run(scenario)


def policy(*statements: dict[str, Any]) -> str:
    return msgspec.json.encode({"Version": "2012-10-17", "Statement": list(statements)}).decode()


READ_ALL = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::inbox/*"}
LIST_ALL = {
    "Effect": "Allow",
    "Principal": "*",
    "Action": "s3:ListBucket",
    "Resource": "arn:aws:s3:::inbox",
    "Condition": {"StringEquals": {"s3:prefix": ["", "public/"]}},
}
DENY_ALL = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": ["arn:aws:s3:::inbox", "arn:aws:s3:::inbox/*"],
}


def test_policy_is_kept_shown_and_removed(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.open_to_public()
        get = bucket_model.GetBucketPolicy("inbox")
        assert (await refused(stand.call("GetBucketPolicy", get))).row.code == "NoSuchBucketPolicy"
        text = policy(READ_ALL)

        await stand.call("SetBucketPolicy", bucket_model.SetBucketPolicy("inbox", text))

        assert await stand.call("GetBucketPolicy", get) == text
        for bad in ("", "{", "{}", policy({**READ_ALL, "Principal": {"AWS": "nobody"}}), "x" * 30_000):
            error = await refused(stand.call("SetBucketPolicy", bucket_model.SetBucketPolicy("inbox", bad)))
            assert error.row.code == "MalformedPolicy"
        await stand.call("DeleteBucketPolicy", bucket_model.DeleteBucketPolicy("inbox"))
        assert (await refused(stand.call("GetBucketPolicy", get))).row.code == "NoSuchBucketPolicy"

    run(scenario)


def test_only_the_policy_opens_a_bucket_to_others(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.open_to_public()
        await stand.put("k", b"secret")
        request = object_model.HeadObject(bucket="inbox", key="k")
        for ctx in (NOBODY,):
            assert (await refused(stand.call("HeadObject", request, ctx=ctx))).row.code == "AccessDenied"

        await stand.call("SetBucketPolicy", bucket_model.SetBucketPolicy("inbox", policy(READ_ALL)))

        assert (await stand.call("HeadObject", request, ctx=NOBODY)).content_length == 6
        error = await refused(
            stand.call("DeleteObject", object_model.DeleteObject(bucket="inbox", key="k"), ctx=NOBODY)
        )
        assert error.row.code == "AccessDenied"

    run(scenario)


@pytest.mark.parametrize("asking", [object_model.GetObject, object_model.HeadObject])
def test_missing_key_is_told_only_to_those_who_may_list(run: Any, refused: Any, asking: Any) -> None:
    operation = asking.__name__

    async def scenario(stand: Any) -> None:
        await stand.open_to_public()
        request = asking(bucket="inbox", key="gone")
        await stand.call("SetBucketPolicy", bucket_model.SetBucketPolicy("inbox", policy(READ_ALL)))
        assert (await refused(stand.call(operation, request, ctx=NOBODY))).row.code == "AccessDenied"

        listing = {**LIST_ALL, "Condition": {}}
        await stand.call("SetBucketPolicy", bucket_model.SetBucketPolicy("inbox", policy(READ_ALL, listing)))
        assert (await refused(stand.call(operation, request, ctx=NOBODY))).row.code == "NoSuchKey"

    run(scenario)


@pytest.mark.parametrize("asking", [object_model.GetObject, object_model.HeadObject])
def test_whether_a_condition_holds_is_told_only_to_those_who_may_read(run: Any, refused: Any, asking: Any) -> None:
    operation = asking.__name__

    async def scenario(stand: Any) -> None:
        await stand.open_to_public()
        etag = (await stand.put("k", b"secret")).etag
        for conditions, code in (
            (object_model.Conditions(if_none_match=etag), "NotModified"),
            (object_model.Conditions(if_match="0" * 32), "PreconditionFailed"),
        ):
            request = asking(bucket="inbox", key="k", conditions=conditions)

            assert (await refused(stand.call(operation, request, ctx=NOBODY))).row.code == "AccessDenied"
            assert (await refused(stand.call(operation, request))).row.code == code

    run(scenario)


def test_policy_narrows_listings_by_prefix(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.open_to_public()
        await stand.call("SetBucketPolicy", bucket_model.SetBucketPolicy("inbox", policy(LIST_ALL)))

        await stand.call("ListObjects", listing_model.ListObjects(bucket="inbox", prefix="public/"), ctx=NOBODY)
        error = await refused(
            stand.call("ListObjects", listing_model.ListObjects(bucket="inbox", prefix="private/"), ctx=NOBODY)
        )
        assert error.row.code == "AccessDenied"

    run(scenario)


def test_batch_delete_leaves_what_a_policy_protects(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        for key in ("keep/1", "2"):
            await stand.put(key, b"")
        deny = {**DENY_ALL, "Action": "s3:DeleteObject", "Resource": "arn:aws:s3:::inbox/keep/*"}
        await stand.call("SetBucketPolicy", bucket_model.SetBucketPolicy("inbox", policy(deny)))

        entries = (object_model.DeleteEntry("keep/1"), object_model.DeleteEntry("2"))
        results = await stand.call(
            "BatchDeleteObjects", object_model.BatchDeleteObjects(bucket="inbox", entries=entries)
        )

        assert [getattr(it, "code", None) for it in results] == ["AccessDenied", None]
        assert [it.key for it in (await stand.list_()).objects] == ["keep/1"]

    run(scenario)


@pytest.mark.parametrize(
    ("condition", "allowed", "forbidden"),
    [
        ({"s3:x-amz-acl": "bucket-owner-full-control"}, {"acl": "bucket-owner-full-control"}, {}),
        ({"s3:x-amz-storage-class": "GLACIER"}, {"storage_class": "GLACIER"}, {"storage_class": "STANDARD"}),
        ({"s3:RequestObjectTag/Team": "a"}, {"tags": {"Team": "a"}}, {"tags": {"Team": "b"}}),
        ({"s3:RequestObjectTag/Team": "a"}, {"tags": {"Team": "a", "team": "b"}}, {}),
    ],
)
def test_policy_may_ask_what_a_write_says(
    run: Any, refused: Any, condition: dict[str, str], allowed: dict[str, Any], forbidden: dict[str, Any]
) -> None:
    async def scenario(stand: Any) -> None:
        deny = {**DENY_ALL, "Action": "s3:PutObject", "Condition": {"StringNotEquals": condition}}
        deny["Resource"] = "arn:aws:s3:::inbox/*"
        await stand.call("SetBucketPolicy", bucket_model.SetBucketPolicy("inbox", policy(deny)))

        await stand.put("k", b"", **allowed)

        assert (await refused(stand.put("k", b"", **forbidden))).row.code == "AccessDenied"

    run(scenario)


def test_policy_may_ask_what_is_copied_and_how(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.put("public/a", b"1")
        await stand.put("private/a", b"2")
        on_objects = {**DENY_ALL, "Action": "s3:PutObject", "Resource": "arn:aws:s3:::inbox/copies/*"}
        source = {**on_objects, "Condition": {"StringNotLike": {"s3:x-amz-copy-source": "inbox/public/*"}}}
        how = {**on_objects, "Condition": {"StringEquals": {"s3:x-amz-metadata-directive": "REPLACE"}}}
        await stand.call("SetBucketPolicy", bucket_model.SetBucketPolicy("inbox", policy(source, how)))

        def copied(key: str, *, replaces: bool = False) -> Any:
            of = copy_model.CopySource("inbox", key)
            asked = copy_model.CopyObject(bucket="inbox", key="copies/a", source=of, replaces_metadata=replaces)
            return stand.call("CopyObject", asked)

        await copied("public/a")
        assert (await refused(copied("private/a"))).row.code == "AccessDenied"
        assert (await refused(copied("public/a", replaces=True))).row.code == "AccessDenied"

    run(scenario)


def test_no_policy_locks_the_owner_out_of_removing_it(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        await stand.call("SetBucketPolicy", bucket_model.SetBucketPolicy("inbox", policy(DENY_ALL)))
        assert (await refused(stand.list_())).row.code == "AccessDenied"

        assert await stand.call("GetBucketPolicy", bucket_model.GetBucketPolicy("inbox"))
        await stand.call("DeleteBucketPolicy", bucket_model.DeleteBucketPolicy("inbox"))

        assert (await stand.list_()).objects == []

    run(scenario)


def test_every_operation_says_what_it_checks() -> None:
    assert len(TABLE) == 44
    for row in TABLE:
        assert row.summary.endswith(".")
        assert all(permission.startswith(("s3:", "cumulo:", "iam:PassRole")) for permission in row.permissions)


def test_conditional_write_also_needs_to_read() -> None:
    checks = TABLE["PutObject"].checks
    assert checks is not None

    plain = checks(object_model.PutObject(bucket="b", key="k", if_none_match="*"))
    conditional = checks(object_model.PutObject(bucket="b", key="k", if_match="e"))

    assert [check.action for check in plain] == ["s3:PutObject"]
    described = checks(object_model.PutObject(bucket="b", key="k", tags={"a": "1"}, acl="private"))

    assert [check.action for check in conditional] == ["s3:PutObject", "s3:GetObject"]
    assert [check.action for check in described] == ["s3:PutObject", "s3:PutObjectTagging", "s3:PutObjectAcl"]
    assert plain[0].resource == "arn:aws:s3:::b/k"

"""Server access logs: gathered, delivered by the log service under the target's policy, kept across a restart."""

from typing import Any

import pytest

from cumulo.core.context import CallContext
from cumulo.identity.principal_model import root_of
from cumulo.object_store import acl_model, aws_s3, bucket_model, configuration_model, object_model
from cumulo.object_store.access_lines import Access, line, operation_name
from cumulo.object_store.access_logs import HELD_BYTES_MAX, ROW_BYTES, object_key
from cumulo.object_store.keys import Meta

DAY_MS = 86_400_000
DELIVERS = {
    "Effect": "Allow",
    "Principal": {"Service": "logging.s3.amazonaws.com"},
    "Action": "s3:PutObject",
    "Resource": "arn:aws:s3:::logs/from/*",
    "Condition": {
        "StringEquals": {"aws:SourceAccount": "000000000000"},
        "ArnLike": {"aws:SourceArn": "arn:aws:s3:::inbox"},
    },
}


def status(**more: Any) -> aws_s3.BucketLoggingStatus:
    return aws_s3.BucketLoggingStatus(
        LoggingEnabled=aws_s3.LoggingEnabled(TargetBucket="logs", TargetPrefix="from/", **more)
    )


async def configure(stand: Any, value: Any = None, *, allowed: bool = True) -> Any:
    """Have `inbox` logged into `logs`; returns what is to be noted under."""
    await stand.make("logs")
    if allowed:
        await stand.set_policy(DELIVERS, bucket="logs")
    request = configuration_model.SetBucketConfiguration("inbox", "logging", value or status())
    await stand.call("SetBucketConfiguration", request)
    return (await stand.service.logged_bucket("inbox")).row.partition


async def delivered(stand: Any) -> dict[str, bytes]:
    page = await stand.list_("logs")
    return {it.key: await stand.get(it.key, bucket="logs") for it in page.objects}


def test_lines_are_delivered_after_the_interval_and_no_sooner(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        partition = await configure(stand)
        log = stand.service.access_log
        log.note(partition, stand.clock.wall_ms(), "one")
        log.note(partition, stand.clock.wall_ms(), "two")
        await log.flush()
        await stand.advance(1)
        assert await delivered(stand) == {}

        await stand.advance(300)

        (key, body), *others = (await delivered(stand)).items()
        assert (body, others) == (b"one\ntwo\n", [])
        assert key.startswith("from/20")
        found = await stand.head(key, "logs")
        assert found.content_type == "text/plain"
        assert await stand.due("access_log.deliver") == 0

    run(scenario)


def test_lines_survive_a_restart_and_logging_goes_on(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        partition = await configure(stand)
        stand.service.access_log.note(partition, stand.clock.wall_ms(), "before")
        await stand.restart()
        assert stand.service.access_log.is_used

        await stand.advance(300)

        assert list((await delivered(stand)).values()) == [b"before\n"]

    run(scenario)


def test_lines_of_two_days_and_many_lines_become_several_objects(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        shape = aws_s3.TargetObjectKeyFormat(
            PartitionedPrefix=aws_s3.PartitionedPrefix(PartitionDateSource="EventTime")
        )
        partition = await configure(stand, status(TargetObjectKeyFormat=shape))
        log = stand.service.access_log
        for text, wall_ms in (("old", DAY_MS - 1), ("new" + "x" * ROW_BYTES, DAY_MS), ("newer", DAY_MS + 1)):
            log.note(partition, wall_ms, text)
        await log.flush()

        await stand.advance(300)

        found = await delivered(stand)
        days = [key.rpartition("-")[0] for key in found]
        place = "from/000000000000/us-east-1/inbox/"
        assert days == [f"{place}1970/01/01/1970-01-01-00-00-00", f"{place}1970/01/02/1970-01-02-00-00-00"]
        assert [body[-6:] for body in found.values()] == [b"old\n", b"newer\n"]

    run(scenario)


def test_target_that_does_not_let_the_service_write_loses_the_lines(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        partition = await configure(stand, allowed=False)
        stand.service.access_log.note(partition, 0, "lost")
        await stand.service.access_log.flush()

        await stand.advance(300)

        assert await delivered(stand) == {}
        assert await stand.due("access_log.deliver") == 0

    run(scenario)


def test_log_delivery_group_may_write_and_the_grants_of_the_target_are_the_objects(run: Any, refused: Any) -> None:
    async def scenario(stand: Any) -> None:
        grantee = aws_s3.Grantee(Type="Group", URI="http://acs.amazonaws.com/groups/global/AuthenticatedUsers")
        grants = [aws_s3.TargetGrant(Grantee=grantee, Permission="READ")]
        error = await refused(configure(stand, status(TargetGrants=grants), allowed=False))
        assert error.row.code == "AccessControlListNotSupported"
        await stand.call("DeleteBucket", bucket_model.DeleteBucket("logs"))
        await stand.call("CreateBucket", bucket_model.CreateBucket("logs", object_ownership="ObjectWriter"))
        await stand.open_to_public("logs")
        await stand.call("SetBucketAcl", acl_model.SetBucketAcl("logs", "log-delivery-write"))
        request = configuration_model.SetBucketConfiguration("inbox", "logging", status(TargetGrants=grants))
        await stand.call("SetBucketConfiguration", request)
        partition = (await stand.service.logged_bucket("inbox")).row.partition
        stand.service.access_log.note(partition, 0, "line")
        await stand.service.access_log.flush()

        await stand.advance(300)

        ((key, body),) = (await delivered(stand)).items()
        stranger = CallContext(principal=root_of("111111111111"), request_id="other")
        head = object_model.HeadObject(bucket="logs", key=key)
        assert (body, (await stand.call("HeadObject", head, ctx=stranger)).content_length) == (b"line\n", 5)

    run(scenario)


def test_log_ends_with_its_configuration_and_with_its_bucket(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        partition = await configure(stand)
        await stand.call(
            "SetBucketConfiguration",
            configuration_model.SetBucketConfiguration("inbox", "logging", aws_s3.BucketLoggingStatus()),
        )
        assert await stand.service.logged_bucket("inbox") is None
        stand.service.access_log.note(partition, 0, "nobody's")
        await stand.service.access_log.flush()
        await stand.call(
            "SetBucketConfiguration", configuration_model.SetBucketConfiguration("inbox", "logging", status())
        )
        await stand.call("DeleteBucket", bucket_model.DeleteBucket("inbox"))
        stand.service.access_log.note(partition, 0, "nobody's")
        await stand.service.access_log.flush()

        await stand.advance(300)

        assert await delivered(stand) == {}
        assert await stand.due("access_log.deliver") == 0
        await stand.restart()
        assert not stand.service.access_log.is_used

    run(scenario)


def test_more_lines_than_memory_may_hold_are_dropped(run: Any) -> None:
    async def scenario(stand: Any) -> None:
        partition = await configure(stand)
        log = stand.service.access_log
        for number in range(HELD_BYTES_MAX // ROW_BYTES + 10):
            log.note(partition, number, "x" * ROW_BYTES)
        await log.flush()

        await stand.advance(300)

        assert sum(map(len, (await delivered(stand)).values())) <= HELD_BYTES_MAX

    run(scenario)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (("nowhere", {}), "InvalidTargetBucketForLogging"),
        (("n" * 3000, {}), "InvalidTargetBucketForLogging"),
        (("elsewhere", {}), "CrossLocationLoggingProhibitted"),
        (("inbox", {"TargetObjectKeyFormat": aws_s3.TargetObjectKeyFormat()}), "MalformedXML"),
        (("inbox", {"TargetGrants": [aws_s3.TargetGrant(Permission="READ")]}), "MalformedXML"),
    ],
)
def test_target_that_cannot_be_is_refused(run: Any, refused: Any, value: tuple[str, dict[str, Any]], code: str) -> None:
    async def scenario(stand: Any) -> None:
        await stand.call("CreateBucket", bucket_model.CreateBucket("elsewhere", "eu-west-1"))
        target, more = value
        enabled = aws_s3.LoggingEnabled(TargetBucket=target, TargetPrefix="", **more)
        asked = aws_s3.BucketLoggingStatus(LoggingEnabled=enabled)

        error = await refused(
            stand.call("SetBucketConfiguration", configuration_model.SetBucketConfiguration("inbox", "logging", asked))
        )

        assert error.row.code == code

    run(scenario)


def test_keys_of_delivered_objects() -> None:
    meta = Meta(name="b", account="1", region="r")
    plain = aws_s3.LoggingEnabled(TargetBucket="t", TargetPrefix="p/")
    by_delivery = aws_s3.LoggingEnabled(
        TargetBucket="t",
        TargetPrefix="p/",
        TargetObjectKeyFormat=aws_s3.TargetObjectKeyFormat(PartitionedPrefix=aws_s3.PartitionedPrefix()),
    )

    assert object_key(meta, plain, 0, 90_061_000, "U") == "p/1970-01-02-01-01-01-U"
    assert object_key(meta, by_delivery, 0, 90_061_000, "U") == "p/1/r/b/1970/01/02/1970-01-02-01-01-01-U"


def test_line_has_the_fields_of_s3_and_nothing_ends_one_early() -> None:
    access = Access(
        owner="o" * 64,
        bucket="b",
        wall_ms=1_549_411_238_000,
        remote_ip="192.0.2.3",
        requester="",
        request_id="3E57427F3EXAMPLE",
        operation="REST.GET.OBJECT",
        key="a b/ü",
        request_line='GET /b/k?x="1" HTTP/1.1',
        status=404,
        error="NoSuchKey",
        bytes_sent=0,
        object_size=-1,
        total_ms=7,
        turn_around_ms=3,
        referer="",
        user_agent='evil" 200\n- -',
        version_id="",
        host_id="h",
        signature_version="SigV4",
        authentication="AuthHeader",
        host="b.s3.localhost",
    )

    assert line(access) == (
        "o" * 64 + ' b [06/Feb/2019:00:00:38 +0000] 192.0.2.3 - 3E57427F3EXAMPLE REST.GET.OBJECT a%20b/%C3%BC "GET'
        ' /b/k?x=%221%22 HTTP/1.1" 404 NoSuchKey - - 7 3 "-" "evil%22 200%0A- -" - h SigV4 - AuthHeader b.s3.localhost'
        " - - -"
    )


@pytest.mark.parametrize(
    ("method", "operation", "has_key", "name"),
    [
        ("GET", "GetObject", True, "REST.GET.OBJECT"),
        ("GET", "ListObjectsV2", False, "REST.GET.BUCKET"),
        ("PUT", "CopyObject", True, "REST.COPY.OBJECT"),
        ("PUT", "UploadPart", True, "REST.PUT.PART"),
        ("POST", "DeleteObjects", False, "REST.POST.MULTI_OBJECT_DELETE"),
        ("GET", "GetBucketPolicy", False, "REST.GET.BUCKETPOLICY"),
        ("GET", "GetBucketLocation", False, "REST.GET.LOCATION"),
        ("GET", "GetBucketLogging", False, "REST.GET.LOGGING_STATUS"),
        ("PUT", "PutBucketCors", False, "REST.PUT.CORS"),
        ("GET", "GetPublicAccessBlock", False, "REST.GET.PUBLIC_ACCESS_BLOCK"),
        ("GET", "GetBucketOwnershipControls", False, "REST.GET.OWNERSHIP_CONTROLS"),
        ("PUT", "PutObjectAcl", True, "REST.PUT.ACL"),
        ("GET", "GetBucketAccelerateConfiguration", False, "REST.GET.ACCELERATE"),
        ("OPTIONS", "", True, "REST.OPTIONS.PREFLIGHT"),
        ("GET", "", True, "REST.GET.OBJECT"),
    ],
)
def test_operations_have_the_names_of_s3(method: str, operation: str, has_key: bool, name: str) -> None:
    assert operation_name(method, operation, website=False, has_key=has_key) == name
    assert operation_name("GET", "", website=True, has_key=True) == "WEBSITE.GET.OBJECT"

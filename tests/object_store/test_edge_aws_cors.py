"""Cross-origin requests over S3's REST API: what browsers are told, before they send and after."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from cumulo.object_store import configuration_model
from tests.object_store.aws_door import Door, door

__all__ = ["door"]

RULES = [
    {"AllowedMethods": ["GET", "HEAD"], "AllowedOrigins": ["https://*.example.com"], "ExposeHeaders": ["ETag"]},
    {
        "ID": "writers",
        "AllowedMethods": ["PUT", "POST"],
        "AllowedOrigins": ["https://app.example.com"],
        "AllowedHeaders": ["x-amz-meta-*", "Content-Type"],
        "MaxAgeSeconds": 600,
    },
    {"AllowedMethods": ["DELETE"], "AllowedOrigins": ["*"]},
]
PAGE = "https://www.example.com"
APP = "https://app.example.com"
NOT_ALLOWED = (
    "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / "
    "Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec."
)


def configured(door: Door, *rules: dict[str, Any]) -> None:
    door.client().put_bucket_cors(Bucket="inbox", CORSConfiguration={"CORSRules": list(rules or RULES)})


def preflight(door: Door, target: str = "/inbox/k", **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return door.ask("OPTIONS", target, named, key=None)


def cors_headers(answer: Any) -> dict[str, str]:
    return {
        name: value for name, value in answer.headers.items() if name.startswith("access-control") or name == "vary"
    }


def test_rules_are_given_back_as_they_were_put(door: Door) -> None:
    s3 = door.client()
    with pytest.raises(ClientError) as missing:
        s3.get_bucket_cors(Bucket="inbox")

    configured(door)

    assert missing.value.response["Error"]["Code"] == "NoSuchCORSConfiguration"
    assert s3.get_bucket_cors(Bucket="inbox")["CORSRules"] == RULES
    s3.delete_bucket_cors(Bucket="inbox")
    s3.delete_bucket_cors(Bucket="inbox")
    with pytest.raises(ClientError, match="NoSuchCORSConfiguration"):
        s3.get_bucket_cors(Bucket="inbox")


@pytest.mark.parametrize(
    ("rule", "code", "message"),
    [
        (
            {"AllowedMethods": ["PATCH"], "AllowedOrigins": ["*"]},
            "InvalidRequest",
            "Found unsupported HTTP method in CORS config. Unsupported method is PATCH",
        ),
        (
            {"AllowedMethods": ["GET"], "AllowedOrigins": ["*.a.*"]},
            "InvalidRequest",
            'AllowedOrigin "*.a.*" can not have more than one wildcard.',
        ),
        (
            {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "AllowedHeaders": ["*-*"]},
            "InvalidRequest",
            'AllowedHeader "*-*" can not have more than one wildcard.',
        ),
        (
            {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "ExposeHeaders": ["x-*"]},
            "InvalidRequest",
            'ExposeHeader "x-*" contains wildcard. We currently do not support wildcard for ExposeHeader.',
        ),
        ({"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "ID": "i" * 256}, "MalformedXML", None),
    ],
)
def test_rule_that_s3_refuses_is_refused(door: Door, rule: dict[str, Any], code: str, message: str | None) -> None:
    with pytest.raises(ClientError) as refused:
        configured(door, rule)

    error = refused.value.response["Error"]
    assert (error["Code"], error["Message"]) == (code, message or error["Message"])


def test_more_than_a_hundred_rules_are_no_configuration(door: Door) -> None:
    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["https://" + "o" * 900]}
    configured(door, *[rule] * 100)
    assert len(door.client().get_bucket_cors(Bucket="inbox")["CORSRules"]) == 100

    with pytest.raises(ClientError, match="MalformedXML"):
        configured(door, *[rule] * 101)


def test_preflight_is_answered_by_the_first_rule_that_fits(door: Door) -> None:
    configured(door)

    read = preflight(door, Origin=PAGE, Access_Control_Request_Method="GET")
    write = preflight(
        door,
        Origin=APP,
        Access_Control_Request_Method="PUT",
        Access_Control_Request_Headers="content-type, X-Amz-Meta-Color",
    )

    vary = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"
    assert (read.status, read.body) == (200, b"")
    assert cors_headers(read) == {
        "access-control-allow-origin": PAGE,
        "access-control-allow-methods": "GET, HEAD",
        "access-control-expose-headers": "ETag",
        "access-control-allow-credentials": "true",
        "vary": vary,
    }
    assert cors_headers(write) == {
        "access-control-allow-origin": APP,
        "access-control-allow-methods": "PUT, POST",
        "access-control-allow-headers": "content-type, x-amz-meta-color",
        "access-control-max-age": "600",
        "access-control-allow-credentials": "true",
        "vary": vary,
    }
    anybody = preflight(door, Origin="null", Access_Control_Request_Method="DELETE")
    assert anybody.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in anybody.headers


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ({}, (400, "BadRequest", "Insufficient information. Origin request header needed.")),
        ({"Origin": PAGE}, (400, "BadRequest", "Invalid Access-Control-Request-Method: null")),
        (
            {"Origin": PAGE, "Access_Control_Request_Method": "TRACE"},
            (400, "BadRequest", "Invalid Access-Control-Request-Method: TRACE"),
        ),
        ({"Origin": PAGE, "Access_Control_Request_Method": "PUT"}, (403, "AccessForbidden", NOT_ALLOWED)),
        (
            {"Origin": "https://example.com.evil", "Access_Control_Request_Method": "GET"},
            (403, "AccessForbidden", NOT_ALLOWED),
        ),
        (
            {"Origin": APP, "Access_Control_Request_Method": "PUT", "Access_Control_Request_Headers": "authorization"},
            (403, "AccessForbidden", NOT_ALLOWED),
        ),
    ],
)
def test_preflight_that_no_rule_lets_in_is_refused(
    door: Door, headers: dict[str, str], error: tuple[int, str, str]
) -> None:
    configured(door)

    answer = preflight(door, **headers)

    assert answer.error == error
    assert cors_headers(answer) == {}


def test_preflight_of_a_bucket_without_rules_says_so(door: Door) -> None:
    asked = {"Origin": PAGE, "Access_Control_Request_Method": "GET"}

    without, nowhere = preflight(door, **asked), preflight(door, "/nowhere/k", **asked)

    assert without.error == (403, "AccessForbidden", "CORSResponse: CORS is not enabled for this bucket.")
    assert (without.xml["Error"]["Method"], without.xml["Error"]["ResourceType"]) == ("GET", "BUCKET")
    assert nowhere.error == (403, "AccessForbidden", "CORSResponse: Bucket not found")


def test_answers_and_refusals_tell_a_page_what_it_may_read(door: Door) -> None:
    configured(door)
    door.run(door.stand.put("k", b"data"))
    origin = {"Origin": PAGE}

    found = door.ask("GET", "/inbox/k", origin)
    missing = door.ask("GET", "/inbox/gone", origin)
    anonymous = door.ask("GET", "/inbox/k", origin, key=None)
    badly_signed = door.ask("GET", "/inbox/k", {**origin, "Authorization": "AWS4-HMAC-SHA256 nonsense"}, key=None)
    foreign = door.ask("GET", "/inbox/k", {"Origin": "https://evil.example"})
    plain = door.ask("GET", "/inbox/k")

    assert (found.status, missing.status, anonymous.status, badly_signed.status) == (200, 404, 403, 400)
    for answer in (found, missing, anonymous, badly_signed):
        assert answer.headers["access-control-allow-origin"] == PAGE
        assert answer.headers["access-control-expose-headers"] == "ETag"
    assert (foreign.status, cors_headers(foreign), cors_headers(plain)) == (200, {}, {})


def test_preflight_works_for_presigned_urls_and_for_the_buckets_own_host(door: Door) -> None:
    configured(door)
    url = door.client().generate_presigned_url("put_object", Params={"Bucket": "inbox", "Key": "k"})
    asked = {"Origin": APP, "Access_Control_Request_Method": "PUT"}

    presigned = preflight(door, url.partition(str(door.port))[2], **asked)
    virtual = preflight(door, "/k", Host="inbox.s3.localhost", **asked)

    assert [answer.headers.get("access-control-allow-origin") for answer in (presigned, virtual)] == [APP, APP]


def test_name_that_no_bucket_can_have_is_no_bucket(door: Door) -> None:
    asked = {"Origin": PAGE, "Access_Control_Request_Method": "GET"}

    for name in ("b" * 8000, "%00", "UPPER"):
        answer = preflight(door, f"/{name}/k", **asked)
        assert answer.error == (403, "AccessForbidden", "CORSResponse: Bucket not found")
        for headers in ({"Origin": PAGE}, {"x-amz-expected-bucket-owner": "000000000000"}):
            assert door.ask("GET", f"/{name}/k", headers, key=None).status == 400
    long = door.ask("GET", "/", {"Host": "b" * 3000 + ".s3-website.localhost"}, key=None)
    assert (long.status, long.headers["x-amz-error-code"]) == (404, "NoSuchBucket")


def test_rules_need_their_permissions(door: Door) -> None:
    configured(door)
    other = door.client("AKIAOTHER")

    for call in (other.get_bucket_cors, other.delete_bucket_cors):
        with pytest.raises(ClientError, match="AccessDenied"):
            call(Bucket="inbox")
    request = configuration_model.GetBucketConfiguration("inbox", "cors")
    assert len(door.run(door.stand.call("GetBucketConfiguration", request)).CORSRules) == 3

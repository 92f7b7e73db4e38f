"""Websites over HTTP: what visitors are shown, where they are led, and what a configuration may say."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from cumulo.gateway.addressing import s3_address, website_of_host
from tests.object_store.aws_door import Answer, Door, door

__all__ = ["door"]
HOST = "inbox.s3-website.localhost"
PLAIN = {"IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "errors/lost.html"}}
READ = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::inbox/*"}
LIST = {"Effect": "Allow", "Principal": "*", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::inbox"}


def configured(door: Door, site: dict[str, Any] | None = None) -> Any:
    door.client().put_bucket_website(Bucket="inbox", WebsiteConfiguration=site or PLAIN)
    return door.client()


def published(door: Door, *statements: dict[str, Any], **pages: bytes) -> None:
    """Let everybody read, and put pages: `_` stands for a slash, and each is HTML."""
    door.run(door.stand.open_to_public())
    door.run(door.stand.set_policy(READ, *statements))
    for name, data in pages.items():
        door.run(door.stand.put(name.replace("__", "/") + ".html", data, content_type="text/html"))


def visit(door: Door, path: str, method: str = "GET", host: str = HOST, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return door.ask(method, path, {"Host": host, **named}, key=None)


@pytest.mark.parametrize(
    ("host", "bucket"),
    [
        ("inbox.s3-website.localhost:4566", "inbox"),
        ("inbox.s3-website-us-east-1.localhost", "inbox"),
        ("my.site.s3-website.eu-central-1.localhost", "my.site"),
        ("INBOX.S3-WEBSITE.LOCALHOST", ""),
        ("s3-website.localhost", ""),
        ("inbox.s3-websites.localhost", ""),
        ("inbox.s3-website.elsewhere.example", ""),
        ("inbox.s3.localhost", ""),
        ("[::1]:4566", ""),
        ("www.example.com:4566", "www.example.com"),
        ("WWW.example.com", "www.example.com"),
        ("a.www.example.com", ""),
    ],
)
def test_hosts_of_websites(host: str, bucket: str) -> None:
    sites = frozenset({"www.example.com"})
    assert website_of_host(host, ("s3.localhost",), sites) == bucket
    if bucket:
        address = s3_address(host, "/a%20b", ("s3.localhost", "localhost"), sites)
        assert (address.bucket, address.key, address.website) == (bucket, "a b", True)


@pytest.mark.parametrize(
    "site",
    [
        PLAIN,
        {"RedirectAllRequestsTo": {"HostName": "example.com", "Protocol": "https"}},
        {
            "IndexDocument": {"Suffix": "index.html"},
            "RoutingRules": [
                {"Condition": {"KeyPrefixEquals": "docs/"}, "Redirect": {"ReplaceKeyPrefixWith": "documents/"}},
                {
                    "Condition": {"HttpErrorCodeReturnedEquals": "404"},
                    "Redirect": {"HostName": "a.example", "HttpRedirectCode": "302", "ReplaceKeyWith": "lost"},
                },
            ],
        },
    ],
)
def test_website_is_given_back_as_it_was_put(door: Door, site: dict[str, Any]) -> None:
    s3 = configured(door, site)

    found = s3.get_bucket_website(Bucket="inbox")

    del found["ResponseMetadata"]
    assert found == site
    s3.delete_bucket_website(Bucket="inbox")
    with pytest.raises(ClientError, match="NoSuchWebsiteConfiguration"):
        s3.get_bucket_website(Bucket="inbox")


def rule(condition: dict[str, str] | None = None, **redirect: str) -> dict[str, Any]:
    return {"Redirect": redirect, **({} if condition is None else {"Condition": condition})}


@pytest.mark.parametrize(
    ("site", "code", "message"),
    [
        (
            {"ErrorDocument": {"Key": "e"}},
            "InvalidArgument",
            "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty",
        ),
        ({"IndexDocument": {"Suffix": "a/b"}}, "InvalidArgument", "The IndexDocument Suffix is not well formed"),
        ({"IndexDocument": {"Suffix": ""}}, "InvalidArgument", "The IndexDocument Suffix is not well formed"),
        (
            {**PLAIN, "RedirectAllRequestsTo": {"HostName": "h"}},
            "InvalidArgument",
            "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.",
        ),
        (
            {"RedirectAllRequestsTo": {"HostName": "h", "Protocol": "ftp"}},
            "InvalidRequest",
            (
                "Invalid protocol, protocol can be http or https. If not defined the protocol will be selected"
                " automatically."
            ),
        ),
        (
            {**PLAIN, "RoutingRules": [rule(ReplaceKeyPrefixWith="a", ReplaceKeyWith="b")]},
            "InvalidRequest",
            "You can only define ReplaceKeyPrefix or ReplaceKey but not both.",
        ),
        (
            {**PLAIN, "RoutingRules": [rule({}, ReplaceKeyWith="b")]},
            "InvalidRequest",
            (
                "Condition cannot be empty. To redirect all requests without a condition, the condition element"
                " shouldn't be present."
            ),
        ),
        (
            {**PLAIN, "RoutingRules": [rule({"HttpErrorCodeReturnedEquals": "200"}, ReplaceKeyWith="b")]},
            "InvalidRequest",
            "The provided HTTP error code (200) is not valid. Valid codes are 4XX or 5XX.",
        ),
        (
            {**PLAIN, "RoutingRules": [rule(HttpRedirectCode="200")]},
            "InvalidRequest",
            "The provided HTTP redirect code (200) is not valid. Valid codes are 3XX except 300.",
        ),
        (
            {**PLAIN, "RoutingRules": [rule(HostName="h")] * 51},
            "InvalidRequest",
            "51 routing rules provided, the number of routing rules in a website configuration is limited to 50.",
        ),
        ({**PLAIN, "RoutingRules": [rule()]}, "MalformedXML", None),
    ],
)
def test_website_that_s3_refuses_is_refused(door: Door, site: dict[str, Any], code: str, message: str | None) -> None:
    with pytest.raises(ClientError) as refused:
        configured(door, site)

    error = refused.value.response["Error"]
    assert (error["Code"], error["Message"]) == (code, message or error["Message"])


def test_visitors_get_pages_and_folders_their_index(door: Door) -> None:
    configured(door)
    published(door, index=b"<h1>home</h1>", docs__index=b"docs", about=b"about us")

    home, docs, page = visit(door, "/"), visit(door, "/docs/"), visit(door, "/about.html")
    folder, head = visit(door, "/docs"), visit(door, "/about.html", "HEAD")
    part = visit(door, "/about.html", Range="bytes=0-4")
    unchanged = visit(door, "/about.html", If_None_Match=page.headers["etag"])

    assert [(one.status, one.body) for one in (home, docs, page)] == [
        (200, b"<h1>home</h1>"),
        (200, b"docs"),
        (200, b"about us"),
    ]
    assert home.headers["content-type"] == "text/html"
    assert (folder.status, folder.headers["location"]) == (302, "/docs/")
    assert (head.status, head.headers["content-length"], head.body) == (200, "8", b"")
    assert (part.status, part.body, part.headers["content-range"]) == (206, b"about", "bytes 0-4/8")
    assert (unchanged.status, unchanged.body) == (304, b"")


def test_what_is_not_there_is_told_in_html_and_what_is_shut_stays_shut(door: Door) -> None:
    configured(door)
    published(door, index=b"home")

    shut = visit(door, "/gone.html")
    published(door, LIST)
    lost = visit(door, "/gone<b>.html")
    nowhere = visit(door, "/", host="nowhere.s3-website.localhost")
    posted = visit(door, "/x", "POST")

    assert (shut.status, shut.headers["x-amz-error-code"]) == (403, "AccessDenied")
    assert b"<h1>403 Forbidden</h1>" in shut.body
    assert (lost.status, lost.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert lost.headers["x-amz-error-detail-key"] == "gone%3Cb%3E.html"
    assert (
        b"<h1>404 Not Found</h1>\n<ul>\n<li>Code: NoSuchKey</li>\n<li>Message: The specified key does not exist.</li>\n"
        b"<li>Key: gone&lt;b&gt;.html</li>\n<li>RequestId: "
    ) in lost.body
    assert (
        b"<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>\n<ul>\n"
        b"<li>Code: NoSuchKey</li>"
    ) in lost.body
    assert (nowhere.status, nowhere.headers["x-amz-error-code"]) == (404, "NoSuchBucket")
    assert b"<li>BucketName: nowhere</li>" in nowhere.body
    assert (posted.status, posted.headers["x-amz-error-code"]) == (405, "MethodNotAllowed")
    assert b"<li>Method: POST</li>\n<li>ResourceType: OBJECT</li>" in posted.body
    door.client().delete_bucket_website(Bucket="inbox")
    assert visit(door, "/").headers["x-amz-error-code"] == "NoSuchWebsiteConfiguration"


def test_bucket_may_be_called_like_a_service_and_a_range_beyond_the_end_is_told_in_html(door: Door) -> None:
    configured(door)
    published(door, index=b"home")

    service = visit(door, "/", host="sqs.s3-website.localhost")
    beyond = visit(door, "/index.html", Range="bytes=10-")

    assert service.headers["x-amz-error-code"] == "NoSuchBucket"
    assert (beyond.status, beyond.headers["x-amz-error-code"]) == (416, "InvalidRange")


def test_error_document_may_be_elsewhere(door: Door) -> None:
    configured(door)
    published(door, LIST)
    key = PLAIN["ErrorDocument"]["Key"]
    door.client().put_object(Bucket="inbox", Key=key, Body=b"moved", WebsiteRedirectLocation="/another/lost.html")

    lost = visit(door, "/gone.html")

    assert (lost.status, lost.headers["location"]) == (301, "/another/lost.html")


def test_routing_rule_may_take_a_prefix_away(door: Door) -> None:
    configured(door, {**PLAIN, "RoutingRules": [rule({"KeyPrefixEquals": "docs/"}, ReplaceKeyPrefixWith="")]})

    moved = visit(door, "/docs/deep/page.html")

    assert (moved.status, moved.headers["location"]) == (301, f"http://{HOST}/deep/page.html")


def test_error_document_is_shown_with_the_status_of_the_error(door: Door) -> None:
    configured(door)
    published(door, LIST, errors__lost=b"we are sorry")

    lost = visit(door, "/gone")

    assert (lost.status, lost.body, lost.headers["content-type"]) == (404, b"we are sorry", "text/html")
    assert lost.headers["x-amz-error-code"] == "NoSuchKey"


def test_website_serves_nobody_but_whom_the_policy_lets_in_whatever_he_signs(door: Door) -> None:
    configured(door)
    door.run(door.stand.put("index.html", b"secret"))

    signed = door.ask("GET", "/", {"Host": HOST})

    assert (signed.status, b"secret" in signed.body) == (403, False)


def test_routing_rules_lead_on_before_and_after_the_look(door: Door) -> None:
    rules = [
        rule({"KeyPrefixEquals": "docs/"}, ReplaceKeyPrefixWith="documents/"),
        rule({"KeyPrefixEquals": "app/"}, HostName="app.example", Protocol="https", ReplaceKeyPrefixWith="#!/"),
        rule({"HttpErrorCodeReturnedEquals": "404", "KeyPrefixEquals": "old/"}, ReplaceKeyWith="moved.html"),
        rule({"HttpErrorCodeReturnedEquals": "404"}, HostName="other.example", HttpRedirectCode="307"),
    ]
    configured(door, {**PLAIN, "RoutingRules": rules})
    published(door, LIST, old__kept=b"still here")

    def led(path: str) -> tuple[int, str]:
        answer = visit(door, path)
        return answer.status, answer.headers.get("location", "")

    assert led("/docs/a%20b.html") == (301, f"http://{HOST}/documents/a%20b.html")
    assert led("/app/users?page=2") == (301, "https://app.example/#!/users?page=2")
    assert led("/old/kept.html") == (200, "")
    assert led("/old/gone.html") == (301, f"http://{HOST}/moved.html")
    assert led("/gone%0D%0Aset-cookie:x") == (307, "http://other.example/gone%0D%0Aset-cookie:x")


def test_bucket_that_is_elsewhere_sends_everybody_there(door: Door) -> None:
    configured(door, {"RedirectAllRequestsTo": {"HostName": "www.example.com", "Protocol": "https"}})

    answer = visit(door, "/a/b%20c?x=1")

    assert (answer.status, answer.headers["location"]) == (301, "https://www.example.com/a/b%20c?x=1")


def test_object_may_lead_elsewhere_and_no_copy_does_unless_it_says_so(door: Door) -> None:
    s3 = configured(door)
    published(door)
    s3.put_object(Bucket="inbox", Key="old", Body=b"x", WebsiteRedirectLocation="/new?é=1")
    s3.copy_object(Bucket="inbox", Key="copy", CopySource="inbox/old")
    s3.copy_object(Bucket="inbox", Key="led", CopySource="inbox/old", WebsiteRedirectLocation="https://example.com/")

    led = visit(door, "/old")

    assert (led.status, led.headers["location"], led.body) == (301, "/new?%C3%A9=1", b"")
    assert s3.head_object(Bucket="inbox", Key="led")["WebsiteRedirectLocation"] == "https://example.com/"
    assert "WebsiteRedirectLocation" not in s3.head_object(Bucket="inbox", Key="copy")
    assert visit(door, "/copy").body == b"x"
    with pytest.raises(ClientError) as refused:
        s3.put_object(Bucket="inbox", Key="k", Body=b"", WebsiteRedirectLocation="ftp://example.com")
    assert refused.value.response["Error"] == {
        "Code": "InvalidRedirectLocation",
        "Message": "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.",
    }


def test_website_answers_pages_of_other_origins(door: Door) -> None:
    s3 = configured(door)
    published(door, index=b"home")
    rules = [{"AllowedMethods": ["GET"], "AllowedOrigins": ["https://app.example"]}]
    s3.put_bucket_cors(Bucket="inbox", CORSConfiguration={"CORSRules": rules})

    asked = visit(door, "/", "OPTIONS", Origin="https://app.example", Access_Control_Request_Method="GET")
    got = visit(door, "/", Origin="https://app.example")

    allowed = "access-control-allow-origin"
    assert (asked.status, asked.headers[allowed], got.headers[allowed]) == (200, *["https://app.example"] * 2)

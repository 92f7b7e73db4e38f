"""Browsers' forms that post a file to S3."""

from typing import Any

import pytest

from tests.object_store.aws_door import Answer, Door, door

__all__ = ["door"]

BOUNDARY = "a-boundary"


def posted(fields: dict[str, str], body: bytes, filename: str = "pic.jpg") -> bytes:
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    parts.append(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n'
        f"Content-Type: image/jpeg\r\n\r\n".encode()
    )
    return b"".join(parts) + body + f"\r\n--{BOUNDARY}--\r\n".encode()


def post(door: Door, key: str, body: bytes = b"body", conditions: list[Any] | None = None, **fields: Any) -> Answer:
    named = {name.replace("__", "-"): value for name, value in fields.items()}
    signed = door.client(signature_version="s3v4").generate_presigned_post(
        "inbox", key, Fields=named, Conditions=[{name: value} for name, value in named.items()] + (conditions or [])
    )
    headers = {
        "Host": f"127.0.0.1:{door.port}",
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
    }
    return door.send("POST", "/inbox", headers, posted(signed["fields"], body))


def test_form_stores_its_file(door: Door) -> None:
    answer = post(door, "in/key", Content__Type="image/png", Cache__Control="max-age=1", x__amz__meta__colour="blue")

    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["location"] == f"http://127.0.0.1:{door.port}/inbox/in/key"
    got = door.ask("GET", "/inbox/in/key")
    assert got.body == b"body"
    assert got.headers["content-type"] == "image/png"
    assert got.headers["cache-control"] == "max-age=1"
    assert got.headers["x-amz-meta-colour"] == "blue"
    assert answer.headers["etag"] == got.headers["etag"]


def test_form_may_name_the_key_by_the_file(door: Door) -> None:
    post(door, "in/${filename}")

    assert door.ask("GET", "/inbox/in/pic.jpg").status == 200


@pytest.mark.parametrize(("said", "status"), [("200", 200), ("201", 201), ("204", 204), ("500", 204), ("", 204)])
def test_form_says_how_it_is_answered(door: Door, said: str, status: int) -> None:
    answer = post(door, "a b", success_action_status=said)

    assert answer.status == status
    if status == 201:
        assert b"<PostResponse><Location>" in answer.body
        assert answer.xml["PostResponse"] == {
            "Location": f"http://127.0.0.1:{door.port}/inbox/a%20b",
            "Bucket": "inbox",
            "Key": "a b",
            "ETag": '"841a2d689ad86bd1611447453c22c6fc"',
        }
    else:
        assert answer.body == b""


def test_form_may_redirect_the_browser(door: Door) -> None:
    answer = post(door, "key", success_action_redirect="http://site.example/done?a=1")

    assert answer.status == 303
    assert answer.headers["location"] == (
        "http://site.example/done?a=1&bucket=inbox&key=key&etag=%22841a2d689ad86bd1611447453c22c6fc%22"
    )


def test_redirection_that_is_no_url_is_as_good_as_none(door: Door) -> None:
    assert post(door, "key", success_action_redirect="javascript:alert(1)").status == 204


def test_form_with_tags(door: Door) -> None:
    post(door, "key", tagging="<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>")

    assert door.client().get_object_tagging(Bucket="inbox", Key="key")["TagSet"] == [{"Key": "a", "Value": "1"}]


def test_form_whose_tagging_is_another_document_brings_no_tags(door: Door) -> None:
    assert post(door, "key", tagging="<Other><Tag/></Other>").status == 204

    assert door.client().get_object_tagging(Bucket="inbox", Key="key")["TagSet"] == []


def test_form_brings_metadata_in_unicode_and_controls(door: Door) -> None:
    answer = post(
        door,
        "test_—.pdf",
        Content__Disposition='filename="test_—_é.pdf"',
        Cache__Control="non-ascii-—é",
        x__amz__meta__written="ÄMÄZÕÑ S3",
        x__amz__meta__controls="\x00\x01\x02\x03\x04",
        x__amz__meta__word="=?UTF-8?B?YWJj?=",
        success_action_status="201",
    )

    assert (answer.status, answer.xml["PostResponse"]["Key"]) == (201, "test_—.pdf")
    assert answer.headers["location"].endswith("/test_%E2%80%94.pdf")
    got = door.client().head_object(Bucket="inbox", Key="test_—.pdf")
    assert (got["ContentDisposition"], got["CacheControl"]) == ('filename="test_ _é.pdf"', "non-ascii- é")
    assert got["Metadata"] == {
        "written": "=?UTF-8?Q?=C3=84M=C3=84Z=C3=95=C3=91_S3?=",
        "controls": "=?UTF-8?B?AAECAwQ=?=",
        "word": "=?UTF-8?B?YWJj?=",
    }


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"acl": "public-read"}, (400, "AccessControlListNotSupported")),
        ({"x__amz__server__side__encryption": "aes:kms"}, (400, "InvalidArgument")),
        ({"tagging": "<Tagging>"}, (400, "MalformedXML")),
        ({"x__amz__storage__class": "RUBBISH"}, (400, "InvalidStorageClass")),
        ({"x__amz__checksum__crc32": "AAAAAA=="}, (400, "BadDigest")),
        ({"x__amz__checksum__nothing": "AAAAAA=="}, (400, "InvalidRequest")),
    ],
)
def test_field_that_cannot_be_served_is_refused(door: Door, fields: dict[str, Any], expected: tuple[int, str]) -> None:
    assert post(door, "key", **fields).error[:2] == expected
    assert door.ask("HEAD", "/inbox/key").status == 404


def test_file_beyond_its_policy_is_not_stored(door: Door) -> None:
    answer = post(door, "key", body=b"x" * 11, conditions=[["content-length-range", 0, 10]])

    assert answer.error[:2] == (400, "EntityTooLarge")
    assert door.ask("HEAD", "/inbox/key").status == 404


def test_form_without_a_signature_needs_a_public_policy(door: Door) -> None:
    headers = {"Host": f"127.0.0.1:{door.port}", "Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}

    assert door.send("POST", "/inbox", headers, posted({"key": "key"}, b"body")).error[:2] == (403, "AccessDenied")
    assert door.send("POST", "/inbox", headers, posted({}, b"body")).error[:2] == (400, "InvalidArgument")

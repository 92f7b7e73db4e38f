"""What S3 says of requests that contradict themselves, each to the letter: signatures, payloads, routes, documents."""

import base64
from typing import Any

import pytest
from botocore.client import ClientError

from tests.object_store.aws_door import Answer, Door, door

__all__ = ["door"]

EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
SCOPE = "AKIAOWNER/20260102/us-east-1/s3/aws4_request"
HASH = "0" * 64


def bearing(door: Door, authorization: str) -> Answer:
    """Ask with an `Authorization` header as it is given."""
    headers = {"Host": f"127.0.0.1:{door.port}", "Authorization": authorization, "x-amz-date": "20260102T000000Z"}
    return door.send("GET", "/inbox", headers, b"")


@pytest.mark.parametrize(
    ("authorization", "message"),
    [
        (f"Credential={SCOPE},Signature={HASH}", "the authorization header requires three components: Credential,"),
        (
            f"Credential={SCOPE},SignedHeaders-host,Signature={HASH}",
            'the authorization component "SignedHeaders-host" is malformed.',
        ),
        (f"Creds={SCOPE},SignedHeaders=host,Signature={HASH}", "missing Credential."),
        (f"Credential={SCOPE},Headers=host,Signature={HASH}", "missing SignedHeaders."),
        (f"Credential={SCOPE},SignedHeaders=host,Sign={HASH}", "missing Signature."),
        (f"Credential=x,SignedHeaders=host,Signature={HASH}", "the Credential is mal-formed; expecting"),
        (
            f"Credential={SCOPE.replace('20260102', '322')},SignedHeaders=host,Signature={HASH}",
            'incorrect date format "322". This date in the credential must be in the format "yyyyMMdd".',
        ),
    ],
)
def test_malformed_authorization_is_told_what_is_wrong_with_it(door: Door, authorization: str, message: str) -> None:
    status, code, said = bearing(door, f"AWS4-HMAC-SHA256 {authorization}").error

    assert (status, code) == (400, "AuthorizationHeaderMalformed")
    assert said.startswith(f"The authorization header is malformed; {message}")


@pytest.mark.parametrize(
    ("authorization", "message"),
    [
        ("nonsense", "Authorization header is invalid -- one and only one ' ' (space) required"),
        ("Basic eDp5", "Unsupported Authorization Type"),
        (f"AWS2-HMAC-SHA1 Credential={SCOPE}", "Unsupported Authorization Type"),
    ],
)
def test_authorization_of_another_type_is_shown_again(door: Door, authorization: str, message: str) -> None:
    answer = bearing(door, authorization)

    assert answer.error == (400, "InvalidArgument", message)
    found = answer.xml["Error"]
    assert (found["ArgumentName"], found["ArgumentValue"]) == ("Authorization", authorization)


def test_payload_of_another_hash_is_told_both(door: Door) -> None:
    answer = door.ask("PUT", "/inbox/k?tagging", {"x-amz-content-sha256": HASH}, payload=HASH)

    assert answer.error[:2] == (400, "XAmzContentSHA256Mismatch")
    found = answer.xml["Error"]
    assert (found["ClientComputedContentSHA256"], found["S3ComputedContentSHA256"]) == (HASH, EMPTY_SHA256)


def test_payload_that_is_no_hash_is_shown_again(door: Door) -> None:
    answer = door.ask("PUT", "/inbox/k", {"x-amz-content-sha256": "nonsense"}, payload="nonsense")

    assert answer.error[:2] == (400, "InvalidArgument")
    found = answer.xml["Error"]
    assert (found["ArgumentName"], found["ArgumentValue"]) == ("x-amz-content-sha256", "nonsense")


def refused(call: Any, **members: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(**members)
    found = error.value.response["Error"]
    return found["Code"], found["Message"]


@pytest.mark.parametrize("headers", [{}, {"x-amz-object-attributes": ""}])
def test_attributes_that_are_not_named_are_missed(door: Door, headers: dict[str, str]) -> None:
    answer = door.ask("GET", "/inbox/k?attributes", headers)

    assert answer.error == (
        400,
        "InvalidRequest",
        "The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty",
    )


@pytest.mark.parametrize(
    ("header", "tags"),
    [("&", {}), ("key&", {"key": ""}), ("key=value&&other", {"key": "value", "other": ""}), ("a@=b@", {"a@": "b@"})],
)
def test_tags_in_a_header_may_have_nothing_between_ampersands(door: Door, header: str, tags: dict[str, str]) -> None:
    assert door.ask("PUT", "/inbox/k", {"x-amz-tagging": header}).status == 200

    found = door.client().get_object_tagging(Bucket="inbox", Key="k")["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in found} == tags


@pytest.mark.parametrize("header", ["=", "=value", "key%", "key%2", "key=%zz", "key=value&key=value"])
def test_tags_in_a_header_are_of_urls(door: Door, header: str) -> None:
    assert door.ask("PUT", "/inbox/k", {"x-amz-tagging": header}).error[:2] == (400, "InvalidArgument")


@pytest.mark.parametrize("element", ["AllowedHeaders", "ExposeHeaders"])
@pytest.mark.parametrize("name", ["no header", "X-Custom:Header", "X(Custom)", "Bad/Header", 'X"Quote"'])
def test_rules_for_other_origins_name_headers(door: Door, element: str, name: str) -> None:
    rule = {"AllowedOrigins": ["*"], "AllowedMethods": ["GET"], element: ["x-amz-date", name]}

    assert refused(door.client().put_bucket_cors, Bucket="inbox", CORSConfiguration={"CORSRules": [rule]}) == (
        "InvalidRequest",
        f'{element[:-1]} "{name}" contains invalid character.',
    )


def test_ownership_that_is_none_is_malformed(door: Door) -> None:
    document = b"<OwnershipControls><Rule><ObjectOwnership>Nobody</ObjectOwnership></Rule></OwnershipControls>"

    assert door.ask("PUT", "/inbox?ownershipControls", body=document).error[:2] == (400, "MalformedXML")


def test_source_of_a_copy_is_of_urls(door: Door) -> None:
    answer = door.ask("PUT", "/inbox/k", {"x-amz-copy-source": "inbox/%zz"})

    assert answer.error == (400, "InvalidArgument", "Invalid copy source encoding.")


UPLOAD = {"Bucket": "inbox", "Key": "big"}
OTHER_SHA1 = base64.b64encode(b"x" * 20).decode()


def uploaded(s3: Any, **said: str) -> tuple[dict[str, str], dict[str, Any]]:
    """Return an upload of one part, and the part as a completion names it."""
    upload = {**UPLOAD, "UploadId": s3.create_multipart_upload(**UPLOAD, **said)["UploadId"]}
    part = s3.upload_part(**upload, PartNumber=1, Body=b"body", ChecksumAlgorithm="CRC32")
    return upload, {"PartNumber": 1, "ETag": part["ETag"], "ChecksumCRC32": part["ChecksumCRC32"]}


@pytest.mark.parametrize(
    ("altered", "code", "message"),
    [
        ({"ChecksumCRC32": "nonsense"}, "InvalidArgument", "Invalid Base64 or multiple checksums present in request"),
        ({"ChecksumSHA1": OTHER_SHA1}, "InvalidArgument", "Invalid Base64 or multiple checksums present in request"),
        (
            {"ChecksumCRC32": None, "ChecksumSHA1": OTHER_SHA1},
            "BadDigest",
            "The sha1 you specified for part 1 did not match what we received.",
        ),
    ],
)
def test_completion_has_the_one_checksum_of_each_part(
    door: Door, altered: dict[str, str | None], code: str, message: str
) -> None:
    s3 = door.client()
    upload, part = uploaded(s3, ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    parts = [{name: value for name, value in {**part, **altered}.items() if value is not None}]

    assert refused(s3.complete_multipart_upload, **upload, MultipartUpload={"Parts": parts}) == (code, message)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"ChecksumType": "NEITHER"}, "Value for x-amz-checksum-type header is invalid."),
        ({"ChecksumCRC32": "nonsense"}, "Value for x-amz-checksum-crc32 header is invalid."),
        ({"ChecksumCRC32": "ImIEBA==-one"}, "Value for x-amz-checksum-crc32 header is invalid."),
        (
            {"ChecksumCRC32": "ImIEBA==", "ChecksumCRC32C": "ImIEBA=="},
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
        ),
        ({"MpuObjectSize": -1}, "Value for x-amz-mp-object-size header is less than zero: '-1'"),
    ],
)
def test_completion_promises_what_can_be(door: Door, said: dict[str, Any], message: str) -> None:
    s3 = door.client()
    upload, part = uploaded(s3, ChecksumAlgorithm="CRC32")

    assert refused(s3.complete_multipart_upload, **upload, MultipartUpload={"Parts": [part]}, **said) == (
        "InvalidRequest",
        message,
    )


def test_type_of_checksums_is_read_in_any_case_and_refused_by_its_header(door: Door) -> None:
    s3 = door.client()
    opened = s3.create_multipart_upload(**UPLOAD, ChecksumAlgorithm="crc32", ChecksumType="full_Object")

    assert opened["ChecksumType"] == "FULL_OBJECT"
    assert refused(s3.create_multipart_upload, **UPLOAD, ChecksumType="NEITHER") == (
        "InvalidRequest",
        "Value for x-amz-checksum-type header is invalid.",
    )


def test_checksums_of_several_algorithms_are_refused_before_they_are_read(door: Door) -> None:
    headers = {"x-amz-checksum-sha1": "", "x-amz-checksum-crc32": ""}

    assert door.ask("PUT", "/inbox/k", headers).error == (
        400,
        "InvalidRequest",
        "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
    )


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("/inbox/k?uploads", "Key is not expected for the GET method ?uploads subresource"),
        ("/inbox/k?versions", "There is no such thing as the ?versions sub-resource for a key"),
    ],
)
def test_listings_of_buckets_are_not_of_keys(door: Door, target: str, message: str) -> None:
    assert door.ask("GET", target).error == (400, "InvalidRequest", message)


@pytest.mark.parametrize(
    ("method", "target", "kind"),
    [
        ("POST", "/", "SERVICE"),
        ("DELETE", "/", "SERVICE"),
        ("PUT", "/inbox?location", "BUCKET"),
        ("POST", "/inbox/k", "OBJECT"),
        ("PATCH", "/inbox/k", "OBJECT"),
    ],
)
def test_method_that_a_resource_does_not_have_is_not_allowed(door: Door, method: str, target: str, kind: str) -> None:
    answer = door.ask(method, target)

    assert answer.error == (405, "MethodNotAllowed", "The specified method is not allowed against this resource.")
    assert (answer.xml["Error"]["Method"], answer.xml["Error"]["ResourceType"]) == (method, kind)


def test_part_belongs_to_an_upload(door: Door) -> None:
    answer = door.ask("PUT", "/inbox/k?partNumber=1", body=b"body")

    assert answer.error == (400, "InvalidArgument", "This operation does not accept partNumber without uploadId")
    assert answer.xml["Error"]["ArgumentName"] == "partNumber"


def test_upload_takes_nothing_but_parts(door: Door) -> None:
    answer = door.ask("PUT", "/inbox/k?uploadId=one", body=b"body")

    assert answer.error[:2] == (405, "MethodNotAllowed")
    assert answer.xml["Error"]["ResourceType"] == "UPLOAD"
    assert answer.headers["allow"] == "DELETE, POST, GET"


def test_checksum_in_a_header_excludes_one_in_the_trailer(door: Door) -> None:
    mode = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
    headers = {
        "x-amz-content-sha256": mode,
        "x-amz-decoded-content-length": "4",
        "x-amz-trailer": "x-amz-checksum-crc32",
        "x-amz-checksum-sha1": OTHER_SHA1,
    }
    body = b"4\r\nbody\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"

    assert door.ask("PUT", "/inbox/k", headers, body, payload=mode).error == (
        400,
        "InvalidRequest",
        "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
    )


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        ("/nowhere?acl", {}),
        ("/nowhere?cors", {}),
        ("/nowhere/k?retention", {}),
        ("/nowhere/k?legal-hold", {}),
        ("/nowhere/k?attributes", {"x-amz-object-attributes": ""}),
    ],
)
def test_bucket_is_missed_before_what_a_request_to_it_lacks(door: Door, target: str, headers: dict[str, str]) -> None:
    assert door.ask("GET" if headers else "PUT", target, headers).error[:2] == (404, "NoSuchBucket")


@pytest.mark.parametrize("bucket", ["192.168.1.1", "my-buc@k", "No"])
def test_source_of_a_copy_is_in_a_bucket(door: Door, bucket: str) -> None:
    answer = door.ask("PUT", "/inbox/k", {"x-amz-copy-source": f"{bucket}/k"})

    assert answer.error == (400, "InvalidArgument", "Invalid copy source bucket name")
    assert answer.xml["Error"]["ArgumentName"] == "x-amz-copy-source"


def test_document_of_a_website_is_as_long_as_s3_takes_it(door: Door) -> None:
    begin = "<WebsiteConfiguration><IndexDocument><Suffix>index.html</Suffix></IndexDocument>"
    end = "</WebsiteConfiguration>"
    filled = begin + " " * (128 * 1024 - len(begin) - len(end))

    assert door.ask("PUT", "/inbox?website", body=(filled + end).encode()).status == 200

    longer = door.ask("PUT", "/inbox?website", body=(filled + " " + end).encode())
    assert longer.error == (400, "MaxMessageLengthExceeded", "Your request was too big.")
    assert longer.xml["Error"]["MaxMessageLengthBytes"] == "131072"


TRAILED = {
    "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "x-amz-decoded-content-length": "4",
    "x-amz-trailer": "x-amz-checksum-crc32",
}


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (
            b"4\r\nbody\r\n0\r\nx-amz-checksum-crc32:none\r\n\r\n",
            "InvalidRequest",
            "Value for x-amz-checksum-crc32 trailing header is invalid.",
        ),
        (
            b"3\r\nbod\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n",
            "IncompleteBody",
            "You did not provide the number of bytes specified by the Content-Length HTTP header",
        ),
    ],
)
def test_chunks_are_told_what_their_trailer_or_their_length_lacks(
    door: Door, body: bytes, code: str, message: str
) -> None:
    answer = door.ask("PUT", "/inbox/k", TRAILED, body, payload=TRAILED["x-amz-content-sha256"])

    assert answer.error == (400, code, message)


def test_preflight_of_nowhere_is_refused(door: Door) -> None:
    answer = door.ask("OPTIONS", "/inbox/k", {"Origin": "", "Access-Control-Request-Method": "GET"}, key=None)

    assert answer.error == (400, "BadRequest", "Insufficient information. Origin request header needed.")


@pytest.mark.parametrize("number", [0, -4])
def test_completion_counts_parts_from_one(door: Door, number: int) -> None:
    s3 = door.client()
    upload, part = uploaded(s3, ChecksumAlgorithm="CRC32")

    assert refused(
        s3.complete_multipart_upload, **upload, MultipartUpload={"Parts": [{**part, "PartNumber": number}]}
    ) == (
        "InvalidArgument",
        "PartNumber must be >= 1",
    )

"""What S3 says of requests that contradict themselves, each to the letter: signatures, payloads, routes, documents."""

import pytest

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

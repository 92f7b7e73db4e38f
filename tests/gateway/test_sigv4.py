"""Signatures that must be refused, and in which words; who signed those that hold."""

import calendar
import time

import pytest

from cumulo.gateway.presented import EXPIRES_S_MAX, read_signature
from cumulo.gateway.signature_errors import ROWS, AuthForm, Refusal, SignatureError
from cumulo.gateway.signing_key import Scope
from cumulo.gateway.sigv4 import SIGNING_KEYS_MAX, Verifier
from tests.gateway.signing import presign, sign
from tests.gateway.signing_world import EMPTY_SHA256, KEY_ID, SECRET, Keys, at, refusal_of, request, verifier, verify_s3

NOW = "20240102T030405Z"
HOST = ("host", "localhost:4566")


def later(seconds):
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(calendar.timegm(time.strptime(NOW, "%Y%m%dT%H%M%SZ")) + seconds))


def good(**changes):
    return sign(**{"method": "GET", "target": "/b/k", "stamp": NOW, **changes})


def presigned(**changes):
    return presign(**{"method": "GET", "path": "/b/k", "stamp": NOW, **changes})


def refused(asked, clock=NOW):
    return refusal_of(lambda: verify_s3(asked, at(clock)))


def without(asked, name):
    return request(asked.method, asked.target, [line for line in asked.header_lines if line[0] != name])


def with_line(asked, *line):
    return request(asked.method, asked.target, [*asked.header_lines, line])


def replaced(asked, name, old, new):
    lines = [(key, value.replace(old, new) if key == name else value) for key, value in asked.header_lines]
    return request(asked.method, asked.target, lines)


def at_target(asked, target):
    return request(asked.method, target, asked.header_lines)


def test_signed_request_tells_who_signed_it_and_for_where():
    verified = verify_s3(good(region="eu-moon-7"), at(NOW))

    assert verified.principal == f"owner of {KEY_ID}"
    assert verified.region == "eu-moon-7"
    assert verified.form is AuthForm.HEADER


def test_presigned_request_is_verified():
    assert verify_s3(presigned(), at(NOW)).form is AuthForm.QUERY


def test_request_without_a_signature_is_anonymous():
    assert read_signature(request("GET", "/b/k?list-type=2&X-Amz-Meta=1", [HOST])) is None


def test_parts_of_the_header_may_stand_in_any_order():
    asked = good()
    value = asked.headers["authorization"].removeprefix("AWS4-HMAC-SHA256 ")
    turned = "AWS4-HMAC-SHA256 " + ",".join(reversed(value.split(", ")))

    verify_s3(replaced(asked, "authorization", asked.headers["authorization"], turned), at(NOW))


def test_secrets_and_keys_appear_in_no_text():
    verified = verify_s3(good(), at(NOW))
    wrong = replaced(good(), "authorization", "Signature=", "Signature=0")

    with pytest.raises(SignatureError) as error:
        verify_s3(wrong, at(NOW))
    assert SECRET not in repr((verified, verified.signing_key, error.value, error.value.values))


# Row 12: one form only.


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        (with_line(good(), "authorization", "AWS4-HMAC-SHA256 x"), Refusal.REPEATED),
        (with_line(good(), "authorization", "Basic eDp5"), Refusal.REPEATED),
        (with_line(presigned(), "authorization", good().headers["authorization"]), Refusal.TWO_MECHANISMS),
        (with_line(presigned(), "authorization", "Basic eDp5"), Refusal.TWO_MECHANISMS),
        (at_target(good(), "/b/k?X-Amz-Signature=1"), Refusal.TWO_MECHANISMS),
        (at_target(good(), "/b/k?X%2DAmz-Signature=1"), Refusal.TWO_MECHANISMS),
        (at_target(presigned(), presigned().target + "&AWSAccessKeyId=x&Signature=y"), Refusal.TWO_MECHANISMS),
        (request("GET", "/b/k", [HOST, ("authorization", "Basic eDp5")]), Refusal.UNSUPPORTED_TYPE),
        (request("GET", "/b/k", [HOST, ("authorization", "Bearer x.y.z")]), Refusal.UNSUPPORTED_TYPE),
        (request("GET", "/b/k", [HOST, ("authorization", "")]), Refusal.UNSUPPORTED_TYPE),
        (request("GET", "/b/k", [HOST, ("authorization", f"AWS {KEY_ID}:c2ln")]), Refusal.UNSUPPORTED_VERSION),
        (
            request(
                "GET", "/b/k", [HOST, ("authorization", good().headers["authorization"].replace("HMAC", "ECDSA-P256"))]
            ),
            Refusal.UNSUPPORTED_VERSION,
        ),
        (
            request("GET", f"/b/k?AWSAccessKeyId={KEY_ID}&Expires=1&Signature=x", [HOST]),
            Refusal.UNSUPPORTED_VERSION,
        ),
        (
            at_target(presigned(), presigned().target.replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256")),
            Refusal.UNSUPPORTED_MECHANISM,
        ),
    ],
)
def test_other_or_second_form_is_refused(asked, refusal):
    assert refusal_of(lambda: read_signature(asked)) is refusal


# The parts of the header.


@pytest.mark.parametrize(
    ("old", "new", "refusal"),
    [
        ("Signature=", "Sig=", Refusal.INCOMPLETE),
        (", Signature=", ", Credential=", Refusal.REPEATED),
        (", SignedHeaders=host;x-amz-content-sha256;x-amz-date", "", Refusal.INCOMPLETE),
        (f"Credential={KEY_ID}", "Credential=", Refusal.CREDENTIAL_MALFORMED),
        ("/us-east-1/", "/", Refusal.CREDENTIAL_MALFORMED),
        ("/us-east-1/", "/us-east-1/x/", Refusal.CREDENTIAL_MALFORMED),
        ("/us-east-1/", "//", Refusal.CREDENTIAL_MALFORMED),
        ("/20240102/", "/2024-01-02/", Refusal.CREDENTIAL_MALFORMED),
        ("/aws4_request", "/aws4_requests", Refusal.SCOPE_TERMINATOR),
        ("/20240102/", "/20240101/", Refusal.SCOPE_DATE),
        ("/20240102/", "/20240103/", Refusal.SCOPE_DATE),
        ("/s3/", "/sqs/", Refusal.SCOPE_SERVICE),
        ("/us-east-1/", "/us-east-2/", Refusal.MISMATCH),
        ("host;x-amz-content", "HOST;x-amz-content", Refusal.SIGNED_HEADERS_MALFORMED),
        (
            "host;x-amz-content-sha256;x-amz-date",
            "host;x-amz-date;x-amz-content-sha256",
            Refusal.SIGNED_HEADERS_MALFORMED,
        ),
        ("host;x-amz-content-sha256", "host;host;x-amz-content-sha256", Refusal.SIGNED_HEADERS_MALFORMED),
        ("host;x-amz-content-sha256", "host;;x-amz-content-sha256", Refusal.SIGNED_HEADERS_MALFORMED),
        ("host;x-amz-content-sha256;", "x-amz-content-sha256;", Refusal.HEADERS_NOT_SIGNED),
        ("host;x-amz-content-sha256;x-amz-date", "host;x-amz-content-sha256", Refusal.HEADERS_NOT_SIGNED),
        ("host;x-amz-content-sha256;", "host;x-amz-acl;x-amz-content-sha256;", Refusal.HEADERS_ABSENT),
    ],
)
def test_altered_authorization_is_refused(old, new, refusal):
    asked = replaced(good(), "authorization", old, new)
    assert asked.headers != good().headers

    assert refused(asked) is refusal


# Rows 6 and 10: what was sent was signed.


@pytest.mark.parametrize("make", [good, presigned])
@pytest.mark.parametrize(
    "name",
    [
        "x-amz-copy-source",
        "x-amz-tagging",
        "x-amz-storage-class",
        "x-amz-acl",
        "x-amz-website-redirect-location",
        "x-amz-meta-owner",
        "x-amz-source-arn",
        "x-amz-security-token",
    ],
)
def test_unsigned_amz_header_is_refused(make, name):
    assert refused(with_line(make(), name, "/other/key")) is Refusal.HEADERS_NOT_SIGNED


@pytest.mark.parametrize("name", ["host", "x-amz-date", "x-amz-content-sha256", "content-type", "range"])
def test_header_that_decides_may_come_once_only(name):
    asked = with_line(with_line(good(), "content-type", "a"), "range", "bytes=0-1")

    assert refused(with_line(asked, name, asked.headers[name])) is Refusal.REPEATED


def test_unsigned_header_for_the_server_changes_nothing():
    asked = with_line(with_line(good(), "x-forwarded-for", "10.0.0.1"), "user-agent", "x")

    verify_s3(asked, at(NOW))


# Rows 8 and 9: time.


@pytest.mark.parametrize(
    ("moved_s", "refusal"), [(901, Refusal.TOO_OLD), (-901, Refusal.TOO_NEW), (86_400 * 365, Refusal.TOO_OLD)]
)
def test_signature_outside_fifteen_minutes_is_refused(moved_s, refusal):
    assert refused(good(), later(moved_s)) is refusal


@pytest.mark.parametrize("moved_s", [900, -900])
def test_signature_within_fifteen_minutes_holds(moved_s):
    verify_s3(good(), at(later(moved_s)))


def test_presigned_request_holds_to_the_end_of_its_life():
    asked = presigned(expires=3600)

    verify_s3(asked, at(later(3600)))
    assert refused(asked, later(3601)) is Refusal.EXPIRED
    assert refused(asked, later(-901)) is Refusal.NOT_YET_VALID


def test_longest_life_is_a_week():
    verify_s3(presigned(expires=EXPIRES_S_MAX), at(later(EXPIRES_S_MAX)))
    assert refused(presigned(expires=EXPIRES_S_MAX + 1)) is Refusal.EXPIRES_TOO_LONG


@pytest.mark.parametrize(
    ("expires", "refusal"),
    [
        ("-1", Refusal.EXPIRES_NEGATIVE),
        ("0", Refusal.EXPIRES_AT_ONCE),
        ("", Refusal.EXPIRES_NOT_A_NUMBER),
        ("1e3", Refusal.EXPIRES_NOT_A_NUMBER),
        ("+5", Refusal.EXPIRES_NOT_A_NUMBER),
        ("1_0", Refusal.EXPIRES_NOT_A_NUMBER),
        ("99999999999999999999", Refusal.EXPIRES_NOT_A_NUMBER),
        ("9999999999999999999", Refusal.EXPIRES_TOO_LONG),
    ],
)
def test_life_that_is_no_life_is_refused(expires, refusal):
    assert refused(presigned(expires=expires)) is refusal


@pytest.mark.parametrize(
    ("stamp", "refusal"),
    [
        ("20240102", Refusal.DATE_MALFORMED),
        ("20240102T030405", Refusal.DATE_MALFORMED),
        ("20240102T250405Z", Refusal.DATE_MALFORMED),
        ("20240230T030405Z", Refusal.DATE_MALFORMED),
        ("2024-01-02T03:04:05Z", Refusal.DATE_MALFORMED),
        ("\uff12\uff10240102T030405Z".encode().decode("latin-1"), Refusal.DATE_MALFORMED),
        ("20240102T030406Z", Refusal.MISMATCH),
    ],
)
def test_altered_date_is_refused(stamp, refusal):
    assert refused(replaced(good(), "x-amz-date", NOW, stamp)) is refusal


def test_date_header_stands_in_for_a_missing_amz_date():
    asked = good(date_header="Tue, 02 Jan 2024 03:04:05 GMT")

    verify_s3(asked, at(NOW))
    verify_s3(good(date_header="Tue, 02 Jan 2024 03:04:05"), at(NOW))
    assert refused(without(good(), "x-amz-date")) is Refusal.DATE_MISSING
    assert refused(replaced(asked, "date", "Tue, 02", "Two")) is Refusal.DATE_MALFORMED


@pytest.mark.parametrize("name", ["Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature"])
def test_presigned_request_needs_each_parameter_once(name):
    pieces = presigned().target.partition("?")[2].split("&")
    own = next(piece for piece in pieces if piece.startswith(f"X-Amz-{name}="))

    missing = request("GET", "/b/k?" + "&".join(piece for piece in pieces if piece != own), [HOST])
    repeated = request("GET", "/b/k?" + "&".join([*pieces, own]), [HOST])

    assert refused(missing) is Refusal.INCOMPLETE
    assert refused(repeated) is Refusal.REPEATED


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        (lambda asked: request("PUT", asked.target, asked.header_lines), Refusal.MISMATCH),
        (lambda asked: request("GET", asked.target, [("host", "elsewhere")]), Refusal.MISMATCH),
        (lambda asked: at_target(asked, asked.target.replace("/b/k", "/b/l")), Refusal.MISMATCH),
        (lambda asked: at_target(asked, asked.target + "&versionId=1"), Refusal.MISMATCH),
    ],
)
def test_presigned_request_serves_nothing_else(changed, refusal):
    assert refused(changed(presigned())) is refusal


def test_url_signed_without_the_secret_is_refused():
    assert refused(presigned(secret="")) is Refusal.MISMATCH
    assert refused(presigned(key_id="AKIANOBODY", secret="")) is Refusal.UNKNOWN_KEY


# Row 11: one reading of the target.


@pytest.mark.parametrize(
    ("signed_as", "sent_as"),
    [
        ("/b/a/c", "/b/a%2Fc"),
        ("/b/a%2Fc", "/b/a/c"),
        ("/b/k", "/b//k"),
        ("/b/k", "/b/./k"),
        ("/b/k", "/b/x/../k"),
        ("/b/k", "/b/x/%2e%2e/k"),
        ("/b/a%20c", "/b/a+c"),
        ("/b/a%252Fc", "/b/a%2Fc"),
        ("/b/%C3%A4", "/b/%E4"),
        ("/b/.", "/b/%C0%AE"),
        ("/b/k?a=1&b=2", "/b/k?a=1&b=3"),
        ("/b/k?prefix=a%2Bc", "/b/k?prefix=a+c"),
        ("/b/k?acl", "/b/k?acl=x"),
        ("/b/k?acl", "/b/k?ACL"),
    ],
)
def test_other_target_than_signed_is_refused(signed_as, sent_as):
    assert refused(at_target(good(target=signed_as), sent_as)) is Refusal.MISMATCH


@pytest.mark.parametrize(
    ("signed_as", "sent_as"),
    [
        ("/b/year%3D2024/a%20b", "/b/year=2024/a%20b"),
        ("/b/%7Ek", "/b/~k"),
        ("/b/%3a", "/b/%3A"),
        ("/b/k?prefix=a%20c", "/b/k?prefix=a+c"),
        ("/b/k?acl", "/b/k?acl="),
        ("/b/k?a=1&b=2", "/b/k?b=2&a=1"),
        ("/b/k?b=2", "/b/k?&b=2&"),
    ],
)
def test_other_spelling_of_the_signed_target_holds(signed_as, sent_as):
    verify_s3(at_target(good(target=signed_as), sent_as), at(NOW))


@pytest.mark.parametrize("target", ["/b/%", "/b/%4", "/b/%zz", "/b/k?a=%", "/b/k?%G0=1"])
def test_broken_percent_sign_is_refused(target):
    assert refused(good(target=target)) is Refusal.URI_MALFORMED


@pytest.mark.parametrize("query", ["a=1&a=2", "a=2&a=1", "a&a", "%61=1&a=1"])
def test_parameter_given_twice_is_refused(query):
    assert refused(good(target=f"/b/k?{query}")) is Refusal.URI_AMBIGUOUS


def test_thousands_of_parameters_are_refused():
    assert refused(good(target="/b/k?" + "&".join(f"a{n}" for n in range(1001)))) is Refusal.URI_AMBIGUOUS


# Rows 14 and 16: keys and tokens.


def test_session_needs_its_own_token():
    clock = at(NOW)
    keys = {("ASIASESSION", "right"): "s"}

    def verify(**changes):
        asked = good(key_id="ASIASESSION", secret="s", **changes)
        presented = read_signature(asked)
        assert presented is not None
        return verifier(clock, keys).verify(asked, presented, "s3", EMPTY_SHA256)

    assert verify(token="right").access_key_id == "ASIASESSION"
    assert refusal_of(verify) is Refusal.UNKNOWN_KEY
    assert refusal_of(lambda: verify(token="righ")) is Refusal.SESSION_INVALID
    assert refusal_of(lambda: verify(token="foreign")) is Refusal.SESSION_INVALID
    assert refusal_of(lambda: verify(token="expired")) is Refusal.SESSION_EXPIRED


def test_long_term_key_with_a_token_is_refused():
    assert refused(good(token="some")) is Refusal.SESSION_INVALID


def test_presigned_token_is_in_the_query_once():
    asked = presigned(token="t")
    keys = Keys({(KEY_ID, "t"): SECRET})
    presented = read_signature(asked)
    assert presented is not None

    Verifier(keys, at(NOW)).verify(asked, presented, "s3", "UNSIGNED-PAYLOAD")
    assert keys.asked == [(KEY_ID, "t")]
    assert refusal_of(lambda: read_signature(with_line(asked, "x-amz-security-token", "t"))) is Refusal.REPEATED


def test_unknown_key_takes_the_path_of_a_known_one():
    keys = Keys({(KEY_ID, ""): SECRET})
    asked = good(key_id="AKIAUNKNOWN")
    presented = read_signature(asked)
    assert presented is not None
    judge = Verifier(keys, at(NOW))

    assert refusal_of(lambda: judge.verify(asked, presented, "s3", EMPTY_SHA256)) is Refusal.UNKNOWN_KEY
    assert len(judge._signing_keys) == 1  # derived under nobody's secret


def test_key_that_was_taken_away_is_refused_at_once():
    keys = Keys({(KEY_ID, ""): SECRET})
    judge = Verifier(keys, at(NOW))
    asked = good()
    presented = read_signature(asked)
    assert presented is not None
    judge.verify(asked, presented, "s3", EMPTY_SHA256)

    keys.secrets.clear()

    assert refusal_of(lambda: judge.verify(asked, presented, "s3", EMPTY_SHA256)) is Refusal.UNKNOWN_KEY


def test_empty_secret_opens_nothing():
    asked = good(key_id="AKIAUNKNOWN", secret="")

    assert refused(asked) is Refusal.UNKNOWN_KEY


def test_signing_keys_are_bounded():
    judge = Verifier(Keys({(KEY_ID, ""): SECRET}), at(NOW))
    for number in range(SIGNING_KEYS_MAX + 10):
        judge._signing_key("s", Scope("20240102", f"r{number}", "s3"))

    assert len(judge._signing_keys) == SIGNING_KEYS_MAX


# The words.


@pytest.mark.parametrize("refusal", list(Refusal))
def test_every_refusal_has_words_in_every_dialect(refusal):
    assert refusal in ROWS


@pytest.mark.parametrize(
    ("asked", "s3", "query", "json"),
    [
        (
            good(key_id="AKIANOBODY"),
            "InvalidAccessKeyId 403",
            "InvalidClientTokenId 403",
            "UnrecognizedClientException 400",
        ),
        (good(secret="x"), "SignatureDoesNotMatch 403", "SignatureDoesNotMatch 403", "InvalidSignatureException 400"),
        (good(token="expired"), "ExpiredToken 400", "ExpiredToken 403", "ExpiredTokenException 400"),
        (good(token="bad"), "InvalidToken 400", "InvalidClientTokenId 403", "UnrecognizedClientException 400"),
        (
            good(stamp=later(-5000)),
            "RequestTimeTooSkewed 403",
            "SignatureDoesNotMatch 403",
            "InvalidSignatureException 400",
        ),
    ],
)
def test_each_dialect_says_it_in_its_own_code(asked, s3, query, json):
    with pytest.raises(SignatureError) as caught:
        verify_s3(asked, at(NOW))

    said = [caught.value.service_error(dialect).row for dialect in ("s3", "query", "json")]
    assert [f"{row.code} {row.http_status}" for row in said] == [s3, query, json]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (good(key_id="AKIANOBODY"), "UnrecognizedClientException InvalidClientTokenId 403"),
        (good(secret="x"), "InvalidSignatureException SignatureDoesNotMatch 403"),
        (good(token="expired"), "ExpiredTokenException ExpiredToken 403"),
    ],
)
def test_json_of_a_service_that_spoke_query_before_keeps_querys_status(asked, said):
    with pytest.raises(SignatureError) as caught:
        verify_s3(asked, at(NOW))

    row = caught.value.service_error("compatible").row
    assert f"{row.code} {row.query_code} {row.http_status}" == said


def test_expired_signature_says_when_as_aws_does():
    with pytest.raises(SignatureError) as caught:
        verify_s3(good(), at(later(1000)))

    assert caught.value.service_error("query").message == (
        "Signature expired: 20240102T030405Z is now earlier than 20240102T030545Z (20240102T032045Z - 15 min.)"
    )


def test_only_s3_shows_elements_beside_its_message():
    with pytest.raises(SignatureError) as caught:
        verify_s3(good(), at(later(1000)))

    assert caught.value.service_error("s3").values["ServerTime"] == "2024-01-02T03:20:45Z"
    assert not [name for name in caught.value.service_error("json").values if name[0].isupper()]


def test_mismatch_shows_what_was_to_be_signed():
    with pytest.raises(SignatureError) as caught:
        verify_s3(good(secret="x"), at(NOW))

    values = caught.value.service_error("s3").values
    assert str(values["CanonicalRequest"]).startswith("GET\n/b/k\n")
    assert str(values["StringToSign"]).startswith("AWS4-HMAC-SHA256\n20240102T030405Z\n")
    assert values["AWSAccessKeyId"] == KEY_ID

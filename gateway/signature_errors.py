"""What is wrong with a request's signature, and what each family of AWS's protocols calls it.

Owns the table. Promises: a check names one neutral `Refusal` with its values, and the edge asks for the words of the
protocol that it answers in. Messages are AWS's; where AWS's words are not known they follow its form. None of them
holds a secret or a signature that the server computed.
"""

import enum
from collections.abc import Mapping
from typing import Literal

import msgspec

from cumulo.core.errors import ErrorRow, ServiceError, Status

Dialect = Literal["s3", "query", "json", "compatible"]
"""REST-XML as S3 speaks it; the query protocol (IAM, STS, SNS, old SQS); JSON and CBOR protocols; those protocols of a
service that spoke query before (SQS, CloudWatch), which keeps the statuses that its older clients know.
"""


class AuthForm(enum.StrEnum):
    """How a request bears its credentials."""

    ANONYMOUS = "anonymous"
    HEADER = "header"
    QUERY = "query"
    POST = "post"


class Refusal(enum.StrEnum):
    """Why a signature is refused."""

    MISSING = "missing"
    UNSUPPORTED_MECHANISM = "unsupported mechanism"
    UNSUPPORTED_VERSION = "unsupported version"
    UNSUPPORTED_TYPE = "unsupported type"
    ONE_WORD = "one word"
    TWO_MECHANISMS = "two mechanisms"
    INCOMPLETE = "incomplete"
    REPEATED = "repeated"
    CREDENTIAL_MALFORMED = "credential malformed"
    SCOPE_TERMINATOR = "scope terminator"
    SCOPE_DATE = "scope date"
    SCOPE_SERVICE = "scope service"
    DATE_MISSING = "date missing"
    DATE_MALFORMED = "date malformed"
    TOO_OLD = "too old"
    TOO_NEW = "too new"
    EXPIRES_NOT_A_NUMBER = "expires not a number"
    OLD_QUERY_INCOMPLETE = "old query incomplete"
    OLD_EXPIRES_MALFORMED = "old expires malformed"
    EXPIRES_NEGATIVE = "expires negative"
    EXPIRES_AT_ONCE = "expires at once"
    EXPIRES_TOO_LONG = "expires too long"
    EXPIRED = "expired"
    NOT_YET_VALID = "not yet valid"
    SIGNED_HEADERS_MALFORMED = "signed headers malformed"
    HEADERS_NOT_SIGNED = "headers not signed"
    HEADERS_ABSENT = "headers absent"
    URI_MALFORMED = "uri malformed"
    URI_AMBIGUOUS = "uri ambiguous"
    UNKNOWN_KEY = "unknown key"
    SESSION_INVALID = "session invalid"
    SESSION_EXPIRED = "session expired"
    MISMATCH = "mismatch"
    PAYLOAD_MISSING = "payload missing"
    PAYLOAD_UNKNOWN = "payload unknown"
    PAYLOAD_NOT_HERE = "payload not here"
    PAYLOAD_ECDSA = "payload ecdsa"


class SignatureError(Exception):
    """A refusal with the values of this case. Those whose names begin with a capital are elements of S3's answer."""

    def __init__(self, refusal: Refusal, form: AuthForm = AuthForm.HEADER, **values: object) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal
        self.form = form
        self.values = values

    def service_error(self, dialect: Dialect) -> ServiceError:
        """Return the error in the words of one family of protocols."""
        said = row(self.refusal, self.form, dialect)
        values = {name: value for name, value in self.values.items() if dialect == "s3" or not name[0].isupper()}
        return ServiceError(said, values)


def row(refusal: Refusal, form: AuthForm, dialect: Dialect) -> ErrorRow:
    """Return the catalogue row of a refusal."""
    words = ROWS[refusal]
    if dialect == "compatible":
        return _row(words.json.code, words.query.http_status, words.json.message, words.json.query_code)
    if dialect != "s3":
        return words.query if dialect == "query" else words.json
    if form is AuthForm.POST and words.s3_post is not None:
        return words.s3_post
    return words.s3 if form is AuthForm.HEADER or words.s3_query is None else words.s3_query


class Words(msgspec.Struct, frozen=True):
    """One refusal in each dialect; `s3_query` and `s3_post` where S3 says it otherwise for those.

    The forms' words are those that S3 was seen to answer; the errors page of its reference has others.
    """

    s3: ErrorRow
    query: ErrorRow
    json: ErrorRow
    s3_query: ErrorRow | None = None
    s3_post: ErrorRow | None = None


def _row(code: str, status: int, message: str, query_code: str = "") -> ErrorRow:
    grpc_status = Status.UNAUTHENTICATED if status == 403 else Status.INVALID_ARGUMENT
    return ErrorRow(code, status, grpc_status, message, query_code=query_code)


_HEADER = "The authorization header is malformed; "
_CREDENTIAL = "Error parsing the X-Amz-Credential parameter; "


def _s3_header(message: str) -> ErrorRow:
    return _row("AuthorizationHeaderMalformed", 400, _HEADER + message)


def _s3_query(message: str) -> ErrorRow:
    return _row("AuthorizationQueryParametersError", 400, message)


def _incomplete(message: str) -> tuple[ErrorRow, ErrorRow]:
    code = "IncompleteSignature"
    return _row(code, 400, message), _row("IncompleteSignatureException", 400, message, code)


def _invalid(message: str) -> tuple[ErrorRow, ErrorRow]:
    """Return what a signature that does not hold is called: query services give each reason the same code."""
    code = "SignatureDoesNotMatch"
    return _row(code, 403, message), _row("InvalidSignatureException", 400, message, code)


def _everywhere(
    s3: ErrorRow,
    plain: tuple[ErrorRow, ErrorRow],
    s3_query: ErrorRow | None = None,
    s3_post: str = "",
) -> Words:
    post = _row("InvalidArgument", 400, s3_post) if s3_post else None
    return Words(s3=s3, query=plain[0], json=plain[1], s3_query=s3_query, s3_post=post)


def _only_s3(code: str, status: int, message: str) -> Words:
    """Return the words for what only S3 reads."""
    said = _row(code, status, message)
    return Words(s3=said, query=said, json=said)


_NOT_SUPPORTED = "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."
_SCOPE_DATE = 'Invalid credential date "{scope_date}". This date is not the same as X-Amz-Date: "{amz_date}".'
_SCOPE_SERVICE = 'incorrect service "{service}". This endpoint belongs to "{expected}".'
_SCOPE_TERMINATOR = 'incorrect terminal "{terminator}". This endpoint uses "aws4_request".'
_TOO_SKEWED = _row(
    "RequestTimeTooSkewed", 403, "The difference between the request time and the current time is too large."
)
_INVALID_URI = _row("InvalidURI", 400, "Couldn't parse the specified URI.")
_MISSING_TOKEN = _row("MissingAuthenticationToken", 403, "Request is missing Authentication Token")
_MISSING_TOKEN_EXCEPTION = _row(
    "MissingAuthenticationTokenException", 400, "Request is missing Authentication Token", "MissingAuthenticationToken"
)
_NO_CLIENT = "The security token included in the request is invalid."
_INVALID_CLIENT = _row("InvalidClientTokenId", 403, _NO_CLIENT)
_UNRECOGNIZED_CLIENT = _row("UnrecognizedClientException", 400, _NO_CLIENT, "InvalidClientTokenId")
_PAYLOAD_UNKNOWN = _row(
    "InvalidArgument",
    400,
    "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER,"
    " STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER,"
    " STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a valid sha256"
    " value.",
)

ROWS: Mapping[Refusal, Words] = {
    Refusal.MISSING: Words(
        s3=_row("AccessDenied", 403, "Access Denied"),
        query=_MISSING_TOKEN,
        json=_MISSING_TOKEN_EXCEPTION,
    ),
    Refusal.UNSUPPORTED_MECHANISM: _everywhere(
        _row("InvalidRequest", 400, _NOT_SUPPORTED),
        _incomplete(_NOT_SUPPORTED),
        _s3_query('X-Amz-Algorithm only supports "AWS4-HMAC-SHA256"'),
        'X-Amz-Algorithm only supports "AWS4-HMAC-SHA256"',
    ),
    Refusal.UNSUPPORTED_VERSION: _everywhere(_row("InvalidRequest", 400, _NOT_SUPPORTED), _incomplete(_NOT_SUPPORTED)),
    Refusal.UNSUPPORTED_TYPE: Words(
        s3=_row("InvalidArgument", 400, "Unsupported Authorization Type"),
        query=_MISSING_TOKEN,
        json=_MISSING_TOKEN_EXCEPTION,
    ),
    Refusal.ONE_WORD: Words(
        s3=_row("InvalidArgument", 400, "Authorization header is invalid -- one and only one ' ' (space) required"),
        query=_MISSING_TOKEN,
        json=_MISSING_TOKEN_EXCEPTION,
    ),
    Refusal.TWO_MECHANISMS: _everywhere(
        _row(
            "InvalidArgument",
            400,
            "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string"
            " parameter or the Authorization header should be specified",
        ),
        _incomplete("Only one of the Authorization header and the X-Amz-Algorithm parameter may be given."),
    ),
    Refusal.INCOMPLETE: _everywhere(
        _s3_header("{reason}"),
        _incomplete("Authorization header requires {lacking} parameter."),
        _s3_query(
            "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature,"
            " X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters."
        ),
        "Bucket POST must contain a field named '{lacking}'.  If it is specified, please check the order of the"
        " fields.",
    ),
    Refusal.REPEATED: _everywhere(
        _s3_header("{name} may be given once only."),
        _incomplete("{name} may be given once only."),
        _s3_query("{name} may be given once only."),
    ),
    Refusal.CREDENTIAL_MALFORMED: _everywhere(
        _s3_header("{reason}"),
        _incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term."),
        _s3_query(_CREDENTIAL + "{reason}"),
        "{reason}",
    ),
    Refusal.SCOPE_TERMINATOR: _everywhere(
        _s3_header(_SCOPE_TERMINATOR),
        _invalid("Credential should be scoped with a valid terminator: 'aws4_request', not '{terminator}'. "),
        _s3_query(_CREDENTIAL + _SCOPE_TERMINATOR),
        _SCOPE_TERMINATOR,
    ),
    Refusal.SCOPE_DATE: _everywhere(
        _s3_header(_SCOPE_DATE),
        _invalid(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{scope_date}'"
            " != '{date}', from '{amz_date}'."
        ),
        _s3_query(_SCOPE_DATE),
        _SCOPE_DATE,
    ),
    Refusal.SCOPE_SERVICE: _everywhere(
        _s3_header(_SCOPE_SERVICE),
        _invalid("Credential should be scoped to correct service: '{expected}'. "),
        _s3_query(_CREDENTIAL + _SCOPE_SERVICE),
        _SCOPE_SERVICE,
    ),
    Refusal.DATE_MISSING: _everywhere(
        _row("AccessDenied", 403, "AWS authentication requires a valid Date or x-amz-date header"),
        _incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."),
    ),
    Refusal.DATE_MALFORMED: _everywhere(
        _row("AccessDenied", 403, "AWS authentication requires a valid Date or x-amz-date header"),
        _incomplete(
            "Date must be in ISO-8601 'basic format'. Got '{value}'. See http://en.wikipedia.org/wiki/ISO_8601"
        ),
        _s3_query("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\""),
        "X-Amz-Date must be formated via ISO8601 Long format",
    ),
    Refusal.TOO_OLD: _everywhere(
        _TOO_SKEWED, _invalid("Signature expired: {amz_date} is now earlier than {limit} ({now} - 15 min.)")
    ),
    Refusal.TOO_NEW: _everywhere(
        _TOO_SKEWED, _invalid("Signature not yet current: {amz_date} is still later than {limit} ({now} + 15 min.)")
    ),
    Refusal.EXPIRES_NOT_A_NUMBER: _everywhere(
        _s3_query("X-Amz-Expires must be a number"), _incomplete("X-Amz-Expires must be a number")
    ),
    Refusal.OLD_QUERY_INCOMPLETE: _only_s3(
        "AccessDenied",
        403,
        "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters",
    ),
    Refusal.OLD_EXPIRES_MALFORMED: _only_s3(
        "AccessDenied", 403, "Invalid date (should be seconds since epoch): {value}"
    ),
    Refusal.EXPIRES_NEGATIVE: _everywhere(
        _s3_query("X-Amz-Expires must be non-negative"), _incomplete("X-Amz-Expires must be non-negative")
    ),
    Refusal.EXPIRES_AT_ONCE: _everywhere(
        _row("AccessDenied", 403, "Request has expired"), _invalid("Signature expired: X-Amz-Expires is 0.")
    ),
    Refusal.EXPIRES_TOO_LONG: _everywhere(
        _s3_query(
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than"
            " 604800 seconds"
        ),
        _incomplete("X-Amz-Expires must be less than a week (in seconds)"),
    ),
    Refusal.EXPIRED: _everywhere(
        _row("AccessDenied", 403, "Request has expired"),
        _invalid("Signature expired: {amz_date} is now earlier than {limit} ({now} - {expires_s} s.)"),
    ),
    Refusal.NOT_YET_VALID: _everywhere(
        _row("AccessDenied", 403, "Request is not valid yet"),
        _invalid("Signature not yet current: {amz_date} is still later than {limit} ({now} + 15 min.)"),
    ),
    Refusal.SIGNED_HEADERS_MALFORMED: _everywhere(
        _s3_header("SignedHeaders must be sorted, unique and in lower case."),
        _incomplete("SignedHeaders must be sorted, unique and in lower case."),
        _s3_query("X-Amz-SignedHeaders must be sorted, unique and in lower case."),
    ),
    Refusal.HEADERS_NOT_SIGNED: _everywhere(
        _row("AccessDenied", 403, "There were headers present in the request which were not signed"),
        _invalid("'{names}' must be a 'SignedHeader' in the AWS Authorization."),
    ),
    Refusal.HEADERS_ABSENT: _everywhere(
        _s3_header("{names} in SignedHeaders was not sent."),
        _invalid("'{names}' in SignedHeaders was not sent."),
    ),
    Refusal.URI_MALFORMED: _everywhere(_INVALID_URI, _incomplete("Couldn't parse the specified URI.")),
    Refusal.URI_AMBIGUOUS: _everywhere(
        _INVALID_URI, _incomplete("The request URI has more than one reading: {reason}.")
    ),
    Refusal.UNKNOWN_KEY: Words(
        s3=_row("InvalidAccessKeyId", 403, "The AWS Access Key Id you provided does not exist in our records."),
        query=_INVALID_CLIENT,
        json=_UNRECOGNIZED_CLIENT,
    ),
    Refusal.SESSION_INVALID: Words(
        s3=_row("InvalidToken", 400, "The provided token is malformed or otherwise invalid."),
        query=_INVALID_CLIENT,
        json=_UNRECOGNIZED_CLIENT,
    ),
    Refusal.SESSION_EXPIRED: Words(
        s3=_row("ExpiredToken", 400, "The provided token has expired."),
        query=_row("ExpiredToken", 403, "The security token included in the request is expired"),
        json=_row(
            "ExpiredTokenException", 400, "The security token included in the request is expired", "ExpiredToken"
        ),
    ),
    Refusal.MISMATCH: _everywhere(
        _row(
            "SignatureDoesNotMatch",
            403,
            "The request signature we calculated does not match the signature you provided. Check your key and signing"
            " method.",
        ),
        _invalid(
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret"
            " Access Key and signing method. Consult the service documentation for details."
        ),
    ),
    Refusal.PAYLOAD_MISSING: _everywhere(
        _row("InvalidRequest", 400, "Missing required header for this request: x-amz-content-sha256"),
        _incomplete("Missing required header for this request: x-amz-content-sha256"),
    ),
    Refusal.PAYLOAD_UNKNOWN: _everywhere(_PAYLOAD_UNKNOWN, _incomplete(_PAYLOAD_UNKNOWN.message)),
    Refusal.PAYLOAD_NOT_HERE: _everywhere(
        _row("InvalidArgument", 400, "x-amz-content-sha256 must be {allowed}."),
        _incomplete("x-amz-content-sha256 must be {allowed}."),
    ),
    Refusal.PAYLOAD_ECDSA: _everywhere(
        _row("InvalidRequest", 400, "{value} is signed by AWS4-ECDSA-P256-SHA256. Please use AWS4-HMAC-SHA256."),
        _incomplete(_NOT_SUPPORTED),
    ),
}

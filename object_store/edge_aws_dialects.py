"""What S3's edge says where other stores that speak S3 say something else, for who comes from one of them.

Owns the dialects. None of them lets anybody do what he may not, nor stores what was not sent whole. `aws` changes
nothing.

Source of `ceph`: what the public test suite of Ceph's gateway asks for.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from cumulo.core.errors import ErrorRow
from cumulo.gateway.aws_service import AWS, Dialect
from cumulo.gateway.signature_errors import AuthForm, Refusal, row
from cumulo.object_store import errors
from cumulo.object_store.edge_aws_errors import INVALID_EXPECTED_OWNER


def _but(said: ErrorRow, code: str, http_status: int) -> tuple[ErrorRow, ErrorRow]:
    return said, msgspec.structs.replace(said, code=code, http_status=http_status)


_CEPH: Final = dict(
    (
        _but(row(Refusal.EXPIRES_NEGATIVE, AuthForm.QUERY, "s3"), "AccessDenied", 403),
        _but(row(Refusal.EXPIRES_TOO_LONG, AuthForm.QUERY, "s3"), "AccessDenied", 403),
        _but(INVALID_EXPECTED_OWNER, "AccessDenied", 403),
        _but(errors.INVALID_PART_NUMBER, "InvalidPart", 400),
        _but(errors.NO_PARTS, "MalformedXML", 400),
        _but(errors.COPY_RANGE_BEHIND_END, "InvalidRange", 416),
        _but(errors.INVALID_COPY_RANGE, "InvalidRange", 416),
        _but(errors.INVALID_CHECKSUM_VALUE, "BadDigest", 400),
        _but(errors.TOO_MANY_TAGS, "InvalidTag", 400),
        _but(errors.RETENTION_PERIOD_TOO_SHORT, "InvalidRetentionPeriod", 400),
        _but(errors.RETENTION_PERIOD_TOO_LONG, "InvalidRetentionPeriod", 400),
        _but(errors.WRONG_CUSTOMER_KEY, "InvalidRequest", 400),
    )
)
DIALECTS: Final[Mapping[str, Dialect]] = {
    "aws": AWS,
    "ceph": Dialect(
        _CEPH,
        unsized_bodies=True,
        completion_needs_key=True,
        etags_suffice=True,
        keeps_lists=True,
        any_condition=True,
        denies_markers=True,
        shows_parts=True,
        tells_start_after=True,
        hides_default_encryption=True,
        lists_groups_first=True,
    ),
}

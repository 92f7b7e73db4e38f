"""Request payment: who pays for the requests of others, and the header by which they agree to.

Nobody is charged anything here. What counts is the rule: in a bucket whose requester pays, callers of other accounts
say that they will, and anonymous ones cannot. Over gRPC nobody is asked: the header is HTTP's. Source: S3 user guide,
"Using Requester Pays buckets for storage transfers and usage".
"""

from typing import TYPE_CHECKING, Any, Final

from cumulo.core.context import CallContext
from cumulo.core.errors import ACCESS_DENIED
from cumulo.object_store.errors import MALFORMED_CONFIGURATION
from cumulo.object_store.keys import BucketRow

if TYPE_CHECKING:
    from cumulo.object_store import aws_s3

REQUESTER: Final = "Requester"
PAYERS: Final = (REQUESTER, "BucketOwner")


def check_payer(_bucket: str, value: "aws_s3.RequestPaymentConfiguration") -> None:
    """Raise `MalformedXML` for a payer that S3 does not know."""
    if value.Payer not in PAYERS:
        raise MALFORMED_CONFIGURATION.error(parameter="Payer", allowed=" or ".join(PAYERS))


def is_requester(value: Any) -> bool:
    """Say whether a bucket's request payment, None for none, lets the requester pay."""
    return value is not None and value.Payer == REQUESTER


def check_pays(ctx: CallContext, row: BucketRow) -> None:
    """Raise `AccessDenied` where a caller of another account, or nobody's, does not say that he pays."""
    account = ctx.principal.account
    if row.requester_pays and account != row.account and not (account and ctx.requester_pays):
        raise ACCESS_DENIED.error(reason="Access Denied")

"""Who acts: the callers that a credential proved, and those that the server itself acts as.

Owns how a root, a session of a role and a service become principals, and what names an account to S3. Promises that
equal accounts have equal names, always. Knows no credential and no policy.
"""

import functools
import hashlib

from cumulo.core.names import FIRST_ACCOUNT, parse_arn
from cumulo.identity.policy import Principal, PrincipalKind


class Caller(Principal, frozen=True, kw_only=True):
    """An authenticated principal and the credential that it came with.

    `credential` is one text that stands for that credential wherever something is remembered about it: the token id, or
    the access key id of a signed request. `token_id` is empty where a long-term key signed, and the session's access
    key id where `is_session` (`GetSessionToken`); `access_key_id` is that of the long-term key behind it.
    """

    credential: str
    access_key_id: str
    token_id: str = ""
    token_issued_ms: int = 0
    is_session: bool = False


def root_arn(account: str) -> str:
    """Return the ARN of an account's root."""
    return f"arn:aws:iam::{account}:root"


@functools.lru_cache(4_096)
def canonical_id(account: str) -> str:
    """Return an account's canonical user id: 64 hexadecimal digits, always the same."""
    return hashlib.sha256(b"canonical user of account " + account.encode()).hexdigest()


def root_of(account: str = FIRST_ACCOUNT) -> Principal:
    """Return an account's root as a principal without a credential: what the server itself, and tests, act as."""
    return Principal(kind=PrincipalKind.ROOT, account=account, arn=root_arn(account), id=account)


def role_session(role_arn: str, session: str) -> Principal:
    """Return a session of a role as a principal: what the server acts as in the role's name.

    Roles are not kept here (docs/compatibility.md): a role may what its account may, and is known by its ARN.
    """
    arn = parse_arn(role_arn)
    assert arn is not None, role_arn
    name = arn.resource.rpartition("/")[2]
    return Principal(
        kind=PrincipalKind.ROLE_SESSION,
        account=arn.account,
        arn=f"arn:aws:sts::{arn.account}:assumed-role/{name}/{session}",
        id=f"{name}:{session}",
        role_arn=role_arn,
    )


def service_principal(host: str) -> Principal:
    """Return a service such as `s3.amazonaws.com` as a principal: only resource policies can allow it anything."""
    return Principal(kind=PrincipalKind.SERVICE, name=host)

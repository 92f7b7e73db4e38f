"""Access control lists: what they are, how requests spell them, and what canned ones stand for.

Owns grantees, permissions and the meaning of each canned list. A grant names an account by its number or a group by its
name; canonical ids and e-mail addresses are exchanged where requests come in and answers go out. Whom a list lets do
what is decided in `acl_access`. Pure.

Sources: S3 user guide, "Access control list (ACL) overview", "Controlling ownership of objects and disabling ACLs for
your bucket"; API reference, PutBucketAcl, PutObjectAcl.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final

from cumulo.object_store import acl_model
from cumulo.object_store.acl_model import FULL_CONTROL, READ, READ_ACP, WRITE, WRITE_ACP, Acl, AskedGrant, Grant
from cumulo.object_store.errors import CANNED_AND_GRANTS, INVALID_ARGUMENT, INVALID_GROUP, REFUSED_ARGUMENT
from cumulo.object_store.naming import shown

ALL_USERS: Final = "AllUsers"
AUTHENTICATED_USERS: Final = "AuthenticatedUsers"
LOG_DELIVERY: Final = "LogDelivery"
EXECUTION: Final = "aws-exec"
"""The account of AWS that reads machine images for `aws-exec-read`. Nobody is it here; it is kept and shown."""
EXECUTION_ID: Final = "6aa5a366c34c1cbe25dc49211496e913e0351eb0e8c37aa3477e40942ec6b97c"
GROUPS: Final = {
    ALL_USERS: "http://acs.amazonaws.com/groups/global/AllUsers",
    AUTHENTICATED_USERS: "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
    LOG_DELIVERY: "http://acs.amazonaws.com/groups/s3/LogDelivery",
}
PUBLIC_GROUPS: Final = frozenset((ALL_USERS, AUTHENTICATED_USERS))
PERMISSIONS: Final = (READ, WRITE, READ_ACP, WRITE_ACP, FULL_CONTROL)
GRANT_HEADERS: Final = {f"x-amz-grant-{permission.lower().replace('_', '-')}": permission for permission in PERMISSIONS}
"""The permission that each header grants."""
_GROUP_OF: Final = {uri: name for name, uri in GROUPS.items()}
_KINDS: Final = {"id": "id", "emailaddress": "emailAddress", "uri": "uri"}
_GRANTEE: Final = re.compile(r'\s*([A-Za-z]+)\s*=\s*(?:"([^"]*)"|([^",]*))\s*')

Owned = tuple[str, tuple[Grant, ...]]
"""Who owns a thing, and its grants."""


def from_headers(get: Callable[[str], str | None]) -> tuple[AskedGrant, ...]:
    """Return what headers (or a form's fields) grant; raises `InvalidArgument`."""
    found: list[AskedGrant] = []
    for header, permission in GRANT_HEADERS.items():
        text = get(header)
        if text is not None:
            found += [AskedGrant(grantee, permission) for grantee in _grantees(header, text)]
    return tuple(found)


def _grantees(header: str, text: str) -> Iterator[str]:
    place = 0
    while place < len(text):
        matched = _GRANTEE.match(text, place)
        kind = None if matched is None else _KINDS.get(matched[1].lower())
        if matched is None or kind is None or text[matched.end() : matched.end() + 1] not in ("", ","):
            raise REFUSED_ARGUMENT.error(reason="Argument format not recognized", parameter=header, value=shown(text))
        yield f"{kind}={matched[2] if matched[2] is not None else matched[3].rstrip()}"
        place = matched.end() + 1


def check_asked(acl: str, grants: tuple[AskedGrant, ...]) -> None:
    """Raise `InvalidArgument` or `InvalidRequest` for what is no list, whoever owns what it is for."""
    if acl and acl not in acl_model.CANNED_ACLS:
        raise INVALID_ARGUMENT.error(
            parameter="x-amz-acl", value=shown(acl), allowed="one of " + ", ".join(acl_model.CANNED_ACLS)
        )
    if acl and grants:
        raise CANNED_AND_GRANTS.error()
    if len(grants) > acl_model.GRANTS_MAX:
        raise INVALID_ARGUMENT.error(
            parameter="grants", value=f"of {len(grants)} grants", allowed=f"at most {acl_model.GRANTS_MAX} grants"
        )
    for grant in grants:
        if grant.permission not in PERMISSIONS:
            raise INVALID_ARGUMENT.error(
                parameter="permission", value=shown(grant.permission), allowed="one of " + ", ".join(PERMISSIONS)
            )


def group_of(grantee: str) -> str:
    """Return the group that a request's `uri=…` names; raises `InvalidArgument` for a group that is none."""
    uri = grantee.removeprefix("uri=")
    if uri not in _GROUP_OF:
        raise INVALID_GROUP.error(parameter="uri", value=shown(uri))
    return _GROUP_OF[uri]


def canned(acl: str, owner: str, bucket_owner: str) -> tuple[Grant, ...]:
    """Return what a canned list grants on a thing of `owner`; an empty one is `private`."""
    own = Grant(owner, FULL_CONTROL)
    match acl:
        case "public-read":
            return (own, Grant(ALL_USERS, READ))
        case "public-read-write":
            return (own, Grant(ALL_USERS, READ), Grant(ALL_USERS, WRITE))
        case "authenticated-read":
            return (own, Grant(AUTHENTICATED_USERS, READ))
        case "aws-exec-read":
            return (own, Grant(EXECUTION, READ))
        case "log-delivery-write":
            return (own, Grant(LOG_DELIVERY, WRITE), Grant(LOG_DELIVERY, READ_ACP))
        case "bucket-owner-read" if owner != bucket_owner:
            return (own, Grant(bucket_owner, READ))
        case "bucket-owner-full-control" if owner != bucket_owner:
            return (own, Grant(bucket_owner, FULL_CONTROL))
    return (own,)


def kept(owner: str, grants: tuple[Grant, ...], bucket_owner: str) -> Acl | None:
    """Return a list as it is stored: None for what holds anyway."""
    if owner == bucket_owner and grants == (Grant(owner, FULL_CONTROL),):
        return None
    return Acl("" if owner == bucket_owner else owner, grants)


def read(acl: Acl | None, bucket_owner: str) -> Owned:
    """Return who owns a thing whose list is stored, and its grants."""
    if acl is None:
        return bucket_owner, (Grant(bucket_owner, FULL_CONTROL),)
    return acl.owner or bucket_owner, acl.grants


def is_public(grants: tuple[Grant, ...]) -> bool:
    """Say whether a list gives anything to everybody, or to everybody who has an account: to S3 the same."""
    return any(grant.grantee in PUBLIC_GROUPS for grant in grants)


def says_what_holds(acl: str, grants: tuple[Grant, ...] | None, bucket_owner: str) -> bool:
    """Say whether a list may be set where lists are off: it gives the bucket's owner full control and nobody else
    anything.
    """
    if grants is None:
        return acl == "bucket-owner-full-control"
    return all(grant == Grant(bucket_owner, FULL_CONTROL) for grant in grants)

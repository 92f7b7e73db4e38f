"""What a request is about: the names in it, parsed and looked up on one snapshot.

Owns the rules of which field names what and whose account that is. Pure; the service stamps the rest.
"""

import msgspec

from cumulo.identity import (
    access_key_model,
    access_keys,
    directory,
    group_model,
    names,
    policy_model,
    user_model,
    users,
)
from cumulo.identity.model import Request, Target
from cumulo.identity.names import Kind, Named, invalid
from cumulo.storage.engine import ReadTxn

OWN_BY_DEFAULT = (
    user_model.GetUser,
    access_key_model.CreateAccessKey,
    access_key_model.ListAccessKeys,
    user_model.ListMFADevices,
    user_model.ListSigningCertificates,
    user_model.ListSSHPublicKeys,
    user_model.ListServiceSpecificCredentials,
    user_model.GetLoginProfile,
    user_model.DeleteLoginProfile,
    policy_model.ExplainAccess,
)
"""Requests in which an empty name means the caller."""

_CREATED: dict[type[Request], Kind] = {
    user_model.CreateUser: names.USER,
    group_model.CreateGroup: names.GROUP,
    policy_model.CreatePolicy: names.POLICY,
}


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Names to look up; None where the request has no such field. `own_account` and `own_id` are the caller's."""

    own_account: str
    own_id: str
    own: bool = False
    user: Named | None = None
    group: Named | None = None
    policy: Named | None = None
    access_key: str = ""
    created: Named | None = None
    kind: Kind | None = None
    path: str = "/"


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What the names lead to, and whose account it is."""

    account: str
    user: Target | None = None
    group: Target | None = None
    policy: Target | None = None
    access_key_id: str = ""


def wanted(request: Request, own_account: str, own_id: str) -> Wanted:
    """Parse the names of a request; raises `ValidationError`."""
    user: str | None = getattr(request, "user", getattr(request, "principal", None))
    group: str | None = getattr(request, "group", None)
    policy: str | None = getattr(request, "policy", None)
    key: str | None = getattr(request, "access_key", None)
    kind = _CREATED.get(type(request))
    made = None
    if kind is not None:
        made = names.parse(kind, request.name, own_account)  # type: ignore[attr-defined]  # the three have it
        names.require_path(request.path)  # type: ignore[attr-defined]
        if made.path is not None:
            raise invalid("name", request.name, "a name without its path, which is a field of its own")  # type: ignore[attr-defined]
    if isinstance(request, policy_model.ListAttachedPolicies) and (user is None) == (group is None):
        raise invalid("principal", "", "exactly one of user and group")
    own = not user and isinstance(request, OWN_BY_DEFAULT)
    root = hasattr(request, "principal")
    return Wanted(
        own_account=own_account,
        own_id=own_id,
        own=own,
        user=None if user is None or own else names.parse(names.USER, user, own_account, root=root),
        group=None if group is None else names.parse(names.GROUP, group, own_account),
        policy=None if policy is None else names.parse(names.POLICY, policy, own_account),
        access_key="" if key is None else key,
        created=made,
        kind=kind,
        path=getattr(request, "path", "/"),
    )


def look_up(txn: ReadTxn, wanted: Wanted) -> Found:
    """Return what the names lead to; a read function. Things that are missing are targets without an id."""
    user = group = policy = None
    key_id = ""
    if wanted.own:
        user = users.caller(txn, wanted.own_id, wanted.own_account)
    elif wanted.user is not None:
        user = directory.find(txn, names.USER, wanted.user)
    elif wanted.access_key:
        key_id = names.key_id_of(wanted.access_key)
        user = access_keys.owner_of(txn, key_id, wanted.own_account)
        full_name = names.full_key_name(user.account, user.name, key_id)
        if "/" in wanted.access_key and wanted.access_key.lower() != full_name.lower():
            user = access_keys.nobody(key_id, wanted.own_account)
    if wanted.group is not None:
        group = directory.find(txn, names.GROUP, wanted.group)
    if wanted.policy is not None:
        policy = directory.find(txn, names.POLICY, wanted.policy)
    if wanted.created is not None:
        assert wanted.kind is not None
        made = wanted.created
        target = Target(made.account, made.name, "", names.arn(wanted.kind, made.account, wanted.path, made.name))
        user, group, policy = (
            target if wanted.kind is names.USER else user,
            target if wanted.kind is names.GROUP else group,
            target if wanted.kind is names.POLICY else policy,
        )
    accounts = {target.account for target in (user, group, policy) if target is not None}
    accounts.discard(names.AWS)  # everybody may use those
    if len(accounts) > 1:
        raise invalid("policy" if policy is not None else "user", ", ".join(sorted(accounts)), "all of one account")
    account = accounts.pop() if accounts else wanted.own_account
    return Found(account=account, user=user, group=group, policy=policy, access_key_id=key_id)

"""The gRPC edge of identity: proto <-> model, one row an RPC.

Parses each request once into a frozen struct and renders results with full names and ARNs. Decides nothing; what a
value may be is checked behind it.
"""

from collections.abc import Callable
from typing import Any, Final

import grpc

from cumulo.api.identity.v1 import identity_pb2 as pb
from cumulo.core.context import CallContext
from cumulo.gateway.rpc import RpcAdaptor, parser
from cumulo.identity import access_key_model, account_model, group_model, model, policy_model, token_model, user_model
from cumulo.identity.names import GROUP, POLICY, USER, full_key_name, full_name, invalid
from cumulo.identity.policy import Effect, Outcome, StatementRef
from cumulo.identity.service import Service

SERVICE_NAME: Final = "cumulo.api.identity.v1.IdentityService"

Decode = Callable[[Any, CallContext], model.Request]
Encode = Callable[[Any], Any]

_STATUS: Final = {
    access_key_model.KeyStatus.ACTIVE: pb.ACCESS_KEY_STATUS_ACTIVE,
    access_key_model.KeyStatus.INACTIVE: pb.ACCESS_KEY_STATUS_INACTIVE,
}
_STATUS_OF: Final[dict[int, access_key_model.KeyStatus]] = {number: status for status, number in _STATUS.items()}
_DECISION: Final = {
    Outcome.ALLOW: pb.DECISION_ALLOW,
    Outcome.EXPLICIT_DENY: pb.DECISION_EXPLICIT_DENY,
    Outcome.IMPLICIT_DENY: pb.DECISION_IMPLICIT_DENY,
}
_EFFECT: Final = {Effect.ALLOW: pb.EFFECT_ALLOW, Effect.DENY: pb.EFFECT_DENY}


def handlers(service: Service, rpc: RpcAdaptor) -> grpc.GenericRpcHandler:
    """Return the handlers of IdentityService."""
    return grpc.method_handlers_generic_handler(
        SERVICE_NAME,
        {
            name: grpc.unary_unary_rpc_method_handler(
                rpc.unary(service, service.table.service, name, decode, encode, anonymous=name == "IssueToken"),
                request_deserializer=parser(request.FromString),
                response_serializer=_serialize,
            )
            for name, (request, decode, encode) in _RPCS.items()
        },
    )


def _serialize(message: Any) -> bytes:
    raw: bytes = message.SerializeToString()
    return raw


def _account(it: account_model.Account) -> pb.Account:
    return pb.Account(
        name=f"accounts/{it.account}",
        display_name=it.display_name,
        create_ms=it.create_ms,
        email=it.email,
        canonical_id=it.canonical_id,
    )


def _user(it: user_model.User) -> pb.User:
    return pb.User(
        name=full_name(USER, it.account, it.name) if it.name else f"accounts/{it.account}",
        arn=it.arn,
        user_id=it.user_id,
        path=it.path,
        create_ms=it.create_ms,
        groups=[full_name(GROUP, it.account, group) for group in it.groups],
    )


def _group(it: group_model.Group) -> pb.Group:
    return pb.Group(
        name=full_name(GROUP, it.account, it.name),
        arn=it.arn,
        group_id=it.group_id,
        path=it.path,
        create_ms=it.create_ms,
    )


def _access_key(it: access_key_model.AccessKey) -> pb.AccessKey:
    return pb.AccessKey(
        name=full_key_name(it.account, it.user, it.access_key_id),
        access_key_id=it.access_key_id,
        user=full_name(USER, it.account, it.user) if it.user else f"accounts/{it.account}",
        status=_STATUS[it.status],
        create_ms=it.create_ms,
    )


def _policy(it: policy_model.ManagedPolicy) -> pb.Policy:
    return pb.Policy(
        name=full_name(POLICY, it.account, it.name),
        arn=it.arn,
        policy_id=it.policy_id,
        path=it.path,
        description=it.description,
        document=it.document,
        create_ms=it.create_ms,
        update_ms=it.update_ms,
        attachment_count=it.attachment_count,
    )


def _attached_policy(it: policy_model.ManagedPolicy) -> pb.Policy:
    return pb.Policy(name=full_name(POLICY, it.account, it.name), arn=it.arn)


def _created_account(it: account_model.CreatedAccount) -> pb.CreateAccountResponse:
    return pb.CreateAccountResponse(
        account=_account(it.account),
        root_access_key=_access_key(it.access_key),
        root_secret_access_key=it.secret,
    )


def _group_members(it: group_model.GroupMembers) -> pb.GetGroupResponse:
    return pb.GetGroupResponse(
        group=_group(it.group),
        users=[full_name(USER, user.account, user.name) for user in it.users.items],
        next_page_token=it.users.next_page,
    )


def _explained(it: policy_model.Explained) -> pb.ExplainAccessResponse:
    return pb.ExplainAccessResponse(
        decision=_DECISION[it.outcome], matched_statements=[_statement(ref) for ref in it.matched], reason=it.reason
    )


def _statement(it: StatementRef) -> pb.MatchedStatement:
    return pb.MatchedStatement(policy=it.policy, sid=it.sid, statement_index=it.index, effect=_EFFECT[it.effect])


def _status(number: int) -> access_key_model.KeyStatus:
    status = _STATUS_OF.get(number)
    if status is None:
        raise invalid("status", number, "Active or Inactive")
    return status


def _update_policy(m: pb.UpdatePolicyRequest, _: CallContext) -> policy_model.UpdatePolicy:
    paths = list(m.update_mask.paths)
    if not paths:
        paths = [field for field in ("document", "description") if getattr(m.policy, field)]
    if not paths or not set(paths) <= {"document", "description"}:
        raise invalid("update_mask", ", ".join(paths), "document, description or both")
    return policy_model.UpdatePolicy(
        policy=m.policy.name,
        document=m.policy.document if "document" in paths else None,
        description=m.policy.description if "description" in paths else None,
        request_id=m.request_id,
    )


def _attached(m: pb.ListAttachedPoliciesRequest, _: CallContext) -> policy_model.ListAttachedPolicies:
    return policy_model.ListAttachedPolicies(
        user=m.user if m.HasField("user") else None,
        group=m.group if m.HasField("group") else None,
        page_size=m.page_size,
        page_token=m.page_token,
    )


def _nothing(response: type) -> Encode:
    return lambda _: response()


def _same_names(kind: type[model.Request], **renamed: str) -> Decode:
    """Return the decoder of a request whose fields bear the proto's names; `renamed` are those that do not."""
    fields = [(field, renamed.get(field, field)) for field in kind.__struct_fields__]
    return lambda m, _: kind(**{field: getattr(m, proto_field) for field, proto_field in fields})


def _listing(kind: type[model.Request]) -> Decode:
    """Return the decoder of a listing by path, in which no prefix means every path."""
    return lambda m, _: kind(path_prefix=m.path_prefix or "/", page_size=m.page_size, page_token=m.page_token)


_RPCS: Final[dict[str, tuple[Any, Decode, Encode]]] = {
    "IssueToken": (
        pb.IssueTokenRequest,
        _same_names(token_model.IssueToken),
        lambda it: pb.IssueTokenResponse(token=it.text, expires_ms=it.expires_ms, token_id=it.token_id),
    ),
    "GetCallerIdentity": (
        pb.GetCallerIdentityRequest,
        lambda _m, _ctx: token_model.GetCallerIdentity(),
        lambda it: pb.GetCallerIdentityResponse(
            account=it.account,
            arn=it.arn,
            user_id=it.user_id,
            access_key_id=it.access_key_id,
            token_expires_ms=it.token_expires_ms,
        ),
    ),
    "CreateAccount": (
        pb.CreateAccountRequest,
        lambda m, _: account_model.CreateAccount(
            account=m.account.name,
            display_name=m.account.display_name,
            email=m.account.email,
            request_id=m.request_id,
        ),
        _created_account,
    ),
    "ListAccounts": (
        pb.ListAccountsRequest,
        _same_names(account_model.ListAccounts),
        lambda it: pb.ListAccountsResponse(accounts=map(_account, it.items), next_page_token=it.next_page),
    ),
    "CreateUser": (
        pb.CreateUserRequest,
        lambda m, _: user_model.CreateUser(name=m.user.name, path=m.user.path or "/", request_id=m.request_id),
        lambda it: pb.CreateUserResponse(user=_user(it)),
    ),
    "GetUser": (
        pb.GetUserRequest,
        _same_names(user_model.GetUser, user="name"),
        lambda it: pb.GetUserResponse(user=_user(it)),
    ),
    "ListUsers": (
        pb.ListUsersRequest,
        _listing(user_model.ListUsers),
        lambda it: pb.ListUsersResponse(users=map(_user, it.items), next_page_token=it.next_page),
    ),
    "DeleteUser": (
        pb.DeleteUserRequest,
        _same_names(user_model.DeleteUser, user="name"),
        _nothing(pb.DeleteUserResponse),
    ),
    "CreateAccessKey": (
        pb.CreateAccessKeyRequest,
        _same_names(access_key_model.CreateAccessKey),
        lambda it: pb.CreateAccessKeyResponse(access_key=_access_key(it.access_key), secret_access_key=it.secret),
    ),
    "ListAccessKeys": (
        pb.ListAccessKeysRequest,
        _same_names(access_key_model.ListAccessKeys),
        lambda it: pb.ListAccessKeysResponse(access_keys=map(_access_key, it.items), next_page_token=it.next_page),
    ),
    "UpdateAccessKey": (
        pb.UpdateAccessKeyRequest,
        lambda m, _: access_key_model.UpdateAccessKey(
            access_key=m.name, status=_status(m.status), request_id=m.request_id
        ),
        lambda it: pb.UpdateAccessKeyResponse(access_key=_access_key(it)),
    ),
    "DeleteAccessKey": (
        pb.DeleteAccessKeyRequest,
        _same_names(access_key_model.DeleteAccessKey, access_key="name"),
        _nothing(pb.DeleteAccessKeyResponse),
    ),
    "CreateGroup": (
        pb.CreateGroupRequest,
        lambda m, _: group_model.CreateGroup(name=m.group.name, path=m.group.path or "/", request_id=m.request_id),
        lambda it: pb.CreateGroupResponse(group=_group(it)),
    ),
    "GetGroup": (pb.GetGroupRequest, _same_names(group_model.GetGroup, group="name"), _group_members),
    "ListGroups": (
        pb.ListGroupsRequest,
        _listing(group_model.ListGroups),
        lambda it: pb.ListGroupsResponse(groups=map(_group, it.items), next_page_token=it.next_page),
    ),
    "DeleteGroup": (
        pb.DeleteGroupRequest,
        _same_names(group_model.DeleteGroup, group="name"),
        _nothing(pb.DeleteGroupResponse),
    ),
    "AddUserToGroup": (
        pb.AddUserToGroupRequest,
        _same_names(group_model.AddUserToGroup),
        _nothing(pb.AddUserToGroupResponse),
    ),
    "RemoveUserFromGroup": (
        pb.RemoveUserFromGroupRequest,
        _same_names(group_model.RemoveUserFromGroup),
        _nothing(pb.RemoveUserFromGroupResponse),
    ),
    "CreatePolicy": (
        pb.CreatePolicyRequest,
        lambda m, _: policy_model.CreatePolicy(
            name=m.policy.name,
            path=m.policy.path or "/",
            description=m.policy.description,
            document=m.policy.document,
            request_id=m.request_id,
        ),
        lambda it: pb.CreatePolicyResponse(policy=_policy(it)),
    ),
    "GetPolicy": (
        pb.GetPolicyRequest,
        _same_names(policy_model.GetPolicy, policy="name"),
        lambda it: pb.GetPolicyResponse(policy=_policy(it)),
    ),
    "ListPolicies": (
        pb.ListPoliciesRequest,
        _listing(policy_model.ListPolicies),
        lambda it: pb.ListPoliciesResponse(policies=map(_policy, it.items), next_page_token=it.next_page),
    ),
    "UpdatePolicy": (
        pb.UpdatePolicyRequest,
        _update_policy,
        lambda it: pb.UpdatePolicyResponse(policy=_policy(it)),
    ),
    "DeletePolicy": (
        pb.DeletePolicyRequest,
        _same_names(policy_model.DeletePolicy, policy="name"),
        _nothing(pb.DeletePolicyResponse),
    ),
    "AttachUserPolicy": (
        pb.AttachUserPolicyRequest,
        _same_names(policy_model.AttachUserPolicy),
        _nothing(pb.AttachUserPolicyResponse),
    ),
    "DetachUserPolicy": (
        pb.DetachUserPolicyRequest,
        _same_names(policy_model.DetachUserPolicy),
        _nothing(pb.DetachUserPolicyResponse),
    ),
    "AttachGroupPolicy": (
        pb.AttachGroupPolicyRequest,
        _same_names(policy_model.AttachGroupPolicy),
        _nothing(pb.AttachGroupPolicyResponse),
    ),
    "DetachGroupPolicy": (
        pb.DetachGroupPolicyRequest,
        _same_names(policy_model.DetachGroupPolicy),
        _nothing(pb.DetachGroupPolicyResponse),
    ),
    "ListAttachedPolicies": (
        pb.ListAttachedPoliciesRequest,
        _attached,
        lambda it: pb.ListAttachedPoliciesResponse(
            policies=map(_attached_policy, it.items), next_page_token=it.next_page
        ),
    ),
    "PutUserPolicy": (
        pb.PutUserPolicyRequest,
        _same_names(policy_model.PutUserPolicy),
        _nothing(pb.PutUserPolicyResponse),
    ),
    "GetUserPolicy": (
        pb.GetUserPolicyRequest,
        _same_names(policy_model.GetUserPolicy),
        lambda it: pb.GetUserPolicyResponse(
            user=full_name(USER, it.account, it.owner), policy_name=it.policy_name, document=it.document
        ),
    ),
    "DeleteUserPolicy": (
        pb.DeleteUserPolicyRequest,
        _same_names(policy_model.DeleteUserPolicy),
        _nothing(pb.DeleteUserPolicyResponse),
    ),
    "ListUserPolicies": (
        pb.ListUserPoliciesRequest,
        _same_names(policy_model.ListUserPolicies),
        lambda it: pb.ListUserPoliciesResponse(policy_names=it.items, next_page_token=it.next_page),
    ),
    "PutGroupPolicy": (
        pb.PutGroupPolicyRequest,
        _same_names(policy_model.PutGroupPolicy),
        _nothing(pb.PutGroupPolicyResponse),
    ),
    "GetGroupPolicy": (
        pb.GetGroupPolicyRequest,
        _same_names(policy_model.GetGroupPolicy),
        lambda it: pb.GetGroupPolicyResponse(
            group=full_name(GROUP, it.account, it.owner), policy_name=it.policy_name, document=it.document
        ),
    ),
    "DeleteGroupPolicy": (
        pb.DeleteGroupPolicyRequest,
        _same_names(policy_model.DeleteGroupPolicy),
        _nothing(pb.DeleteGroupPolicyResponse),
    ),
    "ListGroupPolicies": (
        pb.ListGroupPoliciesRequest,
        _same_names(policy_model.ListGroupPolicies),
        lambda it: pb.ListGroupPoliciesResponse(policy_names=it.items, next_page_token=it.next_page),
    ),
    "RevokeToken": (
        pb.RevokeTokenRequest,
        _same_names(token_model.RevokeToken),
        _nothing(pb.RevokeTokenResponse),
    ),
    "RevokePrincipalTokens": (
        pb.RevokePrincipalTokensRequest,
        _same_names(token_model.RevokePrincipalTokens),
        lambda it: pb.RevokePrincipalTokensResponse(issued_before_ms=it.issued_before_ms),
    ),
    "ExplainAccess": (
        pb.ExplainAccessRequest,
        lambda m, _: policy_model.ExplainAccess(
            principal=m.principal,
            action=m.action,
            resource=m.resource,
            context={key: tuple(values.values) for key, values in m.context.items()},
        ),
        _explained,
    ),
}

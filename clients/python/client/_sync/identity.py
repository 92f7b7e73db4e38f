# Generated from _async/identity.py by `make gen` (.ci/sync_twin.py). Do not edit.
"""Identity: users, keys, groups, policies and tokens, in the words of IAM. `client.iam`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from cumulo.api.identity.v1 import identity_pb2 as pb
from cumulo.client import _wire, model
from cumulo.client._sync.connection import TOKEN_LIFE_S, Connection
from cumulo.client._sync.pages import Pager
from cumulo.client._threads import Method
from cumulo.client.model import Page

if TYPE_CHECKING:
    from cumulo.api.identity.v1.identity_pb2_grpc import IdentityServiceStub

T = TypeVar("T")
Document = str | Mapping[str, Any]
"""A policy in IAM's language: its JSON text, or what that text means."""


class Identity:
    """`client.iam`. Users, groups and policies are named by short name, full name or ARN."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def _stub(self) -> "IdentityServiceStub":
        return self._connection.lane.identity

    def _call(self, method: Method[T], request: Any) -> T:
        """Make a call; one that changes something gets an idempotency id, so that each may be repeated."""
        if hasattr(request, "request_id"):
            request.request_id = self._connection.request_id()
        return self._connection.call(method, request)

    def whoami(self) -> model.Caller:
        """Return who the server takes the caller for."""
        it = self._call(self._stub.GetCallerIdentity, pb.GetCallerIdentityRequest())
        return model.Caller(
            account=it.account,
            arn=it.arn,
            user_id=it.user_id,
            access_key_id=it.access_key_id,
            token_expires=_wire.time_of(it.token_expires_ms),
        )

    def issue_token(self, ttl_s: int = TOKEN_LIFE_S) -> model.Token:
        """Return a new bearer token of the client's access key, for `ttl_s` (60 to 43200) seconds."""
        it = self._connection.issue_token(ttl_s)
        return model.Token(token=it.token, token_id=it.token_id, expires=_wire.time_of(it.expires_ms))

    def revoke_token(self, *, token_id: str | None = None, token: str | None = None) -> None:
        """End one token before its time, by its id or by itself."""
        request = pb.RevokeTokenRequest()
        if token_id is not None:
            request.token_id = token_id
        else:
            request.token = token or ""
        self._call(self._stub.RevokeToken, request)

    def revoke_principal_tokens(self, principal: str, issued_before: datetime | None = None) -> datetime:
        """End every token of a principal that was issued before a time, by default now; return the time taken."""
        response = self._call(
            self._stub.RevokePrincipalTokens,
            pb.RevokePrincipalTokensRequest(
                principal=principal, issued_before_ms=_wire.milliseconds(issued_before) if issued_before else 0
            ),
        )
        return _wire.time_of(response.issued_before_ms)

    def explain(
        self,
        action: str,
        resource: str,
        *,
        principal: str = "",
        context: Mapping[str, str | Sequence[str]] | None = None,
    ) -> model.Explanation:
        """Say whether a principal (by default the caller) may do `action` on the ARN `resource`, and why."""
        values = {
            key: pb.ContextValues(values=[value] if isinstance(value, str) else value)
            for key, value in (context or {}).items()
        }
        request = pb.ExplainAccessRequest(principal=principal, action=action, resource=resource, context=values)
        return _wire.explanation(self._call(self._stub.ExplainAccess, request))

    # Accounts

    def create_account(self, account: str = "", display_name: str = "", *, email: str = "") -> model.NewAccount:
        """Make an account (12 digits, or chosen by the server); return it with its root's access key.

        No other account has the same `email`, by which access control lists of S3 may name it.
        """
        made = pb.Account(name=account, display_name=display_name, email=email)
        return _wire.new_account(self._call(self._stub.CreateAccount, pb.CreateAccountRequest(account=made)))

    def accounts(self, *, page_size: int | None = None) -> Pager[model.AccountInfo]:
        """List accounts in order of their numbers."""

        def fetch(page_token: str) -> Page[model.AccountInfo]:
            request = pb.ListAccountsRequest(page_size=page_size or 0, page_token=page_token)
            response = self._call(self._stub.ListAccounts, request)
            return Page([_wire.account_info(it) for it in response.accounts], response.next_page_token)

        return Pager(fetch)

    # Users and their keys

    def create_user(self, name: str, *, path: str = "") -> model.UserInfo:
        """Make a user without any permission; raises `AlreadyExists`."""
        response = self._call(self._stub.CreateUser, pb.CreateUserRequest(user=pb.User(name=name, path=path)))
        return _wire.user_info(response.user)

    def get_user(self, name: str = "") -> model.UserInfo:
        """Return a user and his groups; by default the caller."""
        return _wire.user_info((self._call(self._stub.GetUser, pb.GetUserRequest(name=name))).user)

    def users(self, path_prefix: str = "", *, page_size: int | None = None) -> Pager[model.UserInfo]:
        """List users in order of their names."""

        def fetch(page_token: str) -> Page[model.UserInfo]:
            request = pb.ListUsersRequest(path_prefix=path_prefix, page_size=page_size or 0, page_token=page_token)
            response = self._call(self._stub.ListUsers, request)
            return Page([_wire.user_info(it) for it in response.users], response.next_page_token)

        return Pager(fetch)

    def delete_user(self, name: str) -> None:
        """Delete a user who has no key, group or policy any more; raises `PreconditionFailed`."""
        self._call(self._stub.DeleteUser, pb.DeleteUserRequest(name=name))

    def create_access_key(self, user: str = "") -> model.NewAccessKey:
        """Make an access key of a user, by default the caller; its secret is in this answer and nowhere else."""
        response = self._call(self._stub.CreateAccessKey, pb.CreateAccessKeyRequest(user=user))
        return _wire.new_access_key(response.access_key, response.secret_access_key)

    def access_keys(self, user: str = "", *, page_size: int | None = None) -> Pager[model.AccessKeyInfo]:
        """List a user's access keys, by default the caller's."""

        def fetch(page_token: str) -> Page[model.AccessKeyInfo]:
            request = pb.ListAccessKeysRequest(user=user, page_size=page_size or 0, page_token=page_token)
            response = self._call(self._stub.ListAccessKeys, request)
            return Page([_wire.access_key_info(it) for it in response.access_keys], response.next_page_token)

        return Pager(fetch)

    def update_access_key(self, access_key_id: str, *, active: bool) -> model.AccessKeyInfo:
        """Turn an access key on or off."""
        status = pb.ACCESS_KEY_STATUS_ACTIVE if active else pb.ACCESS_KEY_STATUS_INACTIVE
        response = self._call(self._stub.UpdateAccessKey, pb.UpdateAccessKeyRequest(name=access_key_id, status=status))
        return _wire.access_key_info(response.access_key)

    def delete_access_key(self, access_key_id: str) -> None:
        """Delete an access key and end its tokens."""
        self._call(self._stub.DeleteAccessKey, pb.DeleteAccessKeyRequest(name=access_key_id))

    # Groups

    def create_group(self, name: str, *, path: str = "") -> model.GroupInfo:
        """Make a group; raises `AlreadyExists`."""
        response = self._call(self._stub.CreateGroup, pb.CreateGroupRequest(group=pb.Group(name=name, path=path)))
        return _wire.group_info(response.group)

    def get_group(self, name: str) -> model.GroupInfo:
        """Return a group."""
        return _wire.group_info((self._call(self._stub.GetGroup, pb.GetGroupRequest(name=name))).group)

    def group_users(self, name: str, *, page_size: int | None = None) -> Pager[str]:
        """List the short names of a group's users."""

        def fetch(page_token: str) -> Page[str]:
            request = pb.GetGroupRequest(name=name, page_size=page_size or 0, page_token=page_token)
            response = self._call(self._stub.GetGroup, request)
            return Page([_wire.short(it) for it in response.users], response.next_page_token)

        return Pager(fetch)

    def groups(self, path_prefix: str = "", *, page_size: int | None = None) -> Pager[model.GroupInfo]:
        """List groups in order of their names."""

        def fetch(page_token: str) -> Page[model.GroupInfo]:
            request = pb.ListGroupsRequest(path_prefix=path_prefix, page_size=page_size or 0, page_token=page_token)
            response = self._call(self._stub.ListGroups, request)
            return Page([_wire.group_info(it) for it in response.groups], response.next_page_token)

        return Pager(fetch)

    def delete_group(self, name: str) -> None:
        """Delete a group that has no user or policy any more; raises `PreconditionFailed`."""
        self._call(self._stub.DeleteGroup, pb.DeleteGroupRequest(name=name))

    def add_user_to_group(self, user: str, group: str) -> None:
        """Put a user into a group."""
        self._call(self._stub.AddUserToGroup, pb.AddUserToGroupRequest(group=group, user=user))

    def remove_user_from_group(self, user: str, group: str) -> None:
        """Take a user out of a group."""
        self._call(self._stub.RemoveUserFromGroup, pb.RemoveUserFromGroupRequest(group=group, user=user))

    # Managed policies

    def create_policy(
        self, name: str, document: Document, *, path: str = "", description: str = ""
    ) -> model.PolicyInfo:
        """Make a managed policy; raises `AlreadyExists`, and `InvalidArgument` (`MalformedPolicyDocument`)."""
        policy = pb.Policy(name=name, path=path, description=description, document=_wire.document_text(document))
        response = self._call(self._stub.CreatePolicy, pb.CreatePolicyRequest(policy=policy))
        return _wire.policy_info(response.policy)

    def get_policy(self, name: str) -> model.PolicyInfo:
        """Return a managed policy with its document."""
        return _wire.policy_info((self._call(self._stub.GetPolicy, pb.GetPolicyRequest(name=name))).policy)

    def policies(self, path_prefix: str = "", *, page_size: int | None = None) -> Pager[model.PolicyInfo]:
        """List managed policies in order of their names, without documents."""

        def fetch(page_token: str) -> Page[model.PolicyInfo]:
            request = pb.ListPoliciesRequest(path_prefix=path_prefix, page_size=page_size or 0, page_token=page_token)
            response = self._call(self._stub.ListPolicies, request)
            return Page([_wire.policy_info(it) for it in response.policies], response.next_page_token)

        return Pager(fetch)

    def update_policy(
        self, name: str, *, document: Document | None = None, description: str | None = None
    ) -> model.PolicyInfo:
        """Replace a managed policy's document, description or both."""
        request = pb.UpdatePolicyRequest(policy=pb.Policy(name=name))
        if document is not None:
            request.policy.document = _wire.document_text(document)
            request.update_mask.paths.append("document")
        if description is not None:
            request.policy.description = description
            request.update_mask.paths.append("description")
        return _wire.policy_info((self._call(self._stub.UpdatePolicy, request)).policy)

    def delete_policy(self, name: str) -> None:
        """Delete a managed policy that is attached nowhere; raises `PreconditionFailed`."""
        self._call(self._stub.DeletePolicy, pb.DeletePolicyRequest(name=name))

    def attach_user_policy(self, user: str, policy: str) -> None:
        """Attach a managed policy to a user."""
        self._call(self._stub.AttachUserPolicy, pb.AttachUserPolicyRequest(user=user, policy=policy))

    def detach_user_policy(self, user: str, policy: str) -> None:
        """Detach a managed policy from a user."""
        self._call(self._stub.DetachUserPolicy, pb.DetachUserPolicyRequest(user=user, policy=policy))

    def attach_group_policy(self, group: str, policy: str) -> None:
        """Attach a managed policy to a group."""
        self._call(self._stub.AttachGroupPolicy, pb.AttachGroupPolicyRequest(group=group, policy=policy))

    def detach_group_policy(self, group: str, policy: str) -> None:
        """Detach a managed policy from a group."""
        self._call(self._stub.DetachGroupPolicy, pb.DetachGroupPolicyRequest(group=group, policy=policy))

    def attached_policies(
        self, *, user: str | None = None, group: str | None = None, page_size: int | None = None
    ) -> Pager[model.PolicyInfo]:
        """List the managed policies of a user or of a group."""

        def fetch(page_token: str) -> Page[model.PolicyInfo]:
            request = pb.ListAttachedPoliciesRequest(page_size=page_size or 0, page_token=page_token)
            if group is not None:
                request.group = group
            else:
                request.user = user or ""
            response = self._call(self._stub.ListAttachedPolicies, request)
            return Page([_wire.policy_info(it) for it in response.policies], response.next_page_token)

        return Pager(fetch)

    # Inline policies

    def put_user_policy(self, user: str, policy_name: str, document: Document) -> None:
        """Write an inline policy of a user."""
        text = _wire.document_text(document)
        request = pb.PutUserPolicyRequest(user=user, policy_name=policy_name, document=text)
        self._call(self._stub.PutUserPolicy, request)

    def get_user_policy(self, user: str, policy_name: str) -> str:
        """Return the JSON text of an inline policy of a user."""
        request = pb.GetUserPolicyRequest(user=user, policy_name=policy_name)
        return (self._call(self._stub.GetUserPolicy, request)).document

    def delete_user_policy(self, user: str, policy_name: str) -> None:
        """Delete an inline policy of a user."""
        request = pb.DeleteUserPolicyRequest(user=user, policy_name=policy_name)
        self._call(self._stub.DeleteUserPolicy, request)

    def user_policies(self, user: str, *, page_size: int | None = None) -> Pager[str]:
        """List the names of a user's inline policies."""

        def fetch(page_token: str) -> Page[str]:
            request = pb.ListUserPoliciesRequest(user=user, page_size=page_size or 0, page_token=page_token)
            response = self._call(self._stub.ListUserPolicies, request)
            return Page(response.policy_names, response.next_page_token)

        return Pager(fetch)

    def put_group_policy(self, group: str, policy_name: str, document: Document) -> None:
        """Write an inline policy of a group."""
        text = _wire.document_text(document)
        request = pb.PutGroupPolicyRequest(group=group, policy_name=policy_name, document=text)
        self._call(self._stub.PutGroupPolicy, request)

    def get_group_policy(self, group: str, policy_name: str) -> str:
        """Return the JSON text of an inline policy of a group."""
        request = pb.GetGroupPolicyRequest(group=group, policy_name=policy_name)
        return (self._call(self._stub.GetGroupPolicy, request)).document

    def delete_group_policy(self, group: str, policy_name: str) -> None:
        """Delete an inline policy of a group."""
        request = pb.DeleteGroupPolicyRequest(group=group, policy_name=policy_name)
        self._call(self._stub.DeleteGroupPolicy, request)

    def group_policies(self, group: str, *, page_size: int | None = None) -> Pager[str]:
        """List the names of a group's inline policies."""

        def fetch(page_token: str) -> Page[str]:
            request = pb.ListGroupPoliciesRequest(group=group, page_size=page_size or 0, page_token=page_token)
            response = self._call(self._stub.ListGroupPolicies, request)
            return Page(response.policy_names, response.next_page_token)

        return Pager(fetch)

"""The operation table of identity: everything it can do, and which permission each thing needs.

Actions and resources are IAM's ("Actions, resources, and condition keys for AWS Identity and Access Management",
Service Authorization Reference), those of AWS Organizations for accounts, and `cumulo:` for tokens, which AWS does not
have.
"""

from collections.abc import Callable
from typing import Any

from cumulo.core.context import CallContext
from cumulo.core.operations import Check, Checks, Kind, Operation, OperationTable, Result
from cumulo.identity import (
    absent,
    access_key_model,
    access_keys,
    account_model,
    accounts,
    entities,
    group_model,
    groups,
    inline_policies,
    model,
    policies,
    policy_model,
    policy_versions,
    revocations,
    tags,
    token_model,
    user_model,
    users,
)
from cumulo.identity.authorizer import ALWAYS_ALLOWED, GET_SESSION_TOKEN, REVOKE_TOKEN, SIMULATE, token_arn
from cumulo.identity.model import CONTROL_WINDOW_MS, Stamped
from cumulo.identity.names import GROUP, POLICY, USER, arn
from cumulo.identity.names import Kind as NameKind

SERVICE = "identity"


def _on_everything(action: str) -> Callable[[Stamped[Any]], Checks]:
    return lambda _: (Check(action, "*"),)


def _on_user(action: str) -> Callable[[Stamped[Any]], Checks]:
    return lambda stamped: (Check(action, stamped.the_user.arn, tags.resource_keys(stamped.the_user.tags)),)


def _on_group(action: str) -> Callable[[Stamped[Any]], Checks]:
    return lambda stamped: (Check(action, stamped.the_group.arn),)


def _on_policy(action: str) -> Callable[[Stamped[Any]], Checks]:
    return lambda stamped: (Check(action, stamped.the_policy.arn, tags.resource_keys(stamped.the_policy.tags)),)


def _policy_for_user(action: str) -> Callable[[Stamped[Any]], Checks]:
    return lambda stamped: (
        Check(
            action,
            stamped.the_user.arn,
            {"iam:PolicyARN": stamped.the_policy.arn, **tags.resource_keys(stamped.the_user.tags)},
        ),
    )


def _policy_for_group(action: str) -> Callable[[Stamped[Any]], Checks]:
    return lambda stamped: (Check(action, stamped.the_group.arn, {"iam:PolicyARN": stamped.the_policy.arn}),)


def _create_user(stamped: Stamped[user_model.CreateUser]) -> Checks:
    return _with_tags("iam:CreateUser", "iam:TagUser", stamped.the_user, stamped.request.tags)


def _create_policy(stamped: Stamped[policy_model.CreatePolicy]) -> Checks:
    return _with_tags("iam:CreatePolicy", "iam:TagPolicy", stamped.the_policy, stamped.request.tags)


def _with_tags(action: str, tag_action: str, target: model.Target, new: model.Tags) -> Checks:
    """Return the checks of making something, which are two where it is born with tags."""
    keys = tags.request_keys(new)
    making = Check(action, target.arn, keys)
    return (making, Check(tag_action, target.arn, keys)) if new else (making,)


def _tag(action: str) -> Callable[[Stamped[Any]], Checks]:
    def checks(stamped: Stamped[Any]) -> Checks:
        request = stamped.request
        target = stamped.the_user if stamped.user is not None else stamped.the_policy
        asked = tags.request_keys(getattr(request, "tags", ()), getattr(request, "tag_keys", ()))
        return (Check(action, target.arn, {**tags.resource_keys(target.tags), **asked}),)

    return checks


def _rename_user(stamped: Stamped[user_model.UpdateUser]) -> Checks:
    return _both_names("iam:UpdateUser", USER, stamped.the_user, stamped.request)


def _rename_group(stamped: Stamped[group_model.UpdateGroup]) -> Checks:
    return _both_names("iam:UpdateGroup", GROUP, stamped.the_group, stamped.request)


def _both_names(
    action: str, kind: NameKind, target: model.Target, request: user_model.UpdateUser | group_model.UpdateGroup
) -> Checks:
    """Return the checks of a renaming: IAM asks for the old and for the new name."""
    new = arn(kind, target.account, request.new_path or target.path, request.new_name or target.name)
    old = Check(action, target.arn, tags.resource_keys(target.tags))
    return (old,) if new == target.arn else (old, Check(action, new))


def _on_path(action: str, kind: NameKind) -> Callable[[Stamped[Any]], Checks]:
    return lambda stamped: (Check(action, arn(kind, stamped.account, stamped.request.path_prefix, "")),)


def _attached(stamped: Stamped[policy_model.ListAttachedPolicies]) -> Checks:
    if stamped.user is not None:
        return (Check("iam:ListAttachedUserPolicies", stamped.user.arn),)
    return (Check("iam:ListAttachedGroupPolicies", stamped.the_group.arn),)


def _token(stamped: Stamped[token_model.RevokeToken]) -> Checks:
    return (Check(REVOKE_TOKEN, token_arn(stamped.account, stamped.principal_id, stamped.token_id)),)


async def _issue_token(service: Any, _ctx: CallContext, resolved: Any, _body: None) -> Result:
    return Result(service.issue_token(resolved.request.request))


async def _caller_identity(service: Any, ctx: CallContext, _resolved: Any, _body: None) -> Result:
    return Result(service.caller_identity(ctx))


async def _session_token(service: Any, ctx: CallContext, resolved: Any, _body: None) -> Result:
    return Result(service.session_token(ctx, resolved.request.request))


async def _explain_access(service: Any, ctx: CallContext, resolved: Any, _body: None) -> Result:
    return Result(await service.explain_access(ctx, resolved.request))


def _row(
    request: type[model.Request],
    handler: Callable[..., Any],
    permissions: str,
    checks: Callable[[Any], Checks],
    summary: str,
    result: Any = None,
    *,
    waits: bool = False,
) -> Operation:
    """Return the row of `request`, which bears the operation's name; several permissions are set apart by blanks."""
    writes = issubclass(request, model.Mutation)
    return Operation(
        name=request.__name__,
        kind=Kind.WAIT if waits else Kind.WRITE if writes else Kind.READ,
        request=request,
        permissions=tuple(permissions.split()),
        checks=checks,
        handler=handler,
        result=result,
        idempotency_window_ms=CONTROL_WINDOW_MS if writes else 0,
        summary=summary,
    )


def _of_user(request: type[model.Request], handler: Callable[..., Any], summary: str, result: Any = None) -> Operation:
    action = f"iam:{request.__name__}"
    return _row(request, handler, action, _on_user(action), summary, result)


def _of_group(request: type[model.Request], handler: Callable[..., Any], summary: str, result: Any = None) -> Operation:
    action = f"iam:{request.__name__}"
    return _row(request, handler, action, _on_group(action), summary, result)


def _of_policy(
    request: type[model.Request], handler: Callable[..., Any], action: str, summary: str, result: Any = None
) -> Operation:
    return _row(request, handler, action, _on_policy(action), summary, result)


TABLE = OperationTable(
    SERVICE,
    (
        Operation(
            name="IssueToken",
            kind=Kind.WAIT,
            request=token_model.IssueToken,
            permissions=(),
            checks=None,
            handler=_issue_token,
            open_because="the proof in the request says who calls",
            summary="Trades a proof of an access key for a bearer token.",
        ),
        _row(
            token_model.GetCallerIdentity,
            _caller_identity,
            ALWAYS_ALLOWED,
            _on_everything(ALWAYS_ALLOWED),
            "Says who the caller is; allowed to every valid credential, whatever policies say.",
            waits=True,
        ),
        _row(
            token_model.GetSessionToken,
            _session_token,
            GET_SESSION_TOKEN,
            _on_everything(GET_SESSION_TOKEN),
            "Gives short-lived credentials to whoever signs with a long-term key, whatever policies say.",
            waits=True,
        ),
        _row(
            account_model.CreateAccount,
            accounts.create,
            "organizations:CreateAccount",
            _on_everything("organizations:CreateAccount"),
            "Makes an account with a root access key; for principals of the first account only.",
            account_model.CreatedAccount,
        ),
        _row(
            account_model.ListAccounts,
            accounts.list_accounts,
            "organizations:ListAccounts",
            _on_everything("organizations:ListAccounts"),
            "Lists accounts; for principals of the first account only.",
        ),
        _row(
            user_model.CreateUser,
            users.create,
            "iam:CreateUser iam:TagUser",
            _create_user,
            "Makes a user without any permission.",
            user_model.User,
        ),
        _of_user(user_model.GetUser, users.get, "Shows a user and his groups."),
        _row(user_model.ListUsers, users.list_users, "iam:ListUsers", _on_path("iam:ListUsers", USER), "Lists users."),
        _row(user_model.UpdateUser, users.update, "iam:UpdateUser", _rename_user, "Gives a user another name or path."),
        _row(user_model.TagUser, tags.tag_user, "iam:TagUser", _tag("iam:TagUser"), "Sets tags of a user."),
        _row(user_model.UntagUser, tags.untag_user, "iam:UntagUser", _tag("iam:UntagUser"), "Removes tags of a user."),
        _of_user(user_model.ListUserTags, tags.list_of_user, "Lists a user's tags."),
        _of_user(user_model.ListGroupsForUser, groups.list_for_user, "Lists a user's groups."),
        _of_user(user_model.DeleteUser, users.delete, "Deletes a user who has nothing any more; his tokens end."),
        _of_user(
            access_key_model.CreateAccessKey,
            access_keys.create,
            "Makes an access key, whose secret is shown once.",
            access_key_model.AccessKey,
        ),
        _of_user(access_key_model.ListAccessKeys, access_keys.list_keys, "Lists a user's access keys."),
        _of_user(
            access_key_model.UpdateAccessKey,
            access_keys.update,
            "Turns an access key on, or off with its tokens.",
            access_key_model.AccessKey,
        ),
        _of_user(access_key_model.DeleteAccessKey, access_keys.delete, "Deletes an access key; its tokens end."),
        _of_user(
            access_key_model.GetAccessKeyLastUsed, access_keys.owner, "Says whose key it is; its last use is not kept."
        ),
        _of_user(user_model.ListMFADevices, absent.none_of_user, "Lists a user's MFA devices: none."),
        _of_user(user_model.ListSigningCertificates, absent.none_of_user, "Lists a user's certificates: none."),
        _of_user(user_model.ListSSHPublicKeys, absent.none_of_user, "Lists a user's SSH public keys: none."),
        _of_user(
            user_model.ListServiceSpecificCredentials,
            absent.none_of_user,
            "Lists a user's credentials for single services: none.",
        ),
        _of_user(user_model.GetLoginProfile, absent.no_login_profile, "Says that a user has no password."),
        _of_user(user_model.DeleteLoginProfile, absent.no_login_profile, "Says that a user has no password."),
        _row(
            user_model.ListVirtualMFADevices,
            absent.none,
            "iam:ListVirtualMFADevices",
            _on_everything("iam:ListVirtualMFADevices"),
            "Lists the account's virtual MFA devices: none.",
        ),
        _row(
            account_model.GetAccountSummary,
            accounts.summary,
            "iam:GetAccountSummary",
            _on_everything("iam:GetAccountSummary"),
            "Says how much the caller's account has of each thing.",
        ),
        _of_group(group_model.CreateGroup, groups.create, "Makes a group.", group_model.Group),
        _of_group(group_model.GetGroup, groups.get, "Shows a group and its users."),
        _row(
            group_model.ListGroups,
            groups.list_groups,
            "iam:ListGroups",
            _on_path("iam:ListGroups", GROUP),
            "Lists groups.",
        ),
        _row(
            group_model.UpdateGroup,
            groups.update,
            "iam:UpdateGroup",
            _rename_group,
            "Gives a group another name or path.",
        ),
        _of_group(group_model.DeleteGroup, groups.delete, "Deletes a group that has nothing any more."),
        _of_group(group_model.AddUserToGroup, groups.add_user, "Puts a user into a group."),
        _of_group(group_model.RemoveUserFromGroup, groups.remove_user, "Takes a user out of a group."),
        _row(
            policy_model.CreatePolicy,
            policies.create,
            "iam:CreatePolicy iam:TagPolicy",
            _create_policy,
            "Makes a managed policy.",
            policy_model.ManagedPolicy,
        ),
        _of_policy(policy_model.GetPolicy, policies.get, "iam:GetPolicy", "Shows a managed policy with its document."),
        _row(
            policy_model.ListPolicies,
            policies.list_policies,
            "iam:ListPolicies",
            _on_path("iam:ListPolicies", POLICY),
            "Lists managed policies.",
        ),
        _of_policy(
            policy_model.UpdatePolicy,
            policies.update,
            "iam:CreatePolicyVersion",
            "Replaces a managed policy's document or description.",
            policy_model.ManagedPolicy,
        ),
        _of_policy(
            policy_model.CreatePolicyVersion,
            policy_versions.create,
            "iam:CreatePolicyVersion",
            "Adds a version to a managed policy.",
            policy_model.PolicyVersion,
        ),
        _of_policy(
            policy_model.GetPolicyVersion,
            policy_versions.get,
            "iam:GetPolicyVersion",
            "Shows a version of a managed policy.",
        ),
        _of_policy(
            policy_model.ListPolicyVersions,
            policy_versions.list_versions,
            "iam:ListPolicyVersions",
            "Lists the versions of a managed policy.",
        ),
        _of_policy(
            policy_model.SetDefaultPolicyVersion,
            policy_versions.set_default,
            "iam:SetDefaultPolicyVersion",
            "Lets another version of a managed policy count.",
        ),
        _of_policy(
            policy_model.DeletePolicyVersion,
            policy_versions.delete,
            "iam:DeletePolicyVersion",
            "Deletes a version that does not count.",
        ),
        _row(
            policy_model.TagPolicy,
            tags.tag_policy,
            "iam:TagPolicy",
            _tag("iam:TagPolicy"),
            "Sets tags of a managed policy.",
        ),
        _row(
            policy_model.UntagPolicy,
            tags.untag_policy,
            "iam:UntagPolicy",
            _tag("iam:UntagPolicy"),
            "Removes tags of a managed policy.",
        ),
        _of_policy(
            policy_model.ListPolicyTags, tags.list_of_policy, "iam:ListPolicyTags", "Lists a managed policy's tags."
        ),
        _of_policy(
            policy_model.ListEntitiesForPolicy,
            entities.list_entities,
            "iam:ListEntitiesForPolicy",
            "Lists the users and groups who have a managed policy.",
        ),
        _of_policy(
            policy_model.DeletePolicy,
            policies.delete,
            "iam:DeletePolicy",
            "Deletes a managed policy that is attached nowhere.",
        ),
        _row(
            policy_model.AttachUserPolicy,
            policies.attach_to_user,
            "iam:AttachUserPolicy",
            _policy_for_user("iam:AttachUserPolicy"),
            "Attaches a managed policy to a user.",
        ),
        _row(
            policy_model.DetachUserPolicy,
            policies.detach_from_user,
            "iam:DetachUserPolicy",
            _policy_for_user("iam:DetachUserPolicy"),
            "Detaches a managed policy from a user.",
        ),
        _row(
            policy_model.AttachGroupPolicy,
            policies.attach_to_group,
            "iam:AttachGroupPolicy",
            _policy_for_group("iam:AttachGroupPolicy"),
            "Attaches a managed policy to a group.",
        ),
        _row(
            policy_model.DetachGroupPolicy,
            policies.detach_from_group,
            "iam:DetachGroupPolicy",
            _policy_for_group("iam:DetachGroupPolicy"),
            "Detaches a managed policy from a group.",
        ),
        _row(
            policy_model.ListAttachedPolicies,
            policies.list_attached,
            "iam:ListAttachedUserPolicies iam:ListAttachedGroupPolicies",
            _attached,
            "Lists the managed policies of a user or a group.",
        ),
        _of_user(policy_model.PutUserPolicy, inline_policies.put_of_user, "Writes an inline policy of a user."),
        _of_user(policy_model.GetUserPolicy, inline_policies.get_of_user, "Shows an inline policy of a user."),
        _of_user(policy_model.DeleteUserPolicy, inline_policies.delete_of_user, "Deletes an inline policy of a user."),
        _of_user(policy_model.ListUserPolicies, inline_policies.list_of_user, "Lists a user's inline policies."),
        _of_group(policy_model.PutGroupPolicy, inline_policies.put_of_group, "Writes an inline policy of a group."),
        _of_group(policy_model.GetGroupPolicy, inline_policies.get_of_group, "Shows an inline policy of a group."),
        _of_group(
            policy_model.DeleteGroupPolicy, inline_policies.delete_of_group, "Deletes an inline policy of a group."
        ),
        _of_group(policy_model.ListGroupPolicies, inline_policies.list_of_group, "Lists a group's inline policies."),
        _row(
            token_model.RevokeToken,
            revocations.revoke_token,
            REVOKE_TOKEN,
            _token,
            "Ends a token before its time; everybody may end his own.",
        ),
        _row(
            token_model.RevokePrincipalTokens,
            revocations.revoke_principal,
            "cumulo:RevokePrincipalTokens",
            _on_user("cumulo:RevokePrincipalTokens"),
            "Ends every token of a principal that was issued before a time.",
            token_model.Revoked,
        ),
        _row(
            policy_model.ExplainAccess,
            _explain_access,
            SIMULATE,
            _on_user(SIMULATE),
            "Says whether a principal may do something, and why; everybody may ask about himself.",
            waits=True,
        ),
    ),
)

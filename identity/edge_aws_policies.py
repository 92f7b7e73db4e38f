"""Inline and managed policies on IAM's wire, and the account's summary."""

from typing import Any, Final

from cumulo.core.errors import NOT_IMPLEMENTED
from cumulo.gateway.aws_service import AwsCall
from cumulo.identity import access_key_model, account_model, group_model, model, policy_model, user_model
from cumulo.identity.edge_aws_rows import Row, aws_iam, encoded, nothing, page_of, paged, seconds, tags, tags_of
from cumulo.identity.policy import DocumentKind

_BOUNDARY: Final = "PermissionsBoundary"


def policy(it: policy_model.ManagedPolicy, *, description: bool = False) -> Any:
    """Return a managed policy as it is shown; its description only where IAM shows it, by GetPolicy."""
    return aws_iam.Policy(
        PolicyName=it.name,
        PolicyId=it.policy_id,
        Arn=it.arn,
        Path=it.path,
        DefaultVersionId=it.default_version_id,
        AttachmentCount=it.attachment_count,
        PermissionsBoundaryUsageCount=0,
        IsAttachable=True,
        Description=it.description or None if description else None,
        CreateDate=seconds(it.create_ms),
        UpdateDate=seconds(it.update_ms),
        Tags=tags(it.tags) or None,
    )


def _version(it: policy_model.PolicyVersion) -> Any:
    return aws_iam.PolicyVersion(
        Document=encoded(it.document) if it.document else None,
        VersionId=it.version_id,
        IsDefaultVersion=it.is_default,
        CreateDate=seconds(it.create_ms),
    )


def _create_policy(call: AwsCall) -> policy_model.CreatePolicy:
    asked = call.request
    return policy_model.CreatePolicy(
        name=asked.PolicyName,
        document=asked.PolicyDocument,
        path=asked.Path or "/",
        description=asked.Description or "",
        tags=tags_of(asked),
    )


def _list_policies(call: AwsCall) -> policy_model.ListPolicies:
    asked = call.request
    return policy_model.ListPolicies(
        path_prefix=asked.PathPrefix or "/",
        scope=policy_model.PolicyScope(asked.Scope or policy_model.PolicyScope.ALL),
        only_attached=bool(asked.OnlyAttached),
        **page_of(asked),
    )


def _policies_listed(call: AwsCall, it: model.Listed[policy_model.ManagedPolicy]) -> Any:
    # Nothing is anybody's boundary, because users cannot have one yet.
    found = [] if call.request.PolicyUsageFilter == _BOUNDARY else [policy(one) for one in it.items]
    return aws_iam.ListPoliciesResponse(Policies=found, **paged(it))


def _list_entities(call: AwsCall) -> policy_model.ListEntitiesForPolicy:
    asked = call.request
    wanted = asked.EntityFilter
    if wanted not in (None, "User", "Group", "Role"):
        raise NOT_IMPLEMENTED.error(what=f"iam ListEntitiesForPolicy with EntityFilter {wanted}")
    as_policy = asked.PolicyUsageFilter != _BOUNDARY
    return policy_model.ListEntitiesForPolicy(
        policy=asked.PolicyArn,
        path_prefix=asked.PathPrefix or "/",
        users=as_policy and wanted in (None, "User"),
        groups=as_policy and wanted in (None, "Group"),
        **page_of(asked),
    )


def _entities(_: AwsCall, it: model.Listed[policy_model.Entities]) -> Any:
    (found,) = it.items
    return aws_iam.ListEntitiesForPolicyResponse(
        PolicyGroups=[aws_iam.PolicyGroup(GroupName=one.name, GroupId=one.group_id) for one in found.groups],
        PolicyUsers=[aws_iam.PolicyUser(UserName=one.name, UserId=one.user_id) for one in found.users],
        PolicyRoles=[],
        **paged(it),
    )


def _attached(it: model.Listed[policy_model.ManagedPolicy]) -> dict[str, Any]:
    found = [aws_iam.AttachedPolicy(PolicyName=one.name, PolicyArn=one.arn) for one in it.items]
    return {"AttachedPolicies": found, **paged(it)}


def _summary(_: AwsCall, it: account_model.AccountSummary) -> Any:
    return aws_iam.GetAccountSummaryResponse(
        SummaryMap={
            "AccessKeysPerUserQuota": access_key_model.ACCESS_KEYS_PER_USER_MAX,
            "AccountAccessKeysPresent": int(it.root_keys > 0),
            "AccountMFAEnabled": 0,
            "AttachedPoliciesPerGroupQuota": policy_model.ATTACHED_POLICIES_MAX,
            "AttachedPoliciesPerUserQuota": policy_model.ATTACHED_POLICIES_MAX,
            "GroupPolicySizeQuota": policy_model.GROUP_INLINE_BYTES_MAX,
            "Groups": it.groups,
            "GroupsPerUserQuota": user_model.GROUPS_PER_USER_MAX,
            "GroupsQuota": group_model.GROUPS_PER_ACCOUNT_MAX,
            "InstanceProfiles": 0,
            "MFADevices": 0,
            "Policies": it.policies,
            "PoliciesQuota": policy_model.POLICIES_PER_ACCOUNT_MAX,
            "PolicySizeQuota": DocumentKind.MANAGED.size_max,
            "Providers": 0,
            "Roles": 0,
            "ServerCertificates": 0,
            "UserPolicySizeQuota": policy_model.USER_INLINE_BYTES_MAX,
            "Users": it.users,
            "UsersQuota": user_model.USERS_PER_ACCOUNT_MAX,
            "VersionsPerPolicyQuota": policy_model.POLICY_VERSIONS_MAX,
        }
    )


_OF_MANAGED: Final = {
    "CreatePolicy": Row(_create_policy, lambda _, it: aws_iam.CreatePolicyResponse(Policy=policy(it))),
    "GetPolicy": Row(
        lambda call: policy_model.GetPolicy(policy=call.request.PolicyArn),
        lambda _, it: aws_iam.GetPolicyResponse(Policy=policy(it, description=True)),
    ),
    "ListPolicies": Row(_list_policies, _policies_listed),
    "DeletePolicy": Row(lambda call: policy_model.DeletePolicy(policy=call.request.PolicyArn), nothing),
    "CreatePolicyVersion": Row(
        lambda call: policy_model.CreatePolicyVersion(
            policy=call.request.PolicyArn,
            document=call.request.PolicyDocument,
            is_default=bool(call.request.SetAsDefault),
        ),
        lambda _, it: aws_iam.CreatePolicyVersionResponse(PolicyVersion=_version(it)),
    ),
    "GetPolicyVersion": Row(
        lambda call: policy_model.GetPolicyVersion(policy=call.request.PolicyArn, version_id=call.request.VersionId),
        lambda _, it: aws_iam.GetPolicyVersionResponse(PolicyVersion=_version(it)),
    ),
    "ListPolicyVersions": Row(
        lambda call: policy_model.ListPolicyVersions(policy=call.request.PolicyArn, **page_of(call.request)),
        lambda _, it: aws_iam.ListPolicyVersionsResponse(Versions=[_version(one) for one in it.items], **paged(it)),
    ),
    "SetDefaultPolicyVersion": Row(
        lambda call: policy_model.SetDefaultPolicyVersion(
            policy=call.request.PolicyArn, version_id=call.request.VersionId
        ),
        nothing,
    ),
    "DeletePolicyVersion": Row(
        lambda call: policy_model.DeletePolicyVersion(policy=call.request.PolicyArn, version_id=call.request.VersionId),
        nothing,
    ),
    "TagPolicy": Row(
        lambda call: policy_model.TagPolicy(policy=call.request.PolicyArn, tags=tags_of(call.request)), nothing
    ),
    "UntagPolicy": Row(
        lambda call: policy_model.UntagPolicy(policy=call.request.PolicyArn, tag_keys=tuple(call.request.TagKeys)),
        nothing,
    ),
    "ListPolicyTags": Row(
        lambda call: policy_model.ListPolicyTags(policy=call.request.PolicyArn, **page_of(call.request)),
        lambda _, it: aws_iam.ListPolicyTagsResponse(Tags=tags(it.items), **paged(it)),
    ),
    "ListEntitiesForPolicy": Row(_list_entities, _entities),
    "AttachUserPolicy": Row(
        lambda call: policy_model.AttachUserPolicy(user=call.request.UserName, policy=call.request.PolicyArn), nothing
    ),
    "DetachUserPolicy": Row(
        lambda call: policy_model.DetachUserPolicy(user=call.request.UserName, policy=call.request.PolicyArn), nothing
    ),
    "AttachGroupPolicy": Row(
        lambda call: policy_model.AttachGroupPolicy(group=call.request.GroupName, policy=call.request.PolicyArn),
        nothing,
    ),
    "DetachGroupPolicy": Row(
        lambda call: policy_model.DetachGroupPolicy(group=call.request.GroupName, policy=call.request.PolicyArn),
        nothing,
    ),
    "ListAttachedUserPolicies": Row(
        lambda call: policy_model.ListAttachedPolicies(
            user=call.request.UserName, path_prefix=call.request.PathPrefix or "/", **page_of(call.request)
        ),
        lambda _, it: aws_iam.ListAttachedUserPoliciesResponse(**_attached(it)),
    ),
    "ListAttachedGroupPolicies": Row(
        lambda call: policy_model.ListAttachedPolicies(
            group=call.request.GroupName, path_prefix=call.request.PathPrefix or "/", **page_of(call.request)
        ),
        lambda _, it: aws_iam.ListAttachedGroupPoliciesResponse(**_attached(it)),
    ),
    "GetAccountSummary": Row(lambda _: account_model.GetAccountSummary(), _summary),
}

_OF_USERS: Final = {
    "PutUserPolicy": Row(
        lambda call: policy_model.PutUserPolicy(
            user=call.request.UserName, policy_name=call.request.PolicyName, document=call.request.PolicyDocument
        ),
        nothing,
    ),
    "GetUserPolicy": Row(
        lambda call: policy_model.GetUserPolicy(user=call.request.UserName, policy_name=call.request.PolicyName),
        lambda _, it: aws_iam.GetUserPolicyResponse(
            UserName=it.owner, PolicyName=it.policy_name, PolicyDocument=encoded(it.document)
        ),
    ),
    "DeleteUserPolicy": Row(
        lambda call: policy_model.DeleteUserPolicy(user=call.request.UserName, policy_name=call.request.PolicyName),
        nothing,
    ),
    "ListUserPolicies": Row(
        lambda call: policy_model.ListUserPolicies(user=call.request.UserName, **page_of(call.request)),
        lambda _, it: aws_iam.ListUserPoliciesResponse(PolicyNames=list(it.items), **paged(it)),
    ),
}

_OF_GROUPS: Final = {
    "PutGroupPolicy": Row(
        lambda call: policy_model.PutGroupPolicy(
            group=call.request.GroupName, policy_name=call.request.PolicyName, document=call.request.PolicyDocument
        ),
        nothing,
    ),
    "GetGroupPolicy": Row(
        lambda call: policy_model.GetGroupPolicy(group=call.request.GroupName, policy_name=call.request.PolicyName),
        lambda _, it: aws_iam.GetGroupPolicyResponse(
            GroupName=it.owner, PolicyName=it.policy_name, PolicyDocument=encoded(it.document)
        ),
    ),
    "DeleteGroupPolicy": Row(
        lambda call: policy_model.DeleteGroupPolicy(group=call.request.GroupName, policy_name=call.request.PolicyName),
        nothing,
    ),
    "ListGroupPolicies": Row(
        lambda call: policy_model.ListGroupPolicies(group=call.request.GroupName, **page_of(call.request)),
        lambda _, it: aws_iam.ListGroupPoliciesResponse(PolicyNames=list(it.items), **paged(it)),
    ),
}

ROWS: Final = {**_OF_USERS, **_OF_GROUPS, **_OF_MANAGED}

"""Users, access keys and groups on IAM's wire."""

from typing import Any, Final

from cumulo.core.errors import NOT_IMPLEMENTED
from cumulo.gateway.aws_service import AwsCall
from cumulo.identity import access_key_model, group_model, model, principal_model, user_model
from cumulo.identity.edge_aws_input import check_new_user_name
from cumulo.identity.edge_aws_rows import Row, aws_iam, nothing, page_of, paged, seconds, tags, tags_of
from cumulo.identity.names import full_key_name


def user(it: user_model.User) -> Any:
    """Return a user as he is shown; the root of an account has neither name nor path."""
    return aws_iam.User(
        Path=it.path if it.name else None,
        UserName=it.name or None,
        UserId=it.user_id,
        Arn=it.arn,
        CreateDate=seconds(it.create_ms),
        Tags=tags(it.tags) or None,
    )


def group(it: group_model.Group) -> Any:
    """Return a group as it is shown."""
    return aws_iam.Group(
        Path=it.path, GroupName=it.name, GroupId=it.group_id, Arn=it.arn, CreateDate=seconds(it.create_ms)
    )


def _create_user(call: AwsCall) -> user_model.CreateUser:
    asked = call.request
    check_new_user_name("UserName", asked.UserName)
    if asked.PermissionsBoundary:
        raise NOT_IMPLEMENTED.error(what="iam CreateUser with a PermissionsBoundary")
    return user_model.CreateUser(name=asked.UserName, path=asked.Path or "/", tags=tags_of(asked))


def _update_user(call: AwsCall) -> user_model.UpdateUser:
    asked = call.request
    check_new_user_name("NewUserName", asked.NewUserName)
    return user_model.UpdateUser(user=asked.UserName, new_name=asked.NewUserName or "", new_path=asked.NewPath or "")


def _key_name(call: AwsCall) -> str:
    """Return the full name of a key: without a user's name it is one of the caller's own."""
    caller = call.ctx.principal
    owner = call.request.UserName or (caller.name if isinstance(caller, principal_model.Caller) else "")
    return full_key_name(caller.account, owner, call.request.AccessKeyId)


def _created_key(_: AwsCall, it: access_key_model.CreatedKey) -> Any:
    key = it.access_key
    return aws_iam.CreateAccessKeyResponse(
        AccessKey=aws_iam.AccessKey(
            UserName=key.user or None,
            AccessKeyId=key.access_key_id,
            Status=key.status.value,
            SecretAccessKey=it.secret,
            CreateDate=seconds(key.create_ms),
        )
    )


def _key_listed(it: access_key_model.AccessKey) -> Any:
    return aws_iam.AccessKeyMetadata(
        UserName=it.user or None, AccessKeyId=it.access_key_id, Status=it.status.value, CreateDate=seconds(it.create_ms)
    )


def _last_used(_: AwsCall, it: access_key_model.AccessKey) -> Any:
    # IAM's own answer for a key of whose use it knows nothing.
    return aws_iam.GetAccessKeyLastUsedResponse(
        UserName=it.user or None, AccessKeyLastUsed=aws_iam.AccessKeyLastUsed(ServiceName="N/A", Region="N/A")
    )


def _got_group(_: AwsCall, it: group_model.GroupMembers) -> Any:
    return aws_iam.GetGroupResponse(
        Group=group(it.group), Users=[user(member) for member in it.users.items], **paged(it.users)
    )


def _none(request: type[model.Request], list_member: str) -> Row:
    """Return the row of a listing of a user's things of a kind that does not exist here."""

    def render(call: AwsCall, it: model.Listed[Any]) -> Any:
        return getattr(aws_iam, f"{call.operation}Response")(**{list_member: []}, **paged(it))

    return Row(lambda call: request(**_user_if_named(call), **page_of(call.request)), render)


def _user_if_named(call: AwsCall) -> dict[str, str]:
    return {"user": call.request.UserName or ""} if hasattr(call.request, "UserName") else {}


ROWS: Final = {
    "ListMFADevices": _none(user_model.ListMFADevices, "MFADevices"),
    "ListVirtualMFADevices": _none(user_model.ListVirtualMFADevices, "VirtualMFADevices"),
    "ListSigningCertificates": _none(user_model.ListSigningCertificates, "Certificates"),
    "ListSSHPublicKeys": _none(user_model.ListSSHPublicKeys, "SSHPublicKeys"),
    "ListServiceSpecificCredentials": _none(user_model.ListServiceSpecificCredentials, "ServiceSpecificCredentials"),
    "GetLoginProfile": Row(lambda call: user_model.GetLoginProfile(**_user_if_named(call)), nothing),
    "DeleteLoginProfile": Row(lambda call: user_model.DeleteLoginProfile(**_user_if_named(call)), nothing),
    "CreateUser": Row(_create_user, lambda _, it: aws_iam.CreateUserResponse(User=user(it))),
    "GetUser": Row(
        lambda call: user_model.GetUser(user=call.request.UserName or ""),
        lambda _, it: aws_iam.GetUserResponse(User=user(it)),
    ),
    "ListUsers": Row(
        lambda call: user_model.ListUsers(path_prefix=call.request.PathPrefix or "/", **page_of(call.request)),
        lambda _, it: aws_iam.ListUsersResponse(Users=[user(one) for one in it.items], **paged(it)),
    ),
    "UpdateUser": Row(_update_user, nothing),
    "DeleteUser": Row(lambda call: user_model.DeleteUser(user=call.request.UserName), nothing),
    "TagUser": Row(lambda call: user_model.TagUser(user=call.request.UserName, tags=tags_of(call.request)), nothing),
    "UntagUser": Row(
        lambda call: user_model.UntagUser(user=call.request.UserName, tag_keys=tuple(call.request.TagKeys)), nothing
    ),
    "ListUserTags": Row(
        lambda call: user_model.ListUserTags(user=call.request.UserName, **page_of(call.request)),
        lambda _, it: aws_iam.ListUserTagsResponse(Tags=tags(it.items), **paged(it)),
    ),
    "CreateAccessKey": Row(
        lambda call: access_key_model.CreateAccessKey(user=call.request.UserName or ""), _created_key
    ),
    "ListAccessKeys": Row(
        lambda call: access_key_model.ListAccessKeys(user=call.request.UserName or "", **page_of(call.request)),
        lambda _, it: aws_iam.ListAccessKeysResponse(
            AccessKeyMetadata=[_key_listed(one) for one in it.items], **paged(it)
        ),
    ),
    "UpdateAccessKey": Row(
        lambda call: access_key_model.UpdateAccessKey(
            access_key=_key_name(call), status=access_key_model.KeyStatus(call.request.Status)
        ),
        nothing,
    ),
    "DeleteAccessKey": Row(lambda call: access_key_model.DeleteAccessKey(access_key=_key_name(call)), nothing),
    "GetAccessKeyLastUsed": Row(
        lambda call: access_key_model.GetAccessKeyLastUsed(access_key=call.request.AccessKeyId), _last_used
    ),
    "CreateGroup": Row(
        lambda call: group_model.CreateGroup(name=call.request.GroupName, path=call.request.Path or "/"),
        lambda _, it: aws_iam.CreateGroupResponse(Group=group(it)),
    ),
    "GetGroup": Row(
        lambda call: group_model.GetGroup(group=call.request.GroupName, **page_of(call.request)), _got_group
    ),
    "ListGroups": Row(
        lambda call: group_model.ListGroups(path_prefix=call.request.PathPrefix or "/", **page_of(call.request)),
        lambda _, it: aws_iam.ListGroupsResponse(Groups=[group(one) for one in it.items], **paged(it)),
    ),
    "UpdateGroup": Row(
        lambda call: group_model.UpdateGroup(
            group=call.request.GroupName,
            new_name=call.request.NewGroupName or "",
            new_path=call.request.NewPath or "",
        ),
        nothing,
    ),
    "DeleteGroup": Row(lambda call: group_model.DeleteGroup(group=call.request.GroupName), nothing),
    "AddUserToGroup": Row(
        lambda call: group_model.AddUserToGroup(group=call.request.GroupName, user=call.request.UserName), nothing
    ),
    "RemoveUserFromGroup": Row(
        lambda call: group_model.RemoveUserFromGroup(group=call.request.GroupName, user=call.request.UserName), nothing
    ),
    "ListGroupsForUser": Row(
        lambda call: user_model.ListGroupsForUser(user=call.request.UserName, **page_of(call.request)),
        lambda _, it: aws_iam.ListGroupsForUserResponse(Groups=[group(one) for one in it.items], **paged(it)),
    ),
}

"""IAM and STS on AWS's wire, through boto3 over real sockets."""

import asyncio
import contextlib
import json
import threading
import time
import urllib.request
from urllib.parse import quote

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from cumulo.gateway.aws_edge import AwsEdge
from cumulo.gateway.http1 import HttpListener
from cumulo.identity import edge_aws
from cumulo.identity.built_in_policies import IDS
from cumulo.identity.edge_aws_errors import INVALID_NAME, INVALID_PATH
from tests.identity.world import ALLOW_ALL, World

ACCOUNT = "000000000000"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
# Parameters are checked by the server, so that the tests can send what a careful client would not.
CONFIG = Config(retries={"total_max_attempts": 1}, parameter_validation=False)


class Unobserved:
    """Is told of calls and keeps nothing."""

    def finished(self, *_):
        """Hear of a call's end."""


class Server:
    """A world's IAM and STS on a socket; it runs on a loop of its own, in a thread."""

    def __init__(self):
        self.world = World()
        # Signatures bear the real time, so the world's clock starts there.
        self.world.clock.wall = time.time_ns() // 1_000_000
        self.world.start()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        services = (edge_aws.edge_iam(self.world.service), edge_aws.edge_sts(self.world.service))
        edge = AwsEdge(
            services, self.world.credentials, self.world.clock, self.world.randomness, Unobserved(), ("localhost",)
        )
        self.listener = HttpListener(edge.answer)
        port = asyncio.run_coroutine_threadsafe(self.listener.start("127.0.0.1", 0), self.loop).result(10)
        self.endpoint = f"http://127.0.0.1:{port}"
        self.clients = contextlib.ExitStack()

    def stop(self):
        self.clients.close()
        asyncio.run_coroutine_threadsafe(self.listener.stop(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()

    def client(self, service, key=None, secret=None, token=None):
        root = self.world.root_credentials
        made = boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=key or root.access_key_id,
            aws_secret_access_key=secret or root.secret_access_key,
            aws_session_token=token,
            config=CONFIG,
        )
        self.clients.callback(made.close)
        return made


@pytest.fixture
def server():
    made = Server()
    yield made
    made.stop()
    assert made.world.problems() == []


@pytest.fixture
def iam(server):
    return server.client("iam")


def refused(code, status, message=None):
    """Expect an error of AWS by its code, status and, where given, its whole message."""

    @contextlib.contextmanager
    def expecting():
        with pytest.raises(ClientError) as caught:
            yield
        answer = caught.value.response
        assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
        if message is not None:
            assert answer["Error"]["Message"] == message
        assert answer["ResponseMetadata"]["RequestId"]

    return expecting()


def user_client(server, iam, name, document=None, service="iam"):
    """Make a user with an inline policy and a key; return a client of his."""
    iam.create_user(UserName=name)
    if document is not None:
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return server.client(service, key["AccessKeyId"], key["SecretAccessKey"])


def allow(action, resource="*"):
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_a_users_life(server, iam):
    made = iam.create_user(UserName="alice", Path="/staff/", Tags=[{"Key": "team", "Value": "a b"}])["User"]
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/staff/alice"
    assert made["UserId"].startswith("AIDA")
    assert made["Tags"] == [{"Key": "team", "Value": "a b"}]
    assert abs(made["CreateDate"].timestamp() - server.world.clock.wall / 1000) < 1
    assert iam.get_user(UserName="alice")["User"] == made

    iam.update_user(UserName="alice", NewUserName="alicia", NewPath="/")
    assert [(it["UserName"], it["Path"]) for it in iam.list_users()["Users"]] == [("alicia", "/")]
    iam.tag_user(UserName="alicia", Tags=[{"Key": "cost", "Value": ""}])
    iam.untag_user(UserName="alicia", TagKeys=["team"])
    assert iam.list_user_tags(UserName="alicia") | {"ResponseMetadata": 0} == {
        "Tags": [{"Key": "cost", "Value": ""}],
        "IsTruncated": False,
        "ResponseMetadata": 0,
    }
    iam.delete_user(UserName="alicia")
    with refused("NoSuchEntity", 404, "The user with name alicia cannot be found."):
        iam.get_user(UserName="alicia")


def test_get_user_without_a_name_is_the_caller(server, iam):
    alice = user_client(server, iam, "alice", allow("iam:GetUser"))

    assert alice.get_user()["User"]["UserName"] == "alice"
    root = iam.get_user()["User"]
    assert (root["Arn"], root["UserId"]) == (f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT)
    assert "UserName" not in root
    assert "Path" not in root


def test_an_access_keys_life(server, iam):
    iam.create_user(UserName="alice")
    key = iam.create_access_key(UserName="alice")["AccessKey"]
    sts = server.client("sts", key["AccessKeyId"], key["SecretAccessKey"])
    assert key["Status"] == "Active"
    assert sts.get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/alice"
    (listed,) = iam.list_access_keys(UserName="ALICE")["AccessKeyMetadata"]
    assert listed == {name: key[name] for name in ("UserName", "AccessKeyId", "Status", "CreateDate")}
    used = iam.get_access_key_last_used(AccessKeyId=key["AccessKeyId"])
    assert used["UserName"] == "alice"
    assert used["AccessKeyLastUsed"] == {"ServiceName": "N/A", "Region": "N/A"}

    iam.update_access_key(UserName="alice", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    with refused("InvalidClientTokenId", 403):
        sts.get_caller_identity()
    iam.update_access_key(UserName="alice", AccessKeyId=key["AccessKeyId"], Status="Active")
    assert sts.get_caller_identity()["Account"] == ACCOUNT
    iam.delete_access_key(UserName="Alice", AccessKeyId=key["AccessKeyId"])
    with refused("InvalidClientTokenId", 403):
        sts.get_caller_identity()


def test_two_keys_are_the_most_and_a_key_is_its_owners(server, iam):
    bob = user_client(server, iam, "bob", allow("iam:*AccessKey*"))
    iam.create_access_key(UserName="bob")
    with refused("LimitExceeded", 409, "Cannot exceed quota for AccessKeysPerUser: 2"):
        bob.create_access_key()
    root_key = server.world.root_credentials.access_key_id

    for user, key_id in (({}, root_key), ({"UserName": "bob"}, root_key), ({}, "AKIA" + "X" * 16), ({}, "a" * 16)):
        with refused("NoSuchEntity", 404, f"The Access Key with id {key_id} cannot be found."):
            iam.delete_access_key(AccessKeyId=key_id, **user) if user else bob.delete_access_key(AccessKeyId=key_id)
    for listed in bob.list_access_keys()["AccessKeyMetadata"]:
        iam.delete_access_key(UserName="bob", AccessKeyId=listed["AccessKeyId"])
    assert iam.list_access_keys(UserName="bob")["AccessKeyMetadata"] == []
    assert [it["AccessKeyId"] for it in iam.list_access_keys()["AccessKeyMetadata"]] == [root_key]


def test_a_groups_life(iam):
    group = iam.create_group(GroupName="staff", Path="/x/")["Group"]
    iam.create_user(UserName="alice")
    iam.add_user_to_group(GroupName="staff", UserName="alice")
    iam.add_user_to_group(GroupName="staff", UserName="alice")

    assert group["Arn"] == f"arn:aws:iam::{ACCOUNT}:group/x/staff"
    found = iam.get_group(GroupName="staff")
    assert (found["Group"], found["Users"][0]["UserName"]) == (group, "alice")
    assert iam.list_groups_for_user(UserName="alice")["Groups"] == [group]
    assert iam.list_groups(PathPrefix="/x")["Groups"] == [group]
    assert iam.list_groups(PathPrefix="/y/")["Groups"] == []
    iam.update_group(GroupName="staff", NewGroupName="crew")
    with refused("DeleteConflict", 409, "Cannot delete entity, must remove users from group first."):
        iam.delete_group(GroupName="crew")
    iam.remove_user_from_group(GroupName="crew", UserName="alice")
    with refused("NoSuchEntity", 404, "User alice not in group crew"):
        iam.remove_user_from_group(GroupName="crew", UserName="alice")
    iam.delete_group(GroupName="crew")
    with refused("NoSuchEntity", 404, "The group with name crew cannot be found."):
        iam.get_group(GroupName="crew")


@pytest.mark.parametrize("kind", ["user", "group"])
def test_an_inline_policys_life(iam, kind):
    owner = {"UserName": "it"} if kind == "user" else {"GroupName": "it"}
    getattr(iam, f"create_{kind}")(**owner)
    document = json.dumps(json.loads(allow("s3:*", "arn:aws:s3:::b/ü+%/*")), indent=2)

    getattr(iam, f"put_{kind}_policy")(**owner, PolicyName="p", PolicyDocument=document)

    got = getattr(iam, f"get_{kind}_policy")(**owner, PolicyName="p")
    assert got["PolicyDocument"] == json.loads(document)
    assert getattr(iam, f"list_{kind}_policies")(**owner)["PolicyNames"] == ["p"]
    with refused("DeleteConflict", 409, "Cannot delete entity, must delete policies first."):
        getattr(iam, f"delete_{kind}")(**owner)
    getattr(iam, f"delete_{kind}_policy")(**owner, PolicyName="p")
    for call in (getattr(iam, f"get_{kind}_policy"), getattr(iam, f"delete_{kind}_policy")):
        with refused("NoSuchEntity", 404, f"The {kind} policy with name p cannot be found."):
            call(**owner, PolicyName="p")


def test_a_document_is_percent_encoded_in_answers(server, iam):
    document = allow("s3:*")
    iam.create_user(UserName="alice")
    iam.put_user_policy(UserName="alice", PolicyName="p", PolicyDocument=document)
    raw = []
    iam.meta.events.register("before-parse.iam.GetUserPolicy", lambda response_dict, **_: raw.append(response_dict))

    iam.get_user_policy(UserName="alice", PolicyName="p")

    assert f"<PolicyDocument>{quote(document, safe='')}</PolicyDocument>" in raw[0]["body"].decode()


def test_a_managed_policys_life(iam):
    made = iam.create_policy(
        PolicyName="p", Path="/x/", PolicyDocument=allow("s3:*"), Description="d", Tags=[{"Key": "a", "Value": "1"}]
    )["Policy"]
    arn = made["Arn"]
    assert arn == f"arn:aws:iam::{ACCOUNT}:policy/x/p"
    assert made["PolicyId"].startswith("ANPA")
    assert (made["DefaultVersionId"], made["AttachmentCount"], made["IsAttachable"]) == ("v1", 0, True)
    assert iam.get_policy(PolicyArn=arn)["Policy"]["Description"] == "d"
    with refused("EntityAlreadyExists", 409, "A policy called P already exists. Duplicate names are not allowed."):
        iam.create_policy(PolicyName="P", PolicyDocument=allow("s3:*"))

    version = iam.create_policy_version(PolicyArn=arn, PolicyDocument=allow("sqs:*"), SetAsDefault=True)
    assert version["PolicyVersion"]["VersionId"] == "v2"
    got = iam.get_policy_version(PolicyArn=arn, VersionId="v2")["PolicyVersion"]
    assert (got["Document"], got["IsDefaultVersion"]) == (json.loads(allow("sqs:*")), True)
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    listed = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    assert [(it["VersionId"], it["IsDefaultVersion"]) for it in listed] == [("v2", False), ("v1", True)]
    with refused("DeleteConflict", 409, "Cannot delete the default version of a policy."):
        iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
    with refused("DeleteConflict", 409):
        iam.delete_policy(PolicyArn=arn)
    iam.delete_policy_version(PolicyArn=arn, VersionId="v2")
    iam.tag_policy(PolicyArn=arn, Tags=[{"Key": "b", "Value": "2"}])
    iam.untag_policy(PolicyArn=arn, TagKeys=["a"])
    assert iam.list_policy_tags(PolicyArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    iam.delete_policy(PolicyArn=arn)
    with refused("NoSuchEntity", 404, f"Policy {arn} was not found."):
        iam.get_policy(PolicyArn=arn)
    with refused("NoSuchEntity", 404, f"Policy {arn} was not found."):
        iam.delete_policy(PolicyArn=arn)


def test_policies_are_attached_listed_and_detached(iam):
    iam.create_user(UserName="alice")
    iam.create_group(GroupName="staff")
    arn = iam.create_policy(PolicyName="p", PolicyDocument=allow("s3:*"))["Policy"]["Arn"]

    for policy in (arn, ADMINISTRATOR):
        iam.attach_user_policy(UserName="alice", PolicyArn=policy)
        iam.attach_group_policy(GroupName="staff", PolicyArn=policy)

    expected = [
        {"PolicyName": "AdministratorAccess", "PolicyArn": ADMINISTRATOR},
        {"PolicyName": "p", "PolicyArn": arn},
    ]
    assert iam.list_attached_user_policies(UserName="alice")["AttachedPolicies"] == expected
    assert iam.list_attached_group_policies(GroupName="staff")["AttachedPolicies"] == expected
    assert iam.list_attached_user_policies(UserName="alice", PathPrefix="/x/")["AttachedPolicies"] == []
    found = iam.list_entities_for_policy(PolicyArn=ADMINISTRATOR)
    assert [it["UserName"] for it in found["PolicyUsers"]] == ["alice"]
    assert [it["GroupName"] for it in found["PolicyGroups"]] == ["staff"]
    assert found["PolicyRoles"] == []
    assert iam.list_entities_for_policy(PolicyArn=arn, EntityFilter="Group")["PolicyUsers"] == []
    assert iam.list_entities_for_policy(PolicyArn=arn, PolicyUsageFilter="PermissionsBoundary")["PolicyUsers"] == []
    with refused("DeleteConflict", 409, "Cannot delete a policy attached to entities."):
        iam.delete_policy(PolicyArn=arn)
    with refused("DeleteConflict", 409, "Cannot delete entity, must detach all policies first."):
        iam.delete_user(UserName="alice")
    iam.detach_user_policy(UserName="alice", PolicyArn=arn)
    iam.detach_group_policy(GroupName="staff", PolicyArn=arn)
    with refused("NoSuchEntity", 404, f"Policy {arn} was not found."):
        iam.detach_user_policy(UserName="alice", PolicyArn=arn)
    missing = f"arn:aws:iam::{ACCOUNT}:policy/missing"
    with refused("NoSuchEntity", 404, f"Policy {missing} does not exist or is not attachable."):
        iam.attach_user_policy(UserName="alice", PolicyArn=missing)


def test_policies_are_listed_by_scope(iam):
    iam.create_policy(PolicyName="p", PolicyDocument=allow("s3:*"))

    def names(**rest):
        return [it["PolicyName"] for it in iam.list_policies(**rest)["Policies"]]

    assert names() == [*sorted(IDS), "p"]
    assert names(Scope="AWS") == sorted(IDS)
    assert names(Scope="Local") == ["p"]
    assert names(OnlyAttached=True) == []
    assert names(PolicyUsageFilter="PermissionsBoundary") == []


def test_listings_are_paged_by_marker_and_max_items(iam):
    for number in range(5):
        iam.create_user(UserName=f"user{number}")

    first = iam.list_users(MaxItems=2)
    second = iam.list_users(MaxItems=3, Marker=first["Marker"])

    assert (len(first["Users"]), first["IsTruncated"]) == (2, True)
    assert (len(second["Users"]), second["IsTruncated"]) == (3, False)
    assert "Marker" not in second
    pages = iam.get_paginator("list_users").paginate(PaginationConfig={"PageSize": 2})
    assert [it["UserName"] for page in pages for it in page["Users"]] == [f"user{number}" for number in range(5)]
    with refused("ValidationError", 400, "Invalid Marker."):
        iam.list_users(Marker="nothing of ours")
    with refused("ValidationError", 400, "Invalid Marker."):
        iam.list_groups(Marker=first["Marker"])


@pytest.mark.parametrize(
    ("operation", "member"),
    [
        ("list_mfa_devices", "MFADevices"),
        ("list_signing_certificates", "Certificates"),
        ("list_ssh_public_keys", "SSHPublicKeys"),
        ("list_service_specific_credentials", "ServiceSpecificCredentials"),
        ("list_virtual_mfa_devices", "VirtualMFADevices"),
    ],
)
def test_whoever_removes_a_user_hears_that_he_has_nothing_of_other_kinds(iam, operation, member):
    iam.create_user(UserName="alice")
    named = {} if "virtual" in operation else {"UserName": "alice"}

    answer = getattr(iam, operation)(**named)

    assert (answer[member], answer["IsTruncated"]) == ([], False)
    if named:
        with refused("NoSuchEntity", 404, "The user with name bob cannot be found."):
            getattr(iam, operation)(UserName="bob")


def test_nobody_has_a_password(iam):
    iam.create_user(UserName="alice")

    for call in (iam.get_login_profile, iam.delete_login_profile):
        with refused("NoSuchEntity", 404, "Login Profile for User alice cannot be found."):
            call(UserName="alice")


def test_the_account_is_summed_up(iam):
    iam.create_user(UserName="alice")

    summary = iam.get_account_summary()["SummaryMap"]

    assert (summary["Users"], summary["UsersQuota"], summary["AccountAccessKeysPresent"]) == (1, 5000, 1)


CONSTRAINED = "1 validation error detected: Value '{}' at '{}' failed to satisfy constraint: Member must {}"


@pytest.mark.parametrize(
    ("operation", "arguments", "code", "message"),
    [
        (
            "create_user",
            {"UserName": "a b"},
            "ValidationError",
            INVALID_NAME.message.format(parameter="userName"),
        ),
        ("create_user", {"UserName": "accounts/000000000001/users/x"}, "ValidationError", None),
        ("create_user", {"UserName": f"arn:aws:iam::{ACCOUNT}:user/x"}, "ValidationError", None),
        (
            "create_user",
            {"UserName": "a" * 65},
            "ValidationError",
            CONSTRAINED.format("a" * 65, "userName", "have length less than or equal to 64"),
        ),
        (
            "create_user",
            {"UserName": ""},
            "ValidationError",
            CONSTRAINED.format("", "userName", "have length greater than or equal to 1"),
        ),
        (
            "create_user",
            {},
            "ValidationError",
            CONSTRAINED.replace("'{}' at", "null at").format("userName", "not be null"),
        ),
        (
            "tag_user",
            {"UserName": "x", "Tags": [{"Value": "v"}]},
            "ValidationError",
            CONSTRAINED.replace("'{}' at", "null at").format("tags.1.member.key", "not be null"),
        ),
        (
            "create_user",
            {"UserName": "x", "Path": "x"},
            "ValidationError",
            INVALID_PATH.message.format(parameter="path", bounds="begin and end"),
        ),
        ("list_users", {"PathPrefix": "x"}, "ValidationError", None),
        (
            "list_users",
            {"MaxItems": 0},
            "ValidationError",
            CONSTRAINED.format("0", "maxItems", "have value greater than or equal to 1"),
        ),
        (
            "list_users",
            {"MaxItems": 1001},
            "ValidationError",
            CONSTRAINED.format("1001", "maxItems", "have value less than or equal to 1000"),
        ),
        (
            "list_policies",
            {"Scope": "Mine"},
            "ValidationError",
            CONSTRAINED.format("Mine", "scope", "satisfy enum value set: [All, AWS, Local]"),
        ),
        (
            "update_access_key",
            {"AccessKeyId": "AKIA" + "X" * 16, "Status": "On"},
            "ValidationError",
            CONSTRAINED.format("On", "status", "satisfy enum value set: [Active, Inactive]"),
        ),
        ("get_policy", {"PolicyArn": "p"}, "ValidationError", None),
        (
            "get_policy",
            {"PolicyArn": "arn:aws:s3:::something-else"},
            "InvalidInput",
            "ARN arn:aws:s3:::something-else is not valid.",
        ),
        (
            "attach_user_policy",
            {"UserName": "x", "PolicyArn": "a-policys-name-but-no-arn"},
            "ValidationError",
            "Invalid ARN:  Could not be parsed!",
        ),
        ("create_policy", {"PolicyName": "p", "PolicyDocument": "{"}, "MalformedPolicyDocument", None),
        ("create_policy", {"PolicyName": "p", "PolicyDocument": ""}, "ValidationError", None),
        (
            "tag_user",
            {"UserName": "x", "Tags": [{"Key": "a", "Value": ""}, {"Key": "A", "Value": ""}]},
            "InvalidInput",
            "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
        ),
    ],
)
def test_bad_input_is_refused_in_aws_words(iam, operation, arguments, code, message):
    with refused(code, 400, message):
        getattr(iam, operation)(**arguments)


def test_what_exists_is_not_made_again(iam):
    iam.create_user(UserName="alice")
    iam.create_group(GroupName="staff")

    with refused("EntityAlreadyExists", 409, "User with name Alice already exists."):
        iam.create_user(UserName="Alice")
    with refused("EntityAlreadyExists", 409, "Group with name staff already exists."):
        iam.create_group(GroupName="staff")


def test_a_boundary_is_refused_and_not_ignored(iam):
    with refused("NotImplemented", 501):
        iam.create_user(UserName="alice", PermissionsBoundary=ADMINISTRATOR)

    assert iam.list_users()["Users"] == []


@pytest.mark.parametrize(
    ("service", "operation", "arguments"),
    [
        ("iam", "list_roles", {}),
        ("iam", "create_role", {"RoleName": "r", "AssumeRolePolicyDocument": "{}"}),
        ("iam", "create_login_profile", {"UserName": "x", "Password": "y"}),
        ("sts", "assume_role", {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/r", "RoleSessionName": "s"}),
        ("sts", "get_access_key_info", {"AccessKeyId": "AKIA" + "X" * 16}),
        ("sts", "decode_authorization_message", {"EncodedMessage": "x"}),
        ("sts", "get_federation_token", {"Name": "x"}),
    ],
)
def test_what_is_not_built_is_refused_by_name(server, service, operation, arguments):
    with refused("NotImplemented", 501):
        getattr(server.client(service), operation)(**arguments)


def test_a_user_may_do_what_his_policy_allows_and_nothing_else(server, iam):
    mine = f"arn:aws:iam::{ACCOUNT}:user/mine/*"
    alice = user_client(server, iam, "alice", allow(["iam:GetUser", "iam:CreateUser"], mine))

    alice.create_user(UserName="bob", Path="/mine/")
    assert alice.get_user(UserName="bob")["User"]["Path"] == "/mine/"
    for call, action, resource in (
        (lambda: alice.create_user(UserName="carol"), "iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/carol"),
        (alice.list_users, "iam:ListUsers", f"arn:aws:iam::{ACCOUNT}:user/"),
        (lambda: alice.get_user(UserName="nobody"), "iam:GetUser", f"arn:aws:iam::{ACCOUNT}:user/nobody"),
        (
            lambda: alice.put_user_policy(UserName="alice", PolicyName="all", PolicyDocument=ALLOW_ALL),
            "iam:PutUserPolicy",
            f"arn:aws:iam::{ACCOUNT}:user/alice",
        ),
    ):
        message = (
            f"User: arn:aws:iam::{ACCOUNT}:user/alice is not authorized to perform: {action} on resource: {resource} "
            f"because no identity-based policy allows the {action} action"
        )
        with refused("AccessDenied", 403, message):
            call()


def test_a_policy_of_a_group_counts_at_the_next_request(server, iam):
    alice = user_client(server, iam, "alice")
    iam.create_group(GroupName="staff")
    iam.attach_group_policy(GroupName="staff", PolicyArn="arn:aws:iam::aws:policy/IAMReadOnlyAccess")
    with refused("AccessDenied", 403):
        alice.list_users()

    iam.add_user_to_group(GroupName="staff", UserName="alice")
    assert len(alice.list_users()["Users"]) == 1
    iam.remove_user_from_group(GroupName="staff", UserName="alice")

    with refused("AccessDenied", 403):
        alice.list_users()


def test_every_credential_may_ask_who_it_is(server, iam):
    deny = allow("*").replace("Allow", "Deny")
    alice = user_client(server, iam, "alice", deny, "sts")

    me = alice.get_caller_identity()

    assert me["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/alice"
    assert me["UserId"] == iam.get_user(UserName="alice")["User"]["UserId"]
    root = server.client("sts").get_caller_identity()
    assert (root["UserId"], root["Account"], root["Arn"]) == (ACCOUNT, ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root")


def test_a_session_of_get_session_token(server, iam):
    alice = user_client(server, iam, "alice", ALLOW_ALL, "sts")
    made = alice.get_session_token(DurationSeconds=900)["Credentials"]
    session = made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"]
    assert made["AccessKeyId"].startswith("ASIA")
    assert abs(made["Expiration"].timestamp() - server.world.clock.wall / 1000 - 900) < 1

    sts = server.client("sts", *session)
    assert sts.get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/alice"
    with refused("AccessDenied", 403, "Cannot call GetSessionToken with session credentials"):
        sts.get_session_token()
    with refused("InvalidClientTokenId", 403, "The security token included in the request is invalid."):
        server.client("iam", *session).list_users()
    for wrong in (
        (session[0], session[1], None),
        (session[0], session[1], session[2][:-8]),
        (session[0], session[1], alice.get_session_token()["Credentials"]["SessionToken"]),
        (None, None, session[2]),
    ):
        with refused("InvalidClientTokenId", 403):
            server.client("sts", *wrong).get_caller_identity()
    with refused("SignatureDoesNotMatch", 403):
        server.client("sts", session[0], "x" * 40, session[2]).get_caller_identity()

    iam.update_access_key(
        UserName="alice", AccessKeyId=alice._request_signer._credentials.access_key, Status="Inactive"
    )
    with refused("InvalidClientTokenId", 403):
        sts.get_caller_identity()


def test_a_session_that_is_over_is_told_so(server, iam):
    made = user_client(server, iam, "alice", ALLOW_ALL, "sts").get_session_token(DurationSeconds=900)["Credentials"]
    # Fourteen minutes of skew are allowed, so the server's clock may run ahead of the client's by so much.
    server.world.clock.wall += 880_000
    sts = server.client("sts", made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])
    assert sts.get_caller_identity()["Account"] == ACCOUNT

    server.world.clock.wall += 20_000

    with refused("ExpiredToken", 403, "The security token included in the request is expired"):
        sts.get_caller_identity()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            {"DurationSeconds": 899},
            "ValidationError",
            CONSTRAINED.format("899", "durationSeconds", "have value greater than or equal to 900"),
        ),
        (
            {"DurationSeconds": 129_601},
            "ValidationError",
            CONSTRAINED.format("129601", "durationSeconds", "have value less than or equal to 129600"),
        ),
        ({"SerialNumber": "GAHT12345678", "TokenCode": "123456"}, "AccessDenied", None),
    ],
)
def test_a_session_that_cannot_be_had(server, arguments, code, message):
    with refused(code, 403 if code == "AccessDenied" else 400, message):
        server.client("sts").get_session_token(**arguments)


def test_an_unsigned_call_is_told_that_it_lacks_a_token(server):
    request = urllib.request.Request(f"{server.endpoint}/?Action=GetCallerIdentity&Version=2011-06-15", method="POST")

    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)

    with caught.value as answer:
        assert answer.code == 403
        assert b"<Code>MissingAuthenticationToken</Code>" in answer.read()


def test_an_unknown_action_is_told_so(server, iam):
    iam.meta.events.register(
        "before-call.iam.ListUsers", lambda params, **_: params["body"].update(Action="ListDragons")
    )

    with refused("InvalidAction", 400, "Could not find operation ListDragons for version 2010-05-08"):
        iam.list_users()

"""The whole path over a real socket: every RPC of the proto is a row of the table, and speaks in names and ARNs."""

import asyncio

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status

from cumulo.api.identity.v1 import identity_pb2 as pb
from cumulo.api.identity.v1 import identity_pb2_grpc as stubs
from cumulo.core.clocks import SystemClock
from cumulo.core.ids import SystemRandomness
from cumulo.gateway.rpc import RpcAdaptor
from cumulo.identity import edge_grpc
from cumulo.identity.operations import TABLE
from cumulo.identity.proofs import prove
from tests.identity.world import ALLOW_ALL, World


class Silent:
    def finished(self, *values):
        pass


class Client:
    """A stub with a token of its own."""

    def __init__(self, channel, token=""):
        self.stub = stubs.IdentityServiceStub(channel)
        self.metadata = (("authorization", f"Bearer {token}"),) if token else ()

    async def call(self, name, request):
        return await getattr(self.stub, name)(request, metadata=self.metadata)


async def log_in(channel, world, key_id, secret):
    nonce = world.nonce()
    now_ms = world.clock.wall_ms()
    proof = prove(secret, key_id, now_ms, nonce, 0)
    request = pb.IssueTokenRequest(access_key_id=key_id, timestamp_ms=now_ms, nonce=nonce, proof=proof)
    return Client(channel, (await Client(channel).call("IssueToken", request)).token)


def serve(scenario):
    """Run `scenario(channel, root, world)` against a server."""

    async def run(world):
        server = grpc.aio.server()
        adaptor = RpcAdaptor(world.credentials, world.clock, world.randomness, Silent())
        server.add_generic_rpc_handlers((edge_grpc.handlers(world.service, adaptor),))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        try:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                made = world.root_credentials
                root = await log_in(channel, world, made.access_key_id, made.secret_access_key)
                await scenario(channel, root, world)
        finally:
            await server.stop(None)

    world = World()
    asyncio.run(run(world))
    assert world.problems() == []


def reason_of(error):
    """Return the code in the status details of a refused call."""
    info = ErrorInfo()
    details = rpc_status.from_call(error).details
    assert next(detail for detail in details if detail.Is(ErrorInfo.DESCRIPTOR)).Unpack(info)
    return info.reason


SPOKEN_BY_AWS_ALONE = {
    "CreatePolicyVersion",
    "DeleteLoginProfile",
    "DeletePolicyVersion",
    "GetAccessKeyLastUsed",
    "GetAccountSummary",
    "GetLoginProfile",
    "GetPolicyVersion",
    "GetSessionToken",
    "ListEntitiesForPolicy",
    "ListGroupsForUser",
    "ListMFADevices",
    "ListPolicyTags",
    "ListPolicyVersions",
    "ListSSHPublicKeys",
    "ListServiceSpecificCredentials",
    "ListSigningCertificates",
    "ListUserTags",
    "ListVirtualMFADevices",
    "SetDefaultPolicyVersion",
    "TagPolicy",
    "TagUser",
    "UntagPolicy",
    "UntagUser",
    "UpdateGroup",
    "UpdateUser",
}


def test_every_rpc_of_the_proto_is_an_operation_and_the_other_way_round():
    rpcs = {method.name for method in pb.DESCRIPTOR.services_by_name["IdentityService"].methods}

    assert {row.name for row in TABLE} - SPOKEN_BY_AWS_ALONE == rpcs
    assert set(edge_grpc._RPCS) == rpcs


def test_a_life_of_users_groups_keys_and_policies_over_the_wire():
    async def scenario(channel, root, world):
        me = await root.call("GetCallerIdentity", pb.GetCallerIdentityRequest())
        assert me.arn == "arn:aws:iam::000000000000:root"
        user = (await root.call("CreateUser", pb.CreateUserRequest(user=pb.User(name="alice", path="/staff/")))).user
        assert user.name == "accounts/000000000000/users/alice"
        assert user.arn == "arn:aws:iam::000000000000:user/staff/alice"
        assert user.user_id.startswith("AIDA")
        key = await root.call("CreateAccessKey", pb.CreateAccessKeyRequest(user=user.arn))
        assert key.access_key.name == f"{user.name}/accessKeys/{key.access_key.access_key_id}"
        assert len(key.secret_access_key) == 40
        alice = await log_in(channel, world, key.access_key.access_key_id, key.secret_access_key)
        with pytest.raises(grpc.aio.AioRpcError) as denied:
            await alice.call("ListUsers", pb.ListUsersRequest())
        assert denied.value.code() is grpc.StatusCode.PERMISSION_DENIED
        assert reason_of(denied.value) == "AccessDenied"
        assert "iam:ListUsers on resource: arn:aws:iam::000000000000:user/ because" in str(denied.value.details())

        group = (await root.call("CreateGroup", pb.CreateGroupRequest(group=pb.Group(name="staff")))).group
        policy = (
            await root.call(
                "CreatePolicy",
                pb.CreatePolicyRequest(policy=pb.Policy(name="all", description="may all", document=ALLOW_ALL)),
            )
        ).policy
        await root.call("AttachGroupPolicy", pb.AttachGroupPolicyRequest(group=group.name, policy=policy.arn))
        await root.call("AddUserToGroup", pb.AddUserToGroupRequest(group="staff", user="ALICE"))
        listed = await alice.call("ListUsers", pb.ListUsersRequest())
        assert [user.name for user in listed.users] == ["accounts/000000000000/users/alice"]
        assert list((await alice.call("GetUser", pb.GetUserRequest())).user.groups) == [group.name]
        assert list((await root.call("GetGroup", pb.GetGroupRequest(name="staff"))).users) == [user.name]
        shown = (await root.call("GetPolicy", pb.GetPolicyRequest(name="all"))).policy
        assert (shown.document, shown.description, shown.attachment_count) == (ALLOW_ALL, "may all", 1)

        changed = await root.call("UpdatePolicy", pb.UpdatePolicyRequest(policy=pb.Policy(name="all", description="x")))
        assert changed.policy.description == "x"
        put = pb.PutUserPolicyRequest(user="alice", policy_name="own", document=ALLOW_ALL)
        await root.call("PutUserPolicy", put)
        inline = await root.call("GetUserPolicy", pb.GetUserPolicyRequest(user="alice", policy_name="own"))
        assert inline.document == ALLOW_ALL
        off = pb.UpdateAccessKeyRequest(name=key.access_key.name, status=pb.ACCESS_KEY_STATUS_INACTIVE)
        assert (await root.call("UpdateAccessKey", off)).access_key.status == pb.ACCESS_KEY_STATUS_INACTIVE
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await alice.call("GetCallerIdentity", pb.GetCallerIdentityRequest())
        assert ended.value.code() is grpc.StatusCode.UNAUTHENTICATED

    serve(scenario)


def test_explain_access_names_the_statement_over_the_wire():
    async def scenario(_channel, root, _world):
        await root.call("CreateUser", pb.CreateUserRequest(user=pb.User(name="alice")))
        await root.call("PutUserPolicy", pb.PutUserPolicyRequest(user="alice", policy_name="own", document=ALLOW_ALL))
        question = pb.ExplainAccessRequest(principal="alice", action="s3:GetObject", resource="arn:aws:s3:::outbox/a")
        answer = await root.call("ExplainAccess", question)
        assert answer.decision == pb.DECISION_ALLOW
        assert answer.matched_statements[0].policy == "accounts/000000000000/users/alice/inlinePolicies/own"
        assert answer.matched_statements[0].effect == pb.EFFECT_ALLOW

    serve(scenario)


@pytest.mark.parametrize(
    "metadata",
    [
        (),
        (("authorization", "Bearer "),),
        (("authorization", "Basic cm9vdDpyb290"),),
        (("authorization", "Bearer a.b.c"),),
        (("authorization", "Bearer a.b.c"), ("authorization", "Bearer a.b.c")),
        (("authorization-bin", b"Bearer a.b.c"),),
    ],
)
def test_a_call_without_a_good_token_is_unauthenticated(metadata):
    async def scenario(channel, _root, _world):
        anonymous = Client(channel)
        anonymous.metadata = metadata
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await anonymous.call("ListUsers", pb.ListUsersRequest())
        assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED

    serve(scenario)


def test_every_rpc_but_issue_token_needs_a_token():
    async def scenario(channel, _root, _world):
        anonymous = Client(channel)
        for method in pb.DESCRIPTOR.services_by_name["IdentityService"].methods:
            request = getattr(pb, method.input_type.name)()
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await anonymous.call(method.name, request)
            expected = "ValidationError" if method.name == "IssueToken" else "MissingAuthenticationToken"
            assert reason_of(refused.value) == expected, method.name

    serve(scenario)


def test_system_clock_and_randomness_serve_as_well_as_a_tests_own():
    world = World()
    world.clock = SystemClock()  # type: ignore[assignment]
    world.randomness = SystemRandomness()  # type: ignore[assignment]
    world.start()

    token = world.token(world.root_credentials.access_key_id, world.root_credentials.secret_access_key)

    assert world.context(token.text).principal.account == "000000000000"

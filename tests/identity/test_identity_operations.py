"""The operation table: no door without a lock, tried one by one by somebody who has no right at all."""

import json
from typing import Any

import pytest

from cumulo.core.errors import NOT_IMPLEMENTED, ServiceError
from cumulo.core.operations import Check, Kind, Operation, OperationTable
from cumulo.identity import access_key_model, account_model, group_model, model, policy_model, token_model, user_model
from cumulo.identity.authorizer import Guard
from cumulo.identity.operations import TABLE
from cumulo.identity.room import Resolved, Room
from cumulo.storage.engine import ROOT
from tests.identity.world import ALLOW_ALL, World, refused, statement

QUESTION: dict[str, Any] = {"action": "s3:GetObject", "resource": "arn:aws:s3:::outbox/a"}
BY_EVERYBODY = {"IssueToken", "GetCallerIdentity", "GetSessionToken"}


def requests(world):
    """Return a request of every operation that a powerless user must not have; all are about things that exist."""
    key = world.call(access_key_model.ListAccessKeys(user="victim")).items[0].access_key_id
    user: dict[str, Any] = {"user": "victim"}
    group: dict[str, Any] = {"group": "staff"}
    named: dict[str, Any] = {"policy_name": "own"}
    return [
        account_model.CreateAccount(),
        account_model.ListAccounts(),
        user_model.CreateUser(name="new"),
        user_model.GetUser(**user),
        user_model.ListUsers(),
        user_model.DeleteUser(**user),
        access_key_model.CreateAccessKey(**user),
        access_key_model.ListAccessKeys(**user),
        access_key_model.UpdateAccessKey(access_key=key, status=access_key_model.KeyStatus.INACTIVE),
        access_key_model.DeleteAccessKey(access_key=key),
        group_model.CreateGroup(name="new"),
        group_model.GetGroup(**group),
        group_model.ListGroups(),
        group_model.DeleteGroup(**group),
        group_model.AddUserToGroup(**user, **group),
        group_model.RemoveUserFromGroup(**user, **group),
        policy_model.CreatePolicy(name="new", document=ALLOW_ALL),
        policy_model.GetPolicy(policy="all"),
        policy_model.ListPolicies(),
        policy_model.UpdatePolicy(policy="all", document=ALLOW_ALL),
        policy_model.DeletePolicy(policy="all"),
        policy_model.AttachUserPolicy(**user, policy="all"),
        policy_model.DetachUserPolicy(**user, policy="all"),
        policy_model.AttachGroupPolicy(**group, policy="all"),
        policy_model.DetachGroupPolicy(**group, policy="all"),
        policy_model.ListAttachedPolicies(**user),
        policy_model.ListAttachedPolicies(**group),
        policy_model.PutUserPolicy(**user, **named, document=ALLOW_ALL),
        policy_model.GetUserPolicy(**user, **named),
        policy_model.DeleteUserPolicy(**user, **named),
        policy_model.ListUserPolicies(**user),
        policy_model.PutGroupPolicy(**group, **named, document=ALLOW_ALL),
        policy_model.GetGroupPolicy(**group, **named),
        policy_model.DeleteGroupPolicy(**group, **named),
        policy_model.ListGroupPolicies(**group),
        user_model.UpdateUser(**user, new_name="sufferer", new_path="/x/"),
        user_model.TagUser(**user, tags=(("a", "b"),)),
        user_model.UntagUser(**user, tag_keys=("a",)),
        user_model.ListUserTags(**user),
        user_model.ListGroupsForUser(**user),
        access_key_model.GetAccessKeyLastUsed(access_key=key),
        account_model.GetAccountSummary(),
        user_model.ListMFADevices(**user),
        user_model.ListSigningCertificates(**user),
        user_model.ListSSHPublicKeys(**user),
        user_model.ListServiceSpecificCredentials(**user),
        user_model.GetLoginProfile(**user),
        user_model.DeleteLoginProfile(**user),
        user_model.ListVirtualMFADevices(),
        group_model.UpdateGroup(**group, new_name="crew"),
        user_model.CreateUser(name="tagged", tags=(("a", "b"),)),
        policy_model.CreatePolicy(name="tagged", document=ALLOW_ALL, tags=(("a", "b"),)),
        policy_model.CreatePolicyVersion(policy="all", document=ALLOW_ALL, is_default=True),
        policy_model.GetPolicyVersion(policy="all", version_id="v1"),
        policy_model.ListPolicyVersions(policy="all"),
        policy_model.SetDefaultPolicyVersion(policy="all", version_id="v1"),
        policy_model.DeletePolicyVersion(policy="all", version_id="v1"),
        policy_model.TagPolicy(policy="all", tags=(("a", "b"),)),
        policy_model.UntagPolicy(policy="all", tag_keys=("a",)),
        policy_model.ListPolicyTags(policy="all"),
        policy_model.ListEntitiesForPolicy(policy="all"),
        token_model.RevokeToken(token_id=world.root_token.token_id),
        token_model.RevokePrincipalTokens(principal="victim"),
        policy_model.ExplainAccess(principal="victim", **QUESTION),
    ]


def furnished():
    """Return a world with one of each thing."""
    made = World()
    made.user("victim", ALLOW_ALL)
    made.call(policy_model.PutUserPolicy(user="victim", policy_name="own", document=ALLOW_ALL))
    made.call(group_model.CreateGroup(name="staff"))
    made.call(policy_model.PutGroupPolicy(group="staff", policy_name="own", document=ALLOW_ALL))
    made.call(policy_model.CreatePolicy(name="all", document=ALLOW_ALL))
    return made


@pytest.fixture
def world():
    made = furnished()
    yield made
    assert made.problems() == []


def everything(world):
    return world.run(world.engine.read((ROOT,), lambda txn, _: txn.range(ROOT, b"\xfe" * 8, 10_000), None))


def test_a_powerless_user_is_refused_by_every_operation_and_nothing_changes(world):
    mallory = world.user("mallory")
    tried = requests(world)
    before = everything(world)

    for request in tried:
        with refused("AccessDenied"):
            world.call(request, mallory)

    assert everything(world) == before
    assert {type(request).__name__ for request in tried} | BY_EVERYBODY == {row.name for row in TABLE}


def test_whether_a_thing_exists_does_not_show_to_the_powerless(world):
    mallory = world.user("mallory")
    for request in (
        user_model.GetUser(user="nobody"),
        group_model.GetGroup(group="none"),
        policy_model.GetPolicy(policy="none"),
    ):
        with refused("AccessDenied"):
            world.call(request, mallory)


@pytest.mark.parametrize("number", range(64))
def test_an_operation_is_allowed_by_the_permissions_that_it_names_and_no_others(world, number):
    request = requests(world)[number]
    permissions = TABLE[type(request).__name__].permissions
    others = {"Effect": "Allow", "NotAction": permissions, "Resource": "*"}
    without = world.user("without", json.dumps({"Statement": others}))
    with_them = world.user("with", json.dumps({"Statement": statement("Allow", list(permissions))}))

    with refused("AccessDenied"):
        world.call(request, without)
    try:
        world.call(request, with_them)
    except ServiceError as error:
        conflicts = ("NoSuchEntity", "DeleteConflict")  # allowed, and then in conflict with what is there
        if error.row.code not in conflicts:
            raise


def test_only_issue_token_is_open_and_says_why():
    assert [row.name for row in TABLE if row.open_because] == ["IssueToken"]
    assert all(row.permissions and row.checks for row in TABLE if not row.open_because)
    assert all(row.summary for row in TABLE)


def test_an_operation_without_a_check_cannot_be_registered():
    row = Operation(name="X", kind=Kind.READ, request=int, permissions=(), checks=None, handler=lambda: None)

    with pytest.raises(ValueError, match="no permission"):
        OperationTable("x", (row,))


def test_every_change_can_be_repeated_safely():
    assert all(row.idempotency_window_ms == model.DAY_MS for row in TABLE if issubclass(row.request, model.Mutation))
    assert {row.name for row in TABLE if row.kind is Kind.WRITE} == {
        row.name for row in TABLE if issubclass(row.request, model.Mutation)
    }


class Remove(model.Mutation, frozen=True, kw_only=True):
    pass


class Drawer(Room):
    """A room with one thing in it: `Remove` removes it."""

    gone = False

    async def resolve(self, ctx, operation, request):
        missing = NOT_IMPLEMENTED.error(what="that") if self.gone else None
        return Resolved(self, (ROOT,), (Check("x:Remove", "*"),), Guard("000000000000"), missing)


def remove(_txn, drawer):
    drawer.gone = True


Drawer.table = OperationTable(
    "drawer",
    (
        Operation(
            name="Remove",
            kind=Kind.WRITE,
            request=Remove,
            permissions=("x:Remove",),
            checks=lambda _: (),
            handler=remove,
            idempotency_window_ms=1_000,
        ),
        Operation(
            name="Refused",
            kind=Kind.WRITE,
            request=int,
            permissions=("x:R",),
            checks=lambda _: (),
            handler=None,
            refused="no",
        ),
    ),
)


def test_a_repeated_delete_answers_as_at_first_though_the_thing_is_missing(world):
    drawer = Drawer(world.engine, world.authorizer, world.clock, world.randomness)

    def call(request_id):
        return world.run(drawer.call(world.root, "Remove", Remove(request_id=request_id)))

    assert call("1") == call("1")
    for other in ("2", ""):
        with refused("NotImplemented"):
            call(other)


def test_what_is_missing_is_said_only_to_those_who_are_allowed(world):
    drawer = Drawer(world.engine, world.authorizer, world.clock, world.randomness)
    drawer.gone = True

    with refused("AccessDenied"):
        world.run(drawer.call(world.user("mallory"), "Remove", Remove()))


def test_a_request_id_has_a_limit_and_a_refused_operation_says_why(world):
    with refused("InvalidParameterValue"):
        world.call(user_model.CreateUser(name="x", request_id="i" * 65))
    drawer = Drawer(world.engine, world.authorizer, world.clock, world.randomness)
    with refused("NotImplemented"):
        world.run(drawer.call(world.root, "Refused", 1))

"""The operation table: no door without a lock, tried one by one by somebody who has no right at all."""

import json
from typing import Any

import pytest

from cumulo.core.errors import NOT_IMPLEMENTED, ServiceError
from cumulo.core.operations import Check, Kind, Operation, OperationTable
from cumulo.identity import model
from cumulo.identity.authorizer import Guard
from cumulo.identity.operations import TABLE
from cumulo.identity.room import Resolved, Room
from cumulo.storage.engine import ROOT
from tests.identity.world import ALLOW_ALL, World, refused, statement

QUESTION: dict[str, Any] = {"action": "s3:GetObject", "resource": "arn:aws:s3:::outbox/a"}
BY_EVERYBODY = {"IssueToken", "GetCallerIdentity", "GetSessionToken"}


def requests(world):
    """Return a request of every operation that a powerless user must not have; all are about things that exist."""
    key = world.call(model.ListAccessKeys(user="victim")).items[0].access_key_id
    user: dict[str, Any] = {"user": "victim"}
    group: dict[str, Any] = {"group": "staff"}
    named: dict[str, Any] = {"policy_name": "own"}
    return [
        model.CreateAccount(),
        model.ListAccounts(),
        model.CreateUser(name="new"),
        model.GetUser(**user),
        model.ListUsers(),
        model.DeleteUser(**user),
        model.CreateAccessKey(**user),
        model.ListAccessKeys(**user),
        model.UpdateAccessKey(access_key=key, status=model.KeyStatus.INACTIVE),
        model.DeleteAccessKey(access_key=key),
        model.CreateGroup(name="new"),
        model.GetGroup(**group),
        model.ListGroups(),
        model.DeleteGroup(**group),
        model.AddUserToGroup(**user, **group),
        model.RemoveUserFromGroup(**user, **group),
        model.CreatePolicy(name="new", document=ALLOW_ALL),
        model.GetPolicy(policy="all"),
        model.ListPolicies(),
        model.UpdatePolicy(policy="all", document=ALLOW_ALL),
        model.DeletePolicy(policy="all"),
        model.AttachUserPolicy(**user, policy="all"),
        model.DetachUserPolicy(**user, policy="all"),
        model.AttachGroupPolicy(**group, policy="all"),
        model.DetachGroupPolicy(**group, policy="all"),
        model.ListAttachedPolicies(**user),
        model.ListAttachedPolicies(**group),
        model.PutUserPolicy(**user, **named, document=ALLOW_ALL),
        model.GetUserPolicy(**user, **named),
        model.DeleteUserPolicy(**user, **named),
        model.ListUserPolicies(**user),
        model.PutGroupPolicy(**group, **named, document=ALLOW_ALL),
        model.GetGroupPolicy(**group, **named),
        model.DeleteGroupPolicy(**group, **named),
        model.ListGroupPolicies(**group),
        model.UpdateUser(**user, new_name="sufferer", new_path="/x/"),
        model.TagUser(**user, tags=(("a", "b"),)),
        model.UntagUser(**user, tag_keys=("a",)),
        model.ListUserTags(**user),
        model.ListGroupsForUser(**user),
        model.GetAccessKeyLastUsed(access_key=key),
        model.GetAccountSummary(),
        model.ListMFADevices(**user),
        model.ListSigningCertificates(**user),
        model.ListSSHPublicKeys(**user),
        model.ListServiceSpecificCredentials(**user),
        model.GetLoginProfile(**user),
        model.DeleteLoginProfile(**user),
        model.ListVirtualMFADevices(),
        model.UpdateGroup(**group, new_name="crew"),
        model.CreateUser(name="tagged", tags=(("a", "b"),)),
        model.CreatePolicy(name="tagged", document=ALLOW_ALL, tags=(("a", "b"),)),
        model.CreatePolicyVersion(policy="all", document=ALLOW_ALL, is_default=True),
        model.GetPolicyVersion(policy="all", version_id="v1"),
        model.ListPolicyVersions(policy="all"),
        model.SetDefaultPolicyVersion(policy="all", version_id="v1"),
        model.DeletePolicyVersion(policy="all", version_id="v1"),
        model.TagPolicy(policy="all", tags=(("a", "b"),)),
        model.UntagPolicy(policy="all", tag_keys=("a",)),
        model.ListPolicyTags(policy="all"),
        model.ListEntitiesForPolicy(policy="all"),
        model.RevokeToken(token_id=world.root_token.token_id),
        model.RevokePrincipalTokens(principal="victim"),
        model.ExplainAccess(principal="victim", **QUESTION),
    ]


def furnished():
    """Return a world with one of each thing."""
    made = World()
    made.user("victim", ALLOW_ALL)
    made.call(model.PutUserPolicy(user="victim", policy_name="own", document=ALLOW_ALL))
    made.call(model.CreateGroup(name="staff"))
    made.call(model.PutGroupPolicy(group="staff", policy_name="own", document=ALLOW_ALL))
    made.call(model.CreatePolicy(name="all", document=ALLOW_ALL))
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
    for request in (model.GetUser(user="nobody"), model.GetGroup(group="none"), model.GetPolicy(policy="none")):
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
        world.call(model.CreateUser(name="x", request_id="i" * 65))
    drawer = Drawer(world.engine, world.authorizer, world.clock, world.randomness)
    with refused("NotImplemented"):
        world.run(drawer.call(world.root, "Refused", 1))

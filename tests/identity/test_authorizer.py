"""The one decision, with everything around it: whose policies, which keys, how fresh, and in which words it refuses."""

import asyncio
import json
from typing import Any

import pytest

from cumulo.core.clocks import ManualClock
from cumulo.core.context import AnonymousPrincipal, CallContext
from cumulo.core.errors import ServiceError
from cumulo.core.operations import Check
from cumulo.identity import (
    access_key_model,
    account_model,
    authorizer,
    group_model,
    policy_model,
    principal_model,
    resource_policy,
    token_model,
    user_model,
)
from cumulo.identity.authorizer import Guard
from cumulo.identity.policy import DocumentKind, MalformedPolicy
from cumulo.storage.lmdb_engine import LmdbEngine
from cumulo.storage.memory import MemoryEngine
from tests.identity.world import ALLOW_ALL, OWN, World, refused, statement

QUEUE = "arn:aws:sqs:us-east-1:000000000000:jobs"
OTHER = "123456789012"
OTHER_QUEUE = f"arn:aws:sqs:us-east-1:{OTHER}:jobs"


@pytest.fixture
def world():
    made = World()
    yield made
    assert made.problems() == []


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def queue_policy(world, *statements):
    return resource_policy.validate(policy(*statements), DocumentKind.QUEUE, world.engine)


def denial(world, ctx, action, resource, guard=OWN):
    with refused("AccessDenied") as error:
        world.authorizer.authorize(ctx, (Check(action, resource),), guard)
    return error.value.message


def test_a_user_without_policies_may_do_nothing(world):
    alice = world.user("alice")

    assert not world.allowed(alice, "sqs:SendMessage", QUEUE)


def test_no_check_at_all_is_refused(world):
    with refused("AccessDenied"):
        world.authorizer.authorize(world.root, (), OWN)


def test_every_check_must_be_allowed(world):
    alice = world.user("alice", policy(statement("Allow", "s3:GetObject")))
    checks = (Check("s3:GetObject", "arn:aws:s3:::a/b"), Check("s3:PutObject", "arn:aws:s3:::a/b"))

    world.authorizer.authorize(alice, checks[:1], OWN)
    with refused("AccessDenied"):
        world.authorizer.authorize(alice, checks, OWN)


def test_policies_of_user_group_and_attachments_are_asked_together(world):
    alice = world.user("alice", policy(statement("Allow", "sqs:SendMessage")))
    world.call(group_model.CreateGroup(name="staff"))
    world.call(group_model.AddUserToGroup(group="staff", user="alice"))
    world.call(policy_model.CreatePolicy(name="receive", document=policy(statement("Allow", "sqs:ReceiveMessage"))))
    world.call(policy_model.CreatePolicy(name="delete", document=policy(statement("Allow", "sqs:DeleteMessage"))))
    world.call(
        policy_model.PutGroupPolicy(group="staff", policy_name="own", document=policy(statement("Allow", "s3:*")))
    )
    world.call(policy_model.AttachUserPolicy(user="alice", policy="receive"))
    world.call(policy_model.AttachGroupPolicy(group="staff", policy="delete"))

    for action in ("sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "s3:GetObject"):
        assert world.allowed(alice, action, QUEUE)
    assert not world.allowed(alice, "sqs:PurgeQueue", QUEUE)


@pytest.mark.parametrize(
    ("give", "take"),
    [
        (
            policy_model.PutUserPolicy(user="alice", policy_name="own", document=ALLOW_ALL),
            policy_model.DeleteUserPolicy(user="alice", policy_name="own"),
        ),
        (
            policy_model.AttachUserPolicy(user="alice", policy="all"),
            policy_model.DetachUserPolicy(user="alice", policy="all"),
        ),
        (
            group_model.AddUserToGroup(user="alice", group="admins"),
            group_model.RemoveUserFromGroup(user="alice", group="admins"),
        ),
        (
            policy_model.AttachGroupPolicy(group="staff", policy="all"),
            policy_model.DetachGroupPolicy(group="staff", policy="all"),
        ),
        (
            policy_model.PutGroupPolicy(group="staff", policy_name="own", document=ALLOW_ALL),
            policy_model.DeleteGroupPolicy(group="staff", policy_name="own"),
        ),
        (
            policy_model.UpdatePolicy(policy="hers", document=ALLOW_ALL),
            policy_model.UpdatePolicy(policy="hers", document=policy(statement("Allow", "sns:Publish"))),
        ),
    ],
)
def test_a_change_is_in_force_at_the_next_request(world, give, take):
    alice = world.user("alice")
    world.call(group_model.CreateGroup(name="staff"))
    world.call(group_model.CreateGroup(name="admins"))
    world.call(group_model.AddUserToGroup(group="staff", user="alice"))
    world.call(policy_model.CreatePolicy(name="all", document=ALLOW_ALL))
    world.call(policy_model.CreatePolicy(name="hers", document=policy(statement("Allow", "sns:Publish"))))
    world.call(policy_model.AttachUserPolicy(user="alice", policy="hers"))
    world.call(policy_model.AttachGroupPolicy(group="admins", policy="all"))

    for _ in range(2):
        assert not world.allowed(alice, "sqs:SendMessage", QUEUE)
        world.call(give)
        assert world.allowed(alice, "sqs:SendMessage", QUEUE)
        world.call(take)
    assert not world.allowed(alice, "sqs:SendMessage", QUEUE)


def test_a_change_is_in_force_at_the_next_request_on_a_real_engine(tmp_path):
    async def open_engine():
        return LmdbEngine(tmp_path)

    with asyncio.Runner() as runner:
        engine = runner.run(open_engine())
        on_disk = World(engine, runner=runner)
        alice = on_disk.user("alice", ALLOW_ALL)
        assert on_disk.allowed(alice, "sqs:SendMessage", QUEUE)

        on_disk.call(policy_model.DeleteUserPolicy(user="alice", policy_name="inline0"))
        assert not on_disk.allowed(alice, "sqs:SendMessage", QUEUE)
        key = on_disk.call(access_key_model.ListAccessKeys(user="alice")).items[0]
        on_disk.call(access_key_model.DeleteAccessKey(access_key=key.access_key_id))
        with refused("InvalidClientTokenId"):
            on_disk.call(token_model.GetCallerIdentity(), alice)

        assert on_disk.problems() == []
        runner.run(engine.close())


def test_another_process_on_the_same_data_sees_a_change_at_its_next_request(world):
    alice = world.user("alice", ALLOW_ALL)
    here = world.authorizer
    assert world.allowed(alice, "sqs:SendMessage", QUEUE)

    world.start()
    world.call(policy_model.DeleteUserPolicy(user="alice", policy_name="inline0"))

    with refused("AccessDenied"):
        here.authorize(alice, (Check("sqs:SendMessage", QUEUE),), OWN)


def test_a_refusal_says_which_statement_of_which_policy(world):
    alice = world.user("alice", ALLOW_ALL, policy(statement("Deny", "sqs:Purge*", Sid="NoPurge")))
    bob = world.user("bob", ALLOW_ALL, policy(statement("Deny", "sqs:Purge*")))

    assert denial(world, alice, "sqs:PurgeQueue", QUEUE) == (
        "User: arn:aws:iam::000000000000:user/alice is not authorized to perform: sqs:PurgeQueue on resource: "
        f"{QUEUE} with an explicit deny in an identity-based policy "
        "(policy accounts/000000000000/users/alice/inlinePolicies/inline1, statement NoPurge)"
    )
    assert denial(world, bob, "sqs:PurgeQueue", QUEUE).endswith("inlinePolicies/inline1, statement number 1)")


def test_a_refusal_says_that_no_statement_allows(world):
    alice = world.user("alice")

    assert denial(world, alice, "sqs:SendMessage", QUEUE) == (
        "User: arn:aws:iam::000000000000:user/alice is not authorized to perform: sqs:SendMessage on resource: "
        f"{QUEUE} because no identity-based policy allows the sqs:SendMessage action"
    )


def test_callers_of_another_account_get_the_bare_text(world):
    other = world.account(OTHER)
    guarded = Guard(
        "000000000000", queue_policy(world, {**statement("Deny", "sqs:*", QUEUE, Sid="S"), "Principal": "*"})
    )

    for guard in (OWN, guarded):
        assert denial(world, other, "sqs:SendMessage", QUEUE, guard) == (
            f"User: arn:aws:iam::{OTHER}:root is not authorized to perform: sqs:SendMessage on resource: {QUEUE}"
        )


def test_root_may_do_all_in_its_account_but_what_a_resource_policy_denies(world):
    deny = Guard("000000000000", queue_policy(world, {**statement("Deny", "sqs:*", QUEUE), "Principal": "*"}))

    assert world.allowed(world.root, "sqs:SendMessage", QUEUE)
    assert not world.allowed(world.root, "sqs:SendMessage", QUEUE, deny)
    assert not world.allowed(world.root, "sqs:SendMessage", OTHER_QUEUE, Guard(OTHER))


def test_across_accounts_both_sides_must_allow(world):
    other_root = world.account(OTHER)
    alice = world.user("alice", policy(statement("Allow", "sqs:SendMessage", OTHER_QUEUE)))
    bob = world.user("bob")
    grant = {**statement("Allow", "sqs:*", OTHER_QUEUE), "Principal": {"AWS": "000000000000"}}
    names = {**grant, "Principal": {"AWS": "arn:aws:iam::000000000000:user/bob"}}
    theirs = Guard(OTHER, queue_policy(world, grant))

    assert world.allowed(alice, "sqs:SendMessage", OTHER_QUEUE, theirs)
    assert not world.allowed(alice, "sqs:SendMessage", OTHER_QUEUE, Guard(OTHER))
    assert not world.allowed(alice, "sqs:ReceiveMessage", OTHER_QUEUE, theirs)
    assert not world.allowed(bob, "sqs:SendMessage", OTHER_QUEUE, Guard(OTHER, queue_policy(world, names)))
    assert world.allowed(other_root, "sqs:SendMessage", OTHER_QUEUE, Guard(OTHER))


def test_a_resource_policy_that_names_a_user_is_enough_in_his_account(world):
    alice = world.user("alice")
    grant = {
        **statement("Allow", "sqs:SendMessage", QUEUE),
        "Principal": {"AWS": "arn:aws:iam::000000000000:user/alice"},
    }

    assert world.allowed(alice, "sqs:SendMessage", QUEUE, Guard("000000000000", queue_policy(world, grant)))


def test_a_user_made_anew_inherits_nothing_from_a_resource_policy(world):
    world.call(user_model.CreateUser(name="alice"))
    grant = {
        **statement("Allow", "sqs:SendMessage", QUEUE),
        "Principal": {"AWS": "arn:aws:iam::000000000000:user/alice"},
    }
    stored = queue_policy(world, grant)
    old_id = world.call(user_model.GetUser(user="alice")).user_id
    assert resource_policy.shown(stored, world.engine) == policy(grant)

    world.call(user_model.DeleteUser(user="alice"))
    anew = world.user("alice")

    assert not world.allowed(anew, "sqs:SendMessage", QUEUE, Guard("000000000000", stored))
    assert old_id in resource_policy.shown(stored, world.engine)


@pytest.mark.parametrize(
    "principal",
    [
        {"AWS": "arn:aws:iam::000000000000:user/nobody"},
        {"AWS": "arn:aws:iam::000000000000:role/nobody"},
        {"AWS": "arn:aws:iam::000000000000:user/x/alice"},
        {"AWS": "arn:aws:iam::000000000000:user/*"},
        {"AWS": "AIDAUNKNOWN000000000"},
        "alice",
    ],
)
def test_a_resource_policy_for_nobody_is_refused_at_write(world, principal):
    world.call(user_model.CreateUser(name="alice"))

    with pytest.raises(MalformedPolicy):
        queue_policy(world, {**statement("Allow", "sqs:*", QUEUE), "Principal": principal})


def test_a_resource_policy_is_shown_byte_for_byte_as_it_was_written(world):
    world.call(user_model.CreateUser(name="alice"))
    for principal in ('"*"', '{"AWS":"000000000000"}', '{ "AWS" :\n["arn:aws:iam::000000000000:user/alice"]}'):
        text = f'{{ "Version":"2012-10-17",\n "Statement":[{{"Effect":"Allow","Principal":{principal},'
        text += '"Action":"sqs:*","Resource":"*"}]\t}'

        stored = resource_policy.validate(text, DocumentKind.QUEUE, world.engine)

        assert resource_policy.shown(stored, world.engine) == text


def test_a_resource_policy_that_takes_too_much_room_with_its_white_space_is_refused(world):
    world.call(user_model.CreateUser(name="alice"))
    grant = {**statement("Allow", "sqs:*", QUEUE), "Principal": {"AWS": "arn:aws:iam::000000000000:user/alice"}}

    with pytest.raises(MalformedPolicy, match="at most"):
        resource_policy.validate(policy(grant) + " " * 61_200, DocumentKind.QUEUE, world.engine)


def test_an_anonymous_caller_needs_a_policy_for_everybody(world):
    anonymous = CallContext(principal=AnonymousPrincipal(), request_id="r")
    everybody = Guard("000000000000", queue_policy(world, {**statement("Allow", "sqs:*", QUEUE), "Principal": "*"}))
    account = {**statement("Allow", "sqs:*", QUEUE), "Principal": {"AWS": "000000000000"}}

    assert world.allowed(anonymous, "sqs:SendMessage", QUEUE, everybody)
    assert not world.allowed(anonymous, "sqs:SendMessage", QUEUE)
    assert not world.allowed(anonymous, "sqs:SendMessage", QUEUE, Guard("000000000000", queue_policy(world, account)))
    assert not world.allowed(anonymous, "sts:GetCallerIdentity")


def test_a_service_needs_a_policy_that_names_it_and_the_source_is_checked(world):
    def asks(source):
        keys = {"aws:SourceArn": source, "aws:SourceAccount": "000000000000"}
        principal = principal_model.service_principal("s3.amazonaws.com")
        return CallContext(principal=principal, request_id="r", condition_keys=keys)

    grant = {
        **statement("Allow", "sqs:SendMessage", QUEUE),
        "Principal": {"Service": "s3.amazonaws.com"},
        "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::inbox"}},
    }
    guard = Guard("000000000000", queue_policy(world, grant))

    assert world.allowed(asks("arn:aws:s3:::inbox"), "sqs:SendMessage", QUEUE, guard)
    assert not world.allowed(asks("arn:aws:s3:::elsewhere"), "sqs:SendMessage", QUEUE, guard)
    assert not world.allowed(asks("arn:aws:s3:::inbox"), "sqs:SendMessage", QUEUE)


@pytest.mark.parametrize(
    ("condition", "values"),
    [
        ({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}, {"source_ip": "192.0.2.7"}),
        ({"Bool": {"aws:SecureTransport": "true"}}, {"secure_transport": True}),
        ({"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}, {"region": "eu-west-1"}),
        ({"StringLike": {"aws:UserAgent": "cumulo/*"}}, {"user_agent": "cumulo/1"}),
        ({"StringEquals": {"aws:username": "alice"}}, {}),
        ({"StringEquals": {"aws:PrincipalAccount": "000000000000"}}, {}),
        ({"StringEquals": {"aws:PrincipalType": "User"}}, {}),
        ({"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::000000000000:user/alice"}}, {}),
        ({"StringLike": {"aws:userid": "AIDA*"}}, {}),
        ({"Bool": {"aws:PrincipalIsAWSService": "false"}}, {}),
        ({"StringEquals": {"aws:ResourceAccount": "000000000000"}}, {}),
        ({"DateGreaterThan": {"aws:CurrentTime": "2023-11-14T00:00:00Z"}}, {}),
        ({"NumericLessThan": {"aws:EpochTime": "1700000001"}}, {}),
        ({"DateGreaterThan": {"aws:TokenIssueTime": "2023-11-14T00:00:00Z"}}, {}),
        ({"Null": {"aws:MultiFactorAuthPresent": "true", "aws:SourceArn": "true"}}, {}),
        ({"StringEquals": {"s3:prefix": "home/"}}, {"condition_keys": {"s3:prefix": "home/"}}),
    ],
)
def test_a_condition_key_is_provided(world, condition, values):
    alice = world.user("alice", policy(statement("Allow", "s3:*", Condition=condition)))
    called = CallContext(principal=alice.principal, request_id="r", **values)

    assert world.allowed(called, "s3:GetObject", "arn:aws:s3:::a/b")
    if values:
        assert not world.allowed(alice, "s3:GetObject", "arn:aws:s3:::a/b")


def test_a_decision_with_a_condition_is_taken_anew_each_time(world):
    limit = {"DateLessThan": {"aws:CurrentTime": "2023-11-14T22:13:21Z"}}
    alice = world.user("alice", policy(statement("Allow", "sqs:*", Condition=limit)))
    assert world.allowed(alice, "sqs:SendMessage", QUEUE)

    world.clock.advance(2_000)

    assert not world.allowed(alice, "sqs:SendMessage", QUEUE)


def test_a_key_that_would_shadow_one_of_ours_refuses_the_request(world):
    alice = world.user("alice", policy(statement("Allow", "s3:*", Condition={"Bool": {"aws:SecureTransport": "true"}})))
    forged = CallContext(
        principal=alice.principal, request_id="r", condition_keys={"AWS:securetransport": "true"}, source_ip="192.0.2.7"
    )

    assert not world.allowed(forged, "s3:GetObject", "arn:aws:s3:::a/b")


def test_a_name_with_wildcards_cannot_be_made_and_a_resource_with_them_is_literal(world):
    home = policy(statement("Allow", "s3:*", "arn:aws:s3:::home/${aws:username}/*"))
    alice = world.user("alice", home)

    assert world.allowed(alice, "s3:GetObject", "arn:aws:s3:::home/alice/a")
    for resource in ("arn:aws:s3:::home/*/a", "arn:aws:s3:::home/${aws:username}/a", "arn:aws:s3:::home/bob/a"):
        assert not world.allowed(alice, "s3:GetObject", resource)


def test_everybody_with_a_credential_may_ask_who_he_is_even_against_a_deny(world):
    alice = world.user("alice", policy(statement("Deny", "*")))

    assert world.call(token_model.GetCallerIdentity(), alice).user_id == alice.principal.id


def test_everybody_may_end_his_own_tokens_and_nobody_elses(world):
    alice, bob = world.user("alice"), world.user("bob")

    with refused("AccessDenied"):
        world.call(token_model.RevokeToken(token_id=bob.principal.token_id), alice)
    with refused("AccessDenied"):
        world.call(token_model.RevokeToken(token_id=world.root_token.token_id), alice)
    world.call(token_model.RevokeToken(token_id=alice.principal.token_id), alice)

    with refused("InvalidClientTokenId"):
        world.call(token_model.GetCallerIdentity(), alice)
    assert world.call(token_model.GetCallerIdentity(), bob).user_id == bob.principal.id


def test_an_administrator_may_end_tokens_of_his_account_only(world):
    admin = world.user("admin", ALLOW_ALL)
    alice = world.user("alice")
    other = world.account(OTHER)

    with refused("AccessDenied"):
        world.call(token_model.RevokeToken(token_id=other.principal.token_id), admin)
    with refused("AccessDenied"):
        world.call(token_model.RevokePrincipalTokens(principal=f"arn:aws:iam::{OTHER}:root"), admin)
    world.call(token_model.RevokeToken(token_id=alice.principal.token_id), admin)
    assert world.call(token_model.GetCallerIdentity(), other).account == OTHER


@pytest.mark.parametrize("number", [1, 2])
def test_the_memory_of_permissions_is_bounded(world, monkeypatch, number):
    monkeypatch.setattr(authorizer, "DECISIONS_REMEMBERED_MAX", number)
    monkeypatch.setattr(authorizer, "CALLERS_REMEMBERED_MAX", number)
    users = [world.user(f"user{index}", ALLOW_ALL) for index in range(3)]

    for _ in range(2):
        for user in users:
            assert world.allowed(user, "sqs:SendMessage", QUEUE)
            assert len(world.authorizer._allowed) <= number
            assert len(world.authorizer._callers) <= number


def test_a_stored_policy_that_cannot_be_read_refuses_every_request(world, caplog):
    alice = world.user("alice", ALLOW_ALL)

    assert not world.allowed(alice, "sqs:SendMessage", QUEUE, Guard("000000000000", '{"Statement":'))
    assert "a decision failed" in caplog.text


def test_an_engine_that_would_have_to_wait_is_refused_loudly():
    class Remote(MemoryEngine):
        async def read(self, partitions, function, request):
            await asyncio.sleep(0)

    remote = authorizer.Authorizer(Remote(), ManualClock())
    with pytest.raises(RuntimeError, match="embedded"):
        remote.authorize(CallContext(principal=principal_model.root_of(), request_id="r"), (Check("a:b", "*"),), OWN)


# What a powerful user must not do: grow beyond his account or into its root.


def root_key_requests(world):
    root_id = world.root_credentials.access_key_id
    return (
        access_key_model.UpdateAccessKey(access_key=root_id, status=access_key_model.KeyStatus.INACTIVE),
        access_key_model.DeleteAccessKey(access_key=root_id),
        access_key_model.DeleteAccessKey(access_key=f"accounts/000000000000/accessKeys/{root_id}"),
        token_model.RevokePrincipalTokens(principal="arn:aws:iam::000000000000:root"),
        policy_model.ExplainAccess(principal="arn:aws:iam::000000000000:root", action="s3:GetObject", resource="*"),
    )


def test_nobody_but_root_touches_roots_keys_and_tokens(world):
    admin = world.user("admin", ALLOW_ALL)

    for request in root_key_requests(world):
        with refused("AccessDenied"):
            world.call(request, admin)
    with refused("ValidationError"):
        world.call(access_key_model.CreateAccessKey(user="arn:aws:iam::000000000000:root"), admin)
    assert world.call(token_model.GetCallerIdentity()).account == "000000000000"


def test_a_user_may_not_make_keys_for_others_with_a_right_on_himself(world):
    own = policy(statement("Allow", "iam:CreateAccessKey", "arn:aws:iam::000000000000:user/${aws:username}"))
    alice = world.user("alice", own)
    world.call(user_model.CreateUser(name="bob"))

    assert world.call(access_key_model.CreateAccessKey(), alice).access_key.user == "alice"
    for other in ("bob", "accounts/000000000000/users/bob", "arn:aws:iam::000000000000:user/bob"):
        with refused("AccessDenied"):
            world.call(access_key_model.CreateAccessKey(user=other), alice)


def test_a_delegate_may_attach_the_named_policy_and_no_other(world):
    rule = {"ArnEquals": {"iam:PolicyARN": "arn:aws:iam::000000000000:policy/harmless"}}
    delegate = world.user("delegate", policy(statement("Allow", "iam:AttachUserPolicy", Condition=rule)))
    world.call(policy_model.CreatePolicy(name="harmless", document=policy(statement("Allow", "sns:Publish"))))
    world.call(policy_model.CreatePolicy(name="all", document=ALLOW_ALL))

    world.call(policy_model.AttachUserPolicy(user="delegate", policy="harmless"), delegate)
    with refused("AccessDenied"):
        world.call(policy_model.AttachUserPolicy(user="delegate", policy="all"), delegate)


def test_another_accounts_root_sees_and_changes_nothing_here(world):
    other = world.account(OTHER)
    world.user("alice", ALLOW_ALL)
    world.call(policy_model.CreatePolicy(name="all", document=ALLOW_ALL))

    for request in (
        user_model.GetUser(user="accounts/000000000000/users/alice"),
        user_model.GetUser(user="accounts/000000000000/users/nobody"),
        access_key_model.CreateAccessKey(user="arn:aws:iam::000000000000:user/alice"),
        user_model.CreateUser(name="accounts/000000000000/users/mallory"),
        policy_model.AttachUserPolicy(
            user="accounts/000000000000/users/alice", policy="arn:aws:iam::000000000000:policy/all"
        ),
        policy_model.GetPolicy(policy="arn:aws:iam::000000000000:policy/all"),
        account_model.CreateAccount(account="999999999999"),
        account_model.ListAccounts(),
        policy_model.ExplainAccess(
            principal="arn:aws:iam::000000000000:user/alice", action="s3:GetObject", resource="*"
        ),
    ):
        with refused("AccessDenied"):
            world.call(request, other)
    assert world.call(user_model.ListUsers(), other).items == ()


def test_a_policy_of_another_account_cannot_be_attached(world):
    world.account(OTHER)
    world.call(user_model.CreateUser(name="alice"))

    with refused("ValidationError"):
        world.call(policy_model.AttachUserPolicy(user="alice", policy=f"arn:aws:iam::{OTHER}:policy/all"))


def test_whether_a_key_of_another_account_exists_does_not_show(world):
    world.user("alice")
    here = world.call(access_key_model.ListAccessKeys(user="alice")).items[0].access_key_id
    other = world.account(OTHER)
    messages = []

    for key_id in (here, "AKIAUNKNOWN000000000"):
        with refused("NoSuchEntity") as error:
            world.call(access_key_model.DeleteAccessKey(access_key=key_id), other)
        messages.append(error.value.message.replace(key_id, "KEY"))

    assert messages[0] == messages[1]


def test_a_key_is_not_reached_under_another_users_name(world):
    world.user("alice")
    key_id = world.call(access_key_model.ListAccessKeys(user="alice")).items[0].access_key_id

    with refused("NoSuchEntity"):
        world.call(access_key_model.DeleteAccessKey(access_key=f"accounts/000000000000/users/bob/accessKeys/{key_id}"))
    world.call(access_key_model.DeleteAccessKey(access_key=f"accounts/000000000000/users/alice/accessKeys/{key_id}"))


def test_only_the_first_account_makes_accounts_and_by_policy_its_users_do(world):
    clerk = world.user("clerk", policy(statement("Allow", "organizations:*")))
    alice = world.user("alice", policy(statement("Allow", "iam:*")))

    assert world.call(account_model.CreateAccount(account=OTHER), clerk).secret
    assert len(world.call(account_model.ListAccounts(), clerk).items) == 2
    with refused("AccessDenied"):
        world.call(account_model.CreateAccount(), alice)


# Explanations


def test_an_explanation_names_the_statement_that_allows(world):
    world.user("alice", policy(statement("Allow", "s3:Get*", "arn:aws:s3:::inbox/*", Sid="Read")))

    answer = world.call(
        policy_model.ExplainAccess(principal="alice", action="s3:GetObject", resource="arn:aws:s3:::inbox/a")
    )

    assert answer.outcome == "allowed"
    assert answer.reason == (
        "User: arn:aws:iam::000000000000:user/alice is authorized to perform: s3:GetObject on resource: "
        '"arn:aws:s3:::inbox/a" by an identity-based policy '
        "(policy accounts/000000000000/users/alice/inlinePolicies/inline0, statement Read)"
    )


def test_an_explanation_says_how_near_a_refused_request_came(world):
    world.user("alice", policy(statement("Allow", "s3:Get*", "arn:aws:s3:::inbox/*", Sid="Read")))

    answer = world.call(
        policy_model.ExplainAccess(principal="alice", action="s3:GetObject", resource="arn:aws:s3:::outbox/a")
    )

    assert answer.outcome == "implicitDeny"
    assert (
        "statement Read) fails on Resource: it wants arn:aws:s3:::inbox/*, the request has arn:aws:s3:::outbox/a"
        in (answer.reason)
    )


def test_an_explanation_takes_condition_keys_as_given(world):
    world.user("alice", policy(statement("Allow", "s3:*", Condition={"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}})))

    def outcome(**context):
        request = policy_model.ExplainAccess(
            principal="alice", action="s3:GetObject", resource="arn:aws:s3:::a/b", context=context
        )
        return world.call(request).outcome

    assert outcome() == "implicitDeny"
    assert outcome(**{"AWS:SourceIp": ("192.0.2.1",)}) == "allowed"


def test_everybody_may_ask_about_himself_and_only_with_permission_about_others(world):
    alice, bob = world.user("alice"), world.user("bob", policy(statement("Allow", "iam:SimulatePrincipalPolicy")))
    question: dict[str, Any] = {"action": "s3:GetObject", "resource": "arn:aws:s3:::outbox/a"}

    assert world.call(policy_model.ExplainAccess(**question), alice).outcome == "implicitDeny"
    assert world.call(policy_model.ExplainAccess(principal="alice", **question), bob).outcome == "implicitDeny"
    with refused("AccessDenied"):
        world.call(policy_model.ExplainAccess(principal="bob", **question), alice)
    assert world.call(policy_model.ExplainAccess(**question)).reason.endswith("as the root of its account")


def test_an_explanation_asks_the_resource_policies_that_rooms_know(world):
    alice = world.user("alice")
    grant = {
        **statement("Allow", "sqs:*", QUEUE, Sid="Ours"),
        "Principal": {"AWS": "arn:aws:iam::000000000000:user/alice"},
    }
    guards = {QUEUE: Guard("000000000000", queue_policy(world, grant))}

    async def guard_of(arn):
        return guards.get(arn)

    world.service.add_guard_source("sqs", guard_of)
    answer = world.call(policy_model.ExplainAccess(action="sqs:SendMessage", resource=QUEUE), alice)
    elsewhere = world.call(policy_model.ExplainAccess(action="sqs:SendMessage", resource=QUEUE + "2"), alice)

    assert answer.outcome == "allowed"
    assert [(it.policy, it.sid) for it in answer.matched] == [(QUEUE, "Ours")]
    assert elsewhere.outcome == "implicitDeny"


def test_an_explanation_shows_no_policy_of_another_account(world):
    alice = world.user("alice", ALLOW_ALL)
    grant = {**statement("Deny", "sqs:*", OTHER_QUEUE, Sid="Secret"), "Principal": "*"}

    async def guard_of(_):
        return Guard(OTHER, queue_policy(world, grant))

    world.service.add_guard_source("sqs", guard_of)
    answer = world.call(policy_model.ExplainAccess(action="sqs:SendMessage", resource=OTHER_QUEUE), alice)

    assert answer.outcome == "implicitDeny"
    assert not [it for it in answer.matched if it.sid == "Secret"]
    assert "Secret" not in answer.reason


@pytest.mark.parametrize(
    "question",
    [
        {"action": "s3:*", "resource": "*"},
        {"action": "GetObject", "resource": "*"},
        {"action": "", "resource": "*"},
        {"action": "s3:GetObject", "resource": "outbox/a"},
        {"action": "s3:GetObject", "resource": "arn:aws:s3:::" + "a" * 2_048},
        {"action": "s3:GetObject", "resource": "*", "context": {f"aws:k{n}": ("v",) for n in range(65)}},
        {"action": "s3:GetObject", "resource": "*", "context": {"aws:a": ("v",), "AWS:A": ("w",)}},
        {"action": "s3:GetObject", "resource": "*", "context": {"aws:a": ("v" * 2_049,)}},
    ],
)
def test_a_question_that_makes_no_sense_is_refused(world, question):
    with refused("ValidationError"):
        world.call(policy_model.ExplainAccess(**question))


def test_explaining_never_lets_a_request_through(world):
    alice = world.user("alice")
    world.call(policy_model.ExplainAccess(action="s3:GetObject", resource="arn:aws:s3:::a/b"), alice)

    with pytest.raises(ServiceError):
        world.authorizer.authorize(alice, (Check("s3:GetObject", "arn:aws:s3:::a/b"),), OWN)

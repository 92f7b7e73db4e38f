"""Tags of users and policies, what policies may ask of them, and new names."""

import json

import pytest

from cumulo.identity import access_key_model, account_model, group_model, policy_model, user_model
from tests.identity.world import ALLOW_ALL, World, refused, statement


@pytest.fixture
def world():
    made = World()
    yield made
    assert made.problems() == []


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def tags_of(world, name):
    return list(world.call(user_model.ListUserTags(user=name)).items)


def test_tags_are_set_replaced_without_regard_to_case_and_removed(world):
    world.call(user_model.CreateUser(name="alice", tags=(("Team", "a"), ("Cost", "1"))))
    world.call(user_model.TagUser(user="alice", tags=(("team", "b"), ("x", ""))))
    assert tags_of(world, "alice") == [("Cost", "1"), ("team", "b"), ("x", "")]

    world.call(user_model.UntagUser(user="alice", tag_keys=("TEAM", "nothing")))

    assert tags_of(world, "alice") == [("Cost", "1"), ("x", "")]
    assert world.call(user_model.GetUser(user="alice")).tags == (("Cost", "1"), ("x", ""))


def test_tags_are_listed_page_by_page(world):
    world.call(policy_model.CreatePolicy(name="p", document=ALLOW_ALL, tags=(("b", "2"), ("A", "1"), ("c", "3"))))

    first = world.call(policy_model.ListPolicyTags(policy="p", page_size=2))
    second = world.call(policy_model.ListPolicyTags(policy="p", page_size=2, page_token=first.next_page))

    assert (*first.items, *second.items) == (("A", "1"), ("b", "2"), ("c", "3"))
    assert second.next_page == ""


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ((("", "x"),), "ValidationError"),
        ((("k" * 129, "x"),), "ValidationError"),
        ((("k", "x" * 257),), "ValidationError"),
        ((("k\n", "x"),), "ValidationError"),
        ((("k", "${x}"),), "ValidationError"),
        ((("aws:k", "x"),), "ValidationError"),
        ((("k", "1"), ("K", "2")), "InvalidInput"),
        (tuple((f"k{number}", "") for number in range(51)), "ValidationError"),
    ],
)
def test_tags_outside_iams_rules_are_refused(world, tags, code):
    world.call(user_model.CreateUser(name="alice"))
    world.call(policy_model.CreatePolicy(name="p", document=ALLOW_ALL))

    for request in (
        user_model.TagUser(user="alice", tags=tags),
        policy_model.TagPolicy(policy="p", tags=tags),
        user_model.CreateUser(name="bob", tags=tags),
        policy_model.CreatePolicy(name="q", document=ALLOW_ALL, tags=tags),
    ):
        with refused(code):
            world.call(request)


def test_fifty_tags_are_the_most(world):
    world.call(user_model.CreateUser(name="alice", tags=tuple((f"k{number}", "v" * 256) for number in range(50))))

    with refused("LimitExceeded"):
        world.call(user_model.TagUser(user="alice", tags=(("one more", ""),)))


def test_a_policy_may_ask_for_the_tags_of_caller_resource_and_request(world):
    same_team = {"StringEquals": {"aws:ResourceTag/Team": "${aws:PrincipalTag/Team}"}}
    only_keys = {"ForAllValues:StringEquals": {"aws:TagKeys": ["Cost"]}, "Null": {"aws:TagKeys": "false"}}
    alice = world.user(
        "alice",
        policy(
            statement("Allow", "iam:GetUser", Condition=same_team),
            statement("Allow", "iam:TagUser", Condition=only_keys),
        ),
    )
    world.call(user_model.CreateUser(name="bob", tags=(("Team", "red"),)))

    with refused("AccessDenied"):
        world.call(user_model.GetUser(user="bob"), alice)
    world.call(user_model.TagUser(user="alice", tags=(("team", "red"),)))
    assert world.call(user_model.GetUser(user="bob"), alice).name == "bob"
    world.call(user_model.TagUser(user="alice", tags=(("team", "blue"),)))
    with refused("AccessDenied"):
        world.call(user_model.GetUser(user="bob"), alice)
    world.call(user_model.TagUser(user="bob", tags=(("Cost", "1"),)), alice)
    with refused("AccessDenied"):
        world.call(user_model.TagUser(user="bob", tags=(("Team", "blue"),)), alice)


def test_who_makes_something_with_tags_needs_the_right_to_tag(world):
    alice = world.user("alice", policy(statement("Allow", "iam:CreateUser")))

    world.call(user_model.CreateUser(name="bob"), alice)
    with refused("AccessDenied"):
        world.call(user_model.CreateUser(name="carol", tags=(("a", "b"),)), alice)


def test_a_renamed_user_keeps_his_id_keys_rights_and_groups(world):
    alice = world.user("alice", policy(statement("Allow", "sqs:SendMessage")))
    world.call(group_model.CreateGroup(name="staff"))
    world.call(group_model.AddUserToGroup(group="staff", user="alice"))
    before = world.call(user_model.GetUser(user="alice"))

    world.call(user_model.UpdateUser(user="alice", new_name="Alicia", new_path="/staff/"))

    after = world.call(user_model.GetUser(user="alicia"))
    assert (after.user_id, after.groups) == (before.user_id, ("staff",))
    assert after.arn == "arn:aws:iam::000000000000:user/staff/Alicia"
    assert [it.name for it in world.call(group_model.GetGroup(group="staff")).users.items] == ["Alicia"]
    assert world.allowed(alice, "sqs:SendMessage")
    assert world.call(user_model.ListGroupsForUser(user="Alicia")).items[0].name == "staff"
    with refused("NoSuchEntity"):
        world.call(user_model.GetUser(user="alice"))
    world.call(group_model.RemoveUserFromGroup(group="staff", user="Alicia"))


def test_a_new_name_must_be_free_and_a_change_of_case_is(world):
    world.call(user_model.CreateUser(name="alice"))
    world.call(user_model.CreateUser(name="bob"))
    world.call(group_model.CreateGroup(name="staff"))
    world.call(group_model.CreateGroup(name="crew"))

    with refused("EntityAlreadyExists"):
        world.call(user_model.UpdateUser(user="alice", new_name="BOB"))
    with refused("EntityAlreadyExists"):
        world.call(group_model.UpdateGroup(group="staff", new_name="Crew"))
    for request in (
        user_model.UpdateUser(user="alice", new_name="a/b"),
        group_model.UpdateGroup(group="staff", new_path="x"),
    ):
        with refused("ValidationError"):
            world.call(request)
    world.call(user_model.UpdateUser(user="alice", new_name="ALICE"))
    world.call(group_model.UpdateGroup(group="staff", new_name="STAFF", new_path="/x/"))
    assert world.call(user_model.GetUser(user="alice")).name == "ALICE"
    assert world.call(group_model.GetGroup(group="staff")).group.arn == "arn:aws:iam::000000000000:group/x/STAFF"


def test_a_renaming_needs_the_right_to_both_names(world):
    mine = "arn:aws:iam::000000000000:user/mine/*"
    alice = world.user("alice", policy(statement("Allow", "iam:UpdateUser", mine)))
    world.call(user_model.CreateUser(name="bob", path="/mine/"))

    with refused("AccessDenied"):
        world.call(user_model.UpdateUser(user="bob", new_path="/theirs/"), alice)
    world.call(user_model.UpdateUser(user="bob", new_name="robert"), alice)


def test_the_owner_of_a_key_and_the_sum_of_things_are_told(world):
    alice = world.user("alice")
    world.call(group_model.CreateGroup(name="staff"))

    key = world.call(access_key_model.GetAccessKeyLastUsed(access_key=alice.principal.access_key_id))

    assert key.user == "alice"
    assert world.call(account_model.GetAccountSummary()) == account_model.AccountSummary(
        users=1, groups=1, policies=0, root_keys=1
    )

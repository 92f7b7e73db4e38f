"""Versions of managed policies, the policies that AWS provides, and who has what."""

import json

import pytest

from cumulo.identity import group_model, policy_model, user_model
from cumulo.identity.built_in_policies import DOCUMENTS, IDS
from cumulo.identity.policy import DocumentKind, parse_policy
from tests.identity.world import ALLOW_ALL, World, refused, statement

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:jobs"


@pytest.fixture
def world():
    made = World()
    yield made
    assert made.problems() == []


def document(action):
    return json.dumps({"Version": "2012-10-17", "Statement": [statement("Allow", action)]})


def versions(world, name="p"):
    return [(it.version_id, it.is_default) for it in world.call(policy_model.ListPolicyVersions(policy=name)).items]


def add(world, action, *, is_default=False):
    request = policy_model.CreatePolicyVersion(policy="p", document=document(action), is_default=is_default)
    return world.call(request).version_id


def test_the_default_version_counts_and_each_version_keeps_its_document(world):
    world.call(policy_model.CreatePolicy(name="p", document=document("sqs:SendMessage")))
    alice = world.user("alice")
    world.call(policy_model.AttachUserPolicy(user="alice", policy="p"))

    assert add(world, "sqs:ReceiveMessage") == "v2"
    assert world.allowed(alice, "sqs:SendMessage", QUEUE)
    assert add(world, "sqs:DeleteMessage", is_default=True) == "v3"
    assert world.allowed(alice, "sqs:DeleteMessage", QUEUE)
    assert not world.allowed(alice, "sqs:SendMessage", QUEUE)
    world.call(policy_model.SetDefaultPolicyVersion(policy="p", version_id="v2"))
    assert world.allowed(alice, "sqs:ReceiveMessage", QUEUE)

    assert versions(world) == [("v3", False), ("v2", True), ("v1", False)]
    for version_id, action in (("v1", "SendMessage"), ("v2", "ReceiveMessage"), ("v3", "DeleteMessage")):
        found = world.call(policy_model.GetPolicyVersion(policy="p", version_id=version_id))
        assert found.document == document(f"sqs:{action}")
    assert world.call(policy_model.GetPolicy(policy="p")).default_version_id == "v2"


def test_a_version_number_is_never_given_twice_and_five_are_the_most(world):
    world.call(policy_model.CreatePolicy(name="p", document=ALLOW_ALL))
    for number in range(2, 6):
        assert add(world, "s3:*") == f"v{number}"
    with refused("LimitExceeded"):
        add(world, "s3:*")

    world.call(policy_model.DeletePolicyVersion(policy="p", version_id="v5"))

    assert add(world, "s3:*") == "v6"
    assert [it for it, _ in versions(world)] == ["v6", "v4", "v3", "v2", "v1"]


def test_the_default_version_and_a_policy_with_others_are_not_deleted(world):
    world.call(policy_model.CreatePolicy(name="p", document=ALLOW_ALL))
    add(world, "s3:*", is_default=True)

    with refused("DeleteConflict"):
        world.call(policy_model.DeletePolicyVersion(policy="p", version_id="v2"))
    with refused("DeleteConflict"):
        world.call(policy_model.DeletePolicy(policy="p"))
    world.call(policy_model.DeletePolicyVersion(policy="p", version_id="v1"))
    world.call(policy_model.UpdatePolicy(policy="p", document=document("sqs:*")))
    assert world.call(policy_model.GetPolicyVersion(policy="p", version_id="v2")).document == document("sqs:*")
    world.call(policy_model.DeletePolicy(policy="p"))


@pytest.mark.parametrize("version_id", ["v2", "v0", "1", "v01", ""])
def test_a_version_that_does_not_exist_is_said_so(world, version_id):
    world.call(policy_model.CreatePolicy(name="p", document=ALLOW_ALL))

    for request in (
        policy_model.GetPolicyVersion,
        policy_model.SetDefaultPolicyVersion,
        policy_model.DeletePolicyVersion,
    ):
        with refused("NoSuchEntity"):
            world.call(request(policy="p", version_id=version_id))


def test_a_policy_of_aws_is_attached_counted_and_detached(world):
    alice = world.user("alice")
    world.call(group_model.CreateGroup(name="staff"))

    world.call(policy_model.AttachUserPolicy(user="alice", policy=ADMINISTRATOR))
    world.call(policy_model.AttachUserPolicy(user="alice", policy=ADMINISTRATOR))
    world.call(policy_model.AttachGroupPolicy(group="staff", policy=ADMINISTRATOR))

    assert world.allowed(alice, "sqs:SendMessage", QUEUE)
    assert world.call(policy_model.GetPolicy(policy=ADMINISTRATOR)).attachment_count == 2
    assert [it.arn for it in world.call(policy_model.ListAttachedPolicies(user="alice")).items] == [ADMINISTRATOR]
    assert world.problems() == []
    world.call(policy_model.DetachUserPolicy(user="alice", policy=ADMINISTRATOR))
    world.call(policy_model.DetachGroupPolicy(group="staff", policy=ADMINISTRATOR))
    assert not world.allowed(alice, "sqs:SendMessage", QUEUE)
    assert world.call(policy_model.GetPolicy(policy=ADMINISTRATOR)).attachment_count == 0
    with refused("NoSuchEntity"):
        world.call(policy_model.DetachUserPolicy(user="alice", policy=ADMINISTRATOR))


def test_attachments_of_aws_policies_are_each_accounts_own(world):
    other = world.account("123456789012")
    world.call(user_model.CreateUser(name="bob"), other)

    world.call(policy_model.AttachUserPolicy(user="bob", policy=ADMINISTRATOR), other)

    assert world.call(policy_model.GetPolicy(policy=ADMINISTRATOR), other).attachment_count == 1
    assert world.call(policy_model.GetPolicy(policy=ADMINISTRATOR)).attachment_count == 0


@pytest.mark.parametrize(
    "request_",
    [
        policy_model.DeletePolicy(policy=ADMINISTRATOR),
        policy_model.CreatePolicyVersion(policy=ADMINISTRATOR, document=ALLOW_ALL, is_default=True),
        policy_model.SetDefaultPolicyVersion(policy=ADMINISTRATOR, version_id="v1"),
        policy_model.DeletePolicyVersion(policy=ADMINISTRATOR, version_id="v1"),
        policy_model.UpdatePolicy(policy=ADMINISTRATOR, document=ALLOW_ALL),
        policy_model.TagPolicy(policy=ADMINISTRATOR, tags=(("a", "b"),)),
        policy_model.UntagPolicy(policy=ADMINISTRATOR, tag_keys=("a",)),
    ],
)
def test_what_aws_provides_nobody_changes_not_even_the_root(world, request_):
    with refused("AccessDenied"):
        world.call(request_)

    assert (
        world.call(policy_model.GetPolicyVersion(policy=ADMINISTRATOR, version_id="v1")).document
        == (DOCUMENTS[IDS["AdministratorAccess"]])
    )


@pytest.mark.parametrize("name", sorted(IDS))
def test_each_policy_of_aws_is_one_that_could_be_stored(name):
    parse_policy(DOCUMENTS[IDS[name]], DocumentKind.MANAGED)


@pytest.mark.parametrize("arn", ["arn:aws:iam::aws:policy/Nothing", "arn:aws:iam::aws:policy/x/AdministratorAccess"])
def test_a_policy_that_aws_does_not_provide_here_cannot_be_attached(world, arn):
    world.call(user_model.CreateUser(name="alice"))

    with refused("NoSuchEntity"):
        world.call(policy_model.AttachUserPolicy(user="alice", policy=arn))


@pytest.mark.parametrize("scope", list(policy_model.PolicyScope))
@pytest.mark.parametrize("size", [1, 3, len(IDS), 100])
def test_policies_are_listed_by_scope_page_by_page(world, scope, size):
    for name in ("a", "b", "c"):
        world.call(policy_model.CreatePolicy(name=name, document=ALLOW_ALL))

    found, token = [], ""
    while True:
        page = world.call(policy_model.ListPolicies(scope=scope, page_size=size, page_token=token))
        assert len(page.items) <= size
        found += [it.name for it in page.items]
        token = page.next_page
        if not token:
            break

    theirs = [] if scope is policy_model.PolicyScope.LOCAL else sorted(IDS)
    assert found == theirs + ([] if scope is policy_model.PolicyScope.AWS else ["a", "b", "c"])


def test_only_attached_policies_are_listed_where_that_is_asked(world):
    for name in ("a", "b"):
        world.call(policy_model.CreatePolicy(name=name, document=ALLOW_ALL))
    world.call(user_model.CreateUser(name="alice"))
    world.call(policy_model.AttachUserPolicy(user="alice", policy="b"))
    world.call(policy_model.AttachUserPolicy(user="alice", policy=ADMINISTRATOR))

    listed = world.call(policy_model.ListPolicies(scope=policy_model.PolicyScope.ALL, only_attached=True)).items

    assert [(it.name, it.attachment_count) for it in listed] == [("AdministratorAccess", 1), ("b", 1)]


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_who_has_a_policy_is_found_page_by_page(world, size):
    world.call(policy_model.CreatePolicy(name="p", document=ALLOW_ALL))
    for name in ("a", "b", "c", "d"):
        world.call(user_model.CreateUser(name=name, path="/x/" if name == "d" else "/"))
        world.call(group_model.CreateGroup(name=f"g{name}"))
    for name in ("b", "d"):
        world.call(policy_model.AttachUserPolicy(user=name, policy="p"))
        world.call(policy_model.AttachGroupPolicy(group=f"g{name}", policy="p"))

    def found(**rest):
        users, groups, token = [], [], ""
        while True:
            request = policy_model.ListEntitiesForPolicy(policy="p", page_size=size, page_token=token, **rest)
            page = world.call(request)
            users += [it.name for it in page.items[0].users]
            groups += [it.name for it in page.items[0].groups]
            token = page.next_page
            if not token:
                return users, groups

    assert found() == (["b", "d"], ["gb", "gd"])
    assert found(groups=False) == (["b", "d"], [])
    assert found(users=False) == ([], ["gb", "gd"])
    assert found(path_prefix="/x/") == (["d"], [])

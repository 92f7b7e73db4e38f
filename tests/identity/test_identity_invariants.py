"""The checker sees each thing that must not be; and a random life of a directory leaves nothing for it to see."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cumulo.core.errors import ServiceError
from cumulo.core.names import FIRST_ACCOUNT
from cumulo.identity import access_key_model, directory, group_model, keys, names, policy_model, user_model
from cumulo.identity.policy import counted_size
from cumulo.storage.engine import ROOT
from tests.identity.policy_interpreter import Asked, Texts, interpret
from tests.identity.world import ALLOW_ALL, World, statement

NAMES = ("alice", "Alice", "bob", "carol")
GROUPS = ("staff", "admins")
POLICIES = ("send", "read", "none")
INLINE = ("one", "two")
ACTIONS = ("sqs:SendMessage", "sqs:ReceiveMessage", "s3:GetObject", "s3:PutObject")
RESOURCES = ("arn:aws:sqs:us-east-1:000000000000:jobs", "arn:aws:s3:::inbox/a", "arn:aws:s3:::outbox/alice/a")
PATTERNS = ("*", "arn:aws:sqs:*:*:jobs", "arn:aws:s3:::inbox/*", "arn:aws:s3:::outbox/${aws:username}/*")

documents = st.lists(
    st.builds(
        statement,
        st.sampled_from(("Allow", "Allow", "Deny")),
        st.sampled_from((*ACTIONS, "sqs:*", "s3:*", "*")),
        st.sampled_from(PATTERNS),
    ),
    min_size=1,
    max_size=2,
).map(lambda statements: json.dumps({"Version": "2012-10-17", "Statement": statements}))


def test_all_is_well_after_a_start_and_before_one(tmp_path):
    world = World()

    assert world.problems() == []


def corrupted(change):
    """Return what the checker finds after `change(txn, user_id)` in a small directory."""
    world = World()
    world.user("alice", ALLOW_ALL)
    world.call(group_model.CreateGroup(name="staff"))
    world.call(group_model.AddUserToGroup(group="staff", user="alice"))
    world.call(policy_model.CreatePolicy(name="all", document=ALLOW_ALL))
    world.call(policy_model.AttachUserPolicy(user="alice", policy="all"))
    world.call(policy_model.AttachUserPolicy(user="alice", policy="arn:aws:iam::aws:policy/AdministratorAccess"))
    world.call(policy_model.CreatePolicyVersion(policy="all", document=ALLOW_ALL))
    assert world.problems() == []
    user_id = world.call(user_model.GetUser(user="alice")).user_id
    world.run(world.engine.transact((ROOT,), change, user_id))
    return world.problems()


def forget(subspace):
    def change(txn, _):
        for key, _ in txn.range(subspace, subspace + b"\xff", 100):
            txn.delete(key)

    return change


def alter(**fields):
    def change(txn, user_id):
        record = directory.user(txn, user_id)
        assert record is not None
        directory.put_user(txn, user_id, msgspec.structs.replace(record, **fields))

    return change


def miscount(txn, _):
    account = directory.require_account(txn, FIRST_ACCOUNT)
    directory.put_account(txn, FIRST_ACCOUNT, msgspec.structs.replace(account, built_in=()))


def alter_policy(**fields):
    def change(txn, _):
        policy_id = directory.id_of(txn, names.POLICY, FIRST_ACCOUNT, "all")
        record = directory.policy(txn, policy_id)
        assert record is not None
        directory.put_policy(txn, policy_id, msgspec.structs.replace(record, **fields))

    return change


def unreadable(txn, user_id):
    txn.put(keys.row(keys.USER_POLICIES, user_id, "inline0"), b"x" * counted_size(ALLOW_ALL))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (forget(keys.ACCOUNTS), "first account"),
        (forget(keys.USERS), "which does not exist"),
        (forget(keys.USER_NAMES), "does not lead from its name"),
        (forget(keys.USER_POLICIES), "is missing or not of"),
        (forget(keys.GROUPS), "which does not exist"),
        (forget(keys.MEMBERS), "does not know him"),
        (forget(keys.POLICIES), "do not stand together"),
        (forget(keys.POLICY_DOCUMENTS), "do not stand together"),
        (forget(keys.ACCESS_KEYS), "does not exist"),
        (forget(keys.SIGNING_KEYS), "0 signing keys"),
        (alter(attached=()), "attached 0 times and notes 1"),
        (alter(groups=()), "who does not know it"),
        (alter(inline=()), "belongs to nobody"),
        (alter(access_keys=()), "does not know it"),
        (alter(account="123456789012"), "does not exist"),
        (miscount, "notes another number of attachments"),
        (forget(keys.POLICY_VERSIONS), "the document of version v2 is missing"),
        (alter_policy(default=3), "do not fit its default 3"),
        (alter_policy(newest=1), "do not fit its default 1"),
        (alter_policy(versions=((1, 0),)), "version v2 belongs to nothing"),
        (unreadable, "cannot be read"),
    ],
)
def test_the_checker_sees_what_must_not_be(change, words):
    assert any(words in problem for problem in corrupted(change))


class Life(RuleBasedStateMachine):
    """Users, groups and policies beside plain dictionaries; rights beside the naive interpreter."""

    def __init__(self):
        super().__init__()
        self.world = World()
        self.users: dict[str, dict[str, Any]] = {}
        self.groups: dict[str, dict[str, Any]] = {}
        self.policies: dict[str, str] = {}

    def attempt(self, request, expected):
        """Run a request; it must succeed, or fail with the code that the model expects."""
        try:
            answer = self.world.call(request)
        except ServiceError as error:
            if error.row.code != expected:
                raise
            return None
        assert expected == "", f"{request} should have been refused with {expected}"
        return answer

    def known(self, name, *groups):
        return "" if name.lower() in self.users and all(group in self.groups for group in groups) else "NoSuchEntity"

    @rule(name=st.sampled_from(NAMES))
    def create_user(self, name):
        taken = name.lower() in self.users
        made = self.attempt(user_model.CreateUser(name=name), "EntityAlreadyExists" if taken else "")
        if made is not None:
            key = self.world.call(access_key_model.CreateAccessKey(user=name))
            token = self.world.token(key.access_key.access_key_id, key.secret)
            self.users[name.lower()] = {
                "name": name,
                "key": key.access_key.access_key_id,
                "active": True,
                "token": token.text,
                "ctx": self.world.context(token.text),
                "inline": {},
                "groups": set(),
                "attached": set(),
            }

    @rule(name=st.sampled_from(NAMES))
    def delete_user(self, name):
        user = self.users.get(name.lower())
        has = user is not None and (user["key"] or user["inline"] or user["groups"] or user["attached"])
        self.attempt(
            user_model.DeleteUser(user=name), "NoSuchEntity" if user is None else "DeleteConflict" if has else ""
        )
        if user is not None and not has:
            self.gone(user)
            del self.users[name.lower()]

    @rule(name=st.sampled_from(NAMES))
    def strip_user(self, name):
        user = self.users.get(name.lower())
        if user is None:
            return
        for policy in sorted(user["inline"]):
            self.world.call(policy_model.DeleteUserPolicy(user=name, policy_name=policy))
        for group in sorted(user["groups"]):
            self.world.call(group_model.RemoveUserFromGroup(user=name, group=group))
        for policy in sorted(user["attached"]):
            self.world.call(policy_model.DetachUserPolicy(user=name, policy=policy))
        user.update(inline={}, groups=set(), attached=set())

    @rule(name=st.sampled_from(NAMES))
    def delete_key(self, name):
        user = self.users.get(name.lower())
        if user is not None and user["key"]:
            self.world.call(access_key_model.DeleteAccessKey(access_key=user["key"]))
            user.update(key="", active=False)

    @rule(name=st.sampled_from(NAMES), active=st.booleans())
    def switch_key(self, name, active):
        user = self.users.get(name.lower())
        if user is not None and user["key"]:
            status = access_key_model.KeyStatus.ACTIVE if active else access_key_model.KeyStatus.INACTIVE
            self.world.call(access_key_model.UpdateAccessKey(access_key=user["key"], status=status))
            user["active"] = active

    @rule(group=st.sampled_from(GROUPS))
    def create_group(self, group):
        self.attempt(group_model.CreateGroup(name=group), "EntityAlreadyExists" if group in self.groups else "")
        self.groups.setdefault(group, {"attached": set(), "inline": {}})

    @rule(group=st.sampled_from(GROUPS))
    def delete_group(self, group):
        it = self.groups.get(group)
        has = it is not None and (
            it["attached"] or it["inline"] or any(group in user["groups"] for user in self.users.values())
        )
        self.attempt(
            group_model.DeleteGroup(group=group), "NoSuchEntity" if it is None else "DeleteConflict" if has else ""
        )
        if not has:
            self.groups.pop(group, None)

    @rule(name=st.sampled_from(NAMES), group=st.sampled_from(GROUPS))
    def join(self, name, group):
        self.attempt(group_model.AddUserToGroup(user=name, group=group), expected := self.known(name, group))
        if not expected:
            self.users[name.lower()]["groups"].add(group)

    @rule(name=st.sampled_from(NAMES), group=st.sampled_from(GROUPS))
    def leave(self, name, group):
        is_in = not self.known(name, group) and group in self.users[name.lower()]["groups"]
        self.attempt(group_model.RemoveUserFromGroup(user=name, group=group), "" if is_in else "NoSuchEntity")
        if is_in:
            self.users[name.lower()]["groups"].remove(group)

    @rule(policy=st.sampled_from(POLICIES), document=documents)
    def create_policy(self, policy, document):
        taken = policy in self.policies
        self.attempt(policy_model.CreatePolicy(name=policy, document=document), "EntityAlreadyExists" if taken else "")
        self.policies.setdefault(policy, document)

    @rule(policy=st.sampled_from(POLICIES), document=documents)
    def update_policy(self, policy, document):
        known = policy in self.policies
        self.attempt(policy_model.UpdatePolicy(policy=policy, document=document), "" if known else "NoSuchEntity")
        if known:
            self.policies[policy] = document

    @rule(policy=st.sampled_from(POLICIES))
    def delete_policy(self, policy):
        known = policy in self.policies
        bearers = [*self.users.values(), *self.groups.values()]
        attached = any(policy in it["attached"] for it in bearers)
        expected = "NoSuchEntity" if not known else "DeleteConflict" if attached else ""
        self.attempt(policy_model.DeletePolicy(policy=policy), expected)
        if not expected:
            del self.policies[policy]

    @rule(name=st.sampled_from(NAMES), policy=st.sampled_from(POLICIES))
    def attach_to_user(self, name, policy):
        expected = self.known(name) or ("" if policy in self.policies else "NoSuchEntity")
        self.attempt(policy_model.AttachUserPolicy(user=name, policy=policy), expected)
        if not expected:
            self.users[name.lower()]["attached"].add(policy)

    @rule(name=st.sampled_from(NAMES), policy=st.sampled_from(POLICIES))
    def detach_from_user(self, name, policy):
        has = not self.known(name) and policy in self.users[name.lower()]["attached"]
        self.attempt(policy_model.DetachUserPolicy(user=name, policy=policy), "" if has else "NoSuchEntity")
        if has:
            self.users[name.lower()]["attached"].remove(policy)

    @rule(group=st.sampled_from(GROUPS), policy=st.sampled_from(POLICIES), attach=st.booleans())
    def attach_to_group(self, group, policy, attach):
        known = group in self.groups and policy in self.policies
        has = known and policy in self.groups[group]["attached"]
        if attach:
            self.attempt(policy_model.AttachGroupPolicy(group=group, policy=policy), "" if known else "NoSuchEntity")
            if known:
                self.groups[group]["attached"].add(policy)
        else:
            self.attempt(policy_model.DetachGroupPolicy(group=group, policy=policy), "" if has else "NoSuchEntity")
            if has:
                self.groups[group]["attached"].remove(policy)

    @rule(name=st.sampled_from(NAMES), policy=st.sampled_from(INLINE), document=documents)
    def put_inline(self, name, policy, document):
        expected = self.known(name)
        self.attempt(policy_model.PutUserPolicy(user=name, policy_name=policy, document=document), expected)
        if not expected:
            self.users[name.lower()]["inline"][policy] = document

    @rule(group=st.sampled_from(GROUPS), policy=st.sampled_from(INLINE), document=documents)
    def put_inline_of_group(self, group, policy, document):
        known = group in self.groups
        request = policy_model.PutGroupPolicy(group=group, policy_name=policy, document=document)
        self.attempt(request, "" if known else "NoSuchEntity")
        if known:
            self.groups[group]["inline"][policy] = document

    @precondition(lambda self: self.users)
    @rule(data=st.data(), action=st.sampled_from(ACTIONS), resource=st.sampled_from(RESOURCES))
    def ask(self, data, action, resource):
        user = self.users[data.draw(st.sampled_from(sorted(self.users)))]
        if not user["active"]:
            self.gone(user)
            return
        assert self.world.credentials.authenticate(user["token"]).principal == user["ctx"].principal
        groups = [self.groups[group] for group in user["groups"]]
        attached = user["attached"].union(*(group["attached"] for group in groups))
        texts = [*user["inline"].values(), *(text for group in groups for text in group["inline"].values())]
        texts += [self.policies[policy] for policy in attached]
        asked = Asked(user["ctx"].principal, action, resource, "000000000000", {"aws:username": user["name"]})

        expected = interpret(asked, Texts(identity=texts)) == "allowed"

        assert self.world.allowed(user["ctx"], action, resource) is expected

    def gone(self, user):
        """A credential that ended is refused at once, everywhere."""
        for use in (
            lambda: self.world.credentials.authenticate(user["token"]),
            lambda: self.world.allowed(user["ctx"], ACTIONS[0], RESOURCES[0]),
        ):
            with pytest.raises(ServiceError, match="InvalidClientTokenId"):
                use()

    @invariant()
    def the_directory_is_sound_and_lists_what_the_model_has(self):
        assert self.world.problems() == []
        listed = [user.name for user in self.world.call(user_model.ListUsers()).items]
        assert listed == [self.users[name]["name"] for name in sorted(self.users)]
        assert [group.name for group in self.world.call(group_model.ListGroups()).items] == sorted(self.groups)
        assert [policy.name for policy in self.world.call(policy_model.ListPolicies()).items] == sorted(self.policies)


Life.TestCase.settings = settings(max_examples=40, stateful_step_count=40)
test_a_random_life_agrees_with_plain_dictionaries_and_the_naive_interpreter = Life.TestCase

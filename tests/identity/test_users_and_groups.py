"""Users, groups, access keys and accounts: IAM's names, limits and order of deletion."""

import pytest

from cumulo.core.errors import ServiceError
from cumulo.identity import (
    access_key_model,
    account_model,
    group_model,
    keys,
    owners,
    policy_model,
    principal_model,
    token_model,
    user_model,
)
from cumulo.storage import records, tuples
from cumulo.storage.engine import ROOT
from tests.identity.world import ALLOW_ALL, World, refused


@pytest.fixture
def world():
    made = World()
    yield made
    assert made.problems() == []


def test_user_names_are_unique_without_regard_to_case(world):
    world.call(user_model.CreateUser(name="Alice"))

    with refused("EntityAlreadyExists"):
        world.call(user_model.CreateUser(name="aLICE"))

    assert world.call(user_model.GetUser(user="ALICE")).name == "Alice"


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "alice ",
        " alice",
        "al ice",
        "ali\u0441e",
        "a\u0301",
        "a/b",
        "../b",
        "*",
        "${aws:userid}",
        "a\n",
        "a" * 65,
    ],
)
def test_a_name_outside_iams_rules_is_refused(world, name):
    with refused("ValidationError"):
        world.call(user_model.CreateUser(name=name))


@pytest.mark.parametrize(
    "path", ["", "a", "/a", "a/", "//", "/a//b/", "/a*/", "/a b/", "/\u00e9/", "/" + "a" * 511 + "/"]
)
def test_a_path_outside_iams_rules_is_refused(world, path):
    with refused("ValidationError"):
        world.call(user_model.CreateUser(name="alice", path=path))


@pytest.mark.parametrize(
    "spelling", ["bob", "BOB", "accounts/000000000000/users/bob", "arn:aws:iam::000000000000:user/x/bob"]
)
def test_a_user_is_named_by_short_name_full_name_or_arn(world, spelling):
    world.call(user_model.CreateUser(name="bob", path="/x/"))

    assert world.call(user_model.GetUser(user=spelling)).arn == "arn:aws:iam::000000000000:user/x/bob"


@pytest.mark.parametrize(
    "spelling",
    [
        "accounts/000000000000/groups/bob",
        "accounts/1/users/bob",
        "users/bob",
        "arn:aws:iam::000000000000:group/bob",
        "arn:aws:iam:us-east-1:000000000000:user/bob",
        "arn:aws:iam::000000000000:root",
        "arn:aws:s3:::bob",
    ],
)
def test_a_name_of_something_else_is_refused(world, spelling):
    with refused("ValidationError"):
        world.call(user_model.GetUser(user=spelling))


def test_an_arn_with_another_path_names_nobody(world):
    world.call(user_model.CreateUser(name="bob", path="/x/"))

    with refused("NoSuchEntity"):
        world.call(user_model.GetUser(user="arn:aws:iam::000000000000:user/bob"))


def test_a_user_who_is_made_anew_gets_another_id_and_none_of_the_old_rights(world):
    alice = world.user("alice", ALLOW_ALL)
    old_id = alice.principal.id
    key_id = alice.principal.access_key_id
    world.call(access_key_model.DeleteAccessKey(access_key=key_id))
    world.call(policy_model.DeleteUserPolicy(user="alice", policy_name="inline0"))
    world.call(user_model.DeleteUser(user="alice"))

    anew = world.user("alice")

    assert anew.principal.id != old_id
    assert not world.allowed(anew, "sqs:SendMessage")


@pytest.mark.parametrize(
    ("give", "take", "first"),
    [
        (access_key_model.CreateAccessKey(user="alice"), None, "delete access keys"),
        (
            group_model.AddUserToGroup(group="staff", user="alice"),
            group_model.RemoveUserFromGroup(group="staff", user="alice"),
            "remove user from groups",
        ),
        (
            policy_model.AttachUserPolicy(user="alice", policy="all"),
            policy_model.DetachUserPolicy(user="alice", policy="all"),
            "detach all policies",
        ),
        (
            policy_model.PutUserPolicy(user="alice", policy_name="own", document=ALLOW_ALL),
            policy_model.DeleteUserPolicy(user="alice", policy_name="own"),
            "delete policies",
        ),
    ],
)
def test_a_user_goes_only_after_everything_that_he_has(world, give, take, first):
    world.call(user_model.CreateUser(name="alice"))
    world.call(group_model.CreateGroup(name="staff"))
    world.call(policy_model.CreatePolicy(name="all", document=ALLOW_ALL))
    made = world.call(give)

    with pytest.raises(ServiceError, match=f"must {first} first"):
        world.call(user_model.DeleteUser(user="alice"))
    world.call(take or access_key_model.DeleteAccessKey(access_key=made.access_key.access_key_id))
    world.call(user_model.DeleteUser(user="alice"))

    with refused("NoSuchEntity"):
        world.call(user_model.GetUser(user="alice"))


@pytest.mark.parametrize(
    ("give", "take", "first"),
    [
        (
            group_model.AddUserToGroup(group="staff", user="alice"),
            group_model.RemoveUserFromGroup(group="staff", user="alice"),
            "remove users from group",
        ),
        (
            policy_model.AttachGroupPolicy(group="staff", policy="all"),
            policy_model.DetachGroupPolicy(group="staff", policy="all"),
            "detach all policies",
        ),
        (
            policy_model.PutGroupPolicy(group="staff", policy_name="own", document=ALLOW_ALL),
            policy_model.DeleteGroupPolicy(group="staff", policy_name="own"),
            "delete policies",
        ),
    ],
)
def test_a_group_goes_only_after_everything_that_it_has(world, give, take, first):
    world.call(user_model.CreateUser(name="alice"))
    world.call(group_model.CreateGroup(name="staff"))
    world.call(policy_model.CreatePolicy(name="all", document=ALLOW_ALL))
    world.call(give)

    with pytest.raises(ServiceError, match=f"must {first} first"):
        world.call(group_model.DeleteGroup(group="staff"))
    world.call(take)
    world.call(group_model.DeleteGroup(group="staff"))

    with refused("NoSuchEntity"):
        world.call(group_model.GetGroup(group="staff"))


def test_an_attached_policy_is_not_deleted(world):
    world.call(user_model.CreateUser(name="alice"))
    world.call(policy_model.CreatePolicy(name="all", document=ALLOW_ALL))
    world.call(policy_model.AttachUserPolicy(user="alice", policy="all"))

    with refused("DeleteConflict"):
        world.call(policy_model.DeletePolicy(policy="all"))
    world.call(policy_model.DetachUserPolicy(user="alice", policy="all"))
    world.call(policy_model.DeletePolicy(policy="all"))

    with refused("NoSuchEntity"):
        world.call(policy_model.GetPolicy(policy="all"))


def test_attaching_and_joining_twice_changes_nothing(world):
    world.call(user_model.CreateUser(name="alice"))
    world.call(group_model.CreateGroup(name="staff"))
    world.call(policy_model.CreatePolicy(name="all", document=ALLOW_ALL))
    for _ in range(2):
        world.call(policy_model.AttachUserPolicy(user="alice", policy="all"))
        world.call(policy_model.AttachGroupPolicy(group="staff", policy="all"))
        world.call(group_model.AddUserToGroup(group="staff", user="alice"))

    assert world.call(policy_model.GetPolicy(policy="all")).attachment_count == 2
    assert world.call(user_model.GetUser(user="alice")).groups == ("staff",)


@pytest.mark.parametrize(
    "request_",
    [
        policy_model.DetachUserPolicy(user="alice", policy="all"),
        policy_model.DetachGroupPolicy(group="staff", policy="all"),
        group_model.RemoveUserFromGroup(user="alice", group="staff"),
        policy_model.DeleteUserPolicy(user="alice", policy_name="own"),
        policy_model.GetGroupPolicy(group="staff", policy_name="own"),
        policy_model.AttachUserPolicy(user="alice", policy="none"),
        policy_model.AttachUserPolicy(user="nobody", policy="all"),
        group_model.AddUserToGroup(user="nobody", group="staff"),
        group_model.AddUserToGroup(user="alice", group="none"),
        access_key_model.CreateAccessKey(user="nobody"),
        access_key_model.DeleteAccessKey(access_key="AKIA0000000000000000"),
        policy_model.GetPolicy(policy="none"),
        token_model.RevokePrincipalTokens(principal="nobody"),
        policy_model.ExplainAccess(principal="nobody", action="s3:GetObject", resource="*"),
    ],
)
def test_what_does_not_exist_is_no_such_entity(world, request_):
    world.call(user_model.CreateUser(name="alice"))
    world.call(group_model.CreateGroup(name="staff"))
    world.call(policy_model.CreatePolicy(name="all", document=ALLOW_ALL))

    with refused("NoSuchEntity"):
        world.call(request_)


def test_a_user_has_at_most_two_keys(world):
    world.call(user_model.CreateUser(name="alice"))
    made = [world.call(access_key_model.CreateAccessKey(user="alice")) for _ in range(2)]

    with refused("LimitExceeded"):
        world.call(access_key_model.CreateAccessKey(user="alice"))

    listed = world.call(access_key_model.ListAccessKeys(user="alice"))
    assert {key.access_key_id for key in listed.items} == {it.access_key.access_key_id for it in made}
    assert all(it.access_key.access_key_id.startswith("AKIA") for it in made)


def test_a_user_is_in_at_most_ten_groups_and_has_at_most_ten_attached_policies(world):
    world.call(user_model.CreateUser(name="alice"))
    for index in range(11):
        world.call(group_model.CreateGroup(name=f"group{index}"))
        world.call(policy_model.CreatePolicy(name=f"policy{index}", document=ALLOW_ALL))
    for index in range(10):
        world.call(group_model.AddUserToGroup(group=f"group{index}", user="alice"))
        world.call(policy_model.AttachUserPolicy(user="alice", policy=f"policy{index}"))

    with refused("LimitExceeded"):
        world.call(group_model.AddUserToGroup(group="group10", user="alice"))
    with refused("LimitExceeded"):
        world.call(policy_model.AttachUserPolicy(user="alice", policy="policy10"))


def test_all_inline_policies_of_a_user_have_one_limit_together(world):
    world.call(user_model.CreateUser(name="alice"))
    actions = ",".join(f'"sqs:Action{index:04d}"' for index in range(60))
    document = f'{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":[{actions}],"Resource":"*"}}}}'
    world.call(policy_model.PutUserPolicy(user="alice", policy_name="one", document=document))
    world.call(policy_model.PutUserPolicy(user="alice", policy_name="one", document=document))

    with refused("LimitExceeded"):
        world.call(policy_model.PutUserPolicy(user="alice", policy_name="two", document=document))


def test_white_space_does_not_count_and_is_kept(world):
    world.call(user_model.CreateUser(name="alice"))
    document = ALLOW_ALL.replace(":", " " * 400 + ":")

    world.call(policy_model.PutUserPolicy(user="alice", policy_name="wide", document=document))

    assert world.call(policy_model.GetUserPolicy(user="alice", policy_name="wide")).document == document


@pytest.mark.parametrize(
    "document",
    [
        "",
        "null",
        "[]",
        '{"Version":"2012-10-17"}',
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Principal":"*"}]}',
        '{"Version":"2012-10-17","Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}',
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Effect":"Deny"}]}',
        "[" * 10_000,
        '{"Version":NaN}',
        '{"Statement":[{"Effect":"Allow","Action":"*","Resource":"' + "a" * 10_000 + '"}]}',
    ],
)
def test_a_malformed_document_is_refused_wherever_it_is_written(world, document):
    world.call(user_model.CreateUser(name="alice"))
    world.call(group_model.CreateGroup(name="staff"))
    world.call(policy_model.CreatePolicy(name="all", document=ALLOW_ALL))

    for write in (
        policy_model.CreatePolicy(name="new", document=document),
        policy_model.UpdatePolicy(policy="all", document=document),
        policy_model.PutUserPolicy(user="alice", policy_name="own", document=document),
        policy_model.PutGroupPolicy(group="staff", policy_name="own", document=document),
    ):
        with refused("MalformedPolicyDocument"):
            world.call(write)


def test_listings_go_on_page_by_page_in_order_of_names(world):
    made = [f"user{index:02d}" for index in range(7)]
    for name in reversed(made):
        world.call(user_model.CreateUser(name=name))
        world.call(group_model.CreateGroup(name=name))
        world.call(policy_model.CreatePolicy(name=name, document=ALLOW_ALL))

    for listing in (user_model.ListUsers, group_model.ListGroups, policy_model.ListPolicies):
        found, token = [], ""
        for expected in (3, 3, 1):
            page = world.call(listing(page_size=3, page_token=token))
            assert len(page.items) == expected
            found += [it.name for it in page.items]
            token = page.next_page
        assert found == made
        assert token == ""


def test_members_keys_inline_and_attached_policies_and_accounts_are_paged(world):
    world.call(group_model.CreateGroup(name="staff"))
    for index in range(3):
        world.call(user_model.CreateUser(name=f"user{index}"))
        world.call(group_model.AddUserToGroup(group="staff", user=f"user{index}"))
        world.call(policy_model.CreatePolicy(name=f"policy{index}", document=ALLOW_ALL))
        world.call(policy_model.AttachGroupPolicy(group="staff", policy=f"policy{index}"))
        world.call(policy_model.PutGroupPolicy(group="staff", policy_name=f"inline{index}", document=ALLOW_ALL))
        world.call(account_model.CreateAccount(account=f"{index + 1:012d}"))
    for _ in range(2):
        world.call(access_key_model.CreateAccessKey(user="user0"))

    def pages(request):
        found, token = [], ""
        while True:
            page = world.call(request(token))
            page = page.users if isinstance(page, group_model.GroupMembers) else page
            found.append(len(page.items))
            token = page.next_page
            if not token:
                return found

    assert pages(lambda token: group_model.GetGroup(group="staff", page_size=2, page_token=token)) == [2, 1]
    assert pages(lambda token: policy_model.ListAttachedPolicies(group="staff", page_size=2, page_token=token)) == [
        2,
        1,
    ]
    assert pages(lambda token: policy_model.ListGroupPolicies(group="staff", page_size=2, page_token=token)) == [2, 1]
    assert pages(lambda token: account_model.ListAccounts(page_size=2, page_token=token)) == [2, 2]
    assert pages(lambda token: access_key_model.ListAccessKeys(user="user0", page_size=1, page_token=token)) == [1, 1]


def test_a_page_token_fits_no_other_listing(world):
    for index in range(3):
        world.call(user_model.CreateUser(name=f"user{index}"))
        world.call(group_model.CreateGroup(name=f"group{index}"))
    token = world.call(user_model.ListUsers(page_size=1)).next_page
    assert len(world.call(user_model.ListUsers(page_size=2, page_token=token)).items) == 2  # of another size, as in IAM
    other = world.account("123456789012")

    for request in (
        group_model.ListGroups(page_size=1, page_token=token),
        user_model.ListUsers(page_size=1, path_prefix="/a/", page_token=token),
        user_model.ListUsers(page_size=1, page_token=token[:-1]),
        user_model.ListUsers(page_size=1, page_token="AAAA"),
    ):
        with refused("InvalidNextToken"):
            world.call(request)
    with refused("InvalidNextToken"):
        world.call(user_model.ListUsers(page_size=1, page_token=token), other)


@pytest.mark.parametrize("page_size", [-1, 1001])
def test_a_page_size_outside_1_to_1000_is_refused(world, page_size):
    with refused("ValidationError"):
        world.call(user_model.ListUsers(page_size=page_size))


def test_a_thousand_users_fit_into_one_page(world):
    for index in range(1_000):
        world.call(user_model.CreateUser(name=f"user{index:04d}"))

    assert len(world.call(user_model.ListUsers(page_size=1_000)).items) == 1_000


def test_listings_filter_by_path(world):
    world.call(user_model.CreateUser(name="alice", path="/staff/"))
    world.call(user_model.CreateUser(name="bob"))

    assert [user.name for user in world.call(user_model.ListUsers(path_prefix="/sta")).items] == ["alice"]


def test_a_repeated_request_gets_the_first_answer(world):
    path = "/" + "p" * 510 + "/"
    requests = (
        user_model.CreateUser(name="a" * 64, path=path, request_id="1"),
        group_model.CreateGroup(name="g" * 128, path=path, request_id="2"),
        policy_model.CreatePolicy(
            name="p" * 128, path=path, document=ALLOW_ALL, description="d" * 1000, request_id="3"
        ),
        policy_model.UpdatePolicy(policy="p" * 128, description="e" * 1000, request_id="4"),
    )

    for request in requests:
        assert world.call(request) == world.call(request)


def test_a_repeated_delete_is_done_once_and_answers_alike(world):
    world.call(user_model.CreateUser(name="alice"))

    world.call(user_model.DeleteUser(user="alice", request_id="1"))
    world.call(user_model.DeleteUser(user="alice", request_id="1"))

    with refused("NoSuchEntity"):
        world.call(user_model.DeleteUser(user="alice", request_id="2"))


def test_a_repeated_request_with_other_content_is_refused(world):
    world.call(user_model.CreateUser(name="alice", request_id="1"))

    with refused("IdempotentParameterMismatch"):
        world.call(user_model.CreateUser(name="bob", request_id="1"))


def test_secrets_are_not_kept_for_a_repeat(world):
    world.call(user_model.CreateUser(name="alice"))
    world.call(access_key_model.CreateAccessKey(user="alice", request_id="1"))
    world.call(account_model.CreateAccount(account="123456789012", request_id="2"))

    for repeat in (
        access_key_model.CreateAccessKey(user="alice", request_id="1"),
        account_model.CreateAccount(account="123456789012", request_id="2"),
    ):
        with refused("EntityAlreadyExists"):
            world.call(repeat)

    assert len(world.call(access_key_model.ListAccessKeys(user="alice")).items) == 1


def test_no_secret_stands_in_clear_anywhere_in_the_engine(world):
    secrets = [world.root_credentials.secret_access_key]
    world.call(user_model.CreateUser(name="alice"))
    secrets.append(world.call(access_key_model.CreateAccessKey(user="alice", request_id="1")).secret)
    secrets.append(world.call(account_model.CreateAccount(account="123456789012", request_id="2")).secret)

    rows = world.run(world.engine.read((ROOT,), lambda txn, _: txn.range(ROOT, b"\xfe" * 8, 1_000), None))

    assert len(rows) > 10
    assert not [key for key, value in rows for secret in secrets if secret.encode() in value]


def test_an_account_chooses_a_random_number_or_gets_the_one_that_was_asked_for(world):
    chosen = world.call(account_model.CreateAccount(account="accounts/123456789012", display_name="Sales"))
    drawn = world.call(account_model.CreateAccount())

    assert chosen.account.account == "123456789012"
    assert len(drawn.account.account) == 12
    with refused("EntityAlreadyExists"):
        world.call(account_model.CreateAccount(account="123456789012"))
    with refused("ValidationError"):
        world.call(account_model.CreateAccount(account="12345"))
    assert [it.account for it in world.call(account_model.ListAccounts()).items] == sorted(
        ["000000000000", "123456789012", drawn.account.account]
    )


def test_an_account_is_found_by_its_canonical_id_and_by_its_e_mail_address(world):
    made = world.call(account_model.CreateAccount(display_name="Sales", email="Sales@example.com")).account

    assert len(made.canonical_id) == 64
    by_id = _found(world, owners.by_canonical_id, made.canonical_id)
    assert by_id == _found(world, owners.by_email, "sales@EXAMPLE.com")
    assert (by_id.account, by_id.display_name) == (made.account, "Sales")
    assert _found(world, owners.by_canonical_id, "0" * 64) is None
    assert _found(world, owners.by_email, "nobody@example.com") is None
    assert _found(world, owners.by_email, "kr\u00e4mer@example.com") is None
    assert next(it for it in world.call(account_model.ListAccounts()).items if it.account == made.account) == made


@pytest.mark.parametrize(
    "email",
    ["sales", "a b@example.com", "@example.com", "a@b@c", "\u00e4@example.com", "a" * 251 + "@b.c"],
)
def test_what_is_no_e_mail_address_is_refused(world, email):
    with refused("ValidationError"):
        world.call(account_model.CreateAccount(email=email))


def test_no_two_accounts_have_one_e_mail_address(world):
    world.call(account_model.CreateAccount(email="sales@example.com"))

    with refused("EntityAlreadyExists"):
        world.call(account_model.CreateAccount(email="Sales@example.com"))

    assert len(world.call(account_model.ListAccounts()).items) == 2


def test_accounts_of_before_canonical_ids_are_entered_from_the_end_on(world):
    numbers = [world.call(account_model.CreateAccount()).account.account for _ in range(3)]

    async def forget_and_enter():
        await world.engine.transact(keys.PARTITIONS, _without_canonical_ids, None)
        return await world.engine.transact(keys.PARTITIONS, owners.enter_all, b"")

    assert world.run(forget_and_enter()) == b""
    assert all(_found(world, owners.by_canonical_id, principal_model.canonical_id(number)) for number in numbers)


def _found(world, look_up, text):
    return world.run(world.engine.read(keys.PARTITIONS, look_up, text))


def _without_canonical_ids(txn, _):
    txn.delete_range(keys.CANONICAL_IDS, tuples.after(keys.CANONICAL_IDS), 100)


def test_the_schema_has_golden_bytes():
    assert keys.EPOCH == ROOT + b"\x02identity\x00\x02epoch\x00"
    assert keys.row(keys.USER_NAMES, "000000000000", keys.fold("Alice")) == (
        ROOT + b"\x02identity\x00\x02user_name\x00\x02000000000000\x00\x02alice\x00"
    )
    record = keys.KeyRecord(account="000000000000", owner="AIDA1", active=False, create_ms=7, sealed=b"s")
    assert records.encode(record) == b"\x96\x01\xac000000000000\xa5AIDA1\xc2\x07\xc4\x01s"


def test_one_request_id_used_by_two_users_for_their_own_keys_is_a_mismatch(world):
    alice, bob = world.user("alice", ALLOW_ALL), world.user("bob", ALLOW_ALL)
    world.call(access_key_model.CreateAccessKey(request_id="1"), alice)

    with refused("IdempotentParameterMismatch"):
        world.call(access_key_model.CreateAccessKey(request_id="1"), bob)

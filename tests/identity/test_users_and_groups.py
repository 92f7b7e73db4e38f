"""Users, groups, access keys and accounts: IAM's names, limits and order of deletion."""

import pytest

from cumulo.core.errors import ServiceError
from cumulo.identity import keys, model, owners
from cumulo.storage import records, tuples
from cumulo.storage.engine import ROOT
from tests.identity.world import ALLOW_ALL, World, refused


@pytest.fixture
def world():
    made = World()
    yield made
    assert made.problems() == []


def test_user_names_are_unique_without_regard_to_case(world):
    world.call(model.CreateUser(name="Alice"))

    with refused("EntityAlreadyExists"):
        world.call(model.CreateUser(name="aLICE"))

    assert world.call(model.GetUser(user="ALICE")).name == "Alice"


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
        world.call(model.CreateUser(name=name))


@pytest.mark.parametrize(
    "path", ["", "a", "/a", "a/", "//", "/a//b/", "/a*/", "/a b/", "/\u00e9/", "/" + "a" * 511 + "/"]
)
def test_a_path_outside_iams_rules_is_refused(world, path):
    with refused("ValidationError"):
        world.call(model.CreateUser(name="alice", path=path))


@pytest.mark.parametrize(
    "spelling", ["bob", "BOB", "accounts/000000000000/users/bob", "arn:aws:iam::000000000000:user/x/bob"]
)
def test_a_user_is_named_by_short_name_full_name_or_arn(world, spelling):
    world.call(model.CreateUser(name="bob", path="/x/"))

    assert world.call(model.GetUser(user=spelling)).arn == "arn:aws:iam::000000000000:user/x/bob"


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
        world.call(model.GetUser(user=spelling))


def test_an_arn_with_another_path_names_nobody(world):
    world.call(model.CreateUser(name="bob", path="/x/"))

    with refused("NoSuchEntity"):
        world.call(model.GetUser(user="arn:aws:iam::000000000000:user/bob"))


def test_a_user_who_is_made_anew_gets_another_id_and_none_of_the_old_rights(world):
    alice = world.user("alice", ALLOW_ALL)
    old_id = alice.principal.id
    key_id = alice.principal.access_key_id
    world.call(model.DeleteAccessKey(access_key=key_id))
    world.call(model.DeleteUserPolicy(user="alice", policy_name="inline0"))
    world.call(model.DeleteUser(user="alice"))

    anew = world.user("alice")

    assert anew.principal.id != old_id
    assert not world.allowed(anew, "sqs:SendMessage")


@pytest.mark.parametrize(
    ("give", "take", "first"),
    [
        (model.CreateAccessKey(user="alice"), None, "delete access keys"),
        (
            model.AddUserToGroup(group="staff", user="alice"),
            model.RemoveUserFromGroup(group="staff", user="alice"),
            "remove user from groups",
        ),
        (
            model.AttachUserPolicy(user="alice", policy="all"),
            model.DetachUserPolicy(user="alice", policy="all"),
            "detach all policies",
        ),
        (
            model.PutUserPolicy(user="alice", policy_name="own", document=ALLOW_ALL),
            model.DeleteUserPolicy(user="alice", policy_name="own"),
            "delete policies",
        ),
    ],
)
def test_a_user_goes_only_after_everything_that_he_has(world, give, take, first):
    world.call(model.CreateUser(name="alice"))
    world.call(model.CreateGroup(name="staff"))
    world.call(model.CreatePolicy(name="all", document=ALLOW_ALL))
    made = world.call(give)

    with pytest.raises(ServiceError, match=f"must {first} first"):
        world.call(model.DeleteUser(user="alice"))
    world.call(take or model.DeleteAccessKey(access_key=made.access_key.access_key_id))
    world.call(model.DeleteUser(user="alice"))

    with refused("NoSuchEntity"):
        world.call(model.GetUser(user="alice"))


@pytest.mark.parametrize(
    ("give", "take", "first"),
    [
        (
            model.AddUserToGroup(group="staff", user="alice"),
            model.RemoveUserFromGroup(group="staff", user="alice"),
            "remove users from group",
        ),
        (
            model.AttachGroupPolicy(group="staff", policy="all"),
            model.DetachGroupPolicy(group="staff", policy="all"),
            "detach all policies",
        ),
        (
            model.PutGroupPolicy(group="staff", policy_name="own", document=ALLOW_ALL),
            model.DeleteGroupPolicy(group="staff", policy_name="own"),
            "delete policies",
        ),
    ],
)
def test_a_group_goes_only_after_everything_that_it_has(world, give, take, first):
    world.call(model.CreateUser(name="alice"))
    world.call(model.CreateGroup(name="staff"))
    world.call(model.CreatePolicy(name="all", document=ALLOW_ALL))
    world.call(give)

    with pytest.raises(ServiceError, match=f"must {first} first"):
        world.call(model.DeleteGroup(group="staff"))
    world.call(take)
    world.call(model.DeleteGroup(group="staff"))

    with refused("NoSuchEntity"):
        world.call(model.GetGroup(group="staff"))


def test_an_attached_policy_is_not_deleted(world):
    world.call(model.CreateUser(name="alice"))
    world.call(model.CreatePolicy(name="all", document=ALLOW_ALL))
    world.call(model.AttachUserPolicy(user="alice", policy="all"))

    with refused("DeleteConflict"):
        world.call(model.DeletePolicy(policy="all"))
    world.call(model.DetachUserPolicy(user="alice", policy="all"))
    world.call(model.DeletePolicy(policy="all"))

    with refused("NoSuchEntity"):
        world.call(model.GetPolicy(policy="all"))


def test_attaching_and_joining_twice_changes_nothing(world):
    world.call(model.CreateUser(name="alice"))
    world.call(model.CreateGroup(name="staff"))
    world.call(model.CreatePolicy(name="all", document=ALLOW_ALL))
    for _ in range(2):
        world.call(model.AttachUserPolicy(user="alice", policy="all"))
        world.call(model.AttachGroupPolicy(group="staff", policy="all"))
        world.call(model.AddUserToGroup(group="staff", user="alice"))

    assert world.call(model.GetPolicy(policy="all")).attachment_count == 2
    assert world.call(model.GetUser(user="alice")).groups == ("staff",)


@pytest.mark.parametrize(
    "request_",
    [
        model.DetachUserPolicy(user="alice", policy="all"),
        model.DetachGroupPolicy(group="staff", policy="all"),
        model.RemoveUserFromGroup(user="alice", group="staff"),
        model.DeleteUserPolicy(user="alice", policy_name="own"),
        model.GetGroupPolicy(group="staff", policy_name="own"),
        model.AttachUserPolicy(user="alice", policy="none"),
        model.AttachUserPolicy(user="nobody", policy="all"),
        model.AddUserToGroup(user="nobody", group="staff"),
        model.AddUserToGroup(user="alice", group="none"),
        model.CreateAccessKey(user="nobody"),
        model.DeleteAccessKey(access_key="AKIA0000000000000000"),
        model.GetPolicy(policy="none"),
        model.RevokePrincipalTokens(principal="nobody"),
        model.ExplainAccess(principal="nobody", action="s3:GetObject", resource="*"),
    ],
)
def test_what_does_not_exist_is_no_such_entity(world, request_):
    world.call(model.CreateUser(name="alice"))
    world.call(model.CreateGroup(name="staff"))
    world.call(model.CreatePolicy(name="all", document=ALLOW_ALL))

    with refused("NoSuchEntity"):
        world.call(request_)


def test_a_user_has_at_most_two_keys(world):
    world.call(model.CreateUser(name="alice"))
    made = [world.call(model.CreateAccessKey(user="alice")) for _ in range(2)]

    with refused("LimitExceeded"):
        world.call(model.CreateAccessKey(user="alice"))

    listed = world.call(model.ListAccessKeys(user="alice"))
    assert {key.access_key_id for key in listed.items} == {it.access_key.access_key_id for it in made}
    assert all(it.access_key.access_key_id.startswith("AKIA") for it in made)


def test_a_user_is_in_at_most_ten_groups_and_has_at_most_ten_attached_policies(world):
    world.call(model.CreateUser(name="alice"))
    for index in range(11):
        world.call(model.CreateGroup(name=f"group{index}"))
        world.call(model.CreatePolicy(name=f"policy{index}", document=ALLOW_ALL))
    for index in range(10):
        world.call(model.AddUserToGroup(group=f"group{index}", user="alice"))
        world.call(model.AttachUserPolicy(user="alice", policy=f"policy{index}"))

    with refused("LimitExceeded"):
        world.call(model.AddUserToGroup(group="group10", user="alice"))
    with refused("LimitExceeded"):
        world.call(model.AttachUserPolicy(user="alice", policy="policy10"))


def test_all_inline_policies_of_a_user_have_one_limit_together(world):
    world.call(model.CreateUser(name="alice"))
    actions = ",".join(f'"sqs:Action{index:04d}"' for index in range(60))
    document = f'{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":[{actions}],"Resource":"*"}}}}'
    world.call(model.PutUserPolicy(user="alice", policy_name="one", document=document))
    world.call(model.PutUserPolicy(user="alice", policy_name="one", document=document))

    with refused("LimitExceeded"):
        world.call(model.PutUserPolicy(user="alice", policy_name="two", document=document))


def test_white_space_does_not_count_and_is_kept(world):
    world.call(model.CreateUser(name="alice"))
    document = ALLOW_ALL.replace(":", " " * 400 + ":")

    world.call(model.PutUserPolicy(user="alice", policy_name="wide", document=document))

    assert world.call(model.GetUserPolicy(user="alice", policy_name="wide")).document == document


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
    world.call(model.CreateUser(name="alice"))
    world.call(model.CreateGroup(name="staff"))
    world.call(model.CreatePolicy(name="all", document=ALLOW_ALL))

    for write in (
        model.CreatePolicy(name="new", document=document),
        model.UpdatePolicy(policy="all", document=document),
        model.PutUserPolicy(user="alice", policy_name="own", document=document),
        model.PutGroupPolicy(group="staff", policy_name="own", document=document),
    ):
        with refused("MalformedPolicyDocument"):
            world.call(write)


def test_listings_go_on_page_by_page_in_order_of_names(world):
    made = [f"user{index:02d}" for index in range(7)]
    for name in reversed(made):
        world.call(model.CreateUser(name=name))
        world.call(model.CreateGroup(name=name))
        world.call(model.CreatePolicy(name=name, document=ALLOW_ALL))

    for listing in (model.ListUsers, model.ListGroups, model.ListPolicies):
        found, token = [], ""
        for expected in (3, 3, 1):
            page = world.call(listing(page_size=3, page_token=token))
            assert len(page.items) == expected
            found += [it.name for it in page.items]
            token = page.next_page
        assert found == made
        assert token == ""


def test_members_keys_inline_and_attached_policies_and_accounts_are_paged(world):
    world.call(model.CreateGroup(name="staff"))
    for index in range(3):
        world.call(model.CreateUser(name=f"user{index}"))
        world.call(model.AddUserToGroup(group="staff", user=f"user{index}"))
        world.call(model.CreatePolicy(name=f"policy{index}", document=ALLOW_ALL))
        world.call(model.AttachGroupPolicy(group="staff", policy=f"policy{index}"))
        world.call(model.PutGroupPolicy(group="staff", policy_name=f"inline{index}", document=ALLOW_ALL))
        world.call(model.CreateAccount(account=f"{index + 1:012d}"))
    for _ in range(2):
        world.call(model.CreateAccessKey(user="user0"))

    def pages(request):
        found, token = [], ""
        while True:
            page = world.call(request(token))
            page = page.users if isinstance(page, model.GroupMembers) else page
            found.append(len(page.items))
            token = page.next_page
            if not token:
                return found

    assert pages(lambda token: model.GetGroup(group="staff", page_size=2, page_token=token)) == [2, 1]
    assert pages(lambda token: model.ListAttachedPolicies(group="staff", page_size=2, page_token=token)) == [2, 1]
    assert pages(lambda token: model.ListGroupPolicies(group="staff", page_size=2, page_token=token)) == [2, 1]
    assert pages(lambda token: model.ListAccounts(page_size=2, page_token=token)) == [2, 2]
    assert pages(lambda token: model.ListAccessKeys(user="user0", page_size=1, page_token=token)) == [1, 1]


def test_a_page_token_fits_no_other_listing(world):
    for index in range(3):
        world.call(model.CreateUser(name=f"user{index}"))
        world.call(model.CreateGroup(name=f"group{index}"))
    token = world.call(model.ListUsers(page_size=1)).next_page
    assert len(world.call(model.ListUsers(page_size=2, page_token=token)).items) == 2  # of another size, as in IAM
    other = world.account("123456789012")

    for request in (
        model.ListGroups(page_size=1, page_token=token),
        model.ListUsers(page_size=1, path_prefix="/a/", page_token=token),
        model.ListUsers(page_size=1, page_token=token[:-1]),
        model.ListUsers(page_size=1, page_token="AAAA"),
    ):
        with refused("InvalidNextToken"):
            world.call(request)
    with refused("InvalidNextToken"):
        world.call(model.ListUsers(page_size=1, page_token=token), other)


@pytest.mark.parametrize("page_size", [-1, 1001])
def test_a_page_size_outside_1_to_1000_is_refused(world, page_size):
    with refused("ValidationError"):
        world.call(model.ListUsers(page_size=page_size))


def test_a_thousand_users_fit_into_one_page(world):
    for index in range(1_000):
        world.call(model.CreateUser(name=f"user{index:04d}"))

    assert len(world.call(model.ListUsers(page_size=1_000)).items) == 1_000


def test_listings_filter_by_path(world):
    world.call(model.CreateUser(name="alice", path="/staff/"))
    world.call(model.CreateUser(name="bob"))

    assert [user.name for user in world.call(model.ListUsers(path_prefix="/sta")).items] == ["alice"]


def test_a_repeated_request_gets_the_first_answer(world):
    path = "/" + "p" * 510 + "/"
    requests = (
        model.CreateUser(name="a" * 64, path=path, request_id="1"),
        model.CreateGroup(name="g" * 128, path=path, request_id="2"),
        model.CreatePolicy(name="p" * 128, path=path, document=ALLOW_ALL, description="d" * 1000, request_id="3"),
        model.UpdatePolicy(policy="p" * 128, description="e" * 1000, request_id="4"),
    )

    for request in requests:
        assert world.call(request) == world.call(request)


def test_a_repeated_delete_is_done_once_and_answers_alike(world):
    world.call(model.CreateUser(name="alice"))

    world.call(model.DeleteUser(user="alice", request_id="1"))
    world.call(model.DeleteUser(user="alice", request_id="1"))

    with refused("NoSuchEntity"):
        world.call(model.DeleteUser(user="alice", request_id="2"))


def test_a_repeated_request_with_other_content_is_refused(world):
    world.call(model.CreateUser(name="alice", request_id="1"))

    with refused("IdempotentParameterMismatch"):
        world.call(model.CreateUser(name="bob", request_id="1"))


def test_secrets_are_not_kept_for_a_repeat(world):
    world.call(model.CreateUser(name="alice"))
    world.call(model.CreateAccessKey(user="alice", request_id="1"))
    world.call(model.CreateAccount(account="123456789012", request_id="2"))

    for repeat in (
        model.CreateAccessKey(user="alice", request_id="1"),
        model.CreateAccount(account="123456789012", request_id="2"),
    ):
        with refused("EntityAlreadyExists"):
            world.call(repeat)

    assert len(world.call(model.ListAccessKeys(user="alice")).items) == 1


def test_no_secret_stands_in_clear_anywhere_in_the_engine(world):
    secrets = [world.root_credentials.secret_access_key]
    world.call(model.CreateUser(name="alice"))
    secrets.append(world.call(model.CreateAccessKey(user="alice", request_id="1")).secret)
    secrets.append(world.call(model.CreateAccount(account="123456789012", request_id="2")).secret)

    rows = world.run(world.engine.read((ROOT,), lambda txn, _: txn.range(ROOT, b"\xfe" * 8, 1_000), None))

    assert len(rows) > 10
    assert not [key for key, value in rows for secret in secrets if secret.encode() in value]


def test_an_account_chooses_a_random_number_or_gets_the_one_that_was_asked_for(world):
    chosen = world.call(model.CreateAccount(account="accounts/123456789012", display_name="Sales"))
    drawn = world.call(model.CreateAccount())

    assert chosen.account.account == "123456789012"
    assert len(drawn.account.account) == 12
    with refused("EntityAlreadyExists"):
        world.call(model.CreateAccount(account="123456789012"))
    with refused("ValidationError"):
        world.call(model.CreateAccount(account="12345"))
    assert [it.account for it in world.call(model.ListAccounts()).items] == sorted(
        ["000000000000", "123456789012", drawn.account.account]
    )


def test_an_account_is_found_by_its_canonical_id_and_by_its_e_mail_address(world):
    made = world.call(model.CreateAccount(display_name="Sales", email="Sales@example.com")).account

    assert len(made.canonical_id) == 64
    by_id = _found(world, owners.by_canonical_id, made.canonical_id)
    assert by_id == _found(world, owners.by_email, "sales@EXAMPLE.com")
    assert (by_id.account, by_id.display_name) == (made.account, "Sales")
    assert _found(world, owners.by_canonical_id, "0" * 64) is None
    assert _found(world, owners.by_email, "nobody@example.com") is None
    assert _found(world, owners.by_email, "kr\u00e4mer@example.com") is None
    assert next(it for it in world.call(model.ListAccounts()).items if it.account == made.account) == made


@pytest.mark.parametrize(
    "email",
    ["sales", "a b@example.com", "@example.com", "a@b@c", "\u00e4@example.com", "a" * 251 + "@b.c"],
)
def test_what_is_no_e_mail_address_is_refused(world, email):
    with refused("ValidationError"):
        world.call(model.CreateAccount(email=email))


def test_no_two_accounts_have_one_e_mail_address(world):
    world.call(model.CreateAccount(email="sales@example.com"))

    with refused("EntityAlreadyExists"):
        world.call(model.CreateAccount(email="Sales@example.com"))

    assert len(world.call(model.ListAccounts()).items) == 2


def test_accounts_of_before_canonical_ids_are_entered_from_the_end_on(world):
    numbers = [world.call(model.CreateAccount()).account.account for _ in range(3)]

    async def forget_and_enter():
        await world.engine.transact(keys.PARTITIONS, _without_canonical_ids, None)
        return await world.engine.transact(keys.PARTITIONS, owners.enter_all, b"")

    assert world.run(forget_and_enter()) == b""
    assert all(_found(world, owners.by_canonical_id, model.canonical_id(number)) for number in numbers)


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
    world.call(model.CreateAccessKey(request_id="1"), alice)

    with refused("IdempotentParameterMismatch"):
        world.call(model.CreateAccessKey(request_id="1"), bob)

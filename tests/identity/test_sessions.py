"""Session credentials of GetSessionToken: who gets them, what they may do, and what ends them."""

import base64

import pytest

from cumulo.core.context import CallContext
from cumulo.identity import access_key_model, account_model, token_model, user_model
from tests.identity.world import ALLOW_ALL, World, refused


@pytest.fixture
def world():
    made = World()
    yield made
    assert made.problems() == []


def signed_in(world, name, *documents):
    """Make a user with a key; return the context of a call signed with it."""
    world.user(name, *documents)
    world.call(user_model.CreateUser(name=f"{name}-unused"))
    made = world.call(access_key_model.CreateAccessKey(user=name))
    return context_of(world.credentials.credential(made.access_key.access_key_id))


def context_of(credential):
    return CallContext(principal=credential.principal, request_id="r")


def session_of(world, ctx, duration_s=0):
    return world.call(token_model.GetSessionToken(duration_s=duration_s), ctx)


def opened(world, session):
    return world.credentials.credential(session.access_key_id, session.session_token)


def test_a_session_bears_its_users_rights(world):
    alice = signed_in(world, "alice", ALLOW_ALL.replace('"*","R', '"sqs:*","R'))

    session = session_of(world, alice)
    found = opened(world, session)

    assert session.access_key_id.startswith("ASIA")
    assert (found.secret, found.principal.arn) == (session.secret, alice.principal.arn)
    assert world.allowed(context_of(found), "sqs:SendMessage", "arn:aws:sqs:us-east-1:000000000000:jobs")
    assert not world.allowed(context_of(found), "s3:GetObject", "arn:aws:s3:::inbox/a")
    assert session.secret not in repr(session)
    assert session.session_token not in repr(session)


def test_a_session_survives_a_restart_of_the_server(world):
    session = session_of(world, signed_in(world, "alice"))

    world.start()

    assert opened(world, session).secret == session.secret


def test_a_session_ends_at_its_time(world):
    session = session_of(world, signed_in(world, "alice"), 900)

    world.clock.advance(900_000 - 1)
    assert opened(world, session) is not None
    world.clock.advance(1)

    for _ in range(2):
        with refused("ExpiredToken"):
            opened(world, session)


def test_a_session_key_opens_only_with_its_own_whole_token(world):
    alice = signed_in(world, "alice")
    one, other = session_of(world, alice), session_of(world, alice)
    token = one.session_token
    raw = base64.b64decode(token)
    wrong = ["", other.session_token, token[:-4], token[:8], token + "AAAA", token + "\n", "é", "A" * 4_000]
    wrong += [
        base64.b64encode(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]).decode() for place in range(len(raw))
    ]
    wrong += [base64.b64encode(raw[:size]).decode() for size in (1, 13, 14, 28, 29)]

    assert [text for text in wrong if world.credentials.credential(one.access_key_id, text) is not None] == []
    assert world.credentials.credential(other.access_key_id, token) is None


def test_a_long_term_key_does_not_come_with_a_session_token(world):
    alice = signed_in(world, "alice")
    key_id = alice.principal.access_key_id
    token = session_of(world, alice).session_token

    assert world.credentials.credential(key_id, token) is None
    assert world.credentials.credential(key_id, "x") is None
    assert world.credentials.credential(key_id) is not None


@pytest.mark.parametrize("life_s", [0, 900, 129_600])
def test_a_users_session_lives_as_long_as_was_asked_for(world, life_s):
    session = session_of(world, signed_in(world, "alice"), life_s)

    assert session.expires_ms - world.clock.wall_ms() == (life_s or 43_200) * 1_000


def test_a_roots_session_lives_an_hour_at_most(world):
    key = world.root_credentials
    root = context_of(world.credentials.credential(key.access_key_id))

    assert session_of(world, root).expires_ms - world.clock.wall_ms() == 3_600_000
    assert session_of(world, root, 129_600).expires_ms - world.clock.wall_ms() == 3_600_000
    assert session_of(world, root, 900).expires_ms - world.clock.wall_ms() == 900_000


@pytest.mark.parametrize("life_s", [-1, 1, 899, 129_601])
def test_a_life_outside_the_limits_of_sts_is_refused(world, life_s):
    alice = signed_in(world, "alice")

    with refused("ValidationError"):
        session_of(world, alice, life_s)


@pytest.mark.parametrize("ending", ["key off", "key deleted", "user deleted", "all revoked"])
def test_a_session_ends_with_what_it_stands_on(world, ending):
    alice = signed_in(world, "alice")
    for item in world.call(access_key_model.ListAccessKeys(user="alice")).items:
        if item.access_key_id != alice.principal.access_key_id:
            world.call(access_key_model.DeleteAccessKey(access_key=item.access_key_id))
    session = session_of(world, alice)
    ctx = context_of(opened(world, session))

    if ending == "key off":
        world.call(
            access_key_model.UpdateAccessKey(
                access_key=alice.principal.access_key_id, status=access_key_model.KeyStatus.INACTIVE
            )
        )
    elif ending == "all revoked":
        world.call(token_model.RevokePrincipalTokens(principal="alice"))
    else:
        world.call(access_key_model.DeleteAccessKey(access_key=alice.principal.access_key_id))
        if ending == "user deleted":
            world.call(user_model.DeleteUser(user="alice"))

    assert opened(world, session) is None
    with refused("InvalidClientTokenId"):
        world.allowed(ctx, "sqs:SendMessage")


def test_a_revocation_outlives_every_session_that_it_means(world):
    session = session_of(world, signed_in(world, "alice"), 129_600)
    world.call(token_model.RevokePrincipalTokens(principal="alice"))

    world.clock.advance(129_600_000 - 1)
    world.due()

    assert opened(world, session) is None


def test_a_session_may_call_nothing_of_iam_and_sts_but_who_am_i(world):
    ctx = context_of(opened(world, session_of(world, signed_in(world, "alice", ALLOW_ALL))))

    assert world.call(token_model.GetCallerIdentity(), ctx).arn.endswith(":user/alice")
    for request in (
        user_model.ListUsers(),
        access_key_model.CreateAccessKey(),
        user_model.GetUser(),
        account_model.ListAccounts(),
    ):
        with refused("InvalidClientTokenId"):
            world.call(request, ctx)
    with refused("AccessDenied"):
        session_of(world, ctx)


def test_a_bearer_token_is_no_long_term_credential(world):
    with refused("AccessDenied"):
        session_of(world, world.user("alice", ALLOW_ALL))


def test_anybody_with_a_long_term_key_gets_a_session_whatever_policies_say(world):
    assert session_of(world, signed_in(world, "alice", ALLOW_ALL.replace("Allow", "Deny"))).secret


def test_a_session_key_buys_no_bearer_token(world):
    session = session_of(world, signed_in(world, "alice"))

    with refused("InvalidClientTokenId"):
        world.token(session.access_key_id, session.secret)

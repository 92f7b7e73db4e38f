"""Authentication: proofs that are good once, and credentials that end the moment something ends them."""

import msgspec
import pytest

from cumulo.core.errors import ServiceError
from cumulo.identity import access_key_model, directory, keys, policy_model, proofs, token_model, user_model
from cumulo.identity.credentials import Credentials
from cumulo.identity.proofs import ProofTimes
from cumulo.identity.sealing import SealBroken, SecretBox
from cumulo.storage.engine import ROOT
from tests.identity.world import ALLOW_ALL, SERVER_KEY, World, refused


@pytest.fixture
def world():
    return World()


@pytest.fixture
def root_key(world):
    return world.root_credentials.access_key_id, world.root_credentials.secret_access_key


def test_the_canonical_text_is_the_protos():
    text = proofs.text_to_sign("AKIA1", 1_700_000_000_000, b"\x00\xab", 900)

    assert text == b"cumulo-token-v1\nAKIA1\n1700000000000\n00ab\n900"


def test_a_token_lives_15_minutes_unless_the_proof_says_otherwise(world, root_key):
    default = world.token(*root_key)
    shortest = world.token(*root_key, ttl_s=60)
    longest = world.token(*root_key, ttl_s=43_200)

    now_ms = world.clock.wall_ms()
    assert [it.expires_ms - now_ms for it in (default, shortest, longest)] == [900_000, 60_000, 43_200_000]


@pytest.mark.parametrize("ttl_s", [-1, 1, 59, 43_201])
def test_a_life_outside_the_limits_is_refused(world, root_key, ttl_s):
    with refused("ValidationError"):
        world.token(*root_key, ttl_s=ttl_s)


@pytest.mark.parametrize("nonce", [b"", b"n" * 15, b"n" * 65])
def test_a_nonce_outside_the_limits_is_refused(world, root_key, nonce):
    with refused("ValidationError"):
        world.token(*root_key, nonce=nonce)


@pytest.mark.parametrize(
    "key_id", ["", "akia", "AKIA\n1", "A" * 129, "AKIA/../../secrets", "AKIA000000000000000\u0410"]
)
def test_a_text_that_is_no_access_key_id_is_refused(world, key_id):
    with refused("ValidationError"):
        world.token(key_id, "secret")


def test_an_expired_token_is_refused_at_its_second(world, root_key):
    token = world.token(*root_key, ttl_s=60)
    world.clock.advance(59_999)
    world.credentials.authenticate(token.text)

    world.clock.advance(1)

    with refused("ExpiredToken"):
        world.credentials.authenticate(token.text)
    with refused("ExpiredToken"):
        world.credentials.authenticate(token.text)


def test_unknown_disabled_and_foreign_keys_and_wrong_proofs_get_one_answer(world, root_key):
    key_id, secret = root_key
    world.user("alice")
    off = world.call(access_key_model.CreateAccessKey(user="alice"))
    off_id = off.access_key.access_key_id
    world.call(access_key_model.UpdateAccessKey(access_key=off_id, status=access_key_model.KeyStatus.INACTIVE))
    messages = set()

    for attempt in (
        world.proof("AKIA0000000000000000", secret),
        world.proof("AKIAUNKNOWN000000000", secret),
        world.proof(off_id, off.secret),
        world.proof(off_id, secret),
        world.proof(key_id, secret[:-1]),
        world.proof(key_id, secret, proof=bytes(32)),
        msgspec.structs.replace(world.proof(key_id, secret), ttl_s=43_200),
        msgspec.structs.replace(world.proof(key_id, secret), nonce=b"n" * 16),
        msgspec.structs.replace(world.proof(key_id, secret), access_key_id=off_id),
    ):
        with refused("InvalidClientTokenId") as error:
            world.call(attempt)
        messages.add((error.value.message, tuple(error.value.values)))

    assert len(messages) == 1


def test_an_unknown_key_takes_the_path_of_a_known_one(world, root_key, monkeypatch):
    calls = []

    def noted(name, function):
        def call(*arguments):
            calls.append(name)
            return function(*arguments)

        return call

    monkeypatch.setattr(SecretBox, "open", noted("open", SecretBox.open))
    monkeypatch.setattr(proofs, "prove", noted("prove", proofs.prove))

    for key_id in (root_key[0], "AKIAUNKNOWN000000000"):
        attempt = world.proof(key_id, "wrong")
        calls.clear()
        with refused("InvalidClientTokenId"):
            world.call(attempt)
        assert calls == ["open", "prove"]


def test_a_proof_is_good_once(world, root_key):
    proof = world.proof(*root_key)
    world.call(proof)

    with refused("RequestExpired"):
        world.call(proof)
    world.clock.advance(token_model.PROOF_SKEW_MS_MAX)
    with refused("RequestExpired"):
        world.call(proof)
    world.clock.advance(1)
    with refused("RequestExpired"):
        world.call(proof)


@pytest.mark.parametrize("off_ms", [-300_001, 300_001, -(10**15), 10**15])
def test_a_proof_from_outside_the_window_is_refused(world, root_key, off_ms):
    world.clock.advance(1_000_000)

    with refused("RequestExpired"):
        world.token(*root_key, timestamp_ms=world.clock.wall_ms() + off_ms)


@pytest.mark.parametrize("off_ms", [-300_000, 300_000])
def test_a_proof_from_within_the_window_is_taken(world, root_key, off_ms):
    world.clock.advance(1_000_000)

    assert world.token(*root_key, timestamp_ms=world.clock.wall_ms() + off_ms).text


def test_a_proof_that_a_former_process_saw_is_refused(world, root_key):
    proof = world.proof(*root_key)
    world.call(proof)
    world.clock.advance(1)

    world.start()

    with refused("RequestExpired"):
        world.call(proof)


def test_a_proof_made_for_the_future_is_not_replayed_when_that_time_comes(world, root_key):
    proof = world.proof(*root_key, timestamp_ms=world.clock.wall_ms() + 300_000)
    world.call(proof)

    for _ in range(10):
        world.clock.advance(60_000)
        with refused("RequestExpired"):
            world.call(proof)


def test_the_memory_of_nonces_is_bounded_for_a_key_and_forgets_what_time_refuses(monkeypatch):
    monkeypatch.setattr(proofs, "NONCES_PER_KEY_MAX", 2)
    monkeypatch.setattr(proofs, "NONCES_MAX", 3)
    times = ProofTimes(0)
    times.take("A", 1_000, b"1", 1_000)
    times.take("A", 1_000, b"2", 1_000)

    with refused("ServiceUnavailable"):
        times.take("A", 1_000, b"3", 1_000)
    times.take("B", 1_000, b"1", 1_000)
    with refused("ServiceUnavailable"):
        times.take("C", 1_000, b"1", 1_000)

    later = 1_000 + 2 * token_model.PROOF_SKEW_MS_MAX
    times.take("A", later, b"1", later)
    assert times._taken == 1


def test_an_unproven_flood_fills_no_memory(world, root_key):
    for _ in range(50):
        with refused("InvalidClientTokenId"):
            world.token(root_key[0], "wrong")

    assert world.credentials._proof_times._taken == 1  # the root's own log-in


def ended(world, ctx, token):
    """Say whether a token is refused, both when it is presented and in a call that was under way."""
    with refused("InvalidClientTokenId"):
        world.credentials.authenticate(token)
    with refused("InvalidClientTokenId"):
        world.allowed(ctx, "sqs:SendMessage")
    return True


@pytest.fixture
def alice(world):
    """A user who may do all: his key, a token and the context of a call under way."""
    world.call(user_model.CreateUser(name="alice"))
    world.call(policy_model.PutUserPolicy(user="alice", policy_name="all", document=ALLOW_ALL))
    made = world.call(access_key_model.CreateAccessKey(user="alice"))
    token = world.token(made.access_key.access_key_id, made.secret)
    ctx = world.context(token.text)
    assert world.allowed(ctx, "sqs:SendMessage")
    return made.access_key.access_key_id, token, ctx


def test_a_disabled_key_ends_its_tokens_at_the_next_request(world, alice):
    key_id, token, ctx = alice

    world.call(access_key_model.UpdateAccessKey(access_key=key_id, status=access_key_model.KeyStatus.INACTIVE))

    assert ended(world, ctx, token.text)
    assert world.credentials.credential(key_id) is None


def test_a_key_that_is_turned_on_again_is_good_again(world, alice):
    key_id, token, ctx = alice
    for status in (access_key_model.KeyStatus.INACTIVE, access_key_model.KeyStatus.ACTIVE):
        world.call(access_key_model.UpdateAccessKey(access_key=key_id, status=status))

    assert world.context(token.text).principal == ctx.principal


def test_a_deleted_key_ends_its_tokens_at_the_next_request(world, alice):
    key_id, token, ctx = alice
    assert world.credentials.credential(key_id) is not None

    world.call(access_key_model.DeleteAccessKey(access_key=key_id))

    assert ended(world, ctx, token.text)
    assert world.credentials.credential(key_id) is None


def test_a_deleted_user_ends_his_tokens_even_if_one_of_that_name_is_made_anew(world, alice):
    key_id, token, ctx = alice
    world.call(access_key_model.DeleteAccessKey(access_key=key_id))
    world.call(policy_model.DeleteUserPolicy(user="alice", policy_name="all"))
    world.call(user_model.DeleteUser(user="alice"))
    world.call(user_model.CreateUser(name="alice"))

    assert ended(world, ctx, token.text)


def test_a_token_is_revoked_by_its_id(world, alice):
    _, token, ctx = alice

    world.call(token_model.RevokeToken(token_id=token.token_id))

    assert ended(world, ctx, token.text)
    assert world.credentials.authenticate(world.root_token.text)


def test_a_token_found_in_a_log_is_revoked_by_itself(world, alice):
    _, token, ctx = alice

    world.call(token_model.RevokeToken(token=token.text))

    assert ended(world, ctx, token.text)


def test_tokens_of_a_principal_that_were_issued_before_are_revoked_and_later_ones_are_not(world, root_key):
    made = world.call(access_key_model.CreateAccessKey())
    key = made.access_key.access_key_id, made.secret
    old = world.token(*key)
    revoked = world.call(token_model.RevokePrincipalTokens(principal="arn:aws:iam::000000000000:root"))
    world.clock.advance(1)
    new = world.token(*key)

    assert revoked.issued_before_ms == world.clock.wall_ms()
    with refused("InvalidClientTokenId"):
        world.credentials.authenticate(old.text)
    assert world.credentials.authenticate(new.text)


def test_a_later_revocation_never_weakens_an_earlier_one(world, alice):
    _, token, ctx = alice
    world.clock.advance(1_000)
    world.call(token_model.RevokePrincipalTokens(principal="alice"))

    world.call(token_model.RevokePrincipalTokens(principal="alice", issued_before_ms=1))

    assert ended(world, ctx, token.text)


def test_a_revocation_for_the_future_is_refused(world):
    with refused("ValidationError"):
        world.call(token_model.RevokePrincipalTokens(principal="x", issued_before_ms=world.clock.wall_ms() + 1))


def test_revocations_are_forgotten_with_the_longest_token(world, alice):
    _, token, _ = alice
    world.call(token_model.RevokeToken(token_id=token.token_id))
    world.call(token_model.RevokePrincipalTokens(principal="alice"))

    world.clock.advance(token_model.SESSION_LIFE_S_MAX * 1000 - 1)
    assert world.due() == 0
    world.clock.advance(1)
    assert world.due() == 2

    for subspace in (keys.REVOKED_TOKENS, keys.REVOKED_PRINCIPALS):
        assert world.run(world.engine.read((ROOT,), lambda txn, s: txn.range(s, s + b"\xff", 9), subspace)) == []


def test_a_revocation_outlives_a_wall_clock_that_was_set_back(world, alice):
    _, token, ctx = alice
    world.call(token_model.RevokeToken(token_id=token.token_id))
    world.clock.advance(token_model.SESSION_LIFE_S_MAX * 1000)
    world.clock.wall -= token_model.SESSION_LIFE_S_MAX * 1000

    world.due()

    assert ended(world, ctx, token.text)


@pytest.mark.parametrize("target", [{}, {"token_id": "x", "token": "y"}, {"token_id": "x"}, {"token": "a.b.c"}])
def test_what_is_no_token_cannot_be_revoked(world, target):
    with refused("ValidationError"):
        world.call(token_model.RevokeToken(**target))


def test_a_credential_source_answers_active_keys_only(world, alice, root_key):
    key_id, _, ctx = alice

    found = world.credentials.credential(key_id)

    assert found.principal.arn == ctx.principal.arn
    assert world.credentials.credential(root_key[0]).secret == root_key[1]
    assert world.credentials.credential("AKIAUNKNOWN000000000") is None
    assert found.secret not in repr(found)


def test_a_user_named_like_roots_key_is_nobody_special(world, root_key):
    imposter = world.user(root_key[0])

    assert not world.allowed(imposter, "iam:CreateUser")
    assert world.credentials.credential(root_key[0]).principal.arn.endswith(":root")


def test_the_memory_of_tokens_is_bounded(world, root_key, monkeypatch):
    monkeypatch.setattr("cumulo.identity.credentials.TOKENS_REMEMBERED_MAX", 3)
    tokens = [world.token(*root_key) for _ in range(5)]

    for token in tokens * 2:
        world.credentials.authenticate(token.text)

    assert len(world.credentials._verified) == 3


def swap(txn, ids):
    """Put the sealed secret of one key into the record of another."""
    one, other = (directory.access_key(txn, key_id) for key_id in ids)
    assert one is not None
    assert other is not None
    directory.put_access_key(txn, ids[0], msgspec.structs.replace(one, sealed=other.sealed))
    directory.changed(txn)


def test_a_secret_moved_into_another_record_does_not_open(world, alice, root_key):
    world.run(world.engine.transact((ROOT,), swap, (alice[0], root_key[0])))

    with pytest.raises(SealBroken):
        world.credentials.credential(alice[0])


def test_secrets_do_not_open_under_another_server_key(world):
    with pytest.raises(SealBroken):
        Credentials(world.engine, world.clock, world.randomness, SecretBox(b"x" * 32))


@pytest.mark.parametrize("key", [b"", bytes(32), SERVER_KEY[:-1], SERVER_KEY + b"x"])
def test_no_key_an_all_zero_key_and_a_key_of_another_length_are_refused(key):
    with pytest.raises(ValueError, match="random bytes"):
        SecretBox(key)


def test_two_seals_of_one_secret_share_no_nonce(world):
    box = SecretBox(SERVER_KEY)
    sealed = {box.seal(world.randomness, b"secret", ("r",)) for _ in range(100)}

    assert len({it[1:13] for it in sealed}) == 100


def test_an_altered_or_unknown_form_does_not_open(world):
    box = SecretBox(SERVER_KEY)
    sealed = box.seal(world.randomness, b"secret", ("r",))

    for broken in (b"", sealed[:-1], b"\x02" + sealed[1:], sealed[:20] + bytes([sealed[20] ^ 1]) + sealed[21:]):
        with pytest.raises(SealBroken):
            box.open(broken, ("r",))


def test_errors_and_reprs_hold_no_secret(world, root_key):
    proof = world.proof(root_key[0], root_key[1] + "x")
    made = world.call(access_key_model.CreateAccessKey())
    with pytest.raises(ServiceError) as error:
        world.call(proof)

    shown = repr(proof) + repr(made) + repr(error.value) + str(error.value.values) + repr(world.service.__dict__)
    assert made.secret not in shown
    assert root_key[1] not in shown
    assert proof.proof.hex() not in shown

"""Tokens: one algorithm, one spelling, and nothing in them that a client could bend."""

import base64
import hashlib
import hmac
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from cumulo.core.errors import INVALID_CLIENT_TOKEN_ID, ServiceError
from cumulo.identity import model, token_model, tokens
from cumulo.identity.tokens import Claims, Signer
from tests.identity.world import World, refused

SEED = bytes(range(32))
NOW_S = 1_700_000_000
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493
CLAIMS = Claims(
    iss="cumulo",
    aud="cumulo-api",
    sub="AIDAALICE00000000000",
    acc="000000000000",
    key="AKIAALICE00000000000",
    jti="000000000000.AIDAALICE00000000000.AAAAAAAAAAAAAAAAAAAAAA",
    iat=NOW_S,
    nbf=NOW_S,
    exp=NOW_S + 900,
    ims=NOW_S * 1000,
)
SIGNER = Signer({"k1": SEED}, "k1")
TOKEN = SIGNER.sign(CLAIMS)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def b64(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def forge(header, claims, *, seed=SEED):
    """Sign whatever an attacker who had our key would; the parser must still refuse what we never write."""
    header = header if isinstance(header, bytes) else json.dumps(header, separators=(",", ":")).encode()
    claims = claims if isinstance(claims, bytes) else json.dumps(claims, separators=(",", ":")).encode()
    signed = f"{b64(header)}.{b64(claims)}"
    return f"{signed}.{b64(Ed25519PrivateKey.from_private_bytes(seed).sign(signed.encode()))}"


def as_dict(**changed):
    return {name: getattr(CLAIMS, name) for name in Claims.__struct_fields__} | changed


HEADER = {"alg": "EdDSA", "kid": "k1", "typ": "at+jwt"}


def test_what_was_signed_verifies():
    assert SIGNER.verify(TOKEN, NOW_S) == CLAIMS
    assert SIGNER.verify(forge(HEADER, as_dict()), NOW_S) == CLAIMS


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none", "kid": "k1", "typ": "at+jwt"},
        {"alg": "None", "kid": "k1", "typ": "at+jwt"},
        {"kid": "k1", "typ": "at+jwt"},
        {"alg": "HS256", "kid": "k1", "typ": "at+jwt"},
        {"alg": "ES256", "kid": "k1", "typ": "at+jwt"},
        {"alg": "EdDSA", "typ": "at+jwt"},
        {"alg": "EdDSA", "kid": "k2", "typ": "at+jwt"},
        {"alg": "EdDSA", "kid": "../../etc/passwd", "typ": "at+jwt"},
        {"alg": "EdDSA", "kid": "k1' OR '1'='1", "typ": "at+jwt"},
        {"alg": "EdDSA", "kid": "k1\x00", "typ": "at+jwt"},
        {"alg": "EdDSA", "kid": "k" * 1_000_000, "typ": "at+jwt"},
        {"alg": "EdDSA", "kid": "k1", "typ": "JWT"},
        {"alg": "EdDSA", "kid": "k1"},
        {"alg": "EdDSA", "kid": "k1", "typ": "at+jwt", "crit": ["exp"]},
        {"alg": "EdDSA", "kid": "k1", "typ": "at+jwt", "b64": False, "crit": ["b64"]},
        {"alg": "EdDSA", "kid": "k1", "typ": "at+jwt", "jwk": {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}},
        {"alg": "EdDSA", "kid": "k1", "typ": "at+jwt", "jku": "http://169.254.169.254/"},
        {"alg": "EdDSA", "kid": "k1", "typ": "at+jwt", "x5u": "file:///etc/passwd"},
        {"alg": "EdDSA", "kid": "k1", "typ": "at+jwt", "x5c": ["AAAA"]},
        b'{"alg":"EdDSA","alg":"none","kid":"k1","typ":"at+jwt"}',
        b'{"alg": "EdDSA", "kid": "k1", "typ": "at+jwt"}',
        b"",
        b"null",
    ],
)
def test_a_header_that_we_do_not_write_is_refused(header):
    with refused("InvalidClientTokenId"):
        SIGNER.verify(forge(header, as_dict()), NOW_S)


@pytest.mark.parametrize(
    "claims",
    [
        as_dict(iss="cumulo/"),
        as_dict(iss="Cumulo"),
        as_dict(aud="other"),
        as_dict(aud=["cumulo-api"]),
        as_dict(exp=float(NOW_S + 900)),
        as_dict(exp=str(NOW_S + 900)),
        as_dict(exp=True),
        as_dict(exp=None),
        as_dict(exp=NOW_S),
        as_dict(exp=NOW_S + 43_201),
        as_dict(nbf=NOW_S + 60),
        as_dict(iat=NOW_S + 900),
        as_dict(acc="111111111111"),
        as_dict(sub="AIDAROOT000000000000"),
        as_dict(jti="x"),
        as_dict(admin=True),
        {name: value for name, value in as_dict().items() if name != "exp"},
        json.dumps(as_dict()).encode(),
        json.dumps(as_dict(), separators=(",", ":")).replace('"exp"', '"exp":1,"exp"').encode(),
        json.dumps(as_dict(), separators=(",", ":")).replace(str(NOW_S + 900), "1e400").encode(),
        json.dumps(as_dict(), separators=(",", ":")).replace(str(NOW_S + 900), "NaN").encode(),
        json.dumps(as_dict(), separators=(",", ":")).replace('"cumulo"', '"\\u0063umulo"').encode(),
        b"[" * 3_000,
        b"\xff\xfe",
        b"",
    ],
)
def test_claims_that_we_do_not_write_are_refused(claims):
    with refused("InvalidClientTokenId"):
        SIGNER.verify(forge(HEADER, claims), NOW_S)


def test_a_token_signed_with_our_public_key_as_hmac_secret_is_refused():
    public = Ed25519PrivateKey.from_private_bytes(SEED).public_key()
    signed = f"{b64(json.dumps({'alg': 'HS256', 'kid': 'k1', 'typ': 'at+jwt'}).encode())}.{TOKEN.split('.')[1]}"
    for secret in (
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.Raw, PublicFormat.Raw),
    ):
        with refused("InvalidClientTokenId"):
            SIGNER.verify(f"{signed}.{b64(hmac.digest(secret, signed.encode(), hashlib.sha256))}", NOW_S)


def test_a_token_of_another_servers_key_is_refused():
    with refused("InvalidClientTokenId"):
        SIGNER.verify(forge(HEADER, as_dict(), seed=bytes(32)), NOW_S)


def test_an_altered_signature_scalar_is_refused():
    signed, _, signature = TOKEN.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    scalar = int.from_bytes(raw[32:], "little") + ED25519_ORDER
    with refused("InvalidClientTokenId"):
        SIGNER.verify(f"{signed}.{b64(raw[:32] + scalar.to_bytes(32, 'little'))}", NOW_S)


@pytest.mark.parametrize("point", [bytes(32), bytes([1]) + bytes(31), b"\xff" * 32])
def test_a_signature_with_a_small_or_non_canonical_point_is_refused(point):
    signed, _, _ = TOKEN.rpartition(".")
    for scalar in (bytes(32), bytes([1]) + bytes(31)):
        with refused("InvalidClientTokenId"):
            SIGNER.verify(f"{signed}.{b64(point + scalar)}", NOW_S)


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_second_spelling_in_base64_is_refused(part):
    parts = TOKEN.split(".")
    spellings = [parts[part] + "=", parts[part] + "==", parts[part] + "\n", " " + parts[part]]
    spellings += [parts[part][:-1] + letter for letter in ALPHABET if letter != parts[part][-1]]
    for spelling in spellings:
        other = [*parts[:part], spelling, *parts[part + 1 :]]
        with refused("InvalidClientTokenId"):
            SIGNER.verify(".".join(other), NOW_S)


@pytest.mark.parametrize(
    "token", ["", ".", "..", "...", TOKEN + ".", "." + TOKEN, TOKEN * 20, TOKEN[:-10], "\u0410.b.c"]
)
def test_a_broken_token_is_refused(token):
    with refused("InvalidClientTokenId"):
        SIGNER.verify(token, NOW_S)


def accepts(token):
    try:
        SIGNER.verify(token, NOW_S)
    except ServiceError as error:
        if error.row is not INVALID_CLIENT_TOKEN_ID:
            raise
        return False
    return True


@given(st.one_of(st.text(), st.binary().map(lambda raw: raw.decode("latin-1"))))
def test_no_text_but_a_token_is_accepted(text):
    assert not accepts(text)


@given(st.binary(max_size=300), st.binary(max_size=80))
def test_no_payload_and_signature_but_ours_are_accepted(payload, signature):
    assert not accepts(f"{TOKEN.partition('.')[0]}.{b64(payload)}.{b64(signature)}")


@given(st.binary(max_size=300))
def test_random_claims_under_our_own_signature_are_refused(payload):
    assert not accepts(forge(HEADER, payload))


@given(st.data())
def test_a_token_with_one_character_changed_is_refused(data):
    place = data.draw(st.integers(0, len(TOKEN) - 1))
    letter = data.draw(st.characters().filter(lambda letter: letter != TOKEN[place]))

    assert not accepts(TOKEN[:place] + letter + TOKEN[place + 1 :])


def test_a_token_says_no_more_than_it_must_and_repr_says_nothing():
    world = World()

    assert world.root_token.text not in repr(world.root_token)
    payload = json.loads(base64.urlsafe_b64decode(world.root_token.text.split(".")[1] + "=="))
    assert set(payload) == set(Claims.__struct_fields__)


def test_rotated_keys_verify_until_they_are_retired():
    world = World()
    made = world.root_credentials
    old = world.token(made.access_key_id, made.secret_access_key, ttl_s=token_model.TOKEN_LIFE_S_MAX)

    world.run(world.service.rotate_signing_key())
    new = world.token(made.access_key_id, made.secret_access_key)

    assert old.text.partition(".")[0] != new.text.partition(".")[0]
    assert world.context(old.text).principal == world.credentials.authenticate(old.text).principal
    world.start()
    assert world.context(old.text).principal.account == "000000000000"
    assert world.context(new.text).principal.account == "000000000000"


def test_signing_keys_are_rotated_by_the_due_index_and_old_ones_removed():
    world = World()
    made = world.root_credentials
    first = world.token(made.access_key_id, made.secret_access_key).text.partition(".")[0]

    world.clock.advance(90 * model.DAY_MS)
    assert world.due() == 1
    second = world.token(made.access_key_id, made.secret_access_key).text.partition(".")[0]
    assert second != first
    assert world.problems() == []

    world.clock.advance(token_model.TOKEN_LIFE_S_MAX * 1000)
    assert world.due() == 1
    world.start()
    assert set(world.credentials._signer._public) == {second}


def test_a_manual_rotation_moves_the_planned_one():
    world = World()
    world.clock.advance(89 * model.DAY_MS)
    world.run(world.service.rotate_signing_key())

    world.clock.advance(model.DAY_MS)
    assert world.due() == 1  # the retired key's end; the planned rotation of the old key is gone
    assert world.due() == 0
    assert world.problems() == []


def test_a_flood_of_unknown_key_ids_loads_no_keys(monkeypatch):
    world = World()
    loads = []
    monkeypatch.setattr(world.credentials, "_load_signer", lambda: loads.append(1))

    for index in range(100):
        with refused("InvalidClientTokenId"):
            world.credentials.authenticate(f"{b64(str(index).encode())}.a.b")

    assert loads == []


def test_token_ids_name_their_owner():
    assert tokens.principal_of(CLAIMS.jti) == ("000000000000", "AIDAALICE00000000000")
    for text in ("", "a.b.c", CLAIMS.jti + "x", CLAIMS.jti.replace("AIDA", "*"), CLAIMS.jti + "\n"):
        assert tokens.principal_of(text) is None

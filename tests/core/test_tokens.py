"""Sealed tokens: what was sealed opens, nothing else does, and each token has one spelling."""

import base64
import hashlib
import hmac
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cumulo.core.tokens import KNOWN_MAX, TOKEN_CHARACTERS_MAX, InvalidToken, TokenKind, TokenSealer

KEY, NEXT_KEY = b"k" * 32, b"n" * 32
sealer = TokenSealer({1: KEY}, 1)


@given(st.sampled_from(TokenKind), st.binary(max_size=200))
def test_sealed_payload_comes_back(kind, payload):
    text = sealer.seal(kind, payload)

    assert sealer.open(kind, text) == payload
    assert set(text) <= set(string.ascii_letters + string.digits + "-_")


@given(st.binary(max_size=40), st.data())
def test_altered_token_is_refused(payload, data):
    text = sealer.seal(TokenKind.RECEIPT, payload)
    at = data.draw(st.integers(0, len(text) - 1))
    character = data.draw(st.sampled_from(string.ascii_letters + "+/-_=").filter(lambda other: other != text[at]))

    with pytest.raises(InvalidToken):
        sealer.open(TokenKind.RECEIPT, text[:at] + character + text[at + 1 :])


@given(st.text(max_size=80))
def test_any_text_is_refused_and_never_crashes(text):
    with pytest.raises(InvalidToken):
        sealer.open(TokenKind.PAGE, text)


@pytest.mark.parametrize(
    "change", [lambda text: text + "=", lambda text: text[:-1], lambda text: text + "A", str.swapcase]
)
def test_second_spelling_is_refused(change):
    text = sealer.seal(TokenKind.PAGE, b"key")

    with pytest.raises(InvalidToken):
        sealer.open(TokenKind.PAGE, change(text))


def test_token_of_another_kind_is_refused():
    text = sealer.seal(TokenKind.RECEIPT, b"x")

    with pytest.raises(InvalidToken):
        sealer.open(TokenKind.PAGE, text)


def test_token_of_another_server_is_refused():
    text = TokenSealer({1: NEXT_KEY}, 1).seal(TokenKind.RECEIPT, b"x")

    with pytest.raises(InvalidToken):
        sealer.open(TokenKind.RECEIPT, text)


def test_token_outlives_the_rotation_of_its_key_until_the_key_is_dropped():
    text = sealer.seal(TokenKind.RECEIPT, b"x")

    assert TokenSealer({1: KEY, 2: NEXT_KEY}, 2).open(TokenKind.RECEIPT, text) == b"x"
    with pytest.raises(InvalidToken):
        TokenSealer({2: NEXT_KEY}, 2).open(TokenKind.RECEIPT, text)


def test_token_is_these_characters():
    assert sealer.seal(TokenKind.UPLOAD, b"payload") == "AgEDcGF5bG9hZMX4HLOXrJn4m45NoDXLzCo"


def test_overlong_text_is_refused_and_overlong_payload_is_a_bug():
    with pytest.raises(InvalidToken):
        sealer.open(TokenKind.PAGE, "A" * (TOKEN_CHARACTERS_MAX + 1))
    with pytest.raises(AssertionError):
        sealer.seal(TokenKind.PAGE, b"x" * TOKEN_CHARACTERS_MAX)


def test_key_does_not_show():
    assert "kkk" not in repr(sealer)


@pytest.mark.parametrize("length", [32, 64, 65, 200])
def test_authentication_is_keyed_blake2b_of_sixteen_bytes(length):
    key = bytes(range(256))[:length]
    sealer = TokenSealer({7: key}, 7)

    raw = base64.urlsafe_b64decode(sealer.seal(TokenKind.PAGE, b"payload-x") + "==")

    short = key if length <= 64 else hashlib.blake2b(key).digest()
    assert raw[-16:] == hashlib.blake2b(raw[:-16], key=short, digest_size=16, person=b"cumulo tokens").digest()


@pytest.mark.parametrize("length", [32, 64, 65, 200])
def test_token_of_version_1_opens_still(length):
    key = bytes(range(256))[:length]
    body = bytes((1, 7, TokenKind.PAGE)) + b"payload-x"
    text = base64.urlsafe_b64encode(body + hmac.digest(key, body, "sha256")[:16]).rstrip(b"=").decode()

    assert TokenSealer({7: key}, 7).open(TokenKind.PAGE, text) == b"payload-x"


def test_token_of_version_1_is_these_characters():
    assert sealer.open(TokenKind.UPLOAD, "AQEDcGF5bG9hZNxCmD5NAXWok9EA9zoziYg") == b"payload"


@pytest.mark.parametrize("length", [0, 1, 2, 3])
def test_every_other_last_character_is_refused(length):
    text = sealer.seal(TokenKind.PAGE, b"x" * length)

    for character in set(string.ascii_letters + string.digits + "-_") - {text[-1]}:
        with pytest.raises(InvalidToken):
            sealer.open(TokenKind.PAGE, text[:-1] + character)


def test_receipt_opens_however_often_and_however_many_were_sealed_since():
    sealer = TokenSealer({1: KEY}, 1)
    payloads = [str(number).encode() for number in range(3 * KNOWN_MAX)]

    texts = [sealer.seal(TokenKind.RECEIPT, payload) for payload in payloads]

    for _ in range(2):
        assert [sealer.open(TokenKind.RECEIPT, text) for text in texts] == payloads
    with pytest.raises(InvalidToken):
        sealer.open(TokenKind.PAGE, sealer.seal(TokenKind.RECEIPT, b"known by sight"))

"""Which payloads a request may have, and that a body is what was signed."""

import asyncio
import hashlib
import itertools

import msgspec
import pytest

from cumulo.core.errors import ServiceError
from cumulo.gateway.http1 import WholeBody
from cumulo.gateway.payload import ALLOWED, DeclaredPayload, PayloadMode, declared_payload, open_payload, read_payload
from cumulo.gateway.signature_errors import AuthForm, Refusal
from tests.gateway.signing_world import Pieces, code_of, read, refusal_of, request

HASH = hashlib.sha256(b"x").hexdigest()
VALUES = {mode: HASH if mode is PayloadMode.SIGNED else mode.value for mode in PayloadMode}
VALID = {
    ("SIGNED", "header", "upload"),
    ("SIGNED", "header", "other"),
    ("SIGNED", "query", "upload"),
    ("SIGNED", "query", "other"),
    ("SIGNED", "anonymous", "upload"),
    ("SIGNED", "anonymous", "other"),
    ("UNSIGNED", "header", "upload"),
    ("UNSIGNED", "header", "other"),
    ("UNSIGNED", "query", "upload"),
    ("UNSIGNED", "query", "other"),
    ("UNSIGNED", "anonymous", "upload"),
    ("UNSIGNED", "anonymous", "other"),
    ("UNSIGNED", "post", "upload"),
    ("CHUNKS_SIGNED", "header", "upload"),
    ("CHUNKS_SIGNED_TRAILER", "header", "upload"),
    ("CHUNKS_UNSIGNED_TRAILER", "header", "upload"),
    ("CHUNKS_UNSIGNED_TRAILER", "anonymous", "upload"),
}


def asked(value, *, body=b"", target="/b/k"):
    return request(
        "PUT", target, [("Host", "h"), *([("x-amz-content-sha256", value)] if value is not None else [])], body
    )


@pytest.mark.parametrize("kind", ["upload", "other"])
@pytest.mark.parametrize("form", list(AuthForm))
@pytest.mark.parametrize("mode", list(PayloadMode))
def test_only_valid_combinations_of_payload_form_and_operation_pass(mode, form, kind):
    call = lambda: declared_payload(asked(VALUES[mode]), form, streams=kind == "upload")  # noqa: E731

    if (mode.name, form.value, kind) in VALID:
        assert call() == DeclaredPayload(mode, VALUES[mode])
    else:
        assert refusal_of(call) is Refusal.PAYLOAD_NOT_HERE


def test_table_names_every_form_and_kind():
    assert set(ALLOWED) == set(itertools.product(AuthForm, (True, False)))


@pytest.mark.parametrize(
    "value",
    ["", "x", "SIGNED", HASH.upper(), HASH[:-1], HASH + "0", "unsigned-payload", "STREAMING-UNSIGNED-PAYLOAD"],
)
def test_unknown_value_is_refused(value):
    assert refusal_of(lambda: declared_payload(asked(value), AuthForm.HEADER, streams=True)) is Refusal.PAYLOAD_UNKNOWN


@pytest.mark.parametrize("end", ["", "-TRAILER"])
def test_ecdsa_chunks_are_refused_by_name(end):
    value = f"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD{end}"

    assert refusal_of(lambda: declared_payload(asked(value), AuthForm.HEADER, streams=True)) is Refusal.PAYLOAD_ECDSA


def test_header_form_must_say_what_its_payload_is():
    assert refusal_of(lambda: declared_payload(asked(None), AuthForm.HEADER, streams=True)) is Refusal.PAYLOAD_MISSING


def test_presigned_payload_is_unsigned_unless_it_says_otherwise():
    plain = declared_payload(asked(None), AuthForm.QUERY, streams=True)
    in_query = declared_payload(asked(None, target=f"/b/k?X-Amz-Content-Sha256={HASH}"), AuthForm.QUERY, streams=True)

    assert plain.mode is PayloadMode.UNSIGNED
    assert in_query.text == HASH


def test_presigned_payload_may_not_say_two_things():
    both = asked("UNSIGNED-PAYLOAD", target=f"/b/k?X-Amz-Content-Sha256={HASH}")

    assert refusal_of(lambda: declared_payload(both, AuthForm.QUERY, streams=True)) is Refusal.REPEATED


def opened(pieces, digest):
    upload = request("PUT", "/b/k", [("Host", "h")], pieces)
    return open_payload(upload, None, DeclaredPayload(PayloadMode.SIGNED, digest))


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 1_048_576])
def test_body_that_has_the_signed_hash_is_passed_on(size):
    pieces = [bytes((n,)) * size for n in range(3)]

    assert read(opened(pieces, hashlib.sha256(b"".join(pieces)).hexdigest())) == b"".join(pieces)


@pytest.mark.parametrize("size", [1, 65_537])
def test_body_that_has_another_hash_ends_in_an_error(size):
    assert code_of(lambda: read(opened([b"a" * size, b"b"], HASH))) == "XAmzContentSHA256Mismatch"


def test_all_pieces_come_before_the_error():
    seen = []

    async def run():
        async for piece in opened([b"a" * 70_000, b"b"], HASH):
            seen.append(bytes(piece))  # noqa: PERF401 - what was seen before the error counts

    with pytest.raises(ServiceError):
        asyncio.run(run())

    assert seen == [b"a" * 70_000, b"b"]


def test_body_may_be_left_in_the_middle_of_a_hash():
    async def run():
        body = opened([b"a" * 1_000_000, b"b"], HASH)
        await anext(body)
        await body.aclose()
        with pytest.raises(StopAsyncIteration):
            await anext(body)

    asyncio.run(run())


def whole(content, value):
    upload = msgspec.structs.replace(asked(value), body=WholeBody(content))
    return open_payload(upload, None, declared_payload(upload, AuthForm.HEADER, streams=True))


@pytest.mark.parametrize("content", [b"", b"x" * 65_536])
@pytest.mark.parametrize("is_signed", [True, False])
def test_payload_that_is_here_already_may_be_taken_in_one_go(content, is_signed):
    body = whole(content, hashlib.sha256(content).hexdigest() if is_signed else "UNSIGNED-PAYLOAD")

    assert bytes(body.take_whole()) == content
    assert read(body) == b""
    assert body.decoded_length == len(content)


@pytest.mark.parametrize("content", [b"", b"y"])
def test_payload_taken_in_one_go_must_have_the_signed_hash(content):
    assert code_of(lambda: whole(content, HASH).take_whole()) == "XAmzContentSHA256Mismatch"
    assert code_of(lambda: read(whole(content, HASH))) == "XAmzContentSHA256Mismatch"


def test_error_of_the_transfer_passes_through():
    class Broken(Pieces):
        async def __anext__(self):
            raise LookupError

    upload = request("PUT", "/b/k", [("Host", "h")])
    broken = msgspec.structs.replace(upload, body=Broken([]))

    with pytest.raises(LookupError):
        read(open_payload(broken, None, DeclaredPayload(PayloadMode.SIGNED, HASH)))


def test_small_payload_is_read_whole_and_verified():
    good = request("POST", "/b?delete", [("Host", "h")], b"x")
    bad = request("POST", "/b?delete", [("Host", "h")], b"y")
    declared = DeclaredPayload(PayloadMode.SIGNED, HASH)

    assert asyncio.run(read_payload(good.body, declared, 10)) == b"x"
    assert code_of(lambda: asyncio.run(read_payload(bad.body, declared, 10))) == "XAmzContentSHA256Mismatch"

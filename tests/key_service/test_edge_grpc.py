"""Keys over gRPC on real sockets: every method, the forms of names, errors, and what a repeated request answers."""

import logging
import uuid

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from cumulo.api.keys.v1 import keys_pb2 as pb
from cumulo.api.keys.v1.keys_pb2_grpc import KeyServiceStub
from cumulo.core.ports import Authenticated
from cumulo.gateway.rpc import RpcAdaptor
from cumulo.key_service import edge_grpc, model
from tests.key_service.conftest import ACCOUNT, OTHER_ACCOUNT, context_of

HERE = f"accounts/{ACCOUNT}/regions/us-east-1"
CONTEXT = {"album": "1"}


class OneToken:
    """Takes the token `root` for the root of the first account, `other` for another's."""

    def authenticate(self, token):
        return Authenticated(context_of(ACCOUNT if token == "root" else OTHER_ACCOUNT).principal, 0)


class Unobserved:
    def finished(self, *facts):
        pass


@pytest.fixture
def over_wire(run):
    """Run a scenario `(stand, call)` on a server and a channel; `call` names a method and gives its request."""

    def go(scenario):
        async def serve(it):
            rpc = RpcAdaptor(OneToken(), it.clock, it.randomness, Unobserved())
            server = grpc.aio.server()
            server.add_generic_rpc_handlers((edge_grpc.handlers(it.service, rpc),))
            port = server.add_insecure_port("127.0.0.1:0")
            await server.start()
            try:
                async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                    stub = KeyServiceStub(channel)

                    def call(method, token="root", **fields):
                        request = getattr(pb, f"{method}Request")(**fields)
                        return getattr(stub, method)(request, metadata=(("authorization", f"Bearer {token}"),))

                    await scenario(it, call)
            finally:
                await server.stop(None)

        run(serve)

    return go


async def refusal(call):
    """The status and the code of a refused call."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    raw = dict(caught.value.trailing_metadata())["grpc-status-details-bin"]
    info = ErrorInfo()
    for detail in Status.FromString(raw).details:
        if detail.Is(ErrorInfo.DESCRIPTOR):
            detail.Unpack(info)
    return caught.value.code().name, info.reason


def test_key_is_made_described_and_listed_by_its_full_name(over_wire):
    async def scenario(_stand, call):
        made = (await call("CreateKey", key=pb.Key(description="photos"), tags={"team": "a"})).key
        key_id = made.name.removeprefix(f"{HERE}/keys/")

        assert made.arn == f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{uuid.UUID(key_id)}"
        assert (made.description, made.state, made.is_managed) == ("photos", pb.KEY_STATE_ENABLED, False)
        await call("CreateAlias", alias=pb.Alias(name="alias/a/b", key=made.name))
        alias_arn = f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/a/b"
        names = (made.name, key_id, made.arn, "alias/a/b", f"{HERE}/aliases/a/b", alias_arn)
        assert {(await call("GetKey", name=name)).key.name for name in names} == {made.name}
        assert [it.name for it in (await call("ListKeys")).keys] == [made.name]
        assert dict((await call("ListKeyTags", name=made.name)).tags) == {"team": "a"}
        await call("TagKey", name=made.name, tags={"n": "1"})
        await call("UntagKey", name=made.name, tag_keys=["team"])
        assert dict((await call("ListKeyTags", name=made.name)).tags) == {"n": "1"}
        await call("UpdateKey", key=pb.Key(name=made.name, description="films"))
        assert (await call("GetKey", name=made.name)).key.description == "films"

    over_wire(scenario)


def test_listings_have_pages(over_wire):
    async def scenario(_stand, call):
        made = {(await call("CreateKey")).key.name for _ in range(3)}
        first = await call("ListKeys", page_size=2)
        second = await call("ListKeys", page_size=2, page_token=first.next_page_token)
        assert {it.name for it in (*first.keys, *second.keys)} == made
        assert (len(first.keys), second.next_page_token) == (2, "")
        assert await refusal(call("ListKeys", page_token="x")) == ("INVALID_ARGUMENT", "InvalidMarkerException")

    over_wire(scenario)


def test_states_of_a_key_follow_what_was_asked(over_wire):
    async def scenario(stand, call):
        name = (await call("CreateKey")).key.name

        async def state():
            return (await call("GetKey", name=name)).key.state

        await call("DisableKey", name=name)
        assert await state() == pb.KEY_STATE_DISABLED
        assert await refusal(call("Encrypt", key=name, plaintext=b"x")) == ("FAILED_PRECONDITION", "DisabledException")
        await call("EnableKey", name=name)
        answer = await call("ScheduleKeyDeletion", name=name, pending_days=7)
        key = (await call("GetKey", name=name)).key
        assert (key.state, key.deletion_ms) == (pb.KEY_STATE_PENDING_DELETION, answer.deletion_ms)
        assert answer.deletion_ms == stand.clock.wall_ms() + 7 * model.DAY_MS
        await call("CancelKeyDeletion", name=name)
        assert await state() == pb.KEY_STATE_DISABLED
        absent_is_30 = await call("ScheduleKeyDeletion", name=name)
        assert absent_is_30.deletion_ms == stand.clock.wall_ms() + 30 * model.DAY_MS
        await call("CancelKeyDeletion", name=name)
        soon = call("ScheduleKeyDeletion", name=name, pending_days=0)
        assert await refusal(soon) == ("INVALID_ARGUMENT", "ValidationException")

    over_wire(scenario)


def test_what_is_encrypted_opens_with_its_context_only(over_wire):
    async def scenario(_stand, call):
        name, other = (await call("CreateKey")).key.name, (await call("CreateKey")).key.name
        made = await call("Encrypt", key=name, plaintext=b"text", context=CONTEXT)
        opened = await call("Decrypt", ciphertext=made.ciphertext, context=CONTEXT, key=name)
        assert (opened.plaintext, opened.key, opened.material_id) == (b"text", name, made.material_id)
        refused = ("INVALID_ARGUMENT", "InvalidCiphertextException")
        assert await refusal(call("Decrypt", ciphertext=made.ciphertext)) == refused
        wrong_key = call("Decrypt", ciphertext=made.ciphertext, context=CONTEXT, key=other)
        assert await refusal(wrong_key) == ("INVALID_ARGUMENT", "IncorrectKeyException")

        moved = await call("ReEncrypt", ciphertext=made.ciphertext, source_context=CONTEXT, key=other)
        assert (moved.key, moved.source_key, moved.source_material_id) == (other, name, made.material_id)
        assert (await call("Decrypt", ciphertext=moved.ciphertext)).plaintext == b"text"
        long = call("Encrypt", key=name, plaintext=bytes(4_097))
        assert await refusal(long) == ("INVALID_ARGUMENT", "ValidationException")

    over_wire(scenario)


def test_data_keys_and_random_bytes_have_the_length_that_was_asked(over_wire):
    async def scenario(_stand, call):
        name = (await call("CreateKey")).key.name
        shown = await call("GenerateDataKey", key=name, context=CONTEXT)
        hidden = await call("GenerateDataKeyWithoutPlaintext", key=name, size_bytes=64)
        assert len(shown.plaintext) == 32
        assert (await call("Decrypt", ciphertext=shown.ciphertext, context=CONTEXT)).plaintext == shown.plaintext
        assert len((await call("Decrypt", ciphertext=hidden.ciphertext)).plaintext) == 64
        assert len((await call("GenerateRandom", size_bytes=7)).plaintext) == 7
        for wrong in (0, 1_025):
            assert (await refusal(call("GenerateDataKey", key=name, size_bytes=wrong)))[1] == "ValidationException"

    over_wire(scenario)


def test_rotations_are_listed_with_their_kinds(over_wire):
    async def scenario(stand, call):
        name = (await call("CreateKey")).key.name
        sealed = (await call("Encrypt", key=name, plaintext=b"x")).ciphertext
        await call("EnableKeyRotation", name=name, every_days=90)
        await stand.pass_days(90)
        await call("RotateKey", name=name)

        plan = await call("GetKeyRotation", name=name)
        listed = (await call("ListKeyRotations", name=name, with_first=True)).rotations
        kinds = [pb.ROTATION_KIND_UNSPECIFIED, pb.ROTATION_KIND_AUTOMATIC, pb.ROTATION_KIND_ON_DEMAND]
        assert [(it.kind, it.is_current) for it in listed] == list(zip(kinds, (False, False, True), strict=True))
        assert (plan.is_enabled, plan.every_days) == (True, 90)
        assert (await call("Decrypt", ciphertext=sealed)).plaintext == b"x"
        await call("DisableKeyRotation", name=name)
        assert not (await call("GetKeyRotation", name=name)).is_enabled

    over_wire(scenario)


def test_aliases_lead_elsewhere_and_are_deleted(over_wire):
    async def scenario(_stand, call):
        first, second = (await call("CreateKey")).key.name, (await call("CreateKey")).key.name
        await call("CreateAlias", alias=pb.Alias(name=f"{HERE}/aliases/a", key=first))
        await call("UpdateAlias", alias=pb.Alias(name="alias/a", key=second))
        (listed,) = (await call("ListAliases", key=second)).aliases
        assert (listed.name, listed.key) == (f"{HERE}/aliases/a", second)
        assert listed.arn == f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/a"
        assert (await call("ListAliases", key=first)).aliases == []
        twice = call("CreateAlias", alias=pb.Alias(name="alias/a", key=first))
        assert await refusal(twice) == ("ALREADY_EXISTS", "AlreadyExistsException")
        others = f"accounts/{OTHER_ACCOUNT}/regions/us-east-1/aliases/a"
        for name in (others, f"{HERE}/keys/a", others.replace(OTHER_ACCOUNT, ACCOUNT).replace("us-east-1", "eu-1")):
            refused = call("DeleteAlias", name=name)
            assert await refusal(refused) == ("INVALID_ARGUMENT", "ValidationException")
        await call("DeleteAlias", name="alias/a")
        assert (await call("ListAliases")).aliases == []

    over_wire(scenario)


def test_a_policy_is_read_and_written_and_others_are_denied(over_wire):
    async def scenario(_stand, call):
        key = (await call("CreateKey")).key
        policy = (await call("GetKeyPolicy", name=key.name)).policy
        assert f"arn:aws:iam::{ACCOUNT}:root" in policy
        assert await refusal(call("GetKey", "other", name=key.name)) == ("PERMISSION_DENIED", "AccessDenied")
        shared = policy.replace(f'"arn:aws:iam::{ACCOUNT}:root"', f'["{ACCOUNT}", "{OTHER_ACCOUNT}"]')
        await call("PutKeyPolicy", name=key.name, policy=shared)
        assert (await call("GetKey", "other", name=key.name)).key.arn == key.arn
        locked = policy.replace(ACCOUNT, OTHER_ACCOUNT)
        refused = call("PutKeyPolicy", name=key.name, policy=locked)
        assert await refusal(refused) == ("INVALID_ARGUMENT", "MalformedPolicyDocumentException")
        await call("PutKeyPolicy", name=key.name, policy=locked, may_lock_out=True)
        assert (await refusal(call("GetKey", name=key.name)))[0] == "PERMISSION_DENIED"

    over_wire(scenario)


def test_a_repeated_request_gets_the_first_answer(over_wire):
    async def scenario(_stand, call):
        request = {"key": pb.Key(description="d" * model.DESCRIPTION_CHARACTERS_MAX), "request_id": str(uuid.uuid4())}
        made = (await call("CreateKey", **request)).key
        assert (await call("CreateKey", **request)).key == made
        assert len((await call("ListKeys")).keys) == 1
        other = call("CreateKey", key=pb.Key(description="other"), request_id=request["request_id"])
        assert (await refusal(other))[1] == "IdempotentParameterMismatch"

        again = {"request_id": str(uuid.uuid4())}
        for _ in range(2):
            await call("CreateAlias", alias=pb.Alias(name="alias/a", key=made.name), **again)
        for _ in range(2):
            await call("RotateKey", name=made.name, **again)
        assert len((await call("ListKeyRotations", name=made.name)).rotations) == 1
        for _ in range(2):
            await call("DeleteAlias", name="alias/a", **again)
        times = {(await call("ScheduleKeyDeletion", name=made.name, **again)).deletion_ms for _ in range(2)}
        assert len(times) == 1
        for _ in range(2):
            await call("CancelKeyDeletion", name=made.name, **again)

    over_wire(scenario)


@pytest.mark.parametrize(
    "name", ["", "x", "keys/x", f"{HERE}/keys/x", f"{HERE}/queues/x", "alias/none", f"{HERE}/keys/{uuid.UUID(int=1)}"]
)
def test_names_of_nothing_are_refused(over_wire, name):
    async def scenario(_stand, call):
        status, _ = await refusal(call("GetKey", name=name))
        assert status == ("NOT_FOUND" if name else "INVALID_ARGUMENT")

    over_wire(scenario)


def test_no_plaintext_reaches_a_log_or_a_repr(over_wire, caplog):
    secret = b"what nobody else may read"

    async def scenario(_stand, call):
        name = (await call("CreateKey")).key.name
        sealed = (await call("Encrypt", key=name, plaintext=secret)).ciphertext
        await call("Decrypt", ciphertext=sealed)
        await call("DisableKey", name=name)
        await refusal(call("Encrypt", key=name, plaintext=secret))
        await refusal(call("Encrypt", key=name, plaintext=secret * 200))

    with caplog.at_level(logging.DEBUG):
        over_wire(scenario)
    assert secret.decode() not in caplog.text
    assert secret.decode() not in repr(model.Encrypt("k", secret))
    assert secret.decode() not in repr(model.Decrypted("k", secret, "m"))

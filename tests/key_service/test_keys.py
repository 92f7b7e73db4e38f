"""Keys and their lives: use, states, rotation, deletion, policies, and what is bound to a ciphertext."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cumulo.core.context import AnonymousPrincipal
from cumulo.core.errors import ServiceError
from cumulo.key_service import ciphertexts, keys, model
from cumulo.key_service.ciphertexts import Head
from cumulo.storage import records
from tests.key_service.conftest import ACCOUNT, OTHER_ACCOUNT, context_of

CONTEXT = {"bucket": "photos", "Object": "a/b"}


async def refusal(call) -> str:
    with pytest.raises(ServiceError) as caught:
        await call
    return caught.value.row.code


def test_what_a_key_encrypts_it_decrypts_with_the_same_context_only(run):
    async def body(stand):
        key_id = await stand.key()
        made = await stand.call(model.Encrypt(key_id, b"text", CONTEXT))

        opened = await stand.call(model.Decrypt(made.ciphertext, context=dict(reversed(CONTEXT.items()))))
        assert (opened.plaintext, opened.key_arn) == (b"text", made.key_arn)
        for context in ({}, CONTEXT | {"bucket": "other"}, {**CONTEXT, "more": ""}):
            assert await refusal(stand.call(model.Decrypt(made.ciphertext, context=context))) == (
                "InvalidCiphertextException"
            )

    run(body)


def test_no_two_ciphertexts_are_alike(run):
    async def body(stand):
        key_id = await stand.key()
        made = {(await stand.call(model.Encrypt(key_id, b"text"))).ciphertext for _ in range(20)}
        assert len(made) == 20

    run(body)


def opens(ciphertext) -> bool:
    """Say whether a ciphertext opens; every refusal is the one of KMS."""
    try:
        ciphertexts.read_head(ciphertext)
        ciphertexts.unseal(b"m" * 32, ciphertext, CONTEXT)
    except ServiceError as error:
        return error.row.code != "InvalidCiphertextException"
    return True


@given(st.data())
def test_a_ciphertext_that_was_altered_does_not_open(data):
    head = Head(bytes(16), 3)
    whole = ciphertexts.seal(b"m" * 32, head, b"s" * 16, b"text", CONTEXT)
    at = data.draw(st.integers(0, len(whole) - 1))
    bit = 1 << data.draw(st.integers(0, 7))
    altered = whole[:at] + bytes((whole[at] ^ bit,)) + whole[at + 1 :]
    assert not opens(altered)


@given(st.binary(max_size=200))
def test_what_is_no_ciphertext_is_refused(raw):
    assert not opens(raw)


def test_a_disabled_key_and_one_that_is_to_be_deleted_are_not_used(run):
    async def body(stand):
        key_id = await stand.key()
        sealed = (await stand.call(model.Encrypt(key_id, b"text"))).ciphertext
        await stand.call(model.DisableKey(key_id))
        for request in (model.Encrypt(key_id, b"x"), model.Decrypt(sealed), model.GenerateDataKey(key_id)):
            assert await refusal(stand.call(request)) == "DisabledException"
        await stand.call(model.EnableKey(key_id))
        await stand.call(model.ScheduleKeyDeletion(key_id, 7))
        for unusable in (model.Encrypt(key_id, b"x"), model.Decrypt(sealed), model.EnableKey(key_id)):
            assert await refusal(stand.call(unusable)) == "KMSInvalidStateException"
        await stand.call(model.CancelKeyDeletion(key_id))
        assert not (await stand.call(model.DescribeKey(key_id))).is_enabled
        await stand.call(model.EnableKey(key_id))
        assert (await stand.call(model.Decrypt(sealed))).plaintext == b"text"
        await stand.pass_days(30)
        assert (await stand.call(model.DescribeKey(key_id))).is_enabled

    run(body)


def test_a_deleted_key_takes_its_aliases_along_and_nothing_opens_any_more(run):
    async def body(stand):
        key_id = await stand.key()
        await stand.call(model.CreateAlias("alias/photos", key_id))
        sealed = (await stand.call(model.Encrypt("alias/photos", b"text"))).ciphertext
        await stand.call(model.ScheduleKeyDeletion(key_id, 7))
        await stand.restart()
        await stand.pass_days(6)
        assert (await stand.call(model.DescribeKey(key_id))).pending_days == 7
        await stand.pass_days(1)
        for request in (model.DescribeKey(key_id), model.DescribeKey("alias/photos"), model.Decrypt(sealed)):
            assert await refusal(stand.call(request)) == "NotFoundException"
        assert (await stand.call(model.ListKeys())).items == ()
        assert (await stand.call(model.ListAliases())).items == ()

    run(body)


def test_a_rotated_key_opens_what_every_material_of_it_encrypted(run):
    async def body(stand):
        key_id = await stand.key()
        await stand.call(model.EnableKeyRotation(key_id, 90))
        sealed = [(await stand.call(model.Encrypt(key_id, b"0"))).ciphertext]
        for number in (b"1", b"2"):
            await stand.restart()
            await stand.pass_days(90)
            sealed.append((await stand.call(model.Encrypt(key_id, number))).ciphertext)
        await stand.call(model.RotateKeyOnDemand(key_id))
        sealed.append((await stand.call(model.Encrypt(key_id, b"3"))).ciphertext)

        opened = [await stand.call(model.Decrypt(it)) for it in sealed]
        assert [it.plaintext for it in opened] == [b"0", b"1", b"2", b"3"]
        assert len({it.material_id for it in opened}) == 4
        listed = (await stand.call(model.ListKeyRotations(key_id))).items
        assert [(it.on_demand, it.is_current) for it in listed] == [(False, False), (False, False), (True, True)]
        status = await stand.call(model.GetKeyRotationStatus(key_id))
        assert (status.is_enabled, status.period_days) == (True, 90)
        await stand.call(model.DisableKeyRotation(key_id))
        await stand.pass_days(400)
        assert len((await stand.call(model.ListKeyRotations(key_id, with_first=True))).items) == 4

    run(body)


def test_rotations_on_demand_are_limited(run):
    async def body(stand):
        key_id = await stand.key()
        for _ in range(model.ROTATIONS_ON_DEMAND_MAX):
            await stand.call(model.RotateKeyOnDemand(key_id))
        assert await refusal(stand.call(model.RotateKeyOnDemand(key_id))) == "LimitExceededException"

    run(body)


def test_a_data_key_is_what_its_ciphertext_holds(run):
    async def body(stand):
        key_id = await stand.key()
        made = await stand.call(model.GenerateDataKey(key_id, 64, CONTEXT))
        assert len(made.plaintext) == 64
        assert (await stand.call(model.Decrypt(made.ciphertext, context=CONTEXT))).plaintext == made.plaintext
        hidden = await stand.call(model.GenerateDataKeyWithoutPlaintext(key_id, 16))
        assert hidden.plaintext == b""
        assert len((await stand.call(model.Decrypt(hidden.ciphertext))).plaintext) == 16
        assert made.plaintext.hex() not in repr(made)

    run(body)


def test_re_encryption_changes_key_and_context(run):
    async def body(stand):
        first, second = await stand.key(), await stand.key()
        sealed = (await stand.call(model.Encrypt(first, b"text", CONTEXT))).ciphertext
        moved = await stand.call(model.ReEncrypt(sealed, second, {"n": "1"}, source_context=CONTEXT))
        opened = await stand.call(model.Decrypt(moved.ciphertext, second, {"n": "1"}))
        assert (opened.plaintext, opened.key_arn) == (b"text", moved.key_arn)
        assert moved.source_arn.endswith(first)
        assert await refusal(stand.call(model.Decrypt(moved.ciphertext, first, {"n": "1"}))) == "IncorrectKeyException"

    run(body)


def test_a_policy_that_does_not_name_the_account_shuts_out_its_root(run):
    async def body(stand):
        policy = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"AWS": OTHER_ACCOUNT}, "Action": "kms:*", "Resource": "*"}],
        }
        text = json.dumps(policy)
        assert await refusal(stand.call(model.CreateKey(policy=text))) == "MalformedPolicyDocumentException"
        made = await stand.call(model.CreateKey(policy=text, may_lock_out=True))
        assert await refusal(stand.call(model.DescribeKey(made.key_id))) == "AccessDenied"
        other = context_of(OTHER_ACCOUNT)
        assert (await stand.call(model.DescribeKey(made.arn), other)).arn == made.arn
        assert (await stand.call(model.Encrypt(made.arn, b"x"), other)).key_arn == made.arn

    run(body)


def test_policies_may_ask_for_the_encryption_context(run):
    async def body(stand):
        condition = {"StringEquals": {"kms:EncryptionContext:bucket": "photos"}}
        may_use = {"Principal": {"AWS": OTHER_ACCOUNT}, "Action": "kms:Encrypt", "Resource": "*"}
        own = {"Principal": {"AWS": ACCOUNT}, "Action": "kms:*", "Resource": "*", "Effect": "Allow"}
        policy = {"Version": "2012-10-17", "Statement": [own, may_use | {"Effect": "Allow", "Condition": condition}]}
        made = await stand.call(model.CreateKey(policy=json.dumps(policy)))
        other = context_of(OTHER_ACCOUNT)
        assert await refusal(stand.call(model.Encrypt(made.arn, b"x"), other)) == "AccessDenied"
        assert (await stand.call(model.Encrypt(made.arn, b"x", {"bucket": "photos"}), other)).ciphertext

    run(body)


def test_a_services_key_is_made_at_its_first_use_and_used_through_the_service_only(run):
    async def body(stand):
        first = await stand.s3.generate_data_key(stand.ctx, "alias/aws/s3", CONTEXT)
        again = await stand.s3.generate_data_key(stand.ctx, "alias/aws/s3", CONTEXT)
        assert first.key_arn == again.key_arn
        assert await stand.s3.open_data_key(stand.ctx, first.wrapped, CONTEXT) == first.plaintext
        assert await refusal(stand.call(model.Decrypt(first.wrapped, context=CONTEXT))) == "AccessDenied"
        assert await refusal(stand.s3.open_data_key(context_of(OTHER_ACCOUNT), first.wrapped, CONTEXT)) == (
            "AccessDenied"
        )
        nobody = msgspec.structs.replace(stand.ctx, principal=AnonymousPrincipal())
        assert await refusal(stand.s3.open_data_key(nobody, first.wrapped, CONTEXT)) == "AccessDenied"
        described = await stand.call(model.DescribeKey("alias/aws/s3"))
        assert described.is_managed
        assert await refusal(stand.call(model.ScheduleKeyDeletion(described.key_id))) == "AccessDenied"

    run(body)


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (model.Encrypt("{key}", b""), "ValidationException"),
        (model.Encrypt("{key}", bytes(4_097)), "ValidationException"),
        (model.Encrypt("{key}", b"x", {"a": "b" * 8_192}), "ValidationException"),
        (model.Encrypt("nonsense", b"x"), "NotFoundException"),
        (model.Encrypt("arn:aws:sqs:us-east-1:000000000000:q", b"x"), "InvalidArnException"),
        (model.Encrypt("alias/none", b"x"), "NotFoundException"),
        (model.Encrypt("00000000-0000-4000-8000-000000000000", b"x"), "NotFoundException"),
        (model.Encrypt("{key}", b"x", is_trial=True), "DryRunOperationException"),
        (model.Decrypt(b"nonsense"), "InvalidCiphertextException"),
        (model.GenerateDataKey("{key}", 0), "ValidationException"),
        (model.GenerateDataKey("{key}", 1_025), "ValidationException"),
        (model.GenerateRandom(1_025), "ValidationException"),
        (model.ScheduleKeyDeletion("{key}", 6), "ValidationException"),
        (model.ScheduleKeyDeletion("{key}", 31), "ValidationException"),
        (model.EnableKeyRotation("{key}", 89), "ValidationException"),
        (model.CancelKeyDeletion("{key}"), "KMSInvalidStateException"),
        (model.CreateKey(description="x" * 8_193), "ValidationException"),
        (model.CreateKey(policy="{"), "MalformedPolicyDocumentException"),
        (model.CreateKey(tags={"aws:x": "y"}), "TagException"),
        (model.CreateKey(tags={str(number): "" for number in range(51)}), "TagException"),
        (model.CreateAlias("photos", "{key}"), "ValidationException"),
        (model.CreateAlias("alias/a b", "{key}"), "InvalidAliasNameException"),
        (model.CreateAlias("alias/aws/mine", "{key}"), "NotAuthorizedException"),
        (model.CreateAlias("alias/" + "x" * 251, "{key}"), "ValidationException"),
        (model.DeleteAlias("alias/none"), "NotFoundException"),
        (model.ListKeys(page_size=1_001), "ValidationException"),
        (model.ListKeys(page_token="x"), "InvalidMarkerException"),
    ],
)
def test_bad_input_is_refused_in_the_words_of_kms(run, request_, code):
    async def body(stand):
        key_id = await stand.key()
        asked = request_
        if getattr(asked, "key_id", "") == "{key}":
            asked = msgspec.structs.replace(asked, key_id=key_id)
        assert await refusal(stand.call(asked)) == code

    run(body)


def test_aliases_lead_where_they_were_last_led(run):
    async def body(stand):
        first, second = await stand.key(), await stand.key()
        await stand.call(model.CreateAlias("alias/a", first))
        assert await refusal(stand.call(model.CreateAlias("alias/a", second))) == "AlreadyExistsException"
        await stand.call(model.UpdateAlias("alias/a", second))
        assert (await stand.call(model.DescribeKey("alias/a"))).key_id == second
        assert [it.name for it in (await stand.call(model.ListAliases(second))).items] == ["alias/a"]
        assert (await stand.call(model.ListAliases(first))).items == ()
        await stand.call(model.DeleteAlias("alias/a"))
        assert await refusal(stand.call(model.DescribeKey("alias/a"))) == "NotFoundException"

    run(body)


def test_listings_come_in_pages_that_together_hold_everything_once(run):
    async def body(stand):
        made = {await stand.key() for _ in range(7)}
        one = next(iter(made))
        await stand.call(model.TagResource(one, {f"t{number}": str(number) for number in range(7)}))
        for number in range(7):
            await stand.call(model.CreateAlias(f"alias/{number}", one))
            await stand.call(model.RotateKeyOnDemand(one))
        for first in (
            model.ListKeys(page_size=3),
            model.ListAliases(page_size=3),
            model.ListAliases(one, page_size=3),
            model.ListResourceTags(one, page_size=3),
            model.ListKeyRotations(one, page_size=3),
        ):
            found, sizes, asked = [], [], first
            while True:
                page = await stand.call(asked)
                found += page.items
                sizes.append(len(page.items))
                if not page.next_page_token:
                    break
                asked = msgspec.structs.replace(asked, page_token=page.next_page_token)
            assert (sizes, len(set(found))) == ([3, 3, 1], 7), first

    run(body)


@pytest.mark.parametrize(
    ("record", "written"),
    [
        (
            keys.KeyRecord(account="000000000000", region="r", create_ms=1, policy="p", tags={"a": "b"}),
            "dc001001ac303030303030303030303030a17201a0a170c3a00081a161a162000100000000",
        ),
        (keys.MaterialRecord(storage_key=1, sealed=b"s", create_ms=2, on_demand=True), "950101c4017302c3"),
        (
            keys.AliasRecord(key=b"k" * 16, create_ms=1, update_ms=2),
            "9401c4106b6b6b6b6b6b6b6b6b6b6b6b6b6b6b6b0102",
        ),
    ],
)
def test_records_keep_their_bytes(record, written):
    assert records.encode(record).hex() == written

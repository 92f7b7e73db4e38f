"""Keys through both flavours of the SDK, against a real server."""

import asyncio
import json

import pytest

from cumulo.client import Client, errors
from cumulo.testing import Server

CONTEXT = {"album": "1"}


def test_text_is_encrypted_and_opened_by_an_alias(client: Client, name: str):
    key = client.keys.create("photos", tags={"team": "a"})
    client.keys.create_alias(f"alias/{name}", key.id)

    sealed = client.keys.encrypt(f"alias/{name}", "text", context=CONTEXT)
    opened = client.keys.decrypt(sealed.ciphertext, context=CONTEXT)

    assert (opened.text, opened.key_id, opened.material_id) == ("text", key.id, key.material_id)
    assert client.keys.get(key.arn) == client.keys.get(f"alias/{name}") == key
    assert client.keys.tags(key.full_name) == {"team": "a"}
    assert [it.key_id for it in client.keys.aliases(key.id)] == [key.id]
    with pytest.raises(errors.InvalidArgument) as refused:
        client.keys.decrypt(sealed.ciphertext)
    assert refused.value.code == "InvalidCiphertextException"


def test_key_is_disabled_scheduled_for_deletion_and_kept(client: Client):
    key = client.keys.create()

    client.keys.disable(key.id)
    with pytest.raises(errors.PreconditionFailed, match="is disabled"):
        client.keys.encrypt(key.id, b"x")
    client.keys.enable(key.id)
    when = client.keys.schedule_deletion(key.id, days=7)
    assert (client.keys.get(key.id).state, client.keys.get(key.id).deletion) == ("PENDING_DELETION", when)
    client.keys.cancel_deletion(key.id)
    assert client.keys.get(key.id).state == "DISABLED"
    assert key.id in [it.id for it in client.keys.list(page_size=1)]


def test_rotation_is_planned_and_done_and_old_ciphertexts_open(client: Client):
    key = client.keys.create()
    sealed = client.keys.encrypt(key.id, b"old")

    client.keys.enable_rotation(key.id, every_days=90)
    client.keys.rotate(key.id)
    plan = client.keys.rotation(key.id)

    assert plan is not None
    assert plan.every_days == 90
    kinds = [(it.kind, it.is_current) for it in client.keys.rotations(key.id, with_first=True)]
    assert kinds == [("FIRST", False), ("ON_DEMAND", True)]
    assert client.keys.decrypt(sealed.ciphertext).plaintext == b"old"
    assert client.keys.encrypt(key.id, b"new").material_id != sealed.material_id
    client.keys.disable_rotation(key.id)
    assert client.keys.rotation(key.id) is None


def test_policy_is_read_and_written(client: Client):
    key = client.keys.create("a")
    policy = json.loads(client.keys.policy(key.id))

    policy["Id"] = "changed"
    client.keys.set_policy(key.id, policy)
    client.keys.describe(key.id, "b")

    assert json.loads(client.keys.policy(key.id))["Id"] == "changed"
    assert client.keys.get(key.id).description == "b"
    with pytest.raises(errors.InvalidArgument, match="will not allow you"):
        client.keys.set_policy(key.id, {**policy, "Statement": [{**policy["Statement"][0], "Effect": "Deny"}]})


def test_the_asynchronous_flavour_makes_data_keys_that_open(server: Server, name: str):
    async def body() -> None:
        async with server.async_client() as client:
            first, second = await client.keys.create(), await client.keys.create()
            await client.keys.create_alias(f"alias/{name}", first.id)
            await client.keys.update_alias(f"alias/{name}", second.id)
            made = await client.keys.data_key(f"alias/{name}", context=CONTEXT)
            sealed = await client.keys.sealed_data_key(first.id, size=64)
            moved = await client.keys.re_encrypt(
                made.ciphertext, first.id, source_context=CONTEXT, source_key=second.id
            )

            assert made.key_id == second.id
            assert (await client.keys.decrypt(moved.ciphertext, key=first.id)).plaintext == made.plaintext
            assert len((await client.keys.decrypt(sealed.ciphertext)).plaintext) == 64
            assert len(await client.keys.random(9)) == 9
            assert made.plaintext.hex() not in repr(made)
            assert repr(made.plaintext) not in repr(made)
            assert repr(made.plaintext) not in repr(await client.keys.decrypt(moved.ciphertext))
            await client.keys.tag(first.id, {"a": "1"})
            await client.keys.untag(first.id, "a")
            assert await client.keys.tags(first.id) == {}
            await client.keys.delete_alias(f"alias/{name}")
            with pytest.raises(errors.NotFound):
                await client.keys.delete_alias(f"alias/{name}")

    asyncio.run(body())

"""Keys that never leave the server: made, ruled, and used to encrypt what callers send, or the keys that they use.

A `key` is an id, an ARN, a full name or an alias (`alias/photos`). An encryption `context` is what a ciphertext is
bound to, in clear: with another one it does not open.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cumulo.api.keys.v1 import keys_pb2 as pb
from cumulo.client import _key_wire, _wire, model
from cumulo.client._async.connection import AsyncConnection
from cumulo.client._async.pages import AsyncPager
from cumulo.client.model import Page

Context = Mapping[str, str]


class AsyncKeys:
    """Makes, rules and uses keys."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    # Use

    async def encrypt(self, key: str, plaintext: str | bytes, *, context: Context | None = None) -> model.Encrypted:
        """Encrypt 1 to 4096 bytes, or text as UTF-8; raises `NotFound`, and `PreconditionFailed` for a key that cannot
        be used now.
        """
        request = pb.EncryptRequest(key=key, plaintext=_key_wire.plain_bytes(plaintext), context=context)
        made = await self._connection.call(self._connection.lane.keys.Encrypt, request)
        return model.Encrypted(
            ciphertext=made.ciphertext, key_id=_key_wire.id_of(made.key), material_id=made.material_id
        )

    async def decrypt(
        self, ciphertext: bytes, *, context: Context | None = None, key: str | None = None
    ) -> model.Decrypted:
        """Open a ciphertext, which names its key; with a `key` it must be that one.

        Raises `InvalidArgument` for one that was altered, or was made with another context or key.
        """
        request = pb.DecryptRequest(ciphertext=ciphertext, context=context, key=key or "")
        opened = await self._connection.call(self._connection.lane.keys.Decrypt, request)
        return model.Decrypted(
            plaintext=opened.plaintext, key_id=_key_wire.id_of(opened.key), material_id=opened.material_id
        )

    async def re_encrypt(
        self,
        ciphertext: bytes,
        key: str,
        *,
        context: Context | None = None,
        source_context: Context | None = None,
        source_key: str | None = None,
    ) -> model.Encrypted:
        """Encrypt anew, under another `key` or `context`, what a ciphertext holds; nobody sees it meanwhile."""
        request = pb.ReEncryptRequest(
            ciphertext=ciphertext,
            source_context=source_context,
            source_key=source_key or "",
            key=key,
            context=context,
        )
        made = await self._connection.call(self._connection.lane.keys.ReEncrypt, request)
        return model.Encrypted(
            ciphertext=made.ciphertext, key_id=_key_wire.id_of(made.key), material_id=made.material_id
        )

    async def data_key(self, key: str, *, size: int = 32, context: Context | None = None) -> model.DataKey:
        """Make a random key of `size` (1 to 1024) bytes to encrypt with: in clear, and as it may be stored."""
        request = pb.GenerateDataKeyRequest(key=key, size_bytes=size, context=context)
        made = await self._connection.call(self._connection.lane.keys.GenerateDataKey, request)
        return model.DataKey(
            plaintext=made.plaintext,
            ciphertext=made.ciphertext,
            key_id=_key_wire.id_of(made.key),
            material_id=made.material_id,
        )

    async def sealed_data_key(self, key: str, *, size: int = 32, context: Context | None = None) -> model.Encrypted:
        """Make a data key that only a later `decrypt` shows: for whoever prepares what others encrypt with."""
        request = pb.GenerateDataKeyWithoutPlaintextRequest(key=key, size_bytes=size, context=context)
        made = await self._connection.call(self._connection.lane.keys.GenerateDataKeyWithoutPlaintext, request)
        return model.Encrypted(
            ciphertext=made.ciphertext, key_id=_key_wire.id_of(made.key), material_id=made.material_id
        )

    async def random(self, size: int) -> bytes:
        """Return 1 to 1024 random bytes of the server's."""
        request = pb.GenerateRandomRequest(size_bytes=size)
        return (await self._connection.call(self._connection.lane.keys.GenerateRandom, request)).plaintext

    # Keys

    async def create(
        self,
        description: str = "",
        *,
        policy: str | Mapping[str, Any] | None = None,
        tags: Mapping[str, str] | None = None,
        may_lock_out: bool = False,
    ) -> model.KeyInfo:
        """Make a key.

        Without a `policy` the policies of the account decide who uses it. One that keeps the caller from changing it
        later is refused, unless it `may_lock_out`.
        """
        request = pb.CreateKeyRequest(
            key=pb.Key(description=description),
            policy="" if policy is None else _wire.document_text(policy),
            tags=tags,
            may_lock_out=may_lock_out,
            request_id=self._connection.request_id(),
        )
        return _key_wire.key_info((await self._connection.call(self._connection.lane.keys.CreateKey, request)).key)

    async def get(self, key: str) -> model.KeyInfo:
        """Return a key; raises `NotFound`."""
        request = pb.GetKeyRequest(name=key)
        return _key_wire.key_info((await self._connection.call(self._connection.lane.keys.GetKey, request)).key)

    def list(self, *, page_size: int | None = None) -> AsyncPager[model.KeyInfo]:
        """List the keys of the caller's account and region, with ids and ARNs alone."""

        async def fetch(page_token: str) -> Page[model.KeyInfo]:
            request = pb.ListKeysRequest(page_size=page_size or 0, page_token=page_token)
            response = await self._connection.call(self._connection.lane.keys.ListKeys, request)
            return Page([_key_wire.key_info(it) for it in response.keys], response.next_page_token)

        return AsyncPager(fetch)

    async def describe(self, key: str, description: str) -> None:
        """Write what a key is for."""
        request = pb.UpdateKeyRequest(
            key=pb.Key(name=key, description=description), request_id=self._connection.request_id()
        )
        await self._connection.call(self._connection.lane.keys.UpdateKey, request)

    async def enable(self, key: str) -> None:
        """Let a key be used again."""
        request = pb.EnableKeyRequest(name=key, request_id=self._connection.request_id())
        await self._connection.call(self._connection.lane.keys.EnableKey, request)

    async def disable(self, key: str) -> None:
        """Keep a key from being used."""
        request = pb.DisableKeyRequest(name=key, request_id=self._connection.request_id())
        await self._connection.call(self._connection.lane.keys.DisableKey, request)

    async def schedule_deletion(self, key: str, *, days: int = 30) -> datetime:
        """Have a key deleted in 7 to 30 days, and return when; it is not used until then.

        Nobody can read afterwards what it encrypted.
        """
        request = pb.ScheduleKeyDeletionRequest(name=key, pending_days=days, request_id=self._connection.request_id())
        response = await self._connection.call(self._connection.lane.keys.ScheduleKeyDeletion, request)
        return _wire.time_of(response.deletion_ms)

    async def cancel_deletion(self, key: str) -> None:
        """Keep a key after all; it is disabled then."""
        request = pb.CancelKeyDeletionRequest(name=key, request_id=self._connection.request_id())
        await self._connection.call(self._connection.lane.keys.CancelKeyDeletion, request)

    async def policy(self, key: str) -> str:
        """Return a key's policy, JSON text."""
        request = pb.GetKeyPolicyRequest(name=key)
        return (await self._connection.call(self._connection.lane.keys.GetKeyPolicy, request)).policy

    async def set_policy(self, key: str, policy: str | Mapping[str, Any], *, may_lock_out: bool = False) -> None:
        """Write a key's policy; one that keeps the caller from changing it later is refused, unless it
        `may_lock_out`.
        """
        request = pb.PutKeyPolicyRequest(
            name=key,
            policy=_wire.document_text(policy),
            may_lock_out=may_lock_out,
            request_id=self._connection.request_id(),
        )
        await self._connection.call(self._connection.lane.keys.PutKeyPolicy, request)

    async def tags(self, key: str) -> dict[str, str]:
        """Return a key's tags."""
        request = pb.ListKeyTagsRequest(name=key)
        return dict((await self._connection.call(self._connection.lane.keys.ListKeyTags, request)).tags)

    async def tag(self, key: str, tags: Mapping[str, str]) -> None:
        """Set tags of a key; others stay."""
        request = pb.TagKeyRequest(name=key, tags=tags, request_id=self._connection.request_id())
        await self._connection.call(self._connection.lane.keys.TagKey, request)

    async def untag(self, key: str, *tag_keys: str) -> None:
        """Remove tags of a key."""
        request = pb.UntagKeyRequest(name=key, tag_keys=tag_keys, request_id=self._connection.request_id())
        await self._connection.call(self._connection.lane.keys.UntagKey, request)

    # Aliases

    async def create_alias(self, alias: str, key: str) -> None:
        """Give a key another name, which begins with `alias/`; raises `AlreadyExists`."""
        request = pb.CreateAliasRequest(alias=pb.Alias(name=alias, key=key), request_id=self._connection.request_id())
        await self._connection.call(self._connection.lane.keys.CreateAlias, request)

    async def update_alias(self, alias: str, key: str) -> None:
        """Lead an alias to another key; raises `NotFound`."""
        request = pb.UpdateAliasRequest(alias=pb.Alias(name=alias, key=key), request_id=self._connection.request_id())
        await self._connection.call(self._connection.lane.keys.UpdateAlias, request)

    async def delete_alias(self, alias: str) -> None:
        """Delete an alias; its key stays. Raises `NotFound`."""
        request = pb.DeleteAliasRequest(name=alias, request_id=self._connection.request_id())
        await self._connection.call(self._connection.lane.keys.DeleteAlias, request)

    def aliases(self, key: str | None = None, *, page_size: int | None = None) -> AsyncPager[model.AliasInfo]:
        """List aliases in order of their names: those of a `key`, or all of the account and region."""

        async def fetch(page_token: str) -> Page[model.AliasInfo]:
            request = pb.ListAliasesRequest(key=key or "", page_size=page_size or 0, page_token=page_token)
            response = await self._connection.call(self._connection.lane.keys.ListAliases, request)
            return Page([_key_wire.alias_info(it) for it in response.aliases], response.next_page_token)

        return AsyncPager(fetch)

    # Rotation

    async def rotate(self, key: str) -> None:
        """Give a key new material now, at most 25 times; what older material encrypted stays readable."""
        request = pb.RotateKeyRequest(name=key, request_id=self._connection.request_id())
        await self._connection.call(self._connection.lane.keys.RotateKey, request)

    async def enable_rotation(self, key: str, *, every_days: int = 365) -> None:
        """Have a key get new material every 90 to 2560 days."""
        request = pb.EnableKeyRotationRequest(name=key, every_days=every_days, request_id=self._connection.request_id())
        await self._connection.call(self._connection.lane.keys.EnableKeyRotation, request)

    async def disable_rotation(self, key: str) -> None:
        """Rotate a key no more by itself."""
        request = pb.DisableKeyRotationRequest(name=key, request_id=self._connection.request_id())
        await self._connection.call(self._connection.lane.keys.DisableKeyRotation, request)

    async def rotation(self, key: str) -> model.RotationPlan | None:
        """Return how often and when next a key is rotated by itself, None where it is not."""
        request = pb.GetKeyRotationRequest(name=key)
        it = await self._connection.call(self._connection.lane.keys.GetKeyRotation, request)
        return model.RotationPlan(every_days=it.every_days, next=_wire.time_of(it.next_ms)) if it.is_enabled else None

    def rotations(
        self, key: str, *, with_first: bool = False, page_size: int | None = None
    ) -> AsyncPager[model.KeyRotation]:
        """List the rotations of a key, oldest first, the key's first material included where asked `with_first`."""

        async def fetch(page_token: str) -> Page[model.KeyRotation]:
            request = pb.ListKeyRotationsRequest(
                name=key, with_first=with_first, page_size=page_size or 0, page_token=page_token
            )
            response = await self._connection.call(self._connection.lane.keys.ListKeyRotations, request)
            return Page([_key_wire.rotation(it) for it in response.rotations], response.next_page_token)

        return AsyncPager(fetch)

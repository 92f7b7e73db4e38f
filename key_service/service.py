"""The key service: its calls, and what is done with the material of keys between a snapshot and the answer.

Promises that material is opened for one call and kept nowhere; that it appears in no record, log, error or `repr`.
Knows no wire protocol.
"""

import contextlib
import uuid
from collections.abc import Mapping
from typing import Any

import msgspec

from cumulo.core.clocks import Clock
from cumulo.core.context import CallContext
from cumulo.core.errors import ServiceError
from cumulo.core.ids import Randomness
from cumulo.core.names import parse_arn
from cumulo.core.operations import Operation
from cumulo.core.ports import DataKey
from cumulo.core.tokens import TokenSealer
from cumulo.identity import resource_policy
from cumulo.identity.authorizer import Authorizer, Guard
from cumulo.identity.room import Resolved, Room
from cumulo.key_service import ciphertexts, keys, materials, model, policies
from cumulo.key_service.ciphertexts import Head
from cumulo.key_service.errors import DRY_RUN, KEY_UNREADABLE, NOT_FOUND
from cumulo.key_service.materials import DueRotation, Opened
from cumulo.key_service.model import Context
from cumulo.key_service.operations import TABLE
from cumulo.key_service.resolving import Desk, material_scope
from cumulo.key_service.rewraps import Rewraps
from cumulo.storage.due_pump import DueHandler
from cumulo.storage.engine import Due, Engine
from cumulo.storage.storage_keys import KeyUnreadable, StorageKeys, WrappedKey

DATA_KEY_BYTES = 32


class Service(Room):
    """The keys of a server; arguments as for every room, and the storage keys that wrap their material."""

    table = TABLE

    def __init__(
        self,
        engine: Engine,
        authorizer: Authorizer,
        clock: Clock,
        randomness: Randomness,
        *,
        sealer: TokenSealer,
        storage_keys: StorageKeys,
    ) -> None:
        super().__init__(engine, authorizer, clock, randomness)
        self._storage_keys = storage_keys
        self._rewraps = Rewraps(engine, clock, randomness, storage_keys)
        self.desk = Desk(engine, authorizer, clock, randomness, sealer, storage_keys)

    def begin(self) -> None:
        """Begin; there is nothing to do."""

    def close(self) -> None:
        """Take on nothing that lasts; nothing does."""

    async def drain(self) -> None:
        """Finish what is under way; nothing is."""

    def due_handlers(self) -> Mapping[str, DueHandler]:
        """Return the room's due kinds."""
        return {keys.DELETE: self._on_delete, keys.ROTATE: self._on_rotate, keys.REWRAP: self._rewraps.run}

    async def guard(self, arn: str) -> Guard | None:
        """Return what protects the key of an ARN, None where there is no such key."""
        parsed = parse_arn(arn)
        if parsed is None:
            return None
        with contextlib.suppress(ServiceError):
            found = await self.desk.find(arn, parsed.account, parsed.region)
            return None if found.record is None else found.guard
        return None

    async def resolve(self, ctx: CallContext, operation: Operation, request: Any) -> Resolved:
        """Follow the key's name, check the request and stamp it."""
        return await self.desk.resolve(ctx, operation, request)

    def present(self, request: Any, resolved: Resolved, value: Any) -> Any:
        """Do with a key's material what was asked, and turn what a snapshot answered into what the caller gets."""
        if getattr(request, "is_trial", False):
            raise DRY_RUN.error()
        match request:
            case model.Encrypt():
                return self._encrypted(value, request.plaintext, request.context)
            case model.Decrypt():
                return self._decrypted(value, request.ciphertext, request.context)
            case model.ReEncrypt():
                return self._re_encrypted(request, *value)
            case model.GenerateDataKey():
                return self._data_key(value, request)
            case model.CreateKey():
                return msgspec.structs.replace(value, description=request.description)
            case model.GenerateRandom():
                return self.randomness.token_bytes(request.size_bytes)
            case model.GetKeyPolicy():
                return resource_policy.shown(value, self.engine)
            case model.ListKeyPolicies():
                return model.Page((model.POLICY_NAME,))
            case model.ListKeys():
                return self._page(request, resolved, value, lambda key: uuid.UUID(key.key_id).bytes)
            case model.ListAliases():
                return self._page(request, resolved, value, lambda alias: alias.name.encode())
            case model.ListResourceTags():
                return self._page(request, resolved, value, lambda tag: tag[0].encode())
            case model.ListKeyRotations():
                return self._page(request, resolved, value, _number_of)
        return value

    def _page(self, request: Any, resolved: Resolved, found: list[Any], place: Any) -> model.Page:
        stamped = resolved.request
        if len(found) <= stamped.limit:
            return model.Page(tuple(found))
        items = tuple(found[: stamped.limit])
        return model.Page(items, self.desk.seal_page(stamped.account, request, place(items[-1])))

    # Material

    def _encrypted(self, opened: Opened, plaintext: bytes, context: Context) -> model.Encrypted:
        salt = self.randomness.token_bytes(ciphertexts.SALT_BYTES)
        head = Head(opened.key, opened.number)
        ciphertext = ciphertexts.seal(self._material(opened), head, salt, plaintext, context)
        return model.Encrypted(
            materials.arn_of(opened.key, opened.record), ciphertext, keys.material_id(opened.key, opened.number)
        )

    def _decrypted(self, opened: Opened, ciphertext: bytes, context: Context) -> model.Decrypted:
        plaintext = ciphertexts.unseal(self._material(opened), ciphertext, context)
        arn = materials.arn_of(opened.key, opened.record)
        return model.Decrypted(arn, plaintext, keys.material_id(opened.key, opened.number))

    def _re_encrypted(self, request: model.ReEncrypt, source: Opened, target: Opened) -> model.Encrypted:
        before = self._decrypted(source, request.ciphertext, request.source_context)
        made = self._encrypted(target, before.plaintext, request.context)
        return msgspec.structs.replace(made, source_arn=before.key_arn, source_material_id=before.material_id)

    def _data_key(self, opened: Opened, request: model.GenerateDataKey) -> model.DataKey:
        plaintext = self.randomness.token_bytes(request.size_bytes)
        sealed = self._encrypted(opened, plaintext, request.context)
        is_shown = not isinstance(request, model.GenerateDataKeyWithoutPlaintext)
        return model.DataKey(sealed.key_arn, plaintext if is_shown else b"", sealed.ciphertext, sealed.material_id)

    def _material(self, opened: Opened) -> bytes:
        wrapped = WrappedKey(opened.material.storage_key, opened.material.sealed)
        scope = material_scope(opened.record.account, opened.key)
        try:
            return self._storage_keys.unwrap(wrapped, scope, keys.MATERIALS + opened.key)
        except KeyUnreadable:
            raise KEY_UNREADABLE.error(arn=materials.arn_of(opened.key, opened.record)) from None

    # Due work

    async def _on_delete(self, entries: list[Due]) -> None:
        await self.engine.transact(keys.PARTITIONS, materials.delete_keys, tuple(entries), grows=False)

    async def _on_rotate(self, entries: list[Due]) -> None:
        for entry in entries:
            key = entry.key[len(keys.KEYS) :]
            record = await self.engine.read(keys.PARTITIONS, materials.find_key, key)
            if record is None:
                await self.engine.transact(keys.PARTITIONS, materials.drop_due, entry, grows=False)
            else:
                stamped = self.desk.renewed(key, record)
                await self.engine.transact(keys.PARTITIONS, materials.rotate_key, DueRotation(entry, stamped))


class DataKeys:
    """`core.ports.KeyService` for a room that encrypts; `service` is its name in `kms:ViaService` and in its alias."""

    def __init__(self, service: Service, name: str) -> None:
        self._service = service
        self._name = name
        self._alias = model.SERVICE_ALIASES + name

    async def generate_data_key(self, ctx: CallContext, key_id: str, context: Context) -> DataKey:
        """Make a data key in the caller's name; the service's own key is made at its first use."""
        if key_id.removeprefix(model.alias_arn(ctx.principal.account, ctx.region, "")) == self._alias:
            key_id = await self._own_key(ctx)
        request = model.GenerateDataKey(key_id, DATA_KEY_BYTES, context)
        made: model.DataKey = (await self._service.call(self._through(ctx), "GenerateDataKey", request)).value
        return DataKey(made.key_arn, made.plaintext, made.ciphertext)

    async def open_data_key(self, ctx: CallContext, wrapped: bytes, context: Context) -> bytes:
        """Open a data key in the caller's name."""
        request = model.Decrypt(wrapped, context=context)
        opened: model.Decrypted = (await self._service.call(self._through(ctx), "Decrypt", request)).value
        return opened.plaintext

    async def _own_key(self, ctx: CallContext) -> str:
        account = ctx.principal.account
        if not account:  # an anonymous caller: nobody's service
            raise NOT_FOUND.error(arn=self._alias)
        found = await self._service.desk.find(self._alias, account, ctx.region)
        if found.record is None:
            stamped = self._service.desk.service_key(account, ctx.region, self._name)
            key = await self._service.engine.transact(keys.PARTITIONS, materials.provide_service_key, stamped)
            return keys.shown_id(key)
        return keys.shown_id(found.key)

    def _through(self, ctx: CallContext) -> CallContext:
        name = policies.via(self._name, ctx.region)
        return msgspec.structs.replace(ctx, condition_keys={**ctx.condition_keys, "kms:ViaService": name})


def _number_of(rotation: model.Rotation) -> bytes:
    return bytes.fromhex(rotation.material_id)[-keys.NUMBER_BYTES :]

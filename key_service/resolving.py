"""From a request to what it is about: the key is found, the request checked and stamped, and its permissions named.

Promises that nothing is read of a key for its caller before the room has decided: `Desk.resolve` returns what protects
the key, and the error of a missing one is raised only afterwards.
"""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from cumulo.core.clocks import Clock
from cumulo.core.context import CallContext
from cumulo.core.errors import ACCESS_DENIED, ServiceError
from cumulo.core.ids import Randomness
from cumulo.core.operations import Check, Checks, Operation
from cumulo.core.tokens import TokenSealer
from cumulo.identity import pages
from cumulo.identity.authorizer import Authorizer, Guard
from cumulo.identity.room import Resolved
from cumulo.key_service import aliases, ciphertexts, keys, materials, model, naming, policies
from cumulo.key_service.errors import ALIAS_NOT_FOUND, INCORRECT_KEY, INVALID_MARKER, LOCKED_OUT, NOT_FOUND
from cumulo.key_service.keys import KeyRecord
from cumulo.key_service.naming import Named
from cumulo.key_service.stamping import NO_MATERIAL, Stamped
from cumulo.storage.engine import Engine, ReadTxn
from cumulo.storage.storage_keys import Scope, StorageKeys, WrappedKey

_PAGE_DEFAULTS: Mapping[type, int] = {model.ListResourceTags: 50, model.ListAliases: 50}


class Found(msgspec.Struct, frozen=True):
    """A key id followed on a snapshot: `record` is None where there is no such key, and `error` says so."""

    named: Named
    key: bytes
    record: KeyRecord | None

    @property
    def arn(self) -> str:
        """The ARN that a permission is asked for."""
        if not self.key:
            return model.alias_arn(self.named.account, self.named.region, self.named.alias)
        return model.key_arn(self.named.account, self.named.region, keys.shown_id(self.key))

    @property
    def error(self) -> ServiceError | None:
        """The refusal of what does not exist."""
        if self.record is not None:
            return None
        return NOT_FOUND.error(arn=self.arn) if self.key else ALIAS_NOT_FOUND.error(arn=self.arn)

    @property
    def guard(self) -> Guard:
        """What protects the key; of one that does not exist, the account that would own it."""
        record = self.record
        return Guard(self.named.account) if record is None else policies.guard_of(record.account, record.policy)


def _follow(txn: ReadTxn, named: Named) -> Found:
    key = named.key
    if named.alias:
        alias = aliases.find_alias(txn, (named.account, named.region, named.alias))
        key = b"" if alias is None else alias.key
    record = materials.find_key(txn, key) if key else None
    if record is not None and (record.account, record.region) != (named.account, named.region):
        record = None
    return Found(named, key, record)


class Desk:
    """Resolves the requests of the room."""

    def __init__(
        self,
        engine: Engine,
        authorizer: Authorizer,
        clock: Clock,
        randomness: Randomness,
        sealer: TokenSealer,
        storage_keys: StorageKeys,
    ) -> None:
        self._engine = engine
        self._authorizer = authorizer
        self._clock = clock
        self._randomness = randomness
        self._sealer = sealer
        self._storage_keys = storage_keys

    async def find(self, key_id: str, account: str, region: str) -> Found:
        """Follow a key id; raises as `naming.read_key_id`."""
        return await self._found(naming.read_key_id(key_id, account, region))

    async def _found(self, named: Named) -> Found:
        found: Found = await self._engine.read(keys.PARTITIONS, _follow, named)
        return found

    async def resolve(self, ctx: CallContext, operation: Operation, request: Any) -> Resolved:
        """Follow a request's key id, check the request and stamp it."""
        check_request(request)
        match request:
            case model.CreateKey():
                return self._new_key(ctx, request)
            case model.GenerateRandom() | model.ListKeys():
                return self._about_nothing(ctx, operation, request)
            case model.ListAliases() if not request.key_id:
                return self._about_nothing(ctx, operation, request)
            case model.CreateAlias() | model.UpdateAlias():
                await self._check_alias_change(ctx, operation, request)
            case model.DeleteAlias():
                return await self._alias_deletion(ctx, operation, request)
            case model.Decrypt():
                return await self._decryption(ctx, operation, request)
            case model.ReEncrypt():
                return await self._re_encryption(ctx, request)
        return await self._about_key(ctx, operation, request)

    async def _about_key(self, ctx: CallContext, operation: Operation, request: Any) -> Resolved:
        found = await self.find(request.key_id, ctx.principal.account, ctx.region)
        keys_of_check = self._condition_keys(ctx, found, request)
        checks = (Check(operation.permissions[0], found.arn, keys_of_check),)
        changes: dict[str, Any] = {}
        if isinstance(request, model.PutKeyPolicy):
            changes["policy"] = self._policy(ctx, found, request.policy, may_lock_out=request.may_lock_out)
        if isinstance(request, model.RotateKeyOnDemand):
            changes["fresh"] = self._fresh(found.named.account, found.key)
        return self._resolved(ctx, request, found, checks, **changes)

    def _new_key(self, ctx: CallContext, request: model.CreateKey) -> Resolved:
        account = ctx.principal.account
        key = self._new_id()
        named = Named(account, ctx.region, key)
        text = request.policy or policies.default_policy(account)
        policy = self._policy(ctx, Found(named, key, None), text, may_lock_out=request.may_lock_out)
        checks: Checks = (Check("kms:CreateKey", "*", _request_tag_keys(request.tags)),)
        if request.tags:
            checks += (Check("kms:TagResource", "*", _request_tag_keys(request.tags)),)
        stamped = self._stamp(ctx, request, key=key, policy=policy, fresh=self._fresh(account, key))
        return Resolved(stamped, keys.PARTITIONS, checks, Guard(account))

    def _about_nothing(self, ctx: CallContext, operation: Operation, request: Any) -> Resolved:
        checks = (Check(operation.permissions[0], "*"),)
        return Resolved(self._stamp(ctx, request), keys.PARTITIONS, checks, Guard(ctx.principal.account))

    async def _check_alias_change(
        self, ctx: CallContext, operation: Operation, request: model.CreateAlias | model.UpdateAlias
    ) -> None:
        """Decide about what does not stand on the target key: the alias, and the key that it leads to now."""
        account, action = ctx.principal.account, operation.permissions[0]
        alias = Named(account, ctx.region, alias=request.alias)
        arn = model.alias_arn(account, ctx.region, request.alias)
        self._authorizer.authorize(ctx, (Check(action, arn),), Guard(account))
        if isinstance(request, model.UpdateAlias):
            before = await self._found(alias)
            if before.record is not None:
                self._authorizer.authorize(ctx, (Check(action, before.arn),), before.guard)

    async def _alias_deletion(self, ctx: CallContext, operation: Operation, request: model.DeleteAlias) -> Resolved:
        account, action = ctx.principal.account, operation.permissions[0]
        found = await self._found(Named(account, ctx.region, alias=request.alias))
        if found.record is not None:
            self._authorizer.authorize(ctx, (Check(action, found.arn),), found.guard)
        arn = model.alias_arn(account, ctx.region, request.alias)
        stamped = self._stamp(ctx, request)
        return Resolved(stamped, keys.PARTITIONS, (Check(action, arn),), Guard(account), found.error, grows=False)

    async def _decryption(self, ctx: CallContext, operation: Operation, request: model.Decrypt) -> Resolved:
        found, material = await self._source(ctx, request.ciphertext, request.key_id)
        checks = (Check(operation.permissions[0], found.arn, self._condition_keys(ctx, found, request)),)
        return self._resolved(ctx, request, found, checks, material=material)

    async def _re_encryption(self, ctx: CallContext, request: model.ReEncrypt) -> Resolved:
        """Decide about the source here; the room decides about the key that encrypts."""
        source, material = await self._source(ctx, request.ciphertext, request.source_key_id)
        about_source = self._condition_keys(ctx, source, request, request.source_context)
        self._authorizer.authorize(ctx, (Check("kms:ReEncryptFrom", source.arn, about_source),), source.guard)
        if source.error is not None:
            raise source.error
        found = await self.find(request.key_id, ctx.principal.account, ctx.region)
        checks = (Check("kms:ReEncryptTo", found.arn, self._condition_keys(ctx, found, request)),)
        stamped = self._stamp(ctx, (self._stamp(ctx, request, source, material=material), request), found)
        return Resolved(stamped, keys.PARTITIONS, checks, found.guard, found.error)

    async def _source(self, ctx: CallContext, ciphertext: bytes, key_id: str) -> tuple[Found, int]:
        """Return the key that a ciphertext names, and the number of its material.

        Raises `InvalidCiphertextException`, and `IncorrectKeyException` where `key_id` is another key.
        """
        head = ciphertexts.read_head(ciphertext)
        record: KeyRecord | None = await self._engine.read(keys.PARTITIONS, materials.find_key, head.key)
        if key_id:
            asked = await self.find(key_id, ctx.principal.account, ctx.region)
            if asked.key != head.key:
                raise INCORRECT_KEY.error()
        if record is None or record.region != ctx.region:
            return Found(Named(ctx.principal.account, ctx.region, head.key), head.key, None), head.material
        return Found(Named(record.account, record.region, head.key), head.key, record), head.material

    # Stamps

    def service_key(self, account: str, region: str, service: str) -> Stamped:
        """Return what makes a service's key (`s3`) for an account and region."""
        key = self._new_id()
        return Stamped(
            request=service,
            account=account,
            region=region,
            wall_ms=self._clock.wall_ms(),
            now_ms=self._clock.deadline_ms(),
            key=key,
            fresh=self._fresh(account, key),
            policy=policies.to_store(policies.service_policy(account, region, service), self._engine),
        )

    def _new_id(self) -> bytes:
        return uuid.UUID(bytes=self._randomness.token_bytes(keys.ID_BYTES), version=4).bytes

    def _fresh(self, account: str, key: bytes) -> WrappedKey:
        """Draw material for a key, and wrap it."""
        material = self._randomness.token_bytes(ciphertexts.MATERIAL_BYTES)
        return self._storage_keys.wrap(self._randomness, material, material_scope(account, key), keys.MATERIALS + key)

    def renewed(self, key: bytes, record: KeyRecord) -> Stamped:
        """Return what rotates a key by itself: its next material, and the time."""
        return Stamped(
            request=None,
            account=record.account,
            region=record.region,
            wall_ms=self._clock.wall_ms(),
            now_ms=self._clock.deadline_ms(),
            key=key,
            fresh=self._fresh(record.account, key),
        )

    def _resolved(self, ctx: CallContext, request: Any, found: Found, checks: Checks, **stamps: Any) -> Resolved:
        stamped = self._stamp(ctx, request, found, **stamps)
        return Resolved(stamped, keys.PARTITIONS, checks, found.guard, found.error)

    def _stamp(
        self,
        ctx: CallContext,
        request: Any,
        found: Found | None = None,
        *,
        key: bytes = b"",
        material: int = 0,
        policy: str = "",
        fresh: WrappedKey = NO_MATERIAL,
    ) -> Stamped:
        account, region = ctx.principal.account, ctx.region
        if found is not None:
            account, region, key = found.named.account, found.named.region, found.key
        size = getattr(request, "page_size", 0)
        return Stamped(
            request=request,
            account=account,
            region=region,
            wall_ms=self._clock.wall_ms(),
            now_ms=self._clock.deadline_ms(),
            key=key,
            material=material,
            fresh=fresh,
            policy=policy,
            after=self._open_page(account, request) if getattr(request, "page_token", "") else b"",
            limit=size or _PAGE_DEFAULTS.get(type(request), model.PAGE_DEFAULT),
        )

    def _policy(self, ctx: CallContext, found: Found, text: str, *, may_lock_out: bool) -> str:
        """Return a policy as it is stored; raises `MalformedPolicyDocumentException`, also where its author could not
        change it any more.
        """
        naming.check_policy_size(text)
        stored = policies.to_store(text, self._engine)
        if not may_lock_out:
            account = found.named.account if found.record is None else found.record.account
            check = Check("kms:PutKeyPolicy", found.arn, self._condition_keys(ctx, found, None))
            try:
                self._authorizer.authorize(ctx, (check,), policies.guard_of(account, stored))
            except ServiceError as error:
                if error.row is not ACCESS_DENIED:
                    raise
                raise LOCKED_OUT.error() from None
        return stored

    def _condition_keys(
        self, ctx: CallContext, found: Found, request: Any, context: Mapping[str, str] | None = None
    ) -> dict[str, str | tuple[str, ...]]:
        """Return the condition keys of KMS's for a request about a key."""
        made: dict[str, str | tuple[str, ...]] = {
            "kms:CallerAccount": ctx.principal.account,
            "kms:KeySpec": "SYMMETRIC_DEFAULT",
            "kms:KeyUsage": "ENCRYPT_DECRYPT",
            "kms:KeyOrigin": "AWS_KMS",
            "kms:MultiRegion": "false",
        }
        if found.named.alias:
            made["kms:RequestAlias"] = found.named.alias
        bound = getattr(request, "context", {}) if context is None else context
        if bound:
            made["kms:EncryptionContextKeys"] = tuple(bound)
            # The names of condition keys have no case, those of a context have: of two that differ in it only, the
            # first counts.
            for name, value in reversed(list(bound.items())):
                made[f"kms:EncryptionContext:{name.lower()}"] = value
        if isinstance(request, model.TagResource):
            made |= _request_tag_keys(request.tags)
        if isinstance(request, model.UntagResource):
            made["aws:TagKeys"] = request.tag_keys
        if isinstance(request, model.ScheduleKeyDeletion):
            made["kms:ScheduleKeyDeletionPendingWindowInDays"] = str(request.pending_days)
        if isinstance(request, model.EnableKeyRotation):
            made["kms:RotationPeriodInDays"] = str(request.period_days)
        for name, value in reversed(list(found.record.tags.items() if found.record is not None else ())):
            made[f"aws:ResourceTag/{name.lower()}"] = value
        return made

    # Pages

    def seal_page(self, account: str, request: Any, last: bytes) -> str:
        """Return the token of the page behind `last`."""
        return pages.seal_place(self._sealer, account, request, last)

    def _open_page(self, account: str, request: Any) -> bytes:
        try:
            return pages.open_place(self._sealer, account, request)
        except ServiceError:
            raise INVALID_MARKER.error() from None


def material_scope(account: str, key: bytes) -> Scope:
    """Return whose master key wraps the material of a key."""
    return ("kms", account, keys.shown_id(key))


_LENGTHS: Mapping[str, tuple[str, int, int]] = {
    "description": ("description", 0, model.DESCRIPTION_CHARACTERS_MAX),
    "plaintext": ("plaintext", 1, model.PLAINTEXT_BYTES_MAX),
    "ciphertext": ("ciphertextBlob", 1, model.CIPHERTEXT_BYTES_MAX),
}
_RANGES: Mapping[str, tuple[str, int, int]] = {
    "size_bytes": ("numberOfBytes", 1, model.DATA_KEY_BYTES_MAX),
    "pending_days": ("pendingWindowInDays", model.DELETION_DAYS_MIN, model.DELETION_DAYS_MAX),
    "period_days": ("rotationPeriodInDays", model.ROTATION_DAYS_MIN, model.ROTATION_DAYS_MAX),
    "page_size": ("limit", 0, model.PAGE_MAX),
}
_OTHERS: Mapping[str, Callable[[Any], None]] = {
    "alias": naming.check_alias,
    "context": naming.check_context,
    "source_context": lambda context: naming.check_context(context, "sourceEncryptionContext"),
    "tags": naming.check_tags,
}


def check_request(request: Any) -> None:
    """Hold a request's fields to their limits."""
    for field in request.__struct_fields__:
        value = getattr(request, field)
        if field in _LENGTHS:
            parameter, low, high = _LENGTHS[field]
            naming.check_length(parameter, value, low, high)
        elif field in _RANGES:
            parameter, low, high = _RANGES[field]
            naming.check_between(parameter, value, low, high)
        elif field in _OTHERS:
            _OTHERS[field](value)


def _request_tag_keys(tags: Mapping[str, str]) -> dict[str, str | tuple[str, ...]]:
    made: dict[str, str | tuple[str, ...]] = {
        f"aws:RequestTag/{name.lower()}": value for name, value in reversed(list(tags.items()))
    }
    if tags:
        made["aws:TagKeys"] = tuple(tags)
    return made

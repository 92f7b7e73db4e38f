"""The keys of objects at work: made, wrapped, opened; each seals the body of one object, or the parts of one upload.

    SSE-S3     a random key for each object, wrapped under the storage keys (`storage.storage_keys`) for bucket and key
    SSE-KMS    a data key of the key service, wrapped there with its context; the object's key is derived from it
    DSSE-KMS   as SSE-KMS, and what that sealed is sealed again, under a key as of SSE-S3
    SSE-C      the caller's key; the object's key is derived from it, and a salted HMAC tells the right one

Promises: no two objects have the same key; a key that was taken from one record to another opens nothing there; what
the record keeps does not give the key away; no key appears in `repr`. Who moves an object's record to another key of
its bucket has it `rebound`. Bodies themselves are sealed by `storage.frames`. Decisions: docs/decisions/0019.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Final

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cumulo.core.clocks import Clock
from cumulo.core.context import CallContext
from cumulo.core.errors import NOT_IMPLEMENTED, ServiceError
from cumulo.core.ids import Randomness
from cumulo.core.ports import DataKey, KeyService
from cumulo.object_store import body_model, bucket_model, object_model
from cumulo.object_store.encryption import Plan, check_proof, proof
from cumulo.object_store.encryption_model import AES256, CUSTOMER, DUAL_LAYER, Encryption
from cumulo.object_store.errors import KEY_SERVICE_ERRORS, OBJECT_UNREADABLE
from cumulo.object_store.naming import shown
from cumulo.object_store.stamping import Stamped
from cumulo.storage import frame_layers, frames
from cumulo.storage.digests import Piece
from cumulo.storage.frame_layers import LayeredOpener, LayeredSealer
from cumulo.storage.frames import PREFIX_BYTES, TAG_BYTES, FrameOpener, FrameSealer
from cumulo.storage.storage_keys import KEY_BYTES, KeyUnreadable, StorageKeys, WrappedKey

BUCKET_KEY_MS: Final = 300_000
"""How long one caller's data key of a bucket serves: S3 says "time-limited". A key that is disabled meanwhile still
does so for that long, as in S3.
"""
BUCKET_KEYS_MAX: Final = 1_024
KEYS_REMEMBERED_MAX: Final = 4_096
"""Of objects that were read, about 1 KiB each; one that fell out costs 4 µs."""
_SALT_BYTES: Final = 16
_SCOPE: Final = ("s3",)
_OBJECT_KEY: Final = b"cumulo object key"
_ETAG: Final = b"cumulo object etag"


class Place(msgspec.Struct, frozen=True):
    """Where an encrypted object stands."""

    partition: bytes
    bucket: str
    key: str

    @property
    def record(self) -> bytes:
        """What a wrapped key is bound to."""
        return self.partition + self.key.encode()


def place_of(stamped: Stamped) -> Place:
    """Return the place of the object that a stamped request names."""
    return Place(stamped.partition, stamped.request.bucket, stamped.request.key)


class Sealing:
    """One object's key at work."""

    def __init__(
        self, encryption: Encryption, key: "_Key", seals: "ObjectSeals", outer: "AESGCM | None" = None
    ) -> None:
        self.encryption = encryption
        self._key = key.plaintext
        self._cipher = key.cipher
        self._seals = seals
        self._outer = outer

    def __repr__(self) -> str:
        return f"Sealing({self.encryption.algorithm})"

    def sealer(self) -> FrameSealer:
        """Return what seals a new body on its way into the blob store."""
        sealer = FrameSealer(self._cipher, self._prefix())
        return sealer if self._outer is None else LayeredSealer(sealer, self._outer, self._prefix())

    def seal(self, body: Piece) -> tuple[bytes, bytes]:
        """Return a small body sealed, and what is kept beside it."""
        if self._outer is not None:
            prefixes = self._prefix(), self._prefix()
            return frame_layers.seal_whole(self._cipher, self._outer, prefixes, body, self._seals.room)
        return frames.seal_whole(self._cipher, self._prefix(), body, self._seals.room)

    def _prefix(self) -> bytes:
        return self._seals.randomness.token_bytes(PREFIX_BYTES)

    def opener(self, kept: bytes, size_bytes: int) -> FrameOpener:
        """Return what opens a body of the blob store; raises `FramesDamaged`."""
        if self._outer is not None:
            return LayeredOpener(self._cipher, self._outer, kept, size_bytes)
        return FrameOpener(self._cipher, kept, size_bytes)

    def open(self, kept: bytes, sealed: bytes) -> bytes:
        """Return a small body; raises `FramesDamaged`."""
        if self._outer is not None:
            return frame_layers.open_whole(self._cipher, self._outer, kept, sealed)
        return frames.open_whole(self._cipher, kept, sealed)

    def etag(self, md5: bytes) -> bytes:
        """Return what S3 shows of a body's MD5: itself, or under keys of KMS and of customers what tells nothing of it.
        The same part that comes again has the same; another object has another one.
        """
        if self.encryption.algorithm == AES256:
            return md5
        return hmac.digest(self._key, _ETAG + md5, hashlib.sha256)[: len(md5)]


class _Key:
    """An object's key, and its cipher, which costs more than the sealing of a small body."""

    __slots__ = ("cipher", "plaintext")

    def __init__(self, plaintext: bytes) -> None:
        self.plaintext = plaintext
        self.cipher = AESGCM(plaintext)


class _BucketKey(msgspec.Struct, frozen=True):
    key: DataKey
    until_ms: int


class ObjectSeals:
    """Makes and opens the keys of objects; `key_service` is None where there is none.

    `randomness` and `room` are for its sealings, the latter for one at a time: small bodies are sealed on the loop.
    """

    def __init__(
        self, randomness: Randomness, storage_keys: StorageKeys, clock: Clock, key_service: KeyService | None = None
    ) -> None:
        self.randomness = randomness
        self.room = memoryview(bytearray(body_model.INLINE_BYTES_MAX + TAG_BYTES))
        self._storage_keys = storage_keys
        self._clock = clock
        self._key_service = key_service
        self._bucket_keys: dict[tuple[str, str, str, str], _BucketKey] = {}
        self._opened: dict[tuple[str, bytes], _BucketKey] = {}
        self._keys: dict[tuple[bytes, bytes], _Key] = {}

    async def begin(self, ctx: CallContext, plan: Plan, place: Place) -> Sealing:
        """Make the key of a new object or upload; raises what forbids the use of the key that it hangs from."""
        if plan.algorithm == AES256:
            drawn = self.randomness.token_bytes(KEY_BYTES)
            wrapped = self._wrap(drawn, place)
            return Sealing(Encryption(AES256, wrapped.sealed, wrapped.storage_key), _Key(drawn), self)
        salt = self.randomness.token_bytes(_SALT_BYTES)
        if plan.algorithm == CUSTOMER:
            encryption = Encryption(CUSTOMER, proof(plan.customer_key, salt), salt=salt)
            return Sealing(encryption, _derived(plan.customer_key, salt), self)
        arn = (
            bucket_model.bucket_arn(place.bucket)
            if plan.bucket_key
            else object_model.object_arn(place.bucket, place.key)
        )
        context = {**plan.context, "aws:s3:arn": arn}
        encoded = msgspec.json.encode(context, order="sorted").decode()
        data_key = await self._data_key(ctx, plan, context, encoded)
        encryption = Encryption(
            plan.algorithm,
            data_key.wrapped,
            salt=salt,
            kms_key_arn=data_key.key_arn,
            context=encoded,
            bucket_key=plan.bucket_key,
        )
        key = _derived(data_key.plaintext, salt)
        if plan.algorithm != DUAL_LAYER:
            return Sealing(encryption, key, self)
        outer = self.randomness.token_bytes(KEY_BYTES)
        wrapped = self._wrap(outer, place)
        encryption = msgspec.structs.replace(encryption, outer=wrapped.sealed, storage_key=wrapped.storage_key)
        return Sealing(encryption, key, self, AESGCM(outer))

    async def open(self, ctx: CallContext, encryption: Encryption, place: Place, customer_key: bytes = b"") -> Sealing:
        """Open the key of an object or an upload; `customer_key` is what `encryption.readable_with` returned.

        Raises `AccessDenied` for another customer's key, `KMS.*` errors, and `OBJECT_UNREADABLE`.
        """
        if encryption.algorithm == AES256:
            return self.opened_by_storage_key(encryption, place)
        if encryption.algorithm == CUSTOMER:
            check_proof(encryption, customer_key)
            key = _derived(customer_key, encryption.salt)
        else:
            key = _derived(await self._opened_key(ctx, encryption), encryption.salt)
        if encryption.algorithm == DUAL_LAYER:
            return Sealing(encryption, key, self, AESGCM(self._unwrapped(encryption, place)))
        return Sealing(encryption, key, self)

    def opened_by_storage_key(self, encryption: Encryption, place: Place) -> Sealing:
        """Open the key of an object that is encrypted under the storage keys; raises `OBJECT_UNREADABLE`."""
        name = (encryption.key, place.record)  # a key opens for its own place alone, remembered or not
        key = self._keys.get(name)
        if key is None:
            key = self._keys[name] = _Key(self._unwrapped(encryption, place))
            if len(self._keys) > KEYS_REMEMBERED_MAX:
                del self._keys[next(iter(self._keys))]
        return Sealing(encryption, key, self)

    def rebound(self, encryption: Encryption | None, old: Place, new: Place) -> Encryption | None:
        """Return an object's encryption for the record that it moves to; raises `OBJECT_UNREADABLE`."""
        if encryption is None or not encryption.storage_key:
            return encryption
        wrapped = self._wrap(self._unwrapped(encryption, old), new)
        if encryption.algorithm == DUAL_LAYER:
            return msgspec.structs.replace(encryption, outer=wrapped.sealed, storage_key=wrapped.storage_key)
        return msgspec.structs.replace(encryption, key=wrapped.sealed, storage_key=wrapped.storage_key)

    def check(self, encryption: Encryption, place: Place) -> None:
        """Raise `OBJECT_UNREADABLE` where what hangs from the storage keys does not open."""
        if encryption.storage_key:
            self._unwrapped(encryption, place)

    def _unwrapped(self, encryption: Encryption, place: Place) -> bytes:
        """Return the key that a storage key wraps: the only one, or the outer one of two layers."""
        sealed = encryption.key if encryption.outer is None else encryption.outer
        try:
            wrapped = WrappedKey(encryption.storage_key, sealed)
            return self._storage_keys.unwrap(wrapped, _SCOPE, place.record)
        except KeyUnreadable as error:
            raise OBJECT_UNREADABLE.error(what=f"{place.bucket}/{shown(place.key)}", reason=error) from error

    def _wrap(self, key: bytes, place: Place) -> WrappedKey:
        return self._storage_keys.wrap(self.randomness, key, _SCOPE, place.record)

    # Keys of the key service

    async def _data_key(self, ctx: CallContext, plan: Plan, context: Mapping[str, str], encoded: str) -> DataKey:
        if not plan.bucket_key:
            return await self._generated(ctx, plan.kms_key_id, context)
        name = (ctx.principal.arn, ctx.region, plan.kms_key_id, encoded)
        known = self._bucket_keys.get(name)
        now_ms = self._clock.deadline_ms()
        if known is None or known.until_ms <= now_ms:
            known = _BucketKey(await self._generated(ctx, plan.kms_key_id, context), now_ms + BUCKET_KEY_MS)
            if len(self._bucket_keys) >= BUCKET_KEYS_MAX:
                self._bucket_keys.clear()
            self._bucket_keys[name] = known
        return known.key

    async def _generated(self, ctx: CallContext, key_id: str, context: Mapping[str, str]) -> DataKey:
        if self._key_service is None:
            raise NOT_IMPLEMENTED.error(what="Encryption under keys of KMS on a server without a key service")
        try:
            return await self._key_service.generate_data_key(ctx, key_id, context)
        except ServiceError as error:
            raise _of_key_service(error) from error

    async def _opened_key(self, ctx: CallContext, encryption: Encryption) -> bytes:
        name = (ctx.principal.arn, encryption.key)
        now_ms = self._clock.deadline_ms()
        known = self._opened.get(name)
        if known is not None and known.until_ms > now_ms:
            return known.key.plaintext
        if self._key_service is None:
            raise NOT_IMPLEMENTED.error(what="Encryption under keys of KMS on a server without a key service")
        context = msgspec.json.decode(encryption.context, type=dict[str, str])
        try:
            plaintext = await self._key_service.open_data_key(ctx, encryption.key, context)
        except ServiceError as error:
            raise _of_key_service(error) from error
        if encryption.bucket_key:
            if len(self._opened) >= BUCKET_KEYS_MAX:
                self._opened.clear()
            data_key = DataKey(encryption.kms_key_arn, plaintext, encryption.key)
            self._opened[name] = _BucketKey(data_key, now_ms + BUCKET_KEY_MS)
        return plaintext


def _of_key_service(error: ServiceError) -> ServiceError:
    """Return S3's error for one of the key service."""
    row = KEY_SERVICE_ERRORS.get(error.row.code)
    return error if row is None else row.error(reason=error.message)


def _derived(key: bytes, salt: bytes) -> _Key:
    return _Key(hmac.digest(key, _OBJECT_KEY + salt, hashlib.sha256))

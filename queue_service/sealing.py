"""Encryption at rest: what a sender wrote is sealed before a transaction stores it, and opened when it is handed out.

Sealed are body, message attributes, trace header and the body's digest, together, under AES-256-GCM. Each queue has a
random data key for each way of encryption that it was ever told: SQS-managed, or by a KMS key id. The key is wrapped
under the storage keys of the data folder (`storage.storage_keys`), and lies beside the queue's messages; a transaction
function sees neither it nor what was written. A message names its key, so it can be read whatever its queue was told
since, and a message that moves to another queue takes a copy of the wrapped key along. Deleting a queue deletes its
keys, which is the end of what they sealed.

Under a key of KMS, a message is sealed by its queue's data key and one of the key service's together
(`kms_data_keys`), which lies beside what it sealed, as the key service wrapped it: nobody reads such a message whom the
key service does not let. Where there is no key service, the data key does it alone.

For each period of the queue's `kms_data_key_reuse_s` a message key is derived from the data key, so that no key seals
more messages than random nonces are good for: 2**32 (NIST SP 800-38D), against 1.7 * 10**9 at 20,000 a second.
"""

import hashlib
import hmac
from typing import Protocol

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cumulo.core.context import CallContext
from cumulo.core.ids import Randomness
from cumulo.core.ports import KeyService
from cumulo.identity.snapshots import read_now
from cumulo.queue_service.data_keys import data_key_id, data_key_in, is_there
from cumulo.queue_service.errors import MESSAGE_UNREADABLE, QUEUE_DOES_NOT_EXIST
from cumulo.queue_service.keys import DataKey, Envelope, QueueName, StoredMessage
from cumulo.queue_service.kms_data_keys import OF_QUEUES, KmsDataKeys
from cumulo.queue_service.message_model import MessageAttributes
from cumulo.queue_service.model import KMS_DATA_KEY_REUSE_S
from cumulo.queue_service.queue_attributes import Place
from cumulo.storage.engine import Engine
from cumulo.storage.records import encode
from cumulo.storage.storage_keys import KEY_BYTES, NONCE_BYTES, KeyUnreadable, Scope, StorageKeys, WrappedKey
from cumulo.storage.tuples import u64

SEALINGS_REMEMBERED_MAX = 4_096
"""Of about 1 KiB; one that fell out costs 5 µs, and a look at its wrapped key."""
DATA_KEYS_REMEMBERED_MAX = 4_096
_MESSAGE_KEY = b"cumulo message key"
_WITH_KEY_SERVICE = b"cumulo message key with the key service"


class Written(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a sender wrote, and what was made of it alone. Its names are those of `StoredMessage`."""

    body: bytes
    attributes: MessageAttributes
    trace_header: str
    md5_of_body: str

    def __repr__(self) -> str:
        return f"Written({len(self.body)} bytes)"


_decode_written = msgspec.msgpack.Decoder(Written).decode


Readable = Written | StoredMessage
"""What has what a sender wrote: the message itself where it is not sealed."""


class Sealing:
    """One message key at work: of one data key, and so of one queue, for one period, or for one data key of the key
    service. Made by `MessageSeals`.
    """

    __slots__ = ("_decrypt", "_random", "encrypted", "envelope", "key_id", "period_ms")

    def __init__(
        self,
        data_key: bytes,
        randomness: Randomness,
        key_id: bytes,
        period_ms: int,
        envelope: Envelope | None = None,
    ) -> None:
        info = _MESSAGE_KEY + u64(period_ms) + b"\x01"
        cipher = AESGCM(hmac.digest(data_key, info, hashlib.sha256))
        self._decrypt, self._random = cipher.decrypt, randomness.token_bytes
        self.encrypted = cipher.encrypt
        """Of a nonce (`nonces`), what was written, encoded, and the message id: what stands behind the nonce in the
        place of the body (`seal_encoded`).
        """
        self.key_id = key_id
        self.period_ms = period_ms
        self.envelope = envelope

    def seal(self, message_id: str, written: Written) -> bytes:
        """Return what stands in the place of the body of a message of that id."""
        return self.seal_encoded(message_id, encode(written))

    def seal_encoded(self, message_id: str, written: bytes) -> bytes:
        """Do as `seal`, with what was written as `storage.records` encodes it: so copies share that."""
        nonce = self._random(NONCE_BYTES)
        return nonce + self.encrypted(nonce, written, message_id.encode())

    def nonces(self, count: int) -> list[bytes]:
        """Return so many nonces for `encrypted`, each to be used once; drawn together at a third of the cost."""
        drawn = self._random(NONCE_BYTES * count)
        return [drawn[at : at + NONCE_BYTES] for at in range(0, NONCE_BYTES * count, NONCE_BYTES)]

    def open(self, message_id: str, sealed: bytes) -> Written:
        """Return what was sealed for the message of that id; raises `InvalidTag` and `ValueError`."""
        return _decode_written(self.open_encoded(message_id, sealed))

    def open_encoded(self, message_id: str, sealed: bytes) -> bytes:
        """Return what `seal_encoded` was given; raises `InvalidTag` and `ValueError`."""
        return self._decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], message_id.encode())


class SealsOfTopics(Protocol):
    """Opens messages that a topic sealed under its own key (`notice_seals`)."""

    async def unwrapped(self, stored: StoredMessage, now_ms: int) -> StoredMessage:
        """Return a message in the clear; raises what forbids it, `KMS*`, and `MESSAGE_UNREADABLE`."""
        ...


class MessageSeals:
    """Seals and opens messages; remembers keys that it has unwrapped, and wraps new ones."""

    def __init__(
        self,
        engine: Engine,
        randomness: Randomness,
        storage_keys: StorageKeys,
        key_service: KeyService | None = None,
        of_topics: SealsOfTopics | None = None,
    ) -> None:
        self._engine = engine
        self._randomness = randomness
        self._storage_keys = storage_keys
        self._kms = None if key_service is None else KmsDataKeys(key_service, OF_QUEUES)
        self._of_topics = of_topics
        self._sealings: dict[tuple[bytes, int], Sealing] = {}
        self._shared: dict[tuple[bytes, bytes], Sealing] = {}
        self._data_keys: dict[bytes, bytes] = {}

    def new_key(self, place: Place, partition: bytes, kms_master_key_id: str) -> DataKey:
        """Return a random data key for a queue, wrapped; a queue that has one for this KMS key id keeps its own."""
        key_id = data_key_id(partition, kms_master_key_id)
        scope = _scope(place.account, place.region, kms_master_key_id)
        wrapped = self._storage_keys.wrap(self._randomness, self._randomness.token_bytes(KEY_BYTES), scope, key_id)
        return DataKey(
            key_id=key_id,
            account=place.account,
            region=place.region,
            kms_master_key_id=kms_master_key_id,
            storage_key=wrapped.storage_key,
            sealed=wrapped.sealed,
        )

    def sealing(self, row: QueueName, now_ms: int) -> Sealing | None:
        """Return how to seal what is sent now to the queue of a directory row, None where it is not encrypted.

        Raises `MESSAGE_UNREADABLE` where the queue's key does not open: better no message than one that is lost.
        """
        key = row.data_key
        if key is None:
            return None
        period_ms = now_ms - now_ms % (row.kms_data_key_reuse_s * 1000)
        known = self._sealings.get((key.key_id, period_ms))
        if known is not None:
            return known
        try:
            return self._made(key, period_ms)
        except KeyUnreadable as error:
            raise MESSAGE_UNREADABLE.error(what="A new message", reason=error) from error

    def asks(self, row: QueueName) -> bool:
        """Say whether the key service is asked for the queue of a directory row."""
        return row.data_key is not None and bool(row.data_key.kms_master_key_id) and self._kms is not None

    @property
    def has_key_service(self) -> bool:
        """Say whether there is a key service to ask."""
        return self._kms is not None or self._of_topics is not None

    def opens(self, ctx: CallContext, queue_arn: str, reuse_s: int, now_ms: int) -> bool:
        """Say whether a caller could open a data key of a queue of late, so that nobody needs to be asked."""
        return self._kms is not None and self._kms.has_opened(ctx, queue_arn, reuse_s, now_ms)

    async def sealing_for(self, ctx: CallContext, queue_arn: str, row: QueueName, now_ms: int) -> Sealing | None:
        """Do as `sealing`, for a caller: under a key of KMS he must be able to make and open data keys. Raises what
        forbids it, `Kms*`, too.
        """
        key = row.data_key
        if key is None or not key.kms_master_key_id or self._kms is None:
            return self.sealing(row, now_ms)
        reuse_s = row.kms_data_key_reuse_s
        made = await self._kms.current(ctx, queue_arn, key.kms_master_key_id, reuse_s, now_ms)
        try:
            return self._shared_sealing(key, made.envelope, made.plaintext)
        except KeyUnreadable as error:
            raise MESSAGE_UNREADABLE.error(what="A new message", reason=error) from error

    async def unwrapped(
        self,
        ctx: CallContext,
        partition: bytes,
        stored: StoredMessage,
        now_ms: int,
        reuse_s: int = KMS_DATA_KEY_REUSE_S,
    ) -> StoredMessage:
        """Return a message in the clear where the key service must be asked for it, in a caller's name, and as it is
        elsewhere. Raises what forbids it, `Kms*`, and as `open`. What came out of a topic, through a native
        subscription, is opened as the topic's, in nobody's name, and refused as SNS does, `KMS*`.
        """
        envelope = stored.envelope
        if envelope is None:
            return stored
        if envelope.is_of_topic and self._of_topics is not None:
            return await self._of_topics.unwrapped(stored, now_ms)
        try:
            plaintext = await self._asked_for(ctx, envelope, reuse_s, now_ms)
            sealing = self._shared.get((stored.key_id, envelope.wrapped))
            if sealing is None:
                sealing = self._shared_sealing(self._key_of(partition, stored), envelope, plaintext)
            written = sealing.open(stored.sealed_as or stored.message_id, stored.body)
        except KeyUnreadable as error:
            reason = str(error)
        except (InvalidTag, ValueError):
            reason = "its bytes were altered, or its key was"
        else:
            return msgspec.structs.replace(
                stored,
                body=written.body,
                attributes=written.attributes,
                trace_header=written.trace_header,
                md5_of_body=written.md5_of_body,
                key_id=b"",
                envelope=None,
            )
        raise MESSAGE_UNREADABLE.error(what=f"The message {stored.message_id}", reason=reason)

    def open(self, partition: bytes, stored: StoredMessage) -> Readable:
        """Return what the sender of a message of the queue in `partition` wrote; raises `MESSAGE_UNREADABLE`, and
        `QUEUE_DOES_NOT_EXIST` where the queue is deleted since the message was read, and with it the key. One that the
        key service must be asked for is `unwrapped` before.
        """
        if not stored.key_id and stored.envelope is None:
            return stored
        try:
            sealing = self._sealings.get((stored.key_id, stored.key_period_ms)) or self._look_up(partition, stored)
            return sealing.open(stored.sealed_as or stored.message_id, stored.body)
        except KeyUnreadable as error:
            reason = str(error)
        except (InvalidTag, ValueError):
            reason = "its bytes were altered, or its key was"
        raise MESSAGE_UNREADABLE.error(what=f"The message {stored.message_id}", reason=reason)

    async def _asked_for(self, ctx: CallContext, envelope: Envelope, reuse_s: int, now_ms: int) -> bytes:
        if self._kms is None:
            raise KeyUnreadable("its key is the key service's, and there is none")
        return await self._kms.opened(ctx, envelope, reuse_s, now_ms)

    def _look_up(self, partition: bytes, stored: StoredMessage) -> Sealing:
        if stored.envelope is not None:
            raise KeyUnreadable("the key service was not asked")
        return self._made(self._key_of(partition, stored), stored.key_period_ms)

    def _key_of(self, partition: bytes, stored: StoredMessage) -> DataKey:
        key: DataKey | None = read_now(self._engine, (partition,), data_key_in, (partition, stored.key_id))
        if key is None:
            if not read_now(self._engine, (partition,), is_there, partition):
                raise QUEUE_DOES_NOT_EXIST.error()
            raise KeyUnreadable(f"its data key {stored.key_id.hex()} is not there")
        return key

    def _shared_sealing(self, key: DataKey, envelope: Envelope, plaintext: bytes) -> Sealing:
        """Return a sealing that needs both keys: what one of them opens, nobody reads (RFC 5869's extract step)."""
        name = (key.key_id, envelope.wrapped)
        known = self._shared.get(name)
        if known is not None:
            return known
        both = hmac.digest(self._unwrapped_key(key), _WITH_KEY_SERVICE + plaintext, hashlib.sha256)
        sealing = self._shared[name] = Sealing(both, self._randomness, key.key_id, 0, envelope)
        if len(self._shared) > SEALINGS_REMEMBERED_MAX:
            del self._shared[next(iter(self._shared))]
        return sealing

    def _unwrapped_key(self, key: DataKey) -> bytes:
        data_key = self._data_keys.get(key.key_id)
        if data_key is None:
            data_key = self._data_keys[key.key_id] = unwrap(self._storage_keys, key)
            if len(self._data_keys) > DATA_KEYS_REMEMBERED_MAX:
                del self._data_keys[next(iter(self._data_keys))]
        return data_key

    def _made(self, key: DataKey, period_ms: int) -> Sealing:
        sealing = Sealing(self._unwrapped_key(key), self._randomness, key.key_id, period_ms)
        self._sealings[key.key_id, period_ms] = sealing
        if len(self._sealings) > SEALINGS_REMEMBERED_MAX:
            del self._sealings[next(iter(self._sealings))]
        return sealing


def unwrap(storage_keys: StorageKeys, key: DataKey) -> bytes:
    """Return a queue's data key; raises `KeyUnreadable`."""
    scope = _scope(key.account, key.region, key.kms_master_key_id)
    return storage_keys.unwrap(WrappedKey(key.storage_key, key.sealed), scope, key.key_id)


def rewrapped(storage_keys: StorageKeys, randomness: Randomness, key: DataKey) -> DataKey:
    """Return a queue's data key wrapped under the storage key that wraps now; raises `KeyUnreadable`."""
    scope = _scope(key.account, key.region, key.kms_master_key_id)
    wrapped = storage_keys.wrap(randomness, unwrap(storage_keys, key), scope, key.key_id)
    return msgspec.structs.replace(key, storage_key=wrapped.storage_key, sealed=wrapped.sealed)


def _scope(account: str, region: str, kms_master_key_id: str) -> Scope:
    return ("sqs", account, region, kms_master_key_id)

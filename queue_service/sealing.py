"""Encryption at rest: what a sender wrote is sealed before a transaction stores it, and opened when it is handed out.

Sealed are body, message attributes, trace header and the body's digest, together, under AES-256-GCM. Each queue has a
random data key for each way of encryption that it was ever told: SQS-managed, or by a KMS key id. The key is wrapped
under the storage keys of the data folder (`storage.storage_keys`), and lies beside the queue's messages; a transaction
function sees neither it nor what was written. A message names its key, so it can be read whatever its queue was told
since, and a message that moves to another queue takes a copy of the wrapped key along. Deleting a queue deletes its
keys, which is the end of what they sealed.

For each period of the queue's `kms_data_key_reuse_s` a message key is derived from the data key, so that no key seals
more messages than random nonces are good for: 2**32 (NIST SP 800-38D), against 1.7 * 10**9 at 20,000 a second.
"""

import hashlib
import hmac

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cumulo.core.ids import Randomness
from cumulo.identity.snapshots import read_now
from cumulo.queue_service.data_keys import data_key_id, data_key_in, is_there
from cumulo.queue_service.errors import MESSAGE_UNREADABLE, QUEUE_DOES_NOT_EXIST
from cumulo.queue_service.keys import DataKey, QueueName, StoredMessage
from cumulo.queue_service.model import MessageAttributes
from cumulo.queue_service.queue_attributes import Place
from cumulo.storage.engine import Engine
from cumulo.storage.records import encode
from cumulo.storage.storage_keys import KEY_BYTES, NONCE_BYTES, KeyUnreadable, Scope, StorageKeys, WrappedKey
from cumulo.storage.tuples import u64

SEALINGS_REMEMBERED_MAX = 4_096
"""Of about 1 KiB; one that fell out costs 5 µs, and a look at its wrapped key."""
DATA_KEYS_REMEMBERED_MAX = 4_096
_MESSAGE_KEY = b"cumulo message key"


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
    """One message key at work: of one data key, and so of one queue, for one period. Made by `MessageSeals`."""

    __slots__ = ("_decrypt", "_random", "encrypted", "key_id", "period_ms")

    def __init__(self, data_key: bytes, randomness: Randomness, key_id: bytes, period_ms: int) -> None:
        info = _MESSAGE_KEY + u64(period_ms) + b"\x01"
        cipher = AESGCM(hmac.digest(data_key, info, hashlib.sha256))
        self._decrypt, self._random = cipher.decrypt, randomness.token_bytes
        self.encrypted = cipher.encrypt
        """Of a nonce (`nonces`), what was written, encoded, and the message id: what stands behind the nonce in the
        place of the body (`seal_encoded`).
        """
        self.key_id = key_id
        self.period_ms = period_ms

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
        return _decode_written(self._decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], message_id.encode()))


class MessageSeals:
    """Seals and opens messages; remembers keys that it has unwrapped, and wraps new ones."""

    def __init__(self, engine: Engine, randomness: Randomness, storage_keys: StorageKeys) -> None:
        self._engine = engine
        self._randomness = randomness
        self._storage_keys = storage_keys
        self._sealings: dict[tuple[bytes, int], Sealing] = {}
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

    def open(self, partition: bytes, stored: StoredMessage) -> Readable:
        """Return what the sender of a message of the queue in `partition` wrote; raises `MESSAGE_UNREADABLE`, and
        `QUEUE_DOES_NOT_EXIST` where the queue is deleted since the message was read, and with it the key.
        """
        if not stored.key_id:
            return stored
        try:
            sealing = self._sealings.get((stored.key_id, stored.key_period_ms)) or self._look_up(partition, stored)
            return sealing.open(stored.sealed_as or stored.message_id, stored.body)
        except KeyUnreadable as error:
            reason = str(error)
        except (InvalidTag, ValueError):
            reason = "its bytes were altered, or its key was"
        raise MESSAGE_UNREADABLE.error(what=f"The message {stored.message_id}", reason=reason)

    def _look_up(self, partition: bytes, stored: StoredMessage) -> Sealing:
        key: DataKey | None = read_now(self._engine, (partition,), data_key_in, (partition, stored.key_id))
        if key is None:
            if not read_now(self._engine, (partition,), is_there, partition):
                raise QUEUE_DOES_NOT_EXIST.error()
            raise KeyUnreadable(f"its data key {stored.key_id.hex()} is not there")
        return self._made(key, stored.key_period_ms)

    def _made(self, key: DataKey, period_ms: int) -> Sealing:
        data_key = self._data_keys.get(key.key_id)
        if data_key is None:
            data_key = self._data_keys[key.key_id] = unwrap(self._storage_keys, key)
            if len(self._data_keys) > DATA_KEYS_REMEMBERED_MAX:
                del self._data_keys[next(iter(self._data_keys))]
        sealing = Sealing(data_key, self._randomness, key.key_id, period_ms)
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

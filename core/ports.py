"""Ports for what must go against the import direction; the server gives the implementations at wiring.

Owns only the shapes. A room that needs another room's deed asks through one of these and never imports it.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from cumulo.core.context import CallContext


class Credential(msgspec.Struct, frozen=True):
    """What an edge needs to verify a signature. The secret never appears in `repr`.

    `expires_ms` is the wall time at which a session's credential ends; 0: it does not.
    """

    access_key_id: str
    secret: str
    principal: Any
    expires_ms: int = 0

    def __repr__(self) -> str:
        return f"Credential({self.access_key_id})"


class CredentialSource(Protocol):
    """Identity's answer to an edge that verifies a signature."""

    def credential(self, access_key_id: str, session_token: str = "") -> Credential | None:
        """Return the active key's secret and principal, or None for an unknown, disabled or foreign one.

        `session_token` is the token as sent, empty where none was: None, too, for a session's key without its own token
        and for a long-term key with any. Raises `ExpiredToken` for a session that is over.
        """
        ...


class Authenticated(msgspec.Struct, frozen=True):
    """A verified credential: who it is, and the wall time at which the credential ends."""

    principal: Any
    expires_ms: int
    token_issued_ms: int = 0


class Authenticator(Protocol):
    """Identity's answer to an edge that was handed a bearer token."""

    def authenticate(self, token: str) -> Authenticated:
        """Return who the token stands for; raise `InvalidClientTokenId` or `ExpiredToken`. Cheap: at most one cache
        look-up for a known token.
        """
        ...


NO_QUEUE = "The destination queue does not exist"
NO_TOPIC = "The destination topic does not exist"
"""Of the reasons for which a target takes nothing, those that it is not there: in S3's words."""


class Delivery(msgspec.Struct, frozen=True):
    """A message that one room hands to another: `delivery_id` makes a repetition harmless, `source_arn` is who sends,
    for the target's policy.

    `account` owns the source resource. `sealed` is the target's own: what `prepared` made of the body. `trace_header`
    is X-Ray's, of the call that the message tells of.
    """

    target_arn: str
    body: bytes
    delivery_id: str
    source_arn: str
    account: str
    sealed: Any = None
    trace_header: str = ""


class EnclosedMessage(msgspec.Struct, frozen=True):
    """A message that is to be stored in the commit of something else.

    `queue` is as its caller named it, `entry` an encoded `cumulo.api.queue.v1.SendMessageEntry`: the contract's form of
    a message is the one that rooms and clients share.
    """

    queue: str
    entry: bytes


class SentEnclosed(msgspec.Struct, frozen=True):
    """The answer to an enclosed message; `sequence_number` is a FIFO queue's."""

    message_id: str
    md5_of_body: str
    sequence_number: str


class Enclosure(msgspec.Struct, frozen=True):
    """Messages that were checked, decided in their caller's name and stamped; `partitions` are what storing touches."""

    partitions: tuple[bytes, ...]
    prepared: Any


class MessageSender(Protocol):
    """Stores messages in a commit of another room: all of them, or the commit is refused."""

    async def enclose(self, ctx: CallContext, messages: tuple[EnclosedMessage, ...]) -> Enclosure:
        """Make messages ready to be stored; raises what forbids one. What is stamped is meant for now."""
        ...

    def store(self, txn: Any, enclosure: Enclosure) -> bytes:
        """Store them inside the caller's transaction, which names their partitions; return what their answers are made
        of, less than 512 bytes for ten messages. Raises what refuses one.
        """
        ...

    def sent(self, enclosure: Enclosure, stored: bytes) -> tuple[SentEnclosed, ...]:
        """Return the answers, in the order of the messages. `stored` may be of an earlier request that was the same."""
        ...


class DeliveryTarget(Protocol):
    """A place that notifications go to (a queue; later a topic or a job)."""

    def check(self, delivery_target_arn: str, source_arn: str, account: str) -> str:
        """Return why a source may not deliver to that target, or an empty text when it may. Asked when a notification
        is configured.
        """
        ...

    def partitions(self, target_arn: str) -> tuple[bytes, ...]:
        """Return the partitions that `deliver` touches; empty where the target is gone."""
        ...

    async def prepared(self, delivery: Delivery, now_ms: int) -> Delivery:
        """Return a delivery as `deliver` takes it, its body encrypted where the target encrypts: under a key of the key
        service only where that lets the source's service use it, else `deliver` refuses. Called before the transaction,
        which must see no keys.
        """
        ...

    def deliver(self, txn: Any, delivery: Delivery, now_ms: int) -> bool:
        """Hand a prepared message over inside the caller's transaction; False where the target is gone or refuses.
        Raises a retryable error where the delivery must be prepared anew.
        """
        ...


class RemoteTarget(Protocol):
    """A place that notifications go to, beyond the caller's transactions: a topic, or an HTTP endpoint."""

    async def check(self, target: str, source_arn: str, account: str) -> str:
        """Return why a source may not deliver there, an empty text when it may. Asked when it is configured."""
        ...

    async def send(self, delivery: Delivery) -> bool:
        """Hand a message over, for good when this returns True; False where the target is gone or will never take it.
        Raises a `ServiceError` where it may take it later. The same delivery may come again.
        """
        ...

    async def close(self) -> None:
        """Let go of what is held open; asked once, at the end."""
        ...


class TrackedDeliveryTarget(DeliveryTarget, Protocol):
    """A target that can say later what became of a message."""

    def deliver_tracked(self, txn: Any, delivery: Delivery, now_ms: int) -> bytes:
        """Do as `deliver`; return where the message lies, opaque, and empty where it was not taken."""
        ...

    def holds(self, txn: Any, target_arn: str, message: bytes) -> bool:
        """Say whether the target still has the message that `deliver_tracked` placed, whatever its state; the
        transaction names `partitions(target_arn)`.
        """
        ...


class JobMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message that is to become a job. Its texts fill the template's fields of these names; `attributes` is a JSON
    object of texts. Of the same `deduplication_key` there is one job.
    """

    message: str
    message_id: str
    subject: str
    topic: str
    published: str
    attributes: str
    deduplication_key: str


class JobSubmitter(Protocol):
    """The runner, as a room asks it that makes jobs of messages."""

    async def check(self, ctx: CallContext, template: str) -> None:
        """Raise where a text is no job template, or the caller may not submit what it says."""
        ...

    async def submit(self, ctx: CallContext, template: str, message: JobMessage) -> str:
        """Return the job that a message has become, now or before. Raises what refuses it."""
        ...


class DataKey(msgspec.Struct, frozen=True):
    """A fresh data key of a key service: 32 random bytes as they are, and as only the key service can open them.

    `key_arn` is the key that wrapped it, whatever alias it was asked by. The bytes never appear in `repr`.
    """

    key_arn: str
    plaintext: bytes
    wrapped: bytes

    def __repr__(self) -> str:
        return f"DataKey({self.key_arn})"


class KeyService(Protocol):
    """The key service, as rooms that encrypt ask it in their callers' names.

    Both calls decide for `ctx.principal` and raise `AccessDenied`. What is wrong with the key they say by the codes of
    AWS KMS: `NotFoundException`, `DisabledException`, `KMSInvalidStateException` (its deletion is pending),
    `InvalidKeyUsageException`. `context` is authenticated with the key: one that was wrapped with another context does
    not open (`InvalidCiphertextException`).
    """

    async def generate_data_key(self, ctx: CallContext, key_id: str, context: Mapping[str, str]) -> DataKey:
        """Make a data key (`kms:GenerateDataKey`) under a key that is named by id, ARN, alias or alias' ARN.

        Ids and aliases are of the caller's account in `ctx.region`. The alias of a service (`alias/aws/s3`) always
        names a key: it is made when it is first asked for.
        """
        ...

    async def open_data_key(self, ctx: CallContext, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        """Return the plain bytes of a data key (`kms:Decrypt`), which names its key itself. `wrapped` is at most 512
        bytes.
        """
        ...

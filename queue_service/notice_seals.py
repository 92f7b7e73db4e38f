"""Seals of topics: how what waits inside a topic under a key of KMS is sealed, and by whom it is opened.

Sealed is under the data key of the key service alone, made in the publisher's name with the topic's ARN as encryption
context, and for `REUSE_S` at hand: for so long deliveries ask nobody. What waits longer is opened in the name of the
topic's account, since the publisher may be gone, and where the key lets that account not, of `sns.amazonaws.com` for
the topic (`aws:SourceArn`). A key that is disabled, or gone, opens nothing, and deliveries wait for it.

Owns what is remembered, in memory alone. Does not know what lies in a topic's queues: `sealed_notices` does. Sources:
SNS developer guide, "Securing Amazon SNS data with server-side encryption" and "Managing Amazon SNS encryption keys and
costs".
"""

import hashlib
import hmac

import msgspec
from cryptography.exceptions import InvalidTag

from cumulo.core.context import CallContext
from cumulo.core.errors import ServiceError
from cumulo.core.ids import Randomness
from cumulo.core.names import parse_arn
from cumulo.core.ports import KeyService
from cumulo.identity.principal_model import root_of
from cumulo.queue_service.errors import KEY_SERVICE_ERRORS_OF_TOPICS, MESSAGE_UNREADABLE
from cumulo.queue_service.keys import Envelope, StoredMessage
from cumulo.queue_service.kms_data_keys import OF_TOPICS, KmsDataKeys, service_context
from cumulo.queue_service.sealing import Sealing
from cumulo.storage.storage_keys import KeyUnreadable

REUSE_S = 300
"""How long SNS reuses a data key: at most five minutes."""
SEALINGS_REMEMBERED_MAX = 4_096
"""Of about 1 KiB; one that fell out costs a question to the key service."""
_MESSAGE_KEY = b"cumulo topic message key"


class _Known(msgspec.Struct, frozen=True):
    """A sealing at hand, and when the key service was asked for it, by the deadline clock."""

    sealing: Sealing
    made_ms: int


class NoticeSeals:
    """Makes and opens the seals of a server's topics; `key_service` is asked."""

    def __init__(self, key_service: KeyService, randomness: Randomness) -> None:
        self._kms = KmsDataKeys(key_service, OF_TOPICS)
        self._randomness = randomness
        self._known: dict[bytes, _Known] = {}

    async def sealing(self, ctx: CallContext, topic_arn: str, key_id: str, now_ms: int) -> Sealing:
        """Return how to seal what a caller publishes to a topic now; raises what forbids him the key, `KMS*`."""
        made = await self._kms.current(ctx, topic_arn, key_id, REUSE_S, now_ms)
        known = self._known.get(made.envelope.wrapped)
        if known is None or known.made_ms < made.made_ms:
            known = self._remembered(made.envelope, made.plaintext, made.made_ms)
        return known.sealing

    async def opener(self, envelope: Envelope, now_ms: int) -> Sealing:
        """Return what opens what was sealed with the key of an envelope, and seals it anew; raises what forbids it,
        `KMS*`, and `MESSAGE_UNREADABLE` where the envelope was altered.
        """
        known = self._known.get(envelope.wrapped)
        if known is None or known.sealing.envelope != envelope or now_ms - known.made_ms >= REUSE_S * 1000:
            try:
                known = self._remembered(envelope, await self._asked_for(envelope, now_ms), now_ms)
            except KeyUnreadable as error:
                raise MESSAGE_UNREADABLE.error(what="A message of a topic", reason=error) from error
        return known.sealing

    async def unwrapped(self, stored: StoredMessage, now_ms: int) -> StoredMessage:
        """Return a message in the clear that came out of a native subscription's queue, or lies there; raises as
        `opener`.
        """
        assert stored.envelope is not None, stored.message_id
        sealing = await self.opener(stored.envelope, now_ms)
        try:
            written = sealing.open(stored.sealed_as or stored.message_id, stored.body)
        except (InvalidTag, ValueError) as error:
            what, reason = f"The message {stored.message_id}", "its bytes were altered, or its key was"
            raise MESSAGE_UNREADABLE.error(what=what, reason=reason) from error
        return msgspec.structs.replace(
            stored,
            body=written.body,
            attributes=written.attributes,
            trace_header=written.trace_header,
            md5_of_body=written.md5_of_body,
            envelope=None,
        )

    async def _asked_for(self, envelope: Envelope, now_ms: int) -> bytes:
        topic = parse_arn(envelope.context_arn)
        if topic is None:
            raise KeyUnreadable("its context is no topic")
        owner = CallContext(principal=root_of(topic.account), request_id="", region=topic.region)
        try:
            return await self._kms.opened(owner, envelope, REUSE_S, now_ms)
        except ServiceError as error:
            if error.row is not KEY_SERVICE_ERRORS_OF_TOPICS["AccessDenied"]:
                raise
        service = service_context(envelope.context_arn, topic.account, topic.region)
        return await self._kms.opened(service, envelope, REUSE_S, now_ms)

    def _remembered(self, envelope: Envelope, plaintext: bytes, made_ms: int) -> _Known:
        key = hmac.digest(plaintext, _MESSAGE_KEY, hashlib.sha256)
        self._known.pop(envelope.wrapped, None)
        known = self._known[envelope.wrapped] = _Known(Sealing(key, self._randomness, b"", 0, envelope), made_ms)
        if len(self._known) > SEALINGS_REMEMBERED_MAX:
            del self._known[next(iter(self._known))]
        return known

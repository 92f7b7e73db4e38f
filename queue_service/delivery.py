"""Deliveries from other rooms: the port by which a bucket's notification reaches a queue.

Who may deliver: a source of the queue's own account, unless the queue's policy denies it; from another account, only
whom the queue's policy allows. The policy is asked about the service principal of the source (`s3.amazonaws.com`), with
`aws:SourceArn` and `aws:SourceAccount`. SQS asks for a policy in both cases; inside one account that would only repeat
what the caller who configures the source was allowed to do there, so the room that offers that configuration must ask
for `sqs:SendMessage` on the queue in his name. The policy is asked again at each delivery.

A delivery is the sending of a message in the caller's own transaction. Its id becomes the message id, and is remembered
for ten minutes, so that a repetition is no second message. The body is encrypted before, as the queue says then: under
a key of KMS in the name of the source's service, which the key's policy must allow (SQS developer guide, "Configure KMS
permissions for AWS services").
"""

import hashlib
import logging
import uuid
from typing import Any

from msgspec.structs import replace

from cumulo.core.errors import ServiceError
from cumulo.core.names import parse_arn
from cumulo.core.ports import NO_QUEUE, Delivery
from cumulo.identity.policy import (
    NO_POLICIES,
    Outcome,
    PolicyCache,
    Principal,
    PrincipalKind,
    Request,
    decide,
    fold_keys,
    principal_keys,
)
from cumulo.identity.resource_policy import decided_text
from cumulo.identity.snapshots import read_now
from cumulo.queue_service.errors import ENCRYPTION_CHANGED
from cumulo.queue_service.keys import StoredMessage
from cumulo.queue_service.kms_data_keys import is_refusal_of_key, service_context
from cumulo.queue_service.messages import store
from cumulo.queue_service.model import is_fifo
from cumulo.queue_service.open_queue import find_queue
from cumulo.queue_service.operations import DATA_WINDOW_MS
from cumulo.queue_service.queue_attributes import Place, place_of
from cumulo.queue_service.queues import Found, Lookup, follow
from cumulo.queue_service.sealing import MessageSeals, Written
from cumulo.storage import records
from cumulo.storage.engine import ROOT, Engine, Txn
from cumulo.storage.idempotency import Once, run_once
from cumulo.storage.tuples import u64

_ACTION = "sqs:SendMessage"
_REFUSED = "refused"
"""What stands in the place of a message that may not be sealed."""
_U64 = 8
_NAMESPACE = uuid.UUID("6f0a4e0e-5d0b-4a83-9d0b-0c2f6d8b3c11")
"""Of message ids made from delivery ids (UUIDv5); any fixed value does."""
_log = logging.getLogger(__name__)


class QueueTarget:
    """The `DeliveryTarget` of queues; `engine` must answer reads without waiting, as every embedded one does."""

    def __init__(self, engine: Engine, seals: MessageSeals) -> None:
        self._engine = engine
        self._seals = seals
        self._policies = PolicyCache()

    def check(self, delivery_target_arn: str, source_arn: str, account: str) -> str:
        """Return why a source may not deliver to the queue, an empty text when it may."""
        place = place_of(delivery_target_arn)
        if place is None:
            return f"{delivery_target_arn} is not the ARN of a queue"
        if is_fifo(place.name):
            return f"{delivery_target_arn} is a FIFO queue"  # as of S3's notifications: there is no group to send to
        found: Found | None = read_now(self._engine, (ROOT,), follow, Lookup(place))
        if found is None:
            return NO_QUEUE
        return self.refusal(place, found.row.policy, source_arn, account)

    def partitions(self, target_arn: str) -> tuple[bytes, ...]:
        """Return the partitions that `deliver` touches; empty where the queue is gone."""
        place = place_of(target_arn)
        found: Found | None = None if place is None else read_now(self._engine, (ROOT,), follow, Lookup(place))
        return () if found is None else (ROOT, found.row.partition)

    async def prepared(self, delivery: Delivery, now_ms: int) -> Delivery:
        """Return the delivery with its message as it will be stored; unchanged where the queue is gone, and without one
        where the key service lets the source use no key for it.
        """
        place = place_of(delivery.target_arn)
        found: Found | None = None if place is None else read_now(self._engine, (ROOT,), follow, Lookup(place))
        if place is None or found is None:
            return delivery
        ctx = service_context(delivery.source_arn, delivery.account, place.region)
        try:
            sealing = await self._seals.sealing_for(ctx, place.arn, found.row, now_ms)
        except ServiceError as error:
            if not is_refusal_of_key(error):
                raise
            _log.warning("a delivery is refused: %s", error, extra={"queue": place.arn, "source": delivery.source_arn})
            return replace(delivery, sealed=_REFUSED)
        message_id = str(uuid.uuid5(_NAMESPACE, delivery.delivery_id))
        digest = hashlib.md5(delivery.body, usedforsecurity=False).hexdigest()
        stored = StoredMessage(message_id=message_id, sent_ms=now_ms, kept_from_ms=now_ms, sender_id=delivery.account)
        if sealing is None:
            stored = replace(stored, body=delivery.body, md5_of_body=digest, trace_header=delivery.trace_header)
        else:
            sealed = sealing.seal(message_id, Written(delivery.body, (), delivery.trace_header, digest))
            stored = replace(stored, body=sealed, key_id=sealing.key_id)
            stored = replace(stored, key_period_ms=sealing.period_ms, envelope=sealing.envelope)
        return replace(delivery, sealed=stored)

    def deliver(self, txn: Any, delivery: Delivery, now_ms: int) -> bool:
        """Send the message inside the caller's transaction; False where the queue is gone, or its policy refuses."""
        return bool(self.deliver_tracked(txn, delivery, now_ms))

    def deliver_tracked(self, txn: Any, delivery: Delivery, now_ms: int) -> bytes:
        """Do as `deliver`; return where the message lies, empty where it was not taken."""
        place = place_of(delivery.target_arn)
        found = None if place is None else follow(txn, Lookup(place))
        if place is None or found is None or is_fifo(place.name) or delivery.sealed is _REFUSED:
            return b""
        if self.refusal(place, found.row.policy, delivery.source_arn, delivery.account):
            return b""
        once = Once(
            partition=found.row.partition,
            account=delivery.account,
            operation="Deliver",
            request_id=delivery.delivery_id,
            identity=delivery.body,
            now_ms=now_ms,
            window_ms=DATA_WINDOW_MS,
            function=_store,
            request=(found.row.partition, delivery, now_ms),
            result_type=bytes,
        )
        message: bytes = run_once(txn, once)
        return message

    def holds(self, txn: Any, target_arn: str, message: bytes) -> bool:
        """Say whether the queue of that name still has a message: not deleted, moved to a dead-letter queue, purged,
        too old, or gone with the queue.
        """
        place = place_of(target_arn)
        found = None if place is None else follow(txn, Lookup(place))
        partition, generation, seq = message[:_U64], message[_U64 : 2 * _U64], message[2 * _U64 :]
        if found is None or found.row.partition != partition:
            return False
        queue = find_queue(txn, partition)
        assert queue is not None, partition
        return u64(queue.meta.generation) == generation and txn.get(queue.layout.message + seq) is not None

    def refusal(self, place: Place, policy: str, source_arn: str, account: str) -> str:
        """Return why a queue of this policy takes nothing from a source, an empty text when it does."""
        source = parse_arn(source_arn)
        name = f"{source.service}.amazonaws.com" if source is not None else ""
        principal = Principal(kind=PrincipalKind.SERVICE, name=name)
        keys = fold_keys(principal_keys(principal), {"aws:SourceArn": source_arn, "aws:SourceAccount": account})
        request = Request(principal, _ACTION, place.arn, place.account, keys)
        policies = self._policies.resource_policies(decided_text(policy))
        outcome = decide(request, NO_POLICIES, policies).outcome
        if outcome is Outcome.ALLOW or (outcome is Outcome.IMPLICIT_DENY and account == place.account):
            return ""
        why = "denies it" if outcome is Outcome.EXPLICIT_DENY else "does not allow it"
        return f"the policy of {place.arn} {why}: {name} for {source_arn} needs {_ACTION}"


def _store(txn: Txn, request: tuple[bytes, Delivery, int]) -> bytes:
    """Store the message; return where it lies: partition, content generation, number."""
    partition, delivery, now_ms = request
    queue = find_queue(txn, partition)
    assert queue is not None, partition
    stored = delivery.sealed
    if stored is None or stored.key_id != queue.meta.key_id:  # the queue was made, or told otherwise, since `prepared`
        raise ENCRYPTION_CHANGED.error()
    seq = store(queue, records.encode(stored), queue.meta.delay_s, now_ms)
    queue.save()
    return partition + u64(queue.meta.generation) + u64(seq)

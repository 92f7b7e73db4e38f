"""Commits over queues: messages to several queues, and deletes of received ones, all or nothing.

Promises: one transaction does everything that a commit says, or, where one item cannot be done, raises and does
nothing. A delete holds only while its receipt does: of a message that is gone, or that somebody else has, the whole
commit is refused. So what is made of a message and sent on is there exactly once, whoever else received it. Sends are
those of each queue's kind (`kinds`); a duplicate for a FIFO queue is answered as the first was and is no error.
"""

import hashlib

import msgspec

from cumulo.core.errors import ServiceError
from cumulo.queue_service.errors import RECEIPT_NO_LONGER_HOLDS, Refusal
from cumulo.queue_service.kinds import delete_messages, send_messages
from cumulo.queue_service.leases import Outcome, StampedDelete
from cumulo.queue_service.messages import StampedSend
from cumulo.queue_service.queue_attributes import Place
from cumulo.storage.engine import Txn

_REASONS = {
    Refusal.GONE: "is gone: somebody deleted it, or it moved to the dead-letter queue or became too old",
    Refusal.SUPERSEDED: "was received again since",
    Refusal.EXPIRED: "is no longer held: its visibility timeout has ended",
}


class Touched(msgspec.Struct, frozen=True):
    """A queue that a commit is about, and what it does there: what its permissions follow from."""

    place: Place
    sends: bool
    deletes: bool


class Sends(msgspec.Struct, frozen=True):
    """What goes to one queue; `items` are the places of the messages among all sends of the commit."""

    stamped: StampedSend
    items: tuple[int, ...]


class StampedCommit(msgspec.Struct, frozen=True):
    """What one commit does; receipts bear their places among all deletes. `seed` is where message ids came from."""

    deletes: tuple[StampedDelete, ...]
    sends: tuple[Sends, ...]
    seed: bytes

    @property
    def calls(self) -> tuple[StampedDelete | StampedSend, ...]:
        """What it does at each queue, as calls of their own would."""
        return (*self.deletes, *(it.stamped for it in self.sends))


class Committed(msgspec.Struct, frozen=True, array_like=True):
    """What a commit answers, small enough to be remembered: for each queue that was sent to, in their order, what
    `Outcome` says of its FIFO messages, `first_seq` and `duplicates`.
    """

    seed: bytes
    sends: tuple[tuple[int, tuple[tuple[int, bytes, int], ...]], ...] = ()


def seed_of(seed: bytes, number: int) -> bytes:
    """Return the seed of the message ids of a commit's sends to one queue, the `number`-th that it sends to."""
    return hashlib.sha256(seed + bytes((number,))).digest()[: len(seed)]


def commit_messages(txn: Txn, request: StampedCommit) -> Committed:
    """Delete and store everything; raises the error of the first item that cannot be done, with its place."""
    for delete in request.deletes:
        for refused in delete_messages(txn, delete).refused:
            item = f"deletes[{refused.index}]"
            raise RECEIPT_NO_LONGER_HOLDS.error(item=item, reason=_REASONS[Refusal(refused.reason)])
    outcomes = [_send(txn, sends) for sends in request.sends]
    return Committed(request.seed, tuple((it.first_seq, it.duplicates) for it in outcomes))


def _send(txn: Txn, sends: Sends) -> Outcome:
    outcome = send_messages(txn, sends.stamped)
    for refused in outcome.refused:
        raise of_item(refused.error(), sends.items[refused.index])
    return outcome


def of_item(error: ServiceError, item: int) -> ServiceError:
    """Return the error of one send, with its place in the commit among the values."""
    return ServiceError(error.row, {**error.values, "item": f"sends[{item}]"})

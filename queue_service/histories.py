"""Histories: what a message remembers of the queues that it left.

Owns the row that each way out of a queue writes: why, when, from where, and how often the message was received there.
So whoever finds it in a dead-letter queue reads what happened, however often it went back. Only the latest moves are
kept.
"""

from cumulo.queue_service.fifo_keys import FifoState
from cumulo.queue_service.keys import Lease, Meta, StoredMessage
from cumulo.queue_service.model import queue_arn
from cumulo.queue_service.move_model import HISTORY_HOPS_MAX, Hop, MoveReason


def history_with(
    stored: StoredMessage, meta: Meta, state: Lease | FifoState, reason: MoveReason, now_ms: int
) -> tuple[Hop, ...]:
    """Return the history of a message that leaves the queue of `meta`, where its receives are as `state` says."""
    hop = Hop(
        reason,
        queue_arn(meta.account, meta.region, meta.name),
        now_ms,
        state.receive_count,
        state.first_received_ms,
        state.received_ms,
        meta.max_receive_count if reason is MoveReason.RECEIVED_TOO_OFTEN else 0,
    )
    return (*stored.history, hop)[-HISTORY_HOPS_MAX:]

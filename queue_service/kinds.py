"""The two kinds of queue: which function does a deed for the kind that a request means.

A queue's name says its kind, before any transaction and for good: FIFO queues end in .fifo, and no others do.
"""

from cumulo.queue_service import fifo, leases, messages
from cumulo.queue_service.fifo_queue import FifoQueue
from cumulo.queue_service.leases import Outcome, StampedChange, StampedDelete
from cumulo.queue_service.messages import Received, StampedPeek, StampedReceive, StampedSend
from cumulo.queue_service.model import is_fifo
from cumulo.queue_service.open_queue import OpenQueue
from cumulo.storage.engine import Txn


def send_messages(txn: Txn, request: StampedSend) -> Outcome:
    """Store messages."""
    if is_fifo(request.queue):
        return fifo.send_messages(txn, request)
    return messages.send_messages(txn, request)


def send_to(queue: OpenQueue, request: StampedSend) -> Outcome:
    """Store messages in a queue that is open already."""
    if isinstance(queue, FifoQueue):
        return fifo.send_to(queue, request)
    return messages.send_to(queue, request)


def peek(txn: Txn, request: StampedPeek) -> bool:
    """Say whether a receive may find something. A read function."""
    if is_fifo(request.queue):
        return fifo.peek(txn, request)
    return messages.peek(txn, request)


def receive_messages(txn: Txn, request: StampedReceive) -> Received:
    """Take messages for each demand."""
    if is_fifo(request.queue):
        return fifo.receive_messages(txn, request)
    return messages.receive_messages(txn, request)


def delete_messages(txn: Txn, request: StampedDelete) -> Outcome:
    """Delete received messages."""
    if is_fifo(request.queue):
        return fifo.delete_messages(txn, request)
    return leases.delete_messages(txn, request)


def change_visibilities(txn: Txn, request: StampedChange) -> Outcome:
    """Set when received messages become visible again."""
    if is_fifo(request.queue):
        return fifo.change_visibilities(txn, request)
    return leases.change_visibilities(txn, request)

"""The edge towards other rooms: messages that are stored in a commit of theirs, in the form of the contract.

The port (`core.ports.MessageSender`) hands messages over as encoded entries of the contract, since that is the form
that rooms share; here they are parsed, and become sends of a commit over queues (`commits`), with the same checks and
answers.
"""

from typing import Any

import msgspec

from cumulo.api.queue.v1 import queue_pb2 as pb
from cumulo.core.context import CallContext
from cumulo.core.ports import EnclosedMessage, Enclosure, SentEnclosed
from cumulo.queue_service import message_model, resolve_commits
from cumulo.queue_service.commits import Committed, commit_messages
from cumulo.queue_service.edge_grpc_messages import decode_entry
from cumulo.queue_service.errors import ENCRYPTION_CHANGED
from cumulo.queue_service.operations import TABLE
from cumulo.queue_service.queues import DirectoryChanged
from cumulo.queue_service.resolve_commits import ResolvedCommit
from cumulo.queue_service.resolving import Desk

_decode = msgspec.msgpack.Decoder(Committed).decode


class QueueSender:
    """The `MessageSender` of queues."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def enclose(self, ctx: CallContext, messages: tuple[EnclosedMessage, ...]) -> Enclosure:
        """Follow, decide and stamp messages in their caller's name; raises what forbids one."""
        entries = [(it.queue, pb.SendMessageEntry.FromString(it.entry)) for it in messages]
        sends = tuple(message_model.CommitSend(queue, decode_entry(entry)) for queue, entry in entries)
        request = message_model.CommitMessages(sends=sends)
        resolved = await resolve_commits.resolve_commit(self._desk, ctx, TABLE["CommitMessages"], request)
        if resolved.missing is not None:
            raise resolved.missing
        return Enclosure(resolved.partitions, resolved)

    def store(self, txn: Any, enclosure: Enclosure) -> bytes:
        """Store the messages inside the caller's transaction; raises where a queue refuses one, is gone, or encrypts
        otherwise than when the messages were stamped.
        """
        resolved: ResolvedCommit = enclosure.prepared
        try:
            return msgspec.msgpack.encode(commit_messages(txn, resolved.request))
        except DirectoryChanged:
            raise ENCRYPTION_CHANGED.error() from None

    def sent(self, enclosure: Enclosure, stored: bytes) -> tuple[SentEnclosed, ...]:
        """Return the answers, made of what `store` returned, now or for a request that this one repeats."""
        answers = resolve_commits.answer(enclosure.prepared, _decode(stored))
        return tuple(SentEnclosed(it.message_id, it.md5_of_body, it.sequence_number) for it in answers)

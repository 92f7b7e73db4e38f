"""Messages that an object's commit carries: stored in it, or not at all, as the object itself.

Owns their limits and the way to the port (`core.ports.MessageSender`); what a message is, and who may send it, the
sender knows. Promises that a commit that is remembered answers the messages that it stored.
"""

import msgspec

from cumulo.core.context import CallContext
from cumulo.core.errors import NOT_IMPLEMENTED, ServiceError
from cumulo.core.ports import EnclosedMessage, Enclosure, MessageSender, SentEnclosed
from cumulo.object_store.errors import INVALID_ARGUMENT
from cumulo.storage.engine import Engine, Partitions, Txn

MESSAGES_MAX = 10
"""What the answer to a commit of ten takes can be remembered in a kilobyte."""
MESSAGES_BYTES_MAX = 262_144
"""Encoded messages of one commit: beside the longest list of parts, in the 4 MiB of one function."""


class Enclosed(msgspec.Struct, frozen=True):
    """Messages ready to be stored in a commit, and who stores them."""

    sender: MessageSender
    enclosure: Enclosure

    @property
    def partitions(self) -> Partitions:
        """What the transaction must name for their sake."""
        return self.enclosure.partitions

    def store(self, txn: Txn) -> bytes:
        """Store them; return what their answers are made of, small enough to be remembered."""
        return self.sender.store(txn, self.enclosure)

    def sent(self, stored: bytes) -> tuple[SentEnclosed, ...]:
        """Return the answer to each message, in the order of the request."""
        return self.sender.sent(self.enclosure, stored)


async def enclose(
    sender: MessageSender | None, engine: Engine, ctx: CallContext, messages: tuple[EnclosedMessage, ...]
) -> Enclosed | None:
    """Check, decide and stamp messages of a commit; None where there are none.

    Raises `InvalidArgument` beyond the limits, what forbids a message, and `NotImplemented` on an engine that cannot.
    """
    if not messages:
        return None
    if sender is None or not engine.atomic_across:
        raise NOT_IMPLEMENTED.error(what="Messages in an object's commit on a server whose engine cannot span the two")
    if len(messages) > MESSAGES_MAX:
        raise _refused(f"of {len(messages)} messages", f"at most {MESSAGES_MAX}")
    size_bytes = sum(len(it.entry) for it in messages)
    if size_bytes > MESSAGES_BYTES_MAX:
        raise _refused(f"of {size_bytes} bytes", f"at most {MESSAGES_BYTES_MAX} bytes together")
    return Enclosed(sender, await sender.enclose(ctx, messages))


def _refused(value: str, allowed: str) -> ServiceError:
    return INVALID_ARGUMENT.error(parameter="messages", value=value, allowed=allowed)

"""Receipt handles: what proves one receive of one message.

A handle seals (queue id, content generation, seq, first due time, lease token); the middle three lead straight to the
lease's row, the token proves that no later receive has replaced it. In a handle of a FIFO queue the number of the
message's group stands for the first due time. Of a message in
another lane than the middle one its lane follows. Random, altered and foreign texts are refused here,
without a look at the store.
"""

import struct

import msgspec

from cumulo.core.tokens import InvalidToken, TokenKind, TokenSealer
from cumulo.queue_service.errors import RECEIPT_HANDLE_IS_INVALID, RECEIPT_HANDLE_OF_ANOTHER_QUEUE

_FORM = struct.Struct(">8sQQQ16s")
_FORM_BYTES = _FORM.size
_pack, _unpack = _FORM.pack, _FORM.unpack_from
_LANE = struct.Struct(">b")
_KIND = TokenKind.RECEIPT
TOKEN_BYTES = 16


class Receipt(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An opened handle; `index` is its place in the batch that it came in. `lease_at` leads to the lease: it is its
    first due time, of a FIFO queue the number of the message's group. `lane` is the message's.
    """

    index: int
    generation: int
    seq: int
    lease_at: int
    token: bytes
    lane: int = 0


def seal(
    sealer: TokenSealer, partition: bytes, generation: int, seq: int, lease_at: int, token: bytes, lane: int = 0
) -> str:
    """Return the handle of one receive."""
    payload = _pack(partition, generation, seq, lease_at, token)
    return sealer.seal(_KIND, payload + _LANE.pack(lane) if lane else payload)


def parse(sealer: TokenSealer, partition: bytes, index: int, handle: str) -> Receipt:
    """Return what a handle says; raises `ReceiptHandleIsInvalid` unless this server sealed it for this queue."""
    try:
        payload = sealer.open(_KIND, handle)
    except InvalidToken as error:
        raise RECEIPT_HANDLE_IS_INVALID.error(reason="it was not made by this server") from error
    if len(payload) == _FORM_BYTES:
        lane = 0
    elif len(payload) == _FORM_BYTES + _LANE.size:
        (lane,) = _LANE.unpack_from(payload, _FORM_BYTES)
    else:
        raise RECEIPT_HANDLE_IS_INVALID.error(reason="it was not made by this server")
    queue, generation, seq, lease_at, token = _unpack(payload)
    if queue != partition:
        raise RECEIPT_HANDLE_OF_ANOTHER_QUEUE.error()
    return Receipt(index, generation, seq, lease_at, token, lane)

"""Masks of updates over gRPC: which attributes a request writes, and which it brings back to their defaults."""

from collections.abc import Sequence

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message as ProtoMessage


def written_and_reset(
    given: ProtoMessage, mask: FieldMask | None, names: Sequence[str]
) -> tuple[Sequence[str], tuple[str, ...]]:
    """Return the attributes that a request with the values `given` may write, without a mask all of `names`, and those
    it brings back: what the mask names and `given` has no value of. A name that is none is among these, where it is
    refused.
    """
    if mask is None:
        return names, ()
    masked = tuple(dict.fromkeys(mask.paths))
    written = [name for name in masked if name in names]
    return written, tuple(name for name in masked if name not in names or not given.HasField(name))

"""The record codec: msgspec structs as MessagePack arrays, the record version first.

Rules: fields are only ever appended, each with a default; `version` is the first field and grows when the meaning of a
field changes. An older program that rewrites a newer record would drop its new fields, hence the data folder's `FORMAT`
file refuses a newer minor version.
"""

from typing import TypeVar

import msgspec

_encoder = msgspec.msgpack.Encoder()
encode = _encoder.encode
"""Return the bytes of a record."""


class Record(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Base of every stored record; subclasses append fields. `version` is written first."""

    version: int = 1


R = TypeVar("R", bound=Record)


def decoder(kind: type[R]) -> "msgspec.msgpack.Decoder[R]":
    """Return the decoder of one record type; made once per type, at import."""
    return msgspec.msgpack.Decoder(kind)

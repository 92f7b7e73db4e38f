"""The one key encoding: FoundationDB's tuple order, the part of it that our schemas need.

Promises: `encode(a) < encode(b)` bytewise exactly when the tuples compare so, element by element (bytes < text <
integers by type tag, as in FoundationDB's "tuple layer" specification); `decode(encode(t)) == t`. Hot paths that end a
key in an id append `u64(id)` to a precomputed prefix: eight bytes without a tag, which keep the same order because
every key of that subspace ends so.
"""

import struct

Element = bytes | str | int
"""Integers are in [0, 2**64)."""

_NUL_ESCAPED = b"\x00\xff"
_U64 = struct.Struct(">Q")


def encode(elements: tuple[Element, ...]) -> bytes:
    """Return the key bytes of `elements`."""
    out = bytearray()
    for element in elements:
        if isinstance(element, bytes):
            out += b"\x01" + element.replace(b"\x00", _NUL_ESCAPED) + b"\x00"
        elif isinstance(element, str):
            out += b"\x02" + element.encode().replace(b"\x00", _NUL_ESCAPED) + b"\x00"
        else:
            assert 0 <= element < 1 << 64, element
            length = (element.bit_length() + 7) // 8
            out.append(0x14 + length)
            out += element.to_bytes(length, "big")
    return bytes(out)


def decode(key: bytes) -> tuple[Element, ...]:
    """Return the elements of a key made by `encode`; `ValueError` for anything else."""
    elements: list[Element] = []
    position = 0
    while position < len(key):
        tag = key[position]
        position += 1
        if tag in (1, 2):
            end = key.find(b"\x00", position)
            while end >= 0 and key[end + 1 : end + 2] == b"\xff":
                end = key.find(b"\x00", end + 2)
            if end < 0:
                raise ValueError("unterminated element")
            raw = key[position:end].replace(_NUL_ESCAPED, b"\x00")
            elements.append(raw if tag == 1 else raw.decode())
            position = end + 1
        elif 0x14 <= tag <= 0x1C:
            length = tag - 0x14
            if position + length > len(key):
                raise ValueError("truncated integer")
            elements.append(int.from_bytes(key[position : position + length], "big"))
            position += length
        else:
            raise ValueError(f"unknown element tag {tag:#x}")
    return tuple(elements)


def u64(value: int) -> bytes:
    """Return eight big-endian bytes: a fixed-width key element for hot paths and the form of partition ids."""
    return _U64.pack(value)


def after(prefix: bytes) -> bytes:
    """Return the first key behind every key that starts with `prefix` (the end of a range over it)."""
    stripped = prefix.rstrip(b"\xff")
    assert stripped, "nothing sorts behind a prefix of 0xff bytes"
    return stripped[:-1] + bytes((stripped[-1] + 1,))
